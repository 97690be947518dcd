"""Yearly totals by stream and by practice, and the checks that tie them together."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from capitation.wording import label
from capitation.workbook.checks import Check, write_checks
from capitation.workbook.content import TOTAL_PAYMENTS, Content
from capitation.workbook.layout import Layout
from capitation.workbook.page import Book, Page, at, quoted

PAYMENT_LIST = "payment_weighted_list"
BASE_PAYMENTS = "base_total_payments"
_STREAM, _UNIT, _FIRST_YEAR = 1, 2, 3
LISTED_FROM = 6


@dataclass(frozen=True)
class Listing:
    """A sheet to be filtered: a row for each scenario, practice or commissioner, and stream.

    Attributes
    ----------
    of : str
        Whose payments the sheet lists: practice or commissioner.
    labels : dict of str to int
        Headings of what is said of each, with the widths of their columns.
    who : list of tuple of str
        What is said of each.
    """

    of: str
    labels: dict[str, int]
    who: list[tuple[str, ...]]

    @property
    def first_year(self) -> int:
        """Column of the first year, after the scenario, the labels and the stream."""
        return len(self.labels) + 3


class Summary:
    """Writes the Summary, By practice and By commissioner sheets, and gathers the checks."""

    def __init__(self, book: Book, layout: Layout):
        self.book = book
        self.layout = layout
        self.content: Content = layout.content
        self.checks: list[Check] = []
        self.years = len(self.content.years)
        self.stream_rows: dict[tuple[str, str], int] = {}

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
        for number, (heading, begins) in enumerate(
            zip(content.year_headings, content.year_begins, strict=True)
        ):
            page.headings(row, column + number, [heading], over_numbers=True)
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
        page.widths(46, 14, *[20] * (self.years + 1), 2, 90)
        row = self.write_base_payments(page, 4)
        for scenario in self.content.scenarios:
            row = self.write_scenario(page, scenario, row) + 2
        page.sheet.freeze_panes = "B4"

    def write_base_payments(self, page: Page, row: int) -> int:
        """Write what the practices' file says was paid in the base year, and the row after it."""
        if BASE_PAYMENTS not in self.content.graph.leaves:
            return row
        place = self.layout.place(BASE_PAYMENTS, None)
        letter = self.layout.letters[place.column - 1]
        last = place.row + len(self.content.codes) - 1
        year = self.content.result.attrs["base_fiscal_year"]
        said = f"Total payments in {year}, from the practices' file"
        page.text(row, _STREAM, said)
        page.text(row, _UNIT, "GBP/year")
        formula = f"=SUM({quoted(place.sheet)}!{letter}{place.row}:{letter}{last})"
        paid = float(self.content.values(BASE_PAYMENTS, None).sum())
        page.formula(row, _FIRST_YEAR, formula, paid, "money")
        return row + 2

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
        self.stream_rows[scenario, name] = row
        page.text(row, _STREAM, label(name), bold=bold)
        said = "All streams together" if name == TOTAL_PAYMENTS else variable.title
        page.text(row, _FIRST_YEAR + self.years + 2, said)
        page.text(row, _UNIT, "GBP/year", bold=bold)
        source_row = self.row_of_all(name, scenario)
        amounts = self.by_year(name, self.scenario_of(name, scenario)).sum(axis=0).tolist()
        for number, value in enumerate(amounts):
            column = _FIRST_YEAR + number
            formula = self.year_of(name, scenario, source_row, at(heading, column, fix_row=True))
            page.formula(row, column, f"={formula}", value, "money", bold=bold)
        self.write_sum_along(page, row, _FIRST_YEAR, sum(amounts), bold=bold)

    def stream_cell(self, name: str, scenario: str, year: int) -> str:
        """The cell with a stream of a scenario in a year, from another sheet; last, all years."""
        return f"Summary!{at(self.stream_rows[scenario, name], _FIRST_YEAR + year)}"

    def total_cell(self, scenario: str, year: int) -> str:
        """The cell with total payments of a scenario in a year, from another sheet."""
        return self.stream_cell(TOTAL_PAYMENTS, scenario, year)

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

    # ------------------------------------------------------------------ By practice, commissioner

    def write_by_practice(self) -> None:
        """Write each practice's streams by year, in each scenario."""
        content = self.content
        who = zip(
            content.codes,
            content.coordinate("practice_name"),
            content.coordinate("commissioner"),
            content.coordinate("contract_type"),
            strict=True,
        )
        labels = {"Practice": 11, "Name": 34, "Commissioner": 14, "Contract": 10}
        listing = Listing("practice", labels, list(who))
        page = self.write_listing(listing)
        for number, scenario in enumerate(content.scenarios, start=1):
            # Total payments are the last of a scenario's streams.
            total = number * (len(content.streams) + 1) - 1
            first = LISTED_FROM + total * len(content.codes)
            self.check_practices(page, scenario, first, listing.first_year + self.years)

    def write_by_commissioner(self) -> None:
        """Write each commissioner's streams by year, in each scenario."""
        who: list[tuple[str, ...]] = [(code,) for code in self.content.commissioners]
        self.write_listing(Listing("commissioner", {"Commissioner": 14}, who))

    def write_listing(self, listing: Listing) -> Page:
        """Write a row for each scenario, stream and practice or commissioner."""
        page = self.book.page(f"By {listing.of}")
        page.text(1, 1, f"By {listing.of}: payments by stream and fiscal year", bold=True)
        page.text(2, 1, f"Pounds in the year. Filter by scenario, {listing.of} or stream.")
        titles = ["Scenario", *listing.labels, "Stream"]
        page.headings(LISTED_FROM - 1, 1, titles)
        page.headings(LISTED_FROM - 2, 1, [""] * len(titles))
        self.write_years_above(page, listing.first_year)
        page.widths(26, *listing.labels.values(), 28, *[20] * (self.years + 1))
        row = LISTED_FROM
        for scenario in self.content.scenarios:
            for name in [*self.content.streams, TOTAL_PAYMENTS]:
                row = self.write_listed(page, listing, name, scenario, row)
        page.sheet.freeze_panes = at(LISTED_FROM, 3)
        page.sheet.print_title_rows = f"{LISTED_FROM - 2}:{LISTED_FROM - 1}"
        last = at(row - 1, listing.first_year + self.years)
        page.sheet.auto_filter.ref = f"A{LISTED_FROM - 1}:{last}"
        return page

    def write_years_above(self, page: Page, first: int) -> None:
        """Write the years' numbers above their headings, so that the filter sits on the names."""
        content = self.content
        for column, begins in enumerate(content.year_begins, start=first):
            page.number(LISTED_FROM - 2, column, begins, "whole", "heading")
        page.headings(LISTED_FROM - 2, first + self.years, [""])
        headings = [*content.year_headings, "All years £"]
        page.headings(LISTED_FROM - 1, first, headings, over_numbers=True)

    def write_listed(self, page: Page, listing: Listing, name: str, scenario: str, row: int) -> int:
        """Write one stream of one scenario, and say which row is free after it."""
        for known, (source_row, amounts) in zip(
            listing.who, self.listed(listing, name, scenario), strict=True
        ):
            for column, text in enumerate((scenario, *known, label(name)), start=1):
                page.text(row, column, text)
            for column, value in enumerate(amounts, start=listing.first_year):
                year = at(LISTED_FROM - 2, column, fix_row=True)
                formula = self.year_of(name, scenario, source_row, year)
                page.formula(row, column, f"={formula}", value, "money")
            self.write_sum_along(page, row, listing.first_year, sum(amounts))
            row += 1
        return row

    def listed(self, listing: Listing, name: str, scenario: str) -> list[tuple[int, list[float]]]:
        """Row of a stream's months and its yearly sums, for each practice or commissioner."""
        variant = self.scenario_of(name, scenario)
        place, amounts = self.layout.place(name, variant), self.by_year(name, variant)
        if listing.of == "practice":
            return [(place.row + e, sums) for e, sums in enumerate(amounts.tolist())]
        members = self.content.members
        return [
            (place.totals[number], amounts[of.start : of.stop].sum(axis=0).tolist())
            for number, of in enumerate(members)
        ]

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

    def check_practices(self, page: Page, scenario: str, first: int, column: int) -> None:
        """Practices add to their commissioner."""
        content = self.content
        variant = self.scenario_of(TOTAL_PAYMENTS, scenario)
        place = self.layout.place(TOTAL_PAYMENTS, variant)
        yearly = self.by_year(TOTAL_PAYMENTS, variant).sum(axis=1)
        monthly = np.atleast_2d(content.values(TOTAL_PAYMENTS, variant))
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

    def write_checks(self, left_out: Collection[str] = ()) -> None:
        """Write every check, with the difference and the verdict.

        Parameters
        ----------
        left_out : collection of str, optional
            Sheets that this workbook does without.
        """
        title = "Checks: two ways to each figure, which must agree to the penny"
        headings = ("Left £", "Right £", "Difference £")
        write_checks(self.book, self.checks, title, headings, left_out)
