"""A plan of savings: a sum for the year, with an integrator's part of unwarranted variation."""

from capitation.vocabulary import MONTHS_PER_YEAR, rule


@rule(
    unit="GBP/month",
    source="pulse-integrator-tender",
    assumption="Savings promised for a year, with those of an integrator on unwarranted variation, "
    "come evenly over its months.",
)
def saving_promised(savings_promised, variation_opportunity, variation_share_saved):
    """What the plan says is saved in the month."""
    on_variation = variation_opportunity * variation_share_saved
    return (savings_promised + on_variation) / MONTHS_PER_YEAR
