"""PMS premium by year: what is paid of it and withdrawn, and the pool that it goes through."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from capitation.workbook.charts import ROWS
from capitation.workbook.checks import Check
from capitation.workbook.content import Content
from capitation.workbook.layout import OPENING
from capitation.workbook.page import Page, at, quoted
from capitation.workbook.summary import Summary

TITLE = "PMS premium"
BEFORE, WITHDRAWN = "premium_before_withdrawal", "premium_withdrawn"
ON_PMS, AS_FACTOR = "pms_premium", "premium_as_correction_factor"
RELEASED, REINVESTED, UNSPENT = "premium_released", "pool_reinvested", "pool_unspent"
POOL, SHARED = "reinvestment_pool", "premium_reinvested"
PREMIUM_APART, KEPT = "premium apart", "kept"
OPENS, CLOSES, POOL_APART, SHARED_APART = "opens", "closes", "pool apart", "shared apart"

_ABOUT = (
    "Pounds in the year. Premium is paid on PMS, or as a correction factor after a switch to GMS, "
    "or it is withdrawn. What is withdrawn goes into the commissioner's pool, from which all its "
    "practices are paid, where the contract has such a pool.",
    "Rows that end in 'must be 0' are checks. Their last column adds up the differences of the "
    "years, whatever their sign.",
)
_LABEL, _FIGURE, _FIRST_YEAR = 1, 2, 3
CHARTS_AT, CHARTS = 5, 2
"""Row of the first chart, and how many find room above the figures."""


@dataclass(frozen=True)
class Line:
    """A row of a block: a variable of the result, or what is worked out from others.

    Attributes
    ----------
    key, words : str
    form : str
        How the figures look.
    bold : bool
    """

    key: str
    words: str
    form: str = "money"
    bold: bool = False


_OF_PREMIUM = (
    Line(BEFORE, "Premium before withdrawal", bold=True),
    Line(ON_PMS, "Paid on PMS"),
    Line(AS_FACTOR, "Paid as a correction factor"),
    Line(WITHDRAWN, "Withdrawn"),
    Line(PREMIUM_APART, "Paid + withdrawn - premium: must be 0"),
    Line(KEPT, "Share of the premium paid", "share"),
)
_OF_POOL = (
    Line(OPENS, "Pool at the beginning of the year", bold=True),
    Line(RELEASED, "Released into the pool: added"),
    Line(REINVESTED, "Reinvested: taken off"),
    Line(UNSPENT, "Unspent and lapsed: taken off"),
    Line(CLOSES, "Pool at the end of the year", bold=True),
    Line(POOL_APART, "Beginning + movements - end: must be 0"),
    Line(SHARED, "Reinvested, as practices receive it"),
    Line(SHARED_APART, "Received - reinvested: must be 0"),
)
_APART = {
    PREMIUM_APART: ((ON_PMS, AS_FACTOR, WITHDRAWN), (BEFORE,)),
    POOL_APART: ((OPENS, RELEASED), (REINVESTED, UNSPENT, CLOSES)),
    SHARED_APART: ((SHARED,), (REINVESTED,)),
}
"""What a row of differences adds, and what it takes off."""
_CHECKED = {
    PREMIUM_APART: "Premium paid + withdrawn = premium",
    POOL_APART: "Pool: beginning + movements = end",
    SHARED_APART: "Practices receive what the pool reinvests",
}


@dataclass(frozen=True)
class Block:
    """The rows of one commissioner, or of all, in one scenario.

    Attributes
    ----------
    who : str
    heading : int
        Row with the calendar years in which fiscal years begin.
    rows : dict of str to int
        Row of each key.
    values : dict of str to numpy.ndarray
        By key, on year.
    """

    who: str
    heading: int
    rows: dict[str, int]
    values: dict[str, np.ndarray]


class PremiumSheet:
    """Writes the sheet, and adds its checks to those of the summary.

    Parameters
    ----------
    summary : Summary

    Attributes
    ----------
    of_all : dict of str to Block
        By scenario, where the figures of all commissioners stand.
    """

    def __init__(self, summary: Summary):
        self.summary = summary
        self.layout = summary.layout
        self.content: Content = summary.content
        self.years = summary.years
        pool = all(self.stands(n, "commissioner_code") for n in (REINVESTED, UNSPENT, POOL))
        self.has_pool = pool and self.stands(SHARED, "practice")
        lines = [*_OF_PREMIUM, *(_OF_POOL if self.has_pool else ())]
        self.lines = [ln for ln in lines if ln.key != AS_FACTOR or AS_FACTOR in self.content.graph]
        self.of_all: dict[str, Block] = {}

    @property
    def wanted(self) -> bool:
        """Whether the contract has a premium that is withdrawn."""
        return all(self.stands(name, "practice") for name in (BEFORE, ON_PMS, WITHDRAWN))

    def stands(self, name: str, area: str) -> bool:
        """Whether a rule or a total is there by month, of a practice or a commissioner."""
        graph = self.content.graph
        return name in graph.nodes and {*graph[name].dims} - {"scenario"} == {area, "month"}

    def write(self) -> tuple[Page, int]:
        """Write a block for each scenario and commissioner, below room for the charts.

        Returns
        -------
        tuple of Page and int
            The sheet, and its first free row.
        """
        page = self.summary.book.page(TITLE)
        page.text(1, 1, "PMS premium: paid, withdrawn and reinvested, by fiscal year", bold=True)
        page.widths(22, 42, *[17] * (self.years + 1))
        for row, said in enumerate(_ABOUT, start=2):
            page.paragraph(row, said, self.last)
        row = CHARTS_AT + CHARTS * (ROWS + 1)
        starts = [CHARTS_AT - 1 + number * (ROWS + 1) for number in range(1, CHARTS + 1)]
        for scenario in self.content.scenarios:
            self.of_all[scenario], row = self.write_scenario(page, scenario, row)
        page.print_in_blocks(self.last, [*starts, row])
        return page, row

    @property
    def last(self) -> int:
        """Column of the sum of all years."""
        return _FIRST_YEAR + self.years

    def write_scenario(self, page: Page, scenario: str, row: int) -> tuple[Block, int]:
        """Write the blocks of a scenario; give that of everyone, and the row after."""
        content = self.content
        page.text(row, 1, f"{scenario}: {content.scenario_titles[scenario]}", bold=True)
        heading = row + 2
        page.headings(row + 1, 1, ["Commissioner", "Figure"])
        page.headings(heading, 1, ["Fiscal year begins in", ""])
        page.headings(row + 1, _FIRST_YEAR, content.year_headings, over_numbers=True)
        for number, begins in enumerate(content.year_begins):
            page.number(heading, _FIRST_YEAR + number, begins, "whole", "heading")
        page.headings(row + 1, self.last, ["All years £"], over_numbers=True)
        page.headings(heading, self.last, [""])
        figures = self.figures(scenario)
        codes = content.commissioners
        together = len(codes) > 1
        first = row = heading + 1
        below = first + (len(self.lines) + 1) * together
        end = below + (len(self.lines) + 1) * len(codes) - 2
        blocks = []
        for number, who in enumerate(["All commissioners", *codes] if together else codes):
            place = number - together
            values = {
                key: found.sum(axis=0) if place < 0 else found[place]
                for key, found in figures.items()
            }
            rows = {line.key: row + n for n, line in enumerate(self.lines)}
            blocks.append(Block(who, heading, rows, values))
            self.write_block(page, scenario, place, blocks[-1], (below, end))
            row += len(self.lines) + 1
        self.check(scenario, (below, end), figures)
        return blocks[0], row + 1

    def write_block(
        self, page: Page, scenario: str, place: int, block: Block, below: tuple[int, int]
    ) -> None:
        """Write the rows of one commissioner, or of all where there is no place."""
        for line in self.lines:
            row, bold = block.rows[line.key], line.bold
            page.text(row, _LABEL, block.who, bold=bold)
            page.text(row, _FIGURE, line.words, bold=bold)
            worked_out = line.key in _APART or line.key == KEPT
            values = _values(line.key, block.values)
            for number in range(self.years):
                column = _FIRST_YEAR + number
                if worked_out:
                    formula = self.worked_out(line.key, block, column)
                elif place < 0:
                    formula = _sum_below(row, column, below)
                else:
                    year = at(block.heading, column, fix_row=True)
                    formula = self.formula(line.key, scenario, place, year)
                value = float(values[number])
                page.formula(row, column, f"={formula}", value, line.form, bold=bold)
            formula, value = self.of_all_years(line.key, block, values)
            page.formula(row, self.last, f"={formula}", value, line.form, bold=bold)

    # ------------------------------------------------------------------ formulas and values

    def formula(self, key: str, scenario: str, place: int, year: str) -> str:
        """What a commissioner's figure of a year comes to, where the calculation has it."""
        if key in (OPENS, CLOSES):
            return self.pool_at(key, scenario, place, year)
        return self.summary.year_of(key, scenario, self.row_of(key, scenario, place), year)

    def row_of(self, key: str, scenario: str, place: int) -> int:
        """The row of months of a commissioner: its own, or the sum of its practices."""
        of = self.layout.place(key, self.summary.scenario_of(key, scenario))
        return of.totals[place] if of.area == "practice" else of.row + place

    def pool_at(self, key: str, scenario: str, place: int, year: str) -> str:
        """The pool in the month before a year's first, or in its last."""
        variant = self.summary.scenario_of(POOL, scenario)
        of = self.layout.place(POOL, variant)
        years = self.layout.heading_along(POOL, variant)
        months = self.layout.along(POOL, variant, of.row + place)
        if key == CLOSES:
            return f"INDEX({months},MATCH({year},{years},1))"
        opening = at(of.row + place, OPENING, fix_row=True, fix_column=True)
        before = f"{quoted(of.sheet)}!{opening}:{months.rpartition(':')[2]}"
        return f"INDEX({before},MATCH({year},{years},0))"

    def worked_out(self, key: str, block: Block, column: int) -> str:
        """A row of differences, or the share that is paid, from the rows above."""
        if key == KEPT:
            return _share(block, column)
        added, taken_off = (
            [at(block.rows[name], column) for name in names if name in block.rows]
            for names in _APART[key]
        )
        return f"ROUND({'+'.join(added)}-{'-'.join(taken_off)},2)"

    def of_all_years(self, key: str, block: Block, values: np.ndarray) -> tuple[str, float]:
        """What stands in the last column: a sum, the first or the last of a balance, or a share."""
        row = block.rows[key]
        first, last = at(row, _FIRST_YEAR), at(row, self.last - 1)
        if key == OPENS:
            return first, float(values[0])
        if key == CLOSES:
            return last, float(values[-1])
        if key == KEPT:
            sums = {name: found.sum(keepdims=True) for name, found in block.values.items()}
            return _share(block, self.last), float(_values(KEPT, sums)[0])
        if key in _APART:
            apart = f'SUMIF({first}:{last},">0")-SUMIF({first}:{last},"<0")'
            return apart, float(np.abs(values).sum())
        return f"SUM({first}:{last})", float(values.sum())

    def figures(self, scenario: str) -> dict[str, np.ndarray]:
        """Every figure that is not worked out from others, on commissioner and year."""
        wanted = [ln.key for ln in self.lines if ln.key not in (*_APART, KEPT, OPENS, CLOSES)]
        found = {key: self.by_commissioner(key, scenario) for key in wanted}
        if self.has_pool:
            variant = self.summary.scenario_of(POOL, scenario)
            months = self.content.values(POOL, variant)
            first = self.content.graph.first_of(POOL)
            before = self.content.values(first, self.summary.scenario_of(first, scenario))
            years = np.array(self.content.year_of_month)
            ends = [int(np.flatnonzero(years == year)[-1]) for year in range(self.years)]
            found[CLOSES] = months[:, ends]
            found[OPENS] = np.column_stack([before, found[CLOSES][:, :-1]])
        return found

    def by_commissioner(self, key: str, scenario: str) -> np.ndarray:
        """Yearly sums of a practice's or a commissioner's variable, on commissioner and year."""
        sums = self.summary.by_year(key, self.summary.scenario_of(key, scenario))
        if self.stands(key, "practice"):
            return np.stack([sums[of.start : of.stop].sum(axis=0) for of in self.content.members])
        return sums

    def check(self, scenario: str, rows: tuple[int, int], figures: dict[str, np.ndarray]) -> None:
        """Add a check for each kind of row that must be nothing, over a scenario's blocks."""
        for line in self.lines:
            if line.key not in _APART:
                continue
            apart = float(np.abs(_values(line.key, figures)).sum())
            words = _range(_FIGURE, rows)
            sums = f"{quoted(TITLE)}!{_range(self.last, rows)}"
            left = f'SUMIFS({sums},{quoted(TITLE)}!{words},"{line.words}")'
            where = f"{scenario}, each year and commissioner"
            self.summary.checks.append(Check(_CHECKED[line.key], where, left, "0", apart, 0.0))


