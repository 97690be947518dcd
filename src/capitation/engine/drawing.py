"""The kernel of a simulation: the same rules, run once a draw, with random rules drawn.

`emit_draws` writes the loops of `engine.kernel` once more, inside a loop over draws. Only what
chance touches is run again for each draw; everything else comes in as an array. What was asked for
is put aside draw by draw, and all else is overwritten by the next draw.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from capitation.engine import samplers
from capitation.engine.compiling import load
from capitation.engine.graph import Graph, Leaf, Node, area_of, time_of
from capitation.engine.kernel import COUNTS, INDEX, SUPPORT, YEARS, Emission
from capitation.engine.rule import Total

KEYS = ("draw", "practice", "commissioner_code", "year", "month", "stream", "no")
"""What a random number is keyed by: arrays of 64-bit keys that a kernel reads."""

_DRAWN = {"negative_binomial": "negative_binomial_", "gamma": "gamma_"}


@dataclass(frozen=True)
class DrawingKernel:
    """Generated source of a simulation, with the names of the arrays that it reads and writes.

    Attributes
    ----------
    source : str
    inputs : dict of str to tuple of str
        Dimensions of each array read.
    scratch : dict of str to tuple of str
        Dimensions of each array that is written anew in every draw.
    collected : dict of str to tuple of str
        Dimensions of each array put aside, to which a draw adds one last index.
    streams : tuple of str
        Random rules whose numbers are drawn.
    """

    source: str
    inputs: dict[str, tuple[str, ...]]
    scratch: dict[str, tuple[str, ...]]
    collected: dict[str, tuple[str, ...]]
    streams: tuple[str, ...]

    def run(
        self,
        sizes: Mapping[str, int],
        index: Mapping[str, np.ndarray],
        keys: Mapping[str, np.ndarray],
        values: Mapping[str, np.ndarray],
        collected: Mapping[str, np.ndarray],
        draws: range,
        practices: range,
        *,
        compiled: bool,
    ) -> None:
        """Run some draws, and put aside what was asked for of some practices.

        Parameters
        ----------
        sizes : mapping of str to int
            Length of each dimension.
        index : mapping of str to array of int64
            ``practice_start`` and ``year_of_month``.
        keys : mapping of str to array of uint64
            One for each of `KEYS`.
        values : mapping of str to array of float64
            Each of `inputs`.
        collected : mapping of str to array of float64
            Where each of `collected` is put: its own dimensions, practices only those asked for,
            and draws last. Written in place.
        draws, practices : range
            Which draws to run, and whose practices' results to keep.
        compiled : bool
            Through Numba, or as plain Python, with the same result to the last bit.

        Raises
        ------
        ZeroDivisionError
            If a rule divides by zero.
        """
        shapes = {n: tuple(sizes[d] for d in dims) for n, dims in self.scratch.items()}
        arrays: list[Any] = [
            *(np.asarray(index[name], dtype=np.int64, order="C") for name in COUNTS),
            *(np.asarray(keys[name], dtype=np.uint64, order="C") for name in KEYS),
            *(np.asarray(values[name], dtype=np.float64, order="C") for name in self.inputs),
            *(np.zeros(shape) for shape in shapes.values()),
            *(collected[name] for name in self.collected),
        ]
        bounds = [draws.start, draws.stop, practices.start, practices.stop]
        function = load(self.source, compiled, samplers.kernel_text())
        counts = [sizes[d] for d in ("scenario", "commissioner_code", "month")]
        given = arrays if compiled else [memoryview(array) for array in arrays]
        function(*counts, *bounds, *given)


def emit_draws(graph: Graph, wanted: Sequence[str]) -> tuple[DrawingKernel, Graph]:
    """Write the kernel that draws `wanted`.

    Parameters
    ----------
    graph : Graph
        All the rules, bound.
    wanted : sequence of str
        Rules and totals that chance touches, none of them by month.

    Returns
    -------
    kernel : DrawingKernel
    graph : Graph
        The part that is run in each draw: what it has as leaves of the kind ``"given"`` is to be
        computed before.
    """
    drawn = touched_by_chance(graph.only(wanted))
    emission = _DrawEmission(drawn, list(wanted))
    return emission.drawing_kernel(), drawn


def touched_by_chance(graph: Graph) -> Graph:
    """The part of a graph that differs from draw to draw; what it reads besides becomes leaves."""
    kept = random_rules(graph)
    before: set[str] = set()
    while before != kept:
        before = set(kept)
        kept |= {n for n, node in graph.nodes.items() if kept & {*node.reads, *node.spread}}
        kept |= {n for n, node in graph.nodes.items() if kept & _of_before(node)}
    # A value of the month before is carried by the loop itself, touched by chance or not.
    before = set()
    while before != kept:
        before = set(kept)
        for name in before:
            kept |= set(graph.nodes[name].looks_back.values())
    leaves = dict(graph.leaves)
    for name, node in graph.nodes.items():
        if name not in kept:
            leaves[name] = Leaf(name, "given", node.unit, node.dims, node.title)
    nodes = {name: node for name, node in graph.nodes.items() if name in kept}
    return Graph(nodes, leaves).only(kept)


def random_rules(graph: Graph) -> set[str]:
    """Names of the random rules of a graph."""
    return {name for name, node in graph.nodes.items() if node.drawn}


def _of_before(node: Node) -> set[str]:
    return {*node.looks_back.values(), node.definition.first}


class _DrawEmission(Emission):
    """The loops of a kernel, inside a loop over draws."""

    def __init__(self, graph: Graph, wanted: list[str]):
        self.streams = tuple(
            dict.fromkeys(graph.stream_of(name) for name, n in graph.nodes.items() if n.drawn)
        )
        super().__init__(graph, wanted)
        self.collected = {name: graph[name].dims for name in wanted}
        self.shared = {name for name, node in graph.nodes.items() if self.may_be_shared(node)}
        self.stored |= self.shared

    def may_be_shared(self, node: Node) -> bool:
        """Whether a draw may be that of the scenario before: where it has the same mean."""
        return bool(
            node.drawn
            and "scenario" in node.dims
            and "scenario" not in self.graph[node.drawn.spread].dims
        )

    @property
    def outputs(self) -> dict[str, tuple[str, ...]]:
        means = {f"{name}_mean_": self.graph[name].dims for name in sorted(self.shared)}
        return super().outputs | means

    def drawing_kernel(self) -> DrawingKernel:
        names = ["scenarios", "commissioners", "months"]
        names += ["draw_from", "draw_to", "practice_from", "practice_to", *COUNTS]
        names += [f"{name}_key" for name in KEYS]
        names += [*self.inputs, *self.outputs, *(f"{name}_by_draw" for name in self.collected)]
        source = self.source(SUPPORT, names)
        return DrawingKernel(source, self.inputs, self.outputs, self.collected, self.streams)

    def reads(self, node: Node) -> tuple[str, ...]:
        return (*node.reads, *node.spread)

    def body(self) -> None:
        self.write("for d_ in range(draw_from_, draw_to_):")
        self.depth += 1
        depth = self.depth
        super().body()
        self.depth = depth
        for name, dims in self.collected.items():
            self.collect(name, dims)

    def total(self, node: Node) -> None:
        """A total over months begins at zero in each draw."""
        definition = node.definition
        assert isinstance(definition, Total)
        if definition.over == "months":
            opened = self.open_area(area_of(node.dims))
            self.write(f"for y_ in range({YEARS}):")
            self.lines.append("    " * (self.depth + 1) + f"{self.element(node.name)} = 0.0")
            self.depth -= opened
        super().total(node)

    def call(self, node: Node) -> None:
        """Draw once for all scenarios in a row that have the same mean: it is the same number."""
        if node.name not in self.shared:
            super().call(node)
            return
        here = self.element(node.name).removeprefix(f"{node.name}_")
        before = here.replace("s_", "s_ - 1")
        mean, means = f"mean_of_{node.name}_", f"{node.name}_mean__"
        self.write(f"{mean} = {self.mean(node)}")
        self.write(f"if s_ > 0 and {mean} == {means}{before}:")
        self.lines.append("    " * (self.depth + 1) + f"{node.name} = {node.name}_{before}")
        self.write("else:")
        drawn = f"{node.name} = {self.drawn(node, mean)}"
        self.lines.append("    " * (self.depth + 1) + drawn)
        self.write(f"{means}{here} = {mean}")
        self.write(f"{self.element(node.name)} = {node.name}")

    def mean(self, node: Node) -> str:
        return super().value(node)

    def value(self, node: Node) -> str:
        return self.drawn(node, self.mean(node)) if node.drawn else self.mean(node)

    def drawn(self, node: Node, mean: str) -> str:
        """The expression that draws a random rule around its mean."""
        assert node.drawn is not None
        area, time = area_of(node.dims), time_of(node.dims)
        of_area = f"{area}_key_[{INDEX[area]}]" if area else "no_key_[0]"
        of_time = f"{time}_key_[{INDEX[time]}]" if time else "no_key_[0]"
        stream = self.streams.index(self.graph.stream_of(node.name))
        number = f"uniform_({of_area}, {of_time}, draw_key_[d_], stream_key_[{stream}])"
        return f"{_DRAWN[node.drawn.kind]}({mean}, {node.drawn.spread}, {number})"

    def collect(self, name: str, dims: tuple[str, ...]) -> None:
        """Put aside one draw of what was asked for."""
        depth = self.depth
        ranges = {
            "scenario": "scenarios_",
            "commissioner_code": "commissioners_",
            "practice": "practice_from_, practice_to_",
            "year": YEARS,
        }
        for dim in dims:
            self.write(f"for {INDEX[dim]} in range({ranges[dim]}):")
            self.depth += 1
        kept = ["p_ - practice_from_" if d == "practice" else INDEX[d] for d in dims]
        self.write(f"{name}_by_draw_[{', '.join([*kept, 'd_'])}] = {self.element(name)}")
        self.depth = depth


def keys_of_run(
    labels: Mapping[str, Iterable[str]], streams: Sequence[str], seed: int, draws: int
) -> dict[str, np.ndarray]:
    """The keys of a simulation: by what things are called, never by where they stand.

    Parameters
    ----------
    labels : mapping of str to iterable of str
        Labels along practice, commissioner_code, year and month.
    streams : sequence of str
        Random rules.
    seed, draws : int

    Returns
    -------
    dict of str to array of uint64
        One for each of `KEYS`.
    """
    keys = {name: samplers.keys_of(of) for name, of in labels.items()}
    keys["draw"] = samplers.draw_keys(seed, draws)
    keys["stream"] = np.array([samplers.stream_of(name) for name in streams], dtype=np.uint64)
    keys["no"] = samplers.keys_of([""])
    return keys
