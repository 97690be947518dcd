"""Persons counted by practice, age band, sex and need: all that any weights need to know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from capitation.errors import Problem, raise_if_any
from capitation.side_by_side import checked_threads
from capitation.weighing.batches import Persons
from capitation.weighing.kernels import (
    counted_in_any_order,
    counted_in_order,
    worth_compiling,
)
from capitation.weighing.persons import (
    AGE_BAND,
    CELL,
    MASK,
    PRACTICE,
    SEX,
    START,
    Cells,
    Coding,
    Faults,
    cells_of,
    columns_wanted,
    missing_columns,
)

AGE_BANDS = ("0-4", "5-14", "15-44", "45-64", "65-74", "75-84", "85+")
SEXES = ("male", "female")
"""Age bands and sexes of the global sum formula."""

COUNTS = "persons"
DIMS = (PRACTICE, AGE_BAND, SEX, "need")


def count_persons(
    persons: Any,
    flags: Sequence[str] = (),
    *,
    age_bands: Sequence[str] = AGE_BANDS,
    sexes: Sequence[str] = SEXES,
    practices: Sequence[str] | None = None,
    threads: int | None = None,
    compiled: bool | None = None,
) -> xr.Dataset:
    """Count persons by practice, age band, sex and need: all that any weights need to know.

    Parameters
    ----------
    persons : mapping of str to array, pandas.DataFrame, pyarrow.Table, xarray.Dataset or path-like
        A row for each person. Columns: ``practice``, a code, or its place in `practices` from 0;
        ``age_band`` and ``sex``, a label, or its place among the labels from 0; and one for each
        flag, true or false, 1 or 0. Where labels are numbers, a number is a label.

        In place of the flags' columns there may be one, ``mask``, with a bit for each flag, the
        first the lowest; in place of age band, sex and flags, ``cell``: (age band × sexes + sex) ×
        2^flags + mask. For persons in order of practice, columns in memory may have
        ``practice_start`` in place of ``practice``: where those of each begin, and the end.

        A path is of a .parquet file, or of a .csv file, which has labels only; both are read batch
        by batch.
    flags : sequence of str
        Names of the need flags.
    age_bands, sexes : sequence of str
        Labels, in order. Those of the global sum formula if left out.
    practices : sequence of str, optional
        Codes, in the order wanted; one of nobody has a count of zero. If left out, those that
        persons have, sorted, or as many as the places that persons have, numbered.
    threads : int, optional
        That the compiled count uses; one for each processor if left out.
    compiled : bool, optional
        Through Numba, or by NumPy, with the same counts. If left out, large counts are compiled.

    Returns
    -------
    xarray.Dataset
        `persons` [patient] on (practice, age_band, sex, need), whole numbers. ``need`` is a
        combination of flags, such as ``"none"`` or ``"home+new"``; each flag is a coordinate along
        it.

    Raises
    ------
    InputError
        For a column that is not there, persons of no known practice, age band or sex, with a flag
        that is neither true nor false, and columns of different lengths. All persons that are
        wrong, by how many and where the first of them stand.

    Examples
    --------
    >>> persons = {
    ...     "practice": ["A99001", "A99001", "A99002"],
    ...     "age_band": ["0-4", "85+", "85+"],
    ...     "sex": ["female", "male", "female"],
    ...     "home": [False, True, False],
    ... }
    >>> counted = count_persons(persons, ["home"])
    >>> counted["persons"].sel(need="home").sum("sex").sel(age_band="85+").values.tolist()
    [1, 0]
    """
    cells = Cells(*(tuple(map(str, labels)) for labels in (age_bands, sexes, flags)))
    raise_if_any(cells.problems())
    table = Persons(persons)
    raise_if_any(missing_columns(table.names, cells, table.place))
    count = _Count(table, cells, practices, checked_threads(threads), compiled)
    codes, counts = count.codes_and_counts()
    return _labelled(counts, codes, cells, table.place)


class _Count:
    """Counts the persons of a table, batch by batch."""

    def __init__(
        self,
        table: Persons,
        cells: Cells,
        practices: Sequence[str] | None,
        threads: int,
        compiled: bool | None,
    ):
        self.table, self.cells = table, cells
        self.threads = threads
        self.compiled = worth_compiling(table.rows) if compiled is None else compiled
        known = None if practices is None else [str(code) for code in practices]
        self.practices = Coding(PRACTICE, known)
        masks, every = map(str, range(cells.masks)), map(str, range(cells.width))
        kinds = {AGE_BAND: cells.age_bands, SEX: cells.sexes, MASK: masks, CELL: every}
        self.codings = {name: Coding(name, list(labels)) for name, labels in kinds.items()}
        self.faults = Faults(table.place)

    def codes_and_counts(self) -> tuple[list[str], npt.NDArray[np.int64]]:
        """Practices' codes, sorted if nobody said in which order, and persons by cell."""
        counts, codes = self.counts(), self.practices.labels
        if not (self.practices.open and self.practices.met_texts):
            return codes, counts
        order = sorted(range(len(codes)), key=codes.__getitem__)
        return [codes[n] for n in order], counts[order]

    def counts(self) -> npt.NDArray[np.int64]:
        """Persons by practice, in the order in which practices became known, and cell."""
        counts = np.zeros((len(self.practices.labels), self.cells.width), np.int64)
        wanted = columns_wanted(self.table.names, self.cells)
        for first, columns in self.table.batches(wanted):
            cells = cells_of(columns, self.cells, self.codings, self.faults, first)
            if START in columns:
                counts = self.of_those_in_order(cells, columns[START])
                continue
            places = self.practices.codes(columns[PRACTICE], self.faults, first)
            more = len(self.practices.labels) - len(counts)
            counts = np.pad(counts, ((0, more), (0, 0))) if more else counts
            if len(cells) and not self.faults.found:
                counts += counted_in_any_order(
                    cells,
                    places.astype(np.int32, copy=False),
                    *counts.shape,
                    compiled=self.compiled,
                    threads=self.threads,
                )
        raise_if_any([*self.faults.problems(), *self.practices.problems(self.table.place)])
        return counts

    def of_those_in_order(self, cells: Any, start: Any) -> npt.NDArray[np.int64]:
        raise_if_any(_faults_of_start(start, len(cells), self.practices))
        raise_if_any(self.faults.problems())
        if self.practices.open:
            self.practices.labels = [str(n) for n in range(len(start) - 1)]
        return counted_in_order(
            np.ascontiguousarray(cells),
            np.asarray(start, np.int64),
            self.cells.width,
            compiled=self.compiled,
            threads=self.threads,
        )


