"""What is said of two scenarios set against each other: as data, and in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import xarray as xr

from capitation.appraisal import VALUED
from capitation.bridging import ATTRIBUTION, HALF_A_PENNY, Bridge
from capitation.by_year import measures_that_differ
from capitation.cli.asked import Asked
from capitation.cli.console import table
from capitation.cli.run_summary import asked_in_words, asked_of
from capitation.explanation import show
from capitation.gains import REINVESTED, WITHDRAWN, gains_and_losses
from capitation.vocabulary import round_to_pence

MOST_NAMED = 10
"""Practices that lose most, and that gain most, on the screen and as data."""

MOST_MEASURES = 5
"""Amounts in which two scenarios differ, where they do not in the one asked about."""


def within_scenarios(result: xr.Dataset, threshold: float | None) -> dict[str, xr.Dataset]:
    """Who gains and who loses in each scenario by itself, if its model withdraws premium.

    Parameters
    ----------
    result : xarray.Dataset
        From `project`.
    threshold : float or None
        As `gains_and_losses` takes it.

    Returns
    -------
    dict of str to xarray.Dataset
        By scenario: premium reinvested less premium withdrawn, as against nothing withdrawn.
    """
    if not {REINVESTED, WITHDRAWN} <= set(result.data_vars):
        return {}
    return {
        str(name): gains_and_losses(result, str(name), threshold=threshold)
        for name in result["scenario"].values
    }


def summary_of(
    result: xr.Dataset,
    appraised: xr.Dataset,
    split: Bridge,
    changed: xr.Dataset,
    within: Mapping[str, xr.Dataset],
    asked: Asked,
) -> dict[str, Any]:
    """What was asked, what each scenario comes to, why they differ, who gains and who loses.

    Parameters
    ----------
    result : xarray.Dataset
        From `project`.
    appraised : xarray.Dataset
        From `appraise`.
    split : Bridge
        Of the same measure.
    changed : xarray.Dataset
        Gains and losses between the two scenarios.
    within : mapping of str to xarray.Dataset
        Those in each scenario by itself, from `within_scenarios`.
    asked : Asked

    Returns
    -------
    dict
        Amounts are pounds, to the penny.
    """
    differ = measures_that_differ(result, split.before, split.after)[:MOST_MEASURES]
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
        "nothing_differs": split.nothing_differs,
        "measures_that_differ": [
            {"measures": list(names), "difference": _by_year(change.sum("commissioner_code"))}
            for names, change in differ
        ],
        "gains": _gains(changed),
        "gains_within": {name: _beyond(of) for name, of in within.items()},
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
        "notes": list(split.notes),
    }


def _gains(changed: xr.Dataset) -> dict[str, Any]:
    """The practices that lose and gain most, and how many do so beyond the threshold."""
    of_run = changed["change_of_run"].values
    losers = [place for place in range(len(of_run)) if of_run[place] < -HALF_A_PENNY]
    gainers = [place for place in reversed(range(len(of_run))) if of_run[place] > HALF_A_PENNY]
    years = [str(year) for year in changed["year"].values]
    return {
        **{key: changed.attrs[key] for key in ("scenario", "against")},
        "largest_losses": [_practice(changed, place) for place in losers[:MOST_NAMED]],
        "largest_gains": [_practice(changed, place) for place in gainers[:MOST_NAMED]],
        "losing_anything": len(losers),
        "gaining_anything": len(gainers),
        "threshold_per_weighted_patient": dict(
            zip(years, changed["threshold"].values.tolist(), strict=True)
        ),
        **_beyond(changed),
    }


def _beyond(changed: xr.Dataset) -> dict[str, Any]:
    """Of what the gains and losses are, and how many practices have them beyond the threshold."""
    years = [str(year) for year in changed["year"].values]
    counted = {}
    for name in ("losing", "gaining"):
        by_year = changed[f"practices_{name}"].sum("commissioner_code").values
        whole = int(changed[f"practices_{name}_of_run"].sum())
        counted[name] = dict(zip(years, map(int, by_year), strict=True)) | {"total": whole}
    return {**{key: changed.attrs[key] for key in ("of", "less")}, "beyond_threshold": counted}


def _practice(changed: xr.Dataset, place: int) -> dict[str, Any]:
    at = changed.isel(practice=place)
    said = ("practice", "practice_name", "contract_type", "commissioner")
    per_patient = float(at["change_of_run_per_patient"])
    return {
        **{key: str(at[key].item()) for key in said if key in at.coords},
        "change": _pounds(at["change_of_run"]),
        "change_by_year": _by_year(at["change"], total=False),
        # Not a number, where nobody is on the list.
        "change_per_weighted_patient": per_patient if per_patient == per_patient else None,
    }


def _by_year(amounts: xr.DataArray, *, total: bool = True) -> dict[str, float]:
    of_year = zip(amounts["year"].values, amounts.values, strict=True)
    found = {str(year): _pounds(amount) for year, amount in of_year}
    return found | ({"total": _pounds(amounts.sum())} if total else {})


def _pounds(amount: Any) -> float:
    return round_to_pence(float(amount)) + 0.0  # no -0.0


# In words ---------------------------------------------------------------------------------------


def words_of(summary: Mapping[str, Any], result: xr.Dataset, split: Bridge) -> str:
    """The same as a reader wants it."""
    months = result["month"].dt.strftime("%B %Y").values
    asked = asked_in_words(summary, result, f"{months[0]} – {months[-1]}")
    parts = [result.attrs["title"], table(asked, str.ljust)]
    if summary["nothing_differs"]:
        parts += [_amount_table(summary, split, split.before), *_nothing_differs(summary, split)]
    else:
        parts += [_amount_table(summary, split, name) for name in (split.before, split.after)]
        parts.append(str(split))
    parts += [*_gain_tables(summary["gains"]), *_within_tables(summary)]
    return "\n\n".join(parts)


def _amount_table(summary: Mapping[str, Any], split: Bridge, scenario: str) -> str:
    of = f"{split.title.rstrip('.')}: {scenario}"
    heading = (of, "nominal", f"at {summary['basis']['price_year']} prices", "present value")
    rows = [
        (_words_of_year(year), *(show(amounts[v], "GBP") for v in VALUED))
        for year, amounts in summary["amounts"][scenario].items()
    ]
    return table([heading, *rows])


def _nothing_differs(summary: Mapping[str, Any], split: Bridge) -> Iterator[str]:
    """That two scenarios come to the same, and in what they do differ."""
    ends = f"{split.before} and {split.after}"
    yield f"{ends} come to the same {summary['measure']} in every year, to the penny."
    differ = summary["measures_that_differ"]
    if differ:
        heading = (
            "They differ in these: name one with --measure",
            f"{split.after} less {split.before}, all years",
        )
        rows = [
            (", ".join(of["measures"]), show(of["difference"]["total"], "GBP")) for of in differ
        ]
        yield table([heading, *rows])
    else:
        yield "Nor do they differ in any other amount."
    yield "\n".join(split.footnotes())


def _gain_tables(gains: Mapping[str, Any]) -> Iterator[str]:
    than = f"{gains['scenario']} against {gains['against']}"
    what = _words_of_amounts(gains)
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
        heading = (f"{words} of {what}, all years: {than}", "change", "per weighted patient")
        if rows:
            more = everyone - len(rows)
            yield table([heading, *rows]) + (f"\nand {more:,} more" if more else "")
        else:
            yield f"{words} of {what}: none"
    limits = gains["threshold_per_weighted_patient"]
    limits = limits | {"total": sum(limits.values())}
    counts = zip(limits, map(show, limits.values(), ["GBP"] * len(limits)), strict=True)
    rows = [(_words_of_year(year), limit, *_counted([gains], year)) for year, limit in counts]
    title = f"Practices beyond a threshold, in {what}"
    yield table([(title, "per weighted patient", "lose", "gain"), *rows])


def _within_tables(summary: Mapping[str, Any]) -> Iterator[str]:
    """How many practices lose and gain in each scenario by itself, beyond the same threshold."""
    within = summary["gains_within"]
    if not within:
        return
    first, *_ = found = list(within.values())
    years = first["beyond_threshold"]["losing"]
    heading = [word for name in within for word in (f"{name}: lose", "gain")]
    title = f"Practices beyond the threshold, in {_words_of_amounts(first)}"
    yield table(
        [(title, *heading), *((_words_of_year(year), *_counted(found, year)) for year in years)]
    )


def _counted(found: Iterable[Mapping[str, Any]], year: str) -> Iterator[str]:
    for of in found:
        for name in ("losing", "gaining"):
            yield f"{of['beyond_threshold'][name][year]:,}"


def _words_of_amounts(gains: Mapping[str, Any]) -> str:
    """What is added and what is taken off, as names in plain words."""
    of, less = (gains[key].replace("_", " ") for key in ("of", "less"))
    return f"{of} less {less}" if less else of


def _words_of_year(year: str) -> str:
    return "All years" if year == "total" else year
