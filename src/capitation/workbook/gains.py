"""Who gains and who loses: a row a practice, from the largest loss to the largest gain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.pagebreak import Break

from capitation.workbook.charts import ROWS, cell, column, money_scale
from capitation.workbook.charts_of_premium import Named, sorted_bars
from capitation.workbook.checks import Check
from capitation.workbook.content import TOTAL_PAYMENTS, Content
from capitation.workbook.gains_threshold import BEGINS, COUNTS, Counted, Threshold
from capitation.workbook.page import Page, at, quoted
from capitation.workbook.summary import PAYMENT_LIST, Summary

TITLE = "Gains and losses"
REINVESTED, WITHDRAWN = "premium_reinvested", "premium_withdrawn"
_LABELS = {"Practice": 11, "Name": 34, "Commissioner": 14, "Contract": 10}
_FIRST = len(_LABELS) + 1
_ABOUT = (
    "Net change: premium reinvested in a practice less premium withdrawn from it, as against "
    "nothing withdrawn. Below 0 the practice loses. For each weighted patient: divided by the mean "
    "weighted list of the months.",
    "The order is fixed: from the largest loss to the largest gain for each weighted patient, all "
    "years of the first scenario, as it was when the workbook was made. The figures follow every "
    "change.",
)
_PER_PATIENT, _CHANGES, _LISTS = 0, 1, 2
_WIDTHS = (11, 14, 11)
"""Groups of columns: a reader looks at the first, which is made of the others."""


@dataclass(frozen=True)
class Change:
    """What a block of practices shows.

    Attributes
    ----------
    scenario, title : str
    amounts : numpy.ndarray
        By practice, as the content has them, and year. [GBP]
    formula : callable
        What a practice's change of a year comes to, from its place and the cell of the year.
    """

    scenario: str
    title: str
    amounts: np.ndarray
    formula: Callable[[int, str], str]


class GainsSheet:
    """Writes the sheet, and adds its checks to those of the summary.

    Parameters
    ----------
    summary : Summary
    """

    def __init__(self, summary: Summary):
        self.summary = summary
        self.layout = summary.layout
        self.content: Content = summary.content
        self.years = summary.years
        self.order: list[int] = []
        self.rows: dict[str, int] = {}

    @property
    def wanted(self) -> bool:
        """Whether premium is withdrawn from practices and reinvested in them."""
        graph = self.content.graph
        needed = (REINVESTED, WITHDRAWN, PAYMENT_LIST)
        of_practice = {"practice", "month"}
        return all(n in graph and {*graph[n].dims} - {"scenario"} == of_practice for n in needed)

    def group(self, number: int) -> int:
        """First column of the changes for each patient, of the changes, or of the lists."""
        return _FIRST + number * (self.years + 1)

    def write(self) -> None:
        """Write thresholds and counts, the chart, and a block for each scenario."""
        page = self.summary.book.page(TITLE)
        text = "Gains and losses: premium reinvested less premium withdrawn, by practice and year"
        page.text(1, 1, text, bold=True)
        columns = [width for width in _WIDTHS for _ in range(self.years + 1)]
        page.widths(*_LABELS.values(), *columns)
        for row, said in enumerate(_ABOUT, start=2):
            page.paragraph(row, said, self.group(_LISTS) - 1)
        changes = [self.net_change(scenario) for scenario in self.content.scenarios]
        self.order = self.sorted(changes[0]).tolist()
        chart_at = COUNTS + 2 * len(changes) + 1
        row = chart_at + ROWS + 1
        starts = [row]
        changes += [self.against_first(name) for name in self.content.scenarios[1:]]
        for change in changes:
            self.rows[change.title] = row
            row = self.write_block(page, change, row) + 1
            starts.append(row)
        counted = changes[: len(self.content.scenarios)]
        threshold = Threshold(self.content, page, _FIRST, self.group(_LISTS) - 1)
        threshold.write([self.counted(change) for change in counted])
        self.write_chart(page, counted, chart_at)
        page.sheet.freeze_panes = "C1"
        self.print_in_blocks(page, starts[:-1])

    def counted(self, change: Change) -> Counted:
        """The rows in which losses and gains for each patient are counted."""
        amounts = np.column_stack([change.amounts, change.amounts.sum(axis=1)])
        values = _per_patient(amounts, self.lists(change.scenario))
        return Counted(change.scenario, self.rows[change.title] + 3, values)

    def print_in_blocks(self, page: Page, starts: list[int]) -> None:
        """Print what changes on one page's width, and the lists beside it on another."""
        last = self.group(_LISTS) - 1
        page.print_in_blocks(last, starts)
        page.sheet.col_breaks.append(Break(id=last))
        page.sheet.print_title_cols = f"A:{get_column_letter(len(_LABELS))}"

    # ------------------------------------------------------------------ what changes

    def net_change(self, scenario: str) -> Change:
        """Premium reinvested less premium withdrawn."""
        title = f"Net change: {scenario}, {self.content.scenario_titles[scenario]}"
        return self.change(scenario, title, (REINVESTED, scenario), (WITHDRAWN, scenario))

    def against_first(self, scenario: str) -> Change:
        """All payments in a scenario less those in the first."""
        first = self.content.scenarios[0]
        title = f"Total payments in {scenario} less those in {first}"
        return self.change(scenario, title, (TOTAL_PAYMENTS, scenario), (TOTAL_PAYMENTS, first))

    def change(
        self, scenario: str, title: str, added: tuple[str, str], taken_off: tuple[str, str]
    ) -> Change:
        """One variable of one scenario less another."""
        summary = self.summary

        def amounts(name: str, of: str) -> np.ndarray:
            return summary.by_year(name, summary.scenario_of(name, of))

        def formula_of(name: str, of: str, practice: int, year: str) -> str:
            row = self.layout.place(name, summary.scenario_of(name, of)).row + practice
            return summary.year_of(name, of, row, year)

        def formula(practice: int, year: str) -> str:
            left, right = (formula_of(*pair, practice, year) for pair in (added, taken_off))
            return f"{left}-{right}"

        return Change(scenario, title, amounts(*added) - amounts(*taken_off), formula)

    def lists(self, scenario: str) -> np.ndarray:
        """Mean weighted lists of the practices, by year and, last, of all months."""
        variant = self.summary.scenario_of(PAYMENT_LIST, scenario)
        by_month = self.content.values(PAYMENT_LIST, variant)
        year_of_month = np.array(self.content.year_of_month)
        years = [by_month[:, year_of_month == year].mean(axis=1) for year in range(self.years)]
        return np.stack([*years, by_month.mean(axis=1)], axis=1)

    def sorted(self, change: Change) -> np.ndarray:
        """Places of the practices, from the largest loss for each patient to the largest gain."""
        per_patient = _per_patient(change.amounts.sum(axis=1), self.lists(change.scenario)[:, -1])
        # Whole pence, so that the last bits do not put practices with the same change in order.
        return np.lexsort((np.array(self.content.codes), np.round(per_patient, 2)))

    # ------------------------------------------------------------------ blocks

    def write_block(self, page: Page, change: Change, row: int) -> int:
        """Write the practices of one scenario and their sum; give the row after."""
        content = self.content
        page.text(row, 1, change.title, bold=True)
        self.write_headings(page, row + 1)
        first = row + 3
        amounts = np.column_stack([change.amounts, change.amounts.sum(axis=1)])
        lists = self.lists(change.scenario)
        for line, practice in enumerate(self.order, start=first):
            for number, text in enumerate(content.who[practice], start=1):
                page.text(line, number, text)
            self.write_lists(page, line, change.scenario, practice, lists[practice])
            for year in range(self.years):
                begins = at(BEGINS, _FIRST + year, fix_row=True, fix_column=True)
                formula = change.formula(practice, begins)
                value = float(amounts[practice, year])
                page.formula(line, self.group(_CHANGES) + year, f"={formula}", value, "money")
            self.write_sum_of_years(page, line, float(amounts[practice, -1]))
            self.write_per_patient(page, line, amounts[practice], lists[practice])
        last = first + len(self.order) - 1
        self.write_total(page, first, last, amounts.sum(axis=0), lists.sum(axis=0))
        return last + 2

    def write_headings(self, page: Page, row: int) -> None:
        years = [*(h.removesuffix(" £") for h in self.content.year_headings), "All years"]
        page.headings(row, 1, [""] * len(_LABELS))
        page.headings(row + 1, 1, list(_LABELS))
        groups = ("Change, £ per weighted patient", "Change £", "Weighted list, mean")
        for number, title in enumerate(groups):
            start = self.group(number)
            page.headings(row, start, [""] * len(years), over_numbers=True)
            page.text(row, start, title, "heading")
            page.headings(row + 1, start, years, over_numbers=True)

    def write_lists(
        self, page: Page, row: int, scenario: str, practice: int, lists: np.ndarray
    ) -> None:
        variant = self.summary.scenario_of(PAYMENT_LIST, scenario)
        place = self.layout.place(PAYMENT_LIST, variant)
        months = self.layout.along(PAYMENT_LIST, variant, place.row + practice)
        years = self.layout.heading_along(PAYMENT_LIST, variant)
        for year in range(self.years):
            begins = at(BEGINS, _FIRST + year, fix_row=True, fix_column=True)
            formula = f"=AVERAGEIFS({months},{years},{begins})"
            page.formula(row, self.group(_LISTS) + year, formula, float(lists[year]), "list")
        page.formula(
            row, self.group(_LISTS) + self.years, f"=AVERAGE({months})", float(lists[-1]), "list"
        )

    def write_sum_of_years(self, page: Page, row: int, value: float) -> None:
        end = self.group(_CHANGES) + self.years
        formula = f"=SUM({at(row, self.group(_CHANGES))}:{at(row, end - 1)})"
        page.formula(row, end, formula, value, "money")

    def write_per_patient(
        self, page: Page, row: int, amounts: np.ndarray, lists: np.ndarray, *, bold: bool = False
    ) -> None:
        values = _per_patient(amounts, lists).tolist()
        for year, value in enumerate(values):
            amount, patients = (
                at(row, self.group(_CHANGES) + year),
                at(row, self.group(_LISTS) + year),
            )
            formula = f"=IF({patients}>0,{amount}/{patients},0)"
            page.formula(row, self.group(_PER_PATIENT) + year, formula, value, "money", bold=bold)

    def write_total(
        self, page: Page, first: int, last: int, amounts: np.ndarray, lists: np.ndarray
    ) -> None:
        row = last + 1
        page.text(row, 1, "All practices", bold=True)
        for start, values, form in ((_LISTS, lists, "list"), (_CHANGES, amounts, "money")):
            for year, value in enumerate(values.tolist()):
                here = self.group(start) + year
                formula = f"=SUM({at(first, here)}:{at(last, here)})"
                page.formula(row, here, formula, value, form, bold=True)
        self.write_per_patient(page, row, amounts, lists, bold=True)

    # ------------------------------------------------------------------ chart and check

    def write_chart(self, page: Page, changes: list[Change], row: int) -> None:
        """Draw the changes of all years for each patient: bars of the first scenario, sorted."""
        shown = changes[:2]
        named = []
        values: list[float] = []
        for change in shown:
            heading = self.rows[change.title]
            per_patient = _per_patient(
                change.amounts.sum(axis=1), self.lists(change.scenario)[:, -1]
            )[self.order].tolist()
            values += per_patient
            figures = column(page, heading + 3, self.group(_PER_PATIENT) + self.years, per_patient)
            named.append(Named(cell(page, heading, 1, change.title), figures))
        codes = [self.content.codes[practice] for practice in self.order]
        who = column(page, self.rows[shown[0].title] + 3, 1, codes)
        months = self.content.months
        when = f"{months[0]:%B %Y} to {months[-1]:%B %Y}"
        unit = "£ per weighted patient"
        lines = [f"Premium reinvested less withdrawn, {unit}", f"{when}. {_seen(shown)}"]
        scale = replace(money_scale(values, from_zero=True), unit=unit)
        page.chart(
            row, sorted_bars(who, named[0], named[1:], lines, scale), _in_words(shown, named, when)
        )

    def check(self) -> None:
        """Add a check for each scenario: practices' changes add up to what the pool's flows say."""
        last, page = self.group(_CHANGES) + self.years, quoted(TITLE)
        for scenario in self.content.scenarios:
            change = self.net_change(scenario)
            total = self.rows[change.title] + 3 + len(self.order)
            variants = {n: self.summary.scenario_of(n, scenario) for n in (REINVESTED, WITHDRAWN)}
            left, right = (
                f"SUM({self.layout.along(n, v, self.summary.row_of_all(n, scenario))})"
                for n, v in variants.items()
            )
            paid = [float(self.content.values(n, v).sum()) for n, v in variants.items()]
            self.summary.checks.append(
                Check(
                    "Gains and losses add to the premium's flows",
                    scenario,
                    f"{page}!{at(total, last)}",
                    f"{left}-{right}",
                    float(change.amounts.sum()),
                    paid[0] - paid[1],
                )
            )


def _per_patient(amounts: np.ndarray, lists: np.ndarray) -> np.ndarray:
    return np.divide(amounts, lists, out=np.zeros_like(amounts), where=lists > 0)


def _seen(shown: list[Change]) -> str:
    """Which scenarios a chart shows, and how."""
    if len(shown) == 1:
        return f"A bar for each practice, {shown[0].scenario}"
    return f"Bars: {shown[0].scenario}. Marks: {shown[1].scenario}"


def _in_words(shown: list[Change], named: list[Named], when: str) -> str:
    told = []
    for change, series in zip(shown, named, strict=True):
        values = np.array([float(value) for value in series.figures.values])
        losses, gains = -values[values < 0], values[values > 0]
        told.append(
            f"{change.scenario}: {len(losses)} lose, the most £{losses.max(initial=0):,.2f}; "
            f"{len(gains)} gain, the most £{gains.max(initial=0):,.2f}"
        )
    return (
        f"Column chart of premium reinvested less premium withdrawn for each weighted patient, "
        f"{when}: a bar for each practice, from the largest loss to the largest gain in "
        f"{shown[0].scenario}. {'. '.join(told)}. The figures stand in the tables below the chart."
    )
