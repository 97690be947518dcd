"""Rules, tied by name: what each depends on, which dimensions it has, in which order they run.

Two kinds of dimension run beside each other. A practice belongs to a commissioner, and a month to a
fiscal year, so what is known for the commissioner or the year is known for the practice or month.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from capitation.engine.distribution import Distribution
from capitation.engine.rule import Rule, Total
from capitation.engine.unit_check import UnitError, check_units
from capitation.engine.units import ONE, Unit
from capitation.errors import Problem, RuleError, nearest, raise_if_any

DIMENSIONS = ("scenario", "commissioner_code", "practice", "year", "month")
"""The canonical order of dimensions."""

RESERVED = frozenset(("range", "abs", "compiled", "kernel", "previous", *DIMENSIONS))
"""Names that the kernel and the labels of a result use for themselves."""

_FINER = {"commissioner_code": "practice", "year": "month"}
_PREVIOUS = "previous_"


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
    if parameter.startswith(_PREVIOUS):
        return parameter.removeprefix(_PREVIOUS)
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


def bind(
    definitions: Iterable[Rule | Total],
    leaf: Callable[[str], Leaf | None],
    known_leaves: Iterable[str] = (),
    of_practices: Iterable[str] = (),
) -> Graph:
    """Tie rules and totals to each other and to leaves, by name, and check their units.

    Parameters
    ----------
    definitions : iterable of Rule or Total
    leaf : callable
        Gives the input, term or calendar fact of a name, or None.
    known_leaves : iterable of str
        Names that `leaf` knows, for suggestions.
    of_practices : iterable of str
        Rules that each practice has, even if they are the same for all: what is paid to practices.

    Returns
    -------
    Graph

    Raises
    ------
    RuleError
        With every unknown name, circular definition and disagreement of units.
    """
    nodes = _nodes_by_name(definitions)
    leaves = _resolve(nodes, leaf, known_leaves)
    order = _ordered(nodes)
    ordered = {name: nodes[name] for name in order}
    nodes = _with_dims_and_levels(ordered, leaves, frozenset(of_practices))
    graph = _with_units_of_totals(Graph(nodes, leaves))
    wrong = [*_faults_of_units(graph), *_faults_of_firsts(graph), *_faults_of_drawing(graph, leaf)]
    raise_if_any(wrong, RuleError)
    return graph


def _nodes_by_name(definitions: Iterable[Rule | Total]) -> dict[str, Node]:
    nodes: dict[str, Node] = {}
    problems: list[Problem] = []
    for definition in definitions:
        problems += _faults_of_name(definition.name, definition.place)
        if definition.name in nodes:
            other = nodes[definition.name].definition.place
            problems.append(
                Problem(
                    definition.place,
                    f"a second rule called {definition.name!r} (the first is at {other})",
                    "name only one of their modules in the model, or rename one",
                )
            )
            continue
        unit = Unit.parse(definition.unit) if isinstance(definition, Rule) else Unit({})
        nodes[definition.name] = Node(definition.name, definition, unit)
    raise_if_any(problems)
    return nodes


def _faults_of_name(name: str, place: str) -> Iterator[Problem]:
    if name in RESERVED or name.startswith(_PREVIOUS) or name.endswith("_"):
        yield Problem(place, f"{name!r} is a name that the kernel uses", "choose another name")


def _resolve(
    nodes: Mapping[str, Node], leaf: Callable[[str], Leaf | None], known_leaves: Iterable[str]
) -> dict[str, Leaf]:
    leaves: dict[str, Leaf] = {}
    problems = []
    known = {*nodes, *known_leaves}
    for node in nodes.values():
        for name in needs_of(node):
            if name in nodes or name in leaves:
                continue
            found = leaf(name)
            if found is None:
                problems.append(
                    Problem(
                        node.definition.place,
                        f"{node.name!r} needs {name!r}, which is no rule, input or term",
                        nearest(name, known),
                    )
                )
            else:
                problems += _faults_of_name(name, node.definition.place)
                leaves[name] = found
        problems += _faults_of_looking_back(node, nodes)
    clashes = sorted(name for name in nodes if leaf(name) is not None)
    problems += [
        Problem(nodes[name].definition.place, f"{name!r} is the name of a rule and of a term")
        for name in clashes
    ]
    raise_if_any(problems, RuleError)
    return leaves


def _faults_of_looking_back(node: Node, nodes: Mapping[str, Node]) -> Iterator[Problem]:
    for parameter, name in node.looks_back.items():
        if name not in nodes:
            yield Problem(
                node.definition.place,
                f"{parameter!r} looks back at {name!r}, which is not a rule",
                "only rules, and totals over months, can be looked back at",
            )
        elif not nodes[name].definition.first:
            yield Problem(
                nodes[name].definition.place,
                f"{node.name!r} looks back at {name!r}, whose value before the first month "
                "has no name",
                "name it: first='…'",
            )


def _ordered(nodes: Mapping[str, Node]) -> list[str]:
    """Names so that each stands after what it reads; a rule that reads itself is refused."""
    order: list[str] = []
    state: dict[str, str] = {}

    def visit(name: str, path: tuple[str, ...]) -> None:
        if state.get(name) == "done" or name not in nodes:
            return
        if state.get(name) == "open":
            circle = " → ".join((*path[path.index(name) :], name))
            raise RuleError(
                Problem(
                    nodes[name].definition.place,
                    f"a circle: {circle}",
                    "look back with 'previous_' somewhere along it",
                )
            )
        state[name] = "open"
        first = nodes[name].definition.first
        for read in (*nodes[name].reads, *nodes[name].spread, *([first] if first else [])):
            visit(read, (*path, name))
        state[name] = "done"
        order.append(name)

    for name in nodes:
        visit(name, ())
    return order


def _with_dims_and_levels(
    nodes: dict[str, Node], leaves: Mapping[str, Leaf], of_practices: frozenset[str]
) -> dict[str, Node]:
    """Dimensions and levels, found by going round until nothing changes."""
    nodes = dict(nodes)
    changed = True
    while changed:
        changed = False
        for name, node in nodes.items():
            dims, level = _dims_and_level(node, nodes, leaves)
            if name in of_practices:
                dims = joined((*dims, "practice"))
            if level > len(nodes):
                raise RuleError(_feeds_itself(node))
            if (dims, level) != (node.dims, node.level):
                nodes[name] = replace(node, dims=dims, level=level)
                changed = True
    return nodes


def _dims_and_level(
    node: Node, nodes: Mapping[str, Node], leaves: Mapping[str, Leaf]
) -> tuple[tuple[str, ...], int]:
    def dims_of(name: str) -> tuple[str, ...]:
        return nodes[name].dims if name in nodes else leaves[name].dims

    needs = [name for name in needs_of(node) if name != node.name]
    level = _level_of(node, nodes)
    dims = joined(d for name in needs for d in dims_of(name))
    definition = node.definition
    if isinstance(definition, Total):
        fine, coarse = (
            ("practice", "commissioner_code")
            if definition.over == "practices"
            else ("month", "year")
        )
        summed = [coarse if d == fine else d for d in dims_of(definition.of)]
        return joined([*summed, *(d for d in dims if d == "scenario")]), level
    # What looks back moves by month, and so does an amount a month, even if it never changes.
    if node.looks_back or node.unit.powers.get("month") == -1:
        dims = dims if "year" in dims else joined((*dims, "month"))
    return dims, level


def _level_of(node: Node, nodes: Mapping[str, Node]) -> int:
    needs = (nodes[name].level for name in needs_of(node) if name in nodes and name != node.name)
    return max(needs, default=0) + isinstance(node.definition, Total)


def in_order(nodes: Mapping[str, Node], leaves: Mapping[str, Leaf]) -> Graph:
    """Tie nodes anew whose dimensions are known: in evaluation order, each with its level.

    Raises
    ------
    RuleError
        If they go in a circle.
    """
    ordered = {name: replace(nodes[name], level=0) for name in _ordered(nodes)}
    changed = True
    while changed:
        changed = False
        for name, node in ordered.items():
            level = _level_of(node, ordered)
            if level > len(ordered):
                raise RuleError(_feeds_itself(node))
            if level != node.level:
                ordered[name] = replace(node, level=level)
                changed = True
    return Graph(ordered, dict(leaves))


def _feeds_itself(node: Node) -> Problem:
    return Problem(
        node.definition.place,
        f"{node.name!r} feeds a total that feeds {node.name!r} in a later month",
        "a total may not depend on its own past",
    )


def _faults_of_units(graph: Graph) -> Iterator[Problem]:
    for name, node in graph.nodes.items():
        definition = node.definition
        if isinstance(definition, Total):
            yield from _faults_of_total(graph, definition, graph[definition.of].unit)
            continue
        scope = {p: graph[node.looks_back.get(p, p)].unit for p in definition.parameters}
        try:
            check_units(definition, scope)
        except UnitError as fault:
            yield Problem(definition.place, f"{name!r}: {fault}", definition.formula)


def _faults_of_drawing(graph: Graph, leaf: Callable[[str], Leaf | None]) -> Iterator[Problem]:
    random = [name for name, node in graph.nodes.items() if node.drawn]
    for name in random:
        node = graph.nodes[name]
        assert node.drawn is not None
        place, spread, like = node.definition.place, node.drawn.spread, node.drawn.like
        if graph[spread].unit != ONE:
            found = f"{name!r} is drawn with {spread!r} [{graph[spread].unit}]"
            yield Problem(place, found, "how widely a value is drawn is a plain number, of unit 1")
        other = leaf(like) if like else None
        # What is given in place of a random rule still lends its random numbers.
        if like and like not in random and (other is None or other.kind != "given"):
            found = f"{name!r} is to be drawn like {like!r}, which is no random rule"
            yield Problem(place, found, nearest(like, random))


def _unit_of_total(definition: Rule | Total, units: Mapping[str, Unit]) -> Unit | None:
    if isinstance(definition, Rule):
        return None
    unit = units[definition.of]
    return unit * Unit.parse("month/year") if definition.over == "months" else unit


def _faults_of_total(graph: Graph, definition: Total, unit: Unit) -> Iterator[Problem]:
    of = graph[definition.of]
    fine = "practice" if definition.over == "practices" else "month"
    if fine not in of.dims:
        yield Problem(
            definition.place,
            f"{definition.name!r} sums {definition.of!r} over {definition.over}, "
            f"but it has no {fine}",
        )
    if fine == "month" and unit.powers.get("month") != -1:
        yield Problem(
            definition.place,
            f"{definition.name!r} sums {definition.of!r} [{unit}] over months",
            "only what is so much a month adds up over months; a list or a balance does not",
        )


def _faults_of_firsts(graph: Graph) -> Iterator[Problem]:
    for name, node in graph.nodes.items():
        if not node.definition.first:
            continue
        first = graph[node.definition.first]
        if first.name in graph.nodes and {"month", "year"} & set(first.dims):
            yield Problem(
                node.definition.place,
                f"{name!r} begins with {first.name!r}, which itself moves by month",
                "begin with an input, a term, or a rule of the practice alone",
            )
        if "practice" in first.dims and "practice" not in node.dims:
            yield Problem(
                node.definition.place,
                f"{name!r} begins with {first.name!r}, which each practice has for itself",
                "begin with a total of it over practices",
            )
        if first.unit != node.unit:
            yield Problem(
                node.definition.place,
                f"{name!r} [{node.unit}] begins with {first.name!r} [{first.unit}]",
                "begin with a value of the same unit",
            )


def _with_units_of_totals(graph: Graph) -> Graph:
    units = {name: leaf.unit for name, leaf in graph.leaves.items()}
    nodes = {}
    for name, node in graph.nodes.items():
        units[name] = _unit_of_total(node.definition, units) or node.unit
        nodes[name] = replace(node, unit=units[name])
    return Graph(nodes, graph.leaves)
