"""One of two runs that are compared: its rules, and what they are given, in one scenario."""

from __future__ import annotations

import datetime as dt
import functools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from capitation.by_year import amounts_by_year
from capitation.engine.graph import Graph
from capitation.engine.record import dated_values, graph_of, own_values
from capitation.engine.terms import DatedValue, Term
from capitation.errors import InputError, Problem, listed, raise_if_any
from capitation.model import BASE, IN_PAYMENT, PRIOR, YEARLY
from capitation.projection import whole

SUFFIXES = {"year term": YEARLY, "prior term": PRIOR, "term": IN_PAYMENT}
"""What stands after the name of a term in the name of a leaf that reads it, by kind of leaf."""


class Side:
    """A run as it is compared: in one scenario, and as far as one measure depends on it.

    Parameters
    ----------
    label : str
        How it is named.
    result : xarray.Dataset
        From `project`.
    measure : str

    Raises
    ------
    InputError
        If it is no result of `project`, or lacks the measure or rules behind it.
    """

    def __init__(self, label: str, result: xr.Dataset, measure: str):
        self.label = label
        self.measure = measure
        try:
            self.result = whole(result)
            self.amounts = amounts_by_year(self.result, measure)
        except InputError as error:
            named = (Problem(label, f"{p.where}: {p.found}", p.mend) for p in error.problems)
            raise InputError(named) from None
        # Each as it is: picking one out of a Dataset looks at all coordinates.
        self.variables: Mapping[Any, xr.Variable] = dict(self.result.variables)
        rules_and_leaves = {n: self.variables[n] for n in self.result.data_vars}
        self.everything: Graph = graph_of(rules_and_leaves)
        self.graph = self.everything.only([measure])
        raise_if_any(self._not_whole())
        self.scenarios = [str(name) for name in self.result["scenario"].values]
        self.scenario = self.scenarios[0]
        self.codes = self.result["practice"].values.astype(str).tolist()
        self.area_of = dict(
            zip(self.codes, self.result["commissioner"].values.astype(str).tolist(), strict=True)
        )
        self.months = self.result["month"].values.astype("datetime64[M]")

    def _not_whole(self) -> Iterator[Problem]:
        absent = sorted(self.everything.ancestors([self.measure]) - self._names())
        if absent:
            found = f"it does not hold {listed(absent)}, on which {self.measure} depends"
            yield Problem(self.label, found, "project without 'variables'")

    def _names(self) -> set[str]:
        return {*self.everything.nodes, *self.everything.leaves}

    @functools.cached_property
    def months_by_year(self) -> dict[str, list[np.datetime64]]:
        """Months of each fiscal year that the run has."""
        by_year: dict[str, list[np.datetime64]] = {}
        years = self.result["fiscal_year"].values.astype(str)
        for year, month in zip(years, self.months, strict=True):
            by_year.setdefault(str(year), []).append(month)
        return by_year

    @functools.cached_property
    def labels(self) -> dict[str, list[str] | list[int]]:
        """Practices, and months and years as numbers that can be ordered."""
        return {
            "practice": self.codes,
            "month": self.months.astype(int).tolist(),
            "year": [int(year[:4]) for year in self.months_by_year],
        }

    def values_at(
        self, name: str, places: Mapping[str, np.ndarray], dims: Sequence[str]
    ) -> np.ndarray:
        """Values of an input or a term in the scenario, at some places.

        Parameters
        ----------
        name : str
        places : mapping of str to ndarray
            For each dimension, places along it; where one is -1, there is no value.
        dims : sequence of str
            Dimensions of what is given back: those that the variable lacks are of length 1.
        """
        found = self.variables[name]
        if "scenario" in found.dims:
            found = found.isel(scenario=self.scenarios.index(self.scenario))
        values = found.values.astype(float)
        for axis, dim in enumerate(map(str, found.dims)):
            at = places[dim]
            values = np.take(values, np.maximum(at, 0), axis)
            if (at < 0).any():
                absent = (at < 0).reshape([-1 if n == axis else 1 for n in range(values.ndim)])
                values = np.where(absent, np.nan, values)
        lengths = dict(zip(map(str, found.dims), values.shape, strict=True))
        return values.reshape([lengths.get(dim, 1) for dim in dims])

    def dims_of(self, name: str) -> set[str]:
        """Dimensions of an input or a term in one scenario."""
        return {*map(str, self.variables[name].dims)} - {"scenario"}

    def of_measure(self, years: Iterable[str]) -> xr.DataArray:
        """Amounts of some fiscal years [GBP], by practice or commissioner."""
        return self.amounts.sel(scenario=self.scenario, year=list(years), drop=True)

    def term_behind(self, leaf: str) -> str:
        """Name of the term that a leaf reads."""
        kind = self.everything.leaves[leaf].kind
        if kind == "base term":
            return leaf.removeprefix(BASE)
        return leaf.removesuffix(SUFFIXES.get(kind, ""))

    def dated(self, leaf: str) -> tuple[DatedValue, ...]:
        """The dated values that a term's leaf reads; none of an input."""
        attributes = self.variables[leaf].attrs
        if "dated_values" not in attributes:
            return ()
        by_scenario = dated_values(attributes)
        # What was before the start is recorded once, for all scenarios.
        return tuple(by_scenario.get(self.scenario) or next(iter(by_scenario.values())))

    def own(self, leaf: str) -> dict[str, list[DatedValue]]:
        """The dated values of a term that practices have of their own."""
        return own_values(self.variables[leaf].attrs)

    def term(self, leaf: str) -> Term:
        """The term that a leaf reads, as far as the run records it."""
        found = self.everything.leaves[leaf]
        name, values = self.term_behind(leaf), self.dated(leaf)
        return Term(name, str(found.unit), values, found.title)

    @property
    def streams(self) -> list[str]:
        """What is paid to practices."""
        return list(json.loads(self.result.attrs["streams"]))

    @property
    def name_of(self) -> dict[str, str]:
        """Names of practices, where the run has them."""
        if "practice_name" not in self.result.coords:
            return {}
        names = self.result["practice_name"].values.astype(str).tolist()
        return dict(zip(self.codes, names, strict=True))

    @property
    def span(self) -> str:
        """First and last month of the run, in words."""
        return " to ".join(_month(month) for month in self.months[[0, -1]])

    @property
    def first_month(self) -> str:
        """First month of the run, in words."""
        return _month(self.months[0])


def _month(month: np.datetime64) -> str:
    day: dt.date = month.astype("datetime64[D]").astype(object)
    return f"{day:%B %Y}"
