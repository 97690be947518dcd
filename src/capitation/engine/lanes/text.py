"""The text of a rule inside a loop over lanes, and the condition under which it divides by zero.

A loop over lanes has a rule's own expressions in it, word for word, under names that no other rule
has. What fails in Python fails here too: every local name is worked out, used or not; a condition
keeps what it guards from failing.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping

from capitation.engine.kernel import for_kernel
from capitation.engine.rule import Rule


def statements_of(rule: Rule, names: Mapping[str, str]) -> Iterator[tuple[str, ast.expr]]:
    """What a rule works out, in order: its local names, and under its own name what it returns.

    Parameters
    ----------
    rule : Rule
    names : mapping of str to str
        What the rule's parameters are called where the text is to stand.
    """
    known = dict(names)
    for local, value in rule.locals:
        expression = _Renamed(known).visit(for_kernel(value, rule))
        known[local] = f"{rule.name}__{local}_"
        yield known[local], expression
    yield rule.name, _Renamed(known).visit(for_kernel(rule.result, rule))


class _Renamed(ast.NodeTransformer):
    def __init__(self, names: Mapping[str, str]):
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self.names.get(node.id, node.id))


def fault_of(tree: ast.expr) -> ast.expr | None:
    """The condition under which working out an expression divides by zero, None if never."""
    if isinstance(tree, ast.IfExp):
        body, orelse = fault_of(tree.body), fault_of(tree.orelse)
        branches: ast.expr | None = None
        if body or orelse:
            no = ast.Constant(False)
            branches = ast.IfExp(tree.test, body or no, orelse or no)
        return _either([fault_of(tree.test), branches])
    if isinstance(tree, ast.BoolOp):
        return _fault_of_bool(tree)
    found = [fault_of(child) for child in ast.iter_child_nodes(tree) if isinstance(child, ast.expr)]
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Div):
        divisor = tree.right
        if not (isinstance(divisor, ast.Constant) and divisor.value):
            found.append(ast.Compare(divisor, [ast.Eq()], [ast.Constant(0.0)]))
    return _either(found)


def _fault_of_bool(tree: ast.BoolOp) -> ast.expr | None:
    """Of `and` and `or`, what comes later is worked out only if what comes first lets it."""
    first, rest = tree.values[0], tree.values[1:]
    later = fault_of(rest[0] if len(rest) == 1 else ast.BoolOp(tree.op, rest))
    if later is not None:
        goes_on = first if isinstance(tree.op, ast.And) else ast.UnaryOp(ast.Not(), first)
        later = ast.BoolOp(ast.And(), [goes_on, later])
    return _either([fault_of(first), later])


def _either(conditions: Iterable[ast.expr | None]) -> ast.expr | None:
    found = [condition for condition in conditions if condition is not None]
    if not found:
        return None
    return found[0] if len(found) == 1 else ast.BoolOp(ast.Or(), found)
