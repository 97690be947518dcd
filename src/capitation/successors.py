"""Who is paid in a contract's place once practices have merged, split or closed.

A contract goes on being reckoned on its own data, and its balances stay with it. What it is paid
goes to its successors, in shares, from a month on: so a merger carries the remainder of a premium.
"""

from __future__ import annotations

import datetime as dt
import math
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from capitation.errors import Problem, nearest, raise_if_any
from capitation.practices import place_of
from capitation.sources.local_sheet import Sheet, months_in, unknown
from capitation.sources.official_csv import read_table

COLUMNS = ("practice", "from", "paid_to", "share")
NEARLY = Fraction(1, 10**9)
"""How far shares may miss 1: thirds that were written as decimals do."""

Pence = npt.NDArray[np.int64]
Shares = dict[str, Fraction]


@dataclass(frozen=True)
class _Plan:
    """Who is paid what share, and the row that says so first."""

    where: str
    shares: Shares


Plans = Mapping[str, Mapping[dt.date, _Plan]]


def read_successors(
    path: str | os.PathLike[str],
    practices: xr.Dataset | None = None,
    *,
    known: Iterable[str] = (),
) -> pd.DataFrame:
    r"""Read who is paid in a practice's place, and from when.

    Parameters
    ----------
    path : path-like
        A CSV file with the headings ``practice``, ``from``, ``paid_to`` and ``share``: from a
        month such as 2016-04 on, this share of what the practice is paid goes to that practice.
        A share is a number or a fraction such as 1/3. It holds until the practice's next date.
    practices : xarray.Dataset, optional
        The practices of the projection. Any practice if left out.
    known : iterable of str, optional
        Codes of other practices that rows may be about. These rows are left out.

    Returns
    -------
    pandas.DataFrame
        As `settle` takes it, by number of the file's row: ``from`` a timestamp, ``share`` an exact
        fraction. The attribute ``source`` names the file.

    Raises
    ------
    InputError
        If the file cannot be read, a practice is unknown, a cell is blank, no month or no share,
        the shares of a practice and month do not make 1, or practices pay each other in a circle.
        Every problem, with file and row.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "mergers.csv"
    ...     _ = file.write_text("practice,from,paid_to,share\nEX001,2016-04,EX002,1\n", "utf-8")
    ...     read_successors(file)[["practice", "paid_to"]].values.tolist()
    [['EX001', 'EX002']]
    """
    table = read_table(Path(path))
    sheet = Sheet(table, COLUMNS, "column", ())
    months = months_in(sheet.cells("from"))
    payees = [cell.upper() for cell in sheet.cells("paid_to")]
    shares = [_share(cell) for cell in sheet.cells("share")]
    wrong_cells = (
        ("from", np.isnat(months), "expected a month", "write it as 2016-04"),
        (
            "paid_to",
            [not payee for payee in payees],
            "expected a practice code",
            "name who is paid",
        ),
        ("share", [share is None for share in shares], "expected a share", "1, 0.5 or 1/3"),
    )
    problems = list(sheet.problems())
    for key, wrong, found, mend in wrong_cells:
        problems += table.wrong(sheet.keys[key], np.array(wrong, dtype=np.bool_), found, mend)
    ours = np.ones(len(sheet.codes), dtype=np.bool_)
    if practices is not None:
        codes = set(practices["practice"].values.astype(str).tolist())
        place = place_of(practices)
        problems += unknown(table, sheet.codes, {*codes, *known}, place)
        ours = np.array([code in codes for code in sheet.codes], dtype=np.bool_)
        paid = [payee if of_us else "" for payee, of_us in zip(payees, ours, strict=True)]
        problems += unknown(table, paid, codes, f"what is projected of {place}")
    table.raise_if_any(problems)
    rows = pd.DataFrame(
        {"practice": sheet.codes, "from": months, "paid_to": payees, "share": shares},
        pd.Index(table.row_numbers, name="row"),
    )[ours]
    rows.attrs["source"] = table.file
    plans, problems = _plans(rows, table.file)
    table.raise_if_any([*problems, *_circles(plans)])
    return rows


