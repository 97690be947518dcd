"""The bridge between two scenarios: by hand, by its laws, and by a twin that tries every order."""

from __future__ import annotations

import datetime as dt
import functools
import itertools
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import capitation as cap
from capitation.bridging import ATTRIBUTION, Bridge, bridge
from capitation.by_year import amounts_by_year, of_commissioners
from capitation.differences import PARTS, still_running
from capitation.engine.schedules import Pause, Schedule
from capitation.engine.terms import DatedValue, Term
from capitation.model import Model, Scenario
from capitation.shapley import shapley_values

from .strategies import THAMES_VALLEY, shipped
from .tiny_models import some_practices, tiny_model

RULES = '''
from capitation.vocabulary import MONTHS_PER_YEAR, rule, total

@rule(unit="patient", first="base_weighted_list", assumption="By hand.")
def weighted(previous, monthly_list_growth):
    """List."""
    return previous * (1 + monthly_list_growth)

@rule(unit="GBP/month", assumption="By hand.")
def paid(weighted, price, base_price, out_of_hours_deduction, share, closed, uptake):
    """Payment of the month."""
    above = price * (1 - out_of_hours_deduction) - base_price / 4
    return weighted * above / MONTHS_PER_YEAR * share * (1 - closed) * uptake

@rule(unit="GBP/month", assumption="By hand.")
def fee(weighted, price_of_fee):
    """Fee of the month."""
    return weighted * price_of_fee / MONTHS_PER_YEAR

paid_of_area = total("paid", over="practices")
fee_of_year = total("fee", over="months")
'''
SHARE = """
[term.share]
unit = "1"
from = 2013-04-01
before = 1
start = 2015-07-01
every_months = 6
steps = ["3/4", "1/2", "1/4", 0]
assumption = "By hand."
"""
TERMS = {
    "monthly_list_growth": ("1", 0),
    "price": ("GBP/patient/year", 80),
    "price_of_fee": ("GBP/patient/year", 3),
    "out_of_hours_deduction": ("1", 0),
    "closed": ("1", 0),
    "uptake": ("1", 1),
}
BEFORE, AFTER = "before", "after"
APRIL = dt.date(2013, 4, 1)


@functools.cache
def base_model() -> Model:
    with TemporaryDirectory() as folder:
        return tiny_model(
            Path(folder),
            RULES,
            terms=TERMS,
            simulation=None,
            scenarios={"history": {}, BEFORE: {}, AFTER: {}},
            streams=("paid", "fee"),
            months=18,
            more=SHARE,
        )


def a_term(name: str, dated: Mapping[dt.date, float] | float) -> Term:
    """A term of the model with other figures."""
    figures = dated if isinstance(dated, Mapping) else {APRIL: dated}
    values = [DatedValue(day, v, str(v), assumption="By hand.") for day, v in figures.items()]
    return replace(base_model().terms[name], values=tuple(values), schedule=None)


def a_share(**changes: Any) -> Term:
    term = base_model().terms["share"]
    assert term.schedule is not None
    return term.on_schedule(replace(term.schedule, **changes), "By hand.")


def model_with(before: Mapping[str, Term], after: Mapping[str, Term], **changes: Any) -> Model:
    """The tiny model with terms of its own in two scenarios, neither of which is the first."""
    scenarios = {
        name: Scenario(name, name, dict(terms))
        for name, terms in (("history", {}), (BEFORE, before), (AFTER, after))
    }
    return replace(base_model(), scenarios=scenarios, **changes)


def bridge_of(
    before: Mapping[str, Term], after: Mapping[str, Term], measure: str = "paid", **options: Any
) -> Bridge:
    return bridge(model_with(before, after), some_practices(), BEFORE, AFTER, measure, **options)


def total_of(split: Bridge, part: str) -> float:
    return float(split.parts["nominal"].sel(part=part).sum())


# By hand ----------------------------------------------------------------------------------------


