"""The template: what is written, what may be entered, and that it reads back as it was."""

import argparse
import datetime as dt
import json
import re
import shutil
import subprocess
import sys
import zipfile

import formualizer
import numpy as np
import openpyxl
import pytest
from openpyxl.utils import range_boundaries

import capitation as cap
from capitation.cli import check_summary, template_summary
from capitation.engine.terms import DatedValue
from capitation.inputs.layout import COVER_FIELDS, LIST_HEADINGS, SHEETS, TABLES, TITLE
from capitation.inputs.workbook import read_input_workbook
from capitation.model_file import models_folder
from capitation.workbook.template.book import write_template
from capitation.workbook.template.content import TemplateContent
from capitation.workbook.template.entry import LONGEST_LIST, LONGEST_MESSAGE, LONGEST_TITLE

from .strategies import NATIONAL, SANDWELL, THAMES_VALLEY, UNITING_CARE, VANGUARD, shipped

LIKE_FORMULAS = ["=1+1", "+44 20 7946 0000", "-2+3", "@SUM(1)", '=HYPERLINK("http://x","y")']
HEADING_ROWS = {"Assumptions": 5, "Practices": 6, "Contracts": 5, "Scenarios": 5}


def five_practices():
    return cap.example_practices().isel(practice=slice(5))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("templates")


@pytest.fixture(scope="module")
def pms(folder):
    """A template of a contract with fractions, scenarios and inputs of its own."""
    return write_template(folder / "pms.xlsx", THAMES_VALLEY, count=5)


@pytest.fixture(scope="module")
def book(pms):
    return openpyxl.load_workbook(pms)


@pytest.fixture(scope="module")
def blank(folder):
    return write_template(folder / "blank.xlsx", UNITING_CARE, blank=True)


def assert_same(read, model, practices, months):
    """What was read is the contract, and projects to the same bits."""
    assert read.model == model
    assert list(read.model.scenarios) == list(model.scenarios) == list(read.scenarios)
    expected = cap.project(model, practices, months=months)
    found = cap.project(read.model, read.practices, read.scenarios, months=months)
    assert set(found.data_vars) == set(expected.data_vars)
    for name in expected.data_vars:
        assert found[name].dims == expected[name].dims
        np.testing.assert_array_equal(found[name].values, expected[name].values)


# Round trip -------------------------------------------------------------------------------------


def test_what_is_written_reads_back_to_the_same_bits(pms):
    read = read_input_workbook(pms)
    assert_same(read, shipped(THAMES_VALLEY), five_practices(), 14)
    assert read.practices.attrs["fiscal_year"] == "2014/15"
    assert read.notes == []


@pytest.mark.parametrize("name", [UNITING_CARE, VANGUARD, SANDWELL])
def test_choices_and_scenarios_read_back(name, tmp_path):
    path = write_template(tmp_path / "in.xlsx", name, count=1)
    practices = cap.example_practices().isel(practice=slice(1))
    assert_same(read_input_workbook(path), shipped(name), practices, 13)


def test_a_contract_that_was_changed_is_written_as_it_is(tmp_path):
    changed = cap.with_terms(shipped(UNITING_CARE), {"savings_lag": 7, "price_on_top": "1/3"})
    path = write_template(tmp_path / "in.xlsx", changed, count=1)
    read = read_input_workbook(path)
    assert read.model.terms["price_on_top"].values[-1].written == "1/3"
    assert read.model.terms["savings_lag"].at(changed.start) == 7
    practices = cap.example_practices().isel(practice=slice(1))
    expected = cap.project(changed, practices, months=2)["total_payments"]
    found = cap.project(read.model, read.practices, months=2)["total_payments"]
    np.testing.assert_array_equal(found.values, expected.values)


