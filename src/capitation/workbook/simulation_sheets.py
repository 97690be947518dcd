"""The tables of a simulation: by commissioner, by practice, yearly cost and break-even."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from capitation.workbook.checks import HALF_A_PENNY, Check
from capitation.workbook.page import Book, at, quoted
from capitation.workbook.simulation_content import (
    EFFECTS,
    QUANTILES,
    WITH,
    WITHOUT,
    Figures,
    Outcome,
    Simulated,
)

FORMS = {"GBP": "pounds", "admission": "count", "patient": "count"}
"""Number formats of the quantities that are drawn, whatever they are per."""

QUANTILE_HEADINGS = [f"{quantile:.0%}" for quantile in QUANTILES]
REDUCTION = "Reduction at full effect"
INTERVAL = "95% interval of the draws"
NOTHING_PAID = "nothing is paid"
LAST_BITS = 0.000001
"""Figures that differ by less are the same: the last bits of a sum decide nothing."""


def form_of(outcome: Outcome) -> str:
    """The number format of an outcome."""
    return FORMS.get(outcome.unit.partition("/")[0], "grade")


def unit_in_heading(outcome: Outcome) -> str:
    """The unit of an outcome, as its heading has it after a blank: nothing for a bare number.

    Examples
    --------
    >>> unit_in_heading(Outcome("scheme_earned", "Earned", "GBP/year"))
    ' £'
    >>> unit_in_heading(Outcome("emergency_admissions", "Admissions", "admission/year"))
    ' (admission/year)'
    """
    if outcome.unit.startswith("GBP"):
        return " £"
    return "" if outcome.unit == "1" else f" ({outcome.unit})"


def percent(share: float) -> str:
    """A share in words.

    Examples
    --------
    >>> percent(0.3), percent(0.025)
    ('30%', '2.5%')
    """
    return f"{100 * share:.4g}%"


def breaches(what: str, where: str, formula: str, count: float) -> Check:
    """A check that counts what must not be."""
    return Check(what, where, formula, "0", float(count), 0.0, "whole")


def above(low: str, high: str) -> str:
    """The formula that counts rows where the first column stands above the second."""
    return f"SUMPRODUCT(--({low}>{high}+{LAST_BITS:.6f}))"


def count_above(low: np.ndarray, high: np.ndarray) -> int:
    """What `above` comes to."""
    return int((low > high + LAST_BITS).sum())


def room_for(texts: Iterable[str], least: int = 10) -> int:
    """The width of a column that holds these texts."""
    return max([least, *(len(text) + 2 for text in texts)])


class Outcomes:
    """Every outcome by scenario, effect and year, of commissioners or practices: one tidy table.

    Parameters
    ----------
    book : Book
    content : Simulated
    title, about : str
        The sheet's name, and what it says of itself.
    outcomes : sequence of Outcome
    figures : mapping of str to Figures
        By name of the outcome.
    who : mapping of str to sequence of str
        Headings and, under each, what is said of each commissioner or practice.
    """

    _HEADING = 4
    _LABELS = ("Effect", "Outcome", "Name in the rules", "Unit", "Year")

    def __init__(
        self,
        book: Book,
        content: Simulated,
        title: str,
        about: str,
        outcomes: Sequence[Outcome],
        figures: Mapping[str, Figures],
        who: Mapping[str, Sequence[str]],
    ):
        self.content = content
        self.title = title
        self.about = about
        self.outcomes = outcomes
        self.figures = figures
        self.who = who
        self.page = book.page(title)
        self.names = [outcome.name for outcome in outcomes]
        self.areas = list(zip(*who.values(), strict=True))
        self.mean_column = 2 + len(who) + len(self._LABELS)
        self.rows = len(self.names) * len(content.scenarios) * len(EFFECTS)
        self.rows *= len(content.years) * len(self.areas)

    def row(self, name: str, scenario: int, effect: int, year: int, area: int) -> int:
        """The row of an outcome of a commissioner or a practice, by their positions."""
        content = self.content
        number = self.names.index(name) * len(content.scenarios) + scenario
        number = (number * len(EFFECTS) + effect) * len(content.years) + year
        return self._HEADING + 1 + number * len(self.areas) + area

    def mean(self, row: int) -> str:
        """The cell of a row's mean, as other sheets refer to it."""
        return f"{quoted(self.title)}!{at(row, self.mean_column)}"

    def error(self, row: int) -> str:
        """The cell of a row's standard error."""
        return f"{quoted(self.title)}!{at(row, self.mean_column + 1)}"

    def quantile(self, row: int, number: int) -> str:
        """The cell of one of a row's quantiles."""
        return f"{quoted(self.title)}!{at(row, self.mean_column + 2 + number)}"

    def write(self) -> None:
        """Write the table."""
        page, content = self.page, self.content
        page.text(1, 1, self.about, bold=True)
        note = (
            f"Of {content.draws:,} draws. A year's amounts are those of all its months here. "
            "Quantiles add neither over years nor over practices or commissioners; means do."
        )
        page.text(2, 1, note)
        page.headings(self._HEADING, 1, ["Scenario", *self.who, *self._LABELS])
        figures = ["Mean", "Standard error of the mean", *QUANTILE_HEADINGS]
        page.headings(self._HEADING, self.mean_column, figures, over_numbers=True)
        labels = (
            *(self.who.items()),
            ("Effect", EFFECTS),
            ("Outcome", [outcome.title for outcome in self.outcomes]),
            ("Name in the rules", self.names),
            ("Unit", [outcome.unit for outcome in self.outcomes]),
            ("Year", content.year_headings),
        )
        page.widths(
            room_for(content.scenarios, 12),
            *(room_for(texts, len(heading) + 2) for heading, texts in labels),
            *[13] * len(figures),
        )
        page.fit_height(self._HEADING, [("Standard error of the mean", 10)])
        row = self._HEADING
        for outcome, (s, scenario), (e, effect), (y, year), (a, known) in itertools.product(
            self.outcomes,
            enumerate(content.scenarios),
            enumerate(EFFECTS),
            enumerate(content.year_headings),
            enumerate(self.areas),
        ):
            row += 1
            texts = (scenario, *known, effect, outcome.title, outcome.name, outcome.unit, year)
            for column, text in enumerate(texts, start=1):
                page.text(row, column, text)
            found, place = self.figures[outcome.name], (s, e, a, y)
            values = [found.mean[place], found.error[place], *found.quantiles[place]]
            for column, value in enumerate(values, start=self.mean_column):
                page.number(row, column, float(value), form_of(outcome), "plain")
        last = at(row, self.mean_column + len(figures) - 1)
        page.sheet.auto_filter.ref = f"A{self._HEADING}:{last}"
        page.sheet.freeze_panes = at(self._HEADING + 1, 3)
        page.sheet.print_title_rows = f"{self._HEADING}:{self._HEADING}"

    def checks(self) -> list[Check]:
        """Quantiles do not fall, and no standard error is negative."""
        figures = [self.figures[name] for name in self.names]
        quantiles = np.concatenate([f.quantiles.reshape(-1, len(QUANTILES)) for f in figures])
        found = []
        for number, (low, high) in enumerate(itertools.pairwise(QUANTILE_HEADINGS)):
            cells = [self._column(self.mean_column + 2 + number + n) for n in (0, 1)]
            count = count_above(quantiles[:, number], quantiles[:, number + 1])
            where = f"{self.title}, {low} and {high}"
            found.append(breaches("Quantiles do not fall", where, above(*cells), count))
        errors = np.concatenate([f.error.ravel() for f in figures])
        formula = f'COUNTIF({self._column(self.mean_column + 1)},"<0")'
        what = "No standard error is negative"
        return [*found, breaches(what, self.title, formula, (errors < 0).sum())]

    def _column(self, number: int) -> str:
        ends = (self._HEADING + 1, self._HEADING + self.rows)
        first, last = (at(row, number, fix_row=True, fix_column=True) for row in ends)
        return f"{quoted(self.title)}!{first}:{last}"


