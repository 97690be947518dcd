"""The workbook of a simulation: its tables, charts, checks, and formulas that recalculate."""

import datetime as dt
import json
import re
import zipfile
from xml.etree import ElementTree as ET

import numpy as np
import openpyxl
import pytest
import xarray as xr

from capitation.errors import InputError
from capitation.workbook.charts import money_scale
from capitation.workbook.simulation_book import _written, write_simulation
from capitation.workbook.simulation_content import QUANTILES, Simulated

from .recalculation import recalculated, stale_copy

DRAWS = 400
SCENARIOS = {"as-signed": "As signed: £95 a patient", "three-years": "Measured over three years"}
SOURCES = {
    "hes-2014": {
        "title": "Hospital Episode Statistics",
        "publisher": "HSCIC",
        "where": "table 4",
        "note": "=not a formula",
    }
}
ASSUMPTIONS = [
    {
        "name": "programme_reduction",
        "title": "Reduction that the programme brings",
        "scenario": "",
        "from": "2015-04-01",
        "value": 0.05,
        "unit": "1",
        "source": "",
        "assumption": "Half of what the standard asks for.",
        "note": "",
    },
    {
        "name": "admission_price",
        "title": "Price of an emergency admission",
        "scenario": "three-years",
        "from": "2016-04-01",
        "value": 1542.75,
        "unit": "GBP/admission",
        "source": "hes-2014",
        "assumption": "",
        "note": "A long note that goes on. " * 9,
    },
    {
        "name": "base_year_admissions",
        "title": "Admissions in the base year, if known",
        "scenario": "",
        "from": "",
        "value": 0,
        "unit": "admission/year",
        "source": "",
        "assumption": "None is given.",
        "note": "",
    },
]


