"""Simulation: what is refused, in what words, and what is not as it should be."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr

from capitation.errors import InputError
from capitation.model import Model
from capitation.model_file import load_model, models
from capitation.projection import project
from capitation.setting import setting_of
from capitation.simulation import simulate
from capitation.what_if import with_terms

from .strategies import BOLTON, NATIONAL, bits, edited, practices_of
from .tiny_models import RULES, SIMULATION, TERMS, simulated, some_practices, tiny_model


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Model:
    return tiny_model(tmp_path_factory.mktemp("tiny"))


def said(error: pytest.ExceptionInfo[InputError]) -> list[str]:
    return [str(problem) for problem in error.value.problems]


# ------------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize("draws", [0, 1, -5, 1_000_001, "10", True, 10.0, None])
def test_a_number_of_draws_is_a_whole_one_within_bounds(tiny, draws):
    with pytest.raises(InputError) as caught:
        simulated(tiny, draws=draws)
    assert said(caught) == [f"draws: found {draws!r} (a whole number from 2 to 1,000,000)"]


def test_every_wrong_number_is_told_at_once(tiny):
    with pytest.raises(InputError) as caught:
        simulated(tiny, draws=1, seed=-1, threads=0)
    assert [problem.where for problem in caught.value.problems] == ["draws", "seed", "threads"]
    for wrong in ({"seed": 2**63}, {"seed": 1.0}, {"threads": "2"}, {"threads": False}):
        with pytest.raises(InputError, match=f"{next(iter(wrong))}: found "):
            simulated(tiny, **wrong)


def test_every_unfit_outcome_is_told_at_once(tiny):
    with pytest.raises(InputError) as caught:
        simulated(tiny, outcomes=["bonnus", "avoided_to_date", "bad_year", "fall"])
    unknown, by_month, same = said(caught)
    assert unknown == "outcomes: 'bonnus' is no rule of the model (did you mean 'bonus'?)"
    assert "'avoided_to_date' [admission] moves by month, and months of it do not" in by_month
    assert "'bad_year' is the same for every practice" in same


def test_an_outcome_of_ones_own(tiny):
    result = simulated(tiny)
    found = simulated(tiny, outcomes=["transfers"])
    assert json.loads(found.attrs["outcomes"]) == ["transfers", "grade", "scheme_cost", "saving"]
    names = [name for name in found.data_vars if "transfers" in name or "probability" in name]
    assert len(names) == 6
    assert bits(found[names]) == bits(result[names])


def test_scenarios_and_months_are_refused_as_in_a_projection(tiny):
    with pytest.raises(InputError, match=r"no scenario 'stric' \(did you mean 'strict'\?\)"):
        simulated(tiny, scenarios=["stric"])
    with pytest.raises(InputError, match="months: expected at least one, found 0"):
        simulated(tiny, months=0)
    with pytest.raises(InputError, match="found the text 'as-is'"):
        simulated(tiny, scenarios="as-is")
    with pytest.raises(InputError, match="P1 stands more than once"):
        simulated(tiny, practices_of([{"practice": "P1", "registered_list": 9}] * 2))
    with pytest.raises(InputError, match="given 'admisions': is not a rule of the model"):
        simulated(tiny, given={"admisions": xr.DataArray(0.0)})


def test_a_model_that_leaves_nothing_to_chance_is_refused_and_others_named():
    with pytest.raises(InputError) as caught:
        simulate(NATIONAL, some_practices())
    (told,) = said(caught)
    start = f"{NATIONAL}.toml: the model has no [simulation] table: nothing in it is left to chance"
    assert told.startswith(f"{start} (models that have one: {BOLTON}")
    able = told.split("have one: ")[1].rstrip(")").split(", ")
    assert able == [name for name in models() if load_model(name).simulation is not None]
    with pytest.raises(InputError, match="no model of this name"):
        simulate("nowhere", some_practices())


@pytest.mark.parametrize(
    ("term", "value", "told"),
    [
        (
            "overdispersion",
            0.5,
            "overdispersion: found 0.5, which 'admissions' is drawn with "
            "(1 (Poisson) or more, or 0 (certain))",
        ),
        ("overdispersion", -1, "overdispersion: found -1, which 'admissions' is drawn with"),
        (
            "level_variation",
            -0.1,
            "found -0.1, which 'bad_year' is drawn with (zero (certain) or more)",
        ),
    ],
)
def test_a_spread_that_no_distribution_has_is_refused(tiny, term, value, told):
    with pytest.raises(InputError) as caught:
        simulated(with_terms(tiny, {term: value}))
    assert told in str(caught.value)


def test_a_base_years_spread_is_checked_too(tmp_path):
    changed = TERMS | {"overdispersion": ("1", {"2013-04-01": 0.9, "2015-04-01": 1.3})}
    with pytest.raises(InputError, match=r"base_overdispersion: found 0\.9, which 'admissions_bef"):
        simulated(tiny_model(tmp_path, terms=changed, scenarios={"as-is": {}}))


PER_ADMISSION = """
@rule(unit="GBP/admission", assumption="By hand.")
def per_admission(reward_paid, admissions):
    \"\"\"Divides by a count that may be none.\"\"\"
    return reward_paid / admissions

