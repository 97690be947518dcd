"""Pace of change: how allocations move towards their targets, within a fixed total."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from capitation.errors import Problem, raise_if_any
from capitation.fixed_total import (
    HELD_BY,
    NOISE,
    FixedTotal,
    filled,
    in_whole_units,
    infeasible,
)
from capitation.national import national_terms

if TYPE_CHECKING:
    import numpy.typing as npt
    import xarray as xr

    Numbers = npt.NDArray[np.float64]

PLACES = {"pound": 1, "penny": 100}
"""How many of a unit are in a pound."""


def pace_of_change(
    allocation: xr.DataArray,
    target: xr.DataArray,
    total: xr.DataArray | float,
    *,
    slope: float,
    minimum_growth: xr.DataArray | float,
    most_under_target: float | None = None,
    over_target: float = 0.0,
    most_growth_over_target: xr.DataArray | float | None = None,
    population_growth: xr.DataArray | float = 0.0,
    minimum_growth_per_head: xr.DataArray | float | None = None,
    unit: str = "pound",
) -> xr.Dataset:
    """Move allocations towards their targets, so that they add up to a fixed total.

    Parameters
    ----------
    allocation : xarray.DataArray
        [GBP/year] before the first year, along one dimension such as ``commissioner``.
    target : xarray.DataArray
        [GBP/year], along the same dimension; with ``year``, one after another.
    total : float or xarray.DataArray
        [GBP/year] to be shared out; with ``year`` where the target has it.
    slope : float
        Growth for each share of the target that an allocation lies under it, 0 or more: 1 would
        close the whole distance, if nothing else held.
    minimum_growth : float or xarray.DataArray
        [1] Growth that everyone has, whatever the distance.
    most_under_target : float, optional
        [1] Nobody is further under target afterwards. The term ``most_under_target``, 5%, if left
        out; 1 for no such rule.
    over_target : float
        [1] Who lies over target by more than this is capped.
    most_growth_over_target : float or xarray.DataArray, optional
        [1] The cap. Without it there is none.
    population_growth : float or xarray.DataArray
        [1] For what is said a head.
    minimum_growth_per_head : float or xarray.DataArray, optional
        [1] Growth a head that everyone has.
    unit : {"pound", "penny"}
        In whole ones of which everybody is paid.

    Returns
    -------
    xarray.Dataset
        Along the allocation's dimension, and ``year`` if the target has it: `allocation` and
        `change` [GBP/year]; `growth`, `distance_before` and `distance_after` [1]; `held_by`, what
        decided the growth: ``formula``, ``minimum growth``, ``most under target`` or ``cap over
        target``; and for each year `base_growth` [1].

    Raises
    ------
    InputError
        If a figure cannot be, or no allocations meet all conditions: with every reason.

    Notes
    -----
    Each growth is ``base − slope × distance before``, but not under its floors nor over its cap.
    The base is the one for which the amounts add up to the total: their sum never falls as the base
    rises, and is straight between the bases at which someone leaves a floor or meets a cap. Those
    are sorted, and the base lies on the piece that reaches the total. The amounts are cut to whole
    units, and what is left goes to the largest remainders, in the order of the codes where these
    are equal. Floors and caps hold to the unit.

    So who is further under target never grows by less, but for rounding to the unit and for floors
    that differ between commissioners.

    The algorithm is a generic one: no year's published pace of change is claimed. The rule of 5%
    is NHS England's of 2016/17.

    Examples
    --------
    >>> import xarray as xr
    >>> def of(*values):
    ...     return xr.DataArray([float(n) for n in values], {"commissioner": ["A", "B", "C"]})
    >>> moved = pace_of_change(
    ...     of(900, 1000, 1100), of(1020, 1020, 1020), 3090, slope=0.25, minimum_growth=0.01
    ... )
    >>> moved["allocation"].values.tolist(), moved["held_by"].values.tolist()
    ([969.0, 1010.0, 1111.0], ['most under target', 'minimum growth', 'minimum growth'])
    """
    import xarray as xr

    if most_under_target is None:
        most_under_target = national_terms()[0]["most_under_target"].values[-1].value
    places = PLACES.get(unit, 0)
    numbers = {"slope": slope, "most_under_target": most_under_target, "over_target": over_target}
    raise_if_any(_structural_problems(allocation, target, numbers, unit))
    raise_if_any(_year_problems(target, total))
    dim = str(allocation.dims[0])
    codes = allocation[dim].values.astype(str)
    target = target.sel({dim: allocation[dim]})
    rates = {
        "minimum_growth": minimum_growth,
        "most_growth_over_target": most_growth_over_target,
        "population_growth": population_growth,
        "minimum_growth_per_head": minimum_growth_per_head,
    }
    years = target["year"].values.tolist() if "year" in target.dims else [None]
    opening = allocation.values.astype(float)
    solved = []
    for year in years:

        def of_year(array: Any, year: Any = year) -> Any:
            has_year = isinstance(array, xr.DataArray) and "year" in array.dims
            return array.sel(year=year) if has_year else array

        aims = of_year(target).values.astype(float)
        shared = float(of_year(total))
        where = "pace of change" if year is None else f"pace of change, {year}"
        wrong = list(_number_problems(where, codes, opening, aims, shared * places))
        given = {
            name: _along(dim, allocation, of_year(rate))
            for name, rate in rates.items()
            if rate is not None
        }
        finite = {name: bool(np.isfinite(rate).all()) for name, rate in given.items()}
        wrong += [Problem(where, f"{name} is not finite") for name in finite if not finite[name]]
        raise_if_any(wrong)
        distance = opening / aims - 1
        floor = given["minimum_growth"]
        if "minimum_growth_per_head" in given:
            per_head = 1 + given["minimum_growth_per_head"]
            floor = np.maximum(floor, per_head * (1 + given["population_growth"]) - 1)
        most = np.full(len(opening), np.inf)
        if "most_growth_over_target" in given:
            capped = distance > over_target
            cap = opening * places * (1 + given["most_growth_over_target"])
            most[capped] = np.floor(cap * (1 + NOISE))[capped]
        problem = FixedTotal(
            where=where,
            codes=codes,
            opening=opening * places,
            target=aims * places,
            total=round(shared * places),
            towards=-slope * distance,
            growth_floor=np.ceil(opening * places * (1 + floor) * (1 - NOISE)),
            distance_floor=np.ceil(aims * places * (1 - most_under_target) * (1 - NOISE)),
            most=most,
            units=places,
        )
        raise_if_any(infeasible(problem))
        base, exact = filled(problem)
        amounts = in_whole_units(problem, exact) / places
        solved.append(_result(problem, dim, allocation, opening, amounts, exact, base))
        opening = amounts
    found = solved[0]
    if years != [None]:
        found = xr.concat(solved, dim=xr.DataArray(years, dims="year", name="year"))
    said = {"slope": slope, "most_under_target": most_under_target, "unit": unit}
    return found.assign_attrs(title="Pace of change", **said)


def _along(dim: str, allocation: xr.DataArray, rate: Any) -> Numbers:
    """A rate for each commissioner, in the allocation's order."""
    if hasattr(rate, "dims") and dim in rate.dims:
        return np.asarray(rate.sel({dim: allocation[dim]}).values, dtype=float)
    return np.full(allocation.sizes[dim], float(rate))


