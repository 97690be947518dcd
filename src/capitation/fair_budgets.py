"""The fair budget of any set of practices: a hub, a contract's practices, a neighbourhood."""

from __future__ import annotations

import io
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from capitation.errors import Problem, nearest, raise_if_any
from capitation.files import path_problems, written_beside
from capitation.practices import place_of
from capitation.target_allocations import (
    COMPONENTS,
    INDICES,
    check_there,
    named,
    target_allocation,
    values_for,
)

if TYPE_CHECKING:
    import xarray as xr

MONEY = (
    "target_allocation",
    "target_allocation_with_remoteness",
    "target_remoteness",
    *(f"target_{name}" for name in COMPONENTS),
)
POPULATIONS = (
    "registered_population",
    *(f"weighted_population_{name}" for name in COMPONENTS),
    "weighted_population",
)


def practices_of(
    populations: xr.Dataset,
    practices: Iterable[str] | str = (),
    commissioners: Iterable[str] | str = (),
    networks: Iterable[str] | str = (),
) -> list[str]:
    """Codes of practices that are named, or whose commissioner or primary care network is.

    Parameters
    ----------
    populations : xarray.Dataset
        On ``practice``.
    practices, commissioners, networks : iterable of str, or str
        Codes, in any case; a text is one code.

    Returns
    -------
    list of str
        In the order of `populations`; each once.

    Raises
    ------
    InputError
        For each code that is not there, with the nearest; or if none is given.

    Examples
    --------
    >>> from capitation.example_weights import example_populations
    >>> len(practices_of(example_populations(), ["ex001"], networks=["N2"]))
    11
    """
    asked = {
        "practice": [code.upper() for code in _codes(practices)],
        "commissioner": [code.upper() for code in _codes(commissioners)],
        "primary_care_network": [code.upper() for code in _codes(networks)],
    }
    place = place_of(populations)
    problems = []
    if not any(asked.values()):
        mend = "name practices, a commissioner or a primary care network"
        problems.append(Problem(place, "no practices are asked for", mend))
    chosen: set[int] = set()
    for kind, codes in asked.items():
        present = populations[kind].values.tolist() if kind in populations.coords else []
        known = [code for code in set(present) if code]
        wrong = [code for code in dict.fromkeys(codes) if code not in known]
        said = kind.replace("_", " ")
        problems += [
            Problem(place, f"there is no {said} {code!r}", nearest(code, known)) for code in wrong
        ]
        chosen |= {number for number, code in enumerate(present) if code in codes}
    raise_if_any(problems)
    every = populations["practice"].values.tolist()
    return [every[number] for number in sorted(chosen)]


def fair_budget(
    populations: xr.Dataset,
    codes: Iterable[str] | str,
    name: str | None = None,
    *,
    per_weighted_head: float | None = None,
) -> xr.Dataset:
    """What a fair budget of some practices is, by practice and together, beside the whole file.

    Parameters
    ----------
    populations : xarray.Dataset
        On ``practice``, as from `read_weighted_populations`.
    codes : iterable of str, or str
        Of practices, each once; a text is one code.
    name : str, optional
        Of the practices together.
    per_weighted_head : float, optional
        [GBP/patient/year]. Given, the target is this for each head of the overall weighted
        population. A file without the market forces factor has no other target.

    Returns
    -------
    xarray.Dataset
        On ``practice``: `registered_population` and the weighted populations [patient],
        `need_index` [1], and with targets the market forces factor, the emergency ambulance index
        [1], `target_allocation`, its parts, `target_remoteness`,
        `target_allocation_with_remoteness` [GBP/year] and `target_per_head` [GBP/patient/year],
        which has remoteness in it.

        On ``area``, of which the first is the practices together and the second every practice of
        the file: each of these with `area_` before its name. Populations and money are sums;
        `need_index` is of the sums; the market forces factor and the ambulance index are means by
        registered population.

    Raises
    ------
    InputError
        For a code that no practice has or that stands twice, all at once; or for populations that
        lack what a target is made of.

    Notes
    -----
    The attribute ``target_per_weighted_head`` is the target of a head of need 1, with remoteness
    [GBP/patient/year].

    Examples
    --------
    >>> from capitation.example_weights import example_populations
    >>> budget = fair_budget(example_populations(), ["EX001", "EX002"], "Two practices")
    >>> together = budget.sel(area="Two practices")
    >>> float(together["area_target_allocation"]) == float(budget["target_allocation"].sum())
    True
    """
    import xarray as xr

    codes = _codes(codes)
    _check(populations, codes, per_weighted_head)
    known = _with_targets(populations, per_weighted_head)
    chosen = known.sel(practice=codes)
    of_file = f"all {populations.sizes['practice']:,} practices of the file"
    label = name or (codes[0] if len(codes) == 1 else f"{len(codes):,} practices")
    areas = [_together(part) for part in (chosen, known)]
    index = xr.DataArray([label, of_file], dims="area", name="area")
    together = xr.concat(areas, dim=index, combine_attrs="override")
    kept = ("practice_name", "commissioner", "commissioner_name", "primary_care_network_name")
    chosen = chosen.drop_vars(set(chosen.coords) - {"practice", *kept})
    budget = xr.merge([chosen, together], combine_attrs="drop", compat="equals", join="outer")
    attributes = {key: populations.attrs.get(key, "") for key in ("fiscal_year", "source")}
    attributes["notes"] = populations.attrs.get("notes", "[]")
    attributes["sha256"] = populations.attrs.get("sha256")
    attributes["title"] = f"Fair budget: {label}"
    if "target_allocation" in budget:
        per_head = per_weighted_head or values_for(populations)["target_per_head"]
        attributes["target_per_weighted_head"] = per_head
    return budget.assign_attrs(attributes)


