"""Drawing: each draw is what the rules give, one by one, with the random numbers of their names."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from capitation import draws as drawing
from capitation.draws import Draws, with_effect_held, with_outcomes
from capitation.engine import compiling
from capitation.engine.drawing import emit_draws, keys_of_run, touched_by_chance
from capitation.engine.graph import area_of
from capitation.engine.samplers import (
    draw_keys,
    key_of,
    stream_of,
)
from capitation.errors import InputError, RuleError
from capitation.model import Model
from capitation.setting import setting_of
from capitation.what_if import with_terms

from .strategies import bits, edited
from .tiny_models import RULES, SIMULATION, scheme_model, simulated, some_practices, tiny_model
from .twin import Twin

DRAWS, SEED = 2, 77
REGIMES = {
    "own-year-before": {},
    "pooled-three-years": {
        "measure_pooled": 1,
        "measure_over_three_years": 1,
        "measure_against_expected": 1,
        "scheme_budget": {"2013-04-01": 0, "2016-04-01": 100_000},
    },
    "careful": {
        "dead_band": 0.5,
        "admissions_overdispersion": 1,
        "savings_required": 200_000,
        "other_savings": 100_000,
        "measure_against_base_year": 1,
        "better_care_fund_in_force": 1,
        "better_care_fund_counted": 1,
        "payment_above_baseline": 0.3,
    },
}


def kept(model: Model, practices: xr.Dataset, months: int, given=None) -> tuple[Draws, Model]:
    """All that a simulation draws, with and without the effect."""
    asked = model.simulation
    names = list(model.scenarios)
    wanted = [*asked.outcomes, asked.earned, asked.cost, asked.saving]
    whole, outcomes = with_outcomes(model, wanted, given or {})
    held = with_effect_held(whole, asked.effect, names, [0.0] * len(names))
    doubled = Model(**{**vars(whole), "scenarios": {**whole.scenarios, **held}})
    setting = setting_of(doubled, practices, list(doubled.scenarios), months)
    variables = list(dict.fromkeys(v for o in outcomes.values() for v in o.variables))
    graph = doubled.graph(given=given or ())
    values = {n: a.sel(practice=setting.codes).values for n, a in (given or {}).items()}
    return Draws(setting, graph, variables, values, DRAWS, SEED, 1, False), doubled


def compare_with_twin(run: Draws, model: Model, practices: xr.Dataset, given=None) -> int:
    """Every number kept of every draw against the twin's; gives how many there were."""
    setting, count = run.setting, 0
    months = len(setting.months)
    scenarios = [scenario.name for scenario in setting.scenarios]
    twins = [
        [Twin(model, practices, s, months, SEED, draw) for draw in range(DRAWS)] for s in scenarios
    ]
    for twin in (twin for row in twins for twin in row):
        twin.given = dict(given or {})
    for place, commissioner in enumerate(setting.commissioners):
        ((_, arrays),) = run.of_commissioner(place)
        totals = run.totals_of_commissioner(place)
        for name, array in arrays.items():
            dims = run.graph[name].dims
            own = {"practice": twins[0][0].members(commissioner)}.get(area_of(dims), [commissioner])
            years = setting.years if "year" in dims else ("",)
            shape = (len(scenarios), len(own), len(years), DRAWS)
            found = array if "scenario" in dims else array[np.newaxis]
            found = found if "year" in dims else found[..., np.newaxis, :]
            expected = [
                [[[t.value(name, a, y) for t in row] for y in years] for a in own] for row in twins
            ]
            np.testing.assert_array_equal(np.broadcast_to(found, shape), expected, err_msg=name)
            count += int(np.prod(shape))
            if "practice" not in dims:
                np.testing.assert_array_equal(totals[name], array, err_msg=name)
    return count


def test_every_draw_of_a_tiny_model_is_what_its_rules_give_one_by_one(tmp_path):
    practices = some_practices("P4", "P1", "P3")
    run, model = kept(tiny_model(tmp_path), practices, 20)
    assert compare_with_twin(run, model, practices) > 400


def test_every_draw_of_a_scheme_is_what_its_rules_give_one_by_one(tmp_path):
    practices = some_practices("P2", "P5", "P1").assign(
        base_year_admissions=("practice", [420.0, 0.0, 0.0]),
        admissions_a_year_before_given=("practice", [0.0, 1210.0, 0.0]),
    )
    run, model = kept(scheme_model(tmp_path, REGIMES), practices, 24)
    assert compare_with_twin(run, model, practices) > 400
    _, scheme = next(run.of_commissioner(0))
    assert len(np.unique(scheme["scheme_earned"])) > 10


