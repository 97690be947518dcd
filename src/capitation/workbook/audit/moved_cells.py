"""Rows and columns that were put into a sheet or taken out: cells are told apart from their places.

Who inserts a row moves every cell under it and every formula that refers to one of them. The cells
are moved back here, so that what is compared afterwards is what each of them says.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from openpyxl.utils import get_column_letter

from capitation.workbook.audit.formula_reading import moved, place_of
from capitation.workbook.audit.saved_book import SavedCell, Sheets

HEAD = 6
"""Rows at the head of a sheet whose values tell its columns apart."""


@dataclass(frozen=True)
class Move:
    """Rows, or columns, of one sheet that were added or removed.

    Attributes
    ----------
    sheet : str
    what : {"row", "column"}
    added : bool
    first, last : int
        Of what was added, as they are now; of what was removed, as they were.
    """

    sheet: str
    what: str
    added: bool
    first: int
    last: int

    def __str__(self) -> str:
        named = [
            str(n) if self.what == "row" else get_column_letter(n)
            for n in dict.fromkeys((self.first, self.last))
        ]
        many = "s" if len(named) > 1 else ""
        done = "added" if self.added else "removed"
        return f"{self.what}{many} {' to '.join(named)} {done}"


def moved_back(found: Sheets, expected: Sheets) -> tuple[Sheets, list[Move]]:
    """Put cells back to the places that they had before rows and columns were added or removed.

    Parameters
    ----------
    found, expected : dict
        The cells of a workbook as they are, and as they were written.

    Returns
    -------
    sheets : dict
        The cells that are found, less those of added rows and columns, at the places they had.
    moves : list of Move
    """
    moves: list[Move] = []
    rows: dict[str, dict[int, int]] = {}
    columns: dict[str, dict[int, int]] = {}
    for sheet in found.keys() & expected.keys():
        for what, places in (("row", rows), ("column", columns)):
            was, now = (_lines(cells[sheet], what) for cells in (expected, found))
            places[sheet], here = _aligned(sheet, what, was, now)
            moves += here
    if not moves:
        return found, []

    def back(sheet: str, row: int, column: int) -> tuple[int, int]:
        return (rows.get(sheet, {}).get(row, row), columns.get(sheet, {}).get(column, column))

    gone = {(m.sheet, m.what, n) for m in moves if m.added for n in range(m.first, m.last + 1)}
    put_back: Sheets = {}
    for sheet, cells in found.items():
        kept = put_back.setdefault(sheet, {})
        for name, cell in cells.items():
            row, column = place_of(name)
            if (sheet, "row", row) in gone or (sheet, "column", column) in gone:
                continue
            row, column = back(sheet, row, column)
            formula = moved(cell.formula, sheet, back) if cell.formula else ""
            kept[f"{get_column_letter(column)}{row}"] = replace(cell, formula=formula)
    return put_back, sorted(moves, key=str)


def _lines(cells: Mapping[str, SavedCell], what: str) -> list[tuple[object, ...]]:
    """What tells each row or column of a sheet from the others: its texts, or its headings."""
    lines: dict[int, list[tuple[int, object]]] = defaultdict(list)
    for name, cell in cells.items():
        row, column = place_of(name)
        if what == "row" and not cell.formula and isinstance(cell.value, str):
            lines[row].append((column, cell.value))
        elif what == "column" and row <= HEAD:
            lines[column].append((row, cell.value))
    if not lines:
        return []
    lowest = max(place_of(name)[0 if what == "row" else 1] for name in cells)
    # A column is told by what stands in it, wherever it stands; and so is a row.
    return [
        tuple(value for _, value in sorted(lines.get(n, []), key=lambda pair: pair[0]))
        for n in range(1, lowest + 1)
    ]


def _aligned(
    sheet: str, what: str, was: list[tuple[object, ...]], now: list[tuple[object, ...]]
) -> tuple[dict[int, int], list[Move]]:
    """Where each line stood, and the lines that were added or removed in between."""
    if len(was) == len(now):
        return {}, []
    places: dict[int, int] = {}
    moves: list[Move] = []
    for kind, a, b, c, d in _changes(was, now):
        shared = min(b - a, d - c)
        places.update((c + n + 1, a + n + 1) for n in range(shared))
        if kind == "equal":
            continue
        if d - c > shared and b < len(was):
            moves.append(Move(sheet, what, True, c + shared + 1, d))
        if b - a > shared and d < len(now):
            moves.append(Move(sheet, what, False, a + shared + 1, b))
    return (places, moves) if moves else ({}, [])


def _changes(
    was: list[tuple[object, ...]], now: list[tuple[object, ...]]
) -> Iterator[tuple[str, int, int, int, int]]:
    yield from SequenceMatcher(None, was, now, autojunk=False).get_opcodes()
