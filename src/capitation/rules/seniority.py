"""Seniority: closed in 2014, run down each year, ended in March 2020; paid at quarters' ends."""

from capitation.vocabulary import MONTHS_PER_YEAR, constant, rule

MONTHS_IN_A_QUARTER = constant(3, "1")


@rule(
    unit="GBP/month",
    source="pcse-seniority",
    assumption="A contract that has ended by the last month of a quarter is paid none for it.",
)
def seniority(
    base_seniority, seniority_share, base_seniority_share, last_month_of_quarter, contract_ended
):
    """A quarter's seniority, with the June, September, December and March payments."""
    still_running = base_seniority_share > 0
    this_year = base_seniority * seniority_share / base_seniority_share if still_running else 0
    a_quarter = this_year / MONTHS_PER_YEAR * MONTHS_IN_A_QUARTER
    return a_quarter if last_month_of_quarter and not contract_ended else 0
