"""The national figures as they are written: their form, their honesty, and figures typed by hand.

The files are read here with tomllib alone, so that a fault in the library's own loader cannot hide
one in the figures. Only what is asked of the models, who reads a term, is asked of the library.
"""

from __future__ import annotations

import csv
import tomllib
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from math import log
from pathlib import Path
from statistics import NormalDist

import pytest

from capitation.model import term_behind
from capitation.model_file import load_model

from .strategies import EVERY_MODEL, INTEGRATED_HEALTH, OUT_OF_HOSPITAL, shipped

TERMS = Path(__file__).parents[1] / "src" / "capitation" / "terms"
SOURCE_KINDS = {
    "statute",
    "directions",
    "guidance",
    "board-paper",
    "press",
    "professional-body",
    "data",
    "accountant",
    "local-medical-committee",
    "parliament",
    "research",
    "tariff",
}
WHOLE_POPULATION = {
    "affordability",
    "carr_hill",
    "gain_loss_share",
    "hospital_payment",
    "hubs",
    "improvement_payment",
    "programme",
    "provider_size",
    "reactivation",
    "service_lines",
    "target_allocation",
    "year_of_care",
}
"""Files of whole-population budgets: their terms are known by who reads them, not by a list."""


def read(path: Path) -> dict:
    return tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)


FILES = {path.stem: read(path) for path in sorted(TERMS.glob("*.toml"))}


def tables(kind: str, files: frozenset[str] = frozenset(FILES)) -> dict[str, dict]:
    """Every table of a kind, by its name, whichever of the files it stands in."""
    return {
        name: entry for file in sorted(files) for name, entry in FILES[file].get(kind, {}).items()
    }


KINDS = ("term", "input", "source", "schedule", "cash", "service", "segment", "preset")
SOURCES, TERM, INPUT = tables("source"), tables("term"), tables("input")
SCHEDULE, CASH, PRESET = tables("schedule"), tables("cash"), tables("preset")
LINES = {"service": tables("service"), "segment": tables("segment")}
OF_LISTS = frozenset(FILES) - WHOLE_POPULATION
NEW = frozenset(WHOLE_POPULATION)
AGES = ("0_4", "5_14", "15_44", "45_64", "65_74", "75_84", "85_and_over")
OLD_AGES = AGES[4:]
MONTHS = (
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "january",
    "february",
    "march",
)
VALUES = [
    pytest.param(name, value, id=f"{name}-{value['from']}")
    for name, term in TERM.items()
    for value in term.get("values", ())
]
CHOICES = {name: term["choices"] for name, term in TERM.items() if "choices" in term}
MADE_UP = [
    pytest.param(preset, name, id=f"{preset}-{name}")
    for preset, made in PRESET.items()
    for name in made["term"]
]


def fiscal(year: int) -> date:
    return date(year, 4, 1)


def entry(name: str, day: date) -> dict:
    """Return the entry of a term that holds on a day."""
    return [value for value in TERM[name]["values"] if value["from"] <= day][-1]


def number(name: str, written: object) -> Fraction:
    """Return what a term's value comes to: that of a named choice is its place among them."""
    if isinstance(written, str) and name in CHOICES:
        return Fraction(CHOICES[name].index(written))
    return Fraction(written)


def figure(name: str, day: date) -> Fraction:
    return number(name, entry(name, day)["value"])


# The form of the files


def test_every_term_stands_in_one_file():
    assert all(set(file) <= set(KINDS) for file in FILES.values())
    for kind in KINDS:
        assert sum(len(file.get(kind, {})) for file in FILES.values()) == len(tables(kind))
    assert set(tables("term", OF_LISTS)) == {
        "pms_in_other_payments",
        "global_sum_price",
        "out_of_hours_deduction",
        "london_adjustment",
        "correction_factor_recycled",
        "seniority_recycled",
        "correction_factor_share",
        "seniority_share",
        "qof_points",
        "qof_point_value",
        "national_mean_list",
        "qof_aspiration_share",
        "gdp_deflator_november_2025",
        "gdp_deflator_june_2018",
        *(f"admission_rate_aged_{age}" for age in AGES),
        *(f"season_in_{month}" for month in MONTHS),
        "monthly_admissions_trend",
        "admissions_overdispersion",
        "practice_level_variation",
        "admission_price",
        "avoided_admission_price_share",
        "payment_above_baseline",
        "payment_below_baseline",
        "baseline_is_plan",
        "baseline_share_of_base_year",
        "retained_money_ring_fenced",
        "unpaid_readmissions_share",
        "better_care_fund_in_force",
        "better_care_fund_price",
        "better_care_fund_target",
        "better_care_fund_counted",
        "switched_to_gms",
        "switched_premium_share",
        "contract_ended",
        "premium_remeasured",
        "reinvestment_plan_agreed",
        "reinvested_share",
        "services_taken_up",
        "carried_share_at_year_end",
        "deduction_missed",
        "missed_on_leaving_pms_only",
        "overpayment_claimed",
        "overpayment_found",
        "recovery_instalments",
        "most_recovered_share",
        "recovered_fraction",
        "social_discount_rate",
        "outlier_loss",
    }
    assert set(SCHEDULE) == {
        "four-equal-years",
        "sevenths",
        "five-equal-years",
        "two-years",
        "at-once",
        "glide-over-sixteen-quarters",
        "glide-over-twenty-quarters",
    }


