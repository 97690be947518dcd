"""A vanguard's award against the national fund, its patients and its own contract.

What is awarded to a vanguard is a part of the fund, so much a patient, and so much of the contract
that is to stand when the money has ended: what would have to be saved for it to do so.
"""

from capitation.vocabulary import MONTHS_PER_YEAR, rule


@rule(
    unit="patient",
    assumption="Where a vanguard's population is not known (0), the weighted list of the practices "
    "in the run stands for it.",
)
def vanguard_population(vanguard_patients, commissioner_list):
    """The patients that a vanguard's money is set against."""
    return vanguard_patients if vanguard_patients > 0 else commissioner_list


@rule(unit="GBP/patient/year", assumption="The year's award over the patients of the month.")
def transformation_funding_per_head(transformation_funding, vanguard_population):
    """Transformation funding awarded, a patient and year."""
    anyone = vanguard_population > 0
    return transformation_funding * MONTHS_PER_YEAR / vanguard_population if anyone else 0


@rule(unit="GBP/patient/year", assumption="What was asked for over the patients of the month.")
def transformation_asked_per_head(
    transformation_funding, transformation_not_awarded, vanguard_population
):
    """Transformation funding asked for, a patient and year."""
    asked = transformation_funding + transformation_not_awarded
    return asked * MONTHS_PER_YEAR / vanguard_population if vanguard_population > 0 else 0


@rule(unit="1", source="hsj-vanguard-funding-2016")
def transformation_share_awarded(transformation_funding, transformation_not_awarded):
    """The part of what was asked for that was awarded."""
    asked = transformation_funding + transformation_not_awarded
    return transformation_funding / asked if asked > 0 else 0


@rule(
    unit="1",
    source="hsj-vanguard-funding-2015",
    assumption="The national fund of a year stands beside the awards of the same year.",
)
def share_of_national_fund(
    transformation_funding, vanguard_national_fund, vanguard_share_of_national_fund
):
    """The vanguard's part of what reached the vanguards of the national fund."""
    reached = vanguard_national_fund * vanguard_share_of_national_fund
    return transformation_funding * MONTHS_PER_YEAR / reached if reached > 0 else 0


@rule(
    unit="GBP/year",
    source="hsj-dudley-mcp",
    assumption="Where a vanguard's own contract has no published value, Dudley's a head stands for "
    "it, over the vanguard's patients.",
)
def vanguard_contract_value(
    vanguard_contract_value_given, vanguard_contract_value_per_head, vanguard_population
):
    """What the vanguard's own contract is worth a year."""
    by_head = vanguard_contract_value_per_head * vanguard_population
    return vanguard_contract_value_given if vanguard_contract_value_given > 0 else by_head


@rule(
    unit="1",
    assumption="What the programme money pays for goes on when the money ends, and has to be found "
    "in the contract.",
)
def saving_needed_without_funding(
    transformation_funding, transformation_matched, vanguard_contract_value
):
    """Part of its contract that a vanguard must save to stand without programme money."""
    money = (transformation_funding + transformation_matched) * MONTHS_PER_YEAR
    return money / vanguard_contract_value if vanguard_contract_value > 0 else 0


@rule(
    unit="GBP/month",
    assumption="The award is shown by practice by weighted list: it goes to the vanguard.",
)
def transformation_payment(transformation_funding, payment_weighted_list, commissioner_list):
    """The practice's patients' part of the transformation funding."""
    anyone = commissioner_list > 0
    return transformation_funding * payment_weighted_list / commissioner_list if anyone else 0
