"""Pounds by fiscal year: what a projection's amounts add up to."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr

from capitation.engine.units import Unit
from capitation.errors import Problem, nearest, raise_if_any

PER_MONTH, PER_YEAR = Unit.parse("GBP/month"), Unit.parse("GBP/year")
TIME_OF = {PER_MONTH: "month", PER_YEAR: "year"}
"""What adds up: so much a month that moves by month, so much a year that moves by year."""

AREAS = ("practice", "commissioner_code")


def amounts_by_year(result: xr.Dataset, name: str) -> xr.DataArray:
    """Add up what is paid in each fiscal year.

    Parameters
    ----------
    result : xarray.Dataset
        From `project`, or a part of it.
    name : str
        A rule or total of a practice or a commissioner: [GBP/month] by month, or [GBP/year] by
        year.

    Returns
    -------
    xarray.DataArray
        [GBP] on ``scenario``, ``practice`` or ``commissioner_code``, and ``year``. What does not
        depend on the scenario is the same in each.

    Raises
    ------
    InputError
        For a name that is not in the result, and for what does not add up to pounds.

    Examples
    --------
    >>> from capitation import example_practices, project
    >>> result = project("national-practice-income", example_practices(), months=14)
    >>> paid = amounts_by_year(result, "total_payments")
    >>> dict(paid.sizes), paid.attrs["units"]
    ({'scenario': 1, 'practice': 50, 'year': 2}, 'GBP')
    """
    raise_if_any(_faults(result, name))
    found = result[name]
    area = next(dim for dim in AREAS if dim in found.dims)
    scenarios = [str(scenario) for scenario in np.atleast_1d(result["scenario"].values)]
    years = [str(year) for year in result["year"].values]
    time = "month" if "month" in found.dims else "year"
    wider = found if "scenario" in found.dims else found.expand_dims(scenario=scenarios)
    amounts = wider.transpose("scenario", area, time).values
    if time == "month":
        of_month = result["fiscal_year"].values
        amounts = np.stack([amounts[..., of_month == year].sum(axis=-1) for year in years], axis=-1)
    labels = {"scenario": scenarios, area: result[area].values, "year": years}
    attributes = {"units": "GBP", "long_name": str(found.attrs["long_name"])}
    added = xr.DataArray(amounts, labels, ("scenario", area, "year"), name, attributes)
    if area == "practice":
        added = added.assign_coords(commissioner=("practice", result["commissioner"].values))
    return added


def of_commissioners(amounts: xr.DataArray) -> xr.DataArray:
    """Add practices up by commissioner, unless the amounts are a commissioner's already.

    Parameters
    ----------
    amounts : xarray.DataArray
        From `amounts_by_year`.

    Returns
    -------
    xarray.DataArray
        [GBP] on ``scenario``, ``commissioner_code`` and ``year``.
    """
    if "commissioner_code" in amounts.dims:
        return amounts
    of_practice = amounts["commissioner"].values
    codes = np.unique(of_practice)
    values = amounts.values
    sums = np.stack([values[:, of_practice == code].sum(axis=1) for code in codes], axis=1)
    labels = {
        "scenario": amounts["scenario"].values,
        "commissioner_code": codes,
        "year": amounts["year"].values,
    }
    return xr.DataArray(sums, labels, tuple(labels), amounts.name, amounts.attrs)


def measures_that_differ(
    result: xr.Dataset, before: str, after: str
) -> list[tuple[tuple[str, ...], xr.DataArray]]:
    """Find the amounts that come to something else, to the penny, in one scenario than in another.

    Parameters
    ----------
    result : xarray.Dataset
        From `project`.
    before, after : str
        Names of two scenarios of it.

    Returns
    -------
    list of (tuple of str, xarray.DataArray)
        Names of rules and totals that differ by the same, and by how much: after less before [GBP],
        on ``commissioner_code`` and ``year``. The largest differences first.

    Examples
    --------
    >>> from capitation import example_practices, project
    >>> scenarios = ["april-2015", "april-2016"]
    >>> result = project("thames-valley-pms", example_practices(), scenarios)
    >>> for names, _ in measures_that_differ(result, *scenarios):
    ...     print(*names)
    premium_paid pms_premium
    premium_withdrawn premium_released pool_reinvested premium_reinvested
    """
    alike: dict[tuple[int, ...], tuple[list[str], xr.DataArray]] = {}
    for name, found in result.data_vars.items():
        if "scenario" not in found.dims or not _adds_up(found):
            continue
        amounts = of_commissioners(amounts_by_year(result, str(name)))
        change = amounts.sel(scenario=after, drop=True) - amounts.sel(scenario=before, drop=True)
        pence = np.rint(change.values * 100).astype(int)
        if pence.any():
            names, _ = alike.setdefault(tuple(pence.ravel().tolist()), ([], change))
            names.append(str(name))
    by_size = sorted(alike.items(), key=lambda item: -sum(map(abs, item[0])))
    return [(tuple(names), change) for _, (names, change) in by_size]


def _faults(result: xr.Dataset, name: str) -> Iterator[Problem]:
    if name not in result.data_vars:
        amounts = [str(n) for n, found in result.data_vars.items() if _adds_up(found)]
        yield Problem("result", f"{name!r} is not in it", nearest(name, amounts))
    elif not _adds_up(result[name]):
        yield not_pounds(name, str(result[name].attrs.get("units", "?")))


def _adds_up(found: xr.DataArray) -> bool:
    return adds_up(Unit.parse(str(found.attrs["units"])), tuple(map(str, found.dims)))


def adds_up(unit: Unit, dims: tuple[str, ...]) -> bool:
    """Whether amounts of a unit, on some dimensions, add up to pounds in a fiscal year."""
    return TIME_OF.get(unit) in dims and any(area in dims for area in AREAS)


def not_pounds(name: str, unit: str) -> Problem:
    """What is said of a rule that does not add up to pounds in a fiscal year."""
    mend = "name what is GBP/month by month, or GBP/year by year, of a practice or a commissioner"
    return Problem(name, f"its amounts [{unit}] do not add up to pounds by fiscal year", mend)