def test_every_input_stands_in_one_file():
    assert set(tables("input", OF_LISTS)) == {
        *(f"share_of_list_aged_{age}" for age in AGES),
        "base_year_admissions",
        "admissions_a_year_before_given",
        "admissions_two_years_before_given",
        "marginal_rate_baseline_value",
        "defined_services",
        "defined_services_share",
        "pool_brought_forward_by_practice",
        "overpayment_not_found_at_start",
        "overpayment_owed_at_start",
        "recovery_instalment_at_start",
    }
    assert set(tables("input", NEW)) == {
        "need_index",
        "service_spend",
        "service_non_recurrent",
        "service_full_year_effect",
        "months_suspended_before",
        "months_reactivated_before",
        "patients_following_before",
        *(f"female_share_aged_{age}" for age in AGES),
        "share_in_nursing_homes",
        "share_newly_registered",
        "limiting_illness_ratio",
        "mortality_ratio_under_65",
        "staff_wage_ratio",
        "rurality_of_list",
    }
    assert not set(INPUT) & set(TERM)


@pytest.mark.parametrize("name", INPUT)
def test_an_input_says_what_it_is_and_what_is_assumed(name):
    given = INPUT[name]
    required = {"title", "unit", "value", "assumption"} | ({"least"} - EITHER_SIGN.get(name, set()))
    assert given.keys() - {"most", "each", "for_some"} == required
    assert given["title"].strip()
    assert given["assumption"].strip()
    assert given["unit"] in {"1", "admission/year", "GBP", "GBP/month", "GBP/year", "month"}
    assert given.get("least", 0) == 0 <= given["value"] <= given.get("most", given["value"])


EITHER_SIGN = {"service_full_year_effect": {"least"}, "service_transfers": {"least"}}
"""Money that may come or go: it has no least."""
FIRST_YEARS = {
    "gdp_deflator_june_2018": 2012,
    "social_discount_rate": 2003,
    "outlier_loss": 2014,
    "most_under_target": 2016,
    "primary_medical_inequalities_share": 2022,
    **{name: 2018 for name in TERM if name.startswith("target_")},
}
LEAST = {
    "monthly_admissions_trend": -1,
    "recovery_instalments": 1,
    "improvement_steps": 1,
    "cost_uplift": -1,
    "pace_of_change": -1,
    "allocation_growth": -1,
    "age_mix_growth": -1,
    "service_deviation": -1,
    "hospital_activity_over_plan": -1,
    **dict.fromkeys(("service_growth", "emergency_growth", "elective_growth"), -1),
    "outpatients_growth": -1,
}
MOST = {"improvement_steps": 5}


@pytest.mark.parametrize("name", TERM)
def test_a_term_says_what_it_is(name):
    term = TERM[name]
    written = {"title", "unit", "least", "description"}
    scheduled = {"from", "before", "start", "schedule", "source", "assumption"}
    how = {"values"} if "values" in term else scheduled
    if name in CHOICES:
        written = written - {"least"}
        assert term["unit"] == "1"
        assert len(set(term["choices"])) == len(term["choices"]) >= 2
        assert all(choice == choice.strip() != "" for choice in term["choices"])
        assert "most" not in term
    optional = {"issue", "most", "choices", "each"}
    assert term.keys() - optional == (written - EITHER_SIGN.get(name, set())) | how
    assert all(term[key].strip() for key in written - {"least"})
    assert term["unit"] in {
        "GBP",
        "GBP/year",
        "month",
        "1",
        "GBP/patient/year",
        "GBP/point/year",
        "point",
        "patient",
        "admission/patient/year",
        "GBP/admission",
    }


@pytest.mark.parametrize("name", TERM)
def test_a_term_lies_between_bounds(name):
    term = TERM[name]
    bounded = name not in CHOICES and "least" not in EITHER_SIGN.get(name, set())
    assert term.get("least") == (LEAST.get(name, 0) if bounded else None)
    assert term.get("most", 1) == MOST.get(name, 1)
    steps = SCHEDULE[term["schedule"]]["steps"] if "schedule" in term else []
    figures = [number(name, value["value"]) for value in term.get("values", ())]
    figures += [Fraction(step) for step in steps]
    assert all(within(name, figure) for figure in figures)


def within(name: str, figure: Fraction) -> bool:
    """Whether a figure lies between a term's bounds; a choice was found among its names."""
    return TERM[name].get("least", figure) <= figure <= TERM[name].get("most", figure)


@pytest.mark.parametrize("name", [*TERM, *INPUT])
def test_what_is_written_once_for_every_line_says_which(name):
    """And what is written for one line alone is of a line, and has its pattern's unit."""
    entry = TERM.get(name) or INPUT[name]
    kind = entry.get("each")
    assert kind is None or (kind in LINES and kind in name.split("_"))
    for kind, lines in LINES.items():
        keys = [key for key in lines if name.startswith(f"{key}_")]
        patterns = [f"{kind}{name.removeprefix(key)}" for key in keys]
        for pattern in (p for p in patterns if TERM.get(p, {}).get("each") == kind):
            assert TERM[pattern]["unit"] == entry["unit"]
            assert TERM[pattern].get("least") == entry.get("least")


