"""What an amount hangs on: terms at their low and their high, one at a time."""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
import functools
import json
from typing import Any

import numpy as np
import pytest
import xarray as xr

from capitation.cli.asked import Asked
from capitation.cli.sensitivity_summary import (
    add_seek_options,
    add_sensitivity_options,
    bar_of,
    ranges_of,
)
from capitation.cli.sensitivity_summary import (
    sensitivity as command,
)
from capitation.errors import InputError
from capitation.model import Model
from capitation.projection import project
from capitation.sensitivities import (
    sensitivity,
    sensitivity_json,
    sensitivity_of,
)
from capitation.varied_terms import Measure
from capitation.what_if import with_terms

from .strategies import (
    BOLTON,
    DUDLEY,
    EVERY_MODEL,
    SANDWELL,
    UNITING_CARE,
    VANGUARD,
    practices_of,
    shipped,
)

YEAR = 12


@functools.cache
def practices() -> xr.Dataset:
    """Two commissioners, one of them with a practice that nobody is registered with."""
    figures = {"global_sum": 400_000.0, "qof": 60_000.0, "local_schemes": 20_000.0}
    ages = {
        "registered_aged_0_4": 0.06,
        "registered_aged_5_14": 0.12,
        "registered_aged_15_44": 0.40,
        "registered_aged_45_64": 0.25,
        "registered_aged_65_74": 0.09,
        "registered_aged_75_84": 0.06,
        "registered_aged_85_and_over": 0.02,
    }
    return practices_of(
        {
            "commissioner": area,
            "registered_list": n,
            "weighted_list": n * 1.1,
            **{band: n * share for band, share in ages.items()},
            **figures,
        }
        for area, n in (("C1", 5000.0), ("C1", 12_000.0), ("C2", 8000.0), ("C2", 0.0))
    )


def amount(changes: dict[str, float], measure: str, name: str = BOLTON) -> float:
    """The measure by hand: the contract with terms set, projected by itself."""
    model = shipped(name)
    changed = with_terms(model, changes) if changes else model
    first = next(iter(model.scenarios))
    result = project(changed, practices(), [first], YEAR, variables=[measure], compiled=False)
    return float(result[measure].sum())


# -------------------------------------------------------------------------------------- laws


@pytest.mark.parametrize(
    ("term", "low", "high"),
    [
        ("programme_reduction", 0.0, 0.07),
        ("monthly_list_growth", 0.0, 0.0009),
        # Read of the base year too, and one figure for all time: the base year moves with it.
        ("monthly_admissions_trend", 0.0, 0.0016),
        ("admission_rate_aged_75_84", 0.25, 0.3),
    ],
)
def test_an_effect_is_what_a_projection_with_that_value_comes_to(term, low, high):
    measure = "scheme_net_cost"
    found = sensitivity(
        shipped(BOLTON), practices(), measure, {term: (low, high)}, months=YEAR
    ).squeeze()
    for side, value in (("low", low), ("high", high)):
        assert float(found["value"].sel(side=side)) == value
        expected = amount({term: value}, measure)
        assert float(found["amount"].sel(side=side)) == pytest.approx(expected, abs=1e-6)
    assert float(found["amount_as_it_stands"]) == pytest.approx(amount({}, measure), abs=1e-6)


def test_a_range_of_nothing_moves_nothing():
    ranges = {"guaranteed_income_per_patient": (95, 95), "programme_reduction": (0.035, 0.035)}
    found = sensitivity(shipped(BOLTON), practices(), terms=ranges, months=YEAR)
    assert not found["effect"].any()


def test_what_is_linear_is_moved_alike_to_either_side():
    ranges = {"contract_price": (700e6, 752e6)}
    found = sensitivity(shipped(UNITING_CARE), practices(), "provider_income", ranges)
    low, high = found["effect"].squeeze().values
    assert low == pytest.approx(-high)
    assert low < 0


def test_the_largest_effect_stands_first_and_years_add_up():
    found = sensitivity(shipped(BOLTON), practices(), "scheme_net_cost", months=15)
    largest = np.abs(found["effect"].values).max(axis=1)
    assert largest.tolist() == sorted(largest.tolist(), reverse=True)
    assert {"guaranteed_income_per_patient", "programme_reduction"} <= set(found["term"].values)
    np.testing.assert_allclose(found["effect_by_year"].sum("year"), found["effect"], atol=1e-6)
    assert found["year"].values.tolist() == ["2015/16", "2016/17"]


