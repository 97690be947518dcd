"""Scenarios side by side: what each amount comes to in each of them, year by year."""

from __future__ import annotations

import json
from collections.abc import Iterable

import numpy as np
import xarray as xr

from capitation.by_year import amounts_by_year
from capitation.model import TOTAL_PAYMENTS


def compare(result: xr.Dataset, measures: Iterable[str] | None = None) -> xr.DataArray:
    """Set scenarios side by side, such as the same system under every form of contract.

    Parameters
    ----------
    result : xarray.Dataset
        From `project`.
    measures : iterable of str, optional
        Rules or totals that add up to pounds by year. If left out, the model's streams and their
        sum, total payments.

    Returns
    -------
    xarray.DataArray
        [GBP] on ``measure``, ``scenario`` and ``year``, of all practices together; with the
        coordinate ``title`` of each measure.

    Raises
    ------
    InputError
        For a name that is not in the result, and for what does not add up to pounds.

    Examples
    --------
    >>> from capitation import example_practices, project
    >>> result = project("thames-valley-pms", example_practices(), ["april-2015", "april-2016"])
    >>> table = compare(result, ["premium_withdrawn"])
    >>> table.sel(measure="premium_withdrawn", year="2015/16").values.round().tolist()
    [156480.0, 0.0]
    """
    streams = json.loads(result.attrs["streams"])
    names = list(dict.fromkeys(measures or [*streams, TOTAL_PAYMENTS]))
    amounts = [amounts_by_year(result, name) for name in names]
    sums = [amount.sum(str(amount.dims[1])) for amount in amounts]
    labels = {
        "measure": names,
        "scenario": sums[0]["scenario"].values,
        "year": sums[0]["year"].values,
    }
    titles = [str(result[name].attrs["long_name"]) for name in names]
    compared = xr.DataArray(
        np.stack([each.transpose("scenario", "year").values for each in sums]),
        labels,
        tuple(labels),
        "amount",
        {"units": "GBP", "long_name": "Amounts by scenario and fiscal year"},
    )
    return compared.assign_coords(title=("measure", titles))