@pytest.mark.parametrize("kind", LINES)
def test_lines_have_titles_and_are_no_two_alike(kind):
    titles = [line["title"] for line in LINES[kind].values()]
    assert all(line.keys() == {"title"} for line in LINES[kind].values())
    assert all(title.strip() for title in titles)
    assert len(set(titles)) == len(titles) >= 5


@pytest.mark.parametrize(("preset", "name"), MADE_UP)
def test_a_preset_changes_a_term_within_its_bounds_and_says_why(preset, name):
    assert PRESET[preset].keys() == {"title", "term"}
    assert PRESET[preset]["title"].strip()
    changed = PRESET[preset]["term"][name]
    assert changed.keys() == {"values"}
    days = [value["from"] for value in changed["values"]]
    assert days[0] == fiscal(2013)
    assert all(earlier < later for earlier, later in pairwise(days))
    for value in changed["values"]:
        test_a_value_says_where_it_comes_from(name, value)
        assert within(name, number(name, value["value"]))


@pytest.mark.parametrize("name", TERM)
def test_dates_increase_and_fall_on_april_or_october(name):
    days = [value["from"] for value in TERM[name].get("values", [TERM[name]])]
    assert all(earlier < later for earlier, later in pairwise(days))
    months = (1, 4) if name == "better_care_fund_in_force" else (4, 10)
    assert all(day.day == 1 and day.month in months for day in days)
    assert days[0] == fiscal(FIRST_YEARS.get(name, 2013))


@pytest.mark.parametrize(("name", "value"), VALUES)
def test_a_value_says_where_it_comes_from(name, value):
    allowed = {"from", "value", "source", "assumption", "note", "paid_from", "until_paid"}
    allowed |= {"low", "high"}
    assert value.keys() <= allowed
    assert {"from", "value"} <= value.keys()
    assert value.keys() & {"source", "assumption"}
    assert all(value[key].strip() for key in value.keys() & {"source", "assumption", "note"})
    assert value.get("source", next(iter(SOURCES))) in SOURCES
    assert number(name, value["value"]) >= 0


@pytest.mark.parametrize("identifier", SOURCES)
def test_a_source_can_be_found_again(identifier):
    source = SOURCES[identifier]
    assert identifier == identifier.lower()
    assert identifier.replace("-", "").isalnum()
    known = {"title", "publisher", "kind", "where"}
    assert source.keys() - {"date", "reference", "note"} == known
    assert all(text.strip() for text in source.values())
    assert source["kind"] in SOURCE_KINDS
    assert "://" not in source["where"]


def test_a_late_payment_falls_within_the_life_of_its_price():
    late = {}
    values = TERM["global_sum_price"]["values"]
    for value, following in zip(values, [*values[1:], None], strict=True):
        assert ("paid_from" in value) == ("until_paid" in value)
        if "paid_from" in value:
            assert value["from"] < value["paid_from"]
            assert following is None or value["paid_from"] < following["from"]
            assert value["until_paid"] < value["value"]
            late[value["from"].year] = (value["until_paid"], value["value"], value["paid_from"])
    assert late == {
        2018: (Decimal("87.92"), Decimal("88.96"), date(2018, 9, 1)),
        2023: (Decimal("102.28"), Decimal("104.73"), date(2023, 10, 1)),
        2024: (Decimal("107.57"), Decimal("112.50"), date(2024, 9, 1)),
        2025: (Decimal("121.79"), Decimal("123.34"), date(2025, 8, 1)),
    }
    others = [term.get("values", []) for name, term in TERM.items() if name != "global_sum_price"]
    assert not any("paid_from" in value for term in others for value in term)


# Who reads the figures

READ_BY_STEPS = {
    "carr_hill": {"rurality_of_distance", "rurality_of_density"},
    "hubs": {"hub_list_least", "hub_list_most", "provider_list_least", "hub_running_cost"},
    "target_allocation": {
        "target_general_and_acute_share",
        "target_community_share",
        "target_mental_health_share",
        "target_maternity_share",
        "target_hospital_and_community_per_head",
        "target_prescribing_per_head",
        "target_inequalities_share",
        "target_per_head",
        "primary_medical_inequalities_share",
        "most_under_target",
    },
}
"""Terms that no rule reads, by file: hubs, target allocations and pace of change read them."""


def for_lines(name: str, kind: str | None) -> set[str]:
    """Return the names of one written once for every line; of another, its own."""
    parts = name.split("_")
    at = parts.index(kind) if kind else 0
    return {
        "_".join([*parts[:at], key, *parts[at + 1 :]]) if kind else name
        for key in (LINES[kind] if kind else [""])
    }


