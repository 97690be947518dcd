"""Run a contract's rules over practices and months: Dataset in, Dataset out."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from capitation.chunked import Run, in_memory
from capitation.engine.calendar import fiscal_year
from capitation.engine.graph import Graph, Leaf
from capitation.engine.record import attributes_of_leaf, attributes_of_node
from capitation.errors import InputError, Problem, nearest, raise_if_any
from capitation.evaluation import WORTH_COMPILING, evaluations, worked_out
from capitation.model import Model
from capitation.model_file import load_model
from capitation.notes import notes_on
from capitation.practices import check_practices
from capitation.setting import (
    Setting,
    checked_given,
    own_values_of,
    setting_of,
    terms_by_scenario,
    values_of_leaves,
)
from capitation.side_by_side import wrong_threads
from capitation.version import __version__

CARRIED = (
    "practice_name",
    "commissioner",
    "commissioner_name",
    "own_commissioner",
    "contract_type",
    "region",
)
"""Coordinates of a practice that a result keeps."""


def project(
    model: Model | str | Path,
    practices: xr.Dataset,
    scenarios: Sequence[str] | None = None,
    months: int | None = None,
    *,
    start: dt.date | str | None = None,
    given: Mapping[str, xr.DataArray] | None = None,
    variables: Iterable[str] | None = None,
    compiled: bool | None = None,
    threads: int | None = None,
    scenarios_per_chunk: int | None = None,
) -> xr.Dataset:
    """Project every practice's payments, month by month.

    Parameters
    ----------
    model : Model, str or Path
        A contract, the name of a shipped one, or the path of its file.
    practices : xarray.Dataset
        The base year, on ``practice``, as `read_payments` gives it: lists [patient] and payments
        [GBP/year], with coordinates ``commissioner`` and ``contract_type``. If they are chunked, as
        `chunk_by_commissioner` makes them, so is the result: Dask computes it when asked.
    scenarios : sequence of str, optional
        Names of the model's scenarios; all of them if left out.
    months : int, optional
        How many months from the model's start; the model's own number if left out.
    start : datetime.date or str, optional
        First month, as a date or as ``"2016-04"``; the model's own if left out. The base year must
        end before it.
    given : mapping of str to xarray.DataArray, optional
        Values on (practice, month) that stand in place of the rule of the same name: known lists,
        say. Practices and months must be exactly the projection's.
    variables : iterable of str, optional
        Rules and totals to give back; all if left out.
    compiled : bool, optional
        Through Numba or as plain Python, with the same result to the last bit. If left out, large
        jobs are compiled.
    threads : int, optional
        How many commissioners to work out side by side, where many scenarios are compiled; as many
        as the process may use if left out. The result is the same to the last bit.
    scenarios_per_chunk : int, optional
        Of chunked practices: cut the result along ``scenario`` too, so many to a chunk.

    Returns
    -------
    xarray.Dataset
        A variable for each rule, total, input and term, on those of ``scenario``, ``practice``,
        ``commissioner_code``, ``month`` and ``year`` that it depends on. A payment stream
        [GBP/month] bears the stream's name. ``month`` has the coordinate ``fiscal_year``.

    Raises
    ------
    InputError
        If practices' data, scenarios or given values are wrong, or a month is before the first
        date of a term. All problems at once.

    Examples
    --------
    >>> from capitation import example_practices, project
    >>> result = project("bolton-quality-contract", example_practices(), months=12)
    >>> dict(result["global_sum"].sizes)
    {'practice': 50, 'month': 12}
    """
    if not isinstance(model, Model):
        model = load_model(model)
    if start is not None:
        model = replace(model, start=first_of_month(start))
    raise_if_any(wrong_threads(threads))
    practices, chunks = in_memory(practices, scenarios_per_chunk)
    check_practices(practices)
    setting = setting_of(model, practices, scenarios, months)
    given_values = checked_given(given or {}, setting)
    names = [scenario.name for scenario in setting.scenarios]
    graph = model.graph(names, given_values)
    wanted = _wanted(graph, variables)
    needed = graph.only(wanted)
    if chunks is not None:
        if compiled is None:
            compiled = evaluations(needed, setting) > WORTH_COMPILING
        run = Run(project, setting, practices, chunks, given or {}, scenarios_per_chunk)
        options = {"variables": wanted, "compiled": compiled, "threads": threads or 1}
        arrays = run.arrays(_large(needed, wanted), options)
        small = {name: leaf for name, leaf in needed.leaves.items() if name not in arrays}
        values = values_of_leaves(small, setting, {})
        return _labelled(graph, wanted, arrays, values | arrays, setting)
    values = values_of_leaves(needed.leaves, setting, given_values)
    results = worked_out(graph, wanted, setting, values, compiled, threads)
    return _labelled(graph, wanted, results, values, setting)


def _large(graph: Graph, wanted: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Dimensions of what is computed, and of the leaves that are by practice and month."""
    leaves = [
        name
        for name, leaf in graph.leaves.items()
        if "practice" in leaf.dims and len(leaf.dims) > 1
    ]
    return {name: graph[name].dims for name in (*leaves, *wanted)}


def first_of_month(start: object) -> dt.date:
    """The month in which to start, from a date or from text such as "2016-04"."""
    try:
        if type(start) is dt.date:
            return start.replace(day=1)
        return dt.date.fromisoformat(f"{str(start)[:7]}-01")
    except ValueError:
        mend = "a month such as '2016-04'"
        raise InputError(Problem("start", f"found {start!r}", mend)) from None


