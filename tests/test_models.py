"""Models: the shipped ones, what is wrong with a bad one, and a user's own rules and practices."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from capitation.engine.rule import Rule, Total
from capitation.engine.terms import DatedValue
from capitation.errors import InputError
from capitation.example import example_practices
from capitation.model import Model, term_behind
from capitation.model_file import load_model, models, models_folder
from capitation.national import national_lines, national_terms
from capitation.practices import PracticeInput, check_practices, select_commissioners
from capitation.projection import project
from capitation.simulation import simulate
from capitation.sources.payments import read_payments
from capitation.what_if import with_terms

from .strategies import (
    BOLTON,
    EASTERN_CHESHIRE,
    EVERY_MODEL,
    FYLDE_WYRE,
    NATIONAL,
    OUT_OF_HOSPITAL,
    PARTIALLY_INTEGRATED,
    SANDWELL,
    THAMES_VALLEY,
    UNITING_CARE,
    UNPLANNED,
    VANGUARD,
    WHOLE_POPULATION,
    bits,
    edited,
    practices_of,
    shipped,
    shipped_text,
)


@pytest.fixture(scope="module")
def example() -> xr.Dataset:
    return example_practices()


def said(error: pytest.ExceptionInfo[InputError]) -> list[str]:
    return [str(problem) for problem in error.value.problems]


# ------------------------------------------------------------------------------ shipped models


def test_the_shipped_models_are_those_of_the_folder():
    assert tuple(models()) == EVERY_MODEL
    assert {path.stem for path in models_folder().glob("*.toml")} == set(EVERY_MODEL)


@pytest.mark.parametrize("name", EVERY_MODEL)
def test_a_shipped_model_says_what_it_is(name):
    model = shipped(name)
    assert model.name == name
    assert model.title == models()[name]
    assert model.purpose
    assert model.start.day == 1
    assert model.months >= 12
    assert model.place == f"{name}.toml"


@pytest.mark.parametrize("name", [NATIONAL, PARTIALLY_INTEGRATED])
def test_a_model_may_be_named_by_the_path_of_its_file(name):
    assert load_model(models_folder() / f"{name}.toml") == shipped(name)
    assert load_model(str(models_folder() / f"{name}.toml")) == shipped(name)


@pytest.mark.parametrize("name", EVERY_MODEL)
def test_every_value_of_a_shipped_model_has_a_source_or_an_assumption(name):
    model = shipped(name)
    terms = [*model.terms.values()]
    terms += [term for s in model.scenarios.values() for term in s.terms.values()]
    grounds = [(v.source, v.assumption) for term in terms for v in term.values]
    grounds += [(i.source, i.assumption) for i in model.inputs.values() if i.value is not None]
    grounds += [(d.source, d.assumption) for d in model.definitions if isinstance(d, Rule)]
    assert len(grounds) > 100
    for source, assumption in grounds:
        assert source or assumption.strip()
        assert not source or source in model.sources


LIKE_ANOTHER = set(WHOLE_POPULATION) - {OUT_OF_HOSPITAL}


@pytest.mark.parametrize("name", EVERY_MODEL)
def test_a_shipped_model_runs_on_the_example(name, example):
    # Those like the out-of-hospital budget have its rules, which the whole example is put through.
    practices = example.isel(practice=slice(0, 8)) if name in LIKE_ANOTHER else example
    result = project(shipped(name), practices)
    assert result.sizes["month"] == shipped(name).months
    assert list(result["practice"].values) == list(practices["practice"].values)
    assert (result["total_payments"].sum() > 0).all()
    variables = {key: result.variables[key] for key in result.data_vars}
    for variable, found in variables.items():
        assert np.isfinite(found.values).all(), variable
        assert {"units", "long_name", "kind"} <= set(found.attrs), variable
    for stream in shipped(name).streams:
        assert variables[stream].attrs["units"] == "GBP/month"
        assert {"practice", "month"} <= set(variables[stream].dims)


@pytest.mark.parametrize("name", [BOLTON, EASTERN_CHESHIRE, THAMES_VALLEY])
def test_a_shipped_model_has_scenarios_that_differ(name, example):
    assert len(shipped(name).scenarios) > 1
    paid = project(name, example)["total_payments"]
    different = {paid.sel(scenario=s).values.tobytes() for s in paid["scenario"].values}
    assert len(different) == len(shipped(name).scenarios)


WITH_A_BUDGET = (*WHOLE_POPULATION, SANDWELL, UNITING_CARE, VANGUARD)


@pytest.mark.parametrize("name", WITH_A_BUDGET)
def test_scenarios_of_a_budget_differ_in_what_their_rules_come_to(name, example):
    """Not always in all that is paid: what one form pays a practice, another pays a provider."""
    model = shipped(name)
    assert len(model.scenarios) > 1
    result = project(model, example.isel(practice=slice(0, 4)), variables=[*model.graph().nodes])
    found = [result.variables[name] for name in model.graph().nodes]
    found = [values for values in found if "scenario" in values.dims]
    different = {
        b"".join(values.isel(scenario=number).values.tobytes() for values in found)
        for number in range(len(model.scenarios))
    }
    assert len(different) == len(model.scenarios)


@pytest.mark.parametrize("name", WITH_A_BUDGET)
def test_scenarios_of_a_budget_change_only_what_rules_read(name):
    model = shipped(name)
    read = {term_behind(leaf, model.terms) for leaf in model.graph().leaves}
    for title, scenario in model.scenarios.items():
        assert set(scenario.terms) <= read, title


def test_a_model_without_scenarios_has_one_and_its_results_have_none(example):
    assert list(shipped(NATIONAL).scenarios) == ["base"]
    result = project(NATIONAL, example, months=2)
    assert list(result["scenario"].values) == ["base"]
    assert all("scenario" not in v.dims for v in result.data_vars.values())


def test_an_unknown_model_is_refused_with_the_nearest():
    with pytest.raises(InputError) as caught:
        load_model("bolton-qualty-contract")
    assert said(caught) == [
        "bolton-qualty-contract: no model of this name comes with capitation "
        "(did you mean 'bolton-quality-contract'?, or give the path of a .toml file)"
    ]
    with pytest.raises(InputError, match="known: 'better-local-care-mcp', 'bolton-qua"):
        project("xyz", practices_of([{}]))


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.toml: there is no such file"):
        load_model(tmp_path / "nowhere.toml")


def test_national_terms_stand_behind_every_model():
    terms, sources = national_terms()
    for name in EVERY_MODEL:
        assert set(terms) <= set(shipped(name).terms)
        assert set(sources) <= set(shipped(name).sources)


def test_a_contract_may_put_its_own_figures_in_the_place_of_national_ones(tmp_path):
    own = (
        '[term.out_of_hours_deduction]\nunit = "1"\nvalues = [{ from = 2014-04-01, value = 0, '
        'assumption = "Every practice keeps its duty." }]\n'
    )
    model = load(tmp_path, shipped_text(NATIONAL) + own)
    assert model.terms["out_of_hours_deduction"].at(dt.date(2015, 4, 1)) == 0
    assert national_terms()[0]["out_of_hours_deduction"].at(dt.date(2015, 4, 1)) == 0.0539


# --------------------------------------------------------------------- shipped models, one by one


@pytest.fixture(scope="module")
def payments(reference_data) -> xr.Dataset:
    return read_payments(reference_data / "gp_payments_2014_15.csv")


AREAS = {BOLTON: ("00T", 50), EASTERN_CHESHIRE: ("01C", 22), FYLDE_WYRE: ("02M", 22)}


@pytest.mark.parametrize("name", AREAS)
def test_a_commissioners_code_is_that_of_its_practices_in_the_payments_file(name, payments):
    code, count = AREAS[name]
    assert shipped(name).commissioners == (code,)
    practices = select_commissioners(payments, [code])
    assert practices.sizes["practice"] == count
    result = project(name, practices)
    for variable in result.data_vars:
        assert np.isfinite(result[variable].values).all(), variable


def test_bolton_has_nineteen_standards_four_of_them_mandatory():
    model = shipped(BOLTON)
    own = model.terms.keys() - national_terms()[0].keys()
    weights = [name for name in own if name.startswith("weight_of_")]
    inputs = [name for name in model.inputs if name.endswith("_standard")]
    assert len(weights) == 15
    assert len(inputs) == 18  # the nineteenth is graded by the practice's own admissions
    assert {model.terms[name].values[0].value for name in weights} == {1}
    assert {model.inputs[name].value for name in inputs} == {1}
    (met,) = [d for d in model.definitions if d.name == "mandatory_standards_met"]
    assert isinstance(met, Rule)
    assert len(met.parameters) == 4


@pytest.fixture(scope="module")
def bolton(payments) -> xr.Dataset:
    return project(BOLTON, select_commissioners(payments, ["00T"]))


@pytest.mark.parametrize(
    ("scenario", "shortfall", "offer"),
    [("core-and-local-schemes", 8.32, 5.77), ("other-payments-counted", 4.01, 3.42)],
)
def test_boltons_offer_is_the_published_cost_where_other_payments_count(
    bolton, scenario, shortfall, offer
):
    """£3.4m was published. It is held against the offer, which is paid if all is achieved."""
    of_2015 = bolton.sel(scenario=scenario).isel(month=slice(0, 12))
    on_base_income = float(of_2015["shortfall_on_base_income"].isel(month=0).sum()) * 12
    assert on_base_income / 1e6 == pytest.approx(shortfall, abs=0.005)
    offered = float(of_2015["scheme_offer"].sum())
    assert offered / 1e6 == pytest.approx(offer, abs=0.005)
    of_year = bolton["scheme_offer_of_year"].sel(scenario=scenario, year="2015/16")
    # A month above the guarantee makes up for one below it.
    assert -0.01 < offered - float(of_year.sum()) < 1_000


def test_boltons_guarantee_shrinks_if_fixed_and_keeps_its_distance_if_indexed(bolton):
    offers = bolton["scheme_offer_of_year"].sum("practice")
    for fixed in ("core-and-local-schemes", "other-payments-counted"):
        assert (np.diff(offers.sel(scenario=fixed)) < 0).all()
    assert (np.diff(offers.sel(scenario="indexed-guarantee")) > 0).all()
    april = bolton["guaranteed_income"].sel(month="2015-04-01")
    assert set(april.values.reshape(-1).tolist()) == {95.0}


@pytest.mark.parametrize("name", [BOLTON, EASTERN_CHESHIRE, FYLDE_WYRE])
def test_advance_and_true_up_are_what_is_earned_to_the_penny(name, payments):
    code, _ = AREAS[name]
    result = project(name, select_commissioners(payments, [code]))
    by_year = np.arange(result.sizes["month"]) // 12
    paid = result["scheme_payment"].assign_coords(month=by_year).groupby("month").sum()
    difference = paid.rename(month="year").assign_coords(year=result["year"])
    assert float(abs(difference - result["scheme_earned"]).max()) < 0.005


def test_eastern_cheshires_practices_keep_their_money_only_if_enough_is_saved(payments):
    result = project(EASTERN_CHESHIRE, select_commissioners(payments, ["01C"]))
    offered = result["scheme_offer_of_year"].sum("practice")
    assert float(offered[0]) / 1e6 == pytest.approx(4.6, abs=0.05)
    earned = result["scheme_earned"].sum("practice")
    assert (earned.sel(scenario="admissions-alone") == 0).all()
    saved = result["measured_saving"].squeeze("commissioner_code") + 2.6e6
    expected = xr.where(saved >= 3.01e6, offered, 0)
    found = earned.sel(scenario="other-savings-too")
    assert 0 < int((found > 0).sum()) < result.sizes["year"]
    np.testing.assert_allclose(found, expected, atol=1)
    # What was advanced and not earned is taken back in March.
    recovered = result["scheme_payment"].sel(scenario="admissions-alone", month="2016-03-01").sum()
    assert float(recovered) == pytest.approx(-float(offered[0]) * 11 / 12, rel=0.01)


def test_near_its_threshold_eastern_cheshires_condition_is_met_by_chance():
    """The saving is counted, and no more certain than counts are: asked for its mean, a toss-up."""
    practices = example_practices().isel(practice=slice(0, 3))
    effect = {"programme_reduction": 0.1, "programme_ramp": 1}
    model = with_terms(shipped(EASTERN_CHESHIRE), effect)
    mean = project(model, practices, ["admissions-alone"], months=12)["measured_saving"]
    (expected,) = mean.values.reshape(-1).tolist()
    assert expected > 0

    def chance(required: float) -> float:
        asked = with_terms(model, {"savings_required": required})
        drawn = simulate(
            asked,
            practices,
            ["admissions-alone"],
            months=12,
            draws=40,
            outcomes=["savings_condition_met"],
            compiled=False,
            break_even=False,
        )
        return float(drawn["commissioner_savings_condition_met_mean"].sel(effect="with").squeeze())

    assert 0.2 < chance(expected) < 0.8
    assert chance(expected * 20) == 0


def test_fylde_and_wyres_practices_are_topped_up_to_91_pounds(payments):
    result = project(FYLDE_WYRE, select_commissioners(payments, ["02M"]), months=12)
    income = (result["counted_income"] + result["scheme_offer"]) * 12
    per_patient = income.where(result["scheme_offer"] > 0) / result["payment_weighted_list"]
    assert float(per_patient.min()) == pytest.approx(91)
    assert float(per_patient.max()) == pytest.approx(91)
    assert int((result["scheme_offer"] > 0).any("month").sum()) > 10


def test_the_enhanced_service_is_paid_by_component_and_only_for_a_register():
    """7,000 patients at £2.87: £20,090 a year, by the shares of 2014/15 and then of 2015/16."""
    model = replace(shipped(UNPLANNED), start=dt.date(2014, 4, 1))
    practices = practices_of([{"registered_list": 7000, "weighted_list": 7000}], "2013/14")
    held = {name: term for name, term in model.terms.items() if name != "monthly_list_growth"}
    still = replace(
        model.terms["monthly_list_growth"],
        values=(DatedValue(dt.date(2013, 4, 1), 0.0, "0", assumption="Held."),),
    )
    model = replace(model, terms={**held, "monthly_list_growth": still})

    def paid(**register: float) -> list[float]:
        for name, value in register.items():
            practices[name] = ("practice", [value])
        result = project(model, practices, months=24)
        (of_months,) = result["unplanned_admissions_instalment"].values
        return [round(float(amount), 2) for amount in of_months]

    of_2014 = [9040.5, 0, 0, 0, 0, 4018, 0, 0, 2009, 0, 0, 2009 + 3013.5]
    of_2015 = [9241.4, 0, 0, 0, 0, 5424.3, 0, 0, 0, 0, 0, 5424.3]
    assert paid() == of_2014 + of_2015
    assert sum(of_2014) == pytest.approx(20_090)
    small = paid(register_share_quarter_3=0.0179, review_done=0.0)
    assert small[:12] == [9040.5, 0, 0, 0, 0, 4018, 0, 0, 0, 0, 0, 2009]
    least = paid(register_share_quarter_3=0.018, register_share_quarter_2=0.0)
    assert least[:12] == [9040.5, 0, 0, 0, 0, 0, 0, 0, 2009, 0, 0, 2009]


# -------------------------------------------------------------------------------- wrong models


def load(folder, text: str) -> Model:
    path = folder / "own.toml"
    path.write_text(text, encoding="utf-8")
    return load_model(path)


def faults(folder, text: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        load(folder, text)
    assert str(caught.value) == "\n".join(said(caught))
    return said(caught)


SCENARIO_TERM = "[scenario.other-payments-counted.term.share_of_other_payments_counted]"
GUARANTEE = "[term.guaranteed_income_per_patient]"

# What is changed in the Bolton model; the place that is named; what is said of it.
WRONG = {
    "misspelt term of a scenario": (
        (
            "payments_counted]\nvalues = [\n  { from = 2015-04-01, value = 1",
            "payments_conted]\nvalues = [\n  { from = 2015-04-01, value = 1",
        ),
        "scenario.other-payments-counted.term.share_of_other_payments_conted",
        "there is no term 'share_of_other_payments_conted' to change "
        "(did you mean 'share_of_other_payments_counted'?)",
    ),
    "misspelt stream": (
        ('"seniority",\n  "qof",\n  "local_schemes"', '"senority",\n  "qof",\n  "local_schemes"'),
        "streams",
        "'senority', which is no rule, input or term (did you mean 'seniority'?)",
    ),
    "misspelt part of a sum": (
        ('"counted_other_payments",\n]', '"counted_other_payment",\n]'),
        "sum.counted_income",
        "'counted_other_payment', which is no rule, input or term (did you mean 'counted_other_pay",
    ),
    "unknown key": (
        ('title = "Bolton Quality Contract"', 'title = "B"\ncomissioners = ["00T"]'),
        "",
        "the key 'comissioners' is not known (did you mean 'commissioners'?)",
    ),
    "unknown key of a sum": (
        ('title = "Streams that count', 'tilte = "Streams that count'),
        "sum.counted_income",
        "the key 'tilte' is not known (did you mean 'title'?)",
    ),
    "unknown key of an input": (
        ("[input.uplift_owed_at_start]\ntitle", "[input.uplift_owed_at_start]\nname"),
        "input.uplift_owed_at_start",
        "the key 'name' is not known "
        "(known: 'assumption', 'for_some', 'least', 'most', 'source', 'title', 'unit', 'value')",
    ),
    "unknown key of a scenario": (
        ("[scenario.core-and-local-schemes]\ntitle", "[scenario.core-and-local-schemes]\ntitel"),
        "scenario.core-and-local-schemes",
        "the key 'titel' is not known (did you mean 'title'?)",
    ),
    "unknown key of a term": (
        (f'{GUARANTEE}\ntitle = "Guaranteed income"', f'{GUARANTEE}\nunits = "x"'),
        "term.guaranteed_income_per_patient",
        "the key 'units' is not known (did you mean 'unit'?)",
    ),
    "unknown key of a scenario's term": (
        (f"{SCENARIO_TERM}\n", f"{SCENARIO_TERM}\nvalue = 1\n"),
        "scenario.other-payments-counted, term.share_of_other_payments_counted",
        "the key 'value' is not known (did you mean 'values'?)",
    ),
    "bad value of a scenario's term": (
        (
            "{ from = 2015-04-01, value = 1, assumption",
            "{ from = 2015-04-01, value = 'x', assumption",
        ),
        "scenario.other-payments-counted, term.share_of_other_payments_counted",
        "expected a number or a fraction, found 'x'",
    ),
    "unknown module of rules": (
        ('"seniority",\n  "qof",\n  "as_given"', '"senioritty",\n  "qof",\n  "as_given"'),
        "rules",
        "there is no module of rules 'senioritty'",
    ),
    "unknown file of rules": (
        ('"scheme_account",\n]', '"scheme_account",\n  "mine.py",\n]'),
        "rules",
        "there is no file 'mine.py' beside the model",
    ),
    "unknown package of rules": (
        ('"scheme_account",\n]', '"scheme_account",\n  "nowhere.rules",\n]'),
        "rules",
        "there is no module of rules 'nowhere.rules'",
    ),
    "term that nothing reads": (
        (
            GUARANTEE,
            '[term.guaranteed_income_patient]\nunit = "1"\nvalues = [{ from = 2015-04-01, '
            f'value = 1, assumption = "x" }}]\n\n{GUARANTEE}',
        ),
        "term.guaranteed_income_patient",
        "no rule of this model reads it (did you mean 'guaranteed_income_per_patient'?)",
    ),
    "input that nothing reads": (
        (GUARANTEE, f'[input.uplift_owed_at_stat]\nunit = "1"\n\n{GUARANTEE}'),
        "input.uplift_owed_at_stat",
        "no rule of this model reads it (did you mean 'uplift_owed_at_start'?)",
    ),
    "source that nothing cites": (
        (GUARANTEE, f'[source.letter]\ntitle = "A letter"\n\n{GUARANTEE}'),
        "source.letter",
        "nothing in this model cites it (cite it or remove it)",
    ),
    "source without a title": (
        (GUARANTEE, f'[source.letter]\npublisher = "x"\n\n{GUARANTEE}'),
        "source.letter",
        "a source without a title",
    ),
    "unknown source of a value": (
        ('value = 95, source = "pulse-bolton-95"', 'value = 95, source = "pulse-bolton-59"'),
        "term.guaranteed_income_per_patient, from 2015-04-01",
        "the source 'pulse-bolton-59' is not described (did you mean 'pulse-bolton-95'?)",
    ),
    "unknown source of an input": (
        (
            'assumption = "No uplift was',
            'source = "x"\nassumption = "N',
        ),
        "input.uplift_owed_at_start",
        "the source 'x' is not described",
    ),
    "input with no ground": (
        (
            'value = 0\nassumption = "No uplift was outstanding before the first month."',
            "value = 0",
        ),
        "input.uplift_owed_at_start",
        "a value with neither a source nor an assumption",
    ),
    "input of no unit": (
        ('unit = "GBP"\nvalue = 0', "value = 0"),
        "input.uplift_owed_at_start",
        "unit",
    ),
    "input of another unit": (
        ('unit = "GBP"\nvalue = 0', 'unit = "GBP/month"\nvalue = 0'),
        "",
        "'uplift_owed' [GBP] begins with 'uplift_owed_at_start' [GBP/month]",
    ),
    "input of no number": (
        ('unit = "GBP"\nvalue = 0', 'unit = "GBP"\nvalue = "none"'),
        "input.uplift_owed_at_start",
        "expected a number or a fraction, found 'none'",
    ),
    "least of no number": (
        ('unit = "GBP"\nvalue = 0', 'unit = "GBP"\nleast = "none"\nvalue = 0'),
        "input.uplift_owed_at_start, least",
        "expected a number or a fraction, found 'none'",
    ),
    "least over most": (
        ('unit = "GBP"\nvalue = 0', 'unit = "GBP"\nleast = 2\nmost = 1\nvalue = 0'),
        "input.uplift_owed_at_start, least",
        "2 is more than the most, 1",
    ),
    "value under the least": (
        ('unit = "GBP"\nvalue = 0', 'unit = "GBP"\nleast = "1/2"\nvalue = 0'),
        "input.uplift_owed_at_start, value",
        "0 is less than the least, 0.5",
    ),
    "value over the most": (
        ('unit = "GBP"\nvalue = 0', 'unit = "GBP"\nmost = -1\nvalue = 0'),
        "input.uplift_owed_at_start, value",
        "0 is more than the most, -1",
    ),
    "term of another unit": (
        (
            'unit = "GBP/patient/year"\nleast = 0\ndescription = "The CCG',
            'unit = "GBP/year"\nleast = 0\ndescription = "The CCG',
        ),
        "",
        "'guaranteed_income'",
    ),
    "stream that is not paid by month": (
        (
            '"seniority",\n  "qof",\n  "local_schemes"',
            '"uplift_owed",\n  "qof",\n  "local_schemes"',
        ),
        "",
        "[GBP]",
    ),
    "no name": (('name = "bolton-quality-contract"\n', ""), "", "the key 'name' is missing"),
    "no title": (('title = "Bolton Quality Contract"\n', ""), "", "the key 'title' is missing"),
    "no start": (("start = 2015-04-01\n", ""), "", "the key 'start' is missing"),
    "no months": (("months = 48\n", ""), "", "the key 'months' is missing"),
    "empty name": (('name = "bolton-quality-contract"', 'name = ""'), "", "'name'"),
    "number for a title": (('title = "Bolton Quality Contract"', "title = 5"), "title", "found 5"),
    "text for a start": (
        ("start = 2015-04-01", 'start = "April"'),
        "start",
        "expected a date such as 2015-04-01, found 'April'",
    ),
    "start within a month": (
        ("start = 2015-04-01", "start = 2015-04-15"),
        "start",
        "2015-04-15 is not the first day of a month",
    ),
    "half a month": (("months = 48", "months = 4.5"), "months", "found 4.5"),
    "no months at all": (("months = 48", "months = 0"), "", "months"),
    "yes for months": (("months = 48", "months = true"), "months", "True"),
    "a code for commissioners": (
        ('commissioners = ["00T"]', 'commissioners = "00T"'),
        "commissioners",
        "expected a list",
    ),
}


@pytest.mark.parametrize(("change", "place", "found"), WRONG.values(), ids=WRONG)
def test_a_wrong_model_is_refused_with_file_and_key_and_the_nearest_name(
    tmp_path, change, place, found
):
    problems = faults(tmp_path, edited(shipped_text(BOLTON), change))
    right = [problem for problem in problems if found in problem]
    assert right, problems
    if place:
        assert right[0].startswith(f"own.toml, {place}"), right


@pytest.mark.parametrize("key", ["rules", "streams"])
def test_a_model_without_rules_or_streams_is_refused(tmp_path, key):
    text = re.sub(rf"(?ms)^{key} = \[.*?^\]\n", "", shipped_text(BOLTON))
    (found,) = faults(tmp_path, text)
    assert found.startswith(f"own.toml: the key '{key}' is missing")


def test_what_is_not_toml_is_refused_with_its_line(tmp_path):
    (found,) = faults(tmp_path, 'name = "x"\ntitle = \n')
    assert found.startswith("own.toml: not readable as TOML: Invalid value (at line 2")


def test_what_is_not_text_is_refused(tmp_path):
    path = tmp_path / "own.toml"
    path.write_bytes(b"name = '\xff\xfe'")
    with pytest.raises(InputError, match=r"own\.toml: cannot be read"):
        load_model(path)


def test_every_fault_of_a_models_shape_is_said_at_once(tmp_path):
    text = edited(
        shipped_text(BOLTON),
        ("months = 48", 'months = "48"'),
        ('title = "Bolton Quality Contract"', 'tilte = "Bolton Quality Contract"'),
        ("start = 2015-04-01", "start = 2015"),
    )
    problems = "\n".join(faults(tmp_path, text))
    for found in ("'48'", "'tilte'", "the key 'title' is missing", "found 2015"):
        assert found in problems


def test_every_fault_of_what_a_model_says_is_said_at_once(tmp_path):
    text = edited(
        shipped_text(BOLTON),
        ('"scheme_account",\n]', '"scheme_acount",\n]'),
        ('unit = "GBP"\nvalue = 0', 'unit = "pound"\nvalue = 0'),
        ("value = 95, ", 'value = "95 pounds", '),
        ('source = "nhse-pms-framework-2014"', 'source = "nhse-pms-framework-2041"'),
    )
    problems = "\n".join(faults(tmp_path, text))
    for found in ("'scheme_acount'", "'pound'", "'95 pounds'", "'nhse-pms-framework-2041'"):
        assert found in problems


def test_the_nearest_module_of_rules_is_named(tmp_path):
    (found,) = faults(
        tmp_path,
        edited(
            shipped_text(NATIONAL),
            ('"seniority", "qof", "as_given"]', '"senioritty", "qof", "as_given"]'),
        ),
    )
    assert found.startswith("own.toml, rules: there is no module of rules 'senioritty'")
    assert "did you mean 'seniority'?" in found


STRUCTURES = {
    "a figure for a term": "term.x = 3",
    "a figure for all terms": "term = 3",
    "a figure for a source": "source.x = 3",
    "a figure for all sources": "source = 'x'",
    "a figure for an input": "input.x = 3",
    "a figure for all inputs": "input = [1]",
    "a figure for a scenario": "scenario.x = 3",
    "a figure for all scenarios": "scenario = 3",
    "a figure for a scenario's term": "scenario.x.term.global_sum_price = 3",
    "a figure for a scenario's terms": "scenario.x.term = 3",
    "a figure for a sum": "sum.x = 3",
    "a figure for all sums": "sum = 3",
    "a figure for a sum's parts": "sum.x.of = 3",
    "a sum of nothing": "sum.x.of = []",
    "a sum of a number": "sum.x.of = [3]",
    "a sum of a keyword": "sum.x.of = ['class']",
    "a sum of one thing twice": "sum.x.of = ['qof', 'qof']",
    "a sum with a name that no rule can have": "sum.x-y.of = ['qof']",
    "a sum with a keyword for a name": "sum.class.of = ['qof']",
    "a sum named as total payments": "sum.total_payments.of = ['qof']",
    "an input with a name that no rule can read": "input.x-y.unit = '1'",
}


@pytest.mark.parametrize("line", STRUCTURES.values(), ids=STRUCTURES)
def test_a_wrong_structure_is_refused_with_the_file_and_never_crashes(tmp_path, line):
    text = f"{line}\n{shipped_text(NATIONAL)}"
    key = line.split(".")[0].split(" ")[0]
    if f"\n[{key}." in text and " = " in line and "." not in line.split(" = ")[0]:
        text = re.sub(rf"(?ms)^\[{key}\..*?(?=^\[|\Z)", "", text)
    problems = faults(tmp_path, text)
    assert any(problem.startswith("own.toml") for problem in problems)


HEADS = {
    "a word for rules": ("rules", '"lists"'),
    "a number for rules": ("rules", "3"),
    "numbers for rules": ("rules", "[3]"),
    "a word for streams": ("streams", '"qof"'),
    "a number for streams": ("streams", "3"),
    "numbers for streams": ("streams", "[3]"),
    "a stream twice": ("streams", '["qof", "qof"]'),
    "a phrase for a stream": ("streams", '["quality framework"]'),
    "a keyword for a stream": ("streams", '["lambda"]'),
    "a date with a time": ("start", "2015-04-01T00:00:00"),
}


@pytest.mark.parametrize(("key", "value"), HEADS.values(), ids=HEADS)
def test_a_wrong_head_is_refused_with_the_key_and_never_crashes(tmp_path, key, value):
    text, count = re.subn(
        rf"(?ms)^{key} = (\[.*?\]|[^\[].*?)$", f"{key} = {value}", shipped_text(NATIONAL), count=1
    )
    assert count == 1
    problems = faults(tmp_path, text)
    assert any(problem.startswith("own.toml") and key in problem for problem in problems), problems


def test_a_scenario_changes_a_key_of_a_schedule(tmp_path):
    model = shipped(THAMES_VALLEY)
    starts = {
        name: [v.start for v in model.term_in("premium_share_retained", name).values][1]
        for name in model.scenarios
    }
    assert len(starts) == 9
    for name, start in starts.items():
        assert start == dt.date(2015 if name.startswith("april-2015") else 2016, 4, 1)


def test_a_scenario_may_put_values_in_the_place_of_a_schedule(tmp_path):
    """Else the scenario's figures would be passed over without a word."""
    text = edited(
        shipped_text(THAMES_VALLEY),
        (
            'delay_months = 0\nschedule = "sevenths"\n',
            'values = [{ from = 2013-04-01, value = 0.9, assumption = "x" }]\n',
        ),
    )
    term = load(tmp_path, text).term_in("premium_share_retained", "april-2015-sevenths")
    assert [value.value for value in term.values] == [0.9]


