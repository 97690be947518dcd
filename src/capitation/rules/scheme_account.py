"""The commissioner's account of a scheme: what it costs, less what it saves."""

from capitation.vocabulary import rule, total

scheme_cost = total("scheme_earned", over="practices", title="What practices earn from the scheme")


@rule(
    unit="GBP/year",
    assumption="What is saved otherwise runs evenly over the year.",
)
def scheme_saving(admissions_saving, other_savings_for_the_year, share_of_year):
    """What the scheme saves the commissioner, on admissions and otherwise."""
    return admissions_saving + other_savings_for_the_year * share_of_year


@rule(
    unit="GBP/year",
    assumption="The cost is what practices earn: running the scheme is left out.",
)
def scheme_net_cost(scheme_cost, scheme_saving):
    """What the scheme costs the commissioner after what it saves."""
    return scheme_cost - scheme_saving
