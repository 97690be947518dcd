"""From a stream's result to what is earned and what is paid, month by month, in unrounded pounds.

A result is what a stream earns, or what it pays: the cash calendar says which, and when the other
follows. What was earned before the run and is paid in it stands at its beginning, so that from the
first month on, earned = paid + movement of what is owed.
"""

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
    ASPIRATION,
    IN_ARREARS,
    IN_MONTH,
    QUARTER_END,
    SETTLED_IN_YEAR,
    WITH_BALANCE,
    CashCalendar,
    Timing,
)
from capitation.engine.calendar import MONTHS_OF_YEAR, fiscal_year, months_after, months_of
from capitation.engine.record import graph_of
from capitation.errors import Problem, raise_if_any

MONTHS_OF_QUARTER = 3

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


@dataclass
class Flows:
    """What a stream earns and pays by practice and month, and what it owes before the first month.

    Attributes
    ----------
    earned, paid : numpy.ndarray
        [GBP/month]
    opening : numpy.ndarray
        By practice: earned before the run and not yet paid. [GBP]
    """

    earned: Pounds
    paid: Pounds
    opening: Pounds

    @property
    def owed(self) -> Pounds:
        """Earned and not yet paid at each month's end; below nothing, paid and not yet earned."""
        return np.cumsum(
            np.concatenate([self.opening[:, None], self.earned - self.paid], axis=1), axis=1
        )[:, 1:]


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
        If the result lacks a stream, or what the calendar needs to know of one.
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

    def flows(self, stream: str, scenario: int) -> Flows:
        """What a stream earns and pays in one scenario."""
        return _Stream(self, stream, scenario).flows

    def moves(self, stream: str) -> bool:
        """Whether anything that the stream earns is paid in another month."""
        return any(self.timing(stream, year).paid != IN_MONTH for year in self.years)

    def by_month(self, name: str, scenario: int) -> Pounds:
        """A variable on practice and month."""
        return np.broadcast_to(self._values(name, scenario, ("practice", "month")), self.shape)

    def by_practice(self, name: str, scenario: int) -> Pounds:
        """A variable that does not change over time, on practice."""
        return np.broadcast_to(self._values(name, scenario, ("practice",)), self.shape[:1])

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


