"""Why two runs differ: their difference, split exactly into what was changed from one to the other.

What was changed works together: a dearer price costs more where a practice has joined. So each part
is given its Shapley value, as between two scenarios (`bridging`). Its mixtures are of two whole
results: the rules that a result carries are run again, on figures taken from the one or the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import xarray as xr

from capitation.by_year import of_commissioners
from capitation.errors import InputError, Problem, listed, nearest, raise_if_any
from capitation.runs.bridge import RunBridge
from capitation.runs.changes import (
    BOTH_OF_ONE_PIECE,
    IN_BOTH,
    IN_WORDS,
    RunChange,
    became_of,
    changes_in_parts,
    changes_of_leaves,
    changes_of_rules,
    parts_between,
)
from capitation.runs.mixtures import MONTHS, PRACTICES, RULES, Part, amounts_of_mixtures
from capitation.runs.notes import notes_on_runs
from capitation.runs.side import Side
from capitation.shapley import shapley_values

TOLERANCE = 0.01
"""Pounds of a commissioner's year by which a run may miss what its own rules give."""


def compare_runs(
    before: xr.Dataset,
    after: xr.Dataset,
    measure: str = "total_payments",
    *,
    scenario: str | None = None,
    labels: tuple[str, str] = ("before", "after"),
) -> RunBridge:
    """Split the difference of an amount between two runs into what makes it.

    Parameters
    ----------
    before, after : xarray.Dataset
        From `project`, with all their rules. They may be of different practices, months, terms,
        rules and even models.
    measure : str
        Rule or total of a practice or a commissioner that both have, [GBP/month] by month or
        [GBP/year] by year; all payments to practices if left out.
    scenario : str, optional
        The scenario that is compared, which both must have. If left out, the first of the run
        before that the run after has too; if there is none, the first of each.
    labels : tuple of str, optional
        How the runs are named, such as by their files.

    Returns
    -------
    RunBridge
        Parts, of those that differ: ``practices`` (joined, left, or with another commissioner),
        ``practice_lists`` and ``practice_figures`` (what is known of practices in both), ``months``
        (the first month), ``rules``, and of terms ``timing``, ``price``, ``list`` and others by
        their names, or together as ``other_terms`` where there are many. Parts add up to the
        difference.

    Raises
    ------
    InputError
        If either is no whole result of `project`, has no such measure or scenario; if there is no
        fiscal year of which both have the same months; if a figure is not what the run's own rules
        give; or if a mixture of the two cannot be reckoned.

    Notes
    -----
    Fiscal years are compared of which both runs have the same months. Where a run begins earlier,
    what holds in the months that only it has is its own in every mixture.

    A practice, month, term or rule that only one run has brings its figures with it: they are in
    the part of what brings them.

    Source
    ------
    L. S. Shapley, A value for n-person games, 1953: as in `bridge`.

    Examples
    --------
    >>> from capitation import example_practices, load_model, project, with_terms
    >>> practices = example_practices()
    >>> model = load_model("bolton-quality-contract")
    >>> dearer = with_terms(model, {"out_of_hours_deduction": 0.05})
    >>> before = project(model, practices, months=12)
    >>> after = project(dearer, practices.isel(practice=slice(1, None)), months=12)
    >>> split = compare_runs(before, after)
    >>> [str(part) for part in split.parts["part"].values]
    ['practices', 'price']
    >>> first, *parts, last = (pence[-1] for _, pence in split.rows())
    >>> first + sum(parts) == last
    True
    """
    if labels[0] == labels[1]:
        labels = (f"{labels[0]} (before)", f"{labels[1]} (after)")
    sides = _sides(before, after, measure, labels)
    _choose_scenarios(sides, scenario)
    years = _years_of_both(*sides)
    moved = list(changes_of_leaves(*sides, years))
    rules = list(changes_of_rules(*sides))
    parts = parts_between(*sides, moved, rules=bool(rules))
    amounts = amounts_of_mixtures(*sides, parts, years)
    ends = amounts.isel(mixture=[0, -1]).rename(mixture="run").assign_coords(run=list(labels))
    raise_if_any(_not_as_reckoned(sides, ends, years))
    changes = [
        *changes_in_parts(moved, parts),
        *(replace(rule, part=_of_rules(parts)) for rule in rules),
    ]
    title = str(sides[0].amounts.attrs["long_name"])
    attributes = {"units": "GBP", "long_name": title}
    words = [_in_words(part, changes, sides) for part in parts]
    return RunBridge(
        title=title,
        measure=measure,
        before=labels[0],
        after=labels[1],
        scenarios=(sides[0].scenario, sides[1].scenario),
        parts=_shares(amounts, parts, words).assign_attrs(attributes),
        ends=ends.assign_attrs(attributes),
        practices=_of_practices(*sides, years),
        changes=tuple(changes),
        notes=tuple(notes_on_runs(*sides, years, changes, parts)),
    )


