"""The synthetic example agrees with what was published, and says that it is invented."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from capitation.example import example_practices
from capitation.practices import FIGURES, check_practices

# NHS Payments to General Practice 2014/15, typed from the published table and not from the module.
PARTS = (
    "global_sum",
    "correction_factor",
    "pms_expenditure",
    "seniority",
    "qof",
    "premises",
    "local_schemes",
    "other_payments",
)
ENGLAND_PER_WEIGHTED_PATIENT = {  # £m over 56.626m weighted patients
    "seniority": 2.19,
    "qof": 12.76,
    "premises": 11.86,
    "local_schemes": 1.67,  # Bolton
    "other_payments": 14.86,  # Bolton
}

seeds = st.integers(0, 2**31)
some = settings(deadline=None, max_examples=30)


@pytest.fixture(scope="module")
def example() -> xr.Dataset:
    return example_practices()


def core(practices: xr.Dataset) -> xr.DataArray:
    return practices["global_sum"] + practices["correction_factor"] + practices["pms_expenditure"]


@some
@given(seeds)
def test_contracts_are_as_many_as_boltons(seed):
    contracts, counts = np.unique(example_practices(seed)["contract_type"], return_counts=True)
    found = dict(zip(contracts.tolist(), counts.tolist(), strict=True))
    assert found == {"APMS": 5, "GMS": 26, "PMS": 19}


@some
@given(seeds)
def test_weighted_lists_come_to_boltons(seed):
    weighted = example_practices(seed)["weighted_list"]
    assert float(weighted.sum()) == pytest.approx(308_000, rel=0.01)
    assert float(weighted.min()) >= 1_200


@some
@given(seeds)
def test_core_income_comes_to_7283_pence_a_weighted_patient(seed):
    practices = example_practices(seed)
    per_patient = float(core(practices).sum() / practices["weighted_list"].sum())
    assert per_patient == pytest.approx(72.83, abs=0.005)


def test_weighted_lists_are_a_little_larger_than_registered(example):
    ratio = float(example["weighted_list"].sum() / example["registered_list"].sum())
    assert ratio == pytest.approx(307_164 / 298_620, rel=0.02)


@pytest.mark.parametrize("name", ENGLAND_PER_WEIGHTED_PATIENT)
def test_other_streams_are_about_englands_a_weighted_patient(example, name):
    found = float(example[name].sum() / example["weighted_list"].sum())
    assert found == pytest.approx(ENGLAND_PER_WEIGHTED_PATIENT[name], rel=0.1)


def test_three_gms_practices_in_five_have_a_correction_factor_of_about_ten_thousand(example):
    gms = example.isel(practice=example["contract_type"].values == "GMS")
    factors = gms["correction_factor"].values
    assert 0.4 < (factors > 0).mean() < 0.8
    assert 5_000 < factors[factors > 0].mean() < 20_000


@some
@given(seeds)
def test_each_contract_has_the_payments_of_its_kind(seed):
    practices = example_practices(seed)
    gms = practices["contract_type"].values == "GMS"
    assert (practices["pms_expenditure"].values[gms] == 0).all()
    assert (practices["pms_expenditure"].values[~gms] > 0).all()
    assert (practices["global_sum"].values[gms] > 0).all()
    assert (practices["global_sum"].values[~gms] == 0).all()
    assert (practices["correction_factor"].values[~gms] == 0).all()


@some
@given(seeds)
def test_total_payments_are_the_parts_and_enhanced_services(seed):
    practices = example_practices(seed)
    parts = sum(practices[name] for name in PARTS)
    enhanced = practices["total_payments"] - parts
    np.testing.assert_array_equal(enhanced, (practices["registered_list"] * 5).round())


@some
@given(seeds)
def test_figures_are_whole_and_never_negative_and_have_units(seed):
    practices = example_practices(seed)
    check_practices(practices)
    for name, (unit, title) in FIGURES.items():
        values = practices[name].values
        assert values.dtype == np.float64
        assert (values == np.round(values)).all()
        assert (values >= 0).all()
        assert practices[name].attrs == {"units": unit, "long_name": title}


@some
@given(seeds)
def test_the_same_seed_gives_the_same_practices(seed):
    assert example_practices(seed).identical(example_practices(seed))


@some
@given(seeds, seeds)
def test_another_seed_gives_other_practices(seed, other):
    same = (
        example_practices(seed)["weighted_list"].values.tolist()
        == example_practices(other)["weighted_list"].values.tolist()
    )
    assert same == (seed == other)


def test_the_default_seed_stays_what_it_was(example):
    """The worked example in the repository is made from these practices."""
    assert example.identical(example_practices(2015))
    assert example["practice"].values[[0, -1]].tolist() == ["EX001", "EX050"]
    assert len(set(example["practice"].values.tolist())) == 50


def test_it_says_that_it_is_invented(example):
    assert "synthetic" in example.attrs["title"].lower()
    assert "invented" in example.attrs["title"]
    assert example.attrs["source"] == "synthetic example, seed 2015"
    assert "no practice in it exists" in example.attrs["licence"]
    assert set(example["commissioner"].values.tolist()) == {"EXAMPLE"}
    assert set(example["commissioner_name"].values.tolist()) == {"Example CCG (synthetic)"}
    assert all(name.startswith("Example practice") for name in example["practice_name"].values)
