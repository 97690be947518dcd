"""What a formula says and what it refers to, however the program that saved it spells it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from openpyxl.formula import Tokenizer
from openpyxl.formula.tokenizer import Token, TokenizerError
from openpyxl.utils import column_index_from_string, get_column_letter

from capitation.workbook.page import quoted

_SHEET = r"(?:'(?:[^']|'')+'|[^\W\d][\w.]*)!"
_CELL = r"\$?[A-Za-z]{1,3}\$?[1-9][0-9]{0,6}"
_TEXT_OR_REFERENCE = re.compile(
    rf'"(?:[^"]|"")*"|(?<![\w.$!\'])(?P<sheet>{_SHEET})?(?P<first>{_CELL})'
    rf"(?::(?:{_SHEET})?(?P<last>{_CELL}))?(?![\w(.!])"
)
REFERENCE = rf"(?:{_SHEET})?{_CELL}(?::(?:{_SHEET})?{_CELL})?"
"""Pattern of one cell or range, as formulas refer to it."""

_PARTS = re.compile(r"(\$?)([A-Za-z]{1,3})(\$?)([1-9][0-9]{0,6})")
_NEWER = ("_XLFN.", "_XLWS.")


@dataclass(frozen=True)
class Reference:
    """Cells that a formula refers to.

    Attributes
    ----------
    sheet : str
    top, left, bottom, right : int
        Rows and columns, counted from one.
    """

    sheet: str
    top: int
    left: int
    bottom: int
    right: int

    def __str__(self) -> str:
        first, last = self.names[0], self.names[-1]
        return f"{quoted(self.sheet)}!{first}" + (f":{last}" if self.count > 1 else "")

    @property
    def count(self) -> int:
        """How many cells it is."""
        return (self.bottom - self.top + 1) * (self.right - self.left + 1)

    @property
    def names(self) -> list[str]:
        """Its cells, row by row."""
        letters = [get_column_letter(column) for column in range(self.left, self.right + 1)]
        return [f"{a}{row}" for row in range(self.top, self.bottom + 1) for a in letters]


def references(formula: str, sheet: str) -> Iterator[Reference]:
    """What a formula refers to, in order.

    Parameters
    ----------
    formula : str
    sheet : str
        On which it stands.

    Examples
    --------
    >>> found = references("=SUM('By practice'!$F$6:F9)*B2", "Summary")
    >>> print(*found)
    'By practice'!F6:F9 Summary!B2
    """
    for _, reference in placed_references(formula, sheet):
        yield reference


def placed_references(formula: str, sheet: str) -> Iterator[tuple[int, Reference]]:
    """What a formula refers to, each with the place in the formula where it is written."""
    for match in _TEXT_OR_REFERENCE.finditer(formula):
        if match["first"]:
            yield match.start(), _reference(match, sheet)


def _reference(match: re.Match[str], sheet: str) -> Reference:
    named = sheet_name(match["sheet"][:-1]) if match["sheet"] else sheet
    places = [place_of(match["first"]), place_of(match["last"] or match["first"])]
    rows, columns = zip(*places, strict=True)
    return Reference(named, min(rows), min(columns), max(rows), max(columns))


def sheet_name(written: str) -> str:
    """A sheet's name as a formula has it, without quotes.

    Examples
    --------
    >>> sheet_name("'Bob''s'")
    "Bob's"
    """
    return written[1:-1].replace("''", "'") if written.startswith("'") else written


def place_of(cell: str) -> tuple[int, int]:
    """Row and column of a cell.

    Examples
    --------
    >>> place_of("$C8")
    (8, 3)
    """
    found = _PARTS.fullmatch(cell)
    assert found
    return int(found[4]), column_index_from_string(found[2].upper())


def moved(formula: str, sheet: str, move: Callable[[str, int, int], tuple[int, int]]) -> str:
    """A formula with its references moved.

    Parameters
    ----------
    formula : str
    sheet : str
        On which it stands.
    move : callable
        Gives row and column for a sheet, row and column.

    Examples
    --------
    >>> moved("=A1+Terms!$E$9", "Summary", lambda sheet, row, column: (row + 1, column))
    '=A2+Terms!$E$10'
    """

    def rewritten(match: re.Match[str]) -> str:
        if not match["first"]:
            return match[0]
        named = sheet_name(match["sheet"][:-1]) if match["sheet"] else sheet

        def cell(found: re.Match[str]) -> str:
            row, column = move(named, int(found[4]), column_index_from_string(found[2].upper()))
            return f"{found[1]}{get_column_letter(column)}{found[3]}{row}"

        cells = [_PARTS.sub(cell, text) for text in (match["first"], match["last"]) if text]
        return f"{match['sheet'] or ''}{':'.join(cells)}"

    return _TEXT_OR_REFERENCE.sub(rewritten, formula)


def same_formula(one: str, other: str) -> bool:
    """Whether two formulas say the same, but for how a program spells it.

    Examples
    --------
    >>> same_formula("=SUM(Terms!$E$7:$E$9)/2", "= sum('Terms'!E7:E9) / 2.0")
    True
    >>> same_formula("=A1", "=A2")
    False
    """
    return one == other or _words(one) == _words(other)


def _words(formula: str) -> list[str] | str:
    try:
        tokens = Tokenizer(formula).items
        return [_word(token) for token in tokens if token.type != Token.WSPACE]
    except (TokenizerError, IndexError, ValueError):
        return formula  # whoever typed it: no formula at all, and like none of ours


def _word(token: Token) -> str:
    if token.type == Token.FUNC:
        name = token.value.upper()
        for newer in _NEWER:
            name = name.replace(newer, "")
        return name
    if token.type == Token.OPERAND and token.subtype == Token.NUMBER:
        return repr(float(token.value))
    if token.type == Token.OPERAND and token.subtype == Token.RANGE:
        match = _TEXT_OR_REFERENCE.fullmatch(token.value)
        if match and match["first"]:
            return str(_reference(match, ""))
    return str(token.value)
