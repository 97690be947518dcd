"""Laws of a whole-population budget: how it grows, whom it counts, and that no money is lost."""

from __future__ import annotations

import datetime as dt
import functools
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from capitation.engine.calendar import months_after
from capitation.engine.terms import DatedValue
from capitation.model import Model
from capitation.model_file import load_model
from capitation.projection import project
from capitation.sources.payments import read_payments

from .strategies import practices_of, shipped

BUDGET = "out-of-hospital-budget"
FAMILY = (
    BUDGET,
    "better-local-care-mcp",
    "dudley-mcp",
    "fully-integrated-aco",
    "hampshire-accountable-care-system",
    "partially-integrated-aco",
    "portsmouth-virtual-mcp",
    "primary-and-acute-care-system",
)
START = dt.date(2017, 4, 1)
VIRTUAL, PARTIAL, FULL = 1, 2, 3
LINES = ("community", "mental_health", "prescribing", "emergency", "elective", "outpatients")

laws = settings(deadline=None, max_examples=15)
forms = st.integers(0, 3)
small = st.floats(-0.05, 0.05)
growth = st.floats(-0.01, 0.01)
shares = st.floats(0, 1)

PRACTICES = practices_of(
    [
        {
            "practice": f"P{number}",
            "contract_type": contract,
            "registered_list": float(size),
            "weighted_list": size * need,
            "global_sum": 70.0 * size if contract == "GMS" else 0.0,
            "correction_factor": 4000.0 if contract == "GMS" else 0.0,
            "pms_expenditure": 0.0 if contract == "GMS" else 88.0 * size,
            "seniority": 2.0 * size,
            "qof": 12.0 * size,
            "premises": 11.0 * size,
            "local_schemes": 6.0 * size,
            "other_payments": 9.0 * size,
        }
        for number, (contract, size, need) in enumerate(
            [("GMS", 7000, 1.05), ("PMS", 12_000, 0.96), ("APMS", 2500, 1.2)], start=1
        )
    ],
    fiscal_year="2016/17",
)
PAID = ("core_paid_to_practice", "quality_paid_to_practice", "local_schemes_paid_to_practice")
CONSERVED = (
    *PAID,
    "remaining_payments",
    "whole_population_budget",
    "quality_in_pool",
    "other_contracts",
)
COUNTS = (
    "counted_population",
    "population_in_contract",
    "services_budget",
    "rate_of_all",
    "rate_in_scope",
    "notional_budget",
    "contract_weighted_population",
    "population_of_all",
)
WANTED = (*CONSERVED, *COUNTS, "budget_payment")


TINY_RULES = '''
from capitation.vocabulary import MONTHS_PER_YEAR, rule

@rule(unit="GBP/month", assumption="By hand.")
def core_income(payment_weighted_list, core_price):
    """Core contract."""
    return payment_weighted_list * core_price / MONTHS_PER_YEAR

@rule(unit="GBP/month", assumption="By hand.")
def qof(base_qof):
    """Quality money."""
    return base_qof / MONTHS_PER_YEAR

@rule(unit="GBP/month", assumption="By hand.")
def local_schemes(base_local_schemes):
    """Local schemes."""
    return base_local_schemes / MONTHS_PER_YEAR

@rule(unit="GBP/month", assumption="By hand.")
def remaining_payments(base_premises):
    """Everything else."""
    return base_premises / MONTHS_PER_YEAR

@rule(unit="GBP/month", assumption="By hand.")
def improvement_withheld(services_budget, withheld):
    """Kept back."""
    return services_budget * withheld

@rule(unit="GBP/month", assumption="By hand.")
def saving_outside(services_budget):
    """Spend outside is as expected."""
    return 0 * services_budget
'''
TINY = """
name = "tiny"
title = "Two lines of services"
start = 2017-04-01
months = 25
rules = ["tiny_rules.py", "lists", "service_lines", "list_changes", "contract_forms"]
streams = ["core_paid_to_practice", "quality_paid_to_practice", "local_schemes_paid_to_practice",
  "remaining_payments", "budget_payment", "other_contracts"]

[service.community]
[service.emergency]

[scenario.one]
title = "One"
"""


@functools.cache
def tiny() -> Model:
    """The rules of the family by themselves, over two lines: every practice is outside."""
    terms = {
        "core_price": ("GBP/patient/year", 80),
        "withheld": ("1", 0.1),
        "patients_following": ("1", 0),
        "monthly_list_growth": ("1", 0.0009),
        "community_in_scope": ("1", 1),
        "community_cost_per_weighted_head": ("GBP/patient/year", 185),
        "emergency_cost_per_weighted_head": ("GBP/patient/year", 300),
    }
    text = [TINY]
    for name, (unit, value) in terms.items():
        text += [f'[term.{name}]\nunit = "{unit}"']
        text += [f'values = [{{ from = 2013-04-01, value = {value}, assumption = "By hand." }}]']
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "tiny_rules.py").write_text(TINY_RULES, "utf-8")
        path = Path(folder) / "tiny.toml"
        path.write_text("\n".join(text), "utf-8")
        return load_model(path)


