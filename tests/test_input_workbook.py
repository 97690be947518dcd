"""The input workbook: what is read from it, and every way of typing it wrong."""

from __future__ import annotations

import contextlib
import datetime as dt
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import capitation as cap
from capitation.errors import InputError
from capitation.inputs.layout import SHEETS
from capitation.inputs.workbook import SHOWN, InputWorkbook, read_input_workbook
from capitation.sources.workbook_cells import CellProblem
from capitation.workbook.template.book import write_template

from .hostile import Parts
from .strategies import THAMES_VALLEY, UNPLANNED

PRICE = "enhanced_service_price"


@pytest.fixture(scope="module")
def practices() -> xr.Dataset:
    return cap.example_practices().isel(practice=[0, 1, 2, 7])


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory, practices: xr.Dataset) -> Parts:
    """A good workbook of a small contract."""
    path = tmp_path_factory.mktemp("good") / "in.xlsx"
    return Parts(write_template(path, UNPLANNED, practices=practices))


@pytest.fixture(scope="module")
def pms(tmp_path_factory: pytest.TempPathFactory, practices: xr.Dataset) -> Parts:
    """One of a contract with schedules, backdated figures and what practices take up."""
    path = tmp_path_factory.mktemp("pms") / "in.xlsx"
    return Parts(write_template(path, THAMES_VALLEY, practices=practices))


def read(parts: Parts, folder: Path) -> InputWorkbook:
    return read_input_workbook(parts.write(folder / "in.xlsx"))


def problems(parts: Parts, folder: Path) -> dict[str, str]:
    """What is told of each cell."""
    with pytest.raises(InputError) as caught:
        read(parts, folder)
    told: dict[str, str] = {}
    for problem in caught.value.problems:
        at = problem.where.removeprefix("in.xlsx, ")
        text = str(problem).removeprefix(f"{problem.where}: ")
        told[at] = f"{told[at]}; {text}" if at in told else text
        if isinstance(problem, CellProblem):
            assert problem.where == f"in.xlsx, {problem.sheet}!{problem.cell}" or (
                problem.cell == "A1"
            )
    return told


# What is read -----------------------------------------------------------------------------------


def test_a_template_reads_back_as_the_contract_and_the_practices(good, practices, tmp_path):
    found = read(good, tmp_path)
    model = cap.load_model(UNPLANNED)
    assert found.model == model
    assert found.model.terms[PRICE].place == model.terms[PRICE].place
    assert found.scenarios == tuple(model.scenarios)
    assert found.notes == []
    for name in ("registered_list", "qof", "total_payments"):
        np.testing.assert_array_equal(found.practices[name], practices[name])
    assert found.practices["practice"].values.tolist() == practices["practice"].values.tolist()
    assert found.practices["practice_name"].values.tolist()[0] == "Example practice 1"
    assert found.practices.attrs["fiscal_year"] == "2014/15"
    assert found.practices.attrs["source"] == "in.xlsx"
    assert found.prepared["Input workbook"] == "in.xlsx"
    assert found.prepared["Its SHA-256"] == found.practices.attrs["sha256"]


def test_its_projection_is_that_of_the_contract_to_the_last_bit(good, practices, tmp_path):
    found = read(good, tmp_path)
    mine = cap.project(found.model, found.practices, scenarios=found.scenarios, months=12)
    theirs = cap.project(UNPLANNED, practices, months=12)
    for name in theirs.data_vars:
        np.testing.assert_array_equal(mine[name].values, theirs[name].values)


def test_a_contract_with_schedules_reads_back(pms, tmp_path):
    assert read(pms, tmp_path).model == cap.load_model(THAMES_VALLEY)


def test_the_cover_sets_the_months_and_says_who_prepared_it(good, tmp_path):
    parts = good.copy()
    parts.put("Cover", good.at("Cover", "First month"), "2015-10")
    parts.put("Cover", good.at("Cover", "Months"), 6)
    parts.put("Cover", good.at("Cover", "Prepared by"), "  A. Reader ")
    parts.put("Cover", good.at("Cover", "Date prepared"), "2015-09-03")
    found = read(parts, tmp_path)
    assert (found.model.start, found.model.months) == (dt.date(2015, 10, 1), 6)
    assert found.prepared["Prepared by"] == "A. Reader"
    assert found.prepared["Date prepared"] == "3 September 2015"


