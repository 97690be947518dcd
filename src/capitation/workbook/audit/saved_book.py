"""A workbook's cells as a file has them: formulas with the values saved beside them."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.utils.datetime import to_excel

from capitation.errors import InputError, Problem
from capitation.sources.workbook_package import SAVE_AGAIN, open_package
from capitation.workbook.page import Book

Held = float | bool | str | None
"""What a cell holds: dates are numbers, as spreadsheets count them."""


@dataclass(frozen=True, slots=True)
class SavedCell:
    """One cell.

    Attributes
    ----------
    formula : str
        With its equals sign; empty for a cell that holds a value.
    value : float, bool, str or None
        Beside a formula, what it came to when the file was saved; None if that was not saved.
    style : str
        The cell's named style, where the book is ours.
    form : str
        Its number format.
    """

    formula: str
    value: Held
    style: str = ""
    form: str = ""

    @property
    def is_input(self) -> bool:
        """Whether it is there to be changed: a figure of the model or of the practices' file."""
        return self.style.split(" ")[0] in ("input", "given")


Sheets = dict[str, dict[str, SavedCell]]
"""Cells that are not empty, by sheet and by name such as ``C8``."""


def cells_of_file(path: Path) -> Sheets:
    """The cells of a workbook that somebody saved.

    Raises
    ------
    InputError
        If it is no workbook, is damaged, or is not safe to open.
    """
    content = open_package(path).content
    try:
        formulas, values = (_read(content, data_only=only) for only in (False, True))
    except Exception as error:  # whatever a damaged part makes the reader raise
        found = f"cannot be read: {error}"
        raise InputError(Problem(path.name, found, SAVE_AGAIN)) from error
    sheets: Sheets = {}
    for title, cells in formulas.items():
        saved = values[title]
        sheets[title] = {
            name: SavedCell(value, saved.get(name, (None, False))[0])
            if is_formula
            else SavedCell("", value)
            for name, (value, is_formula) in cells.items()
        }
    return sheets


def _read(content: bytes, *, data_only: bool) -> dict[str, dict[str, tuple[Any, bool]]]:
    """What each cell of each sheet holds, and whether it is a formula."""
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=data_only)
    try:
        return {sheet.title: dict(_cells(sheet)) for sheet in book.worksheets}
    finally:
        book.close()


def _cells(sheet: Any) -> Iterator[tuple[str, tuple[Any, bool]]]:
    # What a file says of the extent of a sheet need not be so.
    sheet.reset_dimensions()
    for row in sheet.iter_rows():
        for cell in row:
            if cell.value not in (None, ""):
                if cell.data_type == "f":
                    # Formulas over several cells are objects that hold their text.
                    text = cell.value if isinstance(cell.value, str) else cell.value.text
                    yield cell.coordinate, (f"={text.removeprefix('=')}", True)
                else:
                    yield cell.coordinate, (held(cell.value), False)


def held(value: Any) -> Held:
    """A cell's value, dates as spreadsheets count them.

    Examples
    --------
    >>> held(dt.date(2015, 4, 1)), held(7), held("text")
    (42095.0, 7.0, 'text')
    """
    if isinstance(value, dt.date | dt.time | dt.timedelta):
        return float(to_excel(value))
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def cells_of_book(book: Book) -> Sheets:
    """The cells of a book that we have just made, with the values that stand beside formulas."""
    sheets: Sheets = {}
    for sheet in book.workbook.worksheets:
        values = book.values.get(sheet.title, {})
        cells = sheets.setdefault(sheet.title, {})
        for row in sheet.iter_rows():
            for cell in row:
                if cell.value in (None, ""):
                    continue
                look = (cell.style, cell.number_format)
                if cell.coordinate in values:
                    value = held(values[cell.coordinate])
                    cells[cell.coordinate] = SavedCell(str(cell.value), value, *look)
                else:
                    cells[cell.coordinate] = SavedCell("", held(cell.value), *look)
    return sheets
