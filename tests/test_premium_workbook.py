"""Sheets of PMS premium, of gains and losses, and of payments by month: live, checked, sorted."""

import datetime as dt
import json
import re
import zipfile
from itertools import product
from xml.etree import ElementTree as ET

import numpy as np
import openpyxl
import pytest

import capitation as cap
from capitation.gains import gains_and_losses
from capitation.settlement import settle
from capitation.what_if import with_terms
from capitation.wording import label
from capitation.workbook.content import Content
from capitation.workbook.writer import written_book

from .recalculation import recalculated, stale_copy
from .test_workbook import differences

SCENARIOS = ["april-2016", "april-2015"]
SHEETS = ["PMS premium", "Gains and losses", "Payment calendar"]
POOL = {"reinvested_share": 0.4, "carried_share_at_year_end": 0.5}


def six_practices():
    """Three that lose premium, one each of PMS without, GMS and APMS; two commissioners."""
    practices = cap.example_practices().isel(practice=[0, 1, 2, 15, 16, 28])
    practices = practices.assign(pool_brought_forward_by_practice=("practice", np.full(6, 1000.0)))
    area = np.array(["02B", "01A", "01A", "02B", "01A", "02B"])
    return practices.assign_coords(commissioner=("practice", area))


def projected(folder, months=24, scenarios=SCENARIOS, **terms):
    """A pool that is carried, spent in part and lapses, and a practice that switches to GMS."""
    own = folder / "own.csv"
    own.write_text(
        "practice,term,from,value,assumption\nEX029,switched_to_gms,2016-07-01,1,Ours.\n"
    )
    model = with_terms(cap.load_model("thames-valley-pms"), POOL | terms)
    model = cap.with_practice_terms(model, cap.read_practice_terms(own))
    return cap.project(model, six_practices(), scenarios=scenarios, months=months)


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return projected(tmp_path_factory.mktemp("terms"))


@pytest.fixture(scope="module")
def written(result):
    return written_book(Content(result))


@pytest.fixture(scope="module")
def file(result, tmp_path_factory):
    path = tmp_path_factory.mktemp("book") / "book.xlsx"
    cap.write_workbook(result, path)
    return path


def shown(book, title):
    """Rows of a sheet: a formula's saved value, or what the cell holds."""
    values = book.values[title]
    return [
        [values.get(cell.coordinate, cell.value) for cell in row]
        for row in book.workbook[title].iter_rows()
    ]


def edited(file, folder, *edits):
    """A copy of the file with some cells changed."""
    book = openpyxl.load_workbook(file)
    for sheet, cell, value in edits:
        book[sheet][cell] = value
    path = folder / "edited.xlsx"
    book.save(path)
    return path


def test_every_formula_agrees_with_the_kernel_and_all_checks_hold(written, tmp_path):
    book, summary = written
    found = recalculated(stale_copy(book, tmp_path))
    assert differences(book.values, found) == []
    assert found["Cover"]["B4"] == f"All {len(summary.checks)} checks OK"
    names = book.workbook.sheetnames
    first = names.index(SHEETS[0])
    assert names[first : first + 4] == [*SHEETS, "Checks"]
    about = {row[0].value: row[1].value for row in book.workbook["Cover"].iter_rows()}
    assert all(len(about[title]) > 40 for title in SHEETS)


# ------------------------------------------------------------------------------- PMS premium


def premium_rows(book):
    """Figures by year, and of all years, by scenario, commissioner and what they are."""
    found, scenario = {}, ""
    for who, what, *figures in shown(book, "PMS premium"):
        if str(who).partition(":")[0] in SCENARIOS and what is None:
            scenario = who.partition(":")[0]
        elif scenario and what and who not in ("Commissioner", "Fiscal year begins in"):
            found.setdefault((scenario, who, what), figures)
    return found


