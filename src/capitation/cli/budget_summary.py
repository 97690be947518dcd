"""The command ``budget``: its options, what it finds, and the words it is told in."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from capitation.cli.console import as_json, in_pounds, listed, table, tell_notes

if TYPE_CHECKING:
    import xarray as xr

DOES = "the fair budget of a set of practices: its target allocation, and what it is made of"

SHOWN = {
    "general_and_acute": "General and acute",
    "community": "Community",
    "mental_health": "Mental health",
    "maternity": "Maternity",
    "prescribing": "Prescribing",
    "health_inequalities": "Health inequalities",
}
"""Parts of a target, as a table's rows."""


def add_options(add: Callable[..., argparse.Action]) -> None:
    """Add the command's options by a parser's ``add_argument``."""
    several: dict[str, Any] = {"nargs": "+", "action": "extend", "default": []}
    add("--practices", **several, metavar="CODE", help="these practices")
    add("--commissioner", **several, metavar="CODE", help="all practices of these commissioners")
    add("--network", **several, metavar="CODE", help="all practices of these care networks")
    add("--name", metavar="NAME", help="of the practices together, such as 'Gosport'")
    published = "NHS England's weighted populations by practice, as CSV [synthetic example]"
    add("--file", metavar="FILE.csv", help=published)
    add("--fiscal-year", metavar="2018/19", help="of the file [as in its name or headings]")
    money = "a year and weighted head: the target of a file that has none, or instead of its own"
    add("--per-weighted-head", type=float, metavar="POUNDS", help=money)
    inputs = "write the need index of the practices, for --inputs of a model"
    add("--need-inputs", metavar="OUT.csv", help=inputs)


def budget(args: argparse.Namespace) -> tuple[str, int]:
    """What the command has to say, and its exit status."""
    from capitation.errors import Problem, raise_if_any
    from capitation.example_weights import example_populations
    from capitation.fair_budgets import fair_budget, practices_of, write_need_inputs
    from capitation.files import path_problems
    from capitation.sources.weighted_populations import read_weighted_populations

    problems: list[Problem] = []
    if args.need_inputs is not None:
        problems += path_problems(Path(args.need_inputs), ".csv")
    if args.fiscal_year is not None and args.file is None:
        mend = "give the file with --file"
        problems.append(Problem("--fiscal-year", "there is no file that it is the year of", mend))
    raise_if_any(problems)
    if args.file is None:
        populations = example_populations()
    else:
        populations = read_weighted_populations(args.file, args.fiscal_year)
    codes = practices_of(populations, args.practices, args.commissioner, args.network)
    found = fair_budget(populations, codes, args.name, per_weighted_head=args.per_weighted_head)
    summary = summary_of(found)
    if args.need_inputs is not None:
        rows = write_need_inputs(found, args.need_inputs)
        summary["need_inputs"] = {"output": args.need_inputs, "rows": rows}
    tell_notes(summary["notes"])
    if args.json:
        return as_json(summary), 0
    written = f"\n\nNeed index of {len(codes):,} practices: {args.need_inputs}"
    return words_of(found) + (written if args.need_inputs else ""), 0


def notes_of(found: xr.Dataset) -> list[str]:
    """What a reader of a budget should know and cannot see."""
    notes = [*json.loads(found.attrs["notes"]), "the need index has market forces in it"]
    if "market_forces_factor" in found:
        notes.append(
            "the coefficients of a target are inferred from NHS England's 2018/19 file, which "
            "they reproduce; its price year is not stated"
        )
    if "target_allocation" not in found:
        notes.append("the file has no targets: give the money of a head with --per-weighted-head")
    return notes


def summary_of(found: xr.Dataset) -> dict[str, Any]:
    """A fair budget as data: the practices together, the file they stand in, and each of them.

    Parameters
    ----------
    found : xarray.Dataset
        From `fair_budget`.

    Returns
    -------
    dict
        Populations are persons; money is pounds a year.
    """
    columns = [str(name) for name, values in found.data_vars.items() if values.dims == ("area",)]

    def of_area(number: int) -> dict[str, Any]:
        chosen = found.isel(area=number)
        figures = {name.removeprefix("area_"): float(chosen[name]) for name in columns}
        return {"name": str(chosen["area"].item()), **figures}

    labels = ("practice_name", "commissioner", "primary_care_network_name")
    of_practices = [name for name in labels if name in found.coords]
    of_practices += [name.removeprefix("area_") for name in columns]
    values = zip(*(found[name].values.tolist() for name in of_practices), strict=True)
    codes = found["practice"].values.tolist()
    practices = {
        code: dict(zip(of_practices, row, strict=True))
        for code, row in zip(codes, values, strict=True)
    }
    return {
        "file": {"source": found.attrs["source"], "sha256": found.attrs["sha256"]},
        "fiscal_year": found.attrs["fiscal_year"],
        "budget": of_area(0),
        "of_the_file": of_area(1),
        "target_per_weighted_head": found.attrs.get("target_per_weighted_head"),
        "practices": practices,
        "notes": notes_of(found),
    }


