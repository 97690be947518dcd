"""Whole-population models on the payments of 2016/17: Portsmouth and Hampshire."""

from __future__ import annotations

import dataclasses
import datetime as dt

import numpy as np
import pytest

import capitation as cap
from capitation.engine.terms import DatedValue

PORTSMOUTH, GOSPORT, SOUTH_EAST = "10R", "10K", "10V"
MONTHS = 12


@pytest.fixture(scope="module")
def hampshire(reference_data):
    everyone = cap.read_payments(reference_data / "gp_payments_2016_17.csv")
    return cap.select_commissioners(everyone, [PORTSMOUTH, GOSPORT, SOUTH_EAST])


@pytest.fixture(scope="module")
def portsmouth(hampshire):
    practices = cap.select_commissioners(hampshire, [PORTSMOUTH])
    forms = ["virtual", "partially-integrated", "fully-integrated"]
    return {
        "practices": practices,
        "virtual": cap.project("portsmouth-virtual-mcp", practices, ["virtual"], 36),
        "forms": cap.project("out-of-hospital-budget", practices, forms, MONTHS),
    }


def total(result, name):
    return float(result[name].sum())


def test_the_virtual_contract_notes_a_budget_and_moves_no_payment(portsmouth):
    practices, result = portsmouth["practices"], portsmouth["virtual"]
    assert practices.sizes["practice"] == 25
    # The press said 200,000; the practices of the CCG had more on their lists.
    assert float(practices["registered_list"].sum()) == 230_921
    assert total(result, "budget_payment") == total(result, "improvement_payment") == 0
    assert total(result, "gain_loss_payment") == 0
    kept = ("core_paid_to_practice", "quality_paid_to_practice", "local_schemes_paid_to_practice")
    for paid, before in zip(kept, ("core_income", "qof", "local_schemes"), strict=True):
        assert np.array_equal(result[paid].values, result[before].values)
    noted = result["notional_budget"].sum("practice").squeeze().values
    assert np.array_equal(noted[:2], np.zeros(2))
    assert (noted[2:] > 0).all()


def test_the_same_city_under_every_form_costs_the_commissioner_the_same(portsmouth):
    compared = cap.compare(portsmouth["forms"]).sum("year")
    totals = compared.sel(measure="total_payments").values
    print(compared.to_series().unstack("scenario").map("{:,.0f}".format).to_string())
    pennies = 0.01 * portsmouth["practices"].sizes["practice"] * 2
    assert np.ptp(totals) < pennies
    core = compared.sel(measure="core_paid_to_practice")
    assert float(core.sel(scenario="fully-integrated")) == 0
    assert float(core.sel(scenario="virtual")) == float(core.sel(scenario="partially-integrated"))


def test_hampshire_rolls_up_without_counting_anyone_twice(hampshire):
    model = "hampshire-accountable-care-system"
    whole = cap.project(model, hampshire, ["partially-integrated"], MONTHS)
    parts = {
        code: cap.project(
            model,
            cap.select_commissioners(hampshire, [code]),
            ["partially-integrated"],
            MONTHS,
        )
        for code in (PORTSMOUTH, GOSPORT, SOUTH_EAST)
    }
    system = cap.roll_up(parts)
    print({code: f"{total(part, 'whole_population_budget'):,.0f}" for code, part in parts.items()})
    for name in ("total_payments", "whole_population_budget"):
        assert sum(total(part, name) for part in parts.values()) == pytest.approx(
            total(whole, name), rel=1e-12
        )
    with pytest.raises(cap.InputError):
        cap.roll_up({"one": whole, "another": parts[PORTSMOUTH]})
    assert system.sizes["contract"] == 3


def test_better_local_care_runs_with_four_practices_that_gave_up_their_contracts(hampshire):
    practices = cap.select_commissioners(hampshire, [GOSPORT, SOUTH_EAST])
    # The model begins with the awards, two years before the contract: these figures are later.
    start = dt.date(2017, 4, 1)
    model = dataclasses.replace(cap.load_model("better-local-care-mcp"), start=start)
    four = practices["practice"].values[practices["contract_type"].values == "GMS"][:4].tolist()
    own = (DatedValue(model.start, 3.0, "3", assumption="Gave up its contract in an April."),)
    mixed = cap.with_practice_terms(model, {"contract_form": dict.fromkeys(four, own)})
    result = cap.project(mixed, practices, ["partially-integrated"], MONTHS)
    core = result["core_in_budget"].squeeze().sum("month")
    inside = core.sel(practice=four).values
    others = core.drop_sel(practice=four).values
    assert (inside > 0).all()
    assert (others == 0).all()
