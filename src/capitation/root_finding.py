"""Where an amount that is worked out anew for each value of a term crosses a level.

Values are tried further and further from the one that stands; the first two neighbours between
which the amount crosses are a bracket, which is narrowed until it is a hair's breadth or its end is
near enough. Amounts may jump: a jump is a crossing too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from capitation.engine.terms import Term

WIDENINGS = range(-4, 11, 2)
"""Powers of two times the value: how far from it is looked."""

ROUNDS = 60
"""How often a bracket is narrowed, at the most."""

CLOSE = 1e-12
"""Narrowing ends at a bracket of this part of the value."""

STEPS = {
    "GBP/year": 1e6,
    "GBP": 1e6,
    "GBP/month": 1e5,
    "GBP/patient/year": 10.0,
    "GBP/point/year": 10.0,
    "GBP/admission": 100.0,
    "patient": 1000.0,
    "month": 12.0,
}
"""By how much a term that stands at none is moved first, by unit; others by a tenth."""

Amounts = Callable[[Sequence[float]], Sequence[float]]
"""Amounts at some values, worked out together; not a number where there is none."""


class Point(NamedTuple):
    """A value that was tried, and the amount there."""

    value: float
    amount: float


class Crossing(NamedTuple):
    """Two values next to each other: at one the amount is below the level, at the other not."""

    below: Point
    above: Point


def values_around(
    term: Term, value: float, within: tuple[float, float] | None = None
) -> Iterator[float]:
    """Values further and further from one, to either side, within a term's bounds.

    Parameters
    ----------
    term : Term
        Its bounds, and its unit, which says how far from 0 is far.
    value : float
        Where to begin.
    within : tuple of float, optional
        Narrower bounds.

    Yields
    ------
    float

    Examples
    --------
    >>> share = Term("share", "1", (), least=0.0, most=1.0)
    >>> list(values_around(share, 0.8))[:5]
    [0.75, 0.8500000000000001, 0.6000000000000001, 1.0, 0.0]
    """
    least = -math.inf if term.least is None else term.least
    most = math.inf if term.most is None else term.most
    if within is not None:
        least, most = max(least, within[0]), min(most, within[1])
    step = abs(value) or STEPS.get(term.unit, 0.1)
    passed = {value}
    further = (value + sign * step * 2.0**power for power in WIDENINGS for sign in (-1, 1))
    ends = (end for end in (least, most) if math.isfinite(end))
    for each in (*further, *ends):
        held = min(max(each, least), most)
        if held not in passed:
            passed.add(held)
            yield held


def crossings(
    amounts: Amounts, stands: Point, tried: Sequence[Point], close: float
) -> Iterator[Crossing]:
    """The crossings of a level that are found, the nearest to a value first, as narrow as they get.

    Parameters
    ----------
    amounts : callable
        Amounts at some values.
    stands : Point
        Where to look from.
    tried : sequence of Point
        From the nearest to the furthest, to either side.
    close : float
        The level: an amount of less is below it. Narrowing ends where the lower end of the bracket
        is no further than this from 0.

    Yields
    ------
    Crossing
        Each is narrowed when it is asked for; none where all that was tried is on one side.

    Examples
    --------
    >>> def squares(values):
    ...     return [value * value - 2 for value in values]
    >>> tried = [Point(value, value * value - 2) for value in (0.5, 1.5, 0.0, -1.0, -2.0)]
    >>> found = crossings(squares, Point(1.0, -1.0), tried, close=1e-9)
    >>> [round(crossing.below.value, 6) for crossing in found]
    [1.414214, -1.414214]
    """
    neighbour = {-1: stands, 1: stands}
    for point in tried:
        if not math.isfinite(point.amount):
            continue
        side = 1 if point.value > stands.value else -1
        before, neighbour[side] = neighbour[side], point
        if (point.amount < close) != (before.amount < close):
            below, above = sorted((before, point), key=lambda each: each.amount)
            yield _narrowed(amounts, Crossing(below, above), close)


def nearest_crossing(
    amounts: Amounts, stands: Point, tried: Sequence[Point], close: float
) -> Crossing | None:
    """The crossing that is found nearest to a value: see `crossings`; None where there is none."""
    return next(crossings(amounts, stands, tried, close), None)


def _narrowed(amounts: Amounts, found: Crossing, close: float) -> Crossing:
    for _ in range(ROUNDS):
        below, above = found
        width = abs(above.value - below.value)
        near = width <= CLOSE * max(abs(above.value), abs(below.value))
        if near or abs(below.amount) < close:
            break
        inside = _inside(found)
        if not inside:
            break
        for value, amount in zip(inside, amounts(inside), strict=True):
            if not _between(value, found):
                continue
            point = Point(value, amount)
            found = found._replace(**{"below" if amount < close else "above": point})
    return found


def _inside(found: Crossing) -> list[float]:
    """Values to try: where a straight line through both ends crosses, and the middle."""
    below, above = found
    rise = above.amount - below.amount
    straight = above.value + (below.value - above.value) * above.amount / rise
    middle = (above.value + below.value) / 2
    return [value for value in dict.fromkeys((straight, middle)) if _between(value, found)]


def _between(value: float, found: Crossing) -> bool:
    ends = found.below.value, found.above.value
    return min(ends) < value < max(ends)
