"""Break-even: reductions worked out by hand, certain and drawn, and where there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from capitation import simulation
from capitation.break_even import REDUCTIONS
from capitation.model import Model
from capitation.model_file import load_model
from capitation.what_if import with_terms

from .strategies import BOLTON, bits, edited
from .tiny_models import simulated, some_practices, tiny_model

RULES = '''
from capitation.vocabulary import MONTHS_PER_YEAR, constant, negative_binomial, rule, total

@rule(unit="admission/year", assumption="By hand.")
def usual(base_registered_list, base_admission_rate):
    """Admissions to expect in a year."""
    return base_registered_list * base_admission_rate

@rule(unit="admission/month", assumption="By hand.")
def expected(usual):
    """Admissions to expect in a month."""
    return usual / MONTHS_PER_YEAR

@rule(unit="admission/month", drawn=negative_binomial("overdispersion"), assumption="By hand.")
def admissions(expected, reduction):
    """Admissions of the month."""
    return expected * (1 - reduction)

@rule(
    unit="admission/month",
    drawn=negative_binomial("overdispersion", like="admissions"),
    assumption="By hand.",
)
def unreduced(expected):
    """Admissions of the month, had there been no reduction."""
    return expected

of_year = total("admissions", over="months")
unreduced_of_year = total("unreduced", over="months")
all_usual = total("usual", over="practices")
all_admissions = total("of_year", over="practices")
all_unreduced = total("unreduced_of_year", over="practices")

@rule(unit="GBP/year", assumption="By hand.")
def earned(base_registered_list, cost_a_patient_for_the_year, cost_a_practice_for_the_year):
    """What a practice costs."""
    return base_registered_list * cost_a_patient_for_the_year + cost_a_practice_for_the_year

scheme_cost = total("earned", over="practices")

@rule(unit="GBP/month", assumption="By hand.")
def paid(earned, month_of_fiscal_year):
    """Paid in twelfths."""
    return earned / MONTHS_PER_YEAR if month_of_fiscal_year > 0 else 0

@rule(unit="GBP/year", assumption="By hand.")
def saving(
    all_usual,
    all_unreduced,
    all_admissions,
    baseline_share_for_the_year,
    paid_above_for_the_year,
    price_for_the_year,
):
    """Full price below the baseline, and a share of it above."""
    baseline = all_usual * baseline_share_for_the_year
    none = 0 * all_usual
    above = max(all_unreduced - baseline, none) - max(all_admissions - baseline, none)
    below = max(baseline - all_admissions, none) - max(baseline - all_unreduced, none)
    return (paid_above_for_the_year * above + below) * price_for_the_year
'''
RATE, PRICE = 0.125, 1600.0
TERMS = {
    "admission_rate": ("admission/patient/year", RATE),
    "overdispersion": ("1", 0),
    "reduction": ("1", 0.05),
    "cost_a_patient": ("GBP/patient/year", 20),
    "cost_a_practice": ("GBP/year", 0),
    "baseline_share": ("1", 0),
    "paid_above": ("1", 1),
    "price": ("GBP/admission", PRICE),
}
ASKED = {
    "outcomes": ["of_year"],
    "earned": "earned",
    "effect": "reduction",
    "cost": "scheme_cost",
    "saving": "saving",
}
BY_REDUCTION = (
    "cost_by_reduction",
    "saving_by_reduction",
    "net_cost_by_reduction_standard_error",
)
SOLVED = ("break_even_reduction", "break_even_reduction_low", "break_even_reduction_high")
C1, C2 = 1500 + 4000 + 7300, 2600 + 12000


def model_of(folder: Path, rules: str = RULES, scenarios: Any = None, **changed: float) -> Model:
    """A scheme that costs £20 a patient, where an admission in eight patients costs £1,600."""
    terms = TERMS | {name: (TERMS[name][0], value) for name, value in changed.items()}
    asked = {"simulation": ASKED, "streams": ["paid"], "name": "even"}
    return tiny_model(folder, rules, terms=terms, scenarios=scenarios or {"as-is": {}}, **asked)


def solved(model: Model, practices: xr.Dataset | None = None, **options: Any) -> xr.Dataset:
    return simulated(model, practices, **({"draws": 2, "months": 12, "break_even": True} | options))


@pytest.fixture(scope="module")
def certain(tmp_path_factory) -> Model:
    return model_of(tmp_path_factory.mktemp("certain"))


@pytest.fixture(scope="module")
def chancy(tmp_path_factory) -> Model:
    return model_of(tmp_path_factory.mktemp("chancy"), overdispersion=1.3)


# --------------------------------------------------------------------------------- nothing drawn


@pytest.mark.parametrize("cost", [0.01, 3, 20, 33.3, 59.9])
def test_the_saving_meets_a_certain_cost_where_it_should(tmp_path, cost):
    found = solved(model_of(tmp_path, cost_a_patient=cost))
    for name in SOLVED:
        assert found[name].dims == ("scenario", "commissioner_code")
        np.testing.assert_allclose(found[name], cost / (RATE * PRICE), rtol=1e-9)


def test_scenarios_and_commissioners_each_have_their_own(tmp_path):
    scenarios = {"as-is": {}, "dear": {"cost_a_practice": 50_000}, "rich": {"price": 800}}
    found = solved(model_of(tmp_path, scenarios=scenarios), months=24)
    at = found["break_even_reduction"]
    expected = [
        [20 / (RATE * PRICE)] * 2,
        [(20 * n + k * 50_000) / (n * RATE * PRICE) for n, k in ((C1, 3), (C2, 2))],
        [20 / (RATE * 800)] * 2,
    ]
    np.testing.assert_allclose(at.values, expected, rtol=1e-9)
    assert list(at["scenario"].values) == list(scenarios)
    assert list(at["commissioner_code"].values) == ["C1", "C2"]


def test_cost_and_saving_at_each_reduction(certain):
    found = solved(certain, months=24)
    assert tuple(found["reduction"].values) == REDUCTIONS
    assert REDUCTIONS[0] == 0
    assert REDUCTIONS[-1] == 0.3
    for area, patients in (("C1", C1), ("C2", C2)):
        here = found.sel(scenario="as-is", commissioner_code=area)
        np.testing.assert_allclose(here["cost_by_reduction"], 2 * 20 * patients)
        by_hand = 2 * np.array(REDUCTIONS) * patients * RATE * PRICE
        np.testing.assert_allclose(here["saving_by_reduction"], by_hand, rtol=1e-9)
        assert (here["net_cost_by_reduction_standard_error"] < 1e-6).all()
    for name in BY_REDUCTION:
        assert found[name].dims == ("scenario", "commissioner_code", "reduction")


def test_every_variable_has_its_unit_and_its_title(certain):
    found = solved(certain)
    assert found["of_year"].attrs["units"] == "admission/year"
    for name in BY_REDUCTION:
        assert found[name].attrs["units"] == "GBP"
    for name in SOLVED:
        assert found[name].attrs["units"] == "1"
    assert all(variable.attrs["long_name"] for variable in found.data_vars.values())


def test_there_is_none_where_the_saving_never_reaches_the_cost(tmp_path):
    scenarios = {"never": {"cost_a_patient": 61}, "one": {"cost_a_practice": 180_000}}
    found = solved(model_of(tmp_path, scenarios=scenarios))
    for name in SOLVED:
        assert np.isnan(found[name].sel(scenario="never")).all()
        # Three practices are too many for C1, and C2 has two.
        assert np.isnan(found[name].sel(scenario="one", commissioner_code="C1"))
        expected = (20 * C2 + 2 * 180_000) / (C2 * RATE * PRICE)
        there = found[name].sel(scenario="one", commissioner_code="C2")
        assert float(there) == pytest.approx(expected)


def test_it_is_nothing_where_there_is_no_cost(tmp_path):
    found = solved(model_of(tmp_path, cost_a_patient=0, overdispersion=1.3))
    for name in SOLVED:
        assert (found[name] == 0).all()


@pytest.mark.parametrize(
    ("above", "kink", "beyond"),
    [
        *((above, kink, 0.004) for above in (0, 0.3, 0.7) for kink in (0.0625, 0.14, 0.249)),
        *((above, kink, 0.001) for above in (0.3, 0.7) for kink in (0.03, 0.0625, 0.14)),
        *((0, kink, 0.03) for kink in (0.03, 0.125, 0.249)),
        *((0, kink, 0.001) for kink in (0.0625, 0.14)),
    ],
)
def test_a_kink_at_the_baseline_is_found(tmp_path, above, kink, beyond):
    # A share of the price down to the baseline, all of it below: met so far beyond the kink.
    cost = (above * kink + beyond) * RATE * PRICE
    changed = {"baseline_share": 1 - kink, "paid_above": above, "cost_a_patient": cost}
    found = solved(model_of(tmp_path, **changed), some_practices("P1"))
    assert found["break_even_reduction"].item() == pytest.approx(kink + beyond, abs=5e-4)


IF_ENOUGH = """
all_earned = total("earned", over="practices")

