"""The bridge between two runs: by hand, by its laws, and against projections of its mixtures."""

from __future__ import annotations

import argparse
import functools
import json
import re
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

from capitation.bridge_table import ATTRIBUTION, column_of_pence
from capitation.cli.difference_summary import compare_files
from capitation.errors import InputError
from capitation.model import Model
from capitation.practice_terms import with_practice_terms
from capitation.projection import project
from capitation.runs.bridge import RunBridge
from capitation.runs.changes import MOST_PARTS, OTHERS
from capitation.runs.differences import compare_runs
from capitation.runs.frames import write_netcdf
from capitation.runs.mixtures import Part, amounts_of_mixtures
from capitation.runs.record import pack, unpack
from capitation.runs.side import Side
from capitation.what_if import with_terms

from .strategies import THAMES_VALLEY, shipped
from .test_bridge import a_term
from .tiny_models import some_practices, tiny_model

RULES = '''
from capitation.vocabulary import A_MONTH, MONTHS_PER_YEAR, constant, rule, total

NOTHING = constant(0, "GBP")

@rule(unit="patient", first="base_weighted_list", assumption="By hand.")
def weighted(previous, monthly_list_growth):
    """List."""
    return previous * (1 + monthly_list_growth)

@rule(unit="GBP/month", assumption="By hand.")
def paid(weighted, price, share, closed):
    """Payment of the month."""
    return weighted * price / MONTHS_PER_YEAR * share * (1 - closed)

paid_of_area = total("paid", over="practices")
list_of_area = total("weighted", over="practices")
paid_of_year = total("paid", over="months")

@rule(unit="GBP/month", assumption="By hand.")
def from_pool(paid_of_area, weighted, list_of_area, pool_share, first_month_of_quarter):
    """A share of what is paid in the area, by list."""
    part = weighted / list_of_area if list_of_area > 0 else 0
    return paid_of_area * pool_share * part if first_month_of_quarter else 0

@rule(unit="GBP/month", assumption="By hand.")
def other(base_other_payments):
    """Other payments."""
    return base_other_payments / MONTHS_PER_YEAR

@rule(unit="GBP", first="start_of_fund", assumption="By hand.")
def fund(previous, from_pool):
    """A balance, which looks back."""
    return previous + from_pool * A_MONTH

@rule(unit="GBP", assumption="By hand.")
def start_of_fund(base_other_payments):
    """Nothing."""
    return NOTHING if base_other_payments >= 0 else NOTHING

@rule(unit="GBP/month", assumption="By hand.")
def levy(previous_fund):
    """What is taken of the fund of the month before."""
    return previous_fund / A_MONTH / 100
'''
TERMS: dict[str, tuple[str, Any]] = {
    "monthly_list_growth": ("1", 0),
    "price": ("GBP/patient/year", 80),
    "share": ("1", {"2013-04-01": 1, "2016-04-01": 0.5}),
    "closed": ("1", 0),
    "pool_share": ("1", 0.1),
}
STREAMS = ("paid", "from_pool", "other", "levy")


@functools.cache
def base_model(rules: str = RULES, terms: str = "", name: str = "tiny") -> Model:
    with TemporaryDirectory() as folder:
        return tiny_model(
            Path(folder),
            rules,
            terms=TERMS | (json.loads(terms) if terms else {}),
            simulation=None,
            scenarios={"base": {}, "dear": {"price": 100}},
            streams=STREAMS,
            months=24,
            name=name,
        )


def practices_with(*codes: str, **figures: Any) -> xr.Dataset:
    """Some practices; a figure for all, or for each of them."""
    chosen = some_practices(*codes, other_payments=1200.0)
    count = chosen.sizes["practice"]
    wide = {name: np.broadcast_to(np.asarray(v, float), count) for name, v in figures.items()}
    return chosen.assign({name: ("practice", values.copy()) for name, values in wide.items()})


def run(
    practices: xr.Dataset | None = None,
    model: Model | None = None,
    terms: Mapping[str, Any] | None = None,
    months: int = 24,
    **options: Any,
) -> xr.Dataset:
    model = model or base_model()
    model = with_terms(model, terms) if terms else model
    practices = practices_with("P1", "P2", "P4") if practices is None else practices
    return project(model, practices, None, months, compiled=False, **options)


