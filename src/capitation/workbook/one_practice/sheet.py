"""One practice, live: for the practice chosen here and the scenario chosen on the Cover.

All else stands as values in a workbook that has these sheets.
"""

from __future__ import annotations

import numpy as np

from capitation.model import TOTAL_PAYMENTS
from capitation.wording import label
from capitation.workbook.calculation import Calculation
from capitation.workbook.checks import Check
from capitation.workbook.layout import FIRST_ROW
from capitation.workbook.one_practice.inputs_as_run import TITLE as INPUTS_AS_RUN
from capitation.workbook.one_practice.inputs_as_run import InputsAsRun
from capitation.workbook.one_practice.layout import (
    AREA_NUMBER_ROW,
    BY_MONTH,
    BY_YEAR,
    CHOICE,
    CHOICES,
    CODE_ROW,
    PRACTICE_NUMBER_ROW,
    RUN_BY_MONTH,
    RUN_BY_YEAR,
    SCENARIO_NUMBER_ROW,
    SCENARIO_ROW,
    SHOWN_ROW,
    AsRunLayout,
    OnePracticeLayout,
)
from capitation.workbook.one_practice.lookups import Lookups
from capitation.workbook.one_practice.rows import OnePracticeRows, write_as_run
from capitation.workbook.page import at, quoted
from capitation.workbook.saved_values import Value
from capitation.workbook.story.selector import LABEL, add_list, number_of
from capitation.workbook.summary import LISTED_FROM, Summary
from capitation.workbook.terms_sheets import TermsSheet

ABOUT = {
    CHOICES: "Choose a practice and a scenario: its payments, live, beside those of the run.",
    BY_MONTH: "The rules of that practice month by month, live.",
    BY_YEAR: "The same for totals of fiscal years.",
    RUN_BY_MONTH: "What one practice looks up: totals over practices, as run.",
    RUN_BY_YEAR: "The same for fiscal years.",
    INPUTS_AS_RUN: "Whether inputs have changed since the run, so that figures may differ from it.",
}
"""What the cover says of these sheets."""

AS_MADE = "as they were in the run"
CHANGED = "changed since the run: the differences below are what that does to this practice"
NOTES = (
    "Change a figure on Terms, Months or Practices, and this practice follows. Other practices do "
    "not: a pool, and any other total over practices, stays as it was in the run. Where a change "
    "moves a pool, run again for its whole effect.",
    "Figures on other sheets are values as run: a formula for every practice, month and scenario "
    "would be too many for a spreadsheet to open quickly.",
)
KNOWN = "as chosen here"
UNKNOWN = "no practice of this run has that code: the first one is shown"
_NAME_ROW, _AREA_ROW, _CONTRACT_ROW, _STATE_ROW, _NOTES_ROW = 6, 7, 8, 13, 15
_LABEL, _FIRST_YEAR = 1, 3
_LIVE, _RUN, _APART = "Live", "As run", "Difference: live less as run"
_BLOCKS = (_LIVE, _RUN, _APART)


