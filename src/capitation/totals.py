"""Rules added up by commissioner and year, without a practice's month ever in memory."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from capitation.chunked import Run, in_memory
from capitation.engine.graph import Graph, Leaf, Node, area_of, time_of
from capitation.engine.linearity import pushed_down
from capitation.engine.rule import Total
from capitation.errors import InputError, Problem, nearest, raise_if_any
from capitation.evaluation import worked_out
from capitation.model import TOTAL_PAYMENTS, Model
from capitation.model_file import load_model
from capitation.practices import check_practices
from capitation.projection import attributes_of_run, coordinates, first_of_month
from capitation.setting import Setting, checked_given, setting_of, values_of_leaves
from capitation.side_by_side import wrong_threads

ADDED_UP = "added_up"
"""What the name of a total made for this begins with."""

BY_YEAR = ("scenario", "commissioner_code", "year")


def project_totals(
    model: Model | str | Path,
    practices: xr.Dataset,
    scenarios: Sequence[str] | None = None,
    months: int | None = None,
    *,
    start: dt.date | str | None = None,
    given: Mapping[str, xr.DataArray] | None = None,
    variables: Iterable[str] | None = None,
    threads: int | None = None,
    compiled: bool | None = None,
) -> xr.Dataset:
    """Project payments and add them up, by scenario, commissioner and fiscal year.

    For all of England over hundreds of scenarios: no practice's month is kept, so memory holds
    neither practices × months × scenarios nor anything of that size. What is linear in the
    practices' data is worked out once a commissioner, from their sums.

    Parameters
    ----------
    model : Model, str or Path
        A contract, the name of a shipped one, or the path of its file.
    practices : xarray.Dataset
        The base year, on ``practice``, as for `project`.
    scenarios : sequence of str, optional
        Names of the model's scenarios; all of them if left out.
    months : int, optional
        How many months from the model's start; the model's own number if left out.
    start : datetime.date or str, optional
        First month, as for `project`.
    given : mapping of str to xarray.DataArray, optional
        Known values on (practice, month) in place of rules, as for `project`.
    variables : iterable of str, optional
        Rules to add up: so much a month, or of a year. The contract's streams and
        ``total_payments`` if left out.
    threads : int, optional
        How many commissioners to work out side by side; as many as the process may use if left
        out. The result is the same to the last bit.
    compiled : bool, optional
        Through Numba or as plain Python, with the same result to the last bit. If left out, large
        jobs are compiled.

    Returns
    -------
    xarray.Dataset
        For each of `variables`, its sum over a commissioner's practices and a year's months, on
        ``scenario``, ``commissioner_code`` and ``year``: [GBP/year] of a stream [GBP/month].

    Raises
    ------
    InputError
        As `project`; and for what does not add up, such as a list month by month.

    Notes
    -----
    The sums agree with those of `project` to about 1 part in 10¹²: sums of sums are taken in
    another order.

    Examples
    --------
    >>> from capitation import example_practices, project_totals
    >>> totals = project_totals("bolton-quality-contract", example_practices(), months=12)
    >>> dict(totals["total_payments"].sizes)
    {'scenario': 3, 'commissioner_code': 1, 'year': 1}
    """
    if not isinstance(model, Model):
        model = load_model(model)
    if start is not None:
        model = replace(model, start=first_of_month(start))
    raise_if_any(wrong_threads(threads))
    practices, chunks = in_memory(practices)
    check_practices(practices)
    setting = setting_of(model, practices, scenarios, months)
    given_values = checked_given(given or {}, setting)
    names = [scenario.name for scenario in setting.scenarios]
    asked = _asked(model, variables)
    summed = adding_up(model, asked, names, given_values)
    if chunks is not None:
        run = Run(project_totals, setting, practices, chunks, given or {})
        options = {"variables": asked, "threads": threads or 1, "compiled": compiled}
        return _labelled(summed, run.arrays(dict.fromkeys(asked, BY_YEAR), options), setting)
    wanted = list(dict.fromkeys(summed.sums.values()))
    graph = pushed_down(summed.graph, wanted, random_as_mean=True)
    leaves = values_of_leaves(graph.only(wanted).leaves, setting, given_values)
    found = worked_out(graph, wanted, setting, leaves, compiled, threads)
    return _labelled(summed, _on_all(summed, found, setting), setting)


@dataclass(frozen=True)
class AddingUp:
    """Rules to be added up, with the totals that do it.

    Attributes
    ----------
    graph : Graph
        The contract's rules and the totals, bound.
    sums : dict of str to str
        The total of each rule: of a commissioner and year, or of fewer dimensions where the rule
        is the same for all.
    """

    graph: Graph
    sums: dict[str, str]


def adding_up(
    model: Model, asked: Iterable[str], scenarios: Iterable[str], given: Iterable[str] = ()
) -> AddingUp:
    """Add to a contract the totals of rules over practices and months.

    Raises
    ------
    InputError
        For a name that is no rule, and for what does not add up. All problems at once.
    """
    scenarios, given = list(scenarios), list(given)
    graph = model.graph(scenarios, given)
    known = {name: graph[name] for name in (*graph.nodes, *given) if name in graph}
    problems: list[Problem] = []
    totals: list[Total] = []
    sums: dict[str, str] = {}
    for name in dict.fromkeys(asked):
        if name not in known:
            found = f"{name!r} is no rule of the model"
            problems.append(Problem("variables", found, nearest(name, known)))
            continue
        problems += _what_does_not_add_up(known[name])
        own = list(_totals_of(known[name]))
        totals += own
        sums[name] = own[-1].name if own else name
    raise_if_any(problems)
    whole = replace(model, definitions=(*model.definitions, *totals))
    return AddingUp(whole.graph(scenarios, given), sums)


def _totals_of(node: Node | Leaf) -> Iterator[Total]:
    """The totals that add a rule up: first over practices, then over months."""
    name, title = node.name, node.title
    if area_of(node.dims) == "practice":
        of, name = name, f"{ADDED_UP}_{name}_of_all_practices"
        yield Total(of, "practices", name, title=f"{title}, all practices", place="totals")
    if time_of(node.dims) == "month":
        of, name = name, f"{ADDED_UP}_{node.name}_of_the_year"
        yield Total(of, "months", name, title=f"{title}, of the year", place="totals")


def _what_does_not_add_up(node: Node | Leaf) -> Iterator[Problem]:
    said = f"{node.name!r} [{node.unit}]"
    if time_of(node.dims) == "month" and node.unit.powers.get("month") != -1:
        found = f"{said} moves by month, and months of it do not add up"
        yield Problem("variables", found, "ask for what is of a year, or so much a month")
    if area_of(node.dims) == "practice" and not node.unit.adds_up:
        found = f"{said} is of each practice, and practices' do not add up"
        yield Problem("variables", found, "ask for an amount or a number, not for a rate")


def _asked(model: Model, variables: Iterable[str] | None) -> list[str]:
    if variables is None:
        return [*model.streams, *([TOTAL_PAYMENTS] if model.streams else [])]
    if isinstance(variables, str):
        found = f"found the text {variables!r}"
        raise InputError(Problem("variables", found, f"a list: [{variables!r}]"))
    names = list(variables)
    if not names:
        raise InputError(Problem("variables", "none is named", "name rules, or leave it out"))
    return names


def _on_all(
    summed: AddingUp, found: Mapping[str, np.ndarray], setting: Setting
) -> dict[str, np.ndarray]:
    """Sums on scenario, commissioner and year, the same for all where they do not differ."""
    shape = tuple(setting.sizes[d] for d in BY_YEAR)
    arrays = {}
    for name, of in summed.sums.items():
        dims = summed.graph[of].dims
        array = found[of][tuple(slice(None) if d in dims else np.newaxis for d in BY_YEAR)]
        arrays[name] = np.broadcast_to(array, shape).copy()
    return arrays


def _labelled(summed: AddingUp, arrays: Mapping[str, Any], setting: Setting) -> xr.Dataset:
    variables = {}
    for name, of in summed.sums.items():
        attributes = {
            "long_name": summed.graph[name].title,
            "units": str(summed.graph[of].unit),
        }
        variables[name] = (BY_YEAR, arrays[name], attributes)
    kept = coordinates(setting)
    labels = {name: kept[name] for name in BY_YEAR}
    return xr.Dataset(variables, labels, attributes_of_run(setting, summed.graph))
