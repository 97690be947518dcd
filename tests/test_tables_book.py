"""The accessible tables workbook: plain tables, one a sheet, with the figures of the result."""

import datetime as dt
import json
import re
import zipfile

import numpy as np
import openpyxl
import pytest

import capitation as cap
from capitation.tables.facts import Facts
from capitation.tables.of_result import tables_of
from capitation.tables.table import Column, Table, marked, numbered_notes
from capitation.workbook.tables_book import write_tables

from .strategies import BOLTON, NATIONAL, THAMES_VALLEY, shipped
from .test_workbook import few_practices

HOSTILE = ["=1+1", "<script>alert(1)</script>", "+44 20", "@SUM(1)", "&<>\"'"]


def hostile(practices):
    """The same practices, under names that a program may take for something else."""
    return practices.assign_coords(practice_name=("practice", HOSTILE))


@pytest.fixture(scope="module")
def result():
    practices = hostile(few_practices())
    two = list(shipped(THAMES_VALLEY).scenarios)[:2]
    found = cap.project(shipped(THAMES_VALLEY), practices, two, months=15)
    return found.assign_attrs(
        prepared=json.dumps({"Organisation": "=Ours", "Prepared by": "A. N. Other"}),
        input_notes=json.dumps(["A note of the input workbook."]),
    )


@pytest.fixture(scope="module")
def path(result, tmp_path_factory):
    path = tmp_path_factory.mktemp("tables") / "tables.xlsx"
    assert write_tables(result, path).checks_failed == 0
    return path


@pytest.fixture(scope="module")
def book(path):
    return openpyxl.load_workbook(path)


def tables_in(book):
    """Each sheet but the cover, with its one table."""
    for sheet in book.worksheets[1:]:
        (table,) = sheet.tables.values()
        yield sheet, table


def cells_of(sheet, table):
    rows = [[cell.value for cell in row] for row in sheet[table.ref]]
    return rows[0], rows[1:]


def by_sheet(result):
    return {table.sheet: table for table in tables_of(result)}


def test_each_sheet_has_one_table_marked_as_such_without_gaps(book):
    names = []
    for sheet, table in tables_in(book):
        names.append(table.displayName)
        top, last = (int(n) for n in re.findall(r"\d+", table.ref))
        heading, rows = cells_of(sheet, table)
        assert table.ref.startswith("A")
        assert (sheet.max_row, sheet.max_column) == (last, len(heading))
        assert [column.name for column in table.tableColumns] == heading
        assert all(heading)
        assert len({title.lower() for title in heading}) == len(heading)
        assert all(any(cell is not None for cell in row) for row in rows)
        assert all(any(row[n] is not None for row in rows) for n in range(len(heading)))
        above = [sheet.cell(row, 1).value for row in range(1, top)]
        assert all(above)
        assert above[1] == "This worksheet contains one table."
        assert len(above[0]) > len(sheet.title) or sheet.title == "Contents"
        blank = any(cell is None for row in rows for cell in row)
        assert any(text.startswith("Some cells are blank") for text in above) == blank
    assert len(set(names)) == len(names) == len(book.sheetnames) - 1


def test_nothing_is_merged_hidden_frozen_filtered_filled_or_a_formula(book, path):
    for sheet in book:
        assert not sheet.merged_cells.ranges
        assert sheet.freeze_panes is None
        assert sheet.auto_filter.ref is None
        assert all(table.autoFilter is None for table in sheet.tables.values())
        assert sheet.sheet_state == "visible"
        assert not any(of.hidden for of in sheet.row_dimensions.values())
        assert not any(of.hidden for of in sheet.column_dimensions.values())
        assert not sheet._images
        assert not sheet._charts
        assert not list(sheet.conditional_formatting)
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f"
                assert cell.fill.fill_type is None
                if cell.value is not None:
                    assert cell.font.size >= 12
                if isinstance(cell.value, str) and cell.row > 8:
                    assert cell.alignment.wrap_text
    with zipfile.ZipFile(path) as package:
        assert not any("<autoFilter" in package.read(n).decode() for n in package.namelist())


def test_cover_contents_and_notes(book, result):
    assert book.sheetnames[:2] == ["Cover", "Contents"]
    assert book.sheetnames[-1] == "Notes"
    assert (book.properties.title, book.properties.language) == (
        f"{result.attrs['title']}: tables",
        "en-GB",
    )
    cover = [row[0].value for row in book["Cover"].iter_rows()]
    assert book["Cover"].max_column == 1
    assert cover[0] == result.attrs["title"]
    assert {"Organisation: =Ours", "Base year: 2014/15"} <= set(cover)
    listed = {
        row[0].value: row[0].hyperlink.location for row in book["Contents"].iter_rows(min_row=5)
    }
    assert list(listed) == book.sheetnames[2:]
    assert listed["Payment calendar"] == "'Payment calendar'!A1"


