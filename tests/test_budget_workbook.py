"""Sheets of a whole-population budget: live, checked, and the same money in every form."""

import zipfile

import numpy as np
import openpyxl
import pytest

import capitation as cap
from capitation.workbook.content import Content
from capitation.workbook.writer import written_book

from .recalculation import recalculated, stale_copy
from .test_workbook import differences

BUDGET, FORMS = "Whole population budget", "Forms side by side"
SHARE, TESTS = "Gain and loss share", "Affordability"
SHEETS = [BUDGET, FORMS, SHARE, TESTS]
SCENARIOS = ["virtual", "full"]
ALL = "All commissioners"
MODEL = """
name = "forms"
like = "out-of-hospital-budget"
title = "Two forms, with gains and losses"

[scenario.virtual]
title = "Virtual"
[scenario.virtual.term.contract_form]
values = [
  { from = 2013-04-01, value = "outside", assumption = "Ours." },
  { from = 2017-04-01, value = "virtual", assumption = "Ours." },
]

[scenario.full]
title = "Fully integrated"
preset = ["aco-reach-professional"]
[scenario.full.term.contract_form]
values = [
  { from = 2013-04-01, value = "outside", assumption = "Ours." },
  { from = 2017-04-01, value = "fully integrated", assumption = "Ours." },
]
[scenario.full.term.emergency_deviation]
values = [
  { from = 2013-04-01, value = -0.08, assumption = "Ours: a gain." },
  { from = 2018-04-01, value = 0.15, assumption = "Ours: a loss in the second year." },
]
[scenario.full.term.prescribing_growth]
values = [{ from = 2013-04-01, value = 0.03, assumption = "Ours." }]
[scenario.full.term.setup_cost_share]
values = [{ from = 2013-04-01, value = 0.05, assumption = "Ours." }]
[scenario.full.term.age_mix_growth]
values = [{ from = 2013-04-01, value = 0.005, assumption = "Ours." }]
"""


def four_practices():
    """Of two commissioners, which do not stand together in the file."""
    practices = cap.example_practices().isel(practice=[0, 1, 15, 28])
    return practices.assign_coords(
        commissioner=("practice", np.array(["02B", "01A", "01A", "02B"]))
    )


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    """One practice of the second commissioner stays outside."""
    folder = tmp_path_factory.mktemp("model")
    path = folder / "forms.toml"
    path.write_text(MODEL)
    own = folder / "own.csv"
    own.write_text("practice,term,from,value,assumption\nEX029,contract_form,2013-04-01,0,Ours.\n")
    model = cap.with_practice_terms(cap.load_model(path), cap.read_practice_terms(own))
    return cap.project(model, four_practices(), months=15)


@pytest.fixture(scope="module")
def written(result):
    return written_book(Content(result))


@pytest.fixture(scope="module")
def file(written, tmp_path_factory):
    return stale_copy(written[0], tmp_path_factory.mktemp("book"))


def rows_of(book, title):
    """Figures by scenario, commissioner and words."""
    found, scenario, values = {}, "", book.values[title]
    for row in book.workbook[title].iter_rows():
        who, what, *figures = [values.get(cell.coordinate, cell.value) for cell in row]
        if str(who).partition(":")[0] in SCENARIOS and what is None:
            scenario = who.partition(":")[0]
        elif scenario and what and who in (ALL, "01A", "02B"):
            found.setdefault((scenario, who, what), figures)
    return found


def by_year(array, how="sum"):
    """Years of a variable, of each commissioner and of all."""
    if "practice" in array.dims:
        array = array.groupby("commissioner").sum().rename(commissioner="commissioner_code")
    if "month" in array.dims:
        array = getattr(array.groupby("fiscal_year"), how)().rename(fiscal_year="year")
    each = {
        str(c): array.sel(commissioner_code=c).values for c in array["commissioner_code"].values
    }
    return each | {ALL: array.sum("commissioner_code").values}


def of(result, name, scenario):
    array = result[name]
    return array.sel(scenario=scenario) if "scenario" in array.dims else array


# ------------------------------------------------------------------------------- all four


