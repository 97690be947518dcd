"""How the payment calendar ties to Summary: the same money, but for rounding to whole pence."""

from __future__ import annotations

import numpy as np

from capitation.workbook.checks import Check
from capitation.workbook.content import TOTAL_PAYMENTS
from capitation.workbook.layout import FIRST_ROW
from capitation.workbook.page import at, quoted
from capitation.workbook.payment_calendar import (
    BASIS,
    EARNED,
    PAID,
    PENCE,
    STREAM,
    TIMING,
    TITLE,
    PaymentCalendar,
)
from capitation.workbook.summary import Summary

AS_MADE = "of the inputs as they are"
CHANGED = "of the inputs as they were: they have changed, so run again"
_TITLE = "By year, against Summary: the difference is rounding."
_LINES = (
    "Earned or paid, as the rules of each stream say it",
    "Summary: total payments",
    "Rounding: the difference",
    "Most that rounding comes to: 1.5p a stream and practice",
    "Beyond rounding: must be 0",
    "Summary: total payments as the workbook was made",
)


def write_payment_calendar(summary: Summary) -> tuple[str, str]:
    """Write the payment calendar, and add its checks to those of the summary.

    Returns
    -------
    tuple of str
        Formula that says whether its months are of the inputs as they stand, and what it says.
    """
    calendar = PaymentCalendar(summary)
    tie = _Tie(calendar, calendar.write() + 1)
    tie.write()
    calendar.write_notes(tie.state_row + 2)
    return tie.state_from(f"{quoted(TITLE)}!")


class _Tie:
    """Yearly totals of the calendar beside those of Summary."""

    def __init__(self, calendar: PaymentCalendar, row: int):
        self.calendar, self.page = calendar, calendar.page
        self.content, self.summary = calendar.content, calendar.summary
        self.row = row
        lines = range(row + 1, row + 1 + len(_LINES))
        self.ours, self.theirs, self.rounding, self.most, self.beyond, self.made = lines
        self.state_row = lines.stop
        self.last = calendar.first_year + calendar.years
        # A year's payment is rounded as a whole, and what is earned may stand a penny from that.
        self.allowed = 1.5 / PENCE * len(calendar.streams) * len(self.content.codes)
        self.figures = self.totals()

    def write(self) -> None:
        """Write calendar, Summary and the difference by year, and add the check."""
        calendar, page = self.calendar, self.page
        calendar.write_block_title(_TITLE, self.row)
        for line, text in enumerate(_LINES, start=self.ours):
            page.text(line, STREAM, text)
        for number in range(calendar.years):
            self.write_year(number, *(float(found[number]) for found in self.figures))
        ours, theirs = (float(found.sum()) for found in self.figures)
        calendar.write_all_years(self.ours, ours)
        calendar.write_all_years(self.theirs, theirs)
        calendar.write_all_years(self.rounding, float(np.subtract(*self.figures).sum()))
        calendar.write_all_years(self.most, self.allowed * calendar.years)
        page.number(self.made, self.last, theirs, "money", "plain")
        page.text(self.state_row, STREAM, "The months above are")
        page.formula(self.state_row, TIMING, *self.state_from(""), "text", "plain")
        self.check()

    def write_year(self, number: int, ours: float, theirs: float) -> None:
        """Write the figures of one year."""
        page, column = self.page, self.calendar.first_year + number
        streams, codes = self.calendar.paid, self.content.codes
        of_streams = f"ROWS($A${streams.start}:$A${streams.stop - 1})"
        of_practices = f"ROWS(Practices!$A${FIRST_ROW}:$A${FIRST_ROW - 1 + len(codes)})"
        apart, most = at(self.rounding, column), at(self.most, column)
        for line, formula, value in (
            (self.ours, self.of_calendar(column), ours),
            (self.theirs, self.summary.total_cell(self.calendar.scenario, number), theirs),
            (self.rounding, f"{at(self.ours, column)}-{at(self.theirs, column)}", ours - theirs),
            (self.most, f"1.5/{PENCE}*{of_streams}*{of_practices}", self.allowed),
            (self.beyond, f"IF(ABS({apart})>{most},ROUND({apart},2),0)", self.past(ours - theirs)),
        ):
            page.formula(line, column, f"={formula}", value, "money")

    def of_calendar(self, column: int) -> str:
        """What streams earn where their rules say so, and what the others are paid."""

        def rows_of(rows: range, number: int) -> str:
            first, last = (
                at(row, number, fix_row=True, fix_column=number == BASIS)
                for row in (rows.start, rows.stop - 1)
            )
            return f"{first}:{last}"

        return "+".join(
            f'SUMIFS({rows_of(rows, column)},{rows_of(rows, BASIS)},"{basis}")'
            for rows, basis in ((self.calendar.paid, PAID), (self.calendar.earned, EARNED))
        )

    def totals(self) -> tuple[np.ndarray, np.ndarray]:
        """Yearly totals of the calendar, on the basis of the rules, and of Summary. [GBP]."""
        settled = self.calendar.settled
        sums = {PAID: settled["paid_in_year"], EARNED: settled["accrued_in_year"]}
        chosen = [
            sums[basis].isel(stream=number).sum("practice").values
            for number, basis in enumerate(self.calendar.bases())
        ]
        variant = self.summary.scenario_of(TOTAL_PAYMENTS, self.calendar.scenario)
        of_summary = self.summary.by_year(TOTAL_PAYMENTS, variant).sum(axis=0)
        return np.sum(chosen, axis=0) / PENCE, of_summary

    def past(self, apart: float) -> float:
        return round(apart, 2) if abs(apart) > self.allowed else 0.0

    def as_made(self, sheet: str) -> str:
        """Whether total payments are still what they were when the workbook was made."""
        return f"ROUND({sheet}{at(self.theirs, self.last)}-{sheet}{at(self.made, self.last)},2)=0"

    def state_from(self, sheet: str) -> tuple[str, str]:
        """The formula that says whether the months are of these inputs, and what it says."""
        return f'=IF({self.as_made(sheet)},"{AS_MADE}","{CHANGED}")', AS_MADE

    def check(self) -> None:
        """Calendar and Summary differ by rounding alone, while inputs are as they were."""
        sheet = f"{quoted(TITLE)}!"
        first, last = (
            at(self.beyond, column, fix_row=True, fix_column=True)
            for column in (self.calendar.first_year, self.last - 1)
        )
        cells = f"{sheet}{first}:{last}"
        beyond = f'SUMIF({cells},">0")-SUMIF({cells},"<0")'
        self.summary.checks.append(
            Check(
                "Payment calendar = Summary, but for rounding",
                f"{self.calendar.scenario}, each year, as the workbook was made",
                f"IF({self.as_made(sheet)},{beyond},0)",
                "0",
                sum(abs(self.past(float(apart))) for apart in np.subtract(*self.figures)),
                0.0,
            )
        )
