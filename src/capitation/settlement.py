"""Settlement: the one place where money leaves, in whole pence, in the month of its payment."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from capitation.cash_calendar import CashCalendar, national_calendar
from capitation.cash_flows import Flows, Pounds, flows_of
from capitation.cash_run import Run, Year
from capitation.errors import InputError, Problem, raise_if_any
from capitation.projection import CARRIED, whole
from capitation.successors import Diversion, diversions, split

NO_PENCE_LEFT = 1e13
"""Pounds from which a float no longer holds pence."""

KEPT = ("title", "model", "scenarios", "streams", "base_fiscal_year", "practices_source", "run")
"""Attributes of a result that its settlement keeps."""

Pence = npt.NDArray[np.int64]


def to_pence(amounts: npt.ArrayLike) -> Pence:
    """Round pounds to whole pence as a spreadsheet does, half away from zero.

    The arithmetic is that of `round_to_pence`, with which it agrees to the last bit.

    Parameters
    ----------
    amounts : array_like of float
        Each less than £10 million million. [GBP]

    Returns
    -------
    numpy.ndarray of int64
        [pence]

    Examples
    --------
    >>> to_pence([2.675, -2.675, 1.005]).tolist()
    [268, -268, 101]
    """
    amounts = np.asarray(amounts, dtype=np.float64)
    pence = np.floor(np.abs(amounts) * 100.0 * (1.0 + 2.0**-50) + 0.5)
    return np.copysign(pence, amounts).astype(np.int64)


def settle(
    result: xr.Dataset,
    successors: pd.DataFrame | None = None,
    *,
    calendar: CashCalendar | None = None,
) -> xr.Dataset:
    """Settle a result: what is earned and paid in each month, in whole pence, and what is owed.

    Parameters
    ----------
    result : xarray.Dataset
        From `project`; one scenario may have been selected.
    successors : pandas.DataFrame, optional
        Who is paid in a practice's place and from when, as from `read_successors`.
    calendar : CashCalendar, optional
        When each stream is paid, as from `read_cash_calendar`; the national one if left out.

    Returns
    -------
    xarray.Dataset
        Whole pence, int64, all on ``scenario`` and ``stream``:

        ``paid``, ``accrued``
            On ``practice`` and ``month``: what leaves in the month, and what is earned in it.
        ``creditor``, ``debtor``
            On ``practice`` and ``month``, at its end: earned and not yet paid; paid and not yet
            earned. One of the two is nothing.
        ``opening_creditor``, ``opening_debtor``
            On ``practice``: the same before the first month.
        ``paid_in_year``, ``accrued_in_year``
            On ``practice`` and ``year``: sums of the months.
        ``residual``, ``accrual_residual``
            On ``practice`` and ``year``: what stands in the year beyond its months' own rounding,
            and beyond the rounding of what the year earned.
        ``paid_by_commissioner``
            On ``commissioner_code`` and ``month``: the sum of its practices.
        ``commissioner_rounding``
            On ``commissioner_code`` and ``year``: that sum of the year, less the commissioner's own
            unrounded sum rounded.
        ``paid_to``
            On ``payee`` and ``month``, with `successors` only: ``paid``, by who receives it.

        The coordinate ``timing`` says in words when a stream is paid. Attributes hold the calendar
        (``cash_calendar``), its ``sources``, and ``notes`` on what is taken for granted, those of
        the result first.

    Raises
    ------
    InputError
        If it is no whole result of `project`, lacks a stream or what the calendar needs, holds an
        amount that no pence can say, or the successors are wrong.

    Notes
    -----
    Each month's payment is rounded by itself. A year's payment is its unrounded sum rounded: the
    difference, the residual, falls in the last month in which the contract runs and the stream
    pays it anything, so that a contract that has ended is paid just what it was owed. Of a year
    that is cut short, the months in the run tie.

    Balances are rounded at each month's end, as a balance sheet is, and never drift; what is earned
    follows from them: accrued = paid + movement of (creditor − debtor), to the penny, for every
    stream, practice and month. So a balance that is closed is nothing, and what a year earned may
    stand a penny from its own rounding: the ``accrual_residual``.

    A contract that has ended (``contract_ended``) earns nothing. What it earned before stays a
    creditor until it is paid when it falls due; aspiration stops, and its balance is settled.

    Examples
    --------
    >>> from capitation import example_practices, project
    >>> result = project("bolton-quality-contract", example_practices(), months=12)
    >>> settled = settle(result).isel(scenario=0)
    >>> qof = settled.sel(stream="qof", practice="EX001")
    >>> qof["paid"].values[:4].tolist()
    [679543, 679543, 4174333, 679543]
    >>> earned, paid = (settled[name].sum("month") for name in ("accrued", "paid"))
    >>> owed = (settled["creditor"] - settled["debtor"]).isel(month=-1)
    >>> opening = settled["opening_creditor"] - settled["opening_debtor"]
    >>> bool((earned == paid + owed - opening).all())
    True
    """
    result = whole(result)
    raise_if_any(_of_another_kind(successors, calendar))
    run = Run(result, national_calendar() if calendar is None else calendar)
    settled = _Settled(run)
    for scenario in range(len(settled.scenarios)):
        for stream in range(len(run.streams)):
            settled.add(scenario, stream)
    variables = dict(settled.variables())
    if successors is not None:
        codes = result["practice"].values.astype(str).tolist()
        diverted = diversions(successors, codes, run.months)
        paid_to = _redirected(settled.paid, diverted)
        variables["paid_to"] = _labelled(paid_to, "payee", "month", "Paid, by who receives it")
    coordinates = _coordinates(run, "paid_to" in variables)
    return xr.Dataset(variables, coordinates, _attributes(run, [*run.notes(), *settled.notes()]))


def _of_another_kind(successors: Any, calendar: Any) -> Iterator[Problem]:
    """Arguments that are not what they should be, such as the path of a file."""
    if successors is not None and not isinstance(successors, pd.DataFrame):
        mend = "a table with the columns practice, from, paid_to, share: read_successors(path)"
        yield Problem("successors", f"found {successors!r:.80}", mend)
    if calendar is not None and not isinstance(calendar, CashCalendar):
        mend = "a calendar: read_cash_calendar(path)"
        yield Problem("calendar", f"found {calendar!r:.80}", mend)


class _Settled:
    """Arrays in pence, filled scenario by scenario and stream by stream."""

    def __init__(self, run: Run):
        self.run = run
        self.scenarios = [str(name) for name in run.result["scenario"].values]
        areas = run.result["commissioner_code"].values.astype(str).tolist()
        place = {area: number for number, area in enumerate(areas)}
        codes = run.result["commissioner"].values.astype(str)
        self.area_of = np.array([place[code] for code in codes])
        self.members = [np.flatnonzero(self.area_of == number) for number in range(len(areas))]
        practices, months = run.shape
        years = len(run.years)
        self.paid = self.zeros(practices, months)
        self.accrued = self.zeros(practices, months)
        self.owed = self.zeros(practices, months)
        self.opening = self.zeros(practices)
        self.residual = self.zeros(practices, years)
        self.accrual_residual = self.zeros(practices, years)
        self.by_commissioner = self.zeros(len(areas), months)
        self.rounding = self.zeros(len(areas), years)
        self.handed_over = np.zeros(practices, dtype=np.bool_)

    def zeros(self, *shape: int) -> Pence:
        return np.zeros((len(self.scenarios), len(self.run.streams), *shape), dtype=np.int64)

    def add(self, scenario: int, stream: int) -> None:
        """Settle one stream in one scenario."""
        run, at = self.run, (scenario, stream)
        flows = flows_of(run, run.streams[stream], scenario)
        self.check(flows, *at)
        self.handed_over |= flows.handed_over
        paid, running = to_pence(flows.paid), run.running(scenario)
        for number, year in enumerate(run.years):
            of_year = in_turn(flows.paid[:, year.here])
            self.residual[at][:, number] = tie(
                paid[:, year.here], flows.paid[:, year.here], of_year, running[:, year.here]
            )
            self.round_by_commissioner(at, number, year, paid, of_year)
        self.paid[at] = paid
        np.add.at(self.by_commissioner[at], self.area_of, paid)
        if run.moves(run.streams[stream]):
            self.add_balances(at, flows)
        else:
            self.accrued[at] = paid

    def add_balances(self, at: tuple[int, int], flows: Flows) -> None:
        """What is owed at each month's end, and what is earned so that it follows."""
        self.opening[at] = to_pence(flows.opening)
        self.owed[at] = to_pence(flows.owed)
        before = np.concatenate([self.opening[at][:, None], self.owed[at][:, :-1]], axis=1)
        self.accrued[at] = self.paid[at] + self.owed[at] - before
        for number, year in enumerate(self.run.years):
            earned = to_pence(in_turn(flows.earned[:, year.here]))
            months = self.accrued[at][:, year.here].sum(axis=1)
            self.accrual_residual[at][:, number] = months - earned

    def check(self, flows: Flows, scenario: int, stream: int) -> None:
        """Refuse amounts that are too large to have pence."""
        largest = max(np.abs(flows.paid).max(initial=0.0), np.abs(flows.owed).max(initial=0.0))
        if not largest < NO_PENCE_LEFT:
            where = f"{self.run.streams[stream]}, scenario {self.scenarios[scenario]}"
            found = f"an amount of £{largest:,.0f} has no pence"
            raise InputError(Problem(where, found, f"less than £{NO_PENCE_LEFT:,.0f} is wanted"))

    def round_by_commissioner(
        self, at: tuple[int, int], number: int, year: Year, paid: Pence, of_year: Pounds
    ) -> None:
        """How far practices' payments of a year stand above the rounding of their sum."""
        in_pence = paid[:, year.here].sum(axis=1)
        for area, members in enumerate(self.members):
            # Exactly, whatever the order of the practices.
            own = to_pence(math.fsum(of_year[members].tolist()))
            self.rounding[at][area, number] = in_pence[members].sum() - own

    def notes(self) -> Iterator[str]:
        """What a reader may wonder at in the amounts."""
        count = int(self.handed_over.sum())
        if count:
            practices = "1 practice" if count == 1 else f"{count:,} practices"
            yield (
                f"{practices} changed contract while an uplift was owed. The stream of the new "
                "contract pays the arrears: in the month of the change, what the old stream had "
                "earned of them goes over to the new. Both together earn what they do without it."
            )

    def variables(self) -> Iterator[tuple[str, Any]]:
        """The Dataset's variables, with their labels."""
        places = [(year.first, year.end) for year in self.run.years]

        def of_year(months: Pence) -> Pence:
            return np.stack([months[..., a:b].sum(axis=-1) for a, b in places], axis=-1)

        creditor, debtor = np.maximum(self.owed, 0), np.maximum(-self.owed, 0)
        opening = np.maximum(self.opening, 0), np.maximum(-self.opening, 0)
        for name, array, dims, title in (
            ("accrued", self.accrued, ("practice", "month"), "Earned in the month"),
            ("paid", self.paid, ("practice", "month"), "Paid in the month"),
            ("creditor", creditor, ("practice", "month"), "Earned and not yet paid, at its end"),
            ("debtor", debtor, ("practice", "month"), "Paid and not yet earned, at its end"),
            ("opening_creditor", opening[0], ("practice",), "Earned before the run, not yet paid"),
            ("opening_debtor", opening[1], ("practice",), "Paid before the run, not yet earned"),
            ("accrued_in_year", of_year(self.accrued), ("practice", "year"), "Earned in the year"),
            ("paid_in_year", of_year(self.paid), ("practice", "year"), "Paid in the year"),
            ("residual", self.residual, ("practice", "year"), "Of it beyond its months' rounding"),
            (
                "accrual_residual",
                self.accrual_residual,
                ("practice", "year"),
                "Earned in the year beyond the rounding of its sum",
            ),
            (
                "paid_by_commissioner",
                self.by_commissioner,
                ("commissioner_code", "month"),
                "Paid to all practices in the month",
            ),
            (
                "commissioner_rounding",
                self.rounding,
                ("commissioner_code", "year"),
                "Paid to practices in the year, beyond the rounding of their sum",
            ),
        ):
            yield name, _labelled(array, *dims, title)


