"""Large results: which form a workbook takes, what it says of it, and what lies beside it."""

import openpyxl
import pandas as pd
import pytest

import capitation as cap
from capitation.workbook import size
from capitation.workbook.content import Content
from capitation.workbook.size import Form, calculated, form_of

from .strategies import BOLTON, THAMES_VALLEY, UNITING_CARE, VANGUARD, shipped


@pytest.fixture(scope="module")
def result():
    practices = cap.example_practices().isel(practice=[0, 1, 15])
    return cap.project(
        shipped(UNITING_CARE), practices, list(shipped(UNITING_CARE).scenarios)[:2], 3
    )


@pytest.fixture
def limits(result, monkeypatch):
    """Set the most figures that are live, and that are in a workbook, from those of the result."""
    cells = calculated(Content(result))

    def set_limits(live, most):
        monkeypatch.setattr(size, "MOST_LIVE", cells + live)
        monkeypatch.setattr(size, "MOST_CELLS", cells + most)

    return set_limits


def cover_of(path):
    book = openpyxl.load_workbook(path, data_only=True)
    return {row[0].value: row[1].value for row in book["Cover"].iter_rows()}, book.sheetnames


@pytest.mark.parametrize(
    ("live", "limit", "form"),
    [
        ("auto", (0, 9), Form.ALL_LIVE),
        ("auto", (-1, 0), Form.ONE_PRACTICE_LIVE),
        ("auto", (-2, -1), Form.SUMMARIES_ONLY),
        ("all", (-1, 0), Form.ALL_LIVE),
        ("one", (9, 9), Form.ONE_PRACTICE_LIVE),
        ("one", (-2, -1), Form.SUMMARIES_ONLY),
    ],
)
def test_the_form_follows_the_count_of_figures(live, limit, form, limits, result):
    limits(*limit)
    assert form_of(Content(result), live) is form


@pytest.mark.parametrize("name", [BOLTON, THAMES_VALLEY])
def test_the_largest_models_of_practices_alone_are_live_throughout_for_the_example(name):
    # So that nobody's first workbook is one of values.
    practices = cap.example_practices()
    result = cap.project(shipped(name), practices.isel(practice=[0, 1]))
    each = practices.sizes["practice"] / 2
    nodes = [result[node] for node in Content(result).graph.nodes]
    figures = sum(node.size * (each if "practice" in node.dims else 1) for node in nodes)
    assert figures <= size.MOST_LIVE


def test_formulas_throughout_are_refused_where_they_are_too_many(limits, result, tmp_path):
    limits(-2, -1)
    with pytest.raises(cap.InputError, match="or let one practice be live"):
        cap.write_workbook(result, tmp_path / "book.xlsx", live="all")
    assert list(tmp_path.iterdir()) == []


def test_a_form_that_is_none_is_refused(result):
    with pytest.raises(cap.InputError, match="did you mean 'auto'"):
        form_of(Content(result), "auti")


def test_more_rows_than_a_sheet_has_are_refused(result, monkeypatch):
    monkeypatch.setattr(size, "MOST_ROWS", 20)
    with pytest.raises(cap.InputError, match="choose fewer commissioners or scenarios"):
        form_of(Content(result))


def test_a_workbook_that_is_live_throughout_says_so(result, tmp_path):
    path = tmp_path / "book.xlsx"
    cap.write_workbook(result, path)
    cover, sheets = cover_of(path)
    assert cover["Live"].startswith("Throughout:")
    assert "One practice" not in sheets
    assert [file.name for file in tmp_path.iterdir()] == ["book.xlsx"]


