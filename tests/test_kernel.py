"""The kernel against a naive twin: every value worked out by itself, from the rule's function."""

from __future__ import annotations

import ast
import random
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from capitation.engine.binding import bind
from capitation.engine.graph import Graph, Leaf, joined, looks_back_at
from capitation.engine.kernel import Kernel, emit
from capitation.engine.language import Constant
from capitation.engine.rule import Rule, Total
from capitation.engine.units import Unit
from capitation.example import example_practices
from capitation.model import Model
from capitation.projection import project
from capitation.vocabulary import round_to_pence

from .strategies import (
    FULLY_INTEGRATED,
    INTEGRATED_HEALTH,
    SANDWELL,
    SHIPPED,
    THAMES_VALLEY,
    UNITING_CARE,
    VANGUARD,
    bits,
    practice_sets,
    shipped,
)

CONSTANTS = {
    "A_MONTH": Constant(1, "month"),
    "A_YEAR": Constant(1, "year"),
    "HALF": Constant(0.5, "1"),
    "ODD": Constant(0.1, "1"),
}

LEAVES = {
    name: Leaf(name, "input", Unit.parse(unit), dims)
    for name, unit, dims in [
        ("flat", "1", ()),
        ("by_scenario", "1", ("scenario",)),
        ("by_practice", "1", ("practice",)),
        ("by_month", "1", ("month",)),
        ("by_scenario_and_month", "1", ("scenario", "month")),
        ("by_practice_and_month", "1", ("practice", "month")),
        ("flow", "1/month", ("practice", "month")),
        ("first_flow", "1/month", ()),
        ("first_year", "1/year", ()),
    ]
}

FIRSTS = {
    "1": ["flat", "by_scenario", "by_practice", "by_month", "start", "flat"],
    "1/month": ["first_flow", "flow"],
    "1/year": ["first_year"],
}

LITERALS = ["0.0", "0.25", "1.0", "2.5", "-3.0", "0.1", "100.0"]


def rule_from(name: str, unit: str, text: str, first: str = "") -> Rule:
    """A rule whose function is made of the text itself, without the engine's doing."""
    scope: dict[str, Any] = {key: float(value) for key, value in CONSTANTS.items()}
    scope["round_to_pence"] = round_to_pence
    exec(text, scope)
    used = {key: value for key, value in CONSTANTS.items() if key in text}
    return Rule(name, unit, text, "x", first=first, constants=used, function=scope[name])


# ------------------------------------------------------------------------------ the naive twin


class Twin:
    """Works out any value by asking for what it needs, one place at a time.

    A place is a mapping from dimension to number. What a name has no dimension for is forgotten,
    and what is known for a practice or month is known for its commissioner or year.
    """

    def __init__(
        self, graph: Graph, values: Mapping[str, Any], starts: list[int], year_of_month: list[int]
    ):
        self.graph = graph
        self.values = {name: np.asarray(array, float) for name, array in values.items()}
        self.starts = starts
        self.year_of_month = year_of_month
        self.known: dict[tuple[str, tuple[int, ...]], float] = {}

    def at(self, name: str, place: Mapping[str, int]) -> float:
        full = dict(place)
        if "month" in full:
            full["year"] = self.year_of_month[full["month"]]
        if "practice" in full:
            area = sum(start <= full["practice"] for start in self.starts[1:-1])
            full["commissioner_code"] = area
        key = tuple(full[d] for d in self.graph[name].dims)
        if name in self.graph.leaves:
            return float(self.values[name][key])
        if (name, key) not in self.known:
            own = {d: full[d] for d in self.graph[name].dims}
            node = self.graph.nodes[name]
            work_out = self.total if isinstance(node.definition, Total) else self.rule
            self.known[name, key] = work_out(node.definition, own)
        return self.known[name, key]

    def rule(self, rule: Rule, place: dict[str, int]) -> float:
        return float(rule(*(self.argument(p, rule.name, place) for p in rule.parameters)))

    def argument(self, parameter: str, reader: str, place: dict[str, int]) -> float:
        name = looks_back_at(parameter, reader)
        if name is None:
            return self.at(parameter, place)
        now = dict(place)
        if "month" in now and "year" in self.graph[name].dims:
            now["year"] = self.year_of_month[now.pop("month")]
        step = "month" if "month" in now else "year"
        if now[step] > 0:
            return self.at(name, {**now, step: now[step] - 1})
        return self.at(self.graph.first_of(name), {**now, "month": 0})

    def total(self, definition: Total, place: dict[str, int]) -> float:
        if definition.over == "practices":
            area = place["commissioner_code"]
            parts = [("practice", p) for p in range(self.starts[area], self.starts[area + 1])]
        else:
            year = place["year"]
            parts = [("month", m) for m, y in enumerate(self.year_of_month) if y == year]
        amount = 0.0
        for dim, number in parts:
            amount += self.at(definition.of, {**place, dim: number})
        return amount

    def array(self, name: str, sizes: Mapping[str, int]) -> np.ndarray:
        dims = self.graph[name].dims
        shape = tuple(sizes[d] for d in dims)
        found = np.empty(shape)
        for index in np.ndindex(shape):
            found[index] = self.at(name, dict(zip(dims, index, strict=True)))
        return found


