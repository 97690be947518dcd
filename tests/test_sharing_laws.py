"""Laws of sharing through a whole model's own rules: no money is lost, whoever joins or leaves."""

from __future__ import annotations

import datetime as dt
import functools
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from capitation.engine.calendar import months_after
from capitation.engine.terms import DatedValue
from capitation.model import Model
from capitation.projection import project

from .strategies import (
    MULTI_NEIGHBOURHOOD,
    OUT_OF_HOSPITAL,
    SINGLE_NEIGHBOURHOOD,
    practices_of,
    shipped,
)

START = dt.date(2017, 4, 1)
MONTHS = 24
OUTSIDE, VIRTUAL, PARTIAL, FULL = range(4)
CODES = ("P1", "P2", "P3")
MONEY = {
    "global_sum": 70.0,
    "correction_factor": 2.0,
    "seniority": 2.0,
    "qof": 12.0,
    "premises": 11.0,
    "local_schemes": 6.0,
    "other_payments": 9.0,
}
PRACTICES = practices_of(
    [
        {"practice": code, "registered_list": size, "weighted_list": size * need}
        | {name: a_head * size for name, a_head in MONEY.items()}
        for code, size, need in zip(
            CODES, (7000.0, 12_000.0, 2500.0), (1.05, 0.96, 1.2), strict=True
        )
    ],
    fiscal_year="2016/17",
)
LEGAL = (
    "core_paid_to_practice",
    "quality_paid_to_practice",
    "local_schemes_paid_to_practice",
    "remaining_payments",
    "budget_payment",
    "improvement_payment",
    "gain_loss_payment",
    "other_contracts",
)
"""What is paid, in every form."""
CONSERVED = (*LEGAL[:4], "whole_population_budget", "quality_in_pool", "other_contracts")
"""The same money before achievement and shares: what is withheld is in, and so is the pool."""
SHARED = ("shared_ledger", "gain_to_provider", "gain_or_loss", "gain_to_commissioner")
WANTED = (*CONSERVED, *LEGAL[4:7], *SHARED, "saving_outside", "counted_population")

laws = settings(deadline=None, max_examples=6)
forms = st.integers(OUTSIDE, FULL)
shares = st.floats(0, 1)
deviations = st.floats(-0.3, 0.3)

Own = dict[str, tuple[DatedValue, ...]]


@functools.cache
def of_one_scenario() -> Model:
    """The out-of-hospital budget, by the rules that it comes with: nobody is in a contract."""
    model = shipped(OUT_OF_HOSPITAL)
    first = next(iter(model.scenarios.values()))
    outside = model.terms["contract_form"].held_at(OUTSIDE)
    return replace(
        model,
        scenarios={"one": replace(first, name="one", terms={})},
        terms={**model.terms, "contract_form": outside},
    )


def run(own: Own | None = None, months: int = MONTHS, **terms: float) -> xr.Dataset:
    """The model with some terms held at a value, and some practices' forms by date."""
    model = of_one_scenario()
    held = {name: model.terms[name].held_at(value) for name, value in terms.items()}
    changed = replace(
        model,
        terms={**model.terms, **held},
        practice_terms={"contract_form": own} if own else {},
    )
    result = project(changed, PRACTICES, None, months, variables=WANTED, compiled=False)
    return result.isel(scenario=0, drop=True) if "scenario" in result.dims else result


def steps(*dated: tuple[int, int]) -> tuple[DatedValue, ...]:
    """A practice's form from so many months after the start on."""
    return tuple(
        DatedValue(months_after(START, month), float(value), str(value), assumption="Chosen.")
        for month, value in dated
    )


def by_practice(result: xr.Dataset, *names: str) -> np.ndarray:
    """Some variables together, by practice and month."""
    return sum(result[name] for name in names).transpose("practice", ...).values.reshape(3, -1)


def by_year(result: xr.Dataset, name: str) -> np.ndarray:
    """A variable's years; of a monthly one, what its months add up to."""
    found = result[name]
    if "month" not in found.dims:
        return found.values.reshape(-1)
    of_month = found.sum("practice").values.reshape(-1)
    return of_month.reshape(-1, 12).sum(axis=1)


