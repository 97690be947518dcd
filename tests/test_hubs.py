"""Care hubs: sizes that are checked, groupings that a solver finds, and what they cost."""

from __future__ import annotations

import itertools
import math
import sys

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from capitation import InputError, example_practices, in_hubs, project
from capitation.hub_grouping import group_into_hubs, hub_mapping
from capitation.hub_solver import distances, neighbours, pieces
from capitation.hubs import check_hubs, cost_of_hubs, read_coordinates
from capitation.national import national_terms

from .strategies import NATIONAL, practices_of


def of_lists(lists, **more) -> xr.Dataset:
    return practices_of({"registered_list": size, **more} for size in lists)


def places(practices: xr.Dataset, seed: int = 7) -> pd.DataFrame:
    """Practices strewn about a town, the same for a seed."""
    drawn = np.random.default_rng(seed).normal(0, 3000, (practices.sizes["practice"], 2)).round()
    return pd.DataFrame(drawn, practices["practice"].values, ["easting", "northing"])


# ------------------------------------------------------------------------------------- the sizes


def test_each_hub_is_held_against_its_bounds_and_the_whole_against_the_provider():
    practices = of_lists([20_000, 9_999, 30_000, 50_000, 50_001])
    hubs = {f"P{n:03d}": hub for n, hub in enumerate("AABCD", start=1)}
    checked = check_hubs(practices, hubs)
    assert checked["list_size"].values.tolist() == [29_999, 30_000, 50_000, 50_001]
    assert checked["practices"].values.tolist() == [2, 1, 1, 1]
    assert checked["right_size"].values.tolist() == [False, True, True, False]
    assert checked["why"].values.tolist() == [
        "29,999 patients, 1 short of the least of 30,000",
        "",
        "",
        "50,001 patients, 1 over the most of 50,000",
    ]
    assert checked["whole_list"].item() == 160_000
    assert checked["large_enough"].item()
    assert not check_hubs(practices, hubs, least_of_all=160_001)["large_enough"].item()


def test_practices_without_a_hub_are_told_on_one_line_with_all_else():
    practices = of_lists([1000] * 8)
    practices["commissioner"][1] = "C2"
    hubs = {"P001": "A", "P002": "A", "P003": " ", "P009": "A", "X": "B"}
    with pytest.raises(InputError) as caught:
        check_hubs(practices, hubs)
    absent, others, two = map(str, caught.value.problems)
    assert absent.startswith("hubs: no hub of 6 practices (P003, P004, P005, P006, P007, …)")
    assert "no 2 practices (P009, X) in" in others
    assert "has practices of" in two
    with pytest.raises(InputError, match="did you mean 'P001'"):
        check_hubs(practices.isel(practice=[0]), {"P001": "A", "P0O1": "A"})
    with pytest.raises(InputError, match="no hub of 8 practices"):
        check_hubs(practices, {})


def test_the_sizes_are_those_of_the_written_answer():
    terms, sources = national_terms()
    sizes = [terms[f"{name}"].values[-1] for name in ("hub_list_least", "hub_list_most")]
    assert [size.value for size in sizes] == [30_000, 50_000]
    assert terms["provider_list_least"].values[-1].value == 100_000
    assert all(size.source in sources for size in sizes)


# ----------------------------------------------------------------------------- where practices are


def test_coordinates_are_read_and_every_problem_told(tmp_path):
    file = tmp_path / "places.csv"
    file.write_text("practice,easting,northing\nP001,1,2\nP002,3,4.5\n", "utf-8")
    read = read_coordinates(file)
    assert read.loc["P002"].tolist() == [3, 4.5]
    with pytest.raises(InputError, match=r"places.csv: no coordinates of 3 practices \(P003, P004"):
        group_into_hubs(of_lists([40_000] * 5), read)
    file.write_text("practice,easting,northin\nP001,1,2\n", "utf-8")
    with pytest.raises(InputError) as caught:
        read_coordinates(file)
    assert 'no column "northing"' in str(caught.value)
    assert "'northin' is no coordinate" in str(caught.value)
    file.write_text("practice,easting,northing\nP001,here,2\nP001,1,2\n", "utf-8")
    with pytest.raises(InputError) as caught:
        read_coordinates(file)
    assert '"here"' in str(caught.value)
    assert "row 2 too" in str(caught.value)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=12))
def test_neighbours_have_nobody_in_their_circle_and_all_hang_together(points):
    apart = distances(np.array(points, dtype=float))
    near = neighbours(apart)
    for (i, one), (j, other) in itertools.permutations(enumerate(points), 2):
        middle = [(a + b) / 2 for a, b in zip(one, other, strict=True)]
        within = [math.dist(p, middle) < math.dist(one, middle) - 1e-9 for p in points]
        assert near[i, j] == (not any(within))
    assert len(list(pieces(np.arange(len(points)), near))) == 1


# ----------------------------------------------------------------------------------- the groupings


