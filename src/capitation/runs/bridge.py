"""The bridge between two runs: its parts, its ends and what is said of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

import numpy as np
import xarray as xr

from capitation.bridge_table import (
    ATTRIBUTION,
    HALF_A_PENNY,
    MOST_WIDE,
    column_of_pence,
    text_of_table,
    whole_pence,
)
from capitation.runs.changes import IN_BOTH, RunChange


@dataclass(frozen=True)
class RunBridge:
    """The difference of an amount between two runs, and its parts. Print it to read it.

    Attributes
    ----------
    title : str
        What the amount is.
    measure : str
        The rule or total.
    before, after : str
        Names of the runs.
    scenarios : tuple of str
        The scenario that is compared, in each run.
    parts : xarray.DataArray
        [GBP] on ``part``, ``commissioner_code`` and ``year``: only parts that differ. ``part`` has
        the coordinate ``words``.
    ends : xarray.DataArray
        The amount itself [GBP] on ``run`` (before and after), ``commissioner_code`` and ``year``.
        After less before is the sum of the parts.
    practices : xarray.Dataset
        ``before``, ``after`` and ``change`` [GBP] of the years compared, on ``practice``, with the
        coordinates ``became`` (in both, joined, left, moved), ``practice_name`` and
        ``commissioner``. Nothing if the amount is a commissioner's.
    changes : tuple of RunChange
        Everything that differs, with how it stands in either run.
    notes : tuple of str
        How the runs were compared, in sentences.
    """

    title: str
    measure: str
    before: str
    after: str
    scenarios: tuple[str, str]
    parts: xr.DataArray
    ends: xr.DataArray
    practices: xr.Dataset
    changes: tuple[RunChange, ...]
    notes: tuple[str, ...]

    @property
    def years(self) -> list[str]:
        """Fiscal years that are compared."""
        return [str(year) for year in self.ends["year"].values]

    @property
    def difference(self) -> xr.DataArray:
        """After less before, as run, in pounds."""
        return self.ends.isel(run=1, drop=True) - self.ends.isel(run=0, drop=True)

    @property
    def nothing_differs(self) -> bool:
        """Whether no amount and no part of any year comes to a penny."""
        moved = (self.difference, self.parts)
        return all(bool((abs(amounts) < HALF_A_PENNY).all()) for amounts in moved)

    def rows(self) -> list[tuple[str, tuple[int, ...]]]:
        """Rows of a table in whole pence that add up: before, every part, after.

        Returns
        -------
        list of (str, tuple of int)
            Words, and pence: of each year, and last of all years together. Every column adds up,
            and so does every row: all years together are the sum of the years. The pennies by
            which rounded parts of a year miss its difference are put to the largest of them.
        """
        ends = self.ends.sum("commissioner_code").transpose("year", "run").values.tolist()
        parts = self.parts.sum("commissioner_code").transpose("year", "part").values.tolist()
        columns = [
            column_of_pence(end[0], of_year, end[1])
            for end, of_year in zip(ends, parts, strict=True)
        ]
        columns.append([sum(pence) for pence in zip(*columns, strict=True)])
        words = [self.before, *map(str, self.parts["words"].values), self.after]
        return list(zip(words, zip(*columns, strict=True), strict=True))

    def by_commissioner(self) -> list[tuple[str, tuple[int, int, int]]]:
        """Each commissioner's amount before and after, and its change, in whole pence."""
        amounts = self.ends.sum("year").transpose("commissioner_code", "run").values.tolist()
        pence = [tuple(map(whole_pence, pair)) for pair in amounts]
        codes = [str(code) for code in self.ends["commissioner_code"].values]
        return [(code, (a, b, b - a)) for code, (a, b) in zip(codes, pence, strict=True)]

    def movers(self, most: int = 5) -> tuple[xr.Dataset, xr.Dataset]:
        """Practices that gain and that lose most, by at least a penny.

        Parameters
        ----------
        most : int
            How many of either.

        Returns
        -------
        tuple of xarray.Dataset
            Rows of `practices`: those that gain, and those that lose; the largest change first.
        """
        if "practice" not in self.practices.dims:
            return self.practices, self.practices
        change = self.practices["change"].values
        gainers = np.argsort(-change, kind="stable")[: int((change >= HALF_A_PENNY).sum())]
        losers = np.argsort(change, kind="stable")[: int((change <= -HALF_A_PENNY).sum())]
        one, other = (self.practices.isel(practice=at[:most]) for at in (gainers, losers))
        return one, other

    def as_dict(self) -> dict[str, Any]:
        """The same as plain dictionaries and lists, for programs: amounts in whole pence."""
        headings = [*self.years, "total"]
        first, *parts, last = (pence for _, pence in self.rows())
        names = [str(name) for name in self.parts["part"].values]

        def by_year(pence: Sequence[int]) -> dict[str, int]:
            return dict(zip(headings, pence, strict=True))

        return {
            "measure": self.measure,
            "title": self.title,
            "runs": {"before": self.before, "after": self.after},
            "scenarios": dict(zip(("before", "after"), self.scenarios, strict=True)),
            "years": self.years,
            "unit": "pence",
            "before": by_year(first),
            "parts": {name: by_year(of) for name, of in zip(names, parts, strict=True)},
            "after": by_year(last),
            "commissioners": {
                code: dict(zip(("before", "after", "change"), pence, strict=True))
                for code, pence in self.by_commissioner()
            },
            "practices": dict(_entries(self.practices)),
            "changes": [vars(change) for change in self.changes],
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        heading = [self.title.rstrip("."), *self.years, "in all"]
        table = text_of_table(heading, self.rows())
        said = [ATTRIBUTION] if self.parts.sizes["part"] else []
        lines = [line for note in self.notes for line in wrap(note, MOST_WIDE)]
        return "\n".join([table, "", *said, *lines])


def _entries(practices: xr.Dataset) -> Iterator[tuple[str, dict[str, Any]]]:
    """Practices whose amount changed, or that joined, left or moved."""
    if "practice" not in practices.dims:
        return
    for at in range(practices.sizes["practice"]):
        row = practices.isel(practice=at)
        pence = {name: whole_pence(float(row[name])) for name in ("before", "after")}
        change = pence["after"] - pence["before"]
        became = str(row["became"].values)
        if change or became != IN_BOTH:
            entry = {**pence, "change": change, "became": became}
            yield str(row["practice"].values), entry
