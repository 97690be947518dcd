"""A guaranteed income per patient, paid on conditions: the Bolton Quality Contract's form.

The floor stands under a declared set of counted streams: ``counted_income`` is the model's own sum.
What the scheme offers is what these streams fall short of the floor; standards decide how much of
the offer is earned.
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


@rule(
    unit="patient",
    source="pulse-bolton-95",
    assumption="Whether patients are registered or weighted is not published: a term decides.",
)
def guaranteed_list(payment_registered_list, payment_weighted_list, guarantee_on_registered_list):
    """The patients that the guarantee counts."""
    return payment_registered_list if guarantee_on_registered_list else payment_weighted_list


@rule(
    unit="GBP/patient/year",
    source="pulse-bolton-95",
    assumption="An indexed guarantee rises with the headline price of the global sum, in full or "
    "in part; none is published, so that a term decides.",
)
def guaranteed_income(
    guaranteed_income_per_patient,
    guarantee_indexed_share,
    global_sum_price,
    guarantee_set_at_price,
):
    """The guarantee a patient, with the indexed part of the rise in the global sum price."""
    rise = global_sum_price / guarantee_set_at_price - 1
    return guaranteed_income_per_patient * (1 + guarantee_indexed_share * rise)


@rule(unit="GBP/month", source="pulse-bolton-95")
def scheme_offer(guaranteed_income, guaranteed_list, counted_income, minimum_offer_per_patient):
    """What counted income falls short of the guarantee, but never less than the least offer."""
    shortfall = guaranteed_income * guaranteed_list / MONTHS_PER_YEAR - counted_income
    least = minimum_offer_per_patient * guaranteed_list / MONTHS_PER_YEAR
    return max(shortfall, least, 0)


@rule(unit="GBP/month", source="pulse-bolton-95")
def shortfall_on_base_income(
    guaranteed_income_per_patient,
    guarantee_on_registered_list,
    base_registered_list,
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
    patients = base_registered_list if guarantee_on_registered_list else base_weighted_list
    floor = guaranteed_income_per_patient * patients
    return max(floor - core - base_local_schemes - other, 0) / MONTHS_PER_YEAR
