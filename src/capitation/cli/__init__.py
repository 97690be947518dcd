"""The command line: results to stdout, messages to stderr; with ``--json``, problems to both.

Exit status: 0 done; 1 a fault of ours; 2 the input is wrong, and nothing was written; 3 a check in
the workbook failed.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from dataclasses import asdict

from capitation.cli.commands import COMMANDS, WRITING
from capitation.cli.console import as_json, tell
from capitation.cli.options import arguments
from capitation.errors import InputError

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : sequence of str, optional
        The words after ``capitation``; those of the process if left out.

    Returns
    -------
    int
        The exit status.
    """
    if argv is None:
        leave_dask_out()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _tell_warning
            text, status = _outcome(argv)
    except KeyboardInterrupt:
        return 130
    try:
        print(text, end="\n" if text else "", flush=True)
    except BrokenPipeError:
        # The reader has gone. Python flushes once more as it ends: let that go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return status


def leave_dask_out() -> None:
    """Keep xarray from loading all of Dask with its first array, where it is installed.

    For a process that does one command, none of which takes chunks. Once xarray is loaded it is too
    late: it has seen that Dask is there.
    """
    if "xarray" not in sys.modules:
        sys.modules.setdefault("dask", None)  # type: ignore[arg-type]


def _tell_warning(message: Warning | str, *_: object, **__: object) -> None:
    """A warning as a note, without the line of our source that gave it."""
    tell(f"note: {message}")


def _outcome(argv: Sequence[str] | None) -> tuple[str, int]:
    """What a command has to say, and its exit status. A fault becomes a message."""
    try:
        args = arguments(argv)
    except SystemExit as end:
        return "", int(end.code or 0)
    try:
        return COMMANDS[args.command](args)
    except InputError as error:
        for problem in error.problems:
            tell(str(problem))
        several = "s" if len(error.problems) > 1 else ""
        nothing = " Nothing was written." if args.command in WRITING else ""
        tell(f"{len(error.problems)} problem{several}.{nothing}")
        found = {"problems": [asdict(problem) for problem in error.problems]}
        return as_json(found) if args.json else "", 2
    except Exception as fault:
        if args.debug:
            raise
        said = f"{type(fault).__name__}: {fault}"
        tell(f"capitation: unexpected fault: {said}; run again with --debug for the traceback")
        return "", 1
