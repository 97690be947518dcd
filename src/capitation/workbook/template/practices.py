"""The template's sheet of practices: titles and units over the library's names, a row for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from openpyxl.styles import Alignment

from capitation.errors import NAMED
from capitation.inputs.layout import PRACTICES_TABLE
from capitation.sources.workbook_limits import MOST_ROWS
from capitation.workbook.page import Book, at, format_for
from capitation.workbook.template.content import PracticeColumn, TemplateContent
from capitation.workbook.template.entry import Entry, entry_of_field, number_entry
from capitation.workbook.template.tables import (
    HINT_ROW,
    LETTERS_BETWEEN_MARGINS,
    PRACTICE_HEADING_ROW,
    SPARE_ROWS,
    mark_table,
    narrow_margins,
    write_heading,
)

_TITLES, _UNITS = PRACTICE_HEADING_ROW - 2, PRACTICE_HEADING_ROW - 1
_WIDTHS = {"practice": 15.0, "practice_name": 32.0}
_LEAST_WIDTH, _MOST_WIDTH = 16.0, 44.0
_SCALE = 58


class PracticesSheet:
    """The sheet of practices: titles and units over the library's names, and a row for each."""

    def __init__(self, book: Book, content: TemplateContent, lists: Mapping[str, str]):
        self.content = content
        self.columns = content.columns
        self.lists = dict(lists)
        self.page = book.page(PRACTICES_TABLE.sheet)
        self.first = PRACTICE_HEADING_ROW + 1

    def write(self) -> None:
        """Write the sheet."""
        page = self.page
        page.text(1, 1, PRACTICES_TABLE.sheet, bold=True)
        page.text(2, 1, PRACTICES_TABLE.purpose)
        page.text(HINT_ROW, 1, self._hint())
        page.widths(*map(_width, self.columns))
        for number, column in enumerate(self.columns, start=1):
            self._write_head(number, column)
        titles = [(column.title, page.width(n)) for n, column in enumerate(self.columns, start=1)]
        page.fit_height(_TITLES, titles)
        row = self.first
        for cells in self.content.rows():
            self._write_row(row, cells)
            row += 1
        for _ in range(SPARE_ROWS):
            self._write_row(row, [None] * len(self.columns))
            row += 1
        self._finish(row - 1)

    def _hint(self) -> str:
        needed = [c.name for c in self.columns if c.field.required]
        return (
            "The last heading, the library's name, tells columns apart: they may stand in any "
            f"order. Always needed: {', '.join(needed[:NAMED])}; and what is not marked otherwise."
        )

    def _write_head(self, number: int, column: PracticeColumn) -> None:
        over = "right" if column.is_number else "left"
        for row, text in ((_TITLES, column.title), (_UNITS, column.unit)):
            self.page.text(row, number, text, "block", wrap=True)
            indent = int(column.is_number)
            self.page.sheet.cell(row, number).alignment = Alignment(
                horizontal=over, vertical="top", wrap_text=True, indent=indent
            )
        write_heading(self.page, PRACTICE_HEADING_ROW, number, column.name, over=over)

    def _write_row(self, row: int, cells: list[str | float | None]) -> None:
        for number, (column, value) in enumerate(zip(self.columns, cells, strict=True), start=1):
            form = format_for(column.unit) if column.is_number else "text"
            form = "pounds" if form == "money" and _is_whole(value) else form
            if isinstance(value, str) and value:
                self.page.text(row, number, value, "input")
            elif isinstance(value, float):
                self.page.number(row, number, value, form)
            else:
                self.page.book.dress(self.page.sheet.cell(row, number), "input", form)

    def _finish(self, last: int) -> None:
        page, rows = self.page, PRACTICE_HEADING_ROW
        for number, column in enumerate(self.columns, start=1):
            cells = f"{at(self.first, number)}:{at(MOST_ROWS, number)}"
            self._entry(column, at(self.first, number)).on(page.sheet, cells, column.name)
        mark_table(page, PRACTICES_TABLE.sheet, rows, last, [c.name for c in self.columns])
        page.sheet.freeze_panes = at(self.first, 3)
        page.print_by_block(f"{_TITLES}:{rows}", 2, _SCALE, self._first_of_pages())
        narrow_margins(page)

    def _first_of_pages(self) -> list[int]:
        """Columns with which a page begins, beside those that stand on every page."""
        room = 100 * LETTERS_BETWEEN_MARGINS / _SCALE - sum(_WIDTHS.values())
        starts, taken = [3], 0.0
        for number, column in enumerate(self.columns[2:], start=3):
            if taken + _width(column) > room:
                starts.append(number)
                taken = 0.0
            taken += _width(column)
        return starts

    def _entry(self, column: PracticeColumn, cell: str) -> Entry:
        """What may be entered in a column."""
        if column.name == "practice":
            codes = f"$A${self.first}:$A${MOST_ROWS}"
            test = f'AND(COUNTIF({codes},{cell})=1,ISERROR(FIND(" ",{cell})))'
            refused = "A practice's code stands in one row only, and there are no blanks in it."
            return Entry("custom", test, "", f"{column.asked}.", refused)
        if not column.is_number:
            return entry_of_field(column.field, cell, self.lists)
        entry = number_entry(column.asked, column.least, column.most)
        return replace(entry, asked=column.asked)


def _is_whole(value: str | float | None) -> bool:
    return value is None or (isinstance(value, float) and value.is_integer())


def _width(column: PracticeColumn) -> float:
    """Wide enough for the library's name, which does not break."""
    wide = 1.1 * len(column.name) + 3
    return _WIDTHS.get(column.name, min(_MOST_WIDTH, max(_LEAST_WIDTH, wide)))
