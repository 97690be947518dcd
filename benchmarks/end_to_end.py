"""Five years of an invented commissioner of fifty practices, from the shell to the workbook.

    python benchmarks/end_to_end.py [--model NAME] [--rounds N]

`capitation run` in a fresh process, stage by stage, and which slow libraries it had loaded when it
was done: neither Numba nor Dask has any business there. The library is not changed for it: the
process puts a clock around public functions and around imports before the command begins.

An import is an import wherever it happens. What else a stage calls belongs to the stage, unless it
is a stage itself; what the sensitivity calls is the sensitivity's.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

MODEL = "bolton-quality-contract"
MONTHS = 60
FORBIDDEN = ("numba", "llvmlite", "dask")
ROUNDS = {"ci": 1, "full": 5}

IMPORT = "import"
BEGIN = "start the interpreter"
REST = "the command's own words and sums"
SHEETS = "sheets: "
END = "end the process"

STAGES = {
    "capitation.cli.commands:asked_about": "read the model, make the practices",
    "capitation.projection:project": "bind terms and practices to the rules",
    "capitation.projection:worked_out": "evaluate the rules",
    "capitation.cli.run_outputs:sensitivity_of_run": "sensitivity",
    "capitation.workbook.writer:written_book": f"{SHEETS}the first",
    "openpyxl.workbook.workbook:Workbook.save": "save: cells as XML",
    "capitation.workbook.file:save_with_values": "save: values beside formulas, zip",
}
"""Where a stage begins: a function, and the stage's name."""

CLOSED = ("sensitivity", IMPORT)
"""Stages whose inner stages are their own."""


