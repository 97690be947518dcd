"""The national figures that come with the library: dated, sourced, one file a subject."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from importlib import resources

from capitation.engine.schedules import NamedSchedule, read_named_schedules
from capitation.engine.terms import Source, Term, read_sources, read_terms
from capitation.errors import Problem, raise_if_any
from capitation.input_tables import read_inputs
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


@dataclass(frozen=True)
class _National:
    terms: dict[str, Term]
    sources: dict[str, Source]
    inputs: dict[str, PracticeInput]
    schedules: dict[str, NamedSchedule]


@functools.cache
def _national() -> _National:
    tables = {}
    for file in resources.files("capitation.terms").iterdir():
        if file.name.endswith(".toml"):
            tables[file.name] = tomllib.loads(file.read_text("utf-8"))
    sources: dict[str, Source] = {}
    terms: dict[str, Term] = {}
    inputs: dict[str, PracticeInput] = {}
    schedules: dict[str, NamedSchedule] = {}
    problems: list[Problem] = []
    for name, table in sorted(tables.items()):
        found, wrong = read_sources(table, name)
        sources |= found
        named, also_wrong = read_named_schedules(table.get("schedule", {}), name)
        schedules |= named
        problems += [*wrong, *also_wrong]
    for name, table in sorted(tables.items()):
        read, wrong = read_terms(table.get("term", {}), name, sources, schedules)
        terms |= read
        asked, also_wrong = read_inputs(table.get("input", {}), name, sources)
        inputs |= asked
        problems += [*wrong, *also_wrong]
    raise_if_any(problems)
    return _National(terms, sources, inputs, schedules)
