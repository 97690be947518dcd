"""Registered and weighted lists: they move every month, and payment counts them each quarter.

Once a contract has ended (``contract_ended``) payment counts nobody on its list, and what is paid
by the list ends with it. The people are still there, to be ill and to be admitted to hospital.
"""

from capitation.vocabulary import rule


@rule(
    unit="patient",
    first="base_registered_list",
    assumption="A list grows by the same share every month from the list in the payments file.",
)
def registered_list(previous, monthly_list_growth):
    """Patients registered with the practice at the start of the month."""
    return previous * (1 + monthly_list_growth)


@rule(
    unit="patient",
    first="base_weighted_list",
    assumption="The weighted list grows as the registered list does: need per patient is held.",
)
def weighted_list(previous, monthly_list_growth):
    """Patients weighted for need by the global sum formula."""
    return previous * (1 + monthly_list_growth)


@rule(
    unit="patient",
    first="base_registered_list",
    source="nhs-digital-payments-note",
    assumption="Nobody from the month in which the contract has ended, within a quarter too.",
)
def payment_registered_list(previous, registered_list, first_month_of_quarter, contract_ended):
    """Registered list that payment counts: that of the first day of the quarter."""
    counted = registered_list if first_month_of_quarter else previous
    return 0 if contract_ended else counted


@rule(
    unit="patient",
    first="base_weighted_list",
    source="bma-global-sum-formula",
    assumption="Nobody from the month in which the contract has ended, within a quarter too.",
)
def payment_weighted_list(previous, weighted_list, first_month_of_quarter, contract_ended):
    """Weighted list that payment counts: that of the first day of the quarter."""
    counted = weighted_list if first_month_of_quarter else previous
    return 0 if contract_ended else counted
