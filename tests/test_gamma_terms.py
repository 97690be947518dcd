"""The series of a gamma quantile: its coefficients, and how exact it is."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.polynomial import Polynomial
from scipy import special, stats

from capitation.engine.gamma_terms import gamma_terms_
from capitation.engine.quantiles import gamma_level_, gamma_shape_


def times(a, b):
    """The product of two series, as far as both are known."""
    return [sum(a[i] * b[j - i] for i in range(j + 1)) for j in range(min(len(a), len(b)))]


def derivative(a):
    return [i * a[i] for i in range(1, len(a))]


def test_terms_obey_the_equation():
    """t L L′ + (1 − L) L′² = e (L′² − L L″), in each power that the terms left out do not enter."""
    e = Polynomial([0.0, 1.0])
    series = [Polynomial([0.0]) + term for term in gamma_terms_(e)][::-1]
    slope = derivative(series)
    squared = times(slope, slope)
    first = [Polynomial([0.0]), *times(series, slope)]
    second = times([1 - series[0], *(-term for term in series[1:])], squared)
    last = times(series, derivative(slope))
    for j in range(len(last)):
        rest = first[j] + second[j] - e * (squared[j] - last[j])
        known = min(len(series[j].coef), len(series[j + 2].coef) + 1)
        assert np.abs(rest.coef[:known]).max() < 1e-12 * np.abs(series[j].coef).max()


@pytest.mark.parametrize("variation", [0.02, 0.05, 0.1, 0.2, 0.25, 0.3])
def test_chance_of_the_smaller_tail_is_the_one_asked_for(variation):
    w = np.linspace(-1, 1, 1001) / variation
    u = special.ndtr(w[abs(w) < 8])
    shape = gamma_shape_(variation)
    level = np.array([gamma_level_(variation, v) for v in u.tolist()])
    found = np.where(u < 0.5, special.gammainc(shape, level), special.gammaincc(shape, level))
    asked = np.minimum(u, 1 - u)
    # A change of the level by 1e-13 of it, and what SciPy's own tails may be out.
    slope = stats.gamma.pdf(level, shape) * level
    assert np.all(abs(found - asked) < 1e-13 * slope + 2e-13 * asked)


@pytest.mark.parametrize("variation", [0.05, 0.2, 0.3])
def test_series_and_search_meet(variation):
    """At the last deviates of the series and at the first beyond them."""
    for w in (-1 / variation, 1 / variation):
        if abs(w) < 8:
            u = special.ndtr(np.array([w * (1 - 1e-9), w * (1 + 1e-9)]))
            inner, outer = (gamma_level_(variation, v) for v in u.tolist())
            rise = (u[1] - u[0]) / stats.gamma.pdf(inner, gamma_shape_(variation))
            assert outer - inner == pytest.approx(rise, abs=2e-13 * inner)
