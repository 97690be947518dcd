"""What stands at some places of rows is the same, put in order or not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capitation.engine import order_statistics as module
from capitation.engine.compiling import load, text_as_kernel
from capitation.engine.order_statistics import order_statistics, take_places

NUMBERS = st.one_of(
    st.sampled_from([0.0, -1.0, 1e308, -1e308, 5e-324, np.inf, -np.inf, np.nan]),
    st.floats(-1e3, 1e3),
    st.integers(-3, 3).map(float),
)


@st.composite
def rows_and_places(draw):
    many = draw(st.integers(1, 60))
    row = st.lists(NUMBERS, min_size=many, max_size=many)
    rows = draw(st.lists(row, min_size=1, max_size=4))
    places = draw(st.sets(st.integers(0, many - 1), min_size=1))
    return np.array(rows), np.array(sorted(places))


@settings(deadline=None)
@given(rows_and_places())
def test_compiled_or_by_numpy_the_same_draws_are_found(case):
    found = order_statistics(*case, compiled=True)
    np.testing.assert_array_equal(found, order_statistics(*case, compiled=False))


@pytest.mark.parametrize("law", ["normal", "lognormal", "poisson", "one far outlier", "all alike"])
def test_many_draws_of_any_law(law):
    rng = np.random.default_rng(3)
    rows = {
        "normal": rng.normal(1e8, 1e6, (5, 10_112)),
        "lognormal": rng.lognormal(0, 3, (5, 10_112)),
        "poisson": rng.poisson(0.7, (5, 10_112)).astype(float),
        "one far outlier": np.append(rng.normal(size=(5, 10_111)), np.full((5, 1), 1e12), axis=1),
        "all alike": np.full((5, 10_112), 1.1),
    }[law]
    places = np.unique(rng.integers(0, 10_112, 32))
    found = order_statistics(rows, places, compiled=True)
    np.testing.assert_array_equal(found, np.sort(rows, axis=-1)[:, places])


def missed_by_the_kernel(rows, patience):
    """Which rows the kernel leaves to be put in order, as plain Python and compiled."""
    many, places = rows.shape[1], np.arange(0, rows.shape[1], 7)
    bins = many // module.PER_BIN
    least = rows.min(axis=-1)
    told = []
    for compiled in (False, True):
        missed, found = np.zeros(len(rows), bool), np.empty((len(rows), len(places)))
        of_bins = (np.empty(bins + 1, np.int64), np.empty(bins, np.int64))
        room = (np.empty(many), np.empty(many, np.int32), *of_bins)
        scale = bins / (rows.max(axis=-1) - least)
        kernel = load(text_as_kernel(take_places), compiled, error_model="numpy")
        kernel(rows, places, found, least, scale, patience * many, missed, *room)
        np.testing.assert_array_equal(found[~missed], np.sort(rows)[~missed][:, places])
        told.append(missed.tolist())
    assert told[0] == told[1]
    return told[0]


def test_a_row_that_crowds_one_bin_is_left_to_be_put_in_order():
    crowded = np.append(np.arange(600.0)[::-1], 1e9)
    even = np.random.default_rng(1).random(601)
    assert missed_by_the_kernel(np.stack([crowded, even]), module.PATIENCE) == [True, False]
    assert missed_by_the_kernel(np.stack([crowded, even]), 10_000) == [False, False]
