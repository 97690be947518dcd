"""Open a workbook that somebody sent: nothing in it is believed before it has been looked at.

An .xlsx file is an archive of parts in XML. It can be another kind of file by that name, be
damaged, or be made to exhaust the machine that opens it. Each is told in a plain sentence.
"""

from __future__ import annotations

import hashlib
import io
import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError
from xml.parsers import expat

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from capitation.errors import InputError, Problem, listed, raise_if_any

MOST_PARTS = 1_000
MOST_BYTES, MOST_IN_ALL = 64 * 2**20, 128 * 2**20
"""How large a part may be, and all of them: real workbooks have a tenth of it."""

MOST_RATIO, RATIO_FROM = 200, 10 * 2**20
"""How far a part may be compressed, where it is large: styles alone compress that well."""

CHUNK = 2**16

SAVE_AGAIN = "open it in Excel and save it again as an Excel workbook (.xlsx)"

CONTENT_TYPES = "[Content_Types].xml"
_MAIN = ("spreadsheetml.sheet.main+xml", "spreadsheetml.template.main+xml")
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_FOREIGN = {
    "mimetype": "is an OpenDocument file (.ods)",
    "xl/workbook.bin": "is a binary workbook (.xlsb)",
    "word/document.xml": "is a document of Word",
    "ppt/presentation.xml": "is a presentation",
    "Index/Document.iwa": "is a document of Numbers",
}
"""Parts by which other kinds of file are known."""

_NOT_IN_TEXT = frozenset({*range(9), *range(14, 27)})

_FAULTS_OF_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
    EOFError,
    OSError,
    ValueError,
)


@dataclass(frozen=True)
class Package:
    """The parts of a workbook, once it has been found safe to read them.

    Attributes
    ----------
    file : str
        The file's name, for messages.
    content : bytes
        The whole file.
    sha256 : str
        Of its bytes.
    sheets : dict of str to str
        The part of each sheet, by the sheet's name, in the workbook's order.
    notes : tuple of str
        What is worth telling of it.
    """

    file: str
    content: bytes
    sha256: str
    sheets: dict[str, str]
    notes: tuple[str, ...]

    def part(self, name: str) -> bytes:
        """The bytes of a part."""
        with zipfile.ZipFile(io.BytesIO(self.content)) as archive:
            return archive.read(name)


class _Doctype(Exception):  # noqa: N818
    """A part has a document type, in which entities may be declared."""


class _Root(Exception):  # noqa: N818
    """The root element of a part has begun: there is no document type before it."""


def open_package(path: Path) -> Package:
    """Look at every part of a workbook, and find its sheets.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    Package

    Raises
    ------
    InputError
        If there is no such file, it is not an Excel workbook (.xlsx) but something else by that
        name, it is damaged, encrypted, or holds macros, names of parts that lead elsewhere, a
        document type, or more than is read.
    """
    content = read_bytes(path)
    _refuse_other_kinds(path.name, content)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            raise_if_any(_faults_of_directory(path.name, archive.infolist()))
            _look_at_parts(path.name, archive)
            return _package(path.name, content, archive)
    except InputError:
        raise
    except _FAULTS_OF_ZIP as error:
        found = "is damaged or cut short: its parts cannot be read"
        mend = f"{SAVE_AGAIN}, or have it sent again"
        raise InputError(Problem(path.name, found, mend)) from error


def sheet_names(path: Path) -> tuple[str, ...]:
    """Names of a workbook's sheets, in their order.

    Raises
    ------
    InputError
        As from `open_package`.
    """
    return tuple(open_package(path).sheets)


def read_bytes(path: Path) -> bytes:
    """The bytes of a file that is no larger than a workbook may be.

    Raises
    ------
    InputError
        If there is no such file, it cannot be read, or it is too large.
    """
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise InputError(Problem(str(path), "is a folder", "name a workbook in it"))
        if size > MOST_IN_ALL:
            found = f"has {size / 2**20:,.0f} MB, more than is read"
            raise InputError(Problem(path.name, found, f"at most {MOST_IN_ALL // 2**20} MB"))
        return path.read_bytes()
    except InputError:
        raise
    except FileNotFoundError as error:
        problem = Problem(str(path), "there is no such file", "check the name and the folder")
        raise InputError(problem) from error
    except (OSError, ValueError) as error:
        mend = "if it is open in Excel, close it there"
        raise InputError(Problem(str(path), f"cannot be read: {error}", mend)) from error


