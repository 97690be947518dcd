"""How a case is timed, and how its memory is measured."""

from __future__ import annotations

import math
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REPEATS = 7
FEWEST = 3
LONG, VERY_LONG = 0.5, 20.0
"""Seconds from which a case is run `FEWEST` times instead of `REPEATS`, and once."""

TURN = 0.3
"""Seconds that a turn takes at the least: what is over sooner is run again, and all runs count."""

EXACT = 1e-12
"""How far a result may be from the oracle's, as a share of it, where it is the same arithmetic."""


@dataclass
class Case:
    """One way of doing a workload.

    Attributes
    ----------
    workload, name : str
    prepare : callable
        Gives what is timed: a function that does the workload once, and gives its result as it
        comes. What a user has at hand anyway (a frame, an array) is made here, and not timed.
    cells : int
        What one run does, counted in `unit`: the seconds are divided by it.
    check : callable, optional
        How far a result is from the oracle's, as a share of it.
    threads : int
        One is timed by the process's processor time, more by the clock on the wall.
    within : float
        How far the result may be from the oracle's.
    ours : bool
        Whether it is ours: a kernel generated from the rules, or what the library offers.
    baseline : bool
        Whether the workload's ratios are to this one.
    needs : str
        What to install, if it is not there.
    note : str
    unit : str
    bytes_moved, flops : float
        By cell, counted by hand: for the share of what the machine can do.
    """

    workload: str
    name: str
    prepare: Callable[[], Callable[[], Any]]
    cells: int
    check: Callable[[Any], float] | None = None
    threads: int = 1
    within: float = EXACT
    ours: bool = False
    baseline: bool = False
    needs: str = ""
    note: str = ""
    unit: str = "cell"
    bytes_moved: float = 0.0
    flops: float = 0.0


@dataclass
class Timing:
    """What was measured of a case: nothing, where what it needs is not installed."""

    case: Case
    run: Callable[[], Any] | None = None
    seconds: list[float] = field(default_factory=list)
    difference: float | None = None
    repeats: int = REPEATS
    peak_megabytes: float | None = None

    @property
    def median(self) -> float:
        """Seconds of the run in the middle."""
        return statistics.median(self.seconds)

    @property
    def nanoseconds(self) -> float:
        """Median, per cell."""
        return self.median * 1e9 / self.case.cells


def seconds_of(run: Callable[[], Any], threads: int = 1) -> tuple[float, Any]:
    """One run: its seconds, and its result."""
    clock = time.process_time if threads == 1 else time.perf_counter
    start = clock()
    result = run()
    return clock() - start, result


def seconds_of_a_turn(run: Callable[[], Any], threads: int) -> list[float]:
    """The seconds of each run of a turn."""
    seconds: list[float] = []
    while sum(seconds) < TURN:
        seconds.append(seconds_of(run, threads)[0])
    return seconds


def interleaved(cases: Sequence[Case], repeats: int = REPEATS) -> list[Timing]:
    """Check every case once, and then give each its turn, round after round.

    What else the machine does meanwhile then falls on all of them alike.
    """
    timings = [checked(case, repeats) for case in cases]
    for number in range(repeats):
        for timing in timings:
            if timing.run is not None and number < timing.repeats:
                timing.seconds += seconds_of_a_turn(timing.run, timing.case.threads)
                timing.repeats = min(repeats, rounds_of(timing.seconds[0]))
    for timing in timings:
        timing.run = None  # lets go of what was made ready
    return timings


def checked(case: Case, repeats: int) -> Timing:
    """Make a case ready, run it once, and compare what it gives with the oracle.

    The first run compiles, imports, and fills caches; it is not counted.
    """
    say(f"  {case.workload} {case.name}")
    try:
        run = case.prepare()
    except ImportError as error:
        say(f"    is not installed: {error}")
        return Timing(case)
    result = run()
    difference = case.check(result) if case.check else None
    if difference is not None and not difference <= case.within:
        raise AssertionError(
            f"{case.workload}, {case.name}: differs from the oracle by {difference:.2g}, "
            f"which is more than {case.within:.2g}"
        )
    return Timing(case, run, difference=difference, repeats=repeats)


def rounds_of(seconds: float) -> int:
    """How often something is run that takes so long."""
    return REPEATS if seconds < LONG else FEWEST if seconds < VERY_LONG else 1


def on_threads(task: Callable[[int, int], Any], first: int, last: int, threads: int) -> None:
    """Run a task over the parts of a range, one on each thread."""
    if threads == 1:
        task(first, last)
        return
    bounds = [first + (last - first) * n // threads for n in range(threads + 1)]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(task, bounds[:-1], bounds[1:]))


def resident() -> float:
    """Megabytes that the process holds. Linux only: else NaN."""
    return _megabytes("VmRSS")


def peak_of(run: Callable[[], Any], before: float) -> float:
    """Megabytes by which the process grows, at most, over what it held before. Linux only."""
    if STATUS.exists():
        # Forgets the highest mark that was reached until now.
        Path("/proc/self/clear_refs").write_text("5")
    result = run()
    peak = _megabytes("VmHWM")
    del result
    return peak - before


STATUS = Path("/proc/self/status")


def _megabytes(key: str) -> float:
    if not STATUS.exists():
        return math.nan
    lines = STATUS.read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{key}:")) / 1024


def threads_at_hand() -> int:
    """How many threads this process may use, two at the most: what is compared here."""
    return min(2, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)


def say(text: str) -> None:
    """Tell on the error stream how far it is."""
    print(text, file=sys.stderr, flush=True)
