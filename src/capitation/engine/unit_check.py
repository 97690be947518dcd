"""Dimension analysis of a rule's syntax tree: it runs when names are bound, before any number."""

from __future__ import annotations

import ast
import functools
from collections.abc import Mapping

from capitation.engine.rule import Rule
from capitation.engine.units import ONE, Unit


class UnitError(Exception):
    """Two parts of a rule do not agree in their units."""


def check_units(rule: Rule, units: Mapping[str, Unit]) -> None:
    """Check that what a rule returns has the unit it declares.

    Parameters
    ----------
    rule : Rule
    units : mapping of str to Unit
        Unit of each parameter.

    Raises
    ------
    UnitError
        Naming the part of the rule and both units.
    """
    constants = {name: Unit.parse(c.unit) for name, c in rule.constants.items()}
    fault = _fault_of(rule, tuple((dict(units) | constants).items()))
    if fault:
        raise UnitError(fault)


@functools.lru_cache(maxsize=10_000)
def _fault_of(rule: Rule, units: tuple[tuple[str, Unit], ...]) -> str:
    """What is wrong with a rule's units, if anything: the same rule is bound many times over."""
    try:
        found = unit_of(rule.written_out, dict(units))
    except UnitError as fault:
        return str(fault)
    declared = Unit.parse(rule.unit)
    wrong = found is not None and found != declared
    return f"returns {found}, but declares {declared}" if wrong else ""


def unit_of(node: ast.expr, units: Mapping[str, Unit]) -> Unit | None:
    """Find the unit of an expression; None for a plain zero, which agrees with every unit."""
    if isinstance(node, ast.Constant):
        return None if node.value == 0 else ONE
    if isinstance(node, ast.Name):
        return units[node.id]
    if isinstance(node, ast.BinOp):
        return _unit_of_operation(node, units)
    if isinstance(node, ast.UnaryOp):
        operand = unit_of(node.operand, units)
        return ONE if isinstance(node.op, ast.Not) else operand
    if isinstance(node, ast.IfExp):
        _check_condition(node.test, units)
        return _agreed(node, [node.body, node.orelse], units)
    if isinstance(node, ast.Call):
        return _agreed(node, node.args, units)
    _check_condition(node, units)
    return ONE


def _unit_of_operation(node: ast.BinOp, units: Mapping[str, Unit]) -> Unit | None:
    if isinstance(node.op, ast.Add | ast.Sub):
        return _agreed(node, [node.left, node.right], units)
    left, right = unit_of(node.left, units), unit_of(node.right, units)
    if left is None or right is None:
        return None
    return left * right if isinstance(node.op, ast.Mult) else left / right


def _check_condition(node: ast.expr, units: Mapping[str, Unit]) -> None:
    if isinstance(node, ast.BoolOp):
        for value in node.values:
            _check_condition(value, units)
    elif isinstance(node, ast.Compare):
        _agreed(node, [node.left, *node.comparators], units)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        _check_condition(node.operand, units)
    else:
        unit = unit_of(node, units)
        if unit not in (None, ONE):
            raise UnitError(f"{ast.unparse(node)!r} is used as yes or no, but is in {unit}")


def _agreed(node: ast.expr, parts: list[ast.expr], units: Mapping[str, Unit]) -> Unit | None:
    agreed: Unit | None = None
    first = ""
    for part in parts:
        unit = unit_of(part, units)
        if unit is None:
            continue
        if agreed is not None and unit != agreed:
            raise UnitError(
                f"{ast.unparse(node)!r} sets {first!r} [{agreed}] "
                f"beside {ast.unparse(part)!r} [{unit}]"
            )
        agreed, first = unit, ast.unparse(part)
    return agreed
