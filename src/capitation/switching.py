"""Switching values: at which value of a term the gap of a contract's first year closes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import xarray as xr

from capitation.affording import A_PENNY, NOT_TESTED, PAID, TESTS, contract_years
from capitation.engine.calendar import MARCH, MONTHS_OF_YEAR, months_from, months_of
from capitation.engine.terms import Term
from capitation.errors import InputError, Problem, nearest, raise_if_any
from capitation.model import HISTORY, TOTAL_PAYMENTS, Model, Scenario, term_behind
from capitation.model_file import load_model
from capitation.practices import check_practices
from capitation.projection import project
from capitation.root_finding import Point, nearest_crossing, values_around

SWITCHED = (
    "savings_promised",
    "savings_promised_share",
    "variation_share_saved",
    "savings_lag",
    "savings_build_up",
    "savings_delivered_share",
    "reprovision_share",
    "taxable_share_of_sub_contracts",
    "double_running_share",
    "setup_cost_of_year",
    "setup_cost_share",
    "allocation_growth",
    "reserves_share",
    "transformation_awarded",
    "transition_share_of_funding",
    "passed_on_share",
    "agreed_price",
    "efficiency",
    "pace_of_change",
    "contract_price",
    "first_year_share_of_price",
    "price_on_top",
)
"""Terms that are tried if none is named: those of them that the model's gap reads."""


def switching_values(
    model: Model | str | Path,
    practices: xr.Dataset,
    terms: Sequence[str] | None = None,
    *,
    test: str = "provider_gap",
    scenario: str | None = None,
    months: int | None = None,
) -> xr.Dataset:
    """For each term, the value at which the gap of the contract's first fiscal year closes.

    Parameters
    ----------
    model : Model, str or Path
        With the rules of affordability.
    practices : xarray.Dataset
        As `project` takes them.
    terms : sequence of str, optional
        Terms to switch, each by itself; the usual ones that the gap reads if left out.
    test : str
        The gap: ``provider_gap``, ``commissioner_gap``, ``commissioner_gap_with_provider`` or
        ``practice_gap``, of which the largest in the run counts.
    scenario : str, optional
        In which the other terms stand; the model's first if left out.
    months : int, optional
        How far from the model's start the first year in which the contract pays its provider is
        looked for; as many as the model has if left out.

    Returns
    -------
    xarray.Dataset
        On ``term``: ``value``, as the first month has it; ``switching_value``, the nearest to it
        that was found at which the gap is closed, and opens again a hair's breadth short of it;
        ``gap_at_switching_value`` [GBP]. Both are not a number where no value within the term's
        bounds was found. ``gap`` [GBP] is what all have as they stand. Where it is closed already,
        the switching value is that at which it opens.

    Raises
    ------
    InputError
        For a term, test or scenario that is not there, a term that the gap does not read, and
        months that do not reach the first March.

    Examples
    --------
    >>> from capitation import example_practices
    >>> found = switching_values("uniting-care", example_practices(), ["contract_price"])
    >>> price = float(found["switching_value"].sel(term="contract_price"))
    >>> f"£{price / 1e6:.0f}m where £726m was agreed"
    '£873m where £726m was agreed'
    """
    if not isinstance(model, Model):
        model = load_model(model)
    check_practices(practices)
    chosen = next(iter(model.scenarios)) if scenario is None else scenario
    months = model.months if months is None else months
    raise_if_any(_unknown(model, test, chosen, months))
    read = _read_by(model, test)
    names = [n for n in SWITCHED if n in read] if terms is None else list(dict.fromkeys(terms))
    raise_if_any(_not_read(model, test, names, read))
    year = _first_year(model, practices, chosen, months)
    gaps = _Gaps(model, practices, chosen, test, year)
    now = gaps.now()
    rows = [gaps.switched(name, now) for name in names]
    values = np.array(rows, dtype=float).reshape(len(names), 3)
    titles = [model.terms[name].title for name in names]
    units = [model.terms[name].unit for name in names]
    return xr.Dataset(
        {
            "value": ("term", values[:, 0], {"long_name": "Value as it stands"}),
            "switching_value": ("term", values[:, 1], {"long_name": "Value that closes the gap"}),
            "gap_at_switching_value": (
                "term",
                values[:, 2],
                {"long_name": "Gap at the switching value", "units": "GBP"},
            ),
            "gap": ((), now, {"long_name": "Gap of the first year", "units": "GBP"}),
        },
        {"term": names, "title": ("term", titles), "unit": ("term", units)},
        {
            "model": model.name,
            "scenario": chosen,
            "test": test,
            "year": year,
        },
    )


