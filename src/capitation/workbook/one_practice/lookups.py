"""How one practice finds what it is given: in its row, in its commissioner's, in the scenario's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from capitation.engine.graph import Leaf, area_of
from capitation.workbook.content import Content
from capitation.workbook.layout import BEGINS_ROW, FIRST, MONTH_ROW, Layout, Place
from capitation.workbook.one_practice.layout import (
    AREA_NUMBER_ROW,
    PRACTICE_NUMBER_ROW,
    SCENARIO_NUMBER_ROW,
    SHOWN_ROW,
    AsRunLayout,
    adds_up_practices,
    chosen,
)
from capitation.workbook.page import at, quoted
from capitation.workbook.terms_sheets import TermsSheet, first_month_of

Find = Callable[[int], str]
"""The formula for a position along the months or the years."""


class Lookups:
    """Formulas that look a variable up for the practice and the scenario chosen.

    Parameters
    ----------
    layout : Layout
        Of the sheets that hold every practice.
    as_run : AsRunLayout or None
        Of the sheets that stand in for them, where they are left out.
    terms : TermsSheet
    """

    def __init__(self, layout: Layout, as_run: AsRunLayout | None, terms: TermsSheet):
        self.layout, self.as_run, self.terms = layout, as_run, terms
        self.content: Content = layout.content

    def is_looked_up(self, name: str) -> bool:
        """Whether a variable is looked up, rather than worked out from others."""
        variable = self.content.graph[name]
        return isinstance(variable, Leaf) or adds_up_practices(variable)

    def of(self, name: str) -> Find:
        """A variable's value in the scenario chosen."""
        found = [self.of_scenario(name, scenario) for scenario in self.content.variants(name)]
        if len(found) == 1:
            return found[0]
        number = chosen(SCENARIO_NUMBER_ROW)
        return lambda t: f"CHOOSE({number},{','.join(find(t) for find in found)})"

    def of_scenario(self, name: str, scenario: str | None) -> Find:
        """A variable's value in one scenario."""
        variable = self.content.graph[name]
        if isinstance(variable, Leaf):
            if variable.kind == "year term":
                return self.term_of_year(name, scenario)
            if variable.kind == "calendar" and "year" in variable.dims:
                return self.months_of_year
            if variable.kind == "term" and "practice" in variable.dims:
                return self.term_of_month(name, scenario)
        return self.in_cells(name, scenario)

    def in_cells(self, name: str, scenario: str | None) -> Find:
        """A value where it stands, in the practice's row or that of its commissioner."""
        layout = self.as_run if self.as_run is not None and name in self.as_run else self.layout
        place = layout.place(name, scenario)
        sheet = f"{quoted(place.sheet)}!"

        def find(t: int) -> str:
            letter = self.layout.letters[place.column - 1 + (t if place.time else 0)]
            if not place.area:
                return f"{sheet}{letter}${place.row}"
            last = place.row + self.rows_of(place) - 1
            return f"INDEX({sheet}{letter}${place.row}:{letter}${last},{self.number_of(place)})"

        return find

    def rows_of(self, place: Place) -> int:
        content = self.content
        return len(content.codes if place.area == "practice" else content.commissioners)

    def number_of(self, place: Place) -> str:
        return chosen(PRACTICE_NUMBER_ROW if place.area == "practice" else AREA_NUMBER_ROW)

    def term_of_month(self, name: str, scenario: str | None) -> Find:
        """A term that some practices have of their own, in a month."""
        return lambda t: self.term_from(name, scenario, at(MONTH_ROW, FIRST + t, fix_row=True))

    def term_of_year(self, name: str, scenario: str | None) -> Find:
        """A term as it stands in the first month of a year."""
        return lambda t: self.term_from(
            name, scenario, first_month_of(at(BEGINS_ROW, FIRST + t, fix_row=True))
        )

    def term_from(self, name: str, scenario: str | None, month: str) -> str:
        return self.terms.lookup_of_chosen(name, scenario, month, chosen(SHOWN_ROW))

    def months_of_year(self, t: int) -> str:
        """Months of a year that are in the run, as a share of the year."""
        last = FIRST + len(self.content.months) - 1
        first, last_cell = (
            at(BEGINS_ROW, column, fix_row=True, fix_column=True) for column in (FIRST, last)
        )
        begins = at(BEGINS_ROW, FIRST + t, fix_row=True)
        return f"COUNTIF(Months!{first}:{last_cell},{begins})/12"

    def values(self, name: str) -> list[float]:
        """A variable's values for the first practice in the first scenario: what is saved."""
        content = self.content
        of_area = area_of(content.graph[name].dims)
        values = np.asarray(content.values(name, content.scenarios[0]))
        if of_area:
            values = values[0 if of_area == "practice" else content.area_of[0]]
        return np.atleast_1d(values).tolist()
