"""How long is it from nothing to an answer? Imports and cold starts, each in a process of its own.

    python benchmarks/cold_start.py [--size ci|full]

Every case starts a fresh interpreter; the cases take turns, and the median of several rounds is
told: seconds on the clock, seconds of processor, the most memory, and which of the slow libraries
were loaded by the end. Python's own byte code is compiled before the first round; files are read
from the page cache, not from disk.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SLOW = ("numpy", "numba", "pandas", "xarray", "openpyxl", "dask", "scipy", "pyarrow")
"""Libraries that are looked for in `sys.modules`."""

CACHE = "CAPITATION_CACHE"
"""The variable that names the folder of compiled kernels."""

ROUNDS = {"ci": 3, "full": 7}

SMALL_JOB = """
import capitation
practices = capitation.example_practices()
result = capitation.project("national-practice-income", practices, months=12, compiled={compiled})
assert float(result["total_payments"].sum()) > 0
"""

REFRESH = """
from numba.core.registry import cpu_target
cpu_target.typing_context.refresh()
cpu_target.target_context.refresh()
"""

COMMAND = """
import sys
from capitation.cli import main
sys.argv = ["capitation", *{words}]
try:
    status = main()
except SystemExit as end:
    status = end.code
assert not status
"""

ENDING = """
import json, sys
print()
print(json.dumps([name for name in {slow} if sys.modules.get(name)]))
"""


@dataclass(frozen=True)
class Cold:
    """What a fresh interpreter took to run one program.

    Attributes
    ----------
    seconds, cpu_seconds : float
        On the clock, and of the processor (all threads).
    peak_bytes : int
        The most memory resident at once.
    loaded : tuple of str
        Those of `SLOW` that it had loaded.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    loaded: tuple[str, ...]


@dataclass(frozen=True)
class Case:
    """A program, what it is called, and variables of its surroundings."""

    name: str
    program: str
    surroundings: Mapping[str, str] = field(default_factory=dict)
    empty: Path | None = None
    """A folder of compiled kernels that is emptied before every run."""


def run_cold(program: str, surroundings: Mapping[str, str] | None = None) -> Cold:
    """Run a program in a fresh interpreter.

    Raises
    ------
    RuntimeError
        If it fails, with what it said.
    """
    words = [sys.executable, "-c", program + ENDING.format(slow=SLOW)]
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as complained:
        start = time.perf_counter()
        process = subprocess.Popen(
            words,
            stdout=said,
            stderr=complained,
            env=os.environ | dict(surroundings or {}),
        )
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        complained.seek(0)
        if process.returncode:
            raise RuntimeError(f"the program ended with {process.returncode}: {complained.read()}")
        loaded = json.loads(said.read().splitlines()[-1])
    kilobyte = 1 if sys.platform == "darwin" else 1024
    return Cold(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss * kilobyte, tuple(loaded))


def cases(folder: Path) -> list[Case]:
    """What is timed; the folder holds the workbook and the compiled kernels."""
    workbook = str(folder / "small.xlsx")
    small_run = ["run", "national-practice-income", "--months", "12", "--no-sensitivity"]
    compiled = SMALL_JOB.format(compiled=True)
    warm, cold = folder / "warm", folder / "cold"
    return [
        Case("an interpreter", ""),
        Case("import numpy", "import numpy"),
        Case("import numba, and its registry", REFRESH),
        Case("import xarray (with pandas)", "import xarray"),
        Case("import capitation", "import capitation"),
        Case("capitation --help", COMMAND.format(words=["--help"])),
        Case("project a year of 50 practices, plain", SMALL_JOB.format(compiled=False)),
        Case("the same compiled, kernels in the cache", compiled, {CACHE: str(warm)}),
        Case("the same compiled, cache empty", compiled, {CACHE: str(cold)}, empty=cold),
        Case(
            "capitation run, a year of 50 practices",
            COMMAND.format(words=[*small_run, "--output", workbook]),
        ),
    ]


def rows(size: str = "ci") -> list[dict[str, Any]]:
    """Time every case.

    Parameters
    ----------
    size : {"ci", "full"}
        How many rounds.

    Returns
    -------
    list of dict
        ``case``; ``seconds``, ``cpu_seconds`` and ``peak_bytes``, medians of ``repeats``;
        ``loaded``.
    """
    with tempfile.TemporaryDirectory() as name:
        todo = cases(Path(name))
        for case in todo:
            run_cold(case.program, case.surroundings)
        measured: dict[str, list[Cold]] = {case.name: [] for case in todo}
        for _ in range(ROUNDS[size]):
            for case in todo:
                _emptied(case.empty)
                measured[case.name].append(run_cold(case.program, case.surroundings))
    return [_row(case, found) for case, found in measured.items()]


def _emptied(folder: Path | None) -> None:
    for file in sorted(folder.rglob("*"), reverse=True) if folder else ():
        if file.is_dir():
            file.rmdir()
        else:
            file.unlink()


def _row(case: str, found: Sequence[Cold]) -> dict[str, Any]:
    return {
        "case": case,
        "seconds": statistics.median(one.seconds for one in found),
        "cpu_seconds": statistics.median(one.cpu_seconds for one in found),
        "peak_bytes": statistics.median_high(one.peak_bytes for one in found),
        "repeats": len(found),
        "loaded": list(found[-1].loaded),
    }


def table(found: Sequence[Mapping[str, Any]]) -> str:
    """The rows as text."""
    lines = [f"{'':<40} {'s':>6} {'CPU s':>6} {'MB':>5}  loaded"]
    for row in found:
        figures = (
            f"{row['seconds']:>6.2f} {row['cpu_seconds']:>6.2f} {row['peak_bytes'] / 1e6:>5.0f}"
        )
        lines.append(f"{row['case']:<40} {figures}  {' '.join(row['loaded'])}".rstrip())
    return "\n".join(lines)


def main() -> None:
    """Time every case, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--size", choices=ROUNDS, default="full")
    print(table(rows(parser.parse_args().size)))


if __name__ == "__main__":
    main()
