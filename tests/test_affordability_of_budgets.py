"""Whether a whole-population budget can be afforded: what its tests must obey."""

from __future__ import annotations

import functools
import json
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import capitation as cap
from capitation.affording import NOT_TESTED, affordability
from capitation.cli.affordability_summary import summary_of, words_of
from capitation.cli.asked import Asked
from capitation.errors import InputError
from capitation.projection import project
from capitation.switching import switching_values
from capitation.what_if import with_preset, with_terms

from .strategies import (
    BETTER_LOCAL_CARE,
    FULLY_INTEGRATED,
    INTEGRATED_HEALTH,
    OUT_OF_HOSPITAL,
    PARTIALLY_INTEGRATED,
    PORTSMOUTH,
    PRIMARY_AND_ACUTE,
    practices_of,
    shipped,
)

FEW = settings(max_examples=5, deadline=None)
INTEGRATED = "partially-integrated"
SHARED_AROUND = "multilateral-gain-loss"
OUTSIDE, VIRTUAL = 0, 1
STEADY = {"monthly_list_growth": 0.0, "age_mix_growth": 0.0}


@functools.cache
def practices() -> xr.Dataset:
    figures = {"qof": 60_000.0, "local_schemes": 20_000.0, "premises": 30_000.0}
    return practices_of(
        (
            {
                "registered_list": n,
                "weighted_list": n * need,
                "global_sum": 75 * n,
                **figures,
            }
            for n, need in ((5000.0, 1.1), (12_000.0, 0.95))
        ),
        fiscal_year="2016/17",
    )


def run(
    name: str = OUT_OF_HOSPITAL,
    scenarios: tuple[str, ...] | None = (INTEGRATED,),
    months: int = 12,
    wanted: tuple[str, ...] = ("provider_gap", "commissioner_gap"),
    preset: str | None = None,
    **changes: Any,
) -> xr.Dataset:
    model = shipped(name)
    model = with_preset(model, preset) if preset else model
    chosen = None if scenarios is None else list(scenarios)
    model = with_terms(model, changes)
    return project(model, practices(), chosen, months, variables=wanted, compiled=False)


def first(result: xr.Dataset, name: str) -> float:
    return float(result[name].isel(year=0).sum())


# ------------------------------------------------------------------ gains of others


@FEW
@given(deviation=st.floats(-0.15, 0.15))
def test_the_commissioner_keeps_its_own_part_of_the_pool_and_no_other(deviation):
    wanted = ("commissioner_gap", "gain_to_commissioner", "gain_or_loss")
    # On lists that stand still, so that the contract plans for the people who are there.
    as_expected = run(preset=SHARED_AROUND, wanted=wanted, **STEADY)
    deviating = run(preset=SHARED_AROUND, wanted=wanted, emergency_deviation=deviation, **STEADY)
    better = first(as_expected, "commissioner_gap") - first(deviating, "commissioner_gap")
    assert better == pytest.approx(first(deviating, "gain_to_commissioner"), abs=0.05)
    if abs(deviation) > 0.05:
        assert 0 < better / first(deviating, "gain_or_loss") < 1


def test_gains_of_others_are_settled_in_march_and_not_in_a_virtual_contract():
    wanted = ("gains_of_others", "gain_to_acute", "gain_to_community", "gain_to_council")
    found = run(
        preset=SHARED_AROUND,
        scenarios=("virtual", INTEGRATED),
        wanted=wanted,
        emergency_deviation=-0.07,
    )
    by_month = found["gains_of_others"].squeeze()
    assert not by_month.sel(scenario="virtual").any()
    paid = by_month.sel(scenario=INTEGRATED).values
    parts = sum(found[name].sel(scenario=INTEGRATED) for name in wanted[1:])
    assert paid[:-1].tolist() == [0] * 11
    assert paid[-1] > 0
    assert paid[-1] == pytest.approx(float(parts.squeeze()))


# ------------------------------------------------------------------ a practice that came back


def test_a_practice_that_has_come_back_has_nothing_of_those_who_stayed():
    wanted = ("practice_gap", "core_in_budget", "quality_in_pool", "local_schemes_in_budget")
    found = run(
        FULLY_INTEGRATED, ("all-leave-at-second-window",), 60, wanted, withheld_share=0
    ).squeeze("scenario")
    before, after = found["practice_gap"].isel(year=slice(4)), found["practice_gap"].isel(year=4)
    np.testing.assert_allclose(before, 0, atol=0.01)
    # Four in five stayed behind: their money is in the budget, and none of it is passed on.
    stayed = sum(found[name].isel(month=slice(48, 60)).sum("month") for name in wanted[1:])
    np.testing.assert_allclose(after, stayed, rtol=0, atol=0.01)
    assert (after > 0).all()


# ------------------------------------------------------------------ joiners


