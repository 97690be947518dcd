"""The small language of a rule: what a spreadsheet cell can say, and nothing else."""

from __future__ import annotations

import ast
from typing import Any

from capitation.engine.units import Unit
from capitation.errors import Problem

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


class Checker:
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
