"""The accessible tables of a result: one table a sheet, plain, as the Analysis Function asks."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import xarray as xr
from openpyxl.styles import Alignment, Font, NamedStyle
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.table import Table as MarkedTable
from openpyxl.worksheet.table import TableColumn

from capitation.errors import raise_if_any
from capitation.files import path_problems
from capitation.tables.checks import all_agree
from capitation.tables.facts import Facts, about_run
from capitation.tables.of_result import tables_of
from capitation.tables.table import (
    COUNT,
    DATE,
    FIGURE,
    LIST,
    MONTH,
    POUNDS,
    RATE,
    SHARE,
    TEXT,
    THOUSANDS,
    Cell,
    Column,
    Table,
    marked,
    numbered_notes,
)
from capitation.workbook.file import Written, save_book
from capitation.workbook.page import FORMATS, Book, Page, quoted

COVER, CONTENTS, NOTES = "Cover", "Contents", "Notes"
ONE_TABLE = "This worksheet contains one table."
WHOLE_RUN = "The whole run"

_FORMS = {
    TEXT: "text",
    POUNDS: "money",
    THOUSANDS: "pounds",
    RATE: "money",
    LIST: "list",
    COUNT: "pounds",
    SHARE: "share",
    FIGURE: "number",
    DATE: "date",
    MONTH: "month",
}
_LETTERS = {"title": 16, "heading": 14, "plain": 12, "link": 12}
"""Sizes in points: none is smaller than twelve."""

_POINTS_A_LINE = 15.75
_NARROWEST = 14
_WIDEST = ((3, 100), (6, 60), (99, 36))
"""The widest a column of texts may be, in characters, by how many columns a table has at most."""
_WIDE = 110
"""The width of a sheet that is all text."""
_OF_ROOM = 1.1
"""Letters of twelve points are wider than the digits in which widths are measured."""


class PlainBook(Book):
    """A book whose cells have no fills and no borders, in letters of twelve points or more."""

    def page(self, title: str) -> Page:
        """Add a sheet at the end, with its grid shown and nothing frozen."""
        page = super().page(title)
        page.sheet.sheet_view.showGridLines = True
        return page

    def style(self, fill: str, form: str, bold: bool, wrap: bool) -> str:
        """Name of the style with this look; a fill is only a word for how large letters are."""
        key = (fill, form, bold, wrap)
        if key not in self.styles:
            name = f"{fill} {form}{' bold' if bold else ''}{' wrap' if wrap else ''}"
            style = NamedStyle(name, number_format=FORMATS[form])
            style.font = Font(
                name="Arial",
                size=_LETTERS[fill],
                bold=bold or fill in ("title", "heading"),
                underline="single" if fill == "link" else None,
            )
            indented = form == "indented"
            across = "right" if form == "right" else "left" if indented else None
            style.alignment = Alignment(
                horizontal=across, vertical="top", wrap_text=wrap, indent=int(indented)
            )
            self.workbook.add_named_style(style)
            self.styles[key] = name
        return self.styles[key]


def write_tables(result: xr.Dataset, path: str | Path) -> Written:
    """Write a result as a workbook of accessible tables: values, no formulas, one table a sheet.

    Parameters
    ----------
    result : xarray.Dataset
        From `project`; one scenario or several may have been selected.
    path : str or Path
        An .xlsx file. It is written beside and renamed, so that a failure leaves nothing half done.

    Returns
    -------
    Written
        With no formulas; its checks are those of the sheet Checks.

    Raises
    ------
    InputError
        If the path is not of an .xlsx file in a folder that exists, the file is open in another
        program, or the result is no whole one of `project`. Nothing is written then.

    Notes
    -----
    The sheets are Cover, Contents, one for each table of `tables_of`, and Notes. Each is made for
    a screen reader and for a program: a title that describes, one row of headings with units, no
    merged cells, fills, filters, frozen panes or hidden rows, no blank rows, and a sentence that
    says why cells are blank, where some are.
    """
    path = Path(path)
    raise_if_any(path_problems(path))
    tables = tables_of(result)
    book = _book(Facts(result), tables)
    save_book(book, path)
    checks = next(table for table in tables if table.sheet == "Checks")
    wrong = 0 if all_agree(checks) else checks.column("Verdict").count("differs")
    return Written(path, 0, len(checks.rows), wrong)


def _book(facts: Facts, tables: Sequence[Table]) -> PlainBook:
    book = PlainBook(live=False)
    properties, attributes = book.workbook.properties, facts.result.attrs
    properties.title = f"{attributes['title']}: tables"
    properties.creator, properties.language = "capitation", "en-GB"
    properties.subject = attributes["purpose"].strip()[:255]
    numbers = numbered_notes(tables)
    notes = _notes_table(facts, tables, numbers)
    every = [*tables, *([notes] if notes else [])]
    _write_cover(book, facts)
    _write_table(book, _contents(every), {}, links=True)
    for table in every:
        _write_table(book, table, numbers)
    return book


# ------------------------------------------------------------------ a table


def _write_table(
    book: PlainBook, table: Table, numbers: dict[str, int], *, links: bool = False
) -> None:
    """Write a sheet: title, sentences, and the table, which is marked as one."""
    page = book.page(table.sheet)
    page.text(1, 1, marked(table.title, table.notes, numbers), "title")
    sentences = [ONE_TABLE, *table.about, *([table.blanks] if table.blanks else [])]
    if table.all_notes:
        sentences.append(f"Notes are in the worksheet {NOTES}, by their numbers.")
    for row, sentence in enumerate(sentences, start=2):
        page.text(row, 1, sentence)
    top = len(sentences) + 2
    headings = [marked(of.title, [of.note], numbers) for of in table.columns]
    widths = _widths(table, headings)
    forms = _forms_of_words(table.columns)
    page.widths(*widths)
    page.sheet.row_dimensions[1].height = 2 * _POINTS_A_LINE
    for number, (heading, form) in enumerate(zip(headings, forms, strict=True), start=1):
        page.text(top, number, heading, bold=True, wrap=True, form=form)
    _fit(page, top, headings, widths)
    for row, cells in enumerate(table.rows, start=top + 1):
        _write_row(page, row, table.columns, cells, forms)
        words = [(of, w) for of, w in zip(cells, widths, strict=True) if isinstance(of, str)]
        _fit(page, row, [text for text, _ in words], [width for _, width in words])
    _mark(page, table.name, headings, top, top + len(table.rows))
    if links:
        _link(page, top + 1, table.column(table.columns[0].title))


def _forms_of_words(columns: Sequence[Column]) -> list[str]:
    """How words stand: to the right over figures, and apart from figures at their left."""
    befores = [TEXT, *(column.kind for column in columns)]
    return [
        "right" if column.kind != TEXT else "text" if before == TEXT else "indented"
        for before, column in zip(befores, columns, strict=False)
    ]


def _write_row(
    page: Page, row: int, columns: Sequence[Column], cells: Sequence[Cell], forms: Sequence[str]
) -> None:
    for number, (column, cell, form) in enumerate(zip(columns, cells, forms, strict=True), start=1):
        if isinstance(cell, str):
            page.text(row, number, cell, wrap=True, form=form)
        elif cell is not None:
            page.number(row, number, cell, _FORMS[column.kind], "plain")


def _fit(page: Page, row: int, texts: Sequence[str], widths: Sequence[float]) -> None:
    """Make a row as high as its longest text."""
    lines = [_lines(text, width) for text, width in zip(texts, widths, strict=True)]
    page.sheet.row_dimensions[row].height = _POINTS_A_LINE * max([1, *lines])


def _lines(text: str, width: float) -> int:
    """How many lines a text takes: words are kept whole, so that a little more than its letters."""
    return sum(math.ceil(max(1, len(line)) * _OF_ROOM / width) for line in text.split("\n"))


def _widths(table: Table, headings: Sequence[str]) -> list[float]:
    """Wide enough for the longest word of a heading, and for figures; texts are wrapped."""
    widest = next(width for most, width in _WIDEST if len(table.columns) <= most)
    widths = []
    for heading, column in zip(headings, table.columns, strict=True):
        needed = max(len(word) for word in heading.split()) * 1.3
        if column.kind == TEXT:
            longest = max(len(str(cell or "")) for cell in table.column(column.title)) * 1.25
            needed = max(needed, min(widest, longest))
        else:
            figures = (cell for cell in table.column(column.title) if isinstance(cell, int | float))
            longest = max((len(f"{figure:,.2f}") for figure in figures), default=0) * 1.3
            needed = max(needed, longest, len(heading) / 2)
        widths.append(max(_NARROWEST, needed))
    return widths


def _mark(page: Page, name: str, headings: Sequence[str], top: int, last: int) -> None:
    """Mark cells as a table, without the filter that would come by itself."""
    ref = f"A{top}:{get_column_letter(len(headings))}{last}"
    table = MarkedTable(displayName=name, name=name, ref=ref)
    for number, heading in enumerate(headings, start=1):
        table.tableColumns.append(TableColumn(id=number, name=heading))
    page.sheet.add_table(table)
    page.sheet.print_title_rows = f"{top}:{top}"


# ------------------------------------------------------------------ cover, contents, notes


def _write_cover(book: PlainBook, facts: Facts) -> None:
    """Write what the run is: texts under headings, all in the first column."""
    page = book.page(COVER)
    page.widths(_WIDE)
    row = 1
    for text, look in _said(facts):
        page.text(row, 1, text, look, wrap=True)
        _fit(page, row, [text], [_WIDE * 12 / _LETTERS[look]])
        row += 1


def _said(facts: Facts) -> Iterator[tuple[str, str]]:
    attributes = facts.result.attrs
    yield attributes["title"], "title"
    yield attributes["purpose"].strip() or "A projection of payments to practices.", "plain"
    prepared: dict[str, str] = json.loads(attributes.get("prepared", "{}"))
    if prepared:
        yield "Prepared", "heading"
        yield from ((f"{name}: {text}", "plain") for name, text in prepared.items() if text)
    yield "About this run", "heading"
    yield from ((f"{name}: {text}", "plain") for name, text in about_run(facts) if text)
    yield "How to read the tables", "heading"
    for sentence in (
        f"The worksheet {CONTENTS} lists the tables, with a link to each.",
        "Each worksheet contains one table, with its title in the first cell.",
        f"Numbers in square brackets, such as [note 1], refer to the worksheet {NOTES}.",
        "Figures are values, not rounded; cells show them to the penny, and nothing is hidden.",
    ):
        yield sentence, "plain"


def _contents(tables: Sequence[Table]) -> Table:
    rows = tuple((table.sheet, table.title) for table in tables)
    columns = (Column("Worksheet"), Column("What its table shows"))
    about = ("Each name of a worksheet is a link to it.",)
    return Table(CONTENTS, "Contents", columns, rows, about)


def _link(page: Page, top: int, sheets: Sequence[Cell]) -> None:
    for row, sheet in enumerate(sheets, start=top):
        page.text(row, 1, str(sheet), "link", wrap=True)
        cell = page.sheet.cell(row, 1)
        cell.hyperlink = Hyperlink(cell.coordinate, location=f"{quoted(str(sheet))}!A1")


def _notes_table(facts: Facts, tables: Sequence[Table], numbers: dict[str, int]) -> Table | None:
    """Notes of the tables by number, then those of the whole run."""
    rows: list[tuple[Cell, ...]] = [
        (number, note, ", ".join(table.sheet for table in tables if note in table.all_notes))
        for note, number in numbers.items()
    ]
    for name in ("notes", "input_notes"):
        for note in json.loads(facts.result.attrs.get(name, "[]")):
            rows.append((len(rows) + 1, note, WHOLE_RUN))
    if not rows:
        return None
    columns = (Column("Note", COUNT), Column("What it says"), Column("Where it applies"))
    return Table(NOTES, "Notes: what a reader must know", columns, tuple(rows))