def _codes(codes: Iterable[str] | str) -> list[str]:
    """Codes as a list; a text is one of them, and not its letters."""
    return [codes] if isinstance(codes, str) else [str(code) for code in codes]


def _check(populations: xr.Dataset, codes: list[str], per_weighted_head: float | None) -> None:
    place, present = place_of(populations), populations["practice"].values.tolist()
    problems: list[Problem] = []
    if not codes:
        problems.append(Problem(place, "no practices are asked for", "name one or more"))
    known = set(present)
    for code, count in Counter(codes).items():
        if code not in known:
            problems.append(Problem(place, f"there is no practice {code!r}", nearest(code, known)))
        elif count > 1:
            problems.append(Problem(place, f"practice {code} is named {count} times", "once"))
    if per_weighted_head is not None and not 0 < per_weighted_head < float("inf"):
        found = f"found {per_weighted_head:g}"
        problems.append(Problem("per_weighted_head", found, "pounds a year, above zero"))
    raise_if_any(problems)
    needed = [name for name in POPULATIONS if name != "weighted_population"]
    if per_weighted_head is not None:
        needed.append("weighted_population")
    check_there(populations, needed)


def _with_targets(populations: xr.Dataset, per_weighted_head: float | None) -> xr.Dataset:
    """What is said of each practice, by the names of a budget."""
    names = [name for name in (*POPULATIONS, *INDICES) if name in populations]
    # Labels would be compared at every sum: they come back at the end.
    known = populations[names].reset_coords(drop=True)
    if per_weighted_head is not None:
        known = known.drop_vars([name for name in INDICES if name in names])
        target = per_weighted_head * known["weighted_population"]
        known["target_allocation"] = named(target, "Target allocation", "GBP/year")
    elif all(name in names for name in INDICES):
        targets = target_allocation(populations.reset_coords(drop=True))
        known = known.assign({name: targets[name] for name in MONEY})
        if "weighted_population" not in names:
            per_head = values_for(populations)["target_per_head"]
            weighted = targets["target_allocation_with_remoteness"] / per_head
            known["weighted_population"] = named(weighted, "Overall weighted population", "patient")
    return _with_ratios(known).assign_coords(populations.coords)


def _with_ratios(known: xr.Dataset) -> xr.Dataset:
    """With the need index and the target a head: zero where nobody is registered."""
    people = known["registered_population"]

    def a_head(array: xr.DataArray, title: str, unit: str) -> xr.DataArray:
        return named((array / people.where(people > 0)).fillna(0.0), title, unit)

    title = "Overall weighted over registered population"
    known = known.assign(need_index=a_head(known["weighted_population"], title, "1"))
    last = [name for name in MONEY[:2] if name in known]
    if last:
        title, unit = "Target a head of the registered population", "GBP/patient/year"
        known["target_per_head"] = a_head(known[last[-1]], title, unit)
    return known


def _together(known: xr.Dataset) -> xr.Dataset:
    """Sums over practices, and the ratios of the sums."""
    sums = [name for name in (*POPULATIONS, *MONEY) if name in known]
    total = known[sums].sum("practice", keep_attrs=True)
    people = known["registered_population"]
    for name in (name for name in INDICES if name in known):
        mean = (known[name] * people).sum("practice") / people.sum("practice")
        total[name] = mean.assign_attrs(known[name].attrs)
    total = _with_ratios(total).drop_vars("practice", errors="ignore")
    return total.rename({name: f"area_{name}" for name in total.data_vars})


def need_inputs(populations: xr.Dataset) -> xr.Dataset:
    """The need index of each practice, as whole-population models ask for it.

    Parameters
    ----------
    populations : xarray.Dataset
        On ``practice``, with `need_index` [1].

    Returns
    -------
    xarray.Dataset
        `need_index` alone, on ``practice``: its codes, and nothing else of them.
    """
    check_there(populations, ["need_index"])
    return populations[["need_index"]].reset_coords(drop=True)


def write_need_inputs(populations: xr.Dataset, path: str | os.PathLike[str]) -> int:
    """Write the need index of each practice as a file for ``--inputs``: practice,need_index.

    Parameters
    ----------
    populations : xarray.Dataset
        On ``practice``, with `need_index` [1].
    path : path-like
        A .csv file.

    Returns
    -------
    int
        How many practices.

    Raises
    ------
    InputError
        If there is no need index, or nothing can be written there.
    """
    path = Path(path)
    raise_if_any(path_problems(path, ".csv"))
    inputs = need_inputs(populations)
    with (
        written_beside(path) as binary,
        io.TextIOWrapper(binary, encoding="utf-8", newline="") as file,
    ):
        file.writelines(_lines(inputs))
    return inputs.sizes["practice"]


def _lines(inputs: xr.Dataset) -> Iterator[str]:
    yield "practice,need_index\n"
    codes, values = inputs["practice"].values.tolist(), inputs["need_index"].values.tolist()
    for code, value in zip(codes, values, strict=True):
        yield f"{code},{value!r}\n"
