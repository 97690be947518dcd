"""The whole-population budget's services: what they cost, a weighted head, line by line.

A line's baseline is what was spent on it in the year before the first month, whatever the year of
the practices' file: non-recurrent spend out, the full-year effect of changes in. Over the people
whom it was spent on, weighted for need, it is a rate per weighted head. Each April the rate moves
on, for every line:

    (1 + growth) = (1 + demand) × (1 + cost uplift) × (1 − efficiency) × (1 + pace of change)

The population moves by itself (`list_changes`), age mix included: so that a line's money grows by
people × age mix × rate, and no factor is counted twice. Three bases of the budget:

- *rate per weighted head*: as above;
- *allocation growth*: the line's whole money grows as the commissioner's allocation does, however
  many people there are;
- *agreed price*: the contract's services are paid at a price; the rates say what the commissioner
  expects to spend, inside the contract and outside.
"""

from capitation.vocabulary import constant, rule, total

BY_ALLOCATION_GROWTH = constant(1, "1")
"""The basis of a budget that follows the commissioner's allocation."""

# ----------------------------------------------------------------------- the base year, by practice


@rule(
    unit="patient",
    source="gponline-mcp-contract-sum-2016",
    assumption="Weighted by the global sum formula, as in the payments file, unless the practice's "
    "need index is given: then by that. Need weights of a commissioner's own are given so.",
)
def need_weighted_base_list(base_registered_list, base_weighted_list, need_index):
    """Base year's list, weighted for need."""
    return base_registered_list * need_index if need_index > 0 else base_weighted_list


@rule(
    unit="patient",
    source="gponline-mcp-contract-sum-2016",
    assumption="People who are registered with nobody need as much as the practice's own patients, "
    "and count where the lists are.",
)
def population_at_start(need_weighted_base_list, unregistered_share_before_start):
    """Base year's population, weighted for need: the list with its part of the unregistered."""
    return need_weighted_base_list * (1 + unregistered_share_before_start)


base_budget_population = total(
    "population_at_start",
    over="practices",
    title="Base year's population of all the practices, weighted for need",
)


@rule(
    unit="GBP/year",
    each="service",
    source="hsj-dudley-contract-2016",
    assumption="Built from actual spend: recurrent spend, with changes of the year counted in "
    "full. Where a practice's own spend is not given, all heads cost the same, weighted, as they "
    "did in the month before the first.",
)
def service_baseline(
    service_spend,
    service_non_recurrent,
    service_full_year_effect,
    service_cost_per_weighted_head_before_start,
    need_weighted_base_list,
):
    """Recurrent spend of the year before the first month on the practice's people."""
    by_head = service_cost_per_weighted_head_before_start * need_weighted_base_list
    spend = service_spend if service_spend > 0 else by_head
    return spend - service_non_recurrent + service_full_year_effect


# ----------------------------------------------------------------- the base year, per weighted head

service_baseline_total = total(
    "service_baseline",
    over="practices",
    each="service",
    title="Recurrent spend of the year before the first month, all practices",
)


@rule(
    unit="GBP/year",
    each="service",
    source="hsj-dudley-contract-2016",
    assumption="Where the spend on all the commissioner's people is known, it stands.",
)
def service_baseline_at_start(service_baseline_total, service_spend_of_all_before_start):
    """Baseline of the line, for all the commissioner's people."""
    known = service_spend_of_all_before_start > 0
    return service_spend_of_all_before_start if known else service_baseline_total


@rule(unit="GBP/patient/year", each="service", source="gponline-mcp-contract-sum-2016")
def service_rate_at_start(service_baseline_at_start, base_budget_population):
    """Baseline a weighted head."""
    anyone = base_budget_population > 0
    return service_baseline_at_start / base_budget_population if anyone else 0


# ----------------------------------------------------------------------------- growth, year by year


@rule(unit="1", assumption="Every index counts from the base year.")
def index_of_base_year():
    """One: what an index counts from."""
    return 1


