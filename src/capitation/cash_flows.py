"""From a stream's result to what is earned and what is paid, month by month, in unrounded pounds.

A result is what a stream earns, or what it pays: the cash calendar says which, and when the other
follows. What was earned before the run and is paid in it stands at its beginning, so that from the
first month on, earned = paid + movement of what is owed.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from capitation.cash_calendar import (
    ASPIRATION,
    IN_ARREARS,
    IN_MONTH,
    QUARTER_END,
    SETTLED_IN_YEAR,
    WITH_BALANCE,
    Timing,
)
from capitation.cash_run import MONTHS_OF_QUARTER, Pounds, Run, Year, month_of_fiscal_year
from capitation.engine.calendar import MONTHS_OF_YEAR, months_after, months_of


@dataclass
class Flows:
    """What a stream earns and pays by practice and month, and what it owes before the first month.

    Attributes
    ----------
    earned, paid : numpy.ndarray
        [GBP/month]
    opening : numpy.ndarray
        By practice: earned before the run and not yet paid. [GBP]
    handed_over : numpy.ndarray of bool
        By practice: whether another stream has taken over, and will pay, what this one owed.
    """

    earned: Pounds
    paid: Pounds
    opening: Pounds
    handed_over: npt.NDArray[np.bool_]

    @property
    def owed(self) -> Pounds:
        """Earned and not yet paid at each month's end; below nothing, paid and not yet earned."""
        return np.cumsum(
            np.concatenate([self.opening[:, None], self.earned - self.paid], axis=1), axis=1
        )[:, 1:]


def flows_of(run: Run, stream: str, scenario: int) -> Flows:
    """What a stream earns and pays in one scenario.

    Parameters
    ----------
    run : Run
    stream : str
    scenario : int
        Its position.

    Returns
    -------
    Flows
    """
    return _Stream(run, stream, scenario).flows


