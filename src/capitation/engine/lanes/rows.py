"""Where everything stands in a kernel in lanes: what is read, held, carried, and given back."""

from __future__ import annotations

from collections.abc import Iterable

from capitation.engine.graph import Graph, Node, area_of, time_of
from capitation.engine.kernel import Nest, nests_in_order
from capitation.engine.lanes.loops import Columns, Derived, LaneLoop, len_mark
from capitation.engine.rule import Total

AREAS = {"practice": "p", "commissioner_code": "g"}
BEGUN = Derived("", "begun", "", ("year",))
"""Whether a year is not the first: 1 or 0."""


class LaneRows:
    """The values of a kernel in lanes, and the texts that stand for them.

    Blocks are named by what they hold: ``table`` (read), ``held`` (values of the commissioner at
    hand), ``past`` (values of the month before) or ``result``; then ``p`` (by practice), ``g`` (by
    commissioner) or nothing; then the time.
    """

    def __init__(self, graph: Graph, own: dict[str, Node], wanted: list[str], width: int):
        self.graph = graph
        self.own = own
        self.wanted = wanted
        self.width = width
        self.inputs: dict[str, Derived] = {}
        self.columns = Columns()
        self.steps = nests_in_order(Graph(own, {}))
        nests = [step for step in self.steps if isinstance(step, Nest)]
        self.home = {node.name: nest for nest in nests for node in nest.nodes}
        self.fused = {
            step.name: step for step in self.steps if isinstance(step, Node) and self.fuses(step)
        }
        self.held = self.names_to_hold()
        for name in self.held:
            self.columns.add(self.block_of("held", own[name].dims), self.place_of(name), name)
        for name in wanted:
            dims = own[name].dims
            self.columns.add(self.block_of("result", dims), self.place_of(name), name)

    def fuses(self, total: Node) -> bool:
        """Whether a total is taken while what it sums is worked out."""
        assert isinstance(total.definition, Total)
        return total.definition.of in self.home

    def names_to_hold(self) -> list[str]:
        """What is put down for another loop to take up."""
        held = {step.name for step in self.steps if isinstance(step, Node)}
        held |= {name for name in self.wanted if "practice" not in self.own[name].dims}
        for step in self.steps:
            if isinstance(step, Node):
                assert isinstance(step.definition, Total)
                if step.name not in self.fused:
                    held.add(step.definition.of)
                continue
            for node in step.nodes:
                time = time_of(node.dims)
                for name in (*node.reads, *node.looks_back.values()):
                    if name in self.own and (
                        self.home.get(name) is not step or time_of(self.own[name].dims) != time
                    ):
                        held.add(name)
                for name in node.looks_back.values():
                    held.add(self.graph.first_of(name))
        return sorted(held & set(self.own))

    def place_of(self, name: str) -> tuple[str, ...]:
        return tuple(d for d in self.own[name].dims if d != "scenario")

    @staticmethod
    def block_of(kind: str, dims: Iterable[str]) -> str:
        dims = tuple(dims)
        parts = [kind, AREAS.get(area_of(dims), ""), time_of(dims)]
        return "_".join(part for part in parts if part)

    def row(self, block: str, *, year: str = "y_") -> str:
        """Where the row of a block begins, at the present place of the loops."""
        dims = self.columns.dims[block]
        area, time = area_of(dims), time_of(dims)
        at_time = {"year": year, "month": "m_", "": ""}[time]
        count = {"year": "years_", "month": "months_", "": "1"}[time]
        kind = block.split("_")[0]
        if kind in ("held", "past"):
            place = "(p_ - first_)" if area == "practice" else "0"
        else:
            place = {"practice": "p_", "commissioner_code": "g_", "": "0"}[area]
        within = f"({place} * {count} + {at_time})" if time else place
        if kind in ("table", "result"):
            within = f"({within} * tiles_ + tile_)"
        return f"{within} * {len_mark(block)}"

    def element(self, loop: LaneLoop, block: str, name: str, row: str = "") -> str:
        """An element of a block's row, in a loop over lanes."""
        known = f"{block}_before" if row else block
        if known not in loop.rows:
            loop.rows[known] = (block, row or self.row(block))
        column = self.columns.of[block].index(name) * self.width
        return f"{known}_[{known}_at_ + place_({column}) + l_]"

    def read(self, loop: LaneLoop, kind: str, name: str) -> str:
        return self.element(loop, self.block_of(kind, self.own[name].dims), name)

    def assign(self, loop: LaneLoop, block: str, name: str, value: str) -> None:
        loop.lines.append(f"{self.element(loop, block, name)} = {value}")

    def take(self, loop: LaneLoop, name: str, derived: Derived) -> str:
        """What was worked out before: a plain number, or an element of a table."""
        self.inputs[name] = derived
        if "scenario" not in derived.dims:
            if name not in loop.scalars:
                loop.scalars.append(name)
            return name
        place = tuple(d for d in derived.dims if d != "scenario")
        block = self.block_of("table", place)
        self.columns.add(block, place, name)
        return self.element(loop, block, name)

    def value_of(self, loop: LaneLoop, name: str) -> str:
        """A value at the present place: held for this commissioner, or worked out before."""
        if name in self.own:
            return self.read(loop, "held", name)
        return self.take(loop, name, Derived(name, "", "", self.graph[name].dims))

    def first_value(self, loop: LaneLoop, name: str) -> str:
        """What stands before the first month, or year, of a name."""
        first = self.graph.first_of(name)
        dims = self.graph[first].dims
        if not time_of(dims):
            return self.value_of(loop, first)
        at_start = tuple(d for d in dims if d not in ("month", "year"))
        return self.take(loop, f"{first}_at_start_", Derived(first, "start", "", at_start))

    def looked_back_by_months(self, nest: Nest) -> list[str]:
        """Yearly values that rules of a month look back at."""
        names = {n for node in nest.timed("month") for n in node.looks_back.values()}
        return sorted(n for n in names if n in self.own and time_of(self.own[n].dims) == "year")

    def before_the_year(self, loop: LaneLoop, name: str) -> str:
        block = self.block_of("held", self.own[name].dims)
        row = self.row(block, year="(y_ - 1 if y_ > 0 else 0)")
        before = self.element(loop, block, name, row)
        if "begun_" not in loop.scalars:
            self.inputs["begun_"] = BEGUN
            loop.scalars.append("begun_")
        return f"{before} if begun_ > 0.0 else {self.first_value(loop, name)}"

    def carried(self, nodes: list[Node], time: str) -> list[str]:
        """Values in lanes that are carried from one month, or year, to the next."""
        names = {name for node in nodes for name in node.looks_back.values()}
        own = {n: time_of(self.own[n].dims) for n in names if n in self.own}
        return sorted(n for n, of_time in own.items() if of_time in ("", time))

    def names_read(self, nodes: list[Node]) -> list[str]:
        """What the rules read that they do not work out in the same loop."""
        here = {node.name for node in nodes}
        names = {name for node in nodes for name in node.reads}
        names |= set(self.carried(nodes, time_of(nodes[0].dims)) if nodes else ())
        return sorted(names - here)

    def fused_into(self, nest: Nest) -> list[Node]:
        """Totals that are taken in a nest."""
        found = []
        for total in self.fused.values():
            assert isinstance(total.definition, Total)
            if self.home[total.definition.of] is nest:
                found.append(total)
        return found

    def argument(self, loop: LaneLoop, node: Node, parameter: str) -> str:
        name = node.looks_back.get(parameter)
        if name is None:
            return parameter
        if name in self.own:
            if time_of(self.own[name].dims) in ("", time_of(node.dims)):
                return f"previous_{name}"
            before = self.kept(loop, self.home[node.name], name, "year before")
            return self.named(loop, f"previous_{name}", before)
        first, time = self.graph.first_of(name), time_of(node.dims)
        dims, earlier = self.graph[name].dims, f"previous_{name}"
        if not time_of(dims):
            dims, earlier = (*dims, time), f"previous_{name}_by_{time}_"
        derived = Derived(name, "before", first, dims, self.graph[first].dims)
        return self.named(loop, earlier, self.take(loop, earlier, derived))

    def named(self, loop: LaneLoop, name: str, value: str) -> str:
        """Give a value its name in a loop, once."""
        line = f"{name} = {value}"
        if value != name and line not in loop.lines:
            loop.lines.append(line)
        return name

    def keep(self, loop: LaneLoop, nest: Nest, name: str, by: str, value: str) -> None:
        """Put down a value for the next month, the next year, or all months of the year."""
        block = f"past_{AREAS[nest.area]}"
        column = f"{name} by {by} {nest.level}"
        self.columns.add(block, (nest.area,), column)
        self.assign(loop, block, column, value)

    def kept(self, loop: LaneLoop, nest: Nest, name: str, by: str) -> str:
        return self.element(loop, f"past_{AREAS[nest.area]}", f"{name} by {by} {nest.level}")
