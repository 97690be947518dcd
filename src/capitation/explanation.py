"""Why this number: one figure of a result, down to the inputs and the sources behind it."""

from __future__ import annotations

import ast
import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import xarray as xr

from capitation.engine.calendar import fiscal_year, in_words, months_after, months_of
from capitation.engine.graph import Graph, Leaf, Node
from capitation.engine.record import dated_values, graph_of, own_values
from capitation.engine.rule import Rule, Total
from capitation.engine.terms import DatedValue, taken_over
from capitation.errors import InputError, Problem, nearest, raise_if_any
from capitation.model import HISTORY
from capitation.projection import whole


@dataclass(frozen=True)
class Explanation:
    """One figure, how it was made, and what it was made from. Print it to read it.

    Attributes
    ----------
    name : str
        The variable, or a parameter such as ``previous_weighted_list``.
    title, unit, where : str
        What it is, its unit, and its practice, month and scenario.
    value : float
    formula, numbers : str
        The rule's expression in names, and the same in numbers; empty for an input or a term.
    grounds : tuple of str
        Source, assumption or file behind it.
    parts : tuple of Explanation
        What the formula reads.
    cited : tuple of (str, str)
        Id and text of each source that its own grounds name; `sources` has those of the parts too.
    """

    name: str
    title: str
    unit: str
    where: str
    value: float
    formula: str = ""
    numbers: str = ""
    grounds: tuple[str, ...] = ()
    parts: tuple[Explanation, ...] = field(default=())
    cited: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        lines = [*_lines(self, "", set())]
        sources = [f"  {key}: {text}" for key, text in self.sources.items()]
        return "\n".join([*lines, "", "Sources", *sources] if sources else lines)

    @property
    def sources(self) -> dict[str, str]:
        """Text of every source that it and its parts cite, by id, in order of appearance."""
        return dict(_citations(self, set()))

    def as_dict(self) -> dict[str, Any]:
        """The same as plain dictionaries and lists, for programs.

        A figure that stands there already is not told again: it has ``"as_above": True``. The
        first figure alone has ``"sources"``: the text of each source that the grounds name.
        """
        return _as_dict(self, set()) | {"sources": self.sources}


