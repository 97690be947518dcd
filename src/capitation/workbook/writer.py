"""Write a result as a workbook of live formulas, with the kernel's values saved beside them."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import xarray as xr

from capitation.errors import InputError, Problem, raise_if_any
from capitation.projection import whole
from capitation.workbook.calculation import Calculation
from capitation.workbook.content import Content
from capitation.workbook.cover import write_cover, write_sources
from capitation.workbook.layout import Layout
from capitation.workbook.page import Book
from capitation.workbook.saved_values import save_with_values
from capitation.workbook.summary import Summary
from capitation.workbook.terms_sheets import TermsSheet, write_base_year

MOST_FORMULAS = 1_000_000
"""More live formulas than this make a workbook that no spreadsheet opens with pleasure."""


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes
    ----------
    path : Path
    formulas : int
        Live formulas, each with its value.
    checks, checks_failed : int
    """

    path: Path
    formulas: int
    checks: int
    checks_failed: int


def write_workbook(result: xr.Dataset, path: str | Path) -> Written:
    """Write a result as a workbook: every figure a live formula, its value saved beside it.

    Parameters
    ----------
    result : xarray.Dataset
        From `project`, with all its variables.
    path : str or Path
        An .xlsx file. It is written beside and renamed, so that a failure leaves nothing half done.

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
    content = Content(whole(result))
    _check_size(content)
    book, summary = _written(content)
    _save(book, path)
    return Written(path, book.formulas, len(summary.checks), summary.failed)


def _written(content: Content) -> tuple[Book, Summary]:
    layout = Layout(content)
    book = Book()
    book.workbook.properties.title = content.result.attrs["title"]
    book.workbook.properties.creator = "capitation"
    cover = book.page("Cover")
    summary = Summary(book, layout)
    summary.write()
    summary.write_by_practice()
    if len(content.commissioners) > 1:
        summary.write_by_commissioner()
    summary.write_checks()
    terms = TermsSheet(book, content)
    terms.write()
    base_cells = write_base_year(book, content, terms)
    calculation = Calculation(book, layout)
    calculation.write_months(terms, base_cells)
    calculation.write_entities("Practices")
    calculation.write_entities("Commissioners")
    for title in layout.calculation_sheets():
        calculation.write_blocks(title, terms)
    write_sources(book, content)
    write_cover(cover, content, summary)
    return book, summary


def path_problems(path: Path) -> Iterator[Problem]:
    """Why no workbook can be written to a path, as far as that can be said before it is made."""
    if path.suffix.lower() != ".xlsx":
        yield Problem(str(path), "is not the name of a workbook", "end it in .xlsx")
    elif not path.parent.is_dir():
        yield Problem(str(path), "its folder does not exist", f"make {path.parent} first")
    elif path.is_dir():
        yield Problem(str(path), "is a folder", "give the name of a file")


def _check_size(content: Content) -> None:
    result = content.result
    formulas = sum(result[name].size for name in content.graph.nodes)
    if formulas > MOST_FORMULAS:
        raise InputError(
            Problem(
                "workbook",
                f"{formulas:,} live formulas, where {MOST_FORMULAS:,} is the most",
                "choose fewer commissioners, scenarios or months",
            )
        )


def _save(book: Book, path: Path) -> None:
    plain = io.BytesIO()
    book.workbook.save(plain)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=".part", dir=path.parent)
    except OSError as error:
        found = f"nothing can be written in {str(path.parent)!r}: {error.strerror}"
        raise InputError(Problem(str(path), found, "choose another folder")) from None
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            save_with_values(plain, file, book.values)
        _copy_mode(path, beside)
        beside.replace(path)
    except OSError as error:
        found = f"the file cannot be written: {error.strerror or error}"
        mend = f"if {path.name} is open in Excel, close it and run again; or choose another name"
        raise InputError(Problem(str(path), found, mend)) from None
    finally:
        beside.unlink(missing_ok=True)


def _copy_mode(path: Path, beside: Path) -> None:
    """Give the new file the rights of the one it replaces, or those of any new file."""
    if path.exists():
        mode = path.stat().st_mode & 0o777
    else:
        mask = os.umask(0)
        os.umask(mask)
        mode = 0o666 & ~mask
    beside.chmod(mode)
