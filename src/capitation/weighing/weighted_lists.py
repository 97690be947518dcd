"""Person-level capitation: persons to person weights to practices' weighted lists, in one count.

Persons are counted once, by practice, age band, sex and need flags. The counts hold all that a
weighted list depends on: any number of weights is laid on them without another look at a person.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from capitation.errors import InputError, Problem, raise_if_any
from capitation.side_by_side import checked_threads
from capitation.weighing.counts import COUNTS, DIMS, count_persons
from capitation.weighing.kernels import weighed, worth_compiling
from capitation.weighing.persons import AGE_BAND, PRACTICE, SEX, Cells
from capitation.weighing.weights import (
    SET,
    WEIGHT,
    factors_of_practices,
    weights_as_given,
    weights_of_cells,
)


def weigh(
    persons: Any,
    weights: Any,
    factors: Any = None,
    *,
    normalise: bool | float | Sequence[float] | xr.DataArray = True,
    practices: Sequence[str] | None = None,
    threads: int | None = None,
    compiled: bool | None = None,
) -> xr.Dataset:
    """Weighted list of each practice, from persons' weights.

    A person weighs what his age band and sex do, times the factor of each of his flags. What the
    persons of a practice weigh, times the practice's own factors, is its weighted list, once all
    are scaled alike so that weighted lists add up to the persons there are.

    Parameters
    ----------
    persons : xarray.Dataset, or as for `count_persons`
        What `count_persons` gave, which is quick however often it is weighed; or persons, who are
        counted first, by the labels and flags of the weights.
    weights : xarray.Dataset, xarray.DataArray or path-like
        As `read_person_weights` reads them: `weight` [1] on (weight_set, age_band, sex), and
        `factor` [1] on (weight_set, flag), if there are flags. Sets are weighed at once. A flag
        of persons without a factor weighs nothing. The path of a .csv file will do.
    factors : xarray.Dataset, pandas.DataFrame or path-like, optional
        Of practices, such as market forces and rurality: each a variable [1] on ``practice``, or on
        (weight_set, practice). All are multiplied.
    normalise : bool, float, or one for each set
        Whether lists are scaled so that they add up to persons; or the scale itself, such as the
        `normalisation` of April that holds for the year.
    practices : sequence of str, optional
        As for `count_persons`.
    threads : int, optional
        That compiled code uses; one for each processor if left out.
    compiled : bool, optional
        Through Numba, or by NumPy, with the same result to the last bit. If left out, large jobs
        are compiled.

    Returns
    -------
    xarray.Dataset
        On ``weight_set`` and ``practice``: `weighted_list` [patient] and `need_index` [1], the
        weighted over the registered list, 0 where nobody is registered; on ``practice``:
        `registered_list` [patient]; on ``weight_set``: `normalisation` [1], the scale.

    Raises
    ------
    InputError
        As from `count_persons`; for a weight that is missing, not a number or below nothing; for a
        flag that persons do not have; for a practice without factors; if there are no persons, or
        all weigh nothing.

    Notes
    -----
    Counts are whole numbers, and cells are added up in their order: the order of persons and the
    number of threads change no bit of the result.

    Examples
    --------
    Two practices of 100 persons. The old weigh three times as much as the young.

    >>> import xarray as xr
    >>> young, old = [0] * 100, [0] * 60 + [1] * 40
    >>> persons = {
    ...     "practice": ["A99001"] * 100 + ["A99002"] * 100,
    ...     "age_band": young + old,
    ...     "sex": [0] * 200,
    ... }
    >>> weights = xr.DataArray([[1.0], [3.0]], {"age_band": ["0-64", "65+"], "sex": ["all"]})
    >>> weighted = weigh(persons, weights)
    >>> weighted["weighted_list"].squeeze().round(2).values.tolist()
    [71.43, 128.57]
    """
    given = weights_as_given(weights)
    if not _is_counted(persons):
        persons = count_persons(
            persons,
            given.flags,
            age_bands=given.age_bands,
            sexes=given.sexes,
            practices=practices,
            threads=threads,
            compiled=compiled,
        )
    cells, counts = _cells_and_counts(persons)
    of_cells = weights_of_cells(given, cells, str(persons.attrs.get("source", COUNTS)))
    codes, sets = _texts(persons[PRACTICE]), given.sets
    of_practices: npt.NDArray[np.float64] = np.ones(1)
    named: list[str] = []
    if factors is not None:
        of_practices, named = factors_of_practices(factors, codes, sets)
    steps = counts.size * len(sets)
    crude = of_practices * weighed(
        counts,
        of_cells,
        compiled=worth_compiling(steps) if compiled is None else compiled,
        threads=checked_threads(threads),
    )
    registered = counts.sum(axis=1)
    scale = _scale(normalise, int(registered.sum()), crude, sets)
    result = _weighted(codes, sets, registered, crude * scale[:, None], scale)
    told = {"source": str(persons.attrs.get("source", "")), "practice_factors": ", ".join(named)}
    return result.assign_attrs(told, weights_source=given.source)


def _texts(labels: xr.DataArray) -> list[str]:
    found: list[str] = labels.values.astype(str).tolist()
    return found


def _is_counted(persons: Any) -> bool:
    """Whether persons are counted already."""
    return isinstance(persons, xr.Dataset) and COUNTS in persons and AGE_BAND in persons.dims


def _cells_and_counts(counted: xr.Dataset) -> tuple[Cells, npt.NDArray[np.int64]]:
    """What persons are told apart by, and their counts by practice and cell."""
    flags = [str(name) for name, of in counted.coords.items() if of.dims == ("need",)]
    cells = Cells(
        tuple(_texts(counted[AGE_BAND])),
        tuple(_texts(counted[SEX])),
        tuple(name for name in flags if name != "need"),
    )
    mend = "as count_persons makes it, with some practices left out, if wanted, and nothing else"
    if set(counted[COUNTS].dims) != set(DIMS) or _texts(counted["need"]) != cells.combinations:
        raise InputError(Problem(COUNTS, "are not counts by practice, age, sex and need", mend))
    values = counted[COUNTS].transpose(*DIMS).values
    counts = np.asarray(values, np.int64).reshape(len(values), cells.width)
    whole = values.dtype.kind in "ui" or (counts.reshape(values.shape) == values).all()
    if not whole or counts.min(initial=0) < 0:
        raise InputError(Problem(COUNTS, "some are not whole numbers of 0 or more", mend))
    if not counts.any():
        raise InputError(Problem(COUNTS, "there are no persons", "give one at least"))
    return cells, np.ascontiguousarray(counts)


def _scale(
    normalise: Any, persons: int, crude: npt.NDArray[np.float64], sets: Sequence[str]
) -> npt.NDArray[np.float64]:
    """By what each set's weighted lists are multiplied."""
    if normalise is False:
        return np.ones(len(sets))
    if normalise is True:
        # Exactly rounded sums: the order of practices has no say either.
        totals = [math.fsum(lists) for lists in crude.tolist()]
        raise_if_any(
            Problem(WEIGHT, f"all persons weigh nothing in the set {key}", "weigh some of them")
            for key, total in zip(sets, totals, strict=True)
            if not total > 0
        )
        return persons / np.array(totals)
    given = np.asarray(normalise, float)
    scale = (
        np.broadcast_to(given, len(sets))
        if given.ndim < 2 and given.size in (1, len(sets))
        else None
    )
    if scale is None or not (np.isfinite(scale) & (scale > 0)).all():
        mend = "True, False, or a number above zero for each set of weights"
        raise InputError(Problem("normalise", f"found {normalise!r}", mend))
    return scale


def _weighted(
    codes: Sequence[str],
    sets: Sequence[str],
    registered: npt.NDArray[np.int64],
    weighted: npt.NDArray[np.float64],
    scale: npt.NDArray[np.float64],
) -> xr.Dataset:
    index = np.divide(weighted, registered, out=np.zeros_like(weighted), where=registered > 0)
    by_both = (SET, PRACTICE)
    found: dict[str, tuple[Any, Any, str, str]] = {
        "weighted_list": (by_both, weighted, "patient", "Weighted list"),
        "need_index": (by_both, index, "1", "Weighted over registered list"),
        "registered_list": (PRACTICE, registered, "patient", "Registered list"),
        "normalisation": (SET, scale, "1", "Scale of weighted lists"),
    }
    return xr.Dataset(
        {
            name: (dims, values, {"units": unit, "long_name": title})
            for name, (dims, values, unit, title) in found.items()
        },
        {SET: list(sets), PRACTICE: list(codes)},
        {"title": "Weighted lists of practices, from persons"},
    )