class OnePractice:
    """Writes the sheets of one practice, and the checks that it agrees with the run.

    Parameters
    ----------
    summary : Summary
        Its sheet By practice, which stands already, has the payments as run.
    by_month : bool, optional
        Whether the calculation of every practice is in the workbook; if not, the totals over
        practices stand on sheets of their own.
    """

    def __init__(self, summary: Summary, *, by_month: bool = True):
        self.summary, self.book, self.content = summary, summary.book, summary.content
        self.own = OnePracticeLayout(self.content)
        self.as_run = None if by_month else AsRunLayout(summary.layout, self.own)
        self.streams = [*self.content.streams, TOTAL_PAYMENTS]
        self.years = len(self.content.years)
        first = _NOTES_ROW + len(NOTES) + 1
        self.first_rows = {
            title: first + number * (len(self.streams) + 3) + 2
            for number, title in enumerate(_BLOCKS)
        }
        self.lists_row = first + len(_BLOCKS) * (len(self.streams) + 3)
        self.pages = {title: self.book.page(title) for title in (CHOICES, *self.own.sheets)}
        self.page = self.pages[CHOICES]

    def write(self, terms: TermsSheet) -> None:
        """Write the sheets, once all inputs stand."""
        self.page.text(1, 1, f"{CHOICES}: live, in a workbook of values", bold=True)
        self.page.text(
            2,
            1,
            "Choose a practice here, and a scenario on the Cover: all follows.",
        )
        self.page.widths(46, 26, *[18] * (self.years + 1))
        self.write_lists()
        self.write_choice()
        unchanged = InputsAsRun(self.book, self.content).write()
        said = f'=IF(ISNUMBER({unchanged}),IF({unchanged}=1,"{AS_MADE}","{CHANGED}"),"{CHANGED}")'
        self.page.text(_STATE_ROW, _LABEL, "Inputs", bold=True)
        self.page.formula(_STATE_ROW, CHOICE, said, AS_MADE, "text", "plain", bold=True, live=True)
        for row, note in enumerate(NOTES, start=_NOTES_ROW):
            self.page.paragraph(row, note, _FIRST_YEAR + self.years)
        for title in _BLOCKS:
            self.write_block(title)
        self.page.sheet.freeze_panes = at(CODE_ROW + 2, 1)
        lookups = Lookups(self.summary.layout, self.as_run, terms)
        rows = OnePracticeRows(self.own, lookups, Calculation(self.book, self.own))
        for title in self.own.sheets:
            rows.write(self.pages[title])
        if self.as_run is not None:
            write_as_run(self.book, self.as_run)

    # ------------------------------------------------------------------ the choice

    def write_lists(self) -> None:
        """Write the scenarios and the commissioners, in which the choice is looked up."""
        lists = (self.content.scenarios, self.content.commissioners)
        for column, (title, names) in enumerate(
            zip(("Scenarios of the run", "Commissioners"), lists, strict=True), start=1
        ):
            self.page.headings(self.lists_row, column, [title])
            for row, name in enumerate(names, start=self.lists_row + 1):
                self.page.text(row, column, name)

    def list_of(self, column: int, names: list[str]) -> str:
        first = at(self.lists_row + 1, column, fix_row=True, fix_column=True)
        last = at(self.lists_row + len(names), column, fix_row=True, fix_column=True)
        return f"{first}:{last}"

    def known(self, column: int) -> str:
        """A column of what is known of each practice: on the sheet Practices, or By practice."""
        sheet, first = "Practices", FIRST_ROW
        if sheet not in self.summary.layout.sheets:
            sheet, first, column = "By practice", LISTED_FROM, column + 1
        last = at(first + len(self.content.codes) - 1, column, fix_row=True, fix_column=True)
        return f"{quoted(sheet)}!{at(first, column, fix_row=True, fix_column=True)}:{last}"

    def write_choice(self) -> None:
        """Write the cell to choose in, and what follows from the choice."""
        page, content, who = self.page, self.content, self.content.who[0]
        code, area, number, scenario = (
            at(row, CHOICE)
            for row in (CODE_ROW, _AREA_ROW, PRACTICE_NUMBER_ROW, SCENARIO_NUMBER_ROW)
        )
        place = f"MATCH({code},{self.known(1)},0)"
        said = f'=IF(ISNUMBER({place}),"{KNOWN}","{UNKNOWN}")'
        page.text(CODE_ROW, _LABEL, "Practice", bold=True)
        page.text(CODE_ROW, CHOICE, who[0], "input")
        page.formula(CODE_ROW, CHOICE + 1, said, KNOWN, "indented", "plain", live=True)
        add_list(page, code, self.known(1), "a practice of this run")
        scenarios = self.list_of(1, content.scenarios)
        areas = self.list_of(2, content.commissioners)
        lines: list[tuple[int, str, str, Value]] = [
            (SCENARIO_ROW, LABEL, f"INDEX({scenarios},{scenario})", content.scenarios[0]),
            (_NAME_ROW, "Name", f'INDEX({self.known(2)},{number})&""', who[1]),
            (_AREA_ROW, "Commissioner", f'INDEX({self.known(3)},{number})&""', who[2]),
            (_CONTRACT_ROW, "Contract", f'INDEX({self.known(4)},{number})&""', who[3]),
            (PRACTICE_NUMBER_ROW, "Number of the practice", f"IFERROR({place},1)", 1.0),
            (SCENARIO_NUMBER_ROW, "Number of the scenario", number_of(scenarios), 1.0),
            (
                AREA_NUMBER_ROW,
                "Number of the commissioner",
                f"MATCH({area},{areas},0)",
                1.0 + content.area_of[0],
            ),
            (SHOWN_ROW, "Code of the practice shown", f"INDEX({self.known(1)},{number})", who[0]),
        ]
        for row, text, formula, value in lines:
            form = "text" if isinstance(value, str) else "whole"
            page.text(row, _LABEL, text)
            page.formula(row, CHOICE, f"={formula}", value, form, live=True)

    # ------------------------------------------------------------------ payments by year

    def write_block(self, title: str) -> None:
        """Write the streams by year: live, as run, or how they differ."""
        page, first = self.page, self.first_rows[title]
        page.headings(first - 2, _LABEL, [title, "Unit"])
        page.headings(first - 1, _LABEL, ["Fiscal year begins in", ""])
        headings = [*self.content.year_headings, "All years £"]
        page.headings(first - 2, _FIRST_YEAR, headings, over_numbers=True)
        page.headings(first - 1, _FIRST_YEAR + self.years, [""])
        for number, begins in enumerate(self.content.year_begins):
            page.number(first - 1, _FIRST_YEAR + number, begins, "whole", "heading")
        for row, stream in enumerate(self.streams, start=first):
            bold = stream == TOTAL_PAYMENTS
            page.text(row, _LABEL, label(stream), bold=bold)
            page.text(row, 2, "GBP/year", bold=bold)
            amounts = self.amounts(stream) * (title != _APART)
            for number, value in enumerate(amounts.tolist()):
                column = _FIRST_YEAR + number
                formula = self.formula_of(title, stream, row, number)
                page.formula(row, column, f"={formula}", value, "money", bold=bold, live=True)
            end = _FIRST_YEAR + self.years
            summed = f"=SUM({at(row, _FIRST_YEAR)}:{at(row, end - 1)})"
            page.formula(row, end, summed, float(amounts.sum()), "money", bold=bold, live=True)

    def amounts(self, stream: str) -> np.ndarray:
        """A stream of the first practice by year, in the first scenario. [GBP/year]."""
        first = self.content.scenarios[0]
        return self.summary.by_year(stream, self.summary.scenario_of(stream, first))[0]

    def formula_of(self, title: str, stream: str, row: int, number: int) -> str:
        """A stream's payments in a year: live, as run, or the difference."""
        column = _FIRST_YEAR + number
        if title == _LIVE:
            months = self.own.along(stream, None, self.own.places[stream, None].row)
            begins = self.own.heading_along(stream, None)
            year = at(self.first_rows[_LIVE] - 1, column, fix_row=True)
            return f"SUMIFS({months},{begins},{year})"
        if title == _RUN:
            return self.as_listed(at(row, _LABEL, fix_column=True), number)
        live, run = (
            at(self.first_rows[of] + row - self.first_rows[_APART], column) for of in (_LIVE, _RUN)
        )
        return f"ROUND({live}-{run},2)"

    def as_listed(self, stream: str, number: int) -> str:
        """A stream's payments on the sheet By practice, wherever it has been sorted to."""
        content = self.content
        last = LISTED_FROM - 1 + len(content.scenarios) * len(self.streams) * len(content.codes)

        def column(place: int) -> str:
            first = at(LISTED_FROM, place, fix_row=True, fix_column=True)
            return f"'By practice'!{first}:{at(last, place, fix_row=True, fix_column=True)}"

        _, practice, *_, of = range(1, len(content.who[0]) + 3)
        scenario, code = (
            at(row, CHOICE, fix_row=True, fix_column=True) for row in (SCENARIO_ROW, SHOWN_ROW)
        )
        found = f"{column(1)},{scenario},{column(practice)},{code},{column(of)},{stream}"
        return f"SUMIFS({column(of + 1 + number)},{found})"

    # ------------------------------------------------------------------ checks

    def checks(self) -> list[Check]:
        """The practice is of the run; live agrees with it while inputs do; streams add up."""
        sheet, state = f"{quoted(CHOICES)}!", at(_STATE_ROW, CHOICE, fix_row=True, fix_column=True)
        live, run = (self.first_rows[title] for title in (_LIVE, _RUN))
        size = len(self.streams)
        amounts = self.amounts(TOTAL_PAYMENTS).tolist()
        code = f"{sheet}{at(CODE_ROW, CHOICE, fix_row=True, fix_column=True)}"
        known = f"IF(ISNUMBER(MATCH({code},{self.known(1)},0)),1,0)"
        what, where = "One practice: the code is of a practice of the run", code.replace("$", "")
        found = [Check(what, where, known, "1", 1.0, 1.0, "whole")]
        for number, (year, value) in enumerate(zip(self.content.years, amounts, strict=True)):
            column = _FIRST_YEAR + number
            ours, theirs = (f"{sheet}{at(row + size - 1, column)}" for row in (live, run))
            what = "One practice, live = as run"
            as_run = f'IF({sheet}{state}="{AS_MADE}",{ours},{theirs})'
            found.append(Check(what, f"as chosen, {year}", as_run, theirs, value, value))
            streams = f"{sheet}{at(live, column)}:{at(live + size - 2, column)}"
            what = "One practice: streams add to payments"
            parts = float(sum(self.amounts(stream)[number] for stream in self.streams[:-1]))
            found.append(Check(what, f"as chosen, {year}", f"SUM({streams})", ours, parts, value))
        return found