def test_each_mark_of_a_note_leads_to_a_note_and_back(book, result):
    notes = {row[0].value: row for row in book["Notes"].iter_rows(min_row=4)}
    marked_on: dict[int, set[str]] = {}
    for sheet in book.worksheets[2:-1]:
        for row in sheet.iter_rows(max_row=12):
            for cell in row:
                for number in re.findall(r"\[note (\d+)\]", str(cell.value)):
                    marked_on.setdefault(int(number), set()).add(sheet.title)
    assert marked_on
    for number, sheets in marked_on.items():
        assert set(notes[number][2].value.split(", ")) == sheets
    rest = [row[2].value for number, row in notes.items() if number not in marked_on]
    assert set(rest) == {"The whole run"}
    said = [row[1].value for row in notes.values()]
    assert {*json.loads(book_notes(book)), "A note of the input workbook."} <= set(said)


def book_notes(book):
    return json.dumps(
        [r[1].value for r in book["Notes"].iter_rows() if r[2].value == "The whole run"]
    )


def test_figures_are_those_of_the_result(book, result):
    sheets = {sheet.title: cells_of(sheet, table) for sheet, table in tables_in(book)}
    heading, rows = sheets["Streams"]
    assert heading[:3] == ["Scenario", "Stream", "2015/16 £"]
    assert heading[3].startswith("2016/17 (3 months) £ [note")
    by_year = {year: result["fiscal_year"] == year for year in ("2015/16", "2016/17")}
    labels = {
        "Global sum": "global_sum",
        "PMS premium": "pms_premium",
        "All streams": "total_payments",
    }
    seen = 0
    for scenario, stream, *figures in rows:
        if stream in labels:
            of = result[labels[stream]]
            of = of.sel(scenario=scenario) if "scenario" in of.dims else of
            wanted = [float(of.sel(month=months).sum()) for months in by_year.values()]
            assert figures == pytest.approx([*wanted, sum(wanted)], abs=0.005)
            seen += 1
    assert seen == 6
    thousands = sheets["Streams in thousands"][1]
    assert [row[2] for row in thousands] == pytest.approx([row[2] / 1000 for row in rows])
    practices = [
        dict(zip(sheets["Practices"][0], row, strict=True)) for row in sheets["Practices"][1]
    ]
    row = practices[-1]
    of = result.sel(scenario=row["Scenario"], practice=row["Practice"])
    assert row["All years £"] == pytest.approx(float(of["total_payments"].sum()))
    each = row["All years £"] / float(of["payment_weighted_list"].mean()) * 12 / 15
    assert sheets["Practices"][1][-1][-1] == pytest.approx(each)
    total = sum(of["All years £"] for of in practices if of["Scenario"] == row["Scenario"])
    assert total == pytest.approx(sheets["Scenarios"][1][-1][2])


def test_gains_and_losses_are_those_of_the_function(result):
    first, second = (str(name) for name in result["scenario"].values)
    changed = cap.gains_and_losses(result, second, first)
    table = by_sheet(result)["Gains and losses"]
    assert table.column("Practice") == changed["practice"].values.tolist()
    assert table.column("Change, all years £") == pytest.approx(changed["change_of_run"].values)


def test_the_calendar_is_what_settlement_pays(result):
    settled = cap.settle(result).isel(scenario=0)
    table = by_sheet(result)["Payment calendar"]
    paid = settled["paid"].sum(("practice", "stream")).values / 100
    assert table.column("All streams £") == pytest.approx(paid)
    assert table.column("Month")[0] == dt.date(2015, 4, 1)


def test_assumptions_hold_each_dated_value_once_with_its_grounds(result):
    table = by_sheet(result)["Assumptions"]
    rows = [dict(zip([c.title for c in table.columns], row, strict=True)) for row in table.rows]
    price = [row for row in rows if row["Name in the rules"] == "global_sum_price"]
    term = shipped(THAMES_VALLEY).terms["global_sum_price"]
    assert [(row["From"], row["Value"]) for row in price] == [
        (value.start, value.value) for value in term.values
    ]
    assert all(row["Source"] or row["Assumption"] for row in rows)
    assert all(row["Source"].count(": ") for row in price)
    cited = {row["Source"].split(":")[0] for row in rows if row["Source"]}
    assert cited <= set(by_sheet(result)["Sources"].column("Source"))
    assert len(set(table.rows)) == len(table.rows)


def test_a_range_and_an_owner_stand_in_columns_of_their_own(result):
    entries = json.loads(result["monthly_list_growth"].attrs["dated_values"])
    for values in entries.values():
        values[0] |= {"low": 0.0, "high": 0.01, "owner": "Finance", "agreed": "2015-03-01"}
    changed = result.copy()
    changed["monthly_list_growth"].attrs["dated_values"] = json.dumps(entries)
    table = by_sheet(changed)["Assumptions"]
    titles = [column.title for column in table.columns]
    assert {"Low", "High", "Owner", "Agreed"} <= set(titles)
    row = next(r for r in table.rows if r[1] == "monthly_list_growth")
    found = dict(zip(titles, row, strict=True))
    assert (found["High"], found["Owner"], found["Agreed"]) == (0.01, "Finance", "2015-03-01")
    assert "Signed off" not in titles


