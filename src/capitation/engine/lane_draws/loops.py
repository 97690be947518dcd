"""Writes the loops of a simulation with draws as lanes.

A step is what happens in one practice (or commissioner) and period: the random numbers first, then
for each scenario the rules, in one loop over lanes from one random rule to the next.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass

from capitation.engine.drawing import KEYS, DrawingKernel
from capitation.engine.graph import Graph, Node, area_of, time_of
from capitation.engine.kernel import HEADING, SUPPORT, Nest
from capitation.engine.lane_draws.gammas import GAMMA_ROWS
from capitation.engine.lane_draws.numbers import LaneDrawNumbers
from capitation.engine.lane_draws.rows import EACH_SCENARIO
from capitation.engine.lane_draws.samplers import LANES
from capitation.engine.lanes.loops import Block, LaneLoop, len_mark
from capitation.engine.lanes.text import fault_of, statements_of
from capitation.engine.rule import Rule, Total

FAULTS = "lanes that failed"

EACH_PRACTICE = "for p_ in range(first_, last_):"
EACH_YEAR = "for y_ in range(years_):"
EACH_MONTH = "for m_ in range(months_):"
EACH_MONTH_OF_YEAR = "for m_ in range(month_start_[y_], month_start_[y_ + 1]):"

LANE_DRAW_SUPPORT = f"""\
{SUPPORT}

@compiled
def cleared_(rows, count):
    for i in range(count):
        rows[i] = 0.0


@compiled
def collected_(rows, at, out, to, lanes):
    for l_ in range(lanes):
        out[to + l_] = rows[at + l_]


@compiled
def summed_(rows, at, lanes):
    amount = 0.0
    for l_ in range(lanes):
        amount += rows[at + l_]
    return amount
