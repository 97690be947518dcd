"""A result tells of itself: rules, terms and sources read back from plain attributes."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

import pytest
import xarray as xr

from capitation.engine.distribution import negative_binomial
from capitation.engine.graph import Graph, Leaf, Node
from capitation.engine.kernel import emit
from capitation.engine.language import Constant
from capitation.engine.record import (
    attributes_of_leaf,
    attributes_of_node,
    dated_values,
    definition_of,
    graph_of,
)
from capitation.engine.rule import Rule, Total
from capitation.engine.terms import DatedValue, Term
from capitation.engine.units import Unit
from capitation.example import example_practices
from capitation.model import Model
from capitation.projection import project

from .strategies import BOLTON, SHIPPED, THAMES_VALLEY, bits, shipped


@pytest.fixture(scope="module", params=SHIPPED)
def model(request) -> Model:
    return shipped(request.param)


@pytest.fixture(scope="module")
def result(model) -> xr.Dataset:
    return project(model, example_practices().isel(practice=slice(0, 5)), months=13)


@pytest.fixture(scope="module")
def read_back(result) -> xr.Dataset:
    """The result after a journey through plain text: no object of ours is left in it."""
    return xr.Dataset.from_dict(result.to_dict())


def recorded(result: xr.Dataset) -> Graph:
    return graph_of(result.data_vars)


def test_a_result_survives_the_journey(result, read_back):
    assert bits(read_back) == bits(result)
    assert read_back.identical(result)


def test_attributes_are_plain_text_that_any_file_can_hold(result):
    everything = [result.attrs, *(v.attrs for v in result.variables.values())]
    for attributes in everything:
        for key, value in attributes.items():
            assert isinstance(key, str)
            assert isinstance(value, str), key
    journey = json.loads(json.dumps(everything))
    assert journey == everything


def test_the_rules_of_a_result_are_those_that_made_it(model, result, read_back):
    graph = recorded(read_back)
    original = model.graph()
    assert list(graph.nodes) == [n for n in result.data_vars if n in original.nodes]
    assert list(graph.nodes) == list(original.nodes)
    for name, node in graph.nodes.items():
        made = original.nodes[name]
        assert node.unit == made.unit
        assert node.dims == made.dims
        assert node.title == made.title
        assert node.reads == made.reads
        assert node.looks_back == made.looks_back
        assert node.definition.first == made.definition.first
        assert node.definition.place == made.definition.place
        if isinstance(made.definition, Total):
            assert isinstance(node.definition, Total)
            assert (node.definition.of, node.definition.over) == (
                made.definition.of,
                made.definition.over,
            )
            continue
        assert isinstance(node.definition, Rule)
        assert node.definition.formula == made.definition.formula
        assert node.definition.text == made.definition.text
        assert node.definition.source == made.definition.source
        assert node.definition.assumption == made.definition.assumption
        assert Unit.parse(node.definition.unit) == Unit.parse(made.definition.unit)
        units = {key: c.unit for key, c in node.definition.constants.items()}
        assert node.definition.constants == made.definition.constants
        assert units == {key: c.unit for key, c in made.definition.constants.items()}


def test_the_leaves_of_a_result_are_those_that_it_read(model, read_back):
    graph = recorded(read_back)
    original = model.graph()
    assert set(graph.leaves) == set(original.leaves)
    for name, leaf in graph.leaves.items():
        made = original.leaves[name]
        assert (leaf.kind, leaf.unit, leaf.dims, leaf.title) == (
            made.kind,
            made.unit,
            made.dims,
            made.title,
        )


def test_the_terms_of_a_result_are_dated_as_in_the_model(model, read_back):
    seen = 0
    for name, variable in read_back.data_vars.items():
        if "term" not in variable.attrs["kind"]:
            continue
        seen += 1
        found = dated_values(variable.attrs)
        base = str(name).removeprefix("base_").removesuffix("_for_the_year")
        of_base_year = variable.attrs["kind"] == "base term"
        assert list(found) == list(model.scenarios)[: 1 if of_base_year else None]
        for scenario, values in found.items():
            if str(name) in model.terms:
                expected = model.term_in(str(name), scenario).values
            elif str(name).endswith("_in_payment"):
                payment = model.term_in(str(name).removesuffix("_in_payment"), scenario)
                expected = payment.in_payment().values
            else:
                expected = model.term_in(base, scenario).values
            assert tuple(values) == expected
    assert seen > 10


def test_a_result_reads_back_to_rules_that_run_to_the_same_bits(result, read_back):
    """The text in the attributes is the rule: a kernel made from it gives the numbers beside it."""
    graph = recorded(read_back)
    kernel = emit(graph, ["total_payments"])
    area = sorted(set(read_back["commissioner"].values.tolist()))
    assert area == ["EXAMPLE"]
    years = {year: i for i, year in enumerate(dict.fromkeys(read_back["fiscal_year"].values))}
    index = {
        "practice_start": [0, read_back.sizes["practice"]],
        "year_of_month": [years[year] for year in read_back["fiscal_year"].values],
    }
    # A read-back graph does not know in which pass a rule runs, so only what needs one pass is run.
    if any(isinstance(node.definition, Total) for node in graph.nodes.values()):
        graph = graph.only(["gms_equivalent"])
        kernel = emit(graph, ["gms_equivalent"])
    values = {name: read_back[name].values for name in kernel.inputs}
    found = kernel.run(dict(read_back.sizes), index, values, compiled=False)
    for name, array in found.items():
        assert array.tobytes() == result[name].values.tobytes(), name


def test_sources_scenarios_and_streams_stand_in_the_attributes(model, read_back):
    attributes = read_back.attrs
    assert json.loads(attributes["streams"]) == list(model.streams)
    scenarios = {scenario.name: scenario.title for scenario in model.scenarios.values()}
    assert json.loads(attributes["scenarios"]) == scenarios
    sources = json.loads(attributes["sources"])
    for variable in read_back.data_vars.values():
        source = variable.attrs.get("source", "")
        if variable.attrs["kind"] == "rule" and source:
            assert sources[source]["title"]
        if "dated_values" in variable.attrs:
            for values in dated_values(variable.attrs).values():
                for value in values:
                    assert not value.source or sources[value.source]["title"]
    assert attributes["model"] == model.name
    assert attributes["base_fiscal_year"] == "2014/15"
    assert attributes["practices_source"] == "synthetic example, seed 2015"


def test_every_figure_of_a_result_says_where_it_comes_from(read_back):
    for name, variable in read_back.data_vars.items():
        kind = variable.attrs["kind"]
        if kind in ("input", "rule"):
            assert variable.attrs["source"] or variable.attrs["assumption"], name
        elif "term" in kind:
            for values in dated_values(variable.attrs).values():
                assert all(value.source or value.assumption for value in values), name


@pytest.mark.parametrize("name", [BOLTON, THAMES_VALLEY])
def test_a_result_of_some_scenarios_tells_of_those_alone(name):
    practices = example_practices().isel(practice=slice(0, 2))
    chosen = list(shipped(name).scenarios)[-1]
    result = project(shipped(name), practices, [chosen], 2)
    assert list(json.loads(result.attrs["scenarios"])) == [chosen]
    for variable in result.data_vars.values():
        if "dated_values" in variable.attrs:
            assert list(dated_values(variable.attrs)) == [chosen]


def test_a_rule_with_everything_reads_back():
    constants = {"ODD": Constant(0.1, "1"), "TWELVE": Constant(12, "month/year")}
    text = 'def paid(previous, a):\n    """What \\\\ is “paid”: £1, 5% and more."""\n    return a'
    rule = Rule("paid", "GBP/year", text, "x", "As said: “so”.", "start", constants, "own.py:3")
    rule = replace(rule, drawn=negative_binomial("spread", like="another"))
    node = Node("paid", rule, Unit.parse("GBP/year"), ("practice", "month"), 2)
    found = definition_of("paid", json.loads(json.dumps(attributes_of_node(node))))
    assert found == rule
    assert isinstance(found, Rule)
    assert found.constants == constants
    assert [c.unit for c in found.constants.values()] == ["1", "month/year"]
    assert found.title == rule.title


def test_a_total_with_everything_reads_back():
    total = Total("paid", "months", "paid_in_year", "Paid in the year", "start", "own.py:9")
    node = Node("paid_in_year", total, Unit.parse("GBP/year"), ("practice", "year"), 1)
    attributes = json.loads(json.dumps(attributes_of_node(node)))
    assert definition_of("paid_in_year", attributes) == total


def test_a_backdated_figure_reads_back_with_its_dates():
    day, later = dt.date(2018, 4, 1), dt.date(2018, 9, 1)
    values = (
        DatedValue(dt.date(2013, 4, 1), 0.1, "1/10", "", "Assumed.", "", None, None),
        DatedValue(day, 88.96, "88.96", "x", "y", "z", later, 0.0),
    )
    term = Term("price", "GBP/patient/year", values, "Price", issue="First issue")
    leaf = Leaf("price", "term", Unit.parse(term.unit), ("month",), "Price")
    attributes = json.loads(json.dumps(attributes_of_leaf(leaf, {"base": term})))
    assert dated_values(attributes) == {"base": list(values)}
    assert attributes["issue"] == "First issue"
    assert attributes["units"] == "GBP/patient/year"