def _sides(
    before: xr.Dataset, after: xr.Dataset, measure: str, labels: tuple[str, str]
) -> tuple[Side, Side]:
    """Both runs, the faults of either told together."""
    sides: list[Side] = []
    problems: list[Problem] = []
    for label, result in zip(labels, (before, after), strict=True):
        try:
            sides.append(Side(label, result, measure))
        except InputError as error:
            problems += error.problems
    raise_if_any(problems)
    return sides[0], sides[1]


def _choose_scenarios(sides: tuple[Side, Side], chosen: str | None) -> None:
    """Scenarios of the same name, or the first of each."""
    first, second = sides
    if chosen is not None:
        raise_if_any(
            Problem(side.label, f"there is no scenario {chosen!r}", nearest(chosen, side.scenarios))
            for side in sides
            if chosen not in side.scenarios
        )
        first.scenario = second.scenario = chosen
        return
    common = [name for name in first.scenarios if name in second.scenarios]
    first.scenario, second.scenario = [common[0]] * 2 if common else [s.scenarios[0] for s in sides]


def _years_of_both(before: Side, after: Side) -> list[str]:
    """Fiscal years of which both runs have the same months."""
    found = [
        year
        for year, months in before.months_by_year.items()
        if after.months_by_year.get(year) == months
    ]
    if not found:
        spans = [f"{side.label} has {side.span}" for side in (before, after)]
        mend = "run both over the same fiscal year"
        said = f"there is no fiscal year of which both have the same months: {', '.join(spans)}"
        raise InputError(Problem("compare", said, mend))
    return found


def _not_as_reckoned(
    sides: tuple[Side, Side], ends: xr.DataArray, years: Sequence[str]
) -> Iterator[Problem]:
    """Runs whose figures are not what their own rules give: one was altered by hand, perhaps."""
    for number, side in enumerate(sides):
        held = of_commissioners(side.of_measure(years).expand_dims(scenario=[side.scenario]))
        reckoned = ends.isel(run=number).sel(commissioner_code=held["commissioner_code"].values)
        off = abs(held.isel(scenario=0).values - reckoned.values)
        if (off > TOLERANCE).any():
            code, year = np.unravel_index(int(off.argmax()), off.shape)
            place = f"{held['commissioner_code'].values[code]} in {years[int(year)]}"
            found = f"{side.measure} of {place} is £{off.max():,.2f} off what its own rules give"
            yield Problem(side.label, found, "it was altered: make it again, and compare that")


def _shares(amounts: xr.DataArray, parts: Sequence[Part], words: Sequence[str]) -> xr.DataArray:
    """What each part moves."""
    labels = {
        "part": np.array([part.name for part in parts], dtype=str),
        "commissioner_code": amounts["commissioner_code"].values,
        "year": amounts["year"].values,
    }
    shares = xr.DataArray(shapley_values(amounts.values), labels, tuple(labels))
    return shares.assign_coords(words=("part", np.array(words, dtype=str)))


def _of_rules(parts: Sequence[Part]) -> str:
    return next((part.name for part in parts if RULES in part.switches), "")


def _in_words(part: Part, changes: Sequence[RunChange], sides: tuple[Side, Side]) -> str:
    """What a part is, and what is in it."""
    own = [change for change in changes if change.part == part.name]
    said = [change.name for change in own if change.title]
    if part.name == PRACTICES or part.name == BOTH_OF_ONE_PIECE:
        said = [f"{len(codes)} {became}" for became, codes in became_of(*sides).items() if codes]
    if part.name == MONTHS:
        said = [f"{side.first_month}" for side in sides]
        return f"{IN_WORDS[MONTHS]} ({' to '.join(said)})"
    if part.name not in IN_WORDS:
        return f"{own[0].title} ({part.name})"
    return f"{IN_WORDS[part.name]} ({listed(said)})"


def _of_practices(before: Side, after: Side, years: Sequence[str]) -> xr.Dataset:
    """What each practice has in the years compared, before and after; nothing of commissioners."""
    amounts = [side.of_measure(years) for side in (before, after)]
    if any("practice" not in each.dims for each in amounts):
        return xr.Dataset()
    codes = sorted({*before.codes, *after.codes})
    became = {code: name for name, of in became_of(before, after).items() for code in of}
    sums = [
        dict(zip(side.codes, each.sum("year").values.tolist(), strict=True))
        for side, each in zip((before, after), amounts, strict=True)
    ]
    first, last = (np.array([of.get(code, 0.0) for code in codes]) for of in sums)
    attributes = {"units": "GBP"}
    names = {**before.name_of, **after.name_of}
    areas = {**before.area_of, **after.area_of}
    return xr.Dataset(
        {
            "before": ("practice", first, attributes),
            "after": ("practice", last, attributes),
            "change": ("practice", last - first, attributes),
        },
        {
            "practice": codes,
            "practice_name": ("practice", [names.get(code, "") for code in codes]),
            "commissioner": ("practice", [areas[code] for code in codes]),
            "became": ("practice", [became.get(code, IN_BOTH) for code in codes]),
        },
    )
