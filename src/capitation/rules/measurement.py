"""How a fall in emergency admissions is measured, and graded: what is compared with what.

A practice's count moves by chance alone. Three things make chance smaller: a mean of three years,
practices taken together, and an expectation in place of last year's count. A dead band then pays
nothing for what chance could still have done. A year of which months are missing is not measured.
"""

from capitation.vocabulary import A_YEAR, AN_ADMISSION, rule, total


@rule(unit="admission/year", assumption="A plain mean of the base year and the two before it.")
def three_year_baseline(
    admissions_in_base_year, admissions_a_year_before_base, admissions_two_years_before_base
):
    """Mean yearly admissions of the three years up to the base year."""
    before = admissions_a_year_before_base + admissions_two_years_before_base
    return (admissions_in_base_year + before) / 3


@rule(unit="admission/year", assumption="Three years are a plain mean of this year and two before.")
def measured_admissions(
    emergency_admissions_of_year,
    admissions_a_year_ago,
    admissions_two_years_ago,
    measure_over_three_years_for_the_year,
):
    """What is measured: the year's admissions, or the mean of the last three years."""
    three_years = emergency_admissions_of_year + admissions_a_year_ago + admissions_two_years_ago
    return (
        three_years / 3 if measure_over_three_years_for_the_year else emergency_admissions_of_year
    )


@rule(
    unit="admission/year",
    assumption="A three-year mean is held against the mean of the three years up to the base year, "
    "two of which it still contains in its first year, and one in its second. The base year is "
    "a fixed comparator: it allows for neither the list's growth nor the trend.",
)
def comparator_admissions(
    admissions_a_year_ago,
    admissions_in_base_year,
    three_year_baseline,
    expected_by_age_of_year,
    expected_a_year_ago,
    expected_two_years_ago,
    measure_over_three_years_for_the_year,
    measure_against_expected_for_the_year,
    measure_against_base_year_for_the_year,
):
    """What it is measured against: expected admissions, the base years' or last year's."""
    three_expected = (expected_by_age_of_year + expected_a_year_ago + expected_two_years_ago) / 3
    over_three = measure_over_three_years_for_the_year
    expected = three_expected if over_three else expected_by_age_of_year
    one_year = (
        admissions_in_base_year if measure_against_base_year_for_the_year else admissions_a_year_ago
    )
    counted = three_year_baseline if over_three else one_year
    return expected if measure_against_expected_for_the_year else counted


pooled_measured_admissions = total(
    "measured_admissions", over="practices", title="Admissions measured, practices together"
)

pooled_comparator_admissions = total(
    "comparator_admissions", over="practices", title="Admissions compared with, practices together"
)


@rule(unit="1", assumption="The years up to the base year are whole.")
def three_whole_years():
    """Whole years in a row before the first year of the run, up to three."""
    return 3


@rule(
    unit="1",
    first="three_whole_years",
    assumption="Up to three, which is as far back as anything is measured.",
)
def whole_years_in_a_row(previous, share_of_year):
    """Years in a row up to this one with all their months in the run, or before it."""
    return min(previous + 1, 3) if share_of_year >= 1 else 0


@rule(
    unit="1",
    assumption="A year of which months are missing is not measured, nor is a later one that would "
    "be measured with it or against it.",
)
def year_is_measured(
    whole_years_in_a_row,
    measure_over_three_years_for_the_year,
    measure_against_expected_for_the_year,
    measure_against_base_year_for_the_year,
):
    """Whether all the years that the measurement needs are whole."""
    last_year_too = not (
        measure_against_expected_for_the_year or measure_against_base_year_for_the_year
    )
    one_year = 2 if last_year_too else 1
    needed = 3 if measure_over_three_years_for_the_year else one_year
    return 1 if whole_years_in_a_row >= needed else 0


@rule(
    unit="1",
    assumption="Practices taken together share one result; nothing to compare, no fall, and none "
    "in a year of which months are missing.",
)
def fall_in_admissions(
    measured_admissions,
    comparator_admissions,
    pooled_measured_admissions,
    pooled_comparator_admissions,
    year_is_measured,
    measure_pooled_for_the_year,
):
    """Share by which admissions fell, of the practice or of all practices together."""
    pooled = measure_pooled_for_the_year
    measured = pooled_measured_admissions if pooled else measured_admissions
    comparator = pooled_comparator_admissions if pooled else comparator_admissions
    return 1 - measured / comparator if year_is_measured and comparator > 0 else 0


@rule(
    unit="1",
    assumption="Two counts vary as much as each other, years and practices independently. An "
    "expectation from ages does not vary by chance, but practices differ from it by more than "
    "chance; one that rests on the practice's own count of the base year varies as that one count, "
    "in three years' mean too. Both are left out of a pool, in which they even out. So are the "
    "years that two three-year means share: the first two years' band is wider than chance needs.",
)
def variance_of_fall(
    comparator_admissions,
    pooled_comparator_admissions,
    base_year_admissions,
    variation_of_practice_rates,
    admissions_overdispersion_for_the_year,
    measure_over_three_years_for_the_year,
    measure_pooled_for_the_year,
    measure_against_expected_for_the_year,
):
    """Variance of the fall that there is with no effect at all, from chance and from practices."""
    pooled = measure_pooled_for_the_year
    comparator = pooled_comparator_admissions if pooled else comparator_admissions
    years = 3 if measure_over_three_years_for_the_year else 1
    expected = measure_against_expected_for_the_year
    expected_of_one = expected and not pooled
    rests_on_a_count = expected_of_one and base_year_admissions > 0
    against_expected = 1 + years if rests_on_a_count else 1
    counts = against_expected if expected else 2
    admissions = comparator * years * A_YEAR / AN_ADMISSION
    level = variation_of_practice_rates if expected_of_one else 0
    chance = admissions_overdispersion_for_the_year * counts / admissions if admissions > 0 else 0
    return chance + level * level if admissions > 0 else 0


@rule(
    unit="1",
    assumption="The dead band is so many standard deviations of chance: a fall within it is taken "
    "as chance.",
)
def beyond_chance(fall_in_admissions, variance_of_fall, dead_band_for_the_year):
    """Whether admissions fell, and by as much as the dead band or more."""
    squared = fall_in_admissions * fall_in_admissions
    band = dead_band_for_the_year * dead_band_for_the_year * variance_of_fall
    return 1 if fall_in_admissions > 0 and squared >= band else 0


@rule(
    unit="1",
    assumption="Between the first fall that pays and the fall that pays in full, the grade rises "
    "in a straight line.",
)
def grade_for_admissions(
    fall_in_admissions,
    beyond_chance,
    fall_for_first_payment_for_the_year,
    fall_for_full_payment_for_the_year,
):
    """Grade of the admissions standard, from 0 to 1."""
    above_first = fall_in_admissions - fall_for_first_payment_for_the_year
    whole_way = fall_for_full_payment_for_the_year - fall_for_first_payment_for_the_year
    in_part = above_first / whole_way if above_first > 0 and whole_way > 0 else 0
    grade = 1 if fall_in_admissions >= fall_for_full_payment_for_the_year else in_part
    return grade if beyond_chance else 0
