"""Why a budget grows: the factors make up the growth, and none is counted twice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import capitation as cap

MODEL = "out-of-hospital-budget"
EXACT = {"list_change_tolerance": 0, "joiner_share": 1, "leaver_share": 1}
WANTED = (
    "community_budget_of_contract",
    "contract_weighted_population",
    "age_mix_index",
    "payment_registered_list",
    "payment_weighted_list",
    "weighted_list",
)
BASE = cap.load_model(MODEL)
small = st.floats(-0.05, 0.05).map(lambda x: round(x, 4))


@pytest.fixture(scope="module")
def few():
    return cap.example_practices().isel(practice=slice(0, 3))


def run(few, months=36, given=None, **terms):
    model = cap.with_terms(BASE, terms)
    wanted = [name for name in WANTED if name not in (given or {})]
    scenarios = ["partially-integrated"]
    return cap.project(model, few, scenarios, months, given=given, variables=wanted)


@settings(deadline=None, max_examples=8)
@given(ages=small, demand=small, uplift=small, less=small, pace=small, lists=small)
def test_every_factor_is_counted_once(few, ages, demand, uplift, less, pace, lists):
    result = run(
        few,
        24,
        **EXACT,
        age_mix_growth=ages,
        community_growth=demand,
        cost_uplift=uplift,
        efficiency=abs(less),
        pace_of_change=pace,
        monthly_list_growth=lists / 12,
    )
    split = cap.budget_growth(result, "community").squeeze()
    expected = {
        "age_mix": ages,
        "demand": demand,
        "prices": uplift,
        "efficiency": -abs(less),
        "pace_of_change": pace,
        "counting": 0,
        "basis": 0,
    }
    for name, growth in expected.items():
        assert float(split[name]) == pytest.approx(growth, abs=1e-12), name
    product = np.prod([1 + float(split[name]) for name in ("population", *expected)])
    assert product == pytest.approx(1 + float(split["growth"]), abs=1e-12)


def test_ages_come_from_weighted_lists_or_from_the_contract_and_never_from_both(few):
    older = {"age_mix_growth": 0.03, "monthly_list_growth": 0}
    by_growth = cap.budget_growth(run(few, **EXACT, **older), "community").squeeze()
    assert by_growth["age_mix"].values.tolist() == pytest.approx([0.03, 0.03])
    by_lists = run(few, **EXACT, **older, age_mix_from_weighted_list=1)
    split = cap.budget_growth(by_lists, "community").squeeze()
    assert split["age_mix"].values.tolist() == pytest.approx([0, 0])
    assert split["counting"].values.tolist() == pytest.approx([0, 0])


def test_weighted_lists_that_are_given_are_told_to_hold_the_ages(few):
    lists = {"weighted_list": run(few, 12)["weighted_list"]}
    assert "never both" in run(few, 12, given=lists).attrs["notes"]
    assert "never both" not in run(few, 12).attrs["notes"]


def test_an_allocation_s_growth_stands_apart_as_the_basis(few):
    result = run(few, **EXACT, budget_basis="allocation growth")
    split = cap.budget_growth(result, "community").squeeze()
    assert (np.abs(split["basis"].values) > 1e-4).all()


def test_a_term_that_moves_within_a_year_is_told(few):
    result = run(few, 24)
    halved = result["community_budget_of_contract"].copy()
    halved[{"month": slice(12, 18)}] = 0
    changed = result.assign(community_budget_of_contract=halved)
    with pytest.raises(cap.InputError, match="do not make up its growth"):
        cap.budget_growth(changed, "community")


@pytest.mark.parametrize(
    ("months", "service", "said"),
    [
        (12, "community", "12 months"),
        (15, "community", "15 months"),
        (24, "dentistry", "dentistry"),
    ],
)
def test_what_cannot_be_split_is_told(few, months, service, said):
    with pytest.raises(cap.InputError, match=said):
        cap.budget_growth(run(few, months), service)
