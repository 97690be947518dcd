"""How the hospital is paid for emergency admissions, and so what a diverted one is worth.

Fixed: the plan is paid whatever happens, and a diverted admission frees nothing. Variable: every
admission at its price. Blended: the plan, with part of the price of what lies above or below it:
20% both ways in 2019/20, 30% or 70% above a baseline and all below under the marginal rate. What
the payer saves, the hospital loses; only part of its cost falls with the admission.
"""

from capitation.vocabulary import MONTHS_PER_YEAR, constant, rule, total

FIXED = constant(0, "1")
"""Form of the hospital's payment: the plan, whatever happens."""

VARIABLE = constant(1, "1")
"""Form of the hospital's payment: every admission at its price."""

# ------------------------------------------------------------------------------------- admissions


@rule(
    unit="admission/month",
    assumption="The plan moves with the contract's weighted population; a twelfth each month.",
)
def hospital_admissions_planned(contract_weighted_population, hospital_admission_rate):
    """Emergency admissions that the hospital's payment plans for."""
    return contract_weighted_population * hospital_admission_rate / MONTHS_PER_YEAR


@rule(
    unit="admission/month",
    assumption="How far activity lies over the plan, with none diverted, is the scenario's own.",
)
def hospital_admissions_without(hospital_admissions_planned, hospital_activity_over_plan):
    """Emergency admissions, had none been diverted."""
    return hospital_admissions_planned * (1 + hospital_activity_over_plan)


@rule(
    unit="admission/month",
    assumption="The share of admissions that care outside hospital diverts is the scenario's own.",
)
def admissions_diverted(hospital_admissions_without, admissions_diverted_share):
    """Emergency admissions that care outside hospital takes the place of."""
    return hospital_admissions_without * admissions_diverted_share


planned_of_year = total(
    "hospital_admissions_planned", over="months", title="Admissions planned for the year"
)

without_diversion_of_year = total(
    "hospital_admissions_without", over="months", title="Admissions of the year, had none diverted"
)

diverted_of_year = total("admissions_diverted", over="months", title="Admissions diverted")

# -------------------------------------------------------------------------------------- the price


@rule(
    unit="1",
    source="hsj-blended-tariff",
    assumption="Fixed: nothing; variable: all; blended: the share that the regime says.",
)
def share_paid_above_plan(hospital_payment_form_for_the_year, blended_share_above_for_the_year):
    """Part of the price that is paid for an admission above the plan."""
    in_part = hospital_payment_form_for_the_year > VARIABLE
    whole = 1 if hospital_payment_form_for_the_year == VARIABLE else 0
    return blended_share_above_for_the_year if in_part else whole


@rule(
    unit="1",
    source="hsj-blended-tariff",
    assumption="Fixed: nothing; variable: all; blended: the share that the regime says.",
)
def share_saved_below_plan(hospital_payment_form_for_the_year, blended_share_below_for_the_year):
    """Part of the price that is saved for an admission fewer than planned."""
    in_part = hospital_payment_form_for_the_year > VARIABLE
    whole = 1 if hospital_payment_form_for_the_year == VARIABLE else 0
    return blended_share_below_for_the_year if in_part else whole


@rule(
    unit="GBP/year",
    assumption="Admissions over or under the plan are at the mean price.",
)
def hospital_payment_without(
    planned_of_year,
    without_diversion_of_year,
    admission_price_for_the_year,
    share_paid_above_plan,
    share_saved_below_plan,
):
    """What the hospital is paid for emergency admissions, had none been diverted."""
    over = (without_diversion_of_year - planned_of_year) * admission_price_for_the_year
    plan = planned_of_year * admission_price_for_the_year
    return plan + max(over, 0) * share_paid_above_plan + min(over, 0) * share_saved_below_plan


@rule(
    unit="GBP/year",
    assumption="A diverted admission is cheaper than the mean one: a share of its price.",
)
def hospital_payment(
    planned_of_year,
    without_diversion_of_year,
    diverted_of_year,
    admission_price_for_the_year,
    avoided_admission_price_share_for_the_year,
    share_paid_above_plan,
    share_saved_below_plan,
):
    """What the hospital is paid for emergency admissions, with those diverted."""
    fewer = diverted_of_year * avoided_admission_price_share_for_the_year
    over = (without_diversion_of_year - planned_of_year - fewer) * admission_price_for_the_year
    plan = planned_of_year * admission_price_for_the_year
    return plan + max(over, 0) * share_paid_above_plan + min(over, 0) * share_saved_below_plan


# -------------------------------------------------------------------------------- what it is worth


@rule(unit="GBP/year", assumption="What the hospital is paid less, whoever pays it.")
def saved_on_diverted(hospital_payment_without, hospital_payment):
    """What whoever pays the hospital saves on diverted admissions."""
    return hospital_payment_without - hospital_payment


@rule(
    unit="GBP/admission",
    assumption="Where none is diverted, what the next one below the plan would save.",
)
def marginal_admission_price(
    saved_on_diverted,
    diverted_of_year,
    admission_price_for_the_year,
    avoided_admission_price_share_for_the_year,
    share_saved_below_plan,
):
    """What one diverted admission saves whoever pays the hospital."""
    price = admission_price_for_the_year * avoided_admission_price_share_for_the_year
    any_diverted = diverted_of_year > 0
    return saved_on_diverted / diverted_of_year if any_diverted else price * share_saved_below_plan


@rule(
    unit="GBP/year",
    assumption="Care in place of the admission costs the same for each.",
)
def cost_in_place_of_admissions(diverted_of_year, cost_in_place_of_admission_for_the_year):
    """What care outside hospital costs for those diverted."""
    return diverted_of_year * cost_in_place_of_admission_for_the_year


@rule(unit="GBP/year", assumption="Before anything that the gain and loss share moves.")
def net_saving_of_diversion(saved_on_diverted, cost_in_place_of_admissions):
    """What diverting admissions leaves whoever pays for both, after care in their place."""
    return saved_on_diverted - cost_in_place_of_admissions


@rule(
    unit="GBP/year",
    assumption="Of a diverted admission's price only a share is cost that falls within the year.",
)
def hospital_left_short(
    saved_on_diverted,
    diverted_of_year,
    admission_price_for_the_year,
    avoided_admission_price_share_for_the_year,
    hospital_cost_that_falls_for_the_year,
):
    """What the hospital loses by diversion beyond the cost that falls: below nothing, it gains."""
    price = admission_price_for_the_year * avoided_admission_price_share_for_the_year
    return saved_on_diverted - diverted_of_year * price * hospital_cost_that_falls_for_the_year