def by_trying_all(lists, apart, least, most, in_one_piece) -> float:
    """The naive twin: every way to give each practice a centre; the least distance, or infinity."""
    count = len(lists)
    near = neighbours(apart)
    road = np.where(near, np.maximum(apart, 1e-3), np.inf)
    for k, i, j in itertools.product(range(count), repeat=3):
        road[i, j] = min(road[i, j], road[i, k] + road[k, j])
    np.fill_diagonal(road, 0)
    best = math.inf
    for centre in itertools.product(range(count), repeat=count):
        if any(centre[hub] != hub for hub in centre):
            continue
        sizes = [sum(lists[i] for i in range(count) if centre[i] == hub) for hub in set(centre)]
        if not all(least <= size <= most for size in sizes):
            continue
        linked = all(
            i == hub
            or any(
                near[i, k] and centre[k] == hub and road[k, hub] < road[i, hub]
                for k in range(count)
            )
            for i, hub in enumerate(centre)
        )
        if linked or not in_one_piece:
            best = min(best, sum(lists[i] * apart[i, hub] for i, hub in enumerate(centre)))
    return best


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.integers(5, 40), min_size=2, max_size=5),
    st.randoms(use_true_random=False),
    st.booleans(),
)
def test_no_grouping_is_nearer_than_the_solvers(thousands, chance, in_one_piece):
    practices = of_lists([1000 * size for size in thousands])
    points = [(chance.randint(0, 9000), chance.randint(0, 9000)) for _ in thousands]
    where = pd.DataFrame(points, practices["practice"].values, ["easting", "northing"])
    lists, apart = practices["registered_list"].values, distances(where.to_numpy(float))
    best = by_trying_all(lists, apart, 30_000, 50_000, in_one_piece)
    try:
        found = group_into_hubs(practices, where, gap=0, in_one_piece=in_one_piece)
    except InputError:
        assert best == math.inf
        return
    weighted = float((found["distance"].values * lists).sum())
    assert weighted == pytest.approx(best, rel=1e-6, abs=1e-3)
    assert found["connected"].all() or not in_one_piece


@pytest.fixture(scope="module")
def thirty():
    return example_practices().isel(practice=slice(0, 30))


@pytest.fixture(scope="module")
def grouping(thirty):
    return group_into_hubs(thirty, places(thirty))


def test_hubs_of_a_town_are_of_the_right_size_in_one_piece_and_the_same_again(thirty, grouping):
    hubs = hub_mapping(grouping)
    assert in_hubs(thirty, hubs)["commissioner"].values.tolist() == list(hubs.values())
    checked = check_hubs(thirty, hubs)
    assert checked["right_size"].all()
    assert checked["list_size"].values.tolist() == grouping["list_size"].values.tolist()
    whole = float(thirty["registered_list"].sum())
    assert math.ceil(whole / 50_000) <= grouping.sizes["hub"] <= math.floor(whole / 30_000)
    assert grouping["connected"].all()
    assert grouping["share_to_gain"].item() <= 0.05
    for hub, centre in zip(grouping["hub"].values, grouping["centre"].values, strict=True):
        assert hubs[str(centre)] == hub
        assert grouping["distance"].sel(practice=centre) == 0
    assert group_into_hubs(thirty, places(thirty)).identical(grouping)


def test_a_hub_is_of_one_commissioner():
    rows = [{"registered_list": 16_000, "commissioner": f"C{n % 2}"} for n in range(10)]
    practices = practices_of(rows)
    found = group_into_hubs(practices, places(practices))
    in_hubs(practices, hub_mapping(found))  # refuses a hub of two
    assert found.sizes == {"practice": 10, "hub": 4, "commissioner_code": 2}


@pytest.mark.parametrize(
    ("lists", "words"),
    [
        ([60_000, 20_000, 20_000], "P001: 60,000 patients, more than the 50,000 of a whole hub"),
        ([25_000], "25,000 patients are no whole number of hubs"),
        ([28_000, 28_000], "let hubs have from 28,000, or up to 56,000"),
        ([26_000, 26_000, 26_000], "there is no grouping with every hub within bounds"),
    ],
)
def test_lists_that_make_no_hubs_are_told_with_what_would_mend_it(lists, words):
    practices = of_lists(lists)
    with pytest.raises(InputError, match=words):
        group_into_hubs(practices, places(practices))


def test_every_fault_is_told_at_once(thirty):
    where = places(thirty).iloc[2:]
    where.iloc[0, 0] = np.nan
    with pytest.raises(InputError) as caught:
        group_into_hubs(thirty, pd.concat([where, where.iloc[[1]]]), most=5_000, least=1_000)
    message = str(caught.value)
    for words in (
        "coordinates: no coordinates of 2 practices (EX001, EX002)",
        "coordinates that are no numbers, of practice EX003",
        "more than one row of practice EX004",
        "more than the 5,000",
    ):
        assert words in message
    with pytest.raises(InputError, match="not over the most"):
        group_into_hubs(thirty, where, least=9, most=8)


def test_without_scipy_it_is_said_how_to_install_it(thirty, monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    with pytest.raises(InputError, match=r"pip install 'capitation\[hubs\]'"):
        group_into_hubs(thirty, places(thirty))


# -------------------------------------------------------------------------------------- the costs


def test_costs_of_hubs_add_up_to_what_is_paid_and_what_they_cost_to_run(thirty, grouping):
    result = project(NATIONAL, thirty, months=15, variables=["total_payments"])
    cost = cost_of_hubs(result, hub_mapping(grouping), running_cost=120_000)
    assert cost["running_cost"].values.tolist() == [120_000, 30_000]
    paid = float(result["total_payments"].sum())
    assert float(cost["paid"].sum()) == pytest.approx(paid, rel=1e-12)
    assert float(cost["cost"].sum()) == pytest.approx(paid + 150_000 * grouping.sizes["hub"])
    first = [code for code, hub in hub_mapping(grouping).items() if hub == grouping["hub"][0]]
    year = result["total_payments"].sel(practice=first).isel(month=slice(0, 12)).sum()
    assert float(cost["paid"].isel(hub=0, year=0).sum()) == pytest.approx(float(year), rel=1e-12)
    assert cost_of_hubs(result, hub_mapping(grouping))["running_cost"].sum() == 0
    with pytest.raises(InputError, match="0 or more"):
        cost_of_hubs(result, hub_mapping(grouping), running_cost=-1)
