"""The language of a rule: what it refuses and where, what it accepts and how that reads."""

from __future__ import annotations

import ast
import math
import struct
import textwrap
from decimal import ROUND_HALF_UP, Context, Decimal
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from capitation.engine.binding import bind
from capitation.engine.graph import Leaf
from capitation.engine.kernel import emit
from capitation.engine.language import Constant
from capitation.engine.rule import Rule, Total
from capitation.engine.units import ONE
from capitation.errors import InputError, Problem, RuleError
from capitation.vocabulary import round_to_pence

from .strategies import module_of

HEAD = """\
import math
from capitation.vocabulary import A_MONTH, MONTHS_PER_YEAR, constant, round_to_pence, rule, total

PLAIN = 12
HALF = constant(0.5, "1")


def helper(x):
    return x


"""


def rules_in(folder: Path, text: str):
    """The module of rules that a text makes."""
    return module_of(folder, HEAD + textwrap.dedent(text))


def rule_of(folder: Path, text: str) -> Rule:
    """The one rule that a text makes."""
    found = [v for v in vars(rules_in(folder, text)).values() if isinstance(v, Rule)]
    assert len(found) == 1
    return found[0]


def figure(name: str) -> Leaf | None:
    """An input without dimensions, for any name but the rule's own."""
    return None if name == "paid" else Leaf(name, "input", ONE, ())


def faults(folder: Path, text: str) -> list[tuple[int, Problem]]:
    """Every fault of the rules in a text: its line, counted within the text, and the problem."""
    with pytest.raises(RuleError) as caught:
        rules_in(folder, text)
    assert isinstance(caught.value, InputError)
    found = []
    for problem in caught.value.problems:
        file, _, line = problem.where.rpartition(":")
        assert Path(file) == folder / "some_rules.py"
        assert str(problem) in str(caught.value)
        found.append((int(line) - HEAD.count("\n"), problem))
    return found


def body(*lines: str, parameters: str = "a, b", decorator: str = "unit='1', source='x'") -> str:
    """A rule whose first line after the docstring is line 4."""
    inside = "".join(f"    {line}\n" for line in lines)
    return f'@rule({decorator})\ndef paid({parameters}):\n    """Pays."""\n{inside}'


# --------------------------------------------------------------------------- what is refused

