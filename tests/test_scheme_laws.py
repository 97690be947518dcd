"""Laws that a scheme's rules obey, each rule called on plain numbers, a year worked out by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from capitation.rules import (
    admission_value,
    admissions,
    advance,
    better_care_fund,
    enhanced_service,
    guarantee,
    measurement,
    savings_condition,
    scheme_budget,
    standards,
)

laws = settings(deadline=None, max_examples=60)

# What is paid above and below the baseline, and whether what is kept back is ring-fenced.
REGIMES = {
    "full price": (1, 1, 0),
    "30%": (0.3, 1, 0),
    "30%, ring-fenced": (0.3, 1, 1),
    "70%": (0.7, 1, 0),
    "70%, ring-fenced": (0.7, 1, 1),
    "blended, 20%": (0.2, 0.2, 0),
    "block": (0, 0, 0),
}
regimes = st.sampled_from(sorted(REGIMES))
values = st.floats(0, 1e9)
shares = st.floats(0, 1)
amounts = st.floats(0, 1e7)


def near(value: float, size: float) -> object:
    """A value, but for rounding in the last digits of a number of this size."""
    return pytest.approx(value, rel=1e-9, abs=1e-12 * (1 + abs(size)))


# ------------------------------------------------------------------- what admissions are worth


def paid(value: float, baseline: float, regime: str) -> float:
    """What admissions of a value cost the commissioner, in either of the rules that say so."""
    with_it = admission_value.payment_with_programme(value, baseline, *REGIMES[regime])
    assert with_it == admission_value.payment_without_programme(value, baseline, *REGIMES[regime])
    return with_it


@laws
@given(values, values, values, regimes)
def test_more_admissions_never_cost_less_in_any_regime(one, other, baseline, regime):
    low, high = sorted((one, other))
    least, most = paid(low, baseline, regime), paid(high, baseline, regime)
    assert least <= most + 1e-12 * (high + baseline)
    assert most - least <= (high - low) * (1 + 1e-9) + 1e-12 * (high + baseline)  # nor jump


@laws
@given(values, regimes, st.floats(0, 1))
def test_payment_does_not_jump_at_the_baseline(baseline, regime, step):
    at = paid(baseline, baseline, regime)
    assert at == baseline
    for value in (baseline - step, baseline + step):
        assert abs(paid(max(value, 0), baseline, regime) - at) <= step + 1e-12 * (1 + baseline)


@laws
@given(values, st.floats(0, 1e8), st.floats(0, 1e8), regimes)
def test_a_move_across_the_baseline_is_the_sum_of_its_parts_in_both_directions(
    baseline, over, under, regime
):
    assume(under <= baseline)
    above, below, ring_fenced = REGIMES[regime]
    kept_back = (1 - above) * ring_fenced
    high, low = paid(baseline + over, baseline, regime), paid(baseline - under, baseline, regime)
    freed = over * (above + kept_back) + under * below
    size = baseline + over
    assert high - low == near(freed, size)
    assert low - high == near(-freed, size)
    at = paid(baseline, baseline, regime)
    assert (high - at) + (at - low) == near(freed, size)


def test_a_saving_across_the_baseline_by_hand():
    # From £1.42m to £1.375m around £1.4m: £20,000 above and £25,000 below
    for regime, saved in {
        "full price": 45_000,
        "30%": 0.3 * 20_000 + 25_000,
        "70%": 0.7 * 20_000 + 25_000,
        "30%, ring-fenced": 45_000,
        "blended, 20%": 9_000,
        "block": 0,
    }.items():
        fallen = paid(1_420_000, 1_400_000, regime) - paid(1_375_000, 1_400_000, regime)
        risen = paid(1_375_000, 1_400_000, regime) - paid(1_420_000, 1_400_000, regime)
        assert (fallen, risen) == (pytest.approx(saved), pytest.approx(-saved))


@laws
@given(values, values, st.floats(0, 1e8), st.sampled_from([0.3, 0.7]))
def test_where_the_ring_fence_is_honoured_all_of_the_value_avoided_is_freed(
    value, baseline, avoided, rate
):
    assume(avoided <= value)
    regime = f"{rate:.0%}, ring-fenced"
    freed = paid(value, baseline, regime) - paid(value - avoided, baseline, regime)
    assert freed == near(avoided, value + baseline)
    if value - avoided >= baseline:  # ignored, above the baseline: the marginal rate of it
        freed = paid(value, baseline, f"{rate:.0%}") - paid(
            value - avoided, baseline, f"{rate:.0%}"
        )
        assert freed == near(rate * avoided, value + baseline)


@laws
@given(st.floats(0, 1e5), st.floats(0, 1e5), st.floats(0, 3000), shares, values, regimes)
def test_a_saving_measured_against_the_true_course_is_what_the_programme_saves(
    plan, count, price, share, baseline, regime
):
    planned = admission_value.value_of_plan(plan, price)
    measured = admission_value.value_as_measured(planned, plan, count, price, share)
    before = admission_value.payment_for_plan(planned, baseline, *REGIMES[regime])
    after = admission_value.payment_as_measured(measured, baseline, *REGIMES[regime])
    without = admission_value.value_without_programme(plan, price)
    with_it = admission_value.value_with_programme(without, plan, count, price, share)
    saved = paid(without, baseline, regime) - paid(with_it, baseline, regime)
    assert admission_value.measured_saving(before, after, 500, 1) == saved + 500
    if count == plan:
        assert saved == 0


def saving(
    count: float, avoided: float, price: float, share: float, unpaid: float, *terms: float
) -> float:
    """What is saved if so many of the admissions are avoided."""
    baseline, *regime = terms
    net_price = admission_value.paid_admission_price(price, unpaid)
    without = admission_value.value_without_programme(count, net_price)
    after = admission_value.value_with_programme(without, count, count - avoided, net_price, share)
    before_payment = admission_value.payment_without_programme(without, baseline, *regime)
    after_payment = admission_value.payment_with_programme(after, baseline, *regime)
    return admission_value.admissions_saving(before_payment, after_payment, 0, 0)


@laws
@given(
    st.floats(0, 1e5), st.floats(-0.5, 1), st.floats(-0.5, 1), st.floats(0, 3000),
    shares, shares, values, regimes,
)  # fmt: skip
def test_no_regime_pays_more_for_fewer_admissions_avoided(
    count, one, other, price, share, unpaid, baseline, regime
):
    fewer, more = sorted((one * count, other * count))
    terms = (price, share, unpaid, baseline, *REGIMES[regime])
    size = count * price + baseline
    assert saving(count, more, *terms) >= saving(count, fewer, *terms) - 1e-12 * (1 + size)
    assert saving(count, 0, *terms) == near(0, size)
    full = (price, share, unpaid, baseline, *REGIMES["full price"])
    assert saving(count, more, *full) == near(more * price * share * (1 - unpaid), size)


# --------------------------------------------------------------------------- guarantee and offer

floors = st.floats(0, 300)
lists = st.floats(0, 40_000)


@laws
@given(floors, floors, lists, st.floats(-1e5, 1e6), st.floats(0, 20))
def test_a_higher_guarantee_never_lowers_the_offer(one, other, patients, counted, least):
    low, high = sorted((one, other))
    offered_least = guarantee.least_offer(least, patients)
    offers = [
        guarantee.scheme_offer(guarantee.guaranteed_floor(g, patients), counted, offered_least)
        for g in (low, high)
    ]
    assert 0 <= offers[0] <= offers[1]
    assert offers[0] * 12 >= least * patients - 1e-6
    assert offers[1] + counted >= high * patients / 12 - 1e-9 * (1 + abs(counted))


@laws
@given(floors, shares, st.floats(60, 140), st.floats(60, 140))
def test_an_indexed_guarantee_follows_the_price_and_a_fixed_one_does_not(
    level, part, price, price_at_start
):
    fixed, partly, wholly = (
        guarantee.guaranteed_income(level, share, price, price_at_start) for share in (0, part, 1)
    )
    assert fixed == level
    assert wholly == near(level * price / price_at_start, level)
    assert partly == near(level + part * (wholly - level), level)


# ------------------------------------------------------------------ a year's advance and true-up


def year_of(offers: list[float], advance_share: float, earned: float) -> list[float]:
    """What a practice is paid in twelve months, April to March."""
    advances = [advance.scheme_advance(offer, advance_share) for offer in offers]
    so_far = sum(advances)
    true_ups = [advance.scheme_true_up(earned, so_far, month) for month in range(1, 13)]
    return [advance.scheme_payment(a, t) for a, t in zip(advances, true_ups, strict=True)]


def earned_in(offers: list[float], part: float, met: float, grade: float, scale: float) -> float:
    """What a practice earns of twelve months' offers, the savings condition met."""
    return earned_of(sum(offers), part, met, grade, scale)