def test_terms_of_single_practices_read_back(tmp_path):
    switch = DatedValue(dt.date(2016, 4, 1), 1.0, "1", assumption="Signed for GMS.")
    retained = DatedValue(dt.date(2017, 4, 1), 0.5, "1/2", assumption="Paused.")
    own = {
        "switched_to_gms": {"EX001": (switch,)},
        "premium_share_retained": {"EX002": (retained,)},
    }
    model = cap.with_practice_terms(shipped(THAMES_VALLEY), own)
    path = write_template(tmp_path / "in.xlsx", model, count=2)
    read = read_input_workbook(path).model.practice_terms
    assert read["switched_to_gms"]["EX001"] == (switch,)
    assert read["premium_share_retained"]["EX002"] == (retained,)


def test_a_model_of_ones_own_is_named_by_its_file(tmp_path):
    text = (models_folder() / f"{SANDWELL}.toml").read_text("utf-8")
    ours = tmp_path / "ours.toml"
    ours.write_text(text.replace(f'name = "{SANDWELL}"', 'name = "ours"'), "utf-8")
    path = write_template(tmp_path / "in.xlsx", ours, count=1)
    assert openpyxl.load_workbook(path)["Cover"]["B10"].value == "ours.toml"
    read = read_input_workbook(path).model
    assert (read.name, read.terms) == ("ours", shipped(SANDWELL).terms)
    assert TemplateContent(read, None, tmp_path).named == "ours.toml"
    assert TemplateContent(ours, None, tmp_path / "below").named == "../ours.toml"


def test_names_that_look_like_formulas_stay_text(tmp_path):
    practices = five_practices().assign_coords(practice_name=("practice", LIKE_FORMULAS))
    path = write_template(tmp_path / "in.xlsx", NATIONAL, practices=practices)
    sheet = openpyxl.load_workbook(path)["Practices"]
    cells = [sheet.cell(row, 2) for row in range(7, 12)]
    assert [(cell.value, cell.data_type, cell.quotePrefix) for cell in cells] == [
        (name, "s", True) for name in LIKE_FORMULAS
    ]
    with zipfile.ZipFile(path) as package:
        sheets = [n for n in package.namelist() if n.startswith("xl/worksheets/sheet")]
        assert not any(b"<f>" in package.read(name) for name in sheets)
    read = read_input_workbook(path)
    assert read.practices["practice_name"].values.tolist() == LIKE_FORMULAS


def test_figures_that_a_contract_asks_for_are_written(tmp_path):
    inputs = [n for n, of in shipped(THAMES_VALLEY).inputs.items() if of.value is not None]
    name = next(n for n in inputs if n in shipped(THAMES_VALLEY).graph().leaves)
    given = five_practices().assign({name: ("practice", np.array([1.5, 0.0, 2.5, 0.0, 0.0]))})
    path = write_template(tmp_path / "in.xlsx", THAMES_VALLEY, practices=given)
    assert read_input_workbook(path).practices[name].values.tolist() == [1.5, 0.0, 2.5, 0.0, 0.0]
    holed = given.assign({name: ("practice", np.array([1.5, np.nan, 2.5, 0.0, 0.0]))})
    with pytest.raises(cap.InputError, match="not a number"):
        write_template(tmp_path / "in.xlsx", THAMES_VALLEY, practices=holed)


def test_two_runs_give_the_same_bytes(pms, tmp_path):
    again = write_template(tmp_path / "pms.xlsx", THAMES_VALLEY, count=5)
    assert again.read_bytes() == pms.read_bytes()


# What stands where ------------------------------------------------------------------------------


def test_sheets_stand_in_order_and_none_is_hidden(book):
    assert tuple(book.sheetnames) == SHEETS
    for sheet in book:
        assert sheet.sheet_state == "visible"
        assert not any(row.hidden for row in sheet.row_dimensions.values())
        assert not any(column.hidden for column in sheet.column_dimensions.values())
        assert not sheet.merged_cells.ranges
        assert sheet.page_setup.orientation == "landscape"
    assert book["Cover"]["A1"].value == TITLE


