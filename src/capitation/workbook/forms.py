"""Contract forms side by side: payments of every scenario, stream by stream, and the difference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from capitation.wording import label
from capitation.workbook.blocks import FIRST_YEAR
from capitation.workbook.budget import (
    CORE,
    NOTIONAL,
    QUALITY,
    SCHEMES,
    SERVICES,
    WHOLE,
    WITHHELD,
    BudgetSheet,
)
from capitation.workbook.budget import TITLE as BUDGET
from capitation.workbook.charts import ROWS
from capitation.workbook.checks import Check
from capitation.workbook.content import TOTAL_PAYMENTS
from capitation.workbook.page import Page, at, quoted

TITLE = "Forms side by side"
CHART_AT = 5
WIDEST = 112
"""Widths of columns that are at least as wide as a chart."""
_FIRST = 2
_ABOUT = (
    "Pounds in the year, all practices. Each column is a scenario; beside them stands how much "
    "more or less a scenario pays than the first one. Figures are those of Summary, and under them "
    f"those of the sheet '{BUDGET}'.",
    "Contract forms differ in who is paid. What is paid in all differs only by what is not earned "
    "for improvement, and by gains and losses shared.",
)
_MEMO = {
    WHOLE: "Whole-population budget",
    SERVICES: "of which services",
    CORE: "of which core contracts",
    SCHEMES: "of which local schemes",
    WITHHELD: "Withheld for improvement",
    QUALITY: "Quality money in the pool for improvement",
    NOTIONAL: "Notional budget: noted, not paid",
}
"""Rows under the payments, from the sheet of the budget."""


@dataclass(frozen=True)
class Side:
    """A block of payments: a year, or all years.

    Attributes
    ----------
    heading : int
        Row with the names of the scenarios.
    rows : dict of str to int
    values : dict of str to list of float
        By row, on scenario.
    """

    heading: int
    rows: dict[str, int]
    values: dict[str, list[float]]


class FormsSheet:
    """Writes the sheet, and adds its checks to those of the summary.

    Parameters
    ----------
    budget : BudgetSheet
        Written already.

    Attributes
    ----------
    sides : list of Side
        The first year, and all years.
    """

    def __init__(self, budget: BudgetSheet):
        self.budget, self.summary, self.content = budget, budget.summary, budget.content
        self.scenarios = self.content.scenarios
        self.sides: list[Side] = []

    @property
    def wanted(self) -> bool:
        """Whether there is anything to compare."""
        return self.budget.wanted and len(self.scenarios) > 1

    @property
    def last(self) -> int:
        """Column of the last difference."""
        return _FIRST + 2 * len(self.scenarios) - 2

    def write(self) -> tuple[Page, int]:
        """Write the first year and all years, below room for the chart.

        Returns
        -------
        tuple of Page and int
            The sheet, and its first free row.
        """
        page = self.summary.book.page(TITLE)
        page.text(1, 1, "Forms side by side: payments of every scenario, by stream", bold=True)
        page.widths(max(44, WIDEST - 19 * (self.last - 1)), *[19] * (self.last - 1))
        for row, said in enumerate(_ABOUT, start=2):
            page.paragraph(row, said, self.last)
        row = CHART_AT + ROWS + 1
        starts = [row]
        years = [0, self.summary.years] if self.summary.years > 1 else [0]
        for year in years:
            row = self.write_side(page, year, row) + 1
            starts.append(row)
        page.print_in_blocks(self.last, starts)
        return page, row

    def write_side(self, page: Page, year: int, row: int) -> int:
        """Write the payments of a year, or of all years; give the row after."""
        headings = [*self.content.year_headings, "All years £"]
        page.text(row, 1, f"Payments: {headings[year].removesuffix(' £')}, £", bold=True)
        heading = row + 1
        others = [f"{name} less {self.scenarios[0]}" for name in self.scenarios[1:]]
        page.headings(heading, 1, ["Stream"])
        page.headings(heading, _FIRST, [*self.scenarios, *others], over_numbers=True)
        page.fit_height(heading, [(text, 17.0) for text in (*self.scenarios, *others)])
        side = Side(heading, {}, {})
        self.sides.append(side)
        streams = [*self.content.streams, TOTAL_PAYMENTS]
        row = heading
        for name in streams:
            row += 1
            words = "All payments" if name == TOTAL_PAYMENTS else label(name)
            self.write_row(page, side, row, name, words, self.of_summary(name, year))
        self.check(page, side, year)
        row += 1
        page.text(row, 1, "Of the contract", bold=True)
        for name, words in _MEMO.items():
            if name in self.budget.of_all[self.scenarios[0]].rows:
                row += 1
                self.write_row(page, side, row, name, words, self.of_budget(name, year))
        return row + 1

    def write_row(
        self,
        page: Page,
        side: Side,
        row: int,
        name: str,
        words: str,
        of: Callable[[str], tuple[str, float]],
    ) -> None:
        """Write a figure of every scenario, and how it differs from that of the first."""
        bold = name in (TOTAL_PAYMENTS, WHOLE)
        page.text(row, 1, words, bold=bold)
        found = [of(scenario) for scenario in self.scenarios]
        side.rows[name], side.values[name] = row, [value for _, value in found]
        for column, (cell, value) in enumerate(found, start=_FIRST):
            page.formula(row, column, f"={cell}", value, "money", bold=bold)
        first = at(row, _FIRST, fix_column=True)
        for number, (_, value) in enumerate(found[1:], start=1):
            column = _FIRST + len(found) + number - 1
            formula = f"={at(row, _FIRST + number)}-{first}"
            page.formula(row, column, formula, value - found[0][1], "money", bold=bold)

    def of_summary(self, name: str, year: int) -> Callable[[str], tuple[str, float]]:
        """Cell and value of a stream in Summary."""

        def of(scenario: str) -> tuple[str, float]:
            variant = self.summary.scenario_of(name, scenario)
            years = self.summary.by_year(name, variant).sum(axis=0)
            value = years.sum() if year == len(years) else years[year]
            return self.summary.stream_cell(name, scenario, year), float(value)

        return of

    def of_budget(self, name: str, year: int) -> Callable[[str], tuple[str, float]]:
        """Cell and value of a row of the budget of all commissioners."""

        def of(scenario: str) -> tuple[str, float]:
            block = self.budget.of_all[scenario]
            cell = f"{quoted(BUDGET)}!{at(block.rows[name], FIRST_YEAR + year)}"
            every = year == self.summary.years
            value = block.of_all_years[name] if every else block.values[name][year]
            return cell, float(value)

        return of

    def check(self, page: Page, side: Side, year: int) -> None:
        """Add a check for each scenario: what it pays to all streams is what it pays."""
        streams = self.content.streams
        when = [*self.content.years, "all years"][year]
        for number, scenario in enumerate(self.scenarios):
            column = _FIRST + number
            first, last = (at(side.rows[name], column) for name in (streams[0], streams[-1]))
            title = quoted(page.title)
            self.summary.checks.append(
                Check(
                    "Forms side by side: streams add to payments",
                    f"{scenario}, {when}",
                    f"SUM({title}!{first}:{last})",
                    f"{title}!{at(side.rows[TOTAL_PAYMENTS], column)}",
                    sum(side.values[name][number] for name in streams),
                    side.values[TOTAL_PAYMENTS][number],
                )
            )
