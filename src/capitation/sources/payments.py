"""The official 'NHS Payments to General Practice' files, by practice, 2014/15 to 2022/23.

Layouts, and how far each was checked:

- 2014/15, 2015/16, 2016/17 and 2018/19: whole files, to the penny (2014/15: to the pound).
- 2017/18: the headings and three rows of an unaltered copy.
- 2022/23: the headings of the published file, as another project printed them.
- 2019/20 to 2022/23: the headings and two or three rows a year of a republished copy, in which
  some headings had been made alike. Up to 2021/22 the headings as published were not seen.

From 2020/21 the files hold several totals. `total_payments` is always 'Total NHS Payments to
General Practice', which leaves out COVID-19 payments and payments to primary care networks, so
that it means the same in every year. Those payments and the wider totals are read beside it under
their own names; the wider totals are not checked.

Source: NHS Digital (later NHS England), NHS Payments to General Practice,
https://digital.nhs.uk/data-and-information/publications/statistical/nhs-payments-to-general-practice
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from capitation.errors import Problem, raise_if_any
from capitation.sources.official_csv import (
    NOTHING,
    Numbers,
    Table,
    parse_dates,
    read_table,
)
from capitation.sources.payment_headings import (
    LABELS,
    LEFT_OUT,
    LISTS,
    LOCAL_PARTS,
    MONEY,
    PAYMENTS,
    STANDARD,
    TOTALS,
    Column,
    extra_total,
    identifier,
    is_known,
    normalise_heading,
    outside_total,
    own_title,
)

__all__ = ["normalise_heading", "read_payments"]

LICENCE = (
    "Contains NHS Digital / NHS England information licensed under the "
    "Open Government Licence v3.0."
)
FIRST_YEAR = 2013
"""The first year published. It keeps '11-12' in a file's name, a date, from being a year."""

LONDON_CODES = frozenset({"Q71", "Y56"})
"""NHS England's London region: to 2018/19, and from 2019/20."""

POUNDS, PENCE = 5.0, 0.05
"""How far payments may miss their total: forty or so roundings in whole pounds, or in pence."""

STANDARD_NAMES = {column.name: column for column in STANDARD}

_CODE = re.compile(r"(?=.*\d)[A-Z0-9]{5,6}")
_TWO_YEARS = re.compile(r"(?<!\d)(?:20(\d\d)[-_ .–]?(?:20)?(\d\d)|(\d\d)[-_ .–](\d\d))(?!\d)")


