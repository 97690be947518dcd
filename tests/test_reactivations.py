"""Reactivation of suspended contracts: which requests are granted, and what follows from one."""

from __future__ import annotations

import calendar
import datetime as dt
import functools
import tempfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capitation import InputError, example_practices, load_model, project
from capitation.engine.calendar import months_after
from capitation.model import Model
from capitation.practice_terms import with_practice_terms
from capitation.reactivations import Request, as_practice_terms, decide_reactivations
from capitation.reactivations_csv import read_reactivations
from capitation.rules import reactivation as rules

from .strategies import NATIONAL, edited, shipped_text

DAY = dt.date
SUSPENDED = DAY(2016, 4, 1)
HEADINGS = "practice,suspended,notice,effective,partners,partners_agreeing"
GOOD = Request("EX001", SUSPENDED, DAY(2017, 4, 1), DAY(2018, 4, 1), 4, 4)


def asked(**changes) -> Request:
    return replace(GOOD, **changes)


# ------------------------------------------------------------------------------ what is granted


def test_the_second_anniversary_on_a_years_notice_is_granted_and_patients_follow():
    decision = decide_reactivations([GOOD])[0]
    assert decision.granted
    assert decision.reasons == ()
    assert (decision.window, decision.follow_by_default) == (1, True)
    assert decision.effective == DAY(2018, 4, 1)
    assert decision.next_date is None


def test_at_a_later_window_patients_stay_by_default():
    decision = decide_reactivations([asked(notice=DAY(2019, 3, 1), effective=DAY(2020, 4, 1))])[0]
    assert decision.granted
    assert (decision.window, decision.follow_by_default) == (2, False)


@pytest.mark.parametrize(
    ("changes", "words", "next_date", "notice_by"),
    [
        ({"notice": DAY(2017, 4, 2)}, "due by 1 April 2017", DAY(2020, 4, 1), DAY(2019, 4, 1)),
        (
            {"effective": DAY(2019, 4, 1)},
            "the next is 1 April 2020",
            DAY(2020, 4, 1),
            DAY(2019, 4, 1),
        ),
        (
            {"partners_agreeing": 3},
            "3 of the 4 original partners",
            DAY(2020, 4, 1),
            DAY(2019, 4, 1),
        ),
        (
            {"partners_agreeing": 3, "notice": DAY(2016, 9, 1)},  # there is time for the fourth
            "all must, together",
            DAY(2018, 4, 1),
            DAY(2017, 4, 1),
        ),
        ({"eligible": False}, "no longer eligible", DAY(2020, 4, 1), DAY(2019, 4, 1)),
        ({"grounds_for_termination": True}, "grounds", DAY(2020, 4, 1), DAY(2019, 4, 1)),
        ({"reactivated_before": True}, "once only", None, None),
    ],
)
def test_a_request_is_refused_with_its_reason_and_the_next_date(
    changes, words, next_date, notice_by
):
    decision = decide_reactivations([asked(**changes)])[0]
    assert not decision.granted
    assert decision.effective is None
    assert len(decision.reasons) == 1
    assert words in decision.reasons[0]
    assert "Schedule 3A" in decision.reasons[0] or "Pulse" in decision.reasons[0]
    assert (decision.next_date, decision.notice_by) == (next_date, notice_by)


def test_every_reason_is_given_at_once():
    wrong = asked(
        notice=DAY(2018, 1, 1),
        partners_agreeing=0,
        eligible=False,
        grounds_for_termination=True,
        reactivated_before=True,
    )
    assert len(decide_reactivations([wrong])[0].reasons) == 5


def test_a_practice_is_granted_once_and_the_order_of_requests_does_not_matter():
    later = asked(notice=DAY(2019, 3, 1), effective=DAY(2020, 4, 1))
    first, second = decide_reactivations([later, GOOD])
    assert (first.granted, second.granted) == (False, True)
    assert "once only" in first.reasons[0]
    assert [d.granted for d in decide_reactivations([replace(later, practice="EX002"), GOOD])] == [
        True,
        True,
    ]


def test_a_leap_day_has_its_anniversary_on_the_last_of_february():
    leap = asked(suspended=DAY(2016, 2, 29), notice=DAY(2017, 2, 28), effective=DAY(2018, 2, 28))
    assert decide_reactivations([leap])[0].window == 1


