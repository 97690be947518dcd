"""A scheme's budget is a cap: if practices have earned more, all are scaled down alike."""

from capitation.vocabulary import round_to_pence, rule, total

commissioner_earned_before_cap = total(
    "earned_before_cap", over="practices", title="Earned by all practices, before the budget's cap"
)


@rule(
    unit="1",
    assumption="A budget of nothing stands for no cap; over budget, every practice takes the same "
    "share of what it earned.",
)
def scheme_budget_scale(commissioner_earned_before_cap, scheme_budget_for_the_year):
    """Share of what was earned that the budget can pay."""
    budget = scheme_budget_for_the_year
    over = budget > 0 and commissioner_earned_before_cap > budget
    return budget / commissioner_earned_before_cap if over else 1


@rule(unit="GBP/year", assumption="What is earned is settled in whole pence, once a year.")
def scheme_earned(earned_before_cap, scheme_budget_scale):
    """What the practice has earned from the scheme in the year."""
    return round_to_pence(earned_before_cap * scheme_budget_scale)