def read_payments(path: str | os.PathLike[str], fiscal_year: str | None = None) -> xr.Dataset:
    r"""Read an official 'NHS Payments to General Practice' file, one row a practice.

    Headings are matched by meaning, so every layout from 2014/15 to 2022/23 reads to the same
    names. The payments are checked against the file's own total, row by row: within 5 pounds where
    the file is in whole pounds, within 5 pence otherwise. A blank, ``-`` or ``N/A`` is zero in a
    payment; in a list it is zero only where the practice has no list at all.

    Parameters
    ----------
    path : path-like
        A CSV file in UTF-8, in UTF-16 with a byte-order mark, or in Windows-1252.
    fiscal_year : str, optional
        Such as ``"2014/15"``. Taken from the file's name if not given, since the files have no
        column for it.

    Returns
    -------
    xarray.Dataset
        On `practice` (code), with `commissioner`, `practice_name` and `contract_type` as
        coordinates, and `commissioner_name`, `region`, `opened` and `closed` where the file has
        them.

        Always: `registered_list` and `weighted_list` [patient]; `global_sum`, `correction_factor`,
        `pms_expenditure`, `seniority`, `qof` and `total_payments` [GBP/year]; `london_practice`
        [1]. Where the file has them: `premises`, `local_schemes`, `other_payments`, `deductions`
        (negative), `total_less_deductions` and every other payment under its own name [GBP/year].

    Raises
    ------
    InputError
        If the file cannot be read, is not this publication, holds something that is not a number,
        repeats a practice, or does not add up. Names the file, row and column of each fault.

    Notes
    -----
    Averages, addresses and descriptions are left out; the attribute `left_out` lists them. A
    payment that had ended and has no column left (seniority and the correction factor, from
    2020/21) is zero, with an empty `heading`. Figures are never altered: an implausible payment
    reads as published.

    Source: NHS Digital, NHS Payments to General Practice, England, 2014/15 to 2022/23.

    Examples
    --------
    >>> import tempfile
    >>> text = (
    ...     "Practice Code,Practice Name,CCG Code,Contract Type,Number of Registered Patients,"
    ...     "Number of Weighted Patients,GlobalSum_£,MPIG Correction factor,"
    ...     "Balance of PMS Expenditure,Seniority,Total QOF Payments,"
    ...     "Total NHS Payments to General Practice\n"
    ...     'A99999,Example Surgery,00X,GMS,5000,4800,"350,000",0,-,0,50000,400000'
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "payments_2014_15.csv"
    ...     _ = file.write_text(text, encoding="utf-8")
    ...     payments = read_payments(file)
    >>> payments.attrs["fiscal_year"], payments["global_sum"].sel(practice="A99999").item()
    ('2014/15', 350000.0)
    """
    table = read_table(Path(path))
    year, doubts = _fiscal_year(table.file, fiscal_year)
    layout, missing = _find_columns(table, year)
    raise_if_any(doubts + missing)
    table.raise_if_any(table.ragged)
    labels, wrong_labels = _read_labels(table, layout)
    numbers, wrong_numbers = _read_numbers(table, layout)
    table.raise_if_any(wrong_labels + wrong_numbers)
    table.raise_if_any(_sum_problems(table, layout, numbers))
    return _dataset(table, layout, labels, _standardised(layout, numbers), year)


def _fiscal_year(file: str, given: str | None) -> tuple[str, list[Problem]]:
    """Give the fiscal year, from the file's name unless it was given."""
    if given is not None:
        match = re.fullmatch(r"20(\d\d)/(\d\d)", given)
        if match and _follows(match[1], match[2]):
            return given, []
        mend = "write two years that follow each other, as 2014/15"
        return "", [Problem("fiscal_year (--fiscal-year)", f"{given!r} is not a year", mend)]
    pairs = ((a or c, b or d) for a, b, c, d in _TWO_YEARS.findall(file))
    years = {f"20{a}/{b}" for a, b in pairs if _follows(a, b) and 2000 + int(a) >= FIRST_YEAR}
    if len(years) == 1:
        return years.pop(), []
    said = f"may mean {' or '.join(sorted(years))}" if years else "does not say the fiscal year"
    mend = "say which it is: --fiscal-year 2014/15, or fiscal_year='2014/15' in Python"
    return "", [Problem(file, f"the file's name {said}", mend)]


def _follows(first: str, second: str) -> bool:
    return (int(first) + 1) % 100 == int(second)


# The headings -------------------------------------------------------------------------------


@dataclass
class _Layout:
    """Which columns of a table hold what, each by its number from zero."""

    standard: dict[str, int] = field(default_factory=dict)
    own: dict[str, int] = field(default_factory=dict)
    left_out: list[int] = field(default_factory=list)

    @property
    def local_parts(self) -> list[str]:
        """The parts in which the file shows the local schemes."""
        return [column.name for column in LOCAL_PARTS if column.name in self.standard]


