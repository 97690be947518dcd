"""Scenarios side by side: each column is the scenario's own total, whatever stands beside it."""

from __future__ import annotations

import json

import numpy as np
import pytest

import capitation as cap
from capitation.cli import main

FORMS = ["virtual", "partially-integrated", "fully-integrated", "primary-and-acute"]
SCENARIOS = [*FORMS, "savings-promised"]


@pytest.fixture(scope="module")
def result():
    few = cap.example_practices().isel(practice=slice(0, 4))
    return cap.project("out-of-hospital-budget", few, months=15)


def test_each_amount_is_the_sum_over_practices_and_months(result):
    compared = cap.compare(result)
    assert compared["measure"].values[-1] == "total_payments"
    for name in compared["measure"].values:
        found = result[name]
        for scenario in FORMS:
            one = found.sel(scenario=scenario) if "scenario" in found.dims else found
            for year in ("2017/18", "2018/19"):
                months = result["fiscal_year"].values == year
                expected = one.transpose("practice", "month").values[:, months].sum()
                got = float(compared.sel(measure=name, scenario=scenario, year=year))
                assert got == pytest.approx(expected, rel=1e-12, abs=1e-6)


def test_the_same_money_is_paid_under_every_form(result):
    # But for the balance of the improvement payment, which is rounded to the penny in March.
    total = cap.compare(result, ["total_payments"]).sel(year="2017/18")
    assert np.allclose(
        total.values, total.values[:, :1], rtol=0, atol=0.01 * result.sizes["practice"]
    )


def test_amounts_of_a_commissioner_and_of_a_practice_stand_beside_each_other(result):
    compared = cap.compare(result, ["community_budget_of_contract", "core_in_budget"])
    assert dict(compared.sizes) == {"measure": 2, "scenario": 5, "year": 2}
    assert compared.attrs["units"] == "GBP"


def test_what_does_not_add_up_is_refused(result):
    with pytest.raises(cap.InputError, match="do not add up to pounds"):
        cap.compare(result, ["rate_in_scope"])
    with pytest.raises(cap.InputError, match="whole_population_budget"):
        cap.compare(result, ["whole_population_budgets"])


def test_the_command_puts_forms_into_columns(capsys):
    words = ["compare", "out-of-hospital-budget", "--months", "24", "--commissioner", "EXAMPLE"]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "First year, 2017/18" in said
    assert "All years, 2017/18 – 2018/19" in said
    heading = next(line for line in said.splitlines() if line.startswith("First year"))
    assert heading.split()[-5:] == SCENARIOS
    assert main([*words, "--json", "--measure", "total_payments", "--scenario", *FORMS[:2]]) == 0
    told = json.loads(capsys.readouterr().out)
    assert list(told["measures"]) == ["total_payments"]
    assert list(told["measures"]["total_payments"]) == FORMS[:2]