"""


@dataclass(frozen=True)
class LaneDrawSource:
    """Generated source with draws as lanes, and the memory that it works in.

    Attributes
    ----------
    text : str
    inputs : tuple of str
        Arrays read.
    blocks : tuple of Block
        What is handed on, on the dimensions of each.
    rows : int
        How many rows of lanes a step needs for itself.
    collected : tuple of str
        Arrays put aside.
    """

    text: str
    inputs: tuple[str, ...]
    blocks: tuple[Block, ...]
    rows: int
    collected: tuple[str, ...]


class LaneDrawEmission(LaneDrawNumbers):
    """Writes the source of one kernel."""

    def __init__(self, graph: Graph, plain: DrawingKernel):
        super().__init__(graph, plain)
        self.fresh = ""
        self.kept: set[str] = set()

    def source(self) -> LaneDrawSource:
        self.body()
        inputs = tuple(self.plain.inputs)
        blocks = tuple(b for kind in ("held", "kept", "past") for b in self.columns.blocks(kind))
        names = [
            *("scenarios", "commissioners", "years", "months"),
            *("draws", "draw_from", "draws_in_all", "practice_from", "practice_to"),
            *("practice_start", "month_start", *(f"{name}_key" for name in KEYS)),
            *inputs,
            *(block.name for block in blocks),
            *("now", "bits", "singles"),
            *(f"{name}_by_draw" for name in self.plain.collected),
            "fault",
        ]
        parameters = ",\n    ".join(f"{name}_" for name in names)
        text = "\n\n".join(
            [
                f"{HEADING}\n{LANE_DRAW_SUPPORT}",
                *(loop.text(LANES) for loop in self.loops if loop.lines),
                f"@compiled\ndef kernel(\n    {parameters},\n):\n" + "\n".join(self.lines) + "\n",
            ]
        )
        for name, columns in self.columns.of.items():
            text = text.replace(len_mark(name), str(len(columns) * LANES))
        rows = len(self.columns.of["now"]) + GAMMA_ROWS
        return LaneDrawSource(text, inputs, blocks, rows, tuple(self.plain.collected))

    def body(self) -> None:
        self.open("for g_ in range(commissioners_):")
        self.write("first_ = practice_start_[g_]")
        self.write("last_ = practice_start_[g_ + 1]")
        self.write("practices_ = last_ - first_")
        self.open(f"for d_ in range(0, draws_, {LANES}):")
        self.write(f"lanes_ = place_(draws_ - d_ if draws_ - d_ < {LANES} else {LANES})")
        faults = self.now(FAULTS)
        start = len(self.lines)
        for step in self.steps:
            if isinstance(step, Nest):
                self.nest(step)
            elif step.name not in self.fused:
                self.total(step)
        for name, dims in self.plain.collected.items():
            if not self.collected_at_once(name):
                self.collect(name, dims, *self.whole_row(name))
        self.write(f"fault_[0] += summed_(now_, place_({faults}), lanes_)")
        self.lines[start:start] = self.clearing()

    def clearing(self) -> list[str]:
        """Totals begin at zero in every block, and no lane has failed."""
        lines = [f"cleared_(now_, {LANES})"]
        for block in self.columns.blocks("held"):
            if "practice" not in block.dims:
                counts = {"scenario": "scenarios_", "year": "years_", "month": "months_"}
                size = [counts[d] for d in block.dims if d in counts]
                lines.append(
                    f"cleared_({block.name}_, {' * '.join([*size, len_mark(block.name)])})"
                )
        return ["    " * self.depth + line for line in lines]

    # ------------------------------------------------------------------ passes

    def nest(self, nest: Nest) -> None:
        self.present = nest
        self.kept = self.kept_in(nest)
        depth = self.depth
        if nest.area == "practice":
            self.open(EACH_PRACTICE)
        self.step(nest, "")
        self.alone(nest, self.start(nest))
        if nest.timed("year") or nest.timed("month"):
            self.open(EACH_YEAR)
            self.alone(nest, self.begin_year(nest))
            self.step(nest, "year")
            if nest.timed("month"):
                self.open(EACH_MONTH_OF_YEAR)
                self.step(nest, "month")
                self.depth -= 1
            self.end_year(nest)
        self.depth = depth

    def alone(self, nest: Nest, loop: LaneLoop) -> None:
        """Run a loop for each scenario by itself."""
        if loop.lines:
            depth = self.depth
            self.open_scenarios(nest)
            self.run(loop)
            self.depth = depth

    def start(self, nest: Nest) -> LaneLoop:
        """Put down what stands before the first month and year."""
        loop = self.new_loop()
        for time in ("year", "month"):
            for name in self.carried(nest, time):
                past = self.in_nest(loop, "past", f"{name} by {time}")
                loop.lines.append(f"{past} = {self.first_value(loop, name)}")
        return loop

    def begin_year(self, nest: Nest) -> LaneLoop:
        """Totals of the year's months begin at zero; months see the year before."""
        loop = self.new_loop()
        for total in self.months_totals(nest):
            loop.lines.append(f"{self.in_nest(loop, 'kept', total.name)} = 0.0")
        for name in self.years_before(nest):
            past = self.in_nest(loop, "past", f"{name} by year before")
            if "begun_" not in loop.scalars:
                self.loads["begun_"] = "1.0 if y_ > 0 else 0.0"
                loop.scalars.append("begun_")
            first = self.first_value(loop, name)
            loop.lines.append(
                f"{past} = {self.of_year_before(loop, name)} if begun_ > 0.0 else {first}"
            )
        return loop

    def of_year_before(self, loop: LaneLoop, name: str) -> str:
        if self.home.get(name) is self.present:
            return self.in_nest(loop, "kept", name)
        return self.in_held(loop, name, year="(y_ - 1 if y_ > 0 else 0)")

    def end_year(self, nest: Nest) -> None:
        """Hand on the totals of the year's months."""
        totals = self.months_totals(nest)
        if not totals:
            return
        loop = self.new_loop()
        for total in totals:
            kept = self.in_nest(loop, "kept", total.name)
            self.put(loop, total.name, kept)
        depth = self.depth
        self.open_scenarios(nest)
        self.run(loop)
        self.collect_all(total.name for total in totals)
        self.depth = depth

    # ------------------------------------------------------------------ steps

    def step(self, nest: Nest, time: str) -> None:
        """All rules of one practice and period: the random numbers, then scenario by scenario."""
        nodes = nest.timed(time)
        if not nodes:
            return
        drawn = [node for node in nodes if node.drawn]
        self.numbers(drawn)
        depth = self.depth
        self.open_scenarios(nest)
        for node in drawn:
            if self.by_scenario(node):
                self.prepare(node)
        self.in_step, self.at_hand = set(), set()
        loop, waiting = self.new_loop(), list[str]()
        for place, node in enumerate(nodes):
            if node.drawn:
                waiting = self.draw_in(loop, node, waiting)
                loop = self.new_loop()
                continue
            self.rule(loop, node)
            later = nodes[place + 1 :]
            if any(n.drawn for n in later) and self.is_read(node.name, later, nest, time):
                loop.lines.append(f"{self.in_now(loop, node.name)} = {node.name}")
                waiting.append(node.name)
        self.carry(loop, nest, time)
        self.run(loop)
        self.in_step, self.at_hand = set(), set()
        self.collect_all(node.name for node in nodes)
        self.depth = depth

    def is_read(self, name: str, later: list[Node], nest: Nest, time: str) -> bool:
        return name in self.carried(nest, time) or any(name in node.reads for node in later)

    def draw_in(self, loop: LaneLoop, node: Node, waiting: list[str]) -> list[str]:
        """End a loop with the mean of a random rule, and draw around it."""
        self.rule(loop, node)
        self.run(loop)
        assert node.drawn is not None
        spread = node.drawn.spread
        self.write(f"{spread} = {self.plain_element(spread)}")
        mean, own = self.now(f"mean of {node.name}"), self.now(node.name)
        u, _ = self.luck(node)
        if node.drawn.kind == "gamma":
            levels = self.now(f"levels of {node.name}")
            places = f"place_({mean}), place_({levels}), place_({own})"
            self.write(f"gamma_lanes_({spread}, now_, {places})")
        else:
            places = f"place_({mean}), place_({self.terms(node)}), place_({own})"
            self.write(f"if count_lanes_({spread}, now_, singles_, {places}) > 0:")
            places = f"place_({mean}), place_({u}), place_({own})"
            self.write(f"    counts_in_doubt_({spread}, now_, {places})")
        # What the loop before worked out is at hand no longer, but what it put down is.
        self.in_step |= {*waiting, node.name}
        self.at_hand = set()
        self.fresh = node.name
        return []

    def rule(self, loop: LaneLoop, node: Node) -> None:
        """Work out a rule in its own words, mark where it fails, and put it where it is read."""
        self.put_fresh(loop)
        definition = node.definition
        assert isinstance(definition, Rule)
        names = {p: self.argument(loop, node, p) for p in definition.parameters}
        for name, expression in statements_of(definition, names):
            self.mark(loop, fault_of(expression))
            if node.drawn and name == node.name:
                name = self.in_now(loop, f"mean of {name}")
            loop.lines.append(f"{name} = {_unparsed(expression)}")
        if not node.drawn:
            self.at_hand.add(node.name)
            self.put(loop, node.name, node.name)

    def mark(self, loop: LaneLoop, fault: ast.expr | None) -> None:
        """Mark the lanes that divide by zero; where no lane has a say, once for all of them."""
        if fault is None:
            return
        names = {node.id for node in ast.walk(fault) if isinstance(node, ast.Name)}
        if names <= {*loop.scalars, "smaller_", "larger_", "round_to_pence_", "abs"}:
            self.checks.setdefault(loop.name, []).append(_unparsed(fault))
            return
        marked = ast.IfExp(fault, ast.Constant(1.0), ast.Constant(0.0))
        loop.lines.append(f"{self.in_now(loop, FAULTS)} += {_unparsed(marked)}")

    def put_fresh(self, loop: LaneLoop) -> None:
        """What was drawn just now is put where it is read in the loop that follows."""
        if self.fresh:
            name, self.fresh = self.fresh, ""
            self.put(loop, name, self.value(loop, name))

    def put(self, loop: LaneLoop, name: str, value: str) -> None:
        """Put a value where other loops read it, and into the totals that are taken of it."""
        if name in self.held:
            loop.lines.append(f"{self.in_held(loop, name)} = {value}")
        if name in self.home and name in self.kept:
            loop.lines.append(f"{self.in_nest(loop, 'kept', name)} = {value}")
        if self.collected_at_once(name) and self.in_now(loop, name) != value:
            loop.lines.append(f"{self.in_now(loop, name)} = {value}")
        for total in self.totals_of(name, "practices"):
            loop.lines.append(f"{self.in_held(loop, total.name)} += {value}")
        for total in self.totals_of(name, "months"):
            loop.lines.append(f"{self.in_nest(loop, 'kept', total.name)} += {value}")

    def carry(self, loop: LaneLoop, nest: Nest, time: str) -> None:
        """Put down what the next month, or year, looks back at."""
        self.put_fresh(loop)
        for name in self.carried(nest, time) if time else ():
            past = self.in_nest(loop, "past", f"{name} by {time}")
            loop.lines.append(f"{past} = {self.value(loop, name)}")

    # ------------------------------------------------------------------ totals, what is put aside

    def total(self, node: Node) -> None:
        """A total by itself: of what another pass, or the plain kernel, worked out."""
        definition = node.definition
        assert isinstance(definition, Total)
        self.present = Nest("scenario" in node.dims, node.level, area_of(node.dims))
        self.write(f"# {node.name}: {definition.of} over {definition.over}")
        depth = self.depth
        self.open_scenarios(self.present)
        if area_of(node.dims) == "practice":
            self.open(EACH_PRACTICE)
        time = time_of(node.dims)
        if time:
            self.open(EACH_YEAR if time == "year" else EACH_MONTH)
        zero, loop = self.new_loop(), self.new_loop()
        zero.lines.append(f"{self.in_held(zero, node.name)} = 0.0")
        self.run(zero)
        self.open(EACH_MONTH_OF_YEAR if definition.over == "months" else EACH_PRACTICE)
        target = self.in_held(loop, node.name)
        loop.lines.append(f"{target} += {self.value(loop, definition.of)}")
        self.run(loop)
        self.depth = depth

    def collect_all(self, names: Iterable[str]) -> None:
        for name in names:
            if self.collected_at_once(name):
                self.collect_row(name, "now", str(self.now(name)))

    def collect_row(self, name: str, block: str, at: str) -> None:
        """Put aside one row of draws, at the present place of the loops."""
        counts = {
            "scenario": ("scenarios_", "s_"),
            "commissioner_code": ("commissioners_", "g_"),
            "practice": ("(practice_to_ - practice_from_)", "(p_ - practice_from_)"),
            "year": ("years_", "y_"),
        }
        place = "0"
        for dim in self.plain.collected[name]:
            count, here = counts[dim]
            place = here if place == "0" else f"({place} * {count} + {here})"
        to = f"{place} * draws_in_all_ + draw_from_ + d_"
        depth = self.depth
        if "practice" in self.plain.collected[name]:
            self.open("if practice_from_ <= p_ and p_ < practice_to_:")
        out = f"{name}_by_draw_"
        self.write(f"collected_({block}_, place_({at}), {out}, place_({to}), lanes_)")
        self.depth = depth

    def whole_row(self, name: str) -> tuple[str, str]:
        """The block of a held value, and where its row begins."""
        loop = LaneLoop("")
        self.in_held(loop, name)
        block, row = next(iter(loop.rows.values()))
        return block, f"{row} + {self.columns.of[block].index(name) * LANES}"

    def collect(self, name: str, dims: tuple[str, ...], block: str, at: str) -> None:
        """Put aside what was held, when all of it is there."""
        depth = self.depth
        each = {"scenario": EACH_SCENARIO, "practice": EACH_PRACTICE, "year": EACH_YEAR}
        for dim in dims:
            if dim in each:
                self.open(each[dim])
        self.collect_row(name, block, at)
        self.depth = depth


def _unparsed(expression: ast.expr) -> str:
    return ast.unparse(ast.fix_missing_locations(expression))
