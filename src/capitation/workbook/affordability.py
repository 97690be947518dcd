"""Affordability by year: do nothing, do something, and the tests of all who have to pay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from capitation.workbook.block_lines import (
    BLANK,
    SUMMED,
    Apart,
    Flow,
    Heading,
    Here,
    Line,
    Values,
    Worked,
    Working,
    nothing_left,
    sum_of,
)
from capitation.workbook.blocks import FIRST_YEAR, About, BlockSheet
from capitation.workbook.checks import HALF_A_PENNY
from capitation.workbook.layout import FIRST
from capitation.workbook.page import Page, at, quoted
from capitation.workbook.summary import Summary

TITLE = "Affordability"
PROVIDER, COMMISSIONER, PRACTICE = "provider_gap", "commissioner_gap", "practice_gap"
TOGETHER = "commissioner_gap_with_provider"
PASS, FAIL, UNTESTED = "PASS", "FAIL", "NOT TESTED"
VERDICT = "verdict"
LOSING = "practices losing"
_WHO = {
    PROVIDER: "provider",
    COMMISSIONER: "commissioner",
    TOGETHER: "both together",
    PRACTICE: "practices",
}
_ABOUT = About(
    TITLE,
    "Affordability: what care costs, do nothing and do something, and who can pay, by year",
    (
        "Pounds in the year. A gap is a cost less the money that there is for it: none, or less "
        "than none, passes. Every year is tested by itself, the first year first: in the column of "
        "all years a test passes only if it passes in every year. For all commissioners it passes "
        "only if it does for each. The practices' test passes if no practice loses.",
        "A year whose March is not in the run is not tested: what is settled in March is not in its "
        "figures. Rows that end in 'must be 0' are checks.",
    ),
    widest=62,
)


@dataclass(frozen=True)
class Losing(Line):
    """How many practices have less than before: a penny or more."""

    form: str = "whole"
    all_years: int = BLANK

    @property
    def needs(self) -> tuple[str, ...]:
        return (PRACTICE,)

    def values(self, sheet: BlockSheet, scenario: str) -> np.ndarray:
        gaps = sheet.content.values(PRACTICE, sheet.summary.scenario_of(PRACTICE, scenario))
        losing = np.atleast_2d(gaps) >= HALF_A_PENNY
        members = sheet.content.members
        return np.stack([losing[of.start : of.stop].sum(axis=0) for of in members]).astype(float)

    def formula(self, sheet: BlockSheet, scenario: str, place: int, year: int, begins: str) -> str:
        of = sheet.layout.place(PRACTICE, sheet.summary.scenario_of(PRACTICE, scenario))
        members = sheet.content.members[place]
        first, last = (at(of.row + e, FIRST + year) for e in (members[0], members[-1]))
        return f'COUNTIF({quoted(of.sheet)}!{first}:{last},">={HALF_A_PENNY}")'


@dataclass(frozen=True)
class Verdict(Worked):
    """A row that says PASS or FAIL, by year; of all years or commissioners, only if each passes.

    Attributes
    ----------
    of : str
        Variable whose gap is tested.
    tested : tuple of bool
        Whether each year is.
    """

    form: str = "right"
    bold: bool = True
    all_years: int = SUMMED
    each: bool = True
    of: str = ""
    tested: tuple[bool, ...] = ()

    @property
    def needs(self) -> tuple[str, ...]:
        return (self.of,)

    def in_years(self, tested: tuple[bool, ...]) -> Verdict:
        """The same for a run of which not every year is tested."""
        each = self.working
        working = Working(
            lambda here: each.text(here) if tested[here.column - FIRST_YEAR] else f'"{UNTESTED}"',
            lambda values: np.where(tested, each.value(values), UNTESTED),
        )
        return replace(self, working=working, tested=tested)

    def of_all(self, here: Here, named: str, names: str) -> str:
        if not self.tested[here.column - FIRST_YEAR]:
            return f'"{UNTESTED}"'
        return _passes(f'COUNTIFS({here.under(here.column)},"{FAIL}",{names},{named})')

    def values_of_all(self, each: list[Values]) -> np.ndarray:
        failing = np.any([values[self.key] == FAIL for values in each], axis=0)
        return np.where(self.tested, np.where(failing, FAIL, PASS), UNTESTED)

    def whole_run(self, first: str, last: str, values: np.ndarray) -> tuple[str, Any]:
        if not any(self.tested):
            return f'"{UNTESTED}"', UNTESTED
        verdict = FAIL if np.any(values == FAIL) else PASS
        return _passes(f'COUNTIF({first}:{last},"{FAIL}")'), verdict


def _passes(failing: str) -> str:
    return f'IF({failing}=0,"{PASS}","{FAIL}")'


def _test(of: str, words: str, row: str = "") -> Verdict:
    """The test of a gap, or of another row that must not lie above 0."""
    row = row or of
    working = Working(
        lambda here: _passes(f"MAX(ROUND({here(row)},2),0)"),
        lambda values: np.where(np.round(values[row], 2) > 0, FAIL, PASS),
    )
    return Verdict(_key(of), words, working=working, of=of)


def _key(of: str) -> str:
    return f"test of {of}"


# ------------------------------------------------------------------------- the verdict in words


def _said(first_year: str, tests: Mapping[str, str], tested: tuple[bool, ...]) -> Working:
    """A sentence: the first year's tests, then in how many of the years tested each fails."""
    years, counted = len(tested), sum(tested)
    if not tested[0]:
        nothing = f"{first_year} is not tested: it {NOT_TESTED}."
        return Working(lambda here: f'"{nothing}"', lambda values: np.array([nothing]))

    def text(here: Here) -> str:
        first = '&"; '.join(
            f'{who} "&{_outcome(of, here(_key(of)), here(_amount(of)))}'
            for of, who in tests.items()
        )
        failing = '&", '.join(
            f'{who} "&COUNTIF({_along(here, _key(of), years)},"{FAIL}")'
            for of, who in tests.items()
        )
        return f'"{first_year}: {first}&". Failed, of {counted}: {failing}&"."'

    def value(values: Values) -> np.ndarray:
        first = "; ".join(
            f"{who} {_told(of, str(values[_key(of)][0]), float(values[_amount(of)][0]))}"
            for of, who in tests.items()
        )
        failing = ", ".join(
            f"{who} {int(np.sum(values[_key(of)] == FAIL))}" for of, who in tests.items()
        )
        return np.array([f"{first_year}: {first}. Failed, of {counted}: {failing}."])

    return Working(text, value)


