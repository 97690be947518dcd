"""Budget, Bridge, Sensitivity and Assumptions: live, checked, and of the scenario that is shown."""

import json

import formualizer
import numpy as np
import openpyxl
import pytest

import capitation as cap
from capitation.model import TOTAL_PAYMENTS
from capitation.sensitivities import sensitivity, sensitivity_json
from capitation.wording import label
from capitation.workbook.content import Content
from capitation.workbook.layout import Layout
from capitation.workbook.page import Book
from capitation.workbook.story import bridge, selector
from capitation.workbook.story import sensitivity as sensitivity_sheet
from capitation.workbook.story.assumptions import VALUE_COLUMN
from capitation.workbook.story.sheets import StorySheets
from capitation.workbook.summary import Summary
from capitation.workbook.writer import written_book

from .recalculation import recalculated, stale_copy
from .strategies import SANDWELL, UNITING_CARE, UNPLANNED, VANGUARD, shipped
from .test_workbook import differences, few_practices

PAIR = ["delegated", "joint"]
SIGNED_AND_CEILING = ["as-signed", "at-the-ceiling"]
RANGES = {"monthly_list_growth": (-0.001, 0.002), "global_sum_price": (70, 90)}
STORY = ["Budget", "Bridge", "Assumptions"]


def three_practices():
    """One on PMS, one on GMS and one on APMS."""
    return few_practices().isel(practice=[0, 2, 4])


def two_practices():
    return few_practices().isel(practice=[0, -1])


def of_sandwell(months=24, scenarios=PAIR):
    return cap.project(SANDWELL, three_practices(), scenarios, months=months)


@pytest.fixture(scope="module")
def result():
    found = sensitivity(SANDWELL, three_practices(), terms=RANGES, months=24)
    prepared = {"Organisation": "NHS Example", "Input workbook": "=1+1"}
    said = {"prepared": json.dumps(prepared), "input_notes": json.dumps(["Two rows are hidden."])}
    return of_sandwell().assign_attrs(sensitivity=sensitivity_json(found), **said)


@pytest.fixture(scope="module")
def written(result):
    return written_book(Content(result))


@pytest.fixture(scope="module")
def found(stale):
    """What the independent engine finds, by sheet and cell."""
    return recalculated(stale)


@pytest.fixture(scope="module")
def stale(written, tmp_path_factory):
    return stale_copy(written[0], tmp_path_factory.mktemp("book"))


def after(stale, folder, *edits):
    """What all formulas come to once some cells are changed; of the sheets that tell the story."""
    book = openpyxl.load_workbook(stale)
    for sheet, cell, value in edits:
        book[sheet][cell] = value
    path, out = folder / "edited.xlsx", folder / "recalculated.xlsx"
    book.save(path)
    assert formualizer.recalculate_file(str(path), str(out))["errors"] == 0
    book = openpyxl.load_workbook(out, data_only=True, read_only=True)
    values = {
        title: {c.coordinate: c.value for r in book[title] for c in r if c.value is not None}
        for title in ("Cover", "Budget", "Bridge", "Sensitivity", "Assumptions", "Checks")
    }
    book.close()
    return values


def rows_of(cells, first):
    """Rows of a recalculated sheet by the text in their first cell, the first of each."""
    found = {}
    for cell, value in cells.items():
        if cell[0] == "A" and cell[1:].isdigit() and int(cell[1:]) > first:
            found.setdefault(value, int(cell[1:]))
    return found


def by_stream(result, scenario):
    """Payments by stream and fiscal year, total payments last."""
    of = result.sel(scenario=scenario)
    names = [*json.loads(result.attrs["streams"]), TOTAL_PAYMENTS]
    years = of["fiscal_year"].values
    monthly = {name: of[name].transpose("practice", "month").values.sum(axis=0) for name in names}
    return {
        name: [float(values[years == year].sum()) for year in of["year"].values]
        for name, values in monthly.items()
    }


