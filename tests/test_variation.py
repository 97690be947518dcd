"""Unwarranted variation: the gap to the best of one's peers, and what chance alone makes of it."""

from __future__ import annotations

import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capitation import InputError, example_practices
from capitation.peers import nearest_peers
from capitation.variation import byar, unwarranted_variation

from .strategies import practices_of


def counted(lists, counts):
    rows = [{"registered_list": people, "weighted_list": people * 1.1} for people in lists]
    return practices_of(rows).assign(admissions=("practice", np.array(counts, dtype=float)))


def by_loops(practices, peers, best):
    """The naive twin: rates, benchmark and opportunity of each practice, one after another."""
    people = dict(
        zip(practices["practice"].values, practices["registered_list"].values, strict=True)
    )
    counts = dict(zip(practices["practice"].values, practices["admissions"].values, strict=True))
    found = {}
    for code, size in people.items():
        rates = sorted(counts[peer] / people[peer] for peer in peers[code])
        gap = counts[code] / size - statistics.fmean(rates[:best])
        found[code] = (gap, max(gap, 0) * size)
    return found


# ----------------------------------------------------------------------------- worked out by hand


def test_the_gap_to_the_best_five_of_ten_by_hand():
    # peers at 91, …, 100 a thousand: the best five come to 93, all ten to 95.5
    practices = counted([1000] * 11, [120, *range(91, 101)])
    codes = practices["practice"].values.tolist()
    peers = {code: [peer for peer in codes if peer != code] for code in codes}
    best = unwarranted_variation(practices, "admissions", peers).sel(practice="P001")
    assert best["benchmark"].item() == pytest.approx(0.093)
    assert best["opportunity"].item() == pytest.approx(27)
    average = unwarranted_variation(practices, "admissions", peers, best=10).sel(practice="P001")
    assert average["opportunity"].item() == pytest.approx(24.5)
    assert abs(average["gap_by_chance"].item()) < 0.001  # an average is not picked for its luck
    assert best["gap_by_chance"].item() > 0.005
    assert best["opportunity_corrected"] < best["opportunity"]


@settings(deadline=None, max_examples=25)
@given(st.data(), st.integers(1, 3))
def test_gaps_are_those_of_loops(data, best):
    size = data.draw(st.integers(4, 8))
    lists = data.draw(st.lists(st.integers(1, 20_000), min_size=size, max_size=size))
    counts = data.draw(st.lists(st.integers(0, 900), min_size=size, max_size=size))
    practices = counted(lists, counts)
    peers = nearest_peers(practices, 3)
    found = unwarranted_variation(practices, "admissions", peers, best=best, draws=100)
    for code, (gap, opportunity) in by_loops(practices, peers, best).items():
        of_one = found.sel(practice=code)
        assert of_one["gap"].item() == pytest.approx(gap, abs=1e-12)
        assert of_one["opportunity"].item() == pytest.approx(opportunity, abs=1e-7)
    assert (found["gap_low"] <= found["gap_high"]).all()
    assert (found["rate_low"] <= found["rate"]).all()
    assert (found["rate"] <= found["rate_high"]).all()
    assert (found["opportunity_at_least"] <= found["opportunity_corrected"] + 1e-9).all()


def test_the_expectation_under_chance_is_that_of_another_simulation():
    """Eleven practices of one size and one rate: drawn here one by one, with other luck."""
    practices = counted([2000] * 11, [200] * 11)
    codes = practices["practice"].values.tolist()
    peers = {code: [peer for peer in codes if peer != code] for code in codes}
    found = unwarranted_variation(practices, "admissions", peers, draws=4000)
    rng = np.random.default_rng(99)
    gaps = []
    for _ in range(10_000):
        own, *others = (rng.poisson(200, 11) / 2000).tolist()
        gaps.append(own - statistics.fmean(sorted(others)[:5]))
    assert found["gap_by_chance"].mean().item() == pytest.approx(statistics.fmean(gaps), rel=0.05)
    by_chance = statistics.fmean(max(gap, 0) for gap in gaps) * 2000
    assert found["opportunity_by_chance"].mean().item() == pytest.approx(by_chance, rel=0.05)


@pytest.mark.parametrize(
    ("count", "low", "high"), [(0, 0.0, 3.69), (5, 1.62, 11.67), (20, 12.22, 30.89)]
)
def test_byars_interval_is_near_the_exact_one(count, low, high):
    """Exact limits of a Poisson count from the tables."""
    found = byar(np.array([float(count)]))
    assert found[0].item() == pytest.approx(low, abs=0.05)
    assert found[1].item() == pytest.approx(high, abs=0.05)


