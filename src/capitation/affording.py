"""Can commissioner, provider and practices afford a contract? By year, the first year first."""

from __future__ import annotations

import numpy as np
import xarray as xr

from capitation.engine.calendar import MARCH
from capitation.errors import InputError, Problem
from capitation.projection import whole

TESTS = ("commissioner_gap", "provider_gap", "commissioner_gap_with_provider", "practice_gap")
"""Rules of affordability: a gap a year, of a commissioner or a practice. None or less passes."""

PAID = "provider_income"
"""What a contract pays its provider in a year."""

A_PENNY = 0.01
"""A gap of less is none: amounts rounded to pence leave as much."""

PARTS = {
    "provider_gap": (
        (1, "do_nothing_cost"),
        (-1, "savings_delivered"),
        (1, "reprovision_of_year"),
        (-1, "saving_of_diversion_of_year"),
        (1, "double_running_of_year"),
        (1, "setup_cost_spent_of_year"),
        (1, "value_added_tax_leakage_of_year"),
        (-1, "provider_income"),
        (-1, "transition_fund_of_year"),
    ),
    "commissioner_gap": (
        (1, "commissioner_payments_of_year"),
        (1, "gains_of_others_of_year"),
        (1, "commissioning_staff_of_year"),
        (1, "integrator_procurement_of_year"),
        (1, "commissioner_reserves_of_year"),
        (-1, "commissioner_allocation"),
    ),
    "commissioner_gap_with_provider": (
        (1, "commissioner_gap"),
        (1, "gap_left_with_commissioner"),
    ),
}
"""The sum that makes each gap: what is added, and what is taken off."""


NOT_TESTED = "ends before March"
"""Why a year is not tested: what is settled in March, and what awaits it, is not in its gap."""


def affordability(result: xr.Dataset) -> xr.Dataset:
    """Test a contract: what is short in each fiscal year, and whether the first year passes.

    A year whose March is not in the run is not tested: shares and pools of its months are settled
    in a month that is not there.

    Parameters
    ----------
    result : xarray.Dataset
        From `project`, of a model with rules of affordability. All its rules must be in it.

    Returns
    -------
    xarray.Dataset
        For each test in the model (``commissioner_gap``, ``provider_gap``,
        ``commissioner_gap_with_provider``, ``practice_gap``):

        - ``<test>`` : the gap on ``scenario``, ``commissioner_code`` (or ``practice``) and
          ``year`` [GBP]; more than none fails;
        - ``<test>_passes`` : whether each year is tested, and passes;
        - ``<test>_passes_first_year``, of the contract's first year, and
          ``<test>_passes_every_year``, of the years tested;
        - ``<test>_mean`` [GBP] and ``<test>_passes_on_average``: what a test of the mean of the
          years tested would have said. It decides nothing;
        - ``<test>_parts`` : what makes the gap [GBP], on ``<test>_part`` too: they add up to it.

        The coordinate ``tested`` says which years are tested. ``first_year`` on ``scenario`` is
        the first of them in which the contract pays its provider, or else the first of all;
        ``has_budget`` says whether it does in any.
        ``practices_failing`` counts practices by commissioner and year, of the years tested.
        ``price_falls_as_need_rises`` says whether the provider is paid less than the year before,
        while care in scope would cost more if nothing were done.

    Raises
    ------
    InputError
        If it is no whole result, its model has none of the tests, or no year of it has its March.

    Examples
    --------
    >>> from capitation import example_practices, project
    >>> tested = affordability(project("uniting-care", example_practices(), ["as-signed"]))
    >>> first = tested["provider_gap"].isel(scenario=0, commissioner_code=0, year=0)
    >>> f"£{float(first) / 1e6:.1f}m short in {first['year'].item()}"
    '£30.2m short in 2015/16'
    """
    result = whole(result)
    tests = [name for name in TESTS if name in result.data_vars]
    if not tests:
        mend = "a model with the rules of affordability, such as uniting-care"
        raise InputError(Problem("result", "its model has no test of affordability", mend))
    years = years_with_march(result)
    if not years.any():
        mend = "at least 12 months from an April, or as many as reach a March"
        raise InputError(Problem("result", f"no year can be tested: each {NOT_TESTED}", mend))
    result = result.assign_coords(tested=("year", years, {"long_name": "Whether it is tested"}))
    found = contract_years(result)
    for name in tests:
        found |= _tested(result, name, found["first_year"])
        if name in PARTS:
            found[f"{name}_parts"] = _parts(result, name)
    if "practice_gap" in found:
        found["practices_failing"] = _practices_failing(found["practice_gap_passes"])
    if {"do_nothing_cost", PAID} <= set(result.data_vars):
        found["price_falls_as_need_rises"] = _price_falls(result)
    kept = ("title", "purpose", "model", "scenarios", "sources", "notes", "base_fiscal_year")
    attributes = {key: result.attrs[key] for key in kept}
    return xr.Dataset(found, attrs=attributes | {"tests": " ".join(tests)})


