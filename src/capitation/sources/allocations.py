"""Allocations of commissioners beside their targets, as NHS England sets them out.

Checked on eight rows of the 2013/14 table (Gateway 00337, Annex A), which are in thousands of
pounds.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import xarray as xr

from capitation.errors import Problem, raise_if_any
from capitation.sources.official_csv import Numbers, Table, read_table
from capitation.sources.weighted_population_headings import MONEY, PERSONS, Column
from capitation.sources.years import agreed_year

PER_HEAD = "GBP/patient/year"

LABELS = (
    Column("commissioner", "Commissioner code", "code"),
    Column("commissioner_name", "Commissioner", "ccg"),
)
FIGURES = (
    Column("population", "Population, not weighted", "rawpopulation", "", PERSONS),
    Column("weighted_population", "Weighted population", "weightedpopulation", "", PERSONS),
    Column("allocation", "Allocation", "allocation*k", "", MONEY, 1_000.0),
    Column("target_allocation", "Target allocation", "*targetk", "", MONEY, 1_000.0),
    Column(
        "published_distance_in_money",
        "Allocation less target, as published",
        "dftk",
        "",
        MONEY,
        1_000.0,
    ),
    Column(
        "published_distance_from_target",
        "Allocation over target, less one, as published",
        "dftpct",
        "",
        "1",
        0.01,
    ),
    Column(
        "published_allocation_per_head",
        "Allocation a head, as published",
        "allocationperhead",
        "",
        PER_HEAD,
    ),
    Column(
        "published_target_per_head", "Target a head, as published", "targetperhead", "", PER_HEAD
    ),
)
WANTED = ("commissioner", "population", "weighted_population", "allocation", "target_allocation")


def read_allocations(path: str | os.PathLike[str], fiscal_year: str | None = None) -> xr.Dataset:
    r"""Read allocations and targets, one row a commissioner.

    Parameters
    ----------
    path : path-like
        A CSV file with ``code``, ``raw_population``, ``weighted_population``, ``allocation…_k`` and
        ``…target_k`` in thousands of pounds; perhaps ``ccg`` (the name), ``dft_k``, ``dft_pct``,
        ``allocation_per_head`` and ``target_per_head``.
    fiscal_year : str, optional
        Such as ``"2013/14"``. Taken from the file's name, or else from its headings.

    Returns
    -------
    xarray.Dataset
        On `commissioner` (code): `population` and `weighted_population` [patient]; `allocation` and
        `target_allocation` [GBP/year]; and where the file has them `published_distance_in_money`
        [GBP/year], `published_distance_from_target` [1], `published_allocation_per_head` and
        `published_target_per_head` [GBP/patient/year].

    Raises
    ------
    InputError
        If the file cannot be read, is of another year, lacks a column, repeats a commissioner, has
        something that is not a number above zero, or prints another distance than its allocation
        less its target.

    Examples
    --------
    >>> import tempfile
    >>> text = (
    ...     "code,raw_population,weighted_population,allocation_2013_14_k,indicative_target_k\n"
    ...     "00T,296802,310589,331159,352647\n"
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "allocations.csv"
    ...     _ = file.write_text(text, encoding="utf-8")
    ...     allocations = read_allocations(file)
    >>> allocations.attrs["fiscal_year"], allocations["allocation"].sel(commissioner="00T").item()
    ('2013/14', 331159000.0)
    """
    table = read_table(Path(path))
    columns, problems = _find_columns(table)
    year, doubts, notes = agreed_year(table, fiscal_year)
    raise_if_any([*problems, *doubts])
    table.raise_if_any(table.ragged)
    codes = [cell.strip().upper() for cell in table.columns[columns["commissioner"]]]
    printed = {c.name: table.numbers(columns[c.name])[0] for c in FIGURES if c.name in columns}
    wrong = [*_code_problems(table, codes), *_number_problems(table, columns, printed)]
    table.raise_if_any(wrong)
    table.raise_if_any(list(_distance_problems(table, printed)))
    described = {column.name: column for column in (*LABELS, *FIGURES)}

    def attributes(name: str) -> dict[str, str]:
        said = {"long_name": described[name].long_name}
        said |= {"units": described[name].units} if described[name].units else {}
        return said | {"heading": table.headings[columns[name]].strip()}

    labels = {"commissioner": ("commissioner", codes, attributes("commissioner"))}
    if "commissioner_name" in columns:
        names = [" ".join(cell.split()) for cell in table.columns[columns["commissioner_name"]]]
        labels["commissioner_name"] = ("commissioner", names, attributes("commissioner_name"))
    return xr.Dataset(
        {
            name: ("commissioner", values * described[name].scale, attributes(name))
            for name, values in printed.items()
        },
        labels,
        {
            "title": f"Allocations and targets, {year}",
            "fiscal_year": year,
            "source": table.file,
            "sha256": table.sha256,
            "notes": json.dumps(notes),
        },
    )


def _find_columns(table: Table) -> tuple[dict[str, int], list[Problem]]:
    columns: dict[str, int] = {}
    problems = []
    keys = [re.sub(r"[^a-z]", "", heading.lower()) for heading in table.headings]
    for column in (*LABELS, *FIGURES):
        found = [n for n, key in enumerate(keys) if fnmatchcase(key, column.targets)]
        if len(found) == 1:
            columns[column.name] = found[0]
        elif found:
            headings = ", ".join(f'"{table.headings[number].strip()}"' for number in found)
            said = f"{headings} have one meaning: {column.long_name}"
            problems.append(Problem(table.file, said, "keep one, and rename or delete the others"))
        elif column.name in WANTED:
            mend = f'looked for "{column.targets}" in any case and spacing, digits aside'
            problems.append(Problem(table.file, f"no column for: {column.long_name}", mend))
    return columns, problems


def _code_problems(table: Table, codes: list[str]) -> Iterator[Problem]:
    for row, code in enumerate(codes):
        if not code:
            yield Problem(table.where(row), "no commissioner code", "delete totals and notes")
        elif codes.index(code) < row:
            first = table.row_numbers[codes.index(code)]
            found = f"commissioner {code} is in row {first} too"
            yield Problem(table.where(row), found, "keep one of them")
    if not codes:
        yield Problem(table.file, "has headings but no commissioners", "give a row for each")


def _number_problems(
    table: Table, columns: Mapping[str, int], printed: Mapping[str, Numbers]
) -> Iterator[Problem]:
    for name, values in printed.items():
        signed = "distance" in name
        wrong = np.isnan(values) if signed else ~(values > 0)
        what = "expected a number" if signed else "expected a number above zero"
        yield from table.wrong(columns[name], wrong, what, "write digits, as 1234")


def _distance_problems(table: Table, printed: Mapping[str, Numbers]) -> Iterator[Problem]:
    """Compare the printed distance with the printed allocation and target, all in thousands."""
    if "published_distance_in_money" not in printed:
        return
    distance = printed["allocation"] - printed["target_allocation"]
    said = printed["published_distance_in_money"]
    for row in np.flatnonzero(np.abs(distance - said) > 1.0 + 1e-9).tolist():
        found = f"allocation less target is {distance[row]:,.0f}, but {said[row]:,.0f} is printed"
        yield Problem(table.where(row), found, "one of the three is wrong")
