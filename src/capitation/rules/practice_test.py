"""Whether a practice can afford the contract: its income before, less its income under it.

What stays outside the contract is paid as before. What goes into the budget comes back as far as
the holder passes it on. Of the improvement payment, the practice has the part that its own quality
money is of the pool. A practice that has taken its contract up again is passed nothing: the money
of the patients who did not follow it pays for their care elsewhere.
"""

from capitation.vocabulary import rule, total


@rule(
    unit="GBP/month",
    assumption="The usual form of the test, recalled: no text of it was read.",
)
def income_before(core_income, qof, local_schemes, remaining_payments):
    """What the practice would be paid if there were no contract, in the month."""
    return core_income + qof + local_schemes + remaining_payments


@rule(
    unit="1",
    assumption="The holder pays a practice that works under its contract. One that has come back "
    "is paid for those who followed it, by its own contract alone.",
)
def money_passed_on(months_reactivated):
    """Whether the practice's money in the budget is passed on to it (1)."""
    return 0 if months_reactivated > 0 else 1


@rule(
    unit="GBP/month",
    assumption="Quality money of patients who did not follow is the holder's own.",
)
def own_quality_in_pool(quality_in_pool, money_passed_on):
    """Quality money in the pool that the practice works for, in the month."""
    return quality_in_pool * money_passed_on


own_quality_in_pool_of_year = total(
    "own_quality_in_pool", over="months", title="Practice's quality money in the pool in the year"
)


@rule(
    unit="GBP/month",
    assumption="The holder shares what is earned for improvement as the year's pool was made up.",
)
def quality_earned_by_practice(
    improvement_payment, own_quality_in_pool_of_year, improvement_pool_of_year
):
    """What is earned for improvement on the practice's own quality money, in the month."""
    anything = improvement_pool_of_year > 0
    part = own_quality_in_pool_of_year / improvement_pool_of_year if anything else 0
    return improvement_payment * part


@rule(
    unit="GBP/month",
    assumption="How much the holder passes on is a term: no contract's share was found.",
)
def income_passed_on(
    core_in_budget,
    local_schemes_in_budget,
    quality_earned_by_practice,
    money_passed_on,
    passed_on_share,
):
    """What the holder of the budget pays the practice, in the month."""
    in_budget = (core_in_budget + local_schemes_in_budget) * money_passed_on
    return (in_budget + quality_earned_by_practice) * passed_on_share


@rule(
    unit="GBP/month",
    assumption="The usual form of the test, recalled: no text of it was read.",
)
def income_under_contract(
    core_paid_to_practice,
    quality_paid_to_practice,
    local_schemes_paid_to_practice,
    remaining_payments,
    income_passed_on,
):
    """What the practice has under the contract, in the month."""
    own = core_paid_to_practice + quality_paid_to_practice + local_schemes_paid_to_practice
    return own + remaining_payments + income_passed_on


@rule(
    unit="GBP/month",
    assumption="The usual form of the test, recalled: no text of it was read.",
)
def practice_gap_of_month(income_before, income_under_contract):
    """What the practice has less than before, in the month."""
    return income_before - income_under_contract


income_before_of_year = total(
    "income_before", over="months", title="Practice's income if there were no contract"
)

income_under_contract_of_year = total(
    "income_under_contract", over="months", title="Practice's income under the contract"
)

practice_gap = total(
    "practice_gap_of_month",
    over="months",
    title="Practice's test: income before less income under the contract",
)
