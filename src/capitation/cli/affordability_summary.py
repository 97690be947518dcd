"""What is said of a contract's affordability: as data, and in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from capitation.affording import NOT_TESTED, PARTS
from capitation.cli.asked import Asked
from capitation.cli.console import table
from capitation.cli.run_summary import asked_in_words, asked_of
from capitation.explanation import show
from capitation.vocabulary import round_to_pence

if TYPE_CHECKING:
    import xarray as xr

IN_WORDS = {
    "commissioner_gap": "Commissioner",
    "provider_gap": "Provider",
    "commissioner_gap_with_provider": "Commissioner, with what the provider cannot pay",
    "practice_gap": "Practices",
}
"""Who is tested, by test."""

ROUNDING = 1e-6
"""A switching value of less, beside the value as it stands, is shown as none."""


def summary_of(
    result: xr.Dataset, tested: xr.Dataset, switched: xr.Dataset | None, asked: Asked
) -> dict[str, Any]:
    """What was asked, what is short in each year, what makes it so, and what would close it.

    Parameters
    ----------
    result : xarray.Dataset
        From `project`.
    tested : xarray.Dataset
        From `affordability`.
    switched : xarray.Dataset or None
        From `switching_values`.
    asked : Asked

    Returns
    -------
    dict
        Amounts are pounds, to the penny; commissioners' are added up over commissioners, but a
        test passes only if it does for each. A year that is not tested neither passes nor fails.
    """
    scenarios = [str(name) for name in tested["scenario"].values]
    return {
        **asked_of(result, asked),
        "months": result.sizes["month"],
        "start": str(result["month"].values[0])[:7],
        "years": [str(year) for year in tested["year"].values],
        "not_tested": {
            str(year): NOT_TESTED for year in tested["year"].values[~tested["tested"].values]
        },
        "scenarios": json.loads(tested.attrs["scenarios"]),
        "tests": {name: _of_scenario(tested, name) for name in scenarios},
        "switching_values": None if switched is None else _switched(switched),
    }


def _of_scenario(tested: xr.Dataset, scenario: str) -> dict[str, Any]:
    chosen = tested.sel(scenario=scenario)
    return {test: _of_test(chosen, test) for test in str(tested.attrs["tests"]).split()}


def _of_test(chosen: xr.Dataset, test: str) -> dict[str, Any]:
    area = "practice" if "practice" in chosen[test].dims else "commissioner_code"
    years = [str(year) for year in chosen["year"].values]
    tested, first_year = chosen["tested"].values, str(chosen["first_year"].item())
    passed = chosen[f"{test}_passes"].all(area).values.tolist()
    passes = [verdict if sure else None for verdict, sure in zip(passed, tested, strict=True)]
    gap = chosen[test].sum(area) if area == "commissioner_code" else chosen[test].max(area)
    said: dict[str, Any] = {
        "gap": dict(zip(years, map(_pounds, gap.values), strict=True)),
        "passes": dict(zip(years, passes, strict=True)),
        "first_year": first_year,
        "passes_first_year": passes[years.index(first_year)],
        "mean_gap": _pounds(gap.values[tested].mean()),
        "passes_on_average": bool(chosen[f"{test}_passes_on_average"].all()),
    }
    if area == "practice":
        failing = chosen["practices_failing"].sum("commissioner_code").values.tolist()
        said["practices_failing"] = {
            year: int(count) if sure else None
            for year, count, sure in zip(years, failing, tested, strict=True)
        }
    if test in PARTS:
        parts = chosen[f"{test}_parts"].sum("commissioner_code")
        names = parts[f"{test}_part"].values.tolist()
        said["parts"] = {
            name: dict(zip(years, map(_pounds, amounts), strict=True))
            for name, amounts in zip(
                names, parts.transpose(f"{test}_part", "year").values, strict=True
            )
        }
    if test == "provider_gap":
        # A virtual contract has no budget that a provider could fall short of.
        said["anything_in_budget"] = bool(chosen["has_budget"])
    if test == "provider_gap" and "price_falls_as_need_rises" in chosen:
        falls = chosen["price_falls_as_need_rises"].any(area).values.tolist()
        said["price_falls_as_need_rises"] = [y for y, f in zip(years, falls, strict=True) if f]
    return said


def _switched(switched: xr.Dataset) -> dict[str, Any]:
    terms = switched["term"].values.tolist()
    rows = zip(
        terms,
        switched["unit"].values.tolist(),
        switched["value"].values.tolist(),
        switched["switching_value"].values.tolist(),
        strict=True,
    )
    return {
        **{key: switched.attrs[key] for key in ("scenario", "test", "year")},
        "gap": _pounds(switched["gap"]),
        "terms": {
            # Not a number, where no value closes the gap.
            name: {"unit": unit, "value": value, "switching_value": at if at == at else None}
            for name, unit, value, at in rows
        },
    }


def _pounds(amount: Any) -> float:
    return round_to_pence(float(amount)) + 0.0  # no -0.0


# In words ---------------------------------------------------------------------------------------


def words_of(
    summary: Mapping[str, Any],
    result: xr.Dataset,
    tested: xr.Dataset,
    switched: xr.Dataset | None,
) -> str:
    """The same as a reader wants it: verdicts first, then the sum that shows them.

    Parameters
    ----------
    summary : mapping
        From `summary_of`.
    result, tested, switched : xarray.Dataset
        As there.

    Returns
    -------
    str
    """
    months = result["month"].dt.strftime("%B %Y").values
    asked = asked_in_words(summary, result, f"{months[0]} – {months[-1]}")
    parts = [str(result.attrs["title"]), table(asked, str.ljust), _verdicts(summary)]
    first = next(iter(summary["tests"]))
    parts += [f"{year} is not tested: it {why}." for year, why in summary["not_tested"].items()]
    parts += _sums(summary["tests"][first], tested, first)
    if switched is not None:
        parts.append(_switching(summary["switching_values"], switched))
    return "\n\n".join(parts)


def _verdicts(summary: Mapping[str, Any]) -> str:
    """Every scenario and test: the first year's verdict, the gaps, and what a mean would say."""
    left_out = summary["not_tested"]
    years = [f"{year} (not tested)" if year in left_out else year for year in summary["years"]]
    heading = ("Gap (more than none fails)", "first year", *years, "mean of years")
    rows: list[tuple[str, ...]] = []
    for scenario, tests in summary["tests"].items():
        rows.append((scenario, *[""] * (len(heading) - 1)))
        for test, of in tests.items():
            verdict = "passes" if of["passes_first_year"] else "FAILS"
            told = f"{verdict} {of['first_year']}"
            verdict = told if of.get("anything_in_budget", True) else "no budget"
            mean = "passes" if of["passes_on_average"] else "fails"
            gaps = [_shown(amount) for amount in of["gap"].values()]
            rows.append(
                (f"  {IN_WORDS[test]}", verdict, *gaps, f"{_shown(of['mean_gap'])} ({mean})")
            )
    return table([heading, *rows])


