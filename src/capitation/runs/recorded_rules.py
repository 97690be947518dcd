"""Are recorded rules nothing but rules? A record comes from a file, which anybody may have written.

A kernel is made from the text of rules, so that text is held to the language of rules once more
before any of it is run, and so are the names.
"""

from __future__ import annotations

import ast
import keyword
from collections.abc import Iterator, Mapping
from typing import Any

from capitation.engine.graph import DIMENSIONS
from capitation.engine.language import Checker
from capitation.engine.record import definition_of
from capitation.engine.rule import OVER, Total
from capitation.errors import Problem, raise_if_any

_KINDS = ("given", "input", "calendar", "rule", "total")


def check_recorded(variables: Mapping[str, Any], where: str) -> None:
    """Refuse recorded variables that are no rules, totals, inputs or terms of ours.

    Parameters
    ----------
    variables : mapping of str to DataArray
        By name, each with dimensions and attributes.
    where : str
        Where the record was found, for messages.

    Raises
    ------
    InputError
        For a name that is no name, a dimension that no result has, and a rule whose text says what
        a rule cannot say.
    """
    problems: list[Problem] = []
    for name, variable in variables.items():
        place = f"{where}, {name!r}"
        kind = variable.attrs.get("kind", "")
        if not name.isidentifier() or keyword.iskeyword(name) or name.endswith("_"):
            problems.append(Problem(place, "is no name of a rule or an input"))
        elif not set(variable.dims) <= set(DIMENSIONS) or len(set(variable.dims)) < len(
            variable.dims
        ):
            problems.append(Problem(place, f"has dimensions {tuple(variable.dims)}"))
        elif kind not in _KINDS and not kind.endswith("term"):
            problems.append(Problem(place, f"is of the kind {kind!r}"))
        elif kind in ("rule", "total"):
            problems += _faults_of_definition(name, variable.attrs, place)
    raise_if_any(problems)


def _faults_of_definition(
    name: str, attributes: Mapping[str, Any], place: str
) -> Iterator[Problem]:
    if attributes["kind"] == "rule":
        body = ast.parse(attributes["text"]).body
        if len(body) != 1 or not isinstance(body[0], ast.FunctionDef) or body[0].name != name:
            yield Problem(place, "its text is not the one function of a rule")
            return
    definition = definition_of(name, attributes)
    if isinstance(definition, Total):
        if definition.over not in OVER:
            yield Problem(place, f"a total over {definition.over!r}")
        return
    tree = definition.tree
    if tree.decorator_list or getattr(tree, "type_params", None):
        yield Problem(place, "its text is not the one function of a rule")
    checker = Checker(tree, place, dict[str, Any](definition.constants))
    checker.check(definition.unit, definition.source, definition.assumption)
    yield from checker.problems
