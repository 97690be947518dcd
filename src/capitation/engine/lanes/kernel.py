"""The fast layout of a kernel: scenarios side by side, as the lanes of a vector unit.

`emit_lanes` writes the loops of `engine.kernel` in another order: commissioner, tile of scenarios,
pass, fiscal year, practice, month, lane. The rules' text is the same, called in the same order, and
every sum is taken in the same order, so that both layouts give the same bits.

Only what has scenarios and an area (a practice or a commissioner) is run here. All else is worked
out before by the plain kernel, and comes in as arrays: what has no scenario as plain numbers, what
has scenarios as rows of lanes. A commissioner belongs to one thread, with all its totals.

A loop over lanes cannot stop to say that a rule divided by zero. It marks the lane instead, and
whoever runs the kernel has the plain one say which rule it was.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from capitation.engine.graph import Graph, Leaf, Node, area_of, time_of
from capitation.engine.kernel import HEADING, INDEX, SUPPORT, Nest
from capitation.engine.lanes.loops import Block, Derived, LaneLoop, len_mark
from capitation.engine.lanes.rows import LaneRows
from capitation.engine.lanes.text import fault_of, statements_of
from capitation.engine.rule import Rule, Total

WIDTH = 32
"""Lanes of a full tile: wide enough for any vector unit, and a year's tables stay close at hand."""

LANE_SUPPORT = f"{SUPPORT}\n\nfrom numpy import uint64 as place_\n"
"""Places in memory are unsigned: Numba would ask of each signed one whether it is negative."""


@dataclass(frozen=True)
class LaneKernel:
    """Generated source in the fast layout, with what it reads and writes.

    Attributes
    ----------
    source : str
    width : int
        Lanes of a tile.
    inputs : dict of str to Derived
        Every array read, by the name that the source has for it.
    scalars : tuple of str
        Those of `inputs` that have no scenario.
    tables : tuple of Block
        Those of `inputs` that have scenarios, in rows.
    scratch : tuple of Block
        What a commissioner's rules hand to each other.
    results : tuple of Block
        What was asked for.
    before : tuple of str
        Rules and totals to be worked out before, by the plain kernel.
    """

    source: str
    width: int
    inputs: dict[str, Derived]
    scalars: tuple[str, ...]
    tables: tuple[Block, ...]
    scratch: tuple[Block, ...]
    results: tuple[Block, ...]
    before: tuple[str, ...]


def in_lanes(node: Node | Leaf) -> bool:
    """Whether a node is run lane by lane: it has scenarios, and an area."""
    return "scenario" in node.dims and bool(area_of(node.dims))


def width_for(scenarios: int) -> int:
    """Lanes of a tile for a number of scenarios.

    Examples
    --------
    >>> width_for(3), width_for(12), width_for(500)
    (8, 16, 32)
    """
    return next((width for width in (8, 16) if scenarios <= width), WIDTH)


def emit_lanes(graph: Graph, wanted: Iterable[str], width: int = WIDTH) -> LaneKernel:
    """Write the kernel that computes, lane by lane, those of `wanted` that have lanes.

    Parameters
    ----------
    graph : Graph
    wanted : iterable of str
        Rules and totals to give back. Those without scenarios or area are listed in the kernel's
        `before`, with all else that it reads.
    width : int
        Lanes of a tile.

    Returns
    -------
    LaneKernel
    """
    names = list(dict.fromkeys(wanted))
    whole = graph.only(names)
    own = {name: node for name, node in whole.nodes.items() if in_lanes(node)}
    before = [name for name in names if name not in own]
    emission = LaneEmission(whole, own, [name for name in names if name in own], width)
    return emission.kernel(before)


