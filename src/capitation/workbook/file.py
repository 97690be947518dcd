"""A finished book becomes a file: all of it under its name, or nothing."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

from capitation.files import written_beside
from capitation.workbook.page import Book
from capitation.workbook.saved_values import save_with_values


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


def save_book(book: Book, path: Path) -> None:
    """Write a book beside its place and rename it, so that a failure leaves nothing half done.

    Raises
    ------
    InputError
        If nothing can be written there, or the file is open in another program.
    """
    plain = io.BytesIO()
    book.workbook.save(plain)
    with written_beside(path) as file:
        save_with_values(plain, file, book.values, book.descriptions)
