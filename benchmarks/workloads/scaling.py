"""How time and memory grow with each dimension, of what users call, from end to end.

Each point is the median of a few runs: processor time, and of threads the clock. Memory is the most
that one more run has allocated at once, as Python's own tracer sees it: arrays included, and not
what lay there before.
"""

from __future__ import annotations

import statistics
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from workloads import w1, w2, w3
from workloads.measuring import say, seconds_of, threads_at_hand

RUNS = 3


@dataclass(frozen=True)
class Plan:
    """Sizes of each dimension; while one grows, the others are as in `w1` and `w2`."""

    w1: w1.Size
    w2: w2.Size
    practices: tuple[int, ...]
    months: tuple[int, ...]
    scenarios: tuple[int, ...]
    draws: tuple[int, ...]
    persons: tuple[int, ...]
    chunk_sizes: tuple[int, ...]


PLANS = {
    "tiny": Plan(
        w1=w1.Size(72, 8, 24),
        w2=w2.Size(36, 128, 1),
        practices=(36, 72),
        months=(12, 24),
        scenarios=(8, 16),
        draws=(64, 128),
        persons=(10_000, 20_000),
        chunk_sizes=(36, 72),
    ),
    "ci": Plan(
        w1=w1.Size(750, 32, 60),
        w2=w2.Size(150, 512, 1),
        practices=(375, 750, 1_500),
        months=(12, 60, 120),
        scenarios=(8, 32, 128),
        draws=(256, 512, 1_024),
        persons=(250_000, 500_000, 1_000_000),
        chunk_sizes=(100, 375, 750),
    ),
    "full": Plan(
        w1=w1.Size(7_500, 32, 120),
        w2=w2.Size(750, 4_096, 1),
        practices=(1_875, 3_750, 7_500, 15_000, 30_000),
        months=(12, 60, 120, 240, 480),
        scenarios=(1, 8, 32, 128, 512),
        draws=(512, 1_024, 2_048, 4_096, 8_192),
        persons=(2_500_000, 5_000_000, 10_000_000, 20_000_000),
        chunk_sizes=(100, 500, 2_000, 7_500),
    ),
}

Run = Callable[[], Any]


def rows(size: str) -> list[dict[str, Any]]:
    """One row for each dimension and size."""
    say(f"scaling, {size}")
    found = []
    for dimension, of, case, prepare in points(PLANS[size]):
        say(f"  {case}, {dimension} {of:,}")
        try:
            run = prepare()
        except ImportError as error:
            say(f"    left out: {error}")
            continue
        run()
        # Work that is shared out is timed by the clock, all else by processor time.
        clock = 2 if dimension == "threads" else 1
        seconds = statistics.median(seconds_of(run, clock)[0] for _ in range(RUNS))
        row = {"dimension": dimension, "size": of, "case": case, "seconds": seconds}
        found.append(row | {"peak_bytes": most_allocated(run)})
    return found


def most_allocated(run: Run) -> int:
    """Bytes that one run has allocated, at the most, at once."""
    tracemalloc.start()
    try:
        result = run()
        peak = tracemalloc.get_traced_memory()[1]
        del result
    finally:
        tracemalloc.stop()
    return peak


def points(plan: Plan) -> Iterator[tuple[str, int, str, Callable[[], Run]]]:
    """Dimension, size, what is run, and how it is made ready."""
    for name in ("practices", "months", "scenarios"):
        for of in getattr(plan, name):
            yield (
                name,
                of,
                "project_totals",
                lambda n=name, k=of: totals(replace(plan.w1, **{n: k})),
            )
    for of in plan.draws:
        yield "draws", of, "simulate", lambda k=of: drawn(replace(plan.w2, draws=k))
    for of in plan.persons:
        yield "persons", of, "weigh", lambda k=of: weighed(k)
    for of in range(1, threads_at_hand() + 1):
        yield "threads", of, "project_totals", lambda k=of: totals(plan.w1, threads=k)
    for of in plan.chunk_sizes:
        yield "chunk_size", of, "project_totals, in Dask", lambda k=of: chunked(plan.w1, k)


def totals(size: w1.Size, threads: int = 1) -> Run:
    from workloads.w1_ours import EndToEnd

    whole = EndToEnd(w1.figures(size))
    return lambda: whole.run(threads)


def drawn(size: w2.Size) -> Run:
    return w2.simulated(size, scenarios=1, threads=1)


def weighed(persons: int) -> Run:
    return w3.ours(lambda: w3.figures(persons, 7_500), "packed", 1)


def chunked(size: w1.Size, practices_per_chunk: int) -> Run:
    from capitation.chunked import chunk_by_commissioner
    from workloads.w1_ours import EndToEnd

    whole = EndToEnd(w1.figures(size))
    whole.practices = chunk_by_commissioner(whole.practices, practices_per_chunk)
    return lambda: whole.run(threads=1).compute(scheduler="synchronous")