@rule(unit="GBP/year", assumption="By hand.")
def scheme_cost(all_earned, saving, baseline_share_for_the_year):
    \"\"\"Paid only if a share of it is saved.\"\"\"
    return all_earned if saving >= baseline_share_for_the_year * all_earned else 0 * all_earned
"""


def test_it_is_the_last_reduction_at_which_they_meet(tmp_path):
    old = 'scheme_cost = total("earned", over="practices")\n'
    rules = edited(RULES, (old, ""), ("baseline_share_for_the_year,\n    paid", "paid"))
    rules = edited(rules, ("all_usual * baseline_share_for_the_year", "2 * all_usual")) + IF_ENOUGH
    scenarios = {"half": {"baseline_share": 0.5}, "more": {"baseline_share": 1.5}}
    found = solved(model_of(tmp_path, rules, scenarios), some_practices("P1", "P2"))
    # Nothing is paid up to 5%, and then more than is saved up to 10%.
    at = found["break_even_reduction"].isel(commissioner_code=0)
    assert float(at.sel(scenario="half")) == pytest.approx(0.1)
    net = found["cost_by_reduction"] - found["saving_by_reduction"]
    assert (net.sel(scenario="half", reduction=[0.025, 0.125]) < 0).all()
    assert (net.sel(scenario="half", reduction=0.075) > 0).all()
    # What is paid only where more than that is saved pays for itself at once.
    assert float(at.sel(scenario="more")) == 0


# -------------------------------------------------------------------------------------- drawn


def test_the_interval_holds_what_is_expected_and_narrows(chancy):
    width = {}
    for draws in (20, 320):
        found = solved(chancy, some_practices("P1", "P4"), draws=draws, seed=3)
        level, low, high = (found[name].isel(scenario=0).values for name in SOLVED)
        assert (low < level).all()
        assert (level < high).all()
        assert (np.abs(level - 0.1) < 2 * (high - level)).all()
        np.testing.assert_allclose(high - level, level - low, rtol=1e-9)
        width[draws] = high - low
    assert 1.5 * width[320].sum() < width[20].sum()


def test_most_intervals_hold_what_is_expected(chancy):
    held = 0
    for seed in range(16):
        found = solved(chancy, some_practices("P4"), draws=30, seed=seed)
        low, high = (float(found[name].item()) for name in SOLVED[1:])
        held += low <= 0.1 <= high
    assert held >= 13


def test_more_is_saved_at_each_reduction_and_nothing_without_one(chancy):
    found = solved(chancy, draws=10)
    saving = found["saving_by_reduction"]
    assert (saving.sel(reduction=0) == 0).all()
    assert (saving.diff("reduction") > 0).all()
    assert (found["cost_by_reduction"].diff("reduction") == 0).all()
    error = found["net_cost_by_reduction_standard_error"]
    assert (error.sel(reduction=0) == 0).all()
    assert (error.isel(reduction=slice(1, None)) > 0).all()


def test_saving_and_its_error_are_those_of_a_simulation_at_that_reduction(chancy):
    found = solved(chancy, draws=12, months=24)
    for reduction in (0.1, 0.3):
        own = simulated(with_terms(chancy, {"reduction": reduction}), draws=12)
        of_years = own["commissioner_saving_mean"].sel(effect="with").sum("year")
        here = found.sel(reduction=reduction)
        np.testing.assert_allclose(here["saving_by_reduction"], of_years, rtol=1e-12)
        # The years' errors, were they independent, add up as squares do.
        error = own["commissioner_saving_standard_error"].sel(effect="with")
        ratio = here["net_cost_by_reduction_standard_error"] / np.sqrt((error**2).sum("year"))
        assert ((ratio > 0.5) & (ratio < 1.5)).all()


def test_it_does_not_depend_on_what_else_is_in_the_run(tmp_path):
    scenarios = {"as-is": {}, "dear": {"cost_a_practice": 20_000}}
    model = model_of(tmp_path, scenarios=scenarios, overdispersion=1.3)
    names = [*BY_REDUCTION, *SOLVED]
    found = solved(model, draws=5)[names]
    for others in (
        solved(model, draws=5, scenarios=["dear"]),
        solved(model, some_practices("P5", "P4"), draws=5),
        solved(model, some_practices().isel(practice=[4, 1, 0, 3, 2]), draws=5),
        solved(with_terms(model, {"reduction": 0.2}), draws=5),
        solved(model, draws=5, outcomes=["of_year", "saving"]),
    ):
        chosen = found.sel({d: others[d] for d in ("scenario", "commissioner_code")})
        assert bits(others[names]) == bits(chosen)


def test_it_is_solved_from_no_more_draws_than_are_enough(chancy, monkeypatch):
    names = [*BY_REDUCTION, *SOLVED]
    few = solved(chancy, some_practices("P4"), draws=4)
    monkeypatch.setattr(simulation, "ENOUGH_DRAWS", 4)
    many = solved(chancy, some_practices("P4"), draws=12)
    assert bits(many[names]) == bits(few[names])
    assert bits(many[["of_year"]]) != bits(few[["of_year"]])


def test_it_can_be_left_out(certain):
    found = solved(certain, break_even=False)
    assert not {*BY_REDUCTION, *SOLVED} & set(found.data_vars)
    assert "reduction" not in found.dims


def test_a_shipped_contract_breaks_even_within_its_interval_or_not_at_all():
    two = some_practices("P1", "P4")
    found = simulated(load_model(BOLTON), two, draws=3, months=12, break_even=True)
    level, low, high = (found[name] for name in SOLVED)
    assert ((low <= level) & (level <= high) | level.isnull()).all()
    assert ((level >= 0) & (level <= REDUCTIONS[-1]) | level.isnull()).all()
    assert (found["saving_by_reduction"].sel(reduction=0) == 0).all()
    assert (found["saving_by_reduction"].diff("reduction") >= 0).all()
