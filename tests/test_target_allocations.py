"""Target allocations against NHS England's files (checks C18 and C19), and fair budgets."""

import argparse
import json

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import capitation as cap
from capitation.cli.budget_summary import add_options, budget
from capitation.errors import InputError
from capitation.example_weights import example_populations
from capitation.fair_budgets import (
    fair_budget,
    need_inputs,
    practices_of,
    write_need_inputs,
)
from capitation.national import national_terms
from capitation.sources.allocations import read_allocations
from capitation.sources.weighted_populations import read_weighted_populations
from capitation.target_allocations import (
    COMPONENTS,
    distance_from_target,
    primary_medical_blend,
    target_allocation,
)

EXAMPLE = example_populations()
PARTS = [f"target_{name}" for name in COMPONENTS]


@pytest.fixture(scope="module")
def populations(reference_data):
    return read_weighted_populations(reference_data / "gp_practice_weighted_population_2018_19.csv")


@pytest.fixture(scope="module")
def tool(reference_data):
    return read_weighted_populations(reference_data / "icb_tool_2022_23.csv")


@pytest.fixture
def example():
    return EXAMPLE


# Check C18 -------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["", "_with_remoteness"])
def test_every_target_is_reproduced_from_its_components(populations, end):
    found = target_allocation(populations)[f"target_allocation{end}"]
    published = populations[f"published_target_allocation{end}"]
    assert found.sizes == {"practice": 5_393}
    assert found.attrs["units"] == "GBP/year"
    # £000: the file's own unit.
    assert float(np.abs(found - published).max()) / 1_000 < 1e-6


def test_the_need_for_hospital_and_community_services_is_reproduced(populations):
    name = "weighted_population_hospital_and_community"
    assert float(np.abs(target_allocation(populations)[name] - populations[name]).max()) < 1e-6


def test_the_need_index_is_the_overall_over_the_registered_population(populations):
    need = populations["weighted_population"] / populations["registered_population"]
    np.testing.assert_array_equal(populations["need_index"].values, need.values)


def test_only_194_practices_of_7_commissioners_are_remote(populations):
    remote = target_allocation(populations)["target_remoteness"]
    far = np.abs(remote.values) > 1
    assert far.sum() == 194
    assert len(set(populations["commissioner"].values[far])) == 7
    assert float(remote.sum()) == pytest.approx(23.341e6, abs=500)


def test_a_target_by_hand(example):
    """One practice of round figures, with the formula typed out from check C18."""
    one = example.isel(practice=[0]).copy(deep=True)
    for name, value in (
        ("general_and_acute", 1000.0),
        ("community", 2000.0),
        ("mental_health", 3000.0),
        ("maternity", 4000.0),
        ("prescribing", 5000.0),
        ("health_inequalities", 6000.0),
    ):
        one[f"weighted_population_{name}"][0] = value
    one["market_forces_factor"][0] = 1.1
    one["emergency_ambulance_index"][0] = 0.99
    need = 0.7443451385 * 1000 + 0.0641386621 * 2000 + 0.1498554525 * 3000 + 0.0416607469 * 4000
    expected = 1110.7014301 * (0.9 * need + 0.1 * 6000) * 1.1 * 0.99
    expected += 151.2615508 * (0.9 * 5000 + 0.1 * 6000)
    found = target_allocation(one)
    assert found["target_allocation"].item() == pytest.approx(expected, rel=1e-8)
    # The example has no overall weighted population: nothing is remote.
    assert found["target_allocation_with_remoteness"].item() == pytest.approx(expected, rel=1e-8)


def test_the_weights_add_up_to_one():
    terms, _ = national_terms()
    names = ("general_and_acute", "community", "mental_health", "maternity")
    weights = [terms[f"target_{name}_share"].values[0].value for name in names]
    assert sum(weights) == pytest.approx(1, abs=1e-12)


