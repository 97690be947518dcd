"""Terms with their sources, and what they come to in each month: Terms, Base year, Months."""

from __future__ import annotations

import datetime as dt

from capitation.engine.calendar import fiscal_year, months_of
from capitation.engine.graph import Leaf
from capitation.engine.record import dated_values
from capitation.engine.terms import DatedValue
from capitation.workbook.content import Content
from capitation.workbook.layout import (
    BEGINS_ROW,
    FIRST,
    FIRST_ROW,
    MONTH_ROW,
    OPENING,
    YEAR_ROW,
    Layout,
)
from capitation.workbook.page import Book, Page, at, format_for, quoted, serial

_TERM, _NAME, _SCENARIO, _FROM, _VALUE, _UNIT, _SOURCE, _ASSUMPTION, _NOTE = range(1, 10)
_IN_PAYMENT = "_in_payment"
_CALENDAR = {
    "month_of_fiscal_year": "MOD(MONTH({month})-4,12)+1",
    "first_month_of_quarter": "IF(MOD(MONTH({month}),3)=1,1,0)",
    "last_month_of_quarter": "IF(MOD(MONTH({month}),3)=0,1,0)",
}

BlockKey = tuple[str, str | None]


def term_of(leaf: Leaf) -> str:
    """Name of the block of dated values that a leaf reads."""
    return leaf.name.removeprefix("base_") if leaf.kind == "base term" else leaf.name


class TermsSheet:
    """Dated values as inputs, a block for each term: date, value, source or assumption."""

    def __init__(self, book: Book, content: Content):
        self.content = content
        self.page = book.page("Terms")
        self.blocks: dict[BlockKey, range] = {}
        self.values: dict[BlockKey, list[DatedValue]] = {}
        self.row = FIRST_ROW

    def write(self) -> None:
        """Write every term that the model reads."""
        page = self.page
        page.text(1, 1, "Terms: dated figures, each with its source or its assumption", bold=True)
        note = (
            "A value holds from its date until the next; the last holds on. All follows a change."
        )
        page.text(2, 1, note)
        titles = ["Term", "Name in the rules", "Scenario", "From", "Value", "Unit"]
        page.headings(FIRST_ROW - 1, 1, [*titles, "Source", "Assumption", "Note"])
        page.widths(34, 34, 16, 12, 12, 16, 44, 44, 36)
        page.sheet.freeze_panes = at(FIRST_ROW, 3)
        leaves = [leaf for leaf in self.content.graph.leaves.values() if "term" in leaf.kind]
        # A term as it was paid refers to the term as it is due, which therefore stands first.
        for leaf in sorted(leaves, key=lambda leaf: (term_of(leaf), leaf.kind)):
            for scenario in self.content.variants(leaf.name):
                if (term_of(leaf), scenario) not in self.blocks:
                    self.block(leaf, scenario)

    def block(self, leaf: Leaf, scenario: str | None) -> None:
        attributes = self.content.result[leaf.name].attrs
        values = dated_values(attributes)[scenario or self.content.scenarios[0]]
        key = (term_of(leaf), scenario)
        self.blocks[key] = range(self.row, self.row + len(values))
        self.values[key] = values
        title = leaf.title.removesuffix(", mean of the base year")
        if attributes.get("issue"):
            title += f" ({attributes['issue']})"
        for value in values:
            self.line(leaf, title, scenario, value)
            self.row += 1
        self.row += 1

    def line(self, leaf: Leaf, title: str, scenario: str | None, value: DatedValue) -> None:
        page, row, unit = self.page, self.row, str(leaf.unit)
        page.text(row, _TERM, title)
        page.text(row, _NAME, term_of(leaf))
        page.text(row, _SCENARIO, scenario or "all")
        page.number(row, _FROM, value.start, "date")
        due = self.cell_of_the_same_value(leaf, scenario, value)
        form = format_for(unit)
        if due:
            page.formula(row, _VALUE, f"={due}", value.value, form)
        elif "/" in value.written:
            page.formula(row, _VALUE, f"={value.written}", value.value, form, "input")
        else:
            page.number(row, _VALUE, value.value, form)
        page.text(row, _UNIT, unit)
        source = self.content.sources.get(value.source, {})
        cited = ", ".join(filter(None, (source.get("title"), source.get("where"))))
        for column, text in (
            (_SOURCE, cited),
            (_ASSUMPTION, value.assumption),
            (_NOTE, value.note),
        ):
            page.text(row, column, text, wrap=True)

    def cell_of_the_same_value(
        self, leaf: Leaf, scenario: str | None, value: DatedValue
    ) -> str | None:
        """The cell of the term as due, for a value of the term as paid that repeats it."""
        if not leaf.name.endswith(_IN_PAYMENT):
            return None
        key = (term_of(leaf).removesuffix(_IN_PAYMENT), scenario)
        for row, due in zip(self.blocks.get(key, range(0)), self.values.get(key, []), strict=True):
            if value.start in (due.start, due.paid_from) and value.value == due.value:
                return at(row, _VALUE)
        return None

    def lookup(self, term: str, scenario: str | None, month: str) -> str:
        """The formula that finds a term's value in a month."""
        rows = self.blocks.get((term, scenario)) or self.blocks[term, None]

        def column(number: int) -> str:
            first = at(rows[0], number, fix_row=True, fix_column=True)
            return f"Terms!{first}:{at(rows[-1], number, fix_row=True, fix_column=True)}"

        return f"INDEX({column(_VALUE)},MATCH({month},{column(_FROM)},1))"


