"""Terms: dated figures of a contract, each with its source or its assumption.

A value holds from its date until the next. A month before the first is an error: nothing is filled
back. National figures and a contract's own are written the same way, in TOML.
"""

from __future__ import annotations

import bisect
import datetime as dt
import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from capitation.engine.calendar import in_words
from capitation.engine.schedules import (
    Schedule,
)
from capitation.errors import InputError, Problem

GROUNDS = ("source", "assumption", "note")

SIGNED = ("owner", "agreed", "signed_off")
"""Who stands for a figure: what a log of assumptions says of each."""


@dataclass(frozen=True)
class Source:
    """Where a figure or a clause comes from."""

    id: str
    title: str
    publisher: str = ""
    where: str = ""
    kind: str = ""
    date: str = ""
    note: str = ""


@dataclass(frozen=True)
class DatedValue:
    """A figure and the day from which it holds.

    Attributes
    ----------
    start : datetime.date
    value : float
    written : str
        As the file has it: ``"75.77"``, or an exact fraction such as ``"6/7"``.
    source, assumption, note : str
    paid_from : datetime.date or None
        Month in which a backdated figure was first paid.
    until_paid : float or None
        The figure that was paid until then.
    low, high : float or None
        Between which the figure may well lie, for those who ask what depends on it.
    owner, agreed, signed_off : str
        Whose figure it is, when it was agreed, and who has signed it off.
    """

    start: dt.date
    value: float
    written: str
    source: str = ""
    assumption: str = ""
    note: str = ""
    paid_from: dt.date | None = None
    until_paid: float | None = None
    low: float | None = None
    high: float | None = None
    owner: str = ""
    agreed: str = ""
    signed_off: str = ""


_start_of = operator.attrgetter("start")


@dataclass(frozen=True)
class Term:
    """A dated figure.

    Attributes
    ----------
    name, title, unit, description, issue : str
    values : tuple of DatedValue
        In order of date.
    place : str
        File and key.
    least, most : float or None
        Between which its values lie; None stands for no bound.
    schedule : Schedule or None
        What its values follow, if they follow one.
    choices : tuple of str
        Names of its values 0, 1, 2 …, where it is a choice.
    """

    name: str
    unit: str
    values: tuple[DatedValue, ...]
    title: str = ""
    description: str = ""
    issue: str = ""
    place: str = field(default="", compare=False)
    least: float | None = None
    most: float | None = None
    schedule: Schedule | None = None
    choices: tuple[str, ...] = ()

    def number(self, written: Any) -> float:
        """The number that stands for a figure as it is written: see `number_of`."""
        return number_of(written, self.choices)

    def value_at(self, month: dt.date) -> DatedValue:
        """The dated value that holds in a month.

        Raises
        ------
        InputError
            If the month is before the term's first date.
        """
        place = bisect.bisect_right(self.values, month, key=_start_of)
        if place == 0:
            first = self.values[0].start
            raise InputError(
                Problem(
                    self.place,
                    f"{self.name!r} has no value for {month:%B %Y}: it begins on {in_words(first)}",
                    "start later, or add an earlier value with its source",
                )
            )
        return self.values[place - 1]

    def at(self, month: dt.date) -> float:
        """The figure that holds in a month."""
        return self.value_at(month).value

    def out_of_bounds(self, value: float) -> tuple[str, str] | None:
        """What was found and what is allowed, where a value lies outside the term's bounds.

        Examples
        --------
        >>> share = Term("share", "1", (), least=0.0, most=1.0)
        >>> share.out_of_bounds(60.0)
        ('found 60', 'allowed: from 0 to 1')
        >>> share.out_of_bounds(0.6)
        """
        return out_of_bounds(value, self.least, self.most)

    def held_at(self, value: float, assumption: str = "Held at one value.") -> Term:
        """The same term with one value from its first date on."""
        start = self.values[0].start
        held = DatedValue(start, value, format_number(value), assumption=assumption)
        return replace(self, values=(held,), schedule=None)

    def on_schedule(self, schedule: Schedule, assumption: str) -> Term:
        """The same term on another schedule.

        Parameters
        ----------
        schedule : Schedule
        assumption : str
            Why it is another: what stands beside its values.
        """
        values = tuple(
            DatedValue(day, read_number(figure), as_written(figure), assumption=assumption)
            for day, figure in schedule.dated()
        )
        return replace(self, values=values, schedule=schedule)

    def in_payment(self) -> Term:
        """The same term as it was paid: a backdated figure counts only from when it was paid."""
        values: list[DatedValue] = []
        for value in self.values:
            if value.paid_from is None or value.until_paid is None:
                values.append(value)
                continue
            kept: dict[str, Any] = {key: getattr(value, key) for key in GROUNDS}
            until = value.until_paid
            values.append(DatedValue(value.start, until, format_number(until), **kept))
            values.append(DatedValue(value.paid_from, value.value, value.written, **kept))
        return Term(
            f"{self.name}_in_payment",
            self.unit,
            tuple(values),
            f"{self.title}, as in payment",
            self.description,
            self.issue,
            self.place,
            self.least,
            self.most,
            choices=self.choices,
        )


