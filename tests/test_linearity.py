"""Totals of linear rules from sums of practices' data: the same values, and fewer rules to run.

What a pushed graph says is compared in exact fractions, where a rewriting is right or wrong and
nothing lies between; that the kernel runs such graphs is compared with the naive twin, bit by bit.
"""

from __future__ import annotations

import ast
import functools
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from capitation.engine.binding import bind
from capitation.engine.distribution import gamma
from capitation.engine.graph import Graph, Leaf, Node
from capitation.engine.kernel import emit
from capitation.engine.linear_parts import names_in
from capitation.engine.linearity import linear_rules, pushed_down
from capitation.engine.rule import Rule, Total
from capitation.engine.sums import is_over_practices
from capitation.engine.unit_check import check_units
from capitation.engine.units import Unit
from capitation.example import example_practices
from capitation.model import Model
from capitation.setting import setting_of, values_of_leaves
from capitation.vocabulary import MONTHS_PER_YEAR

from .strategies import (
    BOLTON,
    DUDLEY,
    EAST_ANGLIA,
    EASTERN_CHESHIRE,
    ESSEX,
    NATIONAL,
    NOTTINGHAMSHIRE,
    SANDWELL,
    THAMES_VALLEY,
    UNITING_CARE,
    UNPLANNED,
    VANGUARD,
    shipped,
)
from .test_kernel import (
    CONSTANTS,
    LEAVES,
    LITERALS,
    Case,
    Drawing,
    Twin,
    assert_agrees_with_twin,
    rule_from,
)

# ----------------------------------------------------------------------------- exact arithmetic


def exact_pence(amount: Fraction) -> Fraction:
    pence = Fraction(int(abs(amount) * 100 + Fraction(1, 2)), 100)
    return pence if amount >= 0 else -pence


class _Exact(ast.NodeTransformer):
    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        if isinstance(node.value, str):
            return node
        return ast.Call(ast.Name("Fraction"), [ast.Constant(repr(node.value))], [])


@functools.cache
def exact_function(name: str, text: str, constants: tuple[tuple[str, Any], ...]) -> Any:
    tree = ast.fix_missing_locations(_Exact().visit(ast.parse(text)))
    scope: dict[str, Any] = {"Fraction": Fraction, "round_to_pence": exact_pence}
    scope |= {key: Fraction(repr(float(value))) for key, value in constants}
    exec(ast.unparse(tree), scope)
    return scope[name]


class TooLongError(Exception):
    """A fraction has become too long to go on with."""


class ExactTwin(Twin):
    """The naive twin in fractions: a rule's text is all that it takes from the engine."""

    def __init__(self, graph: Graph, values: Mapping[str, Any], *rest: Any):
        super().__init__(graph, {}, *rest)
        self.values = values

    def at(self, name: str, place: Mapping[str, int]) -> Any:
        if name in self.graph.leaves:
            full = dict(place)
            if "month" in full:
                full["year"] = self.year_of_month[full["month"]]
            key = tuple(full[d] for d in self.graph[name].dims)
            return Fraction(float(self.values[name][key])).limit_denominator(4)
        return super().at(name, place)

    def rule(self, rule: Rule, place: dict[str, int]) -> Any:
        function = exact_function(rule.name, rule.text, tuple(rule.constants.items()))
        found = Fraction(function(*(self.argument(p, rule.name, place) for p in rule.parameters)))
        if found.denominator.bit_length() > 20_000:
            raise TooLongError
        return found

    def total(self, definition: Total, place: dict[str, int]) -> Any:
        if definition.over == "practices":
            area = place["commissioner_code"]
            parts = [("practice", p) for p in range(self.starts[area], self.starts[area + 1])]
        else:
            years = enumerate(self.year_of_month)
            parts = [("month", m) for m, year in years if year == place["year"]]
        return sum((self.at(definition.of, {**place, d: n}) for d, n in parts), Fraction(0))

    def array(self, name: str, sizes: Mapping[str, int]) -> np.ndarray:
        dims = self.graph[name].dims
        shape = tuple(sizes[d] for d in dims)
        found = np.empty(shape, dtype=object)
        for index in np.ndindex(shape):
            found[index] = self.at(name, dict(zip(dims, index, strict=True)))
        return found


