"""The global sum formula (Carr-Hill): a list weighted for its own ages, needs and costs.

Six indices, each against the national average, multiply the registered list: age and sex, patients
in nursing and residential homes, list turnover, additional needs, what staff cost, and rurality.
What comes of it is scaled by one national factor, so that weighted lists add up to registered
ones. That sum crosses commissioners, which no total does: the factor is the term
``formula_normalisation``, which the step `normalised_formula` fills in, each quarter or each year.

The structure is published. The coefficients are not, where anybody here could read them: they are
recalled, and every one of them is a term that says so. Powers are beyond a rule: how far patients
live, and how thinly, comes in as one ratio, which the step `rurality_ratio` prepares.
"""

from capitation.vocabulary import MONTHS_PER_YEAR, rule

# ------------------------------------------------------------------------------- who is on the list


@rule(unit="1", source="rhys-primary-care-capitation-2010")
def workload_of_men(
    share_of_list_aged_0_4,
    share_of_list_aged_5_14,
    share_of_list_aged_15_44,
    share_of_list_aged_45_64,
    share_of_list_aged_65_74,
    share_of_list_aged_75_84,
    share_of_list_aged_85_and_over,
    female_share_aged_0_4,
    female_share_aged_5_14,
    female_share_aged_15_44,
    female_share_aged_45_64,
    female_share_aged_65_74,
    female_share_aged_75_84,
    female_share_aged_85_and_over,
    workload_of_man_aged_0_4,
    workload_of_man_aged_5_14,
    workload_of_man_aged_15_44,
    workload_of_man_aged_45_64,
    workload_of_man_aged_65_74,
    workload_of_man_aged_75_84,
    workload_of_man_aged_85_and_over,
):
    """Work that men and boys make, for each patient of the list: 1 is a boy of 5 to 14."""
    boys = (
        share_of_list_aged_0_4 * (1 - female_share_aged_0_4) * workload_of_man_aged_0_4
        + share_of_list_aged_5_14 * (1 - female_share_aged_5_14) * workload_of_man_aged_5_14
    )
    adults = (
        share_of_list_aged_15_44 * (1 - female_share_aged_15_44) * workload_of_man_aged_15_44
        + share_of_list_aged_45_64 * (1 - female_share_aged_45_64) * workload_of_man_aged_45_64
    )
    older = (
        share_of_list_aged_65_74 * (1 - female_share_aged_65_74) * workload_of_man_aged_65_74
        + share_of_list_aged_75_84 * (1 - female_share_aged_75_84) * workload_of_man_aged_75_84
        + share_of_list_aged_85_and_over
        * (1 - female_share_aged_85_and_over)
        * workload_of_man_aged_85_and_over
    )
    return boys + adults + older


@rule(unit="1", source="rhys-primary-care-capitation-2010")
def workload_of_women(
    share_of_list_aged_0_4,
    share_of_list_aged_5_14,
    share_of_list_aged_15_44,
    share_of_list_aged_45_64,
    share_of_list_aged_65_74,
    share_of_list_aged_75_84,
    share_of_list_aged_85_and_over,
    female_share_aged_0_4,
    female_share_aged_5_14,
    female_share_aged_15_44,
    female_share_aged_45_64,
    female_share_aged_65_74,
    female_share_aged_75_84,
    female_share_aged_85_and_over,
    workload_of_woman_aged_0_4,
    workload_of_woman_aged_5_14,
    workload_of_woman_aged_15_44,
    workload_of_woman_aged_45_64,
    workload_of_woman_aged_65_74,
    workload_of_woman_aged_75_84,
    workload_of_woman_aged_85_and_over,
):
    """Work that women and girls make, for each patient of the list: 1 is a boy of 5 to 14."""
    girls = (
        share_of_list_aged_0_4 * female_share_aged_0_4 * workload_of_woman_aged_0_4
        + share_of_list_aged_5_14 * female_share_aged_5_14 * workload_of_woman_aged_5_14
    )
    adults = (
        share_of_list_aged_15_44 * female_share_aged_15_44 * workload_of_woman_aged_15_44
        + share_of_list_aged_45_64 * female_share_aged_45_64 * workload_of_woman_aged_45_64
    )
    older = (
        share_of_list_aged_65_74 * female_share_aged_65_74 * workload_of_woman_aged_65_74
        + share_of_list_aged_75_84 * female_share_aged_75_84 * workload_of_woman_aged_75_84
        + share_of_list_aged_85_and_over
        * female_share_aged_85_and_over
        * workload_of_woman_aged_85_and_over
    )
    return girls + adults + older