def total_of(split: RunBridge, part: str) -> float:
    return float(split.parts.sel(part=part).sum())


def in_first(result: xr.Dataset, name: str) -> xr.DataArray:
    """A variable in the first scenario, whether or not it depends on it."""
    return result[name].isel(scenario=0, missing_dims="ignore")


def names_of(split: RunBridge) -> list[str]:
    return [str(part) for part in split.parts["part"].values]


def assert_adds_up(split: RunBridge, before: xr.Dataset, after: xr.Dataset) -> None:
    """Parts to the difference, to float rounding and in whole pence; ends as the runs have them."""
    np.testing.assert_allclose(
        split.parts.sum("part").values, split.difference.values, atol=1e-6, rtol=1e-12
    )
    first, *parts, last = (pence for _, pence in split.rows())
    for column in range(len(split.years) + 1):
        assert first[column] + sum(part[column] for part in parts) == last[column]
    for row in (first, *parts, last):
        assert sum(row[:-1]) == row[-1]
    for number, result in enumerate((before, after)):
        held = in_first(result, split.measure)
        in_years = held.isel(month=np.isin(result["fiscal_year"].values, split.years))
        assert float(split.ends.isel(run=number).sum()) == pytest.approx(float(in_years.sum()))


# By hand ----------------------------------------------------------------------------------------


def test_one_practice_by_hand():
    """100 patients at £80 become 150 at £100: each of the two orders splits it its own way."""
    before = run(practices_with("P1", weighted_list=100), months=12)
    after = run(practices_with("P1", weighted_list=150), terms={"price": 100}, months=12)
    split = compare_runs(before, after, "paid")
    assert names_of(split) == ["practice_lists", "price"]
    assert split.ends.values.ravel().tolist() == pytest.approx([8000, 15000])
    assert total_of(split, "practice_lists") == pytest.approx((50 * 80 + 50 * 100) / 2)
    assert total_of(split, "price") == pytest.approx((20 * 100 + 20 * 150) / 2)
    assert split.rows() == [
        ("before", (800000, 800000)),
        ("Practices' lists (weighted_list)", (450000, 450000)),
        ("Prices (price)", (250000, 250000)),
        ("after", (1500000, 1500000)),
    ]
    told = {change.name: (change.before, change.after) for change in split.changes}
    assert told["price"] == ("80 from 1 April 2013", "100 from 1 April 2013")
    assert told["weighted_list"] == ("100 (P1)", "150 (P1)")


def test_a_practice_that_joins_brings_its_figures_with_it():
    before = run(practices_with("P1"), months=12)
    after = run(practices_with("P1", "P2"), terms={"price": 100}, months=12)
    split = compare_runs(before, after, "paid")
    lists = practices_with("P1", "P2")["weighted_list"].values
    assert names_of(split) == ["practices", "price"]
    assert total_of(split, "practices") == pytest.approx(lists[1] * (80 + 100) / 2)
    assert total_of(split, "price") == pytest.approx(20 * lists[0] + 20 * lists[1] / 2)
    assert split.practices["became"].values.tolist() == ["in both", "joined"]
    assert "Joined: P2." in split.notes
    back = compare_runs(after, before, "paid")
    assert back.practices["became"].values.tolist() == ["in both", "left"]
    gainers, losers = back.movers()
    assert (gainers.sizes["practice"], losers["practice"].values.tolist()) == (0, ["P2", "P1"])


def test_a_practice_of_another_commissioner_takes_its_share_of_the_pool_along():
    practices = practices_with("P1", "P2")
    moved = practices.assign_coords(commissioner=("practice", ["C1", "C2"]))
    split = compare_runs(run(practices), run(moved))
    assert names_of(split) == ["practices"]
    assert split.practices["became"].values.tolist() == ["in both", "moved"]
    codes = [code for code, _ in split.by_commissioner()]
    assert codes == ["C1", "C2"]
    changes = [pence[2] for _, pence in split.by_commissioner()]
    assert changes[0] < 0 < changes[1]
    # All of the pool goes to those whose list makes it: the whole does not change.
    assert sum(changes) == pytest.approx(0, abs=2)