def form(*steps: tuple[int, int]) -> tuple[DatedValue, ...]:
    """A practice's form from so many months after the start on."""
    return tuple(
        DatedValue(months_after(START, month), float(value), str(value), assumption="Chosen.")
        for month, value in steps
    )


def run(
    own: dict[str, tuple[DatedValue, ...]] | None = None,
    months: int = 15,
    wanted: tuple[str, ...] = WANTED,
    known: dict[str, xr.DataArray] | None = None,
    **terms: Any,
) -> xr.Dataset:
    """The tiny model with some terms set, some practices with forms of their own by date."""
    model = tiny()
    changed = {
        name: replace(term, values=(replace(term.values[0], value=float(term.number(value))),))
        for name, value in terms.items()
        for term in [model.terms[name]]
    }
    model = replace(
        model,
        terms={**model.terms, **changed},
        practice_terms={"contract_form": own} if own else {},
    )
    return project(model, PRACTICES, None, months, given=known, variables=wanted, compiled=False)


def lists(*growths: float, months: int = 15) -> xr.DataArray:
    """Lists of the three practices that grow by so much a month."""
    start = PRACTICES["registered_list"].values
    factor = (1 + np.array(growths))[:, None] ** np.arange(1, months + 1)
    stamps = [np.datetime64(months_after(START, month), "ns") for month in range(months)]
    return xr.DataArray(
        start[:, None] * factor,
        {"practice": PRACTICES["practice"].values, "month": stamps},
        ("practice", "month"),
    )


def in_form(number: int) -> dict[str, tuple[DatedValue, ...]]:
    """Every practice in one form from the start."""
    return {code: form((0, number)) for code in ("P1", "P2", "P3")}


# ------------------------------------------------------------------------------------- how it grows


@laws
@given(small, small, small, small, small, growth)
def test_a_line_grows_by_people_ages_demand_prices_less_efficiency(
    ages, demand, uplift, less, pace, lists_a_month
):
    result = run(
        in_form(PARTIAL),
        months=25,
        wanted=(
            "community_budget_of_contract",
            "community_rate_at_start",
            "payment_registered_list",
            "need_of_registered_patient",
            "community_rate",
        ),
        monthly_list_growth=lists_a_month,
        age_mix_growth=ages,
        community_growth=demand,
        cost_uplift=uplift,
        efficiency=max(less, 0),
        pace_of_change=pace,
    )
    line = result["community_budget_of_contract"].values.reshape(-1)
    people = (result["payment_registered_list"] * result["need_of_registered_patient"]).sum(
        "practice"
    )
    rate = (1 + demand) * (1 + uplift) * (1 - max(less, 0)) * (1 + pace)
    for april in (12, 24):
        moved = float(people[april] / people[april - 12])
        assert line[april] / line[april - 12] == pytest.approx(moved * (1 + ages) * rate, rel=1e-12)
    first = float(result["community_rate"].values.reshape(-1)[0])
    start = float(result["community_rate_at_start"].values.reshape(-1)[0])
    assert first == pytest.approx(start * rate, rel=1e-12)


@laws
@given(small, shares, growth, growth)
def test_by_allocation_growth_all_the_money_grows_with_the_allocation_whatever_the_lists(
    allocation, follows, one, other
):
    result = run(
        months=15,
        known={"registered_list": lists(one, other, 0.0)},
        wanted=("community_rate", "population_of_all", "community_baseline_at_start"),
        budget_basis="allocation growth",
        allocation_growth=allocation,
        allocation_growth_share=follows,
    )
    money = (result["community_rate"] * result["population_of_all"]).values.reshape(-1)
    start = result["community_baseline_at_start"].values.item()
    assert money[:12] == pytest.approx(start * (1 + allocation * follows), rel=1e-12)
    assert money[12:] == pytest.approx(start * (1 + allocation * follows) ** 2, rel=1e-12)


@laws
@given(st.floats(-1e6, 1e6))
def test_what_is_moved_from_one_line_to_another_is_neither_lost_nor_made(moved):
    wanted = ("rate_of_all", "community_rate", "emergency_rate")
    still = {"community_growth": 0, "emergency_growth": 0}
    before = run(wanted=wanted, months=13, **still)
    after = run(
        wanted=wanted, months=13, community_transfers=moved, emergency_transfers=-moved, **still
    )
    assert after["rate_of_all"].values == pytest.approx(before["rate_of_all"].values, rel=1e-9)
    risen = np.sign(after["community_rate"].values - before["community_rate"].values)
    assert abs(moved) < 1 or np.all(risen == np.sign(moved))


