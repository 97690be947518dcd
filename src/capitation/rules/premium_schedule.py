"""Premium withdrawn by a schedule: the share still paid steps down, year by year or otherwise.

The commissioner's schedule holds on PMS, the timetable of those who switched after a switch to GMS.
Nothing further is withdrawn until a reinvestment plan is agreed. From then on the share is what the
schedule says by that month: steps that fell due in the meantime are taken at once. To put the whole
schedule off instead, delay it (``delay_months``).
"""

from capitation.vocabulary import rule


@rule(unit="1", source="nhse-pms-framework-2014")
def base_premium_share_kept(
    base_premium_share_retained, base_switched_premium_share, base_switched_to_gms
):
    """Share of the premium paid in the base year: on PMS, and after a switch in that year."""
    on_pms = base_premium_share_retained * (1 - base_switched_to_gms)
    return on_pms + base_switched_premium_share * base_switched_to_gms


@rule(unit="GBP/year", source="nhse-pms-review-2014")
def base_premium(
    base_premium_paid, base_premium_share_kept, base_switched_premium_share, switched_in_base_year
):
    """Premium at the base date, before withdrawal: what was paid of it, over its share."""
    share = base_switched_premium_share if switched_in_base_year else base_premium_share_kept
    return base_premium_paid / share if share > 0 else 0


@rule(
    unit="1",
    source="nhse-pms-review-2014",
    assumption="A correction factor is a fixed sum: after a switch to GMS the premium stands as "
    "last measured. So does that of a contract that has ended: it has no list to be measured on.",
)
def premium_measured_anew(
    premium_remeasured, switched_to_gms, switched_in_base_year, contract_ended
):
    """Whether the premium is measured anew this month (1), or stands as last measured (0)."""
    fixed = switched_to_gms or switched_in_base_year or contract_ended
    return 0 if fixed else premium_remeasured


@rule(
    unit="1",
    source="gponline-freeze-pms-cuts-2016",
    assumption="Without an agreed plan the share may rise and not fall. All is withdrawn when a "
    "contract ends, plan or no plan.",
    first="base_premium_share_kept",
)
def premium_share_kept(
    previous,
    premium_share_retained,
    switched_premium_share,
    switched_to_gms,
    contract_ended,
    reinvestment_plan_agreed,
):
    """Share of the premium that is paid."""
    due = switched_premium_share if switched_to_gms else premium_share_retained
    kept = due if reinvestment_plan_agreed else max(previous, due)
    return 0 if contract_ended else kept


@rule(
    unit="1",
    source="gponline-freeze-pms-cuts-2016",
    assumption="As for premium on PMS: without an agreed plan the share may rise and not fall.",
    first="base_switched_premium_share",
)
def switched_share_kept(previous, switched_premium_share, contract_ended, reinvestment_plan_agreed):
    """Share of the premium that is paid to a practice that switched in the base year."""
    kept = (
        switched_premium_share
        if reinvestment_plan_agreed
        else max(previous, switched_premium_share)
    )
    return 0 if contract_ended else kept


@rule(unit="GBP/month", source="nhse-pms-framework-2014")
def premium_paid(
    premium_before_withdrawal, premium_share_kept, switched_share_kept, switched_in_base_year
):
    """Premium still paid, on PMS or after a switch to GMS."""
    share = switched_share_kept if switched_in_base_year else premium_share_kept
    return premium_before_withdrawal * share
