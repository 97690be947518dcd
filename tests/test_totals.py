"""Payments added up by commissioner and year, against the cells that they are the sums of."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import xarray as xr

import capitation as cap
from capitation.cli import main

MODELS = ["bolton-quality-contract", "thames-valley-pms", "out-of-hospital-budget", "uniting-care"]


def practices_of_three() -> xr.Dataset:
    """The example's practices, given to three commissioners, in an order that mixes them."""
    practices = cap.example_practices()
    number = practices.sizes["practice"]
    codes = np.array(["C", "A", "B"])[np.arange(number) % 3]
    mixed = np.random.default_rng(5).permutation(number)
    return practices.assign_coords(commissioner=("practice", codes)).isel(practice=mixed)


def sums_of_cells(result: xr.Dataset, name: str) -> xr.DataArray:
    cells = result[name]
    if "month" in cells.dims:
        by_year = cells.groupby("fiscal_year").sum()
        cells = by_year.rename(fiscal_year="year").sel(year=result["year"].values)
    if "practice" in cells.dims:
        area = result["commissioner"].rename("commissioner_code")
        cells = cells.groupby(area).sum()
    return cells


@pytest.mark.parametrize("name", MODELS)
def test_totals_are_the_sums_of_the_cells(name):
    practices = practices_of_three()
    result = cap.project(name, practices, months=26)
    totals = cap.project_totals(name, practices, months=26)
    assert set(totals.data_vars) == {*json.loads(result.attrs["streams"]), "total_payments"}
    for variable, found in totals.data_vars.items():
        expected = sums_of_cells(result, str(variable)).broadcast_like(found)
        expected = expected.transpose(*found.dims)
        scale = np.maximum(np.abs(sums_of_cells(abs(result), str(variable))).max(), 1)
        assert float(abs(found - expected).max() / scale) < 1e-12, variable
        assert found.dims == ("scenario", "commissioner_code", "year")
        assert found.attrs["units"] == "GBP/year"


def test_totals_are_the_same_bits_compiled_and_on_any_number_of_threads():
    practices = practices_of_three().isel(practice=slice(0, 12))
    plain, *others = (
        cap.project_totals("vanguard-programme", practices, months=14, **how)
        for how in ({"compiled": False}, {"compiled": True, "threads": 1}, {"threads": 3})
    )
    assert all(plain.identical(other) for other in others)


def test_a_commissioners_totals_do_not_depend_on_the_others():
    practices = practices_of_three()
    whole = cap.project_totals("thames-valley-pms", practices, months=14)
    alone = cap.project_totals(
        "thames-valley-pms", practices.sel(practice=practices["commissioner"] == "B"), months=14
    )
    for name, found in alone.data_vars.items():
        expected = whole[name].sel(commissioner_code=["B"])
        assert np.array_equal(found.values, expected.values), name


def test_what_does_not_add_up_is_refused_all_of_it_at_once():
    with pytest.raises(cap.InputError) as error:
        cap.project_totals(
            "thames-valley-pms",
            cap.example_practices(),
            months=12,
            variables=["registered_list", "weighted_lst", "global_sum"],
        )
    told = str(error.value)
    assert "months of it do not add up" in told
    assert "weighted_list" in told
    assert len(error.value.problems) == 2


@pytest.mark.parametrize("threads", [0, -1, 1.5, "2"])
def test_threads_are_a_whole_number(threads):
    with pytest.raises(cap.InputError, match="threads"):
        cap.project_totals("thames-valley-pms", cap.example_practices(), threads=threads)


def test_a_text_is_no_list_of_variables():
    with pytest.raises(cap.InputError, match="a list"):
        cap.project_totals("thames-valley-pms", cap.example_practices(), variables="global_sum")


# ------------------------------------------------------------------ the command


def test_the_command_writes_a_row_for_each_scenario_commissioner_and_year(tmp_path, capsys):
    path = tmp_path / "totals.csv"
    words = ["totals", "thames-valley-pms", "--months", "24", "--output", str(path)]
    assert main(words) == 0
    said = capsys.readouterr().out
    expected = cap.project_totals("thames-valley-pms", cap.example_practices(), months=24)
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    assert len(rows) == expected["total_payments"].size
    for row in rows:
        at = {
            "scenario": row["scenario"],
            "commissioner_code": row["commissioner_code"],
            "year": row["year"],
        }
        assert float(row["total_payments"]) == float(expected["total_payments"].sel(at))
    assert f"{len(rows)} rows" in said
    assert "total payments" in said


def test_the_command_says_json_for_programs(capsys):
    words = ["totals", "thames-valley-pms", "--months", "12", "--json", "--measure", "global_sum"]
    assert main(words) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told["totals"]) == {"global_sum"}
    assert told["output"] is None


def test_wrong_words_write_nothing(tmp_path, capsys):
    path = tmp_path / "totals.xlsx"
    words = ["totals", "thames-valley-pms", "--threads", "0", "--output", str(path)]
    assert main(words) == 2
    told = capsys.readouterr().err
    assert "--threads" in told
    assert ".csv" in told
    assert not path.exists()
