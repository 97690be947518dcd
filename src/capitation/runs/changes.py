"""What two runs differ in, each with the part of their difference to which it belongs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from capitation.bridge_table import pounds_of, whole_pence
from capitation.differences import LIST, PARTS, PATIENTS, PRICE, TIMING, in_order, part_of_term
from capitation.engine.calendar import in_words
from capitation.engine.graph import DIMENSIONS, Leaf
from capitation.engine.rule import Rule, Total
from capitation.engine.terms import DatedValue
from capitation.model import BASE
from capitation.practices import FIGURES as FIGURES_OF_FILE
from capitation.runs.mixtures import MONTHS, PRACTICES, RULES, Part
from capitation.runs.side import Side

LISTS, FIGURES = "practice_lists", "practice_figures"
"""Parts that practices' own figures make."""

OTHERS = "other_terms"
"""The part of all terms that are none of the usual ones, where there are many."""

BOTH_OF_ONE_PIECE = "practices_and_rules"
"""Practices and rules together, where rules need figures that the other run's practices lack."""

JOINED, LEFT, MOVED, IN_BOTH = "joined", "left", "moved", "in both"
"""What became of a practice: moved is from one commissioner to another."""

FIRST_PARTS = (PRACTICES, LISTS, FIGURES, MONTHS, RULES, BOTH_OF_ONE_PIECE)

MOST_PARTS = 8
"""Parts that are told apart: 256 mixtures."""

OF_MONTHS = "as of the run's months"

MOST_DATES = 3
"""Dates of a term that are told."""

IN_WORDS = {
    PRACTICES: "Practices that joined, left or moved",
    LISTS: "Practices' lists",
    FIGURES: "Practices' other figures",
    MONTHS: "First month of the run",
    RULES: "Rules",
    BOTH_OF_ONE_PIECE: "Practices and rules together",
    TIMING: "Timing of terms",
    PRICE: "Prices",
    LIST: "Terms that move lists",
    OTHERS: "Other terms",
}


@dataclass(frozen=True)
class RunChange:
    """One thing that two runs differ in.

    Attributes
    ----------
    part : str
        The part of the difference to which it belongs; empty if it moves nothing that is compared.
    name, title : str
        Of the term, the figure of practices, or the rule.
    unit : str
        Its unit; empty of a rule.
    before, after : str
        As it stands in either run: dated values, sums or means of practices, or a rule's formula.
    practices : int
        Of how many practices it differs; 0 if it is no figure of practices.
    kind : {"figure", "term", "calendar", "rules"}
        A figure of practices, a term, a fact of the calendar, or a rule.
    """

    part: str
    name: str
    title: str
    unit: str
    before: str
    after: str
    practices: int = 0
    kind: str = "term"


@dataclass(frozen=True)
class Moved:
    """A change, and the inputs and terms in the rules that it moves."""

    change: RunChange
    leaves: frozenset[str] = frozenset()


def changes_of_leaves(before: Side, after: Side, years: Sequence[str]) -> Iterator[Moved]:
    """Inputs and terms that differ where both runs have them.

    Parameters
    ----------
    before, after : Side
    years : sequence of str
        Fiscal years that are compared.

    Yields
    ------
    Moved
        In the order of the rules that read them. Those that the measure does not depend on, or
        that differ in other months only, have no part.
    """
    shared = shared_by(before, after, years)
    terms: dict[str, list[str]] = {}
    for name, leaf in before.everything.leaves.items():
        other = after.everything.leaves.get(name)
        if other is None or other.unit != leaf.unit:
            continue
        if "term" in leaf.kind and "term" in other.kind:
            terms.setdefault(before.term_behind(name), []).append(name)
            continue
        pair = shared.values(before, after, name)
        if np.array_equal(pair[0].values, pair[1].values):
            continue
        if leaf.kind != "calendar":
            part = LISTS if leaf.unit == PATIENTS else FIGURES
            change = _change_of_figure(leaf, *pair, shared.codes)
        else:
            part = MONTHS
            change = RunChange(part, name, leaf.title, "", OF_MONTHS, OF_MONTHS, kind="calendar")
        read = _is_read(before, after, name)
        yield Moved(replace(change, part=part if read else ""), frozenset([name] if read else ()))
    for names in terms.values():
        yield from _change_of_term(before, after, names, shared)


def _is_read(before: Side, after: Side, name: str) -> bool:
    return name in before.graph.leaves or name in after.graph.leaves


@dataclass(frozen=True)
class Shared:
    """The practices, months and years that both runs have, until the last that is compared."""

    codes: tuple[str, ...]
    places: tuple[dict[str, np.ndarray], dict[str, np.ndarray]]

    def values(self, before: Side, after: Side, name: str) -> tuple[xr.DataArray, xr.DataArray]:
        """A variable in both runs, on the dimensions that it has in either."""
        named = before.dims_of(name) | after.dims_of(name)
        dims = [dim for dim in DIMENSIONS if dim in named]
        first, second = np.broadcast_arrays(
            before.values_at(name, self.places[0], dims),
            after.values_at(name, self.places[1], dims),
        )
        return xr.DataArray(first, dims=dims), xr.DataArray(second, dims=dims)


