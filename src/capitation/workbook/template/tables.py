"""The sheets of the template that are tables: assumptions, practices, contracts, scenarios."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

from openpyxl.styles import Alignment
from openpyxl.worksheet.page import PageMargins
from openpyxl.worksheet.table import Table as MarkedTable
from openpyxl.worksheet.table import TableColumn, TableStyleInfo

from capitation.engine.terms import DatedValue, Term
from capitation.inputs.layout import (
    ASSUMPTIONS_TABLE,
    CONTRACTS_TABLE,
    SCENARIOS_TABLE,
    YES,
    Field,
    Table,
)
from capitation.sources.workbook_limits import MOST_ROWS
from capitation.workbook.page import Book, Page, at, format_for
from capitation.workbook.template.content import TemplateContent
from capitation.workbook.template.entry import (
    Entry,
    entry_of_field,
    entry_of_figure,
    number_entry,
)

SPARE_ROWS = 36
"""Empty rows under a table, ready to be filled in."""

HINT_ROW, HEADING_ROW = 3, 5
PRACTICE_HEADING_ROW = 6
"""Practices have titles and units over the library's names."""

LETTERS_BETWEEN_MARGINS = 108
"""The widths of columns that a landscape page with narrow margins takes at full size."""

_FORMS = {"date": "date", "month": "date", "number": "number", "figure": "number"}
_WIDTHS = {
    "Term": 42.0,
    "What it is": 64.0,
    "Unit": 20.0,
    "From": 12.5,
    "Value": 20.0,
    "Low": 12.0,
    "High": 12.0,
    "Source": 30.0,
    "Assumption": 56.0,
    "Owner": 12.0,
    "Agreed": 12.5,
    "Signed off": 14.0,
    "Note": 42.0,
    "Practice": 14.0,
    "Schedule": 24.0,
    "Scenario": 28.0,
    "Title": 40.0,
    "Run": 7.0,
}
FIGURES = ("Value", "Low", "High")
"""Columns of a term's figures, which have its number format."""

_WRAPPED = ("What it is", "Source", "Assumption", "Note", "Title")


class TableSheet:
    """One such sheet: what it is for, headings, rows, and empty rows under them.

    Parameters
    ----------
    book : Book
    table : Table
    lists : dict of str to str
        Ranges of the sheet of lists, by heading.
    heading_row : int
    """

    def __init__(
        self, book: Book, table: Table, lists: Mapping[str, str], heading_row: int = HEADING_ROW
    ):
        self.table = table
        self.lists = dict(lists)
        self.page = book.page(table.sheet)
        self.heading_row = heading_row
        self.first = heading_row + 1
        self.row = self.first
        self.number_of = {column.heading: n for n, column in enumerate(table.columns, start=1)}

    def write_head(self, hint: str = "") -> None:
        """Write what the sheet is for, and its headings."""
        page = self.page
        page.text(1, 1, self.table.sheet, bold=True)
        page.text(2, 1, self.table.purpose)
        page.text(HINT_ROW, 1, hint)
        for column, field in enumerate(self.table.columns, start=1):
            write_heading(page, self.heading_row, column, field.heading, over=_side(field))
        page.widths(*(_WIDTHS[field.heading] for field in self.table.columns))

    def write_row(
        self, cells: Mapping[str, object], fill: str = "input", form: str = "number"
    ) -> None:
        """Write a row: a cell for each heading, empty where nothing is said."""
        for field in self.table.columns:
            value = cells.get(field.heading)
            self.write_cell(self.row, field, value, fill, form if field.heading in FIGURES else "")
        self.fit(self.row)
        self.row += 1

    def write_cell(self, row: int, field: Field, value: object, fill: str, form: str) -> None:
        """Write one cell: text, number, date, or nothing in the look of its column."""
        column, page = self.number_of[field.heading], self.page
        form = form or _FORMS.get(field.kind, "text")
        wrap = field.heading in _WRAPPED
        if isinstance(value, str) and value:
            aside = "right" if field.kind == "figure" else "text"
            page.text(row, column, value, fill, wrap=wrap, form=aside)
        elif isinstance(value, float | dt.date):
            page.number(row, column, value, form, fill)
        else:
            page.book.dress(page.sheet.cell(row, column), fill, form, wrap=wrap)
        if form == "date":
            page.sheet.cell(row, column).alignment = Alignment(horizontal="left", vertical="top")

    def fit(self, row: int) -> None:
        """Make a row as high as its wrapped texts."""
        texts = []
        for heading in set(_WRAPPED) & set(self.number_of):
            column = self.number_of[heading]
            text = self.page.sheet.cell(row, column).value
            if isinstance(text, str):
                texts.append((text, self.page.width(column)))
        if texts:
            self.page.fit_height(row, texts)

    def write_spare_rows(self) -> int:
        """Write empty rows, and give the last of them."""
        for _ in range(SPARE_ROWS):
            self.write_row({})
        return self.row - 1

    def allow(
        self, heading: str, entry: Entry, first: int, last: int = MOST_ROWS, to: str = ""
    ) -> None:
        """Let some rows of a column, or of several, take no other entries."""
        end = self.number_of[to or heading]
        cells = f"{at(first, self.number_of[heading])}:{at(last, end)}"
        entry.on(self.page.sheet, cells, f"{heading} or {to.lower()}" if to else heading)

    def allow_fields(self, *, but: Iterable[str] = ()) -> None:
        """Let every column take what its field says."""
        for field in self.table.columns:
            if field.heading not in but:
                self.allow_field(field.heading, self.first)

    def allow_field(self, heading: str, first: int) -> None:
        """Let a column take what its field says, from a row on."""
        cell = at(first, self.number_of[heading])
        self.allow(heading, entry_of_field(self.table[heading], cell, self.lists), first)

    def finish(self, second_page: str = "") -> None:
        """Mark the table, hold its headings in sight and on every printed page.

        Parameters
        ----------
        second_page : str
            Heading of the column with which a second page begins, where one is too narrow.
        """
        page, sheet = self.page, self.page.sheet
        mark_table(page, self.table.sheet, self.heading_row, self.row - 1, self.table.headings)
        sheet.freeze_panes = at(self.first, 2)
        rows = f"{self.heading_row}:{self.heading_row}"
        if second_page:
            start = self.number_of[second_page]
            widths = [page.width(column) for column in self.number_of.values()]
            widest = max(sum(widths[: start - 1]), widths[0] + sum(widths[start - 1 :]))
            page.print_by_block(rows, 1, scale_for(widest), [1, start])
        else:
            sheet.print_title_rows = rows
        narrow_margins(page)


