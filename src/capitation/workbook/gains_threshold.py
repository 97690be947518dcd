"""How many practices lose and gain more than a threshold, which is an input of the workbook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from capitation.engine.calendar import MONTHS_OF_YEAR
from capitation.gains import THRESHOLD
from capitation.national import national_terms
from capitation.workbook.content import Content
from capitation.workbook.layout import BEGINS_ROW, FIRST
from capitation.workbook.page import Page, at

_SAID, _INPUT, _HEADING, BEGINS, _LIMIT, COUNTS = 4, 6, 8, 9, 10, 11
"""Rows: what is said of the threshold, its cell, headings, the years' numbers, counts."""


@dataclass(frozen=True)
class Counted:
    """Practices whose losses and gains are counted.

    Attributes
    ----------
    scenario : str
    first : int
        Row of the first practice.
    values : numpy.ndarray
        Change for each weighted patient, on practice and year, all years last. [GBP/patient]
    """

    scenario: str
    first: int
    values: np.ndarray


class Threshold:
    """Writes the threshold, and the counts beyond it above the columns that are counted.

    Parameters
    ----------
    content : Content
    page : Page
    column : int
        Column of the first year, of the counts and of what is counted.
    last : int
        Column up to which what is said of the threshold runs.
    """

    def __init__(self, content: Content, page: Page, column: int, last: int):
        self.content, self.page, self.column, self.last = content, page, column, last
        self.years = len(content.years)
        terms, sources = national_terms()
        term = terms[THRESHOLD]
        self.found = term.value_at(max(content.months[-1], term.values[0].start))
        self.source = sources.get(self.found.source)

    def write(self, groups: Sequence[Counted]) -> None:
        """Write the input with its source, what it is in each year, and two counts a scenario."""
        page, first = self.page, self.column
        cited = f"{self.source.publisher}: {self.source.title}." if self.source else ""
        said = f"The threshold is an input. {cited} {self.found.assumption}".strip()
        page.paragraph(_SAID, said, self.last)
        text = "Threshold: £ per weighted patient in a fiscal year"
        page.text(_INPUT, 1, text, bold=True)
        page.number(_INPUT, first, self.found.value, "money")
        heading = "How many lose or gain more than the threshold"
        for row, said in ((_HEADING, heading), (BEGINS, "Fiscal year begins in")):
            page.headings(row, 1, [""] * (first - 1))
            page.text(row, 1, said, "heading")
        years = [heading.removesuffix(" £") for heading in self.content.year_headings]
        page.headings(_HEADING, first, [*years, "All years"], over_numbers=True)
        for year, begins in enumerate(self.content.year_begins):
            page.number(BEGINS, first + year, begins, "whole", "heading")
        page.headings(BEGINS, first + self.years, [""])
        limits = self.write_limits()
        for number, group in enumerate(groups):
            for offset, (word, sign) in enumerate((("lose", -1.0), ("gain", 1.0))):
                row = COUNTS + 2 * number + offset
                page.text(row, 1, f"{group.scenario}: practices that {word} more")
                self.write_count(row, group, limits, sign)

    def write_limits(self) -> np.ndarray:
        """Write what the threshold is in the months of each year that are in the run."""
        page, column = self.page, self.column
        page.text(_LIMIT, 1, "Threshold of the months in the run, £ per weighted patient")
        first, last = FIRST, FIRST + len(self.content.months) - 1
        ends = [at(BEGINS_ROW, n, fix_row=True, fix_column=True) for n in (first, last)]
        fixed = at(_INPUT, column, fix_row=True, fix_column=True)
        months = np.array([self.content.year_of_month.count(y) for y in range(self.years)])
        limits = self.found.value * months / MONTHS_OF_YEAR
        for year, limit in enumerate(limits.tolist()):
            counted = f"COUNTIF(Months!{ends[0]}:{ends[1]},{at(BEGINS, column + year)})"
            formula = f"={fixed}*{counted}/{MONTHS_OF_YEAR}"
            page.formula(_LIMIT, column + year, formula, limit, "money")
        end = column + self.years
        summed = f"=SUM({at(_LIMIT, column)}:{at(_LIMIT, end - 1)})"
        page.formula(_LIMIT, end, summed, float(limits.sum()), "money")
        return np.append(limits, limits.sum())

    def write_count(self, row: int, group: Counted, limits: np.ndarray, sign: float) -> None:
        counts = (sign * group.values > limits).sum(axis=0).tolist()
        last = group.first + len(group.values) - 1
        for year, count in enumerate(counts):
            here = self.column + year
            cells = f"{at(group.first, here)}:{at(last, here)}"
            limit = at(_LIMIT, here, fix_row=True)
            beyond = f'"<"&-{limit}' if sign < 0 else f'">"&{limit}'
            formula = f"=COUNTIF({cells},{beyond})"
            self.page.formula(row, here, formula, float(count), "whole")
