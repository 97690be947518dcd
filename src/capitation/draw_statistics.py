"""What is told of draws: mean, quantiles, and how far chance in the draws may move them."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from capitation.engine.order_statistics import order_statistics

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

BLOCK = 2**19
"""Bytes of draws that are put in order at once, so that they stay in a core's own cache."""

WIDTH = 1.959963984540054
"""Standard errors to either side of a 95% interval."""


@dataclass(frozen=True)
class Statistics:
    """What is told of draws, on the dimensions that the draws had besides the last.

    Attributes
    ----------
    mean, mean_error : ndarray
        Mean and its standard error.
    quantiles, quantile_errors : ndarray
        Those of `QUANTILES`, last, and their standard errors.
    """

    mean: np.ndarray
    mean_error: np.ndarray
    quantiles: np.ndarray
    quantile_errors: np.ndarray


def statistics_of(draws: np.ndarray, *, compiled: bool = False) -> Statistics:
    """Mean, exact quantiles and their standard errors.

    Parameters
    ----------
    draws : ndarray of float64
        Draws last; a single one stands for what chance does not touch.
    compiled : bool
        Whether to find quantiles through Numba, or by NumPy; with the same result.

    Returns
    -------
    Statistics

    Notes
    -----
    A quantile lies between two draws by interpolation. Its standard error is that of the share of
    draws below it, √(q(1 − q)/n), times how far the quantile moves for so much of a share: the
    slope of the ordered draws over the 95% interval of the share. This is the interval of Woodruff,
    Journal of the American Statistical Association 47 (1952), 635–646, divided by its width, as in
    Bloch and Gastwirth, Annals of Mathematical Statistics 39 (1968), 1083–1085. The interval is cut
    off at the least and the largest draw: with fewer than 75 draws it is rough at 5% and 95%.

    Examples
    --------
    >>> statistics_of(np.array([1.0, 3.0, 2.0, 4.0])).quantiles.tolist()
    [1.15, 1.75, 2.5, 3.25, 3.8499999999999996]
    """
    many, shape = draws.shape[-1], draws.shape[:-1]
    rows = draws.reshape(-1, many)
    at = places_of(many)
    kept = np.empty((len(rows), len(at.places)))
    mean, spread = np.empty(len(rows)), np.zeros(len(rows))
    step = max(1, BLOCK // rows.itemsize // many)
    for start in range(0, len(rows), step):
        some = slice(start, start + step)
        kept[some] = order_statistics(rows[some], at.places, compiled=compiled)
        mean[some] = rows[some].mean(axis=-1)
        if many > 1:
            spread[some] = rows[some].std(axis=-1, ddof=1)
    least, largest = kept[:, 0], kept[:, -1]
    below = kept[:, at.below]
    quantiles, low, high = np.split(below + (kept[:, at.above] - below) * at.rest, 3, axis=-1)
    return Statistics(
        np.where(least == largest, least, mean).reshape(shape),
        np.where(least == largest, 0.0, spread / np.sqrt(many)).reshape(shape),
        quantiles.reshape(*shape, -1),
        ((high - low) * at.slope).reshape(*shape, -1),
    )


@dataclass(frozen=True)
class Places:
    """Where the draws stand, were all in order, of which quantiles and their errors are made.

    Attributes
    ----------
    places : ndarray of int64
        Those of the draws that are needed, the least and the largest among them.
    below, above : ndarray of int64
        Which of `places` are on either side of each quantile, then of the lower and of the upper
        end of the interval of its share.
    rest : ndarray of float64
        How far each lies from the one to the other.
    slope : ndarray of float64
        By quantile, the standard error of its share as a part of the interval's width.
    """

    places: np.ndarray
    below: np.ndarray
    above: np.ndarray
    rest: np.ndarray
    slope: np.ndarray


@functools.lru_cache(maxsize=16)
def places_of(many: int) -> Places:
    """The places among so many draws.

    Examples
    --------
    >>> places_of(3).places.tolist()
    [0, 1, 2]
    """
    shares = np.array(QUANTILES)
    error = np.sqrt(shares * (1 - shares) / many)
    low, high = np.maximum(shares - WIDTH * error, 0.0), np.minimum(shares + WIDTH * error, 1.0)
    wanted = np.concatenate([shares, low, high]) * (many - 1)
    below = np.floor(wanted).astype(np.int64)
    above = np.minimum(below + 1, many - 1)
    places = np.unique(np.concatenate([below, above, [0, many - 1]]))
    return Places(
        places,
        np.searchsorted(places, below),
        np.searchsorted(places, above),
        wanted - below,
        error / (high - low),
    )
