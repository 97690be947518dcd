"""What makes the fast layout fast, and safe, without a clock.

Its tables begin where a cache line does; its loops over lanes are vector instructions and call
nothing; and whatever the threads, the order of commissioners, the tiles and the cache, the bits are
the same.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import xarray as xr

from capitation.engine import compiling
from capitation.engine.lanes.kernel import WIDTH
from capitation.engine.lanes.run import LaneRun
from capitation.engine.linearity import pushed_down
from capitation.totals import project_totals

from .benchmark_modules import benchmark

w1 = benchmark("workloads.w1")
ours = benchmark("workloads.w1_ours")

CACHE_LINE = 64
FIGURES = w1.figures(w1.Size(practices=120, scenarios=WIDTH + 1, months=24))
MODEL, PRACTICES = w1.model_of(FIGURES), w1.practices_of(FIGURES)
SCENARIOS = list(MODEL.scenarios)


def lane_run(*, pushed: bool) -> LaneRun:
    prepared = ours.Prepared(FIGURES)
    graph = pushed_down(prepared.graph, prepared.wanted) if pushed else prepared.graph
    run, _ = prepared.lanes(graph, prepared.wanted)
    return run


def totals(
    practices: xr.Dataset = PRACTICES,
    scenarios: int = WIDTH + 1,
    *,
    compiled: bool = True,
    threads: int = 1,
) -> xr.Dataset:
    return project_totals(
        MODEL,
        practices,
        SCENARIOS[:scenarios],
        variables=list(w1.VARIABLES),
        compiled=compiled,
        threads=threads,
    )


@pytest.fixture(scope="module")
def all_totals() -> xr.Dataset:
    return totals()


def assert_same_bits(found: xr.Dataset, wanted: xr.Dataset) -> None:
    for name in w1.VARIABLES:
        ours, theirs = found[name], wanted[name]
        assert ours.dims == theirs.dims
        np.testing.assert_array_equal(ours.values.view("i8"), theirs.values.view("i8"), name)


# ---------------------------------------------------------------------------------- memory


@pytest.mark.parametrize("pushed", [False, True])
def test_tables_begin_at_a_cache_line(pushed):
    run = lane_run(pushed=pushed)
    tables = run.read[len(run.kernel.scalars) :]
    assert len(tables) == len(run.kernel.tables) >= 2
    assert [table.ctypes.data % CACHE_LINE for table in tables] == [0] * len(tables)


def test_results_and_what_is_held_begin_at_a_cache_line(monkeypatch):
    """What is written begins there too: caught where the kernel is called, without running it."""
    given: list[Any] = []

    def instead(*_: Any, **__: Any) -> Callable[..., None]:
        return lambda *arguments: given.extend(arguments)

    monkeypatch.setattr("capitation.engine.lanes.run.load", instead)
    run = lane_run(pushed=True)
    run.run()
    kernel = run.kernel
    *_, faults = arrays = [a for a in given if isinstance(a, np.ndarray)]
    written = arrays[2 + len(run.read) : -1]
    assert len(written) == len(kernel.scratch) + len(kernel.results)
    assert [array.ctypes.data % CACHE_LINE for array in written] == [0] * len(written)
    assert faults.dtype == np.float64


def test_a_row_of_lanes_is_a_whole_number_of_cache_lines():
    assert WIDTH * np.dtype(np.float64).itemsize % CACHE_LINE == 0


def test_a_second_run_uses_the_memory_of_the_first():
    run = lane_run(pushed=True)
    places = []
    for _ in range(2):
        run.run()
        places.append({name: block.ctypes.data for name, block in run.blocks.items()})
    assert places[0] == places[1] != {}


# ---------------------------------------------------------------------------------- instructions


def features() -> dict[str, bool]:
    from llvmlite import binding

    return dict(binding.get_host_cpu_features())


needs_avx = pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64") or not features().get("avx"),
    reason="names of vector registers are those of x86 with AVX",
)


@pytest.fixture(scope="module")
def loops_over_lanes() -> Iterator[dict[str, Any]]:
    """The functions that a kernel's text has for its loops over lanes, compiled here."""
    cache = pytest.MonkeyPatch()
    cache.setenv("CAPITATION_CACHE", "off")  # what is read back has no assembly to be read
    compiling.forget()
    kernel = lane_run(pushed=False).kernel
    named = compiling.load(kernel.source, True, error_model="numpy").py_func.__globals__
    yield {name: of for name, of in named.items() if name.startswith("lanes_")}
    compiling.forget()
    cache.undo()


