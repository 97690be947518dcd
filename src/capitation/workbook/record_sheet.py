"""The sheet with the record of a run, from which it can be done again; and reading it back."""

from __future__ import annotations

import io
from collections.abc import Iterable
from itertools import takewhile
from pathlib import Path
from typing import Any

import openpyxl
import xarray as xr

from capitation.errors import InputError, Problem
from capitation.runs.record import pack, unpack
from capitation.sources.workbook_package import open_package
from capitation.workbook.content import Content
from capitation.workbook.cover import write_pairs
from capitation.workbook.page import Book, Page

SHEET = "Run record"
PACKED = "The run, packed"
_WHY = (
    "From these texts `capitation verify`, `capitation explain` and `capitation compare` do the "
    "run again. Do not edit them."
)
_NO_BOOK = "give a workbook that capitation has written: capitation run … --output FILE.xlsx"


def write_run_record(page: Page, content: Content, checks: int) -> None:
    """Write what was run, in words, and under it the record from which it can be done again.

    Parameters
    ----------
    page : Page
        The sheet `SHEET` of a book all of whose other sheets stand, so that formulas are counted.
    content : Content
    checks : int
        How many checks the book has.
    """
    page.widths(26, 100)
    page.text(1, 1, "Run record: what was run, and all that it needs to be run again", bold=True)
    row = write_pairs(page, 3, "In words", [*_in_words(page.book, content, checks)])
    page.text(row + 1, 1, PACKED, bold=True)
    page.text(row + 2, 1, _WHY)
    for number, text in enumerate(pack(content.result), start=row + 3):
        page.text(number, 1, text)


def _in_words(book: Book, content: Content, checks: int) -> Iterable[tuple[str, str]]:
    attributes = content.result.attrs
    first, last = content.months[0], content.months[-1]
    yield "Model", attributes["model"]
    yield "Title", attributes["title"]
    yield "Made with", f"capitation {attributes['capitation_version']}"
    yield "Months", f"{len(content.months)}: {first:%B %Y} to {last:%B %Y}"
    for scenario in content.scenarios:
        yield "Scenario", f"{scenario}: {content.scenario_titles[scenario]}"
    yield "Commissioners", str(len(content.commissioners))
    yield "Practices", str(len(content.codes))
    yield "Practices' file", attributes["practices_source"]
    yield "Its SHA-256", attributes["practices_sha256"] or "none: not a file"
    yield "Its fiscal year", attributes["base_fiscal_year"]
    yield "Random numbers", "none: a projection takes the mean of what is drawn in a simulation"
    yield "Rules and totals", str(len(content.graph.nodes))
    yield "Inputs and terms", str(len(content.graph.leaves))
    yield "Live formulas", f"{book.formulas:,}"
    yield "Checks", str(checks)


def read_record(path: str | Path) -> xr.Dataset:
    """The result that a workbook was written from, its rules run again.

    Parameters
    ----------
    path : str or Path
        A workbook that `write_workbook` wrote, perhaps edited and saved since.

    Returns
    -------
    xarray.Dataset
        Identical to the result that the workbook was written from, whatever was edited in it.

    Raises
    ------
    InputError
        If it is no such workbook, or its record is damaged or of another version.
    """
    path = Path(path)
    package = open_package(path)
    if SHEET not in package.sheets:
        raise InputError(Problem(path.name, f"there is no sheet {SHEET!r}", _NO_BOOK))
    book = openpyxl.load_workbook(io.BytesIO(package.content), read_only=True)
    try:
        rows = [*book[SHEET].iter_rows(max_col=1, values_only=True)]
    except Exception as error:  # whatever a damaged part makes the reader raise
        raise InputError(Problem(path.name, f"cannot be read: {error}", _NO_BOOK)) from error
    finally:
        book.close()
    return record_in((row[0] if row else None for row in rows), path.name)


def record_in(column: Iterable[Any], file: str) -> xr.Dataset:
    """The result that the first column of the sheet records.

    Raises
    ------
    InputError
        If there is no record in it, or a damaged one.
    """
    cells = iter(column)
    for cell in cells:
        if cell == PACKED:
            break
    next(cells, None)
    texts = takewhile(lambda text: text not in (None, ""), cells)
    return unpack([str(text) for text in texts], f"{file}, sheet {SHEET!r}")
