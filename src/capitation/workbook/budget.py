"""Whole-population budget by year: people, rates, services by line, what is in it and outside."""

from __future__ import annotations

from capitation.wording import label
from capitation.workbook.block_lines import (
    BLANK,
    Apart,
    Flow,
    Heading,
    Line,
    Mean,
    Worked,
    nothing_left,
    share_of,
    sum_of,
)
from capitation.workbook.blocks import About, BlockSheet
from capitation.workbook.budget_lines import (
    Growth,
    Months,
    People,
    Rate,
    Twelfths,
    grown,
    growth_of,
)
from capitation.workbook.content import TOTAL_PAYMENTS, Content
from capitation.workbook.summary import Summary

TITLE = "Whole population budget"
WHOLE, NOTIONAL, SERVICES = "whole_population_budget", "notional_budget", "services_budget"
CORE, SCHEMES = "core_in_budget", "local_schemes_in_budget"
WITHHELD, PAYMENT, QUALITY = "improvement_withheld", "budget_payment", "quality_in_pool"
OTHERS, SAVED = "other_contracts", "saving_outside"
POPULATION, COUNTED = "contract_weighted_population", "counted_contract_population"
OF_CONTRACT = "_budget_of_contract"
"""How the variable of a service line's money ends."""
LINES, NOTED = "services by line", "noted services"
_PEOPLE, _MONTHS = "people", "month_of_fiscal_year"
_AT_RATES, _EXPECTED = "services at rates", "all services"
_OWN = ("core_income", "qof", "local_schemes", "remaining_payments")
_PAID = (
    "core_paid_to_practice",
    "quality_paid_to_practice",
    "local_schemes_paid_to_practice",
    "remaining_payments",
)
_AFTER_THE_EVENT = ("improvement_payment", "gain_loss_payment")

_ABOUT = About(
    TITLE,
    "Whole-population budget: people, rates, services and payments, by fiscal year",
    (
        "Pounds in the year. The budget is a rate per weighted head over the contract's weighted "
        "population, in plain twelfths, with core contracts and local schemes as far as they are "
        "integrated. In a virtual contract it is only noted: nothing is paid that was not before.",
        "Growth is of a month of the year on a month of the year before. It is split into people "
        "(registered lists), age mix and need (weighted population a registered patient), what the "
        "budget pays for of the lists counted, and the rate (services a weighted head).",
        "Rows that end in 'must be 0' are checks. Their last column adds up the differences of the "
        "years, whatever their sign.",
    ),
    widest=62,
)


def _people() -> tuple[Line, ...]:
    return (
        Heading("people and rates", "People and rates"),
        Months(_MONTHS, "Months of the year in the run"),
        People(
            _PEOPLE,
            "Registered list in the contract, mean of the months",
            of="payment_registered_list",
            counted="counted_in_contract",
        ),
        Mean(COUNTED, "Weighted population of the contract as counted, mean"),
        Mean(POPULATION, "Weighted population that the budget pays for, mean"),
        Rate(
            "rate_in_scope",
            "Rate per weighted head and year, services in scope £",
            weight=POPULATION,
            people=POPULATION,
        ),
        Mean("population_of_all", "Weighted population of all practices, mean"),
        Rate(
            "rate_of_all",
            "Rate per weighted head and year, all services £",
            weight="population_of_all",
            people="population_of_all",
        ),
    )


def _services(content: Content, lines: tuple[str, ...]) -> tuple[Line, ...]:
    return (
        Heading("services", "Services of the contract, by line"),
        *(Flow(name, _title(content, name)) for name in lines),
        Worked(LINES, "Services of the contract", bold=True, working=sum_of(*lines)),
        Flow("services_of_contract", "The same, as practices bring it"),
        Apart(
            "lines apart",
            "Lines - services of the contract: must be 0",
            working=nothing_left(sum_of(LINES, less=("services_of_contract",))),
            rests_on=("services_of_contract",),
            check="Service lines add to the contract's services",
        ),
        Worked(
            NOTED,
            "Of which noted in a virtual contract, and not in the budget",
            working=sum_of(LINES, less=(SERVICES,)),
        ),
        Twelfths(
            _AT_RATES,
            "Services at the rates, for the people that the budget pays for",
            rate="rate_in_scope",
            population=POPULATION,
        ),
        Worked(
            "price over rates",
            "Services over those at the rates: 0 unless a price is agreed",
            working=nothing_left(sum_of(LINES, less=(_AT_RATES,))),
            rests_on=("rate_in_scope",),
        ),
    )