# ------------------------------------------------------------------------ graphs drawn by chance

SAME_FOR_ALL = (
    "({a} + {b})",
    "({a} - {b})",
    "-({a})",
    "({a} * {literal})",
    "({a} * {free})",
    "({free} * {a} / (abs({other}) + HALF))",
    "({a} if {free} > {literal} else {b})",
    "({a} / {free} if {free} > 0.0 else 0.0)",
)

BY_PRACTICE = (
    "({a} * {column})",
    "({a} * {column} * {free})",
    "({a} / ({column} * {column} + HALF))",
    "({a} * (by_practice * {free} + start * flat - {other}))",
    "(({column} + {free}) * {a})",
    "({a} if {column} > {literal} else {b})",
    "({a} if {column} <= 0.25 and not ({free} > 0.0) else 0.0)",
    "({a} if {free} > 2.5 or ({column} > 0.0 and {other} < 1.0) else {b})",
    "({a} / {column} if {column} != 0.0 else {b})",
    "({a} / {column} * {free} if {column} > 0.0 and {free} > 0.0 else {b})",
    "({a} / {free} if {column} > 0.0 and {free} > 0.0 else {b})",
)


class LinearDrawing(Drawing):
    """Rules drawn by chance most of which are linear in the practice's data."""

    def number(self, operands: list[str], depth: int) -> str:
        chance = self.chance
        if depth == 0:
            return chance.choice(operands)
        if chance.random() < 0.05:
            return super().number(operands, depth)
        free = ["flat", "by_scenario", "by_month", "by_scenario_and_month"]
        back = any("previous" in operand for operand in operands)
        forms = SAME_FOR_ALL if chance.random() < (0.9 if back else 0.6) else BY_PRACTICE
        a, b = (self.number(operands, depth - 1) for _ in range(2))
        return chance.choice(forms).format(
            a=a,
            b=b,
            free=chance.choice(free),
            other=chance.choice(free),
            column=chance.choice(["by_practice", "start"]),
            literal=chance.choice(LITERALS),
        )

    def condition(self, operands: list[str], depth: int) -> str:
        column = self.chance.choice(["by_practice", "start", "by_month"])
        return super().condition([column], depth)

    def text(self, name: str, unit: str, reads: list[str]) -> str:
        """What grows is not held back: a few months of it are no harm."""
        text = super().text(name, unit, reads)
        before, after = "max(min(", ", 1000000.0), -1000000.0)"
        return text.replace(before, "((", 1).replace(after, "))") if after in text else text


def linear_case(chance: random.Random, rules: int, months: int) -> Case:
    case = Case(chance, 1, months)
    case.graph = bind(LinearDrawing(chance, rules).definitions, LEAVES.get)
    return case


def with_totals(case: Case, chance: random.Random) -> Case:
    """A drawn case with more totals over practices: of rules, of years, of whatever it has."""
    of_practices = [n for n in case.graph.nodes if "practice" in case.graph[n].dims]
    summed = chance.sample(of_practices, min(len(of_practices), 4))
    definitions = [node.definition for node in case.graph.nodes.values()]
    more = [Total(name, "practices", f"all_{name}") for name in summed]
    case.graph = bind([*definitions, *more], LEAVES.get, (), of_practices)
    case.wanted = [total.name for total in more]
    others = [n for n in case.graph.nodes if n not in case.wanted]
    case.wanted += chance.sample(others, min(len(others), chance.randint(0, 2)))
    return case


def assert_same_values(case: Case, pushed: Graph) -> None:
    rest = (case.values, case.starts, case.year_of_month)
    before, after = ExactTwin(case.graph, *rest), ExactTwin(pushed, *rest)
    for name in case.wanted:
        old, new = case.graph.nodes[name], pushed.nodes[name]
        assert (new.name, new.dims, new.unit) == (old.name, old.dims, old.unit)
        expected, found = (twin.array(name, case.sizes) for twin in (before, after))
        assert (found == expected).all(), f"{name}: {text_of(pushed, case.wanted)}"


