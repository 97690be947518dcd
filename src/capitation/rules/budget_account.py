"""A whole-population budget as its tests read it: care in scope, income of the holder, spending.

What ties budgets, contract forms and improvement payments to the tests of affordability. A practice
in a virtual contract, or outside, has nothing in the budget: its care is no cost to the provider.
Care costs what it does for the people who are there, whether the budget pays for them or not.
"""

from capitation.vocabulary import MONTHS_PER_YEAR, PAID_ONCE, rule, total


@rule(
    unit="GBP/month",
    assumption="Services cost so much for everybody who is counted, joiners and leavers as they "
    "come and go. General practice in the budget costs the holder what it would be paid outside, "
    "and where a practice has left, what is still to be paid for it.",
)
def do_nothing_of_practice(
    do_nothing_rate_in_scope,
    counted_in_contract,
    share_of_services_held,
    in_integrated_contract,
    core_in_budget,
    local_schemes_in_budget,
    quality_in_pool,
    stranded_cost,
):
    """What care in scope would cost for the practice's patients if nothing were done."""
    people = counted_in_contract * share_of_services_held
    services = do_nothing_rate_in_scope * people / MONTHS_PER_YEAR
    general_practice = core_in_budget + local_schemes_in_budget + quality_in_pool
    return services * in_integrated_contract + general_practice + stranded_cost


@rule(
    unit="GBP/month",
    assumption="The usual form of the test, recalled: no text of it was read.",
)
def provider_income_of_practice(budget_payment, improvement_payment, gain_loss_payment):
    """What the contract pays for the practice's patients, improvement payment and all."""
    return budget_payment + improvement_payment + gain_loss_payment


# ------------------------------------------------------------------ the integrated contract


@rule(
    unit="patient",
    source="pulse-accountable-care-contract-2017",
    assumption="Counted as the budget pays for them.",
)
def integrated_population_of_practice(population_in_contract, in_integrated_contract):
    """The practice's population in an integrated contract; none in a virtual one, or outside."""
    return population_in_contract * in_integrated_contract


integrated_population = total(
    "integrated_population_of_practice",
    over="practices",
    title="Weighted population of the integrated contract",
)


@rule(unit="1", assumption="A virtual contract is no contract of the provider's.")
def contract_runs(integrated_population):
    """Whether anybody is in an integrated contract this month (1)."""
    return 1 if integrated_population > 0 else 0


@rule(unit="1", assumption="By weighted population, in the month.")
def integrated_share_of_contract(integrated_population, contract_weighted_population):
    """Part of the contract, virtual and integrated, that is integrated."""
    anyone = contract_weighted_population > 0
    return integrated_population / contract_weighted_population if anyone else 0


# ------------------------------------------------------------------ the commissioner's money


expected_integrated_of_contract = total(
    "expected_integrated_of_year",
    over="practices",
    title="The year's expected spend in the share, all integrated practices",
)


@rule(
    unit="GBP/month",
    source="gov-multilateral-gain-loss-sharing",
    assumption="Settled in March like the provider's part, and like it by the part of the year's "
    "expected spend that is integrated: the rest is a note in the alliance's ledger.",
)
def gains_of_others(
    gain_to_acute,
    gain_to_community,
    gain_to_council,
    expected_integrated_of_contract,
    expected_in_share_of_year,
    month_of_fiscal_year,
):
    """In March, what hospital, community trust and council are paid of a gain, or pay of a loss."""
    anything = expected_in_share_of_year > 0
    share = expected_integrated_of_contract / expected_in_share_of_year if anything else 0
    of_year = (gain_to_acute + gain_to_community + gain_to_council) * share
    return of_year / PAID_ONCE if month_of_fiscal_year == 12 else 0


@rule(
    unit="GBP/month",
    each="service",
    assumption="Who gave the services up gives up their money, which grows as the line's budget "
    "does. Where nobody is on a list nothing is moved.",
)
def service_allocation_moved(service_transfers, service_budget_index, base_budget_population):
    """Allocation that came with what was moved into the line, less what was moved out."""
    moved = service_transfers * service_budget_index / MONTHS_PER_YEAR
    return moved if base_budget_population > 0 else 0


allocation_moved = total(
    "service_allocation_moved",
    over="services",
    title="Allocation that came with services moved in",
)

practice_spend_at_start = total(
    "base_total_payments", over="practices", title="General practice in the base year"
)

services_at_start = total(
    "service_baseline_at_start", over="services", title="All services in the base year"
)


@rule(
    unit="GBP/year",
    assumption="What the commissioner spends is general practice and the service lines.",
)
def spend_at_start(practice_spend_at_start, services_at_start):
    """What the commissioner spent in the base year."""
    return practice_spend_at_start + services_at_start
