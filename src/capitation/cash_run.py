"""A result beside the cash calendar that it is settled by: its streams, years and variables."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from capitation.cash_calendar import (
    IN_MONTH,
    QUARTER_END,
    CashCalendar,
    Timing,
    national_calendar,
)
from capitation.engine.calendar import MONTHS_OF_YEAR, fiscal_year, months_after, months_of
from capitation.engine.record import graph_of
from capitation.errors import InputError, Problem, nearest, raise_if_any

MONTHS_OF_QUARTER = 3

ENDED = "contract_ended"
"""Term of a practice whose contract has ended: from then on it earns nothing."""

PRACTICE, MONTH, YEAR = {"practice"}, {"month"}, {"year"}
FORMS: dict[str, tuple[str, set[str], set[str], str]] = {
    "owed": ("GBP", PRACTICE | MONTH, set(), "a rule in GBP on practice and month is wanted"),
    "overpaid": ("GBP", PRACTICE | MONTH, set(), "a rule in GBP on practice and month is wanted"),
    "earned": ("GBP/year", PRACTICE | YEAR, set(), "a rule in GBP/year by practice is wanted"),
    "base": ("GBP/year", PRACTICE, set(), "an input in GBP/year by practice is wanted"),
    "kept": ("1", set(), PRACTICE | MONTH, "a flag (unit 1) of practices is wanted"),
    "deduction": ("1", set(), PRACTICE | MONTH, "a share (unit 1) is wanted"),
}
"""Of what an entry of the calendar names: unit, dimensions that it has, others it may have."""

Pounds = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Year:
    """A fiscal year of a run: its months in the run are ``first`` to ``end``, without ``end``."""

    name: str
    first: int
    end: int
    missing_before: int

    @property
    def here(self) -> slice:
        return slice(self.first, self.end)


class Run:
    """A result with the cash calendar that it is settled by.

    Parameters
    ----------
    result : xarray.Dataset
        A whole one, with ``scenario`` as a dimension.
    calendar : CashCalendar

    Raises
    ------
    InputError
        If the result lacks a stream, or what the calendar needs to know of one; if the calendar
        names a stream that nobody knows, has no timing for the first year, or names what has not
        the form that is wanted.
    """

    def __init__(self, result: xr.Dataset, calendar: CashCalendar):
        self.result = result
        self.calendar = calendar
        self.streams: list[str] = json.loads(result.attrs["streams"])
        self.months = [pd.Timestamp(month).date() for month in result["month"].values]
        self.years = list(_years(self.months))
        self.shape = (result.sizes["practice"], len(self.months))
        absent = [name for name in self.streams if name not in result.data_vars]
        mend = "project without 'variables', or name every stream there"
        raise_if_any(
            Problem("result", f"does not hold the stream {name!r}", mend) for name in absent
        )
        raise_if_any([*self._streams_of_nobody(), *self._without_timing()])
        self.unknown = {
            stream: missing for stream in self.streams if (missing := self._missing(stream))
        }
        if self.unknown and not self._is_whole():
            mend = "project without 'variables', or name it there"
            raise_if_any(
                Problem("result", f"does not hold {name!r}, which the timing of {s} needs", mend)
                for s, names in self.unknown.items()
                for name in names
            )
        raise_if_any(dict.fromkeys(self._of_another_form()))

    def _streams_of_nobody(self) -> Iterator[Problem]:
        known = {*self.streams, *national_calendar().timings}
        for stream in self.calendar.timings:
            if stream not in known:
                found = f"there is no stream {stream!r}"
                yield Problem(self.calendar.place_of(stream), found, nearest(stream, known))

    def _without_timing(self) -> Iterator[Problem]:
        for stream in self.streams:
            try:
                self._stated(stream, self.years[0])
            except InputError as error:
                yield from error.problems

    def _of_another_form(self) -> Iterator[Problem]:
        """What the calendar names that has not the unit and the dimensions it needs."""
        for stream in self.streams:
            for year in self.years if stream not in self.unknown else ():
                timing = self._stated(stream, year)
                for key, form in FORMS.items():
                    for name in timing.named(key):
                        where = f"{self.calendar.place_of(stream)}, {key}"
                        yield from self._of_form(name, where, *form)

    def _of_form(
        self, name: str, where: str, unit: str, needed: set[str], allowed: set[str], mend: str
    ) -> Iterator[Problem]:
        variable = self.result.variables[name]
        dims = [str(dim) for dim in variable.dims if dim != "scenario"]
        has = variable.attrs.get("units", "no unit")
        if has != unit or not needed <= {*dims} <= needed | allowed:
            on = f" on {' and '.join(dims)}" if dims else ""
            yield Problem(where, f"{name!r} is in {has}{on}", mend)

    def _missing(self, stream: str) -> list[str]:
        needed = [name for year in self.years for name in self._stated(stream, year).reads]
        return [name for name in dict.fromkeys(needed) if name not in self.result.data_vars]

    def _is_whole(self) -> bool:
        nodes = graph_of(self.result.data_vars).nodes.values()
        return all(name in self.result for node in nodes for name in node.reads)

    def _stated(self, stream: str, year: Year) -> Timing:
        return self.calendar.at(stream, months_of(year.name)[0])

    def timing(self, stream: str, year: Year) -> Timing:
        """The timing in a year: in the month where the contract lacks what the calendar names."""
        if stream in self.unknown:
            return Timing(months_of(year.name)[0])
        return self._stated(stream, year)

    def moves(self, stream: str) -> bool:
        """Whether anything that the stream earns is paid in another month."""
        return any(self.timing(stream, year).paid != IN_MONTH for year in self.years)

    def by_month(self, name: str, scenario: int) -> Pounds:
        """A variable on practice and month."""
        return np.broadcast_to(self._values(name, scenario, ("practice", "month")), self.shape)

    def by_practice(self, name: str, scenario: int) -> Pounds:
        """A variable that does not change over time, on practice."""
        return np.broadcast_to(self._values(name, scenario, ("practice",)), self.shape[:1])

    def running(self, scenario: int) -> npt.NDArray[np.bool_]:
        """Whether a contract runs, on practice and month."""
        if ENDED not in self.result.variables:
            return np.ones(self.shape, dtype=np.bool_)
        return self.by_month(ENDED, scenario) == 0

    def of_one_balance(self, stream: str, timing: Timing, year: Year) -> list[str]:
        """Other streams that pay the same balance, each where it pays the practice."""
        return [
            other
            for other in self.streams
            if other != stream
            and (also := self.timing(other, year)).only_where_paid
            and {*also.owed, *also.overpaid} & {*timing.owed, *timing.overpaid}
        ]

    def of_year(self, name: str, scenario: int, year: Year) -> Pounds:
        """A variable of the fiscal year, on practice."""
        place = self.years.index(year)
        return self._values(name, scenario, ("practice", "year"))[:, place]

    def _values(self, name: str, scenario: int, dims: tuple[str, ...]) -> Pounds:
        variable = self.result.variables[name]
        if "scenario" in variable.dims:
            variable = variable.isel(scenario=scenario)
        kept = [dim for dim in dims if dim in variable.dims]
        values = np.asarray(variable.transpose(*kept).values, dtype=np.float64)
        absent = tuple(place for place, dim in enumerate(dims) if dim not in kept)
        return np.expand_dims(values, absent)

    def notes(self) -> Iterator[str]:
        """What a settlement takes for granted that its reader may not."""
        for stream, names in self.unknown.items():
            yield (
                f"{stream}: the contract has no {', '.join(names)}, by which the cash calendar "
                "moves payments. It is settled in the month."
            )
        silent = [stream for stream in self.streams if stream not in self.calendar.timings]
        if silent:
            yield f"Paid in the month, since the cash calendar does not name them: {_and(silent)}."
        yield from self._note_on_opening()
        yield from self._note_on_cut_quarter()

    def _note_on_opening(self) -> Iterator[str]:
        base_year = str(self.result.attrs["base_fiscal_year"])
        first = self.years[0]
        based = [stream for stream in self.streams if self.timing(stream, first).base]
        follows = months_after(months_of(base_year)[-1], 1)
        if based and self.months[0] != follows:
            yield (
                f"The run starts in {self.months[0]:%B %Y}, not right after {base_year}: what "
                f"{_and(based)} earned in the months before it is taken as a twelfth of the base "
                "year's amount each."
            )

    def _note_on_cut_quarter(self) -> Iterator[str]:
        last = self.years[-1]
        held = [s for s in self.streams if self.timing(s, last).paid == QUARTER_END]
        if held and self.months[-1].month % MONTHS_OF_QUARTER:
            yield (
                f"The run ends in {self.months[-1]:%B %Y}, before its quarter is paid: what "
                f"{_and(held)} earned in the quarter is taken as in the quarter before it."
            )


def _years(months: list[dt.date]) -> Iterator[Year]:
    names = [fiscal_year(month) for month in months]
    for name in dict.fromkeys(names):
        first = names.index(name)
        missing = month_of_fiscal_year(months[first]) - 1
        yield Year(name, first, first + names.count(name), missing)


def month_of_fiscal_year(month: dt.date) -> int:
    """From 1 for April to 12 for March."""
    return (month.month - 4) % MONTHS_OF_YEAR + 1


def _and(names: list[str]) -> str:
    """Names in a sentence."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