@pytest.mark.parametrize(
    ("terms", "part"),
    [
        ({"price": 81}, "price"),
        ({"monthly_list_growth": 0.01}, "list"),
        ({"pool_share": 0.2}, "pool_share"),
        ({"closed": 1}, "closed"),
    ],
)
def test_the_one_part_that_differs_is_all_of_it(terms, part):
    before, after = run(), run(terms=terms)
    split = compare_runs(before, after)
    assert names_of(split) == [part]
    np.testing.assert_allclose(split.parts.sel(part=part), split.difference, rtol=1e-12)
    assert not split.nothing_differs
    assert_adds_up(split, before, after)


def test_the_same_steps_at_other_dates_are_timing():
    model = base_model()
    later = tuple(
        replace(value, start=value.start.replace(month=10)) if value.value == 0.5 else value
        for value in model.terms["share"].values
    )
    share = replace(model.terms["share"], values=later)
    moved = replace(model, terms=model.terms | {"share": share})
    split = compare_runs(run(), run(model=moved), "paid")
    assert names_of(split) == ["timing"]
    assert split.parts["words"].values.tolist() == ["Timing of terms (share)"]
    (change,) = split.changes
    assert (change.before, change.after) == ("0.5 from 1 April 2016", "1 from 1 April 2016")
    # Of two years, the second at half, half a year more in full: half of a half of a year.
    assert total_of(split, "timing") == pytest.approx(
        float(in_first(run(), "paid").sum()) / 1.5 / 4
    )


def test_what_one_practice_agreed_is_told_of_it():
    own = with_practice_terms(base_model(), {"price": {"P2": a_term("price", 90).values}})
    split = compare_runs(run(), run(model=own))
    assert names_of(split) == ["price"]
    (change,) = split.changes
    assert (change.before, change.after) == ("P2: as for all", "P2: 90 from 1 April 2013")
    assert change.practices == 1


def test_rules_that_differ_are_named():
    other = base_model(
        RULES.replace("previous_fund / A_MONTH / 100", "previous_fund / A_MONTH / 50")
    )
    before, after = run(), run(model=other, terms={"price": 100})
    split = compare_runs(before, after)
    assert names_of(split) == ["rules", "price"]
    assert [c.name for c in split.changes if c.part == "rules"] == ["levy"]
    assert_adds_up(split, before, after)
    # At either price the levy doubles: at £80 of £80's fund, at £100 of £100's.
    dearer = run(terms={"price": 100})
    levies = [float(in_first(each, "levy").sum()) for each in (before, dearer)]
    assert total_of(split, "rules") == pytest.approx(sum(levies) / 2)


def test_rules_with_terms_of_their_own():
    text = RULES.replace("def levy(previous_fund)", "def levy(previous_fund, levy_rate)")
    text = text.replace("previous_fund / A_MONTH / 100", "previous_fund / A_MONTH * levy_rate")
    levied = base_model(text, json.dumps({"levy_rate": ["1", 0.02]}))
    before, after = run(), run(model=levied, terms={"price": 100})
    split = compare_runs(before, after)
    assert names_of(split) == ["rules", "price"]
    assert_adds_up(split, before, after)


def test_many_terms_of_no_usual_kind_are_one_part():
    names = [f"share_{number}" for number in range(MOST_PARTS)]
    text = RULES.replace("share, closed):", f"share, closed, {', '.join(names)}):").replace(
        "* (1 - closed)", f"* (1 - closed) * {' * '.join(names)}"
    )
    model = base_model(text, json.dumps({name: ["1", 1] for name in names}))
    before = run(model=model, months=12)
    terms = dict.fromkeys(names, 0.9) | {"price": 90}
    after = run(model=model, terms=terms, months=12)
    split = compare_runs(before, after, "paid")
    assert names_of(split) == ["price", OTHERS]
    assert {c.part for c in split.changes if c.name in names} == {OTHERS}
    assert_adds_up(split, before, after)


# Months and scenarios ---------------------------------------------------------------------------


