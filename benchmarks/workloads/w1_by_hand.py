"""W1 in kernels written by hand: the plain triple loop, and the layout that vectorises best.

The second is what a specialist would write for this one model: scenarios stand side by side as
lanes in tiles of constant width, and everything a lane reads lies in a few aligned tables.
"""

from __future__ import annotations

import numba
import numpy as np

from workloads.measuring import on_threads
from workloads.w1 import INPUTS, MONTHS_PER_YEAR, SERVICES, VARIABLES, Figures

LANES = 32
ALIGNMENT = 64
BY_MONTH = ("list_growth", "discount", *(f"uplift_{k}" for k in range(1, SERVICES + 1)))
BY_YEAR = ("price", "guarantee", "ramp", "clawback")
WIDE = len(VARIABLES)

compiled = numba.njit(nogil=True, error_model="numpy")


# ------------------------------------------------------------------ the plain triple loop


@compiled
def plain_loop(
    start, practice, uplifts, growth, discount, price, guarantee, ramp, clawback, left, out
):
    """Scenario, practice, month: one cell after the other."""
    groups = len(start) - 1
    scenarios, months = growth.shape
    for s in range(scenarios):
        for g in range(groups):
            for p in range(start[g], start[g + 1]):
                for t in range(months):
                    y = t // 12
                    registered = practice[p, 0] * growth[s, t]
                    weighted = registered * practice[p, 1]
                    global_sum = weighted * price[s, y] / 12
                    correction = practice[p, 2] * left[y] / 12
                    share = 1 - max(0.0, t - practice[p, 4]) * clawback[s]
                    premium = practice[p, 3] / 12 * max(0.0, min(1.0, share))
                    core = global_sum + correction + premium
                    top_up = max(0.0, guarantee[s, y] * weighted / 12 - core)
                    fixed = 0.6 * top_up
                    performance = 0.4 * top_up * min(1.0, practice[p, 5] * ramp[s, y])
                    heads = 0.0
                    for k in range(SERVICES):
                        heads += practice[p, 6 + k] * uplifts[k, s, t]
                    budget = registered * heads
                    out[0, s, g, y] += global_sum
                    out[1, s, g, y] += correction
                    out[2, s, g, y] += premium
                    out[3, s, g, y] += fixed
                    out[4, s, g, y] += performance
                    out[5, s, g, y] += budget
                    out[6, s, g, y] += (core + fixed + performance + budget) * discount[s, t]


class PlainLoop:
    """The plain loop with its arrays."""

    def __init__(self, f: Figures):
        self.f = f
        of = f.scenario
        practice = np.ascontiguousarray(np.stack([f.practice[n] for n in INPUTS], axis=1))
        years = (of[name] for name in ("price", "guarantee", "ramp"))
        self.arguments = (
            f.start,
            practice,
            np.ascontiguousarray(f.uplifts),
            of["list_growth"],
            of["discount"],
            *years,
            of["clawback"],
            f.left_of_correction,
        )

    def run(self) -> np.ndarray:
        f = self.f
        out = np.zeros((WIDE, f.size.scenarios, f.groups, f.years))
        plain_loop(*self.arguments, out)
        return out


# ------------------------------------------------------------------ the tiles


