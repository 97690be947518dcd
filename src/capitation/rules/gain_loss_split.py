"""Gain and loss share: caps, how the pool is divided among the parties, and who is paid.

What bands and quality give the providers is held under caps on the expected spend and on the
provider's income, and counts as far as the year's ramp. This part is divided by weights among the
integrated provider, the acute hospital, the community trust and the council, each in whole pence;
the commissioner has the rest of the pool. So the five parts always add up to the pool: a gain, or a
loss.

The integrated provider's part falls to the practices by their part of the spend that was expected
in the share over the year: by their people, for the months in which they were in the contract. What
falls to months in an integrated contract is paid, or taken back, in March; what falls to months in
a virtual one stands in a ledger that the alliance shares: no payment moves. In every year whose
March is in the run: paid + noted = the provider's part.
"""

from capitation.vocabulary import MONTHS_PER_YEAR, PAID_ONCE, round_to_pence, rule, total

# ------------------------------------------------------------------------------------------- caps


@rule(
    unit="GBP/month",
    assumption="The provider's income is the contract's budget, paid or, in a virtual contract, "
    "notional.",
)
def contract_income(whole_population_budget, notional_budget):
    """The integrated provider's income, or what it would be."""
    return whole_population_budget + notional_budget


contract_income_of_provider = total(
    "contract_income", over="practices", title="The integrated provider's income, all practices"
)

contract_income_of_year = total(
    "contract_income_of_provider", over="months", title="The integrated provider's year's income"
)


@rule(
    unit="GBP/year",
    assumption="Quality comes before the caps, so that a cap is on what is paid. A cap of nothing "
    "stands for no cap; where there are two, the lower holds.",
)
def gain_capped(
    gain_by_band,
    gain_quality_factor,
    gain_loss_benchmark,
    contract_income_of_year,
    gain_cap_on_expected_for_the_year,
    gain_cap_on_income_for_the_year,
):
    """The providers' part of a gain, under the caps."""
    part = gain_by_band * gain_quality_factor * gain_loss_benchmark
    on_expected = gain_loss_benchmark * gain_cap_on_expected_for_the_year
    on_income = max(contract_income_of_year, 0) * gain_cap_on_income_for_the_year
    under_one = min(part, on_expected) if gain_cap_on_expected_for_the_year > 0 else part
    return min(under_one, on_income) if gain_cap_on_income_for_the_year > 0 else under_one


@rule(
    unit="GBP/year",
    assumption="Quality comes before the caps, so that a cap is on what is owed. A cap of nothing "
    "stands for no cap; where there are two, the lower holds.",
)
def loss_capped(
    loss_by_band,
    loss_quality_factor,
    gain_loss_benchmark,
    contract_income_of_year,
    loss_cap_on_expected_for_the_year,
    loss_cap_on_income_for_the_year,
):
    """The providers' part of a loss, under the caps."""
    part = loss_by_band * loss_quality_factor * gain_loss_benchmark
    on_expected = gain_loss_benchmark * loss_cap_on_expected_for_the_year
    on_income = max(contract_income_of_year, 0) * loss_cap_on_income_for_the_year
    under_one = min(part, on_expected) if loss_cap_on_expected_for_the_year > 0 else part
    return min(under_one, on_income) if loss_cap_on_income_for_the_year > 0 else under_one


@rule(
    unit="GBP/year",
    assumption="The ramp scales gains and losses alike: a shadow year (0) shares nothing. Settled "
    "in whole pence.",
)
def providers_part(gain_capped, loss_capped, gain_loss_ramp_for_the_year):
    """What all providers together gain, or lose, of the pool."""
    return round_to_pence((gain_capped - loss_capped) * gain_loss_ramp_for_the_year)


# ---------------------------------------------------------------------------------- five parties


@rule(
    unit="1",
    source="nwl-integrated-care-toolkit",
    assumption="The toolkit lists several ways to split; each comes to weights, which are terms.",
)
def weights_of_providers(
    weight_of_provider_for_the_year,
    weight_of_acute_for_the_year,
    weight_of_community_for_the_year,
    weight_of_council_for_the_year,
):
    """The weights by which the providers' part is divided, added up."""
    inside = weight_of_provider_for_the_year + weight_of_community_for_the_year
    return inside + weight_of_acute_for_the_year + weight_of_council_for_the_year


