"""Simulation: the laws its numbers obey, what is said of them, and what is refused."""

from __future__ import annotations

import datetime as dt
import json

import numpy as np
import pytest
import xarray as xr

from capitation.draw_statistics import QUANTILES
from capitation.draws import Draws, with_outcomes
from capitation.errors import InputError
from capitation.example import example_practices
from capitation.model import Model, term_behind
from capitation.model_file import load_model
from capitation.practices import FLAGS
from capitation.projection import project
from capitation.setting import setting_of
from capitation.simulation import simulate
from capitation.what_if import with_terms

from .strategies import BOLTON, bits
from .tiny_models import SIMULATION, TERMS, simulated, some_practices, tiny_model

CERTAIN = {**TERMS, "overdispersion": ("1", 0), "level_variation": ("1", 0)}
LENIENT = {"as-is": {}, "lenient": {"fall_for_reward": 0.01}}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Model:
    return tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def result(tiny) -> xr.Dataset:
    return simulated(tiny)


@pytest.fixture(scope="module")
def bolton() -> xr.Dataset:
    five = example_practices().isel(practice=slice(0, 5))
    return simulate(BOLTON, five, months=12, draws=6, compiled=False, break_even=False)


def said(error: pytest.ExceptionInfo[InputError]) -> list[str]:
    return [str(problem) for problem in error.value.problems]


def values(dataset: xr.Dataset) -> dict[str, bytes]:
    return {name: kept[-1] for name, kept in bits(dataset).items()}


# ---------------------------------------------------------- what a number does not depend on


def test_it_is_the_same_every_time(tiny, result):
    again = simulated(tiny)
    assert bits(again) == bits(result)
    assert again.attrs == result.attrs
    xr.testing.assert_identical(again, result)


def test_the_order_of_practices_is_that_of_the_results_alone(tiny, result):
    order = [3, 0, 4, 2, 1]
    other = simulated(tiny, some_practices().isel(practice=order))
    assert list(other["practice"].values) == ["P4", "P1", "P5", "P3", "P2"]
    assert bits(other) == bits(result.isel(practice=order))
    assert list(other["commissioner"].values) == ["C2", "C1", "C2", "C1", "C1"]


def test_a_practices_results_do_not_depend_on_the_others(tiny, result):
    own = [name for name, v in result.data_vars.items() if "practice" in v.dims]
    assert len(own) > 10
    for codes in (["P2"], ["P2", "P4"], ["P5", "P2", "P1"]):
        other = simulated(tiny, some_practices(*codes))
        assert bits(other[own]) == bits(result[own].sel(practice=codes))


def test_a_commissioners_results_do_not_depend_on_another(tiny, result):
    alone = simulated(tiny, some_practices("P4", "P5"))
    chosen = result.sel(practice=["P4", "P5"], commissioner_code=["C2"])
    assert bits(alone) == bits(chosen)


def test_scenarios_do_not_depend_on_each_other(tiny, result):
    for chosen in (["strict"], ["as-is"], ["strict", "as-is"]):
        other = simulated(tiny, scenarios=chosen)
        assert list(other["scenario"].values) == chosen
        assert values(other) == values(result.sel(scenario=chosen))
        assert list(json.loads(other.attrs["scenarios"])) == chosen


def test_later_months_leave_earlier_years_as_they_are(tiny, result):
    by_year = [name for name, v in result.data_vars.items() if "year" in v.dims]
    for months in (12, 30):
        other = simulated(tiny, months=months)
        shared = [year for year in other["year"].values if year in result["year"].values]
        assert bits(other[by_year].sel(year=shared)) == bits(result[by_year].sel(year=shared))
    assert other.sizes["year"] == 3
    assert other.attrs["months"] == "2015-04 – 2017-09"


def drawn(model: Model, wanted: list[str], draws: int, seed: int = 1) -> list[dict]:
    """All draws of some rules, commissioner by commissioner."""
    whole, outcomes = with_outcomes(model, wanted, ())
    names = [name for of in outcomes.values() for name in of.variables]
    setting = setting_of(whole, some_practices(), None, None)
    run = Draws(setting, whole.graph(), names, {}, draws, seed, 1, False)
    return [arrays for at in range(2) for _, arrays in run.of_commissioner(at)]