def earned_of(offer: float, part: float, met: float, grade: float, scale: float) -> float:
    """What a practice earns of a year's offer, the savings condition met."""
    mandatory = standards.mandatory_standards_payment(offer, part, met)
    graded = standards.graded_standards_payment(offer, part, grade)
    both = standards.standards_payment(mandatory, graded)
    return scheme_budget.scheme_earned(savings_condition.earned_before_cap(both, 1), scale)


def pence(amount: float) -> int:
    return round(amount * 100)


years = st.lists(amounts, min_size=12, max_size=12)


@laws
@given(years, st.floats(0, 1.2), shares, st.sampled_from([0.0, 1.0]), shares, shares)
def test_advance_and_true_up_come_to_what_is_earned_to_the_penny(
    offers, advance_share, part, met, grade, scale
):
    earned = earned_in(offers, part, met, grade, scale)
    payments = year_of(offers, advance_share, earned)
    assert sum(map(pence, payments)) == pence(earned)
    assert all(abs(p * 100 - pence(p)) < 1e-4 for p in payments)  # whole pence, month by month
    assert all(p >= 0 for p in payments[:11])  # only March takes anything back
    assert 0 <= earned <= sum(offers) + 0.01


@laws
@given(
    floors, floors, lists, st.lists(st.floats(0, 3e5), min_size=12, max_size=12),
    shares, st.sampled_from([0.0, 1.0]), shares, shares,
)  # fmt: skip
def test_a_higher_guarantee_never_lowers_what_is_earned_and_paid(
    one, other, patients, counted, part, met, grade, advance_share
):
    earned, paid_out = [], []
    for level in sorted((one, other)):
        floor = guarantee.guaranteed_floor(level, patients)
        offers = [guarantee.scheme_offer(floor, income, 0) for income in counted]
        offer = guarantee.scheme_offer_of_year(12 * floor, sum(counted), 0)
        assert offer <= sum(offers) + 1e-6
        earned.append(earned_of(offer, part, met, grade, 1))
        paid_out.append(sum(map(pence, year_of(offers, advance_share, earned[-1]))))
    assert earned[0] <= earned[1]
    assert paid_out[0] <= paid_out[1]


