"""Charts of whole-population budgets: columns by year and scenario, and lines of gaps by year."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
from openpyxl.chart import LineChart
from openpyxl.chart.shapes import GraphicalProperties

from capitation.engine.calendar import MONTHS_OF_YEAR
from capitation.workbook.affordability import COMMISSIONER, PROVIDER, AffordabilitySheet
from capitation.workbook.block_lines import Here, Working, sum_of
from capitation.workbook.blocks import FIRST_YEAR, BlockSheet
from capitation.workbook.budget import CORE, NOTIONAL, SCHEMES, SERVICES, BudgetSheet
from capitation.workbook.charts import (
    ROWS,
    Scale,
    by_name,
    category_series,
    cell,
    column,
    dress,
    mark,
    money_scale,
    stroke,
)
from capitation.workbook.charts_of_premium import LOOKS, Named, Stacks, stacked_columns
from capitation.workbook.forms import CHART_AT, FormsSheet
from capitation.workbook.gain_share import EARNED, PARTIES, UNEARNED, GainShareSheet
from capitation.workbook.page import Page, at, quoted
from capitation.workbook.summary import Summary

MOST_SCENARIOS, LETTERS = 6, 120
"""How many scenarios, and letters of their names, stand readably beside one another."""
_PARTIES = tuple(PARTIES)


def write_budget_sheets(summary: Summary) -> None:
    """Write the sheets of a whole-population budget: those for which the result has the figures.

    Parameters
    ----------
    summary : Summary
    """
    budget = BudgetSheet(summary)
    if budget.wanted:
        write_budget(budget)
    forms = FormsSheet(budget)
    if forms.wanted:
        write_forms(forms)
    share = GainShareSheet(summary)
    if share.wanted:
        write_gain_share(share)
    tests = AffordabilitySheet(summary)
    if tests.wanted:
        write_affordability(tests)


def write_budget(sheet: BudgetSheet) -> None:
    """Write the sheet of the budget, with its chart."""
    page, row = sheet.write()
    parts = {
        "Services in the budget": sum_of(SERVICES),
        "General practice in the budget": sum_of(CORE, SCHEMES),
        "Noted, not paid": sum_of(NOTIONAL),
    }
    _write_stacks(sheet, page, row, sheet.charts_at, parts, "The whole-population budget")


def write_forms(sheet: FormsSheet) -> None:
    """Write the scenarios side by side, with a chart of who is paid in the first year."""
    page, row = sheet.write()
    first, streams = sheet.sides[0], sheet.content.streams
    practices = [name for name in streams if name.endswith(("_to_practice", "remaining_payments"))]
    contract = ["budget_payment", "improvement_payment", "gain_loss_payment"]
    contract = [name for name in contract if name in streams]
    rest = [name for name in streams if name not in (*practices, *contract)]
    parts = {"Practices": practices, "The contract's provider": contract, "Others": rest}
    year = sheet.content.years[0]
    page.text(row, 1, "Who is paid: the figures of the chart", bold=True)
    page.headings(row + 1, 1, ["Fiscal year", "Scenario"])
    page.headings(row + 1, 3, [f"{part} £" for part in parts], over_numbers=True)
    top = row + 2
    found = np.zeros((len(sheet.scenarios), len(parts)))
    for number, scenario in enumerate(sheet.scenarios):
        page.text(top + number, 1, year)
        page.text(top + number, 2, scenario)
        for place, names in enumerate(parts.values()):
            cells = [at(first.rows[name], 2 + number) for name in names]
            found[number, place] = sum(first.values[name][number] for name in names)
            value = float(found[number, place])
            page.formula(top + number, 3 + place, f"={'+'.join(cells) or '0'}", value, "money")
    places = [(year, scenario) for scenario in sheet.scenarios[:MOST_SCENARIOS]]
    many = len(sheet.scenarios)
    who = "All practices, scenarios side by side"
    if many > MOST_SCENARIOS:
        who = f"All practices, the first {MOST_SCENARIOS} of {many} scenarios"
    lines = [f"Who is paid in {sheet.content.year_headings[0].removesuffix(' £')}", who]
    _draw(page, row + 1, places, list(parts), found[: len(places)], CHART_AT, lines)


def write_gain_share(sheet: GainShareSheet) -> None:
    """Write gains and losses, with a chart of the parties' parts where there are any."""
    of_parties = {
        "Integrated provider": sum_of(_PARTIES[0]),
        "Hospital, community trust and council": sum_of(*_PARTIES[1:-1]),
        "Commissioner": sum_of(_PARTIES[-1]),
    }
    page, row = sheet.write()
    shares = sheet.has_share and any(
        np.any(block.values[party]) for block in sheet.of_all.values() for party in _PARTIES
    )
    if shares:
        _write_stacks(sheet, page, row, sheet.charts_at, of_parties, "Parts of a gain or a loss")
    elif sheet.has_improvement:
        parts = {"Earned": sum_of(EARNED), "Not earned": sum_of(UNEARNED)}
        _write_stacks(sheet, page, row, sheet.charts_at, parts, "Money for improvement")


