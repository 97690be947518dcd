"""Diverted admissions as the provider's test reads them, where it pays the hospital by its form.

`hospital_payment` says what diversion is worth in a year: under a fixed sum nothing is saved, and
care in place of the admission is a cost.
"""

from capitation.vocabulary import PAID_ONCE, rule


@rule(
    unit="GBP/month",
    assumption="The hospital is settled with in March, once the year's admissions are known. What "
    "care in scope costs if nothing is done has the admissions planned; those over the plan are in "
    "no test. What diversion saves in a practice's virtual contract is not the provider's.",
)
def saving_of_diversion(
    net_saving_of_diversion, integrated_share_of_contract, month_of_fiscal_year
):
    """In March, what diverted admissions saved, less care in their place: a cost below nothing."""
    once = net_saving_of_diversion / PAID_ONCE if month_of_fiscal_year == 12 else 0
    return once * integrated_share_of_contract
