"""Has anybody overtyped a figure? A workbook, compared cell by cell with what its run gives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import xarray as xr

from capitation.errors import InputError, Problem
from capitation.runs.record import evaluated
from capitation.version import __version__
from capitation.workbook.audit.cell_comparison import Compared, compare_cells, recalculated_values
from capitation.workbook.audit.cell_labels import as_typed, in_words, label_of
from capitation.workbook.audit.moved_cells import moved_back
from capitation.workbook.audit.saved_book import (
    Held,
    SavedCell,
    Sheets,
    cells_of_book,
    cells_of_file,
)
from capitation.workbook.audit.verified_inputs import followed_inputs
from capitation.workbook.content import Content
from capitation.workbook.page import Book, quoted
from capitation.workbook.record_sheet import SHEET, record_in
from capitation.workbook.writer import written_book

MOST_TOLD = 30
"""Findings of one kind that are told in words; `Verification` has them all."""


@dataclass(frozen=True)
class Finding:
    """A cell that is not as it was written.

    Attributes
    ----------
    cell : str
        Such as ``Summary!C8``.
    label : str
        What it is, in the words beside and above it.
    kind : str
        ``"formula"`` for a formula that holds something else, ``"value"`` for a value that is not
        what its formula comes to, ``"text"``, ``"figure"``, ``"input"``; ``"added"`` and
        ``"removed"`` for what is new, or no longer there.
    was, found : str
        What was there, or should be, and what is.
    was_value, found_value : float, bool, str or None
        The values of both.
    """

    cell: str
    label: str
    kind: str
    was: str
    found: str
    was_value: Held = None
    found_value: Held = None

    def __str__(self) -> str:
        label = f" ({self.label})" if self.label else ""
        if self.kind in ("added", "removed"):
            return f"{self.cell}{label}: {self.kind} {self.found or self.was}".rstrip()
        return f"{self.cell}{label}: was {self.was}, is {self.found}"

    def as_dict(self) -> dict[str, Any]:
        """The same as a plain dictionary, for programs."""
        return {item.name: getattr(self, item.name) for item in fields(self)}


@dataclass(frozen=True)
class Verification:
    """What was found when a workbook was compared with its run. Print it to read it.

    Attributes
    ----------
    file : str
    cells : int
        Cells that were compared.
    overtyped : tuple of Finding
        Formulas, fixed figures and labels that hold something else now.
    changed_inputs : tuple of Finding
        Inputs that were changed, which they are there for. Their figures follow.
    different : tuple of Finding
        Values saved beside formulas that are not what the rules give, and follow from nothing that
        was overtyped.
    follow : tuple of Finding
        Values that differ since they follow from what was overtyped, or may.
    structure : tuple of Finding
        Sheets, rows, columns and cells that were added or removed.
    unchecked : int
        Values that follow from a changed input that rules cannot follow, and were not compared.
    unsaved : int
        Formulas without a saved value, as programs leave them that cannot calculate.
    notes : tuple of str
    """

    file: str
    cells: int
    overtyped: tuple[Finding, ...] = ()
    changed_inputs: tuple[Finding, ...] = ()
    different: tuple[Finding, ...] = ()
    follow: tuple[Finding, ...] = ()
    structure: tuple[Finding, ...] = ()
    unchecked: int = 0
    unsaved: int = 0
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every figure is what the rules give for the inputs as they stand.

        Changed inputs, and what was added beside what was there, leave it so.
        """
        removed = any(finding.kind == "removed" for finding in self.structure)
        return not (self.overtyped or self.different or self.follow or removed)

    def __str__(self) -> str:
        return "\n".join(_lines(self))

    def as_dict(self) -> dict[str, Any]:
        """The same as plain dictionaries and lists, for programs."""
        found: dict[str, Any] = {"ok": self.ok}
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, tuple):
                value = [v.as_dict() if isinstance(v, Finding) else v for v in value]
            found[item.name] = value
        return found


def _lines(verification: Verification) -> Iterator[str]:
    compared = f"{verification.cells:,} cells compared"
    verdict = "nothing was overtyped" if verification.ok else "NOT as it was written"
    yield f"{verification.file}: {verdict}; {compared}"
    for title, findings in (
        ("Overtyped", verification.overtyped),
        ("Saved values that are not what the rules give", verification.different),
        ("Values that follow from what was overtyped", verification.follow),
        ("Added or removed", verification.structure),
        ("Inputs that were changed, which the figures follow", verification.changed_inputs),
    ):
        if findings:
            yield ""
            yield f"{title}: {len(findings):,}"
            yield from (f"  {finding}" for finding in findings[:MOST_TOLD])
            if len(findings) > MOST_TOLD:
                yield f"  and {len(findings) - MOST_TOLD:,} more"
    if verification.notes:
        yield ""
        yield from verification.notes


def verify_workbook(path: str | Path) -> Verification:
    """Run a workbook's rules again, and compare every cell with what they give.

    Parameters
    ----------
    path : str or Path
        A workbook that `write_workbook` wrote, perhaps edited and saved since.

    Returns
    -------
    Verification
        Inputs that were changed are allowed: the rules are run on them as they stand.

    Raises
    ------
    InputError
        If it is no such workbook, its record is damaged, or another version of capitation wrote it.
    """
    path = Path(path)
    return verified(cells_of_file(path), path.name)


