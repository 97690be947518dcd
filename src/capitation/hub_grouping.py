"""Practices of a commissioner are grouped in care hubs by distance, with a solver."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
import xarray as xr

from capitation.errors import InputError, Problem, raise_if_any
from capitation.hub_solver import Grouping, distances, group, neighbours, pieces, solver_or_error
from capitation.hubs import figure_of_hubs
from capitation.practices import counted, place_of

CANDIDATES = 15
"""The hub's centre is one of so many nearest practices, unless no grouping is found so."""


def group_into_hubs(
    practices: xr.Dataset,
    coordinates: pd.DataFrame,
    least: float | None = None,
    most: float | None = None,
    *,
    in_one_piece: bool = True,
    time_limit: float = 30.0,
    gap: float = 0.05,
) -> xr.Dataset:
    """Group the practices of each commissioner in hubs of a right size, as near as can be.

    A solver (HiGHS) chooses one practice as the centre of each hub, so that the list-weighted
    distance of practices to their hub's centre is least, with every hub's list within bounds.

    Parameters
    ----------
    practices : xarray.Dataset
        On ``practice``, with ``registered_list``.
    coordinates : pandas.DataFrame
        From `read_coordinates`; rows about other practices are left out.
    least, most : float, optional
        Of a hub's list; 30,000 and 50,000 if left out. [patient]
    in_one_piece : bool
        Whether every practice must be linked to its hub's centre by practices of the hub, each a
        neighbour of the next: with no third practice in the circle that has the two as its
        diameter. Coordinates of practices are all that is known: nothing of roads and rivers.
    time_limit : float
        For the solver and each commissioner. A run that it ends may give another grouping on
        another machine: ``share_to_gain`` is then more than `gap`. [seconds]
    gap : float
        The solver stops when no grouping can save more than this share of the distance.

    Returns
    -------
    xarray.Dataset
        On ``practice``: the name of its ``hub_of_practice`` and the ``distance`` to its centre
        [metres]. On ``hub``: ``list_size`` [patient], number of ``practices``, ``centre``, mean
        ``distance_of_patients`` [metres] and whether it hangs together, ``connected``. On
        ``commissioner_code``: ``share_to_gain``, the most of the distance that any other
        grouping could save.

    Raises
    ------
    InputError
        For a practice without coordinates or with a list larger than the most, lists of which no
        whole number of hubs can be made, if no grouping is found, and without SciPy.

    Notes
    -----
    The centre of a hub is one of the fifteen nearest practices of each of its practices, unless no
    grouping is found so.

    Examples
    --------
    >>> from capitation import example_practices
    >>> practices = example_practices().isel(practice=slice(0, 14))
    >>> places = {"easting": [n % 4 * 900.0 for n in range(14)]}
    >>> places["northing"] = [n // 4 * 700.0 for n in range(14)]
    >>> found = group_into_hubs(practices, pd.DataFrame(places, practices["practice"].values))
    >>> found.sizes["hub"], bool(found["connected"].all())
    (2, True)
    """
    solver_or_error()
    least, most = figure_of_hubs("hub_list_least", least), figure_of_hubs("hub_list_most", most)
    raise_if_any(_faults(practices, coordinates, least, most))
    codes = practices["practice"].values.astype(str)
    lists = practices["registered_list"].values.astype(float)
    points = coordinates.loc[codes, ["easting", "northing"]].to_numpy(float)
    apart = distances(points)
    area = practices["commissioner"].values.astype(str)
    centre = np.empty(len(codes), dtype=np.intp)
    connected: dict[int, bool] = {}
    to_gain: dict[str, float] = {}
    for code in np.unique(area).tolist():
        rows = np.flatnonzero(area == code)
        own = apart[np.ix_(rows, rows)]
        found = Grouping(None)
        for candidates in sorted({min(CANDIDATES, len(rows)), len(rows)}):
            if found.centre is None and not found.told:
                found = group(
                    lists[rows],
                    own,
                    least,
                    most,
                    candidates=candidates,
                    in_one_piece=in_one_piece,
                    time_limit=time_limit,
                    gap=gap,
                )
        if found.centre is None:
            raise InputError(_none_found(code, found, in_one_piece, time_limit))
        centre[rows] = rows[found.centre]
        come_to = (np.maximum(lists[rows], 1.0) * apart[rows, centre[rows]]).sum()
        to_gain[code] = max(1 - found.bound / come_to, 0.0) if come_to > 0 else 0.0
        near = neighbours(own)
        for hub in np.unique(found.centre).tolist():
            members = np.flatnonzero(found.centre == hub)
            connected[int(rows[hub])] = len(list(pieces(members, near))) == 1
    return _dataset(practices, centre, apart, connected, to_gain)


