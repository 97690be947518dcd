"""What a simulation with draws as lanes works out where, and what it hands on from loop to loop."""

from __future__ import annotations

from dataclasses import replace

from capitation.engine.drawing import DrawingKernel
from capitation.engine.graph import Graph, Node, time_of
from capitation.engine.kernel import Nest, nests_in_order
from capitation.engine.rule import Total


class LaneDrawPlan:
    """What is put down, by whom it is taken up, and which totals are taken on the way.

    Parameters
    ----------
    graph : Graph
        The part of the rules that is run in each draw.
    plain : DrawingKernel
        The plain layout of the same.
    """

    def __init__(self, graph: Graph, plain: DrawingKernel):
        self.graph = graph = with_own_levels(graph)
        self.plain = plain
        self.steps = nests_in_order(graph)
        nests = [step for step in self.steps if isinstance(step, Nest)]
        self.home = {node.name: nest for nest in nests for node in nest.nodes}
        self.fused: dict[str, Node] = {}
        for step in self.steps:
            if isinstance(step, Node) and self.fuses(step):
                self.fused[step.name] = step
        self.held = self.names_to_hold()

    def fuses(self, total: Node) -> bool:
        """Whether a total is taken while what it sums is worked out."""
        definition = total.definition
        assert isinstance(definition, Total)
        of = self.graph[definition.of]
        if ("scenario" in of.dims) != ("scenario" in total.dims):
            return False
        if definition.of in self.home:
            return True
        within = self.fused.get(definition.of)
        return definition.over == "practices" and within is not None and self.of_months(within)

    @staticmethod
    def of_months(total: Node) -> bool:
        return isinstance(total.definition, Total) and total.definition.over == "months"

    def names_to_hold(self) -> set[str]:
        """What is put down for another pass to take up."""
        held = {n for n, total in self.fused.items() if not self.of_months(total)}
        for step in self.steps:
            if isinstance(step, Nest):
                for node in step.nodes:
                    names = {*node.reads, *node.looks_back.values()}
                    names |= {self.graph.first_of(n) for n in node.looks_back.values()}
                    held |= {name for name in names if self.home.get(name) is not step}
            elif step.name not in self.fused:
                assert isinstance(step.definition, Total)
                held |= {step.name, step.definition.of}
        return {name for name in held if name in self.graph.nodes}

    def totals_of(self, name: str, over: str) -> list[Node]:
        """Totals that are taken while a rule, or total over months, is worked out."""
        return [
            total
            for total in self.fused.values()
            if isinstance(total.definition, Total)
            and (total.definition.of, total.definition.over) == (name, over)
        ]

    def months_totals(self, nest: Nest) -> list[Node]:
        """Totals over months that are taken in a nest."""
        return [total for node in nest.nodes for total in self.totals_of(node.name, "months")]

    def kept_in(self, nest: Nest) -> set[str]:
        """Rules whose value is kept for loops of another time in the same nest."""
        found = set()
        for node in nest.nodes:
            names = {*node.reads, *node.looks_back.values()}
            names |= {self.graph.first_of(n) for n in node.looks_back.values()}
            own = {name for name in names if self.home.get(name) is nest}
            found |= {n for n in own if time_of(self.graph[n].dims) != time_of(node.dims)}
            found |= {n for n in own if not time_of(self.graph[n].dims)}
        return found

    def carried(self, nest: Nest, time: str) -> list[str]:
        """What is carried from one month, or year, to the next."""
        nodes = nest.timed(time)
        return sorted(
            {
                name
                for node in nodes
                for name in node.looks_back.values()
                if not self.looks_over_years(node, name)
            }
        )

    def years_before(self, nest: Nest) -> list[str]:
        names = {(n, name) for n in nest.timed("month") for name in n.looks_back.values()}
        return sorted({name for node, name in names if self.looks_over_years(node, name)})

    def looks_over_years(self, node: Node, name: str) -> bool:
        """Whether a rule of a month looks back at something of a year."""
        return time_of(node.dims) == "month" and time_of(self.graph[name].dims) == "year"

    def collected_at_once(self, name: str) -> bool:
        """Whether a value is put aside as soon as it is worked out."""
        if name not in self.plain.collected:
            return False
        return name in self.home or (name in self.fused and self.of_months(self.fused[name]))

    def by_scenario(self, node: Node) -> bool:
        """Whether scenarios differ in how widely a random rule is drawn."""
        assert node.drawn is not None
        return "scenario" in self.graph[node.drawn.spread].dims


def with_own_levels(graph: Graph) -> Graph:
    """A graph whose levels count only the totals in it: what was worked out before needs no pass.

    Examples
    --------
    >>> with_own_levels(Graph({}, {})).nodes
    {}
    """
    levels: dict[str, int] = {}
    before = None
    while before != levels:
        before = dict(levels)
        for name, node in graph.nodes.items():
            needs = {*node.reads, *node.looks_back.values(), node.definition.first} - {name}
            level = max((levels.get(n, 0) for n in needs if n in graph.nodes), default=0)
            levels[name] = level + isinstance(node.definition, Total)
    nodes = {name: replace(node, level=levels[name]) for name, node in graph.nodes.items()}
    return Graph(nodes, graph.leaves)
