"""A condition on the scheme as a whole: it is paid only if the commissioner has saved enough.

Eastern Cheshire's form: practices keep the money if the required sum is saved, all or nothing.
"""

from capitation.vocabulary import rule


@rule(
    unit="1",
    source="gponline-eastern-cheshire",
    assumption="Tested each year, all or nothing; a requirement of nothing is no condition.",
)
def savings_condition_met(
    admissions_saving, other_savings_for_the_year, savings_required_for_the_year
):
    """Whether what was saved on admissions and otherwise reaches what is required."""
    saved = admissions_saving + other_savings_for_the_year
    required = savings_required_for_the_year
    return 1 if required <= 0 or saved >= required else 0


@rule(unit="GBP/year", source="gponline-eastern-cheshire")
def earned_before_cap(standards_payment, savings_condition_met):
    """What standards earn if the savings condition is met, before any cap on the budget."""
    return standards_payment if savings_condition_met else 0