def years_with_march(result: xr.Dataset) -> np.ndarray:
    """Which fiscal years of a result have their March in it, and so can be tested.

    Parameters
    ----------
    result : xarray.Dataset
        From `project`.

    Returns
    -------
    numpy.ndarray
        Whether each year has.
    """
    march = result["month"].dt.month == MARCH
    settled = result["fiscal_year"].values[march.values]
    return np.isin(result["year"].values, settled)


def contract_years(result: xr.Dataset) -> dict[str, xr.DataArray]:
    """The contract's first year in each scenario, and whether it has any with a budget.

    Parameters
    ----------
    result : xarray.Dataset
        From `project`.

    Returns
    -------
    dict of str to xarray.DataArray
        ``first_year`` and ``has_budget``, as `affordability` gives them.
    """
    tested = years_with_march(result)
    paid: np.ndarray = np.ones((result.sizes["scenario"], result.sizes["year"]), dtype=bool)
    if PAID in result.data_vars:
        income = _amounts(result, PAID, "commissioner_code")
        paid = (np.abs(income.values) > A_PENNY).any(axis=1)
    in_contract = paid & tested
    first = np.where(in_contract.any(axis=1), in_contract.argmax(axis=1), tested.argmax())
    scenarios = {"scenario": np.atleast_1d(result["scenario"].values)}
    years = result["year"].values.astype(str)
    return {
        "first_year": xr.DataArray(years[first], scenarios),
        "has_budget": xr.DataArray(in_contract.any(axis=1), scenarios),
    }


def _amounts(result: xr.Dataset, name: str, area: str) -> xr.DataArray:
    """A year's amounts on scenario, area and year, the same where they do not depend on one."""
    dims = ("scenario", area, "year")
    missing = {d: result[d].values for d in dims if d not in result[name].dims}
    amounts = result[name].expand_dims(missing).transpose(*dims)
    title = str(result[name].attrs["long_name"])
    return amounts.assign_attrs(units="GBP", long_name=title)


def _tested(result: xr.Dataset, name: str, first_year: xr.DataArray) -> dict[str, xr.DataArray]:
    area = "practice" if "practice" in result[name].dims else "commissioner_code"
    gap = _amounts(result, name, area)
    tested = gap.isel(year=np.flatnonzero(gap["tested"]))
    passes, mean = (gap < A_PENNY) & gap["tested"], tested.mean("year", keep_attrs=True)
    return {
        name: gap,
        f"{name}_passes": passes,
        f"{name}_passes_first_year": passes.sel(year=first_year).drop_vars(["year", "tested"]),
        f"{name}_passes_every_year": (tested < A_PENNY).all("year"),
        f"{name}_mean": mean,
        f"{name}_passes_on_average": mean < A_PENNY,
    }


def _parts(result: xr.Dataset, name: str) -> xr.DataArray:
    """What makes a gap, with its sign, so that the parts add up to it."""
    signed = [
        (part, sign * _amounts(result, part, "commissioner_code"))
        for sign, part in PARTS[name]
        if part in result.data_vars
    ]
    labels = xr.DataArray([part for part, _ in signed], dims=f"{name}_part")
    parts = xr.concat([amounts for _, amounts in signed], labels.rename(f"{name}_part"))
    parts = parts.assign_coords({f"{name}_part": labels.values})
    order = ("scenario", "commissioner_code", "year", f"{name}_part")
    titles = [str(result[part].attrs["long_name"]).rstrip(".") for part, _ in signed]
    shown = parts.transpose(*order).assign_attrs(units="GBP", long_name="What makes the gap")
    return shown.assign_coords({f"{name}_part_title": (f"{name}_part", titles)})


def _practices_failing(passes: xr.DataArray) -> xr.DataArray:
    """How many practices fail, by commissioner; none in a year that is not tested."""
    codes = passes["commissioner"].values
    commissioners = np.unique(codes)
    fails = (~passes & passes["tested"]).transpose("scenario", "practice", "year").values
    counted = np.stack([fails[:, codes == code].sum(axis=1) for code in commissioners], axis=1)
    labels = {
        "scenario": passes["scenario"].values,
        "commissioner_code": commissioners,
        "year": passes["year"],
    }
    attributes = {"units": "practice", "long_name": "Practices with less than before"}
    return xr.DataArray(counted, labels, tuple(labels), attrs=attributes)


def _price_falls(result: xr.Dataset) -> xr.DataArray:
    """Whether the provider is paid less than in the year before, and need costs more.

    The first year has none before it.
    """
    price = _amounts(result, PAID, "commissioner_code")
    need = _amounts(result, "do_nothing_cost", "commissioner_code")
    falls = (price.diff("year") < -A_PENNY) & (need.diff("year") > A_PENNY)
    return falls.reindex(year=price["year"], fill_value=False) & price["tested"]
