"""The fiscal year of a file, where what is asked for, its name and its headings may not agree."""

from __future__ import annotations

from capitation.errors import Problem
from capitation.sources.official_csv import Table
from capitation.sources.years import fiscal_year_of, years_in


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
