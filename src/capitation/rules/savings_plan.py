"""A plan of savings: a share of care, a sum for the year, and a part of unwarranted variation."""

from capitation.vocabulary import MONTHS_PER_YEAR, rule


@rule(
    unit="GBP/month",
    source="pulse-integrator-tender",
    assumption="A share of what care in scope would cost, and on top of it what is promised as a "
    "sum and an integrator's savings on unwarranted variation, which come evenly over the year.",
)
def saving_promised(
    do_nothing_of_month,
    savings_promised_share,
    savings_promised,
    variation_opportunity,
    variation_share_saved,
):
    """What the plan says is saved in the month."""
    on_variation = variation_opportunity * variation_share_saved
    by_sum = (savings_promised + on_variation) / MONTHS_PER_YEAR
    return do_nothing_of_month * savings_promised_share + by_sum