chosen = st.lists(
    st.tuples(forms, st.integers(1, 11), forms, st.integers(12, 23), forms),
    min_size=3,
    max_size=3,
)


def dated(choices: list[tuple[int, int, int, int, int]]) -> Own:
    """Each practice's form at the start, and at two months that follow."""
    return {
        code: steps((0, first), (one, second), (two, third))
        for code, (first, one, second, two, third) in zip(CODES, choices, strict=True)
    }


SHARING = {"emergency_in_gain_share": 0.8, "outpatients_in_gain_share": 0.3}


@laws
@given(chosen, deviations, deviations, shares, shares)
def test_what_is_paid_and_noted_is_the_providers_part_to_the_penny(
    choices, emergency, outpatients, in_scope, moves
):
    result = run(
        dated(choices),
        **SHARING,
        emergency_deviation=emergency,
        outpatients_deviation=outpatients,
        emergency_in_scope=in_scope,
        emergency_marginal_share=moves,
    )
    paid, noted = by_year(result, "gain_loss_payment"), by_year(result, "shared_ledger")
    due = by_year(result, "gain_to_provider")
    np.testing.assert_allclose(np.round(paid + noted, 2), due, atol=0.0051)
    for year, part in enumerate(due):
        in_year = [form_in(steps_of, month) for steps_of in choices for month in months(year)]
        assert part == 0 or any(in_year)
        assert paid[year] == 0 or any(form >= PARTIAL for form in in_year)
        assert noted[year] == 0 or VIRTUAL in in_year
    monthly = by_practice(result, "gain_loss_payment", "shared_ledger")
    assert not np.delete(monthly, [11, 23], axis=1).any()


def months(year: int) -> range:
    """The months of one of the run's fiscal years."""
    return range(12 * year, 12 * year + 12)


def form_in(choice: tuple[int, int, int, int, int], month: int) -> int:
    """A practice's form in a month."""
    first, one, second, two, third = choice
    return first if month < one else second if month < two else third


def test_all_leave_in_february_and_are_settled_in_march_by_their_months():
    """P1 is integrated for ten months, P2 for five and virtual for five, P3 never."""
    own = {
        "P1": steps((0, FULL), (10, OUTSIDE)),
        "P2": steps((0, PARTIAL), (5, VIRTUAL), (10, OUTSIDE)),
    }
    flat = {"monthly_list_growth": 0.0, "age_mix_growth": 0.0}
    result = run(own, 12, emergency_deviation=-0.1, **flat)
    due = result["gain_to_provider"].values.item()
    assert due > 100_000
    population = result["counted_population"].isel(month=0).values.reshape(-1)
    one, two = population[0] * 10, population[1] * 5
    paid = by_practice(result, "gain_loss_payment")[:, 11]
    noted = by_practice(result, "shared_ledger")[:, 11]
    months_in = one + 2 * two
    assert paid == pytest.approx([due * one / months_in, due * two / months_in, 0])
    assert noted == pytest.approx([0, due * two / months_in, 0])


def test_nothing_in_scope_and_no_local_schemes_still_pays_the_providers_part():
    """No money is in the budget, so that income could not say whose the gain is."""
    nothing = dict.fromkeys(
        ("community_in_scope", "mental_health_in_scope", "prescribing_in_scope"), 0.0
    )
    result = run(
        {code: steps((0, PARTIAL)) for code in CODES}, 12, **nothing, emergency_deviation=-0.1
    )
    due = result["gain_to_provider"].values.item()
    assert due > 100_000
    assert by_year(result, "gain_loss_payment") == pytest.approx([due], abs=0.005)


def test_a_year_without_its_march_is_not_settled():
    result = run({code: steps((0, PARTIAL)) for code in CODES}, 18, emergency_deviation=-0.1)
    assert result["gain_to_provider"].values.all()
    assert not by_practice(result, "gain_loss_payment")[:, 12:].any()