# ----------------------------------------------------------------------------------- whom it counts


@laws
@given(small, growth)
def test_age_mix_is_counted_by_one_factor_or_by_weighted_lists_never_by_both(ages, one):
    weighted = {"weighted_list": lists(one, one, one)}
    wanted = ("counted_population",)
    without = run(wanted=wanted, age_mix_growth=ages)
    with_lists = run(wanted=wanted, age_mix_growth=ages, known=weighted)
    assert with_lists["counted_population"].equals(without["counted_population"])
    by_lists = run(wanted=wanted, known=weighted, age_mix_from_weighted_list=1)
    with_ages = run(
        wanted=wanted, known=weighted, age_mix_from_weighted_list=1, age_mix_growth=ages
    )
    assert with_ages["counted_population"].equals(by_lists["counted_population"])


@laws
@given(st.tuples(growth, growth, growth), st.floats(0, 0.02), st.floats(0, 1), st.floats(0, 1))
def test_the_years_plan_stands_within_the_tolerance_and_moves_by_shares_beyond_it(
    moves, tolerance, joiner, leaver
):
    wanted = ("counted_population", "population_in_contract", "contract_weighted_population")
    result = run(
        in_form(PARTIAL),
        months=12,
        wanted=wanted,
        known={"registered_list": lists(*moves, months=12)},
        list_change_tolerance=tolerance,
        joiner_share=joiner,
        leaver_share=leaver,
    )
    counted = result["counted_population"].transpose("practice", ...).values.reshape(3, 12)
    paid = result["population_in_contract"].transpose("practice", ...).values.reshape(3, 12)
    plan = counted[:, :1]
    change = counted - plan
    beyond = np.abs(change.sum(axis=0)) > tolerance * plan.sum()
    expected = plan + beyond * np.where(change > 0, joiner, leaver) * change
    assert paid == pytest.approx(expected, rel=1e-12)
    total = result["contract_weighted_population"].values.reshape(-1)
    assert total == pytest.approx(expected.sum(axis=0), rel=1e-12)


def test_a_practice_that_joins_or_leaves_within_the_year_brings_and_takes_its_people():
    own = in_form(PARTIAL) | {"P2": form((0, 0), (5, PARTIAL), (9, 0))}
    stays, moves = run(in_form(PARTIAL)), run(own)
    whole = stays["contract_weighted_population"].values.reshape(-1)
    of_it = stays["population_in_contract"].sel(practice="P2").values.reshape(-1)
    inside = np.isin(np.arange(15), range(5, 9))
    assert moves["contract_weighted_population"].values.reshape(-1) == pytest.approx(
        np.where(inside, whole, whole - of_it), rel=1e-12
    )


# ----------------------------------------------------------------------------------- contract forms


@laws
@given(
    st.tuples(forms, forms, forms),
    st.integers(1, 14),
    st.tuples(forms, forms, forms),
    st.sampled_from(["rate per weighted head", "allocation growth", "agreed price"]),
    shares,
    shares,
)
def test_whatever_the_form_a_practice_has_the_same_money_inside_and_outside_the_budget(
    first, month, second, basis, in_scope, followed
):
    chosen = {"budget_basis": basis, "agreed_price": 9e6, "emergency_in_scope": in_scope}
    chosen |= {"list_change_tolerance": 0, "joiner_share": in_scope}
    outside = run(**chosen)
    own = {
        f"P{n}": form((0, a), (month, b))
        for n, (a, b) in enumerate(zip(first, second, strict=True), start=1)
    }
    mixed = run(own, **chosen, patients_following=followed)
    assert conserved(mixed) == pytest.approx(conserved(outside), rel=1e-9)


def conserved(result: xr.Dataset) -> np.ndarray:
    """All of a practice's money by month, but what achievement and shares of gains pay."""
    money = sum(result[name] for name in CONSERVED)
    return money.transpose("practice", ...).values.reshape(3, -1)


def test_a_virtual_contract_leaves_every_payment_as_it_is_and_notes_what_it_would_hold():
    outside, virtual, partial = run(), run(in_form(VIRTUAL)), run(in_form(PARTIAL))
    for name in (*CONSERVED, "budget_payment"):
        a, b = (
            r[name].transpose("practice", ...).values.reshape(3, -1) for r in (outside, virtual)
        )
        np.testing.assert_array_equal(np.broadcast_to(a, (3, 15)), np.broadcast_to(b, (3, 15)))
    noted = virtual["notional_budget"].values
    assert noted == pytest.approx(partial["whole_population_budget"].values, rel=1e-12)
    assert not partial["notional_budget"].values.any()


