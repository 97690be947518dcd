"""What two scenarios differ in, sorted to parts that are decided apart, and all their mixtures."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from capitation.engine.calendar import in_words
from capitation.engine.terms import Term
from capitation.engine.units import Unit
from capitation.model import Model, Scenario

TIMING, SCHEDULE, PRICE, LIST = PARTS = ("timing", "schedule", "price", "list")
"""Parts that every comparison has; any other term that differs is a part by its own name."""

PATIENTS = Unit.parse("patient")

MOVES_PRICES = frozenset({"out_of_hours_deduction", "premium_remeasured"})
"""Terms that are no amounts of money, and move prices all the same."""

MIXED = "Mixed from two scenarios, to say what each part of their difference is worth."


@dataclass(frozen=True)
class Change:
    """A term that differs, or one half of a term that follows a schedule in both scenarios.

    Attributes
    ----------
    part, term : str
    """

    part: str
    term: str


def changes_between(model: Model, before: str, after: str) -> Iterator[Change]:
    """Terms that differ between two scenarios, each with the part to which it belongs.

    Parameters
    ----------
    model : Model
    before, after : str
        Names of scenarios.

    Yields
    ------
    Change
        By the names of terms; of a term with a schedule in both, its timing, its steps, or both.

    Examples
    --------
    >>> from capitation import load_model
    >>> model = load_model("thames-valley-pms")
    >>> for change in changes_between(model, "april-2015", "april-2016-sevenths"):
    ...     print(change.part, change.term)
    timing premium_share_retained
    schedule premium_share_retained
    """
    for name in sorted(model.terms):
        first, last = (model.term_in(name, scenario) for scenario in (before, after))
        if _figures(first) == _figures(last):
            continue
        if first.schedule is None or last.schedule is None:
            yield Change(part_of_term(first, last), name)
            continue
        for part in (TIMING, SCHEDULE):
            halves = [_mixed(a, b, part) for a, b in ((first, last), (last, first))]
            if any(map(_differ, (first, last), halves)):
                yield Change(part, name)


def part_of_term(first: Term, last: Term) -> str:
    """To which part a term belongs all of which differs.

    Parameters
    ----------
    first, last : Term
        The term as it stands before and after.

    Returns
    -------
    str
        One of `PARTS`, or the term's name.

    Examples
    --------
    >>> from capitation.engine.terms import DatedValue
    >>> april, july = dt.date(2015, 4, 1), dt.date(2015, 7, 1)
    >>> steps = [DatedValue(april, 1.0, "1"), DatedValue(july, 0.5, "1/2")]
    >>> later = [steps[0], DatedValue(dt.date(2016, 7, 1), 0.5, "1/2")]
    >>> part_of_term(Term("share", "1", tuple(steps)), Term("share", "1", tuple(later)))
    'timing'
    """
    unit = Unit.parse(first.unit)
    if first.name in MOVES_PRICES or unit.powers.get("GBP", 0) > 0:
        return PRICE
    if unit == PATIENTS or "list" in first.name.split("_"):
        return LIST
    in_turn, dates = zip(*(_steps(term) for term in (first, last)), strict=True)
    is_switch = {*in_turn[0], *in_turn[1]} <= {0.0, 1.0} and max(map(len, in_turn)) > 1
    moved_only = in_turn[0] == in_turn[1] and dates[0] != dates[1]
    return TIMING if is_switch or moved_only else first.name


def _steps(term: Term) -> tuple[list[float], list[dt.date]]:
    return [dated.value for dated in term.values], [dated.start for dated in term.values]


def _figures(term: Term) -> list[tuple[Any, ...]]:
    """All of a term that a rule can tell: its figures and their dates."""
    return [(d.start, d.value, d.paid_from, d.until_paid) for d in term.values]


def _differ(first: Term, last: Term) -> bool:
    return _figures(first) != _figures(last)


def _mixed(term: Term, other: Term, half: str) -> Term:
    """A term with one half of its schedule, the timing or the steps, as another has it."""
    timing, steps = (other, term) if half == TIMING else (term, other)
    assert timing.schedule is not None
    assert steps.schedule is not None
    return steps.on_schedule(steps.schedule.with_timing_of(timing.schedule), MIXED)


def mixtures_of(
    model: Model, ends: tuple[str, str], changes: Sequence[Change], parts: Sequence[str]
) -> dict[str, Scenario]:
    """Scenarios with every choice of the parts as they are after, the others as before.

    Parameters
    ----------
    model : Model
    ends : tuple of str
        The scenarios before and after.
    changes : sequence of Change
        From `changes_between`, those that are to be told apart.
    parts : sequence of str
        Their parts.

    Returns
    -------
    dict of str to Scenario
        2ᵏ for k parts: number 0 has none of the parts, and part i is in a mixture if bit i of its
        number is set.
    """
    before, after = ends
    names = [change.term for change in changes]
    first, last = ({n: model.term_in(n, scenario) for n in names} for scenario in ends)
    mixtures = {}
    for number in range(2 ** len(parts)):
        terms = dict(first)
        for change in changes:
            if not number >> parts.index(change.part) & 1:
                continue
            halved = names.count(change.term) > 1
            old, new = terms[change.term], last[change.term]
            terms[change.term] = _mixed(old, new, change.part) if halved else new
        name = f"{before} to {after}, mixture {number}"
        kept = model.scenarios[before].terms
        mixtures[name] = Scenario(name, MIXED, {**kept, **terms})
    return mixtures


def in_order(parts: Iterable[str]) -> list[str]:
    """Parts in the order in which they are shown."""
    named = set(parts)
    return [*(part for part in PARTS if part in named), *sorted(named - {*PARTS})]


def still_running(model: Model, before: str, after: str, last: dt.date) -> list[str]:
    """Say of which schedules that differ there are steps to come when a run ends.

    Parameters
    ----------
    model : Model
    before, after : str
        Names of scenarios.
    last : datetime.date
        Last month of the run.

    Returns
    -------
    list of str
        Sentences, for each such term.

    Examples
    --------
    >>> from capitation import load_model
    >>> model = load_model("thames-valley-pms")
    >>> march = dt.date(2020, 3, 1)
    >>> still_running(model, "april-2015", "april-2016", march)
    []
    >>> (note,) = still_running(model, "april-2015", "april-2016-sevenths", march)
    >>> note.split(": ")[1].split(". ")[0]
    'in april-2016-sevenths until 1 April 2022'
    """
    differing = dict.fromkeys(change.term for change in changes_between(model, before, after))
    told = []
    for name in differing:
        ends = {scenario: _last_step(model.term_in(name, scenario)) for scenario in (before, after)}
        later = [f"in {s} until {in_words(day)}" for s, day in ends.items() if day and day > last]
        if later:
            told.append(
                f"When the run ends in {last:%B %Y}, {name} has steps to come: "
                f"{', '.join(later)}. What the scenarios differ by after that, such as what a "
                "delay leaves to the end, is in no figure."
            )
    return told


def _last_step(term: Term) -> dt.date | None:
    return max(day for day, _ in term.schedule.dated()) if term.schedule else None
