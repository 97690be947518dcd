"""Which sums over practices a graph needs, and of what: what is demanded is shared.

A sum is of a name, each practice counted once or by a column: a value of the practice alone.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field

from capitation.engine.graph import Graph, Node, needs_of, time_of
from capitation.engine.language import Constant
from capitation.engine.linear_parts import Expansion, Part, names_in, weighed_by
from capitation.engine.rule import Rule, Total

Key = tuple[str, str]
"""A column, or nothing for once, and the name that is summed."""

_PRACTICES = 36
"""Practices of a commissioner, in all England, on average."""
_SCENARIOS = 8
_MONTHS = {"month": 1.0, "year": 1 / 12, "": 1 / 120}
_OPERATIONS = (ast.BinOp, ast.UnaryOp, ast.Compare, ast.BoolOp, ast.IfExp, ast.Call)


@dataclass
class Sum:
    """A sum over practices that is needed.

    Attributes
    ----------
    weight, of : str
        The column by which practices count, or nothing for once; the name that is summed.
    expansion : Expansion or None
        What it is made of, if it is not added up practice by practice.
    parts : list of Key
        The sums that stand in it: those of its expansion in their order, or the one that a total
        over months adds up, or the weights by which a value that is the same for all is multiplied.
    first : Key or None
        Where it is looked back at: the sum that stands before the first month.
    """

    weight: str
    of: str
    expansion: Expansion | None = None
    parts: list[Key] = field(default_factory=list)
    first: Key | None = None

    @property
    def is_added_up(self) -> bool:
        """Whether it takes a loop over practices."""
        return not self.parts


@dataclass(frozen=True)
class Column:
    """A value of the practice alone, made from a rule's expression."""

    name: str
    expression: ast.expr
    constants: Mapping[str, Constant]


