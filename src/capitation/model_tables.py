"""The tables of a contract's file, with those of the contract it is like, written out by line."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from capitation.engine.lines import KINDS_OF_LINE, Lines, name_for, stands_for, title_for
from capitation.engine.shapes import bad_names, shape_problems
from capitation.errors import InputError, Problem, nearest

BY_NAME = ("sum", "input", "term", "standard", "schedule", "source", *KINDS_OF_LINE)
"""Tables of which a contract takes over those that it does not write itself, one by one."""

LINE_KEYS = {"title": "text"}


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        raise InputError(Problem(path.name, f"not readable as TOML: {error}")) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(Problem(str(path), f"cannot be read: {error}")) from None


def with_those_of(
    table: dict[str, Any],
    file: str,
    find: Callable[[str], Path],
    lines: Lines,
    passed: tuple[str, ...] = (),
) -> dict[str, Any]:
    """A contract's tables, with those of the contract that it is ``like``.

    What the file says stands; of sums, inputs, terms, standards, sources and lines each stands by
    name, lines beside the national ones if the other contract has none of its own; of
    scenarios, all or none. ``more_rules`` stand beside the other contract's.

    Parameters
    ----------
    table : dict
        As the file has it.
    file : str
        For messages.
    find : callable
        Gives the path of a model's name.
    lines : mapping of str to mapping of str to str
        Titles of the national lines, by kind and key.
    passed : tuple of str
        The contracts that led here.

    Raises
    ------
    InputError
        If there is no such contract, or it is like itself.
    """
    name = table.get("like")
    if name is None:
        return table
    where = f"{file}, like"
    if not isinstance(name, str):
        raise InputError(Problem(where, f"found {name!r}", "the name of a model, in quotes"))
    if name in passed:
        circle = " → ".join((*passed, name))
        raise InputError(Problem(where, f"a circle: {circle}", "be like another contract"))
    path = find(name)
    other = with_those_of(read_toml(path), path.name, find, lines, (*passed, name))
    whole = {**other, **table}
    if isinstance(more := table.get("more_rules"), list) and isinstance(other.get("rules"), list):
        whole["rules"] = [*whole["rules"], *more]
    for kind in BY_NAME:
        own, taken = table.get(kind, {}), other.get(kind, {})
        if own and not taken and kind in lines:
            taken = {key: {"title": title} for key, title in lines[kind].items()}
        if isinstance(own, Mapping) and isinstance(taken, Mapping) and (own or taken):
            whole[kind] = {**taken, **own}
    return whole


def read_lines(
    table: Mapping[str, Any], file: str
) -> tuple[dict[str, dict[str, str]], list[Problem]]:
    """Read the lines that a file declares: ``[service.<key>]``, ``[segment.<key>]``.

    Returns
    -------
    lines : dict of str to dict of str to str
        Titles by kind and key; only kinds that the file has.
    problems : list of Problem
    """
    lines: dict[str, dict[str, str]] = {}
    problems: list[Problem] = []
    for kind in KINDS_OF_LINE:
        entries = table.get(kind, {})
        problems += bad_names(entries, f"{file}, {kind}")
        for key, entry in entries.items():
            place = f"{file}, {kind}.{key}"
            wrong = shape_problems(entry, LINE_KEYS, place)
            if not wrong and any(word in KINDS_OF_LINE for word in key.split("_")):
                wrong = [Problem(place, f"the key holds the word for a kind of line: {key!r}")]
            problems += wrong
            if not wrong:
                title = entry.get("title", key.replace("_", " ").capitalize())
                lines.setdefault(kind, {})[key] = title
    return lines, problems


def templates_in(tables: Mapping[str, Any], file: str) -> tuple[dict[str, Any], list[Problem]]:
    """Those of a file's terms, or inputs, that are written once for each line: they have ``each``.

    Parameters
    ----------
    tables : mapping of str to mapping
        The ``[term.<name>]`` or ``[input.<name>]`` tables.
    file : str
        For messages, with the kind of table.
    """
    found: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, entry in tables.items():
        if not isinstance(entry, Mapping) or "each" not in entry:
            continue
        kind, place = entry["each"], f"{file}.{name}, each"
        if kind not in KINDS_OF_LINE:
            problems.append(Problem(place, f"found {kind!r}", nearest(str(kind), KINDS_OF_LINE)))
        elif not stands_for(name, kind):
            mend = f"put the word {kind!r} where the line's key is to stand"
            problems.append(Problem(place, f"{name!r} does not say {kind!r}", mend))
        else:
            found[name] = entry
    return found, problems


def by_line(
    tables: Mapping[str, Any], lines: Lines, templates: Mapping[str, Any]
) -> dict[str, Any]:
    """Tables with those written once for each line written out; one of a line's own stands.

    Parameters
    ----------
    tables : mapping of str to mapping
        Terms, inputs, or the changes of a scenario, by name.
    lines : mapping of str to mapping of str to str
        Titles of the model's lines, by kind and key.
    templates : mapping of str to mapping
        The terms or inputs that have ``each``, by name.

    Examples
    --------
    >>> lines = {"service": {"community": "Community services"}}
    >>> templates = {"service_growth": {"each": "service", "title": "Growth"}}
    >>> by_line({"service_growth": templates["service_growth"]}, lines, templates)
    {'community_growth': {'title': 'Community services: growth'}}
    """
    written: dict[str, Any] = {}
    own = {
        name: {key: value for key, value in entry.items() if key != "each"}
        if isinstance(entry, Mapping)
        else entry
        for name, entry in tables.items()
        if name not in templates
    }
    for name in (name for name in tables if name in templates):
        kind = templates[name]["each"]
        entry = {key: value for key, value in tables[name].items() if key != "each"}
        for key, line in lines.get(kind, {}).items():
            titled = {"title": title_for(entry["title"], line)} if "title" in entry else {}
            written[name_for(name, kind, key)] = entry | titled
    return written | own
