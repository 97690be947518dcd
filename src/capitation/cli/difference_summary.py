"""Command ``compare`` of two files: why two runs, or two inputs, come to something else."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import capitation as cap
from capitation.cli.asked import is_written
from capitation.cli.console import MOST_SHOWN, as_json, listed, stage, table
from capitation.errors import InputError, Problem, raise_if_any

if TYPE_CHECKING:
    import xarray as xr

    from capitation.runs.bridge import RunBridge
    from capitation.runs.changes import RunChange

RESULT = ".nc"
"""Ending of a file that `write_netcdf` wrote."""

MOST_MOVERS = 5
"""Practices that gain, and that lose, in words."""

MOST_LETTERS = 72
"""Of what stands in either run, in words."""


def compare_files(args: argparse.Namespace) -> tuple[str, int]:
    """What ``compare`` of two files has to say, and its exit status.

    Parameters
    ----------
    args : argparse.Namespace
        ``model`` and ``other``: paths of the file before and the file after. Each is an input
        workbook, a workbook that ``run`` wrote, or a result in netCDF. ``measure`` and
        ``scenario``: None, a name, or a list of one; ``json``.

    Returns
    -------
    tuple of str and int

    Raises
    ------
    InputError
        For files that cannot be read or projected, those of both at once; and what `compare_runs`
        refuses.
    """
    measure, scenario = _one(args.measure, "--measure"), _one(args.scenario, "--scenario")
    paths = [Path(args.model), Path(args.other)]
    results: list[xr.Dataset] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            with stage(f"Reading {path.name}"):
                results.append(result_of(path))
        except InputError as error:
            problems += error.problems
    raise_if_any(dict.fromkeys(problems))
    labels = _labels(paths)
    with stage("Telling apart what differs"):
        before, after = results
        split = cap.compare_runs(
            before, after, measure or "total_payments", scenario=scenario, labels=labels
        )
    if args.json:
        files = {"before": str(paths[0]), "after": str(paths[1])}
        return as_json({"files": files, **split.as_dict()}), 0
    return words_of(split, results), 0


def result_of(path: Path) -> xr.Dataset:
    """The run of a file: read from it, or projected from its inputs.

    Parameters
    ----------
    path : Path
        Of an input workbook, a workbook that ``run`` wrote, or a result in netCDF.

    Raises
    ------
    InputError
        If it is none of these, or its inputs are wrong.
    """
    if path.suffix.lower() == RESULT:
        return cap.read_result(path)
    if is_written(str(path)):
        return cap.read_record(path)
    inputs = cap.read_input_workbook(path)
    return cap.project(inputs.model, inputs.practices, list(inputs.scenarios))


def _one(words: list[str] | str | None, option: str) -> str | None:
    """The one name that an option gives, if it gives any."""
    if words is None or isinstance(words, str):
        return words
    if len(set(words)) > 1:
        found = f"found {len(words)}: {listed(words)}"
        raise InputError(Problem(option, found, "two files are compared in one: name it"))
    return words[0]


def _labels(paths: list[Path]) -> tuple[str, str]:
    """Names of two files, with their folders if the names alone are the same."""
    first, second = (path.name for path in paths)
    return (first, second) if first != second else (str(paths[0]), str(paths[1]))


def words_of(split: RunBridge, results: list[xr.Dataset]) -> str:
    """The bridge between two runs as a reader wants it."""
    from capitation.bridge_table import ATTRIBUTION

    amount = split.title.rstrip(".")
    parts = [f"{amount}: {split.before} to {split.after}"]
    parts.append(table(_compared(split, results), str.ljust))
    parts.append(str(split).partition("\n\n")[0])
    if split.nothing_differs:
        parts.append(f"Both come to the same: no part of {split.measure} differs by a penny.")
    commissioners = split.by_commissioner()
    if len(commissioners) > 1:
        parts.append(table(_by_commissioner(commissioners)))
    parts += _what_differs(split)
    parts += _movers(split)
    said = [ATTRIBUTION.replace("\n", " ")] if split.parts.sizes["part"] else []
    parts.append("\n".join([*said, *split.notes]))
    return "\n\n".join(parts)


def _compared(split: RunBridge, results: Iterable[xr.Dataset]) -> Iterator[tuple[str, str, str]]:
    first, second = results
    yield "", split.before, split.after
    yield "Model", first.attrs["model"], second.attrs["model"]
    yield "Scenario", *split.scenarios
    for heading, key in (
        ("Practices' figures", "practices_source"),
        ("Their year", "base_fiscal_year"),
    ):
        yield heading, str(first.attrs[key]), str(second.attrs[key])
    yield "Practices", f"{first.sizes['practice']:,}", f"{second.sizes['practice']:,}"
    yield "Months", _span(first), _span(second)


def _span(result: xr.Dataset) -> str:
    return " – ".join(result["month"].dt.strftime("%B %Y").values[[0, -1]])


def _by_commissioner(
    rows: list[tuple[str, tuple[int, int, int]]],
) -> Iterator[tuple[str, ...]]:
    from capitation.bridge_table import pounds_of

    yield "Commissioner", "before", "after", "change"
    by_size = sorted(rows, key=lambda row: -abs(row[1][2]))
    for code, pence in by_size[:MOST_SHOWN]:
        yield code, *map(pounds_of, pence)
    if len(rows) > MOST_SHOWN:
        yield f"and {len(rows) - MOST_SHOWN} more", "", "", ""


def _what_differs(split: RunBridge) -> Iterator[str]:
    """Tables of what stood before and stands after: practices' figures, terms, rules."""
    from capitation.runs.mixtures import RULES

    moving = [change for change in split.changes if change.part]
    rules = [change for change in moving if change.kind == RULES]
    for kind, heading in (("figure", "Practices' figures"), ("term", "Terms")):
        rows = [_row(change) for change in moving if change.kind == kind]
        if rows:
            shown = [(heading, "unit", "before", "after"), *rows[:MOST_SHOWN]]
            more = [f"and {len(rows) - MOST_SHOWN} more"] if len(rows) > MOST_SHOWN else []
            yield "\n".join([table(shown, str.ljust), *more])
    if rules:
        yield f"Rules that differ: {listed(change.name for change in rules)}"


def _row(change: RunChange) -> tuple[str, ...]:
    of = f", {change.practices:,} practices" if change.practices > 1 else ""
    return f"{change.name}{of}", change.unit, _cut(change.before), _cut(change.after)


def _cut(text: str) -> str:
    return text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 2].rstrip()} …"


def _movers(split: RunBridge) -> Iterator[str]:
    """Tables of the practices that gain and that lose most."""
    from capitation.bridge_table import pounds_of, whole_pence

    headings = ("Gain most", "Lose most")
    for heading, found in zip(headings, split.movers(MOST_MOVERS), strict=True):
        if not found.sizes.get("practice"):
            continue
        rows: list[tuple[str, ...]] = [(heading, "before", "after", "change", "")]
        for at in range(found.sizes["practice"]):
            row = found.isel(practice=at)
            pence = [whole_pence(float(row[name])) for name in ("before", "after")]
            amounts = map(pounds_of, (*pence, pence[1] - pence[0]))
            rows.append((str(row["practice"].values), *amounts, str(row["became"].values)))
        yield table(rows)
