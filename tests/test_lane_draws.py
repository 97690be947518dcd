"""Draws as lanes: the bits of the plain layout, draw by draw, whatever the rules."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from capitation.draws import Draws, with_outcomes
from capitation.engine.binding import bind
from capitation.engine.compiling import load
from capitation.engine.distribution import gamma, negative_binomial
from capitation.engine.drawing import emit_draws, keys_of_run, touched_by_chance
from capitation.engine.graph import Leaf, area_of, time_of
from capitation.engine.lane_draws.kernel import LaneDrawingKernel, emit_lane_draws
from capitation.engine.lane_draws.loops import LaneDrawEmission
from capitation.engine.lane_draws.samplers import lane_text
from capitation.engine.rule import Rule, Total
from capitation.engine.units import ONE
from capitation.errors import InputError
from capitation.example import example_practices
from capitation.model import Model
from capitation.setting import setting_of

from .strategies import BOLTON, FYLDE_WYRE, shipped
from .test_kernel import LEAVES, Case
from .tiny_models import SIMULATION, some_practices, tiny_model

SPREADS = {
    name: Leaf(name, "input", ONE, dims)
    for name, dims in [
        ("wide", ()),
        ("wide_by_scenario", ("scenario",)),
        ("wide_by_practice", ("practice",)),
        ("wide_by_scenario_and_month", ("scenario", "month")),
    ]
}


class DrawnCase(Case):
    """A graph drawn by chance, some of its rules left to chance."""

    def __init__(self, seed: int, rules: int = 10, months: int = 14, draws: int = 3):
        chance = random.Random(seed)
        super().__init__(chance, rules, months)
        leaves = LEAVES | SPREADS
        definitions = [node.definition for node in self.graph.nodes.values()]
        streams: list[str] = []
        for place, definition in enumerate(definitions):
            if isinstance(definition, Rule) and chance.random() < 0.35:
                # What others begin with does not move.
                spread = chance.choice(list(SPREADS)[: 3 if definition.name == "start" else 4])
                like = chance.choice(streams) if streams and chance.random() < 0.4 else ""
                kind = chance.choice([gamma, negative_binomial])
                definitions[place] = replace(definition, drawn=kind(spread, like=like))
                streams.append(definition.name)
        self.graph = bind(definitions, leaves.get)
        # Some lists and lanes of a random rule would be nothing but noughts.
        self.values = {name: abs(array) + 1 for name, array in self.values.items()}
        numbers = np.random.default_rng(seed)
        for name, leaf in SPREADS.items():
            shape = tuple(self.sizes[d] for d in leaf.dims)
            self.values[name] = numbers.choice([0.0, 0.01, 0.3, 1.0, 1.3, 4.0], shape)
        self.wanted = [n for n, node in self.graph.nodes.items() if "month" not in node.dims]
        before: list[str] = []
        while before != self.wanted:
            before = self.wanted
            touched = touched_by_chance(self.graph.only(before)).nodes
            self.wanted = [name for name in before if name in touched]
        labels = {
            "practice": [f"P{i}" for i in range(self.sizes["practice"])],
            "commissioner_code": [f"C{i}" for i in range(self.sizes["commissioner_code"])],
            "year": [f"Y{i}" for i in range(self.sizes["year"])],
            "month": [f"M{i}" for i in range(months)],
        }
        self.plain, self.part = emit_draws(self.graph, self.wanted)
        self.lanes = LaneDrawingKernel(self.plain, self.part)
        self.draws = draws
        self.keys = keys_of_run(labels, self.plain.streams, seed, draws)
        self.index = {
            "practice_start": np.array(self.starts),
            "year_of_month": np.array(self.year_of_month),
        }

    def read(self) -> dict[str, np.ndarray]:
        """What the kernels read: leaves, and what is worked out before."""
        found = {name: self.values[name] for name in self.part.leaves if name in self.values}
        before = [name for name in self.part.leaves if name in self.graph.nodes]
        twin = self.twin()
        return found | {name: twin.array(name, self.sizes) for name in before}

    def collected(self, practices: range) -> dict[str, np.ndarray]:
        of_pass = {**self.sizes, "practice": len(practices)}
        return {
            name: np.full([*(of_pass[d] for d in dims), self.draws], -77.0)
            for name, dims in self.plain.collected.items()
        }

    def arguments(self, practices: range, draws: range | None = None) -> tuple:
        found = self.collected(practices)
        draws = range(self.draws) if draws is None else draws
        return self.sizes, self.index, self.keys, self.read(), found, draws, practices


def drawn_case(seed: int, **how: int) -> DrawnCase:
    """The first case from a seed on in which chance touches anything that can be kept."""
    return next(case for i in range(100) if (case := DrawnCase(100 * seed + i, **how)).wanted)


def run_slowly(kernel: LaneDrawingKernel, *arguments) -> None:
    """Run the fast layout as plain Python, of each block of lanes the first three."""
    texts = [kernel.source, lane_text()]
    for wide, narrow in (
        ("range(place_(128))", "range(place_(3))"),
        ("count = place_(128)", "count = place_(3)"),
    ):
        texts = [text.replace(wide, narrow) for text in texts]
    function = load(texts[0], False, texts[1], error_model="numpy")
    with np.errstate(all="ignore"):
        function(*kernel.arguments(*arguments))


def assert_same(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> int:
    assert set(found) == set(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)
        assert (np.signbit(found[name]) == np.signbit(array)).all() or np.isnan(array).any(), name
    return sum(array.size for array in expected.values())


@pytest.mark.parametrize("seed", range(40))
def test_draws_as_lanes_give_the_bits_of_the_plain_layout(seed):
    case = drawn_case(seed)
    every = range(case.sizes["practice"])
    plain, lanes = case.arguments(every), case.arguments(every)
    case.plain.run(*plain, compiled=False)
    run_slowly(case.lanes, *lanes)
    assert_same(lanes[4], plain[4])


def test_the_drawn_cases_hold_everything_that_a_simulation_can_hold():
    seen: set[str] = set()
    for seed in range(40):
        case = drawn_case(seed)
        nodes = case.part.nodes.values()
        emission = LaneDrawEmission(case.part, case.plain)
        for node in nodes:
            if node.drawn:
                of = ("scenario" in node.dims, "scenario" in case.graph[node.drawn.spread].dims)
                seen.add(f"{node.drawn.kind} {area_of(node.dims)} {time_of(node.dims)} {of}")
                seen |= {"like"} if node.drawn.like else set()
            if node.looks_back:
                seen.add(f"looks back {time_of(node.dims)}")
            if isinstance(node.definition, Total):
                fused = "on the way" if node.name in emission.fused else "by itself"
                seen.add(f"over {node.definition.over} {fused}")
        seen |= {block.name for block in case.lanes.lanes.blocks}
    assert {f"over {of} on the way" for of in ("months", "practices")} <= seen
    assert {"over practices by itself", "over months by itself", "like"} <= seen
    assert {"looks back month", "looks back year", "kept_s", "past_s", "kept", "past"} <= seen
    for kind in ("gamma", "negative_binomial"):
        for of in ("practice month", "practice  ", "  "):
            assert any(s.startswith(f"{kind} {of}") for s in seen), (kind, of, sorted(seen))
    assert any(" commissioner_code " in s for s in seen)
    assert any("(True, True)" in s for s in seen)
    assert any("(True, False)" in s for s in seen)


@pytest.mark.parametrize("seed", range(3))
def test_compiled_they_do_too_over_block_edges_and_for_some_practices(seed):
    case = drawn_case(seed, rules=6, months=5, draws=300)
    some = range(case.sizes["practice"])[1:3]
    plain, lanes = case.arguments(some), case.arguments(some)
    case.plain.run(*plain, compiled=True)
    for draws in (range(1), range(1, 130), range(130, 300)):
        case.lanes.run(*lanes[:5], draws, some, compiled=True)
    assert_same(lanes[4], plain[4])


# ---------------------------------------------------------------------- in place of the plain one


def ready(model: Model, practices, outcomes, draws: int, *, months: int = 24) -> list[Draws]:
    """A contract made ready to be drawn, in the plain layout and in lanes."""
    whole, found = with_outcomes(model, outcomes, ())
    names = list(dict.fromkeys(v for o in found.values() for v in o.variables))
    scenarios = list(whole.scenarios)
    setting = setting_of(whole, practices, scenarios, months)
    runs = [Draws(setting, whole.graph(scenarios), names, {}, draws, 5, 1, True) for _ in range(2)]
    runs[0].kernel, _ = emit_draws(runs[0].graph, runs[0].drawn)
    runs[1].kernel, _ = emit_lane_draws(runs[1].graph, runs[1].drawn)
    return runs


def all_drawn(run: Draws) -> dict[str, np.ndarray]:
    arrays: dict[str, np.ndarray] = {}
    for place in range(len(run.setting.commissioners)):
        for practices, of_pass in run.of_commissioner(place):
            arrays |= {f"{name} {place} {practices}": a.copy() for name, a in of_pass.items()}
        arrays |= {f"{n} {place}": a.copy() for n, a in run.totals_of_commissioner(place).items()}
    return arrays


def test_a_contract_is_drawn_alike_on_any_threads(tmp_path, monkeypatch):
    model = tiny_model(tmp_path)
    practices = some_practices("P4", "P1", "P3")
    plain, lanes = ready(model, practices, SIMULATION["outcomes"], 300)
    expected = all_drawn(plain)
    assert assert_same(all_drawn(lanes), expected) > 30_000
    for threads, least in ((2, 64), (3, 1)):
        monkeypatch.setattr("capitation.draws.LEAST_TASK", least)
        lanes.threads = threads
        assert_same(all_drawn(lanes), expected)
    # Uncompiled it is the plain kernel.
    plain, lanes = ready(model, practices, SIMULATION["outcomes"], 3)
    plain.compiled = lanes.compiled = False
    assert_same(all_drawn(lanes), all_drawn(plain))


class Slowly(LaneDrawingKernel):
    """The fast layout, run as plain Python."""

    def run(self, *arguments, compiled: bool) -> None:
        run_slowly(self, *arguments)


@pytest.mark.parametrize("name", [BOLTON, FYLDE_WYRE])
def test_a_shipped_contract_is_drawn_alike(name):
    model = shipped(name)
    practices = example_practices().isel(practice=slice(2))
    plain, lanes = ready(model, practices, model.simulation.outcomes, 2, months=13)
    lanes.kernel = Slowly(lanes.kernel.plain, lanes.kernel.graph)
    plain.compiled = lanes.compiled = False
    assert assert_same(all_drawn(lanes), all_drawn(plain)) > 10


def test_a_division_by_zero_is_told_of_the_rule_and_practice(tmp_path):
    model = tiny_model(tmp_path)
    practices = some_practices("P4", "P1", "P3")
    practices["registered_list"][2] = 0
    _, lanes = ready(model, practices, SIMULATION["outcomes"], 140)
    with pytest.raises(InputError, match="rule 'level_of_practice', practice P3"):
        all_drawn(lanes)


def test_draws_are_put_aside_in_contiguous_arrays():
    case = drawn_case(1)
    arguments = list(case.arguments(range(case.sizes["practice"])))
    arguments[4] = {n: np.repeat(a, 2, -1)[..., ::2] for n, a in arguments[4].items()}
    with pytest.raises(ValueError, match="contiguous"):
        case.lanes.run(*arguments, compiled=True)
