"""Rows of lanes of a simulation, and how a loop over lanes reads and writes them.

Rows lie in blocks: ``now`` holds what one loop hands to the next within a step, ``kept`` what a
practice keeps for its months or until the year's end, ``past`` what rules look back at, and
``held`` what one pass, or one practice's sum, hands to the next.
"""

from __future__ import annotations

from collections.abc import Iterable

from capitation.engine.drawing import DrawingKernel
from capitation.engine.graph import Graph, Node, time_of
from capitation.engine.kernel import INDEX, Nest
from capitation.engine.lane_draws.plan import LaneDrawPlan
from capitation.engine.lane_draws.samplers import LANES
from capitation.engine.lanes.loops import Columns, LaneLoop, len_mark

EACH_SCENARIO = "for s_ in range(scenarios_):"
LETTERS = {"scenario": "s", "practice": "p", "commissioner_code": "g"}


def block_of(kind: str, dims: Iterable[str]) -> str:
    """Name of the block of some dimensions.

    Examples
    --------
    >>> block_of("held", ("scenario", "practice", "year"))
    'held_s_p_year'
    """
    return "_".join([kind, *(LETTERS.get(d, d) for d in dims)])


class LaneDrawRows(LaneDrawPlan):
    """Where every value stands at the present place of the loops."""

    def __init__(self, graph: Graph, plain: DrawingKernel):
        super().__init__(graph, plain)
        self.columns = Columns()
        self.loops: list[LaneLoop] = []
        self.loads: dict[str, str] = {}
        self.checks: dict[str, list[str]] = {}
        self.lines: list[str] = []
        self.depth = 1
        self.in_step: set[str] = set()
        self.at_hand: set[str] = set()
        self.present = Nest(False, 0, "")

    # ------------------------------------------------------------------ lines

    def write(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    def open(self, text: str) -> None:
        self.write(text)
        self.depth += 1

    def open_scenarios(self, nest: Nest) -> None:
        if nest.scenario:
            self.open(EACH_SCENARIO)

    def run(self, loop: LaneLoop) -> None:
        for name in loop.scalars:
            self.write(f"{name} = {self.loads[name]}")
        for fault in self.checks.get(loop.name, ()):
            self.write(f"fault_[0] += 1.0 if ({fault}) else 0.0")
        if loop.lines:
            self.write(loop.call())

    def new_loop(self) -> LaneLoop:
        loop = LaneLoop(f"lanes_{len(self.loops)}_")
        self.loops.append(loop)
        return loop

    # ------------------------------------------------------------------ rows

    def now(self, *names: str) -> int:
        """Where the first of some columns of the block ``now`` begins."""
        for name in names:
            self.columns.add("now", (), name)
        return self.columns.of["now"].index(names[0]) * LANES

    def row(self, block: str, *, year: str = "y_") -> str:
        """Where the row of a block begins, at the present place of the loops."""
        steps = {
            "scenario": ("scenarios_", "s_"),
            "practice": ("practices_", "(p_ - first_)"),
            "year": ("years_", year),
            "month": ("months_", "m_"),
        }
        place = "0"
        for dim in self.columns.dims[block]:
            if dim in steps:
                count, at = steps[dim]
                place = at if place == "0" else f"({place} * {count} + {at})"
        return f"{place} * {len_mark(block)}"

    def element(self, loop: LaneLoop, block: str, column: str, *, year: str = "y_") -> str:
        """An element of a row, in a loop over lanes."""
        known = block if year == "y_" else f"{block}_before"
        if known not in loop.rows:
            loop.rows[known] = (block, self.row(block, year=year))
        at = self.columns.of[block].index(column) * LANES
        return f"{known}_[{known}_at_ + place_({at}) + l_]"

    def in_now(self, loop: LaneLoop, column: str) -> str:
        self.now(column)
        return self.element(loop, "now", column)

    def in_nest(self, loop: LaneLoop, kind: str, column: str) -> str:
        """An element that is kept within a nest, for each scenario."""
        dims = ("scenario",) if self.present.scenario else ()
        block = block_of(kind, dims)
        self.columns.add(block, dims, column)
        return self.element(loop, block, column)

    def in_held(self, loop: LaneLoop, name: str, *, year: str = "y_") -> str:
        dims = self.graph[name].dims
        block = block_of("held", dims)
        self.columns.add(block, dims, name)
        return self.element(loop, block, name, year=year)

    def scalar(self, loop: LaneLoop, name: str, *, start: bool = False) -> str:
        """A plain number that was worked out before."""
        known = f"{name}_at_start_" if start and time_of(self.graph[name].dims) else name
        self.loads[known] = self.plain_element(name, start=start)
        if known not in loop.scalars:
            loop.scalars.append(known)
        return known

    def plain_element(self, name: str, *, start: bool = False) -> str:
        at = INDEX | ({"month": "0", "year": "0"} if start else {})
        places = ", ".join(at[d] for d in self.graph[name].dims)
        return f"{name}_[{places or '()'}]"

    # ------------------------------------------------------------------ values in a loop

    def value(self, loop: LaneLoop, name: str) -> str:
        """A value at the present place."""
        if name in self.at_hand:
            return name
        if name in self.in_step:
            return self.in_now(loop, name)
        if name not in self.graph.nodes:
            return self.scalar(loop, name)
        if self.home.get(name) is self.present:
            return self.in_nest(loop, "kept", name)
        return self.in_held(loop, name)

    def named(self, loop: LaneLoop, name: str, value: str) -> str:
        """Give a value its name in a loop, once."""
        line = f"{name} = {value}"
        if value != name and line not in loop.lines:
            loop.lines.append(line)
        return name

    def first_value(self, loop: LaneLoop, name: str) -> str:
        """What stands before the first month, or year, of a name."""
        first = self.graph.first_of(name)
        if first in self.graph.nodes:
            return self.value(loop, first)
        return self.scalar(loop, first, start=True)

    def argument(self, loop: LaneLoop, node: Node, parameter: str) -> str:
        name = node.looks_back.get(parameter)
        if name is None:
            if parameter in self.at_hand:
                return parameter
            return self.named(loop, parameter, self.value(loop, parameter))
        known = f"previous_{name}"
        by = "year before" if self.looks_over_years(node, name) else time_of(node.dims)
        return self.named(loop, known, self.in_nest(loop, "past", f"{name} by {by}"))
