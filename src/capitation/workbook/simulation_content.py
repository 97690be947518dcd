"""What the workbook of a simulation shows, read from a Dataset that is first checked to be one."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from capitation.engine.calendar import MONTHS_OF_YEAR, fiscal_year, months_from
from capitation.errors import InputError, Problem

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
EFFECTS = ("with", "without")
WITH, WITHOUT = range(2)
MOST_FIGURES = 1_000_000
"""More figures than this make a workbook that no spreadsheet opens with pleasure."""

MOST_LISTED = 50_000
"""Rows of practices' outcomes beyond which they are left out: a Dataset shows them better."""

_OF_PRACTICE = ("scenario", "effect", "practice", "year")
_OF_COMMISSIONER = ("scenario", "effect", "commissioner_code", "year")
_OF_BOTH = ("scenario", "commissioner_code")
_TEXTS = (
    "title",
    "purpose",
    "model",
    "seed",
    "draws",
    "base_fiscal_year",
    "practices_source",
    "practices_title",
    "practices_sha256",
    "licence",
    "earned",
    "effect_term",
    "cost",
    "saving",
    "capitation_version",
)
_RECORDS = {"scenarios": dict, "sources": dict, "outcomes": list, "assumptions": list}
_OF_QUANTILES = ", quantiles"
"""What the title of an outcome's own variable may end in."""

_MONTH = re.compile(r"(\d{4})-(\d{2})")
_BREAK_EVEN = ("break_even_reduction", "break_even_reduction_low", "break_even_reduction_high")
_NET_ERROR = "net_cost_by_reduction_standard_error"


@dataclass(frozen=True)
class Outcome:
    """What a simulation tells the distribution of.

    Attributes
    ----------
    name : str
        As rules call it.
    title, unit : str
    """

    name: str
    title: str
    unit: str


@dataclass(frozen=True)
class Figures:
    """An outcome in every scenario, with and without the effect, by year.

    Attributes
    ----------
    mean, error : numpy.ndarray
        On scenario, effect, practice or commissioner, and year.
    quantiles : numpy.ndarray
        The same, and the five quantiles.
    """

    mean: np.ndarray
    error: np.ndarray
    quantiles: np.ndarray


