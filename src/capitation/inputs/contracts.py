"""What is agreed with one practice: the sheet of contracts of the input workbook."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from capitation.engine.schedules import Schedule
from capitation.engine.terms import DatedValue, Term, as_written, format_number, number_of
from capitation.errors import InputError, Problem, nearest
from capitation.inputs.layout import PRACTICE_COLUMNS
from capitation.inputs.rows import Row, TableRows
from capitation.inputs.terms import TermReader, number_of_cell, outside_of
from capitation.model import Model
from capitation.national import national_schedules
from capitation.practice_terms import with_practice_terms

KEY = PRACTICE_COLUMNS[0].heading

Steps = Sequence[tuple[dt.date, object]]
"""Dated figures, as written."""


@dataclass(frozen=True)
class AgreedRow:
    """A row, and the dated figures that it stands for: one, or those of a schedule."""

    row: Row
    steps: Steps


Agreed = dict[str, dict[str, list[AgreedRow]]]
"""What is agreed, by term and code of the practice, in order of date."""


def with_contracts(
    model: Model, table: TableRows, practices: TableRows, reader: TermReader
) -> tuple[Model, Agreed]:
    """A contract with what is agreed with single practices.

    Parameters
    ----------
    model : Model
    table : TableRows
        Of the sheet of contracts.
    practices : TableRows
        Of the sheet of practices.
    reader : TermReader
        It collects what is wrong.

    Returns
    -------
    model : Model
    agreed : dict of str to dict of str to list of AgreedRow
        The rows that say so, by term and practice.
    """
    agreed = _agreed(table, practices, model, reader)
    for name, by_code in agreed.items():
        own = {code: tuple(_dated(rows)) for code, rows in by_code.items()}
        try:
            model = with_practice_terms(model, {name: own})
        except InputError as error:
            first = next(iter(by_code.values()))[0].row
            for problem in error.problems:
                reader.fault(first, "Term", problem.found, problem.mend)
    return model, agreed


def _agreed(table: TableRows, practices: TableRows, model: Model, reader: TermReader) -> Agreed:
    """Rows by term and practice, those in which nothing is wrong."""
    named = [row.values[KEY] for row in practices.rows if KEY in row.values]
    known = {code.casefold(): code for code in named}
    # A code that could not be read may be the one that a row is about.
    complete = len(named) == len(practices.rows)
    agreed: Agreed = {}
    seen: dict[tuple[str, str, dt.date], Row] = {}
    for row in table.rows:
        before = len(reader.problems)
        code = _code_of(row, known, reader, complete=complete)
        name = reader.term_of(row)
        start = row.get("From")
        if start is None and "From" not in row.wrong:
            reader.fault(row, "From", "expected a month, found nothing", "write it as 2016-04-01")
        if name is None or start is None:
            continue
        steps = _checked_steps(row, model.terms[name], reader)
        if code is None:
            continue
        first = seen.setdefault((name, code, start), row)
        if first is not row:
            found = f"{name} of practice {code} from {start:%Y-%m} is in row {first.number} too"
            reader.fault(row, "From", found, "keep one of them")
        if len(reader.problems) == before and steps:
            agreed.setdefault(name, {}).setdefault(code, []).append(AgreedRow(row, steps))
    return {
        name: {code: sorted(rows, key=lambda one: one.steps[0][0]) for code, rows in own.items()}
        for name, own in agreed.items()
    }


def _code_of(
    row: Row, known: Mapping[str, str], reader: TermReader, *, complete: bool
) -> str | None:
    written = row.get("Practice")
    if written is None:
        if "Practice" not in row.wrong:
            mend = "give its code, or delete the row"
            reader.fault(row, "Practice", "expected a practice code, found nothing", mend)
        return None
    code = known.get(written.casefold())
    if code is None and complete and known:
        found = f"there is no practice {written} on the sheet Practices"
        reader.fault(row, "Practice", found, reader.suggestion(written, known.values()))
    return code


def _dated(rows: Sequence[AgreedRow]) -> Iterator[DatedValue]:
    """Values of one practice and term: those of each row until the next begins."""
    ends = [*(one.steps[0][0] for one in rows[1:]), dt.date.max]
    for one, end in zip(rows, ends, strict=True):
        why = one.row.get("Assumption") or f"Set for the practice in {one.row.sheet.file}"
        for start, figure in one.steps:
            if start < end:
                yield DatedValue(start, number_of(figure), as_written(figure), assumption=why)


def _checked_steps(row: Row, term: Term, reader: TermReader) -> Steps:
    """The dated figures that a row stands for, none of which is outside the term's bounds."""
    steps = _steps(row, term, reader)
    for _, figure in steps:
        outside = outside_of(term, number_of(figure))
        if outside:
            reader.fault(row, "Schedule" if "Schedule" in row.values else "Value", outside)
            return ()
    return steps


def _steps(row: Row, term: Term, reader: TermReader) -> Steps:
    """The dated figures that a row stands for: one, or those of a schedule."""
    schedule, start = row.get("Schedule"), row.values["From"]
    if {"Value", "Schedule"} & row.wrong:
        return ()
    if ("Value" in row.values) == (schedule is not None):
        found = "neither a value nor a schedule" if schedule is None else "a value and a schedule"
        reader.fault(row, "Value", f"found {found}", "give one of them")
        return ()
    if schedule is None:
        number = number_of_cell(row, "Value", term)
        if isinstance(number, Problem):
            reader.problems.append(number)
        if not isinstance(number, float):
            return ()
        written = row.values["Value"]
        is_fraction = isinstance(written, str) and not term.choices
        return [(start, written if is_fraction else format_number(number))]
    named = national_schedules().get(schedule)
    if named is None:
        mend = nearest(schedule, national_schedules())
        reader.fault(row, "Schedule", f"there is no schedule {schedule!r}", mend)
        return ()
    return list(Schedule(start, None, start, named.steps, named.every_months).dated())
