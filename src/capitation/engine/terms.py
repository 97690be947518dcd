"""Terms: dated figures of a contract, each with its source or its assumption.

A value holds from its date until the next. A month before the first is an error: nothing is filled
back. National figures and a contract's own are written the same way, in TOML.
"""

from __future__ import annotations

import datetime as dt
import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from capitation.engine.calendar import in_words
from capitation.engine.schedules import (
    SCHEDULE_KEYS,
    STEPS_KEYS,
    NamedSchedule,
    Schedule,
    read_schedule,
)
from capitation.engine.shapes import fits, shape_problems
from capitation.engine.units import Unit
from capitation.errors import InputError, Problem, nearest

GROUNDS = ("source", "assumption", "note")
_GROUNDS = dict.fromkeys(GROUNDS, "text")
TERM_KEYS = {
    **dict.fromkeys(("title", "unit", "description", "issue"), "text"),
    **dict.fromkeys(("least", "most"), "any"),
    "choices": "names",
    "values": "rows",
    **SCHEDULE_KEYS,
    **_GROUNDS,
}
VALUE_KEYS = {"from": "date", "value": "any", "paid_from": "date", "until_paid": "any", **_GROUNDS}
SOURCE_KEYS = {
    **dict.fromkeys(("title", "publisher", "kind", "where", "reference", "note"), "text"),
    "date": "day",
}
"""Known keys and the kind of value of each: see `engine.shapes`."""


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
    """

    start: dt.date
    value: float
    written: str
    source: str = ""
    assumption: str = ""
    note: str = ""
    paid_from: dt.date | None = None
    until_paid: float | None = None


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
        found = None
        for value in self.values:
            if value.start > month:
                break
            found = value
        if found is None:
            first = self.values[0].start
            raise InputError(
                Problem(
                    self.place,
                    f"{self.name!r} has no value for {month:%B %Y}: it begins on {in_words(first)}",
                    "start later, or add an earlier value with its source",
                )
            )
        return found

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


def described(description: str, choices: Sequence[str]) -> str:
    """A term's description, with what its numbers stand for where it is a choice.

    Examples
    --------
    >>> described("Form of the contract.", ["outside", "virtual"])
    'Form of the contract. 0 outside, 1 virtual.'
    """
    named = ", ".join(f"{number} {name}" for number, name in enumerate(choices))
    if not named or description.endswith(f"{named}."):
        return description
    return f"{description} {named}.".strip()


def read_sources(table: Mapping[str, Any], file: str) -> tuple[dict[str, Source], list[Problem]]:
    """Read the ``[source.<id>]`` tables of a file."""
    sources: dict[str, Source] = {}
    problems: list[Problem] = []
    for key, entry in table.get("source", {}).items():
        place = f"{file}, source.{key}"
        problems += shape_problems(entry, SOURCE_KEYS, place)
        if not entry.get("title"):
            problems.append(Problem(place, "a source without a title"))
        known = {k: str(entry.get(k, "")) for k in SOURCE_KEYS if k != "reference"}
        sources[key] = Source(key, **known)
    return sources, problems


def read_terms(
    table: Mapping[str, Any],
    file: str,
    sources: Iterable[str],
    schedules: Mapping[str, NamedSchedule] | None = None,
) -> tuple[dict[str, Term], list[Problem]]:
    """Read the ``[term.<name>]`` tables of a file.

    Parameters
    ----------
    table : mapping
        What the TOML holds under ``term``.
    file : str
        For messages.
    sources : iterable of str
        Ids that may be cited.
    schedules : mapping of str to NamedSchedule, optional
        Those that a term may follow by name.

    Returns
    -------
    terms : dict of str to Term
    problems : list of Problem
    """
    terms: dict[str, Term] = {}
    problems: list[Problem] = []
    sources = set(sources)
    for name, entry in table.items():
        reader = _TermReader(name, entry, f"{file}, term.{name}", sources, schedules or {})
        term = reader.read()
        problems += reader.problems
        if term is not None:
            terms[name] = term
    return terms, problems


class _TermReader:
    def __init__(
        self,
        name: str,
        entry: Mapping[str, Any],
        place: str,
        sources: set[str],
        schedules: Mapping[str, NamedSchedule],
    ):
        self.name = name
        self.entry = entry
        self.place = place
        self.sources = sources
        self.schedules = schedules
        self.schedule: Schedule | None = None
        self.least: float | None = None
        self.most: float | None = None
        self.choices: tuple[str, ...] = ()
        self.problems: list[Problem] = []

    def fault(self, found: str, mend: str = "", where: str = "") -> None:
        self.problems.append(Problem(f"{self.place}{where}", found, mend))

    def read(self) -> Term | None:
        entry = self.entry
        self.problems += shape_problems(entry, TERM_KEYS, self.place)
        if not isinstance(entry, Mapping):
            return None
        self.check_unit(entry.get("unit"))
        self.read_bounds()
        self.choices = tuple(entry.get("choices", ()))
        entries = list(self.entries())
        values = [value for value in map(self.dated_value, entries) if value is not None]
        if not entries and not self.problems:
            self.fault("no values", "give values = [{ from = …, value = …, source = … }]")
        self.check_order(values)
        if self.problems:
            return None
        return Term(
            self.name,
            entry["unit"],
            tuple(values),
            entry.get("title", self.name.replace("_", " ")),
            described(entry.get("description", ""), self.choices),
            entry.get("issue", ""),
            self.place,
            self.least,
            self.most,
            self.schedule,
            self.choices,
        )

    def check_unit(self, unit: Any) -> None:
        try:
            Unit.parse(unit if isinstance(unit, str) else "?")
        except ValueError:
            self.fault(f"unit {unit!r}", "a product such as 'GBP/patient/year', or '1'")

    def read_bounds(self) -> None:
        """Read between what the values lie, and check that there is something between."""
        bounds: dict[str, float] = {}
        for key in ("least", "most"):
            try:
                if key in self.entry:
                    bounds[key] = read_number(self.entry[key])
            except ValueError as error:
                self.fault(str(error), where=f", {key}")
        if len(bounds) == 2 and bounds["least"] > bounds["most"]:
            least, most = (format_number(bound) for bound in bounds.values())
            self.fault(f"{least} is more than the most, {most}", where=", least")
            return
        self.least, self.most = bounds.get("least"), bounds.get("most")

    def entries(self) -> Iterator[Mapping[str, Any]]:
        """Dated entries as written, or those that a schedule stands for."""
        if not any(key in self.entry for key in STEPS_KEYS):
            rows = self.entry.get("values", [])
            yield from rows if fits("rows", rows) else ()
            return
        self.schedule, wrong = read_schedule(self.entry, self.place, self.schedules)
        self.problems += wrong
        if self.schedule is None:
            return
        own = {key: self.entry[key] for key in GROUNDS if key in self.entry}
        steps = self.grounds_of_steps(self.schedule, own)
        for day, figure in self.schedule.dated():
            grounds = own if day < self.schedule.begins else steps
            yield {"from": day, "value": figure, **grounds}

    def grounds_of_steps(self, schedule: Schedule, own: Mapping[str, str]) -> Mapping[str, str]:
        """Grounds of the steps: those of a named schedule, beside the term's own for their dates.

        A value cites one source. That of a schedule's steps is the schedule's; the term's own then
        stands in the note.
        """
        if not schedule.name:
            return own
        of_steps = self.schedules[schedule.name].grounds
        source = of_steps.get("source") or own.get("source", "")
        dates = own.get("source", "")
        note = f"{schedule.title}." + (f" Dates: {dates}." if dates not in ("", source) else "")
        said = {"assumption": "", "note": note}
        for key in said:
            texts = (said[key], own.get(key, ""), of_steps.get(key, ""))
            said[key] = " ".join(text for text in texts if text)
        grounds = {"source": source, **said}
        return {key: text for key, text in grounds.items() if text}

    def dated_value(self, entry: Mapping[str, Any]) -> DatedValue | None:
        start = entry.get("from")
        where = f", from {start}" if fits("date", start) else ""
        self.problems += shape_problems(entry, VALUE_KEYS, self.place + where)
        if start is None:
            self.fault("a value without a date", "give from = 2015-04-01")
        self.check_provenance(entry, where)
        try:
            value = number_of(entry.get("value"), self.choices)
            until = read_number(entry["until_paid"]) if "until_paid" in entry else None
        except ValueError as error:
            self.fault(str(error), where=where)
            return None
        for number, key in ((value, ""), (until, ", until_paid")):
            outside = None if number is None else out_of_bounds(number, self.least, self.most)
            if outside:
                self.fault(*outside, where=f"{where}{key}")
        paid_from = entry.get("paid_from")
        if start is None or not fits("date", start):
            return None
        if paid_from is not None and not fits("date", paid_from):
            return None
        if (paid_from is None) != (until is None) or (paid_from and paid_from <= start):
            self.fault("paid_from and until_paid go together, paid_from later than from", "", where)
        return DatedValue(
            start,
            value,
            format_number(value) if self.choices else as_written(entry["value"]),
            entry.get("source", ""),
            entry.get("assumption", ""),
            entry.get("note", ""),
            paid_from,
            until,
        )

    def check_provenance(self, entry: Mapping[str, Any], where: str) -> None:
        source, assumption = (str(entry.get(key, "")).strip() for key in ("source", "assumption"))
        if not source and not assumption:
            self.fault(
                "a value with neither a source nor an assumption",
                "cite a source, or say in words what is assumed",
                where,
            )
        if source and source not in self.sources:
            mend = nearest(source, self.sources)
            self.fault(f"the source {source!r} is not described", mend, where)

    def check_order(self, values: list[DatedValue]) -> None:
        for before, after in itertools.pairwise(values):
            if after.start <= before.start:
                self.fault(f"{after.start} does not come after {before.start}", "dates increase")
            elif before.paid_from and before.paid_from >= after.start:
                self.fault(
                    f"the value from {before.start} is first paid from {before.paid_from}, "
                    f"when that from {after.start} holds already",
                    "pay it before the next value begins",
                )
