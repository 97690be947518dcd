"""Part of the offer is paid month by month in advance; March settles what was really earned.

Over a whole fiscal year, advance + true-up = earned, to the penny. Only a March that is in the run
settles, and only the months of its year that are in the run.
"""

from capitation.vocabulary import PAID_ONCE, round_to_pence, rule, total


@rule(
    unit="GBP/month",
    assumption="Paid monthly in advance, in whole pence; Bolton's timing is not published.",
)
def scheme_advance(scheme_offer, scheme_advance_share):
    """What is paid in the month before anything is known to be earned."""
    return round_to_pence(scheme_offer * scheme_advance_share)


scheme_advance_of_year = total(
    "scheme_advance", over="months", title="Advances on the scheme in the year"
)


@rule(
    unit="GBP/month",
    assumption="Settled in the year's own March: what was advanced and not earned is recovered in "
    "full, and what was earned beyond it is paid. A year whose March is not in the run is not "
    "settled: its advances stand as they were paid.",
)
def scheme_true_up(scheme_earned, scheme_advance_of_year, month_of_fiscal_year):
    """In March, what was earned less what was advanced: paid if above nothing, or recovered."""
    due = round_to_pence((scheme_earned - scheme_advance_of_year) / PAID_ONCE)
    return due if month_of_fiscal_year == 12 else 0


@rule(unit="GBP/month", assumption="Advance and settlement go through the same monthly payment.")
def scheme_payment(scheme_advance, scheme_true_up):
    """What the scheme pays the practice in the month, or takes back."""
    return scheme_advance + scheme_true_up
