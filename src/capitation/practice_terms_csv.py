"""A finance team's own file of terms that hold for one practice: its schedule, its switch."""

from __future__ import annotations

import datetime as dt
import itertools
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from capitation.engine.schedules import Schedule
from capitation.engine.terms import DatedValue, PracticeTerms, Term, as_written, number_of
from capitation.errors import Problem, nearest
from capitation.national import national_schedules
from capitation.practices import place_of
from capitation.sources.local_sheet import Sheet, as_text, months_in, unknown
from capitation.sources.official_csv import read_table

if TYPE_CHECKING:
    import xarray as xr

KEYS = ("practice", "term", "from")
TEXTS = ("value", "schedule", "assumption")


def read_practice_terms(
    path: str | os.PathLike[str],
    practices: xr.Dataset | None = None,
    *,
    terms: Mapping[str, Term] | Collection[str] | None = None,
    known: Iterable[str] = (),
) -> PracticeTerms:
    r"""Read terms that hold for a practice from a month on, in place of those that hold for all.

    The file has the headings ``practice``, ``term``, ``from``, and ``value`` or ``schedule`` or
    both; and perhaps ``assumption``, which says why. A row is one dated value, a number, a
    fraction such as 6/7 or the name of a choice, or else the name of a schedule whose first step is
    in that month. It holds until the next row of the same practice and term.

    Parameters
    ----------
    path : path-like
        A CSV file in UTF-8, in UTF-16 with a byte-order mark, or in Windows-1252. Months are
        written as 2016-04.
    practices : xarray.Dataset, optional
        The practices of the projection. Any practice if left out.
    terms : mapping of str to Term, or collection of str, optional
        Terms, or their names, that rows may be about. Any if left out. Choices are known by name
        only where the terms are given.
    known : iterable of str, optional
        Codes of other practices that rows may be about. They are left out.

    Returns
    -------
    dict of str to dict of str to tuple of DatedValue
        By term and practice, in order of date: what `with_practice_terms` takes.

    Raises
    ------
    InputError
        If the file cannot be read, a practice, a term or a schedule is unknown, a practice's term
        stands twice for one month, a cell is no number or no month, a row has neither a value nor a
        schedule, or none is about the practices of the projection. Every problem, with file, row
        and column.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "switches.csv"
    ...     text = "practice,term,from,value\nA99001,switched_to_gms,2016-04,1\n"
    ...     _ = file.write_text(text, "utf-8")
    ...     read = read_practice_terms(file)
    >>> read["switched_to_gms"]["A99001"][0].start
    datetime.date(2016, 4, 1)
    """
    table = read_table(Path(path))
    sheet = Sheet(table, KEYS, "column", (), texts=TEXTS)
    problems = list(sheet.problems())
    if not {"value", "schedule"} & set(sheet.names):
        mend = "add it, with the figures, or a column of schedules"
        problems.append(Problem(table.file, 'no column "value"', mend))
        table.raise_if_any(problems)
    months = months_in(sheet.cells("from"))
    mend = "write it as 2016-04"
    problems += table.wrong(sheet.keys["from"], np.isnat(months), "expected a month", mend)
    names = [cell.lower() for cell in sheet.cells("term")]
    problems += _wrong_terms(sheet, names, terms)
    wanted = None
    if practices is not None:
        wanted = set(practices["practice"].values.astype(str).tolist())
        problems += unknown(table, sheet.codes, {*wanted, *known}, place_of(practices))
    by_name = terms if isinstance(terms, Mapping) else {}
    choices = {name: term.choices for name, term in by_name.items()}
    starts = [None if np.isnat(m) else as_text(m) for m in months]
    rows, wrong = _rows(sheet, names, starts, choices)
    problems += [*wrong, *_repeated(sheet, rows)]
    of_others = wanted is not None and not any(row.code in wanted for row in rows)
    if rows and of_others and not problems:
        mend = "choose their commissioner, or leave the file out"
        problems.append(Problem(table.file, "no row is about a practice that is projected", mend))
    table.raise_if_any(problems)
    in_order = sorted(rows, key=lambda row: (row.name, row.code, row.start))
    found: dict[str, dict[str, tuple[DatedValue, ...]]] = {}
    for (name, code), group in itertools.groupby(in_order, key=lambda row: (row.name, row.code)):
        if wanted is None or code in wanted:
            found.setdefault(name, {})[code] = tuple(_dated(list(group)))
    return found