def outcomes_of_commissioners(book: Book, content: Simulated) -> Outcomes:
    """The table of commissioners, which has the cost in any case."""
    outcomes = content.outcomes_of_commissioners
    if content.cost not in [outcome.name for outcome in outcomes]:
        outcomes = [content.outcome(content.cost), *outcomes]
    figures = {outcome.name: content.by_commissioner(outcome.name) for outcome in outcomes}
    about = "By commissioner: what the draws came to in each year"
    who = {"Commissioner": content.commissioners}
    return Outcomes(book, content, "Commissioner", about, outcomes, figures, who)


def outcomes_of_practices(book: Book, content: Simulated) -> Outcomes:
    """The table of practices."""
    outcomes = content.outcomes_of_practices
    figures = {outcome.name: content.by_practice(outcome.name) for outcome in outcomes}
    about = "By practice: what the draws came to in each year"
    who = {
        "Practice": content.codes,
        "Name": content.coordinate("practice_name"),
        "Commissioner": content.coordinate("commissioner"),
    }
    return Outcomes(book, content, "Practice outcomes", about, outcomes, figures, who)


def checks_of_sums(commissioners: Outcomes, practices: Outcomes) -> list[Check]:
    """Check that practices' means add to their commissioner's, with the effect."""
    content = commissioners.content
    found = []
    for name, (s, scenario), (c, code), (y, year) in itertools.product(
        [name for name in practices.names if name in commissioners.names],
        enumerate(content.scenarios),
        enumerate(content.commissioners),
        enumerate(content.years),
    ):
        of = content.members[c]
        if not of:
            continue
        ends = [practices.row(name, s, WITH, y, number) for number in (of.start, of.stop - 1)]
        last = practices.mean(ends[1]).rpartition("!")[2]
        check = Check(
            "Practices' means add to their commissioner's",
            f"{name}, {scenario}, {code}, {year}",
            f"SUM({practices.mean(ends[0])}:{last})",
            commissioners.mean(commissioners.row(name, s, WITH, y, c)),
            float(practices.figures[name].mean[s, WITH, of.start : of.stop, y].sum()),
            float(commissioners.figures[name].mean[s, WITH, c, y]),
        )
        found.append(check)
    return found