def test_a_changed_figure_changes_its_term_and_no_other(good, tmp_path):
    parts = good.copy()
    row = good.row_of("Assumptions", PRICE)
    parts.put("Assumptions", good.at("Assumptions", "Value", row), 3.25)
    parts.put("Assumptions", good.at("Assumptions", "Low", row), 3)
    parts.put("Assumptions", good.at("Assumptions", "High", row), 4)
    parts.put("Assumptions", good.at("Assumptions", "Source", row), "Letter of 3 May 2014")
    parts.put("Assumptions", good.at("Assumptions", "Owner", row), "Director of finance")
    parts.put("Assumptions", good.at("Assumptions", "Agreed", row), "2014-05-03")
    found, model = read(parts, tmp_path).model, cap.load_model(UNPLANNED)
    term, before = found.terms[PRICE], model.terms[PRICE]
    value = term.values[0]
    assert (value.value, value.written, value.low, value.high) == (3.25, "3.25", 3.0, 4.0)
    assert (value.owner, value.agreed) == ("Director of finance", "2014-05-03")
    source = found.sources[value.source]
    assert source.title == "Letter of 3 May 2014"
    assert source.where == f"in.xlsx, Assumptions!{good.at('Assumptions', 'Source', row)}"
    assert term.place == f"in.xlsx, Assumptions!{good.at('Assumptions', 'Term', row)}"
    assert term.values[1:] == before.values[1:]
    assert {k: v for k, v in found.terms.items() if k != PRICE} == {
        k: v for k, v in model.terms.items() if k != PRICE
    }


def test_a_term_that_is_only_signed_keeps_its_schedule_and_its_late_payment(pms, tmp_path):
    model = cap.load_model(THAMES_VALLEY)
    scheduled = next(t for t in model.terms.values() if t.schedule and _read(model, t.name))
    backdated = next(
        t
        for t in model.terms.values()
        if t.values[0].until_paid or (_late(t) and _read(model, t.name))
    )
    parts = pms.copy()
    for term in (scheduled, backdated):
        row = pms.row_of("Assumptions", term.name)
        parts.put("Assumptions", pms.at("Assumptions", "Signed off", row), "The board")
    found = read(parts, tmp_path).model
    assert found.terms[scheduled.name].schedule == scheduled.schedule
    assert found.terms[scheduled.name].values[0].signed_off == "The board"
    paid = [(v.paid_from, v.until_paid) for v in backdated.values]
    assert [(v.paid_from, v.until_paid) for v in found.terms[backdated.name].values] == paid


def _late(term):
    return any(value.paid_from for value in term.values)


def _read(model, name):
    return name in model.graph().leaves


def test_a_changed_step_ends_the_schedule(pms, tmp_path):
    model = cap.load_model(THAMES_VALLEY)
    term = next(t for t in model.terms.values() if t.schedule and _read(model, t.name))
    row = pms.row_of("Assumptions", term.name)
    parts = pms.copy().put("Assumptions", pms.at("Assumptions", "Value", row), "3/4")
    found = read(parts, tmp_path).model.terms[term.name]
    assert found.schedule is None
    assert (found.values[0].value, found.values[0].written) == (0.75, "3/4")


def test_a_scenario_changes_a_term_from_its_date_on(good, tmp_path):
    parts = good.copy()
    first = good.row_of("Scenarios", "base")
    cells = {"Scenario": "dearer", "Title": "A dearer service", "Term": PRICE, "Value": 3.5}
    cells |= {"From": "2016-04-01", "Assumption": "Agreed in March."}
    for heading, value in cells.items():
        parts.put("Scenarios", good.at("Scenarios", heading, first + 1), value)
    found = read(parts, tmp_path)
    assert found.scenarios == ("base", "dearer")
    scenario = found.model.scenarios["dearer"]
    assert scenario.title == "A dearer service"
    term, common = scenario.terms[PRICE], found.model.terms[PRICE]
    assert term.at(dt.date(2016, 3, 1)) == common.at(dt.date(2016, 3, 1))
    assert term.at(dt.date(2016, 4, 1)) == term.at(dt.date(2018, 4, 1)) == 3.5
    parts.put("Scenarios", good.at("Scenarios", "Run", first), "No")
    assert read(parts, tmp_path).scenarios == ("dearer",)


