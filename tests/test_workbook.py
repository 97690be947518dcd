"""The workbook: every formula recalculated by an independent engine, and equal to the kernel."""

import datetime as dt
import io
import json
import re
import shutil
import zipfile
from itertools import product
from typing import ClassVar
from xml.etree import ElementTree as ET

import formualizer
import numpy as np
import openpyxl
import pandas as pd
import pytest
import xarray as xr
from openpyxl.utils import get_column_letter

import capitation as cap
from capitation.workbook.content import Content
from capitation.workbook.page import LETTERS_A_PAGE, Book
from capitation.workbook.saved_values import save_with_values
from capitation.workbook.writer import written_book

from .recalculation import recalculated, stale_copy
from .strategies import shipped

USER_RULES = '''
"""A user's own clause: a quality payment from a commissioner's fund, trued up a year later."""

from capitation import constant, round_to_pence, rule, total

MONTHS_PER_YEAR = constant(12, "month/year")
A_MONTH = constant(1, "month")

@rule(unit="GBP/month", source="our-contract")
def quality_payment(payment_weighted_list, quality_price):
    """So much per weighted patient, rounded to the penny."""
    return round_to_pence(payment_weighted_list * quality_price / MONTHS_PER_YEAR)

quality_fund = total("quality_payment", over="practices", title="All the practices' payments")
quality_year = total(quality_payment, over="months", first="quality_paid_before")
fund_year = total("quality_fund", over="months")

@rule(unit="GBP", source="our-contract", first="fund_at_start")
def fund_balance(previous, quality_fund, fund_income):
    """The commissioner's fund, a corkscrew of its own."""
    return previous + (fund_income - quality_fund) * A_MONTH

@rule(unit="GBP/month", source="our-contract")
def true_up(previous_quality_year, quality_year, fund_year, month_of_fiscal_year, fund_balance):
    """A twentieth of last year's payments, each June, while the fund is not empty."""
    due = 0.05 * previous_quality_year / MONTHS_PER_YEAR
    wanted = month_of_fiscal_year == 3 and not (fund_balance < 0 or quality_year > fund_year)
    return min(due, abs(-quality_year) / MONTHS_PER_YEAR) if wanted else 0

@rule(unit="GBP/year", source="our-contract")
def share_of_fund(quality_year, fund_year):
    """What a practice has of the year's fund."""
    return quality_year - fund_year / 50
'''

USER_MODEL = """
name = "our-contract"
title = "Our own contract"
start = 2016-01-01
months = 20
rules = ["lists", "our_rules.py"]
streams = ["quality_payment", "true_up"]

[source.our-contract]
title = "Our contract"

[input.quality_paid_before]
unit = "GBP/year"
value = 120.5
assumption = "As in the year before."

[term.quality_price]
unit = "GBP/patient/year"
values = [
  { from = 2015-04-01, value = 3.2, source = "our-contract" },
  { from = 2016-10-01, value = "10/3", source = "our-contract" },
]

[term.fund_at_start]
unit = "GBP"
values = [{ from = 2016-01-01, value = 1000000, source = "our-contract" }]

[term.fund_income]
unit = "GBP/month"
values = [{ from = 2016-01-01, value = 5000, source = "our-contract" }]

[term.monthly_list_growth]
unit = "1"
values = [{ from = 2015-01-01, value = 0.001, assumption = "Ours." }]

[scenario.plan]
title = "As planned"

[scenario.dearer]
title = "A dearer price: [a/b]*?"

[scenario.dearer.term.quality_price]
values = [{ from = 2015-04-01, value = 4, source = "our-contract" }]
"""


REACTIVATED = "fully-integrated-aco"
BASE = ["core-and-local-schemes"]
"""Bolton's first scenario, where one is enough."""


def few_practices() -> xr.Dataset:
    """Enough practices to hold each contract: what is true of a row is true of fifty."""
    return cap.example_practices().isel(practice=[0, 1, 2, 7, 15])


USER_BASE_RULE = '''

@rule(unit="1", source="our-contract")
def dearer_by(quality_price, base_quality_price):
    """The price, beside its mean of the base year."""
    return quality_price / base_quality_price
'''


@pytest.fixture
def user_model(tmp_path):
    (tmp_path / "our_rules.py").write_text(USER_RULES, encoding="utf-8")
    path = tmp_path / "our-contract.toml"
    path.write_text(USER_MODEL, encoding="utf-8")
    return path


