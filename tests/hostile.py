"""Edit the parts of one good workbook: what a spreadsheet writes, and what it never would."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape

import openpyxl

from capitation.sources.workbook_package import open_package

WORKBOOK, STYLES = "xl/workbook.xml", "xl/styles.xml"
TYPES = "[Content_Types].xml"


class Parts:
    """The parts of a workbook, to be changed and written again.

    Parameters
    ----------
    path : Path
        Of a good input workbook.
    """

    def __init__(self, path: Path):
        with zipfile.ZipFile(path) as archive:
            self.parts = {name: archive.read(name) for name in archive.namelist()}
        self.sheets = open_package(path).sheets
        book = openpyxl.load_workbook(path, read_only=True)
        self.values = {s.title: list(s.iter_rows(values_only=True)) for s in book.worksheets}
        self.headings = {title: _headings(rows[:20]) for title, rows in self.values.items()}
        book.close()

    def copy(self) -> Parts:
        """Another one, so that changes to it leave this one as it is."""
        other = Parts.__new__(Parts)
        other.__dict__ = {**self.__dict__, "parts": dict(self.parts)}
        return other

    def at(self, sheet: str, heading: str, row: int = 1) -> str:
        """A cell by its heading and its row under the headings; on the cover, beside a label."""
        number, columns = self.headings[sheet]
        if sheet == "Cover":
            return f"B{columns[heading]}"
        return f"{_letters(columns[heading])}{number + row}"

    def row_of(self, sheet: str, text: str) -> int:
        """The first row under the headings with a text in it, counted from 1."""
        first, _ = self.headings[sheet]
        rows = self.values[sheet][first:]
        return next(number for number, row in enumerate(rows, start=1) if text in row)

    def put(self, sheet: str, cell: str, value: object, *, style: bool = True) -> Parts:
        """Put a value in a cell; text that begins with ``<`` is the XML of what is in it."""
        kind, inside = _written(value)
        self.edit(sheet, _with_cell(self.xml(sheet), cell, kind, inside, style))
        return self

    def xml(self, sheet: str) -> str:
        return self.parts[self.sheets[sheet]].decode()

    def edit(self, sheet: str, xml: str) -> Parts:
        self.parts[self.sheets[sheet]] = xml.encode()
        return self

    def swap(self, part: str, before: str, after: str) -> Parts:
        """Change a text in a part; a test that changes nothing tests nothing."""
        text = self.parts[part].decode()
        assert before in text, (part, before)
        self.parts[part] = text.replace(before, after, 1).encode()
        return self

    def swap_in(self, sheet: str, before: str, after: str) -> Parts:
        return self.swap(self.sheets[sheet], before, after)

    def write(self, path: Path, *, more: Mapping[str, bytes] | None = None) -> Path:
        """Write all parts, in no more time than it takes."""
        path.write_bytes(zipped({**self.parts, **(more or {})}))
        return path


def zipped(parts: Mapping[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return content.getvalue()


def _headings(rows: list[tuple[object, ...]]) -> tuple[int, dict[str, int]]:
    """The row with most texts and its columns; of the cover, rows of labels."""
    if rows and rows[0][0] == "capitation input workbook":
        return 0, {str(row[0]): n for n, row in enumerate(rows, start=1) if row[0]}
    counts = [sum(isinstance(value, str) for value in row) for row in rows]
    # The last of the rows that have as many: names stand under titles and units.
    number = max(range(len(rows)), key=lambda n: (_is_heading(rows[n]), counts[n], n), default=0)
    row = rows[number] if rows else ()
    return number + 1, {str(value): n for n, value in enumerate(row, start=1) if value}


def _is_heading(row: tuple[object, ...]) -> bool:
    return bool({"practice", "Practice", "Term"} & {value for value in row if value is not None})


def _letters(column: int) -> str:
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _written(value: object) -> tuple[str, str]:
    """Type of a cell and what stands in it."""
    if value is None:
        return "", ""
    if isinstance(value, bool):
        return ' t="b"', f"<v>{int(value)}</v>"
    if isinstance(value, int | float):
        return "", f"<v>{value!r}</v>"
    text = str(value)
    if text.startswith("<"):
        return "", text
    if text.startswith("#"):
        return ' t="e"', f"<v>{text}</v>"
    return ' t="inlineStr"', f'<is><t xml:space="preserve">{escape(text)}</t></is>'


def _with_cell(xml: str, cell: str, kind: str, inside: str, style: bool) -> str:
    row = re.sub("[A-Z]", "", cell)
    found = re.search(rf'<c r="{cell}"([^>]*?)(/>|>.*?</c>)', xml, re.DOTALL)
    if found:
        kept = re.search(r' s="\d+"', found[1]) if style else None
        new = f'<c r="{cell}"{kept[0] if kept else ""}{kind}>{inside}</c>'
        return xml[: found.start()] + new + xml[found.end() :]
    new = f'<c r="{cell}"{kind}>{inside}</c>'
    whole = re.search(rf'<row r="{row}"[^>]*?>.*?(?=</row>)', xml, re.DOTALL)
    if whole:
        return xml[: whole.end()] + new + xml[whole.end() :]
    return xml.replace("</sheetData>", f'<row r="{row}">{new}</row></sheetData>', 1)
