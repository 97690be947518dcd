"""The cells of a workbook's sheets, each with its place, as they were last saved."""

from __future__ import annotations

import io
import itertools
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openpyxl import load_workbook
from openpyxl.utils import get_column_letter

from capitation.errors import InputError, Problem, listed
from capitation.sources.workbook_limits import MOST_BLANKS, MOST_COLUMNS, MOST_ROWS, MOST_TEXT
from capitation.sources.workbook_package import SAVE_AGAIN, Package, open_package
from capitation.sources.workbook_scan import SheetScan, place_name, scan_sheet

NOT_SAVED = "holds a formula without a saved result"

_TURNS_TEXT = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
"""Letters that change the direction in which a text is read, and so what it seems to say."""


@dataclass(frozen=True)
class CellProblem(Problem):
    """A fault in a cell of a workbook.

    Attributes
    ----------
    where, found, mend : str
        As of every problem. `where` names file, sheet and cell.
    sheet, cell : str
        The sheet's name and the cell, so that a list of problems can lead to it.

    Examples
    --------
    >>> problem = cell_problem("in.xlsx", "Practices", 17, 4, "list size must be ≥ 0, found -3")
    >>> print(problem)
    in.xlsx, Practices!D17: list size must be ≥ 0, found -3
    >>> problem.sheet, problem.cell
    ('Practices', 'D17')
    """

    sheet: str = ""
    cell: str = ""


def cell_problem(
    file: str, sheet: str, row: int, column: int, found: str, mend: str = ""
) -> CellProblem:
    """A fault in a cell, by its row and column."""
    cell = place_name(row, column)
    return CellProblem(f"{file}, {sheet}!{cell}", found, mend, sheet, cell)


@dataclass(frozen=True)
class Unreadable:
    """What stands in a cell that has no value: an error of Excel, say."""

    found: str
    mend: str


@dataclass
class SheetCells:
    """The cells of one sheet that hold anything.

    Attributes
    ----------
    file, name : str
    rows : dict of int to dict of int to object
        What cells hold, by row and column: a number, a truth value, text, a date, a time, or
        `Unreadable`. A cell that holds nothing, or a blank, is not there.
    merged : list of tuple of int
        First row, first column, last row and last column of merged cells.
    formulas : set of tuple of int
        Row and column of cells whose value is the saved result of a formula.
    problems : list of Problem
        What is wrong with the sheet as a whole.
    notes : list of str
        What is worth telling of it.
    """

    file: str
    name: str
    rows: dict[int, dict[int, Any]] = field(default_factory=dict)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    formulas: set[tuple[int, int]] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def problem(self, row: int, column: int, found: str, mend: str = "") -> CellProblem:
        """A fault in one of the cells."""
        return cell_problem(self.file, self.name, row, column, found, mend)

    def fault(self, found: str, mend: str = "") -> Problem:
        """A fault of the sheet as a whole."""
        return CellProblem(f"{self.file}, {self.name}", found, mend, self.name, "A1")

    def place(self, row: int, column: int) -> str:
        """File, sheet and cell."""
        return f"{self.file}, {self.name}!{place_name(row, column)}"

    def notes_on_formulas(self, is_read: Callable[[int, int], bool]) -> list[str]:
        """A note, if there are formulas in cells that are read, by their row and column."""
        cells = [place_name(*at) for at in sorted(self.formulas) if is_read(*at)]
        if not cells:
            return []
        many = f"{len(cells):,} formulas are" if len(cells) > 1 else "a formula is"
        return [f"{self.name}: {many} read as last saved: {listed(cells)}."]


@dataclass(frozen=True)
class WorkbookCells:
    """What was read of a workbook.

    Attributes
    ----------
    file, sha256 : str
    titles : tuple of str
        Names of all its sheets.
    sheets : dict of str to SheetCells
        Those that were asked for and are there, by the name that was asked for.
    notes : list of str
        What is worth telling of the file.
    """

    file: str
    sha256: str
    titles: tuple[str, ...]
    sheets: dict[str, SheetCells]
    notes: list[str]


def read_cells(path: Path, wanted: Iterable[str]) -> WorkbookCells:
    """Read the cells of some sheets of a workbook, as they were last saved.

    Parameters
    ----------
    path : pathlib.Path
    wanted : iterable of str
        Names of sheets, in whatever case.

    Returns
    -------
    WorkbookCells

    Raises
    ------
    InputError
        If the file is no workbook that can be read safely: see `open_package`.
    """
    package = open_package(path)
    by_name = {clean(title).casefold(): title for title in package.sheets}
    scans: dict[str, SheetScan] = {}
    for name in wanted:
        title = by_name.get(name.casefold())
        if title is not None:
            place = f"{package.file}, {title}"
            scans[name] = scan_sheet(package.part(package.sheets[title]), place)
    titles = {name: by_name[name.casefold()] for name in scans}
    sheets = {}
    for name, rows, state in _held_of(package, titles, scans):
        scan = scans[name]
        sheet = sheets[name] = SheetCells(package.file, titles[name], rows)
        sheet.merged, sheet.formulas = scan.merged, scan.formulas - scan.unsaved
        for row, column in scan.unsaved if rows else ():
            mend = "open the workbook in Excel and save it, or type the figure"
            rows.setdefault(row, {})[column] = Unreadable(NOT_SAVED, mend)
        sheet.problems += [*_too_far(sheet, scan), *_after_blanks(sheet)]
        sheet.notes += _notes(sheet.name, scan, state)
    notes = list(package.notes)
    return WorkbookCells(package.file, package.sha256, tuple(package.sheets), sheets, notes)


