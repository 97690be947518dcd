"""What is said with a result: sentences on what it takes for granted."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import capitation as cap


def notes(result: xr.Dataset) -> str:
    return "\n".join(json.loads(result.attrs["notes"]))


@pytest.fixture(scope="module")
def two() -> xr.Dataset:
    return cap.example_practices().isel(practice=slice(0, 2))


def test_a_year_that_is_cut_short_is_told(two):
    said = notes(cap.project("bolton-quality-contract", two, months=18))
    assert "Of 2016/17 the run has 6 of twelve months" in said
    assert "not settled in the run" in said
    late = notes(cap.project("bolton-quality-contract", two, start="2015-10", months=6))
    assert "Of 2015/16 the run has 6 of twelve months" in late
    assert "settled in March" in late
    assert "of twelve months" not in notes(cap.project("bolton-quality-contract", two, months=12))


def test_nothing_is_graded_in_a_year_that_is_cut_short(two):
    result = cap.project("bolton-quality-contract", two, months=18)
    assert (result["grade_for_admissions"].sel(year="2016/17") == 0).all()
    np.testing.assert_array_equal(result["share_of_year"], [1.0, 0.5])


def test_chance_at_its_mean_is_told_by_a_projection_and_not_by_a_simulation(two):
    assert "left to chance" in notes(cap.project("bolton-quality-contract", two, months=12))
    assert "left to chance" not in notes(cap.project("national-practice-income", two, months=12))
    drawn = cap.simulate(
        "bolton-quality-contract", two, months=12, draws=2, compiled=False, break_even=False
    )
    assert "left to chance" not in notes(drawn)


def test_counts_without_a_base_year_to_hold_them_against_are_told(two):
    months = pd.date_range("2015-04-01", periods=12, freq="MS")
    counts = xr.DataArray(
        np.full((2, 12), 50.0),
        {"practice": two["practice"].values, "month": months},
        dims=("practice", "month"),
    )
    given = {"emergency_admissions": counts}
    said = notes(cap.project("bolton-quality-contract", two, months=12, given=given))
    assert "Give 'base_year_admissions'" in said
    with_base = two.assign(base_year_admissions=("practice", [600.0, 600.0]))
    said = notes(cap.project("bolton-quality-contract", with_base, months=12, given=given))
    assert "less what was counted" in said
    assert "Give 'base_year_admissions'" not in said