def test_cover_has_every_line_with_what_is_wanted(book):
    lines = list(book["Cover"].iter_rows(min_row=6, max_row=13, max_col=3, values_only=True))
    assert [line[0] for line in lines] == [field.heading for field in COVER_FIELDS]
    assert [line[2] for line in lines] == [field.help for field in COVER_FIELDS]
    filled = {label: value for label, value, _ in lines}
    assert filled["Model"] == THAMES_VALLEY
    assert filled["Fiscal year of the figures"] == "2014/15"
    assert (filled["First month"], filled["Months"]) == (dt.datetime(2015, 4, 1), 60)
    said = [cell.value for cell in book["Cover"]["A"] if cell.value]
    assert {"Key", "Input", "Given", "Sheets", "Steps"} <= set(said)


@pytest.mark.parametrize("name", list(HEADING_ROWS))
def test_headings_are_one_row_marked_as_a_table_and_held_in_sight(book, name):
    sheet, row = book[name], HEADING_ROWS[name]
    headings = [cell.value for cell in sheet[row]]
    known = [column.heading for column in TABLES[name].columns]
    assert headings[: len(known)] == known
    (table,) = sheet.tables.values()
    assert [column.name for column in table.tableColumns] == headings
    left, top, right, bottom = range_boundaries(table.ref)
    assert (left, top, right, bottom) == (1, row, len(headings), sheet.max_row)
    assert table.autoFilter is None
    assert sheet.freeze_panes in (f"B{row + 1}", f"C{row + 1}")
    assert sheet.print_title_rows.endswith(f"${row}")
    assert "wanted" not in headings
    assert sheet.max_row - 30 > row


def test_practices_have_titles_and_units_over_the_library_s_names(book):
    sheet = book["Practices"]
    column = [cell.value for cell in sheet[6]].index("weighted_list") + 1
    over = [sheet.cell(row, column).value for row in (4, 5, 6)]
    assert over == ["Weighted list", "patient", "weighted_list"]
    titles = {
        sheet.cell(6, n).value: sheet.cell(4, n).value for n in range(1, sheet.max_column + 1)
    }
    assert titles["premises"].endswith("[not needed]") == (
        "base_premises" not in shipped(THAMES_VALLEY).graph().leaves
    )
    for name, given in shipped(THAMES_VALLEY).inputs.items():
        if name in titles and given.value is not None:
            assert titles[name] == f"{given.title} [if blank: {given.value:.10g}]"


def test_figures_are_numbers_dates_are_dates_and_fractions_are_text(book):
    sheet = book["Assumptions"]
    rows = [row for row in sheet.iter_rows(min_row=6) if row[0].value]
    by_term = {}
    for row in rows:
        assert isinstance(row[3].value, dt.datetime)
        assert row[3].is_date
        by_term.setdefault(row[0].value, []).append(row[4])
    written = [cell.value for cell in by_term["premium_share_retained"]]
    assert written[1:4] == ["3/4", "1/2", "1/4"]
    assert by_term["premium_share_retained"][1].number_format == "@"
    assert 75.77 in [cell.value for cell in by_term["global_sum_price"]]
    terms = [term for term in shipped(THAMES_VALLEY).terms.values() if term.name in by_term]
    assert len(rows) == sum(len(term.values) for term in terms)


def test_fills_are_said_in_words_too(book):
    sheet = book["Assumptions"]
    fills = [(row[0].value, row[4].fill.fgColor.rgb[-6:]) for row in sheet.iter_rows(min_row=6)]
    green = [term for term, fill in fills if fill == "E2EFDA"]
    first = next(n for n, (_, fill) in enumerate(fills) if fill == "E2EFDA")
    assert all(fill == "FFF2CC" for _, fill in fills[:first])
    assert f"from {green[0]} on" in sheet["A3"].value
    assert "(green)" in sheet["A3"].value


def test_only_cover_and_lists_are_protected_and_what_is_filled_in_is_open(book):
    protected = [sheet.title for sheet in book if sheet.protection.sheet]
    assert protected == ["Cover", "Lists"]
    assert book["Cover"].protection.password is None
    assert all(not book["Cover"].cell(row, 2).protection.locked for row in range(6, 14))
    assert book["Cover"]["A6"].protection.locked