def write_heading(page: Page, row: int, column: int, text: str, *, over: str) -> None:
    """Write a heading, a little off the next one where it stands to the right over numbers."""
    page.text(row, column, text, "heading", wrap=True)
    cell = page.sheet.cell(row, column)
    indent = int(over == "right")
    cell.alignment = Alignment(horizontal=over, vertical="top", wrap_text=True, indent=indent)


def _side(field: Field) -> str:
    return "right" if field.kind in ("number", "figure") else "left"


def scale_for(width: float) -> int:
    """The scale at which so wide a part of a sheet fits on a page."""
    return min(100, int(100 * LETTERS_BETWEEN_MARGINS / width))


def narrow_margins(page: Page) -> None:
    """Leave more of the paper to a wide table; its pages follow each other row by row."""
    page.sheet.page_margins = PageMargins(0.4, 0.4, top=0.5, bottom=0.75, footer=0.3)
    page.sheet.page_setup.pageOrder = "overThenDown"


def mark_table(page: Page, name: str, heading: int, last: int, headings: Sequence[str]) -> None:
    """Mark rows as one table: a screen reader says headings, new rows take the look of others."""
    ref = f"A{heading}:{at(last, len(headings))}"
    table = MarkedTable(displayName=f"{name}_table", ref=ref)
    table.tableStyleInfo = TableStyleInfo(name="TableStyleLight1", showRowStripes=False)
    # Named here, since openpyxl adds filter buttons to columns that it names itself: a row that a
    # filter hides would still be read.
    for number, heading_text in enumerate(headings, start=1):
        table.tableColumns.append(TableColumn(id=number, name=heading_text))
    page.sheet.add_table(table)


def write_assumptions(book: Book, content: TemplateContent, lists: Mapping[str, str]) -> None:
    """Write every dated value of every term that the contract's rules read."""
    sheet = TableSheet(book, ASSUMPTIONS_TABLE, lists)
    national = [term for term in content.terms if content.is_national(term)]
    sheet.write_head(_where_national_begin(national))
    rows = _write_terms(sheet, content)
    last = sheet.row - 1
    sheet.write_spare_rows()
    sheet.allow_fields(but=FIGURES)
    for term, first, end in rows:
        _allow_figures(sheet, term, first, end)
    for heading in FIGURES:
        sheet.allow_field(heading, last + 1)
    sheet.finish("Source")


def _where_national_begin(national: list[Term]) -> str:
    """Which rows are green, in words."""
    if not national:
        return "All are the contract's own (yellow)."
    return (
        "First the contract's own (yellow); then, from "
        f"{national[0].name} on, national figures as published (green)."
    )


