"""A condition on the scheme as a whole: it is paid only if the commissioner has saved enough.

Eastern Cheshire's form: practices keep the money if the required sum is saved, all or nothing. Only
a saving that can be measured counts: one held against the plan, not against what nobody sees.
"""

from capitation.vocabulary import rule


@rule(
    unit="1",
    source="gponline-eastern-cheshire",
    assumption="Tested each year, all or nothing; a requirement of nothing is no condition. What "
    "is required and what is saved otherwise run evenly over the year.",
)
def savings_condition_met(
    measured_saving, other_savings_for_the_year, savings_required_for_the_year, share_of_year
):
    """Whether what was measurably saved on admissions and otherwise reaches what is required."""
    saved = measured_saving + other_savings_for_the_year * share_of_year
    required = savings_required_for_the_year * share_of_year
    return 1 if required <= 0 or saved >= required else 0


@rule(unit="GBP/year", source="gponline-eastern-cheshire")
def earned_before_cap(standards_payment, savings_condition_met):
    """What standards earn if the savings condition is met, before any cap on the budget."""
    return standards_payment if savings_condition_met else 0