def test_lists_hold_what_may_be_chosen_and_the_sources_in_full(book):
    sheet = book["Lists"]
    columns = {
        column[3].value: [c.value for c in column[4:] if c.value] for column in sheet.columns
    }
    assert list(columns)[: len(LIST_HEADINGS)] == list(LIST_HEADINGS)
    assert columns["Models"] == list(cap.models())
    assert "five-equal-years" in columns["Schedules"]
    cited = {row[7].value for row in book["Assumptions"].iter_rows(min_row=6) if row[7].value}
    assert cited <= set(columns["Sources"])
    assert len(columns["What the source is"]) == len(columns["Sources"])


# What may be entered ----------------------------------------------------------------------------


def validations(sheet):
    return sheet.data_validations.dataValidation


@pytest.mark.parametrize("name", list(HEADING_ROWS))
def test_every_cell_of_a_table_has_one_validation_with_words_that_fit(book, name):
    sheet, first = book[name], HEADING_ROWS[name] + 1
    covered = np.zeros((20_000, sheet.max_column), dtype=int)
    for validation in validations(sheet):
        assert len(validation.promptTitle) <= LONGEST_TITLE
        assert 0 < len(validation.prompt) <= LONGEST_MESSAGE
        assert 0 < len(validation.error) <= LONGEST_MESSAGE
        assert len(validation.errorTitle) <= LONGEST_TITLE
        assert validation.showErrorMessage
        assert len(validation.formula1) <= LONGEST_LIST
        for area in validation.sqref.ranges:
            left, top, right, bottom = area.bounds
            covered[top - 1 : bottom, left - 1 : right] += 1
    assert (covered[first - 1 :] == 1).all()
    assert (covered[: first - 1] == 0).all()


def test_lists_of_validations_are_where_the_lists_are(book):
    headings = {cell.column_letter: cell.value for cell in book["Lists"][4]}
    found = {}
    for sheet in book:
        for validation in validations(sheet):
            match = re.fullmatch(r"Lists!\$([A-Z]+)\$5:\$\1\$(\d+)", validation.formula1 or "")
            if match:
                column = book["Lists"][match[1]]
                assert column[int(match[2]) - 1].value
                assert len(column) == int(match[2]) or not column[int(match[2])].value
                found.setdefault(headings[match[1]], set()).add(sheet.title)
    assert found["Terms"] == {"Assumptions", "Contracts", "Scenarios"}
    assert set(found) == {"Models", "Terms", "Schedules", "Contract types", "Yes or no"}


def test_whatever_is_filled_in_passes_its_own_validation(pms, tmp_path):
    book = openpyxl.load_workbook(pms)
    tests = []
    for sheet in book.worksheets:
        for validation in validations(sheet):
            for area in validation.sqref.ranges:
                cells = sheet.iter_rows(
                    min_row=area.min_row,
                    max_row=min(area.max_row, sheet.max_row),
                    min_col=area.min_col,
                    max_col=area.max_col,
                )
                first = f"{openpyxl.utils.get_column_letter(area.min_col)}{area.min_row}"
                for cell in (cell for row in cells for cell in row if cell.value is not None):
                    tests.append(
                        (sheet.title, cell.coordinate, formula_of(validation, cell, first))
                    )
    aside = book.create_sheet("Tests")
    for row, (_, _, formula) in enumerate(tests, start=1):
        aside.cell(row, 1, formula)
    copy = tmp_path / "tests.xlsx"
    book.save(copy)
    formualizer.recalculate_file(str(copy))
    results = [row[0] for row in openpyxl.load_workbook(copy, data_only=True)["Tests"].values]
    failed = [test for test, passes in zip(tests, results, strict=True) if passes is not True]
    assert failed == []
    assert len(tests) > 1_000