def read_by(*models: str) -> set[str]:
    """Terms and inputs that the rules of any of the shipped models read."""
    found = set()
    for name in models:
        model = shipped(name)
        leaves = model.graph().leaves
        found |= set(leaves) | {term_behind(leaf, model.terms) for leaf in leaves}
    return found


def test_every_term_and_input_of_a_whole_population_is_read_by_a_model_or_a_step():
    rules = read_by(*EVERY_MODEL)
    written = {
        file: {name for kind in ("term", "input") for name in FILES[file].get(kind, {})}
        for file in WHOLE_POPULATION
    }
    for file, names in written.items():
        steps = READ_BY_STEPS.get(file, set())
        assert steps <= names
        assert not steps & rules
        for name in names - steps:
            entry = TERM.get(name) or INPUT[name]
            assert for_lines(name, entry.get("each")) <= rules, name


READERS = {
    "gain_loss_share": OUT_OF_HOSPITAL,
    "hospital_payment": INTEGRATED_HEALTH,
    "improvement_payment": OUT_OF_HOSPITAL,
}
"""For each file with presets, the model whose rules read the terms that they set."""


@pytest.mark.parametrize("file", READERS)
def test_every_preset_loads_and_sets_what_its_model_reads(tmp_path, file):
    presets = FILES[file]["preset"]
    read = read_by(READERS[file])
    assert all(set(preset["term"]) <= read for preset in presets.values())
    scenarios = [
        f'[scenario.with-{name}]\ntitle = "{preset["title"]}"\npreset = ["{name}"]\n'
        for name, preset in presets.items()
    ]
    head = f'name = "every-preset"\ntitle = "Every preset"\nlike = "{READERS[file]}"\n'
    path = tmp_path / "every-preset.toml"
    path.write_text("\n".join([head, *scenarios]), encoding="utf-8")
    model = load_model(path)
    assert list(model.scenarios) == [f"with-{name}" for name in presets]
    for name, preset in presets.items():
        changed = model.scenarios[f"with-{name}"].terms
        assert set(changed) == set(preset["term"])
        for term, written in preset["term"].items():
            values = [float(number(term, value["value"])) for value in written["values"]]
            assert [value.value for value in changed[term].values] == values


def test_every_file_with_presets_has_a_reader():
    assert set(READERS) == {name for name, file in FILES.items() if "preset" in file}


# Honesty: what was recalled, inferred or carried over says so


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("global_sum_price", fiscal(2018)),  # the month of payment
        ("global_sum_price", fiscal(2026)),
        ("out_of_hours_deduction", fiscal(2013)),
        ("out_of_hours_deduction", fiscal(2014)),
        ("out_of_hours_deduction", date(2015, 10, 1)),
        ("out_of_hours_deduction", fiscal(2018)),
        ("out_of_hours_deduction", fiscal(2020)),
        ("out_of_hours_deduction", fiscal(2023)),
        ("out_of_hours_deduction", fiscal(2026)),
        ("london_adjustment", fiscal(2013)),
        ("london_adjustment", fiscal(2020)),
        ("qof_points", fiscal(2015)),
        ("qof_points", fiscal(2016)),
        ("qof_points", fiscal(2023)),
        ("qof_points", fiscal(2026)),
        ("qof_point_value", fiscal(2015)),
        ("national_mean_list", fiscal(2015)),
        ("national_mean_list", fiscal(2020)),
        ("national_mean_list", fiscal(2023)),
        ("national_mean_list", fiscal(2025)),
        ("national_mean_list", fiscal(2026)),
        ("qof_aspiration_share", fiscal(2013)),
        *[(f"admission_rate_aged_{age}", fiscal(2013)) for age in AGES],
        *[(f"season_in_{month}", fiscal(2013)) for month in MONTHS],
        ("monthly_admissions_trend", fiscal(2013)),
        ("admissions_overdispersion", fiscal(2013)),
        ("practice_level_variation", fiscal(2013)),
        *[("admission_price", fiscal(year)) for year in range(2013, 2018)],
        ("avoided_admission_price_share", fiscal(2013)),
        ("payment_above_baseline", fiscal(2015)),
        ("payment_above_baseline", fiscal(2020)),
        ("payment_below_baseline", fiscal(2013)),
        ("payment_below_baseline", fiscal(2020)),
        ("baseline_is_plan", fiscal(2019)),
        *[("baseline_share_of_base_year", fiscal(year)) for year in range(2013, 2019)],
        ("retained_money_ring_fenced", fiscal(2013)),
        ("unpaid_readmissions_share", fiscal(2013)),
        ("better_care_fund_in_force", fiscal(2013)),
        ("better_care_fund_in_force", fiscal(2015)),
        ("better_care_fund_in_force", date(2016, 1, 1)),
        ("better_care_fund_price", fiscal(2013)),
        ("better_care_fund_target", fiscal(2013)),
        ("better_care_fund_counted", fiscal(2013)),
        *[("correction_factor_recycled", fiscal(year)) for year in range(2014, 2021)],
        *[("seniority_recycled", fiscal(year)) for year in range(2016, 2021)],
        *[("seniority_share", fiscal(year)) for year in range(2013, 2020)],
    ],
)
def test_what_is_not_wholly_sourced_says_what_is_assumed(name, day):
    value = entry(name, day)
    assert value["from"] == day
    assert value["assumption"]


