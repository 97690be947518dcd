"""Words and figures on a screen: tables, lists, JSON and messages."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

MOST_SHOWN = 12
"""Rows of a table on the screen, and names in a line."""

WIDEST = 79
"""Letters on one line of a terminal."""


def table(rows: Iterable[tuple[str, ...]], align: Callable[[str, int], str] = str.rjust) -> str:
    """Columns of text: the first to the left, the others as said.

    Examples
    --------
    >>> print(table([("Year", "Cost"), ("2015/16", "£9")]))
    Year     Cost
    2015/16    £9
    """
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *others in rows:
        aligned = [align(cell, width) for cell, width in zip(others, widths[1:], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *aligned]).rstrip())
    return "\n".join(lines)


def listed(items: Iterable[str], between: str = ", ") -> str:
    """As many of some texts as are shown, and how many more there are."""
    items = list(items)
    more = [f"and {len(items) - MOST_SHOWN} more"] if len(items) > MOST_SHOWN else []
    return between.join([*items[:MOST_SHOWN], *more])


def in_pounds(amount: float) -> str:
    """A sum in whole pounds, for what is known to no more than that.

    Examples
    --------
    >>> in_pounds(-1234.5), in_pounds(-0.2)
    ('-£1,234', '£0')
    """
    return f"{'-' if round(amount) < 0 else ''}£{abs(amount):,.0f}"


def as_json(found: Any) -> str:
    """Data as JSON, for programs."""
    return json.dumps(found, indent=2, ensure_ascii=False)


def tell(message: str) -> None:
    """Put a message on one line of stderr, whatever the file that it quotes holds."""
    print("".join(c if c.isprintable() else " " for c in message), file=sys.stderr)


@contextmanager
def stage(words: str) -> Iterator[Callable[[str], None]]:
    """Say on a terminal, and nowhere else, what is being done; then take it back.

    Yields
    ------
    callable
        Says in a few words how far it is.
    """
    shown = sys.stderr.isatty()

    def say(more: str = "") -> None:
        if shown:
            told = f"{words}{f': {more}' if more else ''} …"
            print(f"\r\033[K{told[:WIDEST]}", end="", file=sys.stderr, flush=True)

    say()
    try:
        yield say
    finally:
        if shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def tell_notes(notes: Iterable[str]) -> None:
    """Put what a result notes on stderr."""
    for note in notes:
        tell(f"note: {note}")