def text_of(graph: Graph, wanted: Iterable[str]) -> str:
    lines = []
    for node in graph.only(wanted).nodes.values():
        of = node.definition
        said = of.formula if isinstance(of, Rule) else f"{node.name} = {of.of} over {of.over}"
        lines.append(f"{node.level} {node.dims} {said} (first {of.first})")
    return "\n" + "\n".join(lines)


def assert_pushed_exactly(case: Case) -> None:
    try:
        assert_same_values(case, pushed_down(case.graph, case.wanted))
    except TooLongError:
        assume(False)


@settings(deadline=None, max_examples=60)
@given(st.randoms(use_true_random=False), st.integers(1, 8), st.integers(1, 5))
def test_a_pushed_graph_has_exactly_the_values_of_the_graph(chance, rules, months):
    assert_pushed_exactly(with_totals(linear_case(chance, rules, months), chance))


@settings(deadline=None, max_examples=40)
@given(st.randoms(use_true_random=False), st.integers(1, 8), st.integers(1, 5))
def test_so_it_has_where_most_rules_are_not_linear(chance, rules, months):
    assert_pushed_exactly(with_totals(Case(chance, rules, months), chance))


def drawn_case(seed: int, months: int) -> Case:
    chance = random.Random(seed)
    return with_totals(linear_case(chance, 8, months), chance)


@pytest.mark.parametrize("seed", range(40))
def test_the_kernel_gives_the_bits_of_the_naive_twin_of_a_pushed_graph(seed):
    case = drawn_case(seed, 15)
    case.graph = pushed_down(case.graph, case.wanted)
    for name, node in case.graph.nodes.items():
        if isinstance(node.definition, Rule) and not node.definition.function:
            made = rule_from(name, node.definition.unit, node.definition.text)
            definition = replace(node.definition, function=made.function)
            case.graph.nodes[name] = replace(node, definition=definition)
    assert_agrees_with_twin(case, compiled=False)


def test_the_drawn_graphs_are_pushed_in_every_way():
    """The exact twin proves nothing of what is never pushed."""
    seen = set()
    for seed in range(80):
        case = drawn_case(seed, 3)
        pushed = pushed_down(case.graph, case.wanted).only(case.wanted)
        for name, node in pushed.nodes.items():
            of = node.definition
            if name not in case.graph.nodes:
                seen.add("weighted" * ("weighted_by" in name))
                seen.add("looked back at" * bool(of.first))
                seen.add("begins with a sum" * (of.first in pushed.nodes))
                seen.add("looks back" * bool(node.looks_back))
                seen.add("guarded" * (isinstance(of, Rule) and "> 0.0 else 0.0" in of.text))
            elif is_over_practices(case.graph.nodes[name]):
                over = of.over if isinstance(of, Total) else ""
                seen.add(f"a sum by {over or 'rule'}")
                seen.add("keeps its first" * bool(case.graph.nodes[name].definition.first))
    assert {
        "weighted",
        "looked back at",
        "begins with a sum",
        "looks back",
        "guarded",
        "a sum by rule",
        "a sum by practices",
        "a sum by months",
        "keeps its first",
    } - seen == set()


def assert_units_agree(graph: Graph) -> None:
    for node in graph.nodes.values():
        if isinstance(node.definition, Rule):
            rule = node.definition
            scope = {p: graph[node.looks_back.get(p, p)].unit for p in rule.parameters}
            check_units(rule, scope)
            assert node.unit == Unit.parse(rule.unit)


@pytest.mark.parametrize("seed", range(20))
def test_the_units_of_what_is_made_would_pass_the_check(seed):
    case = drawn_case(seed, 3)
    assert_units_agree(pushed_down(case.graph, case.wanted))


def test_the_same_graph_is_always_pushed_to_the_same_text():
    one, other = (drawn_case(11, 3) for _ in range(2))
    texts = [emit(pushed_down(c.graph, c.wanted), c.wanted).source for c in (one, other)]
    assert texts[0] == texts[1]


# ---------------------------------------------------------------------- the reference workload


def leaves_of(*leaves: tuple[str, str, tuple[str, ...]]) -> Mapping[str, Leaf]:
    return {name: Leaf(name, "input", Unit.parse(unit), dims) for name, unit, dims in leaves}


