"""Rules, tied by name: what each depends on, which dimensions it has, in which order they run.

Two kinds of dimension run beside each other. A practice belongs to a commissioner, and a month to a
fiscal year, so what is known for the commissioner or the year is known for the practice or month.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass

from capitation.engine.distribution import Distribution
from capitation.engine.rule import Rule, Total
from capitation.engine.units import Unit

DIMENSIONS = ("scenario", "commissioner_code", "practice", "year", "month")
"""The canonical order of dimensions."""

RESERVED = frozenset(("range", "abs", "compiled", "kernel", "previous", *DIMENSIONS))
"""Names that the kernel and the labels of a result use for themselves."""

_FINER = {"commissioner_code": "practice", "year": "month"}
PREVIOUS = "previous_"


@dataclass(frozen=True)
class Leaf:
    """What a rule is given and does not compute: an input, a term, or a fact of the calendar."""

    name: str
    kind: str
    unit: Unit
    dims: tuple[str, ...]
    title: str = ""


@dataclass(frozen=True)
class Node:
    """A rule or a total, bound to the names it depends on.

    Attributes
    ----------
    name : str
    definition : Rule or Total
    unit : Unit
    dims : tuple of str
        In canonical order.
    level : int
        How many totals over practices or months stand before it: the pass in which it runs.
    """

    name: str
    definition: Rule | Total
    unit: Unit
    dims: tuple[str, ...] = ()
    level: int = 0

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        return self.definition.title or self.name.replace("_", " ")

    @functools.cached_property
    def reads(self) -> tuple[str, ...]:
        """Names read at the same time: of the same month, or of the same year."""
        if isinstance(self.definition, Total):
            return (self.definition.of,)
        return tuple(p for p in self.definition.parameters if looks_back_at(p, self.name) is None)

    @property
    def drawn(self) -> Distribution | None:
        """For a random rule: how it is drawn in a simulation."""
        return None if isinstance(self.definition, Total) else self.definition.drawn

    @property
    def spread(self) -> tuple[str, ...]:
        """For a random rule: the name of what says how widely it is drawn around its mean."""
        return (self.drawn.spread,) if self.drawn else ()

    @functools.cached_property
    def looks_back(self) -> dict[str, str]:
        """Parameters that look back, with the name that each looks back at."""
        if isinstance(self.definition, Total):
            return {}
        found = ((p, looks_back_at(p, self.name)) for p in self.definition.parameters)
        return {parameter: name for parameter, name in found if name is not None}


def looks_back_at(parameter: str, reader: str) -> str | None:
    """Name that a parameter looks back at, or None if it reads the same month.

    Examples
    --------
    >>> looks_back_at("previous", "registered_list")
    'registered_list'
    >>> looks_back_at("previous_balance", "payment")
    'balance'
    >>> looks_back_at("balance", "payment")
    """
    if parameter == "previous":
        return reader
    if parameter.startswith(PREVIOUS):
        return parameter.removeprefix(PREVIOUS)
    return None


def joined(dims: Iterable[str]) -> tuple[str, ...]:
    """Union of dimensions in canonical order.

    The finer stands for both: practice and commissioner, month and year.

    Examples
    --------
    >>> joined(["month", "commissioner_code", "practice", "year"])
    ('practice', 'month')
    """
    found = set(dims)
    found -= {coarse for coarse, fine in _FINER.items() if fine in found}
    return tuple(d for d in DIMENSIONS if d in found)


def area_of(dims: tuple[str, ...]) -> str:
    """Whether something is of a practice, of a commissioner, or of neither."""
    return next((d for d in ("practice", "commissioner_code") if d in dims), "")


def time_of(dims: tuple[str, ...]) -> str:
    """Whether something moves by month, by year, or not at all."""
    return next((d for d in ("month", "year") if d in dims), "")


class Graph:
    """Bound rules in the order in which they run, with the leaves that they use.

    Parameters
    ----------
    nodes : dict of str to Node
        In evaluation order.
    leaves : dict of str to Leaf
    """

    def __init__(self, nodes: dict[str, Node], leaves: dict[str, Leaf]):
        self.nodes = nodes
        self.leaves = leaves

    def __getitem__(self, name: str) -> Node | Leaf:
        return self.nodes[name] if name in self.nodes else self.leaves[name]

    def __contains__(self, name: object) -> bool:
        return name in self.nodes or name in self.leaves

    def stream_of(self, name: str) -> str:
        """Name of the random rule whose random numbers a random rule uses."""
        passed = {name}
        while name in self.nodes and (drawn := self.nodes[name].drawn) and drawn.like:
            if drawn.like in passed:
                break
            name = drawn.like
            passed.add(name)
        return name

    def first_of(self, name: str) -> str:
        """Name of the value that stands before the first month, or year, of a node."""
        return self.nodes[name].definition.first

    def ancestors(self, wanted: Iterable[str]) -> set[str]:
        """Everything that `wanted` needs, itself included."""
        found: set[str] = set()
        waiting = list(wanted)
        while waiting:
            name = waiting.pop()
            if name in found:
                continue
            found.add(name)
            if name in self.nodes:
                waiting.extend(needs_of(self.nodes[name]))
        return found

    def only(self, wanted: Iterable[str]) -> Graph:
        """The part of the graph that computes `wanted`."""
        kept = self.ancestors(wanted)
        return Graph(
            {name: node for name, node in self.nodes.items() if name in kept},
            {name: leaf for name, leaf in self.leaves.items() if name in kept},
        )


def needs_of(node: Node) -> tuple[str, ...]:
    """Every name that a node needs, now or looking back."""
    first = (node.definition.first,) if node.definition.first else ()
    return (*node.reads, *node.spread, *node.looks_back.values(), *first)