def test_a_scenario_may_put_a_schedule_in_the_place_of_values(tmp_path):
    text = edited(
        shipped_text(BOLTON),
        (
            re.search(rf"(?ms){re.escape(SCENARIO_TERM)}\n.*\Z", shipped_text(BOLTON))[0],
            f"{SCENARIO_TERM}\nfrom = 2015-04-01\nbefore = 0\nstart = 2016-04-01\n"
            'steps = ["1/2", 1]\nassumption = "x"\n',
        ),
    )
    model = load(tmp_path, text)
    term = model.term_in("share_of_other_payments_counted", "other-payments-counted")
    assert [value.value for value in term.values] == [0.0, 0.5, 1.0]


@pytest.mark.parametrize(
    ("name", "scenario", "term", "value", "allowed"),
    [
        (BOLTON, "indexed-guarantee", "mandatory_standards_share", 60, "from 0 to 1"),
        (NATIONAL, "dear", "global_sum_price", -1, "0 or more"),
        (NATIONAL, "dear", "out_of_hours_deduction", 1.5, "from 0 to 1"),
    ],
)
def test_a_scenario_keeps_the_bounds_of_a_term(tmp_path, name, scenario, term, value, allowed):
    text = (
        f"{shipped_text(name)}\n[scenario.{scenario}.term.{term}]\n"
        f'values = [{{ from = 2013-04-01, value = {value}, assumption = "x" }}]\n'
    )
    (found,) = faults(tmp_path, text)
    place = f"own.toml, scenario.{scenario}, term.{term}, from 2013-04-01"
    assert found == f"{place}: found {value} (allowed: {allowed})"


