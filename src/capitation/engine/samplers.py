"""Random draws for generated kernels: keyed, by inversion, the same bits everywhere.

A draw has no state. `uniform_` hashes the keys of a practice, a period and a draw and the number of
a stream into a uniform; a quantile function turns it into one variate. The variate never falls when
the uniform or the mean rises. Two scenarios, or a run with a programme and one without, that share
the keys therefore differ only by what was changed, and no order of loops, number of threads or
choice of practices moves a number.

The functions whose names end in an underscore are pasted into kernels as they stand
(`kernel_text`) and run as plain Python or compiled by Numba, with the same bits: they call only one
another and ``floor``, ``sqrt``, ``frexp`` and ``ldexp``, which are exact or correctly rounded
everywhere. Logarithm and exponential are written out, so that no platform's mathematics library
has a say. A key is a Python int or, compiled, a uint64; an int64 does not compile.

Method and accuracy
-------------------
Uniforms
    The keys of practice, period and stream are absorbed one after another by the finaliser of
    splitmix64; two further rounds, keyed by the outcome, encipher the key of the draw. 53 bits.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
from collections.abc import Iterable

import numpy as np

from capitation.engine.gamma_terms import gamma_terms_
from capitation.engine.quantiles import (
    count_near_,
    deviance_,
    exp_,
    expansion_,
    gamma_,
    gamma_level_,
    gamma_shape_,
    log_,
    negative_binomial_,
    normal_,
    probability_of_count_,
    stirling_,
)

# ------------------------------------------------------------------ pasted into kernels


def mix_(x: int) -> int:
    """The finaliser of splitmix64: a bijection in which each bit moves every other."""
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
    return x ^ (x >> 31)


def uniform_(practice_key: int, period_key: int, draw_key: int, stream: int) -> float:
    """The uniform of four keys, in the open interval from 0 to 1, a multiple of 2⁻⁵³ or 2⁻⁵⁴.

    Compiled, every key must be a uint64. `stream` may be a literal if its top bit is set, as in all
    that `stream_of` gives: Numba takes a smaller literal for an int64, which does not compile.
    """
    key = 0x9E3779B97F4A7C15
    # Looked up by a variable, these must be of one type: Numba refuses an int64 among them.
    keys = (practice_key, period_key, stream, draw_key, mix_(key))
    for i in range(3):
        key = mix_(key ^ keys[i])
    bits = mix_((mix_(key ^ draw_key) + key) & 0xFFFFFFFFFFFFFFFF) >> 11
    u = bits * 1.1102230246251565e-16
    return u if u > 0.0 else 5.551115123125783e-17


_PASTED = (
    mix_,
    uniform_,
    log_,
    exp_,
    normal_,
    expansion_,
    stirling_,
    deviance_,
    probability_of_count_,
    count_near_,
    gamma_shape_,
    gamma_terms_,
    gamma_level_,
    gamma_,
    negative_binomial_,
)


@functools.cache
def kernel_text() -> str:
    """The text of the functions for a kernel: imports, and ``@compiled`` before each function.

    Returns
    -------
    str

    Examples
    --------
    >>> kernel_text().splitlines()[0]
    'from math import floor as floor_'
    """
    names = ("floor", "frexp", "ldexp", "sqrt")
    imports = "".join(f"from math import {name} as {name}_\n" for name in names)
    functions = (f"@compiled\n{inspect.getsource(function)}" for function in _PASTED)
    return "\n\n".join([imports, *functions])


# ------------------------------------------------------------------ keys


def key_of(text: str) -> np.uint64:
    """The key of a text, the same on every machine.

    Parameters
    ----------
    text : str
        A practice's code, a month.

    Returns
    -------
    numpy.uint64

    Examples
    --------
    >>> hex(key_of("B82005"))
    '0xcb21b5b1d7964c6e'
    """
    return np.uint64(_number_of(text))


def keys_of(texts: Iterable[str]) -> np.ndarray:
    """The key of each text.

    Parameters
    ----------
    texts : iterable of str

    Returns
    -------
    ndarray of uint64
    """
    return np.array([_number_of(text) for text in texts], dtype=np.uint64)


def draw_keys(seed: int, draws: int) -> np.ndarray:
    """The keys of the draws of a run, all different; more draws leave the earlier ones as they are.

    Parameters
    ----------
    seed : int
    draws : int
        How many.

    Returns
    -------
    ndarray of uint64
    """
    steps = np.arange(draws, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed: np.ndarray = mix_(steps + key_of(f"seed {int(seed)}"))  # type: ignore[arg-type,assignment]
    return mixed


def stream_of(name: str) -> int:
    """The number of a stream of random numbers, with the top bit set: see `uniform_`.

    Parameters
    ----------
    name : str
        Of the random rule that the stream belongs to.

    Returns
    -------
    int
    """
    return _number_of(f"stream {name}") | 1 << 63


def _number_of(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")
