"""W3: persons to person weights to practices' weighted lists, normalised nationally."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import xarray as xr

from capitation.weighing.counts import count_persons
from capitation.weighing.weighted_lists import weigh
from workloads.measuring import EXACT, Case

AGE_BANDS = ("0-4", "5-14", "15-44", "45-64", "65-74", "75-84", "85+")
SEXES = ("male", "female")
FLAGS = ("home", "new", "long_term", "carer")
FLAG_FACTORS = (1.18, 1.26, 1.07, 1.42)
MASKS = 1 << len(FLAGS)
CELLS = len(AGE_BANDS) * len(SEXES) * MASKS
SETS = 32
"""Sets of weights that are laid on counts that have been made before."""

SIZES = {"tiny": (20_000, 100), "ci": (2_000_000, 1_500), "full": (10_000_000, 7_500)}
"""Persons and practices."""

ALL_OF_ENGLAND = {"tiny": 40_000, "ci": 2_000_000, "full": 60_000_000}


@dataclass(frozen=True)
class Figures:
    """Persons as columns, in order of practice, and what they and practices weigh."""

    practices: int
    practice: np.ndarray
    start: np.ndarray
    age: np.ndarray
    sex: np.ndarray
    mask: np.ndarray
    weights: np.ndarray
    flag_factors: np.ndarray
    practice_factors: np.ndarray

    @property
    def persons(self) -> int:
        return len(self.age)

    @property
    def codes(self) -> np.ndarray:
        """Age band, sex and flags in one byte."""
        return self.age * np.uint8(len(SEXES) * MASKS) + self.sex * np.uint8(MASKS) + self.mask

    @property
    def of_masks(self) -> np.ndarray:
        """What each combination of flags multiplies a weight by."""
        set_flags = np.arange(MASKS)[:, np.newaxis] >> np.arange(len(FLAGS)) & 1
        return np.where(set_flags, self.flag_factors, 1.0).prod(axis=1)

    @property
    def of_cells(self) -> np.ndarray:
        """The weight of each packed code."""
        return (self.weights[:, :, np.newaxis] * self.of_masks).reshape(-1)

    def normalised(self, crude: np.ndarray) -> np.ndarray:
        """Weighted lists by practice: with the practice's factors, adding up to persons."""
        weighted = crude * self.practice_factors.prod(axis=0)
        return weighted * (self.persons / weighted.sum())


@cache
def figures(persons: int, practices: int, seed: int = 3) -> Figures:
    """Draw persons: each age band, sex, combination of flags and practice as likely as another."""
    chance = np.random.default_rng(seed)
    practice = np.sort(chance.integers(0, practices, persons, dtype=np.int32))
    return Figures(
        practices,
        practice,
        np.searchsorted(practice, np.arange(practices + 1)),
        chance.integers(0, len(AGE_BANDS), persons, dtype=np.uint8),
        chance.integers(0, len(SEXES), persons, dtype=np.uint8),
        chance.integers(0, MASKS, persons, dtype=np.uint8),
        chance.uniform(0.8, 7, (len(AGE_BANDS), len(SEXES))),
        np.array(FLAG_FACTORS),
        np.stack([chance.uniform(0.9, 1.2, practices), chance.uniform(0.98, 1.1, practices)]),
    )


def oracle(f: Figures) -> np.ndarray:
    """NumPy: gather each person's weight, and add up by practice."""
    weight = f.weights[f.age, f.sex] * f.of_masks[f.mask]
    return f.normalised(np.bincount(f.practice, weight, f.practices))


def difference(found: np.ndarray, wanted: np.ndarray) -> float:
    """Largest difference of a practice's weighted list, as a share of it."""
    return float((np.abs(found - wanted) / np.where(wanted > 0, wanted, 1)).max())


# ------------------------------------------------------------------ ours


def weights_of(f: Figures, sets: int = 1) -> xr.Dataset:
    """Weights as `weigh` reads them; further sets are the first, scaled a little by age band."""
    scaled = 1 + 0.01 * np.arange(sets)[:, None, None] * np.linspace(0, 1, len(AGE_BANDS))[:, None]
    names = [f"set {number}" for number in range(sets)]
    return xr.Dataset(
        {
            "weight": (("weight_set", "age_band", "sex"), f.weights * scaled),
            "factor": (("weight_set", "flag"), np.tile(f.flag_factors, (sets, 1))),
        },
        {"weight_set": names, "age_band": list(AGE_BANDS), "sex": list(SEXES), "flag": list(FLAGS)},
    )


def factors_of(f: Figures) -> xr.Dataset:
    codes = [str(number) for number in range(f.practices)]
    one, two = f.practice_factors
    return xr.Dataset({"one": ("practice", one), "two": ("practice", two)}, {"practice": codes})


def columns_of(f: Figures, kind: str) -> dict[str, np.ndarray]:
    """Persons as columns: packed and in order, or one by one with the practice of each."""
    if kind == "packed":
        return {"cell": f.codes, "practice_start": f.start}
    return {"practice": f.practice, "age_band": f.age, "sex": f.sex, "mask": f.mask}


def ours(get: Any, kind: str, threads: int) -> Any:
    f = get()
    persons, weights, factors = columns_of(f, kind), weights_of(f), factors_of(f)
    codes = factors["practice"].values.tolist()
    return lambda: weigh(persons, weights, factors, practices=codes, threads=threads, compiled=True)


