"""Care hubs: are they of the right size, where are their practices, and what do they cost.

A care hub serves 30,000 to 50,000 patients, a multispecialty community provider at least 100,000.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr

from capitation.by_year import amounts_by_year
from capitation.errors import Problem, raise_if_any
from capitation.national import national_terms
from capitation.practices import in_hubs
from capitation.sources.local_csv import read_inputs


def check_hubs(
    practices: xr.Dataset,
    hubs: Mapping[str, str],
    *,
    least: float | None = None,
    most: float | None = None,
    least_of_all: float | None = None,
) -> xr.Dataset:
    """Hold each hub's registered list against the size that a care hub is meant to have.

    Parameters
    ----------
    practices : xarray.Dataset
        On ``practice``, with ``registered_list``.
    hubs : mapping of str to str
        Name of the hub of each practice, as `read_hubs` reads it.
    least, most : float, optional
        Of a hub's list; 30,000 and 50,000 if left out. [patient]
    least_of_all : float, optional
        Of the list of all hubs together; 100,000 if left out. [patient]

    Returns
    -------
    xarray.Dataset
        On ``hub``: ``list_size`` [patient], number of ``practices``, ``right_size`` and ``why``
        not, in words. Without a dimension: ``whole_list`` [patient] and ``large_enough``.

    Raises
    ------
    InputError
        As from `in_hubs`.

    Source
    ------
    Written answer of 13 October 2016 on the vanguards: terms ``hub_list_least``,
    ``hub_list_most`` and ``provider_list_least``.

    Examples
    --------
    >>> from capitation import example_practices
    >>> practices = example_practices()
    >>> halves = {f"EX{n:03d}": "North" if n < 8 else "South" for n in range(1, 51)}
    >>> for why in check_hubs(practices, halves)["why"].values:
    ...     print(why)
    <BLANKLINE>
    262,113 patients, 212,113 over the most of 50,000
    """
    least, most = figure_of_hubs("hub_list_least", least), figure_of_hubs("hub_list_most", most)
    least_of_all = figure_of_hubs("provider_list_least", least_of_all)
    names = in_hubs(practices, hubs)["commissioner"].values.astype(str)
    hub, at = np.unique(names, return_inverse=True)
    lists = practices["registered_list"].values.astype(float)
    sizes = np.bincount(at, lists)
    why = []
    for size in sizes.tolist():
        over, under = size - most, least - size
        told = f"{size:,.0f} patients, "
        if over > 0:
            why.append(f"{told}{over:,.0f} over the most of {most:,.0f}")
        else:
            why.append(
                f"{told}{under:,.0f} short of the least of {least:,.0f}" if under > 0 else ""
            )
    return xr.Dataset(
        {
            "list_size": ("hub", sizes, {"units": "patient", "long_name": "Registered list"}),
            "practices": ("hub", np.bincount(at), {"units": "1", "long_name": "Practices"}),
            "right_size": ("hub", [not reason for reason in why]),
            "why": ("hub", why),
            "whole_list": ((), sizes.sum(), {"units": "patient"}),
            "large_enough": ((), bool(sizes.sum() >= least_of_all)),
        },
        {"hub": hub},
        {"least": least, "most": most, "least_of_all": least_of_all},
    )


def read_coordinates(path: str | os.PathLike[str]) -> pd.DataFrame:
    r"""Read where practices are: headings ``practice``, ``easting``, ``northing``; a row each.

    Parameters
    ----------
    path : path-like
        A CSV file, encoded as for `read_inputs`; on any grid in metres, the national grid say.

    Returns
    -------
    pandas.DataFrame
        ``easting`` and ``northing`` [metres] by code of the practice; its attribute ``source`` is
        the file's name.

    Raises
    ------
    InputError
        If the file cannot be read, a practice or heading stands twice, is missing or unknown, or a
        cell is blank or not a number. Every problem, with file, row and column.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "places.csv"
    ...     _ = file.write_text("practice,easting,northing\nA99001,464000,100500\n", "utf-8")
    ...     read_coordinates(file).loc["A99001"].tolist()
    [464000.0, 100500.0]
    """
    read = read_inputs(path)
    names, place = ("easting", "northing"), str(read.attrs["source"])
    found = [str(name) for name in read.data_vars]
    problems = [
        Problem(place, f'no column "{name}"', "in metres, on the national grid say")
        for name in names
        if name not in found
    ]
    mend = "the columns are practice, easting and northing"
    problems += [Problem(place, f"{n!r} is no coordinate", mend) for n in found if n not in names]
    raise_if_any(problems)
    places = read[[*names]].to_dataframe()
    places.attrs["source"] = place
    return places


def cost_of_hubs(
    result: xr.Dataset,
    hubs: Mapping[str, str],
    name: str = "total_payments",
    running_cost: float | None = None,
) -> xr.Dataset:
    """Add up by hub and year what a projection pays practices, and the cost of running the hubs.

    Parameters
    ----------
    result : xarray.Dataset
        From `project`.
    hubs : mapping of str to str
        Name of the hub of each practice.
    name : str
        What is added up: a rule or total of each practice, as for `amounts_by_year`.
    running_cost : float, optional
        Of each hub, in twelfths for the months of a year that are in the run; the national term
        ``hub_running_cost`` if left out. [GBP/year]

    Returns
    -------
    xarray.Dataset
        [GBP] On ``scenario``, ``hub`` and ``year``: ``paid``; ``running_cost`` on ``year``; and
        their sum ``cost``.

    Raises
    ------
    InputError
        As from `in_hubs`, for a running cost below nothing, and for a name of which there are no
        amounts by practice.
    """
    names = in_hubs(result, hubs)["commissioner"].values.astype(str)
    running = figure_of_hubs("hub_running_cost", running_cost)
    amounts = amounts_by_year(result, name)
    problems = [] if running >= 0 else [Problem("running cost", f"is {running:,.2f}", "0 or more")]
    if "practice" not in amounts.dims:
        problems.append(Problem(name, "is of the commissioner", "name what is of a practice"))
    raise_if_any(problems)
    paid = amounts.drop_vars("commissioner").assign_coords(hub=("practice", names))
    paid = paid.groupby("hub").sum("practice").transpose("scenario", "hub", "year")
    years = result["fiscal_year"].values.astype(str)
    months = [int((years == year).sum()) for year in paid["year"].values]
    of_year = xr.DataArray(
        running * np.array(months) / 12, {"year": paid["year"]}, attrs=paid.attrs
    )
    whole = {"paid": paid, "running_cost": of_year, "cost": paid + of_year}
    return xr.Dataset(whole).map(lambda one: one.assign_attrs(units="GBP"))


def figure_of_hubs(term: str, given: float | None) -> float:
    """What is given, or else the national term."""
    return given if given is not None else national_terms()[0][term].values[-1].value
