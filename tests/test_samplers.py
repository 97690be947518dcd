"""Random draws: the same bits compiled and not, the laws they promise, and no trace of the keys."""

from __future__ import annotations

import functools
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit
from numba.core.errors import TypingError
from scipy import special, stats

from capitation.engine import samplers
from capitation.engine.samplers import (
    draw_keys,
    gamma_,
    kernel_text,
    key_of,
    keys_of,
    negative_binomial_,
    stream_of,
    uniform_,
)

MEANS = (0.05, 0.5, 2, 8, 20, 58, 200, 2500, 30_000)
OVERDISPERSIONS = (1, 1.05, 1.3, 1.6, 3, 5)
LAWS = [(mean, spread) for mean in MEANS for spread in OVERDISPERSIONS]
SMALLEST, LARGEST = 2.0**-54, 1 - 2.0**-53
TAILS = (SMALLEST, 1e-15, 1e-12, 1e-9, 1e-6, 1e-4, 1 - 1e-4, 1 - 1e-6, 1 - 1e-9, 1 - 1e-12)

ARGUMENTS = {
    "mix_": 1,
    "uniform_": 4,
    "log_": 1,
    "exp_": 1,
    "normal_": 1,
    "expansion_": 4,
    "stirling_": 1,
    "deviance_": 3,
    "probability_of_count_": 3,
    "count_near_": 4,
    "gamma_shape_": 1,
    "gamma_level_": 2,
    "gamma_": 3,
    "negative_binomial_": 3,
}


@functools.cache
def compiled_text():
    """The kernel text with a loop over arrays for each function, compiled."""
    text = kernel_text()
    for name, count in ARGUMENTS.items():
        given_ = [f"a{i}" for i in range(count)]
        at = ", ".join(f"{a}[i]" for a in given_)
        text += (
            f"\n\n@compiled\ndef over_{name}({', '.join(given_)}, out):\n"
            f"    for i in range(len(out)):\n        out[i] = {name}({at})\n"
        )
    namespace = {"compiled": njit(nogil=True, error_model="python")}
    exec(text, namespace)
    return namespace


def over(name, *arguments):
    """The compiled function over arrays."""
    integers = name in ("mix_", "uniform_")
    arrays = np.broadcast_arrays(*arguments)
    dtype = np.uint64 if integers else np.float64
    flat = [np.ascontiguousarray(a, dtype=dtype).reshape(-1) for a in arrays]
    out = np.empty(flat[0].size, dtype=np.uint64 if name == "mix_" else np.float64)
    compiled_text()[f"over_{name}"](*flat, out)
    return out.reshape(arrays[0].shape)


def uniforms(n, practice="B82005", period="2015-04", stream="emergency_admissions", seed=1):
    return over(
        "uniform_",
        key_of(practice),
        key_of(period),
        draw_keys(seed, n),
        np.uint64(stream_of(stream)),
    )


def law(mean, spread):
    return stats.poisson(mean) if spread <= 1 else stats.nbinom(mean / (spread - 1), 1 / spread)


# --------------------------------------------------------------- one text, one result


def random_keys(n, seed=0):
    return np.random.default_rng(seed).integers(0, 2**64, n, dtype=np.uint64, endpoint=False)


def some_uniforms():
    u = np.random.default_rng(1).random(4000)
    return np.concatenate([np.clip(u, SMALLEST, LARGEST), TAILS, [LARGEST]])