def test_a_scenario_keeps_the_bounds_of_a_schedule(tmp_path):
    change = ('delay_months = 0\nschedule = "two-years"', "delay_months = 0\nsteps = [1, 2]")
    (found,) = faults(tmp_path, edited(shipped_text(THAMES_VALLEY), change))
    assert found.endswith(", from 2016-04-01: found 2 (allowed: from 0 to 1)")


@pytest.mark.parametrize("name", EVERY_MODEL)
def test_terms_of_shipped_models_have_bounds(name):
    model = shipped(name)
    unbounded = {key for key, term in model.terms.items() if term.least is None}
    unbounded -= {key for key in unbounded if model.terms[key].choices}  # one of its names
    moved = {f"{line}_transfers" for line in national_lines()["service"]}  # in, less out
    assert unbounded <= {"other_savings", *moved}
    for scenario in model.scenarios.values():
        for key, term in scenario.terms.items():
            assert (term.least, term.most) == (model.terms[key].least, model.terms[key].most)


def test_a_scenario_may_change_a_national_figure(tmp_path, example):
    values = '[{ from = 2014-04-01, value = 100, assumption = "x" }]'
    text = (
        f"{shipped_text(NATIONAL)}\n[scenario.base]\n"
        f"[scenario.dear.term.global_sum_price]\nvalues = {values}\n"
    )
    result = project(load(tmp_path, text), example, months=2)
    assert result["global_sum_price"].dims == ("scenario", "month")
    assert result["global_sum_price"].sel(scenario="dear").values.tolist() == [100, 100]
    assert result["global_sum_price"].sel(scenario="base").values.tolist() == [75.77, 75.77]
    assert result["qof"].dims == ("practice", "month")
    national_units = national_terms()[0]["global_sum_price"].unit
    assert result["global_sum_price"].attrs["units"] == national_units


