"""What the command says of two scenarios: its figures are the library's, and they tie."""

from __future__ import annotations

import json

import numpy as np
import pytest

import capitation as cap
from capitation.appraisal import appraise
from capitation.bridging import bridge
from capitation.cli.appraisal_summary import MOST_NAMED, summary_of, words_of
from capitation.cli.asked import Asked
from capitation.gains import gains_and_losses

from .strategies import THAMES_VALLEY, shipped

BEFORE, AFTER, MEASURE = "april-2015", "april-2016", "premium_withdrawn"


@pytest.fixture(scope="module")
def told():
    model, practices = shipped(THAMES_VALLEY), cap.example_practices()
    result = cap.project(model, practices, [BEFORE, AFTER])
    split = bridge(model, practices, BEFORE, AFTER, MEASURE)
    changed = gains_and_losses(result, AFTER, BEFORE, threshold=1.0)
    nothing = dict.fromkeys(("inputs", "given", "practice_terms", "hubs"))
    asked = Asked(model, practices, None, model.months, {"input": {"source": "x"}, **nothing}, {})
    summary = summary_of(result, appraise(result, MEASURE), split, changed, asked)
    return summary, words_of(summary, result, split), changed


def test_figures_tie(told):
    summary, _, changed = told
    assert json.loads(json.dumps(summary)) == summary
    for end in ("before", "after"):
        at = summary["bridge"][end]
        total = summary["amounts"][at["scenario"]]["total"]
        assert {key: at[key] for key in total} == total
    for name in ("nominal", "real", "present_value"):
        parts = sum(round(part[name] * 100) for part in summary["bridge"]["parts"])
        ends = [round(summary["bridge"][end][name] * 100) for end in ("before", "after")]
        assert parts == ends[1] - ends[0] != 0
    gains = summary["gains"]
    assert gains["losing_anything"] == int((changed["change_of_run"] < -0.005).sum())
    assert gains["gaining_anything"] == int((changed["change_of_run"] > 0.005).sum())
    losses = [of["change"] for of in gains["largest_losses"]]
    assert losses == sorted(losses)
    assert losses[0] == pytest.approx(float(changed["change_of_run"].min()), abs=0.005)
    largest = [of["change"] for of in gains["largest_gains"]]
    assert largest == sorted(largest, reverse=True)
    assert max(len(losses), len(largest)) <= MOST_NAMED
    counts = gains["beyond_threshold"]["losing"]
    per_patient = changed["change_per_patient"].values
    assert list(counts.values())[:-1] == np.sum(per_patient < -1.0, axis=0).tolist()


def test_words(told):
    summary, words, _ = told
    first = summary["gains"]["largest_losses"][0]
    for said in (
        "Thames Valley: when PMS premium is withdrawn",
        "april-2015    ",
        "All years",
        "Timing: dates, delay, pauses (premium_share_retained)",
        "So the parts add up, whatever their order.",
        "Largest losses, all years: april-2016 against april-2015",
        f"{first['practice']} {first['practice_name']} ({first['contract_type']})",
        "Practices beyond a threshold  per weighted patient  lose  gain",
    ):
        assert said in words


def test_nobody_gains_or_loses():
    """No lists, no names, no change: nothing is divided, and nothing is missing."""
    model, practices = shipped(THAMES_VALLEY), cap.example_practices().isel(practice=[0, 1])
    practices = practices.drop_vars(["practice_name"])
    practices["weighted_list"][:] = 0.0
    practices["pms_expenditure"][:] = 0.0
    result = cap.project(model, practices, [BEFORE, AFTER])
    split = bridge(model, practices, BEFORE, AFTER, MEASURE)
    changed = gains_and_losses(result, AFTER, BEFORE)
    nothing = dict.fromkeys(("inputs", "given", "practice_terms", "hubs"))
    asked = Asked(model, practices, None, model.months, {"input": {"source": "x"}, **nothing}, {})
    summary = summary_of(result, appraise(result, MEASURE), split, changed, asked)
    assert summary["gains"]["largest_losses"] == summary["gains"]["largest_gains"] == []
    assert "Largest losses: none" in words_of(summary, result, split)