@laws
@given(st.integers(1, 6), st.integers(1, 6), st.sampled_from([PARTIAL, FULL]), forms)
def test_a_practice_that_leaves_and_comes_back_is_as_if_it_had_stayed(leaves, away, held, other):
    stayed = run(in_form(held))
    own = in_form(held) | {"P1": form((0, held), (leaves, other), (leaves + away, held))}
    returned = run(own)
    for name in (*CONSERVED, "budget_payment"):
        after = [r[name].isel(month=slice(leaves + away, None)) for r in (stayed, returned)]
        np.testing.assert_array_equal(after[0].values, after[1].values)


def test_forms_differ_in_what_they_hold():
    paid = {number: run(in_form(number)) for number in range(4)}
    for number, held in paid.items():
        core = held["core_paid_to_practice"].values
        assert core.any() == (number != FULL)
        assert held["quality_paid_to_practice"].values.any() == (number < PARTIAL)
        assert held["local_schemes_paid_to_practice"].values.any() == (number < PARTIAL)
        assert held["services_budget"].values.any() == (number >= PARTIAL)
    more = paid[FULL]["whole_population_budget"] - paid[PARTIAL]["whole_population_budget"]
    assert more.values == pytest.approx(paid[PARTIAL]["core_paid_to_practice"].values, rel=1e-9)


@laws
@given(st.tuples(forms, forms, forms), st.floats(1e6, 1e8))
def test_an_agreed_price_is_shared_in_full_whoever_is_in(own_forms, price):
    own = {f"P{number}": form((0, f)) for number, f in enumerate(own_forms, start=1)}
    result = run(
        own,
        wanted=("services_of_contract", "services_budget"),
        budget_basis="agreed price",
        agreed_price=price,
    )
    shared = result["services_of_contract"].sum("practice").values.reshape(-1)
    assert shared == pytest.approx(price / 12 if any(own_forms) else 0, rel=1e-12)


def test_lines_add_up_to_the_services_of_the_contract():
    wanted = (
        "community_budget_of_contract",
        "emergency_budget_of_contract",
        "services_of_contract",
    )
    for basis in ("rate per weighted head", "agreed price"):
        result = run(
            in_form(PARTIAL),
            wanted=wanted,
            budget_basis=basis,
            agreed_price=9e6,
            emergency_in_scope=0.5,
        )
        lines = sum(result[name].values.reshape(-1) for name in wanted[:-1])
        of_practices = result["services_of_contract"].sum("practice").values.reshape(-1)
        assert lines == pytest.approx(of_practices, rel=1e-12)


# --------------------------------------------------------------------------------------- the models


def area(name: str) -> xr.Dataset:
    """The same three practices, of the model's first commissioner where it has one."""
    of = shipped(name).commissioners
    return PRACTICES.assign_coords(commissioner=("practice", [of[0] if of else "C1"] * 3))


@pytest.mark.parametrize("name", FAMILY)
def test_every_model_of_the_family_pays_everything_to_somebody(name):
    result = project(shipped(name), area(name), months=26, start=START)
    assert len(result["scenario"]) >= 3
    assert np.isfinite(result["total_payments"].values).all()
    money = sum(result[stream] for stream in CONSERVED)
    same = "rate_of_all" not in result or "scenario" not in result["rate_of_all"].dims
    if same and "scenario" in money.dims:
        for scenario in money["scenario"].values[1:]:
            np.testing.assert_allclose(
                money.sel(scenario=scenario), money.isel(scenario=0), rtol=1e-9
            )


def test_dudley_starts_from_what_was_spent_in_2016_17():
    result = project(shipped("dudley-mcp"), area("dudley-mcp"), months=1)
    first = result.isel(month=0, drop=True)
    services = sum(first[f"{line}_baseline_at_start"] * first[f"{line}_in_scope"] for line in LINES)
    million = float(np.ravel(services.values)[0]) / 1e6
    assert million == pytest.approx(244.3 - 25 - 4.7)
    assert round((million + 25 + 4.7) * 1e6 / 318_492) == 767


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("portsmouth-virtual-mcp", ["10R"]),
        ("better-local-care-mcp", ["10K", "10V"]),
        ("hampshire-accountable-care-system", ["10R", "10K", "10V"]),
    ],
)
def test_portsmouth_and_hampshire_on_the_payments_of_2016_17(
    reference_data: Path, name: str, codes: list[str]
):
    practices = read_payments(reference_data / "gp_payments_2016_17.csv")
    here = practices.sel(practice=np.isin(practices["commissioner"].values, codes))
    wanted = ("notional_budget", "total_payments")
    result = project(name, here, months=24, start=START, variables=wanted)
    assert sorted(result["commissioner_code"].values) == sorted(codes)
    assert (result["total_payments"].sum("practice") > 0).all()
    virtual = result["notional_budget"].sel(scenario="virtual").isel(month=slice(12, 24))
    per_head = float(virtual.sum()) / float(here["registered_list"].sum())
    assert 300 < per_head < 800