def words_of(found: xr.Dataset) -> str:
    r"""A fair budget in short: what it comes to, what it is made of, and each practice.

    Parameters
    ----------
    found : xarray.Dataset
        From `fair_budget`.

    Returns
    -------
    str

    Examples
    --------
    >>> from capitation.example_weights import example_populations
    >>> from capitation.fair_budgets import fair_budget
    >>> words = words_of(fair_budget(example_populations(), ["EX001", "EX002"], "Two"))
    >>> print(words.split("\n\n")[0])
    Two: 2 practices, 9,563 registered, need index 0.928; 2018/19, ...
    Fair budget: £11.14m a year, £1,165 a head
    All 50 practices of the file: need index 1.064, £1,335 a head
    """
    summary = summary_of(found)
    total, every = summary["budget"], summary["of_the_file"]
    count = found.sizes["practice"]
    counted = f"{count:,} practice{'s' if count > 1 else ''}"
    named = "" if total["name"] == counted else f"{total['name']}: "
    head = (
        f"{named}{counted}, {total['registered_population']:,.0f} registered, need index "
        f"{total['need_index']:.3f}; {found.attrs['fiscal_year']}, {found.attrs['source']}"
    )
    of_file = f"{every['name'].capitalize()}: need index {every['need_index']:.3f}"
    if "target_per_head" in total:
        last = "target_allocation_with_remoteness"
        money = total.get(last, total["target_allocation"])
        a_head, of_every = (in_pounds(of["target_per_head"]) for of in (total, every))
        head += f"\nFair budget: £{money / 1e6:,.2f}m a year, {a_head} a head"
        of_file += f", {of_every} a head"
    head += f"\n{of_file}"
    rows = list(_practice_rows(summary))
    heading, *lines = table(rows).split("\n")
    return "\n\n".join(
        [head, table(_component_rows(summary)), f"{heading}\n{listed(lines, chr(10))}"]
    )


def _component_rows(summary: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """What the budget is made of: weighted heads, their index here and in the file, and money."""
    here, every = summary["budget"], summary["of_the_file"]
    priced = "target_allocation" in here
    parts = priced and "target_prescribing" in here

    def cells(words: str, heads: str, index: str, of_file: str, money: str) -> tuple[str, ...]:
        people = here["registered_population"]
        if not priced:
            return words, heads, index, of_file
        amount = here.get(money)
        shown = ("", "") if amount is None else (in_pounds(amount), in_pounds(amount / people))
        return words, heads, index, of_file, *shown

    yield ("", "Heads", "Index", "File's index", "£ a year", "£ a head")[: 6 if priced else 4]
    yield cells("Registered", f"{here['registered_population']:,.0f}", "", "", "")
    for name, words in SHOWN.items():
        heads = here[f"weighted_population_{name}"]
        index, of_file = (
            f"{of[f'weighted_population_{name}'] / of['registered_population']:.3f}"
            for of in (here, every)
        )
        yield cells(words, f"{heads:,.0f}", index, of_file, f"target_{name}")
    if parts:
        for name, words in (
            ("market_forces_factor", "Market forces factor, in these"),
            ("emergency_ambulance_index", "Emergency ambulances, in these"),
        ):
            yield cells(words, "", f"{here[name]:.3f}", f"{every[name]:.3f}", "")
        yield cells("Target without remoteness", "", "", "", "target_allocation")
        yield cells("Remoteness", "", "", "", "target_remoteness")
    heads, last = here["weighted_population"], "target_allocation_with_remoteness"
    index, of_file = (f"{of['need_index']:.3f}" for of in (here, every))
    words = "Overall, with remoteness" if parts else "Overall"
    yield cells(words, f"{heads:,.0f}", index, of_file, last if parts else "target_allocation")


def _practice_rows(summary: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """Each practice: its list, need, market forces and money."""
    here, last = summary["budget"], "target_allocation_with_remoteness"
    priced = "target_allocation" in here
    money = last if last in here else "target_allocation"
    width = 5 if priced else 3
    yield ("Practice", "Registered", "Need index", "Target a year", "£ a head")[:width]
    for code, practice in summary["practices"].items():
        yield (
            f"{code} {practice.get('practice_name', '')}".strip(),
            f"{practice['registered_population']:,.0f}",
            f"{practice['need_index']:.3f}",
            *(
                (in_pounds(practice[money]), in_pounds(practice["target_per_head"]))
                if priced
                else ()
            ),
        )
