"""A sheet being written: cells with their look, and the value to be saved beside each formula."""

from __future__ import annotations

import datetime as dt
import itertools
import textwrap
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, field

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell
from openpyxl.chart._chart import ChartBase
from openpyxl.styles import Alignment, Border, Font, NamedStyle, PatternFill, Side
from openpyxl.styles.cell_style import StyleArray
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.pagebreak import Break
from openpyxl.worksheet.worksheet import Worksheet

from capitation.workbook.saved_values import Value

# The fills that NHS planning templates use; the key on the cover says the same in words.
FILLS = {
    "input": "FFF2CC",
    "given": "E2EFDA",
    "calculated": "DDEBF7",
    "heading": "1F4E78",
    "block": "D9E1F2",
    "plain": "",
}
FORMATS = {
    "money": "#,##0.00",
    "price": "#,##0.00####",
    "list": "#,##0.0",
    "number": "General",
    "fraction": "0.0#####",
    "whole": "0",
    "pounds": "#,##0",
    "count": "#,##0.0",
    "grade": "0.000",
    "share": "0.0%",
    "fine share": "0.00%",
    "date": "d mmm yyyy",
    "month": "mmm yyyy",
    "text": "@",
    "indented": "@",
    "right": "@",
}
_OF_TEXT = ("text", "indented")
LONGEST_TEXT = 32_767
POINTS_A_LINE = 12.75
LETTERS_A_PAGE = 102
"""The widths of columns that a landscape page takes at full size, whatever font replaces ours."""
LEAST_SCALE = 30
"""Per cent of its size at which a sheet can still be read on paper."""
LETTERS_A_DIGIT = 1.15
"""Widths are in digits of the usual font; somewhat more letters than that find room."""


def format_for(unit: str) -> str:
    """The number format that a unit wants."""
    if unit in ("GBP", "GBP/month", "GBP/year"):
        return "money"
    if unit == "patient":
        return "list"
    return "price" if unit.startswith("GBP") else "number"


def _form_of(form: str, value: Value | dt.date) -> str:
    """A number that is not whole shows six decimals at most; General would show them all."""
    broken = form == "number" and isinstance(value, float) and not value.is_integer()
    return "fraction" if broken else form


@dataclass
class Book:
    """A workbook being written: the value beside each formula, the words with each chart."""

    workbook: Workbook = field(default_factory=Workbook)
    values: dict[str, dict[str, Value]] = field(default_factory=dict)
    descriptions: dict[str, dict[str, str]] = field(default_factory=dict)
    styles: dict[tuple[str, str, bool, bool], str] = field(default_factory=dict)
    looks: dict[tuple[str, str, bool, bool], StyleArray] = field(default_factory=dict)
    live: bool = True
    """Whether figures are formulas; if not they are values, but where a page insists."""
    progress: Callable[[str], None] | None = None
    """Told the title of each sheet that is begun."""

    def __post_init__(self) -> None:
        assert self.workbook.active is not None
        self.workbook.remove(self.workbook.active)

    def page(self, title: str) -> Page:
        """Add a sheet at the end."""
        if self.progress:
            self.progress(title)
        sheet = self.workbook.create_sheet(title)
        sheet.sheet_view.showGridLines = False
        sheet.page_setup.orientation = "landscape"
        sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
        sheet.sheet_properties.pageSetUpPr.fitToPage = True
        sheet.page_setup.fitToHeight = 0
        sheet.oddFooter.center.text = "&A, page &P of &N"
        return Page(self, sheet, self.values.setdefault(title, {}))

    def dress(
        self, cell: Cell, fill: str, form: str, *, bold: bool = False, wrap: bool = False
    ) -> None:
        """Give a cell its look."""
        key = (fill, form, bold, wrap)
        if key in self.looks:
            # By its name a style is looked for among all of them, cell by cell: two fifths of the
            # time that a large workbook takes.
            cell._style = copy(self.looks[key])
        else:
            cell.style = self.style(*key)
            self.looks[key] = copy(cell._style)

    def style(self, fill: str, form: str, bold: bool, wrap: bool) -> str:
        """Name of the style with this fill, number format, weight and wrapping."""
        key = (fill, form, bold, wrap)
        if key not in self.styles:
            name = f"{fill} {form}{' bold' if bold else ''}{' wrap' if wrap else ''}"
            style = NamedStyle(name, number_format=FORMATS[form])
            colour = "FFFFFF" if fill == "heading" else "000000"
            style.font = Font(name="Arial", size=10, bold=bold or fill == "heading", color=colour)
            if FILLS[fill]:
                style.fill = PatternFill("solid", fgColor=FILLS[fill])
            if fill in ("input", "given"):
                edge = Side(style="hair", color="808080")
                style.border = Border(edge, edge, edge, edge)
            style.alignment = Alignment(
                horizontal=_across(fill, form),
                vertical="top",
                wrap_text=wrap,
                indent=int(form == "indented"),
            )
            self.workbook.add_named_style(style)
            self.styles[key] = name
        return self.styles[key]

    @property
    def formulas(self) -> int:
        """How many formulas have been written."""
        return sum(len(values) for values in self.values.values())


