"""The fast layout, scenarios side by side, against the plain one: the same bits."""

from __future__ import annotations

import ast
import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capitation import InputError, example_practices, load_model, project
from capitation.engine.binding import bind
from capitation.engine.graph import Graph
from capitation.engine.kernel import emit
from capitation.engine.lanes.kernel import emit_lanes, in_lanes, width_for
from capitation.engine.lanes.run import LaneRun, shares
from capitation.engine.lanes.text import fault_of
from capitation.evaluation import ENOUGH_SCENARIOS
from capitation.model import Model, Scenario
from capitation.setting import setting_of, values_of_leaves

from .test_kernel import LEAVES, Case, rule_from, same_bits


def lanes_of(case: Case, *, compiled: bool = False, threads: int = 1, width: int = 2) -> LaneRun:
    """What was worked out before by the plain kernel, and the kernel in lanes, not yet run."""
    kernel = emit_lanes(case.graph, case.wanted, width)
    before = {}
    if kernel.before:
        before = case.run(emit(case.graph, kernel.before), compiled=False)
    index = {
        "practice_start": np.array(case.starts),
        "year_of_month": np.array(case.year_of_month),
    }
    return LaneRun(kernel, case.sizes, index, case.values | before)


def assert_same_bits_as_plain(case: Case, *, compiled: bool = False, threads: int = 1) -> int:
    expected = case.run(emit(case.graph, case.wanted), compiled=False)
    run = lanes_of(case)
    found = run.run(threads, compiled=compiled) if run.kernel.results else {}
    assert set(found) == {name for name in case.wanted if in_lanes(case.graph[name])}
    for name, array in found.items():
        assert same_bits(np.ascontiguousarray(array), expected[name]), run.kernel.source
    assert run.kernel.results == () or run.first_fault() is None
    return len(found)


@settings(deadline=None, max_examples=60)
@given(st.randoms(use_true_random=False), st.integers(1, 9), st.integers(1, 27))
def test_lanes_give_the_bits_of_the_plain_layout(chance, rules, months):
    assert_same_bits_as_plain(Case(chance, rules, months))


def test_large_graphs_in_lanes_give_the_bits_of_the_plain_layout():
    """And some of them have lanes at all: the test before would not notice if none had."""
    counts = [
        assert_same_bits_as_plain(Case(random.Random(seed), 14, 14 + seed % 14))
        for seed in range(24)
    ]
    assert sum(count > 0 for count in counts) > 12


@pytest.mark.parametrize("seed", range(2))
def test_compiled_lanes_give_the_bits_of_the_plain_layout_on_any_number_of_threads(seed):
    case = Case(random.Random(seed), 10, 27)
    case.wanted = list(case.graph.nodes)
    assert_same_bits_as_plain(case, compiled=True, threads=1)
    assert_same_bits_as_plain(case, compiled=True, threads=3)


# ------------------------------------------------------------------ blocks


def case_with(texts: dict[str, tuple[str, str]], scenarios: int = 5) -> Case:
    """A case of rules by name, unit and text, on more scenarios than one tile of two holds."""
    case = Case(random.Random(1), 1, 14)
    rules = [rule_from(name, unit, text) for name, (unit, text) in texts.items()]
    case.graph = bind(rules, LEAVES.get)
    case.wanted = list(texts)
    case.sizes["scenario"] = scenarios
    numbers = np.random.default_rng(3)
    for name, leaf in LEAVES.items():
        case.values[name] = numbers.normal(0, 50, tuple(case.sizes[d] for d in leaf.dims))
    return case


PRODUCT = {
    "paid": (
        "1",
        "def paid(by_scenario, by_practice_and_month):\n"
        "    return by_scenario * by_practice_and_month",
    )
}


def test_a_last_tile_that_is_not_full_is_filled_up_and_cut_off_again():
    for scenarios in (1, 2, 3, 4, 5):
        assert assert_same_bits_as_plain(case_with(PRODUCT, scenarios)) == 1


