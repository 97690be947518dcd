"""Writes the loops of a simulation with draws as lanes.

A step is what happens in one practice (or commissioner) and period: the random numbers first, then
for each scenario the rules, in one loop over lanes from one random rule to the next. Rows of lanes
lie in blocks: ``now`` holds what one loop hands to the next within a step, ``kept`` what a practice
keeps for its months or until the year's end, ``past`` what rules look back at, and ``held`` what
one pass, or one practice's sum, hands to the next.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass

from capitation.engine.drawing import KEYS, DrawingKernel
from capitation.engine.graph import Graph, Node, area_of, time_of
from capitation.engine.kernel import HEADING, INDEX, SUPPORT, Nest, nests_in_order
from capitation.engine.lane_loops import Block, Columns, LaneLoop, len_mark
from capitation.engine.lane_quantiles import COUNT_ROWS, GAMMA_ROWS, LANES
from capitation.engine.lane_text import fault_of, statements_of
from capitation.engine.rule import Rule, Total

FAULTS = "lanes that failed"

EACH_SCENARIO = "for s_ in range(scenarios_):"
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


class LaneDrawEmission:
    """Writes the source of one kernel.

    Parameters
    ----------
    graph : Graph
        The part of the rules that is run in each draw.
    plain : DrawingKernel
        The plain layout of the same.
    """

    def __init__(self, graph: Graph, plain: DrawingKernel):
        self.graph = graph
        self.plain = plain
        self.steps = nests_in_order(graph)
        nests = [step for step in self.steps if isinstance(step, Nest)]
        self.home = {node.name: nest for nest in nests for node in nest.nodes}
        self.fused: dict[str, Node] = {}
        for step in self.steps:
            if isinstance(step, Node) and self.fuses(step):
                self.fused[step.name] = step
        self.held = self.names_to_hold()
        self.columns = Columns()
        self.loops: list[LaneLoop] = []
        self.loads: dict[str, str] = {}
        self.lines: list[str] = []
        self.depth = 1
        self.in_step: set[str] = set()
        self.at_hand: set[str] = set()
        self.fresh = ""
        self.kept: set[str] = set()
        self.present = Nest(False, 0, "")

    # ------------------------------------------------------------------ what goes where

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

    @staticmethod
    def block_of(kind: str, dims: Iterable[str]) -> str:
        letters = {"scenario": "s", "practice": "p", "commissioner_code": "g"}
        return "_".join([kind, *(letters.get(d, d) for d in dims)])

    # ------------------------------------------------------------------ the whole text

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
            *("now", "bits", *(f"{name}_by_draw" for name in self.plain.collected), "fault"),
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

    def write(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    def open(self, text: str) -> None:
        self.write(text)
        self.depth += 1

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
                lines.append(f"cleared_({block.name}_, {' * '.join([*size, len_mark(block.name)])})")
        return ["    " * self.depth + line for line in lines]

    # ------------------------------------------------------------------ rows

    def new_loop(self) -> LaneLoop:
        loop = LaneLoop(f"lanes_{len(self.loops)}_")
        self.loops.append(loop)
        return loop

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
        block = self.block_of(kind, dims)
        self.columns.add(block, dims, column)
        return self.element(loop, block, column)

    def in_held(self, loop: LaneLoop, name: str, *, year: str = "y_") -> str:
        dims = self.graph[name].dims
        block = self.block_of("held", dims)
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

    def looks_over_years(self, node: Node, name: str) -> bool:
        """Whether a rule of a month looks back at something of a year."""
        return time_of(node.dims) == "month" and time_of(self.graph[name].dims) == "year"

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

    def open_scenarios(self, nest: Nest) -> None:
        if nest.scenario:
            self.open(EACH_SCENARIO)

    def run(self, loop: LaneLoop) -> None:
        for name in loop.scalars:
            self.write(f"{name} = {self.loads[name]}")
        if loop.lines:
            self.write(loop.call())

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
            loop.lines.append(f"{past} = {self.of_year_before(loop, name)} if begun_ > 0.0 else {first}")
        return loop

    def of_year_before(self, loop: LaneLoop, name: str) -> str:
        if self.home.get(name) is self.present:
            return self.in_nest(loop, "kept", name)
        return self.in_held(loop, name, year="(y_ - 1 if y_ > 0 else 0)")

    def months_totals(self, nest: Nest) -> list[Node]:
        """Totals over months that are taken in a nest."""
        return [total for node in nest.nodes for total in self.totals_of(node.name, "months")]

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
            places = f"place_({mean}), place_({u}), place_({self.terms(node)}), place_({own})"
            self.write(f"negative_binomial_lanes_({spread}, now_, {places})")
        # What the loop before worked out is at hand no longer, but what it put down is.
        self.in_step |= {*waiting, node.name}
        self.at_hand = set()
        self.fresh = node.name
        return []

    def rule(self, loop: LaneLoop, node: Node) -> None:
        """Work out a rule in its own words, mark a division by zero, and put it where it is read."""
        self.put_fresh(loop)
        definition = node.definition
        assert isinstance(definition, Rule)
        names = {p: self.argument(loop, node, p) for p in definition.parameters}
        for name, expression in statements_of(definition, names):
            fault = fault_of(expression)
            if fault is not None:
                marked = ast.IfExp(fault, ast.Constant(1.0), ast.Constant(0.0))
                loop.lines.append(f"{self.in_now(loop, FAULTS)} += {_unparsed(marked)}")
            if node.drawn and name == node.name:
                name = self.in_now(loop, f"mean of {name}")
            loop.lines.append(f"{name} = {_unparsed(expression)}")
        if not node.drawn:
            self.at_hand.add(node.name)
            self.put(loop, node.name, node.name)

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

    # ------------------------------------------------------------------ random numbers

    def numbers(self, drawn: list[Node]) -> None:
        """The random numbers of a step: none of them knows a scenario."""
        for stream in dict.fromkeys(self.graph.stream_of(node.name) for node in drawn):
            node = next(n for n in drawn if self.graph.stream_of(n.name) == stream)
            u, w = self.luck(node)
            area, time = area_of(node.dims), time_of(node.dims)
            of_area = f"{area}_key_[{INDEX[area]}]" if area else "no_key_[0]"
            of_time = f"{time}_key_[{INDEX[time]}]" if time else "no_key_[0]"
            of_stream = f"stream_key_[{self.plain.streams.index(stream)}]"
            key = f"key_of_draws_({of_area}, {of_time}, {of_stream})"
            self.write(f"uniform_lanes_({key}, draw_key_, place_(d_), now_, place_({u}))")
            places = f"place_({u}), place_({w}), place_({len_mark('now')})"
            self.write(f"normal_lanes_(now_, bits_, {places})")
        for node in drawn:
            if not self.by_scenario(node):
                self.prepare(node)

    def luck(self, node: Node) -> tuple[int, int]:
        """Where the uniforms and normal deviates of a random rule stand."""
        stream = self.graph.stream_of(node.name)
        return self.now(f"uniforms of {stream}"), self.now(f"deviates of {stream}")

    def terms(self, node: Node) -> int:
        return self.now(*(f"terms of {node.name}, {i}" for i in range(COUNT_ROWS)))

    def by_scenario(self, node: Node) -> bool:
        """Whether scenarios differ in how widely a random rule is drawn."""
        assert node.drawn is not None
        return "scenario" in self.graph[node.drawn.spread].dims

    def prepare(self, node: Node) -> None:
        """What is the same for every mean that a random rule may have."""
        assert node.drawn is not None
        spread = node.drawn.spread
        self.write(f"{spread} = {self.plain_element(spread)}")
        u, w = self.luck(node)
        if node.drawn.kind == "gamma":
            levels = self.now(f"levels of {node.name}")
            places = ", ".join(f"place_({at})" for at in (u, w, levels, len_mark("now")))
            self.write(f"gamma_level_lanes_({spread}, now_, bits_, {places})")
        else:
            places = f"place_({w}), place_({self.terms(node)})"
            self.write(f"count_terms_(larger_one_({spread}), now_, {places})")

    # ------------------------------------------------------------------ totals and what is kept

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

    def collected_at_once(self, name: str) -> bool:
        """Whether a value is put aside as soon as it is worked out."""
        if name not in self.plain.collected:
            return False
        return name in self.home or (name in self.fused and self.of_months(self.fused[name]))

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
