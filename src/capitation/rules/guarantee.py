"""A guaranteed income per patient, paid on conditions: the Bolton Quality Contract's form.

The floor stands under a declared set of counted streams: ``counted_income`` is the model's own sum.
What the scheme offers is what these streams fall short of the floor; standards decide how much of
the offer is earned. Month by month it is what advances are counted on; a year's offer is settled on
the sums of its months, so that a month above the floor makes up for one below.
"""

from capitation.vocabulary import MONTHS_PER_YEAR, rule, total


@rule(
    unit="GBP/month",
    assumption="Which part of the file's other payments counts is not published: a term decides.",
)
def counted_other_payments(
    base_other_payments, pms_booked_as_other, share_of_other_payments_counted, contract_ended
):
    """The part of other payments that counts towards the guarantee."""
    other = 0 if contract_ended else base_other_payments - pms_booked_as_other
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


@rule(
    unit="GBP/month",
    source="pulse-bolton-95",
    assumption="The guarantee is of a year, counted in twelfths on the list of each month.",
)
def guaranteed_floor(guaranteed_income, guaranteed_list):
    """A twelfth of the guarantee for all the patients that it counts."""
    return guaranteed_income * guaranteed_list / MONTHS_PER_YEAR


@rule(
    unit="GBP/month",
    assumption="Whether there is a least offer is not published: a term decides.",
)
def least_offer(minimum_offer_per_patient, guaranteed_list):
    """A twelfth of the least that a practice is offered, whatever it is paid otherwise."""
    return minimum_offer_per_patient * guaranteed_list / MONTHS_PER_YEAR


@rule(
    unit="GBP/month",
    source="pulse-bolton-95",
    assumption="What an advance is counted on, from the month alone: a month above the floor is "
    "offered the least, and the year settles the difference.",
)
def scheme_offer(guaranteed_floor, counted_income, least_offer):
    """What the month's counted income falls short of the guarantee, or the least offer."""
    return max(guaranteed_floor - counted_income, least_offer, 0)


guaranteed_floor_of_year = total(
    "guaranteed_floor", over="months", title="What the guarantee comes to in the year"
)

counted_income_of_year = total(
    "counted_income", over="months", title="Income counted towards the guarantee in the year"
)

least_offer_of_year = total(
    "least_offer", over="months", title="The least that the practice is offered in the year"
)


@rule(
    unit="GBP/year",
    source="pulse-bolton-95",
    assumption="A guarantee of so much a patient a year is held against the year's income, with "
    "the months of the year that are in the run.",
)
def scheme_offer_of_year(guaranteed_floor_of_year, counted_income_of_year, least_offer_of_year):
    """What the year's counted income falls short of the guarantee, or the least offer."""
    return max(guaranteed_floor_of_year - counted_income_of_year, least_offer_of_year, 0)


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
