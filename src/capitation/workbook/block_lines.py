"""Rows of a block by fiscal year: what of the calculation they show, or work out from other rows.

A row says twice what it comes to: as a formula, and as the value that is saved beside it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from capitation.workbook.layout import FIRST, OPENING
from capitation.workbook.page import at, quoted

if TYPE_CHECKING:
    from capitation.workbook.blocks import BlockSheet

SUMMED, AS_EVERY_YEAR, BLANK, APART, AS_FIRST, AS_LAST = range(6)
"""What stands in the column of all years: a sum, what a year's formula says of it, nothing, the
differences whatever their sign, the first year's, the last year's."""

Values = Mapping[str, np.ndarray]
"""Figures of the rows of a block, by key, on year."""


@dataclass(frozen=True)
class Here:
    """The here of a block that a row's formula may name, in one column.

    Attributes
    ----------
    rows : dict of str to int
    heading : int
        Row of the years' numbers.
    column : int
    below : tuple of int
        First and last row of the blocks of the commissioners.
    of_all : bool
        Whether the block adds up all commissioners.
    """

    rows: Mapping[str, int]
    heading: int
    column: int
    below: tuple[int, int]
    of_all: bool

    def __call__(self, key: str) -> str:
        """Cell of a row."""
        return at(self.rows[key], self.column)

    def before(self, key: str) -> str:
        """Cell of a row, of the year before."""
        return at(self.rows[key], self.column - 1)

    def under(self, column: int, *, up: int = 0) -> str:
        """A column's here in the blocks of the commissioners, or so many rows above them."""
        first, last = (at(row - up, column, fix_row=True) for row in self.below)
        return f"{first}:{last}"


@dataclass(frozen=True)
class Line:
    """A row of a block.

    Attributes
    ----------
    key, words : str
    form : str
        How the figures look.
    bold : bool
    all_years : int
        What stands in the last column.
    """

    key: str
    words: str
    form: str = "money"
    bold: bool = False
    all_years: int = SUMMED

    adds_up: ClassVar[bool] = True
    """Whether the figures of all commissioners are their sum."""

    @property
    def variable(self) -> str:
        """The variable that the row shows."""
        return self.key

    @property
    def needs(self) -> tuple[str, ...]:
        """Variables without which the row is left out."""
        return (self.variable,)

    def of_all(self, here: Here, named: str, names: str) -> str:
        """The figure of all commissioners, whose blocks stand below, told by their words."""
        return f"SUMIFS({here.under(here.column)},{names},{named})"

    def values_of_all(self, each: list[Values]) -> np.ndarray:
        """The same in figures, from those of each commissioner."""
        return np.sum([values[self.key] for values in each], axis=0)

    def whole_run(self, first: str, last: str, values: np.ndarray) -> tuple[str, Any]:
        """What stands in the column of all years, from the cells of the years and their values."""
        if self.all_years == AS_FIRST:
            return first, values[0]
        if self.all_years == AS_LAST:
            return last, values[-1]
        if self.all_years == APART:
            apart = f'SUMIF({first}:{last},">0")-SUMIF({first}:{last},"<0")'
            return apart, np.abs(values).sum()
        return f"SUM({first}:{last})", values.sum()


@dataclass(frozen=True)
class Heading(Line):
    """Words over the rows that follow.

    Attributes
    ----------
    over : str
        Variable without which there is nothing to say them of.
    """

    bold: bool = True
    over: str = ""

    @property
    def needs(self) -> tuple[str, ...]:
        return (self.over,) if self.over else ()


@dataclass(frozen=True)
class Shown(Line, ABC):
    """A row whose figures stand on a sheet of the calculation."""

    @abstractmethod
    def values(self, sheet: BlockSheet, scenario: str) -> np.ndarray:
        """Figures on commissioner and year."""

    @abstractmethod
    def formula(self, sheet: BlockSheet, scenario: str, place: int, year: int, begins: str) -> str:
        """A commissioner's figure of a year, whose number stands in a cell."""


@dataclass(frozen=True)
class Flow(Shown):
    """A sum of the months of a year, or a figure of the year itself."""

    def values(self, sheet: BlockSheet, scenario: str) -> np.ndarray:
        found = sheet.of_commissioners(self.variable, scenario)
        if sheet.time_of(self.variable) == "year":
            return found
        return np.stack([found[:, of].sum(axis=1) for of in sheet.months_of_year], axis=1)

    def formula(self, sheet: BlockSheet, scenario: str, place: int, year: int, begins: str) -> str:
        row = sheet.row_of(self.variable, scenario, place)
        if sheet.time_of(self.variable) == "year":
            variant = sheet.summary.scenario_of(self.variable, scenario)
            title = quoted(sheet.layout.place(self.variable, variant).sheet)
            return f"{title}!{at(row, FIRST + year)}"
        return sheet.summary.year_of(self.variable, scenario, row, begins)