def counted(model: Model, practices: xr.Dataset, name: str) -> dict[str, xr.DataArray]:
    """Some whole numbers a month in place of a rule."""
    setting = setting_of(model, practices, None, None)
    labels = {
        "practice": practices["practice"].values,
        "month": np.array(setting.months, dtype="datetime64[ns]"),
    }
    shape = tuple(len(of) for of in labels.values())
    values = np.arange(np.prod(shape), dtype=float).reshape(shape) % 97
    return {name: xr.DataArray(values, labels, dims=("practice", "month"))}


def test_given_counts_are_no_longer_drawn(tmp_path):
    practices = some_practices("P4", "P2", "P1")
    outcomes = ["without_of_year", "admissions_of_year", "transfers", "bonus"]
    model = tiny_model(tmp_path, simulation=SIMULATION | {"outcomes": outcomes})
    given = counted(model, practices, "admissions_without")
    run, whole = kept(model, practices, 24, given)
    assert compare_with_twin(run, whole, practices, given) > 200
    result = simulated(model, practices, given=given)
    of_years = given["admissions_without"].values.reshape(3, 2, 12).sum(axis=2)
    found = result["without_of_year"].sel(quantile=0.95, drop=True)
    np.testing.assert_array_equal(found.values, np.broadcast_to(of_years, (2, 2, 3, 2)))
    assert (result["without_of_year_standard_error"] == 0).all()
    assert (result["admissions_of_year_standard_error"] > 0).all()


def test_a_count_that_another_rule_is_drawn_like_can_be_given(tmp_path):
    practices = some_practices("P4", "P2", "P1")
    outcomes = ["without_of_year", "admissions_of_year", "transfers"]
    model = tiny_model(tmp_path, simulation=SIMULATION | {"outcomes": outcomes})
    given = counted(model, practices, "admissions")
    run, whole = kept(model, practices, 24, given)
    assert compare_with_twin(run, whole, practices, given) > 200


# ------------------------------------------------------------------------ however it is run


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Model:
    return tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def plain(tiny) -> xr.Dataset:
    return simulated(tiny, draws=40)


def test_compiled_on_any_threads_every_bit_is_the_same(tiny, plain, monkeypatch):
    solved = {"practices": some_practices("P1", "P4"), "draws": 4, "months": 2, "break_even": True}
    few = simulated(tiny, **solved)
    before = set(compiling._MODULES)
    for threads, least, memory in ((1, 64, 2**29), (2, 1, 2**29), (2, 7, 1), (3, 1, 1)):
        monkeypatch.setattr(drawing, "LEAST_TASK", least)
        monkeypatch.setattr(drawing, "MEMORY", memory)
        found = simulated(tiny, draws=40, threads=threads, compiled=True)
        assert bits(found) == bits(plain), (threads, least, memory)
    assert bits(simulated(tiny, **solved | {"compiled": True})) == bits(few)
    practices = some_practices()
    practices["registered_list"][2] = 0
    said = "rule 'level_of_practice', practice P3: the result is not a finite number"
    for threads in (1, 2):
        with pytest.raises(InputError, match=said):
            simulated(tiny, practices, threads=threads, compiled=True)
    # One kernel does for all of this, beside the functions that every kernel draws with.
    assert len(set(compiling._MODULES) - before) <= 2


@pytest.mark.parametrize(("least", "memory"), [(1, 1), (17, 40_000), (1, 60_000)])
def test_passes_over_practices_and_tasks_of_draws_move_no_bit(
    tiny, plain, monkeypatch, least, memory
):
    monkeypatch.setattr(drawing, "LEAST_TASK", least)
    monkeypatch.setattr(drawing, "MEMORY", memory)
    assert bits(simulated(tiny, draws=40)) == bits(plain)


def test_a_pass_holds_the_practices_that_memory_allows(tiny, monkeypatch):
    run, _ = kept(tiny, some_practices("P1", "P2", "P3"), 24)
    sizes = {**run.setting.sizes, "commissioner_code": 1, "practice": 3}
    cells = run.bytes_of_a_practice(sizes) // (8 * DRAWS)
    # Four scenarios, two years, and five outcomes of a practice with the grade
    assert cells == 4 * 2 * 5
    monkeypatch.setattr(drawing, "MEMORY", 2 * run.bytes_of_a_practice(sizes))
    assert [practices for practices, _ in run.of_commissioner(0)] == [range(2), range(2, 3)]
    monkeypatch.setattr(drawing, "MEMORY", 1)
    assert [len(practices) for practices, _ in run.of_commissioner(0)] == [1, 1, 1]


# ------------------------------------------------------------------------- what is in a draw


