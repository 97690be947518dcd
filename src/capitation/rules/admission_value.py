"""What an avoided emergency admission is worth to the commissioner under the year's payment rules.

The hospital is paid the baseline value, with part of the price above it and part of it taken off
below: full price is 1 above and 1 below, the marginal rate 0.3 or 0.7 above and 1 below, the
blended tariff 0.2 both ways around the plan, and a block 0. Money withheld above the baseline and
ring-fenced is spent all the same. The saving is the difference that the programme makes.

Nobody sees the admissions that there would have been. ``admissions_saving`` is held against them;
``measured_saving`` against the plan, from counts that are known, as a condition of a contract must.
"""

from capitation.vocabulary import rule, total

commissioner_admissions = total(
    "emergency_admissions_of_year", over="practices", title="Emergency admissions of all practices"
)

commissioner_admissions_without_programme = total(
    "admissions_without_programme_of_year",
    over="practices",
    title="Emergency admissions of all practices, had there been no programme",
)


@rule(
    unit="admission/year",
    assumption="Planned: the base year's count, moved as ages, lists, trend and season lead to "
    "expect; the months in the run of a year that it does not hold in full.",
)
def planned_admissions(admissions_in_base_year, expected_by_age_of_year, expected_in_base_year):
    """Admissions that a plan from the base year's count foresees, without the programme."""
    known = expected_in_base_year > 0
    moved_by = expected_by_age_of_year / expected_in_base_year if known else 0
    return admissions_in_base_year * moved_by


commissioner_planned_admissions = total(
    "planned_admissions",
    over="practices",
    title="Admissions planned for all practices, without the programme",
)


# --------------------------------------------------------------------------------- baseline value


@rule(
    unit="GBP/year",
    source="hfma-marginal-rate-2013",
    assumption="Where no baseline value is given, it is a share of the admissions expected in the "
    "base year, at that year's price net of readmissions not paid, and stays so in cash.",
)
def marginal_rate_baseline(
    marginal_rate_baseline_value,
    expected_in_base_year,
    base_admission_price,
    base_baseline_share_of_base_year,
    base_unpaid_readmissions_share,
):
    """The practice's part of the value above which the marginal rate is paid."""
    paid_price = base_admission_price * (1 - base_unpaid_readmissions_share)
    worked_out = expected_in_base_year * paid_price * base_baseline_share_of_base_year
    given = marginal_rate_baseline_value > 0
    return marginal_rate_baseline_value if given else worked_out


commissioner_marginal_rate_baseline = total(
    "marginal_rate_baseline",
    over="practices",
    title="Value above which the marginal rate is paid, all practices",
)


@rule(
    unit="GBP/admission",
    source="hfma-readmissions",
    assumption="Readmissions that are not paid are a fixed share of all emergency admissions.",
)
def paid_admission_price(admission_price_for_the_year, unpaid_readmissions_share_for_the_year):
    """Mean price of an admission, with readmissions that are not paid counted at nothing."""
    return admission_price_for_the_year * (1 - unpaid_readmissions_share_for_the_year)


@rule(unit="GBP/year", source="hfma-marginal-rate-2013")
def value_of_plan(commissioner_planned_admissions, paid_admission_price):
    """The admissions planned, at full price."""
    return commissioner_planned_admissions * paid_admission_price


@rule(
    unit="GBP/year",
    source="hsj-blended-tariff",
    assumption="The plan of a blended tariff is the base year's count, moved as ages, lists and "
    "trend lead to expect. The baseline of the marginal rate runs evenly over the year.",
)
def baseline_value(
    value_of_plan,
    commissioner_marginal_rate_baseline,
    share_of_year,
    baseline_is_plan_for_the_year,
):
    """Value around which the payment changes its rate: the year's plan, or the baseline."""
    baseline = commissioner_marginal_rate_baseline * share_of_year
    return value_of_plan if baseline_is_plan_for_the_year else baseline


# ------------------------------------------------------------------------------ value and payment


@rule(unit="GBP/year", source="hfma-marginal-rate-2013")
def value_without_programme(commissioner_admissions_without_programme, paid_admission_price):
    """Admissions at full price, had there been no programme."""
    return commissioner_admissions_without_programme * paid_admission_price


@rule(
    unit="GBP/year",
    assumption="An admission that a programme avoids is cheaper than the mean one: a share of it.",
)
def value_with_programme(
    value_without_programme,
    commissioner_admissions_without_programme,
    commissioner_admissions,
    paid_admission_price,
    avoided_admission_price_share_for_the_year,
):
    """Admissions at full price, those avoided taken off at what such admissions cost."""
    avoided = commissioner_admissions_without_programme - commissioner_admissions
    avoided_price = paid_admission_price * avoided_admission_price_share_for_the_year
    return value_without_programme - avoided * avoided_price


