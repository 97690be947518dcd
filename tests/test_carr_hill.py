"""The global sum formula: the worked example, its laws, and what its coefficients rest on."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from capitation.errors import InputError
from capitation.example import example_practices
from capitation.model import Scenario
from capitation.model_file import load_model
from capitation.national import national_inputs, national_terms
from capitation.projection import project
from capitation.weighing.counts import AGE_BANDS, SEXES, count_persons
from capitation.weighing.formula import formula_inputs, normalised_formula, rurality_ratio
from capitation.weighing.weighted_lists import weigh
from capitation.what_if import with_terms

from .strategies import practices_of

MODEL = "carr-hill-formula"
COEFFICIENTS = [
    *(f"workload_of_man_aged_{age}" for age in ("0_4", "15_44", "85_and_over")),
    *(f"workload_of_woman_aged_{age}" for age in ("0_4", "15_44", "85_and_over")),
    *("nursing_home_workload", "new_patient_workload"),
    *("needs_constant", "needs_of_limiting_illness", "needs_of_mortality"),
    *("staff_share_of_costs", "rural_share_of_costs"),
    *("rurality_of_distance", "rurality_of_density"),
]
MALE = (180, 350, 1190, 980, 420, 265, 85)
FEMALE = (175, 330, 1155, 995, 450, 305, 120)
"""A list of 7,000, as the project's reference on primary care payments works it out."""


def persons_of_the_example(practice="A99001"):
    """7,000 patients of whom 60 are in homes and 560 are new."""
    ages = np.repeat(np.tile(np.arange(7), 2), (*MALE, *FEMALE))
    return {
        "practice": np.full(7000, practice),
        "age_band": ages,
        "sex": np.repeat((0, 1), (sum(MALE), sum(FEMALE))),
        "home": np.arange(7000) >= 6940,
        "new": np.arange(7000) < 560,
    }


def own_practices(count=1, **inputs):
    rows = [
        {"practice": f"A9900{n + 1}", "registered_list": 7000, "weighted_list": 7500}
        for n in range(count)
    ]
    practices = practices_of(rows)
    return practices.assign({name: ("practice", values) for name, values in inputs.items()})


def held(model=MODEL, **terms):
    """The model with lists that do not grow."""
    return with_terms(load_model(model), {"monthly_list_growth": 0, **terms})


# ------------------------------------------------------------------------------------ by hand


def test_the_worked_example_from_persons_to_payment():
    counted = count_persons(persons_of_the_example(), ("home", "new"))
    inputs = formula_inputs(counted, home="home", newly_registered="new")
    practices = own_practices(
        limiting_illness_ratio=[108.0],
        mortality_ratio_under_65=[110.0],
        staff_wage_ratio=[1 - 0.02 / 0.48],
        rurality_of_list=[1 + 0.01 / 0.58],
    ).merge(inputs, combine_attrs="drop_conflicts")
    result = project(held(), practices, months=1).isel(practice=0, month=0).squeeze()
    expected = {
        "age_sex_index": 1.0943,
        "nursing_home_index": 1.0007,
        "list_turnover_index": 0.9934,
        "additional_needs_index": 1.0455,
        "staff_market_forces_index": 0.98,
        "rurality_index": 1.01,
        "formula_index": 1.1257,
    }
    for name, value in expected.items():
        assert float(result[name]) == pytest.approx(value, abs=5e-5), name
    assert float(result["formula_weighted_list"]) == pytest.approx(7880, abs=0.5)
    # £75.77 less 5.39%, of 7,880 patients: £47,073.80 a month.
    assert float(result["formula_global_sum"]) == pytest.approx(47_073.80, abs=3)


def test_persons_weigh_what_the_age_sex_index_says():
    """The rules and the count of persons are two ways to one index."""
    counted = count_persons(persons_of_the_example())
    terms, _ = national_terms()
    ends = ("0_4", "5_14", "15_44", "45_64", "65_74", "75_84", "85_and_over")
    curve = [
        [terms[f"workload_of_{who}_aged_{end}"].values[0].value for who in ("man", "woman")]
        for end in ends
    ]
    weights = xr.DataArray(curve, {"age_band": list(AGE_BANDS), "sex": list(SEXES)})
    workload = float(weigh(counted, weights, normalise=False)["weighted_list"].item())
    assert workload == pytest.approx(19_915.9)
    practices = own_practices().merge(formula_inputs(counted), combine_attrs="drop_conflicts")
    result = project(held(), practices, months=1).squeeze()
    by_rules = float(result["workload_of_men"] + result["workload_of_women"])
    assert by_rules * 7000 == pytest.approx(workload)


