"""Several contracts in one system: added up exactly, net of what they pay each other."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from capitation import InputError, example_practices, project
from capitation.systems import roll_up

from .strategies import NATIONAL, THAMES_VALLEY

MONTHS = 15
NAMES = ("Portsmouth", "Gosport", "East Hampshire")


@functools.cache
def whole() -> xr.Dataset:
    return project(NATIONAL, example_practices().isel(practice=slice(0, 12)), months=MONTHS)


def split(members) -> dict[str, xr.Dataset]:
    """The contract of each practice, as its number: results of each that has any."""
    at = np.array(members)
    parts = {name: np.flatnonzero(at == n) for n, name in enumerate(NAMES)}
    return {name: whole().isel(practice=rows) for name, rows in parts.items() if len(rows)}


def pence(array: xr.DataArray) -> np.ndarray:
    return np.rint(array.values * 100).astype(int)


thirds = st.lists(st.integers(0, 2), min_size=12, max_size=12)
pairs = st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)).filter(lambda p: p[0] != p[1])
payments = st.dictionaries(pairs, st.integers(0, 10_000_000).map(lambda p: p / 100), max_size=4)


@settings(deadline=None, max_examples=8)
@given(thirds, payments)
def test_the_parts_of_a_system_are_those_of_its_contracts_to_the_penny(members, between):
    results = split(members)
    between = {pair: paid for pair, paid in between.items() if set(pair) <= set(results)}
    system = roll_up(results, between)
    twice = sum(round(100 * paid) for paid in between.values())
    for name in ("total_payments", "global_sum", "pms_premium", "qof"):
        taken_off = twice if name == "total_payments" else 0
        of_months = pence(system[name]).sum(axis=0) - taken_off
        assert (of_months == pence(system[f"{name}_of_system"])).all()
        of_years = pence(system[f"{name}_of_system_of_year"])
        assert of_years[:, 0].tolist() == of_months[:, :12].sum(axis=1).tolist()
        assert of_years[:, 1].tolist() == of_months[:, 12:].sum(axis=1).tolist()
        assert (
            pence(system[f"{name}_of_year"]).sum(axis=0) == of_years + np.array([12, 3]) * taken_off
        ).all()
    paid = system["paid_to_others"].sum("contract")
    assert np.array_equal(pence(paid), pence(system["received_from_others"].sum("contract")))
    # as one contract of all of them, but for less than a penny of each contract in each month
    alone = whole()["total_payments"].sum("practice").values - twice / 100
    assert np.abs(system["total_payments_of_system"].values - alone).max() <= 0.005 * 3 + 1e-6
    lists = system["payment_registered_list_of_system"].values
    assert np.allclose(lists[0], whole()["payment_registered_list"].sum("practice").values)
    assert sorted(system["practice"].values) == sorted(whole()["practice"].values)


def test_it_is_said_whose_each_practice_is_and_who_pays_whom():
    results = split([0, 0, 1] * 4)
    system = roll_up(results, {("Portsmouth", "Gosport"): 1000.50, ("Gosport", "Portsmouth"): 200})
    assert system["contract_of_practice"].sel(practice="EX003") == "Gosport"
    assert system["paid_to_others"].isel(month=0).values.tolist() == [1000.5, 200]
    assert system["received_from_others_of_year"].values.tolist() == [[2400, 600], [12006, 3001.5]]
    assert system["total_payments"].dims == ("contract", "scenario", "month")
    assert system["total_payments_of_system_of_year"].dims == ("scenario", "year")
    assert system["year"].values.tolist() == ["2015/16", "2016/17"]
    assert system["total_payments_of_year"].attrs["units"] == "GBP"


def test_a_contract_without_a_stream_has_nothing_of_it():
    practices = example_practices()
    north = project(NATIONAL, practices.isel(practice=slice(0, 5)), months=3)
    south = project(THAMES_VALLEY, practices.isel(practice=slice(5, 50)), months=3)
    south = south.isel(scenario=slice(0, 1)).assign_coords(scenario=north["scenario"])
    system = roll_up({"North": north, "South": south})
    assert (system["premium_reinvested"].sel(contract="North") == 0).all()
    streams = ("global_sum", "correction_factor", "pms_gms_equivalent", "pms_defined_services")
    assert set(streams) < set(system.data_vars)
    # of a commissioner, not of practices
    pool = roll_up({"North": north, "South": south}, measures=["pool_reinvested"])
    expected = south["pool_reinvested"].sum().item()
    assert pool["pool_reinvested_of_system"].sum().item() == pytest.approx(expected, abs=0.03)


def test_every_disagreement_is_told_at_once():
    one, other = split([0, 0, 1] * 4).values()
    other = other.isel(month=slice(1, None)).assign_coords(scenario=["else"])
    other = xr.concat(
        [other, one.isel(practice=[0], month=slice(1, None), scenario=0)],
        "practice",
        data_vars="minimal",
        coords="minimal",
        compat="override",
        join="override",
    )
    with pytest.raises(InputError) as caught:
        roll_up(
            {"One": one, "Other": other.drop_vars("total_payments")},
            {("One", "One"): 1, ("One", "Two"): -5},
        )
    message = str(caught.value)
    for words in (
        "practice EX001 is in contract One too",
        "has scenarios else",
        "runs 14 months from 2015-05",
        "there is no 'total_payments'",
        "no contract 'Two'",
        "pays itself",
        "swap payer and payee",
    ):
        assert words in message
    with pytest.raises(InputError, match=r"there are none.*result of project by name"):
        roll_up({})
    for unnamed in ([one, other], one):
        with pytest.raises(InputError, match=r"without names.*result of project by name"):
            roll_up(unnamed)
    with pytest.raises(InputError) as caught:
        roll_up({"One": "one.nc"}, [("One", "Other", 5.0)])
    assert "contract One: found str" in str(caught.value)
    assert "payments between: found list" in str(caught.value)
    with pytest.raises(InputError, match="payments between: found 'One'"):
        roll_up({"One": one}, {"One": 5.0})
    with pytest.raises(InputError, match="did you mean 'global_sum'"):
        roll_up({"One": one}, measures=["global_sun"])
    with pytest.raises(InputError, match="not by area and month"):
        roll_up({"One": one}, measures=["base_premium"])
    pounds = one.copy()
    pounds["qof"] = one["qof"].assign_attrs(units="GBP")
    rest = split([0, 0, 1] * 4)["Gosport"]
    with pytest.raises(InputError, match="add up what is alike"):
        roll_up({"One": pounds, "Other": rest})
