"""Premium that is withdrawn goes back to general practice in the same commissioner's area.

What is released goes into the commissioner's pool. The pool comes back to its practices, whatever
their contract, by weighted list, as far as they take up the services that it pays for. In every
month, for every commissioner: opening pool + released = reinvested + unspent + closing pool.

Each month all that the pool holds is offered to all. A practice that takes up nothing leaves its
part in the pool, where it is offered to all again a month later, itself included. So in the month
of a release the others get no more because of it; from the next month on they do, and released
money is always reinvested in the end, as long as anybody takes part.

What was released before the first month goes on being released, and so into the pool, from the
first month on.
"""

from capitation.vocabulary import A_MONTH, rule, total

# ------------------------------------------------------------------------------------ by practice


@rule(
    unit="patient",
    source="nhse-pms-framework-2014",
    assumption="A practice that takes up part of the services counts with that part of its list.",
)
def list_taking_part(payment_weighted_list, services_taken_up):
    """Weighted list with the services that the pool pays for."""
    return payment_weighted_list * services_taken_up


pool_brought_forward = total(
    "pool_brought_forward_by_practice",
    over="practices",
    title="Released premium unspent before the first month",
)

premium_released = total(
    "premium_withdrawn", over="practices", title="Premium released into the commissioner's pool"
)

commissioner_weighted_list = total(
    "payment_weighted_list", over="practices", title="Weighted list of all the practices"
)

weighted_list_taking_part = total(
    "list_taking_part", over="practices", title="Weighted list of the practices taking part"
)

# ------------------------------------------------------------------------- the commissioner's pool


@rule(
    unit="GBP",
    source="nhse-pms-framework-2014",
    assumption="Premium withdrawn by the base year already comes in too: that nothing of what it "
    "pays for stands in the base year's other streams is assumed. Where some does, it is counted "
    "twice, unless it is taken off the practices' local schemes and totals in the payments file.",
)
def pool_available(previous_reinvestment_pool, premium_released):
    """What the pool holds with the month's release, before anything is paid out."""
    return previous_reinvestment_pool + premium_released * A_MONTH


@rule(
    unit="GBP/month",
    source="nhse-pms-framework-2014",
    assumption="Every month every practice is offered its part by weighted list, and the part of "
    "those who do not take it up stays in the pool, to be offered to all again the month after; by "
    "weighted list, and that nobody is given the part of others at once, is assumed.",
)
def pool_reinvested(
    pool_available, reinvested_share, weighted_list_taking_part, commissioner_weighted_list
):
    """What the pool pays out in the month."""
    anyone = commissioner_weighted_list > 0
    taking_part = weighted_list_taking_part / commissioner_weighted_list if anyone else 0
    return pool_available * reinvested_share * taking_part / A_MONTH


@rule(
    unit="GBP/month",
    source="nhse-pms-framework-2014",
    assumption="What is not carried over the year's end lapses in March. The framework wants all "
    "of it reinvested.",
)
def pool_unspent(pool_available, pool_reinvested, carried_share_at_year_end, month_of_fiscal_year):
    """In March, what is left in the pool and not carried into the new year."""
    left = pool_available / A_MONTH - pool_reinvested
    return left * (1 - carried_share_at_year_end) if month_of_fiscal_year == 12 else 0


@rule(unit="GBP", first="pool_brought_forward", source="nhse-pms-framework-2014")
def reinvestment_pool(pool_available, pool_reinvested, pool_unspent):
    """Released premium that is carried forward: neither reinvested nor lapsed."""
    return pool_available - pool_reinvested * A_MONTH - pool_unspent * A_MONTH


@rule(unit="GBP/month", source="nhse-pms-framework-2014")
def premium_reinvested(pool_reinvested, list_taking_part, weighted_list_taking_part):
    """The practice's part of what the pool pays out, by weighted list, whatever its contract."""
    anyone = weighted_list_taking_part > 0
    return pool_reinvested * list_taking_part / weighted_list_taking_part if anyone else 0