def test_what_a_name_in_a_rule_stands_for():
    model = shipped(BOLTON)
    kinds = {
        "registered_list": None,
        "base_registered_list": "input",
        "gms_contract": "input",
        "uplift_owed_at_start": "input",
        "global_sum_price": "term",
        "base_global_sum_price": "base term",
        "global_sum_price_in_payment": "term",
        "month_of_fiscal_year": "calendar",
        "nothing": None,
    }
    for name, kind in kinds.items():
        leaf = model.leaf(name)
        assert (leaf.kind if leaf else None) == kind, name
        assert kind is None or name in model.known_leaves() or term_behind(name, model.terms)
    assert "share_of_other_payments_counted" in {
        leaf.name for leaf in model.graph().leaves.values() if "scenario" in leaf.dims
    }


# -------------------------------------------------------------------- a user's module of rules

OWN_RULES = '''
from capitation.vocabulary import MONTHS_PER_YEAR, constant, round_to_pence, rule, total

SHARE_HELD_BACK = constant(0.25, "1")


@rule(unit="GBP/month", source="own-letter")
def winter_money(winter_price, payment_registered_list, winter_threshold):
    """Winter money: a price per registered patient, in full above a threshold, else half."""
    at_price = winter_price * payment_registered_list / MONTHS_PER_YEAR
    large = payment_registered_list > winter_threshold
    return round_to_pence(at_price if large else at_price / 2)


winter_money_of_all = total("winter_money", over="practices", title="Winter money of all")
winter_money_of_year = total(winter_money, over="months", first="no_winter_money")


@rule(unit="GBP/year", assumption="Nothing was paid before.")
def no_winter_money():
    """Nothing was paid in the year before the first."""
    return 0


@rule(unit="GBP", assumption="A quarter is held back and carried.", first="winter_held_at_start")
def winter_held(previous, winter_money):
    """What is held back, carried from month to month."""
    return previous + winter_money * SHARE_HELD_BACK * A_MONTH


@rule(unit="GBP/month", source="own-letter")
def winter_payment(winter_money, winter_money_of_all, previous_winter_money_of_year):
    """Three quarters now, and a twelfth of a tenth of last year's."""
    now = winter_money * (1 - SHARE_HELD_BACK) if winter_money_of_all > 0 else 0
    return now + previous_winter_money_of_year / 10 / MONTHS_PER_YEAR
'''.replace("import MONTHS", "import A_MONTH, MONTHS")