def test_the_average_practice_weighs_about_what_it_is():
    result = project(held(), own_practices(), months=1).squeeze()
    for name in ("nursing_home", "list_turnover", "additional_needs", "staff_market_forces"):
        assert float(result[f"{name}_index"]) == 1
    assert float(result["rurality_index"]) == 1
    assert float(result["formula_index"]) == pytest.approx(1, abs=0.005)


def test_rurality_by_hand():
    def of(values):
        return xr.DataArray(values, {"practice": ["A", "B"]})

    found = rurality_ratio(of([2.0, 8.0]), of([4000.0, 100.0]), of([7000.0, 7000.0]))
    far = 8**0.05 / 100**0.06
    near = 2**0.05 / 4000**0.06
    assert found.values.tolist() == pytest.approx([2 * near / (near + far), 2 * far / (near + far)])
    other = rurality_ratio(
        of([2.0, 8.0]), of([100.0, 4000.0]).assign_coords(practice=["B", "A"]), of([7e3, 7e3])
    )
    assert other.values.tolist() == pytest.approx(found.values.tolist())


# ------------------------------------------------------------------------------------ normalised


INDICES = {
    "limiting_illness_ratio": st.floats(50, 200),
    "mortality_ratio_under_65": st.floats(50, 200),
    "staff_wage_ratio": st.floats(0.8, 1.3),
    "rurality_of_list": st.floats(0.8, 1.3),
    "share_in_nursing_homes": st.floats(0, 0.1),
    "share_newly_registered": st.floats(0, 0.5),
}


@st.composite
def three_practices(draw):
    def of(values):
        return draw(st.lists(values, min_size=3, max_size=3))

    return own_practices(3, **{name: of(values) for name, values in INDICES.items()})


def counted_lists(model, practices, months=12):
    result = project(model, practices, months=months)
    return result["payment_formula_list"], result["payment_registered_list"]


@settings(deadline=None, max_examples=15)
@given(three_practices())
def test_weighted_lists_add_up_to_registered_ones_each_quarter(practices):
    model = normalised_formula(MODEL, practices)
    weighted, registered = counted_lists(model, practices)
    np.testing.assert_allclose(
        weighted.sum("practice"), registered.sum("practice"), rtol=1e-12, atol=0
    )


@settings(deadline=None, max_examples=15)
@given(three_practices(), st.floats(1.0, 6.0), st.floats(0, 0.3))
def test_national_averages_move_no_weighted_list(practices, workload, new):
    usual = normalised_formula(held(), practices)
    other = held(national_workload=workload, national_share_new=new, national_share_in_homes=new)
    found = [counted_lists(m, practices)[0] for m in (usual, normalised_formula(other, practices))]
    np.testing.assert_allclose(*found, rtol=1e-12)


def in_two_commissioners(practices):
    return practices.assign_coords(commissioner=("practice", ["X", "Y", "X"]))


def test_the_scale_crosses_commissioners():
    practices = own_practices(3, limiting_illness_ratio=[60.0, 100.0, 180.0])
    apart = in_two_commissioners(practices)
    one, other = (
        normalised_formula(MODEL, of).terms["formula_normalisation"] for of in (practices, apart)
    )
    assert [value.value for value in one.values] == [value.value for value in other.values]
    weighted, registered = counted_lists(normalised_formula(MODEL, apart), apart)
    of_x = weighted.isel(practice=[0, 2]).sum() / registered.isel(practice=[0, 2]).sum()
    assert abs(float(of_x) - 1) > 0.01


def test_a_year_holds_aprils_scale_and_a_quarter_its_own():
    practices = own_practices(2, mortality_ratio_under_65=[100.0, 180.0])
    model = dataclasses.replace(load_model(MODEL), months=24)
    term = model.terms["needs_of_mortality"]
    doubled = dataclasses.replace(
        term.values[0], start=dt.date(2015, 10, 1), value=2 * term.values[0].value
    )
    term = dataclasses.replace(term, values=(*term.values, doubled))
    model = dataclasses.replace(model, terms=model.terms | {term.name: term})
    by_quarter, by_year = (
        normalised_formula(model, practices, each=e) for e in ("quarter", "year")
    )
    quarters, years = (m.terms["formula_normalisation"].values for m in (by_quarter, by_year))
    assert [value.start.month for value in quarters[1:]] == [4, 7, 10, 1] * 2
    assert [value.start.isoformat() for value in years[1:]] == ["2015-04-01", "2016-04-01"]
    assert quarters[0].value == years[0].value == 1
    assert quarters[1].value == years[1].value == pytest.approx(quarters[2].value, rel=1e-14)
    assert quarters[3].value < years[1].value
    assert years[1].assumption.endswith("of 2 practices, each year.")
    weighted, registered = (of.sum("practice") for of in counted_lists(by_year, practices, 24))
    ratio = (weighted / registered).values
    np.testing.assert_allclose(ratio[[0, 5, 12, 23]], 1, rtol=1e-12)
    assert (ratio[6:12] > 1.01).all()


