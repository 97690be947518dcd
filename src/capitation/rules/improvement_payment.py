"""The improvement payment: quality money and withheld budget, earned back by achievement.

The pool is the quality money of the practices in an integrated contract (QOF) with what is withheld
from the services' budget: the former CQUIN share, and a share of the contract's own. A part of the
pool is paid on account month by month; March settles what the year earned. In every fiscal year
whose March is in the run: on account + balance = earned, to the penny; earned + unearned = pool.

How achievement earns is a choice: in line between a floor and a ceiling, in equal steps between
them, all or nothing at the ceiling, or in line from the practice's own baseline to the ceiling.
"""

from capitation.vocabulary import PAID_ONCE, constant, round_to_pence, rule, total

LINEAR = constant(0, "1")
"""Shape of an improvement payment: in line between floor and ceiling."""

STEPPED = constant(1, "1")
"""Shape of an improvement payment: in equal steps between floor and ceiling."""

ALL_OR_NOTHING = constant(2, "1")
"""Shape of an improvement payment: all at the ceiling, nothing below it."""

NEARLY = constant(1e-9, "1")
"""What binary fractions may fall short of an edge, and still reach it."""

# --------------------------------------------------------------------------------------- the pool


@rule(
    unit="GBP/month",
    source="bma-payment-for-performance",
    assumption="The former CQUIN money is in the spend that made the budget, so that it is "
    "withheld from it, as the contract's own withheld share is. Both are of the services' budget, "
    "together never more than all of it; the core contract and local schemes are paid in full.",
)
def improvement_withheld(services_budget, withheld_share, commissioning_for_quality_share):
    """What is kept back from the month's budget for services, to be earned by improvement."""
    return services_budget * min(withheld_share + commissioning_for_quality_share, 1)


@rule(unit="GBP/month", source="gponline-mcp-qof-2016")
def improvement_pool(quality_in_pool, improvement_withheld):
    """A month's money for improvement: quality money of the contract's practices and withheld."""
    return quality_in_pool + improvement_withheld


improvement_pool_of_year = total(
    "improvement_pool", over="months", title="The year's money for improvement"
)

# -------------------------------------------------------------------------------- what is achieved


@rule(
    unit="1",
    assumption="Achievement below the start earns nothing, and above the ceiling no more than it. "
    "Improvement over a baseline starts from the baseline instead of the floor. Where the ceiling "
    "does not lie above the start, achieving the ceiling earns all.",
)
def improvement_reached(
    improvement_achieved_for_the_year,
    improvement_shape_for_the_year,
    improvement_floor_for_the_year,
    improvement_ceiling_for_the_year,
    improvement_baseline_for_the_year,
):
    """How far achievement has come from floor, or baseline, to ceiling: 0 to 1."""
    achieved = improvement_achieved_for_the_year
    over_baseline = improvement_shape_for_the_year > ALL_OR_NOTHING
    start = improvement_baseline_for_the_year if over_baseline else improvement_floor_for_the_year
    ceiling = improvement_ceiling_for_the_year
    way = ceiling - start
    at_ceiling = 1 if achieved + NEARLY >= ceiling else 0
    return min(max((achieved - start) / way, 0), 1) if way > 0 else at_ceiling


@rule(
    unit="1",
    assumption="Equal steps, at most five; a step counts once it is reached in full.",
)
def improvement_steps_reached(improvement_reached, improvement_steps_for_the_year):
    """The part of the steps between floor and ceiling that is reached: 0 to 1."""
    steps = improvement_steps_for_the_year
    climbed = improvement_reached * steps + NEARLY
    first = 1 if climbed >= 1 else 0
    second = 1 if climbed >= 2 else 0
    third = 1 if climbed >= 3 else 0
    fourth = 1 if climbed >= 4 else 0
    fifth = 1 if climbed >= 5 else 0
    return min((first + second + third + fourth + fifth) / steps, 1)


@rule(
    unit="1",
    assumption="The functions of published schemes: linear, stepped, all or nothing, and "
    "improvement over a baseline. Which one the contract of 2017 used was not read.",
)
def improvement_score(
    improvement_reached, improvement_steps_reached, improvement_shape_for_the_year
):
    """The part of the year's pool that achievement earns: 0 to 1."""
    all_of_it = 1 if improvement_reached + NEARLY >= 1 else 0
    stepped = improvement_shape_for_the_year == STEPPED
    in_one = improvement_shape_for_the_year == ALL_OR_NOTHING
    in_steps = improvement_steps_reached if stepped else improvement_reached
    return all_of_it if in_one else in_steps


@rule(
    unit="GBP/year",
    source="nhse-finance-and-payment-document-7",
    assumption="Earned in whole pence, on the months of the year that are in the run, and paid in "
    "full only once its March is.",
)
def improvement_earned_of_year(improvement_pool_of_year, improvement_score):
    """What the year's achievement earns of the pool."""
    return round_to_pence(improvement_pool_of_year * improvement_score)


@rule(
    unit="GBP/year",
    assumption="What is not earned stays with the commissioner.",
)
def improvement_unearned(improvement_pool_of_year, improvement_earned_of_year):
    """The part of the year's pool that was not earned."""
    return improvement_pool_of_year - improvement_earned_of_year


# ---------------------------------------------------------------------------------- what is paid


@rule(
    unit="GBP/month",
    assumption="Paid monthly before anything is known to be earned, in whole pence: half of CQUIN "
    "and 80% of QOF were, as recalled.",
)
def improvement_on_account(improvement_pool, improvement_on_account_share):
    """What is paid on account in the month."""
    return round_to_pence(improvement_pool * improvement_on_account_share)


improvement_on_account_of_year = total(
    "improvement_on_account", over="months", title="Improvement money paid on account in the year"
)


@rule(
    unit="GBP/month",
    assumption="Settled in the year's own March: what was paid on account and not earned is taken "
    "back in full. A run that ends within a year has only what was paid on account of it: that "
    "year is not settled.",
)
def improvement_balance(
    improvement_earned_of_year, improvement_on_account_of_year, month_of_fiscal_year
):
    """In March, what the year earned less what was paid on account."""
    due = (improvement_earned_of_year - improvement_on_account_of_year) / PAID_ONCE
    return round_to_pence(due) if month_of_fiscal_year == 12 else 0


@rule(unit="GBP/month", source="nhse-finance-and-payment-document-7")
def improvement_payment(improvement_on_account, improvement_balance):
    """The improvement payment of the month: on account, and in March the balance."""
    return improvement_on_account + improvement_balance


# ---------------------------------------------------------------------------- the contract's score

improvement_pool_of_contract = total(
    "improvement_pool_of_year", over="practices", title="The year's money for improvement, in all"
)

improvement_earned_of_contract = total(
    "improvement_earned_of_year", over="practices", title="Improvement money earned, in all"
)


@rule(
    unit="1",
    assumption="The mean of the practices' scores, weighted by their money for improvement. Where "
    "there is none, as in a virtual contract, quality is not scored, and takes nothing off.",
)
def contract_quality_score(improvement_earned_of_contract, improvement_pool_of_contract):
    """The contract's quality score: the part of its improvement money that was earned."""
    scored = improvement_pool_of_contract > 0
    score = improvement_earned_of_contract / improvement_pool_of_contract if scored else 1
    return min(max(score, 0), 1)