def test_what_chance_does_not_touch_is_worked_out_once(tiny):
    graph = tiny.graph()
    part = touched_by_chance(graph.only(["fall", "transfers", "bonus"]))
    for name in ("usual_at_start", "none_yet"):
        assert name in graph.nodes
        assert name not in part.nodes
        assert part.leaves[name].kind == "given"
    assert {"admissions", "fall", "avoided_to_date", "transfers"} <= set(part.nodes)
    assert not {"reward", "bed_cost"} & set(part.nodes)
    assert part.leaves["reduction"].kind == "term"
    nothing = touched_by_chance(graph.only(["usual_at_start"]))
    assert (nothing.nodes, nothing.leaves) == ({}, {})
    made, drawn = emit_draws(graph, ["fall"])
    assert made.streams == ("bad_year", "level_of_practice", "admissions", "admissions_before")
    assert set(made.collected) == {"fall"}
    assert set(drawn.nodes) == set(touched_by_chance(graph.only(["fall"])).nodes)


def test_random_numbers_belong_to_names_and_not_to_places():
    labels = {
        "practice": ["P2", "P1"],
        "commissioner_code": ["C1"],
        "year": ["2015/16"],
        "month": ["2015-04", "2015-05"],
    }
    keys = keys_of_run(labels, ["admissions"], 5, 3)
    assert keys["practice"].tolist() == [int(key_of("P2")), int(key_of("P1"))]
    assert keys["month"].tolist() == [int(key_of("2015-04")), int(key_of("2015-05"))]
    assert keys["year"].tolist() == [int(key_of("2015/16"))]
    assert keys["no"].tolist() == [int(key_of(""))]
    assert keys["stream"].tolist() == [stream_of("admissions")]
    np.testing.assert_array_equal(keys["draw"], draw_keys(5, 100)[:3])
    assert all(of.dtype == np.uint64 for of in keys.values())


def test_a_rule_drawn_like_another_is_never_above_it_where_its_mean_is_not(tmp_path):
    model = tiny_model(tmp_path, simulation=SIMULATION | {"outcomes": ["without_of_year"]})
    model = with_terms(model, {"reduction": 0.02})
    whole, outcomes = with_outcomes(model, ["without_of_year", "admissions_of_year"], ())
    names = [name for of in outcomes.values() for name in of.variables]
    setting = setting_of(whole, some_practices(), ["as-is"], 24)
    run = Draws(setting, whole.graph(["as-is"]), names, {}, 60, 3, 1, False)
    for place in range(2):
        for _, arrays in run.of_commissioner(place):
            avoided = arrays["without_of_year"] - arrays["admissions_of_year"]
            assert (avoided >= 0).all()
            assert (avoided == 0).any()
            assert (avoided > 0).any()
            assert (arrays["admissions_of_year"] % 1 == 0).all()


LIKE_LIKE = """
third_of_year = total("third", over="months")

@rule(
    unit="admission/month",
    drawn=negative_binomial("overdispersion", like="admissions_without"),
    assumption="By hand.",
)
def third(expected_without):
    \"\"\"Drawn like what is drawn like the admissions.\"\"\"
    return expected_without
"""


def test_likeness_is_passed_on(tmp_path):
    asked = SIMULATION | {"outcomes": ["without_of_year", "third_of_year"]}
    result = simulated(tiny_model(tmp_path, RULES + LIKE_LIKE, simulation=asked))
    np.testing.assert_array_equal(result["without_of_year"], result["third_of_year"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            ('like="admissions"', 'like="admisions"'),
            "'admissions_without' is to be drawn like 'admisions', which is no random rule "
            "(did you mean 'admissions'?)",
        ),
        (
            ('like="admissions"', 'like="expected_without"'),
            "is to be drawn like 'expected_without', which is no random rule",
        ),
        (
            ('gamma("base_level_variation")', 'gamma("base_registered_list")'),
            "'level_of_practice' is drawn with 'base_registered_list' [patient] "
            "(how widely a value is drawn is a plain number, of unit 1)",
        ),
        (
            ('gamma("base_level_variation")', 'gamma("level_variatoin")'),
            "'level_of_practice' needs 'level_variatoin', which is no rule, input or term "
            "(did you mean 'level_variation'?)",
        ),
    ],
)
def test_what_a_rule_cannot_be_drawn_with_is_refused_where_it_stands(tmp_path, change, said):
    with pytest.raises(RuleError) as caught:
        tiny_model(tmp_path, edited(RULES, change))
    (problem,) = caught.value.problems
    assert said in str(problem)
    assert problem.where.startswith("tiny.toml, rules: tiny_rules.py:")
