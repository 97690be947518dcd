"""What `run` writes and works out beside its workbook: tables, a page, data; the sensitivity."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import capitation as cap
from capitation.cli.console import stage
from capitation.errors import Problem

if TYPE_CHECKING:
    import xarray as xr

    from capitation.cli.asked import Asked

OTHERS: dict[str, tuple[str, Callable[..., Any]]] = {
    "tables": (".xlsx", lambda result, path: cap.write_tables(result, path)),
    "html": (".html", lambda result, path: cap.write_html(result, path)),
    "parquet": (".parquet", lambda result, path: cap.write_parquet(result, path)),
    "netcdf": (".nc", lambda result, path: cap.write_netcdf(result, path)),
}
"""By option: the ending of the file's name, and what writes it."""


def other_outputs(args: argparse.Namespace) -> Iterator[Problem]:
    """What is wrong with the names of other files to write, before any work is done."""
    from capitation.files import path_problems

    taken = {Path(args.output).absolute(): "--output"}
    for option, (ending, _) in OTHERS.items():
        name = getattr(args, option, None)
        if name is None:
            continue
        path = Path(name)
        yield from path_problems(path, ending)
        if path.absolute() in taken:
            mend = "give it a name of its own"
            found = f"{name} is what {taken[path.absolute()]} writes"
            yield Problem(f"--{option}", found, mend)
        taken.setdefault(path.absolute(), f"--{option}")


def write_others(result: xr.Dataset, args: argparse.Namespace) -> dict[str, str]:
    """Write the other files that were asked for, and say which they are."""
    written = {}
    for option, (_, write) in OTHERS.items():
        name = getattr(args, option)
        if name is not None:
            with stage(f"Writing {name}"):
                write(result, name)
            written[option] = name
    return written


def sensitivity_of_run(result: xr.Dataset, asked: Asked) -> xr.Dataset:
    """The result with what each assumption that has a low and a high moves."""
    scenario = str(result["scenario"].values[0])
    with stage("Trying the low and the high of each assumption"):
        found = cap.sensitivity(
            asked.model,
            asked.practices,
            scenario=scenario,
            months=asked.months,
            given=asked.given,
        )
    return cap.with_sensitivity(result, found)
