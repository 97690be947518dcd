"""Goal seek: at which value of a term an amount comes to a target."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import xarray as xr

from capitation.engine.terms import DatedValue, Term, format_number, read_number
from capitation.engine.units import Unit
from capitation.errors import InputError, Problem, raise_if_any
from capitation.model import TOTAL_PAYMENTS, Model
from capitation.model_file import load_model
from capitation.practices import check_practices
from capitation.root_finding import Crossing, Point, crossings, values_around
from capitation.varied_terms import (
    Measure,
    ground_of,
    measure_problems,
    term_problem,
    year_problems,
)
from capitation.vocabulary import round_to_pence

HALF_A_PENNY = 0.005
"""Amounts as near as this to the target are the target."""

EVENLY = 16
"""Into how many steps bounds that are asked for are divided."""


@dataclass(frozen=True)
class Goal:
    """The value of a term at which a measure comes to a target.

    Attributes
    ----------
    model, scenario : str
    term, title, unit, ground : str
        Of the term; the ground is what stands behind its value.
    measure, measure_title, measure_unit : str
        Of the amount: of the measure, added up over practices and months.
    year : str
        The fiscal year of the amounts; empty for the whole run.
    target : float
    value, amount : float
        As they stand.
    found : bool
        Whether the amount comes to the target, or jumps over it.
    value_found, amount_found : float
        The nearest value that was found, and the amount there; not numbers where there is none.
    value_in_pence, amount_in_pence : float
        For a term in pounds: the value to the penny, and the amount there. Else not numbers.
    jumps : bool
        Whether the amount jumps over the target wherever it passes it, as far as is seen: then the
        value found is the nearest past the jump.
    short_of : tuple of float
        Where it jumps: the last value before it, and the amount there. Else empty.
    values_tried, amounts_seen : tuple of float
        The least and the most.
    said : str
        The outcome, in a sentence.
    """

    model: str
    scenario: str
    term: str
    title: str
    unit: str
    ground: str
    measure: str
    measure_title: str
    measure_unit: str
    year: str
    target: float
    value: float
    amount: float
    found: bool
    value_found: float
    amount_found: float
    value_in_pence: float
    amount_in_pence: float
    jumps: bool
    short_of: tuple[float, ...]
    values_tried: tuple[float, float]
    amounts_seen: tuple[float, float]
    said: str

    def __str__(self) -> str:
        return self.said

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain data; None stands where there is no number."""
        return {
            key: None if isinstance(value, float) and math.isnan(value) else value
            for key, value in asdict(self).items()
        }


def goal_seek(
    model: Model | str | Path,
    practices: xr.Dataset,
    term: str,
    target: float = 0.0,
    measure: str = TOTAL_PAYMENTS,
    *,
    year: str | None = None,
    scenario: str | None = None,
    months: int | None = None,
    given: Mapping[str, xr.DataArray] | None = None,
    within: tuple[float | str, float | str] | None = None,
) -> Goal:
    """At which value of a term an amount comes to a target, all else as it stands.

    Parameters
    ----------
    model : Model, str or Path
    practices : xarray.Dataset
        As `project` takes them.
    term : str
        Held at one value, as `with_terms` does: from the first month on. No choice.
    target : float
        What the measure is to come to, in its unit.
    measure : str
        A rule or total that adds up: so much a month that moves by month, so much a year that
        moves by year. It is added up over practices and commissioners.
    year : str, optional
        The fiscal year of the amount; the whole run if left out.
    scenario : str, optional
        In which the other terms stand; the model's first if left out.
    months : int, optional
        As many as the model has if left out.
    given : mapping of str to DataArray, optional
        As `project` takes it.
    within : tuple of float or str, optional
        Least and most of the values that are tried, within the term's own bounds.

    Returns
    -------
    Goal
        The value put back by `with_terms` gives the amount that is said, in this scenario.

    Raises
    ------
    InputError
        For a term, measure, scenario or year that is not there, a term that the measure does not
        read, a choice, a target that is no number, and bounds that hold no value.

    Notes
    -----
    Values further and further from the one that stands are tried, to either side; the first two
    neighbours between which the amount crosses the target are narrowed down. Where it jumps over
    the target there, and comes to it further away, that is what is found. Where an amount
    crosses it more than once between two values that are tried, one may be passed over: narrow the
    search with ``within``.

    Examples
    --------
    >>> from capitation import example_practices
    >>> found = goal_seek("bolton-quality-contract", example_practices(),
    ...     "guaranteed_income_per_patient", 1_000_000, "scheme_cost", year="2015/16")
    >>> found.found, round(found.amount_found, 2)
    (True, 1000000.0)
    """
    model = model if isinstance(model, Model) else load_model(model)
    check_practices(practices)
    given = given or {}
    raise_if_any(measure_problems(model, measure, scenario, months, given))
    chosen = next(iter(model.scenarios)) if scenario is None else scenario
    of = Measure(model, practices, measure, chosen, months or model.months, given)
    raise_if_any(_problems(of, term, target, year, within))
    bounds = None if within is None else _numbers(within)
    return _Search(of, term, float(target), year).goal(bounds)


