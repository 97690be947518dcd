"""Hold a projection against what was really paid, beside what one would do without a model."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from capitation.engine.calendar import months_from, months_of
from capitation.errors import InputError, Problem
from capitation.model import Model
from capitation.model_file import load_model
from capitation.national import national_terms
from capitation.projection import project
from capitation.sources.payments import read_payments

MODEL = "national-practice-income"
LEAST_WEIGHTED_LIST = 1_000.0
CORE = {
    "global_sum": ("global_sum",),
    "correction_factor": ("correction_factor", "premium_as_correction_factor"),
    "pms_expenditure": (
        "pms_gms_equivalent",
        "pms_defined_services",
        "pms_premium",
        "apms_payment",
    ),
}
"""Streams of the payments file that make up core income, and the rules that stand for each."""

NEEDED = {"actual": (), "projected": ("weighted_list",)}
"""What else the model is asked for, by the kind of lists."""


def backtest(
    base: xr.Dataset | str | Path,
    actual: xr.Dataset | str | Path,
    lists: str = "actual",
    model: Model | str | Path = MODEL,
) -> dict[str, Any]:
    """Project one year's payments from another's, and compare with what was paid.

    Core income is the global sum, the correction factor and the balance of PMS expenditure.
    Practices count if they are in both files, with a weighted list over 1,000 and positive core
    income in both. The error is Σ|modelled − actual| ÷ Σ actual (WAPE).

    Parameters
    ----------
    base, actual : xarray.Dataset, str or Path
        Payments of the base year and of the target year: datasets from `read_payments`, or paths.
    lists : {"actual", "projected"}
        Whether the model, and the alternatives beside it, are given the target year's lists, or
        use those that the model rolls forward. Nothing else of the target year reaches them.
    model : Model, str or Path, optional
        The contract to run; the national rules if left out.

    Returns
    -------
    dict
        ``practices``: how many. ``wape``: of the ``model``, and of three alternatives:
        ``persistence`` (last year's core), ``per_capita`` (times the ratio of weighted lists) and
        ``price_grown`` (times the ratio of net prices as well). ``bias``: of the model's total.
        ``median_error``: of a practice. ``by_stream``: WAPE of each stream. ``by_contract_type``:
        by contract in the base year, and in the target year where it changed. All are shares;
        None for a stream of which nothing was paid.

    Raises
    ------
    InputError
        If a file cannot be read, the target year is not after the base year, or no practice counts.
    """
    base, actual = _payments(base), _payments(actual)
    if lists not in ("actual", "projected"):
        raise InputError(Problem("lists", f"found {lists!r}", "'actual' or 'projected'"))
    if not isinstance(model, Model):
        model = load_model(model)
    base_months, target_months = (months_of(str(d.attrs["fiscal_year"])) for d in (base, actual))
    if target_months[0] <= base_months[0]:
        found = f"the target year {actual.attrs['fiscal_year']} is not after the base year"
        raise InputError(Problem(str(actual.attrs.get("source", "actual")), found))
    base, actual = _comparable(base, actual)
    years_ahead = target_months[0].year - base_months[0].year
    months = months_from(base_months[0], 12 * (years_ahead + 1))[12:]
    result = project(
        model,
        base,
        scenarios=[next(iter(model.scenarios))],
        months=len(months),
        start=months[0],
        given=_given_lists(base, actual, months) if lists == "actual" else None,
        variables=[*(rule for rules in CORE.values() for rule in rules), *NEEDED[lists]],
    )
    target = str(actual.attrs["fiscal_year"])
    modelled = _target_year(result, target)
    paid = {stream: actual[stream].values for stream in CORE}
    known = lists == "actual"
    lists_then = actual["weighted_list"].values if known else _mean_list(result, target)
    list_ratio = lists_then / base["weighted_list"].values
    growth = _price_growth(base_months, target_months)
    return _report(base, actual, modelled, paid, list_ratio, growth)


def _payments(given: xr.Dataset | str | Path) -> xr.Dataset:
    return given if isinstance(given, xr.Dataset) else read_payments(given)


def _comparable(base: xr.Dataset, actual: xr.Dataset) -> tuple[xr.Dataset, xr.Dataset]:
    """The practices that count, in the same order."""
    codes = np.intersect1d(base["practice"].values, actual["practice"].values)
    base, actual = base.sel(practice=codes), actual.sel(practice=codes)
    counts = np.ones(len(codes), dtype=bool)
    for year in (base, actual):
        counts &= year["weighted_list"].values > LEAST_WEIGHTED_LIST
        counts &= _core(year) > 0
    if not counts.any():
        mend = "compare files of the same commissioners"
        raise InputError(Problem("backtest", "no practice can be compared in both files", mend))
    at = np.flatnonzero(counts)
    return base.isel(practice=at), actual.isel(practice=at)


def _core(payments: xr.Dataset) -> np.ndarray:
    return sum((payments[stream].values for stream in CORE), np.zeros(payments.sizes["practice"]))


def _given_lists(
    base: xr.Dataset, actual: xr.Dataset, months: list[dt.date]
) -> dict[str, xr.DataArray]:
    """The base year's lists until the target year, then the target year's."""
    in_target = np.arange(len(months)) >= len(months) - 12
    coords = {
        "practice": base["practice"].values,
        "month": np.array(months, dtype="datetime64[ns]"),
    }
    return {
        name: xr.DataArray(
            np.where(in_target, actual[name].values[:, None], base[name].values[:, None]),
            coords,
            ("practice", "month"),
        )
        for name in ("registered_list", "weighted_list")
    }


def _target_year(result: xr.Dataset, year: str) -> dict[str, np.ndarray]:
    """What the model says was paid in the target year, by stream of the file."""
    in_year = np.flatnonzero(result["fiscal_year"].values == year)
    scenario = {"scenario": 0}
    modelled = {}
    for stream, rules in CORE.items():
        parts = [result[rule].isel(month=in_year).sum("month") for rule in rules]
        squeezed = [p.isel(scenario) if "scenario" in p.dims else p for p in parts]
        modelled[stream] = sum((p.values for p in squeezed), np.zeros(result.sizes["practice"]))
    return modelled


def _mean_list(result: xr.Dataset, year: str) -> np.ndarray:
    """Mean weighted list of a year, as the model rolls it forward."""
    in_year = np.flatnonzero(result["fiscal_year"].values == year)
    return result["weighted_list"].isel(month=in_year).mean("month").values


def _price_growth(base_months: list[dt.date], target_months: list[dt.date]) -> float:
    """Ratio of the two years' net prices: means of the year, less the out-of-hours deduction."""
    terms, _ = national_terms()

    def net_price(months: list[dt.date]) -> float:
        price = np.mean([terms["global_sum_price"].at(month) for month in months])
        deduction = np.mean([terms["out_of_hours_deduction"].at(month) for month in months])
        return float(price * (1 - deduction))

    return net_price(target_months) / net_price(base_months)


def _report(
    base: xr.Dataset,
    actual: xr.Dataset,
    modelled: dict[str, np.ndarray],
    paid: dict[str, np.ndarray],
    list_ratio: np.ndarray,
    price_growth: float,
) -> dict[str, Any]:
    core = sum(modelled.values(), np.zeros(base.sizes["practice"]))
    core_paid, core_before = _core(actual), _core(base)
    per_capita = core_before * list_ratio
    before, after = base["contract_type"].values, actual["contract_type"].values
    kinds = np.array(
        [a if a == b else f"{a}→{b}" for a, b in zip(before, after, strict=True)], dtype=object
    )
    by_contract = {
        str(kind): {
            "practices": int((kinds == kind).sum()),
            "wape": _wape(core[kinds == kind], core_paid[kinds == kind]),
            "median_error": _median_error(core[kinds == kind], core_paid[kinds == kind]),
        }
        for kind in sorted(set(kinds), key=lambda kind: (-int((kinds == kind).sum()), kind))
    }
    return {
        "practices": len(core),
        "wape": {
            "model": _wape(core, core_paid),
            "persistence": _wape(core_before, core_paid),
            "per_capita": _wape(per_capita, core_paid),
            "price_grown": _wape(per_capita * price_growth, core_paid),
        },
        "bias": float(core.sum() / core_paid.sum() - 1),
        "median_error": _median_error(core, core_paid),
        "by_stream": {stream: _wape(modelled[stream], paid[stream]) for stream in CORE},
        "by_contract_type": by_contract,
    }


def _wape(modelled: np.ndarray, paid: np.ndarray) -> float | None:
    """Σ|modelled − paid| ÷ Σ|paid|, or None if nothing was paid."""
    total = float(np.abs(paid).sum())
    return float(np.abs(modelled - paid).sum()) / total if total else None


def _median_error(modelled: np.ndarray, paid: np.ndarray) -> float:
    return float(np.median(np.abs(modelled - paid) / paid))