def _values(key: str, values: dict[str, np.ndarray]) -> np.ndarray:
    """The values of a row, worked out from others where it is not one of them."""
    if key == KEPT:
        paid = values[ON_PMS] + values.get(AS_FACTOR, 0.0)
        before = values[BEFORE]
        return np.divide(paid, before, out=np.zeros_like(before), where=before > 0)
    if key not in _APART:
        return values[key]
    added, taken_off = _APART[key]
    left = np.sum([values[name] for name in added if name in values], axis=0)
    right = np.sum([values[name] for name in taken_off], axis=0)
    # What is nothing is 0, whatever the sign of the last bits.
    return np.round(left - right, 2) + 0.0


def _share(block: Block, column: int) -> str:
    before = at(block.rows[BEFORE], column)
    paid = "+".join(at(block.rows[n], column) for n in (ON_PMS, AS_FACTOR) if n in block.rows)
    return f"IF({before}>0,({paid})/{before},0)"


def _sum_below(row: int, column: int, below: tuple[int, int]) -> str:
    """The sum of the same figure of all commissioners, whose blocks stand below."""
    named = at(row, _FIGURE, fix_column=True)
    first, last = (at(end, column, fix_row=True) for end in below)
    return f"SUMIFS({first}:{last},{_range(_FIGURE, below)},{named})"


def _range(column: int, rows: tuple[int, int]) -> str:
    first, last = (at(row, column, fix_row=True, fix_column=True) for row in rows)
    return f"{first}:{last}"
