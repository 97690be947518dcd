"""What a model asks of a simulation: its ``[simulation]`` table, checked against its rules."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from capitation.engine.graph import Graph, area_of, time_of
from capitation.engine.shapes import shape_problems
from capitation.engine.units import Unit
from capitation.errors import Problem, nearest
from capitation.model import Simulation

SIMULATION_KEYS = {
    "outcomes": "names",
    **dict.fromkeys(("earned", "effect", "cost", "saving"), "text"),
}
"""Known keys and the kind of value of each: see `engine.shapes`."""


def simulation_shape(table: Mapping[str, Any], file: str) -> list[Problem]:
    """Say which keys of a ``[simulation]`` table are unknown, missing, or of the wrong kind."""
    place = f"{file}, simulation"
    problems = shape_problems(table, SIMULATION_KEYS, place)
    for key in SIMULATION_KEYS:
        if not table.get(key) and not any(f"{place}, {key}" == p.where for p in problems):
            problems.append(Problem(place, f"the key {key!r} is missing, or empty"))
    return problems


def read_simulation(
    table: Mapping[str, Any], rules: Collection[str], terms: Collection[str], file: str
) -> tuple[Simulation, list[Problem]]:
    """Read a ``[simulation]`` table of the right shape.

    Parameters
    ----------
    table : mapping of str to object
    rules, terms : collection of str
        Names that it may use.
    file : str
        For messages.

    Returns
    -------
    simulation : Simulation
    problems : list of Problem
    """
    simulation = Simulation(
        outcomes=tuple(table["outcomes"]),
        earned=table["earned"],
        effect=table["effect"],
        cost=table["cost"],
        saving=table["saving"],
    )
    problems = [
        Problem(f"{file}, simulation, {key}", f"there is no rule {name!r}", nearest(name, rules))
        for key, name in _rules_of(simulation)
        if name not in rules
    ]
    for twice in sorted({name for name in table["outcomes"] if table["outcomes"].count(name) > 1}):
        problems.append(
            Problem(f"{file}, simulation, outcomes", f"{twice!r} stands more than once")
        )
    if simulation.effect not in terms:
        found = f"there is no term {simulation.effect!r}"
        mend = nearest(simulation.effect, terms)
        problems.append(Problem(f"{file}, simulation, effect", found, mend))
    return simulation, problems


def _rules_of(simulation: Simulation) -> list[tuple[str, str]]:
    named = [(key, getattr(simulation, key)) for key in ("earned", "cost", "saving")]
    return [*(("outcomes", name) for name in simulation.outcomes), *named]


def simulation_faults(simulation: Simulation, graph: Graph, file: str) -> Iterator[Problem]:
    """What can be said of a simulation only once its rules are bound: area, time and unit."""
    place = f"{file}, simulation"
    for name in simulation.outcomes:
        node, where = graph[name], f"{place}, outcomes"
        time = time_of(node.dims)
        if not time:
            yield Problem(where, f"{name!r} does not move", "name rules of the month or the year")
        elif time == "month" and node.unit.powers.get("month") != -1:
            found = f"{name!r} [{node.unit}] is by month and does not add up over the year"
            yield Problem(where, found, "name so much a month, or a rule of the year")
        if not area_of(node.dims):
            found = f"{name!r} is neither of a practice nor of a commissioner"
            yield Problem(where, found, "name rules of practices or of commissioners")
    if (area_of(graph[simulation.earned].dims), time_of(graph[simulation.earned].dims)) != (
        "practice",
        "year",
    ):
        found = f"{simulation.earned!r} is not of each practice and each year"
        yield Problem(f"{place}, earned", found, "name what a practice has earned in the year")
    for key in ("cost", "saving"):
        node = graph[getattr(simulation, key)]
        by = (area_of(node.dims), time_of(node.dims))
        if by != ("commissioner_code", "year") or node.unit != Unit.parse("GBP/year"):
            found = f"{node.name!r} [{node.unit}] is not of each commissioner and each year"
            yield Problem(f"{place}, {key}", found, "name a commissioner's amount of the year")
