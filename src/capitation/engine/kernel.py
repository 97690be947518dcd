"""From a graph of rules to one readable loop, compiled or not.

`emit` writes the plain layout: scenario outside, then pass, commissioner, practice, month. The
rules' text goes in unchanged, as functions of their own, so that another layout can be written
beside this one without touching a rule. `@compiled` in the text stands for Numba's compiler or for
nothing: the same text runs either way, and gives the same bits.
"""

from __future__ import annotations

import ast
import copy
import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from capitation.engine.compiling import key_of_source, load
from capitation.engine.graph import Graph, Node, area_of, time_of
from capitation.engine.rule import Rule, Total

# What the kernel names for itself ends in an underscore, which no rule's name does.
INDEX = {
    "scenario": "s_",
    "commissioner_code": "g_",
    "practice": "p_",
    "year": "y_",
    "month": "m_",
}

SUPPORT = """\
from math import floor as floor_


@compiled
def larger_(a, b):
    return b if b > a else a


@compiled
def smaller_(a, b):
    return b if b < a else a


@compiled
def round_to_pence_(amount):
    if not abs(amount) < 1e13:
        return amount
    pence = floor_(abs(amount) * 100.0 * (1.0 + 2.0**-50) + 0.5) / 100.0
    return pence if amount >= 0.0 else -pence
"""


HEADING = "# Written by capitation from the rules it names; not meant to be edited."


@dataclass(frozen=True)
class Kernel:
    """Generated source, with the names of the arrays that it reads and writes.

    Attributes
    ----------
    source : str
        Python source: support functions, one function a rule, and ``kernel``.
    inputs : dict of str to tuple of str
        Dimensions of each array read.
    outputs : dict of str to tuple of str
        Dimensions of each array written: what was asked for, and what one pass hands to the next.
    """

    source: str
    inputs: dict[str, tuple[str, ...]]
    outputs: dict[str, tuple[str, ...]]

    @property
    def key(self) -> str:
        """Hash of the source: the name that a cache may safely use."""
        return key_of_source(self.source)

    def run(
        self,
        sizes: Mapping[str, int],
        index: Mapping[str, np.ndarray],
        values: Mapping[str, np.ndarray],
        *,
        compiled: bool,
    ) -> dict[str, np.ndarray]:
        """Run the kernel.

        Parameters
        ----------
        sizes : mapping of str to int
            Length of each dimension.
        index : mapping of str to array of int64
            ``practice_start``: first practice of each commissioner, and the end;
            ``year_of_month``.
        values : mapping of str to array of float64
            Each of `inputs`.
        compiled : bool
            Through Numba, or as plain Python. The results are the same to the last bit.

        Returns
        -------
        dict of str to ndarray
            Each of `outputs`.

        Raises
        ------
        ZeroDivisionError
            If a rule divides by zero. Uncompiled, the frames of its traceback say where.
        """
        shapes = {n: tuple(sizes[d] for d in dims) for n, dims in self.outputs.items()}
        results = {name: np.zeros(shape) for name, shape in shapes.items()}
        read = [np.asarray(values[name], dtype=np.float64, order="C") for name in self.inputs]
        counted = [np.asarray(index[name], dtype=np.int64, order="C") for name in COUNTS]
        arguments: list[Any] = [*counted, *read, *results.values()]
        if not compiled:
            arguments = [memoryview(array) for array in arguments]
        function = load(self.source, compiled)
        function(sizes["scenario"], sizes["commissioner_code"], sizes["month"], *arguments)
        return results


COUNTS = ("practice_start", "year_of_month")


def emit(graph: Graph, wanted: Iterable[str]) -> Kernel:
    """Write the kernel that computes `wanted`.

    Parameters
    ----------
    graph : Graph
    wanted : iterable of str
        Rules and totals to give back.

    Returns
    -------
    Kernel
    """
    return _emitted(graph, tuple(name for name in wanted if name in graph.nodes))


@functools.lru_cache(maxsize=16)
def _emitted(graph: Graph, wanted: tuple[str, ...]) -> Kernel:
    """The same kernel for the same graph: a search runs it over and over."""
    return Emission(graph.only(wanted), list(wanted)).kernel()


@dataclass
class Nest:
    """The rules that run in one loop: they share scenario, pass, and practice or commissioner."""

    scenario: bool
    level: int
    area: str
    nodes: list[Node] = field(default_factory=list)

    def timed(self, time: str) -> list[Node]:
        return [node for node in self.nodes if time_of(node.dims) == time]


_AREAS = ("", "commissioner_code", "practice")
YEARS = "year_of_month_[months_ - 1] + 1"
_FUNCTIONS = {"min": "smaller_", "max": "larger_", "round_to_pence": "round_to_pence_"}


