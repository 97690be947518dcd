"""The command ``hubs``: practices grouped by distance, or given hubs held against their size."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import capitation as cap
from capitation.cli.console import as_json, table
from capitation.errors import Problem, raise_if_any
from capitation.files import path_problems, write_csv

if TYPE_CHECKING:
    import xarray as xr

DOES = "group practices in care hubs by distance, or check the size of given ones"


def add_options(add: Callable[..., argparse.Action]) -> None:
    """Add the command's options by a parser's ``add_argument``."""
    several: dict[str, Any] = {"nargs": "+", "action": "extend"}
    add("--practices", metavar="FILE", help="official payments file [synthetic example]")
    add("--commissioner", **several, metavar="CODE", help="only these [all]")
    add("--fiscal-year", metavar="2014/15", help="of the file [as in its name]")
    places = "practice,easting,northing: where practices are, to group them"
    add("--coordinates", metavar="FILE.csv", help=places)
    add("--hubs", metavar="FILE.csv", help="practice,hub: check these hubs instead")
    add("--least", type=float, metavar="PATIENTS", help="of a hub's list [30,000]")
    add("--most", type=float, metavar="PATIENTS", help="of a hub's list [50,000]")
    add("--output", metavar="OUT.csv", help="write the hubs found, as run takes them: --hubs")


def hubs(args: argparse.Namespace) -> tuple[str, int]:
    """What the command has to say, and its exit status."""
    raise_if_any(_option_problems(args))
    if args.practices is None:
        practices = cap.example_practices()
    else:
        practices = cap.read_payments(args.practices, args.fiscal_year)
    if args.commissioner:
        practices = cap.select_commissioners(practices, args.commissioner)
    grouping = None
    if args.hubs:
        mapping = dict(cap.read_hubs(args.hubs))
    else:
        places = cap.read_coordinates(args.coordinates)
        grouping = cap.group_into_hubs(practices, places, args.least, args.most)
        mapping = cap.hub_mapping(grouping)
    checked = cap.check_hubs(practices, mapping, least=args.least, most=args.most)
    rows = None
    if args.output:
        rows = write_csv(Path(args.output), ("practice", "hub"), sorted(mapping.items()))
    if args.json:
        return as_json(summary_of(checked, grouping, mapping) | {"output": args.output}), 0
    written = [] if rows is None else [f"{rows:,} practices in hubs: {args.output}"]
    return "\n\n".join([words_of(checked, grouping), *written]), 0


def _option_problems(args: argparse.Namespace) -> Iterator[Problem]:
    if args.output:
        yield from path_problems(Path(args.output), ".csv")
    if bool(args.coordinates) == bool(args.hubs):
        found = "both of them" if args.hubs else "neither of them"
        yield Problem("--coordinates, --hubs", found, "give one: places to group, or hubs to check")
    elif args.hubs and args.output:
        mend = "leave it out; with --coordinates practices are grouped, and their hubs written"
        yield Problem("--output", "there is nothing to write but what --hubs has", mend)
    for option, value in (("--least", args.least), ("--most", args.most)):
        if value is not None and not value > 0:
            yield Problem(option, f"found {value:g}", "patients, more than none")
    if args.fiscal_year is not None and args.practices is None:
        mend = "give the file with --practices"
        yield Problem("--fiscal-year", "there is no file that it is the year of", mend)


def summary_of(
    checked: xr.Dataset, grouping: xr.Dataset | None, mapping: dict[str, str]
) -> dict[str, Any]:
    """Each hub's size, whether it is right, and who is in it."""
    by_hub: dict[str, dict[str, Any]] = {
        str(hub): {
            "list_size": float(of["list_size"]),
            "right_size": bool(of["right_size"]),
            "why": str(of["why"].item()),
            "practices": sorted(code for code, name in mapping.items() if name == hub),
        }
        for hub in checked["hub"].values
        for of in [checked.sel(hub=hub)]
    }
    if grouping is not None:
        for hub in grouping["hub"].values:
            of = grouping.sel(hub=hub)
            by_hub[str(hub)] |= {
                "centre": str(of["centre"].item()),
                "distance_of_patients": float(of["distance_of_patients"]),
                "connected": bool(of["connected"]),
            }
    return {
        "hubs": by_hub,
        "whole_list": float(checked["whole_list"]),
        "large_enough": bool(checked["large_enough"]),
    }


def words_of(checked: xr.Dataset, grouping: xr.Dataset | None) -> str:
    """Hubs as rows of a table, then whether all of them together are large enough."""
    rows = [("Hub", "practices", "patients", *(_NEAR if grouping is not None else ()), "size")]
    for hub in checked["hub"].values:
        of = checked.sel(hub=hub)
        near: tuple[str, ...] = ()
        if grouping is not None:
            group = grouping.sel(hub=hub)
            distance = float(group["distance_of_patients"]) / 1000
            near = (f"{distance:.1f}", "yes" if bool(group["connected"]) else "NO")
        size = str(of["why"].item()) or "right"
        count, patients = int(of["practices"]), float(of["list_size"])
        rows.append((str(hub), f"{count}", f"{patients:,.0f}", *near, size))
    least = f"{checked.attrs['least_of_all']:,.0f}"
    whole = f"{float(checked['whole_list']):,.0f} patients in all: "
    enough = "enough" if bool(checked["large_enough"]) else "too few"
    return f"{table(rows)}\n\n{whole}{enough} for one provider ({least} or more)"


_NEAR = ("km to centre", "in one piece")