def write_time_headings(page: Page, months: list[dt.date], *, first_is_input: bool) -> None:
    """Write the months along a sheet's head, with their fiscal years."""
    page.text(MONTH_ROW, 1, "Month", "heading")
    page.text(YEAR_ROW, 1, "Fiscal year", "heading")
    page.text(BEGINS_ROW, 1, "Fiscal year begins in", "heading")
    for row in (MONTH_ROW, YEAR_ROW, BEGINS_ROW):
        for column in range(2, FIRST):
            page.text(row, column, "", "heading")
    for number, month in enumerate(months):
        column = FIRST + number
        here = at(MONTH_ROW, column)
        if number == 0 and first_is_input:
            page.number(MONTH_ROW, column, month, "month")
        else:
            before = at(MONTH_ROW, column - 1)
            follows = f"=EDATE({before},1)" if first_is_input else f"=Months!{here}"
            page.formula(MONTH_ROW, column, follows, serial(month), "month", "heading")
        begins = at(BEGINS_ROW, column)
        label = f'={begins}&"/"&TEXT(MOD({begins}+1,100),"00")'
        page.formula(YEAR_ROW, column, label, fiscal_year(month), "number", "heading")
        starts = f"=YEAR({here})-IF(MONTH({here})<4,1,0)"
        year = float(fiscal_year(month)[:4])
        page.formula(BEGINS_ROW, column, starts, year, "whole", "heading")


def write_base_year(book: Book, content: Content, terms: TermsSheet) -> dict[BlockKey, str]:
    """Write the months of the base year for each term whose mean a rule reads.

    Returns
    -------
    dict of (term, scenario) to str
        The cells whose mean is wanted.
    """
    leaves = [leaf for leaf in content.graph.leaves.values() if leaf.kind == "base term"]
    if not leaves:
        return {}
    page = book.page("Base year")
    year = content.result.attrs["base_fiscal_year"]
    months = months_of(year)
    page.text(1, 1, f"Terms in the base year, {year}: a base-year figure is the mean", bold=True)
    write_time_headings(page, months, first_is_input=True)
    page.widths(34, 24, 4, 18, 4)
    page.sheet.freeze_panes = at(FIRST_ROW, FIRST)
    cells: dict[BlockKey, str] = {}
    row = FIRST_ROW
    for leaf in leaves:
        by_scenario = dated_values(content.result[leaf.name].attrs)
        for scenario in content.variants(leaf.name):
            page.text(row, 1, term_of(leaf))
            page.text(row, 2, scenario or "all")
            page.text(row, 4, str(leaf.unit))
            values = by_scenario[scenario or content.scenarios[0]]
            for number, month in enumerate(months):
                column = FIRST + number
                formula = terms.lookup(term_of(leaf), scenario, at(MONTH_ROW, column, fix_row=True))
                value = [v for v in values if v.start <= month][-1].value
                page.formula(row, column, f"={formula}", value, format_for(str(leaf.unit)))
            cells[leaf.name, scenario] = (
                f"{quoted(page.title)}!{at(row, FIRST)}:{at(row, FIRST + 11)}"
            )
            row += 1
    return cells


def write_months_of_leaf(
    page: Page, layout: Layout, terms: TermsSheet, base_cells: dict[BlockKey, str], key: BlockKey
) -> None:
    """Write one row of the Months sheet: a term, its base-year mean, or a fact of the calendar."""
    name, scenario = key
    content = layout.content
    leaf, place = content.graph[name], layout.places[key]
    assert isinstance(leaf, Leaf)
    form = format_for(str(leaf.unit))
    if leaf.kind == "base term":
        value = float(content.values(name, scenario))
        page.formula(place.row, OPENING, f"=AVERAGE({base_cells[key]})", value, form)
        return
    for number, value in enumerate(content.values(name, scenario).tolist()):
        month = at(MONTH_ROW, FIRST + number, fix_row=True)
        if leaf.kind == "calendar":
            formula = _CALENDAR[name].format(month=month)
        else:
            formula = terms.lookup(term_of(leaf), scenario, month)
        page.formula(place.row, FIRST + number, f"={formula}", value, form)
