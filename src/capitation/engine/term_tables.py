"""Read terms and their sources from TOML tables, and tell everything that is wrong with them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from capitation.engine.schedules import (
    SCHEDULE_KEYS,
    STEPS_KEYS,
    NamedSchedule,
    Schedule,
    read_schedule,
)
from capitation.engine.shapes import fits, shape_problems
from capitation.engine.terms import (
    GROUNDS,
    SIGNED,
    DatedValue,
    Source,
    Term,
    as_written,
    format_number,
    number_of,
    out_of_bounds,
    read_number,
)
from capitation.engine.units import Unit
from capitation.errors import Problem, nearest

_GROUNDS = dict.fromkeys(GROUNDS, "text")
TERM_KEYS = {
    **dict.fromkeys(("title", "unit", "description", "issue"), "text"),
    **dict.fromkeys(("least", "most"), "any"),
    "choices": "names",
    "values": "rows",
    **SCHEDULE_KEYS,
    **_GROUNDS,
}
VALUE_KEYS = {
    **dict.fromkeys(("from", "paid_from"), "date"),
    **dict.fromkeys(("value", "until_paid", "low", "high"), "any"),
    **dict.fromkeys(SIGNED, "text"),
    **_GROUNDS,
}
SOURCE_KEYS = {
    **dict.fromkeys(("title", "publisher", "kind", "where", "reference", "note"), "text"),
    "date": "day",
}
"""Known keys and the kind of value of each: see `engine.shapes`."""


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
            others = ("until_paid", "low", "high")
            until, low, high = (read_number(entry[key]) if key in entry else None for key in others)
        except ValueError as error:
            self.fault(str(error), where=where)
            return None
        self.check_range(value, low, high, where)
        for number, key in ((value, ""), (until, ", until_paid"), (low, ", low"), (high, ", high")):
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
            low,
            high,
            *(entry.get(key, "") for key in SIGNED),
        )

    def check_range(self, value: float, low: float | None, high: float | None, where: str) -> None:
        """Check that a figure lies between its own low and high."""
        for bound, key, word in ((low, "low", "more"), (high, "high", "less")):
            if bound is None:
                continue
            if bound > value if key == "low" else bound < value:
                found = f"{format_number(bound)} is {word} than the value, {format_number(value)}"
                self.fault(found, "low ≤ value ≤ high", f"{where}, {key}")

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
