"""Nominal, real and present value: by hand, by their laws, and what is refused."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import capitation as cap
from capitation.appraisal import LATEST_ISSUE, appraise, in_real_terms, present_value
from capitation.by_year import amounts_by_year, measures_that_differ, of_commissioners
from capitation.engine.terms import DatedValue, Term
from capitation.national import national_terms

from .strategies import NATIONAL, shipped
from .tiny_results import tiny_result

YEARS = ("2015/16", "2016/17", "2017/18")
MONTHS = 36


def an_index(*figures: float, first: int = 2015) -> Term:
    """An index with a figure for each fiscal year."""
    values = (
        DatedValue(dt.date(first + n, 4, 1), figure, str(figure), assumption="By hand.")
        for n, figure in enumerate(figures)
    )
    return Term("index", "1", tuple(values), "Index")


def a_rate(value: float) -> Term:
    return national_terms()[0]["social_discount_rate"].held_at(value)


def stream(*by_year: float) -> xr.DataArray:
    return xr.DataArray(list(by_year), {"year": list(YEARS)}, "year")


def by_hand() -> xr.Dataset:
    """Two scenarios of £100, £100 and £10 a month, and twice that in the second year and after."""
    monthly = np.ones((2, 3, MONTHS)) * np.array([100.0, 100.0, 10.0])[:, np.newaxis]
    monthly[1, :, 12:] *= 2
    return tiny_result({"paid": monthly})


def test_three_years_by_hand():
    """£1,200 a year, at prices that rise by a tenth, discounted at a quarter."""
    nominal, index = stream(1200, 1200, 1200), an_index(100, 110, 121)
    real = in_real_terms(nominal, index, "2016/17")
    np.testing.assert_allclose(real.values, [1320, 1200, 1200 / 1.1], rtol=1e-14)
    discounted = present_value(real, "2015/16", a_rate(0.25))
    np.testing.assert_allclose(discounted.values, [1320, 960, 1200 / 1.1 / 1.5625], rtol=1e-14)


def test_an_appraisal_by_hand():
    found = appraise(by_hand(), "paid", issue=an_index(100, 110, 121), rate=a_rate(0.25))
    assert dict(found.sizes) == {"scenario": 2, "commissioner_code": 2, "year": 3}
    assert found["nominal"].sel(scenario="as-is").values.tolist() == [[2400] * 3, [120] * 3]
    later = found.sel(scenario="strict", commissioner_code="C1")
    np.testing.assert_allclose(later["nominal"], [2400, 4800, 4800])
    np.testing.assert_allclose(later["real"], [2400, 4800 / 1.1, 4800 / 1.21])
    np.testing.assert_allclose(later["present_value"], [2400, 4800 / 1.375, 4800 / 1.375**2])
    np.testing.assert_allclose(later["nominal_total"], 12_000)
    np.testing.assert_allclose(later["present_value_total"], later["present_value"].sum())
    for name in found.data_vars:
        assert found[name].attrs["units"] == "GBP"
    assert found["real"].attrs["long_name"] == "paid, at 2015/16 prices"
    assert "discounted to 2015/16" in found["present_value_total"].attrs["long_name"]
    assert found.attrs["discount_rate"] == 0.25
    assert found.attrs["price_year"] == found.attrs["discount_from"] == "2015/16"


def test_scenarios_are_those_asked_for_in_their_order():
    both = appraise(by_hand(), "paid")
    turned = appraise(by_hand(), "paid", ["strict", "as-is"])
    assert turned["scenario"].values.tolist() == ["strict", "as-is"]
    np.testing.assert_array_equal(turned["real"].values, both["real"].values[::-1])
    one = appraise(by_hand().sel(scenario="strict"), "paid")
    np.testing.assert_array_equal(one["real"].values, turned["real"].values[:1])


def test_the_rate_and_its_years():
    rate = national_terms()[0]["social_discount_rate"]
    assert (rate.values[0].start, rate.at(dt.date(2015, 4, 1))) == (dt.date(2003, 4, 1), 0.035)
    found = present_value(stream(1, 1, 1), "2015/16").values
    np.testing.assert_allclose(found, [1, 1 / 1.035, 1 / 1.035**2], rtol=1e-15)
    earlier = present_value(stream(1, 1, 1), "2014/15").values
    np.testing.assert_allclose(earlier, found / 1.035, rtol=1e-15)


def test_the_rate_is_that_of_the_year_discounted_from():
    lower = DatedValue(dt.date(2017, 4, 1), 0.0, "0", assumption="By hand.")
    rate = a_rate(0.5)
    rate = Term(rate.name, "1", (*rate.values, lower), rate.title)
    assert present_value(stream(9, 9, 9), "2015/16", rate).values.tolist() == [9, 6, 4]


def test_an_amount_that_no_scenario_changes_is_the_same_in_each():
    result = tiny_result({"paid": np.full((3, 12), 5.0), "other": np.zeros((2, 3, 12))})
    found = appraise(result, "paid")["nominal"]
    assert found.values.tolist() == [[[120], [60]], [[120], [60]]]


def test_amounts_of_a_commissioner_and_of_a_year():
    result = cap.project(shipped(NATIONAL), cap.example_practices(), months=14)
    of_practices = of_commissioners(amounts_by_year(result, "qof"))
    months = result["qof"].sum("practice").groupby("fiscal_year").sum()
    np.testing.assert_allclose(of_practices.values[0, 0], months.values, rtol=1e-13)
    yearly = of_practices.isel(scenario=0, drop=True).assign_attrs(units="GBP/year", long_name="")
    alone = result.assign(released=yearly, monthly=yearly.assign_attrs(units="GBP/month"))
    found = amounts_by_year(alone, "released")
    np.testing.assert_array_equal(found.values, of_practices.values)
    assert of_commissioners(found) is found
    with pytest.raises(cap.InputError, match="do not add up to pounds"):
        amounts_by_year(alone, "monthly")


def test_amounts_that_differ_are_found_largest_first_and_those_that_differ_alike_together():
    paid = np.ones((2, 3, 12))
    more, moved, hardly, only = (paid.copy() for _ in range(4))
    more[1] += 1.0
    moved[1] += np.array([5.0, -5.0, 0.0])[:, np.newaxis]
    hardly[1] += 0.0001
    only[1, 2] += 100.0
    amounts = {"paid": paid, "more": more, "again": more + 7, "less": -more, "moved": moved}
    amounts |= {"hardly": hardly, "owed": more, "only": only, "fixed": paid[0]}
    found = measures_that_differ(tiny_result(amounts, units={"owed": "GBP"}), "as-is", "strict")
    assert [names for names, _ in found] == [("only",), ("more", "again"), ("less",)]
    assert [change.values.tolist() for _, change in found] == [
        [[0], [1200]],
        [[24], [12]],
        [[-24], [-12]],
    ]


# Laws -------------------------------------------------------------------------------------------

money = st.floats(-1e7, 1e7, allow_nan=False, width=32)
streams = st.tuples(money, money, money).map(lambda by_year: stream(*by_year))
indices = st.tuples(*[st.floats(50, 200, width=32)] * 3).map(lambda figures: an_index(*figures))
rates = st.floats(0, 0.2).map(a_rate)


@given(streams, indices, st.sampled_from(YEARS))
def test_the_price_year_stays_and_another_only_rescales(nominal, index, year):
    real = in_real_terms(nominal, index, year)
    np.testing.assert_allclose(real.sel(year=year), nominal.sel(year=year), rtol=1e-14)
    other = in_real_terms(nominal, index, YEARS[0])
    ratio = index.at(dt.date(int(year[:4]), 4, 1)) / index.values[0].value
    np.testing.assert_allclose(real, other * ratio, rtol=1e-12)


@given(streams, rates)
def test_nothing_is_lost_where_nothing_rises(nominal, rate):
    real = in_real_terms(nominal, an_index(73.5, 73.5, 73.5), YEARS[1])
    np.testing.assert_array_equal(real, nominal)
    np.testing.assert_array_equal(present_value(real, YEARS[0], a_rate(0.0)), real)
    later = present_value(real, YEARS[0], rate)
    np.testing.assert_array_equal(later.values[0], real.values[0])
    assert (abs(later) <= abs(real)).all()


@given(streams, streams, indices, rates, st.floats(-100, 100))
def test_valuing_is_linear(one, other, index, rate, factor):
    def valued(nominal: xr.DataArray) -> xr.DataArray:
        return present_value(in_real_terms(nominal, index, YEARS[2]), YEARS[0], rate)

    together = valued(one + factor * other)
    np.testing.assert_allclose(together, valued(one) + factor * valued(other), rtol=1e-9, atol=1e-4)


@settings(max_examples=20)
@given(st.permutations(range(3)), st.integers(1, 30), st.data())
def test_practices_add_up_in_any_order(order, months, data):
    pence = st.lists(st.integers(-(10**9), 10**9), min_size=6 * months, max_size=6 * months)
    monthly = np.array(data.draw(pence)).reshape(2, 3, months) / 100
    result = tiny_result({"paid": monthly}, start="2015-11")
    found = appraise(result, "paid")
    turned = appraise(result.isel(practice=list(order)), "paid")
    np.testing.assert_allclose(turned["nominal"], found["nominal"], rtol=0, atol=1e-6)
    of_all = found["nominal_total"].sum("commissioner_code")
    np.testing.assert_allclose(of_all, monthly.sum(axis=(1, 2)), rtol=0, atol=1e-6)


# What is refused --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"variable": "payd"}, "'payd' is not in it (did you mean 'paid'?)"),
        ({"variable": "owed"}, "its amounts [GBP] do not add up to pounds by fiscal year"),
        ({"scenarios": ["strict", "lax"]}, "there is no scenario 'lax' in the result"),
        ({"scenarios": "strict"}, "found the text 'strict'"),
        ({"issue": "gdp_deflator_june_2019"}, "there is no issue 'gdp_deflator_june_2019'"),
        (
            {"issue": "gdp_deflator_june_2018"},
            "gdp_deflator_june_2018: the issue has no figure for 2018/19: from 2012/13 to 2017/18 "
            "(gdp_deflator_november_2025: from 2013/14 to 2030/31)",
        ),
        ({"price_year": "2012/13"}, "no figure for 2012/13: from 2013/14 to 2030/31"),
        ({"price_year": "2015"}, "price_year: '2015' is not a fiscal year"),
        ({"discount_from": "2015-16"}, "discount_from: '2015-16' is not a fiscal year"),
        ({"discount_from": "2017/18"}, "2016/17 is not among 2017/18 and the 30 years after it"),
        ({"discount_from": "1987/88"}, "2018/19 is not among 1987/88 and the 30 years after it"),
        ({"discount_from": "2001/02"}, "'social_discount_rate' has no value for April 2001"),
        ({"issue": an_index(100, 0, 100, 100, first=2015)}, "no figure for 2016/17"),
    ],
)
def test_faults_are_told(asked, found):
    amounts = {"paid": np.ones((2, 3, 36)), "owed": np.ones((2, 3, 36))}
    result = tiny_result(amounts, start="2016-04", units={"owed": "GBP"})
    with pytest.raises(cap.InputError) as caught:
        appraise(result, **({"variable": "paid"} | asked))
    assert found in str(caught.value)


def test_figures_between_years_are_not_held():
    """A value dated in the middle of a year is no year's, and none is held over to the next."""
    first = an_index(100.0).values
    autumn = DatedValue(dt.date(2016, 10, 1), 110.0, "110", assumption="By hand.")
    with pytest.raises(cap.InputError, match="no figure for 2016/17, 2017/18: from 2015/16"):
        in_real_terms(stream(1, 1, 1), Term("index", "1", (*first, autumn)), "2015/16")


def test_the_latest_issue_is_the_one_that_reaches_furthest():
    last = {name: term.values[-1].start for name, term in national_terms()[0].items()}
    issues = {name: day for name, day in last.items() if name.startswith("gdp_deflator_")}
    assert max(issues, key=issues.__getitem__) == LATEST_ISSUE
