"""The sheet Bridge: from one year's payments to another's, a step for each stream."""

from __future__ import annotations

import itertools

from capitation.engine.calendar import MONTHS_OF_YEAR
from capitation.wording import label
from capitation.workbook.charts import ROWS, Cells, cell, column
from capitation.workbook.charts_of_premium import Named
from capitation.workbook.checks import Check
from capitation.workbook.content import TOTAL_PAYMENTS
from capitation.workbook.page import Page, at
from capitation.workbook.story.budget_shown import (
    SHOWN_ROW,
    THOUSAND,
    THOUSAND_ROW,
    UNIT,
    ShownBudget,
)
from capitation.workbook.story.budget_shown import TITLE as BUDGET
from capitation.workbook.story.charts import bridge_columns
from capitation.workbook.story.selector import LABEL, add_list

TITLE = "Bridge"
_NAME, _UNIT, _START, _END, _CHANGE, _THOUSANDS = range(1, 7)
_LABEL, _BEFORE, _AFTER, _PARTS = range(1, 5)
_FROM_ROW, _TO_ROW, _SHOWN_ROW, _STATE_ROW, _THOUSAND_ROW, _CHART_AT = 4, 5, 6, 7, 8, 10
_ALIKE = "Both are of as many months: like for like."
_UNLIKE = "The two are of different numbers of months: not like for like."
_MISSING = "A year is not in the list below: the first of the list stands for it."
_MINUS = "\u2212"
"""Not a hyphen, after which a label may be broken."""
_ABOUT = (
    "What changes from one year's payments to another's, stream by stream, in the scenario chosen "
    "on the Cover. Choose the years here. A stream that the earlier year does not have is new: all "
    "of it is change."
)
_PART_NAMES = (
    "Nothing, above 0",
    "Nothing, below 0",
    "More is paid",
    "More, below 0",
    "Less is paid",
    "Less, below 0",
    "All streams together",
)
_PARTS_OF_A_STEP = (
    "MAX(MIN({b},{a}),0)",
    "MIN(MAX({b},{a}),0)",
    "IF({a}>={b},MAX({a},0)-MAX({b},0),0)",
    "IF({a}>={b},MIN({b},0)-MIN({a},0),0)",
    "IF({a}<{b},MAX({b},0)-MAX({a},0),0)",
    "IF({a}<{b},MIN({a},0)-MIN({b},0),0)",
)
"""Of a column from before (b) to after (a): what is not seen, what is more, and what is less."""
_ALL = _PARTS + len(_PART_NAMES) - 1


