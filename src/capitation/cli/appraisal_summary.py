"""What is said of two scenarios set against each other: as data, and in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import xarray as xr

from capitation.appraisal import VALUED
from capitation.bridging import ATTRIBUTION, Bridge
from capitation.cli.asked import Asked
from capitation.cli.console import table
from capitation.cli.run_summary import asked_in_words, asked_of
from capitation.explanation import show
from capitation.vocabulary import round_to_pence

MOST_NAMED = 10
"""Practices that lose most, and that gain most, on the screen and as data."""

HALF_A_PENNY = 0.005


def summary_of(
    result: xr.Dataset, appraised: xr.Dataset, split: Bridge, changed: xr.Dataset, asked: Asked
) -> dict[str, Any]:
    """What was asked, what each scenario comes to, why they differ, who gains and who loses."""
    return {
        **asked_of(result, asked),
        "months": result.sizes["month"],
        "start": str(result["month"].values[0])[:7],
        "scenarios": [str(name) for name in result["scenario"].values],
        "measure": appraised.attrs["variable"],
        "basis": {
            key: appraised.attrs[key]
            for key in ("price_year", "issue", "discount_from", "discount_rate")
        },
        "amounts": _amounts(appraised),
        "bridge": _bridge(split),
        "gains": _gains(changed),
    }


def _amounts(appraised: xr.Dataset) -> dict[str, dict[str, dict[str, float]]]:
    """Pounds by scenario and year, and of all years: nominal, real and present value."""
    years = [str(year) for year in appraised["year"].values]
    of_all = appraised.sum("commissioner_code")
    return {
        str(scenario): {
            **{
                year: {
                    name: _pounds(of_all[name].sel(scenario=scenario, year=year)) for name in VALUED
                }
                for year in years
            },
            "total": {
                name: _pounds(of_all[f"{name}_total"].sel(scenario=scenario)) for name in VALUED
            },
        }
        for scenario in appraised["scenario"].values
    }


def _bridge(split: Bridge) -> dict[str, Any]:
    amounts = [
        {name: pence / 100 for name, pence in zip(VALUED, row, strict=True)}
        for _, row in split.rows()
    ]
    parts = split.parts
    names = zip(parts["part"].values, parts["terms"].values, strict=True)
    return {
        "before": {"scenario": split.before, **amounts[0]},
        "parts": [
            {"part": str(part), "terms": terms.split(", ") if terms else [], **amount}
            for (part, terms), amount in zip(names, amounts[1:-1], strict=True)
        ],
        "after": {"scenario": split.after, **amounts[-1]},
        "attribution": " ".join(ATTRIBUTION.split("\n")),
    }


def _gains(changed: xr.Dataset) -> dict[str, Any]:
    """The practices that lose and gain most, and how many do so beyond the threshold."""
    of_run = changed["change_of_run"].values
    losers = [place for place in range(len(of_run)) if of_run[place] < -HALF_A_PENNY]
    gainers = [place for place in reversed(range(len(of_run))) if of_run[place] > HALF_A_PENNY]
    years = [str(year) for year in changed["year"].values]
    counted = {}
    for name in ("losing", "gaining"):
        by_year = changed[f"practices_{name}"].sum("commissioner_code").values
        whole = int(changed[f"practices_{name}_of_run"].sum())
        counted[name] = dict(zip(years, map(int, by_year), strict=True)) | {"total": whole}
    return {
        **{key: changed.attrs[key] for key in ("scenario", "against", "of", "less")},
        "largest_losses": [_practice(changed, place) for place in losers[:MOST_NAMED]],
        "largest_gains": [_practice(changed, place) for place in gainers[:MOST_NAMED]],
        "losing_anything": len(losers),
        "gaining_anything": len(gainers),
        "threshold_per_weighted_patient": dict(
            zip(years, changed["threshold"].values.tolist(), strict=True)
        ),
        "beyond_threshold": counted,
    }


def _practice(changed: xr.Dataset, place: int) -> dict[str, Any]:
    at = changed.isel(practice=place)
    said = ("practice", "practice_name", "contract_type", "commissioner")
    per_patient = float(at["change_of_run_per_patient"])
    return {
        **{key: str(at[key].item()) for key in said if key in at.coords},
        "change": _pounds(at["change_of_run"]),
        # Not a number, where nobody is on the list.
        "change_per_weighted_patient": per_patient if per_patient == per_patient else None,
    }


def _pounds(amount: Any) -> float:
    return round_to_pence(float(amount))


# In words ---------------------------------------------------------------------------------------


def words_of(summary: Mapping[str, Any], result: xr.Dataset, split: Bridge) -> str:
    """The same as a reader wants it."""
    months = result["month"].dt.strftime("%B %Y").values
    asked = asked_in_words(summary, result, f"{months[0]} – {months[-1]}")
    parts = [
        result.attrs["title"],
        table(asked, str.ljust),
        *_amount_tables(summary, split),
        str(split),
        *_gain_tables(summary["gains"]),
    ]
    return "\n\n".join(parts)


def _amount_tables(summary: Mapping[str, Any], split: Bridge) -> Iterator[str]:
    basis, title = summary["basis"], split.title.rstrip(".")
    heading = ("nominal", f"at {basis['price_year']} prices", "present value")
    for scenario, by_year in summary["amounts"].items():
        rows = [
            ("All years" if year == "total" else year, *(show(of[v], "GBP") for v in VALUED))
            for year, of in by_year.items()
        ]
        yield table([(f"{title}: {scenario}", *heading), *rows])


def _gain_tables(gains: Mapping[str, Any]) -> Iterator[str]:
    than = f"{gains['scenario']} against {gains['against']}"
    for key, words, everyone in (
        ("largest_losses", "Largest losses", gains["losing_anything"]),
        ("largest_gains", "Largest gains", gains["gaining_anything"]),
    ):
        rows: list[tuple[str, ...]] = []
        for of in gains[key]:
            name = of.get("practice_name", "")
            per_patient = of["change_per_weighted_patient"]
            shown = "" if per_patient is None else show(per_patient, "GBP")
            words_of_practice = f"{of['practice']} {name} ({of['contract_type']})"
            rows.append((words_of_practice, show(of["change"], "GBP"), shown))
        heading = (f"{words}, all years: {than}", "change", "per weighted patient")
        if rows:
            more = everyone - len(rows)
            yield table([heading, *rows]) + (f"\nand {more:,} more" if more else "")
        else:
            yield f"{words}: none"
    limits = gains["threshold_per_weighted_patient"]
    limits = limits | {"total": sum(limits.values())}
    losing, gaining = (gains["beyond_threshold"][name] for name in ("losing", "gaining"))
    counts = [
        (
            "All years" if year == "total" else year,
            show(limits[year], "GBP"),
            f"{losing[year]:,}",
            f"{gaining[year]:,}",
        )
        for year in limits
    ]
    yield table([("Practices beyond a threshold", "per weighted patient", "lose", "gain"), *counts])