def two_commissioners():
    practices = few_practices()
    area = np.where(np.arange(practices.sizes["practice"]) % 3 == 0, "02B", "01A")
    return practices.assign_coords(commissioner=("practice", area))


def differences(expected, found):
    """Cells that do not agree to the penny."""
    wrong = []
    for sheet, cells in expected.items():
        for cell, value in cells.items():
            other = found[sheet].get(cell, "" if value == "" else None)
            if isinstance(other, dt.datetime):
                other = float((other - dt.datetime(1899, 12, 30)).days)
            same = (
                abs(value - other) < 0.005
                if isinstance(value, float) and isinstance(other, int | float)
                else value == other
            )
            if not same:
                wrong.append((sheet, cell, value, other))
    return wrong


def assert_engine_agrees(result, folder):
    """Save every formula with a wrong value, so that only a recalculation can be right."""
    book, _ = written_book(Content(result))
    path = stale_copy(book, folder)
    assert differences(book.values, recalculated(path)) == []
    return book


RECALCULATED = {
    "bolton-quality-contract": (3, 36),  # a fourth year's formulas are those of three
    "carr-hill-formula": (1, 13),
    "east-anglia-pms-glide": (2, 15),
    "eastern-cheshire-caring-together": (2, 25),
    "essex-pms-transition": (2, 25),
    "fylde-wyre-quality-contract": (1, 15),
    "integrated-health-organisation": (2, 13),
    "national-practice-income": (1, 15),
    "nottinghamshire-recovery": (2, 25),
    "sandwell-co-commissioning": (2, 15),
    "single-neighbourhood-provider": (1, 13),
    "thames-valley-pms": (2, 25),
    "uniting-care": (2, 15),
    "unplanned-admissions-enhanced-service": (1, 15),
    "vanguard-programme": (2, 13),
}
"""How many scenarios and months of each. A third scenario's formulas are those of the first two."""


@pytest.mark.parametrize("name", RECALCULATED)
def test_every_formula_of_a_shipped_model_agrees_with_the_kernel(name, tmp_path):
    scenarios, months = RECALCULATED[name]
    chosen = list(shipped(name).scenarios)[:scenarios]
    result = cap.project(shipped(name), few_practices(), chosen, months)
    book = assert_engine_agrees(result, tmp_path)
    assert book.formulas > 1_500


def test_every_formula_of_a_budget_with_a_practice_that_leaves_agrees_with_the_kernel(tmp_path):
    # Out at the first window, in the second April: all rules of the out-of-hospital budget.
    practices = few_practices().isel(practice=[0, -1])
    result = cap.project(shipped(REACTIVATED), practices, ["all-leave-at-first-window"], months=25)
    assert (result["patients_following"].isel(month=-1) > 0).all()
    book = assert_engine_agrees(result, tmp_path)
    assert book.formulas > 5_000


def test_no_shipped_model_has_a_rule_whose_formula_is_not_recalculated():
    rules = {name: set(shipped(name).graph().nodes) for name in cap.models()}
    assert set.union(*(rules[name] for name in [*RECALCULATED, REACTIVATED])) == set.union(
        *rules.values()
    )


def test_a_users_own_rules_become_live_formulas_that_agree_with_the_kernel(user_model, tmp_path):
    practices = two_commissioners()
    plain = cap.project(user_model, practices, compiled=False)
    compiled = cap.project(user_model, practices, compiled=True)
    assert plain.identical(compiled)
    book = assert_engine_agrees(plain, tmp_path)
    assert {"Calculation", "Calc plan", "Calc dearer", "Years plan"} <= set(
        book.workbook.sheetnames
    )


def test_a_single_commissioner_and_several_give_the_same_practice_rows(user_model):
    book, _ = written_book(Content(cap.project(user_model, two_commissioners())))
    totals = [
        row
        for row in book.workbook["Calculation"].iter_rows(min_col=1, max_col=4, values_only=True)
        if row[1] == "total" and row[0] == "payment_weighted_list"
    ]
    assert [row[2] for row in totals] == ["01A", "02B", "all"]


