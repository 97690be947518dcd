"""Past one machine: practices in chunks, and each chunk's results a task of Dask's.

A chunk is of whole commissioners, since what a model adds up it adds up over a commissioner's
practices: chunks then have nothing to say to each other, and the figures are those of a run in one
piece to the last bit. Dask alone distributes the work, and no other run loads it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise, product
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from capitation.engine.rule import Rule
from capitation.errors import InputError, Problem, listed, raise_if_any
from capitation.extras import needed
from capitation.model import Model
from capitation.setting import Setting

if TYPE_CHECKING:
    from dask.array import Array
    from dask.delayed import Delayed

PRACTICES_PER_CHUNK = 500
"""A fifteenth of England: large enough that putting a task together does not count."""


def chunk_by_commissioner(
    practices: xr.Dataset, practices_per_chunk: int = PRACTICES_PER_CHUNK
) -> xr.Dataset:
    """Cut practices into chunks of whole commissioners, each of which Dask then runs as a task.

    Parameters
    ----------
    practices : xarray.Dataset
        On ``practice``, with the coordinate ``commissioner``; in memory, or opened from Zarr.
    practices_per_chunk : int
        The most in a chunk; a commissioner that has more is a chunk by itself.

    Returns
    -------
    xarray.Dataset
        The same practices with figures in chunks. Their order is kept where each commissioner's
        stand together; otherwise they are put in order of commissioner.

    Raises
    ------
    InputError
        If there is no coordinate ``commissioner``, the number is not at least one, or Dask is not
        installed: it comes with the extra ``cluster``.

    Examples
    --------
    >>> from capitation import example_practices, project
    >>> practices = chunk_by_commissioner(example_practices())
    >>> lazy = project("bolton-quality-contract", practices, months=12)
    >>> lazy.chunks["practice"]
    (50,)
    >>> lazy.compute().identical(project("bolton-quality-contract", example_practices(), months=12))
    True
    """
    if "commissioner" not in getattr(practices, "coords", ()):
        mend = "add 'commissioner' along 'practice'"
        raise InputError(Problem("practices", "there is no coordinate 'commissioner'", mend))
    if type(practices_per_chunk) is not int or practices_per_chunk < 1:
        found = f"found {practices_per_chunk!r}"
        raise InputError(Problem("practices_per_chunk", found, "a whole number from 1 on"))
    _dask("array")
    areas = practices["commissioner"].values.astype(str)
    if len(_starts(areas)) > len(np.unique(areas)):
        order = np.argsort(areas, kind="stable")
        practices, areas = practices.isel(practice=order), areas[order]
    sizes = np.diff([*_starts(areas), len(areas)]).tolist()
    return practices.chunk(practice=tuple(_filled(sizes, practices_per_chunk)))


def _starts(areas: np.ndarray) -> np.ndarray:
    """Where a commissioner's practices begin, one after the other."""
    return np.flatnonzero(np.append(True, areas[1:] != areas[:-1]))


def _filled(sizes: Iterable[int], most: int) -> list[int]:
    """Commissioners' sizes put together, up to so many practices."""
    chunks: list[int] = []
    for size in sizes:
        if chunks and chunks[-1] + size <= most:
            chunks[-1] += size
        else:
            chunks.append(size)
    return chunks


def is_chunked(dataset: Any) -> bool:
    """Whether a Dataset's variables are Dask's, without loading Dask to find out."""
    variables = getattr(dataset, "variables", {})
    return any(variable.chunks is not None for variable in variables.values())


