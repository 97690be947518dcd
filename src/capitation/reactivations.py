"""Requests to take a suspended GMS or PMS contract up again: granted, or refused and why.

A practice that has gone into a fully integrated contract may leave it at two-yearly windows. What
its leaving does to list, budget and cost is for `capitation.rules.reactivation` to say.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from capitation.engine.calendar import in_words
from capitation.engine.terms import DatedValue, PracticeTerms
from capitation.errors import Problem, raise_if_any

MONTHS_BETWEEN_WINDOWS = 24
MONTHS_OF_NOTICE = 12
PATIENTS_DO = {"follow": 1, "stay": 2}
"""What patients do by default, as the term ``patients_by_default`` numbers it."""

PARAGRAPH_8 = "SI 2015/1862, Schedule 3A, paragraph 8"
WINDOWS = "two-yearly windows: Pulse, 8 August 2017"


@dataclass(frozen=True)
class Request:
    """What a practice asks for, and what is known of its contract.

    Attributes
    ----------
    practice : str
    suspended : datetime.date
        When the contract was suspended.
    notice : datetime.date
        When notice of the reactivation was given.
    effective : datetime.date
        The window at which the contract is to be in force again.
    partners, partners_agreeing : int
        Original partners, and those of them who join in the request.
    reactivated_before : bool
        The contract has been reactivated once.
    eligible : bool
        The contractor may still hold such a contract.
    grounds_for_termination : bool
        The commissioner could terminate the contract.
    approved_later_date : datetime.date or None
        The later effective date that the commissioner has approved, if it has.
    place : str
        Where it stands, for messages.
    """

    practice: str
    suspended: dt.date
    notice: dt.date
    effective: dt.date
    partners: int
    partners_agreeing: int
    reactivated_before: bool = False
    eligible: bool = True
    grounds_for_termination: bool = False
    approved_later_date: dt.date | None = None
    place: str = ""


@dataclass(frozen=True)
class Decision:
    """Whether a request is granted, and why not.

    Attributes
    ----------
    request : Request
    granted : bool
    reasons : tuple of str
        Every reason to refuse it, with its clause; none if it is granted.
    window : int or None
        Number of the window: 1 at the second anniversary. None if the date asked for is none.
    follow_by_default : bool or None
        At this window patients follow the practice unless they ask to stay; otherwise they stay
        unless they ask to follow. None if there is no window.
    effective : datetime.date or None
        When the contract is in force again, if it is granted.
    next_date : datetime.date or None
        If refused, the first window at which it could be granted, were all that stands against it
        put right; None if never.
    notice_by : datetime.date or None
        The last day of notice for that window.
    """

    request: Request
    granted: bool
    reasons: tuple[str, ...]
    window: int | None
    follow_by_default: bool | None
    effective: dt.date | None = None
    next_date: dt.date | None = None
    notice_by: dt.date | None = None


def decide_reactivations(requests: Iterable[Request]) -> list[Decision]:
    """Grant or refuse each request, with every reason to refuse it.

    A contract may be reactivated at two-yearly anniversaries of its suspension, on twelve months'
    notice, by all its original partners together, and once only; the contractor must still be
    eligible, and there must be no grounds to terminate its contract. The commissioner may approve
    a later effective date: the window and its notice stay what they were.

    Parameters
    ----------
    requests : iterable of Request
        Of one practice, those after a granted one are refused: once only.

    Returns
    -------
    list of Decision
        In the order of the requests.

    Raises
    ------
    InputError
        For requests that contradict themselves: all at once.

    Source
    ------
    SI 2015/1862, Schedule 3A, paragraph 8 (inserted by SI 2019/248); Pulse, 8 August 2017.

    Examples
    --------
    >>> day = dt.date
    >>> early = Request("EX001", day(2019, 4, 1), day(2020, 6, 1), day(2021, 4, 1), 4, 3)
    >>> decision = decide_reactivations([early])[0]
    >>> decision.granted, len(decision.reasons), decision.next_date, decision.notice_by
    (False, 2, datetime.date(2023, 4, 1), datetime.date(2022, 4, 1))
    """
    requests = list(requests)
    raise_if_any(problem for request in requests for problem in contradictions(request))
    decisions: dict[int, Decision] = {}
    gone: set[str] = set()
    for at in sorted(range(len(requests)), key=lambda n: requests[n].effective):
        request = requests[at]
        decisions[at] = _decision(request, request.reactivated_before or request.practice in gone)
        if decisions[at].granted:
            gone.add(request.practice)
    return [decisions[at] for at in range(len(requests))]


def as_practice_terms(decisions: Iterable[Decision]) -> PracticeTerms:
    """Make of granted requests the terms that a projection takes.

    Parameters
    ----------
    decisions : iterable of Decision
        From `decide_reactivations`. Those that are refused change nothing.

    Returns
    -------
    dict of str to dict of str to tuple of DatedValue
        What `with_practice_terms` takes: ``reactivated`` is 1 from the month of the effective date,
        and ``patients_by_default`` is what the decision says, follow or stay, whenever a run
        begins and however many months of suspension are in it.

    Examples
    --------
    >>> day = dt.date
    >>> granted = Request("EX001", day(2019, 4, 1), day(2020, 3, 1), day(2021, 4, 1), 4, 4)
    >>> terms = as_practice_terms(decide_reactivations([granted]))
    >>> terms["reactivated"]["EX001"][0].start
    datetime.date(2021, 4, 1)
    >>> terms["patients_by_default"]["EX001"][0].value == PATIENTS_DO["follow"]
    True
    """
    terms: dict[str, dict[str, tuple[DatedValue, ...]]] = {}
    for decision in decisions:
        request, effective = decision.request, decision.effective
        if effective is None:
            continue
        month = effective.replace(day=1)
        does = "follow" if decision.follow_by_default else "stay"
        why = f"Reactivation granted at window {decision.window}, from {in_words(effective)}"
        why += f": patients {does} by default"
        for term, value in (("reactivated", 1), ("patients_by_default", PATIENTS_DO[does])):
            own = DatedValue(month, float(value), str(value), assumption=why)
            terms.setdefault(term, {})[request.practice] = (own,)
    return terms


# How it is decided ------------------------------------------------------------------------------


def _decision(request: Request, gone_before: bool) -> Decision:
    window = _window_on(request)
    lacking = list(_lacking(request))
    reasons = [*_wrong_dates(request, window), *lacking]
    if gone_before:
        reasons.append(
            f"the contract has been reactivated before: once only ({PARAGRAPH_8}(2)–(3))"
        )
    follow = None if window is None else window == 1
    if not reasons:
        effective = request.approved_later_date or request.effective
        return Decision(request, True, (), window, follow, effective)
    if gone_before:
        return Decision(request, False, tuple(reasons), window, follow)
    # What is lacking takes a new notice, on a later day; a notice that was only late still counts.
    noticed = request.notice + dt.timedelta(days=bool(lacking))
    number = 1
    while _notice_by(request, number) < noticed or _opens(request, number) < request.effective:
        number += 1
    next_date, notice_by = _opens(request, number), _notice_by(request, number)
    return Decision(request, False, tuple(reasons), window, follow, None, next_date, notice_by)


def _wrong_dates(request: Request, window: int | None) -> Iterator[str]:
    if window is None:
        number = 1
        while _opens(request, number) < request.effective:
            number += 1
        yield (
            f"{in_words(request.effective)} is no second, fourth, … anniversary of the suspension "
            f"on {in_words(request.suspended)}: the next is {in_words(_opens(request, number))} "
            f"({WINDOWS})"
        )
        return
    last = _notice_by(request, window)
    if request.notice > last:
        yield (
            f"notice was given on {in_words(request.notice)}, and was due by {in_words(last)}: "
            f"at least {MONTHS_OF_NOTICE} months before the window ({PARAGRAPH_8}(1))"
        )


def _lacking(request: Request) -> Iterator[str]:
    clause = f"({PARAGRAPH_8}(2)–(3))"
    if request.partners_agreeing < request.partners:
        yield (
            f"{request.partners_agreeing} of the {request.partners} original partners join in it: "
            f"all must, together {clause}"
        )
    if not request.eligible:
        yield f"the contractor is no longer eligible to hold the contract {clause}"
    if request.grounds_for_termination:
        yield f"there are grounds on which the contract could be terminated {clause}"


def _opens(request: Request, window: int) -> dt.date:
    return _months_on(request.suspended, window * MONTHS_BETWEEN_WINDOWS)


def _notice_by(request: Request, window: int) -> dt.date:
    return _months_on(_opens(request, window), -MONTHS_OF_NOTICE)


def _window_on(request: Request) -> int | None:
    """Number of the window that opens on the day asked for."""
    number = (request.effective.year - request.suspended.year) * 12 // MONTHS_BETWEEN_WINDOWS
    return number if number > 0 and _opens(request, number) == request.effective else None


def _months_on(day: dt.date, months: int) -> dt.date:
    """The same day of another month, or the last one that the month has."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


# What is wrong with requests --------------------------------------------------------------------


def contradictions(request: Request) -> Iterator[Problem]:
    """What a request says that cannot be so."""
    where = request.place or f"request of practice {request.practice}"
    if request.notice < request.suspended:
        found = f"notice on {request.notice} is before the suspension on {request.suspended}"
        yield Problem(where, found, "notice is given of a contract that is suspended")
    if request.effective <= request.suspended:
        found = f"effective on {request.effective}, suspended on {request.suspended}"
        yield Problem(where, found, "a contract is reactivated after it was suspended")
    if not 0 <= request.partners_agreeing <= request.partners or request.partners < 1:
        found = f"{request.partners_agreeing} of {request.partners} partners agree"
        yield Problem(where, found, "count those who agree among the original partners")
    later = request.approved_later_date
    if later is not None and later <= request.effective:
        found = f"approved later date {later} is not after the one asked for, {request.effective}"
        yield Problem(where, found, "leave it blank, or give a later one")