@rule(
    unit="1",
    each="service",
    first="index_of_base_year",
    assumption="Demand and costs move once a year, in April; between, a month is a twelfth. "
    "Nothing is saved, and nothing is done.",
)
def service_cost_index(previous, service_growth, cost_uplift, month_of_fiscal_year):
    """What a weighted head costs if nothing is done, over the base year: demand and prices."""
    year = (1 + service_growth) * (1 + cost_uplift)
    return previous * year if month_of_fiscal_year == 1 else previous


@rule(
    unit="1",
    each="service",
    first="index_of_base_year",
    assumption="Demand, costs, efficiency and pace of change move the rate once a year, in April. "
    "How a contract puts them together is not published: they are multiplied.",
)
def service_budget_index(
    previous, service_growth, cost_uplift, efficiency, pace_of_change, month_of_fiscal_year
):
    """What the budget pays a weighted head, over the base year."""
    demand_and_prices = (1 + service_growth) * (1 + cost_uplift)
    year = demand_and_prices * (1 - efficiency) * (1 + pace_of_change)
    return previous * year if month_of_fiscal_year == 1 else previous


@rule(
    unit="1",
    first="index_of_base_year",
    source="gponline-mcp-contract-sum-2016",
    assumption="Broadly as the commissioner's allocation: by the share of its growth that the "
    "contract gives, once a year, in April.",
)
def allocation_index(previous, allocation_growth, allocation_growth_share, month_of_fiscal_year):
    """The commissioner's allocation, as far as the budget follows it, over the base year."""
    year = 1 + allocation_growth * allocation_growth_share
    return previous * year if month_of_fiscal_year == 1 else previous


# ---------------------------------------------------------------------------------------- the rates


@rule(
    unit="GBP/patient/year",
    each="service",
    assumption="What is moved in or out is valued at the base year's prices and demand, and grows "
    "with the line from then on.",
)
def service_rate_with_transfers(service_rate_at_start, service_transfers, base_budget_population):
    """Baseline a weighted head, with what has been moved in and without what was moved out."""
    anyone = base_budget_population > 0
    moved = service_transfers / base_budget_population if anyone else 0
    return service_rate_at_start + moved


@rule(
    unit="GBP/patient/year",
    each="service",
    source="gponline-mcp-contract-sum-2016",
    assumption="A budget that follows the allocation grows by it in all: more people have less "
    "each.",
)
def service_rate(
    service_rate_with_transfers,
    service_budget_index,
    allocation_index,
    base_budget_population,
    population_of_all,
    budget_basis,
):
    """What the commissioner expects to spend a weighted head."""
    by_growth = service_rate_with_transfers * service_budget_index
    of_all = service_rate_with_transfers * allocation_index * base_budget_population
    by_allocation = of_all / population_of_all if population_of_all > 0 else 0
    return by_allocation if budget_basis == BY_ALLOCATION_GROWTH else by_growth


@rule(unit="GBP/patient/year", each="service", source="gponline-mcp-contract-sum-2016")
def service_rate_in_scope(service_rate, service_in_scope):
    """Part of the rate that is in the contract's scope."""
    return service_rate * service_in_scope


@rule(
    unit="GBP/patient/year",
    each="service",
    assumption="What is in scope would cost this if all went on as in the base year.",
)
def service_do_nothing_rate(service_rate_with_transfers, service_cost_index, service_in_scope):
    """What is in scope costs a weighted head if nothing is done."""
    return service_rate_with_transfers * service_cost_index * service_in_scope


rate_in_scope = total(
    "service_rate_in_scope", over="services", title="Rate per weighted head, services in scope"
)

rate_of_all = total("service_rate", over="services", title="Rate per weighted head, all services")

do_nothing_rate_in_scope = total(
    "service_do_nothing_rate",
    over="services",
    title="Cost per weighted head if nothing is done, services in scope",
)
