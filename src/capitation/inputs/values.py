"""What a cell of the input workbook is to hold, read strictly: nothing is guessed."""

from __future__ import annotations

import datetime as dt
import math
import re
import unicodedata
from collections.abc import Callable
from typing import Any

from capitation.engine.calendar import in_words, months_of
from capitation.engine.terms import format_number
from capitation.inputs.layout import NO, YES
from capitation.sources.workbook_cells import Unreadable, clean

EARLIEST, LATEST = dt.date(1900, 1, 1), dt.date(2200, 12, 31)

LARGEST = 1e15
"""From here on a spreadsheet does not keep every digit; no figure of a practice is near it."""

_PLAIN = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)
_FRACTION = re.compile(r"[-+]?\d+ ?/ ?\d+", re.ASCII)
_ISO = re.compile(r"(\d{4})-(\d\d)(?:-(\d\d))?", re.ASCII)
_DECIMAL_COMMA = re.compile(r"[-+]?£?\d+,(\d{1,2}|\d{4,})", re.ASCII)
"""One comma that does not part thousands."""

_NOTHING = frozenset({"-", "–", "—", "n/a", "na", "nil", "none", "not applicable"})
"""What is written where there is no figure."""

_DATE_LIKE = re.compile(r"\d{1,4}[/.\- ]\d{1,2}[/.\- ]\d{1,4}", re.ASCII)


class WrongValue(Exception):  # noqa: N818
    """A cell holds something else than it should.

    Parameters
    ----------
    found : str
        What is wrong, with what was found.
    mend : str, optional
    """

    def __init__(self, found: str, mend: str = ""):
        self.found = found
        self.mend = mend
        super().__init__(found)


def said(value: Any) -> str:
    """What a cell holds, in words.

    Examples
    --------
    >>> said("eight thousand"), said(-3.0), said(True), said(dt.datetime(2026, 7, 6))
    ('text "eight thousand"', '-3', 'TRUE', 'the date 6 July 2026')
    """
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        return format_number(value) if math.isfinite(value) else str(value)
    if isinstance(value, dt.date):
        return f"the date {in_words(value)}"
    if isinstance(value, dt.time | dt.timedelta):
        return f"the time {value}"
    text = str(value)
    return f'text "{text[:40]}{"…" if len(text) > 40 else ""}"'


def read_text(value: Any) -> str:
    """Free text. What a spreadsheet made a number or a date of is written out again."""
    if isinstance(value, dt.date):
        return value.strftime("%Y-%m-%d")
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        return format_number(float(value)) if math.isfinite(value) else str(value)
    return str(value)


def read_name(value: Any) -> str:
    """Text that is no number."""
    if not isinstance(value, str):
        mend = "format the cell as text, and type it again"
        raise WrongValue(f"expected text, found {_kind(value)}{said(value)}", mend)
    name = clean(value)
    if any(unicodedata.category(letter) in ("Cc", "Cf") for letter in name):
        raise WrongValue("holds a letter that cannot be seen", "type it again")
    return name


def read_code(value: Any) -> str:
    """Text without blanks in it."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        mend = "format the cell as text, and type the code again, with every zero it begins with"
        raise WrongValue(f"expected a code, found the number {said(value)}", mend)
    code = read_name(value)
    if " " in code:
        raise WrongValue(f"expected a code without blanks, found {code!r}", "take the blanks out")
    return code


def read_number(value: Any) -> float:
    """A finite number that is a number to the spreadsheet too, and not text."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrongValue(f"expected a number, found {said(value)}", number_hint(value))
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number) or abs(number) > LARGEST:
        raise WrongValue("the number is not finite, or beyond any figure", "type it again")
    return number


def read_figure(value: Any) -> str | float:
    """A number, an exact fraction as text, or the name of a choice.

    A number as text is taken as well, since cells for fractions are formatted as text.
    """
    if isinstance(value, dt.date):
        mend = "for a fraction such as 6/7 type an apostrophe first: '6/7"
        raise WrongValue(f"expected a number, found {said(value)}", mend)
    if not isinstance(value, str):
        return read_number(value)
    text = clean(value).replace("⁄", "/")
    if _PLAIN.fullmatch(text):
        return read_number(float(text))
    if _FRACTION.fullmatch(text):
        text = text.replace(" ", "")
        if float(text.split("/")[1]) == 0:
            raise WrongValue(f"expected a fraction, found text {text!r}", "nothing divides by 0")
    return text