class _Stream:
    """Adds up what a stream earns and pays, fiscal year by fiscal year."""

    def __init__(self, run: Run, stream: str, scenario: int):
        self.run = run
        self.stream = stream
        self.scenario = scenario
        self.running = run.running(scenario)
        self.amounts = run.by_month(stream, scenario)
        practices = run.shape[0]
        handed_over = np.zeros(practices, dtype=np.bool_)
        self.flows = Flows(
            np.zeros(run.shape), np.zeros(run.shape), np.zeros(practices), handed_over
        )
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
        to_end = -month_of_fiscal_year(month) % timing.every_months
        return to_end + timing.arrears_months

    def quarter_end(self, year: Year, timing: Timing) -> None:
        flows, months = self.flows, self.run.months
        flows.paid[:, year.here] += self.amounts[:, year.here]
        for place in range(year.first, year.end):
            number = month_of_fiscal_year(months[place])
            end = place - number % -MONTHS_OF_QUARTER
            # Of a quarter that the run cuts off, the payment is not known: as in the one before.
            known = end if end < len(months) else end - MONTHS_OF_QUARTER
            if known >= 0:
                first = end - MONTHS_OF_QUARTER + 1
                # In a quarter that the run cuts off, a contract earns until its end.
                runs = self.earning(first, end + 1) if known == end else self.running[:, first:]
                before_run = max(-first, 0)
                months_earning = before_run + runs.sum(axis=1)
                among = months_earning if known == end else MONTHS_OF_QUARTER
                each = self.amounts[:, known] / among
                flows.earned[:, place] += each * runs[:, place - max(first, 0)]
                if place == 0:
                    flows.opening += before_run * each
            if end != place:
                flows.earned[:, place] += self.amounts[:, place]

    def earning(self, first: int, end: int) -> npt.NDArray[np.bool_]:
        """The months of a period in which the contract runs; all of them if it runs in none."""
        running = self.running[:, max(first, 0) : end]
        return running | ~running.any(axis=1, keepdims=True)

    def aspiration(self, year: Year, timing: Timing) -> None:
        run, flows = self.run, self.flows
        flows.earned[:, year.here] += self.amounts[:, year.here]
        base = run.by_practice(timing.base, self.scenario)
        place_of_april = year.first - year.missing_before
        before = self.achieved(run.years[run.years.index(year) - 1], base) if year.first else base
        on_aspiration = np.zeros_like(base)
        for number, month in enumerate(months_of(year.name)):
            of_month = self.share(timing, month) * before / MONTHS_OF_YEAR
            place = place_of_april + number
            if 0 <= place < run.shape[1]:
                of_month = of_month * self.running[:, place]
            on_aspiration = on_aspiration + of_month
            if 0 <= place < run.shape[1]:
                flows.paid[:, place] += of_month
            elif place < 0:
                flows.opening += base / MONTHS_OF_YEAR - of_month
        self.pay_balance(year, timing, self.achieved(year, base) - on_aspiration)
        if year.first == 0:
            self.pay_balance_of_base_year(year, timing, base)

    def pay_balance(self, year: Year, timing: Timing, balance: Pounds) -> None:
        """Pay a year's balance in the next, if that month is in the run."""
        after_april = month_of_fiscal_year(dt.date(2000, timing.balance_month, 1)) - 1
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
        place = month_of_fiscal_year(dt.date(2000, timing.balance_month, 1)) - 1
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
        part = self.part_of_balance(timing, self.held(year, timing))
        balance[:, year.first + 1 : year.end + 1] = (part * self.balance(timing))[:, year.here]
        if year.first == 0:
            balance[:, 0] = flows.opening = part[:, 0] * self.balance_at_start(timing)
        flows.earned += np.diff(balance, axis=1)

    def balance(self, timing: Timing) -> Pounds:
        """Owed to the practice at each month's end, less what it has had too much."""
        amount = np.zeros(self.run.shape)
        for name in timing.owed:
            amount = amount + self.run.by_month(name, self.scenario)
        for name in timing.overpaid:
            amount = amount - self.run.by_month(name, self.scenario)
        return amount

    def balance_at_start(self, timing: Timing) -> Pounds:
        """The same before the first month: what the rules of the balance begin with."""
        amount = np.zeros_like(self.flows.opening)
        for sign, names in ((1, timing.owed), (-1, timing.overpaid)):
            for name in names:
                first = self.run.result[name].attrs.get("first")
                if first:
                    amount = amount + sign * self.run.by_practice(first, self.scenario)
        return amount

    def held(self, year: Year, timing: Timing) -> npt.NDArray[np.bool_]:
        """The months in which a balance is this stream's.

        Of several streams it is the one's that pays the practice. Once none does, as after a
        contract's end, it stays with the last that did; before any does, it is the first's.
        """
        if not timing.only_where_paid:
            return np.ones(self.run.shape, dtype=np.bool_)
        mine = self.amounts != 0
        others = self.run.of_one_balance(self.stream, timing, year)
        paid = mine.copy()
        for other in others:
            paid |= self.run.by_month(other, self.scenario) != 0
        months = np.arange(self.run.shape[1])
        first = paid.argmax(axis=1)[:, None]
        last = np.maximum.accumulate(np.where(paid, months, first), axis=1)
        held = np.take_along_axis(mine, last, axis=1)
        lost = held[:, :-1] & ~held[:, 1:] & (self.balance(timing)[:, :-1] != 0)
        self.flows.handed_over |= lost.any(axis=1)
        return held

    def part_of_balance(self, timing: Timing, held: npt.NDArray[np.bool_]) -> Pounds:
        """How much of a balance is this stream's, and what is spared of a deduction with it."""
        part = held.astype(np.float64)
        if timing.kept:
            kept = self.run.by_month(timing.kept, self.scenario) != 0
            net = 1 - self.run.by_month(timing.deduction, self.scenario)
            part = np.where(kept, part / net, part)
        return part

    def settled_in_year(self, year: Year, timing: Timing) -> None:
        self.flows.paid[:, year.here] += self.amounts[:, year.here]
        of_year = self.run.of_year(timing.earned, self.scenario, year)
        runs = self.earning(year.first, year.end)
        self.flows.earned[:, year.here] += (of_year / runs.sum(axis=1))[:, None] * runs
