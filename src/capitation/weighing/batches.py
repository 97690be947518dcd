"""Tables of persons, a batch of rows at a time: columns in memory, or a file that is not."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from capitation.errors import InputError, Problem, raise_if_any
from capitation.weighing.persons import AGE_BAND, PRACTICE, SEX, START

AT_ONCE = 1 << 22
"""Rows of a file in one batch: a few columns of them are some tens of megabytes."""

AT_ONCE_IN_MEMORY = 1 << 24
"""Rows of columns in memory."""

Batch = Mapping[str, Any]


class Persons:
    """A table of persons, whatever it came as.

    Parameters
    ----------
    table : mapping of str to array, pandas.DataFrame, pyarrow.Table, xarray.Dataset or path-like
        A path is of a .parquet or a .csv file.

    Attributes
    ----------
    place : str
        How messages name it.
    names : list of str
        Of its columns.

    Raises
    ------
    InputError
        If it is none of these, or there is no such file.
    """

    def __init__(self, table: Any):
        self.place = "persons"
        self.path: Path | None = None
        if isinstance(table, (str, os.PathLike)):
            self.path = _readable(Path(table))
            self.place = self.path.name
            self.names = _names_of_file(self.path)
        elif hasattr(table, "column_names"):
            self.names = list(table.column_names)
        elif hasattr(table, "data_vars"):
            self.names = [str(name) for name in table.variables]
        elif isinstance(table, (Mapping, pd.DataFrame)):
            self.names = [str(name) for name in table]
        else:
            mend = "give columns, a data frame, an Arrow table, a Dataset or the path of a file"
            raise InputError(Problem("persons", f"found {type(table).__name__}", mend))
        # Where persons begin is of all of them, and not of a batch.
        if self.path is not None or hasattr(table, "column_names"):
            self.names = [name for name in self.names if name != START]
        self.table = table

    @property
    def rows(self) -> int:
        """How many persons there are; 0 if that is not known before they are read."""
        if self.path is not None:
            return _rows_of_file(self.path)
        lengths = [self.table[name] for name in self.names if name != START]
        return max((len(of) for of in lengths if getattr(of, "ndim", 1) == 1), default=0)

    def batches(self, wanted: Sequence[str]) -> Iterator[tuple[int, Batch]]:
        """The first row of each batch, from 0, and its columns.

        Raises
        ------
        InputError
            If a file cannot be read, or columns are not of one length and one dimension.
        """
        if self.path is not None:
            frames = _frames_of_file(self.path, wanted)
        elif hasattr(self.table, "column_names"):
            frames = _frames_of_arrow(self.table.select(list(wanted)).to_batches(AT_ONCE))
        else:
            yield from _slices(_columns_of(self.table, wanted))
            return
        first = 0
        for frame in frames:
            yield first, {name: plain(frame[name].array) for name in wanted}
            first += len(frame)


def plain(values: Any) -> Any:
    """A column as NumPy holds it, or as a categorical; what is missing of numbers is NaN."""
    if isinstance(values, pd.Series):
        values = values.array
    if isinstance(getattr(values, "dtype", None), pd.CategoricalDtype):
        return values if isinstance(values, pd.Categorical) else pd.Categorical(values)
    if isinstance(values, pd.api.extensions.ExtensionArray) and values.dtype.kind in "uifb":
        missing = bool(values.isna().any())
        return values.to_numpy(dtype=float, na_value=np.nan) if missing else values.to_numpy()
    return np.asarray(values)


def _columns_of(table: Any, wanted: Sequence[str]) -> dict[str, Any]:
    columns = {}
    for name in wanted:
        column = table[name]
        columns[name] = plain(column.values if hasattr(column, "coords") else column)
    raise_if_any(
        Problem(f"persons, {name}", f"has {np.ndim(column)} dimensions", "one is wanted")
        for name, column in columns.items()
        if np.ndim(column) != 1
    )
    lengths = {name: len(column) for name, column in columns.items() if name != START}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{name} {length:,}" for name, length in lengths.items())
        mend = "every column has a row for each person"
        raise InputError(Problem("persons", f"columns are of different lengths: {found}", mend))
    return columns


def _slices(columns: Mapping[str, Any]) -> Iterator[tuple[int, Batch]]:
    """Batches of columns in memory. Persons in order of practice stay together: they are cheap."""
    if START in columns:
        yield 0, columns
        return
    length = len(next(iter(columns.values())))
    for first in range(0, length, AT_ONCE_IN_MEMORY):
        rows = slice(first, first + AT_ONCE_IN_MEMORY)
        yield first, {name: column[rows] for name, column in columns.items()}


# Files ------------------------------------------------------------------------------------------


def _readable(path: Path) -> Path:
    if path.suffix.lower() not in (".parquet", ".csv"):
        found = f"{path.suffix or 'no ending'} is not read"
        raise InputError(Problem(str(path), found, "give a .parquet or a .csv file"))
    if not path.is_file():
        raise InputError(Problem(str(path), "there is no such file"))
    return path


def _parquet(path: Path) -> Any:
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError:
        mend = 'install it, pip install "capitation[parquet]", or give a .csv file'
        raise InputError(Problem(path.name, "pyarrow is not installed", mend)) from None
    try:
        return ParquetFile(path)
    except (ArrowException, OSError) as error:
        raise InputError(Problem(path.name, f"is not a Parquet file: {error}")) from None


def _names_of_file(path: Path) -> list[str]:
    if path.suffix.lower() == ".parquet":
        with _parquet(path) as file:
            return [str(name) for name in file.schema_arrow.names]
    for frame in _frames_of_csv(path, None, 1):
        return [str(name) for name in frame.columns]
    return []


def _rows_of_file(path: Path) -> int:
    if path.suffix.lower() != ".parquet":
        return 0
    with _parquet(path) as file:
        return int(file.metadata.num_rows)


def _frames_of_file(path: Path, wanted: Sequence[str]) -> Iterator[pd.DataFrame]:
    if path.suffix.lower() == ".csv":
        yield from _frames_of_csv(path, wanted, AT_ONCE)
        return
    with _parquet(path) as file:
        yield from _frames_of_arrow(file.iter_batches(AT_ONCE, columns=list(wanted)))


def _frames_of_arrow(batches: Any) -> Iterator[pd.DataFrame]:
    # As categories, a text that stands in a million rows is looked up once.
    yield from (batch.to_pandas(strings_to_categorical=True) for batch in batches)


def _frames_of_csv(path: Path, wanted: Sequence[str] | None, rows: int) -> Iterator[pd.DataFrame]:
    # In a file of text a label is a label, though it be made of digits.
    as_text: Any = dict.fromkeys((PRACTICE, AGE_BAND, SEX), "category")
    columns = None if wanted is None else list(wanted)
    try:
        with pd.read_csv(
            path, usecols=columns, dtype=as_text, chunksize=rows, encoding="utf-8-sig"
        ) as reader:
            yield from reader
    except (ValueError, OSError) as error:
        said = str(error).strip().splitlines()[0]
        raise InputError(
            Problem(path.name, f"cannot be read: {said}", "a CSV file in UTF-8")
        ) from None