def test_a_run_uses_its_blocks_again_and_gives_views_where_one_tile_holds_all():
    case = case_with(PRODUCT, 2)
    run = lanes_of(case)
    first = run.run(compiled=False)["paid"]
    again = run.run(compiled=False)["paid"]
    assert np.shares_memory(first, again)
    assert all(block.ctypes.data % 64 == 0 for block in run.blocks.values())
    tables = run.read[len(run.kernel.scalars) :]
    assert tables
    assert all(table.ctypes.data % 64 == 0 for table in tables)


def test_cells_may_be_kept_in_single_precision():
    case = case_with(PRODUCT, 2)
    kernel = emit_lanes(case.graph, case.wanted, 2)
    index = {"practice_start": np.array(case.starts), "year_of_month": np.array(case.year_of_month)}
    exact = LaneRun(kernel, case.sizes, index, case.values).run(compiled=False)["paid"]
    short = LaneRun(kernel, case.sizes, index, case.values, np.float32).run(compiled=False)["paid"]
    assert short.dtype == np.float32
    assert np.array_equal(short, exact.astype(np.float32))


def test_what_has_no_scenario_is_left_to_the_plain_layout():
    texts = PRODUCT | {
        "alone": ("1", "def alone(by_practice):\n    return by_practice * by_practice"),
        "both": ("1", "def both(alone, by_scenario):\n    return alone + by_scenario"),
    }
    kernel = emit_lanes(case_with(texts).graph, texts)
    assert kernel.before == ("alone",)
    assert "alone" in kernel.scalars


@pytest.mark.parametrize(("scenarios", "width"), [(1, 8), (8, 8), (9, 16), (17, 32), (900, 32)])
def test_a_tile_is_no_wider_than_it_need_be(scenarios, width):
    assert width_for(scenarios) == width


@given(st.lists(st.integers(1, 400), min_size=1, max_size=60), st.integers(1, 20))
def test_shares_take_every_commissioner_once_and_in_order(counts, parts):
    starts = np.concatenate([[0], np.cumsum(counts)])
    taken = [group for share in shares(starts, parts) for group in share]
    assert taken == list(range(len(counts)))


# ------------------------------------------------------------------ division by zero


def fault(text: str) -> str:
    found = fault_of(ast.parse(text, mode="eval").body)
    return "" if found is None else ast.unparse(ast.fix_missing_locations(found))


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("a / 12.0", ""),
        ("a / b", "b == 0.0"),
        ("a / b if b > 0.0 else 0.0", "b == 0.0 if b > 0.0 else False"),
        ("a / b + c / d", "b == 0.0 or d == 0.0"),
        ("b != 0.0 and a / b > 1.0", "b != 0.0 and b == 0.0"),
        ("b == 0.0 or a / b > 1.0", "not b == 0.0 and b == 0.0"),
        ("a / (b / c)", "c == 0.0 or b / c == 0.0"),
    ],
)
def test_the_condition_of_a_division_by_zero(text, condition):
    assert fault(text) == condition


NUMBERS = st.sampled_from([0.0, 1.0, -1.0, 2.5])


@given(NUMBERS, NUMBERS, NUMBERS)
@pytest.mark.parametrize(
    "text",
    [
        "a / b if c > a else c / a",
        "(a / b > 0.0) and (b / c < 1.0) or (c / a > 0.0)",
        "max(a / (b + c), a) if not (a / c > b) else b",
        "a < b / c < c / a",
    ],
)
def test_a_lane_is_marked_where_python_raises(text, a, b, c):
    """A chain of comparisons may be marked where Python stops early: it is asked again anyway."""
    scope = {"a": a, "b": b, "c": c}
    with np.errstate(all="ignore"):
        lanes = {name: np.float64(value) for name, value in scope.items()}
        marked = bool(eval(fault(text), {}, lanes))
    try:
        eval(text, {}, scope)
        raises = False
    except ZeroDivisionError:
        raises = True
    assert marked or not raises
    if "<" not in text.replace("< 1.0", ""):
        assert marked == raises


