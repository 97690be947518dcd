"""The command ``totals``: payments by commissioner and year, of as many practices as there are."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import capitation as cap
from capitation.cli.console import as_json, in_pounds, stage, table, tell_notes
from capitation.cli.run_summary import asked_in_words, asked_of
from capitation.files import write_csv

if TYPE_CHECKING:
    import xarray as xr

    from capitation.cli.asked import Asked

DOES = "payments by commissioner and year alone, as a table: quick for all of England"

AREA = "commissioner_code"


def add_options(add: Callable[..., argparse.Action]) -> None:
    """Add the options that this command alone has."""
    add("--output", metavar="OUT.csv", help="the table to write: a row a commissioner and year")
    several: dict[str, Any] = {"nargs": "+", "action": "extend"}
    added_up = "rules to add up [the streams and total_payments]"
    add("--measure", **several, metavar="RULE", help=added_up)
    add("--threads", type=int, metavar="N", help="the result does not depend on it [all]")


def totals(args: argparse.Namespace, asked: Asked) -> tuple[str, int]:
    """Project and add up; write the table if asked; say what all commissioners have together."""
    with stage(f"Adding up {asked.practices.sizes['practice']:,} practices"):
        found = cap.project_totals(
            asked.model,
            asked.practices,
            asked.scenarios,
            asked.months,
            given=asked.given,
            variables=args.measure,
            threads=args.threads,
        )
    rows = _write(found, Path(args.output)) if args.output else None
    summary = _summary(found, asked, args.output, rows)
    tell_notes(summary["notes"])
    return as_json(summary) if args.json else _words(found, summary), 0


def _write(found: xr.Dataset, path: Path) -> int:
    """A row for each scenario, commissioner and fiscal year; amounts to the last bit."""
    names = [str(name) for name in found.data_vars]
    columns = [found[name].values for name in names]

    def rows() -> Iterator[tuple[Any, ...]]:
        for s, scenario in enumerate(found["scenario"].values):
            for g, code in enumerate(found[AREA].values):
                for y, year in enumerate(found["year"].values):
                    yield scenario, code, year, *(float(column[s, g, y]) for column in columns)

    return write_csv(path, ("scenario", AREA, "year", *names), rows())


def _summary(
    found: xr.Dataset, asked: Asked, output: str | None, rows: int | None
) -> dict[str, Any]:
    """What was asked, and what all commissioners have together, by year: pounds."""
    together = found.sum(AREA)
    return {
        **asked_of(found.assign_coords(practice=asked.practices["practice"].values), asked),
        "months": asked.months,
        "scenarios": [str(name) for name in found["scenario"].values],
        "totals": {
            str(name): {
                str(scenario): {
                    str(year): float(of.sel(scenario=scenario, year=year))
                    for year in found["year"].values
                }
                for scenario in found["scenario"].values
            }
            for name, of in together.data_vars.items()
        },
        "output": output,
        "rows": rows,
    }


def _words(found: xr.Dataset, summary: dict[str, Any]) -> str:
    """Each scenario's amounts by year, over all commissioners."""
    years = [str(year) for year in found["year"].values]
    asked = asked_in_words(summary, found, f"{years[0]} – {years[-1]}")
    parts = [found.attrs["title"], table(asked, str.ljust)]
    for scenario in summary["scenarios"]:
        rows = [
            (name.replace("_", " "), *(in_pounds(by[scenario][year]) for year in years))
            for name, by in summary["totals"].items()
        ]
        parts.append(table([(scenario, *years), *rows]))
    if summary["rows"] is not None:
        parts.append(f"{summary['rows']:,} rows: {summary['output']}")
    return "\n\n".join(parts)
