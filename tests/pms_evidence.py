"""Measures of PMS premium in the published payments files, for test_pms_evidence.py.

A practice's premium is never published by year: it is read off as core income (global sum,
correction factor, PMS) per weighted patient, above a yardstick of what GMS practices are paid.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

import capitation as cap
from capitation.engine.calendar import months_after, months_of
from capitation.national import national_terms

YEARS = ("2014/15", "2015/16", "2016/17", "2018/19")
FIRST, SECOND, THIRD, LAST = YEARS
THAMES_VALLEY = ("10G", "10H", "10M", "10N", "10Q", "10T", "10W", "10Y", "11C", "11D")
YARDSTICKS = ("all GMS", "pure GMS", "net price")
LEICESTERSHIRE, LINCOLNSHIRE = ("03W", "04C", "04V"), ("03T", "04D", "04Q", "99D")
FIGURES = (
    "registered_list",
    "weighted_list",
    "london_practice",
    "global_sum",
    "correction_factor",
    "pms_expenditure",
    "other_payments",
    "local_schemes",
    "seniority",
    "total_payments",
)

SCHEDULES = {
    "two years": (1 / 2,),
    "four equal years": (3 / 4, 1 / 2, 1 / 4),
    "five equal years": (4 / 5, 3 / 5, 2 / 5, 1 / 5),
    "sevenths": (6 / 7, 5 / 7, 4 / 7, 3 / 7, 2 / 7, 1 / 7),
}
STARTS = tuple(dt.date(*start, 1) for start in ((2014, 4), (2015, 4), (2016, 4)))
STARTS += tuple(dt.date(*start, 1) for start in ((2016, 7), (2016, 10), (2017, 4)))

# What a switcher's correction factor of 2016/17 would be of its premium in 2014/15.
ENTRIES = {
    "on the sevenths from April 2014, of the premium of 2014/15": 4 / 7,
    "the same, with one seventh already gone in 2014/15": 4 / 6,
    "the whole premium at the switch, a fifth less each year": 4 / 5,
    "nothing taken by 2016/17": 1.0,
}


@dataclass(frozen=True)
class Files:
    """The four payments files, by fiscal year: as read, and as tables by practice."""

    datasets: dict[str, xr.Dataset]

    @classmethod
    def read(cls, folder: Path) -> Files:
        names = {year: f"gp_payments_{year.replace('/', '_')}.csv" for year in YEARS}
        return cls({year: cap.read_payments(folder / name) for year, name in names.items()})

    @cached_property
    def tables(self) -> dict[str, pd.DataFrame]:
        return {year: _table(year, dataset) for year, dataset in self.datasets.items()}

    @cached_property
    def panel(self) -> Panel:
        return Panel(self.tables)

    def switchers(self) -> pd.DataFrame:
        """PMS without a correction factor in 2014/15, GMS with more than £1,000 in 2016/17."""
        first, third = self.tables[FIRST], self.tables[THIRD]
        was_pms = (first["contract"] == "PMS") & (first["correction_factor"] <= 0)
        is_gms = (third["contract"] == "GMS") & (third["correction_factor"] > 1000)
        codes = first.index[was_pms].intersection(third.index[is_gms])
        paid = {y: t["correction_factor"].reindex(codes) for y, t in self.tables.items()}
        return pd.DataFrame(paid).assign(ccg=first["ccg"].reindex(codes))

    def on_the_timetable(self) -> pd.DataFrame:
        """Switchers whose correction factor halves from 2016/17 to 2018/19, as sevenths do."""
        found = self.switchers()
        return found[(found[LAST] / found[THIRD] - 1 / 2).abs() <= 0.0001]

    def premium_of_switchers(self) -> pd.DataFrame:
        """Their premium in 2014/15, with what the file books in other payments.

        Other payments hold the contract and other things besides. These are taken to be what is
        still in other payments in 2015/16, when the practice is GMS; `clear` marks those with
        little of it. Seniority that is paid apart only from 2015/16 was in the contract before.
        """
        found = self.on_the_timetable()
        first, second = (self.tables[y].loc[found.index] for y in (FIRST, SECOND))
        contract = first["core"] + first["other_payments"] - second["other_payments"]
        premium = contract - first["gms_equivalent"]
        seniority = second["seniority"] - first["seniority"]
        still_in_other = second["other_payments"] / second["weighted_list"]
        per_patient = premium / first["weighted_list"]
        return found.assign(
            county=np.select(
                [found["ccg"].isin(LEICESTERSHIRE), found["ccg"].isin(LINCOLNSHIRE)],
                ["Leicestershire", "Lincolnshire"],
                "elsewhere",
            ),
            weighted_list=first["weighted_list"],
            premium=premium,
            premium_without_seniority=premium - seniority,
            share=found[THIRD] / premium,
            share_without_seniority=found[THIRD] / (premium - seniority),
            clear=(still_in_other < 1.5) & (per_patient > 2),
        )


class Panel:
    """Practices with a weighted list over 1,000 in all four files, practice by year."""

    def __init__(self, tables: dict[str, pd.DataFrame]) -> None:
        self.tables = tables
        large = [table.index[table["weighted_list"] > 1000] for table in tables.values()]
        codes = large[0]
        for others in large[1:]:
            codes = codes.intersection(others)
        self.codes = codes
        self.weighted_list = self.column("weighted_list")
        self.contract = self.column("contract")
        self.ccg = tables[FIRST]["ccg"].reindex(codes)

    def column(self, name: str) -> pd.DataFrame:
        return pd.DataFrame({y: t[name].reindex(self.codes) for y, t in self.tables.items()})

    def per_weighted_patient(self, name: str) -> pd.DataFrame:
        return self.column(name) / self.weighted_list

    def premium(self, yardstick: str = "all GMS") -> pd.DataFrame:
        """Core income per weighted patient above the yardstick, £ a year."""
        core = self.per_weighted_patient("core")
        if yardstick == "net price":
            return core - self.per_weighted_patient("gms_equivalent")
        return core - gms_averages(self.tables)[yardstick]

    def with_premium(self) -> pd.Series:
        """Check C13: PMS in 2014/15 and more than £5 above the GMS average."""
        return (self.contract[FIRST] == "PMS") & (self.premium()[FIRST] > 5)

    def paths(self) -> dict[str, pd.Series]:
        """Check C13, by what became of the contract."""
        contract, had = self.contract, self.with_premium()
        return {
            "stayed PMS": had & (contract == "PMS").all(axis=1),
            "GMS from 2016/17": had & (contract[SECOND] == "PMS") & (contract[THIRD] == "GMS"),
            "GMS from 2015/16": had & (contract[SECOND] == "GMS"),
        }

    def always_gms(self) -> pd.Series:
        """GMS in all four years, with no PMS money in any of them."""
        no_pms = (self.column("pms_expenditure") <= 0).all(axis=1)
        return (self.contract == "GMS").all(axis=1) & no_pms

    def mean(self, per_patient: pd.DataFrame, which: pd.Series) -> pd.Series:
        """Weighted by the lists."""
        money = (per_patient * self.weighted_list)[which].sum()
        return money / self.weighted_list[which].sum()

    def above_gms(self, name: str, which: pd.Series) -> pd.Series:
        """How far practices stand above those that were always GMS, per weighted patient."""
        paid = self.per_weighted_patient(name)
        return self.mean(paid, which) - self.mean(paid, self.always_gms())


def _table(year: str, dataset: xr.Dataset) -> pd.DataFrame:
    table = pd.DataFrame({name: dataset[name].values for name in FIGURES})
    table.index = pd.Index(dataset["practice"].values, name="practice")
    table["contract"] = dataset["contract_type"].values
    table["ccg"] = dataset["commissioner"].values
    table["core"] = table["global_sum"] + table["correction_factor"] + table["pms_expenditure"]
    table["core and other"] = table["core"] + table["other_payments"]
    london = mean_of_year("london_adjustment", year) * table["london_practice"]
    at_net_price = table["weighted_list"] * net_price(year)
    table["gms_equivalent"] = at_net_price + table["registered_list"] * london
    return table


def mean_of_year(term: str, year: str) -> float:
    return float(np.mean([national_terms()[0][term].at(month) for month in months_of(year)]))


def net_price(year: str) -> float:
    """Global sum price after the out-of-hours deduction, as the library's terms have it."""
    deduction = mean_of_year("out_of_hours_deduction", year)
    return mean_of_year("global_sum_price", year) * (1 - deduction)


