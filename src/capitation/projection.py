"""Run a contract's rules over practices and months: Dataset in, Dataset out."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from capitation.engine.calendar import calendar_value, fiscal_year, months_from, months_of
from capitation.engine.graph import Graph, Leaf, looks_back_at
from capitation.engine.kernel import Kernel, emit
from capitation.engine.language import Rule
from capitation.engine.record import attributes_of_leaf, attributes_of_node
from capitation.engine.terms import Term
from capitation.errors import InputError, Problem, nearest, raise_if_any
from capitation.model import Model, Scenario, term_behind
from capitation.model_file import load_model
from capitation.practices import check_practices, contract_flags
from capitation.version import __version__

WORTH_COMPILING = 4_000_000
"""Rule evaluations above which compiling is quicker than running as plain Python."""

CARRIED = ("practice_name", "commissioner", "commissioner_name", "contract_type", "region")
"""Coordinates of a practice that a result keeps."""


def project(
    model: Model | str | Path,
    practices: xr.Dataset,
    scenarios: Sequence[str] | None = None,
    months: int | None = None,
    *,
    start: dt.date | None = None,
    given: Mapping[str, xr.DataArray] | None = None,
    variables: Iterable[str] | None = None,
    compiled: bool | None = None,
) -> xr.Dataset:
    """Project every practice's payments, month by month.

    Parameters
    ----------
    model : Model, str or Path
        A contract, the name of a shipped one, or the path of its file.
    practices : xarray.Dataset
        The base year, on ``practice``, as `read_payments` gives it: lists [patient] and payments
        [GBP/year], with coordinates ``commissioner`` and ``contract_type``.
    scenarios : sequence of str, optional
        Names of the model's scenarios; all of them if left out.
    months : int, optional
        How many months from the model's start; the model's own number if left out.
    start : datetime.date, optional
        First month; the model's own if left out. The base year must end before it.
    given : mapping of str to xarray.DataArray, optional
        Values on (practice, month) that stand in place of the rule of the same name: known lists,
        say. Practices and months must be exactly the projection's.
    variables : iterable of str, optional
        Rules and totals to give back; all if left out.
    compiled : bool, optional
        Through Numba or as plain Python, with the same result to the last bit. If left out, large
        jobs are compiled.

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
        model = replace(model, start=start)
    check_practices(practices)
    setting = _setting(model, practices, scenarios, months)
    given_values = _checked_given(given or {}, setting)
    names = [scenario.name for scenario in setting.scenarios]
    graph = model.graph(names, given_values)
    wanted = _wanted(graph, variables)
    kernel = emit(graph, wanted)
    leaves = graph.only(wanted).leaves
    values = _values_of_leaves(leaves, setting, given_values)
    if compiled is None:
        compiled = _evaluations(graph.only(wanted), setting) > WORTH_COMPILING
    results = _run(kernel, graph, setting, values, compiled)
    return _labelled(graph, wanted, results, values, setting)


@dataclass(frozen=True)
class _Setting:
    """What a run is about: its practices in the kernel's order, its scenarios and its months."""

    model: Model
    practices: xr.Dataset
    place_given: np.ndarray
    scenarios: tuple[Scenario, ...]
    months: tuple[dt.date, ...]
    base_months: tuple[dt.date, ...]
    commissioners: tuple[str, ...]
    practice_start: np.ndarray

    @property
    def years(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(fiscal_year(month) for month in self.months))

    @property
    def sizes(self) -> dict[str, int]:
        return {
            "scenario": len(self.scenarios),
            "commissioner_code": len(self.commissioners),
            "practice": self.practices.sizes["practice"],
            "year": len(self.years),
            "month": len(self.months),
        }

    @property
    def codes(self) -> np.ndarray:
        return self.practices["practice"].values.astype(str)