# --------------------------------------------------------------------- graphs drawn by chance


class Drawing:
    """Rules and totals drawn by chance, each from leaves and from what was drawn before it."""

    def __init__(self, chance: random.Random, rules: int):
        self.chance = chance
        self.units = {name: str(leaf.unit) for name, leaf in LEAVES.items()}
        self.dims = {name: leaf.dims for name, leaf in LEAVES.items()}
        text = "def start(by_practice, flat):\n    'd'\n    return by_practice * HALF - flat"
        start = rule_from("start", "1", text)
        self.definitions: list[Rule | Total] = [start]
        self.units["start"] = "1"
        self.dims["start"] = ("practice",)
        self.firsts: dict[str, str] = {}
        looked_forward_to = False
        for number in range(rules):
            name = f"rule_{number}"
            summed = [] if looked_forward_to else self.summable()
            if summed and self.chance.random() < 0.4:
                self.add_total(name, *self.chance.choice(summed))
                continue
            forward = number + 1 < rules and self.chance.random() < 0.15
            following = f"rule_{number + 1}" if forward else ""
            self.add_rule(name, following, plain=looked_forward_to)
            looked_forward_to = forward

    def summable(self) -> list[tuple[str, str]]:
        found = [(n, "practices") for n, dims in self.dims.items() if "practice" in dims]
        return found + [
            (n, "months")
            for n, dims in self.dims.items()
            if "month" in dims and self.units[n] == "1/month"
        ]

    def add_total(self, name: str, of: str, over: str) -> None:
        unit = "1/year" if over == "months" else self.units[of]
        of_unit = {"1": "flat", "1/month": "first_flow", "1/year": "first_year"}
        first = of_unit[unit] if self.chance.random() < 0.7 else ""
        self.definitions.append(Total(of, over, name, first=first))
        coarse = {"practice": "commissioner_code"} if over == "practices" else {"month": "year"}
        self.dims[name] = joined(coarse.get(d, d) for d in self.dims[of])
        self.units[name] = unit
        if first:
            self.firsts[name] = first

    def add_rule(self, name: str, following: str, plain: bool) -> None:
        chance = self.chance
        unit = "1" if plain else chance.choice(["1", "1", "1/month", "1/year"])
        first = chance.choice(FIRSTS[unit]) if plain or chance.random() < 0.6 else ""
        recent = list(self.dims)[-5:]
        operands = chance.sample(recent, chance.randint(1, min(3, len(recent))))
        operands.append(chance.choice(list(LEAVES)))
        reads = [self.in_ones(n) for n in operands]
        back = [f"previous_{n}" for n in self.firsts if chance.random() < 0.3]
        reads += [self.in_ones(n.removeprefix("previous_"), n) for n in back]
        if first and chance.random() < 0.8:
            reads.append(self.in_ones(name, "previous", unit))
        if following:
            reads.append(f"previous_{following}")
        text = self.text(name, unit, reads)
        rule = rule_from(name, unit, text, first)
        self.definitions.append(rule)
        self.units[name] = unit
        if first:
            self.firsts[name] = first
        read = [p for p in rule.parameters if looks_back_at(p, name) is None]
        looked = [looks_back_at(p, name) for p in rule.parameters if p not in read]
        known = [n for n in (*read, *looked, *([first] if first else [])) if n in self.dims]
        dims = joined(d for n in known for d in self.dims[n])
        if (looked or unit == "1/month") and "year" not in dims:
            dims = joined((*dims, "month"))
        self.dims[name] = dims

    def in_ones(self, name: str, written: str = "", unit: str = "") -> str:
        times = {"1": "", "1/month": " * A_MONTH", "1/year": " * A_YEAR"}
        return (written or name) + times[unit or self.units[name]]

    def text(self, name: str, unit: str, reads: list[str]) -> str:
        lines = []
        operands = list(reads)
        if self.chance.random() < 0.4:
            lines.append(f"    share = {self.number(reads, 2)}")
            operands.append("share")
        if self.chance.random() < 0.3:
            lines.append(f"    met = {self.condition(operands, 1)}")
            operands.append("(1.0 if met else 0.0)")
        amount = self.number(operands, 3)
        if any("previous" in read for read in reads):  # so that nothing grows without bound
            amount = f"max(min({amount}, 1000000.0), -1000000.0)"
        if unit != "1":
            amount = f"({amount}) / {'A_MONTH' if unit == '1/month' else 'A_YEAR'}"
        lines.append(f"    return {amount}")
        tree = ast.parse("\n".join(line.strip() for line in lines))
        called = {id(call.func) for call in ast.walk(tree) if isinstance(call, ast.Call)}
        read = (n for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in called)
        names = dict.fromkeys(n.id for n in read if isinstance(n.ctx, ast.Load))
        parameters = [n for n in names if n not in (*CONSTANTS, "share", "met")]
        inside = "\n".join(lines)
        return f"def {name}({', '.join(parameters)}):\n    'What {name} pays.'\n{inside}"

    def number(self, operands: list[str], depth: int) -> str:
        chance = self.chance
        if depth == 0 or chance.random() < 0.15:
            some = [*LITERALS, "HALF", "ODD"] if chance.random() < 0.2 else operands
            return chance.choice(some)
        a, b, c = (self.number(operands, depth - 1) for _ in range(3))
        condition = self.condition(operands, depth - 1)
        form = chance.choice(
            [
                "({a} + {b})",
                "({a} - {b})",
                "({a} + {b} + {c})",
                "({a} * {literal})",
                "({a} / ({literal} * {literal} + HALF))",
                "({a} * (({b}) / (abs({b}) + 1.0)))",
                "({a} / (abs({b}) + HALF))",
                "min({a}, {b})",
                "max({a}, {b})",
                "min({a}, {b}, {c})",
                "max({literal}, {a}, {c})",
                "abs({a})",
                "-({a})",
                "round_to_pence({a})",
                "({a} if {condition} else {b})",
                "({a} if {condition} else {b})",
            ]
        )
        literal = chance.choice(LITERALS)
        return form.format(a=a, b=b, c=c, literal=literal, condition=condition)

    def condition(self, operands: list[str], depth: int) -> str:
        chance = self.chance
        a, b, c = (self.number(operands, 0) for _ in range(3))
        if depth <= 0:
            sign = chance.choice(["<", "<=", ">", ">=", "==", "!="])
            return chance.choice([f"{a} {sign} {b}", f"{a} <= {b} < {c}", f"{a}"])
        x, y = self.condition(operands, depth - 1), self.condition(operands, depth - 1)
        return chance.choice([f"({x} and {y})", f"({x} or {y})", f"not ({x})", x])


