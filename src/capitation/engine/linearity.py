"""Sums over practices of linear rules, worked out from sums of the practices' own data.

A rule is linear in the practice's data if it adds up and multiplies what it reads of the practice
by what is the same for all practices, or by a value of the practice that never moves. Its total
over practices then follows from totals of what it reads: a commissioner's global sum from the sum
of its weighted lists. `pushed_down` rewrites a graph so, and leaves all else as it is.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from capitation.engine.binding import in_order
from capitation.engine.graph import Graph, Leaf, Node, area_of, joined, time_of
from capitation.engine.language import Constant
from capitation.engine.linear_parts import (
    COLUMN,
    CONSTANT,
    FREE,
    VARYING,
    Expansion,
    NotLinearError,
    expansion_of,
    names_in,
    placeholder,
)
from capitation.engine.rule import Rule, Total
from capitation.engine.sums import Column, Key, Plan, Sum, is_over_practices
from capitation.engine.unit_check import unit_of
from capitation.engine.units import ONE, Unit


def pushed_down(
    graph: Graph, wanted: Sequence[str], *, random_as_mean: bool = False, adding: float = 2.0
) -> Graph:
    """Work out totals over practices of linear rules without a loop over practices.

    Each total over practices that `wanted` needs, of a rule that is linear in the practice's data,
    becomes a rule of the same name, unit and dimensions, at the level of the commissioner. It reads
    totals of what the rule reads; columns of practices' data, and products of a column and a rule,
    are rules made for it. A total stays as it is where that is less work. `Graph.only(wanted)`
    leaves out what nobody reads any more.

    Parameters
    ----------
    graph : Graph
        As bound.
    wanted : sequence of str
        Rules and totals that will be asked for.
    random_as_mean : bool
        Whether a random rule is its mean, as in a projection. In a simulation it is drawn for each
        practice, and so it is not linear.
    adding : float
        What it costs to add one value of a practice to a sum, in operations: about two where the
        sum is kept at hand, ten times that in a layout that stores all values first.

    Returns
    -------
    Graph
        The same values, but for the rounding of floating-point sums. Units of the rules made here
        are products of the units of their parts: they are derived, not declared and checked. A
        column of so much a month has the dimension practice alone, since it never moves.
    """
    expansions = _expansions(graph, random_as_mean)
    months = {name for name in graph.nodes if _is_over_months(graph, name)}
    plan = Plan(graph, wanted, expansions, months, adding=adding)
    cost = plan.cost
    for name in dict.fromkeys(plan.doubtful()):
        other = Plan(graph, wanted, expansions, months, {*plan.kept, name}, adding)
        if other.cost < cost:
            plan, cost = other, other.cost
    return _Writing(plan).graph()


def linear_rules(graph: Graph, *, random_as_mean: bool = False) -> set[str]:
    """Rules of practices that are linear in what they read of the practice.

    The sum over practices of each follows from sums of what it reads. A total over months is linear
    in the rule that it sums.

    Parameters
    ----------
    graph : Graph
    random_as_mean : bool
        Whether a random rule is its mean, as in a projection.

    Returns
    -------
    set of str
        Names of rules and totals that differ by practice and move by month, year or scenario. What
        is of the practice alone is not among them: its sum is known at once.
    """
    months = {name for name in graph.nodes if _is_over_months(graph, name)}
    return {*_expansions(graph, random_as_mean), *months}


def _is_over_months(graph: Graph, name: str) -> bool:
    node = graph.nodes[name]
    over_months = isinstance(node.definition, Total) and node.definition.over == "months"
    return over_months and "practice" in node.dims


# ------------------------------------------------------------------------ which rules are linear


def _expansions(graph: Graph, random_as_mean: bool) -> dict[str, Expansion]:
    """The sums over practices of all rules that are linear."""
    found: dict[str, Expansion] = {}
    for name, node in graph.nodes.items():
        moves = "practice" in node.dims and node.dims != ("practice",)
        if not moves or isinstance(node.definition, Total) or (node.drawn and not random_as_mean):
            continue
        kinds = {p: _kind_of(graph, node, p) for p in node.definition.parameters}
        try:
            expansion = expansion_of(node.definition.written_out, kinds, node.looks_back)
        except NotLinearError:
            continue
        if all(_can_be_begun(graph, part.name) for part in expansion.parts if part.back):
            found[name] = expansion
    return _without_growing_weights(graph, found)


def _kind_of(graph: Graph, node: Node, parameter: str) -> str:
    dims = graph[node.looks_back.get(parameter, parameter)].dims
    back = parameter in node.looks_back
    if "practice" in dims:
        return COLUMN if dims == ("practice",) and not back else VARYING
    return FREE if back or "scenario" in dims or time_of(dims) else CONSTANT


def _can_be_begun(graph: Graph, name: str) -> bool:
    """Whether a sum of what is looked back at has a value before the first month.

    A value that is the same for all practices and moves by month would have to be multiplied before
    its first month.
    """
    first = graph[graph.first_of(name)].dims
    return "practice" in first or not time_of(first)


def _without_growing_weights(
    graph: Graph, expansions: dict[str, Expansion]
) -> dict[str, Expansion]:
    """Leave out a rule that, going back in time, would be weighted once more every month."""

    def read(name: str) -> Iterable[str]:
        if name in expansions:
            return [part.name for part in expansions[name].parts if part.name]
        definition = graph.nodes[name].definition if name in graph.nodes else None
        return [definition.of] if isinstance(definition, Total) else []

    def leads_to(start: str, end: str) -> bool:
        passed, waiting = {start}, [start]
        while waiting:
            name = waiting.pop()
            if name == end:
                return True
            new = [other for other in read(name) if other not in passed]
            passed.update(new)
            waiting += new
        return False

    return {
        name: expansion
        for name, expansion in expansions.items()
        if not any(
            part.name and part.text and leads_to(part.name, name) for part in expansion.parts
        )
    }


# ------------------------------------------------------------------------- the rules of the sums


class _Writing:
    """Writes the rules and totals of a plan."""

    def __init__(self, plan: Plan):
        self.plan = plan
        self.old = plan.graph
        self.nodes = dict(plan.graph.nodes)
        totals: dict[str, list[Node]] = {}
        for node in (self.nodes[name] for name in plan.visited):
            if is_over_practices(node):
                assert isinstance(node.definition, Total)
                totals.setdefault(node.definition.of, []).append(node)
        self.totals = totals
        self.names = {key: self.name_of(wanted) for key, wanted in plan.sums.items()}

    def name_of(self, wanted: Sum) -> str:
        """A total of the model lends its name, unless it begins otherwise than the sum does."""
        for node in self.totals.get(wanted.of, []) if not wanted.weight else []:
            begins_otherwise = wanted.first and node.definition.first
            if not begins_otherwise and node.name not in self.plan.constants:
                return node.name
        by = f"_weighted_by_{wanted.weight}" if wanted.weight else ""
        return self.plan.fresh(f"sum_of_{wanted.of}{by}")

    def graph(self) -> Graph:
        for column in self.plan.columns.values():
            self.write_column(column)
        for key, wanted in self.plan.sums.items():
            self.write_sum(key, wanted)
            for node in self.totals.get(wanted.of, []) if not wanted.weight else []:
                if node.name != self.names[key]:
                    alias = self.rule(node.name, ast.Name(self.names[key]), node, node.title)
                    first = node.definition.first
                    self.nodes[node.name] = replace(node, definition=replace(alias, first=first))
        return in_order(self.nodes, self.old.leaves)

    def write_column(self, column: Column) -> None:
        units = {name: self[name].unit for name in names_in(column.expression) if name in self}
        units |= {name: Unit.parse(c.unit) for name, c in column.constants.items()}
        unit = unit_of(column.expression, units) or ONE
        title = f"Of the practice alone: {ast.unparse(column.expression)}"
        like = Node(column.name, Total("", "practices"), unit, ("practice",))
        rule = self.rule(column.name, column.expression, like, title, column.constants)
        self.nodes[column.name] = replace(like, definition=rule)

    def write_sum(self, key: Key, wanted: Sum) -> None:
        name, of, weight = self.names[key], self[wanted.of], wanted.weight
        former = self.old.nodes.get(name)
        unit = of.unit * self[weight].unit if weight else of.unit
        by = f", weighted by {weight}" if weight else ""
        title = former.title if former else f"Sum over practices of {of.name}{by}"
        dims = former.dims if former else _of_commissioner(of.dims)
        first = former.definition.first if former else ""
        if wanted.first:
            first = self.names[wanted.first]
        place = former.definition.place if former else _place_of(of)
        like = Node(name, Total("", "practices", name, title, first, place), unit, dims)
        if not (former and wanted.is_added_up and former.definition.first == first):
            self.nodes[name] = replace(like, definition=self.definition(wanted, like))

    def definition(self, wanted: Sum, like: Node) -> Rule | Total:
        """How a sum is found."""
        of = self[wanted.of]
        assert isinstance(like.definition, Total)
        if wanted.is_added_up:
            summed = self.weighted(wanted) if wanted.weight else wanted.of
            return replace(like.definition, of=summed)
        if wanted.expansion:
            assert isinstance(of, Node)
            assert isinstance(of.definition, Rule)
            expression = self.expression(wanted, wanted.expansion)
            rule = self.rule(like.name, expression, like, like.title, of.definition.constants)
            return replace(rule, source=of.definition.source, assumption=of.definition.assumption)
        part = self.names[wanted.parts[0]]
        if "practice" in of.dims:
            return replace(like.definition, of=part, over="months")
        product = ast.BinOp(ast.Name(of.name), ast.Mult(), ast.Name(part))
        return self.rule(like.name, product, like, like.title)

    def weighted(self, wanted: Sum) -> str:
        """A rule of practices: what is summed, times its weight."""
        of, weight = self[wanted.of], wanted.weight
        name = self.plan.fresh(f"{of.name}_weighted_by_{weight}")
        title = f"{of.title or of.name}, weighted by {weight}"
        like = Node(name, Total("", "practices"), of.unit * self[weight].unit, of.dims)
        product = ast.BinOp(ast.Name(weight), ast.Mult(), ast.Name(of.name))
        self.nodes[name] = replace(like, definition=self.rule(name, product, like, title))
        return name

    def expression(self, wanted: Sum, expansion: Expansion) -> ast.expr:
        """What a sum is made of, with the names of its parts."""
        written = {}
        for number, (part, key) in enumerate(zip(expansion.parts, wanted.parts, strict=True)):
            back = "previous_" if part.back else ""
            written[placeholder(number)] = f"{back}{self.names[key]}"
        expression = copy.deepcopy(expansion.expression)
        for node in ast.walk(expression):
            if isinstance(node, ast.Name):
                node.id = written.get(node.id, node.id)
        return expression

    def rule(
        self,
        name: str,
        expression: ast.expr,
        like: Node,
        title: str,
        constants: Mapping[str, Constant] | None = None,
    ) -> Rule:
        names = list(dict.fromkeys(names_in(expression)))
        used = {n: constants[n] for n in names if n in constants} if constants else {}
        parameters = ", ".join(n for n in names if n not in used)
        text = f"def {name}({parameters}):\n    {title!r}\n    return {ast.unparse(expression)}"
        return Rule(
            name,
            str(like.unit),
            text,
            assumption="Made from the rule that it sums.",
            first=like.definition.first,
            constants=used,
            place=like.definition.place,
        )

    def __getitem__(self, name: str) -> Node | Leaf:
        return self.nodes[name] if name in self.nodes else self.old.leaves[name]

    def __contains__(self, name: str) -> bool:
        return name in self.nodes or name in self.old.leaves


def _of_commissioner(dims: tuple[str, ...]) -> tuple[str, ...]:
    coarse = ("commissioner_code" if d == "practice" else d for d in dims)
    found = joined(coarse)
    return found if area_of(found) else joined((*found, "commissioner_code"))


def _place_of(summed: Node | Leaf) -> str:
    return summed.definition.place if isinstance(summed, Node) else ""
