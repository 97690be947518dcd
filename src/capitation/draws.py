"""Draw after draw of a contract, commissioner by commissioner, in bounded memory.

A commissioner's practices are drawn together, since totals and budgets tie them to each other, and
no more commissioners are in memory at once than threads run. What is kept of a draw is what was
asked for, by year. The same numbers come out however commissioners and draws are spread over
threads, and practices over passes: a random number belongs to a seed, a practice's code, a period,
a random rule and a draw.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from capitation.engine.drawing import (
    keys_of_run,
    random_rules,
    touched_by_chance,
)
from capitation.engine.graph import Graph, Leaf, Node, area_of, time_of
from capitation.engine.kernel import emit
from capitation.engine.lane_draws.kernel import LaneDrawingKernel, emit_lane_draws
from capitation.engine.rule import Total
from capitation.engine.terms import format_number
from capitation.errors import InputError, Problem, nearest, raise_if_any
from capitation.evaluation import WORTH_COMPILING, evaluate, evaluations, place_of_fault
from capitation.model import Model, Scenario
from capitation.setting import Setting, values_of_leaves
from capitation.side_by_side import Room, side_by_side
from capitation.spreads import check_spreads

MEMORY = 512 * 2**20
"""Bytes that draws may take at once; a commissioner that needs more takes several passes."""

LEAST_TASK = 128
"""Draws that a thread takes at once, at the least."""

DEARER = 30
"""How many rule evaluations a random number takes the time of, as plain Python."""


@dataclass(frozen=True)
class Outcome:
    """What is kept of each draw of a rule.

    Attributes
    ----------
    name : str
        The rule that was asked for.
    by_practice, by_commissioner : str
        The variables that hold it by practice and by commissioner, each year; empty where it has
        none.
    """

    name: str
    by_practice: str = ""
    by_commissioner: str = ""

    @property
    def of_commissioner(self) -> str:
        """What it is called in a result, as a commissioner's."""
        return f"commissioner_{self.name.removeprefix('commissioner_')}"

    @property
    def of_group(self) -> str:
        """What it is called in a result, as a wider group's."""
        return f"group_{self.name.removeprefix('commissioner_')}"

    @property
    def shown(self) -> list[str]:
        """What it is called in a result."""
        own = [self.name] if self.by_practice else []
        return own + ([self.of_commissioner] if self.by_commissioner else [])

    @property
    def variables(self) -> list[str]:
        """Names of the variables that hold it."""
        return [name for name in (self.by_practice, self.by_commissioner) if name]


def with_outcomes(
    model: Model, names: Iterable[str], given: Iterable[str]
) -> tuple[Model, dict[str, Outcome]]:
    """Add the totals that outcomes need: of a year's months, and of a commissioner's practices.

    Raises
    ------
    InputError
        For a name that is no rule, and for a rule that is neither of a year nor so much a month,
        or of no practice and no commissioner.
    """
    graph = model.graph(given=given)
    known = {n: graph[n] for n in (*graph.nodes, *given) if n in graph}
    problems: list[Problem] = []
    outcomes: dict[str, Outcome] = {}
    totals: list[Total] = []
    for name in dict.fromkeys(names):
        if name not in known:
            found = f"{name!r} is no rule of the model"
            problems.append(Problem("outcomes", found, nearest(name, known)))
            continue
        node = known[name]
        problems += _unfit(node)
        yearly = name
        if time_of(node.dims) == "month":
            yearly = _total_of(graph, name, "months") or f"simulated_{name}_of_the_year"
            totals += _new_total(graph, yearly, name, "months")
        by_commissioner = yearly if area_of(node.dims) == "commissioner_code" else ""
        by_practice = "" if by_commissioner else yearly
        if by_practice and node.unit.adds_up:
            made = f"simulated_{name}_of_all_practices"
            by_commissioner = _total_of(graph, yearly, "practices") or made
            totals += _new_total(graph, by_commissioner, yearly, "practices")
        outcomes[name] = Outcome(name, by_practice, by_commissioner)
    problems += _of_one_name(outcomes.values())
    raise_if_any(problems)
    return replace(model, definitions=(*model.definitions, *totals)), outcomes