@pytest.mark.parametrize(
    ("name", "year"),
    [
        ("out_of_hours_deduction", 2013),
        ("out_of_hours_deduction", 2014),
        ("qof_point_value", 2015),
        ("national_mean_list", 2015),
        ("admission_price", 2013),
        ("admission_price", 2014),
        ("admission_price", 2015),
        ("payment_above_baseline", 2020),
        ("payment_below_baseline", 2020),
        ("better_care_fund_price", 2013),
        ("better_care_fund_target", 2013),
        ("better_care_fund_in_force", 2015),
        *[(f"admission_rate_aged_{age}", 2013) for age in AGES],
    ],
)
def test_what_was_recalled_claims_no_source(name, year):
    assert "source" not in entry(name, fiscal(year))


# Figures typed by hand


@pytest.mark.parametrize(
    ("name", "day", "expected"),
    [
        ("global_sum_price", fiscal(2013), "66.25"),
        ("global_sum_price", fiscal(2014), "73.56"),
        ("global_sum_price", date(2015, 9, 30), "75.77"),
        ("global_sum_price", date(2015, 10, 1), "76.51"),
        ("global_sum_price", fiscal(2016), "80.59"),
        ("global_sum_price", fiscal(2021), "96.78"),
        ("global_sum_price", fiscal(2026), "130.07"),
        ("london_adjustment", fiscal(2019), "2.18"),
        ("correction_factor_recycled", fiscal(2015), "1.05"),
        ("seniority_recycled", date(2015, 10, 1), "0.74"),
        ("seniority_share", fiscal(2016), "0.7225"),
        ("seniority_share", fiscal(2020), "0"),
        ("qof_points", fiscal(2013), "900"),
        ("qof_points", fiscal(2025), "564"),
        ("qof_point_value", fiscal(2018), "179.26"),
        ("national_mean_list", fiscal(2014), "7087"),
        ("qof_aspiration_share", fiscal(2023), "0.7"),
        ("qof_aspiration_share", fiscal(2024), "0.8"),
        ("gdp_deflator_november_2025", fiscal(2013), "73.26"),
        ("gdp_deflator_november_2025", fiscal(2024), "100"),
        ("gdp_deflator_november_2025", fiscal(2030), "113.57"),
        ("gdp_deflator_june_2018", fiscal(2017), "108.52"),
        ("admission_rate_aged_0_4", fiscal(2014), "0.15"),
        ("admission_rate_aged_5_14", fiscal(2014), "0.04"),
        ("admission_rate_aged_15_44", fiscal(2014), "0.062"),
        ("admission_rate_aged_45_64", fiscal(2014), "0.075"),
        ("admission_rate_aged_65_74", fiscal(2014), "0.148"),
        ("admission_rate_aged_75_84", fiscal(2014), "0.285"),
        ("admission_rate_aged_85_and_over", fiscal(2014), "0.51"),
        ("admissions_overdispersion", fiscal(2014), "1.3"),
        ("admission_price", fiscal(2013), "1542"),
        ("admission_price", fiscal(2014), "1565"),
        ("admission_price", fiscal(2015), "1609"),
        ("admission_price", fiscal(2016), "1590"),
        ("payment_above_baseline", fiscal(2014), "0.3"),
        ("payment_above_baseline", fiscal(2015), "0.7"),
        ("payment_above_baseline", fiscal(2018), "0.7"),
        ("payment_above_baseline", fiscal(2019), "0.2"),
        ("payment_above_baseline", fiscal(2020), "0"),
        ("payment_below_baseline", fiscal(2018), "1"),
        ("payment_below_baseline", fiscal(2019), "0.2"),
        ("payment_below_baseline", fiscal(2020), "0"),
        ("baseline_is_plan", fiscal(2018), "0"),
        ("baseline_is_plan", fiscal(2019), "1"),
        ("better_care_fund_price", fiscal(2015), "1490"),
        ("better_care_fund_target", fiscal(2015), "0.035"),
        ("better_care_fund_in_force", date(2015, 3, 1), "0"),
        ("better_care_fund_in_force", date(2015, 12, 1), "1"),
        ("better_care_fund_in_force", date(2016, 1, 1), "0"),
    ],
)
def test_a_figure_is_the_published_one(name, day, expected):
    assert figure(name, day) == Fraction(expected)