def _across(fill: str, form: str) -> str | None:
    """Headings stand to the right over numbers; an indent needs a side to start from."""
    if form in ("indented", "right"):
        return "left" if form == "indented" else "right"
    return "right" if fill == "heading" and form not in _OF_TEXT else None


@dataclass
class Page:
    """One sheet, with rows and columns counted from one."""

    book: Book
    sheet: Worksheet
    values: dict[str, Value]

    @property
    def title(self) -> str:
        """The sheet's name."""
        return self.sheet.title

    def text(
        self,
        row: int,
        column: int,
        text: str,
        fill: str = "plain",
        *,
        bold: bool = False,
        wrap: bool = False,
        form: str = "text",
    ) -> None:
        """Write text, which is never taken for a formula."""
        text = ILLEGAL_CHARACTERS_RE.sub("", text)
        if len(text) > LONGEST_TEXT:
            raise ValueError(f"{self.title}: a text of {len(text)} characters is too long")
        cell = self.sheet.cell(row, column, text)
        self.book.dress(cell, fill, form, bold=bold, wrap=wrap)
        if text[:1] in ("=", "+", "-", "@"):
            cell.data_type = "s"
            cell.quotePrefix = True

    def number(
        self, row: int, column: int, value: float | dt.date, form: str, fill: str = "input"
    ) -> None:
        """Write a number or a date."""
        if isinstance(value, float) and not abs(value) < float("inf"):
            raise ValueError(f"{self.title}: {value} is not a finite number")
        cell = self.sheet.cell(row, column, value)
        self.book.dress(cell, fill, _form_of(form, value))

    def formula(
        self,
        row: int,
        column: int,
        formula: str,
        value: Value,
        form: str,
        fill: str = "calculated",
        *,
        bold: bool = False,
        live: bool = False,
    ) -> None:
        """Write a live formula, with the value that it comes to; or the value alone.

        The value stands alone where the book's figures are values and `live` does not insist.
        """
        live = live or self.book.live
        cell = self.sheet.cell(row, column, formula if live else value)
        self.book.dress(cell, fill, _form_of(form, value), bold=bold)
        if live:
            self.values[cell.coordinate] = value
        elif isinstance(value, str):
            cell.data_type = "s"

    def headings(
        self, row: int, column: int, titles: list[str], *, over_numbers: bool = False
    ) -> None:
        """Write a row of headings, to the right where numbers stand under them."""
        for offset, title in enumerate(titles):
            form = "number" if over_numbers else "text"
            self.text(row, column + offset, title, "heading", wrap=True, form=form)

    def paragraph(self, row: int, text: str, last: int) -> None:
        """Write a text across the first columns, as high as its lines."""
        self.text(row, 1, text, wrap=True)
        self.sheet.merge_cells(start_row=row, end_row=row, start_column=1, end_column=last)
        width = sum(self.width(column) for column in range(1, last + 1))
        self.fit_height(row, [(text, width)])

    def fit_height(self, row: int, texts: list[tuple[str, float]]) -> None:
        """Make a row as high as its wrapped texts, given with the widths that they have.

        A program that opens the file does not always do so by itself.
        """
        lines = (len(textwrap.wrap(text, int(width * LETTERS_A_DIGIT))) for text, width in texts)
        self.sheet.row_dimensions[row].height = POINTS_A_LINE * max(1, *lines)

    def chart(self, row: int, chart: ChartBase, text: str) -> None:
        """Place a chart at the left of a row, with what it shows said in words."""
        self.sheet.add_chart(chart, f"A{row}")
        self.book.descriptions.setdefault(self.title, {})[f"A{row}"] = text

    def width(self, column: int) -> float:
        """The width of a column, in characters."""
        return float(self.sheet.column_dimensions[get_column_letter(column)].width)

    def print_by_year(self, first: int, year_of_month: list[int]) -> None:
        """Print a sheet of months with a new page for each fiscal year, headings on every page."""
        years = itertools.pairwise(year_of_month)
        starts = [first + n for n, (before, year) in enumerate(years, start=1) if before != year]
        last = first + max(1, len(year_of_month)) - 1
        self.print_by_block("3:6", first - 1, 46, [first, *starts], last)

    def print_by_block(
        self,
        title_rows: str,
        title_columns: int,
        scale: int,
        starts: Sequence[int],
        last: int | None = None,
    ) -> None:
        """Print with a new page at each of these columns but the first, headings on every page.

        Where the last column is given, the scale is made smaller, if need be, so that the widest
        block takes one page: widths of columns must stand before.
        """
        if last is not None:
            of_titles = sum(self.width(column) for column in range(1, title_columns + 1))
            blocks = itertools.pairwise([*starts, last + 1])
            widest = max(sum(map(self.width, range(*block))) for block in blocks)
            fitting = int(100 * LETTERS_A_PAGE / (of_titles + widest))
            scale = min(scale, max(LEAST_SCALE, fitting))
        self.sheet.sheet_properties.pageSetUpPr.fitToPage = False
        self.sheet.page_setup.scale = scale
        self.sheet.print_title_rows = title_rows
        self.sheet.print_title_cols = f"A:{get_column_letter(title_columns)}"
        for start in starts[1:]:
            self.sheet.col_breaks.append(Break(id=start - 1))

    def print_in_blocks(self, last: int, starts: Sequence[int]) -> None:
        """Print one page wide, with a new page before each of these rows.

        Pages that are fitted to a width ignore such breaks, so the scale is worked out here.
        """
        width = sum(self.width(column) for column in range(1, last + 1))
        self.sheet.sheet_properties.pageSetUpPr.fitToPage = False
        self.sheet.page_setup.scale = min(100, int(100 * LETTERS_A_PAGE / width))
        for row in starts:
            self.sheet.row_breaks.append(Break(id=row - 1))

    def widths(self, *widths: float) -> None:
        """Set the widths of the first columns."""
        for number, width in enumerate(widths, start=1):
            self.sheet.column_dimensions[get_column_letter(number)].width = width


def at(row: int, column: int, *, fix_row: bool = False, fix_column: bool = False) -> str:
    """Name of a cell, such as ``F$8``.

    Examples
    --------
    >>> at(8, 6, fix_row=True)
    'F$8'
    """
    letter = get_column_letter(column)
    return f"{'$' if fix_column else ''}{letter}{'$' if fix_row else ''}{row}"


def quoted(title: str) -> str:
    """A sheet's name as a formula refers to it.

    Examples
    --------
    >>> quoted("Terms"), quoted("By practice")
    ('Terms', "'By practice'")
    """
    if title.isalnum() and not title[0].isdigit():
        return title
    return "'" + title.replace("'", "''") + "'"


def serial(day: dt.date) -> float:
    """A date as a spreadsheet counts it, in days.

    Examples
    --------
    >>> serial(dt.date(2015, 4, 1))
    42095.0
    """
    return float((day - dt.date(1899, 12, 30)).days)
