"""The cash calendar: when what a stream earns is paid, by fiscal year, with sources.

National timings come with the library (``terms/cash_calendar.toml``). A commissioner's own file of
the same form stands over them, stream by stream.
"""

from __future__ import annotations

import datetime as dt
import functools
import itertools
import os
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from capitation.engine.calendar import fiscal_year
from capitation.engine.shapes import shape_problems
from capitation.engine.term_tables import read_sources, read_terms
from capitation.engine.terms import Source, Term
from capitation.errors import InputError, Problem, nearest, raise_if_any
from capitation.national import national_terms

FILE = "cash_calendar.toml"
APRIL = 4

IN_MONTH = "in_month"
IN_ARREARS = "in_arrears"
QUARTER_END = "quarter_end"
ASPIRATION = "aspiration"
WITH_BALANCE = "with_balance"
SETTLED_IN_YEAR = "settled_in_year"

KEYS_OF_KIND: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    IN_MONTH: ((), ()),
    IN_ARREARS: (("arrears_months",), ("every_months", "base")),
    QUARTER_END: ((), ()),
    ASPIRATION: (("share", "balance_month", "base"), ()),
    WITH_BALANCE: ((), ("owed", "overpaid", "only_where_paid", "kept", "deduction")),
    SETTLED_IN_YEAR: (("earned",), ()),
}
"""What an entry of each kind must say, and what it may say."""

_SHAPES = {
    **dict.fromkeys(("paid", "base", "share", "kept", "deduction", "earned"), "text"),
    **dict.fromkeys(("arrears_months", "every_months", "balance_month"), "count"),
    **dict.fromkeys(("owed", "overpaid"), "names"),
    **dict.fromkeys(("source", "assumption", "note"), "text"),
    "from": "date",
    "only_where_paid": "any",
}
_WANTED_OF_SHARE = "a share is a term of unit 1, from 0 to 1"
_RANGES = {
    "arrears_months": (range(25), "0 to 24 months"),
    "every_months": ((1, 2, 3, 4, 6, 12), "1, 2, 3, 4, 6 or 12: periods that make up a year"),
    "balance_month": (range(1, 13), "the number of a month: 6 for June"),
}


@dataclass(frozen=True)
class Timing:
    """How what a stream earns becomes cash, from a fiscal year on.

    Attributes
    ----------
    start : datetime.date
        A 1 April.
    paid : str
        The kind: ``"in_month"``, ``"in_arrears"``, ``"quarter_end"``, ``"aspiration"``,
        ``"with_balance"`` or ``"settled_in_year"``.
    arrears_months, every_months : int
        Months from a period's end to its payment, and months of the period.
    base : str
        Input with what the base year came to. [GBP/year]
    share : str
        Term with the share of the year before that is paid on aspiration. [1]
    balance_month : int
        Month of the calendar in which a year's balance is paid, in the next fiscal year.
    owed, overpaid : tuple of str
        Rules with what the practice is owed, and with what it has had too much. [GBP]
    only_where_paid : bool
        Of several streams that name a balance, the one that pays the practice has it. It keeps it
        when none pays, as after the end of a contract.
    kept, deduction : str
        Flag of those who are spared a deduction that balances are net of, and its share. [1]
    earned : str
        Rule with what a fiscal year came to. [GBP/year]
    source, assumption, note : str
    """

    start: dt.date
    paid: str = IN_MONTH
    arrears_months: int = 0
    every_months: int = 1
    base: str = ""
    share: str = ""
    balance_month: int = 0
    owed: tuple[str, ...] = ()
    overpaid: tuple[str, ...] = ()
    only_where_paid: bool = False
    kept: str = ""
    deduction: str = ""
    earned: str = ""
    source: str = ""
    assumption: str = ""
    note: str = ""

    @property
    def reads(self) -> tuple[str, ...]:
        """Variables of a result that it needs, beside the stream."""
        single = (self.base, self.kept, self.deduction, self.earned)
        return (*(name for name in single if name), *self.owed, *self.overpaid)

    def named(self, key: str) -> tuple[str, ...]:
        """What the entry names under a key."""
        value: str | tuple[str, ...] = getattr(self, key)
        return value if isinstance(value, tuple) else (value,) if value else ()

    def in_words(self) -> str:
        """When it is paid, as a reader says it.

        Examples
        --------
        >>> april = dt.date(2013, 4, 1)
        >>> Timing(april, IN_ARREARS, arrears_months=1).in_words()
        '1 month in arrears'
        >>> Timing(april, IN_ARREARS, arrears_months=2, every_months=3).in_words()
        'by periods of 3 months, 2 months in arrears'
        """
        if self.paid == IN_ARREARS:
            plural = "" if self.arrears_months == 1 else "s"
            late = f"{self.arrears_months} month{plural} in arrears"
            periods = f"by periods of {self.every_months} months, "
            return late if self.every_months == 1 else periods + late
        if self.paid == ASPIRATION:
            month = dt.date(2000, self.balance_month, 1)
            return f"monthly on aspiration, the balance in {month:%B} of the next year"
        if self.paid == WITH_BALANCE:
            settled = "arrears when they are due" if self.owed else "recovered when it is found"
            return f"in the month, {settled}"
        return {
            IN_MONTH: "in the month",
            QUARTER_END: "at the quarter's end",
            SETTLED_IN_YEAR: "in advance, settled in the year",
        }[self.paid]


