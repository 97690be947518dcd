"""Simulation of many commissioners: threads, memory, wider groups, and standard errors."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from capitation import draws as drawing
from capitation.cli import main
from capitation.draw_statistics import QUANTILES, WIDTH, statistics_of
from capitation.draws import Draws, with_outcomes
from capitation.errors import InputError
from capitation.every_commissioner import by_size, every_commissioner
from capitation.model import Model
from capitation.setting import setting_of
from capitation.side_by_side import Room, aligned, side_by_side
from capitation.simulation import simulate

from .strategies import BOLTON, bits, practices_of
from .tiny_models import simulated, some_practices, tiny_model

RULES = '''
from capitation.vocabulary import MONTHS_PER_YEAR, gamma, negative_binomial, rule, total

@rule(unit="admission/year", assumption="By hand.")
def usual(base_registered_list, admission_rate):
    """Admissions to expect of the first year."""
    return base_registered_list * admission_rate

@rule(unit="1", drawn=gamma("base_level_variation"), assumption="By hand.")
def level(base_registered_list):
    """A practice's lasting level."""
    return base_registered_list / base_registered_list

@rule(unit="1", drawn=gamma("weather_variation_for_the_year"), assumption="By hand.")
def weather(mean_weather_for_the_year):
    """The year's weather, the same for all."""
    return mean_weather_for_the_year

@rule(
    unit="admission/year",
    drawn=negative_binomial("overdispersion_for_the_year"),
    assumption="By hand.",
)
def admissions(usual, level, weather, reduction_for_the_year):
    """Admissions of the year."""
    return usual * level * weather * (1 - reduction_for_the_year)

@rule(unit="GBP/year", assumption="By hand.")
def saved(usual, admissions, tariff_for_the_year):
    """Spent less than the budget."""
    return (0.98 * usual - admissions) * tariff_for_the_year

@rule(unit="1", assumption="By hand.")
def achieved(admissions, usual):
    """Achievement."""
    return min(max((1 - admissions / usual) / 0.03, 0), 1)

@rule(unit="GBP/year", assumption="By hand.")
def paid(saved, achieved, base_registered_list, price_for_the_year):
    """A share of what is saved, and variable pay."""
    return max(0.5 * saved, -0.1 * saved) + achieved * base_registered_list * price_for_the_year

@rule(unit="GBP/month", assumption="By hand.")
def paid_out(paid, month_of_fiscal_year):
    """Paid in the year's second half."""
    return paid / MONTHS_PER_YEAR * 2 if month_of_fiscal_year > 6 else 0

scheme_cost = total("paid", over="practices")
saving = total("saved", over="practices")

@rule(unit="1", assumption="By hand.")
def return_on_cost(saving, scheme_cost):
    """Pounds saved for each that is paid."""
    return saving / scheme_cost if scheme_cost > 0 else 0
