"""The practices of the input workbook: who they are, and their figures of the base year."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from capitation.engine.terms import format_number, out_of_bounds
from capitation.errors import Problem
from capitation.inputs.layout import PRACTICE_COLUMNS, PRACTICES_TABLE, Field
from capitation.inputs.rows import Row, TableRows, read_rows
from capitation.inputs.values import said
from capitation.model import BASE, Model
from capitation.practices import CONTRACTS, FIGURES, FLAGS, LISTS, PracticeInput
from capitation.sources.workbook_cells import SheetCells, Unreadable, clean

KEY = PRACTICE_COLUMNS[0].heading
PRESENT = ("practice", "commissioner", "contract_type")
"""Columns that may not be missing: a contract that is not named is taken for PMS."""

LONDON = "london_practice"

_TOTAL = re.compile(r"(grand |sub-?)?totals?\b.*|sum|all( practices)?|average|mean", re.IGNORECASE)


def columns_of(model: Model | None) -> tuple[Field, ...]:
    """Columns that the sheet of practices may have: the library's, and the model's inputs."""
    known = {column.heading for column in PRACTICES_TABLE.columns}
    inputs = {} if model is None else model.inputs
    own = (
        Field(name, "number", False, given.title)
        for name, given in inputs.items()
        if name not in known
    )
    return (*PRACTICES_TABLE.columns, *own)


def read_practices_sheet(sheet: SheetCells, model: Model | None) -> TableRows:
    """Read the sheet of practices, with all that is wrong with its cells whatever the model asks.

    Codes that stand twice, totals, and what is left out of every practice are told of too.
    """
    table = read_rows(sheet, columns_of(model), PRESENT)
    if KEY in table.columns:
        totals = [row for row in table.rows if _is_total(row)]
        for row in totals:
            told = "this looks like a total row. Delete it"
            table.problems = [p for p in table.problems if not _is_of(p, row)]
            table.problems.append(row.problem(KEY, told))
        table.rows = [row for row in table.rows if row not in totals]
        _tell_of_strays(table)
        table.problems += _wrong_codes(table.rows)
        table.problems += _wrong_labels(table)
    return table


def _is_of(problem: Problem, row: Row) -> bool:
    return re.sub("[A-Z]", "", getattr(problem, "cell", "")) == str(row.number)


def _is_total(row: Row) -> bool:
    """Whether a row adds up the others: it says so where a code or a name should stand."""
    cells = row.sheet.rows[row.number]
    first = [cells.get(row.columns[name]) for name in (KEY, "practice_name") if name in row.columns]
    named = next((cell for cell in first if cell is not None), None)
    return isinstance(named, str) and bool(_TOTAL.fullmatch(clean(named)))


def _tell_of_strays(table: TableRows) -> None:
    """Tell once of a row that is no practice: of notes below the table, say, or of sums."""
    if "commissioner" not in table.columns:
        return
    for row in [row for row in table.rows if not _names_anyone(row)]:
        cells = row.sheet.rows[row.number]
        column, held = row.columns[KEY], cells.get(row.columns[KEY])
        if isinstance(held, Unreadable):
            continue
        found = f"expected a practice code, found {said(held)}, and no commissioner"
        if held is None:
            column = min(cells)
            found = "expected a practice, found a row without a code and a commissioner"
        mend = "delete totals, notes and other such rows"
        table.problems = [p for p in table.problems if not _is_of(p, row)]
        table.problems.append(row.sheet.problem(row.number, column, found, mend))
        table.rows.remove(row)


def _names_anyone(row: Row) -> bool:
    """Whether a row has a code, or something where its commissioner should stand."""
    return KEY in row.values or "commissioner" in row.values or "commissioner" in row.wrong


def _wrong_codes(rows: Sequence[Row]) -> list[Problem]:
    """Rows without a code, and codes that are the same but perhaps for case."""
    problems: list[Problem] = []
    seen: dict[str, Row] = {}
    for row in rows:
        code = row.get(KEY)
        if code is None:
            if KEY not in row.wrong:
                found = "expected a practice code, found nothing"
                problems.append(row.problem(KEY, found, "delete totals, notes and other such rows"))
            continue
        first = seen.setdefault(code.casefold(), row)
        if first is not row:
            other = first.values[KEY]
            written = "" if other == code else f", where it is written {other}"
            found = f"practice code {code} is already used in row {first.number}{written}"
            problems.append(row.problem(KEY, found, "keep one row a practice"))
    return problems


def _wrong_labels(table: TableRows) -> list[Problem]:
    problems: list[Problem] = []
    for row in table.rows:
        blank = "commissioner" not in row.values and "commissioner" not in row.wrong
        if blank and "commissioner" in table.columns:
            found = "expected the code of a commissioner, found nothing"
            problems.append(row.problem("commissioner", found, "every practice is of one"))
        contract = row.get("contract_type")
        if contract is not None and contract.upper() not in CONTRACTS:
            found = f"contract type {contract!r} is not known"
            close = difflib.get_close_matches(contract.upper(), CONTRACTS, 1)
            mend = f"did you mean {close[0]}?" if close else f"one of {', '.join(CONTRACTS[:3])}"
            problems.append(row.problem("contract_type", found, mend))
        for name in LISTS:
            number = row.get(name)
            if number is not None and out_of_bounds(number, 0.0, None):
                found = f"list size must be ≥ 0, found {format_number(number)}"
                problems.append(row.problem(name, found))
        in_london = row.get(LONDON)
        if in_london is not None and in_london not in (0, 1):
            found = f"must be 1 or 0, found {format_number(in_london)}"
            problems.append(row.problem(LONDON, found, "1 for a practice in London"))
    return problems


# What the model asks ----------------------------------------------------------------------------


def practices_of(
    table: TableRows, model: Model, year: str, attributes: Mapping[str, Any]
) -> tuple[xr.Dataset | None, list[Problem], list[str]]:
    """The practices as `read_payments` gives them, if nothing is wrong with what the model asks.

    Parameters
    ----------
    table : TableRows
    model : Model
    year : str
        Fiscal year of the figures.
    attributes : mapping
        Of the file: its name, hash, title and licence.

    Returns
    -------
    practices : xarray.Dataset or None
    problems : list of Problem
    notes : list of str
    """
    needed = _needed(model)
    problems: list[Problem] = []
    notes: list[str] = []
    figures: dict[str, Any] = {}
    if not table.rows:
        if table.problems:
            return None, problems, notes
        mend = "give each practice a row under the headings"
        problems.append(table.sheet.fault("there are no practices", mend))
        return None, problems, notes
    for name in (column.heading for column in columns_of(model)[len(PRACTICE_COLUMNS) :]):
        wrong, column = _column(table, name, name in needed, model.inputs.get(name))
        problems += wrong
        if column is not None:
            figures[name] = ("practice", column[0], _about(name, model.inputs.get(name)))
            if column[1]:
                given = format_number(model.inputs[name].value or 0.0)
                notes.append(f"{name} is blank for {column[1]:,} practices: they have {given}.")
    for name in sorted(needed - set(figures)):
        told = name in table.columns or name in table.misnamed
        if not told and not _has_default(model.inputs.get(name)):
            found = f"the model needs {name!r} of each practice, and there is no such column"
            mend = "add it to the row of names"
            problems.append(table.sheet.fault(found, mend))
    if problems or table.problems:
        return None, problems, notes
    return _dataset(table, figures, year, attributes), problems, notes


def _needed(model: Model) -> set[str]:
    """Names of the columns that the model's rules read."""
    read = {name for name, leaf in model.graph().leaves.items() if leaf.kind == "input"}
    figures = {name.removeprefix(BASE) for name in read if name not in model.inputs}
    derived = set(FLAGS) - {LONDON}
    return (figures | (read & set(model.inputs))) - derived


