"""Explanations: down to the inputs, and true to the figures."""

import ast
import json
import re

import numpy as np
import pytest

import capitation as cap
from capitation.vocabulary import MONTHS_PER_YEAR


@pytest.fixture(scope="module")
def result():
    pair = ["april-2016", "april-2015"]
    return cap.project("thames-valley-pms", cap.example_practices(), pair, months=14)


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
    assert "assumption: " in text
    assert text.count("\n") < 300


def test_a_source_is_an_id_under_a_figure_and_told_once_at_the_end(result):
    told = cap.explain(result, "pms_premium", practice="EX005", month="2016-05")
    figures, listed = str(told).split("\n\nSources\n")
    cited = re.findall(r"^ *source: (.*)$", figures, re.MULTILINE)
    described = json.loads(result.attrs["sources"])
    ids = list(dict.fromkeys(name for name in cited if name in described))
    assert len(ids) > 3
    assert list(told.sources) == ids
    assert listed.splitlines() == [f"  {key}: {told.sources[key]}" for key in ids]
    for key, text in told.sources.items():
        assert text.startswith(described[key]["title"])
        assert text.endswith(described[key]["where"])
        assert text not in figures
    assert "Pulse" in listed


def test_the_root_alone_tells_the_sources_to_programs(result):
    told = cap.explain(result, "pms_premium", practice="EX005", month="2016-05")
    entry = told.as_dict()
    assert entry["sources"] == told.sources
    assert json.dumps(entry).count('"sources"') == 1


def test_a_file_is_its_own_source(result):
    told = cap.explain(result, "base_qof", practice="EX005")
    assert told.grounds == ("source: synthetic example, seed 2015",)
    assert told.sources == told.as_dict()["sources"] == {}
    assert "Sources" not in str(told)


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


def two_commissioners():
    practices = cap.example_practices()
    areas = np.where(np.arange(practices.sizes["practice"]) % 2, "C2", "C1")
    practices = practices.assign_coords(commissioner=("practice", areas))
    return cap.project("thames-valley-pms", practices, months=2)


def test_the_only_commissioner_may_be_left_out(result):
    told = cap.explain(result, "premium_released", month="2016-05")
    assert "EXAMPLE" in told.where


def test_a_practice_stands_for_its_commissioner():
    result = two_commissioners()
    where = {"month": "2015-05"}
    by_practice = cap.explain(result, "premium_released", practice="EX002", **where)
    assert by_practice == cap.explain(result, "premium_released", commissioner_code="C2", **where)
    with pytest.raises(cap.InputError, match="needs a commissioner_code"):
        cap.explain(result, "premium_released", **where)
    with pytest.raises(cap.InputError) as caught:
        cap.explain(result, "premium_released", practice="nobody", **where)
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize("variable", ["pms_premium", "qof", "total_payments"])
def test_one_scenario_of_a_result_explains_itself(result, variable):
    where = {"practice": "EX005", "month": "2015-06"}
    for at, name in enumerate(result["scenario"].values.tolist()):
        told = cap.explain(result, variable, scenario=name, **where).value
        for one in (result.sel(scenario=name), result.isel(scenario=at)):
            assert cap.explain(one, variable, **where).value == told
            assert cap.explain(one, variable, scenario=name, **where).value == told
    with pytest.raises(cap.InputError, match="no scenario 'april-2016'"):
        cap.explain(result.sel(scenario="april-2015"), variable, scenario="april-2016", **where)


def test_what_is_no_projection_is_refused(result):
    for other in (cap.example_practices(), result["qof"]):
        with pytest.raises(cap.InputError, match=r"not a result of project\(\)"):
            cap.explain(other, "qof", practice="EX001", month="2015-04")
    with pytest.raises(cap.InputError, match="cut out of the result"):
        cap.explain(result.isel(month=slice(3)), "qof", practice="EX001", month="2015-04")


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