# What is wrong -----------------------------------------------------------------------------------


def _structural_problems(
    allocation: xr.DataArray, target: xr.DataArray, numbers: dict[str, float], unit: str
) -> Iterator[Problem]:
    if len(allocation.dims) != 1 or allocation.dims[0] not in allocation.coords:
        mend = "give one dimension, with its codes"
        yield Problem("allocation", f"has the dimensions {allocation.dims}", mend)
        return
    dim = allocation.dims[0]
    if {*target.dims} - {"year"} != {dim} or dim not in target.coords:
        mend = f"give {dim!r} with its codes, and 'year' if there are several"
        yield Problem("target", f"has the dimensions {target.dims}", mend)
        return
    codes = allocation[dim].values.astype(str).tolist()
    aims = target[dim].values.astype(str).tolist()
    if len(set(codes)) < len(codes) or not codes:
        yield Problem("allocation", "has no code, or one twice", "give each once")
    if sorted(codes) != sorted(aims):
        differ = sorted({*codes} ^ {*aims})
        found = f"is not of the allocation's commissioners: {', '.join(differ[:12])}"
        yield Problem("target", found, "give an allocation and a target for each")
    if unit not in PLACES:
        yield Problem("unit", f"found {unit!r}", "'pound' or 'penny'")
    bounds = {"slope": np.inf, "most_under_target": 1.0, "over_target": np.inf}
    for name, value in numbers.items():
        if not (0 <= value <= bounds[name] and np.isfinite(value)):
            most = "" if np.isinf(bounds[name]) else f", {bounds[name]:g} at most"
            yield Problem(name, f"found {value:g}", f"0 or more{most}")


def _year_problems(target: xr.DataArray, total: Any) -> Iterator[Problem]:
    dims = getattr(total, "dims", ())
    if not dims:
        return
    if dims != ("year",) or "year" not in target.dims:
        yield Problem("total", f"has the dimensions {dims}", "'year', if the target has it")
        return
    known = set(total["year"].values.tolist())
    absent = [str(year) for year in target["year"].values.tolist() if year not in known]
    if absent:
        yield Problem("total", f"there is none for {', '.join(absent)}", "give one for each year")


def _number_problems(
    where: str, codes: Any, opening: Numbers, target: Numbers, total: float
) -> Iterator[Problem]:
    for name, values in (("allocation", opening), ("target", target)):
        for number in np.flatnonzero(~(np.isfinite(values) & (values > 0))).tolist():
            found = f"the {name} of {codes[number]} is {values[number]:g}"
            yield Problem(where, found, "an amount above zero is wanted")
    if not (np.isfinite(total) and total > 0):
        yield Problem(where, "the total is not an amount above zero", "give pounds a year")
    elif abs(total - round(total)) > 1e-6 * max(1.0, abs(total) * 1e-9):
        yield Problem(where, "the total is not in whole units", "round it, or say unit='penny'")


def _result(
    year: FixedTotal,
    dim: str,
    allocation: xr.DataArray,
    opening: Numbers,
    amounts: Numbers,
    exact: Numbers,
    base: float,
) -> xr.Dataset:
    import xarray as xr

    by_distance = year.distance_floor > year.growth_floor
    held = np.where(exact <= year.least, 1 + by_distance, np.where(exact >= year.most, 3, 0))
    target = year.target / year.units
    share, money = "1", "GBP/year"
    variables = {
        "allocation": (amounts, money, "Allocation"),
        "change": (amounts - opening, money, "Allocation less that of the year before"),
        "growth": (amounts / opening - 1, share, "Growth of the allocation"),
        "distance_before": (
            opening / target - 1,
            share,
            "Allocation of the year before over the year's target, less one",
        ),
        "distance_after": (amounts / target - 1, share, "Allocation over target, less one"),
    }
    found = xr.Dataset(
        {
            name: (dim, values, {"units": unit, "long_name": title})
            for name, (values, unit, title) in variables.items()
        },
        {dim: allocation[dim]},
    )
    found["held_by"] = (dim, np.array(HELD_BY)[held], {"long_name": "What decides the growth"})
    title = "Growth at target, where nothing else holds"
    found["base_growth"] = ((), base, {"units": share, "long_name": title})
    return found
