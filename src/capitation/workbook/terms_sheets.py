"""Terms with their sources, and what they come to in each month: Terms, Base year, Months.

They are live in every form of a workbook, since the sheet of one practice reads them.
"""

from __future__ import annotations

import datetime as dt

from capitation.engine.calendar import fiscal_year, months_of
from capitation.engine.graph import Leaf
from capitation.engine.record import dated_values, own_values
from capitation.engine.terms import DatedValue
from capitation.model import BASE, HISTORY, IN_PAYMENT, PRIOR, YEARLY
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

TERM, NAME, SCENARIO, FROM, VALUE, UNIT, SOURCE, ASSUMPTION, NOTE = range(1, 10)
"""Columns of the sheet of terms."""
_BASE, _PRIOR, _YEARLY = "base term", "prior term", "year term"
_DERIVED = (*HISTORY, _YEARLY)
_CALENDAR = {
    "month_of_fiscal_year": "MOD(MONTH({month})-4,12)+1",
    "first_month_of_quarter": "IF(MOD(MONTH({month}),3)=1,1,0)",
    "last_month_of_quarter": "IF(MOD(MONTH({month}),3)=0,1,0)",
}

_OF_HISTORY = {_BASE: "base year", _PRIOR: "before the start"}
"""What stands for the scenario where a term is of a time before the first month."""

BlockKey = tuple[str, str | None]


