"""Gain and loss share: how much of a difference in spend outside the budget is shared out.

What the lines in the share were expected to cost, less what they did cost, is the pool: a gain, or
a loss where it is below nothing. Inside the dead band nothing is shared; beyond it all of the
difference (from the first pound) or what lies above the threshold. Four bands each give the
providers their share of a slice, with shares of their own for losses; then comes quality.

`gain_loss_split` puts caps on that, and divides the pool among the parties. Law: the providers'
part never falls as the difference rises, is nothing in the dead band, and never passes a cap.
"""

from capitation.vocabulary import MONTHS_PER_YEAR, constant, round_to_pence, rule, total

NEARLY = constant(1e-9, "1")
"""What binary fractions may fall short of an edge, and still reach it."""

# ----------------------------------------------------------------------------- expected and actual


@rule(
    unit="GBP/patient/year",
    each="service",
    source="gponline-mcp-contract-sum-2016",
    assumption="Expected at the line's own rate; what is in scope is the provider's own risk, and "
    "is not shared.",
)
def service_rate_in_share(service_rate, service_in_scope, service_in_gain_share):
    """Spend a weighted head expected outside the budget and in the gain and loss share."""
    return service_rate * (1 - service_in_scope) * service_in_gain_share


rate_in_share = total(
    "service_rate_in_share",
    over="services",
    title="Rate per weighted head in the gain and loss share",
)


@rule(
    unit="GBP/month",
    each="service",
    source="gponline-mcp-contract-sum-2016",
    assumption="On the contract's population of the month, so that it moves with the list.",
)
def service_expected_in_share(service_rate_in_share, contract_weighted_population):
    """Spend expected outside the budget and in the gain and loss share."""
    return service_rate_in_share * contract_weighted_population / MONTHS_PER_YEAR


@rule(
    unit="GBP/month",
    each="service",
    assumption="How far spend lies over or under what was expected is the scenario's own. Spend "
    "moves with activity as far as the hospital's payment does. No single costly patient is cut "
    "off: there are no figures by person.",
)
def service_actual_in_share(service_expected_in_share, service_deviation, service_marginal_share):
    """Spend outside the budget and in the gain and loss share, as it came about."""
    return service_expected_in_share * (1 + service_deviation * service_marginal_share)


expected_in_share = total(
    "service_expected_in_share", over="services", title="Spend expected in the gain and loss share"
)

actual_in_share = total(
    "service_actual_in_share", over="services", title="Actual spend in the gain and loss share"
)


@rule(
    unit="GBP/patient/year",
    each="service",
    assumption="As for the spend in the share: the scenario's own, as far as spend moves with "
    "activity.",
)
def service_rate_saved(service_rate_in_share, service_deviation, service_marginal_share):
    """What a weighted head costs less than expected, in the share: more where it is below 0."""
    return 0 - service_rate_in_share * service_deviation * service_marginal_share


rate_saved = total(
    "service_rate_saved",
    over="services",
    title="Less than expected a weighted head, in the gain and loss share",
)


@rule(
    unit="GBP/month",
    assumption="Spend differs from what was expected for all practices' people alike, whatever "
    "their contract form: only who shares in it depends on the form. What is in scope costs others "
    "what was expected, for those who are in no contract.",
)
def saving_outside(rate_saved, counted_population):
    """What the practice's people cost less than expected, in the share: more where below 0."""
    return rate_saved * counted_population / MONTHS_PER_YEAR


expected_in_share_of_year = total(
    "expected_in_share", over="months", title="The year's expected spend in the share"
)

actual_in_share_of_year = total(
    "actual_in_share", over="months", title="The year's actual spend in the share"
)


@rule(
    unit="GBP/year",
    source="pearl-aco-reach",
    assumption="A discount, where there is one, is the commissioner's before anything is shared: "
    "bands and caps are of what it leaves.",
)
def gain_loss_benchmark(expected_in_share_of_year, benchmark_discount_for_the_year):
    """The spend that actual spend is held against."""
    return expected_in_share_of_year * (1 - benchmark_discount_for_the_year)


@rule(
    unit="GBP/year",
    source="gov-multilateral-gain-loss-sharing",
    assumption="Counted in whole pence, so that the parties' parts add up to it.",
)
def gain_or_loss(gain_loss_benchmark, actual_in_share_of_year):
    """The pool: what was expected less what was spent, a loss below nothing."""
    return round_to_pence(gain_loss_benchmark - actual_in_share_of_year)


@rule(unit="1", source="gov-multilateral-gain-loss-sharing")
def gain_or_loss_rate(gain_or_loss, gain_loss_benchmark):
    """The pool as a share of what was expected."""
    return gain_or_loss / gain_loss_benchmark if gain_loss_benchmark > 0 else 0


