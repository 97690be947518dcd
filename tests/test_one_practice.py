"""One practice: live for the practice and the scenario chosen, in a workbook of values."""

import datetime as dt
from dataclasses import replace

import numpy as np
import openpyxl
import pytest

import capitation as cap
from capitation.engine.terms import DatedValue
from capitation.wording import label
from capitation.workbook.content import Content
from capitation.workbook.one_practice.sheet import AS_MADE, CHANGED, KNOWN, UNKNOWN
from capitation.workbook.writer import written_book

from .recalculation import recalculated, stale_copy
from .strategies import (
    BOLTON,
    EAST_ANGLIA,
    NATIONAL,
    OUT_OF_HOSPITAL,
    SANDWELL,
    THAMES_VALLEY,
    UNITING_CARE,
    shipped,
)

ONE, FIRST_YEAR = "One practice", 3
STATE, CODE, SHOWN = "B13", "B4", "B6"


def few_practices():
    """Enough practices to hold each contract, of two commissioners that do not stand in order."""
    practices = cap.example_practices().isel(practice=[0, 1, 15])
    area = np.where(np.arange(practices.sizes["practice"]) % 2 == 0, "02B", "01A")
    return practices.assign_coords(commissioner=("practice", area))


@pytest.fixture(params=["calculation", "summaries"])
def either_form(request, monkeypatch):
    """Write the workbooks of a test with the calculation of every practice, and without it."""
    if request.param == "summaries":
        monkeypatch.setattr("capitation.workbook.size.MOST_CELLS", 10)


def written(result):
    return written_book(Content(result.assign_attrs(live="one")))


def block(values, sheet, title):
    """Streams by year of a block of the sheet, by label: all years last."""
    column = [cell.value for cell in sheet["A"]]
    row = column.index(title) + 3
    found = {}
    while sheet.cell(row, 1).value:
        cells = sheet.iter_cols(FIRST_YEAR, sheet.max_column, row, row)
        addresses = [cell[0].coordinate for cell in cells]
        found[sheet.cell(row, 1).value] = [values[a] for a in addresses if a in values]
        row += 1
    return found


def payments(result, code, scenario):
    """What a practice is paid in each year, by label of the stream, in the kernel's figures."""
    found = {}
    for name in [*Content(result).streams, "total_payments"]:
        amounts = result[name].sel(practice=code)
        amounts = amounts.sel(scenario=scenario) if "scenario" in amounts.dims else amounts
        of_year = result["fiscal_year"].values
        years = [amounts.values[of_year == y].sum() for y in result["year"].values]
        found[label(name)] = [*years, sum(years)]
    return found


def assert_paid(found, expected):
    assert found.keys() == expected.keys()
    for name, amounts in expected.items():
        assert found[name] == pytest.approx(amounts, abs=0.005), name


def edited(book, folder, *edits):
    """Type other figures into the workbook's cells, for another program to recalculate."""
    cells = [book.workbook[sheet][cell] for sheet, cell, _ in edits]
    before = [cell.value for cell in cells]
    for cell, (sheet, address, value) in zip(cells, edits, strict=True):
        cell.value = value
        book.values[sheet].pop(address, None)
    found = recalculated(stale_copy(book, folder))
    for cell, value in zip(cells, before, strict=True):
        cell.value = value
    return found


def value_row(book, name, start, scenario="all"):
    """The row of Terms with the value of a term from a date."""
    for row in book.workbook["Terms"].iter_rows(min_row=7):
        if (row[1].value, row[2].value) == (name, scenario) and row[3].value == start:
            return f"E{row[0].row}"
    raise AssertionError(f"{name} has no value from {start}")


def checks_failed(values):
    return [cell for cell, value in values["Checks"].items() if value == "CHECK"]


def run(name, scenarios=2, start="2016-02", months=4):
    """A few months on both sides of the turn of a fiscal year, which is all that formulas need."""
    chosen = list(shipped(name).scenarios)[:scenarios]
    return cap.project(shipped(name), few_practices(), chosen, months, start=start)


def assert_live(result, folder, *choices):
    """Each choice of a practice and a scenario gives what the kernel computes for it."""
    book, summary = written(result)
    for code, scenario in choices:
        typed = ((ONE, CODE, code), ("Cover", SHOWN, scenario))
        values = edited(book, folder, *typed[: 1 + (result.sizes["scenario"] > 1)])
        expected = payments(result, code, scenario)
        assert_paid(block(values[ONE], book.workbook[ONE], "Live"), expected)
        assert_paid(block(values[ONE], book.workbook[ONE], "As run"), expected)
        assert values[ONE][STATE] == AS_MADE
        assert values["Cover"]["B4"] == f"All {len(summary.checks)} checks OK"


