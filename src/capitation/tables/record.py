"""Tables of what a result rests on: its streams, assumptions, figures and sources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import xarray as xr

from capitation.engine.record import dated_values, own_values
from capitation.engine.terms import DatedValue
from capitation.model import BASE, IN_PAYMENT, PRIOR, YEARLY
from capitation.sensitivities import sensitivity_of
from capitation.tables.facts import Facts
from capitation.tables.table import (
    DATE,
    FIGURE,
    TEXT,
    Cell,
    Column,
    Table,
    without_empty_columns,
)
from capitation.wording import label

_ALL = "all"
_OF_HISTORY = {"base term": "base year", "prior term": "before the start"}
_NOT_SAID = "Some cells are blank: the contract says nothing there."
_EXACT = "A value holds from its date until the next; the last holds on."


def record_tables(facts: Facts) -> Iterator[Table]:
    """Every table of what a result rests on, in the order in which they are read."""
    yield streams_explained(facts)
    yield from sensitivity_table(facts)
    yield assumptions_table(facts)
    yield from inputs_table(facts)
    yield from sources_table(facts)


def streams_explained(facts: Facts) -> Table:
    """What each stream is, and the rule and source behind it."""
    rows = [_explained(facts, name) for name in facts.streams]
    titles = ("Stream", "Name in the rules", "What it is", "Rule", "Source", "Assumption")
    columns, lines = without_empty_columns([Column(title) for title in titles], rows, 3)
    title = "Payment streams: what each is, with its rule and where that comes from"
    return Table("Streams explained", title, columns, lines, blanks=_reason(lines))


def _explained(facts: Facts, name: str) -> tuple[Cell, ...]:
    of = facts.variables[name].attrs
    source = _cited(facts, str(of.get("source", "")))
    said = str(of.get("long_name", "")) or label(name)
    return (label(name), name, said, str(of.get("formula", "")), source, of.get("assumption", ""))


def sensitivity_table(facts: Facts) -> Iterator[Table]:
    """What an amount hangs on, where a sensitivity was run."""
    found = sensitivity_of(str(facts.result.attrs.get("sensitivity", "")))
    if found is None or not found.sizes["term"]:
        return
    of = found.attrs
    unit = "£" if of["units"] == "GBP" else str(of["units"])
    rows = tuple(_moved(found.isel(term=place)) for place in range(found.sizes["term"]))
    columns = (
        Column("Term"),
        Column("Name in the rules"),
        Column("Unit"),
        Column("Low", FIGURE),
        Column("Value", FIGURE),
        Column("High", FIGURE),
        Column(f"Change at low, {unit}", "pounds"),
        Column(f"Change at high, {unit}", "pounds"),
    )
    years = of["year"] or "all years"
    title = f"Sensitivity of {of['measure_title']}, scenario {of['scenario']}, {years}, in {unit}"
    about = ("Each term by itself at its low and at its high, while all others stand.",)
    yield Table("Sensitivity", title, columns, rows, about)


def _moved(of: xr.Dataset) -> tuple[Cell, ...]:
    low, high = (float(value) for value in of["value"].values)
    at_low, at_high = (float(value) for value in of["effect"].values)
    said = (str(of["title"].item()), str(of["term"].item()), str(of["unit"].item()))
    return (*said, low, float(of["value_as_it_stands"]), high, at_low, at_high)


# ------------------------------------------------------------------ assumptions


def assumptions_table(facts: Facts) -> Table:
    """Every dated value of every term that the rules read, with its grounds."""
    titles = (
        ("Term", TEXT),
        ("Name in the rules", TEXT),
        ("Scenario", TEXT),
        ("From", DATE),
        ("Value", FIGURE),
        ("Unit", TEXT),
        ("Low", FIGURE),
        ("High", FIGURE),
        ("Source", TEXT),
        ("Assumption", TEXT),
        ("Note", TEXT),
        ("Owner", TEXT),
        ("Agreed", TEXT),
        ("Signed off", TEXT),
    )
    columns, rows = without_empty_columns(
        [Column(title, kind) for title, kind in titles], _dated(facts), keep=6
    )
    title = "Assumptions: every dated figure that the rules read, with its unit and its grounds"
    about = (_EXACT, "The unit 1 is a plain number, a share or a switch.")
    return Table("Assumptions", title, columns, rows, about, blanks=_reason(rows))


def _reason(rows: tuple[tuple[Cell, ...], ...]) -> str:
    return _NOT_SAID if any(cell is None for row in rows for cell in row) else ""


def _dated(facts: Facts) -> Iterator[tuple[Cell, ...]]:
    """Rows of values: those of a term itself, and of its base year where they are others."""
    seen: set[tuple[str, DatedValue]] = set()
    terms = [(n, found) for n, found in facts.variables.items() if "dated_values" in found.attrs]
    terms.sort(key=lambda term: (_behind(term[0]) != term[0], term[0]))
    for name, found in terms:
        by_scenario = dated_values(found.attrs)
        if "scenario" not in found.dims:
            first = next(iter(by_scenario.values()))
            by_scenario = {_OF_HISTORY.get(found.attrs["kind"], _ALL): first}
        own = own_values(found.attrs)
        by_whom = by_scenario | {f"practice {code}": values for code, values in own.items()}
        for whose, values in by_whom.items():
            new = [value for value in values if (_of(name, whose), value) not in seen]
            for value in new:
                yield _assumed(facts, name, found.attrs, whose, value)
        seen |= {(_of(name, whose), value) for whose, values in by_whom.items() for value in values}


def _of(name: str, whose: str) -> str:
    """What tells a term's own values from those of a practice; its base year is not apart."""
    return f"{_behind(name)} {whose}" if whose.startswith("practice ") else _behind(name)