def test_a_workbook_with_one_practice_live_says_so(result, tmp_path):
    path = tmp_path / "book.xlsx"
    done = cap.write_workbook(result, path, live="one")
    cover, sheets = cover_of(path)
    assert cover["Live"].startswith("One practice:")
    assert cover["Values, as run"].startswith("The calculation,")
    assert done.checks_failed == 0
    book = openpyxl.load_workbook(path)
    live = {s.title for s in book for row in s.iter_rows() for c in row if c.data_type == "f"}
    assert {"One practice", "One practice by month", "Months", "Terms", "Checks"} <= live
    assert not live & {"Summary", "By practice", "Practices"}
    rules = [
        cell.coordinate
        for row in book["Calculation"].iter_rows(min_row=7)
        for cell in row
        if cell.data_type == "f"
    ]
    assert rules == []
    assert {"Calculation", "Months", "Inputs as run"} <= set(sheets)
    said = {sheet.title for sheet in book if size.AS_RUN in str(sheet["A1"].value)}
    assert said >= {"Summary", "By practice", "Calculation"}
    assert not said & {
        "Cover",
        "Checks",
        "Terms",
        "Months",
        "Sources",
        "One practice",
        "Inputs as run",
    }
    (choice,) = book["One practice"].data_validations.dataValidation
    assert (choice.type, str(choice.sqref)) == ("list", "B4")


def test_saved_values_are_those_of_the_first_practice(result, tmp_path):
    path = tmp_path / "book.xlsx"
    cap.write_workbook(result, path, live="one")
    sheet = openpyxl.load_workbook(path, data_only=True)["One practice"]
    column = [cell.value for cell in sheet["A"]]
    total = sheet.cell(column.index("Total payments") + 1, sheet.max_column).value
    assert sheet["B4"].value == "EX001"
    paid = result["total_payments"].sel(practice="EX001").isel(scenario=0).sum()
    assert total == pytest.approx(float(paid), abs=0.005)


def test_above_the_most_the_figures_lie_beside_the_workbook(result, limits, tmp_path):
    limits(-2, -1)
    path = tmp_path / "book.xlsx"
    done = cap.write_workbook(result, path)
    cover, sheets = cover_of(path)
    assert cover["They stand in"] == "the Parquet files beside this workbook, of its name"
    assert not [title for title in sheets if title.startswith(("Calc", "Years"))]
    assert {"Summary", "By practice", "One practice", "As run by month", "Months"} <= set(sheets)
    assert done.checks_failed == 0
    paid = pd.read_parquet(tmp_path / "book.parquet")["total_payments"].sum()
    assert paid == pytest.approx(float(result["total_payments"].sum()))
    assert len(pd.read_parquet(tmp_path / "book-commissioners.parquet")) > 0


def test_no_formula_refers_to_a_sheet_that_is_left_out(result, limits, tmp_path):
    limits(-2, -1)
    path = tmp_path / "book.xlsx"
    cap.write_workbook(result, path)
    book = openpyxl.load_workbook(path)
    titles = {f"'{title}'" for title in book.sheetnames} | set(book.sheetnames)
    for sheet in book:
        for cell in (c for row in sheet.iter_rows() for c in row if c.data_type == "f"):
            tokens = openpyxl.formula.Tokenizer(cell.value).items
            named = {t.value.rpartition("!")[0] for t in tokens if t.subtype == "RANGE"}
            assert named - {""} <= titles, (sheet.title, cell.coordinate, cell.value)


def test_without_pyarrow_the_alternatives_are_named(result, limits, tmp_path, monkeypatch):
    limits(-2, -1)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(cap.InputError, match="or choose fewer scenarios") as raised:
        cap.write_workbook(result, tmp_path / "book.xlsx")
    assert "capitation[parquet]" in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def test_two_runs_of_each_form_are_byte_identical(limits, tmp_path):
    practices = cap.example_practices().isel(practice=[0, 1])
    few = cap.project(shipped(VANGUARD), practices, list(shipped(VANGUARD).scenarios)[:2], 2)
    paths = [tmp_path / "a.xlsx", tmp_path / "b.xlsx"]
    for path in paths:
        cap.write_workbook(few, path, live="one")
    assert paths[0].read_bytes() == paths[1].read_bytes()