def test_a_longer_run_is_compared_over_the_years_of_both():
    before, after = run(months=24), run(terms={"price": 100}, months=40)
    split = compare_runs(before, after)
    assert split.years == ["2015/16", "2016/17"]
    assert any("left out is 2017/18, 2018/19" in note for note in split.notes)
    same = compare_runs(before, run(terms={"price": 100}, months=24))
    np.testing.assert_array_equal(same.parts.values, split.parts.values)


def test_a_year_of_which_both_have_the_same_months_is_compared():
    assert compare_runs(run(months=18), run(months=18)).years == ["2015/16", "2016/17"]
    assert compare_runs(run(months=18), run(months=24)).years == ["2015/16"]


def test_a_run_that_begins_later():
    before = run(terms={"monthly_list_growth": 0.01}, months=24)
    after = run(terms={"monthly_list_growth": 0.01, "price": 100}, start="2016-04", months=24)
    split = compare_runs(before, after)
    assert split.years == ["2016/17"]
    assert names_of(split) == ["months", "price"]
    assert "First month of the run (April 2015 to April 2016)" in split.parts["words"].values
    # Lists have grown for a year less, and the fund is a year younger.
    assert total_of(split, "months") < 0
    assert_adds_up(split, before, after)
    back = compare_runs(after, before)
    np.testing.assert_allclose(back.parts.values, -split.parts.values, rtol=1e-9)


def test_a_run_that_begins_later_with_practices_that_joined():
    before = run(practices_with("P1"), terms={"monthly_list_growth": 0.01})
    after = run(practices_with("P1", "P2"), terms={"price": 100}, start="2016-04")
    split = compare_runs(before, after)
    assert names_of(split) == ["practices", "months", "price", "list"]
    assert_adds_up(split, before, after)


def test_scenarios_of_the_same_name_or_the_first_of_each():
    split = compare_runs(run(), run())
    assert split.scenarios == ("base", "base")
    assert any("Both runs have dear too" in note for note in split.notes)
    chosen = compare_runs(run(), run(), scenario="dear")
    assert chosen.scenarios == ("dear", "dear")
    assert float(chosen.ends.isel(run=0).sum()) > float(split.ends.isel(run=0).sum())
    one = project(base_model(), practices_with("P1"), ["base"], 12)
    other = project(base_model(), practices_with("P1"), ["dear"], 12)
    split = compare_runs(one, other, "paid")
    assert split.scenarios == ("base", "dear")
    assert names_of(split) == ["price"]
    assert any("the first of each, base and dear" in note for note in split.notes)
    picked = run().sel(scenario="dear")
    assert compare_runs(run(), picked).scenarios == ("dear", "dear")


# Laws -------------------------------------------------------------------------------------------

CODES = ("P1", "P2", "P3", "P4", "P5")
some_codes = st.lists(st.sampled_from(CODES), min_size=1, max_size=3, unique=True).map(sorted)
some_terms = st.fixed_dictionaries(
    {},
    optional={
        "price": st.sampled_from([60, 81.5, 120]),
        "monthly_list_growth": st.sampled_from([0.001, -0.01]),
        "pool_share": st.sampled_from([0.0, 0.25]),
        "closed": st.sampled_from([0.0, 0.5]),
    },
)
some_lists = st.sampled_from([1.0, 1.1, 0.0])


@st.composite
def runs(draw: st.DrawFn, scale: float = 1.0) -> xr.Dataset:
    practices = practices_with(*draw(some_codes))
    practices["weighted_list"] = practices["weighted_list"] * draw(some_lists)
    months, start = draw(st.sampled_from([(12, "2016-04"), (24, "2015-04")]))
    return run(practices, terms=draw(some_terms), months=months, start=start)


@settings(max_examples=15, deadline=None)
@given(runs(), runs())
def test_parts_add_up_and_the_way_back_has_every_sign_turned(before, after):
    split, back = compare_runs(before, after), compare_runs(after, before)
    assert_adds_up(split, before, after)
    assert names_of(back) == names_of(split)
    np.testing.assert_allclose(back.parts.values, -split.parts.values, rtol=1e-9, atol=1e-6)
    assert split.nothing_differs == back.nothing_differs