def test_premium_and_pool_of_each_commissioner_and_of_all(written, result):
    rows = premium_rows(written[0])
    years = list(result["year"].values)

    def of(name, scenario, who):
        array = result[name].sel(scenario=scenario) if "scenario" in result[name].dims else None
        array = result[name] if array is None else array
        if "practice" in array.dims:
            array = array.groupby("commissioner").sum().rename(commissioner="commissioner_code")
        chosen = array if who == "All commissioners" else array.sel(commissioner_code=[who])
        return chosen.sum("commissioner_code").groupby("fiscal_year").sum().sel(fiscal_year=years)

    for scenario, who in product(SCENARIOS, ["All commissioners", "01A", "02B"]):
        figures = {
            "Premium before withdrawal": "premium_before_withdrawal",
            "Paid on PMS": "pms_premium",
            "Paid as a correction factor": "premium_as_correction_factor",
            "Withdrawn": "premium_withdrawn",
            "Released into the pool: added": "premium_withdrawn",
            "Reinvested: taken off": "pool_reinvested",
            "Unspent and lapsed: taken off": "pool_unspent",
            "Reinvested, as practices receive it": "premium_reinvested",
        }
        for what, name in figures.items():
            expected = of(name, scenario, who).values
            assert rows[scenario, who, what] == pytest.approx([*expected, expected.sum()]), what
        pool = result["reinvestment_pool"].sel(scenario=scenario)
        pool = pool.sum("commissioner_code") if who[0] == "A" else pool.sel(commissioner_code=who)
        ends = pool.values[[11, 23]]
        before = {"01A": 3000, "02B": 3000, "All commissioners": 6000}[who]
        opens = [before, ends[0], before]
        assert rows[scenario, who, "Pool at the beginning of the year"] == pytest.approx(opens)
        closes = [*ends, ends[1]]
        assert rows[scenario, who, "Pool at the end of the year"] == pytest.approx(closes)
        assert ends[0] > 0 or scenario == "april-2016"
    # The practice that switched is in the other commissioner.
    share = rows["april-2015", "01A", "Share of the premium paid"]
    assert share == pytest.approx([0.75, 0.5, share[2]])
    assert share[1] < share[2] < share[0]
    lapsed = rows["april-2015", "All commissioners", "Unspent and lapsed: taken off"]
    assert min(lapsed) > 0
    switched = rows["april-2016", "02B", "Paid as a correction factor"]
    assert switched[0] == 0 < switched[1]


def row_with(book, title, *texts):
    """Row of the first cell in the first columns that hold these texts."""
    for row in book.workbook[title].iter_rows(max_col=len(texts)):
        if tuple(cell.value for cell in row) == texts:
            return row[0].row
    raise AssertionError(texts)


def test_each_wrong_figure_fails_its_own_check(written, file, tmp_path):
    wrong = {
        "Premium paid + withdrawn = premium": (SHEETS[0], "C", "01A", "Withdrawn"),
        "Pool: beginning + movements = end": (
            SHEETS[0],
            "D",
            "02B",
            "Unspent and lapsed: taken off",
        ),
        "Practices receive what the pool reinvests": (
            SHEETS[0],
            "D",
            "02B",
            "Reinvested, as practices receive it",
        ),
        "Gains and losses add to the premium's flows": (SHEETS[1], "I", "EX017"),
        "Owed + earned - paid = owed after": (SHEETS[2], "H", "QOF"),
    }
    book = openpyxl.load_workbook(file)
    for sheet, letter, *texts in wrong.values():
        cell = book[sheet][f"{letter}{row_with(written[0], sheet, *texts)}"]
        live = str(cell.value).startswith("=")
        cell.value = f"{cell.value}+0.02" if live else cell.value + 0.02
    # Less than rounding comes to is no fault of the calendar, more is.
    sheet, row = book[SHEETS[2]], row_with(written[0], SHEETS[2], "Summary: total payments")
    sheet[f"AD{row}"].value += "+5"
    sheet[f"AF{row + 4}"].value += 5
    path = tmp_path / "wrong.xlsx"
    book.save(path)
    found = recalculated(path)
    checks = found["Checks"]
    failed = {checks[f"A{cell[1:]}"] for cell, value in checks.items() if value == "CHECK"}
    assert failed == {*wrong, "Payment calendar = Summary, but for rounding"}
    assert found["Cover"]["B4"] == "6 checks fail"


# ------------------------------------------------------------------------------- gains and losses


def blocks_of_gains(book):
    """Rows of practices by the title of their block."""
    found, title = {}, ""
    for row in shown(book, "Gains and losses"):
        text = str(row[0])
        if text.startswith(tuple(f"Net change: {s}" for s in SCENARIOS)) or "less those" in text:
            title = text.removeprefix("Net change: ").partition(",")[0]
            found[title] = {}
        elif title and (text.startswith("EX") or text == "All practices"):
            found[title][text] = row[4:]
    return found


