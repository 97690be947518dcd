"""Rows of a whole-population budget that need more than one variable: people, rates and growth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from capitation.engine.calendar import MONTHS_OF_YEAR
from capitation.workbook.block_lines import (
    BLANK,
    Here,
    Shown,
    Values,
    Worked,
    Working,
    over,
)
from capitation.workbook.blocks import BlockSheet
from capitation.workbook.page import at

PLACES = 12
"""Decimals of a growth that are kept."""


@dataclass(frozen=True)
class People(Shown):
    """Mean of the months of a list, of the practices that another variable counts.

    Attributes
    ----------
    of, counted : str
        Variables of practices and months. Those are counted for whom the second is above nothing.
    """

    form: str = "list"
    all_years: int = BLANK
    of: str = ""
    counted: str = ""

    @property
    def needs(self) -> tuple[str, ...]:
        return (self.of, self.counted)

    def values(self, sheet: BlockSheet, scenario: str) -> np.ndarray:
        lists, counted = (
            np.atleast_2d(sheet.content.values(n, sheet.summary.scenario_of(n, scenario)))
            for n in self.needs
        )
        people = lists * (counted > 0)
        sums = np.stack([people[m.start : m.stop].sum(axis=0) for m in sheet.content.members])
        return np.stack([sums[:, of].mean(axis=1) for of in sheet.months_of_year], axis=1)

    def formula(self, sheet: BlockSheet, scenario: str, place: int, year: int, begins: str) -> str:
        lists, counted = (self.block(sheet, name, scenario, place) for name in self.needs)
        years = sheet.layout.heading_along(self.of, sheet.summary.scenario_of(self.of, scenario))
        people = f"SUMPRODUCT(({years}={begins})*({counted}>0)*{lists})"
        return f"{people}/COUNTIF({years},{begins})"

    def block(self, sheet: BlockSheet, name: str, scenario: str, place: int) -> str:
        """All the months of a commissioner's practices."""
        variant = sheet.summary.scenario_of(name, scenario)
        first, last = (
            sheet.layout.place(name, variant).row + e
            for e in (sheet.content.members[place][0], sheet.content.members[place][-1])
        )
        months = sheet.layout.along(name, variant, first)
        end = sheet.layout.along(name, variant, last).rpartition(":")[2]
        return f"{months.rpartition(':')[0]}:{end}"


@dataclass(frozen=True)
class Rate(Shown):
    """A rate a head and year, its mean weighted by the population of the months.

    Of all commissioners it is the mean weighted by the row of the population above it.

    Attributes
    ----------
    weight : str
        Variable of the population, by month.
    people : str
        Key of the row that has its mean.
    """

    form: str = "money"
    all_years: int = BLANK
    weight: str = ""
    people: str = ""

    @property
    def needs(self) -> tuple[str, ...]:
        return (self.key, self.weight)

    def values(self, sheet: BlockSheet, scenario: str) -> np.ndarray:
        rates, heads = (sheet.of_commissioners(name, scenario) for name in self.needs)
        years = [_weighted(rates[:, of], heads[:, of]) for of in sheet.months_of_year]
        return np.stack(years, axis=1)

    def formula(self, sheet: BlockSheet, scenario: str, place: int, year: int, begins: str) -> str:
        rates, years = sheet.along(self.key, scenario, place)
        heads, _ = sheet.along(self.weight, scenario, place)
        summed = f"SUMIFS({heads},{years},{begins})"
        weighted = f"SUMPRODUCT(({years}={begins})*{rates}*{heads})/{summed}"
        return f"IF({summed}>0,{weighted},AVERAGEIFS({rates},{years},{begins}))"

    def of_all(self, here: Here, named: str, names: str) -> str:
        """The mean of all commissioners' rates, weighted by their populations."""
        up = here.rows[self.key] - here.rows[self.people]
        rates, heads = here.under(here.column), here.under(here.column, up=up)
        weighted = f"SUMPRODUCT(({names}={named})*{rates}*{heads})/{here(self.people)}"
        return f"IF({here(self.people)}>0,{weighted},AVERAGEIFS({rates},{names},{named}))"

    def values_of_all(self, each: list[Values]) -> np.ndarray:
        """The same in figures."""
        return _weighted(
            np.stack([values[self.key] for values in each], axis=1),
            np.stack([values[self.people] for values in each], axis=1),
        )


def _weighted(rates: np.ndarray, heads: np.ndarray) -> np.ndarray:
    """Weighted means along the last axis; plain means where there is nobody."""
    summed = heads.sum(axis=1)
    return np.where(summed > 0, over((rates * heads).sum(axis=1), summed), rates.mean(axis=1))


