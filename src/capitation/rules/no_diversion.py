"""No admissions are counted one by one: whatever is saved on them is in the plan of savings."""

from capitation.vocabulary import rule


@rule(unit="GBP/month", assumption="What diversion saves is in the savings promised, if anywhere.")
def saving_of_diversion(saving_promised):
    """What diverted admissions save: nothing beside the plan of savings."""
    return 0 * saving_promised