# ------------------------------------------------------------------------- what is chance and not


@pytest.mark.parametrize("best", [5, 10])
def test_where_nothing_is_there_intervals_hold_nothing_at_their_rate(best):
    """All true rates are equal: the usual sum finds an opportunity all the same."""
    rng = np.random.default_rng(3)
    practices = example_practices()
    people = practices["registered_list"].values
    peers = nearest_peers(practices)
    held, beyond, opportunity, by_chance, at_least = [], [], 0.0, 0.0, 0.0
    for seed in range(12):
        drawn = practices.assign(admissions=("practice", rng.poisson(0.1 * people)))
        found = unwarranted_variation(drawn, "admissions", peers, best=best, draws=400, seed=seed)
        held.append(((found["gap_low"] <= 0) & (found["gap_high"] >= 0)).mean().item())
        beyond.append((found["chance_of_such_gap"] <= 0.05).mean().item())
        opportunity += float(found["opportunity"].sum())
        by_chance += float(found["opportunity_by_chance"].sum())
        at_least += float(found["opportunity_at_least"].sum())
    assert 0.93 <= statistics.fmean(held) <= 0.97
    assert 0.03 <= statistics.fmean(beyond) <= 0.07
    assert opportunity > 12 * 300  # admissions a year, of some 30,000: and nothing is there
    assert opportunity == pytest.approx(by_chance, rel=0.1)
    assert at_least < 0.02 * opportunity


def test_a_practice_that_is_really_high_is_found_and_a_small_one_is_not():
    practices = counted([10_000] * 11 + [400], [1500] + [1000] * 10 + [50])
    codes = practices["practice"].values.tolist()
    peers = {code: [peer for peer in codes[1:] if peer != code][:10] for code in codes}
    found = unwarranted_variation(practices, "admissions", peers)
    large, small = found.sel(practice="P001"), found.sel(practice="P012")
    assert large["more_than_chance"].item()
    assert large["chance_of_such_gap"] < 0.01
    assert 300 < large["opportunity_at_least"].item() < 500
    assert small["rate"] > 1.2 * found["rate"].sel(practice="P002")
    assert not small["more_than_chance"].item()
    assert small["opportunity_at_least"].item() == 0


def test_the_same_seed_gives_the_same_figures():
    practices = counted([3000, 4000, 5000, 6000], [300, 410, 500, 590])
    peers = nearest_peers(practices, 3)
    one, two = (
        unwarranted_variation(practices, "admissions", peers, best=2, draws=100) for _ in range(2)
    )
    assert one.identical(two)


# ------------------------------------------------------------------------------------------ peers


def test_peers_are_the_nearest_in_need_and_size():
    rows = [(1000, 1000), (1010, 1010), (8000, 8000), (8000, 9600), (1000, 1200)]
    practices = practices_of(
        {"registered_list": list_, "weighted_list": weighted} for list_, weighted in rows
    )
    peers = nearest_peers(practices, 2)
    assert peers["P001"][0] == "P002"
    assert set(peers["P003"]) < {"P001", "P002", "P004"}
    assert all(code not in own for code, own in peers.items())
    with pytest.raises(InputError, match="every practice has 4 others"):
        nearest_peers(practices)


def test_every_fault_is_told_at_once():
    practices = counted([3000, 0, 5000], [300, 1, -1])
    with pytest.raises(InputError) as caught:
        unwarranted_variation(practices, "admissions", {"P001": ["P002"]})
    message = str(caught.value)
    assert "P002: registered_list is 0" in message
    assert "P003: admissions is -1" in message
    practices = counted([3000, 4000, 5000], [300, 1, 1])
    peers = {"P001": ["P001", "P002"], "P002": ["P003", "P003"], "P003": ["P009"]}
    with pytest.raises(InputError) as caught:
        unwarranted_variation(practices, "admissions", peers, confidence=95, draws=3)
    message = str(caught.value)
    for words in (
        "the practice itself",
        "stands twice",
        "no practice 'P009'",
        "as many peers",
        "best 5 of 1",
        "confidence: is 95",
        "100 at least",
    ):
        assert words in message
    with pytest.raises(InputError, match="did you mean 'admissions'"):
        unwarranted_variation(practices, "admission", peers)
