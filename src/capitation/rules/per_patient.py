"""A scheme that offers so much a weighted patient, whatever else the practice is paid."""

from capitation.vocabulary import MONTHS_PER_YEAR, rule, total


@rule(
    unit="GBP/month",
    source="gponline-eastern-cheshire",
    assumption="Offered in twelfths, on the list that payment counts.",
)
def scheme_offer(scheme_price_per_weighted_patient, payment_weighted_list):
    """A twelfth of the scheme's price for each weighted patient."""
    return scheme_price_per_weighted_patient * payment_weighted_list / MONTHS_PER_YEAR


scheme_offer_of_year = total(
    "scheme_offer", over="months", title="What the scheme offers the practice in the year"
)
