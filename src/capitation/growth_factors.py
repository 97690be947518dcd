"""Why a whole-population budget grows: people, age mix, demand, prices, efficiency, pace."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from capitation.errors import InputError, Problem, raise_if_any

BUDGET = "_budget_of_contract"
"""How the money of a service line in the contract is named, after the line's key."""

OTHER = "basis"
"""What a budget that follows an allocation, or an agreed price, has instead of its own rates."""

CLOSE_ENOUGH = 1e-9


def budget_growth(result: xr.Dataset, service: str) -> xr.Dataset:
    """Split the yearly growth of a service line's budget into what makes it grow.

    For every year, (1 + growth) = (1 + population) × (1 + age mix) × (1 + counting) × (1 + demand)
    × (1 + prices) × (1 − efficiency) × (1 + pace of change) × (1 + basis). Population is of heads
    on the lists of the practices in the contract. Counting is what the budget counts otherwise:
    lists as planned in April, joiners and leavers in part, practices of other needs that join or
    leave. The basis is what remains if the budget follows the commissioner's allocation or an
    agreed price, and nothing if it does not.

    Parameters
    ----------
    result : xarray.Dataset
        From `project`, of whole fiscal years, with the money of the line in the contract.
    service : str
        Key of the line: ``"community"``.

    Returns
    -------
    xarray.Dataset
        On ``scenario``, ``commissioner_code`` and ``year``, from the second year on: ``budget``
        [GBP], ``growth`` and each factor [1] as a growth on the year before; nothing (NaN) where
        there was no budget in either year. Age mix is that of the weighted lists, or of the index
        that the contract expects: whichever the contract counts, and never both.

    Raises
    ------
    InputError
        If the result does not hold the line's budget, has one year or part of a year, or the
        factors do not make up the growth: then a factor is counted twice, or not at all.

    Notes
    -----
    The growth of scope, and of transfers within a year, is no factor: the terms of a scope are read
    as they stand in April.

    Examples
    --------
    >>> from capitation import example_practices, project
    >>> few = example_practices().isel(practice=slice(0, 3))
    >>> result = project("out-of-hospital-budget", few, ["partially-integrated"], months=24)
    >>> split = budget_growth(result, "community").squeeze()
    >>> float(split["prices"])
    0.021
    """
    _check(result, service)
    years = [str(year) for year in result["year"].values]
    april = result["month"].dt.month.values == 4
    budget = _of_years(_wide(result, f"{service}{BUDGET}"), result)
    people = _of_years(_wide(result, "contract_weighted_population"), result)
    heads = _of_years(_in_contract(result, "payment_registered_list"), result)
    age = _age_mix(result)
    with np.errstate(divide="ignore", invalid="ignore"):
        grown = budget[..., 1:] / budget[..., :-1] - 1
        weighted = people[..., 1:] / people[..., :-1]
        older = age[..., 1:] / age[..., :-1]
        more = heads[..., 1:] / heads[..., :-1]
        counting = weighted / (more * older) - 1
    terms = {
        "demand": _wide(result, f"{service}_growth")[..., april][..., 1:],
        "prices": _wide(result, "cost_uplift")[..., april][..., 1:],
        "efficiency": -_wide(result, "efficiency")[..., april][..., 1:],
        "pace_of_change": _wide(result, "pace_of_change")[..., april][..., 1:],
    }
    parts = {"population": more - 1, "age_mix": older - 1, "counting": counting, **terms}
    product = np.ones_like(grown)
    for part in parts.values():
        product = product * (1 + part)
    by_rate = (_wide(result, "budget_basis")[..., april][..., 1:] == 0) & np.isfinite(grown)
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = (1 + grown) / product - 1
    if np.any(by_rate & (np.abs(rest) > CLOSE_ENOUGH)):
        found = f"the factors of {service!r} do not make up its growth"
        mend = "a term of the line moved within a year, or its scope or transfers from year to year"
        raise InputError(Problem("result", found, mend))
    parts[OTHER] = np.where(by_rate, 0.0, rest)
    labels: dict[str, Any] = {
        "scenario": [str(name) for name in np.atleast_1d(result["scenario"].values)],
        "commissioner_code": result["commissioner_code"].values,
        "year": years[1:],
    }
    shape = tuple(len(label) for label in labels.values())
    arrays = {
        name: (tuple(labels), np.broadcast_to(values, shape), {"units": "1"})
        for name, values in {"growth": grown, **parts}.items()
    }
    arrays["budget"] = (tuple(labels), np.broadcast_to(budget[..., 1:], shape), {"units": "GBP"})
    return xr.Dataset(arrays, labels, {"service": service})


def _check(result: xr.Dataset, service: str) -> None:
    names = [str(name) for name in result.data_vars]
    if f"{service}{BUDGET}" not in names:
        lines = [name.removesuffix(BUDGET) for name in names if name.endswith(BUDGET)]
        mend = f"lines of the result: {', '.join(lines)}" if lines else "no whole-population budget"
        raise InputError(Problem("result", f"it holds no budget of {service!r}", mend))
    months = result.sizes["month"]
    problems = []
    if months < 24 or months % 12 or int(result["month"].dt.month.values[0]) != 4:
        found = f"{months} months from {str(result['month'].values[0])[:7]}"
        problems.append(Problem("result", found, "two or more whole fiscal years, from April"))
    raise_if_any(problems)


def _wide(result: xr.Dataset, name: str) -> np.ndarray:
    """Values of a variable on scenario, commissioner (or practice) and month; of one where none."""
    found = result[name]
    for dim in ("commissioner_code", "scenario"):
        if dim not in found.dims and "practice" not in found.dims:
            found = found.expand_dims(dim)
    if "scenario" not in found.dims:
        found = found.expand_dims("scenario")
    area = "practice" if "practice" in found.dims else "commissioner_code"
    return found.transpose("scenario", area, "month").values


def _of_years(values: np.ndarray, result: xr.Dataset) -> np.ndarray:
    """Sums over the months of each fiscal year."""
    return values.reshape(*values.shape[:-1], result.sizes["month"] // 12, 12).sum(axis=-1)


def _age_mix(result: xr.Dataset) -> np.ndarray:
    """Need a head because of ages: by the contract's index, or of its weighted lists."""
    index = _wide(result, "age_mix_index")
    by_lists = _wide(result, "age_mix_from_weighted_list") > 0
    weighted, registered = (
        _in_contract(result, name) for name in ("payment_weighted_list", "payment_registered_list")
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        mix = np.where(by_lists, weighted / registered, index)
    return _of_years(mix, result)


def _in_contract(result: xr.Dataset, name: str) -> np.ndarray:
    """Lists of the practices in each commissioner's contract, month by month."""
    inside = _wide(result, "contract_form") > 0
    if inside.shape[1] == 1:
        inside = np.broadcast_to(
            inside, (inside.shape[0], result.sizes["practice"], inside.shape[2])
        )
    lists = _wide(result, name) * inside
    areas = result["commissioner"].values
    codes = result["commissioner_code"].values
    return np.stack([lists[:, areas == code].sum(axis=1) for code in codes], axis=1)