def nests_in_order(graph: Graph) -> list[Nest | Node]:
    """Nests and totals in the order in which they run, what knows no scenario first."""
    steps: list[Nest | Node] = []
    nodes = list(graph.nodes.values())
    for scenario in (False, True):
        of_kind = [n for n in nodes if ("scenario" in n.dims) == scenario]
        for level in sorted({n.level for n in of_kind}):
            here = [n for n in of_kind if n.level == level]
            steps += [n for n in here if isinstance(n.definition, Total)]
            for area in _AREAS:
                rules = [
                    n for n in here if isinstance(n.definition, Rule) and area_of(n.dims) == area
                ]
                if rules:
                    steps.append(Nest(scenario, level, area, rules))
    return steps


class Emission:
    """Writes the loops of one kernel, step by step."""

    def __init__(self, graph: Graph, wanted: list[str]):
        self.graph = graph
        self.lines: list[str] = []
        self.depth = 1
        self.nests = nests_in_order(graph)
        self.stored = self.names_to_store(wanted)

    def kernel(self) -> Kernel:
        names = ["scenarios", "commissioners", "months", *COUNTS, *self.inputs, *self.outputs]
        return Kernel(self.source(SUPPORT, names), self.inputs, self.outputs)

    @property
    def inputs(self) -> dict[str, tuple[str, ...]]:
        return {name: leaf.dims for name, leaf in sorted(self.graph.leaves.items())}

    @property
    def outputs(self) -> dict[str, tuple[str, ...]]:
        return {name: self.graph[name].dims for name in sorted(self.stored)}

    def source(self, support: str, names: Iterable[str]) -> str:
        """The whole text: what every kernel needs, the rules, and the loops over them."""
        rules = [n.definition for n in self.graph.nodes.values() if isinstance(n.definition, Rule)]
        self.body()
        signature = ",\n    ".join(f"{name}_" for name in names)
        return "\n\n".join(
            [
                f"{HEADING}\n{support}",
                *(function_text(rule) for rule in rules),
                f"@compiled\ndef kernel(\n    {signature},\n):\n" + "\n".join(self.lines) + "\n",
            ]
        )

    def names_to_store(self, wanted: list[str]) -> set[str]:
        stored = set(wanted)
        home = {n.name: id(nest) for nest in self.nests for n in getattr(nest, "nodes", [])}
        for step in self.nests:
            if isinstance(step, Node):
                assert isinstance(step.definition, Total)
                stored |= {step.name, step.definition.of}
                continue
            for name in self.names_read(step.nodes):
                if home.get(name) != id(step) or self.crosses_time(name, step):
                    stored.add(name)
        return {name for name in stored if name in self.graph.nodes}

    def crosses_time(self, name: str, nest: Nest) -> bool:
        """Whether a yearly rule is read by a monthly one beside it."""
        if time_of(self.graph[name].dims) != "year":
            return False
        return name in self.names_read(nest.timed("month"))

    def names_read(self, nodes: Iterable[Node]) -> set[str]:
        found: set[str] = set()
        for node in nodes:
            found.update(self.reads(node))
            for name in node.looks_back.values():
                found.update((name, self.graph.first_of(name)))
        return found

    def reads(self, node: Node) -> tuple[str, ...]:
        return node.reads

    # ------------------------------------------------------------------ lines

    def write(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    def body(self) -> None:
        in_scenario_loop = False
        for step in self.nests:
            scenario = "scenario" in step.dims if isinstance(step, Node) else step.scenario
            if scenario and not in_scenario_loop:
                self.write("for s_ in range(scenarios_):")
                self.depth += 1
                in_scenario_loop = True
            if isinstance(step, Node):
                self.total(step)
            else:
                self.nest(step)

    def element(self, name: str, month: str = "m_", year: str = "y_") -> str:
        """The array element of a name at the loops' present place."""
        at = INDEX | {"month": month, "year": year}
        dims = self.graph[name].dims
        return f"{name}_[{', '.join(at[d] for d in dims) or '()'}]"

    def open_area(self, area: str) -> int:
        """Open the loops over commissioners and practices; gives how many were opened."""
        loops = {
            "": [],
            "commissioner_code": ["for g_ in range(commissioners_):"],
            "practice": [
                "for g_ in range(commissioners_):",
                "for p_ in range(practice_start_[g_], practice_start_[g_ + 1]):",
            ],
        }[area]
        for loop in loops:
            self.write(loop)
            self.depth += 1
        return len(loops)

    def total(self, node: Node) -> None:
        definition = node.definition
        assert isinstance(definition, Total)
        of = self.graph[definition.of]
        self.write(f"# {node.name}: {definition.of} over {definition.over}")
        opened = self.open_area(area_of(of.dims if definition.over == "months" else node.dims))
        if definition.over == "months":
            self.write("for m_ in range(months_):")
            self.depth += 1
            target = self.element(node.name, year="year_of_month_[m_]")
            self.write(f"{target} += {self.element(definition.of)}")
            self.depth -= 1
        else:
            time = time_of(node.dims)
            if time:
                count = "months_" if time == "month" else YEARS
                self.write(f"for {INDEX[time]} in range({count}):")
                self.depth += 1
            self.write("amount_ = 0.0")
            self.write("for p_ in range(practice_start_[g_], practice_start_[g_ + 1]):")
            self.lines.append("    " * (self.depth + 1) + f"amount_ += {self.element(of.name)}")
            self.write(f"{self.element(node.name)} = amount_")
            self.depth -= bool(time)
        self.depth -= opened

    def nest(self, nest: Nest) -> None:
        opened = self.open_area(nest.area)
        own = {node.name for node in nest.nodes}
        self.static_part(nest, own)
        self.timed_part(nest, own, "year", YEARS)
        self.timed_part(nest, own, "month", "months_")
        self.depth -= opened

    def static_part(self, nest: Nest, own: set[str]) -> None:
        """What is known before any month: practices' inputs, and rules of the practice alone."""
        outside = sorted(self.names_read(nest.nodes) - own)
        for name in outside:
            if not time_of(self.graph[name].dims):
                self.write(f"{name} = {self.element(name)}")
        for node in nest.timed(""):
            self.call(node)

    def timed_part(self, nest: Nest, own: set[str], time: str, count: str) -> None:
        nodes = nest.timed(time)
        if not nodes:
            return
        carried = self.names_carried(nodes, time)
        for name in carried:
            self.write(f"previous_{name} = {self.first_value(name)}")
        variable = INDEX[time]
        self.write(f"for {variable} in range({count}):")
        self.depth += 1
        for name in sorted(self.names_read(nodes)):
            of_time = time_of(self.graph[name].dims)
            if of_time == time and name not in own:
                self.write(f"{name} = {self.element(name)}")
            elif of_time == "year" and time == "month":
                self.write(f"{name} = {self.element(name, year='year_of_month_[m_]')}")
        if time == "month":
            self.load_years_before(nodes)
        for node in nodes:
            self.call(node)
        for name in carried:
            self.write(f"previous_{name} = {name}")
        self.depth -= 1

    def names_carried(self, nodes: list[Node], time: str) -> list[str]:
        names = {name for node in nodes for name in node.looks_back.values()}
        return sorted(
            n for n in names if not (time == "month" and time_of(self.graph[n].dims) == "year")
        )

    def load_years_before(self, nodes: list[Node]) -> None:
        """A month that looks back at a yearly total reads the fiscal year before its own."""
        names = {name for node in nodes for name in node.looks_back.values()}
        for name in sorted(names):
            if time_of(self.graph[name].dims) == "year":
                before = self.element(name, year="year_of_month_[m_] - 1")
                first = self.first_value(name)
                self.write(f"previous_{name} = {before} if year_of_month_[m_] > 0 else {first}")

    def first_value(self, name: str) -> str:
        first = self.graph.first_of(name)
        if time_of(self.graph[first].dims):
            return self.element(first, month="0", year="0")
        return first

    def call(self, node: Node) -> None:
        self.write(f"{node.name} = {self.value(node)}")
        if node.name in self.stored:
            self.write(f"{self.element(node.name)} = {node.name}")

    def value(self, node: Node) -> str:
        """The expression of a rule's value: for a random rule, its mean."""
        assert isinstance(node.definition, Rule)
        back = node.looks_back
        arguments = [f"previous_{back[p]}" if p in back else p for p in node.definition.parameters]
        return f"rule_{node.name}__({', '.join(arguments)})"


class _ForKernel(ast.NodeTransformer):
    """Numbers as floats, named constants as their numbers, min and max as the kernel's own."""

    def __init__(self, constants: Mapping[str, float]):
        self.constants = constants

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        if isinstance(node.value, int | float):
            return ast.Constant(float(node.value))
        return node

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.constants:
            return ast.Constant(float(self.constants[node.id]))
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        arguments = [self.visit(argument) for argument in node.args]
        assert isinstance(node.func, ast.Name)
        name = _FUNCTIONS.get(node.func.id, node.func.id)
        if name not in ("smaller_", "larger_"):
            return ast.Call(ast.Name(name), arguments, [])
        combined = arguments[0]
        for argument in arguments[1:]:
            combined = ast.Call(ast.Name(name), [combined, argument], [])
        return combined


def function_text(rule: Rule) -> str:
    """The text of a rule's function, as a kernel calls it."""
    return _function_of(rule.name, rule.text, tuple(rule.constants.items()))


def for_kernel(expression: ast.expr, rule: Rule) -> ast.expr:
    """An expression of a rule, as a kernel has it."""
    changed: ast.expr = _ForKernel(rule.constants).visit(copy.deepcopy(expression))
    return changed


@functools.lru_cache(maxsize=4096)
def _function_of(name: str, text: str, constants: tuple[tuple[str, float], ...]) -> str:
    tree = ast.parse(text).body[0]
    assert isinstance(tree, ast.FunctionDef)
    tree.body = [_ForKernel(dict(constants)).visit(statement) for statement in tree.body]
    tree.name = f"rule_{name}__"
    tree.returns = None
    for argument in tree.args.args:
        argument.annotation = None
    return "@compiled\n" + ast.unparse(ast.fix_missing_locations(tree)) + "\n"