# Typed from the research into whole-population budgets, where a source was read.
@pytest.mark.parametrize(
    ("name", "day", "expected", "source"),
    [
        ("cost_uplift", fiscal(2015), "0.019", "hfma-tariff-2015-16"),
        ("efficiency", fiscal(2015), "0.035", "hfma-tariff-2015-16"),
        ("cost_uplift", fiscal(2016), "0.031", "national-tariff-2016-17"),
        ("efficiency", fiscal(2016), "0.02", "national-tariff-2016-17"),
        ("cost_uplift", fiscal(2023), "0.029", "nhs-payment-scheme-2023-25"),
        ("efficiency", fiscal(2023), "0.011", "nhs-payment-scheme-2023-25"),
        ("cost_uplift", fiscal(2025), "0.0483", "nhs-payment-scheme-2025-26"),
        ("efficiency", fiscal(2025), "0.02", "nhs-payment-scheme-2025-26"),
        ("allocation_growth", fiscal(2019), "0.0565", "hfma-fair-shares-2019"),
        ("allocation_growth", fiscal(2020), "0.0414", "hfma-fair-shares-2019"),
        ("allocation_growth", fiscal(2021), "0.04", "hfma-fair-shares-2019"),
        ("allocation_growth", fiscal(2022), "0.0378", "hfma-fair-shares-2019"),
        ("allocation_growth", fiscal(2023), "0.0354", "hfma-fair-shares-2019"),
        ("commissioning_for_quality_share", fiscal(2016), "0.025", "bma-payment-for-performance"),
        ("months_to_first_window", fiscal(2017), "24", "pulse-integrated-contract-patients-2017"),
        ("hub_list_least", fiscal(2016), "30000", "parliamentary-answer-vanguards-2016"),
        ("hub_list_most", fiscal(2016), "50000", "parliamentary-answer-vanguards-2016"),
        ("provider_list_least", fiscal(2016), "100000", "parliamentary-answer-vanguards-2016"),
        ("vanguard_national_fund", fiscal(2015), "200000000", "hsj-vanguard-funding-2015"),
        ("blended_share_above", fiscal(2019), "0.2", "hsj-blended-tariff"),
        ("blended_share_below", fiscal(2019), "0.2", "hsj-blended-tariff"),
        ("most_under_target", fiscal(2016), "0.05", "nhs-england-allocations-december-2015"),
    ],
)
def test_a_figure_of_whole_populations_is_the_published_one(name, day, expected, source):
    assert figure(name, day) == Fraction(expected)
    assert entry(name, day)["source"] == source


def preset_figures(preset: str, day: date) -> dict[str, Fraction]:
    """Return what each term of a preset comes to on a day."""
    return {
        name: number(name, [v for v in term["values"] if v["from"] <= day][-1]["value"])
        for name, term in PRESET[preset]["term"].items()
    }


# Edges of the corridors, and the provider's share of each.
@pytest.mark.parametrize(
    ("preset", "edges", "shares"),
    [
        ("aco-reach-global", ("0.25", "0.35", "0.5"), ("1", "0.5", "0.25", "0.1")),
        ("aco-reach-professional", ("0.05", "0.1", "0.15"), ("0.5", "0.35", "0.15", "0.05")),
    ],
)
def test_corridors_are_the_published_ones_of_gains_and_losses_alike(preset, edges, shares):
    found = preset_figures(preset, fiscal(2025))
    for sign in ("gain", "loss"):
        names = [f"{place}_{sign}" for place in ("first", "second", "third", "fourth")]
        assert [found[f"{name}_edge"] for name in names[:3]] == [Fraction(edge) for edge in edges]
        assert [found[f"{name}_share"] for name in names] == [Fraction(share) for share in shares]


def test_the_discount_of_full_risk_is_the_published_one():
    years = {2021: "0.02", 2022: "0.02", 2025: "0.035"}
    for year, discount in years.items():
        found = preset_figures("aco-reach-global", fiscal(year))["benchmark_discount"]
        assert found == Fraction(discount)


# Emergency care above its baseline of 2008/09, or off its plan, is paid at so much of the price.
@pytest.mark.parametrize(
    ("preset", "above", "below"),
    [
        ("hospital-marginal-rate", "0.3", "1"),
        ("hospital-enhanced-tariff", "0.7", "1"),
        ("hospital-blended-2019", "0.2", "0.2"),
    ],
)
def test_emergency_care_is_paid_by_the_published_shares(preset, above, below):
    found = preset_figures(preset, fiscal(2015))
    shares = found["blended_share_above"], found["blended_share_below"]
    assert shares == (Fraction(above), Fraction(below))


# Of single contracts: what was tendered, planned, awarded, bid.
@pytest.mark.parametrize(
    ("model", "name", "year", "expected"),
    [
        ("better-local-care-mcp", "transformation_awarded", 2015, "7260000/2"),  # each of two
        ("better-local-care-mcp", "transformation_awarded", 2016, "4300000/2"),
        ("better-local-care-mcp", "transformation_asked", 2016, "16700000/2"),
        ("better-local-care-mcp", "integrator_procurement_cost", 2016, "250000"),
        ("sandwell-co-commissioning", "commissioning_staff_cost", 2015, "963966"),
        ("uniting-care", "bid_price", 2015, "726000000"),
    ],
)
def test_a_figure_of_one_contract_is_the_published_one(model, name, year, expected):
    path = TERMS.parents[2] / "models" / f"{model}.toml"
    values = read(path)["term"][name]["values"]
    holding = [value for value in values if value["from"] <= fiscal(year)][-1]
    assert Fraction(holding["value"]) == Fraction(expected)
    assert holding["source"]


