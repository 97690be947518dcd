"""Whether inputs are as they were in the run: figures that a change of an input would change.

Without them, a check of live figures against those of the run could not tell a fault of the
workbook from a question that its reader asks of it. Only arithmetic goes over whole ranges here,
since not every spreadsheet takes functions of a range.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from capitation.workbook.content import Content
from capitation.workbook.layout import FIRST, FIRST_ROW, MONTH_ROW, PRACTICE_FIRST_COLUMN
from capitation.workbook.one_practice.layout import AREA_NUMBER_ROW, PRACTICE_NUMBER_ROW, chosen
from capitation.workbook.page import Book, at, quoted, serial
from capitation.workbook.terms_sheets import FROM, VALUE

TITLE = "Inputs as run"
_WHAT, _NOW, _RUN, _WEIGHTS = 1, 2, 3, 5
_STATE_ROW, _ACROSS_ROW, _FIRST_LINE = 4, 6, 9
_DECIMALS = 7
"""To which the figures are compared: a change of an input by a ten-millionth of it shows."""


class InputsAsRun:
    """Writes figures of the inputs as they are beside what they came to in the run.

    Other practices' inputs do not count: they are not live.
    """

    def __init__(self, book: Book, content: Content):
        self.book, self.content = book, content
        self.sheets = set(book.workbook.sheetnames)
        self.page = book.page(TITLE)
        self.line = _FIRST_LINE
        self.same: list[str] = []

    def write(self) -> str:
        """Write the figures, once all inputs stand; give the cell that is 1 if all are the same."""
        page = self.page
        page.text(1, 1, f"{TITLE}: has any changed since?", bold=True)
        page.text(2, 1, "A figure is a weighted sum of inputs, and differs if any of them does.")
        page.widths(46, 22, 22, 4)
        page.headings(_FIRST_LINE - 1, _WHAT, ["Inputs"])
        page.headings(_FIRST_LINE - 1, _NOW, ["Now", "In the run"], over_numbers=True)
        for title in ("Months", "Base year"):
            if title in self.sheets:
                self.write_first_month(title)
        self.write_terms()
        self.write_chosen()
        page.sheet.print_area = f"A1:{at(page.sheet.max_row, _RUN)}"
        page.text(_STATE_ROW, _WHAT, "All are as in the run", bold=True)
        held = f"=IF(AND({','.join(self.same)}),1,0)"
        page.formula(_STATE_ROW, _NOW, held, 1.0, "whole", live=True)
        return f"{quoted(TITLE)}!{at(_STATE_ROW, _NOW, fix_row=True, fix_column=True)}"

    def write_first_month(self, title: str) -> None:
        """Write the month with which a sheet begins."""
        cell = at(MONTH_ROW, FIRST, fix_row=True, fix_column=True)
        (month,) = self.inputs(title, MONTH_ROW, MONTH_ROW, FIRST, FIRST)
        self.write_line(f"{title}: the first month", f"{quoted(title)}!{cell}", month, "month")

    def write_terms(self) -> None:
        """Write the figures of all dates and of all values of terms."""
        last = self.book.workbook["Terms"].max_row
        count = last - FIRST_ROW + 1
        first_weight = _FIRST_LINE
        for offset in range(count):
            self.page.number(first_weight + offset, _WEIGHTS, offset + 1, "whole", "plain")
        self.page.headings(_FIRST_LINE - 1, _WEIGHTS, ["Weights"], over_numbers=True)
        weights = _block(first_weight, _WEIGHTS, first_weight + count - 1, _WEIGHTS)
        for what, column in (("dates", FROM), ("values", VALUE)):
            cells = f"Terms!{_block(FIRST_ROW, column, last, column)}"
            values = self.inputs("Terms", FIRST_ROW, last, column, column)
            self.write_line(f"Terms: {what}", _weighed(cells, weights), _figure(values))

    def write_chosen(self) -> None:
        """Write the figures of what is chosen, and those of each practice and commissioner."""
        content, book = self.content, self.book.workbook
        wanted = [
            (title, number_row, codes)
            for title, number_row, codes in (
                ("Practices", PRACTICE_NUMBER_ROW, content.codes),
                ("Commissioners", AREA_NUMBER_ROW, content.commissioners),
            )
            if title in self.sheets
        ]
        columns = [book[title].max_column for title, *_ in wanted]
        for column in range(PRACTICE_FIRST_COLUMN, max(columns, default=0) + 1):
            self.page.number(_ACROSS_ROW, _WEIGHTS + column, column, "whole", "plain")
        self.page.text(_ACROSS_ROW, _WEIGHTS, "Weights")
        listed = self.line + len(wanted) + 1
        for (title, number_row, codes), last in zip(wanted, columns, strict=True):
            listed = self.write_entities(title, chosen(number_row), codes, last, listed)

    def write_entities(
        self, title: str, number: str, codes: Sequence[str], last: int, listed: int
    ) -> int:
        """Write the figure of a row of a sheet, and a list of all rows' figures; the row after."""
        page, bottom = self.page, FIRST_ROW + len(codes) - 1
        first = PRACTICE_FIRST_COLUMN
        figures = [
            _figure(self.inputs(title, row, row, first, last), first)
            for row in range(FIRST_ROW, bottom + 1)
        ]
        cells = f"INDEX({title}!{_block(FIRST_ROW, first, bottom, last)},{number},0)"
        weights = _block(_ACROSS_ROW, _WEIGHTS + first, _ACROSS_ROW, _WEIGHTS + last)
        of_run = _block(listed + 1, _RUN, listed + len(codes), _RUN)
        position = 0 if title == "Practices" else self.content.area_of[0]
        self.write_line(
            f"{title}: the one chosen",
            _weighed(cells, weights),
            figures[position],
            of_run=f"INDEX({of_run},{number})",
        )
        page.headings(listed, _WHAT, [f"{title}: each in the run", "", ""])
        for row, (code, figure) in enumerate(zip(codes, figures, strict=True), start=listed + 1):
            page.text(row, _WHAT, code)
            page.number(row, _RUN, figure, "number", "plain")
        return listed + len(codes) + 2

    def write_line(
        self, what: str, formula: str, value: float, form: str = "number", of_run: str = ""
    ) -> None:
        """Write a figure as it is now, and as it was in the run."""
        page, row = self.page, self.line
        page.text(row, _WHAT, what)
        page.formula(row, _NOW, f"={formula}", value, form, live=True)
        if of_run:
            page.formula(row, _RUN, f"={of_run}", value, form, live=True)
        else:
            page.number(row, _RUN, value, form, "plain")
        self.same.append(f"ROUND({at(row, _NOW)}-{at(row, _RUN)},{_DECIMALS})=0")
        self.line += 1

    def inputs(self, title: str, top: int, bottom: int, left: int, right: int) -> list[float]:
        """What stands in the cells of a row or of a column."""
        saved = self.book.values[title]
        rows = self.book.workbook[title].iter_rows(top, bottom, left, right)
        values = [saved.get(cell.coordinate, cell.value) for row in rows for cell in row]
        return [serial(v) if isinstance(v, dt.date) else float(v or 0) for v in values]


def _block(top: int, left: int, bottom: int, right: int) -> str:
    first = at(top, left, fix_row=True, fix_column=True)
    return f"{first}:{at(bottom, right, fix_row=True, fix_column=True)}"


def _weighed(cells: str, weights: str) -> str:
    """The weighted sum of cells, each made small so that neither millions nor fractions are lost.

    Each has a weight of its own, so that two that are exchanged show too.
    """
    return f"SUMPRODUCT({cells}/(1+{cells}*{cells})^0.45*{weights})"


def _figure(values: Sequence[float], first_weight: int = 1) -> float:
    weights = range(first_weight, first_weight + len(values))
    return sum(v / (1 + v * v) ** 0.45 * w for v, w in zip(values, weights, strict=True))