class BridgeSheet:
    """Writes the sheet, and adds its checks to those of the summary.

    The sheet is added to the book at once, so that it stands where it should, and written later.

    Parameters
    ----------
    budget : ShownBudget
    """

    def __init__(self, budget: ShownBudget):
        self.budget, self.summary = budget, budget.summary
        self.names = budget.year_names
        self.months = budget.months_of_columns
        self.start, self.end = self.years_to_begin_with()
        if self.wanted:
            self.page: Page = self.summary.book.page(TITLE)

    @property
    def wanted(self) -> bool:
        """Whether there are two years between which to build a bridge."""
        return len(self.names) > 1

    def years_to_begin_with(self) -> tuple[int, int]:
        """From the base year to the first whole year; or from that to the last whole year."""
        known = self.budget.base.known
        whole = [n for n, count in enumerate(self.months) if count == MONTHS_OF_YEAR]
        if known:
            return 0, (whole[1:] or [1])[0]
        return (whole[0], whole[-1]) if len(whole) > 1 else (0, len(self.names) - 1)

    def write(self) -> None:
        """Write the sheet, once Budget stands."""
        page = self.page
        page.text(1, 1, "Bridge: from one year's payments to another's", bold=True)
        page.widths(44, 20, *[16] * 4, *[13] * (_ALL - _THOUSANDS))
        page.paragraph(2, _ABOUT, _THOUSANDS)
        row = self.write_steps(_CHART_AT + ROWS + 1)
        self.write_choices(row + 1)
        page.print_in_blocks(_ALL, [_CHART_AT + ROWS + 1])

    # ------------------------------------------------------------------ steps

    def write_steps(self, row: int) -> int:
        """Write a step for each stream, and all of them; give the row after."""
        page, streams = self.page, self.budget.streams
        page.text(row, 1, "Steps from one year to the other", bold=True)
        page.headings(row + 1, _NAME, ["Step", "Unit"])
        said = ["Before £", "After £", "Change £", "Change, £ thousand"]
        page.headings(row + 1, _START, said, over_numbers=True)
        page.sheet.row_dimensions[row + 1].height = 27
        first = row = row + 2
        steps: list[float] = []
        for name, of in streams.items():
            last = name == TOTAL_PAYMENTS
            page.text(row, _NAME, "All streams together" if last else label(name), bold=last)
            page.text(row, _UNIT, "GBP/year", bold=last)
            ends = of.values[self.start], of.values[self.end]
            self.write_amounts(row, first, of.row, ends)
            steps.append(ends[1] - ends[0])
            row += 1
        self.check(first, row - 1, sum(steps[:-1]), steps[-1])
        return self.write_columns(row + 1, first, [step / THOUSAND for step in steps])

    def write_live(self, row: int, column: int, formula: str, value: float, form: str) -> None:
        self.page.formula(row, column, f"={formula}", value, form, live=True)

    def write_amounts(
        self, row: int, first: int, of_budget: int, ends: tuple[float, float]
    ) -> None:
        """Write what a stream comes to in the two years, and the change."""
        places = zip((_START, _END), (_FROM_ROW, _TO_ROW), ends, strict=True)
        for place, number_row, value in places:
            number = at(number_row, _UNIT + 1, fix_row=True, fix_column=True)
            self.write_live(row, place, self.of_budget(of_budget, number), value, "money")
        formula = f"{at(row, _END)}-{at(row, _START)}"
        if of_budget == self.budget.streams[TOTAL_PAYMENTS].row:
            formula = f"SUM({at(first, _CHANGE)}:{at(row - 1, _CHANGE)})"
        change = ends[1] - ends[0]
        self.write_live(row, _CHANGE, formula, change, "money")
        thousand = at(_THOUSAND_ROW, _UNIT, fix_row=True, fix_column=True)
        divided = f"{at(row, _CHANGE)}/{thousand}"
        self.write_live(row, _THOUSANDS, divided, change / THOUSAND, "pounds")

    def of_budget(self, row: int, number: str) -> str:
        """A row of Budget in the year with a number."""
        first = self.budget.first_year - self.budget.base.known
        last = first + len(self.names) - 1
        cells = ":".join(at(row, n, fix_column=True) for n in (first, last))
        return f"INDEX({BUDGET}!{cells},{number})"

    def check(self, first: int, last: int, steps: float, change: float) -> None:
        """Steps add to the change of total payments."""
        total = self.budget.streams[TOTAL_PAYMENTS].row
        ends = [
            self.of_budget(total, f"{TITLE}!{at(row, _UNIT + 1)}") for row in (_TO_ROW, _FROM_ROW)
        ]
        cells = f"{TITLE}!{at(first, _CHANGE)}:{at(last - 1, _CHANGE)}"
        self.summary.checks.append(
            Check(
                "Bridge: steps add to the change of payments",
                "the years and the scenario chosen",
                f"SUM({cells})",
                "-".join(ends),
                steps,
                change,
            )
        )

    # ------------------------------------------------------------------ columns

    def write_columns(self, row: int, of_steps: int, thousands: list[float]) -> int:
        """Write the parts of each step's column, and draw them; give the row after."""
        page = self.page
        title = self.write_title(row)
        heading = row + 1
        page.headings(heading, _LABEL, ["Column, with its change in £ thousand"])
        said = ["Begins at", "Ends at", *_PART_NAMES]
        page.headings(heading, _BEFORE, said, over_numbers=True)
        page.fit_height(heading, [(text, page.width(_PARTS) - 2) for text in said])
        first = heading + 1
        ends = list(itertools.accumulate(thousands[:-1]))
        labels: list[str] = []
        parts: list[list[float]] = []
        for number, change in enumerate(thousands):
            row, of_step = first + number, of_steps + number
            labels.append(self.write_label(row, of_step, change))
            if number < len(ends):
                before = ends[number - 1] if number else 0.0
                begins = at(row - 1, _AFTER) if number else "0"
                runs = before, ends[number]
                parts.append(self.write_column(row, begins, at(of_step, _THOUSANDS), runs))
            else:
                parts.append(self.write_all(row, ends[-1]))
        self.draw(title, heading, labels, parts)
        return row + 1

    def write_title(self, row: int) -> Cells:
        """Write what is drawn, in the words of the years and the scenario that are chosen."""
        start, end = self.names[self.start], self.names[self.end]
        scenario = self.budget.scenarios[0]
        said = f"Change in payments, £ thousand: {start} to {end}, scenario {scenario}"
        cells = [at(line, _UNIT) for line in (_FROM_ROW, _TO_ROW, _SHOWN_ROW)]
        formula = '="Change in payments, £ thousand: "&{}&" to "&{}&", scenario "&{}'
        self.page.formula(
            row, 1, formula.format(*cells), said, "text", "plain", bold=True, live=True
        )
        return cell(self.page, row, 1, said)

    def write_label(self, row: int, of_step: int, thousands: float) -> str:
        """Write what a column is, with the sign of its change."""
        change = at(of_step, _THOUSANDS)
        whole = f"ROUND({change},0)"
        sign = f'IF({whole}<0,"{_MINUS}",IF({whole}>0,"+",""))'
        name = self.page.sheet.cell(of_step, _NAME).value
        said = f"{name} {_signed(thousands)}"
        formula = f'={at(of_step, _NAME)}&" "&{sign}&TEXT(ABS({change}),"#,##0")'
        self.page.formula(row, _LABEL, formula, said, "text", "plain", live=True)
        return said

    def write_column(
        self, row: int, begins: str, change: str, runs: tuple[float, float]
    ) -> list[float]:
        """Write where a step's column begins and ends, and its parts."""
        self.write_live(row, _BEFORE, begins, runs[0], "pounds")
        self.write_live(row, _AFTER, f"{at(row, _BEFORE)}+{change}", runs[1], "pounds")
        cells = {"b": at(row, _BEFORE, fix_column=True), "a": at(row, _AFTER, fix_column=True)}
        values = _parts_of(*runs)
        for place, (part, value) in enumerate(zip(_PARTS_OF_A_STEP, values, strict=True)):
            self.write_live(row, _PARTS + place, part.format(**cells), value, "pounds")
        self.page.number(row, _ALL, 0.0, "pounds", "plain")
        return [*values, 0.0]

    def write_all(self, row: int, value: float) -> list[float]:
        """Write the column of all steps together, which begins at nothing."""
        for place in (_BEFORE, *range(_PARTS, _ALL)):
            self.page.number(row, place, 0.0, "pounds", "plain")
        self.write_live(row, _AFTER, at(row - 1, _AFTER), value, "pounds")
        self.write_live(row, _ALL, at(row, _AFTER), value, "pounds")
        return [0.0] * (len(_PART_NAMES) - 1) + [value]

    def draw(self, title: Cells, heading: int, labels: list[str], parts: list[list[float]]) -> None:
        """Draw the columns."""
        page, first = self.page, heading + 1
        by_part = list(zip(*parts, strict=True))
        series = [
            Named(
                cell(page, heading, _PARTS + place, name),
                column(page, first, _PARTS + place, by_part[place]),
            )
            for place, name in enumerate(_PART_NAMES)
        ]
        chart = bridge_columns(title, column(page, first, _LABEL, labels), series)
        text = (
            f"Bridge of columns, each beginning where the one before ends, from 0 at the payments "
            f"of the earlier year. {title.values[0]}, as the workbook was made. "
            f"{'; '.join(labels)}. The figures stand in the table below."
        )
        page.chart(_CHART_AT, chart, text)

    # ------------------------------------------------------------------ years

    def write_choices(self, row: int) -> None:
        """Write the years that can be chosen, and above the chart those that are."""
        page = self.page
        page.text(row, 1, "Years to choose from", bold=True)
        page.headings(row + 1, 1, ["Year"])
        page.headings(row + 1, 2, ["Months"], over_numbers=True)
        first = row + 2
        for number, (name, months) in enumerate(zip(self.names, self.months, strict=True)):
            page.text(first + number, 1, name)
            page.number(first + number, 2, months, "whole", "plain")
        last = first + len(self.names) - 1
        names, months_of = (
            ":".join(at(n, place, fix_row=True, fix_column=True) for n in (first, last))
            for place in (1, 2)
        )
        for line, said, chosen in ((_FROM_ROW, "From", self.start), (_TO_ROW, "To", self.end)):
            page.text(line, 1, said, bold=True)
            page.text(line, _UNIT, self.names[chosen], "input")
            add_list(page, at(line, _UNIT), names, "a year of the list")
            found = f"IFERROR(MATCH({at(line, _UNIT)},{names},0),1)"
            self.write_live(line, _UNIT + 1, found, float(chosen + 1), "whole")
            page.text(line, _UNIT + 2, "its place in the list of years", form="indented")
        page.text(_SHOWN_ROW, 1, LABEL, bold=True)
        shown = f"={BUDGET}!{at(SHOWN_ROW, UNIT)}"
        page.formula(_SHOWN_ROW, _UNIT, shown, self.budget.scenarios[0], "text", "plain", live=True)
        self.write_state(names, months_of)
        page.text(_THOUSAND_ROW, 1, "Pounds in £ thousand")
        page.formula(
            _THOUSAND_ROW,
            _UNIT,
            f"={BUDGET}!{at(THOUSAND_ROW, UNIT)}",
            THOUSAND,
            "pounds",
            live=True,
        )

    def write_state(self, names: str, months: str) -> None:
        """Write whether the years can be compared, and check that they are of the list."""
        start, end = at(_FROM_ROW, _UNIT), at(_TO_ROW, _UNIT)
        numbers = [at(line, _UNIT + 1) for line in (_FROM_ROW, _TO_ROW)]
        found = ",".join(f"ISNUMBER(MATCH({chosen},{names},0))" for chosen in (start, end))
        like = "=".join(f"INDEX({months},{number})" for number in numbers)
        formula = f'=IF(AND({found}),IF({like},"{_ALIKE}","{_UNLIKE}"),"{_MISSING}")'
        alike = self.months[self.start] == self.months[self.end]
        said = _ALIKE if alike else _UNLIKE
        self.page.formula(_STATE_ROW, 1, formula, said, "text", "plain", live=True)
        cells = [f"{TITLE}!{at(line, _UNIT)}" for line in (_FROM_ROW, _TO_ROW)]
        tests = ",".join(f"ISNUMBER(MATCH({chosen},{TITLE}!{names},0))" for chosen in cells)
        what = "Bridge: the years chosen are of the list"
        self.summary.checks.append(
            Check(what, f"{cells[0]}, {cells[1]}", f"IF(AND({tests}),1,0)", "1", 1.0, 1.0, "whole")
        )


def _signed(thousands: float) -> str:
    """An amount with its sign, as a label has it.

    Examples
    --------
    >>> _signed(1234.4), _signed(-0.2)
    ('+1,234', '0')
    """
    text = f"{abs(thousands):,.0f}"
    return text if text == "0" else f"{_MINUS if thousands < 0 else '+'}{text}"


def _parts_of(before: float, after: float) -> list[float]:
    """The parts of a column from before to after: see the formulas."""
    unseen = [max(min(before, after), 0.0), min(max(before, after), 0.0)]
    above = max(after, 0.0) - max(before, 0.0)
    below = min(before, 0.0) - min(after, 0.0)
    more = [above, below] if after >= before else [0.0, 0.0]
    less = [0.0, 0.0] if after >= before else [-above, -below]
    return [*unseen, *more, *less]
