"""Whether a contract can be afforded: the tests, what they must obey, and UnitingCare."""

from __future__ import annotations

import dataclasses
import functools
import json
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from capitation.affording import PARTS, affordability
from capitation.cli.affordability_summary import summary_of, words_of
from capitation.cli.asked import Asked
from capitation.errors import InputError
from capitation.model import Model, Scenario
from capitation.model_file import load_model
from capitation.projection import project
from capitation.switching import SWITCHED, switching_values
from capitation.what_if import with_terms

from .strategies import practices_of

UNITING_CARE = "uniting-care"
SANDWELL = "sandwell-co-commissioning"
VANGUARDS = "vanguard-programme"

FEW = settings(max_examples=6, deadline=None)


@functools.cache
def model(name: str = UNITING_CARE) -> Model:
    return load_model(name)


@functools.cache
def practices() -> xr.Dataset:
    """Two commissioners, one of them with a practice that nobody is registered with."""
    figures = {"global_sum": 400_000.0, "qof": 60_000.0, "local_schemes": 20_000.0}
    return practices_of(
        {"commissioner": area, "registered_list": n, "weighted_list": n * 1.1, **figures}
        for area, n in (("C1", 5000.0), ("C1", 12_000.0), ("C2", 8000.0), ("C2", 0.0))
    )


@functools.cache
def one_commissioner() -> xr.Dataset:
    return practices().isel(practice=[0, 1])


@functools.cache
def uniting_care() -> xr.Dataset:
    return affordability(project(model(), one_commissioner(), compiled=False))


def gap(changes: dict[str, float], *, test: str = "provider_gap", months: int = 12) -> float:
    changed = with_terms(model(), changes)
    result = project(
        changed, one_commissioner(), ["as-signed"], months, variables=[test], compiled=False
    )
    return float(result[test].isel(year=0).max())


# ------------------------------------------------------------------------------ UnitingCare


def test_uniting_care_fails_in_its_first_year_by_the_sum_that_is_known():
    first = uniting_care().isel(commissioner_code=0, year=0).sel(scenario="as-signed")
    parts = first["provider_gap_parts"].to_series() / 1e6
    assert parts["provider_income"] == pytest.approx(-152)
    assert parts["setup_cost_spent_of_year"] == pytest.approx(8.9)
    assert parts["savings_delivered"] == 0
    # £904m over five years, 3% more each year: 904 ÷ (1 + 1.03 + … + 1.03⁴) in the first.
    assert parts["do_nothing_cost"] == pytest.approx(904 / sum(1.03**n for n in range(5)))
    assert parts["value_added_tax_leakage_of_year"] == pytest.approx(152 * 0.1 * 0.2)
    assert float(first["provider_gap"]) == pytest.approx(30e6, rel=0.02)
    assert not first["provider_gap_passes"]
    assert not first["provider_gap_passes_first_year"]


def test_the_price_that_was_bid_adds_up_and_falls_while_need_rises():
    of = uniting_care().isel(commissioner_code=0).sel(scenario="as-signed")
    parts = of["provider_gap_parts"].sel(provider_gap_part=["provider_income", "do_nothing_cost"])
    assert (parts.sum("year").values / 1e6).tolist() == pytest.approx([-726, 904])
    assert of["price_falls_as_need_rises"].values.tolist() == [False, True, True, True, True]


@pytest.mark.parametrize(
    ("scenario", "passes"),
    [
        ("as-signed", False),
        ("at-the-ceiling", False),
        ("tax-recovered", False),
        ("savings-on-time", False),
        ("all-mended", True),
    ],
)
def test_no_single_mend_would_have_made_the_first_year_pass(scenario, passes):
    assert bool(uniting_care()["provider_gap_passes_first_year"].sel(scenario=scenario)) == passes


def test_the_commissioner_passes_until_the_provider_cannot_pay():
    first = uniting_care().sel(scenario="as-signed").isel(commissioner_code=0, year=0)
    assert first["commissioner_gap_passes"]
    assert not first["commissioner_gap_with_provider_passes"]
    guaranteed = gap({"parent_guarantee": 1}, test="commissioner_gap_with_provider")
    assert guaranteed == pytest.approx(float(first["commissioner_gap"]))


def test_a_test_of_the_mean_would_have_passed_a_first_year_that_fails():
    # At the ceiling, with tax had back and three quarters of the setting up paid by somebody else.
    scenario = Scenario(
        "mean",
        "",
        with_terms(
            model(), {"contract_price": 752e6, "provider_legal_form": 0, "price_on_top": 1e6}
        ).terms,
    )
    changed = dataclasses.replace(model(), scenarios={"mean": scenario})
    of = affordability(project(changed, one_commissioner(), compiled=False))
    of = of.isel(scenario=0, commissioner_code=0)
    assert of["provider_gap_passes_on_average"]
    assert not of["provider_gap_passes_first_year"]
    assert not of["provider_gap_passes_every_year"]
    assert of["provider_gap_passes"].values.tolist() == [False, True, True, True, True]


