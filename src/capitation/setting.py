"""What a run is about: practices, scenarios and months, and the value of every leaf in them."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from capitation.engine.calendar import (
    calendar_value,
    calendar_value_of_year,
    fiscal_year,
    in_words,
    months_after,
    months_from,
    months_of,
)
from capitation.engine.graph import Leaf, looks_back_at
from capitation.engine.rule import Rule
from capitation.engine.terms import DatedValue, Term
from capitation.errors import InputError, Problem, nearest, raise_if_any
from capitation.model import BASE, HISTORY, IN_PAYMENT, PRIOR, Model, Scenario, term_behind
from capitation.practices import PracticeInput, contract_flags, place_of


@dataclass(frozen=True)
class Setting:
    """What a run is about: its practices in the kernel's order, its scenarios and its months."""

    model: Model
    practices: xr.Dataset
    place_given: np.ndarray
    scenarios: tuple[Scenario, ...]
    months: tuple[dt.date, ...]
    base_months: tuple[dt.date, ...]
    commissioners: tuple[str, ...]
    practice_start: np.ndarray

    @functools.cached_property
    def years(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(fiscal_year(month) for month in self.months))

    @functools.cached_property
    def year_of_month(self) -> np.ndarray:
        """Position of each month's fiscal year."""
        years = {year: i for i, year in enumerate(self.years)}
        return np.array([years[fiscal_year(month)] for month in self.months])

    @property
    def first_months(self) -> tuple[dt.date, ...]:
        """The first month of each fiscal year, or the first that is projected."""
        by_year = {fiscal_year(month): month for month in reversed(self.months)}
        return tuple(by_year[year] for year in self.years)

    @functools.cached_property
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


def setting_of(
    model: Model, practices: xr.Dataset, scenarios: Sequence[str] | None, months: int | None
) -> Setting:
    """Put together what a run is about.

    Raises
    ------
    InputError
        For an unknown scenario, no months, or a base year that does not end before the start.
    """
    raise_if_any(_wrong_kinds(scenarios, months))
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
            place = place_of(practices)
            found = f"its figures are of {year}, and the projection starts in {model.start:%B %Y}"
            first = f"{base_months[-1].year}-04"
            mend = f"start in {first} or later: --start {first}, or start='{first}' in Python"
            problems.append(Problem(place, found, mend))
    except ValueError as error:
        problems.append(Problem("practices.attrs['fiscal_year']", str(error)))
    problems += _unknown_in_terms(model, practices)
    raise_if_any(problems)
    raise_if_any(_rewriting_history(model, base_months[-1]))
    # A commissioner's practices stand together, in an order that does not depend on the file's.
    codes = practices["practice"].values.astype(str)
    areas = practices["commissioner"].values.astype(str)
    order = np.lexsort((codes, areas))
    commissioners, starts = np.unique(areas[order], return_index=True)
    return Setting(
        model=model,
        practices=practices.isel(practice=order),
        place_given=np.argsort(order),
        scenarios=tuple(model.scenarios[name] for name in dict.fromkeys(names)),
        months=tuple(months_from(model.start, count)),
        base_months=tuple(base_months),
        commissioners=tuple(commissioners.tolist()),
        practice_start=np.append(starts, len(codes)),
    )


def _unknown_in_terms(model: Model, practices: xr.Dataset) -> Iterator[Problem]:
    """Practices that have terms of their own and are not in the run."""
    known = practices["practice"].values.astype(str).tolist()
    with_terms = {code for own in model.practice_terms.values() for code in own}
    for code in sorted(with_terms - set(known)):
        found = f"there is no practice {code} in {place_of(practices)}"
        yield Problem("terms of practices", found, nearest(code, known))


def _rewriting_history(model: Model, last: dt.date) -> Iterator[Problem]:
    """Terms of practices that begin in the base year, whose mean is the same for all."""
    rules = [rule for rule in model.definitions if isinstance(rule, Rule)]
    read = {name for rule in rules for name in (*rule.parameters, rule.first)}
    for name, own in model.practice_terms.items():
        for code, values in own.items() if f"{BASE}{name}" in read else ():
            if values[0].start <= last:
                found = f"{name} of practice {code} begins on {in_words(values[0].start)}"
                mend = f"the base year, to {in_words(last)}, is the same for all: begin after it"
                yield Problem("terms of practices", found, mend)


def _wrong_kinds(scenarios: Any, months: Any) -> Iterator[Problem]:
    if isinstance(scenarios, str):
        yield Problem("scenarios", f"found the text {scenarios!r}", f"a list: [{scenarios!r}]")
    if months is not None and type(months) is not int:
        yield Problem("months", f"found {months!r}", "a whole number")


def checked_given(given: Mapping[str, xr.DataArray], setting: Setting) -> dict[str, np.ndarray]:
    """Given values in the kernel's order, refused where they do not fit the run.

    Raises
    ------
    InputError
        For a name that is no rule, or that another rule looks back at; for practices or months that
        are not exactly the run's; for what is not a number.
    """
    checked = {}
    problems: list[Problem] = []
    definitions = setting.model.definitions
    rules = {d.name: d.parameters for d in definitions if isinstance(d, Rule)}
    run = [of for name, of in rules.items() if name not in given]
    looked_back_at = {looks_back_at(p, "") for parameters in run for p in parameters}
    for name, array in given.items():
        where = f"given {name!r}"
        if not isinstance(array, xr.DataArray):
            found = f"found {type(array).__name__}"
            problems.append(Problem(where, found, "a DataArray on practice and month"))
            continue
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


