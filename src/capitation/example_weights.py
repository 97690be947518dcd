"""Weighted populations of the synthetic commissioner, for who has no official file at hand."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from capitation.example import example_practices

if TYPE_CHECKING:
    import xarray as xr

# Published aggregates that the example is made to agree with: NHS England's weighted populations,
# 2018/19, NHS Bolton CCG (00T): need over registered population, of all its practices.
NEED = {
    "general_and_acute": 1.0600,
    "community": 0.9653,
    "mental_health": 1.0396,
    "maternity": 1.2027,
    "prescribing": 1.0535,
    "health_inequalities": 1.4404,
}
MARKET_FORCES_FACTOR = 0.9633
EMERGENCY_AMBULANCE_INDEX = 0.9987
OLD_AGE = {"general_and_acute": 0.15, "community": 0.25, "prescribing": 0.14, "maternity": -0.17}
POVERTY = {"mental_health": 0.25, "health_inequalities": 0.38, "maternity": 0.17}
SPREAD = 0.04
NETWORKS = 5


def example_populations(seed: int = 2015) -> xr.Dataset:
    """Make weighted populations of the practices that `example_practices` invents.

    Parameters
    ----------
    seed : int
        The same seed gives the same figures on every machine.

    Returns
    -------
    xarray.Dataset
        On ``practice``, with the names that `read_weighted_populations` gives: populations
        [patient] and indices [1]. There are no published targets, and nothing is remote.

    Notes
    -----
    Need of every kind adds up to the ratio that NHS Bolton CCG had in 2018/19; its market forces
    factor is theirs. The spread between practices, by age and poverty, is assumed.

    Examples
    --------
    >>> populations = example_populations()
    >>> weighted = populations["weighted_population_maternity"].sum()
    >>> round(float(weighted / populations["registered_population"].sum()), 4)
    1.2027
    """
    import xarray as xr

    practices = example_practices(seed)
    people = practices["registered_list"].values.tolist()
    count = len(people)
    chance = random.Random(seed + 1)
    old = [chance.gauss(0.0, 1.0) for _ in people]
    poor = [chance.gauss(0.0, 1.0) for _ in people]
    figures: dict[str, list[float]] = {"registered_population": people}
    for name, ratio in NEED.items():
        spread = (OLD_AGE.get(name, 0.0), POVERTY.get(name, 0.0))
        drawn = [
            max(0.2, 1 + spread[0] * a + spread[1] * p + chance.gauss(0.0, SPREAD)) * n
            for a, p, n in zip(old, poor, people, strict=True)
        ]
        scale = ratio * sum(people) / sum(drawn)
        figures[f"weighted_population_{name}"] = [need * scale for need in drawn]
    variables = {
        name: ("practice", values, {"units": "patient", "long_name": name.replace("_", " ")})
        for name, values in figures.items()
    }
    for name, value in (
        ("market_forces_factor", MARKET_FORCES_FACTOR),
        ("emergency_ambulance_index", EMERGENCY_AMBULANCE_INDEX),
    ):
        title = {"units": "1", "long_name": name.replace("_", " ")}
        variables[name] = ("practice", [value] * count, title)
    networks = [number * NETWORKS // count + 1 for number in range(count)]
    names = ("practice_name", "commissioner", "commissioner_name")
    return xr.Dataset(
        variables,
        {
            "practice": practices["practice"].values,
            **{name: ("practice", practices[name].values) for name in names},
            "primary_care_network": ("practice", [f"N{n}" for n in networks]),
            "primary_care_network_name": ("practice", [f"Example network {n}" for n in networks]),
        },
        {
            "fiscal_year": "2018/19",
            "title": "Synthetic example: weighted populations of fifty invented practices",
            "source": f"synthetic example, seed {seed}",
            "licence": "MIT. Made from published aggregates; no practice in it exists.",
            "notes": "[]",
        },
    )