@given(st.lists(st.floats(0, 1e5), min_size=8, max_size=8), st.floats(0.1, 10))
@settings(max_examples=15, deadline=None)
def test_parts_add_up_and_targets_scale(values, scale):
    one = EXAMPLE.isel(practice=[0]).copy(deep=True)
    names = [f"weighted_population_{name}" for name in COMPONENTS]
    for name, value in zip(names, values, strict=False):
        one[name][0] = value
    found = target_allocation(one)
    parts = sum(found[name].item() for name in PARTS)
    assert parts == pytest.approx(found["target_allocation"].item(), rel=1e-12)
    larger = target_allocation(one.assign({name: one[name] * scale for name in names}))
    scaled = scale * found["target_allocation"].item()
    assert larger["target_allocation"].item() == pytest.approx(scaled, rel=1e-12)


def test_a_tool_has_no_targets_and_it_is_said_why(tool):
    with pytest.raises(InputError, match="an allocation tool has no market forces factor"):
        target_allocation(tool)


# Check C19 -------------------------------------------------------------------------------------


def test_the_primary_medical_blend(tool):
    found = primary_medical_blend(tool)
    published = tool["published_primary_medical_weighted_population"]
    assert found.sizes == {"practice": 6_554}
    assert float(np.abs(found - published).max()) < 0.005


def test_distances_from_target_of_2013_14(reference_data):
    table = read_allocations(reference_data / "ccg_allocation_2013_14_dft.csv")
    found = distance_from_target(
        table["allocation"], table["target_allocation"], table["population"]
    )
    published = table["published_distance_in_money"]
    np.testing.assert_array_equal(found["distance_in_money"].values, published.values)
    gap = found["distance_from_target"] - table["published_distance_from_target"]
    assert float(np.abs(gap).max()) <= 0.00005 + 1e-12
    for name in ("allocation_per_head", "target_per_head"):
        # The populations and amounts are rounded too, so half a pound is not quite a bound.
        assert float(np.abs(found[name] - table[f"published_{name}"]).max()) < 0.505
    # £1,135.411 a weighted head, each of the eight to the £000 and person they are rounded to.
    aims = table["weighted_population"] * 1_135.411
    rounding = 500 + 0.5 * 1_135.411
    assert float(np.abs(aims - table["target_allocation"]).max()) < rounding
    a_head = table["target_allocation"] / table["weighted_population"]
    assert [round(float(n), 3) for n in (a_head.min(), a_head.max())] == [1135.408, 1135.414]


def of_practices(**values):
    found = xr.DataArray([float(value) for value in values.values()], dims="practice")
    return found.assign_coords(practice=list(values))


@given(st.permutations("ABCD"), st.permutations("ABCD"))
@settings(max_examples=10, deadline=None)
def test_distances_are_by_code_in_any_order(of_target, of_population):
    allocation = of_practices(A=90, B=100, C=110, D=50)
    target = of_practices(A=100, B=50, C=100, D=100)
    people = of_practices(A=1, B=2, C=4, D=5)
    found = distance_from_target(
        allocation, target.sel(practice=of_target), people.sel(practice=of_population)
    )
    assert found["practice"].values.tolist() == ["A", "B", "C", "D"]
    assert found["distance_from_target"].values == pytest.approx([-0.1, 1, 0.1, -0.5])
    assert found["distance_in_money"].values.tolist() == [-10, 50, 10, -50]
    assert found["allocation_per_head"].values.tolist() == [90, 50, 27.5, 10]
    assert found["target_per_head"].values.tolist() == [100, 25, 25, 20]


def test_distances_of_other_practices_are_refused_with_all_codes():
    money, other = of_practices(A=1, B=2, C=3), of_practices(C=3, D=4, A=1, E=5)
    with pytest.raises(InputError) as error:
        distance_from_target(money, other)
    assert [str(problem) for problem in error.value.problems] == [
        "allocation: there is no practice D, E (target must be of the same, in any order)",
        "target: there is no practice B (allocation must be of the same, in any order)",
    ]
    with pytest.raises(InputError, match="practice A stands twice"):
        distance_from_target(money, xr.concat([money, money.isel(practice=[0])], "practice"))
    with pytest.raises(InputError, match="target: has no codes along 'practice'"):
        distance_from_target(money, money.drop_vars("practice"))
    with pytest.raises(InputError, match="target: found float"):
        distance_from_target(money, 5.0)


