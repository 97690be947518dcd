"""Rules, terms and inputs as attributes of a result, so that a result explains itself next year.

Everything is kept as plain text, which survives any file format that xarray can write.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Protocol

from capitation.engine.distribution import Distribution
from capitation.engine.graph import Graph, Leaf, Node
from capitation.engine.language import Constant
from capitation.engine.rule import Rule, Total
from capitation.engine.terms import DatedValue, Term
from capitation.engine.units import Unit


class Variable(Protocol):
    """What is asked of a variable: an xarray.DataArray has it."""

    @property
    def dims(self) -> tuple[Hashable, ...]: ...

    @property
    def attrs(self) -> Mapping[Any, Any]: ...


def attributes_of_node(node: Node) -> dict[str, str]:
    """Attributes that a rule's or a total's variable bears."""
    definition = node.definition
    attributes = {
        "units": str(node.unit),
        "long_name": node.title,
        "kind": "total" if isinstance(definition, Total) else "rule",
        "place": definition.place,
        "first": definition.first,
    }
    if isinstance(definition, Total):
        return attributes | {"of": definition.of, "over": definition.over}
    constants = {name: [float(c), c.unit] for name, c in definition.constants.items()}
    if definition.drawn:
        attributes["drawn"] = json.dumps(asdict(definition.drawn))
    return attributes | {
        "formula": definition.formula,
        "text": definition.text,
        "source": definition.source,
        "assumption": definition.assumption,
        "constants": json.dumps(constants),
    }


def attributes_of_leaf(
    leaf: Leaf,
    terms: Mapping[str, Term] | None = None,
    own: Mapping[str, Sequence[DatedValue]] | None = None,
) -> dict[str, str]:
    """Attributes that an input's or a term's variable bears.

    Parameters
    ----------
    leaf : Leaf
    terms : mapping of str to Term, optional
        For a term: how it stands in each scenario.
    own : mapping of str to sequence of DatedValue, optional
        For a term: what practices have of their own.
    """
    attributes = {"units": str(leaf.unit), "long_name": leaf.title, "kind": leaf.kind}
    if terms:
        attributes["dated_values"] = json.dumps(
            {
                scenario: [_written(value) for value in term.values]
                for scenario, term in terms.items()
            }
        )
        attributes["issue"] = next(iter(terms.values())).issue
    if own:
        attributes["own_values"] = json.dumps(
            {code: [_written(value) for value in values] for code, values in own.items()}
        )
    return attributes


def _written(value: DatedValue) -> dict[str, Any]:
    entry = vars(value) | {"start": value.start.isoformat()}
    if value.paid_from is not None:
        entry["paid_from"] = value.paid_from.isoformat()
    return {key: content for key, content in entry.items() if content not in ("", None)}


def dated_values(attributes: Mapping[str, Any]) -> dict[str, list[DatedValue]]:
    """The dated values of a term's variable, by scenario."""
    return _read_by_key(attributes["dated_values"])


def own_values(attributes: Mapping[str, Any]) -> dict[str, list[DatedValue]]:
    """The dated values that practices have of their own, by practice."""
    return _read_by_key(attributes.get("own_values", "{}"))


def _read_by_key(written: str) -> dict[str, list[DatedValue]]:
    tables = json.loads(written).items()
    return {key: [_read(entry) for entry in entries] for key, entries in tables}


def _read(entry: dict[str, Any]) -> DatedValue:
    fields = dict(entry)
    for key in ("start", "paid_from"):
        if key in fields:
            fields[key] = dt.date.fromisoformat(fields[key])
    return DatedValue(**fields)


def definition_of(name: str, attributes: Mapping[str, Any]) -> Rule | Total:
    """The rule or total that a variable's attributes record."""
    shared: dict[str, Any] = {
        "place": attributes["place"],
        "first": attributes["first"],
        "name": name,
    }
    if attributes["kind"] == "total":
        title = attributes["long_name"]
        return Total(of=attributes["of"], over=attributes["over"], title=title, **shared)
    constants = json.loads(attributes["constants"])
    drawn = attributes.get("drawn")
    return Rule(
        unit=attributes["units"],
        text=attributes["text"],
        source=attributes["source"],
        assumption=attributes["assumption"],
        drawn=Distribution(**json.loads(drawn)) if drawn else None,
        constants={key: Constant(value, unit) for key, (value, unit) in constants.items()},
        **shared,
    )


def graph_of(variables: Mapping[Any, Variable]) -> Graph:
    """The graph that a result's variables record. Levels, which only a kernel needs, are not kept.

    Parameters
    ----------
    variables : mapping of str to DataArray
        ``result.data_vars``: in the order of evaluation, each with its attributes.
    """
    nodes: dict[str, Node] = {}
    leaves: dict[str, Leaf] = {}
    for key, variable in variables.items():
        name, attributes = str(key), variable.attrs
        dims = tuple(str(dim) for dim in variable.dims)
        kind, unit = attributes.get("kind"), Unit.parse(attributes.get("units", "1"))
        if kind in ("rule", "total"):
            nodes[name] = Node(name, definition_of(name, attributes), unit, dims)
        elif kind is not None:
            leaves[name] = Leaf(name, kind, unit, dims, attributes["long_name"])
    return Graph(nodes, leaves)