class LaneEmission(LaneRows):
    """Writes the loops of one kernel in lanes."""

    def __init__(self, graph: Graph, own: dict[str, Node], wanted: list[str], width: int):
        super().__init__(graph, own, wanted, width)
        self.loops: list[LaneLoop] = []
        self.lines: list[str] = []
        self.depth = 1

    # ------------------------------------------------------------------ the whole text

    def kernel(self, before: Sequence[str]) -> LaneKernel:
        self.body()
        needed = [d.of for d in self.inputs.values()] + [d.first for d in self.inputs.values()]
        before = [*before, *(n for n in needed if n in self.graph.nodes and n not in self.own)]
        scalars = tuple(sorted(n for n, d in self.inputs.items() if "scenario" not in d.dims))
        blocks = [self.columns.blocks(kind) for kind in ("table", "held", "past", "result")]
        tables, scratch, results = blocks[0], blocks[1] + blocks[2], blocks[3]
        names = [
            "group_from",
            "group_to",
            "tiles",
            "years",
            "months",
            "practice_start",
            "month_start",
            *scalars,
            *(block.name for block in (*tables, *scratch, *results)),
            "faults",
        ]
        parameters = ",\n    ".join(f"{name}_" for name in names)
        text = "\n\n".join(
            [
                f"{HEADING}\n{LANE_SUPPORT}",
                *(loop.text(self.width) for loop in self.loops if loop.lines),
                f"@compiled\ndef kernel(\n    {parameters},\n):\n" + "\n".join(self.lines) + "\n",
            ]
        )
        for block in (*tables, *scratch, *results):
            text = text.replace(len_mark(block.name), str(len(block.columns) * self.width))
        names_before = tuple(dict.fromkeys(before))
        return LaneKernel(
            text, self.width, self.inputs, scalars, tables, scratch, results, names_before
        )

    def write(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    def open(self, text: str) -> None:
        self.write(text)
        self.depth += 1

    def body(self) -> None:
        self.open("for g_ in range(group_from_, group_to_):")
        self.write("first_ = practice_start_[g_]")
        self.write("last_ = practice_start_[g_ + 1]")
        self.open("for tile_ in range(tiles_):")
        start = len(self.lines)
        rest = (s for s in self.steps if isinstance(s, Nest) or s.name not in self.fused)
        for place, steps in groupby(rest, self.place_of_total):
            if place is None:
                for nest in steps:
                    assert isinstance(nest, Nest)
                    self.nest(nest)
            else:
                self.totals([step for step in steps if isinstance(step, Node)])
        self.hand_over()
        self.lines[start:start] = self.clearing()
        self.depth -= 2

    def clearing(self) -> list[str]:
        """Totals begin at zero."""
        indent = "    " * self.depth
        lines = []
        for block in self.columns.blocks("held_g"):
            size = {"": "1", "year": "years_", "month": "months_"}[time_of(block.dims)]
            stretch = len(block.columns) * self.width
            lines += [
                f"{indent}for i_ in range({size} * {stretch}):",
                f"{indent}    {block.name}_[i_] = 0.0",
            ]
        return lines

    def hand_over(self) -> None:
        """Give back what is wanted of totals, and of the commissioner."""
        places: dict[tuple[str, ...], list[str]] = {}
        for name in self.wanted:
            home = self.home.get(name)
            if home is None or home.area != "practice":
                places.setdefault(self.place_of(name), []).append(name)
        for dims, names in places.items():
            loop = self.new_loop()
            for name in names:
                value = self.read(loop, "held", name)
                self.assign(loop, self.block_of("result", dims), name, value)
            depth = self.depth
            if area_of(dims) == "practice":
                self.open(EACH_PRACTICE)
            self.open_time(time_of(dims))
            self.write(loop.call())
            self.depth = depth

    def open_time(self, time: str) -> None:
        if time:
            self.open({"year": EACH_YEAR, "month": EACH_MONTH}[time])

    def new_loop(self) -> LaneLoop:
        loop = LaneLoop(f"lanes_{len(self.loops)}_")
        self.loops.append(loop)
        return loop

    # ------------------------------------------------------------------ totals by themselves

    def place_of_total(self, step: Nest | Node) -> tuple[str, ...] | None:
        """What tells apart the loops of totals that cannot run in one; None of a nest."""
        if isinstance(step, Nest):
            return None
        assert isinstance(step.definition, Total)
        return (step.definition.over, str(step.level), *self.graph[step.definition.of].dims)

    def totals(self, nodes: list[Node]) -> None:
        """Totals of totals, or of what was worked out before, in one loop."""
        definition = nodes[0].definition
        assert isinstance(definition, Total)
        self.write(f"# {', '.join(node.name for node in nodes)}: over {definition.over}")
        place = self.place_of(nodes[0].name)
        zero, loop = self.new_loop(), self.new_loop()
        block = self.block_of("held", place)
        for node in nodes:
            assert isinstance(node.definition, Total)
            if area_of(place) == "practice":
                self.assign(zero, block, node.name, "0.0")
            value = self.value_of(loop, node.definition.of)
            loop.lines.append(f"{self.element(loop, block, node.name)} += {value}")
        depth = self.depth
        if area_of(place) == "practice":
            self.open(EACH_PRACTICE)
        self.open_time(time_of(place))
        self.run(zero)
        self.open(EACH_MONTH_OF_YEAR if definition.over == "months" else EACH_PRACTICE)
        self.run(loop)
        self.depth = depth

    # ------------------------------------------------------------------ rules

    def nest(self, nest: Nest) -> None:
        start = self.loop_of_rules(nest, "")
        yearly = self.loop_of_rules(nest, "year")
        monthly = self.loop_of_rules(nest, "month")
        practices = nest.area == "practice"
        if start.lines:
            if practices:
                self.open(EACH_PRACTICE)
            self.run(start)
            self.depth -= practices
        if not yearly.lines and not monthly.lines:
            return
        self.open(EACH_YEAR)
        if practices:
            self.open(EACH_PRACTICE)
        self.run(yearly)
        if monthly.lines:
            moving = [n for n in monthly.scalars if time_of(self.inputs[n].dims) == "month"]
            known = {*moving, *(yearly.scalars if yearly.lines else ())}
            self.load_scalars([n for n in monthly.scalars if n not in known])
            self.open(EACH_MONTH_OF_YEAR)
            self.load_scalars(moving)
            self.write(monthly.call())
            self.depth -= 1
        self.depth -= 1 + practices

    def run(self, loop: LaneLoop) -> None:
        if loop.lines:
            self.load_scalars(loop.scalars)
            self.write(loop.call())

    def load_scalars(self, names: Iterable[str]) -> None:
        for name in names:
            place = ", ".join(INDEX[d] for d in self.inputs[name].dims)
            self.write(f"{name} = {name}_[{place or '()'}]")

    def loop_of_rules(self, nest: Nest, time: str) -> LaneLoop:
        """The loop over lanes of the rules of a nest that move by `time`.

        Before the first month or year, it puts down the values that stand before; at the beginning
        of a year, what months look back at in the year before.
        """
        nodes = nest.timed(time)
        loop = self.new_loop()
        if time == "year":
            self.begin_year(loop, nest)
        for name in self.names_read(nodes):
            self.named(loop, name, self.value_of(loop, name))
        carried = self.carried(nodes, time) if time else []
        for name in carried:
            loop.lines.append(f"previous_{name} = {self.kept(loop, nest, name, time)}")
        for node in nodes:
            self.rule(loop, nest, node)
        for name in carried:
            self.keep(loop, nest, name, time, name)
        if time == "":
            for other in ("year", "month"):
                for name in self.carried(nest.timed(other), other):
                    self.keep(loop, nest, name, other, self.first_value(loop, name))
        return loop

    def begin_year(self, loop: LaneLoop, nest: Nest) -> None:
        """Totals of a practice's year begin at zero; months see what they look back at."""
        for total in self.fused_into(nest):
            place = self.place_of(total.name)
            if place == ("practice", "year"):
                self.assign(loop, self.block_of("held", place), total.name, "0.0")
        for name in self.looked_back_by_months(nest):
            self.keep(loop, nest, name, "year before", self.before_the_year(loop, name))

    def rule(self, loop: LaneLoop, nest: Nest, node: Node) -> None:
        """Work out a rule in its own words, mark divisions by zero, put it where it is read."""
        definition = node.definition
        assert isinstance(definition, Rule)
        names = {p: self.argument(loop, node, p) for p in definition.parameters}
        for name, expression in statements_of(definition, names):
            fault = fault_of(expression)
            if fault is not None:
                loop.rows["faults"] = ("faults", f"(g_ * tiles_ + tile_) * {self.width}")
                marked = ast.IfExp(fault, ast.Constant(1.0), ast.Constant(0.0))
                loop.lines.append(f"faults_[faults_at_ + l_] += {unparsed(marked)}")
            loop.lines.append(f"{name} = {unparsed(expression)}")
        if node.name in self.held:
            self.assign(loop, self.block_of("held", node.dims), node.name, node.name)
        if node.name in self.wanted and nest.area == "practice":
            self.assign(loop, self.block_of("result", node.dims), node.name, node.name)
        for total in self.fused_into(nest):
            assert isinstance(total.definition, Total)
            if total.definition.of == node.name:
                element = self.element(loop, self.block_of("held", total.dims), total.name)
                loop.lines.append(f"{element} += {node.name}")


EACH_PRACTICE = "for p_ in range(first_, last_):"
EACH_YEAR = "for y_ in range(years_):"
EACH_MONTH = "for m_ in range(months_):"
EACH_MONTH_OF_YEAR = "for m_ in range(month_start_[y_], month_start_[y_ + 1]):"


def unparsed(expression: ast.expr) -> str:
    """The text of an expression."""
    return ast.unparse(ast.fix_missing_locations(expression))