def aligned(shape: tuple[int, ...]) -> np.ndarray:
    """Zeros that begin at a multiple of 64 bytes: a cache line, and the widest vector."""
    count = int(np.prod(shape))
    room = np.zeros(count + ALIGNMENT // 8)
    skipped = (-room.ctypes.data % ALIGNMENT) // 8
    return room[skipped : skipped + count].reshape(shape)


@compiled
def add_lanes(out, month, year, list0, wr, mp, pr, since, resp, b1, b2, b3, b4, b5, b6, b7, b8):
    """One practice-month of a tile: every lane is a scenario.

    Tables come as slices from zero: an index that might be negative would not be vectorised.
    """
    for j in range(LANES):
        registered = list0 * month[j]
        weighted = registered * wr
        global_sum = weighted * year[j]
        premium = pr * max(0.0, min(1.0, 1.0 - since * year[j + 3 * LANES]))
        core = global_sum + mp + premium
        top_up = max(0.0, year[j + LANES] * weighted - core)
        fixed = 0.6 * top_up
        performance = 0.4 * top_up * min(1.0, resp * year[j + 2 * LANES])
        first = b1 * month[j + 2 * LANES] + b2 * month[j + 3 * LANES]
        second = b3 * month[j + 4 * LANES] + b4 * month[j + 5 * LANES]
        third = b5 * month[j + 6 * LANES] + b6 * month[j + 7 * LANES]
        fourth = b7 * month[j + 8 * LANES] + b8 * month[j + 9 * LANES]
        budget = registered * ((first + second) + (third + fourth))
        total = core + fixed + performance + budget
        out[j] += global_sum
        out[j + LANES] += mp
        out[j + 2 * LANES] += premium
        out[j + 3 * LANES] += fixed
        out[j + 4 * LANES] += performance
        out[j + 5 * LANES] += budget
        out[j + 6 * LANES] += total * month[j + LANES]


@compiled
def tiles_of_groups(start, practice, month, year, left, tiles, out, first, last):
    """Group, tile, year, practice, month, lanes."""
    years = len(left)
    for g in range(first, last):
        for tile in range(tiles):
            for y in range(years):
                sums = out[(g * years + y) * tiles + tile]
                of_year = year[tile * years + y]
                for p in range(start[g], start[g + 1]):
                    row = practice[p]
                    mp = row[2] * left[y] / 12
                    for t in range(y * 12, y * 12 + 12):
                        add_lanes(
                            sums,
                            month[tile * years * 12 + t],
                            of_year,
                            row[0],
                            row[1],
                            mp,
                            row[3],
                            max(0.0, t - row[4]),
                            row[5],
                            row[6],
                            row[7],
                            row[8],
                            row[9],
                            row[10],
                            row[11],
                            row[12],
                            row[13],
                        )


class Tiles:
    """The tiles with their tables, packed once."""

    def __init__(self, f: Figures):
        self.f = f
        self.tiles = -(-f.size.scenarios // LANES)
        self.practice = aligned((f.size.practices, 16))
        for at, name in enumerate(INPUTS):
            self.practice[:, at] = f.practice[name]
        self.practice[:, 3] /= MONTHS_PER_YEAR
        self.month = self.packed(BY_MONTH, f.size.months)
        self.year = self.packed(BY_YEAR, f.years)
        self.year[:, :, :2] /= MONTHS_PER_YEAR
        self.out = aligned((f.groups, f.years, self.tiles, WIDE, LANES))

    def packed(self, names: tuple[str, ...], count: int) -> np.ndarray:
        """Tables on tile, month or year, name and lane; lanes without a scenario are zero."""
        table = aligned((self.tiles, count, len(names), LANES))
        for at, name in enumerate(names):
            of = self.f.scenario[name]
            of = np.repeat(of[:, np.newaxis], count, axis=1) if of.ndim == 1 else of
            for s in range(len(of)):
                table[s // LANES, :, at, s % LANES] = of[s]
        return table

    def run(self, threads: int = 1) -> np.ndarray:
        self.out[:] = 0
        f = self.f
        month, year, out = (
            table.reshape(-1, table.shape[-2] * LANES)
            for table in (self.month, self.year, self.out)
        )

        def part(first: int, last: int) -> None:
            tables = (self.practice, month, year, f.left_of_correction, self.tiles)
            tiles_of_groups(f.start, *tables, out, first, last)

        on_threads(part, 0, f.groups, threads)
        return self.out

    def common(self, out: np.ndarray) -> np.ndarray:
        """What `run` gives, on variable, scenario, group and year."""
        by = out.transpose(3, 2, 4, 0, 1)
        return by.reshape(WIDE, -1, *by.shape[3:])[:, : self.f.size.scenarios]
