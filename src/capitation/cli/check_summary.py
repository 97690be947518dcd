"""The command ``check``: what an input says, or everything that is wrong with it."""

from __future__ import annotations

import argparse
import datetime as dt
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from capitation.cli.console import as_json, listed, table, tell, tell_notes
from capitation.errors import InputError, Problem, nearest, raise_if_any

if TYPE_CHECKING:
    import xarray as xr

    from capitation.model import Model

DOES = "read an input and say what it holds, or everything that is wrong with it, cell by cell"

TABLE, MODEL = ".csv", ".toml"
"""Endings of what can be checked, beside workbooks."""

TOTALS = {
    "registered_list": ("Registered list", ""),
    "weighted_list": ("Weighted list", ""),
    "registered_population": ("Registered population", ""),
    "weighted_population": ("Weighted population", ""),
    "total_payments": ("Total payments", "£"),
}
"""Title and sign of what is added up over practices."""

CHANGES = {
    "terms_changed": "Terms that are not as in the model",
    "scenarios_changed": "Scenarios that are not as in the model",
    "practice_terms": "Agreed with single practices",
}
"""What a workbook has of its own, and its title."""


def add_options(add: Callable[..., argparse.Action]) -> None:
    """Add the command's options by a parser's ``add_argument``."""
    kinds = "an input workbook, an official file as CSV, or a model: its file or name"
    add("input", metavar="INPUT", help=kinds)
    add("--fiscal-year", metavar="2014/15", help="of an official file [as in its name]")
    wrong = "a workbook to write that lists what is wrong, with a link to each cell"
    add("--errors", metavar="FILE.xlsx", help=wrong)


def check(args: argparse.Namespace) -> tuple[str, int]:
    """What the command has to say, and its exit status.

    Raises
    ------
    InputError
        If anything is wrong with the input: it is listed in the workbook of errors then, if one was
        asked for.
    """
    path = Path(args.input)
    if args.errors is not None:
        from capitation.workbook.errors_book import errors_path_problems

        raise_if_any(errors_path_problems(Path(args.errors), path))
    try:
        summary = summary_of(path, args.fiscal_year)
    except InputError as error:
        _list_errors(args.errors, path, error.problems)
        if not args.json:
            raise
        for problem in error.problems:
            tell(str(problem))
        found = [asdict(problem) for problem in error.problems]
        return as_json({"input": str(path), "problems": found}), 2
    _list_errors(args.errors, path, ())
    tell_notes(summary["notes"])
    return as_json(summary) if args.json else words_of(summary), 0


def _list_errors(errors: str | None, path: Path, problems: tuple[Problem, ...]) -> None:
    """Write the workbook of errors if it was asked for: an old one would tell of what is mended."""
    if errors is None:
        return
    from capitation.workbook.errors_book import write_errors

    written = write_errors(problems, errors, path)
    tell(f"{written} lists {len(problems)} problem{'' if len(problems) == 1 else 's'}")


def summary_of(path: Path, fiscal_year: str | None = None) -> dict[str, Any]:
    """What an input says, as data.

    Parameters
    ----------
    path : Path
        An input workbook, an official file, or a model's file or name.
    fiscal_year : str, optional
        Of an official file.

    Returns
    -------
    dict
        With its ``kind``, what was read, ``notes``, and ``problems``, of which there are none.

    Raises
    ------
    InputError
        If anything is wrong with it.

    Examples
    --------
    >>> summary_of(Path("uniting-care"))["kind"]
    'model'
    """
    from capitation.cli.asked import is_workbook

    ending = path.suffix.lower()
    if fiscal_year is not None and ending != TABLE:
        mend = "leave it out, or give an official file"
        raise InputError(Problem("--fiscal-year", f"is for official files, not for {path}", mend))
    if is_workbook(str(path)):
        found = _of_workbook(path)
    elif ending == TABLE:
        found = _of_table(path, fiscal_year)
    else:
        found = _of_model(path)
    return {"input": str(path), **found, "problems": []}


def _of_workbook(path: Path) -> dict[str, Any]:
    from capitation.inputs.workbook import read_input_workbook

    read = read_input_workbook(path)
    return {
        "kind": "input workbook",
        **_about_model(read.model, read.scenarios),
        **_about_practices(read.practices),
        **_about_changes(read.model),
        "prepared": read.prepared,
        "input_notes": read.input_notes,
        "notes": read.notes,
    }