TERM = ("scenario", "month")
LINES = range(1, 9)
W1_LEAVES = leaves_of(
    ("list0", "patient", ("practice",)),
    ("wr", "1", ("practice",)),
    ("mpig0", "GBP/year", ("practice",)),
    ("prem0", "GBP/year", ("practice",)),
    ("delay", "month", ("practice",)),
    ("resp", "1", ("practice",)),
    *((f"base_{k}", "GBP/patient/month", ("practice",)) for k in LINES),
    ("gt", "1", TERM),
    ("price", "GBP/patient/year", TERM),
    ("guar", "GBP/patient/year", TERM),
    ("claw", "1/month", ("scenario",)),
    ("ramp", "1", TERM),
    *((f"li_{k}", "1", TERM) for k in LINES),
    ("disc", "1", TERM),
    ("ero", "1", ("month",)),
    ("t", "month", ("month",)),
)


def w1_rules() -> list[Rule | Total]:
    told = {
        "reg": ("patient", "list0 * gt"),
        "wl": ("patient", "reg * wr"),
        "gs": ("GBP/month", "wl * price / 12"),
        "mp": ("GBP/month", "mpig0 * ero / 12"),
        "pr": ("GBP/month", "prem0 / 12 * min(max(1 - max(0, t - delay) * claw, 0), 1)"),
        "top": ("GBP/month", "max(0, guar * wl / 12 - (gs + mp + pr))"),
        "f": ("GBP/month", "0.6 * top"),
        "v": ("GBP/month", "0.4 * top * min(1, resp * ramp)"),
        "b": ("GBP/month", f"reg * ({' + '.join(f'base_{k} * li_{k}' for k in LINES)})"),
        "pv": ("GBP/month", "(gs + mp + pr + f + v + b) * disc"),
    }
    return [hand_made(name, unit, text) for name, (unit, text) in told.items()]


def hand_made(name: str, unit: str, text: str, first: str = "") -> Rule:
    called = ("min", "max", "abs", "round_to_pence")
    names = dict.fromkeys(names_in(ast.parse(text, mode="eval")))
    text = text.replace("/ 12", "/ MONTHS") if unit == "GBP/month" else text
    parameters = ", ".join(n for n in names if n not in called)
    constants = {"MONTHS": MONTHS_PER_YEAR} if "MONTHS" in text else {}
    said = f"def {name}({parameters}):\n    'What {name} is.'\n    return {text}"
    return Rule(name, unit, said, "x", first=first, constants=constants)


W1_LINES = ("gs", "mp", "pr", "f", "v", "b", "pv")


def w1(*summed: str) -> tuple[Graph, list[str]]:
    totals = [Total(name, "practices", f"all_{name}") for name in summed]
    return bind([*w1_rules(), *totals], W1_LEAVES.get), [total.name for total in totals]


def by_practice_and_month(graph: Graph) -> set[str]:
    """What is left to the loop over practices."""
    return {n for n, node in graph.nodes.items() if {"practice", "month"} <= {*node.dims}}


def formula(graph: Graph, name: str) -> str:
    definition = graph.nodes[name].definition
    assert isinstance(definition, Rule)
    return ast.unparse(definition.written_out)


def test_of_the_reference_workload_only_what_is_not_linear_is_left_by_practice():
    graph, wanted = w1(*W1_LINES)
    pushed = pushed_down(graph, wanted).only(wanted)
    assert by_practice_and_month(pushed) == {"reg", "wl", "gs", "mp", "pr", "top", "v"}
    assert not any("li_" in n.definition.text for n in practice_rules(pushed))
    assert formula(pushed, "all_pv") == "(all_gs + all_mp + all_pr + all_f + all_v + all_b) * disc"
    assert formula(pushed, "all_gs") == "sum_of_wl * price / MONTHS"
    assert formula(pushed, "all_f") == "0.6 * sum_of_top"
    assert formula(pushed, "sum_of_wl") == "sum_of_reg_weighted_by_wr"
    assert formula(pushed, "all_mp") == "sum_of_mpig0 * ero / MONTHS"
    totals = {n.definition.of for n in pushed.nodes.values() if isinstance(n.definition, Total)}
    moving = {name for name in totals if {"month", "practice"} <= {*graph_dims(pushed, name)}}
    assert moving == {"pr", "top", "v"}


