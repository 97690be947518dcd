"""Explanations: down to the inputs, and true to the figures."""

import ast
import json

import pytest

import capitation as cap
from capitation.vocabulary import MONTHS_PER_YEAR


@pytest.fixture(scope="module")
def result():
    return cap.project("thames-valley-pms", cap.example_practices(), months=14)


def every_part(told):
    yield told
    for part in told.parts:
        yield from every_part(part)


def parameters_of(told):
    return {part.name: part.value for part in told.parts}


@pytest.mark.parametrize("month", ["2015-04", "2015-10", "2016-05"])
def test_every_formula_in_the_tree_gives_its_value_from_its_parts(result, month):
    """Evaluated in Python from the explanation alone, to the last bit."""
    told = cap.explain(result, "total_payments", practice="EX005", month=month)
    scope = {"min": min, "max": max, "abs": abs, "MONTHS_PER_YEAR": MONTHS_PER_YEAR}
    scope |= {"A_MONTH": 1.0, "MONTHS_IN_A_QUARTER": 3.0}
    evaluated = 0
    for part in every_part(told):
        if part.formula and not part.formula.startswith("sum of"):
            values = parameters_of(part)
            own = values.get(f"previous_{part.name}")
            assert eval(part.formula, scope, values | {"previous": own}) == part.value
            evaluated += 1
    assert evaluated > 30


def test_the_tree_ends_in_inputs_and_dated_terms_with_grounds(result):
    told = cap.explain(result, "pms_premium", practice="EX005", month="2016-05")
    leaves = [part for part in every_part(told) if not part.parts and not part.formula]
    named = {leaf.name for leaf in leaves}
    assert {"base_pms_expenditure", "base_weighted_list", "premium_share_retained"} <= named
    assert all(leaf.grounds for leaf in leaves if not leaf.name.startswith("previous_"))
    text = str(told)
    assert "= max(base_premium - " in text
    assert "3/4 from 1 April 2016" in text
    assert "Pulse" in text
    assert "assumption: " in text
    assert text.count("\n") < 200


def test_scenario_matters_where_it_should(result):
    first, second = (
        cap.explain(result, "pms_premium", practice="EX005", month="2015-06", scenario=name).value
        for name in ("april-2016", "april-2015")
    )
    assert second == pytest.approx(first * 0.75)


def test_a_total_says_what_it_sums(result):
    told = cap.explain(result, "premium_released", commissioner_code="EXAMPLE", month="2016-05")
    assert told.formula == "sum of premium_withdrawn over the 50 practices of EXAMPLE"
    assert told.value == pytest.approx(
        float(result["premium_withdrawn"].sel(scenario="april-2016", month="2016-05").sum())
    )


def test_the_first_month_begins_with_the_named_value(result):
    told = cap.explain(result, "weighted_list", practice="EX001", month="2015-04")
    before = next(part for part in told.parts if part.name == "previous_weighted_list")
    assert before.parts[0].name == "base_weighted_list"
    assert before.value == before.parts[0].value


def test_a_base_year_term_tells_every_value_of_that_year():
    """2015/16 had two prices."""
    practices = cap.example_practices().assign_attrs(fiscal_year="2015/16")
    import datetime as dt

    start = dt.date(2016, 4, 1)
    result = cap.project("national-practice-income", practices, months=1, start=start)
    told = cap.explain(result, "base_global_sum_price")
    assert told.value == pytest.approx(76.14)
    assert told.grounds[0] == "75.77 from 1 April 2015"
    assert any(ground.startswith("76.51 from 1 October 2015") for ground in told.grounds)


def test_a_result_explains_itself_after_a_journey_through_plain_dictionaries(result):
    import xarray as xr

    again = xr.Dataset.from_dict(result.to_dict())
    where = {"practice": "EX009", "month": "2015-07"}
    assert str(cap.explain(again, "qof", **where)) == str(cap.explain(result, "qof", **where))


def test_json_tells_each_figure_once(result):
    told = cap.explain(result, "total_payments", practice="EX005", month="2016-05")
    text = json.dumps(told.as_dict())
    assert text.count('"name": "base_gms_equivalent"') > 1
    assert text.count('"formula": "base_weighted_list * ') == 1
    assert ast.literal_eval(repr(told.as_dict()))["value"] == told.value


@pytest.mark.parametrize(
    ("variable", "labels", "said"),
    [
        ("global_sun", {}, "did you mean 'global_sum'"),
        ("global_sum", {"month": "2015-04"}, "needs a practice"),
        ("global_sum", {"practice": "EX0O1", "month": "2015-04"}, "did you mean 'EX0"),
        ("global_sum", {"practice": "EX001", "month": "2031-04"}, "no month '2031-04'"),
        ("global_sum", {"practise": "EX001", "month": "2015-04"}, "did you mean 'practice'"),
        (
            "pms_premium",
            {"practice": "EX001", "month": "2015-04", "scenario": "april"},
            "no scenario 'april'",
        ),
    ],
)
def test_a_wrong_question_gets_the_nearest_right_one(result, variable, labels, said):
    with pytest.raises(cap.InputError, match=said):
        cap.explain(result, variable, **labels)


def test_all_wrong_labels_are_told_at_once(result):
    with pytest.raises(cap.InputError) as caught:
        cap.explain(result, "global_sum", practice="nobody", month="never")
    assert len(caught.value.problems) == 2


def test_a_result_with_few_variables_says_what_is_missing():
    result = cap.project(
        "bolton-quality-contract", cap.example_practices(), months=1, variables=["global_sum"]
    )
    with pytest.raises(cap.InputError, match="project without 'variables'"):
        cap.explain(result, "global_sum", practice="EX003", month="2015-04")