def points(name):
    """Some thousands of arguments, ordinary and extreme."""
    generator = np.random.default_rng(2)
    u = some_uniforms()
    n = len(u)
    spread = generator.choice([0.3, 1, 1 + 1e-12, 1.05, 1.3, 3, 40, 999, 1001, 1e6], n)
    mean = 10 ** generator.uniform(-3, 4, n)
    wide = 10 ** generator.uniform(-300, 300, n)
    variation = generator.choice([0, 1e-9, 0.01, 0.03, 0.2, 0.5, 1, 3, 30, 1e8], n)
    if name == "uniform_":
        return [random_keys(5000, seed) for seed in range(4)]
    return {
        "mix_": [random_keys(5000)],
        "log_": [np.concatenate([wide, u, 1 + 1e-3 * (u - 0.5), [0, -1, 5e-324, 1e-310]])],
        "exp_": [np.concatenate([-750 * u, 720 * u, u * 1e-9, [0, -1e9, 1e9, -745.15, -745.1]])],
        "normal_": [u],
        "expansion_": [8 * (u - 0.5), spread, mean, u],
        "stirling_": [10 ** generator.uniform(-6, 6, n)],
        "deviance_": [mean, mean + 3, np.full(n, -3.0)],
        "probability_of_count_": [np.floor(mean * 2 * u), mean, np.maximum(spread, 1)],
        "count_near_": [np.floor(mean), mean, np.minimum(np.maximum(spread, 1), 5), u],
        "gamma_shape_": [variation],
        "gamma_level_": [variation, u],
        "gamma_": [mean, variation, u],
        "negative_binomial_": [mean, np.minimum(spread, 3), u],
    }[name]


@pytest.mark.parametrize("name", ARGUMENTS)
def test_compiled_and_plain_agree_to_the_bit(name):
    arguments = points(name)
    function = getattr(samplers, name)
    out = over(name, *arguments)
    plain = [function(*at) for at in zip(*(a.tolist() for a in arguments), strict=True)]
    assert out.view(np.uint64).tolist() == np.array(plain, dtype=out.dtype).view(np.uint64).tolist()


def test_wide_counts_agree_to_the_bit():
    u = some_uniforms()[::40]
    for mean, spread in ((3e-3, 999.0), (60.0, 40.0), (2e4, 900.0), (70.0, 1e5), (1e14, 1.3)):
        plain = [negative_binomial_(mean, spread, v) for v in u.tolist()]
        assert over("negative_binomial_", mean, spread, u).tolist() == plain


def test_kernel_text_is_of_functions_that_call_one_another_alone():
    names = {"float", "range", "abs", "compiled", "floor_", "sqrt_", "frexp_", "ldexp_", "int"}
    functions = {name: getattr(samplers, name) for name in (*ARGUMENTS, "gamma_terms_")}
    for function in functions.values():
        assert set(function.__code__.co_names) <= names | set(functions)
        assert not function.__code__.co_freevars
    assert kernel_text().count("@compiled\ndef ") == len(functions)


def test_a_key_that_is_no_uint64_does_not_compile():
    uniform = compiled_text()["uniform_"]
    keys = [np.uint64(1)] * 4
    for i in range(4):
        wrong = [*keys[:i], 1, *keys[i + 1 :]]
        with pytest.raises(TypingError):
            uniform(*wrong)


def test_a_stream_may_be_a_literal():
    literal = f"@compiled\ndef one(a, b, c):\n    return uniform_(a, b, c, {stream_of('x')})\n"
    namespace = dict(compiled_text())
    exec(literal, namespace)
    value = namespace["one"](np.uint64(1), np.uint64(2), np.uint64(3))
    assert value == uniform_(1, 2, 3, stream_of("x"))


# --------------------------------------------------------------- the generator


def test_known_answers():
    """Frozen: a change of any is a change of every published simulation."""
    assert hex(key_of("B82005")) == "0xcb21b5b1d7964c6e"
    assert [hex(k) for k in draw_keys(1, 3)] == [
        "0x8154aef85beecf58",
        "0x6ba2895bdcbbd848",
        "0x9e850c9bdd6a56d0",
    ]
    assert hex(stream_of("emergency_admissions")) == "0xa6cdd3094607b04e"
    assert uniforms(4).tolist() == [
        0.6121674068672063,
        0.6673727356125505,
        0.7324653676137439,
        0.31001627561144485,
    ]
    assert uniform_(0, 0, 0, 0) == 0.9041214365658873
    assert uniform_(2**64 - 1, 1, 2, 2**63) == 0.46206772513038397


def test_keys_do_not_depend_on_what_else_is_drawn():
    assert draw_keys(7, 10).tolist() == draw_keys(7, 1000)[:10].tolist()
    assert keys_of(["a", "b"]).tolist() == [key_of("a"), key_of("b")]
    assert keys_of([]).dtype == draw_keys(1, 0).dtype == np.uint64
    assert len({*draw_keys(1, 1000).tolist(), *draw_keys(2, 1000).tolist()}) == 2000
    assert stream_of("a") != stream_of("b")
    assert min(stream_of(str(i)) for i in range(100)) >= 2**63
    assert draw_keys(-(10**30), 1).size == 1