def formula_of(validation, cell, first):
    """A validation as a formula for one of its cells."""
    here = f"'{cell.parent.title}'!{cell.coordinate}"
    low, high = validation.formula1, validation.formula2
    if validation.type == "list":
        if low.startswith('"'):
            chosen = ",".join(f'{here}="{choice}"' for choice in low[1:-1].split(","))
            return f"=OR({chosen})"
        listed = low if "!" in low else f"'{cell.parent.title}'!{low}"
        return f"=COUNTIF({listed},{here})>0"
    if validation.type in ("decimal", "whole", "date"):
        return f"=AND(ISNUMBER({here}),{here}>={low},{here}<={high})"
    if validation.type == "textLength":
        return f"=AND(LEN({here})>={low},LEN({here})<={high})"
    moved = re.sub(rf"(?<![$A-Z]){first}(?!\d)", here, low)
    return "=" + re.sub(r"(?<!!)\$A\$7:\$A\$20000", f"'{cell.parent.title}'!$A$7:$A$20000", moved)


@pytest.mark.parametrize(
    ("term", "value", "passes"),
    [
        ("premium_share_retained", 0.5, True),
        ("premium_share_retained", "6/7", True),
        ("premium_share_retained", "half", False),
        ("premium_share_retained", 46_200, False),
        ("global_sum_price", 80.0, True),
        ("global_sum_price", -1.0, False),
        ("global_sum_price", "eighty", False),
    ],
)
def test_a_figure_is_a_number_within_bounds_or_a_fraction_of_a_share(book, term, value, passes):
    sheet = book["Assumptions"]
    row = next(row for row in range(6, 500) if sheet.cell(row, 1).value == term)
    validation = next(v for v in validations(sheet) if f"E{row}" in v.sqref)
    low, high = validation.formula1, validation.formula2
    if validation.type == "decimal":
        assert (isinstance(value, float) and float(low) <= value <= float(high)) == passes
        return
    aside = openpyxl.Workbook()
    cell = aside.active["E1"]
    cell.value = value
    sheets = formualizer.Workbook()
    sheets.add_sheet("S")
    sheets.set_value("S", 1, 5, value)
    sheets.set_formula("S", 1, 1, "=" + low.replace(f"E{row}", "E1"))
    assert bool(sheets.evaluate_cell("S", 1, 1)) == passes


def test_a_choice_is_offered_by_name(blank):
    sheet = openpyxl.load_workbook(blank)["Assumptions"]
    row = next(n for n in range(6, 60) if sheet.cell(n, 1).value == "provider_legal_form")
    validation = next(v for v in validations(sheet) if f"E{row}" in v.sqref)
    choices = shipped(UNITING_CARE).terms["provider_legal_form"].choices
    assert validation.formula1 == f'"{",".join(choices)}"'
    assert sheet.cell(row, 5).value in choices


# Blank ------------------------------------------------------------------------------------------


def test_blank_has_the_contract_s_figures_and_nothing_else(blank):
    book = openpyxl.load_workbook(blank)
    filled = {row[0].value: row[1].value for row in book["Cover"].iter_rows(min_row=6, max_row=13)}
    assert {label for label, value in filled.items() if value is not None} == {
        "Model",
        "First month",
        "Months",
    }
    assert all(cell.value is None for row in book["Practices"].iter_rows(min_row=7) for cell in row)
    assert book["Practices"].max_row - 6 == 36
    assert book["Assumptions"]["A6"].value
    # What is typed in an empty cell is taken for what it is.
    assert book["Cover"]["B8"].number_format == "d mmm yyyy"
    assert book["Practices"]["A7"].number_format == "@"
    assert book["Practices"]["E7"].number_format == "#,##0.0"


def test_blank_lacks_a_year_and_practices_and_nothing_else(blank):
    with pytest.raises(cap.InputError) as caught:
        read_input_workbook(blank)
    places = [problem.where for problem in caught.value.problems]
    assert any(place.endswith("Cover!B11") for place in places)
    assert all("Cover!B11" in place or "Practices" in place for place in places)


