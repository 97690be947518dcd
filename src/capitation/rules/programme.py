"""Money of a programme beside the contract: transformation funding, tender and staff.

Transformation funding was asked for and awarded by fiscal year, a vanguard at a time; it ends, and
the contract has then to stand without it. What a commissioner pays to tender for an integrator, and
for the staff who commission, comes on top of the contract.

The terms are of one vanguard, or one commissioner. Where a run has several commissioners, each has
the whole of the money: run them as one pool.
"""

from capitation.vocabulary import MONTHS_PER_YEAR, rule, total

# ------------------------------------------------------------------- transformation funding


@rule(
    unit="GBP/month",
    source="hsj-vanguard-funding-2015",
    assumption="An award is of a fiscal year, and paid in twelfths.",
)
def transformation_funding(transformation_awarded, commissioner_list):
    """Transformation funding that the vanguard is awarded, in the month."""
    return transformation_awarded / MONTHS_PER_YEAR if commissioner_list > 0 else 0


@rule(
    unit="GBP/month",
    source="hsj-vanguard-funding-2016",
    assumption="Where nothing is known of what was asked for (0), it is what was awarded.",
)
def transformation_not_awarded(transformation_asked, transformation_awarded, commissioner_list):
    """What the vanguard asked for and did not get, in the month."""
    asked = max(transformation_asked, transformation_awarded)
    return (asked - transformation_awarded) / MONTHS_PER_YEAR if commissioner_list > 0 else 0


@rule(
    unit="GBP/month",
    source="hsj-vanguard-funding-2015",
    assumption="What local bodies put beside the award is of a fiscal year, in twelfths.",
)
def transformation_matched(transformation_local_match, commissioner_list):
    """What local bodies put beside the award, in the month."""
    return transformation_local_match / MONTHS_PER_YEAR if commissioner_list > 0 else 0


transformation_funding_of_year = total(
    "transformation_funding", over="months", title="Transformation funding awarded for the year"
)

transformation_not_awarded_of_year = total(
    "transformation_not_awarded",
    over="months",
    title="Transformation funding asked for and not awarded in the year",
)

transformation_matched_of_year = total(
    "transformation_matched", over="months", title="Put beside the award locally in the year"
)

# ------------------------------------------------------------------------- tender and staff


@rule(
    unit="GBP/month",
    source="pulse-integrator-tender",
    assumption="What a tender costs in a fiscal year is spent in twelfths.",
)
def integrator_procurement(integrator_procurement_cost, commissioner_list):
    """What it costs the commissioner to tender for an integrator, in the month."""
    return integrator_procurement_cost / MONTHS_PER_YEAR if commissioner_list > 0 else 0


@rule(
    unit="GBP/month",
    source="pulse-sandwell-co-commissioning",
    assumption="Staff cost the same every month of the year.",
)
def commissioning_staff(commissioning_staff_cost, commissioner_list):
    """What the commissioner's added staff cost, in the month."""
    return commissioning_staff_cost / MONTHS_PER_YEAR if commissioner_list > 0 else 0


integrator_procurement_of_year = total(
    "integrator_procurement", over="months", title="Tender for an integrator, in the year"
)

commissioning_staff_of_year = total(
    "commissioning_staff", over="months", title="Commissioning staff, in the year"
)