def test_a_contract_of_one_practice_is_read_as_from_a_table(pms, practices, tmp_path):
    rows = [
        ("ex001", "switched_to_gms", "2016-04-01", 1, None, "It has agreed."),
        ("EX008", "premium_share_retained", "2016-04-01", None, "five-equal-years", None),
    ]
    parts = pms.copy()
    headings = ("Practice", "Term", "From", "Value", "Schedule", "Assumption")
    for number, row in enumerate(rows, start=1):
        for heading, value in zip(headings, row, strict=True):
            parts.put("Contracts", pms.at("Contracts", heading, number), value)
    found = read(parts, tmp_path).model
    table = tmp_path / "in.xlsx.csv"
    lines = [",".join(str(cell or "")[:40] for cell in row) for row in rows]
    lines = ["practice,term,from,value,schedule,assumption", *lines]
    table.write_text("\n".join(lines), "utf-8")
    model = cap.load_model(THAMES_VALLEY)
    expected = cap.read_practice_terms(table, practices, terms=model.terms)
    for term, by_code in expected.items():
        for code, values in by_code.items():
            mine = found.practice_terms[term][code]
            assert [(v.start, v.value) for v in mine] == [(v.start, v.value) for v in values]
    assert found.practice_terms["switched_to_gms"]["EX001"][0].assumption == "It has agreed."


def test_the_sheet_of_notes_is_carried(good, tmp_path):
    parts = good.copy().put("Notes", "A3", "Lists are of January.").put("Notes", "A5", 2)
    assert read(parts, tmp_path).input_notes == ["Lists are of January.", "2"]


def test_a_name_that_looks_like_a_formula_is_a_name(good, tmp_path):
    parts = good.copy().put("Practices", good.at("Practices", "practice_name"), "=1+1")
    parts.put("Practices", good.at("Practices", "practice", 2), "NA")
    found = read(parts, tmp_path).practices
    assert found["practice_name"].values.tolist()[0] == "=1+1"
    assert found["practice"].values.tolist()[1] == "NA"


def test_a_source_that_is_nearly_a_known_one_is_told(good, tmp_path):
    row = good.row_of("Assumptions", PRICE)
    cell = good.at("Assumptions", "Source", row)
    parts = good.copy().put("Assumptions", cell, "press-gms-2017-19")
    (note,) = read(parts, tmp_path).notes
    assert "did you mean 'press-gms-2017-18'?" in note
    assert cell in note


def test_a_model_may_lie_beside_the_workbook(good, tmp_path):
    (tmp_path / "mine.toml").write_text(f'like = "{UNPLANNED}"\nname = "mine"\ntitle = "Mine"\n')
    parts = good.copy().put("Cover", good.at("Cover", "Model"), "mine.toml")
    found = read(parts, tmp_path)
    assert found.model.name == "mine"
    assert any("mine.toml" in note for note in found.notes)


def test_an_input_that_some_practices_give_is_the_contracts_own_for_the_others(good, tmp_path):
    cell = good.at("Practices", "review_done", 2)
    parts = good.copy().put("Practices", cell, 0)
    first = good.at("Practices", "review_done", 1)
    told = problems(parts, tmp_path)
    assert "or leave the whole column blank" in told[f"Practices!{first}"]
    text = (
        f'like = "{UNPLANNED}"\nname = "mine"\ntitle = "Mine"\n[input.review_done]\nunit = "1"\n'
        'title = "Review"\nvalue = 1\nfor_some = true\nassumption = "It is done."\n'
    )
    (tmp_path / "mine.toml").write_text(text)
    found = read(parts.put("Cover", good.at("Cover", "Model"), "mine.toml"), tmp_path)
    assert found.practices["review_done"].values.tolist() == [1, 0, 1, 1]
    assert "review_done is blank for 3 practices: they have 1." in found.notes


