"""Registered and weighted lists: they move every month, and payment counts them each quarter."""

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


@rule(unit="patient", first="base_registered_list", source="nhs-digital-payments-note")
def payment_registered_list(previous, registered_list, first_month_of_quarter):
    """Registered list that payment counts: that of the first day of the quarter."""
    return registered_list if first_month_of_quarter else previous


@rule(unit="patient", first="base_weighted_list", source="bma-global-sum-formula")
def payment_weighted_list(previous, weighted_list, first_month_of_quarter):
    """Weighted list that payment counts: that of the first day of the quarter."""
    return weighted_list if first_month_of_quarter else previous
