"""Why this cell: a figure of a workbook, down to the inputs and the sources behind it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xarray as xr

from capitation.errors import InputError, Problem, nearest
from capitation.projection import whole
from capitation.workbook.audit.cell_tracing import Traced, Tracer
from capitation.workbook.audit.formula_reading import place_of, sheet_name
from capitation.workbook.audit.saved_book import SavedCell, Sheets, cells_of_book, cells_of_file
from capitation.workbook.audit.verification import book_of, result_of
from capitation.workbook.page import quoted

_NAMED = re.compile(
    r"=?(?P<sheet>'(?:[^']|'')+'|[^!']+)!\$?(?P<column>[A-Za-z]{1,3})\$?(?P<row>[1-9]\d{0,6})"
)
_EXAMPLE = "name sheet and cell, such as Summary!C8 or 'By practice'!C7"


@dataclass(frozen=True)
class CellExplanation:
    """A cell of a workbook, what it holds, and what that was made from. Print it to read it.

    Attributes
    ----------
    cell : str
        Such as ``Summary!C8``.
    label : str
        The words beside and above it.
    value : float, bool, str or None
        As the workbook has it.
    formula : str
        Empty for what is not calculated.
    told : Traced
        All of it: `str` and `as_dict` give it in words and as data.
    sources : dict of str to str
        Text of every source that is cited, by id.
    notes : tuple of str
        Where the workbook is no longer as its run was.
    """

    told: Traced
    sources: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def cell(self) -> str:
        """The cell, such as ``Summary!C8``."""
        return self.told.cell

    @property
    def label(self) -> str:
        """The words beside and above it."""
        return self.told.label

    @property
    def value(self) -> float | bool | str | None:
        """What it comes to, as the workbook has it."""
        return self.told.value

    @property
    def formula(self) -> str:
        """Its formula; empty for what is not calculated."""
        return self.told.formula

    def __str__(self) -> str:
        lines = [*_lines(self.told, "")]
        if self.notes:
            lines += ["", "Notes", *(f"  {note}" for note in self.notes)]
        if self.sources:
            lines += ["", "Sources", *(f"  {key}: {text}" for key, text in self.sources.items())]
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """The same as plain dictionaries and lists, for programs."""
        return _as_dict(self.told) | {"notes": list(self.notes), "sources": dict(self.sources)}


def _lines(told: Traced, margin: str) -> Iterator[str]:
    yield f"{margin}{told.cell} = {told.shown}" if told.shown else f"{margin}{told.cell}"
    inner = margin + "    "
    for line in (told.label, told.formula, *told.said):
        if line:
            yield f"{inner}{line}"
    for part in told.parts:
        yield from _lines(part, inner)


def _as_dict(told: Traced) -> dict[str, Any]:
    return {
        "cell": told.cell,
        "label": told.label,
        "value": told.value,
        "formula": told.formula,
        "said": list(told.said),
        "cells": told.count,
        "parts": [_as_dict(part) for part in told.parts],
    }


def explain_cell(workbook: str | Path | xr.Dataset, cell: str) -> CellExplanation:
    """Explain one cell of a workbook: its formula, what goes into it, and where that comes from.

    Parameters
    ----------
    workbook : str, Path or Dataset
        A workbook that `write_workbook` wrote, whose values and formulas are told as they stand in
        it; or a result of `project`, for the workbook that it would give.
    cell : str
        Sheet and cell, such as ``"Summary!C8"`` or ``"'By practice'!C7"``.

    Returns
    -------
    CellExplanation

    Raises
    ------
    InputError
        If it is no such workbook, or there is nothing in the cell.

    Examples
    --------
    >>> from capitation import example_practices, project
    >>> result = project("uniting-care", example_practices().isel(practice=[0, 1]), months=2)
    >>> told = explain_cell(result, "summary!c7")
    >>> told.cell, told.formula.split("(")[0]
    ('Summary!C7', '=SUMIFS')
    """
    if isinstance(workbook, xr.Dataset):
        result = whole(workbook)
        return explained(result, cells_of_book(book_of(result)), cell, "the workbook")
    file, cells = Path(workbook).name, cells_of_file(Path(workbook))
    return explained(result_of(cells, file), cells, cell, file)


def explained(result: xr.Dataset, cells: Sheets, cell: str, file: str) -> CellExplanation:
    """Explain a cell, given all cells of the workbook and its result: see `explain_cell`."""
    sheet, name = _place(cells, cell, file)
    tracer = Tracer(result, cells)
    told = tracer.traced(sheet, name)
    return CellExplanation(told, dict(tracer.sources), tuple(tracer.notes))


def _place(cells: Sheets, cell: str, file: str) -> tuple[str, str]:
    """Sheet and name of a cell that holds something."""
    found = _NAMED.fullmatch(cell.strip())
    if not found:
        raise InputError(Problem(file, f"{cell!r} names no cell", _EXAMPLE))
    titles = {title.casefold(): title for title in cells}
    asked = sheet_name(found["sheet"].strip())
    if asked.casefold() not in titles:
        raise InputError(Problem(file, f"there is no sheet {asked!r}", nearest(asked, cells)))
    sheet = titles[asked.casefold()]
    name = f"{found['column'].upper()}{int(found['row'])}"
    if name not in cells[sheet]:
        there = _nearest_cell(cells[sheet], name)
        mend = f"the nearest that holds a figure is {quoted(sheet)}!{there}" if there else ""
        raise InputError(Problem(file, f"{quoted(sheet)}!{name} is empty", mend))
    return sheet, name


def _nearest_cell(cells: Mapping[str, SavedCell], name: str) -> str:
    row, column = place_of(name)

    def far(other: str) -> tuple[int, int, int]:
        at = place_of(other)
        return abs(at[0] - row) + abs(at[1] - column), at[0], at[1]

    figures = [other for other, cell in cells.items() if isinstance(cell.value, float)]
    return min(figures, key=far, default="")