def test_a_changed_input_gives_what_the_library_computes_for_it(tmp_path):
    practices = few_practices()
    path = tmp_path / "book.xlsx"
    cap.write_workbook(cap.project("bolton-quality-contract", practices, BASE, months=14), path)
    book = openpyxl.load_workbook(path)
    terms, sheet = book["Terms"], book["Practices"]
    for row in terms.iter_rows(min_row=7):
        if row[1].value == "guaranteed_income_per_patient":
            row[4].value = 97.5
        if row[1].value == "global_sum_price" and row[3].value == dt.datetime(2015, 10, 1):
            row[4].value = 80.0
    heading = {cell.value: cell.column for cell in sheet[6]}
    sheet.cell(9, heading["base_weighted_list"]).value = 9_999
    book.save(path)
    changed = practices.copy(deep=True)
    code = sheet.cell(9, 1).value
    changed["weighted_list"].loc[{"practice": code}] = 9_999
    source = cap.model_file.models_folder() / "bolton-quality-contract.toml"
    text = source.read_text("utf-8").replace("value = 95,", "value = 97.5,")
    model = tmp_path / "changed.toml"
    model.write_text(text, encoding="utf-8")
    loaded = cap.load_model(model)
    price = loaded.terms["global_sum_price"]
    values = tuple(
        v if v.start != dt.date(2015, 10, 1) else type(v)(v.start, 80.0, "80") for v in price.values
    )
    loaded.terms["global_sum_price"] = type(price)(price.name, price.unit, values, price.title)
    expected, _ = written_book(Content(cap.project(loaded, changed, BASE, months=14)))
    # The payment calendar is of the run: it says that the inputs have changed since.
    live = {title: of for title, of in expected.values.items() if title != "Payment calendar"}
    assert [found[:2] for found in differences(live, recalculated(path))] == [("Cover", "B5")]


def test_saved_values_are_there_before_anyone_opens_the_file(tmp_path):
    result = cap.project("bolton-quality-contract", few_practices(), months=12)
    path = tmp_path / "book.xlsx"
    cap.write_workbook(result, path)
    total = float(result["total_payments"].isel(scenario=0).sum())
    cover = openpyxl.load_workbook(path, data_only=True)
    assert cover["Cover"]["B4"].value == "All 22 checks OK"
    summary = pd.read_excel(path, sheet_name="Summary", header=None, engine="openpyxl")
    row = summary[summary[0] == "Total payments"].iloc[0]
    assert row[2] == pytest.approx(total, abs=0.005)


def settlement(book):
    """Rows of the Settlement sheet by scenario's title, year and practice: what is saved."""
    sheet, values = book.workbook["Settlement"], book.values["Settlement"]
    headings = [cell.value for cell in sheet[5]]
    found, block = {}, ("", "")
    for row in sheet.iter_rows(min_row=6):
        code = row[0].value
        if code is None:
            continue
        if row[0].style.startswith("block"):
            year, _, title = code.partition(": ")
            block = (title, year)
            continue
        figures = [values.get(cell.coordinate, cell.value) for cell in row]
        found[*block, code] = dict(zip(headings, figures, strict=True))
    return found


VERDICT = "The true-up is"
NOT_SETTLED = "part of a year"


def test_settlement_recovers_what_a_missed_mandatory_standard_did_not_earn(tmp_path):
    practices = few_practices()
    met = np.ones(practices.sizes["practice"])
    met[[0, 1]] = 0
    missed = practices.assign(transferred_work_standard=("practice", met))
    result = cap.project("bolton-quality-contract", missed, months=24)
    book = assert_engine_agrees(result, tmp_path)
    rows = settlement(book)
    titles = json.loads(result.attrs["scenarios"])
    recovered: list[bool] = []
    for scenario, year in product(result["scenario"].values, result["year"].values):
        at = {"scenario": scenario, "year": year}
        in_year, verdicts = result["fiscal_year"] == year, {}
        for n, code in enumerate(practices["practice"].values):
            row = rows[titles[scenario], year, code]
            earned, advanced, offer = (
                float(result[name].sel({k: v for k, v in at.items() if k in result[name].dims})[n])
                for name in ("scheme_earned", "scheme_advance_of_year", "scheme_offer_of_year")
            )
            due = result["scheme_true_up"].sel(scenario=scenario, practice=code)[in_year]
            assert row["Offer of the year £"] == pytest.approx(offer)
            assert row["Earned £"] == pytest.approx(earned)
            assert row["Advanced £"] == pytest.approx(advanced)
            assert row["True-up £"] == pytest.approx(float(due.sum()))
            assert earned == pytest.approx(advanced + row["True-up £"], abs=0.005)
            assert row["Still open £"] == 0
            apart = round(earned - advanced, 2)
            wanted = "paid" if apart > 0 else "recovered" if apart < 0 else "settled"
            assert row[VERDICT] == wanted
            verdicts[code] = wanted
        # Who misses it pays an advance back, where there is one.
        for code in ("EX001", "EX002"):
            advanced = rows[titles[scenario], year, code]["Advanced £"]
            assert verdicts[code] == ("recovered" if advanced > 0 else "settled")
            recovered.append(advanced > 0)
        total = rows[titles[scenario], year, "All practices"]
        earned = result["scheme_earned"].sel(at).sum().item()
        assert total["Earned £"] == pytest.approx(earned)
        words = ("paid", "recovered", "settled")
        counts = [list(verdicts.values()).count(word) for word in words]
        said = ", ".join(f"{count} {word}" for count, word in zip(counts, words, strict=True))
        assert total[VERDICT] == said
    assert recovered.count(True) >= 6
    checks = [row for row in book.workbook["Checks"]["A"] if str(row.value).startswith("Advance")]
    assert len(checks) == 3


