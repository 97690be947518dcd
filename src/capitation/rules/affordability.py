"""Whether commissioner and provider can afford a contract, month by month and year by year.

A gap is a cost less the money that there is for it: none, or less than none, passes. The provider
is tested on doing something: what care in scope would cost if nothing were done, less what is
really saved, with what takes its place, the overheads and the setting up. The commissioner is
tested on everything that it pays, other parties' gains as well, and on an allocation that moves
with the services that are moved. A test is of a year: the mean of several hides a first year that
nobody can pay for.

By practice: ``do_nothing_of_practice`` and ``provider_income_of_practice``. By commissioner:
``spend_at_start``, what it spent a year before the contract, ``gains_of_others`` and
``allocation_moved``.
"""

from capitation.vocabulary import MONTHS_PER_YEAR, rule, total

# ------------------------------------------------------------------------- the provider's test

do_nothing_of_month = total(
    "do_nothing_of_practice", over="practices", title="Care in scope if nothing is done"
)


@rule(
    unit="GBP/month",
    assumption="The usual form of the test, recalled: no text of it was read.",
)
def do_something_of_month(
    do_nothing_of_month,
    saving_delivered,
    reprovision,
    saving_of_diversion,
    double_running,
    setup_cost,
    value_added_tax_leakage,
):
    """What care in scope costs the provider with what the contract does, in the month."""
    care = do_nothing_of_month - saving_delivered + reprovision - saving_of_diversion
    return care + double_running + setup_cost + value_added_tax_leakage


@rule(
    unit="GBP/month",
    assumption="Of the award, a share is there to cover the gap: the rest pays for the programme.",
)
def transition_fund(transformation_funding, transition_share_of_funding):
    """Programme money that stands in for what the contract does not pay, in the month."""
    return transformation_funding * transition_share_of_funding


@rule(
    unit="GBP/month",
    assumption="The usual form of the test, recalled: no text of it was read.",
)
def provider_gap_of_month(do_something_of_month, provider_income_of_month, transition_fund):
    """What the provider's cost is over its income, in the month: none or less passes."""
    return do_something_of_month - provider_income_of_month - transition_fund


do_nothing_cost = total(
    "do_nothing_of_month", over="months", title="Care in scope if nothing is done"
)

saving_of_diversion_of_year = total(
    "saving_of_diversion",
    over="months",
    title="Diverted admissions: saved on the hospital, less care in their place",
)

do_something_cost = total(
    "do_something_of_month", over="months", title="Care in scope with what the contract does"
)

provider_income = total(
    "provider_income_of_month", over="months", title="What the contract pays the provider"
)

transition_fund_of_year = total("transition_fund", over="months", title="Transition fund")

provider_gap = total(
    "provider_gap_of_month",
    over="months",
    title="Provider's test: cost less income",
)

# ----------------------------------------------------------------------- the commissioner's test


commissioner_payments = total(
    "total_payments", over="practices", title="What the commissioner pays, all contracts"
)


@rule(
    unit="GBP/year",
    assumption="Where the base year's allocation is not given (0), the commissioner was in "
    "balance: it had what it spent.",
)
def allocation_at_start(allocation_in_base_year, spend_at_start):
    """The commissioner's allocation for the base year."""
    return allocation_in_base_year if allocation_in_base_year > 0 else spend_at_start


@rule(unit="1", assumption="The base year's allocation is what growth counts from.")
def allocation_index_at_start():
    """Index of the allocation in the base year."""
    return 1


@rule(
    unit="1",
    first="allocation_index_at_start",
    assumption="The allocation grows on 1 April, by the year's growth.",
)
def commissioner_allocation_index(previous, allocation_growth, month_of_fiscal_year):
    """The allocation as a multiple of the base year's."""
    return previous * (1 + allocation_growth) if month_of_fiscal_year == 1 else previous


@rule(
    unit="GBP/month",
    assumption="An allocation is of a year, and counted in twelfths. Money moves with services: "
    "what is moved to the commissioner comes with allocation for it.",
)
def allocation_of_month(allocation_at_start, commissioner_allocation_index, allocation_moved):
    """A twelfth of the commissioner's allocation, with what came with services moved in."""
    own = allocation_at_start * commissioner_allocation_index / MONTHS_PER_YEAR
    return own + allocation_moved


@rule(
    unit="GBP/month",
    assumption="Reserves and other running costs are a share of the allocation.",
)
def commissioner_reserves(allocation_of_month, reserves_share):
    """What the commissioner has to keep back, in the month."""
    return allocation_of_month * reserves_share


@rule(
    unit="GBP/month",
    assumption="The usual form of the test, recalled: no text of it was read.",
)
def commissioner_gap_of_month(
    commissioner_payments,
    gains_of_others,
    commissioning_staff,
    integrator_procurement,
    commissioner_reserves,
    allocation_of_month,
):
    """What the commissioner pays and keeps back over its allocation, in the month."""
    paid = commissioner_payments + gains_of_others
    on_top = commissioning_staff + integrator_procurement + commissioner_reserves
    return paid + on_top - allocation_of_month


commissioner_payments_of_year = total(
    "commissioner_payments", over="months", title="What the commissioner pays, all contracts"
)

gains_of_others_of_year = total(
    "gains_of_others",
    over="months",
    title="Hospital's, community trust's and council's part of the gain and loss share",
)

commissioner_reserves_of_year = total("commissioner_reserves", over="months", title="Reserves")

commissioner_allocation = total("allocation_of_month", over="months", title="Allocation")

commissioner_gap = total(
    "commissioner_gap_of_month",
    over="months",
    title="Commissioner's test: payments and reserves less allocation",
)

# ----------------------------------------------------------------------- where the two meet


@rule(
    unit="GBP/year",
    source="nao-unitingcare",
    assumption="What the provider cannot pay comes back to the commissioner, who has to have the "
    "care provided, unless a parent body guarantees it.",
)
def gap_left_with_commissioner(provider_gap, parent_guarantee_for_the_year):
    """The part of the provider's gap that the commissioner has to meet."""
    return 0 if parent_guarantee_for_the_year else max(provider_gap, 0)


@rule(unit="GBP/year", source="nao-unitingcare")
def commissioner_gap_with_provider(commissioner_gap, gap_left_with_commissioner):
    """The commissioner's test with what is left of the provider's gap."""
    return commissioner_gap + gap_left_with_commissioner


@rule(
    unit="GBP/year",
    assumption="Of a year: what the contract pays less than the care that it is for would cost.",
)
def price_below_need(do_nothing_cost, provider_income):
    """What the contract pays less than care in scope would cost if nothing were done."""
    return do_nothing_cost - provider_income