def test_a_price_and_a_share_by_hand():
    """100 patients at £96 instead of £80, half closed: each order splits it its own way."""
    practices = some_practices("P1").assign(weighted_list=("practice", [100.0]))
    before = {"uptake": a_term("uptake", 1.0)}
    after = {"uptake": a_term("uptake", 0.5), "price": a_term("price", 96)}
    held = {"share": a_term("share", 1.0)}
    model = model_with({**held, **before}, {**held, **after})
    split = bridge(model, practices, BEFORE, AFTER, "paid", months=12)
    # 100 patients at the price less a quarter of the base year's: £60 and £76, then halved.
    assert split.ends["nominal"].values.ravel() == pytest.approx([6000, 3800])
    price = (1600 + 800) / 2
    uptake = (-3000 - 3800) / 2
    found = [total_of(split, part) for part in ("price", "uptake")]
    assert found == pytest.approx([price, uptake])
    assert [total_of(split, part) for part in ("timing", "schedule", "list")] == [0, 0, 0]
    assert split.parts["part"].values.tolist() == [*PARTS, "uptake"]
    assert split.parts["terms"].values.tolist() == ["", "", "price", "", "uptake"]


def test_shapley_values_by_hand():
    """Three players of whom the first two make one pound together, and the third is idle."""
    amounts = np.array([float(mixture & 3 == 3) for mixture in range(8)])
    assert shapley_values(amounts).tolist() == [0.5, 0.5, 0.0]
    assert shapley_values(np.array([7.0])).tolist() == []


@pytest.mark.parametrize(
    ("before", "after", "part", "terms"),
    [
        ({}, {"share": a_share(delay_months=12)}, "timing", "share"),
        ({}, {"share": a_share(start=dt.date(2016, 1, 1))}, "timing", "share"),
        (
            {},
            {"share": a_share(pauses=(Pause(dt.date(2015, 9, 1), dt.date(2016, 1, 1)),))},
            "timing",
            "share",
        ),
        ({}, {"share": a_share(steps=("6/7", "5/7", "4/7"))}, "schedule", "share"),
        ({}, {"share": a_share(every_months=3)}, "schedule", "share"),
        ({}, {"share": a_share(before="9/10")}, "schedule", "share"),
        ({}, {"share": a_term("share", {APRIL: 1.0, dt.date(2016, 4, 1): 0.5})}, "share", "share"),
        (
            {"share": a_term("share", 1.0)},
            {"share": a_term("share", {APRIL: 1.0, dt.date(2016, 4, 1): 0.0})},
            "timing",
            "share",
        ),
        ({}, {"closed": a_term("closed", {APRIL: 0, dt.date(2016, 4, 1): 1})}, "timing", "closed"),
        ({}, {"closed": a_term("closed", 1.0)}, "closed", "closed"),
        ({}, {"price": a_term("price", 81)}, "price", "price"),
        (
            {},
            {"out_of_hours_deduction": a_term("out_of_hours_deduction", 0.05)},
            "price",
            "out_of_hours_deduction",
        ),
        (
            {},
            {"monthly_list_growth": a_term("monthly_list_growth", 0.01)},
            "list",
            "monthly_list_growth",
        ),
        ({}, {"uptake": a_term("uptake", 0.9)}, "uptake", "uptake"),
    ],
)
def test_the_one_part_that_differs_is_all_of_it(before, after, part, terms):
    split = bridge_of(before, after)
    found = split.parts.sel(part=part)
    np.testing.assert_array_equal(found["nominal"], split.difference["nominal"])
    assert float(abs(found["nominal"]).sum()) > 1
    assert found["terms"].item() == terms
    others = split.parts.drop_sel(part=part)
    assert all((others[name] == 0).all() for name in others.data_vars)


def test_the_same_dates_said_otherwise_do_not_differ():
    split = bridge_of(
        {"share": a_share(delay_months=3)}, {"share": a_share(start=dt.date(2015, 10, 1))}
    )
    assert (split.parts["nominal"] == 0).all()
    assert split.parts["terms"].values.tolist() == [""] * 4
    assert (split.difference["nominal"] == 0).all()