def test_settlement_of_thirty_months_leaves_the_half_year_open(tmp_path):
    result = cap.project("bolton-quality-contract", two_commissioners(), months=30)
    book = assert_engine_agrees(result, tmp_path)
    rows = settlement(book)
    titles = json.loads(result.attrs["scenarios"])
    years = ["2015/16", "2016/17", "2017/18 (6 months)"]
    assert list(dict.fromkeys(key[:2] for key in rows)) == [
        (titles[scenario], year) for scenario in result["scenario"].values for year in years
    ]
    verdicts = {
        year: {row[VERDICT] for key, row in rows.items() if key[1] == year} for year in years
    }
    assert verdicts[years[2]] == {NOT_SETTLED}
    assert not any(NOT_SETTLED in verdicts[year] for year in years[:2])
    found = [row for row in rows.items() if row[0][1] == years[2]]
    assert all(row["True-up £"] == 0 for _, row in found)
    assert all(
        row["Still open £"] == pytest.approx(row["Earned £"] - row["Advanced £"], abs=0.0051)
        for _, row in found
    )
    assert {row["Still open £"] for key, row in rows.items() if key[1] in years[:2]} == {0}
    sheet = book.workbook["Checks"]
    where = [row[1].value for row in sheet.iter_rows() if "true-up" in str(row[0].value)]
    assert where == [f"{name}, 2015/16 to 2016/17" for name in result["scenario"].values]
    about = {row[0].value: row[1].value for row in book.workbook["Cover"].iter_rows()}
    assert about["Settlement"].startswith("What each practice earned")
    sheet = book.workbook["Settlement"]
    assert "below nothing, March recovers it" in sheet["A2"].value
    assert (sheet.print_title_rows, len(sheet.row_breaks.brk)) == ("$5:$5", 8)
    width = sum(sheet.column_dimensions[letter].width for letter in "ABCDEFGHI")
    assert sheet.page_setup.scale * width <= 100 * 105


def test_a_run_without_a_whole_year_makes_no_check_of_its_settlement():
    result = cap.project("bolton-quality-contract", few_practices(), months=11)
    book, summary = written_book(Content(result))
    assert {row[VERDICT] for row in settlement(book).values()} == {NOT_SETTLED}
    assert not [check for check in summary.checks if "true-up" in check.what]


def test_a_settlement_that_does_not_add_up_is_found(tmp_path):
    path = tmp_path / "book.xlsx"
    result = cap.project("bolton-quality-contract", few_practices(), months=12)
    due = result["scheme_true_up"].copy(deep=True)
    due[{"scenario": 0, "practice": 3, "month": 11}] -= 0.02
    due[{"scenario": 0, "practice": 4, "month": 11}] += 0.02
    summary = written_book(Content(result.assign(scheme_true_up=due)))[1]
    failed = [check for check in summary.checks if not check.holds]
    assert [check.left_value for check in failed if "true-up" in check.what] == [
        pytest.approx(0.04)
    ]
    cap.write_workbook(result, path)
    book = openpyxl.load_workbook(path)
    for row, wrong in ((8, 0.02), (9, -0.02)):
        cell = book["Settlement"].cell(row, 7)
        cell.value = f"{cell.value}+{wrong}"
    book.save(path)
    assert recalculated(path)["Cover"]["B4"] == "1 checks fail"


def test_without_an_advance_nothing_is_settled():
    for name in ("national-practice-income", "unplanned-admissions-enhanced-service"):
        result = cap.project(name, few_practices(), months=12)
        assert "Settlement" not in written_book(Content(result))[0].workbook.sheetnames