@rule(unit="GBP/year", source="gov-multilateral-gain-loss-sharing")
def gain_to_provider(providers_part, weight_of_provider_for_the_year, weights_of_providers):
    """The integrated provider's part of the pool."""
    anyone = weights_of_providers > 0
    share = weight_of_provider_for_the_year / weights_of_providers if anyone else 0
    return round_to_pence(providers_part * share)


@rule(unit="GBP/year", source="gov-multilateral-gain-loss-sharing")
def gain_to_acute(providers_part, weight_of_acute_for_the_year, weights_of_providers):
    """The acute hospital's part of the pool: it shares, though it lost the activity."""
    anyone = weights_of_providers > 0
    share = weight_of_acute_for_the_year / weights_of_providers if anyone else 0
    return round_to_pence(providers_part * share)


@rule(unit="GBP/year", source="gov-multilateral-gain-loss-sharing")
def gain_to_community(providers_part, weight_of_community_for_the_year, weights_of_providers):
    """The community trust's part of the pool."""
    anyone = weights_of_providers > 0
    share = weight_of_community_for_the_year / weights_of_providers if anyone else 0
    return round_to_pence(providers_part * share)


@rule(unit="GBP/year", source="gov-multilateral-gain-loss-sharing")
def gain_to_council(providers_part, weight_of_council_for_the_year, weights_of_providers):
    """The council's part of the pool."""
    anyone = weights_of_providers > 0
    share = weight_of_council_for_the_year / weights_of_providers if anyone else 0
    return round_to_pence(providers_part * share)


@rule(
    unit="GBP/year",
    source="gov-multilateral-gain-loss-sharing",
    assumption="The commissioner has what is left, with any odd pennies of the other parts.",
)
def gain_to_commissioner(
    gain_or_loss, gain_to_provider, gain_to_acute, gain_to_community, gain_to_council
):
    """The commissioner's part of the pool: all that no provider has."""
    others = gain_to_provider + gain_to_acute + gain_to_community + gain_to_council
    return round_to_pence(gain_or_loss - others)


# ------------------------------------------------------------------------------------ the payment


@rule(unit="GBP/month", source="gponline-mcp-contract-sum-2016")
def expected_integrated(rate_in_share, population_in_contract, in_integrated_contract):
    """The practice's part of the spend expected in the share, while it is integrated."""
    expected = rate_in_share * population_in_contract / MONTHS_PER_YEAR
    return expected * in_integrated_contract


@rule(unit="GBP/month", source="gponline-mcp-contract-sum-2016")
def expected_virtual(rate_in_share, population_in_contract, in_virtual_contract):
    """The practice's part of the spend expected in the share, while it is in a virtual contract."""
    expected = rate_in_share * population_in_contract / MONTHS_PER_YEAR
    return expected * in_virtual_contract


expected_integrated_of_year = total(
    "expected_integrated", over="months", title="The year's expected spend in the share, integrated"
)

expected_virtual_of_year = total(
    "expected_virtual", over="months", title="The year's expected spend in the share, virtual"
)


@rule(
    unit="GBP/month",
    source="nhse-finance-and-payment-document-7",
    assumption="Paid, or taken back, in the year's own March, once the year is known, by the part "
    "of the year's expected spend: a practice that has left has its part for the months in which "
    "it was integrated. A run that ends within a year neither pays nor takes back that year's.",
)
def gain_loss_payment(
    gain_to_provider,
    expected_integrated_of_year,
    expected_in_share_of_year,
    month_of_fiscal_year,
):
    """In March, what the gain and loss share pays the provider for the practice's patients."""
    anything = expected_in_share_of_year > 0
    share = expected_integrated_of_year / expected_in_share_of_year if anything else 0
    return gain_to_provider * share / PAID_ONCE if month_of_fiscal_year == 12 else 0


@rule(
    unit="GBP/month",
    assumption="In a virtual contract nothing legal moves: the part of its months is noted in "
    "March, and not paid.",
)
def shared_ledger(
    gain_to_provider,
    expected_virtual_of_year,
    expected_in_share_of_year,
    month_of_fiscal_year,
):
    """In March, what the alliance's shared ledger notes for the practice's patients."""
    anything = expected_in_share_of_year > 0
    share = expected_virtual_of_year / expected_in_share_of_year if anything else 0
    return gain_to_provider * share / PAID_ONCE if month_of_fiscal_year == 12 else 0


gain_loss_paid = total(
    "gain_loss_payment", over="practices", title="Gain and loss share paid for all practices"
)

gain_loss_of_year = total(
    "gain_loss_payment", over="months", title="Gain and loss share paid for the practice's year"
)