def in_turn(amounts: Pounds) -> Pounds:
    """The sum of months, added one after another: as a reader with a pencil would."""
    total = np.zeros(amounts.shape[0])
    for month in range(amounts.shape[1]):
        total = total + amounts[:, month]
    return total


def tie(paid: Pence, unrounded: Pounds, of_year: Pounds, running: npt.NDArray[np.bool_]) -> Pence:
    """Put what the months of a year miss of its sum into the last that pays; give what it was.

    Parameters
    ----------
    paid : numpy.ndarray of int64
        Months, each rounded by itself: changed in place. [pence]
    unrounded : numpy.ndarray of float
        The same before rounding. [GBP]
    of_year : numpy.ndarray of float
        Their sum. [GBP]
    running : numpy.ndarray of bool
        The months in which the contract runs. Another takes it only if none of these pays.
    """
    missing = to_pence(of_year) - paid.sum(axis=1)
    pays = unrounded != 0
    pays &= running | ~(pays & running).any(axis=1, keepdims=True)
    last = paid.shape[1] - 1 - np.argmax(pays[:, ::-1], axis=1)
    paid[np.arange(len(paid)), last] += missing
    return missing


def _redirected(paid: Pence, diverted: list[Diversion]) -> Pence:
    """Payments by who receives them."""
    received = paid.copy()
    for diversion in diverted:
        moved = paid[:, :, diversion.practice, diversion.months]
        received[:, :, diversion.practice, diversion.months] -= moved
        parts = split(moved, diversion.shares)
        for payee, part in zip(diversion.payees, parts, strict=True):
            received[:, :, payee, diversion.months] += part
    return received