@laws
@given(years, shares, shares)
def test_standards_earn_all_of_the_offer_at_most_and_no_less_for_a_better_grade(
    offers, part, grade
):
    offer = sum(offers)
    assert earned_in(offers, part, 1, 1, 1) == pytest.approx(offer, abs=0.01)
    assert earned_in(offers, part, 0, 0, 1) == 0
    assert earned_in(offers, part, 0, grade, 1) <= earned_in(offers, part, 1, grade, 1)
    assert earned_in(offers, part, 1, grade / 2, 1) <= earned_in(offers, part, 1, grade, 1)


# ---------------------------------------------------------------------- savings condition, budget


parts_of_a_year = st.integers(1, 12).map(lambda months: months / 12)


@laws
@given(st.floats(-1e7, 1e7), amounts, amounts, amounts, parts_of_a_year)
def test_saving_more_never_loses_a_scheme(saved, more, otherwise, required, part):
    met = savings_condition.savings_condition_met
    assert met(saved, otherwise, required, part) <= met(saved + more, otherwise, required, part)
    assert met(saved, otherwise, 0, part) == 1
    assert met(required * part, 0, required, part) == 1


@laws
@given(st.lists(amounts, min_size=1, max_size=60), st.floats(0.01, 1e8), parts_of_a_year)
def test_a_budget_is_not_passed_and_spent_to_a_penny_a_practice(earned, of_year, part):
    together = sum(earned)
    budget = of_year * part
    scale = scheme_budget.scheme_budget_scale(together, of_year, part)
    assert 0 < scale <= 1
    each = [scheme_budget.scheme_earned(one, scale) for one in earned]
    assert min(each) >= 0
    paid_out = math.fsum(each)
    if scale < 1:
        assert budget - 0.01 * len(earned) - 1e-6 < paid_out <= budget + 1e-6
    else:  # nothing is scaled, and each is in the nearest penny
        assert paid_out == pytest.approx(together, abs=0.005 * len(earned) + 1e-6)
    assert scheme_budget.scheme_budget_scale(together, 0, part) == 1  # no budget, no cap
    if together <= budget:
        assert scale == 1


@laws
@given(amounts, amounts, st.floats(0.01, 1e8))
def test_under_a_budget_whoever_earned_more_is_paid_no_less(one, other, budget):
    scale = scheme_budget.scheme_budget_scale(one + other, budget, 1)
    low, high = (scheme_budget.scheme_earned(v, scale) for v in sorted((one, other)))
    assert low <= high


# -------------------------------------------------------------------------------- measuring a fall

