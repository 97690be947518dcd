"""What is written once for every line, contracts that are like others, choices and presets."""

from __future__ import annotations

import numpy as np
import pytest

import capitation as cap
from capitation.declared_rules import for_all_lines
from capitation.engine.lines import name_for
from capitation.engine.rule import Rule

RULES = """\
from capitation.vocabulary import constant, gamma, rule, total

TWELVE = constant(12, "month/year")


@rule(unit="GBP/month", each="service", first="service_before", assumption="In twelfths.")
def service_money(service_price, lines_uplift, payment_registered_list):
    \"\"\"Money for the line.\"\"\"
    uplifted = service_price * (1 + lines_uplift)
    return uplifted * payment_registered_list / TWELVE


@rule(unit="GBP/month", each="service", assumption="As it was.")
def service_money_of_last_month(previous_service_money, service_money):
    \"\"\"Money for the line a month ago.\"\"\"
    return previous_service_money


money = total("service_money", over="services", title="Money for all lines")
service_money_of_all = total("service_money", over="practices", each="service", title="Of all")
money_of_all = total("service_money_of_all", over="services")
"""

MODEL = """\
name = "lines"
title = "Lines"
start = 2016-04-01
months = 12
rules = ["lists", "rules.py"]
streams = ["money"]

[service.nursing]
title = "District nursing"
[service.social_care]
title = "Social care"

[term.service_price]
each = "service"
title = "Price a patient"
unit = "GBP/patient/year"
values = [{ from = 2016-04-01, value = 12, assumption = "A pound a month." }]

[term.nursing_price]
title = "Price of nursing"
unit = "GBP/patient/year"
values = [{ from = 2016-04-01, value = 24, assumption = "Two pounds a month." }]

[term.lines_uplift]
title = "Uplift"
unit = "1"
values = [{ from = 2016-04-01, value = 0, assumption = "None." }]

[term.service_before]
each = "service"
unit = "GBP/month"
values = [{ from = 2016-04-01, value = 7, assumption = "So much." }]

[term.monthly_list_growth]
unit = "1"
values = [{ from = 2016-04-01, value = 0, assumption = "None." }]

[scenario.base]
title = "As it is"

[scenario.dearer]
title = "Dearer"

[scenario.dearer.term.service_price]
values = [{ from = 2016-04-01, value = 36, assumption = "Three pounds." }]
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "rules.py").write_text(RULES, "utf-8")
    (tmp_path / "lines.toml").write_text(MODEL, "utf-8")
    return tmp_path


def test_each_line_has_the_rule_and_its_own_term(folder):
    model = cap.load_model(folder / "lines.toml")
    practices = cap.example_practices().isel(practice=slice(0, 3))
    result = cap.project(model, practices, ["base"])
    lists = result["payment_registered_list"]
    assert np.array_equal(result["nursing_money"], 24 * lists / 12)
    assert np.array_equal(result["social_care_money"], 12 * lists / 12)
    assert np.array_equal(result["money"], result["nursing_money"] + result["social_care_money"])
    of_all = result["nursing_money_of_all"] + result["social_care_money_of_all"]
    assert np.array_equal(result["money_of_all"], of_all)
    before = result["nursing_money_of_last_month"].values
    assert set(before[:, 0]) == {7.0}
    assert np.array_equal(before[:, 1:], result["nursing_money"].values[:, :-1])
    assert result["nursing_money"].attrs["long_name"] == "District nursing: money for the line."
    told = str(cap.explain(result, "money", practice="EX001", month="2016-04"))
    assert "nursing_money" in told
    assert "service_money" not in told


def test_a_scenario_changes_a_term_of_every_line(folder):
    model = cap.load_model(folder / "lines.toml")
    dearer = model.scenarios["dearer"].terms
    assert {name: term.values[0].value for name, term in dearer.items()} == {
        "nursing_price": 36.0,
        "social_care_price": 36.0,
    }
    assert dearer["social_care_price"].title == "Social care: price a patient"


def test_a_model_like_another_keeps_what_it_does_not_write(folder):
    text = """\
