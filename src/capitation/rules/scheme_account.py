"""The commissioner's account of a scheme: what it costs, less what it saves."""

from capitation.vocabulary import rule, total

scheme_cost = total("scheme_earned", over="practices", title="What practices earn from the scheme")


@rule(
    unit="GBP/year",
    assumption="Only admissions count as saved: what else a scheme saves is left out.",
)
def scheme_net_cost(scheme_cost, admissions_saving):
    """What the scheme costs the commissioner after what it saves on admissions."""
    return scheme_cost - admissions_saving
