"""Improvement payment, years of care and hospital payment: laws, and two years by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capitation.example import example_practices
from capitation.model_file import load_model
from capitation.projection import project
from capitation.rules import hospital_payment, year_of_care
from capitation.rules import improvement_payment as improvement

from .strategies import practices_of

laws = settings(deadline=None, max_examples=80)
shares = st.floats(0, 1)
pounds = st.integers(0, 10**10).map(lambda pence: pence / 100)
LINEAR, STEPPED, ALL_OR_NOTHING, OVER_BASELINE = range(4)
shapes = st.sampled_from([LINEAR, STEPPED, ALL_OR_NOTHING, OVER_BASELINE])


def score(
    achieved: float,
    shape: int,
    floor: float = 0.5,
    ceiling: float = 0.9,
    baseline: float = 0.6,
    steps: int = 4,
) -> float:
    """The score that a year's achievement comes to."""
    reached = improvement.improvement_reached(achieved, shape, floor, ceiling, baseline)
    stepped = improvement.improvement_steps_reached(reached, steps)
    return improvement.improvement_score(reached, stepped, shape)


# ------------------------------------------------------------------------------------------- shapes


def test_the_shapes_by_hand():
    """Floor 50%, ceiling 90%, baseline 60%, four steps of 10% each."""
    by_hand = {
        0.45: (0, 0, 0, 0),
        0.50: (0, 0, 0, 0),
        0.60: (0.25, 0.25, 0, 0),
        0.69: (0.475, 0.25, 0, 0.3),
        0.70: (0.5, 0.5, 0, 1 / 3),
        0.80: (0.75, 0.75, 0, 2 / 3),
        0.89: (0.975, 0.75, 0, 29 / 30),
        0.90: (1, 1, 1, 1),
        1.00: (1, 1, 1, 1),
    }
    for achieved, expected in by_hand.items():
        found = [score(achieved, shape) for shape in range(4)]
        assert found == pytest.approx(expected), achieved


@laws
@given(shares, shares, shapes, shares, shares, shares, st.integers(1, 5))
def test_more_achieved_never_earns_less_and_no_more_than_all(
    one, other, shape, floor, ceiling, baseline, steps
):
    low, high = (
        score(achieved, shape, floor, ceiling, baseline, steps) for achieved in sorted((one, other))
    )
    assert 0 <= low <= high <= 1
    assert score(1, shape, floor, ceiling, baseline, steps) == 1


@laws
@given(shares, st.integers(1, 5))
def test_steps_never_earn_more_than_the_line_that_they_stand_under(achieved, steps):
    stepped, line = score(achieved, STEPPED, steps=steps), score(achieved, LINEAR)
    assert stepped <= line + 1e-9
    assert line < stepped + 1 / steps + 1e-9
    assert stepped * steps == pytest.approx(round(stepped * steps))
    assert score(achieved, STEPPED, steps=1) == score(achieved, ALL_OR_NOTHING)


# ---------------------------------------------------------------------------------------- the money


@laws
@given(pounds, shares, st.integers(1, 12), shares)
def test_on_account_and_balance_are_what_is_earned_to_the_penny(pool, on_account, months, scored):
    paid = [improvement.improvement_on_account(pool, on_account)] * months
    in_all = pool * months
    earned = improvement.improvement_earned_of_year(in_all, scored)
    balance = improvement.improvement_balance(earned, sum(paid), 12)
    assert round(sum(paid) * 100) + round(balance * 100) == round(earned * 100)
    unearned = improvement.improvement_unearned(in_all, earned)
    assert earned + unearned == pytest.approx(in_all, abs=1e-6, rel=1e-12)
    assert unearned >= -0.0051 - 1e-9 * in_all


