"""Put computed values beside the formulas of a finished workbook file, and words to its charts.

openpyxl writes a formula with an empty value, so a workbook that nobody has opened in Excel reads
as empty; and it writes a chart without a description, so that who cannot see it learns nothing.
This pass streams each sheet's XML, fills the value beside each formula, says with each chart what
it shows, and writes the package so that two runs give the same bytes. It uses the file format only.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Mapping
from typing import BinaryIO
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from openpyxl.utils import get_column_letter

Value = float | bool | str
_DATE = (1980, 1, 1, 0, 0, 0)
_CREATED = b"2015-04-01T00:00:00Z"


def save_with_values(
    file: BinaryIO,
    target: BinaryIO,
    values: Mapping[str, Mapping[str, Value]],
    descriptions: Mapping[str, Mapping[str, str]] | None = None,
) -> None:
    """Copy a workbook, with a value beside each of its formulas and a text with each of its charts.

    Parameters
    ----------
    file : binary file
        A workbook as openpyxl saves it.
    target : binary file
        Where the copy goes.
    values : mapping of str to mapping of str to float, bool or str
        By sheet title and cell, such as ``{"Summary": {"C8": 12.5}}``.
    descriptions : mapping of str to mapping of str to str, optional
        What each chart shows, by sheet title and the cell at its upper left corner.

    Raises
    ------
    ValueError
        If a formula has no value, a value has no formula, a value is not finite, a chart has no
        description or a description no chart: a fault in the writer, never in a user's data.
    """
    parts = _parts_of_sheets(file)
    drawings = _parts_of_drawings(file, parts)
    described = dict(descriptions or {})
    for title in sorted(set(described) - set(drawings.values())):
        raise ValueError(f"{title}: descriptions of charts, and no chart")
    with zipfile.ZipFile(file) as package, zipfile.ZipFile(target, "w") as copy:
        for name in sorted(package.namelist()):
            content = package.read(name)
            if name in parts:
                title = parts[name]
                content = _Filler(title, values.get(title, {})).fill(content)
            elif name in drawings:
                title = drawings[name]
                content = _Describer(title, described.get(title, {})).describe(content)
            elif name == "docProps/core.xml":
                content = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", _CREATED, content)
            elif name == "xl/workbook.xml" and b'fullCalcOnLoad="1"' not in content:
                raise ValueError("the workbook would not be recalculated when it is opened")
            member = zipfile.ZipInfo(name, _DATE)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = 0o600 << 16
            member.create_system = 3
            copy.writestr(member, content, compresslevel=6)


def _parts_of_sheets(file: BinaryIO) -> dict[str, str]:
    """Titles of the sheets by the name of the package part that holds each."""
    namespace = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
    with zipfile.ZipFile(file) as package:
        relations = _elements(package.read("xl/_rels/workbook.xml.rels"), "Relationship")
        sheets = _elements(package.read("xl/workbook.xml"), "sheet")
    targets = {r["Id"]: r["Target"] for r in relations}
    found = {}
    for sheet in sheets:
        target = targets[sheet.get(namespace, sheet.get("r:id", ""))]
        found[_part("xl", target)] = sheet["name"]
    return found


def _parts_of_drawings(file: BinaryIO, sheets: Mapping[str, str]) -> dict[str, str]:
    """Titles of the sheets by the name of the package part that holds the drawing of each."""
    found = {}
    with zipfile.ZipFile(file) as package:
        for sheet, title in sheets.items():
            folder, name = posixpath.split(sheet)
            relations = f"{folder}/_rels/{name}.rels"
            if relations not in package.namelist():
                continue
            for relation in _elements(package.read(relations), "Relationship"):
                if relation["Type"].endswith("/drawing"):
                    found[_part(folder, relation["Target"])] = title
    return found


def _part(folder: str, target: str) -> str:
    """The name of the part that a relationship of a part in a folder leads to."""
    return posixpath.normpath(posixpath.join("/" + folder, target)).lstrip("/")


def _elements(content: bytes, tag: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    parser = expat.ParserCreate()

    def start(name: str, attributes: dict[str, str]) -> None:
        if name == tag:
            found.append(attributes)

    parser.StartElementHandler = start
    parser.Parse(content, True)
    return found


class _Filler:
    """Copies one sheet's XML, and fills in the values of its formulas as events go by."""

    def __init__(self, title: str, values: Mapping[str, Value]):
        self.title = title
        self.values = dict(values)
        self.pieces: list[bytes] = []
        self.copied = 0
        self.cell = ""
        self.cell_at = self.formula_ends = 0
        self.in_formula_cell = False

    def fill(self, content: bytes) -> bytes:
        self.content = content
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.Parse(content, True)
        if self.values:
            shown = ", ".join(sorted(self.values)[:5])
            raise ValueError(f"{self.title}: values without a formula at {shown}")
        self.pieces.append(content[self.copied :])
        return b"".join(self.pieces)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "c":
            self.cell = attributes["r"]
            self.cell_at = self.parser.CurrentByteIndex
            self.in_formula_cell = False
        elif name == "f":
            if attributes:
                raise ValueError(f"{self.title}!{self.cell}: a shared or array formula")
            self.in_formula_cell = True

    def end(self, name: str) -> None:
        if name == "f":
            self.formula_ends = self.parser.CurrentByteIndex + len(b"</f>")
        elif name == "c" and self.in_formula_cell:
            self.fill_cell(self.parser.CurrentByteIndex)

    def fill_cell(self, ends: int) -> None:
        """Copy up to the formula's end, then write the value where openpyxl left an empty one."""
        if self.cell not in self.values:
            raise ValueError(f"{self.title}!{self.cell}: the formula has no value")
        kind, value = _stored(self.values.pop(self.cell), f"{self.title}!{self.cell}")
        opened = self.cell_at + len(b"<c")
        self.pieces += [self.content[self.copied : opened], kind]
        self.pieces += [self.content[opened : self.formula_ends], b"<v>", value, b"</v>"]
        self.copied = ends