def row_of(sheet, column, text):
    """Row of the first cell of a column that holds a text."""
    return next(cell.row for cell in sheet[column] if cell.value == text)


def test_a_check_that_is_an_error_is_not_ok(tmp_path):
    path = tmp_path / "book.xlsx"
    cap.write_workbook(cap.project("bolton-quality-contract", few_practices(), months=1), path)
    book = openpyxl.load_workbook(path)
    total = len([cell for cell in book["Checks"]["F"][3:] if cell.value])
    book["Checks"]["C4"].value = "=1/0"
    book["Checks"]["C5"].value = 1
    book.save(path)
    formualizer.recalculate_file(str(path), str(path))
    found = openpyxl.load_workbook(path, data_only=True)
    verdicts = [cell.value for cell in found["Checks"]["F"][3:]]
    assert verdicts == ["CHECK", "CHECK", *["OK"] * (total - 2)]
    assert found["Cover"]["B4"].value == "2 checks fail"


def test_a_group_of_commissioners_sees_each_stream_of_each(tmp_path):
    result = cap.project("bolton-quality-contract", two_commissioners(), months=14)
    book = assert_engine_agrees(result, tmp_path)
    names = book.workbook.sheetnames
    assert names.index("By commissioner") == names.index("By practice") + 1
    sheet, values = book.workbook["By commissioner"], book.values["By commissioner"]
    scenario = str(result["scenario"].values[0])
    found = {
        row[1].value: values[row[3].coordinate]
        for row in sheet.iter_rows(min_row=6)
        if (row[0].value, row[2].value) == (scenario, "Global sum")
    }
    first_year = result["global_sum"].isel(month=slice(0, 12))
    if "scenario" in first_year.dims:
        first_year = first_year.isel(scenario=0)
    expected = first_year.sum("month").groupby("commissioner").sum()
    assert found == pytest.approx(dict(zip(("01A", "02B"), expected.values, strict=True)))
    about = {row[0].value: row[1].value for row in book.workbook["Cover"].iter_rows()}
    assert about["By commissioner"] == "The same for each commissioner."


def test_one_commissioner_needs_no_sheet_of_commissioners():
    result = cap.project("bolton-quality-contract", few_practices(), months=1)
    assert "By commissioner" not in written_book(Content(result))[0].workbook.sheetnames


@pytest.mark.parametrize(
    ("months", "headings"),
    [
        (12, ["2015/16 £"]),
        (13, ["2015/16 £", "2016/17 (1 month) £"]),
        (5, ["2015/16 (5 months) £"]),
    ],
)
def test_a_part_year_says_so(months, headings):
    result = cap.project("bolton-quality-contract", two_commissioners(), months=months)
    book = written_book(Content(result))[0].workbook
    for title, column, text in (
        ("Summary", 3, "Stream"),
        ("By practice", 7, "Scenario"),
        ("By commissioner", 4, "Scenario"),
    ):
        sheet = book[title]
        row = row_of(sheet, "A", text)
        cells = [sheet.cell(row, column + n).value for n in range(len(headings) + 1)]
        assert cells == [*headings, "All years £"]


def test_the_base_year_stands_above_the_projection(tmp_path):
    practices = few_practices()
    result = cap.project("bolton-quality-contract", practices, months=1)
    book, _ = written_book(Content(result))
    sheet, values = book.workbook["Summary"], book.values["Summary"]
    year = result.attrs["base_fiscal_year"]
    said = f"Total payments in {year}, from the practices' file"
    rows = [cell.row for cell in sheet["A"] if cell.value == said]
    paid = float(result["base_total_payments"].sum())
    assert [values[f"C{row}"] for row in rows] == [pytest.approx(paid)]
    descriptions = [row[-1].value for row in sheet.iter_rows() if row[0].value == "Total payments"]
    assert descriptions == ["All streams together"] * result.sizes["scenario"]


def test_notes_of_a_run_stand_on_the_cover():
    result = cap.project("bolton-quality-contract", few_practices(), months=1)
    notes = ["The lists were extrapolated.", "=No formula"]
    noted = result.assign_attrs(notes=json.dumps(notes))
    cover = written_book(Content(noted))[0].workbook["Cover"]
    row = row_of(cover, "A", "Notes")
    assert [cover.cell(row + n, 1).value for n in (1, 2)] == notes
    assert row < row_of(cover, "A", "Key")
    del result.attrs["notes"]
    older = written_book(Content(result))[0].workbook["Cover"]
    assert "Notes" not in [cell.value for cell in older["A"]]