def write_affordability(sheet: AffordabilitySheet) -> None:
    """Write the tests, with a chart of each gap by year."""
    page, row = sheet.write()
    at_row = sheet.charts_at
    for key, words in ((PROVIDER, "The provider's gap"), (COMMISSIONER, "The commissioner's gap")):
        if key in sheet.tests:
            row = _write_gaps(sheet, page, row, at_row, key, words) + 1
            at_row += ROWS + 1


# ------------------------------------------------------------------------- columns


def _write_stacks(
    sheet: BlockSheet,
    page: Page,
    row: int,
    chart_at: int,
    parts: Mapping[str, Working],
    what: str,
) -> None:
    """Write the figures of stacked columns by year and scenario, and draw them."""
    content = sheet.content
    scenarios = content.scenarios[:MOST_SCENARIOS]
    years = _years(sheet, scenarios)
    page.text(row, 1, f"{what}: the figures of the chart", bold=True)
    page.headings(row + 1, 1, ["Fiscal year", "Scenario"])
    page.headings(row + 1, 3, [f"{part} £" for part in parts], over_numbers=True)
    page.fit_height(row + 1, [(f"{part} £", 15.0) for part in parts])
    headings = [heading.removesuffix(" £") for heading in content.year_headings]
    places = list(itertools.product(years, scenarios))
    found = np.zeros((len(places), len(parts)))
    for number, (year, scenario) in enumerate(places):
        line, block = row + 2 + number, sheet.of_all[scenario]
        page.text(line, 1, headings[year])
        page.text(line, 2, scenario)
        here = Here(block.rows, block.heading, FIRST_YEAR + year, (0, 0), True)
        values = {key: of[year : year + 1] for key, of in block.values.items()}
        for place, working in enumerate(parts.values()):
            found[number, place] = np.ravel(working.value(values))[0]
            value = float(found[number, place])
            page.formula(line, 3 + place, f"={working.text(here)}", value, "money")
    many = len(content.scenarios)
    who = "All practices, scenarios side by side"
    if many == 1:
        who = content.scenario_titles[scenarios[0]]
    elif many > len(scenarios):
        who = f"All practices, the first {len(scenarios)} of {many} scenarios side by side"
    named = [(headings[year], scenario) for year, scenario in places]
    _draw(page, row + 1, named, list(parts), found, chart_at, [f"{what}, by fiscal year", who])


def _years(sheet: BlockSheet, scenarios: Sequence[str]) -> list[int]:
    """Whole years whose columns leave room for names: all, the first and last, or the last."""
    counts = [len(of) for of in sheet.months_of_year]
    whole = [year for year, count in enumerate(counts) if count == MONTHS_OF_YEAR] or [0]
    letters = len(scenarios) * max(len(scenario) for scenario in scenarios)
    if len(whole) * letters <= LETTERS:
        return whole
    return sorted({whole[0], whole[-1]}) if 2 * letters <= LETTERS else whole[-1:]