def test_uniforms_lie_between_0_and_1():
    u = uniforms(1_000_000)
    assert u.min() > 0
    assert u.max() < 1


def unmixed(x):
    """What `mix_` makes `x` of."""
    x ^= (x >> 31) ^ (x >> 62)
    x = x * pow(0x94D049BB133111EB, -1, 2**64) % 2**64
    x ^= (x >> 27) ^ (x >> 54)
    x = x * pow(0xBF58476D1CE4E5B9, -1, 2**64) % 2**64
    return x ^ (x >> 30) ^ (x >> 60)


@pytest.mark.parametrize(
    ("bits", "uniform"), [(0, SMALLEST), (2**11, 2**-53), (2**64 - 1, LARGEST)]
)
def test_ends_of_the_interval_stay_open(bits, uniform):
    """The draws that give the lowest and highest bits, found by running the rounds backwards."""
    key = 0x9E3779B97F4A7C15
    for absorbed in (1, 2, 2**63):
        key = samplers.mix_(key ^ absorbed)
    draw = unmixed((unmixed(bits) - key) % 2**64) ^ key
    assert uniform_(1, 2, draw, 2**63) == uniform
    assert over("uniform_", *(np.uint64(k) for k in (1, 2, draw, 2**63))) == uniform


AXES = ("practice", "period", "draw", "stream")


def along(axis, n, kind, other=5):
    """Uniforms of which one key counts up while the others stand still."""
    counting = np.arange(n, dtype=np.uint64)
    if kind == "hashed":
        counting = draw_keys(3, n) if axis == "draw" else keys_of(map(str, range(n)))
    keys = [np.uint64(other)] * 4
    keys[AXES.index(axis)] = counting
    return over("uniform_", *keys)


@functools.cache
def p_values_along(axis, kind):
    u = along(axis, 200_000, kind)
    n = len(u)
    centred = u - 0.5
    bits = (u * 2.0**53).astype(np.uint64)
    p = [
        stats.chisquare(np.bincount((u * 1000).astype(int), minlength=1000)).pvalue,
        stats.kstest(u, "uniform").pvalue,
        2 * stats.norm.sf(abs(centred.mean()) * math.sqrt(12 * n)),
    ]
    for lag in (1, 2, 3, 7, 12, 64, 1024):
        r = 12 * np.mean(centred[lag:] * centred[:-lag])
        p.append(2 * stats.norm.sf(abs(r) * math.sqrt(n - lag)))
    for lag in (1, 12):
        pairs = (u[:-lag] * 30).astype(int) * 30 + (u[lag:] * 30).astype(int)
        p.append(stats.chisquare(np.bincount(pairs[:: lag + 1], minlength=900)).pvalue)
    runs = np.sum(np.diff(u) > 0)
    p.append(2 * stats.norm.sf(abs(runs - (n - 1) / 2) / math.sqrt((n + 1) / 12)))
    for shift in (0, 20, 42):  # a byte of low, middle and high bits
        byte = (bits >> np.uint64(shift)) & np.uint64(255)
        p.append(stats.chisquare(np.bincount(byte.astype(int), minlength=256)).pvalue)
    return p


@pytest.mark.parametrize("kind", ["counted", "hashed"])
@pytest.mark.parametrize("axis", AXES)
def test_uniform_and_unrelated_along_each_key(axis, kind):
    assert min(p_values_along(axis, kind)) > 1e-4


def test_p_values_of_the_generator_are_themselves_uniform():
    p = [p for axis in AXES for kind in ("counted", "hashed") for p in p_values_along(axis, kind)]
    assert stats.kstest(p, "uniform").pvalue > 0.001