# Lines of the body; line of the fault; what the message says; how it says to mend it.
REFUSED = {
    "for loop": (["for i in a:", "    b = i", "return a"], 4, "a For statement", "local names"),
    "while loop": (["while a > 0:", "    b = a", "return a"], 4, "a While statement", "local"),
    "if statement": (
        ["if a > 0:", "    return b", "return a"],
        4,
        "a If statement",
        "a if condition else b",
    ),
    "with statement": (["with a:", "    b", "return a"], 4, "a With statement", "local names"),
    "try statement": (["try:", "    b", "finally:", "    b", "return a"], 4, "a Try", "local"),
    "inner function": (["def f():", "    return a", "return b"], 4, "a FunctionDef", "local"),
    "import": (["import math", "return a"], 4, "a Import statement", "local names"),
    "assert": (["assert a", "return a"], 4, "a Assert statement", "local names"),
    "pass": (["pass", "return a"], 4, "a Pass statement", "local names"),
    "expression alone": (["a", "return a"], 4, "a Expr statement", "local names"),
    "global": (["global PLAIN", "return a"], 4, "a Global statement", "local names"),
    "augmented assignment": (["c = a", "c += b", "return c"], 5, "a AugAssign statement", "local"),
    "annotated assignment": (["c: float = a", "return c"], 4, "a AnnAssign statement", "local"),
    "two targets": (["c = d = a", "return c"], 4, "a Assign statement", "local names"),
    "unpacking": (["c, d = a, b", "return c"], 4, "a Assign statement", "local names"),
    "subscript target": (["a[0] = b", "return a"], 4, "a Assign statement", "local names"),
    "parameter given anew": (["a = b", "return a"], 4, "'a' is given a second value", "new name"),
    "local given anew": (["c = a", "c = b", "return c"], 5, "'c' is given a second", "new name"),
    "constant given anew": (
        ["c = HALF", "HALF = a", "return c"],
        5,
        "'HALF' is given a second value",
        "use a new name",
    ),
    "power": (["c = a", "return c ** b"], 5, "the operator in 'c ** b'", "previous"),
    "modulo": (["return a % b"], 4, "the operator in 'a % b'", "a rule has + - * /"),
    "floor division": (["return a // b"], 4, "the operator in 'a // b'", "a rule has + - * /"),
    "bits": (["return a & b"], 4, "the operator in 'a & b'", "a rule has + - * /"),
    "invert": (["return ~a"], 4, "the operator in '~a'", ""),
    "matrix product": (["return a @ b"], 4, "the operator in 'a @ b'", "a rule has + - * /"),
    "string": (["return 'a'"], 4, "the value 'a'", "numbers only"),
    "bytes": (["return b'a'"], 4, "the value b'a'", "numbers only"),
    "true": (["return True"], 4, "the value True", "numbers only"),
    "false in a condition": (["return a if False else b"], 4, "the value False", "numbers only"),
    "none": (["return None"], 4, "the value None", "numbers only"),
    "complex": (["return 1j"], 4, "the value 1j", "numbers only"),
    "ellipsis": (["return ..."], 4, "the value Ellipsis", "numbers only"),
    "attribute": (["return math.pi"], 4, "'math.pi' (Attribute)", "a rule has + - * /"),
    "subscript": (["return a[0]"], 4, "'a[0]' (Subscript)", "a rule has + - * /"),
    "lambda": (["return lambda: a"], 4, "'lambda: a' (Lambda)", "a rule has + - * /"),
    "comprehension": (["return [x for x in a]"], 4, "(ListComp)", "a rule has + - * /"),
    "generator": (["return max(x for x in a)"], 4, "the arguments of", ""),
    "list": (["return [a, b]"], 4, "'[a, b]' (List)", "a rule has + - * /"),
    "tuple": (["return a, b"], 4, "(Tuple)", "a rule has + - * /"),
    "f-string": (["return f'{a}'"], 4, "(JoinedStr)", "a rule has + - * /"),
    "walrus": (["return (c := a)"], 4, "(NamedExpr)", "a rule has + - * /"),
    "yield": (["return (yield a)"], 4, "(Yield)", "a rule has + - * /"),
    "another function": (["return helper(a)"], 4, "a call of 'helper'", "min, max, abs and"),
    "function of a module": (["return math.floor(a)"], 4, "a call of 'math.floor'", "min, max"),
    "method": (["return a.real()"], 4, "a call of 'a.real'", "min, max, abs"),
    "round": (["return round(a)"], 4, "a call of 'round'", "round_to_pence"),
    "sum": (["return sum(a)"], 4, "a call of 'sum'", "min, max, abs"),
    "keyword argument": (["return round_to_pence(amount=a)"], 4, "the arguments of", ""),
    "default of min": (["return min(a, b, default=0)"], 4, "the arguments of 'min(a, b,", ""),
    "starred argument": (["return min(a, *b)"], 4, "'*b' (Starred)", "a rule has + - * /"),
    "min of one": (["return min(a)"], 4, "the arguments of 'min(a)'", ""),
    "abs of two": (["return abs(a, b)"], 4, "the arguments of 'abs(a, b)'", ""),
    "pence of two": (["return round_to_pence(a, 2)"], 4, "the arguments of 'round_to_", ""),
    "unknown name": (["return a * c"], 4, "'c' is neither a parameter, a local", "constant(value"),
    "name used too soon": (["c = d", "d = a", "return c"], 4, "'d' is neither", "parameter"),
    "plain global": (["return a * PLAIN"], 4, "'PLAIN' is neither a parameter", "constant(value"),
    "function as a value": (["return a * helper"], 4, "'helper' is neither", "parameter"),
    "builtin as a value": (["return a * max"], 4, "'max' is neither", "parameter"),
    "comparison returned": (["return a > b"], 4, "the condition 'a > b' stands", "1 if cond"),
    "and returned": (["return a and b"], 4, "the condition 'a and b' stands", "1 if condition"),
    "not returned": (["return not a"], 4, "the condition 'not a' stands", "1 if condition"),
    "comparison added": (["return a + (a > b)"], 4, "the condition 'a > b'", "1 if condition"),
    "comparison negated": (["return -(a > b)"], 4, "the condition 'a > b'", "1 if condition"),
    "comparison in min": (["return min(a, a > b)"], 4, "the condition 'a > b'", "1 if condition"),
    "comparison compared": (["return 1 if (a > b) == a else 0"], 4, "the condition", "1 if cond"),
    "comparison chosen": (["return a > b if a else b"], 4, "the condition 'a > b'", "1 if cond"),
    "local condition": (["c = a > b", "return c"], 5, "the condition 'c' stands", "1 if cond"),
    "local condition multiplied": (["c = not a", "return b * c"], 5, "the condition 'c'", "1 if"),
    "is": (["return 1 if a is b else 0"], 4, "the comparison 'a is b'", "use < <= > >= == !="),
    "in": (["return 1 if a in b else 0"], 4, "the comparison 'a in b'", "use < <= > >= == !="),
    "not in": (["return 1 if a not in b else 0"], 4, "the comparison 'a not in b'", "use <"),
    "no return": (["c = a"], 2, "rule 'paid' does not end with return", ""),
    "nothing": ([], 2, "rule 'paid' does not end with return", ""),
    "return of nothing": (["return"], 4, "return gives nothing", "return a number"),
    "return too soon": (["return a", "return b"], 4, "a Return statement", "local names"),
}


