"""The sheets of charts, each chart under the visible table that it draws."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from capitation.workbook.charts import ROWS, Scale, cell, column, money_scale
from capitation.workbook.charts_of_simulation import (
    Curve,
    Fan,
    break_even_chart,
    fan_chart,
    funnel_chart,
)
from capitation.workbook.page import Book, Page, at
from capitation.workbook.simulation_content import WITH, WITHOUT, Simulated
from capitation.workbook.simulation_sheets import (
    INTERVAL,
    QUANTILE_HEADINGS,
    REDUCTION,
    BreakEven,
    Outcomes,
    Practices,
    percent,
)

_FIRST = 4
_MEDIAN = QUANTILE_HEADINGS.index("50%")


def _pounds(amount: float) -> str:
    """An amount as a sentence says it.

    Examples
    --------
    >>> _pounds(5_213_400), _pounds(41_900), _pounds(-12)
    ('£5.21 million', '£42 thousand', '-£12')
    """
    sign, size = "-" if amount < 0 else "", abs(amount)
    if size >= 1e6:
        return f"{sign}£{size / 1e6:,.2f} million"
    return f"{sign}£{size / 1e3:,.0f} thousand" if size >= 1e4 else f"{sign}£{size:,.0f}"


def write_fans(book: Book, content: Simulated, commissioners: Outcomes) -> None:
    """Write a fan of the yearly cost for each scenario and each commissioner that has charts."""
    page = book.page("Cost fan")
    outcome = content.outcome(content.cost)
    page.text(1, 1, f"{outcome.title} by year: how far chance moves it", bold=True)
    note = (
        "Pounds a year, with the effect. In 5 of 100 draws the cost was at or below the 5% figure, "
        "in 95 at or below the 95% figure. The bands are differences of neighbouring figures."
    )
    page.text(2, 1, note)
    page.widths(24, *[13] * 10)
    row, starts = _FIRST, []
    for c, (s, scenario) in itertools.product(content.charted, enumerate(content.scenarios)):
        who = f"{content.commissioners[c]}, {content.scenario_titles[scenario]}"
        all_scenarios = commissioners.figures[content.cost].quantiles[:, WITH, c]
        quantiles = all_scenarios[s]
        there = [commissioners.row(content.cost, s, WITH, y, c) for y in range(len(content.years))]
        cells = [
            [commissioners.quantile(row, q) for q in range(len(QUANTILE_HEADINGS))] for row in there
        ]
        scale = money_scale(all_scenarios.ravel().tolist(), from_zero=False)
        told = _Told(who, outcome.title, content, scale)
        starts.append(row)
        first = row + 2
        row = _write_block(page, row, told, cells, quantiles)
        if np.ptp(quantiles, axis=1).max() < NARROW * (scale.high - scale.low):
            apart = all_scenarios - all_scenarios[..., [_MEDIAN]]
            scale = money_scale(apart.ravel().tolist(), from_zero=True)
            told = _Told(who, f"{outcome.title} less its median", content, scale)
            cells = [
                [f"{at(first + y, 2 + q)}-{at(first + y, 2 + _MEDIAN)}" for q in range(len(found))]
                for y, found in enumerate(quantiles)
            ]
            starts.append(row)
            row = _write_block(page, row, told, cells, apart[s])
    page.print_in_blocks(11, starts[1:])


NARROW = 0.15
"""A fan that takes less of its axis than this is drawn again, as distance from the median."""


@dataclass(frozen=True)
class _Told:
    """What is said of a fan."""

    who: str
    title: str
    content: Simulated
    scale: Scale

    @property
    def lines(self) -> list[str]:
        unit = self.scale.unit.partition(",")[0]
        draws = f"{self.content.draws:,} draws, with the effect"
        return [f"{self.title} by fiscal year, {unit}", f"{self.who}. {draws}"]

    def in_words(self, fan: Fan) -> str:
        low, median, high = (fan.quantiles[n].values for n in (0, _MEDIAN, -1))
        told = "; ".join(
            f"{year}: median {_pounds(float(m))}, 5% {_pounds(float(a))}, 95% {_pounds(float(b))}"
            for year, a, m, b in zip(fan.years.values, low, median, high, strict=True)
        )
        return (
            f"Fan chart of {self.title} by fiscal year, in pounds, for {self.who}, with the "
            f"effect. {told}. The figures stand in the table above the chart."
        )


def _write_block(
    page: Page, row: int, told: _Told, cells: Sequence[Sequence[str]], quantiles: np.ndarray
) -> int:
    """Write a fan under its table, and say which row is free after it."""
    page.text(row, 1, f"{told.who}: {told.title}", bold=True)
    fan = _write_fan(page, told.content, row + 1, cells, quantiles)
    below = row + len(told.content.years) + 3
    page.chart(below, fan_chart(fan, told.lines, told.scale), told.in_words(fan))
    return below + ROWS + 1


def _write_fan(
    page: Page,
    content: Simulated,
    heading: int,
    cells: Sequence[Sequence[str]],
    quantiles: np.ndarray,
) -> Fan:
    """Write the table of a fan: its quantiles by year, and the bands between them."""
    names = ["5%", "25%", "50% (the median)", "75%", "95%"]
    bands = ["Up to 5%", *(f"{a} to {b}" for a, b in itertools.pairwise(QUANTILE_HEADINGS))]
    page.headings(heading, 1, ["Year"])
    page.headings(heading, 2, [*names, *bands], over_numbers=True)
    page.fit_height(heading, [("50% (the median)", 11)])
    first, many = heading + 1, len(names)
    for y, year in enumerate(content.year_headings):
        row = first + y
        page.text(row, 1, year)
        for q in range(many):
            page.formula(row, 2 + q, f"={cells[y][q]}", float(quantiles[y, q]), "pounds")
        page.formula(row, 2 + many, f"={at(row, 2)}", float(quantiles[y, 0]), "pounds")
        for q in range(1, many):
            difference = float(quantiles[y, q] - quantiles[y, q - 1])
            formula = f"={at(row, 2 + q)}-{at(row, 1 + q)}"
            page.formula(row, 2 + many + q, formula, difference, "pounds")
    parts = np.diff(quantiles, axis=1, prepend=0.0)
    return Fan(
        column(page, first, 1, content.year_headings),
        [cell(page, heading, 2 + q, name) for q, name in enumerate(names)],
        [column(page, first, 2 + q, quantiles[:, q].tolist()) for q in range(many)],
        [cell(page, heading, 2 + many + q, name) for q, name in enumerate(bands)],
        [column(page, first, 2 + many + q, parts[:, q].tolist()) for q in range(many)],
    )


# ---------------------------------------------------------------------- the funnel


def write_funnel(book: Book, content: Simulated, practices: Practices) -> None:
    """Write the chance of earning against list size: first scenario, last full year."""
    page = book.page("Funnel")
    s, y = 0, content.last_full_year
    year = content.year_headings[y]
    scenario = content.scenario_titles[content.scenarios[s]]
    page.text(1, 1, "Chance of earning against list size", bold=True)
    note = (
        f"{scenario}, {year}. A practice stands twice: with the effect, and without it. What is "
        "earned without the effect is earned by chance."
    )
    page.text(2, 1, note)
    page.widths(14, 34, 20, 20, 20, 20, 20)
    sizes = content.registered_list
    order = np.argsort(sizes, kind="stable")
    heading = _FIRST + ROWS + 1
    names = ("With the effect", "Without the effect")
    page.headings(heading, 1, ["Practice", "Name"])
    titles = ["Registered list", names[0], "Standard error", names[1], "Standard error"]
    page.headings(heading, 3, titles, over_numbers=True)
    known = content.coordinate("practice_name")
    for number, practice in enumerate(order.tolist()):
        row = heading + 1 + number
        page.text(row, 1, content.codes[practice])
        page.text(row, 2, known[practice])
        size = float(sizes[practice])
        page.formula(row, 3, f"={practices.list_of(practice)}", size, "pounds")
        for effect in (WITH, WITHOUT):
            chance, error = practices.chance_of(practice, s, y, effect)
            place = (s, effect, practice, y)
            first = 4 + 2 * effect
            page.formula(row, first, f"={chance}", float(practices.chance[place]), "share")
            page.formula(row, first + 1, f"={error}", float(practices.error[place]), "share")
    below = heading + 1
    chances = [practices.chance[s, effect][order, y].tolist() for effect in (WITH, WITHOUT)]
    chart = funnel_chart(
        column(page, below, 3, sizes[order].tolist()),
        (cell(page, heading, 4, names[0]), cell(page, heading, 6, names[1])),
        (column(page, below, 4, chances[0]), column(page, below, 6, chances[1])),
        [
            f"Chance of earning by list size of the practice, {year}, % of draws",
            f"{scenario}. {content.draws:,} draws",
        ],
    )
    page.chart(_FIRST, chart, _funnel_in_words(scenario, year, sizes[order], chances))
    page.sheet.print_title_rows = f"{heading}:{heading}"
    page.print_in_blocks(7, [heading])


def _funnel_in_words(
    scenario: str, year: str, sizes: np.ndarray, chances: Sequence[Sequence[float]]
) -> str:
    (with_small, with_large), (small, large) = ((c[0], c[-1]) for c in chances)
    ranges = [f"{min(c):.0%} to {max(c):.0%}" for c in chances]
    return (
        f"Scatter chart of the chance of earning in {year} against the registered list, "
        f"{scenario}: {len(sizes):,} practices of {sizes[0]:,.0f} to {sizes[-1]:,.0f} patients. "
        f"With the effect (triangles) from {ranges[0]}; without it (circles) from "
        f"{ranges[1]}. The smallest practice: {with_small:.0%} with, {small:.0%} without. "
        f"The largest: {with_large:.0%} with, {large:.0%} without. The figures stand in the table "
        "below the chart."
    )


# ---------------------------------------------------------------------- break-even


def write_break_even_charts(book: Book, content: Simulated, table: BreakEven) -> None:
    """Write cost and saving against the reduction, with the break-even marked."""
    page = book.page("Break-even chart")
    page.text(1, 1, "Cost and saving against the reduction at full effect", bold=True)
    page.text(2, 1, "All years together. Where the lines cross, the saving reaches the cost.")
    page.widths(40, *[20] * 5)
    row, starts = _FIRST, []
    for c, (s, scenario) in itertools.product(content.charted, enumerate(content.scenarios)):
        starts.append(row)
        who = f"{content.commissioners[c]}, {content.scenario_titles[scenario]}"
        page.text(row, 1, who, bold=True)
        all_scenarios = np.concatenate([table.cost[:, c], table.saving[:, c]])
        scale = money_scale(all_scenarios.ravel().tolist(), from_zero=True)
        marks, said = _write_marks(page, table, row + 1, (s, c))
        lines = [
            f"Cost and saving by reduction at full effect, all years together, {scale.unit}",
            who,
            said,
        ]
        cost, saving = _curves(table, (s, c))
        below = row + 7
        chart = break_even_chart(cost, saving, marks, lines, scale)
        page.chart(below, chart, _break_even_in_words(who, said, cost, saving))
        row = below + ROWS + 1
    page.print_in_blocks(6, starts[1:])


def _curves(table: BreakEven, place: tuple[int, int]) -> tuple[Curve, Curve]:
    page, first = table.page, table.row_of_reduction(*place)
    heading = table.second - 1
    x = column(page, first, 3, table.reductions)
    cost = Curve(
        cell(page, heading, 4, "Cost £"), x, column(page, first, 4, table.cost[place].tolist())
    )
    saving = Curve(
        cell(page, heading, 5, "Saving £"), x, column(page, first, 5, table.saving[place].tolist())
    )
    return cost, saving


def _write_marks(
    page: Page, table: BreakEven, heading: int, place: tuple[int, int]
) -> tuple[list[Curve], str]:
    """Write where the break-even and its range are drawn; and say them, or that there is none."""
    page.headings(heading, 1, ["Mark in the chart"])
    page.headings(heading, 2, [REDUCTION, "£"], over_numbers=True)
    page.fit_height(heading, [(REDUCTION, page.width(2) - 4)])
    share, low, high = table.found[place].tolist()
    if table.in_words(*place):
        said = f"Break-even: {table.in_words(*place)}"
        page.text(heading + 1, 1, said)
        return [], said
    first, last = (table.row_of_reduction(*place, n) for n in (0, len(table.reductions) - 1))
    amounts = f"{table.cell(first, 4)}:{at(last, 5)}"
    both = np.concatenate([table.cost[place], table.saving[place]])
    least, most = min(0.0, float(both.min())), float(both.max())
    cells = [table.cell(table.row(*place), number) for number in (3, 4, 5)]
    said = f"Break-even at {share:.2%}"
    name = f'="Break-even at "&TEXT({cells[0]},"0.00%")'
    ends = [(f"={cells[0]}", share, f"=MIN(0,{amounts})", least)]
    ends.append((f"={cells[0]}", share, f"=MAX({amounts})", most))
    marks = [_write_mark(page, heading + 1, (name, said), ends)]
    if math.isnan(low) or math.isnan(high):
        page.text(heading + 3, 1, f"{INTERVAL}: beyond the largest reduction, not drawn")
        return marks, said
    # The interval is drawn across the line, halfway up.
    name = f'="{INTERVAL}, "&TEXT({cells[1]},"0.00%")&" to "&TEXT({cells[2]},"0.00%")'
    up, middle = f"=AVERAGE({at(heading + 1, 3)}:{at(heading + 2, 3)})", (least + most) / 2
    ends = [(f"={cells[1]}", low, up, middle), (f"={cells[2]}", high, up, middle)]
    told = f"{INTERVAL}, {low:.2%} to {high:.2%}"
    marks.append(_write_mark(page, heading + 3, (name, told), ends))
    return marks, f"{said} ({INTERVAL} {low:.2%} to {high:.2%})"


def _write_mark(
    page: Page, first: int, name: tuple[str, str], ends: Sequence[tuple[str, float, str, float]]
) -> Curve:
    """Write the two ends of a mark: its name, the reduction and the pounds of each."""
    for row, (where, share, height, amount) in enumerate(ends, start=first):
        page.formula(row, 1, *name, "text")
        page.formula(row, 2, where, share, "fine share")
        page.formula(row, 3, height, amount, "pounds")
    return Curve(
        cell(page, first, 1, name[1]),
        column(page, first, 2, [end[1] for end in ends]),
        column(page, first, 3, [end[3] for end in ends]),
    )


def _break_even_in_words(who: str, said: str, cost: Curve, saving: Curve) -> str:
    first, last = (float(cost.x.values[n]) for n in (0, -1))
    told = " and ".join(
        f"{name} from {_pounds(float(curve.y.values[0]))} to {_pounds(float(curve.y.values[-1]))}"
        for name, curve in (("cost", cost), ("saving", saving))
    )
    return (
        f"Lines of cost (solid, circles) and saving (dashed, triangles), in pounds over all years, "
        f"against reductions at full effect of {percent(first)} to {percent(last)}, for "
        f"{who}: {told}. {said}. The figures stand on the sheet Break-even."
    )
