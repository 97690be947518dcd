"""The population that a whole-population budget pays for: planned in April, adjusted each quarter.

It follows the registered lists, with a part for people registered with nobody, weighted for need.
Need a head moves in one of two ways, never both: by the growth of age mix that the contract
expects, on registered lists; or with the weighted lists themselves, in which ages are counted
already. So age mix cannot be counted twice, whatever lists are given.

A quarter's lists change the budget only if those of the whole contract have moved by more than its
tolerance. Then joiners and leavers count, each in full, in part or not at all.
"""

from capitation.vocabulary import rule, total

# ----------------------------------------------------------------------------------- who is counted


@rule(
    unit="1",
    first="index_of_base_year",
    assumption="Ages move once a year, in April. Where weighted lists are counted, the index moves "
    "nobody: they hold the ages.",
)
def age_mix_index(previous, age_mix_growth, month_of_fiscal_year):
    """Need a head because of ages, over the base year."""
    return previous * (1 + age_mix_growth) if month_of_fiscal_year == 1 else previous


@rule(
    unit="1",
    assumption="The need of a registered patient is the base year's; where there was nobody, it is "
    "the need index, or that of the average patient.",
)
def need_of_registered_patient(need_weighted_base_list, base_registered_list, need_index):
    """Base year's need of a registered patient of the practice: 1 is the average."""
    unknown = need_index if need_index > 0 else 1
    known = base_registered_list > 0
    return need_weighted_base_list / base_registered_list if known else unknown


@rule(
    unit="1",
    assumption="A need index changes the need of a weighted patient as it did in the base year.",
)
def need_of_weighted_patient(need_weighted_base_list, base_weighted_list):
    """Base year's need of a weighted patient of the practice: 1, unless its need index is given."""
    return need_weighted_base_list / base_weighted_list if base_weighted_list > 0 else 1


@rule(
    unit="patient",
    source="gponline-mcp-contract-sum-2016",
    assumption="Counted each quarter, as the practices' own payments are. Age mix comes from the "
    "contract's growth, or from the weighted lists: one or the other.",
)
def counted_population(
    payment_registered_list,
    payment_weighted_list,
    need_of_registered_patient,
    need_of_weighted_patient,
    age_mix_index,
    age_mix_from_weighted_list,
    unregistered_share,
):
    """The quarter's population, weighted for need: the list with its part of the unregistered."""
    by_growth = payment_registered_list * need_of_registered_patient * age_mix_index
    by_lists = payment_weighted_list * need_of_weighted_patient
    counted = by_lists if age_mix_from_weighted_list else by_growth
    return counted * (1 + unregistered_share)


population_of_all = total(
    "counted_population",
    over="practices",
    title="Population of all the practices, weighted for need",
)

# ------------------------------------------------------------------------------ plan and adjustment


@rule(
    unit="patient",
    first="population_at_start",
    assumption="Planned each April on that quarter's lists; or once, on the base year's, where the "
    "contract does not count anew.",
)
def planned_population(previous, counted_population, list_rebased_yearly, month_of_fiscal_year):
    """The population that the year's budget is planned on."""
    counted_anew = month_of_fiscal_year == 1 and list_rebased_yearly
    return counted_population if counted_anew else previous


@rule(unit="patient", source="gponline-mcp-contract-sum-2016")
def planned_in_contract(planned_population, contract_form):
    """The practice's planned population, if it is in the contract."""
    return planned_population if contract_form > 0 else 0


@rule(unit="patient", source="gponline-mcp-contract-sum-2016")
def counted_in_contract(counted_population, contract_form):
    """The practice's population of the quarter, if it is in the contract."""
    return counted_population if contract_form > 0 else 0


planned_contract_population = total(
    "planned_in_contract", over="practices", title="Planned population of the contract"
)

counted_contract_population = total(
    "counted_in_contract", over="practices", title="Population of the contract, as counted"
)


@rule(
    unit="1",
    assumption="The tolerance is of the contract's whole population: within it, nothing moves; "
    "beyond it, all of the change counts, not only what is beyond.",
)
def list_adjusted(planned_contract_population, counted_contract_population, list_change_tolerance):
    """Whether the contract's lists have moved by more than the tolerance (1)."""
    change = abs(counted_contract_population - planned_contract_population)
    return 1 if change > list_change_tolerance * planned_contract_population else 0


@rule(
    unit="patient",
    assumption="A practice whose population has grown has joiners, one whose population has "
    "shrunk has leavers: who moves from one to the other is both.",
)
def budget_weighted_population(
    planned_population, counted_population, list_adjusted, joiner_share, leaver_share
):
    """The population that the budget pays for, weighted for need, if the practice is in it."""
    joiners = max(counted_population - planned_population, 0)
    leavers = max(planned_population - counted_population, 0)
    adjustment = joiner_share * joiners - leaver_share * leavers
    return planned_population + adjustment * list_adjusted


@rule(unit="patient", source="gponline-mcp-contract-sum-2016")
def population_in_contract(budget_weighted_population, contract_form, share_of_services_held):
    """The practice's population that the contract's budget pays for; none, if it is not in it."""
    return budget_weighted_population * share_of_services_held if contract_form > 0 else 0


contract_weighted_population = total(
    "population_in_contract", over="practices", title="Weighted population of the contract"
)