def test_a_scenario_differs_in_nothing_from_itself():
    split = bridge(model_with({}, {}), some_practices(), BEFORE, BEFORE, "paid")
    assert (split.parts["nominal"] == 0).all()
    assert split.nothing_differs
    assert (split.ends["nominal"] > 0).all()


def test_what_does_not_move_the_measure_takes_no_part():
    after = {"price": a_term("price", 90), "uptake": a_term("uptake", 0.5)}
    split = bridge_of({}, after, "fee")
    assert (split.parts["nominal"] == 0).all()
    assert dict(zip(split.parts["part"].values, split.parts["terms"].values, strict=True)) == {
        **dict.fromkeys(PARTS, ""),
        "price": "price",
        "uptake": "uptake",
    }


def test_parts_that_make_up_for_each_other_are_something():
    """Twice as much, half taken up: nothing is paid more, and yet each part moves much."""
    price = base_model().terms["price"]
    doubled = a_term("price", 2 * price.values[0].value - 20)
    split = bridge_of({}, {"price": doubled, "uptake": a_term("uptake", 0.5)})
    assert float(abs(split.difference["nominal"]).max()) < 0.005
    assert total_of(split, "price") == pytest.approx(-total_of(split, "uptake"))
    assert total_of(split, "price") > 1000
    assert not split.nothing_differs
    ends = split.ends * 1.0
    assert replace(split, parts=split.parts * 1e-9, ends=ends).nothing_differs
    ends["nominal"][1, 0, 0] += 0.01
    assert not replace(split, parts=split.parts * 1e-9, ends=ends).nothing_differs


def test_steps_to_come_when_a_run_ends_are_told():
    """The last of four half-yearly steps is in January 2017, and a year later if delayed."""
    delayed = {"share": a_share(delay_months=12), "price": a_term("price", 96)}
    model = model_with({}, delayed)
    ends = (dt.date(2016, 12, 1), dt.date(2017, 1, 1), dt.date(2018, 1, 1))
    both, one, none = (still_running(model, BEFORE, AFTER, end) for end in ends)
    words = ["before until 1 January 2017", "after until 1 January 2018"]
    assert [word in both[0] for word in words] == [True, True]
    assert [word in one[0] for word in words] == [False, True]
    assert (len(both), len(one), none) == (1, 1, [])
    assert still_running(model, AFTER, AFTER, ends[0]) == []
    split = bridge(model, some_practices("P1"), BEFORE, AFTER, "paid", months=21)
    assert list(split.notes) == both
    assert both[0] in " ".join(str(split).split("\n"))


def test_measures_of_a_practice_a_commissioner_and_a_year():
    after = {"price": a_term("price", 90), "share": a_share(delay_months=6)}
    of_practices, of_area = (bridge_of({}, after, name) for name in ("paid", "paid_of_area"))
    xr.testing.assert_allclose(of_practices.parts, of_area.parts)
    fee = {"price_of_fee": a_term("price_of_fee", 4)}
    of_month, of_year = (bridge_of({}, fee, name) for name in ("fee", "fee_of_year"))
    xr.testing.assert_allclose(of_month.parts, of_year.parts)
    everything = bridge_of({}, {**after, **fee}, "total_payments")
    xr.testing.assert_allclose(everything.difference, of_area.difference + of_year.difference)


def test_the_base_year_is_that_of_the_first_scenario():
    """A price that differs in the base year too: history has one, whatever is mixed."""
    early = dt.date(2014, 4, 1)
    prices = [
        a_term("price", {APRIL: 70, early: base, dt.date(2015, 4, 1): 80}) for base in (60, 90)
    ]
    split = bridge_of({"price": prices[0]}, {"price": prices[1]})
    assert (split.difference["nominal"] == 0).all()
    model = model_with({"price": prices[0]}, {"price": prices[1]})
    assert split.ends["nominal"].values.tolist() == amounts_of(model, some_practices()).tolist()