def in_memory(
    practices: Any, scenarios_per_chunk: int | None = None
) -> tuple[Any, tuple[int, ...] | None]:
    """Read chunked practices, and say how many each chunk has; None of practices not chunked.

    Practices have one number a figure, some hundred bytes each: it is what is reckoned from them,
    by scenario and month, that can be larger than memory.

    Raises
    ------
    InputError
        If a chunk ends inside a commissioner, or scenarios are to be cut and practices are not.
    """
    if not is_chunked(practices):
        if scenarios_per_chunk is not None:
            found, mend = "practices are not chunked", "chunk_by_commissioner(practices)"
            raise InputError(Problem("scenarios_per_chunk", found, mend))
        return practices, None
    chunks = practices.unify_chunks().chunks
    sizes = chunks.get("practice", (practices.sizes.get("practice", 0),))
    practices = practices.compute()
    if "commissioner" in practices.coords:
        raise_if_any(_commissioners_cut(practices["commissioner"].values.astype(str), sizes))
    return practices, sizes


def _commissioners_cut(areas: np.ndarray, sizes: Sequence[int]) -> list[Problem]:
    of_chunks = [set(areas[of].tolist()) for of in _slices(sizes)]
    seen: set[str] = set()
    cut: set[str] = set()
    for codes in of_chunks:
        cut |= seen & codes
        seen |= codes
    if not cut:
        return []
    found = f"practices of one commissioner stand in several chunks: {listed(sorted(cut))}"
    return [Problem("practices", found, "cut them with chunk_by_commissioner(practices)")]


def _slices(sizes: Sequence[int]) -> list[slice]:
    return [slice(first, end) for first, end in pairwise(accumulate(sizes, initial=0))]


# ---------------------------------------------------------------- lazy results


@dataclass(frozen=True)
class Run:
    """A run that is done in chunks.

    Attributes
    ----------
    function : callable
        What does it in one piece, as `project` does: a function that can be imported by its name,
        since a process of the cluster has to find it.
    setting : Setting
        What the whole run is about.
    practices : xarray.Dataset
        In the order given.
    sizes : tuple of int
        How many practices each chunk has.
    given : mapping of str to DataArray
        As for `project`.
    scenarios_per_chunk : int or None
        How many scenarios a chunk has; None for all.
    """

    function: Callable[..., xr.Dataset]
    setting: Setting
    practices: xr.Dataset
    sizes: tuple[int, ...]
    given: Mapping[str, xr.DataArray]
    scenarios_per_chunk: int | None = None

    def arrays(
        self, dims: Mapping[str, tuple[str, ...]], options: Mapping[str, Any]
    ) -> dict[str, Array]:
        """The variables of the whole run by name, as Dask's arrays.

        Parameters
        ----------
        dims : mapping of str to tuple of str
            The variables wanted, with their dimensions in the whole run. Practices are in the order
            given, commissioners in order of code.
        options : mapping
            Further options of the function.

        Raises
        ------
        InputError
            If Dask is not installed, or there is no such number of scenarios.
        """
        scenarios = self._names_of_scenarios()
        tasks = self._tasks(scenarios, dims, options)
        areas = self.practices["commissioner"].values.astype(str)
        codes = [np.unique(areas[of]).tolist() for of in _slices(self.sizes)]
        sizes = {dim: (size,) for dim, size in self.setting.sizes.items()} | {
            "scenario": tuple(map(len, scenarios)),
            "practice": self.sizes,
            "commissioner_code": tuple(map(len, codes)),
        }
        arrays = {
            name: _array(name, of, tasks, [sizes[dim] for dim in of]) for name, of in dims.items()
        }
        in_chunks = [code for of_chunk in codes for code in of_chunk]
        if in_chunks != list(self.setting.commissioners):
            order = np.argsort(in_chunks)
            for name, of in dims.items():
                if "commissioner_code" in of:
                    at = of.index("commissioner_code")
                    arrays[name] = _dask("array").take(arrays[name], order, axis=at)
        return arrays

    def _names_of_scenarios(self) -> list[list[str]]:
        names = [scenario.name for scenario in self.setting.scenarios]
        most = len(names) if self.scenarios_per_chunk is None else self.scenarios_per_chunk
        if type(most) is not int or most < 1:
            raise InputError(Problem("scenarios_per_chunk", f"found {most!r}", "a whole number"))
        return [names[first : first + most] for first in range(0, len(names), most)]

    def _tasks(
        self,
        scenarios: Sequence[list[str]],
        dims: Mapping[str, tuple[str, ...]],
        options: Mapping[str, Any],
    ) -> dict[tuple[int, int], Delayed]:
        """A task for each chunk, by number of its scenarios and of its practices."""
        delayed = _dask("delayed").delayed
        key = f"{self.function.__name__}-{uuid.uuid4().hex}"
        # One task holds what is large and the same for all, so that it is sent once.
        shared = delayed((_to_send(self.setting.model), dict(dims)), f"model-{key}", traverse=False)
        options = {**options, "months": len(self.setting.months)}
        tasks = {}
        parts = enumerate(_slices(self.sizes))
        for (number, of), (at, names) in product(parts, enumerate(scenarios)):
            practices = self.practices.isel(practice=of)
            codes = practices["practice"].values
            given = {name: array.sel(practice=codes) for name, array in self.given.items()}
            tasks[at, number] = delayed(arrays_of_chunk, pure=False)(
                self.function,
                shared,
                practices,
                names,
                given,
                options,
                dask_key_name=(key, at, number),
            )
        return tasks


