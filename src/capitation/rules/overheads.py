"""What a contract's form costs beside care: value added tax, double running and setting up.

A body of the health service has back the value added tax on contracted-out services; a limited
liability partnership of two trusts has not, and what its sub-contractors charge is a cost.
``provider_income_of_practice`` is what the contract pays for a practice's patients.
"""

from capitation.vocabulary import MONTHS_PER_YEAR, rule, total

provider_income_of_month = total(
    "provider_income_of_practice", over="practices", title="What the contract pays the provider"
)


@rule(
    unit="1",
    source="nao-unitingcare",
    assumption="A body of the health service (0) has the tax back in full, every other form none.",
)
def value_added_tax_recovered(provider_legal_form):
    """The part of the tax on sub-contracts that the provider has back."""
    return 1 if provider_legal_form == 0 else 0


@rule(
    unit="GBP/month",
    source="nao-unitingcare",
    assumption="So much of what the contract pays goes to sub-contractors whose charges bear the "
    "tax, and the tax comes on top. A loss that is taken back in a month frees nobody of tax.",
)
def value_added_tax_leakage(
    provider_income_of_month,
    sub_contracted_share,
    taxable_share_of_sub_contracts,
    value_added_tax_rate,
    value_added_tax_recovered,
):
    """Value added tax on sub-contracts that the provider does not have back, in the month."""
    paid_on = max(provider_income_of_month, 0) * sub_contracted_share
    taxed = paid_on * taxable_share_of_sub_contracts
    return taxed * value_added_tax_rate * (1 - value_added_tax_recovered)


@rule(
    unit="GBP/month",
    assumption="Old services run on beside the new: a share of what the contract pays, as long as "
    "the term says; never below nothing.",
)
def double_running(provider_income_of_month, double_running_share):
    """Old services run beside the new, in the month."""
    return max(provider_income_of_month, 0) * double_running_share


@rule(
    unit="GBP/month",
    source="nao-unitingcare",
    assumption="A sum for a fiscal year, in twelfths, and a share of what the contract pays; "
    "nothing while no contract runs.",
)
def setup_cost(setup_cost_of_year, setup_cost_share, provider_income_of_month, contract_runs):
    """What it costs to set the contract up, in the month."""
    by_share = max(provider_income_of_month, 0) * setup_cost_share
    return setup_cost_of_year / MONTHS_PER_YEAR + by_share if contract_runs else 0


value_added_tax_leakage_of_year = total(
    "value_added_tax_leakage", over="months", title="Value added tax not had back"
)

double_running_of_year = total(
    "double_running", over="months", title="Old services run beside the new"
)

setup_cost_spent_of_year = total("setup_cost", over="months", title="Setting the contract up")