def ours_again(get: Any, threads: int) -> Any:
    """More sets of weights on counts made before."""
    f = get()
    factors, weights = factors_of(f), weights_of(f, SETS)
    codes = factors["practice"].values.tolist()
    persons = columns_of(f, "packed")
    counted = count_persons(persons, FLAGS, practices=codes, threads=threads, compiled=True)
    return lambda: weigh(counted, weights, factors, threads=threads, compiled=True)


# ------------------------------------------------------------------ peers


def pandas_merge(get: Any) -> Any:
    import pandas as pd

    f = get()
    persons = pd.DataFrame(columns_of(f, "columns"))
    table = weight_table(f, pd.DataFrame)

    def run() -> np.ndarray:
        merged = persons.merge(table, on=["age_band", "sex", "mask"])
        crude = merged.groupby("practice")["weight"].sum()
        return f.normalised(crude.reindex(range(f.practices), fill_value=0).to_numpy())

    return run


def weight_table(f: Figures, frame: Any) -> Any:
    """The weight of every combination, as rows of a frame."""
    age, sex, mask = np.unravel_index(np.arange(CELLS), (len(AGE_BANDS), len(SEXES), MASKS))
    keys = {"age_band": age, "sex": sex, "mask": mask}
    small = {name: values.astype(np.uint8) for name, values in keys.items()}
    return frame({**small, "weight": f.of_cells})


def polars_lazy(get: Any) -> Any:
    import polars as pl

    f = get()
    persons = pl.DataFrame(columns_of(f, "columns")).lazy()
    table = weight_table(f, pl.DataFrame).lazy()

    def run() -> np.ndarray:
        joined = persons.join(table, on=["age_band", "sex", "mask"])
        sums = joined.group_by("practice").agg(pl.col("weight").sum()).collect()
        crude = np.zeros(f.practices)
        crude[sums["practice"].to_numpy()] = sums["weight"].to_numpy()
        return f.normalised(crude)

    return run


def numpy_gather(get: Any) -> Any:
    f = get()
    return lambda: oracle(f)


def numpy_table(get: Any) -> Any:
    """One look-up by packed code."""
    f = get()
    codes, of_cells = f.codes, f.of_cells
    return lambda: f.normalised(np.bincount(f.practice, of_cells[codes], f.practices))


def compiled_loop(get: Any, name: str) -> Any:
    """A loop over persons, written for Numba."""
    from workloads import w3_loops

    f = get()
    run = getattr(w3_loops, name)(f)

    def normalised() -> np.ndarray:
        return f.normalised(run())

    return normalised


# ------------------------------------------------------------------ all of them


def cases(size: str) -> list[Case]:
    """Every way of doing W3 at a size: seconds are by person."""
    persons, practices = SIZES[size]
    get = partial(figures, persons, practices)
    wanted = cache(lambda: oracle(get()))

    def of_ours(found: xr.Dataset) -> float:
        return difference(found["weighted_list"].values[0], wanted())

    def of_peer(found: np.ndarray) -> float:
        return difference(found, wanted())

    def case(name: str, prepare: Any, check: Any = of_peer, **more: Any) -> Case:
        return Case("W3", name, prepare, persons, check, unit="person", within=EXACT, **more)

    mine: dict[str, Any] = {"check": of_ours, "ours": True}
    found = [
        case("capitation weigh, packed and sorted", partial(ours, get, "packed", 1), **mine),
        case(
            "capitation weigh, packed and sorted",
            partial(ours, get, "packed", 2),
            threads=2,
            **mine,
        ),
        case("capitation weigh, columns", partial(ours, get, "columns", 1), **mine),
        case("pandas merge + groupby", partial(pandas_merge, get)),
        case("Polars lazy", partial(polars_lazy, get), threads=2, needs="pip install polars"),
        case("NumPy gather + bincount", partial(numpy_gather, get)),
        case("NumPy look-up + bincount", partial(numpy_table, get)),
    ]
    for name, title in (
        ("chain_of_flags", "Numba loop, a test for each flag"),
        ("scatter", "Numba loop, packed, any order"),
        ("segments", "Numba loop, packed and sorted"),
    ):
        found.append(case(title, partial(compiled_loop, get, name)))
    found[0].baseline = True
    found.append(
        Case(
            "W3",
            f"capitation, {SETS} more sets of weights on counts made before",
            partial(ours_again, get, 1),
            persons * SETS,
            of_ours,
            ours=True,
            unit="person and set",
        )
    )
    if ALL_OF_ENGLAND[size] != persons:
        found.append(all_of_england(size, practices))
    return found


def all_of_england(size: str, practices: int) -> Case:
    """As many persons as England has, on two threads."""
    persons = ALL_OF_ENGLAND[size]
    get = partial(figures, persons, practices)
    wanted = cache(lambda: by_look_up(get()))
    return Case(
        "W3",
        f"capitation weigh, {persons // 1_000_000} million persons",
        partial(ours, get, "packed", 2),
        persons,
        lambda found: difference(found["weighted_list"].values[0], wanted()),
        threads=2,
        ours=True,
        unit="person",
    )


def by_look_up(f: Figures) -> np.ndarray:
    """The oracle for many persons, by counts: it takes less memory."""
    key = f.practice.astype(np.int32) * np.int32(CELLS) + f.codes
    counts = np.bincount(key, minlength=f.practices * CELLS).reshape(f.practices, CELLS)
    return f.normalised(counts @ f.of_cells)
