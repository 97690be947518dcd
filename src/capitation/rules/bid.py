"""A bid for five years: a price that falls every year, against care that costs more every year.

Known are what was bid over five years, the first year's part of it, and the net savings promised
with it. What care would cost if nothing were done is the two together; a yearly growth spreads it
over the years. The price falls by the same amount every year, so that the five add up to the whole.
Nobody shares gains, no services are moved, and the contract runs from the first month.
"""

from capitation.vocabulary import A_YEAR, MONTHS_PER_YEAR, constant, rule

YEARS = constant(5, "1")
"""Years of the contract."""

FALLS = constant(10, "1")
"""0 + 1 + 2 + 3 + 4: how often the yearly fall counts in five years."""

# ------------------------------------------------------------------------------- care, by year


@rule(unit="1", assumption="Growth counts from the year before the contract.")
def care_index_at_start():
    """Index of the cost of care in the year before the contract."""
    return 1


@rule(
    unit="1",
    first="care_index_at_start",
    assumption="Care grows on 1 April, by the same share every year.",
)
def care_index(previous, care_growth, month_of_fiscal_year):
    """The cost of care if nothing is done, as a multiple of the year before the contract."""
    return previous * (1 + care_growth) if month_of_fiscal_year == 1 else previous


@rule(
    unit="GBP/year",
    source="nao-unitingcare",
    assumption="Care if nothing were done is, over the five years, what was bid and the net "
    "savings promised; the growth that spreads it over them is assumed.",
)
def spend_at_start(bid_price, savings_promised_over_term, care_growth):
    """What care in scope cost in the year before the contract."""
    q = 1 + care_growth
    years = q * (1 + q * (1 + q * (1 + q * (1 + q))))
    return (bid_price + savings_promised_over_term) / years / A_YEAR


@rule(unit="GBP/month", assumption="By practice, care is shown by weighted list.")
def do_nothing_of_practice(spend_at_start, care_index, payment_weighted_list, commissioner_list):
    """What care in scope would cost for the practice's patients if nothing were done."""
    of_all = spend_at_start * care_index / MONTHS_PER_YEAR
    return of_all * payment_weighted_list / commissioner_list if commissioner_list > 0 else 0


# ------------------------------------------------------------------------------ price, by year


@rule(unit="1", assumption="The first year of the contract is year 0.")
def year_before_first():
    """Number of the year before the contract."""
    return -1


@rule(unit="1", first="year_before_first", assumption="A new year begins on 1 April.")
def years_since_first(previous, month_of_fiscal_year):
    """How many years after its first the contract is in: none in the first."""
    return previous + 1 if month_of_fiscal_year == 1 else previous


@rule(
    unit="GBP/year",
    source="nao-unitingcare",
    assumption="The price falls by the same amount every year.",
)
def bid_price_of_year(bid_price, first_year_share_of_price, years_since_first):
    """What was bid for the year."""
    first_year = bid_price * first_year_share_of_price
    fall = (YEARS * first_year - bid_price) / FALLS
    return (first_year - fall * years_since_first) / A_YEAR


@rule(
    unit="GBP/year",
    source="nao-unitingcare",
    assumption="Whatever price is agreed has the bid's shape. What is agreed on top of it for "
    "a year is paid in that year.",
)
def contract_price_of_year(
    contract_price, first_year_share_of_price, years_since_first, price_on_top
):
    """What the contract pays for the year."""
    first_year = contract_price * first_year_share_of_price
    fall = (YEARS * first_year - contract_price) / FALLS
    return (first_year - fall * years_since_first) / A_YEAR + price_on_top


@rule(unit="GBP/month", assumption="A price of a year is paid in twelfths, shown by weighted list.")
def contract_payment(contract_price_of_year, payment_weighted_list, commissioner_list):
    """What the contract pays for the practice's patients, in the month."""
    of_all = contract_price_of_year / MONTHS_PER_YEAR
    return of_all * payment_weighted_list / commissioner_list if commissioner_list > 0 else 0


@rule(unit="GBP/month", assumption="The price is all that the contract pays.")
def provider_income_of_practice(contract_payment):
    """What the provider is paid for the practice's patients."""
    return contract_payment


@rule(
    unit="GBP/month",
    source="nao-unitingcare",
    assumption="The bid counts on saving, in every year, what care would cost over its own price.",
)
def saving_promised(spend_at_start, care_index, bid_price_of_year):
    """What the bid says is saved in the month, net of what takes its place."""
    return (spend_at_start * care_index - bid_price_of_year) / MONTHS_PER_YEAR


# ------------------------------------------------------------------ what else the tests ask for


@rule(unit="1", assumption="The contract runs from the first month, wherever there are patients.")
def contract_runs(commissioner_list):
    """Whether the contract runs (1)."""
    return 1 if commissioner_list > 0 else 0


@rule(unit="GBP/month", assumption="The bid shares no gains and losses.")
def gains_of_others(contract_price_of_year):
    """What others than the provider have of a gain and loss share: there is none."""
    return 0 * contract_price_of_year / MONTHS_PER_YEAR


@rule(unit="GBP/month", assumption="No services are moved into the contract or out of it.")
def allocation_moved(contract_price_of_year):
    """Allocation that came with services moved in: none."""
    return 0 * contract_price_of_year / MONTHS_PER_YEAR
