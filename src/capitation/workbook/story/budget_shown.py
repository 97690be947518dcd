"""The sheet Budget: payments by stream and year of the scenario shown, in pounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from capitation.engine.calendar import MONTHS_OF_YEAR
from capitation.wording import label
from capitation.workbook.charts import ROWS
from capitation.workbook.checks import Check
from capitation.workbook.content import TOTAL_PAYMENTS, Content
from capitation.workbook.page import Page, at
from capitation.workbook.story import selector
from capitation.workbook.story.base_of_streams import BaseYear
from capitation.workbook.summary import BASE_PAYMENTS, PAYMENT_LIST, Summary

TITLE = "Budget"
THOUSAND = 1000.0
PART_YEAR = "part year"
NAME, UNIT, FIRST = 1, 2, 3
SHOWN_ROW, _NUMBER_ROW, THOUSAND_ROW, CHART_AT = 4, 5, 6, 8
TABLES_AT = CHART_AT + ROWS + 1
_BASE_LIST = "base_weighted_list"
_ABOUT = (
    "Payments to all practices and providers under the contract, by fiscal year, of the scenario "
    f"chosen on the Cover ({selector.SELECTOR.replace('$', '')}). Positive figures are paid out. "
    "Figures are those of Summary, which has every scenario."
)


@dataclass(frozen=True)
class Row:
    """A row of figures: where it stands, and what it holds.

    Attributes
    ----------
    row : int
    values : list of float
        The base year first where there is one, then the years; all years are left out.
    """

    row: int
    values: list[float]


class ShownBudget:
    """Writes the sheet, and adds its checks to those of the summary.

    The sheet is added to the book at once, so that it stands where it should, and written later.

    Parameters
    ----------
    summary : Summary

    Attributes
    ----------
    new : list of str
        Streams of which the base year had nothing.
    streams : dict of str to Row
        Rows in pounds by stream, total payments last.
    names : str
        The cells with the names of the scenarios; empty where there is only one.
    """

    def __init__(self, summary: Summary):
        self.summary = summary
        self.content: Content = summary.content
        self.scenarios = self.content.scenarios
        self.base = BaseYear(summary.layout)
        self.page: Page = summary.book.page(TITLE)
        self.new = [name for name in self.content.streams if not self.base.has(name)]
        self.streams: dict[str, Row] = {}
        self.names = ""
        self.years = summary.years
        self.counts = [self.content.year_of_month.count(year) for year in range(self.years)]

    @property
    def first_year(self) -> int:
        """Column of the first year, after that of the base year if there is one."""
        return FIRST + self.base.known

    @property
    def last(self) -> int:
        """Column of all years."""
        return self.first_year + self.years

    @property
    def year_names(self) -> list[str]:
        """What the columns of years are called, the base year first if there is one."""
        years = [heading.removesuffix(" £") for heading in self.content.year_headings]
        return [self.base.heading] * self.base.known + years

    @property
    def months_of_columns(self) -> list[int]:
        """How many months each of these columns holds."""
        return [MONTHS_OF_YEAR] * self.base.known + self.counts

    def write(self) -> int:
        """Write the streams in pounds, once Summary stands; give the row after."""
        page = self.page
        page.widths(44, 13, *[18] * (self.years + 1 + self.base.known))
        page.text(1, 1, "Budget: payments by stream and fiscal year", bold=True)
        page.paragraph(2, _ABOUT, self.last)
        return self.write_pounds(TABLES_AT)

    def write_rest(self, names: str, starts: list[int]) -> None:
        """Write which scenario is shown, once the names to choose from stand, and how to print.

        Parameters
        ----------
        names : str
            The cells with the names of the scenarios; empty where there is only one.
        starts : list of int
            Rows with which a new page begins.
        """
        self.names = names
        self.write_shown()
        self.page.print_in_blocks(self.last, [TABLES_AT, *starts])

    def write_shown(self) -> None:
        """Write which scenario is shown."""
        page = self.page
        first = self.scenarios[0]
        titles = [self.content.scenario_titles[name] for name in self.scenarios]
        page.text(SHOWN_ROW, NAME, selector.LABEL, bold=True)
        page.text(THOUSAND_ROW, NAME, "Pounds in £ thousand")
        page.number(THOUSAND_ROW, UNIT, THOUSAND, "pounds", "plain")
        if not self.names:
            page.text(SHOWN_ROW, UNIT, first, bold=True)
            page.text(SHOWN_ROW, UNIT + 1, titles[0], form="indented")
            return
        number = at(_NUMBER_ROW, UNIT)
        local = self.names.rpartition("!")[2]
        chosen = f"=INDEX({local},{number})"
        page.formula(SHOWN_ROW, UNIT, chosen, first, "text", "plain", bold=True, live=True)
        page.text(_NUMBER_ROW, NAME, "Its number in the run")
        found = f"={selector.number_of(local)}"
        page.formula(_NUMBER_ROW, UNIT, found, 1.0, "whole", live=True)
        said = f"={selector.state_of(local)}"
        page.formula(_NUMBER_ROW, UNIT + 1, said, selector.CHOSEN, "indented", "plain", live=True)
        self.summary.checks.append(selector.check_of(self.names))

    # ------------------------------------------------------------------ pounds

    def write_pounds(self, row: int) -> int:
        """Write the streams in pounds, with what they come to for each patient."""
        page = self.page
        page.text(row, 1, "Payments by stream, £", bold=True)
        headings = [*(f"{name} £" for name in self.year_names), "All years £"]
        self.write_headings(row + 1, "Stream", headings)
        row += 2
        first = row
        for name in [*self.content.streams, TOTAL_PAYMENTS]:
            self.write_stream(name, row)
            row += 1
        self.check(first, row - 1)
        row = self.write_changes(row)
        return self.write_per_patient(row) if PAYMENT_LIST in self.content.graph else row

    def write_headings(self, row: int, first: str, headings: list[str]) -> None:
        self.page.headings(row, NAME, [first, "Unit"])
        self.page.headings(row, FIRST, headings, over_numbers=True)
        self.page.fit_height(row, [(text, 18.0) for text in headings])

    def write_stream(self, name: str, row: int) -> None:
        page, summary, bold = self.page, self.summary, name == TOTAL_PAYMENTS
        page.text(row, NAME, "Total payments" if bold else label(name), bold=bold)
        page.text(row, UNIT, "GBP/year", bold=bold)
        values = [self.base_value(name)] if self.base.known else []
        if self.base.known and name in self.new:
            page.number(row, FIRST, 0.0, "money", "plain")
        elif self.base.known:
            self.write_live(row, FIRST, self.base_formula(name), values[0], bold=bold)
        variant = summary.scenario_of(name, self.scenarios[0])
        of_years = summary.by_year(name, variant).sum(axis=0).tolist()
        for year, value in enumerate(of_years):
            cells = [summary.stream_cell(name, s, year) for s in self.scenarios]
            column = self.first_year + year
            self.write_live(row, column, selector.selected(cells), value, bold=bold)
        self.write_all_years(row, sum(of_years), bold=bold)
        self.streams[name] = Row(row, [*values, *of_years])

    def base_formula(self, name: str) -> str:
        if name != TOTAL_PAYMENTS:
            return selector.selected(self.base.formulas(name))
        rows = [row.row for row in self.streams.values()]
        return f"SUM({at(rows[0], FIRST)}:{at(rows[-1], FIRST)})"

    def base_value(self, name: str) -> float:
        if name == TOTAL_PAYMENTS:
            return sum(row.values[0] for row in self.streams.values())
        return self.base.value(name, self.scenarios[0])

    def write_live(
        self,
        row: int,
        column: int,
        formula: str,
        value: float,
        form: str = "money",
        *,
        bold: bool = False,
    ) -> None:
        """Write a figure that follows the scenario shown, even where all others are values."""
        self.page.formula(row, column, f"={formula}", value, form, bold=bold, live=True)

    def write_all_years(self, row: int, value: float, *, bold: bool = False) -> None:
        first, last = at(row, self.first_year), at(row, self.last - 1)
        self.write_live(row, self.last, f"SUM({first}:{last})", value, bold=bold)

    def write_changes(self, row: int) -> int:
        """Write how much more or less is paid than in the base year, and than the year before."""
        page, total = self.page, self.streams[TOTAL_PAYMENTS]
        base = at(total.row, FIRST, fix_column=True)
        lines = ["Change on the year before", "Change on the year before, %"]
        if self.base.known:
            lines.insert(0, f"Change on {self.base.heading}")
        for line, said in enumerate(lines, start=row):
            page.text(line, NAME, said)
            page.text(line, UNIT, "%" if said.endswith("%") else "GBP/year")
        counts = self.months_of_columns
        for place in range(1, len(counts)):
            column, line = FIRST + place, row
            here, before = at(total.row, column), at(total.row, column - 1)
            now, then, start = (total.values[n] for n in (place, place - 1, 0))
            if self.base.known:
                whole = counts[place] == MONTHS_OF_YEAR
                self.write_change(line, column, f"{here}-{base}", now - start, "money", whole)
                line += 1
            whole = counts[place] == counts[place - 1] == MONTHS_OF_YEAR
            self.write_change(line, column, f"{here}-{before}", now - then, "money", whole)
            share = f"IF(ROUND({before},2)=0,0,{here}/{before}-1)"
            grown = now / then - 1 if round(then, 2) else 0.0
            self.write_change(line + 1, column, share, grown, "share", whole)
        return row + len(lines)

    def write_change(
        self, row: int, column: int, formula: str, value: float, form: str, whole: bool
    ) -> None:
        """Write a change between whole years; others cannot be compared."""
        if whole:
            self.write_live(row, column, formula, value, form)
        else:
            self.page.text(row, column, PART_YEAR, form="right")

    def write_per_patient(self, row: int) -> int:
        """Write the weighted list, and payments for each of its patients."""
        page, content = self.page, self.content
        page.text(row, NAME, "Weighted list, mean of the months")
        page.text(row, UNIT, "patient")
        page.text(row + 1, NAME, "Payments per weighted patient")
        page.text(row + 1, UNIT, "GBP/patient")
        total = self.streams[TOTAL_PAYMENTS]
        lists: list[tuple[str, float]] = []
        if self.base.known and _BASE_LIST in content.graph:
            cells = self.base.cells(_BASE_LIST, self.scenarios[0])
            lists = [(f"SUM({cells})", float(content.values(_BASE_LIST, None).sum()))]
        of_months = content.values(PAYMENT_LIST, self.scenarios[0])
        of_months = np.atleast_2d(of_months).sum(axis=0)
        of_year = np.array(content.year_of_month)
        for year in range(self.years):
            lists.append((self.list_cell(year), float(of_months[of_year == year].mean())))
        for place, (formula, patients) in enumerate(lists):
            column = FIRST + place
            self.write_live(row, column, formula, patients, "list")
            paid, people = at(total.row, column), at(row, column)
            value = total.values[place] / patients if patients > 0 else 0.0
            self.write_live(row + 1, column, f"IF({people}>0,{paid}/{people},0)", value)
        return row + 2

    def list_cell(self, year: int) -> str:
        """Summary's mean list of a year, which stands under total payments."""
        rows = [self.summary.stream_rows[s, TOTAL_PAYMENTS] + 1 for s in self.scenarios]
        cells = [self.summary.total_cell(s, year) for s in self.scenarios]
        found = [f"{cell.rstrip('0123456789')}{row}" for cell, row in zip(cells, rows, strict=True)]
        return selector.selected(found)

    def check(self, first: int, total: int) -> None:
        """Streams of the scenario shown add to its payments, and those of the base year too."""
        streams, paid = list(self.streams.values())[:-1], self.streams[TOTAL_PAYMENTS]
        years = slice(int(self.base.known), None)
        what = "Budget: streams add to payments"
        cells = f"SUM({TITLE}!{at(first, self.last)}:{at(total - 1, self.last)})"
        left = sum(sum(row.values[years]) for row in streams)
        right = sum(paid.values[years])
        where = "the scenario shown, all years"
        self.summary.checks.append(
            Check(what, where, cells, f"{TITLE}!{at(total, self.last)}", left, right)
        )
        if self.base.known:
            cells = self.base.cells(BASE_PAYMENTS, self.scenarios[0])
            of_file = float(self.content.values(BASE_PAYMENTS, None).sum())
            self.summary.checks.append(
                Check(
                    "Budget: streams of the base year add to the file's payments",
                    self.base.heading,
                    f"{TITLE}!{at(total, FIRST)}",
                    f"SUM({cells})",
                    paid.values[0],
                    of_file,
                )
            )
