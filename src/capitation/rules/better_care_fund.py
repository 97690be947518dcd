"""The Better Care Fund's payment for performance: so much for each admission fewer than before.

At each quarter's end the reduction since the beginning is valued, up to the pot for the planned
reduction. What has been paid is not taken back.
"""

from capitation.vocabulary import A_MONTH, A_YEAR, MONTHS_PER_YEAR, rule, total

base_year_count = total(
    "admissions_in_base_year", over="practices", title="Emergency admissions in the base year"
)

commissioner_admissions_of_month = total(
    "emergency_admissions", over="practices", title="Emergency admissions of all practices"
)


@rule(
    unit="admission/month",
    source="pac-better-care-fund",
    assumption="The same month of the base year, as recalled; its count by month is the year's, by "
    "season.",
)
def better_care_fund_comparator(base_year_count, season):
    """Admissions in the same month of the base year."""
    return base_year_count * season / MONTHS_PER_YEAR


@rule(unit="admission", assumption="Nothing is carried in from before the first month.")
def no_reduction_yet():
    """Reduction before the first month: none."""
    return 0


@rule(
    unit="admission",
    first="no_reduction_yet",
    source="pac-better-care-fund",
    assumption="Added up since the fund came into force, as recalled; a rise takes away from it.",
)
def reduction_to_date(
    previous,
    better_care_fund_comparator,
    commissioner_admissions_of_month,
    better_care_fund_in_force,
):
    """Admissions fewer than in the base year's same months, so far."""
    fewer = (better_care_fund_comparator - commissioner_admissions_of_month) * A_MONTH
    return previous + fewer if better_care_fund_in_force else 0


@rule(
    unit="GBP",
    source="pac-better-care-fund",
    assumption="The pot is the planned reduction of the base year's admissions, as recalled.",
)
def better_care_fund_pot(better_care_fund_target, base_year_count, better_care_fund_price):
    """The most that can be paid: the planned reduction, at the fund's price."""
    planned = better_care_fund_target * base_year_count * A_YEAR
    return planned * better_care_fund_price


@rule(unit="GBP", assumption="Nothing is carried in from before the first month.")
def nothing_paid_yet():
    """Payment before the first month: none."""
    return 0


@rule(
    unit="GBP",
    first="nothing_paid_yet",
    source="pac-better-care-fund",
    assumption="Tested at each quarter's end on the reduction to date, up to the pot, as recalled; "
    "what was paid stays paid.",
)
def better_care_fund_paid_to_date(
    previous,
    reduction_to_date,
    better_care_fund_price,
    better_care_fund_pot,
    better_care_fund_in_force,
    last_month_of_quarter,
):
    """What the fund has paid for the reduction to date, up to the pot."""
    earned = min(max(reduction_to_date, 0) * better_care_fund_price, better_care_fund_pot)
    tested = better_care_fund_in_force and last_month_of_quarter
    return max(previous, earned) if tested else previous


@rule(unit="GBP/month", source="pac-better-care-fund")
def better_care_fund_payment(better_care_fund_paid_to_date, previous_better_care_fund_paid_to_date):
    """What the fund pays the commissioner in the month."""
    return (better_care_fund_paid_to_date - previous_better_care_fund_paid_to_date) / A_MONTH


better_care_fund_payment_of_year = total(
    "better_care_fund_payment", over="months", title="Better Care Fund payment in the year"
)
