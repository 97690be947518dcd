"""The kernel of a simulation in the fast layout: draws side by side, as the lanes of a vector unit.

`emit_lane_draws` writes the loops of `engine.drawing` in another order: commissioner, block of 128
draws, pass, practice, year, month, scenario, lane. The random numbers of a practice and period are
worked out once, outside the loop over scenarios. Rules are called in the same order and sums are
taken in the same order, so that both layouts give the same bits.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from capitation.engine.compiling import load
from capitation.engine.drawing import KEYS, DrawingKernel, emit_draws
from capitation.engine.graph import Graph
from capitation.engine.lane_draws.loops import LaneDrawEmission, LaneDrawSource
from capitation.engine.lane_draws.samplers import LANES, lane_text
from capitation.engine.lanes.loops import Block
from capitation.engine.lanes.run import aligned


@dataclass(frozen=True)
class LaneDrawingKernel:
    """A simulation's kernel in the fast layout; uncompiled, it is the plain one.

    Attributes
    ----------
    plain : DrawingKernel
        The naive twin: it says what is read and what is put aside.
    graph : Graph
        The part of the rules that is run in each draw.
    """

    plain: DrawingKernel
    graph: Graph

    @property
    def inputs(self) -> dict[str, tuple[str, ...]]:
        """Dimensions of each array read."""
        return self.plain.inputs

    @property
    def collected(self) -> dict[str, tuple[str, ...]]:
        """Dimensions of each array put aside, to which a draw adds one last index."""
        return self.plain.collected

    @property
    def streams(self) -> tuple[str, ...]:
        """Random rules whose numbers are drawn."""
        return self.plain.streams

    @functools.cached_property
    def lanes(self) -> LaneDrawSource:
        """The generated source in the fast layout."""
        return LaneDrawEmission(self.graph, self.plain).source()

    @property
    def source(self) -> str:
        """The generated source in the fast layout."""
        return self.lanes.text

    def run(
        self,
        sizes: Mapping[str, int],
        index: Mapping[str, np.ndarray],
        keys: Mapping[str, np.ndarray],
        values: Mapping[str, np.ndarray],
        collected: Mapping[str, np.ndarray],
        draws: range,
        practices: range,
        *,
        compiled: bool,
    ) -> None:
        """Run some draws, and put aside what was asked for of some practices.

        Parameters
        ----------
        sizes, index, keys, values, collected, draws, practices
            As for `DrawingKernel.run`. Fastest if the draws are a multiple of 128.
        compiled : bool
            Through Numba; else the plain kernel runs, with the same result to the last bit.

        Raises
        ------
        ZeroDivisionError
            If a rule divides by zero: the plain kernel, uncompiled, says which.
        """
        if not compiled:
            of_run = (sizes, index, keys, values, collected, draws, practices)
            self.plain.run(*of_run, compiled=False)
            return
        arguments = self.arguments(sizes, index, keys, values, collected, draws, practices)
        function = load(self.source, True, lane_text(), error_model="numpy")
        function(*arguments)
        faults = arguments[-1]
        if faults[0]:
            raise ZeroDivisionError("a rule divides by zero in some draw")

    def arguments(
        self,
        sizes: Mapping[str, int],
        index: Mapping[str, np.ndarray],
        keys: Mapping[str, np.ndarray],
        values: Mapping[str, np.ndarray],
        collected: Mapping[str, np.ndarray],
        draws: range,
        practices: range,
    ) -> list[Any]:
        """What the function in the fast layout is given: counts, and arrays; faults are the last.

        Raises
        ------
        ValueError
            If an array of `collected` is not contiguous: it would be written in vain.
        """
        source = self.lanes
        starts = np.asarray(index["practice_start"], dtype=np.int64)
        most = int(np.diff(starts).max(initial=0))
        rows = aligned(source.rows * LANES)
        written = [collected[name] for name in source.collected]
        if not all(array.flags.c_contiguous for array in written):
            raise ValueError("draws are put aside in contiguous arrays")
        counts = [sizes[d] for d in ("scenario", "commissioner_code", "year", "month")]
        in_all = written[0].shape[-1] if written else 0
        return [
            *counts,
            *(len(draws), draws.start, in_all, practices.start, practices.stop),
            starts,
            month_starts(np.asarray(index["year_of_month"]), sizes["year"]),
            *(_keys(keys, name, draws) for name in KEYS),
            *(np.asarray(values[name], dtype=np.float64, order="C") for name in source.inputs),
            *(aligned(_size(block, sizes, most)) for block in source.blocks),
            rows,
            rows.view(np.uint64),
            rows.view(np.float32),
            *(array.reshape(-1) for array in written),
            np.zeros(1),
        ]


def emit_lane_draws(graph: Graph, wanted: Sequence[str]) -> tuple[LaneDrawingKernel, Graph]:
    """Write the kernel that draws `wanted`, draws side by side.

    Parameters
    ----------
    graph : Graph
        All the rules, bound.
    wanted : sequence of str
        Rules and totals that chance touches, none of them by month.

    Returns
    -------
    kernel : LaneDrawingKernel
    graph : Graph
        The part that is run in each draw: see `emit_draws`.
    """
    plain, part = emit_draws(graph, wanted)
    return LaneDrawingKernel(plain, part), part


def month_starts(year_of_month: np.ndarray, years: int) -> np.ndarray:
    """The first month of each year, and the end.

    Examples
    --------
    >>> month_starts(np.array([0, 0, 0, 1, 1]), 2).tolist()
    [0, 3, 5]
    """
    return np.searchsorted(year_of_month, np.arange(years + 1)).astype(np.int64)


def _keys(keys: Mapping[str, np.ndarray], name: str, draws: range) -> np.ndarray:
    """Keys of one kind; those of draws fill up whole blocks, the last draw over and over."""
    of_kind = np.asarray(keys[name], dtype=np.uint64, order="C")
    if name != "draw":
        return of_kind
    return np.pad(of_kind[draws.start : draws.stop], (0, -len(draws) % LANES), mode="edge")


def _size(block: Block, sizes: Mapping[str, int], practices: int) -> int:
    """Numbers in a block of scratch memory, of a commissioner with so many practices."""
    count = len(block.columns) * LANES
    for dim in block.dims:
        if dim == "practice":
            count *= practices
        elif dim != "commissioner_code":
            count *= sizes[dim]
    return count