def test_base_year_terms_are_the_first_scenarios_in_every_run(user_model, tmp_path):
    """A run of the other scenario alone has a block of its own for the base year's terms."""
    text = user_model.read_text("utf-8").replace("from = 2015-04-01", "from = 2014-04-01")
    user_model.write_text(text, encoding="utf-8")
    rules = user_model.with_name("our_rules.py")
    rules.write_text(rules.read_text("utf-8") + USER_BASE_RULE, encoding="utf-8")
    practices = two_commissioners()
    for scenarios, base_lines in ((["plan"], 0), (["dearer"], 2), (["plan", "dearer"], 0)):
        result = cap.project(user_model, practices, scenarios=scenarios, months=3)
        book = assert_engine_agrees(result, tmp_path)
        lines = [
            row[2].value
            for row in book.workbook["Terms"].iter_rows()
            if row[1].value == "base_quality_price"
        ]
        assert lines == ["base year"] * base_lines


def test_looks(tmp_path):
    result = cap.project("bolton-quality-contract", two_commissioners(), months=2)
    book = written_book(Content(result))[0].workbook
    assert (book.properties.title, book.properties.creator) == (result.attrs["title"], "capitation")
    for sheet in book:
        assert sheet.oddFooter.center.text == "&A, page &P of &N"
    for title in ("Terms", "By practice", "By commissioner", "Practices", "Sources"):
        assert book[title].print_title_rows
    terms = book["Terms"]
    for row in terms.iter_rows(min_row=7):
        if row[1].value:
            assert terms.row_dimensions[row[0].row].height >= 12.75 * (len(row[6].value) // 44)
    page = Book().page("Figures")
    page.number(1, 1, 0.1234567891, "number")
    page.formula(1, 2, "=A1*2", 0.2469135782, "number")
    page.formula(1, 3, "=A1-A1", 0.0, "number")
    assert [cell.number_format for cell in page.sheet[1]] == ["0.0#####", "0.0#####", "General"]


def test_two_runs_are_byte_identical(tmp_path):
    pair = ["april-2016", "april-2015"]
    result = cap.project("thames-valley-pms", few_practices(), pair, months=3)
    first, second = tmp_path / "a.xlsx", tmp_path / "b.xlsx"
    cap.write_workbook(result, first)
    cap.write_workbook(result, second)
    assert first.read_bytes() == second.read_bytes()


def test_one_formula_along_a_row(tmp_path):
    """In R1C1 terms: shifting a row's first formula along gives each of the others."""
    result = cap.project("bolton-quality-contract", few_practices(), months=6)
    book, _ = written_book(Content(result))
    for title in ("Calculation", "Calc core-and-local-schemes", "Months"):
        for row in book.workbook[title].iter_rows(min_row=7, min_col=6):
            formulas = [cell.value for cell in row if cell.data_type == "f"]
            for formula, cell in zip(formulas, row, strict=False):
                moved = openpyxl.formula.translate.Translator(
                    formulas[0], origin=row[0].coordinate
                ).translate_formula(cell.coordinate)
                assert moved == formula


def test_text_that_looks_like_a_formula_stays_text(tmp_path):
    practices = cap.example_practices().isel(practice=slice(0, 8))
    names = practices["practice_name"].values.astype(object)
    nasty = ["=1+1", '=HYPERLINK("x")', "+44 20", "-2+3", "@SUM(1)", "\t=2", "a\x07b", "&<>'\""]
    names[: len(nasty)] = nasty
    practices = practices.assign_coords(practice_name=("practice", names.astype(str)))
    path = tmp_path / "book.xlsx"
    cap.write_workbook(cap.project("bolton-quality-contract", practices, months=1), path)
    sheet = openpyxl.load_workbook(path)["Practices"]
    cells = [sheet.cell(7 + i, 2) for i in range(len(nasty))]
    assert all(cell.data_type == "s" for cell in cells)
    assert [cell.value for cell in cells] == [name.replace("\x07", "") for name in nasty]


def test_no_formula_holds_a_figure_of_the_contract(tmp_path):
    """Only 0, months of the year and 100 stand in formulas, the fractions of the Terms sheet, the
    5.5 months from the middle of a year to that of its last month, and half a penny.
    """
    book, _ = written_book(
        Content(cap.project("bolton-quality-contract", few_practices(), months=2))
    )
    allowed = {*map(str, range(13)), "100", "0.005", "0.5", "1.5", "5.5", "00"}
    for sheet in book.workbook:
        if sheet.title == "Terms":
            continue
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type != "f":
                    continue
                tokens = openpyxl.formula.Tokenizer(cell.value).items
                numbers = {t.value for t in tokens if t.subtype == "NUMBER"}
                assert numbers <= allowed, (sheet.title, cell.coordinate, cell.value)


def test_a_failure_leaves_the_old_file_and_nothing_beside_it(tmp_path, monkeypatch):
    path = tmp_path / "book.xlsx"
    path.write_bytes(b"the old file")
    result = cap.project("bolton-quality-contract", few_practices(), months=1)

    def locked(*args):
        raise PermissionError("in use")

    monkeypatch.setattr("pathlib.Path.replace", locked)
    with pytest.raises(cap.InputError, match=r"book\.xlsx is open in Excel, close it"):
        cap.write_workbook(result, path)
    assert path.read_bytes() == b"the old file"
    assert [p.name for p in tmp_path.iterdir()] == ["book.xlsx"]


@pytest.mark.parametrize(
    ("name", "said"),
    [("book.csv", "end it in .xlsx"), ("nowhere/book.xlsx", "its folder does not exist")],
)
def test_a_bad_path_is_refused_with_a_sentence(name, said, tmp_path):
    result = cap.project("bolton-quality-contract", few_practices(), months=1)
    with pytest.raises(cap.InputError, match=said):
        cap.write_workbook(result, tmp_path / name)


def test_a_result_without_all_its_rules_is_refused(tmp_path):
    result = cap.project(
        "bolton-quality-contract", few_practices(), months=1, variables=["global_sum"]
    )
    with pytest.raises(cap.InputError, match="project without 'variables'"):
        cap.write_workbook(result, tmp_path / "book.xlsx")


class TestSavedValues:
    """The pass that puts values beside formulas."""

    @pytest.fixture
    def plain(self):
        book = openpyxl.Workbook()
        sheet = book.active
        sheet.title = "A & B"
        sheet["A1"] = 2
        sheet["B1"] = "=A1*2"
        sheet["C1"] = '=IF(A1<3,"x & y","")'
        sheet["D1"] = "plain"
        file = io.BytesIO()
        book.save(file)
        return file

    def saved(self, plain, values):
        target = io.BytesIO()
        save_with_values(plain, target, values)
        return openpyxl.load_workbook(target, data_only=True), openpyxl.load_workbook(target)

    def test_values_stand_beside_formulas(self, plain):
        values, formulas = self.saved(plain, {"A & B": {"B1": 4.0, "C1": "x & y"}})
        sheet = values["A & B"]
        assert [cell.value for cell in sheet[1]] == [2, 4, "x & y", "plain"]
        assert formulas["A & B"]["C1"].value == '=IF(A1<3,"x & y","")'

    @pytest.mark.parametrize(
        ("values", "said"),
        [
            ({"B1": 4.0}, "C1: the formula has no value"),
            ({"B1": 4.0, "C1": "", "D1": 1.0}, "values without a formula at D1"),
            ({"B1": float("nan"), "C1": ""}, "B1: the value is not finite"),
            ({"B1": float("inf"), "C1": ""}, "B1: the value is not finite"),
        ],
    )
    def test_a_fault_of_the_writer_is_refused(self, plain, values, said):
        with pytest.raises(ValueError, match=said):
            self.saved(plain, {"A & B": values})

    def test_a_shared_formula_is_refused(self, plain):
        broken = io.BytesIO()
        with zipfile.ZipFile(plain) as package, zipfile.ZipFile(broken, "w") as copy:
            for name in package.namelist():
                content = package.read(name).replace(b"<f>A1*2", b'<f t="shared" si="0">A1*2')
                copy.writestr(name, content)
        with pytest.raises(ValueError, match="shared or array"):
            self.saved(broken, {"A & B": {"B1": 4.0, "C1": ""}})

    @pytest.fixture
    def charts(self):
        """Twelve sheets with a chart each, and on the first another one further down."""
        book = openpyxl.Workbook()
        book.remove(book.active)
        for number in range(12):
            sheet = book.create_sheet(f"Sheet {number}")
            sheet.append([1, 2, 3])
            for anchor in ("C2", "AB40")[: 2 - bool(number)]:
                chart = openpyxl.chart.LineChart()
                chart.add_data(openpyxl.chart.Reference(sheet, min_col=1, max_col=3, min_row=1))
                sheet.add_chart(chart, anchor)
        file = io.BytesIO()
        book.save(file)
        return file

    texts: ClassVar = {f"Sheet {n}": {"C2": f'Chart {n}: "<a & b>"\nends.'} for n in range(12)}

    def test_charts_are_described_by_sheet_and_corner(self, charts):
        texts = self.texts | {"Sheet 0": self.texts["Sheet 0"] | {"AB40": "The other one"}}
        target = io.BytesIO()
        save_with_values(charts, target, {}, texts)
        book = openpyxl.load_workbook(target)
        assert [len(sheet._charts) for sheet in book] == [2, *[1] * 11]
        found = {}
        with zipfile.ZipFile(target) as package:
            for number, title in enumerate(book.sheetnames, start=1):
                rels = package.read(f"xl/worksheets/_rels/sheet{number}.xml.rels").decode()
                drawing = re.search(r"drawings/drawing\d+\.xml", rels)[0]
                frames = ET.fromstring(package.read(f"xl/{drawing}")).iter()
                found[title] = [f.get("descr") for f in frames if f.tag.endswith("}cNvPr")]
        assert found == {title: list(of_sheet.values()) for title, of_sheet in texts.items()}

    @pytest.mark.parametrize(
        ("texts", "said"),
        [
            ({}, "Sheet 0!AB40: the chart has no description"),
            ({"Sheet 0": {"C2": "One", "AB40": "  "}}, "AB40: the chart has no description"),
            ({"Sheet 0": {"C2": "1", "AB40": "2", "A1": "3"}}, "without a chart at A1"),
            ({"Sheet 12": {"A1": "Of no sheet"}}, "Sheet 12: descriptions of charts, and no chart"),
        ],
    )
    def test_a_chart_without_words_and_words_without_a_chart_are_refused(self, charts, texts, said):
        with pytest.raises(ValueError, match=said):
            save_with_values(charts, io.BytesIO(), {}, self.texts | texts)

    def test_the_file_asks_to_be_recalculated_on_opening(self, plain):
        target = io.BytesIO()
        save_with_values(plain, target, {"A & B": {"B1": 4.0, "C1": ""}})
        with zipfile.ZipFile(target) as package:
            assert b'fullCalcOnLoad="1"' in package.read("xl/workbook.xml")
            assert package.namelist() == sorted(package.namelist())
            assert {m.date_time for m in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_the_independent_engine_corrects_a_planted_stale_value(tmp_path):
    path = tmp_path / "book.xlsx"
    cap.write_workbook(cap.project("bolton-quality-contract", few_practices(), months=1), path)
    stale = tmp_path / "stale.xlsx"
    shutil.copy(path, stale)
    book = openpyxl.load_workbook(path, data_only=True)
    cell = next(row[2] for row in book["Summary"].iter_rows() if row[0].value == "Global sum")
    right = cell.value
    with zipfile.ZipFile(path) as package, zipfile.ZipFile(stale, "w") as copy:
        for name in package.namelist():
            content = package.read(name)
            copy.writestr(name, content.replace(repr(right).encode(), b"-1.0"))
    assert openpyxl.load_workbook(stale, data_only=True)["Summary"][cell.coordinate].value == -1
    assert recalculated(stale)["Summary"][cell.coordinate] == pytest.approx(right, abs=0.005)


def test_a_fiscal_year_is_printed_on_one_page_and_no_text_is_cut():
    result = cap.project(shipped("bolton-quality-contract"), few_practices(), BASE, 13)
    book, summary = written_book(Content(result))
    for title in ("Months", "Payment calendar", "Calculation"):
        sheet = book.workbook[title]
        columns = [sheet.column_dimensions[get_column_letter(n)].width for n in range(1, 18)]
        assert sheet.page_setup.scale * sum(columns) <= 100 * LETTERS_A_PAGE, title
    sheet = book.workbook["Checks"]
    for letter, column in (("A", "what"), ("B", "where")):
        longest = max(len(getattr(check, column)) for check in summary.checks)
        assert sheet.column_dimensions[letter].width > longest
    # So many columns are not made to fit, but printed on as many pages as it takes.
    assert book.workbook["Practices"].page_setup.scale >= 50