def assembly_of(loop: Any) -> str:
    """A loop's machine code for the types with which the kernel calls it."""
    from numba import float64, uint64

    code = loop.py_func.__code__
    parameters = code.co_varnames[: code.co_argcount]

    def type_of(name: str) -> Any:
        if name.endswith("_at_"):
            return uint64
        return float64[::1] if f"{name}at_" in parameters else float64

    loop.compile(tuple(type_of(name) for name in parameters))
    (assembly,) = loop.inspect_asm().values()
    return assembly


ARITHMETIC = r"v(?:add|mul|sub|max|min|fmadd\w+|fnmadd\w+)p"
"""Instructions that work on all lanes of a register."""


@needs_avx
def test_the_loop_of_a_practices_rules_is_vector_instructions_and_calls_nothing(loops_over_lanes):
    loop = max(loops_over_lanes.values(), key=lambda of: len(of.py_func.__code__.co_code))
    assembly = assembly_of(loop)
    wide = re.findall(ARITHMETIC + r"d\s.*%[yz]mm", assembly)
    assert len(wide) >= 15, "the loop over lanes is not vectorised"
    assert re.findall(r"^\s+call\w*\s.*", assembly, re.MULTILINE) == []


@needs_avx
def test_a_loop_that_cannot_be_vectorised_is_seen(loops_over_lanes):
    """Else the test above would pass whatever was compiled: one lane reads what another wrote."""
    source = compiling.load(
        "@compiled\ndef kernel(a_, a_at_):\n"
        "    for l_ in range(31):\n        a_[a_at_ + l_ + 1] = a_[a_at_ + l_] * 1.5 + 1.0\n",
        True,
    )
    assembly = assembly_of(source)
    assert re.findall(r"v(?:add|mul|fmadd\w+)sd\s", assembly)
    assert re.findall(ARITHMETIC + r"d\s.*%[yz]mm", assembly) == []


# ---------------------------------------------------------------------------------- determinism


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_no_bit(all_totals, threads):
    assert_same_bits(totals(threads=threads), all_totals)


def test_the_order_of_commissioners_changes_no_bit(all_totals):
    areas = PRACTICES["commissioner"].values
    order = np.argsort([-int(area[1:]) for area in areas], kind="stable")
    turned = totals(PRACTICES.isel(practice=order))
    same = turned.sel(commissioner_code=all_totals["commissioner_code"])
    assert_same_bits(same, all_totals)


def test_a_commissioner_by_itself_has_the_same_bits(all_totals):
    chosen = str(all_totals["commissioner_code"].values[1])
    alone = totals(PRACTICES.isel(practice=PRACTICES["commissioner"].values == chosen))
    assert_same_bits(alone, all_totals.sel(commissioner_code=[chosen]))


@pytest.mark.parametrize("scenarios", [WIDTH - 1, WIDTH])
def test_the_edge_of_a_tile_changes_no_bit(all_totals, scenarios):
    """All were run in two tiles, the second of which is nearly empty."""
    assert_same_bits(totals(scenarios=scenarios), all_totals.isel(scenario=slice(scenarios)))


def test_one_scenario_in_the_plain_layout_has_the_same_bits(all_totals):
    assert_same_bits(totals(scenarios=1, compiled=False), all_totals.isel(scenario=[0]))


def test_machine_code_read_back_has_the_same_bits(all_totals, tmp_path, monkeypatch):
    monkeypatch.setenv("CAPITATION_CACHE", str(tmp_path))
    run = lane_run(pushed=True)
    compiling.forget()
    written = {name: array.copy() for name, array in run.run().items()}
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.machine-code")}
    assert kept
    compiling.forget()
    read_back = run.run()
    assert kept == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.machine-code")}
    compiling.forget()
    for name, array in written.items():
        np.testing.assert_array_equal(array, read_back[name], name)