@pytest.mark.usefixtures("either_form")
def test_every_practice_in_every_scenario_is_live(tmp_path):
    result = run(EAST_ANGLIA)
    first, last = result["scenario"].values
    assert_live(result, tmp_path, ("EX001", last), ("EX002", first), ("EX016", last))


@pytest.mark.parametrize("name", [SANDWELL, UNITING_CARE, BOLTON])
def test_other_contracts_are_live(name, tmp_path):
    result = run(name)
    assert_live(result, tmp_path, ("EX002", result["scenario"].values[-1]))


def test_the_budget_of_a_whole_population_is_live(tmp_path):
    result = run(OUT_OF_HOSPITAL, start="2018-03", months=2)
    assert_live(result, tmp_path, ("EX002", result["scenario"].values[-1]))


@pytest.mark.usefixtures("either_form")
def test_what_is_saved_is_what_the_formulas_come_to(tmp_path):
    book, _ = written(run(EAST_ANGLIA))
    found = recalculated(stale_copy(book, tmp_path))
    for sheet, cells in book.values.items():
        for cell, value in cells.items():
            other = found[sheet].get(cell, "")
            if isinstance(other, dt.datetime):
                other = (other - dt.datetime(1899, 12, 30)).days
            same = value == pytest.approx(other, abs=0.005) if value != other else True
            assert same, (sheet, cell, value, other)


def test_a_term_changed_in_the_sheet_gives_what_the_library_computes_for_it(tmp_path):
    model, practices = shipped(NATIONAL), few_practices()
    result = cap.project(model, practices, months=4, start="2015-09")
    book, _ = written(result)
    sheet, start = book.workbook[ONE], dt.date(2015, 10, 1)
    price = model.terms["global_sum_price"]
    values = tuple(
        replace(v, value=80.0, written="80") if v.start == start else v for v in price.values
    )
    cell = value_row(book, "global_sum_price", start)
    found = edited(book, tmp_path, (ONE, CODE, "EX002"), ("Terms", cell, 80.0))
    changed = replace(model, terms=model.terms | {price.name: replace(price, values=values)})
    expected = payments(
        cap.project(changed, practices, months=4, start="2015-09"),
        "EX002",
        Content(result).scenarios[0],
    )
    live = block(found[ONE], sheet, "Live")
    assert_paid(live, expected)
    as_run = payments(result, "EX002", Content(result).scenarios[0])
    assert_paid(block(found[ONE], sheet, "As run"), as_run)
    apart = block(found[ONE], sheet, "Difference: live less as run")["Total payments"][-1]
    assert apart == pytest.approx(
        live["Total payments"][-1] - as_run["Total payments"][-1], abs=0.02
    )
    # A question that the reader asks of the workbook is no fault of the workbook.
    assert (found[ONE][STATE], checks_failed(found)) == (CHANGED, [])


def test_a_figure_of_the_practice_changed_in_the_sheet_is_followed(tmp_path):
    practices = few_practices()
    result = cap.project(NATIONAL, practices, months=3)
    book, _ = written(result)
    names = [cell.value for cell in book.workbook["Practices"][6]]
    codes = [cell.value for cell in book.workbook["Practices"]["A"]]
    cell = book.workbook["Practices"].cell(
        codes.index("EX002") + 1, names.index("base_weighted_list") + 1
    )
    changed = practices.copy(deep=True)
    changed["weighted_list"].loc[{"practice": "EX002"}] = 9_999
    typed = (ONE, CODE, "EX002"), ("Practices", cell.coordinate, 9_999)
    found = edited(book, tmp_path, *typed)
    after = cap.project(NATIONAL, changed, months=3)
    expected = payments(after, "EX002", Content(result).scenarios[0])
    assert_paid(block(found[ONE], book.workbook[ONE], "Live"), expected)
    assert found[ONE][STATE] == CHANGED
    # Another practice's figure does not matter to the one chosen.
    found = edited(book, tmp_path, (ONE, CODE, "EX001"), typed[1])
    assert (found[ONE][STATE], checks_failed(found)) == (AS_MADE, [])


def test_contracts_exchanged_in_the_sheet_are_seen(tmp_path):
    """Two figures that change places leave every plain sum as it was."""
    result = cap.project(NATIONAL, few_practices(), months=1)
    book, _ = written(result)
    names = [cell.value for cell in book.workbook["Practices"][6]]
    row = book.workbook["Practices"]["A"][6].row
    flags = [
        book.workbook["Practices"].cell(row, names.index(name) + 1)
        for name in ("gms_contract", "pms_contract")
    ]
    typed = [("Practices", cell.coordinate, 1 - cell.value) for cell in flags]
    assert edited(book, tmp_path, *typed)[ONE][STATE] == CHANGED