@settings(max_examples=5, deadline=None)
@given(runs())
def test_a_run_compared_with_itself_is_nothing(result):
    split = compare_runs(result, result)
    assert split.nothing_differs
    assert names_of(split) == []
    assert split.changes == ()
    first, last = (pence for _, pence in split.rows())
    assert first == last
    assert "Nothing that total_payments depends on differs in the years compared." in split.notes


@settings(max_examples=8, deadline=None)
@given(some_codes, some_terms, st.randoms(use_true_random=False))
def test_the_order_of_practices_does_not_matter(codes, terms, random):
    before, practices = run(practices_with("P1", "P2")), practices_with(*codes)
    shuffled = random.sample(codes, len(codes))
    split = compare_runs(before, run(practices, terms=terms))
    other = compare_runs(before, run(practices.sel(practice=shuffled), terms=terms))
    np.testing.assert_array_equal(split.parts.values, other.parts.values)
    assert split.practices.identical(other.practices)


@pytest.mark.parametrize("scale", [2.0, 0.25])
def test_all_money_times_as_much_makes_every_part_so(scale):
    def at(times: float) -> RunBridge:
        few, many = practices_with("P1", "P4"), practices_with("P1", "P2", "P4")
        many["other_payments"] = many["other_payments"] + 50
        few, many = (p.assign(other_payments=p["other_payments"] * times) for p in (few, many))
        prices = ({"price": 80 * times}, {"price": 90 * times, "monthly_list_growth": 0.01})
        return compare_runs(run(few, terms=prices[0]), run(many, terms=prices[1]))

    once, scaled = at(1.0), at(scale)
    assert names_of(once) == ["practices", "practice_figures", "price", "list"]
    np.testing.assert_allclose(scaled.parts.values, once.parts.values * scale, rtol=1e-9, atol=1e-9)


def test_every_mixture_is_what_projecting_it_gives():
    """Practices, their figures and prices, each from either run, projected by the library."""
    codes = (("P1", "P2", "P4"), ("P1", "P2", "P5"))
    other, prices = (1200.0, 2400.0), (80, 100)
    sides = [
        run(practices_with(*c, other_payments=o), terms={"price": p})
        for c, o, p in zip(codes, other, prices, strict=True)
    ]
    parts = [
        Part("practices", switches=frozenset(["practices"])),
        Part("figures", leaves=frozenset(["base_other_payments"])),
        Part("price", leaves=frozenset(["price"])),
    ]
    years = ["2015/16", "2016/17"]
    named = [Side(n, r, "total_payments") for n, r in zip("ab", sides, strict=True)]
    found = amounts_of_mixtures(named[0], named[1], parts, years)
    assert found.sizes == {"mixture": 8, "commissioner_code": 2, "year": 2}
    for mixture in range(8):
        which, of_figures, of_price = (mixture >> bit & 1 for bit in range(3))
        practices = practices_with(*codes[which], other_payments=other[of_figures])
        # A practice that only one run has keeps its own figures.
        alone = practices["practice"].values == codes[which][-1]
        practices["other_payments"][alone] = other[which]
        projected = run(practices, terms={"price": prices[of_price]})
        held = in_first(projected, "total_payments")
        by_area = held.groupby("commissioner").sum().groupby("fiscal_year").sum()
        expected = by_area.transpose("commissioner", "fiscal_year").values
        np.testing.assert_allclose(found.isel(mixture=mixture).values, expected, rtol=1e-12)


def test_mixtures_in_several_batches_are_the_same(monkeypatch):
    before, after = run(), run(terms={"price": 100, "pool_share": 0.2, "closed": 0.1})
    whole = compare_runs(before, after)
    monkeypatch.setattr("capitation.runs.mixtures.MOST_CELLS", 1)
    np.testing.assert_array_equal(compare_runs(before, after).parts.values, whole.parts.values)


def test_runs_that_were_packed_compare_as_the_runs_themselves():
    before, after = run(), run(practices_with("P1"), terms={"price": 100})
    unpacked = [unpack(pack(result)) for result in (before, after)]
    assert compare_runs(*unpacked).parts.identical(compare_runs(before, after).parts)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), max_size=6), st.floats(-1e6, 1e6))
