"""Which cells follow from which: what a change in some cells can reach."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from capitation.workbook.audit.formula_reading import references
from capitation.workbook.audit.saved_book import Sheets

CellName = tuple[str, str]
"""Sheet and name of a cell."""


class Dependents:
    """The formulas of a workbook, by what they refer to.

    Parameters
    ----------
    sheets : dict
        The workbook's cells.
    """

    def __init__(self, sheets: Sheets):
        self.readers: dict[CellName, list[CellName]] = defaultdict(list)
        for sheet, cells in sheets.items():
            for name, cell in cells.items():
                if cell.formula:
                    for reference in references(cell.formula, sheet):
                        for read in reference.names:
                            self.readers[reference.sheet, read].append((sheet, name))

    def of(self, changed: Iterable[CellName]) -> set[CellName]:
        """Cells that follow from some cells, those themselves left out unless they follow too.

        Examples
        --------
        >>> from capitation.workbook.audit.saved_book import SavedCell
        >>> cells = {"A1": SavedCell("", 2.0), "B1": SavedCell("=A1*2", 4.0)}
        >>> cells["C1"] = SavedCell("=SUM(A1:B1)", 6.0)
        >>> sorted(name for _, name in Dependents({"Sheet": cells}).of([("Sheet", "A1")]))
        ['B1', 'C1']
        """
        found: set[CellName] = set()
        waiting = list(changed)
        while waiting:
            for reader in self.readers.get(waiting.pop(), ()):
                if reader not in found:
                    found.add(reader)
                    waiting.append(reader)
        return found