def graph_dims(graph: Graph, name: str) -> tuple[str, ...]:
    return graph[name].dims


def practice_rules(graph: Graph) -> list[Node]:
    return [n for n in graph.nodes.values() if "practice" in n.dims]


def test_linear_rules_of_the_reference_workload():
    graph, _ = w1(*W1_LINES)
    assert linear_rules(graph) == {"reg", "wl", "gs", "mp", "f", "b", "pv"}


def test_a_rule_that_is_linear_in_columns_alone_leaves_no_loop_over_practices():
    for name in ("gs", "mp", "b"):
        graph, wanted = w1(name)
        pushed = pushed_down(graph, wanted).only(wanted)
        assert by_practice_and_month(pushed) == set()


# -------------------------------------------------------------------------- rules by hand

HAND_LEAVES = {
    **LEAVES,
    **leaves_of(
        ("growth", "1", ("month",)),
        ("nil", "1", ("month",)),
        ("base_list", "patient", ("practice",)),
        ("need", "1", ("practice",)),
        ("own", "1", ("practice", "month")),
        ("own_by_scenario", "1", ("scenario", "practice")),
    ),
}


def hand_case(*definitions: Rule | Total, wanted: Sequence[str] = ()) -> Case:
    """A case of rules by hand, with a nought for everybody under the name of nil."""
    case = Case(random.Random(5), 1, 15)
    case.graph = bind(definitions, HAND_LEAVES.get)
    numbers = np.random.default_rng(3)
    for name, leaf in HAND_LEAVES.items():
        case.values[name] = numbers.integers(1, 9, [case.sizes[d] for d in leaf.dims]) / 4
    case.values["nil"][:] = 0.0
    case.wanted = list(wanted) or [d.name for d in definitions if isinstance(d, Total)]
    return case


def pushed_case(*definitions: Rule | Total, wanted: Sequence[str] = ()) -> Graph:
    """What is left of the graph, once it has been shown to be right."""
    case = hand_case(*definitions, wanted=wanted)
    pushed = pushed_down(case.graph, case.wanted)
    assert_same_values(case, pushed)
    assert_units_agree(pushed)
    return pushed.only(case.wanted)


GROWING = hand_made("reg", "patient", "previous * (1 + growth)", first="base_list")
QUARTERLY = hand_made("counted", "patient", "reg if growth > 1 else previous", first="base_list")


def test_a_list_that_grows_is_summed_as_it_grows():
    pushed = pushed_case(GROWING, QUARTERLY, Total("counted", "practices", "all_counted"))
    assert by_practice_and_month(pushed) == set()
    assert formula(pushed, "sum_of_reg") == "previous_sum_of_reg * (1 + growth)"
    assert formula(pushed, "all_counted") == "sum_of_reg if growth > 1 else previous_all_counted"
    assert pushed.first_of("sum_of_reg") == pushed.first_of("all_counted") == "sum_of_base_list"


def test_a_weight_goes_back_to_the_first_value():
    weighted = hand_made("wl", "patient", "reg * need")
    pushed = pushed_case(GROWING, weighted, Total("wl", "practices", "all_wl"))
    assert by_practice_and_month(pushed) == set()
    first = pushed.first_of("sum_of_reg_weighted_by_need")
    column = pushed.nodes[first].definition
    assert isinstance(column, Total)
    assert formula(pushed, column.of) == "base_list * need"


def test_what_is_weighted_once_more_every_month_is_added_up_by_practice():
    growing = hand_made("reg", "patient", "previous * need", first="base_list")
    pushed = pushed_case(growing, Total("reg", "practices", "all_reg"))
    assert by_practice_and_month(pushed) == {"reg"}
    assert linear_rules(pushed) == set()


