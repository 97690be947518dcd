"""APMS contracts: outside the PMS review, each with its own sum over the GMS price."""

from capitation.vocabulary import MONTHS_PER_YEAR, rule


@rule(
    unit="GBP/month",
    assumption="What an APMS contract pays above the GMS equivalent in the base year is a fixed "
    "contract sum; further patients earn the GMS price, whose uplifts APMS mirrors.",
)
def apms_payment(
    apms_contract,
    gms_equivalent,
    base_pms_expenditure,
    base_global_sum,
    base_gms_equivalent,
    contract_ended,
):
    """GMS equivalent of an APMS practice with the contract's fixed sum above it."""
    in_base_year = max(base_pms_expenditure + base_global_sum - base_gms_equivalent, 0)
    fixed_sum = 0 if contract_ended else in_base_year
    return gms_equivalent + fixed_sum / MONTHS_PER_YEAR if apms_contract else 0