OWN_MODEL = """
[input.winter_held_at_start]
unit = "GBP"
value = 5
assumption = "Five pounds were held."

[input.winter_threshold]
unit = "patient"

[term.winter_price]
unit = "GBP/patient/year"
values = [
  { from = 2015-04-01, value = 1.2, source = "own-letter" },
  { from = 2015-12-01, value = "7/2", source = "own-letter" },
]

[source.own-letter]
title = "A letter of the commissioner's"
"""


@pytest.fixture
def own_model(tmp_path) -> Model:
    (tmp_path / "winter.py").write_text(OWN_RULES, encoding="utf-8")
    text = edited(
        shipped_text(NATIONAL),
        ('"as_given"]', '"as_given", "winter.py"]'),
        ('"remaining_payments",\n]', '"remaining_payments",\n  "winter_payment",\n]'),
        ("value = 0.0009, ", "value = 0, "),
    )
    return load(tmp_path, text + OWN_MODEL)


def own_practices() -> xr.Dataset:
    rows = [
        {"registered_list": 1000, "weighted_list": 900, "commissioner": "C1"},
        {"registered_list": 5000, "weighted_list": 6000, "commissioner": "C2"},
    ]
    practices = practices_of(rows)
    practices["winter_threshold"] = ("practice", [2000.0, 2000.0])
    return practices


