"""Is a TOML file of the right shape? Checked before anything is read from it."""

from __future__ import annotations

import datetime as dt
import keyword
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from capitation.errors import Problem, nearest

FURTHEST = 1200
"""Months: a hundred years, as far as a start, a delay or a projection may reach."""


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_date(value: Any) -> bool:
    return type(value) is dt.date


def _is_day(value: Any) -> bool:
    return _is_text(value) or _is_date(value)


def _is_count(value: Any) -> bool:
    return type(value) is int and abs(value) <= FURTHEST


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(v, str) and v for v in value)


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping)


def _is_tables(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(v, Mapping) for v in value.values())


def _is_values(value: Any) -> bool:
    return isinstance(value, list) and bool(value)


def _is_rows(value: Any) -> bool:
    return _is_values(value) and all(isinstance(v, Mapping) for v in value)


KINDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "text": (_is_text, "a text in quotes"),
    "date": (_is_date, "a date such as 2015-04-01"),
    "day": (_is_day, "a date, or a text such as 2015-04"),
    "count": (_is_count, f"a whole number, up to {FURTHEST}"),
    "names": (_is_names, 'a list of texts such as ["global_sum", "qof"]'),
    "table": (_is_table, "a table"),
    "tables": (_is_tables, "a table of tables"),
    "values": (_is_values, "a list of values"),
    "rows": (_is_rows, "a list of tables such as [{ from = 2015-04-01, value = 95, source = … }]"),
    "any": (lambda value: True, ""),
}
"""Kinds of value: the test, and how a message names it."""


def fits(kind: str, value: Any) -> bool:
    """Whether a value is of a kind: see `KINDS`."""
    return KINDS[kind][0](value)


def shape_problems(entry: Any, keys: Mapping[str, str], place: str) -> list[Problem]:
    """Say which keys of a table are unknown, and which hold a value of the wrong kind.

    Parameters
    ----------
    entry : object
        What the file holds at this place; a table is wanted.
    keys : mapping of str to str
        Known keys, with the kind of each: a key of `KINDS`.
    place : str
        For messages.

    Returns
    -------
    list of Problem

    Examples
    --------
    >>> for problem in shape_problems({"titel": "A", "months": "12"}, {"title": "text",
    ...     "months": "count"}, "my.toml"):
    ...     print(problem)
    my.toml: the key 'titel' is not known (did you mean 'title'?)
    my.toml, months: expected a whole number, up to 1200, found '12'
    """
    if not fits("table", entry):
        return [Problem(place, f"expected a table, found {entry!r}")]
    problems = []
    for key, value in entry.items():
        if key not in keys:
            problems.append(Problem(place, f"the key {key!r} is not known", nearest(key, keys)))
            continue
        if not fits(keys[key], value):
            wanted = KINDS[keys[key]][1]
            problems.append(Problem(f"{place}, {key}", f"expected {wanted}, found {value!r}"))
    return problems


def bad_names(names: Iterable[str], place: str) -> list[Problem]:
    """A problem for each name that no rule could bear."""
    return [
        Problem(place, f"{name!r} cannot be a name", "letters, digits and _, not a Python word")
        for name in names
        if not name.isidentifier() or keyword.iskeyword(name)
    ]