name = "dearer-lines"
title = "Dearer lines"
like = "lines.toml"

[term.social_care_price]
unit = "GBP/patient/year"
values = [{ from = 2016-04-01, value = 48, assumption = "Four pounds." }]
"""
    (folder / "dearer.toml").write_text(text, "utf-8")
    model = cap.load_model(folder / "dearer.toml")
    assert model.name == "dearer-lines"
    assert model.months == 12
    assert [*model.scenarios] == ["base", "dearer"]
    assert model.terms["social_care_price"].values[0].value == 48
    assert model.terms["nursing_price"].values[0].value == 24


def test_a_line_of_its_own_stands_beside_the_others(folder):
    text = 'name = "one"\ntitle = "One"\nlike = "lines.toml"\n[service.dentistry]'
    (folder / "one.toml").write_text(text, "utf-8")
    names = {definition.name for definition in cap.load_model(folder / "one.toml").definitions}
    assert {"nursing_money", "social_care_money", "dentistry_money"} <= names


def test_a_line_beside_the_national_ones_changes_no_other(folder):
    text = """\
name = "dentistry-too"
title = "Dentistry too"
like = "out-of-hospital-budget"
[service.dentistry]
[term.dentistry_cost_per_weighted_head]
values = [{ from = 2013-04-01, value = 40, assumption = "Forty pounds." }]
"""
    (folder / "two.toml").write_text(text, "utf-8")
    few = cap.example_practices().isel(practice=slice(0, 2))
    paid = [
        cap.project(model, few, ["virtual"], 3, variables=["community_rate", "rate_of_all"])
        for model in ("out-of-hospital-budget", folder / "two.toml")
    ]
    assert np.array_equal(paid[0]["community_rate"], paid[1]["community_rate"])
    assert (paid[1]["rate_of_all"].values > paid[0]["rate_of_all"].values + 39).all()


@pytest.mark.parametrize(
    ("old", "new", "where", "found"),
    [
        ('like = "lines.toml"', 'like = "none.toml"', "none.toml", "no such file"),
        ('like = "lines.toml"', 'like = "circle.toml"', "circle.toml, like", "a circle"),
        ('like = "lines.toml"', "like = 3", "circle.toml, like", "found 3"),
        ("[term.x]", '[term.x]\neach = "servise"', "circle.toml, term.x, each", "'servise'"),
        ("[term.x]", '[term.x]\neach = "service"', "circle.toml, term.x, each", "does not say"),
        ("[term.x]", "[service.my_service]\n[term.x]", "service.my_service", "holds the word"),
    ],
)
def test_what_is_wrong_with_lines_and_likeness_is_told(folder, old, new, where, found):
    text = 'name = "c"\ntitle = "C"\nlike = "lines.toml"\n[term.x]\nunit = "1"\n'
    text += 'values = [{ from = 2016-04-01, value = 1, assumption = "One." }]\n'
    (folder / "circle.toml").write_text(text.replace(old, new), "utf-8")
    with pytest.raises(cap.InputError) as caught:
        cap.load_model(folder / "circle.toml")
    told = [(p.where, p.found) for p in caught.value.problems]
    assert any(where in at and found in what for at, what in told), told


def test_a_rule_of_no_kind_of_line_is_refused(tmp_path):
    for each, name, said in (
        ("line", "service_x", "each='line'"),
        ("service", "services_x", "does not say so"),
    ):
        text = (
            RULES.splitlines()[0]
            + f"""

@rule(unit="1", each="{each}", assumption="One.")
def {name}():
    \"\"\"One.\"\"\"
    return 1