def test_a_total_that_begins_otherwise_than_its_parts_begins_so():
    late = hand_made("late", "patient", "previous_all_reg")
    total = Total("reg", "practices", "all_reg", first="ten")
    ten = hand_made("ten", "patient", "10 * base_ten")
    leaf = Leaf("base_ten", "input", Unit.parse("patient"), ())
    graph = bind([GROWING, total, ten, late], (HAND_LEAVES | {"base_ten": leaf}).get)
    pushed = pushed_down(graph, ["late"])
    assert formula(pushed, "all_reg") == "sum_of_reg"
    assert pushed.first_of("all_reg") == "ten"
    assert pushed.first_of("sum_of_reg") == "sum_of_base_list"


def test_what_begins_with_one_value_for_all_begins_with_that_many_times_it():
    rule = hand_made("x", "1", "previous + by_practice * growth", first="flat")
    pushed = pushed_case(rule, Total("x", "practices", "all_x"))
    assert by_practice_and_month(pushed) == set()
    assert formula(pushed, pushed.first_of("all_x")) == "flat * sum_of_column_1"


def test_what_begins_with_a_value_for_all_that_moves_is_added_up_by_practice():
    rule = hand_made("x", "1", "previous + by_practice * growth", first="by_month")
    pushed = pushed_case(rule, Total("x", "practices", "all_x"))
    assert by_practice_and_month(pushed) == {"x"}


@pytest.mark.parametrize(
    "text",
    [
        "by_practice / nil if nil > 0 else by_practice",
        "by_practice * growth / nil if nil > 0 and need > 0 else 0",
        "own / nil if nil > 0 else own",
        "(by_practice / nil if nil > 0 else 0) * (growth + need)",
        "own / nil if need > 1000 else own",
        "own * (growth / nil) if need > 1000 else own * need",
        "own * (1 if growth / nil > 1 else 2) if need > 1000 else own",
        "own / nil if need > 0 and nil > 0 else own",
        "need / (by_practice - by_practice) if nil > 0 else need * growth",
        "own / (need - need) if nil > 0 else own",
        "own / (need - need) if need < 0 else own",
    ],
)
def test_a_division_stays_under_the_condition_that_guards_it(text):
    pushed_case(hand_made("x", "1", text), Total("x", "practices", "all_x"))


def test_a_condition_in_part_for_all_and_in_part_by_practice_is_taken_apart():
    rule = hand_made("x", "1", "own if need > 1 or (by_practice > 1 and growth > 1) else 0")
    pushed = pushed_case(rule, Total("x", "practices", "all_x"))
    assert "x" not in pushed
    assert formula(pushed, "all_x").count("if growth > 1 else") == 1


@pytest.mark.parametrize(
    "text",
    [
        "max(own, 0)",
        "max(by_practice, growth)",
        "abs(own)",
        "round_to_pence(need * growth)",
        "own * own",
        "growth / own",
        "own if own > 1 else 0",
        "need if own > 1 else 0",
        "need if need > growth else 0",
    ],
)
def test_what_is_not_linear_is_added_up_by_practice(text):
    rule = hand_made("x", "1", text)
    pushed = pushed_case(rule, Total("x", "practices", "all_x"))
    assert "x" in pushed
    assert linear_rules(pushed) == set()


@pytest.mark.parametrize(
    "text",
    [
        "own * growth",
        "(own - need) / growth",
        "-own * need",
        "max(need, 0) * growth",
        "own / need",
        "own if growth > 1 else 0",
        "own if max(need, by_practice) > 1 else growth",
        "(need * growth + by_practice) * (own + 1)",
        "own_by_scenario * growth",
        "growth",
    ],
)
def test_what_is_linear_is_not_run_by_practice(text):
    rule = hand_made("x", "1", f"{text} + 0 * need")
    pushed = pushed_case(rule, Total("x", "practices", "all_x"))
    assert "x" not in pushed


def test_the_months_of_a_linear_rule_are_added_up_after_its_practices():
    rule = hand_made("x", "1/month", "flow * growth")
    of_year = Total("x", "months", "x_of_year")
    yearly = hand_made("paid", "1/year", "x_of_year * need")
    total = Total("paid", "practices", "all_paid")
    pushed = pushed_case(rule, of_year, yearly, total, wanted=["all_paid"])
    assert "x" not in pushed
    assert "x_of_year" not in pushed
    part = pushed.nodes[formula(pushed, "all_paid")].definition
    assert isinstance(part, Total)
    assert part.over == "months"


