"""At which value of a term an amount comes to a target."""

from __future__ import annotations

import argparse
import json
import math

import pytest

from capitation.cli.sensitivity_summary import add_seek_options, seek
from capitation.errors import InputError
from capitation.goal_seeking import Goal, goal_seek
from capitation.projection import project
from capitation.root_finding import Point, nearest_crossing
from capitation.what_if import with_terms

from .strategies import (
    BOLTON,
    EAST_ANGLIA,
    EASTERN_CHESHIRE,
    FULLY_INTEGRATED,
    UNITING_CARE,
    shipped,
)
from .test_sensitivity import YEAR, amount, arguments, asked_about, practices


def put_back(goal: Goal, months: int = YEAR) -> float:
    """The amount with the value that was found, as the user would set it."""
    changed = with_terms(shipped(goal.model), {goal.term: goal.value_found})
    result = project(
        changed, practices(), [goal.scenario], months, variables=[goal.measure], compiled=False
    )
    return float(result[goal.measure].sum())


# -------------------------------------------------------------------------------------- laws


@pytest.mark.parametrize(
    ("name", "term", "measure", "target"),
    [
        (BOLTON, "guaranteed_income_per_patient", "scheme_cost", 250_000),
        (BOLTON, "monthly_list_growth", "total_payments", 3_000_000),
        # The base year's mean moves with it.
        (BOLTON, "monthly_admissions_trend", "scheme_saving", 40_000),
        # Dated, with a history that stays.
        (BOLTON, "global_sum_price", "total_payments", 3_000_000),
        (UNITING_CARE, "contract_price", "provider_gap", 0),
    ],
)
def test_the_value_put_back_gives_the_target_to_the_penny(name, term, measure, target):
    goal = goal_seek(shipped(name), practices(), term, target, measure, months=YEAR)
    assert goal.found, goal
    assert not goal.jumps, goal
    assert goal.amount_found == pytest.approx(target, abs=0.005)
    assert put_back(goal) == pytest.approx(goal.amount_found, abs=1e-6)


def test_a_commissioner_breaks_even_where_the_scheme_costs_what_it_saves():
    goal = goal_seek(
        shipped(BOLTON),
        practices(),
        "guaranteed_income_per_patient",
        measure="scheme_net_cost",
        year="2015/16",
        months=YEAR,
    )
    assert goal.amount_found == pytest.approx(0, abs=0.005) or goal.jumps
    # At the penny the guarantee is a price that can be agreed, and the amount is that of it.
    assert goal.value_in_pence == pytest.approx(goal.value_found, abs=0.0051)
    term = {"guaranteed_income_per_patient": goal.value_in_pence}
    assert goal.amount_in_pence == pytest.approx(amount(term, "scheme_net_cost"), abs=1e-6)


def test_a_price_that_closes_the_first_years_gap_is_the_switching_value():
    from capitation.switching import switching_values

    model = shipped(UNITING_CARE)
    one = practices().isel(practice=[0, 1])
    switched = switching_values(model, one, ["contract_price"]).squeeze()
    goal = goal_seek(model, one, "contract_price", 0, "provider_gap", year="2015/16", months=YEAR)
    assert goal.value_found == pytest.approx(float(switched["switching_value"]), rel=1e-9)
    assert goal.value == 726e6


def test_more_to_pay_takes_a_higher_price():
    prices = [
        goal_seek(
            shipped(BOLTON),
            practices(),
            "guaranteed_income_per_patient",
            target,
            "scheme_cost",
            months=2,
        ).value_found
        for target in (10_000, 50_000, 200_000)
    ]
    assert prices == sorted(prices)
    assert len(set(prices)) == 3


def test_what_stands_at_the_target_stays():
    model, one = shipped(UNITING_CARE), practices()
    now = goal_seek(model, one, "contract_price", 0, "provider_income", months=YEAR).amount
    goal = goal_seek(model, one, "contract_price", now, "provider_income", months=YEAR)
    assert goal.value_found == goal.value


# ------------------------------------------------------------------------------ not to be had


def test_an_amount_that_never_comes_there_says_how_far_it_goes():
    goal = goal_seek(
        shipped(UNITING_CARE), practices(), "savings_lag", 0, "provider_gap", months=YEAR
    )
    assert not goal.found
    assert math.isnan(goal.value_found)
    assert "does not come to £0.00" in goal.said
    assert goal.amounts_seen[0] > 0
    assert goal.as_dict()["value_found"] is None