def recycled() -> pd.Series:
    """What recycled correction factors have added to the GMS price since 2014/15."""
    price = pd.Series({year: mean_of_year("correction_factor_recycled", year) for year in YEARS})
    return price - price[FIRST]


def gms(table: pd.DataFrame) -> pd.DataFrame:
    large = (table["weighted_list"] > 1000) & (table["global_sum"] > 0)
    return table[(table["contract"] == "GMS") & large]


def mean_global_sum(practices: pd.DataFrame) -> float:
    return float(practices["global_sum"].sum() / practices["weighted_list"].sum())


def gms_averages(tables: dict[str, pd.DataFrame]) -> dict[str, pd.Series]:
    """What GMS practices are paid per weighted patient: all of them (check C13), or the pure ones.

    A practice that switches in the year has part of its money under PMS in the same row, and
    pulls the mean of all GMS practices down.
    """
    paid = {year: gms(table) for year, table in tables.items()}
    pure = {year: found[found["pms_expenditure"] <= 0] for year, found in paid.items()}
    return {
        "all GMS": pd.Series({year: mean_global_sum(found) for year, found in paid.items()}),
        "pure GMS": pd.Series({year: mean_global_sum(found) for year, found in pure.items()}),
    }


def shares_of_first_year(premium: pd.DataFrame) -> pd.DataFrame:
    had = premium[premium[FIRST] > 0.5]
    return had.div(had[FIRST], axis=0)