def _of_table(path: Path, fiscal_year: str | None) -> dict[str, Any]:
    from capitation.sources.official_csv import read_table
    from capitation.sources.payments import read_payments
    from capitation.sources.weighted_populations import read_weighted_populations

    headings = " ".join(read_table(path).headings).casefold()
    if "payment" in headings:
        practices, kind = read_payments(path, fiscal_year), "payments to general practice"
    elif "weighted" in headings or " wp" in headings:
        practices, kind = read_weighted_populations(path, fiscal_year), "weighted populations"
    else:
        found = "no heading speaks of payments, or of weighted populations"
        mend = "give NHS Payments to General Practice, or NHS England's weighted populations"
        raise InputError(Problem(path.name, found, mend))
    about = _about_practices(practices) | {"sha256": practices.attrs["sha256"]}
    notes = json.loads(practices.attrs.get("notes", "[]"))
    return {"kind": f"official file, {kind}", **about, "notes": notes}


def _of_model(path: Path) -> dict[str, Any]:
    from capitation.model_file import load_model, models

    if path.suffix.lower() != MODEL and str(path) not in models():
        mend = "a workbook ends in .xlsx, a table in .csv, a model in .toml"
        mend += f"; {nearest(str(path), models())}"
        raise InputError(Problem(str(path), "is nothing that can be checked", mend))
    model = load_model(path if path.suffix.lower() == MODEL else str(path))
    return {"kind": "model", **_about_model(model, model.scenarios), "notes": []}


def _about_model(model: Model, scenarios: Iterable[str]) -> dict[str, Any]:
    """A contract: what it is, how long it runs, and which of its scenarios are run."""
    return {
        "model": model.name,
        "title": model.title,
        "start": f"{model.start:%Y-%m}",
        "months": model.months,
        "scenarios": list(scenarios),
    }


def _about_practices(practices: xr.Dataset) -> dict[str, Any]:
    """Practices: how many, whose, of which year; and totals to hold against their file."""
    totals = {name: float(practices[name].sum()) for name in TOTALS if name in practices}
    return {
        "practices": practices.sizes["practice"],
        "commissioners": sorted(set(practices["commissioner"].values.astype(str).tolist())),
        "fiscal_year": str(practices.attrs["fiscal_year"]),
        "totals": totals,
    }


def _about_changes(model: Model) -> dict[str, Any]:
    """What a workbook has otherwise than the contract as it comes with the library.

    Of a contract in a file of its own only the terms of single practices are told.
    """
    from capitation.model_file import load_model, models

    about: dict[str, Any] = {"practice_terms": list(model.practice_terms)}
    if model.name in models():
        before = load_model(model.name)
        terms, scenarios = model.terms.items(), model.scenarios.items()
        about["terms_changed"] = [key for key, term in terms if before.terms.get(key) != term]
        about["scenarios_changed"] = [
            key for key, scenario in scenarios if before.scenarios.get(key) != scenario
        ]
    return about


def words_of(summary: dict[str, Any]) -> str:
    """What was read, and that nothing is wrong with it.

    Examples
    --------
    >>> print(words_of(summary_of(Path("vanguard-programme"))).splitlines()[0])
    vanguard-programme: model
    """
    head = f"{summary['input']}: {summary['kind']}"
    return "\n".join([head, table(_rows(summary), str.ljust), "", "0 problems"])


def _rows(summary: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What was read, as rows of a table."""
    if "model" in summary:
        first = dt.date.fromisoformat(f"{summary['start']}-01")
        yield "Model", f"{summary['title']} ({summary['model']})"
        yield "Months", f"{summary['months']}, from {first:%B %Y}"
        yield "Scenarios", f"{len(summary['scenarios'])}: {listed(summary['scenarios'])}"
    if "practices" in summary:
        yield "Practices", f"{summary['practices']:,}"
        yield (
            "Commissioners",
            f"{len(summary['commissioners']):,}: {listed(summary['commissioners'])}",
        )
        yield "Figures of", summary["fiscal_year"]
    for name, total in summary.get("totals", {}).items():
        title, sign = TOTALS[name]
        yield title, f"{sign}{total:,.0f}"
    for key, title in CHANGES.items():
        if key in summary:
            yield title, listed(summary[key]) or "none"
    for title, text in summary.get("prepared", {}).items():
        yield title, " ".join(text.split())
    if "input_notes" in summary:
        yield "Notes in it", f"{len(summary['input_notes']):,}"
    if "sha256" in summary:
        yield "Its SHA-256", summary["sha256"]