def _amount(of: str) -> str:
    return LOSING if of == PRACTICE else of


def _along(here: Here, key: str, years: int) -> str:
    row = here.rows[key]
    return f"{at(row, here.column)}:{at(row, here.column + years - 1)}"


def _outcome(of: str, test: str, amount: str) -> str:
    by = f'"FAIL by £"&TEXT({amount},"#,##0")'
    if of == PRACTICE:
        by = f'"FAIL for "&TEXT({amount},"#,##0")'
    fails = f'IF({amount}>0,{by},"FAIL for a commissioner")'
    return f'IF({test}="{PASS}","{PASS}",{fails})'


def _told(of: str, test: str, amount: float) -> str:
    if test == PASS:
        return PASS
    by = f"for {amount:,.0f}" if of == PRACTICE else f"by £{amount:,.0f}"
    return f"{FAIL} {by}" if amount > 0 else f"{FAIL} for a commissioner"


# ------------------------------------------------------------------------- rows

_OF_PROVIDER: tuple[Line, ...] = (
    Heading("provider", "The provider: care in scope, and what the contract pays", over=PROVIDER),
    Flow("do_nothing_cost", "Do nothing: care in scope"),
    Flow("savings_delivered", "Savings delivered: taken off"),
    Flow("reprovision_of_year", "Services in place of those saved"),
    Flow("saving_of_diversion_of_year", "Diverted admissions: saved less care in their place"),
    Flow("double_running", "Old services run beside the new"),
    Flow("setup_cost", "Setting up"),
    Flow("value_added_tax_leakage", "Value added tax not recovered"),
    Flow("do_something_cost", "Do something: care in scope", bold=True),
    Apart(
        "do something apart",
        "Do nothing + what is done - do something: must be 0",
        working=nothing_left(
            sum_of(
                "do_nothing_cost",
                "reprovision_of_year",
                "double_running",
                "setup_cost",
                "value_added_tax_leakage",
                less=("savings_delivered", "saving_of_diversion_of_year", "do_something_cost"),
            )
        ),
        rests_on=("do_nothing_cost", "do_something_cost"),
        check="Do nothing and what is done add to do something",
    ),
    Flow("provider_income", "What the contract pays the provider"),
    Flow("transition_fund_of_year", "Transition fund"),
    Flow(PROVIDER, "Provider's gap: do something less income", bold=True),
    Apart(
        "provider apart",
        "Do something - income - fund - gap: must be 0",
        working=nothing_left(
            sum_of(
                "do_something_cost",
                less=("provider_income", "transition_fund_of_year", PROVIDER),
            )
        ),
        rests_on=("do_something_cost", "provider_income", PROVIDER),
        check="Provider's cost - income = gap",
    ),
    _test(PROVIDER, "Provider's test"),
)
_OF_COMMISSIONER: tuple[Line, ...] = (
    Heading("commissioner", "The commissioner: payments and allocation", over=COMMISSIONER),
    Flow("commissioner_payments_of_year", "Payments, all contracts"),
    Flow("gains_of_others_of_year", "Gain and loss share: hospital, community trust and council"),
    Flow("commissioning_staff", "Commissioning staff"),
    Flow("integrator_procurement", "Tender for an integrator"),
    Flow("commissioner_reserves_of_year", "Reserves"),
    Flow("commissioner_allocation", "Allocation"),
    Flow(COMMISSIONER, "Commissioner's gap: payments and reserves less allocation", bold=True),
    Apart(
        "commissioner apart",
        "Payments + gains + staff + tender + reserves - allocation - gap: must be 0",
        working=nothing_left(
            sum_of(
                "commissioner_payments_of_year",
                "gains_of_others_of_year",
                "commissioning_staff",
                "integrator_procurement",
                "commissioner_reserves_of_year",
                less=("commissioner_allocation", COMMISSIONER),
            )
        ),
        rests_on=("commissioner_payments_of_year", "commissioner_allocation", COMMISSIONER),
        check="Commissioner's payments - allocation = gap",
    ),
    _test(COMMISSIONER, "Commissioner's test"),
    Flow("gap_left_with_commissioner", "Provider's gap that is left with the commissioner"),
    Flow(TOGETHER, "Commissioner's gap with it", bold=True),
    _test(TOGETHER, "Commissioner's test with what the provider leaves"),
)
_OF_PRACTICES: tuple[Line, ...] = (
    Heading("practices", "The practices: income before, and under the contract", over=PRACTICE),
    Flow("income_before_of_year", "Income if there were no contract"),
    Flow("income_under_contract_of_year", "Income under the contract"),
    Flow(PRACTICE, "Practices' gap: income before less income under the contract", bold=True),
    Apart(
        "practices apart",
        "Before - under the contract - gap: must be 0",
        working=nothing_left(
            sum_of("income_before_of_year", less=("income_under_contract_of_year", PRACTICE))
        ),
        rests_on=("income_before_of_year", "income_under_contract_of_year", PRACTICE),
        check="Practices' income before - under the contract = gap",
    ),
    Losing(LOSING, "Practices with less than before"),
    _test(PRACTICE, "Practices' test", LOSING),
)


