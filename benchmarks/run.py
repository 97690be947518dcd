"""Every benchmark in one run: our kernels beside what people use, and beside the machine.

    python benchmarks/run.py [--size ci|full] [--json FILE] [--markdown FILE] [--only w1,w2,w3,…]

Cases of a workload take turns, round after round, so that what else the machine does falls on all
alike; the median is told. One thread is timed by the process's processor time, two by the clock.
Every result is compared with an oracle in NumPy before it is timed. Memory is measured afterwards,
each case in a process of its own; at the size of CI only where ``--only`` names it, since to start
so many processes takes longer than all the rest. Only ratios within one run are claims; seconds are
not.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from workloads import machine, reporting, roofline, scaling, structure, w1_cases, w2, w3
from workloads.measuring import (
    REPEATS,
    Case,
    Timing,
    interleaved,
    peak_of,
    resident,
    say,
    threads_at_hand,
)

WORKLOADS = {"w1": w1_cases.cases, "w2": w2.cases, "w3": w3.cases}
PARTS = (*WORKLOADS, "memory", "scaling", "structure")
SLOW_MEMORY = 180
"""Seconds that measuring the memory of one case may take."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is asked for, and print the table."""
    asked = read(arguments)
    if asked.peak_of:
        print(json.dumps(peak_in_this_process(asked.size, *asked.peak_of)))
        return
    everything = set(PARTS) if asked.size == "full" else set(PARTS) - {"memory"}
    only = set(asked.only.split(",")) if asked.only else everything
    if only - set(PARTS):
        raise SystemExit(f"--only: one or more of {', '.join(PARTS)}")
    timings: list[Timing] = []
    for name in (name for name in WORKLOADS if name in only):
        say(f"{name}, {asked.size}")
        # The machine is measured between the cases that are held against it.
        beside = roofline.cases(asked.size) if name == "w1" else []
        timings += interleaved([*beside, *WORKLOADS[name](asked.size)], asked.repeats)
    if "memory" in only:
        say("memory")
        with ThreadPoolExecutor(threads_at_hand()) as pool:
            peaks = pool.map(partial(peak_in_another_process, asked.size), timings)
            for timing, peak in zip(timings, peaks, strict=True):
                timing.peak_megabytes = peak
    report = {
        "size": asked.size,
        **machine.described(),
        **reporting.results(timings),
        "scaling": scaling.rows(asked.size) if "scaling" in only else [],
        "structure": structure.found() if "structure" in only else {},
    }
    text = reporting.markdown(report)
    if asked.json:
        asked.json.write_text(json.dumps(report, indent=1), encoding="utf-8")
    if asked.markdown:
        asked.markdown.write_text(text, encoding="utf-8")
    print(text)


def read(arguments: Sequence[str] | None) -> Any:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=("tiny", "ci", "full"), default="ci")
    parser.add_argument("--json", type=Path, help="where to write all that was measured")
    parser.add_argument("--markdown", type=Path, help="where to write the table")
    parser.add_argument("--only", help=f"some of {', '.join(PARTS)}, with commas between")
    parser.add_argument("--repeats", type=int, default=REPEATS, help="rounds, each case once")
    parser.add_argument("--peak-of", nargs=3, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


# ------------------------------------------------------------------ memory


def peak_in_another_process(size: str, timing: Timing) -> float | None:
    """Megabytes that a case takes, measured where nothing else has been."""
    case = timing.case
    if not timing.seconds or case.workload == "machine":
        return None
    own = [case.workload, case.name, str(case.threads)]
    command = [sys.executable, __file__, "--size", size, "--peak-of", *own]
    say(f"  {case.workload} {case.name}")
    try:
        done = subprocess.run(command, capture_output=True, timeout=SLOW_MEMORY, check=True)
    except subprocess.SubprocessError as error:
        say(f"    not measured: {error}")
        return None
    return json.loads(done.stdout.decode().splitlines()[-1])


def peak_in_this_process(size: str, workload: str, name: str, threads: str) -> float:
    """Megabytes by which the process grows: from what a case is given to the end of its run.

    It is run small before, so that neither what it imports nor the compiler is counted.
    """

    def found(of: str) -> Case:
        cases = WORKLOADS[workload.lower()](of)
        return next(c for c in cases if c.name == name and c.threads == int(threads))

    first = next(c for c in WORKLOADS[workload.lower()]("tiny") if alike(c.name, name))
    first.prepare()()
    case = found(size)
    before = resident()
    run = case.prepare()
    return peak_of(run, before)


def alike(one: str, other: str) -> bool:
    """Whether two cases are the same but for their size."""
    digits = str.maketrans("", "", "0123456789,")
    return one.translate(digits) == other.translate(digits)


if __name__ == "__main__":
    main()
