"""W1: practices × months × scenarios of a projection, summed by commissioner and year.

The same figures are given to every way of doing it: as arrays to the peers, as a model with terms
by scenario and as a Dataset of practices to `capitation`. The oracle is NumPy, broadcast.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import xarray as xr

import capitation as cap
from capitation.engine.terms import DatedValue, Term, format_number
from capitation.model import Model, Scenario

LINES = ("global_sum", "correction", "premium", "fixed", "performance", "budget")
"""The six lines of a month. What a run gives is these and `present_value`."""

VARIABLES = (*LINES, "present_value")
MODEL = Path(__file__).parents[1] / "models" / "w1.toml"
SERVICES = 8
MONTHS_PER_YEAR = 12
PRACTICES_PER_GROUP = 7_500 / 211
FLOPS_PER_CELL = 47
"""Of the whole arithmetic below, counted by hand."""

FLOPS_PER_CELL_PUSHED_DOWN = 20
"""Of what is left for each practice where the linear lines are pushed down to the group."""

INPUTS = ("list0", "wr", "mpig0", "prem0", "delay", "resp", *(f"base_{k}" for k in range(1, 9)))


@dataclass(frozen=True)
class Size:
    """How large a run of W1 is."""

    practices: int
    scenarios: int = 32
    months: int = 120

    @property
    def cells(self) -> int:
        return self.practices * self.scenarios * self.months


@dataclass(frozen=True)
class Figures:
    """What W1 reads.

    Attributes
    ----------
    practice : dict of str to ndarray
        By practice: `INPUTS`.
    group, start : ndarray of int64
        Group of each practice, in order; first practice of each group, and the end.
    scenario : dict of str to ndarray
        By scenario and month (``list_growth``, ``discount``, ``uplift_k``), scenario and year
        (``price``, ``guarantee``, ``ramp``), or scenario (``clawback``).
    left_of_correction : ndarray
        By year.
    """

    size: Size
    practice: dict[str, np.ndarray]
    group: np.ndarray
    start: np.ndarray
    scenario: dict[str, np.ndarray]
    left_of_correction: np.ndarray

    @property
    def groups(self) -> int:
        return len(self.start) - 1

    @property
    def years(self) -> int:
        return len(self.left_of_correction)

    @property
    def uplifts(self) -> np.ndarray:
        """By service, scenario and month."""
        return np.stack([self.scenario[f"uplift_{k}"] for k in range(1, SERVICES + 1)])

    @property
    def bases(self) -> np.ndarray:
        """Budget a head by service and practice."""
        return np.stack([self.practice[f"base_{k}"] for k in range(1, SERVICES + 1)])

    def by_month(self, name: str) -> np.ndarray:
        """A figure by scenario and month, also where it is the same for all months of a year."""
        array = self.scenario[name]
        if array.ndim == 1:
            array = np.repeat(array[:, np.newaxis], self.years, axis=1)
        if array.shape[1] == self.years:
            array = np.repeat(array, MONTHS_PER_YEAR, axis=1)
        return array

    def of_groups(self, first: int, last: int) -> Figures:
        """The same for some groups only."""
        a, b = self.start[first], self.start[last]
        cut = {name: array[a:b] for name, array in self.practice.items()}
        group, start = self.group[a:b] - first, self.start[first : last + 1] - a
        size = replace(self.size, practices=int(b - a))
        return replace(self, size=size, practice=cut, group=group, start=start)


def figures(size: Size, seed: int = 1) -> Figures:
    """Draw the figures of a run: distributions as in ``performance.md``, section 0."""
    chance = np.random.default_rng(seed)
    n, scenarios, months = size.practices, size.scenarios, size.months
    years = months // MONTHS_PER_YEAR
    group, start = groups_of(n, chance)
    practice = {
        "list0": chance.lognormal(8.9, 0.5, n),
        "wr": np.clip(chance.normal(1, 0.08, n), 0.7, 1.4),
        "mpig0": np.where(chance.random(n) < 0.6, chance.lognormal(10, 0.8, n), 0.0),
        "prem0": np.where(chance.random(n) < 0.4, chance.lognormal(10.5, 0.7, n), 0.0),
        "delay": chance.integers(0, 36, n).astype(float),
        "resp": chance.uniform(0.4, 1.4, n),
    }
    for k, a_year in enumerate((1100, 250, 180, 160, 120, 90, 60, 40), 1):
        practice[f"base_{k}"] = chance.uniform(0.5, 1.5, n) * a_year / MONTHS_PER_YEAR
    t, y = np.arange(months), np.arange(years)

    def rates(low: float, high: float) -> np.ndarray:
        return 1 + chance.uniform(low, high, (scenarios, 1))

    scenario = {
        "list_growth": rates(-0.002, 0.015) ** (t / MONTHS_PER_YEAR),
        "price": 76.51 * rates(0, 0.04) ** y,
        "guarantee": 95 * rates(0, 0.03) ** y,
        "clawback": 1 / (MONTHS_PER_YEAR * chance.integers(3, 8, scenarios)),
        "ramp": np.minimum(1, (y + 1) * chance.uniform(0.1, 0.4, (scenarios, 1))),
        "discount": (1.035 + chance.uniform(-0.01, 0.01, (scenarios, 1))) ** (-t / MONTHS_PER_YEAR),
    }
    for k in range(1, SERVICES + 1):
        scenario[f"uplift_{k}"] = rates(0, 0.07) ** (t / MONTHS_PER_YEAR)
    left = np.maximum(0, 1 - (y + 1) / 7)
    return Figures(size, practice, group, start, scenario, left)


def groups_of(practices: int, chance: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Group of each practice, none of them empty, and where each group begins."""
    groups = max(1, round(practices / PRACTICES_PER_GROUP))
    free = chance.integers(0, groups, max(0, practices - groups))
    group = np.sort(np.concatenate([np.arange(groups), free])[:practices])
    return group, np.searchsorted(group, np.arange(groups + 1))


