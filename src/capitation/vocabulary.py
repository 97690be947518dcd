"""The words that rules are written with."""

from __future__ import annotations

import math

from capitation.engine.distribution import gamma, negative_binomial
from capitation.engine.language import Constant
from capitation.engine.rule import rule, total

__all__ = [
    "AN_ADMISSION",
    "A_MONTH",
    "A_YEAR",
    "MONTHS_PER_YEAR",
    "PAID_ONCE",
    "constant",
    "gamma",
    "negative_binomial",
    "round_to_pence",
    "rule",
    "total",
]

constant = Constant

MONTHS_PER_YEAR = constant(12, "month/year")
"""Annual amounts are paid in twelfths."""

A_MONTH = constant(1, "month")
"""The length of a step: an amount a month, times this, is what a balance moves by."""

A_YEAR = constant(1, "year")
"""So many a year, times this, is how many there are in the year."""

PAID_ONCE = constant(1, "month/year")
"""An annual amount, divided by this, is paid in a single month of the year."""

AN_ADMISSION = constant(1, "admission")
"""The unit in which admissions are counted: a count, divided by this, is a plain number."""


def round_to_pence(amount: float) -> float:
    """Round pounds to whole pence as a spreadsheet does, half away from zero.

    Binary fractions fall just short of a half penny, so the amount is nudged by less than one part
    in 10¹⁵ first: more than the error of a few operations, less than a spreadsheet's fifteenth
    digit. From £10 million million on there are no pence left to round.

    Parameters
    ----------
    amount : float
        Pounds. [GBP]

    Returns
    -------
    float
        Pounds, to the penny. [GBP]

    Examples
    --------
    >>> round_to_pence(2.675), round_to_pence(-2.675), round_to_pence(1.005)
    (2.68, -2.68, 1.01)
    """
    if not abs(amount) < 1e13:
        return amount
    pence = math.floor(abs(amount) * 100.0 * (1.0 + 2.0**-50) + 0.5) / 100.0
    return pence if amount >= 0.0 else -pence
