"""What the machine can do: bytes moved and sums done in a second, measured in the same run.

The loops are those of any compiled code: a store first reads the cache line that it writes. NumPy's
``fill`` may write past the cache, and so is the upper bound of what a block can be written at.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import numba
import numpy as np

from workloads.measuring import Case, on_threads

BYTES = {"tiny": 1 << 20, "ci": 1 << 28, "full": 1 << 29}
"""Bytes of an array: far more than any cache holds."""

CHAIN, SHORT = 16, 512
ROUNDS = {"tiny": 100, "ci": 20_000, "full": 50_000}

compiled = numba.njit(nogil=True, error_model="numpy")
contracted = numba.njit(nogil=True, error_model="numpy", fastmath={"contract"})


@compiled
def _fill(a, value, first, last):
    for i in range(first, last):
        a[i] = value


@compiled
def _copy(a, b, first, last):
    for i in range(first, last):
        a[i] = b[i]


@compiled
def _triad(a, b, c, first, last):
    for i in range(first, last):
        a[i] = b[i] + 0.5 * c[i]


@contracted
def _products_and_sums(a, rounds):
    """Sixteen products and sums of each number of a short array: chains that overlap."""
    for _ in range(rounds):
        for i in range(len(a)):
            value = a[i]
            for _step in range(CHAIN):
                value = value * 0.999999 + 0.000001
            a[i] = value


@cache
def arrays(size: str) -> list[np.ndarray]:
    return [np.full(BYTES[size] // 8, value) for value in (0.0, 1.0, 2.0)]


def moved(name: str, size: str, threads: int) -> Callable[[], None]:
    a, b, c = arrays(size)
    count = len(a)
    loops: dict[str, Callable[[int, int], None]] = {
        "fill": lambda first, last: _fill(a, 1.5, first, last),
        "copy": lambda first, last: _copy(a, b, first, last),
        "triad": lambda first, last: _triad(a, b, c, first, last),
        "np.fill": lambda first, last: a[first:last].fill(1.5),
    }
    return lambda: on_threads(loops[name], 0, count, threads)


def summed(size: str, threads: int) -> Callable[[], None]:
    def task(_first: int, _last: int) -> None:
        _products_and_sums(np.ones(SHORT), ROUNDS[size])

    return lambda: on_threads(task, 0, threads, threads)


def cases(size: str) -> list[Case]:
    """Bytes and sums, on one thread and on two: seconds are by byte and by sum."""
    found = []
    for threads in (1, 2):
        for name, touched in (("np.fill", 1), ("fill", 1), ("copy", 2), ("triad", 3)):
            prepare = partial(moved, name, size, threads)
            cells = BYTES[size] * touched
            found.append(Case("machine", name, prepare, cells, threads=threads, unit="byte"))
        cells = ROUNDS[size] * SHORT * CHAIN * 2 * threads
        prepare = partial(summed, size, threads)
        found.append(Case("machine", "sums", prepare, cells, threads=threads, unit="flop"))
    return found
