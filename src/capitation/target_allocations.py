"""Target allocations from weighted populations, and the distance from them."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from capitation.errors import Problem, nearest, raise_if_any
from capitation.national import national_terms
from capitation.practices import place_of

if TYPE_CHECKING:
    import xarray as xr

HOSPITAL = {
    "general_and_acute": "General and acute services",
    "community": "Community services",
    "mental_health": "Mental health services",
    "maternity": "Maternity services",
}
"""Parts of the need for hospital and community services."""

COMPONENTS = {
    **HOSPITAL,
    "prescribing": "Prescribing",
    "health_inequalities": "Health inequalities",
}
"""Parts of a target without remoteness."""

TERMS = (
    *(f"target_{name}_share" for name in HOSPITAL),
    "target_hospital_and_community_per_head",
    "target_prescribing_per_head",
    "target_inequalities_share",
    "target_per_head",
    "primary_medical_inequalities_share",
)

INDICES = ("market_forces_factor", "emergency_ambulance_index")


def target_allocation(populations: xr.Dataset) -> xr.Dataset:
    """Target allocation of each practice, from its weighted populations.

    Parameters
    ----------
    populations : xarray.Dataset
        On ``practice``, as `read_weighted_populations` reads a file with the market forces factor.

    Returns
    -------
    xarray.Dataset
        On ``practice`` [GBP/year]: `target_allocation`, without remoteness;
        `target_allocation_with_remoteness`; their difference `target_remoteness`; and the parts of
        the first, `target_` with `general_and_acute`, `community`, `mental_health`, `maternity`,
        `prescribing` and `health_inequalities`. Also `weighted_population_hospital_and_community`
        [patient].

    Raises
    ------
    InputError
        If a variable is not there.

    Notes
    -----
    With the weights and the money a head of the terms ``target_…`` and their inequalities share h::

        hospital need = Σ weight × weighted population, of the four services
        target = hospital money × ((1 − h) × hospital need + h × inequalities)
                   × market forces factor × emergency ambulance index
                 + prescribing money × ((1 − h) × prescribing need + h × inequalities)
        target with remoteness = money of a head × overall weighted population

    Remoteness has no component of its own in the file: it is what the overall weighted population
    has beyond the others. Without that population there is none.

    The structure is published; the coefficients are inferred from NHS England's 2018/19 file, of
    which they reproduce all 5,393 targets. Later years are at 2018/19 money.

    Examples
    --------
    >>> from capitation.example_weights import example_populations
    >>> targets = target_allocation(example_populations())
    >>> round(float(targets["target_allocation"].sum()) / 1e6, 1)
    396.8
    """
    import xarray as xr

    needed = [f"weighted_population_{name}" for name in COMPONENTS]
    check_there(populations, [*needed, *INDICES])
    value = values_for(populations)
    # Labels would be compared at every sum.
    figures = populations.reset_coords(drop=True)
    weighted = {name: figures[f"weighted_population_{name}"] for name in COMPONENTS}
    need = {name: value[f"target_{name}_share"] * weighted[name] for name in HOSPITAL}
    local = figures[INDICES[0]] * figures[INDICES[1]]
    h = value["target_inequalities_share"]
    hospital = value["target_hospital_and_community_per_head"] * local
    prescribing = value["target_prescribing_per_head"]
    parts = {name: hospital * (1 - h) * need[name] for name in HOSPITAL}
    parts["prescribing"] = prescribing * (1 - h) * weighted["prescribing"]
    parts["health_inequalities"] = (hospital + prescribing) * h * weighted["health_inequalities"]
    target = sum(parts.values(), xr.zeros_like(local))
    remote = target
    if "weighted_population" in figures:
        remote = value["target_per_head"] * figures["weighted_population"]
    money = {
        "target_allocation": (target, "Target allocation, without remoteness"),
        "target_allocation_with_remoteness": (remote, "Target allocation, with remoteness"),
        "target_remoteness": (remote - target, "Target for remoteness"),
        **{f"target_{name}": (parts[name], f"Target: {COMPONENTS[name]}") for name in parts},
    }
    found = {name: named(array, title, "GBP/year") for name, (array, title) in money.items()}
    title = "Population weighted for the need for hospital and community services"
    every_need = sum(need.values(), xr.zeros_like(local))
    found["weighted_population_hospital_and_community"] = named(every_need, title, "patient")
    kept = {
        key: populations.attrs[key] for key in ("fiscal_year", "source") if key in populations.attrs
    }
    return xr.Dataset(found, populations.coords, {"title": "Target allocations", **kept})


def primary_medical_blend(populations: xr.Dataset) -> xr.DataArray:
    """Primary medical weighted population: 85% by workload, 15% by health inequalities.

    Parameters
    ----------
    populations : xarray.Dataset
        On ``practice``, as `read_weighted_populations` reads an allocation tool.

    Returns
    -------
    xarray.DataArray
        On ``practice`` [patient].

    Raises
    ------
    InputError
        If a variable is not there.

    Notes
    -----
    The inequalities share is the term ``primary_medical_inequalities_share``: inferred from the
    2022/23 tool, every practice of which it fits to 0.0043 persons.

    Examples
    --------
    >>> import xarray as xr
    >>> weighted = {"primary_medical_care": [8e3], "health_inequalities": [1e4]}
    >>> of = {f"weighted_population_{name}": ("practice", n) for name, n in weighted.items()}
    >>> populations = xr.Dataset(of, {"practice": ["A99999"]}, {"fiscal_year": "2022/23"})
    >>> primary_medical_blend(populations).item()
    8300.0
    """
    care, inequalities = (
        f"weighted_population_{name}" for name in ("primary_medical_care", "health_inequalities")
    )
    check_there(populations, [care, inequalities])
    share = values_for(populations)["primary_medical_inequalities_share"]
    blended = (1 - share) * populations[care] + share * populations[inequalities]
    title = "Primary medical weighted population, with inequalities"
    return named(blended, title, "patient").rename("primary_medical_weighted_population")


def distance_from_target(
    allocation: xr.DataArray, target: xr.DataArray, population: xr.DataArray | None = None
) -> xr.Dataset:
    """How far allocations are from their targets.

    Parameters
    ----------
    allocation, target : xarray.DataArray
        [GBP/year], of the same commissioners or practices, in any order.
    population : xarray.DataArray, optional
        [patient], not weighted: amounts a head are of it.

    Returns
    -------
    xarray.Dataset
        `distance_from_target` [1], below zero for who is under target; `distance_in_money`
        [GBP/year]; and with a population `allocation_per_head` and `target_per_head`
        [GBP/patient/year]. In the order of the allocations.

    Raises
    ------
    InputError
        For codes that one has and another has not, or that stand twice; for a target or a
        population that is not a number above zero, and an allocation that is no number. All at
        once.

    Examples
    --------
    >>> import xarray as xr
    >>> amounts = (331.159e6, 352.647e6)
    >>> bolton = [xr.DataArray([money], {"commissioner": ["00T"]}) for money in amounts]
    >>> distance = distance_from_target(*bolton)
    >>> f"{distance['distance_from_target'].item():.2%}", distance["distance_in_money"].item()
    ('-6.09%', -21488000.0)
    """
    import xarray as xr

    given = {"allocation": allocation, "target": target, "population": population}
    arrays = {name: array for name, array in given.items() if array is not None}
    raise_if_any(_faults_of_labels(arrays))
    raise_if_any(_faults_of_amounts(arrays))
    allocation, target, *people = xr.align(*arrays.values(), join="left")
    found = {
        "distance_from_target": named(
            allocation / target - 1, "Allocation over target, less one", "1"
        ),
        "distance_in_money": named(allocation - target, "Allocation less target", "GBP/year"),
    }
    for population in people:
        per_head = "GBP/patient/year"
        found["allocation_per_head"] = named(allocation / population, "Allocation a head", per_head)
        found["target_per_head"] = named(target / population, "Target a head", per_head)
    return xr.Dataset(found)


def _faults_of_labels(arrays: Mapping[str, xr.DataArray]) -> Iterator[Problem]:
    """Codes that one of several arrays lacks, or has twice; and what is no array."""
    wrong = [name for name, array in arrays.items() if not hasattr(array, "dims")]
    for name in wrong:
        yield Problem(name, f"found {type(arrays[name]).__name__}", "give a DataArray with codes")
    if wrong:
        return
    for dim in dict.fromkeys(dim for array in arrays.values() for dim in array.dims):
        along = {name: array for name, array in arrays.items() if dim in array.dims}
        bare = [name for name, array in along.items() if dim not in array.coords]
        for name in bare:
            yield Problem(name, f"has no codes along {str(dim)!r}", "give it coordinates")
        labels = {name: array[dim].values.tolist() for name, array in along.items()}
        every = dict.fromkeys(label for of in labels.values() for label in of)
        for name in () if bare else along:
            counts = Counter(labels[name])
            twice = [str(label) for label, count in counts.items() if count > 1]
            if twice:
                yield Problem(name, f"{dim} {', '.join(twice)} stands twice", "keep one of each")
            absent = [str(label) for label in every if label not in counts]
            if absent:
                others = " and ".join(other for other in along if other != name)
                mend = f"{others} must be of the same, in any order"
                yield Problem(name, f"there is no {dim} {', '.join(absent)}", mend)


def _faults_of_amounts(arrays: Mapping[str, xr.DataArray]) -> Iterator[Problem]:
    """Amounts that cannot be, and who has them."""
    import numpy as np

    for name, array in arrays.items():
        values = array.values.astype(float)
        above = name != "allocation"
        wrong = ~np.isfinite(values) | ((values <= 0) & above)
        for at in np.argwhere(wrong).tolist():
            dims = zip(array.dims, at, strict=True)
            whose = ", ".join(f"{dim} {array[dim].values[n]}" for dim, n in dims)
            mend = "a number above zero is wanted" if above else "a number is wanted"
            yield Problem(f"{name}, {whose}" if whose else name, f"is {values[tuple(at)]:g}", mend)


def named(array: Any, title: str, unit: str) -> xr.DataArray:
    """An array with these attributes and no others."""
    array = array.copy(deep=False)
    array.attrs = {"units": unit, "long_name": title}
    found: xr.DataArray = array
    return found


def check_there(populations: xr.Dataset, needed: Collection[str]) -> None:
    """Refuse populations without what is needed, all of which is named."""
    absent = [name for name in needed if name not in populations]
    mend = "a file with targets has them; an allocation tool has no market forces factor"
    if not set(absent) & set(INDICES):
        mend = nearest(absent[0], map(str, populations.data_vars)) if absent else ""
    raise_if_any(Problem(place_of(populations), f"there is no {name!r}", mend) for name in absent)


def values_for(populations: xr.Dataset) -> dict[str, float]:
    """The national terms of a target as they stand when the populations' year begins."""
    year = int(str(populations.attrs.get("fiscal_year", "2018/19"))[:4])
    terms, _ = national_terms()
    # A year before the first known is at the first known figures, as a later one is at the last.
    first = {name: terms[name].values[0].start for name in TERMS}
    return {name: terms[name].at(max(dt.date(year, 4, 1), first[name])) for name in TERMS}