def test_every_formula_agrees_with_the_kernel_and_all_checks_hold(written, file):
    book, summary = written
    found = recalculated(file)
    assert differences(book.values, found) == []
    assert found["Cover"]["B4"] == f"All {len(summary.checks)} checks OK"
    names = book.workbook.sheetnames
    first = names.index(BUDGET)
    assert names[first : first + 4] == SHEETS
    about = {row[0].value: row[1].value for row in book.workbook["Cover"].iter_rows()}
    assert all(len(about[title]) > 40 for title in SHEETS)


def test_no_figure_of_these_sheets_is_typed_in(written):
    for title in SHEETS:
        for row in written[0].workbook[title].iter_rows(min_row=6):
            numbers = [c for c in row if isinstance(c.value, int | float)]
            # Only the numbers of the years, in headings.
            assert all(2017 <= cell.value <= 2018 for cell in numbers)


def test_each_wrong_figure_fails_its_own_check(written, file):
    book = openpyxl.load_workbook(file)
    wrong = {
        "Service lines add to the contract's services": (BUDGET, "Community services"),
        "Services, core and local schemes add to the budget": (
            BUDGET,
            "Core contracts in the budget",
        ),
        "Budget payment + withheld = budget": (BUDGET, "Withheld for improvement"),
        "Payments in the budget and outside add to all": (BUDGET, "Improvement payment"),
        "Payments are conserved, whatever the contract form": (BUDGET, "QOF: all"),
        "Growth of services is people x age mix x lists x rate": (
            BUDGET,
            "Growth of age mix and need of a registered patient",
        ),
        "Parts of the parties add to the pool": (SHARE, "Acute hospital"),
        "Bands of a gain add to the providers' part": (
            SHARE,
            "First band of a gain: providers' part £",
        ),
        "Improvement money earned and not earned = pool": (SHARE, "Not earned"),
        "Do nothing and what is done add to do something": (TESTS, "Setting up"),
        "Commissioner's payments - allocation = gap": (TESTS, "Reserves"),
        "Practices' income before - under the contract = gap": (
            TESTS,
            "Income if there were no contract",
        ),
    }
    sheets = {title: list(book[title].iter_rows(max_col=4)) for title in SHEETS}
    for title, words in wrong.values():
        here = [row for row in sheets[title] if row[0].value == "02B" and row[1].value == words]
        column = 3 if here[-1][2].value is None else 2
        here[-1][column].value += "+0.02"
    path = file.with_name("wrong.xlsx")
    book.save(path)
    checks = recalculated(path)["Checks"]
    failed = {checks[f"A{cell[1:]}"] for cell, value in checks.items() if value == "CHECK"}
    assert failed == set(wrong)


def test_charts_are_native_described_and_say_their_units(written, file):
    told = [text for title in SHEETS for text in written[0].descriptions[title].values()]
    assert len(told) == 5
    assert sum("In pounds" in text for text in told) == 3
    assert any("The provider's gap, by fiscal year, £" in text for text in told)
    assert any("Parts of a gain or a loss" in text for text in told)
    with zipfile.ZipFile(file) as package:
        charts = [name for name in package.namelist() if "charts/chart" in name]
    assert len(charts) >= len(told)


def test_contracts_without_a_budget_have_no_such_sheets():
    two = cap.example_practices().isel(practice=[0, 15])
    result = cap.project("national-practice-income", two, months=1)
    book, _ = written_book(Content(result))
    assert not {*SHEETS} & {*book.workbook.sheetnames}


# ------------------------------------------------------------------------------- the budget


