"""W2 as a loop over draws, written by hand with NumPy's samplers, and compiled."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(nogil=True, error_model="numpy")
def draw_exactly(list0, expected, trend, out):
    """Add up one commissioner's practices, on year and draw."""
    years, draws = out.shape
    for p in range(len(list0)):
        budget = 0.98 * expected[p] * 2500.0
        for d in range(draws):
            level = expected[p] * np.random.gamma(25.0, 1 / 25.0)
            for y in range(years):
                admissions = np.random.poisson(level * (1 - trend[p] * y))
                cost = 2500.0 * admissions
                share = min(0.05 * budget, max(-0.03 * budget, 0.5 * (budget - cost)))
                achieved = min(1.0, max(0.0, (1 - admissions / expected[p]) / 0.03))
                out[y, d] += 1700.0 * list0[p] + cost + share + 2.0 * list0[p] * achieved
