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

from capitation.engine.distribution import gamma
from capitation.engine.graph import Graph, Leaf, Node, bind
from capitation.engine.kernel import emit
from capitation.engine.linear_parts import names_in
from capitation.engine.linearity import linear_rules, pushed_down
from capitation.engine.rule import Rule, Total
from capitation.engine.unit_check import check_units
from capitation.engine.units import Unit
from capitation.example import example_practices
from capitation.model import Model
from capitation.setting import setting_of, values_of_leaves
from capitation.vocabulary import round_to_pence

from .strategies import EVERY_MODEL, shipped
from .test_kernel import CONSTANTS, LEAVES, Case, Twin, assert_agrees_with_twin, rule_from

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


def with_totals(case: Case, chance: random.Random) -> Case:
    """A drawn case with more totals over practices: of rules, of years, of what is looked back at."""
    of_practices = [n for n in case.graph.nodes if "practice" in case.graph[n].dims]
    summed = chance.sample(of_practices, min(len(of_practices), 4))
    definitions = [node.definition for node in case.graph.nodes.values()]
    streams = [n for n in of_practices if is_of_practices_by_name(case.graph, n)]
    more = [Total(name, "practices", f"all_{name}") for name in summed]
    case.graph = bind([*definitions, *more], LEAVES.get, (), streams)
    case.wanted = [total.name for total in more]
    others = [n for n in case.graph.nodes if n not in case.wanted]
    case.wanted += chance.sample(others, min(len(others), chance.randint(0, 2)))
    return case


def is_of_practices_by_name(graph: Graph, name: str) -> bool:
    """Whether nothing that a rule needs has a practice: it was bound as a stream of practices."""
    cut = Graph({n: node for n, node in graph.nodes.items()}, graph.leaves)
    ancestors = cut.ancestors([name]) - {name}
    return not any("practice" in graph[n].dims for n in ancestors)


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


@settings(deadline=None, max_examples=150)
@given(st.randoms(use_true_random=False), st.integers(1, 9), st.integers(1, 6))
def test_a_pushed_graph_has_exactly_the_values_of_the_graph(chance, rules, months):
    case = with_totals(Case(chance, rules, months), chance)
    try:
        assert_same_values(case, pushed_down(case.graph, case.wanted))
    except TooLongError:
        assume(False)
