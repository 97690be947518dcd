"""Premium withdrawn by a glide: a practice's own price moves to a target price in quarterly steps.

This stands in place of `premium_schedule`. A practice above the target glides down to it, and is
paid no less than the GMS price on the way. One below the target keeps its PMS value: its premium
shrinks only as the GMS price catches up. Prices are those of the base year: uplifts of the GMS
price other than recycled correction factors reach PMS as well, and move neither price nor target.

The target is a headline price, before the deduction for opting out of out-of-hours care. So is the
practice's own price here: the deduction, a sum in pounds, comes off both.
"""

from capitation.vocabulary import MONTHS_PER_YEAR, rule


@rule(
    unit="GBP/year",
    source="pulse-east-anglia-pms-transition",
    assumption="What the base year had glided already is added back, unless the glide was over.",
)
def base_premium(
    base_premium_paid,
    base_weighted_list,
    base_target_price,
    base_global_sum_price,
    base_glide_progress,
):
    """Premium at the base date, before the glide began."""
    at_target = base_weighted_list * (base_target_price - base_global_sum_price)
    above = max(base_premium_paid - at_target, 0)
    still_to_go = 1 - base_glide_progress
    return base_premium_paid + (above / still_to_go - above if still_to_go > 0 else 0)


@rule(
    unit="1",
    source="nhse-pms-review-2014",
    assumption="The glide is of the whole price, whichever contract it is paid on: a switch to GMS "
    "changes only the name that the premium is paid in. A contract that has ended has no list to "
    "be measured on: its premium stands as last measured.",
)
def premium_measured_anew(premium_remeasured, contract_ended):
    """Whether the premium is measured anew this month (1), or stands as last measured (0)."""
    return 0 if contract_ended else premium_remeasured


@rule(
    unit="1",
    source="gponline-freeze-pms-cuts-2016",
    assumption="Without an agreed plan the glide may go back and not on.",
    first="base_glide_progress",
)
def glide_reached(previous, glide_progress, reinvestment_plan_agreed):
    """How far prices have glided: 0 at the practice's own, 1 at the target."""
    return glide_progress if reinvestment_plan_agreed else min(previous, glide_progress)


@rule(unit="GBP/year", source="pulse-east-anglia-pms-transition")
def premium_above_target(base_premium, base_weighted_list, target_price, base_global_sum_price):
    """What the practice's own price comes to above the target price, on the base year's list."""
    at_target = base_weighted_list * (target_price - base_global_sum_price)
    return max(base_premium - at_target, 0)


@rule(unit="GBP/patient/year", source="pulse-east-anglia-pms-transition")
def price_on_glide(
    base_premium, base_weighted_list, base_global_sum_price, premium_above_target, glide_reached
):
    """Price per weighted patient that the glide has come to, in money of the base year."""
    premium = base_premium - premium_above_target * glide_reached
    over_gms_price = premium / base_weighted_list if base_weighted_list > 0 else 0
    return base_global_sum_price + over_gms_price


@rule(unit="GBP/month", source="pulse-east-anglia-pms-transition")
def premium_paid(premium_before_withdrawal, premium_above_target, glide_reached, contract_ended):
    """Premium still paid: what the price on the glide comes to above the GMS price of the month."""
    glided = premium_above_target * glide_reached / MONTHS_PER_YEAR
    return 0 if contract_ended else max(premium_before_withdrawal - glided, 0)
