"""Formulas say what the rules say: random expressions, evaluated in Python and in a spreadsheet."""

import ast
import math

import formualizer
import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capitation.vocabulary import round_to_pence
from capitation.workbook.formulas import formula, parts, written

NAMES = ("a", "b", "c", "flag")
CONSTANTS = {"TWELVE": 12.0, "A_MONTH": 1.0}

numbers = st.one_of(
    st.sampled_from([*NAMES, *CONSTANTS, "0", "1", "2.5", "100"]),
)


def operations(inner):
    conditions = st.one_of(
        st.tuples(inner, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), inner).map(
            lambda t: f"({t[0]}) {t[1]} ({t[2]})"
        ),
        st.sampled_from(["flag", "not flag", "a < b <= c", "flag and a > b", "flag or not a > b"]),
    )
    return st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
        inner.map(lambda x: f"({x}) / TWELVE"),
        inner.map(lambda x: f"({x}) / A_MONTH"),
        inner.map(lambda x: f"-({x})"),
        st.tuples(inner, inner, inner).map(lambda t: f"max({t[0]}, {t[1]}, {t[2]})"),
        st.tuples(inner, inner).map(lambda t: f"min({t[0]}, {t[1]})"),
        inner.map(lambda x: f"abs({x})"),
        st.tuples(inner, conditions, inner).map(lambda t: f"({t[0]}) if ({t[1]}) else ({t[2]})"),
    )


expressions = st.recursive(numbers, operations, max_leaves=12)
values = st.fixed_dictionaries(
    {
        "a": st.floats(-1e4, 1e4).map(lambda x: round(x, 3)),
        "b": st.floats(-10, 10).map(lambda x: round(x, 4)),
        "c": st.integers(-5, 5).map(float),
        "flag": st.sampled_from([0.0, 1.0]),
    }
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases=st.lists(st.tuples(expressions, values), min_size=40, max_size=60))
def test_a_random_expression_is_worth_the_same_in_python_and_in_a_spreadsheet(
    cases, tmp_path_factory
):
    path = tmp_path_factory.mktemp("formulas") / "cases.xlsx"
    book = openpyxl.Workbook()
    sheet = book.active
    expected = []
    for row, (text, given_values) in enumerate(cases, start=1):
        for column, name in enumerate(NAMES, start=2):
            sheet.cell(row, column, given_values[name])
        references = {
            name: (lambda e, t, letter="BCDE"[i]: f"{letter}{e}") for i, name in enumerate(NAMES)
        }
        tree = ast.parse(text, mode="eval").body
        sheet.cell(row, 1, written(parts(formula(tree, CONSTANTS), references), row, 0))
        expected.append(eval(text, {"__builtins__": {}, **EVAL}, given_values | CONSTANTS))
    book.save(path)
    out = path.with_name("out.xlsx")
    report = formualizer.recalculate_file(str(path), str(out))
    assert report["errors"] == 0
    found = [row[0].value for row in openpyxl.load_workbook(out, data_only=True).active.iter_rows()]
    for (text, given_values), right, other in zip(cases, expected, found, strict=True):
        scale = max(1.0, abs(right))
        assert math.isclose(right, float(other), rel_tol=1e-9, abs_tol=1e-9 * scale), (
            text,
            given_values,
            right,
            other,
        )


EVAL = {"min": min, "max": max, "abs": abs}


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("a - (b - c)", "{a}-({b}-{c})"),
        ("a - b - c", "{a}-{b}-{c}"),
        ("a * (b / c)", "{a}*({b}/{c})"),
        ("a * b / c", "{a}*{b}/{c}"),
        ("-(a + b) * c", "(-({a}+{b}))*{c}"),
        ("(a + b) * A_MONTH", "{a}+{b}"),
        ("a / A_MONTH - b", "{a}-{b}"),
        ("c - (a + b) / A_MONTH", "{c}-({a}+{b})"),
        ("round_to_pence(a / TWELVE)", "ROUND({a}/12,2)"),
        ("a if not (flag or a > b) else 0", "IF(NOT(OR({flag}<>0,{a}>{b})),{a},0)"),
        ("1 if a < b < c else 0", "IF(AND({a}<{b},{b}<{c}),1,0)"),
        ("1 if a + b else 0", "IF({a}+{b}<>0,1,0)"),
        ("0.5 * a", "0.5*{a}"),
    ],
)
def test_a_formula_is_written_as_a_person_would(text, right):
    assert formula(ast.parse(text, mode="eval").body, CONSTANTS) == right


@settings(max_examples=10, deadline=None)
@given(amounts=st.lists(st.integers(-(10**9), 10**9), min_size=100, max_size=200))
def test_rounding_to_pence_is_the_spreadsheets(amounts, tmp_path_factory):
    """Twelfths of whole pence: one in twelve lies at an exact half penny."""
    path = tmp_path_factory.mktemp("rounding") / "cases.xlsx"
    book = openpyxl.Workbook()
    for row, pence in enumerate(amounts, start=1):
        book.active.cell(row, 1, pence / 100)
        book.active.cell(row, 2, f"=ROUND(A{row}/12,2)")
    book.save(path)
    out = path.with_name("out.xlsx")
    formualizer.recalculate_file(str(path), str(out))
    sheet = openpyxl.load_workbook(out, data_only=True).active
    found = [row[1].value for row in sheet.iter_rows()]
    assert found == [round_to_pence(pence / 100 / 12) for pence in amounts]
