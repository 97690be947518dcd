"""The cover of the input workbook: who prepared it, for which contract, year and months."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from capitation.engine.calendar import in_words, months_of
from capitation.errors import InputError, Problem, nearest
from capitation.inputs.layout import (
    COVER_FIELDS,
    DESCRIPTIVE,
    MODEL,
    MONTHS,
    START,
    YEAR,
)
from capitation.inputs.values import READERS, WrongValue, checked, said
from capitation.model import Model
from capitation.model_file import load_model, models, models_folder
from capitation.sources.workbook_cells import CellProblem, SheetCells, clean
from capitation.sources.workbook_scan import place_name

LABEL, ENTRY = 1, 2
"""Columns of the labels and of what is filled in."""

MOST_MONTHS = 600

_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")


@dataclass
class Cover:
    """What the cover says.

    Attributes
    ----------
    sheet : SheetCells
    rows : dict of str to int
        Row of each label.
    values : dict of str to object
        What is filled in, by label.
    problems : list of Problem
    notes : list of str
    """

    sheet: SheetCells
    rows: dict[str, int] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def problem(self, label: str, found: str, mend: str = "") -> CellProblem:
        """A fault in what is filled in beside a label."""
        return self.sheet.problem(self.rows.get(label, 1), ENTRY, found, mend)

    @property
    def prepared(self) -> dict[str, str]:
        """Lines that change no figure, as text."""
        lines = {}
        for label in DESCRIPTIVE:
            value = self.values.get(label)
            if value is not None:
                lines[label] = value if isinstance(value, str) else in_words(value)
        return lines


def read_cover(sheet: SheetCells) -> Cover:
    """Read the cover, with everything that is wrong with it."""
    cover = Cover(sheet, problems=list(sheet.problems), notes=list(sheet.notes))
    known = {one.heading.casefold(): one.heading for one in COVER_FIELDS}
    for number in sorted(sheet.rows):
        label = sheet.rows[number].get(LABEL)
        heading = known.get(clean(label).casefold()) if isinstance(label, str) else None
        if heading in cover.rows:
            found = f"{heading!r} stands in {place_name(cover.rows[heading], LABEL)} too"
            cover.problems.append(sheet.problem(number, LABEL, found, "keep one of them"))
        elif heading is not None:
            cover.rows[heading] = number
    rows = set(cover.rows.values())
    cover.notes += sheet.notes_on_formulas(lambda row, column: row in rows and column == ENTRY)
    for row, column, last, _ in sheet.merged:
        if last > row and row <= max(cover.rows.values(), default=0):
            found = f"cells {place_name(row, column)} to row {last} are merged"
            cover.problems.append(sheet.problem(row, column, found, "unmerge them"))
    for one in COVER_FIELDS:
        _read_line(cover, one.heading, one.kind, required=one.required)
    _check_months(cover)
    return cover


def _read_line(cover: Cover, label: str, kind: str, *, required: bool) -> None:
    if label not in cover.rows:
        if required:
            mend = "write it in column A, and what is asked for in column B"
            cover.problems.append(cover.sheet.fault(f"there is no line {label!r}", mend))
        return
    value = cover.sheet.rows[cover.rows[label]].get(ENTRY)
    if value is None:
        if required:
            cover.problems.append(cover.problem(label, f"{label!r} is blank", "fill it in"))
        return
    try:
        cover.values[label] = READERS[kind](checked(value))
    except WrongValue as error:
        cover.problems.append(cover.problem(label, error.found, error.mend))


def _check_months(cover: Cover) -> None:
    """Check how many months there are, and that the base year ends before the first."""
    months = cover.values.get(MONTHS)
    if months is not None and not (months == int(months) and 1 <= months <= MOST_MONTHS):
        found = f"expected a whole number of months, found {said(months)}"
        cover.problems.append(cover.problem(MONTHS, found, f"from 1 to {MOST_MONTHS}"))
        del cover.values[MONTHS]
    start, year = cover.values.get(START), cover.values.get(YEAR)
    if start is not None and year is not None and start <= (last := months_of(year)[-1]):
        found = f"the figures are of {year}, and the first month is {start:%B %Y}"
        mend = f"begin in April {last.year} or later, or give figures of an earlier year"
        cover.problems.append(cover.problem(START, found, mend))


def model_of(cover: Cover, folder: Path) -> Model | None:
    """The contract that the cover names, with its months; None if that cannot be said.

    What is wrong with it is added to the cover's problems.
    """
    named = cover.values.get(MODEL)
    if named is None:
        return None
    try:
        model = load_model(_found(named, folder))
    except WrongValue as error:
        cover.problems.append(cover.problem(MODEL, error.found, error.mend))
        return None
    except InputError as error:
        found = f"the model {named!r} cannot be read: {error.problems[0]}"
        more = len(error.problems) - 1
        mend = f"and {more} more problems: mend the file of the model" if more else ""
        cover.problems.append(cover.problem(MODEL, found, mend))
        return None
    if named.endswith(".toml"):
        cover.notes.append(f"The contract is that of the file {named}, with the rules it names.")
    return replace(model, **_months(cover.values))


def _months(values: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if START in values:
        found["start"] = values[START]
    if MONTHS in values:
        found["months"] = int(values[MONTHS])
    return found


def _found(named: str, folder: Path) -> str | Path:
    """A shipped model's name, or the path of a file as seen from the workbook."""
    if _NAME.fullmatch(named):
        if (models_folder() / f"{named}.toml").is_file():
            return named
        raise WrongValue(f"no model {named!r} comes with capitation", nearest(named, models()))
    if not named.endswith(".toml"):
        mend = nearest(re.sub(r"[\W_]+", "-", named.casefold()), models())
        mend += "; or give a .toml file beside the workbook"
        raise WrongValue(f"there is no model {named!r}", mend)
    if named[:2].replace("\\", "/") == "//" or "://" in named:
        # A contract names rules that are run: they do not come from another machine unasked.
        raise WrongValue(f"the model {named!r} is on another machine", "put it beside the workbook")
    path = folder / named
    try:
        is_there = path.is_file()
    except (OSError, ValueError):
        is_there = False
    if not is_there:
        raise WrongValue(f"there is no file {named!r}", "put it beside the workbook")
    return path
