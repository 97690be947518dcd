"""Seniority: closed in 2014, run down each year, ended in March 2020; paid at quarters' ends."""

from capitation.vocabulary import MONTHS_PER_YEAR, constant, rule

MONTHS_IN_A_QUARTER = constant(3, "1")


@rule(unit="GBP/month", source="pcse-seniority")
def seniority(base_seniority, seniority_share, base_seniority_share, last_month_of_quarter):
    """A quarter's seniority, with the June, September, December and March payments."""
    still_running = base_seniority_share > 0
    this_year = base_seniority * seniority_share / base_seniority_share if still_running else 0
    return this_year / MONTHS_PER_YEAR * MONTHS_IN_A_QUARTER if last_month_of_quarter else 0