def test_practices_stand_from_the_largest_loss_to_the_largest_gain(written, result):
    blocks = blocks_of_gains(written[0])
    changed = {s: gains_and_losses(result, s) for s in SCENARIOS}
    per_patient = changed["april-2016"]["change_of_run_per_patient"]
    whole_pence = dict(
        zip(per_patient["practice"].values, per_patient.values.round(2), strict=True)
    )
    order = sorted(whole_pence, key=lambda code: (whole_pence[code], code))
    compared = "Total payments in april-2015 less those in april-2016"
    assert list(blocks) == [*SCENARIOS, compared]
    for scenario, found in changed.items():
        rows = blocks[scenario]
        assert list(rows) == [*order, "All practices"]
        for code in order:
            of = found.sel(practice=code)
            assert rows[code][:2] == pytest.approx(of["change_per_patient"].values)
            assert rows[code][2] == pytest.approx(float(of["change_of_run_per_patient"]))
            assert rows[code][3:5] == pytest.approx(of["change"].values)
            assert rows[code][5] == pytest.approx(float(of["change_of_run"]))
            assert rows[code][6:8] == pytest.approx(of["weighted_list"].values)
    delay = gains_and_losses(result, "april-2015", "april-2016")
    for code in order:
        of = delay.sel(practice=code)
        assert blocks[compared][code][5] == pytest.approx(float(of["change_of_run"]))
    total = result["total_payments"].sum(("practice", "month"))
    expected = total.sel(scenario="april-2015") - total.sel(scenario="april-2016")
    assert blocks[compared]["All practices"][5] == pytest.approx(float(expected))


def counts(rows):
    """How many practices lose and gain more than the threshold, by scenario and word."""
    named = {str(row[0]): row[4:7] for row in rows if "practices that" in str(row[0])}
    return {
        tuple(re.match(r"(\S+): practices that (\w+)", k).groups()): v for k, v in named.items()
    }


def test_practices_beyond_the_threshold_are_counted_anew(written, file, result, tmp_path):
    text = "Threshold: £ per weighted patient in a fiscal year"
    cell = f"E{row_with(written[0], SHEETS[1], text)}"
    assert written[0].workbook[SHEETS[1]][cell].value == 3
    found = recalculated(edited(file, tmp_path, (SHEETS[1], cell, 0.7)))[SHEETS[1]]
    rows = [[found.get(f"{c}{row}") for c in "ABCDEFG"] for row in range(1, 20)]
    for threshold, counted in ((3.0, counts(shown(written[0], SHEETS[1]))), (0.7, counts(rows))):
        for scenario in SCENARIOS:
            expected = gains_and_losses(result, scenario, threshold=threshold)
            for word, name in (("lose", "practices_losing"), ("gain", "practices_gaining")):
                by_year = expected[name].sum("commissioner_code").values.tolist()
                of_run = int(expected[f"{name}_of_run"].sum())
                assert counted[scenario, word] == [*by_year, of_run]
        assert sum(map(sum, counted.values())) > 0


def test_a_part_of_a_year_has_its_part_of_the_threshold(tmp_path):
    result = projected(tmp_path, months=15, scenarios=["april-2015"])
    book, _ = written_book(Content(result))
    limits = next(r for r in shown(book, "Gains and losses") if "in the run" in str(r[0]))
    assert limits[4:7] == pytest.approx([3, 0.75, 3.75])
    assert list(blocks_of_gains(book)) == ["april-2015"]


# ------------------------------------------------------------------------------- payment calendar


def test_months_are_what_is_settled_in_whole_pence(written, result):
    settled = settle(result.isel(scenario=0)).isel(scenario=0)
    rows = shown(written[0], "Payment calendar")
    streams = json.loads(result.attrs["streams"])
    first = [n for n, row in enumerate(rows) if row[0] == label(streams[0])]
    months = slice(5, 29)
    for start, name in zip(first, ("paid", "accrued"), strict=True):
        pence = settled[name].sum("practice").transpose("stream", "month").values
        block = rows[start : start + len(streams)]
        assert [row[0] for row in block] == [label(stream) for stream in streams]
        assert [[round(v * 100) for v in row[months]] for row in block] == pence.tolist()
        assert all(v == round(v, 2) for row in block for v in row[months])
        total = rows[start + len(streams)]
        assert total[months] == pytest.approx(pence.sum(axis=0) / 100)
        in_years = settled[f"{name}_in_year"].sum(("practice", "stream")).values / 100
        assert total[29:] == pytest.approx([*in_years, in_years.sum()])
    named = {str(row[0]): row for row in rows}
    for name, text in (("creditor", "Earned and not yet paid"), ("debtor", "Paid and not yet")):
        row = next(row for key, row in named.items() if key.startswith(text))
        owed = settled[name].sum(("stream", "practice")).values / 100
        opening = float(settled[f"opening_{name}"].sum()) / 100
        assert row[4] == pytest.approx(opening)
        assert row[months] == pytest.approx(owed)
        assert row[29:] == pytest.approx([owed[11], owed[23], owed[23]])
    rounding = named["Rounding: the difference"][29:31]
    most = named["Most that rounding comes to: 1.5p a stream and practice"][29:31]
    assert most == pytest.approx([0.015 * 6 * len(streams)] * 2)
    assert all(0 < abs(a) < b / 2 for a, b in zip(rounding, most, strict=True))


