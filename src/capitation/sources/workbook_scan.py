"""What stands in the XML of a sheet and is not told by the library that reads its cells.

Merged cells, hidden rows, places outside the grid, how far the sheet reaches, and which cells hold
a formula.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from xml.parsers import expat

from openpyxl.utils import get_column_letter

from capitation.errors import InputError, Problem
from capitation.sources.workbook_package import SAVE_AGAIN

LAST_ROW, LAST_COLUMN = 1_048_576, 16_384
"""Where the grid of Excel ends."""

_PLACE = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
_YES = ("1", "true")


@dataclass
class SheetScan:
    """What was found in the XML of a sheet.

    Attributes
    ----------
    merged : list of tuple of int
        First row, first column, last row and last column of merged cells.
    hidden_rows : list of int
    hidden_columns : set of tuple of int
        First and last of columns that are hidden together.
    formulas, unsaved : set of tuple of int
        Row and column of cells that hold a formula, and of those without a saved result.
    last_row, last_column : int
        The furthest that holds anything.
    """

    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    hidden_rows: list[int] = field(default_factory=list)
    hidden_columns: set[tuple[int, int]] = field(default_factory=set)
    formulas: set[tuple[int, int]] = field(default_factory=set)
    unsaved: set[tuple[int, int]] = field(default_factory=set)
    last_row: int = 0
    last_column: int = 0


def place_name(row: int, column: int) -> str:
    """A cell as a spreadsheet names it.

    Examples
    --------
    >>> place_name(17, 4)
    'D17'
    """
    return f"{get_column_letter(column)}{row}"


def place_of_name(name: str) -> tuple[int, int] | None:
    """Row and column of a cell, or None if there is no such cell in the grid.

    Examples
    --------
    >>> place_of_name("D17"), place_of_name("ZZZ99999999")
    ((17, 4), None)
    """
    match = _PLACE.fullmatch(name)
    if not match:
        return None
    column = 0
    for letter in match[1]:
        column = column * 26 + ord(letter) - 64
    row = int(match[2])
    return (row, column) if row <= LAST_ROW and column <= LAST_COLUMN else None


def scan_sheet(xml: bytes, place: str) -> SheetScan:
    """Look through the XML of a sheet.

    Parameters
    ----------
    xml : bytes
    place : str
        File and sheet, for messages.

    Returns
    -------
    SheetScan

    Raises
    ------
    InputError
        If it cannot be read, a cell is outside the grid, or cells do not stand in their order: then
        another program could read other figures from it.
    """
    scanner = _Scanner(place)
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.StartElementHandler = scanner.start
    parser.EndElementHandler = scanner.end
    parser.CharacterDataHandler = scanner.text
    try:
        parser.Parse(xml, True)
    except InputError:
        raise
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise InputError(Problem(place, "is damaged and cannot be read", SAVE_AGAIN)) from error
    return scanner.found


class _Scanner:
    def __init__(self, place: str):
        self.place = place
        self.found = SheetScan()
        self.row = self.column = 0
        self.kind = ""
        self.formula = self.filled = self.in_value = False

    def fault(self, found: str) -> InputError:
        return InputError(Problem(self.place, found, SAVE_AGAIN))

    def start(self, name: str, attributes: dict[str, str]) -> None:
        tag = name.rpartition("}")[2]
        if tag == "c":
            self.start_cell(attributes)
        elif tag in ("v", "is"):
            self.in_value = True
        elif tag == "f":
            self.formula = True
        elif tag == "row":
            self.start_row(attributes)
        elif tag == "mergeCell":
            self.merge(attributes.get("ref", ""))
        elif tag == "col" and attributes.get("hidden") in _YES:
            first, last = (int(attributes.get(key, "1")) for key in ("min", "max"))
            self.found.hidden_columns.add((max(first, 1), min(last, LAST_COLUMN)))

    def start_row(self, attributes: dict[str, str]) -> None:
        row = int(attributes.get("r", self.row + 1))
        if not self.row < row <= LAST_ROW:
            raise self.fault(f"row {row} stands after row {self.row}, or outside the grid")
        self.row, self.column = row, 0
        if attributes.get("hidden") in _YES:
            self.found.hidden_rows.append(row)

    def start_cell(self, attributes: dict[str, str]) -> None:
        name = attributes.get("r") or place_name(self.row, min(self.column + 1, LAST_COLUMN))
        at = place_of_name(name)
        if at is None:
            raise self.fault(f"there is a cell {name[:20]!r}, which is outside the grid")
        row, column = at
        if row != self.row or column <= self.column:
            raise self.fault(f"cell {name} does not stand in its order")
        self.column = column
        self.kind = attributes.get("t", "n")
        self.formula = self.filled = False

    def text(self, text: str) -> None:
        if self.in_value and text:
            self.filled = True

    def end(self, name: str) -> None:
        tag = name.rpartition("}")[2]
        if tag in ("v", "is"):
            self.in_value = False
        if tag != "c":
            return
        found = self.found
        if self.formula:
            found.formulas.add((self.row, self.column))
            if not self.filled and self.kind != "str":
                found.unsaved.add((self.row, self.column))
        if self.formula or self.filled:
            found.last_row = max(found.last_row, self.row)
            found.last_column = max(found.last_column, self.column)

    def merge(self, reference: str) -> None:
        first, _, last = reference.partition(":")
        corners = place_of_name(first), place_of_name(last or first)
        if corners[0] is None or corners[1] is None:
            raise self.fault(f"cells {reference[:40]!r} are merged, which are outside the grid")
        self.found.merged.append((*corners[0], *corners[1]))