def test_targets_and_populations_that_cannot_be_are_refused_all_at_once():
    money = of_practices(A=1, B=2, C=np.nan)
    with pytest.raises(InputError) as error:
        distance_from_target(money, of_practices(A=0, B=np.inf, C=1), of_practices(A=1, B=1, C=-1))
    places = [problem.where for problem in error.value.problems]
    assert places == [
        "allocation, practice C",
        "target, practice A",
        "target, practice B",
        "population, practice C",
    ]
    alone = of_practices(A=0).sel(practice="A", drop=True)
    with pytest.raises(InputError, match=r"^target: is 0 "):
        distance_from_target(alone, alone)


# Fair budgets ----------------------------------------------------------------------------------


def test_a_budget_of_every_practice_is_the_file(populations):
    codes = populations["practice"].values.tolist()
    found = fair_budget(populations, codes)
    names = [str(n) for n in found.data_vars if str(n).startswith("area_")]
    assert "area_target_allocation" in names
    for name in names:
        here, every = found[name].values
        assert here == pytest.approx(every, rel=1e-12), name


@given(st.data())
@settings(max_examples=8, deadline=None)
def test_budgets_of_parts_add_up(data):
    populations = EXAMPLE
    codes = populations["practice"].values.tolist()
    chosen = data.draw(st.lists(st.sampled_from(codes), min_size=2, unique=True))
    cut = data.draw(st.integers(1, len(chosen) - 1))
    whole, first, second = (
        fair_budget(populations, part).isel(area=0) for part in (chosen, chosen[:cut], chosen[cut:])
    )
    for name in ("registered_population", "weighted_population", "target_allocation"):
        together = float(first[f"area_{name}"]) + float(second[f"area_{name}"])
        assert together == pytest.approx(float(whole[f"area_{name}"]), rel=1e-12)
    # An index of the whole lies between those of its parts.
    indices = sorted(float(part["area_need_index"]) for part in (first, second))
    assert indices[0] - 1e-12 <= float(whole["area_need_index"]) <= indices[1] + 1e-12


def test_portsmouth_gosport_and_a_network(populations):
    portsmouth = practices_of(populations, commissioners=["10R"])
    found = fair_budget(populations, portsmouth, "Portsmouth").sel(area="Portsmouth")
    assert found.sizes["practice"] == 12
    published = populations.sel(practice=portsmouth)["published_target_allocation"].sum()
    assert float(found["area_target_allocation"]) == pytest.approx(float(published), abs=0.01)
    gosport = practices_of(populations, ["J82133"], networks=["U16896", "U20871"])
    assert len(gosport) == 5
    assert set(populations["commissioner"].sel(practice=gosport).values) == {"10K"}


def test_a_tool_gives_shares_and_at_a_price_money(tool):
    codes = practices_of(tool, networks=["U72114"])
    assert "target_allocation" not in fair_budget(tool, codes)
    found = fair_budget(tool, codes, per_weighted_head=1_732.0)
    paid = 1_732.0 * tool["weighted_population"].sel(practice=codes)
    np.testing.assert_allclose(found["target_allocation"].values, paid.values)
    assert found.attrs["target_per_weighted_head"] == 1_732.0
    every = found.isel(area=1)
    assert float(every["area_need_index"]) == pytest.approx(1, abs=1e-9)


def test_nobody_registered_gives_no_ratio(example):
    empty = example.isel(practice=[0, 1]).copy(deep=True)
    for name in [str(n) for n in empty.data_vars if "population" in str(n)]:
        empty[name][0] = 0.0
    found = fair_budget(empty, ["EX001", "EX002"])
    assert float(found["need_index"].sel(practice="EX001")) == 0
    assert np.isfinite(found["area_target_per_head"].values).all()


