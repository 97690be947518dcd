"""Sheets of blocks: for each scenario, all commissioners and each of them, rows by fiscal year."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from capitation.engine.graph import area_of, time_of
from capitation.workbook.block_lines import (
    AS_EVERY_YEAR,
    BLANK,
    Apart,
    Heading,
    Here,
    Line,
    Shown,
    Worked,
)
from capitation.workbook.charts import ROWS
from capitation.workbook.checks import Check
from capitation.workbook.content import Content
from capitation.workbook.page import Page, at, quoted
from capitation.workbook.summary import Summary

LABEL, FIGURE, FIRST_YEAR = 1, 2, 3
ALL = "All commissioners"


@dataclass(frozen=True)
class Block:
    """The rows of one commissioner, or of all, in one scenario.

    Attributes
    ----------
    who : str
    place : int
        Of the commissioner; below nothing for all.
    heading : int
        Row with the calendar years in which fiscal years begin.
    rows : dict of str to int
        Row of each key.
    values : dict of str to numpy.ndarray
        By key, on year.
    of_all_years : dict of str to float or str
        By key, what the last column holds.
    """

    who: str
    place: int
    heading: int
    rows: dict[str, int]
    values: dict[str, np.ndarray]
    of_all_years: dict[str, Any]


@dataclass(frozen=True)
class About:
    """What a sheet says of itself.

    Attributes
    ----------
    title, heading : str
        The sheet's name, and its first line.
    said : tuple of str
        Paragraphs under it.
    above : int
        Rows that are left free under them.
    charts : int
        How many charts stand above the blocks.
    widest : float
        Width of the column of words.
    """

    title: str
    heading: str
    said: tuple[str, ...]
    above: int = 0
    charts: int = 1
    widest: float = 42


class BlockSheet:
    """Writes the sheet, and adds its checks to those of the summary.

    Parameters
    ----------
    summary : Summary
    about : About
    lines : sequence of Line
        Those whose variables the result does not hold are left out.

    Attributes
    ----------
    of_all : dict of str to Block
        By scenario, where the figures of all commissioners stand.
    blocks : dict of str to list of Block
        By scenario, those of each commissioner, after that of all where there are several.
    """

    def __init__(self, summary: Summary, about: About, lines: Sequence[Line]):
        self.summary, self.about = summary, about
        self.layout = summary.layout
        self.content: Content = summary.content
        self.years = summary.years
        self.lines = self.shown(lines)
        self.of_all: dict[str, Block] = {}
        self.blocks: dict[str, list[Block]] = {}
        months = np.array(self.content.year_of_month)
        self.months_of_year = [np.flatnonzero(months == year) for year in range(self.years)]

    @property
    def charts_at(self) -> int:
        """Row of the first chart."""
        return len(self.about.said) + 3 + self.about.above

    @property
    def last(self) -> int:
        """Column of all years."""
        return FIRST_YEAR + self.years

    def shown(self, lines: Sequence[Line]) -> list[Line]:
        """The rows whose variables the result holds."""
        graph = self.content.graph
        return [line for line in lines if all(name in graph for name in line.needs)]

    def stands(self, name: str, area: str, time: str = "month") -> bool:
        """Whether a rule or a total is there, of a practice or a commissioner, by month or year."""
        graph = self.content.graph
        return name in graph.nodes and {*graph[name].dims} - {"scenario"} == {area, time}

    # ---------------------------------------------------------------- in the calculation

    def time_of(self, name: str) -> str:
        """Whether a variable is of months or of years."""
        return time_of(self.content.graph[name].dims)

    def row_of(self, name: str, scenario: str, place: int) -> int:
        """The row of a commissioner: its own, the sum of its practices, or one for all."""
        of = self.layout.place(name, self.summary.scenario_of(name, scenario))
        if of.area == "practice":
            return of.totals[place]
        return of.row + place if of.area else of.row

    def along(self, name: str, scenario: str, place: int) -> tuple[str, str]:
        """The months of a commissioner's row, and the years in which they lie."""
        variant = self.summary.scenario_of(name, scenario)
        row = self.row_of(name, scenario, place)
        years = self.layout.heading_along(name, variant)
        return self.layout.along(name, variant, row), years

    def of_commissioners(self, name: str, scenario: str) -> np.ndarray:
        """A variable's values on commissioner and time; practices' are added up."""
        values = np.atleast_2d(
            self.content.values(name, self.summary.scenario_of(name, scenario))
        ).astype(float)
        of = area_of(self.content.graph[name].dims)
        if of == "practice":
            members = self.content.members
            return np.stack([values[of.start : of.stop].sum(axis=0) for of in members])
        return values if of else np.repeat(values, len(self.content.commissioners), axis=0)

    # ------------------------------------------------------------------ writing

    def write(self) -> tuple[Page, int]:
        """Write a block for each scenario and commissioner, below room for the charts.

        Returns
        -------
        tuple of Page and int
            The sheet, and its first free row.
        """
        about = self.about
        page = self.summary.book.page(about.title)
        page.text(1, 1, about.heading, bold=True)
        page.widths(22, about.widest, *[17] * (self.years + 1))
        for row, said in enumerate(about.said, start=2):
            page.paragraph(row, said, self.last)
        row = self.charts_at + about.charts * (ROWS + 1)
        starts = [self.charts_at - 1 + n * (ROWS + 1) for n in range(1, about.charts + 1)]
        for scenario in self.content.scenarios:
            row = self.write_scenario(page, scenario, row)
        page.print_in_blocks(self.last, [*starts, row])
        return page, row

    def write_scenario(self, page: Page, scenario: str, row: int) -> int:
        """Write the blocks of a scenario; give the row after."""
        content = self.content
        page.text(row, 1, f"{scenario}: {content.scenario_titles[scenario]}", bold=True)
        heading = row + 2
        page.headings(row + 1, 1, ["Commissioner", "Figure"])
        page.headings(heading, 1, ["Fiscal year begins in", ""])
        page.headings(row + 1, FIRST_YEAR, content.year_headings, over_numbers=True)
        for number, begins in enumerate(content.year_begins):
            page.number(heading, FIRST_YEAR + number, begins, "whole", "heading")
        page.headings(row + 1, self.last, ["All years £"], over_numbers=True)
        page.headings(heading, self.last, [""])
        shown = (line for line in self.lines if isinstance(line, Shown))
        figures = {line.key: line.values(self, scenario) for line in shown}
        codes = content.commissioners
        together = len(codes) > 1
        first = row = heading + 1
        below = first + (len(self.lines) + 1) * together
        rows = (below, below + (len(self.lines) + 1) * len(codes) - 2)
        blocks = self.blocks[scenario] = []
        for number, who in enumerate([ALL, *codes] if together else codes):
            place = number - together
            numbers = {line.key: row + n for n, line in enumerate(self.lines)}
            blocks.append(Block(who, place, heading, numbers, {}, {}))
            row += len(self.lines) + 1
        # All of them stand on each, so that they come last.
        for block in sorted(blocks, key=lambda block: block.place < 0):
            self.write_block(page, scenario, block, rows, figures)
        self.of_all[scenario] = blocks[0]
        self.check(scenario, rows, blocks[together:])
        return row + 1

    def write_block(
        self,
        page: Page,
        scenario: str,
        block: Block,
        below: tuple[int, int],
        figures: dict[str, np.ndarray],
    ) -> None:
        """Write the rows of one commissioner, or of all where there is no place."""
        lines = [line for line in self.lines if line.adds_up or block.place >= 0]
        ends: dict[str, str] = {}
        # What others are worked out from comes first, wherever it stands.
        for line in sorted(lines, key=lambda line: isinstance(line, Worked)):
            if not isinstance(line, Heading):
                block.values[line.key] = self.values_of(line, scenario, block, figures)
                ends[line.key] = self.whole_run(line, block, below)
        for line in self.lines:
            row, bold = block.rows[line.key], line.bold
            page.text(row, LABEL, block.who, bold=bold)
            page.text(row, FIGURE, line.words, bold=bold)
            if line.key not in block.values:
                continue
            values = block.values[line.key]
            first, until = (line.since, line.until) if isinstance(line, Worked) else (0, self.years)
            for number in range(first, min(until, self.years)):
                formula = f"={self.formula(line, scenario, block, number, below)}"
                value = _plain(values[number])
                page.formula(row, FIRST_YEAR + number, formula, value, line.form, bold=bold)
            if ends[line.key]:
                value = _plain(block.of_all_years[line.key])
                page.formula(row, self.last, ends[line.key], value, line.form, bold=bold)

    def values_of(
        self, line: Line, scenario: str, block: Block, figures: dict[str, np.ndarray]
    ) -> np.ndarray:
        """Figures of a row, by year."""
        if isinstance(line, Worked) and not (line.each and block.place < 0):
            values = np.asarray(line.working.value(block.values))
            return np.broadcast_to(values, (self.years,))
        if block.place >= 0:
            return figures[line.key][block.place]
        return line.values_of_all([b.values for b in self.blocks[scenario] if b.place >= 0])

    def formula(
        self, line: Line, scenario: str, block: Block, year: int, below: tuple[int, int]
    ) -> str:
        """Formula of a row and a year."""
        column = FIRST_YEAR + year
        here = Here(block.rows, block.heading, column, below, block.place < 0)
        if isinstance(line, Worked) and not (line.each and block.place < 0):
            return line.working.text(here)
        if block.place < 0:
            named = at(block.rows[line.key], FIGURE, fix_column=True)
            return line.of_all(here, named, _range(FIGURE, below))
        assert isinstance(line, Shown)
        begins = at(block.heading, column, fix_row=True)
        return line.formula(self, scenario, block.place, year, begins)

    def whole_run(self, line: Line, block: Block, below: tuple[int, int]) -> str:
        """Formula of the last column, empty where nothing stands there; its value is kept."""
        if line.all_years == BLANK:
            return ""
        row = block.rows[line.key]
        if line.all_years == AS_EVERY_YEAR:
            assert isinstance(line, Worked)
            here = Here(block.rows, block.heading, self.last, below, block.place < 0)
            ends = {key: np.array([value]) for key, value in block.of_all_years.items()}
            formula, value = line.working.text(here), line.working.value(ends)
            value = np.asarray(value).ravel()[0]
        else:
            first, last = at(row, FIRST_YEAR), at(row, self.last - 1)
            formula, value = line.whole_run(first, last, block.values[line.key])
        block.of_all_years[line.key] = value
        return f"={formula}"

    def check(self, scenario: str, rows: tuple[int, int], blocks: Sequence[Block]) -> None:
        """Add a check for each kind of row that must be nothing, over a scenario's blocks."""
        title = quoted(self.about.title)
        for line in self.lines:
            if not isinstance(line, Apart):
                continue
            apart = float(sum(np.abs(block.values[line.key]).sum() for block in blocks))
            words, sums = _range(FIGURE, rows), f"{title}!{_range(self.last, rows)}"
            left = f'SUMIFS({sums},{title}!{words},"{line.words}")'
            where = f"{scenario}, each year and commissioner"
            self.summary.checks.append(Check(line.check, where, left, "0", apart, 0.0))


def _plain(value: Any) -> float | str:
    return str(value) if isinstance(value, str) else float(value)


def _range(column: int, rows: tuple[int, int]) -> str:
    first, last = (at(row, column, fix_row=True, fix_column=True) for row in rows)
    return f"{first}:{last}"
