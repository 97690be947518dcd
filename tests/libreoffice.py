"""LibreOffice as a second spreadsheet engine, made to recalculate what it opens.

By itself it keeps the values saved in a file, whatever the file asks for: a comparison with them
would find nothing. So it runs with a profile of its own that says to recalculate always.
"""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from capitation.workbook.page import Book

ALWAYS = """\
<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
 <item oor:path="/org.openoffice.Office.Calc/Formula/Load">
  <prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop>
 </item>
</oor:items>
"""
"""What the profile says: 0 is always, where 1 is never and 2 asks."""

LONGEST = 300
"""Seconds after which LibreOffice is taken to hang."""

Values = dict[str, dict[str, Any]]


def program() -> str:
    """Where LibreOffice is; the test is skipped, with the reason, where there is none."""
    found = shutil.which("soffice") or shutil.which("libreoffice")
    if found is None:
        reason = "LibreOffice (soffice) is not on this machine: the second engine does not run"
        print(reason)
        pytest.skip(reason)
    return found


def recalculated_by_libreoffice(paths: Sequence[Path], folder: Path) -> list[Values]:
    """Every value that LibreOffice finds in workbooks, by sheet and cell, in one go.

    Parameters
    ----------
    paths : sequence of Path
        Workbooks, whose names differ.
    folder : Path
        Where the profile and the recalculated workbooks go.
    """
    assert len({path.name for path in paths}) == len(paths), "one would write over another"
    profile, out = folder / "profile", folder / "recalculated"
    (profile / "user").mkdir(parents=True)
    (profile / "user" / "registrymodifications.xcu").write_text(ALWAYS, encoding="utf-8")
    command = [program(), f"-env:UserInstallation={profile.as_uri()}", "--headless"]
    command += ["--convert-to", "xlsx", "--outdir", str(out), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, check=False)
    missing = [path.name for path in paths if not (out / path.name).exists()]
    assert not missing, f"not converted: {missing}\n{done.stdout}\n{done.stderr}"
    return [values_in(out / path.name) for path in paths]


def without_looks(book: Book) -> Book:
    """A book with the same cells and formulas, without styles and charts.

    Those are two thirds of the time that LibreOffice takes, and change no value.
    """
    plain = Book(values=book.values)
    for sheet in book.workbook:
        copy = plain.workbook.create_sheet(sheet.title)
        for row in sheet.iter_rows():
            for cell in row:
                if cell.value is not None:
                    copy.cell(cell.row, cell.column, cell.value).data_type = cell.data_type
    plain.workbook.defined_names.update(book.workbook.defined_names)
    return plain


def values_in(path: Path) -> Values:
    """What is saved in a workbook, by sheet and cell."""
    book = openpyxl.load_workbook(path, data_only=True, read_only=True)
    values = {
        sheet.title: {
            cell.coordinate: _number(cell.value)
            for row in sheet
            for cell in row
            if cell.value is not None
        }
        for sheet in book
    }
    book.close()
    return values


def _number(value: Any) -> Any:
    """A nought in the format of a date reads back as midnight."""
    return 0.0 if value == dt.time(0) else value