def test_a_model_file_that_is_wrong_is_told_on_the_cover(good, tmp_path):
    (tmp_path / "mine.toml").write_text(f'like = "{UNPLANNED}"\nname = "mine"\ntitel = "Mine"\n')
    cell = good.at("Cover", "Model")
    told = problems(good.copy().put("Cover", cell, "mine.toml"), tmp_path)
    assert "the model 'mine.toml' cannot be read: mine.toml" in told[f"Cover!{cell}"]


# Thirty ways of typing it wrong ------------------------------------------------------------------

WRONG_FIGURES = {
    ("Practices", "registered_list", 1): ("eight thousand", 'found text "eight thousand"'),
    ("Practices", "weighted_list", 1): ("£12,345.67", "(remove the £ and comma)"),
    ("Practices", "qof", 1): ("98%", "(write 0.98)"),
    ("Practices", "seniority", 1): ("(1.2)", "(write -1.2)"),
    ("Practices", "premises", 1): (True, "expected a number, found TRUE"),
    ("Practices", "registered_list", 2): (-3, "list size must be ≥ 0, found -3"),
    ("Practices", "other_payments", 1): ("NaN", 'expected a number, found text "NaN"'),
    ("Practices", "local_schemes", 1): ("#REF!", "holds the error #REF!"),
    ("Practices", "global_sum", 1): ("<f>1+1</f>", "formula without a saved result"),
    ("Practices", "global_sum", 2): (1e300, "not finite, or beyond any figure"),
    ("Practices", "total_payments", 1): ("1234", "a number stored as text"),
    ("Practices", "premises", 2): ("12 345", "(remove the blank)"),
    ("Practices", "practice", 3): ("ex002", "ex002 is already used in row 8, where it is written"),
    ("Practices", "contract_type", 2): ("GSM", "(did you mean GMS?)"),
    ("Practices", "commissioner", 2): (None, "expected the code of a commissioner, found nothing"),
    ("Practices", "london_practice", 1): (2, "must be 1 or 0, found 2"),
    ("Practices", "practice_name", 3): ("so\u202eme", "turns the direction of text (U+202E)"),
    ("Assumptions", "Term", 1): ("enhanced_service_prise", f"did you mean '{PRICE}'?"),
    ("Assumptions", "From", 2): ("04/05/26", "day and month of a text could be taken"),
    ("Assumptions", "Value", 3): ("one hundred", 'expected a number, found text "one hundred"'),
    ("Assumptions", "Value", 4): (7, "least_register_share must be from 0 to 1, found 7"),
    ("Assumptions", "Unit", 5): ("GBP", "share_at_start is in 1, found the unit 'GBP'"),
    ("Assumptions", "High", 6): (0.1, "0.1 is less than the value, 0.46 (low ≤ value ≤ high)"),
    ("Assumptions", "From", 8): ("2014-04-01", "from 1 April 2014 is in row 12 too"),
    ("Contracts", "Practice", 1): ("EX009", "there is no practice EX009"),
    ("Contracts", "Schedule", 1): ("five-years", "there is no schedule 'five-years'"),
    ("Contracts", "Term", 2): ("no_such_term", "there is no term 'no_such_term'"),
    ("Contracts", "From", 2): ("2016-04-07", "expected the first day of a month"),
    ("Scenarios", "Run", 1): ("perhaps", 'expected yes or no, found text "perhaps"'),
    ("Scenarios", "Value", 2): (4, "expected the name of a term, found nothing"),
}
"""What is typed, by sheet, heading and row under the headings; and what is told of it."""

BESIDE = {
    ("Contracts", "Term", 1): PRICE,
    ("Contracts", "From", 1): "2016-04",
    ("Contracts", "Practice", 2): "EX001",
    ("Contracts", "Value", 2): 1,
    ("Scenarios", "Scenario", 2): "dearer",
}
"""What stands beside it in the same row."""

ELSEWHERE = {("Scenarios", "Value", 2): ("Scenarios", "Term", 2)}
"""Where it is told of, if not where it was typed."""


