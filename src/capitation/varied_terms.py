"""One amount of a contract, worked out again with a term at other values.

The values that are tried stand in scenarios of one projection. Only a term that rules also read as
it was before the first month, and that has one figure for all time, is run by itself: the base year
is the same in every scenario.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from capitation.engine.calendar import fiscal_year, months_after, months_from
from capitation.engine.graph import Graph, Node, time_of
from capitation.engine.terms import DatedValue, Term, format_number
from capitation.engine.units import Unit
from capitation.errors import Problem, nearest
from capitation.model import HISTORY, Model, Scenario, term_behind
from capitation.projection import project
from capitation.what_if import with_terms

SIDES = ("low", "high")

AT_ITS = {"low": "At its low.", "high": "At its high."}


def side_of(dated: DatedValue, side: str) -> float:
    """A dated value's own low or high, or the value where it has none."""
    own = dated.low if side == "low" else dated.high
    return dated.value if own is None else own


def _moved(dated: DatedValue, side: str) -> DatedValue:
    number = side_of(dated, side)
    said = f"{AT_ITS[side]} {dated.assumption}".strip()
    return replace(dated, value=number, written=format_number(number), assumption=said)


@dataclass(frozen=True)
class Measure:
    """A measure of a contract, added up over practices, in one scenario.

    Attributes
    ----------
    model : Model
    practices : xarray.Dataset
    name : str
        A rule or total that adds up over months or years: so much a month by month, or so much a
        year by year.
    scenario : str
        In which every other term stands.
    months : int
    given : mapping of str to DataArray
    """

    model: Model
    practices: xr.Dataset
    name: str
    scenario: str
    months: int
    given: Mapping[str, xr.DataArray]

    @property
    def years(self) -> list[str]:
        """The fiscal years of the run."""
        months = months_from(self.model.start, self.months)
        return list(dict.fromkeys(fiscal_year(month) for month in months))

    @functools.cached_property
    def _graph(self) -> Graph:
        return self.model.graph([self.scenario], self.given).only([self.name])

    @property
    def title(self) -> str:
        """The measure in words."""
        return self._graph[self.name].title.rstrip(".")

    @property
    def unit(self) -> str:
        """The unit of what the measure adds up to."""
        node = self._graph[self.name]
        return str(node.unit * Unit.parse(time_of(node.dims)))

    @functools.cached_property
    def reads(self) -> dict[str, set[str]]:
        """Terms that the measure reads, each with the kinds of leaf by which it does."""
        found: dict[str, set[str]] = {}
        for name, leaf in self._graph.leaves.items():
            term = term_behind(name, self.model.terms)
            if term is not None and leaf.kind != "given":
                found.setdefault(term, set()).add(leaf.kind)
        return found

    @functools.cached_property
    def _set(self) -> Mapping[str, Term]:
        """The terms that the measure reads, as `with_terms` sets them."""
        last = {name: self.model.terms[name].values[-1].value for name in self.reads}
        return with_terms(self.model, last).terms

    def since(self, name: str) -> dt.date:
        """From when on `with_terms` sets a term: what is before is history, and stays."""
        return self._set[name].values[-1].start

    def held(self, name: str, value: float) -> Term:
        """A term that the measure reads held at one value, as `with_terms` sets it."""
        term = self._set[name]
        *before, last = term.values
        last = replace(last, value=value, written=format_number(value))
        return replace(term, values=(*before, last))

    def ranged(self, name: str) -> list[DatedValue]:
        """Dated values of a term that have a low or a high, of those that hold in the run.

        Those that are history, which `with_terms` leaves as they are, are not among them.
        """
        term = self.model.term_in(name, self.scenario)
        since, last = self.since(name), months_after(self.model.start, self.months - 1)
        ends = [*(dated.start for dated in term.values[1:]), dt.date.max]
        return [
            dated
            for dated, end in zip(term.values, ends, strict=True)
            if dated.start <= last and end > since
            if any(side_of(dated, side) != dated.value for side in SIDES)
        ]

    def at_its(self, side: str, name: str) -> Term:
        """A term with each dated value at its own low, or high, from where `with_terms` sets it.

        Parameters
        ----------
        side : str
            ``low`` or ``high``.
        name : str
            Of a term that the measure reads.

        Returns
        -------
        Term
            Dated values without a range stay as they are. What was before the start is history,
            and stays too, where `with_terms` keeps it.
        """
        term, since = self.model.term_in(name, self.scenario), self.since(name)
        ranged = self.ranged(name)
        values: list[DatedValue] = []
        for dated in term.values:
            if dated not in ranged or side_of(dated, side) == dated.value:
                values.append(dated)
            elif dated.start >= since:
                values.append(_moved(dated, side))
            else:
                # In force at the start. What was earned before and paid after is not paid again.
                before = replace(dated, paid_from=None, until_paid=None)
                values += [before, replace(_moved(before, side), start=since)]
        return replace(term, values=tuple(values), schedule=None)

    def amounts(self, tried: Sequence[Term | None]) -> np.ndarray:
        """Amounts by year with one term after the other in place of the contract's own.

        Parameters
        ----------
        tried : sequence of Term or None
            None leaves all as it stands.

        Returns
        -------
        numpy.ndarray
            On what was tried, and fiscal year.
        """
        amounts = np.empty((len(tried), len(self.years)))
        together: list[int] = []
        for number, term in enumerate(tried):
            if term is not None and self._moves_history(term.name):
                amounts[number] = self._run(self._with_history(term), [self.scenario])[0]
            else:
                together.append(number)
        if together:
            base = self.model.scenarios[self.scenario].terms
            scenarios = {
                f"tried {n}": Scenario(f"tried {n}", "", base | _own(tried[n])) for n in together
            }
            # The first scenario stays first: the base year is its history.
            model = replace(self.model, scenarios=self.model.scenarios | scenarios)
            amounts[together] = self._run(model, list(scenarios))
        return amounts

    def _moves_history(self, name: str) -> bool:
        """Whether setting a term moves what rules read of it as it was before the start."""
        read = bool(self.reads.get(name, set()) & {*HISTORY})
        return read and self.since(name) < self.model.start

    def _with_history(self, term: Term) -> Model:
        """The contract with a term in the first scenario too, whose history is that of all."""
        scenarios = self.model.scenarios
        changed = {
            name: replace(scenarios[name], terms=scenarios[name].terms | {term.name: term})
            for name in dict.fromkeys((next(iter(scenarios)), self.scenario))
        }
        return replace(self.model, scenarios=scenarios | changed)

    def _run(self, model: Model, scenarios: list[str]) -> np.ndarray:
        result = project(
            model,
            self.practices,
            scenarios,
            self.months,
            given=self.given,
            variables=[self.name],
        )
        return sums_by_year(result, self.name)


