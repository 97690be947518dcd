"""A result too large for memory as files: written chunk by chunk, by whatever Dask runs on."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from itertools import accumulate, pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from capitation.errors import InputError, Problem, raise_if_any
from capitation.extras import needed
from capitation.projection import whole

DIMENSIONS = ("scenario", "practice")
"""Along which a chunked result is cut."""


ORDER = "capitation_order"
"""Attribute of a file: variables and coordinates in the order of the result."""


def with_order(result: xr.Dataset) -> xr.Dataset:
    """The result with the order of its variables, which not every kind of file keeps."""
    order = {
        "variables": [str(name) for name in result.data_vars],
        "coordinates": [str(name) for name in result.coords],
    }
    return result.assign_attrs({ORDER: json.dumps(order)})


def write_zarr(result: xr.Dataset, path: str | Path) -> Path:
    """Write the whole of a result as a Zarr store, rules, terms, inputs and sources with it.

    Parameters
    ----------
    result : xarray.Dataset
        From `project`, or one scenario of it. If it is chunked, chunks are computed and written one
        after the other, by as many at once as Dask has threads, processes or machines.
    path : str or Path
        Of a folder that is not there yet, which machines of a cluster have to see as well.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If it is no whole result, nothing can be written there, something stands there, or zarr is
        not installed: it comes with the extra ``zarr``.

    Notes
    -----
    `open_result` opens it again, the same to the last bit; so does ``xarray.open_zarr``, with
    variables in order of name. Chunks in the store are of equal length, as Zarr wants them, and so
    not of whole commissioners. The format is Zarr 2, which has a settled form for text.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from capitation import example_practices, project
    >>> result = project("uniting-care", example_practices(), months=2)
    >>> with TemporaryDirectory() as folder:
    ...     open_result(write_zarr(result, f"{folder}/run.zarr")).load().identical(result)
    True
    """
    path = Path(path)
    raise_if_any(folder_problems(path))
    result = whole(result)
    needed("zarr", "zarr")
    with folder_beside(path) as beside:
        _in_equal_chunks(with_order(result)).to_zarr(
            beside,
            mode="w",
            zarr_format=2,
            consolidated=True,
            # A chunk of nothing but -0.0 is not to come back as 0.0.
            write_empty_chunks=True,
        )
    return path


def _in_equal_chunks(result: xr.Dataset) -> xr.Dataset:
    """Chunks as Zarr wants them: all but the last of one length."""
    variables = {name: v for name, v in result.data_vars.items() if v.chunks is not None}
    if not variables:
        return result
    lengths = {str(dim): max(sizes) for dim, sizes in result.chunks.items() if dim in DIMENSIONS}
    return result.assign(
        {
            name: variable.chunk({dim: lengths.get(str(dim), -1) for dim in variable.dims})
            for name, variable in variables.items()
        }
    )


def open_result(path: str | Path) -> xr.Dataset:
    """Open a result that `write_zarr` wrote, without reading it.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    xarray.Dataset
        As it was written, with variables in their order, in chunks that are read when asked for.

    Raises
    ------
    InputError
        If it cannot be opened, or is no result that `write_zarr` wrote; or zarr is not installed.
    """
    needed("zarr", "zarr")
    needed("dask.array", "cluster")
    mend = "give a folder that write_zarr wrote"
    try:
        read = xr.open_zarr(path, consolidated=True)
    except Exception:  # whatever another folder, or none, makes the reader raise
        raise InputError(Problem(str(path), "is not a Zarr store", mend)) from None
    if ORDER not in read.attrs:
        raise InputError(Problem(str(path), "is no result of capitation", mend))
    order = json.loads(read.attrs.pop(ORDER))
    variables = {name: read.variables[name] for name in order["variables"]}
    coordinates = {name: read.variables[name].load() for name in order["coordinates"]}
    return whole(xr.Dataset(variables, coordinates, read.attrs))


def write_parts(write: Callable[[xr.Dataset, Path], Any], result: xr.Dataset, path: Path) -> Path:
    """Write a chunked result as a folder of files, one for each chunk.

    Parameters
    ----------
    write : callable
        Writes a part of the result, held in memory, to a file; it can be imported by its name.
    result : xarray.Dataset
        Chunked along practices, and perhaps scenarios.
    path : Path
        Of the folder, which is not there yet.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If nothing can be written there, or something stands there.
    """
    raise_if_any(folder_problems(path))
    dask = needed("dask", "cluster")
    task = dask.delayed(write_part, pure=False)
    with folder_beside(path) as beside:
        parts = enumerate(_parts(result))
        files = (
            task(write, held, arrays, beside / f"part-{number:05}{path.suffix}")
            for number, (held, arrays) in parts
        )
        dask.compute(*files)
    return path


def write_part(
    write: Callable[[xr.Dataset, Path], Any],
    held: xr.Dataset,
    arrays: Mapping[str, tuple[tuple[Hashable, ...], np.ndarray, Mapping[str, str]]],
    path: Path,
) -> None:
    """Write one part, its arrays computed: a task of Dask's, found by its name."""
    write(held.assign(arrays), path)


def _parts(result: xr.Dataset) -> Iterator[tuple[xr.Dataset, dict[str, Any]]]:
    """Each chunk, those of one scenario after the other: what is held of it, and what is not.

    Arrays go as Dask's blocks. Were a whole Dataset handed to a task, Dask would put each of its
    variables in order by itself, and do the run anew for every one.
    """
    lazy = {str(name): v for name, v in result.variables.items() if v.chunks is not None}
    blocks = {name: v.data.to_delayed(optimize_graph=False) for name, v in lazy.items()}
    held = result.drop_vars(lazy)
    numbered = [list(enumerate(_slices_of(result, dim))) for dim in DIMENSIONS]
    for places in product(*numbered):
        at: dict[Any, Any] = dict(zip(DIMENSIONS, places, strict=True))
        arrays = {}
        for name, variable in lazy.items():
            block = tuple(at[dim][0] if dim in at else 0 for dim in variable.dims)
            arrays[name] = (variable.dims, blocks[name][block], variable.attrs)
        yield held.isel({dim: of for dim, (_, of) in at.items()}), arrays


def _slices_of(result: xr.Dataset, dim: str) -> list[slice]:
    sizes = result.chunks.get(dim) or (result.sizes[dim],)
    return [slice(first, end) for first, end in pairwise(accumulate(sizes, initial=0))]


def folder_problems(path: Path) -> Iterator[Problem]:
    """Why no folder can be written at a path, as far as that can be said before."""
    if not path.parent.is_dir():
        yield Problem(str(path), "its folder does not exist", f"make {path.parent} first")
    elif path.exists():
        yield Problem(str(path), "something stands there", "delete it, or choose another name")
    elif not os.access(path.parent, os.W_OK):
        found = f"nothing can be written in {str(path.parent)!r}"
        yield Problem(str(path), found, "choose another folder")


@contextmanager
def folder_beside(path: Path) -> Iterator[Path]:
    """Make a folder beside its place, and put it there once all is written.

    Raises
    ------
    InputError
        If nothing can be written there.
    """
    try:
        beside = Path(tempfile.mkdtemp(prefix=f".{path.stem}-", suffix=".part", dir=path.parent))
        try:
            yield beside
            mask = os.umask(0)
            os.umask(mask)
            beside.chmod(0o777 & ~mask)
            beside.rename(path)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    except OSError as error:
        found = f"the folder cannot be written: {error.strerror or error}"
        raise InputError(Problem(str(path), found, "choose another name")) from None