@pytest.mark.parametrize(("lines", "line", "found", "mend"), REFUSED.values(), ids=REFUSED)
def test_what_a_cell_cannot_say_is_refused_with_its_line(tmp_path, lines, line, found, mend):
    said = faults(tmp_path, body(*lines))
    assert said[0][0] == line
    assert found in said[0][1].found
    assert mend in said[0][1].mend


PARAMETERS = {
    "default": ("a, b=1", "no default", "make it a term of the model"),
    "star": ("a, *b", "plain parameters only", "no *, **, or /"),
    "two stars": ("a, **b", "plain parameters only", "no *, **, or /"),
    "keyword only": ("a, *, b", "plain parameters only", "no *, **, or /"),
    "position only": ("a, b, /", "plain parameters only", "no *, **, or /"),
}


@pytest.mark.parametrize(("parameters", "found", "mend"), PARAMETERS.values(), ids=PARAMETERS)
def test_a_parameter_is_a_plain_name(tmp_path, parameters, found, mend):
    line, problem = faults(tmp_path, body("return a", parameters=parameters))[0]
    assert line == 2
    assert found in problem.found
    assert mend in problem.mend


def test_a_keyword_default_is_refused_though_it_is_keyword_only(tmp_path):
    (_, problem), *_ = faults(tmp_path, body("return a", parameters="a, *, b=1"))
    assert "plain parameters only" in problem.found


DECLARED = {
    "no ground": ("unit='1'", "has neither a source nor an assumption", "cite the source, or say"),
    "blank ground": ("unit='1', source='', assumption=''", "neither a source", "cite the source"),
    "bad unit": ("unit='pound', source='x'", "'pound' in unit 'pound' is not one of", ""),
    "part of a bad unit": ("unit='GBP/week', source='x'", "'week' in unit 'GBP/week'", ""),
}


@pytest.mark.parametrize(("decorator", "found", "mend"), DECLARED.values(), ids=DECLARED)
def test_a_rule_states_its_ground_and_its_unit(tmp_path, decorator, found, mend):
    [(line, problem)] = faults(tmp_path, body("return a", decorator=decorator))
    assert line == 2
    assert found in problem.found
    assert "rule 'paid'" in problem.found
    assert mend in problem.mend


def test_a_rule_says_in_a_line_what_it_pays(tmp_path):
    [(line, problem)] = faults(tmp_path, "@rule(unit='1', source='x')\ndef paid(a):\n  return a\n")
    assert line == 2
    assert "rule 'paid' has no docstring" in problem.found
    assert "say what it pays" in problem.mend


def test_a_rule_is_written_with_def(tmp_path):
    [(line, problem)] = faults(tmp_path, "paid = rule(unit='1', source='x')(lambda a: a)\n")
    assert line == 1
    assert "a rule is a function" in problem.found
    assert "def" in problem.mend
    text = "@rule(unit='1', source='x')\nasync def paid(a):\n    return a\n"
    [(line, problem)] = faults(tmp_path, text)
    assert line == 2
    assert "a rule is a function" in problem.found


def test_a_rule_without_a_file_is_refused():
    scope: dict[str, object] = {}
    with pytest.raises(RuleError, match=r"its source cannot be read \(put it in a file\)"):
        exec(
            "from capitation.vocabulary import rule\n"
            "@rule(unit='1', source='x')\ndef paid(a):\n    'Pays.'\n    return a\n",
            scope,
        )