def test_lumps_are_shaded_and_named(written):
    book = written[0]
    sheet = book.workbook["Payment calendar"]
    rows = {str(row[0]): row for row in reversed(shown(book, "Payment calendar"))}
    shaded = {int(re.search(r"\d+", str(r.sqref))[0]) for r in sheet.conditional_formatting}
    names = {sheet.cell(row, 1).value for row in shaded}
    assert {"QOF", "Seniority", "PMS premium"} <= names
    assert not names & {"Local schemes", "Remaining payments", "PMS defined services"}
    assert all(
        str(r.sqref).startswith("F") and "AC" in str(r.sqref) for r in sheet.conditional_formatting
    )
    june = (dt.date(2016, 6, 1) - dt.date(1899, 12, 30)).days
    assert rows["QOF"][2] == june
    assert rows["Remaining payments"][2] == ""


def test_a_changed_input_moves_all_but_the_months_of_the_calendar_which_says_so(
    file, written, tmp_path
):
    book = openpyxl.load_workbook(file)
    cell = next(
        row[4]
        for row in book["Terms"].iter_rows(min_row=7)
        if row[1].value == "reinvested_share" and row[4].value == 0.4
    )
    path = edited(file, tmp_path, ("Terms", cell.coordinate, 0.8))
    found = recalculated(path)
    expected, summary = written_book(Content(projected(tmp_path, reinvested_share=0.8)))
    live = {title: cells for title, cells in expected.values.items() if title != SHEETS[2]}
    wrong = differences(live, found)
    said = "of the inputs as they were: they have changed, so run again"
    assert wrong == [("Cover", "B5", "of the inputs as they are", said)]
    assert found["Cover"]["B4"] == f"All {len(summary.checks)} checks OK"


# ------------------------------------------------------------------------------- charts, others


def test_charts_are_native_described_and_say_their_units(file):
    with zipfile.ZipFile(file) as package:
        charts = [package.read(n).decode() for n in package.namelist() if "charts/chart" in n]
        drawings = [package.read(n) for n in package.namelist() if "drawings/drawing" in n]
    texts = [
        element.get("descr")
        for drawing in drawings
        for element in ET.fromstring(drawing).iter()
        if element.tag.endswith("}cNvPr")
    ]
    assert len(charts) == len(texts) == 5
    told = " ".join(texts)
    for said in (
        "Stacked columns of the PMS premium before withdrawal, in pounds",
        "april-2015: 75% in April 2015, 50% from April 2016",
        "a bar for each practice, from the largest loss to the largest gain in april-2016",
    ):
        assert said in told
    titles = ["".join(ET.fromstring(chart).itertext()) for chart in charts]
    stacked = next(n for n, title in enumerate(titles) if "What becomes of" in title)
    assert "by fiscal year, £ thousand" in titles[stacked]
    assert charts[stacked].count("<lvl>") == 3 * 2
    assert charts[stacked].count("<ptCount") > 0
    assert any("£ per weighted patient" in title for title in titles)
    assert any("still paid, by month, %" in title for title in titles)


def test_contracts_without_premium_have_a_calendar_alone(tmp_path):
    for name, sheets in (
        ("unplanned-admissions-enhanced-service", ["Payment calendar"]),
        ("national-practice-income", ["PMS premium", "Payment calendar"]),
    ):
        result = cap.project(name, six_practices(), months=12)
        book, summary = written_book(Content(result))
        assert [n for n in book.workbook.sheetnames if n in SHEETS] == sheets
        assert all(check.holds for check in summary.checks)
        words = {row[1] for row in shown(book, sheets[0])}
        assert not any("Pool" in str(word) for word in words)