def _setting(
    model: Model, practices: xr.Dataset, scenarios: Sequence[str] | None, months: int | None
) -> _Setting:
    names = list(model.scenarios if scenarios is None else scenarios)
    problems = [
        Problem(model.place, f"there is no scenario {name!r}", nearest(name, model.scenarios))
        for name in names
        if name not in model.scenarios
    ]
    count = model.months if months is None else months
    if count < 1:
        problems.append(Problem("months", f"expected at least one, found {count}"))
    if not names:
        problems.append(Problem("scenarios", "no scenario is named"))
    year = str(practices.attrs["fiscal_year"])
    try:
        base_months = months_of(year)
        if model.start <= base_months[-1]:
            place = str(practices.attrs.get("source", "practices"))
            found = f"its figures are of {year}, and the projection starts in {model.start:%B %Y}"
            problems.append(Problem(place, found, f"start after March {base_months[-1].year}"))
    except ValueError as error:
        problems.append(Problem("practices.attrs['fiscal_year']", str(error)))
    raise_if_any(problems)
    # A commissioner's practices stand together, in an order that does not depend on the file's.
    codes = practices["practice"].values.astype(str)
    areas = practices["commissioner"].values.astype(str)
    order = np.lexsort((codes, areas))
    commissioners, starts = np.unique(areas[order], return_index=True)
    return _Setting(
        model=model,
        practices=practices.isel(practice=order),
        place_given=np.argsort(order),
        scenarios=tuple(model.scenarios[name] for name in dict.fromkeys(names)),
        months=tuple(months_from(model.start, count)),
        base_months=tuple(base_months),
        commissioners=tuple(commissioners.tolist()),
        practice_start=np.append(starts, len(codes)),
    )


def _checked_given(given: Mapping[str, xr.DataArray], setting: _Setting) -> dict[str, np.ndarray]:
    checked = {}
    problems: list[Problem] = []
    definitions = setting.model.definitions
    rules = {d.name: d.parameters for d in definitions if isinstance(d, Rule)}
    run = [of for name, of in rules.items() if name not in given]
    looked_back_at = {looks_back_at(p, "") for parameters in run for p in parameters}
    for name, array in given.items():
        where = f"given {name!r}"
        if name not in rules:
            problems.append(Problem(where, "is not a rule of the model", nearest(name, rules)))
            continue
        if name in looked_back_at:
            found = "another rule looks back at it, before the first month too"
            problems.append(Problem(where, found, "give that other rule instead"))
            continue
        if set(array.dims) != {"practice", "month"}:
            found = f"has dimensions {tuple(array.dims)}"
            problems.append(Problem(where, found, "give it on practice and month"))
            continue
        problems += _misaligned(where, array, "practice", list(setting.codes))
        months = [np.datetime64(month, "ns") for month in setting.months]
        array = array.assign_coords(month=array["month"].values.astype("datetime64[ns]"))
        problems += _misaligned(where, array, "month", months)
        if not np.isfinite(array.values.astype(float)).all():
            problems.append(Problem(where, "holds a value that is not a number"))
        if not problems:
            chosen = array.sel(practice=setting.codes, month=months)
            checked[name] = chosen.transpose("practice", "month").values.astype(float)
    raise_if_any(problems)
    return checked


def _misaligned(where: str, array: xr.DataArray, dim: str, wanted: Sequence[Any]) -> list[Problem]:
    labels_found = [str(label) for label in array[dim].values]
    found = set(labels_found)
    if len(found) < len(labels_found):
        twice = next(label for label in labels_found if labels_found.count(label) > 1)
        return [Problem(where, f"{dim} {twice} stands more than once", "keep one")]
    wanted_labels = {str(label) for label in wanted}
    problems = []
    for labels, what in (
        (wanted_labels - found, "is in the projection and not here"),
        (found - wanted_labels, "is here and not in the projection"),
    ):
        if labels:
            shown = ", ".join(sorted(labels)[:5]) + (" …" if len(labels) > 5 else "")
            problems.append(Problem(where, f"{dim} {shown} {what}", f"{len(labels)} in all"))
    return problems


