"""Two workbooks, cell by cell: the one that was written, and the one that is found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from capitation.engine.terms import format_number
from capitation.workbook.audit.dependents import CellName, Dependents
from capitation.workbook.audit.formula_reading import same_formula
from capitation.workbook.audit.saved_book import Held, SavedCell, Sheets
from capitation.workbook.record_sheet import SHEET as RECORD

HALF_A_PENNY = 0.005
MONEY = ("#,##0.00", "#,##0")
"""Number formats of amounts of money, which agree to half a penny."""

RELATIVE, ABSOLUTE = 1e-9, 1e-8
"""How nearly other figures agree: programs add up in another order."""

PRECISION = 1e-13
"""How nearly figures agree that no program adds up: some write fifteen digits."""


def same_value(was: Held, found: Held, form: str) -> bool:
    """Whether a saved value is what a formula comes to.

    Examples
    --------
    >>> same_value(10.0, 10.004, "#,##0.00"), same_value(0.0539, 0.0540, "General")
    (True, False)
    """
    if isinstance(was, float) and isinstance(found, float):
        if form in MONEY:
            return abs(was - found) <= max(HALF_A_PENNY, PRECISION * abs(was))
        return abs(was - found) <= max(ABSOLUTE, RELATIVE * abs(was))
    return (was or "") == (found or "") if "" in (was, found) else was == found


def _as_typed(was: Held, found: Held) -> bool:
    """Whether two constants are the same."""
    if isinstance(was, float) and isinstance(found, float):
        return abs(was - found) <= PRECISION * abs(was)
    if isinstance(was, str) and isinstance(found, str):
        # A file of XML has one kind of line ending, whatever was put in.
        return was.split() == found.split()
    if isinstance(was, str) and isinstance(found, float):
        # Some programs save the text "1", a unit, as a number.
        return was == format_number(found)
    return was == found


@dataclass
class Compared:
    """How the cells that are found differ from those that were written.

    Attributes
    ----------
    expected, found : dict
    cells : int
        How many were compared.
    overtyped, removed, added, different, follow : list of (sheet, cell)
    inputs : dict of (sheet, cell) to value
        Input cells that hold something else now, and what.
    sheets_added, sheets_removed : list of str
    expected_now : dict
        The cells as they should be for the inputs as they stand.
    unchecked, unsaved : int
    """

    expected: Sheets
    found: Sheets
    cells: int = 0
    overtyped: list[CellName] = field(default_factory=list)
    removed: list[CellName] = field(default_factory=list)
    added: list[CellName] = field(default_factory=list)
    inputs: dict[CellName, Held] = field(default_factory=dict)
    different: list[CellName] = field(default_factory=list)
    follow: list[CellName] = field(default_factory=list)
    sheets_added: list[str] = field(default_factory=list)
    sheets_removed: list[str] = field(default_factory=list)
    expected_now: Sheets = field(default_factory=dict)
    unchecked: int = 0
    unsaved: int = 0

    def compare_values(self, now: Sheets, doubtful: set[CellName]) -> None:
        """Compare the value beside each formula that is as it was written.

        Parameters
        ----------
        now : dict
            The cells as they should be for the inputs as they stand.
        doubtful : set of (sheet, cell)
            Cells whose values are not known, nor those of cells that follow from them.
        """
        self.expected_now = now
        overtyped = set(self.overtyped) | set(self.removed)
        unknown, reached = set[CellName](), set[CellName]()
        if doubtful or overtyped:
            dependents = Dependents(self.found)
            unknown = doubtful | dependents.of(doubtful)
            reached = dependents.of(overtyped)
        for cell, was, found in self.formulas():
            if cell in unknown:
                self.unchecked += 1
            elif found.value is None and was.value not in (None, ""):
                self.unsaved += 1
            elif not same_value(was.value, found.value, was.form):
                (self.follow if cell in reached else self.different).append(cell)

    def formulas(self) -> Iterator[tuple[CellName, SavedCell, SavedCell]]:
        """Formulas that are as they were written, with what they should come to and do."""
        wrong = set(self.overtyped) | set(self.inputs)
        for sheet, cells in self.expected.items():
            here, now = self.found.get(sheet, {}), self.expected_now.get(sheet, {})
            for name, cell in cells.items():
                if cell.formula and name in here and name in now and (sheet, name) not in wrong:
                    yield (sheet, name), now[name], here[name]


def compare_cells(expected: Sheets, found: Sheets) -> Compared:
    """Compare what was typed or written in every cell; values beside formulas come later.

    Parameters
    ----------
    expected, found : dict
    """
    compared = Compared(expected, found)
    compared.sheets_removed = [title for title in expected if title not in found]
    compared.sheets_added = [title for title in found if title not in expected]
    for sheet, cells in expected.items():
        if sheet not in found:
            continue
        here = found[sheet]
        compared.cells += len(cells)
        for name, was in cells.items():
            _compare(compared, (sheet, name), was, here.get(name))
        compared.added += [(sheet, name) for name in here if name not in cells]
    return compared


def _compare(compared: Compared, cell: CellName, was: SavedCell, found: SavedCell | None) -> None:
    if found is None:
        # A formula that comes to nothing, and an empty text, are cells all the same.
        if was.is_input and not was.formula:
            compared.inputs[cell] = None
        else:
            compared.removed.append(cell)
    elif was.is_input:
        if not _is_same(was, found):
            compared.inputs[cell] = found.value
    elif not _is_same(was, found):
        compared.overtyped.append(cell)


def _is_same(was: SavedCell, found: SavedCell) -> bool:
    if was.formula and found.formula:
        return same_formula(was.formula, found.formula)
    if was.formula or found.formula:
        return False
    return _as_typed(was.value, found.value)


def recalculated_values(before: Sheets, now: Sheets, changed: set[CellName]) -> set[CellName]:
    """Cells that would be written otherwise now, and that no recalculation of a sheet makes so.

    They are figures that were fixed when the workbook was written, such as those of the payment
    calendar, and formulas that follow the order of figures.
    """
    found = set()
    for sheet in before.keys() | now.keys():
        if sheet == RECORD:
            continue
        was, here = before.get(sheet, {}), now.get(sheet, {})
        for name in was.keys() | here.keys():
            one, other = was.get(name), here.get(name)
            same = one is not None and other is not None and _is_same(one, other)
            if not same and (sheet, name) not in changed:
                found.add((sheet, name))
    return found