def simulated(commissioners=("00T", "01D"), practices=8, years=3, months=None, scenarios=SCENARIOS):
    """A Dataset such as simulate() gives: drawn, not made up, so that its figures cohere."""
    generator = np.random.default_rng(7)
    lists = np.geomspace(2_100, 24_000, practices).round()
    lists = lists[generator.permutation(practices)]
    area = np.arange(practices) % len(commissioners)
    s, y = len(scenarios), years
    reductions = np.arange(0, 0.301, 0.025)
    coords = {
        "scenario": list(scenarios),
        "effect": ["with", "without"],
        "practice": [f"P82{n:03d}" for n in range(practices)],
        "commissioner_code": list(commissioners),
        "year": [f"{2015 + n}/{(16 + n) % 100:02d}" for n in range(years)],
        "quantile": list(QUANTILES),
        "reduction": reductions,
        "practice_name": ("practice", [f"THE SURGERY AT NUMBER {n}" for n in range(practices)]),
        "commissioner": ("practice", [commissioners[n] for n in area]),
        "contract_type": ("practice", [("GMS", "PMS", "APMS")[n % 3] for n in range(practices)]),
    }
    expected = lists[:, None, None] * 0.1 * (1 + 0.01 * np.arange(y))[None, :, None]
    luck = generator.gamma(300, 1 / 300, (practices, 1, DRAWS))
    draws = {}
    for effect, fall in (("with", 0.05), ("without", 0.0)):
        noise = generator.standard_normal((practices, y, DRAWS))
        draws[effect] = expected * luck * (1 - fall) + noise * np.sqrt(1.3 * expected)
    earned = np.zeros((s, 2, practices, y, DRAWS))
    admissions = np.zeros_like(earned)
    for number in range(s):
        for e, effect in enumerate(("with", "without")):
            chance = 1.0 - draws[effect] / expected
            grade = np.clip(chance / 0.07, 0, 1) * (chance > 0.035 * (number + 1))
            earned[number, e] = np.round(lists[:, None, None] * 17.5 * grade, 2)
            admissions[number, e] = draws[effect]
    data = {"registered_list": ("practice", lists)}
    by_practice = {"scheme_earned": (earned, "GBP/year"), "emergency_admissions": (admissions, "")}
    dims = ("scenario", "effect", "practice", "year")
    dims_of_all = ("scenario", "effect", "commissioner_code", "year")
    totals = {}
    for name, (values, _) in by_practice.items():
        sums = [values[:, :, area == c].sum(axis=2) for c in range(len(commissioners))]
        totals[f"commissioner_{name}"] = np.stack(sums, axis=2)
    totals["commissioner_scheme_cost"] = totals["commissioner_scheme_earned"]
    told = {name: values for name, (values, _) in by_practice.items()} | totals
    titles = {
        "scheme_earned": ("What a practice earns under the scheme", "GBP/year"),
        "emergency_admissions": ("Emergency admissions of the year", "admission/year"),
        "commissioner_scheme_earned": ("What its practices earn under the scheme", "GBP/year"),
        "commissioner_emergency_admissions": ("Emergency admissions", "admission/year"),
        "commissioner_scheme_cost": ("Cost of the scheme", "GBP/year"),
    }
    for name, values in told.items():
        on = dims_of_all if name.startswith("commissioner") else dims
        title, unit = titles[name]
        attributes = {"long_name": title, "units": unit}
        quantiles = np.moveaxis(np.quantile(values, QUANTILES, axis=-1), 0, -1)
        of_quantiles = attributes | {"long_name": f"{title}, quantiles"}
        data[name] = ((*on, "quantile"), quantiles, of_quantiles)
        data[f"{name}_mean"] = (on, values.mean(axis=-1), attributes)
        error = values.std(axis=-1, ddof=1) / np.sqrt(DRAWS)
        data[f"{name}_standard_error"] = (on, error, attributes)
    grade = (earned > 0).astype(float)
    data["probability_of_earning"] = (dims, grade.mean(axis=-1))
    error = grade.std(axis=-1, ddof=1) / np.sqrt(DRAWS)
    data["probability_of_earning_standard_error"] = (dims, error)
    data |= break_even(s, len(commissioners), reductions)
    last = months or f"{2015 + years}-03"
    attributes = {
        "title": "Bolton Quality Contract",
        "purpose": "What does the guarantee cost, and how much of what is paid for is luck?",
        "model": "bolton-quality-contract",
        "scenarios": json.dumps(scenarios),
        "seed": 20150401,
        "draws": DRAWS,
        "base_fiscal_year": "2014/15",
        "practices_source": "payments-2014-15.csv",
        "practices_title": "NHS payments to general practice, 2014/15",
        "practices_sha256": "ab" * 32,
        "licence": "Open Government Licence v3.0",
        "notes": json.dumps(["Lists are held at those of the base year."]),
        "sources": json.dumps(SOURCES),
        "capitation_version": "0.3.0",
        "outcomes": json.dumps(["scheme_earned", "emergency_admissions", "scheme_cost"]),
        "earned": "scheme_earned",
        "effect_term": "programme_reduction",
        "cost": "scheme_cost",
        "saving": "admissions_saving",
        "months": f"2015-04 – {last}",
        "assumptions": json.dumps(ASSUMPTIONS),
    }
    return xr.Dataset(data, coords, attributes)


def break_even(scenarios, commissioners, reductions):
    """Cost and saving that cross in the first scenario, and never in the others."""
    cost = np.zeros((scenarios, commissioners, len(reductions)))
    saving = np.zeros_like(cost)
    found = np.full((3, scenarios, commissioners), np.nan)
    for s in range(scenarios):
        for c in range(commissioners):
            cost[s, c] = (c + 1) * (1.1e6 + 4e5 * np.tanh(reductions / 0.05))
            saving[s, c] = (c + 1) * reductions * (1.2e7 if s == 0 else 3e6)
            net = cost[s, c] - saving[s, c]
            if (net <= 0).any():
                after = int(np.argmax(net <= 0))
                share = net[after - 1] / (net[after - 1] - net[after])
                crossing = reductions[after - 1] + share * 0.025
                found[:, s, c] = crossing, crossing - 0.012, crossing + 0.014
    on = ("scenario", "commissioner_code")
    names = ("break_even_reduction", "break_even_reduction_low", "break_even_reduction_high")
    title = {"long_name": "Reduction at which the saving reaches the cost"}
    return {
        "cost_by_reduction": ((*on, "reduction"), cost),
        "saving_by_reduction": ((*on, "reduction"), saving),
        "net_cost_by_reduction_standard_error": ((*on, "reduction"), cost / 200),
    } | {name: (on, values, title) for name, values in zip(names, found, strict=True)}


