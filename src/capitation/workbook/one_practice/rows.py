"""The rules of one practice, a row each, by month and by year; and the values that they look up."""

from __future__ import annotations

from capitation.engine.graph import Leaf, Node
from capitation.engine.rule import Rule
from capitation.workbook.calculation import Calculation
from capitation.workbook.formulas import written
from capitation.workbook.layout import BEGINS_ROW, FIRST, FIRST_ROW, OPENING, YEAR_ROW, Place
from capitation.workbook.one_practice.layout import (
    BY_YEAR,
    GROUPS,
    AsRunLayout,
    OnePracticeLayout,
    adds_up_practices,
)
from capitation.workbook.one_practice.lookups import Lookups
from capitation.workbook.page import Book, Page, at, format_for
from capitation.workbook.terms_sheets import write_time_headings

_NAME, _TITLE, _KIND, _UNIT = range(1, OPENING)
_HEADINGS = ("Name in the rules", "What it is", "Where from", "Unit")


class OnePracticeRows:
    """Writes the rows of one practice: what it is given is looked up, and its rules are live.

    Parameters
    ----------
    own : OnePracticeLayout
    lookups : Lookups
    rules : Calculation
        Of the same layout: it knows how a rule becomes a formula.
    """

    def __init__(self, own: OnePracticeLayout, lookups: Lookups, rules: Calculation):
        self.own, self.lookups, self.rules = own, lookups, rules
        self.content = own.content

    def write(self, page: Page) -> None:
        """Write all rows of a sheet, under the headings of their groups."""
        years = page.title == BY_YEAR
        said = "fiscal year by fiscal year" if years else "month by month"
        page.text(1, 1, f"{page.title}: its rules {said}, live for what is chosen", bold=True)
        page.widths(38, 46, 14, 16, 14)
        if years:
            self.write_years(page)
        else:
            write_time_headings(page, self.content.months, first_is_input=False)
        page.headings(FIRST_ROW - 1, 1, list(_HEADINGS))
        page.text(FIRST_ROW - 1, OPENING, "Opening", "heading", form="right")
        for column in range(FIRST, self.last(page) + 1):
            page.text(FIRST_ROW - 1, column, "", "heading")
            page.sheet.column_dimensions[self.own.letters[column - 1]].width = 13
        page.text(FIRST_ROW - 1, self.last(page) + 1, "Rule", "heading")
        for group in GROUPS:
            if (page.title, group) in self.own.groups:
                self.write_group(page, group)
        for name, _ in self.own.sheets[page.title]:
            self.write_row(page, name)
        page.sheet.freeze_panes = at(FIRST_ROW, 2)
        page.print_by_year(FIRST, [] if years else self.content.year_of_month)
        # The rules in words stand to the right of what is printed.
        page.sheet.print_area = f"A1:{at(page.sheet.max_row, self.last(page))}"

    def last(self, page: Page) -> int:
        """The column of the last month, or of the last year."""
        content = self.content
        return FIRST - 1 + len(content.years if page.title == BY_YEAR else content.months)

    def write_years(self, page: Page) -> None:
        for row, title in ((YEAR_ROW, "Fiscal year"), (BEGINS_ROW, "Fiscal year begins in")):
            page.text(row, 1, title, "heading")
            for column in range(2, FIRST):
                page.text(row, column, "", "heading")
        years = zip(self.content.years, self.content.year_begins, strict=True)
        for column, (label, begins) in enumerate(years, start=FIRST):
            page.text(YEAR_ROW, column, label, "heading", form="right")
            page.number(BEGINS_ROW, column, begins, "whole", "heading")

    def write_group(self, page: Page, group: str) -> None:
        row = self.own.groups[page.title, group]
        page.text(row, 1, group, "block", bold=True)
        for column in range(2, self.last(page) + 1):
            page.text(row, column, "", "block")

    def write_row(self, page: Page, name: str) -> None:
        """Write a variable of the practice chosen, or of its commissioner."""
        variable, place = self.content.graph[name], self.own.places[name, None]
        unit = str(variable.unit)
        for column, text in (
            (_NAME, name),
            (_TITLE, variable.title),
            (_KIND, _where_from(variable)),
            (_UNIT, unit),
        ):
            page.text(place.row, column, text)
        self.write_opening(page, variable, place)
        form = format_for(unit)
        values = self.lookups.values(name)
        if self.lookups.is_looked_up(name):
            find = self.lookups.of(name)
            formulas = [f"={find(t)}" for t in range(len(values))]
        else:
            assert isinstance(variable, Node)
            pieces = self.rules.formula_parts(variable, None, place)
            formulas = [written(pieces, 0, t) for t in range(len(values))]
            if isinstance(variable.definition, Rule):
                page.text(place.row, self.last(page) + 1, variable.definition.formula)
        for t, (formula, value) in enumerate(zip(formulas, values, strict=True)):
            page.formula(place.row, place.column + t, formula, value, form, live=True)

    def write_opening(self, page: Page, variable: Node | Leaf, place: Place) -> None:
        """Write what stands before the first month, or year, of a rule that is looked back at."""
        first = variable.definition.first if isinstance(variable, Node) else ""
        if first:
            reference = self.own.reference(place, first, None)(0, 0)
            value, form = self.lookups.values(first)[0], format_for(str(variable.unit))
            page.formula(place.row, OPENING, f"={reference}", value, form, live=True)


def _where_from(variable: Node | Leaf) -> str:
    if isinstance(variable, Node):
        return "total, as run" if adds_up_practices(variable) else "rule"
    if "term" in variable.kind:
        return "Terms"
    return variable.kind


def write_as_run(book: Book, as_run: AsRunLayout) -> None:
    """Write the values that one practice looks up, on sheets of their own.

    Parameters
    ----------
    book : Book
    as_run : AsRunLayout
    """
    calculation = Calculation(book, as_run)
    content = as_run.content
    for title, variables in as_run.sheets.items():
        page = book.page(title)
        calculation.write_block_headings(page, as_run.places[variables[0]].time == "year")
        page.text(1, 1, f"{title}: totals over practices, and what is given by month", bold=True)
        for name, scenario in variables:
            variable, place = content.graph[name], as_run.places[name, scenario]
            calculation.write_block_title(page, variable, place)
            if scenario:
                page.text(place.row - 1, FIRST, scenario, "block")
            fill = "input" if isinstance(variable, Leaf) else "calculated"
            calculation.write_given_rows(page, variable, scenario, place, fill)
            calculation.write_block_totals(page, variable, scenario, place)
