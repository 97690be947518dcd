"""The sheet Budget in thousands of pounds, with its chart: columns of streams by fiscal year."""

from __future__ import annotations

import numpy as np

from capitation.wording import label
from capitation.workbook.charts import Cells
from capitation.workbook.charts_of_premium import Named
from capitation.workbook.content import TOTAL_PAYMENTS, Content
from capitation.workbook.page import Page, at
from capitation.workbook.story.budget_shown import (
    CHART_AT,
    FIRST,
    NAME,
    SHOWN_ROW,
    THOUSAND,
    THOUSAND_ROW,
    TITLE,
    UNIT,
    Row,
    ShownBudget,
)
from capitation.workbook.story.charts import stream_columns
from capitation.workbook.summary import Summary

MOST_PARTS = 6
"""Streams that a column shows apart; the smaller ones are added up."""
OTHERS = "Other streams together"


class BudgetInThousands:
    """Writes the streams in thousands, and draws them.

    Parameters
    ----------
    budget : ShownBudget
        Written already.
    """

    def __init__(self, budget: ShownBudget):
        self.budget = budget
        self.content: Content = budget.content
        self.summary: Summary = budget.summary
        self.page: Page = budget.page
        self.known = budget.base.known

    def write(self, row: int) -> int:
        """Write the same in thousands of pounds, which the chart draws; give the row after."""
        page, first = self.page, self.budget.scenarios[0]
        words = "Payments by stream and fiscal year, £ thousand, scenario "
        title_row, title = row, f"{words}{first}"
        formula = f'="{words}"&{at(SHOWN_ROW, UNIT)}'
        page.formula(row, 1, formula, title, "text", "plain", bold=True, live=True)
        self.budget.write_headings(row + 1, "Stream", [*self.budget.year_names, "All years"])
        heading, row = row + 1, row + 2
        rows: dict[str, Row] = {}
        for name, of_pounds in self.budget.streams.items():
            rows[name] = Row(row, [value / THOUSAND for value in of_pounds.values])
            bold = name == TOTAL_PAYMENTS
            page.text(row, NAME, "Total payments" if bold else label(name), bold=bold)
            page.text(row, UNIT, "£ thousand", bold=bold)
            self.write_divided(row, of_pounds, bold=bold)
            row += 1
        parts = self.parts()
        if len(parts) < len(self.content.streams):
            rows["others"] = self.write_others(row, rows, parts)
            parts.append("others")
            row += 1
        self.draw(title_row, title, heading, {name: rows[name] for name in parts})
        return row

    def write_divided(self, row: int, pounds: Row, *, bold: bool) -> None:
        """Write a row of pounds in thousands."""
        thousand = at(THOUSAND_ROW, UNIT, fix_row=True, fix_column=True)
        of_all_years = sum(pounds.values[int(self.known) :])
        for place, value in enumerate([*pounds.values, of_all_years]):
            column = FIRST + place
            formula = f"{at(pounds.row, column)}/{thousand}"
            self.budget.write_live(row, column, formula, value / THOUSAND, "pounds", bold=bold)

    def parts(self) -> list[str]:
        """The streams that the chart shows apart: the largest in any scenario and year."""
        streams = self.content.streams
        if len(streams) <= MOST_PARTS:
            return list(streams)

        def size(name: str) -> float:
            return max(
                float(np.abs(self.summary.by_year(name, variant).sum(axis=0)).max())
                for variant in self.content.variants(name)
            )

        largest = sorted(streams, key=size, reverse=True)[: MOST_PARTS - 1]
        return [name for name in streams if name in largest]

    def write_others(self, row: int, rows: dict[str, Row], parts: list[str]) -> Row:
        """Write what the chart adds up: all streams but those that it shows apart."""
        self.page.text(row, NAME, OTHERS)
        self.page.text(row, UNIT, "£ thousand")
        total = rows[TOTAL_PAYMENTS]
        others = [
            paid - sum(rows[name].values[place] for name in parts)
            for place, paid in enumerate(total.values)
        ]
        of_all_years = sum(others[int(self.known) :])
        for place, value in enumerate([*others, of_all_years]):
            column = FIRST + place
            apart = "".join(f"-{at(rows[name].row, column)}" for name in parts)
            self.budget.write_live(row, column, f"{at(total.row, column)}{apart}", value, "pounds")
        return Row(row, others)

    def draw(self, title_row: int, title: str, heading: int, rows: dict[str, Row]) -> None:
        """Draw the years' columns, with the base year's before them."""
        page = self.page
        last = self.budget.last - 1

        def along(row: int) -> str:
            ends = (at(row, n, fix_row=True, fix_column=True) for n in (FIRST, last))
            return f"{TITLE}!{':'.join(ends)}"

        def named(row: int, text: str) -> Cells:
            return Cells(f"{TITLE}!{at(row, 1, fix_row=True, fix_column=True)}", (text,))

        words = {name: label(name) for name in rows} | {"others": OTHERS}
        parts = [
            Named(named(of.row, words[name]), Cells(along(of.row), tuple(of.values)))
            for name, of in rows.items()
        ]
        years = Cells(along(heading), tuple(self.budget.year_names))
        chart = stream_columns(named(title_row, title), years, parts, taken_back=self.lows())
        told = "; ".join(
            f"{year}: "
            + ", ".join(f"{words[name]} {of.values[place]:,.0f}" for name, of in rows.items())
            for place, year in enumerate(self.budget.year_names)
        )
        text = f"Stacked columns by fiscal year. {title}, as the workbook was made. {told}."
        page.chart(CHART_AT, chart, f"{text} The figures stand in the table below.")

    def lows(self) -> bool:
        """Whether a stream is taken back rather than paid in some scenario and year."""
        return any(
            bool((self.summary.by_year(name, variant).sum(axis=0) < 0).any())
            for name in self.content.streams
            for variant in self.content.variants(name)
        )