def assert_engine_agrees(result, folder):
    """Save every formula with a wrong value, so that only a recalculation can be right."""
    book, checks = _written(Simulated(result))
    path = stale_copy(book, folder)
    found = recalculated(path)
    for sheet, cells in book.values.items():
        for cell, value in cells.items():
            other = found[sheet].get(cell)
            if isinstance(value, str):
                assert other == value, (sheet, cell)
            else:
                assert other == pytest.approx(value, rel=1e-12, abs=1e-6), (sheet, cell)
    return book, checks


def table(sheet, heading):
    """Rows under a heading row, as dictionaries, down to the first blank one."""
    titles = [cell.value for cell in sheet[heading] if cell.value]
    rows = []
    for row in sheet.iter_rows(min_row=heading + 1, max_col=len(titles), values_only=True):
        if row[0] is None:
            break
        rows.append(dict(zip(titles, row, strict=True)))
    return rows


@pytest.fixture(scope="module")
def result():
    return simulated()


@pytest.fixture(scope="module")
def path(result, tmp_path_factory):
    path = tmp_path_factory.mktemp("book") / "simulation.xlsx"
    write_simulation(result, path)
    return path


@pytest.fixture(scope="module")
def saved(path):
    return openpyxl.load_workbook(path, data_only=True)


def test_every_formula_agrees_with_an_independent_engine(result, tmp_path):
    book, checks = assert_engine_agrees(result, tmp_path)
    assert book.formulas > 200
    assert len(checks) > 20
    assert all(check.holds for check in checks)


def test_what_was_written_is_counted(result, tmp_path):
    written = write_simulation(result, tmp_path / "book.xlsx")
    book, checks = _written(Simulated(result))
    assert (written.path, written.formulas) == (tmp_path / "book.xlsx", book.formulas)
    assert (written.checks, written.checks_failed) == (len(checks), 0)


def test_the_sheets_are_all_described_on_the_cover(saved):
    assert saved.sheetnames == [
        *("Cover", "Commissioner", "Yearly cost", "Cost fan"),
        *("Practices", "Practice outcomes", "Funnel"),
        *("Break-even", "Break-even chart", "Checks", "Assumptions", "Sources"),
    ]
    about = {row[0]: row[1] for row in saved["Cover"].iter_rows(max_col=2, values_only=True)}
    assert all(about[name] for name in saved.sheetnames)


def test_the_cover_says_what_the_figures_are(saved):
    cover = saved["Cover"]
    about = {row[0]: row[1] for row in cover.iter_rows(max_col=2, values_only=True)}
    assert cover["A1"].value == "Bolton Quality Contract: simulation"
    assert re.fullmatch(r"All \d+ checks OK", about["Master check"])
    assert (about["Draws"], about["Seed"]) == ("400", "20150401")
    assert about["Months"] == "April 2015 to March 2018"
    assert about["Its SHA-256"] == "ab" * 32
    assert about["Effect"] == "Reduction that the programme brings (programme_reduction)"
    text = "\n".join(str(row[0]) for row in cover.iter_rows(max_col=1, values_only=True))
    assert "The step 'capitation simulate --seed 20150401 --draws 400' made them" in text
    assert "Simulated figures are values" in text
    assert "The standard error says how far" in text
    assert "Lists are held at those of the base year." in text
    assert "Reductions up to 30% were tried" in text


def test_the_commissioners_table_holds_every_outcome_as_a_number(result, saved):
    rows = table(saved["Commissioner"], 4)
    assert len(rows) == 3 * 2 * 2 * 2 * 3
    row = next(
        row
        for row in rows
        if (row["Scenario"], row["Commissioner"], row["Effect"], row["Year"])
        == ("three-years", "01D", "without", "2016/17")
        and row["Name in the rules"] == "emergency_admissions"
    )
    place = {
        "scenario": "three-years",
        "commissioner_code": "01D",
        "effect": "without",
        "year": "2016/17",
    }
    expected = result["commissioner_emergency_admissions"].sel(place).values
    assert [row[title] for title in ("5%", "25%", "50%", "75%", "95%")] == pytest.approx(expected)
    mean = result["commissioner_emergency_admissions_mean"].sel(place).item()
    error = result["commissioner_emergency_admissions_standard_error"].sel(place).item()
    assert (row["Mean"], row["Standard error of the mean"]) == pytest.approx((mean, error))
    assert (row["Outcome"], row["Unit"]) == ("Emergency admissions", "admission/year")