@dataclass(frozen=True)
class Diversion:
    """From one month to another, what a practice is paid goes to others.

    Attributes
    ----------
    practice : int
        Its position.
    months : slice
    payees : tuple of int
    shares : tuple of fractions.Fraction
        They make 1.
    """

    practice: int
    months: slice
    payees: tuple[int, ...]
    shares: tuple[Fraction, ...]


def diversions(
    successors: pd.DataFrame, codes: Sequence[str], months: Sequence[dt.date]
) -> list[Diversion]:
    """Who is paid in whose place, month by month, through chains of successors.

    Parameters
    ----------
    successors : pandas.DataFrame
        As from `read_successors`.
    codes : sequence of str
        The practices of the result.
    months : sequence of datetime.date
        Its months.

    Returns
    -------
    list of Diversion

    Raises
    ------
    InputError
        If a practice is unknown, or as for `read_successors`.
    """
    place = str(successors.attrs.get("source", "successors"))
    absent = [column for column in COLUMNS if column not in successors.columns]
    raise_if_any(Problem(place, f"no column {c!r}", f"columns: {COLUMNS}") for c in absent)
    plans, problems = _plans(successors, place)
    raise_if_any([*problems, *_unknown(plans, set(codes)), *_circles(plans)])
    position = {code: number for number, code in enumerate(codes)}
    dates = sorted({date for dated in plans.values() for date in dated})
    starts = [sum(month < date for month in months) for date in dates]
    found = []
    for date, first, end in zip(dates, starts, [*starts[1:], len(months)], strict=True):
        in_force = _in_force(plans, date)
        for code in in_force if first < end else ():
            final = _followed(code, in_force)
            if final != {code: Fraction(1)}:
                payees = tuple(position[payee] for payee in final)
                shares = tuple(final.values())
                found.append(Diversion(position[code], slice(first, end), payees, shares))
    return found