def _find_columns(table: Table, year: str) -> tuple[_Layout, list[Problem]]:
    """Match the headings; also list columns that are missing or there twice."""
    layout = _Layout()
    problems: list[Problem] = []
    keys = [normalise_heading(heading) for heading in table.headings]
    rest = set(range(len(keys)))
    for column in STANDARD:
        ranked = sorted((rank, n) for n in rest if (rank := column.rank(keys[n])) is not None)
        rest -= {n for _, n in ranked}
        if ranked:
            layout.standard[column.name] = ranked[0][1]
        elif column.required and not _had_ended(column, year):
            problems.append(_missing(table, column))
        # A second spelling of a label adds nothing. A second column of numbers is a doubt.
        if len(ranked) > 1 and (column.units or ranked[0][0] == ranked[1][0]):
            problems.append(_twice(table, column.long_name, [n for _, n in ranked]))
    for number in sorted(rest):
        problems += _find_own(table, layout, number)
    return layout, problems


def _had_ended(column: Column, year: str) -> bool:
    return column.ended is not None and year >= f"{column.ended}/"


def _find_own(table: Table, layout: _Layout, number: int) -> Iterator[Problem]:
    """Place a column without a standard name: a payment, a wider total, or nothing we read."""
    heading = table.headings[number]
    total = extra_total(heading)
    name = total or identifier(own_title(heading))
    described = LEFT_OUT.fullmatch(normalise_heading(heading))
    known = total or is_known(name)
    if described or (not known and np.isnan(table.numbers(number)[0]).all()):
        layout.left_out.append(number)
        return
    if not name:
        mend = "give the column a heading, or delete it"
        yield Problem(f"{table.file}, column {number + 1}", "has numbers but no heading", mend)
    elif name in layout.own:
        yield _twice(table, name, [layout.own[name], number])
    elif name in STANDARD_NAMES:
        mend = "rename it"
        yield Problem(table.file, f'column "{heading}" would be named as {name}', mend)
    else:
        layout.own[name] = number


def _twice(table: Table, meaning: str, numbers: Iterable[int]) -> Problem:
    headings = _quoted(table.headings[number].strip() for number in numbers)
    mend = "keep one, and rename or delete the others"
    return Problem(table.file, f"{headings} have one meaning: {meaning}", mend)


def _missing(table: Table, column: Column) -> Problem:
    """Say what was looked for, and the nearest heading that was found."""
    found = {normalise_heading(heading): heading.strip()[:60] for heading in table.headings}
    close = [
        found[key]
        for spelling in column.spellings
        for key in difflib.get_close_matches(normalise_heading(spelling), found, n=1)
    ]
    nearest = f"the nearest heading is {_quoted(close[:1])}" if close else "no heading is like it"
    looked_for = f"looked for {_quoted(column.spellings)} in any case and spacing"
    return Problem(table.file, f"no column for: {column.long_name}", f"{looked_for}; {nearest}")


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


# The cells ----------------------------------------------------------------------------------


def _read_labels(table: Table, layout: _Layout) -> tuple[dict[str, Any], list[Problem]]:
    """Read text and dates; also list rows without a code, codes repeated and wrong dates."""
    labels: dict[str, Any] = {}
    problems: list[Problem] = []
    for name in (column.name for column in LABELS if column.name in layout.standard):
        number = layout.standard[name]
        cells = [" ".join(cell.split()) for cell in table.columns[number]]
        if name in ("opened", "closed"):
            labels[name], nothing = parse_dates(cells)
            wrong = np.isnat(labels[name]) & ~nothing
            mend = "write it as 31/03/2015, or leave it blank"
            problems += table.wrong(number, wrong, "expected a date", mend)
            continue
        if name in ("practice", "commissioner", "region"):
            cells = [cell.replace(" ", "").upper() for cell in cells]
        elif name == "contract_type":
            cells = [cell.upper() for cell in cells]
            cells = ["unknown" if cell in NOTHING | {"UNKNOWN"} else cell for cell in cells]
        labels[name] = np.array(cells, dtype=np.str_)
    problems += _code_problems(table, labels["practice"], labels["commissioner"])
    return labels, problems


