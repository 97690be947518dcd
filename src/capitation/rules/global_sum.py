"""The global sum: a dated price per weighted patient, paid in twelfths, uplifts sometimes late.

The GMS equivalent is what any practice would earn on the GMS price. A GMS practice is paid it; for
other contracts it is the yardstick that the PMS premium is measured against.

A contract that has ended has no list to be paid by. Arrears of an uplift that it had earned by then
are still paid, in the month in which they are paid to all.
"""

from capitation.vocabulary import A_MONTH, MONTHS_PER_YEAR, rule


@rule(unit="GBP/patient/year", source="sfe-2013")
def net_global_sum_price(global_sum_price, out_of_hours_deduction):
    """Price due per weighted patient to a practice that has opted out of out-of-hours care."""
    return global_sum_price * (1 - out_of_hours_deduction)


@rule(unit="GBP/patient/year", source="sfe-2013")
def net_global_sum_price_in_payment(global_sum_price_in_payment, out_of_hours_deduction):
    """Price per weighted patient in this month's payment, before a late uplift reaches it."""
    return global_sum_price_in_payment * (1 - out_of_hours_deduction)


@rule(unit="GBP/month", source="rbp-five-year-deal-2019")
def london_payment(payment_registered_list, london_adjustment, london_practice):
    """London adjustment: so much per registered patient of a London practice."""
    adjustment = payment_registered_list * london_adjustment / MONTHS_PER_YEAR
    return adjustment if london_practice else 0


@rule(unit="GBP/month", source="sfe-2013")
def gms_equivalent_in_payment(
    payment_weighted_list, net_global_sum_price_in_payment, london_payment
):
    """One twelfth of the weighted list at the price in payment, with the London adjustment."""
    at_price = payment_weighted_list * net_global_sum_price_in_payment / MONTHS_PER_YEAR
    return at_price + london_payment


@rule(unit="GBP/month", source="pulse-global-sum-12334")
def uplift_earned(payment_weighted_list, net_global_sum_price, net_global_sum_price_in_payment):
    """What a backdated uplift is worth in a month that was paid at the old price."""
    late = net_global_sum_price - net_global_sum_price_in_payment
    return payment_weighted_list * late / MONTHS_PER_YEAR


@rule(unit="GBP", source="pulse-global-sum-12334", first="uplift_owed_at_start")
def uplift_owed(previous, uplift_earned, uplift_paid):
    """Backdated uplift earned and not yet paid."""
    return previous + (uplift_earned - uplift_paid) * A_MONTH


@rule(unit="GBP/month", source="pulse-global-sum-12334")
def uplift_paid(previous_uplift_owed, uplift_earned, global_sum_price, global_sum_price_in_payment):
    """The arrears of an uplift, in one lump in the month whose payment is at the new price."""
    arrears = previous_uplift_owed / A_MONTH + uplift_earned
    return arrears if global_sum_price_in_payment == global_sum_price else 0


@rule(unit="GBP/month", source="sfe-2013")
def gms_equivalent(gms_equivalent_in_payment, uplift_paid):
    """What the practice is paid in the month if its contract is at the GMS price."""
    return gms_equivalent_in_payment + uplift_paid


@rule(
    unit="1",
    assumption="A GMS practice kept out-of-hours duty if what it was paid over the net price in "
    "the base year lies between half and one and a half times the deduction.",
)
def out_of_hours_kept(
    gms_contract,
    base_global_sum,
    base_pms_expenditure,
    base_gms_equivalent,
    base_weighted_list,
    base_global_sum_price,
    base_out_of_hours_deduction,
):
    """Whether a GMS practice was paid nearer the headline price than the net price."""
    over_net_price = base_global_sum - base_gms_equivalent
    deduction = base_weighted_list * base_global_sum_price * base_out_of_hours_deduction
    near_headline = 0.5 * deduction <= over_net_price <= 1.5 * deduction and deduction > 0
    return 1 if gms_contract and base_pms_expenditure <= 0 and near_headline else 0


@rule(unit="GBP/month", source="sfe-2013")
def out_of_hours_payment(
    payment_weighted_list,
    global_sum_price_in_payment,
    out_of_hours_deduction,
    uplift_paid,
    out_of_hours_kept,
):
    """The deduction that a practice is spared because it kept out-of-hours duty."""
    deduction = global_sum_price_in_payment * out_of_hours_deduction
    in_the_month = payment_weighted_list * deduction / MONTHS_PER_YEAR
    on_arrears = uplift_paid * out_of_hours_deduction / (1 - out_of_hours_deduction)
    return in_the_month + on_arrears if out_of_hours_kept else 0


@rule(unit="GBP/month", source="sfe-2013")
def global_sum(
    gms_contract,
    gms_equivalent,
    out_of_hours_payment,
    pms_contract,
    switched_to_gms,
):
    """Global sum of a GMS practice, net of the out-of-hours deduction, with late uplifts."""
    on_gms = gms_contract or (pms_contract and switched_to_gms)
    return gms_equivalent + out_of_hours_payment if on_gms else 0


@rule(unit="GBP/year", source="nhse-pms-review-2014")
def base_gms_equivalent(
    base_weighted_list,
    base_registered_list,
    base_global_sum_price,
    base_out_of_hours_deduction,
    base_london_adjustment,
    london_practice,
):
    """What the practice would have earned on the GMS price in the base year."""
    net_price = base_global_sum_price * (1 - base_out_of_hours_deduction)
    london = base_registered_list * base_london_adjustment if london_practice else 0
    return base_weighted_list * net_price + london