def _wanted(graph: Graph, variables: Iterable[str] | None) -> list[str]:
    if variables is None:
        return list(graph.nodes)
    names = list(variables)
    raise_if_any(
        Problem("variables", f"{name!r} is no rule of the model", nearest(name, graph.nodes))
        for name in names
        if name not in graph.nodes
    )
    return [name for name in graph.nodes if name in names]


def _evaluations(graph: Graph, setting: _Setting) -> int:
    sizes = setting.sizes
    return sum(int(np.prod([sizes[d] for d in node.dims])) for node in graph.nodes.values())


def _values_of_leaves(
    leaves: Mapping[str, Leaf], setting: _Setting, given: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    problems: list[Problem] = []
    values: dict[str, np.ndarray] = {}
    flags = contract_flags(setting.practices)
    for name, leaf in leaves.items():
        try:
            if leaf.kind == "given":
                values[name] = given[name]
            elif leaf.kind == "calendar":
                values[name] = np.array([calendar_value(name, m) for m in setting.months])
            elif leaf.kind == "input":
                values[name] = _input_values(name, setting, flags)
            else:
                values[name] = _term_values(leaf, setting)
        except InputError as error:
            problems += error.problems
    raise_if_any(dict.fromkeys(problems))
    return values


def _input_values(name: str, setting: _Setting, flags: Mapping[str, np.ndarray]) -> np.ndarray:
    practices, inputs = setting.practices, setting.model.inputs
    figure = name if name in practices.data_vars else name.removeprefix("base_")
    if figure in practices.data_vars:
        return _numbers_of_practices(practices, figure)
    if name in flags:
        return flags[name]
    default = inputs[name].value if name in inputs else None
    if default is None:
        place = str(practices.attrs.get("source", "practices"))
        mend = nearest(figure, [str(v) for v in practices.data_vars])
        raise InputError(Problem(place, f"the model needs {figure!r} of each practice", mend))
    return np.full(practices.sizes["practice"], default)


def _numbers_of_practices(practices: xr.Dataset, figure: str) -> np.ndarray:
    place, variable = str(practices.attrs.get("source", "practices")), practices[figure]
    if variable.dims != ("practice",):
        found = f"{figure!r} has dimensions {variable.dims}"
        raise InputError(Problem(place, found, "a figure of the base year is on 'practice'"))
    try:
        return variable.values.astype(float)
    except (TypeError, ValueError):
        found = f"{figure!r} holds {variable.dtype}, not numbers"
        raise InputError(Problem(place, found)) from None


def _terms_by_scenario(name: str, setting: _Setting) -> dict[str, Term]:
    """The term that a leaf reads, as it stands in each scenario."""
    term = term_behind(name, setting.model.terms)
    assert term is not None
    found = {s.name: setting.model.term_in(term, s.name) for s in setting.scenarios}
    if name != term and name.endswith("_in_payment"):
        return {scenario: dated.in_payment() for scenario, dated in found.items()}
    return found


def _term_values(leaf: Leaf, setting: _Setting) -> np.ndarray:
    terms = list(_terms_by_scenario(leaf.name, setting).values())
    if "scenario" not in leaf.dims:
        terms = terms[:1]
    months = setting.base_months if leaf.kind == "base term" else setting.months
    rows = np.array([[term.at(month) for month in months] for term in terms])
    if leaf.kind == "base term":
        # Added up one by one, as a spreadsheet's AVERAGE does.
        rows = np.array([sum(row.tolist()) / len(row) for row in rows])
    return rows if "scenario" in leaf.dims else rows[0]


def _run(
    kernel: Kernel,
    graph: Graph,
    setting: _Setting,
    values: Mapping[str, np.ndarray],
    compiled: bool,
) -> dict[str, np.ndarray]:
    years = {year: i for i, year in enumerate(setting.years)}
    index = {
        "practice_start": setting.practice_start,
        "year_of_month": np.array([years[fiscal_year(month)] for month in setting.months]),
    }
    try:
        results = kernel.run(setting.sizes, index, values, compiled=compiled)
    except (ZeroDivisionError, OverflowError) as error:
        if compiled:
            # Once more as plain Python, whose frames say which rule it was, and where.
            return _run(kernel, graph, setting, values, compiled=False)
        raise InputError(_place_of_fault(error, graph, setting)) from None
    for name in (n for n in graph.nodes if n in results):
        wrong = np.argwhere(~np.isfinite(results[name]))
        if len(wrong):
            at = dict(zip(graph[name].dims, wrong[0].tolist(), strict=True))
            raise InputError(_fault_in_rule(name, at, setting))
    return results


def _place_of_fault(error: BaseException, graph: Graph, setting: _Setting) -> Problem:
    """Which rule divided by zero, for which practice and month: read off the kernel's frame."""
    frames = []
    trace = error.__traceback__
    while trace is not None:
        frames.append(trace.tb_frame)
        trace = trace.tb_next
    kernel = next(frame for frame in frames if frame.f_code.co_name == "kernel")
    short = {"scenario": "s_", "commissioner_code": "g_", "practice": "p_", "month": "m_"}
    name = frames[-1].f_code.co_name.removeprefix("rule_").removesuffix("__")
    at = {d: kernel.f_locals[v] for d, v in short.items() if d in graph[name].dims}
    return _fault_in_rule(name, at, setting)


def _fault_in_rule(name: str, at: Mapping[str, int], setting: _Setting) -> Problem:
    where = [f"rule {name!r}"]
    if "scenario" in at:
        where.append(f"scenario {setting.scenarios[at['scenario']].name}")
    if "practice" in at:
        where.append(f"practice {setting.codes[at['practice']]}")
    if "month" in at:
        where.append(f"{setting.months[at['month']]:%B %Y}")
    mend = "guard the division: 'a / b if b > 0 else 0', or mend the figure"
    return Problem(", ".join(where), "the result is not a finite number", mend)


def _labelled(
    graph: Graph,
    wanted: Sequence[str],
    results: Mapping[str, np.ndarray],
    values: Mapping[str, np.ndarray],
    setting: _Setting,
) -> xr.Dataset:
    """Put labels, units, formulas and sources on plain arrays."""
    variables: dict[str, tuple[tuple[str, ...], np.ndarray, dict[str, str]]] = {}
    for name, leaf in graph.leaves.items():
        if name in values:
            terms = _terms_by_scenario(name, setting) if "term" in leaf.kind else None
            attributes = attributes_of_leaf(leaf, terms) | _provenance(name, setting)
            variables[name] = (leaf.dims, values[name], attributes)
    for name in wanted:
        node = graph.nodes[name]
        variables[name] = (node.dims, results[name], attributes_of_node(node))
    for name, (dims, array, attributes) in variables.items():
        if "practice" in dims:
            array = np.take(array, setting.place_given, axis=dims.index("practice"))
            variables[name] = (dims, array, attributes)
    return xr.Dataset(variables, _coordinates(setting), _attributes(setting))


def _provenance(name: str, setting: _Setting) -> dict[str, str]:
    """Where an input's values come from: the practices' file, or the model's own value."""
    given = setting.model.inputs.get(name)
    if given is None or name in setting.practices.data_vars:
        return {"source": str(setting.practices.attrs.get("source", ""))}
    return {"source": given.source, "assumption": given.assumption}


def _coordinates(setting: _Setting) -> dict[str, Any]:
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


def _attributes(setting: _Setting) -> dict[str, str]:
    model, practices = setting.model, setting.practices
    cited = {key: asdict(source) for key, source in model.sources.items()}
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
        "licence": str(practices.attrs.get("licence", "")),
        "capitation_version": __version__,
    }
