"""Put computed values beside the formulas of a finished workbook file.

openpyxl writes a formula with an empty value, so a workbook that nobody has opened in Excel reads
as empty. This pass streams each sheet's XML, fills the value beside each formula, and writes the
package so that two runs give the same bytes. It uses the file format only.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from typing import BinaryIO
from xml.parsers import expat
from xml.sax.saxutils import escape

Value = float | bool | str
_DATE = (1980, 1, 1, 0, 0, 0)
_CREATED = b"2015-04-01T00:00:00Z"


def save_with_values(
    file: BinaryIO, target: BinaryIO, values: Mapping[str, Mapping[str, Value]]
) -> None:
    """Copy a workbook, with a value beside each of its formulas.

    Parameters
    ----------
    file : binary file
        A workbook as openpyxl saves it.
    target : binary file
        Where the copy goes.
    values : mapping of str to mapping of str to float, bool or str
        By sheet title and cell, such as ``{"Summary": {"C8": 12.5}}``.

    Raises
    ------
    ValueError
        If a formula has no value, a value has no formula, or a value is not finite: a fault in the
        writer, never in a user's data.
    """
    parts = _parts_of_sheets(file)
    with zipfile.ZipFile(file) as package, zipfile.ZipFile(target, "w") as copy:
        for name in sorted(package.namelist()):
            content = package.read(name)
            if name in parts:
                title = parts[name]
                content = _Filler(title, values.get(title, {})).fill(content)
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
        name = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
        found[name] = sheet["name"]
    return found


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


def _stored(value: Value, place: str) -> tuple[bytes, bytes]:
    """A value's type attribute and text, as a cell stores them."""
    if isinstance(value, bool):
        return b' t="b"', b"1" if value else b"0"
    if isinstance(value, str):
        return b' t="str"', escape(value).encode()
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError(f"{place}: the value is not finite")
    return b"", repr(float(value) + 0.0).encode()
