"""Schedules: a figure that moves in steps, from a start that may be delayed, with pauses.

A schedule has two halves that are decided apart. Its *timing* says when it starts, how long it is
delayed and in which months it stands still. Its *steps* say which figures follow each other, and
how many months each holds.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from capitation.engine.calendar import months_after
from capitation.engine.shapes import fits, shape_problems
from capitation.errors import Problem, nearest

TIMING_KEYS = {
    "from": "date",
    "before": "any",
    "start": "date",
    "delay_months": "count",
    "pauses": "rows",
}
STEPS_KEYS = {"steps": "values", "every_months": "count", "schedule": "text"}
SCHEDULE_KEYS = {**TIMING_KEYS, **STEPS_KEYS}
"""What a term that follows a schedule has in place of ``values``."""

NAMED_KEYS = {
    **dict.fromkeys(("title", "description", "source", "assumption", "note"), "text"),
    "steps": "values",
    "every_months": "count",
}
PAUSE_KEYS = {"from": "date", "until": "date"}
A_YEAR = 12


@dataclass(frozen=True)
class Pause:
    """Months in which a schedule stands still.

    Attributes
    ----------
    start, until : datetime.date
        From the first, and up to but without the second.
    """

    start: dt.date
    until: dt.date


@dataclass(frozen=True)
class Schedule:
    """When a figure moves, and by which steps.

    Attributes
    ----------
    first : datetime.date
        From when the figure before the start holds.
    before : object
        That figure, as written.
    start : datetime.date
        Month of the first step, if nothing delays it.
    steps : tuple
        The figures that follow each other, as written: numbers, or fractions such as ``"6/7"``.
    every_months : int
        How long each holds before the next.
    delay_months : int
    pauses : tuple of Pause
        In order; the steps still to come move by as many months.
    name, title : str
        Of a schedule that has a name.

    Examples
    --------
    >>> april = dt.date(2015, 4, 1)
    >>> schedule = Schedule(dt.date(2013, 4, 1), 1, april, ("1/2", 0), delay_months=6)
    >>> [(step.isoformat(), figure) for step, figure in schedule.dated()]
    [('2013-04-01', 1), ('2015-10-01', '1/2'), ('2016-10-01', 0)]
    """

    first: dt.date
    before: Any
    start: dt.date
    steps: tuple[Any, ...]
    every_months: int = A_YEAR
    delay_months: int = 0
    pauses: tuple[Pause, ...] = ()
    name: str = ""
    title: str = ""

    def with_timing_of(self, other: Schedule) -> Schedule:
        """These steps, when another schedule would take them."""
        return replace(
            self,
            first=other.first,
            start=other.start,
            delay_months=other.delay_months,
            pauses=other.pauses,
        )

    @property
    def begins(self) -> dt.date:
        """The day of the first step, delayed and after any pause that it would fall in."""
        return self.after_pauses(months_after(self.start, self.delay_months))

    def dated(self) -> Iterator[tuple[dt.date, Any]]:
        """The figure before the start, then each step, with the day from which it holds."""
        day = self.begins
        if day > self.first:
            yield self.first, self.before
        for figure in self.steps:
            yield day, figure
            for _ in range(self.every_months):
                day = self.after_pauses(months_after(day, 1))

    def after_pauses(self, day: dt.date) -> dt.date:
        """The day, or the end of the pauses that it falls in."""
        for pause in self.pauses:
            if pause.start <= day < pause.until:
                day = pause.until
        return day


@dataclass(frozen=True)
class NamedSchedule:
    """Steps that are known by a name, with their source or assumption.

    Attributes
    ----------
    name, title : str
    steps : tuple
    every_months : int
    grounds : dict of str to str
        ``source``, ``assumption`` and ``note``, those that it has.
    """

    name: str
    title: str
    steps: tuple[Any, ...]
    every_months: int
    grounds: Mapping[str, str]


def read_named_schedules(
    table: Mapping[str, Any], file: str
) -> tuple[dict[str, NamedSchedule], list[Problem]]:
    """Read the ``[schedule.<name>]`` tables of a file.

    Parameters
    ----------
    table : mapping
        What the TOML holds under ``schedule``.
    file : str
        For messages.

    Returns
    -------
    schedules : dict of str to NamedSchedule
    problems : list of Problem
    """
    found: dict[str, NamedSchedule] = {}
    problems: list[Problem] = []
    for name, entry in table.items():
        place = f"{file}, schedule.{name}"
        wrong = shape_problems(entry, NAMED_KEYS, place)
        if not wrong and not (entry.get("title") and entry.get("steps")):
            wrong.append(Problem(place, "a schedule without a title or steps"))
        problems += wrong
        if wrong:
            continue
        grounds = {key: entry[key] for key in ("source", "assumption", "note") if entry.get(key)}
        every = entry.get("every_months", A_YEAR)
        problems += _faults_of_every(every, place)
        found[name] = NamedSchedule(name, entry["title"], tuple(entry["steps"]), every, grounds)
    return found, problems


def read_schedule(
    entry: Mapping[str, Any], place: str, named: Mapping[str, NamedSchedule]
) -> tuple[Schedule | None, list[Problem]]:
    """Read the schedule of a term's table.

    Returns
    -------
    schedule : Schedule or None
        None if anything is wrong with it.
    problems : list of Problem
        What is wrong beyond the kinds of its values.
    """
    problems = []
    if "values" in entry:
        mend = "give either values, or steps with their dates"
        problems.append(Problem(place, "values and a schedule", mend))
        return None, problems
    missing = [key for key in ("from", "before", "start") if key not in entry]
    if missing:
        mend = "it needs from, before, start"
        problems.append(Problem(place, f"a schedule without {', '.join(missing)}", mend))
    if ("steps" in entry) == ("schedule" in entry):
        found = "both steps and the name of a schedule" if "steps" in entry else "no steps"
        mend = "give steps, or the name of a schedule that has them"
        problems.append(Problem(place, found, mend))
    if not all(fits(kind, entry[key]) for key, kind in SCHEDULE_KEYS.items() if key in entry):
        return None, problems
    name = entry.get("schedule", "")
    if name and name not in named:
        where = f"{place}, schedule"
        problems.append(Problem(where, f"there is no schedule {name!r}", nearest(name, named)))
    pauses, wrong = _read_pauses(entry.get("pauses", []), place)
    problems += wrong
    known = named.get(name)
    every = entry.get("every_months", known.every_months if known else A_YEAR)
    problems += _faults_of_every(every, place)
    if problems:
        return None, problems
    schedule = Schedule(
        first=entry["from"],
        before=entry["before"],
        start=entry["start"],
        steps=known.steps if known else tuple(entry["steps"]),
        every_months=every,
        delay_months=entry.get("delay_months", 0),
        pauses=pauses,
        name=name,
        title=known.title if known else "",
    )
    return schedule, []


def _faults_of_every(every: int, place: str) -> Iterator[Problem]:
    if every < 1:
        yield Problem(f"{place}, every_months", f"found {every}", "one month or more")


def _read_pauses(rows: Any, place: str) -> tuple[tuple[Pause, ...], list[Problem]]:
    pauses: list[Pause] = []
    problems: list[Problem] = []
    for row in rows:
        where = f"{place}, pauses"
        wrong = shape_problems(row, PAUSE_KEYS, where)
        missing = [key for key in PAUSE_KEYS if key not in row]
        if missing:
            wrong.append(Problem(where, f"a pause without {' and '.join(missing)}"))
        elif not wrong and (row["from"].day, row["until"].day) != (1, 1):
            found = f"from {row['from']} until {row['until']}"
            wrong.append(Problem(where, found, "both are the first day of a month"))
        elif not wrong and row["from"] >= row["until"]:
            wrong.append(Problem(where, f"{row['until']} does not come after {row['from']}"))
        elif not wrong and pauses and row["from"] < pauses[-1].until:
            found = f"{row['from']} comes before {pauses[-1].until}, the end of the pause before"
            wrong.append(Problem(where, found, "pauses stand in order and do not overlap"))
        problems += wrong
        if not wrong:
            pauses.append(Pause(row["from"], row["until"]))
    return tuple(pauses), problems