def split(pence: Pence, shares: Sequence[Fraction]) -> list[Pence]:
    """Split whole pence by shares that make 1, with none left over and none made.

    Each part is rounded down to a penny, and the pennies left go one each to the parts that lost
    most, the first of equals first. Amounts below nothing are split as those above.

    Examples
    --------
    >>> parts = split(np.array([100, -100]), [Fraction(1, 3)] * 3)
    >>> [part.tolist() for part in parts]
    [[34, -34], [33, -33], [33, -33]]
    """
    if len(shares) == 1:
        return [pence]
    exact = np.abs(pence).astype(object)
    parts = np.array([exact * s.numerator // s.denominator for s in shares])
    # What each lost by rounding down, in a common unit.
    common = math.lcm(*[s.denominator for s in shares])
    lost = np.array(
        [exact * s.numerator % s.denominator * (common // s.denominator) for s in shares]
    )
    left = exact - parts.sum(axis=0)
    rank = np.argsort(np.argsort(-lost, axis=0, kind="stable"), axis=0, kind="stable")
    whole = (parts + (rank < left)).astype(np.int64)
    return [part * np.sign(pence) for part in whole]


# ------------------------------------------------------------------------------------- the rows


def _share(written: Any) -> Fraction | None:
    """A share above 0, up to 1; None if it is none."""
    try:
        share = Fraction(str(written).strip())
    except (ValueError, ZeroDivisionError):
        return None
    return share if 0 < share <= 1 else None


def _month(written: Any) -> dt.date | None:
    """The first day of a month, from a date or from text such as 2016-04; None if it is none.

    A number is none: pandas would take it as nanoseconds since 1970.
    """
    if isinstance(written, str):
        written = months_in(["".join(written.split())])[0]
    if not isinstance(written, dt.date | np.datetime64):
        return None
    day = pd.Timestamp(written)
    return None if pd.isna(day) or day.day != 1 else day.date()


def _plans(rows: pd.DataFrame, place: str) -> tuple[dict[str, dict[dt.date, _Plan]], list[Problem]]:
    """Plans by practice and date, their shares brought to exactly 1; and what is wrong with them.

    Rows are named by the table's index.
    """
    plans: dict[str, dict[dt.date, _Plan]] = defaultdict(dict)
    problems = []
    for row, practice, start, payee, written in rows[list(COLUMNS)].itertuples():
        month, share = _month(start), _share(written)
        where = f"{place}, row {row}, practice {practice}"
        if month is None:
            found = f"{start!r} is not the first day of a month"
            mend = "give a date, or a month as text, such as 2016-04"
            problems.append(Problem(where, found, mend))
            continue
        where += f" from {month:%Y-%m}"
        shares = plans[str(practice)].setdefault(month, _Plan(where, {})).shares
        if share is None:
            found = f"the share of {payee} is {written!r}"
            problems.append(Problem(where, found, "above 0, up to 1"))
        elif payee in shares:
            problems.append(Problem(where, f"names {payee} twice", "keep one of them"))
        shares[str(payee)] = share or Fraction(0)
    for plan in (plan for dated in plans.values() for plan in dated.values()):
        shares = plan.shares
        whole = sum(shares.values(), Fraction(0))
        if all(shares.values()) and abs(whole - 1) > NEARLY:
            found = f"shares make {float(whole):g}"
            mend = "shares of one practice and month make 1"
            problems.append(Problem(plan.where, found, mend))
        for payee in shares:
            shares[payee] /= whole or 1
    return plans, problems


def _unknown(plans: Plans, codes: set[str]) -> Iterator[Problem]:
    told: set[str] = set()
    for code, dated in plans.items():
        for plan in dated.values():
            for name in (code, *plan.shares):
                if name not in codes and name not in told:
                    told.add(name)
                    found = f"the result has no practice {name!r}"
                    yield Problem(plan.where, found, nearest(name, codes))


def _in_force(plans: Plans, date: dt.date) -> dict[str, Shares]:
    """The shares that hold on a date, of every practice that has a successor by then."""
    return {code: plan.shares for code, plan in _plans_in_force(plans, date).items()}


def _plans_in_force(plans: Plans, date: dt.date) -> dict[str, _Plan]:
    begun = {code: [day for day in dated if day <= date] for code, dated in plans.items()}
    return {code: plans[code][max(days)] for code, days in begun.items() if days}


def _circles(plans: Plans) -> Iterator[Problem]:
    """Practices that pay each other in the same month. One that keeps a share is no circle."""
    told: set[frozenset[str]] = set()
    for date in sorted({date for dated in plans.values() for date in dated}):
        in_force = _in_force(plans, date)
        for code in in_force:
            circle = _circle_from([code], in_force)
            if circle and frozenset(circle) not in told:
                told.add(frozenset(circle))
                found = f"{' pays '.join(circle)} from {date:%Y-%m}: a circle"
                where = _plans_in_force(plans, date)[code].where
                yield Problem(where, found, "a chain of successors ends with one who is paid")


def _circle_from(path: list[str], in_force: Mapping[str, Shares]) -> list[str]:
    """A way along successors that leads back to the path's first practice, if there is one."""
    for payee in in_force.get(path[-1], ()):
        if payee == path[0] and len(path) > 1:
            return [*path, payee]
        if payee not in path:
            circle = _circle_from([*path, payee], in_force)
            if circle:
                return circle
    return []


def _followed(code: str, in_force: Mapping[str, Shares]) -> Shares:
    """Who is paid in the end, through all successors, and what share of it."""
    final: Shares = defaultdict(Fraction)
    for payee, share in in_force.get(code, {code: Fraction(1)}).items():
        onward = {payee: Fraction(1)} if payee == code else _followed(payee, in_force)
        for last, part in onward.items():
            final[last] += share * part
    return dict(final)