def by_the_calendar(request: Request) -> bool:
    """The naive twin: try every window of a century, day by day clipped to the month's end."""
    wanted = None
    for years in range(2, 100, 2):
        year, month = request.suspended.year + years, request.suspended.month
        last = calendar.monthrange(year, month)[1]
        opens = DAY(year, month, min(request.suspended.day, last))
        due = DAY(year - 1, month, min(opens.day, calendar.monthrange(year - 1, month)[1]))
        if opens == request.effective:
            wanted = request.notice <= due
    joint = request.partners_agreeing == request.partners
    able = request.eligible and not request.grounds_for_termination
    return bool(wanted) and joint and able and not request.reactivated_before


@st.composite
def requests(draw):
    suspended = draw(st.dates(DAY(2016, 1, 1), DAY(2022, 12, 31)))
    years = draw(st.integers(1, 7))
    effective = DAY(suspended.year + years, suspended.month, min(suspended.day, 28))
    notice = suspended + draw(st.integers(0, 3000)) * dt.timedelta(days=1)
    partners = draw(st.integers(1, 4))
    return Request(
        "EX001",
        suspended,
        notice,
        effective,
        partners,
        draw(st.integers(max(partners - 1, 0), partners)),
        draw(st.booleans()),
        draw(st.booleans()),
        draw(st.booleans()),
    )


@settings(deadline=None, max_examples=200)
@given(requests())
def test_decisions_are_those_of_the_calendar_and_what_is_mended_is_granted(request):
    decision = decide_reactivations([request])[0]
    assert decision.granted == by_the_calendar(request) == (not decision.reasons)
    if decision.next_date:
        mended = replace(
            request,
            notice=min(decision.notice_by, decision.next_date),
            effective=decision.next_date,
            partners_agreeing=request.partners,
            eligible=True,
            grounds_for_termination=False,
        )
        assert decide_reactivations([mended])[0].granted
        assert decision.notice_by >= request.notice
        assert decision.next_date >= request.effective


# ---------------------------------------------------------------------------------- a team's file


def read(text: str) -> list[Request]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "requests.csv"
        path.write_text(text, "utf-8")
        return read_reactivations(path)


def test_a_file_of_requests_is_read():
    text = f"{HEADINGS},eligible,approved_later_date\n"
    text += "ex001,2016-04-01,01/04/2017,2018-04,4,4,,\n"
    text += "EX002,2016-04-01,2017-04-01,2018-04-01,3,2,no,2018-07-01\n"
    first, second = read(text)
    assert replace(first, place="") == GOOD
    assert (second.eligible, second.approved_later_date) == (False, DAY(2018, 7, 1))
    assert second.place == "requests.csv, row 3"


def test_every_problem_of_a_file_is_told_at_once():
    text = f"{HEADINGS},eligible,approved_later_date,colour\n"
    text += ",soon,2017-04-01,2018-04-01,four,4,perhaps,later,7\n"
    with pytest.raises(InputError) as caught:
        read(text)
    message = str(caught.value)
    for words in ("practice code", '"soon"', '"four"', '"perhaps"', '"later"', "'colour'"):
        assert words in message


def test_contradictions_are_told_with_the_cells_that_cannot_be_read():
    rows = [
        "EX001,2016-04-01,soon,2018-04-01,4,5,",
        "EX002,2016-04-01,2015-04-01,2018-04-01,4,four,",
        "EX003,soon,2017-04-01,2018-04-01,four,4,",
        "EX004,2016-04-01,2017-04-01,soon,4,4,2018-04-01",
        "EX005,soon,soon,soon,four,four,soon",
    ]
    with pytest.raises(InputError) as caught:
        read("\n".join([f"{HEADINGS},approved_later_date", *rows]))
    problems = [str(problem) for problem in caught.value.problems]
    cells = [problem for problem in problems if ", column " in problem]
    contradicted = [problem for problem in problems if problem not in cells]
    assert len(cells) == 11
    assert len(contradicted) == 2
    assert "row 2: 5 of 4 partners agree" in contradicted[0]
    assert "row 3: notice on 2015-04-01 is before" in contradicted[1]


