"""What standards earn of a scheme's offer: mandatory ones all or nothing, the others by grade.

``mandatory_standards_met`` and ``graded_standards_achieved`` come from the model's own standards.
"""

from capitation.vocabulary import rule


@rule(unit="GBP/year", source="pulse-bolton-95")
def mandatory_standards_payment(
    scheme_offer_of_year, mandatory_standards_share_for_the_year, mandatory_standards_met
):
    """The part for the mandatory standards: all of it, or nothing."""
    part = scheme_offer_of_year * mandatory_standards_share_for_the_year
    return part if mandatory_standards_met else 0


@rule(unit="GBP/year", source="pulse-bolton-95")
def graded_standards_payment(
    scheme_offer_of_year, mandatory_standards_share_for_the_year, graded_standards_achieved
):
    """The part for the other standards, in proportion to what is achieved."""
    part = scheme_offer_of_year * (1 - mandatory_standards_share_for_the_year)
    return part * graded_standards_achieved


@rule(unit="GBP/year", source="pulse-bolton-95")
def standards_payment(mandatory_standards_payment, graded_standards_payment):
    """What the year's standards earn, before any condition on the scheme as a whole."""
    return mandatory_standards_payment + graded_standards_payment