def arrays_of_chunk(
    function: Callable[..., xr.Dataset],
    shared: tuple[Model, Mapping[str, tuple[str, ...]]],
    practices: xr.Dataset,
    scenarios: list[str],
    given: Mapping[str, xr.DataArray],
    options: Mapping[str, Any],
) -> dict[str, np.ndarray]:
    """Do the run for one chunk: the task that Dask gives to a thread, a process or a machine."""
    model, dims = shared
    model = _about(practices, model)
    result = function(model, practices, scenarios, given=given or None, **options)
    return {name: _on(of, result[name], len(scenarios)) for name, of in dims.items()}


def _on(dims: tuple[str, ...], variable: xr.DataArray, scenarios: int) -> np.ndarray:
    """A chunk's values on the dimensions of the whole: scenarios may differ only beyond it."""
    if "scenario" in dims and "scenario" not in variable.dims:
        variable = variable.drop_vars("scenario", errors="ignore").expand_dims(scenario=scenarios)
    return np.asarray(variable.transpose(*dims).values, order="C")


def _about(practices: xr.Dataset, model: Model) -> Model:
    """The model with terms of these practices only; that some have their own still holds."""
    codes = set(practices["practice"].values.astype(str).tolist())
    own = {
        name: {code: values for code, values in of_term.items() if code in codes}
        for name, of_term in model.practice_terms.items()
    }
    return replace(model, practice_terms=own)


def _to_send(model: Model) -> Model:
    """The model with its rules as text, as which they can be read wherever they are sent."""
    definitions = tuple(
        replace(definition, function=None) if isinstance(definition, Rule) else definition
        for definition in model.definitions
    )
    return replace(model, definitions=definitions)


def _array(
    name: str,
    dims: tuple[str, ...],
    tasks: Mapping[tuple[int, int], Delayed],
    sizes: Sequence[tuple[int, ...]],
) -> Array:
    """One variable of all chunks. What is of no practice is taken from the first chunk of them."""
    key = f"{name}-{uuid.uuid4().hex}"
    graph, used = {}, {}
    for block in product(*(range(len(of_dim)) for of_dim in sizes)):
        at = dict(zip(dims, block, strict=True))
        number = at.get("practice", at.get("commissioner_code", 0))
        task = tasks[at.get("scenario", 0), number]
        graph[key, *block] = (taken, task.key, name)
        used[task.key] = task
    layers = _dask("highlevelgraph").HighLevelGraph.from_collections(
        key, graph, list(used.values())
    )
    return _dask("array").Array(layers, key, tuple(sizes), dtype=np.float64)


def taken(arrays: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    """One array of a chunk's: a task of Dask's too, and so of a name by which it can be found."""
    return arrays[name]


def _dask(module: str) -> Any:
    return needed(f"dask.{module}", "cluster")
