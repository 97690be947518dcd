"""Who gains and who loses: by hand, by the laws of sums and orders, and what is refused."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import capitation as cap
from capitation.appraisal import appraise
from capitation.gains import gains_and_losses
from capitation.national import national_terms

from .tiny_results import tiny_result

MONTHS = 18


def by_hand() -> xr.Dataset:
    """April 2015 to September 2016: £100 a month is withdrawn of P1, and comes back to all three.

    In "strict" it is twice that, and only P3 is paid more.
    """
    withdrawn, reinvested = np.zeros((2, 3, MONTHS)), np.zeros((2, 3, MONTHS))
    withdrawn[:, 0] = [[100.0], [200.0]]
    reinvested[0] = np.array([20.0, 30.0, 50.0])[:, np.newaxis]
    reinvested[1, 2] = 200.0
    lists = np.array([100.0, 0.0, 400.0])[:, np.newaxis] * np.ones((3, MONTHS))
    lists[2, 6:12] = 500.0
    return tiny_result(
        {
            "premium_withdrawn": withdrawn,
            "premium_reinvested": reinvested,
            "total_payments": 1000 + reinvested - withdrawn,
            "payment_weighted_list": lists,
        },
        units={"payment_weighted_list": "patient"},
    )


def test_within_a_scenario_by_hand():
    found = gains_and_losses(by_hand(), "as-is", threshold=2.0)
    assert found["practice"].values.tolist() == ["P1", "P2", "P3"]
    assert found["rank"].values.tolist() == [1, 2, 3]
    assert found["change"].values.tolist() == [[-960, -480], [360, 180], [600, 300]]
    assert found["change_of_run"].values.tolist() == [-1440, 540, 900]
    assert found["weighted_list"].values.tolist() == [[100, 100], [0, 0], [450, 400]]
    np.testing.assert_allclose(
        found["change_per_patient"], [[-9.6, -4.8], [np.nan, np.nan], [600 / 450, 0.75]]
    )
    mean_list = (450 * 12 + 400 * 6) / 18
    np.testing.assert_allclose(found["change_of_run_per_patient"], [-14.4, np.nan, 900 / mean_list])
    assert found["threshold"].values.tolist() == [2.0, 1.0]
    assert found["practices_losing"].values.tolist() == [[1, 1], [0, 0]]
    # P2 has no patients, and so gains more than any sum for each of them.
    assert found["practices_gaining"].values.tolist() == [[1, 1], [0, 0]]
    assert found["practices_losing_of_run"].values.tolist() == [1, 0]
    assert found.attrs == {
        "scenario": "as-is",
        "against": "",
        "of": "premium_reinvested",
        "less": "premium_withdrawn",
    }
    units = {str(name): found[name].attrs["units"] for name in found.data_vars}
    assert units["change"] == units["change_of_run"] == "GBP"
    assert units["change_per_patient"] == units["change_of_run_per_patient"] == "GBP/patient"
    assert units["practices_losing"] == units["practices_gaining_of_run"] == "practice"


def test_between_two_scenarios_by_hand():
    found = gains_and_losses(by_hand(), "strict", "as-is", threshold=0.0)
    assert found["practice"].values.tolist() == ["P1", "P2", "P3"]
    assert found["change_of_run"].values.tolist() == [-120 * 18, -30 * 18, 150 * 18]
    assert found.attrs["of"] == "total_payments"
    assert found["practices_losing"].values.tolist() == [[2, 2], [0, 0]]
    assert found["practices_gaining"].values.tolist() == [[0, 0], [1, 1]]


def test_named_amounts_are_added_and_taken_off():
    asked = {"of": ["total_payments", "premium_withdrawn"], "less": ["premium_reinvested"]}
    found = gains_and_losses(by_hand(), "strict", **asked)
    assert found["change"].values.tolist() == [[12_000, 6_000]] * 3
    assert found["practice"].values.tolist() == ["P1", "P2", "P3"]
    only = gains_and_losses(by_hand(), "strict", less=["premium_withdrawn"])
    assert only["change_of_run"].values.tolist() == [-3600, 0, 0]


def test_lists_are_those_of_the_scenario():
    result = by_hand()
    lists = result["payment_weighted_list"]
    both = xr.concat([lists, 2 * lists], "scenario", coords="minimal")
    result = result.assign(payment_weighted_list=both.assign_coords(scenario=result["scenario"]))
    one, other = (
        gains_and_losses(result, scenario)["weighted_list"] for scenario in ("as-is", "strict")
    )
    np.testing.assert_array_equal(2 * one.sortby("practice"), other.sortby("practice"))


def test_a_loss_of_exactly_the_threshold_is_not_more():
    lists = np.full((3, 12), 100.0)
    paid = np.full((2, 3, 12), 50.0)
    paid[1, 0], paid[1, 1] = 25.0, 24.0
    amounts = {"total_payments": paid, "payment_weighted_list": lists}
    result = tiny_result(amounts, units={"payment_weighted_list": "patient"})
    found = gains_and_losses(result, "strict", "as-is")
    # £3 for 100 patients is £300, a loss of £25 a month; the second practice loses £312.
    assert found["threshold"].values.tolist() == [3.0]
    assert found["change"].values.ravel().tolist() == [-312, -300, 0]
    assert found["practices_losing"].values.tolist() == [[1], [0]]


def test_the_threshold_is_what_the_nhs_called_an_outlier():
    assert national_terms()[0]["outlier_loss"].at(dt.date(2015, 4, 1)) == 3.0
    held = national_terms()[0]["outlier_loss"].held_at(5.0)
    assert gains_and_losses(by_hand(), "as-is", threshold=held)["threshold"].values[0] == 5.0


# Laws -------------------------------------------------------------------------------------------


@st.composite
def results(draw: st.DrawFn) -> xr.Dataset:
    """Five practices of two commissioners, paid whole pence over some months from November."""
    months = draw(st.integers(1, 20))
    luck = np.random.default_rng(draw(st.integers(0, 2**32)))
    lists = np.array(draw(st.lists(st.integers(0, 9000), min_size=5, max_size=5)))
    amounts = {
        "total_payments": luck.integers(-(10**7), 10**7, (2, 5, months)) / 100,
        "payment_weighted_list": np.repeat(lists[:, np.newaxis], months, axis=1),
    }
    practices = {f"P{n}": "C1" if n % 2 else "C2" for n in range(5)}
    units = {"payment_weighted_list": "patient"}
    return tiny_result(amounts, start="2015-11", practices=practices, units=units)


few = settings(max_examples=30, deadline=None)


@few
@given(results())
def test_practices_add_up_to_their_commissioner_and_are_sorted(result):
    found = gains_and_losses(result, "strict", "as-is")
    of_commissioner = found["change"].groupby("commissioner").sum()
    nominal = appraise(result)["nominal"]
    paid = nominal.sel(scenario="strict") - nominal.sel(scenario="as-is")
    np.testing.assert_allclose(of_commissioner, paid, rtol=0, atol=1e-6)
    assert (found["change_of_run"].diff("practice") >= 0).all()
    losing, gaining = found["practices_losing_of_run"], found["practices_gaining_of_run"]
    assert losing["commissioner_code"].values.tolist() == ["C1", "C2"]
    assert (losing + gaining <= [2, 3]).all()


@few
@given(results(), st.permutations(range(5)))
def test_practices_in_any_order(result, order):
    found = gains_and_losses(result, "strict", "as-is")
    turned = gains_and_losses(result.isel(practice=list(order)), "strict", "as-is")
    xr.testing.assert_identical(found, turned)


@few
@given(results())
def test_who_gains_one_way_loses_the_other(result):
    there = gains_and_losses(result, "strict", "as-is", threshold=1.0)
    back = gains_and_losses(result, "as-is", "strict", threshold=1.0)
    np.testing.assert_array_equal(
        there["change"].sortby("practice"), -back["change"].sortby("practice")
    )
    np.testing.assert_array_equal(there["practices_losing"], back["practices_gaining"])
    np.testing.assert_array_equal(
        there["practices_gaining_of_run"], back["practices_losing_of_run"]
    )
    same = gains_and_losses(result, "strict", "strict", threshold=0.0)
    assert (same["change"] == 0).all()
    assert int(same["practices_losing"].sum() + same["practices_gaining"].sum()) == 0
    assert same["practice"].values.tolist() == sorted(same["practice"].values)


@few
@given(results(), st.integers(1, 7))
def test_money_and_threshold_scale_together(result, factor):
    money = result["total_payments"]
    richer = result.assign(total_payments=(factor * money).assign_attrs(money.attrs))
    found = gains_and_losses(result, "strict", "as-is", threshold=2.0)
    scaled = gains_and_losses(richer, "strict", "as-is", threshold=2.0 * factor)
    np.testing.assert_allclose(
        scaled["change"].sortby("practice"),
        factor * found["change"].sortby("practice"),
        rtol=1e-9,
        atol=1e-6,
    )
    np.testing.assert_allclose(scaled["threshold"], factor * found["threshold"])


# What is refused --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"scenario": "lax"}, ["there is no scenario 'lax' in the result"]),
        (
            {"against": "strikt", "of": ["total_paymants"]},
            [
                "there is no scenario 'strikt' in the result (did you mean 'strict'?)",
                "'total_paymants' is no amount of a practice in it (did you mean",
            ],
        ),
        ({"of": [], "less": []}, ["of, less: nothing is named"]),
        ({"of": "total_payments"}, ["of: found the text 'total_payments'"]),
        ({"of": ["payment_weighted_list"]}, ["its amounts [patient] do not add up to pounds"]),
        ({"threshold": -1.0}, ["threshold: found -1 (a number, 0 or more)"]),
        ({"threshold": float("nan")}, ["threshold: found nan"]),
        ({"threshold": float("inf")}, ["threshold: found inf"]),
        (
            {"scenario": "lax", "threshold": "abc"},
            ["there is no scenario 'lax'", "threshold: found 'abc' (a number, 0 or more)"],
        ),
    ],
)
def test_faults_are_told(asked, found):
    with pytest.raises(cap.InputError) as caught:
        gains_and_losses(by_hand(), **({"scenario": "as-is"} | asked))
    for said in found:
        assert said in str(caught.value)


def test_a_result_without_lists_or_reinvestment_is_refused():
    result = by_hand().drop_vars(["payment_weighted_list", "premium_reinvested"])
    with pytest.raises(cap.InputError) as caught:
        gains_and_losses(result, "as-is")
    assert len(caught.value.problems) == 2
