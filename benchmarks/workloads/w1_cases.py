"""Every way of doing W1, at a size."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np

from workloads.measuring import Case
from workloads.w1 import (
    FLOPS_PER_CELL,
    FLOPS_PER_CELL_PUSHED_DOWN,
    LINES,
    Figures,
    Size,
    difference,
    figures,
    lines_of,
    oracle,
)

SIZES = {"tiny": Size(72), "ci": Size(1_500), "full": Size(7_500)}

SLOW_PEERS = {
    "tiny": {"cell": Size(3, 1), "vector": Size(72, 1), "point": Size(5, 1)},
    "ci": {"cell": Size(5, 1), "vector": Size(1_500, 1), "point": Size(20, 1)},
    "full": {"cell": Size(10, 1), "vector": Size(7_500, 1), "point": Size(100, 1)},
}
"""Sizes that peers can bear which do a cell, a month, or a practice at a time in Python."""

Check = Callable[[Any], float]
SINGLE = 1e-6
"""How far numbers of four bytes may be from those of eight."""


@cache
def of_size(size: Size) -> Figures:
    return figures(size)


@cache
def wanted_of(size: Size) -> np.ndarray:
    return oracle(of_size(size))


@cache
def prepared(size: Size) -> Any:
    from workloads.w1_ours import Prepared

    return Prepared(of_size(size))


def compared(size: Size, common: Callable[[Any], np.ndarray] = np.asarray) -> Check:
    """How far sums are from the oracle's."""
    return lambda found: difference(common(found), wanted_of(size))


def cases(size: str) -> list[Case]:
    """Ours first, then what is written by hand, then the peers."""
    return [*ours(SIZES[size]), *by_hand(SIZES[size]), *peers(SIZES[size]), *slow_peers(size)]


# ------------------------------------------------------------------ ours


def ours(size: Size) -> list[Case]:
    """Generated kernels alone, and the whole of what a user calls."""
    case = partial(Case, "W1", cells=size.cells, ours=True)

    def sums(threads: int, pushed: bool) -> Any:
        return prepared(size).sums_in_lanes(threads, linear_parts_pushed_down=pushed)

    def end_to_end(threads: int) -> Any:
        from workloads.w1_ours import EndToEnd

        return partial(EndToEnd(of_size(size)).run, threads)

    def labelled(found: Any) -> np.ndarray:
        from workloads.w1_ours import EndToEnd

        return EndToEnd.common(found)

    check = compared(size, lambda found: prepared(size).common(found))
    every = {"check": check, "flops": FLOPS_PER_CELL}
    few = {"check": check, "flops": FLOPS_PER_CELL_PUSHED_DOWN}
    end = {"check": compared(size, labelled)}
    found = [case("generated kernel", partial(sums, 1, False), **every, baseline=True)]
    found.append(case("generated kernel", partial(sums, 2, False), threads=2, **every))
    for threads in (1, 2):
        prepare = partial(sums, threads, True)
        found.append(case("generated kernel, pushed down", prepare, threads=threads, **few))
    for threads in (1, 2):
        prepare = partial(end_to_end, threads)
        found.append(case("project_totals, end to end", prepare, threads=threads, **end))
    found.append(case("generated plain loop", lambda: prepared(size).plain(), check=check))
    return [*found, *cells(size)]


def cells(size: Size) -> list[Case]:
    """Every cell of the lines that differ by scenario, into the block of the run before."""
    found = []
    for dtype, name, within in ((np.float64, "8", 1e-12), (np.float32, "4", SINGLE)):
        for threads in (1, 2):
            found.append(
                Case(
                    "W1",
                    f"generated kernel, cells of {name} bytes",
                    lambda t=threads, d=dtype: prepared(size).cells_in_lanes(t, d),
                    size.cells,
                    partial(difference_of_cells, size),
                    threads=threads,
                    within=within,
                    ours=True,
                    note="one line, the same in all scenarios, is kept once",
                    bytes_moved=(len(LINES) - 1) * np.dtype(dtype).itemsize,
                )
            )
    return found