def test_several_faults_of_one_rule_are_said_at_once(tmp_path):
    found = faults(
        tmp_path,
        """\
        @rule(unit="pound")
        def paid(a, b=2):
            share = a ** b
            for i in a:
                pass
            text = "x"
            return share + (a > b) + PLAIN + unknown
        """,
    )
    assert [(line, problem.found.split(" ")[0]) for line, problem in found] == [
        (2, "rule"),  # neither a source nor an assumption
        (2, "rule"),  # unit
        (2, "a"),  # default
        (2, "rule"),  # docstring
        (3, "the"),  # power
        (4, "a"),  # loop
        (6, "the"),  # text
        (7, "the"),  # condition
        (7, "'PLAIN'"),
        (7, "'unknown'"),
    ]


def test_lines_are_those_of_the_file_however_deep_the_rule_stands(tmp_path):
    text = """\
    if True:

        # A comment before the decorator
        @rule(
            unit="1",
            source="x",
        )
        def paid(
            a,
            b,
        ):
            \"\"\"Pays.

            And more words.
            \"\"\"
            # A comment inside
            c = a

            return (
                c
                + a ** b
            )
    """
    [(line, problem)] = faults(tmp_path, text)
    assert line == 21
    assert "the operator in 'a ** b'" in problem.found


def test_a_total_is_over_practices_or_months(tmp_path):
    with pytest.raises(RuleError) as caught:
        rules_in(tmp_path, "x = 1\ny = total('x', over='years')\n")
    (problem,) = caught.value.problems
    assert problem.where == f"some_rules.py:{HEAD.count(chr(10)) + 2}"
    assert problem.found == "a total over 'years'"
    assert problem.mend.startswith("a total is over 'practices', 'months'")


@pytest.mark.parametrize("name", ["min", "max", "abs", "round_to_pence"])
@pytest.mark.parametrize("place", ["parameter", "local"])
def test_a_name_that_hides_a_function_is_refused(tmp_path, name, place):
    """Else the rule called as a function and the kernel would differ."""
    call = f"{name}(a, b)" if name in ("min", "max") else f"{name}(a)"
    if place == "parameter":
        text = body(f"return {call}", parameters=f"a, b, {name}")
    else:
        text = body(f"{name} = a", f"return {call}")
    with pytest.raises(RuleError):
        rules_in(tmp_path, text)


@pytest.mark.parametrize("name", ["min", "abs", "round_to_pence"])
def test_a_module_that_means_another_function_by_a_known_name_is_refused(tmp_path, name):
    """Else the rule called as a function and the kernel would differ."""
    arguments = "a, b" if name == "min" else "a"
    own = f"def {name}(*x):\n    return 7.0\n\n\n"
    with pytest.raises(RuleError):
        rules_in(tmp_path, own + body(f"return {name}({arguments})"))


# -------------------------------------------------------------------------- what is accepted


def test_a_rule_knows_its_own_words(tmp_path):
    rule = rule_of(
        tmp_path,
        """\
        @rule(unit="GBP/month", source="sfe", assumption="In words.", first="start")
        def paid(previous, price, list_size):
            \"\"\"What is paid.

            With more words.
            \"\"\"
            at_price = price * list_size
            half = at_price * HALF
            return previous + half / MONTHS_PER_YEAR
        """,
    )
    assert rule.name == "paid"
    assert rule.unit == "GBP/month"
    assert rule.source == "sfe"
    assert rule.assumption == "In words."
    assert rule.first == "start"
    assert rule.title == "What is paid."
    assert rule.parameters == ("previous", "price", "list_size")
    assert rule.place == f"some_rules.py:{HEAD.count(chr(10)) + 2}"
    assert rule.constants == {"HALF": 0.5, "MONTHS_PER_YEAR": 12.0}
    assert {name: c.unit for name, c in rule.constants.items()} == {
        "HALF": "1",
        "MONTHS_PER_YEAR": "month/year",
    }
    assert [name for name, _ in rule.locals] == ["at_price", "half"]
    assert ast.unparse(rule.result) == "previous + half / MONTHS_PER_YEAR"
    assert ast.unparse(rule.expression) == ("previous + price * list_size * HALF / MONTHS_PER_YEAR")
    assert rule.formula == "paid = previous + price * list_size * HALF / MONTHS_PER_YEAR"
    assert rule.text.startswith("def paid(previous, price, list_size):")
    assert "@rule" not in rule.text
    assert rule(1.0, 24.0, 2.0) == 3.0
    assert rule(previous=1.0, price=24.0, list_size=2.0) == 3.0