def test_thirty_wrong_cells_are_all_told_at_once_each_at_its_place(good, tmp_path):
    assert len(WRONG_FIGURES) == 30
    parts = good.copy()
    for place, value in BESIDE.items():
        parts.put(place[0], good.at(*place), value)
    for place, (value, _) in WRONG_FIGURES.items():
        parts.put(place[0], good.at(*place), value)
    told = problems(parts, tmp_path)
    for place, (_, expected) in WRONG_FIGURES.items():
        sheet, heading, row = ELSEWHERE.get(place, place)
        cell = f"{sheet}!{good.at(sheet, heading, row)}"
        assert expected in told.pop(cell, ""), (cell, expected)
    assert told == {}


WRONG_COVERS = {
    "Model": (
        ("no-such-contract", "no model 'no-such-contract' comes with capitation"),
        ("Bolton Quality Contract", "did you mean 'bolton-quality-contract'?"),
    ),
    "Fiscal year of the figures": (
        ("2014-15", "expected a fiscal year"),
        ("2014/16", "expected a fiscal year"),
        (None, "is blank"),
    ),
    "First month": (
        ("2014-04", "the figures are of 2014/15, and the first month is April 2014"),
        ("2015-04-02", "expected the first day of a month, found 2 April 2015"),
        ("04/2015", "expected a date"),
        (99_999_999, "holds the error #VALUE!"),
    ),
    "Months": (
        (0, "expected a whole number of months, found 0 (from 1 to 600)"),
        (601, "found 601"),
        (12.5, "found 12.5"),
        ("twelve", 'expected a number, found text "twelve"'),
    ),
    "Date prepared": (("04/05/26", "expected a date"), (True, "expected a date, found TRUE")),
}


@pytest.mark.parametrize(
    ("label", "value", "expected"),
    [(label, *case) for label, cases in WRONG_COVERS.items() for case in cases],
)
def test_a_cover_typed_wrong(good, tmp_path, label, value, expected):
    cell = good.at("Cover", label)
    told = problems(good.copy().put("Cover", cell, value), tmp_path)
    assert list(told) == [f"Cover!{cell}"]
    assert expected in told[f"Cover!{cell}"]


@pytest.mark.parametrize(
    ("sheet", "heading", "typed", "at", "expected"),
    [
        ("Practices", "registered_list", "registered_lst", None, "did you mean 'registered_list'?"),
        ("Practices", "registered_list", "weighted_list", None, "'registered_list' of each"),
        ("Practices", "qof", "registered_list", None, "the heading registered_list stands in"),
        ("Assumptions", "Value", "Figure", "A5", "the column 'Value' is missing"),
        ("Assumptions", "Source", "Sorce", None, "did you mean 'Source'?"),
        ("Scenarios", "Scenario", "What if", "A5", "the column 'Scenario' is missing"),
        ("Practices", "seniority", None, None, "stands under no heading"),
    ],
)
def test_headings_typed_wrong(good, tmp_path, sheet, heading, typed, at, expected):
    cell = good.at(sheet, heading, 0)
    told = problems(good.copy().put(sheet, cell, typed), tmp_path)
    found = told.get(f"{sheet}!{at or cell}", "") + told.get(sheet, "")
    found += told.get(f"{sheet}!{good.at(sheet, heading, 1)}", "")
    assert expected in found


def test_a_code_that_is_a_number_is_told_and_nothing_that_follows_from_it(good, tmp_path):
    cell = good.at("Practices", "practice")
    parts = good.copy().put("Practices", cell, 12345)
    for heading, value in {
        "Practice": "EX001",
        "Term": PRICE,
        "From": "2016-04",
        "Value": 3,
    }.items():
        parts.put("Contracts", good.at("Contracts", heading), value)
    told = problems(parts, tmp_path)
    assert list(told) == [f"Practices!{cell}"]
    assert "expected a code, found the number 12345" in told[f"Practices!{cell}"]


def test_a_total_row_is_to_be_deleted(good, tmp_path):
    parts = good.copy().put("Practices", good.at("Practices", "practice_name", 4), "Grand total")
    parts.put("Practices", good.at("Practices", "practice", 4), None)
    cell = f"Practices!{good.at('Practices', 'practice', 4)}"
    assert problems(parts, tmp_path) == {cell: "this looks like a total row. Delete it"}


