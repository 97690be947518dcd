"""Yearly totals by stream and by practice, and the checks that tie them together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from capitation.workbook.content import TOTAL_PAYMENTS, Content, label
from capitation.workbook.layout import Layout
from capitation.workbook.page import Book, Page, at, quoted
from capitation.workbook.saved_values import Value

PAYMENT_LIST = "payment_weighted_list"
_STREAM, _UNIT, _FIRST_YEAR = 1, 2, 3
_LABELS = ("Scenario", "Practice", "Name", "Commissioner", "Contract", "Stream")
_FIRST_YEAR_BY_PRACTICE = len(_LABELS) + 1
HALF_A_PENNY = 0.005


@dataclass(frozen=True)
class Check:
    """Two figures that must agree to the penny.

    Attributes
    ----------
    what, where : str
    left, right : str
        Formulas, without the equals sign.
    left_value, right_value : float
    """

    what: str
    where: str
    left: str
    right: str
    left_value: float
    right_value: float

    @property
    def holds(self) -> bool:
        """Whether the saved figures agree."""
        return abs(self.left_value - self.right_value) < HALF_A_PENNY


class Summary:
    """Writes the Summary and By practice sheets, and gathers the checks."""

    def __init__(self, book: Book, layout: Layout):
        self.book = book
        self.layout = layout
        self.content: Content = layout.content
        self.checks: list[Check] = []
        self.years = len(self.content.years)
        last = _FIRST_YEAR_BY_PRACTICE + self.years
        self.last_by_practice = last
        self.rows_by_practice: dict[str, range] = {}

    # ------------------------------------------------------------------ by year

    def by_year(self, name: str, scenario: str | None) -> np.ndarray:
        """Yearly sums of a monthly variable, on practice and year."""
        values = np.atleast_2d(self.content.values(name, scenario))
        sums = np.zeros((len(values), self.years))
        for month, year in enumerate(self.content.year_of_month):
            sums[:, year] += values[:, month]
        return sums

    def scenario_of(self, name: str, scenario: str) -> str | None:
        """The scenario in which a variable stands, or None if it is common to all."""
        return scenario if "scenario" in self.content.graph[name].dims else None

    def year_of(self, name: str, scenario: str, row: int, year_cell: str) -> str:
        """Formula for the sum of one row of months in a year."""
        variant = self.scenario_of(name, scenario)
        months = self.layout.along(name, variant, row)
        return f"SUMIFS({months},{self.layout.heading_along(name, variant)},{year_cell})"

    def write_years(self, page: Page, row: int, column: int) -> None:
        """Write a row of year headings and, under it, the numbers that the sums look for."""
        content = self.content
        for number, (year, begins) in enumerate(
            zip(content.years, content.year_begins, strict=True)
        ):
            page.headings(row, column + number, [f"{year} £"], over_numbers=True)
            page.number(row + 1, column + number, begins, "whole", "heading")
        page.headings(row, column + self.years, ["All years £"], over_numbers=True)
        page.headings(row + 1, column + self.years, [""])
        for offset, title in enumerate(("", "What it is"), start=1):
            page.headings(row, column + self.years + offset, [title])
            page.headings(row + 1, column + self.years + offset, [""])

    # ------------------------------------------------------------------ Summary

    def write(self) -> None:
        """Write the streams of each scenario by year."""
        page = self.book.page("Summary")
        page.text(1, 1, "Summary: payments by stream and fiscal year, all practices", bold=True)
        page.text(2, 1, "Pounds in the year. Positive figures are paid to practices.")
        page.widths(34, 12, *[18] * (self.years + 1), 2, 90)
        row = 4
        for scenario in self.content.scenarios:
            row = self.write_scenario(page, scenario, row) + 2
        page.sheet.freeze_panes = "B4"

    def write_scenario(self, page: Page, scenario: str, row: int) -> int:
        content = self.content
        page.text(row, 1, content.scenario_titles[scenario], bold=True)
        row += 1
        page.text(row, _STREAM, "Stream", "heading")
        page.text(row, _UNIT, "Unit", "heading")
        page.text(row + 1, _STREAM, "Fiscal year begins in", "heading")
        page.text(row + 1, _UNIT, "", "heading")
        self.write_years(page, row, _FIRST_YEAR)
        heading = row + 1
        first = row = row + 2
        for stream in content.streams:
            self.write_stream(page, stream, scenario, row, heading)
            row += 1
        self.write_stream(page, TOTAL_PAYMENTS, scenario, row, heading, bold=True)
        self.check_streams(page, scenario, first, row)
        self.check_years(page, scenario, row)
        if PAYMENT_LIST in content.graph:
            self.write_per_patient(page, scenario, row, heading)
            row += 2
        return row

    def write_stream(
        self, page: Page, name: str, scenario: str, row: int, heading: int, *, bold: bool = False
    ) -> None:
        variable = self.content.graph[name]
        page.text(row, _STREAM, label(name), bold=bold)
        page.text(row, _FIRST_YEAR + self.years + 2, variable.title)
        page.text(row, _UNIT, "GBP/year", bold=bold)
        source_row = self.row_of_all(name, scenario)
        amounts = self.by_year(name, self.scenario_of(name, scenario)).sum(axis=0).tolist()
        for number, value in enumerate(amounts):
            column = _FIRST_YEAR + number
            formula = self.year_of(name, scenario, source_row, at(heading, column, fix_row=True))
            page.formula(row, column, f"={formula}", value, "money", bold=bold)
        self.write_sum_along(page, row, _FIRST_YEAR, sum(amounts), bold=bold)

    def write_sum_along(
        self, page: Page, row: int, column: int, value: float, *, bold: bool = False
    ) -> None:
        end = column + self.years
        summed = f"=SUM({at(row, column)}:{at(row, end - 1)})"
        page.formula(row, end, summed, value, "money", bold=bold)

    def row_of_all(self, name: str, scenario: str) -> int:
        """The row that adds up all practices of a variable."""
        return self.layout.place(name, self.scenario_of(name, scenario)).totals[-1]

    def write_per_patient(self, page: Page, scenario: str, row: int, heading: int) -> None:
        """Write the mean weighted list of the year, and total payments for each of its patients."""
        variant = self.scenario_of(PAYMENT_LIST, scenario)
        list_row = self.row_of_all(PAYMENT_LIST, scenario)
        months = self.layout.along(PAYMENT_LIST, variant, list_row)
        years = self.layout.heading_along(PAYMENT_LIST, variant)
        lists = np.atleast_2d(self.content.values(PAYMENT_LIST, variant)).sum(axis=0)
        year_of_month = np.array(self.content.year_of_month)
        payments = self.by_year(TOTAL_PAYMENTS, self.scenario_of(TOTAL_PAYMENTS, scenario))
        page.text(row + 1, _STREAM, "Weighted list, mean of the months")
        page.text(row + 1, _UNIT, "patient")
        page.text(row + 2, _STREAM, "Payments per weighted patient")
        page.text(row + 2, _UNIT, "GBP/patient")
        for number in range(self.years):
            column = _FIRST_YEAR + number
            mean = float(lists[year_of_month == number].mean())
            year = at(heading, column, fix_row=True)
            formula = f"=AVERAGEIFS({months},{years},{year})"
            page.formula(row + 1, column, formula, mean, "list")
            paid = float(payments[:, number].sum())
            divided = f"=IF({at(row + 1, column)}>0,{at(row, column)}/{at(row + 1, column)},0)"
            page.formula(row + 2, column, divided, paid / mean if mean > 0 else 0.0, "money")

    # ------------------------------------------------------------------ By practice

    def write_by_practice(self) -> None:
        """Write each practice's streams by year, in each scenario."""
        page = self.book.page("By practice")
        page.text(1, 1, "By practice: payments by stream and fiscal year", bold=True)
        page.text(2, 1, "Pounds in the year. Filter by scenario, practice or stream.")
        page.headings(5, 1, list(_LABELS))
        for column in range(1, len(_LABELS) + 1):
            page.text(4, column, "", "heading")
        self.write_years_above(page)
        page.widths(26, 11, 34, 14, 10, 28, *[16] * (self.years + 1))
        row = 6
        for scenario in self.content.scenarios:
            start = row
            for name in [*self.content.streams, TOTAL_PAYMENTS]:
                row = self.write_practices(page, name, scenario, row)
            self.rows_by_practice[scenario] = range(start, row)
            self.check_practices(page, scenario)
        page.sheet.freeze_panes = at(6, 3)
        page.sheet.auto_filter.ref = f"A5:{at(row - 1, self.last_by_practice)}"

    def write_years_above(self, page: Page) -> None:
        """Write the years' numbers above their headings, so that the filter sits on the names."""
        content = self.content
        for number, (year, begins) in enumerate(
            zip(content.years, content.year_begins, strict=True)
        ):
            column = _FIRST_YEAR_BY_PRACTICE + number
            page.number(4, column, begins, "whole", "heading")
            page.headings(5, column, [f"{year} £"], over_numbers=True)
        page.headings(4, self.last_by_practice, [""])
        page.headings(5, self.last_by_practice, ["All years £"], over_numbers=True)

    def write_practices(self, page: Page, name: str, scenario: str, row: int) -> int:
        content = self.content
        variant = self.scenario_of(name, scenario)
        first = self.layout.place(name, variant).row
        amounts = self.by_year(name, variant).tolist()
        labels = zip(
            content.codes,
            content.coordinate("practice_name"),
            content.coordinate("commissioner"),
            content.coordinate("contract_type"),
            strict=True,
        )
        for e, known in enumerate(labels):
            for column, text in enumerate((scenario, *known, label(name)), start=1):
                page.text(row, column, text)
            for number, value in enumerate(amounts[e]):
                column = _FIRST_YEAR_BY_PRACTICE + number
                year = at(4, column, fix_row=True)
                formula = self.year_of(name, scenario, first + e, year)
                page.formula(row, column, f"={formula}", value, "money")
            self.write_sum_along(page, row, _FIRST_YEAR_BY_PRACTICE, sum(amounts[e]))
            row += 1
        return row

    # ------------------------------------------------------------------ checks

    def check_streams(self, page: Page, scenario: str, first: int, total: int) -> None:
        """Streams add to payments, in each year."""
        variant = self.scenario_of(TOTAL_PAYMENTS, scenario)
        payments = self.by_year(TOTAL_PAYMENTS, variant).sum(axis=0)
        streams = sum(
            self.by_year(s, self.scenario_of(s, scenario)).sum(axis=0) for s in self.content.streams
        )
        for number, year in enumerate(self.content.years):
            column = _FIRST_YEAR + number
            self.checks.append(
                Check(
                    "Streams add to payments",
                    f"{scenario}, {year}",
                    f"SUM({page.title}!{at(first, column)}:{at(total - 1, column)})",
                    f"{page.title}!{at(total, column)}",
                    float(np.asarray(streams)[number]),
                    float(payments[number]),
                )
            )

    def check_years(self, page: Page, scenario: str, total: int) -> None:
        """Months add to years."""
        variant = self.scenario_of(TOTAL_PAYMENTS, scenario)
        months = self.layout.along(
            TOTAL_PAYMENTS, variant, self.row_of_all(TOTAL_PAYMENTS, scenario)
        )
        last = _FIRST_YEAR + self.years
        self.checks.append(
            Check(
                "Months add to years",
                scenario,
                f"SUM({months})",
                f"{page.title}!{at(total, last)}",
                float(self.content.values(TOTAL_PAYMENTS, variant).sum()),
                float(self.by_year(TOTAL_PAYMENTS, variant).sum()),
            )
        )

    def check_practices(self, page: Page, scenario: str) -> None:
        """Practices add to their commissioner."""
        content = self.content
        variant = self.scenario_of(TOTAL_PAYMENTS, scenario)
        place = self.layout.place(TOTAL_PAYMENTS, variant)
        yearly = self.by_year(TOTAL_PAYMENTS, variant).sum(axis=1)
        monthly = np.atleast_2d(content.values(TOTAL_PAYMENTS, variant))
        column = self.last_by_practice
        first = self.rows_by_practice[scenario][-len(content.codes)]
        for number, code in enumerate(content.commissioners):
            members = content.members[number]
            cells = f"{at(first + members[0], column)}:{at(first + members[-1], column)}"
            months = self.layout.along(TOTAL_PAYMENTS, variant, place.totals[number])
            self.checks.append(
                Check(
                    "Practices add to their commissioner",
                    f"{scenario}, {code}",
                    f"SUM({quoted(page.title)}!{cells})",
                    f"SUM({months})",
                    float(yearly[members[0] : members[-1] + 1].sum()),
                    float(monthly[members[0] : members[-1] + 1].sum()),
                )
            )

    def write_checks(self) -> None:
        """Write every check, with the difference and the verdict."""
        page = self.book.page("Checks")
        page.text(1, 1, "Checks: two ways to each figure, which must agree to the penny", bold=True)
        page.headings(3, 1, ["Check", "Where"])
        page.headings(3, 3, ["Left £", "Right £", "Difference £"], over_numbers=True)
        page.headings(3, 6, ["Result"])
        page.widths(38, 40, 20, 20, 16, 10)
        for row, check in enumerate(self.checks, start=4):
            page.text(row, 1, check.what)
            page.text(row, 2, check.where)
            page.formula(row, 3, f"={check.left}", check.left_value, "money")
            page.formula(row, 4, f"={check.right}", check.right_value, "money")
            difference = 0.0 if check.holds else check.left_value - check.right_value
            page.formula(row, 5, f"=ROUND(C{row}-D{row},2)", difference, "money")
            verdict: Value = "OK" if check.holds else "CHECK"
            page.formula(row, 6, f'=IF(E{row}=0,"OK","CHECK")', verdict, "text")
        page.sheet.freeze_panes = "A4"

    @property
    def verdicts(self) -> str:
        """The cells that hold the verdicts."""
        return f"Checks!$F$4:$F${3 + len(self.checks)}"

    @property
    def failed(self) -> int:
        """How many checks fail."""
        return sum(not check.holds for check in self.checks)
