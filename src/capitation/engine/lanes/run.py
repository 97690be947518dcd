"""A kernel in lanes, run: its tables packed once, its commissioners spread over threads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from capitation.engine.compiling import load
from capitation.engine.graph import area_of, time_of
from capitation.engine.lanes.kernel import LaneKernel
from capitation.engine.lanes.loops import Block, Derived
from capitation.side_by_side import aligned, side_by_side

TASKS_A_THREAD = 4
"""Ranges of commissioners for each thread: enough that none waits long for the last."""


@dataclass
class LaneRun:
    """A kernel in lanes with its tables packed, to be run as often as is wished.

    Parameters
    ----------
    kernel : LaneKernel
    sizes : mapping of str to int
        Length of each dimension.
    index : mapping of str to array of int64
        ``practice_start`` and ``year_of_month``.
    values : mapping of str to array of float64
        What the kernel's inputs are made of, each on its own dimensions in canonical order.
    dtype : type
        Of the results by practice and month: ``numpy.float32`` halves what is written.
    """

    kernel: LaneKernel
    sizes: Mapping[str, int]
    index: Mapping[str, np.ndarray]
    values: Mapping[str, np.ndarray]
    dtype: type = np.float64
    blocks: dict[str, np.ndarray] = field(init=False, default_factory=dict)
    scratch: list[list[np.ndarray]] = field(init=False, default_factory=list)
    faults: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        width = self.kernel.width
        self.tiles = -(-self.sizes["scenario"] // width)
        self.starts = np.asarray(self.index["practice_start"], dtype=np.int64)
        years = np.asarray(self.index["year_of_month"], dtype=np.int64)
        self.month_start = np.searchsorted(years, np.arange(self.sizes["year"] + 1))
        self.read = [self.scalar(self.kernel.inputs[name]) for name in self.kernel.scalars]
        self.read += [self.packed(block) for block in self.kernel.tables]

    def run(self, threads: int = 1, *, compiled: bool = True) -> dict[str, np.ndarray]:
        """Run all commissioners.

        The arrays of the run before are used again, and what they held is lost.

        Parameters
        ----------
        threads : int
            How many work side by side. The result is the same to the last bit.
        compiled : bool
            Through Numba. As plain Python it is slower than the plain layout: for tests.

        Returns
        -------
        dict of str to ndarray
            What was asked for, each on its own dimensions in canonical order: views, not copies,
            where one tile holds all scenarios.
        """
        function = load(self.kernel.source, compiled, error_model="numpy")
        width, sizes = self.kernel.width, self.sizes
        for block in self.kernel.results:
            if block.name not in self.blocks:
                self.blocks[block.name] = aligned(self.size_of(block), self.dtype_of(block))
        self.faults = np.zeros(sizes["commissioner_code"] * self.tiles * width)
        results = [self.blocks[block.name] for block in self.kernel.results]

        def task(groups: range) -> None:
            scratch = self.scratch.pop() if self.scratch else self.new_scratch()
            counts = [groups.start, groups.stop, self.tiles, sizes["year"], sizes["month"]]
            arrays = [self.starts, self.month_start, *self.read, *scratch, *results, self.faults]
            function(*counts, *(arrays if compiled else [memoryview(of) for of in arrays]))  # type: ignore[arg-type]
            self.scratch.append(scratch)

        parts = threads * TASKS_A_THREAD if threads > 1 else 1
        for _ in side_by_side(task, shares(self.starts, parts), threads):
            pass
        return dict(self.views())

    def new_scratch(self) -> list[np.ndarray]:
        """Room for the largest commissioner, which threads hand on to each other."""
        most = int(np.diff(self.starts).max())
        return [aligned(self.size_of(block, most)) for block in self.kernel.scratch]

    def first_fault(self) -> tuple[int, int] | None:
        """Positions of a commissioner and a scenario in which a rule divided by zero, if any."""
        faults = self.faults.reshape(self.sizes["commissioner_code"], -1)
        found = np.argwhere(faults[:, : self.sizes["scenario"]])
        return (int(found[0][0]), int(found[0][1])) if len(found) else None

    # ------------------------------------------------------------------ arrays

    def dtype_of(self, block: Block) -> type:
        return self.dtype if "practice" in block.dims else np.float64

    def size_of(self, block: Block, practices: int = 0) -> int:
        """Numbers in a block: of all, or of a commissioner with so many practices."""
        count = len(block.columns) * self.kernel.width
        held = block.name.startswith(("held", "past"))
        for dim in block.dims:
            if held and dim == "practice":
                count *= practices
            elif not (held and dim == "commissioner_code"):
                count *= self.sizes[dim]
        return count if held else count * self.tiles

    def derived(self, wanted: Derived) -> np.ndarray:
        """An input, made from the value that it stands for."""
        if wanted.how == "begun":
            return np.minimum(np.arange(self.sizes["year"], dtype=np.float64), 1.0)
        array = np.asarray(self.values[wanted.of], dtype=np.float64)
        dims = wanted.dims
        if wanted.how == "start":
            return array[..., 0]
        if wanted.how == "before":
            return self.one_earlier(array, wanted)
        assert array.ndim == len(dims)
        return array

    def one_earlier(self, array: np.ndarray, wanted: Derived) -> np.ndarray:
        """A value of the month, or year, before; time is the last dimension."""
        shape = tuple(self.sizes[d] for d in wanted.dims)
        # What never moves stands still: only before the first month is it another value.
        earlier = np.empty(shape)
        moves = array.ndim == len(shape)
        earlier[..., 1:] = array[..., :-1] if moves else array[..., np.newaxis]
        earlier[..., 0] = self.on_all(wanted.first, wanted.first_dims, wanted.dims[:-1])
        return earlier

    def on_all(self, name: str, dims: tuple[str, ...], wanted: tuple[str, ...]) -> np.ndarray:
        """A value as it is at the start, along all of the wanted dimensions."""
        array = np.asarray(self.values[name], dtype=np.float64)
        if time_of(dims):
            array, dims = array[..., 0], dims[:-1]
        if area_of(dims) == "commissioner_code" and area_of(wanted) == "practice":
            array = np.repeat(array, np.diff(self.starts), axis=dims.index("commissioner_code"))
            dims = tuple("practice" if d == "commissioner_code" else d for d in dims)
        return array[tuple(slice(None) if d in dims else np.newaxis for d in wanted)]

    def scalar(self, wanted: Derived) -> np.ndarray:
        return np.asarray(self.derived(wanted), order="C")

    def packed(self, block: Block) -> np.ndarray:
        """Rows of lanes: area and time first, then tile, column and lane."""
        width = self.kernel.width
        shape = [self.sizes[d] for d in block.dims]
        rows = aligned(self.size_of(block)).reshape(*shape, self.tiles, len(block.columns), width)
        for column, name in enumerate(block.columns):
            array = np.moveaxis(self.derived(self.kernel.inputs[name]), 0, -1)
            spare = self.tiles * width - array.shape[-1]
            # What fills the last tile up is a scenario like the last, so that no lane misbehaves.
            filled = np.pad(array, [(0, 0)] * len(shape) + [(0, spare)], mode="edge")
            rows[..., column, :] = filled.reshape(*shape, self.tiles, width)
        return rows.reshape(-1)

    def views(self) -> Iterator[tuple[str, np.ndarray]]:
        width, scenarios = self.kernel.width, self.sizes["scenario"]
        for block in self.kernel.results:
            shape = [self.sizes[d] for d in block.dims]
            rows = self.blocks[block.name].reshape(*shape, self.tiles, len(block.columns), width)
            for column, name in enumerate(block.columns):
                lanes = rows[..., column, :].reshape(*shape, self.tiles * width)
                yield name, np.moveaxis(lanes[..., :scenarios], -1, 0)


def shares(starts: np.ndarray, parts: int) -> Iterator[range]:
    """Ranges of commissioners with about as many practices each.

    Examples
    --------
    >>> list(shares(np.array([0, 10, 20, 21, 22, 40]), 2))
    [range(0, 2), range(2, 5)]
    """
    last, many = len(starts) - 1, int(starts[-1])
    begin = 0
    for part in range(1, parts + 1):
        end = int(np.searchsorted(starts, many * part / parts)) if part < parts else last
        end = min(max(end, begin), last)
        if end > begin:
            yield range(begin, end)
            begin = end
