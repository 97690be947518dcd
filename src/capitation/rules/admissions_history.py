"""Emergency admissions of years gone by: the base year, the two before it, and each last year.

A count that is given is certain. One that is not is drawn around what is expected of the practice,
less a year's trend for each year back.
"""

from capitation.vocabulary import A_MONTH, A_YEAR, MONTHS_PER_YEAR, negative_binomial, rule


@rule(
    unit="1",
    assumption="Years before the base year: twelve times its mean monthly trend lower, each, on "
    "the base year's list.",
)
def growth_of_a_year(base_monthly_admissions_trend):
    """A year's admissions over those of the year before, from trend alone."""
    return 1 + base_monthly_admissions_trend * MONTHS_PER_YEAR * A_YEAR / A_MONTH


# ------------------------------------------------------------------------- how uncertain a count is


@rule(unit="1", assumption="A count that is given is certain; 0 stands for not given.")
def noise_of_base_year(base_year_admissions, base_admissions_overdispersion):
    """Overdispersion of the base year's count: none if it is given."""
    return 0 if base_year_admissions > 0 else base_admissions_overdispersion


@rule(unit="1", assumption="A count that is given is certain; 0 stands for not given.")
def noise_a_year_before_base(admissions_a_year_before_given, base_admissions_overdispersion):
    """Overdispersion of the count a year before the base year: none if it is given."""
    return 0 if admissions_a_year_before_given > 0 else base_admissions_overdispersion


@rule(unit="1", assumption="A count that is given is certain; 0 stands for not given.")
def noise_two_years_before_base(admissions_two_years_before_given, base_admissions_overdispersion):
    """Overdispersion of the count two years before the base year: none if it is given."""
    return 0 if admissions_two_years_before_given > 0 else base_admissions_overdispersion


# ------------------------------------------------------------------------------ what was expected


@rule(unit="admission/year", assumption="Expected: the rate of the base year on its list.")
def expected_in_base_year(expected_admission_rate, base_registered_list):
    """Admissions expected of the list in the base year."""
    return expected_admission_rate * base_registered_list


@rule(unit="admission/year", assumption="A year's trend below the base year.")
def expected_a_year_before_base(expected_in_base_year, growth_of_a_year):
    """Admissions expected of the list a year before the base year."""
    return expected_in_base_year / growth_of_a_year


# ------------------------------------------------------------------------------ what was counted


@rule(
    unit="admission/year",
    drawn=negative_binomial("noise_of_base_year"),
    assumption="Where no count is given, one is drawn around the practice's lasting level.",
)
def admissions_in_base_year(underlying_admission_rate, base_registered_list):
    """Emergency admissions in the base year."""
    return underlying_admission_rate * base_registered_list


@rule(
    unit="admission/year",
    drawn=negative_binomial("noise_a_year_before_base"),
    assumption="Where no count is given, one is drawn around the practice's lasting level.",
)
def admissions_a_year_before_base(
    admissions_a_year_before_given,
    underlying_admission_rate,
    base_registered_list,
    growth_of_a_year,
):
    """Emergency admissions a year before the base year."""
    expected = underlying_admission_rate * base_registered_list / growth_of_a_year
    given = admissions_a_year_before_given > 0
    return admissions_a_year_before_given if given else expected


@rule(
    unit="admission/year",
    drawn=negative_binomial("noise_two_years_before_base"),
    assumption="Where no count is given, one is drawn around the practice's lasting level.",
)
def admissions_two_years_before_base(
    admissions_two_years_before_given,
    underlying_admission_rate,
    base_registered_list,
    growth_of_a_year,
):
    """Emergency admissions two years before the base year."""
    a_year_before = underlying_admission_rate * base_registered_list / growth_of_a_year
    given = admissions_two_years_before_given > 0
    return admissions_two_years_before_given if given else a_year_before / growth_of_a_year


# ----------------------------------------------------------------- one and two years ago, each year


@rule(
    unit="admission/year",
    first="admissions_a_year_before_base",
    assumption="A year's count stands as it was: no later correction.",
)
def admissions_a_year_ago(previous_emergency_admissions_of_year):
    """Emergency admissions in the year before."""
    return previous_emergency_admissions_of_year


@rule(
    unit="admission/year",
    assumption="A year's count stands as it was: no later correction.",
)
def admissions_two_years_ago(previous_admissions_a_year_ago):
    """Emergency admissions two years before."""
    return previous_admissions_a_year_ago


@rule(
    unit="admission/year",
    first="expected_a_year_before_base",
    assumption="What was expected a year ago is not worked out anew.",
)
def expected_a_year_ago(previous_expected_by_age_of_year):
    """Admissions expected of the list in the year before."""
    return previous_expected_by_age_of_year


@rule(
    unit="admission/year",
    assumption="What was expected two years ago is not worked out anew.",
)
def expected_two_years_ago(previous_expected_a_year_ago):
    """Admissions expected of the list two years before."""
    return previous_expected_a_year_ago