class _Stream:
    """Adds up what a stream earns and pays, fiscal year by fiscal year."""

    def __init__(self, run: Run, stream: str, scenario: int):
        self.run = run
        self.scenario = scenario
        self.amounts = run.by_month(stream, scenario)
        practices = run.shape[0]
        self.flows = Flows(np.zeros(run.shape), np.zeros(run.shape), np.zeros(practices))
        ways = {
            IN_MONTH: self.in_month,
            IN_ARREARS: self.in_arrears,
            QUARTER_END: self.quarter_end,
            ASPIRATION: self.aspiration,
            WITH_BALANCE: self.with_balance,
            SETTLED_IN_YEAR: self.settled_in_year,
        }
        for year in run.years:
            timing = run.timing(stream, year)
            ways[timing.paid](year, timing)

    def in_month(self, year: Year, timing: Timing) -> None:
        self.flows.earned[:, year.here] += self.amounts[:, year.here]
        self.flows.paid[:, year.here] += self.amounts[:, year.here]

    def in_arrears(self, year: Year, timing: Timing) -> None:
        flows, months = self.flows, self.run.shape[1]
        flows.earned[:, year.here] += self.amounts[:, year.here]
        if year.first == 0 and timing.base:
            of_month = self.run.by_practice(timing.base, self.scenario) / MONTHS_OF_YEAR
            for place in range(-timing.arrears_months - timing.every_months, 0):
                paid_in = place + self.lag(place, timing)
                if paid_in >= 0:
                    flows.opening += of_month
                if 0 <= paid_in < months:
                    flows.paid[:, paid_in] += of_month
        for place in range(year.first, year.end):
            paid_in = place + self.lag(place, timing)
            if paid_in < months:
                flows.paid[:, paid_in] += self.amounts[:, place]

    def lag(self, place: int, timing: Timing) -> int:
        """Months from a month to its payment: to the end of its period, and the arrears."""
        month = months_after(self.run.months[0], place)
        to_end = -_month_of_fiscal_year(month) % timing.every_months
        return to_end + timing.arrears_months

    def quarter_end(self, year: Year, timing: Timing) -> None:
        flows, months = self.flows, self.run.months
        flows.paid[:, year.here] += self.amounts[:, year.here]
        for place in range(year.first, year.end):
            number = _month_of_fiscal_year(months[place])
            end = place - number % -MONTHS_OF_QUARTER
            # Of a quarter that the run cuts off, the payment is not known: as in the one before.
            known = end if end < len(months) else end - MONTHS_OF_QUARTER
            if known >= 0:
                earned = self.amounts[:, known] / MONTHS_OF_QUARTER
                flows.earned[:, place] += earned
                if place == 0:
                    flows.opening += (number - 1) % MONTHS_OF_QUARTER * earned
            if end != place:
                flows.earned[:, place] += self.amounts[:, place]

    def aspiration(self, year: Year, timing: Timing) -> None:
        run, flows = self.run, self.flows
        flows.earned[:, year.here] += self.amounts[:, year.here]
        base = run.by_practice(timing.base, self.scenario)
        place_of_april = year.first - year.missing_before
        before = self.achieved(run.years[run.years.index(year) - 1], base) if year.first else base
        on_aspiration = np.zeros_like(base)
        for number, month in enumerate(months_of(year.name)):
            of_month = self.share(timing, month) * before / MONTHS_OF_YEAR
            on_aspiration = on_aspiration + of_month
            place = place_of_april + number
            if 0 <= place < run.shape[1]:
                flows.paid[:, place] += of_month
            elif place < 0:
                flows.opening += base / MONTHS_OF_YEAR - of_month
        self.pay_balance(year, timing, self.achieved(year, base) - on_aspiration)
        if year.first == 0:
            self.pay_balance_of_base_year(year, timing, base)

    def pay_balance(self, year: Year, timing: Timing, balance: Pounds) -> None:
        """Pay a year's balance in the next, if that month is in the run."""
        after_april = _month_of_fiscal_year(dt.date(2000, timing.balance_month, 1)) - 1
        place = year.first - year.missing_before + MONTHS_OF_YEAR + after_april
        if place < self.run.shape[1]:
            self.flows.paid[:, place] += balance

    def pay_balance_of_base_year(self, year: Year, timing: Timing, base: Pounds) -> None:
        """The year before the run is owed its balance, unless that has been paid by then."""
        april = months_of(year.name)[0]
        on_aspiration = np.zeros_like(base)
        for number in range(-MONTHS_OF_YEAR, 0):
            share = self.share(timing, months_after(april, number))
            on_aspiration = on_aspiration + share * base / MONTHS_OF_YEAR
        place = _month_of_fiscal_year(dt.date(2000, timing.balance_month, 1)) - 1
        place -= year.missing_before
        if place >= 0:
            self.flows.opening += base - on_aspiration
        if 0 <= place < self.run.shape[1]:
            self.flows.paid[:, place] += base - on_aspiration

    def share(self, timing: Timing, month: dt.date) -> float:
        return self.run.calendar.terms[timing.share].at(month)

    def achieved(self, year: Year, base: Pounds) -> Pounds:
        """What a year came to: months before the run as in the base year."""
        amount = year.missing_before * base / MONTHS_OF_YEAR
        for place in range(year.first, year.end):
            amount = amount + self.amounts[:, place]
        return amount

    def with_balance(self, year: Year, timing: Timing) -> None:
        flows, amounts = self.flows, self.amounts[:, year.here]
        flows.paid[:, year.here] += amounts
        flows.earned[:, year.here] += amounts
        # Of other years other timings keep account: a balance that they do not know is closed.
        balance = np.zeros((self.run.shape[0], self.run.shape[1] + 1))
        balance[:, year.first + 1 : year.end + 1] = self.balance(timing)[:, year.here]
        if year.first == 0:
            balance[:, 0] = flows.opening = self.balance_at_start(timing)
        flows.earned += np.diff(balance, axis=1)

    def balance(self, timing: Timing) -> Pounds:
        """Owed to the practice at each month's end, less what it has had too much."""
        amount = np.zeros(self.run.shape)
        for name in timing.owed:
            amount = amount + self.run.by_month(name, self.scenario)
        for name in timing.overpaid:
            amount = amount - self.run.by_month(name, self.scenario)
        return amount * self.part_of_balance(timing)

    def balance_at_start(self, timing: Timing) -> Pounds:
        """The same before the first month: what the rules of the balance begin with."""
        amount = np.zeros_like(self.flows.opening)
        for sign, names in ((1, timing.owed), (-1, timing.overpaid)):
            for name in names:
                first = self.run.result[name].attrs.get("first")
                if first:
                    amount = amount + sign * self.run.by_practice(first, self.scenario)
        return amount * self.part_of_balance(timing)[:, 0]

    def part_of_balance(self, timing: Timing) -> Pounds:
        """How much of a balance is this stream's, and what is spared of a deduction with it."""
        part = np.ones(self.run.shape)
        if timing.kept:
            kept = self.run.by_month(timing.kept, self.scenario) != 0
            net = 1 - self.run.by_month(timing.deduction, self.scenario)
            part = np.where(kept, 1 / net, part)
        return np.where(self.amounts != 0, part, 0) if timing.only_where_paid else part

    def settled_in_year(self, year: Year, timing: Timing) -> None:
        self.flows.paid[:, year.here] += self.amounts[:, year.here]
        of_year = self.run.of_year(timing.earned, self.scenario, year)
        self.flows.earned[:, year.here] += (of_year / (year.end - year.first))[:, None]


def _years(months: list[dt.date]) -> Iterator[Year]:
    names = [fiscal_year(month) for month in months]
    for name in dict.fromkeys(names):
        first = names.index(name)
        missing = _month_of_fiscal_year(months[first]) - 1
        yield Year(name, first, first + names.count(name), missing)


def _month_of_fiscal_year(month: dt.date) -> int:
    return (month.month - 4) % MONTHS_OF_YEAR + 1


def _and(names: list[str]) -> str:
    """Names in a sentence."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
