"""Weights of persons: by age band and sex, times a factor for each need flag, in one set or more.

And the factors of practices, by which what their persons weigh is multiplied.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from capitation.errors import InputError, Problem, listed, nearest, raise_if_any
from capitation.sources.local_csv import read_inputs
from capitation.sources.official_csv import Table, read_table
from capitation.weighing.persons import Cells

SET, WEIGHT, FACTOR, FLAG = "weight_set", "weight", "factor", "flag"
BASE = "weights"
"""Name of the only set, where it has none."""

HEADINGS = (SET, "age_band", "sex", FLAG, WEIGHT)
OPTIONAL = (SET, FLAG)


def read_person_weights(path: str | os.PathLike[str]) -> xr.Dataset:
    r"""Read weights of persons: a row for each age band and sex, and one for each flag.

    Parameters
    ----------
    path : path-like
        A CSV file with the headings ``age_band``, ``sex``, ``flag`` and ``weight``; a first one,
        ``weight_set``, where there are several sets. A row has an age band and a sex, and the
        weight of such a person; or a flag, and the factor by which it multiplies that weight.
        Without flags, the heading may be left out.

    Returns
    -------
    xarray.Dataset
        ``weight`` [1] on (weight_set, age_band, sex) and ``factor`` [1] on (weight_set, flag), in
        the file's order.

    Raises
    ------
    InputError
        If the file cannot be read, a heading is unknown or missing, a weight is not a number or is
        below nothing, a row stands twice, or a set lacks what another has. All at once.

    Examples
    --------
    >>> import tempfile
    >>> text = "age_band,sex,flag,weight\n0-64,all,,1\n65+,all,,3\n,,home,1.5\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "weights.csv"
    ...     _ = file.write_text(text, encoding="utf-8")
    ...     weights = read_person_weights(file)
    >>> weights["weight"].values.tolist(), weights["factor"].values.tolist()
    ([[[1.0], [3.0]]], [[1.5]])
    """
    table = read_table(Path(path))
    headings = [heading.strip().lower() for heading in table.headings]
    raise_if_any(_faults_of_headings(table, headings))
    columns = {name: [c.strip() for c in table.columns[headings.index(name)]] for name in headings}
    blank = [""] * len(table.row_numbers)
    rows = list(zip(*(columns.get(name, blank) for name in HEADINGS[:-1]), strict=True))
    numbers = np.array([_number(cell) for cell in columns[WEIGHT]])
    at = headings.index(WEIGHT)
    wrong = [*table.ragged, *table.wrong(at, ~(numbers >= 0), "is no weight", "0 or more")]
    wrong += _faults_of_rows(table, rows)
    table.raise_if_any(wrong)
    return _as_dataset(table, rows, numbers.tolist())


def _faults_of_headings(table: Table, headings: Sequence[str]) -> Iterator[Problem]:
    for name in (name for name in HEADINGS if name not in (*headings, *OPTIONAL)):
        yield Problem(table.file, f"there is no heading {name!r}", f"headings: {listed(HEADINGS)}")
    for name, count in Counter(headings).items():
        if name not in HEADINGS:
            yield Problem(table.file, f"unknown heading {name!r}", nearest(name, HEADINGS))
        elif count > 1:
            yield Problem(table.file, f"heading {name!r} stands {count} times", "keep one")


def _number(cell: str) -> float:
    """The number of a cell, to its last digit; NaN if there is none."""
    try:
        found = float(cell)
    except ValueError:
        return math.nan
    return found if math.isfinite(found) else math.nan


Row = tuple[str, ...]


def _faults_of_rows(table: Table, rows: Sequence[Row]) -> Iterator[Problem]:
    """Rows that are of neither kind, or that stand twice."""
    seen: dict[Row, int] = {}
    for number, row in enumerate(rows):
        _, age_band, sex, flag = row
        if bool(flag) == bool(age_band or sex) or bool(age_band) != bool(sex):
            found = f"age band {age_band!r}, sex {sex!r}, flag {flag!r}"
            mend = "either an age band and a sex, or a flag"
            yield Problem(table.where(number), found, mend)
        elif row in seen:
            yield Problem(
                table.where(number), f"stands in {table.where(seen[row])} too", "keep one"
            )
        seen.setdefault(row, number)


def _as_dataset(table: Table, rows: Sequence[Row], values: Sequence[float]) -> xr.Dataset:
    given = dict(zip(rows, values, strict=True))
    columns = zip(*rows, strict=True) if rows else ((), (), (), ())
    sets, ages, sexes, flags = ([*dict.fromkeys(filter(None, column))] for column in columns)
    named = sets or [""]
    problems = [
        Problem(table.file, f"there is no row of {_said(wanted)}", "every set has the same rows")
        for key in named
        for wanted in (
            *((key, age, sex, "") for age in ages for sex in sexes),
            *((key, "", "", flag) for flag in flags),
        )
        if wanted not in given
    ]
    if not ages:
        problems.append(Problem(table.file, "there are no weights by age band and sex"))
    if sets and any(not row[0] for row in rows):
        problems.append(Problem(table.file, "some rows are of no set", "name the set of every row"))
    table.raise_if_any(problems)
    weight = [[[given[key, age, sex, ""] for sex in sexes] for age in ages] for key in named]
    factor = [[given[key, "", "", flag] for flag in flags] for key in named]
    labels = {SET: sets or [BASE], "age_band": ages, "sex": sexes, FLAG: flags}
    return xr.Dataset(
        {
            WEIGHT: ((SET, "age_band", "sex"), weight, {"units": "1", "long_name": "Weight"}),
            FACTOR: (
                (SET, FLAG),
                np.array(factor, dtype=float).reshape(len(named), len(flags)),
                {"units": "1", "long_name": "Factor of a need flag"},
            ),
        },
        labels,
        {"source": table.file, "sha256": table.sha256},
    )


def _said(row: Row) -> str:
    of_set, age_band, sex, flag = row
    what = f"the flag {flag}" if flag else f"{age_band}, {sex}"
    return f"{what} in the set {of_set}" if of_set else what


# As arrays --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PersonWeights:
    """Weights as arrays, with the labels of each dimension.

    Attributes
    ----------
    sets, age_bands, sexes, flags : list of str
    weight : numpy.ndarray
        By set, age band and sex.
    factor : numpy.ndarray
        By set and flag.
    source : str
    """

    sets: list[str]
    age_bands: list[str]
    sexes: list[str]
    flags: list[str]
    weight: npt.NDArray[np.float64]
    factor: npt.NDArray[np.float64]
    source: str


def weights_as_given(weights: Any) -> PersonWeights:
    """Weights as arrays, whatever they came as.

    Raises
    ------
    InputError
        If they are nothing of the kind, or a weight is not a number of 0 or more.
    """
    if isinstance(weights, (str, os.PathLike)):
        weights = read_person_weights(weights)
    if isinstance(weights, xr.DataArray):
        weights = weights.to_dataset(name=WEIGHT)
    if not isinstance(weights, xr.Dataset) or WEIGHT not in weights:
        mend = "a Dataset with 'weight' on age_band and sex, or the path of a .csv file"
        raise InputError(Problem(WEIGHT, f"found {type(weights).__name__}", mend))
    dims = {WEIGHT: (SET, "age_band", "sex"), FACTOR: (SET, FLAG)}
    wanted = {name: dims[name] for name in dims if name in weights}
    problems = [*_faults_of_dimensions(weights, wanted)]
    raise_if_any(problems)
    labels = {dim: _labels(weights, dim) for dim in (SET, "age_band", "sex", FLAG)}
    for dim, found in labels.items():
        problems += _labels_twice(dim, found)
    raise_if_any(problems)
    sets = labels[SET]
    none = np.empty((len(sets), 0))
    arrays = {name: _by_set(weights[name].variable, dims[name], len(sets)) for name in wanted}
    return PersonWeights(
        sets,
        labels["age_band"],
        labels["sex"],
        labels[FLAG],
        arrays[WEIGHT],
        arrays.get(FACTOR, none),
        str(weights.attrs.get("source", "")),
    )


def _faults_of_dimensions(
    weights: xr.Dataset, wanted: Mapping[str, tuple[str, ...]]
) -> Iterator[Problem]:
    for name, dims in wanted.items():
        array = weights[name]
        bare = [dim for dim in dims[1:] if dim not in array.dims or dim not in weights.coords]
        if bare or set(array.dims) - set(dims):
            found = f"is on ({', '.join(map(str, array.dims))})"
            yield Problem(name, found, f"on ({', '.join(dims)}), with labels")
        elif not _all_from_nothing(array.values):
            yield Problem(name, "some are not numbers of 0 or more")


def _labels(weights: xr.Dataset, dim: str) -> list[str]:
    """Labels of a dimension; sets that have none are numbered, and flags may be none."""
    if dim in weights.coords:
        return np.atleast_1d(weights[dim].values.astype(str)).tolist()
    if dim == SET and dim in weights.sizes:
        return [str(number) for number in range(weights.sizes[dim])]
    return [BASE] if dim == SET else []


def _by_set(array: xr.Variable, dims: tuple[str, ...], sets: int) -> npt.NDArray[np.float64]:
    """Values by set and the other dimensions; those of no set are of every set."""
    there = [dim for dim in dims if dim in array.dims]
    values = array.transpose(*there).values.astype(float)
    return np.broadcast_to(values, (sets, *values.shape[len(there) - len(dims) + 1 :]))


def _all_from_nothing(values: Any) -> bool:
    return values.dtype.kind in "uifb" and bool((np.isfinite(values) & (values >= 0)).all())


def weights_of_cells(weights: PersonWeights, cells: Cells, place: str) -> npt.NDArray[np.float64]:
    """What a person of each cell weighs, by set: flags multiply, the first flag first.

    Raises
    ------
    InputError
        For a band or a sex that has no weight, and for a factor of a flag that persons do not have.
    """
    problems = []
    for kind, labels, known in (
        ("age band", cells.age_bands, weights.age_bands),
        ("sex", cells.sexes, weights.sexes),
    ):
        absent = [label for label in labels if label not in known]
        if absent:
            found = f"there is no weight of {kind} {listed(absent)}"
            problems.append(Problem(WEIGHT, found, nearest(absent[0], known)))
    for flag in (flag for flag in weights.flags if flag not in cells.flags):
        mend = nearest(flag, cells.flags) if cells.flags else f"{place} was counted without flags"
        problems.append(Problem(FACTOR, f"no flag {flag!r} of persons", mend))
    raise_if_any(problems)
    ages = [weights.age_bands.index(label) for label in cells.age_bands]
    sexes = [weights.sexes.index(label) for label in cells.sexes]
    base = weights.weight[:, ages][:, :, sexes]
    by_need = np.repeat(base[..., None], cells.masks, axis=-1)
    for bit, flag in enumerate(cells.flags):
        if flag in weights.flags:
            has = (np.arange(cells.masks) >> bit & 1).astype(bool)
            factor = weights.factor[:, weights.flags.index(flag)]
            by_need[..., has] *= factor[:, None, None, None]
    return by_need.reshape(len(by_need), cells.width)


def factors_of_practices(
    factors: Any, practices: Sequence[str], sets: Sequence[str]
) -> tuple[npt.NDArray[np.float64], list[str]]:
    """The product of each practice's factors, by set and practice, and the factors' names.

    Parameters
    ----------
    factors : xarray.Dataset, pandas.DataFrame or path-like
        On ``practice``: one column for each factor; a file has the heading ``practice`` too.
    practices, sets : sequence of str

    Raises
    ------
    InputError
        For a practice without factors, and one that is not a number above nothing.
    """
    if isinstance(factors, (str, os.PathLike)):
        factors = read_inputs(factors)
    if isinstance(factors, pd.DataFrame):
        factors = xr.Dataset.from_dataframe(
            factors.set_index("practice")
            if "practice" in factors
            else factors.rename_axis("practice")
        )
    if not isinstance(factors, xr.Dataset) or "practice" not in factors.coords:
        mend = "a Dataset or a data frame with a row for each practice, or the path of a .csv file"
        raise InputError(Problem("factors", f"found {type(factors).__name__}", mend))
    given = factors["practice"].values.astype(str).tolist()
    problems = [*_labels_twice("practice", given), *_without_factors(given, practices)]
    for name, array in factors.data_vars.items():
        known = array.coords[SET].values.astype(str).tolist() if SET in array.coords else []
        if set(array.dims) - {SET} != {"practice"} or array.dtype.kind not in "uif":
            mend = "numbers on practice, or on (weight_set, practice)"
            problems.append(Problem(f"factors, {name}", "is no factor of practices", mend))
        elif SET in array.dims and set(sets) - set(known):
            found = f"has no weight set {listed(sorted(set(sets) - set(known)))}"
            problems.append(Problem(f"factors, {name}", found, "give it for every set"))
    raise_if_any(problems)
    place = {code: n for n, code in enumerate(given)}
    rows = [place[code] for code in practices]
    product = np.ones((len(sets), len(practices)))
    for name, array in factors.data_vars.items():
        if SET in array.dims:
            array = array.sel({SET: list(sets)}).transpose(SET, "practice")
        values = array.values.astype(float)[..., rows]
        problems += _bad_factors(str(name), np.atleast_2d(values), practices)
        product *= values
    raise_if_any(problems)
    return product, [str(name) for name in factors.data_vars]


def _labels_twice(dim: str, labels: Sequence[str]) -> Iterator[Problem]:
    twice = [label for label, count in Counter(labels).items() if count > 1]
    if twice:
        yield Problem(dim, f"{listed(twice)} stands twice", "keep one of each")


def _without_factors(given: Sequence[str], practices: Sequence[str]) -> Iterator[Problem]:
    known = set(given)
    absent = [code for code in practices if code not in known]
    if absent:
        said = "a practice" if len(absent) == 1 else f"{len(absent):,} practices"
        found = f"there are none of {said}: {listed(absent)}"
        yield Problem("factors", found, "give the factors of every practice")


def _bad_factors(name: str, values: Any, practices: Sequence[str]) -> Iterable[Problem]:
    wrong = ~(np.isfinite(values) & (values > 0))
    for at in np.flatnonzero(wrong.any(axis=0))[:20].tolist():
        found = f"is {values[:, at][wrong[:, at]][0]:g}"
        yield Problem(f"factors, {name}, practice {practices[at]}", found, "a number above zero")
