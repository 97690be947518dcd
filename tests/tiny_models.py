"""What the tests of simulation share: small models written to a folder, and runs of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from capitation.model import Model
from capitation.model_file import load_model
from capitation.simulation import simulate

from .strategies import practices_of

RULES = '''
from capitation.vocabulary import A_MONTH, AN_ADMISSION, MONTHS_PER_YEAR, constant
from capitation.vocabulary import gamma, negative_binomial, rule, total

NO_ADMISSIONS = constant(0, "admission")

@rule(unit="admission/year", assumption="By hand.")
def usual_at_start(base_registered_list, base_admission_rate):
    """Admissions to expect before the start."""
    return base_registered_list * base_admission_rate

@rule(unit="1", drawn=gamma("level_variation_for_the_year"), assumption="By hand.")
def bad_year(mean_weather_for_the_year):
    """Weather of the year, the same for all."""
    return mean_weather_for_the_year

@rule(unit="admission/patient/year", drawn=gamma("base_level_variation"), assumption="By hand.")
def level_of_practice(base_registered_list, usual_at_start):
    """A practice's lasting level."""
    return usual_at_start / base_registered_list

@rule(unit="admission/month", assumption="By hand.")
def expected_without(base_registered_list, level_of_practice, bad_year):
    """Admissions to expect of the month."""
    return base_registered_list * level_of_practice * bad_year / MONTHS_PER_YEAR

@rule(unit="admission/month", drawn=negative_binomial("overdispersion"), assumption="By hand.")
def admissions(expected_without, reduction, ramp):
    """Admissions of the month."""
    return expected_without * (1 - reduction * ramp)

@rule(
    unit="admission/month",
    drawn=negative_binomial("overdispersion", like="admissions"),
    assumption="By hand.",
)
def admissions_without(expected_without):
    """Admissions of the month without any reduction."""
    return expected_without

@rule(
    unit="admission/year", drawn=negative_binomial("base_overdispersion"), assumption="By hand."
)
def admissions_before(base_registered_list, level_of_practice):
    """Admissions of the year before the first."""
    return base_registered_list * level_of_practice

admissions_of_year = total("admissions", over="months", first="admissions_before")
without_of_year = total("admissions_without", over="months")

@rule(unit="1", assumption="By hand.")
def fall(admissions_of_year, previous_admissions_of_year):
    """Fall since the year before."""
    before = previous_admissions_of_year
    return 1 - admissions_of_year / before if before > 0 else 0

@rule(unit="1", assumption="By hand.")
def grade(fall, fall_for_reward_for_the_year):
    """Whether the fall earns the reward."""
    return 1 if fall >= fall_for_reward_for_the_year else 0

@rule(unit="GBP/year", assumption="By hand.")
def reward(grade, base_registered_list, reward_price_for_the_year):
    """Reward of the year."""
    return grade * base_registered_list * reward_price_for_the_year

@rule(unit="GBP/month", assumption="By hand.")
def reward_paid(reward, month_of_fiscal_year):
    """Paid in the year's second half."""
    return reward / MONTHS_PER_YEAR * 2 if month_of_fiscal_year > 6 else 0

@rule(unit="admission", assumption="By hand.")
def none_yet(base_registered_list):
    """Nothing saved up at first."""
    return NO_ADMISSIONS if base_registered_list > 0 else NO_ADMISSIONS

@rule(unit="admission", first="none_yet", assumption="By hand.")
def avoided_to_date(previous, admissions, admissions_without):
    """Avoided since the start."""
    return max(previous + (admissions_without - admissions) * A_MONTH, NO_ADMISSIONS)

@rule(unit="GBP/month", assumption="By hand.")
def bonus(avoided_to_date, previous_avoided_to_date, price_for_the_year):
    """Worth of what is newly avoided."""
    return (avoided_to_date - previous_avoided_to_date) / A_MONTH * price_for_the_year

all_without = total("without_of_year", over="practices")
all_admissions = total("admissions_of_year", over="practices")
scheme_cost = total("reward", over="practices")

@rule(unit="admission/year", drawn=negative_binomial("overdispersion_for_the_year"),
      assumption="By hand.")
def transfers(all_admissions, share_transferred_for_the_year):
    """Transfers to another commissioner's hospital."""
    return all_admissions * share_transferred_for_the_year

@rule(unit="GBP/year", assumption="By hand.")
def saving(all_without, all_admissions, price_for_the_year):
    """Saved on admissions."""
    return (all_without - all_admissions) * price_for_the_year

@rule(unit="GBP/month", assumption="By hand.")
def bed_cost(transfers, price, month_of_fiscal_year):
    """Cost of transfers, paid in the winter."""
    return transfers * price / MONTHS_PER_YEAR * 2 if month_of_fiscal_year > 6 else 0
