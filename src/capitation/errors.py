"""Faults in what the user gave us: where, what was found, what is allowed, how to mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One fault in an input, worded for the person who can mend it.

    Parameters
    ----------
    where : str
        The place: file, sheet and cell, or file and key.
    found : str
        What is wrong, with the value that was found.
    mend : str, optional
        What is allowed, or how to put it right.

    Examples
    --------
    >>> print(Problem("lists.csv, row 7", "weighted list is -120", "a list is zero or more"))
    lists.csv, row 7: weighted list is -120 (a list is zero or more)
    """

    where: str
    found: str
    mend: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.found}" + (f" ({self.mend})" if self.mend else "")


class InputError(ValueError):
    """The input is wrong. Holds every problem found, not only the first.

    Parameters
    ----------
    problems : Problem or iterable of Problem
        At least one.

    Attributes
    ----------
    problems : tuple of Problem

    Examples
    --------
    >>> raise InputError(Problem("model.toml", "no rules are named", "list them under 'rules'"))
    Traceback (most recent call last):
    ...
    capitation.errors.InputError: model.toml: no rules are named (list them under 'rules')
    """

    def __init__(self, problems: Problem | Iterable[Problem]):
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type[InputError], tuple[tuple[Problem, ...]]]:
        """How to make it anew where it is sent to: an exception's own way knows only the text."""
        return type(self), (self.problems,)


class RuleError(InputError):
    """A rule says something that a spreadsheet cell cannot say, or its units do not agree."""


def raise_if_any(problems: Iterable[Problem], kind: type[InputError] = InputError) -> None:
    """Raise one error of a kind that holds all of `problems`, if there are any."""
    found = tuple(problems)
    if found:
        raise kind(found)


NAMED = 5
"""Practices, months and other names that one message names."""


def listed(names: Iterable[str]) -> str:
    """The first few names, and a sign that there are more."""
    names = list(names)
    return ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")


def nearest(name: str, names: Iterable[str]) -> str:
    """Say which of `names` is most like `name`, as the end of a message.

    Examples
    --------
    >>> nearest("global_sun", ["global_sum", "seniority"])
    "did you mean 'global_sum'?"
    >>> nearest("xyz", ["seniority", "global_sum"])
    "known: 'global_sum', 'seniority'"
    """
    choices = sorted(set(names))
    close = difflib.get_close_matches(name, choices, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    shown = ", ".join(repr(choice) for choice in choices[:12])
    return f"known: {shown}" + (", …" if len(choices) > 12 else "")