class AffordabilitySheet(BlockSheet):
    """Writes the sheet, and adds its checks to those of the summary.

    Parameters
    ----------
    summary : Summary
    """

    def __init__(self, summary: Summary):
        super().__init__(summary, _ABOUT, ())
        tests = {
            name: who
            for name, who in _WHO.items()
            if self.stands(name, "practice" if name == PRACTICE else "commissioner_code", "year")
        }
        self.tests = tests
        charts = sum(name in tests for name in (PROVIDER, COMMISSIONER))
        above = len(self.content.scenarios) + 2
        self.about = replace(_ABOUT, above=above, charts=charts)
        tested = tuple(
            any(self.content.months[month].month == MARCH for month in of)
            for of in self.months_of_year
        )
        year = self.content.year_headings[0].removesuffix(" £")
        verdict = Worked(
            VERDICT,
            "Verdict",
            "text",
            bold=True,
            all_years=BLANK,
            working=_said(year, tests, tested),
            until=1,
        )
        lines = [
            line.in_years(tested) if isinstance(line, Verdict) else line
            for line in (*_OF_PROVIDER, *_OF_COMMISSIONER, *_OF_PRACTICES)
        ]
        self.lines = self.shown([*lines, verdict])

    @property
    def wanted(self) -> bool:
        """Whether the result tests who can afford the contract."""
        return bool(self.tests)

    def write(self) -> tuple[Page, int]:
        """Write the blocks, and above them the verdict on each scenario."""
        page, row = super().write()
        first = len(self.about.said) + 3
        page.text(first - 1, 1, "Verdicts", bold=True)
        for line, (scenario, block) in enumerate(self.of_all.items(), start=first):
            page.text(line, 1, scenario)
            said = str(block.values[VERDICT][0])
            verdict = at(block.rows[VERDICT], FIRST_YEAR)
            page.formula(line, 2, f"={verdict}", said, "text")
            self.wrap(page, line, 2, said)
            for each in self.blocks[scenario]:
                self.wrap(page, each.rows[VERDICT], FIRST_YEAR, str(each.values[VERDICT][0]))
        return page, row

    def wrap(self, page: Page, row: int, column: int, said: str) -> None:
        """Let a sentence run over the columns to the last, on as many lines as it needs."""
        page.sheet.cell(row, column).style = page.book.style("calculated", "text", False, True)
        page.sheet.merge_cells(
            start_row=row, end_row=row, start_column=column, end_column=self.last
        )
        page.fit_height(row, [(said, sum(map(page.width, range(column, self.last + 1))))])
