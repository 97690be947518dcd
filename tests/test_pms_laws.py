"""Laws of PMS premium: its withdrawal by a schedule or a glide, the switch to GMS, closure."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from capitation.engine.schedules import Pause, Schedule
from capitation.engine.terms import DatedValue, Term
from capitation.engine.units import Unit
from capitation.model import Model, Scenario
from capitation.model_file import load_model
from capitation.practice_terms import with_practice_terms
from capitation.practices import select_commissioners
from capitation.projection import project
from capitation.sources.payments import read_payments

from .strategies import BOLTON, NATIONAL, THAMES_VALLEY, practice_sets, practices_of, shipped

ESSEX, EAST_ANGLIA = "essex-pms-transition", "east-anglia-pms-glide"
BOTH = (THAMES_VALLEY, EAST_ANGLIA)
MONTHS = 40
BEFORE, START = dt.date(2013, 4, 1), dt.date(2015, 4, 1)
NET_PRICE_2014 = 73.56 * (1 - 0.0546)
PREMIUM = ["premium_before_withdrawal", "premium_paid", "premium_withdrawn"]
STREAMS = ["pms_premium", "premium_as_correction_factor"]

anything = settings(deadline=None, max_examples=15)


def month(at: int) -> dt.date:
    """The month that stands at a place of the projection."""
    return dt.date(START.year + (START.month - 1 + at) // 12, (START.month - 1 + at) % 12 + 1, 1)


def stepping(term: Term, first: float, *changes: tuple[int, float]) -> Term:
    """The term at one value, and at others from some months of the projection on."""
    dated = [(BEFORE, first), *((month(at), value) for at, value in changes)]
    values = tuple(
        DatedValue(day, value, repr(value), assumption="A test.") for day, value in dated
    )
    return replace(term, values=values, schedule=None)


def of_its_own(term: Term) -> tuple[DatedValue, ...]:
    """The term's values from the first month on, as a practice may have them for itself."""
    at_start = DatedValue(START, term.at(START), "as given", assumption="A test.")
    return at_start, *(value for value in term.values if value.start > START)


def with_scenarios(model: Model, **scenarios: Mapping[str, Term]) -> Model:
    return replace(
        model, scenarios={name: Scenario(name, name, dict(of)) for name, of in scenarios.items()}
    )


def of_scenario(array: xr.DataArray, name: str) -> xr.DataArray:
    """What is so in a scenario, or in all of them alike."""
    return array.sel(scenario=name, drop=True) if "scenario" in array.dims else array


def pms(weighted: float, premium: float, **more: object) -> dict[str, object]:
    """A PMS practice with a premium in 2014/15."""
    return {
        "contract_type": "PMS",
        "weighted_list": weighted,
        "registered_list": weighted,
        "pms_expenditure": weighted * NET_PRICE_2014 + premium,
        **more,
    }


@st.composite
def premium_sets(draw: st.DrawFn) -> xr.Dataset:
    """Practices with a premium, or somewhat below the GMS price, and one that has just switched."""
    rows = []
    for _ in range(draw(st.integers(1, 3))):
        patients = draw(st.integers(500, 20_000))
        rows.append(pms(patients, patients * draw(st.integers(-3, 30))))
    factor = {"correction_factor": draw(st.integers(1, 200_000)), "pms_expenditure": 90_000}
    paid = {"global_sum": draw(st.sampled_from([80_000, 480_000]))}
    rows.append({"weighted_list": 7000, "registered_list": 7000, **paid, **factor})
    return practices_of(rows)


all_sorts = st.one_of(practice_sets(most=4), premium_sets(), premium_sets())


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    """Shares that never rise, at any date, step length and delay, perhaps with a pause."""
    sevenths = st.integers(0, 7).map(lambda sevenths: f"{sevenths}/7")
    steps = sorted(draw(st.lists(sevenths, min_size=1, max_size=5)), reverse=True)
    pause = draw(st.none() | st.tuples(st.integers(0, 30), st.integers(1, 14)))
    pauses = () if pause is None else (Pause(month(pause[0]), month(sum(pause))),)
    return Schedule(
        BEFORE,
        1,
        month(draw(st.integers(0, 30))),
        tuple(steps),
        every_months=draw(st.integers(1, 12)),
        delay_months=draw(st.integers(0, 12)),
        pauses=pauses,
    )


def glide(schedule: Schedule) -> Schedule:
    """The same dates, for how far a price has glided instead of what share is kept."""
    steps = tuple(str(1 - Fraction(step)) for step in schedule.steps)
    return replace(schedule, before=0, steps=steps)