def test_more_draws_begin_with_the_same(tiny):
    wanted = ["admissions_of_year", "bed_cost", "reward_paid"]
    for few, many in zip(drawn(tiny, wanted, 7), drawn(tiny, wanted, 20), strict=True):
        assert set(few) == set(many)
        for name, array in many.items():
            np.testing.assert_array_equal(few[name], array[..., :7])
            assert array.shape[-1] == 20


def test_another_seed_gives_other_numbers(tiny, result):
    other = simulated(tiny, seed=2)
    same = values(other).items() & values(result).items()
    assert {name for name, _ in same} == {"registered_list"}
    assert other.attrs["seed"] == 2
    assert simulated(tiny, seed=2**63 - 1, draws=2).attrs["seed"] == 2**63 - 1
    assert simulated(tiny, seed=0, draws=2).attrs["seed"] == 0


# ------------------------------------------------------------------------------- what it gives


def by_year(projected: xr.DataArray, area: str) -> xr.DataArray:
    """A projection's rule by year and area: months added up, practices by commissioner."""
    if "month" in projected.dims:
        projected = projected.groupby("fiscal_year").sum().rename(fiscal_year="year")
    if area not in projected.dims:
        projected = projected.groupby("commissioner").sum().rename(commissioner=area)
    return projected.transpose("scenario", area, "year")


def test_without_chance_it_is_the_projection(tmp_path):
    model = tiny_model(tmp_path, terms=CERTAIN, scenarios=LENIENT)
    found = simulated(model, draws=3)
    projected = project(model, some_practices())
    stems = []
    for name in json.loads(found.attrs["outcomes"]):
        for stem, area in ((name, "practice"), (f"commissioner_{name}", "commissioner_code")):
            if stem in found:
                stems.append(stem)
                whole, _ = xr.broadcast(projected[name], projected["scenario"])
                mean = found[f"{stem}_mean"].sel(effect="with", drop=True)
                xr.testing.assert_allclose(mean, by_year(whole, area), rtol=1e-13)
                error = found[f"{stem}_standard_error"]
                assert (error <= 1e-15 * abs(found[f"{stem}_mean"])).all(), stem
                median = found[stem].sel(quantile=0.5, drop=True)
                xr.testing.assert_allclose(median, found[f"{stem}_mean"], rtol=1e-15)
                for at in QUANTILES:
                    np.testing.assert_array_equal(found[stem].sel(quantile=at), median)
    assert len(stems) == 5 + 7
    assert set(np.unique(found["probability_of_earning"])) == {0.0, 1.0}
    assert (found["probability_of_earning_standard_error"] == 0).all()


def test_means_are_near_the_projection_and_come_nearer(tiny):
    practices = some_practices("P1", "P2", "P4")
    wanted = ["without_of_year", "admissions_of_year", "saving"]
    options = {"scenarios": ["as-is"], "months": 12, "outcomes": wanted}
    projected = project(tiny, practices, ["as-is"], 12)
    errors = {}
    for draws in (40, 400):
        found = simulated(tiny, practices, draws=draws, seed=5, **options)
        for stem, area in (
            ("without_of_year", "practice"),
            ("admissions_of_year", "practice"),
            ("commissioner_admissions_of_year", "commissioner_code"),
            ("commissioner_saving", "commissioner_code"),
        ):
            rule = projected[stem.removeprefix("commissioner_")]
            mean = by_year(rule.expand_dims(scenario=projected["scenario"]), area)
            errors[stem, draws] = found[f"{stem}_standard_error"].sel(effect="with").values
            off = found[f"{stem}_mean"].sel(effect="with").values - mean.values
            assert (np.abs(off) < 4 * errors[stem, draws]).all(), stem
            assert (errors[stem, draws] > 0).all()
    for stem, draws in errors:
        if draws == 400:
            ratio = errors[stem, 40] / errors[stem, 400]
            assert ((ratio > 2) & (ratio < 5)).all(), stem  # √10, but for chance


