"""Rules that a model's file declares: its sums, what its standards come to, those of its lines."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from capitation.engine.lines import Lines, name_for, over_lines, title_for
from capitation.engine.rule import Rule, Total
from capitation.engine.units import Unit


def sum_rule(
    name: str,
    title: str,
    names: Iterable[str],
    place: str,
    unit: str = "GBP/month",
    why: str = "Declared by the model: a sum of its streams.",
) -> Rule:
    """A rule that adds up amounts; of none, it is nothing.

    Examples
    --------
    >>> sum_rule("core", "Core income", ["global_sum", "correction_factor"], "a.toml").formula
    'core = global_sum + correction_factor'
    """
    names = list(names)
    body = [f"return {' + '.join(names) or '0'}"]
    return _rule(name, unit, names, title, body, why, place)


def for_all_lines(definitions: Iterable[Rule | Total], lines: Lines) -> list[Rule | Total]:
    """The same rules and totals, with what is written once for each line written for every line.

    Parameters
    ----------
    definitions : iterable of Rule or Total
    lines : mapping of str to mapping of str to str
        Titles of the model's lines, by kind and key.

    Examples
    --------
    >>> from capitation.rules.service_lines import service_rate_in_scope
    >>> lines = {"service": {"community": "Community services"}}
    >>> [rule.name for rule in for_all_lines([service_rate_in_scope], lines)]
    ['community_rate_in_scope']
    """
    definitions = list(definitions)
    by_name = {definition.name: definition for definition in definitions}
    found: list[Rule | Total] = []
    for definition in definitions:
        kind = next((k for k in lines if definition.each == k), "")
        over = next((k for k in lines if _is_over(definition, k)), "")
        if kind:
            found += [_for_line(definition, kind, key, lines[kind][key]) for key in lines[kind]]
        elif over:
            assert isinstance(definition, Total)
            names = [name_for(definition.of, over, key) for key in lines[over]]
            why = f"Of all {over_lines(over)} of the model, added up."
            title, unit = definition.title or definition.name, _unit_of(definition.of, by_name)
            found.append(sum_rule(definition.name, title, names, definition.place, unit, why))
        elif not definition.each:
            found.append(definition)
    return found


def _is_over(definition: Rule | Total, kind: str) -> bool:
    return isinstance(definition, Total) and definition.over == over_lines(kind)


def _unit_of(name: str, definitions: Mapping[str, Rule | Total]) -> str:
    definition = definitions.get(name)
    if isinstance(definition, Rule):
        return definition.unit
    if definition is None:
        return "1"
    unit = _unit_of(definition.of, definitions)
    return str(Unit.parse(unit) * Unit.parse("month/year")) if definition.over == "months" else unit


@functools.cache
def _for_line(definition: Rule | Total, kind: str, key: str, line: str) -> Rule | Total:
    """A rule, or a total, that is written once for each line, as it is for one."""
    name, first = (name_for(n, kind, key) for n in (definition.name, definition.first))
    if isinstance(definition, Total):
        title = title_for(definition.title or definition.name, line)
        of = name_for(definition.of, kind, key)
        return replace(definition, name=name, of=of, first=first, title=title, each="")
    tree = _Renamed(kind, key, line).visit(ast.parse(definition.text).body[0])
    text = ast.unparse(tree)
    assert definition.function is not None
    scope = dict(definition.function.__globals__)
    exec(compile(text, definition.place, "exec"), scope)
    changed: dict[str, Any] = {"name": name, "first": first, "text": text, "each": ""}
    if drawn := definition.drawn:
        spread, like = (name_for(n, kind, key) for n in (drawn.spread, drawn.like))
        changed["drawn"] = replace(drawn, spread=spread, like=like)
    return replace(definition, **changed, function=scope[name])


class _Renamed(ast.NodeTransformer):
    """Puts a line's key where a rule's names say the kind of line, and its title before its own."""

    def __init__(self, kind: str, key: str, line: str):
        self.kind, self.key, self.line = kind, key, line

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name = name_for(node.name, self.kind, self.key)
        title, *rest = str(ast.get_docstring(node)).splitlines()
        said = "\n".join([title_for(title, self.line), *rest])
        node.body[0] = ast.Expr(ast.Constant(said))
        return ast.fix_missing_locations(self.generic_visit(node))

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.arg = name_for(node.arg, self.kind, self.key)
        return node

    def visit_Name(self, node: ast.Name) -> ast.Name:
        node.id = name_for(node.id, self.kind, self.key)
        return node


def mandatory_rule(grades: Iterable[str], place: str) -> Rule:
    """A rule that says whether every mandatory standard is met; without any, they are.

    Parameters
    ----------
    grades : iterable of str
        Names of what each standard is graded by.
    place : str

    Examples
    --------
    >>> mandatory_rule(["care_plans_standard", "blood_tests_standard"], "a.toml").formula
    'mandatory_standards_met = 1 if care_plans_standard >= 1 and blood_tests_standard >= 1 else 0'
    """
    grades = list(grades)
    met = " and ".join(f"{grade} >= 1" for grade in grades)
    body = [f"return 1 if {met} else 0" if grades else "return 1"]
    title = "Mandatory standards: all met (1), or not (0)"
    why = "Declared by the model: one standard that is not met in full fails them all."
    return _rule("mandatory_standards_met", "1", grades, title, body, why, place)


def graded_rule(grades: Mapping[str, str], place: str) -> Rule:
    """A rule that gives the share of the graded standards that is achieved; without any, nothing.

    Parameters
    ----------
    grades : mapping of str to str
        By the term that is a standard's weight, the name of what it is graded by.
    place : str

    Examples
    --------
    >>> grades = {"weight_of_access": "access_standard", "weight_of_flu": "flu_standard"}
    >>> graded_rule(grades, "a.toml")(3, 1, 1, 0.5)
    0.875
    """
    weights = {f"{weight}_for_the_year": grade for weight, grade in grades.items()}
    body = ["return 0"]
    if weights:
        body = [
            f"weights = {' + '.join(weights)}",
            f"achieved = {' + '.join(f'{weight} * {grade}' for weight, grade in weights.items())}",
            "return achieved / weights if weights > 0 else 0",
        ]
    title = "Share of the graded standards achieved"
    why = "Declared by the model: the mean of the standards' grades, each by its weight."
    names = dict.fromkeys([*weights, *weights.values()])
    return _rule("graded_standards_achieved", "1", names, title, body, why, place)


def weight_of(key: str) -> str:
    """Name of the term that is a graded standard's weight."""
    return f"weight_of_{key}"