def test_a_row_that_contradicts_itself_is_refused():
    rows = [
        "EX001,2018-04-01,2017-04-01,2018-04-01,4,5,",
        "EX002,2016-04-01,2017-04-01,2018-04-01,4,4,2018-04-01",
    ]
    with pytest.raises(InputError) as caught:
        read("\n".join([f"{HEADINGS},approved_later_date", *rows]))
    message = str(caught.value)
    for words in ("before the suspension", "after it was suspended", "5 of 4", "not after the one"):
        assert words in message
    with pytest.raises(InputError, match="request of practice EX001"):
        decide_reactivations([asked(partners=0, partners_agreeing=0)])


# --------------------------------------------------------------------------- what follows from it

MONTHS = 42  # from April 2015 to September 2018
TERM = """
[term.contract_form]
title = "Contract form"
unit = "1"
least = 0
most = 3
values = [
  { from = 2013-04-01, value = 0, assumption = "x" },
  { from = 2016-04-01, value = 3, assumption = "x" },
]
"""
LISTS = ("payment_registered_list", "list_following", "list_staying")
WEIGHTED = ("payment_weighted_list", "weighted_list_following", "weighted_list_staying")


@functools.cache
def model() -> Model:
    """Core income, where every practice is in full integration from April 2016."""
    text = edited(shipped_text(NATIONAL), ('"as_given"]', '"as_given", "reactivation"]'))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "integrated.toml"
        path.write_text(text + TERM, "utf-8")
        return load_model(path)


@functools.cache
def three():
    return example_practices().isel(practice=slice(0, 3))


def test_followers_leave_in_the_month_of_the_reactivation_and_their_share_holds():
    terms = as_practice_terms(decide_reactivations([GOOD]))
    result = project(with_practice_terms(model(), terms), three(), months=48)
    of_one = result.sel(practice="EX001")
    before, after = slice(None, "2018-03-01"), slice("2018-04-01", None)
    assert (of_one["patients_following"].sel(month=before) == 0).all()
    assert (of_one["patients_following"].sel(month=after) == 1).all()
    assert of_one["months_suspended"].sel(month="2018-03").item() == 24
    assert (of_one["core_leaving"] == of_one["core_income"]).sel(month=after).all()
    stranded = of_one["stranded_cost"].sel(month=after)
    share = stranded / of_one["core_leaving"].sel(month=after)
    assert np.allclose(share, 0.2 * (1 - np.arange(12) / 12))
    others = result.sel(practice=["EX002", "EX003"])
    assert (others["patients_following"] == 0).all()
    assert others["months_suspended"].isel(month=-1).values.tolist() == [36, 36]


@pytest.mark.parametrize(("later", "follows"), [(None, 0.2), (DAY(2018, 9, 1), 1.0)])
def test_who_is_put_off_from_the_first_window_is_still_followed(later, follows):
    """At 29 months patients stay by default, unless it is the first window that was put off."""
    if later:
        terms = as_practice_terms(decide_reactivations([asked(approved_later_date=later)]))
    else:
        terms = as_practice_terms(decide_reactivations([GOOD]))
        terms = {
            "reactivated": {
                "EX001": (replace(terms["reactivated"]["EX001"][0], start=DAY(2018, 9, 1)),)
            }
        }
    result = project(
        with_practice_terms(model(), terms),
        three(),
        months=MONTHS,
        variables=["patients_following"],
    )
    of_one = result["patients_following"].sel(practice="EX001")
    assert of_one.values.tolist() == [0] * 41 + [follows]


share = st.floats(0, 1)


@functools.cache
def in_from(suspended: dt.date) -> Model:
    """The same, where every practice is in full integration from the month of the suspension."""
    term = model().terms["contract_form"]
    first, last = term.values
    dated = replace(term, values=(first, replace(last, start=suspended)))
    return replace(model(), terms={**model().terms, "contract_form": dated})