def test_every_formula_agrees_with_the_kernel(written, found):
    book, summary = written
    assert differences(book.values, found) == []
    assert found["Cover"]["B4"] == f"All {len(summary.checks)} checks OK"
    assert book.workbook.sheetnames[1:5] == ["Budget", "Bridge", "Sensitivity", "Assumptions"]


SMALL = {UNITING_CARE: SIGNED_AND_CEILING, UNPLANNED: ["base"], VANGUARD: ["all-vanguards"]}


@pytest.mark.parametrize("name", SMALL)
def test_every_formula_of_a_model_without_a_base_year_agrees_with_the_kernel(name, tmp_path):
    run = cap.project(name, two_practices(), SMALL[name], months=24)
    book, summary = written_book(Content(run))
    assert book.workbook.sheetnames[1:4] == STORY
    found = recalculated(stale_copy(book, tmp_path))
    values = {sheet: book.values[sheet] for sheet in ("Cover", "Checks", *STORY)}
    assert differences(values, found) == []
    assert [found["Bridge"][cell] for cell in ("B4", "B5")] == run["year"].values.tolist()
    assert found["Cover"]["B4"] == f"All {len(summary.checks)} checks OK"


# ------------------------------------------------------------------------- the scenario shown


def test_another_scenario_on_the_cover_gives_its_figures_to_the_penny(result, stale, tmp_path):
    found = after(stale, tmp_path, ("Cover", "B6", "joint"))
    budget = found["Budget"]
    assert (budget["B4"], budget["B5"]) == ("joint", 2)
    rows = rows_of(budget, 36)
    for name, years in by_stream(result, "joint").items():
        row = rows["Total payments" if name == TOTAL_PAYMENTS else label(name)]
        assert [budget[f"{column}{row}"] for column in "DE"] == pytest.approx(years, abs=0.005)
        assert budget[f"F{row}"] == pytest.approx(sum(years), abs=0.005)
    assert found["Bridge"]["B6"] == "joint"
    assert found["Cover"]["B4"].startswith("All ")


def test_a_name_that_is_no_scenario_is_said_and_fails_a_check(stale, tmp_path):
    found = after(stale, tmp_path, ("Cover", "B6", "nowhere"))
    assert (found["Budget"]["B4"], found["Budget"]["C5"]) == ("delegated", selector.UNKNOWN)
    assert found["Cover"]["B4"] == "1 checks fail"
    failing = [row for row in range(4, 60) if found["Checks"].get(f"F{row}") == "CHECK"]
    assert [found["Checks"][f"A{row}"] for row in failing] == [
        "The Cover names a scenario of the run"
    ]


def test_the_cover_offers_the_scenarios_of_the_run(written):
    book = written[0].workbook
    (offer,) = book["Cover"].data_validations.dataValidation
    assert str(offer.sqref) == "B6"
    sheet, _, cells = offer.formula1.partition("!")
    names = [cell.value for (cell,) in book[sheet][cells.replace("$", "")]]
    assert names == PAIR
    assert book["Cover"]["B6"].style.startswith("input")


def test_one_scenario_leaves_nothing_to_choose():
    book, summary = written_book(Content(of_sandwell(months=2, scenarios=["joint"])))
    cover = book.workbook["Cover"]
    assert (cover["A6"].value, cover["B6"].value) == ("Scenario shown", "joint")
    assert not cover.data_validations.dataValidation
    assert not cover["B6"].style.startswith("input")
    formulas = [str(c.value) for row in book.workbook["Budget"] for c in row]
    assert not [text for text in formulas if "CHOOSE" in text or "side by side" in text]
    assert not [check for check in summary.checks if "Cover names" in check.what]


def test_figures_follow_the_selector_where_all_others_are_values():
    content = Content(of_sandwell(months=2))
    book = Book(live=False)
    book.page("Cover")
    summary = Summary(book, Layout(content))
    story = StorySheets(summary)
    summary.write()
    story.write()
    assert book.workbook["Summary"]["C9"].data_type == "n"
    sheet = book.workbook["Budget"]
    rows = {sheet.cell(row, 1).value: row for row in range(70, 36, -1)}
    shown = sheet.cell(rows["Global sum"], 4).value
    assert shown == "=CHOOSE(Budget!$B$5,Summary!C9,Summary!C27)"