def price_and_printed_deduction() -> list:
    """List price, date, printed pounds of the out-of-hours deduction and how far it may be off."""
    exact, penny = "0.0006", "0.005"  # the second where pounds were printed to the penny
    rows = [
        ("66.25", fiscal(2013), "3.9750", exact),
        ("73.56", fiscal(2014), "4.0164", exact),
        ("75.77", fiscal(2015), "4.0840", exact),
        ("76.51", date(2015, 10, 1), "4.0856", exact),
        ("80.59", fiscal(2016), "4.1504", exact),
        ("85.35", fiscal(2017), "4.19922", "0"),
        ("87.92", fiscal(2018), "4.281704", "0"),
        ("88.96", fiscal(2018), "4.3324", exact),
        ("89.88", fiscal(2019), "4.3322", exact),
        ("93.46", fiscal(2020), "4.45", penny),
        ("96.78", fiscal(2021), "4.59", "0.0071"),  # a known conflict: 4.75% is £4.597
        ("99.70", fiscal(2022), "4.7358", exact),
        ("102.28", fiscal(2023), "4.8583", exact),
        ("104.73", fiscal(2023), "4.9747", exact),
        ("107.57", fiscal(2024), "5.1096", exact),
        ("112.50", fiscal(2024), "5.3438", exact),
        ("121.79", fiscal(2025), "5.7850", exact),
        ("123.34", fiscal(2025), "5.86", penny),
        ("130.07", fiscal(2026), "6.18", penny),
    ]
    return [pytest.param(*row, id=row[0]) for row in rows]


@pytest.mark.parametrize(("price", "day", "printed", "within"), price_and_printed_deduction())
def test_out_of_hours_share_of_the_price_gives_the_printed_pounds(price, day, printed, within):
    value = entry("global_sum_price", day)
    assert Decimal(price) in (value["value"], value.get("until_paid"))
    pounds = Fraction(price) * figure("out_of_hours_deduction", day)
    assert abs(pounds - Fraction(printed)) <= Fraction(within)


def test_the_mean_price_of_2015_16_is_the_comparator_nhs_england_used():
    halves = [figure("global_sum_price", day) for day in (fiscal(2015), date(2015, 10, 1))]
    assert sum(halves) / 2 == Fraction("76.14")


def test_the_correction_factor_falls_by_a_seventh_of_its_first_value():
    shares = [figure("correction_factor_share", fiscal(year)) for year in range(2013, 2021)]
    assert shares == [1 - Fraction(sevenths, 7) for sevenths in range(8)]


def test_the_seniority_pot_falls_by_15_per_cent_of_the_year_before():
    shares = [figure("seniority_share", fiscal(year)) for year in range(2014, 2020)]
    assert shares == [Fraction(17, 20) ** years for years in range(6)]


def test_recycled_money_moves_the_price_by_the_published_steps():
    def step(name: str, day: date, before: date) -> Fraction:
        return figure(name, day) - figure(name, before)

    factor, seniority = "correction_factor_recycled", "seniority_recycled"
    assert step(factor, fiscal(2015), fiscal(2014)) == Fraction("0.55")
    assert step(factor, fiscal(2019), fiscal(2018)) == Fraction("0.44")
    assert step(seniority, fiscal(2019), fiscal(2018)) == Fraction("0.39")
    october = date(2015, 10, 1), date(2015, 9, 30)
    assert step(seniority, *october) == step("global_sum_price", *october) == Fraction("0.74")


@pytest.mark.parametrize("year", range(2014, 2026))
def test_a_qof_point_is_worth_the_same_per_patient_since_2014_15(year):
    constant = Fraction("0.0221418") * figure("national_mean_list", fiscal(year))
    assert abs(figure("qof_point_value", fiscal(year)) / constant - 1) < Fraction("0.002")


def test_the_qof_figures_of_2026_27_do_not_agree_and_say_so():
    constant = Fraction("0.0221418") * figure("national_mean_list", fiscal(2026))
    short = 1 - figure("qof_point_value", fiscal(2026)) / constant
    assert Fraction("0.005") < short < Fraction("0.006")
    assert "10,295" in entry("national_mean_list", fiscal(2026))["assumption"]


def test_the_two_deflators_name_their_issue():
    issues = {name: term["issue"] for name, term in TERM.items() if "issue" in term}
    assert issues == {
        "gdp_deflator_november_2025": "OBR Economic and fiscal outlook, November 2025",
        "gdp_deflator_june_2018": "HM Treasury, June 2018",
    }


@pytest.mark.parametrize(
    ("name", "year", "change", "within"),
    [
        ("gdp_deflator_november_2025", 2014, "0.0144", "0.0002"),
        ("gdp_deflator_november_2025", 2020, "0.0521", "0.0002"),
        ("gdp_deflator_november_2025", 2022, "0.0698", "0.0002"),
        ("gdp_deflator_november_2025", 2025, "0.0294", "0.0002"),
        ("gdp_deflator_november_2025", 2030, "0.0195", "0.0002"),
        ("gdp_deflator_june_2018", 2013, "0.0193", "0.000001"),
        ("gdp_deflator_june_2018", 2014, "0.0140", "0.000001"),
        ("gdp_deflator_june_2018", 2015, "0.0086", "0.000001"),
        ("gdp_deflator_june_2018", 2016, "0.0237", "0.000001"),
        ("gdp_deflator_june_2018", 2017, "0.0169", "0.000001"),
    ],
)
def test_a_deflator_moves_by_the_published_change(name, year, change, within):
    rise = figure(name, fiscal(year)) / figure(name, fiscal(year - 1)) - 1
    assert abs(rise - Fraction(change)) <= Fraction(within)