# -------------------------------------------------------------------------------------- dead band


@rule(
    unit="1",
    assumption="A gain at the minimum is shared, one below it is not. Where only what lies above "
    "is shared, the bands count from there.",
)
def gain_rate_shared(
    gain_or_loss_rate, minimum_savings_rate_for_the_year, shared_from_for_the_year
):
    """The gain that is shared, as a share of what was expected."""
    gain = max(gain_or_loss_rate, 0)
    off = minimum_savings_rate_for_the_year if shared_from_for_the_year else 0
    shared = gain + NEARLY >= minimum_savings_rate_for_the_year
    return max(gain - off, 0) if shared else 0


@rule(
    unit="1",
    assumption="As for a gain: a loss at the minimum is shared, one below it is not.",
)
def loss_rate_shared(gain_or_loss_rate, minimum_loss_rate_for_the_year, shared_from_for_the_year):
    """The loss that is shared, as a share of what was expected."""
    loss = max(0 - gain_or_loss_rate, 0)
    off = minimum_loss_rate_for_the_year if shared_from_for_the_year else 0
    shared = loss + NEARLY >= minimum_loss_rate_for_the_year
    return max(loss - off, 0) if shared else 0


# ------------------------------------------------------------------------------------------ bands


@rule(
    unit="1",
    source="pearl-aco-reach",
    assumption="Each band's share is of the slice inside it alone.",
)
def gain_by_band(
    gain_rate_shared,
    first_gain_edge_for_the_year,
    second_gain_edge_for_the_year,
    third_gain_edge_for_the_year,
    first_gain_share_for_the_year,
    second_gain_share_for_the_year,
    third_gain_share_for_the_year,
    fourth_gain_share_for_the_year,
):
    """The providers' part of a gain by its bands, as a share of what was expected."""
    first = min(gain_rate_shared, first_gain_edge_for_the_year)
    second = min(gain_rate_shared, second_gain_edge_for_the_year)
    third = min(gain_rate_shared, third_gain_edge_for_the_year)
    to_second = max(second - first, 0) * second_gain_share_for_the_year
    to_third = max(third - max(first, second), 0) * third_gain_share_for_the_year
    beyond = max(gain_rate_shared - max(first, second, third), 0) * fourth_gain_share_for_the_year
    return first * first_gain_share_for_the_year + to_second + to_third + beyond


@rule(
    unit="1",
    source="pearl-aco-reach",
    assumption="Each band's share is of the slice inside it alone.",
)
def loss_by_band(
    loss_rate_shared,
    first_loss_edge_for_the_year,
    second_loss_edge_for_the_year,
    third_loss_edge_for_the_year,
    first_loss_share_for_the_year,
    second_loss_share_for_the_year,
    third_loss_share_for_the_year,
    fourth_loss_share_for_the_year,
):
    """The providers' part of a loss by its bands, as a share of what was expected."""
    first = min(loss_rate_shared, first_loss_edge_for_the_year)
    second = min(loss_rate_shared, second_loss_edge_for_the_year)
    third = min(loss_rate_shared, third_loss_edge_for_the_year)
    to_second = max(second - first, 0) * second_loss_share_for_the_year
    to_third = max(third - max(first, second), 0) * third_loss_share_for_the_year
    beyond = max(loss_rate_shared - max(first, second, third), 0) * fourth_loss_share_for_the_year
    return first * first_loss_share_for_the_year + to_second + to_third + beyond


# ---------------------------------------------------------------------------------------- quality


@rule(
    unit="1",
    assumption="Below the gate no gain is shared; above it the gain is scaled by the score as far "
    "as the contract says: not at all (0) to in full (1).",
)
def gain_quality_factor(
    contract_quality_score, gain_quality_gate_for_the_year, gain_quality_scaling_for_the_year
):
    """The part of a gain that quality lets the providers have."""
    scaled = 1 - gain_quality_scaling_for_the_year * (1 - contract_quality_score)
    return scaled if contract_quality_score + NEARLY >= gain_quality_gate_for_the_year else 0


@rule(
    unit="1",
    assumption="Quality takes off a loss as far as the contract says, within a least and a most.",
)
def loss_quality_factor(
    contract_quality_score,
    loss_quality_relief_for_the_year,
    least_loss_factor_for_the_year,
    most_loss_factor_for_the_year,
):
    """The part of a loss that is left to the providers after what quality takes off."""
    relieved = 1 - contract_quality_score * loss_quality_relief_for_the_year
    return min(max(relieved, least_loss_factor_for_the_year), most_loss_factor_for_the_year)
