"""Streams taken from the payments file as given, and held in cash while there is a contract."""

from capitation.vocabulary import MONTHS_PER_YEAR, rule


@rule(unit="GBP/month", assumption="Local schemes continue in cash at the base year's amount.")
def local_schemes(base_local_schemes, contract_ended):
    """Local enhanced services and local incentive schemes."""
    return 0 if contract_ended else base_local_schemes / MONTHS_PER_YEAR


@rule(unit="GBP/month", assumption="All other payments continue in cash at the base year's amount.")
def remaining_payments(
    base_total_payments,
    base_global_sum,
    base_correction_factor,
    base_pms_expenditure,
    base_seniority,
    base_qof,
    base_local_schemes,
    pms_booked_as_other,
    contract_ended,
):
    """Everything else in the file: premises, enhanced services, dispensing and the rest."""
    core = base_global_sum + base_correction_factor + base_pms_expenditure + pms_booked_as_other
    modelled = core + base_seniority + base_qof + base_local_schemes
    return 0 if contract_ended else (base_total_payments - modelled) / MONTHS_PER_YEAR