counts = st.floats(0, 50_000)
flags = st.sampled_from([0, 1])
falls = st.floats(-1, 1)


@laws
@given(falls, falls, flags, st.floats(0, 0.3), st.floats(0, 0.3))
def test_a_grade_is_a_share_and_never_less_for_a_greater_fall(one, other, beyond, first, more):
    low, high = (
        measurement.grade_for_admissions(fall, beyond, first, first + more)
        for fall in sorted((one, other))
    )
    assert 0 <= low <= high <= 1
    assert measurement.grade_for_admissions(one, 0, first, first + more) == 0


@laws
@given(falls, falls, st.floats(0, 0.04), st.floats(0, 3))
def test_what_is_beyond_chance_stays_so_for_a_greater_fall(one, other, variance, band):
    low, high = (measurement.beyond_chance(fall, variance, band) for fall in sorted((one, other)))
    assert low <= high
    assert measurement.beyond_chance(-abs(one), variance, band) == 0


@laws
@given(st.floats(0, 0.999), st.floats(1e-6, 0.04), st.floats(0.01, 3), st.floats(0, 0.1))
def test_inside_the_dead_band_nothing_is_earned(part, variance, band, first):
    fall = part * band * math.sqrt(variance)
    beyond = measurement.beyond_chance(fall, variance, band)
    assert measurement.grade_for_admissions(fall, beyond, first, first) == 0
    outside = 1.001 * band * math.sqrt(variance)
    assert measurement.beyond_chance(outside, variance, band) == 1


@laws
@given(counts, counts, st.floats(0, 3), flags, flags)
def test_a_pool_of_one_practice_at_its_ages_level_is_that_practice(
    measured, comparator, overdispersion, three, expected
):
    of_fall = [
        measurement.fall_in_admissions(measured, comparator, measured, comparator, 1, pooled)
        for pooled in (0, 1)
    ]
    of_chance = [
        measurement.variance_of_fall(
            comparator, comparator, 0, 0, overdispersion, three, pooled, expected
        )
        for pooled in (0, 1)
    ]
    assert of_fall[0] == of_fall[1]
    assert of_chance[0] == of_chance[1] >= 0


@laws
@given(st.floats(1, 50_000), st.integers(1, 40), st.floats(0.1, 3), flags)
def test_pooling_three_years_and_an_expectation_each_make_chance_smaller(
    comparator, practices, overdispersion, three
):
    def variance(three: int, pooled: int, expected: int) -> float:
        pool = comparator * practices
        return measurement.variance_of_fall(
            comparator, pool, 0, 0, overdispersion, three, pooled, expected
        )

    own = variance(three, 0, 0)
    assert variance(three, 1, 0) * practices == pytest.approx(own)
    assert variance(three, 0, 1) * 2 == pytest.approx(own)
    assert variance(1, 0, 0) * 3 == pytest.approx(variance(0, 0, 0))


@laws
@given(st.floats(1, 50_000), st.floats(0.1, 3), st.floats(0.01, 0.5), flags)
def test_an_expectation_is_as_uncertain_as_what_it_rests_on(
    comparator, overdispersion, variation, three
):
    def variance(count: float, level: float, pooled: int = 0, expected: int = 1) -> float:
        return measurement.variance_of_fall(
            comparator, comparator, count, level, overdispersion, three, pooled, expected
        )

    chance = variance(0, 0)
    assert variance(0, variation) == near(chance + variation**2, 1)
    # The count it rests on is of one year, however many are measured
    assert variance(comparator, 0) == near(chance + overdispersion / comparator, 1)
    # In a pool, and against a count, neither
    assert variance(0, variation, pooled=1) == variance(comparator, 0, pooled=1) == chance
    assert variance(0, variation, expected=0) == variance(comparator, 0, expected=0) == 2 * chance


def test_the_standard_deviations_of_the_domain_document():
    # 99 admissions per 1,000 at an overdispersion of 1.3, this year against last
    for patients, expected in {
        3_000: 0.094,
        5_000: 0.072,
        7_000: 0.061,
        10_000: 0.051,
        50_000: 0.023,
        295_000: 0.009,
    }.items():
        variance = measurement.variance_of_fall(0.099 * patients, 0, 0, 0, 1.3, 0, 0, 0)
        assert round(math.sqrt(variance), 3) == expected


