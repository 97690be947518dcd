"""The sheet Budget: scenarios side by side, and how each differs from the first."""

from __future__ import annotations

from capitation.workbook.content import TOTAL_PAYMENTS
from capitation.workbook.page import at
from capitation.workbook.story.budget_shown import FIRST, NAME, TITLE, UNIT, ShownBudget


def write_compared(budget: ShownBudget, row: int) -> str:
    """Write total payments of every scenario, and how they differ from the first.

    Parameters
    ----------
    budget : ShownBudget
        Written already.
    row : int

    Returns
    -------
    str
        The cells with the names of the scenarios, from any sheet.
    """
    page, first = budget.page, budget.scenarios[0]
    page.text(row, 1, "Scenarios side by side: total payments, £", bold=True)
    headings = [*(f"{name} £" for name in budget.year_names), "All years £"]
    budget.write_headings(row + 1, "Scenario", headings)
    top = row + 2
    totals = [_totals(budget, scenario) for scenario in budget.scenarios]
    for line, (scenario, values) in enumerate(
        zip(budget.scenarios, totals, strict=True), start=top
    ):
        _write_scenario(budget, line, scenario, values)
    last = top + len(totals) - 1
    row = last + 2
    page.text(row, 1, f"Scenarios side by side: more or less than {first}, £", bold=True)
    budget.write_headings(row + 1, "Scenario", headings)
    for number, values in enumerate(totals[1:], start=1):
        line = row + 1 + number
        page.text(line, NAME, f"{budget.scenarios[number]} less {first}")
        page.text(line, UNIT, "GBP/year")
        apart = [value - other for value, other in zip(values, totals[0], strict=True)]
        base = [0.0] * budget.base.known
        for column, value in enumerate([*base, *apart, sum(apart)], start=FIRST):
            formula = f"{at(top + number, column)}-{at(top, column, fix_row=True)}"
            budget.write_live(line, column, formula, value)
    corner, end = (at(line, NAME, fix_row=True, fix_column=True) for line in (top, last))
    return f"{TITLE}!{corner}:{end}"


def _write_scenario(budget: ShownBudget, row: int, scenario: str, values: list[float]) -> None:
    """Write total payments of a scenario by year, those of the base year before them."""
    page = budget.page
    page.text(row, NAME, scenario)
    page.text(row, UNIT, "GBP/year")
    if budget.base.known:
        paid = budget.streams[TOTAL_PAYMENTS]
        budget.write_live(row, FIRST, at(paid.row, FIRST, fix_row=True), paid.values[0])
    for year, value in enumerate(values):
        cell = budget.summary.total_cell(scenario, year)
        budget.write_live(row, budget.first_year + year, cell, value)
    budget.write_all_years(row, sum(values))


def _totals(budget: ShownBudget, scenario: str) -> list[float]:
    """Total payments of a scenario by year."""
    variant = budget.summary.scenario_of(TOTAL_PAYMENTS, scenario)
    return [float(v) for v in budget.summary.by_year(TOTAL_PAYMENTS, variant).sum(axis=0)]