def _sums(tests: Mapping[str, Any], tested: xr.Dataset, scenario: str) -> Iterator[str]:
    """What makes each gap, by year."""
    for test, of in tests.items():
        if "parts" not in of:
            continue
        titles = tested[f"{test}_part_title"].values.tolist()
        heading = (f"{IN_WORDS[test]}: {scenario}", *of["gap"])
        rows = [
            (title, *(_shown(amount) for amount in amounts.values()))
            for title, amounts in zip(titles, of["parts"].values(), strict=True)
            if any(amounts.values())
        ]
        gap = ("Gap", *(_shown(amount) for amount in of["gap"].values()))
        yield table([heading, *rows, gap])
        if falls := of.get("price_falls_as_need_rises"):
            yield f"The price falls while care in scope costs more: {', '.join(falls)}"


def _switching(of: Mapping[str, Any], switched: xr.Dataset) -> str:
    """At which value of each term the first year's gap closes."""
    moves = "closes" if of["gap"] > 0 else "opens"
    gap = f"{IN_WORDS[of['test']]}: the gap of {of['year']} {moves} at ({of['scenario']})"
    heading = (gap, "now", "value")
    titles = switched["title"].values.tolist()
    rows = [
        (f"{title} ({name})", show(row["value"], row["unit"]), _value(row))
        for title, (name, row) in zip(titles, of["terms"].items(), strict=True)
    ]
    return table([heading, *rows])


def _value(row: Mapping[str, Any]) -> str:
    at = row["switching_value"]
    if at is None:
        return "no value does"
    return show(at if abs(at) > ROUNDING * abs(row["value"]) else 0.0, row["unit"])


def _shown(amount: float) -> str:
    return show(amount, "GBP")