@rule(
    unit="GBP/year",
    source="hfma-marginal-rate-2013",
    assumption="Money withheld above the baseline and ring-fenced is spent on managing demand, in "
    "full and in the year.",
)
def payment_without_programme(
    value_without_programme,
    baseline_value,
    payment_above_baseline_for_the_year,
    payment_below_baseline_for_the_year,
    retained_money_ring_fenced_for_the_year,
):
    """What admissions would cost the commissioner without the programme, ring-fenced money too."""
    above = max(value_without_programme - baseline_value, 0)
    below = max(baseline_value - value_without_programme, 0)
    paid_above = above * payment_above_baseline_for_the_year
    retained = (above - paid_above) * retained_money_ring_fenced_for_the_year
    return baseline_value + paid_above + retained - below * payment_below_baseline_for_the_year


@rule(
    unit="GBP/year",
    source="hfma-marginal-rate-2013",
    assumption="Money withheld above the baseline and ring-fenced is spent on managing demand, in "
    "full and in the year.",
)
def payment_with_programme(
    value_with_programme,
    baseline_value,
    payment_above_baseline_for_the_year,
    payment_below_baseline_for_the_year,
    retained_money_ring_fenced_for_the_year,
):
    """What admissions cost the commissioner with the programme, ring-fenced money too."""
    above = max(value_with_programme - baseline_value, 0)
    below = max(baseline_value - value_with_programme, 0)
    paid_above = above * payment_above_baseline_for_the_year
    retained = (above - paid_above) * retained_money_ring_fenced_for_the_year
    return baseline_value + paid_above + retained - below * payment_below_baseline_for_the_year


# --------------------------------------------------------------------------------- what is saved


@rule(
    unit="GBP/year",
    assumption="Where it counts, the whole Better Care Fund payment is put down to the programme, "
    "with what chance and trend earn of it.",
)
def admissions_saving(
    payment_without_programme,
    payment_with_programme,
    better_care_fund_payment_of_year,
    better_care_fund_counted_for_the_year,
):
    """What the programme saves the commissioner on admissions in the year."""
    from_fund = better_care_fund_payment_of_year * better_care_fund_counted_for_the_year
    return payment_without_programme - payment_with_programme + from_fund


# ------------------------------------------------------------------------- what can be measured


@rule(
    unit="GBP/year",
    assumption="Fewer admissions than planned are taken off at what avoided ones cost, and more "
    "than planned are put on at the same.",
)
def value_as_measured(
    value_of_plan,
    commissioner_planned_admissions,
    commissioner_admissions,
    paid_admission_price,
    avoided_admission_price_share_for_the_year,
):
    """Admissions at full price as counted, those fewer than planned off at an avoided one's."""
    fewer = commissioner_planned_admissions - commissioner_admissions
    avoided_price = paid_admission_price * avoided_admission_price_share_for_the_year
    return value_of_plan - fewer * avoided_price


@rule(
    unit="GBP/year",
    source="hfma-marginal-rate-2013",
    assumption="As for payment without the programme: what is ring-fenced is spent in the year.",
)
def payment_for_plan(
    value_of_plan,
    baseline_value,
    payment_above_baseline_for_the_year,
    payment_below_baseline_for_the_year,
    retained_money_ring_fenced_for_the_year,
):
    """What the admissions planned would cost the commissioner, ring-fenced money too."""
    above = max(value_of_plan - baseline_value, 0)
    below = max(baseline_value - value_of_plan, 0)
    paid_above = above * payment_above_baseline_for_the_year
    retained = (above - paid_above) * retained_money_ring_fenced_for_the_year
    return baseline_value + paid_above + retained - below * payment_below_baseline_for_the_year


@rule(
    unit="GBP/year",
    source="hfma-marginal-rate-2013",
    assumption="As for payment without the programme: what is ring-fenced is spent in the year.",
)
def payment_as_measured(
    value_as_measured,
    baseline_value,
    payment_above_baseline_for_the_year,
    payment_below_baseline_for_the_year,
    retained_money_ring_fenced_for_the_year,
):
    """What the admissions counted cost the commissioner, ring-fenced money too."""
    above = max(value_as_measured - baseline_value, 0)
    below = max(baseline_value - value_as_measured, 0)
    paid_above = above * payment_above_baseline_for_the_year
    retained = (above - paid_above) * retained_money_ring_fenced_for_the_year
    return baseline_value + paid_above + retained - below * payment_below_baseline_for_the_year


@rule(
    unit="GBP/year",
    assumption="Held against the plan, because what would have happened cannot be seen: chance "
    "saves and costs as the programme does. Where it counts, the whole Better Care Fund payment "
    "is in it.",
)
def measured_saving(
    payment_for_plan,
    payment_as_measured,
    better_care_fund_payment_of_year,
    better_care_fund_counted_for_the_year,
):
    """What the commissioner can show to be saved on admissions in the year."""
    from_fund = better_care_fund_payment_of_year * better_care_fund_counted_for_the_year
    return payment_for_plan - payment_as_measured + from_fund