def _own(term: Term | None) -> dict[str, Term]:
    return {} if term is None else {term.name: term}


def sums_by_year(result: xr.Dataset, name: str) -> np.ndarray:
    """A measure by scenario and fiscal year, added up over months, practices and commissioners.

    Parameters
    ----------
    result : xarray.Dataset
        From `project`.
    name : str
        A measure that adds up: see `measure_problems`.

    Returns
    -------
    numpy.ndarray
        On scenario and year; what does not depend on the scenario is the same in each.
    """
    found = result[name]
    time = "month" if "month" in found.dims else "year"
    area = [dim for dim in found.dims if dim not in ("scenario", time)]
    summed = found.sum(area)
    if "scenario" not in summed.dims:
        summed = summed.expand_dims(scenario=result.sizes["scenario"])
    amounts = summed.transpose("scenario", time).values
    if time == "year":
        return amounts
    of_month = result["fiscal_year"].values
    years = result["year"].values
    return np.stack([amounts[:, of_month == year].sum(axis=1) for year in years], axis=1)


def measure_problems(
    model: Model, measure: str, scenario: str | None, months: int | None, given: Iterable[str]
) -> Iterator[Problem]:
    """What is wrong with a measure, a scenario and months that are asked for.

    Parameters
    ----------
    model : Model
    measure, scenario : str
        The scenario is the model's first if it is None.
    months : int or None
    given : iterable of str
        Names of rules whose values are given.

    Yields
    ------
    Problem
    """
    if scenario is not None and scenario not in model.scenarios:
        found = f"there is no scenario {scenario!r}"
        yield Problem(model.place, found, nearest(scenario, model.scenarios))
    if months is not None and (type(months) is not int or months < 1):
        yield Problem("months", f"found {months!r}", "a whole number, at least 1")
    graph = model.graph(given=given)
    node = graph.nodes.get(measure)
    if node is None:
        mend = nearest(measure, (n for n, node in graph.nodes.items() if adds_up(node)))
        yield Problem("measure", f"{measure!r} is no rule of the model", mend)
    elif not adds_up(node):
        found = f"{measure} [{node.unit}] does not add up over months or years"
        mend = "name what is so much a month by month, or so much a year by year"
        yield Problem("measure", found, mend)


def term_problem(of: Measure, name: str) -> Problem | None:
    """What is wrong with a term that is to be moved: it is not there, or the measure ignores it.

    Parameters
    ----------
    of : Measure
    name : str

    Returns
    -------
    Problem or None
    """
    if name not in of.model.terms:
        return Problem(of.model.place, f"there is no term {name!r}", nearest(name, of.reads))
    if name not in of.reads:
        found = f"{of.name} does not read the term {name!r}, so that it moves nothing"
        return Problem(of.model.place, found, nearest(name, of.reads))
    return None


def year_problems(of: Measure, year: str | None) -> Iterator[Problem]:
    """What is wrong with a fiscal year that is asked for.

    Parameters
    ----------
    of : Measure
    year : str or None

    Yields
    ------
    Problem
    """
    if year is not None and year not in of.years:
        yield Problem("year", f"{year!r} is not in the run", f"one of {', '.join(of.years)}")


def ground_of(dated: DatedValue, model: Model) -> str:
    """What stands behind a value, in words: its assumption, its source and its note.

    Parameters
    ----------
    dated : DatedValue
    model : Model
        Whose sources are cited.

    Returns
    -------
    str
    """
    source = model.sources.get(dated.source)
    title = source.title if source else dated.source
    said = (dated.assumption, f"Source: {title}." if title else "", dated.note)
    return " ".join(words for words in said if words)


def adds_up(node: Node) -> bool:
    """Whether a rule's figures add up over practices and a fiscal year."""
    time = time_of(node.dims)
    return bool(time) and node.unit.powers.get(time) == -1 and node.unit.adds_up