class TermsSheet:
    """Dated values as inputs, a block for each term: date, value, source or assumption.

    Attributes
    ----------
    blocks : dict of (name, scenario) to range
        The rows that each term reads. A base-year term reads those of the term itself, where their
        dated values are the same.
    values : dict of (name, scenario) to list of DatedValue
    own_blocks : dict of (term, practice) to range
        The rows of what a practice has of its own.
    """

    def __init__(self, book: Book, content: Content):
        self.content = content
        self.page = book.page("Terms")
        self.blocks: dict[BlockKey, range] = {}
        self.values: dict[BlockKey, list[DatedValue]] = {}
        self.own_blocks: dict[tuple[str, str], range] = {}
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
        page.headings(FIRST_ROW - 1, FROM, ["From", "Value"], over_numbers=True)
        page.text(FIRST_ROW - 1, UNIT, "Unit", "heading", form="indented")
        page.sheet.freeze_panes = at(FIRST_ROW, 3)
        page.sheet.print_title_rows = f"{FIRST_ROW - 1}:{FIRST_ROW - 1}"
        leaves = [leaf for leaf in self.content.graph.leaves.values() if "term" in leaf.kind]
        page.widths(
            40, max((len(leaf.name) for leaf in leaves), default=31) + 3, 18, 13, 12, 18, 44, 44, 36
        )
        # A term as it was paid refers to the term as it is due, which therefore stands first; and
        # a base-year term refers to the term itself.
        for leaf in sorted(leaves, key=lambda leaf: (leaf.kind in _DERIVED, leaf.name)):
            for scenario in self.content.variants(leaf.name):
                self.place(leaf, scenario)
            self.place_own(leaf)

    def place_own(self, leaf: Leaf) -> None:
        """Write what practices have of their own in place of a term."""
        term = term_of(leaf.name)
        for code, values in own_values(self.content.result[leaf.name].attrs).items():
            if code in self.content.codes and (term, code) not in self.own_blocks:
                self.own_blocks[term, code] = range(self.row, self.row + len(values))
                self.block(leaf, f"practice {code}", values)

    def place(self, leaf: Leaf, scenario: str | None) -> None:
        """Find the block that a term reads, or write one."""
        dated = dated_values(self.content.result[leaf.name].attrs)
        # One scenario of several may have been taken from a result: its values are then wanted.
        only = self.content.scenarios[0]
        values = dated[scenario or (only if only in dated else next(iter(dated)))]
        key = (leaf.name, scenario)
        same = self.block_of_the_same_values(leaf, scenario, values)
        self.blocks[key] = same or range(self.row, self.row + len(values))
        self.values[key] = values
        if not same:
            self.block(leaf, scenario, values)

    def block_of_the_same_values(
        self, leaf: Leaf, scenario: str | None, values: list[DatedValue]
    ) -> range | None:
        """The block from which a term of the year, or of the base year, can read."""
        if leaf.kind not in _DERIVED:
            return None
        term = term_of(leaf.name)
        readers = (term, f"{BASE}{term}", f"{term}{YEARLY}", f"{term}{PRIOR}")
        for (name, of_scenario), rows in self.blocks.items():
            # The base year is history, so that its terms are those of any scenario.
            may = leaf.kind in HISTORY or of_scenario == scenario
            if may and name in readers and self.values[name, of_scenario] == values:
                return rows
        return None

    def block(self, leaf: Leaf, scenario: str | None, values: list[DatedValue]) -> None:
        attributes = self.content.result[leaf.name].attrs
        title = leaf.title
        for said in (", mean of the base year", ", for the year", ", before the start"):
            title = title.removesuffix(said)
        if attributes.get("issue"):
            title += f" ({attributes['issue']})"
        for value in values:
            self.line(leaf, title, scenario, value)
            self.row += 1
        self.row += 1

    def line(self, leaf: Leaf, title: str, scenario: str | None, value: DatedValue) -> None:
        page, row, unit = self.page, self.row, str(leaf.unit)
        page.text(row, TERM, title, wrap=True)
        page.text(row, NAME, leaf.name)
        page.text(row, SCENARIO, scenario or _OF_HISTORY.get(leaf.kind, "all"))
        page.number(row, FROM, value.start, "date")
        due = self.cell_of_the_same_value(leaf, scenario, value)
        form = format_for(unit)
        if due:
            page.formula(row, VALUE, f"={due}", value.value, form, live=True)
        elif "/" in value.written:
            written = f"={value.written}"
            page.formula(row, VALUE, written, value.value, form, "input", live=True)
        else:
            page.number(row, VALUE, value.value, form)
        page.text(row, UNIT, unit, form="indented")
        source = self.content.sources.get(value.source, {})
        cited = ", ".join(filter(None, (source.get("title"), source.get("where"))))
        said = {SOURCE: cited, ASSUMPTION: value.assumption, NOTE: value.note}
        for column, text in said.items():
            page.text(row, column, text, wrap=True)
        wrapped = {TERM: title} | said
        page.fit_height(row, [(text, page.width(column)) for column, text in wrapped.items()])

    def cell_of_the_same_value(
        self, leaf: Leaf, scenario: str | None, value: DatedValue
    ) -> str | None:
        """The cell of the term as due, for a value of the term as paid that repeats it."""
        if not leaf.name.endswith(IN_PAYMENT):
            return None
        key = (leaf.name.removesuffix(IN_PAYMENT), scenario)
        for row, due in zip(self.blocks.get(key, range(0)), self.values.get(key, []), strict=True):
            if value.start in (due.start, due.paid_from) and value.value == due.value:
                return at(row, VALUE)
        return None

    def lookup_of_year(
        self, name: str, scenario: str | None, begins: str, practice: str = ""
    ) -> str:
        """The formula that finds a term's value in the first month of a year."""
        return self.lookup(name, scenario, first_month_of(begins), practice)

    def lookup(self, name: str, scenario: str | None, month: str, practice: str = "") -> str:
        """The formula that finds a term's value in a month, of a practice that has its own."""
        common = _lookup_in(self.blocks.get((name, scenario)) or self.blocks[name, None], month)
        own = self.own_blocks.get((term_of(name), practice))
        if own is None:
            return common
        begins = f"Terms!{at(own[0], FROM, fix_row=True, fix_column=True)}"
        return f"IF({month}<{begins},{common},{_lookup_in(own, month)})"

    def lookup_of_chosen(self, name: str, scenario: str | None, month: str, code: str) -> str:
        """The formula for a practice whose code stands in a cell, whether it has its own or not."""
        common = self.lookup(name, scenario, month)
        blocks = [rows for (term, _), rows in self.own_blocks.items() if term == term_of(name)]
        if not blocks:
            return common
        # What practices have of their own stands in one stretch of rows, in order of date for each
        # of them, so that the values that have begun are counted.
        own = range(blocks[0][0], blocks[-1][-1] + 1)
        whose, starts, practice = (
            _column(own, SCENARIO),
            _column(own, FROM),
            f'"practice "&{code}',
        )
        begun = f'COUNTIFS({whose},{practice},{starts},"<="&{month})'
        found = f"INDEX({_column(own, VALUE)},MATCH({practice},{whose},0)+{begun}-1)"
        return f"IF({begun}=0,{common},{found})"


