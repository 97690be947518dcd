"""Write a result as a workbook of live formulas, with the kernel's values saved beside them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import xarray as xr

from capitation.errors import raise_if_any
from capitation.files import path_problems
from capitation.projection import whole
from capitation.workbook.budget_charts import write_budget_sheets
from capitation.workbook.calculation import Calculation
from capitation.workbook.calendar_tie import write_payment_calendar
from capitation.workbook.checks import failed
from capitation.workbook.content import Content
from capitation.workbook.cover import write_cover, write_sources
from capitation.workbook.file import Written, save_book
from capitation.workbook.gains import GainsSheet
from capitation.workbook.layout import Layout
from capitation.workbook.one_practice.sheet import OnePractice
from capitation.workbook.page import Book
from capitation.workbook.premium import PremiumSheet
from capitation.workbook.premium_charts import write_premium_charts
from capitation.workbook.record_sheet import SHEET as RECORD
from capitation.workbook.record_sheet import write_run_record
from capitation.workbook.settlement import Settlement
from capitation.workbook.size import Form, form_of, mark_values, words_of, write_figures
from capitation.workbook.story.sheets import StorySheets
from capitation.workbook.summary import Summary
from capitation.workbook.terms_sheets import TermsSheet, write_base_year


def write_workbook(
    result: xr.Dataset,
    path: str | Path,
    *,
    live: str = "auto",
    progress: Callable[[str], None] | None = None,
) -> Written:
    """Write a result as a workbook: every figure a live formula, its value saved beside it.

    Parameters
    ----------
    result : xarray.Dataset
        From `project`, with all its variables.
    path : str or Path
        An .xlsx file. It is written beside and renamed, so that a failure leaves nothing half done.
    live : {"auto", "all", "one"}
        Whether the figures of every practice are formulas, or those of one practice at a time,
        which is chosen in the workbook, and values elsewhere. Left to the library, every
        practice's are, unless there are too many.
    progress : callable, optional
        Told in a word or two what is being written.

    Returns
    -------
    Written

    Raises
    ------
    InputError
        If the path is not of an .xlsx file in a folder that exists, the file is open in another
        program, or the result is too large for live formulas. Nothing is written then.
    """
    path = Path(path)
    raise_if_any(path_problems(path))
    content = Content(whole(result).assign_attrs(live=live))
    if form_of(content, live) is Form.SUMMARIES_ONLY:
        write_figures(content.result, path)
    book, summary = written_book(content, progress)
    if progress:
        progress("saving")
    save_book(book, path)
    return Written(path, book.formulas, len(summary.checks), failed(summary.checks))


def written_book(
    content: Content, progress: Callable[[str], None] | None = None
) -> tuple[Book, Summary]:
    """A result as a book that is not saved yet, and its summary, which has the checks.

    Parameters
    ----------
    content : Content
        Of a result whose attribute ``live`` says which figures are formulas.
    progress : callable, optional
        Told the title of each sheet that is begun.

    Returns
    -------
    Book, Summary
    """
    layout = Layout(content)
    form = form_of(content, content.result.attrs.get("live", "auto"))
    all_live = form is Form.ALL_LIVE
    book = Book(progress=progress, live=all_live)
    book.workbook.properties.title = content.result.attrs["title"]
    book.workbook.properties.creator = "capitation"
    cover = book.page("Cover")
    summary = Summary(book, layout)
    story = StorySheets(summary)
    summary.write()
    summary.write_by_practice()
    if len(content.commissioners) > 1:
        summary.write_by_commissioner()
    one = None
    if not all_live:
        one = OnePractice(summary, by_month=form.by_month)
        summary.checks += one.checks()
    settlement = Settlement(summary)
    if settlement.wanted:
        settlement.write()
    premium = PremiumSheet(summary)
    if premium.wanted:
        write_premium_charts(premium)
    write_budget_sheets(summary)
    gains = GainsSheet(summary)
    if gains.wanted:
        gains.write()
        gains.check()
    calendar = write_payment_calendar(summary)
    story.write()
    calculated = layout.calculation_sheets()
    summary.write_checks(() if form.by_month else calculated)
    terms = TermsSheet(book, content)
    terms.write()
    story.write_assumptions(terms)
    base_cells = write_base_year(book, content, terms)
    calculation = Calculation(book, layout)
    calculation.write_months(terms, base_cells)
    calculation.write_entities("Practices")
    calculation.write_entities("Commissioners")
    for title in calculated if form.by_month else ():
        calculation.write_blocks(title, terms)
    if one is not None:
        one.write(terms)
        mark_values(book)
    book.live = True
    write_sources(book, content)
    record = book.page(RECORD)
    write_cover(cover, content, summary, calendar, story, words_of(form, content))
    write_run_record(record, content, len(summary.checks))
    return book, summary
