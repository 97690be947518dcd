"""Inputs that were changed in a workbook, put into its result so that the rules can follow them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from openpyxl.utils.datetime import from_excel

from capitation.engine.calendar import months_after, months_of
from capitation.engine.graph import Leaf
from capitation.engine.record import attributes_of_leaf, dated_values, own_values
from capitation.engine.terms import DatedValue, Term, format_number
from capitation.model import HISTORY, PRIOR
from capitation.workbook.audit.cell_labels import LAST_DAY
from capitation.workbook.audit.cell_places import VALUE, CellPlaces, Figure
from capitation.workbook.audit.dependents import CellName
from capitation.workbook.audit.formula_reading import place_of, references
from capitation.workbook.audit.saved_book import Held, Sheets
from capitation.workbook.content import Content
from capitation.workbook.layout import Layout
from capitation.workbook.page import Book
from capitation.workbook.terms_sheets import FROM, BlockKey, TermsSheet, term_of
from capitation.workbook.terms_sheets import VALUE as VALUES

TERMS = "Terms"


@dataclass(frozen=True)
class Followed:
    """What became of inputs that were changed.

    Attributes
    ----------
    leaves : dict of str to DataArray
        Inputs and terms as they are now, for `evaluated`.
    cells : set of (str, str)
        The changed cells that they take account of; the rules cannot follow the others.
    """

    leaves: dict[str, xr.DataArray]
    cells: set[CellName]


def followed_inputs(
    content: Content, expected: Sheets, changed: Mapping[CellName, Held]
) -> Followed:
    """Put changed inputs into the inputs and terms of a result.

    Parameters
    ----------
    content : Content
    expected : dict
        The cells of the workbook as it was written.
    changed : mapping of (sheet, cell) to value
        Input cells that hold something else now.

    Returns
    -------
    Followed
    """
    figures = _ChangedFigures(content)
    terms = _ChangedTerms(content, expected.get(TERMS, {}))
    for cell, value in changed.items():
        if cell[0] == TERMS:
            terms.take(cell, value)
        else:
            figures.take(cell, value)
    return Followed(figures.leaves | terms.leaves(), figures.cells | terms.cells)


class _ChangedFigures:
    """Figures of practices, and given values, that were changed."""

    def __init__(self, content: Content):
        self.content = content
        self.places = CellPlaces(Layout(content))
        self.leaves: dict[str, xr.DataArray] = {}
        self.cells: set[CellName] = set()

    def take(self, cell: CellName, value: Held) -> None:
        figure = self.places.figure(cell[0], *place_of(cell[1]))
        if not isinstance(value, float) or figure is None or figure.role != VALUE:
            return
        if figure.name not in self.content.graph.leaves:
            return
        array = self.leaves.setdefault(figure.name, self.content.result[figure.name].copy())
        array.values[self.position(figure)] = value
        self.cells.add(cell)

    def position(self, figure: Figure) -> tuple[int, ...]:
        """Where a figure stands in its array."""
        content = self.content
        entity, time = figure.entity or 0, figure.time or 0
        at = {
            "scenario": content.scenarios.index(figure.scenario or content.scenarios[0]),
            "practice": int(content.order[entity]) if entity < len(content.order) else 0,
            "commissioner_code": entity,
            "month": time,
            "year": time,
        }
        return tuple(at[dim] for dim in content.graph[figure.name].dims)


class _ChangedTerms:
    """Dates and values of terms that were changed, row by row."""

    def __init__(self, content: Content, cells: Mapping[str, Any]):
        self.content = content
        self.sheet = TermsSheet(Book(), content)
        self.sheet.write()
        self.cells: set[CellName] = set()
        self.starts: dict[int, dt.date] = {}
        self.figures: dict[int, float] = {}
        # The value of a term as it was paid may refer to the term as it is due.
        self.links = {
            place_of(name)[0]: reference.top
            for name, cell in cells.items()
            if place_of(name)[1] == VALUES and cell.formula
            for reference in references(cell.formula, TERMS)
        }

    def take(self, cell: CellName, value: Held) -> None:
        row, column = place_of(cell[1])
        if not isinstance(value, float):
            return
        if column == VALUES:
            self.figures[row] = value
        elif column == FROM and 1 <= value < LAST_DAY and value == int(value):
            day = from_excel(value)
            assert isinstance(day, dt.datetime)
            self.starts[row] = day.date()
        else:
            return
        self.cells.add(cell)

    def leaves(self) -> dict[str, xr.DataArray]:
        """Terms as they are now, where the changes reach them and still make sense."""
        for row, due in self.links.items():
            if due in self.figures:
                self.figures.setdefault(row, self.figures[due])
        rows = {*self.starts, *self.figures}
        found = {}
        for leaf in self.content.graph.leaves.values():
            if "term" in leaf.kind and rows & self.rows_of(leaf):
                changed = self.changed(leaf)
                if changed is None:
                    self.cells -= {c for c in self.cells if place_of(c[1])[0] in self.rows_of(leaf)}
                else:
                    found[leaf.name] = changed
        return found

    def blocks_of(self, leaf: Leaf) -> dict[BlockKey, range]:
        return {key: rows for key, rows in self.sheet.blocks.items() if key[0] == leaf.name}

    def own_blocks_of(self, leaf: Leaf) -> dict[str, range]:
        own = own_values(self.content.result[leaf.name].attrs)
        term = term_of(leaf.name)
        return {
            code: rows
            for (of, code), rows in self.sheet.own_blocks.items()
            if of == term and code in own
        }

    def rows_of(self, leaf: Leaf) -> set[int]:
        blocks = (*self.blocks_of(leaf).values(), *self.own_blocks_of(leaf).values())
        return {row for rows in blocks for row in rows}

    def changed(self, leaf: Leaf) -> xr.DataArray | None:
        """A term with its values as they are now; None if they are not in order of date."""
        array = self.content.result[leaf.name]
        dated, own = dated_values(array.attrs), own_values(array.attrs)
        for (_, scenario), rows in self.blocks_of(leaf).items():
            # What stands in no scenario of its own is the same in all, or of the only one.
            only = self.content.scenarios[0]
            key = scenario or (only if only in dated else next(iter(dated)))
            dated[key] = self.now(rows, dated[key])
        for code, rows in self.own_blocks_of(leaf).items():
            own[code] = self.now(rows, own[code])
        months = _months_of(leaf, self.content)
        every = [*dated.values(), *own.values()]
        if not all(map(_in_order, every)) or any(v[0].start > months[0] for v in dated.values()):
            return None
        values = _values(leaf, dated, own, months, self.content)
        issue = array.attrs.get("issue", "")
        terms = {
            scenario: Term(leaf.name, str(leaf.unit), tuple(of), leaf.title, issue=issue)
            for scenario, of in dated.items()
        }
        kept = {key: array.attrs[key] for key in ("source", "assumption") if key in array.attrs}
        return array.copy(data=values).assign_attrs(attributes_of_leaf(leaf, terms, own) | kept)

    def now(self, rows: range, values: Sequence[DatedValue]) -> list[DatedValue]:
        found = []
        for row, value in zip(rows, values, strict=True):
            if row in self.figures:
                figure = self.figures[row]
                value = replace(value, value=figure, written=format_number(figure))
            if row in self.starts:
                value = replace(value, start=self.starts[row])
            found.append(value)
        return found


def _in_order(values: Sequence[DatedValue]) -> bool:
    starts = [value.start for value in values]
    return starts == sorted(set(starts))


def _months_of(leaf: Leaf, content: Content) -> list[dt.date]:
    """The months in which a term is looked up."""
    if leaf.kind == "base term":
        return months_of(content.result.attrs["base_fiscal_year"])
    if leaf.kind in HISTORY or leaf.name.endswith(PRIOR):
        return [months_after(content.months[0], -1)]
    if leaf.kind == "year term":
        first = {year: month for month, year in reversed(_with_year(content))}
        return [first[number] for number in range(len(content.years))]
    return content.months


def _with_year(content: Content) -> list[tuple[dt.date, int]]:
    return list(zip(content.months, content.year_of_month, strict=True))


def _values(
    leaf: Leaf,
    dated: Mapping[str, Sequence[DatedValue]],
    own: Mapping[str, Sequence[DatedValue]],
    months: Sequence[dt.date],
    content: Content,
) -> np.ndarray:
    """A term's values on its dimensions: what `values_of_leaves` gives, from dated values."""
    rows = np.array([_in_force(values, months) for values in dated.values()])
    if "practice" in leaf.dims:
        codes = content.result["practice"].values.astype(str).tolist()
        rows = np.repeat(rows[:, np.newaxis, :], len(codes), axis=1)
        for code, values in own.items():
            for number, month in enumerate(months):
                if values[0].start <= month:
                    rows[:, codes.index(code), number] = _in_force(values, [month])[0]
    if leaf.kind in HISTORY:
        # Added up one by one, as a spreadsheet's AVERAGE does.
        rows = np.array([sum(row.tolist()) / len(row) for row in rows])
    return rows if "scenario" in leaf.dims else rows[0]


def _in_force(values: Sequence[DatedValue], months: Iterable[dt.date]) -> list[float]:
    return [[v.value for v in values if v.start <= month][-1] for month in months]
