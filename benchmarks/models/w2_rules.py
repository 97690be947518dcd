"""The reference workload W2: admissions that vary by chance, and a share of gains and losses.

Not a contract that anyone has agreed: it has the shapes that such contracts have, in a size at
which speed can be measured.
"""

from capitation import constant, gamma, negative_binomial, rule, total

MONTHS_PER_YEAR = constant(12, "month/year")
SHARE_OF_EXPECTED = constant(0.98, "1")
GAIN_SHARE = constant(0.5, "1")
CAP, COLLAR = constant(0.05, "1"), constant(0.03, "1")
FULL_MARKS = constant(0.03, "1")

SHAPE = "The shape of the benchmark; not taken from a contract."


@rule(unit="GBP/month", assumption=SHAPE)
def fixed_payment(list0, fixed_rate):
    """So much a patient, whatever happens."""
    return list0 * fixed_rate / MONTHS_PER_YEAR


fixed_payment_of_the_year = total("fixed_payment", over="months")


@rule(unit="admission/year", drawn=gamma("variation"), assumption=SHAPE)
def lasting_admissions(expected_admissions):
    """The practice's own level, which it keeps in every year."""
    return expected_admissions


@rule(unit="admission/year", drawn=negative_binomial("overdispersion"), assumption=SHAPE)
def admissions(
    lasting_admissions, trend, trend_factor_for_the_year, years_since_start_for_the_year
):
    """Admissions of a year, around a level that falls by as much every year."""
    return lasting_admissions * (
        1 - trend * trend_factor_for_the_year * years_since_start_for_the_year
    )


@rule(unit="GBP/year", assumption=SHAPE)
def cost(admissions, tariff_for_the_year):
    """What the admissions cost."""
    return admissions * tariff_for_the_year


@rule(unit="GBP/year", assumption=SHAPE)
def budget(expected_admissions, tariff_for_the_year):
    """What they should have cost."""
    return SHARE_OF_EXPECTED * expected_admissions * tariff_for_the_year


@rule(unit="GBP/year", assumption=SHAPE)
def gain_or_loss(budget, cost):
    """The practice's share of what is left of the budget, capped, or of what is over, collared."""
    return min(CAP * budget, max(-COLLAR * budget, GAIN_SHARE * (budget - cost)))


@rule(unit="GBP/admission", assumption=SHAPE)
def pay_for_each_fewer(list0, rate_for_performance_for_the_year, expected_admissions):
    """What one admission fewer earns, up to three in a hundred fewer than are expected."""
    return list0 * rate_for_performance_for_the_year / (FULL_MARKS * expected_admissions)


@rule(unit="GBP/year", assumption=SHAPE)
def performance_payment(
    list0, rate_for_performance_for_the_year, pay_for_each_fewer, admissions, expected_admissions
):
    """Paid in full where admissions are three in a hundred under what is expected."""
    in_full = list0 * rate_for_performance_for_the_year
    return max(0, min(in_full, pay_for_each_fewer * (expected_admissions - admissions)))


@rule(unit="GBP/year", assumption=SHAPE)
def paid_in_all(fixed_payment_of_the_year, cost, gain_or_loss, performance_payment):
    """All that the practice and its patients' admissions cost in the year."""
    return fixed_payment_of_the_year + cost + gain_or_loss + performance_payment
