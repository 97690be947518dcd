"""An official CSV file as a table of text: encodings, rows, numbers and dates.

Official files come in several encodings, print nothing in several ways and count days as
spreadsheets do. Whatever is wrong with one is an `InputError` that names the file and the place.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from capitation.errors import InputError, Problem, raise_if_any

Numbers = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

NOTHING = frozenset({"", "-", "–", "N/A", "NA"})
"""What the files print, in upper case, where there is nothing to print."""

SHOWN = 20
"""Problems in one message: a wrong file can have thousands."""

_NUMBER = re.compile(r"[-+]?£? ?[-+]?(\d{1,3}(,\d{3})+|\d+)(\.\d*)?", re.ASCII)


@dataclass(frozen=True)
class Table:
    """The cells of a file as text, without its blank rows.

    Parameters
    ----------
    file : str
        The file's name.
    sha256 : str
        Of its bytes.
    headings : list of str
        The first row that is not blank.
    columns : list of tuple of str
        The cells under each heading.
    row_numbers : list of int
        The number that a spreadsheet program shows beside each row.
    ragged : list of Problem
        Rows with more or fewer cells than headings. They are cut or filled up, so that a reader can
        say first, if so, that this is another file than it should be.
    """

    file: str
    sha256: str
    headings: list[str]
    columns: list[tuple[str, ...]]
    row_numbers: list[int]
    ragged: list[Problem]
    _numbers: dict[int, tuple[Numbers, Mask]] = field(default_factory=dict, repr=False)

    def numbers(self, column: int) -> tuple[Numbers, Mask]:
        """Read a column with `parse_numbers`, once however often it is asked for."""
        if column not in self._numbers:
            self._numbers[column] = parse_numbers(self.columns[column])
        return self._numbers[column]

    def where(self, row: int, column: int | None = None) -> str:
        """Name a row, or a cell, as a spreadsheet program shows it."""
        place = f"{self.file}, row {self.row_numbers[row]}"
        return place if column is None else f'{place}, column "{self.headings[column].strip()}"'

    def wrong(self, column: int, rows: Mask, what: str, mend: str) -> Iterator[Problem]:
        """Report the cells of a column that are not what they should be."""
        for row in np.flatnonzero(rows).tolist():
            found = self.columns[column][row].strip()
            yield Problem(self.where(row, column), f'{what}, found "{found}"', mend)

    def raise_if_any(self, problems: Sequence[Problem]) -> None:
        """Raise the first of `problems`, if there are any, and say how many more there are."""
        more = [Problem(self.file, f"and {len(problems) - SHOWN:,} more problems like these")]
        raise_if_any([*problems[:SHOWN], *(more if len(problems) > SHOWN else ())])


def read_table(path: Path) -> Table:
    """Read a CSV file as text.

    Parameters
    ----------
    path : pathlib.Path
        In UTF-8, in UTF-16 with a byte-order mark, or in Windows-1252; separated by commas, or by
        tabs as in 'Unicode text' saved from a spreadsheet.

    Returns
    -------
    Table

    Raises
    ------
    InputError
        If there is no such file, or it is not a table of text.
    """
    content = _read_bytes(path)
    text = _decode(path.name, content)
    first_line = text.lstrip().split("\n", 1)[0]
    delimiter = "\t" if first_line.count("\t") > first_line.count(",") else ","
    try:
        every_row = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        problem = Problem(path.name, f"is not a table of comma-separated values: {error}")
        raise InputError(problem) from error
    numbered = [(n, row) for n, row in enumerate(every_row, 1) if any(cell.strip() for cell in row)]
    if not numbered:
        raise InputError(Problem(path.name, "is empty", "give the file as published"))
    headings = _without_blank_end(numbered[0][1])
    width = len(headings)
    rows = [_without_blank_end(row, width) for _, row in numbered[1:]]
    row_numbers = [number for number, _ in numbered[1:]]
    mend = "a cell with a comma in it needs quotation marks around it"
    return Table(
        file=path.name,
        sha256=hashlib.sha256(content).hexdigest(),
        headings=headings,
        columns=[cells[1:] for cells in zip_longest(headings, *rows, fillvalue="")][:width],
        row_numbers=row_numbers,
        ragged=[
            Problem(
                f"{path.name}, row {number}",
                f"has {len(row)} cells, but the row of headings has {width}",
                mend,
            )
            for number, row in zip(row_numbers, rows, strict=True)
            if len(row) != width
        ],
    )


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        problem = Problem(str(path), "there is no such file", "check the name and the folder")
        raise InputError(problem) from error
    except IsADirectoryError as error:
        raise InputError(Problem(str(path), "is a folder", "name a CSV file in it")) from error
    except (OSError, ValueError) as error:
        raise InputError(Problem(str(path), f"cannot be read: {error}")) from error


def _decode(file: str, content: bytes) -> str:
    """Give the text, by the file's byte-order mark or else by what its bytes can be."""
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        mend = "save the sheet with one row a practice as 'CSV UTF-8', and give that"
        raise InputError(Problem(file, "is a workbook or an archive, not a CSV file", mend))
    marked = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    # Windows-1252 gives nearly any bytes a meaning, so it can only come last.
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    mend = "give a CSV file in UTF-8, Windows-1252, or UTF-16 with its byte-order mark"
    raise InputError(Problem(file, "is not text", mend))