def _write_terms(sheet: TableSheet, content: TemplateContent) -> list[tuple[Term, int, int]]:
    rows = []
    for term in content.terms:
        fill = "given" if content.is_national(term) else "input"
        first = sheet.row
        for value in term.values:
            cells = {"Term": term.name, "What it is": term.title, "Unit": term.unit}
            sheet.write_row({**cells, **_cells_of(term, value)}, fill, format_for(term.unit))
        rows.append((term, first, sheet.row - 1))
    return rows


def _cells_of(term: Term, value: DatedValue) -> dict[str, object]:
    """A dated value as the cells of a row."""
    return {
        "From": value.start,
        "Value": _figure(term, value),
        "Low": value.low,
        "High": value.high,
        "Source": value.source,
        "Assumption": value.assumption,
        "Owner": value.owner,
        "Agreed": _date_or_text(value.agreed),
        "Signed off": value.signed_off,
        "Note": value.note,
    }


def _figure(term: Term, value: DatedValue) -> str | float:
    """A figure as it is written: a choice by name, a fraction as text, else a number."""
    if term.choices:
        return term.choices[int(value.value)]
    return value.written if "/" in value.written else value.value


def _date_or_text(text: str) -> str | dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return text


def _allow_figures(sheet: TableSheet, term: Term, first: int, last: int) -> None:
    """Let a term's rows take what may be its values, and what they may well lie between."""
    figure = entry_of_figure(term, at(first, sheet.number_of["Value"]))
    sheet.allow("Value", figure, first, last)
    asked = "Between which the figure may well lie; for the sensitivity"
    sheet.allow("Low", number_entry(asked, term.least, term.most), first, last, to="High")


def write_scenarios(book: Book, content: TemplateContent, lists: Mapping[str, str]) -> None:
    """Write each scenario with the terms that it changes."""
    sheet = TableSheet(book, SCENARIOS_TABLE, lists)
    sheet.write_head("A row for each figure that a scenario changes; one row if it changes none.")
    blocks = []
    for scenario in content.model.scenarios.values():
        head: dict[str, object] = {"Scenario": scenario.name, "Title": scenario.title, "Run": YES}
        if not scenario.terms:
            sheet.write_row(head)
        for term in scenario.terms.values():
            first = sheet.row
            for value in term.values:
                cells = {"Scenario": scenario.name, "Term": term.name, **_cells_of(term, value)}
                sheet.write_row({**cells, **head}, "input", format_for(term.unit))
                head = {}
            blocks.append((term, first, sheet.row - 1))
    last = sheet.row - 1
    sheet.write_spare_rows()
    sheet.allow_fields(but=FIGURES)
    for term, first, end in blocks:
        _allow_figures(sheet, term, first, end)
    for heading in FIGURES:
        _allow_others(sheet, heading, [(first, end) for _, first, end in blocks], last)
    sheet.finish("Source")


def _allow_others(sheet: TableSheet, heading: str, taken: list[tuple[int, int]], last: int) -> None:
    """Let the rows of a column that have no term take what its field says."""
    column = sheet.number_of[heading]
    begins = sheet.first
    for first, end in [*taken, (last + 1, MOST_ROWS)]:
        if begins < first:
            entry = entry_of_field(sheet.table[heading], at(begins, column), sheet.lists)
            sheet.allow(heading, entry, begins, first - 1)
        begins = end + 1
    sheet.allow_field(heading, last + 1)


def write_contracts(book: Book, content: TemplateContent, lists: Mapping[str, str]) -> None:
    """Write what is agreed with single practices, if anything is."""
    sheet = TableSheet(book, CONTRACTS_TABLE, lists)
    sheet.write_head(
        "Give a value or a schedule. For example: EX001, premium_share_retained, 1 Apr 2016, "
        "no value, five-equal-years, An exceptional case."
    )
    for name, by_practice in content.model.practice_terms.items():
        term = content.model.terms[name]
        for code, values in by_practice.items():
            for value in values:
                cells = {"Practice": code, "Term": name, **_cells_of(term, value)}
                sheet.write_row(cells, "input", format_for(term.unit))
    sheet.write_spare_rows()
    sheet.allow_fields(but=("Practice",))
    codes = f"Practices!$A${PRACTICE_HEADING_ROW + 1}:$A${MOST_ROWS}"
    asked = f"{sheet.table['Practice'].help}."
    refused = "This is the code of a practice of the sheet Practices."
    sheet.allow("Practice", Entry("list", codes, "", asked, refused), sheet.first)
    sheet.finish()
