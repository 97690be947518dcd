"""Make every workbook of this folder anew: ``python spreadsheets/make.py``.

The same bits come out each time; `tests/test_spreadsheets.py` makes them again and compares.
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import replace
from pathlib import Path

import xarray as xr

import capitation as cap

EXAMPLE = "bolton-quality-contract"
SCENARIOS = ("core-and-local-schemes", "indexed-guarantee")
PRACTICES, MONTHS = 12, 24
"""As few as show contracts of every kind, and two whole years."""

WORKED, WORKED_MONTHS = "national-practice-income", 12
"""One practice under the national rules alone, for a year."""

WHAT = {
    "input-template.xlsx": "a blank input workbook, as `capitation template --blank` writes it",
    "example-input.xlsx": "the same, filled in: twelve invented practices and two scenarios",
    "example-budget.xlsx": "the model workbook that `capitation run` makes of that",
    "example-tables.xlsx": "the same result as accessible tables, from `--tables`",
    "worked-example.xlsx": "one practice, twelve months: every step a row, to check by calculator",
}
"""Workbooks, and what each shows."""

PICTURES = {
    "bolton-summary.png": "the Summary sheet that the README's first command writes",
    "bolton-budget.png": "Budget, Bridge and Sensitivity of the same workbook",
    "bolton-simulation.png": "the charts that `capitation simulate` writes for Bolton",
    "thames-valley-premium.png": "sheets of `capitation run thames-valley-pms`, two scenarios",
    "whole-population-budget.png": "forms of contract side by side, and UnitingCare's test",
    "growth.svg": "how time and memory grow, as `benchmarks/growth.py` draws it",
}
"""Pictures, of workbooks taken of the example by hand; the README has the commands."""


def make(folder: Path) -> None:
    """Write every workbook into a folder, and the README that says what each is."""
    cap.write_template(folder / "input-template.xlsx", EXAMPLE, blank=True)
    cap.write_template(folder / "example-input.xlsx", _example(), count=PRACTICES)
    read = cap.read_input_workbook(folder / "example-input.xlsx")
    result = read.told_with(cap.project(read.model, read.practices, read.scenarios))
    result = cap.with_sensitivity(result, cap.sensitivity(read.model, read.practices))
    cap.write_workbook(result, folder / "example-budget.xlsx")
    cap.write_tables(result, folder / "example-tables.xlsx")
    worked = cap.project(WORKED, _one_practice(), months=WORKED_MONTHS)
    cap.write_workbook(worked, folder / "worked-example.xlsx")
    (folder / "README.md").write_text(_readme(folder), "utf-8")


def _example() -> cap.Model:
    """The contract with as few scenarios and months as show what there is."""
    model = cap.load_model(EXAMPLE)
    scenarios = {name: model.scenarios[name] for name in SCENARIOS}
    return replace(model, scenarios=scenarios, months=MONTHS)


def _one_practice() -> xr.Dataset:
    """The first practice of the example that holds a GMS contract."""
    practices = cap.example_practices()
    gms = practices["contract_type"].values.tolist().index("GMS")
    return practices.isel(practice=[gms])


def _readme(folder: Path) -> str:
    rows = [
        f"| `{name}` | {what} | `{hashlib.sha256((folder / name).read_bytes()).hexdigest()[:12]}` |"
        for name, what in WHAT.items()
    ]
    pictures = [f"| `pictures/{name}` | {what} | |" for name, what in PICTURES.items()]
    lines = [
        "# Spreadsheets",
        "",
        "`python spreadsheets/make.py` makes the workbooks; every practice in them is invented.",
        "",
        "| file | what it is | SHA-256 begins |",
        "|---|---|---|",
        *rows,
        *pictures,
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
