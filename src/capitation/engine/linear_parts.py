"""What the sum over practices of an expression is made of, read off its syntax tree.

Σ over practices of ``weighted_list * price / 12`` is ``Σ weighted_list * price / 12``: what is the
same for all practices goes before the sum, and what is of the practice alone becomes a weight in
it. What is left are parts: sums over practices of one name each, or of a weight alone.

Nothing is rearranged beyond that. A division stays under the condition that guards it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

CONSTANT, FREE, COLUMN, VARYING = "constant", "free", "column", "varying"
"""Kinds of name: the same for all practices and always; the same for all practices; of the practice
alone; of the practice, and moving by month, year or scenario."""

_MIXED = "mixed"
_MOST_PARTS = 32
_MOST_STEPS = 2000

Step = tuple[str, ast.expr]
Weight = tuple[Step, ...]
_TIMES, _OVER, _WHEN, _UNLESS = "times", "over", "when", "unless"


class NotLinearError(Exception):
    """The sum of an expression over practices is not made of sums of what it reads."""


@dataclass(frozen=True)
class Part:
    """A sum over practices that stands in the sum of an expression.

    Attributes
    ----------
    weight : ast.expr or None
        Expression of the practice alone by which each practice counts; None for once.
    text : str
        The weight as text, which tells one from another.
    name : str
        What is summed, or nothing where the weight itself is.
    back : bool
        Whether it is the value of the month, or year, before.
    counts : bool
        Whether it only counts practices, whatever the weight of the sum that it stands in.
    """

    weight: ast.expr | None = field(compare=False)
    text: str
    name: str
    back: bool
    counts: bool


@dataclass(frozen=True)
class Expansion:
    """The sum of an expression over practices.

    Attributes
    ----------
    expression : ast.expr
        With `placeholder` names where its parts stand.
    parts : tuple of Part
    """

    expression: ast.expr
    parts: tuple[Part, ...]


def placeholder(number: int) -> str:
    """The name under which a part stands in an expansion."""
    return f"part_{number}_"


def expansion_of(
    expression: ast.expr, kinds: Mapping[str, str], looks_back: Mapping[str, str]
) -> Expansion:
    """Take the sum of an expression over practices apart.

    Parameters
    ----------
    expression : ast.expr
        Of parameters and named constants, all local names put in.
    kinds : mapping of str to str
        Kind of each parameter; a name that is not here is a named constant or a function.
    looks_back : mapping of str to str
        Parameters that look back, with what each looks back at.

    Raises
    ------
    NotLinearError
        Where what moves with the practice goes through anything but sums and multiples.
    """
    return _Summing(kinds, looks_back).expansion(expression)


def weighed_by(weight: ast.expr | None, other: ast.expr | None) -> ast.expr | None:
    """The product of two weights."""
    if weight is None or other is None:
        return weight or other
    return ast.BinOp(weight, ast.Mult(), other)


def is_zero(node: ast.expr) -> bool:
    """Whether an expression is a plain nought."""
    return isinstance(node, ast.Constant) and node.value == 0


def names_in(node: ast.AST) -> Iterator[str]:
    """Names that an expression reads, functions left out, in the order in which they stand."""
    if isinstance(node, ast.Name):
        yield node.id
        return
    for child in ast.iter_child_nodes(node):
        if not (isinstance(node, ast.Call) and child is node.func):
            yield from names_in(child)


class _Summing:
    """Walks down one expression, and carries the weight of the sum with it."""

    def __init__(self, kinds: Mapping[str, str], looks_back: Mapping[str, str]):
        self.kinds = kinds
        self.looks_back = looks_back
        self.parts: dict[Part, None] = {}
        self.conditions = 0
        self.steps = 0

    def expansion(self, expression: ast.expr) -> Expansion:
        summed = self.summed(expression, (), self.alone)
        return Expansion(summed, tuple(self.parts))

    # -------------------------------------------------------------------- kinds of expression

    def kind(self, node: ast.expr) -> str:
        kinds = {self.kinds[name] for name in names_in(node) if name in self.kinds}
        if not kinds & {COLUMN, VARYING}:
            return FREE
        return COLUMN if kinds <= {CONSTANT, COLUMN} else _MIXED

    def varies(self, node: ast.expr) -> bool:
        return any(self.kinds.get(name) == VARYING for name in names_in(node))

    def may_fail(self, node: ast.expr) -> bool:
        """Whether an expression divides by anything but a fixed number."""
        return any(
            isinstance(part, ast.BinOp)
            and isinstance(part.op, ast.Div)
            and any(name in self.kinds for name in names_in(part.right))
            for part in ast.walk(node)
        )

    # ------------------------------------------------------------------------------- the walk

    def summed(
        self, node: ast.expr, weight: Weight, then: Callable[[Weight], ast.expr]
    ) -> ast.expr:
        """Sum of weight × expression × whatever is yet to come in a product."""
        self.steps += 1
        if self.steps > _MOST_STEPS:
            raise NotLinearError("written out, it would be too long")
        kind = self.kind(node)
        if kind == FREE:
            return node if is_zero(node) else ast.BinOp(node, ast.Mult(), then(weight))
        # What a condition keeps from failing is not worked out ahead: it is taken apart under it.
        if kind == COLUMN and not (self.conditions and self.may_fail(node)):
            return then((*weight, (_TIMES, node)))
        if isinstance(node, ast.Name):
            return self.part(weight, self.looks_back.get(node.id, node.id), node.id)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
            return ast.UnaryOp(node.op, self.summed(node.operand, weight, then))
        if isinstance(node, ast.BinOp):
            return self.operation(node, weight, then)
        if isinstance(node, ast.IfExp):
            return self.choice(node, weight, then)
        raise NotLinearError(ast.unparse(node))

    def operation(
        self, node: ast.BinOp, weight: Weight, then: Callable[[Weight], ast.expr]
    ) -> ast.expr:
        left, right = node.left, node.right
        if isinstance(node.op, ast.Add | ast.Sub):
            sides = (self.summed(side, weight, then) for side in (left, right))
            return ast.BinOp(next(sides), node.op, next(sides))
        if self.kind(right) == FREE:
            return ast.BinOp(self.summed(left, weight, then), node.op, right)
        if self.kind(right) == COLUMN:
            step = _TIMES if isinstance(node.op, ast.Mult) else _OVER
            return self.summed(left, (*weight, (step, right)), then)
        if isinstance(node.op, ast.Div):
            raise NotLinearError(ast.unparse(node))
        if self.kind(left) == FREE:
            return ast.BinOp(left, node.op, self.summed(right, weight, then))
        if self.varies(left) and self.varies(right):
            raise NotLinearError(ast.unparse(node))
        # What varies comes last: it can be in a sum by itself only.
        if self.varies(left):
            left, right = right, left
        return self.summed(left, weight, lambda inner: self.summed(right, inner, then))

    def choice(
        self, node: ast.IfExp, weight: Weight, then: Callable[[Weight], ast.expr]
    ) -> ast.expr:
        kind = self.kind(node.test)
        if kind == FREE:
            return self.choice_for_all(node, weight, then)
        if kind == COLUMN:
            return self.choice_by_practice(node, weight, then)
        condition = next(self.conditions_for_all(node.test), None)
        if condition is None or self.may_fail(condition):
            raise NotLinearError(ast.unparse(node))
        # A condition in part for all practices and in part by practice: first the one, then the
        # other.
        met, unmet = (
            _chosen(settled(node.test, condition, value), node) for value in (True, False)
        )
        return self.choice_for_all(ast.IfExp(condition, met, unmet), weight, then)

    def choice_for_all(
        self, node: ast.IfExp, weight: Weight, then: Callable[[Weight], ast.expr]
    ) -> ast.expr:
        self.conditions += 1
        body, orelse = (self.summed(n, weight, then) for n in (node.body, node.orelse))
        self.conditions -= 1
        return ast.IfExp(node.test, body, orelse)

    def choice_by_practice(
        self, node: ast.IfExp, weight: Weight, then: Callable[[Weight], ast.expr]
    ) -> ast.expr:
        branches = [
            self.guarded(branch, (*weight, (step, node.test)), then)
            for step, branch in ((_WHEN, node.body), (_UNLESS, node.orelse))
            if not is_zero(branch)
        ]
        if len(branches) == 2:
            return ast.BinOp(branches[0], ast.Add(), branches[1])
        return branches[0] if branches else ast.Constant(0.0)

    def guarded(
        self, branch: ast.expr, weight: Weight, then: Callable[[Weight], ast.expr]
    ) -> ast.expr:
        """A branch of some practices: nothing is divided where none of them takes it."""
        summed = self.summed(branch, weight, then)
        if not self.may_fail(summed):
            return summed
        tests = tuple(step for step in weight if step[0] in (_WHEN, _UNLESS))
        anyone = ast.Compare(self.part(tests, "", counts=True), [ast.Gt()], [ast.Constant(0.0)])
        return ast.IfExp(anyone, summed, ast.Constant(0.0))

    def conditions_for_all(self, test: ast.expr) -> Iterator[ast.expr]:
        """Parts of a condition that are the same for all practices, from the left."""
        if self.kind(test) == FREE:
            yield test
        elif isinstance(test, ast.BoolOp):
            for value in test.values:
                yield from self.conditions_for_all(value)
        elif isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            yield from self.conditions_for_all(test.operand)

    # ------------------------------------------------------------------------------ the parts

    def alone(self, weight: Weight) -> ast.expr:
        return self.part(weight, "")

    def part(
        self, weight: Weight, name: str, written: str = "", *, counts: bool = False
    ) -> ast.expr:
        column = _column(weight)
        if column is not None and self.conditions and self.may_fail(column):
            # The column is worked out for all practices, whether the condition is met or not.
            raise NotLinearError(f"a condition guards {ast.unparse(column)}")
        text = ast.unparse(column) if column else ""
        part = Part(column, text, name, written in self.looks_back, counts)
        self.parts.setdefault(part)
        if len(self.parts) > _MOST_PARTS:
            raise NotLinearError("too many parts")
        return ast.Name(placeholder(list(self.parts).index(part)))


def _column(weight: Weight) -> ast.expr | None:
    """A weight as one expression, what was met last innermost: a guard stays outside."""
    made: ast.expr | None = None
    for step, node in reversed(weight):
        inner = made or ast.Constant(1.0)
        if step == _TIMES:
            made = weighed_by(made, node)
        elif step == _OVER:
            made = ast.BinOp(inner, ast.Div(), node)
        elif step == _WHEN:
            made = ast.IfExp(node, inner, ast.Constant(0.0))
        else:
            made = ast.IfExp(node, ast.Constant(0.0), inner)
    return made


def _chosen(test: ast.expr | bool, node: ast.IfExp) -> ast.expr:
    if isinstance(test, bool):
        return node.body if test else node.orelse
    return ast.IfExp(test, node.body, node.orelse)


def settled(test: ast.expr, condition: ast.expr, value: bool) -> ast.expr | bool:
    """A condition in which a part of it is known.

    Examples
    --------
    >>> test = ast.parse("gms or (pms and switched)", mode="eval").body
    >>> switched = test.values[1].values[1]
    >>> ast.unparse(settled(test, switched, True))
    'gms or pms'
    >>> ast.unparse(settled(test, switched, False))
    'gms'
    """
    if test is condition:
        return value
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = settled(test.operand, condition, value)
        return not inner if isinstance(inner, bool) else ast.UnaryOp(test.op, inner)
    if not isinstance(test, ast.BoolOp):
        return test
    decides = isinstance(test.op, ast.Or)
    values = [settled(part, condition, value) for part in test.values]
    if any(part is decides for part in values):
        return decides
    left = [part for part in values if not isinstance(part, bool)]
    if not left:
        return not decides
    return left[0] if len(left) == 1 else ast.BoolOp(test.op, left)
