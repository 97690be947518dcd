"""A contract: which rules it has, which terms and scenarios, and what the names in them mean."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from capitation.engine.binding import bind
from capitation.engine.calendar import CALENDAR, CALENDAR_OF_YEAR
from capitation.engine.graph import Graph, Leaf
from capitation.engine.rule import Rule, Total
from capitation.engine.terms import PracticeTerms, Source, Term
from capitation.engine.units import ONE, Unit
from capitation.practices import FIGURES, FLAGS, PracticeInput

BASE, IN_PAYMENT, YEARLY, PRIOR = "base_", "_in_payment", "_for_the_year", "_before_start"
"""How a rule reads a term otherwise than month by month: as its mean in the base year, as it was
paid, as it stands in the first month of each fiscal year, and as it stood in the month before the
first."""

TOTAL_PAYMENTS = "total_payments"
"""The sum of a contract's streams."""

HISTORY = ("base term", "prior term")
"""Kinds of leaf that are of a time before the first month: the same in every scenario."""


@dataclass(frozen=True)
class Scenario:
    """A named set of changes to the terms of a contract."""

    name: str
    title: str
    terms: dict[str, Term] = field(default_factory=dict)


@dataclass(frozen=True)
class Simulation:
    """What a simulation of a contract is asked for.

    Attributes
    ----------
    outcomes : tuple of str
        Rules whose distribution is wanted; what is so much a month is added up by year.
    earned : str
        Rule of a practice and year: the practice has earned something where it is over 0.
    effect : str
        Term that is the effect hoped for; without the effect, it is 0.
    cost, saving : str
        Rules of a commissioner and year, set against each other where a scheme breaks even.
    """

    outcomes: tuple[str, ...]
    earned: str
    effect: str
    cost: str
    saving: str


@dataclass(frozen=True)
class Model:
    """A contract as read from its file.

    Attributes
    ----------
    name, title, purpose : str
    commissioners : tuple of str
        Codes of the commissioners it is about.
    start : datetime.date
        First month of a projection.
    months : int
        How many months, unless asked otherwise.
    streams : tuple of str
        Rules that are paid to practices; ``total_payments`` is their sum.
    definitions : tuple of Rule or Total
    inputs : dict of str to PracticeInput
    terms : dict of str to Term
        National figures, with the contract's own in their place.
    scenarios : dict of str to Scenario
        In the file's order; the first is the base.
    sources : dict of str to Source
    place : str
        The file's name.
    simulation : Simulation or None
        What to simulate, if the file says it.
    practice_terms : mapping
        Dated values that hold for one practice only, by term and practice.
    """

    name: str
    title: str
    purpose: str
    commissioners: tuple[str, ...]
    start: dt.date
    months: int
    streams: tuple[str, ...]
    definitions: tuple[Rule | Total, ...]
    inputs: dict[str, PracticeInput]
    terms: dict[str, Term]
    scenarios: dict[str, Scenario]
    sources: dict[str, Source]
    place: str
    simulation: Simulation | None = None
    practice_terms: PracticeTerms = field(default_factory=dict)

    def leaf(self, name: str, scenarios: Iterable[str] | None = None) -> Leaf | None:
        """The input, term or calendar fact that a name in a rule stands for, or None."""
        for facts, time in ((CALENDAR, "month"), (CALENDAR_OF_YEAR, "year")):
            if name in facts:
                unit, title = facts[name]
                return Leaf(name, "calendar", Unit.parse(unit), (time,), title)
        found = self.practice_leaf(name)
        return found if found is not None else self.term_leaf(name, scenarios)

    def practice_leaf(self, name: str) -> Leaf | None:
        """The leaf of an input by practice, or None."""
        if name in FLAGS:
            return Leaf(name, "input", ONE, ("practice",), FLAGS[name])
        if name in self.inputs:
            given = self.inputs[name]
            return Leaf(name, "input", Unit.parse(given.unit), ("practice",), given.title)
        figure = name.removeprefix(BASE)
        if figure != name and figure in FIGURES:
            unit, title = FIGURES[figure]
            return Leaf(name, "input", Unit.parse(unit), ("practice",), f"{title}, base year")
        return None

    def term_leaf(self, name: str, scenarios: Iterable[str] | None = None) -> Leaf | None:
        """The leaf of a term by month, of its mean in the base year, or None."""
        term_name = term_behind(name, self.terms)
        if term_name is None:
            return None
        term = self.terms[term_name]
        own = name in self.terms
        base = name.startswith(BASE) and not own
        prior = name.endswith(PRIOR) and not own
        yearly = name.endswith(YEARLY) and not own
        first, *others = (self.term_in(term_name, s) for s in scenarios or self.scenarios)
        differs = any(other is not first and other != first for other in others)
        # What was before the start is history: its terms are those of the model's first scenario.
        several = differs and not base and not prior
        time: tuple[str, ...] = ("month",)
        kind, said = "term", "" if own else ", as in payment"
        if base:
            kind, time, said = "base term", (), ", mean of the base year"
        elif prior:
            kind, time, said = "prior term", (), ", before the start"
        elif yearly:
            kind, time, said = "year term", ("year",), ", for the year"
        is_history = kind in HISTORY
        of_practice = ("practice",) if term_name in self.practice_terms and not is_history else ()
        dims = (*(("scenario",) if several else ()), *of_practice, *time)
        return Leaf(name, kind, Unit.parse(term.unit), dims, term.title + said)

    def term_in(self, name: str, scenario: str) -> Term:
        """A term as it stands in a scenario."""
        return self.scenarios[scenario].terms.get(name, self.terms[name])

    def known_leaves(self) -> set[str]:
        """Names that a rule of this model may use, for suggestions."""
        base = {f"base_{name}" for name in FIGURES}
        return {*CALENDAR, *CALENDAR_OF_YEAR, *FLAGS, *base, *self.inputs, *self.terms}

    def graph(
        self,
        scenarios: Iterable[str] | None = None,
        given: Iterable[str] = (),
    ) -> Graph:
        """The rules bound to their names.

        Parameters
        ----------
        scenarios : iterable of str, optional
            A term has the dimension ``scenario`` if it differs among these.
        given : iterable of str, optional
            Rules whose values are given by practice and month, and so are not run.
        """
        chosen = list(scenarios or self.scenarios)
        replaced = {d.name: d for d in self.definitions if d.name in set(given)}

        def leaf(name: str) -> Leaf | None:
            if name in replaced:
                definition = replaced[name]
                assert isinstance(definition, Rule)
                unit = Unit.parse(definition.unit)
                return Leaf(name, "given", unit, ("practice", "month"), definition.title)
            return self.leaf(name, chosen)

        kept = [d for d in self.definitions if d.name not in replaced]
        return bind(kept, leaf, {*self.known_leaves(), *replaced}, self.streams)


def term_behind(name: str, terms: Mapping[str, Term]) -> str | None:
    """Name of the term that a name in a rule reads.

    It reads the term itself, its mean in the base year, the term as in payment, as it stands at the
    beginning of each fiscal year, or as it stood before the start.

    Examples
    --------
    >>> term_behind("price_in_payment", {"price": None})
    'price'
    """
    if name in terms:
        return name
    candidates = (
        name.removeprefix(BASE),
        *(name.removesuffix(end) for end in (IN_PAYMENT, YEARLY, PRIOR)),
    )
    return next((c for c in candidates if c != name and c in terms), None)
