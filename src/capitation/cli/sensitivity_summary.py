"""Commands ``sensitivity`` and ``seek``: what an amount hangs on, where it meets a target."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from capitation.cli.console import as_json, listed, table
from capitation.errors import InputError, Problem, raise_if_any

if TYPE_CHECKING:
    import xarray as xr

    from capitation.cli.asked import Asked
    from capitation.goal_seeking import Goal

SENSITIVITY_DOES = "each term at its low and its high: what an amount hangs on, the most first"

SEEK_DOES = "the value of a term at which an amount comes to a target"

HALF_A_BAR = 16
"""Letters to either side of a tornado's axis."""

KEY = "One term at a time. l: at its low; h: at its high; to the right of | the amount is more."

HALF_A_PENNY = 0.005
"""An effect of less is none."""

Add = Callable[..., argparse.Action]


def add_sensitivity_options(add: Add) -> None:
    """Add the options of ``sensitivity`` that are its own, by a parser's ``add_argument``."""
    _add_measure(add)
    ranges = "this term, at its own low and high or at these; may be repeated [all that have them]"
    add("--term", action="append", metavar="NAME[=LOW:HIGH]", help=ranges)


def add_seek_options(add: Add) -> None:
    """Add the options of ``seek`` that are its own; TERM comes after the model."""
    add("term", metavar="TERM", help="the term whose value is sought")
    add("--target", type=float, default=0.0, metavar="AMOUNT", help="what the amount comes to [0]")
    _add_measure(add)
    add("--within", metavar="LOW:HIGH", help="only values from LOW to HIGH [its bounds]")


def _add_measure(add: Add) -> None:
    measure = "rule or total that is added up [total_payments]"
    add("--measure", default="total_payments", metavar="RULE", help=measure)
    add("--year", metavar="2016/17", help="the amount of this fiscal year [the whole run]")
    add("--scenario", metavar="NAME", help="in which the other terms stand [the first]")


def sensitivity(args: argparse.Namespace, asked: Asked) -> tuple[str, int]:
    """What ``sensitivity`` has to say, and its exit status.

    Parameters
    ----------
    args : argparse.Namespace
    asked : Asked

    Returns
    -------
    tuple of str and int
    """
    from capitation.sensitivities import how_to_give_a_range
    from capitation.sensitivities import sensitivity as moved

    found = moved(
        asked.model,
        asked.practices,
        args.measure,
        ranges_of(args.term),
        scenario=args.scenario or asked.first_scenario,
        months=asked.months,
        given=asked.given,
        year=args.year,
    )
    if not found.sizes["term"]:
        said = f"no term that {args.measure} reads has a low or a high"
        raise InputError(Problem(asked.model.place, said, how_to_give_a_range("NAME")))
    said = as_json(summary_of(found, asked)) if args.json else words_of(found)
    return said, 0


def seek(args: argparse.Namespace, asked: Asked) -> tuple[str, int]:
    """What ``seek`` has to say, and its exit status: 0 if it found no value too.

    Parameters
    ----------
    args : argparse.Namespace
    asked : Asked

    Returns
    -------
    tuple of str and int
    """
    from capitation.goal_seeking import goal_seek

    goal = goal_seek(
        asked.model,
        asked.practices,
        args.term,
        args.target,
        args.measure,
        year=args.year,
        scenario=args.scenario or asked.first_scenario,
        months=asked.months,
        given=asked.given,
        within=None if args.within is None else _ends("--within", args.within),
    )
    said = as_json(_about(asked) | goal.as_dict()) if args.json else words_of_goal(goal, asked)
    return said, 0


