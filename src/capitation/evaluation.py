"""From a bound graph and the values of its leaves to the values of its rules.

Small jobs are run as plain Python, large ones compiled, those with many scenarios in lanes: the
result is the same to the last bit, and so are the faults that are found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from capitation.engine.graph import Graph
from capitation.engine.kernel import Kernel, emit
from capitation.engine.lanes.kernel import emit_lanes, width_for
from capitation.engine.lanes.run import LaneRun
from capitation.errors import InputError, Problem
from capitation.setting import Setting
from capitation.side_by_side import threads_at_hand

WORTH_COMPILING = 12_000_000
"""Rule evaluations from which compiling is quicker: see benchmarks/compile_or_not.py."""

ENOUGH_SCENARIOS = 4
"""Scenarios from which running them side by side is quicker than one after another."""

WORTH_COMPILING_WITH_NUMBA = 100_000
"""Rule evaluations from which compiling is quicker where Numba has to be imported anyway."""


def evaluations(graph: Graph, setting: Setting) -> int:
    """How often rules are run: what says whether compiling is worth its while."""
    sizes = setting.sizes
    return sum(int(np.prod([sizes[d] for d in node.dims])) for node in graph.nodes.values())


def worked_out(
    graph: Graph,
    wanted: Sequence[str],
    setting: Setting,
    leaves: Mapping[str, np.ndarray],
    compiled: bool | None = None,
    threads: int | None = None,
) -> dict[str, np.ndarray]:
    """Work out rules and totals in a setting, the quickest way for a job of its size.

    Parameters
    ----------
    graph : Graph
    wanted : sequence of str
    setting : Setting
    leaves : mapping of str to array
        What `wanted` reads.
    compiled : bool, optional
        Through Numba, or as plain Python; what is quicker if left out.
    threads : int, optional
        How many commissioners' rules to run side by side; as many as the process may use if left
        out.

    Returns
    -------
    dict of str to ndarray
        Each of `wanted`.

    Raises
    ------
    InputError
        If a rule divides by zero, or gives what is not a finite number: which, and where.
    """
    worth_it = compiled
    if worth_it is None:
        worth_it = evaluations(graph.only(wanted), setting) > WORTH_COMPILING
    if worth_it and setting.sizes["scenario"] >= ENOUGH_SCENARIOS:
        return in_lanes(graph, wanted, setting, leaves, compiled, threads or threads_at_hand())
    kernel = emit(graph, wanted)
    found = evaluate(kernel, graph, setting, {n: leaves[n] for n in kernel.inputs}, worth_it)
    return {name: found[name] for name in wanted}


def in_lanes(
    graph: Graph,
    wanted: Sequence[str],
    setting: Setting,
    leaves: Mapping[str, np.ndarray],
    compiled: bool | None,
    threads: int,
) -> dict[str, np.ndarray]:
    """Work out rules and totals with scenarios side by side, the rest before by the plain loop.

    That is compiled too if `compiled` says so, and if it is left out where it is quicker so.
    """
    kernel = emit_lanes(graph, wanted, width_for(setting.sizes["scenario"]))
    values = {**leaves}
    if kernel.before:
        part = graph.only(kernel.before)
        large = evaluations(part, setting) > WORTH_COMPILING_WITH_NUMBA
        before = emit(graph, kernel.before)
        read = {name: leaves[name] for name in before.inputs}
        values |= evaluate(before, graph, setting, read, bool(compiled) or large)
    index = {"practice_start": setting.practice_start, "year_of_month": setting.year_of_month}
    run = LaneRun(kernel, setting.sizes, index, values)
    values |= run.run(threads)
    found = {name: values[name] for name in wanted}
    if run.first_fault() is not None or not all(np.isfinite(of).all() for of in found.values()):
        # Once more as plain Python, which says which rule it was, and where.
        plain = emit(graph, wanted)
        read = {name: leaves[name] for name in plain.inputs}
        evaluate(plain, graph, setting, read, compiled=False)
        raise AssertionError("what went wrong in lanes did not go wrong by itself")
    return found


def evaluate(
    kernel: Kernel,
    graph: Graph,
    setting: Setting,
    values: Mapping[str, np.ndarray],
    compiled: bool,
) -> dict[str, np.ndarray]:
    """Run a kernel in a setting, and refuse what is not a finite number."""
    index = {"practice_start": setting.practice_start, "year_of_month": setting.year_of_month}
    try:
        results = kernel.run(setting.sizes, index, values, compiled=compiled)
    except (ZeroDivisionError, OverflowError) as error:
        if compiled:
            # Once more as plain Python, whose frames say which rule it was, and where.
            return evaluate(kernel, graph, setting, values, compiled=False)
        raise InputError(place_of_fault(error, graph, setting)) from None
    for name in (n for n in graph.nodes if n in results):
        wrong = np.argwhere(~np.isfinite(results[name]))
        if len(wrong):
            at = dict(zip(graph[name].dims, wrong[0].tolist(), strict=True))
            raise InputError(_fault_in_rule(name, at, setting))
    return results


def place_of_fault(
    error: BaseException, graph: Graph, setting: Setting, first_practice: int = 0
) -> Problem:
    """Which rule divided by zero, for which practice and month: read off a kernel's frame."""
    frames = []
    trace = error.__traceback__
    while trace is not None:
        frames.append(trace.tb_frame)
        trace = trace.tb_next
    kernel = next(frame for frame in frames if frame.f_code.co_name == "kernel")
    short = {"scenario": "s_", "commissioner_code": "g_", "practice": "p_", "month": "m_"}
    rules = [frame.f_code.co_name for frame in frames if frame.f_code.co_name.startswith("rule_")]
    if not rules:
        return Problem("a random rule", f"cannot be drawn: {error}", "check how widely it is drawn")
    name = rules[-1].removeprefix("rule_").removesuffix("__")
    at = {d: kernel.f_locals[v] for d, v in short.items() if d in graph[name].dims}
    if "practice" in at:
        at["practice"] += first_practice
    return _fault_in_rule(name, at, setting)


def _fault_in_rule(name: str, at: Mapping[str, int], setting: Setting) -> Problem:
    where = [f"rule {name!r}"]
    if "scenario" in at:
        where.append(f"scenario {setting.scenarios[at['scenario']].name}")
    if "practice" in at:
        where.append(f"practice {setting.codes[at['practice']]}")
    if "month" in at:
        where.append(f"{setting.months[at['month']]:%B %Y}")
    mend = "guard the division: 'a / b if b > 0 else 0', or mend the figure"
    return Problem(", ".join(where), "the result is not a finite number", mend)