"""
        )
        (tmp_path / "rules.py").write_text(text, "utf-8")
        (tmp_path / "lines.toml").write_text(MODEL, "utf-8")
        with pytest.raises(cap.InputError) as caught:
            cap.load_model(tmp_path / "lines.toml")
        assert any(said in problem.found for problem in caught.value.problems)


def test_a_rule_for_a_line_still_computes():
    from capitation.rules import service_lines

    lines = {"service": {"mental_health": "Mental health"}}
    (rule,) = for_all_lines([service_lines.service_rate_in_scope], lines)
    assert isinstance(rule, Rule)
    assert rule.parameters == ("mental_health_rate", "mental_health_in_scope")
    assert rule(100.0, 0.5) == rule(mental_health_rate=100.0, mental_health_in_scope=0.5) == 50.0
    assert name_for("previous_service_rate", "service", "mental_health") == (
        "previous_mental_health_rate"
    )


CHOICE = """
[term.lines_uplift]
title = "Uplift"
unit = "1"
choices = ["none", "full"]
values = [{ from = 2016-04-01, value = "none", assumption = "None." }]
"""


def with_choice(folder):
    start = MODEL.index("[term.lines_uplift]")
    end = MODEL.index("[term.service_before]")
    text = MODEL[:start] + CHOICE + MODEL[end:]
    (folder / "lines.toml").write_text(text, "utf-8")
    return cap.load_model(folder / "lines.toml")


def test_a_choice_is_written_by_name_or_number(folder):
    model = with_choice(folder)
    term = model.terms["lines_uplift"]
    assert term.values[0].value == 0
    assert term.description == "0 none, 1 full."
    for written in ("full", 1, "1"):
        assert (
            cap.with_terms(model, {"lines_uplift": written}).terms["lines_uplift"].at(model.start)
            == 1.0
        )
    for wrong in ("half", 2, 0.5):
        with pytest.raises(cap.InputError) as caught:
            cap.with_terms(model, {"lines_uplift": wrong})
        assert "0 or 'none', 1 or 'full'" in caught.value.problems[0].found


def test_a_practice_makes_its_choice_by_name(folder):
    model = with_choice(folder)
    (folder / "own.csv").write_text(
        "practice,term,from,value\nEX001,lines_uplift,2016-10,full\n", "utf-8"
    )
    read = cap.read_practice_terms(folder / "own.csv", terms=model.terms)
    assert read["lines_uplift"]["EX001"][0].value == 1.0
    (folder / "own.csv").write_text(
        "practice,term,from,value\nEX001,lines_uplift,2016-10,ful\n", "utf-8"
    )
    with pytest.raises(cap.InputError) as caught:
        cap.read_practice_terms(folder / "own.csv", terms=model.terms)
    assert caught.value.problems[0].mend == "write none or full"


def test_a_preset_stands_in_every_scenario_and_says_so():
    model = cap.load_model("multi-neighbourhood-provider")
    changed = cap.with_preset(model, "aco-reach-professional")
    for scenario in changed.scenarios:
        term = changed.term_in("first_gain_share", scenario)
        assert term.values[-1].value == 0.5
        assert term.values[-1].note.startswith("Preset aco-reach-professional.")
    assert cap.with_preset("multi-neighbourhood-provider", "aco-reach-professional") == changed
    with pytest.raises(cap.InputError, match="aco-reach-global"):
        cap.with_preset(model, "aco-reach-globe")
    with pytest.raises(cap.InputError, match="no rule of"):
        cap.with_preset("bolton-quality-contract", "aco-reach-global")


@pytest.mark.parametrize(
    ("text", "where", "mend"),
    [
        ('more_rules = ["lists"]', "more_rules", "like = "),
        ("[term.nursing_prise]\nvalues = []", "term.nursing_prise", "nursing_price"),
    ],
)
def test_what_a_contract_like_another_cannot_say_is_told(folder, text, where, mend):
    (folder / "lines.toml").write_text(
        MODEL.replace("[service.nursing]", text + "\n[service.nursing]", 1), "utf-8"
    )
    with pytest.raises(cap.InputError) as caught:
        cap.load_model(folder / "lines.toml")
    told = [problem for problem in caught.value.problems if where in problem.where]
    assert told
    assert mend in told[0].mend or where == "term.nursing_prise"