def test_pence_of_a_column_add_up(parts, first):
    before, *rounded, after = column_of_pence(first, parts, first + sum(parts))
    if parts:
        assert before + sum(rounded) == after


# Measures ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("measure", ["paid", "paid_of_area", "paid_of_year", "from_pool"])
def test_any_amount_of_a_practice_or_a_commissioner_by_month_or_year(measure):
    before = run(practices_with("P1", "P4"))
    after = run(practices_with("P1", "P2", "P4"), terms={"price": 90})
    split = compare_runs(before, after, measure)
    assert split.measure == measure
    assert float(abs(split.parts.sum("part") - split.difference).max()) < 1e-6
    assert ("practice" in split.practices.dims) == (measure != "paid_of_area")
    if measure != "from_pool":
        other = compare_runs(before, after, "paid").difference
        np.testing.assert_allclose(split.difference.values, other.values)


def test_what_the_measure_does_not_read_is_told_apart():
    after = run(practices_with("P1", "P2", "P4", other_payments=1300), terms={"pool_share": 0.2})
    split = compare_runs(run(), after, "paid")
    assert names_of(split) == []
    assert split.nothing_differs
    assert {change.part for change in split.changes} == {""}
    assert any("move no paid in the years compared: " in note for note in split.notes)


def test_what_differs_after_the_years_compared_is_told_apart():
    model = base_model()
    share = model.terms["share"]
    later = replace(share.values[-1], start=share.values[-1].start.replace(year=2020), value=0.2)
    changed = replace(share, values=(*share.values, later))
    other = replace(model, terms=model.terms | {"share": changed})
    split = compare_runs(run(), run(model=other))
    assert names_of(split) == []
    assert [change.part for change in split.changes] == [""]


def test_the_same_figures_on_other_grounds_are_noted():
    model = base_model()
    price = model.terms["price"]
    signed = tuple(replace(value, assumption="Agreed since.") for value in price.values)
    other = replace(model, terms=model.terms | {"price": replace(price, values=signed)})
    split = compare_runs(run(), run(model=other))
    assert split.nothing_differs
    assert "The same figures stand on other grounds: price." in split.notes


def test_different_models_are_compared_by_what_both_have():
    practices = practices_with("P1", "P2", "P4")
    other = project(shipped(THAMES_VALLEY), practices, None, 12)
    split = compare_runs(run(practices, months=12), other)
    assert names_of(split)[0] == "rules"
    assert float(abs(split.parts.sum("part") - split.difference).max()) < 1e-6
    assert any(note.startswith("Models differ: tiny and thames-valley-pms") for note in split.notes)


def test_rules_that_need_figures_of_practices_come_with_the_practices():
    text = RULES.replace("def other(base_other_payments)", "def other(base_premises)")
    text = text.replace("base_other_payments / MONTHS", "base_premises / MONTHS")
    before = run(practices_with("P1", "P2"))
    after = run(practices_with("P1", "P4", premises=600), model=base_model(text))
    split = compare_runs(before, after)
    assert "practices_and_rules" in names_of(split)
    assert_adds_up(split, before, after)


def test_no_practice_in_both_is_one_part():
    before, after = run(practices_with("P1")), run(practices_with("P5"))
    split = compare_runs(before, after)
    assert names_of(split) == ["practices"]
    assert "No practice is in both runs: all of them left, or joined." in split.notes
    assert_adds_up(split, before, after)


# Refusals ---------------------------------------------------------------------------------------


def refusal(*asked: Any, **options: Any) -> str:
    with pytest.raises(InputError) as refused:
        compare_runs(*asked, **options)
    return str(refused.value)


def test_a_measure_that_there_is_not():
    said = refusal(run(), run(), "pade")
    assert said.count("'pade' is not in it (did you mean 'paid'?)") == 2
    assert said.startswith("before: ")
    assert "do not add up to pounds" in refusal(run(), run(), "weighted")


def test_no_year_in_common():
    said = refusal(run(months=12), run(start="2016-04", months=12))
    assert "no fiscal year of which both have the same months" in said
    assert "before has April 2015 to March 2016, after has April 2016 to March 2017" in said


def test_a_scenario_that_one_lacks():
    one = project(base_model(), practices_with("P1"), ["base"], 12)
    assert refusal(one, run(months=12), scenario="dear") == (
        "before: there is no scenario 'dear' (known: 'base')"
    )