def test_local_names_are_written_out_with_the_brackets_they_need(tmp_path):
    rule = rule_of(
        tmp_path,
        body(
            "c = a + b",
            "d = a if c > 1 else b",
            "e = c - d",
            "return a - e * d / (c / b)",
        ),
    )
    assert rule.formula == (
        "paid = a - (a + b - (a if a + b > 1 else b)) * (a if a + b > 1 else b) / ((a + b) / b)"
    )
    a, b = 3.0, 0.25
    assert eval(ast.unparse(rule.expression), {"a": a, "b": b}) == rule(a, b)


def test_a_local_may_bear_the_name_of_a_constant_that_is_not_used(tmp_path):
    rule = rule_of(tmp_path, body("HALF = a", "return HALF * b"))
    assert rule.constants == {}
    assert rule.formula == "paid = a * b"
    assert rule(3.0, 2.0) == 6.0


ACCEPTED = {
    "sum": ("a + b - 2", "a + b - 2", 6.5),
    "product": ("a * b / 4", "a * b / 4", 3.75),
    "minus": ("-a + +b", "-a + +b", -3.5),
    "brackets": ("(a - b) * (a + b)", "(a - b) * (a + b)", 29.75),
    "chain": ("1 if 0 < b <= a < 9 else 0", "1 if 0 < b <= a < 9 else 0", 1),
    "chain of equals": ("1 if a == a != b else 0", "1 if a == a != b else 0", 1),
    "and or not": (
        "2 if not (a < b and b > 0) or a == 0 else 3",
        "2 if not (a < b and b > 0) or a == 0 else 3",
        2,
    ),
    "a number as a condition": ("a if b else 0", "a if b else 0", 6.0),
    "not a number": ("1 if not b and not a else 2", "1 if not b and (not a) else 2", 2),
    "nested": (
        "a if a < b else b if b < 1 else 7",
        "a if a < b else b if b < 1 else 7",
        7,
    ),
    "min of three": ("min(a, b, 1)", "min(a, b, 1)", 1),
    "max of three": ("max(1, b, a)", "max(1, b, a)", 6.0),
    "abs": ("abs(b - a)", "abs(b - a)", 3.5),
    "pence": ("round_to_pence(a / 7)", "round_to_pence(a / 7)", 0.86),
    "constants": ("a * HALF / MONTHS_PER_YEAR", "a * HALF / MONTHS_PER_YEAR", 0.25),
    "numbers": ("1e3 + .5 + 1_000", "1000.0 + 0.5 + 1000", 2000.5),
}


@pytest.mark.parametrize(("written", "formula", "value"), ACCEPTED.values(), ids=ACCEPTED)
def test_what_a_cell_can_say_is_accepted_and_reads_as_it_is_written(
    tmp_path, written, formula, value
):
    rule = rule_of(tmp_path, body(f"return {written}"))
    assert rule.formula == f"paid = {formula}"
    assert rule(6.0, 2.5) == value


def test_a_local_condition_is_accepted_where_a_condition_is_wanted(tmp_path):
    rule = rule_of(tmp_path, body("big = a > b", "return 1 if big and not b < 0 else 0"))
    assert rule.formula == "paid = 1 if a > b and (not b < 0) else 0"
    assert [rule(2.0, 1.0), rule(1.0, 2.0), rule(-1.0, -2.0)] == [1, 0, 0]


def test_annotations_are_allowed_and_change_nothing(tmp_path):
    text = body("return a * b", parameters="a: float, b: float")
    rule = rule_of(tmp_path, text.replace("):", ") -> float:"))
    assert rule.parameters == ("a", "b")
    assert rule.formula == "paid = a * b"
    kernel = emit(bind([rule], figure), ["paid"])
    assert "float" not in kernel.source.split("def rule_paid")[1].split("\n")[0]


def test_a_rule_without_parameters_is_a_figure(tmp_path):
    rule = rule_of(tmp_path, body("return 5", parameters=""))
    assert rule.parameters == ()
    assert rule() == 5


def test_a_total_may_name_its_rule_or_be_given_it(tmp_path):
    module = rules_in(
        tmp_path,
        body("return a * b") + "\n\nby_name = total('paid', over='practices', title='All')\n"
        "by_rule = total(paid, over='months', first='start')\n",
    )
    line = HEAD.count("\n")
    assert module.by_name == Total("paid", "practices", "", "All", "", f"some_rules.py:{line + 7}")
    assert module.by_rule == Total("paid", "months", "", "", "start", f"some_rules.py:{line + 8}")