def _faults_of_start(start: Any, persons: int, practices: Coding) -> list[Problem]:
    """Whether the beginnings of practices lie in order, from the first person to the last."""
    where = f"{COUNTS}, {START}"
    if start.dtype.kind not in "ui" or len(start) < 2:
        return [Problem(where, "are not whole numbers, two or more", "those of each, and the end")]
    problems = []
    if start[0] != 0 or start[-1] != persons or (np.diff(start.astype(np.int64)) < 0).any():
        found = f"from {start[0]:,} to {start[-1]:,}, of {persons:,} persons"
        problems.append(Problem(where, found, "from 0, never less, to how many persons there are"))
    if not practices.open and len(start) - 1 != len(practices.labels):
        found = f"of {len(start) - 1:,} practices; {len(practices.labels):,} are named"
        problems.append(Problem(where, found, "one more beginning than practices"))
    return problems


def _labelled(
    counts: npt.NDArray[np.int64], codes: Sequence[str], cells: Cells, source: str
) -> xr.Dataset:
    """Counts with their labels."""
    masks = np.arange(cells.masks)
    needs = {
        name: ("need", (masks >> bit & 1).astype(bool)) for bit, name in enumerate(cells.flags)
    }
    attributes = {"units": "patient", "long_name": "Persons registered", "source": source}
    shaped = counts.reshape(len(codes), *cells.shape)
    return xr.Dataset(
        {COUNTS: (DIMS, shaped, attributes)},
        {
            PRACTICE: list(codes),
            AGE_BAND: list(cells.age_bands),
            SEX: list(cells.sexes),
            "need": cells.combinations,
            **needs,
        },
        {"title": "Persons by practice, age band, sex and need", "source": source},
    )
