"""The small language of a rule: what a spreadsheet cell can say, and nothing else.

A rule is a scalar Python function. Its syntax tree is read once, checked against the language, and
kept as text, so that a rule can be compiled, rendered, checked for units, explained, and carried in
the attributes of a result.
"""

from __future__ import annotations

import ast
import copy
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from capitation.engine.units import Unit
from capitation.errors import Problem, RuleError

FUNCTIONS = {"min": (2, None), "max": (2, None), "abs": (1, 1), "round_to_pence": (1, 1)}
"""Functions that a rule may call, with the least and the greatest number of arguments."""

_NUMBER, _CONDITION = "a number", "a condition"


class Constant(float):
    """A number with a name and a unit that every contract shares, such as twelve months a year.

    Parameters
    ----------
    value : float
    unit : str
        Unit of the constant, as in ``"month/year"``.

    Examples
    --------
    >>> MONTHS_PER_YEAR = Constant(12, "month/year")
    >>> MONTHS_PER_YEAR / 2
    6.0
    """

    unit: str

    def __new__(cls, value: float, unit: str) -> Constant:
        Unit.parse(unit)
        constant = super().__new__(cls, value)
        constant.unit = unit
        return constant

    def __reduce__(self) -> tuple[Any, ...]:
        return Constant, (float(self), self.unit)


