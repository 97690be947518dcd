"""A rule's syntax tree as a spreadsheet formula."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Mapping

_LEVELS = {ast.Add: 1, ast.Sub: 1, ast.Mult: 2, ast.Div: 2}
_OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_COMPARISONS = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "=",
    ast.NotEq: "<>",
}
_FUNCTIONS = {"min": "MIN", "max": "MAX", "abs": "ABS"}

Part = str | Callable[[int, int], str]
"""A piece of a formula: text, or a reference that depends on the cell's row and column."""


def formula(expression: ast.expr, constants: Mapping[str, float]) -> str:
    """Write an expression as a formula, each name in braces where its reference goes.

    Parameters
    ----------
    expression : ast.expr
        As `Rule.expression` gives it.
    constants : mapping of str to float
        Named constants, written as numbers.

    Returns
    -------
    str
        Without the leading equals sign.

    Examples
    --------
    >>> tree = ast.parse("max(a * (1 - b) / TWELVE, 0) if flag and a >= b else 0", mode="eval")
    >>> formula(tree.body, {"TWELVE": 12.0})
    'IF(AND({flag}<>0,{a}>={b}),MAX({a}*(1-{b})/12,0),0)'
    """
    whole = {name for name, value in constants.items() if value == 1}
    return _Writer(constants).text(_WithoutOnes(whole).visit(copy.deepcopy(expression)))


class _WithoutOnes(ast.NodeTransformer):
    """Drops a length of one month: it changes an amount's unit, not the amount."""

    def __init__(self, ones: set[str]):
        self.ones = ones

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        node.left, node.right = self.visit(node.left), self.visit(node.right)
        one = isinstance(node.right, ast.Name) and node.right.id in self.ones
        return node.left if one and isinstance(node.op, ast.Mult | ast.Div) else node


class _Writer:
    def __init__(self, constants: Mapping[str, float]):
        self.constants = constants

    def text(self, node: ast.expr) -> str:
        writers: dict[type, Callable[..., str]] = {
            ast.Constant: lambda n: _number(n.value),
            ast.Name: self.name,
            ast.BinOp: self.operation,
            ast.UnaryOp: self.unary,
            ast.IfExp: self.choice,
            ast.Call: self.call,
            ast.Compare: self.condition,
            ast.BoolOp: self.condition,
        }
        return writers[type(node)](node)

    def name(self, node: ast.Name) -> str:
        if node.id in self.constants:
            return _number(self.constants[node.id])
        return "{" + node.id + "}"

    def operation(self, node: ast.BinOp) -> str:
        level = _LEVELS[type(node.op)]
        # Floats do not associate, so what stands on the right keeps its brackets.
        left = self.bracketed(node.left, level)
        right = self.bracketed(node.right, level + 1)
        return f"{left}{_OPERATORS[type(node.op)]}{right}"

    def bracketed(self, node: ast.expr, level: int) -> str:
        text = self.text(node)
        low = isinstance(node, ast.BinOp) and _LEVELS[type(node.op)] < level
        return f"({text})" if low or isinstance(node, ast.UnaryOp) else text

    def unary(self, node: ast.UnaryOp) -> str:
        if isinstance(node.op, ast.Not):
            return self.condition(node)
        sign = "-" if isinstance(node.op, ast.USub) else ""
        return sign + self.bracketed(node.operand, 3)

    def choice(self, node: ast.IfExp) -> str:
        test = self.condition(node.test)
        return f"IF({test},{self.text(node.body)},{self.text(node.orelse)})"

    def call(self, node: ast.Call) -> str:
        assert isinstance(node.func, ast.Name)
        arguments = ",".join(self.text(argument) for argument in node.args)
        if node.func.id == "round_to_pence":
            return f"ROUND({arguments},2)"
        return f"{_FUNCTIONS[node.func.id]}({arguments})"

    def condition(self, node: ast.expr) -> str:
        if isinstance(node, ast.BoolOp):
            name = "AND" if isinstance(node.op, ast.And) else "OR"
            return f"{name}({','.join(self.condition(value) for value in node.values)})"
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return f"NOT({self.condition(node.operand)})"
        if isinstance(node, ast.Compare):
            return self.comparison(node)
        return f"{self.bracketed(node, 1)}<>0"

    def comparison(self, node: ast.Compare) -> str:
        values = [self.text(value) for value in (node.left, *node.comparators)]
        pairs = [
            f"{left}{_COMPARISONS[type(operator)]}{right}"
            for left, operator, right in zip(values, node.ops, values[1:], strict=False)
        ]
        return pairs[0] if len(pairs) == 1 else f"AND({','.join(pairs)})"


def _number(value: object) -> str:
    assert isinstance(value, int | float)
    return str(int(value)) if value == int(value) else repr(float(value))


def parts(text: str, references: Mapping[str, Callable[[int, int], str]]) -> list[Part]:
    """Split a formula at its braces, ready to be joined for each cell.

    Parameters
    ----------
    text : str
        From `formula`.
    references : mapping of str to callable
        For each name, its reference as seen from a position along rows and columns.
    """
    found: list[Part] = []
    for piece in text.split("{"):
        name, brace, rest = piece.partition("}")
        if brace:
            found += [references[name], rest]
        else:
            found.append(name)
    return [piece for piece in found if piece != ""]


def written(pieces: list[Part], row: int, column: int) -> str:
    """The formula for one cell, with its equals sign."""
    return "=" + "".join(p if isinstance(p, str) else p(row, column) for p in pieces)
