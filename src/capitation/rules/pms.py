"""PMS contracts: the GMS equivalent, the premium above it, and the premium's withdrawal.

In every month, premium = premium paid + premium withdrawn.
"""

from capitation.vocabulary import MONTHS_PER_YEAR, rule


@rule(unit="GBP/year", source="nhse-pms-review-2014")
def pms_baseline(pms_contract, base_pms_expenditure, base_global_sum):
    """All that a PMS contract was paid at the base date, however the file books it."""
    return base_pms_expenditure + base_global_sum if pms_contract else 0


@rule(unit="GBP/year", source="nhse-pms-review-2014")
def base_premium(pms_baseline, base_gms_equivalent, base_premium_share_retained):
    """Premium at the base date, before withdrawal: the baseline above the GMS equivalent."""
    above = max(pms_baseline - base_gms_equivalent, 0)
    share = base_premium_share_retained
    return above / share if share > 0 else 0


@rule(unit="GBP/month", source="nhse-pms-review-2014")
def premium_before_withdrawal(
    base_premium,
    payment_weighted_list,
    correction_factor_recycled,
    base_correction_factor_recycled,
):
    """Premium less what the GMS price has absorbed by recycling correction factors."""
    absorbed_price = correction_factor_recycled - base_correction_factor_recycled
    absorbed = payment_weighted_list * absorbed_price
    return max(base_premium - absorbed, 0) / MONTHS_PER_YEAR


@rule(unit="GBP/month", source="nhse-pms-framework-2014")
def pms_premium(premium_before_withdrawal, premium_share_retained):
    """PMS premium still paid."""
    return premium_before_withdrawal * premium_share_retained


@rule(unit="GBP/month", source="nhse-pms-framework-2014")
def premium_withdrawn(premium_before_withdrawal, pms_premium):
    """PMS premium no longer paid."""
    return premium_before_withdrawal - pms_premium


@rule(
    unit="GBP/year",
    source="nhs-payments-to-gp",
    assumption="Where the file shows a PMS practice less than the GMS equivalent, the rest of its "
    "contract is booked under other payments, as far as these reach: seen in 2014/15 and 2015/16.",
)
def pms_booked_as_other(
    pms_contract, pms_baseline, base_gms_equivalent, base_other_payments, base_pms_in_other_payments
):
    """PMS contract money that the base year's file books under other payments."""
    shortfall = max(base_gms_equivalent - pms_baseline, 0)
    found = max(min(shortfall, base_other_payments), 0) * base_pms_in_other_payments
    return found if pms_contract else 0


@rule(
    unit="GBP/month",
    source="nhse-pms-review-2014",
    assumption="A practice below the GMS price is brought up to it at once; commissioners were "
    "expected to use released premium for that, when is not said.",
)
def pms_gms_equivalent(pms_contract, gms_equivalent):
    """What a PMS practice is paid at the GMS price; one that was below it is brought up to it."""
    return gms_equivalent if pms_contract else 0
