"""A practice in full integration takes its suspended GMS or PMS contract up again: reactivation.

While a practice is fully integrated (``contract_form``) its contract is suspended, and its core
money is in the whole-population budget. From the month of the reactivation (``reactivated``) the
contract pays again for the patients who follow the practice out. The form stays "fully integrated":
the others stay with the integrated provider, and their money in its budget.

At the first window, two years after the suspension, patients follow unless they ask to stay; at
later windows they stay unless they ask to follow. The share that followed is settled in the month
of the reactivation, and holds from then on. In every month, list following + list staying = list.

Whether a request for reactivation is to be granted is for `capitation.reactivations` to say.
"""

from capitation.rules.contract_forms import FULLY_INTEGRATED
from capitation.vocabulary import A_MONTH, constant, rule, total

FOLLOW = constant(1, "1")
"""What ``patients_by_default`` do, where they follow; 0: as the months of suspension say."""


@rule(unit="1", source="si-2015-1862-schedule-3a")
def contract_suspended(contract_form, reactivated):
    """Whether the GMS or PMS contract is suspended this month (1), since its practice is in."""
    return 1 if contract_form == FULLY_INTEGRATED and not reactivated else 0


@rule(
    unit="month",
    first="months_suspended_before",
    source="si-2015-1862-schedule-3a",
    assumption="Windows are counted in months under full integration. A contract is reactivated "
    "only once, so that the months of a practice that has come back are added to those before.",
)
def months_suspended(previous, contract_suspended):
    """Months for which the contract has been suspended, up to and with this one."""
    return previous + contract_suspended * A_MONTH


@rule(
    unit="month",
    first="months_reactivated_before",
    source="si-2015-1862-schedule-3a",
)
def months_reactivated(previous, contract_form, reactivated):
    """Months for which the contract has been back in force, up to and with this one."""
    out = contract_form == FULLY_INTEGRATED and reactivated
    return previous + A_MONTH if out else 0


@rule(
    unit="1",
    source="pulse-integrated-contract-patients-2017",
    assumption="Until the first window nobody's default has changed: whoever leaves by then, by "
    "agreement, is followed as at the window itself. What a decision says stands over the months "
    "that the run has counted.",
)
def following_share(
    months_suspended,
    months_to_first_window,
    patients_by_default,
    following_share_first_window,
    following_share_later,
):
    """Share of the list that would follow the practice out, were it this month."""
    by_months = patients_by_default < FOLLOW and months_suspended <= months_to_first_window
    follow = patients_by_default == FOLLOW or by_months
    return following_share_first_window if follow else following_share_later


@rule(
    unit="1",
    first="patients_following_before",
    source="pulse-integrated-contract-patients-2017",
    assumption="All who go, go in the month of the reactivation; from then on the share holds, "
    "and the practice's two lists grow and shrink alike.",
)
def patients_following(previous, months_reactivated, following_share):
    """Share of the list that has followed the practice out: 0 until then, and as settled after."""
    settled = previous if months_reactivated > A_MONTH else following_share
    return settled if months_reactivated > 0 else 0


@rule(unit="patient", source="pulse-integrated-contract-patients-2017")
def list_following(payment_registered_list, patients_following):
    """Registered patients who have followed the practice out."""
    return payment_registered_list * patients_following


@rule(unit="patient", source="pulse-integrated-contract-patients-2017")
def list_staying(payment_registered_list, list_following):
    """Registered patients who have not followed a practice out: all, while it is in."""
    return payment_registered_list - list_following


@rule(
    unit="patient",
    assumption="Those who follow need as much as those who stay: no choice has been observed.",
)
def weighted_list_following(payment_weighted_list, patients_following):
    """Weighted list of the patients who have followed the practice out."""
    return payment_weighted_list * patients_following


@rule(
    unit="patient",
    assumption="Those who follow need as much as those who stay: no choice has been observed.",
)
def weighted_list_staying(payment_weighted_list, weighted_list_following):
    """Weighted list of the patients who have not followed a practice out."""
    return payment_weighted_list - weighted_list_following


@rule(
    unit="GBP/month",
    source="pulse-integrated-contract-patients-2017",
    assumption="Core money goes with the patients, a patient like any other of the practice.",
)
def core_leaving(core_income, patients_following):
    """Core money that has left the whole-population budget with those who followed."""
    return core_income * patients_following


@rule(
    unit="GBP/month",
    assumption="A fixed share of what the money paid for cannot be stopped at once. It runs down "
    "by equal steps, in full in the first month. No case is known, so that both are terms.",
)
def stranded_cost(core_leaving, fixed_cost_share, months_reactivated, stranded_cost_months):
    """Cost that the integrated provider is left with, of the money that has gone."""
    fixed = core_leaving * fixed_cost_share
    run = months_reactivated - A_MONTH
    left = 1 - run / stranded_cost_months if run < stranded_cost_months else 0
    return fixed * left


core_leaving_contract = total(
    "core_leaving",
    over="practices",
    title="Core money that has left the budget with practices reactivated",
)

stranded_cost_of_contract = total(
    "stranded_cost", over="practices", title="Cost left with the integrated provider"
)