def ranges_of(words: list[str] | None) -> dict[str, tuple[str, str] | None] | None:
    """Terms and their ranges, from words such as ``monthly_list_growth=0:0.001``.

    Parameters
    ----------
    words : list of str or None

    Returns
    -------
    dict of str to tuple of str, or None
        A term without a range has None. None in all stands for every term that has a range.

    Raises
    ------
    InputError
        For words that are no term and range, and a term that is named twice. All at once.

    Examples
    --------
    >>> ranges_of(["list_growth=0:0.001", "premium_share=1/7:1"])
    {'list_growth': ('0', '0.001'), 'premium_share': ('1/7', '1')}
    """
    if words is None:
        return None
    ranges: dict[str, tuple[str, str] | None] = {}
    problems: list[Problem] = []
    for word in words:
        name, equals, ends = (part.strip() for part in word.partition("="))
        if not name:
            problems.append(Problem("--term", f"{word!r} names no term", "NAME or NAME=LOW:HIGH"))
        elif name in ranges:
            problems.append(Problem("--term", f"{name} is named twice", "name it once"))
        try:
            ranges[name] = _ends("--term", ends) if equals else None
        except InputError as error:
            problems += error.problems
    raise_if_any(problems)
    return ranges


def _ends(option: str, words: str) -> tuple[str, str]:
    low, colon, high = (part.strip() for part in words.partition(":"))
    if not (low and colon and high):
        raise InputError(Problem(option, f"{words!r} is no range", "write it as LOW:HIGH"))
    return low, high


def _about(asked: Asked) -> dict[str, Any]:
    """What was asked about: practices, the files that were read, and the terms that were set."""
    return {
        "practices": asked.practices.sizes["practice"],
        "months": asked.months,
        **asked.files,
        "preset": asked.preset,
        "set": asked.set,
    }


def summary_of(found: xr.Dataset, asked: Asked) -> dict[str, Any]:
    """What was asked, and by how much each term moves the amount, the most first.

    Parameters
    ----------
    found : xarray.Dataset
        From `sensitivity`.
    asked : Asked

    Returns
    -------
    dict
    """
    years = found["year"].values.tolist()

    def by_year(amounts: xr.DataArray) -> dict[str, float]:
        return dict(zip(years, amounts.values.tolist(), strict=True))

    terms = [
        {
            "term": str(of["term"].item()),
            **{key: of[key].item() for key in ("title", "unit", "ground", "from", "dated")},
            "range": of["range"].item(),
            "value": of["value_as_it_stands"].item(),
            **{
                side: {
                    "value": of["value"].sel(side=side).item(),
                    "amount": of["amount"].sel(side=side).item(),
                    "effect": of["effect"].sel(side=side).item(),
                    "effect_by_year": by_year(of["effect_by_year"].sel(side=side)),
                }
                for side in found["side"].values.tolist()
            },
        }
        for of in (found.isel(term=n) for n in range(found.sizes["term"]))
    ]
    return {
        **_about(asked),
        **found.attrs,
        "year": found.attrs["year"] or None,
        "amount": found["amount_as_it_stands"].item(),
        "amount_by_year": by_year(found["amount_as_it_stands_by_year"]),
        "terms": terms,
    }


# In words ---------------------------------------------------------------------------------------


def words_of(found: xr.Dataset) -> str:
    """A tornado in letters: the terms that move the amount most stand first.

    Parameters
    ----------
    found : xarray.Dataset
        From `sensitivity`.

    Returns
    -------
    str
    """
    attributes, unit = found.attrs, found.attrs["units"]
    years = attributes["year"] or f"{attributes['months']} months from {attributes['start']}"
    rows = [
        ("Measure", f"{attributes['measure_title']} ({attributes['measure']}) [{unit}]"),
        ("Scenario", attributes["scenario"]),
        ("Time", years),
        ("Practices", f"{attributes['practices']:,}"),
        ("As it stands", _amount(found["amount_as_it_stands"].item(), unit)),
    ]
    heading = ("Term", "low", "now", "high", "at low", "at high", _heading_of_bars())
    moves = (abs(found["effect"]) >= HALF_A_PENNY).any("side").values
    still = found["term"].values[~moves].tolist()
    parts = [
        str(attributes["title"]),
        table(rows, str.ljust),
        *(["\n".join(_tornado(found.isel(term=moves), heading)), KEY] if moves.any() else []),
        *([f"These move it by nothing: {listed(still)}."] if still else []),
    ]
    return "\n\n".join(parts)