@st.composite
def courses(draw: st.DrawFn, model: Model) -> dict[str, Term]:
    """Any course of a model's PMS terms: withdrawal, switch, plan, measurement, closure."""
    places = st.integers(0, MONTHS - 1)
    found = {}
    for name in (
        "switched_to_gms",
        "contract_ended",
        "premium_remeasured",
        "reinvestment_plan_agreed",
    ):
        first = 0.0 if name == "contract_ended" else draw(st.sampled_from([0.0, 1.0]))
        turns = sorted(draw(st.sets(places, max_size=2)))
        changes = [(at, (first + i) % 2) for i, at in enumerate(turns, start=1)]
        found[name] = stepping(model.terms[name], first, *changes)
    if "glide_progress" in model.terms:
        term = model.terms["glide_progress"]
        found[term.name] = term.on_schedule(glide(draw(schedules())), "A test.")
        target = draw(st.floats(60, 120))
        found["target_price"] = stepping(model.terms["target_price"], target)
    else:
        for name in ("premium_share_retained", "switched_premium_share"):
            found[name] = model.terms[name].on_schedule(draw(schedules()), "A test.")
    return found


# ----------------------------------------------------------------------------------- what it is


@anything
@given(all_sorts, st.sampled_from(BOTH), st.data())
def test_paid_and_withdrawn_come_to_the_premium_whatever_happens(practices, name, data):
    model = shipped(name)
    model = with_scenarios(model, any=data.draw(courses(model)))
    result = project(model, practices, months=MONTHS, variables=[*PREMIUM, *STREAMS])
    before, paid, withdrawn = (result[name] for name in PREMIUM)
    size = float(before.max())
    assert (abs(paid + withdrawn - before) <= 1e-12 * size).all()
    assert (paid >= 0).all()
    assert (withdrawn >= -1e-12 * size).all()
    on_pms, on_gms = (result[name] for name in STREAMS)
    assert ((on_pms == 0) | (on_gms == 0)).all()
    np.testing.assert_array_equal((on_pms + on_gms).values, paid.values)
    core = practices["pms_expenditure"] + practices["global_sum"]
    ended = result["contract_ended"] == 1
    assert (paid.where(ended, 0) == 0).all()
    assert (before <= (core + practices["correction_factor"]) * 7 / 12 + 1e-6).all()