def test_a_year_in_part_is_not_compared_with_the_base_year(result):
    table = by_sheet(result)["Change on base year"]
    assert table.column("Fiscal year") == ["2015/16", "2016/17 (3 months)"] * 2
    change = table.column("Change £")
    base = float(result["base_total_payments"].sum())
    in_year = (
        result["total_payments"].isel(scenario=0).sel(month=result["fiscal_year"] == "2015/16")
    )
    assert change[0] == pytest.approx(float(in_year.sum()) - base)
    assert change[1] is None
    assert "is not compared" in table.blanks


def test_one_scenario_selected_has_no_table_that_compares(result):
    sheets = set(by_sheet(result.isel(scenario=1)))
    assert not sheets & {"Scenarios by year", "Gains and losses", "Gains and losses counted"}
    assert {"Scenarios", "Streams", "Practices"} <= sheets


def test_an_empty_list_leaves_the_amount_for_each_patient_blank():
    practices = few_practices().copy(deep=True)
    for name in ("weighted_list", "registered_list"):
        practices[name][1] = 0.0
    table = by_sheet(cap.project(shipped(NATIONAL), practices, months=2))["Practices"]
    per_patient = [row[-1] for row in table.rows]
    assert [each is None for each in per_patient] == [False, True, False, False, False]
    assert "nobody is on the weighted list" in table.blanks


def test_a_check_that_fails_is_counted(result, tmp_path):
    wrong = result.copy(deep=True)
    wrong["total_payments"][:] += 1.0
    written = write_tables(wrong, tmp_path / "wrong.xlsx")
    assert written.checks_failed == 2
    assert "differs" in by_sheet(wrong)["Checks"].column("Verdict")


def test_names_that_look_like_formulas_stay_text(book):
    names = {row[2].value: row[2] for row in book["Practices"].iter_rows(min_row=6) if row[2].value}
    assert set(HOSTILE) <= set(names)
    assert all(names[name].data_type == "s" for name in HOSTILE)
    assert names["=1+1"].quotePrefix


def test_two_runs_are_byte_identical(result, path, tmp_path):
    again = tmp_path / "again.xlsx"
    write_tables(result, again)
    assert again.read_bytes() == path.read_bytes()


def test_a_sensitivity_that_the_result_carries_is_a_table():
    from capitation.sensitivities import sensitivity_json

    practices = few_practices().isel(practice=[0, 2])
    ranges = {"monthly_list_growth": (0.0, 0.001)}
    found = cap.sensitivity(shipped(BOLTON), practices, "total_payments", ranges, months=3)
    result = cap.project(shipped(BOLTON), practices, months=3)
    carried = result.assign_attrs(sensitivity=sensitivity_json(found))
    table = by_sheet(carried)["Sensitivity"]
    assert table.rows[0][1] == "monthly_list_growth"
    assert table.rows[0][-1] == pytest.approx(float(found["effect"].sel(side="high")[0]))
    assert "Sensitivity" not in by_sheet(result)


def test_what_is_no_whole_result_is_refused(tmp_path):
    part = cap.project(shipped(NATIONAL), few_practices(), months=1, variables=["global_sum"])
    with pytest.raises(cap.InputError, match="does not hold 'total_payments'"):
        write_tables(part, tmp_path / "tables.xlsx")
    with pytest.raises(cap.InputError, match=r"end it in \.xlsx"):
        write_tables(part, tmp_path / "tables.pdf")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("columns", "rows", "blanks", "said"),
    [
        (["A"], [], "", "no rows"),
        (["A", "B"], [("x",)], "", "another width"),
        (["A", "a"], [("x", "y")], "", "two columns of one title"),
        (["A", ""], [("x", "y")], "", "without a title"),
        (["A"], [(None,)], "", "does not say why"),
    ],
)
def test_a_table_that_is_not_sound_is_refused(columns, rows, blanks, said):
    with pytest.raises(ValueError, match=said):
        Table("T", "Title", tuple(map(Column, columns)), tuple(rows), blanks=blanks)


def test_notes_are_numbered_in_the_order_in_which_they_are_met():
    tables = [
        Table("A", "A", (Column("C", note="second"),), (("x",),), notes=("first",)),
        Table("B", "B", (Column("C", note="third"),), (("x",),), notes=("second",)),
    ]
    numbers = numbered_notes(tables)
    assert numbers == {"first": 1, "second": 2, "third": 3}
    assert marked("B", tables[1].all_notes, numbers) == "B [note 2] [note 3]"


def test_facts_of_a_run_that_begins_within_a_year():
    result = cap.project(shipped(NATIONAL), few_practices(), months=4, start="2016-02")
    facts = Facts(result)
    assert [column.title for column in facts.year_columns()] == [
        "2015/16 (2 months) £",
        "2016/17 (2 months) £",
    ]
    assert facts.period == "February 2016 to May 2016"
    assert np.isclose(facts.a_year(30.0, 10.0), 9.0)
