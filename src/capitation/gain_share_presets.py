"""The least gain that is shared, by size of population: chance moves a small one's spend more."""

from __future__ import annotations

import itertools

from capitation.errors import InputError, Problem

MINIMUM_SAVINGS_RATES = {
    5_000: 0.039,
    6_000: 0.036,
    7_000: 0.034,
    8_000: 0.032,
    9_000: 0.031,
    10_000: 0.030,
    15_000: 0.027,
    20_000: 0.025,
    50_000: 0.022,
    60_000: 0.020,
}
"""By assigned lives, the one-sided minimum savings rate of the Medicare Shared Savings Program, as
recalled: not verified."""


def minimum_savings_rate(lives: float) -> float:
    """The minimum savings rate of a population, as the Medicare Shared Savings Program sets it.

    In line between the sizes of `MINIMUM_SAVINGS_RATES` (recalled, not verified); from 60,000 lives
    on it stays. A hub of 30,000 to 50,000 sits at 2.2% to 2.4%, a provider for 100,000 at 2.0%.

    Parameters
    ----------
    lives : float
        People whose spend is held against what was expected. [patient]

    Returns
    -------
    float
        Share of the expected spend below which no gain is shared: a value for the term
        ``minimum_savings_rate``. [1]

    Raises
    ------
    InputError
        If there are fewer than 5,000 lives: the programme takes no smaller population.

    Examples
    --------
    >>> minimum_savings_rate(50_000), minimum_savings_rate(250_000)
    (0.022, 0.02)
    >>> round(minimum_savings_rate(12_500), 6)
    0.0285
    """
    sizes = sorted(MINIMUM_SAVINGS_RATES)
    if not lives >= sizes[0]:
        mend = f"from {sizes[0]:,} on: chance decides the spend of fewer people"
        raise InputError([Problem("minimum_savings_rate", f"{lives:,} lives", mend)])
    for small, large in itertools.pairwise(sizes):
        if lives < large:
            low, high = MINIMUM_SAVINGS_RATES[small], MINIMUM_SAVINGS_RATES[large]
            return low + (high - low) * (lives - small) / (large - small)
    return MINIMUM_SAVINGS_RATES[sizes[-1]]