def _without_blank_end(row: list[str], keep: int = 0) -> list[str]:
    """Drop the blank cells that a spreadsheet program adds at the end of a row."""
    end = len(row)
    while end > keep and not row[end - 1].strip():
        end -= 1
    return row[:end]


def parse_numbers(cells: Sequence[str]) -> tuple[Numbers, Mask]:
    """Read numbers, with or without a pound sign and commas between thousands.

    Parameters
    ----------
    cells : sequence of str

    Returns
    -------
    numbers : numpy.ndarray
        NaN where a cell has no number.
    nothing : numpy.ndarray of bool
        Where a cell says that there is nothing: blank, ``-`` or ``N/A``.

    Examples
    --------
    >>> numbers, nothing = parse_numbers(["£1,234.50", " -3 ", "-", "12k", "inf"])
    >>> numbers.tolist(), nothing.tolist()
    ([1234.5, -3.0, nan, nan, nan], [False, False, True, False, False])
    """
    series = pd.Series(cells, dtype=object)
    numbers = pd.to_numeric(series, errors="coerce").to_numpy(np.float64, copy=True)
    nothing = np.zeros(len(cells), dtype=np.bool_)
    for row in np.flatnonzero(~np.isfinite(numbers)).tolist():
        text = cells[row].strip()
        nothing[row] = text.upper() in NOTHING
        numbers[row] = float(re.sub("[£, ]", "", text)) if _NUMBER.fullmatch(text) else np.nan
    return numbers, nothing


def parse_dates(cells: Sequence[str]) -> tuple[npt.NDArray[np.datetime64], Mask]:
    """Read dates written as 31/03/2015 or 2015-03-31, or counted in days as spreadsheets do.

    Parameters
    ----------
    cells : sequence of str

    Returns
    -------
    dates : numpy.ndarray of datetime64[ns]
        NaT where a cell has no date.
    nothing : numpy.ndarray of bool
        Where a cell says that there is nothing: blank, ``-`` or ``N/A``.

    Examples
    --------
    >>> dates, nothing = parse_dates(["01/04/1999", "36251", "-"])
    >>> dates.astype("datetime64[D]").tolist()
    [datetime.date(1999, 4, 1), datetime.date(1999, 4, 1), None]
    """
    text = pd.Series(cells, dtype=object).str.strip()
    days = pd.to_numeric(text, errors="coerce")
    # Day 1 is 1 January 1900, and 1900 is wrongly a leap year. The bound keeps out sums of money.
    days = days.where(days.between(61, 100_000))
    dates = pd.Timestamp(1899, 12, 30) + pd.to_timedelta(days, unit="D")
    for layout in ("%d/%m/%Y", "%Y-%m-%d"):
        dates = dates.fillna(pd.to_datetime(text, format=layout, errors="coerce"))
    dates = dates.where(dates.dt.year.between(1800, 2199))
    nothing = text.str.upper().isin(NOTHING)
    return dates.to_numpy("datetime64[ns]"), nothing.to_numpy(np.bool_)