def _problems(
    of: Measure,
    term: str,
    target: float,
    year: str | None,
    within: tuple[float | str, float | str] | None,
) -> Iterator[Problem]:
    if isinstance(target, bool) or not isinstance(target, int | float) or not math.isfinite(target):
        yield Problem("target", f"found {target!r}", "a number")
    yield from year_problems(of, year)
    wrong = term_problem(of, term)
    if wrong:
        yield wrong
        return
    sought = of.model.terms[term]
    where = f"{of.model.place}, term.{term}"
    if sought.choices:
        found = f"it is a choice ({', '.join(sought.choices)}), not a figure"
        yield Problem(where, found, f"run each with --set {term}=…, or compare scenarios")
    elif within is not None:
        yield from _bounds_problems(sought, within)


def _bounds_problems(sought: Term, within: tuple[float | str, float | str]) -> Iterator[Problem]:
    try:
        low, high = _numbers(within)
    except ValueError as error:
        yield Problem("within", str(error), "a least and a most")
        return
    if not low < high:
        found = f"{format_number(low)} is not less than {format_number(high)}"
        yield Problem("within", found, "the least comes first")
    for value in (low, high):
        outside = sought.out_of_bounds(value)
        if outside:
            yield Problem("within", *outside)


def _numbers(within: tuple[float | str, float | str]) -> tuple[float, float]:
    low, high = (read_number(value) for value in within)
    return low, high


