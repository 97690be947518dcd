"""Where each variable stands in the workbook, and how one cell refers to another.

A month has the same column on every sheet that has months. The column before the first month holds
what stands before it, so that a formula that looks back is the same along its whole row.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from openpyxl.utils import get_column_letter

from capitation.engine.graph import area_of, time_of
from capitation.workbook.content import Content
from capitation.workbook.page import quoted

OPENING = 5
FIRST = 6
"""Column of the first month, or of the first year."""

MONTH_ROW, YEAR_ROW, BEGINS_ROW, FIRST_ROW = 3, 4, 5, 7
PRACTICE_FIRST_COLUMN = 5
LONGEST_TITLE = 31
_UNFIT = re.compile(r"[\[\]:*?/\\']")


@dataclass(frozen=True)
class Place:
    """The block of cells of one variable in one scenario.

    Attributes
    ----------
    sheet : str
    row, column : int
        The first cell: first practice or commissioner, first month or year.
    area, time : str
        What the rows are, and what the columns are; empty where there is only one.
    totals : tuple of int
        Rows under the block: the sum of each commissioner, and last of all practices.
    """

    sheet: str
    row: int
    column: int
    area: str
    time: str
    totals: tuple[int, ...] = ()


class Layout:
    """Places of all variables, worked out before anything is written."""

    def __init__(self, content: Content):
        self.content = content
        self.places: dict[tuple[str, str | None], Place] = {}
        self.titles = _titles(content.scenarios)
        self.sheets: dict[str, list[tuple[str, str | None]]] = {}
        self.letters = [get_column_letter(n + 1) for n in range(16_000)]
        for name, scenario in self.variables():
            self.sheets.setdefault(self.sheet_of(name, scenario), []).append((name, scenario))
        for sheet, variables in self.sheets.items():
            self.arrange(sheet, variables)

    def variables(self) -> list[tuple[str, str | None]]:
        """Every variable in each scenario in which it stands."""
        content = self.content
        names = [*content.graph.leaves, *content.graph.nodes]
        return [(name, scenario) for name in names for scenario in content.variants(name)]

    def sheet_of(self, name: str, scenario: str | None) -> str:
        variable = self.content.graph[name]
        of_area, of_time = area_of(variable.dims), time_of(variable.dims)
        if of_time == "year":
            return self.titles["Years", scenario]
        if not of_area:
            return "Months"
        if of_time == "month":
            return self.titles["Calculation", scenario]
        return "Practices" if of_area == "practice" else "Commissioners"

    def calculation_sheets(self) -> list[str]:
        """Sheets of months and years by practice or commissioner, what is common first."""
        return [title for title in self.titles.values() if title in self.sheets]

    def arrange(self, sheet: str, variables: list[tuple[str, str | None]]) -> None:
        if sheet in ("Practices", "Commissioners"):
            for number, key in enumerate(variables):
                of_area = area_of(self.content.graph[key[0]].dims)
                column = PRACTICE_FIRST_COLUMN + number
                self.places[key] = Place(sheet, FIRST_ROW, column, of_area, "")
            return
        row = FIRST_ROW
        for key in variables:
            row = self.arrange_block(sheet, key, row)

    def arrange_block(self, sheet: str, key: tuple[str, str | None], row: int) -> int:
        """Give a variable its rows, and say which row is free after them."""
        content = self.content
        variable = content.graph[key[0]]
        of_area, of_time = area_of(variable.dims), time_of(variable.dims)
        if sheet == "Months":
            column = FIRST if of_time else OPENING
            self.places[key] = Place(sheet, row, column, "", of_time)
            return row + 1
        row += 1  # the block's heading
        count = {"practice": len(content.codes), "commissioner_code": len(content.commissioners)}
        rows = count.get(of_area, 1)
        totals: tuple[int, ...] = ()
        if of_area == "practice" and variable.unit.adds_up:
            areas = len(content.commissioners)
            totals = tuple(row + rows + i for i in range(areas + (areas > 1)))
        self.places[key] = Place(sheet, row, FIRST, of_area, of_time, totals)
        return row + rows + len(totals) + 1

    def place(self, name: str, scenario: str | None) -> Place:
        """Where a variable stands, seen from a scenario or from what is common to all."""
        key = (name, scenario)
        return self.places[key] if key in self.places else self.places[name, None]

    def reference(
        self, seen_from: Place, name: str, scenario: str | None, *, back: bool = False
    ) -> Callable[[int, int], str]:
        """How cells of one block refer to a variable.

        Parameters
        ----------
        seen_from : Place
            Block of the formula.
        name : str
        scenario : str or None
        back : bool
            Whether the formula looks back: to the column before.

        Returns
        -------
        callable
            The reference for a position along the rows and the columns of the formula's block.
        """
        place = self.place(name, scenario)
        sheet = "" if place.sheet == seen_from.sheet else f"{quoted(place.sheet)}!"
        row = self.row_of(seen_from, place)
        if place.time == "year" and seen_from.time == "month":
            return self.reference_to_year(place, sheet, row, back)
        if place.time and place.time == seen_from.time:
            shift = place.column - 1 - back
            return lambda e, t: f"{sheet}{self.letters[shift + t]}{row(e)}"
        letter = self.letters[place.column - 1]
        return lambda e, t: f"{sheet}${letter}{row(e)}"

    def row_of(self, seen_from: Place, place: Place) -> Callable[[int], str]:
        if not place.area:
            return lambda e: f"${place.row}"
        if place.area == "commissioner_code" and seen_from.area == "practice":
            return lambda e: str(place.row + self.content.area_of[e])
        return lambda e: str(place.row + e)

    def reference_to_year(
        self, place: Place, sheet: str, row: Callable[[int], str], back: bool
    ) -> Callable[[int, int], str]:
        """A month's reference to its fiscal year, or to the year before."""
        first = self.letters[place.column - 1 - back]
        last = self.letters[place.column + len(self.content.years) - 2]
        begins = f"{sheet}${self.letters[FIRST - 1]}${BEGINS_ROW}"

        def refer(e: int, t: int) -> str:
            here = f"{self.letters[FIRST - 1 + t]}${BEGINS_ROW}"
            return f"INDEX({sheet}${first}{row(e)}:${last}{row(e)},{here}-{begins}+1)"

        return refer

    def along(self, name: str, scenario: str | None, row: int) -> str:
        """All the months of one row of a variable, from another sheet."""
        place = self.place(name, scenario)
        first, last = self.letters[FIRST - 1], self.letters[FIRST + len(self.content.months) - 2]
        return f"{quoted(place.sheet)}!${first}${row}:${last}${row}"

    def heading_along(self, name: str, scenario: str | None) -> str:
        """The years in which the months of a variable's sheet lie, as numbers."""
        return self.along(name, scenario, BEGINS_ROW)


def _titles(scenarios: list[str]) -> dict[tuple[str, str | None], str]:
    """Titles of the calculation sheets, different and no longer than a workbook allows."""
    titles: dict[tuple[str, str | None], str] = {}
    for kind, short in (("Calculation", "Calc"), ("Years", "Years")):
        titles[kind, None] = kind
        for number, scenario in enumerate(scenarios, start=1):
            title = f"{short} {_UNFIT.sub('-', scenario)}"
            if len(title) > LONGEST_TITLE or title in titles.values():
                title = f"{title[: LONGEST_TITLE - 4]} {number}"
            titles[kind, scenario] = title
    return titles