def test_budget_by_year_of_each_commissioner_and_of_all(written, result):
    rows = rows_of(written[0], BUDGET)
    sums = {
        "Community services": "community_budget_of_contract",
        "Prescribing": "prescribing_budget_of_contract",
        "Services of the contract": "services_of_contract",
        "Services in the budget": "services_budget",
        "Core contracts in the budget": "core_in_budget",
        "Local schemes in the budget": "local_schemes_in_budget",
        "Whole-population budget": "whole_population_budget",
        "Notional budget of a virtual contract: noted, not paid": "notional_budget",
        "Withheld for improvement": "improvement_withheld",
        "Budget payment": "budget_payment",
        "Improvement payment": "improvement_payment",
        "Other contracts": "other_contracts",
        "All payments": "total_payments",
    }
    for scenario in SCENARIOS:
        for what, name in sums.items():
            for who, expected in by_year(of(result, name, scenario)).items():
                found = rows[scenario, who, what]
                assert found == pytest.approx([*expected, expected.sum()]), (what, who)
        mean = by_year(of(result, "contract_weighted_population", scenario), "mean")
        for who, expected in mean.items():
            words = "Weighted population that the budget pays for, mean"
            assert rows[scenario, who, words][:2] == pytest.approx(expected)
            # Rate x population = services, in months of the year.
            rate = rows[scenario, who, "Rate per weighted head and year, services in scope £"][:2]
            services = rows[scenario, who, "Services of the contract"][:2]
            assert np.array(rate) * expected * [1, 0.25] == pytest.approx(services)
    assert rows["full", ALL, "Notional budget of a virtual contract: noted, not paid"][2] == 0
    noted = rows["virtual", ALL, "Of which noted in a virtual contract, and not in the budget"]
    assert noted[2] == rows["virtual", ALL, "Services of the contract"][2] > 0


def test_the_practice_outside_counts_nobody_in(written, result):
    rows = rows_of(written[0], BUDGET)
    lists = result["payment_registered_list"].sel(practice=["EX001", "EX002", "EX016"])
    inside = by_year(lists, "mean")
    for who, expected in inside.items():
        for scenario in SCENARIOS:
            found = rows[scenario, who, "Registered list in the contract, mean of the months"]
            assert found[:2] == pytest.approx(expected)


def test_growth_is_people_by_age_mix_by_lists_by_rate(written):
    rows = rows_of(written[0], BUDGET)
    words = (
        "Growth of people: registered lists",
        "Growth of age mix and need of a registered patient",
        "Growth of what is paid for, of the lists counted",
        "Growth of the rate: services a weighted head",
    )
    for who in ("01A", "02B", ALL):
        factors = [rows["full", who, text][1] for text in words]
        grown = rows["full", who, "Growth of services"]
        assert np.prod(np.add(factors, 1)) - 1 == pytest.approx(grown[1])
        assert grown[0] is None
        services = rows["full", who, "Services of the contract"]
        assert services[1] * 4 / services[0] - 1 == pytest.approx(grown[1])
    # One commissioner's people all need alike, so that their age mix grows by the term.
    assert rows["full", "02B", words[1]][1] == pytest.approx(0.005)


def test_the_same_money_is_paid_in_every_form(written):
    rows = rows_of(written[0], BUDGET)
    for words in ("Core income: all", "QOF: all", "Local schemes: all"):
        assert rows["full", ALL, words] == pytest.approx(rows["virtual", ALL, words])


# ------------------------------------------------------------------------------- side by side


def test_scenarios_side_by_side_with_their_differences(written, result):
    book = written[0]
    values = book.values[FORMS]
    rows = [
        [values.get(cell.coordinate, cell.value) for cell in row]
        for row in book.workbook[FORMS].iter_rows(max_col=4)
    ]
    named = {}
    for what, *figures in rows:
        named.setdefault(what, []).append(figures)
    paid = result["total_payments"].sum("practice")
    first = paid.sel(month=result["fiscal_year"] == "2017/18").sum("month").values
    for found, expected in zip(
        named["All payments"], (first, paid.sum("month").values), strict=True
    ):
        assert found == pytest.approx([*expected, expected[1] - expected[0]])
    core = result["core_paid_to_practice"].sum(("practice", "month"))
    assert named["Core paid to practice"][1][:2] == pytest.approx(core.values)
    formula = book.workbook[FORMS][f"B{1 + [r[0] for r in rows].index('All payments')}"].value
    assert formula.startswith("=Summary!")


# ------------------------------------------------------------------------------- gains and losses