def _total_of(graph: Graph, of: str, over: str) -> str:
    """Name of the model's own total of a rule, if it has one: it need not be reckoned twice."""
    return next((n for n, node in graph.nodes.items() if _is_total(node, of, over)), "")


def _is_total(node: Node, of: str, over: str) -> bool:
    made = node.definition
    if not isinstance(made, Total):
        return False
    # One that is looked back at asks for what was before, and is left to those who ask for it.
    return (made.of, made.over, made.first, made.each) == (of, over, "", "")


def _new_total(graph: Graph, name: str, of: str, over: str) -> Iterator[Total]:
    if name not in graph:
        title = name.replace("_", " ")
        yield Total(of=of, over=over, name=name, title=title, place="simulation")


def _of_one_name(outcomes: Iterable[Outcome]) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for outcome in outcomes:
        for shown in outcome.shown:
            other = first.setdefault(shown, outcome.name)
            if other != outcome.name:
                found = f"{other!r} and {outcome.name!r} would both be called {shown!r}"
                yield Problem("outcomes", found, "ask for one of them")


def _unfit(node: Node | Leaf) -> Iterator[Problem]:
    if time_of(node.dims) != "month" and node.unit.powers.get("month") == -1:
        found = f"{node.name!r} [{node.unit}] is so much a month, but does not move by month"
        yield Problem("outcomes", found, "ask for what is of a year")
    if time_of(node.dims) == "month" and node.unit.powers.get("month") != -1:
        found = f"{node.name!r} [{node.unit}] moves by month, and months of it do not add up"
        yield Problem("outcomes", found, "ask for what is of a year, or so much a month")
    if not area_of(node.dims):
        found = f"{node.name!r} is the same for every practice"
        yield Problem("outcomes", found, "ask for what a practice or a commissioner has")


def with_effect_held(
    model: Model, term: str, scenarios: Iterable[str], values: Iterable[float]
) -> dict[str, Scenario]:
    """Scenarios in which a term is held at one value, by the names that are made for them.

    Parameters
    ----------
    model : Model
    term : str
    scenarios : iterable of str
        Each is changed in turn.
    values : iterable of float
        The value in each of `scenarios`.
    """
    found = {}
    for name, value in zip(scenarios, values, strict=True):
        own = model.scenarios[name]
        constant = model.term_in(term, name).held_at(value)
        made = name_of_held(term, name, value)
        found[made] = Scenario(made, made, own.terms | {term: constant})
    return found


def name_of_held(term: str, scenario: str, value: float) -> str:
    """Name of a scenario in which a term is held at one value."""
    return f"{scenario}, {term} held at {format_number(value)}"


