"""A finished book becomes a file: all of it under its name, or nothing."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from capitation.errors import InputError, Problem
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


def path_problems(path: Path) -> Iterator[Problem]:
    """Why no workbook can be written to a path, as far as that can be said before it is made."""
    if path.suffix.lower() != ".xlsx":
        yield Problem(str(path), "is not the name of a workbook", "end it in .xlsx")
    elif not path.parent.is_dir():
        yield Problem(str(path), "its folder does not exist", f"make {path.parent} first")
    elif path.is_dir():
        yield Problem(str(path), "is a folder", "give the name of a file")


def save_book(book: Book, path: Path) -> None:
    """Write a book beside its place and rename it, so that a failure leaves nothing half done.

    Raises
    ------
    InputError
        If nothing can be written there, or the file is open in another program.
    """
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
            save_with_values(plain, file, book.values, book.descriptions)
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
