"""Schedules: steps of any length, delayed, paused, named; timing and steps decided apart."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capitation.engine.calendar import months_after, months_from
from capitation.engine.schedules import Pause, Schedule, read_named_schedules
from capitation.engine.term_tables import read_terms
from capitation.national import national_schedules

APRIL_2013, APRIL_2015 = dt.date(2013, 4, 1), dt.date(2015, 4, 1)
FOUR = Schedule(APRIL_2013, 1, APRIL_2015, ("3/4", "1/2", "1/4", 0))
GROUNDS = {"assumption": "So it is assumed."}


def figure_at(schedule: Schedule, month: dt.date) -> object:
    return [figure for day, figure in schedule.dated() if day <= month][-1]


def entry(**keys: object) -> dict[str, object]:
    timing = {"from": APRIL_2013, "before": 1, "start": APRIL_2015}
    return {"unit": "1", **timing, **GROUNDS, **keys}


def read(keys: dict[str, object], named: dict | None = None):
    known, wrong = read_named_schedules(named or {}, "own.toml")
    terms, problems = read_terms({"share": keys}, "own.toml", ["national"], known)
    return terms.get("share"), [str(problem) for problem in [*wrong, *problems]]


def by_counting(schedule: Schedule, months: list[dt.date]) -> list[object]:
    """A naive twin: count the months that are no pause, and take the step that they have come to.

    A step that would begin in a pause begins after it.
    """
    start = months_after(schedule.start, schedule.delay_months)
    counted, figures = 0, []
    begun = False
    for month in months_from(start, 400):
        paused = any(pause.start <= month < pause.until for pause in schedule.pauses)
        if not paused:
            counted += 1
            begun = True
        step = min((max(counted, 1) - 1) // schedule.every_months, len(schedule.steps) - 1)
        figures.append(schedule.steps[step] if begun else schedule.before)
    return [
        schedule.before if month < start else figures[months_from(start, 400).index(month)]
        for month in months
    ]


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=6),
    st.sampled_from([1, 3, 6, 12]),
    st.integers(0, 30),
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), max_size=3),
)
def test_a_schedule_stands_still_in_a_pause_and_goes_on_where_it_was(steps, every, delay, gaps):
    pauses, free = [], -1
    for begins, length in sorted(gaps):
        if begins > free:
            free = begins + length
            pauses.append(Pause(months_after(APRIL_2015, begins), months_after(APRIL_2015, free)))
    schedule = Schedule(APRIL_2013, 77, APRIL_2015, tuple(steps), every, delay, tuple(pauses))
    months = months_from(APRIL_2013, 200)
    assert [figure_at(schedule, month) for month in months] == by_counting(schedule, months)


def test_a_pause_of_half_a_year_in_the_first_step_puts_off_the_rest_by_half_a_year():
    paused = replace(FOUR, pauses=(Pause(dt.date(2015, 10, 1), dt.date(2016, 4, 1)),))
    assert [(f"{day:%Y-%m}", figure) for day, figure in paused.dated()] == [
        ("2013-04", 1),
        ("2015-04", "3/4"),
        ("2016-10", "1/2"),
        ("2017-10", "1/4"),
        ("2018-10", 0),
    ]


def test_timing_and_steps_are_two_halves():
    late = Schedule(APRIL_2013, 1, APRIL_2015, ("1/2", 0), delay_months=12)
    mixed = FOUR.with_timing_of(late)
    assert (mixed.steps, mixed.delay_months) == (FOUR.steps, 12)
    assert mixed.with_timing_of(FOUR) == FOUR


def test_a_term_knows_its_schedule_and_can_be_put_on_another():
    term, problems = read(entry(steps=["3/4", "1/2", "1/4", 0]))
    assert (term.schedule, problems) == (FOUR, [])
    late = term.on_schedule(replace(FOUR, delay_months=12), "Put off.")
    assert late.at(dt.date(2016, 3, 1)) == 1
    assert late.at(dt.date(2016, 4, 1)) == 0.75
    assert [value.written for value in late.values] == ["1", "3/4", "1/2", "1/4", "0"]
    assert {value.assumption for value in late.values} == {"Put off."}
    assert late.held_at(0.5).schedule is None


def test_a_schedule_may_be_named():
    named = {"halves": {"title": "Two halves", "steps": ["1/2", 0], "source": "national"}}
    term, problems = read(entry(schedule="halves", every_months=3), named)
    assert problems == []
    assert [(f"{v.start:%Y-%m}", v.written) for v in term.values] == [
        ("2013-04", "1"),
        ("2015-04", "1/2"),
        ("2015-07", "0"),
    ]
    assert [(v.source, v.assumption, v.note) for v in term.values] == [
        ("", "So it is assumed.", ""),
        *[("national", "So it is assumed.", "Two halves.")] * 2,
    ]
    assert (term.schedule.name, term.schedule.title) == ("halves", "Two halves")


def test_a_named_schedule_cites_its_own_source_and_the_terms_for_its_dates():
    named = {"halves": {"title": "Two halves", "steps": ["1/2", 0], "source": "national"}}
    known, _ = read_named_schedules(named, "own.toml")
    keys = entry(schedule="halves", source="local")
    terms, problems = read_terms({"share": keys}, "own.toml", ["national", "local"], known)
    assert problems == []
    assert [(v.source, v.note) for v in terms["share"].values] == [
        ("local", ""),
        *[("national", "Two halves. Dates: local.")] * 2,
    ]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"schedule": "four-equal-yaers"}, "there is no schedule 'four-equal-yaers'"),
        ({"schedule": "halves", "steps": [1]}, "both steps and the name of a schedule"),
        ({"every_months": 3}, "no steps"),
        ({"steps": [1], "every_months": 0}, "found 0 (one month or more)"),
        ({"steps": [1], "every_months": 1.5}, "every_months"),
        ({"steps": [1], "pauses": [{"from": APRIL_2015}]}, "a pause without until"),
        (
            {"steps": [1], "pauses": [{"from": APRIL_2015, "until": APRIL_2013}]},
            "2013-04-01 does not come after 2015-04-01",
        ),
        (
            {
                "steps": [1],
                "pauses": [
                    {"from": APRIL_2015, "until": dt.date(2016, 4, 1)},
                    {"from": dt.date(2016, 1, 1), "until": dt.date(2017, 4, 1)},
                ],
            },
            "pauses stand in order and do not overlap",
        ),
        ({"steps": [1], "pauses": "in summer"}, "pauses"),
        (
            {"steps": [1], "pauses": [{"from": dt.date(2015, 5, 9), "until": dt.date(2016, 4, 1)}]},
            "both are the first day of a month",
        ),
    ],
)
def test_what_is_wrong_with_a_schedule_is_said(keys, said):
    named = {"halves": {"title": "Two halves", "steps": ["1/2", 0], "source": "national"}}
    term, problems = read(entry(**keys), named)
    assert term is None
    assert any(said in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"steps": [1]}, "a schedule without a title or steps"),
        ({"title": "T"}, "a schedule without a title or steps"),
        ({"title": "T", "steps": [1], "every_months": -3}, "found -3 (one month or more)"),
        ({"title": "T", "stops": [1]}, "'stops'"),
    ],
)
def test_what_is_wrong_with_a_named_schedule_is_said(table, said):
    _, problems = read(entry(steps=[1]), {"halves": table})
    assert any(said in problem for problem in problems), problems


def test_the_published_schedules_end_at_nothing_and_never_rise():
    schedules = national_schedules()
    assert {"four-equal-years", "sevenths", "five-equal-years", "two-years"} <= set(schedules)
    for schedule in schedules.values():
        steps = [Fraction(step) for step in schedule.steps]
        falling = steps == sorted(steps, reverse=True) and steps[-1] == 0
        rising = steps == sorted(steps) and steps[-1] == 1
        assert falling or rising, schedule.name
        assert len(set(steps)) == len(steps), schedule.name