@FEW
@given(growth=st.floats(-0.02, 0.02), shares=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_joiners_who_are_not_paid_for_never_help_the_provider(growth, shares):
    gaps = [
        first(run(monthly_list_growth=growth, joiner_share=share), "provider_gap")
        for share in sorted(shares)
    ]
    assert gaps[0] >= gaps[1] - 0.01


def test_care_costs_what_it_does_for_the_people_who_are_there():
    wanted = ("do_nothing_of_practice", "do_nothing_rate_in_scope", "counted_population")
    own = ("local_schemes_in_budget", "quality_in_pool")
    found = run(
        wanted=(*wanted, *own),
        monthly_list_growth=0.02,
        joiner_share=0,
        share_of_services_held=0.5,
    ).squeeze("scenario")
    services = found["do_nothing_of_practice"] - sum(found[name] for name in own)
    expected = found["do_nothing_rate_in_scope"] * found["counted_population"] * 0.5 / 12
    assert np.ptp(found["counted_population"].values, axis=-1).min() > 0
    np.testing.assert_allclose(*xr.broadcast(services, expected), rtol=1e-9)


# ------------------------------------------------------------------ savings and when they begin


@pytest.mark.parametrize("form", [OUTSIDE, VIRTUAL])
def test_nothing_is_saved_or_set_up_where_nobody_is_integrated(form):
    found = run(
        contract_form=form,
        savings_promised=1e6,
        savings_promised_share=0.1,
        setup_cost_of_year=5e5,
        double_running_share=0.1,
    )
    assert first(found, "provider_gap") == 0


def test_the_contracts_months_are_counted_from_its_own_first():
    wanted = ("months_of_contract", "saving_delivered")
    found = run(
        PORTSMOUTH,
        ("then-partially-integrated",),
        40,
        wanted,
        savings_promised=1.2e6,
        savings_lag=12,
    ).squeeze()
    # Virtual from June 2017, integrated in April 2019: savings come from April 2020 on.
    assert found["months_of_contract"].values.tolist() == [0] * 24 + [*range(1, 17)]
    np.testing.assert_allclose(found["saving_delivered"], [0] * 36 + [1e5] * 4)


@pytest.mark.parametrize(
    ("name", "nothing"),
    [
        (OUT_OF_HOSPITAL, INTEGRATED),
        (PARTIALLY_INTEGRATED, "rate-per-weighted-head"),
        (PRIMARY_AND_ACUTE, INTEGRATED),
    ],
)
def test_savings_that_come_late_widen_the_first_gap_and_narrow_the_later_ones(name, nothing):
    found = run(name, (nothing, "savings-promised"), 36, ("provider_gap",))["provider_gap"]
    found = found.squeeze("commissioner_code")
    more = (found.sel(scenario="savings-promised") - found.sel(scenario=nothing)).values
    assert more[0] > 0 > more[1] > more[2]
    assert len(shipped(name).scenarios) <= 5


def test_a_loss_that_is_taken_back_pays_no_tax_back():
    found = run(
        preset=SHARED_AROUND,
        wanted=("value_added_tax_leakage", "double_running", "provider_income_of_month"),
        emergency_deviation=2,
        third_loss_share=1,
        fourth_loss_share=1,
        loss_cap_on_expected=0,
        loss_cap_on_income=0,
        provider_legal_form="company",
        sub_contracted_share=1,
        double_running_share=0.1,
    )
    assert float(found["provider_income_of_month"].min()) < 0
    assert float(found["value_added_tax_leakage"].min()) == 0
    assert float(found["double_running"].min()) == 0


# ------------------------------------------------------------------ years without their March


def asked(name: str, months: int) -> Asked:
    files: dict[str, Any] = dict.fromkeys(("inputs", "given", "practice_terms", "hubs"))
    files["input"] = {"source": "rows.csv", "sha256": ""}
    codes = practices()["practice"].values.tolist()
    return Asked(shipped(name), practices(), None, months, files, {}, codes, None)


def test_a_year_that_ends_before_its_march_is_not_tested():
    result = project(
        shipped(FULLY_INTEGRATED), practices(), ["nobody-leaves"], months=15, compiled=False
    )
    tested = affordability(result)
    assert tested["tested"].values.tolist() == [True, False]
    # Money that waits for its March is short only in what is not tested.
    assert (tested["practice_gap"].isel(year=1) > 0).all()
    assert tested["practice_gap_passes_every_year"].all()
    assert tested["practice_gap_passes_on_average"].all()
    assert not tested["practice_gap_passes"].isel(year=1).any()
    assert not tested["practices_failing"].any()
    np.testing.assert_array_equal(tested["provider_gap_mean"], tested["provider_gap"].isel(year=0))

    summary = summary_of(result, tested, None, asked(FULLY_INTEGRATED, 15))
    assert summary["not_tested"] == {"2018/19": NOT_TESTED}
    of = summary["tests"]["nobody-leaves"]["practice_gap"]
    assert of["passes"] == {"2017/18": True, "2018/19": None}
    assert of["practices_failing"] == {"2017/18": 0, "2018/19": None}
    json.dumps(summary, allow_nan=False)
    words = words_of(summary, result, tested, None)
    assert "2018/19 is not tested: it ends before March." in words
    assert "2018/19 (not tested)" in words


@pytest.mark.parametrize(("months", "tested"), [(12, [True]), (13, [True, False])])
def test_a_year_is_tested_from_its_march_on(months, tested):
    result = project(shipped(OUT_OF_HOSPITAL), practices(), ["virtual"], months, compiled=False)
    assert affordability(result)["tested"].values.tolist() == tested


def test_a_run_without_a_march_is_refused():
    result = project(shipped(OUT_OF_HOSPITAL), practices(), ["virtual"], 11, compiled=False)
    with pytest.raises(InputError, match="at least 12 months from an April"):
        affordability(result)
    with pytest.raises(InputError, match="as many as reach the first March"):
        switching_values(OUT_OF_HOSPITAL, practices(), ["savings_promised"], months=11)


# ------------------------------------------------------------------ services that are moved


@FEW
@given(moved=st.floats(-5e5, 2e6), held=st.sampled_from([0.0, 1.0]))
def test_money_moves_with_services(moved, held):
    """On lists that stand still the commissioner has for a service what it pays for it."""
    still, moving = (
        run(
            months=24,
            wanted=("commissioner_gap",),
            community_in_scope=held,
            community_transfers=amount,
            allocation_in_base_year=1e8,
            reserves_share=0,
            **STEADY,
        )
        for amount in (0.0, moved)
    )
    np.testing.assert_allclose(
        moving["commissioner_gap"], still["commissioner_gap"], rtol=0, atol=0.05
    )


# ------------------------------------------------------------------ the hospital's payment


def test_how_the_hospital_is_paid_decides_what_diversion_does_to_the_gap():
    wanted = ("provider_gap", "net_saving_of_diversion")
    forms = ("hospital-fixed", "hospital-variable", "hospital-blended")
    found = run(INTEGRATED_HEALTH, forms, 24, wanted).squeeze("commissioner_code").isel(year=1)
    gaps = found["provider_gap"] - found["provider_gap"].sel(scenario="hospital-fixed")
    worth = found["net_saving_of_diversion"]
    worth = worth - worth.sel(scenario="hospital-fixed")
    np.testing.assert_allclose(gaps, -worth, rtol=0, atol=1e-3)
    fixed, variable, blended = found["provider_gap"].values
    assert variable < blended < fixed


def test_the_parts_of_every_gap_add_up_to_it_with_hospital_and_gains_of_others():
    model = with_terms(
        with_preset(shipped(INTEGRATED_HEALTH), SHARED_AROUND),
        {"emergency_deviation": -0.1, "emergency_in_scope": 0.5},
    )
    result = project(model, practices(), ["hospital-variable"], 24, compiled=False)
    tested = affordability(result)
    for test in ("provider_gap", "commissioner_gap"):
        parts = tested[f"{test}_parts"]
        np.testing.assert_allclose(parts.sum(f"{test}_part"), tested[test], rtol=0, atol=1e-4)
        added = {"provider_gap": "saving_of_diversion", "commissioner_gap": "gains_of_others"}
        assert parts.sel({f"{test}_part": f"{added[test]}_of_year"}).any()


# ------------------------------------------------------------------ Better Local Care


def test_each_of_two_groups_has_half_of_the_vanguards_money():
    two = practices().assign_coords(commissioner=("practice", ["10K", "10V"]))
    two.attrs["fiscal_year"] = "2014/15"
    wanted = (
        "transformation_funding_of_year",
        "transformation_not_awarded_of_year",
        "integrator_procurement_of_year",
        "do_nothing_cost",
    )
    model = shipped(BETTER_LOCAL_CARE)
    result = project(model, two, ["integrator"], 36, variables=wanted, compiled=False)
    found = {name: result[name].sum("commissioner_code").squeeze().values for name in wanted}
    np.testing.assert_allclose(found[wanted[0]], [7.26e6, 4.3e6, 0])
    np.testing.assert_allclose(found[wanted[1]], [0, 12.4e6, 0], atol=1e-6)
    np.testing.assert_allclose(found[wanted[2]], [0, 5e5, 0])
    assert found[wanted[3]][:2].tolist() == [0, 0]
    assert found[wanted[3]][2] > 0


def test_the_first_year_is_the_contract_s_and_a_virtual_one_has_none():
    few = cap.example_practices().isel(practice=slice(0, 3))
    model = cap.load_model("portsmouth-virtual-mcp")
    scenarios = ["virtual", "then-fully-integrated"]
    tested = cap.affordability(cap.project(model, few, scenarios))
    assert tested["first_year"].values.tolist() == ["2017/18", "2019/20"]
    assert tested["has_budget"].values.tolist() == [False, True]
    gap = tested["provider_gap"].sel(scenario="then-fully-integrated", year="2019/20")
    passes = tested["provider_gap_passes_first_year"].sel(scenario="then-fully-integrated")
    assert passes.item() == (gap.item() < 0.01)
    switched = cap.switching_values(
        model, few, ["savings_promised"], scenario="then-fully-integrated"
    )
    assert switched.attrs["year"] == "2019/20"
    assert float(switched["gap"]) == pytest.approx(gap.item())