def test_the_months_of_a_rule_that_is_not_linear_are_added_up_before_its_practices():
    rule = hand_made("x", "1/month", "max(flow * growth, 0)")
    of_year = Total("x", "months", "x_of_year")
    total = Total("x_of_year", "practices", "all_x")
    pushed = pushed_case(rule, of_year, total)
    assert pushed.nodes["all_x"].definition == total


def test_a_total_stays_as_it_is_where_pushing_it_would_be_more_work():
    hard = [hand_made(f"h{n}", "1", f"max(own * growth, {n})") for n in range(4)]
    rule = hand_made("x", "1", "h0 + h1 * need + h2 * growth + h3")
    total = Total("x", "practices", "all_x")
    pushed = pushed_case(*hard, rule, total)
    assert pushed.nodes["all_x"].definition == total
    # Where the parts are summed in any case, theirs comes for nothing.
    rule = hand_made("x", "1", "h0 + h1 + h2 * growth + h3")
    others = [Total(f"h{n}", "practices", f"all_h{n}") for n in range(4)]
    pushed = pushed_case(*hard, *others, rule, total)
    assert formula(pushed, "all_x") == "all_h0 + all_h1 + all_h2 * growth + all_h3"


def test_where_adding_up_is_dear_one_sum_is_not_made_of_several():
    graph, wanted = w1("pv")
    assert "pv" not in pushed_down(graph, wanted).only(wanted)
    assert "pv" in pushed_down(graph, wanted, adding=20.0).only(wanted)


def test_what_is_wanted_by_practice_too_is_pushed_all_the_same():
    pushed = pushed_case(GROWING, Total("reg", "practices", "all_reg"), wanted=["reg", "all_reg"])
    assert formula(pushed, "all_reg") == "previous_all_reg * (1 + growth)"
    assert by_practice_and_month(pushed) == {"reg"}


def test_two_totals_of_one_rule_share_their_parts():
    totals = [Total("reg", "practices", "all_reg"), Total("reg", "practices", "all_again")]
    pushed = pushed_case(GROWING, *totals)
    assert formula(pushed, "all_again") == "all_reg"


def test_what_is_paid_to_each_practice_alike_is_paid_as_often_as_there_are_practices():
    rule = hand_made("x", "1", "growth * 2")
    graph = bind([rule, Total("x", "practices", "all_x")], HAND_LEAVES.get, (), ["x"])
    pushed = pushed_down(graph, ["all_x"]).only(["all_x"])
    assert formula(pushed, "all_x") == "growth * 2 * sum_of_column_1"
    assert pushed["column_1"].dims == ("practice",)
    assert pushed["all_x"].dims == graph["all_x"].dims


def test_a_random_rule_is_linear_only_where_it_is_its_mean():
    drawn = replace(hand_made("x", "1", "need * growth"), drawn=gamma("flat"))
    graph = bind([drawn, Total("x", "practices", "all_x")], HAND_LEAVES.get)
    assert linear_rules(graph) == set()
    assert linear_rules(graph, random_as_mean=True) == {"x"}
    assert "x" in pushed_down(graph, ["all_x"]).only(["all_x"])
    pushed = pushed_down(graph, ["all_x"], random_as_mean=True).only(["all_x"])
    assert set(pushed.leaves) == {"need", "growth"}
    assert pushed.nodes["all_x"].drawn is None


def test_names_that_are_made_do_not_clash_with_a_models():
    rules = [
        hand_made("column_1", "1", "need * 2"),
        hand_made("sum_of_need", "1", "growth * 3"),
        hand_made("x", "1", "need * growth + (column_1 + need) * sum_of_need"),
    ]
    pushed = pushed_case(*rules, Total("x", "practices", "all_x"))
    assert formula(pushed, "sum_of_need") == "growth * 3"
    assert formula(pushed, "column_1") == "need * 2"
    assert {"sum_of_need_no_2", "column_1_no_2"} <= set(pushed.nodes)