class Simulated:
    """A simulation in the order in which a workbook shows it: commissioner by commissioner.

    Parameters
    ----------
    result : xarray.Dataset
        From `simulate`.

    Raises
    ------
    InputError
        If it is not from there, is not whole, or is too large to be shown. All problems at once.
    """

    def __init__(self, result: xr.Dataset):
        _check(result)
        self.result = result
        self.attrs: dict[str, Any] = {str(key): value for key, value in result.attrs.items()}
        self.scenarios = [str(name) for name in result["scenario"].values]
        titles = json.loads(self.attrs["scenarios"])
        self.scenario_titles = {name: str(titles.get(name, name)) for name in self.scenarios}
        self.commissioners = [str(code) for code in result["commissioner_code"].values]
        areas = result["commissioner"].values.astype(str)
        places = np.array([self.commissioners.index(area) for area in areas])
        self.order = np.argsort(places, kind="stable")
        self.codes: list[str] = result["practice"].values.astype(str)[self.order].tolist()
        starts = np.searchsorted(places[self.order], range(len(self.commissioners) + 1))
        self.members = [range(a, b) for a, b in itertools.pairwise(starts)]
        self.years = [str(year) for year in result["year"].values]
        self.months = _months(self.attrs["months"])
        self.months_of_year = Counter(fiscal_year(month) for month in self.months)
        self.draws = int(self.attrs["draws"])
        self.seed = int(self.attrs["seed"])
        self.earned, self.cost = self.attrs["earned"], self.attrs["cost"]
        self.sources: dict[str, dict[str, str]] = json.loads(self.attrs["sources"])
        self.assumptions: list[dict[str, Any]] = json.loads(self.attrs["assumptions"])
        self.has_break_even = _BREAK_EVEN[0] in result

    @property
    def year_headings(self) -> list[str]:
        """The fiscal years, which say so where months of the year are missing."""
        return [_heading(year, self.months_of_year[year]) for year in self.years]

    @property
    def last_full_year(self) -> int:
        """Position of the last year with all its months; of the last, if none has."""
        full = [
            number
            for number, year in enumerate(self.years)
            if self.months_of_year[year] == MONTHS_OF_YEAR
        ]
        return full[-1] if full else len(self.years) - 1

    @property
    def charted(self) -> list[int]:
        """Positions of the commissioners that have charts: all if they are few, else the first."""
        return list(range(len(self.commissioners))) if len(self.commissioners) <= 3 else [0]

    @property
    def effect_title(self) -> str:
        """What the term is called whose effect is left out."""
        term = self.attrs["effect_term"]
        titles = (str(entry["title"]) for entry in self.assumptions if entry.get("name") == term)
        return next(titles, term)

    def coordinate(self, name: str) -> list[str]:
        """A coordinate of the practices, empty where there is none."""
        if name not in self.result.coords:
            return [""] * len(self.codes)
        return [str(value) for value in self.result[name].values[self.order]]

    @property
    def registered_list(self) -> np.ndarray:
        """Registered patients of each practice in the base year."""
        return np.asarray(self.result["registered_list"].values[self.order], dtype=float)

    @property
    def outcomes_of_commissioners(self) -> list[Outcome]:
        """What is told of commissioners: not a share, since shares do not add up."""
        names = json.loads(self.attrs["outcomes"])
        return [self.outcome(name) for name in names if of_commissioner(name) in self.result]

    @property
    def outcomes_of_practices(self) -> list[Outcome]:
        """What is told of practices."""
        return [self._outcome(name, name) for name in _of_practices(self.result)]

    @property
    def earned_outcome(self) -> Outcome:
        """What a practice earns."""
        return self._outcome(self.earned, self.earned)

    def outcome(self, name: str) -> Outcome:
        """An outcome of commissioners by its name."""
        return self._outcome(name, of_commissioner(name))

    def _outcome(self, name: str, variable: str) -> Outcome:
        attributes = self.result[variable].attrs
        title = str(attributes["long_name"]).removesuffix(_OF_QUANTILES)
        return Outcome(name, title, str(attributes["units"]))

    @property
    def lists_practices(self) -> bool:
        """Whether all outcomes of all practices have room on a sheet."""
        names = _of_practices(self.result)
        return sum(self.result[f"{name}_mean"].size for name in names) <= MOST_LISTED

    def by_commissioner(self, name: str) -> Figures:
        """An outcome of commissioners."""
        return self._figures(of_commissioner(name), _OF_COMMISSIONER)

    def by_practice(self, name: str) -> Figures:
        """An outcome of practices, in the workbook's order of them."""
        found = self._figures(name, _OF_PRACTICE)
        return Figures(*(values[:, :, self.order] for values in vars(found).values()))

    def _figures(self, name: str, dims: tuple[str, ...]) -> Figures:
        quantile = self.result["quantile"].values
        wanted = [int(np.flatnonzero(np.isclose(quantile, q))[0]) for q in QUANTILES]
        quantiles = _values(self.result, name, (*dims, "quantile"))[..., wanted]
        mean = _values(self.result, f"{name}_mean", dims)
        return Figures(mean, _values(self.result, f"{name}_standard_error", dims), quantiles)

    @property
    def chances(self) -> tuple[np.ndarray, np.ndarray]:
        """Probability that a practice earns, and its standard error, in the workbook's order."""
        names = ("probability_of_earning", "probability_of_earning_standard_error")
        chance, error = (_values(self.result, n, _OF_PRACTICE)[:, :, self.order] for n in names)
        return chance, error

    @property
    def reductions(self) -> list[float]:
        """The reductions at which cost and saving are known."""
        return [float(value) for value in self.result["reduction"].values]

    def by_reduction(self, name: str) -> np.ndarray:
        """Cost, saving or the standard error of the net cost, on scenario, commissioner, reduction.

        Parameters
        ----------
        name : {"cost", "saving", "error"}
        """
        variable = _NET_ERROR if name == "error" else f"{name}_by_reduction"
        return _values(self.result, variable, (*_OF_BOTH, "reduction"))

    @property
    def break_even(self) -> np.ndarray:
        """The reduction at which saving reaches cost, its low and high end; NaN where never."""
        return np.stack([_values(self.result, name, _OF_BOTH) for name in _BREAK_EVEN], axis=-1)

    @property
    def nothing_paid(self) -> np.ndarray:
        """Whether the break-even is at no reduction, because nothing is paid there."""
        cost = self.by_reduction("cost")[..., np.isclose(self.reductions, 0)]
        return (self.break_even[..., 0] == 0) & (np.abs(cost).max(axis=-1, initial=0) < 0.005)


def of_commissioner(name: str) -> str:
    """The variable that tells an outcome by commissioner.

    Examples
    --------
    >>> of_commissioner("scheme_cost"), of_commissioner("commissioner_admissions")
    ('commissioner_scheme_cost', 'commissioner_admissions')
    """
    return name if name.startswith("commissioner_") else f"commissioner_{name}"


def _of_practices(result: xr.Dataset) -> list[str]:
    """The outcomes that are told of practices."""
    names = json.loads(result.attrs["outcomes"])
    return [name for name in names if name != of_commissioner(name) and name in result]


def _heading(year: str, months: int) -> str:
    if months == MONTHS_OF_YEAR:
        return year
    return f"{year} ({months} month{'s' if months > 1 else ''})"


def _months(text: str) -> list[dt.date]:
    ends = [dt.date(int(year), int(month), 1) for year, month in _MONTH.findall(text)]
    first, last = ends[0], ends[-1]
    count = (last.year - first.year) * MONTHS_OF_YEAR + last.month - first.month + 1
    return months_from(first, count)


def _values(result: xr.Dataset, name: str, dims: tuple[str, ...]) -> np.ndarray:
    return np.asarray(result[name].transpose(*dims).values, dtype=float)


# ---------------------------------------------------------------------- is it one?


