"""Write the input workbook that a finance team fills in: `capitation template`."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from openpyxl.styles import Alignment, Protection

from capitation.errors import raise_if_any
from capitation.example import example_columns
from capitation.files import path_problems
from capitation.inputs.layout import (
    ASSUMPTIONS,
    CONTRACTS,
    COVER_FIELDS,
    LISTS,
    MODEL,
    MONTHS,
    NOTES,
    NOTES_FROM,
    ORGANISATION,
    PRACTICES,
    PURPOSE,
    SCENARIOS,
    START,
    TITLE,
    YEAR,
    Field,
)
from capitation.model import Model
from capitation.practices import check_practices
from capitation.sources.workbook_limits import MOST_ROWS
from capitation.workbook.file import save_book
from capitation.workbook.page import Book, Page
from capitation.workbook.template.content import (
    PracticeTable,
    TemplateContent,
    check_blank,
    plain_table,
    practice_table,
)
from capitation.workbook.template.entry import Entry, entry_of_field, whole_entry
from capitation.workbook.template.lists import protect, ranges_of_lists, write_lists
from capitation.workbook.template.practices import PracticesSheet
from capitation.workbook.template.tables import (
    write_assumptions,
    write_contracts,
    write_scenarios,
)

if TYPE_CHECKING:
    import xarray as xr

FIRST_FIELD = 6
"""Row of the cover at which what is filled in begins."""

LONGEST_RUN = 600
"""Months: fifty years."""

_STEPS_IN_ORDER = 3
_NOTES = 24
_FORMS = {"date": "date", "month": "date", "number": "whole"}

KEY = (
    ("input", "Input", "Yellow: fill it in, or change it."),
    ("given", "Given", "Green: filled in already, from a published source. Change it with care."),
)

ABOUT = {
    ASSUMPTIONS: "Every dated figure of the contract, with its source or assumption. Change them.",
    PRACTICES: "A row for each practice: its lists and payments of the base year. Paste yours.",
    CONTRACTS: "What is agreed with single practices. It may be empty.",
    SCENARIOS: "What each scenario changes, and whether it is run.",
    LISTS: "What the drop-downs offer, and the sources that figures cite.",
    NOTES: "Whatever else a reader of the budget should know.",
}


def write_template(
    path: str | Path,
    model: Model | str | Path = "bolton-quality-contract",
    *,
    practices: xr.Dataset | None = None,
    blank: bool = False,
    count: int | None = None,
) -> Path:
    """Write an input workbook: a contract's assumptions and scenarios, and practices to fill in.

    Parameters
    ----------
    path : str or Path
        An .xlsx file. It is written beside and renamed.
    model : Model, str or Path
        A contract, the name of a shipped one, or the path of a .toml file, which stays beside the
        workbook. Figures of a contract that was changed are written as they are.
    practices : xarray.Dataset, optional
        The base year, as `read_payments` gives it; invented practices if left out.
    blank : bool
        Whether practices and cover are left empty.
    count : int, optional
        Only the first so many practices.

    Returns
    -------
    Path
        Where it was written.

    Raises
    ------
    InputError
        If nothing can be written there, there is no such contract or not so many practices,
        practices' data are wrong, or are given for a blank template.

    Notes
    -----
    Cells are not protected but on the cover and the lists: in a protected table no row can be
    pasted, and what is pasted from elsewhere would be locked from then on.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_template(Path(folder) / "mine.xlsx", "uniting-care", blank=True).name
    'mine.xlsx'
    """
    path = Path(path)
    raise_if_any(path_problems(path))
    check_blank(blank, practices, count)
    content = template_content(path, model, practices=practices, blank=blank, count=count)
    save_template(content, path)
    return path


def template_content(
    path: Path,
    model: Model | str | Path,
    *,
    practices: xr.Dataset | None = None,
    blank: bool = False,
    count: int | None = None,
) -> TemplateContent:
    """What such a workbook is filled with: see `write_template`."""
    table = None
    if practices is not None:
        check_practices(practices)
        table = practice_table(practices, count)
    elif not blank:
        table = _table_of_example(count)
    return TemplateContent(model, table, path.parent)


def _table_of_example(count: int | None) -> PracticeTable:
    """The invented practices, without the libraries that a Dataset needs."""
    columns, attributes = example_columns()
    return plain_table(columns, attributes["fiscal_year"], count, is_example=True)


def save_template(content: TemplateContent, path: Path) -> None:
    """Write the workbook that holds a content."""
    book = Book()
    book.workbook.properties.title = TITLE
    book.workbook.properties.creator = "capitation"
    lists = ranges_of_lists(content)
    cover = book.page("Cover")
    write_assumptions(book, content, lists)
    PracticesSheet(book, content, lists).write()
    write_contracts(book, content, lists)
    write_scenarios(book, content, lists)
    write_lists(book, content)
    _write_notes(book, content)
    _write_cover(cover, content, lists, path.name)
    save_book(book, path)


def _write_cover(page: Page, content: TemplateContent, lists: dict[str, str], name: str) -> None:
    page.widths(30, 44, 84)
    page.text(1, 1, TITLE, bold=True)
    page.text(2, 1, content.model.title)
    page.text(3, 1, f"Fill in the yellow cells and save. Then: capitation check {name}")
    page.headings(FIRST_FIELD - 1, 1, ["Label", "Filled in", "What is wanted"])
    filled = _filled(content)
    row = FIRST_FIELD
    for field in COVER_FIELDS:
        page.text(row, 1, field.heading)
        answer = filled.get(field.heading)
        _write_answer(page, row, field, answer)
        page.text(row, 3, field.help, wrap=True)
        if isinstance(answer, str):
            page.fit_height(row, [(answer, page.width(2))])
        _entry_on_cover(field, f"B{row}", lists).on(page.sheet, f"B{row}", field.heading)
        row += 1
    row = _write_key(page, row + 1)
    row = _write_sheets(page, row + 1)
    _write_steps(page, row + 1, name)
    protect(page)


def _filled(content: TemplateContent) -> dict[str, str | float | dt.date]:
    """What stands on the cover: nothing but the contract's own where there are no practices."""
    model = content.model
    filled: dict[str, str | float | dt.date] = {MODEL: content.named}
    filled |= {START: model.start, MONTHS: float(model.months)}
    practices = content.practices
    if practices is None:
        return filled
    filled[YEAR] = practices.fiscal_year
    if practices.organisation:
        filled[ORGANISATION] = practices.organisation
    if practices.is_example:
        filled[PURPOSE] = f"An example with invented practices: {model.title}"
    return filled


