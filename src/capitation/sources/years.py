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


def agreed_year(table: Table, given: str | None) -> tuple[str, list[Problem], list[str]]:
    """Give the fiscal year, what forbids it, and what a reader should know of it.

    A publication's headings may be older than it is, as those of later allocation tools are. So a
    year is refused if neither the file's name nor its headings have it, unless it is later than
    the headings and the name has none.

    Parameters
    ----------
    table : Table
    given : str or None
        Such as ``"2018/19"``.

    Returns
    -------
    year : str
    problems : list of Problem
    notes : list of str

    Examples
    --------
    >>> tool = Table("tool.csv", "", ["pop 2022/23"], [], [], [])
    >>> agreed_year(tool, "2023/24")
    ('2023/24', [], ['taken for 2023/24, while the headings say 2022/23'])
    >>> print(*agreed_year(tool, "2018/19")[1])
    tool.csv: 2018/19 is asked for, but the headings say 2022/23 (leave the year out, or give ...)
    """
    year, problems = fiscal_year_of(table, given)
    if problems:
        return year, problems, []
    by_name, by_headings = years_in(table.file), years_in(" ".join(table.headings))
    others = {
        place: " and ".join(sorted(set(years)))
        for place, years in (("the name says", by_name), ("the headings say", by_headings))
        if years and year not in years
    }
    if not others:
        return year, [], []
    told = " and ".join(f"{place} {years}" for place, years in others.items())
    later = not by_name and year > max(by_headings)
    if year in by_name or year in by_headings or later:
        return year, [], [f"taken for {year}, while {told}"]
    mend = f"leave the year out, or give the file of {year}"
    return year, [Problem(table.file, f"{year} is asked for, but {told}", mend)], []
