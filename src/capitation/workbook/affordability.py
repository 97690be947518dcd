"""Affordability by year: do nothing, do something, and the tests of all who have to pay."""

from __future__ import annotations

from dataclasses import replace

from capitation.engine.calendar import MARCH
from capitation.workbook.block_lines import (
    BLANK,
    Apart,
    Flow,
    Heading,
    Line,
    Worked,
    nothing_left,
    sum_of,
)
from capitation.workbook.blocks import FIRST_YEAR, About, BlockSheet
from capitation.workbook.page import Page, at
from capitation.workbook.summary import Summary
from capitation.workbook.verdicts import (
    LOSING,
    PRACTICE,
    Losing,
    Verdict,
    verdict_in_words,
    verdict_on,
)

TITLE = "Affordability"
PROVIDER, COMMISSIONER = "provider_gap", "commissioner_gap"
TOGETHER = "commissioner_gap_with_provider"
VERDICT = "verdict"
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
        "A year whose March is not in the run is not tested: what is settled in March is not in "
        "its figures. Rows that end in 'must be 0' are checks.",
    ),
    widest=62,
)


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
    verdict_on(PROVIDER, "Provider's test", paid="provider_income"),
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
    verdict_on(COMMISSIONER, "Commissioner's test"),
    Flow("gap_left_with_commissioner", "Provider's gap that is left with the commissioner"),
    Flow(TOGETHER, "Commissioner's gap with it", bold=True),
    verdict_on(TOGETHER, "Commissioner's test with what the provider leaves"),
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
    verdict_on(PRACTICE, "Practices' test", LOSING),
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
            working=verdict_in_words(year, tests, tested),
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
        page.book.dress(page.sheet.cell(row, column), "calculated", "text", wrap=True)
        page.sheet.merge_cells(
            start_row=row, end_row=row, start_column=column, end_column=self.last
        )
        page.fit_height(row, [(said, sum(map(page.width, range(column, self.last + 1))))])
