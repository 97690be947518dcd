"""Gain and loss share: how the pool is divided among the parties, and how the provider is paid.

The providers' part is divided by weights among the integrated provider, the acute hospital, the
community trust and the council, each in whole pence; the commissioner has the rest of the pool. So
the five parts always add up to the pool: a gain, or a loss.

The integrated provider's part is paid, or taken back, in March through the practices that are in an
integrated contract, by their part of the contract's weighted population. The part of practices in
a virtual contract stands in a ledger that the alliance shares: no payment moves.
"""

from capitation.vocabulary import PAID_ONCE, round_to_pence, rule, total

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


@rule(
    unit="GBP/month",
    assumption="By weighted population in March: a practice that left before has no part.",
)
def gain_loss_of_practice(
    gain_to_provider,
    population_in_contract,
    contract_weighted_population,
    month_of_fiscal_year,
):
    """In March, the part of the provider's gain or loss that falls to the practice's population."""
    anyone = contract_weighted_population > 0
    share = population_in_contract / contract_weighted_population if anyone else 0
    return gain_to_provider * share / PAID_ONCE if month_of_fiscal_year == 12 else 0


@rule(
    unit="GBP/month",
    source="nhse-finance-and-payment-document-7",
    assumption="Paid, or taken back, in the year's own March, once the year is known: a year whose "
    "March is not in the run is not settled.",
)
def gain_loss_payment(gain_loss_of_practice, in_integrated_contract):
    """What the gain and loss share pays the provider for the practice's patients, or takes back."""
    return gain_loss_of_practice * in_integrated_contract


@rule(
    unit="GBP/month",
    assumption="In a virtual contract nothing legal moves: the part is noted, and not paid.",
)
def shared_ledger(gain_loss_of_practice, in_virtual_contract):
    """What the alliance's shared ledger notes for the practice's patients, without a payment."""
    return gain_loss_of_practice * in_virtual_contract


gain_loss_paid = total(
    "gain_loss_payment", over="practices", title="Gain and loss share paid for all practices"
)

gain_loss_of_year = total(
    "gain_loss_payment", over="months", title="Gain and loss share paid for the practice's year"
)