def test_the_effect_of_one_year_is_that_years():
    of = {"months": 15, "terms": ["programme_reduction"]}
    whole = sensitivity(shipped(BOLTON), practices(), "scheme_net_cost", **of)
    first = sensitivity(shipped(BOLTON), practices(), "scheme_net_cost", year="2015/16", **of)
    expected = whole["effect_by_year"].sel(year="2015/16").values
    np.testing.assert_array_equal(first["effect"].values, expected)


def test_a_board_that_costs_a_tenth_less():
    # £963,966 a year for each commissioner that has it, and £870,000 at the low: by hand.
    found = sensitivity(
        shipped(SANDWELL),
        practices(),
        "commissioning_staff_of_year",
        ["commissioning_staff_cost"],
        months=YEAR,
    ).squeeze()
    assert found["value"].values.tolist() == [870_000, 1_060_000]
    commissioners = 2
    stands = float(found["amount_as_it_stands"])
    assert stands == pytest.approx(963_966 * commissioners)
    assert float(found["effect"].sel(side="low")) == pytest.approx(-93_966 * commissioners)


def test_a_scenario_stands_as_it_is():
    found = sensitivity(
        shipped(BOLTON),
        practices(),
        terms={"guarantee_indexed_share": (0, 1)},
        scenario="indexed-guarantee",
        months=YEAR,
    ).squeeze()
    assert float(found["value_as_it_stands"]) == 1
    assert float(found["effect"].sel(side="high")) == 0


# --------------------------------------------------------------------------- terms with dates


def of_payments(model: Model, months: int) -> Measure:
    scenario = next(iter(model.scenarios))
    return Measure(model, practices(), "total_payments", scenario, months, {})


def test_each_dated_value_has_its_own_low_and_those_without_stay():
    model = shipped(DUDLEY)
    term = model.terms["cost_uplift"]
    low = of_payments(model, 60).at_its("low", "cost_uplift")
    moved = {v.start.year: (v.value, w.value) for v, w in zip(term.values, low.values, strict=True)}
    assert moved[2016] == (0.031, 0.031)
    assert moved[2017] == (0.021, 0.016)
    # Out of the run, from April 2020.
    assert moved[2022] == (0.028, 0.028)


def test_a_value_in_force_at_the_start_is_split_there_and_history_stays():
    model = dataclasses.replace(shipped(BOLTON), start=dt.date(2015, 7, 1))
    price = model.terms["global_sum_price"]
    values = tuple(
        dataclasses.replace(v, low=v.value - 1) if v.start == dt.date(2015, 4, 1) else v
        for v in price.values
    )
    changed = dataclasses.replace(price, values=values)
    model = dataclasses.replace(model, terms=model.terms | {"global_sum_price": changed})
    low = of_payments(model, YEAR).at_its("low", "global_sum_price")
    assert low.at(dt.date(2015, 6, 1)) == price.at(dt.date(2015, 6, 1))
    assert low.at(dt.date(2015, 7, 1)) == price.at(dt.date(2015, 7, 1)) - 1
    assert low.at(dt.date(2016, 4, 1)) == price.at(dt.date(2016, 4, 1))
    assert all(value.paid_from is None for value in low.values if value.start.year == 2015)


# ------------------------------------------------------------------------------ shipped models


@pytest.mark.parametrize("name", EVERY_MODEL)
def test_every_shipped_model_says_what_its_figures_hang_on(name):
    model = shipped(name)
    measure = "provider_gap" if name == UNITING_CARE else "total_payments"
    found = sensitivity(model, practices(), measure, months=2)
    # Awards were published: no assumption moves what a vanguard is paid.
    assert found.sizes["term"] or name == VANGUARD
    assert np.isfinite(found["effect"]).all()
    stands = found["value_as_it_stands"]
    assert (found["value"].sel(side="low") <= stands).all()
    assert (found["value"].sel(side="high") >= stands).all()


def test_words_say_where_a_range_comes_from():
    for name in EVERY_MODEL:
        for term in shipped(name).terms.values():
            for value in term.values:
                words = f"{value.assumption} {value.note}"
                assert value.low is None or "Low" in words, (name, term.name)
                assert value.high is None or "igh" in words, (name, term.name)


# ------------------------------------------------------------------------------------- as text