def test_a_users_own_rules_run_beside_the_shipped_ones(own_model):
    result = project(own_model, own_practices(), months=24, compiled=False)
    # £1.20 × 1,000 ÷ 12 ÷ 2 = £50 to November, then £3.50: £145.83; the larger £500 and £1,458.33
    money = result["winter_money"]
    assert money.isel(practice=0).values.tolist() == [50.0] * 8 + [145.83] * 16
    assert money.isel(practice=1).values.tolist() == [500.0] * 8 + [1458.33] * 16
    assert result["winter_held"].isel(practice=0, month=0) == 5 + 12.5
    held = result["winter_held"].isel(practice=0, month=-1)
    assert float(held) == pytest.approx(5 + 0.25 * (8 * 50 + 16 * 145.83))
    year = result["winter_money_of_year"]
    assert year.dims == ("practice", "year")
    assert year.isel(practice=0).values == pytest.approx([983.32, 1749.96])
    paid = result["winter_payment"].isel(practice=0)
    assert float(paid[0]) == 37.5
    assert float(paid[12]) == pytest.approx(0.75 * 145.83 + 983.32 / 120)
    assert result["winter_money_of_all"].sel(commissioner_code="C2")[0] == 500
    assert result["winter_payment"].attrs["source"] == "own-letter"
    assert "own-letter" in result.attrs["sources"]
    without = result[list(own_model.streams[:-1])]
    expected = sum(without[stream] for stream in own_model.streams[:-1]) + result["winter_payment"]
    np.testing.assert_allclose(result["total_payments"], expected, rtol=1e-12)


def test_a_users_own_rules_give_the_same_bits_compiled(own_model):
    wanted = ["winter_payment", "winter_held", "winter_money_of_all", "winter_money_of_year"]
    plain = project(own_model, own_practices(), variables=wanted, compiled=False)
    assert bits(plain) == bits(project(own_model, own_practices(), variables=wanted, compiled=True))


def test_a_model_keeps_totals_by_the_names_they_are_given(own_model):
    totals = {d.name: d for d in own_model.definitions if isinstance(d, Total)}
    assert set(totals) == {"winter_money_of_all", "winter_money_of_year"}
    assert totals["winter_money_of_year"].of == "winter_money"
    assert totals["winter_money_of_all"].title == "Winter money of all"
    assert totals["winter_money_of_all"].place.startswith("winter.py:")


def test_rules_that_a_users_module_imports_are_not_rules_twice(tmp_path):
    own = (
        "from capitation.rules.lists import weighted_list\nfrom capitation.rules import qof\n"
        "from capitation.vocabulary import rule\n\n@rule(unit='GBP/year', source='sfe-2013')\n"
        "def share(base_qof):\n    'A share.'\n    return base_qof\n"
    )
    (tmp_path / "winter.py").write_text(own, encoding="utf-8")
    text = edited(shipped_text(NATIONAL), ('"as_given"]', '"as_given", "winter.py"]'))
    model = load(tmp_path, text)
    names = sorted(definition.name for definition in model.definitions)
    assert names == sorted(["share", *(d.name for d in shipped(NATIONAL).definitions)])


def own_faults(folder, rules: str) -> list[str]:
    (folder / "winter.py").write_text(rules, encoding="utf-8")
    text = edited(shipped_text(NATIONAL), ('"as_given"]', '"as_given", "winter.py"]'))
    return faults(folder, text)


def test_a_fault_in_a_users_rule_is_named_with_its_line(tmp_path):
    (found,) = own_faults(
        tmp_path,
        "from capitation.vocabulary import rule\n\n"
        "@rule(unit='1', source='sfe-2013')\n"
        "def share(base_qof):\n    'A share.'\n    return base_qof ** 2\n",
    )
    assert found.startswith(f"{tmp_path / 'winter.py'}:6: the operator in 'base_qof ** 2'")


def test_faults_of_a_users_rules_and_of_the_file_are_said_together(tmp_path):
    (tmp_path / "winter.py").write_text(
        "from capitation.vocabulary import rule\n\n"
        "@rule(unit='1', source='sfe-2013')\n"
        "def share(base_qof):\n    return base_qof ** 2\n",
        encoding="utf-8",
    )
    text = edited(
        shipped_text(NATIONAL),
        ('"as_given"]', '"as_given", "winter.py"]'),
        ('unit = "GBP"', 'unit = "pound"'),
    )
    problems = "\n".join(faults(tmp_path, text))
    for found in ("has no docstring", "the operator in 'base_qof ** 2'", "'pound'"):
        assert found in problems


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("def broken(:\n", "'winter.py' cannot be imported: SyntaxError"),
        ("1 / 0\n", "'winter.py' cannot be imported: ZeroDivisionError: division by zero"),
        (
            "import nosuchmodule\n",
            "'winter.py' cannot be imported: ModuleNotFoundError: No module named 'nosuchmodule'",
        ),
        (
            "import winter\n",
            "'winter.py' cannot be imported: ModuleNotFoundError: No module named 'winter'",
        ),
        ("open('nowhere.txt')\n", "nowhere.txt"),
    ],
)
def test_a_users_module_that_cannot_be_imported_is_named_with_the_reason(tmp_path, rules, expected):
    (found,) = own_faults(tmp_path, rules)
    assert found.startswith("own.toml, rules: ")
    assert expected in found
    assert "there is no file 'winter.py'" not in found