# ------------------------------------------------------------------------------------- the labels


def _labelled(array: Pence, *dims_and_title: str) -> Any:
    *dims, title = dims_and_title
    return (("scenario", "stream", *dims), array, {"units": "pence", "long_name": title})


def _coordinates(run: Run, with_payees: bool) -> dict[str, Any]:
    result = run.result
    names = ("scenario", "practice", "month", "fiscal_year", "commissioner_code", "year", *CARRIED)
    kept: dict[str, Any] = {name: result[name] for name in names if name in result.coords}
    kept["stream"] = run.streams
    kept["timing"] = ("stream", [_in_words(run, stream) for stream in run.streams])
    if with_payees:
        kept["payee"] = result["practice"].values
    return kept


def _in_words(run: Run, stream: str) -> str:
    """When a stream is paid, with the years from which that changes."""
    words = ""
    said: list[str] = []
    for year in run.years:
        words, before = run.timing(stream, year).in_words(), words
        if words != before:
            said.append(f"from {year.name} {words}" if said else words)
    return ", ".join(said)


def _attributes(run: Run, notes: list[str]) -> dict[str, str]:
    kept = {name: run.result.attrs[name] for name in KEPT if name in run.result.attrs}
    record = run.calendar.record(run.streams)
    cited = {entry.get("source", "") for entries in record.values() for entry in entries}
    sources = {key: run.calendar.sources[key].title for key in sorted(cited) if key}
    return {
        **kept,
        "cash_calendar": json.dumps(record),
        "sources": json.dumps(sources),
        "notes": json.dumps([*json.loads(run.result.attrs.get("notes", "[]")), *notes]),
    }