def test_forecast_years_of_the_deflator_say_so():
    values = TERM["gdp_deflator_november_2025"]["values"]
    assert [value["from"].year for value in values] == list(range(2013, 2031))
    forecast = [value["from"].year for value in values if value.get("note") == "Forecast"]
    assert forecast == [2026, 2027, 2028, 2029, 2030]


# Emergency admissions


def test_ages_of_the_list_sum_to_one_and_give_the_rates_they_were_calibrated_to():
    """99 admissions a year for 1,000 patients; 242 for 1,000 aged 65 and over."""
    shares = {age: Fraction(INPUT[f"share_of_list_aged_{age}"]["value"]) for age in AGES}
    rates = {age: figure(f"admission_rate_aged_{age}", fiscal(2014)) for age in AGES}
    assert sum(shares.values()) == 1
    everyone = sum(shares[age] * rates[age] for age in AGES)
    assert abs(everyone / Fraction("0.099") - 1) < Fraction("0.01")
    old = sum(shares[age] for age in OLD_AGES)
    of_the_old = sum(shares[age] * rates[age] for age in OLD_AGES) / old
    assert abs(of_the_old / Fraction("0.242") - 1) < Fraction("0.01")


def test_the_share_aged_65_and_over_is_that_of_the_registered_lists(reference_data):
    with (reference_data / "gp_list_by_broad_age_2020_04.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    old, everyone = (sum(float(row[column]) for row in rows) for column in ("65OV", "TOTAL"))
    shown = sum(Fraction(INPUT[f"share_of_list_aged_{age}"]["value"]) for age in OLD_AGES)
    assert abs(float(shown) - old / everyone) < 0.001


def non_elective(reference_data: Path) -> dict[str, list[float]]:
    """Non-elective admissions of England by fiscal year, April first."""
    counts: dict[str, list[float]] = {}
    path = reference_data / "mar_england_monthly_2008_15.csv"
    with path.open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            months = counts.setdefault(row["Year"], [])
            assert row["Period"].strip().lower() == MONTHS[len(months)]
            months.append(float(row["Total Non-elective G&A Admissions (FFCEs)"]))
    assert all(len(months) == 12 for months in counts.values())
    return counts


def test_the_season_is_that_of_the_published_counts(reference_data):
    """Mean share of each month, rounded to four decimals so that they sum to exactly 12."""
    years = non_elective(reference_data).values()
    exact = [12 * sum(months[m] / sum(months) for months in years) / len(years) for m in range(12)]
    steps = [int(share * 10_000) for share in exact]
    by_remainder = sorted(range(12), key=lambda m: steps[m] - exact[m] * 10_000)
    for m in by_remainder[: 120_000 - sum(steps)]:
        steps[m] += 1
    shown = [figure(f"season_in_{month}", fiscal(2013)) for month in MONTHS]
    assert shown == [Fraction(step, 10_000) for step in steps]
    assert sum(shown) == 12


def test_the_trend_is_that_of_the_published_counts_less_the_population(reference_data):
    counts = non_elective(reference_data)
    growth = (sum(counts["2014-15"]) / sum(counts["2008-09"])) ** (1 / 6)
    per_patient = (growth / 1.007) ** (1 / 12) - 1
    assert float(figure("monthly_admissions_trend", fiscal(2014))) == round(per_patient, 5)


def test_the_baseline_is_the_year_2008_09_of_the_published_counts(reference_data):
    counts = {year: sum(months) for year, months in non_elective(reference_data).items()}
    growth = (counts["2014-15"] / counts["2008-09"]) ** (1 / 6)
    shares = {
        2013: counts["2008-09"] / counts["2013-14"],
        2014: counts["2008-09"] / counts["2014-15"],
    }
    shares |= {year: shares[2014] / growth ** (year - 2014) for year in range(2015, 2019)}
    for year, share in shares.items():
        shown = float(figure("baseline_share_of_base_year", fiscal(year)))
        assert shown == round(share, 4), year


def test_figures_that_were_worked_out_are_what_was_worked_out():
    # £234m of readmissions over 6.02m admissions at the mean price
    unpaid = 234 / (6.02 * float(figure("admission_price", fiscal(2017))))
    assert float(figure("unpaid_readmissions_share", fiscal(2017))) == round(unpaid, 3)
    assert figure("unpaid_readmissions_share", fiscal(2019)) == 0
    # 55% between the 90th and the 10th centile of a lognormal
    variation = log(1.55) / (2 * NormalDist().inv_cdf(0.9))
    assert float(figure("practice_level_variation", fiscal(2014))) == round(variation, 2)
    between = Fraction("0.5"), Fraction("0.7")
    assert figure("avoided_admission_price_share", fiscal(2014)) == sum(between) / 2
