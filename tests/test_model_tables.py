"""Tables of a model's file that make inputs, terms and rules: standards, and a simulation."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capitation.declared_rules import (
    graded_rule,
    mandatory_rule,
    standard_payment_rule,
    sum_rule,
)
from capitation.errors import InputError
from capitation.input_tables import read_inputs
from capitation.model import Model, Simulation
from capitation.model_file import load_model
from capitation.national import national_inputs
from capitation.practices import PracticeInput
from capitation.projection import project
from capitation.standard_tables import read_standards
from capitation.what_if import with_terms

from .strategies import (
    BOLTON,
    EVERY_MODEL,
    NATIONAL,
    UNPLANNED,
    edited,
    practices_of,
    shipped,
    shipped_text,
)

ACCESS = "[standard.access]\n"
SIMULATION = "[simulation]\n"


def load(folder, text: str) -> Model:
    path = folder / "own.toml"
    path.write_text(text, encoding="utf-8")
    return load_model(path)


def faults(folder, text: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        load(folder, text)
    return [str(problem) for problem in caught.value.problems]


def with_standard(*lines: str) -> str:
    """The Bolton model with one standard more."""
    return shipped_text(BOLTON).replace(
        ACCESS, "[standard.own]\n" + "\n".join(lines) + f"\n\n{ACCESS}"
    )


# ------------------------------------------------------------------------- standards: what is wrong

GROUND = 'assumption = "x"'
WEIGHT = "weight = 1"
VALUE = "value = 1"

# Lines of a standard; the place that is named; what is said of it.
WRONG_STANDARDS = {
    "unknown key": (
        ("wieght = 1", VALUE, GROUND),
        "standard.own",
        "the key 'wieght' is not known (did you mean 'weight'?)",
    ),
    "no grade": ((WEIGHT, GROUND), "standard.own", "neither value nor graded_by"),
    "empty grade": ((WEIGHT, 'graded_by = ""', GROUND), "standard.own", "neither value nor grad"),
    "two grades": (
        (WEIGHT, VALUE, 'graded_by = "grade_for_admissions"', GROUND),
        "standard.own",
        "both value and graded_by (keep one: the practices' own grade, or a rule)",
    ),
    "unknown rule": (
        (WEIGHT, 'graded_by = "grade_for_admision"', GROUND),
        "standard.own, graded_by",
        "there is no rule 'grade_for_admision' (did you mean 'grade_for_admissions'?)",
    ),
    "a term for a rule": (
        (WEIGHT, 'graded_by = "programme_ramp"', GROUND),
        "standard.own, graded_by",
        "there is no rule 'programme_ramp'",
    ),
    "a rule of another unit": (
        (WEIGHT, 'graded_by = "scheme_offer_of_year"', GROUND),
        "standard",
        "'graded_standards_achieved'",
    ),
    "a number for a rule": (
        (WEIGHT, "graded_by = 1", GROUND),
        "standard.own, graded_by",
        "found 1",
    ),
    "mandatory with a weight": (
        ("mandatory = true", WEIGHT, VALUE, GROUND),
        "standard.own",
        "a mandatory standard with a weight",
    ),
    "graded without a weight": (
        (VALUE, GROUND),
        "standard.own",
        "a graded standard without a weight (give weight = 1, or mandatory = true)",
    ),
    "maybe mandatory": (
        ('mandatory = "yes"', WEIGHT, VALUE, GROUND),
        "standard.own, mandatory",
        "expected true or false, found 'yes'",
    ),
    "one for mandatory": (
        ("mandatory = 1", WEIGHT, VALUE, GROUND),
        "standard.own, mandatory",
        "expected true or false, found 1",
    ),
    "weight below nothing": (
        ("weight = -1", VALUE, GROUND),
        "standard.own, weight",
        "found -1 (a weight is zero or more)",
    ),
    "no weight at all": (
        ('weight = "much"', VALUE, GROUND),
        "standard.own, weight",
        "expected a number or a fraction, found 'much'",
    ),
    "value above one": (
        (WEIGHT, "value = 2", GROUND),
        "standard.own, value",
        "found 2 (from 0 (not met) to 1 (met in full))",
    ),
    "value below nothing": ((WEIGHT, "value = -0.5", GROUND), "standard.own, value", "found -0.5"),
    "no number": (
        (WEIGHT, "value = true", GROUND),
        "standard.own, value",
        "expected a number, found True",
    ),
    "no ground": (
        (WEIGHT, VALUE),
        "standard.own",
        "a standard with neither a source nor an assumption",
    ),
    "blank ground": (
        (WEIGHT, VALUE, 'source = ""', 'assumption = " "', 'note = "x"'),
        "standard.own",
        "a standard with neither a source nor an assumption",
    ),
    "unknown source": (
        (WEIGHT, VALUE, 'source = "pulse-bolton-59"'),
        "standard.own",
        "the source 'pulse-bolton-59' is not described (did you mean 'pulse-bolton-95'?)",
    ),
}


@pytest.mark.parametrize(("lines", "place", "found"), WRONG_STANDARDS.values(), ids=WRONG_STANDARDS)
def test_a_wrong_standard_is_refused_with_its_key(tmp_path, lines, place, found):
    problems = faults(tmp_path, with_standard(*lines))
    right = [problem for problem in problems if found in problem]
    assert right, problems
    assert right[0].startswith(f"own.toml, {place}"), right
    assert len(problems) == len(set(problems))


def test_every_fault_of_every_standard_is_said_at_once(tmp_path):
    text = edited(
        with_standard("wieght = 1", "value = 2"),
        (ACCESS, f"{ACCESS}graded_by = 'x'\n"),
        ("[standard.blood_tests]\n", "[standard.blood_tests]\nweight = 1\n"),
        ('graded_by = "grade_for_admissions"', 'graded_by = "grade_for_admision"'),
        ('unit = "GBP"\nvalue = 0', 'unit = "pound"\nvalue = 0'),
    )
    problems = "\n".join(faults(tmp_path, text))
    for found in ("'wieght'", "standard.access: both", "blood_tests: a mandatory", "'pound'"):
        assert found in problems
    assert "there is no rule 'grade_for_admision'" in problems


def test_a_standard_makes_names_that_nothing_else_may_have(tmp_path):
    text = shipped_text(BOLTON) + (
        '\n[input.access_standard]\nunit = "1"\n\n[term.weight_of_access]\nunit = "1"\n'
        'values = [{ from = 2015-04-01, value = 1, assumption = "x" }]\n'
    )
    assert faults(tmp_path, text) == [
        "own.toml, input.access_standard: a standard makes this one (choose another name)",
        "own.toml, term.weight_of_access: a standard makes this one (choose another name)",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "standard = 3",
        "standard.x = 3",
        "standard.x-y.value = 1",
        "standard.class.value = 1",
        "simulation = 3",
        "simulation.outcomes = 3",
        "simulation.outcomes = [3]",
    ],
)
def test_a_wrong_structure_is_refused_with_the_file(tmp_path, line):
    problems = faults(tmp_path, f"{line}\n{shipped_text(NATIONAL)}")
    assert all(problem.startswith("own.toml") for problem in problems)


# ------------------------------------------------------------------------ standards: what they make


def test_a_graded_standard_makes_an_input_and_a_weight():
    model = shipped(BOLTON)
    given = model.inputs["flu_vaccination_standard"]
    assert (given.unit, given.value, given.least, given.most) == ("1", 1, 0, 1)
    assert given.title == "Standard: Flu vaccination"
    assert given.source == "pulse-bolton-95"
    assert given.assumption
    weight = model.terms["weight_of_flu_vaccination"]
    assert [(v.start, v.value, v.source) for v in weight.values] == [
        (model.start, 1, "pulse-bolton-95")
    ]
    assert (weight.least, weight.most) == (0, None)
    assert weight.place == "bolton-quality-contract.toml, standard.flu_vaccination, weight"


def test_a_mandatory_standard_has_no_weight_and_one_graded_by_a_rule_no_input():
    model = shipped(BOLTON)
    assert "care_planning_standard" in model.inputs
    assert "weight_of_care_planning" not in model.terms
    assert "weight_of_emergency_admissions" in model.terms
    assert "emergency_admissions_standard" not in model.inputs


def test_a_note_of_a_standard_is_kept():
    tables = {"own": {"weight": "1/3", "value": 0.5, "assumption": "Half.", "note": "See there."}}
    standards, problems = read_standards(tables, "own.toml", (), dt.date(2015, 4, 1))
    assert problems == []
    assert standards.inputs["own_standard"].assumption == "Half. See there."
    (value,) = standards.terms["weight_of_own"].values
    assert (value.value, value.written, value.note) == (1 / 3, "1/3", "See there.")


def test_a_model_without_standards_has_no_rules_of_them():
    assert not {"mandatory_standards_met", "graded_standards_achieved"} & {
        definition.name for definition in shipped(NATIONAL).definitions
    }


grades = st.lists(st.floats(0, 1), min_size=1, max_size=6)


@given(grades)
def test_mandatory_standards_are_met_if_each_is_met_in_full(values):
    rule = mandatory_rule([f"s{n}_standard" for n in range(len(values))], "own.toml")
    assert rule(*values) == (1 if all(value == 1 for value in values) else 0)
    assert rule.parameters == tuple(f"s{n}_standard" for n in range(len(values)))


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 9)), min_size=1, max_size=6))
def test_graded_standards_are_the_weighted_mean_of_the_grades(pairs):
    names = {f"weight_of_s{n}": f"s{n}_standard" for n in range(len(pairs))}
    rule = graded_rule(names, "own.toml")
    values = {f"weight_of_s{n}_for_the_year": weight for n, (_, weight) in enumerate(pairs)}
    values |= {f"s{n}_standard": grade for n, (grade, _) in enumerate(pairs)}
    weights = sum(weight for _, weight in pairs)
    found = rule(**values)
    if weights == 0:
        assert found == 0
        return
    assert found == pytest.approx(sum(g * w for g, w in pairs) / weights, rel=1e-9, abs=1e-300)


def test_without_mandatory_standards_they_are_met_and_without_graded_ones_nothing_is_achieved():
    assert mandatory_rule([], "own.toml")() == 1
    assert graded_rule({}, "own.toml")() == 0


def test_standards_graded_by_one_rule_read_it_once():
    rule = graded_rule({"weight_of_a": "jabs", "weight_of_b": "jabs"}, "own.toml")
    assert rule.parameters == ("weight_of_a_for_the_year", "weight_of_b_for_the_year", "jabs")
    assert rule(1, 3, 0.25) == 0.25


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 9)), min_size=1, max_size=6))
def test_payments_of_standards_add_up_to_that_for_all_the_graded_ones(pairs):
    keys = [f"s{n}" for n in range(len(pairs))]
    names = {f"weight_of_{key}": f"{key}_standard" for key in keys}
    weights = {f"weight_of_s{n}_for_the_year": weight for n, (_, weight) in enumerate(pairs)}
    grades = {f"s{n}_standard": grade for n, (grade, _) in enumerate(pairs)}
    given = {"scheme_offer_of_year": 900.0, "mandatory_standards_share_for_the_year": 0.6}
    rules = [standard_payment_rule(key, key, names, "own.toml") for key in keys]
    assert [(rule.name, rule.unit) for rule in rules] == [
        (f"{k}_payment", "GBP/year") for k in keys
    ]
    paid = sum(
        rule(**weights, **given, **{f"{key}_standard": grades[f"{key}_standard"]})
        for key, rule in zip(keys, rules, strict=True)
    )
    achieved = graded_rule(names, "own.toml")(**weights, **grades)
    assert paid == pytest.approx(900 * (1 - 0.6) * achieved, rel=1e-9, abs=1e-300)


def test_a_standard_that_a_rule_grades_has_a_payment_of_its_own_where_there_is_an_offer():
    names = {definition.name for definition in shipped(BOLTON).definitions}
    assert "emergency_admissions_payment" in names
    assert not {"screening_payment", "care_planning_payment"} & names
    result = project(BOLTON, bolton_practices(), months=12)
    paid = result["emergency_admissions_payment"]
    assert paid.attrs["long_name"] == "Earned for: Fewer emergency admissions"
    assert paid.dims == ("scenario", "practice", "year")
    tables = {
        "own": {"weight": 1, "graded_by": "a_rule", "assumption": "x"},
        "must": {"mandatory": True, "graded_by": "a_rule", "assumption": "x"},
    }
    standards, problems = read_standards(tables, "own.toml", (), dt.date(2015, 4, 1))
    assert problems == []
    both = ["mandatory_standards_met", "graded_standards_achieved"]
    assert [rule.name for rule in standards.rules("own.toml", ["a_rule"])] == both
    offered = ["a_rule", "scheme_offer_of_year"]
    assert [rule.name for rule in standards.rules("own.toml", offered)] == both
    made = standards.rules("own.toml", [*offered, "graded_standards_payment"])
    assert [rule.name for rule in made] == [*both, "own_payment"]
    assert made[-1].place == "own.toml, standard.own"


def test_a_practice_without_an_offer_earns_nothing_for_a_fall_in_admissions():
    practices = practices_of(
        [
            {"registered_list": 7000, "weighted_list": 7000, "global_sum": 487_000},
            {"registered_list": 7000, "weighted_list": 7000, "local_schemes": 300_000},
        ]
    )
    certain = {"programme_reduction": 0.2, "programme_ramp": 1}
    result = project(with_terms(shipped(BOLTON), certain), practices, months=12)
    assert (result["grade_for_admissions"] == 1).all()
    found = result["emergency_admissions_payment"].sel(scenario="core-and-local-schemes")
    offered = float(result["scheme_offer_of_year"].sel(scenario="core-and-local-schemes")[0, 0])
    assert found.values[:, 0].tolist() == [pytest.approx(offered * 0.4 / 15), 0]


def test_a_sum_of_one_stream_is_that_stream():
    rule = sum_rule("all", "All", ["qof"], "own.toml")
    assert rule.formula == "all = qof"
    assert rule(3.0) == 3.0


def bolton_practices(**standards: float):
    row = {"registered_list": 7000, "weighted_list": 7000, "global_sum": 487_000}
    practices = practices_of([row])
    for name, value in standards.items():
        practices[f"{name}_standard"] = ("practice", [value])
    return practices


def earned(model, practices) -> float:
    result = project(model, practices, ["core-and-local-schemes"], months=12)
    share = result["scheme_earned"] / result["scheme_offer_of_year"]
    return float(share.squeeze())


def test_a_practice_earns_by_its_own_standards():
    """60% for the mandatory four; 14 of the 15 others, for admissions do not fall on average."""
    assert earned(BOLTON, bolton_practices()) == pytest.approx(0.6 + 0.4 * 14 / 15)
    assert earned(BOLTON, bolton_practices(screening=0.5)) == pytest.approx(0.6 + 0.4 * 13.5 / 15)
    assert earned(BOLTON, bolton_practices(blood_tests=0.99)) == pytest.approx(0.4 * 14 / 15)


def test_a_scenario_changes_a_weight(tmp_path):
    text = shipped_text(BOLTON) + (
        "\n[scenario.indexed-guarantee.term.weight_of_screening]\n"
        'values = [{ from = 2015-04-01, value = 2, assumption = "x" }]\n'
    )
    model = load(tmp_path, text)
    weight = model.term_in("weight_of_screening", "indexed-guarantee")
    assert (weight.values[0].value, weight.title) == (2, "Weight: Screening")
    result = project(model, bolton_practices(), months=12)
    achieved = result["graded_standards_achieved"].isel(practice=0, year=0)
    assert achieved.values == pytest.approx([14 / 15, 14 / 15, 15 / 16])


# ----------------------------------------------------------------------------------- a simulation

WRONG_SIMULATIONS = {
    "unknown key": (
        (SIMULATION, f'{SIMULATION}efect = "x"\n'),
        "simulation",
        "the key 'efect' is not known (did you mean 'effect'?)",
    ),
    "no outcomes": (
        ('outcomes = [\n  "scheme_earned",\n', 'outcomes = []\nx = [\n  "scheme_earned",\n'),
        "simulation",
        "the key 'outcomes' is missing, or empty",
    ),
    "no effect": (
        ('effect = "programme_reduction"\n', ""),
        "simulation",
        "the key 'effect' is missing, or empty",
    ),
    "unknown outcome": (
        ('"scheme_net_cost",\n]\nearned', '"scheme_net_costs",\n]\nearned'),
        "simulation, outcomes",
        "there is no rule 'scheme_net_costs' (did you mean 'scheme_net_cost'?)",
    ),
    "an outcome twice": (
        ('"scheme_net_cost",\n]\nearned', '"scheme_cost",\n]\nearned'),
        "simulation, outcomes",
        "'scheme_cost' stands more than once",
    ),
    "a term for an outcome": (
        ('"scheme_net_cost",\n]\nearned', '"programme_ramp",\n]\nearned'),
        "simulation, outcomes",
        "there is no rule 'programme_ramp'",
    ),
    "a list for an outcome": (
        ('"scheme_net_cost",\n]\nearned', '"registered_list",\n]\nearned'),
        "simulation, outcomes",
        "'registered_list' [patient] is by month and does not add up over the year",
    ),
    "an outcome that does not move": (
        ('"scheme_net_cost",\n]\nearned', '"admissions_in_base_year",\n]\nearned'),
        "simulation, outcomes",
        "'admissions_in_base_year' does not move",
    ),
    "an outcome of nobody": (
        ('"scheme_net_cost",\n]\nearned', '"paid_admission_price",\n]\nearned'),
        "simulation, outcomes",
        "'paid_admission_price' is neither of a practice nor of a commissioner",
    ),
    "unknown earned": (
        ('earned = "emergency_admissions_payment"', 'earned = "emergency_admission_payment"'),
        "simulation, earned",
        "there is no rule 'emergency_admission_payment' "
        "(did you mean 'emergency_admissions_payment'?)",
    ),
    "earned by a commissioner": (
        ('earned = "emergency_admissions_payment"', 'earned = "scheme_cost"'),
        "simulation, earned",
        "'scheme_cost' is not of each practice and each year",
    ),
    "earned by month": (
        ('earned = "emergency_admissions_payment"', 'earned = "scheme_payment"'),
        "simulation, earned",
        "'scheme_payment' is not of each practice and each year",
    ),
    "unknown effect": (
        ('effect = "programme_reduction"', 'effect = "programme_reductions"'),
        "simulation, effect",
        "there is no term 'programme_reductions' (did you mean 'programme_reduction'?)",
    ),
    "a rule for an effect": (
        ('effect = "programme_reduction"', 'effect = "programme_effect"'),
        "simulation, effect",
        "there is no term 'programme_effect' (did you mean",
    ),
    "an effect that nothing reads": (
        ('effect = "programme_reduction"', 'effect = "london_adjustment"'),
        "simulation, effect",
        "no rule of this model reads 'london_adjustment'",
    ),
    "cost of a practice": (
        ('cost = "scheme_cost"', 'cost = "scheme_earned"'),
        "simulation, cost",
        "'scheme_earned' [GBP/year] is not of each commissioner and each year",
    ),
    "saving of another unit": (
        ('saving = "scheme_saving"', 'saving = "commissioner_admissions"'),
        "simulation, saving",
        "'commissioner_admissions' [admission/year] is not of each commissioner and each year",
    ),
    "a number for saving": (
        ('saving = "scheme_saving"', "saving = 3"),
        "simulation, saving",
        "expected a text in quotes, found 3",
    ),
}


@pytest.mark.parametrize(
    ("change", "place", "found"), WRONG_SIMULATIONS.values(), ids=WRONG_SIMULATIONS
)
def test_a_wrong_simulation_is_refused_with_its_key(tmp_path, change, place, found):
    # The London adjustment is read by Bolton's rules, and by none of the enhanced service's.
    name = UNPLANNED if "london" in change[1] else BOLTON
    problems = faults(tmp_path, edited(shipped_text(name), change))
    right = [problem for problem in problems if found in problem]
    assert right, problems
    assert right[0].startswith(f"own.toml, {place}"), right


def test_every_fault_of_a_simulation_is_said_at_once(tmp_path):
    text = edited(
        shipped_text(BOLTON),
        ('"scheme_net_cost",\n]\nearned', '"scheme_net_costs",\n]\nearned'),
        ('earned = "emergency_admissions_payment"', 'earned = "emergency_admission_payment"'),
        ('effect = "programme_reduction"', 'effect = "programme_reductions"'),
        ("value = 95, ", 'value = "95 pounds", '),
    )
    problems = "\n".join(faults(tmp_path, text))
    for found in (
        "'scheme_net_costs'",
        "'emergency_admission_payment'",
        "'programme_reductions'",
        "'95 pounds'",
    ):
        assert found in problems


def test_rules_of_a_module_that_is_missing_are_not_called_unknown_as_well(tmp_path):
    text = edited(shipped_text(BOLTON), ('"measurement",\n', '"mesurement",\n'))
    (found,) = faults(tmp_path, text)
    assert "there is no module of rules 'mesurement'" in found


def test_a_model_says_what_to_simulate():
    assert shipped(NATIONAL).simulation is None
    assert shipped(UNPLANNED).simulation == Simulation(
        outcomes=(
            "scheme_earned",
            "emergency_admissions_of_year",
            "admissions_saving",
            "scheme_saving",
            "scheme_cost",
            "scheme_net_cost",
        ),
        earned="scheme_earned",
        effect="programme_reduction",
        cost="scheme_cost",
        saving="scheme_saving",
    )


# ---------------------------------------------------------------------------------- national inputs


def test_national_inputs_stand_behind_every_model_and_may_go_unread():
    national = national_inputs().keys()
    assert national <= shipped(NATIONAL).inputs.keys()
    read = {name: national & shipped(name).graph().leaves.keys() for name in EVERY_MODEL}
    assert read[NATIONAL] == {"defined_services", "defined_services_share"}
    assert set.union(*map(set, read.values())) == set(national)


def test_a_model_may_put_its_own_input_in_the_place_of_a_national_one(tmp_path):
    own = '\n[input.share_of_list_aged_0_4]\nunit = "1"\nvalue = 0.1\nassumption = "x"\n'
    model = load(tmp_path, shipped_text(BOLTON) + own)
    assert model.inputs["share_of_list_aged_0_4"].value == 0.1
    assert national_inputs()["share_of_list_aged_0_4"].value == 0.063


def test_a_practices_own_count_stands_in_the_place_of_what_its_ages_lead_to_expect():
    practices = bolton_practices()
    (by_age,) = project(UNPLANNED, practices)["admissions_in_base_year"].values
    assert by_age == pytest.approx(7000 * 0.099449)
    practices["base_year_admissions"] = ("practice", [900.0])
    (own,) = project(UNPLANNED, practices)["admissions_in_base_year"].values
    assert own == pytest.approx(900)
    practices["base_year_admissions"] = ("practice", [-1.0])
    with pytest.raises(InputError, match="base_year_admissions"):
        project(UNPLANNED, practices)


def test_inputs_are_read_with_every_fault():
    tables = {
        "good": {"unit": "1", "value": "1/2", "assumption": "x"},
        "bad": {"unit": "pound", "value": 1, "source": "nowhere", "tilte": "x"},
        "worse": {"unit": "pound", "value": "x", "least": 2, "most": 1},
        "x-y": {"unit": "1"},
    }
    inputs, problems = read_inputs(tables, "own.toml", ("somewhere",))
    assert inputs["good"] == PracticeInput("good", "1", "good", 0.5, "", "x")
    assert {"bad", "worse"}.isdisjoint(inputs)
    said = "\n".join(str(problem) for problem in problems)
    for found in (
        "own.toml, input: 'x-y' cannot be a name",
        "own.toml, input.bad: the key 'tilte' is not known",
        "own.toml, input.worse: a value with neither a source nor an assumption",
        "own.toml, input.worse, value: expected a number or a fraction, found 'x'",
        "own.toml, input.worse, least: 2 is more than the most, 1",
    ):
        assert found in said
