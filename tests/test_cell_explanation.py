"""Why this cell: what an auditor is told of any cell of a workbook, down to its sources."""

import json

import openpyxl
import pytest

import capitation as cap
from capitation.workbook.audit.cell_explanation import explain_cell, explained
from capitation.workbook.audit.cell_labels import in_words, label_of
from capitation.workbook.audit.cell_places import FIRST_VALUE, TOTAL, VALUE, CellPlaces, Figure
from capitation.workbook.audit.cell_tracing import MOST_CELLS
from capitation.workbook.audit.formula_ingredients import ingredients
from capitation.workbook.audit.formula_reading import place_of
from capitation.workbook.audit.saved_book import SavedCell, cells_of_book
from capitation.workbook.audit.verification import book_of
from capitation.workbook.content import Content
from capitation.workbook.layout import Layout
from capitation.workbook.page import at

from .strategies import VANGUARD


def few_practices():
    return cap.example_practices().isel(practice=[0, 1, 2, 7])


@pytest.fixture(scope="module")
def result():
    return cap.project(VANGUARD, few_practices(), ["all-vanguards", "sunderland"], months=3)


@pytest.fixture(scope="module")
def cells(result):
    return cells_of_book(book_of(result))


@pytest.fixture(scope="module")
def file(result, tmp_path_factory):
    path = tmp_path_factory.mktemp("explain") / "budget.xlsx"
    cap.write_workbook(result, path)
    return path


def row_of(cells, sheet, text, column="A"):
    return next(
        int(name[len(column) :])
        for name, cell in cells[sheet].items()
        if name.startswith(column) and name[len(column) :].isdigit() and cell.value == text
    )


def every(told):
    yield told
    for part in told.parts:
        yield from every(part)


# ---------------------------------------------------------------- a figure, down to its sources


def test_a_total_of_a_year_down_to_inputs_and_sources(result, cells):
    row = row_of(cells, "Summary", "Total payments")
    found = explain_cell(result, f"Summary!C{row}")
    assert found.value == cells["Summary"][f"C{row}"].value
    assert found.label.startswith("Total payments, GBP/year; 2015/16")
    assert found.formula.startswith("=SUMIFS(")
    text = str(found)
    assert text.startswith(f"Summary!C{row} = £")
    told = [*every(found.told)]
    assert any(part.cell.startswith("Terms!E") for part in told)
    assert any(part.cell.startswith("Practices!") for part in told)
    assert any("of the practices' file" in line for part in told for line in part.said)
    assert "3 cells, F" in text  # the months of the year, not all that the row could have
    assert "the largest of them:" in text
    assert len(told) < 3 * MOST_CELLS


def test_the_rule_is_told_in_names_and_in_numbers(result):
    content = Content(result)
    places = CellPlaces(Layout(content))
    figure = Figure("total_payments", "all-vanguards", VALUE, 1, 0)
    title, row, column = places.cell(figure)
    found = explain_cell(result, f"'{title}'!{at(row, column)}")
    code = content.codes[1]
    why = cap.explain(
        result, "total_payments", practice=code, month="2015-04", scenario="all-vanguards"
    )
    assert f"= {why.formula}" in found.told.said
    assert f"= {why.numbers}" in found.told.said
    assert found.label.endswith(f"[all-vanguards, {code}, 2015-04]")
    assert found.value == why.value


def test_it_is_the_same_from_a_file_and_from_a_result(result, file, cells):
    row = row_of(cells, "Summary", "Total payments")
    assert str(explain_cell(file, f"Summary!C{row}")) == str(
        explain_cell(result, f"Summary!C{row}")
    )


def test_all_of_it_is_data_for_programs(result, cells):
    row = row_of(cells, "Summary", "Total payments")
    data = explain_cell(result, f"Summary!C{row}").as_dict()
    assert json.loads(json.dumps(data)) == data
    assert data["parts"][0]["cells"] == 3
    assert data["parts"][0]["parts"][0]["cell"]


def test_a_figure_of_the_month_before_is_not_followed_back_for_ever():
    result = cap.project(VANGUARD, few_practices(), ["sunderland"], months=6)
    content = Content(result)
    places = CellPlaces(Layout(content))
    figure = Figure("weighted_list", None, VALUE, 0, 5)
    title, row, column = places.cell(figure)
    found = explain_cell(result, f"{title}!{at(row, column)}")
    before = next(p for p in found.told.parts if p.cell.endswith(f"!{at(row, column - 1)}"))
    assert before.said == (f"of the time before; to see why, ask for {before.cell}",)
    assert before.parts == ()
    first = explain_cell(result, f"{title}!{at(row, column - 5)}")
    opening = next(p for p in first.told.parts if "before the first" in p.label)
    assert opening.parts[0].cell.startswith("Practices!")


# ---------------------------------------------------------------- cells of every kind


def test_terms_inputs_texts_and_verdicts(result, cells):
    def told(cell):
        return explained(result, cells, cell, "budget.xlsx")

    term = row_of(cells, "Terms", "commissioning_staff_cost", "B")
    found = told(f"terms!$e${term}")
    assert found.cell == f"Terms!E{term}"
    assert found.told.said[0].startswith("an input: commissioning_staff_cost from ")
    assert any(line.startswith(("source: ", "assumption: ")) for line in found.told.said)
    assert found.told.shown.startswith("£")
    assert told(f"Terms!D{term}").told.shown.endswith("2013")
    assert told("Cover!A1").told.said == ("a text",)
    verdict = told("Cover!B4")
    assert str(verdict.value).startswith("All ")
    assert "cells: 'OK'" in str(verdict)
    assert told("Months!F3").told.shown == "1 April 2015"
    assert told("Checks!C4").label.startswith("Streams add to payments, all-vanguards")
    assert told("Practices!E7").told.said[0].startswith("an input, of the ")