def test_a_package_of_rules_whose_own_import_fails_is_there(tmp_path, monkeypatch):
    (tmp_path / "own_package").mkdir()
    (tmp_path / "own_package" / "rules.py").write_text("import own_package.gone\n", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    for asked, said_of_it in (
        ("own_package.rules", "cannot be imported: ModuleNotFoundError: No module named 'own_pack"),
        ("own_package.rule", "there is no module of rules 'own_package.rule'"),
    ):
        text = edited(shipped_text(NATIONAL), ('"as_given"]', f'"as_given", "{asked}"]'))
        (found,) = [problem for problem in faults(tmp_path, text) if asked in problem]
        assert said_of_it in found


def test_a_unit_fault_in_a_users_rule_names_its_place_and_formula(tmp_path):
    (found,) = own_faults(
        tmp_path,
        "from capitation.vocabulary import rule\n\n"
        "@rule(unit='GBP/month', source='sfe-2013')\n"
        "def share(base_qof):\n    'A share.'\n    return base_qof\n",
    )
    assert found.endswith(
        "winter.py:4: 'share': returns GBP/year, but declares GBP/month (share = base_qof)"
    )


def test_an_unknown_source_of_a_users_rule_is_named(tmp_path):
    (found,) = own_faults(
        tmp_path,
        "from capitation.vocabulary import rule\n\n"
        "@rule(unit='GBP/year', source='sfe-2031')\n"
        "def share(base_qof):\n    'A share.'\n    return base_qof\n",
    )
    assert found == (
        "own.toml, rule share (winter.py:4): the source 'sfe-2031' is not described "
        "(did you mean 'sfe-2013'?)"
    )


def test_a_second_rule_of_a_shipped_name_is_named_with_both_places(tmp_path):
    found = own_faults(
        tmp_path,
        "from capitation.vocabulary import rule\n\n"
        "@rule(unit='GBP/month', source='sfe-2013')\n"
        "def qof(base_qof):\n    'A share.'\n    return base_qof / 12\n",
    )
    assert "winter.py:4: a second rule called 'qof' (the first is at qof.py:" in found[0]


def test_an_edited_module_is_read_anew(tmp_path):
    text = edited(shipped_text(NATIONAL), ('"as_given"]', '"as_given", "winter.py"]'))
    for number in ("2", "30"):
        (tmp_path / "winter.py").write_text(
            "from capitation.vocabulary import rule\n\n"
            "@rule(unit='GBP/year', source='sfe-2013')\n"
            f"def share(base_qof):\n    'A share.'\n    return base_qof / {number}\n",
            encoding="utf-8",
        )
        model = load(tmp_path, text)
        (share,) = [d for d in model.definitions if d.name == "share"]
        assert isinstance(share, Rule)
        assert share.formula == f"share = base_qof / {number}"
        assert share(60.0) == 60 / float(number)


# --------------------------------------------------------------------------- wrong projections


def refusal(model: object, practices: xr.Dataset, *args: object, **kwargs: object) -> list[str]:
    with pytest.raises(InputError) as caught:
        project(model, practices, *args, **kwargs)
    return said(caught)


def test_an_unknown_scenario_is_refused_with_the_nearest(example):
    (found,) = refusal(BOLTON, example, ["other-payments-count"])
    assert found == (
        "bolton-quality-contract.toml: there is no scenario 'other-payments-count' "
        "(did you mean 'other-payments-counted'?)"
    )
    (found,) = refusal(BOLTON, example, [])
    assert found == "scenarios: no scenario is named"


@pytest.mark.parametrize("months", [0, -3])
def test_no_months_are_refused(example, months):
    (found,) = refusal(BOLTON, example, months=months)
    assert found == f"months: expected at least one, found {months}"


def test_an_unknown_variable_is_refused_with_the_nearest(example):
    (found,) = refusal(BOLTON, example, variables=["global_sun"])
    assert found == "variables: 'global_sun' is no rule of the model (did you mean 'global_sum'?)"


def test_a_month_before_a_terms_first_date_is_refused_with_the_term_and_its_date(tmp_path, example):
    text = edited(
        shipped_text(NATIONAL),
        ("from = 2013-04-01, value = 0.0009", "from = 2015-06-01, value = 0.0009"),
    )
    (found,) = refusal(load(tmp_path, text), example)
    assert found == (
        "own.toml, term.monthly_list_growth: 'monthly_list_growth' has no value for April 2015: "
        "it begins on 1 June 2015 (start later, or add an earlier value with its source)"
    )


def test_every_term_that_begins_too_late_is_said_at_once(example):
    early = example.assign_attrs(fiscal_year="2010/11")
    found = refusal(NATIONAL, early, start=dt.date(2012, 4, 1), months=1)
    assert len(found) > 5
    assert all("has no value for" in problem for problem in found)
    assert len(found) == len(set(found))


def test_a_base_year_before_a_terms_first_date_is_refused(example):
    found = refusal(NATIONAL, example.assign_attrs(fiscal_year="2012/13"))
    assert all("has no value for April 2012" in problem for problem in found)
    assert any("'global_sum_price'" in problem for problem in found)


@pytest.mark.parametrize("year", ["2014", "2014-15", "2014/16", "14/15", ""])
def test_a_year_that_is_no_fiscal_year_is_refused(example, year):
    (found,) = refusal(BOLTON, example.assign_attrs(fiscal_year=year))
    assert found.startswith("practices.attrs['fiscal_year']: ")
    assert "'2014/15'" in found


def with_figure(practices: xr.Dataset, name: str, at: int, value: float) -> xr.Dataset:
    changed = practices.copy(deep=True)
    changed[name].values[at] = value
    return changed


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_figure_that_is_no_number_is_refused_with_its_practice(example, value):
    (found,) = refusal(BOLTON, with_figure(example, "qof", 7, value))
    assert found == (
        f"synthetic example, seed 2015, practice EX008: qof is not a number, found {value} "
        "(a figure is wanted, or zero)"
    )


def test_a_figure_that_is_text_is_refused_with_its_practice(example):
    texts = example["qof"].values.astype(int).astype(str).astype(object)
    texts[7] = "n/a"
    found = refusal(BOLTON, example.assign(qof=("practice", texts)))
    assert any("practice EX008" in problem and "qof" in problem for problem in found)


def test_a_figure_by_month_is_refused(example):
    moving = example["qof"].expand_dims(month=2)
    found = refusal(BOLTON, example.assign(qof=moving))
    assert any("qof" in problem for problem in found)


def test_whole_numbers_are_as_good_as_others(example):
    whole = example.astype(int)
    assert bits(project(BOLTON, whole, months=3)) == bits(project(BOLTON, example, months=3))


@pytest.mark.parametrize("name", ["registered_list", "weighted_list"])
def test_a_negative_list_is_refused_with_its_practice(example, name):
    (found,) = refusal(BOLTON, with_figure(example, name, 0, -120))
    assert found == (
        f"synthetic example, seed 2015, practice EX001: {name} is negative, found -120.0 "
        "(a list is zero or more)"
    )


def test_a_practice_that_stands_twice_is_refused():
    practices = practices_of([{"practice": "A1"}, {"practice": "B2"}, {"practice": "A1"}])
    (found,) = refusal(BOLTON, practices)
    assert found == "rows.csv: practice A1 stands more than once (keep one row)"


def test_every_wrong_figure_is_said_at_once(example):
    wrong = with_figure(with_figure(example, "qof", 1, np.nan), "weighted_list", 2, -1)
    found = refusal(BOLTON, wrong)
    assert len(found) == 2


def test_a_figure_that_is_missing_is_refused_with_the_nearest(example):
    renamed = example.rename(seniority="seniorities")
    (found,) = refusal(BOLTON, renamed)
    assert found == (
        "synthetic example, seed 2015: the model needs 'seniority' of each practice "
        "(did you mean 'seniorities'?)"
    )


def test_an_input_that_the_model_asks_for_and_the_practices_have_not_is_refused(own_model):
    practices = own_practices().drop_vars("winter_threshold")
    (found,) = refusal(own_model, practices)
    assert found.startswith("rows.csv: the model needs 'winter_threshold' of each practice")


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda p: p.rename(practice="surgery"), "there is no dimension 'practice'"),
        (lambda p: p.drop_vars("practice"), "there is no dimension 'practice'"),
        (lambda p: p.drop_vars("commissioner"), "there is no coordinate 'commissioner'"),
        (lambda p: p.drop_vars("contract_type"), "there is no coordinate 'contract_type'"),
        (lambda p: p.drop_attrs(), "the year of the figures is not stated"),
        (lambda p: p.isel(practice=slice(0)), "there are no practices"),
    ],
)
def test_practices_that_lack_a_part_are_refused(example, change, found):
    assert any(found in problem for problem in refusal(BOLTON, change(example)))
    with pytest.raises(InputError, match=found):
        check_practices(change(example))


def test_every_part_that_practices_lack_is_said_at_once(example):
    bare = example.drop_vars(["commissioner", "contract_type"]).drop_attrs()
    assert len(refusal(BOLTON, bare)) == 3


def test_an_unknown_commissioner_is_refused_with_the_nearest(example):
    assert select_commissioners(example, ["EXAMPLE"]).identical(example)
    with pytest.raises(InputError, match="no practice of commissioner 'EXAMPEL'"):
        select_commissioners(example, ["EXAMPEL"])


# ------------------------------------------------------------------------------- given values


def given_lists(practices: xr.Dataset, months: int = 3) -> xr.DataArray:
    begin = np.datetime64("2015-04", "M")
    labels = (begin + np.arange(months)).astype("datetime64[ns]")
    numbers = np.arange(practices.sizes["practice"] * months, dtype=float) + 1000
    return xr.DataArray(
        numbers.reshape(practices.sizes["practice"], months),
        {"practice": practices["practice"].values, "month": labels},
        ("practice", "month"),
    )


