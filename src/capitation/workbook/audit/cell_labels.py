"""What a cell is, in the words that stand beside and above it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from openpyxl.utils import get_column_letter
from openpyxl.utils.datetime import from_excel

from capitation.engine.calendar import in_words as day_in_words
from capitation.explanation import show
from capitation.workbook.audit.cell_comparison import MONEY
from capitation.workbook.audit.formula_reading import place_of
from capitation.workbook.audit.saved_book import Held, SavedCell
from capitation.workbook.story.budget_shown import PART_YEAR
from capitation.workbook.verdicts import FAIL, NO_BUDGET, PASS, UNTESTED

LAST_DAY = 2_000_000
"""Somewhat fewer than the days that spreadsheets can count."""

_IN_PLACE_OF_A_FIGURE = (PART_YEAR, PASS, FAIL, UNTESTED, NO_BUDGET)
"""Texts that are no heading of the figures under them."""

_AS_FAR = 400
"""Rows up to which a heading is looked for."""


def label_of(cells: Mapping[str, SavedCell], name: str) -> str:
    """The texts to the left of a cell and, unless it is a text itself, the nearest text above it.

    Parameters
    ----------
    cells : mapping of str to SavedCell
        Of its sheet, by name.
    name : str
        Such as ``C8``.

    Examples
    --------
    >>> cells = {"A2": SavedCell("", "Stream"), "C2": SavedCell("", "2015/16 £")}
    >>> cells |= {"A4": SavedCell("", "Global sum"), "C3": SavedCell("", 2015.0)}
    >>> label_of(cells, "C4")
    'Global sum; 2015/16 £'
    """
    row, column = place_of(name)
    beside = [_text(cells.get(f"{get_column_letter(n)}{row}")) for n in range(1, column)]
    letter = get_column_letter(column)
    above = (_text(cells.get(f"{letter}{n}")) for n in range(row - 1, max(0, row - _AS_FAR), -1))
    headings = (text for text in above if text and text not in _IN_PLACE_OF_A_FIGURE)
    heading = "" if _text(cells.get(name)) else next(headings, "")
    words = list(dict.fromkeys(text for text in beside if text))
    return "; ".join(filter(None, [", ".join(words), heading]))


def _text(cell: SavedCell | None) -> str:
    return cell.value.strip() if cell is not None and isinstance(cell.value, str) else ""


def as_typed(cell: SavedCell, form: str) -> str:
    """What a cell holds as one types it: its formula with what that comes to, or its value."""
    value = in_words(cell.value, form)
    return f"{cell.formula} (= {value})" if cell.formula else value


def in_words(value: Held, form: str) -> str:
    """A value as a reader wants it: pounds, a date, a number or a text.

    Parameters
    ----------
    value : float, bool, str or None
    form : str
        The number format of its cell.

    Examples
    --------
    >>> in_words(42095.0, "mmm yyyy"), in_words(12.5, "#,##0.00"), in_words("OK", "@")
    ('1 April 2015', '£12.50', "'OK'")
    """
    if value is None:
        return "not saved"
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, str):
        return repr(value)
    if "yy" in form and 1 <= value < LAST_DAY:
        day = from_excel(value)
        return day_in_words(day.date()) if isinstance(day, dt.datetime) else str(value)
    return show(value, "GBP" if form in MONEY else "1")