BLANK_RUN = """
import json, sys
from capitation.workbook.template.book import write_template
write_template(sys.argv[1], "uniting-care", blank=True)
print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))
"""


def test_a_blank_template_loads_neither_numba_nor_xarray(tmp_path):
    command = [sys.executable, "-W", "error", "-c", BLANK_RUN, str(tmp_path / "in.xlsx")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert set(json.loads(done.stdout)) & {"numba", "xarray", "pandas", "dask"} == set()


# Refusals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"count": 0}, "found 0 (from 1 to 50)"),
        ({"count": 51}, "found 51 (from 1 to 50)"),
        ({"blank": True, "count": 5}, "there are a number of practices too"),
        ({"model": "bolton-quality-contact"}, "did you mean 'bolton-quality-contract'?"),
    ],
)
def test_what_cannot_be_written_is_refused(tmp_path, options, said):
    with pytest.raises(cap.InputError, match=re.escape(said)):
        write_template(tmp_path / "in.xlsx", **options)
    assert list(tmp_path.iterdir()) == []


def test_practices_are_not_for_a_blank_template(tmp_path):
    with pytest.raises(cap.InputError, match="there are practices too"):
        write_template(tmp_path / "in.xlsx", practices=five_practices(), blank=True)
    with pytest.raises(cap.InputError, match="the year of the figures is not stated"):
        write_template(tmp_path / "in.xlsx", practices=five_practices().drop_attrs())
    with pytest.raises(cap.InputError, match="end it in"):
        write_template(tmp_path / "in.xls")


# Commands ---------------------------------------------------------------------------------------