def _has_default(given: PracticeInput | None) -> bool:
    return given is not None and given.value is not None


def _column(
    table: TableRows, name: str, needed: bool, given: PracticeInput | None
) -> tuple[list[Problem], tuple[np.ndarray, int] | None]:
    """Figures of a column and how many are the model's own; None where it is blank."""
    if name not in table.columns:
        return [], None
    filled = [row for row in table.rows if name in row.values or name in row.wrong]
    if not filled and (not needed or _has_default(given)):
        return [], None
    problems: list[Problem] = []
    default = given.value if given is not None and given.for_some else None
    numbers = []
    for row in table.rows:
        number = row.get(name, default)
        numbers.append(np.nan if number is None else number)
        if number is None and name not in row.wrong:
            mend = "0 where there is none"
            if not needed or _has_default(given):
                mend += ", or leave the whole column blank"
            problems.append(row.problem(name, f"expected a number for {name}, found nothing", mend))
        elif number is not None and given is not None:
            outside = out_of_bounds(number, given.least, given.most)
            if outside:
                allowed = outside[1].removeprefix("allowed: ")
                problems.append(row.problem(name, f"{name} must be {allowed}, {outside[0]}"))
    blank = sum(name not in row.values for row in table.rows)
    return problems, (np.array(numbers, dtype=float), blank if default is not None else 0)


def _about(name: str, given: PracticeInput | None) -> dict[str, str]:
    if given is not None:
        return {"units": given.unit, "long_name": given.title}
    unit, title = FIGURES.get(name, ("1", FLAGS.get(name, name)))
    return {"units": unit, "long_name": title}


def _dataset(
    table: TableRows, figures: Mapping[str, Any], year: str, attributes: Mapping[str, Any]
) -> xr.Dataset:
    labels: dict[str, Any] = {KEY: [row.values[KEY] for row in table.rows]}
    for column in PRACTICE_COLUMNS[1:]:
        if column.heading in table.columns:
            texts = [str(row.get(column.heading, "")) for row in table.rows]
            labels[column.heading] = ("practice", texts)
    return xr.Dataset(figures, labels, {**attributes, "fiscal_year": year})