def test_a_row_that_is_no_practice_is_told_of_once(good, tmp_path):
    parts = good.copy().put("Practices", good.at("Practices", "practice", 6), "Source: our ledger")
    parts.put("Practices", good.at("Practices", "weighted_list", 7), 9_999)
    note, total = (
        f"Practices!{good.at('Practices', *place)}"
        for place in (("practice", 6), ("weighted_list", 7))
    )
    source, mend = 'text "Source: our ledger"', "(delete totals, notes and other such rows)"
    assert problems(parts, tmp_path) == {
        note: f"expected a practice code, found {source}, and no commissioner {mend}",
        total: f"expected a practice, found a row without a code and a commissioner {mend}",
    }


@pytest.mark.parametrize(
    ("typed", "mend"),
    [
        ("n/a", "write 0 where there is none"),
        ("–", "write 0 where there is none"),
        ("8,5", "write a point and no comma before decimals, as 0.5"),
        ("8,580", "remove the comma"),
        ("yes", "write 1 for yes, 0 for no"),
    ],
)
def test_how_to_write_what_is_no_number(good, tmp_path, typed, mend):
    cell = good.at("Practices", "registered_list")
    told = problems(good.copy().put("Practices", cell, typed), tmp_path)
    assert told == {f"Practices!{cell}": f'expected a number, found text "{typed}" ({mend})'}


def test_a_practice_is_in_london_or_not(good, tmp_path):
    cell = good.at("Practices", "london_practice")
    told = problems(good.copy().put("Practices", cell, 0.5), tmp_path)
    assert told[f"Practices!{cell}"].startswith("must be 1 or 0, found 0.5")


def test_a_heading_that_is_wrong_is_told_of_once(good, tmp_path):
    for sheet, heading, typed in (
        ("Practices", "weighted_list", "Weighted"),
        ("Assumptions", "Value", "Amount"),
        ("Scenarios", "From", "Begins on"),
    ):
        cell = good.at(sheet, heading, 0)
        told = problems(good.copy().put(sheet, cell, typed), tmp_path)
        assert len(told) == 1, told


def test_a_workbook_of_another_contract_is_told_of_on_the_cover(good, tmp_path):
    cell = good.at("Cover", "Model")
    told = problems(good.copy().put("Cover", cell, "uniting-care"), tmp_path)
    assert list(told) == [f"Cover!{cell}"]
    assert "are none that the model 'uniting-care' reads: " in told[f"Cover!{cell}"]
    assert "capitation template OUT.xlsx --model uniting-care" in told[f"Cover!{cell}"]


def test_a_blank_figure_that_the_contract_reads(good, tmp_path):
    cell = good.at("Practices", "weighted_list", 2)
    told = problems(good.copy().put("Practices", cell, None), tmp_path)
    assert told[f"Practices!{cell}"].startswith(
        "expected a number for weighted_list, found nothing"
    )


def test_a_column_that_no_rule_reads_may_be_blank(good, tmp_path):
    parts = good.copy()
    for row in range(1, 5):
        parts.put("Practices", good.at("Practices", "premises", row), None)
    assert "premises" not in read(parts, tmp_path).practices


def test_a_figure_without_grounds_and_rows_of_one_date(good, tmp_path):
    parts = good.copy()
    row = good.row_of("Assumptions", "least_register_share")
    parts.put("Assumptions", good.at("Assumptions", "Source", row), None)
    parts.put("Assumptions", good.at("Assumptions", "Assumption", row), None)
    cell = f"Assumptions!{good.at('Assumptions', 'Source', row)}"
    told = problems(parts, tmp_path)
    assert told[cell].startswith("the figure of least_register_share has neither a source nor an")