def _code_problems(
    table: Table, practices: Iterable[str], commissioners: Iterable[str]
) -> Iterator[Problem]:
    """Check that every row is one practice of one commissioner, and no practice has two rows."""
    seen: dict[str, int] = {}
    for row, (practice, commissioner) in enumerate(zip(practices, commissioners, strict=True)):
        where = table.where(row)
        if practice in NOTHING:
            yield Problem(where, "no practice code", "delete totals, notes and other such rows")
        elif not _CODE.fullmatch(practice):
            mend = "a code is as A81001; delete totals, notes and other such rows"
            yield Problem(where, f'"{practice}" is not a practice code', mend)
        elif practice in seen:
            first = table.row_numbers[seen[practice]]
            yield Problem(where, f"practice {practice} is in row {first} too", "keep one of them")
        elif commissioner in NOTHING:
            mend = "give the code of its CCG or sub-ICB location, as 00K"
            yield Problem(where, f"practice {practice} has no commissioner code", mend)
        seen.setdefault(practice, row)
    if not seen:
        yield Problem(table.file, "has headings but no practices", "give the file as published")


def _read_numbers(table: Table, layout: _Layout) -> tuple[dict[str, Numbers], list[Problem]]:
    """Read lists and payments; also list every cell that is not a number."""
    numbers, problems = _read_lists(table, layout)
    names = (column.name for column in (*PAYMENTS, *LOCAL_PARTS, *TOTALS))
    standard = {name: layout.standard[name] for name in names if name in layout.standard}
    for name, number in {**standard, **layout.own}.items():
        values, nothing = table.numbers(number)
        wrong = np.isnan(values) & ~nothing
        problems += table.wrong(number, wrong, "expected a number", "write digits, as 1234.56")
        numbers[name] = np.where(nothing, 0.0, values)
    return numbers, problems


def _read_lists(table: Table, layout: _Layout) -> tuple[dict[str, Numbers], list[Problem]]:
    """Read the two lists, where nothing means zero only if the practice has no list."""
    problems: list[Problem] = []
    lists: dict[str, Numbers] = {}
    cells = {c.name: table.numbers(layout.standard[c.name]) for c in LISTS}
    no_list = np.all([nothing | (values == 0) for values, nothing in cells.values()], axis=0)
    for name, (values, nothing) in cells.items():
        number = layout.standard[name]
        wrong = np.isnan(values) & ~(nothing & no_list)
        mend = "only a practice with no list at all may have a blank here"
        problems += table.wrong(number, wrong, "expected a number of patients", mend)
        mend = "a list is zero or more"
        problems += table.wrong(number, values < 0, "a list cannot be negative", mend)
        lists[name] = np.where(nothing, 0.0, values)
    return lists, problems


# The sums -----------------------------------------------------------------------------------


def _sum_problems(table: Table, layout: _Layout, numbers: dict[str, Numbers]) -> list[Problem]:
    """Compare the payments with the file's total, and the total with what is left of it."""
    problems: list[Problem] = []

    def check(added: Numbers, printed: str, tolerance: float, what: str, mend: str = "") -> None:
        # A millionth of a pound is what adding binary fractions may cost.
        for row in np.flatnonzero(np.abs(added - numbers[printed]) > tolerance + 1e-6).tolist():
            practice = table.columns[layout.standard["practice"]][row].strip()
            said = f"the file's own sum is £{numbers[printed][row]:,.2f}"
            found = f"{what} add up to £{added[row]:,.2f}, but {said}"
            problems.append(Problem(f"{table.where(row)}, practice {practice}", found, mend))

    not_money = {column.name for column in LISTS}
    in_pounds = all(np.all(v == np.rint(v)) for name, v in numbers.items() if name not in not_money)
    local_parts = layout.local_parts
    if local_parts and "local_schemes" in numbers:
        parts = np.sum([numbers[name] for name in local_parts], axis=0)
        check(parts, "local_schemes", PENCE, "the parts of the local schemes")
    names, mend = _components(layout, numbers)
    payments = np.sum([numbers[name] for name in names], axis=0)
    check(payments, "total_payments", POUNDS if in_pounds else PENCE, "the payments", mend)
    if {"deductions", "total_less_deductions"} <= set(numbers):
        net = numbers["total_payments"] + numbers["deductions"]
        tolerance = 1.0 if in_pounds else PENCE
        check(net, "total_less_deductions", tolerance, "the total and the deductions")
    return problems


