"""Whether a test is passed, in the rows of a sheet: by year, of all years, and in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from capitation.affording import NOT_TESTED
from capitation.workbook.block_lines import BLANK, SUMMED, Here, Shown, Values, Worked, Working
from capitation.workbook.blocks import FIRST_YEAR, BlockSheet
from capitation.workbook.checks import HALF_A_PENNY
from capitation.workbook.layout import FIRST
from capitation.workbook.page import at, quoted

PRACTICE = "practice_gap"
PASS, FAIL, UNTESTED, NO_BUDGET = "PASS", "FAIL", "NOT TESTED", "NO BUDGET"
LOSING = "practices losing"


@dataclass(frozen=True)
class Losing(Shown):
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
        counted = f"COUNTIFS({here.under(here.column)},{{0}},{names},{named})"
        return _passes(*(counted.format(f'"{verdict}"') for verdict in (FAIL, PASS)))

    def values_of_all(self, each: list[Values]) -> np.ndarray:
        failing, passing = (
            np.any([values[self.key] == verdict for values in each], axis=0)
            for verdict in (FAIL, PASS)
        )
        verdict = np.where(failing, FAIL, np.where(passing, PASS, NO_BUDGET))
        return np.where(self.tested, verdict, UNTESTED)

    def whole_run(self, first: str, last: str, values: np.ndarray) -> tuple[str, Any]:
        if not any(self.tested):
            return f'"{UNTESTED}"', UNTESTED
        found = next((v for v in (FAIL, PASS) if np.any(values == v)), NO_BUDGET)
        counted = (f'COUNTIF({first}:{last},"{verdict}")' for verdict in (FAIL, PASS))
        return _passes(*counted), found


def _passes(failing: str, passing: str = "") -> str:
    """A verdict by how many fail, and how many pass: none of either has a budget."""
    passes = f'IF({passing}>0,"{PASS}","{NO_BUDGET}")' if passing else f'"{PASS}"'
    return f'IF({failing}>0,"{FAIL}",{passes})'


def verdict_on(of: str, words: str, row: str = "", paid: str = "") -> Verdict:
    """The test of a gap, or of another row that must not lie above 0; none where nobody is paid."""
    row = row or of

    def text(here: Here) -> str:
        verdict = _passes(f"MAX(ROUND({here(row)},2),0)")
        return f'IF(ROUND({here(paid)},2)=0,"{NO_BUDGET}",{verdict})' if paid else verdict

    def value(values: Values) -> np.ndarray:
        verdict = np.where(np.round(values[row], 2) > 0, FAIL, PASS)
        return np.where(np.round(values[paid], 2) == 0, NO_BUDGET, verdict) if paid else verdict

    return Verdict(_key(of), words, working=Working(text, value), of=of)


def _key(of: str) -> str:
    return f"test of {of}"


# ------------------------------------------------------------------------- the verdict in words


def verdict_in_words(
    first_year: str, tests: Mapping[str, str], tested: tuple[bool, ...]
) -> Working:
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
    return f'IF({test}="{FAIL}",{fails},{test})'


def _told(of: str, test: str, amount: float) -> str:
    if test != FAIL:
        return test
    by = f"for {amount:,.0f}" if of == PRACTICE else f"by £{amount:,.0f}"
    return f"{FAIL} {by}" if amount > 0 else f"{FAIL} for a commissioner"