def _budget() -> tuple[Line, ...]:
    paid = (PAYMENT, *_PAID, OTHERS, *_AFTER_THE_EVENT)
    return (
        Heading("budget", "The budget"),
        Flow(SERVICES, "Services in the budget"),
        Flow(CORE, "Core contracts in the budget"),
        Flow(SCHEMES, "Local schemes in the budget"),
        Flow(WHOLE, "Whole-population budget", bold=True),
        Apart(
            "budget apart",
            "Services + core + local schemes - budget: must be 0",
            working=nothing_left(sum_of(SERVICES, CORE, SCHEMES, less=(WHOLE,))),
            check="Services, core and local schemes add to the budget",
        ),
        Worked(
            "per head",
            "Budget per weighted head, in the year £",
            all_years=BLANK,
            working=share_of((WHOLE,), POPULATION),
            rests_on=(POPULATION,),
        ),
        Flow(NOTIONAL, "Notional budget of a virtual contract: noted, not paid"),
        Flow(QUALITY, "Quality money in the pool for improvement"),
        Heading("payments", "Payments"),
        Flow(WITHHELD, "Withheld for improvement"),
        Flow(PAYMENT, "Budget payment", bold=True),
        Apart(
            "withheld apart",
            "Budget - withheld - budget payment: must be 0",
            working=nothing_left(sum_of(WHOLE, less=(WITHHELD, PAYMENT))),
            rests_on=(WITHHELD,),
            check="Budget payment + withheld = budget",
        ),
        Flow("improvement_payment", "Improvement payment"),
        Flow("gain_loss_payment", "Gain and loss share: paid, or taken back"),
        *(Flow(name, label(name)) for name in _PAID),
        Flow(OTHERS, "Other contracts"),
        Flow(TOTAL_PAYMENTS, "All payments", bold=True),
        Apart(
            "payments apart",
            "In the budget + outside - all payments: must be 0",
            working=nothing_left(sum_of(*paid, less=(TOTAL_PAYMENTS,))),
            check="Payments in the budget and outside add to all",
        ),
        Heading("conserved", "The same money, whatever the contract form", over="rate_of_all"),
        *(Flow(name, f"{label(name)}: all") for name in _OWN[:-1]),
        Twelfths(
            _EXPECTED,
            "All services for all people",
            rate="rate_of_all",
            population="population_of_all",
        ),
        Flow(SAVED, "Saved outside the budget, against what was expected: taken off"),
        Apart(
            "conserved apart",
            "In the budget + in the pool + outside - these: must be 0",
            working=nothing_left(
                sum_of(WHOLE, QUALITY, *_PAID, OTHERS, SAVED, less=(*_OWN, _EXPECTED))
            ),
            rests_on=("rate_of_all", "population_of_all", "core_income", QUALITY),
            check="Payments are conserved, whatever the contract form",
        ),
    )


def _growth() -> tuple[Line, ...]:
    shares = {
        "growth of people": ("Growth of people: registered lists", (_PEOPLE,)),
        "growth of age mix": (
            "Growth of age mix and need of a registered patient",
            (COUNTED, _PEOPLE),
        ),
        "growth of what is paid for": (
            "Growth of what is paid for, of the lists counted",
            (POPULATION, COUNTED),
        ),
        "growth of the rate": (
            "Growth of the rate: services a weighted head",
            ("a month", POPULATION),
        ),
    }
    rests_on = (COUNTED, POPULATION, "payment_registered_list", "counted_in_contract")
    return (
        Heading("growth", "Growth of the contract's services on the year before, a month"),
        Worked(
            "a month",
            "Services of the contract, a month",
            all_years=BLANK,
            working=share_of((LINES,), _MONTHS),
        ),
        Growth("growth of services", "Growth of services", working=growth_of("a month")),
        *(
            Growth(f"growth of {key}", words, working=growth_of(*of), rests_on=rests_on)
            for key, (words, of) in shares.items()
        ),
        Apart(
            "growth apart",
            "Year before x people x age mix x paid for x rate - services: must be 0",
            working=grown(LINES, _MONTHS, tuple(f"growth of {key}" for key in shares)),
            rests_on=rests_on,
            since=1,
            check="Growth of services is people x age mix x lists x rate",
        ),
    )


def _title(content: Content, name: str) -> str:
    return content.graph[name].title.partition(":")[0]


class BudgetSheet(BlockSheet):
    """Writes the sheet, and adds its checks to those of the summary.

    Parameters
    ----------
    summary : Summary
    """

    def __init__(self, summary: Summary):
        content: Content = summary.content
        lines = tuple(n for n in content.graph.nodes if n.endswith(OF_CONTRACT))
        rows = [*_people(), *_services(content, lines), *_budget(), *_growth()]
        super().__init__(summary, _ABOUT, rows)
        self.service_lines = lines

    @property
    def wanted(self) -> bool:
        """Whether the result has a whole-population budget, with services by line."""
        needed = (WHOLE, SERVICES, CORE, SCHEMES, PAYMENT, OTHERS)
        return bool(self.service_lines) and all(self.stands(name, "practice") for name in needed)
