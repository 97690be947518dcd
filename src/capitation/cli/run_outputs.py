"""What `run` writes and works out beside its workbook: tables, a page, data; the sensitivity."""

from __future__ import annotations

import argparse
import importlib
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

PACKAGES = {"parquet": "pyarrow", "netcdf": "scipy"}
"""What an output needs that does not come with the library."""

READ = ("model", "practices", "inputs", "given", "practice_terms", "hubs")
"""Options that name a file to be read."""


def other_outputs(args: argparse.Namespace) -> Iterator[Problem]:
    """What is wrong with the names of other files to write, before any work is done."""
    from capitation.files import are_one_file, path_problems

    taken = {"--output": Path(args.output)}
    yield from _over_inputs("--output", taken["--output"], args)
    for option, (ending, _) in OTHERS.items():
        name = getattr(args, option, None)
        if name is None:
            continue
        path = Path(name)
        yield from path_problems(path, ending)
        yield from _over_inputs(f"--{option}", path, args)
        yield from _without_package(option)
        other = next((o for o, of in taken.items() if are_one_file(path, of)), None)
        if other is not None:
            mend = "give it a name of its own"
            yield Problem(f"--{option}", f"{name} is what {other} writes", mend)
        taken[f"--{option}"] = path


def _over_inputs(option: str, path: Path, args: argparse.Namespace) -> Iterator[Problem]:
    """A file that is read, and would be written over."""
    from capitation.files import are_one_file

    for word in READ:
        name = getattr(args, word, None)
        if name is not None and path.exists() and are_one_file(path, Path(name)):
            mend = "name another file, so that the input stays as it is"
            yield Problem(option, f"{path} is the input itself", mend)


def _without_package(option: str) -> Iterator[Problem]:
    """A package that an output needs, and that is not installed."""
    package = PACKAGES.get(option)
    if package is not None and not _is_installed(package):
        mend = f"pip install 'capitation[{option}]'"
        yield Problem(f"--{option}", f"{package} is not installed", mend)


def _is_installed(package: str) -> bool:
    try:
        importlib.import_module(package)
    except ImportError:
        return False
    return True


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