@dataclass(frozen=True)
class Twelfths(Shown):
    """A rate a head and year, over the population of the months: their money.

    Attributes
    ----------
    rate, population : str
        Variables by month, of a commissioner.
    """

    rate: str = ""
    population: str = ""

    @property
    def needs(self) -> tuple[str, ...]:
        return (self.rate, self.population)

    def values(self, sheet: BlockSheet, scenario: str) -> np.ndarray:
        rates, heads = (sheet.of_commissioners(name, scenario) for name in self.needs)
        money = rates * heads / MONTHS_OF_YEAR
        return np.stack([money[:, of].sum(axis=1) for of in sheet.months_of_year], axis=1)

    def formula(self, sheet: BlockSheet, scenario: str, place: int, year: int, begins: str) -> str:
        rates, years = sheet.along(self.rate, scenario, place)
        heads, _ = sheet.along(self.population, scenario, place)
        return f"SUMPRODUCT(({years}={begins})*{rates}*{heads})/{MONTHS_OF_YEAR}"


@dataclass(frozen=True)
class Growth(Worked):
    """How much something is more than in the year before; the first year has none."""

    form: str = "fine share"
    all_years: int = BLANK
    since: int = 1


def growth_of(part: str, *whole: str) -> Working:
    """Growth of a row, or of a row over others."""

    def ratio(here: Here, shift: int) -> str:
        cells = [at(here.rows[key], here.column - shift) for key in (part, *whole)]
        return "/".join(cells)

    def anything(here: Here, shift: int) -> list[str]:
        return [f"{at(here.rows[key], here.column - shift)}>0" for key in (part, *whole)]

    def text(here: Here) -> str:
        conditions = ",".join([*anything(here, 0), *anything(here, 1)])
        return f"IF(AND({conditions}),ROUND(({ratio(here, 0)})/({ratio(here, 1)})-1,{PLACES}),0)"

    def value(values: Values) -> np.ndarray:
        found = values[part].astype(float)
        there = values[part] > 0
        for key in whole:
            found = over(found, values[key])
            there = there & (values[key] > 0)
        return growth(found, there)

    return Working(text, value)


def growth(found: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Growth on the year before, nothing in the first and where either year has nothing."""
    before = np.concatenate([[0.0], found[:-1]])
    both = there & np.concatenate([[False], there[:-1]])
    # Rounded, so that no growth is 0, whatever the sign of the last bits.
    return np.where(both, np.round(over(found, before) - 1, PLACES) + 0.0, 0.0)


def grown(money: str, months: str, factors: tuple[str, ...]) -> Working:
    """What the year before's money comes to, a month, by its factors of growth, less what it is."""

    def text(here: Here) -> str:
        grows = "".join(f"*(1+{here(key)})" for key in factors)
        a_month = f"{here.before(money)}/{here.before(months)}"
        foreseen = f"{a_month}{grows}*{here(months)}-{here(money)}"
        return f"IF(AND({here.before(money)}>0,{here(money)}>0),ROUND({foreseen},2),0)"

    def value(values: Values) -> Any:
        now, count = values[money], values[months]
        before = np.concatenate([[0.0], now[:-1]])
        month = np.concatenate([[0.0], over(now, count)[:-1]])
        factor = np.prod([1 + values[key] for key in factors], axis=0)
        both = (before > 0) & (now > 0)
        return np.where(both, np.round(month * factor * count - now, 2) + 0.0, 0.0)

    return Working(text, value)


@dataclass(frozen=True)
class Months(Shown):
    """How many months of the year are in the run."""

    form: str = "whole"

    @property
    def needs(self) -> tuple[str, ...]:
        return (self.key,)

    def values(self, sheet: BlockSheet, scenario: str) -> np.ndarray:
        counts = np.array([float(len(of)) for of in sheet.months_of_year])
        return np.repeat(counts[None, :], len(sheet.content.commissioners), axis=0)

    def formula(self, sheet: BlockSheet, scenario: str, place: int, year: int, begins: str) -> str:
        _, years = sheet.along(self.key, scenario, place)
        return f"COUNTIF({years},{begins})"

    def of_all(self, here: Here, named: str, names: str) -> str:
        """The same for all commissioners."""
        return f"AVERAGEIFS({here.under(here.column)},{names},{named})"

    def values_of_all(self, each: list[Values]) -> np.ndarray:
        """The same in figures."""
        return each[0][self.key]
