"""Quality and Outcomes Framework: points achieved, at the point value of the year."""

from capitation.vocabulary import MONTHS_PER_YEAR, rule


@rule(
    unit="1",
    assumption="The share of the framework earned in the base year, prevalence included, is held.",
)
def qof_achievement(
    base_qof, base_qof_points, base_qof_point_value, base_registered_list, base_national_mean_list
):
    """Share of all points, at the practice's list, that the base year's payment stands for."""
    all_points = base_qof_points * base_qof_point_value * base_registered_list
    return base_qof * base_national_mean_list / all_points if all_points > 0 else 0


@rule(
    unit="GBP/month",
    source="webjeannie-qof-faq",
    assumption="Paid in plain twelfths on the quarter's list: monthly aspiration, the achievement "
    "payment after the year's end and the list of 1 January are not told apart.",
)
def qof(qof_achievement, qof_points, qof_point_value, payment_registered_list, national_mean_list):
    """A twelfth of the year's points, valued for the practice's list over the national mean."""
    at_mean_list = qof_achievement * qof_points * qof_point_value
    return at_mean_list * payment_registered_list / national_mean_list / MONTHS_PER_YEAR
