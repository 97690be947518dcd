"""W3 as loops over persons, written by hand and compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numba
import numpy as np

if TYPE_CHECKING:
    from workloads.w3 import Figures

compiled = numba.njit(nogil=True, error_model="numpy")


@compiled
def _chain_of_flags(practice, age, sex, mask, weights, factors, out):
    for i in range(len(practice)):
        weight = weights[age[i], sex[i]]
        if mask[i] & 1:
            weight *= factors[0]
        if mask[i] & 2:
            weight *= factors[1]
        if mask[i] & 4:
            weight *= factors[2]
        if mask[i] & 8:
            weight *= factors[3]
        out[practice[i]] += weight


@compiled
def _scatter(practice, codes, of_cells, out):
    for i in range(len(practice)):
        out[practice[i]] += of_cells[codes[i]]


@compiled
def _segments(start, codes, of_cells, out):
    for p in range(len(out)):
        total = 0.0
        for i in range(start[p], start[p + 1]):
            total += of_cells[codes[i]]
        out[p] = total


def chain_of_flags(f: Figures) -> Callable[[], np.ndarray]:
    return _adding(f, _chain_of_flags, f.practice, f.age, f.sex, f.mask, f.weights, f.flag_factors)


def scatter(f: Figures) -> Callable[[], np.ndarray]:
    return _adding(f, _scatter, f.practice, f.codes, f.of_cells)


def segments(f: Figures) -> Callable[[], np.ndarray]:
    return _adding(f, _segments, f.start, f.codes, f.of_cells)


def _adding(f: Figures, loop: Callable[..., None], *arrays: np.ndarray) -> Callable[[], np.ndarray]:
    def run() -> np.ndarray:
        out = np.zeros(f.practices)
        loop(*arrays, out)
        return out

    return run