@dataclass(frozen=True)
class CashCalendar:
    """Timings by stream, with the terms and sources that they name.

    Attributes
    ----------
    timings : dict of str to tuple of Timing
        By stream, in order of date.
    terms : dict of str to Term
    sources : dict of str to Source
    files : dict of str to str
        By stream, the file in which its timings stand.
    """

    timings: Mapping[str, tuple[Timing, ...]]
    terms: Mapping[str, Term] = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    def place_of(self, stream: str) -> str:
        """Where the timings of a stream stand."""
        return f"{self.files.get(stream, 'cash calendar')}, cash.{stream}"

    def at(self, stream: str, month: dt.date) -> Timing:
        """The timing of a stream in the fiscal year of a month: in the month if it is not named.

        Raises
        ------
        InputError
            If the month is before the stream's first date.

        Examples
        --------
        >>> national_calendar().at("seniority", dt.date(2016, 5, 1)).in_words()
        "at the quarter's end"
        >>> national_calendar().at("a_stream_of_my_own", dt.date(2016, 5, 1)).in_words()
        'in the month'
        """
        timings = self.timings.get(stream, ())
        begun = [timing for timing in timings if timing.start <= month]
        if timings and not begun:
            found = f"no timing for {fiscal_year(month)}: it begins on {timings[0].start}"
            mend = "start later, or add an earlier entry"
            raise InputError(Problem(self.place_of(stream), found, mend))
        return begun[-1] if begun else Timing(month)

    def record(self, streams: Collection[str]) -> dict[str, list[dict[str, Any]]]:
        """The entries of some streams as plain data, without what an entry leaves out."""
        return {
            stream: [
                {
                    key: value.isoformat() if key == "start" else value
                    for key, value in asdict(timing).items()
                    if value or key == "arrears_months"
                }
                for timing in self.timings.get(stream, ())
            ]
            for stream in streams
        }


@functools.cache
def national_calendar() -> CashCalendar:
    """The cash calendar that comes with the library.

    Returns
    -------
    CashCalendar
    """
    text = (resources.files("capitation.terms") / FILE).read_text("utf-8")
    return _read(tomllib.loads(text), FILE, CashCalendar({}, *national_terms()))


def read_cash_calendar(path: str | os.PathLike[str]) -> CashCalendar:
    r"""Read a commissioner's own cash calendar: its streams stand over the national ones.

    Parameters
    ----------
    path : path-like
        A TOML file with a table ``[cash.<stream>]`` for each stream that is paid otherwise, whose
        ``calendar`` is a list of entries: ``from`` (a 1 April), ``paid`` (the kind), the keys of
        the kind, and a ``source`` or an ``assumption``. It may have ``[source.<id>]`` and
        ``[term.<name>]`` tables of its own.

    Returns
    -------
    CashCalendar
        With the national timings of all other streams.

    Raises
    ------
    InputError
        If the file cannot be read, or anything in it is wrong: every problem.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "ours.toml"
    ...     _ = file.write_text('[cash.local_schemes]\ncalendar = [{ from = 2013-04-01, paid = '
    ...         '"in_arrears", arrears_months = 1, every_months = 3, assumption = "Ours" }]\n')
    ...     ours = read_cash_calendar(file)
    >>> ours.at("local_schemes", dt.date(2015, 4, 1)).in_words()
    'by periods of 3 months, 1 month in arrears'
    """
    path = Path(path)
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(Problem(str(path), f"cannot be read: {error.strerror}")) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(Problem(str(path), f"is not TOML: {error}")) from None
    return _read(tables, path.name, national_calendar())


def _read(tables: Mapping[str, Any], file: str, under: CashCalendar) -> CashCalendar:
    """The calendar of a file, over another."""
    known = {"source": "tables", "term": "tables", "cash": "tables"}
    raise_if_any(shape_problems(tables, known, file))
    own, problems = read_sources(tables, file)
    sources = {**under.sources, **own}
    read, wrong = read_terms(tables.get("term", {}), file, sources)
    terms = {**under.terms, **read}
    problems += wrong
    timings, files = dict(under.timings), dict(under.files)
    for stream, entry in tables.get("cash", {}).items():
        place = f"{file}, cash.{stream}"
        wrong = shape_problems(entry, {"calendar": "rows"}, place)
        if not wrong and "calendar" not in entry:
            wrong = [Problem(place, "has no calendar", "give calendar = [{ from = …, paid = … }]")]
        if not wrong:
            rows = [_EntryReader(row, place, terms, sources) for row in entry["calendar"]]
            wrong = [problem for row in rows for problem in row.problems]
            wrong += _out_of_order([row.entry.get("from") for row in rows], place)
        if not wrong:
            timings[stream] = tuple(row.timing() for row in rows)
            files[stream] = file
        problems += wrong
    raise_if_any(problems)
    return CashCalendar(timings, terms, sources, files)