def whole(result: xr.Dataset) -> xr.Dataset:
    """Take a result as `project` gave it, or with one scenario selected.

    Returns
    -------
    xarray.Dataset
        The same, with ``scenario`` as a dimension coordinate again.

    Raises
    ------
    InputError
        If it is not a result, or practices or months were cut out of it: its totals and what it
        looks back at would no longer be there.
    """
    marks = {"scenarios", "run"} <= set(getattr(result, "attrs", ()))
    if not marks or not {"scenario", "practice", "month"} <= set(result.coords):
        raise InputError(Problem("result", "not a result of project()", "project first"))
    if result.attrs["run"] != _run_key(result):
        found = "practices or months were cut out of the result, or put in another order"
        raise InputError(Problem("result", found, "project again for those you want"))
    if "scenario" in result.dims:
        return result
    chosen = str(result["scenario"].item())
    return result.drop_vars("scenario").assign_coords(scenario=[chosen])


def _run_key(result: xr.Dataset) -> str:
    """Tells one set of practices and months from another."""
    months = result["month"].values.astype("datetime64[M]").ravel()
    labels = [str(label) for label in (*result["practice"].values.ravel(), *months)]
    return hashlib.sha256("\n".join(labels).encode()).hexdigest()[:16]


def _wanted(graph: Graph, variables: Iterable[str] | None) -> list[str]:
    if variables is None:
        return list(graph.nodes)
    if isinstance(variables, str):
        found = f"found the text {variables!r}"
        raise InputError(Problem("variables", found, f"a list: [{variables!r}]"))
    names = list(variables)
    if not names:
        raise InputError(Problem("variables", "none is named", "name rules, or leave it out"))
    raise_if_any(
        Problem("variables", f"{name!r} is no rule of the model", nearest(name, graph.nodes))
        for name in names
        if name not in graph.nodes
    )
    return [name for name in graph.nodes if name in names]


def _labelled(
    graph: Graph,
    wanted: Sequence[str],
    results: Mapping[str, Any],
    values: Mapping[str, Any],
    setting: Setting,
) -> xr.Dataset:
    """Put labels, units, formulas and sources on arrays: plain ones, or those of chunks."""
    variables: dict[str, tuple[tuple[str, ...], Any, dict[str, str]]] = {}
    for name, leaf in graph.leaves.items():
        if name in values:
            terms = terms_by_scenario(name, setting) if "term" in leaf.kind else None
            own = own_values_of(name, setting.model) if "term" in leaf.kind else None
            attributes = attributes_of_leaf(leaf, terms, own) | _provenance(leaf, setting)
            variables[name] = (leaf.dims, values[name], attributes)
    for name in wanted:
        node = graph.nodes[name]
        variables[name] = (node.dims, results[name], attributes_of_node(node))
    moved = not np.array_equal(setting.place_given, np.arange(len(setting.place_given)))
    for name, (dims, array, attributes) in variables.items():
        # Chunks are in the order given.
        if "practice" in dims and moved and isinstance(array, np.ndarray):
            array = np.take(array, setting.place_given, axis=dims.index("practice"))
            variables[name] = (dims, array, attributes)
    result = xr.Dataset(variables, coordinates(setting), attributes_of_run(setting, graph))
    return result.assign_attrs(run=_run_key(result))


def _provenance(leaf: Leaf, setting: Setting) -> dict[str, str]:
    """Where an input's values come from: the practices' file, or the model's own value."""
    if leaf.kind not in ("input", "given"):
        return {}
    given = setting.model.inputs.get(leaf.name)
    if given is None or leaf.name in setting.practices.data_vars:
        return {"source": str(setting.practices.attrs.get("source", ""))}
    return {"source": given.source, "assumption": given.assumption}


def coordinates(setting: Setting) -> dict[str, Any]:
    """Labels of a result, practices in the order in which they were given."""
    months = pd.DatetimeIndex(setting.months).astype("datetime64[ns]")
    practices = setting.practices.isel(practice=setting.place_given)
    carried = {
        name: ("practice", practices[name].values) for name in CARRIED if name in practices.coords
    }
    return {
        "practice": practices["practice"].values.astype(str),
        **carried,
        "month": ("month", months),
        "fiscal_year": ("month", [fiscal_year(month) for month in setting.months]),
        "scenario": [scenario.name for scenario in setting.scenarios],
        "commissioner_code": list(setting.commissioners),
        "year": list(setting.years),
    }


def attributes_of_run(setting: Setting, graph: Graph, *, drawn: bool = False) -> dict[str, str]:
    """What a result says of itself: its model, its data, its sources."""
    model, practices = setting.model, setting.practices
    cited = {key: dict(vars(source)) for key, source in model.sources.items()}
    return {
        "title": model.title,
        "purpose": model.purpose,
        "model": model.name,
        "streams": json.dumps(list(model.streams)),
        "scenarios": json.dumps({s.name: s.title for s in setting.scenarios}),
        "sources": json.dumps(cited),
        "base_fiscal_year": str(practices.attrs["fiscal_year"]),
        "practices_source": str(practices.attrs.get("source", "")),
        "practices_title": str(practices.attrs.get("title", "")),
        "practices_sha256": str(practices.attrs.get("sha256", "")),
        "notes": json.dumps(notes_on(setting, graph, drawn=drawn)),
        "licence": str(practices.attrs.get("licence", "")),
        "capitation_version": __version__,
    }