@dataclass(frozen=True)
class Level(Flow):
    """A figure of the year that is no sum over commissioners, such as a share."""

    all_years: int = BLANK
    adds_up: ClassVar[bool] = False


@dataclass(frozen=True)
class Mean(Shown):
    """A mean of the months of a year."""

    form: str = "list"
    all_years: int = BLANK

    def values(self, sheet: BlockSheet, scenario: str) -> np.ndarray:
        found = sheet.of_commissioners(self.variable, scenario)
        return np.stack([found[:, of].mean(axis=1) for of in sheet.months_of_year], axis=1)

    def formula(self, sheet: BlockSheet, scenario: str, place: int, year: int, begins: str) -> str:
        months, years = sheet.along(self.variable, scenario, place)
        return f"AVERAGEIFS({months},{years},{begins})"


@dataclass(frozen=True)
class Balance(Shown):
    """What stands at the end of a year's last month, or of the month before its first.

    Attributes
    ----------
    of : str
        The variable.
    """

    of: str = ""

    @property
    def variable(self) -> str:
        return self.of

    def values(self, sheet: BlockSheet, scenario: str) -> np.ndarray:
        months = sheet.of_commissioners(self.of, scenario)
        ends = months[:, [of[-1] for of in sheet.months_of_year]]
        if self.all_years == AS_LAST:
            return ends
        first = sheet.content.graph.first_of(self.of)
        before = sheet.content.values(first, sheet.summary.scenario_of(first, scenario))
        return np.column_stack([before, ends[:, :-1]])

    def formula(self, sheet: BlockSheet, scenario: str, place: int, year: int, begins: str) -> str:
        months, years = sheet.along(self.of, scenario, place)
        if self.all_years == AS_LAST:
            return f"INDEX({months},MATCH({begins},{years},1))"
        title, _, here = months.rpartition("!")
        row = sheet.row_of(self.of, scenario, place)
        opening = at(row, OPENING, fix_row=True, fix_column=True)
        before = f"{title}!{opening}:{here.rpartition(':')[2]}"
        return f"INDEX({before},MATCH({begins},{years},0))"


# ---------------------------------------------------------------------- worked out from other rows


@dataclass(frozen=True)
class Working:
    """How a row is worked out from others: as a formula, and in figures.

    Attributes
    ----------
    text : callable
        The formula, from the here of a column.
    value : callable
        Its values by year, from those of the other rows.
    """

    text: Callable[[Here], str]
    value: Callable[[Values], Any]


@dataclass(frozen=True)
class Worked(Line):
    """A row worked out from others.

    Attributes
    ----------
    working : Working
    rests_on : tuple of str
        Variables without which the row is left out.
    since, until : int
        First year, counted from 0, that has a figure, and how many years have.
    each : bool
        Whether it is worked out for each commissioner, and added up for all.
    """

    all_years: int = AS_EVERY_YEAR
    working: Working = Working(lambda here: "0", lambda values: 0.0)
    rests_on: tuple[str, ...] = ()
    since: int = 0
    until: int = 10_000
    each: bool = False

    @property
    def needs(self) -> tuple[str, ...]:
        return self.rests_on


@dataclass(frozen=True)
class Apart(Worked):
    """A difference that must be 0: a check.

    Attributes
    ----------
    check : str
        Name of the check.
    """

    all_years: int = APART
    check: str = ""


def sum_of(*added: str, less: tuple[str, ...] = ()) -> Working:
    """Rows added up, less others; rows that are not there are nothing."""

    def text(here: Here) -> str:
        plus = "+".join(here(key) for key in added if key in here.rows) or "0"
        return plus + "".join(f"-{here(key)}" for key in less if key in here.rows)

    def value(values: Values) -> Any:
        return _sum(values, added) - _sum(values, less)

    return Working(text, value)


def nothing_left(working: Working) -> Working:
    """The same in whole pence: what is nothing is 0, whatever the sign of the last bits."""
    return Working(
        lambda here: f"ROUND({working.text(here)},2)",
        lambda values: np.round(working.value(values), 2) + 0.0,
    )


def share_of(parts: tuple[str, ...], whole: str) -> Working:
    """Rows over another; nothing where that is nothing."""

    def text(here: Here) -> str:
        return f"IF({here(whole)}>0,({sum_of(*parts).text(here)})/{here(whole)},0)"

    return Working(text, lambda values: over(_sum(values, parts), values[whole]))


def over(part: Any, whole: Any) -> np.ndarray:
    """One figure over another; nothing where that is nothing."""
    part, whole = np.broadcast_arrays(np.asarray(part, float), np.asarray(whole, float))
    return np.divide(part, whole, out=np.zeros(whole.shape), where=whole > 0)


def _sum(values: Values, keys: tuple[str, ...]) -> Any:
    return sum((values[key] for key in keys if key in values), 0.0)
