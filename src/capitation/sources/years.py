"""The fiscal year of a file that has no column for it."""

from __future__ import annotations

import re

from capitation.errors import Problem
from capitation.sources.official_csv import Table

_YEARS = re.compile(r"(?<!\d)20(\d\d)[-_ ./–]?(?:20)?(\d\d)(?!\d)")


def years_in(text: str) -> list[str]:
    """Fiscal years that a text names: two years that follow each other.

    Examples
    --------
    >>> years_in("icb_tool_2022_23.csv"), years_in("pop 2022/23"), years_in("2018-05-01")
    (['2022/23'], ['2022/23'], [])
    """
    pairs = _YEARS.findall(text)
    return [f"20{a}/{b}" for a, b in pairs if (int(a) + 1) % 100 == int(b)]


def fiscal_year_of(table: Table, given: str | None) -> tuple[str, list[Problem]]:
    """Give the fiscal year: as given, or by the file's name, or else by its headings.

    Parameters
    ----------
    table : Table
    given : str or None
        Such as ``"2018/19"``.

    Returns
    -------
    year : str
    problems : list of Problem
    """
    if given is not None:
        if years_in(given) == [given]:
            return given, []
        mend = "write two years that follow each other, as 2018/19"
        return "", [Problem("fiscal_year (--fiscal-year)", f"{given!r} is not a year", mend)]
    for text in (table.file, " ".join(table.headings)):
        found = set(years_in(text))
        if len(found) == 1:
            return found.pop(), []
    mend = "say which it is: --fiscal-year 2018/19, or fiscal_year='2018/19' in Python"
    return "", [Problem(table.file, "neither its name nor its headings say one fiscal year", mend)]
