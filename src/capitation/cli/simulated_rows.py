"""A simulation of commissioners as a table: a row for each outcome, area, year and scenario."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from capitation.files import write_csv

if TYPE_CHECKING:
    import xarray as xr

AREAS = {"group": "group", "commissioner": "commissioner_code"}
"""What a row is of, and the dimension that it stands on; what begins a variable's name too."""


@dataclass(frozen=True)
class Rows:
    """What was written.

    Attributes
    ----------
    path : Path
    count : int
        Rows under the heading.
    """

    path: Path
    count: int


def write_rows(result: xr.Dataset, path: Path) -> Rows:
    """Write what a simulation tells of commissioners, and of all together, as a CSV file.

    Parameters
    ----------
    result : xarray.Dataset
        From `simulate`.
    path : Path
        A .csv file. It is written beside and renamed, so that a failure leaves nothing half done.

    Returns
    -------
    Rows

    Raises
    ------
    InputError
        If nothing can be written there.

    Notes
    -----
    Columns: outcome, unit, of (commissioner or group), area, scenario, effect, year; mean and its
    standard error; quantiles, as ``q0.05``; and the standard errors of these. Numbers are written
    to the last bit.
    """
    shares = [f"q{float(share):g}" for share in result["quantile"].values]
    errors = [f"{share}_standard_error" for share in shares]
    heading = ["outcome", "unit", "of", "area", "scenario", "effect", "year"]
    heading += ["mean", "mean_standard_error", *shares, *errors]
    return Rows(path, write_csv(path, heading, _rows(result)))


def _rows(result: xr.Dataset) -> Iterator[list[str]]:
    for outcome in json.loads(result.attrs["outcomes"]):
        for of, dim in AREAS.items():
            name = f"{of}_{outcome.removeprefix('commissioner_')}"
            if name not in result or dim not in result[name].dims:
                continue
            ends = ("_mean", "_standard_error", "", "_quantile_standard_error")
            dims = ("scenario", "effect", dim, "year")
            found = [result[f"{name}{end}"].transpose(*dims, ...).values for end in ends]
            labels = [[str(label) for label in result[d].values] for d in dims]
            places = itertools.product(*map(range, found[0].shape))
            for at, (scenario, effect, area, year) in zip(
                places, itertools.product(*labels), strict=True
            ):
                mean, error, quantiles, errors = (values[at] for values in found)
                numbers = [float(mean), float(error), *quantiles.tolist(), *errors.tolist()]
                told = [outcome, result[name].attrs["units"], of, area, scenario, effect, year]
                yield [*told, *map(repr, numbers)]