def shared_by(before: Side, after: Side, years: Sequence[str]) -> Shared:
    """What both runs have, until the last of the years that are compared."""
    last = {
        "month": int(before.months_by_year[years[-1]][-1].astype(int)),
        "year": int(years[-1][:4]),
    }
    places: tuple[dict[str, np.ndarray], dict[str, np.ndarray]] = ({}, {})
    for dim in ("practice", *last):
        of_both = set(after.labels[dim])
        labels = [
            label
            for label in before.labels[dim]
            if label in of_both and (isinstance(label, str) or label <= last[dim])
        ]
        for side, found in zip((before, after), places, strict=True):
            place = {label: number for number, label in enumerate(side.labels[dim])}
            found[dim] = np.array([place[label] for label in labels], dtype=int)
    codes = tuple(before.codes[at] for at in places[0]["practice"])
    return Shared(codes, places)


def _change_of_figure(
    leaf: Leaf, first: xr.DataArray, second: xr.DataArray, codes: Sequence[str]
) -> RunChange:
    """How practices' figures differ: of one practice its own, of several their sum or mean."""
    unit = str(leaf.unit)
    differ = first != second
    by_practice = differ.any([dim for dim in differ.dims if dim != "practice"])
    rows = np.flatnonzero(by_practice.values)
    shown = []
    for values in (first, second):
        of_time = values.mean([dim for dim in values.dims if dim != "practice"]).values
        if len(rows) == 1:
            shown.append(f"{_written(float(of_time[rows[0]]), unit)} ({codes[rows[0]]})")
        elif leaf.unit.adds_up:
            shown.append(f"{_written(float(of_time.sum()), unit)} in all")
        else:
            shown.append(f"{_written(float(of_time.mean()), unit)} on average")
    figure = leaf.name.removeprefix(BASE)
    name = figure if figure in FIGURES_OF_FILE else leaf.name
    return RunChange("", name, leaf.title, unit, shown[0], shown[1], len(rows), "figure")


def _written(value: float, unit: str) -> str:
    if unit in ("GBP", "GBP/month", "GBP/year"):
        return pounds_of(whole_pence(value))
    return f"{value:,.8g}"


def _change_of_term(
    before: Side, after: Side, names: Sequence[str], shared: Shared
) -> Iterator[Moved]:
    """How a term differs, told once in whatever ways rules read it."""
    moving = []
    for name in (n for n in names if _is_read(before, after, n)):
        first, second = shared.values(before, after, name)
        if not np.array_equal(first.values, second.values):
            moving.append(name)
    told = moving[0] if moving else names[0]
    pair = before.term(told), after.term(told)
    own = [side.own(told) for side in (before, after)]
    codes = sorted({code for of in own for code in of if own[0].get(code) != own[1].get(code)})
    texts = in_force(pair[0].values, pair[1].values)
    if not any(texts) and codes:
        code = codes[0]
        first_own, second_own = (_own_in_words(of.get(code, ())) for of in own)
        texts = (f"{code}: {first_own}", f"{code}: {second_own}")
    if not any(texts) and moving:
        means = [float(each.mean()) for each in shared.values(before, after, told)]
        texts = (f"{means[0]:,.8g} on average", f"{means[1]:,.8g} on average")
    if any(texts):
        part = part_of_term(*pair) if moving else ""
        title, unit = pair[0].title, pair[0].unit
        change = RunChange(part, pair[0].name, title, unit, texts[0], texts[1], len(codes))
        yield Moved(change, frozenset(moving))


def in_force(first: Sequence[DatedValue], second: Sequence[DatedValue]) -> tuple[str, str]:
    """What holds before and after from each date from which they differ.

    Examples
    --------
    >>> import datetime as dt
    >>> old = [DatedValue(dt.date(2013, 4, 1), 0.5, "1/2")]
    >>> in_force(old, [*old, DatedValue(dt.date(2016, 4, 1), 0.6, "0.6")])
    ('1/2 from 1 April 2016', '0.6 from 1 April 2016')
    """
    days = sorted({value.start for values in (first, second) for value in values})
    told = []
    for day in days:
        pair = [_at(values, day) for values in (first, second)]
        figures = [value.value if value else None for value in pair]
        if figures[0] != figures[1]:
            written = [value.written if value else "none" for value in pair]
            told.append([f"{figure} from {in_words(day)}" for figure in written])
    more = [" …"] * 2 if len(told) > MOST_DATES else [""] * 2
    shown = zip(*told[:MOST_DATES], strict=True)
    before, after = ("; ".join(side) for side in shown) if told else ("", "")
    return (before + more[0], after + more[1]) if told else ("", "")


def _at(values: Sequence[DatedValue], day: dt.date) -> DatedValue | None:
    return next((value for value in reversed(values) if value.start <= day), None)


def _own_in_words(values: Iterable[DatedValue]) -> str:
    dated = [f"{value.written} from {in_words(value.start)}" for value in values]
    return "; ".join(dated) or "as for all"


