"""Pace of change: by hand, by laws, and against a naive search for the base growth."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from capitation.allocation_growth import pace_of_change
from capitation.errors import InputError
from capitation.sources.allocations import read_allocations


def of(values, codes=None, dim="commissioner"):
    codes = codes or [f"C{number:02d}" for number in range(len(values))]
    return xr.DataArray(np.array(values, dtype=float), {dim: codes}, [dim])


def rules(**changed):
    return {"slope": 0.25, "minimum_growth": 0.01, "most_under_target": 0.05} | changed


# By hand ---------------------------------------------------------------------------------------


def test_where_nothing_binds_growth_is_base_and_slope():
    """Distances −2% and +2% of a target of £1,000: at slope a half, 1 point more and 1 less.

    980 × (1 + g + 0.01) + 1,020 × (1 + g − 0.01) = 2,060, so g = 60.4 ÷ 2,000 = 3.02%.
    """
    found = pace_of_change(
        of([980, 1020]), of([1000, 1000]), 2060, **rules(slope=0.5), unit="penny"
    )
    assert found["base_growth"].item() == pytest.approx(0.0302)
    assert found["allocation"].values.tolist() == pytest.approx([1019.40, 1040.60], abs=0.011)
    assert found["held_by"].values.tolist() == ["formula", "formula"]
    assert found["distance_before"].values.tolist() == pytest.approx([-0.02, 0.02])


def test_every_rule_by_hand():
    """Targets £1,000. A, 20% under, is lifted to £950; D, 20% over, is capped at no growth.

    B and C have 3,150 − 950 − 1,200 = £1,000. At a slope of 0.1 the base would give B, at £480 of
    £500, 0.4 points more than C, at £500 of £500: 480 × (1 + g + 0.004) + 500 × (1 + g) = 1,000,
    so g = 18.08 ÷ 980 = 1.845%: B £490.78, C £509.22; in whole pounds £491 and £509.
    """
    codes = ["A", "B", "C", "D"]
    found = pace_of_change(
        of([800, 480, 500, 1200], codes),
        of([1000, 500, 500, 1000], codes),
        3150,
        slope=0.1,
        minimum_growth=0.0,
        most_under_target=0.05,
        over_target=0.05,
        most_growth_over_target=0.0,
    )
    assert found["allocation"].values.tolist() == [950, 491, 509, 1200]
    held = ["most under target", "formula", "formula", "minimum growth"]
    assert found["held_by"].values.tolist() == held
    assert found["base_growth"].item() == pytest.approx(18.08 / 980)


def test_a_cap_holds():
    found = pace_of_change(
        of([900, 1100]), of([1000, 1000]), 2100, **rules(), most_growth_over_target=0.02
    )
    assert found["held_by"].values.tolist() == ["formula", "cap over target"]
    assert found["allocation"].values.tolist() == [978, 1122]


def test_growth_a_head_follows_the_population():
    population = of([0.03, 0.0])
    found = pace_of_change(
        of([1000, 1000]),
        of([900, 1100]),
        2090,
        **rules(slope=1.0, most_under_target=1.0),
        population_growth=population,
        minimum_growth_per_head=0.0,
    )
    assert found["allocation"].values.tolist() == [1030, 1060]
    assert found["held_by"].values.tolist() == ["minimum growth", "formula"]


def test_years_follow_each_other():
    years = ["2016/17", "2017/18"]
    target = xr.concat([of([1000, 1000]), of([1020, 1020])], xr.DataArray(years, dims="year"))
    target = target.assign_coords(year=years)
    total = xr.DataArray([2060.0, 2110.0], {"year": years})
    found = pace_of_change(of([900, 1090]), target, total, **rules(minimum_growth=0.0))
    assert found["allocation"].sum("commissioner").values.tolist() == [2060, 2110]
    first, second = (found.sel(year=year) for year in years)
    again = pace_of_change(
        first["allocation"].drop_vars("year"), of([1020, 1020]), 2110, **rules(minimum_growth=0.0)
    )
    assert second["allocation"].values.tolist() == again["allocation"].values.tolist()
    np.testing.assert_allclose(
        second["change"].values, second["allocation"].values - first["allocation"].values
    )


def test_the_eight_commissioners_of_2013_14(reference_data):
    """At the 3.41% of 2016/17 and a gentle slope, the rule of 5% decides for Bury alone."""
    table = read_allocations(reference_data / "ccg_allocation_2013_14_dft.csv")
    total = round(float(table["allocation"].sum()) * 1.0341)
    target = table["target_allocation"]
    found = pace_of_change(table["allocation"], target, total, **rules(slope=0.05))
    assert found["allocation"].sum().item() == total
    assert float(found["distance_after"].min()) >= -0.05 - 1e-12
    held = found["held_by"].to_series()
    assert held[held != "formula"].to_dict() == {"00V": "most under target"}


# Laws ------------------------------------------------------------------------------------------

AMOUNTS = st.integers(1_000, 10_000_000)
CASES = st.lists(st.tuples(AMOUNTS, st.floats(0.7, 1.3)), min_size=1, max_size=12)
RULES = st.fixed_dictionaries(
    {
        "slope": st.sampled_from([0.0, 0.1, 0.5, 1.0]),
        "minimum_growth": st.sampled_from([-0.02, 0.0, 0.017]),
        "most_under_target": st.sampled_from([0.0, 0.05, 1.0]),
        "over_target": st.sampled_from([0.0, 0.05]),
        "most_growth_over_target": st.sampled_from([None, 0.02, 0.05]),
    }
)


def floors_and_caps(opening, target, said):
    least = np.maximum(
        opening * (1 + said["minimum_growth"]), target * (1 - said["most_under_target"])
    )
    most = np.full(len(opening), np.inf)
    if said["most_growth_over_target"] is not None:
        over = opening / target - 1 > said["over_target"]
        most[over] = (opening * (1 + said["most_growth_over_target"]))[over]
    return least, most


def feasible(cases, said, spare):
    """Openings, targets and a total that lies somewhere between all floors and all caps."""
    opening = np.array([float(amount) for amount, _ in cases])
    target = opening / np.array([ratio for _, ratio in cases])
    least, most = floors_and_caps(opening, target, said)
    lowest = int(np.ceil(least).sum()) + len(cases)
    highest = np.floor(np.minimum(most, 3 * opening + least)).sum() - len(cases)
    assume(highest > lowest)
    return opening, target, int(lowest + spare * (highest - lowest))


@given(CASES, RULES, st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_the_laws(cases, said, spare):
    opening, target, total = feasible(cases, said, spare)
    found = pace_of_change(of(opening), of(target), total, **said)
    amounts = found["allocation"].values
    # What is shared out is the total, in whole pounds.
    assert amounts.sum() == total
    assert (amounts == np.rint(amounts)).all()
    # Floors and caps hold.
    least, most = floors_and_caps(opening, target, said)
    assert (amounts >= least - 1e-6).all()
    assert (amounts <= most + 1e-6).all()
    assert (found["distance_after"].values >= -said["most_under_target"] - 1e-9).all()
    # Who is further under target does not grow by less, but for the rounding to pounds.
    order = np.argsort(opening / target, kind="stable")
    growth = found["growth"].values[order]
    rounding = 2 / opening[order]
    highest = np.maximum.accumulate((growth - rounding)[::-1])[::-1]
    assert (growth + rounding >= highest).all()


@given(CASES, RULES, st.floats(0, 1))
@example(
    [(1000, 1.0), (1000, 1.0), (1000, 1.0)],
    {
        "slope": 0.0,
        "minimum_growth": 0.0,
        "most_under_target": 1.0,
        "over_target": 0.0,
        "most_growth_over_target": None,
    },
    0.5,
)
@settings(max_examples=40, deadline=None)
def test_a_naive_search_finds_the_same(cases, said, spare):
    """Halve the range of the base growth two hundred times."""
    opening, target, total = feasible(cases, said, spare)
    least, most = floors_and_caps(opening, target, said)
    distance = opening / target - 1
    low, high = -10.0, 10.0
    for _ in range(200):
        base = (low + high) / 2
        amounts = np.clip(opening * (1 + base - said["slope"] * distance), least, most)
        low, high = (base, high) if amounts.sum() < total else (low, base)
    found = pace_of_change(of(opening), of(target), total, **said)
    # Floors are rounded up to the pound and caps down, each of which moves the others a little.
    assert np.abs(found["allocation"].values - amounts).max() <= len(cases) + 1


@given(CASES, RULES, st.floats(0, 1), st.randoms())
@settings(max_examples=25, deadline=None)
def test_the_order_of_commissioners_does_not_matter(cases, said, spare, chance):
    opening, target, total = feasible(cases, said, spare)
    found = pace_of_change(of(opening), of(target), total, **said)
    order = list(range(len(cases)))
    chance.shuffle(order)
    shuffled = pace_of_change(of(opening)[order], of(target), total, **said)
    aligned = shuffled["allocation"].sel(commissioner=found["commissioner"])
    assert aligned.values.tolist() == found["allocation"].values.tolist()


@given(CASES, RULES, st.floats(0, 1), st.integers(2, 1000))
@settings(max_examples=25, deadline=None)
def test_amounts_scale(cases, said, spare, scale):
    opening, target, total = feasible(cases, said, spare)
    found = pace_of_change(of(opening), of(target), total, **said)
    larger = pace_of_change(of(opening * scale), of(target * scale), total * scale, **said)
    gap = larger["allocation"].values / scale - found["allocation"].values
    assert np.abs(gap).max() <= len(cases) + 1


def test_in_pence_the_parts_add_up_to_the_penny():
    opening = np.linspace(1e7, 9e8, 200) / 7
    total = round(opening.sum() * 1.034, 2)
    found = pace_of_change(of(opening), of(opening * 1.01), total, **rules(), unit="penny")
    assert sum(round(100 * amount) for amount in found["allocation"].values) == round(100 * total)


BY_YEAR = of([1]).expand_dims(year=["2016/17"])

# What cannot be --------------------------------------------------------------------------------


def refused(*given, **said):
    with pytest.raises(InputError) as error:
        pace_of_change(*given, **rules(**said))
    return str(error.value)


def test_floors_that_need_more_than_the_total_say_why():
    said = refused(of([900, 1000]), of([1000, 1000]), 1950)
    assert "the floors need £1,960, £10 more than the total of £1,950" in said
    assert "£1,919 for minimum growth" in said
    assert "£41 more so that nobody is too far under target" in said
    assert "C00 £41 (+5.56%)" in said


def test_caps_that_leave_money_over_say_how_much():
    said = refused(of([1100, 1200]), of([1000, 1000]), 2400, most_growth_over_target=0.02)
    assert "£54 of £2,400 is left that nobody may have" in said


def test_every_reason_at_once():
    said = refused(
        of([1100, 1200]),
        of([1000, 1000]),
        2000,
        minimum_growth=0.03,
        most_growth_over_target=0.02,
    )
    assert said.count("but its cap over target is") == 2
    assert "more than the total of £2,000" in said


@pytest.mark.parametrize(
    ("given_", "changed", "said"),
    [
        ((of([1]), of([1, 2]), 9), {}, "is not of the allocation's commissioners: C01"),
        ((of([1, 1], ["A", "A"]), of([1, 1], ["A", "A"]), 9), {}, "has no code, or one twice"),
        ((of([0]), of([1]), 9), {}, "the allocation of C00 is 0"),
        ((of([1]), of([-1]), 9), {}, "the target of C00 is -1"),
        ((of([1]), of([1]), 9.5), {}, "the total is not in whole units"),
        ((of([1]), of([1]), float("nan")), {}, "the total is not an amount above zero"),
        ((of([1]), of([1]), 9), {"slope": -1}, "slope: found -1"),
        ((of([1]), of([1]), 9), {"most_under_target": 2}, "0 or more, 1 at most"),
        ((of([1]), of([1]), 9), {"unit": "guinea"}, "'pound' or 'penny'"),
        ((of([1]), of([1]), 9), {"minimum_growth": np.inf}, "minimum_growth is not finite"),
        ((of([1]), of([1], dim="place"), 9), {}, "target: has the dimensions"),
        ((of([1]), of([1]), of([9], dim="year")), {}, "total: has the dimensions ('year',)"),
        ((of([1]), BY_YEAR, of([9], ["2017/18"], "year")), {}, "there is none for 2016/17"),
        ((xr.DataArray(1.0), of([1]), 9), {}, "allocation: has the dimensions"),
    ],
)
def test_what_cannot_be_is_told(given_, changed, said):
    assert said in refused(*given_, **changed)