def test_a_practices_figure_may_bear_the_name_of_another_rules_constant():
    half = {"HALF": CONSTANTS["HALF"]}
    leaf = Leaf("HALF", "input", Unit.parse("1"), ("practice",))
    text = "def x(own, growth, need):\n    'X.'\n    return own * growth * (HALF * need)"
    inner = Rule("x", "1", text, "x", constants=half)
    outer = hand_made("y", "1", "x * HALF")
    total = Total("y", "practices", "all_y")
    case = hand_case(inner, Total("x", "practices", "all_x"))
    case.graph = bind([inner, outer, total], (HAND_LEAVES | {"HALF": leaf}).get)
    case.values["HALF"] = np.arange(case.sizes["practice"]) + 1.0
    case.wanted = ["all_y"]
    assert_same_values(case, pushed_down(case.graph, case.wanted))


def test_totals_that_nobody_asks_for_are_left_as_they_are():
    total = Total("reg", "practices", "all_reg")
    graph = bind([GROWING, total], HAND_LEAVES.get)
    pushed = pushed_down(graph, [])
    assert pushed.nodes == graph.nodes


# ---------------------------------------------------------------------------- shipped models


def summed(model: Model) -> tuple[Graph, list[str]]:
    """A model with a total over practices of all that its practices have, month by month."""
    rules = [n for n, node in model.graph().nodes.items() if "practice" in node.dims]
    totals = [Total(name, "practices", f"all_{name}") for name in rules]
    definitions = [*model.definitions, *totals]
    scenarios = list(model.scenarios)
    graph = bind(definitions, lambda n: model.leaf(n, scenarios), (), model.streams)
    return graph, [total.name for total in totals]


ONE_OF_EACH_KIND = (
    BOLTON,
    DUDLEY,
    EAST_ANGLIA,
    EASTERN_CHESHIRE,
    ESSEX,
    NATIONAL,
    NOTTINGHAMSHIRE,
    SANDWELL,
    THAMES_VALLEY,
    UNITING_CARE,
    UNPLANNED,
    VANGUARD,
)


def of_streams(model: Model) -> list[str]:
    return [f"all_{name}" for name in model.streams if "practice" in model.graph()[name].dims]


@pytest.mark.parametrize("name", ONE_OF_EACH_KIND)
def test_shipped_models_have_the_same_totals_of_every_stream_and_rule(name):
    model = shipped(name)
    practices = example_practices().isel(practice=slice(0, 5))
    graph, everything = summed(model)
    setting = setting_of(model, practices, list(model.scenarios)[:2], 13)
    values = values_of_leaves(graph.leaves, setting, {})
    index = {"practice_start": setting.practice_start, "year_of_month": setting.year_of_month}

    def run(graph: Graph, wanted: list[str]) -> dict[str, np.ndarray]:
        kernel = emit(graph, wanted)
        return kernel.run(setting.sizes, index, values, compiled=False)

    of_practices = [n for n in graph.nodes if "practice" in graph[n].dims]
    plain = run(graph, [*everything, *of_practices])
    largest: dict[Unit, float] = {}
    for part in of_practices:
        most = max(largest.get(graph[part].unit, 0.0), float(np.abs(plain[part]).max()))
        largest[graph[part].unit] = most
    for wanted in (everything, of_streams(model)):
        pushed = pushed_down(graph, wanted)
        assert_units_agree(pushed.only(wanted))
        found = run(pushed, wanted)
        for total in wanted:
            part = graph[total.removeprefix("all_")]
            axis = part.dims.index("practice")
            amounts = np.abs(plain[part.name])
            summed_up = np.add.reduceat(amounts, setting.practice_start[:-1], axis=axis)
            # What is left of large amounts that cancel out has their rounding.
            allowed = 1e-12 * summed_up + 1e-14 * largest[part.unit]
            assert found[total].shape == plain[total].shape
            assert (np.abs(found[total] - plain[total]) <= allowed).all(), total


def test_of_national_practice_income_few_rules_are_left_by_practice():
    model = shipped(NATIONAL)
    graph, _ = summed(model)
    wanted = of_streams(model)
    before = by_practice_and_month(graph.only(wanted))
    after = by_practice_and_month(pushed_down(graph, wanted).only(wanted))
    assert len(before) == 26
    assert "global_sum" not in after
    assert "correction_factor" not in after
    assert len(after) <= 8
