"""What a formula is made from: the cells that it takes its figure from, where that can be told."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from capitation.workbook.audit.formula_reading import (
    REFERENCE,
    Reference,
    placed_references,
    references,
)
from capitation.workbook.audit.saved_book import Held

ValueOf = Callable[[str, str], Held]
"""Gives the value of a cell, from its sheet and name."""

_OF_A_YEAR = re.compile(
    rf"(?:SUMIFS|AVERAGEIFS)\(({REFERENCE}),({REFERENCE}),({REFERENCE})\)", re.IGNORECASE
)
_LOOKED_UP = re.compile(
    rf"INDEX\(({REFERENCE}),MATCH\(({REFERENCE}),({REFERENCE}),([01])\)\)", re.IGNORECASE
)
_NTH = re.compile(rf"INDEX\(({REFERENCE}),({REFERENCE})-({REFERENCE})\+1\)", re.IGNORECASE)


@dataclass(frozen=True)
class Ingredient:
    """Cells that a formula takes together.

    Attributes
    ----------
    sheet : str
    names : tuple of str
        Those of the range that count: of a sum by year, the months of that year.
    written : str
        The range as the formula refers to it.
    """

    sheet: str
    names: tuple[str, ...]
    written: str


def ingredients(formula: str, sheet: str, value_of: ValueOf) -> list[Ingredient]:
    """What a formula is made from, in order, each once.

    Parameters
    ----------
    formula : str
    sheet : str
        On which it stands.
    value_of : callable
        Gives the value of a cell.

    Examples
    --------
    >>> values = {"A1": 2015.0, "B1": 2016.0, "C9": 2016.0}
    >>> found = ingredients("=SUMIFS(A2:B2,A1:B1,C9)*D4", "Years", lambda _, name: values[name])
    >>> [(made.written, made.names) for made in found]
    [('Years!A2:B2', ('B2',)), ('Years!D4', ('D4',))]
    """
    found: list[tuple[int, Ingredient]] = []
    for pattern, chosen in ((_OF_A_YEAR, _of_a_year), (_LOOKED_UP, _looked_up), (_NTH, _nth)):
        for match in pattern.finditer(formula):
            parts = [_reference(text, sheet) for text in match.groups() if text not in ("0", "1")]
            names = chosen(parts, value_of, match.group(match.lastindex or 0) == "0")
            if names is not None:
                made = Ingredient(parts[0].sheet, names, str(parts[0]))
                found.append((match.start(), made))
                gap = " " * (match.end() - match.start())
                formula = formula[: match.start()] + gap + formula[match.end() :]
    for start, reference in placed_references(formula, sheet):
        found.append((start, Ingredient(reference.sheet, tuple(reference.names), str(reference))))
    return list(dict.fromkeys(made for _, made in sorted(found, key=lambda pair: pair[0])))


def _reference(text: str, sheet: str) -> Reference:
    return next(references(text, sheet))


def _of_a_year(parts: list[Reference], value_of: ValueOf, _: bool) -> tuple[str, ...] | None:
    """The cells of a range beside which another range has what is wanted."""
    amounts, years, year = parts
    wanted = value_of(year.sheet, year.names[0])
    if amounts.count != years.count:
        return None
    pairs = zip(amounts.names, years.names, strict=True)
    return tuple(name for name, at in pairs if value_of(years.sheet, at) == wanted)


def _looked_up(parts: list[Reference], value_of: ValueOf, exactly: bool) -> tuple[str, ...] | None:
    """The cell of a range beside the last date not after the one wanted, or the very one."""
    values, wanted, among = parts
    sought = value_of(wanted.sheet, wanted.names[0])
    pairs = zip(values.names, (value_of(among.sheet, name) for name in among.names), strict=False)
    if exactly:
        found = [name for name, at in pairs if at == sought][:1]
    elif isinstance(sought, float):
        found = [name for name, at in pairs if isinstance(at, float) and at <= sought][-1:]
    else:
        return None
    return tuple(found) or None


def _nth(parts: list[Reference], value_of: ValueOf, _: bool) -> tuple[str, ...] | None:
    """The cell of a range at a place that two cells tell."""
    values, here, first = parts
    at, begins = (value_of(part.sheet, part.names[0]) for part in (here, first))
    if not isinstance(at, float) or not isinstance(begins, float):
        return None
    place = int(at - begins)
    return (values.names[place],) if 0 <= place < values.count else None