PracticeTerms = Mapping[str, Mapping[str, tuple[DatedValue, ...]]]
"""Dated values that a practice has of its own, by term and practice."""


def taken_over(common: Sequence[DatedValue], own: Sequence[DatedValue]) -> list[DatedValue]:
    """The common values until a practice's first own one, and its own from then on."""
    return [*(value for value in common if value.start < own[0].start), *own]


def out_of_bounds(value: float, least: float | None, most: float | None) -> tuple[str, str] | None:
    """What was found and what is allowed, where a value is under the least or over the most.

    Examples
    --------
    >>> out_of_bounds(-1.5, 0.0, None)
    ('found -1.5', 'allowed: 0 or more')
    """
    if (least is None or value >= least) and (most is None or value <= most):
        return None
    allowed = [format_number(bound) for bound in (least, most) if bound is not None]
    both = least is not None and most is not None
    one = f"{allowed[0]} or {'more' if most is None else 'less'}"
    found = f"found {format_number(value)}"
    return found, f"allowed: from {' to '.join(allowed)}" if both else f"allowed: {one}"


def format_number(value: float) -> str:
    """Shortest text that reads back as the same number, without a needless ".0".

    Examples
    --------
    >>> format_number(95.0), format_number(0.1)
    ('95', '0.1')
    """
    return str(int(value)) if value == int(value) else repr(value)


def as_written(written: Any) -> str:
    """A figure as its file has it: a fraction stays one, a number loses a needless ".0"."""
    return written if isinstance(written, str) else format_number(read_number(written))


def read_number(written: Any) -> float:
    """Read a number, or an exact fraction written as text.

    Raises
    ------
    ValueError
        If it is neither, or not finite.

    Examples
    --------
    >>> read_number("1/4")
    0.25
    """
    if isinstance(written, bool) or not isinstance(written, int | float | str):
        raise ValueError(f"expected a number, found {written!r}")
    try:
        value = float(Fraction(written)) if isinstance(written, str) else float(written)
    except (ValueError, ZeroDivisionError, OverflowError):
        raise ValueError(f"expected a number or a fraction, found {written!r}") from None
    if not math.isfinite(value):
        raise ValueError(f"expected a finite number, found {written!r}")
    return value


def number_of(written: Any, choices: Sequence[str] = ()) -> float:
    """Read a number or an exact fraction; of a choice, perhaps by its name.

    Parameters
    ----------
    written : object
        A number, or text.
    choices : sequence of str
        What the numbers 0, 1, 2 … stand for; a choice is one of them.

    Raises
    ------
    ValueError
        If it is none of these.

    Examples
    --------
    >>> number_of("virtual", ["outside", "virtual"])
    1.0
    """
    if not choices:
        return read_number(written)
    if isinstance(written, str) and written.strip() in choices:
        return float(choices.index(written.strip()))
    allowed = ", ".join(f"{n} or {name!r}" for n, name in enumerate(choices))
    try:
        number = read_number(written)
    except ValueError:
        number = -1.0
    if number not in range(len(choices)):
        raise ValueError(f"expected one of {allowed}, found {written!r}")
    return number


def kept_of(term: Term) -> dict[str, Any]:
    """What stands of a term, as its file would have it, when its values are changed."""
    bounds = {"least": term.least, "most": term.most}
    kept: dict[str, Any] = {"title": term.title, "unit": term.unit}
    kept |= {key: bound for key, bound in bounds.items() if bound is not None}
    return kept | {"description": term.description, "choices": list(term.choices)}
