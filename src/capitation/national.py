"""The national figures that come with the library: dated, sourced, one file a subject."""

from __future__ import annotations

import functools
import tomllib
from importlib import resources

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
    terms, sources, _ = _national()
    return terms, sources


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
    return _national()[2]


@functools.cache
def _national() -> tuple[dict[str, Term], dict[str, Source], dict[str, PracticeInput]]:
    tables = {}
    for file in resources.files("capitation.terms").iterdir():
        if file.name.endswith(".toml"):
            tables[file.name] = tomllib.loads(file.read_text("utf-8"))
    sources: dict[str, Source] = {}
    terms: dict[str, Term] = {}
    inputs: dict[str, PracticeInput] = {}
    problems: list[Problem] = []
    for name, table in sorted(tables.items()):
        found, wrong = read_sources(table, name)
        sources |= found
        problems += wrong
    for name, table in sorted(tables.items()):
        read, wrong = read_terms(table.get("term", {}), name, sources)
        terms |= read
        asked, also_wrong = read_inputs(table.get("input", {}), name, sources)
        inputs |= asked
        problems += [*wrong, *also_wrong]
    raise_if_any(problems)
    return terms, sources, inputs
