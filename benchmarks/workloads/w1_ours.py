"""W1 as our own library does it: kernels that are generated from the model's rules.

`project_totals` is timed as its users call it. For the kernels alone, what it does before (reading
terms, packing tables) is done once here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr

from capitation.engine.graph import Graph
from capitation.engine.kernel import emit
from capitation.engine.lanes.kernel import emit_lanes, width_for
from capitation.engine.lanes.run import LaneRun
from capitation.engine.linearity import pushed_down
from capitation.evaluation import evaluate
from capitation.setting import setting_of, values_of_leaves
from capitation.totals import adding_up, project_totals
from workloads.w1 import LINES, VARIABLES, Figures, model_of, practices_of

Found = dict[str, np.ndarray]


class Prepared:
    """Everything that a kernel of W1 reads, made once."""

    def __init__(self, f: Figures):
        model = model_of(f)
        self.setting = setting_of(model, practices_of(f), None, None)
        summed = adding_up(model, VARIABLES, model.scenarios)
        self.graph, self.sums = summed.graph, summed.sums
        years = self.setting.year_of_month
        self.index = {"practice_start": self.setting.practice_start, "year_of_month": years}
        self.of_cells: dict[type, tuple[LaneRun, Found]] = {}

    @property
    def wanted(self) -> list[str]:
        """The totals of W1, by commissioner and year."""
        return list(self.sums.values())

    def plain(self) -> Callable[[], Found]:
        """The plain layout: the naive twin of the one in lanes."""
        kernel = emit(self.graph, self.wanted)
        values = self.leaves(self.graph.only(self.wanted))
        read = {name: values[name] for name in kernel.inputs}
        return lambda: kernel.run(self.setting.sizes, self.index, read, compiled=True)

    def lanes(
        self, graph: Graph, wanted: Sequence[str], dtype: type = np.float64
    ) -> tuple[LaneRun, Found]:
        """The layout in lanes, its tables packed; and what was worked out before."""
        kernel = emit_lanes(graph, wanted, width_for(self.setting.sizes["scenario"]))
        values = self.leaves(graph)
        before = emit(graph, kernel.before)
        read = {name: values[name] for name in before.inputs}
        values |= evaluate(before, graph, self.setting, read, compiled=False)
        return LaneRun(kernel, self.setting.sizes, self.index, values, dtype), values

    def sums_in_lanes(self, threads: int, *, linear_parts_pushed_down: bool) -> Callable[[], Found]:
        """The totals of W1, as `project_totals` works them out."""
        graph = pushed_down(self.graph, self.wanted) if linear_parts_pushed_down else self.graph
        run, before = self.lanes(graph, self.wanted)
        return lambda: {**before, **run.run(threads)}

    def cells_in_lanes(self, threads: int, dtype: type) -> Callable[[], Found]:
        """Six lines of every cell, written into the block of the run before."""
        if dtype not in self.of_cells:
            self.of_cells[dtype] = self.lanes(self.graph, LINES, dtype)
        run, before = self.of_cells[dtype]
        return lambda: {**before, **run.run(threads)}

    def leaves(self, graph: Graph) -> Found:
        return values_of_leaves(graph.leaves, self.setting, {})

    def common(self, found: Found) -> np.ndarray:
        """Sums on variable, scenario, group and year; one line is the same in all scenarios."""
        return np.stack(np.broadcast_arrays(*(found[name] for name in self.wanted)))


class EndToEnd:
    """What a user calls: from a model and practices to labelled sums."""

    def __init__(self, f: Figures):
        self.model, self.practices = model_of(f), practices_of(f)

    def run(self, threads: int) -> xr.Dataset:
        return project_totals(
            self.model, self.practices, variables=list(VARIABLES), threads=threads, compiled=True
        )

    @staticmethod
    def common(found: xr.Dataset) -> np.ndarray:
        """The same, of what `project_totals` gives."""
        dims = ("scenario", "commissioner_code", "year")
        return np.stack([found[name].transpose(*dims).values for name in VARIABLES])