# ------------------------------------------------------------------------------------- laws


def test_the_parts_of_a_gap_add_up_to_it():
    for test in PARTS:
        parts = uniting_care()[f"{test}_parts"].sum(f"{test}_part")
        np.testing.assert_allclose(parts, uniting_care()[test], rtol=0, atol=1e-4)


@FEW
@given(
    st.lists(st.floats(0, 24), min_size=2, max_size=2),
    st.lists(st.floats(0, 24), min_size=2, max_size=2),
    st.lists(st.floats(0, 1.5), min_size=2, max_size=2),
    st.lists(st.floats(5e8, 1e9), min_size=2, max_size=2),
)
def test_later_and_smaller_savings_and_a_lower_price_never_narrow_the_gap(
    lags, build_ups, shares, prices
):
    # Tax on a higher price leaks at a fiftieth of it, so that the price still narrows the gap.
    better = {
        "savings_lag": min(lags),
        "savings_build_up": min(build_ups),
        "savings_delivered_share": max(shares),
        "contract_price": max(prices),
    }
    worse = {
        "savings_lag": max(lags),
        "savings_build_up": max(build_ups),
        "savings_delivered_share": min(shares),
        "contract_price": min(prices),
    }
    now = gap(better)
    for term, value in worse.items():
        assert gap(better | {term: value}) >= now - 1e-6


@FEW
@given(
    term=st.sampled_from(["contract_price", "price_on_top"]),
    lag=st.sampled_from([0, 6, 12]),
    price=st.sampled_from([600e6, 726e6, 800e6]),
)
def test_a_switching_value_closes_the_gap_and_short_of_it_the_gap_is_open(term, lag, price):
    changed = with_terms(model(), {"savings_lag": lag, "contract_price": price})
    found = switching_values(changed, one_commissioner(), [term]).squeeze()
    value, at = float(found["value"]), float(found["switching_value"])
    held = {"savings_lag": lag, "contract_price": price}
    assert gap(held | {term: at}) < 0.01
    short = at + (value - at) * 1e-4
    assert (gap(held | {term: short}) >= 0.01) == (float(found["gap"]) >= 0.01)


def test_a_lag_that_moves_savings_by_whole_months_has_a_switching_value_too():
    changes = {"price_on_top": 5e6, "savings_lag": 12, "savings_delivered_share": 2}
    changed = with_terms(model(), changes)
    found = switching_values(changed, one_commissioner(), ["savings_lag"]).squeeze()
    at = float(found["switching_value"])
    assert 0 < at < 12
    assert gap(changes | {"savings_lag": at}) < 0.01 <= gap(changes | {"savings_lag": at + 1e-6})


def test_what_cannot_close_a_gap_has_no_switching_value():
    found = switching_values(UNITING_CARE, one_commissioner(), ["setup_cost_of_year"]).squeeze()
    assert np.isnan(found["switching_value"])
    assert np.isnan(found["gap_at_switching_value"])


def test_the_usual_terms_are_switched_where_none_is_named():
    found = switching_values(UNITING_CARE, one_commissioner(), scenario="savings-on-time")
    names = found["term"].values.tolist()
    assert set(names) <= set(SWITCHED)
    assert {"contract_price", "savings_lag", "price_on_top"} <= set(names)
    assert found.attrs["year"] == "2015/16"


@FEW
@given(level=st.integers(0, 2), growth=st.floats(-0.01, 0.01))
def test_what_commissioner_and_national_body_hold_is_the_whole(level, growth):
    changed = with_terms(
        model(SANDWELL), {"co_commissioning_level": level, "monthly_list_growth": growth}
    )
    result = project(changed, practices(), ["delegated"], 14, compiled=False)
    ours, theirs = (
        result[f"practice_money_held_by_{body}"] for body in ("commissioner", "national_body")
    )
    np.testing.assert_allclose(ours + theirs, result["total_payments"], rtol=0, atol=1e-9)
    held = ours if level == 2 else theirs
    np.testing.assert_array_equal(held, result["total_payments"])


# -------------------------------------------------------------------------- programme money


