"""Months, fiscal years and quarters. A fiscal year runs from April and is written 2015/16."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable

MONTHS_OF_YEAR = 12

MARCH = 3
"""The month in which a fiscal year ends, and is settled."""

CALENDAR = {
    "month_of_fiscal_year": ("1", "Month of the fiscal year: April is 1"),
    "first_month_of_quarter": ("1", "April, July, October, January"),
    "last_month_of_quarter": ("1", "June, September, December, March"),
}
"""Unit and title of the facts of the calendar that a rule may read, by month."""

CALENDAR_OF_YEAR = {
    "share_of_year": ("1", "Months of the fiscal year that are in the run, of twelve"),
}
"""Unit and title of the facts of the calendar that a rule may read, by fiscal year."""


def months_from(start: dt.date, count: int) -> list[dt.date]:
    """First days of so many months."""
    return [months_after(start, i) for i in range(count)]


def fiscal_year(month: dt.date) -> str:
    """The fiscal year of a month.

    Examples
    --------
    >>> fiscal_year(dt.date(2015, 3, 1)), fiscal_year(dt.date(1999, 4, 1))
    ('2014/15', '1999/00')
    """
    begins = month.year - (month.month < 4)
    return f"{begins}/{(begins + 1) % 100:02d}"


def months_of(year: str) -> list[dt.date]:
    """The twelve months of a fiscal year such as ``"2014/15"``.

    Raises
    ------
    ValueError
        If the year is not written so.
    """
    match = re.fullmatch(r"(\d{4})/(\d{2})", year)
    if not match or (int(match[1]) + 1) % 100 != int(match[2]):
        raise ValueError(f"{year!r} is not a fiscal year such as '2014/15'")
    return months_from(dt.date(int(match[1]), 4, 1), 12)


def calendar_value(name: str, month: dt.date) -> float:
    """A fact of the calendar in a month."""
    number = (month.month - 4) % 12 + 1
    if name == "month_of_fiscal_year":
        return float(number)
    remainder = 1 if name == "first_month_of_quarter" else 0
    return float(number % 3 == remainder)


def calendar_value_of_year(name: str, year: str, months: Iterable[dt.date]) -> float:
    """A fact of the calendar in a fiscal year of a run over some months.

    Examples
    --------
    >>> calendar_value_of_year("share_of_year", "2015/16", months_from(dt.date(2015, 10, 1), 12))
    0.5
    """
    assert name == "share_of_year"
    return sum(fiscal_year(month) == year for month in months) / MONTHS_OF_YEAR


def in_words(day: dt.date) -> str:
    """A day as a reader says it.

    Examples
    --------
    >>> in_words(dt.date(2015, 4, 1))
    '1 April 2015'
    """
    return f"{day.day} {day:%B %Y}"


def months_after(day: dt.date, months: int) -> dt.date:
    """The first of the month so many months later.

    Examples
    --------
    >>> months_after(dt.date(2015, 11, 1), 14)
    datetime.date(2017, 1, 1)
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return dt.date(year, month + 1, 1)
