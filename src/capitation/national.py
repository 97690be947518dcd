"""The national figures that come with the library: dated, sourced, one file a subject."""

from __future__ import annotations

import functools
import tomllib
from importlib import resources

from capitation.engine.terms import Source, Term, read_sources, read_terms
from capitation.errors import Problem, raise_if_any


@functools.cache
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
    tables = {}
    for file in resources.files("capitation.terms").iterdir():
        if file.name.endswith(".toml"):
            tables[file.name] = tomllib.loads(file.read_text("utf-8"))
    sources: dict[str, Source] = {}
    terms: dict[str, Term] = {}
    problems: list[Problem] = []
    for name, table in sorted(tables.items()):
        found, wrong = read_sources(table, name)
        sources |= found
        problems += wrong
    for name, table in sorted(tables.items()):
        read, wrong = read_terms(table.get("term", {}), name, sources)
        terms |= read
        problems += wrong
    raise_if_any(problems)
    return terms, sources
