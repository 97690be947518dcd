"""An independent spreadsheet engine, to find what every formula of a workbook comes to."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import formualizer
import openpyxl

from capitation.workbook.page import Book
from capitation.workbook.saved_values import save_with_values


def recalculated(path: Path) -> dict[str, dict[str, Any]]:
    """Every value that the independent engine finds, by sheet and cell."""
    out = path.with_name("recalculated.xlsx")
    report = formualizer.recalculate_file(str(path), str(out))
    assert report["errors"] == 0
    book = openpyxl.load_workbook(out, data_only=True, read_only=True)
    values = {
        s.title: {c.coordinate: c.value for r in s for c in r if c.value is not None} for s in book
    }
    book.close()
    return values


def stale_copy(book: Book, folder: Path) -> Path:
    """Save a book with a wrong value beside every formula: only a recalculation can be right."""
    plain = io.BytesIO()
    book.workbook.save(plain)
    stale = {
        sheet: {cell: "wrong" if isinstance(value, str) else -77.0 for cell, value in cells.items()}
        for sheet, cells in book.values.items()
    }
    path = folder / "stale.xlsx"
    with path.open("wb") as file:
        save_with_values(plain, file, stale, book.descriptions)
    return path
