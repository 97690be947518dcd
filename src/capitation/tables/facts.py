"""What tables of a result are made of: its scenarios, years, practices, lists and payments."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from functools import cache, cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from capitation.by_year import amounts_by_year
from capitation.engine.calendar import MONTHS_OF_YEAR
from capitation.errors import Problem, raise_if_any
from capitation.model import TOTAL_PAYMENTS
from capitation.projection import whole
from capitation.settlement import settle
from capitation.tables.table import POUNDS, Column

Pounds = npt.NDArray[np.float64]

WEIGHTED_LIST = "payment_weighted_list"
BASE_PAYMENTS = "base_total_payments"

PART_OF_YEAR = (
    "The run has only so many months of this fiscal year: its figures are of those months."
)


class Facts:
    """A result, read for its tables.

    Parameters
    ----------
    result : xarray.Dataset
        From `project`; one scenario or several may have been selected.

    Attributes
    ----------
    scenarios, streams, codes, commissioners, years : list of str
    titles : dict of str to str
        Of the scenarios.
    sources : dict of str to dict of str to str
        Every source that the model knows, by id.
    variables : dict of str to xarray.Variable
        Rules, totals, inputs and terms.

    Raises
    ------
    InputError
        If it is no whole result of `project`, or lacks payments.
    """

    def __init__(self, result: xr.Dataset):
        self.result = whole(result)
        self.streams: list[str] = json.loads(self.result.attrs["streams"])
        mend = "project without 'variables', or name every stream and 'total_payments' there"
        raise_if_any(
            Problem("result", f"does not hold {name!r}", mend)
            for name in (*self.streams, TOTAL_PAYMENTS)
            if name not in self.result.data_vars
        )
        self.scenarios = [str(name) for name in self.result["scenario"].values]
        said: dict[str, str] = json.loads(self.result.attrs["scenarios"])
        self.titles = {name: said.get(name) or name for name in self.scenarios}
        self.sources: dict[str, dict[str, str]] = json.loads(self.result.attrs["sources"])
        # Variables alone: a DataArray of each would take a hundred times as long.
        self.variables: dict[str, xr.Variable] = {
            str(name): self.result.variables[name] for name in self.result.data_vars
        }
        self.codes: list[str] = self.result["practice"].values.astype(str).tolist()
        self.areas: list[str] = self.result["commissioner"].values.astype(str).tolist()
        self.commissioners: list[str] = self.result["commissioner_code"].values.astype(str).tolist()
        self.years = [str(year) for year in self.result["year"].values]
        self.months = [pd.Timestamp(month).date() for month in self.result["month"].values]
        self.paid = cache(self._paid)

    def _paid(self, name: str) -> Pounds:
        """Payments on scenario, practice (or commissioner) and year. [GBP]."""
        return amounts_by_year(self.result, name).values

    @cached_property
    def months_in_year(self) -> list[int]:
        """How many months of each fiscal year are in the run."""
        of_month = self.result["fiscal_year"].values.astype(str).tolist()
        return [of_month.count(year) for year in self.years]

    @property
    def is_whole_year(self) -> list[bool]:
        """Whether all months of each fiscal year are in the run."""
        return [count == MONTHS_OF_YEAR for count in self.months_in_year]

    @property
    def period(self) -> str:
        """First and last month in words."""
        return f"{in_words(self.months[0])} to {in_words(self.months[-1])}"

    def year_columns(self, unit: str = "£", kind: str = POUNDS) -> list[Column]:
        """A column for each fiscal year, which says so where months of the year are missing."""
        return [
            Column(f"{year} {unit}", kind)
            if count == MONTHS_OF_YEAR
            else Column(f"{year} ({_months(count)}) {unit}", kind, PART_OF_YEAR)
            for year, count in zip(self.years, self.months_in_year, strict=True)
        ]

    def coordinate(self, name: str) -> list[str]:
        """A coordinate of the practices, empty where there is none."""
        if name not in self.result.coords:
            return [""] * len(self.codes)
        return self.result[name].values.astype(str).tolist()

    def members(self, commissioner: str) -> list[int]:
        """Places of a commissioner's practices."""
        return [place for place, area in enumerate(self.areas) if area == commissioner]

    @cached_property
    def lists(self) -> Pounds | None:
        """Weighted lists on scenario and practice, the mean of all months; None without lists."""
        if WEIGHTED_LIST not in self.result:
            return None
        found = self.result[WEIGHTED_LIST].mean("month")
        if "scenario" not in found.dims:
            found = found.expand_dims(scenario=self.scenarios)
        return found.transpose("scenario", "practice").values

    @cached_property
    def settled(self) -> xr.Dataset:
        """What is earned, paid and owed in the first scenario, in whole pence."""
        return settle(self.result.isel(scenario=0)).isel(scenario=0)

    def total(self, scenario: int) -> Pounds:
        """All payments of a scenario by year."""
        return self.paid(TOTAL_PAYMENTS)[scenario].sum(axis=0)

    def base_payments(self) -> float | None:
        """What the practices' file says was paid in the base year; None if no rule reads it."""
        if BASE_PAYMENTS not in self.result:
            return None
        return float(self.result[BASE_PAYMENTS].sum())

    def a_year(self, amount: float, patients: float) -> float | None:
        """An amount of the whole run for each patient, as so much a year; None without patients."""
        if not patients > 0:
            return None
        return amount / patients * MONTHS_OF_YEAR / len(self.months)


def in_words(month: dt.date) -> str:
    """A month such as April 2015."""
    return f"{month:%B %Y}"


def about_run(facts: Facts) -> list[tuple[str, str]]:
    """What a reader must be told of a run, as pairs of a name and a text."""
    attributes = facts.result.attrs
    return [
        ("Model", attributes["model"]),
        ("Months", facts.period),
        ("Base year", attributes["base_fiscal_year"]),
        ("Practices", f"{len(facts.codes):,}"),
        ("Commissioners", ", ".join(facts.commissioners)),
        ("Data of the practices", attributes["practices_source"]),
        ("What that file is", attributes["practices_title"]),
        ("Its SHA-256", attributes["practices_sha256"] or "none: not a file"),
        ("Licence of the data", attributes["licence"]),
        ("Made with", f"capitation {attributes['capitation_version']}"),
    ]


def with_sum(amounts: Sequence[float] | Pounds) -> list[float]:
    """Amounts, and after them what they come to together."""
    figures = [float(amount) for amount in amounts]
    return [*figures, sum(figures)]


def _months(count: int) -> str:
    return "1 month" if count == 1 else f"{count} months"
