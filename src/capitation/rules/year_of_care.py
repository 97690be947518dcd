"""Year-of-care payments: a price for each population segment's year, passed on by sub-contract.

An integrated health organisation holds one capitated budget for an area, and sub-contracts the
neighbourhoods' care to multi-neighbourhood providers: each practice's patients, by segment, at the
segment's price of a year. Prices are paid as they stand, or are scaled so that all of them together
come to the budget. In every month sub-contracts + retained = the budget for services.
"""

from capitation.vocabulary import MONTHS_PER_YEAR, rule, total

# --------------------------------------------------------------------------------------- segments


@rule(
    unit="1",
    each="segment",
    assumption="Shares of the list are given; below nothing they count as nothing.",
)
def segment_share_counted(segment_share_of_list):
    """Share of the list, before all shares are made to add up to one."""
    return max(segment_share_of_list, 0)


shares_counted = total(
    "segment_share_counted", over="segments", title="Shares of the list in all segments"
)


@rule(
    unit="patient",
    each="segment",
    assumption="Every patient is in one segment: shares that do not add up to one are scaled.",
)
def segment_patients(payment_registered_list, segment_share_counted, shares_counted):
    """Registered patients in the segment."""
    share = segment_share_counted / shares_counted if shares_counted > 0 else 0
    return payment_registered_list * share


patients_in_segments = total(
    "segment_patients", over="segments", title="Registered patients in all segments"
)


@rule(
    unit="GBP/month",
    each="segment",
    source="healthcare-management-year-of-care",
    assumption="A twelfth of the year's price each month for whoever is on the list.",
)
def segment_year_of_care(segment_patients, segment_year_of_care_price):
    """The month's part of the price of a year of care for the segment's patients."""
    return segment_patients * segment_year_of_care_price / MONTHS_PER_YEAR


year_of_care = total(
    "segment_year_of_care", over="segments", title="Years of care of all segments, at their prices"
)


@rule(
    unit="GBP/month",
    assumption="Only patients of practices in the integrated contract are sub-contracted.",
)
def year_of_care_in_contract(year_of_care, in_integrated_contract):
    """Years of care, at their prices, of patients whose practice is in the contract."""
    return year_of_care * in_integrated_contract


year_of_care_of_contract = total(
    "year_of_care_in_contract", over="practices", title="Years of care of the whole contract"
)

budget_behind_years_of_care = total(
    "services_budget", over="practices", title="The contract's budget for services"
)

# --------------------------------------------------------------------------------- the sub-contract


@rule(
    unit="1",
    assumption="Scaled prices together come to the budget, whatever they were; prices as they "
    "stand leave what is over, or short, with the integrated health organisation.",
)
def year_of_care_scale(budget_behind_years_of_care, year_of_care_of_contract, year_of_care_prices):
    """What prices are multiplied by: one as they stand, or what brings them to the budget."""
    scaled = year_of_care_prices > 0 and year_of_care_of_contract > 0
    return budget_behind_years_of_care / year_of_care_of_contract if scaled else 1


@rule(
    unit="GBP/month",
    source="nhse-advanced-foundation-trust-guide",
    assumption="A share of every year of care is the multi-neighbourhood provider's; the rest pays "
    "for hospital and other care that is not sub-contracted to it.",
)
def sub_contracted(year_of_care_in_contract, year_of_care_scale, year_of_care_share_sub_contracted):
    """What is passed to the multi-neighbourhood provider for the practice's patients."""
    return year_of_care_in_contract * year_of_care_scale * year_of_care_share_sub_contracted


sub_contracts = total(
    "sub_contracted", over="practices", title="Passed on to all multi-neighbourhood providers"
)


@rule(unit="GBP/month", assumption="What is not passed on stays, or is short where it is negative.")
def integrator_retained(budget_behind_years_of_care, sub_contracts):
    """What the integrated health organisation keeps of the budget, for hospitals and the rest."""
    return budget_behind_years_of_care - sub_contracts