# ------------------------------------------------------------------------- Budget


def test_the_base_year_by_stream_adds_up_to_the_files_payments(result, found):
    budget = found["Budget"]
    rows = rows_of(budget, 36)
    columns = {
        "Seniority": ["base_seniority"],
        "QOF": ["base_qof"],
        "Local schemes": ["base_local_schemes"],
        "Correction factor": ["base_correction_factor"],
        "Total payments": ["base_total_payments"],
    }
    for stream, names in columns.items():
        paid = sum(float(result[name].sum()) for name in names)
        assert budget[f"C{rows[stream]}"] == pytest.approx(paid, abs=0.005)
    # What the rules carry on unchanged is what the base year had.
    remaining = float(result["remaining_payments"].isel(month=0).sum()) * 12
    assert budget[f"C{rows['Remaining payments']}"] == pytest.approx(remaining, abs=0.005)
    of_pms = ["PMS GMS equivalent", "PMS defined services", "PMS premium", "APMS payment"]
    of_gms = ["Global sum", "Correction factor", "Premium as correction factor"]
    names = ("base_global_sum", "base_correction_factor", "base_pms_expenditure")
    paid = sum(float(result[name].sum()) for name in (*names, "pms_booked_as_other"))
    core = sum(budget[f"C{rows[name]}"] for name in of_pms + of_gms)
    assert core == pytest.approx(paid, abs=0.005)


def test_a_practice_that_switched_had_its_premium_as_a_correction_factor():
    practices = few_practices()
    of_gms = np.flatnonzero(practices["contract_type"].values == "GMS")[:1]
    switched = practices.isel(practice=of_gms).copy()
    switched["pms_expenditure"][:] = 5_000.0
    switched["correction_factor"][:] = 2_000.0
    run = cap.project("bolton-quality-contract", switched, ["indexed-guarantee"], months=1)
    assert run["switched_in_base_year"].values.tolist() == [1.0]
    book, _ = written_book(Content(run))
    budget, values = book.workbook["Budget"], book.values["Budget"]
    rows = {budget.cell(row, 1).value: row for row in range(70, 36, -1)}
    found = {name: values.get(f"C{row}") for name, row in rows.items()}
    assert found["Premium as correction factor"] == 2_000
    assert (found["Correction factor"], found["PMS GMS equivalent"]) == (0, 5_000)
    # A stream that is new had nothing: no formula stands there.
    assert budget[f"C{rows['Scheme payment']}"].value == 0
    assert found["Scheme payment"] is None


def test_thousands_scenarios_and_changes(result, found):
    budget = found["Budget"]
    totals = {s: by_stream(result, s)[TOTAL_PAYMENTS] for s in PAIR}
    pounds = rows_of(budget, 36)
    total = pounds["Total payments"]
    thousands = rows_of(budget, total + 6)
    for column in "CDEF":
        in_pounds = budget[f"{column}{total}"]
        assert budget[f"{column}{thousands['Total payments']}"] == pytest.approx(in_pounds / 1000)
    for scenario in PAIR:
        row = thousands[scenario]
        assert [budget[f"{c}{row}"] for c in "DE"] == pytest.approx(totals[scenario], abs=0.005)
    row = thousands["joint less delegated"]
    apart = totals["joint"][1] - totals["delegated"][1]
    assert budget[f"E{row}"] == pytest.approx(apart, abs=0.005)
    base = float(result["base_total_payments"].sum())
    row = pounds["Change on 2014/15 (base year)"]
    assert budget[f"E{row}"] == pytest.approx(totals["delegated"][1] - base, abs=0.005)
    row = pounds["Change on the year before, %"]
    assert budget[f"D{row}"] == pytest.approx(totals["delegated"][0] / base - 1)
    lists = result["payment_weighted_list"].sum("practice").values[:12].mean()
    row = pounds["Payments per weighted patient"]
    assert budget[f"D{row}"] == pytest.approx(totals["delegated"][0] / lists)