def test_known_values_and_a_later_start():
    months = np.array(["2016-04", "2016-05"], dtype="datetime64[ns]")
    practices = some_practices()
    known = xr.DataArray(
        np.full((5, 2), 240.0),
        {"practice": practices["practice"].values, "month": months},
        ("practice", "month"),
    )
    model = model_with({}, {"price": a_term("price", 92)})
    model = replace(
        model,
        definitions=tuple(
            replace(d, first="") if d.name == "weighted" else d for d in model.definitions
        ),
    )
    split = bridge(
        model,
        practices,
        BEFORE,
        AFTER,
        "paid",
        months=2,
        start="2016-04",
        given={"weighted": known},
    )
    assert split.parts["year"].values.tolist() == ["2016/17"]
    # £12 more for 240 patients of five practices, two months of twelve, of which half is kept.
    assert total_of(split, "price") == pytest.approx(12 * 240 * 5 * 2 / 12 / 2)


def test_terms_of_one_practice_stay_as_they_are():
    """P1 has a price of its own in either scenario, so that the new price moves only the others."""
    own = DatedValue(dt.date(2015, 4, 1), 80.0, "80", assumption="By hand.")
    model = model_with({}, {"price": a_term("price", 96), "share": a_share(delay_months=3)})
    kept = cap.with_practice_terms(model, {"price": {"P1": (own,)}})
    alone = bridge(kept, some_practices("P1"), BEFORE, AFTER, "paid")
    assert total_of(alone, "price") == 0
    assert total_of(alone, "timing") > 0
    others = bridge(model, some_practices("P2", "P3", "P4", "P5"), BEFORE, AFTER, "paid")
    together = bridge(kept, some_practices(), BEFORE, AFTER, "paid")
    assert total_of(together, "price") == pytest.approx(total_of(others, "price"))


def test_thames_valley_delayed():
    """What is delayed is timing, and all of it comes back: payments add up to the same."""
    model, practices = shipped(THAMES_VALLEY), cap.example_practices()

    def split(after: str, measure: str = "premium_withdrawn") -> Bridge:
        return bridge(model, practices, "april-2015", after, measure)

    delayed = split("april-2016")
    np.testing.assert_array_equal(
        delayed.parts["nominal"].sel(part="timing"), delayed.difference["nominal"]
    )
    assert (delayed.parts["nominal"].sel(part="timing") <= 0).all()
    assert abs(total_of(split("april-2016", "total_payments"), "timing")) < 0.005
    slower = split("april-2016-sevenths")
    assert total_of(slower, "schedule") < -1000
    assert total_of(slower, "timing") < -1000
    np.testing.assert_allclose(
        slower.parts["present_value"].sum("part"), slower.difference["present_value"], atol=1e-6
    )


def amounts_of(model: Model, practices: xr.Dataset, measure: str = "paid") -> np.ndarray:
    result = cap.project(model, practices, [BEFORE, AFTER], variables=[measure])
    return of_commissioners(amounts_by_year(result, measure)).values


# Laws -------------------------------------------------------------------------------------------


@st.composite
def sets_of_terms(draw: st.DrawFn) -> dict[str, Term]:
    """Terms of a scenario: some of their own, the others as the model has them."""
    schedule = st.fixed_dictionaries(
        {},
        optional={
            "delay_months": st.integers(1, 12),
            "start": st.sampled_from([dt.date(2015, 5, 1), dt.date(2016, 2, 1)]),
            "pauses": st.just((Pause(dt.date(2015, 12, 1), dt.date(2016, 3, 1)),)),
            "steps": st.sampled_from([("1/2", 0), ("2/3", "1/3", 0)]),
            "every_months": st.integers(1, 9),
        },
    )
    closing = st.sampled_from([dt.date(2015, 9, 1), dt.date(2016, 9, 1)])
    return draw(
        st.fixed_dictionaries(
            {},
            optional={
                "share": schedule.map(lambda changes: a_share(**changes)),
                "price": st.integers(60, 120).map(lambda v: a_term("price", v)),
                "monthly_list_growth": st.sampled_from([-0.01, 0.02]).map(
                    lambda v: a_term("monthly_list_growth", v)
                ),
                "closed": closing.map(lambda day: a_term("closed", {APRIL: 0, day: 1})),
                "uptake": st.sampled_from([0.25, 0.75]).map(lambda v: a_term("uptake", v)),
            },
        )
    )


