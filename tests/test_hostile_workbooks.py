"""Files by the name of a workbook that are something else, are damaged, or mean harm."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from pathlib import Path

import pytest

import capitation as cap
from capitation.errors import InputError
from capitation.inputs.workbook import InputWorkbook, read_input_workbook
from capitation.sources import workbook_package
from capitation.sources.workbook_limits import MOST_COLUMNS, MOST_ROWS, MOST_TEXT
from capitation.sources.workbook_package import open_package
from capitation.workbook.template.book import write_template

from .hostile import STYLES, TYPES, WORKBOOK, Parts, zipped
from .strategies import UNPLANNED


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    practices = cap.example_practices().isel(practice=[0, 1])
    path = tmp_path_factory.mktemp("good") / "in.xlsx"
    return Parts(write_template(path, UNPLANNED, practices=practices))


def read(parts: Parts, folder: Path) -> InputWorkbook:
    return read_input_workbook(parts.write(folder / "in.xlsx"))


def refusal(content: bytes | Parts, folder: Path) -> str:
    """What is said of a file that is refused."""
    path = folder / "in.xlsx"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        content.write(path)
    with pytest.raises(InputError) as caught:
        read_input_workbook(path)
    return str(caught.value)


# Other kinds of file ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "in.xlsx: is empty (have it sent again"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
            "old workbook (.xls), or one with a pas",
        ),
        (b"<html><table><tr><td>1</td></tr></table></html>", "is a web page (HTML)"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><Workbook/>", "is a file of XML"),
        (b"practice,registered_list\nA1,5\n", "is a file of text (CSV, say)"),
        ("practice,registered_list\n".encode("utf-16"), "is a file of text (CSV, say)"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "is not an Excel workbook (.xlsx)"),
        (b"PK\x03\x04" + bytes(100), "is damaged or cut short"),
        (zipped({"a.txt": b"1"}), "is an archive, or a damaged workbook"),
        (zipped({"word/document.xml": b"<w/>", TYPES: b"<Types/>"}), "is a document of Word"),
        (zipped({"mimetype": b"application/vnd.oasis"}), "is an OpenDocument file (.ods)"),
        (zipped({"xl/workbook.bin": b"\0", TYPES: b"<Types/>"}), "is a binary workbook (.xlsb)"),
        (zipped({TYPES: b"<Types/>"}), "holds no workbook"),
    ],
)
def test_another_kind_of_file_is_named_in_a_sentence(tmp_path, content, expected):
    assert expected in refusal(content, tmp_path)


def test_a_file_cut_short(good, tmp_path):
    content = good.write(tmp_path / "whole.xlsx").read_bytes()
    for length in (len(content) // 2, len(content) - 10):
        assert "is damaged or cut short" in refusal(content[:length], tmp_path)


def test_a_byte_changed_on_the_way(good, tmp_path):
    content = bytearray(good.write(tmp_path / "whole.xlsx").read_bytes())
    content[len(content) // 3] ^= 0xFF
    assert "damaged" in refusal(bytes(content), tmp_path)


def test_no_file_and_a_folder(tmp_path):
    for path, expected in ((tmp_path / "no.xlsx", "there is no such file"), (tmp_path, "a folder")):
        with pytest.raises(InputError, match=expected):
            read_input_workbook(path)


# The archive ------------------------------------------------------------------------------------


def test_a_directory_that_no_workbook_has(good, tmp_path):
    for name in ("../evil.xml", "/etc/evil.xml", "xl\\evil.xml", "C:evil.xml"):
        parts = good.copy()
        parts.parts[name] = b"<a/>"
        assert "lead out of it" in refusal(parts, tmp_path), name
    parts = good.copy()
    parts.parts |= {f"x/{number}.txt": b"" for number in range(1001)}
    assert "parts, more than is read" in refusal(parts, tmp_path)


def test_two_parts_of_one_name(good, tmp_path):
    content = io.BytesIO(good.write(tmp_path / "whole.xlsx").read_bytes())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(content, "a") as archive:
            archive.writestr(WORKBOOK, good.parts[WORKBOOK])
    assert "has two parts of one name" in refusal(content.getvalue(), tmp_path)


def test_an_encrypted_archive_and_one_compressed_otherwise(good, tmp_path):
    content = bytearray(good.write(tmp_path / "whole.xlsx").read_bytes())
    entry = content.index(b"PK\x01\x02")
    content[entry + 8] |= 1
    assert "is encrypted" in refusal(bytes(content), tmp_path)
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr(WORKBOOK, good.parts[WORKBOOK])
    assert "compressed in a way" in refusal(other.getvalue(), tmp_path)


def test_macros_are_refused(good, tmp_path):
    parts = good.copy()
    parts.parts["xl/vbaProject.bin"] = b"\0"
    assert "holds macros" in refusal(parts, tmp_path)
    parts = good.copy().swap(
        TYPES,
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
        "application/vnd.ms-excel.sheet.macroEnabled.main+xml",
    )
    assert "holds macros" in refusal(parts, tmp_path)


def test_a_part_too_large_is_not_unpacked(good, tmp_path, monkeypatch):
    monkeypatch.setattr(workbook_package, "RATIO_FROM", 2**18)
    parts = good.copy()
    parts.parts["xl/media/spaces.bin"] = b" " * 2**19
    assert "unpacks to more than" in refusal(parts, tmp_path)
    monkeypatch.setattr(workbook_package, "RATIO_FROM", 2**30)
    assert read(parts, tmp_path).scenarios
    monkeypatch.setattr(workbook_package, "MOST_BYTES", 2**18)
    assert "unpacks to more than" in refusal(parts, tmp_path)


def test_a_size_that_is_a_lie_is_found_out(good, tmp_path):
    parts = good.copy()
    parts.parts["xl/media/spaces.bin"] = b" " * 1_234_567
    content = parts.write(tmp_path / "whole.xlsx").read_bytes()
    said, true = (1000).to_bytes(4, "little"), (1_234_567).to_bytes(4, "little")
    assert content.count(true) == 2
    assert "damaged" in refusal(content.replace(true, said), tmp_path)


# XML --------------------------------------------------------------------------------------------

LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
ENTITY = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


SHEET = "xl/worksheets/sheet3.xml"


@pytest.mark.parametrize("part", [SHEET, STYLES, WORKBOOK, TYPES, "xl/theme/theme1.xml"])
@pytest.mark.parametrize("doctype", [LAUGHS, ENTITY, "<!DOCTYPE x>"])
def test_a_document_type_is_refused_wherever_it_stands(good, tmp_path, part, doctype):
    parts = good.copy()
    text = re.sub(r"^<\?xml[^>]*\?>\s*", "", parts.parts[part].decode())
    parts.parts[part] = (f"<!-- {' ' * 70_000} -->{doctype}" + text).encode()
    assert f"its part {part} declares a document type" in refusal(parts, tmp_path)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "cp037"])
def test_a_document_type_hides_in_no_encoding(good, tmp_path, encoding):
    parts = good.copy()
    text = f"{LAUGHS}<x>&b;</x>"
    head = b""
    if encoding == "cp037":
        head = b'<?xml version="1.0" encoding="cp037"?>'
    elif encoding == "utf-16-le":
        head = b"\xff\xfe"
    parts.parts["xl/odd.bin"] = head + text.encode(encoding)
    parts.parts[SHEET] = parts.parts["xl/odd.bin"]
    said = refusal(parts, tmp_path)
    assert "declares a document type" in said or "cannot be read" in said


@pytest.mark.parametrize("part", [SHEET, STYLES, WORKBOOK, TYPES])
def test_xml_that_is_none(good, tmp_path, part):
    parts = good.copy()
    parts.parts[part] = parts.parts[part][:-20] + b"<"
    said = refusal(parts, tmp_path)
    assert "cannot be read" in said or "could not be read" in said
    parts.parts[part] = b"\xff\xfe\x00\x01garbage"
    assert "is damaged: its part" in refusal(parts, tmp_path)


# Sheets -----------------------------------------------------------------------------------------


def test_a_sheet_by_another_name_lists_those_found(good, tmp_path):
    parts = good.copy().swap(WORKBOOK, 'name="Practices"', 'name="Surgeries"')
    said = refusal(parts, tmp_path)
    assert "there is no sheet 'Practices'; found 'Cover', 'Assumptions', 'Surgeries'" in said


def test_a_sheet_named_in_another_case_is_read_and_others_are_told(good, tmp_path):
    parts = good.copy().swap(WORKBOOK, 'name="Practices"', 'name="practices "')
    parts.swap(WORKBOOK, 'name="Lists"', 'name="Workings"')
    found = read(parts, tmp_path)
    assert found.practices.sizes["practice"] == 2
    assert found.notes == ["The sheet 'Workings' is not read."]


@pytest.mark.parametrize("dimension", ["A1", "A1:XFD1048576", "B2:C3"])
def test_a_wrong_dimension_loses_no_rows(good, tmp_path, dimension):
    parts = good.copy()
    xml, count = re.subn(
        r'<dimension ref="[^"]*"', f'<dimension ref="{dimension}"', parts.xml("Practices")
    )
    assert count == 1
    assert read(parts.edit("Practices", xml), tmp_path).practices.sizes["practice"] == 2


def rows_from(first: int, count: int, inside: str = "<v>1</v>") -> str:
    return "".join(
        f'<row r="{n}"><c r="A{n}">{inside}</c></row>' for n in range(first, first + count)
    )


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (1_048_576, f"Practices!A1048576: the sheet goes on for more than {MOST_ROWS:,} rows"),
        (400, "Practices!A400: something stands here after 391 blank rows"),
    ],
)
def test_something_far_below(good, tmp_path, row, expected):
    xml = good.xml("Practices").replace("</sheetData>", rows_from(row, 1) + "</sheetData>")
    assert expected in refusal(good.copy().edit("Practices", xml), tmp_path)


def test_too_many_rows_and_columns(good, tmp_path):
    xml = good.xml("Practices").replace("</sheetData>", rows_from(60, MOST_ROWS) + "</sheetData>")
    said = refusal(good.copy().edit("Practices", xml), tmp_path)
    assert f"goes on for more than {MOST_ROWS:,} rows" in said
    parts = good.copy().put("Contracts", "XFD6", 1)
    said = refusal(parts, tmp_path)
    assert f"Contracts!XFD1: the sheet goes on for more than {MOST_COLUMNS} columns" in said


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ('r="A7"', 'r="ZZZ99999999"', "'ZZZ99999999', which is outside the grid"),
        ('r="A7"', 'r="XFE7"', "'XFE7', which is outside the grid"),
        ('r="A7"', 'r="A8"', "cell A8 does not stand in its order"),
        ('r="B7"', 'r="A7"', "cell A7 does not stand in its order"),
        ('<row r="8"', '<row r="7"', "row 7 stands after row 7"),
        ('<row r="8"', '<row r="eight"', "is damaged and cannot be read"),
        ("</sheetData>", "", "is damaged and cannot be read"),
    ],
)
def test_cells_that_stand_where_no_cell_is(good, tmp_path, before, after, expected):
    said = refusal(good.copy().swap_in("Practices", before, after), tmp_path)
    assert said.startswith("in.xlsx, Practices: ")
    assert expected in said


def test_merged_cells_are_told(good, tmp_path):
    merged = '<mergeCells count="1"><mergeCell ref="A7:A8"/></mergeCells>'
    parts = good.copy().swap_in("Practices", "</sheetData>", f"</sheetData>{merged}")
    assert "Practices!A7: cells A7:A8 are merged (unmerge them" in refusal(parts, tmp_path)
    parts = good.copy().swap_in("Practices", "</sheetData>", f"</sheetData>{merged}")
    parts.swap_in("Practices", "A7:A8", "A1:D1")
    assert read(parts, tmp_path).notes == []


def test_hidden_rows_columns_and_sheets_are_read_and_told(good, tmp_path):
    parts = good.copy().swap_in("Practices", '<row r="8"', '<row hidden="1" r="8"')
    parts.swap(WORKBOOK, 'sheetId="2" state="visible"', 'sheetId="2" state="hidden"')
    xml = parts.xml("Contracts")
    parts.edit("Contracts", xml.replace("<col ", '<col hidden="1" ', 1).replace('hidden="0" ', ""))
    found = read(parts, tmp_path)
    assert found.practices.sizes["practice"] == 2
    text = " ".join(found.notes)
    assert "Practices: rows are hidden and are read all the same: 8." in text
    assert "Contracts: columns are hidden" in text


def test_a_formula_is_read_as_last_saved_and_told(good, tmp_path):
    cell = good.at("Practices", "registered_list")
    parts = good.copy().put("Practices", cell, "<f>[1]Other!A1*2</f><v>8000</v>")
    parts.parts["xl/externalLinks/externalLink1.xml"] = b"<externalLink/>"
    found = read(parts, tmp_path)
    assert found.practices["registered_list"].values[0] == 8000
    assert found.notes == [
        "It is linked to other workbooks: their figures are read as last saved.",
        f"Practices: a formula is read as last saved: {cell}.",
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("<v>NaN</v>", "could not be read"),
        ("<v>1e999</v>", "the number is not finite"),
        ("<v>12,5</v>", "could not be read"),
        ("x" * (MOST_TEXT + 1), f"holds {MOST_TEXT + 1:,} letters"),
        ("#DIV/0!", "holds the error #DIV/0!"),
        ("<f>1</f><v></v>", "holds a formula without a saved result"),
        (True, "expected a number, found TRUE"),
    ],
)
def test_a_cell_that_is_no_number(good, tmp_path, value, expected):
    cell = good.at("Practices", "registered_list")
    said = refusal(good.copy().put("Practices", cell, value), tmp_path)
    assert said.startswith("in.xlsx, Practices")
    assert expected in said


def test_dates_that_count_from_1904_are_told(good, tmp_path):
    parts = good.copy()
    parts.swap(WORKBOOK, "<workbookPr", '<workbookPr date1904="1"')
    (note,) = open_package(parts.write(tmp_path / "in.xlsx")).notes
    assert "count from 1904" in note


def test_many_styles_are_no_reason_to_refuse(good, tmp_path):
    styles = good.parts[STYLES].decode()
    one = re.search(r"<cellXfs[^>]*>(<xf .*?</xf>|<xf [^>]*/>)", styles, re.DOTALL)
    assert one
    parts = good.copy().swap(STYLES, "</cellXfs>", one[1] * 500 + "</cellXfs>")
    assert read(parts, tmp_path).scenarios


def test_a_model_on_another_machine_is_not_fetched(good, tmp_path):
    for named in (r"\\server\share\x.toml", "//server/x.toml", "https://x.org/x.toml"):
        parts = good.copy().put("Cover", good.at("Cover", "Model"), named)
        assert "is on another machine" in refusal(parts, tmp_path)