def _citations(told: Explanation, seen: set[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    if (told.name, told.where) in seen:
        return
    seen.add((told.name, told.where))
    yield from told.cited
    for part in told.parts:
        yield from _citations(part, seen)


def _as_dict(told: Explanation, seen: set[tuple[str, str]]) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": told.name, "where": told.where}
    entry |= {"value": told.value, "unit": told.unit}
    if (told.name, told.where) in seen:
        return entry | {"as_above": True}
    seen.add((told.name, told.where))
    entry |= {"title": told.title, "formula": told.formula, "numbers": told.numbers}
    parts = [_as_dict(part, seen) for part in told.parts]
    return entry | {"grounds": list(told.grounds), "parts": parts}


def _lines(told: Explanation, margin: str, seen: set[tuple[str, str]]) -> Iterator[str]:
    shown = show(told.value, told.unit)
    yield f"{margin}{told.name} = {shown}  [{told.unit}]  {told.where}".rstrip()
    inner = margin + "    "
    if (told.name, told.where) in seen:
        yield f"{inner}as above"
        return
    seen.add((told.name, told.where))
    yield f"{inner}{told.title}"
    if told.formula:
        yield f"{inner}= {told.formula}"
        yield f"{inner}= {told.numbers}"
    for ground in told.grounds:
        yield f"{inner}{ground}"
    for part in told.parts:
        yield from _lines(part, inner, seen)


def show(value: float, unit: str) -> str:
    """A figure as a reader wants it: money to the penny, the rest to eight figures.

    Examples
    --------
    >>> show(48964.478, "GBP/month"), show(0.0539, "1"), show(-2.5, "GBP")
    ('£48,964.48', '0.0539', '-£2.50')
    """
    if unit in ("GBP", "GBP/month", "GBP/year"):
        return f"{'-' if round(value, 2) < 0 else ''}£{abs(value):,.2f}"
    return f"{value:,.8g}" if abs(value) < 1e6 else f"{value:,.2f}"


def explain(result: xr.Dataset, variable: str, **labels: Any) -> Explanation:
    """Explain one figure of a result: values, formula and source, down to the inputs.

    Parameters
    ----------
    result : xarray.Dataset
        From `project`, with all its practices and months; one scenario of it will do. Nothing else
        is needed: a result carries its rules, terms and inputs.
    variable : str
        A rule, a total, an input or a term.
    **labels
        Where: ``practice``, ``month`` (as ``"2015-04"``), ``scenario``, ``year``
        (as ``"2015/16"``), ``commissioner_code``. The scenario may be left out: then it is the
        first. So may the commissioner, if there is only one or the practice is named. Labels that
        the variable does not depend on are ignored.

    Returns
    -------
    Explanation

    Raises
    ------
    InputError
        If there is no such variable or label, a label is missing, or this is no result of
        `project`.

    Examples
    --------
    >>> from capitation import example_practices, project
    >>> result = project("bolton-quality-contract", example_practices(), months=3)
    >>> told = explain(result, "net_global_sum_price", month="2015-04")
    >>> print(told.formula)
    global_sum_price * (1 - out_of_hours_deduction)
    >>> print(told.numbers)
    75.77 * (1 - 0.0539)
    """
    reader = Reader(whole(result))
    if variable not in reader.graph:
        names = [*reader.graph.nodes, *reader.graph.leaves]
        mend = nearest(variable, names)
        raise InputError(Problem("explain", f"there is no variable {variable!r}", mend))
    return reader.told(variable, reader.positions(variable, labels))


_ALSO = ("practice", "month", "scenario")


class Reader:
    """Reads figures, rules and terms back from a result."""

    def __init__(self, result: xr.Dataset):
        self.result = result
        # Not through result[name]: that looks for coordinates among all variables, each time.
        self.variables = result.variables
        self.sources = json.loads(result.attrs.get("sources", "{}"))
        self.graph: Graph = graph_of(result.data_vars)
        self.told_already: dict[tuple[str, str], Explanation] = {}
        self.months = [pd.Timestamp(month).date() for month in result["month"].values]
        self.labels: dict[str, list[str]] = {}
        self.years = [str(year) for year in result["year"].values]

    # ------------------------------------------------------------------ places

    def positions(self, variable: str, labels: Mapping[str, Any]) -> dict[str, int]:
        """Index along each dimension, from labels. A practice stands for its commissioner."""
        dims = self.graph[variable].dims
        problems: list[Problem] = []
        at: dict[str, int] = {}
        known = [*map(str, self.result.sizes)]
        problems += [
            Problem("explain", f"there is no label {name!r}", nearest(name, known))
            for name in labels
            if name not in known
        ]
        for dim in (*dims, *(d for d in _ALSO if d not in dims and d in labels)):
            choices = self.labels_along(dim)
            if dim in labels:
                label = self.text_of(dim, labels[dim])
                if label in choices:
                    at[dim] = choices.index(label)
                else:
                    mend = nearest(label, choices)
                    problems.append(Problem("explain", f"there is no {dim} {label!r}", mend))
            elif dim == "scenario" or (dim == "commissioner_code" and len(choices) == 1):
                at[dim] = 0
            elif dim != "commissioner_code" or "practice" not in labels:
                mend = f"for example {dim}={choices[0]}"
                problems.append(Problem("explain", f"{variable!r} needs a {dim}", mend))
        raise_if_any(problems)
        return at

    def labels_along(self, dim: str) -> list[str]:
        if dim not in self.labels:
            self.labels[dim] = (
                [f"{month:%Y-%m}" for month in self.months]
                if dim == "month"
                else [str(label) for label in self.variables[dim].values]
            )
        return self.labels[dim]

    @staticmethod
    def text_of(dim: str, label: Any) -> str:
        if dim != "month":
            return str(label)
        if isinstance(label, str):
            return label[:7]
        return f"{pd.Timestamp(label):%Y-%m}"

    def check_present(self, name: str) -> None:
        if name not in self.graph:
            found = f"{name!r} is not in this result"
            raise InputError(Problem("explain", found, "project without 'variables'"))

    def value(self, name: str, at: Mapping[str, int]) -> float:
        array = self.variables[name]
        here = self.along_coarse(at)
        return float(array.values[tuple(here[str(d)] for d in array.dims)])

    def along_coarse(self, at: Mapping[str, int]) -> dict[str, int]:
        """Add the commissioner of a practice, and the fiscal year of a month."""
        here = dict(at)
        if "practice" in here:
            area = str(self.variables["commissioner"].values[here["practice"]])
            here["commissioner_code"] = self.labels_along("commissioner_code").index(area)
        if "month" in here:
            here["year"] = self.years.index(fiscal_year(self.months[here["month"]]))
        return here

    def where(self, name: str, at: Mapping[str, int]) -> str:
        here = self.along_coarse(at)
        words = []
        for dim in self.graph[name].dims:
            if dim == "month":
                words.append(f"{self.months[here[dim]]:%B %Y}")
            else:
                words.append(self.labels_along(dim)[here[dim]])
        return ", ".join(words)

    # ------------------------------------------------------------------ telling

    def told(self, name: str, at: Mapping[str, int]) -> Explanation:
        self.check_present(name)
        key = (name, self.where(name, at))
        if key not in self.told_already:
            node = self.graph[name]
            if isinstance(node, Leaf):
                told = self.told_leaf(node, at)
            elif isinstance(node.definition, Total):
                told = self.told_total(node, node.definition, at)
            else:
                told = self.told_rule(node, node.definition, at)
            self.told_already[key] = told
        return self.told_already[key]

    def told_rule(self, node: Node, rule: Rule, at: Mapping[str, int]) -> Explanation:
        parts = []
        numbers: dict[str, str] = {name: show(c, "1") for name, c in rule.constants.items()}
        for parameter in rule.parameters:
            back = node.looks_back.get(parameter)
            part = self.told_before(back, at) if back else self.told(parameter, at)
            parts.append(part)
            numbers[parameter] = show(part.value, part.unit)
        return Explanation(
            name=node.name,
            title=node.title,
            unit=str(node.unit),
            where=self.where(node.name, at),
            value=self.value(node.name, at),
            formula=ast.unparse(rule.expression),
            numbers=ast.unparse(_WithNumbers(numbers).visit(rule.expression)),
            grounds=(*self.grounds(rule.source, rule.assumption, rule.place), *_drawn(rule)),
            parts=tuple(parts),
            cited=self.cited([rule.source]),
        )

    def told_before(self, name: str, at: Mapping[str, int]) -> Explanation:
        """A value of the month before, or of the year before: told there, not here again."""
        step = "year" if "year" in self.graph[name].dims else "month"
        here = self.along_coarse(at)
        if here[step] == 0:
            first = self.graph.first_of(name)
            begun = self.told(first, at)
            words = f"before the first {step}: {first}"
            place = begun.where
            return Explanation(
                f"previous_{name}", words, begun.unit, place, begun.value, parts=(begun,)
            )
        before = {**here, step: here[step] - 1}
        where = self.labels_along(step)[before[step]]
        if step == "year":
            before.pop("month", None)
        node = self.graph[name]
        dims = {d: i for d, i in before.items() if d in node.dims or d in at}
        words = f"{name} of the {step} before; to see why, ask for {step}={where}"
        value = self.value(name, dims)
        return Explanation(f"previous_{name}", words, str(node.unit), where, value)

    def told_total(self, node: Node, total: Total, at: Mapping[str, int]) -> Explanation:
        here = self.along_coarse(at)
        of = self.variables[total.of]
        if total.over == "practices":
            area = self.labels_along("commissioner_code")[here["commissioner_code"]]
            members = self.variables["commissioner"].values.astype(str) == area
            summed, many = "practice", f"{int(members.sum())} practices of {area}"
        else:
            year = self.years[here["year"]]
            members = self.variables["fiscal_year"].values.astype(str) == year
            summed, many = "month", f"{int(members.sum())} months of {year}"
        rest = {str(d): here[str(d)] for d in of.dims if d != summed}
        amounts = of.isel(rest).values[members]
        unit = str(self.graph[total.of].unit)
        least, most = show(float(amounts.min()), unit), show(float(amounts.max()), unit)
        return Explanation(
            name=node.name,
            title=node.title,
            unit=str(node.unit),
            where=self.where(node.name, at),
            value=self.value(node.name, at),
            formula=f"sum of {total.of} over the {many}",
            numbers=f"sum of {len(amounts)} amounts from {least} to {most}",
            grounds=(f"at: {total.place}",),
        )

    def told_leaf(self, leaf: Leaf, at: Mapping[str, int]) -> Explanation:
        attributes = self.variables[leaf.name].attrs
        values = self.values_in_force(leaf, attributes, at) if "dated_values" in attributes else []
        return Explanation(
            name=leaf.name,
            title=leaf.title,
            unit=str(leaf.unit),
            where=self.where(leaf.name, at),
            value=self.value(leaf.name, at),
            grounds=tuple(self.grounds_of_leaf(leaf, attributes, values)),
            cited=self.cited([attributes.get("source", ""), *(value.source for value in values)]),
        )

    def grounds_of_leaf(
        self, leaf: Leaf, attributes: Mapping[str, Any], values: list[DatedValue]
    ) -> Iterator[str]:
        if leaf.kind == "calendar":
            yield "a fact of the calendar"
        for value in values:
            note = f" ({value.note})" if value.note else ""
            yield f"{value.written} from {in_words(value.start)}{note}"
            yield from self.grounds(value.source, value.assumption)
        if not values:
            yield from self.grounds(attributes.get("source", ""), attributes.get("assumption", ""))

    def values_in_force(
        self, leaf: Leaf, attributes: Mapping[str, Any], at: Mapping[str, int]
    ) -> list[DatedValue]:
        by_scenario = dated_values(attributes)
        if leaf.kind in HISTORY:
            # What was before the start is history: one and the same in every scenario.
            (values,) = by_scenario.values()
            is_base = leaf.kind == "base term"
            base_year = self.result.attrs["base_fiscal_year"]
            months = months_of(base_year) if is_base else [months_after(self.months[0], -1)]
        else:
            values = by_scenario[self.labels_along("scenario")[at.get("scenario", 0)]]
            if "practice" in leaf.dims:
                own = own_values(attributes).get(self.labels_along("practice")[at["practice"]])
                values = taken_over(values, own) if own else values
            months = [self.month_read(leaf, at)]
        return list(dict.fromkeys(_in_force(values, month) for month in months))

    def month_read(self, leaf: Leaf, at: Mapping[str, int]) -> dt.date:
        """The month whose value a term's leaf gives: a year's is that of its first month."""
        if leaf.kind != "year term":
            return self.months[at["month"]]
        year = self.years[self.along_coarse(at)["year"]]
        return next(month for month in self.months if fiscal_year(month) == year)

    def grounds(self, source: str, assumption: str, place: str = "") -> Iterator[str]:
        if source:
            yield f"source: {source}"
        if assumption:
            yield f"assumption: {assumption}"
        if place:
            yield f"rule: {place}"

    def cited(self, names: Iterable[str]) -> tuple[tuple[str, str], ...]:
        """Those names that are ids of sources, with their texts; a file's name is none."""
        found = dict.fromkeys(name for name in names if name in self.sources)
        return tuple((name, _text(self.sources[name])) for name in found)


def _drawn(rule: Rule) -> Iterator[str]:
    if rule.drawn:
        kind = rule.drawn.kind.replace("_", " ")
        yield f"the mean; a simulation draws it, {kind} with {rule.drawn.spread}"


def _text(source: Mapping[str, str]) -> str:
    said = (source["title"], source["publisher"], source["date"], source["where"])
    return "; ".join(filter(None, said))


def _in_force(values: list[DatedValue], month: dt.date) -> DatedValue:
    return [value for value in values if value.start <= month][-1]


class _WithNumbers(ast.NodeTransformer):
    def __init__(self, numbers: Mapping[str, str]):
        self.numbers = numbers

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self.numbers.get(node.id, node.id))