def test_it_travels_as_text():
    found = sensitivity(shipped(BOLTON), practices(), months=2)
    assert sensitivity_of(sensitivity_json(found)).identical(found)
    assert sensitivity_of("") is None


def test_a_model_without_ranges_has_none_of_it():
    found = sensitivity(shipped(UNITING_CARE), practices(), months=2)
    assert found.sizes["term"] == 0
    assert sensitivity_of(sensitivity_json(found)).sizes["term"] == 0


# ------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"terms": ["programme_reductoin"]}, "did you mean 'programme_reduction'"),
        ({"terms": ["scheme_advance_share"]}, "no low and no high.*--term scheme_advance_share="),
        ({"terms": ["savings_lag"]}, "there is no term 'savings_lag'|does not read"),
        ({"terms": []}, "none is named"),
        ({"terms": "programme_reduction"}, r"a list: \['programme_reduction'\]"),
        ({"terms": {"programme_reduction": (0.1, 0)}}, "0.1 is more than 0"),
        ({"terms": {"programme_reduction": (0, 3.5)}}, "found 3.5.*from 0 to 1"),
        ({"terms": {"programme_reduction": ("none", 1)}}, "expected a number"),
        ({"measure": "scheme_costs"}, "did you mean 'scheme_cost'"),
        ({"measure": "net_global_sum_price"}, "does not add up"),
        ({"scenario": "indexed"}, "indexed-guarantee"),
        ({"year": "2030/31"}, "one of 2015/16"),
        ({"months": 0}, "at least 1"),
    ],
)
def test_what_cannot_be_moved_is_refused(asked, said):
    with pytest.raises(InputError, match=said):
        sensitivity(shipped(BOLTON), practices(), **({"months": 2} | asked))


# --------------------------------------------------------------------------------- the command


def asked_about(months: int = 2) -> Asked:
    files: dict[str, Any] = dict.fromkeys(("inputs", "given", "practice_terms", "hubs"))
    files["input"] = {"source": "rows.csv", "sha256": ""}
    codes = practices()["practice"].values.tolist()
    return Asked(shipped(BOLTON), practices(), None, months, files, {}, codes, None)


def arguments(add_options: Any, *words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    add_options(parser.add_argument)
    return parser.parse_args(words)


def test_the_command_draws_a_tornado():
    args = arguments(add_sensitivity_options, "--term", "guaranteed_income_per_patient=90:100")
    words, status = command(args, asked_about())
    assert status == 0
    line = next(text for text in words.splitlines() if "guaranteed_income_per_patient" in text)
    assert "llll|hhhh" in line
    assert "+£" in line


def test_the_command_says_which_terms_move_nothing():
    words, _ = command(arguments(add_sensitivity_options), asked_about())
    assert "These move it by nothing: " in words
    assert "avoided_admission_price_share" in words.splitlines()[-1]


def test_the_command_gives_data():
    args = arguments(add_sensitivity_options, "--term", "programme_reduction", "--json")
    words, _ = command(args, asked_about())
    said = json.loads(words)
    assert said["units"] == "GBP"
    (term,) = said["terms"]
    assert term["term"] == "programme_reduction"
    assert term["high"]["value"] == 0.07


def test_the_command_says_how_to_give_a_range_where_there_is_none():
    args = arguments(add_sensitivity_options, "--measure", "pms_defined_services")
    model = shipped(BOLTON)
    bare = {
        name: dataclasses.replace(
            term,
            values=tuple(dataclasses.replace(v, low=None, high=None) for v in term.values),
        )
        for name, term in model.terms.items()
    }
    asked = dataclasses.replace(asked_about(), model=dataclasses.replace(model, terms=bare))
    with pytest.raises(InputError, match=r"has a low or a high.*--term NAME=LOW:HIGH"):
        command(args, asked)


def test_words_that_are_no_range_are_refused_all_at_once():
    with pytest.raises(InputError) as caught:
        ranges_of(["a=1", "=1:2", "b", "b"])
    assert len(caught.value.problems) == 3


def test_bars_on_one_side_lie_over_each_other():
    assert bar_of(0.0, 0.0, 0.0).strip() == "|"
    assert bar_of(-4.0, -16.0, 16.0).startswith("hhhhhhhhhhhhllll|")


def test_seek_takes_its_term_after_the_model():
    args = arguments(add_seek_options, "contract_price", "--within", "1:2", "--target", "-5")
    assert (args.term, args.within, args.target) == ("contract_price", "1:2", -5.0)