def hub_mapping(grouping: xr.Dataset) -> dict[str, str]:
    """Name of the hub by practice, as `in_hubs` and `check_hubs` take it.

    Parameters
    ----------
    grouping : xarray.Dataset
        From `group_into_hubs`.

    Returns
    -------
    dict of str to str
    """
    codes = grouping["practice"].values.astype(str).tolist()
    return dict(zip(codes, grouping["hub_of_practice"].values.astype(str).tolist(), strict=True))


# What is wrong with what is given ---------------------------------------------------------------


def _faults(
    practices: xr.Dataset, coordinates: pd.DataFrame, least: float, most: float
) -> Iterator[Problem]:
    if not 0 < least <= most:
        found = f"the least of a hub is {least:,.0f} and the most {most:,.0f}"
        yield Problem("hubs", found, "the least is over 0, and not over the most")
        return
    known = coordinates.index.astype(str).tolist()
    wanted = practices["practice"].values.astype(str).tolist()
    lists = practices["registered_list"].values.astype(float)
    place = place_of(practices)
    there = set(known)
    finite = np.isfinite(coordinates[["easting", "northing"]].to_numpy(float)).all(axis=1)
    absent = [code for code in wanted if code not in there]
    no_numbers = [code for code, number in zip(known, finite, strict=True) if not number]
    twice = [code for code, count in Counter(known).items() if count > 1]
    every = "give easting and northing of every practice"
    for codes, found, mend in (
        (absent, "no coordinates of", every),
        (no_numbers, "coordinates that are no numbers, of", "give them in metres"),
        (twice, "more than one row of", "keep one of each"),
    ):
        if codes:
            where = str(coordinates.attrs.get("source", "coordinates"))
            yield Problem(where, f"{found} {counted(codes)}", mend)
    for code, size in zip(wanted, lists.tolist(), strict=True):
        if size > most:
            found = f"{size:,.0f} patients, more than the {most:,.0f} of a whole hub"
            mend = f"let hubs have {size:,.0f}, or split the list by branch surgery"
            yield Problem(f"{place}, practice {code}", found, mend)
    area = practices["commissioner"].values.astype(str)
    for code in np.unique(area).tolist():
        whole = lists[area == code].sum()
        fewest, greatest = math.ceil(whole / most), math.floor(whole / least)
        if fewest > greatest:
            found = f"{whole:,.0f} patients are no whole number of hubs of {least:,.0f}–{most:,.0f}"
            mend = f"let hubs have from {math.floor(whole / max(fewest, 1)):,}"
            if greatest:
                mend += f", or up to {math.ceil(whole / greatest):,}"
            yield Problem(f"{place}, commissioner {code}", found, mend)


def _none_found(area: str, found: Grouping, in_one_piece: bool, seconds: float) -> Problem:
    if found.told:
        return Problem(
            f"hubs of {area}",
            f"no grouping was found in {seconds:g} seconds",
            "give the solver more time, or hubs more room between the least and the most",
        )
    mend = "lower the least, or raise the most"
    mend += ", or do without hubs in one piece" if in_one_piece else ""
    return Problem(f"hubs of {area}", "there is no grouping with every hub within bounds", mend)


def _dataset(
    practices: xr.Dataset,
    centre: np.ndarray,
    apart: np.ndarray,
    connected: Mapping[int, bool],
    to_gain: Mapping[str, float],
) -> xr.Dataset:
    codes = practices["practice"].values.astype(str)
    lists = practices["registered_list"].values.astype(float)
    centres, at = np.unique(centre, return_inverse=True)
    names = np.array([f"Hub {codes[one]}" for one in centres])
    distance = apart[np.arange(len(codes)), centre]
    sizes = np.bincount(at, lists)
    metres, patients = {"units": "metre"}, {"units": "patient", "long_name": "Registered list"}
    return xr.Dataset(
        {
            "hub_of_practice": ("practice", names[at]),
            "distance": ("practice", distance, metres),
            "list_size": ("hub", sizes, patients),
            "practices": ("hub", np.bincount(at), {"units": "1"}),
            "centre": ("hub", codes[centres]),
            "distance_of_patients": ("hub", np.bincount(at, lists * distance) / sizes, metres),
            "connected": ("hub", [connected[one] for one in centres.tolist()]),
            "share_to_gain": ("commissioner_code", list(to_gain.values()), {"units": "1"}),
        },
        {"practice": codes, "hub": names, "commissioner_code": list(to_gain)},
    )