def write_yearly_cost(book: Book, content: Simulated, commissioners: Outcomes) -> None:
    """Write the yearly cost with and without the effect, side by side."""
    page = book.page("Yearly cost")
    outcome = content.outcome(content.cost)
    page.text(1, 1, f"{outcome.title}, with and without the effect, £ a year", bold=True)
    note = (
        f"With the effect: {content.effect_title} as the model has it. Without: the same draws "
        "with it at nothing, so that what is paid then is paid by chance."
    )
    page.text(2, 1, note)
    page.headings(4, 1, ["Scenario", "Commissioner", "Year"])
    figures = ["Mean with", "Standard error", "Mean without", "Standard error", "Difference"]
    page.headings(4, 4, [f"{figure} £" for figure in figures], over_numbers=True)
    names = (content.scenarios, content.commissioners, content.year_headings)
    page.widths(*(room_for(texts, 14) for texts in names), *[18] * len(figures))
    found = commissioners.figures[content.cost]
    row = 4
    for (s, scenario), (c, code), (y, year) in itertools.product(
        enumerate(content.scenarios),
        enumerate(content.commissioners),
        enumerate(content.year_headings),
    ):
        row += 1
        for column, text in enumerate((scenario, code, year), start=1):
            page.text(row, column, text)
        for e in (WITH, WITHOUT):
            there = commissioners.row(content.cost, s, e, y, c)
            mean, error = float(found.mean[s, e, c, y]), float(found.error[s, e, c, y])
            page.formula(row, 4 + 2 * e, f"={commissioners.mean(there)}", mean, "pounds")
            page.formula(row, 5 + 2 * e, f"={commissioners.error(there)}", error, "pounds")
        difference = float(found.mean[s, WITH, c, y] - found.mean[s, WITHOUT, c, y])
        page.formula(row, 8, f"=D{row}-F{row}", difference, "pounds")
    page.sheet.auto_filter.ref = f"A4:H{row}"
    page.sheet.freeze_panes = "D5"
    page.sheet.print_title_rows = "4:4"