def test_an_outcome_of_commissioners_by_nature_and_one_that_is_a_share(result, tmp_path):
    names = ["commissioner_emergency_admissions", "grade_for_admissions", "scheme_earned"]
    other = result.assign_attrs(outcomes=json.dumps(names))
    book, _ = assert_engine_agrees(other, tmp_path)
    rows = table(book.workbook["Commissioner"], 4)
    # The cost is told in any case; a share of commissioners is not there to be told.
    found = list(dict.fromkeys(row["Name in the rules"] for row in rows))
    assert found == ["scheme_cost", "commissioner_emergency_admissions", "scheme_earned"]


def test_cost_stands_with_and_without_the_effect_side_by_side(result, saved):
    rows = table(saved["Yearly cost"], 4)
    assert len(rows) == 2 * 2 * 3
    mean = result["commissioner_scheme_cost_mean"].sel(
        scenario="as-signed", commissioner_code="01D", year="2017/18"
    )
    wanted = ("as-signed", "01D", "2017/18")
    row = next(r for r in rows if (r["Scenario"], r["Commissioner"], r["Year"]) == wanted)
    assert row["Mean with £"] == pytest.approx(mean.sel(effect="with").item())
    assert row["Mean without £"] == pytest.approx(mean.sel(effect="without").item())
    assert row["Difference £"] == pytest.approx(row["Mean with £"] - row["Mean without £"])


def test_each_practice_has_one_row(result, saved):
    sheet = saved["Practices"]
    codes = [row[0] for row in sheet.iter_rows(min_row=7, max_col=1, values_only=True)]
    assert sorted(codes) == sorted(result["practice"].values)
    commissioners = [
        row[0] for row in sheet.iter_rows(min_row=7, min_col=3, max_col=3, values_only=True)
    ]
    assert commissioners == sorted(commissioners)
    headings = list(zip(*sheet.iter_rows(min_row=4, max_row=6, values_only=True), strict=True))
    row = next(row for row in sheet.iter_rows(min_row=7, values_only=True) if row[0] == "P82004")
    figures = dict(zip(headings, row, strict=True))
    place = {"scenario": "three-years", "year": "2016/17", "practice": "P82004"}
    block = ("three-years", "2016/17")
    chance = result["probability_of_earning"].sel(place)
    assert figures[*block, "Chance with the effect"] == chance.sel(effect="with").item()
    assert figures[*block, "Chance without the effect"] == chance.sel(effect="without").item()
    earned = result["scheme_earned"].sel(place | {"effect": "with"})
    found = [figures[*block, f"Earned £: {q}"] for q in ("5%", "50%", "95%")]
    assert found == pytest.approx(earned.sel(quantile=[0.05, 0.5, 0.95]).values)
    assert row[4] == result["registered_list"].sel(practice="P82004").item()


def test_each_outcome_of_each_practice_is_listed(result, saved):
    rows = table(saved["Practice outcomes"], 4)
    assert len(rows) == 2 * 2 * 2 * 3 * 8
    wanted = ("as-signed", "P82003", "with", "emergency_admissions", "2015/16")
    keys = ("Scenario", "Practice", "Effect", "Name in the rules", "Year")
    (row,) = (row for row in rows if tuple(row[key] for key in keys) == wanted)
    place = {"scenario": "as-signed", "practice": "P82003", "effect": "with", "year": "2015/16"}
    figures = result["emergency_admissions"].sel(place).values
    assert [row[title] for title in ("5%", "25%", "50%", "75%", "95%")] == pytest.approx(figures)
    error = result["emergency_admissions_standard_error"].sel(place).item()
    assert row["Standard error of the mean"] == pytest.approx(error)
    assert (row["Commissioner"], row["Name"]) == ("01D", "THE SURGERY AT NUMBER 3")


def test_too_many_practices_are_not_listed(result, tmp_path, monkeypatch):
    monkeypatch.setattr("capitation.workbook.simulation_content.MOST_LISTED", 10)
    book, _ = assert_engine_agrees(result, tmp_path)
    assert "Practice outcomes" not in book.workbook.sheetnames
    said = [str(row[0]) for row in book.workbook["Cover"].iter_rows(max_col=1, values_only=True)]
    assert any("too many for a sheet" in text for text in said)


