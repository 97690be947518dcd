"""Lines: what a rule, a term or an input may be written once for, such as the lines of a service.

A model has lines of a few kinds, each with a key and a title: service lines (``community``),
segments of the population. A name in which the kind stands as a word, such as ``service_rate``,
stands for one name a line, such as ``community_rate``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from capitation.errors import Problem

KINDS_OF_LINE = ("service", "segment")

Lines = Mapping[str, Mapping[str, str]]
"""Titles of a model's lines, by kind and key."""


def over_lines(kind: str) -> str:
    """How a total says that it is over all lines of a kind.

    Examples
    --------
    >>> over_lines("service")
    'services'
    """
    return f"{kind}s"


def stands_for(name: str, kind: str) -> bool:
    """Whether a name stands for one name a line of a kind.

    Examples
    --------
    >>> stands_for("service_rate", "service"), stands_for("services_budget", "service")
    (True, False)
    """
    return kind in name.split("_")


def name_for(name: str, kind: str, key: str) -> str:
    """The name that a line has for a name that stands for one a line; any other as it is.

    Examples
    --------
    >>> name_for("previous_service_index", "service", "mental_health")
    'previous_mental_health_index'
    >>> name_for("cost_uplift", "service", "mental_health")
    'cost_uplift'
    """
    return "_".join(key if word == kind else word for word in name.split("_"))


def title_for(title: str, line: str) -> str:
    """The title that a line gives to what is written once for all lines.

    Examples
    --------
    >>> title_for("Share in scope", "Community services")
    'Community services: share in scope'
    """
    return f"{line}: {title[:1].lower()}{title[1:]}"


def faults_of_each(name: str, each: str, place: str) -> Iterator[Problem]:
    """What is wrong with writing something of this name once for each line of a kind."""
    if not each:
        return
    kinds = " or ".join(map(repr, KINDS_OF_LINE))
    if each not in KINDS_OF_LINE:
        yield Problem(place, f"each={each!r}", f"a kind of line is {kinds}")
    elif not stands_for(name, each):
        found = f"{name!r} is written once for each {each}, but does not say so"
        yield Problem(place, found, f"put the word {each!r} where the line's key is to stand")
