"""Random draws side by side: the bits of `engine.samplers` for 128 draws at once.

Every function of a block gives the bits of its namesake for one draw, which stays the naive twin.
Numbers lie in `rows`, one row of 128 lanes behind another; `bits` is the same memory as 64-bit
integers, and `singles` as numbers of four bytes, which begin at twice the place. A row is named by
the place where it begins, an unsigned integer, since Numba asks of each signed one whether it is
negative. The functions are pasted into kernels as those for one draw are (`lane_text`): here, in
`quantiles` and in `gammas`.
"""

# mypy: allow-untyped-defs
# The functions of a block run on Numba's types: unsigned places, and arrays.

from __future__ import annotations

import functools
import inspect

from numpy import uint64 as place_

from capitation.engine.lane_draws import gammas, quantiles
from capitation.engine.samplers import kernel_text, mix_

LANES = 128
"""Draws of a block."""

# ------------------------------------------------------------------ pasted into kernels


def key_of_draws_(practice_key: int, period_key: int, stream: int) -> int:
    """What the draws of one practice, period and stream have in common: see `uniform_`."""
    key = mix_(0x9E3779B97F4A7C15 ^ practice_key)
    key = mix_(key ^ period_key)
    return mix_(key ^ stream)


def uniform_lanes_(key, draw_key, draw_at, rows, u):
    """Uniforms of a block of draws, whose keys begin at `draw_at`."""
    for l_ in range(place_(128)):
        x = key ^ draw_key[draw_at + l_]
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
        x = (x ^ (x >> 31)) + key & 0xFFFFFFFFFFFFFFFF
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
        # The upper 53 bits where they stand: a shift would keep them from a vector conversion.
        value = ((x ^ (x >> 31)) & 0xFFFFFFFFFFFFF800) * 5.421010862427522e-20
        rows[u + l_] = value if value > 0.0 else 5.551115123125783e-17


@functools.cache
def lane_text() -> str:
    """The text of the functions for a kernel: those for one draw, and those for a block of them.

    Returns
    -------
    str
    """
    names = (("floor", "whole_"), ("sqrt", "root_"), ("uint64", "place_"), ("float32", "single_"))
    imports = "".join(f"from numpy import {name} as {own}\n" for name, own in names)
    pasted = (key_of_draws_, uniform_lanes_, *quantiles.PASTED, *gammas.PASTED)
    functions = (f"@compiled\n{inspect.getsource(function)}" for function in pasted)
    return "\n\n".join([kernel_text(), f"{imports}\nNONE_ = float('nan')\n", *functions])