# ------------------------------------------------------------------ as a model of ours


def model_of(figures: Figures) -> Model:
    """The model of ``models/w1.toml``, with the scenarios of a run."""
    model = cap.load_model(MODEL)
    months = [dt.date(model.start.year + (3 + t) // 12, (3 + t) % 12 + 1, 1) for t in range(10_000)]

    def term(name: str, values: np.ndarray) -> Term:
        step = figures.size.months // len(values)
        dated = tuple(
            DatedValue(months[i * step], value, format_number(value), assumption="Drawn at random.")
            for i, value in enumerate(values.tolist())
        )
        return replace(model.terms[name], values=dated)

    def scenario(number: int) -> Scenario:
        own = {n: term(n, np.atleast_1d(of[number])) for n, of in figures.scenario.items()}
        return Scenario(f"scenario {number:05d}", f"Scenario {number}", own)

    made = [scenario(number) for number in range(figures.size.scenarios)]
    terms = model.terms | {
        "left_of_correction": term("left_of_correction", figures.left_of_correction)
    }
    return replace(
        model, months=figures.size.months, terms=terms, scenarios={s.name: s for s in made}
    )


def practices_of(figures: Figures) -> xr.Dataset:
    """The practices as `capitation` reads them, codes and commissioners in the figures' order."""
    codes = [f"P{number:06d}" for number in range(figures.size.practices)]
    areas = [f"G{number:05d}" for number in figures.group.tolist()]
    return xr.Dataset(
        {name: ("practice", values) for name, values in figures.practice.items()},
        {
            "practice": codes,
            "commissioner": ("practice", areas),
            "contract_type": ("practice", ["GMS"] * len(codes)),
        },
        {"fiscal_year": "2015/16", "source": "benchmark W1", "title": "Benchmark W1"},
    )


# ------------------------------------------------------------------ the oracle


def lines_of(f: Figures) -> dict[str, np.ndarray]:
    """Every line of every cell, on practice, scenario and month: plain broadcasting."""
    of = {name: array[:, np.newaxis, np.newaxis] for name, array in f.practice.items()}
    by = {name: f.by_month(name)[np.newaxis] for name in f.scenario}
    t = np.arange(f.size.months)
    left_of_correction = np.repeat(f.left_of_correction, MONTHS_PER_YEAR)

    registered = of["list0"] * by["list_growth"]
    weighted = registered * of["wr"]
    global_sum = weighted * by["price"] / 12
    correction = of["mpig0"] * left_of_correction / 12
    left = 1 - np.maximum(0, t - of["delay"]) * by["clawback"]
    premium = of["prem0"] / 12 * np.clip(left, 0, 1)
    core = global_sum + correction + premium
    top_up = np.maximum(0, by["guarantee"] * weighted / 12 - core)
    fixed = 0.6 * top_up
    performance = 0.4 * top_up * np.minimum(1, of["resp"] * by["ramp"])
    heads = sum(of[f"base_{k}"] * by[f"uplift_{k}"] for k in range(1, SERVICES + 1))
    budget = registered * heads
    total = core + fixed + performance + budget
    correction = np.broadcast_to(correction, total.shape)
    lines = dict(
        zip(LINES, (global_sum, correction, premium, fixed, performance, budget), strict=True)
    )
    return lines | {"present_value": total * by["discount"]}


def sums_of(lines: dict[str, np.ndarray], f: Figures) -> np.ndarray:
    """Lines summed by group and year: on variable, scenario, group and year."""
    found = []
    for name in VARIABLES:
        by_group = np.add.reduceat(lines[name], f.start[:-1], axis=0)
        shape = (f.groups, f.size.scenarios, f.years, MONTHS_PER_YEAR)
        found.append(by_group.reshape(shape).sum(axis=-1).transpose(1, 0, 2))
    return np.stack(found)


def oracle(f: Figures) -> np.ndarray:
    """The sums of W1: on variable, scenario, group and year."""
    return np.concatenate(
        [
            sums_of(lines_of(part), part)
            for part in (f.of_groups(g, g + 1) for g in range(f.groups))
        ],
        axis=2,
    )


def difference(found: np.ndarray, wanted: np.ndarray) -> float:
    """Largest difference as a share of the largest figure of its variable, scenario and group."""
    scale = np.abs(wanted).max(axis=-1, keepdims=True)
    return float((np.abs(found - wanted) / np.where(scale > 0, scale, 1)).max())
