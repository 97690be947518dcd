"""A sheet of a finance team's own: headings that are the library's names, and a row for each thing.

Whatever is wrong with one is said at once, with file, row and column.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from capitation.errors import NAMED, Problem, nearest
from capitation.sources.official_csv import SHOWN, Numbers, Table

MONTH_LAYOUTS = ("%Y-%m", "%Y-%m-%d", "%d/%m/%Y", "%m/%Y", "%b-%y", "%b-%Y", "%b%Y", "%B%Y")
"""A month without its spaces: as we ask for it, and as a spreadsheet program leaves it."""

Months = npt.NDArray[np.datetime64]


class Sheet:
    """A table whose headings are the library's names: some keys, figures, and perhaps texts.

    Raises `InputError` if it has no column of keys, since then nothing can be said of its rows.
    """

    def __init__(
        self,
        table: Table,
        keys: Sequence[str],
        kind: str,
        allowed: Collection[str] | None = None,
        texts: Sequence[str] = (),
    ):
        self.table = table
        self.kind = kind
        self.allowed = allowed
        self.names = ["_".join(heading.split()).lower() for heading in table.headings]
        shown = ", ".join(f'"{heading.strip()}"' for heading in table.headings[:NAMED])
        mend = f"the first row of the file is its headings; found {shown}"
        absent = [key for key in keys if key not in self.names]
        table.raise_if_any([Problem(table.file, f'no column "{key}"', mend) for key in absent])
        self.keys = {key: self.names.index(key) for key in keys}
        self.figures: dict[str, int] = {}
        for number, name in enumerate(self.names):
            if name and name not in (*keys, *texts):
                self.figures.setdefault(name, number)
        self.codes = [cell.upper() for cell in self.cells("practice")]

    def cells(self, key: str) -> list[str]:
        return ["".join(cell.split()) for cell in self.table.columns[self.keys[key]]]

    def texts(self, name: str) -> list[str]:
        """The cells of a column of texts; blank if the file does not have it."""
        if name not in self.names:
            return [""] * len(self.codes)
        return [" ".join(cell.split()) for cell in self.table.columns[self.names.index(name)]]

    def numbers(self, name: str) -> Numbers:
        return self.table.numbers(self.figures[name])[0]

    def problems(self) -> Iterator[Problem]:
        """What is wrong with the headings, and every cell that is not as it should be."""
        table = self.table
        yield from self.wrong_headings()
        yield from table.ragged
        if not table.row_numbers:
            yield Problem(table.file, "has headings but no rows", "give each practice a row")
        blank = np.array([not code for code in self.codes], dtype=np.bool_)
        mend = "delete totals, notes and other such rows"
        yield from table.wrong(self.keys["practice"], blank, "expected a practice code", mend)
        for number in self.figures.values():
            wrong = np.isnan(table.numbers(number)[0])
            mend = "write digits, as 1234.56; nothing at all is 0"
            yield from table.wrong(number, wrong, "expected a number", mend)

    def wrong_headings(self) -> Iterator[Problem]:
        table, names = self.table, self.names
        for number, name in enumerate(names):
            if not name:
                where = f"{table.file}, column {number + 1}"
                yield Problem(where, "has no heading", "give the column a heading, or delete it")
            elif names.index(name) < number:
                first = names.index(name) + 1
                where = f"{table.file}, column {number + 1}"
                yield Problem(where, f'"{name}" is in column {first} too', "keep one of them")
            elif name in self.figures and self.allowed is not None and name not in self.allowed:
                mend = nearest(name, self.allowed)
                yield Problem(table.file, f"{name!r} is no {self.kind} of the model", mend)
        if not self.figures and self.allowed != ():
            keys = " and ".join(f'"{key}"' for key in self.keys)
            yield Problem(table.file, f"has no column beside {keys}", "add one for each figure")


def repeated(table: Table, codes: Sequence[str], months: Months | None = None) -> Iterator[Problem]:
    """Rows about what another row is about."""
    seen: dict[Any, int] = {}
    keys = codes if months is None else list(zip(codes, months.tolist(), strict=True))
    blank = [not code for code in codes]
    if months is not None:
        blank = (np.isnat(months) | blank).tolist()
    for row, key in enumerate(keys):
        if not blank[row] and key in seen:
            about = codes[row] if months is None else f"{codes[row]}, {as_text(months[row])},"
            found = f"practice {about} is in row {table.row_numbers[seen[key]]} too"
            yield Problem(table.where(row), found, "keep one of them")
        seen.setdefault(key, row)


def unknown(table: Table, codes: Sequence[str], known: set[str], place: str) -> Iterator[Problem]:
    """Rows about practices that are not there. Only those that will be shown get a suggestion."""
    first_rows = {code: row for row, code in reversed(list(enumerate(codes))) if code}
    absent = [(row, code) for code, row in first_rows.items() if code not in known]
    for n, (row, code) in enumerate(sorted(absent)):
        mend = nearest(code, known) if n < SHOWN else ""
        yield Problem(table.where(row), f"{place} has no practice {code}", mend)


def months_in(cells: Sequence[str]) -> Months:
    """First days of months; NaT where a cell is no month."""
    read = {cell: _month(cell) for cell in set(cells)}
    return np.array([read[cell] for cell in cells], dtype="datetime64[ns]")


def _month(cell: str) -> np.datetime64:
    for layout in MONTH_LAYOUTS:
        try:
            day = dt.datetime.strptime(cell, layout)
        except ValueError:
            continue
        if day.day == 1 and 1900 <= day.year <= 2200:
            return np.datetime64(day.date(), "ns")
    return np.datetime64("NaT", "ns")


def as_text(month: np.datetime64) -> str:
    """A month as we ask for it: 2015-04."""
    return str(month.astype("datetime64[M]"))
