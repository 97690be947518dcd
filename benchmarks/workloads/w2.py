"""W2: draws of admissions and shared gains, with exact quantiles by commissioner and year.

Peers hold the draws of one commissioner at a time, as we do; more would not fit. They draw with
their own samplers, so results agree within the error of so many draws, and not to the last digit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import numpy as np
import xarray as xr

import capitation as cap
from capitation.engine.terms import DatedValue, format_number
from capitation.model import Model, Scenario, Simulation
from workloads.measuring import Case
from workloads.w1 import groups_of

MODEL = Path(__file__).parents[1] / "models" / "w2.toml"
YEARS = 10
TARIFF, FIXED, FOR_PERFORMANCE = 2_500.0, 1_700.0, 2.0
SHAPE = 25.0
"""Of the gamma law of practices' levels."""

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
SCENARIOS = 8


@dataclass(frozen=True)
class Size:
    """How large a run of W2 is; how many commissioners the peers do of it."""

    practices: int
    draws: int
    peer_groups: int

    @property
    def cells(self) -> int:
        return self.practices * self.draws * YEARS


SIZES = {"tiny": Size(72, 128, 1), "ci": Size(1_500, 1_024, 5), "full": Size(7_500, 10_112, 5)}

WITHIN = {"tiny": 0.02, "ci": 0.005, "full": 0.002}
"""How far a quantile may be from that of the oracle's own draws, as a share of it: several times
the error that so many draws have."""


@dataclass(frozen=True)
class Figures:
    """What W2 reads, by practice, and where each commissioner's practices begin."""

    size: Size
    list0: np.ndarray
    expected: np.ndarray
    trend: np.ndarray
    group: np.ndarray
    start: np.ndarray

    def rows(self, group: int) -> slice:
        return slice(int(self.start[group]), int(self.start[group + 1]))

    def peer_cells(self) -> int:
        return int(self.start[self.size.peer_groups]) * self.size.draws * YEARS


@cache
def figures(size: Size, seed: int = 2) -> Figures:
    """Draw practices: distributions as in ``performance.md``, section 0."""
    chance = np.random.default_rng(seed)
    n = size.practices
    group, start = groups_of(n, chance)
    list0 = chance.lognormal(8.9, 0.5, n)
    expected = list0 * chance.uniform(0.07, 0.13, n)
    return Figures(size, list0, expected, chance.uniform(0, 0.01, n), group, start)


# ------------------------------------------------------------------ ours


def model_of(scenarios: int) -> Model:
    """The model of ``models/w2.toml``, with scenarios in which the trend is ever stronger."""
    model = cap.load_model(MODEL)
    term = model.terms["trend_factor"]

    def scenario(number: int) -> Scenario:
        factor = 1 + number / 10
        value = DatedValue(model.start, factor, format_number(factor), assumption="Made up.")
        own = {} if number == 0 else {"trend_factor": replace(term, values=(value,))}
        return Scenario(f"scenario {number}", f"Scenario {number}", own)

    made = [scenario(number) for number in range(scenarios)]
    asked = Simulation(outcomes=("paid_in_all",), earned="", effect="", cost="", saving="")
    return replace(model, scenarios={s.name: s for s in made}, simulation=asked)


def practices_of(f: Figures) -> xr.Dataset:
    codes = [f"P{number:06d}" for number in range(f.size.practices)]
    areas = [f"G{number:05d}" for number in f.group.tolist()]
    figures = {"list0": f.list0, "expected_admissions": f.expected, "trend": f.trend}
    return xr.Dataset(
        {
            **{name: ("practice", values) for name, values in figures.items()},
            "registered_list": ("practice", f.list0),
        },
        {
            "practice": codes,
            "commissioner": ("practice", areas),
            "contract_type": ("practice", ["GMS"] * len(codes)),
        },
        {"fiscal_year": "2015/16", "source": "benchmark W2", "title": "Benchmark W2"},
    )


