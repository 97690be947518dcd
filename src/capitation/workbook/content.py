"""What a workbook shows, read back from a result: nothing else is needed."""

from __future__ import annotations

import itertools
import json
from functools import cached_property

import numpy as np
import pandas as pd
import xarray as xr

from capitation.engine.calendar import MONTHS_OF_YEAR, fiscal_year
from capitation.engine.graph import Graph
from capitation.engine.record import graph_of
from capitation.errors import InputError, Problem
from capitation.model import TOTAL_PAYMENTS


class Content:
    """A result, in the order in which a workbook shows it: commissioner by commissioner."""

    def __init__(self, result: xr.Dataset):
        self.result = result
        self.graph: Graph = graph_of(result.data_vars)
        self.check_whole()
        areas = result["commissioner"].values.astype(str)
        self.order = np.argsort(areas, kind="stable")
        self.codes: list[str] = result["practice"].values.astype(str)[self.order].tolist()
        self.commissioners: list[str] = result["commissioner_code"].values.astype(str).tolist()
        self.area_of: list[int] = [self.commissioners.index(area) for area in areas[self.order]]
        self.months = [pd.Timestamp(month).date() for month in result["month"].values]
        self.years: list[str] = [str(year) for year in result["year"].values]
        self.year_of_month = [self.years.index(fiscal_year(month)) for month in self.months]
        self.scenarios: list[str] = [str(name) for name in result["scenario"].values]
        self.scenario_titles: dict[str, str] = json.loads(result.attrs["scenarios"])
        self.streams: list[str] = json.loads(result.attrs["streams"])
        self.sources: dict[str, dict[str, str]] = json.loads(result.attrs["sources"])
        self._values: dict[tuple[str, str | None], np.ndarray] = {}

    def check_whole(self) -> None:
        """Refuse a result that lacks some of its rules, since their formulas could not be live."""
        needed = {name for node in self.graph.nodes.values() for name in node.reads}
        missing = sorted({n for n in needed if n not in self.graph})
        if missing or TOTAL_PAYMENTS not in self.graph:
            found = f"the result does not hold {', '.join(missing or [TOTAL_PAYMENTS])}"
            raise InputError(Problem("workbook", found, "project without 'variables'"))

    @property
    def year_begins(self) -> list[int]:
        """The calendar year in which each fiscal year begins."""
        return [int(year[:4]) for year in self.years]

    @cached_property
    def year_headings(self) -> list[str]:
        """Headings of sums by fiscal year, which say so where months of the year are missing."""
        counts = [self.year_of_month.count(number) for number in range(len(self.years))]
        return [
            f"{year} £" if count == MONTHS_OF_YEAR else f"{year} ({_months(count)}) £"
            for year, count in zip(self.years, counts, strict=True)
        ]

    @cached_property
    def members(self) -> list[range]:
        """The practices of each commissioner, as positions."""
        starts = np.searchsorted(self.area_of, range(len(self.commissioners) + 1))
        return [range(a, b) for a, b in itertools.pairwise(starts)]

    def coordinate(self, name: str) -> list[str]:
        """A coordinate of the practices, empty where there is none."""
        if name not in self.result.coords:
            return [""] * len(self.codes)
        return [str(value) for value in self.result[name].values[self.order]]

    @cached_property
    def who(self) -> list[tuple[str, ...]]:
        """Code, name, commissioner and contract type of each practice."""
        said = ("practice_name", "commissioner", "contract_type")
        return list(zip(self.codes, *(self.coordinate(name) for name in said), strict=True))

    def is_from_file(self, name: str) -> bool:
        """Whether an input stands in the practices' file, rather than in the model."""
        source = self.result[name].attrs.get("source", "")
        return source == self.result.attrs["practices_source"]

    def variants(self, name: str) -> list[str | None]:
        """The scenarios in which a variable stands: each, or None if it is the same in all."""
        return list(self.scenarios) if "scenario" in self.graph[name].dims else [None]

    def values(self, name: str, scenario: str | None) -> np.ndarray:
        """Values of a variable in one scenario, on practice or commissioner, then time."""
        key = (name, scenario)
        if key not in self._values:
            self._values[key] = self._values_of(name, scenario)
        return self._values[key]

    def _values_of(self, name: str, scenario: str | None) -> np.ndarray:
        array = self.result[name]
        if "scenario" in array.dims:
            array = array.isel(scenario=self.scenarios.index(scenario or self.scenarios[0]))
        if "practice" in array.dims:
            array = array.isel(practice=self.order)
        return array.values


def _months(count: int) -> str:
    return "1 month" if count == 1 else f"{count} months"