def test_formulas_of_every_sheet_can_be_explained(result, cells):
    for sheet, of_sheet in cells.items():
        formulas = [name for name, cell in of_sheet.items() if cell.formula]
        for name in formulas[len(formulas) // 2 :][:1]:
            found = explained(result, cells, f"'{sheet}'!{name}", "budget.xlsx")
            assert found.cell.endswith(f"!{name}")
            assert found.formula
            assert not found.notes


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("Sumary!C8", "did you mean 'Summary'"),
        ("C8", "names no cell"),
        ("Summary!C0", "names no cell"),
        ("Summary!ZZ900", "is empty"),
        ("Summary!", "names no cell"),
        ("", "names no cell"),
    ],
)
def test_cells_that_are_not_there(file, cell, said):
    with pytest.raises(cap.InputError, match=said) as raised:
        explain_cell(file, cell)
    assert str(raised.value).startswith("budget.xlsx: ")


def test_an_empty_cell_says_where_a_figure_is(file):
    with pytest.raises(cap.InputError, match=r"the nearest that holds a figure is Summary!C\d"):
        explain_cell(file, "Summary!C3")


def test_what_was_edited_is_told_as_it_stands(file, cells, tmp_path):
    book = openpyxl.load_workbook(file)
    term = row_of(cells, "Practices", "EX001")
    book["Practices"].cell(term, 5).value = 77.0
    path = tmp_path / "edited.xlsx"
    book.save(path)
    found = explain_cell(path, f"Practices!E{term}")
    assert found.value == 77
    assert found.notes[0].startswith(f"Practices!E{term} is not as it was run: the run gave ")
    assert "Notes" in str(found)
    unsaved = explain_cell(path, "Cover!B4")
    assert unsaved.told.shown == "not saved"


# ---------------------------------------------------------------- the parts it is made from


def test_every_figure_is_found_in_the_cell_where_it_stands(result):
    content = Content(result)
    layout = Layout(content)
    places = CellPlaces(layout)
    for (name, scenario), place in layout.places.items():
        figure = places.figure(place.sheet, place.row, place.column)
        assert figure is not None
        assert (figure.name, figure.scenario, figure.role) == (name, scenario, VALUE)
        assert places.cell(figure) == (place.sheet, place.row, place.column)
        for number, row in enumerate(place.totals):
            total = places.figure(place.sheet, row, place.column)
            assert total is not None
            assert (total.role, total.entity) == (TOTAL, number)
            assert places.labels(total)["commissioner_code"] in ("EXAMPLE", "all")
            assert places.cell(total) == (place.sheet, row, place.column)
    name = next(n for n, node in content.graph.nodes.items() if node.definition.first)
    place = layout.place(name, None if "scenario" not in content.graph[name].dims else "sunderland")
    opening = places.figure(place.sheet, place.row, 5)
    assert opening is not None
    assert opening.role == FIRST_VALUE
    assert places.cell(opening) == (place.sheet, place.row, 5)
    assert places.figure("Summary", 1, 1) is None
    assert places.figure(place.sheet, place.row, 500) is None


def test_ingredients_are_those_that_count():
    values = {"A1": 41365.0, "A2": 42095.0, "A3": 42461.0, "C1": 42100.0, "D1": 2017.0}
    values |= {"E1": 2015.0, "F1": "b", "G1": "a", "G2": "b"}

    def value_of(sheet, name):
        return values.get(name)

    found = ingredients("=INDEX(B1:B3,MATCH(C1,A1:A3,1))*2", "S", value_of)
    assert [made.names for made in found] == [("B2",)]
    found = ingredients("=INDEX(H1:H2,MATCH(F1,G1:G2,0))", "S", value_of)
    assert [made.names for made in found] == [("H2",)]
    found = ingredients("=INDEX($F9:$H9,D$1-$E$1+1)", "S", value_of)
    assert [made.names for made in found] == [("H9",)]
    found = ingredients("=IF(A1>0,B1+A1,SUM(C1:C3))", "S", value_of)
    assert [made.written for made in found] == ["S!A1", "S!B1", "S!C1:C3"]
    found = ingredients("=INDEX(B1:B3,MATCH(Z9,A1:A3,1))", "S", value_of)
    assert [made.written for made in found] == ["S!B1:B3", "S!Z9", "S!A1:A3"]


def test_words_of_values_and_labels():
    assert in_words(None, "") == "not saved"
    assert in_words(True, "") == "TRUE"
    assert in_words(-3.0, "#,##0.00") == "-£3.00"
    assert in_words(0.0, "d mmm yyyy") == "0"
    cells = {"A5": SavedCell("", "Row"), "B5": SavedCell("", "text")}
    assert label_of(cells, "B5") == "Row"
    assert place_of("$AB$12") == (12, 28)


@pytest.mark.parametrize("text", ["part year", "NOT TESTED"])
def test_what_stands_in_place_of_a_figure_is_no_heading(text):
    cells = {"A1": SavedCell("", "Stream"), "B1": SavedCell("", "2015/16 £")}
    cells |= {"A2": SavedCell("", "Change"), "B2": SavedCell("", text)}
    cells |= {"A3": SavedCell("", "Weighted list"), "B3": SavedCell("=1", 1.0)}
    assert label_of(cells, "B3") == "Weighted list; 2015/16 £"