def test_what_is_earned_may_be_a_grade(result, tmp_path):
    """A share has no sum over practices, and no pounds."""
    of_it = [name for name in result.data_vars if name.startswith("commissioner_scheme_earned")]
    graded = result.drop_vars(of_it)
    for end in ("", "_mean", "_standard_error"):
        graded[f"scheme_earned{end}"] = graded[f"scheme_earned{end}"] / 1e6
        graded[f"scheme_earned{end}"].attrs = {"long_name": "Grade", "units": "1"}
    book, checks = assert_engine_agrees(graded, tmp_path)
    assert all(check.holds for check in checks)
    sheet = book.workbook["Practices"]
    assert [cell.value for cell in sheet[6]][9:13] == [
        *("Earned: mean", "Earned: 5%", "Earned: 50%", "Earned: 95%")
    ]
    assert sheet["J7"].number_format == "0.000"


BREAK_EVEN = (
    "Break-even: reduction at full effect",
    "95% interval of the draws: low",
    "95% interval of the draws: high",
)


def test_where_nothing_is_paid_no_break_even_is_said(result, tmp_path):
    """A cost of nothing is reached by a saving of nothing: that is no break-even at 0%."""
    unpaid = result.copy(deep=True)
    there = {"scenario": 0, "commissioner_code": 0}
    for end in ("", "_low", "_high"):
        unpaid[f"break_even_reduction{end}"][there] = 0.0
    unpaid["cost_by_reduction"][there] = 0.0
    # Where something is paid and saved at once, the break-even is at 0% indeed.
    paid = {"scenario": 0, "commissioner_code": 1}
    for end in ("", "_low", "_high"):
        unpaid[f"break_even_reduction{end}"][paid] = 0.0
    unpaid["saving_by_reduction"][paid] = 1e8
    book, checks = assert_engine_agrees(unpaid, tmp_path)
    assert all(check.holds for check in checks)
    rows = table(book.workbook["Break-even"], 4)
    assert [rows[0][heading] for heading in BREAK_EVEN] == ["nothing is paid"] * 3
    assert [rows[1][heading] for heading in BREAK_EVEN] == [0.0, 0.0, 0.0]
    assert rows[2][BREAK_EVEN[0]] == "none up to 30%"
    texts = list(book.descriptions["Break-even chart"].values())
    assert ["Break-even: nothing is paid" in text for text in texts] == [True, *[False] * 3]


def test_an_interval_says_that_it_is_of_the_draws(path):
    charts, texts = charts_of(path)
    said = ["".join(chart.itertext()) for chart in charts]
    assert sum("(95% interval of the draws " in text for text in texts) == 2
    assert sum("Reduction at full effect" in text for text in said) == 4
    assert not any("Reduction in emergency admissions" in text for text in said)


@pytest.mark.parametrize(
    ("unit", "heading"),
    [
        ("GBP/year", "Earned £: mean"),
        ("admission/year", "Earned (admission/year): mean"),
        ("1", "Earned: mean"),
    ],
)
def test_what_is_earned_bears_its_own_unit(result, unit, heading):
    """The heading follows the outcome that is earned, whatever the model names."""
    other = result.copy(deep=True)
    for end in ("", "_mean", "_standard_error"):
        other[f"emergency_admissions_payment{end}"] = other[f"scheme_earned{end}"]
        titled = {"long_name": "Paid for admissions", "units": unit}
        other[f"emergency_admissions_payment{end}"].attrs = titled
    other = other.assign_attrs(earned="emergency_admissions_payment")
    book, _ = _written(Simulated(other))
    sheet = book.workbook["Practices"]
    assert sheet["J6"].value == heading
    assert "Earned, with the effect: Paid for admissions." in sheet["A2"].value


def test_a_break_even_that_is_not_there_is_said_in_words(result, saved):
    rows = table(saved["Break-even"], 4)
    share = result["break_even_reduction"].sel(scenario="as-signed").values
    never = "none up to 30%"
    assert [row[BREAK_EVEN[0]] for row in rows[:2]] == pytest.approx(share)
    assert [row[BREAK_EVEN[0]] for row in rows[2:]] == [never, never]
    assert [(row["Scenario"], row["Commissioner"]) for row in rows] == [
        *(("as-signed", "00T"), ("as-signed", "01D")),
        *(("three-years", "00T"), ("three-years", "01D")),
    ]
    assert [rows[3][heading] for heading in BREAK_EVEN[1:]] == [never, never]
    rows = table(saved["Break-even"], 11)
    assert list(rows[0])[2] == "Reduction at full effect"
    assert len(rows) == 2 * 2 * 13
    assert all(row["Net cost £"] == pytest.approx(row["Cost £"] - row["Saving £"]) for row in rows)


