"""How two runs were compared, and what a reader of their bridge should know, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from capitation.errors import listed
from capitation.runs.changes import (
    BOTH_OF_ONE_PIECE,
    FIGURES,
    JOINED,
    LEFT,
    LISTS,
    MOVED,
    OTHERS,
    RunChange,
    became_of,
)
from capitation.runs.mixtures import MONTHS, Part
from capitation.runs.side import Side


def notes_on_runs(
    before: Side,
    after: Side,
    years: Sequence[str],
    changes: Sequence[RunChange],
    parts: Sequence[Part],
) -> Iterator[str]:
    """Say how two runs were compared.

    Parameters
    ----------
    before, after : Side
    years : sequence of str
        Fiscal years that are compared.
    changes : sequence of RunChange
    parts : sequence of Part

    Yields
    ------
    str
        Sentences.
    """
    if not parts and not any(change.part for change in changes):
        yield f"Nothing that {before.measure} depends on differs in the years compared."
    yield from _on_scenarios(before, after)
    yield from _on_years(before, after, years)
    yield from _on_practices(before, after)
    yield from _on_parts(before, after, changes, parts)
    yield from _on_records(before, after)


def _on_scenarios(before: Side, after: Side) -> Iterator[str]:
    if before.scenario != after.scenario:
        yield (
            "The runs have no scenario of the same name: compared are the first of each, "
            f"{before.scenario} and {after.scenario}."
        )
        return
    common = [name for name in before.scenarios if name in after.scenarios]
    also = [name for name in common if name != before.scenario]
    more = f" Both runs have {listed(also)} too: choose one with scenario." if also else ""
    yield f"Compared in the scenario {before.scenario}.{more}"
    for side in (before, after):
        alone = [name for name in side.scenarios if name not in common]
        if alone:
            yield f"Only {side.label} has the scenarios {listed(alone)}."


def _on_years(before: Side, after: Side, years: Sequence[str]) -> Iterator[str]:
    for side, other in ((before, after), (after, before)):
        left_out = [year for year in side.months_by_year if year not in years]
        if left_out:
            yield (
                f"{side.label} runs from {side.span}: left out is {listed(left_out)}, of which "
                f"{other.label} does not have the same months."
            )


def _on_practices(before: Side, after: Side) -> Iterator[str]:
    became = became_of(before, after)
    if not set(before.codes) & set(after.codes):
        yield "No practice is in both runs: all of them left, or joined."
        return
    for what, said in (
        (JOINED, "Joined"),
        (LEFT, "Left"),
        (MOVED, "Moved to another commissioner"),
    ):
        if became[what]:
            yield f"{said}: {listed(became[what])}."


def _on_parts(
    before: Side, after: Side, changes: Sequence[RunChange], parts: Sequence[Part]
) -> Iterator[str]:
    names = {part.name for part in parts}
    if BOTH_OF_ONE_PIECE in names:
        yield (
            "Rules of one run need figures that practices of the other do not have: practices and "
            "rules are one part."
        )
    if OTHERS in names:
        several = "; lists of practices are with their other figures" if LISTS not in names else ""
        told = several if FIGURES in names else ""
        yield f"Many terms differ: those that are none of the usual ones are one part{told}."
    if MONTHS in names:
        yield "What holds in the months that only one run has is its own in every mixture."
    unread = [change.name for change in changes if not change.part]
    if unread:
        yield (
            f"Differ too, and move no {before.measure} in the years compared: "
            f"{', '.join(dict.fromkeys(unread))}."
        )


def _on_records(before: Side, after: Side) -> Iterator[str]:
    """What runs say of themselves: model, data and version."""
    for key, said in (
        ("model", "Models differ"),
        ("practices_source", "Practices' figures are from different files"),
        ("base_fiscal_year", "Practices' figures are of different years"),
        ("capitation_version", "The runs were made by different versions of capitation"),
    ):
        found = [str(side.result.attrs.get(key, "")) for side in (before, after)]
        if found[0] != found[1]:
            yield f"{said}: {found[0]} and {found[1]}."
    grounds = sorted(set(_other_grounds(before, after)))
    if grounds:
        yield f"The same figures stand on other grounds: {listed(grounds)}."


def _other_grounds(before: Side, after: Side) -> Iterator[str]:
    """Terms of which a figure is the same, and its source or assumption is not."""
    for leaf in before.everything.leaves:
        if leaf in after.everything.leaves:
            said = [
                {(v.start, v.value): (v.source, v.assumption) for v in side.dated(leaf)}
                for side in (before, after)
            ]
            if any(said[0][at] != said[1][at] for at in set(said[0]) & set(said[1])):
                yield before.term_behind(leaf)