def test_given_values_stand_in_the_place_of_a_rule_in_whatever_order(example):
    lists = given_lists(example)
    result = project(NATIONAL, example, months=3, given={"weighted_list": lists})
    np.testing.assert_array_equal(result["weighted_list"], lists)
    assert result["weighted_list"].attrs["kind"] == "given"
    assert result["weighted_list"].attrs["units"] == "patient"
    first = result["payment_weighted_list"].isel(month=0)
    np.testing.assert_array_equal(first, lists.isel(month=0))
    turned = lists.isel(practice=slice(None, None, -1), month=[2, 0, 1]).transpose()
    again = project(NATIONAL, example, months=3, given={"weighted_list": turned})
    assert bits(again) == bits(result)


def test_given_what_a_rule_gave_changes_no_bit(example):
    result = project(NATIONAL, example, months=6)
    for name in ("payment_weighted_list", "gms_equivalent", "qof"):
        again = project(NATIONAL, example, months=6, given={name: result[name]})
        for variable in again.data_vars:
            found, expected = again[variable].values, result[variable].values
            assert found.tobytes() == expected.tobytes(), variable


def test_a_rule_that_another_looks_back_at_may_be_given_or_is_refused_by_name(example):
    owed = given_lists(example) * 0
    try:
        result = project(NATIONAL, example, months=3, given={"uplift_owed": owed})
    except InputError as error:
        problem = str(error)
    else:
        assert (result["uplift_paid"] == 0).all()
        return
    assert "given" in problem
    assert "uplift_owed" in problem


GIVEN = {
    "unknown": ("weighted_lists", lambda a: a, "is not a rule of the model (did you mean 'weight"),
    "practice too few": (
        "weighted_list",
        lambda a: a.isel(practice=slice(1, None)),
        "practice EX001 is in the projection and not here (1 in all)",
    ),
    "practice too many": (
        "weighted_list",
        lambda a: xr.concat([a, a[:1].assign_coords(practice=["ZZ9"])], "practice"),
        "practice ZZ9 is here and not in the projection (1 in all)",
    ),
    "month too few": (
        "weighted_list",
        lambda a: a.isel(month=slice(0, 2)),
        "month 2015-06-01T00:00:00.000000000 is in the projection and not here (1 in all)",
    ),
    "other months": (
        "weighted_list",
        lambda a: a.assign_coords(month=a["month"].values + np.timedelta64(1, "D")),
        "(3 in all)",
    ),
    "no month": ("weighted_list", lambda a: a.isel(month=0), "has dimensions ('practice',)"),
    "another dimension": (
        "weighted_list",
        lambda a: a.expand_dims(scenario=["x"]),
        "give it on practice and month",
    ),
    "not a number": (
        "weighted_list",
        lambda a: a.where(a["practice"] != "EX002"),
        "holds a value that is not a number",
    ),
    "practice twice": (
        "weighted_list",
        lambda a: xr.concat([a, a[:1]], "practice"),
        "practice EX001",
    ),
}


@pytest.mark.parametrize(("name", "change", "found"), GIVEN.values(), ids=GIVEN)
def test_given_values_that_do_not_fit_are_refused(example, name, change, found):
    problems = refusal(NATIONAL, example, months=3, given={name: change(given_lists(example))})
    assert all(problem.startswith(f"given '{name}': ") for problem in problems)
    assert any(found in problem for problem in problems), problems


# ------------------------------------------------------------------------------- zero divisors

DIVISIONS = {
    "practice alone": (
        "base_qof, base_registered_list",
        "base_qof / base_registered_list",
        "GBP/patient/year",
        ["practice P002"],
        ["2015", "2016", "month"],
    ),
    "practice and month": (
        "month_of_fiscal_year, payment_registered_list, base_registered_list",
        "1 / (base_registered_list * month_of_fiscal_year - base_registered_list * 3)",
        "1/patient",
        ["practice P001", "June 2015"],
        [],
    ),
    "month alone": (
        "month_of_fiscal_year",
        "1 / (month_of_fiscal_year - 3)",
        "1",
        ["June 2015"],
        ["practice"],
    ),
    "hidden in min": (
        "base_qof, base_registered_list",
        "min(base_qof / base_registered_list, base_qof / 1 * 0)",
        "GBP/patient/year",
        ["practice P002"],
        [],
    ),
    "hidden in a condition": (
        "base_qof, base_registered_list",
        "1 if base_qof / base_registered_list > 0 else 0",
        "1",
        ["practice P002"],
        [],
    ),
}


@pytest.mark.parametrize("compiled", [False, True], ids=["plain", "compiled"])
@pytest.mark.parametrize(
    ("reads", "returned", "unit", "named", "unnamed"), DIVISIONS.values(), ids=DIVISIONS
)
def test_a_division_by_zero_is_refused_with_rule_practice_and_month(
    tmp_path, reads, returned, unit, named, unnamed, compiled
):
    (tmp_path / "winter.py").write_text(
        "from capitation.vocabulary import rule\n\n"
        f"@rule(unit={unit!r}, source='sfe-2013')\n"
        f"def quotient({reads}):\n    'A quotient.'\n    return {returned}\n",
        encoding="utf-8",
    )
    text = edited(shipped_text(NATIONAL), ('"as_given"]', '"as_given", "winter.py"]'))
    model = load(tmp_path, text)
    rows = [{"registered_list": 0 if at == 1 else 100, "qof": 5} for at in range(3)]
    # The price runs before, by month, and so a month must not be left over from there.
    wanted = ["net_global_sum_price", "quotient"]
    (found,) = refusal(model, practices_of(rows), months=6, variables=wanted, compiled=compiled)
    place, _, rest = found.partition(": ")
    assert place.startswith("rule 'quotient'")
    assert "not a finite number" in rest
    assert "guard the division" in rest
    for part in named:
        assert part in place
    for part in unnamed:
        assert part not in place


@pytest.mark.parametrize("compiled", [False, True], ids=["plain", "compiled"])
def test_a_division_by_zero_is_refused_though_only_what_follows_is_asked_for(tmp_path, compiled):
    (tmp_path / "winter.py").write_text(
        "from capitation.vocabulary import rule\n\n"
        "@rule(unit='GBP/patient/year', source='sfe-2013')\n"
        "def quotient(base_qof, base_registered_list):\n    'A quotient.'\n"
        "    return base_qof / base_registered_list\n\n"
        "@rule(unit='1', source='sfe-2013')\n"
        "def large(quotient):\n    'Whether it is large.'\n"
        "    return 1 if quotient > 0 else 0\n",
        encoding="utf-8",
    )
    text = edited(shipped_text(NATIONAL), ('"as_given"]', '"as_given", "winter.py"]'))
    practices = practices_of([{"registered_list": 0, "qof": 5}])
    (found,) = refusal(
        load(tmp_path, text), practices, months=2, variables=["large"], compiled=compiled
    )
    assert found.startswith("rule 'quotient', practice P001")


def test_a_practice_input_of_a_model_has_a_value_or_must_be_given(own_model):
    assert own_model.inputs["winter_threshold"] == PracticeInput(
        "winter_threshold", "patient", "winter threshold"
    )
    assert own_model.inputs["winter_held_at_start"].value == 5


def test_a_practice_input_may_say_between_what_its_figures_lie(tmp_path):
    bounds = ('unit = "GBP"\nvalue = 0', 'unit = "GBP"\nleast = 0\nmost = "3/2"\nvalue = 0')
    inputs = load(tmp_path, edited(shipped_text(BOLTON), bounds)).inputs
    owed = inputs["uplift_owed_at_start"]
    assert (owed.least, owed.value, owed.most) == (0, 0, 1.5)
