"""What does not depend on the clock: vector instructions, alignment, determinism."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from capitation.engine import compiling, kept_code
from workloads.w1 import Size, figures

SMALL = Size(144, 40, 24)
"""Scenarios for more than one tile, the last of them not full."""


def found() -> dict[str, Any]:
    """Facts of the kernel of W1 that is generated in lanes."""
    from workloads.w1_ours import Prepared

    prepared = Prepared(figures(SMALL))
    run, _ = prepared.lanes(prepared.graph, prepared.wanted)
    with not_kept():
        one = copied(run.run(1))
        text = assembly(run.kernel.source)
    packed = [array for array in (*run.read, *run.blocks.values()) if array.ndim == 1]
    rows = [array for array in packed if array.size % run.kernel.width == 0]
    return {
        **vectors(text),
        "rows of lanes begin at a cache line": all(a.ctypes.data % 64 == 0 for a in rows),
        "one thread and two give the same bits": same(copied(run.run(2)), one),
        "lanes and the plain loop give the same bits": same(one, prepared.plain()()),
    }


def copied(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: array.copy() for name, array in arrays.items()}


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return all(np.array_equal(array, other[name]) for name, array in one.items())


@contextlib.contextmanager
def not_kept() -> Iterator[None]:
    """Compile anew: machine code that was kept cannot be shown as text."""
    before = os.environ.get(kept_code.VARIABLE)
    os.environ[kept_code.VARIABLE] = kept_code.OFF
    compiling.forget()
    try:
        yield
    finally:
        compiling.forget()
        if before is None:
            del os.environ[kept_code.VARIABLE]
        else:
            os.environ[kept_code.VARIABLE] = before


def assembly(source: str) -> str:
    """Machine code, as text, of a kernel that has been run."""
    function = compiling.load(source, compiled=True, error_model="numpy")
    return "\n".join(function.inspect_asm().values())


def vectors(text: str) -> dict[str, Any]:
    """The widest vectors that products are taken in, and how many products are in them."""
    products = re.findall(r"\bv?mulpd\b.*?%([xyz]mm)", text)
    single = len(re.findall(r"\bv?mulsd\b", text))
    widest = next((name for name in ("zmm", "ymm", "xmm") if name in products), "")
    bits = {"zmm": 512, "ymm": 256, "xmm": 128}.get(widest, 64)
    return {
        "bits of the widest vector multiplied": bits,
        "multiplications in vectors": len(products),
        "multiplications of single numbers": single,
    }