def test_a_part_year_is_not_compared():
    book, _ = written_book(Content(of_sandwell(months=15)))
    budget = book.workbook["Budget"]
    rows = {budget.cell(row, 1).value: row for row in range(70, 37, -1)}
    changes = [text for text in rows if str(text).startswith("Change")]
    assert len(changes) == 3
    assert all(budget[f"E{rows[text]}"].value == "part year" for text in changes)
    assert book.workbook["Bridge"]["B5"].value == "2015/16"


# ------------------------------------------------------------------------- Bridge


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        ("2014/15 (base year)", "2016/17", bridge._ALIKE),
        ("2015/16", "1066", bridge._MISSING),
    ],
)
def test_the_bridge_stands_between_the_years_chosen(stale, tmp_path, start, end, said):
    edits = [("Bridge", "B4", start), ("Bridge", "B5", end), ("Cover", "B6", "joint")]
    found = after(stale, tmp_path, *edits)
    sheet, budget = found["Bridge"], found["Budget"]
    columns = {"2014/15 (base year)": "C", "2015/16": "D", "2016/17": "E"}
    before, later = (columns.get(year, "C") for year in (start, end))
    steps, rows = rows_of(sheet, 36), rows_of(budget, 36)
    streams = [name for name in steps if name in rows and name not in ("Stream", "Total payments")]
    assert len(streams) == 11
    for name in streams:
        change = budget[f"{later}{rows[name]}"] - budget[f"{before}{rows[name]}"]
        assert sheet[f"E{steps[name]}"] == pytest.approx(change, abs=0.005)
    total = rows["Total payments"]
    change = budget[f"{later}{total}"] - budget[f"{before}{total}"]
    assert sheet[f"E{steps['All streams together']}"] == pytest.approx(change, abs=0.005)
    assert sheet["A7"] == said
    assert found["Cover"]["B4"].startswith("1 " if said == bridge._MISSING else "All")


def test_a_bridge_of_unlike_years_says_so(tmp_path):
    book, _ = written_book(Content(of_sandwell(months=2)))
    assert book.values["Bridge"]["A7"] == bridge._UNLIKE


def test_one_year_without_a_base_year_makes_no_bridge():
    run = cap.project(UNITING_CARE, two_practices(), ["as-signed"], months=12)
    book, _ = written_book(Content(run))
    assert "Bridge" not in book.workbook.sheetnames


@pytest.mark.parametrize("before", [-3.0, 0.0, 2.0])
@pytest.mark.parametrize("then", [-5.0, -1.0, 0.0, 1.0, 4.0])
def test_a_column_spans_from_where_it_begins_to_where_it_ends(before, then):
    """Stacked from zero up and from zero down, as a chart stacks them."""
    above, below, more_up, more_down, less_up, less_down = bridge._parts_of(before, then)
    top = above + more_up + less_up
    bottom = below + more_down + less_down
    assert above >= 0 >= below
    assert top == max(before, then, 0)
    assert bottom == min(before, then, 0)
    seen = more_up - more_down + less_up - less_down
    assert seen == abs(then - before)
    assert (more_up == more_down == 0) or then >= before


# ------------------------------------------------------------------------- Sensitivity


def test_terms_stand_by_their_effect_and_the_state_follows_the_inputs(
    result, stale, found, tmp_path
):
    sheet, of = found["Sensitivity"], sensitivity_sheet.sensitivity_of(result.attrs["sensitivity"])
    rows = {value: int(cell[1:]) for cell, value in sheet.items() if cell[0] == "B"}
    assert sorted(rows[name] for name in RANGES) == [rows[n] for n in of["term"].values]
    for name, (low, high) in RANGES.items():
        row = rows[name]
        assert (sheet[f"E{row}"], sheet[f"G{row}"]) == (low, high)
        effects = of["effect"].sel(term=name).values
        assert [sheet[f"{c}{row}"] for c in "JK"] == pytest.approx(effects.tolist())
    assert sheet["B7"] == pytest.approx(sheet["B8"], abs=0.005)
    assert sheet["B9"] == found["Cover"]["B7"] == sensitivity_sheet.AS_RUN
    terms = found["Terms"]
    (row,) = [
        int(cell[1:])
        for cell, value in terms.items()
        if cell[0] == "B" and value == "monthly_list_growth"
    ]
    changed = after(stale, tmp_path, ("Terms", f"E{row}", 0.002))
    assert changed["Sensitivity"]["B9"] == changed["Cover"]["B7"] == sensitivity_sheet.CHANGED
    of_high = float(of["amount"].sel(term="monthly_list_growth", side="high"))
    assert changed["Sensitivity"]["B8"] == pytest.approx(of_high, abs=0.005)


