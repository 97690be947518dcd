"""What is told of draws: mean, quantiles, and how far chance in the draws may move them."""

from __future__ import annotations

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
    ordered = Ordered(len(rows), many, compiled)
    mean, spread = np.empty(len(rows)), np.zeros(len(rows))
    step = max(1, BLOCK // rows.itemsize // many)
    for start in range(0, len(rows), step):
        at = slice(start, start + step)
        ordered.take(at, rows[at])
        mean[at] = rows[at].mean(axis=-1)
        if many > 1:
            spread[at] = rows[at].std(axis=-1, ddof=1)
    certain = ordered.found[:, 0] == ordered.found[:, -1]
    wide = (*shape, len(QUANTILES))
    return Statistics(
        np.where(certain, ordered.found[:, 0], mean).reshape(shape),
        np.where(certain, 0.0, spread / np.sqrt(many)).reshape(shape),
        ordered.at_shares(np.array(QUANTILES)).reshape(wide),
        ordered.errors_of_quantiles().reshape(wide),
    )


class Ordered:
    """Rows of draws in order, of which only those are kept that quantiles and errors are made of.

    Parameters
    ----------
    rows, many : int
        How many rows there are, and draws in each.
    compiled : bool
        As for `order_statistics`.
    """

    def __init__(self, rows: int, many: int, compiled: bool):
        self.many = many
        self.compiled = compiled
        shares = np.array(QUANTILES)
        self.error = np.sqrt(shares * (1 - shares) / many)
        self.low = np.maximum(shares - WIDTH * self.error, 0.0)
        self.high = np.minimum(shares + WIDTH * self.error, 1.0)
        ends = [self.beside(of) for of in (shares, self.low, self.high)]
        self.places = np.unique([*np.ravel(ends), 0, many - 1])
        self.found = np.empty((rows, len(self.places)))

    def take(self, at: slice, rows: np.ndarray) -> None:
        """Put some rows in order, and keep what is asked for."""
        self.found[at] = order_statistics(rows, self.places, compiled=self.compiled)

    def beside(self, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Places of the draws on either side of shares of the way from the least to the largest."""
        below = np.floor(shares * (self.many - 1)).astype(int)
        return below, np.minimum(below + 1, self.many - 1)

    def at_shares(self, shares: np.ndarray) -> np.ndarray:
        """What lies at shares of the way, between two draws by interpolation."""
        below, above = self.beside(shares)
        low, high = (self.found[:, np.searchsorted(self.places, at)] for at in (below, above))
        between: np.ndarray = low + (high - low) * (shares * (self.many - 1) - below)
        return between

    def errors_of_quantiles(self) -> np.ndarray:
        """Standard errors of quantiles: see `statistics_of`."""
        rise = self.at_shares(self.high) - self.at_shares(self.low)
        errors: np.ndarray = rise * (self.error / (self.high - self.low))
        return errors
