"""The Avoiding Unplanned Admissions enhanced service: so much a patient, in five components.

One is paid on signing up, three for keeping a register of patients at risk to a quarter's end, and
one for the review at the year's end. A component's share of nothing is a component that is not due.
"""

from capitation.vocabulary import PAID_ONCE, round_to_pence, rule, total


@rule(unit="patient", first="base_registered_list", source="nhse-unplanned-admissions-2014")
def list_on_1_april(previous, registered_list, month_of_fiscal_year):
    """Registered list on 1 April, which the service pays for all year."""
    return registered_list if month_of_fiscal_year == 1 else previous


@rule(
    unit="1",
    source="cegedim-unplanned-admissions",
    assumption="A component is paid in the month in which its quarter ends.",
)
def register_component_due(
    month_of_fiscal_year,
    register_share_quarter_2,
    register_share_quarter_3,
    register_share_quarter_4,
    least_register_share,
    share_register_quarter_2,
    share_register_quarter_3,
    share_register_quarter_4,
):
    """Share of the price due for the register: in full at the least size, or else nothing."""
    second = share_register_quarter_2 if register_share_quarter_2 >= least_register_share else 0
    third = share_register_quarter_3 if register_share_quarter_3 >= least_register_share else 0
    fourth = share_register_quarter_4 if register_share_quarter_4 >= least_register_share else 0
    from_december = (
        third if month_of_fiscal_year == 9 else fourth if month_of_fiscal_year == 12 else 0
    )
    return second if month_of_fiscal_year == 6 else from_december


@rule(
    unit="1",
    source="cegedim-unplanned-admissions",
    assumption="The establishment payment is made in April and the review's in March; every "
    "practice has signed up.",
)
def unplanned_admissions_share_due(
    month_of_fiscal_year,
    share_at_start,
    register_component_due,
    share_year_end_review,
    review_done,
):
    """Share of the service's price that is due in the month."""
    at_start = share_at_start if month_of_fiscal_year == 1 else 0
    review = share_year_end_review * review_done if month_of_fiscal_year == 12 else 0
    return at_start + register_component_due + review


@rule(
    unit="GBP/month",
    source="nhse-unplanned-admissions-2014",
    assumption="Each instalment is paid in whole pence, and none once the contract has ended.",
)
def unplanned_admissions_instalment(
    enhanced_service_price, list_on_1_april, unplanned_admissions_share_due, contract_ended
):
    """What the service pays the practice in the month."""
    of_the_year = enhanced_service_price * list_on_1_april * unplanned_admissions_share_due
    return 0 if contract_ended else round_to_pence(of_the_year / PAID_ONCE)


scheme_earned = total(
    "unplanned_admissions_instalment",
    over="months",
    title="What the practice has earned from the service in the year",
)