@dataclass(frozen=True)
class _Search:
    """A measure at values of one term."""

    of: Measure
    name: str
    target: float
    year: str | None

    @property
    def term(self) -> Term:
        return self.of.model.term_in(self.name, self.of.scenario)

    def amounts(self, values: Sequence[float | None]) -> list[float]:
        """The amount with the term held at each value; as all stands for None."""
        tried = [None if value is None else self._held(value) for value in values]
        by_year = self.of.amounts(tried)
        if self.year is not None:
            by_year = by_year[:, [self.of.years.index(self.year)]]
        return by_year.sum(axis=1).tolist()

    def _held(self, value: float) -> Term:
        outside = self.term.out_of_bounds(value)
        if outside:
            raise InputError(Problem(self.term.place, *outside))
        return self.of.held(self.name, value)

    def amounts_where_any(self, values: Sequence[float]) -> list[float]:
        """The same; not a number for values that no projection can be made with."""
        try:
            return self.amounts(values)
        except InputError:
            if len(values) == 1:
                return [math.nan]
            return [self.amounts_where_any([value])[0] for value in values]

    def goal(self, within: tuple[float, float] | None) -> Goal:
        """What is found, from the value that stands outwards."""
        stands = self.term.value_at(self.of.model.start)
        first = stands.value if within is None else min(max(stands.value, within[0]), within[1])
        amount, at_first = self.amounts([None, first])
        values = self._tried(first, within)
        seen = self.amounts_where_any(values)
        # The amount that stands is above the level that is looked for, or is made so.
        sign = 1.0 if at_first >= self.target else -1.0

        def gaps(found: Sequence[float]) -> list[float]:
            return [sign * (amount - self.target) for amount in found]

        tried = [Point(*point) for point in zip(values, gaps(seen), strict=True)]
        start = Point(first, gaps([at_first])[0])
        met = Crossing(start, start) if start.amount < HALF_A_PENNY else None
        crossing = met or _met_or_first(
            crossings(
                lambda values: gaps(self.amounts_where_any(values)), start, tried, HALF_A_PENNY
            )
        )
        finite = [each for each in (at_first, *seen) if math.isfinite(each)]
        return self._told(
            stands,
            amount,
            None if crossing is None else self._unsigned(crossing, sign),
            (min([first, *values]), max([first, *values])),
            (min(finite), max(finite)),
        )

    def _tried(self, first: float, within: tuple[float, float] | None) -> list[float]:
        values = set(values_around(self.term, first, within))
        if within is not None:
            low, high = within
            values |= {low + (high - low) * step / EVENLY for step in range(EVENLY + 1)}
        return sorted(values - {first}, key=lambda value: (abs(value - first), value))

    def _unsigned(self, crossing: Crossing, sign: float) -> Crossing:
        """A crossing with its amounts as they are, not as they differ from the target."""
        below, above = (Point(point.value, sign * point.amount + self.target) for point in crossing)
        return Crossing(below, above)

    def _told(
        self,
        stands: DatedValue,
        amount: float,
        crossing: Crossing | None,
        values: tuple[float, float],
        seen: tuple[float, float],
    ) -> Goal:
        of, term = self.of, self.term
        reached = Point(math.nan, math.nan) if crossing is None else crossing.below
        jumps = crossing is not None and abs(reached.amount - self.target) >= HALF_A_PENNY
        in_pence = Point(math.nan, math.nan)
        if crossing is not None and Unit.parse(term.unit).powers.get("GBP") == 1:
            value = round_to_pence(reached.value)
            in_pence = Point(value, self.amounts_where_any([value])[0])
        goal = Goal(
            model=of.model.name,
            scenario=of.scenario,
            term=self.name,
            title=term.title,
            unit=term.unit,
            ground=ground_of(stands, of.model),
            measure=of.name,
            measure_title=of.title,
            measure_unit=of.unit,
            year=self.year or "",
            target=self.target,
            value=stands.value,
            amount=amount,
            found=crossing is not None,
            value_found=reached.value,
            amount_found=reached.amount,
            value_in_pence=in_pence.value,
            amount_in_pence=in_pence.amount,
            jumps=jumps,
            short_of=tuple(crossing.above) if jumps and crossing is not None else (),
            values_tried=values,
            amounts_seen=seen,
            said="",
        )
        return replace(goal, said=_sentence(goal))


def _met_or_first(found: Iterator[Crossing]) -> Crossing | None:
    """The nearest crossing at which the target is met; if all are jumps, the nearest of them."""
    first = next(found, None)
    if first is None or abs(first.below.amount) < HALF_A_PENNY:
        return first
    return next((each for each in found if abs(each.below.amount) < HALF_A_PENNY), first)


def _sentence(goal: Goal) -> str:
    """The outcome of a search in words."""
    what = f"The amount in {goal.year}" if goal.year else "The amount"
    tried = " to ".join(f"{value:,.8g}" for value in goal.values_tried)
    least, most = (_shown(amount, goal.measure_unit) for amount in goal.amounts_seen)
    target = _shown(goal.target, goal.measure_unit)
    if goal.jumps:
        short, amount = goal.short_of
        return (
            f"{what} jumps over {target}: it is {_shown(amount, goal.measure_unit)} at "
            f"{short:.12g}, and {_shown(goal.amount_found, goal.measure_unit)} at "
            f"{goal.value_found:.12g}."
        )
    if goal.found:
        return f"{what} comes to {target} at {goal.value_found:.12g}."
    if abs(goal.amounts_seen[1] - goal.amounts_seen[0]) < HALF_A_PENNY:
        return f"{what} stays at {most}, whatever the value: {tried} were tried."
    return f"{what} does not come to {target}: from {tried} it lies between {least} and {most}."


def _shown(amount: float, unit: str) -> str:
    if unit != "GBP":
        return f"{amount:,.8g} [{unit}]"
    return f"{'-' if round(amount, 2) < 0 else ''}£{abs(amount):,.2f}"