'''
TERMS = {
    "level_variation": ("1", 0.2),
    "weather_variation": ("1", 0.02),
    "mean_weather": ("1", 1),
    "overdispersion": ("1", 1),
    "reduction": ("1", 0.02),
    "tariff": ("GBP/admission", 2500),
    "price": ("GBP/patient/year", 2),
}
SIMULATION = {
    "outcomes": ["paid", "return_on_cost"],
    "earned": "achieved",
    "effect": "reduction",
    "cost": "scheme_cost",
    "saving": "saving",
}
INPUT = """
[input.admission_rate]
title = "Admission rate"
unit = "admission/patient/year"
value = 0.1
assumption = "By hand."
"""
SHAPES = (13, 2, 7, 1, 5, 2, 6, 4)


def scale_model(folder: Path, years: int = 2) -> Model:
    return tiny_model(
        folder,
        RULES,
        terms=TERMS,
        simulation=SIMULATION,
        scenarios={"as-is": {}, "more": {"reduction": 0.05}},
        streams=("paid_out",),
        months=12 * years,
        more=INPUT,
        name="scale",
    )


def many_practices(shapes: tuple[int, ...] = SHAPES) -> xr.Dataset:
    """Practices of several commissioners, so many of each, in no order."""
    rng = np.random.default_rng(7)
    areas = rng.permutation(np.repeat(np.arange(len(shapes)), shapes))
    lists = np.round(rng.lognormal(8.0, 0.5, len(areas)))
    return practices_of(
        {"practice": f"A{n:04d}", "commissioner": f"{area:02d}X", "registered_list": size}
        for n, (area, size) in enumerate(zip(areas, lists, strict=True))
    )


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Model:
    return scale_model(tmp_path_factory.mktemp("scale"))


@pytest.fixture(scope="module")
def result(model) -> xr.Dataset:
    everywhere = {"all": codes_of(many_practices()), "north": ["00X", "02X", "05X"]}
    return simulated(model, many_practices(), draws=40, groups=everywhere)


def codes_of(practices: xr.Dataset) -> list[str]:
    return sorted(set(practices["commissioner"].values.astype(str).tolist()))


def said(error: pytest.ExceptionInfo[InputError]) -> list[str]:
    return [str(problem) for problem in error.value.problems]


# ------------------------------------------------------------------------------- side by side


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_results_come_in_the_order_of_the_work(threads):
    begun = threading.Event()

    def work(piece: int) -> int:
        if piece == 0 and threads > 1:
            assert begun.wait(20), "the others did not begin while the first was under way"
        elif piece == 1:
            begun.set()
        return piece * piece

    assert list(side_by_side(work, range(9), threads)) == [n * n for n in range(9)]
    assert list(side_by_side(work, [], threads)) == []


@pytest.mark.parametrize("threads", [1, 2])
def test_the_first_that_fails_is_told_and_the_rest_is_given_up(threads):
    begun = []

    def work(piece: int) -> int:
        begun.append(piece)
        if piece in (3, 4):
            raise ValueError(piece)
        return piece

    found = side_by_side(work, range(1000), threads)
    assert [next(found) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="3"):
        next(found)
    assert len(begun) < 20


def test_work_is_begun_only_little_ahead():
    begun = []
    found = side_by_side(begun.append, range(1000), 2)
    next(found)
    assert len(begun) <= 8
    found.close()
    assert len(begun) <= 8


def test_room_is_used_again():
    room = Room()
    large = room.array("a", (3, 40))
    large[:] = 1
    assert room.array("a", (2, 5)).base is large.base
    assert room.array("b", (2, 5)).base is not large.base
    assert room.array("a", (5, 40)).shape == (5, 40)
    assert all(aligned(size).ctypes.data % 64 == 0 for size in range(1, 40))


# ------------------------------------------------------------------------- many commissioners


def test_the_largest_commissioners_have_all_threads_and_the_others_one(model, monkeypatch):
    whole, outcomes = with_outcomes(model, ["paid"], ())
    names = [name for of in outcomes.values() for name in of.variables]
    setting = setting_of(whole, many_practices(), None, None)
    sizes = np.diff(setting.practice_start)

    def run(threads: int, compiled: bool) -> Draws:
        return Draws(setting, whole.graph(), names, {}, 10, 1, threads, compiled)

    order = [0, 2, 6, 4, 7, 1, 5, 3]
    assert sizes[order].tolist() == sorted(SHAPES, reverse=True)
    # Forty practices: up to two and a half of them are a sixteenth.
    assert by_size(run(2, True)) == (order[:5], order[5:])
    assert by_size(run(1, True)) == by_size(run(2, False)) == (order, [])
    monkeypatch.setattr(drawing, "MEMORY", 1)
    assert by_size(run(2, True)) == (order, [])
    seen = []
    found = every_commissioner(run(1, False), lambda drawn: seen.append(drawn) or [])
    assert list(found) == order
    # By memory, each practice has a pass of its own; the commissioner's own is there in all.
    assert len(seen) == 40
    assert [drawn.first for drawn in seen[:14]] == [True, *[False] * 12, True]


def test_threads_passes_and_order_leave_every_bit_as_it_is(model, result, monkeypatch):
    groups = {"all": codes_of(many_practices()), "north": ["00X", "02X", "05X"]}
    shuffled = many_practices().isel(practice=np.random.default_rng(1).permutation(40))
    for threads, least, memory in ((1, 128, 2**29), (2, 128, 2**29), (3, 7, 200_000), (2, 16, 1)):
        monkeypatch.setattr(drawing, "LEAST_TASK", least)
        monkeypatch.setattr(drawing, "MEMORY", memory)
        options = {"draws": 40, "groups": groups, "threads": threads, "compiled": True}
        found = simulated(model, shuffled, **options)
        there = {"practice": result["practice"], "commissioner_code": result["commissioner_code"]}
        assert bits(found.sel(there)) == bits(result)
        assert found.attrs == result.attrs


def test_some_commissioners_have_the_same_numbers_among_fewer(model, result):
    practices = many_practices()
    chosen = practices["commissioner"].isin(["01X", "04X", "06X"]).values
    few = simulated(model, practices.isel(practice=np.flatnonzero(chosen)), draws=40)
    assert few.sizes["commissioner_code"] == 3
    there = {"practice": few["practice"], "commissioner_code": few["commissioner_code"]}
    assert bits(few) == bits(result.drop_dims("group").sel(there))


def test_a_fault_is_told_of_its_place_however_many_threads(model):
    practices = many_practices()
    practices["registered_list"][5] = 0.0
    code, area = (str(practices[name].values[5]) for name in ("practice", "commissioner"))
    alone = practices.isel(practice=np.flatnonzero(practices["commissioner"].values == area))
    told = set()
    for of in (practices, alone):
        for threads, compiled in ((1, False), (1, True), (2, True)):
            with pytest.raises(InputError) as caught:
                simulated(model, of, threads=threads, compiled=compiled)
            told.update(said(caught))
    assert len(told) == 1
    assert f"practice {code}" in told.pop()


def test_how_far_it_is_can_be_told(model):
    told = []
    simulated(model, some_practices(), draws=2, progress=told.append)
    assert told == ["1 of 2 commissioners", "2 of 2 commissioners"]
    simulated(model, some_practices("P1"), draws=2, progress=told.append, break_even=True)
    assert told[2:] == ["1 of 1 commissioners", "solving for the break-even"]


# ------------------------------------------------------------------------ commissioners alone


def test_commissioners_alone_have_the_same_figures(model, result):
    groups = {"all": codes_of(many_practices()), "north": ["00X", "02X", "05X"]}
    alone = simulated(model, many_practices(), draws=40, by_practice=False, groups=groups)
    own = [name for name, v in result.data_vars.items() if "practice" not in v.dims]
    assert len(own) == 4 * (4 + 3)
    assert set(alone.data_vars) == {*own, "registered_list"}
    assert bits(alone[own]) == bits(result[own])
    # What is the practices' alone is not told, and not among the outcomes.
    assert json.loads(alone.attrs["outcomes"]) == [
        "paid",
        "return_on_cost",
        "scheme_cost",
        "saving",
    ]
    assert "achieved" in json.loads(result.attrs["outcomes"])


def test_only_what_commissioners_have_can_be_told_alone(tmp_path):
    model = scale_model(tmp_path)
    table = {"outcomes": ("achieved",), "earned": "achieved", "cost": "", "saving": ""}
    changed = model.simulation.__class__(effect="reduction", **table)
    model = model.__class__(**{**vars(model), "simulation": changed})
    with pytest.raises(InputError) as caught:
        simulated(model, many_practices(), draws=2, by_practice=False)
    assert said(caught) == [
        "outcomes: nothing is asked for that a commissioner has "
        "(ask for an amount, or for what practices have)"
    ]


MEASURED = """
import resource, sys, tracemalloc
from pathlib import Path
from tests.test_simulation_at_scale import many_practices, scale_model
from capitation.simulation import simulate

model = scale_model(Path(sys.argv[1]), 5)
practices = many_practices((10,) * 20)
for by_practice in (False, True):
    options = {"threads": 2, "compiled": True, "break_even": False, "by_practice": by_practice}
    simulate(model, practices, draws=4, **options)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tracemalloc.start()
    found = simulate(model, practices, draws=int(sys.argv[2]), **options)
    traced = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(found.nbytes, traced, resident * 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts memory as Linux does")
def test_memory_does_not_grow_with_draws_times_practices_times_years(tmp_path):
    draws, root = 2000, Path(__file__).parents[1]
    run = subprocess.run(
        [sys.executable, "-c", MEASURED, str(tmp_path), str(draws)],
        capture_output=True,
        text=True,
        check=True,
        cwd=root,
    )
    alone, by_practice = (map(int, line.split()) for line in run.stdout.splitlines())
    # In four scenarios and five years, two outcomes of a practice and four of a commissioner, of
    # two commissioners at a time.
    of_one = 8 * draws * 4 * 5
    everything = 200 * 2 * of_one
    for (size, traced, resident), own in ((alone, 0), (by_practice, 10 * 2)):
        at_once = 2 * (4 + own) * of_one
        assert traced < size + at_once + 6 * 2**20 < everything / 2
        assert resident < size + at_once + 24 * 2**20 < everything / 2


# ------------------------------------------------------------------------------ wider groups


def drawn(model: Model, name: str, draws: int) -> np.ndarray:
    """Draws of the commissioners' own, on commissioner, scenario, year and draw."""
    whole, outcomes = with_outcomes(model, [name], ())
    setting = setting_of(whole, many_practices(), None, None)
    variable = outcomes[name].by_commissioner
    run = Draws(setting, whole.graph(), [variable], {}, draws, 1, 1, False)
    places = range(len(setting.commissioners))
    return np.stack([run.totals_of_commissioner(place)[variable][:, 0] for place in places])


def test_a_groups_draws_are_the_sums_of_its_commissioners(model, result):
    assert list(result["group"].values) == ["all", "north"]
    paid = drawn(model, "paid", 40)
    for group, members in (("all", slice(None)), ("north", [0, 2, 5])):
        sums = paid[members].sum(axis=0)
        found = result.sel(group=group, effect="with")
        quantiles = np.moveaxis(np.quantile(sums, QUANTILES, axis=-1), 0, -1)
        np.testing.assert_allclose(found["group_paid"], quantiles, rtol=1e-12)
        np.testing.assert_allclose(found["group_paid_mean"], sums.mean(axis=-1), rtol=1e-12)
        error = sums.std(axis=-1, ddof=1) / np.sqrt(40)
        np.testing.assert_allclose(found["group_paid_standard_error"], error, rtol=1e-11)
    # Commissioners' means add up, and their quantiles do not: what chance does averages out.
    by_commissioner = result["commissioner_paid_mean"].sum("commissioner_code")
    all_of_them = result["group_paid_mean"].sel(group="all", drop=True)
    xr.testing.assert_allclose(by_commissioner, all_of_them, rtol=1e-12)
    spread = result[["commissioner_paid", "group_paid"]].sel(quantile=0.95, drop=True)
    spread = spread - result[["commissioner_paid", "group_paid"]].sel(quantile=0.05, drop=True)
    wide = spread["commissioner_paid"].sum("commissioner_code")
    assert (spread["group_paid"].sel(group="all") < 0.9 * wide).all()
    # What does not add up is told of no group.
    assert {name for name in result.data_vars if name.startswith("group_return")} == set()
    assert result["group_paid"].attrs["units"] == "GBP/year"


def test_a_group_of_one_is_that_commissioner(model, result):
    one = simulated(model, many_practices(), draws=40, groups={"only": ["03X"]})
    for end in ("", "_mean", "_standard_error", "_quantile_standard_error"):
        group = one[f"group_scheme_cost{end}"].isel(group=0)
        own = result[f"commissioner_scheme_cost{end}"].sel(commissioner_code="03X")
        np.testing.assert_array_equal(group, own)


def test_every_wrong_group_is_told_at_once(model):
    groups = {"north": ["00X", "9"], "none": [], "text": "00X"}
    with pytest.raises(InputError) as caught:
        simulated(model, many_practices(), draws=2, groups=groups)
    unknown, empty, text = said(caught)
    assert unknown.startswith("groups, 'north': there is no commissioner '9'")
    assert empty.startswith("groups, 'none': has no commissioner")
    assert text == "groups, 'text': found the text '00X' (a list: ['00X'])"


def test_more_groups_than_memory_holds_are_refused(model, monkeypatch):
    monkeypatch.setattr("capitation.simulation.MOST_OF_GROUPS", 1000)
    with pytest.raises(InputError, match="the draws of 1 groups take more memory"):
        simulated(model, many_practices(), draws=20, groups={"all": ["00X"]})


# ------------------------------------------------------------- quantiles and their errors


@pytest.mark.parametrize("many", [2, 3, 20, 1001, 4096])
def test_statistics_are_those_of_numpy(many, monkeypatch):
    monkeypatch.setattr("capitation.draw_statistics.BLOCK", 8 * 3 * many)
    rng = np.random.default_rng(many)
    rows = rng.negative_binomial(3, 0.1, (2, 4, many)).astype(float)
    rows[1, 2] = 1.1
    found = statistics_of(rows)
    expected = np.moveaxis(np.quantile(rows, QUANTILES, axis=-1), 0, -1)
    np.testing.assert_allclose(found.quantiles, expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.mean, rows.mean(axis=-1), rtol=1e-14)
    error = rows.std(axis=-1, ddof=1) / np.sqrt(many)
    np.testing.assert_allclose(found.mean_error, error, rtol=1e-12, atol=1e-15)
    assert found.mean[1, 2] == 1.1
    assert found.mean_error[1, 2] == 0
    assert (found.quantile_errors[1, 2] == 0).all()
    assert (found.quantile_errors >= 0).all()
    # The naive twin of the slope of the ordered draws.
    for place, share in enumerate(QUANTILES):
        error = np.sqrt(share * (1 - share) / many)
        ends = np.clip([share - WIDTH * error, share + WIDTH * error], 0, 1)
        low, high = np.quantile(rows, ends, axis=-1)
        slope = (high - low) / (ends[1] - ends[0])
        np.testing.assert_allclose(
            found.quantile_errors[..., place], slope * error, rtol=1e-9, atol=1e-12
        )


def test_one_draw_stands_for_what_is_certain():
    found = statistics_of(np.array([[3.5], [0.0]]))
    np.testing.assert_array_equal(found.quantiles, [[3.5] * 5, [0.0] * 5])
    assert not found.quantile_errors.any()
    assert not found.mean_error.any()


@pytest.mark.parametrize("law", ["normal", "exponential", "uniform"])
def test_standard_errors_of_quantiles_are_how_far_quantiles_move(law):
    rng = np.random.default_rng(11)
    found = statistics_of(getattr(rng, law)(size=(3000, 1000)))
    moved = found.quantiles.std(axis=0, ddof=1)
    told = found.quantile_errors.mean(axis=0)
    np.testing.assert_allclose(told, moved, rtol=0.08)


def test_more_draws_tell_quantiles_more_closely(model):
    errors = []
    for draws in (100, 1600):
        found = simulated(model, some_practices("P1"), draws=draws, months=12, by_practice=False)
        errors.append(found["commissioner_paid_quantile_standard_error"].values)
        assert (errors[-1] > 0).all()
    # Sixteen times the draws, a quarter of the error, but for chance
    assert 2.5 < np.median(errors[0] / errors[1]) < 6


# --------------------------------------------------------------------------------- the command


def test_the_command_tells_commissioners_alone(tmp_path, capsys):
    path = tmp_path / "o.csv"
    argv = ["simulate", BOLTON, "--output", str(path), "--by-commissioner", "--months", "12"]
    assert main([*argv, "--draws", "20", "--scenario", "fixed", "--json"]) == 2
    assert "there is no scenario 'fixed'" in capsys.readouterr().err
    assert main([*argv, "--draws", "20", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert (summary["rows"], summary["output"]) == (len(rows), str(path))
    assert summary["break_even"] is None
    assert summary["chance_of_earning"] == []
    row = rows[0]
    assert list(row)[:7] == ["outcome", "unit", "of", "area", "scenario", "effect", "year"]
    assert list(row)[7:10] == ["mean", "mean_standard_error", "q0.05"]
    assert list(row)[-1] == "q0.95_standard_error"
    assert float(row["q0.05"]) <= float(row["q0.5"]) <= float(row["q0.95"])
    assert {row["of"] for row in rows} == {"commissioner"}
    cost = [row for row in rows if row["outcome"] == "scheme_cost"]
    assert [float(row["mean"]) for row in cost] == [of["mean"] for of in summary["cost"]]
    other = tmp_path / "o.xlsx"
    assert main(["simulate", BOLTON, "--by-commissioner", "--output", str(other)]) == 2
    assert "end it in .csv" in capsys.readouterr().err


def test_the_command_adds_all_commissioners_up(tmp_path, capsys):
    lines = [f"EX{n:03d},{'North' if n < 30 else 'South'}" for n in range(1, 51)]
    hubs = tmp_path / "hubs.csv"
    hubs.write_text("\n".join(["practice,hub", *lines, ""]), encoding="utf-8")
    path = tmp_path / "o.csv"
    argv = ["simulate", BOLTON, "--hubs", str(hubs), "--months", "12", "--draws", "4"]
    argv += ["--by-commissioner", "--output", str(path)]
    assert main(argv) == 0
    told = capsys.readouterr().out
    assert "all together" in told
    assert f"Table  {path}" in told
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["outcome"] == "scheme_cost"]
    groups = [row for row in rows if row["of"] == "group"]
    assert {row["area"] for row in groups} == {"all together"}
    first = groups[0]
    same = ("scenario", "effect", "year")
    parts = [
        float(row["mean"])
        for row in rows
        if row["of"] == "commissioner" and all(row[key] == first[key] for key in same)
    ]
    assert len(parts) == 2
    assert float(first["mean"]) == pytest.approx(sum(parts), rel=1e-12)


def test_a_large_run_is_refused_no_workbook_without_practices(model, tmp_path):
    from capitation.workbook.simulation_book import write_simulation

    alone = simulate(
        model, some_practices(), draws=2, break_even=False, by_practice=False, compiled=False
    )
    with pytest.raises(InputError):
        write_simulation(alone, tmp_path / "o.xlsx")