def test_each_scenario_has_its_own_scale_where_its_lists_move_otherwise():
    model = load_model(MODEL)
    term = model.terms["needs_of_mortality"]
    none = dataclasses.replace(
        term, values=(dataclasses.replace(term.values[0], value=0.0, written="0"),)
    )
    both = {
        "base": Scenario("base", "As it is"),
        "without": Scenario("without", "No mortality", {"needs_of_mortality": none}),
    }
    model = dataclasses.replace(model, scenarios=both)
    practices = own_practices(3, mortality_ratio_under_65=[60.0, 100.0, 180.0])
    weighted, registered = counted_lists(normalised_formula(model, practices), practices)
    assert weighted.sizes["scenario"] == 2
    np.testing.assert_allclose(
        weighted.sum("practice"),
        registered.sum("practice").broadcast_like(weighted.sum("practice")),
    )


def test_a_scale_is_filled_in_anew():
    practices = own_practices(2, limiting_illness_ratio=[60.0, 180.0])
    once = normalised_formula(MODEL, practices)
    twice = normalised_formula(once, practices)
    assert twice.terms["formula_normalisation"] == once.terms["formula_normalisation"]


# ------------------------------------------------------------------------------------ honesty


@pytest.mark.parametrize("name", COEFFICIENTS)
def test_a_coefficient_says_that_it_is_recalled(name):
    for value in national_terms()[0][name].values:
        assert value.assumption.startswith("Recalled, not verified: ")
        assert value.source == ""


def test_every_coefficient_that_is_not_assumed_is_recalled():
    model = load_model(MODEL)
    own = {n for n, term in model.terms.items() if term.place.startswith("carr_hill.toml")}
    assert len(own) == 27
    grounds = {n: model.terms[n].values[0].assumption for n in own}
    assumed = {n for n in own if not grounds[n].startswith("Recalled, not verified")}
    assert assumed == {"national_share_in_homes", "national_share_new", "formula_normalisation"}


def test_inputs_stand_at_the_national_average_if_they_are_not_given():
    inputs = national_inputs()
    for name in ("limiting_illness_ratio", "mortality_ratio_under_65"):
        assert inputs[name].value == 100
    terms, _ = national_terms()
    for name, term in (
        ("share_in_nursing_homes", "national_share_in_homes"),
        ("share_newly_registered", "national_share_new"),
    ):
        assert inputs[name].value == terms[term].values[0].value


# ------------------------------------------------------------------------------------ faults


def test_inputs_are_of_the_formulas_own_bands_and_flags():
    other = count_persons({"practice": [0], "age_band": [0], "sex": [0]}, age_bands=["all"])
    with pytest.raises(InputError, match="persons, age_band: has all"):
        formula_inputs(other)
    with pytest.raises(InputError, match="there is no flag 'homes'"):
        formula_inputs(count_persons(persons_of_the_example(), ("home",)), home="homes")
    empty = count_persons(persons_of_the_example(), practices=["A99001", "A99002"])
    with pytest.raises(InputError, match="there are none of practice A99002"):
        formula_inputs(empty)
    with pytest.raises(InputError, match="are not counted"):
        formula_inputs(xr.Dataset())


def test_rurality_needs_numbers_of_the_same_practices():
    def of(values, codes=("A", "B")):
        return xr.DataArray(values, {"practice": list(codes)})

    with pytest.raises(InputError, match="density, practice B: is no number above zero"):
        rurality_ratio(of([1.0, 1]), of([1.0, 0]), of([1.0, 1]))
    with pytest.raises(InputError, match="density: is not of the same practices"):
        rurality_ratio(of([1.0, 1]), of([1.0, 1], "AC"), of([1.0, 1]))


def test_only_the_formula_can_be_normalised():
    practices = example_practices()
    with pytest.raises(InputError, match="no rule of national-practice-income reads"):
        normalised_formula("national-practice-income", practices)
    with pytest.raises(InputError, match="each: found 'month'"):
        normalised_formula(MODEL, practices, each="month")
    nobody = own_practices().assign(registered_list=("practice", [0.0]))
    with pytest.raises(InputError, match="weigh nothing all together"):
        normalised_formula(MODEL, nobody)


def test_the_example_is_normalised():
    practices = example_practices()
    weighted, registered = counted_lists(normalised_formula(MODEL, practices), practices)
    for month in range(12):
        sums = (float(of.isel(month=month).sum()) for of in (weighted, registered))
        assert math.isclose(*sums, rel_tol=1e-12)