def _check(result: object) -> None:
    """Refuse what is no simulation, or not a whole one."""
    if not isinstance(result, xr.Dataset):
        found = f"found {type(result).__name__}, not a result of simulate()"
        raise InputError(Problem("simulation", found, "simulate first"))
    for found_problems in (_attributes, _coordinates, _variables, _not_finite, _size):
        problems = tuple(found_problems(result))
        if problems:
            raise InputError(problems)


def _attributes(result: xr.Dataset) -> Iterator[Problem]:
    mend = "write a result of simulate() as it is"
    for name in (*_TEXTS, "months", *_RECORDS):
        if name not in result.attrs:
            yield Problem("simulation", f"the attribute {name!r} is missing", mend)
    for name, kind in _RECORDS.items():
        if name in result.attrs and not isinstance(_read(result.attrs[name]), kind):
            yield Problem("simulation", f"the attribute {name!r} cannot be read", mend)
    if "months" in result.attrs and not _MONTH.search(str(result.attrs["months"])):
        yield Problem("simulation", "the attribute 'months' names no months", mend)


def _read(text: object) -> object:
    try:
        return json.loads(str(text))
    except ValueError:
        return None


def _coordinates(result: xr.Dataset) -> Iterator[Problem]:
    mend = "write the whole result, with nothing selected from it"
    for name in ("scenario", "effect", "practice", "commissioner_code", "year", "quantile"):
        if name not in result.dims or name not in result.coords or not result.sizes[name]:
            yield Problem("simulation", f"{name!r} is not one of its dimensions", mend)
            return
    if [str(effect) for effect in result["effect"].values] != list(EFFECTS):
        yield Problem("simulation", "it is not told both with and without the effect", mend)
    quantiles = result["quantile"].values
    if not all(np.isclose(quantiles, wanted).any() for wanted in QUANTILES):
        yield Problem("simulation", "not all of 5, 25, 50, 75 and 95% are there", mend)
    commissioner = result.coords.get("commissioner")
    if commissioner is None or commissioner.dims != ("practice",):
        yield Problem("simulation", "the practices have no commissioner", mend)
    elif set(commissioner.values.astype(str)) - set(result["commissioner_code"].values.astype(str)):
        yield Problem("simulation", "a practice's commissioner is not among the simulated", mend)


def _wanted(result: xr.Dataset) -> dict[str, tuple[str, ...]]:
    """The dimensions of every variable that the workbook shows."""
    attributes = result.attrs
    of_practices = dict.fromkeys([attributes["earned"], *_of_practices(result)])
    told = [(name, _OF_PRACTICE) for name in of_practices]
    of_all = {attributes["cost"], *json.loads(attributes["outcomes"])}
    for name in sorted(of_all):
        if name == attributes["cost"] or of_commissioner(name) in result:
            told.append((of_commissioner(name), _OF_COMMISSIONER))
    wanted: dict[str, tuple[str, ...]] = {"registered_list": ("practice",)}
    for name, dims in told:
        wanted |= {name: (*dims, "quantile"), f"{name}_mean": dims, f"{name}_standard_error": dims}
    for name in ("probability_of_earning", "probability_of_earning_standard_error"):
        wanted[name] = _OF_PRACTICE
    if _BREAK_EVEN[0] in result:
        wanted |= dict.fromkeys(_BREAK_EVEN, _OF_BOTH)
        curves = ("cost_by_reduction", "saving_by_reduction", _NET_ERROR)
        wanted |= dict.fromkeys(curves, (*_OF_BOTH, "reduction"))
    return wanted


def _variables(result: xr.Dataset) -> Iterator[Problem]:
    for name, dims in _wanted(result).items():
        if name not in result:
            mend = "simulate with cost and earned among the outcomes"
            yield Problem("simulation", f"{name!r} is missing", mend)
        elif set(result[name].dims) != set(dims):
            found = f"{name!r} stands on {', '.join(map(str, result[name].dims)) or 'nothing'}"
            yield Problem("simulation", found, f"it must be on {', '.join(dims)}")
        elif "quantile" in dims and not {"long_name", "units"} <= set(result[name].attrs):
            mend = "keep the attributes 'long_name' and 'units'"
            yield Problem("simulation", f"{name!r} bears no title or no unit", mend)


def _not_finite(result: xr.Dataset) -> Iterator[Problem]:
    for name in _wanted(result):
        if name not in _BREAK_EVEN and not np.isfinite(result[name].values.astype(float)).all():
            mend = "two draws are the least that have a standard error"
            yield Problem("simulation", f"{name!r} holds what is not a finite number", mend)


def _size(result: xr.Dataset) -> Iterator[Problem]:
    untold = "_quantile_standard_error"
    names = [name for name in result if str(name).startswith("commissioner_")]
    of_all = [name for name in names if not str(name).endswith(untold)]
    figures = sum(result[name].size for name in of_all) + 4 * result["probability_of_earning"].size
    if figures > MOST_FIGURES:
        found = f"{figures:,} figures, where {MOST_FIGURES:,} is the most"
        yield Problem("workbook", found, "choose fewer practices, scenarios or years")