few = settings(max_examples=20, deadline=None)


@few
@given(sets_of_terms(), sets_of_terms())
def test_parts_add_up_and_the_way_back_has_every_sign_turned(before, after):
    there, back = bridge_of(before, after), bridge_of(after, before)
    ends = amounts_of(model_with(before, after), some_practices())
    np.testing.assert_array_equal(there.ends["nominal"].values, ends)
    for name in ("nominal", "real", "present_value"):
        np.testing.assert_allclose(
            there.parts[name].sum("part"), there.difference[name], rtol=0, atol=1e-6
        )
        np.testing.assert_allclose(there.parts[name], -back.parts[name], rtol=0, atol=1e-6)
    whole = math.fsum(ends[1].ravel()) - math.fsum(ends[0].ravel())
    assert abs(math.fsum(there.parts["nominal"].values.ravel()) - whole) < 1e-6
    for row in zip(*(pence for _, pence in there.rows()), strict=True):
        assert sum(row[:-1]) == row[-1]
    for part in there.parts["part"].values[there.parts["terms"].values == ""]:
        assert (there.parts.sel(part=part)["nominal"] == 0).all()


@few
@given(sets_of_terms(), sets_of_terms(), st.randoms(use_true_random=False))
def test_the_order_of_terms_is_nothing(before, after, random):
    def shuffled(terms: Mapping[str, Term]) -> dict[str, Term]:
        names = list(terms)
        random.shuffle(names)
        return {name: terms[name] for name in names}

    model = model_with(before, after)
    other = model_with(shuffled(before), shuffled(after), terms=shuffled(model.terms))
    found, again = (bridge(m, some_practices(), BEFORE, AFTER, "paid") for m in (model, other))
    xr.testing.assert_identical(found.parts, again.parts)


@few
@given(sets_of_terms(), sets_of_terms(), st.permutations(["P1", "P2", "P3", "P4", "P5"]))
def test_practices_in_any_order(before, after, codes):
    found = bridge_of(before, after)
    model = model_with(before, after)
    turned = bridge(model, some_practices(*codes), BEFORE, AFTER, "paid")
    xr.testing.assert_identical(found.parts, turned.parts)


@settings(max_examples=6, deadline=None)
@given(
    st.integers(1, 9),
    st.sampled_from([("1/2", "1/4", 0), ("2/3", "1/3", 0)]),
    st.integers(90, 120),
    st.sampled_from([-0.01, 0.02]),
)
def test_every_order_tried_one_projection_at_a_time(delay, steps, price, growth):
    """The naive twin: schedules mixed by hand, each mixture a run of its own, orders one by one."""
    after = {
        "share": a_share(delay_months=delay, steps=steps, every_months=5),
        "price": a_term("price", price),
        "monthly_list_growth": a_term("monthly_list_growth", growth),
    }
    practices = some_practices("P1", "P4", "P5")
    split = bridge(model_with({}, after), practices, BEFORE, AFTER, "paid")

    @functools.cache
    def amount(done: frozenset[str]) -> np.ndarray:
        is_new = {part: part in done for part in PARTS}
        schedule = Schedule(
            first=APRIL,
            before=1,
            start=dt.date(2015, 7, 1),
            delay_months=delay if is_new["timing"] else 0,
            steps=steps if is_new["schedule"] else ("3/4", "1/2", "1/4", 0),
            every_months=5 if is_new["schedule"] else 6,
        )
        share = base_model().terms["share"].on_schedule(schedule, "By hand.")
        terms = {"share": share}
        for part, name in (("price", "price"), ("list", "monthly_list_growth")):
            if is_new[part]:
                terms[name] = after[name]
        model = model_with(terms, {})
        result = cap.project(model, practices, [BEFORE], variables=["paid"])
        return of_commissioners(amounts_by_year(result, "paid")).values[0]

    worth = {part: [] for part in PARTS}
    for order in itertools.permutations(PARTS):
        done: frozenset[str] = frozenset()
        for part in order:
            worth[part].append(amount(done | {part}) - amount(done))
            done |= {part}
    for part in PARTS:
        mean = sum(worth[part]) / len(worth[part])
        np.testing.assert_allclose(split.parts["nominal"].sel(part=part), mean, rtol=0, atol=1e-6)