@pytest.mark.parametrize(
    ("measure", "year", "compared"),
    [("qof", "2016/17", True), ("payment_growth_of_nothing", "", False), ("qof", "1066", False)],
)
def test_an_amount_that_the_workbook_does_not_hold_is_not_compared(result, measure, year, compared):
    of = sensitivity_sheet.sensitivity_of(result.attrs["sensitivity"])
    of = of.assign_attrs(measure=measure, measure_title="QOF", year=year, units="GBP")
    shown = of_sandwell().assign_attrs(sensitivity=sensitivity_json(of))
    book, _ = written_book(Content(shown))
    said = book.values["Sensitivity"]["B9"]
    assert (said != sensitivity_sheet.NOT_COMPARED) == compared
    if compared:
        assert book.workbook["Sensitivity"]["B8"].value.startswith("=Summary!D")


def test_an_amount_that_is_no_money_is_drawn_in_its_own_unit(result):
    of = sensitivity_sheet.sensitivity_of(result.attrs["sensitivity"])
    of = of.assign_attrs(measure="admissions", measure_title="Admissions", units="admission")
    shown = of_sandwell(months=1).assign_attrs(sensitivity=sensitivity_json(of))
    book, _ = written_book(Content(shown))
    sheet = book.workbook["Sensitivity"]
    said = [str(cell.value) for (cell,) in sheet.iter_rows(max_col=1)]
    assert "Effect on Admissions, admission, scenario delegated" in said


def test_without_a_sensitivity_there_is_no_sheet_of_it():
    book, _ = written_book(Content(of_sandwell(months=1)))
    assert "Sensitivity" not in book.workbook.sheetnames
    assert book.workbook["Cover"]["A7"].value is None
    assert "not asked for" in book.workbook["Assumptions"]["A2"].value


# ------------------------------------------------------------------------- Assumptions


def test_every_assumed_figure_is_in_the_log_and_reads_its_cell(written, stale, tmp_path):
    book, _ = written
    terms, log = book.workbook["Terms"], book.workbook["Assumptions"]
    assumed = {
        f"=Terms!{terms.cell(row, VALUE_COLUMN).coordinate}"
        for row in range(7, terms.max_row + 1)
        if terms.cell(row, 8).value and terms.cell(row, 4).value
    }
    listed = [log.cell(row, 5).value for row in range(6, log.max_row + 1)]
    assert assumed == {text for text in listed if str(text).startswith("=Terms!")}
    assert len(assumed) == len([text for text in listed if str(text).startswith("=Terms!")])
    rows = {log.cell(row, 2).value: row for row in range(log.max_row, 5, -1)}
    ranked = [name for name, row in rows.items() if row <= rows["monthly_list_growth"]]
    assert set(ranked) == set(RANGES)
    growth = log.cell(rows["monthly_list_growth"], 5).value
    changed = after(stale, tmp_path, ("Terms", growth.rpartition("!")[2], 0.25))
    assert changed["Assumptions"][f"E{rows['monthly_list_growth']}"] == 0.25