def test_a_local_name_that_divides_by_zero_is_found_whether_it_is_used_or_not():
    text = (
        "def paid(by_scenario, by_practice_and_month):\n"
        "    share = by_practice_and_month / by_scenario\n"
        "    return share if by_scenario > 0 else 0.0"
    )
    case = case_with({"paid": ("1", text)}, 3)
    case.values["by_scenario"][1] = 0.0
    run = lanes_of(case)
    run.run(compiled=True)
    assert run.first_fault() == (0, 1)


def with_scenarios(model: Model, number: int) -> Model:
    """A model with scenarios that differ in one term, each with a value of its own."""
    first = next(iter(model.scenarios.values()))
    term = model.term_in("global_sum_price", first.name)
    made = {}
    for n in range(number):
        name = f"price-{n}"
        held = term.held_at(70.0 + n)
        made[name] = Scenario(name, name, first.terms | {"global_sum_price": held})
    return replace(model, scenarios=made)


def test_a_projection_in_lanes_is_that_of_the_plain_layout():
    model = with_scenarios(load_model("national-practice-income"), ENOUGH_SCENARIOS)
    practices = example_practices().isel(practice=slice(0, 7))
    plain = project(model, practices, months=14, compiled=False)
    lanes = project(model, practices, months=14, compiled=True)
    assert plain.identical(lanes)
    assert any("scenario" in of.dims and "practice" in of.dims for of in plain.data_vars.values())


def test_a_division_by_zero_in_lanes_is_told_as_in_the_plain_layout(tmp_path):
    (tmp_path / "own_rules.py").write_text(
        "from capitation import rule\n\n"
        '@rule(unit="GBP/month", assumption="A rule that divides by zero in one scenario.")\n'
        "def share_paid(base_global_sum, divisor):\n"
        '    """Paid."""\n'
        "    return base_global_sum / divisor\n"
    )
    scenarios = "\n".join(
        f'[scenario.s{n}]\ntitle = "S{n}"\n[scenario.s{n}.term.divisor]\n'
        f'values = [{{ from = 2016-04-01, value = {3 - n}, assumption = "x" }}]\n'
        for n in range(ENOUGH_SCENARIOS)
    )
    (tmp_path / "own.toml").write_text(
        'name = "own"\ntitle = "Own"\nstart = 2016-04-01\nmonths = 3\n'
        'rules = ["own_rules.py"]\nstreams = ["share_paid"]\n'
        '[term.divisor]\nunit = "month/year"\ntitle = "Divisor"\n'
        'values = [{ from = 2016-04-01, value = 3, assumption = "x" }]\n' + scenarios
    )
    practices = example_practices().isel(practice=slice(0, 3))
    told = []
    for compiled in (False, True):
        with pytest.raises(InputError) as error:
            project(tmp_path / "own.toml", practices, compiled=compiled)
        told.append(str(error.value))
    assert told[0] == told[1]
    assert "scenario s3" in told[0]
    assert "share_paid" in told[0]


def test_nothing_is_worked_out_twice_or_left_out():
    """In lanes are scenarios with an area; before them, all else that was asked for or is read."""
    model = load_model("out-of-hospital-budget")
    setting = setting_of(model, example_practices(), None, 12)
    graph: Graph = model.graph([s.name for s in setting.scenarios])
    wanted = list(graph.nodes)
    kernel = emit_lanes(graph, wanted)
    own = [name for name in wanted if in_lanes(graph[name])]
    assert sorted([*kernel.before, *own]) == sorted(wanted)
    assert sorted(c for block in kernel.results for c in block.columns) == sorted(own)
    leaves = values_of_leaves(graph.leaves, setting, {})
    assert set(leaves) == set(graph.leaves)
