"""Steps of the global sum formula that no rule can say: its inputs, and its national scale.

The formula itself is rules (``carr_hill``). A practice's shares come from counted persons; rurality
has powers in it; and weighted lists are made to add up to registered ones over all commissioners.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

from capitation.engine.terms import DatedValue, Term, format_number
from capitation.errors import InputError, Problem, listed, nearest, raise_if_any
from capitation.model import Model
from capitation.model_file import load_model
from capitation.national import national_terms
from capitation.projection import project
from capitation.weighing.counts import AGE_BANDS, COUNTS, SEXES

AGES = dict(
    zip(AGE_BANDS, ("0_4", "5_14", "15_44", "45_64", "65_74", "75_84", "85_and_over"), strict=True)
)
"""How the names of inputs end, by age band."""

SCALE = "formula_normalisation"
CRUDE, REGISTERED = "crude_formula_list", "registered_list"


def formula_inputs(
    counted: xr.Dataset, *, home: str | None = None, newly_registered: str | None = None
) -> xr.Dataset:
    """What the global sum formula asks of each practice, from its persons.

    Parameters
    ----------
    counted : xarray.Dataset
        From `count_persons`, by the age bands and sexes of the formula.
    home, newly_registered : str, optional
        Flags of persons in nursing and residential homes, and of those in their first year with
        the practice.

    Returns
    -------
    xarray.Dataset
        On ``practice`` [1]: `share_of_list_aged_…` and `female_share_aged_…` of each age band, and
        with the flags `share_in_nursing_homes` and `share_newly_registered`.

    Raises
    ------
    InputError
        For other age bands or sexes, a flag that was not counted, and practices of nobody.

    Examples
    --------
    >>> from capitation.weighing.counts import count_persons
    >>> persons = {"practice": ["A"] * 4, "age_band": [0, 0, 6, 6], "sex": [0, 1, 1, 1]}
    >>> inputs = formula_inputs(count_persons(persons))
    >>> inputs["share_of_list_aged_0_4"].item(), inputs["female_share_aged_85_and_over"].item()
    (0.5, 1.0)
    """
    raise_if_any(_faults_of_counts(counted, home, newly_registered))
    persons = counted[COUNTS].reset_coords(drop=True)
    registered = persons.sum(("age_band", "sex", "need"))
    nobody = registered["practice"].values[registered.values == 0].astype(str).tolist()
    if nobody:
        mend = "leave them out"
        raise InputError(Problem(COUNTS, f"there are none of practice {listed(nobody)}", mend))
    of_age = persons.sum("need")
    found: dict[str, xr.DataArray] = {}
    for band, end in AGES.items():
        both = of_age.sel(age_band=band, drop=True)
        women, everyone = both.sel(sex="female", drop=True), both.sum("sex")
        found[f"share_of_list_aged_{end}"] = everyone / registered
        # Nobody of an age is no women of it either: the share is then multiplied by nothing.
        found[f"female_share_aged_{end}"] = women / everyone.where(everyone > 0, 1)
    for name, flag in (
        ("share_in_nursing_homes", home),
        ("share_newly_registered", newly_registered),
    ):
        if flag is not None:
            has = counted[flag].reset_coords(drop=True)
            found[name] = persons.where(has, 0).sum(("age_band", "sex", "need")) / registered
    source = str(counted.attrs.get("source", ""))
    for array in found.values():
        array.attrs = {"units": "1", "source": source}
    title = "Inputs of the global sum formula, from persons"
    return xr.Dataset(found, attrs={"title": title, "source": source})


def _faults_of_counts(
    counted: xr.Dataset, home: str | None, newly_registered: str | None
) -> Iterator[Problem]:
    if COUNTS not in counted:
        yield Problem(COUNTS, "are not counted", "count_persons first")
        return
    for dim, wanted in (("age_band", AGE_BANDS), ("sex", SEXES)):
        if tuple(counted[dim].values.astype(str).tolist()) != wanted:
            found = f"has {listed(counted[dim].values.astype(str).tolist())}"
            yield Problem(f"{COUNTS}, {dim}", found, f"the formula has {', '.join(wanted)}")
    flags = [str(name) for name, of in counted.coords.items() if of.dims == ("need",)]
    for flag in (flag for flag in (home, newly_registered) if flag is not None):
        if flag not in flags or flag == "need":
            yield Problem(
                COUNTS, f"there is no flag {flag!r}", nearest(flag, set(flags) - {"need"})
            )


def rurality_ratio(
    distance: xr.DataArray, density: xr.DataArray, registered_list: xr.DataArray
) -> xr.DataArray:
    """How rural a practice's list is: the ratio that the formula's rurality index is made from.

    Parameters
    ----------
    distance : xarray.DataArray
        Patients' mean distance from the practice, on ``practice`` [km].
    density : xarray.DataArray
        Population density where its patients live [patient/km^2].
    registered_list : xarray.DataArray
        [patient]

    Returns
    -------
    xarray.DataArray
        The input `rurality_of_list` [1]: 1 is the mean of all these patients.

    Raises
    ------
    InputError
        If the practices are not the same, or something is not a number above zero.

    Notes
    -----
    The logarithm of the ratio is ``rurality_of_distance`` times that of the distance, less
    ``rurality_of_density`` times that of the density. Both terms are recalled, and not verified.

    Examples
    --------
    >>> def of(values):
    ...     return xr.DataArray(values, {"practice": ["A", "B"]})
    >>> rurality_ratio(of([1.0, 4.0]), of([4000.0, 100.0]), of([9000, 1000])).round(3).values
    array([0.967, 1.294])
    """
    given = {"distance": distance, "density": density, REGISTERED: registered_list}
    raise_if_any(_faults_of_rurality(given))
    distance, density, people = xr.align(*given.values(), join="left")
    terms, _ = national_terms()
    powers = {
        name: terms[name].values[-1].value
        for name in ("rurality_of_distance", "rurality_of_density")
    }
    ratio = distance ** powers["rurality_of_distance"] / density ** powers["rurality_of_density"]
    found = ratio * people.sum() / (ratio * people).sum()
    found.attrs = {"units": "1", "long_name": "Rurality of the list"}
    return found.rename("rurality_of_list")


def _faults_of_rurality(given: Mapping[str, xr.DataArray]) -> Iterator[Problem]:
    codes = {name: array["practice"].values.astype(str).tolist() for name, array in given.items()}
    wanted = sorted(codes["distance"])
    for name, array in given.items():
        if sorted(codes[name]) != wanted or len(set(wanted)) < len(wanted):
            yield Problem(name, "is not of the same practices, each once", "give it for each")
        wrong = ~(np.isfinite(array.values) & (array.values > 0))
        if wrong.any():
            whose = listed(code for code, bad in zip(codes[name], wrong, strict=True) if bad)
            yield Problem(f"{name}, practice {whose}", "is no number above zero", "give one")


def normalised_formula(
    model: Model | str | Path,
    practices: xr.Dataset,
    *,
    each: Literal["quarter", "year"] = "quarter",
) -> Model:
    """Fill in the factor that makes the formula's weighted lists add up to the registered ones.

    Parameters
    ----------
    model : Model, str or Path
        A contract with the rules of the formula (``carr_hill``), as it will be run.
    practices : xarray.Dataset
        All practices over which lists are normalised, whatever their commissioner: nationally, all
        that the formula pays. With the inputs of the formula, if they are known.
    each : {"quarter", "year"}
        Whether the factor follows each quarter's lists, or that of April holds for the fiscal year.

    Returns
    -------
    Model
        The same contract, with a value of the term ``formula_normalisation`` from the first month
        and from each quarter or April on, in each scenario as it makes lists move.

    Raises
    ------
    InputError
        If no rule of the contract reads the term, or as from `project`.

    Notes
    -----
    Of what scales all practices alike nothing is left: the national averages that indices are held
    against change the factor, and no weighted list.

    Source
    ------
    Department of Health: registered patients times the price are shared out each quarter. NHS
    Wales, Annex B (2004): the factor is held throughout the year.

    Examples
    --------
    >>> from capitation import example_practices
    >>> practices = example_practices()
    >>> model = normalised_formula("carr-hill-formula", practices)
    >>> april = project(model, practices, months=1).isel(month=0)
    >>> weighted, registered = (
    ...     float(april[name].sum()) for name in ("formula_weighted_list", "registered_list")
    ... )
    >>> math.isclose(weighted, registered)
    True
    """
    model = model if isinstance(model, Model) else load_model(model)
    if each not in ("quarter", "year"):
        raise InputError(Problem("each", f"found {each!r}", "'quarter' or 'year'"))
    if SCALE not in model.graph().leaves:
        mend = "name the rules 'carr_hill' in it"
        raise InputError(Problem(model.place, f"no rule of {model.name} reads {SCALE!r}", mend))
    result = project(model, practices, variables=[CRUDE, REGISTERED])
    months = result["month"].values.astype("datetime64[M]").tolist()
    counted = _months_counted(months, each)
    by_scenario = {
        name: _scales(result, name, counted) for name in map(str, result["scenario"].values)
    }
    people = result.sizes["practice"]
    terms = {
        name: _filled_in(model.term_in(SCALE, name), months, scales, people, each)
        for name, scales in by_scenario.items()
    }
    first = next(iter(terms.values()))
    if all(term == first for term in terms.values()):
        terms = {}
    scenarios = {
        name: replace(
            scenario,
            terms={n: t for n, t in scenario.terms.items() if n != SCALE}
            | ({SCALE: terms[name]} if name in terms else {}),
        )
        for name, scenario in model.scenarios.items()
    }
    return replace(model, terms={**model.terms, SCALE: first}, scenarios=scenarios)


def _months_counted(months: list[dt.date], each: str) -> list[int]:
    """Numbers of the months in which lists are normalised anew: the first, and each that is."""
    anew = (4,) if each == "year" else (1, 4, 7, 10)
    return [n for n, month in enumerate(months) if n == 0 or month.month in anew]


def _scales(result: xr.Dataset, scenario: str, months: list[int]) -> dict[int, float]:
    """Registered over crude lists of all practices, by month's number; sums exactly rounded."""

    def sums(name: str) -> list[float]:
        lists = result[name]
        lists = lists.sel(scenario=scenario) if "scenario" in lists.dims else lists
        values: npt.NDArray[Any] = lists.transpose("month", "practice").values[months]
        return [math.fsum(row) for row in values.tolist()]

    pairs = list(zip(months, sums(REGISTERED), sums(CRUDE), strict=True))
    if not all(crude > 0 for _, _, crude in pairs):
        raise InputError(
            Problem("practices", "weigh nothing all together", "give lists above zero")
        )
    return {month: registered / crude for month, registered, crude in pairs}


def _filled_in(
    term: Term, months: list[dt.date], scales: Mapping[int, float], people: int, each: str
) -> Term:
    """The term with these values from the first month on, and its own before."""
    first = months[0]
    said = f"Registered over crude weighted lists of {people:,} practices, each {each}."
    earlier = tuple(value for value in term.values if value.start < first)
    values = (
        DatedValue(months[n], scale, format_number(scale), assumption=said)
        for n, scale in scales.items()
    )
    return replace(term, values=(*earlier, *values), schedule=None)