def shares_after_recycling(premium: pd.DataFrame) -> pd.DataFrame:
    """Share kept of the premium that would be measured had nothing been withdrawn."""
    had = premium[premium[FIRST] > 0.5]
    unwithdrawn = np.maximum(had[[FIRST]].values - recycled().values, 0.5)
    return had / unwithdrawn


def first_fall(shares: pd.DataFrame) -> pd.Series:
    """The first file in which less than 85% is kept."""
    low = shares[list(YEARS[1:])] < 0.85
    return low.idxmax(axis=1).where(low.any(axis=1), "not by 2018/19")


def yearly_share(steps: tuple[float, ...], start: dt.date, year: str) -> float:
    """Mean over the year's months, so that a start in July gives three months at the old share."""
    dates = [months_after(start, 12 * k) for k in range(len(steps) + 1)]
    shares = (1.0, *steps, 0.0)
    return float(np.mean([shares[sum(d <= month for d in dates)] for month in months_of(year)]))


def timetables() -> dict[str, np.ndarray]:
    """Shares of 2014/15 kept in the three later files; names of equal ones joined."""
    found: dict[tuple[float, ...], str] = {(1.0, 1.0, 1.0): "nothing by March 2019"}
    for name, steps in SCHEDULES.items():
        for start in STARTS:
            yearly = np.array([yearly_share(steps, start, year) for year in YEARS])
            key = tuple(np.round(yearly[1:] / yearly[0], 12).tolist())
            label = f"{name}, {start:%b %Y}"
            found[key] = f"{found[key]} = {label}" if key in found else label
    return {name: np.array(key) for key, name in found.items()}


def fits(shares: pd.DataFrame, ccg: pd.Series) -> pd.DataFrame:
    """How each timetable fits: the medians, and how many practices and CCGs it fits best.

    `squares` and `misses` are of the three medians; a practice or CCG (of five practices or more)
    goes to the timetable with the smallest sum of absolute misses.
    """
    later = shares[list(YEARS[1:])]
    by_ccg = later.groupby(ccg.reindex(later.index))
    medians = by_ccg.median()[by_ccg.size() >= 5]
    known = timetables()
    steps = np.stack(list(known.values()))
    missed = later.median().values - steps
    found = pd.DataFrame(steps, index=list(known), columns=list(YEARS[1:]))
    return found.assign(
        squares=(missed**2).sum(axis=1),
        misses=np.abs(missed).sum(axis=1),
        practices=_best(later, steps),
        ccgs=_best(medians, steps),
    )


def _best(shares: pd.DataFrame, steps: np.ndarray) -> np.ndarray:
    misses = np.abs(shares.values[:, None, :] - steps[None]).sum(axis=2)
    return np.bincount(misses.argmin(axis=1), minlength=len(steps))


def agreeing(switchers: pd.DataFrame, entry: str) -> int:
    """How many had, within £1.50 a weighted patient, the premium that the entry implies."""
    implied = switchers[THIRD] / ENTRIES[entry]
    away = (switchers["premium"] - implied) / switchers["weighted_list"]
    return int((away.abs() < 1.5).sum())


def share_carried(switchers: pd.DataFrame, premium: pd.Series) -> float:
    """Slope of the correction factor on the premium, both per weighted patient."""
    had = premium / switchers["weighted_list"]
    carried = switchers[THIRD] / switchers["weighted_list"]
    return float((had * carried).sum() / (had**2).sum())


def named_place(tables: dict[str, pd.DataFrame], ccg: str) -> dict[str, tuple[float, int, int]]:
    """Check C17: core per weighted patient, practices and PMS practices, by year."""
    found = {}
    for year, table in tables.items():
        here = table[table["ccg"] == ccg]
        if len(here):
            core = here["core"].sum() / here["weighted_list"].sum()
            pms = int((here["contract"] == "PMS").sum())
            found[year] = (round(float(core), 2), len(here), pms)
    return found


def at_stake(table: pd.DataFrame, ccg: str) -> tuple[int, float, float, float]:
    """PMS practices of a CCG, and their premium over the GMS equivalent.

    Returns how many, the total [GBP/year], per practice, and per weighted patient of theirs.
    """
    here = table[(table["ccg"] == ccg) & (table["contract"] == "PMS")]
    if here.empty:
        return 0, 0.0, 0.0, 0.0
    over = here["core"] - here["gms_equivalent"]
    total = float(over.clip(lower=0).sum())
    return len(here), total, total / len(here), total / float(here["weighted_list"].sum())
