"""Why two scenarios differ: their difference, split exactly into what was decided apart.

Terms work together: a schedule that starts later costs more where prices are higher. So what one
part is worth depends on which others are in place already. Each part is therefore given its
Shapley value: what it moves, as a mean over all orders in which the parts could be put in place.
That is one figure whatever the order, the parts add up to the difference, and the way back has
every sign turned. For k parts it takes all 2ᵏ mixtures of the two scenarios, which are run as the
scenarios of one projection.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import wrap

import numpy as np
import xarray as xr

from capitation.appraisal import LATEST_ISSUE, VALUED, value_of
from capitation.bridge_table import (
    ATTRIBUTION,
    HALF_A_PENNY,
    MOST_WIDE,
    column_of_pence,
    text_of_table,
)
from capitation.by_year import adds_up, amounts_by_year, not_pounds
from capitation.differences import (
    LIST,
    PARTS,
    PRICE,
    SCHEDULE,
    TIMING,
    changes_between,
    in_order,
    mixtures_of,
    still_running,
)
from capitation.draws import with_outcomes
from capitation.engine.graph import Graph
from capitation.engine.terms import Term
from capitation.errors import InputError, Problem, nearest, raise_if_any
from capitation.model import Model, term_behind
from capitation.model_file import load_model
from capitation.projection import project
from capitation.shapley import shapley_values

IN_WORDS = {
    TIMING: "Timing: dates, delay, pauses",
    SCHEDULE: "Schedule: its steps",
    PRICE: "Prices",
    LIST: "Lists",
}

MOST_PARTS = 10
"""Parts that may differ: a thousand mixtures."""


@dataclass(frozen=True)
class Bridge:
    """The difference of an amount between two scenarios, and its parts.

    Attributes
    ----------
    title : str
        What the amount is.
    before, after : str
        Names of the scenarios.
    parts : xarray.Dataset
        ``nominal``, ``real`` and ``present_value`` [GBP] on ``part``, ``commissioner_code`` and
        ``year``. ``part`` has the coordinate ``terms``: those that differ.
    ends : xarray.Dataset
        The amount itself, the same three on ``scenario`` (before and after), ``commissioner_code``
        and ``year``. After less before is the sum of the parts.
    notes : tuple of str
        Schedules that are not at their end when the run is over.
    """

    title: str
    before: str
    after: str
    parts: xr.Dataset
    ends: xr.Dataset
    notes: tuple[str, ...] = ()

    @property
    def difference(self) -> xr.Dataset:
        """After less before, as run, in pounds."""
        first, last = (self.ends.isel(scenario=end, drop=True) for end in (0, 1))
        return last - first

    @property
    def nothing_differs(self) -> bool:
        """Whether no part of any year comes to a penny."""
        moved = (self.difference["nominal"], self.parts["nominal"])
        return all(bool((abs(amounts) < HALF_A_PENNY).all()) for amounts in moved)

    def footnotes(self) -> list[str]:
        """At which prices and which rate amounts are valued, and the notes, in lines of text."""
        attributes = self.parts.attrs
        rate = f"{attributes['discount_rate'] * 100:g}%"
        basis = (
            f"Prices: {attributes['issue']}. Discounted from {attributes['discount_from']} "
            f"(year 0) at {rate} a year, real."
        )
        return [basis, *(line for note in self.notes for line in wrap(note, MOST_WIDE))]

    def rows(self) -> list[tuple[str, tuple[int, ...]]]:
        """Rows of a table in whole pence that add up: before, every part, after.

        Returns
        -------
        list of (str, tuple of int)
            Words, and pence: nominal, real and present value, all commissioners and years together.
            Each is rounded; the pennies by which rounded parts miss the difference are put to the
            largest of them.
        """
        columns = [self._column(name) for name in VALUED]
        words = [self.before, *self._words(), self.after]
        return list(zip(words, zip(*columns, strict=True), strict=True))

    def _column(self, name: str) -> list[int]:
        ends = self.ends[name].sum(("commissioner_code", "year")).values.tolist()
        parts = self.parts[name].sum(("commissioner_code", "year")).values.tolist()
        return column_of_pence(ends[0], parts, ends[1])

    def _words(self) -> Iterator[str]:
        for part, terms in zip(self.parts["part"].values, self.parts["terms"].values, strict=True):
            words = IN_WORDS.get(str(part))
            yield f"{words} ({terms})" if words and terms else words or str(part)

    def __str__(self) -> str:
        at_prices = f"at {self.parts.attrs['price_year']} prices"
        heading = (self.title.rstrip("."), "nominal", at_prices, "present value")
        table = text_of_table(heading, self.rows())
        return "\n".join([table, "", ATTRIBUTION, *self.footnotes()])


def bridge(
    model: Model | str | Path,
    practices: xr.Dataset,
    before: str,
    after: str,
    measure: str = "total_payments",
    *,
    months: int | None = None,
    start: dt.date | str | None = None,
    given: Mapping[str, xr.DataArray] | None = None,
    price_year: str | None = None,
    issue: str | Term = LATEST_ISSUE,
    discount_from: str | None = None,
    rate: Term | None = None,
) -> Bridge:
    """Split the difference of an amount between two scenarios into what makes it.

    Parameters
    ----------
    model : Model, str or Path
    practices : xarray.Dataset
        As `project` takes them.
    before, after : str
        Names of two scenarios of the model.
    measure : str
        Rule or total of a practice or a commissioner, [GBP/month] by month or [GBP/year] by year;
        all payments to practices if left out.
    months, start, given
        As `project` takes them.
    price_year, issue, discount_from, rate
        As `appraise` takes them.

    Returns
    -------
    Bridge
        Parts ``timing`` (start, delay and pauses of schedules, and dates of terms that are 0 or 1),
        ``schedule`` (steps of schedules), ``price`` (terms in pounds, and others that move prices),
        ``list`` (terms that move lists), and every other term that differs by its name. A part that
        does not differ is exactly 0. Parts add up to the difference to far less than a penny: what
        is left is the rounding of floating point.

    Raises
    ------
    InputError
        For an unknown scenario or measure, a measure that does not add up to pounds, more than ten
        parts that differ, and what `project` or `appraise` refuse.

    Notes
    -----
    Mixtures are of the figures alone. The base year is history: its terms are those of the model's
    first scenario, in every mixture, as they are in both scenarios.

    A schedule that starts later also ends later: where a run is over before both have come to
    their last step, part of what looks like delay falls after the run and is in no figure. The
    bridge's ``notes`` then say so.

    Source
    ------
    L. S. Shapley, A value for n-person games, 1953: the one split that adds up, treats parts
    alike, and gives nothing to a part that moves nothing.

    Examples
    --------
    >>> from capitation import example_practices
    >>> split = bridge("thames-valley-pms", example_practices(), "april-2015", "april-2016",
    ...     "premium_withdrawn")
    >>> split.parts["nominal"].sum(("commissioner_code", "year")).values.round(2).tolist()[1:]
    [0.0, 0.0, 0.0]
    """
    if not isinstance(model, Model):
        model = load_model(model)
    given = given or {}
    graph, title = _checked(model, (before, after), measure, given)
    read = {
        term_behind(name, model.terms)
        for name, leaf in graph.only([measure]).leaves.items()
        if "scenario" in leaf.dims
    }
    changes = list(changes_between(model, before, after))
    moving = [change for change in changes if change.term in read]
    parts = in_order({change.part for change in moving})
    if len(parts) > MOST_PARTS:
        found = f"{len(parts)} parts differ: {', '.join(parts)}"
        mend = f"at most {MOST_PARTS}: take a scenario between the two, and two bridges"
        raise InputError(Problem(model.place, found, mend))
    mixtures = mixtures_of(model, (before, after), moving, parts)
    whole, outcomes = with_outcomes(model, [measure], given)
    # The model's first scenario stays the first: base-year terms are read from it.
    mixed = replace(whole, scenarios={**whole.scenarios, **mixtures})
    variable = outcomes[measure].by_commissioner
    result = project(
        mixed, practices, list(mixtures), months, start=start, given=given, variables=[variable]
    )
    amounts = amounts_by_year(result, variable).assign_attrs(long_name=title)
    shown = in_order({*PARTS, *(change.part for change in changes)})
    shares = _shares(amounts, parts, shown)
    ends = amounts.isel(scenario=[0, -1]).assign_coords(scenario=[before, after])

    def valued(array: xr.DataArray) -> xr.Dataset:
        return value_of(
            array, price_year=price_year, issue=issue, discount_from=discount_from, rate=rate
        )

    terms = [
        ", ".join(sorted({change.term for change in changes if change.part == part}))
        for part in shown
    ]
    of_parts = valued(shares).assign_coords(terms=("part", terms))
    last = dt.date.fromisoformat(str(result["month"].values[-1])[:10])
    notes = tuple(still_running(model, before, after, last))
    return Bridge(title, before, after, of_parts, valued(ends), notes)


def _shares(amounts: xr.DataArray, parts: Sequence[str], shown: Sequence[str]) -> xr.DataArray:
    """What each part moves, with nothing for those that do not differ."""
    shares = np.zeros((len(shown), *amounts.shape[1:]))
    for part, worth in zip(parts, shapley_values(amounts.values), strict=True):
        shares[shown.index(part)] = worth
    labels = {dim: amounts[dim].values for dim in ("commissioner_code", "year")}
    return xr.DataArray(
        shares, {"part": list(shown), **labels}, ("part", *labels), attrs=amounts.attrs
    )


def _checked(
    model: Model, scenarios: tuple[str, str], measure: str, given: Mapping[str, xr.DataArray]
) -> tuple[Graph, str]:
    """The rules as they stand in two scenarios, and what the measure is in words."""
    raise_if_any(
        Problem(model.place, f"there is no scenario {name!r}", nearest(name, model.scenarios))
        for name in scenarios
        if name not in model.scenarios
    )
    graph = model.graph(scenarios, given)
    if measure not in graph.nodes:
        found = f"{measure!r} is no rule of the model"
        raise InputError(Problem("measure", found, nearest(measure, graph.nodes)))
    node = graph.nodes[measure]
    if not adds_up(node.unit, node.dims):
        raise InputError(not_pounds(measure, str(node.unit)))
    return graph, node.title
