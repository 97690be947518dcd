"""A workbook that lists what is wrong with an input, each problem with a link to its cell."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from openpyxl.styles import Alignment, Font
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.table import Table, TableColumn, TableStyleInfo

from capitation.errors import Problem, raise_if_any
from capitation.files import path_problems
from capitation.workbook.file import save_book
from capitation.workbook.page import Book, Page, at

TITLE = "Problems"
HEADINGS = ("Number", "Place", "Sheet", "Cell", "What was found", "How to mend it")
WIDTHS = (9, 30, 14, 9, 70, 60)
NONE = "[none]"
"""What stands where a problem is of no sheet or cell, or says of itself how to mend it."""

_HEADING_ROW = 5
_PLACE, _FOUND, _MEND = 2, 5, 6
_CELL = re.compile(r"(?:^|, )(?:'((?:[^']|'')+)'|([^,!']+))!\$?([A-Z]{1,3})\$?([1-9]\d{0,6})\b")
_WORKBOOK = ".xlsx"


@dataclass(frozen=True)
class CellOf:
    """A cell that a problem is about."""

    sheet: str
    cell: str

    @property
    def reference(self) -> str:
        """As a link names it."""
        plain = self.sheet.isalnum() and not self.sheet[0].isdigit()
        sheet = self.sheet if plain else "'" + self.sheet.replace("'", "''") + "'"
        return f"{sheet}!{self.cell}"


def cell_of(where: str) -> CellOf | None:
    """The cell that a problem's place names, if it names one.

    Parameters
    ----------
    where : str
        Of a `Problem`.

    Returns
    -------
    CellOf or None

    Examples
    --------
    >>> cell_of("budget.xlsx, Practices!D17")
    CellOf(sheet='Practices', cell='D17')
    >>> cell_of("lists.csv, row 7") is None
    True
    """
    found = _CELL.search(where)
    if found is None:
        return None
    quoted, plain, column, row = found.groups()
    sheet = quoted.replace("''", "'") if quoted else plain
    return CellOf(sheet, f"{column}{row}")


def write_errors(problems: Iterable[Problem], path: str | Path, source: str | Path) -> Path:
    """Write what is wrong with an input as a table: where, what was found, and how to mend it.

    Where a problem is of a cell of a workbook, a link opens the workbook there.

    Parameters
    ----------
    problems : iterable of Problem
        Such as those of an `InputError`.
    path : str or Path
        An .xlsx file, other than the input. It is written beside and renamed.
    source : str or Path
        The input that they are about.

    Returns
    -------
    Path
        Where it was written.

    Raises
    ------
    InputError
        If nothing can be written there, or it is the input's own place.

    Examples
    --------
    >>> import tempfile
    >>> wrong = Problem("in.xlsx, Practices!D17", "list is -3", "a list is zero or more")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = write_errors([wrong], Path(folder) / "wrong.xlsx", Path(folder) / "in.xlsx")
    ...     written.name
    'wrong.xlsx'
    """
    path, source = Path(path), Path(source)
    raise_if_any(errors_path_problems(path, source))
    problems = list(problems)
    book = Book()
    book.workbook.properties.title = f"What is wrong with {source.name}"
    book.workbook.properties.creator = "capitation"
    page = book.page(TITLE)
    page.widths(*WIDTHS)
    _write_head(page, source, len(problems))
    page.headings(_HEADING_ROW, 1, list(HEADINGS))
    for number, problem in enumerate(problems, start=1):
        _write_row(page, number, problem, _target(source, path))
    if problems:
        _mark_as_table(page, len(problems))
    page.sheet.print_title_rows = f"{_HEADING_ROW}:{_HEADING_ROW}"
    save_book(book, path)
    return path


def errors_path_problems(path: Path, source: Path) -> list[Problem]:
    """Why the list cannot be written to a path: said before the input is read.

    Parameters
    ----------
    path : Path
        Where it is to go.
    source : Path
        The input that is read.

    Returns
    -------
    list of Problem
    """
    problems = list(path_problems(path))
    if not problems and path.resolve() == source.resolve():
        mend = "name another file, so that the input stays as it is"
        problems.append(Problem(str(path), "is the input itself", mend))
    return problems


def _write_head(page: Page, source: Path, count: int) -> None:
    several = "" if count == 1 else "s"
    page.text(1, 1, f"What is wrong with {source.name}: {count:,} problem{several}", bold=True)
    page.text(2, 1, "One table, a row for each problem. A place that is underlined is a link.")
    page.text(3, 1, f"{NONE}: the problem is not of one cell, or what was found says it all.")


def _write_row(page: Page, number: int, problem: Problem, target: str) -> None:
    row = _HEADING_ROW + number
    page.number(row, 1, number, "whole", "plain")
    page.sheet.cell(row, 1).alignment = Alignment(horizontal="left", vertical="top")
    cell = cell_of(problem.where)
    texts = (
        problem.where,
        cell.sheet if cell else NONE,
        cell.cell if cell else NONE,
        problem.found,
        problem.mend or NONE,
    )
    for column, text in enumerate(texts, start=_PLACE):
        page.text(row, column, text, wrap=True)
    if cell is not None and target:
        _link(page, row, cell, target)
    page.fit_height(row, [(texts[n - _PLACE], page.width(n)) for n in (_PLACE, _FOUND, _MEND)])


def _link(page: Page, row: int, cell: CellOf, target: str) -> None:
    """Let a place open the workbook at its cell. It is underlined, and not only blue."""
    place = page.sheet.cell(row, _PLACE)
    tip = f"Open the workbook at {cell.reference}"
    place.hyperlink = Hyperlink(
        ref=place.coordinate, target=target, location=cell.reference, tooltip=tip
    )
    place.font = Font(name="Arial", size=10, color="0563C1", underline="single")


def _target(source: Path, path: Path) -> str:
    """How the list refers to the workbook: by name where they lie together, so both may move."""
    if source.suffix.lower() != _WORKBOOK:
        return ""
    source, folder = source.resolve(), path.resolve().parent
    return quote(source.name) if source.parent == folder else source.as_uri()


def _mark_as_table(page: Page, count: int) -> None:
    """Mark the rows as one table, so that a screen reader says each cell's heading."""
    last = at(_HEADING_ROW + count, len(HEADINGS))
    table = Table(displayName=TITLE, ref=f"A{_HEADING_ROW}:{last}")
    table.tableStyleInfo = TableStyleInfo(name="TableStyleLight1", showRowStripes=False)
    # Named here, since openpyxl adds filter buttons to columns that it names itself.
    for number, heading in enumerate(HEADINGS, start=1):
        table.tableColumns.append(TableColumn(id=number, name=heading))
    page.sheet.add_table(table)
