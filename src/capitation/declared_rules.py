"""Rules that a model's file declares by naming others: its sums, and what its standards come to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from capitation.engine.rule import Rule


def sum_rule(name: str, title: str, names: Iterable[str], place: str) -> Rule:
    """A rule that adds up amounts a month.

    Examples
    --------
    >>> sum_rule("core", "Core income", ["global_sum", "correction_factor"], "a.toml").formula
    'core = global_sum + correction_factor'
    """
    names = list(names)
    why = "Declared by the model: a sum of its streams."
    body = [f"return {' + '.join(names)}"]
    return _rule(name, "GBP/month", names, title, body, why, place)


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