# Words, and what is refused ---------------------------------------------------------------------


def test_it_is_told_in_a_table_that_adds_up():
    after = {"price": a_term("price", 96), "share": a_share(delay_months=3)}
    lines = str(bridge_of({}, after)).split("\n")
    heading = "Payment of the month nominal at 2015/16 prices present value"
    assert " ".join(lines[0].split()) == heading
    words = [line.split("  ")[0] for line in lines[1:7]]
    assert words == [
        BEFORE,
        "Timing: dates, delay, pauses (share)",
        "Schedule: its steps",
        "Prices (price)",
        "Lists",
        AFTER,
    ]
    pence = [
        [round(float(cell.replace("£", "").replace(",", "")) * 100) for cell in line.split()[-3:]]
        for line in lines[1:7]
    ]
    for column in zip(*pence, strict=True):
        assert sum(column[:-1]) == column[-1]
    assert ATTRIBUTION in "\n".join(lines)
    (basis,) = (line for line in lines if line.startswith("Prices: "))
    assert basis.endswith("Discounted from 2015/16 (year 0) at 3.5% a year, real.")


def test_the_pennies_that_rounding_leaves_are_put_to_the_largest_part():
    split = bridge_of({}, {"price": a_term("price", 96), "uptake": a_term("uptake", 0.5)})
    parts = split.parts.copy(deep=True)
    parts["nominal"][:] = 0.0
    parts["nominal"][[2, 4], 0, 0] = [2.004, 1.003]
    ends = split.ends.copy(deep=True)
    ends["nominal"][:] = 0.0
    ends["nominal"][1, 0, 0] = 3.007
    rows = dict(replace(split, parts=parts, ends=ends).rows())
    assert rows["Prices (price)"][0] == 201
    assert rows["uptake"][0] == 100
    assert rows[AFTER][0] == 301


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"before": "befor"}, "there is no scenario 'befor' (did you mean 'before'?)"),
        ({"measure": "payd"}, "'payd' is no rule of the model (did you mean 'paid'?)"),
        ({"measure": "weighted"}, "weighted: its amounts [patient] do not add up to pounds"),
        ({"issue": "gdp"}, "there is no issue 'gdp' of the GDP deflator"),
    ],
)
def test_faults_are_told(asked, found):
    asked = {"before": BEFORE, "after": AFTER, "measure": "paid"} | asked
    with pytest.raises(cap.InputError) as caught:
        bridge(base_model(), some_practices(), **asked)
    assert found in str(caught.value)


def test_too_many_parts_are_refused():
    names = [f"term_{n}" for n in range(11)]
    rules = (
        "from capitation.vocabulary import MONTHS_PER_YEAR, rule\n"
        '@rule(unit="GBP/month", assumption="By hand.")\n'
        f"def paid(base_qof, {', '.join(names)}):\n    '''Paid.'''\n"
        f"    return base_qof / MONTHS_PER_YEAR * {' * '.join(names)}\n"
        '@rule(unit="GBP/month", assumption="By hand.")\n'
        "def flat(base_qof):\n    '''Paid in any case.'''\n"
        "    return base_qof / MONTHS_PER_YEAR\n"
    )
    with TemporaryDirectory() as folder:
        model = tiny_model(
            Path(folder),
            rules,
            terms=dict.fromkeys(names, ("1", 1)),
            simulation=None,
            scenarios={BEFORE: {}, AFTER: dict.fromkeys(names, 2)},
            streams=("paid", "flat"),
        )
    with pytest.raises(cap.InputError, match="11 parts differ: term_0, term_1, term_10"):
        bridge(model, some_practices(), BEFORE, AFTER, "paid")
    # What does not move the measure is no part of it, however many they are.
    idle = bridge(model, some_practices(), BEFORE, AFTER, "flat")
    assert (idle.parts["nominal"] == 0).all()