def difference_of_cells(size: Size, found: dict[str, np.ndarray]) -> float:
    """Of the cells of some commissioners, against the oracle's."""
    f = of_size(size)
    worst = 0.0
    for g in range(0, f.groups, max(1, f.groups // 5)):
        wanted = lines_of(f.of_groups(g, g + 1))
        rows = slice(f.start[g], f.start[g + 1])
        for name in LINES:
            here = found[name][..., rows, :]
            of = np.moveaxis(wanted[name], 1, 0)
            of = of if here.ndim == 3 else of[0]
            worst = max(worst, float((np.abs(here - of) / np.abs(of).max()).max()))
    return worst


# ------------------------------------------------------------------ by hand, and peers


def by_hand(size: Size) -> list[Case]:
    def tiles(threads: int) -> Any:
        from workloads.w1_by_hand import Tiles

        made = Tiles(of_size(size))
        return lambda: made.common(made.run(threads))

    def loop() -> Any:
        from workloads.w1_by_hand import PlainLoop

        return PlainLoop(of_size(size)).run

    case = partial(Case, "W1", cells=size.cells, check=compared(size))
    in_tiles = {"flops": FLOPS_PER_CELL, "note": "what a specialist writes for this one model"}
    return [
        case("by hand, in tiles", partial(tiles, 1), **in_tiles),
        case("by hand, in tiles", partial(tiles, 2), threads=2, **in_tiles),
        case("by hand, plain triple loop", loop),
    ]


def peers(size: Size) -> list[Case]:
    def broadcast() -> Any:
        from workloads.w1_peers import numpy_broadcast

        return partial(numpy_broadcast, of_size(size))

    def blocked() -> Any:
        from workloads.w1_peers import numpy_blocked

        return partial(numpy_blocked, of_size(size))

    def of(name: str) -> Any:
        from workloads import w1_peers

        return getattr(w1_peers, name)(of_size(size)).run

    case = partial(Case, "W1", cells=size.cells, check=compared(size))
    polars = {"threads": 2, "needs": "pip install polars"}
    return [
        case("pandas", partial(of, "Pandas"), note="a scenario at a time: memory"),
        case("xarray broadcast", partial(of, "Xarray")),
        case("NumPy broadcast", broadcast),
        case("NumPy in blocks", blocked),
        case("Polars lazy", partial(of, "Polars"), **polars),
        case("numexpr", partial(of, "Numexpr"), needs="pip install numexpr"),
        case("Numba, a function a column", partial(of, "Columns"), note="a scenario at a time"),
    ]


def slow_peers(size: str) -> list[Case]:
    def modelx(name: str, of: Size) -> Any:
        from workloads import w1_modelx

        return getattr(w1_modelx, name)(of_size(of)).run

    def cashflower(of: Size) -> Any:
        from workloads.w1_cashflower import Cashflower

        return Cashflower(of_size(of)).run

    sizes = SLOW_PEERS[size]
    cell, vector, point = sizes["cell"], sizes["vector"], sizes["point"]
    install = "pip install modelx"
    return [
        Case(
            "W1",
            "modelx, a cell for each practice and month",
            partial(modelx, "Modelx", cell),
            cell.cells,
            compared(cell),
            needs=install,
            note=f"{cell.practices} practices, one scenario",
        ),
        Case(
            "W1",
            "modelx, a cell for each month (as lifelib)",
            partial(modelx, "ModelxOverPractices", vector),
            vector.cells,
            compared(vector),
            needs=install,
            note=f"{vector.practices:,} practices, one scenario",
        ),
        Case(
            "W1",
            "cashflower",
            partial(cashflower, point),
            point.cells,
            compared(point),
            needs="pip install --no-deps cashflower (it asks for numpy 2.0.1 and no other)",
            note=f"{point.practices} practices, one scenario",
        ),
    ]
