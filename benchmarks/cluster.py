"""A run several times larger than the memory of the cluster that does it.

    python benchmarks/cluster.py [--size ci|full]

Invented practices, as many as England's or a few hundred, are projected month by month in several
scenarios on a `distributed.LocalCluster` of two processes, and every figure goes to a Zarr store.
What is written is several times what the cluster may hold. Then each chunk is computed again in one
piece, in memory, and held against what was written: no bit may differ. The command fails if one
does, if a process held more than its limit, or if the run was not larger than the cluster.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import xarray as xr

import capitation as cap
from capitation.chunked import chunk_by_commissioner
from capitation.runs.pieces import open_result, write_zarr

MODEL = "thames-valley-pms"
SIZES = {
    # practices, commissioners, months, MB a process, practices a chunk
    "ci": (2_500, 70, 120, 600, 40),
    "full": (7_500, 209, 120, 600, 40),
}
PROCESSES = 2
TIMES_LARGER = {"ci": 1.5, "full": 4.0}
COPIES = 10
"""How often the model's nine scenarios are there, under other names."""


def many_scenarios() -> cap.Model:
    """The model with enough scenarios that its results are large."""
    model = cap.load_model(MODEL)
    scenarios = {
        f"{name}-{number}": replace(scenario, name=f"{name}-{number}")
        for number in range(COPIES)
        for name, scenario in model.scenarios.items()
    }
    return replace(model, scenarios=scenarios)


def large_rules(model: cap.Model) -> list[str]:
    """Rules by scenario, practice and month."""
    nodes = model.graph().nodes.items()
    return [name for name, node in nodes if node.dims == ("scenario", "practice", "month")]


def invented(count: int, commissioners: int, seed: int = 2015) -> xr.Dataset:
    """The example's practices over and over, with lists and payments scaled by chance."""
    example = cap.example_practices()
    chance = np.random.default_rng(seed)
    practices = example.isel(practice=np.arange(count) % example.sizes["practice"])
    scale = np.round(chance.uniform(0.5, 2.0, count), 3)
    for name in set(practices.data_vars) - {"london_practice"}:
        practices[name] = practices[name] * scale
    areas = np.sort(chance.integers(0, commissioners, count))
    return practices.assign_coords(
        practice=[f"P{number:05}" for number in range(count)],
        commissioner=("practice", [f"area {area:03}" for area in areas]),
    )


class Watch(threading.Thread):
    """The most memory that any of some processes was seen to hold."""

    def __init__(self, processes: list[int]):
        super().__init__(daemon=True)
        self.processes = [psutil.Process(number) for number in processes]
        self.most = 0
        self.done = threading.Event()

    def run(self) -> None:
        while not self.done.wait(0.02):
            self.most = max([self.most, *(p.memory_info().rss for p in self.processes)])


def main() -> int:
    """Run, print the table, and say by the exit status whether all of it holds."""
    from distributed import Client, LocalCluster

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=SIZES, default="ci")
    size = parser.parse_args().size
    count, commissioners, months, limit, per_chunk = SIZES[size]
    practices = chunk_by_commissioner(invented(count, commissioners), per_chunk)
    model = many_scenarios()
    options = {"months": months, "variables": large_rules(model), "compiled": True}
    lazy = cap.project(model, practices, **options)
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalCluster(
            n_workers=PROCESSES,
            threads_per_worker=1,
            memory_limit=f"{limit}MB",
            dashboard_address=":0",
        ) as cluster,
        Client(cluster) as client,
    ):
        watch = Watch(list(client.run(lambda: __import__("os").getpid()).values()))
        at_rest = max(process.memory_info().rss for process in watch.processes)
        watch.start()
        start = time.perf_counter()
        path = write_zarr(lazy, Path(folder) / "run.zarr")
        seconds = time.perf_counter() - start
        watch.done.set()
        watch.join()
        differing = chunks_that_differ(path, model, practices, options)
    larger = lazy.nbytes / (PROCESSES * limit * 1e6)
    rows = {
        "practices x months x scenarios": " x ".join(
            f"{lazy.sizes[dim]:,}" for dim in ("practice", "month", "scenario")
        ),
        "results written, MB": f"{lazy.nbytes / 1e6:,.0f}",
        "limit of all processes, MB": f"{PROCESSES * limit:,}",
        "results / limit": f"{larger:.1f}",
        "chunks": f"{len(practices.chunks['practice'])}",
        "seconds, cold": f"{seconds:.1f}",
        "most memory of a process, MB": f"{watch.most / 1e6:,.0f}",
        "of which before the run, MB": f"{at_rest / 1e6:,.0f}",
        "limit of a process, MB": f"{limit:,}",
        "chunks that differ from the run in memory": f"{differing}",
    }
    for name, value in rows.items():
        print(f"{name:<42}  {value:>16}")
    held = watch.most < limit * 1e6 and larger > TIMES_LARGER[size] and differing == 0
    return 0 if held else 1


def chunks_that_differ(
    path: Path, model: cap.Model, practices: xr.Dataset, options: dict[str, Any]
) -> int:
    """How many chunks are not, to the last bit, what a run of their practices in memory gives."""
    written = open_result(path)
    codes = written["commissioner_code"].to_index()
    differing, first = 0, 0
    for size in practices.chunks["practice"]:
        here = slice(first, first + size)
        first += size
        few = practices.isel(practice=here).compute()
        wanted = cap.project(model, few, **options)
        areas = codes.get_indexer(wanted["commissioner_code"])
        found = written.isel(practice=here, commissioner_code=areas)
        differing += any(
            found[name].values.tobytes() != variable.values.tobytes()
            for name, variable in wanted.data_vars.items()
        )
    return differing


if __name__ == "__main__":
    sys.exit(main())