class Stages:
    """Seconds by stage: each moment belongs to the innermost stage that is open."""

    def __init__(self, begin: float) -> None:
        self.seconds: Counter[str] = Counter()
        self._open = [REST]
        self._since = begin

    def begin(self, name: str) -> None:
        """Open a stage inside the present one."""
        self._charge()
        inside = self._open[-1]
        self._open.append(inside if inside in CLOSED and name != IMPORT else name)

    def turn(self, name: str) -> None:
        """Put another in the present one's place."""
        self._charge()
        self._open[-1] = name

    def end(self) -> None:
        """Close the present one."""
        self._charge()
        self._open.pop()

    def _charge(self) -> None:
        now = time.perf_counter()
        self.seconds[self._open[-1]] += now - self._since
        self._since = now

    def within(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed as a stage."""

        @functools.wraps(function)
        def timed(*words: Any, **options: Any) -> Any:
            self.begin(name)
            try:
                return function(*words, **options)
            finally:
                self.end()

        return timed


def watch(stages: Stages) -> None:
    """Put the clock around imports, and around every function of `STAGES`."""
    import builtins
    import importlib

    builtins.__import__ = stages.within(IMPORT, builtins.__import__)
    importlib.import_module = stages.within(IMPORT, importlib.import_module)
    for place, name in STAGES.items():
        module, _, path = place.partition(":")
        *owners, last = path.split(".")
        owner: Any = importlib.import_module(module)
        for step in owners:
            owner = getattr(owner, step)
        function = getattr(owner, last)
        if name.startswith(SHEETS):
            function = _sheet_by_sheet(stages, function)
        setattr(owner, last, stages.within(name, function))


def _sheet_by_sheet(stages: Stages, function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that tells each sheet's title as it begins it, so that each is a stage."""
    return lambda content, _: function(content, lambda title: stages.turn(f"{SHEETS}{title}"))


def inside(spawned: float, told: Path, command: Sequence[str]) -> int:
    """What the fresh process does: run the command, and write down its stages."""
    stages = Stages(time.perf_counter())
    stages.seconds[BEGIN] = time.perf_counter() - spawned
    from capitation.cli import leave_dask_out
    from capitation.cli import main as capitation

    leave_dask_out()
    watch(stages)
    sys.argv = ["capitation", *command]
    status = capitation()
    stages.end()
    found = {
        "seconds": stages.seconds,
        "loaded": [name for name in FORBIDDEN if sys.modules.get(name)],
        "ended": time.perf_counter(),
    }
    told.write_text(json.dumps(found))
    return status


def one_run(model: str = MODEL, months: int = MONTHS) -> dict[str, Any]:
    """One cold run: ``stages`` [s], ``seconds``, ``cpu_seconds``, ``peak_bytes``, ``loaded``."""
    with tempfile.TemporaryDirectory() as folder:
        told, workbook = Path(folder, "told.json"), Path(folder, "budget.xlsx")
        command = ["run", model, "--months", str(months), "--output", str(workbook)]
        spawned = time.perf_counter()
        words = [sys.executable, __file__, "--inside", str(spawned), str(told), *command]
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        gone = time.perf_counter()
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, "capitation run failed"
        found = json.loads(told.read_text())
        stages = found["seconds"] | {END: gone - found["ended"]}
        kilobyte = 1 if sys.platform == "darwin" else 1024
        return {
            "stages": stages,
            "seconds": gone - spawned,
            "cpu_seconds": used.ru_utime + used.ru_stime,
            "peak_bytes": used.ru_maxrss * kilobyte,
            "workbook_bytes": workbook.stat().st_size,
            "loaded": found["loaded"],
        }


def rows(size: str = "ci", model: str = MODEL, rounds: int | None = None) -> list[dict[str, Any]]:
    """Time the run, stage by stage.

    Parameters
    ----------
    size : {"ci", "full"}
        How many rounds, unless that is said.
    model : str
        Name of a model.
    rounds : int, optional

    Returns
    -------
    list of dict
        ``case`` and ``seconds``, medians of ``repeats``, for each stage in the order of their
        beginning; last the whole, with ``cpu_seconds``, ``peak_bytes``, ``workbook_bytes`` and
        those of `FORBIDDEN` that were ``loaded``.
    """
    runs = [one_run(model) for _ in range(rounds or ROUNDS[size])]

    def median(of: Callable[[dict[str, Any]], float]) -> float:
        return statistics.median(map(of, runs))

    found: list[dict[str, Any]] = [
        {"case": name, "seconds": median(lambda run, n=name: run["stages"].get(n, 0.0))}
        for name in runs[0]["stages"]
    ]
    numbers = ("seconds", "cpu_seconds", "peak_bytes", "workbook_bytes")
    whole: dict[str, Any] = {n: median(lambda run, n=n: run[n]) for n in numbers}
    loaded = sorted({name for run in runs for name in run["loaded"]})
    found.append({"case": f"all of `capitation run {model}`", **whole, "loaded": loaded})
    return [row | {"repeats": len(runs)} for row in found]


def table(found: Sequence[dict[str, Any]], least: float = 0.01) -> str:
    """The rows as text; stages of less than this share of the whole are one line."""
    *stages, whole = found
    large = [row for row in stages if row["seconds"] >= least * whole["seconds"]]
    small = [row for row in stages if row not in large]
    others = {"case": f"{len(small)} others", "seconds": sum(row["seconds"] for row in small)}
    lines = [
        f"{row['case']:<52} {row['seconds']:>6.2f} s {row['seconds'] / whole['seconds']:>5.0%}"
        for row in [*large, others, whole]
    ]
    peak, written = whole["peak_bytes"] / 1e6, whole["workbook_bytes"] / 1e6
    loaded = ", ".join(whole["loaded"]) or f"none of {', '.join(FORBIDDEN)}"
    lines.append(f"{whole['cpu_seconds']:.2f} s of processor, {peak:.0f} MB at most")
    lines.append(f"a workbook of {written:.1f} MB; loaded: {loaded}")
    return "\n".join(lines)


def main() -> None:
    """Time the run, and print the stages."""
    if sys.argv[1:2] == ["--inside"]:
        spawned, told, *command = sys.argv[2:]
        raise SystemExit(inside(float(spawned), Path(told), command))
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default=MODEL)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    print(table(rows(model=asked.model, rounds=asked.rounds)))


if __name__ == "__main__":
    main()
