"""Order statistics: what stands at some places of rows of draws, were each row in order.

Quantiles and their errors need some thirty of ten thousand draws, so a row need not be put in
order: its draws are told apart by bins of one width, and only those in the bins that hold a place
are. The naive twin is `numpy.sort`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from capitation.engine.compiling import load, text_as_kernel

PER_BIN = 5
"""Draws to a bin, were they even: fewer take longer to count, more to put in order."""

PATIENCE = 16
"""Moves to a draw after which a row is left to `numpy.sort`: far outliers crowd the rest."""


def order_statistics(
    rows: npt.NDArray[np.float64], places: npt.NDArray[np.int64], *, compiled: bool
) -> npt.NDArray[np.float64]:
    """What stands at some places of each row, were it in order.

    Parameters
    ----------
    rows : array of float64
        By row and draw.
    places : array of int64
        From 0, each below the number of draws, and each larger than the one before.
    compiled : bool
        Through Numba, or by NumPy; with the same result.

    Returns
    -------
    array of float64
        By row and place.

    Examples
    --------
    >>> rows = np.array([[3.0, 1.0, 2.0], [5.0, 5.0, 4.0]])
    >>> order_statistics(rows, np.array([0, 2]), compiled=False).tolist()
    [[1.0, 3.0], [4.0, 5.0]]
    """
    if not compiled:
        return np.sort(rows, axis=-1)[:, places]
    rows = np.ascontiguousarray(rows)
    many = rows.shape[1]
    bins = max(1, many // PER_BIN)
    least = rows.min(axis=-1)
    with np.errstate(all="ignore"):
        reach = rows.max(axis=-1) - least
        scale = np.where(reach > 0.0, bins / reach, 0.0)
    # What is no finite number has no bin, nor has what is too near to the least.
    missed = ~(np.isfinite(reach) & np.isfinite(scale))
    found = np.empty((len(rows), len(places)))
    kernel = load(text_as_kernel(take_places), True, error_model="numpy")
    counts = (np.empty(many, np.int32), np.empty(bins + 1, np.int64), np.empty(bins, np.int64))
    kernel(rows, places, found, least, scale, PATIENCE * many, missed, np.empty(many), *counts)
    if missed.any():
        found[missed] = np.sort(rows[missed], axis=-1)[:, places]
    return found


def take_places(
    rows: Any,
    places: Any,
    found: Any,
    least: Any,
    scale: Any,
    most: int,
    missed: Any,
    taken: Any,
    bin_of: Any,
    before: Any,
    free: Any,
) -> None:
    """Put down what stands at `places` of each row that is not `missed`.

    A row that takes more than `most` moves is missed too. The rest is room to work in: `taken` has
    draws where they would stand, `bin_of` the bin of each draw, `before` how many draws stand
    before each bin, and `free` where the next draw of a bin goes, or −1 if none of it is wanted.
    """
    last = free.size - 1
    for r in range(rows.shape[0]):
        if missed[r]:
            continue
        row, low, by = rows[r], least[r], scale[r]
        before[:] = 0
        for i in range(row.size):
            # Never falls where a draw rises: so bins stand in the order of their draws.
            b = min(int((row[i] - low) * by), last)
            bin_of[i] = b
            before[b + 1] += 1
        at = 0
        for b in range(last + 1):
            before[b + 1] += before[b]
            free[b] = -1
            while at < places.size and places[at] < before[b + 1]:
                free[b] = before[b]
                at += 1
        moves = 0
        for i in range(row.size):
            b = bin_of[i]
            place = free[b]
            if place >= 0 and moves <= most:
                free[b] += 1
                while place > before[b] and taken[place - 1] > row[i]:
                    taken[place] = taken[place - 1]
                    place -= 1
                    moves += 1
                taken[place] = row[i]
        missed[r] = moves > most
        for k in range(places.size):
            found[r, k] = taken[places[k]]