def standard_payment_rule(key: str, title: str, grades: Mapping[str, str], place: str) -> Rule:
    """A rule that gives what one graded standard earns of the year's offer.

    Parameters
    ----------
    key, title : str
        Of the standard.
    grades : mapping of str to str
        Of all the graded standards, as for `graded_rule`.
    place : str

    Examples
    --------
    >>> grades = {"weight_of_access": "access_standard", "weight_of_flu": "flu_standard"}
    >>> earned = standard_payment_rule("flu", "Flu vaccination", grades, "a.toml")
    >>> earned(1000, 0.6, 3, 1, 0.5)
    50.0
    """
    weights = [f"{weight}_for_the_year" for weight in grades]
    own, grade = f"{weight_of(key)}_for_the_year", grades[weight_of(key)]
    body = [
        f"weights = {' + '.join(weights)}",
        "graded_part = scheme_offer_of_year * (1 - mandatory_standards_share_for_the_year)",
        f"return graded_part * {own} * {grade} / weights if weights > 0 else 0",
    ]
    why = "Declared by the model: the standard's part of the offer by its weight, times its grade."
    offer = ("scheme_offer_of_year", "mandatory_standards_share_for_the_year")
    names = dict.fromkeys([*offer, *weights, grade])
    return _rule(f"{key}_payment", "GBP/year", names, f"Earned for: {title}", body, why, place)


def _rule(
    name: str, unit: str, names: Iterable[str], title: str, body: list[str], why: str, place: str
) -> Rule:
    lines = [f"def {name}({', '.join(names)}):", repr(title), *body]
    text = "\n    ".join(lines)
    scope: dict[str, Any] = {}
    exec(compile(text, place, "exec"), scope)
    return Rule(
        name=name,
        unit=unit,
        text=text,
        assumption=why,
        place=place,
        function=scope[name],
    )