class Practices:
    """A row for each practice: its chance of earning, and what it earns."""

    title = "Practices"
    first = 7
    _HEADINGS = 4
    _LIST = 5
    _BLOCK = 8
    _CHANCE = (0, 2)
    _MEAN = 4

    def __init__(self, book: Book, content: Simulated):
        self.content = content
        self.page = book.page(self.title)
        self.earned = content.by_practice(content.earned)
        self.chance, self.error = content.chances
        self.last = self.first + len(content.codes) - 1

    def column(self, scenario: int, year: int, offset: int = 0) -> int:
        """A column of the block of a scenario and a year."""
        block = scenario * len(self.content.years) + year
        return self._LIST + 1 + block * self._BLOCK + offset

    def list_of(self, practice: int) -> str:
        """The cell of a practice's registered list."""
        return f"{self.title}!{at(self.first + practice, self._LIST)}"

    def chance_of(self, practice: int, scenario: int, year: int, effect: int) -> tuple[str, str]:
        """The cells of a practice's chance of earning, and of its standard error."""
        column = self.column(scenario, year, self._CHANCE[effect])
        row = self.first + practice
        return f"{self.title}!{at(row, column)}", f"{self.title}!{at(row, column + 1)}"

    def write(self) -> None:
        """Write the table."""
        page, content = self.page, self.content
        page.text(1, 1, "By practice: the chance of earning, and what is earned", bold=True)
        note = (
            f"The chance is the share of {content.draws:,} draws in which a practice earned more "
            f"than nothing in the year. Earned, with the effect: {content.earned_outcome.title}."
        )
        page.text(2, 1, note)
        labels = ["Practice", "Name", "Commissioner", "Contract"]
        for row in (self._HEADINGS, self._HEADINGS + 1):
            page.headings(row, 1, [""] * self._LIST)
        page.headings(self._HEADINGS + 2, 1, labels)
        titles = ["Registered list, base year"]
        page.headings(self._HEADINGS + 2, self._LIST, titles, over_numbers=True)
        page.widths(11, room_for(content.coordinate("practice_name"), 20), 14, 10, 12)
        known = (content.codes, *map(content.coordinate, _KNOWN))
        for number, texts in enumerate(zip(*known, strict=True)):
            row = self.first + number
            for column, text in enumerate(texts, start=1):
                page.text(row, column, text)
            size = float(content.registered_list[number])
            page.number(row, self._LIST, size, "pounds", "given")
        blocks = itertools.product(enumerate(content.scenarios), enumerate(content.year_headings))
        for (s, scenario), (y, year) in blocks:
            self.write_block(s, y, scenario, year)
        page.fit_height(self._HEADINGS, [(name, 8) for name in content.scenarios])
        page.fit_height(self._HEADINGS + 1, [(year, 8) for year in content.year_headings])
        page.fit_height(self._HEADINGS + 2, [(titles[0], 9), ("Chance without the effect", 9)])
        page.sheet.freeze_panes = at(self.first, 3)
        page.print_by_block(
            f"{self._HEADINGS}:{self.first - 1}",
            self._LIST,
            70,
            [
                self.column(s, y)
                for s in range(len(content.scenarios))
                for y in range(len(content.years))
            ],
        )

    def write_block(self, s: int, y: int, scenario: str, year: str) -> None:
        """Write one scenario and year."""
        page, column = self.page, self.column(s, y)
        outcome = self.content.earned_outcome
        unit = unit_in_heading(outcome)
        headings = [
            *("Chance with the effect", "Standard error"),
            *("Chance without the effect", "Standard error"),
            *(f"Earned{unit}: {figure}" for figure in ("mean", "5%", "50%", "95%")),
        ]
        for offset, text in enumerate((scenario, year)):
            row = self._HEADINGS + offset
            page.headings(row, column, [text] * self._BLOCK, over_numbers=True)
        page.headings(self._HEADINGS + 2, column, headings, over_numbers=True)
        wanted = [QUANTILES.index(quantile) for quantile in (0.05, 0.5, 0.95)]
        for number in range(len(self.content.codes)):
            row = self.first + number
            for effect, offset in enumerate(self._CHANCE):
                place = (s, effect, number, y)
                page.number(row, column + offset, float(self.chance[place]), "share", "plain")
                page.number(row, column + offset + 1, float(self.error[place]), "share", "plain")
            place = (s, WITH, number, y)
            amounts = [self.earned.mean[place], *self.earned.quantiles[place][wanted]]
            for offset, amount in enumerate(amounts, start=self._MEAN):
                page.number(row, column + offset, float(amount), form_of(outcome), "plain")

    def checks(self) -> list[Check]:
        """What must hold of every practice's chances, and of what it earns."""
        found: list[Check] = []
        for (s, scenario), (y, year) in itertools.product(
            enumerate(self.content.scenarios), enumerate(self.content.years)
        ):
            found += self._checks_of_chances(s, y, f"{scenario}, {year}")
        return found

    def _checks_of_chances(self, s: int, y: int, where: str) -> list[Check]:
        column = self.column(s, y)
        found = []
        for effect, offset in enumerate(self._CHANCE):
            cells, chance = self._cells(column + offset), self.chance[s, effect, :, y]
            formula = f'COUNTIF({cells},"<0")+COUNTIF({cells},">1")'
            count = ((chance < 0) | (chance > 1)).sum()
            place = f"{where}, {EFFECTS[effect]}"
            found.append(breaches("Chances lie between 0 and 1", place, formula, count))
        mean, quantiles = self.earned.mean[s, WITH, :, y], self.earned.quantiles[s, WITH, :, y]
        chances, means = self._cells(column), self._cells(column + self._MEAN)
        formula = f"SUMPRODUCT(({chances}=0)*({means}>0))"
        count = ((self.chance[s, WITH, :, y] == 0) & (mean > 0)).sum()
        found.append(breaches("Without a chance, nothing is earned", where, formula, count))
        for offset, (low, high) in enumerate(((0, 2), (2, 4)), start=self._MEAN + 1):
            formula = above(self._cells(column + offset), self._cells(column + offset + 1))
            count = count_above(quantiles[:, low], quantiles[:, high])
            place = f"{where}, {QUANTILE_HEADINGS[low]} and {QUANTILE_HEADINGS[high]}"
            found.append(breaches("Quantiles do not fall", place, formula, count))
        return found

    def _cells(self, column: int) -> str:
        first = at(self.first, column, fix_row=True, fix_column=True)
        return f"{self.title}!{first}:{at(self.last, column, fix_row=True, fix_column=True)}"


