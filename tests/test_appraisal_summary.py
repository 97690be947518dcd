"""What the command says of two scenarios: its figures are the library's, and they tie."""

from __future__ import annotations

import json

import numpy as np
import pytest

import capitation as cap
from capitation.appraisal import appraise
from capitation.bridging import bridge
from capitation.cli.appraisal_summary import MOST_NAMED, summary_of, within_scenarios, words_of
from capitation.cli.asked import Asked
from capitation.gains import gains_and_losses

from .strategies import NATIONAL, THAMES_VALLEY, shipped

BEFORE, AFTER, MEASURE = "april-2015", "april-2016", "premium_withdrawn"


@pytest.fixture(scope="module")
def told():
    practices = cap.example_practices()
    result = cap.project(shipped(THAMES_VALLEY), practices, [BEFORE, AFTER])
    changed = gains_and_losses(result, AFTER, BEFORE, threshold=1.0)
    return *told_of(practices, result, changed), changed


def told_of(practices, result, changed, measure=MEASURE):
    """The summary, and its words."""
    model = shipped(THAMES_VALLEY)
    split = bridge(model, practices, BEFORE, AFTER, measure)
    nothing = dict.fromkeys(("inputs", "given", "practice_terms", "hubs"))
    files = {"input": {"source": "x"}, **nothing}
    asked = Asked(model, practices, None, model.months, files, set={}, known=[])
    within = within_scenarios(result, 1.0)
    summary = summary_of(result, appraise(result, measure), split, changed, within, asked)
    return summary, words_of(summary, result, split)


def test_figures_tie(told):
    summary, _, changed = told
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary
    assert not summary["nothing_differs"]
    for end in ("before", "after"):
        at = summary["bridge"][end]
        total = summary["amounts"][at["scenario"]]["total"]
        assert {key: at[key] for key in total} == total
    for name in ("nominal", "real", "present_value"):
        parts = sum(round(part[name] * 100) for part in summary["bridge"]["parts"])
        ends = [round(summary["bridge"][end][name] * 100) for end in ("before", "after")]
        assert parts == ends[1] - ends[0] != 0
    (differ,) = (of for of in summary["measures_that_differ"] if MEASURE in of["measures"])
    whole = (summary["bridge"][end]["nominal"] for end in ("after", "before"))
    assert differ["difference"]["total"] == pytest.approx(next(whole) - next(whole), abs=0.011)
    gains = summary["gains"]
    assert gains["losing_anything"] == int((changed["change_of_run"] < -0.005).sum())
    assert gains["gaining_anything"] == int((changed["change_of_run"] > 0.005).sum())
    losses = [of["change"] for of in gains["largest_losses"]]
    assert losses == sorted(losses)
    assert losses[0] == pytest.approx(float(changed["change_of_run"].min()), abs=0.005)
    largest = [of["change"] for of in gains["largest_gains"]]
    assert largest == sorted(largest, reverse=True)
    assert max(len(losses), len(largest)) <= MOST_NAMED
    for of in (*gains["largest_losses"], *gains["largest_gains"]):
        own = changed["change"].sel(practice=of["practice"])
        np.testing.assert_allclose(list(of["change_by_year"].values()), own, rtol=0, atol=0.0051)
        assert sum(of["change_by_year"].values()) == pytest.approx(of["change"], abs=0.03)
    counts = gains["beyond_threshold"]["losing"]
    per_patient = changed["change_per_patient"].values
    assert list(counts.values())[:-1] == np.sum(per_patient < -1.0, axis=0).tolist()


def test_each_scenario_by_itself_is_counted_against_nothing_withdrawn(told):
    summary, words, _ = told
    within = summary["gains_within"]
    assert list(within) == [BEFORE, AFTER]
    lost = {name: of["beyond_threshold"]["losing"] for name, of in within.items()}
    assert lost[AFTER]["2015/16"] == 0 < lost[BEFORE]["2015/16"] <= lost[BEFORE]["2019/20"]
    assert lost[BEFORE]["2019/20"] == lost[AFTER]["2019/20"]
    rows = [line.split() for line in words.split("\n\n")[-1].splitlines()]
    assert " ".join(rows[0]) == (
        "Practices beyond the threshold, in premium reinvested less premium withdrawn "
        "april-2015: lose gain april-2016: lose gain"
    )
    shown = {row[0]: [int(cell) for cell in row[1::2]] for row in rows[1:-1]}
    assert shown == {
        year: [lost[name][year] for name in (BEFORE, AFTER)] for year in list(lost[AFTER])[:-1]
    }


def test_a_model_that_withdraws_nothing_has_no_gains_by_itself():
    result = cap.project(shipped(NATIONAL), cap.example_practices(), months=1)
    alone = result.drop_vars("premium_reinvested", errors="ignore")
    assert within_scenarios(alone, None) == {}


def test_words(told):
    summary, words, _ = told
    first = summary["gains"]["largest_losses"][0]
    for said in (
        "Thames Valley: when PMS premium is withdrawn",
        "april-2015    ",
        "All years",
        "Timing: dates, delay, pauses (premium_share_retained)",
        "So the parts add up, whatever their order.",
        "Largest losses of total payments, all years: april-2016 against april-2015",
        f"{first['practice']} {first['practice_name']} ({first['contract_type']})",
        "Practices beyond a threshold, in total payments  per weighted patient  lose  gain",
    ):
        assert said in words


def test_nobody_gains_or_loses():
    """No lists, no names, no change: nothing is divided, and nothing is missing."""
    practices = cap.example_practices().isel(practice=[0, 1])
    practices = practices.drop_vars(["practice_name"])
    practices["weighted_list"][:] = 0.0
    practices["pms_expenditure"][:] = 0.0
    result = cap.project(shipped(THAMES_VALLEY), practices, [BEFORE, AFTER])
    summary, words = told_of(practices, result, gains_and_losses(result, AFTER, BEFORE))
    assert summary["gains"]["largest_losses"] == summary["gains"]["largest_gains"] == []
    assert "Largest losses of total payments: none" in words
    assert summary["nothing_differs"]
    assert summary["measures_that_differ"] == []
    assert "Nor do they differ in any other amount." in words