def test_without_break_even_there_is_no_sheet_of_it(result, tmp_path):
    of_it = [name for name in result.data_vars if "break_even" in name or "by_reduction" in name]
    book, _ = assert_engine_agrees(result.drop_vars([*of_it, "reduction"]), tmp_path)
    assert not [name for name in book.workbook.sheetnames if name.startswith("Break-even")]
    said = [row[0] for row in book.workbook["Cover"].iter_rows(max_col=1, values_only=True)]
    assert "The break-even was not worked out in this run." in said


def test_assumptions_bear_their_grounds(saved):
    rows = table(saved["Assumptions"], 4)
    assert rows[0]["From"] == dt.datetime(2015, 4, 1)
    assert (rows[0]["Value"], rows[0]["Scenario"]) == (0.05, "all")
    assert rows[0]["Assumption"] == "Half of what the standard asks for."
    assert rows[1]["Source"] == "Hospital Episode Statistics, table 4"
    assert rows[1]["Scenario"] == "three-years"
    assert (rows[2]["Name in the rules"], rows[2]["Value"]) == ("base_year_admissions", 0)
    sources = list(saved["Sources"].iter_rows(min_row=4, values_only=True))
    assert sources == [
        ("hes-2014", "Hospital Episode Statistics", "HSCIC", None, "table 4", "=not a formula")
    ]


def test_a_part_year_says_so_and_is_not_the_funnels(tmp_path):
    book, _ = assert_engine_agrees(simulated(months="2017-06"), tmp_path)
    cost = table(book.workbook["Yearly cost"], 4)
    assert [row["Year"] for row in cost[:3]] == ["2015/16", "2016/17", "2017/18 (3 months)"]
    assert "2016/17." in book.workbook["Funnel"]["A2"].value


CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing}"


def charts_of(path):
    """Charts as parsed XML, and all descriptions."""
    with zipfile.ZipFile(path) as package:
        names = package.namelist()
        charts = [ET.fromstring(package.read(n)) for n in names if n.startswith("xl/charts/chart")]
        frames = [
            frame.get("descr")
            for name in names
            if re.fullmatch(r"xl/drawings/drawing\d+\.xml", name)
            for frame in ET.fromstring(package.read(name)).iter(f"{DRAWING}cNvPr")
        ]
    return charts, frames


def test_every_chart_says_in_words_what_it_shows(path):
    charts, texts = charts_of(path)
    assert len(charts) == len(texts) == 2 * 2 + 1 + 2 * 2
    assert all(len(text) > 100 for text in texts)
    assert len(set(texts)) == len(texts)
    assert sum("Break-even: none up to 30%" in text for text in texts) == 2
    assert sum("(circles)" in text for text in texts) == 1


def test_charts_have_axes_titles_and_the_values_that_their_cells_hold(path, saved):
    charts, _ = charts_of(path)
    for chart in charts:
        axes = [axis for axis in chart.iter() if axis.tag in (f"{CHART}catAx", f"{CHART}valAx")]
        assert len(axes) == 2
        for axis in axes:
            assert axis.find(f"{CHART}delete").get("val") == "0"
            assert "".join(axis.find(f"{CHART}title").itertext()).strip()
        title = "".join(chart.find(f"{CHART}chart/{CHART}title").itertext())
        assert "£" in title or "%" in title
        indices = [s.find(f"{CHART}idx").get("val") for s in chart.iter(f"{CHART}ser")]
        assert indices == [str(n) for n in range(len(indices))]
        for reference in (*chart.iter(f"{CHART}numRef"), *chart.iter(f"{CHART}strRef")):
            sheet, cells = reference.find(f"{CHART}f").text.rsplit("!", 1)
            found = saved[sheet.strip("'")][cells.replace("$", "")]
            found = [row[0].value for row in found] if isinstance(found, tuple) else [found.value]
            cached = [point.text for point in reference.iter(f"{CHART}v")]
            if reference.tag == f"{CHART}numRef":
                assert [float(text) for text in cached] == pytest.approx(found)
            else:
                assert cached == found