def test_what_is_no_whole_result():
    result = run()
    assert "not a result of project()" in refusal(result, practices_with("P1"))
    assert "cut out of the result" in refusal(result.isel(month=slice(0, 12)), result)
    part = project(base_model(), practices_with("P1"), None, 12, variables=["total_payments"])
    assert "it does not hold from_pool, levy, other, paid" in refusal(part, result)


def test_a_figure_that_was_altered():
    altered = run().copy(deep=True)
    altered["total_payments"][0, 0, 0] += 5
    said = refusal(run(), altered, labels=("a.xlsx", "b.xlsx"))
    assert said.startswith("b.xlsx: total_payments of C1 in 2015/16 is £5.00 off")


def test_a_mixture_that_divides_by_nothing():
    text = RULES.replace("* share * (1 - closed)", "/ (share + closed - 1.5)")
    model = base_model(text)
    before = run(model=model, terms={"share": 0, "closed": 0.5}, months=12)
    after = run(model=model, terms={"share": 1, "closed": 1}, months=12)
    assert "a rule divides by zero" in refusal(before, after)


# Told -------------------------------------------------------------------------------------------


def test_in_words_and_as_data():
    before = run(practices_with("P1", "P2"))
    after = run(practices_with("P2", "P4"), terms={"price": 90})
    split = compare_runs(before, after, labels=("a.xlsx", "b.xlsx"))
    text = str(split)
    assert ATTRIBUTION in text
    assert re.search(r"^a\.xlsx +£", text, re.M)
    assert "Practices that joined, left or moved (1 joined, 1 left)" in text
    data = json.loads(json.dumps(split.as_dict()))
    assert data["runs"] == {"before": "a.xlsx", "after": "b.xlsx"}
    moved = sum(part["total"] for part in data["parts"].values())
    assert data["before"]["total"] + moved == data["after"]["total"]
    assert data["practices"]["P1"]["became"] == "left"
    assert data["practices"]["P1"]["after"] == 0
    assert {change["name"] for change in data["changes"]} == {"price"}
    for code, of in data["commissioners"].items():
        assert of["before"] + of["change"] == of["after"], code


def test_runs_of_the_same_name_are_told_apart():
    split = compare_runs(run(), run(terms={"price": 90}), labels=("a.xlsx", "a.xlsx"))
    assert (split.before, split.after) == ("a.xlsx (before)", "a.xlsx (after)")


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("runs")
    before, after = run(), run(practices_with("P1", "P4", "P5"), terms={"price": 90})
    return write_netcdf(before, folder / "a.nc"), write_netcdf(after, folder / "b.nc")


def asked(*files: Path, **options: Any) -> argparse.Namespace:
    chosen = {"measure": None, "scenario": None, "json": False} | options
    return argparse.Namespace(model=str(files[0]), other=str(files[1]), **chosen)


def test_two_files_in_words(files):
    text, status = compare_files(asked(*files))
    assert status == 0
    for said in ("a.nc to b.nc", "Prices (price)", "Lose most", "Commissioner", "Terms"):
        assert said in text, said
    assert "80 from 1 April 2013" in text


def test_two_files_as_data(files):
    text, status = compare_files(asked(*files, json=True, measure=["paid"], scenario=["dear"]))
    assert status == 0
    data = json.loads(text)
    assert data["measure"] == "paid"
    assert data["scenarios"] == {"before": "dear", "after": "dear"}
    assert data["files"]["before"] == str(files[0])


def test_files_that_come_to_the_same(files):
    text, _ = compare_files(asked(files[0], files[0]))
    assert "Both come to the same" in text


def test_faults_of_both_files_are_told(tmp_path):
    with pytest.raises(InputError) as refused:
        compare_files(asked(tmp_path / "a.nc", tmp_path / "b.nc"))
    assert [Path(problem.where).name for problem in refused.value.problems] == ["a.nc", "b.nc"]
    with pytest.raises(InputError, match="two files are compared in one"):
        compare_files(asked(tmp_path / "a.nc", tmp_path / "b.nc", measure=["paid", "other"]))
