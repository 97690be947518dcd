"""Dated values of terms, as rows of the input workbook give them."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from capitation.engine.calendar import in_words
from capitation.engine.terms import DatedValue, Source, Term, format_number
from capitation.engine.units import Unit
from capitation.errors import Problem, nearest
from capitation.inputs.rows import Row
from capitation.inputs.values import number_hint, said
from capitation.model import Model

TEXTS = {
    "assumption": "Assumption",
    "owner": "Owner",
    "agreed": "Agreed",
    "signed_off": "Signed off",
    "note": "Note",
}
"""What is said of a dated value, and the heading that it stands under."""

SUGGESTED = 100
"""Problems from which on no names are suggested."""

BOUNDS = {"low": "Low", "high": "High"}


@dataclass(frozen=True)
class DatedRow:
    """A dated value, and the row that gives it."""

    row: Row
    value: DatedValue


class TermReader:
    """Reads rows of dated values, and collects every problem in them.

    Parameters
    ----------
    model : Model
    used : collection of str
        The terms that the model's rules read.

    Attributes
    ----------
    sources : dict of str to Source
        Those that rows cite and the model does not know.
    problems : list of Problem
    notes : list of str
    """

    def __init__(self, model: Model, used: Collection[str]):
        self.model = model
        self.used = used
        self.sources: dict[str, Source] = {}
        self.problems: list[Problem] = []
        self.notes: list[str] = []
        self._names = {name.casefold(): name for name in model.terms}
        self._ids = {known.casefold(): known for known in model.sources}

    def fault(self, row: Row, heading: str, found: str, mend: str = "") -> None:
        self.problems.append(row.problem(heading, found, mend))

    def suggestion(self, name: str, names: Iterable[str]) -> str:
        """Which of some names may be meant, as long as there are few problems.

        To look for it takes a while, and of many problems only the first are shown.
        """
        return nearest(name, names) if len(self.problems) < SUGGESTED else ""

    def term_of(self, row: Row) -> str | None:
        """The term that a row is about; None, and a problem, if there is no such term."""
        written = row.get("Term")
        if written is None:
            if "Term" not in row.wrong:
                self.fault(row, "Term", "expected the name of a term, found nothing", "name it")
            return None
        name = self._names.get(written.casefold())
        if name is None:
            found = f"there is no term {written!r}"
            self.fault(row, "Term", found, self.suggestion(written, self.used))
        elif name not in self.used:
            found = f"no rule of {self.model.name} reads the term {name!r}"
            mend = f"delete the row; {self.suggestion(name, self.used)}".removesuffix("; ")
            self.fault(row, "Term", found, mend)
            return None
        return name

    def by_term(self, rows: Iterable[Row]) -> dict[str, list[Row]]:
        """Rows by the term that they are about, in the order of the terms."""
        found: dict[str, list[Row]] = {}
        for row in rows:
            name = self.term_of(row)
            if name is not None:
                found.setdefault(name, []).append(row)
        return found

    def dated(self, rows: Sequence[Row], term: Term) -> list[DatedRow] | None:
        """The dated values of a term in order of date; None if anything is wrong with them."""
        before = len(self.problems)
        read = [self._dated_row(row, term) for row in rows]
        found = sorted((one for one in read if one is not None), key=lambda one: one.value.start)
        for first, second in itertools.pairwise(found):
            if first.value.start == second.value.start:
                day = in_words(second.value.start)
                told = f"{term.name} from {day} is in row {first.row.number} too"
                self.fault(second.row, "From", told, "keep one of them")
        return found if len(self.problems) == before and found else None

    def _dated_row(self, row: Row, term: Term) -> DatedRow | None:
        self._check_unit(row, term)
        for heading in ("From", "Value"):
            is_blank = heading in row.columns and heading not in row.values
            if is_blank and heading not in row.wrong:
                what = "a date" if heading == "From" else "a figure"
                found = f"expected {what} for {term.name}, found nothing"
                self.fault(row, heading, found, "fill it in, or delete the row")
        number = self._number(row, term)
        bounds = {key: row.get(heading) for key, heading in BOUNDS.items()}
        if number is not None:
            self._check_range(row, term, number, bounds)
        grounds = {key: row.get(heading, "") for key, heading in TEXTS.items()}
        source = self._source(row)
        if not source and not grounds["assumption"] and not {"Source", "Assumption"} & row.wrong:
            found = f"the figure of {term.name} has neither a source nor an assumption"
            mend = "say where it comes from, or what is assumed"
            self.fault(row, "Source", found, mend)
        start = row.get("From")
        if number is None or start is None:
            return None
        written = row.get("Value")
        if not isinstance(written, str) or term.choices:
            written = format_number(number)
        return DatedRow(row, DatedValue(start, number, written, source, **grounds, **bounds))

    def _check_unit(self, row: Row, term: Term) -> None:
        unit = row.get("Unit")
        if unit is None:
            return
        try:
            same = Unit.parse(unit) == Unit.parse(term.unit)
        except ValueError:
            same = False
        if not same:
            found = f"{term.name} is in {term.unit}, found the unit {unit!r}"
            self.fault(row, "Unit", found, f"give the figure in {term.unit}")

    def _number(self, row: Row, term: Term) -> float | None:
        number = number_of_cell(row, "Value", term)
        if isinstance(number, Problem):
            self.problems.append(number)
            return None
        return number

    def _check_range(
        self, row: Row, term: Term, value: float, bounds: Mapping[str, float | None]
    ) -> None:
        """Check that a figure lies between its low and its high, and these within the term's."""
        headings = {"Value": value} | {BOUNDS[key]: bound for key, bound in bounds.items()}
        for heading, number in headings.items():
            outside = None if number is None else outside_of(term, number)
            if outside:
                self.fault(row, heading, outside)
        low, high = bounds["low"], bounds["high"]
        figure = format_number(value)
        if low is not None and low > value:
            found = f"{format_number(low)} is more than the value, {figure}"
            self.fault(row, "Low", found, "low ≤ value ≤ high")
        if high is not None and high < value:
            found = f"{format_number(high)} is less than the value, {figure}"
            self.fault(row, "High", found, "low ≤ value ≤ high")

    def _source(self, row: Row) -> str:
        """Id of the source that a row cites: a known one, or one made of its words."""
        text = row.get("Source")
        if text is None:
            return ""
        known = self._ids.get(text.strip().casefold())
        if known is not None:
            return known
        for key, source in self.sources.items():
            if source.title == text:
                return key
        slug = re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-")[:40].strip("-") or "source"
        taken = {*self.model.sources, *self.sources}
        names = itertools.chain([slug], (f"{slug}-{number}" for number in itertools.count(2)))
        key = next(name for name in names if name not in taken)
        self.sources[key] = Source(key, text, where=row.place("Source"))
        if " " not in text and "did you mean" in (mend := nearest(text, self.model.sources)):
            said_so = f"{row.sheet.name}!{row.cell('Source')}: the source {text!r} is none of the"
            self.notes.append(f"{said_so} model's, and stands as a source of its own: {mend}")
        return key

    # ------------------------------------------------------------------ terms

    def term(self, found: Sequence[DatedRow], like: Term) -> Term:
        """A term with the values that rows give, or the one that it is like if they are the same.

        Values that are as in that term keep when they were first paid, if that was later.
        """
        known = {value.start: value for value in like.values}
        values = []
        for one in found:
            own = known.get(one.value.start)
            as_before = own is not None and own.value == one.value.value
            values.append(_merged(one, own) if own is not None and as_before else one.value)
        if tuple(values) == like.values:
            return like
        dated = [(value.start, value.value) for value in values]
        same_figures = dated == [(value.start, value.value) for value in like.values]
        schedule = like.schedule if same_figures else None
        place = found[0].row.place("Term")
        term = replace(like, values=tuple(values), schedule=schedule, place=place)
        self.problems += _paid_too_late(found, term.values)
        return term