def _out_of_order(starts: list[Any], place: str) -> list[Problem]:
    dates = [start for start in starts if type(start) is dt.date]
    return [
        Problem(place, f"{after} does not come after {before}", "dates increase")
        for before, after in itertools.pairwise(dates)
        if after <= before
    ]


class _EntryReader:
    """Reads one entry of a calendar, and collects every problem in it."""

    def __init__(
        self,
        entry: Mapping[str, Any],
        place: str,
        terms: Mapping[str, Term],
        sources: Collection[str],
    ):
        self.entry = entry
        start = entry.get("from")
        self.place = f"{place}, from {start}" if type(start) is dt.date else place
        self.terms = terms
        self.sources = sources
        self.problems = shape_problems(entry, _SHAPES, self.place)
        if not self.problems:
            self.problems = list(self.faults())

    def faults(self) -> Iterator[Problem]:
        yield from self.faults_of_start()
        yield from self.faults_of_kind()
        yield from self.faults_of_values()
        yield from self.faults_of_grounds()

    def faults_of_start(self) -> Iterator[Problem]:
        start = self.entry.get("from")
        if start is None:
            yield Problem(self.place, "an entry without a date", "give from = 2013-04-01")
        elif (start.month, start.day) != (APRIL, 1):
            mend = "a timing holds for whole fiscal years, from a 1 April"
            yield Problem(self.place, f"begins on {start}", mend)

    def faults_of_kind(self) -> Iterator[Problem]:
        kind = self.entry.get("paid")
        if kind not in KEYS_OF_KIND:
            found = "does not say how it is paid" if kind is None else f"paid = {kind!r}"
            yield Problem(self.place, found, nearest(str(kind), KEYS_OF_KIND))
            return
        needed, allowed = KEYS_OF_KIND[kind]
        for key in needed:
            if key not in self.entry:
                yield Problem(self.place, f"paid {kind!r} without {key!r}", f"give {key}")
        others = {key for _, keys in KEYS_OF_KIND.items() for part in keys for key in part}
        for key in self.entry:
            if key in others and key not in (*needed, *allowed):
                yield Problem(self.place, f"{key!r} says nothing where it is paid {kind!r}")
        if kind == WITH_BALANCE and not {"owed", "overpaid"} & set(self.entry):
            mend = "name the rules with the balance: owed = […] or overpaid = […]"
            yield Problem(self.place, "paid 'with_balance' without a balance", mend)
        if ("kept" in self.entry) != ("deduction" in self.entry):
            yield Problem(self.place, "'kept' and 'deduction' go together", "give both")

    def faults_of_values(self) -> Iterator[Problem]:
        for key, (allowed, mend) in _RANGES.items():
            if key in self.entry and self.entry[key] not in allowed:
                yield Problem(f"{self.place}, {key}", f"found {self.entry[key]}", mend)
        if not isinstance(self.entry.get("only_where_paid", True), bool):
            found = f"found {self.entry['only_where_paid']!r}"
            yield Problem(f"{self.place}, only_where_paid", found, "true or false")
        share = self.entry.get("share")
        if share is not None:
            yield from self.faults_of_share(share)

    def faults_of_share(self, share: str) -> Iterator[Problem]:
        where = f"{self.place}, share"
        term = self.terms.get(share)
        if term is None:
            yield Problem(where, f"there is no term {share!r}", nearest(share, self.terms))
        elif term.unit != "1":
            yield Problem(where, f"{share!r} is in {term.unit}", _WANTED_OF_SHARE)
        else:
            outside = [dated for dated in term.values if not 0 <= dated.value <= 1]
            for dated in outside[:1]:
                found = f"{share!r} is {dated.written} from {dated.start}"
                yield Problem(where, found, _WANTED_OF_SHARE)

    def faults_of_grounds(self) -> Iterator[Problem]:
        source = self.entry.get("source", "")
        if not source.strip() and not self.entry.get("assumption", "").strip():
            mend = "cite a source, or say in words what is assumed"
            yield Problem(self.place, "an entry with neither a source nor an assumption", mend)
        if source and source not in self.sources:
            mend = nearest(source, self.sources)
            yield Problem(self.place, f"the source {source!r} is not described", mend)

    def timing(self) -> Timing:
        fields = {key: value for key, value in self.entry.items() if key != "from"}
        for key in ("owed", "overpaid"):
            fields[key] = tuple(fields.get(key, ()))
        return Timing(start=self.entry["from"], **fields)
