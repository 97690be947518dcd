"""The reference workload W1: six lines of a practice's month, and what they are worth today.

Not a contract that anyone has agreed: it has the shapes that contracts have (a price per weighted
patient, a correction factor that is phased out, a premium that is withdrawn, a guarantee, pay for
performance, a budget over eight lines of service), in a size at which speed can be measured.
"""

from capitation import constant, rule

MONTHS_PER_YEAR = constant(12, "month/year")
A_MONTH = constant(1, "month")
FIXED_SHARE = constant(0.6, "1")
SHARE_FOR_PERFORMANCE = constant(0.4, "1")

SHAPE = "The shape of the benchmark; not taken from a contract."


@rule(unit="month", first="month_before_first", assumption=SHAPE)
def months_since_start(previous):
    """Months since the first: 0, 1, 2 …"""
    return previous + A_MONTH


@rule(unit="patient", assumption=SHAPE)
def registered(list0, list_growth):
    """Registered list."""
    return list0 * list_growth


@rule(unit="patient", assumption=SHAPE)
def weighted(registered, wr):
    """Weighted list."""
    return registered * wr


@rule(unit="GBP/patient/month", assumption=SHAPE)
def monthly_price(price_for_the_year):
    """A twelfth of the price: a rule of its own, so that it is divided once for all practices."""
    return price_for_the_year / MONTHS_PER_YEAR


@rule(unit="GBP/patient/month", assumption=SHAPE)
def monthly_guarantee(guarantee_for_the_year):
    """A twelfth of the guarantee."""
    return guarantee_for_the_year / MONTHS_PER_YEAR


@rule(unit="GBP/month", assumption=SHAPE)
def global_sum(weighted, monthly_price):
    """So much a weighted patient."""
    return weighted * monthly_price


@rule(unit="GBP/month", assumption=SHAPE)
def correction(mpig0, left_of_correction):
    """Correction factor, phased out over seven years."""
    return mpig0 * left_of_correction / MONTHS_PER_YEAR


@rule(unit="GBP/month", assumption=SHAPE)
def premium(prem0, months_since_start, delay, clawback_for_the_year):
    """Premium, withdrawn step by step once the delay is over."""
    left = 1 - max(0, months_since_start - delay) * clawback_for_the_year
    return prem0 / MONTHS_PER_YEAR * max(0, min(1, left))


@rule(unit="GBP/month", assumption=SHAPE)
def top_up(monthly_guarantee, weighted, global_sum, correction, premium):
    """What lifts core income to the guarantee."""
    return max(0, monthly_guarantee * weighted - (global_sum + correction + premium))


@rule(unit="GBP/month", assumption=SHAPE)
def fixed(top_up):
    """The part of the top-up that is paid whatever happens."""
    return FIXED_SHARE * top_up


@rule(unit="GBP/month", assumption=SHAPE)
def performance(top_up, resp, ramp_for_the_year):
    """The part of the top-up that is paid for performance."""
    return SHARE_FOR_PERFORMANCE * top_up * min(1, resp * ramp_for_the_year)


@rule(unit="GBP/month", assumption=SHAPE)
def budget(
    registered,
    base_1,
    base_2,
    base_3,
    base_4,
    base_5,
    base_6,
    base_7,
    base_8,
    uplift_1,
    uplift_2,
    uplift_3,
    uplift_4,
    uplift_5,
    uplift_6,
    uplift_7,
    uplift_8,
):
    """The commissioner's budget for the practice's patients, over eight lines of service."""
    first = base_1 * uplift_1 + base_2 * uplift_2 + base_3 * uplift_3 + base_4 * uplift_4
    second = base_5 * uplift_5 + base_6 * uplift_6 + base_7 * uplift_7 + base_8 * uplift_8
    return registered * (first + second)


@rule(unit="GBP/month", assumption=SHAPE)
def present_value(total_payments, discount):
    """All six lines, discounted to the first month."""
    return total_payments * discount