@laws
@given(st.lists(counts, min_size=6, max_size=6))
def test_a_steady_practice_shows_no_fall_however_it_is_measured(some):
    steady = some[0]
    baseline = measurement.three_year_baseline(steady, steady, steady)
    for three in (0, 1):
        measured = measurement.measured_admissions(steady, steady, steady, three)
        for expected in (0, 1):
            for base in (0, 1):
                comparator = measurement.comparator_admissions(
                    steady, steady, baseline, steady, steady, steady, three, expected, base
                )
                fall = measurement.fall_in_admissions(measured, comparator, 0, 0, 1, 0)
                assert abs(fall) < 1e-12


@laws
@given(counts, counts, flags)
def test_a_year_that_is_not_measured_shows_no_fall_and_earns_no_grade(measured, comparator, pool):
    fall = measurement.fall_in_admissions(measured, comparator, measured, comparator, 0, pool)
    beyond = measurement.beyond_chance(fall, 0, 0)
    assert (fall, measurement.grade_for_admissions(fall, beyond, 0, 0)) == (0, 0)


# ---------------------------------------------------------------------------- admissions to come

seasons = st.lists(st.floats(0.5, 1.5), min_size=12, max_size=12)


@laws
@given(lists, st.floats(0, 0.3), st.floats(0.8, 1.2), seasons, shares)
def test_a_year_of_seasons_comes_to_the_years_admissions(patients, rate, index, some, effect):
    whole = [12 * one / sum(some) for one in some]
    months = [
        admissions.expected_without_programme(
            patients, rate, index, admissions.season(month, *whole)
        )
        for month in range(1, 13)
    ]
    assert sum(months) == near(patients * rate * index, 1)
    with_it = [admissions.expected_admissions(one, effect) for one in months]
    assert sum(with_it) == near(sum(months) * (1 - effect), 1)


# ------------------------------------------------------------------------------ Better Care Fund

quarters_end = (3, 6, 9, 12)


@laws
@given(
    st.lists(st.floats(0, 5000), min_size=24, max_size=24),
    st.floats(1, 50_000),
    st.floats(0, 0.1),
    st.floats(0, 3000),
    st.integers(0, 24),
    st.integers(0, 24),
)
def test_the_better_care_fund_pays_what_it_never_takes_back_and_no_more_than_the_pot(
    actual, base_year, target, price, one, other
):
    begins, ends = sorted((one, other))
    pot = better_care_fund.better_care_fund_pot(target, base_year, price)
    reduction = better_care_fund.no_reduction_yet()
    to_date = better_care_fund.nothing_paid_yet()
    payments = []
    for number, count in enumerate(actual):
        month = number % 12 + 1
        in_force = int(begins <= number < ends)
        before = better_care_fund.better_care_fund_comparator(base_year, 1)
        reduction = better_care_fund.reduction_to_date(reduction, before, count, in_force)
        previous, to_date = (
            to_date,
            better_care_fund.better_care_fund_paid_to_date(
                to_date, reduction, price, pot, in_force, int(month in quarters_end)
            ),
        )
        payments.append(better_care_fund.better_care_fund_payment(to_date, previous))
        assert previous <= to_date <= pot
        assert payments[-1] == 0 or (in_force and month in quarters_end)
    assert math.fsum(payments) == near(to_date, pot)


# ------------------------------------------------------------------------------ enhanced service


@laws
@given(lists, st.floats(0, 10), st.lists(shares, min_size=5, max_size=5), flags, st.data())
def test_an_enhanced_service_pays_its_whole_price_if_all_is_done_and_else_less(
    patients, price, parts, review, data
):
    start, second, third, fourth, last = parts
    register = data.draw(st.lists(st.sampled_from([0.0, 0.018]), min_size=3, max_size=3))

    def year(register: list[float], review: float) -> float:
        list_now, sum_of_year = 0.0, 0.0
        for month in range(1, 13):
            list_now = enhanced_service.list_on_1_april(list_now, patients + month, month)
            for_register = enhanced_service.register_component_due(
                month, *register, 0.018, second, third, fourth
            )
            share = enhanced_service.unplanned_admissions_share_due(
                month, start, for_register, last, review
            )
            sum_of_year += enhanced_service.unplanned_admissions_instalment(
                price, list_now, share, 0
            )
        return sum_of_year

    whole = price * (patients + 1)
    five_halves = 0.025 + 1e-9 * whole  # five instalments, each in the nearest penny
    assert year([0.018] * 3, 1) == pytest.approx(whole * sum(parts), abs=five_halves)
    done = [part for part, share in zip((second, third, fourth), register, strict=True) if share]
    due = whole * (start + sum(done) + last * review)
    assert year(register, review) == pytest.approx(due, abs=five_halves)
