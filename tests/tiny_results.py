"""Results of a projection as written by hand: amounts of a few practices over a few months."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from capitation.engine.calendar import fiscal_year


def tiny_result(
    amounts: Mapping[str, Any],
    *,
    start: str = "2015-04",
    scenarios: Sequence[str] = ("as-is", "strict"),
    practices: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
) -> xr.Dataset:
    """A result of practices and months; an amount is so much a month, unless it has a unit.

    An array has as many dimensions as scenario, practice and month, or fewer of the last ones.
    """
    by_code = practices or {"P1": "C1", "P2": "C1", "P3": "C2"}
    arrays = {name: np.asarray(array, dtype=float) for name, array in amounts.items()}
    count = max(array.shape[-1] for array in arrays.values())
    months = pd.date_range(f"{start}-01", periods=count, freq="MS").astype("datetime64[ns]")
    years = [fiscal_year(month.date()) for month in months]
    dims = ("scenario", "practice", "month")
    variables = {
        name: (
            dims[-array.ndim :],
            array,
            {"units": (units or {}).get(name, "GBP/month"), "long_name": name},
        )
        for name, array in arrays.items()
    }
    labels = {
        "scenario": list(scenarios),
        "practice": list(by_code),
        "commissioner": ("practice", list(by_code.values())),
        "commissioner_code": sorted(set(by_code.values())),
        "month": months,
        "fiscal_year": ("month", years),
        "year": list(dict.fromkeys(years)),
    }
    return xr.Dataset(variables, labels)