def _draw(
    page: Page,
    heading: int,
    places: Sequence[tuple[str, str]],
    parts: Sequence[str],
    found: np.ndarray,
    chart_at: int,
    lines: Sequence[str],
) -> None:
    """Draw the columns of a table: year, scenario, and a part a column."""
    first, last = heading + 1, heading + len(places)
    corner, end = (at(r, c, fix_row=True, fix_column=True) for r, c in ((first, 1), (last, 2)))
    stacks = Stacks(
        f"{quoted(page.title)}!{corner}:{end}",
        [year for year, _ in places],
        [scenario for _, scenario in places],
        [
            Named(
                cell(page, heading, 3 + n, f"{part} £"),
                column(page, first, 3 + n, found[:, n].tolist()),
            )
            for n, part in enumerate(parts)
        ],
    )
    tops, bottoms = found.clip(min=0).sum(axis=1), found.clip(max=0).sum(axis=1)
    scale = money_scale([*tops.tolist(), *bottoms.tolist()], from_zero=True)
    title = [f"{lines[0]}, {scale.unit.partition(',')[0]}", *lines[1:]]
    told = "; ".join(
        f"{year}, {scenario}: "
        + ", ".join(f"{part} £{value:,.0f}" for part, value in zip(parts, of, strict=True))
        for (year, scenario), of in zip(places, found.tolist(), strict=True)
    )
    words = (
        f"Stacked columns. {'. '.join(lines)}. In pounds. {told}. "
        "The figures stand in the table at the end of the sheet."
    )
    page.chart(chart_at, stacked_columns(stacks, title, scale), words)


# ------------------------------------------------------------------------- lines


def _write_gaps(
    sheet: BlockSheet, page: Page, row: int, chart_at: int, key: str, words: str
) -> int:
    """Write a gap by year, a column a scenario, and draw a line for each; give the row after."""
    scenarios = sheet.content.scenarios[: len(LOOKS)]
    page.text(row, 1, f"{words}: the figures of the chart", bold=True)
    page.headings(row + 1, 1, ["Fiscal year"])
    page.headings(row + 1, 2, [f"{scenario} £" for scenario in scenarios], over_numbers=True)
    years = [heading.removesuffix(" £") for heading in sheet.content.year_headings]
    first = row + 2
    for number, year in enumerate(years):
        page.text(first + number, 1, year)
    gaps = []
    for place, scenario in enumerate(scenarios, start=2):
        block = sheet.of_all[scenario]
        values = [float(value) for value in block.values[key]]
        for number, value in enumerate(values):
            formula = f"={at(block.rows[key], FIRST_YEAR + number)}"
            page.formula(first + number, place, formula, value, "money")
        name = cell(page, row + 1, place, f"{scenario} £")
        gaps.append(Named(name, column(page, first, place, values)))
    every = [float(value) for gap in gaps for value in gap.figures.values]
    scale = money_scale([0.0, *every], from_zero=True)
    many, shown = len(sheet.content.scenarios), len(scenarios)
    who = "A line a scenario" if many == shown else f"The first {shown} of {many} scenarios"
    lines = [f"{words}, by fiscal year, {scale.unit}", f"Above 0 the test fails. {who}"]
    chart = _lines(page, first, years, gaps, lines, scale)
    told = "; ".join(
        f"{scenario}: " + ", ".join(f"{y} £{float(v):,.0f}" for y, v in by_year)
        for scenario, by_year in (
            (scenario, zip(years, gap.figures.values, strict=True))
            for scenario, gap in zip(scenarios, gaps, strict=True)
        )
    )
    text = f"Line chart. {'. '.join(lines)}. {told}. The figures stand at the end of the sheet."
    page.chart(chart_at, chart, text)
    return first + len(years)


def _lines(
    page: Page,
    first: int,
    years: Sequence[str],
    gaps: Sequence[Named],
    lines: Sequence[str],
    scale: Scale,
) -> LineChart:
    """A line for each scenario, told apart by dash and by mark."""
    chart = LineChart()
    for gap, (colour, width, dash, symbol) in zip(gaps, LOOKS, strict=False):
        series = category_series(gap.name, by_name(column(page, first, 1, years)), gap.figures)
        series.spPr = GraphicalProperties(ln=stroke(colour, width, dash))
        series.marker = mark(symbol, colour, 7)
        series.smooth = False
        chart.series.append(series)
    dress(chart, lines, "Fiscal year", scale.unit, scale)
    return chart