def twin_of_a_schedule(model: Model, terms: Mapping[str, Term], row: Mapping[str, float], lists):
    """Premium paid month by month, as one would work it out on paper."""

    def at(name: str, day: dt.date) -> float:
        return terms.get(name, model.terms[name]).at(day)

    def in_base_year(name: str) -> float:
        days = [dt.date(2014 + (3 + m) // 12, (3 + m) % 12 + 1, 1) for m in range(12)]
        return sum(at(name, day) for day in days) / 12

    patients = row["weighted_list"]
    price = patients * NET_PRICE_2014
    price += row["registered_list"] * 2.18 if row["london_practice"] else 0
    held_gms = row["contract_type"] == "GMS" and row["global_sum"] > price / 2
    just_switched = held_gms and row["pms_expenditure"] > 0 and row["correction_factor"] > 0
    over = max(row["pms_expenditure"] + row["global_sum"] - price, 0)
    if row["contract_type"] in ("GMS", "APMS") or patients == 0:
        over = 0
    over *= 1 - 67 / 325
    switched = in_base_year("switched_to_gms")
    kept_on_gms = in_base_year("switched_premium_share")
    kept = (1 - switched) * in_base_year("premium_share_retained") + switched * kept_on_gms
    if just_switched:
        over, kept = row["correction_factor"], kept_on_gms
    premium = over / kept if kept else 0.0
    measured, paid = premium, []
    for place, listed in enumerate(lists):
        day = month(place)
        on_gms = just_switched or at("switched_to_gms", day) == 1
        if at("premium_remeasured", day) and not on_gms and not at("contract_ended", day):
            pence = at("correction_factor_recycled", day)
            pence -= in_base_year("correction_factor_recycled")
            measured = max(premium - listed * pence, 0.0)
        due = at("switched_premium_share" if on_gms else "premium_share_retained", day)
        kept = due if at("reinvestment_plan_agreed", day) or due > kept else kept
        if at("contract_ended", day):
            kept = 0.0
        paid.append(measured * kept / 12)
    return paid


@anything
@given(all_sorts, st.data())
def test_premium_on_a_schedule_is_what_one_would_work_out_on_paper(practices, data):
    model = shipped(THAMES_VALLEY)
    terms = data.draw(courses(model))
    wanted = ["premium_paid", "payment_weighted_list"]
    result = project(with_scenarios(model, any=terms), practices, months=MONTHS, variables=wanted)
    for code in practices["practice"].values:
        one = practices.sel(practice=code)
        row = {name: float(one[name]) for name in one.data_vars}
        row["contract_type"] = str(one["contract_type"].values)
        lists = result["payment_weighted_list"].sel(practice=code).values
        expected = twin_of_a_schedule(model, terms, row, lists)
        paid = result["premium_paid"].sel(practice=code).squeeze()
        np.testing.assert_allclose(paid, expected, rtol=1e-9, atol=1e-6)


def test_a_premium_by_sevenths_switched_and_closed_by_hand():
    model = shipped(THAMES_VALLEY)
    terms = {
        "premium_share_retained": stepping(model.terms["premium_share_retained"], 1, (12, 0.75)),
        "switched_to_gms": stepping(model.terms["switched_to_gms"], 0, (24, 1)),
        "contract_ended": stepping(model.terms["contract_ended"], 0, (36, 1)),
        "premium_remeasured": stepping(model.terms["premium_remeasured"], 0),
    }
    # £105,875 × (1 − 67/325) = £84,048.46 a year, £7,004.04 a month
    practices = practices_of([pms(7000, 105_875)])
    model = with_scenarios(model, one=terms)
    result = project(model, practices, months=MONTHS).isel(practice=0)
    paid = [7_004.04] * 12 + [5_253.03] * 12 + [3_001.73] * 12 + [0] * 4
    np.testing.assert_allclose(result["premium_paid"], paid, atol=0.005)
    np.testing.assert_allclose(result["premium_as_correction_factor"][24:36], 3_001.73, atol=0.005)
    assert (result["pms_premium"][24:] == 0).all()
    # £105,875 × 67/325 ÷ 12 = £1,818.88 for defined services, until the end
    np.testing.assert_allclose(
        result["pms_defined_services"], [1_818.88] * 36 + [0] * 4, atol=0.005
    )
    np.testing.assert_allclose(result["premium_withdrawn"][36:], 7_004.04, atol=0.005)
    for stream, first, last in (("pms_gms_equivalent", 0, 24), ("global_sum", 24, 36)):
        held = np.zeros(MONTHS, bool)
        held[first:last] = True
        np.testing.assert_array_equal(result[stream] > 0, held)


# ------------------------------------------------------------------------------------- schedules


@anything
@given(all_sorts, schedules(), st.integers(0, 12), st.sampled_from(BOTH))
def test_an_earlier_start_never_keeps_more(practices, schedule, later, name):
    model, term = shipped(name), "premium_share_retained"
    if name == EAST_ANGLIA:
        term, schedule = "glide_progress", glide(schedule)
    delayed = replace(schedule, delay_months=schedule.delay_months + later)
    two = {
        "early": {term: model.terms[term].on_schedule(schedule, "A test.")},
        "late": {term: model.terms[term].on_schedule(delayed, "A test.")},
    }
    model = with_scenarios(model, **two)
    paid = project(model, practices, months=MONTHS, variables=["premium_paid"])["premium_paid"]
    assert (of_scenario(paid, "early") <= of_scenario(paid, "late")).all()


@anything
@given(schedules(), st.integers(0, 20), st.integers(1, 15))
def test_a_pause_holds_the_share_and_moves_what_follows(schedule, at, long):
    model, name = shipped(THAMES_VALLEY), "premium_share_retained"
    # A pause before the start would not move it
    plain = replace(schedule, start=month(min(at, 6)), delay_months=0, pauses=())
    paused = replace(plain, pauses=(Pause(month(at), month(at + long)),))
    model = with_scenarios(
        model,
        plain={name: model.terms[name].on_schedule(plain, "A test.")},
        paused={name: model.terms[name].on_schedule(paused, "A test.")},
    )
    practices = practices_of([pms(7000, 94_640)])
    result = project(model, practices, months=MONTHS, variables=["premium_share_kept"])
    kept = result["premium_share_kept"]
    straight, held = (of_scenario(kept, name).values for name in ("plain", "paused"))
    np.testing.assert_array_equal(held[:at], straight[:at])
    before = straight[at - 1] if at else 1.0
    np.testing.assert_array_equal(held[at : at + long], before)
    np.testing.assert_array_equal(held[at + long :], straight[at : MONTHS - long])


@anything
@given(all_sorts, schedules(), st.integers(0, MONTHS), st.sampled_from(BOTH))
def test_nothing_is_withdrawn_before_the_plan_is_agreed(practices, schedule, at, name):
    model, term = shipped(name), "premium_share_retained"
    if name == EAST_ANGLIA:
        term, schedule = "glide_progress", glide(schedule)
    # None that switched in the base year: the file shows their premium part withdrawn already
    practices["pms_expenditure"] = practices["pms_expenditure"].where(
        practices["contract_type"] == "PMS", 0
    )
    course = {term: model.terms[term].on_schedule(schedule, "A test.")}
    plan = stepping(model.terms["reinvestment_plan_agreed"], 0, (at, 1))
    model = with_scenarios(
        model, at_once=course, with_plan={**course, "reinvestment_plan_agreed": plan}
    )
    result = project(model, practices, months=MONTHS, variables=["premium_withdrawn"])
    withdrawn = result["premium_withdrawn"]
    at_once, planned = (of_scenario(withdrawn, name) for name in ("at_once", "with_plan"))
    assert (planned.isel(month=slice(0, at)) == 0).all()
    later = slice(at, None)
    np.testing.assert_array_equal(planned.isel(month=later), at_once.isel(month=later))


@pytest.mark.parametrize("name", BOTH)
def test_a_plan_that_is_given_up_stops_withdrawal_where_it_was(name):
    model = shipped(name)
    plan = stepping(model.terms["reinvestment_plan_agreed"], 1, (14, 0), (38, 1))
    remeasured = stepping(model.terms["premium_remeasured"], 0)
    model = with_scenarios(
        model, one={"reinvestment_plan_agreed": plan, "premium_remeasured": remeasured}
    )
    practices = practices_of([pms(7000, 94_640)])
    result = project(model, practices, months=MONTHS, variables=["premium_withdrawn"])
    withdrawn = result["premium_withdrawn"].values.ravel()
    assert withdrawn[13] > 0
    assert (withdrawn[13:38] == withdrawn[13]).all()
    assert withdrawn[38] > withdrawn[37]


# ------------------------------------------------------------------------- measurement and switch


def with_recycling(model: Model, pence: list[int], **terms: Term) -> Model:
    """Nothing moves but the correction factors that are recycled, with no deduction on them."""
    price, deduction = 73.56, 73.56 * 0.0546
    parts = [(12 * year, total / 100) for year, total in enumerate(itertools.accumulate(pence))]
    changes = {
        "correction_factor_recycled": (0.0, parts),
        "global_sum_price": (price, [(at, price + part) for at, part in parts]),
        "out_of_hours_deduction": (
            deduction / price,
            [(at, deduction / (price + part)) for at, part in parts],
        ),
        "monthly_list_growth": (0.0, []),
    }
    course = {
        name: stepping(model.terms[name], first, *later) for name, (first, later) in changes.items()
    }
    return with_scenarios(model, one={**course, **terms})


@anything
@given(st.lists(st.integers(0, 200), min_size=4, max_size=4), st.integers(1, 40_000))
def test_recycling_relabels_income_where_the_premium_is_measured_anew(pence, patients):
    model = shipped(THAMES_VALLEY)
    share = stepping(model.terms["premium_share_retained"], 1)
    practices = practices_of([pms(patients, patients * 20.0)])
    wanted = ["pms_gms_equivalent", "premium_paid"]
    both = {}
    for flag in (0.0, 1.0):
        remeasured = stepping(model.terms["premium_remeasured"], flag)
        course = with_recycling(
            model, pence, premium_share_retained=share, premium_remeasured=remeasured
        )
        result = project(course, practices, months=MONTHS, variables=wanted)
        both[flag] = [result[name].values.ravel() for name in wanted]
    price, premium = both[1.0]
    np.testing.assert_allclose(price + premium, price[0] + premium[0], rtol=1e-9)
    assert (np.diff(premium) <= 1e-9 * premium[0]).all()
    price, premium = both[0.0]
    assert (premium == premium[0]).all()
    lost = premium - both[1.0][1]
    part = patients * np.cumsum(pence)[np.arange(MONTHS) // 12] / 100 / 12
    np.testing.assert_allclose(lost, part, rtol=1e-9, atol=1e-6)


@anything
@given(all_sorts, st.integers(0, MONTHS - 1), st.sampled_from(BOTH))
def test_a_switch_changes_nothing_before_and_only_the_name_of_the_price_after(practices, at, name):
    model = shipped(name)
    switch = stepping(model.terms["switched_to_gms"], 0, (at, 1))
    model = with_scenarios(model, stays={}, switches={"switched_to_gms": switch})
    at_price = ["global_sum", "pms_gms_equivalent", "apms_payment", "correction_factor"]
    wanted = [*at_price, *PREMIUM, *STREAMS, "pms_defined_services", "gms_equivalent"]
    result = project(model, practices, months=MONTHS, variables=wanted)
    stays, switches = (result.sel(scenario=name, drop=True) for name in ("stays", "switches"))
    early, late = {"month": slice(0, at)}, {"month": slice(at, None)}
    for variable in wanted:
        if "scenario" in result[variable].dims:
            xr.testing.assert_equal(stays[variable].isel(early), switches[variable].isel(early))
    together = [sum(of[v] for v in at_price) for of in (stays, switches)]
    xr.testing.assert_allclose(*together, rtol=1e-12)
    was_pms = ~practices["contract_type"].isin(["GMS", "APMS"]).values
    assert (switches["pms_gms_equivalent"].isel(late) == 0).all()
    assert (switches["pms_premium"].isel(late) == 0).all()
    paid = switches["global_sum"].isel(late).isel(practice=was_pms)
    due = result["gms_equivalent"].isel(late).isel(practice=was_pms)
    np.testing.assert_array_equal(paid, due.broadcast_like(paid))
    if name == EAST_ANGLIA:
        xr.testing.assert_equal(stays["premium_paid"], switches["premium_paid"])
    else:  # the premium stands as it was measured before the switch
        before = switches["premium_before_withdrawal"].isel(month=slice(max(at - 1, 0), None))
        if at:
            assert (before == before.isel(month=0)).all()


@anything
@given(st.integers(1, 40_000), st.integers(100, 1_000_000), st.integers(12, 60))
def test_a_practice_that_switched_in_the_base_year_keeps_to_the_sevenths(patients, factor, months):
    lists = {"weighted_list": patients, "registered_list": patients}
    factors = {**lists, "global_sum": patients * 70, "correction_factor": factor}
    rows = [factors, {**factors, "pms_expenditure": 90_000}]
    result = project(shipped(ESSEX), practices_of(rows), scenarios=["signed-up"], months=months)
    true, essex = (result[name] for name in ("correction_factor", "premium_as_correction_factor"))
    assert result["switched_in_base_year"].values.tolist() == [0, 1]
    np.testing.assert_allclose(essex.isel(practice=1), true.isel(practice=0), rtol=1e-12)
    assert (true.isel(practice=1) == 0).all()
    assert (essex.isel(practice=0) == 0).all()
    released = result["premium_withdrawn"].isel(practice=1)
    np.testing.assert_allclose(released[0], factor * 7 / 6 * 2 / 7 / 12, rtol=1e-12)


@anything
@given(all_sorts, st.integers(0, MONTHS - 1), st.sampled_from(BOTH))
def test_a_contract_that_ends_is_paid_until_then_and_its_premium_released(practices, at, name):
    model = shipped(name)
    end = stepping(model.terms["contract_ended"], 0, (at, 1))
    model = with_scenarios(model, runs={}, ends={"contract_ended": end})
    streams = ["correction_factor", "pms_defined_services", *STREAMS]
    result = project(model, practices, months=MONTHS, variables=[*streams, *PREMIUM])
    runs, ends = (result.sel(scenario=name, drop=True) for name in ("runs", "ends"))
    early, late = {"month": slice(0, at)}, {"month": slice(at, None)}
    for stream in streams:
        xr.testing.assert_equal(runs[stream].isel(early), ends[stream].isel(early))
        assert (ends[stream].isel(late) == 0).all(), stream
    # All of it is withdrawn, as it was last measured
    before = ends["premium_before_withdrawal"]
    xr.testing.assert_equal(runs["premium_before_withdrawal"].isel(early), before.isel(early))
    np.testing.assert_array_equal(ends["premium_withdrawn"].isel(late), before.isel(late))
    if at:
        assert (before.isel(month=slice(at - 1, None)) == before.isel(month=at - 1)).all()


POOL = ("premium_reinvested",)
"""Streams in which practices share: one that leaves leaves more for the others."""

WHOLE_INCOME = (THAMES_VALLEY, EAST_ANGLIA, ESSEX, NATIONAL, BOLTON)


@anything
@given(all_sorts, st.integers(0, MONTHS - 1), st.sampled_from(WHOLE_INCOME), st.data())
def test_after_the_end_nothing_is_earned_before_it_nothing_changes(practices, at, name, data):
    model = shipped(name)
    codes = practices["practice"].values.tolist()
    gone = data.draw(st.sampled_from(codes))
    end = of_its_own(stepping(model.terms["contract_ended"], 0, (at, 1)))
    few = list(model.scenarios)[:1] or None
    wanted = [*model.streams, "uplift_paid", "uplift_owed", "out_of_hours_payment"]
    runs, ends = (
        project(m, practices, scenarios=few, months=MONTHS, variables=wanted).squeeze(
            "scenario", drop=True
        )
        for m in (model, with_practice_terms(model, {"contract_ended": {gone: end}}))
    )
    others = [code for code in codes if code != gone]
    late = {"month": slice(at, None)}
    after = ends.sel(practice=gone).isel(late)
    # What was owed of an uplift is paid once, with out-of-hours duty where it was kept
    arrears = after["uplift_paid"] + after["out_of_hours_payment"]
    for stream in model.streams:
        same = ends[stream].sel(practice=gone).isel(month=slice(0, at))
        xr.testing.assert_equal(same, runs[stream].sel(practice=gone).isel(month=slice(0, at)))
        if stream in ("global_sum", "pms_gms_equivalent", "apms_payment"):
            assert ((after[stream] == 0) | (after[stream] == arrears)).all(), stream
        elif stream == "scheme_payment":  # March settles what was earned by then
            months = after["month"].dt.month
            assert (after[stream].where(months != 3, 0) == 0).all()
            assert (after[stream][12:] == 0).all()
        else:
            assert (after[stream] == 0).all(), stream
        both = [of[stream].sel(practice=others) for of in (runs, ends)]
        if stream in POOL:
            assert (both[1] >= both[0] - 1e-9 * (1 + both[0])).all()
        else:
            xr.testing.assert_equal(*both)
    owed = ends["uplift_owed"].sel(practice=gone)
    paid = float(after["uplift_paid"].sum())
    left = float(owed[at - 1]) if at else 0.0
    assert paid + float(owed[-1]) == pytest.approx(left, abs=1e-6)


@pytest.mark.parametrize("contract", ["GMS", "PMS", "APMS"])
def test_an_uplift_earned_before_the_end_is_paid_after_it(contract):
    """April to June of the 1% paid late in 2018/19, for 7,000 patients, with October's payment."""
    model = shipped(NATIONAL)
    end = DatedValue(dt.date(2018, 7, 1), 1, "1", assumption="A test.")
    model = with_practice_terms(model, {"contract_ended": {"P001": (end,)}})
    lists = {"weighted_list": 7000, "registered_list": 7000}
    practices = practices_of([{"contract_type": contract, **lists}], "2016/17")
    result = project(model, practices, months=12, start="2018-04").isel(practice=0).squeeze()
    stream = {"GMS": "global_sum", "PMS": "pms_gms_equivalent", "APMS": "apms_payment"}[contract]
    paid, earned = result[stream].values, result["uplift_earned"].values
    assert (earned[:3] > 0).all()
    assert not earned[3:].any()
    (month_paid,) = np.flatnonzero(paid[3:])
    assert paid[3 + month_paid] == pytest.approx(earned.sum())


# ----------------------------------------------------------------------------------------- glide


@anything
@given(all_sorts, schedules(), st.floats(73.56, 120))
def test_a_price_glides_between_its_own_and_the_target(practices, schedule, target):
    model = shipped(EAST_ANGLIA)
    schedule = replace(glide(schedule), start=month(0), delay_months=0, steps=("1/3", "2/3", 1))
    course = {
        "glide_progress": model.terms["glide_progress"].on_schedule(schedule, "A test."),
        "target_price": stepping(model.terms["target_price"], target),
    }
    wanted = ["price_on_glide", "base_premium", "premium_paid", "premium_before_withdrawal"]
    result = project(with_scenarios(model, one=course), practices, months=MONTHS, variables=wanted)
    patients = result["base_weighted_list"]
    someone = patients > 0
    own = 73.56 + (result["base_premium"] / patients.where(someone, 1)).where(someone, 0)
    price, near = result["price_on_glide"], 1e-9 * own.max()
    lowest = np.minimum(own, target)
    assert (price <= own + near).all()
    assert (price >= lowest - near).all()
    assert (price.diff("month") <= near).all()
    held = someone & (own <= target)
    assert (abs(price - own).where(held, 0) <= near).all()
    if not schedule.pauses:
        assert (abs(price.isel(month=-1) - lowest).where(someone, 0) <= near).all()
    # Paid: what the price on the glide leaves above the GMS price of the month
    absorbed = result["base_premium"] / 12 - result["premium_before_withdrawal"]
    left = (price - 73.56) * patients / 12 - absorbed
    exact = someone & (result["premium_before_withdrawal"] > 0)
    paid = result["premium_paid"]
    gap = (paid - np.maximum(left, 0)).where(exact, 0)
    assert (abs(gap) <= 1e-9 * (1 + result["base_premium"].max())).all()


def test_a_value_below_the_target_is_held_until_the_gms_price_catches_up():
    model = shipped(EAST_ANGLIA)
    remeasured = with_recycling(
        model,
        [0, 150, 150, 150],
        glide_progress=model.terms["glide_progress"],
        target_price=model.terms["target_price"],
    )
    # £2 a patient over £73.56: caught up in the third year, when the price has risen by £3
    practices = practices_of([pms(6000, 12_000)])
    result = project(remeasured, practices, months=36).isel(practice=0).squeeze()
    paid = result["premium_paid"]
    np.testing.assert_allclose(paid, [1000] * 12 + [250] * 12 + [0] * 12, atol=1e-6)
    assert (result["premium_withdrawn"] == 0).all()
    pounds = (result["pms_gms_equivalent"] + paid) * 12 / 6000
    held, caught_up = 73.56 + 2, 73.56 + 3
    deduction = 73.56 * 0.0546
    expected = [held - deduction] * 24 + [caught_up - deduction] * 12
    np.testing.assert_allclose(pounds, expected, rtol=1e-9)


def test_a_base_year_on_the_way_is_counted_back_to_the_price_before_the_glide():
    model = shipped(EAST_ANGLIA)
    early = Schedule(BEFORE, 0, dt.date(2014, 4, 1), ("1/4", "1/2", "3/4", 1))
    course = {"glide_progress": model.terms["glide_progress"].on_schedule(early, "A test.")}
    model = with_scenarios(model, one=course)
    # £12.77 over £73.56 after a quarter of the way: £8 over the target, and £10.667 at first
    result = project(model, practices_of([pms(6000, 6000 * 12.77)]), months=36).squeeze()
    assert result["base_premium"].item() == pytest.approx(6000 * (4.77 + 32 / 3))
    expected = np.repeat([78.33 + 16 / 3, 78.33 + 8 / 3, 78.33], 12)
    np.testing.assert_allclose(result["price_on_glide"], expected, rtol=1e-12)


# ------------------------------------------------------------------- whose it is, and how much


@anything
@given(all_sorts, schedules(), st.data())
def test_a_schedule_of_a_practices_own_changes_that_practice_alone(practices, schedule, data):
    model = shipped(THAMES_VALLEY)
    codes = practices["practice"].values.tolist()
    own = data.draw(st.sampled_from(codes))
    switch = data.draw(st.integers(0, MONTHS - 1))
    course = {
        "premium_share_retained": model.terms["premium_share_retained"].on_schedule(
            schedule, "A test."
        ),
        "switched_to_gms": stepping(model.terms["switched_to_gms"], 0, (switch, 1)),
    }
    changed = with_practice_terms(
        model, {name: {own: of_its_own(term)} for name, term in course.items()}
    )
    wanted = [*PREMIUM, *STREAMS, "global_sum", "pms_gms_equivalent"]
    few = ["april-2016", "april-2015"]
    before, after = (
        project(m, practices, scenarios=few, months=MONTHS, variables=wanted)
        for m in (model, changed)
    )
    others = [code for code in codes if code != own]
    for name in wanted:
        one, other = before[name].sel(practice=others), after[name].sel(practice=others)
        xr.testing.assert_equal(one.broadcast_like(other).transpose(*other.dims), other)
    everyone = with_scenarios(model, one=course)
    alike = project(everyone, practices, months=MONTHS, variables=["premium_paid"])
    expected = alike["premium_paid"].sel(practice=own)
    found = of_scenario(after["premium_paid"].sel(practice=own), "april-2016")
    np.testing.assert_array_equal(found, expected)


@anything
@given(all_sorts, st.sampled_from((ESSEX, EAST_ANGLIA)), st.sampled_from([2.0, 0.5]))
def test_scaling_money_scales_premium_by_as_much(practices, name, factor):
    def scaled(term: Term) -> Term:
        if not Unit.parse(term.unit).powers.get("GBP"):
            return term
        values = tuple(
            replace(v, value=v.value * factor, until_paid=v.until_paid and v.until_paid * factor)
            for v in term.values
        )
        return replace(term, values=values)

    model = shipped(name)
    richer = replace(
        model,
        terms={n: scaled(term) for n, term in model.terms.items()},
        scenarios={
            n: replace(s, terms={t: scaled(term) for t, term in s.terms.items()})
            for n, s in model.scenarios.items()
        },
    )
    same = ("registered_list", "weighted_list", "london_practice")
    money = practices.assign({n: v * factor for n, v in practices.items() if n not in same})
    wanted = [*PREMIUM, *STREAMS, "premium_reinvested"]
    plain = project(model, practices, months=14, variables=wanted)
    more = project(richer, money, months=14, variables=wanted)
    for variable in wanted:
        np.testing.assert_array_equal(more[variable], plain[variable] * factor)


# ------------------------------------------------------------------------------- the real file


def of_2014(reference_data, model: Model) -> xr.Dataset:
    payments = read_payments(reference_data / "gp_payments_2014_15.csv")
    return select_commissioners(payments, list(model.commissioners))


def test_essex_in_the_file_of_2014_15_is_what_the_model_says(reference_data):
    model = load_model(ESSEX)
    wanted = ["base_premium", "switched_in_base_year", "premium_withdrawn"]
    result = project(model, of_2014(reference_data, model), variables=wanted)
    switched = result["switched_in_base_year"] == 1
    on_pms = result["base_premium"].where(~switched, 0)
    stayed = (result["contract_type"] == "PMS") & (result["base_weighted_list"] > 0)
    assert int(switched.sum()) == 69
    assert int(stayed.sum()) == 38
    # £10m was published for about 100 practices
    millions = [float(part.sum()) / 1e6 for part in (result["base_premium"] * switched, on_pms)]
    assert millions == pytest.approx([6.631, 4.980], abs=5e-4)
    yearly = result["premium_withdrawn"].sum("practice").groupby("fiscal_year").sum()
    signed_up = yearly.sel(scenario="signed-up") / 1e6
    expected = [1.895, 4.027, 6.102, 8.116, 10.083, 10.921]
    np.testing.assert_allclose(signed_up, expected, atol=5e-4)


def test_essex_factors_in_the_file_of_2015_16_stand_at_the_next_seventh(reference_data):
    model = load_model(ESSEX)
    practices, wanted = of_2014(reference_data, model), ["premium_as_correction_factor"]
    result = project(model, practices, scenarios=["signed-up"], months=12, variables=wanted)
    factor = result["premium_as_correction_factor"].sum("month")
    later = read_payments(reference_data / "gp_payments_2015_16.csv")
    codes = [c for c in result["practice"].values if c in set(later["practice"].values)]
    modelled = factor.sel(practice=codes)
    paid = later["correction_factor"].sel(practice=codes)
    ratio = (paid / modelled).where(modelled > 0).dropna("practice")
    assert float(ratio.median()) == pytest.approx(1, abs=0.01)


def test_east_anglia_in_the_file_of_2014_15_is_what_the_model_says(reference_data):
    model = load_model(EAST_ANGLIA)
    practices = of_2014(reference_data, model)
    result = project(model, practices, variables=["base_premium", "premium_withdrawn"])
    pms_with_list = (practices["contract_type"] == "PMS") & (practices["weighted_list"] > 0)
    premium = result["base_premium"].where(pms_with_list, 0)
    assert int(pms_with_list.sum()) == 151
    assert int(((premium >= 100_000) & (premium < 200_000)).sum()) == 51
    assert int((premium >= 200_000).sum()) == 31
    yearly = result["premium_withdrawn"].sum("practice").groupby("fiscal_year").sum() / 1e6
    expected = {
        "twenty-quarters": [1.556, 4.045, 6.535, 9.024, 11.513, 12.447],
        "sixteen-quarters": [1.945, 5.057, 8.168, 11.280, 12.447, 12.447],
        "held": [0, 0, 0, 0, 0, 0],
        "straight-to-gms": [17.179, 16.588, 15.985, 15.376, 14.827, 14.269],
    }
    for name, millions in expected.items():
        np.testing.assert_allclose(yearly.sel(scenario=name), millions, atol=6e-4)


def test_thames_valley_in_the_file_of_2014_15(reference_data):
    model = load_model(THAMES_VALLEY)
    practices = of_2014(reference_data, model)
    wanted = ["base_premium", "base_defined_services", "premium_withdrawn", "total_payments"]
    result = project(model, practices, variables=wanted)
    assert float(result["base_premium"].sum()) == pytest.approx(6_941_390, abs=1)
    assert float(result["base_defined_services"].sum()) == pytest.approx(1_802_609, abs=1)
    yearly = result["premium_withdrawn"].sum("practice").groupby("fiscal_year").sum() / 1e6
    expected = {
        "april-2016": [0, 1.590, 3.041, 4.346, 5.537],
        "april-2015": [1.660, 3.180, 4.561, 5.795, 5.537],
        "april-2016-sevenths": [0, 0.909, 1.737, 2.484, 3.164],
        "april-2015-two-years": [3.320, 6.361, 6.081, 5.795, 5.537],
        "april-2016-not-remeasured": [0, 1.735, 3.471, 5.206, 6.941],
    }
    for name, millions in expected.items():
        np.testing.assert_allclose(yearly.sel(scenario=name), millions, atol=6e-4)