def _behind(name: str) -> str:
    """The term that a name reads: as due, as it was paid, for the year, or before the start."""
    for suffix in (YEARLY, IN_PAYMENT, PRIOR):
        name = name.removesuffix(suffix)
    return name.removeprefix(BASE)


def _assumed(
    facts: Facts, name: str, of: Mapping[str, Any], whose: str, value: DatedValue
) -> tuple[Cell, ...]:
    issue = f" ({of['issue']})" if of.get("issue") else ""
    return (
        f"{of['long_name']}{issue}",
        name,
        whose,
        value.start,
        value.value,
        str(of["units"]),
        value.low,
        value.high,
        _cited(facts, value.source),
        value.assumption,
        value.note,
        value.owner,
        value.agreed,
        value.signed_off,
    )


def inputs_table(facts: Facts) -> Iterator[Table]:
    """Figures of the practices that rules read: how large they are and where they come from."""
    kinds = ("input", "given")
    found = {name: of for name, of in facts.variables.items() if of.attrs.get("kind") in kinds}
    if not found:
        return
    columns = (
        Column("Figure"),
        Column("Name in the rules"),
        Column("Unit"),
        Column("Smallest", FIGURE),
        Column("Mean", FIGURE),
        Column("Largest", FIGURE),
        Column("Where it comes from"),
    )
    title = "Figures of the practices that the rules read, over all practices"
    about = ("The unit 1 is a plain number, a share or a switch.",)
    rows = tuple(_ranged(facts, name, of) for name, of in found.items())
    yield Table("Inputs", title, columns, rows, about)


def _ranged(facts: Facts, name: str, of: xr.Variable) -> tuple[Cell, ...]:
    said = (str(of.attrs["long_name"]) or name, name, str(of.attrs["units"]))
    figures = (float(of.min()), float(of.mean()), float(of.max()))
    return (*said, *figures, _origin(facts, of.attrs))


def _origin(facts: Facts, of: Mapping[str, Any]) -> str:
    if of.get("kind") == "given":
        return "Given for each practice and month, in place of the rule."
    source = str(of.get("source", ""))
    grounds = [_cited(facts, source), str(of.get("assumption", ""))]
    if source == facts.result.attrs["practices_source"]:
        grounds = [f"The practices' file, {source}" if source else "The practices' data"]
    return ". ".join(filter(None, grounds)) or "The model"


# ------------------------------------------------------------------ sources


def sources_table(facts: Facts) -> Iterator[Table]:
    """Every source that a rule, a term or an input of this result cites."""
    known = facts.sources
    cited = sorted(set(_citations(facts)) & set(known))
    if not cited:
        return
    keys = ("title", "publisher", "date", "where", "note")
    rows = [(id, *(known[id].get(key, "") for key in keys)) for id in cited]
    titles = ("Source", "Title", "Publisher", "Date", "Where", "Note")
    columns, lines = without_empty_columns([Column(title) for title in titles], rows, 2)
    title = "Sources that figures and rules of this result cite"
    yield Table("Sources", title, columns, lines, blanks=_reason(lines))


def _citations(facts: Facts) -> Iterator[str]:
    for found in facts.variables.values():
        yield str(found.attrs.get("source", ""))
        if "dated_values" in found.attrs:
            by_whom = {**dated_values(found.attrs), **own_values(found.attrs)}
            yield from (value.source for values in by_whom.values() for value in values)


def _cited(facts: Facts, id: str) -> str:
    """A source as text: its id, by which the table of sources has it, and its title."""
    title = facts.sources.get(id, {}).get("title", "")
    return f"{id}: {title}" if title else id
