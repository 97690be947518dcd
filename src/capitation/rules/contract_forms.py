"""Contract forms: which of a practice's money, and of its people's services, is in the budget.

- *outside*: nothing is.
- *virtual*: an alliance agreement over the contracts that there are. Nothing legal moves: what
  would be in the budget is only noted.
- *partially integrated*: the services in scope and local schemes are; the quality framework's
  money is in the pool for improvement. The core contract stays.
- *fully integrated*: the core contract's money is too.

A primary and acute care system is one of the last two with acute services in scope. In every month,
for every practice, what is in the budget and what is outside it add up to the same money, whatever
the form. Practices choose by date; one that joins or leaves brings or takes its people.

A fully integrated practice that has taken up its contract again (`reactivation`) is paid again for
the patients who followed it: core, quality and local schemes. Services go on as they were.
"""

from capitation.vocabulary import MONTHS_PER_YEAR, constant, rule

VIRTUAL = constant(1, "1")
PARTIALLY_INTEGRATED = constant(2, "1")
FULLY_INTEGRATED = constant(3, "1")
"""Contract forms, as the term ``contract_form`` numbers them; 0 is outside."""

AT_AGREED_PRICE = constant(2, "1")
"""The basis of a budget whose services are paid at a price."""


@rule(unit="1", source="pulse-portsmouth-virtual-mcp-2017")
def in_virtual_contract(contract_form):
    """Whether the practice is in a virtual contract (1)."""
    return 1 if contract_form == VIRTUAL else 0


@rule(unit="1", source="pulse-accountable-care-contract-2017")
def in_integrated_contract(contract_form):
    """Whether the practice is partially or fully integrated (1)."""
    return 1 if contract_form >= PARTIALLY_INTEGRATED else 0


# ------------------------------------------------------------------------- the practice's own money


@rule(unit="1", source="pulse-accountable-care-contract-2017")
def core_share_in_budget(contract_form, patients_following):
    """Share of the core contract's money that is in the budget."""
    return 1 - patients_following if contract_form >= FULLY_INTEGRATED else 0


@rule(unit="GBP/month", source="pulse-accountable-care-contract-2017")
def core_in_budget(core_income, core_share_in_budget):
    """Core contract's money that is in the whole-population budget."""
    return core_income * core_share_in_budget


@rule(unit="GBP/month", source="pulse-accountable-care-contract-2017")
def core_paid_to_practice(core_income, core_in_budget):
    """Core contract's money that is paid to the practice."""
    return core_income - core_in_budget


@rule(
    unit="GBP/month",
    source="gponline-mcp-qof-2016",
    assumption="A practice that has taken up its contract again has the framework too, for the "
    "patients who followed it.",
)
def quality_in_pool(qof, in_integrated_contract, patients_following):
    """Quality framework's money that goes into the pool for improvement instead."""
    return qof * in_integrated_contract * (1 - patients_following)


@rule(unit="GBP/month", source="gponline-mcp-qof-2016")
def quality_paid_to_practice(qof, quality_in_pool):
    """Quality framework's money that is paid to the practice."""
    return qof - quality_in_pool


@rule(
    unit="GBP/month",
    source="docsbay-integration-agreement",
    assumption="A practice that has taken up its contract again has local schemes too, for the "
    "patients who followed it.",
)
def local_schemes_in_budget(local_schemes, in_integrated_contract, patients_following):
    """Local schemes' money that is in the whole-population budget."""
    return local_schemes * in_integrated_contract * (1 - patients_following)


@rule(unit="GBP/month", source="docsbay-integration-agreement")
def local_schemes_paid_to_practice(local_schemes, local_schemes_in_budget):
    """Local schemes' money that is paid to the practice."""
    return local_schemes - local_schemes_in_budget


# -------------------------------------------------------------------------- services for its people


@rule(
    unit="GBP/month",
    source="gponline-mcp-contract-sum-2016",
    assumption="Paid in plain twelfths. An agreed price is shared by weighted population among the "
    "practices in the contract, virtual or integrated.",
)
def services_of_contract(
    rate_in_scope,
    population_in_contract,
    contract_weighted_population,
    agreed_price,
    budget_basis,
):
    """Money for the services in scope, for the people of a practice in the contract."""
    anyone = contract_weighted_population > 0
    share = population_in_contract / contract_weighted_population if anyone else 0
    by_rate = rate_in_scope * population_in_contract
    year = agreed_price * share if budget_basis == AT_AGREED_PRICE else by_rate
    return year / MONTHS_PER_YEAR


@rule(unit="GBP/month", source="pulse-accountable-care-contract-2017")
def services_budget(services_of_contract, in_integrated_contract):
    """Money for services that is in the whole-population budget."""
    return services_of_contract * in_integrated_contract


@rule(
    unit="GBP/month",
    source="pulse-accountable-care-contract-2017",
    assumption="The commissioner expects to spend the same on the practice's people whatever the "
    "form: what the contract does not hold is left to others. So it keeps, or bears, what lists "
    "within the tolerance and an agreed price leave. Spend in the gain and loss share is as it "
    "came about, for everybody's people.",
)
def other_contracts(rate_of_all, counted_population, services_budget, saving_outside):
    """What the commissioner's other contracts are paid for the practice's people: the rest."""
    all_services = rate_of_all * counted_population / MONTHS_PER_YEAR
    return all_services - services_budget - saving_outside


# --------------------------------------------------------------------------------------- the budget


@rule(unit="GBP/month", source="pulse-accountable-care-contract-2017")
def whole_population_budget(services_budget, core_in_budget, local_schemes_in_budget):
    """The whole-population budget for the practice's people."""
    return services_budget + core_in_budget + local_schemes_in_budget


@rule(
    unit="GBP/month",
    source="pulse-portsmouth-virtual-mcp-2017",
    assumption="What partial integration would put into the budget is noted, and paid to nobody.",
)
def notional_budget(services_of_contract, local_schemes, in_virtual_contract):
    """In a virtual contract, what the budget would be if it were partially integrated."""
    return (services_of_contract + local_schemes) * in_virtual_contract


@rule(unit="GBP/month", source="nhse-finance-and-payment-document-7")
def budget_payment(whole_population_budget, improvement_withheld):
    """The integrated budget as it is paid: without what is withheld for improvement."""
    return whole_population_budget - improvement_withheld


# ---------------------------------------------------------------------------- the contract, by line


@rule(
    unit="GBP/month",
    each="service",
    source="gponline-mcp-contract-sum-2016",
    assumption="An agreed price is spread over the lines as the rates are. In a virtual contract "
    "the money is only noted.",
)
def service_budget_of_contract(
    service_rate_in_scope,
    rate_in_scope,
    contract_weighted_population,
    agreed_price,
    budget_basis,
):
    """The line's money in the contract, paid or noted."""
    part = service_rate_in_scope / rate_in_scope if rate_in_scope > 0 else 0
    by_rate = service_rate_in_scope * contract_weighted_population
    year = agreed_price * part if budget_basis == AT_AGREED_PRICE else by_rate
    return year / MONTHS_PER_YEAR