class Case:
    """A graph drawn by chance, with sizes and values to run it on."""

    def __init__(self, chance: random.Random, rules: int, months: int):
        definitions = Drawing(chance, rules).definitions
        streams = [d.name for d in definitions if isinstance(d, Rule) and chance.random() < 0.1]
        self.graph = bind(definitions, LEAVES.get, (), streams)
        counts = [chance.randint(1, 3) for _ in range(chance.randint(1, 3))]
        self.starts = [sum(counts[:i]) for i in range(len(counts) + 1)]
        begins = chance.randint(0, 11)
        self.year_of_month = [(begins + m) // 12 for m in range(months)]
        self.sizes = {
            "scenario": chance.randint(1, 3),
            "commissioner_code": len(counts),
            "practice": sum(counts),
            "year": self.year_of_month[-1] + 1,
            "month": months,
        }
        numbers = np.random.default_rng(chance.randrange(2**32))
        self.values = {}
        for name, leaf in LEAVES.items():
            shape = tuple(self.sizes[d] for d in leaf.dims)
            drawn = numbers.normal(0, 50, shape)
            whole = numbers.random(shape) < 0.4  # whole numbers, so that some are equal or nil
            self.values[name] = np.where(whole, numbers.integers(-2, 3, shape), drawn)
        everything = list(self.graph.nodes)
        some = chance.sample(everything, chance.randint(1, len(everything)))
        self.wanted = everything if chance.random() < 0.5 else some

    def run(self, kernel: Kernel, compiled: bool) -> dict[str, np.ndarray]:
        index = {"practice_start": self.starts, "year_of_month": self.year_of_month}
        values = {name: self.values[name] for name in kernel.inputs}
        return kernel.run(self.sizes, index, values, compiled=compiled)

    def twin(self) -> Twin:
        return Twin(self.graph, self.values, self.starts, self.year_of_month)


def same_bits(found: np.ndarray, expected: np.ndarray) -> bool:
    return found.shape == expected.shape and found.tobytes() == expected.tobytes()


def assert_agrees_with_twin(case: Case, *, compiled: bool) -> None:
    kernel = emit(case.graph, case.wanted)
    results = case.run(kernel, compiled)
    twin = case.twin()
    assert set(case.wanted) <= set(results)
    for name, found in results.items():
        expected = twin.array(name, case.sizes)
        assert same_bits(found, expected), f"{name}\n{kernel.source}\n{found - expected}"


@settings(deadline=None, max_examples=100)
@given(st.randoms(use_true_random=False), st.integers(1, 9), st.integers(1, 27))
def test_the_kernel_gives_the_bits_of_its_naive_twin(chance, rules, months):
    assert_agrees_with_twin(Case(chance, rules, months), compiled=False)


@pytest.mark.parametrize("seed", range(60))
def test_large_graphs_give_the_bits_of_their_naive_twin(seed):
    assert_agrees_with_twin(Case(random.Random(seed), 14, 14 + seed % 14), compiled=False)


@pytest.mark.parametrize("seed", range(5))
def test_the_compiled_kernel_gives_the_bits_of_its_naive_twin(seed):
    case = Case(random.Random(seed), 10, 27)
    case.wanted = list(case.graph.nodes)
    assert_agrees_with_twin(case, compiled=True)


def test_the_drawn_graphs_hold_everything_that_a_graph_can_hold():
    """The twin proves nothing of what is never drawn."""
    seen = set()
    for seed in range(60):
        graph = Case(random.Random(seed), 14, 14).graph
        for name, node in graph.nodes.items():
            seen.add(node.dims)
            if isinstance(node.definition, Total):
                of = graph[node.definition.of]
                seen.add(f"total over {node.definition.over}")
                if isinstance(getattr(of, "definition", None), Total):
                    seen.add("total of a total")
                continue
            for looked in node.looks_back.values():
                seen.add("looks back at itself" if looked == name else "looks back at another")
                if "year" in graph[looked].dims:
                    by = "month" if "month" in node.dims else "year"
                    seen.add(f"looks back at a year by {by}")
                if isinstance(graph.nodes[looked].definition, Total):
                    seen.add(f"looks back at a total over {graph.nodes[looked].definition.over}")
                    if isinstance(
                        getattr(graph[graph.nodes[looked].definition.of], "definition", None), Total
                    ):
                        seen.add("looks back at a total of a total")
                if list(graph.nodes).index(looked) > list(graph.nodes).index(name):
                    seen.add("looks back at a later rule")
                seen.add("first by month" * ("month" in graph[graph.first_of(looked)].dims))
            seen.add(f"level {node.level}")
    assert {
        "total over practices",
        "total over months",
        "total of a total",
        "looks back at itself",
        "looks back at another",
        "looks back at a later rule",
        "looks back at a total over practices",
        "looks back at a total over months",
        "looks back at a total of a total",
        "looks back at a year by month",
        "looks back at a year by year",
        "first by month",
        "level 3",
        (),
        ("scenario",),
        ("month",),
        ("year",),
        ("commissioner_code",),
        ("scenario", "commissioner_code", "year"),
        ("scenario", "commissioner_code", "month"),
        ("scenario", "practice", "year"),
        ("scenario", "practice", "month"),
    } - seen == set()


def case_of(definitions: list[Rule | Total]) -> Case:
    """A case for rules written by hand, with the values and sizes of a drawn one."""
    case = Case(random.Random(7), 1, 20)
    case.graph = bind(definitions, LEAVES.get)
    case.wanted = list(case.graph.nodes)
    return case


def test_the_year_before_a_month_is_its_own_fiscal_years_before():
    definitions = [
        Total("flow", "months", "year_flow", first="first_year"),
        rule_from(
            "late",
            "1/month",
            "def late(previous_year_flow, flow):\n    'd'\n"
            "    return previous_year_flow * A_YEAR / A_MONTH + flow",
        ),
    ]
    case = case_of(definitions)
    assert_agrees_with_twin(case, compiled=False)
    flow, years = case.values["flow"], np.array(case.year_of_month)
    late = case.run(emit(case.graph, ["late"]), False)["late"]
    first = years == 0
    np.testing.assert_array_equal(late[:, first], case.values["first_year"] + flow[:, first])
    before = flow[:, first].sum(axis=1)
    second = years == 1
    np.testing.assert_allclose(late[:, second], before[:, None] + flow[:, second], rtol=1e-12)


def test_a_total_over_practices_can_be_looked_back_at():
    text = "def late(previous_all_flow, flow):\n    'd'\n    return previous_all_flow - flow"
    definitions = [
        Total("flow", "practices", "all_flow", first="first_flow"),
        rule_from("late", "1/month", text),
    ]
    assert_agrees_with_twin(case_of(definitions), compiled=False)


def test_a_total_of_a_total_can_be_looked_back_at():
    text = (
        "def late(previous_all_year, flow):\n    'd'\n"
        "    return previous_all_year * A_YEAR / A_MONTH - flow"
    )
    definitions = [
        Total("flow", "practices", "all_flow"),
        Total("all_flow", "months", "all_year", first="first_year"),
        rule_from("late", "1/month", text),
    ]
    assert_agrees_with_twin(case_of(definitions), compiled=False)


def test_a_rule_of_nothing_at_all_runs():
    definitions = [
        rule_from("five", "1", "def five():\n    'd'\n    return 5.0"),
        rule_from("more", "1", "def more(five, flat):\n    'd'\n    return five + flat"),
    ]
    case = case_of(definitions)
    assert_agrees_with_twin(case, compiled=False)
    assert_agrees_with_twin(case, compiled=True)


# --------------------------------------------------------------------------- the text it writes


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32))
def test_one_graph_is_always_written_as_the_same_text(seed):
    one, other = Case(random.Random(seed), 8, 13), Case(random.Random(seed), 8, 13)
    kernel = emit(one.graph, one.wanted)
    assert emit(other.graph, other.wanted).source == kernel.source
    assert emit(one.graph, reversed(one.wanted)).source == kernel.source


