"""Make every workbook of this folder anew: ``python spreadsheets/make.py``.

The same bits come out each time, so that CI makes them again and compares.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import capitation as cap

MODEL = "bolton-quality-contract"
SCENARIOS = ["core-and-local-schemes", "indexed-guarantee"]
PRACTICES, MONTHS = 12, 24
"""Of the example: as few as show every kind of contract, and two whole years."""

ONE_MODEL, ONE_MONTHS = "national-practice-income", 12
"""Of the worked example: one practice of a GMS contract, a year, the national rules alone."""

WHAT = {
    "input-template.xlsx": "blank input workbook for the Bolton contract: fill it in, check it, run it",
    "example-input.xlsx": "the same with twelve invented practices, as `capitation template` writes it",
    "example-budget.xlsx": "what `capitation run example-input.xlsx` writes: the model workbook",
    "example-tables.xlsx": "the same result as accessible tables, as `--tables` writes them",
    "worked-example.xlsx": "one practice, one year, every step a row: small enough for a calculator",
}


def make(folder: Path) -> None:
    """Write all workbooks into a folder, and the README that says what each is."""
    cap.write_template(folder / "input-template.xlsx", MODEL, blank=True)
    practices = cap.example_practices().isel(practice=slice(0, PRACTICES))
    example = folder / "example-input.xlsx"
    cap.write_template(example, MODEL, practices=practices, scenarios=SCENARIOS, months=MONTHS)
    result = projected(example)
    cap.write_workbook(result, folder / "example-budget.xlsx")
    cap.write_tables(result, folder / "example-tables.xlsx")
    everyone = cap.example_practices()
    gms = everyone.isel(practice=everyone["contract_type"].values.tolist().index("GMS"))
    one = cap.project(ONE_MODEL, gms.expand_dims("practice"), months=ONE_MONTHS)
    cap.write_workbook(one, folder / "worked-example.xlsx")
    (folder / "README.md").write_text(readme(folder), "utf-8")