class _Describer:
    """Copies one drawing's XML, and says with each chart what it shows."""

    def __init__(self, title: str, texts: Mapping[str, str]):
        self.title = title
        self.texts = dict(texts)
        self.pieces: list[bytes] = []
        self.copied = 0
        self.corner: dict[str, int] = {}
        self.reading = ""
        self.in_corner = False

    def describe(self, content: bytes) -> bytes:
        self.content = content
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.characters
        self.parser.Parse(content, True)
        if self.texts:
            shown = ", ".join(sorted(self.texts)[:5])
            raise ValueError(f"{self.title}: descriptions without a chart at {shown}")
        self.pieces.append(content[self.copied :])
        return b"".join(self.pieces)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.reading = name.rpartition(":")[2]
        if self.reading == "from":
            self.in_corner = True
        elif self.reading == "cNvPr":
            at = self.parser.CurrentByteIndex + len(b"<") + len(name.encode())
            self.pieces += [self.content[self.copied : at], self.attribute()]
            self.copied = at

    def end(self, name: str) -> None:
        self.reading = ""
        if name.rpartition(":")[2] == "from":
            self.in_corner = False

    def characters(self, text: str) -> None:
        if self.in_corner and self.reading in ("col", "row"):
            self.corner[self.reading] = int(text)

    def attribute(self) -> bytes:
        """The description of the chart whose corner was read last."""
        cell = f"{get_column_letter(self.corner['col'] + 1)}{self.corner['row'] + 1}"
        text = self.texts.pop(cell, "").strip()
        if not text:
            raise ValueError(f"{self.title}!{cell}: the chart has no description")
        return f" descr={quoteattr(text)}".encode()


def _stored(value: Value, place: str) -> tuple[bytes, bytes]:
    """A value's type attribute and text, as a cell stores them."""
    if isinstance(value, bool):
        return b' t="b"', b"1" if value else b"0"
    if isinstance(value, str):
        return b' t="str"', escape(value).encode()
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError(f"{place}: the value is not finite")
    return b"", repr(float(value) + 0.0).encode()
