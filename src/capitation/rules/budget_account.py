"""A whole-population budget as its tests read it: care in scope, income of the holder, spending.

What ties budgets, contract forms and improvement payments to the tests of affordability. A practice
in a virtual contract, or outside, has nothing in the budget: its care is no cost to the provider.
"""

from capitation.vocabulary import MONTHS_PER_YEAR, rule, total


@rule(
    unit="GBP/month",
    assumption="General practice in the budget costs the holder what it would be paid outside, and "
    "where a practice has left, what is still to be paid for it.",
)
def do_nothing_of_practice(
    do_nothing_rate_in_scope,
    population_in_contract,
    in_integrated_contract,
    core_in_budget,
    local_schemes_in_budget,
    quality_in_pool,
    stranded_cost,
):
    """What care in scope would cost for the practice's patients if nothing were done."""
    services = do_nothing_rate_in_scope * population_in_contract / MONTHS_PER_YEAR
    general_practice = core_in_budget + local_schemes_in_budget + quality_in_pool
    return services * in_integrated_contract + general_practice + stranded_cost


@rule(
    unit="GBP/month",
    assumption="The usual form of the test, recalled: no text of it was read.",
)
def provider_income_of_practice(budget_payment, improvement_payment, gain_loss_payment):
    """What the contract pays for the practice's patients, improvement payment and all."""
    return budget_payment + improvement_payment + gain_loss_payment


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
