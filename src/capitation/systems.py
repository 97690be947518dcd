"""Several contracts in one accountable care system: added up, and nothing counted twice."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from capitation.errors import Problem, nearest, raise_if_any

MEASURES = (
    "total_payments",
    "whole_population_budget",
    "notional_budget",
    "core_in_budget",
    "services_budget",
    "local_schemes_in_budget",
    "payment_registered_list",
    "payment_weighted_list",
    "contract_weighted_population",
)
"""What is added up beside the streams, where any of the contracts has it."""

AREAS = ("practice", "commissioner_code")


def roll_up(
    results: Mapping[str, xr.Dataset],
    between: Mapping[tuple[str, str], float] | None = None,
    measures: Sequence[str] | None = None,
) -> xr.Dataset:
    """Add contracts up to one system, net of what they pay each other.

    Parameters
    ----------
    results : mapping of str to xarray.Dataset
        A result of `project` by name of the contract.
    between : mapping of (str, str) to float, optional
        What one contract pays another, by payer and payee, for patients that are its own. The
        money is in the total payments of both, and would be in the system's twice. [GBP/month]
    measures : sequence of str, optional
        What is added up: rules and totals by month, of practices or commissioners. If left out,
        total payments, the streams, and budgets and lists. A contract without it has nothing of it.

    Returns
    -------
    xarray.Dataset
        Each measure on ``contract``, ``scenario`` and ``month``, and without ``contract`` under
        its name with ``_of_system`` after it. What is in [GBP/month] is in whole pence, and is
        added up as such; it stands under its name with ``_of_year`` after it, in [GBP], on ``year``
        too. ``paid_to_others`` and ``received_from_others`` [GBP/month] on ``contract`` and
        ``month`` are what contracts pay each other: ``total_payments_of_system`` is net of it. The
        coordinate ``contract_of_practice`` says whose each practice is.

    Raises
    ------
    InputError
        For results without names, a practice in two contracts, scenarios, months or units that do
        not agree, a measure that no contract has or that is not by month and area, and payments of
        a contract that is not there, to itself, or below nothing. All at once.

    Examples
    --------
    >>> from capitation import example_practices, project
    >>> practices = example_practices()
    >>> parts = {"North": slice(0, 20), "South": slice(20, 50)}
    >>> model = "national-practice-income"
    >>> results = {
    ...     name: project(model, practices.isel(practice=part), months=12)
    ...     for name, part in parts.items()
    ... }
    >>> system = roll_up(results, {("North", "South"): 10_000})
    >>> of_contracts = system["total_payments_of_year"].sum("contract")
    >>> (of_contracts - system["total_payments_of_system_of_year"]).values.round(2).tolist()
    [[120000.0]]
    """
    between = {} if between is None else between
    raise_if_any([*_structural(results), *_structural_of_payments(between)])
    wanted = _usual(results) if measures is None else tuple(measures)
    raise_if_any(
        [*_overlaps(results), *_disagreements(results, wanted), *_payments(results, between)]
    )
    first = next(iter(results.values()))
    scenarios = _scenarios(first)
    rolled: dict[str, xr.DataArray] = {}
    for name in wanted:
        found = [_of_contract(result, name, scenarios) for result in results.values()]
        one = xr.concat(found, xr.Variable("contract", list(results)), join="exact")
        units = next(r[name].attrs["units"] for r in results.values() if name in r.data_vars)
        if units == "GBP/month":
            one = (one * 100).round()
        rolled[name] = one.assign_attrs(units=units)
        rolled[f"{name}_of_system"] = one.sum("contract").assign_attrs(units=units)
    for name, side in (("paid_to_others", 0), ("received_from_others", 1)):
        pence = [
            sum(round(100 * paid) for pair, paid in between.items() if pair[side] == contract)
            for contract in results
        ]
        flow = xr.DataArray(np.array(pence, float), {"contract": list(results)}, ("contract",))
        rolled[name] = flow.expand_dims(month=first["month"].values).transpose("contract", "month")
        rolled[name].attrs["units"] = "GBP/month"
    if "total_payments" in wanted:
        twice = rolled["received_from_others"].sum("contract")
        net = rolled["total_payments_of_system"] - twice
        rolled["total_payments_of_system"] = net.assign_attrs(units="GBP/month")
    return _in_pounds(xr.Dataset(rolled), results)


def _in_pounds(system: xr.Dataset, results: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """Months and years in pounds, of what is reckoned in pence."""
    years = next(iter(results.values()))["fiscal_year"].values.astype(str)
    in_order = xr.Variable("year", list(dict.fromkeys(years.tolist())))
    for name, found in list(system.data_vars.items()):
        if found.attrs["units"] != "GBP/month":
            continue
        parts = [found.isel(month=years == year).sum("month") for year in in_order.values]
        of_year = xr.concat(parts, in_order) / 100
        dims = [dim if dim != "month" else "year" for dim in found.dims]
        system[f"{name}_of_year"] = of_year.transpose(*dims).assign_attrs(units="GBP")
        system[name] = (found / 100).assign_attrs(found.attrs)
    whose = [(str(code), name) for name, one in results.items() for code in one["practice"].values]
    codes, names = zip(*whose, strict=True)
    return system.assign_coords(
        fiscal_year=("month", years),
        practice=list(codes),
        contract_of_practice=("practice", list(names)),
    )


def _of_contract(result: xr.Dataset, name: str, scenarios: list[str]) -> xr.DataArray:
    """A measure of the whole contract, in every scenario and month; nothing if it has none."""
    if name not in result.data_vars:
        shape = (len(scenarios), result.sizes["month"])
        labels: dict[str, Any] = {"scenario": scenarios, "month": result["month"].values}
        return xr.DataArray(np.zeros(shape), labels, tuple(labels))
    found = result[name].sum(_area(result[name])).reset_coords(drop=True)
    if "scenario" not in found.dims:
        found = found.expand_dims(scenario=scenarios)
    return found.transpose("scenario", "month").assign_coords(scenario=scenarios)


def _area(found: xr.DataArray) -> str:
    return next(area for area in AREAS if area in found.dims)


def _scenarios(result: xr.Dataset) -> list[str]:
    return [str(name) for name in np.atleast_1d(result["scenario"].values)]


def _usual(results: Mapping[str, xr.Dataset]) -> tuple[str, ...]:
    """Total payments, the streams of all the contracts, and the budgets and lists there are."""
    there = {str(name) for result in results.values() for name in result.data_vars}
    streams = [name for r in results.values() for name in json.loads(r.attrs.get("streams", "[]"))]
    wanted = ["total_payments", *(name for name in (*streams, *MEASURES) if name in there)]
    return tuple(dict.fromkeys(wanted))


# What is wrong with what is given ---------------------------------------------------------------


def _structural(results: Mapping[str, xr.Dataset]) -> Iterator[Problem]:
    mend = "give a result of project by name of its contract: {'North': north, 'South': south}"
    if not hasattr(results, "items") or hasattr(results, "data_vars"):
        yield Problem("contracts", f"found {type(results).__name__}, without names", mend)
        return
    if not results:
        yield Problem("contracts", "there are none", mend)
    for name, result in results.items():
        if not hasattr(result, "data_vars"):
            found = f"found {type(result).__name__}"
            yield Problem(f"contract {name}", found, "give results as project makes them")
            continue
        absent = [one for one in ("practice", "month", "scenario") if one not in result.coords]
        if absent:
            found = f"has no coordinate {', '.join(absent)}"
            yield Problem(f"contract {name}", found, "give results as project makes them")


def _structural_of_payments(between: Mapping[tuple[str, str], float]) -> Iterator[Problem]:
    mend = "give pounds a month by payer and payee: {('North', 'South'): 1000}"
    if not hasattr(between, "items"):
        yield Problem("payments between", f"found {type(between).__name__}", mend)
        return
    for pair in between:
        if not isinstance(pair, tuple) or len(pair) != 2:
            yield Problem("payments between", f"found {pair!r}", mend)


def _overlaps(results: Mapping[str, xr.Dataset]) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for name, result in results.items():
        for code in result["practice"].values.astype(str).tolist():
            if code in seen:
                found = f"practice {code} is in contract {seen[code]} too"
                yield Problem(f"contract {name}", found, "a practice is in one contract")
            seen.setdefault(code, name)


def _disagreements(results: Mapping[str, xr.Dataset], wanted: Sequence[str]) -> Iterator[Problem]:
    whose, first = next(iter(results.items()))
    for name, result in results.items():
        where = f"contract {name}"
        if _scenarios(result) != _scenarios(first):
            told = f"has scenarios {', '.join(_scenarios(result))}"
            yield Problem(where, told, f"{whose} has {', '.join(_scenarios(first))}")
        if not np.array_equal(result["month"].values, first["month"].values):
            yield Problem(where, f"runs {_span(result)}", f"{whose} runs {_span(first)}")
        if "total_payments" in wanted and "total_payments" not in result.data_vars:
            mend = "have it among the variables that are projected"
            yield Problem(where, "there is no 'total_payments' in its result", mend)
    for measure in wanted:
        having = {n: r[measure] for n, r in results.items() if measure in r.data_vars}
        if not having and measure != "total_payments":
            known = {str(name) for result in results.values() for name in result.data_vars}
            yield Problem("measures", f"no contract has {measure!r}", nearest(measure, known))
        for name, found in having.items():
            if "month" not in found.dims or not set(AREAS) & set(found.dims):
                mend = "name what is of practices or commissioners by month"
                yield Problem(f"contract {name}", f"{measure!r} is not by area and month", mend)
        units = {str(found.attrs.get("units")): name for name, found in having.items()}
        if len(units) > 1:
            told = ", ".join(f"{unit} in {name}" for unit, name in units.items())
            yield Problem("measures", f"{measure!r} is in {told}", "add up what is alike")


def _span(result: xr.Dataset) -> str:
    months = result["month"].values.astype("datetime64[M]")
    return f"{len(months)} months from {months[0]}"


def _payments(
    results: Mapping[str, xr.Dataset], between: Mapping[tuple[str, str], float]
) -> Iterator[Problem]:
    for (payer, payee), paid in between.items():
        where = f"payment of {payer} to {payee}"
        for name in dict.fromkeys((payer, payee)):
            if name not in results:
                yield Problem(where, f"there is no contract {name!r}", nearest(name, results))
        if payer == payee:
            yield Problem(where, "a contract pays itself", "leave it out")
        if not 0 <= paid < np.inf:
            mend = "swap payer and payee" if paid < 0 else "give pounds a month"
            yield Problem(where, f"is {paid:,.2f}", mend)