# -------------------------------------------------------------------------------------- six indices


@rule(unit="1", source="bma-global-sum-formula")
def age_sex_index(workload_of_men, workload_of_women, national_workload):
    """Work for the ages and sexes of the list, against the national average."""
    return (workload_of_men + workload_of_women) / national_workload


@rule(unit="1", source="rhys-primary-care-capitation-2010")
def nursing_home_index(share_in_nursing_homes, nursing_home_workload, national_share_in_homes):
    """Work for patients in nursing and residential homes, against the national average."""
    extra = nursing_home_workload - 1
    return (1 + share_in_nursing_homes * extra) / (1 + national_share_in_homes * extra)


@rule(unit="1", source="rhys-primary-care-capitation-2010")
def list_turnover_index(share_newly_registered, new_patient_workload, national_share_new):
    """Work for patients in their first year with the practice, against the national average."""
    extra = new_patient_workload - 1
    return (1 + share_newly_registered * extra) / (1 + national_share_new * extra)


@rule(
    unit="1",
    source="bma-global-sum-formula",
    assumption="A weighted sum of the two ratios and a constant, against that of 100 and 100.",
)
def additional_needs_index(
    limiting_illness_ratio,
    mortality_ratio_under_65,
    needs_constant,
    needs_of_limiting_illness,
    needs_of_mortality,
):
    """Work for long illness and early death, where 100 is the national average of each."""
    need = (
        needs_constant
        + needs_of_limiting_illness * limiting_illness_ratio
        + needs_of_mortality * mortality_ratio_under_65
    )
    national = needs_constant + 100 * (needs_of_limiting_illness + needs_of_mortality)
    return need / national


@rule(
    unit="1",
    source="rhys-primary-care-capitation-2010",
    assumption="Only the part of a practice's costs that pays staff moves with local wages.",
)
def staff_market_forces_index(staff_wage_ratio, staff_share_of_costs):
    """Cost of staff where the practice is, against the national average."""
    return 1 + staff_share_of_costs * (staff_wage_ratio - 1)


@rule(
    unit="1",
    source="rhys-primary-care-capitation-2010",
    assumption="Only a part of a practice's costs moves with how far and how thinly patients live.",
)
def rurality_index(rurality_of_list, rural_share_of_costs):
    """Cost of patients who live far and far apart, against the national average."""
    return 1 + rural_share_of_costs * (rurality_of_list - 1)


# ----------------------------------------------------------------------------------- weighted lists


@rule(unit="1", source="bma-global-sum-formula")
def formula_index(
    age_sex_index,
    nursing_home_index,
    list_turnover_index,
    additional_needs_index,
    staff_market_forces_index,
    rurality_index,
):
    """What a patient of the practice weighs by all six indices, before lists are scaled."""
    workload = age_sex_index * nursing_home_index * list_turnover_index * additional_needs_index
    return workload * staff_market_forces_index * rurality_index


@rule(unit="patient", source="bma-global-sum-formula")
def crude_formula_list(registered_list, formula_index):
    """Registered list times the indices: these lists do not add up to the registered ones yet."""
    return registered_list * formula_index


@rule(unit="patient", source="dh-global-sum-2010")
def formula_weighted_list(crude_formula_list, formula_normalisation):
    """Weighted list by the formula, scaled so that nationally nobody is gained or lost."""
    return crude_formula_list * formula_normalisation


@rule(
    unit="patient",
    first="base_weighted_list",
    source="bma-global-sum-formula",
    assumption="Until the first quarter begins, the weighted list of the base year stands.",
)
def payment_formula_list(previous, formula_weighted_list, first_month_of_quarter, contract_ended):
    """Weighted list that payment counts: that of the first day of the quarter."""
    counted = formula_weighted_list if first_month_of_quarter else previous
    return 0 if contract_ended else counted


@rule(unit="GBP/month", source="sfe-2013")
def formula_global_sum(payment_formula_list, net_global_sum_price_in_payment, london_payment):
    """What the practice's own ages, needs and costs are worth at the price in payment."""
    at_price = payment_formula_list * net_global_sum_price_in_payment / MONTHS_PER_YEAR
    return at_price + london_payment


@rule(
    unit="GBP/month",
    assumption="With recalled coefficients: the difference is as much theirs as the practice's.",
)
def gain_by_formula(formula_global_sum, gms_equivalent_in_payment):
    """What the formula gives over what the weighted list of the payments file does."""
    return formula_global_sum - gms_equivalent_in_payment
