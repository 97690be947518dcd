"""A result as files that other programs read: a table in Parquet, or all of it in netCDF."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from capitation.chunked import is_chunked
from capitation.errors import InputError, Problem, raise_if_any
from capitation.extras import needed
from capitation.files import path_problems, written_beside
from capitation.projection import whole
from capitation.runs.pieces import ORDER, with_order, write_parts

if TYPE_CHECKING:
    import pyarrow as pa

AREAS = {"practice": "practice", "commissioner": "commissioner_code"}
"""What a row of a table may be of, and the dimension that it has in a result."""

MOST_ROWS = 200_000
"""Rows that are held at once."""


# Parquet ----------------------------------------------------------------------------------------


def write_parquet(result: xr.Dataset, path: str | Path, of: str = "practice") -> Path:
    """Write a result as a table: a row for each scenario, practice and month.

    Parameters
    ----------
    result : xarray.Dataset
        From `project`, or one scenario of it.
    path : str or Path
        Ends in ``.parquet``. Of a file that stands there, nothing is left. A chunked result becomes
        a folder of this name, with a file for each chunk of practices; it must not be there yet.
    of : {"practice", "commissioner"}
        What a row is of: each practice, or each commissioner.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If it is no whole result, nothing can be written there, or pyarrow is not installed: it
        comes with the extra ``parquet``.

    Notes
    -----
    Columns: ``scenario``, ``practice`` with its name, ``commissioner`` and contract type, ``month``
    (its first day), ``fiscal_year``; then every rule, total, input and term under its own name, as
    float64 and to the last bit, in the order in which they are reckoned.

    Each amount stands once, so that columns can be added up. What is so much a year stands in the
    first row of its fiscal year and is null in the others. What is of commissioners is not in the
    table of practices, and what is of practices is not in that of commissioners. Terms and facts of
    the calendar stand in every row of both, and so do practices' inputs, which do not move: a list
    or a sum of the base year is not to be added up over months.

    The schema's metadata has the result's attributes, and each column's has those of its variable:
    ``units``, ``long_name``, ``kind``, ``formula``, ``source`` and others, as text. Files are the
    same to the last byte where pyarrow is of the same version.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import pandas as pd
    >>> from capitation import example_practices, project
    >>> result = project("uniting-care", example_practices(), months=2)
    >>> with TemporaryDirectory() as folder:
    ...     paid = pd.read_parquet(write_parquet(result, f"{folder}/run.parquet"))
    >>> len(paid), paid.columns[:3].tolist()
    (..., ['scenario', 'practice', 'practice_name'])
    """
    path = Path(path)
    if of not in AREAS:
        raise InputError(Problem("of", f"found {of!r}", f"one of {', '.join(AREAS)}"))
    raise_if_any(path_problems(path, ".parquet"))
    result = whole(result)
    needed("pyarrow.parquet", "parquet")
    if is_chunked(result):
        result = result.drop_vars(_of_others(result, AREAS[of]))
        if of == "practice":
            return write_parts(_write_rows, result, path)
        result = result.compute()
    with written_beside(path) as file:
        _write_rows(result, file, of)
    return path


def _write_rows(result: xr.Dataset, file: Any, of: str = "practice") -> None:
    """Write rows to a file, or to where one is to stand."""
    table = _Table(result, AREAS[of])
    parquet = needed("pyarrow.parquet", "parquet")
    with parquet.ParquetWriter(file, table.schema, compression="zstd") as writer:
        for rows in table.pieces():
            writer.write_table(rows)


def _of_others(result: xr.Dataset, area: str) -> list[str]:
    """Variables that are not of the area that rows are of."""
    other = next(dim for dim in AREAS.values() if dim != area)
    return [str(name) for name, variable in result.data_vars.items() if other in variable.dims]


class _Table:
    """A result as rows and columns.

    Parameters
    ----------
    result : xarray.Dataset
    area : str
        Dimension that rows are of.
    """

    def __init__(self, result: xr.Dataset, area: str):
        self.pa = needed("pyarrow", "parquet")
        self.result = result
        self.area = area
        others = _of_others(result, area)
        self.columns = {
            str(name): variable
            for name, variable in result.variables.items()
            if name in result.data_vars and name not in others
        }
        self.labels = self._labels()
        years = result["fiscal_year"].values.astype(str)
        self.year_of_month = [result["year"].values.astype(str).tolist().index(y) for y in years]
        self.begins_year = np.append(True, years[1:] != years[:-1])

    def _labels(self) -> dict[str, np.ndarray]:
        """What rows are of, beside scenario and month: a column each."""
        if self.area == "commissioner_code":
            return {"commissioner": self.result["commissioner_code"].values.astype(str)}
        names = [n for n, c in self.result.coords.items() if c.dims == ("practice",)]
        in_order = sorted(map(str, names), key=lambda name: name != "practice")
        return {name: self.result[name].values for name in in_order}

    @property
    def schema(self) -> pa.Schema:
        """Names, kinds and attributes of the columns."""
        pa = self.pa
        text = pa.dictionary(pa.int32(), pa.string())
        fields = [pa.field("scenario", text)]
        for name, values in self.labels.items():
            numeric = values.dtype.kind in "fiub"
            fields.append(pa.field(name, pa.float64() if numeric else text))
        fields += [pa.field("month", pa.date32()), pa.field("fiscal_year", text)]
        fields += [
            pa.field(name, pa.float64(), metadata=_as_text(variable.attrs))
            for name, variable in self.columns.items()
        ]
        return pa.schema(fields, metadata=_as_text(self.result.attrs))

    def pieces(self) -> Iterator[pa.Table]:
        """Rows of each scenario in turn, so many areas at once."""
        months = self.result.sizes["month"]
        count = self.result.sizes[self.area]
        step = max(1, MOST_ROWS // months)
        for scenario in range(self.result.sizes["scenario"]):
            for first in range(0, count, step):
                yield self._piece(scenario, slice(first, min(first + step, count)))

    def _piece(self, scenario: int, areas: slice) -> pa.Table:
        months = self.result.sizes["month"]
        some = len(range(*areas.indices(self.result.sizes[self.area])))
        day = self.result["month"].values.astype("datetime64[D]")
        year = self.result["fiscal_year"].values.astype(str)
        name = str(self.result["scenario"].values[scenario])
        columns = [np.full(some * months, name)]
        columns += [np.repeat(values[areas], months) for values in self.labels.values()]
        columns += [np.tile(day, some), np.tile(year, some)]
        columns += [self._values(v, scenario, areas, some) for v in self.columns.values()]
        schema = self.schema
        arrays = [self._array(c, field) for c, field in zip(columns, schema, strict=True)]
        return self.pa.Table.from_arrays(arrays, schema=schema)

    def _array(self, column: np.ndarray, field: pa.Field) -> pa.Array:
        if self.pa.types.is_dictionary(field.type):
            return self.pa.array(column.astype(str).tolist(), self.pa.string()).dictionary_encode()
        if self.pa.types.is_floating(field.type):
            column = column.astype(float)
            return self.pa.array(column, field.type, mask=np.isnan(column))
        return self.pa.array(column, field.type)

    def _values(self, variable: xr.Variable, scenario: int, areas: slice, some: int) -> np.ndarray:
        """A variable on the rows of a piece; what is so much a year stands in its first month."""
        picked: dict[str, Any] = {"scenario": scenario, self.area: areas}
        found = variable.isel({dim: at for dim, at in picked.items() if dim in variable.dims})
        values = found.values.astype(float)
        if "year" in found.dims:
            values = np.where(self.begins_year, values[..., self.year_of_month], np.nan)
        if "month" not in found.dims and "year" not in found.dims:
            values = values[..., np.newaxis]
        return np.broadcast_to(values, (some, self.result.sizes["month"])).reshape(-1)


def _as_text(attributes: Mapping[Any, Any]) -> dict[str, str]:
    return {str(name): str(value) for name, value in attributes.items()}


# netCDF -----------------------------------------------------------------------------------------


def write_netcdf(result: xr.Dataset, path: str | Path) -> Path:
    """Write the whole of a result as netCDF: rules, terms, inputs and sources with it.

    Parameters
    ----------
    result : xarray.Dataset
        From `project`, or one scenario of it.
    path : str or Path
        Ends in ``.nc``. Of a file that stands there, nothing is left.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If it is no whole result, nothing can be written there, or scipy is not installed: it comes
        with the extra ``netcdf``.

    Notes
    -----
    The format is netCDF 3 with 64-bit offsets, which every reader of netCDF knows; the same result
    gives the same bytes. `read_result` gives the result back as it was. `xarray.open_dataset` gives
    the same values and attributes too; labels are then of the kind ``object`` and not ``str``, and
    variables and coordinates may stand in another order.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from capitation import example_practices, project
    >>> result = project("uniting-care", example_practices(), months=2)
    >>> with TemporaryDirectory() as folder:
    ...     read_result(write_netcdf(result, f"{folder}/run.nc")).identical(result)
    True
    """
    path = Path(path)
    raise_if_any(path_problems(path, ".nc"))
    result = whole(result)
    needed("scipy.io", "netcdf")
    content = with_order(result.compute()).to_netcdf(engine="scipy", format="NETCDF3_64BIT")
    with written_beside(path) as file:
        file.write(content)
    return path


def read_result(path: str | Path) -> xr.Dataset:
    """Read a result that `write_netcdf` wrote.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    xarray.Dataset
        As it was written: values to the last bit, attributes, and the order of variables, so that
        it can be explained, compared and written as a workbook.

    Raises
    ------
    InputError
        If it cannot be read, or is no result that `write_netcdf` wrote; or scipy is not installed.
    """
    path = Path(path)
    needed("scipy.io", "netcdf")
    mend = "give a file that write_netcdf, or run with --netcdf, wrote"
    try:
        read = xr.load_dataset(io.BytesIO(path.read_bytes()), engine="scipy")
    except OSError as error:
        found = f"cannot be read: {error.strerror or error}"
        raise InputError(Problem(str(path), found, mend)) from None
    except Exception:  # whatever a file of another kind, or a damaged one, makes the reader raise
        raise InputError(Problem(str(path), "is not a netCDF file, or is damaged", mend)) from None
    if ORDER not in read.attrs:
        raise InputError(Problem(str(path), "is no result of capitation", mend))
    order = json.loads(read.attrs.pop(ORDER))
    variables = {name: read.variables[name] for name in order["variables"]}
    coordinates = {name: _as_labels(read.variables[name]) for name in order["coordinates"]}
    return whole(xr.Dataset(variables, coordinates, read.attrs))


def _as_labels(variable: xr.Variable) -> xr.Variable:
    """A coordinate as a result has it: text as text, and no trace of how the file had it."""
    values = variable.values
    if values.dtype.kind == "O":
        values = values.astype(str)
    return xr.Variable(variable.dims, values, variable.attrs)
