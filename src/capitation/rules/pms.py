"""PMS contracts: the GMS equivalent, the premium above it, and in which name the premium is paid.

In every month, premium = premium paid + premium withdrawn. How much is paid is for one of two other
modules to say: `premium_schedule` (a schedule of shares) or `premium_glide` (a price that glides).

A practice may switch to GMS, by the term ``switched_to_gms``: it is then paid the global sum, and
its premium in the name of a correction factor. A contract that ends without a successor
(``contract_ended``) earns nothing more, and all its premium is withdrawn. A merger needs nothing
here: the row goes on as before, and settlement pays it to the successor.
"""

from capitation.vocabulary import MONTHS_PER_YEAR, constant, rule

MOST_OF_A_YEAR = constant(0.5, "1")
"""More than half of a year's global sum: the practice was on GMS for most of the year."""


@rule(
    unit="1",
    source="nhs-payments-to-gp",
    assumption="A GMS practice that the file pays under a PMS contract too, a correction factor, "
    "and most of a year's global sum, has switched: the factor is what is left of its premium. "
    "Seen in Essex, where 61 of 69 such factors of 2014/15 stand at the next seventh a year later. "
    "41 practices that switched late in 2016/17 are not taken so: they have two months' global "
    "sum, and a factor that 2018/19 no longer shows.",
)
def switched_in_base_year(
    gms_contract,
    base_pms_expenditure,
    base_correction_factor,
    base_global_sum,
    base_gms_equivalent,
):
    """Whether the base year's file shows a practice that has just switched from PMS to GMS."""
    both = base_pms_expenditure > 0 and base_correction_factor > 0
    most_of_the_year = base_global_sum > MOST_OF_A_YEAR * base_gms_equivalent
    return 1 if gms_contract and both and most_of_the_year else 0


@rule(unit="GBP/year", source="nhse-pms-review-2014")
def pms_baseline(pms_contract, base_pms_expenditure, base_global_sum):
    """All that a PMS contract was paid at the base date, however the file books it."""
    return base_pms_expenditure + base_global_sum if pms_contract else 0


@rule(
    unit="GBP/year",
    source="nhse-pms-review-2014",
    assumption="A share is of what the base year's file shows above the GMS price. Services are "
    "paid for out of that: they cannot come to more. A code without a list, such as a special "
    "service or a commissioner's own, has no premium over a price: all that it is paid is for what "
    "it does.",
)
def base_defined_services(
    pms_baseline,
    base_gms_equivalent,
    base_weighted_list,
    defined_services,
    defined_services_share,
):
    """The part of the baseline above the GMS price that pays for services the contract defines."""
    above = max(pms_baseline - base_gms_equivalent, 0)
    named = min(defined_services, above)
    part = named + defined_services_share * (above - named)
    return part if base_weighted_list > 0 else above


@rule(unit="GBP/year", source="nhse-pms-review-2014")
def base_premium_paid(
    pms_baseline,
    base_gms_equivalent,
    base_defined_services,
    switched_in_base_year,
    base_correction_factor,
):
    """Premium paid in the base year: baseline less the GMS equivalent and defined services."""
    on_pms = max(pms_baseline - base_gms_equivalent, 0) - base_defined_services
    return base_correction_factor if switched_in_base_year else on_pms


@rule(unit="GBP/year", source="nhse-pms-review-2014", first="base_premium")
def measured_premium(
    previous,
    base_premium,
    payment_weighted_list,
    correction_factor_recycled,
    base_correction_factor_recycled,
    premium_measured_anew,
):
    """Premium as last measured: less what the GMS price had absorbed of correction factors."""
    absorbed_price = correction_factor_recycled - base_correction_factor_recycled
    absorbed = payment_weighted_list * absorbed_price
    return max(base_premium - absorbed, 0) if premium_measured_anew else previous


@rule(unit="GBP/month", source="nhse-pms-review-2014")
def premium_before_withdrawal(measured_premium):
    """A twelfth of the premium as measured, before anything is withdrawn."""
    return measured_premium / MONTHS_PER_YEAR


@rule(unit="GBP/month", source="nhse-pms-framework-2014")
def premium_withdrawn(premium_before_withdrawal, premium_paid):
    """Premium no longer paid, on whatever contract."""
    return premium_before_withdrawal - premium_paid


@rule(unit="GBP/month", source="nhse-pms-framework-2014")
def pms_premium(premium_paid, switched_to_gms, switched_in_base_year):
    """Premium still paid to a practice on PMS."""
    return 0 if switched_to_gms or switched_in_base_year else premium_paid


@rule(
    unit="GBP/month",
    source="nhs-payments-to-gp",
    assumption="Booked as a correction factor: so the files show it for practices that switched.",
)
def premium_as_correction_factor(premium_paid, switched_to_gms, switched_in_base_year):
    """Premium still paid to a practice that has switched from PMS to GMS."""
    return premium_paid if switched_to_gms or switched_in_base_year else 0


@rule(
    unit="GBP/month",
    source="nhse-pms-review-2014",
    assumption="Paid in cash for as long as the contract runs, on PMS or, under a local agreement, "
    "after a switch to GMS.",
)
def pms_defined_services(base_defined_services, contract_ended):
    """Payment for the services that a PMS contract defines, which are no premium to withdraw."""
    return 0 if contract_ended else base_defined_services / MONTHS_PER_YEAR


@rule(
    unit="GBP/year",
    source="nhs-payments-to-gp",
    assumption="Where the file shows a PMS practice less than the GMS equivalent, the rest of its "
    "contract is booked under other payments, as far as these reach: seen in 2014/15 and 2015/16. "
    "For a practice that switched, other payments below nothing take back what the file has as PMS "
    "expenditure.",
)
def pms_booked_as_other(
    pms_contract,
    pms_baseline,
    base_gms_equivalent,
    base_other_payments,
    base_pms_in_other_payments,
    switched_in_base_year,
    base_pms_expenditure,
):
    """PMS contract money that the base year's file books under other payments, or takes back."""
    shortfall = max(base_gms_equivalent - pms_baseline, 0)
    found = max(min(shortfall, base_other_payments), 0) * base_pms_in_other_payments
    taken_back = max(min(base_other_payments, 0), -base_pms_expenditure)
    of_switched = taken_back * base_pms_in_other_payments if switched_in_base_year else 0
    return found if pms_contract else of_switched


@rule(
    unit="GBP/month",
    source="nhse-pms-review-2014",
    assumption="A practice below the GMS price is brought up to it at once; commissioners were "
    "expected to use released premium for that, when is not said.",
)
def pms_gms_equivalent(pms_contract, gms_equivalent, switched_to_gms):
    """What a PMS practice is paid at the GMS price, until it switches or its list ends."""
    return gms_equivalent if pms_contract and not switched_to_gms else 0