# Rules ------------------------------------------------------------------------------------------


def changes_of_rules(before: Side, after: Side) -> Iterator[RunChange]:
    """Rules and totals, of those behind the measure, that do not say the same.

    Parameters
    ----------
    before, after : Side

    Yields
    ------
    RunChange
        With the formulas. A rule that stands in one run alone is none in the other.
    """
    nodes = [side.graph.nodes for side in (before, after)]
    for name in dict.fromkeys([*nodes[0], *nodes[1]]):
        definitions = [of[name].definition if name in of else None for of in nodes]
        if not _say_the_same(*definitions):
            title = next(of[name].title for of in nodes if name in of)
            first, second = map(_formula, definitions)
            yield RunChange(RULES, name, title, "", first, second, kind=RULES)


def _say_the_same(first: Rule | Total | None, second: Rule | Total | None) -> bool:
    if isinstance(first, Rule) and isinstance(second, Rule) and first.text == second.text:
        return (first.constants, first.first) == (second.constants, second.first)
    return _said(first) == _said(second)


def _said(definition: Rule | Total | None) -> object:
    """All of a rule that says what it comes to."""
    if isinstance(definition, Rule):
        constants = {name: float(value) for name, value in definition.constants.items()}
        return definition.formula, definition.parameters, definition.first, constants
    return definition and (definition.of, definition.over, definition.first)


def _formula(definition: Rule | Total | None) -> str:
    if isinstance(definition, Total):
        return f"sum of {definition.of} over {definition.over}"
    return definition.formula if definition else "none"


# Parts ------------------------------------------------------------------------------------------


def parts_between(before: Side, after: Side, moved: Iterable[Moved], *, rules: bool) -> list[Part]:
    """Parts that are told apart, those of one piece first.

    Parameters
    ----------
    before, after : Side
    moved : iterable of Moved
        What differs in inputs and terms.
    rules : bool
        Whether rules differ.

    Returns
    -------
    list of Part
        At most `MOST_PARTS`: where there are more, terms that are none of the usual ones are one
        part, and so are practices' lists and other figures.
    """
    leaves: dict[str, frozenset[str]] = {}
    for each in moved:
        if each.change.part:
            leaves[each.change.part] = leaves.get(each.change.part, frozenset()) | each.leaves
    switches = {
        PRACTICES: before.area_of != after.area_of,
        MONTHS: before.months[0] != after.months[0],
        RULES: rules,
    }
    found = {name: Part(name, frozenset([name])) for name, differs in switches.items() if differs}
    if {PRACTICES, RULES} <= {*found} and _rules_need_practices(before, after):
        del found[PRACTICES], found[RULES]
        found[BOTH_OF_ONE_PIECE] = Part(BOTH_OF_ONE_PIECE, frozenset([PRACTICES, RULES]))
    for name, names in leaves.items():
        known = found.get(name, Part(name))
        found[name] = replace(known, leaves=names)
    others = [name for name in found if name not in (*FIRST_PARTS, *PARTS)]
    if len(found) > MOST_PARTS and len(others) > 1:
        found = _joined(found, others, OTHERS)
    if len(found) > MOST_PARTS and {LISTS, FIGURES} <= {*found}:
        found = _joined(found, (LISTS, FIGURES), FIGURES)
    first = [name for name in FIRST_PARTS if name in found]
    return [found[name] for name in [*first, *in_order(set(found) - set(first))]]


def changes_in_parts(moved: Iterable[Moved], parts: Iterable[Part]) -> Iterator[RunChange]:
    """Changes, each with the part in which it ended up."""
    home = {leaf: part.name for part in parts for leaf in part.leaves}
    for each in moved:
        homes = {home[leaf] for leaf in each.leaves if leaf in home}
        yield replace(each.change, part=homes.pop() if homes else "")


def became_of(before: Side, after: Side) -> dict[str, list[str]]:
    """Practices that joined, left, or moved from one commissioner to another."""
    both = [code for code in before.codes if code in after.area_of]
    return {
        JOINED: [code for code in after.codes if code not in before.area_of],
        LEFT: [code for code in before.codes if code not in after.area_of],
        MOVED: [code for code in both if before.area_of[code] != after.area_of[code]],
    }


def _joined(parts: Mapping[str, Part], names: Iterable[str], name: str) -> dict[str, Part]:
    """Parts with some of them as one."""
    gone = [*names]
    leaves = frozenset(leaf for each in gone for leaf in parts[each].leaves)
    return {n: p for n, p in parts.items() if n not in gone} | {name: Part(name, leaves=leaves)}


def _rules_need_practices(before: Side, after: Side) -> bool:
    """Whether rules of one run need figures that the other's practices do not all have."""
    for side, other in ((before, after), (after, before)):
        for name, leaf in side.graph.leaves.items():
            found = other.everything.leaves.get(name)
            one_sided = found is None or found.unit != leaf.unit
            if one_sided and "practice" in leaf.dims:
                return True
    return False
