"""Names that bind: what a rule reads, which dimensions follow, in which pass it runs."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capitation.engine.binding import bind
from capitation.engine.graph import DIMENSIONS, RESERVED, Graph, Leaf, Node, joined, looks_back_at
from capitation.engine.kernel import emit
from capitation.engine.language import Constant
from capitation.engine.rule import Rule, Total
from capitation.engine.units import Unit
from capitation.errors import InputError, RuleError

CONSTANTS = {
    "A_MONTH": Constant(1, "month"),
    "A_YEAR": Constant(1, "year"),
    "MONTHS_PER_YEAR": Constant(12, "month/year"),
}

LEAVES = {
    name: Leaf(name, kind, Unit.parse(unit), dims)
    for name, kind, unit, dims in [
        ("list_size", "input", "patient", ("practice",)),
        ("contract_sum", "input", "GBP/year", ("practice",)),
        ("met", "input", "1", ("practice",)),
        ("price", "term", "GBP/patient/year", ("month",)),
        ("growth", "term", "1", ("scenario", "month")),
        ("share", "term", "1", ("month",)),
        ("base_share", "base term", "1", ()),
        ("base_growth", "base term", "1", ("scenario",)),
        ("start_sum", "base term", "GBP/year", ()),
        ("start_month_sum", "base term", "GBP/month", ()),
        ("known_list", "given", "patient", ("practice", "month")),
    ]
}


def rule(name: str, unit: str, parameters: str, returned: str, first: str = "") -> Rule:
    """A rule from its text, at a place of its own."""
    text = f"def {name}({parameters}):\n    '''Some {name}.'''\n    return {returned}"
    constants = {key: value for key, value in CONSTANTS.items() if key in returned}
    place = f"rules.py:{name}"
    return Rule(name, unit, text, "x", first=first, constants=constants, place=place)


def total(name: str, of: str, over: str, first: str = "") -> Total:
    return Total(of, over, name, first=first, place=f"rules.py:{name}")


def bound(*definitions: Rule | Total) -> Graph:
    return bind(definitions, LEAVES.get, LEAVES)


def refusal(*definitions: Rule | Total) -> str:
    with pytest.raises(InputError) as caught:
        bound(*definitions)
    return str(caught.value)


LIST = rule("list_now", "patient", "previous, growth", "previous * (1 + growth)", "list_size")
PAID = rule("paid", "GBP/month", "contract_sum, met", "contract_sum * met / MONTHS_PER_YEAR")


# ------------------------------------------------------------------------------------- names


def test_an_unknown_name_is_refused_with_the_nearest_that_is_known():
    said = refusal(rule("paid", "1", "shares", "shares"))
    assert "rules.py:paid: 'paid' needs 'shares', which is no rule, input or term" in said
    assert "did you mean 'share'?" in said


def test_the_nearest_name_may_be_a_rule():
    said = refusal(PAID, rule("twice", "GBP/month", "payd", "2 * payd"))
    assert "did you mean 'paid'?" in said


def test_every_unknown_name_of_every_rule_is_said_at_once():
    with pytest.raises(RuleError) as caught:
        bound(rule("a", "1", "b, c", "b + c"), rule("d", "1", "e", "e"), total("f", "g", "months"))
    assert [re.findall("needs '(.)'", p.found) for p in caught.value.problems] == [
        ["b"],
        ["c"],
        ["e"],
        ["g"],
    ]


def test_an_unknown_first_value_is_refused():
    said = refusal(rule("balance", "1", "previous", "previous", "shares"))
    assert "'balance' needs 'shares'" in said
    assert "did you mean 'share'?" in said


def test_a_second_rule_of_one_name_is_refused_with_both_places():
    with pytest.raises(InputError) as caught:
        bound(PAID, total("paid", "list_size", "practices"))
    (problem,) = caught.value.problems
    assert "a second rule called 'paid' (the first is at rules.py:paid)" in problem.found
    assert "rename one" in problem.mend


def test_a_rule_with_the_name_of_a_term_is_refused():
    said = refusal(rule("share", "1", "met", "met"))
    assert "rules.py:share: 'share' is the name of a rule and of a term" in said


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_a_name_that_the_kernel_uses_is_refused_for_a_rule(name):
    said = refusal(rule(name, "1", "met", "met"))
    assert f"{name!r} is a name that the kernel uses (choose another name)" in said


def runs(definitions: list[Rule | Total], leaf: Leaf | None = None) -> bool:
    """Whether rules are refused when they are bound, or else run to the right values."""
    leaves = dict(LEAVES) | ({leaf.name: leaf} if leaf else {})
    try:
        graph = bind(definitions, leaves.get, leaves)
    except InputError:
        return True
    kernel = emit(graph, list(graph.nodes))
    sizes = {"scenario": 1, "commissioner_code": 1, "practice": 2, "year": 2, "month": 13}
    index = {"practice_start": [0, 2], "year_of_month": [0] * 12 + [1]}
    values = {}
    for name, dims in kernel.inputs.items():
        shape = tuple(sizes[d] for d in dims)
        values[name] = [[3.0] * 13] * 2 if len(shape) == 2 else [3.0] * shape[0] if shape else 3.0
    results = kernel.run(sizes, index, values, compiled=False)
    return bool((results["wanted"] == 6.0).all())


@pytest.mark.parametrize("name", sorted(RESERVED - {"previous"}))
def test_a_name_that_the_kernel_uses_is_refused_for_an_input_or_does_no_harm(name):
    leaf = Leaf(name, "input", Unit.parse("1"), ("practice", "month"))
    wanted = rule("wanted", "1", f"{name}, met", f"{name} + met")
    assert runs([wanted, total("all_met", "wanted", "practices")], leaf)


@pytest.mark.parametrize("name", ["range", "abs", "in_met", "out_wanted", "rule_wanted"])
def test_a_name_that_the_kernel_writes_is_refused_for_a_rule_or_does_no_harm(name):
    definitions = [
        rule(name, "1", "met", "met"),
        rule("wanted", "1", f"{name}, met", f"{name} + met"),
        total("all_met", "wanted", "practices"),
    ]
    assert runs(definitions)


@pytest.mark.parametrize("name", ["math", "larger", "smaller", "compiled", "met"])
def test_a_local_name_like_one_of_the_kernel_does_no_harm(name):
    text = f"def wanted(share):\n    'x'\n    {name} = share\n    return max({name}, 6) + min(0, 1)"
    assert runs([Rule("wanted", "1", text, "x")])


# ----------------------------------------------------------------------- circles and looking back


def test_a_circle_is_refused_and_shown():
    said = refusal(
        rule("a", "1", "b", "b"), rule("b", "1", "c, met", "c + met"), rule("c", "1", "a", "a")
    )
    assert "a circle: a → b → c → a" in said
    assert "look back with 'previous_'" in said


def test_a_rule_that_reads_itself_is_a_circle():
    assert "a circle: a → a" in refusal(rule("a", "1", "a", "a"))


def test_a_circle_through_a_total_is_refused():
    said = refusal(rule("a", "1", "met, b", "met + b"), total("b", "a", "practices"))
    assert "a circle: a → b → a" in said


def test_a_circle_through_a_first_value_is_refused():
    said = refusal(rule("a", "1", "previous, met", "previous + met", "b"), rule("b", "1", "a", "a"))
    assert "a circle" in said


def test_looking_back_is_no_circle():
    graph = bound(
        rule("owed", "GBP", "previous, paid", "previous - paid * A_MONTH", "start_owed"),
        rule("paid", "GBP/month", "previous_owed", "previous_owed / 2 / A_MONTH"),
        rule("start_owed", "GBP", "start_sum", "start_sum * A_YEAR"),
    )
    assert set(graph.nodes) == {"owed", "paid", "start_owed"}
    assert list(graph.nodes).index("paid") < list(graph.nodes).index("owed")
    assert graph.nodes["owed"].reads == ("paid",)
    assert graph.nodes["owed"].looks_back == {"previous": "owed"}
    assert graph.nodes["paid"].looks_back == {"previous_owed": "owed"}
    assert graph.first_of("owed") == "start_owed"


def test_looking_back_at_what_has_no_first_value_is_refused():
    said = refusal(rule("a", "1", "met", "met"), rule("b", "1", "previous_a", "previous_a"))
    assert "rules.py:a: 'b' looks back at 'a', whose value before the first month has no" in said
    assert "name it: first='…'" in said


def test_looking_back_at_oneself_without_a_first_value_is_refused():
    said = refusal(rule("a", "1", "previous", "previous"))
    assert "'a' looks back at 'a', whose value before the first month has no name" in said


def test_looking_back_at_an_input_or_term_is_refused():
    said = refusal(rule("a", "1", "previous_share", "previous_share"))
    assert "'previous_share' looks back at 'share', which is not a rule" in said


def test_a_first_value_of_another_unit_is_refused():
    said = refusal(rule("a", "patient", "previous", "previous", "contract_sum"))
    assert "'a' [patient] begins with 'contract_sum' [GBP/year]" in said
    assert "same unit" in said


def test_a_first_value_that_moves_by_month_is_refused():
    said = refusal(
        rule("a", "1", "previous, met", "previous + met", "b"), rule("b", "1", "share", "share")
    )
    assert "'a' begins with 'b', which itself moves by month" in said
    assert "begin with an input, a term, or a rule of the practice alone" in said


def test_a_first_value_that_is_a_total_of_what_stands_still_is_accepted():
    graph = bound(
        total("all_patients", "list_size", "practices"),
        rule("a", "patient", "previous", "previous", "all_patients"),
    )
    assert graph["a"].dims == ("commissioner_code", "month")


# ------------------------------------------------------------------------------------- units

UNITS = {
    "added": ("GBP/month", "paid, share", "paid + share", "paid' [GBP/month] beside 'share' [1]"),
    "subtracted": ("1", "share, price", "share - price", "'share' [1] beside 'price'"),
    "compared": (
        "1",
        "list_size, share",
        "1 if list_size > share else 0",
        "'list_size > share' sets 'list_size' [patient] beside 'share' [1]",
    ),
    "compared with a number": ("1", "price", "1 if price > 70 else 0", "beside '70' [1]"),
    "compared in a chain": (
        "1",
        "met, list_size",
        "1 if 0 < met < list_size else 0",
        "'met' [1] beside 'list_size' [patient]",
    ),
    "in min": ("1", "share, price", "min(share, 0, price)", "'share' [1] beside 'price'"),
    "in max of a number": ("GBP/month", "paid", "max(paid, 1)", "'paid' [GBP/month] beside '1'"),
    "chosen": (
        "1",
        "share, met, price",
        "share if met else price",
        "'share' [1] beside 'price' [GBP/patient/year]",
    ),
    "returned": ("GBP/year", "paid", "paid", "returns GBP/month, but declares GBP/year"),
    "returned product": (
        "GBP/month",
        "list_size, price",
        "list_size * price",
        "returns GBP/year, but declares GBP/month",
    ),
    "returned number": ("GBP", "met", "met", "returns 1, but declares GBP"),
    "constant": ("1", "share", "share * MONTHS_PER_YEAR", "returns month/year, but declares 1"),
    "condition": (
        "1",
        "list_size",
        "1 if list_size else 0",
        "'list_size' is used as yes or no, but is in patient",
    ),
    "condition under and": (
        "1",
        "met, price",
        "1 if met and price else 0",
        "'price' is used as yes or no, but is in GBP/patient/year",
    ),
    "in abs": ("1", "price", "abs(price)", "returns GBP/patient/year, but declares 1"),
    "in pence": ("1", "paid", "round_to_pence(paid)", "returns GBP/month, but declares 1"),
    "negated": ("1", "price", "-price", "returns GBP/patient/year, but declares 1"),
}


@pytest.mark.parametrize(("unit", "reads", "returned", "said"), UNITS.values(), ids=UNITS)
def test_units_that_do_not_agree_are_refused(unit, reads, returned, said):
    with pytest.raises(RuleError) as caught:
        bound(PAID, rule("wrong", unit, reads, returned))
    (problem,) = caught.value.problems
    assert problem.where == "rules.py:wrong"
    assert said in problem.found
    assert problem.mend == f"wrong = {returned}"


@pytest.mark.parametrize(
    ("unit", "reads", "returned"),
    [
        ("GBP/month", "paid, met", "paid if met else 0"),
        ("GBP/month", "paid", "max(paid, 0) - 0"),
        ("GBP/month", "paid", "paid if paid > 0 else -paid"),
        ("patient", "list_size", "0"),
        ("GBP/month", "price, list_size", "price * list_size / MONTHS_PER_YEAR"),
        ("1", "list_size, met", "1 if list_size > 0 and met or not met == 1 else 0"),
        ("patient", "list_size, met", "list_size * (2 - met) / 2"),
        ("1", "list_size, known_list", "list_size / known_list"),
        ("GBP/month", "paid", "round_to_pence(abs(paid) + 0)"),
    ],
)
def test_units_that_agree_are_accepted_and_nothing_agrees_with_all(unit, reads, returned):
    assert bound(PAID, rule("right", unit, reads, returned))["right"].unit == Unit.parse(unit)


def test_units_are_checked_in_local_names():
    text = "def wrong(price, share):\n    'x'\n    both = price + share\n    return both / price"
    graph = [Rule("wrong", "1", text, "x", place="rules.py:1")]
    with pytest.raises(RuleError, match="beside 'share'"):
        bound(*graph)


def test_what_looks_back_has_the_unit_of_what_it_looks_at():
    said = refusal(LIST, rule("more", "1", "previous_list_now", "previous_list_now"))
    assert "'more': returns patient, but declares 1" in said


def test_every_fault_of_units_is_said_at_once():
    with pytest.raises(RuleError) as caught:
        bound(
            rule("a", "1", "price", "price"),
            rule("b", "GBP", "share", "share"),
            rule("c", "1", "previous", "previous", "price"),
        )
    assert len(caught.value.problems) == 3


# ------------------------------------------------------------------------------------ totals


def test_a_total_over_practices_has_the_unit_of_what_it_sums():
    graph = bound(PAID, total("all_paid", "paid", "practices"))
    assert graph["all_paid"].unit == Unit.parse("GBP/month")


def test_a_total_over_months_of_an_amount_a_month_is_an_amount_a_year():
    graph = bound(PAID, total("year_paid", "paid", "months"))
    assert graph["year_paid"].unit == Unit.parse("GBP/year")


def test_a_total_of_a_total_has_the_unit_that_follows():
    graph = bound(
        PAID, total("all_paid", "paid", "practices"), total("all_year", "all_paid", "months")
    )
    assert graph["all_year"].unit == Unit.parse("GBP/year")
    assert graph["all_year"].dims == ("commissioner_code", "year")


def test_a_total_over_months_of_a_balance_or_a_list_is_refused():
    said = refusal(LIST, total("list_year", "list_now", "months"))
    assert "'list_year' sums 'list_now' [patient] over months" in said
    assert "only what is so much a month adds up over months" in said
    yearly = rule("yearly", "GBP/year", "contract_sum, growth", "contract_sum * growth")
    assert "sums 'yearly' [GBP/year] over months" in refusal(yearly, total("t", "yearly", "months"))


def test_a_total_over_what_has_no_practices_is_refused():
    said = refusal(rule("a", "1", "share", "share"), total("all_a", "a", "practices"))
    assert "'all_a' sums 'a' over practices, but it has no practice" in said


def test_a_total_over_what_is_summed_already_is_refused():
    said = refusal(
        PAID, total("all_paid", "paid", "practices"), total("again", "all_paid", "practices")
    )
    assert "'again' sums 'all_paid' over practices, but it has no practice" in said
    said = refusal(PAID, total("paid_y", "paid", "months"), total("again", "paid_y", "months"))
    assert "'again' sums 'paid_y' over months, but it has no month" in said


@pytest.mark.parametrize("over", ["practices", "months"])
def test_feedback_through_a_total_is_refused(over):
    first = "start_month_sum" if over == "practices" else "start_sum"
    parts = {"practices": "previous_all_fed", "months": "previous_all_fed / MONTHS_PER_YEAR"}
    said = refusal(
        rule("fed", "GBP/month", "previous_all_fed, met, paid", f"paid * met + {parts[over]}"),
        PAID,
        total("all_fed", "fed", over, first),
    )
    assert "feeds a total that feeds" in said
    assert "a total may not depend on its own past" in said


def test_a_total_over_months_may_be_looked_back_at():
    graph = bound(
        PAID,
        total("year_paid", "paid", "months", "start_sum"),
        rule("late", "GBP/month", "previous_year_paid", "previous_year_paid / MONTHS_PER_YEAR"),
    )
    assert graph["year_paid"].dims == ("practice", "year")
    assert graph.nodes["late"].level == 1


def test_a_total_over_practices_with_a_first_value_of_its_own_unit_may_be_looked_back_at():
    graph = bound(
        PAID,
        total("all_paid", "paid", "practices", "start_month_sum"),
        rule("late", "GBP/month", "previous_all_paid", "previous_all_paid"),
    )
    assert graph["late"].dims == ("commissioner_code", "month")


def test_a_total_of_a_total_may_be_looked_back_at():
    graph = bound(
        PAID,
        total("all_paid", "paid", "practices"),
        total("all_year", "all_paid", "months", "start_sum"),
        rule("late", "GBP/month", "previous_all_year", "previous_all_year / MONTHS_PER_YEAR"),
    )
    assert graph["late"].unit == Unit.parse("GBP/month")


def test_a_first_value_of_a_total_with_the_unit_of_its_months_is_refused():
    said = refusal(
        PAID,
        total("year_paid", "paid", "months", "start_month_sum"),
        rule("late", "GBP/month", "previous_year_paid", "previous_year_paid / MONTHS_PER_YEAR"),
    )
    assert "'year_paid' [GBP/year] begins with 'start_month_sum' [GBP/month]" in said


# -------------------------------------------------------------------------------- dimensions


def dims_of(*definitions: Rule | Total) -> dict[str, tuple[str, ...]]:
    return {name: node.dims for name, node in bound(*definitions).nodes.items()}


def test_dimensions_are_the_union_in_canonical_order():
    found = dims_of(
        rule("a", "1", "met, share", "met * share"),
        rule("b", "1", "base_growth, met", "base_growth * met"),
        rule("c", "1", "b, a", "b + a"),
        rule("d", "1", "growth, base_share", "growth * base_share"),
        rule("e", "1", "base_share", "base_share"),
    )
    assert found == {
        "a": ("practice", "month"),
        "b": ("scenario", "practice"),
        "c": ("scenario", "practice", "month"),
        "d": ("scenario", "month"),
        "e": (),
    }


def test_practice_beats_commissioner_and_month_beats_year():
    found = dims_of(
        PAID,
        total("all_paid", "paid", "practices"),
        total("year_paid", "paid", "months"),
        total("all_year", "year_paid", "practices"),
        rule("part", "1", "all_paid, paid", "paid / all_paid"),
        rule("of_year", "1", "year_paid, share", "year_paid / year_paid * share"),
        rule("of_all_year", "1", "year_paid, all_year", "year_paid / all_year"),
        rule("everything", "1", "part, of_year, of_all_year, growth", "part + growth"),
    )
    assert found["all_paid"] == ("commissioner_code", "month")
    assert found["year_paid"] == ("practice", "year")
    assert found["all_year"] == ("commissioner_code", "year")
    assert found["part"] == ("practice", "month")
    assert found["of_year"] == ("practice", "month")
    assert found["of_all_year"] == ("practice", "year")
    assert found["everything"] == ("scenario", "practice", "month")


def test_an_amount_a_month_is_on_month_though_nothing_in_it_moves():
    assert dims_of(PAID) == {"paid": ("practice", "month")}
    assert dims_of(rule("flat", "GBP/month", "start_month_sum", "start_month_sum")) == {
        "flat": ("month",)
    }


def test_an_amount_a_year_of_what_stands_still_has_no_month():
    assert dims_of(rule("flat", "GBP/year", "contract_sum", "contract_sum")) == {
        "flat": ("practice",)
    }


def test_what_looks_back_is_on_month_and_has_the_dimensions_of_its_first_value():
    found = dims_of(
        rule("a", "patient", "previous", "previous", "list_size"),
        rule("b", "1", "previous", "previous", "base_growth"),
        rule("c", "1", "previous_b, met", "previous_b + met"),
    )
    assert found == {
        "a": ("practice", "month"),
        "b": ("scenario", "month"),
        "c": ("scenario", "practice", "month"),
    }


def test_dimensions_go_round_what_looks_back_at_each_other():
    found = dims_of(
        rule("a", "1", "previous_b, share", "previous_b + share", "base_share"),
        rule("b", "1", "previous_c", "previous_c", "base_share"),
        rule("c", "1", "a, met, growth", "a + met + growth", "base_share"),
    )
    assert set(found.values()) == {("scenario", "practice", "month")}


def test_a_rule_that_looks_back_at_a_year_alone_is_on_year():
    found = dims_of(
        PAID,
        total("year_paid", "paid", "months", "start_sum"),
        rule("growth_of_year", "1", "year_paid, previous_year_paid", "year_paid / year_paid"),
    )
    assert found["growth_of_year"] == ("practice", "year")


@settings(deadline=None)
@given(st.lists(st.sampled_from(DIMENSIONS), max_size=8), st.randoms())
def test_joined_dimensions_do_not_depend_on_order_or_repetition(dims, chance):
    found = joined(dims)
    shuffled = dims * 2
    chance.shuffle(shuffled)
    assert joined(shuffled) == found
    assert joined(found) == found
    assert list(found) == sorted(found, key=DIMENSIONS.index)
    finer = {"commissioner_code": "practice", "year": "month"}
    for d in set(dims):
        assert d in found or finer[d] in found
    assert not {"practice", "commissioner_code"} <= set(found)
    assert not {"month", "year"} <= set(found)
    assert set(found) <= set(dims)


# ---------------------------------------------------------------------- levels, order, subsets


def test_a_level_counts_the_totals_that_stand_before():
    graph = bound(
        PAID,
        total("all_paid", "paid", "practices"),
        rule("part", "1", "paid, all_paid", "paid / all_paid"),
        rule("pool", "GBP/month", "part, paid", "part * paid"),
        total("year_pool", "pool", "months"),
        rule("last", "GBP/year", "year_pool, start_sum", "year_pool + start_sum"),
        rule("beside", "GBP/month", "paid", "paid"),
        rule("before", "1", "part, share", "part * share"),
    )
    levels = {name: node.level for name, node in graph.nodes.items()}
    assert levels == {
        "paid": 0,
        "all_paid": 1,
        "part": 1,
        "pool": 1,
        "year_pool": 2,
        "last": 2,
        "beside": 0,
        "before": 1,
    }


def test_each_stands_after_what_it_reads_whatever_the_order_given():
    definitions = [
        rule("c", "GBP/month", "b, all_paid", "b + all_paid"),
        total("all_paid", "paid", "practices"),
        rule("b", "GBP/month", "paid", "paid"),
        PAID,
    ]
    for order in (definitions, definitions[::-1]):
        graph = bound(*order)
        names = list(graph.nodes)
        for name, node in graph.nodes.items():
            before = names[: names.index(name)]
            assert all(read in before for read in node.reads if read in names)


def test_ancestors_hold_firsts_and_what_is_looked_back_at():
    graph = bound(
        LIST,
        PAID,
        rule("change", "patient", "list_now, previous_list_now", "list_now - previous_list_now"),
    )
    assert graph.ancestors(["change"]) == {"change", "list_now", "list_size", "growth"}
    part = graph.only(["change"])
    assert set(part.nodes) == {"change", "list_now"}
    assert set(part.leaves) == {"list_size", "growth"}
    assert "paid" not in part
    assert "growth" in part
    assert isinstance(part["change"], Node)
    assert isinstance(part["growth"], Leaf)


def test_leaves_are_only_those_that_are_used():
    assert set(bound(PAID).leaves) == {"contract_sum", "met"}


def test_titles_come_from_docstrings_or_names():
    graph = bound(PAID, total("all_paid", "paid", "practices"))
    assert graph.nodes["paid"].title == "Some paid."
    assert graph.nodes["all_paid"].title == "all paid"


def test_what_a_parameter_looks_back_at():
    assert looks_back_at("previous", "a") == "a"
    assert looks_back_at("previous_b", "a") == "b"
    assert looks_back_at("previously", "a") is None
    assert looks_back_at("b_previous", "a") is None


# ----------------------------------------------------------- first values of finer dimensions


@pytest.mark.parametrize("first", ["met", "base_growth"])
def test_a_total_that_begins_with_a_finer_value_is_refused_or_takes_its_dimensions(first):
    """Else the kernel would read the first value of a practice, or scenario, that it has not."""
    definitions = [
        rule("flow", "1/month", "share, met", "share * met / A_MONTH"),
        total("all_flow", "flow", "practices"),
        rule("pool", "1/month", "all_flow", "all_flow / 2"),
        total("year_flow", "pool", "months", "begin"),
        rule("begin", "1/year", first, f"{first} / A_YEAR"),
        rule("wanted", "1/year", "previous_year_flow", "previous_year_flow"),
    ]
    try:
        graph = bound(*definitions)
    except RuleError as error:
        said = str(error)
    else:
        fine = "practice" if first == "met" else "scenario"
        assert fine in graph["wanted"].dims
        return
    assert "begin" in said
    assert "unit" not in said


# ------------------------------------------------------------------------------------- once


def test_what_would_be_tied_alike_is_tied_once():
    assert bound(LIST, PAID) is bound(LIST, PAID)
    assert bound(LIST, PAID) is not bound(PAID, LIST)
    assert bound(LIST, PAID) is not bind((LIST, PAID), LEAVES.get, LEAVES, ["paid"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"met": Leaf("met", "input", Unit.parse("patient"), ("practice",))}, "patient"),
        ({"met": None}, "needs 'met'"),
        ({"paid": LEAVES["met"]}, "the name of a rule and of a term"),
    ],
)
def test_what_is_no_longer_right_is_refused(change, said):
    bound(LIST, PAID)
    with pytest.raises(RuleError, match=said):
        bind((LIST, PAID), {**LEAVES, **change}.get)


def test_dimensions_that_have_changed_are_seen():
    before = bound(LIST, PAID)
    same_for_all = Leaf("growth", "term", Unit({}), ("month",))
    after = bind((LIST, PAID), {**LEAVES, "growth": same_for_all}.get)
    assert before.nodes["list_now"].dims == ("scenario", "practice", "month")
    assert after.nodes["list_now"].dims == ("practice", "month")
    assert bound(LIST, PAID) is before
