"""A scheme's budget is a cap: if practices have earned more, all are scaled down alike.

Scaled amounts are rounded down, so that what is left of the budget is less than a penny a practice
and the cap is not passed.
"""

from capitation.vocabulary import constant, round_to_pence, rule, total

HALF_A_PENNY = constant(0.005, "GBP/year")
"""Taken off before rounding to the nearest penny, so that it is the penny below: a floor."""

commissioner_earned_before_cap = total(
    "earned_before_cap", over="practices", title="Earned by all practices, before the budget's cap"
)


@rule(
    unit="1",
    assumption="A budget of nothing stands for no cap; over budget, every practice takes the same "
    "share of what it earned. The budget runs evenly over the year.",
)
def scheme_budget_scale(commissioner_earned_before_cap, scheme_budget_for_the_year, share_of_year):
    """Share of what was earned that the budget can pay."""
    budget = scheme_budget_for_the_year * share_of_year
    over = budget > 0 and commissioner_earned_before_cap > budget
    return budget / commissioner_earned_before_cap if over else 1


@rule(
    unit="GBP/year",
    assumption="What is earned is settled in whole pence, once a year; under a cap in the penny "
    "below, because the nearest one could pass it.",
)
def scheme_earned(earned_before_cap, scheme_budget_scale):
    """What the practice has earned from the scheme in the year."""
    scaled = earned_before_cap * scheme_budget_scale
    down = round_to_pence(max(scaled - HALF_A_PENNY, 0))
    return down if scheme_budget_scale < 1 else round_to_pence(scaled)