def _merged(one: DatedRow, own: DatedValue) -> DatedValue:
    """A value that a row has as the model has it, with what the row says of it."""
    row, new = one.row, one.value
    kept: dict[str, Any] = {}
    for key, heading in {"source": "Source", **TEXTS}.items():
        before, now = getattr(own, key), getattr(new, key)
        kept[key] = before if heading not in row.columns or _same(before, now) else now
    for key, heading in BOUNDS.items():
        kept[key] = getattr(new if heading in row.columns else own, key)
    return replace(own, **kept)


def _same(one: str, other: str) -> bool:
    """Whether two texts are the same but for blanks and how letters are composed."""
    return squeezed(one) == squeezed(other)


def squeezed(text: str) -> str:
    """A text without needless blanks, its letters composed in one way."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def _paid_too_late(found: Sequence[DatedRow], values: Sequence[DatedValue]) -> Iterator[Problem]:
    """Figures that would first be paid when another holds already."""
    rows = {one.value.start: one.row for one in found}
    for before, after in itertools.pairwise(values):
        if before.paid_from and before.paid_from >= after.start and after.start in rows:
            told = (
                f"the figure from {in_words(before.start)} is first paid from "
                f"{in_words(before.paid_from)}, when this one holds already"
            )
            yield rows[after.start].problem("From", told, "begin after that")


def outside_of(term: Term, number: float) -> str:
    """What is wrong with a number that is outside a term's bounds, or nothing."""
    outside = term.out_of_bounds(number)
    if not outside:
        return ""
    found, allowed = outside
    return f"{term.name} must be {allowed.removeprefix('allowed: ')}, {found}"


def number_of_cell(row: Row, heading: str, term: Term) -> float | Problem | None:
    """The number that a row has for a term; None if it is blank, or was told of already."""
    written = row.get(heading)
    if written is None:
        return None
    try:
        return term.number(written)
    except ValueError:
        if term.choices:
            named = ", ".join(term.choices)
            found = f"expected one of {named}, found {said(written)}"
            return row.problem(heading, found, nearest(str(written), term.choices))
        return row.problem(
            heading, f"expected a number, found {said(written)}", number_hint(written)
        )