def test_gains_are_shared_in_bands_and_every_penny_has_a_party(written, result):
    rows = rows_of(written[0], SHARE)
    pool = by_year(result["gain_or_loss"].sel(scenario="full"))
    parties = ("Integrated provider", "Acute hospital", "Community trust", "Council")
    for who, expected in pool.items():
        found = rows["full", who, "Gain, or loss below 0: the pool"]
        assert found == pytest.approx([*expected, expected.sum()])
        parts = np.sum([rows["full", who, party] for party in (*parties, "Commissioner")], axis=0)
        assert parts == pytest.approx(found)
        assert found[0] > 0 > found[1]
    for side in ("gain", "loss"):
        bands = [
            rows["full", "02B", f"{band} band of a {side}: providers' part £"]
            for band in ("First", "Second", "Third", "Fourth")
        ]
        part = by_year(
            (result[f"{side}_by_band"] * result["gain_loss_benchmark"]).sel(scenario="full")
        )["02B"]
        assert np.sum(bands, axis=0)[:2] == pytest.approx(part)
    # The first year is settled in its March, the second has none.
    left = rows["full", ALL, "Provider's part neither paid nor noted"]
    assert left[0] == 0 > left[1]


def test_improvement_money_is_earned_or_not(written, result):
    rows = rows_of(written[0], SHARE)
    for who, expected in by_year(result["improvement_pool_of_year"].sel(scenario="full")).items():
        assert rows["full", who, "Pool: quality money and withheld budget"][:2] == pytest.approx(
            expected
        )
        earned = rows["full", who, "Earned by achievement"]
        missed = rows["full", who, "Not earned"]
        assert np.add(earned, missed)[:2] == pytest.approx(expected)
        assert rows["full", who, "Earned and not paid"][0] == 0


# ------------------------------------------------------------------------------- affordability


def paid_in_first_year(result, scenario, test):
    """Whether each commissioner's provider is paid: where it is not, it has no budget to test."""
    income = result["provider_income"].sel(scenario=scenario).isel(year=0).values
    return np.round(income, 2) != 0 if test == "provider_gap" else np.ones(len(income), dtype=bool)


def test_tests_say_pass_or_fail_by_year_and_of_each_commissioner(written, result):
    rows = rows_of(written[0], TESTS)
    tests = {"Provider's test": "provider_gap", "Commissioner's test": "commissioner_gap"}
    seen = set()
    for scenario in SCENARIOS:
        for words, name in tests.items():
            each = result[name].sel(scenario=scenario).transpose("commissioner_code", "year").values
            # The second year ends before its March: the first alone decides.
            first = np.round(each[:, 0], 2) > 0
            paid = paid_in_first_year(result, scenario, name)
            for who, fails, any_paid in zip(
                ("01A", "02B", ALL), (*first, first.any()), (*paid, paid.any()), strict=True
            ):
                verdict = "FAIL" if fails else "PASS" if any_paid else "NO BUDGET"
                assert rows[scenario, who, words] == [verdict, "NOT TESTED", verdict]
                seen.add(verdict)
        losing = (np.round(result["practice_gap"].sel(scenario=scenario), 2) > 0).sum("practice")
        found = rows[scenario, ALL, "Practices with less than before"]
        assert found[:2] == losing.values.tolist()
    assert seen == {"PASS", "FAIL", "NO BUDGET"}


def test_the_verdict_names_the_first_year_first(written, result):
    book = written[0]
    for row, scenario in enumerate(SCENARIOS, start=5):
        said = book.values[TESTS][f"B{row}"]
        expected = []
        for who in ("provider", "commissioner"):
            gaps = result[f"{who}_gap"].sel(scenario=scenario).isel(year=0)
            gap = float(gaps.sum())
            fails = bool((gaps.round(2) > 0).any())
            by = f"FAIL by £{gap:,.0f}" if gap > 0 else "FAIL for a commissioner"
            paid = paid_in_first_year(result, scenario, f"{who}_gap").all()
            expected.append(f"{who} {by if fails else 'PASS' if paid else 'NO BUDGET'}; ")
        assert said.startswith("2017/18: " + "".join(expected))
        assert "Failed, of 1: provider " in said
