"""Savings as they were promised, and as they come: late, and perhaps not in full.

A promise counts from its lag on, grows into its full size over the build-up, and comes in the part
that is thought likely. A part of what is saved is spent again on the services that take its place.
``saving_promised`` is the plan of the model: that of `savings_plan`, or of a bid. Nothing is saved
where there is no contract: ``contract_runs`` is of the model too.
"""

from capitation.vocabulary import A_MONTH, rule, total


@rule(unit="month", assumption="The contract does not begin before the first month of the run.")
def months_before_start():
    """Months of the contract before it begins: none."""
    return 0


@rule(
    unit="month",
    first="months_before_start",
    assumption="Counted to the end of each month, from the first in which the contract runs: from "
    "then on it is not begun anew.",
)
def months_of_contract(previous, contract_runs):
    """How many months it is since the contract began, with this one."""
    return previous + A_MONTH if contract_runs or previous > 0 else 0


@rule(
    unit="1",
    source="nao-unitingcare",
    assumption="After the lag savings grow evenly over the build-up; the first whole month after "
    "the lag is the first that saves.",
)
def savings_ramp(months_of_contract, savings_lag, savings_build_up):
    """The part of the savings promised that has begun to come."""
    running = max(months_of_contract - savings_lag, 0)
    at_once = 1 if running > 0 else 0
    return min(running / savings_build_up, 1) if savings_build_up > 0 else at_once


@rule(
    unit="GBP/month",
    source="nao-unitingcare",
    assumption="How late savings come, and what part of them, are terms: no evidence fixes them.",
)
def saving_delivered(saving_promised, savings_ramp, savings_delivered_share, contract_runs):
    """What is really saved in the month: nothing, where no contract runs."""
    return saving_promised * savings_ramp * savings_delivered_share * contract_runs


@rule(
    unit="GBP/month",
    assumption="What takes a saved service's place costs a share of what is saved.",
)
def reprovision(saving_delivered, reprovision_share):
    """What is spent on services that take the place of those saved, in the month."""
    return saving_delivered * reprovision_share


savings_promised_of_year = total("saving_promised", over="months", title="Savings promised")

savings_delivered = total("saving_delivered", over="months", title="Savings delivered")

reprovision_of_year = total("reprovision", over="months", title="Services in place of those saved")