MODEL = """
name = "improvement"
title = "Improvement"
start = 2017-04-01
months = 24
rules = ["contract.py", "improvement_payment"]
streams = ["improvement_payment"]

[term.services_rate]
unit = "GBP/patient/year"
values = [{ from = 2013-04-01, value = 480, assumption = "By hand." }]

[scenario.linear.term.improvement_achieved]
values = [
  { from = 2013-04-01, value = 0.9, assumption = "By hand." },
  { from = 2018-04-01, value = 0.3, assumption = "By hand." },
]

[scenario.all-or-nothing.term.improvement_shape]
values = [{ from = 2013-04-01, value = "all or nothing", assumption = "By hand." }]

[scenario.all-or-nothing.term.improvement_achieved]
values = [{ from = 2013-04-01, value = 0.9, assumption = "By hand." }]

[scenario.dudley]
preset = ["dudley-improvement"]
"""
CONTRACT = '''
from capitation.vocabulary import MONTHS_PER_YEAR, rule

@rule(unit="GBP/month", assumption="By hand.")
def services_budget(base_weighted_list, services_rate):
    """Services."""
    return base_weighted_list * services_rate / MONTHS_PER_YEAR

@rule(unit="GBP/month", assumption="By hand.")
def quality_in_pool(base_qof):
    """Quality money."""
    return base_qof / MONTHS_PER_YEAR
'''


def test_two_years_of_improvement_by_hand(tmp_path):
    """10,000 patients at £480 are £400,000 a month: 2.5% is £10,000; quality money £6,000."""
    (tmp_path / "contract.py").write_text(CONTRACT, encoding="utf-8")
    (tmp_path / "improvement.toml").write_text(MODEL, encoding="utf-8")
    practices = practices_of(
        [{"weighted_list": 10_000.0, "qof": 72_000.0}, {"weighted_list": 5_000.0}]
    )
    result = project(load_model(tmp_path / "improvement.toml"), practices)

    one = result.sel(scenario="linear").isel(practice=0)
    assert one["improvement_withheld"].values.tolist() == [10_000] * 24
    assert one["improvement_pool_of_year"].values.tolist() == [192_000] * 2
    assert one["improvement_earned_of_year"].values.tolist() == [172_800, 57_600]
    assert one["improvement_unearned"].values == pytest.approx([19_200, 134_400])
    # £8,000 a month on account: £76,800 are due in March, and £38,400 go back a year later
    paid = [8_000] * 11 + [8_000 + 76_800] + [8_000] * 11 + [8_000 - 38_400]
    assert one["improvement_payment"].values.tolist() == paid

    assert result.sel(scenario="all-or-nothing")["improvement_earned_of_year"].values.sum() == 0
    missed = result.sel(scenario="all-or-nothing")["improvement_payment"].sum("month").values
    assert missed == pytest.approx([0, 0])  # all that was on account goes back
    # Dudley: 10% of £4.8m and £2.4m, and all of it achieved
    withheld = result.sel(scenario="dudley")["improvement_pool_of_contract"].values
    assert withheld.tolist() == [[792_000, 792_000]]
    # Score of the contract: 90% and 30% of the money of both
    scored = result.sel(scenario="linear")["contract_quality_score"].values
    assert scored.tolist() == [pytest.approx([0.9, 0.3])]


# ------------------------------------------------------------------------------------ years of care


@laws
@given(
    st.lists(st.tuples(st.integers(0, 20_000), st.sampled_from([0, 1])), min_size=1, max_size=6),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 20_000)), min_size=1, max_size=5),
    pounds,
    shares,
)
def test_sub_contracts_and_what_is_retained_are_the_budget(practices, segments, budget, passed_on):
    counted = sum(share for share, _ in segments)
    in_contract = []
    for patients, inside in practices:
        people = [year_of_care.segment_patients(patients, s, counted) for s, _ in segments]
        assert sum(people) == pytest.approx(patients if counted > 0 else 0)
        money = [
            year_of_care.segment_year_of_care(n, price)
            for n, (_, price) in zip(people, segments, strict=True)
        ]
        in_contract.append(year_of_care.year_of_care_in_contract(sum(money), inside))
    at_price = sum(in_contract)
    scale = year_of_care.year_of_care_scale(budget, at_price, 1)
    passed = sum(year_of_care.sub_contracted(m, scale, passed_on) for m in in_contract)
    retained = year_of_care.integrator_retained(budget, passed)
    assert passed + retained == pytest.approx(budget, abs=1e-6)
    if at_price > 0:
        assert passed == pytest.approx(budget * passed_on, rel=1e-9, abs=1e-6)