def _components(layout: _Layout, names: Iterable[str]) -> tuple[list[str], str]:
    """Name the payments that the total is the sum of, and those of them that are a guess."""
    others = {column.name for column in (*LISTS, *TOTALS)}
    if layout.local_parts:
        # Some republished copies add a total of the two parts: the same money twice.
        others.add("local_schemes")
    counted = [name for name in names if name not in others and not outside_total(name)]
    guessed = [name for name in counted if name in layout.own and not is_known(name)]
    mend = f"counted as payments, but not known to be: {', '.join(guessed)}" if guessed else ""
    return counted, mend


def _standardised(layout: _Layout, numbers: dict[str, Numbers]) -> dict[str, Numbers]:
    """Give the variables every year has: local schemes as one, ended payments as zero."""
    numbers = dict(numbers)
    if layout.local_parts:
        numbers["local_schemes"] = np.sum([numbers.pop(n) for n in layout.local_parts], axis=0)
    for column in PAYMENTS:
        if column.required and column.name not in numbers:
            numbers[column.name] = np.zeros_like(numbers["total_payments"])
    return numbers


# The Dataset --------------------------------------------------------------------------------


def _dataset(
    table: Table, layout: _Layout, labels: dict[str, Any], numbers: dict[str, Numbers], year: str
) -> xr.Dataset:
    variables = {
        name: ("practice", values, _attributes(table, layout, name))
        for name, values in numbers.items()
    }
    variables["london_practice"] = ("practice", *_london(labels))
    coordinates = {
        name: ("practice", values, _attributes(table, layout, name))
        for name, values in labels.items()
        if name != "region_name"
    }
    attributes = {
        "title": f"NHS Payments to General Practice, England, {year}",
        "fiscal_year": year,
        "source": table.file,
        "licence": LICENCE,
        "sha256": table.sha256,
        "left_out": "; ".join(table.headings[number].strip() for number in layout.left_out),
    }
    return xr.Dataset(variables, coordinates, attributes)


def _attributes(table: Table, layout: _Layout, name: str) -> dict[str, str]:
    """Say what a variable is, in what unit, and under which heading it stood."""
    if name in layout.own:
        heading = table.headings[layout.own[name]]
        return {"long_name": own_title(heading), "units": MONEY, "heading": heading}
    column = STANDARD_NAMES[name]
    merged = layout.local_parts if name == "local_schemes" else []
    found = [layout.standard[part] for part in merged or [name] if part in layout.standard]
    attributes = {
        "long_name": column.long_name,
        "heading": " + ".join(table.headings[number] for number in found),
    }
    if column.units:
        attributes["units"] = column.units
    if not found:
        attributes["note"] = "not in this layout"
    return attributes


def _london(labels: dict[str, Any]) -> tuple[Numbers, dict[str, str]]:
    """Flag the practices of NHS England's London region."""
    london = np.zeros(labels["practice"].shape, dtype=np.bool_)
    if "region" in labels:
        london |= np.isin(labels["region"], list(LONDON_CODES))
    if "region_name" in labels:
        london |= np.char.find(np.char.upper(labels["region_name"]), "LONDON") >= 0
    attributes = {
        "long_name": "1 in NHS England's London region (code Q71, later Y56), 0 elsewhere",
        "units": "1",
    }
    if not {"region", "region_name"} & set(labels):
        attributes["note"] = "no region in this layout, so 0 throughout"
    return london.astype(np.float64), attributes