def simulated(size: Size, scenarios: int, threads: int) -> Callable[[], xr.Dataset]:
    model, practices = model_of(scenarios), practices_of(figures(size))
    return lambda: cap.simulate(
        model,
        practices,
        draws=size.draws,
        threads=threads,
        compiled=True,
        break_even=False,
        by_practice=False,
    )


def quantiles_of(found: xr.Dataset) -> np.ndarray:
    """Of the first scenario, on group, year and quantile."""
    of = found["commissioner_paid_in_all"]
    first = of.isel(scenario=0, effect=0) if "effect" in of.dims else of.isel(scenario=0)
    return first.transpose("commissioner_code", "year", "quantile").values


# ------------------------------------------------------------------ peers


def numpy_draws(f: Figures, group: int, chance: np.random.Generator) -> np.ndarray:
    """All draws of a commissioner, on year and draw: every practice's in memory at once."""
    rows, draws = f.rows(group), f.size.draws
    expected = f.expected[rows, np.newaxis, np.newaxis]
    list0 = f.list0[rows, np.newaxis, np.newaxis]
    effect = chance.gamma(SHAPE, 1 / SHAPE, (len(expected), 1, draws))
    fall = 1 - f.trend[rows, np.newaxis, np.newaxis] * np.arange(YEARS)[:, np.newaxis]
    admissions = chance.poisson(expected * fall * effect)
    cost = TARIFF * admissions
    budget = 0.98 * expected * TARIFF
    share = np.minimum(0.05 * budget, np.maximum(-0.03 * budget, 0.5 * (budget - cost)))
    achieved = np.clip((1 - admissions / expected) / 0.03, 0, 1)
    return (FIXED * list0 + cost + share + FOR_PERFORMANCE * list0 * achieved).sum(axis=0)


def by_numpy(f: Figures, seed: int) -> np.ndarray:
    """Quantiles of the first commissioners, on group, year and quantile."""
    chance = np.random.default_rng(seed)
    groups = range(f.size.peer_groups)
    found = [np.quantile(numpy_draws(f, group, chance), QUANTILES, axis=1).T for group in groups]
    return np.stack(found)


def by_loops(f: Figures, draw: Callable[..., None]) -> np.ndarray:
    """The same with a compiled loop over draws."""
    found = []
    for group in range(f.size.peer_groups):
        rows = f.rows(group)
        out = np.zeros((YEARS, f.size.draws))
        draw(f.list0[rows], f.expected[rows], f.trend[rows], out)
        found.append(np.quantile(out, QUANTILES, axis=1).T)
    return np.stack(found)


def loops(size: Size) -> Callable[[], np.ndarray]:
    from workloads.w2_loops import draw_exactly

    return partial(by_loops, figures(size), draw_exactly)


# ------------------------------------------------------------------ all of them


def cases(size_name: str) -> list[Case]:
    """Ours with one scenario and with eight, and the peers on some commissioners."""
    size, within = SIZES[size_name], WITHIN[size_name]
    f = figures(size)
    wanted = cache(lambda: by_numpy(f, seed=7))

    def off(found: np.ndarray) -> float:
        """The first commissioners are those that the oracle has."""
        of = wanted()
        return float((np.abs(found[: len(of)] - of) / of).max())

    def ours(scenarios: int, threads: int) -> Case:
        told = "" if scenarios == 1 else f", {scenarios} scenarios"
        return Case(
            "W2",
            f"capitation simulate{told}",
            partial(simulated, size, scenarios, threads),
            size.cells * scenarios,
            lambda found: off(quantiles_of(found)),
            threads=threads,
            within=within,
            ours=True,
            baseline=scenarios == threads == 1,
        )

    peer = partial(
        Case,
        "W2",
        cells=f.peer_cells(),
        check=off,
        within=within,
        note=f"commissioners: {size.peer_groups}",
    )
    return [
        *(ours(scenarios, threads) for scenarios, threads in ((1, 1), (1, 2), (SCENARIOS, 1))),
        peer("NumPy, a commissioner at a time", lambda: partial(by_numpy, f, seed=8)),
        peer("Numba loops, exact samplers", partial(loops, size)),
    ]