def term_of(name: str) -> str:
    """The term that a leaf reads: as it is due, as it was paid, for the year or its base year."""
    for suffix in (YEARLY, IN_PAYMENT, PRIOR):
        name = name.removesuffix(suffix)
    return name.removeprefix(BASE)


def first_month_of(begins: str) -> str:
    """The formula for the first month of a fiscal year that is in the run."""
    first = f"Months!{at(MONTH_ROW, FIRST, fix_row=True, fix_column=True)}"
    return f"MAX(DATE({begins},4,1),{first})"


def _column(rows: range, number: int) -> str:
    first = at(rows[0], number, fix_row=True, fix_column=True)
    return f"Terms!{first}:{at(rows[-1], number, fix_row=True, fix_column=True)}"


def _lookup_in(rows: range, month: str) -> str:
    return f"INDEX({_column(rows, VALUE)},MATCH({month},{_column(rows, FROM)},1))"


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
            page.formula(MONTH_ROW, column, follows, serial(month), "month", "heading", live=True)
        begins = at(BEGINS_ROW, column)
        label = f'={begins}&"/"&TEXT(MOD({begins}+1,100),"00")'
        page.formula(YEAR_ROW, column, label, fiscal_year(month), "number", "heading", live=True)
        starts = f"=YEAR({here})-IF(MONTH({here})<4,1,0)"
        year = float(fiscal_year(month)[:4])
        page.formula(BEGINS_ROW, column, starts, year, "whole", "heading", live=True)


def write_base_year(book: Book, content: Content, terms: TermsSheet) -> dict[BlockKey, str]:
    """Write the months of the base year for each term whose mean a rule reads.

    Returns
    -------
    dict of (term, scenario) to str
        The cells whose mean is wanted.
    """
    leaves = [leaf for leaf in content.graph.leaves.values() if leaf.kind == _BASE]
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
        for scenario in content.variants(leaf.name):
            page.text(row, 1, leaf.name)
            page.text(row, 2, scenario or "all")
            page.text(row, 4, str(leaf.unit))
            values = terms.values[leaf.name, scenario]
            for number, month in enumerate(months):
                column = FIRST + number
                formula = terms.lookup(leaf.name, scenario, at(MONTH_ROW, column, fix_row=True))
                value = [v for v in values if v.start <= month][-1].value
                form = format_for(str(leaf.unit))
                page.formula(row, column, f"={formula}", value, form, live=True)
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
    if leaf.kind == _BASE:
        value = float(content.values(name, scenario))
        page.formula(place.row, OPENING, f"=AVERAGE({base_cells[key]})", value, form, live=True)
        return
    if leaf.kind == _PRIOR:
        value = float(content.values(name, scenario))
        first = f"EDATE({at(MONTH_ROW, FIRST, fix_row=True)},-1)"
        formula = f"={terms.lookup(leaf.name, scenario, first)}"
        page.formula(place.row, OPENING, formula, value, form, live=True)
        return
    for number, value in enumerate(content.values(name, scenario).tolist()):
        month = at(MONTH_ROW, FIRST + number, fix_row=True)
        if leaf.kind == "calendar":
            formula = _CALENDAR[name].format(month=month)
        else:
            formula = terms.lookup(leaf.name, scenario, month)
        page.formula(place.row, FIRST + number, f"={formula}", value, form, live=True)