def test_quantiles_errors_and_chances_are_those_of_the_draws(tiny, result):
    many = drawn(tiny, ["fall", "grade", "bed_cost"], 20)
    for name, stem, area, first in (
        ("fall", "fall", "practice", "practice"),
        (
            "simulated_bed_cost_of_the_year",
            "commissioner_bed_cost",
            "commissioner_code",
            "commissioner",
        ),
    ):
        array = np.concatenate([arrays[name] for arrays in many], axis=1)
        found = result.sel(effect="with")
        assert found[stem].dims[:2] == ("scenario", area), first
        quantiles = np.moveaxis(np.quantile(array, QUANTILES, axis=-1), 0, -1)
        np.testing.assert_allclose(found[stem], quantiles, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(found[f"{stem}_mean"], array.mean(axis=-1), rtol=1e-12)
        error = array.std(axis=-1, ddof=1) / np.sqrt(20)
        np.testing.assert_allclose(found[f"{stem}_standard_error"], error, rtol=1e-12)
    earned = np.concatenate([(arrays["grade"] > 0).sum(axis=-1) for arrays in many], axis=1)
    chance = result["probability_of_earning"].sel(effect="with")
    np.testing.assert_array_equal(chance, earned / 20)
    assert 0 < chance.min() < chance.max() < 1
    error = result["probability_of_earning_standard_error"].sel(effect="with")
    np.testing.assert_allclose(error, np.sqrt(chance * (1 - chance) / 20))


def test_without_is_a_run_in_which_the_effect_is_zero(tiny, result):
    none = simulated(with_terms(tiny, {"reduction": 0}))
    assert values(none.sel(effect="with")) == values(result.sel(effect="without"))
    assert values(none.sel(effect="without")) == values(result.sel(effect="without"))
    assert (result["commissioner_saving"].sel(effect="without") == 0).all()
    assert (result["commissioner_saving_mean"].sel(effect="with") > 0).all()
    fewer = result["admissions_of_year"].sel(effect="with")
    assert (fewer <= result["admissions_of_year"].sel(effect="without")).all()


def test_a_start_and_months_of_its_own(tiny):
    later = simulated(tiny, start="2016-10", months=8)
    assert list(later["year"].values) == ["2016/17", "2017/18"]
    assert bits(later) == bits(simulated(tiny, start=dt.date(2016, 10, 9), months=8))
    # Half a year has half the admissions.
    few = later["admissions_of_year_mean"].sel(year="2016/17", effect="with")
    assert (
        0.3 < float(few.sum() / simulated(tiny)["admissions_of_year_mean"][:, 0, :, 0].sum()) < 0.8
    )


# ------------------------------------------------------------------------- what is said of them


def test_dimensions_labels_and_units(tiny, result):
    assert list(result["scenario"].values) == ["as-is", "strict"]
    assert list(result["effect"].values) == ["with", "without"]
    assert list(result["practice"].values) == ["P1", "P2", "P3", "P4", "P5"]
    assert list(result["commissioner_code"].values) == ["C1", "C2"]
    assert list(result["year"].values) == ["2015/16", "2016/17"]
    assert list(result["quantile"].values) == [0.05, 0.25, 0.5, 0.75, 0.95]
    assert {"month", "fiscal_year"}.isdisjoint(result.coords)
    assert {"commissioner", "contract_type"} <= set(result.coords)
    by_practice = {"reward_paid", "admissions_of_year", "fall", "bonus", "grade"}
    of_all = {"reward_paid", "admissions_of_year", "bonus", "transfers", "bed_cost"}
    of_all |= {"scheme_cost", "saving"}
    stems = dict.fromkeys(by_practice, "practice")
    stems |= {f"commissioner_{s}": "commissioner_code" for s in of_all}
    expected = {"registered_list": ("practice",)}
    for stem, area in stems.items():
        dims = ("scenario", "effect", area, "year")
        expected |= {stem: (*dims, "quantile"), f"{stem}_mean": dims}
        expected |= {f"{stem}_standard_error": dims}
        expected |= {f"{stem}_quantile_standard_error": (*dims, "quantile")}
    for stem in ("probability_of_earning", "probability_of_earning_standard_error"):
        expected[stem] = ("scenario", "effect", "practice", "year")
    assert {name: v.dims for name, v in result.data_vars.items()} == expected
    units = {name: v.attrs["units"] for name, v in result.data_vars.items()}
    assert units["reward_paid"] == units["commissioner_bed_cost_mean"] == "GBP/year"
    assert units["admissions_of_year_standard_error"] == "admission/year"
    assert units["fall"] == units["grade_mean"] == units["probability_of_earning"] == "1"
    assert units["registered_list"] == "patient"
    for variable in result.data_vars.values():
        assert variable.attrs["long_name"]
        assert variable.dtype == float
        assert np.isfinite(variable.values).all()


def test_what_it_was_asked_and_what_it_rests_on(tiny, result):
    kept = result.attrs
    assert (kept["seed"], kept["draws"], kept["model"]) == (1, 20, "tiny")
    assert kept["base_fiscal_year"] == "2014/15"
    assert kept["months"] == "2015-04 – 2017-03"
    assert kept["practices_source"] == "rows.csv"
    outcomes = json.loads(kept["outcomes"])
    assert outcomes == [*SIMULATION["outcomes"], "grade", "scheme_cost", "saving"]
    assert [kept[key] for key in ("earned", "effect_term", "cost", "saving")] == [
        "grade",
        "reduction",
        "scheme_cost",
        "saving",
    ]
    assert json.loads(kept["scenarios"]) == {"as-is": "as-is", "strict": "strict"}
    assert isinstance(json.loads(kept["notes"]), list)
    assert all(source["title"] for source in json.loads(kept["sources"]).values())


ROW = ["name", "title", "scenario", "unit", "from", "value", "source", "assumption", "note"]


def test_every_assumption_is_listed_with_its_ground(tiny, result, bolton):
    rows = json.loads(result.attrs["assumptions"])
    assert {row["name"] for row in rows} == set(TERMS)
    assert all(set(row) == set(ROW) for row in rows)
    values = {(r["name"], r["scenario"], r["from"]): r["value"] for r in rows}
    assert values["ramp", "all", "2013-04-01"] == 0.5
    assert values["ramp", "all", "2015-10-01"] == 1
    assert values["fall_for_reward", "as-is", "2013-04-01"] == 0.05
    assert values["fall_for_reward", "strict", "2013-04-01"] == 0.1
    assert not [key for key in values if "held" in key[1]]
    model, rows = load_model(BOLTON), json.loads(bolton.attrs["assumptions"])
    asked = model.simulation
    needed = model.graph().only([*asked.outcomes, asked.earned, asked.cost, asked.saving])
    read = {term_behind(name, model.terms) or name for name in needed.leaves}
    read -= {n for n, leaf in needed.leaves.items() if leaf.kind == "calendar"}
    figures = {n for n in read if n.removeprefix("base_") in example_practices() or n in FLAGS}
    assert read - figures <= {row["name"] for row in rows}
    for row in rows:
        assert set(row) == set(ROW)
        assert row["source"] or row["assumption"].strip()
        assert not row["source"] or row["source"] in json.loads(bolton.attrs["sources"])
        assert isinstance(row["value"], float)
        assert row["unit"]


def test_it_survives_a_journey(result, bolton, tmp_path):
    pytest.importorskip("scipy")
    for number, dataset in enumerate((result, bolton)):
        xr.testing.assert_identical(xr.Dataset.from_dict(dataset.to_dict()), dataset)
        dataset.to_netcdf(tmp_path / f"{number}.nc", engine="scipy")
        with xr.open_dataset(tmp_path / f"{number}.nc", engine="scipy") as read:
            assert bits(read) == bits(dataset)
            assert {k: v for k, v in read.attrs.items() if k != "seed"} == {
                k: v for k, v in dataset.attrs.items() if k != "seed"
            }


def test_a_shipped_contract(bolton):
    model = load_model(BOLTON)
    assert set(model.simulation.outcomes) <= set(json.loads(bolton.attrs["outcomes"]))
    assert all(np.isfinite(v.values).all() for v in bolton.data_vars.values())
    assert (bolton["emergency_admissions_of_year_standard_error"] > 0).all()
    one = example_practices().isel(practice=[3])
    outcomes = ["emergency_admissions_of_year"]
    options = {"months": 12, "outcomes": outcomes}
    own = ["emergency_admissions_of_year", "emergency_admissions_of_year_mean"]
    alone = simulated(model, one, draws=6, **options)
    assert bits(alone[own]) == bits(bolton[own].isel(practice=[3]))
    certain = with_terms(model, {"admissions_overdispersion": 0, "practice_level_variation": 0})
    found = simulated(certain, one, draws=2, **options).sel(effect="with", drop=True)
    projected = project(certain, one, months=12, variables=outcomes)[outcomes[0]]
    expected, _ = xr.broadcast(projected, found["scenario"])
    mean = found[own[1]]
    xr.testing.assert_allclose(mean, expected.transpose(*mean.dims), rtol=1e-13)