def _held_of(
    package: Package, titles: dict[str, str], scans: dict[str, SheetScan]
) -> list[tuple[str, dict[int, dict[int, Any]], str]]:
    """What cells of each sheet hold, and whether the sheet is hidden."""
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        place = package.file
        try:
            book = load_workbook(
                io.BytesIO(package.content), read_only=True, data_only=True, keep_links=False
            )
            for name, title in titles.items():
                place = f"{package.file}, {title}"
                sheet = book[title]
                found.append((name, _rows(sheet, scans[name]), str(sheet.sheet_state)))
            book.close()
        except Exception as error:
            # It raises errors of a dozen kinds over files that are not as they should be.
            told = "could not be read: what it holds is not as Excel writes it"
            raise InputError(Problem(place, told, SAVE_AGAIN)) from error
    return found


def _rows(sheet: Any, scan: SheetScan) -> dict[int, dict[int, Any]]:
    """What the cells of a sheet hold, without blanks; nothing of a sheet that reaches too far."""
    # What a sheet says of its own size may be wrong, and rows would be lost.
    sheet.reset_dimensions()
    found: dict[int, dict[int, Any]] = {}
    if scan.last_row > MOST_ROWS or scan.last_column > MOST_COLUMNS:
        return found
    for row in sheet.iter_rows(max_row=max(scan.last_row, 1), max_col=max(scan.last_column, 1)):
        held = {cell.column: _held(cell) for cell in row if cell.value is not None}
        held = {column: value for column, value in held.items() if value != ""}
        if held:
            found[next(cell.row for cell in row if cell.value is not None)] = held
    return found


def _held(cell: Any) -> Any:
    value = cell.value
    if cell.data_type == "e":
        if value == "#VALUE!":
            mend = "mend the formula, or the date that is out of range"
        else:
            mend = "mend the formula, or type the figure"
        return Unreadable(f"holds the error {value}", mend)
    if not isinstance(value, str):
        return value
    if len(value) > MOST_TEXT:
        return Unreadable(f"holds {len(value):,} letters", f"at most {MOST_TEXT:,} fit in a cell")
    return _text(value)


def _text(value: str) -> str | Unreadable:
    """A text without blanks around it, or what is wrong with its letters."""
    text = value.replace("_x000D_", "").replace("\xa0", " ").strip()
    for letter in text:
        if letter in _TURNS_TEXT:
            found = f"holds a letter that turns the direction of text (U+{ord(letter):04X})"
            return Unreadable(found, "type the text again")
        if unicodedata.category(letter) == "Cc" and letter not in "\n\r\t":
            return Unreadable(f"holds a control character (U+{ord(letter):04X})", "type it again")
    return text


def clean(text: str) -> str:
    r"""A text in one form, so that two that look alike are alike.

    Examples
    --------
    >>> clean("  Ｙ00012\xa0 ")
    'Y00012'
    """
    return " ".join(unicodedata.normalize("NFKC", text).split())


def _too_far(sheet: SheetCells, scan: SheetScan) -> Iterator[Problem]:
    """What stands further down or to the right than a sheet of inputs reaches."""
    if scan.last_row > MOST_ROWS:
        found = f"the sheet goes on for more than {MOST_ROWS:,} rows"
        mend = f"delete the rows after the last that is meant; something is in row {scan.last_row}"
        yield sheet.problem(scan.last_row, 1, found, mend)
    if scan.last_column > MOST_COLUMNS:
        found = f"the sheet goes on for more than {MOST_COLUMNS} columns"
        letter = get_column_letter(scan.last_column)
        mend = f"delete the columns after the last that is meant; something is in column {letter}"
        yield sheet.problem(1, scan.last_column, found, mend)


def _after_blanks(sheet: SheetCells) -> Iterator[Problem]:
    """What stands below many blank rows, which is taken for forgotten and not read."""
    numbers = sorted(sheet.rows)
    for previous, row in itertools.pairwise(numbers):
        if row - previous > MOST_BLANKS + 1:
            found = f"something stands here after {row - previous - 1:,} blank rows"
            mend = f"delete it, or the blank rows; at most {MOST_BLANKS} may stand in a table"
            yield sheet.problem(row, min(sheet.rows[row]), found, mend)
            for number in numbers[numbers.index(row) :]:
                del sheet.rows[number]
            return


def _notes(name: str, scan: SheetScan, state: str) -> Iterator[str]:
    hidden = [str(row) for row in scan.hidden_rows if row <= scan.last_row]
    if state != "visible":
        yield f"The sheet {name} is hidden. It is read all the same."
    if hidden:
        yield f"{name}: rows are hidden and are read all the same: {listed(hidden)}."
    columns = [first for first, _ in sorted(scan.hidden_columns) if first <= scan.last_column]
    if columns:
        letters = listed(get_column_letter(column) for column in columns)
        yield f"{name}: columns are hidden and are read all the same: {letters}."