def values_of_leaves(
    leaves: Mapping[str, Leaf], setting: Setting, given: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Find the value of every leaf: of an input by practice, of a term by scenario and month.

    Raises
    ------
    InputError
        For a figure that the practices lack, and for a month before a term's first date.
    """
    problems: list[Problem] = []
    values: dict[str, np.ndarray] = {}
    flags = contract_flags(setting.practices)
    for name, leaf in leaves.items():
        try:
            if leaf.kind == "given":
                values[name] = given[name]
            elif leaf.kind == "calendar":
                values[name] = _calendar_values(leaf, setting)
            elif leaf.kind == "input":
                values[name] = _input_values(name, setting, flags)
            else:
                values[name] = _term_values(leaf, setting)
        except InputError as error:
            problems += error.problems
    raise_if_any(dict.fromkeys(problems))
    return values


def _calendar_values(leaf: Leaf, setting: Setting) -> np.ndarray:
    months = setting.months
    if "year" in leaf.dims:
        years = setting.years
        return np.array([calendar_value_of_year(leaf.name, year, months) for year in years])
    return np.array([calendar_value(leaf.name, month) for month in months])


def _input_values(name: str, setting: Setting, flags: Mapping[str, np.ndarray]) -> np.ndarray:
    practices, inputs = setting.practices, setting.model.inputs
    figure = name if name in practices.data_vars else name.removeprefix(BASE)
    if figure in practices.data_vars:
        values = _numbers_of_practices(practices, figure)
        if name in inputs:
            raise_if_any(_out_of_range(inputs[name], values, practices))
        return values
    if name in flags:
        return flags[name]
    default = inputs[name].value if name in inputs else None
    if default is None:
        place = place_of(practices)
        mend = nearest(figure, [str(v) for v in practices.data_vars])
        raise InputError(Problem(place, f"the model needs {figure!r} of each practice", mend))
    return np.full(practices.sizes["practice"], default)


def _out_of_range(
    given: PracticeInput, values: np.ndarray, practices: xr.Dataset
) -> Iterator[Problem]:
    place = place_of(practices)
    least = -np.inf if given.least is None else given.least
    most = np.inf if given.most is None else given.most
    for at in np.flatnonzero((values < least) | (values > most)):
        where = f"{place}, practice {practices['practice'].values[at]}"
        yield Problem(where, f"{given.name} is {values[at]:g}", f"from {least:g} to {most:g}")


def _numbers_of_practices(practices: xr.Dataset, figure: str) -> np.ndarray:
    place, variable = place_of(practices), practices[figure]
    if variable.dims != ("practice",):
        found = f"{figure!r} has dimensions {variable.dims}"
        raise InputError(Problem(place, found, "a figure of the base year is on 'practice'"))
    try:
        return variable.values.astype(float)
    except (TypeError, ValueError):
        found = f"{figure!r} holds {variable.dtype}, not numbers"
        raise InputError(Problem(place, found)) from None


def terms_by_scenario(name: str, setting: Setting) -> dict[str, Term]:
    """The term that a leaf reads, as it stands in each scenario."""
    term = term_behind(name, setting.model.terms)
    assert term is not None
    if _is_history(name, term):
        # What was before the start is history: its terms are those of the model's first scenario.
        first = next(iter(setting.model.scenarios))
        return {setting.scenarios[0].name: setting.model.term_in(term, first)}
    found = {s.name: setting.model.term_in(term, s.name) for s in setting.scenarios}
    if name != term and name.endswith(IN_PAYMENT):
        return {scenario: dated.in_payment() for scenario, dated in found.items()}
    return found


def _term_values(leaf: Leaf, setting: Setting) -> np.ndarray:
    terms = list(terms_by_scenario(leaf.name, setting).values())
    if "scenario" not in leaf.dims:
        terms = terms[:1]
    months = setting.base_months if leaf.kind == "base term" else setting.months
    if leaf.kind == "prior term":
        months = (months_after(setting.months[0], -1),)
    if leaf.kind == "year term":
        months = setting.first_months
    # Scenarios have most terms in common: each is looked up once.
    apart = {id(term): term for term in terms}
    known = {key: [term.at(month) for month in months] for key, term in apart.items()}
    rows = np.array([known[id(term)] for term in terms])
    if "practice" in leaf.dims:
        rows = _with_practices(rows, leaf.name, months, setting)
    if leaf.kind in HISTORY:
        # Added up one by one, as a spreadsheet's AVERAGE does.
        rows = np.array([sum(row.tolist()) / len(row) for row in rows])
    return rows if "scenario" in leaf.dims else rows[0]


def own_values_of(name: str, model: Model) -> Mapping[str, tuple[DatedValue, ...]]:
    """What practices have of their own in place of the term that a leaf reads."""
    term = term_behind(name, model.terms)
    if term is None or _is_history(name, term):
        return {}
    return model.practice_terms.get(term, {})


def _is_history(name: str, term: str) -> bool:
    """Whether a name in a rule reads a term as it was before the start."""
    return name != term and (name.startswith(BASE) or name.endswith(PRIOR))


def _with_practices(
    rows: np.ndarray, name: str, months: Sequence[dt.date], setting: Setting
) -> np.ndarray:
    """Values by scenario and month, on practices: a practice's own from its first date on."""
    wide = np.repeat(rows[:, np.newaxis, :], setting.practices.sizes["practice"], axis=1)
    place = {code: number for number, code in enumerate(setting.codes.tolist())}
    for code, values in own_values_of(name, setting.model).items():
        for number, month in enumerate(months):
            in_force = [value.value for value in values if value.start <= month]
            if in_force:
                wide[:, place[code], number] = in_force[-1]
    return wide