def test_an_amount_that_does_not_move_says_so():
    goal = goal_seek(
        shipped(BOLTON), practices(), "fall_for_full_payment", 1, within=(0.03, 0.03001), months=2
    )
    assert not goal.found
    assert "stays at" in goal.said


def test_an_amount_that_jumps_is_found_at_the_jump():
    # All or nothing, commissioner by commissioner: where more savings are required than are made,
    # nothing is paid.
    goal = goal_seek(
        shipped(EASTERN_CHESHIRE),
        practices().isel(practice=[0, 1]),
        "savings_required",
        1000,
        "scheme_cost",
        within=(0, 3_010_000),
        months=YEAR,
    )
    assert goal.found
    assert goal.jumps
    ends = sorted([goal.amount_found, goal.short_of[1]])
    assert ends == pytest.approx([0, max(goal.amounts_seen)])
    assert goal.value_found == pytest.approx(goal.short_of[0], rel=1e-9)
    assert "jumps over" in goal.said


def test_a_value_at_which_the_target_is_met_is_preferred_to_a_jump_over_it():
    # Nothing stands for "not given" there, so that the amount jumps as soon as anything is.
    model, few = shipped(FULLY_INTEGRATED), practices().isel(practice=[0, 1])
    target, name = 3_300_000, "emergency_spend_of_all"
    beside = goal_seek(model, few, name, target, within=(0, 1), months=2)
    assert beside.jumps
    goal = goal_seek(model, few, name, target, months=2)
    assert goal.found
    assert not goal.jumps
    assert goal.amount_found == pytest.approx(target, abs=0.005)


def test_only_values_within_bounds_are_tried():
    goal = goal_seek(
        shipped(EAST_ANGLIA), practices(), "target_price", 0, within=(80, "161/2"), months=2
    )
    assert goal.values_tried == (80.0, 80.5)


# ------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"term": "contract_prise"}, "did you mean 'contract_price'"),
        ({"term": "global_sum_price"}, "does not read"),
        ({"term": "parent_guarantee", "measure": "commissioner_gap_with_provider"}, "a choice"),
        ({"measure": "provider_gaps"}, "did you mean 'provider_gap'"),
        ({"scenario": "signed"}, "as-signed"),
        ({"year": "2016"}, "2015/16"),
        ({"target": math.nan}, "a number"),
        ({"within": (2, 1)}, "2 is not less than 1"),
        ({"within": (-1, 1)}, "found -1"),
        ({"within": ("a", 1)}, "expected a number"),
    ],
)
def test_what_cannot_be_sought_is_refused(asked, said):
    usual = {"term": "contract_price", "measure": "provider_gap", "months": YEAR}
    with pytest.raises(InputError, match=said):
        goal_seek(shipped(UNITING_CARE), practices(), **(usual | asked))


# ----------------------------------------------------------------------------- finding a root


def test_the_crossing_that_is_nearest_is_found():
    def wave(values):
        return [math.sin(value) for value in values]

    tried = [Point(value, math.sin(value)) for value in (1.5, 2.5, 0.5, 3.5, -0.5)]
    found = nearest_crossing(wave, Point(2.0, math.sin(2.0)), tried, close=1e-9)
    assert found is not None
    assert found.below.value == pytest.approx(math.pi)


def test_a_jump_is_narrowed_to_a_hairs_breadth():
    def steps(values):
        return [1.0 if value < 0.7 else -1.0 for value in values]

    found = nearest_crossing(steps, Point(0.0, 1.0), [Point(1.0, -1.0)], close=0.005)
    assert found is not None
    assert found.above.value < 0.7 <= found.below.value
    assert found.below.value - found.above.value < 1e-11


def test_values_without_an_amount_are_passed_over():
    tried = [Point(1.0, math.nan), Point(2.0, 1.0)]
    assert nearest_crossing(lambda values: [], Point(0.0, 1.0), tried, close=0.005) is None


# --------------------------------------------------------------------------------- the command


def goal_words(*words: str) -> str:
    args: argparse.Namespace = arguments(add_seek_options, *words)
    told, status = seek(args, asked_about(YEAR))
    assert status == 0
    return told


def test_the_command_says_the_value_and_the_amount_there():
    term, measure = "guaranteed_income_per_patient", "scheme_cost"
    said = goal_words(term, "--measure", measure, "--target", "250000", "--year", "2015/16")
    assert "£250,000.00" in said
    assert "To the penny" in said


def test_the_command_gives_data():
    said = json.loads(goal_words("programme_reduction", "--within", "0:1", "--json"))
    assert said["found"] is False
    assert said["value_found"] is None
    assert said["values_tried"] == [0.0, 1.0]
