"""The national figures that come with the library: dated, sourced, one file a subject."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from capitation.engine.lines import Lines
from capitation.engine.schedules import NamedSchedule, read_named_schedules
from capitation.engine.term_tables import read_sources, read_terms
from capitation.engine.terms import Source, Term
from capitation.errors import Problem, raise_if_any
from capitation.input_tables import read_inputs
from capitation.model_tables import by_line, read_lines, templates_in
from capitation.practices import PracticeInput


def national_terms() -> tuple[dict[str, Term], dict[str, Source]]:
    """The national figures that come with the library, and their sources.

    Returns
    -------
    terms : dict of str to Term
    sources : dict of str to Source

    Examples
    --------
    >>> terms, sources = national_terms()
    >>> import datetime as dt
    >>> terms["global_sum_price"].at(dt.date(2015, 10, 1))
    76.51
    """
    known = _national()
    return known.terms, known.sources


def national_inputs() -> dict[str, PracticeInput]:
    """What the national files know of a practice whose own data do not say it.

    A model has one of them only if a rule of it reads it.

    Returns
    -------
    dict of str to PracticeInput

    Examples
    --------
    >>> national_inputs()["share_of_list_aged_85_and_over"].value
    0.023
    """
    return _national().inputs


def national_schedules() -> dict[str, NamedSchedule]:
    """The schedules that a term may follow by name.

    Returns
    -------
    dict of str to NamedSchedule

    Examples
    --------
    >>> national_schedules()["four-equal-years"].steps
    ('3/4', '1/2', '1/4', 0)
    """
    return _national().schedules


def national_lines() -> Lines:
    """Titles of the lines that a model has unless it has its own, by kind and key.

    Examples
    --------
    >>> national_lines()["service"]["community"]
    'Community services'
    """
    return _national().lines


def national_templates(table: str) -> Mapping[str, Any]:
    """The national terms, or inputs, that are written once for each line, as their file has them.

    Parameters
    ----------
    table : {"term", "input"}
    """
    return _national().templates[table]


def national_presets() -> Mapping[str, Any]:
    """Named sets of changes to terms, such as the corridors of a risk share.

    Returns
    -------
    mapping of str to mapping
        By name: ``title``, and ``term``, a mapping of the keys that change.
    """
    return _national().presets


@dataclass(frozen=True)
class _National:
    terms: dict[str, Term]
    sources: dict[str, Source]
    inputs: dict[str, PracticeInput]
    schedules: dict[str, NamedSchedule]
    lines: Lines
    templates: dict[str, dict[str, Any]]
    presets: dict[str, Any]


@functools.cache
def _national() -> _National:
    tables = {}
    for file in resources.files("capitation.terms").iterdir():
        if file.name.endswith(".toml"):
            tables[file.name] = tomllib.loads(file.read_text("utf-8"))
    sources: dict[str, Source] = {}
    schedules: dict[str, NamedSchedule] = {}
    lines: dict[str, dict[str, str]] = {}
    presets: dict[str, Any] = {}
    templates: dict[str, dict[str, Any]] = {"term": {}, "input": {}}
    problems: list[Problem] = []
    for name, table in sorted(tables.items()):
        found, wrong = read_sources(table, name)
        sources |= found
        named, also_wrong = read_named_schedules(table.get("schedule", {}), name)
        schedules |= named
        declared, wrong_lines = read_lines(table, name)
        lines |= declared
        presets |= table.get("preset", {})
        problems += [*wrong, *also_wrong, *wrong_lines]
        for kind, own in templates.items():
            repeated, wrong = templates_in(table.get(kind, {}), f"{name}, {kind}")
            own |= repeated
            problems += wrong
    terms: dict[str, Term] = {}
    inputs: dict[str, PracticeInput] = {}
    for name, table in sorted(tables.items()):
        written = {kind: by_line(table.get(kind, {}), lines, templates[kind]) for kind in templates}
        read, wrong = read_terms(written["term"], name, sources, schedules)
        asked, also_wrong = read_inputs(written["input"], name, sources)
        for twice in sorted({*read, *asked} & {*terms, *inputs}):
            problems.append(Problem(name, f"{twice!r} stands in another file too", "rename one"))
        terms |= read
        inputs |= asked
        problems += [*wrong, *also_wrong]
    raise_if_any(problems)
    return _National(terms, sources, inputs, schedules, lines, templates, presets)