_KNOWN = ("practice_name", "commissioner", "contract_type")


class BreakEven:
    """At which reduction the saving reaches the cost; and both at each reduction."""

    title = "Break-even"
    first = 5
    _REDUCTION, _COST, _SAVING, _NET, _ERROR = range(3, 8)

    def __init__(self, book: Book, content: Simulated):
        self.content = content
        self.page = book.page(self.title)
        self.found = content.break_even
        self.reductions = content.reductions
        self.cost, self.saving = content.by_reduction("cost"), content.by_reduction("saving")
        self.error = content.by_reduction("error")
        self.never = f"none up to {percent(max(self.reductions))}"
        self.nothing_paid = content.nothing_paid
        self.second = self.first + len(content.scenarios) * len(content.commissioners) + 3

    def row(self, scenario: int, commissioner: int) -> int:
        """The row of a break-even."""
        return self.first + scenario * len(self.content.commissioners) + commissioner

    def row_of_reduction(self, scenario: int, commissioner: int, number: int = 0) -> int:
        """The row of a reduction in the second table."""
        pair = scenario * len(self.content.commissioners) + commissioner
        return self.second + pair * len(self.reductions) + number

    def cell(self, row: int, column: int) -> str:
        """A cell, as other sheets refer to it."""
        return f"{quoted(self.title)}!{at(row, column)}"

    def in_words(self, scenario: int, commissioner: int) -> str:
        """What stands in place of a break-even that is none; empty where there is one."""
        if self.nothing_paid[scenario, commissioner]:
            return NOTHING_PAID
        return self.never if math.isnan(self.found[scenario, commissioner, 0]) else ""

    def write(self) -> None:
        """Write both tables."""
        page, content = self.page, self.content
        page.text(1, 1, "Break-even: the reduction at which the saving reaches the cost", bold=True)
        note = (
            "Admissions fall by the reduction once the programme has its full effect. All years "
            f"together. {INTERVAL}: how far chance in so many draws moves the break-even, and "
            "nothing else."
        )
        page.text(2, 1, note)
        names = (content.scenarios, content.commissioners)
        page.widths(*(room_for(texts, 14) for texts in names), *[20] * 5)
        page.headings(self.first - 1, 1, ["Scenario", "Commissioner"])
        ends = [f"{INTERVAL}: {end}" for end in ("low", "high")]
        titles = [f"Break-even: {REDUCTION.lower()}", *ends]
        page.headings(self.first - 1, 3, titles, over_numbers=True)
        page.fit_height(self.first - 1, [(title, 16) for title in titles])
        pairs = list(
            itertools.product(enumerate(content.scenarios), enumerate(content.commissioners))
        )
        for (s, scenario), (c, code) in pairs:
            row = self.row(s, c)
            page.text(row, 1, scenario)
            page.text(row, 2, code)
            for column, share in enumerate(self.found[s, c].tolist(), start=3):
                if self.in_words(s, c) or math.isnan(share):
                    said = self.in_words(s, c) or self.never
                    page.text(row, column, said, form="right")
                else:
                    page.number(row, column, share, "fine share", "plain")
        heading = self.second - 1
        page.text(heading - 1, 1, "Cost, saving and net cost by reduction, all years", bold=True)
        page.headings(heading, 1, ["Scenario", "Commissioner"])
        titles = [REDUCTION, "Cost £", "Saving £", "Net cost £", "Standard error of net £"]
        page.headings(heading, self._REDUCTION, titles, over_numbers=True)
        page.fit_height(heading, [(titles[0], 16), (titles[-1], 16)])
        for (s, scenario), (c, code) in pairs:
            for number, reduction in enumerate(self.reductions):
                row = self.row_of_reduction(s, c, number)
                page.text(row, 1, scenario)
                page.text(row, 2, code)
                page.number(row, self._REDUCTION, reduction, "share", "plain")
                cost, saving = float(self.cost[s, c, number]), float(self.saving[s, c, number])
                page.number(row, self._COST, cost, "pounds", "plain")
                page.number(row, self._SAVING, saving, "pounds", "plain")
                net = f"={at(row, self._COST)}-{at(row, self._SAVING)}"
                page.formula(row, self._NET, net, cost - saving, "pounds")
                error = float(self.error[s, c, number])
                page.number(row, self._ERROR, error, "pounds", "plain")
        page.sheet.freeze_panes = "C4"

    def checks(self) -> list[Check]:
        """Net is cost less saving; the range is in order; a break-even is where there is one."""
        content, net = self.content, self.cost - self.saving
        last = self.row_of_reduction(len(content.scenarios) - 1, len(content.commissioners))
        cells = [self._column(n, self.second, last - 1) for n in (4, 5, 6)]
        difference = f"{cells[0]}-{cells[1]}-{cells[2]}"
        formula = f"SUMPRODUCT(({difference}>{HALF_A_PENNY})+({difference}<-{HALF_A_PENNY}))"
        found = [breaches("Net cost is cost less saving", self.title, formula, 0)]
        for (s, scenario), (c, code) in itertools.product(
            enumerate(content.scenarios), enumerate(content.commissioners)
        ):
            where = f"{scenario}, {code}"
            found.append(self._check_of_range(s, c, where))
            found.append(self._check_of_crossing(float(net[s, c, -1]), s, c, where))
        return found

    def _check_of_range(self, s: int, c: int, where: str) -> Check:
        """Words, where saving never reaches cost, are no numbers and are not compared."""
        share, low, high = (self.cell(self.row(s, c), column) for column in (3, 4, 5))
        parts = [
            f"IF(AND(COUNT({small},{large})=2,{small}>{large}),1,0)"
            for small, large in ((low, share), (share, high))
        ]
        share_value, low_value, high_value = self.found[s, c].tolist()
        count = int(low_value > share_value) + int(share_value > high_value)
        what = "The break-even lies in its range"
        return breaches(what, where, "+".join(parts), count)

    def _check_of_crossing(self, net: float, s: int, c: int, where: str) -> Check:
        """A break-even stands just where saving reaches cost at the largest reduction."""
        found = self.cell(self.row(s, c), 3)
        stated = f'OR(ISNUMBER({found}),{found}="{NOTHING_PAID}")'
        last = self.cell(self.row_of_reduction(s, c + 1) - 1, self._NET)
        passed = f"IF({last}>{HALF_A_PENNY},1,0)", f"IF({last}<-{HALF_A_PENNY},1,0)"
        formula = f"IF({stated},{passed[0]},{passed[1]})"
        missing = math.isnan(self.found[s, c, 0])
        count = int(net < -HALF_A_PENNY) if missing else int(net > HALF_A_PENNY)
        return breaches("A break-even stands where saving reaches cost", where, formula, count)

    def _column(self, number: int, first: int, last: int) -> str:
        ends = [at(row, number, fix_row=True, fix_column=True) for row in (first, last)]
        return f"{quoted(self.title)}!{ends[0]}:{ends[1]}"
