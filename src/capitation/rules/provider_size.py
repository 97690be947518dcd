"""Whether a contract has the people that its kind of provider is meant for.

A single neighbourhood provider is meant for about 50,000 people, a multi-neighbourhood provider for
250,000 or more. Registered patients of the practices in the contract count, in any of its forms.
"""

from capitation.vocabulary import rule, total


@rule(unit="patient", source="pulse-neighbourhood-sizes")
def registered_in_contract(payment_registered_list, contract_form):
    """The practice's registered patients, if it is in the contract."""
    return payment_registered_list if contract_form > 0 else 0


contract_registered_list = total(
    "registered_in_contract", over="practices", title="Registered patients of the contract"
)


@rule(unit="patient", source="pulse-neighbourhood-sizes")
def people_short_of_provider(contract_registered_list, provider_people_least):
    """How many people the contract has fewer than its kind of provider is meant for."""
    return max(provider_people_least - contract_registered_list, 0)


@rule(
    unit="patient",
    source="pulse-neighbourhood-sizes",
    assumption="A most of nothing stands for no most.",
)
def people_beyond_provider(contract_registered_list, provider_people_most):
    """How many people the contract has more than its kind of provider is meant for."""
    beyond = max(contract_registered_list - provider_people_most, 0)
    return beyond if provider_people_most > 0 else 0


@rule(unit="1", source="pulse-neighbourhood-sizes")
def provider_size_fits(people_short_of_provider, people_beyond_provider):
    """Whether the contract has as many people as its kind of provider is meant for (1)."""
    return 1 if people_short_of_provider + people_beyond_provider == 0 else 0