# ------------------------------------------------------------------- spend that is not as expected


@laws
@given(chosen, deviations, deviations, shares)
def test_a_deviation_moves_the_same_money_whatever_the_form(
    choices, emergency, outpatients, in_scope
):
    terms = SHARING | {
        "emergency_deviation": emergency,
        "outpatients_deviation": outpatients,
        "emergency_in_scope": in_scope,
    }
    outside, mixed = run(**terms), run(dated(choices), **terms)
    np.testing.assert_array_equal(
        by_practice(mixed, "saving_outside"), by_practice(outside, "saving_outside")
    )
    assert by_practice(mixed, *CONSERVED) == pytest.approx(
        by_practice(outside, *CONSERVED), rel=1e-9
    )


@laws
@given(deviations, deviations, shares)
def test_a_virtual_contract_leaves_every_legal_payment_as_it_is(emergency, outpatients, in_scope):
    terms = SHARING | {
        "emergency_deviation": emergency,
        "outpatients_deviation": outpatients,
        "emergency_in_scope": in_scope,
    }
    outside, virtual = run(**terms), run({code: steps((0, VIRTUAL)) for code in CODES}, **terms)
    for name in LEGAL:
        one, other = (
            np.broadcast_to(by_practice(r, name), (3, MONTHS)) for r in (outside, virtual)
        )
        np.testing.assert_array_equal(one, other)


def test_a_tenth_fewer_emergency_admissions_costs_other_contracts_a_tenth_of_them():
    """By practice: the line's rate × 10% × its people, a twelfth each month, in every form."""
    expected = run()
    model = of_one_scenario()
    rate = project(model, PRACTICES, None, MONTHS, variables=("emergency_rate",), compiled=False)[
        "emergency_rate"
    ].values.reshape(-1)
    people = by_practice(expected, "counted_population")
    for number in range(4):
        own = {code: steps((0, number)) for code in CODES}
        before, after = run(own), run(own, emergency_deviation=-0.1)
        less = by_practice(before, "other_contracts") - by_practice(after, "other_contracts")
        assert less == pytest.approx(rate * people * 0.1 / 12, rel=1e-9)


# ------------------------------------------------------------------------------- what is kept back


@pytest.mark.parametrize(("withheld", "quality"), [(1, 0.025), (0.6, 0.6), (0.1, 0.025)])
def test_no_more_is_withheld_than_there_is(withheld, quality):
    result = run(
        {code: steps((0, FULL)) for code in CODES},
        1,
        withheld_share=withheld,
        commissioning_for_quality_share=quality,
    )
    assert (by_practice(result, "budget_payment") >= 0).all()


# ------------------------------------------------------------------------------- size of a provider


@pytest.mark.parametrize(
    ("name", "short", "beyond"),
    [
        (SINGLE_NEIGHBOURHOOD, (18_500, 0), (0, 4_500)),
        (MULTI_NEIGHBOURHOOD, (228_500, 185_500), (0, 0)),
    ],
)
def test_a_neighbourhood_provider_says_how_far_its_people_are_from_its_size(name, short, beyond):
    """21,500 people; and three times as many: of 40,000 to 60,000, or of 250,000 and more."""
    wanted = ("people_short_of_provider", "people_beyond_provider", "provider_size_fits")
    still = shipped(name)
    still = replace(
        still,
        terms={**still.terms, "monthly_list_growth": still.terms["monthly_list_growth"].held_at(0)},
    )
    three_times = PRACTICES.copy(deep=True)
    for figure in ("registered_list", "weighted_list"):
        three_times[figure] = three_times[figure] * 3
    for number, practices in enumerate((PRACTICES, three_times)):
        here = practices.assign_attrs(fiscal_year="2025/26")
        result = project(still, here, months=1, variables=wanted, compiled=False)
        found = [np.unique(result[variable].values).tolist() for variable in wanted]
        fits = not short[number] and not beyond[number]
        assert found == [[short[number]], [beyond[number]], [float(fits)]]
