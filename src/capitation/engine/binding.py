"""Tying rules by name: to each other and to what they are given, with their units checked."""

from __future__ import annotations

import operator
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from capitation.engine.graph import PREVIOUS, RESERVED, Graph, Leaf, Node, joined, needs_of
from capitation.engine.rule import Rule, Total
from capitation.engine.unit_check import UnitError, check_units
from capitation.engine.units import ONE, Unit
from capitation.errors import Problem, RuleError, nearest, raise_if_any


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
    definitions, of_practices = tuple(definitions), frozenset(of_practices)
    for before in tuple(_BOUND):
        if before.fits(definitions, leaf, of_practices):
            return before.graph
    answers: dict[str, Leaf | None] = {}

    def asked(name: str) -> Leaf | None:
        answers[name] = leaf(name)
        return answers[name]

    graph = _bind(definitions, asked, known_leaves, of_practices)
    _BOUND.appendleft(_Bound(definitions, answers, of_practices, graph))
    return graph


@dataclass(frozen=True)
class _Bound:
    """What was bound before: a search over values of a term ties the same rules each time."""

    definitions: tuple[Rule | Total, ...]
    answers: Mapping[str, Leaf | None]
    of_practices: frozenset[str]
    graph: Graph

    def fits(
        self,
        definitions: tuple[Rule | Total, ...],
        leaf: Callable[[str], Leaf | None],
        of_practices: frozenset[str],
    ) -> bool:
        """Whether the same rules would ask for the same leaves, and so give this graph again."""
        return (
            len(definitions) == len(self.definitions)
            and all(map(operator.is_, definitions, self.definitions))
            and of_practices == self.of_practices
            and all(leaf(name) == answer for name, answer in self.answers.items())
        )


_BOUND: deque[_Bound] = deque(maxlen=16)


def _bind(
    definitions: tuple[Rule | Total, ...],
    leaf: Callable[[str], Leaf | None],
    known_leaves: Iterable[str],
    of_practices: frozenset[str],
) -> Graph:
    nodes = _nodes_by_name(definitions)
    leaves = _resolve(nodes, leaf, known_leaves)
    order = _ordered(nodes)
    ordered = {name: nodes[name] for name in order}
    nodes = _with_dims_and_levels(ordered, leaves, of_practices)
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
    if name in RESERVED or name.startswith(PREVIOUS) or name.endswith("_"):
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