def test_many_commissioners_have_charts_of_the_first_only(tmp_path):
    result = simulated(commissioners=("00T", "01D", "01G", "01W"))
    path = tmp_path / "book.xlsx"
    assert write_simulation(result, path).checks_failed == 0
    charts, texts = charts_of(path)
    assert len(charts) == 2 + 1 + 2
    assert all("00T" in text for text in texts if "Scatter" not in text)


def test_a_single_year_has_marks_on_one_line_in_place_of_bands(tmp_path):
    path = tmp_path / "book.xlsx"
    write_simulation(simulated(years=1), path)
    charts, _ = charts_of(path)
    assert not [chart for chart in charts if chart.find(f".//{CHART}areaChart") is not None]
    assert len([chart for chart in charts if chart.find(f".//{CHART}hiLowLines") is not None]) == 4


def test_a_break_even_whose_range_has_no_end_is_marked_without_it(result, tmp_path):
    high = result["break_even_reduction_high"].where(result["commissioner_code"] != "00T")
    endless = result.assign(break_even_reduction_high=high)
    book, checks = assert_engine_agrees(endless, tmp_path)
    assert all(check.holds for check in checks)
    assert book.workbook["Break-even"]["E5"].value == "none up to 30%"
    said = [row[0] for row in book.workbook["Break-even chart"].iter_rows(values_only=True)]
    assert "95% interval of the draws: beyond the largest reduction, not drawn" in said


def test_a_narrow_fan_is_drawn_again_as_distance_from_the_median(result, tmp_path):
    narrow = result.copy(deep=True)
    for end in ("", "_mean"):
        narrow[f"commissioner_scheme_cost{end}"] *= 0.01
        narrow[f"commissioner_scheme_cost{end}"] += (
            [5e6, 4e6, 3e6]
            if end
            else [
                *([[5e6], [4e6], [3e6]]),
            ]
        )
    narrow["commissioner_scheme_cost"].attrs = result["commissioner_scheme_cost"].attrs
    book, _ = assert_engine_agrees(narrow, tmp_path)
    assert len(book.descriptions["Cost fan"]) == 2 * 2 * 2
    texts = list(book.descriptions["Cost fan"].values())
    assert sum("Cost of the scheme less its median" in text for text in texts) == 4
    assert all("2015/16: median £0, 5% -£" in text for text in texts if "less" in text)


def test_lists_of_very_different_sizes_stand_on_a_logarithmic_axis(result, tmp_path):
    path = tmp_path / "book.xlsx"
    lists = result["registered_list"].copy(data=np.geomspace(2_900, 295_000, 8))
    write_simulation(result.assign(registered_list=lists), path)
    (funnel,) = (c for c in charts_of(path)[0] if c.find(f".//{CHART}logBase") is not None)
    scaling = funnel.find(f".//{CHART}logBase/..")
    ends = [float(scaling.find(f"{CHART}{end}").get("val")) for end in ("min", "max")]
    assert ends == [1_000, 1_000_000]
    assert "logarithmic" in "".join(funnel.itertext())


def test_two_runs_are_byte_identical(result, path, tmp_path):
    again = tmp_path / "again.xlsx"
    write_simulation(result, again)
    assert again.read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("variable", "place", "value", "said"),
    [
        ("commissioner_scheme_cost", {"quantile": 0}, 1e9, "Quantiles do not fall"),
        ("scheme_earned", {"quantile": 2}, 1e9, "Quantiles do not fall"),
        ("commissioner_scheme_cost_standard_error", {}, -1.0, "No standard error is negative"),
        ("probability_of_earning", {"effect": 1}, 1.5, "Chances lie between 0 and 1"),
        ("probability_of_earning", {"effect": 0}, 0.0, "Without a chance, nothing is earned"),
        ("scheme_earned_mean", {"effect": 0}, 0.5, "Practices' means add to"),
        ("break_even_reduction_low", {"scenario": 0}, 0.3, "The break-even lies in its range"),
        ("saving_by_reduction", {"scenario": 1}, 9e9, "A break-even stands where"),
        ("saving_by_reduction", {"scenario": 0}, 0.0, "A break-even stands where"),
    ],
)
def test_a_check_finds_what_must_not_be(result, variable, place, value, said, tmp_path):
    wrong = result.copy(deep=True)
    wrong[variable][place] = value
    path = tmp_path / "book.xlsx"
    written = write_simulation(wrong, path)
    assert written.checks_failed > 0
    found = recalculated(path)
    rows = {cell: value for cell, value in found["Checks"].items() if value == "CHECK"}
    assert len(rows) == written.checks_failed
    assert any(found["Checks"][f"A{cell[1:]}"].startswith(said) for cell in rows)
    assert found["Cover"]["B4"] == f"{written.checks_failed} checks fail"