def asked(module, *argv):
    """The words of a command as it gets them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    module.add_options(parser.add_argument)
    return parser.parse_args([str(word) for word in argv])


def test_template_says_what_is_written_and_what_to_type_next(tmp_path):
    path = tmp_path / "in.xlsx"
    args = asked(template_summary, path, "--model", UNITING_CARE, "--practices", 2)
    said, status = template_summary.template(args)
    assert status == 0
    assert "2 invented practices; 30 figures of 29 terms, 5 scenarios, 60 months" in said
    output = tmp_path / "in-budget.xlsx"
    assert said.endswith(f"capitation check {path}\n  capitation run {path} --output {output}")
    words = path, "--model", UNITING_CARE, "--blank", "--json", "--replace"
    assert (
        json.loads(template_summary.template(asked(template_summary, *words))[0])["practices"] == 0
    )


def test_what_was_filled_in_is_not_written_over(tmp_path):
    path = tmp_path / "in.xlsx"
    path.write_text("filled in")
    with pytest.raises(cap.InputError, match=r"in\.xlsx: is there already \(choose another name"):
        template_summary.template(asked(template_summary, path, "--model", UNITING_CARE))
    assert path.read_text() == "filled in"


def test_the_licence_of_official_figures_stands_in_the_notes(tmp_path):
    practices = five_practices().assign_attrs(licence="Contains information.", source="p.csv")
    path = write_template(tmp_path / "in.xlsx", THAMES_VALLEY, practices=practices)
    (note,) = read_input_workbook(path).input_notes
    assert note.startswith("Figures of the practices: ")
    assert note.endswith("(p.csv). Contains information.")


def test_check_says_what_was_read(pms):
    said, status = check_summary.check(asked(check_summary, pms))
    assert status == 0
    assert said.endswith("\n0 problems")
    assert re.search(r"Practices +5\n", said)
    assert re.search(r"Terms that are not as in the model +none", said)
    found = json.loads(check_summary.check(asked(check_summary, pms, "--json"))[0])
    assert found["problems"] == []
    assert found["totals"]["registered_list"] == float(five_practices()["registered_list"].sum())
    assert found["model"] == THAMES_VALLEY


def test_check_names_the_terms_that_were_changed(pms, tmp_path):
    path = tmp_path / "in.xlsx"
    shutil.copy(pms, path)
    book = openpyxl.load_workbook(path)
    sheet = book["Assumptions"]
    row = next(n for n in range(6, 500) if sheet.cell(n, 1).value == "premium_share_retained")
    sheet.cell(row + 1, 5).value = "4/5"
    book.save(path)
    found = json.loads(check_summary.check(asked(check_summary, path, "--json"))[0])
    assert found["terms_changed"] == ["premium_share_retained"]
    assert found["scenarios_changed"] == []


def test_check_tells_every_problem_and_lists_them(pms, tmp_path, capsys):
    path, errors = tmp_path / "in.xlsx", tmp_path / "wrong.xlsx"
    book = openpyxl.load_workbook(pms)
    book["Practices"]["E8"] = -3
    book["Practices"]["F9"] = "eight thousand"
    book.save(path)
    with pytest.raises(cap.InputError) as caught:
        check_summary.check(asked(check_summary, path, "--errors", errors))
    wrong = [str(problem) for problem in caught.value.problems]
    assert [re.search(r"Practices!\w+", text)[0] for text in wrong] == [
        "Practices!E8",
        "Practices!F9",
    ]
    assert f"{errors} lists 2 problems" in capsys.readouterr().err
    sheet = openpyxl.load_workbook(errors)["Problems"]
    assert sheet["B6"].hyperlink.location == "Practices!E8"
    said, status = check_summary.check(asked(check_summary, path, "--json"))
    assert status == 2
    assert [problem["cell"] for problem in json.loads(said)["problems"]] == ["E8", "F9"]
    check_summary.check(asked(check_summary, pms, "--errors", errors))
    assert openpyxl.load_workbook(errors)["Problems"]["A6"].value is None


def test_check_reads_models_and_official_files(tmp_path):
    said, _ = check_summary.check(asked(check_summary, UNITING_CARE))
    assert said.splitlines()[0] == "uniting-care: model"
    said, _ = check_summary.check(asked(check_summary, models_folder() / f"{UNITING_CARE}.toml"))
    assert "Scenarios  5: as-signed" in said
    tool = tmp_path / "tool.csv"
    tool.write_text(
        "Practice_Code,GP_Practice_Name,LOC22,pop 2022/23,G&A WP,CS WP,MH WP,Mat WP,"
        "Health Ineq WP,Prescr WP,Final WP,Primary Medical Care WP,Final PMC WP\n"
        "A99999,Example Surgery,00X,8000,8100,8200,7900,7000,9000,8300,8400,8000,8150\n",
        "utf-8",
    )
    said, _ = check_summary.check(asked(check_summary, tool))
    assert "official file, weighted populations" in said
    paid = tmp_path / "payments.csv"
    paid.write_text(
        "Practice Code,Practice Name,CCG Code,Contract Type,Number of Registered Patients,"
        "Number of Weighted Patients,GlobalSum_£,MPIG Correction factor,"
        "Balance of PMS Expenditure,Seniority,Total QOF Payments,"
        "Total NHS Payments to General Practice\n"
        'A99999,Example Surgery,00X,GMS,5000,4800,"350,000",0,-,0,50000,400000\n',
        "utf-8",
    )
    said, _ = check_summary.check(asked(check_summary, paid, "--fiscal-year", "2014/15"))
    assert "payments to general practice" in said
    assert re.search(r"Total payments +£400,000", said)


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("uniting-car", (), "did you mean 'uniting-care'?"),
        ("uniting-care", ("--fiscal-year", "2014/15"), "is for official files"),
        ("absent.xlsx", (), "there is no such file"),
        ("other.csv", (), "no heading speaks of payments"),
        ("other.csv", ("--errors", "wrong.csv"), "end it in .xlsx"),
    ],
)
def test_check_refuses_what_it_cannot_read(tmp_path, monkeypatch, name, options, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other.csv").write_text("town,inhabitants\nBolton,1\n", "utf-8")
    with pytest.raises(cap.InputError, match=re.escape(said)):
        check_summary.check(asked(check_summary, name, *options))
