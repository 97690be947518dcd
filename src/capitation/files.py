"""A file is written whole or not at all: beside its place, then renamed."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from capitation.errors import InputError, Problem, raise_if_any

KINDS = {
    ".xlsx": "a workbook",
    ".csv": "a table",
    ".html": "a page",
    ".parquet": "a Parquet file",
    ".nc": "a netCDF file",
}
"""What a file is that is written, by the ending of its name."""


def path_problems(path: Path, ending: str = ".xlsx") -> Iterator[Problem]:
    """Why nothing can be written to a path, as far as that can be said before it is made."""
    if path.suffix.lower() != ending:
        yield Problem(str(path), f"is not the name of {KINDS[ending]}", f"end it in {ending}")
    elif not path.parent.is_dir():
        yield Problem(str(path), "its folder does not exist", f"make {path.parent} first")
    elif path.is_dir():
        yield Problem(str(path), "is a folder", "give the name of a file")
    elif not os.access(path.parent, os.W_OK):
        found = f"nothing can be written in {str(path.parent)!r}"
        yield Problem(str(path), found, "choose another folder")
    elif path.exists():
        yield from _problems_of_earlier(path)


def _problems_of_earlier(path: Path) -> Iterator[Problem]:
    """Why the file that is there cannot be replaced: another program holds it, or it is kept."""
    try:
        # To open it so changes nothing in it.
        with path.open("r+b"):
            pass
    except OSError as error:
        mend = f"if {path.name} is open in Excel, close it and run again; if it is to be kept as"
        found = f"the file cannot be written: {error.strerror or error}"
        yield Problem(str(path), found, f"{mend} it is, choose another name")


def are_one_file(one: Path, other: Path) -> bool:
    """Whether two paths lead to one file, however they are written.

    Examples
    --------
    >>> are_one_file(Path("out.xlsx"), Path("folder/../out.xlsx"))
    True
    """
    if one.exists() and other.exists():
        return one.samefile(other)
    return one.resolve() == other.resolve()


@contextmanager
def written_beside(path: Path) -> Iterator[BinaryIO]:
    """Open a file beside its place, and put it there once all is written.

    Raises
    ------
    InputError
        If nothing can be written there, or the file is open in another program.
    """
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=".part", dir=path.parent)
    except OSError as error:
        found = f"nothing can be written in {str(path.parent)!r}: {error.strerror}"
        raise InputError(Problem(str(path), found, "choose another folder")) from None
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        _copy_mode(path, beside)
        beside.replace(path)
    except OSError as error:
        found = f"the file cannot be written: {error.strerror or error}"
        mend = f"if {path.name} is open in Excel, close it and run again; or choose another name"
        raise InputError(Problem(str(path), found, mend)) from None
    finally:
        beside.unlink(missing_ok=True)


def write_csv(path: Path, heading: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    """Write a table of text, whole or not at all.

    Returns
    -------
    int
        How many rows there are under the heading.

    Raises
    ------
    InputError
        If nothing can be written there.
    """
    raise_if_any(path_problems(path, ".csv"))
    count = 0
    with (
        written_beside(path) as binary,
        io.TextIOWrapper(binary, encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(heading)
        for row in rows:
            writer.writerow(row)
            count += 1
    return count


def _copy_mode(path: Path, beside: Path) -> None:
    """Give the new file the rights of the one it replaces, or those of any new file."""
    if path.exists():
        mode = path.stat().st_mode & 0o777
    else:
        mask = os.umask(0)
        os.umask(mask)
        mode = 0o666 & ~mask
    beside.chmod(mode)
