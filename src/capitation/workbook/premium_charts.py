"""The tables and charts of PMS premium: what becomes of it by year, and the share still paid."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Sequence

import numpy as np

from capitation.workbook.blocks import FIRST_YEAR, Block
from capitation.workbook.charts import ROWS, Cells, cell, column, money_scale, share_scale
from capitation.workbook.charts_of_premium import (
    LOOKS,
    Named,
    Stacks,
    share_lines,
    stacked_columns,
)
from capitation.workbook.layout import FIRST, MONTH_ROW
from capitation.workbook.page import Page, at, quoted, serial
from capitation.workbook.premium import (
    AS_FACTOR,
    BEFORE,
    ON_PMS,
    REINVESTED,
    WITHDRAWN,
    PremiumSheet,
)

SIDE_BY_SIDE = 3
"""Scenarios whose columns still stand readably beside one another."""
STEP = 0.01
"""A smaller move of a share goes unsaid."""
_YEAR, _SCENARIO, _FIRST_PART = 1, 2, 3
_PAID, _REINVESTED = "Premium paid", "Withdrawn and reinvested"
_LEFT = "Withdrawn less reinvested in the year"
_TAKEN = "Premium withdrawn"


def write_premium_charts(sheet: PremiumSheet) -> None:
    """Write the sheet, with its charts above and the tables that they draw below."""
    page, row = sheet.write()
    row = _Stacked(sheet, page).write(row)
    _Shares(sheet, page).write(row + 1)


class _Stacked:
    """What becomes of the premium: a column for each year and each of the first scenarios."""

    def __init__(self, sheet: PremiumSheet, page: Page):
        self.sheet, self.page = sheet, page
        self.content = sheet.content
        self.scenarios = self.content.scenarios[:SIDE_BY_SIDE]
        self.parts = [_PAID, _REINVESTED, _LEFT] if sheet.has_pool else [_PAID, _TAKEN]

    def write(self, row: int) -> int:
        page, years = self.page, [h.removesuffix(" £") for h in self.content.year_headings]
        page.text(row, 1, "What becomes of the premium: the figures of the first chart", bold=True)
        heading, first = row + 1, row + 2
        page.headings(heading, 1, ["Fiscal year", "Scenario"])
        page.headings(heading, _FIRST_PART, [f"{p} £" for p in self.parts], over_numbers=True)
        page.sheet.row_dimensions[heading].height = 27
        places = list(itertools.product(range(len(years)), self.scenarios))
        found = np.array([self.values(self.sheet.of_all[s], y) for y, s in places])
        for row, (year, scenario) in enumerate(places, start=first):
            page.text(row, _YEAR, years[year])
            page.text(row, _SCENARIO, scenario)
            formulas = self.formulas(self.sheet.of_all[scenario], year)
            for n, (formula, value) in enumerate(
                zip(formulas, found[row - first].tolist(), strict=True)
            ):
                page.formula(row, _FIRST_PART + n, f"={formula}", value, "money")
        parts = [
            Named(
                cell(page, heading, _FIRST_PART + n, f"{part} £"),
                column(page, first, _FIRST_PART + n, found[:, n].tolist()),
            )
            for n, part in enumerate(self.parts)
        ]
        corner, end = (at(r, c, fix_row=True, fix_column=True) for r, c in ((first, 1), (row, 2)))
        stacks = Stacks(
            f"{quoted(page.title)}!{corner}:{end}",
            [years[year] for year, _ in places],
            [scenario for _, scenario in places],
            parts,
        )
        tops, bottoms = found.clip(min=0).sum(axis=1), found.clip(max=0).sum(axis=1)
        scale = money_scale([*tops.tolist(), *bottoms.tolist()], from_zero=True)
        unit = scale.unit.partition(",")[0]
        lines = [f"What becomes of the PMS premium, by fiscal year, {unit}", self.who()]
        chart = stacked_columns(stacks, lines, scale)
        page.chart(self.sheet.charts_at, chart, self.in_words(years, places, found))
        return row + 1

    def who(self) -> str:
        many = len(self.content.scenarios)
        if many == 1:
            return self.content.scenario_titles[self.scenarios[0]]
        if many <= SIDE_BY_SIDE:
            return "All practices, scenarios side by side"
        return f"All practices, the first {SIDE_BY_SIDE} of {many} scenarios side by side"

    def formulas(self, block: Block, year: int) -> list[str]:
        def figure(key: str) -> str:
            return at(block.rows[key], FIRST_YEAR + year)

        paid = "+".join(figure(key) for key in (ON_PMS, AS_FACTOR) if key in block.rows)
        if not self.sheet.has_pool:
            return [paid, figure(WITHDRAWN)]
        return [paid, figure(REINVESTED), f"{figure(WITHDRAWN)}-{figure(REINVESTED)}"]

    def values(self, block: Block, year: int) -> list[float]:
        found = {key: float(values[year]) for key, values in block.values.items()}
        paid = found[ON_PMS] + found.get(AS_FACTOR, 0.0)
        if not self.sheet.has_pool:
            return [paid, found[WITHDRAWN]]
        return [paid, found[REINVESTED], found[WITHDRAWN] - found[REINVESTED]]

    def in_words(self, years: list[str], places: list[tuple[int, str]], found: np.ndarray) -> str:
        told = "; ".join(
            f"{years[year]}, {scenario}: "
            + ", ".join(f"{p.lower()} £{v:,.0f}" for p, v in zip(self.parts, values, strict=True))
            for (year, scenario), values in zip(places, found.tolist(), strict=True)
        )
        titles = "; ".join(f"{s}: {self.content.scenario_titles[s]}" for s in self.scenarios)
        return (
            f"Stacked columns of the PMS premium before withdrawal, in pounds, by fiscal year and "
            f"scenario. {titles}. {told}. The figures stand in the table at the end of the sheet."
        )


class _Shares:
    """The share of the premium that is still paid: a line for each scenario, month by month."""

    def __init__(self, sheet: PremiumSheet, page: Page):
        self.sheet, self.page = sheet, page
        self.content = sheet.content
        self.scenarios = self.content.scenarios[: len(LOOKS)]

    def write(self, row: int) -> None:
        page, content = self.page, self.content
        page.text(row, 1, "Share of the premium paid, all practices, by month", bold=True)
        heading, first = row + 1, row + 2
        page.headings(heading, 1, ["Month"], over_numbers=True)
        page.headings(heading, 2, self.scenarios, over_numbers=True)
        # A name has no blanks at which to end a line: letters are counted, with room for hyphens.
        page.fit_height(heading, [(s, page.width(c) - 4) for c, s in enumerate(self.scenarios, 2)])
        days = [serial(month) for month in content.months]
        for number, day in enumerate(days):
            month = f"=Months!{at(MONTH_ROW, FIRST + number)}"
            page.formula(first + number, 1, month, day, "month")
        shares = []
        for column_number, scenario in enumerate(self.scenarios, start=2):
            values = self.shares(scenario)
            for number, value in enumerate(values):
                formula = self.formula(scenario, number)
                page.formula(first + number, column_number, f"={formula}", value, "share")
            name = cell(page, heading, column_number, scenario)
            shares.append(Named(name, column(page, first, column_number, values)))
        months = column(page, first, 1, days)
        chart = share_lines(months, shares, self.lines(), share_scale())
        page.chart(self.sheet.charts_at + ROWS + 1, chart, self.in_words(shares))

    def lines(self) -> list[str]:
        many, shown = len(self.content.scenarios), len(self.scenarios)
        who = self.content.scenario_titles[self.scenarios[0]]
        if many > 1:
            who = "All practices, a line a scenario"
        if many > shown:
            who = f"All practices, a line for each of the first {shown} of {many} scenarios"
        return ["Share of the PMS premium that is still paid, by month, %", who]

    def formula(self, scenario: str, month: int) -> str:
        """Paid over the premium before withdrawal, where the calculation adds up practices."""
        summary = self.sheet.summary

        def cell_of(name: str) -> str:
            place = self.sheet.layout.place(name, summary.scenario_of(name, scenario))
            return f"{quoted(place.sheet)}!{at(place.totals[-1], FIRST + month)}"

        paid = "+".join(cell_of(n) for n in (ON_PMS, AS_FACTOR) if n in self.content.graph)
        before = cell_of(BEFORE)
        return f"IF({before}>0,({paid})/{before},0)"

    def shares(self, scenario: str) -> list[float]:
        def all_of(name: str) -> np.ndarray:
            variant = self.sheet.summary.scenario_of(name, scenario)
            return self.content.values(name, variant).sum(axis=0)

        paid = sum(all_of(n) for n in (ON_PMS, AS_FACTOR) if n in self.content.graph)
        before = all_of(BEFORE)
        shares = np.divide(paid, before, out=np.zeros_like(before), where=before > 0)
        return [float(share) for share in shares]

    def in_words(self, shares: list[Named]) -> str:
        months = self.content.months
        told = "; ".join(
            f"{share.name.values[0]}: {_steps(months, share.figures)}" for share in shares
        )
        return (
            "Line chart of the share of the PMS premium still paid, all practices, by month from "
            f"{months[0]:%B %Y} to {months[-1]:%B %Y}. {told}. The figures stand in the table at "
            "the end of the sheet."
        )


def _steps(months: Sequence[dt.date], share: Cells) -> str:
    """A line in words: where it starts, and each month in which it moves by more than 1%."""
    values = [float(value) for value in share.values]
    said = [f"{values[0]:.0%} in {months[0]:%B %Y}"]
    last = values[0]
    for month, value in zip(months[1:], values[1:], strict=True):
        if abs(value - last) > STEP:
            said.append(f"{value:.0%} from {month:%B %Y}")
            last = value
    return ", ".join(said)
