"""What is said of a simulation: as data, and in words."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from capitation.cli.asked import Asked
from capitation.cli.console import MOST_SHOWN, in_pounds, listed, table
from capitation.cli.run_summary import about, asked_in_words, asked_of, written_in_words
from capitation.cli.simulated_rows import Rows

if TYPE_CHECKING:
    import xarray as xr

LOW, HIGH = "0.05", "0.95"
"""Quantiles that are shown."""

HALF_A_PENNY = 0.005

ALL_TOGETHER = "all together"
"""What the sum of all commissioners is called."""


def summary_of(result: xr.Dataset, written: Any, asked: Asked) -> dict[str, Any]:
    """What was asked, what is to be expected and how far that may be missed, what was written."""
    solved = "break_even_reduction" in result
    return {
        **_about(result, written, asked),
        "months": asked.months,
        "start": f"{asked.model.start:%Y-%m}",
        "scenarios": [str(name) for name in result["scenario"].values],
        "draws": int(result.attrs["draws"]),
        "seed": int(result.attrs["seed"]),
        "cost": list(_costs(result, "commissioner")),
        "cost_of_all": list(_costs(result, "group")),
        "chance_of_earning": list(_chances(result)),
        "break_even": list(_break_evens(result)) if solved else None,
        "largest_reduction": float(result["reduction"].max()) if solved else None,
    }


def _about(result: xr.Dataset, written: Any, asked: Asked) -> dict[str, Any]:
    if not isinstance(written, Rows):
        return about(result, written, asked)
    told = {"output": str(written.path), "rows": written.count}
    return asked_of(result, asked) | told


def _costs(result: xr.Dataset, of: str) -> Iterator[dict[str, Any]]:
    """The scheme's cost to each commissioner: mean, its standard error, and quantiles.

    Of what is told of a group, the group stands in the commissioner's place.
    """
    name = f"{of}_{result.attrs['cost'].removeprefix('commissioner_')}"
    dim = "commissioner_code" if of == "commissioner" else of
    if not result.attrs["cost"] or dim not in result.dims:
        return
    for at in _places(result, "scenario", dim, "year", "effect"):
        of_draws = result[name].sel(at)
        yield {
            "scenario": at["scenario"],
            "commissioner": at[dim],
            "year": at["year"],
            "effect": at["effect"],
            "mean": _number(result[f"{name}_mean"].sel(at)),
            "standard_error": _number(result[f"{name}_standard_error"].sel(at)),
            "quantiles": {
                f"{float(share):g}": _number(of_draws.sel(quantile=share))
                for share in result["quantile"].values
            },
        }


def _chances(result: xr.Dataset) -> Iterator[dict[str, Any]]:
    """The chance that a practice earns: of the median, the smallest and the largest practice."""
    if "probability_of_earning" not in result:
        return
    lists = result["registered_list"].values.astype(float)
    # A practice without a list is no small practice.
    smallest = int(min(range(len(lists)), key=lambda p: lists[p] if lists[p] > 0 else math.inf))
    largest = int(lists.argmax())
    chance, error = (
        result[f"probability_of_earning{of}"].transpose(..., "practice")
        for of in ("", "_standard_error")
    )
    codes = [str(code) for code in result["practice"].values]
    for at in _places(result, "scenario", "year", "effect"):
        chances, errors = chance.sel(at).values, error.sel(at).values
        ends = {
            key: {
                "practice": codes[p],
                "registered_list": float(lists[p]),
                "chance": _number(chances[p]),
                "standard_error": _number(errors[p]),
            }
            for key, p in (("smallest", smallest), ("largest", largest))
        }
        yield {**at, "median": _number(chance.sel(at).median()), **ends}


def _break_evens(result: xr.Dataset) -> Iterator[dict[str, Any]]:
    """The reduction in admissions at which saving pays for the scheme, with its interval."""
    for at in _places(result, "scenario", "commissioner_code"):
        yield {
            "scenario": at["scenario"],
            "commissioner": at["commissioner_code"],
            "reduction": _number(result["break_even_reduction"].sel(at)),
            "low": _number(result["break_even_reduction_low"].sel(at)),
            "high": _number(result["break_even_reduction_high"].sel(at)),
            "nothing_paid": _nothing_paid(result, at),
        }


def _nothing_paid(result: xr.Dataset, at: Mapping[str, str]) -> bool:
    """Whether the break-even is at no reduction, because nothing is paid there."""
    cost = result["cost_by_reduction"].sel(at)
    paid = abs(cost.where(result["reduction"] == 0, 0.0)).max()
    return float(result["break_even_reduction"].sel(at)) == 0 and float(paid) < HALF_A_PENNY


def _places(result: xr.Dataset, *dims: str) -> Iterator[dict[str, str]]:
    labels = ([str(label) for label in result[dim].values] for dim in dims)
    for chosen in itertools.product(*labels):
        yield dict(zip(dims, chosen, strict=True))


def _number(value: Any) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None


# In words ---------------------------------------------------------------------------------------


def words_of(summary: Mapping[str, Any], result: xr.Dataset) -> str:
    """The summary of a simulation as a reader wants it."""
    first, last = _ends(summary)
    asked = [
        *asked_in_words(summary, result, f"{first} – {last}"),
        ("Draws", f"{summary['draws']:,}, seed {summary['seed']}"),
    ]
    if summary["chance_of_earning"]:
        asked.append(("Earning", f"{result.attrs['earned']} is more than 0"))
    if result.attrs["effect_term"]:
        asked.append(("Effect", f"with: {result.attrs['effect_term']} as it stands; without: 0"))
    parts = [
        result.attrs["title"],
        table(asked, str.ljust),
        *_cost_tables(summary),
        *_chance_tables(summary),
        *_break_even_table(summary),
        _written_in_words(summary),
    ]
    return "\n\n".join(parts)


def _written_in_words(summary: Mapping[str, Any]) -> str:
    if "rows" not in summary:
        return written_in_words(summary)
    return table([("Rows", f"{summary['rows']:,}"), ("Table", summary["output"])], str.ljust)


def _ends(summary: Mapping[str, Any]) -> tuple[str, str]:
    import datetime as dt

    from capitation.engine.calendar import months_from

    months = months_from(dt.date.fromisoformat(f"{summary['start']}-01"), summary["months"])
    return f"{months[0]:%B %Y}", f"{months[-1]:%B %Y}"


def _cost_tables(summary: Mapping[str, Any]) -> list[str]:
    """A table for each scenario and commissioner, that of all together first."""
    heading = ("mean", "standard error", "5%", "95%")
    tables = []
    rows = [*summary["cost_of_all"], *summary["cost"]]
    groups = itertools.groupby(rows, lambda row: (row["scenario"], row["commissioner"]))
    for names, of_one in groups:
        lines = [
            (
                f"{row['year']}, {row['effect']}",
                in_pounds(row["mean"]),
                in_pounds(row["standard_error"]),
                in_pounds(row["quantiles"][LOW]),
                in_pounds(row["quantiles"][HIGH]),
            )
            for row in of_one
        ]
        tables.append(table([(f"Expected cost: {', '.join(names)}", *heading), *lines]))
    return _some(tables, summary)


def _chance_tables(summary: Mapping[str, Any]) -> list[str]:
    """How likely it is that a practice earns anything: once where scenarios agree."""
    tables = []
    scenarios: dict[str, list[str]] = {}
    by_scenario = itertools.groupby(summary["chance_of_earning"], lambda row: row["scenario"])
    chances = {name: [{**row, "scenario": ""} for row in rows] for name, rows in by_scenario}
    for name, rows in chances.items():
        scenarios.setdefault(repr(rows), []).append(name)
    for names in scenarios.values():
        rows = chances[names[0]]
        said = listed(names) if len(names) < len(chances) or len(chances) == 1 else "all scenarios"
        heading = [f"Chance of earning: {said}", "median practice"]
        for end in ("smallest", "largest"):
            heading.append("{}: {practice}, {registered_list:,.0f}".format(end, **rows[0][end]))
        lines = [
            (
                f"{row['year']}, {row['effect']}",
                _share(row["median"]),
                _share(row["smallest"]["chance"]),
                _share(row["largest"]["chance"]),
            )
            for row in rows
        ]
        tables.append(table([tuple(heading), *lines]))
    return _some(tables, summary)


def _break_even_table(summary: Mapping[str, Any]) -> list[str]:
    if summary["break_even"] is None:
        return []
    most = summary["largest_reduction"]
    lines = [
        (f"{row['scenario']}, {row['commissioner']}", *_break_even_in_words(row, most))
        for row in summary["break_even"]
    ]
    shown = lines[:MOST_SHOWN]
    if len(lines) > MOST_SHOWN:
        shown.append((f"and {len(lines) - MOST_SHOWN} more, in the workbook", "", ""))
    heading = ("Break-even", "reduction at full effect", "95% interval of the draws")
    return [table([heading, *shown])]


def _break_even_in_words(row: Mapping[str, Any], most: float) -> tuple[str, str]:
    if row["nothing_paid"]:
        return "nothing is paid", "–"
    if row["reduction"] is None:
        return f"none up to {most:.0%}", "–"
    return _share(row["reduction"]), f"{_share(row['low'])} – {_share(row['high'])}"


def _share(share: float) -> str:
    return f"{share:.1%}"


def _some(tables: list[str], summary: Mapping[str, Any]) -> list[str]:
    more, where = len(tables) - MOST_SHOWN, "table" if "rows" in summary else "workbook"
    return tables[:MOST_SHOWN] + ([f"and {more} more, in the {where}"] if more > 0 else [])
