"""Terms set by the user: what they change, what they leave, and what is refused."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

import numpy as np
import pytest

import capitation as cap
from capitation.engine.terms import DatedValue, Term
from capitation.model import Model
from capitation.what_if import ASSUMED, with_terms

BOLTON = "bolton-quality-contract"
NATIONAL = "national-practice-income"
THAMES_VALLEY = "thames-valley-pms"


@pytest.fixture(scope="module")
def national() -> Model:
    return cap.load_model(NATIONAL)


@pytest.fixture(scope="module")
def thames_valley() -> Model:
    return cap.load_model(THAMES_VALLEY)


def test_a_term_holds_one_value_from_the_first_month_on(national):
    price = with_terms(national, {"global_sum_price": 80}).terms["global_sum_price"]
    last = price.values[-1]
    assert (last.start, last.value, last.written) == (national.start, 80.0, "80")
    assert (last.assumption, last.source) == (ASSUMED, "") == ("Set by the user (--set)", "")
    assert price.at(national.start) == price.at(dt.date(2050, 1, 1)) == 80
    assert price.unit == national.terms["global_sum_price"].unit


def test_the_base_year_keeps_its_figures(national):
    was, price = (
        model.terms["global_sum_price"]
        for model in (national, with_terms(national, {"global_sum_price": 80}))
    )
    for month in range(4, 13):
        assert price.at(dt.date(2014, month, 1)) == was.at(dt.date(2014, month, 1)) != 80
    practices = cap.example_practices()
    before, after = (
        cap.project(model, practices, months=1)
        for model in (national, with_terms(national, {"global_sum_price": 80}))
    )
    assert before["global_sum"].values.tolist() != after["global_sum"].values.tolist()
    for name in (name for name in before.data_vars if before[name].attrs["kind"] == "base term"):
        np.testing.assert_array_equal(before[name].values, after[name].values)


def test_what_was_paid_late_before_the_start_is_not_paid_again(national):
    dated = DatedValue(dt.date(2014, 4, 1), 70.0, "70", "", "As said.", "", dt.date(2015, 7, 1), 60)
    term = replace(national.terms["global_sum_price"], values=(dated,))
    late = replace(national, terms=national.terms | {"global_sum_price": term})
    changed = with_terms(late, {"global_sum_price": 80}).terms["global_sum_price"]
    assert [value.start for value in changed.in_payment().values] == [
        dt.date(2014, 4, 1),
        national.start,
    ]
    assert changed.in_payment().at(dt.date(2016, 1, 1)) == 80


def test_it_holds_in_every_scenario(thames_valley):
    practices = cap.example_practices()
    before = cap.project(thames_valley, practices)
    assert "scenario" in before["premium_share_retained"].dims
    changed = with_terms(thames_valley, {"premium_share_retained": 0.5})
    assert list(changed.scenarios) == list(thames_valley.scenarios)
    after = cap.project(changed, practices)
    assert after["premium_share_retained"].dims == ("month",)
    assert (after["premium_share_retained"] == 0.5).all()
    recorded = json.loads(after["premium_share_retained"].attrs["dated_values"])
    assert list(recorded) == list(after["scenario"].values)
    assert all(values[-1]["assumption"] == ASSUMED for values in recorded.values())
    told = cap.explain(after, "premium_share_retained", month="2015-04")
    assert ASSUMED in str(told)


def test_it_holds_from_the_month_that_a_run_starts_in(national):
    later = replace(national, start=dt.date(2016, 4, 1))
    price = with_terms(later, {"global_sum_price": 80}).terms["global_sum_price"]
    was = national.terms["global_sum_price"]
    assert price.at(dt.date(2016, 3, 1)) == was.at(dt.date(2016, 3, 1)) != 80
    assert price.at(dt.date(2016, 4, 1)) == 80


def test_a_term_with_one_figure_for_all_time_has_one_still():
    """Else the base year would vary by 1.3 and the projection by 1.6, without a word."""
    model = cap.load_model(BOLTON)
    assert "base_admissions_overdispersion" in model.graph().leaves
    for name, value in (("admissions_overdispersion", 1.6), ("monthly_admissions_trend", 0.002)):
        changed = with_terms(model, {name: value}).terms[name]
        (held,) = changed.values
        assert (held.start, held.value) == (model.terms[name].values[0].start, value)
        assert changed.at(dt.date(2014, 4, 1)) == value
    result = cap.project(
        with_terms(model, {"admissions_overdispersion": 1.6}), cap.example_practices(), months=12
    )
    for read in ("base_admissions_overdispersion", "noise_of_base_year"):
        np.testing.assert_allclose(result[read].values, 1.6, rtol=1e-12)


def test_one_figure_in_the_model_and_one_in_a_scenario_are_no_history():
    model = cap.load_model(BOLTON)
    name = "share_of_other_payments_counted"
    earlier = DatedValue(dt.date(2014, 4, 1), 0.5, "0.5", "", "Earlier.")
    counted = model.scenarios["other-payments-counted"]
    (later,) = counted.terms[name].values
    for values, starts in (
        ((earlier,), [earlier.start]),
        ((earlier, later), [later.start]),
    ):
        changed = replace(counted.terms[name], values=values)
        scenario = replace(counted, terms={name: changed})
        scenarios = {**model.scenarios, "other-payments-counted": scenario}
        found = with_terms(replace(model, scenarios=scenarios), {name: 0.25}).terms[name]
        assert [value.start for value in found.values] == starts


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("mandatory_standards_share", 60, "from 2015-04-01: found 60 (allowed: from 0 to 1)"),
        ("programme_reduction", 1.5, "from 2013-04-01: found 1.5 (allowed: from 0 to 1)"),
        ("scheme_advance_share", "3/2", "from 2013-04-01: found 1.5 (allowed: from 0 to 1)"),
        ("admission_price", -1, "from 2015-04-01: found -1 (allowed: 0 or more)"),
        ("weight_of_screening", -1, "from 2015-04-01: found -1 (allowed: 0 or more)"),
    ],
)
def test_a_value_outside_the_bounds_is_refused(name, value, found):
    with pytest.raises(cap.InputError) as caught:
        with_terms(cap.load_model(BOLTON), {name: value, "monthly_list_growth": -2})
    said = [str(problem) for problem in caught.value.problems]
    place = f"{BOLTON}.toml, term"
    growth = f"{place}.monthly_list_growth, from 2013-04-01: found -2 (allowed: from -1 to 1)"
    assert said == [f"{place}.{name}, {found}", growth]


def test_a_term_with_nothing_but_later_values_can_be_set(national):
    late = Term(
        "monthly_list_growth",
        "1",
        (DatedValue(dt.date(2017, 4, 1), 0.1, "0.1", "", "Later."),),
    )
    model = replace(national, terms=national.terms | {"monthly_list_growth": late})
    found = with_terms(model, {"monthly_list_growth": 0.2}).terms["monthly_list_growth"]
    assert [(value.start, value.value) for value in found.values] == [(national.start, 0.2)]


def test_a_term_that_is_read_of_the_base_year_alone_is_set_there(national):
    names = {leaf.name for leaf in national.graph().leaves.values() if leaf.kind == "base term"}
    read = set(national.graph().leaves)
    alone = sorted(n for n in (name.removeprefix("base_") for name in names) if n not in read)
    alone = [name for name in alone if f"{name}_in_payment" not in read]
    changed = with_terms(national, {alone[0]: 0.25}).terms[alone[0]]
    assert [value.value for value in changed.values] == [0.25]


@pytest.mark.parametrize(
    ("written", "value", "kept"),
    [
        ("1/4", 0.25, "1/4"),
        (" 0.050 ", 0.05, "0.05"),
        ("1e-3", 0.001, "0.001"),
        (-1, -1.0, "-1"),
        (np.float64(0.5), 0.5, "0.5"),
    ],
)
def test_numbers_and_exact_fractions(national, written, value, kept):
    found = with_terms(national, {"monthly_list_growth": written}).terms["monthly_list_growth"]
    assert (found.values[-1].value, found.values[-1].written) == (value, kept)


def test_every_fault_is_told_at_once(national):
    asked = {
        "monthly_list_grwth": 0.1,
        "monthly_list_growth": "5%",
        "global_sum_price": float("nan"),
        "guaranteed_income": 1,
        "admission_price": 1,
    }
    with pytest.raises(cap.InputError) as caught:
        with_terms(national, asked)
    found = [str(problem) for problem in caught.value.problems]
    place = "national-practice-income.toml"
    assert found[0] == (
        f"{place}: there is no term 'monthly_list_grwth' to set "
        "(did you mean 'monthly_list_growth'?)"
    )
    assert f"{place}, term.monthly_list_growth: expected a number or a fraction" in found[1]
    assert f"{place}, term.global_sum_price: expected a finite number" in found[2]
    assert "there is no term 'guaranteed_income' to set" in found[3]
    assert "reads the term 'admission_price', so that it changes nothing" in found[4]
