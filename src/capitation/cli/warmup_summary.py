"""The command ``warmup``: its options, what it compiles and keeps, and the words it is told in."""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import capitation as cap
from capitation.cli.console import as_json, stage, table
from capitation.engine import kept_code
from capitation.errors import InputError, Problem

if TYPE_CHECKING:
    import xarray as xr

    from capitation.model import Model

DOES = "compile contracts' rules and keep them, so that the next large run begins at once"

NATIONAL = "national-practice-income"
"""What is compiled if no model is named."""


def add_options(add: Callable[..., argparse.Action]) -> None:
    """Add the command's options by a parser's ``add_argument``."""
    named = f"a model's name, or the path of a .toml file [{NATIONAL}]"
    add("models", nargs="*", metavar="MODEL", help=named)
    add("--all", action="store_true", help="every model that comes with the library")
    drawn = "what simulate runs too, of models that leave something to chance"
    add("--simulate", action="store_true", help=drawn)
    gone = "remove what was kept, of all versions; compile only what is named"
    add("--clear", action="store_true", help=gone)
    add("--where", action="store_true", help="say where it is kept, and compile nothing")


def warmup(args: argparse.Namespace) -> tuple[str, int]:
    """What the command has to say, and its exit status."""
    if args.clear:
        _clear()
    seconds = {}
    if args.models or args.all or not (args.clear or args.where):
        seconds = _compiled(_named(args), args.simulate)
    folder, size = kept_code.folder_of_all(), kept_code.size_of_all()
    if args.json:
        return as_json({"folder": folder and str(folder), "bytes": size, "seconds": seconds}), 0
    kept = f"Kept in {folder}: {size / 1e6:,.1f} MB"
    told = [table((name, f"{took:,.1f} s") for name, took in seconds.items())] if seconds else []
    return "\n\n".join([*told, kept if folder else f"Kept nowhere: {OFF}"]), 0


OFF = f"{kept_code.VARIABLE} is {kept_code.OFF}"


def _clear() -> None:
    try:
        kept_code.clear()
    except OSError as error:
        found = f"cannot be removed: {error.strerror}"
        raise InputError(Problem(str(error.filename), found)) from None


def _named(args: argparse.Namespace) -> list[Model]:
    """The models to compile. All are read before the first is compiled.

    Raises
    ------
    InputError
        If there is no such model, or nowhere to keep what is compiled.
    """
    if args.where:
        raise InputError(Problem("--where", "compiles nothing", "name no model with it"))
    if args.all and args.models:
        raise InputError(Problem("--all", "there are models named too", "all of them, or these"))
    if kept_code.folder_of_all() is None:
        raise InputError(Problem(kept_code.VARIABLE, "nothing can be kept", "name a folder by it"))
    names = list(cap.models()) if args.all else args.models or [NATIONAL]
    return [cap.load_model(name) for name in dict.fromkeys(names)]


def _compiled(models: list[Model], simulated: bool) -> dict[str, float]:
    """Compile each model; gives the seconds that it took."""
    seconds = {}
    for done, model in enumerate(models, start=1):
        began = time.perf_counter()
        with stage(f"Compiling {model.name}, {done} of {len(models)}") as say:
            for words, run in _runs(model, simulated):
                say(words)
                _kept(run)
        seconds[model.name] = round(time.perf_counter() - began, 1)
    return seconds


def _runs(model: Model, simulated: bool) -> Iterator[tuple[str, Callable[[], object]]]:
    """Runs as large jobs do them, on few practices: a kernel's text does not depend on these."""
    practices = _practices_for(model)
    yield "practices and months", lambda: cap.project(model, practices, compiled=True)
    yield "totals", lambda: cap.project_totals(model, practices, compiled=True)
    if simulated and model.simulation is not None:
        yield "draws", lambda: cap.simulate(model, practices, draws=2, compiled=True)


def _practices_for(model: Model) -> xr.Dataset:
    """The example's practices, with some value of every figure that the model asks for."""
    practices = cap.example_practices()
    for name, asked in model.inputs.items():
        if asked.value is None and name not in practices.data_vars:
            least = 1.0 if asked.least is None else max(1.0, asked.least)
            value = least if asked.most is None else min(least, asked.most)
            practices[name] = practices["registered_list"] * 0 + value
            practices[name].attrs["units"] = asked.unit
    return practices


def _kept(run: Callable[[], object]) -> None:
    """Run, and refuse to go on where what was compiled could not be kept."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", kept_code.CacheWarning)
        try:
            run()
        except kept_code.CacheWarning as warning:
            raise InputError(Problem("warmup", str(warning))) from None