def test_neighbouring_keys_are_unrelated():
    """The same draws for two practices, months and streams, with keys that differ least."""
    n = 200_000
    draws = draw_keys(1, n)
    base = over("uniform_", np.uint64(8), np.uint64(4), draws, np.uint64(2)) - 0.5
    for changed in ((9, 4, 2), (8, 5, 2), (8, 4, 3), (4, 8, 2), (8, 2, 4), (2, 4, 8)):
        practice, period, stream = (np.uint64(k) for k in changed)
        u = over("uniform_", practice, period, draws, stream) - 0.5
        assert abs(12 * np.mean(u * base)) < 4.5 / math.sqrt(n)
        assert abs(12 * np.mean(u[1:] * base[:-1])) < 4.5 / math.sqrt(n)
        cells = ((u + 0.5) * 20).astype(int) * 20 + ((base + 0.5) * 20).astype(int)
        assert stats.chisquare(np.bincount(cells, minlength=400)).pvalue > 1e-4


def test_sums_over_many_keys_have_the_variance_of_independent_draws():
    """A sum over practices and months is as wide as independence says, over the draws."""
    practices = keys_of(f"P{i}" for i in range(40))[:, None, None]
    months = keys_of(f"2015-{i:02}" for i in range(12))[None, :, None]
    draws = draw_keys(11, 5000)
    u = over("uniform_", practices, months, draws, np.uint64(stream_of("a")))
    sums = (u - 0.5).sum(axis=(0, 1)) / math.sqrt(480 / 12)
    assert stats.kstest(sums, "norm").pvalue > 0.001
    assert sums.var() == pytest.approx(1, abs=4.5 * math.sqrt(2 / 5000))


@pytest.mark.parametrize("axis", range(4))
def test_each_bit_of_a_key_moves_each_bit_of_the_uniform(axis):
    n = 1500
    keys = [random_keys(n, 10 + i)[:, None] for i in range(4)]
    before = (over("uniform_", *keys) * 2.0**53).astype(np.uint64)
    flips = np.uint64(1) << np.arange(64, dtype=np.uint64)
    keys[axis] = keys[axis] ^ flips
    after = (over("uniform_", *keys) * 2.0**53).astype(np.uint64)
    changed = before ^ after  # n × 64 bits of the key
    out = np.arange(53, dtype=np.uint64)
    share = ((changed[:, :, None] >> out) & np.uint64(1)).mean(axis=0)
    assert abs(share - 0.5).max() < 5.5 * math.sqrt(0.25 / n)
    assert share.mean() == pytest.approx(0.5, abs=5 * math.sqrt(0.25 / (n * 64 * 53)))


def test_no_two_of_a_million_agree():
    small = np.arange(32, dtype=np.uint64)
    u = over("uniform_", *np.ix_(small, small, small, small))
    assert len(np.unique(u)) == u.size == 2**20
    hashed = over(
        "uniform_",
        *np.ix_(
            keys_of(f"P{i}" for i in range(50)),
            keys_of(f"2015-{i:02}" for i in range(40)),
            draw_keys(1, 100),
            np.array([stream_of("a"), stream_of("b")], dtype=np.uint64),
        ),
    )
    assert len(np.unique(hashed)) == hashed.size


# --------------------------------------------------------------- elementary functions


def test_logarithm_and_exponential():
    generator = np.random.default_rng(3)
    x = np.concatenate([10 ** generator.uniform(-300, 300, 20_000), some_uniforms()])
    exact = np.array([math.log(v) for v in x])
    assert np.all(abs(over("log_", x) - exact) <= np.spacing(abs(exact)))
    x = np.concatenate([generator.uniform(-708, 709, 20_000), generator.normal(0, 1, 5000)])
    exact = np.array([math.exp(v) for v in x])
    assert np.all(abs(over("exp_", x) - exact) <= np.spacing(exact))
    assert over("log_", np.array([0.0, -1, 1])).tolist() == [-math.inf, -math.inf, 0]
    assert over("exp_", np.array([-1e9, 0, 1e9])).tolist() == [0, 1, math.inf]


def test_normal_quantile():
    u = np.concatenate([np.linspace(1e-6, 1 - 1e-6, 50_001), some_uniforms()])
    u = u[u != 0.5]
    exact = np.where(u < 0.5, special.ndtri(u), -special.ndtri(1 - u))
    np.testing.assert_allclose(over("normal_", u), exact, rtol=3e-15)
    assert samplers.normal_(0.5) == 0
    assert np.all(np.diff(over("normal_", np.linspace(1e-9, 1 - 1e-9, 100_001))) > 0)


