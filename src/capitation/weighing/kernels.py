"""Persons counted by practice and cell, and weights laid on the counts: compiled, or by NumPy.

A cell is a combination of age band, sex and need flags. Counts are whole numbers, so that neither
the order of persons nor the number of threads moves them. A product adds up cells in their order,
whatever adds it up: nothing of it goes through a library for matrices, which may choose an order of
its own. So NumPy, the compiled kernels and their text run as plain Python give the same bits.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from capitation.engine.compiling import load, text_as_kernel
from capitation.side_by_side import side_by_side

Counts = npt.NDArray[np.int64]
Weights = npt.NDArray[np.float64]
Codes = npt.NDArray[Any]

WORTH_STARTING = 200_000_000
"""Steps of a count or a product from which it is worth while to start Numba for it alone."""

WORTH_COMPILING = 1_000_000
"""Steps from which compiled code is worth while where Numba is at hand already."""

WORTH_SHARING = 10_000_000
"""Terms of a product from which a second thread is worth its while: some milliseconds."""

AT_ONCE = 1 << 22
"""Persons in one call of NumPy: what it makes of them stays small."""

MOST_PRIVATE = 1 << 28
"""Bytes of counts that threads hold for themselves, all together."""

PARTS_PER_THREAD = 4
"""A thread that is done early takes on another part."""

# ------------------------------------------------------------------ pasted into kernels


def count_in_order(cells: Any, start: Any, counts: Any, first: int, last: int) -> None:
    """Count persons who stand in order of practice: those of each from `start` on."""
    for p in range(first, last):
        for i in range(start[p], start[p + 1]):
            counts[p, cells[i]] += 1


def count_in_any_order(cells: Any, places: Any, counts: Any, first: int, last: int) -> None:
    """Count persons of whom each says where his practice stands."""
    for i in range(first, last):
        counts[places[i], cells[i]] += 1


def add_up(counts: Any, weights: Any, found: Any, first: int, last: int) -> None:
    """Add up what every cell of a practice weighs, cells in their order, for each set of weights.

    `weights` are by cell and set, `found` by practice and set.
    """
    for p in range(first, last):
        for c in range(weights.shape[0]):
            persons = float(counts[p, c])
            for s in range(weights.shape[1]):
                found[p, s] += persons * weights[c, s]


def worth_compiling(steps: int) -> bool:
    """Whether a count of so many persons, or a product of so many terms, is better compiled."""
    return steps > (WORTH_COMPILING if "numba" in sys.modules else WORTH_STARTING)


# ------------------------------------------------------------------ in parts, by threads


def _in_parts(work: Callable[[int, int], None], edges: Sequence[int], threads: int) -> None:
    """Do a piece of work for every part between two edges."""
    parts = [(a, b) for a, b in itertools.pairwise(edges) if a < b]
    for _ in side_by_side(lambda part: work(*part), parts, min(threads, len(parts) or 1)):
        pass


# ------------------------------------------------------------------ counts


def counted_in_order(
    cells: Codes, start: Counts, width: int, *, compiled: bool, threads: int = 1
) -> Counts:
    """Persons by practice and cell, of persons in order of practice.

    Parameters
    ----------
    cells : array of uint8 or uint16
        Each below `width`.
    start : array of int64
        Where the persons of each practice begin, and the end.
    width : int
        How many cells there are.
    compiled : bool
        Through Numba, or by NumPy.
    threads : int
        That the compiled count uses.

    Returns
    -------
    array of int64
    """
    practices = len(start) - 1
    counts = np.zeros((practices, width), np.int64)
    if not compiled:
        for p in range(practices):
            counts[p] = np.bincount(cells[start[p] : start[p + 1]], minlength=width)
        return counts
    kernel = load(text_as_kernel(count_in_order), True)
    even = np.linspace(start[0], start[-1], threads * PARTS_PER_THREAD + 1)
    edges = [0, *np.searchsorted(start, even[1:-1]).tolist(), practices]
    _in_parts(lambda a, b: kernel(cells, start, counts, a, b), sorted(edges), threads)
    return counts


def counted_in_any_order(
    cells: Codes, places: Codes, practices: int, width: int, *, compiled: bool, threads: int = 1
) -> Counts:
    """Persons by practice and cell, of persons in any order.

    Parameters
    ----------
    cells : array of uint8 or uint16
        Each below `width`.
    places : array of int32
        Of each person's practice: from 0, and below `practices`.
    practices, width : int
        How many practices and cells there are.
    compiled : bool
        Through Numba, or by NumPy.
    threads : int
        That the compiled count uses, each with counts of its own.

    Returns
    -------
    array of int64
    """
    shape, people = (practices, width), len(cells)
    counts = np.zeros(shape, np.int64)
    if not compiled:
        for first in range(0, people, AT_ONCE):
            part = slice(first, first + AT_ONCE)
            at = places[part].astype(np.int64) * width + cells[part]
            counts += np.bincount(at, minlength=practices * width).reshape(shape)
        return counts
    kernel = load(text_as_kernel(count_in_any_order), True)
    # Half as wide as the sum, private counts are found in the cache more often.
    workers = max(1, min(threads, MOST_PRIVATE // max(counts.nbytes // 2, 1)))
    edges = np.linspace(0, people, workers + 1).astype(int).tolist()
    own = {first: np.zeros(shape, np.int32) for first in edges[:-1]}
    _in_parts(lambda a, b: kernel(cells, places, own[a], a, b), edges, workers)
    for part_counts in own.values():
        counts += part_counts
    return counts


# ------------------------------------------------------------------ products


def weighed(counts: Counts, weights: Weights, *, compiled: bool, threads: int = 1) -> Weights:
    """What the persons of each practice weigh, by set of weights and practice.

    Parameters
    ----------
    counts : array of int64
        By practice and cell.
    weights : array of float64
        By set and cell.
    compiled : bool
        Through Numba, or by NumPy.
    threads : int
        That the compiled product uses.

    Returns
    -------
    array of float64
        By set and practice.
    """
    by_cell = np.ascontiguousarray(weights.T)
    practices, sets = len(counts), len(weights)
    if not compiled:
        found = np.zeros((sets, practices))
        people = np.ascontiguousarray(counts.T).astype(np.float64)
        for cell in range(len(by_cell)):
            found += by_cell[cell][:, None] * people[cell]
        return found
    kernel = load(text_as_kernel(add_up), True)
    by_practice = np.zeros((practices, sets))
    workers = threads if counts.size * sets > WORTH_SHARING else 1
    edges = np.linspace(0, practices, workers * PARTS_PER_THREAD + 1).astype(int).tolist()
    _in_parts(lambda a, b: kernel(counts, by_cell, by_practice, a, b), edges, workers)
    return np.ascontiguousarray(by_practice.T)