def _write_answer(page: Page, row: int, field: Field, value: str | float | dt.date | None) -> None:
    """Write what is filled in, or an empty cell for it; it stays open in a protected sheet."""
    form = _FORMS.get(field.kind, "text")
    if isinstance(value, str):
        page.text(row, 2, value, "input", wrap=True)
    elif value is None:
        page.book.dress(page.sheet.cell(row, 2), "input", form, wrap=form == "text")
    else:
        page.number(row, 2, value, form)
    cell = page.sheet.cell(row, 2)
    cell.protection = Protection(locked=False)
    cell.alignment = Alignment(horizontal="left", vertical="top", wrap_text=form == "text")


def _entry_on_cover(field: Field, cell: str, lists: dict[str, str]) -> Entry:
    """What may be entered in a line of the cover."""
    if field.heading == MONTHS:
        return whole_entry(field.help, 1, LONGEST_RUN)
    entry = entry_of_field(field, cell, lists)
    if field.heading == MODEL:
        # A model's own file is not in the list.
        asked = f"{field.help}. Assumptions and scenarios here are of this one."
        refused = "No contract of this name comes with capitation. Is it the name of a .toml file?"
        return replace(entry, strict=False, asked=asked, refused=refused)
    return entry


def _write_key(page: Page, row: int) -> int:
    """Write what the fills mean: fill, word and meaning; give the row after."""
    page.text(row, 1, "Key", bold=True)
    for fill, word, meaning in KEY:
        row += 1
        page.text(row, 1, word, fill)
        page.text(row, 2, meaning)
    return row + 1


def _write_sheets(page: Page, row: int) -> int:
    """Write what each sheet holds, with a link to it; give the row after."""
    page.text(row, 1, "Sheets", bold=True)
    for title, about in ABOUT.items():
        row += 1
        page.text(row, 1, title)
        page.sheet.cell(row, 1).hyperlink = f"#{title}!A1"
        page.text(row, 2, about)
    return row + 1


def _write_steps(page: Page, row: int, name: str) -> int:
    """Write what to do with the workbook; give the row after."""
    page.text(row, 1, "Steps", bold=True)
    stem = name.removesuffix(".xlsx")
    steps = (
        "Fill in the yellow cells. Every figure has a source or an assumption. Save and close.",
        f"capitation check {name}     says what is wrong, cell by cell, or that nothing is.",
        f"capitation run {name} --output {stem}-budget.xlsx     writes the budget.",
        "Rows may be pasted or inserted anywhere in a table; paste values, to keep the look.",
        "Sheets and headings keep their names. For another contract, write a template of it.",
    )
    for number, step in enumerate(steps, start=1):
        row += 1
        page.text(row, 1, f"Step {number}" if number <= _STEPS_IN_ORDER else "Take care")
        page.text(row, 2, step)
    return row + 1


def _write_notes(book: Book, content: TemplateContent) -> None:
    """Write the sheet for free text, on which the licence of the figures stands already."""
    page = book.page(NOTES)
    page.widths(100)
    page.text(1, 1, NOTES, bold=True)
    page.text(2, 1, "Whatever a reader of the budget should know, a row for each. All are shown.")
    entry = entry_of_field(Field(NOTES, "text", False, "A note in words"), "", {})
    for row in range(NOTES_FROM, NOTES_FROM + _NOTES):
        book.dress(page.sheet.cell(row, 1), "input", "text", wrap=True)
    if content.practices is not None and content.practices.licence:
        page.text(NOTES_FROM, 1, content.practices.licence, "input", wrap=True)
        page.fit_height(NOTES_FROM, [(content.practices.licence, page.width(1))])
    entry.on(page.sheet, f"A{NOTES_FROM}:A{MOST_ROWS}", NOTES)
    page.sheet.freeze_panes = f"A{NOTES_FROM}"