def read_date(value: Any) -> dt.date:
    """A date of the spreadsheet, or text that can mean one day only: 2015-04-01 or 2015-04."""
    if isinstance(value, dt.datetime):
        if value.time() != dt.time():
            raise WrongValue(f"expected a date, found {value}", "leave the time of day out")
        day = value.date()
    elif isinstance(value, str):
        day = _day_of(clean(value))
    else:
        mend = "type a date, as 2015-04-01, and format the cell as a date"
        raise WrongValue(f"expected a date, found {_kind(value)}{said(value)}", mend)
    if not EARLIEST <= day <= LATEST:
        raise WrongValue(f"expected a date, found {in_words(day)}", "of the years 1900 to 2200")
    return day


def _day_of(text: str) -> dt.date:
    match = _ISO.fullmatch(text)
    mend = "type it as a date, or as 2015-04-01"
    if _DATE_LIKE.fullmatch(text) and not match:
        mend = f"{mend}: day and month of a text could be taken for each other"
    if match:
        try:
            return dt.date(int(match[1]), int(match[2]), int(match[3] or 1))
        except ValueError:
            mend = "there is no such day"
    raise WrongValue(f"expected a date, found {said(text)}", mend)


def read_date_or_words(value: Any) -> str:
    """A date, as text, or words that cannot be mistaken for another day."""
    if isinstance(value, str) and not _DATE_LIKE.fullmatch(clean(value)):
        return read_text(value)
    return read_date(value).isoformat()


def read_month(value: Any) -> dt.date:
    """The first day of a month."""
    day = read_date(value)
    if day.day != 1:
        found = f"expected the first day of a month, found {in_words(day)}"
        raise WrongValue(found, f"write {day.replace(day=1)}")
    return day


def read_year(value: Any) -> str:
    """A fiscal year, such as 2014/15."""
    mend = "write it as 2014/15, in a cell that is formatted as text"
    if not isinstance(value, str):
        raise WrongValue(f"expected a fiscal year, found {_kind(value)}{said(value)}", mend)
    year = clean(value).replace("⁄", "/")
    try:
        first = months_of(year)[0]
    except ValueError:
        raise WrongValue(f"expected a fiscal year, found {said(value)}", mend) from None
    if not EARLIEST <= first <= LATEST:
        raise WrongValue(f"expected a fiscal year, found {said(value)}", mend)
    return year


def read_yes(value: Any) -> bool:
    """Yes or no."""
    text = clean(value).lower() if isinstance(value, str) else value
    if text in (YES, NO) or isinstance(text, bool):
        return text in (YES, True)
    raise WrongValue(f"expected {YES} or {NO}, found {said(value)}")


def checked(value: Any) -> Any:
    """What a cell holds, unless it holds an error.

    Raises
    ------
    WrongValue
    """
    if isinstance(value, Unreadable):
        raise WrongValue(value.found, value.mend)
    return value


READERS: dict[str, Callable[[Any], Any]] = {
    "text": read_text,
    "code": read_code,
    "name": read_name,
    "choice": read_name,
    "number": read_number,
    "figure": read_figure,
    "date": read_date,
    "month": read_month,
    "year": read_year,
}
"""How a cell of each kind is read."""


def _kind(value: Any) -> str:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return "number " if is_number else ""


def number_hint(value: Any) -> str:
    """How to write what is nearly a number."""
    if isinstance(value, dt.date | dt.time | dt.timedelta):
        return "format the cell as a number, and type the figure again"
    if not isinstance(value, str):
        return "0 where there is none" if value is None else "type a number"
    text = clean(value)
    if text.casefold() in _NOTHING:
        return "write 0 where there is none"
    if text.casefold() in (YES, NO):
        return "write 1 for yes, 0 for no"
    if _DECIMAL_COMMA.fullmatch(text):
        return "write a point and no comma before decimals, as 0.5"
    digits = text.replace("£", "").replace(",", "").replace(" ", "")
    if text.startswith("(") and text.endswith(")") and _PLAIN.fullmatch(digits[1:-1]):
        return f"write -{digits[1:-1]}"
    if text.endswith("%") and _PLAIN.fullmatch(digits[:-1]):
        return f"write {format_number(round(float(digits[:-1]) / 100, 12))}"
    if _PLAIN.fullmatch(text):
        return "it is a number stored as text: format the cell as a number, and type it again"
    if _PLAIN.fullmatch(digits):
        named = {"£": "£", ",": "comma", " ": "blank"}
        found = [word for sign, word in named.items() if sign in text]
        return f"remove the {' and '.join(found)}"
    return "write digits alone, as 1234.56"
