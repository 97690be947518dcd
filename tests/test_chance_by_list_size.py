"""How often a practice is paid by chance alone, by the size of its list: primary-care.md, §7.4.

The table there is worked out from the normal distribution. Here the same question goes through the
whole machine: rules, draws and the chance of earning. Run with ``-s`` to see the tables.
"""

from __future__ import annotations

from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest
import xarray as xr

from capitation.example import example_practices
from capitation.model import Model
from capitation.model_file import load_model
from capitation.practices import in_hubs
from capitation.simulation import simulate

LISTS = (3_000, 5_000, 7_000, 10_000, 50_000, 295_000)
# P(a fall of 3.5% or more with no effect), for a variance of 1 to 1.6 times the mean.
PUBLISHED = {
    3_000: (0.33, 0.37),
    5_000: (0.29, 0.33),
    7_000: (0.26, 0.30),
    10_000: (0.22, 0.27),
    50_000: (0.04, 0.08),
    295_000: (0.0, 0.001),
}
DRAWS = 4_000
RATE = 0.099
FALL = 0.035
HUB = 5
"""Practices of one hub."""

# Nothing moves but chance, and the whole grade is for a fall of 3.5% or more.
CHANCE_ALONE = {
    "monthly_list_growth": 0,
    "monthly_admissions_trend": 0,
    "programme_reduction": 0,
    "practice_level_variation": 0,
    "measure_against_base_year": 0,
    "fall_for_first_payment": FALL,
    "fall_for_full_payment": FALL,
}
MEASURES = {
    "one year": {},
    "three years": {"measure_over_three_years": 1},
    "hub of five": {"measure_pooled": 1},
    "dead band 1.28 SD": {"dead_band": 1.28},
    "against expected": {"measure_against_expected": 1},
}
OVERDISPERSION = (1.0, 1.3, 1.6)


def practices_of(sizes: list[int], base: xr.Dataset) -> xr.Dataset:
    """Practices of given lists, each in a commissioner of its own, with the counts to go with."""
    lists = np.array(sizes, dtype=float)
    codes = [f"P{number:03d}" for number in range(len(sizes))]
    one = base.isel(practice=np.zeros(len(sizes), dtype=int)).assign_coords(practice=codes)
    one = one.assign_coords(commissioner=("practice", [f"C{code}" for code in codes]))
    one["registered_list"] = ("practice", lists)
    one["weighted_list"] = ("practice", lists)
    return one


def with_history_too(model: Model, values: dict[str, float]) -> Model:
    """Terms held at one value from their first date on: in the base year as well."""
    held = {name: model.terms[name].held_at(value) for name, value in values.items()}
    assert model.simulation is not None
    graded = replace(model.simulation, earned="grade_for_admissions")
    return replace(model, terms=model.terms | held, simulation=graded)


@pytest.fixture(scope="module")
def chances() -> dict[tuple[str, float], dict[int, tuple[float, float]]]:
    """Chance of a fall of 3.5% in the third year, with its error, by measure, spread and list."""
    base = example_practices()
    singles = practices_of(list(LISTS), base)
    many = practices_of([size for size in LISTS for _ in range(HUB)], base)
    places = {code: f"hub of {size}" for code, size in _sizes(many)}
    hubs = in_hubs(many.assign_coords(commissioner=("practice", ["C"] * len(places))), places)
    model = load_model("bolton-quality-contract")
    found: dict[tuple[str, float], dict[int, tuple[float, float]]] = {}
    for measure, terms in MEASURES.items():
        for spread in OVERDISPERSION:
            held = {**CHANCE_ALONE, **terms, "admissions_overdispersion": spread}
            result = simulate(
                with_history_too(model, held),
                hubs if measure == "hub of five" else singles,
                ["core-and-local-schemes"],
                36,
                draws=DRAWS,
                seed=2015,
                outcomes=["grade_for_admissions"],
                break_even=False,
                compiled=True,
            ).isel(scenario=0, effect=0, year=2)
            chance = result["probability_of_earning"]
            error = result["probability_of_earning_standard_error"]
            found[measure, spread] = {
                int(size): (float(chance[at]), float(error[at]))
                for at, size in enumerate(result["registered_list"].values)
            }
    return found


def by_normal(size: int, spread: float, *, years: int = 1, practices: int = 1, band: float = 0.0):
    """The same chance from the normal distribution: the count must fall to 96.5% of the other."""
    mean = RATE * size * years * practices
    deviation = (spread * mean) ** 0.5
    chance_of_fall = FALL * mean / (deviation * (1 + (1 - FALL) ** 2) ** 0.5)
    return 1 - NormalDist().cdf(max(chance_of_fall, band))


@pytest.mark.parametrize("size", LISTS)
def test_a_single_practice_is_paid_by_chance_as_the_table_says(chances, size):
    least, most = PUBLISHED[size]
    poisson, error = chances["one year", 1.0][size]
    spread, wider = chances["one year", 1.6][size]
    # The table has two decimals, and takes both years' deviation at the same mean.
    assert least - 0.02 - 3 * error <= poisson <= most + 0.02
    assert least - 0.02 <= spread <= most + 0.02 + 3 * wider
    assert poisson <= spread


@pytest.mark.parametrize("spread", OVERDISPERSION)
@pytest.mark.parametrize(
    ("measure", "kept"),
    [
        ("one year", {}),
        ("three years", {"years": 3}),
        ("hub of five", {"practices": HUB}),
        ("dead band 1.28 SD", {"band": 1.28}),
    ],
)
def test_each_measure_cuts_chance_as_the_normal_distribution_says(chances, measure, kept, spread):
    for size, (chance, error) in chances[measure, spread].items():
        assert chance == pytest.approx(by_normal(size, spread, **kept), abs=0.012 + 4 * error)


def test_every_measure_pays_less_by_chance_than_one_year_alone(chances):
    for (measure, spread), by_size in chances.items():
        for size, (chance, error) in by_size.items():
            assert chance <= chances["one year", spread][size][0] + 4 * error, (measure, size)


def test_the_tables_can_be_printed(chances):
    lines = [f"{'P(fall >= 3.5% with no effect)':32}" + "".join(f"{n:>10,}" for n in LISTS)]
    published = "".join(f"{low:>5.2f}-{high:<4.2f}" for low, high in PUBLISHED.values())
    lines.append(f"{'published, variance 1-1.6 x mean':32}{published}")
    for (measure, spread), by_size in chances.items():
        shown = "".join(f"{chance:10.3f}" for chance, _ in by_size.values())
        lines.append(f"{f'{measure}, variance {spread} x mean':32}{shown}")
    print("\n" + "\n".join(lines))
    assert len(lines) == 2 + len(MEASURES) * len(OVERDISPERSION)


def _sizes(practices: xr.Dataset) -> list[tuple[str, int]]:
    codes = practices["practice"].values.tolist()
    return list(zip(codes, practices["registered_list"].values.astype(int).tolist(), strict=True))