def _tornado(found: xr.Dataset, heading: tuple[str, ...]) -> Iterator[str]:
    """Lines of a table that ends in bars."""
    effects = found["effect"].values
    largest = abs(effects).max()
    unit = found.attrs["units"]
    names = zip(found["title"].values.tolist(), found["term"].values.tolist(), strict=True)
    terms = zip(
        names,
        found["value"].values.tolist(),
        found["value_as_it_stands"].values.tolist(),
        found["unit"].values.tolist(),
        effects.tolist(),
        strict=True,
    )
    rows = [heading[:-1]]
    bars = [heading[-1]]
    for (title, name), (low, high), now, of, (at_low, at_high) in terms:
        values = [_amount(value, of) for value in (low, now, high)]
        moved = [_signed(effect, unit) for effect in (at_low, at_high)]
        rows.append((f"{title} ({name})", *values, *moved))
        bars.append(bar_of(at_low, at_high, largest))
    for line, bar in zip(_padded(table(rows)), bars, strict=True):
        yield f"{line}  {bar}".rstrip()


def _padded(text: str) -> list[str]:
    lines = text.split("\n")
    wide = max(map(len, lines))
    return [line.ljust(wide) for line in lines]


def _heading_of_bars() -> str:
    return "less".center(HALF_A_BAR) + "|" + "more".center(HALF_A_BAR)


def bar_of(at_low: float, at_high: float, largest: float) -> str:
    """A bar of letters to either side of an axis: l for the low, h for the high.

    Where both are on one side, the longer reaches out from behind the shorter.

    Parameters
    ----------
    at_low, at_high : float
        Effects.
    largest : float
        The absolute effect that fills one side.

    Returns
    -------
    str

    Examples
    --------
    >>> bar_of(-8.0, 4.0, 16.0)
    '        llllllll|hhhh            '
    >>> bar_of(2.0, 5.0, 16.0)
    '                |llhhh           '
    """
    letters = {"l": at_low, "h": at_high}
    sides = {-1: [" "] * HALF_A_BAR, 1: [" "] * HALF_A_BAR}
    for letter, effect in sorted(letters.items(), key=lambda item: -abs(item[1])):
        long = round(abs(effect) / largest * HALF_A_BAR) if largest else 0
        sides[1 if effect > 0 else -1][:long] = [letter] * long
    return "".join(reversed(sides[-1])) + "|" + "".join(sides[1])


def words_of_goal(goal: Goal, asked: Asked) -> str:
    """The value that was sought, what the amount is there, and what it was.

    Parameters
    ----------
    goal : Goal
    asked : Asked

    Returns
    -------
    str
    """
    unit = goal.measure_unit
    when = goal.year or f"{asked.months} months from {asked.model.start:%Y-%m}"
    rows = [
        ("Term", f"{goal.title} ({goal.term}) [{goal.unit}]"),
        ("Measure", f"{goal.measure_title} ({goal.measure}) [{unit}]"),
        ("Scenario", goal.scenario),
        ("Time", when),
        ("Practices", f"{asked.practices.sizes['practice']:,}"),
    ]
    points = [("As it stands", goal.value, goal.amount)]
    if goal.short_of:
        points.append(("Short of the target", goal.short_of[0], goal.short_of[1]))
    if goal.found:
        points.append(("Found", goal.value_found, goal.amount_found))
    if not math.isnan(goal.value_in_pence):
        points.append(("To the penny", goal.value_in_pence, goal.amount_in_pence))
    found = [
        ("", "value", "amount"),
        *((words, f"{value:,.12g}", _amount(amount, unit)) for words, value, amount in points),
    ]
    return "\n\n".join([asked.model.title, table(rows, str.ljust), table(found), goal.said])


def _amount(amount: float, unit: str) -> str:
    from capitation.explanation import show

    return show(amount, unit)


def _signed(amount: float, unit: str) -> str:
    shown = _amount(amount, unit)
    return f"+{shown}" if round(amount, 2) > 0 else shown
