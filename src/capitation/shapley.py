"""Shapley values: what each of several parts is worth, where they work together.

L. S. Shapley, A value for n-person games, 1953.
"""

from __future__ import annotations

import math

import numpy as np


def shapley_values(amounts: np.ndarray) -> np.ndarray:
    """What each part is worth: its mean effect over all orders of the parts.

    Parameters
    ----------
    amounts : ndarray
        Of every mixture, 2ᵏ of them along the first axis: number 0 has none of the parts, and part
        i is in a mixture if bit i of its number is set.

    Returns
    -------
    ndarray
        One for each of the k parts along the first axis. They add up to the last amount less the
        first.

    Examples
    --------
    Two shares of a price: neither alone, then the first, the second, and both.

    >>> shapley_values(np.array([10.0, 16.0, 12.0, 20.0]))
    array([7., 3.])
    """
    count = len(amounts).bit_length() - 1
    worth = np.zeros((count, *amounts.shape[1:]))
    for mixture in range(len(amounts)):
        size = mixture.bit_count()
        for part in range(count):
            if not mixture >> part & 1:
                orders = math.factorial(size) * math.factorial(count - size - 1)
                effect = amounts[mixture | 1 << part] - amounts[mixture]
                worth[part] += orders / math.factorial(count) * effect
    return worth