'''

TERMS = {
    "admission_rate": ("admission/patient/year", 0.1),
    "mean_weather": ("1", 1),
    "level_variation": ("1", 0.2),
    "overdispersion": ("1", 1.3),
    "reduction": ("1", 0.1),
    "ramp": ("1", {"2013-04-01": 0.5, "2015-10-01": 1}),
    "fall_for_reward": ("1", 0.05),
    "reward_price": ("GBP/patient/year", 2),
    "price": ("GBP/admission", 1500),
    "share_transferred": ("1", 0.05),
}
SIMULATION = {
    "outcomes": ["reward_paid", "admissions_of_year", "fall", "bonus", "transfers", "bed_cost"],
    "earned": "grade",
    "effect": "reduction",
    "cost": "scheme_cost",
    "saving": "saving",
}
SCENARIOS = {"as-is": {}, "strict": {"fall_for_reward": 0.1, "overdispersion": 1}}

SCHEME_RULES = [
    "lists",
    "admissions",
    "admissions_history",
    "measurement",
    "per_patient",
    "standards",
    "savings_condition",
    "scheme_budget",
    "advance",
    "admission_value",
    "better_care_fund",
    "scheme_account",
]
SCHEME_TERMS = {
    "scheme_price_per_weighted_patient": ("GBP/patient/year", 22.77),
    "monthly_list_growth": ("1", 0.0006),
    "programme_reduction": ("1", 0.035),
    "programme_ramp": ("1", {"2013-04-01": 0.5, "2015-10-01": 1}),
    "mandatory_standards_share": ("1", 0.6),
    "scheme_advance_share": ("1", 0.6),
    "savings_required": ("GBP/year", 0),
    "other_savings": ("GBP/year", 0),
    "scheme_budget": ("GBP/year", 0),
    "measure_over_three_years": ("1", 0),
    "measure_pooled": ("1", 0),
    "measure_against_expected": ("1", 0),
    "measure_against_base_year": ("1", 0),
    "dead_band": ("1", 0),
    "fall_for_first_payment": ("1", 0),
    "fall_for_full_payment": ("1", 0.035),
}
SCHEME_SIMULATION = {
    "outcomes": [
        "scheme_earned",
        "scheme_payment",
        "emergency_admissions_of_year",
        "grade_for_admissions",
        "admissions_saving",
        "scheme_net_cost",
    ],
    "earned": "grade_for_admissions",
    "effect": "programme_reduction",
    "cost": "scheme_cost",
    "saving": "admissions_saving",
}
GRADED_BY_ADMISSIONS = """
[standard.admissions]
title = "Emergency admissions"
weight = 1
graded_by = "grade_for_admissions"
assumption = "By hand."
"""


def tiny_model(
    folder: Path,
    rules: str | Sequence[str] = RULES,
    *,
    terms: Mapping[str, tuple[str, Any]] = TERMS,
    simulation: Mapping[str, Any] | None = SIMULATION,
    scenarios: Mapping[str, Mapping[str, Any]] = SCENARIOS,
    streams: Sequence[str] = ("reward_paid",),
    months: int = 24,
    more: str = "",
    name: str = "tiny",
) -> Model:
    """A model of rules that are written beside it, or named; terms hold from April 2013."""
    if isinstance(rules, str):
        (folder / f"{name}_rules.py").write_text(rules, encoding="utf-8")
        rules = [f"{name}_rules.py"]
    lines = [f'name = "{name}"', f'title = "{name}"', "start = 2015-04-01", f"months = {months}"]
    lines += [f"rules = {json.dumps(list(rules))}", f"streams = {json.dumps(list(streams))}"]
    if simulation is not None:
        lines += ["[simulation]", *(f"{k} = {json.dumps(v)}" for k, v in simulation.items())]
    for term, (unit, value) in terms.items():
        lines += [f"[term.{term}]", f'unit = "{unit}"', f"values = [{_dated(value)}]"]
    for scenario, changes in scenarios.items():
        lines += [f"[scenario.{scenario}]", f'title = "{scenario}"']
        for term, value in changes.items():
            lines += [f"[scenario.{scenario}.term.{term}]", f"values = [{_dated(value)}]"]
    path = folder / f"{name}.toml"
    path.write_text("\n".join([*lines, more]), encoding="utf-8")
    return load_model(path)


def _dated(value: Any) -> str:
    dated = value if isinstance(value, Mapping) else {"2013-04-01": value}
    rows = (f'{{ from = {d}, value = {v}, assumption = "By hand." }}' for d, v in dated.items())
    return ", ".join(rows)


def scheme_model(folder: Path, scenarios: Mapping[str, Mapping[str, Any]], **changes: Any) -> Model:
    """A model of the shipped rules of a scheme paid by the patient."""
    given = {
        "terms": SCHEME_TERMS,
        "simulation": SCHEME_SIMULATION,
        "streams": ["scheme_payment"],
        "more": GRADED_BY_ADMISSIONS,
        "name": "scheme",
    }
    return tiny_model(folder, SCHEME_RULES, scenarios=scenarios, **(given | changes))


def some_practices(*codes: str, **figures: float) -> xr.Dataset:
    """Practices by code, each with its own list: the last two of C2, the others of C1."""
    codes = codes or ("P1", "P2", "P3", "P4", "P5")
    lists = {"P1": 1500.0, "P2": 4000.0, "P3": 7300.0, "P4": 2600.0, "P5": 12000.0}
    return practices_of(
        {
            "practice": code,
            "commissioner": "C2" if code in ("P4", "P5") else "C1",
            "registered_list": lists[code],
            "weighted_list": lists[code] * 1.05,
            **figures,
        }
        for code in codes
    )


def simulated(model: Model, practices: xr.Dataset | None = None, **options: Any) -> xr.Dataset:
    """A small simulation, as plain Python, without solving for where it breaks even."""
    chosen = {"draws": 20, "compiled": False, "break_even": False} | options
    return simulate(model, some_practices() if practices is None else practices, **chosen)
