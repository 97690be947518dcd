"""What each practice earned, had in advance and is owed: a block a scenario and fiscal year."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from capitation.engine.calendar import MONTHS_OF_YEAR
from capitation.workbook.checks import Check
from capitation.workbook.content import Content
from capitation.workbook.layout import BEGINS_ROW, FIRST, Place
from capitation.workbook.page import Page, at, quoted
from capitation.workbook.summary import Summary

TITLE = "Settlement"
EARNED, ADVANCED, TRUE_UP = "scheme_earned", "scheme_advance_of_year", "scheme_true_up"
OFFER = "scheme_offer_of_year"
OPEN = "open"
PAID, RECOVERED, SETTLED = "paid", "recovered", "settled"
NOT_SETTLED = "part of a year"

_ABOUT = (
    "True-up: what was earned less what was advanced. Above nothing, March pays it to the "
    "practice; below nothing, March recovers it from the practice. Over a whole fiscal year, "
    "advance and true-up come to what was earned.",
    "A year with months that are not in the run is marked: its figures are those of the months "
    "that are, and no check is made of it. Still open: earned less advance and true-up.",
)
_HEADING = 5
_LABELS = {"Practice": 11, "Name": 34, "Commissioner": 14}
_OF_YEAR = (OFFER, EARNED, ADVANCED)
_TITLES = {
    OFFER: "Offer of the year £",
    EARNED: "Earned £",
    ADVANCED: "Advanced £",
    TRUE_UP: "True-up £",
    OPEN: "Still open £",
}


class Settlement:
    """Writes the sheet, and adds its checks to those of the summary.

    Parameters
    ----------
    summary : Summary
    """

    def __init__(self, summary: Summary):
        self.summary = summary
        self.layout = summary.layout
        self.content: Content = summary.content
        names = [name for name in _OF_YEAR if self.stands(name, "year")]
        self.columns = {
            name: len(_LABELS) + n for n, name in enumerate([*names, TRUE_UP, OPEN], start=1)
        }
        self.words = len(_LABELS) + len(self.columns) + 1
        self.checked: list[str] = []

    @property
    def wanted(self) -> bool:
        """Whether practices are paid in advance, and settled with."""
        known = self.stands(EARNED, "year") and self.stands(ADVANCED, "year")
        return known and self.stands(TRUE_UP, "month")

    def stands(self, name: str, time: str) -> bool:
        """Whether a rule or a total is there, by practice and by year or month."""
        graph = self.content.graph
        return name in graph.nodes and {*graph[name].dims} - {"scenario"} == {"practice", time}

    def write(self) -> None:
        """Write a block for each scenario and fiscal year."""
        page = self.summary.book.page(TITLE)
        text = "Settlement: what each practice earned, had in advance and is owed"
        page.text(1, 1, text, bold=True)
        page.widths(*_LABELS.values(), *[14] * len(self.columns), 36)
        for row, said in enumerate(_ABOUT, start=2):
            page.paragraph(row, said, self.words)
        page.headings(_HEADING, 1, list(_LABELS))
        titles = [_TITLES[name] for name in self.columns]
        page.headings(_HEADING, len(_LABELS) + 1, titles, over_numbers=True)
        page.text(_HEADING, self.words, "The true-up is", "heading", form="indented")
        row, starts = _HEADING + 1, []
        for scenario in self.content.scenarios:
            self.checked = []
            for year in range(len(self.content.years)):
                starts.append(row)
                row = self.write_block(page, scenario, year, row) + 1
            self.check(scenario)
        page.sheet.freeze_panes = at(_HEADING + 1, 3)
        page.sheet.print_title_rows = f"{_HEADING}:{_HEADING}"
        page.print_in_blocks(self.words, starts[1:])

    def write_block(self, page: Page, scenario: str, year: int, row: int) -> int:
        """Write the practices of one scenario and year and their total; give the row after."""
        content = self.content
        heading = content.year_headings[year].removesuffix(" £")
        for column in range(1, self.words + 1):
            page.text(row, column, "", "block")
        said = f"{heading}: {content.scenario_titles[scenario]}"
        page.text(row, 1, said, "block", bold=True)
        in_run = at(row, self.words - 1, fix_row=True, fix_column=True)
        begins = self.begins(scenario, year)
        months = content.year_of_month.count(year)
        formula = f"=COUNTIF({self.months()},{begins})"
        page.formula(row, self.words - 1, formula, float(months), "whole")
        page.text(row, self.words, "months of the year in the run", "block", form="indented")
        first = row + 1
        amounts = {name: self.amounts(name, scenario)[:, year].tolist() for name in self.columns}
        who = zip(
            content.codes,
            content.coordinate("practice_name"),
            content.coordinate("commissioner"),
            strict=True,
        )
        for e, texts in enumerate(who):
            for column, text in enumerate(texts, start=1):
                page.text(first + e, column, text)
            for name, column in self.columns.items():
                formula = (
                    self.open(first + e)
                    if name == OPEN
                    else f"={self.formula(name, scenario, year, e)}"
                )
                page.formula(first + e, column, formula, amounts[name][e], "money")
            due = at(first + e, self.columns[TRUE_UP])
            verdict = _verdict(amounts[TRUE_UP][e], months)
            formula = (
                f'=IF({in_run}<{MONTHS_OF_YEAR},"{NOT_SETTLED}",IF(ROUND({due},2)>0,"{PAID}",'
                f'IF(ROUND({due},2)<0,"{RECOVERED}","{SETTLED}")))'
            )
            page.formula(first + e, self.words, formula, verdict, "indented")
        last = first + len(content.codes) - 1
        self.write_total(page, first, last, in_run, amounts, months)
        if months == MONTHS_OF_YEAR:
            left = f"{TITLE}!{at(first, self.columns[OPEN])}:{at(last, self.columns[OPEN])}"
            apart = f'SUMIF({left},">0")-SUMIF({left},"<0")'
            self.checked.append(f"IF({TITLE}!{in_run}={MONTHS_OF_YEAR},{apart},0)")
        return last + 2

    def write_total(
        self,
        page: Page,
        first: int,
        last: int,
        in_run: str,
        amounts: dict[str, list[float]],
        months: int,
    ) -> None:
        """Write the sums of a block, and how many practices are paid and how many pay back."""
        row = last + 1
        page.text(row, 1, "All practices", bold=True)
        for name, column in self.columns.items():
            formula = f"=SUM({at(first, column)}:{at(last, column)})"
            page.formula(row, column, formula, sum(amounts[name]), "money", bold=True)
        verdicts = [_verdict(due, months) for due in amounts[TRUE_UP]]
        cells = f"{at(first, self.words)}:{at(last, self.words)}"
        counted = '&", "&'.join(
            f'COUNTIF({cells},"{word}")&" {word}"' for word in (PAID, RECOVERED, SETTLED)
        )
        said = ", ".join(f"{verdicts.count(word)} {word}" for word in (PAID, RECOVERED, SETTLED))
        value = said if months == MONTHS_OF_YEAR else NOT_SETTLED
        formula = f'=IF({in_run}<{MONTHS_OF_YEAR},"{NOT_SETTLED}",{counted})'
        page.formula(row, self.words, formula, value, "indented", bold=True)

    def check(self, scenario: str) -> None:
        """Advance and true-up come to what was earned, practice by practice, in whole years."""
        if not self.checked:
            return
        content = self.content
        whole = [
            year
            for year in range(len(content.years))
            if content.year_of_month.count(year) == MONTHS_OF_YEAR
        ]
        apart = float(np.abs(self.amounts(OPEN, scenario)[:, whole]).sum())
        what = "Advance + true-up = earned, each practice"
        where = f"{scenario}, {_listed([content.years[year] for year in whole])}"
        self.summary.checks.append(Check(what, where, "+".join(self.checked), "0", apart, 0.0))

    # ------------------------------------------------------------------ where figures stand

    def open(self, row: int) -> str:
        """The formula for what a row's advance and true-up leave of what was earned, in pence."""
        earned, advanced, due = (at(row, self.columns[n]) for n in (EARNED, ADVANCED, TRUE_UP))
        return f"=ROUND({earned}-{advanced}-{due},2)"

    def amounts(self, name: str, scenario: str) -> np.ndarray:
        """A variable on practice and year."""
        if name == OPEN:
            earned, advanced, due = (self.amounts(n, scenario) for n in (EARNED, ADVANCED, TRUE_UP))
            # What is nothing is 0, whatever the sign of the last bits.
            return np.round(earned - advanced - due, 2) + 0.0
        variant = self.summary.scenario_of(name, scenario)
        if name == TRUE_UP:
            return self.summary.by_year(name, variant)
        return self.content.values(name, variant)

    def months(self) -> str:
        """The fiscal years in which the months of the run lie, as numbers."""
        first, last = FIRST, FIRST + len(self.content.months) - 1
        ends = [at(BEGINS_ROW, n, fix_row=True, fix_column=True) for n in (first, last)]
        return f"Months!{ends[0]}:{ends[1]}"

    def begins(self, scenario: str, year: int) -> str:
        """The cell that says in which calendar year a fiscal year begins."""
        place = self.layout.place(EARNED, self.summary.scenario_of(EARNED, scenario))
        letter = self.layout.letters[FIRST - 1 + year]
        return f"{quoted(place.sheet)}!${letter}${BEGINS_ROW}"

    def formula(self, name: str, scenario: str, year: int, practice: int) -> str:
        """What a variable comes to in a year, where the calculation has it."""
        variant = self.summary.scenario_of(name, scenario)
        place = self.layout.place(name, variant)
        if name == TRUE_UP:
            row = place.row + practice
            return self.summary.year_of(name, scenario, row, self.begins(scenario, year))
        here = Place(TITLE, 1, 1, "practice", "year")
        return self.layout.reference(here, name, variant)(practice, year)


def _verdict(due: float, months: int) -> str:
    """What a true-up is, in words."""
    if months < MONTHS_OF_YEAR:
        return NOT_SETTLED
    pence = round(due, 2)
    return PAID if pence > 0 else RECOVERED if pence < 0 else SETTLED


def _listed(years: Sequence[str]) -> str:
    """Years that follow one another, in words."""
    return years[0] if len(years) == 1 else f"{years[0]} to {years[-1]}"
