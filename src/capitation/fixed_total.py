"""Amounts between floors and caps that add up to a fixed total."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from capitation.errors import Problem

if TYPE_CHECKING:
    import numpy.typing as npt

    Numbers = npt.NDArray[np.float64]

HELD_BY = ("formula", "minimum growth", "most under target", "cap over target")
"""What decides a growth."""

NAMED = 3
"""How many commissioners a message names."""

NOISE = 1e-14
"""Share of an amount that adding and multiplying may put on it."""


@dataclass(frozen=True)
class FixedTotal:
    """Amounts to be found, each between its floors and its cap, for a year.

    Attributes
    ----------
    where : str
        For messages.
    codes : numpy.ndarray of str
    opening, target : numpy.ndarray
        In whole units of money, as all amounts here.
    total : float
        What the amounts add up to.
    towards : numpy.ndarray
        Growth beyond the base that the distance from target gives.
    growth_floor, distance_floor, most : numpy.ndarray
        Least amounts by minimum growth and by distance, and caps.
    units : int
        In a pound.
    """

    where: str
    codes: npt.NDArray[np.str_]
    opening: Numbers
    target: Numbers
    total: float
    towards: Numbers
    growth_floor: Numbers
    distance_floor: Numbers
    most: Numbers
    units: int

    @property
    def least(self) -> Numbers:
        """The higher of the two floors."""
        return np.maximum(self.growth_floor, self.distance_floor)


def infeasible(year: FixedTotal) -> Iterator[Problem]:
    """Every reason why no allocations meet all conditions."""

    def pounds(amount: float) -> str:
        return f"£{amount / year.units:,.{0 if year.units == 1 else 2}f}"

    least, most = year.least, year.most
    for number in np.flatnonzero(least > most).tolist():
        rule = HELD_BY[1 + int(year.distance_floor[number] > year.growth_floor[number])]
        found = (
            f"{year.codes[number]} must have {pounds(least[number])} ({rule}), but its cap over "
            f"target is {pounds(most[number])}"
        )
        yield Problem(year.where, found, "lower the floor, or raise the cap")
    needed, allowed = float(least.sum()), float(most.sum())
    if needed > year.total:
        by_growth = float(year.growth_floor.sum())
        extra = least - year.growth_floor
        furthest = [n for n in np.argsort(-extra, kind="stable").tolist() if extra[n] > 0]
        named = ", ".join(
            f"{year.codes[n]} {pounds(extra[n])} ({least[n] / year.opening[n] - 1:+.2%})"
            for n in furthest[:NAMED]
        )
        found = (
            f"the floors need {pounds(needed)}, {pounds(needed - year.total)} more than the total "
            f"of {pounds(year.total)}: {pounds(by_growth)} for minimum growth, and "
            f"{pounds(needed - by_growth)} more so that nobody is too far under target"
        )
        found += f", the most for {named}" if named else ""
        yield Problem(year.where, found, "lower the minimum growth, or find the money")
    if allowed < year.total:
        found = (
            f"everyone is over target and capped: {pounds(year.total - allowed)} of "
            f"{pounds(year.total)} is left that nobody may have"
        )
        yield Problem(year.where, found, "raise the cap, or share out less")


def filled(year: FixedTotal) -> tuple[float, Numbers]:
    """The base growth at which amounts add up to the total, and the amounts before rounding."""
    opening, towards = year.opening, year.towards
    leaves = year.least / opening - 1 - towards
    meets = year.most / opening - 1 - towards
    capped = np.isfinite(meets)
    bases = np.concatenate([leaves, meets[capped]])
    steeper = np.concatenate([opening, -opening[capped]])
    order = np.argsort(bases, kind="stable")
    bases, steepness = bases[order], np.cumsum(steeper[order])
    sums = year.least.sum() + np.concatenate([[0.0], np.cumsum(steepness[:-1] * np.diff(bases))])
    last = int(np.searchsorted(sums, year.total, side="right")) - 1
    last = max(last, 0)
    left = year.total - sums[last]
    # Where nobody's amount moves, the sum has reached the total already.
    rising = steepness[last] > opening.sum() * NOISE
    base = bases[last] + (left / steepness[last] if rising else 0.0)
    exact = np.clip(opening * (1 + base + towards), year.least, year.most)
    return float(base), exact


def in_whole_units(year: FixedTotal, exact: Numbers) -> Numbers:
    """Whole amounts that add up to the total: the largest remainders are rounded up."""
    amounts = np.clip(np.floor(exact), year.least, year.most)
    remainders = exact - amounts
    while left := int(year.total - amounts.sum()):
        step = 1 if left > 0 else -1
        free = amounts < year.most if step > 0 else amounts > year.least
        order = np.lexsort((year.codes, -step * remainders))
        chosen = order[free[order]][: abs(left)]
        amounts[chosen] += step
        remainders[chosen] -= step
    return amounts