def test_a_text_is_one_code_and_not_its_letters(example):
    assert fair_budget(example, "EX001").identical(fair_budget(example, ["EX001"]))
    assert practices_of(example, "ex001") == ["EX001"]
    assert len(practices_of(example, commissioners="EXAMPLE")) == 50
    assert len(practices_of(example, networks="N2")) == 10
    for ask in (fair_budget, practices_of):
        with pytest.raises(InputError, match="there is no practice 'EX0001'") as error:
            ask(example, "EX0001")
        assert len(error.value.problems) == 1


@pytest.mark.parametrize(
    ("codes", "said"),
    [
        ([], "no practices are asked for"),
        (["EX0001"], "there is no practice 'EX0001' (did you mean 'EX001'?)"),
        (["EX001", "EX001"], "practice EX001 is named 2 times"),
    ],
)
def test_wrong_codes_are_told(example, codes, said):
    with pytest.raises(InputError) as error:
        fair_budget(example, codes)
    assert said in str(error.value)


def test_all_unknown_codes_at_once(example):
    with pytest.raises(InputError) as error:
        practices_of(example, ["EX099", "EX098"], ["EXAMPL"], ["N9"])
    assert len(error.value.problems) == 4


def test_need_inputs_are_what_inputs_reads(example, tmp_path):
    found = fair_budget(example, ["EX001", "EX002"])
    path = tmp_path / "need.csv"
    assert write_need_inputs(found, path) == 2
    read = cap.read_inputs(path)
    np.testing.assert_array_equal(read["need_index"].values, need_inputs(found)["need_index"])
    with pytest.raises(InputError, match="no 'need_index'"):
        need_inputs(example)


def test_the_example_is_the_same_every_time_and_agrees_with_its_practices(example):
    assert example.identical(example_populations())
    assert not example.identical(example_populations(seed=1))
    practices = cap.example_practices()
    assert example["practice"].values.tolist() == practices["practice"].values.tolist()
    people = practices["registered_list"].values
    np.testing.assert_array_equal(example["registered_population"].values, people)


# The command -----------------------------------------------------------------------------------


def asked(*words):
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    add_options(parser.add_argument)
    return budget(parser.parse_args(words))


def test_the_command_in_words():
    text, status = asked("--practices", "EX001", "ex002", "--name", "North")
    assert status == 0
    assert text.startswith("North: 2 practices, 9,563 registered")
    assert "All 50 practices of the file: need index" in text
    assert "England" not in text
    assert "Target without remoteness" in text
    assert "EX002 Example practice 2" in text


def test_the_command_as_json(capsys):
    text, _ = asked("--network", "N1", "--json")
    found = json.loads(text)
    assert found["budget"]["name"] == "10 practices"
    assert len(found["practices"]) == 10
    total = sum(of["target_allocation"] for of in found["practices"].values())
    assert found["budget"]["target_allocation"] == pytest.approx(total)
    assert "inferred" in capsys.readouterr().err


def test_the_command_on_a_tool(reference_data, tmp_path):
    file, out = str(reference_data / "icb_tool_2022_23.csv"), tmp_path / "need.csv"
    text, _ = asked("--network", "U19124", "--file", file, "--need-inputs", str(out))
    assert "£" not in text
    assert f"Need index of 3 practices: {out}" in text
    assert out.read_text("utf-8").startswith("practice,need_index\nJ82073,0.95")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "no practices are asked for"),
        (["--practices", "EX999"], "there is no practice 'EX999'"),
        (["--practices", "EX001", "--fiscal-year", "2018/19"], "there is no file"),
        (["--practices", "EX001", "--need-inputs", "need.txt"], "end it in .csv"),
        (["--practices", "EX001", "--per-weighted-head", "-1"], "found -1"),
        (["--practices", "EX001", "--per-weighted-head", "9"], "no 'weighted_population'"),
    ],
)
def test_the_command_says_what_is_wrong(words, said):
    with pytest.raises(InputError) as error:
        asked(*words)
    assert said in str(error.value)
