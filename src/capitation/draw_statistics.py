"""What is told of draws: mean, quantiles, and how far chance in the draws may move them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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


def statistics_of(draws: np.ndarray) -> Statistics:
    """Mean, exact quantiles and their standard errors.

    Parameters
    ----------
    draws : ndarray of float64
        Draws last; a single one stands for what chance does not touch.

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
    mean, error = (np.empty(len(rows)) for _ in range(2))
    quantiles, errors = (np.empty((len(rows), len(QUANTILES))) for _ in range(2))
    step = max(1, BLOCK // rows.itemsize // many)
    for start in range(0, len(rows), step):
        at = slice(start, start + step)
        ordered = np.sort(rows[at], axis=-1)
        mean[at], error[at] = mean_and_error(rows[at], ordered)
        quantiles[at] = quantiles_of(ordered)
        errors[at] = errors_of_quantiles(ordered)
    wide = (*shape, len(QUANTILES))
    return Statistics(
        mean.reshape(shape), error.reshape(shape), quantiles.reshape(wide), errors.reshape(wide)
    )


def mean_and_error(draws: np.ndarray, ordered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean over draws, which come last, and its standard error: none where all are the same."""
    many = draws.shape[-1]
    certain = ordered[..., 0] == ordered[..., -1]
    mean = np.where(certain, ordered[..., 0], draws.mean(axis=-1))
    spread = draws.std(axis=-1, ddof=1) if many > 1 else np.zeros_like(mean)
    return mean, np.where(certain, 0.0, spread / np.sqrt(many))


def quantiles_of(ordered: np.ndarray) -> np.ndarray:
    """Quantiles of draws that come last and in order, between two draws by interpolation."""
    return _at_shares(ordered, np.array(QUANTILES))


def errors_of_quantiles(ordered: np.ndarray) -> np.ndarray:
    """Standard errors of `quantiles_of`: see `statistics_of`."""
    shares = np.array(QUANTILES)
    error = np.sqrt(shares * (1 - shares) / ordered.shape[-1])
    low = np.maximum(shares - WIDTH * error, 0.0)
    high = np.minimum(shares + WIDTH * error, 1.0)
    rise = _at_shares(ordered, high) - _at_shares(ordered, low)
    errors: np.ndarray = rise * (error / (high - low))
    return errors


def _at_shares(ordered: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """What lies at shares of the way from the least draw to the largest."""
    places = shares * (ordered.shape[-1] - 1)
    below = np.floor(places).astype(int)
    above = np.minimum(below + 1, ordered.shape[-1] - 1)
    low, high = ordered[..., below], ordered[..., above]
    between: np.ndarray = low + (high - low) * (places - below)
    return between