def test_awards_add_up_as_they_were_published():
    result = project(model(VANGUARDS), one_commissioner(), compiled=False)
    awarded = result["transformation_funding_of_year"].isel(commissioner_code=0)
    matched = result["transformation_matched_of_year"].isel(commissioner_code=0)
    titles = {s.name: s.title for s in model(VANGUARDS).scenarios.values()}
    pacs = [name for name, title in titles.items() if "(PACS)" in title]
    first = {"scenario": pacs, "year": "2015/16"}
    assert len(pacs) == 9
    assert float(awarded.sel(first).sum()) == pytest.approx(45.85e6)
    assert float(matched.sel(first).sum()) == pytest.approx(49.43e6)
    better_local_care = {"scenario": "better-local-care", "year": "2016/17"}
    not_awarded = result["transformation_not_awarded_of_year"].isel(commissioner_code=0)
    assert float(not_awarded.sel(better_local_care)) == pytest.approx(12.4e6)
    dudley = result["saving_needed_without_funding"].sel(scenario="dudley").isel(month=12)
    assert float(dudley.max()) == pytest.approx(4.4 / 244.3)
    paid = result["transformation_payment"].sum("practice") * 12
    np.testing.assert_allclose(paid.isel(month=0), awarded.isel(year=0), rtol=1e-12)


def test_staff_of_co_commissioning_are_a_part_of_the_money_held():
    result = project(model(SANDWELL), practices(), months=12, compiled=False)
    staff = result["commissioning_staff_of_year"].isel(commissioner_code=0, year=0)
    assert staff.values.tolist() == pytest.approx([963_966, 1_000_000, 481_983, 0])
    share = result["commissioning_staff_share"].sel(scenario="joint")
    assert not share.any()


# ---------------------------------------------------------------------------------- refusals


def test_a_result_without_a_test_is_refused():
    with pytest.raises(InputError, match="no test of affordability"):
        affordability(project(model(SANDWELL), practices(), months=1, compiled=False))


def test_a_part_of_a_result_is_refused():
    result = project(model(), practices(), ["as-signed"], 12, compiled=False)
    with pytest.raises(InputError, match="cut out"):
        affordability(result.isel(practice=[0]))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"terms": ["contract_prise"]}, "contract_price"),
        ({"terms": ["global_sum_price"]}, "does not read"),
        ({"test": "provider"}, "provider_gap"),
        ({"scenario": "signed"}, "as-signed"),
    ],
)
def test_what_cannot_be_switched_is_refused_with_the_nearest(asked, said):
    with pytest.raises(InputError, match=said):
        switching_values(UNITING_CARE, practices(), **asked)


# ------------------------------------------------------------------------------------- words


def test_one_scenario_of_a_result_is_tested_as_the_whole_is():
    result = project(model(), one_commissioner(), compiled=False)
    one = affordability(result.sel(scenario="at-the-ceiling"))
    whole = uniting_care()["provider_gap"].sel(scenario=["at-the-ceiling"])
    np.testing.assert_array_equal(one["provider_gap"], whole)


def asked() -> Asked:
    files: dict[str, Any] = dict.fromkeys(("inputs", "given", "practice_terms", "hubs"))
    files["input"] = {"source": "rows.csv", "sha256": ""}
    codes = one_commissioner()["practice"].values.tolist()
    return Asked(model(), one_commissioner(), None, 60, files, {}, codes, None)


def said() -> tuple[dict[str, Any], str]:
    result = project(model(), one_commissioner(), compiled=False)
    switched = switching_values(model(), one_commissioner(), ["contract_price", "savings_lag"])
    summary = summary_of(result, uniting_care(), switched, asked())
    return summary, words_of(summary, result, uniting_care(), switched)


def test_the_summary_says_what_the_tests_say():
    summary, _ = said()
    provider = summary["tests"]["as-signed"]["provider_gap"]
    assert provider["passes_first_year"] is False
    assert sum(of["2015/16"] for of in provider["parts"].values()) == pytest.approx(
        provider["gap"]["2015/16"], abs=0.05
    )
    assert provider["price_falls_as_need_rises"][0] == "2016/17"
    terms = summary["switching_values"]["terms"]
    assert terms["savings_lag"]["switching_value"] is None
    assert terms["contract_price"]["switching_value"] == pytest.approx(873e6, rel=1e-3)
    json.dumps(summary, allow_nan=False)


def test_the_words_give_the_verdict_of_the_first_year_and_the_sum_that_shows_it():
    _, words = said()
    verdict = next(line for line in words.splitlines() if line.strip().startswith("Provider "))
    assert "FAILS" in verdict
    assert "£30,212" in verdict
    for part in ("Setting the contract up", "£8,900,000.00", "-£152,000,000.00", "no value does"):
        assert part in words
