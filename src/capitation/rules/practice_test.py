"""Whether a practice can afford the contract: its income before, less its income under it.

What stays outside the contract is paid as before. What goes into the budget comes back as far as
the holder passes it on. Of the improvement payment, the practice has the part that its own quality
money is of the pool.
"""

from capitation.vocabulary import rule, total


@rule(
    unit="GBP/month",
    assumption="The usual form of the test, recalled: no text of it was read.",
)
def income_before(core_income, qof, local_schemes, remaining_payments):
    """What the practice would be paid if there were no contract, in the month."""
    return core_income + qof + local_schemes + remaining_payments


quality_in_pool_of_year = total(
    "quality_in_pool", over="months", title="Practice's quality money in the pool in the year"
)


@rule(
    unit="GBP/month",
    assumption="The holder shares what is earned for improvement as the year's pool was made up.",
)
def quality_earned_by_practice(
    improvement_payment, quality_in_pool_of_year, improvement_pool_of_year
):
    """What is earned for improvement on the practice's own quality money, in the month."""
    anything = improvement_pool_of_year > 0
    return (
        improvement_payment * quality_in_pool_of_year / improvement_pool_of_year if anything else 0
    )


@rule(
    unit="GBP/month",
    assumption="How much the holder passes on is a term: no contract's share was found.",
)
def income_passed_on(
    core_in_budget, local_schemes_in_budget, quality_earned_by_practice, passed_on_share
):
    """What the holder of the budget pays the practice, in the month."""
    in_budget = core_in_budget + local_schemes_in_budget
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