def without(name):
    return lambda result: result.drop_vars(name)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda result: result.to_dataframe(), "not a result of simulate"),
        (lambda result: result.assign_attrs(sources="{"), "'sources' cannot be read"),
        (lambda result: result.assign_attrs(months="ever"), "names no months"),
        (lambda result: result.drop_attrs(), "the attribute 'title' is missing"),
        (lambda result: result.isel(scenario=0), "'scenario' is not one of its dimensions"),
        (lambda result: result.isel(effect=[0]), "both with and without"),
        (lambda result: result.isel(quantile=[0, 1, 2]), "not all of 5, 25, 50, 75 and 95%"),
        (lambda result: result.isel(commissioner_code=[0]), "is not among the simulated"),
        (without("commissioner"), "practices have no commissioner"),
        (without("scheme_earned"), "'scheme_earned' is missing"),
        (without("commissioner_scheme_cost_mean"), "cost and earned among the outcomes"),
        (
            lambda result: result.assign(scheme_earned=result["scheme_earned"].drop_attrs()),
            "'scheme_earned' bears no title or no unit",
        ),
        (without("saving_by_reduction"), "'saving_by_reduction' is missing"),
        (
            lambda result: result.assign(registered_list=result["scheme_earned_mean"]),
            "'registered_list' stands on scenario, effect, practice, year",
        ),
        (
            lambda result: result.assign(scheme_earned_mean=result["scheme_earned_mean"] * np.nan),
            "not a finite number",
        ),
    ],
)
def test_what_is_no_simulation_is_refused(result, spoil, said, tmp_path):
    with pytest.raises(InputError, match=said):
        write_simulation(spoil(result), tmp_path / "book.xlsx")
    assert list(tmp_path.iterdir()) == []


def test_too_large_a_simulation_is_refused(result, tmp_path, monkeypatch):
    monkeypatch.setattr("capitation.workbook.simulation_content.MOST_FIGURES", 100)
    with pytest.raises(InputError, match="choose fewer practices"):
        write_simulation(result, tmp_path / "book.xlsx")


@pytest.mark.parametrize(
    ("name", "said"),
    [("book.csv", "end it in .xlsx"), ("nowhere/book.xlsx", "its folder does not exist")],
)
def test_a_bad_path_is_refused(result, name, said, tmp_path):
    with pytest.raises(InputError, match=said):
        write_simulation(result, tmp_path / name)


def test_names_that_look_like_formulas_stay_text(result, tmp_path):
    names = ["=1+1", '=HYPERLINK("x")', "+44 20", "-2+3", "@SUM(1)", "\t=2", "a\x07b", "&<>'\""]
    named = result.assign_coords(practice_name=("practice", names))
    path = tmp_path / "book.xlsx"
    write_simulation(named, path)
    book = openpyxl.load_workbook(path)
    for sheet, row in (("Practices", 7), ("Funnel", None)):
        page = book[sheet]
        first = row or next(c.row for c in page["A"] if c.value == "Practice") + 1
        cells = [page.cell(first + n, 2) for n in range(len(names))]
        assert all(cell.data_type == "s" for cell in cells)
        assert {cell.value for cell in cells} == {name.replace("\x07", "") for name in names}


@pytest.mark.parametrize(
    ("values", "ends", "form"),
    [
        ([0.0, 5_213_400.0], (0, 6e6), "#,##0,,"),
        ([5.2e6, 5.8e6], (5.2e6, 6e6), "#,##0.0,,"),
        ([0.0, 41_900.0], (0, 50_000), "#,##0,"),
        ([-3.0, 12.0], (-5, 12.5), "#,##0.0"),
        ([0.0, 0.0], (0, 1), "#,##0.0"),
    ],
)
def test_axes_of_money_start_where_there_is_something_to_see(values, ends, form):
    scale = money_scale(values, from_zero=False)
    assert (scale.low, scale.high) == pytest.approx(ends)
    assert scale.form == form
    assert ("starts at" in scale.unit) == (scale.low > 0)