# ------------------------------------------------------------------------------------- the hospital

REGIMES = {"fixed": (0, 0), "variable": (1, 1), "blended": (0.2, 0.2), "marginal": (0.3, 1)}


@laws
@given(
    st.floats(0, 1e5),
    st.floats(-0.5, 0.5),
    shares,
    st.sampled_from(sorted(REGIMES)),
)
def test_what_diversion_saves_lies_between_nothing_and_the_full_price(plan, over, share, regime):
    price, avoided = 1_600.0, 0.6
    above, below = REGIMES[regime]
    without = plan * (1 + over)
    diverted = without * share
    before = hospital_payment.hospital_payment_without(plan, without, price, above, below)
    after = hospital_payment.hospital_payment(plan, without, diverted, price, avoided, above, below)
    saved = hospital_payment.saved_on_diverted(before, after)
    full = diverted * price * avoided
    a_penny = 1e-9 * (1 + plan * price)
    assert -a_penny <= saved <= full + a_penny
    if regime == "fixed":
        assert saved == 0
    if regime == "variable":
        assert saved == pytest.approx(full, abs=a_penny)
    if regime == "blended":
        assert saved == pytest.approx(0.2 * full, abs=a_penny)


def test_marginal_prices_of_a_diverted_admission_by_regime():
    """Of £1,590, a diverted admission's price is 60%: £954."""
    for form, above, below, expected in (
        (0, 0.3, 1, 0),
        (1, 0.3, 1, 954),
        (2, 0.2, 0.2, 190.8),
        (2, 0.3, 1, 954),
    ):
        saved = hospital_payment.share_saved_below_plan(form, below)
        paid = hospital_payment.share_paid_above_plan(form, above)
        found = hospital_payment.marginal_admission_price(0, 0, 1590, 0.6, saved)
        assert found == pytest.approx(expected)
        assert paid == (0, 1, above)[form]


# -------------------------------------------------------------------------- models of today's forms


@pytest.fixture(scope="module")
def organisation():
    return project("integrated-health-organisation", example_practices(), months=24)


def test_an_integrated_organisation_passes_on_and_keeps_its_whole_budget(organisation):
    passed, kept = organisation["sub_contracts"], organisation["integrator_retained"]
    budget = organisation["budget_behind_years_of_care"]
    assert float(abs(passed + kept - budget).max()) < 1e-6
    scaled = passed.sel(scenario="hospital-fixed")
    np.testing.assert_allclose(scaled.values, 0.4 * budget.values, rtol=1e-12)
    people = organisation["patients_in_segments"]
    np.testing.assert_allclose(
        people.values, organisation["payment_registered_list"].values, rtol=1e-12
    )


def test_an_integrated_organisation_values_diversion_by_how_the_hospital_is_paid(organisation):
    """60% of £2,355 is £1,413 by activity, a fifth of it in a blend, nothing in a fixed sum."""
    price = organisation["marginal_admission_price"].isel(year=1)
    found = {str(s): price.sel(scenario=s).values.item() for s in price["scenario"].values}
    assert found["hospital-fixed"] == found["prices-as-they-stand"] == 0
    assert found["hospital-variable"] == pytest.approx(1413)
    assert found["hospital-blended"] == pytest.approx(282.6)


def test_a_multi_neighbourhood_provider_shares_all_of_the_pool():
    result = project("multi-neighbourhood-provider", example_practices(), months=36)
    parties = ("provider", "acute", "community", "council", "commissioner")
    in_all = sum(result[f"gain_to_{party}"] for party in parties)
    np.testing.assert_allclose(in_all.values, result["gain_or_loss"].values, atol=1e-6)
    paid = result["gain_loss_paid"].isel(month=slice(11, None, 12)).values
    np.testing.assert_allclose(paid, result["gain_to_provider"].values, atol=1e-6)
    assert not result["gain_loss_payment"].isel(month=slice(0, 12)).values.any()  # shadow
    part = result["gain_to_provider"]
    at = {str(s): part.sel(scenario=s).values[0] for s in part["scenario"].values}
    assert at["multilateral"].tolist() == (-at["more-admissions"]).tolist()