class Plan:
    """The sums that `wanted` needs, from the top down.

    Parameters
    ----------
    graph : Graph
    wanted : iterable of str
    expansions : mapping of str to Expansion
        Of each rule that is linear in the practice's data.
    months : set of str
        Totals over months that may be summed month by month.
    kept : set of str
        Rules that are to be added up practice by practice all the same.
    adding : float
        What it costs to add one value to a sum, in operations.
    """

    def __init__(
        self,
        graph: Graph,
        wanted: Iterable[str],
        expansions: Mapping[str, Expansion],
        months: Set[str],
        kept: Set[str] = frozenset(),
        adding: float = 2.0,
    ):
        self.graph = graph
        self.expansions = expansions
        self.months = months
        self.kept = kept
        self.adding = adding
        self.visited: dict[str, None] = {}
        self.sums: dict[Key, Sum] = {}
        self.columns: dict[str, Column] = {}
        self.column_of: dict[tuple[object, ...], str] = {}
        self.has_scenarios = any("scenario" in leaf.dims for leaf in graph.leaves.values())
        self.constants = frozenset(_names_of_constants(graph))
        self.taken = {*graph.nodes, *graph.leaves, *self.constants}
        for name in wanted:
            self.visit(name)

    # --------------------------------------------------------------------- what is demanded

    def visit(self, name: str) -> None:
        """A name of the graph that is needed as it is."""
        if name in self.visited or name not in self.graph.nodes:
            return
        self.visited[name] = None
        node = self.graph.nodes[name]
        if is_over_practices(node):
            assert isinstance(node.definition, Total)
            self.demand("", node.definition.of)
            if node.definition.first:
                self.visit(node.definition.first)
            return
        for needed in needs_of(node):
            self.visit(needed)

    def demand(self, weight: str, of: str, back: bool = False) -> Key:
        """A sum that is needed."""
        key = (weight, of)
        if key not in self.sums:
            self.sums[key] = Sum(weight, of)
            self.fill(self.sums[key])
        if back and self.sums[key].first is None:
            self.sums[key].first = ("", "")  # known to be looked back at before its first is
            self.sums[key].first = self.first_of(weight, of)
        return key

    def fill(self, wanted: Sum) -> None:
        """Find out what a sum is made of."""
        weight, of = wanted.weight, wanted.of
        if of in self.columns:
            return
        if "practice" not in self.graph[of].dims:
            self.visit(of)
            wanted.parts.append(self.demand("", weight or self.one()))
        elif of in self.expansions and of not in self.kept:
            self.expand(wanted)
        elif self.adds_months(of):
            definition = self.graph.nodes[of].definition
            assert isinstance(definition, Total)
            wanted.parts.append(self.demand(weight, definition.of))
        else:
            self.visit(of)
            self.visit(weight)

    def adds_months(self, of: str) -> bool:
        if of not in self.months or of in self.kept:
            return False
        definition = self.graph.nodes[of].definition
        assert isinstance(definition, Total)
        monthly = definition.of
        return monthly in self.expansions and monthly not in self.kept

    def expand(self, wanted: Sum) -> None:
        node = self.graph.nodes[wanted.of]
        expansion = self.expansions[wanted.of]
        wanted.expansion = expansion
        for name in dict.fromkeys(names_in(expansion.expression)):
            self.visit(node.looks_back.get(name, name))
        assert isinstance(node.definition, Rule)
        constants = node.definition.constants
        wanted.parts += [self.part(part, wanted.weight, constants) for part in expansion.parts]

    def part(self, part: Part, weight: str, constants: Mapping[str, Constant]) -> Key:
        outer = ast.Name(weight) if weight and not part.counts else None
        column = ""
        if part.weight is not None or outer is not None:
            expression = weighed_by(part.weight, outer)
            assert expression is not None
            column = self.column(expression, constants)
        if part.name:
            return self.demand(column, part.name, part.back)
        return self.demand("", column or self.one())

    def first_of(self, weight: str, of: str) -> Key:
        first = self.graph.first_of(of)
        if weight and self.graph[first].dims == ("practice",):
            product = ast.BinOp(ast.Name(first), ast.Mult(), ast.Name(weight))
            return self.demand("", self.column(product, {}))
        return self.demand(weight, first)

    # -------------------------------------------------------------------------------- columns

    def column(self, expression: ast.expr, constants: Mapping[str, Constant]) -> str:
        """Name of what gives a value of the practice alone: made, if there is none yet."""
        names = list(dict.fromkeys(names_in(expression)))
        used = {name: constants[name] for name in names if name in constants}
        for name in names:
            if name not in used:
                self.visit(name)
        # In another rule its name may be that of a constant.
        if isinstance(expression, ast.Name) and expression.id not in self.constants:
            return expression.id
        key = (ast.unparse(expression), *used.items())
        if key not in self.column_of:
            name = self.fresh(f"column_{len(self.columns) + 1}")
            self.column_of[key] = name
            self.columns[name] = Column(name, expression, used)
        return self.column_of[key]

    def one(self) -> str:
        """A column of ones: its sum is the number of practices."""
        return self.column(ast.Constant(1.0), {})

    def fresh(self, name: str) -> str:
        """A name that nothing else has."""
        found, number = name, 2
        while found in self.taken:
            found, number = f"{name}_no_{number}", number + 1
        self.taken.add(found)
        return found

    # ----------------------------------------------------------------------------------- cost

    @property
    def cost(self) -> float:
        """About how many operations it takes, in operations of one practice in one month."""
        nodes = (self.graph.nodes[name] for name in self.visited)
        of_rules = sum(self.cost_of_node(n) for n in nodes if not is_over_practices(n))
        return of_rules + sum(map(self.cost_of_sum, self.sums.values()))

    def cost_of_node(self, node: Node) -> float:
        if isinstance(node.definition, Total):
            return self.adding * self.times(self.graph[node.definition.of].dims)
        return operations_in(node.definition.written_out) * self.times(node.dims)

    def cost_of_sum(self, wanted: Sum) -> float:
        if wanted.of in self.columns:
            return self.times(("practice",))
        dims = self.graph[wanted.of].dims
        if wanted.is_added_up:
            return (self.adding + bool(wanted.weight)) * self.times(dims)
        operations = operations_in(wanted.expansion.expression) if wanted.expansion else 1
        return operations * self.times(dims) / _PRACTICES

    def times(self, dims: tuple[str, ...]) -> float:
        """How often something is worked out, for each practice, month and scenario of a run."""
        area = 1 if "practice" in dims else 1 / _PRACTICES
        scenarios = 1 if "scenario" in dims or not self.has_scenarios else 1 / _SCENARIOS
        return _MONTHS[time_of(dims)] * area * scenarios

    def doubtful(self) -> Iterator[str]:
        """Rules that might as well be added up practice by practice.

        That costs little where they are run for each practice in any case, or where they are made
        of several sums that take the loop, or of products that would have to be made for them.
        """
        for wanted in self.sums.values():
            if wanted.is_added_up or "practice" not in self.graph[wanted.of].dims:
                continue
            inside = self.within(wanted)
            looped = [key for key in inside if self.takes_a_loop(key)]
            if wanted.of in self.visited:
                costs = sum(self.cost_of_sum(self.sums[key]) for key in inside)
                doubtful = costs > self.adding * self.times(self.graph[wanted.of].dims)
            else:
                doubtful = len(looped) > 1 or any(weight for weight, _ in looped)
            if doubtful:
                yield wanted.of

    def takes_a_loop(self, key: Key) -> bool:
        return (
            self.sums[key].is_added_up
            and key[1] not in self.columns
            and self.graph[key[1]].dims != ("practice",)
        )

    def within(self, wanted: Sum) -> set[Key]:
        """All the sums that stand in a sum."""
        found: set[Key] = set()
        waiting = list(wanted.parts)
        while waiting:
            key = waiting.pop()
            if key not in found:
                found.add(key)
                waiting += self.sums[key].parts
        return found


def is_over_practices(node: Node) -> bool:
    """Whether a node is a total over practices."""
    return isinstance(node.definition, Total) and node.definition.over == "practices"


@functools.lru_cache(maxsize=4096)
def operations_in(expression: ast.expr) -> int:
    """About how many operations an expression takes; one at least."""
    return max(1, sum(isinstance(part, _OPERATIONS) for part in ast.walk(expression)))


def _names_of_constants(graph: Graph) -> Iterator[str]:
    for node in graph.nodes.values():
        if isinstance(node.definition, Rule):
            yield from node.definition.constants