@dataclass
class Draws:
    """A contract made ready to be drawn.

    Attributes
    ----------
    setting : Setting
    graph : Graph
        All the rules.
    wanted : list of str
        Variables to keep, each by year.
    draws, seed, threads : int
    compiled : bool or None
    """

    setting: Setting
    graph: Graph
    wanted: list[str]
    given: Mapping[str, np.ndarray]
    draws: int
    seed: int
    threads: int
    compiled: bool | None = None
    drawn: list[str] = field(init=False)
    fixed: dict[str, np.ndarray] = field(init=False)
    keys: dict[str, np.ndarray] = field(init=False)
    sizes: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        touched = touched_by_chance(self.graph.only(self.wanted))
        self.drawn = [name for name in self.wanted if name in touched.nodes]
        self.kernel: LaneDrawingKernel | None = None
        before = [name for name in self.wanted if name not in touched.nodes]
        part = touched
        if self.drawn:
            self.kernel, part = emit_lane_draws(self.graph, self.drawn)
            before += [name for name in part.leaves if name in self.graph.nodes]
        if self.compiled is None:
            self.compiled = self.draws * self.evaluations_of(part) > WORTH_COMPILING
        self.part = part
        self.fixed = self.values_before(list(dict.fromkeys(before)))
        check_spreads(self.part, self.fixed)
        self.sizes = self.setting.sizes
        self.year_of_month = self.setting.year_of_month
        self.keys = self.keys_of_all()

    def keys_of_all(self) -> dict[str, np.ndarray]:
        """Keys of random numbers: of all practices and commissioners, periods and draws."""
        setting = self.setting
        labels = {
            "practice": setting.codes.tolist(),
            "commissioner_code": setting.commissioners,
            "year": setting.years,
            "month": [f"{month:%Y-%m}" for month in setting.months],
        }
        streams = self.kernel.streams if self.kernel else ()
        return keys_of_run(labels, streams, self.seed, self.draws)

    def values_before(self, names: list[str]) -> dict[str, np.ndarray]:
        """What chance does not touch, worked out once: rules, and the leaves that draws read."""
        graph = self.graph.only([*names, *self.drawn])
        leaves = values_of_leaves(graph.leaves, self.setting, self.given)
        kernel = emit(self.graph, names)
        values = {name: leaves[name] for name in kernel.inputs}
        worth_it = evaluations(graph, self.setting) > WORTH_COMPILING
        return leaves | evaluate(kernel, self.graph, self.setting, values, compiled=worth_it)

    def evaluations_of(self, part: Graph) -> int:
        """Rule evaluations of one draw, a random number counted for as many as it takes."""
        random = Graph({name: part.nodes[name] for name in random_rules(part)}, {})
        return evaluations(part, self.setting) + DEARER * evaluations(random, self.setting)

    # ------------------------------------------------------------------ running

    @property
    def workers(self) -> int:
        """How many threads there is work for: plain Python has no use for more than one."""
        return self.threads if self.compiled else 1

    def of_commissioner(
        self, place: int, room: Room | None = None, threads: int | None = None
    ) -> Iterator[tuple[range, dict[str, np.ndarray]]]:
        """All draws of one commissioner, in as many passes over its practices as memory asks.

        Parameters
        ----------
        place : int
            Position of the commissioner.
        room : Room, optional
            Memory to be used again in each pass; fresh memory if left out.
        threads : int, optional
            As many as there is work for if left out.

        Yields
        ------
        practices : range
            Positions, within the commissioner, of the practices in the pass.
        arrays : dict of str to array
            Each of `wanted`, on its own dimensions, draws last; a single entry where chance does
            not touch it.
        """
        sizes, values = self.own_sizes(place), self.own_values(place)
        step = max(1, MEMORY // max(1, self.bytes_of_a_practice(sizes)))
        for start in range(0, sizes["practice"], step):
            practices = range(start, min(start + step, sizes["practice"]))
            arrays = {}
            for name in (name for name in self.wanted if name not in self.drawn):
                dims = self.graph[name].dims
                kept = [
                    slice(start, practices.stop) if d == "practice" else slice(None) for d in dims
                ]
                arrays[name] = values[name][tuple(kept)][..., np.newaxis]
            yield practices, arrays | self.run(place, values, practices, room, threads)

    def totals_of_commissioner(self, place: int) -> dict[str, np.ndarray]:
        """All draws of what is the commissioner's, without any practice's own."""
        values = self.own_values(place)
        fixed = [name for name in self.wanted if name not in self.drawn]
        arrays = {name: values[name][..., np.newaxis] for name in fixed}
        return arrays | self.run(place, values, range(0))

    def own_sizes(self, place: int) -> dict[str, int]:
        """Length of each dimension where a commissioner is alone."""
        first, last = (int(i) for i in self.setting.practice_start[place : place + 2])
        return {**self.sizes, "commissioner_code": 1, "practice": last - first}

    def own_values(self, place: int) -> dict[str, np.ndarray]:
        """What chance does not touch, of a commissioner and its practices."""
        first, last = (int(i) for i in self.setting.practice_start[place : place + 2])
        cuts = {"practice": slice(first, last), "commissioner_code": slice(place, place + 1)}
        dims = {name: self.graph[name].dims for name in self.fixed}
        return {
            name: values[tuple(cuts.get(d, slice(None)) for d in dims[name])]
            for name, values in self.fixed.items()
        }

    def own_keys(self, place: int) -> dict[str, np.ndarray]:
        """Keys of random numbers of a commissioner and its practices."""
        first, last = (int(i) for i in self.setting.practice_start[place : place + 2])
        own = {"practice": slice(first, last), "commissioner_code": slice(place, place + 1)}
        return self.keys | {name: self.keys[name][at] for name, at in own.items()}

    def bytes_of_a_practice(self, sizes: Mapping[str, int]) -> int:
        """Memory that all draws of one practice take."""
        return self._bytes(sizes, lambda dims: "practice" in dims)

    def bytes_of_a_commissioner(self, sizes: Mapping[str, int]) -> int:
        """Memory that all draws of a commissioner take, without its practices' own."""
        return self._bytes(sizes, lambda dims: "practice" not in dims)

    def _bytes(self, sizes: Mapping[str, int], kept: Callable[[tuple[str, ...]], bool]) -> int:
        shapes = [dims for name in self.drawn if kept(dims := self.graph[name].dims)]
        cells = (int(np.prod([sizes[d] for d in dims if d != "practice"])) for dims in shapes)
        return 8 * self.draws * sum(cells)

    def run(
        self,
        place: int,
        values: Mapping[str, np.ndarray],
        practices: range,
        room: Room | None = None,
        threads: int | None = None,
    ) -> dict[str, np.ndarray]:
        """Draw what chance touches of a commissioner and of some of its practices."""
        if self.kernel is None:
            return {}
        kernel, room, sizes = self.kernel, room or Room(), self.own_sizes(place)
        threads = self.workers if threads is None else threads
        start = np.array([0, sizes["practice"]])
        index = {"practice_start": start, "year_of_month": self.year_of_month}
        keys = self.own_keys(place)
        of_pass = {**sizes, "practice": len(practices)}
        collected = {
            name: room.array(name, [*(of_pass[d] for d in dims), self.draws])
            for name, dims in kernel.collected.items()
        }
        read = {name: values[name] for name in kernel.inputs}

        def draw(draws: range, compiled: bool) -> None:
            kernel.run(sizes, index, keys, read, collected, draws, practices, compiled=compiled)

        def task(draws: range) -> None:
            try:
                draw(draws, bool(self.compiled))
            except (ZeroDivisionError, OverflowError) as error:
                fault = self.fault(error, lambda: draw(draws, False), place)
                raise InputError(fault) from None

        for _ in side_by_side(task, self.tasks(threads), threads):
            pass
        for name, array in collected.items():
            if not np.isfinite(array).all():
                raise InputError(Problem(name, "some draws are not finite numbers"))
        return collected

    def tasks(self, threads: int) -> list[range]:
        """Draws that are run in one go: some for each thread, so that none waits for long."""
        step = LEAST_TASK * max(1, -(-self.draws // (4 * threads * LEAST_TASK)))
        return [range(a, min(a + step, self.draws)) for a in range(0, self.draws, step)]

    def fault(self, error: BaseException, again: Callable[[], None], place: int) -> Problem:
        """Which rule divided by zero: found by running once more as plain Python."""
        if self.compiled:
            try:
                again()
            except (ZeroDivisionError, OverflowError) as told:
                error = told
        first = int(self.setting.practice_start[place])
        return place_of_fault(error, self.graph, self.setting, first)