def test_a_fault_in_the_sheet_is_found(tmp_path):
    result = run(SANDWELL, months=2)
    book, _ = written(result)
    rows = book.workbook["One practice by month"]
    row = next(cell.row for cell in rows["A"] if cell.value == "total_payments")
    found = edited(book, tmp_path, (rows.title, f"F{row}", 5.0))
    assert found["Cover"]["B4"] == "2 checks fail"


def test_a_scenario_that_is_not_in_the_run_shows_the_first(tmp_path):
    result = run(SANDWELL, months=2)
    book, _ = written(result)
    found = edited(book, tmp_path, ("Cover", SHOWN, "no such scenario"))
    assert found[ONE]["B5"] == Content(result).scenarios[0]


@pytest.mark.usefixtures("either_form")
@pytest.mark.parametrize("typed", ["no such practice", None])
def test_a_practice_that_is_not_in_the_run_shows_the_first(typed, tmp_path):
    """No error fills the sheet, and no check calls payments of nothing right."""
    result = run(SANDWELL, months=2)
    book, _ = written(result)
    assert book.values[ONE]["C4"] == KNOWN
    found = edited(book, tmp_path, (ONE, CODE, typed))
    first = Content(result).codes[0]
    assert (found[ONE]["C4"], found[ONE]["B12"]) == (UNKNOWN, first)
    expected = payments(result, first, Content(result).scenarios[0])
    for title in ("Live", "As run"):
        assert_paid(block(found[ONE], book.workbook[ONE], title), expected)
    assert found["Cover"]["B4"] == "1 checks fail"


def own_terms():
    def dated(start, value):
        return DatedValue(dt.date.fromisoformat(start), value, str(value), assumption="Agreed.")

    return {
        "switched_to_gms": {"EX001": (dated("2016-04-01", 1.0),)},
        "premium_share_retained": {
            "EX001": (dated("2015-05-01", 0.5), dated("2016-04-01", 0.25)),
            "EX002": (dated("2016-03-01", 0.9),),
        },
    }


def test_what_a_practice_has_of_its_own_is_found(tmp_path):
    model = cap.with_practice_terms(shipped(THAMES_VALLEY), own_terms())
    scenarios = list(model.scenarios)[:2]
    result = cap.project(model, few_practices(), scenarios, 4, start="2016-02")
    choices = [(code, scenarios[1]) for code in ("EX001", "EX002", "EX016")]
    assert_live(result, tmp_path, *choices)


def test_what_a_practice_has_of_its_own_may_be_changed(tmp_path):
    model = cap.with_practice_terms(shipped(THAMES_VALLEY), own_terms())
    result = cap.project(model, few_practices(), list(model.scenarios)[:1], 2)
    book, _ = written(result)
    own = next(c for c in book.workbook["Terms"]["C"] if c.value == "practice EX002")
    typed = ("Terms", f"E{own.row}", own.offset(0, 2).value + 0.125)
    assert edited(book, tmp_path, typed)[ONE][STATE] == CHANGED


def test_a_term_of_the_year_that_a_practice_has_of_its_own_is_found(tmp_path):
    model = shipped(BOLTON)
    weight = next(name for name in model.graph().leaves if name.startswith("weight_of_"))
    value = DatedValue(dt.date(2016, 4, 1), 0.9, "0.9", assumption="Agreed.")
    name = weight.removesuffix("_for_the_year")
    with_own = cap.with_practice_terms(model, {name: {"EX002": (value,)}})
    scenario = list(model.scenarios)[:1]
    result = cap.project(with_own, few_practices(), scenario, 3, start="2016-03")
    assert_live(result, tmp_path, ("EX002", scenario[0]))


@pytest.mark.usefixtures("either_form")
def test_given_figures_by_month_are_looked_up(tmp_path):
    practices, model = few_practices(), shipped(NATIONAL)
    plain = cap.project(model, practices, months=3)
    given = {"registered_list": plain["registered_list"] * 1.25}
    if "scenario" in given["registered_list"].dims:
        given["registered_list"] = given["registered_list"].isel(scenario=0, drop=True)
    result = cap.project(model, practices, months=3, given=given)
    book, _ = written(result)
    scenario = Content(result).scenarios[0]
    values = edited(book, tmp_path, (ONE, CODE, "EX002"))
    assert_paid(block(values[ONE], book.workbook[ONE], "Live"), payments(result, "EX002", scenario))


def test_one_formula_along_a_row():
    result = run(EAST_ANGLIA, months=6)
    book, _ = written(result)
    for row in book.workbook["One practice by month"].iter_rows(min_row=7, min_col=6, max_col=11):
        formulas = [cell.value for cell in row if cell.data_type == "f"]
        for formula, cell in zip(formulas, row, strict=False):
            moved = openpyxl.formula.translate.Translator(
                formulas[0], origin=row[0].coordinate
            ).translate_formula(cell.coordinate)
            assert moved == formula