def _unknown(model: Model, test: str, scenario: str, months: int) -> Iterator[Problem]:
    tests = [d.name for d in model.definitions if d.name in TESTS]
    if test not in tests:
        mend = nearest(test, tests) if tests else "a model with the rules of affordability"
        yield Problem(model.place, f"it has no test {test!r}", mend)
    if scenario not in model.scenarios:
        found = f"there is no scenario {scenario!r}"
        yield Problem(model.place, found, nearest(scenario, model.scenarios))
    if all(month.month != MARCH for month in months_from(model.start, months)):
        found = f"the first year is not tested: it {NOT_TESTED}, after {months} months"
        yield Problem("months", found, "12, or as many as reach the first March")


def _first_year(model: Model, practices: xr.Dataset, scenario: str, months: int) -> str:
    """The first year in which the contract pays its provider, or else the first that is tested."""
    paid = [d.name for d in model.definitions if d.name == PAID] or [TOTAL_PAYMENTS]
    result = project(model, practices, [scenario], months, variables=paid)
    return str(contract_years(result)["first_year"].item())


def _read_by(model: Model, test: str) -> set[str]:
    """Terms that a gap reads, other than as their mean in the base year."""
    leaves = model.graph().only([test]).leaves
    found = (term_behind(n, model.terms) for n, leaf in leaves.items() if leaf.kind not in HISTORY)
    return {name for name in found if name is not None}


def _not_read(
    model: Model, test: str, names: Iterable[str], read: Iterable[str]
) -> Iterator[Problem]:
    for name in names:
        if name not in model.terms:
            yield Problem(model.place, f"there is no term {name!r}", nearest(name, read))
        elif name not in read:
            found = f"{test} does not read the term {name!r}"
            yield Problem(model.place, found, nearest(name, read))


@dataclass(frozen=True)
class _Gaps:
    """A year's gap with terms held at other values: scenarios, run together."""

    model: Model
    practices: xr.Dataset
    scenario: str
    test: str
    year: str

    def now(self) -> float:
        """The gap as the terms stand."""
        return self._at([{}])[0]

    def at(self, tried: Sequence[dict[str, float]]) -> list[float]:
        """The largest gap of the year, for each set of values.

        Not a number for values that no projection can be made with.
        """
        try:
            return self._at(tried)
        except InputError:
            return [self.at([one])[0] for one in tried] if len(tried) > 1 else [np.nan]

    def _at(self, tried: Sequence[dict[str, float]]) -> list[float]:
        base = self.model.scenarios[self.scenario]
        scenarios = {
            f"tried {number}": Scenario(f"tried {number}", "", base.terms | self._held(values))
            for number, values in enumerate(tried)
        }
        # The first scenario stays first: the base year is its history.
        model = replace(self.model, scenarios=self.model.scenarios | scenarios)
        last = months_of(self.year)[-1]
        start = model.start
        months = (last.year - start.year) * MONTHS_OF_YEAR + last.month - start.month + 1
        result = project(
            model, self.practices, list(scenarios), months, variables=[self.test], compiled=False
        )
        gap = result[self.test].sel(year=self.year, drop=True)
        if "scenario" not in gap.dims:
            return [float(gap.max())] * len(tried)
        return [float(gap.sel(scenario=name).max()) for name in scenarios]

    def _held(self, values: dict[str, float]) -> dict[str, Term]:
        terms = {name: self.model.term_in(name, self.scenario) for name in values}
        return {name: terms[name].held_at(value, "Tried.") for name, value in values.items()}

    def switched(self, name: str, now: float) -> tuple[float, float, float]:
        """The value as it stands, the one at which the gap closes, and the gap there."""
        term = self.model.term_in(name, self.scenario)
        value = term.at(self.model.start)

        def gaps(values: Sequence[float]) -> list[float]:
            return self.at([{name: value} for value in values])

        further = list(values_around(term, value))
        tried = [Point(*point) for point in zip(further, gaps(further), strict=True)]
        found = nearest_crossing(gaps, Point(value, now), tried, A_PENNY)
        return value, *((np.nan, np.nan) if found is None else found.below)