@dataclass(frozen=True)
class _Row:
    """What one row of the file says."""

    number: int
    code: str
    name: str
    start: dt.date
    steps: tuple[tuple[dt.date, object], ...]
    why: str


def _rows(
    sheet: Sheet,
    names: list[str],
    months: list[str | None],
    choices: Mapping[str, tuple[str, ...]],
) -> tuple[list[_Row], list[Problem]]:
    table, (values, schedules, reasons) = sheet.table, (sheet.texts(name) for name in TEXTS)
    rows: list[_Row] = []
    problems: list[Problem] = []
    for number, code in enumerate(sheet.codes):
        month, value, schedule = months[number], values[number], schedules[number]
        where, named = table.where(number), choices.get(names[number], ())
        figure = None if schedule else _figure(value, named)
        if bool(value) == bool(schedule):
            found = "both a value and a schedule" if value else "neither a value nor a schedule"
            problems.append(Problem(where, found, "give one of them"))
        elif value and figure is None:
            mend = f"write {' or '.join(named) or 'digits, as 0.75, or a fraction, as 3/4'}"
            wanted = "one of the term's choices" if named else "a number"
            problems.append(Problem(where, f"expected {wanted}, found {value!r}", mend))
        elif schedule and schedule not in national_schedules():
            mend = nearest(schedule, national_schedules())
            problems.append(Problem(where, f"there is no schedule {schedule!r}", mend))
        elif code and names[number] and month:
            start = dt.date.fromisoformat(f"{month}-01")
            steps = _steps(schedule, start) if schedule else ((start, figure),)
            why = reasons[number] or f"Set for the practice in {table.file}"
            rows.append(_Row(number, code, names[number], start, steps, why))
    return rows, problems


def _figure(text: str, choices: tuple[str, ...]) -> str | float | None:
    """A figure as it is to be kept: a choice as its number, others as they stand; or None."""
    try:
        number = number_of(text, choices)
    except ValueError:
        return None
    return number if choices else text


def _steps(name: str, start: dt.date) -> tuple[tuple[dt.date, object], ...]:
    named = national_schedules()[name]
    schedule = Schedule(start, None, start, named.steps, named.every_months)
    return tuple(schedule.dated())


def _dated(rows: list[_Row]) -> Iterator[DatedValue]:
    """Values of one practice and term: those of each row until the next begins."""
    ends = [*(row.start for row in rows[1:]), dt.date.max]
    for row, end in zip(rows, ends, strict=True):
        for start, figure in row.steps:
            if start < end:
                written = as_written(figure)
                yield DatedValue(start, number_of(figure), written, assumption=row.why)


def _wrong_terms(
    sheet: Sheet, names: list[str], terms: Collection[str] | None
) -> Iterator[Problem]:
    table, column = sheet.table, sheet.keys["term"]
    blank = np.array([not name for name in names], dtype=np.bool_)
    yield from table.wrong(column, blank, "expected the name of a term", "name it in every row")
    if terms is None:
        return
    for name in dict.fromkeys(names):
        if name and name not in terms:
            where = table.where(names.index(name), column)
            yield Problem(where, f"there is no term {name!r}", nearest(name, terms))


def _repeated(sheet: Sheet, rows: Iterable[_Row]) -> Iterator[Problem]:
    """Rows that give a practice's term a second value from the same month."""
    seen: dict[tuple[str, str, dt.date], int] = {}
    for row in rows:
        key = (row.code, row.name, row.start)
        if key in seen:
            first = sheet.table.row_numbers[seen[key]]
            found = (
                f"{row.name} of practice {row.code} from {row.start:%Y-%m} is in row {first} too"
            )
            yield Problem(sheet.table.where(row.number), found, "keep one of them")
        seen.setdefault(key, row.number)