def test_a_constant_is_a_number_with_a_unit():
    quarter = Constant(3, "month")
    assert quarter == 3.0
    assert quarter.unit == "month"
    with pytest.raises(ValueError, match="'week'"):
        Constant(1, "week")


def test_a_rule_read_back_has_no_function_to_call():
    with pytest.raises(TypeError, match="paid was read back from a result"):
        Rule("paid", "1", "def paid(a):\n    'Pays.'\n    return a")(1.0)


# ------------------------------------------------------------------------------------- pence


def pence_of_decimal(amount: float) -> float:
    """Half up in size, of the fifteen significant digits that a spreadsheet shows."""
    shown = Context(prec=15, rounding=ROUND_HALF_UP).create_decimal(Decimal(amount))
    return float(shown.quantize(Decimal("0.01"), ROUND_HALF_UP))


def halves(pence: int) -> float:
    """An amount that ends in half a penny, as near as a float comes to it."""
    return float(f"{pence}.5") / 100


def of_digits(amount: float) -> float:
    """An amount of thirteen digits: no float lies between it and the nearest half penny."""
    return float(f"{amount:.13g}")


AMOUNTS = st.one_of(
    st.floats(-1e9, 1e9).map(of_digits),
    st.floats(-10, 10).map(of_digits),
    st.integers(-(10**11), 10**11).map(halves),
    st.integers(-(10**11), 10**11).map(lambda pence: pence / 100),
    st.integers(-(10**12), 10**12).map(lambda tenths: tenths / 1000),
    st.builds(lambda year, part: year / part, st.integers(-(10**10), 10**10), st.integers(1, 12)),
)


@settings(deadline=None, max_examples=2000)
@given(AMOUNTS)
@example(2.675)
@example(1.005)
@example(-1.005)
@example(0.005)
@example(-0.005)
@example(0.0049999999999999)
@example(-0.0)
@example(35_515.985)
def test_pence_are_rounded_as_decimals_of_fifteen_digits_are(amount):
    assert round_to_pence(amount) == pence_of_decimal(amount)


@settings(deadline=None, max_examples=500)
@given(AMOUNTS)
def test_pence_of_a_negative_amount_are_those_of_the_amount_negated(amount):
    assert round_to_pence(-amount) == -round_to_pence(amount)


@settings(deadline=None, max_examples=500)
@given(AMOUNTS)
def test_rounding_to_pence_twice_is_rounding_once(amount):
    once = round_to_pence(amount)
    assert round_to_pence(once) == once
    assert abs(once - amount) <= 0.005 + 1e-12 + abs(amount) * 2.0**-48


@settings(deadline=None, max_examples=500)
@given(st.integers(-(10**13), 10**13))
def test_whole_pence_stay_as_they_are(pence):
    assert round_to_pence(pence / 100) == pence / 100


@pytest.fixture(scope="module")
def kernel_pence():
    """The kernel's own rounding, compiled and not, taken out of the text that it writes."""
    import numba

    text = "def paid(a):\n    'Pays.'\n    return round_to_pence(a)"
    rule = Rule("paid", "1", text, source="x")
    source = emit(bind([rule], figure), ["paid"]).source
    found = {}
    for name, decorator in {"plain": lambda f: f, "compiled": numba.njit}.items():
        scope: dict[str, object] = {"compiled": decorator}
        exec(compile(source, "<kernel>", "exec"), scope)
        found[name] = scope["rule_paid__"]
    return found


def same_bits(a: float, b: float) -> bool:
    return struct.pack("d", a) == struct.pack("d", b)


@settings(deadline=None, max_examples=2000)
@given(AMOUNTS)
@example(2.675)
@example(-0.001)
@example(-0.0)
@example(1e13 + 0.005)
def test_the_kernel_rounds_to_the_same_bits_compiled_or_not(kernel_pence, amount):
    expected = round_to_pence(amount)
    assert same_bits(kernel_pence["plain"](amount), expected)
    assert same_bits(kernel_pence["compiled"](amount), expected)


@settings(deadline=None, max_examples=500)
@given(st.floats(-1e300, 1e300))
def test_the_kernel_rounds_amounts_of_any_size_to_the_same_bits(kernel_pence, amount):
    expected = round_to_pence(amount)
    assert math.isfinite(expected)
    assert same_bits(kernel_pence["plain"](amount), expected)
    assert same_bits(kernel_pence["compiled"](amount), expected)
