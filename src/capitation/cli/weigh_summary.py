"""The command ``weigh``: persons to weighted lists, and the words they are told in."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from capitation.cli.console import as_json, listed, stage, table

if TYPE_CHECKING:
    import xarray as xr

DOES = "weigh persons, each by age, sex and need, and add them up to practices' weighted lists"

HEADING = ("weight_set", "practice", "registered_list", "weighted_list", "need_index")


def add_options(add: Callable[..., argparse.Action]) -> None:
    """Add the command's options by a parser's ``add_argument``."""
    columns = "practice, age_band, sex and a column for each flag: a row a person, .parquet or .csv"
    add("persons", metavar="PERSONS", help=columns)
    weights = "age_band,sex,flag,weight: so much for each age and sex, a factor for each flag"
    add("--weights", required=True, metavar="FILE.csv", help=weights)
    factors = "practice and a column for each factor, such as market forces"
    add("--factors", metavar="FILE.csv", help=factors)
    scaled = "do not scale weighted lists to add up to the persons there are"
    add("--no-normalise", action="store_true", help=scaled)
    add("--threads", type=int, metavar="N", help="the result does not depend on it [all]")
    add("--output", metavar="OUT.csv", help="write the weighted list of every practice")


def weigh(args: argparse.Namespace) -> tuple[str, int]:
    """What the command has to say, and its exit status."""
    from capitation.errors import raise_if_any
    from capitation.files import write_csv
    from capitation.weighing.weighted_lists import weigh as weighed

    raise_if_any(_option_problems(args))
    with stage(f"Counting {args.persons}"):
        found = weighed(
            args.persons,
            args.weights,
            args.factors,
            normalise=not args.no_normalise,
            threads=args.threads,
        )
    rows = write_csv(Path(args.output), HEADING, _rows(found)) if args.output else None
    if args.json:
        return as_json(summary_of(found) | {"output": args.output, "rows": rows}), 0
    written = [] if rows is None else [f"{rows:,} weighted lists: {args.output}"]
    return "\n\n".join([words_of(found), *written]), 0


def _option_problems(args: argparse.Namespace) -> Iterator[Any]:
    from capitation.files import path_problems
    from capitation.side_by_side import wrong_threads

    if args.output:
        yield from path_problems(Path(args.output), ".csv")
    yield from wrong_threads(args.threads, "--threads")


def _rows(found: xr.Dataset) -> Iterator[tuple[object, ...]]:
    """A row for each set of weights and practice."""
    codes, people = found["practice"].values.tolist(), found["registered_list"].values.tolist()
    for key in found["weight_set"].values.tolist():
        of = found.sel(weight_set=key)
        weighted, index = of["weighted_list"].values.tolist(), of["need_index"].values.tolist()
        for code, registered, *figures in zip(codes, people, weighted, index, strict=True):
            yield (key, code, registered, *map(repr, figures))


def summary_of(found: xr.Dataset) -> dict[str, Any]:
    """Weighted lists as data: each set's scale and extremes, and every practice.

    Parameters
    ----------
    found : xarray.Dataset
        From `weigh`.

    Returns
    -------
    dict
    """
    codes = found["practice"].values.tolist()
    lists = found["registered_list"].values.tolist()
    sets = {}
    for key in found["weight_set"].values.tolist():
        of = found.sel(weight_set=key)
        sets[key] = {
            "normalisation": of["normalisation"].item(),
            "weighted_list": dict(zip(codes, of["weighted_list"].values.tolist(), strict=True)),
            "need_index": dict(zip(codes, of["need_index"].values.tolist(), strict=True)),
        }
    return {
        "persons": sum(lists),
        "practices": len(codes),
        "source": found.attrs["source"],
        "weights": found.attrs["weights_source"],
        "practice_factors": found.attrs["practice_factors"],
        "registered_list": dict(zip(codes, lists, strict=True)),
        "weight_sets": sets,
    }


def words_of(found: xr.Dataset) -> str:
    r"""Weighted lists in short: how many persons, each set of weights, and practices.

    Parameters
    ----------
    found : xarray.Dataset
        From `weigh`.

    Returns
    -------
    str

    Examples
    --------
    >>> import xarray as xr
    >>> from capitation.weighing.weighted_lists import weigh as weighed
    >>> persons = {"practice": ["A", "B", "B"], "age_band": [0, 0, 1], "sex": [0, 0, 0]}
    >>> weights = xr.DataArray([[1.0], [4.0]], {"age_band": ["0-64", "65+"], "sex": ["all"]})
    >>> print(words_of(weighed(persons, weights)))
    3 persons of 2 practices: persons
    <BLANKLINE>
    Weights   scale  least need  median    most
    weights  0.5000       0.500   0.875   1.250
    <BLANKLINE>
    Practice  registered  weighted   need
    A                  1       0.5  0.500
    B                  2       2.5  1.250
    """
    people, several = found["registered_list"], found.sizes["weight_set"] > 1
    count = found.sizes["practice"]
    practices = f"{count:,} practice{'s' if count > 1 else ''}"
    head = f"{int(people.sum()):,} persons of {practices}: {found.attrs['source']}"
    factors = found.attrs["practice_factors"]
    head += f"\nFactors of practices: {factors}" if factors else ""
    rows = [("Weights", "scale", "least need", "median", "most")]
    for key in found["weight_set"].values.tolist():
        of = found.sel(weight_set=key).isel(practice=people.values > 0)
        ends = of["need_index"].quantile((0, 0.5, 1)).values.tolist()
        scale = f"{of['normalisation'].item():.4f}"
        rows.append((key, scale, *(f"{index:.3f}" for index in ends)))
    first = found.isel(weight_set=0)
    of_set = f" ({first['weight_set'].item()})" if several else ""
    lines = [("Practice", "registered", f"weighted{of_set}", "need")]
    names = ("practice", "registered_list", "weighted_list", "need_index")
    for code, registered, weighted, index in zip(
        *(first[name].values.tolist() for name in names), strict=True
    ):
        lines.append((code, f"{registered:,}", f"{weighted:,.1f}", f"{index:.3f}"))
    heading, *shown = table(lines).split("\n")
    return "\n\n".join([head, table(rows), f"{heading}\n{listed(shown, chr(10))}"])