def verified(found: Sheets, file: str) -> Verification:
    """Compare the cells of a workbook with what its run gives: see `verify_workbook`."""
    result = result_of(found, file)
    expected = cells_of_book(book_of(result))
    found, moves = moved_back(found, expected)
    compared = compare_cells(expected, found)
    now, notes, doubtful = _with_inputs(result, expected, compared)
    compared.compare_values(now, doubtful)
    moved = [Finding(m.sheet, "", "added" if m.added else "removed", str(m), "") for m in moves]
    return _verification(file, expected, found, compared, notes, moved)


def book_of(result: xr.Dataset) -> Book:
    """The workbook of a result, made anew in memory."""
    return written_book(Content(result))[0]


def result_of(cells: Sheets, file: str) -> xr.Dataset:
    """The result that a workbook of this version was written from.

    Raises
    ------
    InputError
        If it is no such workbook, or another version wrote it.
    """
    if SHEET not in cells:
        found = f"there is no sheet {SHEET!r}"
        mend = "give a workbook that capitation has written: capitation run … --output FILE.xlsx"
        raise InputError(Problem(file, found, mend))
    column = cells[SHEET]
    rows = (int(name[1:]) for name in column if name[0] == "A" and name[1:].isdigit())
    last = max(rows, default=0)
    texts = (column[f"A{n}"].value if f"A{n}" in column else None for n in range(1, last + 1))
    result = record_in(texts, file)
    made = str(result.attrs.get("capitation_version"))
    if made != __version__:
        found = f"capitation {made} wrote it, and this is {__version__}: their sheets may differ"
        raise InputError(Problem(file, found, f"use that version: pip install capitation=={made}"))
    return result


def _with_inputs(
    result: xr.Dataset, expected: Sheets, compared: Compared
) -> tuple[Sheets, list[str], set[tuple[str, str]]]:
    """The cells as the rules give them for the inputs as they stand.

    Also what is to be said of them, and the cells from which values follow that are not known.
    """
    changed = compared.inputs
    if not changed:
        return expected, [], set()
    content = Content(result)
    followed = followed_inputs(content, expected, changed)
    lost = set(changed) - followed.cells
    now, notes = expected, []
    if followed.leaves:
        try:
            now = cells_of_book(book_of(evaluated(result, followed.leaves)))
        except InputError as error:
            notes.append(f"The rules cannot be run on the inputs as they stand: {error}")
            lost = set(changed)
    if lost:
        named = ", ".join(f"{quoted(sheet)}!{name}" for sheet, name in sorted(lost)[:5])
        notes.append(
            f"What follows from {named}{', …' if len(lost) > 5 else ''} was not compared: it is "
            "not an input of the rules, or they cannot follow what it holds."
        )
    return now, notes, lost | recalculated_values(expected, now, set(changed))


def _verification(
    file: str,
    expected: Sheets,
    found: Sheets,
    compared: Compared,
    notes: list[str],
    moved: Sequence[Finding],
) -> Verification:
    def findings(cells: Sequence[tuple[str, str]], kind: str = "") -> tuple[Finding, ...]:
        return tuple(_finding(expected, found, compared, cell, kind) for cell in cells)

    notes = list(notes)
    if compared.unchecked:
        notes.append(
            f"{compared.unchecked:,} values were not compared: they follow from such cells, or "
            "from figures that were fixed when the workbook was written."
        )
    if compared.unsaved:
        notes.append(
            f"{compared.unsaved:,} formulas have no saved value: open the workbook in Excel and "
            "save it, and verify it again."
        )
    sheets = [
        *(Finding(quoted(title), "", "added", "", "sheet") for title in compared.sheets_added),
        *(Finding(quoted(title), "", "removed", "sheet", "") for title in compared.sheets_removed),
    ]
    added, removed = findings(compared.added, "added"), findings(compared.removed, "removed")
    return Verification(
        file=file,
        cells=compared.cells,
        overtyped=findings(compared.overtyped),
        changed_inputs=findings(list(compared.inputs)),
        different=findings(compared.different, "value"),
        follow=findings(compared.follow, "value"),
        structure=(*sheets, *moved, *removed, *added),
        unchecked=compared.unchecked,
        unsaved=compared.unsaved,
        notes=tuple(notes),
    )


def _finding(
    expected: Sheets, found: Sheets, compared: Compared, cell: tuple[str, str], kind: str
) -> Finding:
    sheet, name = cell
    was, now = expected[sheet].get(name), found[sheet].get(name)
    if kind == "value":
        was = compared.expected_now[sheet][name]
        texts = [in_words(held.value, was.form) if held else "" for held in (was, now)]
    else:
        form = was.form if was else ""
        texts = [as_typed(held, form) if held else "" for held in (was, now)]
        kind = kind or _kind(was)
    label = label_of(expected[sheet], name) if was else ""
    values = [held.value if held else None for held in (was, now)]
    return Finding(f"{quoted(sheet)}!{name}", label, kind, texts[0], texts[1], *values)


def _kind(cell: SavedCell | None) -> str:
    if cell is None:
        return "added"
    if cell.is_input:
        return "input"
    if cell.formula:
        return "formula"
    return "text" if isinstance(cell.value, str) else "figure"