def _refuse_other_kinds(file: str, content: bytes) -> None:
    """Refuse what is no archive at all, by its first bytes."""
    if content.startswith(b"PK\x03\x04"):
        return
    start = content[:1000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not content:
        found, mend = "is empty", "have it sent again, or make one: capitation template"
    elif content.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        found = "is an old workbook (.xls), or one with a password"
        mend = "take the password off, and save it in Excel as an Excel workbook (.xlsx)"
    elif start.startswith(b"<"):
        is_page = b"<html" in start or b"<table" in start
        found = f"is {'a web page (HTML)' if is_page else 'a file of XML'}, not an Excel workbook"
        mend = SAVE_AGAIN
    elif content.startswith((b"\xff\xfe", b"\xfe\xff")) or not _NOT_IN_TEXT & set(start):
        found = "is a file of text (CSV, say), not an Excel workbook"
        mend = "copy its rows into the workbook that capitation template makes"
    else:
        found, mend = "is not an Excel workbook (.xlsx)", SAVE_AGAIN
    raise InputError(Problem(file, found, mend))


# The archive ------------------------------------------------------------------------------------


def _faults_of_directory(file: str, members: list[zipfile.ZipInfo]) -> Iterator[Problem]:
    """What the directory of the archive says that no workbook that is read would."""
    names = [member.filename for member in members]
    mend = SAVE_AGAIN
    if len(members) > MOST_PARTS:
        found = f"has {len(members):,} parts, more than is read"
        yield Problem(file, found, f"at most {MOST_PARTS:,}")
    if len({name.lower() for name in names}) < len(names):
        yield Problem(file, "has two parts of one name", mend)
    unsafe = [name for name in names if _is_unsafe(name)]
    if unsafe:
        yield Problem(file, f"has parts whose names lead out of it: {listed(unsafe)}", mend)
    if any(member.flag_bits & 0x1 for member in members):
        yield Problem(file, "is encrypted", "take the password off in Excel, and save it")
    kinds = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    if any(member.compress_type not in kinds for member in members):
        yield Problem(file, "is compressed in a way that Excel does not use", mend)
    if any("vbaproject" in name.lower() for name in names):
        yield _macros(file)
    if sum(member.file_size for member in members) > MOST_IN_ALL or any(
        _is_too_large(member.file_size, member.compress_size) for member in members
    ):
        yield _too_large(file)


def _is_unsafe(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return "\\" in name or name.startswith("/") or ".." in parts or ":" in name


def _is_too_large(size: int, compressed: int) -> bool:
    return size > MOST_BYTES or (size > RATIO_FROM and size > MOST_RATIO * max(compressed, 1))


def _too_large(file: str) -> Problem:
    found = "unpacks to more than is read"
    mend = f"a sheet has at most {MOST_BYTES // 2**20} MB; delete what does not belong in it"
    return Problem(file, found, mend)


def _macros(file: str) -> Problem:
    return Problem(file, "holds macros", "save it as an Excel workbook without macros (.xlsx)")


def _look_at_parts(file: str, archive: zipfile.ZipFile) -> None:
    """Unpack every part, counting its bytes: what the directory says of its size can be a lie."""
    in_all = 0
    for member in (m for m in archive.infolist() if not m.is_dir()):
        size, look = 0, _Prolog(file, member.filename)
        with archive.open(member) as part:
            while chunk := part.read(CHUNK):
                size += len(chunk)
                look.feed(chunk)
                if _is_too_large(size, member.compress_size):
                    raise InputError(_too_large(file))
        look.feed(b"", last=True)
        in_all += size
        if in_all > MOST_IN_ALL:
            raise InputError(_too_large(file))


class _Prolog:
    """What stands in a part before its root element, as the parser itself sees it.

    A document type can declare entities, which can blow a small file up without end or fetch
    others. No workbook has one. The parser, and not a search for letters, says whether there is
    one, so that no encoding hides it.
    """

    def __init__(self, file: str, part: str):
        self.file = file
        self.part = part
        self.done = False
        self.parser = expat.ParserCreate()
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._root

    def _doctype(self, *_: object) -> None:
        raise _Doctype

    def _root(self, *_: object) -> None:
        raise _Root

    def feed(self, chunk: bytes, last: bool = False) -> None:
        if self.done:
            return
        try:
            self.parser.Parse(chunk, last)
        except _Doctype:
            found = f"its part {self.part} declares a document type, as no workbook does"
            raise InputError(Problem(self.file, found, SAVE_AGAIN)) from None
        except _Root:
            self.done = True
        except (expat.ExpatError, LookupError, ValueError):
            # Pictures and printer settings are no XML. What should be, is refused.
            self.done = True
            if self.part.lower().endswith((".xml", ".rels")):
                found = f"is damaged: its part {self.part} cannot be read"
                raise InputError(Problem(self.file, found, SAVE_AGAIN)) from None


# The workbook in it -----------------------------------------------------------------------------


def _package(file: str, content: bytes, archive: zipfile.ZipFile) -> Package:
    names = archive.namelist()
    main = _main_part(file, archive)
    workbook = _parsed(file, archive, main)
    folder, name = posixpath.split(main)
    relations = posixpath.join(folder, "_rels", f"{name}.rels")
    targets: dict[str, str] = {}
    if relations in names:
        for relation in _parsed(file, archive, relations):
            target = relation.get("Target", "")
            joined = target[1:] if target.startswith("/") else posixpath.join(folder, target)
            targets[relation.get("Id", "")] = posixpath.normpath(joined)
    sheets: dict[str, str] = {}
    for element in workbook.iter():
        if element.tag.rpartition("}")[2] == "sheet":
            title = element.get("name", "")
            part = targets.get(element.get(_RELATION, ""), "")
            if title in sheets:
                raise InputError(Problem(file, f"two sheets are named {title!r}", SAVE_AGAIN))
            if part in names:
                sheets[title] = part
    notes = []
    if any(name.startswith("xl/externalLinks/") for name in names):
        notes.append("It is linked to other workbooks: their figures are read as last saved.")
    if any(e.get("date1904") in ("1", "true") for e in workbook.iter()):
        notes.append("Its dates count from 1904, as on a Mac; they are read as Excel shows them.")
    return Package(file, content, hashlib.sha256(content).hexdigest(), sheets, tuple(notes))


def _main_part(file: str, archive: zipfile.ZipFile) -> str:
    """Name of the part that is the workbook."""
    names = archive.namelist()
    kind = next((said for part, said in _FOREIGN.items() if part in names), "")
    if kind and "xl/workbook.xml" not in names:
        raise InputError(Problem(file, f"{kind}, not an Excel workbook (.xlsx)", SAVE_AGAIN))
    if CONTENT_TYPES not in names:
        found = "is an archive, or a damaged workbook, and not an Excel workbook (.xlsx)"
        raise InputError(Problem(file, found, SAVE_AGAIN))
    for entry in _parsed(file, archive, CONTENT_TYPES):
        content_type = entry.get("ContentType", "")
        if "macroenabled" in content_type.lower() or "vbaproject" in content_type.lower():
            raise InputError(_macros(file))
        part = entry.get("PartName", "").removeprefix("/")
        if content_type.endswith(_MAIN) and part in names:
            return part
    raise InputError(Problem(file, "holds no workbook", SAVE_AGAIN))


def _parsed(file: str, archive: zipfile.ZipFile, part: str) -> Element:
    try:
        return fromstring(archive.read(part), forbid_dtd=True)
    except (ParseError, DefusedXmlException, LookupError) as error:
        found = f"is damaged: its part {part} cannot be read"
        raise InputError(Problem(file, found, SAVE_AGAIN)) from error