WITH_A_BUDGET = (FULLY_INTEGRATED, INTEGRATED_HEALTH, SANDWELL, UNITING_CARE, VANGUARD)
"""One model of each set of rules for whole-population budgets; twins of them are interpreted."""
ONE_OF_EACH = (*SHIPPED, *WITH_A_BUDGET)


def test_another_process_writes_the_same_text():
    """A cache named by the hash of the text is of use only if the text does not vary."""
    program = (
        "import sys\n"
        "from capitation.model_file import load_model\n"
        "from capitation.engine.kernel import emit\n"
        "for name in sys.argv[1:]:\n"
        "    graph = load_model(name).graph()\n"
        "    print(name, emit(graph, graph.nodes).key)\n"
    )
    for seed in ("1", "2"):
        found = subprocess.run(
            [sys.executable, "-c", program, *ONE_OF_EACH],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        expected = {name: emit(g := shipped(name).graph(), g.nodes).key for name in ONE_OF_EACH}
        assert dict(line.split() for line in found.splitlines()) == expected


@pytest.mark.parametrize("name", SHIPPED)
def test_the_text_holds_each_rule_once_with_its_docstring(name):
    graph = shipped(name).graph()
    source = emit(graph, graph.nodes).source
    functions = [n for n in ast.parse(source).body if isinstance(n, ast.FunctionDef)]
    written = {f.name: ast.get_docstring(f) for f in functions}
    assert len(written) == len(functions)
    for rule_name, node in graph.nodes.items():
        if isinstance(node.definition, Rule):
            docstring = ast.get_docstring(node.definition.tree)
            assert docstring
            assert written[f"rule_{rule_name}__"] == docstring
    assert all([ast.unparse(d) for d in f.decorator_list] == ["compiled"] for f in functions)


def test_the_text_holds_only_what_is_wanted_and_what_that_needs():
    graph = shipped(THAMES_VALLEY).graph()
    kernel = emit(graph, ["premium_released"])
    assert set(kernel.outputs) >= {"premium_released"}
    assert set(kernel.outputs) <= graph.ancestors(["premium_released"])
    assert "qof" not in kernel.source
    assert set(kernel.inputs) == set(graph.only(["premium_released"]).leaves)


# ------------------------------------------------------------------------------ shipped models


@pytest.fixture(scope="module")
def example() -> xr.Dataset:
    return example_practices()


def contract_with_twin(model: Model, result: xr.Dataset) -> Twin:
    """The naive twin of a projection of one commissioner, fed with the result's own inputs."""
    graph = model.graph(list(result["scenario"].values.astype(str)))
    years = [int(y) for y in np.unique(result["fiscal_year"].values, return_inverse=True)[1]]
    values = {name: result[name].values for name in graph.leaves}
    return Twin(graph, values, [0, result.sizes["practice"]], years)


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_a_shipped_model_gives_the_bits_of_its_naive_twin(name, example):
    # Budgets: three practices over a year's end.
    count, months = (3, 13) if name in WITH_A_BUDGET else (6, 20)
    practices = example.isel(practice=slice(0, count))
    chosen = list(shipped(name).scenarios)[:2] if name in WITH_A_BUDGET else None
    result = project(shipped(name), practices, chosen, months, compiled=False)
    twin = contract_with_twin(shipped(name), result)
    for rule_name in twin.graph.nodes:
        expected = twin.array(rule_name, result.sizes)
        assert same_bits(result[rule_name].values, expected), rule_name


@pytest.mark.parametrize("name", [*SHIPPED, VANGUARD])
def test_a_shipped_model_gives_the_same_bits_compiled_or_not(name, example):
    plain = project(shipped(name), example, compiled=False)
    compiled = project(shipped(name), example, compiled=True)
    assert bits(plain) == bits(compiled)
    assert compiled.identical(plain)


@pytest.mark.parametrize("name", SHIPPED)
def test_results_do_not_depend_on_which_variables_are_asked_for(name, example):
    practices = example.isel(practice=slice(0, 4))
    whole = project(shipped(name), practices, months=24)
    for wanted in (["total_payments"], ["qof", "uplift_paid"], list(shipped(name).streams)):
        part = project(shipped(name), practices, months=24, variables=wanted)
        rules = {str(v) for v in part.data_vars if part[v].attrs["kind"] in ("rule", "total")}
        assert rules == set(wanted)
        of_whole = bits(whole)
        for variable, found in bits(part).items():
            assert found == of_whole[variable]


@settings(deadline=None, max_examples=15)
@given(practice_sets(most=6), st.randoms(use_true_random=False), st.sampled_from(SHIPPED))
def test_permuting_practices_permutes_the_results(practices, chance, name):
    order = list(range(practices.sizes["practice"]))
    chance.shuffle(order)
    straight = project(shipped(name), practices, months=15)
    shuffled = project(shipped(name), practices.isel(practice=order), months=15)
    assert list(shuffled["practice"].values) == list(straight["practice"].values[order])
    assert bits(shuffled) == bits(straight.isel(practice=order))


@settings(deadline=None, max_examples=15)
@given(practice_sets(most=6), st.sampled_from(SHIPPED))
def test_a_commissioner_alone_gives_the_same_bits_as_among_others(practices, name):
    whole = project(shipped(name), practices, months=15)
    for code in np.unique(practices["commissioner"].values):
        own = practices["commissioner"].values == code
        alone = project(shipped(name), practices.isel(practice=own), months=15)
        chosen = whole.isel(practice=own).sel(commissioner_code=[code])
        assert bits(alone) == bits(chosen)


@settings(deadline=None, max_examples=6)
@given(practice_sets(), st.sampled_from([n for n in SHIPPED if len(shipped(n).scenarios) > 1]))
def test_a_scenario_alone_gives_the_same_bits_as_among_all(practices, name):
    model = shipped(name)
    among_all = project(model, practices, months=26)
    names = list(model.scenarios)
    for chosen in ([n] for n in names):
        alone = project(model, practices, scenarios=chosen, months=26)
        for variable in alone.data_vars:
            expected = among_all[variable]
            if "scenario" in expected.dims:
                expected = expected.sel(scenario=chosen[0])
            assert same_bits(alone[variable].values, expected.values), variable
    turned = project(model, practices, scenarios=names[::-1], months=26)
    assert bits(turned) == bits(among_all.isel(scenario=slice(None, None, -1)))


@settings(deadline=None, max_examples=15)
@given(practice_sets(), st.integers(1, 40), st.sampled_from(SHIPPED))
def test_fewer_months_give_the_first_of_the_bits(practices, months, name):
    longer = project(shipped(name), practices, months=40)
    shorter = project(shipped(name), practices, months=months)
    for variable in shorter.data_vars:
        expected = longer[variable]
        if "month" in expected.dims:
            expected = expected.isel(month=slice(0, months))
        found = shorter[variable]
        if "year" in expected.dims:
            # A fiscal year that is cut short has less in it.
            found, expected = (
                array.isel(year=slice(0, months // 12)) for array in (found, expected)
            )
        assert same_bits(found.values, expected.values), variable