@settings(deadline=None, max_examples=12)
@given(
    st.integers(0, 47), st.integers(1, 4), st.integers(0, 20), st.integers(-70, 70), share, share
)
def test_whenever_a_run_begins_patients_do_what_the_decision_says(
    suspended, window, put_off, begins, first, later
):
    """Windows within, before and after the run; suspensions before it, and in its first month."""
    out = months_after(DAY(2013, 4, 1), suspended)
    opens = months_after(out, 24 * window)
    request = replace(
        GOOD,
        suspended=out,
        notice=months_after(opens, -12),
        effective=opens,
        approved_later_date=months_after(opens, put_off) if put_off else None,
    )
    decision = decide_reactivations([request])[0]
    assert decision.granted
    assert decision.follow_by_default == (window == 1)
    start = max(months_after(decision.effective, begins), DAY(2015, 4, 1))
    held = {"following_share_first_window": first, "following_share_later": later}
    of_all = in_from(out)
    terms = {name: of_all.terms[name].held_at(value) for name, value in held.items()}
    changed = replace(of_all, start=start, terms={**of_all.terms, **terms})
    result = project(
        with_practice_terms(changed, as_practice_terms([decision])),
        three(),
        months=80,
        variables=["patients_following"],
        compiled=False,
    )
    of_one = result["patients_following"].sel(practice="EX001").values.reshape(-1)
    back = result["month"].values >= np.datetime64(decision.effective)
    follows = first if decision.follow_by_default else later
    assert of_one.tolist() == np.where(back, follows, 0).tolist()


def test_a_run_from_2017_keeps_the_patients_of_a_contract_suspended_in_2015():
    """Suspended in April 2015, granted for April 2019: window 2, so that a fifth asks to follow."""
    late = asked(suspended=DAY(2015, 4, 1), notice=DAY(2018, 3, 1), effective=DAY(2019, 4, 1))
    decision = decide_reactivations([late])[0]
    assert (decision.window, decision.follow_by_default) == (2, False)
    result = project(
        with_practice_terms(replace(model(), start=DAY(2017, 4, 1)), as_practice_terms([decision])),
        three(),
        months=36,
        variables=["patients_following"],
    )
    of_one = result["patients_following"].sel(practice="EX001").values.reshape(-1)
    assert of_one.tolist() == [0.0] * 24 + [0.2] * 12


@settings(deadline=None, max_examples=20)
@given(share, share, st.integers(13, 40), st.integers(1, 12))
def test_a_reactivation_never_creates_patients_and_coming_back_restores(first, later, out, stay):
    """Leaves after some months, and comes back a few months later."""
    terms = as_practice_terms(decide_reactivations([GOOD]))
    granted = terms["reactivated"]["EX001"][0]

    def month(n: int) -> dt.date:
        return DAY(2015 + (n + 3) // 12, (n + 3) % 12 + 1, 1)

    dated = (replace(granted, start=month(out)), replace(granted, start=month(out + stay), value=0))
    of_shares = {"following_share_first_window": first, "following_share_later": later}
    scenario = next(iter(model().scenarios.values()))
    held = {name: model().terms[name].held_at(value) for name, value in of_shares.items()}
    changed = replace(model(), scenarios={"one": replace(scenario, name="one", terms=held)})
    wanted = [*LISTS, *WEIGHTED, "patients_following", "core_leaving", "core_income"]
    result = project(
        with_practice_terms(changed, {"reactivated": {"EX001": dated}}),
        three(),
        months=54,
        variables=wanted,
    ).isel(scenario=0)
    for whole, following, staying in (LISTS, WEIGHTED):
        together = result[following] + result[staying]
        assert np.allclose(together, result[whole], rtol=1e-15, atol=0)
        assert (result[following] >= 0).all()
        assert (result[staying] >= 0).all()
    followed = result["patients_following"].sel(practice="EX001").values
    due = first if out <= 12 + 24 else later
    expected = [due if out <= n < out + stay else 0 for n in range(54)]
    assert followed.tolist() == expected
    assert (result["core_leaving"] <= result["core_income"]).all()


fractions = st.fractions(0, 1)


@given(st.fractions(0, 50_000), fractions)
def test_in_exact_numbers_the_two_lists_are_the_list(registered, followed):
    following = rules.list_following(registered, followed)
    assert following + rules.list_staying(registered, following) == registered


@given(st.fractions(0, 10**6), fractions, st.integers(1, 60), st.integers(0, 60))
def test_stranded_costs_run_down_to_nothing_and_are_never_more_than_what_left(
    core, fixed, run, over
):
    cost = [rules.stranded_cost(core, fixed, Fraction(n), over) for n in (run, run + 1)]
    assert 0 <= cost[1] <= cost[0] <= core * (1 + Fraction(1, 10**12))
    assert rules.stranded_cost(core, fixed, Fraction(over + 1), over) == 0
