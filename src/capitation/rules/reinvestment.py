"""Premium that is withdrawn goes back to general practice in the same commissioner's area."""

from capitation.vocabulary import rule, total

premium_released = total(
    "premium_withdrawn", over="practices", title="Premium released into the commissioner's pool"
)

commissioner_weighted_list = total(
    "payment_weighted_list", over="practices", title="Weighted list of all the practices"
)


@rule(unit="GBP/month", source="nhse-pms-framework-2014")
def premium_reinvested(
    premium_released, reinvested_share, payment_weighted_list, commissioner_weighted_list
):
    """The practice's part of the pool, by weighted list, whatever its contract."""
    pool = premium_released * reinvested_share
    anyone = commissioner_weighted_list > 0
    return pool * payment_weighted_list / commissioner_weighted_list if anyone else 0