def test_scenarios_named_wrong(good, tmp_path):
    parts = good.copy()
    for row, name in ((2, "dearer"), (3, "Base"), (4, None)):
        parts.put("Scenarios", good.at("Scenarios", "Scenario", row), name)
        parts.put("Scenarios", good.at("Scenarios", "Note", row), "why")
    parts.put("Scenarios", good.at("Scenarios", "Run", 1), "no")
    parts.put("Scenarios", good.at("Scenarios", "Run", 2), "no")
    told = problems(parts, tmp_path)
    assert "is named in row 6 already" in told[f"Scenarios!{good.at('Scenarios', 'Scenario', 3)}"]
    assert "found nothing" in told[f"Scenarios!{good.at('Scenarios', 'Scenario', 4)}"]
    assert "no scenario is to be run" in told[f"Scenarios!{good.at('Scenarios', 'Run', 1)}"]


def test_a_fraction_that_became_a_date(good, tmp_path):
    row = good.row_of("Assumptions", PRICE)
    cell = good.at("Assumptions", "Value", row)
    dated = good.copy().xml("Assumptions").split(f'<c r="{good.at("Assumptions", "From", row)}"')[1]
    style = dated.split('s="')[1].split('"')[0]
    parts = good.copy().put("Assumptions", cell, 46209)
    xml = parts.xml("Assumptions")
    before = xml.split(f'<c r="{cell}"')[1].split(">")[0]
    parts.swap_in("Assumptions", f'<c r="{cell}"{before}>', f'<c r="{cell}" s="{style}">')
    told = problems(parts, tmp_path)[f"Assumptions!{cell}"]
    assert "found the date 6 July 2026" in told
    assert "'6/7" in told


# What a run would refuse is led back to its cell -------------------------------------------------


def test_a_month_before_a_terms_first_date_is_told_at_that_date(good, tmp_path):
    row = good.row_of("Assumptions", "least_register_share")
    cell = good.at("Assumptions", "From", row)
    told = problems(good.copy().put("Assumptions", cell, "2015-07-01"), tmp_path)
    assert list(told) == [f"Assumptions!{cell}"]
    assert "has no value for April 2015" in told[f"Assumptions!{cell}"]


def test_a_practices_term_may_not_rewrite_the_base_year(pms, tmp_path):
    parts = pms.copy()
    model = cap.load_model(THAMES_VALLEY)
    name = next(
        leaf.removeprefix("base_")
        for leaf, of in model.graph().leaves.items()
        if of.kind == "base term" and leaf.removeprefix("base_") in model.graph().leaves
    )
    value = model.terms[name].values[0].value
    for heading, cell in {
        "Practice": "EX001",
        "Term": name,
        "From": "2014-04",
        "Value": value,
    }.items():
        parts.put("Contracts", pms.at("Contracts", heading), cell)
    told = problems(parts, tmp_path)
    assert "begin after it" in told[f"Contracts!{pms.at('Contracts', 'From')}"]


def test_more_than_fifty_problems_are_counted(good, tmp_path):
    parts = good.copy()
    for row in range(1, 5):
        for name in list(good.headings["Practices"][1])[4:20]:
            parts.put("Practices", good.at("Practices", name, row), "x")
    with pytest.raises(InputError) as caught:
        read(parts, tmp_path)
    assert len(caught.value.problems) == SHOWN + 1
    assert str(caught.value.problems[-1]) == "in.xlsx: and 14 more problems (mend these first)"


GARBAGE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), max_size=12).filter(
        lambda text: not text.startswith("<")
    ),
    st.sampled_from(
        [
            "#N/A",
            "<f>A1</f>",
            "<v>1e999</v>",
            "<v>NaN</v>",
            "<is/>",
            "2015-04",
            "6/7",
            "1/0",
            "base",
        ]
    ),
)


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    cells=st.lists(
        st.tuples(st.sampled_from(SHEETS[:5]), st.integers(1, 12), st.integers(1, 14), GARBAGE),
        min_size=1,
        max_size=6,
    )
)
def test_whatever_is_typed_is_read_or_refused(good, tmp_path, cells):
    parts = good.copy()
    for sheet, row, column, value in cells:
        parts.put(sheet, f"{chr(64 + column)}{row}", value)
    with contextlib.suppress(InputError):
        found = read(parts, tmp_path)
        cap.project(found.model, found.practices, scenarios=found.scenarios, months=1)