@dataclass(frozen=True)
class Rule:
    """A payment rule: one scalar function, with its unit and its source.

    Made by the `rule` decorator. Calling it runs the function on plain numbers.

    Attributes
    ----------
    name : str
    unit : str
    text : str
        The function's source, without its decorator.
    source, assumption : str
        Id of the source that says so, or what is assumed, in words.
    first : str
        Name of the value that stands before the first month, where a rule looks back at this one.
    constants : dict of str to Constant
        The named constants that the text uses.
    place : str
        File and line of the definition.
    """

    name: str
    unit: str
    text: str
    source: str = ""
    assumption: str = ""
    first: str = ""
    constants: dict[str, Constant] = field(default_factory=dict, compare=False)
    place: str = ""
    function: Callable[..., float] | None = field(default=None, compare=False, repr=False)
    tree: ast.FunctionDef = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tree", ast.parse(self.text).body[0])

    def __call__(self, *args: float, **kwargs: float) -> float:
        if self.function is None:
            raise TypeError(f"{self.name} was read back from a result: it has no function to call")
        return self.function(*args, **kwargs)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names that the rule binds to, in order."""
        return tuple(argument.arg for argument in self.tree.args.args)

    @property
    def title(self) -> str:
        """First line of the docstring."""
        return (ast.get_docstring(self.tree) or self.name).splitlines()[0]

    @property
    def locals(self) -> tuple[tuple[str, ast.expr], ...]:
        """Local names with their expressions, in order."""
        found = []
        for statement in self.tree.body:
            if isinstance(statement, ast.Assign):
                target = statement.targets[0]
                assert isinstance(target, ast.Name)
                found.append((target.id, statement.value))
        return tuple(found)

    @property
    def result(self) -> ast.expr:
        """The expression that the rule returns, local names not yet put in."""
        statement = self.tree.body[-1]
        assert isinstance(statement, ast.Return)
        assert statement.value is not None
        return statement.value

    @property
    def expression(self) -> ast.expr:
        """The one expression of parameters and constants that the rule returns."""
        written_out: dict[str, ast.expr] = {}
        for name, value in self.locals:
            written_out[name] = _Substitution(written_out).visit(copy.deepcopy(value))
        return _Substitution(written_out).visit(copy.deepcopy(self.result))

    @property
    def formula(self) -> str:
        """The rule as one line of text, ``name = expression``."""
        return f"{self.name} = {ast.unparse(self.expression)}"


@dataclass(frozen=True)
class Total:
    """A sum of a rule, over the practices of a commissioner or over the months of a fiscal year.

    Attributes
    ----------
    name : str
    of : str
        The rule that is summed.
    over : {"practices", "months"}
    title : str
    first : str
        For a total over months: name of the value that stands before the first fiscal year.
    place : str
    """

    of: str
    over: str
    name: str = ""
    title: str = ""
    first: str = ""
    place: str = ""


class _Substitution(ast.NodeTransformer):
    def __init__(self, values: dict[str, ast.expr]):
        self.values = values

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return copy.deepcopy(self.values[node.id]) if node.id in self.values else node


def rule(
    *, unit: str, source: str = "", assumption: str = "", first: str = ""
) -> Callable[[Callable[..., float]], Rule]:
    """Declare a scalar function to be a payment rule.

    Parameters
    ----------
    unit : str
        Unit of the result, such as ``"GBP/month"``, ``"patient"`` or ``"1"``.
    source : str
        Id of the source that says so. A rule has a source or an assumption.
    assumption : str
        In words, what is assumed where no source says so.
    first : str, optional
        Name of the value that stands before the first month. Needed where this rule, or another,
        looks back at it as ``previous`` or ``previous_<name>``.

    Returns
    -------
    callable
        A decorator that gives a `Rule`.

    Raises
    ------
    RuleError
        If the function says what a spreadsheet cell cannot, with file and line of each place.
    """

    def decorate(function: Callable[..., float]) -> Rule:
        file = inspect.getsourcefile(function) or "<unknown>"
        try:
            lines, start = inspect.getsourcelines(function)
        except OSError:
            raise RuleError(
                Problem(function.__qualname__, "its source cannot be read", "put it in a file")
            ) from None
        tree = ast.parse(textwrap.dedent("".join(lines))).body[0]
        ast.increment_lineno(tree, start - 1)
        checker = _Checker(tree, file, function.__globals__)
        checker.check(unit, source, assumption)
        if checker.problems:
            raise RuleError(checker.problems)
        assert isinstance(tree, ast.FunctionDef)
        place = f"{Path(file).name}:{tree.lineno}"
        tree.decorator_list = []
        return Rule(
            name=function.__name__,
            unit=unit,
            text=ast.unparse(tree),
            source=source,
            assumption=assumption,
            first=first,
            constants=checker.constants,
            place=place,
            function=function,
        )

    return decorate


def total(of: str | Rule, over: str, *, title: str = "", first: str = "") -> Total:
    """Declare the sum of a rule. It bears the name of the variable it is assigned to.

    Parameters
    ----------
    of : str or Rule
        The rule to sum.
    over : {"practices", "months"}
        Over the practices of a commissioner, for each month; or over the months of each fiscal
        year. A rule that reads a total over months gets its own fiscal year's, and with
        ``previous_<name>`` that of the year before.
    title : str, optional
    first : str, optional
        For a total over months that is looked back at: name of the value for the year before the
        first.

    Returns
    -------
    Total

    Raises
    ------
    RuleError
        If `over` is neither.
    """
    frame = inspect.stack()[1]
    place = f"{Path(frame.filename).name}:{frame.lineno}"
    if over not in ("practices", "months"):
        raise RuleError(
            Problem(place, f"a total over {over!r}", "a total is over 'practices' or 'months'")
        )
    name = of.name if isinstance(of, Rule) else of
    return Total(of=name, over=over, title=title, first=first, place=place)


class _Checker:
    """Checks one function against the language, and collects every fault with its line."""

    def __init__(self, tree: ast.stmt, file: str, module: dict[str, Any]):
        self.tree = tree
        self.file = file
        self.module = module
        self.problems: list[Problem] = []
        self.constants: dict[str, Constant] = {}
        self.names: set[str] = set()
        self.kinds: dict[str, str] = {}

    def fault(self, node: ast.AST, found: str, mend: str = "") -> None:
        line = getattr(node, "lineno", getattr(self.tree, "lineno", 0))
        self.problems.append(Problem(f"{self.file}:{line}", found, mend))

    def check(self, unit: str, source: str, assumption: str) -> None:
        tree = self.tree
        if not isinstance(tree, ast.FunctionDef):
            self.fault(tree, "a rule is a function", "write it with def")
            return
        if not (source or assumption):
            self.fault(
                tree,
                f"rule {tree.name!r} has neither a source nor an assumption",
                "cite the source, or say in words what is assumed",
            )
        try:
            Unit.parse(unit)
        except ValueError as error:
            self.fault(tree, f"rule {tree.name!r}: {error}")
        self.parameters(tree)
        self.body(tree)

    def parameters(self, tree: ast.FunctionDef) -> None:
        arguments = tree.args
        if arguments.vararg or arguments.kwarg or arguments.kwonlyargs or arguments.posonlyargs:
            self.fault(tree, "a rule has plain parameters only", "no *, **, or /")
        if arguments.defaults:
            self.fault(
                tree,
                "a parameter of a rule has no default",
                "make it a term of the model, with its source",
            )
        for argument in arguments.args:
            self.check_name(tree, argument.arg)
            self.names.add(argument.arg)
            self.kinds[argument.arg] = _NUMBER

    def check_name(self, node: ast.AST, name: str) -> None:
        if name in FUNCTIONS or name.endswith("_"):
            self.fault(node, f"{name!r} cannot be a name here", "choose another name")

    def body(self, tree: ast.FunctionDef) -> None:
        statements = list(tree.body)
        if ast.get_docstring(tree) is None:
            self.fault(tree, f"rule {tree.name!r} has no docstring", "say what it pays, in a line")
        else:
            statements = statements[1:]
        if not statements or not isinstance(statements[-1], ast.Return):
            self.fault(tree, f"rule {tree.name!r} does not end with return")
            return
        for statement in statements[:-1]:
            self.local(statement)
        value = statements[-1].value
        if value is None:
            self.fault(statements[-1], "return gives nothing", "return a number")
        else:
            self.want(value, _NUMBER)

    def local(self, statement: ast.stmt) -> None:
        single = isinstance(statement, ast.Assign) and len(statement.targets) == 1
        target = statement.targets[0] if isinstance(statement, ast.Assign) and single else None
        if not isinstance(target, ast.Name):
            self.fault(
                statement,
                f"a {type(statement).__name__} statement",
                "a rule has local names and a return; for a choice write 'a if condition else b'",
            )
            return
        assert isinstance(statement, ast.Assign)
        if target.id in self.names or target.id in self.constants:
            self.fault(statement, f"{target.id!r} is given a second value", "use a new name")
        self.check_name(statement, target.id)
        self.kinds[target.id] = self.kind(statement.value)
        self.names.add(target.id)

    def want(self, node: ast.expr, wanted: str) -> None:
        kind = self.kind(node)
        if wanted == _NUMBER and kind == _CONDITION:
            self.fault(
                node,
                f"the condition {ast.unparse(node)!r} stands where a number is wanted",
                "write '1 if condition else 0'",
            )

    def kind(self, node: ast.expr) -> str:
        """Check an expression and say whether it is a number or a condition."""
        handler = getattr(self, f"kind_of_{type(node).__name__}", None)
        if handler is None:
            self.fault(
                node,
                f"{ast.unparse(node)!r} ({type(node).__name__}) cannot be said in a cell",
                "a rule has + - * /, comparisons, and/or/not, 'a if c else b', "
                "min, max, abs, round_to_pence",
            )
            return _NUMBER
        return handler(node)

    def kind_of_Constant(self, node: ast.Constant) -> str:
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            self.fault(node, f"the value {node.value!r}", "a rule holds numbers only")
        return _NUMBER

    def kind_of_Name(self, node: ast.Name) -> str:
        if node.id in self.names:
            return self.kinds[node.id]
        value = self.module.get(node.id)
        if isinstance(value, Constant):
            self.constants[node.id] = value
        else:
            self.fault(
                node,
                f"{node.id!r} is neither a parameter, a local name nor a named constant",
                "take it as a parameter, or define it with constant(value, unit)",
            )
        return _NUMBER

    def kind_of_BinOp(self, node: ast.BinOp) -> str:
        if not isinstance(node.op, ast.Add | ast.Sub | ast.Mult | ast.Div):
            self.fault(
                node,
                f"the operator in {ast.unparse(node)!r}",
                "a rule has + - * /; a power comes in as a term or by 'previous'",
            )
        self.want(node.left, _NUMBER)
        self.want(node.right, _NUMBER)
        return _NUMBER

    def kind_of_UnaryOp(self, node: ast.UnaryOp) -> str:
        if isinstance(node.op, ast.Not):
            self.kind(node.operand)
            return _CONDITION
        if not isinstance(node.op, ast.USub | ast.UAdd):
            self.fault(node, f"the operator in {ast.unparse(node)!r}")
        self.want(node.operand, _NUMBER)
        return _NUMBER

    def kind_of_Compare(self, node: ast.Compare) -> str:
        for operator in node.ops:
            if not isinstance(operator, ast.Lt | ast.LtE | ast.Gt | ast.GtE | ast.Eq | ast.NotEq):
                self.fault(node, f"the comparison {ast.unparse(node)!r}", "use < <= > >= == !=")
        for operand in (node.left, *node.comparators):
            self.want(operand, _NUMBER)
        return _CONDITION

    def kind_of_BoolOp(self, node: ast.BoolOp) -> str:
        for operand in node.values:
            self.kind(operand)
        return _CONDITION

    def kind_of_IfExp(self, node: ast.IfExp) -> str:
        self.kind(node.test)
        self.want(node.body, _NUMBER)
        self.want(node.orelse, _NUMBER)
        return _NUMBER

    def kind_of_Call(self, node: ast.Call) -> str:
        name = node.func.id if isinstance(node.func, ast.Name) else ast.unparse(node.func)
        if name not in FUNCTIONS:
            self.fault(
                node, f"a call of {name!r}", "a rule may call min, max, abs and round_to_pence"
            )
            return _NUMBER
        if not self.means_ours(name):
            self.fault(node, f"{name!r} is another function in this module", "rename that one")
        least, most = FUNCTIONS[name]
        if node.keywords or len(node.args) < least or (most and len(node.args) > most):
            self.fault(node, f"the arguments of {ast.unparse(node)!r}")
        for argument in node.args:
            self.want(argument, _NUMBER)
        return _NUMBER

    def means_ours(self, name: str) -> bool:
        """Whether a module leaves a function's name to its own meaning."""
        if name not in self.module:
            return True
        home = getattr(self.module[name], "__module__", "")
        return home in ("builtins", "capitation.vocabulary")