@rule(unit="GBP/month", assumption="By hand.")
def share_of_bonus(per_admission, admissions_without):
    \"\"\"Reads it.\"\"\"
    return per_admission * admissions_without
"""


def test_a_division_by_zero_in_a_draw_is_told_with_its_rule_and_place(tmp_path):
    asked = SIMULATION | {"outcomes": ["share_of_bonus"]}
    model = tiny_model(tmp_path, RULES + PER_ADMISSION, simulation=asked)
    practices = some_practices("P5", "P4")
    practices["registered_list"][1] = 60  # half an admission a month
    project(model, practices)
    with pytest.raises(InputError) as caught:
        simulated(model, practices)
    (told,) = said(caught)
    assert told.startswith("rule 'per_admission', scenario as-is, practice P4, ")
    assert told.endswith(
        "the result is not a finite number "
        "(guard the division: 'a / b if b > 0 else 0', or mend the figure)"
    )
    assert caught.value.__suppress_context__


# ---------------------------------------------------------------- what is not as it should be

FEE = """
@rule(unit="GBP/month", assumption="By hand.")
def fee(base_registered_list, reward_price_for_the_year):
    \"\"\"A twelfth of the year's price: as much in every month.\"\"\"
    return base_registered_list * reward_price_for_the_year / MONTHS_PER_YEAR
"""
TWICE = """
@rule(unit="admission/year", assumption="By hand.")
def commissioner_admissions_of_year(all_admissions):
    \"\"\"Another thing than the sum of the admissions of the year.\"\"\"
    return all_admissions * 2
"""
OF_YEAR = "overdispersion_for_the_year"
SPREAD = """
@rule(unit="1", assumption="By hand.")
def spread_of_transfers(all_admissions):
    \"\"\"Touched by chance, and no spread that a distribution has.\"\"\"
    return SPREAD if all_admissions >= 0 * all_admissions else 1
"""


def test_what_is_so_much_a_month_all_year_is_refused(tmp_path):
    asked = SIMULATION | {"outcomes": ["fee"]}
    with pytest.raises(InputError, match="so much a month, but does not move by month"):
        simulated(tiny_model(tmp_path, RULES + FEE, simulation=asked), draws=2)


def test_a_rule_of_a_practice_may_begin_with_commissioner(tmp_path):
    changed = edited(RULES, ("def fall(", "def commissioner_fall("))
    changed = edited(changed, ("def grade(fall,", "def grade(commissioner_fall,"))
    changed = edited(changed, ("if fall >=", "if commissioner_fall >="))
    asked = SIMULATION | {"outcomes": ["commissioner_fall"]}
    found = simulated(tiny_model(tmp_path, changed, simulation=asked), draws=2)
    assert found["commissioner_fall"].dims[2] == "practice"


def test_two_outcomes_that_would_have_one_name_are_refused(tmp_path):
    outcomes = ["admissions_of_year", "commissioner_admissions_of_year"]
    asked = SIMULATION | {"outcomes": outcomes}
    model = tiny_model(tmp_path, RULES + TWICE, simulation=asked)
    with pytest.raises(InputError, match="commissioner_admissions_of_year"):
        simulated(model, draws=2)


@pytest.mark.parametrize("spread", ["0.5", "-5", "1e300 * 1e300"])
def test_a_spread_that_chance_touches_is_checked_too(tmp_path, spread):
    of_year, own = (f'negative_binomial("{name}")' for name in (OF_YEAR, "spread_of_transfers"))
    changed = edited(RULES, (of_year, own))
    model = tiny_model(tmp_path, changed + SPREAD.replace("SPREAD", spread))
    with pytest.raises(InputError, match="spread_of_transfers"):
        simulated(model, draws=2)


def test_what_is_given_can_be_an_outcome(tmp_path):
    asked = SIMULATION | {"outcomes": ["admissions_without"]}
    model = tiny_model(tmp_path, simulation=asked)
    months = setting_of(model, some_practices("P1"), None, 12).months
    labels = {"practice": ["P1"], "month": np.array(months, dtype="datetime64[ns]")}
    counts = xr.DataArray(np.full((1, 12), 7.0), labels, dims=("practice", "month"))
    given = {"admissions_without": counts}
    found = simulated(model, some_practices("P1"), months=12, given=given, draws=2)
    assert (found["admissions_without_mean"] == 84).all()


def test_one_outcome_as_text_is_refused_as_such(tiny):
    with pytest.raises(InputError) as caught:
        simulated(tiny, outcomes="fall")
    assert said(caught) == ["outcomes: found the text 'fall' (a list: ['fall'])"]
