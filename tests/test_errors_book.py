"""The workbook that lists what is wrong with an input, with a link to each cell."""

import re
import zipfile

import openpyxl
import pytest

import capitation as cap
from capitation.errors import Problem
from capitation.sources.workbook_cells import cell_problem
from capitation.workbook.errors_book import HEADINGS, NONE, CellOf, cell_of, write_errors

WRONG = (
    cell_problem("my in.xlsx", "Practices", 17, 4, "list size must be ≥ 0, found -3", "mend it"),
    Problem("my in.xlsx, Assumptions!F22", "=1+1", "=HYPERLINK(1)"),
    Problem("my in.xlsx", "there is no sheet 'Practices'"),
    Problem("@SUM(1), 'By practice'!$A$3", "text\x0b with a letter that no cell takes"),
)


@pytest.fixture
def written(tmp_path):
    return write_errors(WRONG, tmp_path / "wrong.xlsx", tmp_path / "my in.xlsx")


def rows_of(path):
    sheet = openpyxl.load_workbook(path)["Problems"]
    return [[cell.value for cell in row] for row in sheet.iter_rows(min_row=6)]


def test_each_problem_is_a_row_of_one_marked_table(written):
    sheet = openpyxl.load_workbook(written)["Problems"]
    assert [cell.value for cell in sheet[5]] == list(HEADINGS)
    assert rows_of(written) == [
        [1, WRONG[0].where, "Practices", "D17", WRONG[0].found, "mend it"],
        [2, WRONG[1].where, "Assumptions", "F22", "=1+1", "=HYPERLINK(1)"],
        [3, "my in.xlsx", NONE, NONE, WRONG[2].found, NONE],
        [4, WRONG[3].where, "By practice", "A3", WRONG[3].found.replace("\x0b", ""), NONE],
    ]
    (table,) = sheet.tables.values()
    assert table.ref == "A5:F9"
    assert table.autoFilter is None
    assert [column.name for column in table.tableColumns] == list(HEADINGS)
    assert sheet["A1"].value == "What is wrong with my in.xlsx: 4 problems"


def test_nothing_is_taken_for_a_formula(written):
    sheet = openpyxl.load_workbook(written)["Problems"]
    assert {sheet[cell].data_type for cell in ("B9", "E7", "F7")} == {"s"}
    with zipfile.ZipFile(written) as package:
        assert b"<f>" not in package.read("xl/worksheets/sheet1.xml")


def test_places_lead_to_their_cells_in_the_workbook_beside(written):
    sheet = openpyxl.load_workbook(written)["Problems"]
    links = {cell.coordinate: cell.hyperlink for cell in sheet["B"] if cell.hyperlink}
    assert {cell: (link.target, link.location) for cell, link in links.items()} == {
        "B6": ("my%20in.xlsx", "Practices!D17"),
        "B7": ("my%20in.xlsx", "Assumptions!F22"),
        "B9": ("my%20in.xlsx", "'By practice'!A3"),
    }
    assert sheet["B6"].font.underline == "single"
    assert sheet["B8"].font.underline is None


def test_a_workbook_in_another_folder_is_named_in_full(tmp_path):
    source = tmp_path / "inputs" / "in.xlsx"
    path = write_errors(WRONG[:1], tmp_path / "wrong.xlsx", source)
    link = openpyxl.load_workbook(path)["Problems"]["B6"].hyperlink
    assert link.target == source.as_uri()


def test_what_is_no_workbook_has_no_links(tmp_path):
    wrong = [Problem("paid!A1.csv, row 7", "practice A81001 is in row 3 too", "keep one")]
    path = write_errors(wrong, tmp_path / "wrong.xlsx", tmp_path / "paid!A1.csv")
    assert not any(
        cell.hyperlink for row in openpyxl.load_workbook(path)["Problems"] for cell in row
    )


def test_nothing_wrong_is_an_empty_list(tmp_path):
    path = write_errors([], tmp_path / "wrong.xlsx", tmp_path / "in.xlsx")
    sheet = openpyxl.load_workbook(path)["Problems"]
    assert sheet["A1"].value == "What is wrong with in.xlsx: 0 problems"
    assert rows_of(path) == []


def test_two_runs_give_the_same_bytes(written, tmp_path):
    before = written.read_bytes()
    write_errors(WRONG, tmp_path / "wrong.xlsx", tmp_path / "my in.xlsx")
    assert written.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("in.xlsx", "is the input itself"),
        ("wrong.csv", "end it in .xlsx"),
        ("absent/wrong.xlsx", "its folder does not exist"),
    ],
)
def test_a_place_that_will_not_do_is_refused(tmp_path, name, said):
    (tmp_path / "in.xlsx").write_bytes(b"as it was")
    with pytest.raises(cap.InputError, match=re.escape(said)):
        write_errors(WRONG, tmp_path / name, tmp_path / "in.xlsx")
    assert (tmp_path / "in.xlsx").read_bytes() == b"as it was"


@pytest.mark.parametrize(
    ("where", "cell"),
    [
        ("in.xlsx, Practices!D17", CellOf("Practices", "D17")),
        ("Practices!D17", CellOf("Practices", "D17")),
        ("a, b.xlsx, Assumptions!AB3, low", CellOf("Assumptions", "AB3")),
        ("in.xlsx, 'It''s'!A1", CellOf("It's", "A1")),
        ("in.xlsx, Practices", None),
        ("in.xlsx, row 7, column 3", None),
        ("models/our.toml, term.price, from 2015-04-01", None),
        ("Practices!D0", None),
    ],
)
def test_cells_are_found_in_the_words_of_a_place(where, cell):
    assert cell_of(where) == cell
    if cell is not None:
        assert cell_of(f"in.xlsx, {cell.reference}") == cell
