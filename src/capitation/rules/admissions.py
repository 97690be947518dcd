"""Emergency admissions to come: a rate for each practice, trend and season, and the programme.

The count is the rate times the list, moved by trend, season and programme, and it varies by chance:
a practice keeps its own level, and each month scatters around it. The year before a projection, and
those before that, are in ``admissions_history``; both modules go together.
"""

from capitation.vocabulary import MONTHS_PER_YEAR, constant, gamma, negative_binomial, rule, total

MONTHS_SINCE_MID_YEAR = constant(5.5, "1")
"""From the middle of the base year, which its mean stands for, to the middle of its last month."""


# ---------------------------------------------------------------------- how many a patient a year


@rule(
    unit="admission/patient/year",
    assumption="A practice's patients are admitted at national rates for their ages; deprivation "
    "and distance are part of how practices vary.",
)
def admission_rate_for_age(
    share_of_list_aged_0_4,
    share_of_list_aged_5_14,
    share_of_list_aged_15_44,
    share_of_list_aged_45_64,
    share_of_list_aged_65_74,
    share_of_list_aged_75_84,
    share_of_list_aged_85_and_over,
    base_admission_rate_aged_0_4,
    base_admission_rate_aged_5_14,
    base_admission_rate_aged_15_44,
    base_admission_rate_aged_45_64,
    base_admission_rate_aged_65_74,
    base_admission_rate_aged_75_84,
    base_admission_rate_aged_85_and_over,
):
    """Admissions a patient a year at national rates for the ages on the list."""
    children = (
        share_of_list_aged_0_4 * base_admission_rate_aged_0_4
        + share_of_list_aged_5_14 * base_admission_rate_aged_5_14
    )
    adults = (
        share_of_list_aged_15_44 * base_admission_rate_aged_15_44
        + share_of_list_aged_45_64 * base_admission_rate_aged_45_64
    )
    older = (
        share_of_list_aged_65_74 * base_admission_rate_aged_65_74
        + share_of_list_aged_75_84 * base_admission_rate_aged_75_84
        + share_of_list_aged_85_and_over * base_admission_rate_aged_85_and_over
    )
    return children + adults + older


@rule(
    unit="admission/patient/year",
    assumption="A count given for the base year is taken as the practice's own level, chance and "
    "all: that it will fall back towards the mean is left out.",
)
def expected_admission_rate(base_year_admissions, base_registered_list, admission_rate_for_age):
    """Admissions a patient a year to expect: the practice's own if known, or else for its ages."""
    known = base_year_admissions > 0 and base_registered_list > 0
    return base_year_admissions / base_registered_list if known else admission_rate_for_age


@rule(
    unit="1",
    assumption="A practice whose count is given is at its own level; others vary around the rate "
    "for their ages.",
)
def variation_of_practice_rates(base_year_admissions, base_practice_level_variation):
    """Coefficient of variation of practices' lasting levels around what is expected."""
    return 0 if base_year_admissions > 0 else base_practice_level_variation


@rule(
    unit="admission/patient/year",
    drawn=gamma("variation_of_practice_rates"),
    assumption="Practices' lasting levels are spread as a gamma distribution; a practice keeps its "
    "level in every year.",
)
def underlying_admission_rate(expected_admission_rate):
    """The practice's lasting level, in admissions a patient in the base year."""
    return expected_admission_rate


# --------------------------------------------------------------------- trend, season and programme


@rule(
    unit="1",
    assumption="A year's rate is that of its middle; the trend runs on from there, at the base "
    "year's mean until the first month.",
)
def trend_at_end_of_base_year(base_monthly_admissions_trend):
    """Admissions a patient in the base year's last month, over the mean of that year."""
    return 1 + base_monthly_admissions_trend * MONTHS_SINCE_MID_YEAR


@rule(
    unit="1",
    first="trend_at_end_of_base_year",
    assumption="Admissions a patient move by the same share every month, whoever the practice is.",
)
def admissions_trend_index(previous, monthly_admissions_trend):
    """Admissions a patient, over those of the base year."""
    return previous * (1 + monthly_admissions_trend)


@rule(unit="1", assumption="The season is the same in every year and for every practice.")
def season(
    month_of_fiscal_year,
    season_in_april,
    season_in_may,
    season_in_june,
    season_in_july,
    season_in_august,
    season_in_september,
    season_in_october,
    season_in_november,
    season_in_december,
    season_in_january,
    season_in_february,
    season_in_march,
):
    """The month's admissions over those of a mean month."""
    return (
        season_in_april
        if month_of_fiscal_year == 1
        else season_in_may
        if month_of_fiscal_year == 2
        else season_in_june
        if month_of_fiscal_year == 3
        else season_in_july
        if month_of_fiscal_year == 4
        else season_in_august
        if month_of_fiscal_year == 5
        else season_in_september
        if month_of_fiscal_year == 6
        else season_in_october
        if month_of_fiscal_year == 7
        else season_in_november
        if month_of_fiscal_year == 8
        else season_in_december
        if month_of_fiscal_year == 9
        else season_in_january
        if month_of_fiscal_year == 10
        else season_in_february
        if month_of_fiscal_year == 11
        else season_in_march
    )


@rule(
    unit="1",
    assumption="The programme prevents the same share of every practice's admissions, once it has "
    "built up.",
)
def programme_effect(programme_reduction, programme_ramp):
    """Share of admissions that the programme prevents in the month."""
    return programme_reduction * programme_ramp


# ------------------------------------------------------------------------------ what is to be seen


@rule(
    unit="admission/month",
    assumption="Expected: the list, the practice's rate if known or else that for its ages, trend "
    "and season.",
)
def expected_by_age(registered_list, expected_admission_rate, admissions_trend_index, season):
    """Admissions expected of a list of this size and age, before practices' own levels."""
    a_year = registered_list * expected_admission_rate * admissions_trend_index
    return a_year * season / MONTHS_PER_YEAR


@rule(
    unit="admission/month",
    assumption="Expected: the list, the practice's lasting level, trend and season.",
)
def expected_without_programme(
    registered_list, underlying_admission_rate, admissions_trend_index, season
):
    """Admissions expected of the practice, had there been no programme."""
    a_year = registered_list * underlying_admission_rate * admissions_trend_index
    return a_year * season / MONTHS_PER_YEAR


@rule(
    unit="admission/month",
    assumption="The programme takes its share off whatever the practice's level is.",
)
def expected_admissions(expected_without_programme, programme_effect):
    """Admissions expected of the practice under the programme."""
    return expected_without_programme * (1 - programme_effect)


@rule(
    unit="admission/month",
    drawn=negative_binomial("admissions_overdispersion"),
    assumption="Counts are negative binomial: their variance is a fixed multiple of their mean.",
)
def emergency_admissions(expected_admissions):
    """Emergency admissions of the practice's patients."""
    return expected_admissions


@rule(
    unit="admission/month",
    drawn=negative_binomial("admissions_overdispersion", like="emergency_admissions"),
    assumption="The same luck as with the programme, so that the two differ by its effect alone.",
)
def admissions_without_programme(expected_without_programme):
    """Emergency admissions that there would have been without the programme."""
    return expected_without_programme


emergency_admissions_of_year = total(
    "emergency_admissions",
    over="months",
    title="Emergency admissions in the year",
    first="admissions_in_base_year",
)

admissions_without_programme_of_year = total(
    "admissions_without_programme",
    over="months",
    title="Emergency admissions in the year, had there been no programme",
)

expected_by_age_of_year = total(
    "expected_by_age",
    over="months",
    title="Admissions expected of the list in the year",
    first="expected_in_base_year",
)