def test_probabilities_of_counts():
    for mean, spread in LAWS:
        reference = law(mean, spread)
        k = np.unique(np.floor(reference.ppf(np.linspace(1e-6, 1 - 1e-6, 200))))
        ours = over("probability_of_count_", k, mean, max(spread, 1.0))
        np.testing.assert_allclose(ours, reference.pmf(k), rtol=1e-10)


# --------------------------------------------------------------- quantiles against SciPy


@pytest.mark.parametrize(("mean", "spread"), LAWS)
def test_count_is_the_exact_quantile(mean, spread):
    u = np.concatenate([(np.arange(3000) + 0.5) / 3000, TAILS[3:-1]])
    ours = over("negative_binomial_", mean, spread, u)
    assert ours.tolist() == law(mean, spread).ppf(u).tolist()


BOUNDARIES = [
    *LAWS,
    *((mean, spread) for mean in (2.5, 2.9, 3.5, 5.3, 5.6, 12, 90) for spread in (1, 1.3, 2)),
    *((mean, spread) for mean in (45, 120, 550, 6000) for spread in (8, 50)),
    (5000, 900),
    (400, 1 + 1e-11),
    (12_000, 999),
]


@pytest.mark.parametrize(("mean", "spread"), BOUNDARIES)
def test_count_steps_where_the_distribution_function_does(mean, spread):
    """Just below each value of the distribution function, and just above: the hardest points."""
    reference = stats.poisson(mean) if spread < 1 + 1e-6 else law(mean, spread)
    k = np.arange(reference.ppf(1e-9), reference.ppf(1 - 1e-9))
    k = k[:: max(1, len(k) // 1500)]
    below = reference.cdf(k)
    near = 1e-8 * np.minimum(below, reference.sf(k))
    low, high = below - near, below + near
    apart = (low < below) & (below < high) & (near < reference.pmf(k)) & (near > 1e-12)
    assert over("negative_binomial_", mean, spread, low)[apart].tolist() == k[apart].tolist()
    assert over("negative_binomial_", mean, spread, high)[apart].tolist() == (k + 1)[apart].tolist()


@pytest.mark.parametrize("mean", [1e-300, 1e-9, *MEANS, 1e6, 1e9, 1e14])
def test_counts_stay_finite_at_the_ends(mean):
    u = np.array((*TAILS, LARGEST))
    for spread in (0.5, 1, 1.0000001, 1.3, 5, 50, 999, 2000, 1e9):
        counts = over("negative_binomial_", mean, spread, u)
        assert np.all(np.isfinite(counts) & (counts >= 0) & (counts == np.floor(counts)))
        assert np.all(np.diff(counts[np.argsort(u)]) >= 0)


def test_certain_and_impossible():
    assert negative_binomial_(7.25, 0.0, 0.9) == 7.25
    assert negative_binomial_(-1.0, 0.0, 0.9) == -1
    assert negative_binomial_(0.0, 1.3, LARGEST) == 0
    assert negative_binomial_(-5.0, 1.3, 0.5) == 0
    assert negative_binomial_(20.0, 0.4, 0.3) == negative_binomial_(20.0, 1.0, 0.3)
    assert math.isnan(negative_binomial_(math.nan, 1.3, 0.5))
    assert negative_binomial_(1e16, 1.3, 0.5) == 1e16
    assert math.isnan(negative_binomial_(20.0, math.nan, 0.5))
    assert math.isnan(gamma_(7.25, math.nan, 0.9))
    assert gamma_(7.25, 0.0, 0.9) == 7.25
    assert gamma_(0.0, 0.3, 0.9) == 0
    assert gamma_(-2.0, 0.3, 0.9) == 0
    assert math.isnan(gamma_(math.nan, 0.3, 0.5))
    assert gamma_(1.0, 1e9, 0.999) == 0


def test_beyond_an_overdispersion_of_a_thousand_a_gamma_stands_in():
    u = np.linspace(0.01, 0.99, 99)
    for mean in (100, 5000, 1e6):
        reference = law(mean, 1500).ppf(u)
        ours = over("negative_binomial_", mean, 1500, u)
        assert np.all(abs(ours - reference) <= 1 + 0.002 * reference)


@pytest.mark.parametrize("variation", [0.005, 0.0199, 0.02, 0.05, 0.1, 0.2, 0.35, 0.399, 0.4])
def test_gamma_quantile(variation):
    check_gamma(variation)


@pytest.mark.parametrize("variation", [0.5, 0.75, 1, 1.0001, 1.5, 2, 4, 10])
def test_gamma_quantile_of_small_shapes(variation):
    check_gamma(variation)


def check_gamma(variation):
    u = np.concatenate([np.linspace(1e-5, 1 - 1e-5, 2001), TAILS])
    exact = np.where(
        u < 0.5,
        stats.gamma.ppf(u, variation**-2, scale=3 * variation**2),
        stats.gamma.isf(1 - u, variation**-2, scale=3 * variation**2),
    )
    ours = over("gamma_", 3.0, variation, u)
    usual = abs(special.ndtri(u)) < 4.5
    there = exact > 1e-280
    fine = 2e-11 if variation >= 0.02 else 1e-8
    np.testing.assert_allclose(ours[usual & there], exact[usual & there], rtol=fine)
    np.testing.assert_allclose(ours[there], exact[there], rtol=1e-6)
    assert np.all(ours[~there] < 1e-279)


# --------------------------------------------------------------- samples

DRAWN = 200_000


@functools.cache
def sample(mean, spread):
    """Draws of one practice and month, each law with a stream of its own."""
    u = uniforms(DRAWN, stream=f"law {mean} {spread}", seed=20151)
    return over("negative_binomial_", mean, spread, u)


@functools.cache
def p_value(mean, spread):
    """Chi-square of a sample against SciPy's probabilities, in cells of 20 expected or more."""
    reference = law(mean, spread)
    edges = np.unique(reference.ppf(np.linspace(0, 1, 102)[1:-1]))
    below = reference.cdf(edges)
    keep = [0]
    for i in range(1, len(edges)):
        if below[i] - below[keep[-1]] > 20 / DRAWN and 1 - below[i] > 20 / DRAWN:
            keep.append(i)
    edges, below = edges[keep], below[keep]
    expected = DRAWN * np.diff(np.concatenate([[0], below, [1]]))
    observed = np.bincount(np.searchsorted(edges, sample(mean, spread)), minlength=len(expected))
    return stats.chisquare(observed, expected).pvalue


@pytest.mark.parametrize(("mean", "spread"), LAWS)
def test_sample_has_its_mean_variance_and_tails(mean, spread):
    drawn = sample(mean, spread)
    reference = law(mean, spread)
    variance = mean * spread
    kurtosis = float(reference.stats("k"))
    assert drawn.mean() == pytest.approx(mean, abs=4.5 * math.sqrt(variance / DRAWN))
    assert drawn.var() == pytest.approx(
        variance, abs=4.5 * variance * math.sqrt((kurtosis + 2) / DRAWN)
    )
    for level in (0.01, 0.05, 0.95, 0.99):
        at = reference.ppf(level)
        p = reference.cdf(at)
        share = np.mean(drawn <= at)
        assert share == pytest.approx(p, abs=4.5 * math.sqrt(p * (1 - p) / DRAWN) + 1e-12)


@pytest.mark.parametrize(("mean", "spread"), LAWS)
def test_sample_fits_the_law(mean, spread):
    assert p_value(mean, spread) > 0.001


def test_p_values_are_themselves_uniform():
    p = [p_value(mean, spread) for mean, spread in LAWS]
    assert stats.kstest(p, "uniform").pvalue > 0.01


@pytest.mark.parametrize("variation", [0.01, 0.1, 0.25, 0.5, 1, 2])
def test_gamma_sample_fits_the_law(variation):
    drawn = over("gamma_", 0.09, variation, uniforms(50_000, stream=f"gamma {variation}"))
    fitted = stats.gamma(variation**-2, scale=0.09 * variation**2)
    assert stats.kstest(drawn, fitted.cdf).pvalue > 0.001
    assert drawn.mean() == pytest.approx(0.09, abs=4.5 * fitted.std() / math.sqrt(50_000))


def test_year_of_overdispersed_months_keeps_the_ratio_of_variance_to_mean():
    """Twelve independent months with variance 1.3 × mean make a year with the same ratio."""
    months = keys_of(f"2015-{i:02}" for i in range(12))[:, None]
    stream = np.uint64(stream_of("emergency_admissions"))
    u = over("uniform_", key_of("B82005"), months, draw_keys(5, 40_000), stream)
    year = over("negative_binomial_", 58, 1.3, u).sum(axis=0)
    assert stats.kstest(year + u[0] - 1, lambda x: smooth_cdf(law(12 * 58, 1.3), x)).pvalue > 0.001
    assert year.var() / year.mean() == pytest.approx(1.3, rel=4.5 * math.sqrt(2 / 40_000))


def smooth_cdf(reference, x):
    """The distribution function with each count spread evenly over the unit below it."""
    whole = np.floor(x)
    return reference.cdf(whole) + (x - whole) * reference.pmf(whole + 1)


# --------------------------------------------------------------- one uniform, one variate

between = st.floats(SMALLEST, LARGEST)
means = st.one_of(st.floats(1e-3, 100), st.floats(1e-3, 50_000))
spreads = st.one_of(st.sampled_from([0.0, 1.0, 1.3]), st.floats(0.1, 8))


@settings(max_examples=500, deadline=None)
@given(means, means, spreads, between, between)
def test_count_rises_with_the_uniform_and_with_the_mean(mean, other, spread, u, v):
    count = compiled_text()["negative_binomial_"]
    (u, v), (mean, other) = sorted((u, v)), sorted((mean, other))
    assert count(mean, spread, u) <= count(mean, spread, v)
    assert count(mean, spread, u) <= count(other, spread, u)


# The distribution function is a sum of some hundred terms, each with an error of its last bit. So
# near 1, once in 10¹² draws, it cannot tell two means apart, and a count may be one out.
TOLD_APART = 1 - 2.0**-40


@settings(max_examples=300, deadline=None)
@given(means, st.floats(1.0, 1.05), spreads, st.floats(SMALLEST, TOLD_APART))
def test_count_rises_when_the_mean_rises_by_little(mean, factor, spread, u):
    count = compiled_text()["negative_binomial_"]
    assert count(mean, spread, u) <= count(mean * factor, spread, u)


@pytest.mark.parametrize("spread", OVERDISPERSIONS)
def test_count_rises_across_the_change_of_method(spread):
    at = (2 * spread - 1) ** 2 / (0.36 * spread)
    u = uniforms(200_000, stream="change of method")
    counts = [
        over("negative_binomial_", at * factor, spread, u)
        for factor in (0.99, 1 - 1e-9, 1 + 1e-9, 1.01)
    ]
    assert all(np.all(a <= b) for a, b in itertools.pairwise(counts))
    assert np.mean(counts[1] != counts[2]) < 1e-5


@settings(max_examples=300, deadline=None)
@given(means, means, st.floats(0, 5), between, between)
def test_gamma_rises_with_the_uniform_and_with_the_mean(mean, other, variation, u, v):
    quantile = compiled_text()["gamma_"]
    (u, v), (mean, other) = sorted((u, v)), sorted((mean, other))
    # Two uniforms a rounding apart may come out a rounding apart the other way.
    assert quantile(mean, variation, u) <= quantile(mean, variation, v) * (1 + 1e-10)
    assert quantile(mean, variation, u) <= quantile(other, variation, u)


def test_shared_draws_show_what_a_programme_does():
    """With the same uniforms, 3% fewer admissions are never more, and the difference is sharp."""
    u = uniforms(100_000, stream="with and without")
    without = over("negative_binomial_", 58, 1.3, u)
    with_programme = over("negative_binomial_", 58 * 0.97, 1.3, u)
    avoided = without - with_programme
    assert avoided.min() >= 0
    assert avoided.mean() == pytest.approx(1.74, abs=0.02)
    alone = over("negative_binomial_", 58 * 0.97, 1.3, uniforms(100_000, stream="another"))
    assert avoided.var() < (without - alone).var() / 100
