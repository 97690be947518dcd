"""A guaranteed income per weighted patient, paid on conditions: the Bolton Quality Contract's form.

The floor stands under a declared set of counted streams: ``counted_income`` is the model's own sum.
"""

from capitation.vocabulary import MONTHS_PER_YEAR, rule


@rule(
    unit="GBP/month",
    assumption="Which part of the file's other payments counts is not published: a term decides.",
)
def counted_other_payments(
    base_other_payments, pms_booked_as_other, share_of_other_payments_counted
):
    """The part of other payments that counts towards the guarantee."""
    other = base_other_payments - pms_booked_as_other
    return other * share_of_other_payments_counted / MONTHS_PER_YEAR


@rule(unit="GBP/month", source="pulse-bolton-95")
def guarantee_shortfall(
    guaranteed_income_per_weighted_patient, payment_weighted_list, counted_income
):
    """What counted income falls short of the guarantee, never less than nothing."""
    floor = guaranteed_income_per_weighted_patient * payment_weighted_list / MONTHS_PER_YEAR
    return max(floor - counted_income, 0)


@rule(unit="GBP/month", source="pulse-bolton-95")
def mandatory_standards_payment(
    guarantee_shortfall, mandatory_standards_share, mandatory_standards_met
):
    """The part for the mandatory standards: all of it, or nothing."""
    return guarantee_shortfall * mandatory_standards_share if mandatory_standards_met else 0


@rule(unit="GBP/month", source="pulse-bolton-95")
def graded_standards_payment(
    guarantee_shortfall, mandatory_standards_share, graded_standards_achieved
):
    """The part for the other standards, in proportion to what is achieved."""
    return guarantee_shortfall * (1 - mandatory_standards_share) * graded_standards_achieved


@rule(unit="GBP/month", source="pulse-bolton-95")
def guarantee_payment(mandatory_standards_payment, graded_standards_payment):
    """What the commissioner pays to bring counted income up to the guarantee."""
    return mandatory_standards_payment + graded_standards_payment


@rule(unit="GBP/month", source="pulse-bolton-95")
def shortfall_on_base_income(
    guaranteed_income_per_weighted_patient,
    base_weighted_list,
    base_global_sum,
    base_correction_factor,
    base_pms_expenditure,
    base_local_schemes,
    base_other_payments,
    share_of_other_payments_counted,
):
    """A twelfth of what the base year's own payments fall short of the guarantee: a yardstick."""
    core = base_global_sum + base_correction_factor + base_pms_expenditure
    other = base_other_payments * share_of_other_payments_counted
    floor = guaranteed_income_per_weighted_patient * base_weighted_list
    return max(floor - core - base_local_schemes - other, 0) / MONTHS_PER_YEAR
