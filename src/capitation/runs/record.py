"""A result as plain text, and back: what a run needs to be done again, and nothing more.

A record holds what rules are given (inputs and terms, with their values) and the rules themselves,
as the result's attributes say them. What the rules give is not kept: it is computed again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from capitation.engine.binding import bind
from capitation.engine.calendar import fiscal_year
from capitation.engine.graph import Graph, Leaf
from capitation.engine.kernel import Kernel, emit
from capitation.engine.record import graph_of
from capitation.engine.units import ONE
from capitation.errors import InputError, Problem, nearest, raise_if_any
from capitation.evaluation import WORTH_COMPILING
from capitation.projection import whole
from capitation.runs.packed_text import data_of, plain, plain_attributes, texts_of, variable_of
from capitation.runs.recorded_rules import check_recorded

_RULES = ("rule", "total")


# ---------------------------------------------------------------- running rules again


def evaluated(
    result: xr.Dataset,
    leaves: Mapping[str, xr.DataArray] | None = None,
    variables: Sequence[str] | None = None,
) -> xr.Dataset:
    """Run the rules of a result on its inputs and terms, with others in place of some.

    Parameters
    ----------
    result : xarray.Dataset
        From `project`, with all its practices and months.
    leaves : mapping of str to DataArray, optional
        Values in place of those of the inputs and terms of the same names, on the same dimensions
        and in the same order as in the result; of no dimensions, if all are to be the same. What
        attributes they have replace those of the result's.
    variables : sequence of str, optional
        Rules and totals to compute; all that the result has if left out.

    Returns
    -------
    xarray.Dataset
        With the inputs and terms that were used, and the coordinates and attributes of `result`.

    Raises
    ------
    InputError
        If it is not such a result, a name is not one of its inputs, terms or rules, a dimension
        does not fit, or a rule gives what is not a finite number.

    Examples
    --------
    >>> from capitation import example_practices, project
    >>> result = project("bolton-quality-contract", example_practices(), months=2)
    >>> evaluated(result).identical(result)
    True
    >>> price = result["global_sum_price_in_payment"]
    >>> dearer = evaluated(result, {"global_sum_price_in_payment": price + 1})
    >>> bool((dearer["global_sum"] > result["global_sum"]).any())
    True
    """
    result = whole(result)
    names = [str(n) for n, v in result.data_vars.items() if v.attrs.get("kind") in _RULES]
    if variables is not None:
        raise_if_any(
            Problem("variables", f"{name!r} is no rule of the result", nearest(name, names))
            for name in variables
            if name not in names
        )
        names = [name for name in names if name in variables]
    used = _leaves_in_place(result, leaves or {})
    rules = {str(n): v for n, v in result.data_vars.items() if v.attrs.get("kind") in _RULES}
    graph = runnable({**used, **rules}).only(names)
    values = {name: leaf.values for name, leaf in used.items()}
    computed = _Run(result).computed(graph, names, values)
    found = {name: used[name].variable for name in used if name in graph.leaves}
    for name in names:
        found[name] = xr.Variable(graph.nodes[name].dims, computed[name], result[name].attrs)
    return xr.Dataset(found, result.coords, result.attrs)


def runnable(variables: Mapping[str, Any]) -> Graph:
    """The rules that variables record, tied to each other again so that a kernel can run them.

    Parameters
    ----------
    variables : mapping of str to DataArray
        In the order of evaluation, each with its dimensions and attributes.

    Raises
    ------
    InputError
        If a rule reads what is not among them.
    """
    graph = graph_of(variables)
    lent = {node.drawn.like for node in graph.nodes.values() if node.drawn and node.drawn.like}

    def leaf(name: str) -> Leaf | None:
        # What was given in place of a random rule lends its random numbers, and is not kept.
        absent = name in lent and name not in graph
        return Leaf(name, "given", ONE, ()) if absent else graph.leaves.get(name)

    definitions = [node.definition for node in graph.nodes.values()]
    of_practices = [name for name, node in graph.nodes.items() if "practice" in node.dims]
    return bind(definitions, leaf, graph.leaves, of_practices)


def _leaves_in_place(
    result: xr.Dataset, leaves: Mapping[str, xr.DataArray]
) -> dict[str, xr.DataArray]:
    """Inputs and terms of a result, some replaced."""
    own = {
        str(name): values
        for name, values in result.data_vars.items()
        if values.attrs.get("kind", "rule") not in _RULES
    }
    problems = []
    for name, values in leaves.items():
        where = f"leaves[{name!r}]"
        if name not in own:
            mend = nearest(name, own)
            problems.append(Problem(where, "is no input or term of the result", mend))
        elif values.dims and (values.dims, values.shape) != (own[name].dims, own[name].shape):
            found = f"has {dict(values.sizes)}"
            problems.append(Problem(where, found, f"expected {dict(own[name].sizes)}"))
        elif not np.isfinite(values.values.astype(float)).all():
            problems.append(Problem(where, "holds a value that is not a number"))
    raise_if_any(problems)
    return {name: _replaced(kept, leaves.get(name)) for name, kept in own.items()}


def _replaced(kept: xr.DataArray, by: xr.DataArray | None) -> xr.DataArray:
    if by is None:
        return kept
    values = np.broadcast_to(by.values.astype(float), kept.shape).copy()
    return kept.copy(data=values).assign_attrs(by.attrs)


class _Run:
    """A result's practices in the order in which kernels run them, and its sizes."""

    def __init__(self, result: xr.Dataset):
        self.codes = result["practice"].values.astype(str)
        areas = result["commissioner"].values.astype(str)
        self.order = np.lexsort((self.codes, areas))
        self.given = np.argsort(self.order)
        _, starts = np.unique(areas[self.order], return_index=True)
        years = {str(year): number for number, year in enumerate(result["year"].values)}
        months = result["month"].values.astype("datetime64[D]").tolist()
        self.index = {
            "practice_start": np.append(starts, len(self.codes)),
            "year_of_month": np.array([years[fiscal_year(month)] for month in months]),
        }
        dims = ("scenario", "commissioner_code", "practice", "year", "month")
        self.sizes = {dim: int(result.sizes[dim]) for dim in dims}

    def computed(
        self, graph: Graph, names: Sequence[str], values: Mapping[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """Values of rules, practices in the result's order."""
        leaves = graph.leaves.items()
        read = {name: self.taken(values[name], leaf.dims, self.order) for name, leaf in leaves}
        results = self.ran(emit(graph, names), graph, read)
        wrong = [name for name in names if not np.isfinite(results[name]).all()]
        raise_if_any(_no_number(name) for name in wrong)
        return {name: self.taken(results[name], graph[name].dims, self.given) for name in names}

    @staticmethod
    def taken(values: np.ndarray, dims: tuple[str, ...], order: np.ndarray) -> np.ndarray:
        if "practice" not in dims:
            return values
        return np.take(values, order, axis=dims.index("practice"))

    def ran(
        self, kernel: Kernel, graph: Graph, values: Mapping[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        runs = sum(math.prod(self.sizes[d] for d in n.dims) for n in graph.nodes.values())
        try:
            return kernel.run(self.sizes, self.index, values, compiled=runs > WORTH_COMPILING)
        except (ZeroDivisionError, OverflowError) as error:
            raise InputError(_no_number(_rule_of(error))) from None


def _no_number(name: str) -> Problem:
    mend = "a figure that it reads is nought, or far too large"
    return Problem(f"rule {name!r}", "the result is not a finite number", mend)


def _rule_of(error: BaseException) -> str:
    """The rule in which plain Python stopped: of a compiled kernel, it cannot be told."""
    names = []
    trace = error.__traceback__
    while trace is not None:
        names.append(trace.tb_frame.f_code.co_name)
        trace = trace.tb_next
    rules = [name for name in names if name.startswith("rule_")]
    return rules[-1].removeprefix("rule_").removesuffix("__") if rules else "of the model"


# ---------------------------------------------------------------- as texts, and back


def pack(result: xr.Dataset) -> list[str]:
    """A result as texts that a spreadsheet's cells can hold.

    Parameters
    ----------
    result : xarray.Dataset
        From `project`, with all its practices, months and rules.

    Returns
    -------
    list of str
        First a heading with the SHA-256 of what follows; then JSON, in pieces of fewer than 32,000
        characters. The same for the same result on every machine.

    Raises
    ------
    InputError
        If it is not such a result.

    Examples
    --------
    >>> from capitation import example_practices, project
    >>> result = project("uniting-care", example_practices(), months=2)
    >>> heading, *pieces = pack(result)
    >>> heading
    'capitation run record 1: ... texts, SHA-256 ...'
    >>> unpack([heading, *pieces]).identical(result)
    True
    """
    result = whole(result)
    runnable({str(name): values for name, values in result.data_vars.items()})
    variables = [plain(values) for values in result.data_vars.values()]
    for entry in variables:
        if entry["attrs"].get("kind") in _RULES:
            del entry["values"], entry["dtype"]
    return texts_of(
        {
            "variables": variables,
            "coordinates": [plain(values) for values in result.coords.values()],
            "attributes": plain_attributes(result.attrs),
        }
    )


def unpack(texts: Iterable[str], where: str = "run record") -> xr.Dataset:
    """The result that texts record: its rules are run again.

    Parameters
    ----------
    texts : iterable of str
        From `pack`.
    where : str, optional
        Where they were found, for messages.

    Returns
    -------
    xarray.Dataset
        Identical to the one that was packed.

    Raises
    ------
    InputError
        If they are no record, one of another form, or damaged; or say what no rule can say.
    """
    data = data_of(texts, where)
    try:
        return _restored(data, where)
    except InputError:
        raise
    except (AttributeError, KeyError, TypeError, ValueError, SyntaxError) as error:
        # Whoever wrote such a record did not write it with `pack`.
        raise InputError(Problem(where, f"the record cannot be read: {error!r}")) from None


@dataclass(frozen=True)
class _Declared:
    """Dimensions and attributes of a rule's variable, whose values are not kept."""

    dims: tuple[str, ...]
    attrs: Mapping[str, Any]


def _restored(data: Mapping[str, Any], where: str) -> xr.Dataset:
    """The result that plain data describe, its rules run again."""
    coordinates = {entry["name"]: variable_of(entry) for entry in data["coordinates"]}
    entries = {entry["name"]: entry for entry in data["variables"]}
    leaves = {name: variable_of(entry) for name, entry in entries.items() if "values" in entry}
    rules = {
        name: _Declared(tuple(entry["dims"]), entry["attrs"])
        for name, entry in entries.items()
        if name not in leaves
    }
    check_recorded({**leaves, **rules}, where)
    graph = runnable({**leaves, **rules})
    values = {name: leaf.values for name, leaf in leaves.items()}
    computed = _Run(xr.Dataset(coords=coordinates)).computed(graph, list(rules), values)
    found = leaves | {
        name: xr.Variable(rule.dims, computed[name], rule.attrs) for name, rule in rules.items()
    }
    return xr.Dataset({name: found[name] for name in entries}, coordinates, data["attributes"])