def test_effects_and_who_stands_for_a_figure_are_in_the_log(result):
    dated = json.loads(result["monthly_list_growth"].attrs["dated_values"])
    for values in dated.values():
        values[0] |= {"low": 0.0001, "high": 0.003, "owner": "A. Person", "agreed": "2015-02-01"}
    changed = result.copy()
    changed["monthly_list_growth"].attrs["dated_values"] = json.dumps(dated)
    book, _ = written_book(Content(changed))
    log = book.workbook["Assumptions"]
    (row,) = [
        [cell.value for cell in row]
        for row in log.iter_rows(min_row=6)
        if row[1].value == "monthly_list_growth"
    ]
    of = sensitivity_sheet.sensitivity_of(result.attrs["sensitivity"])
    effects = of["effect"].sel(term="monthly_list_growth").values
    assert row[6:8] == [0.0001, 0.003]
    assert row[8:10] == pytest.approx(effects.tolist())
    assert row[11:14] == ["A. Person", "2015-02-01", ""]


def test_what_a_practice_has_of_its_own_is_in_the_log(tmp_path):
    own = tmp_path / "own.csv"
    own.write_text(
        "practice,term,from,value,assumption\nEX008,switched_to_gms,2015-07-01,1,Ours.\n"
    )
    model = cap.with_practice_terms(shipped(SANDWELL), cap.read_practice_terms(own))
    book, _ = written_book(Content(cap.project(model, few_practices(), PAIR, months=4)))
    log = book.workbook["Assumptions"]
    found = [[c.value for c in row] for row in log.iter_rows() if row[2].value == "practice EX008"]
    assert [(row[1], row[10]) for row in found] == [("switched_to_gms", "Ours.")]
    values = book.values["Assumptions"]
    (cell,) = [row[4] for row in log.iter_rows() if row[2].value == "practice EX008"]
    assert values[cell.coordinate] == 1.0


# ------------------------------------------------------------------------- all of them


def test_no_formula_holds_a_figure_and_one_formula_stands_along_a_row(written):
    book = written[0].workbook
    for title in ("Budget", "Bridge", "Sensitivity", "Assumptions"):
        for row in book[title].iter_rows():
            for cell in row:
                if cell.data_type != "f":
                    continue
                tokens = openpyxl.formula.Tokenizer(cell.value).items
                assert {t.value for t in tokens if t.subtype == "NUMBER"} <= {"0", "1", "2"}
    for row in book["Budget"].iter_rows(min_row=38, min_col=4, max_col=5):
        first, second = row
        if first.data_type == second.data_type == "f":
            translator = openpyxl.formula.translate.Translator(first.value, first.coordinate)
            assert translator.translate_formula(second.coordinate) == second.value


def test_charts_say_in_words_what_they_show(written):
    book = written[0]
    for title, words in (
        ("Budget", "Global sum"),
        ("Bridge", "All streams together"),
        ("Sensitivity", "at its low"),
    ):
        (chart,) = book.workbook[title]._charts
        (text,) = book.descriptions[title].values()
        assert words in text
        assert chart.title.tx.strRef.f.startswith(f"{title}!")
        assert chart.y_axis.title is not None
    (streams,) = book.workbook["Budget"]._charts
    assert streams.y_axis.scaling.min == 0
    assert len(streams.series) == 6
    (steps,) = book.workbook["Bridge"]._charts
    assert [entry.idx for entry in steps.legend.legendEntry] == [0, 1, 3, 5]


def test_payments_taken_back_do_not_start_their_axis_at_zero():
    run = cap.project("nottinghamshire-recovery", two_practices(), ["at-once"], months=13)
    book, _ = written_book(Content(run))
    (chart,) = book.workbook["Budget"]._charts
    taken = bool((run["overpayment_recovery"].values < 0).any())
    assert (chart.y_axis.scaling.min is None) == taken


def test_the_cover_says_who_prepared_it(written):
    cover = written[0].workbook["Cover"]
    rows = {row[0].value: row[1] for row in cover.iter_rows(max_col=2)}
    assert rows["Organisation"].value == "NHS Example"
    assert rows["Input workbook"].data_type == "s"
    assert "Notes of the input workbook" in rows
    assert "Two rows are hidden." in rows
    about = {row[0].value: row[1].value for row in cover.iter_rows(max_col=2)}
    for title in ("Budget", "Bridge", "Sensitivity", "Assumptions"):
        assert about[title]
