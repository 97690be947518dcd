"""Money leaving in whole pence, by stream and month, with what is earned and what is owed."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import xarray as xr
from openpyxl.formatting.rule import ColorScaleRule
from openpyxl.utils import get_column_letter

from capitation.cash_calendar import ASPIRATION, IN_ARREARS
from capitation.settlement import settle
from capitation.wording import label
from capitation.workbook.checks import Check
from capitation.workbook.content import Content
from capitation.workbook.layout import BEGINS_ROW, FIRST, FIRST_ROW, MONTH_ROW, OPENING, YEAR_ROW
from capitation.workbook.page import Page, at, quoted, serial
from capitation.workbook.saved_values import Value
from capitation.workbook.summary import Summary
from capitation.workbook.terms_sheets import write_time_headings

TITLE = "Payment calendar"
EARNED, PAID = "earned", "paid"
STREAM, TIMING, MOST, BASIS = 1, 2, 3, 4
PENCE = 100
_WIDTH_OF_MONTH, _WIDTH_OF_YEAR = 13.5, 17
_PRINTED_AT = 46
_ABOUT = (
    "Pounds, all practices, {scenario}. Each payment to each practice is rounded to the penny "
    "before it is added up, so that months are values of the run; sums and checks are live."
)
_SHADES = (
    "Paid by stream. Shading runs, stream by stream, from the smallest month (white) to the "
    "largest (dark), which is also named; streams that move by less than 1% have neither."
)
_LIGHT, _DARK = "FFFFFF", "9DC3E6"
"""Ends of the shading: black figures are readable on either."""

Formula = Callable[[int], str]
"""The formula of a column."""


class PaymentCalendar:
    """Writes the sheet, and adds its checks to those of the summary.

    Parameters
    ----------
    summary : Summary

    Attributes
    ----------
    paid, earned : range
        Rows of the streams.
    """

    def __init__(self, summary: Summary):
        self.summary = summary
        self.content: Content = summary.content
        self.scenario = self.content.scenarios[0]
        self.settled: xr.Dataset = settle(self.content.result.isel(scenario=0)).isel(scenario=0)
        self.streams = self.content.streams
        self.months, self.years = len(self.content.months), summary.years
        self.first_year = FIRST + self.months
        self.page: Page = summary.book.page(TITLE)
        self.paid = self.earned = range(0)

    def write(self) -> int:
        """Write what is paid and earned by stream, and what is owed; give the first free row."""
        page = self.page
        title = self.content.scenario_titles[self.scenario]
        page.text(1, 1, "Payment calendar: what is paid in which month, to the penny", bold=True)
        page.text(2, 1, _ABOUT.format(scenario=title))
        self.write_headings()
        self.paid, row = self.write_streams("paid", _SHADES, FIRST_ROW)
        self.earned, row = self.write_streams("accrued", "Earned by stream.", row + 1)
        row = self.write_owed(row + 1)
        page.sheet.freeze_panes = at(FIRST_ROW, FIRST)
        years = self.content.year_of_month
        starts = [FIRST + n for n in range(self.months) if n == 0 or years[n] != years[n - 1]]
        last = self.first_year + self.years
        page.print_by_block("3:6", FIRST - 1, _PRINTED_AT, [*starts, self.first_year], last)
        return row

    def write_notes(self, row: int) -> None:
        """Write what the settlement takes for granted."""
        notes = json.loads(self.settled.attrs["notes"])
        for number, note in enumerate(notes):
            self.page.text(row + number, STREAM, note)

    def write_headings(self) -> None:
        page = self.page
        write_time_headings(page, self.content.months, first_is_input=False)
        titles = ["Stream", "When it is paid", "Largest month", "Rules say what is"]
        page.headings(FIRST_ROW - 1, 1, titles)
        page.headings(FIRST_ROW - 1, OPENING, ["Before the first month"], over_numbers=True)
        page.headings(FIRST_ROW - 1, FIRST, [""] * (self.months + self.years + 1))
        page.widths(34, 52, 12, 10, 14, *[_WIDTH_OF_MONTH] * self.months)
        page.sheet.row_dimensions[FIRST_ROW - 1].height = 27
        for number in range(self.years + 1):
            column = self.first_year + number
            page.sheet.column_dimensions[get_column_letter(column)].width = _WIDTH_OF_YEAR
            said = "Year" if number < self.years else "All months"
            page.headings(MONTH_ROW, column, [said], over_numbers=True)
            if number == self.years:
                page.headings(YEAR_ROW, column, [""])
                page.headings(BEGINS_ROW, column, [""])
                continue
            heading = self.content.year_headings[number].removesuffix(" £")
            page.headings(YEAR_ROW, column, [heading], over_numbers=True)
            begins = self.content.year_begins[number]
            page.number(BEGINS_ROW, column, begins, "whole", "heading")

    # ------------------------------------------------------------------ rows

    def write_streams(self, name: str, title: str, row: int) -> tuple[range, int]:
        """Write a row for each stream, and their total; give the rows and the row after."""
        page = self.page
        self.write_block_title(title, row)
        amounts = self.settled[name].sum("practice").transpose("stream", "month").values
        rows = range(row + 1, row + 1 + len(self.streams))
        timings = [str(timing) for timing in self.settled["timing"].values]
        facts = zip(rows, self.streams, timings, self.bases(), amounts, strict=True)
        for row, stream, timing, basis, pence in facts:
            page.text(row, STREAM, label(stream), wrap=True)
            page.text(row, TIMING, timing, wrap=True)
            page.text(row, BASIS, basis, form="indented")
            page.fit_height(
                row, [(timing, page.width(TIMING)), (label(stream), page.width(STREAM))]
            )
            self.write_values(row, pence)
            self.write_largest(row, pence)
            if name == "paid" and not _flat(pence):
                self.shade(row)
            self.write_sums(row, pence / PENCE)
        total = amounts.sum(axis=0) / PENCE
        page.text(
            rows.stop, STREAM, f"All that is {'earned' if name != 'paid' else name}", bold=True
        )
        self.write_row(
            rows.stop,
            lambda column: f"SUM({at(rows.start, column)}:{at(rows.stop - 1, column)})",
            total,
            bold=True,
        )
        self.write_sums(rows.stop, total, bold=True)
        return rows, rows.stop + 1

    def write_block_title(self, title: str, row: int) -> None:
        for column in range(1, self.first_year + self.years + 1):
            self.page.text(row, column, "", "block")
        self.page.text(row, 1, title, "block", bold=True)

    def bases(self) -> list[str]:
        """Whether the rules of a stream say what it earns, or what it is paid."""
        record = json.loads(self.settled.attrs["cash_calendar"])
        kinds = [{entry["paid"] for entry in record.get(stream, [])} for stream in self.streams]
        return [EARNED if kind & {IN_ARREARS, ASPIRATION} else PAID for kind in kinds]

    def write_values(self, row: int, pence: np.ndarray) -> None:
        for number, amount in enumerate(pence.tolist()):
            self.page.number(row, FIRST + number, amount / PENCE, "money", "plain")

    def write_row(
        self, row: int, formula: Formula, values: np.ndarray, *, bold: bool = False
    ) -> None:
        for column, value in enumerate(values.tolist(), start=FIRST):
            self.page.formula(row, column, f"={formula(column)}", value, "money", bold=bold)

    def along(self, row: int) -> str:
        """The months of a row, from any column of the sheet."""
        first, last = FIRST, FIRST + self.months - 1
        return f"{at(row, first, fix_column=True)}:{at(row, last, fix_column=True)}"

    def heading_along(self, row: int) -> str:
        """The months of a heading's row, from any row of the sheet."""
        return ":".join(
            at(row, column, fix_row=True, fix_column=True)
            for column in (FIRST, FIRST + self.months - 1)
        )

    def write_largest(self, row: int, pence: np.ndarray) -> None:
        """Name the month in which a stream comes to most, where one stands out."""
        months = self.along(row)
        found = f"INDEX({self.heading_along(MONTH_ROW)},MATCH(MAX({months}),{months},0))"
        value: Value = ""
        if not _flat(pence):
            value = serial(self.content.months[int(pence.argmax())])
        flat = f"MAX({months})-MIN({months})<MAX({months},-MIN({months}))/100"
        none = f"MAX({months})=MIN({months})"
        formula = f'=IF(OR({none},{flat}),"",{found})'
        self.page.formula(row, MOST, formula, value, "month", "plain")

    def write_sums(self, row: int, amounts: np.ndarray, *, bold: bool = False) -> None:
        """Write the sums of each year's months, and of all."""
        sums = self.by_year(amounts)
        years = self.heading_along(BEGINS_ROW)
        for number, value in enumerate(sums.tolist()):
            column = self.first_year + number
            year = at(BEGINS_ROW, column, fix_row=True)
            formula = f"=SUMIFS({self.along(row)},{years},{year})"
            self.page.formula(row, column, formula, value, "money", bold=bold)
        self.write_all_years(row, float(sums.sum()), bold=bold)

    def write_all_years(self, row: int, value: float, *, bold: bool = False) -> None:
        column = self.first_year + self.years
        formula = f"=SUM({at(row, self.first_year)}:{at(row, column - 1)})"
        self.page.formula(row, column, formula, value, "money", bold=bold)

    def by_year(self, amounts: np.ndarray) -> np.ndarray:
        """Sums of months by fiscal year."""
        years = np.array(self.content.year_of_month)
        return np.array([amounts[years == year].sum() for year in range(self.years)])

    def shade(self, row: int) -> None:
        """Shade a stream by itself, so that its own lumps show."""
        first, last = at(row, FIRST), at(row, FIRST + self.months - 1)
        rule = ColorScaleRule(start_type="min", start_color=_LIGHT, end_type="max", end_color=_DARK)
        self.page.sheet.conditional_formatting.add(f"{first}:{last}", rule)

    # ------------------------------------------------------------------ what is owed

    def write_owed(self, row: int) -> int:
        """Write what is owed at each month's end, and that it moves by earned less paid."""
        page = self.page
        self.write_block_title("All streams: what is owed at the end of each month.", row)
        said = (
            "Earned and not yet paid (creditors)",
            "Paid and not yet earned (debtors)",
            "Owed to practices: creditors - debtors",
            "Earned - paid in the month",
            "Owed + earned - paid - owed after: must be 0",
        )
        creditors, debtors, owed, moved, apart = range(row + 1, row + 1 + len(said))
        for line, text in enumerate(said, start=creditors):
            page.text(line, STREAM, text)
        before, after = {}, {}
        for line, name in ((creditors, "creditor"), (debtors, "debtor")):
            after[name] = self.settled[name].sum(("stream", "practice")).values
            before[name] = int(self.settled[f"opening_{name}"].sum())
            page.number(line, OPENING, before[name] / PENCE, "money", "plain")
            self.write_values(line, after[name])
            self.write_at_year_ends(line, after[name] / PENCE)
        net = (after["creditor"] - after["debtor"]) / PENCE
        opening = (before["creditor"] - before["debtor"]) / PENCE

        def difference(column: int) -> str:
            return f"{at(creditors, column)}-{at(debtors, column)}"

        page.formula(owed, OPENING, f"={difference(OPENING)}", opening, "money")
        self.write_row(owed, difference, net)
        self.write_at_year_ends(owed, net)
        flow = np.diff(net, prepend=opening)
        earned, paid = self.earned.stop, self.paid.stop
        self.write_row(moved, lambda column: f"{at(earned, column)}-{at(paid, column)}", flow)
        self.write_sums(moved, flow)

        def left_over(column: int) -> str:
            moves = f"{at(owed, column - 1)}+{at(moved, column)}"
            return f"ROUND({moves}-{at(owed, column)},2)"

        amounts = [self.settled[n].sum(("stream", "practice")).values for n in ("accrued", "paid")]
        pence = np.rint(net * PENCE)
        moves = np.diff(pence, prepend=round(opening * PENCE))
        wrong = (amounts[0] - amounts[1] - moves) / PENCE + 0.0
        self.write_row(apart, left_over, wrong)
        cells = f"{quoted(TITLE)}!{self.along(apart)}"
        self.summary.checks.append(
            Check(
                "Owed + earned - paid = owed after",
                f"{self.scenario}, each month of the payment calendar",
                f'SUMIF({cells},">0")-SUMIF({cells},"<0")',
                "0",
                float(np.abs(wrong).sum()),
                0.0,
            )
        )
        return apart + 1

    def write_at_year_ends(self, row: int, amounts: np.ndarray) -> None:
        """Write a balance as it stands in the last month of each year, and of all."""
        years = self.heading_along(BEGINS_ROW)
        of_month = np.array(self.content.year_of_month)
        for number in range(self.years):
            column = self.first_year + number
            year = at(BEGINS_ROW, column, fix_row=True)
            formula = f"=INDEX({self.along(row)},MATCH({year},{years},1))"
            value = float(amounts[np.flatnonzero(of_month == number)[-1]])
            self.page.formula(row, column, formula, value, "money")
        last = self.first_year + self.years
        formula = f"={at(row, last - 1)}"
        self.page.formula(row, last, formula, float(amounts[-1]), "money")


def _flat(pence: np.ndarray) -> bool:
    """Whether no month stands out: the largest is less than 1% above the smallest."""
    apart = int(np.ptp(pence))
    return apart == 0 or apart < max(pence.max(), -pence.min()) / 100
