"""The correction factor (minimum practice income guarantee): withdrawn by sevenths to 2020/21.

What was a PMS premium before the practice switched to GMS is not here: see `pms`.
"""

from capitation.vocabulary import MONTHS_PER_YEAR, rule


@rule(unit="GBP/month", source="bma-mpig-phase-out")
def correction_factor(
    base_correction_factor,
    correction_factor_share,
    base_correction_factor_share,
    switched_in_base_year,
    contract_ended,
):
    """The base year's correction factor, moved along the timetable of sevenths."""
    still_running = base_correction_factor_share > 0
    in_2013_14 = base_correction_factor / base_correction_factor_share if still_running else 0
    paid = in_2013_14 * correction_factor_share / MONTHS_PER_YEAR
    return 0 if contract_ended or switched_in_base_year else paid
