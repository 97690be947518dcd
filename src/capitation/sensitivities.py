"""What an amount hangs on: each term at its low and its high, one after the other, as a tornado."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from capitation.engine.terms import Term, format_number
from capitation.errors import InputError, Problem, raise_if_any
from capitation.model import TOTAL_PAYMENTS, Model
from capitation.model_file import load_model
from capitation.practices import check_practices
from capitation.varied_terms import (
    SIDES,
    Measure,
    ground_of,
    measure_problems,
    side_of,
    term_problem,
    year_problems,
)

Range = tuple[float | str, float | str]
"""A low and a high: numbers, or exact fractions as text."""

DECLARED = "declared"
"""Where a range comes from: the term's own values, or who asked."""

ASKED = "asked"


def sensitivity(
    model: Model | str | Path,
    practices: xr.Dataset,
    measure: str = TOTAL_PAYMENTS,
    terms: Sequence[str] | Mapping[str, Range | None] | None = None,
    *,
    scenario: str | None = None,
    months: int | None = None,
    given: Mapping[str, xr.DataArray] | None = None,
    year: str | None = None,
) -> xr.Dataset:
    """By how much an amount moves when one term is at its low, or at its high.

    Parameters
    ----------
    model : Model, str or Path
    practices : xarray.Dataset
        As `project` takes them.
    measure : str
        A rule or total that adds up: so much a month that moves by month, so much a year that
        moves by year. It is added up over practices and commissioners.
    terms : sequence of str, or mapping of str to (low, high), optional
        Which terms, each by itself while the others stand. A term without a range here has the
        lows and highs that stand beside its values. All that have them, and that the measure
        reads, if left out: there may be none.
    scenario : str, optional
        In which the terms stand; the model's first if left out.
    months : int, optional
        As many as the model has if left out.
    given : mapping of str to DataArray, optional
        As `project` takes it.
    year : str, optional
        The fiscal year of ``amount`` and ``effect``; the whole run if left out.

    Returns
    -------
    xarray.Dataset
        On ``term`` and ``side`` (low, high), the largest effect first:

        - ``value`` : the term's; ``value_as_it_stands`` on ``term``;
        - ``amount`` of the measure and ``effect``, by how much that is more than as it stands;
        - ``amount_by_year`` and ``effect_by_year``, on ``year`` too;
        - ``amount_as_it_stands`` and ``amount_as_it_stands_by_year``.

        Coordinates of ``term``: ``title``, ``unit``, ``ground`` (what its assumption, source and
        note say), ``from`` (the date of the value shown, the first that has a range), ``dated``
        (how many of its values are moved) and ``range``, ``declared`` in the contract or ``asked``.

    Raises
    ------
    InputError
        For a term, measure, scenario or year that is not there, a term that the measure does not
        read or that has no range, a low over its high, and values out of a term's bounds.

    Notes
    -----
    A range that is asked for holds the term at one value, as `with_terms` does: from the first
    month on, in place of all its later values. A declared one moves each dated value to its own
    low or high; what was before the first month is history, as it is for `with_terms`.

    Terms are moved one at a time: what two of them do together is not the sum of both.

    Examples
    --------
    >>> from capitation import example_practices
    >>> ranges = {"guaranteed_income_per_patient": (94, 96), "monthly_list_growth": (0, 0.001)}
    >>> found = sensitivity("bolton-quality-contract", example_practices(), "scheme_cost", ranges)
    >>> found["term"].values.tolist()
    ['guaranteed_income_per_patient', 'monthly_list_growth']
    >>> found["effect"].sel(term="guaranteed_income_per_patient").round(-4).values.tolist()
    [-1210000.0, 1210000.0]
    """
    model = model if isinstance(model, Model) else load_model(model)
    check_practices(practices)
    given = given or {}
    raise_if_any(measure_problems(model, measure, scenario, months, given))
    chosen = next(iter(model.scenarios)) if scenario is None else scenario
    of = Measure(model, practices, measure, chosen, months or model.months, given)
    ranges = _ranges_of(of, terms)
    raise_if_any([*_range_problems(of, ranges), *year_problems(of, year)])
    tried = [
        of.at_its(side, name) if own is None else of.held(name, model.terms[name].number(value))
        for name, own in ranges.items()
        for side, value in zip(SIDES, own or SIDES, strict=True)
    ]
    return _labelled(of, ranges, of.amounts([None, *tried]), year)


def _ranges_of(
    of: Measure, terms: Sequence[str] | Mapping[str, Range | None] | None
) -> dict[str, Range | None]:
    if isinstance(terms, str):
        raise InputError(Problem("terms", f"found the text {terms!r}", f"a list: [{terms!r}]"))
    if terms is not None:
        ranges = dict(terms) if isinstance(terms, Mapping) else dict.fromkeys(terms)
        if not ranges:
            mend = "name terms, or leave it out for all that have a low and a high"
            raise InputError(Problem("terms", "none is named", mend))
        return ranges
    return {name: None for name in sorted(of.reads) if of.ranged(name)}


def how_to_give_a_range(name: str) -> str:
    """What to do for a term to have a low and a high.

    Parameters
    ----------
    name : str
        Of the term.

    Returns
    -------
    str
    """
    return (
        f"write low and high beside its value in the model or the input workbook, or give them: "
        f"--term {name}=LOW:HIGH, or terms={{{name!r}: (low, high)}} in Python"
    )


def _range_problems(of: Measure, ranges: Mapping[str, Range | None]) -> Iterator[Problem]:
    for name, own in ranges.items():
        where = f"{of.model.place}, term.{name}"
        unknown = term_problem(of, name)
        if unknown:
            yield unknown
        elif own is None and not of.ranged(name):
            yield Problem(where, "it has no low and no high in the run", how_to_give_a_range(name))
        elif own is not None:
            yield from _own_range_problems(of.model.terms[name], own, where)


def _own_range_problems(term: Term, own: Range, where: str) -> Iterator[Problem]:
    try:
        low, high = (term.number(value) for value in own)
    except ValueError as error:
        yield Problem(where, str(error), "a low and a high")
        return
    if low > high:
        found = f"{format_number(low)} is more than {format_number(high)}"
        yield Problem(where, found, "the low comes first")
    for value in (low, high):
        outside = term.out_of_bounds(value)
        if outside:
            yield Problem(where, *outside)


def _labelled(
    of: Measure, ranges: Mapping[str, Range | None], amounts: np.ndarray, year: str | None
) -> xr.Dataset:
    stands = amounts[0]
    by_year = amounts[1:].reshape(len(ranges), len(SIDES), len(of.years))
    chosen = slice(None) if year is None else [of.years.index(year)]
    amount, as_it_stands = by_year[..., chosen].sum(axis=-1), stands[chosen].sum()
    effect = amount - as_it_stands
    shown = [_shown_value(of, name, own) for name, own in ranges.items()]
    values = np.array([row.sides for row in shown]).reshape(len(ranges), len(SIDES))
    money = {"units": of.unit}

    def said(words: str) -> dict[str, str]:
        return {"long_name": words, **money}

    sides, years = ("term", "side"), ("term", "side", "year")
    result = xr.Dataset(
        {
            "value": (sides, values, {"long_name": "Value"}),
            "value_as_it_stands": (
                "term",
                [row.value for row in shown],
                {"long_name": "Value as it stands"},
            ),
            "amount": (sides, amount, said(of.title)),
            "effect": (sides, effect, said("More than as it stands")),
            "amount_by_year": (years, by_year, said(f"{of.title}, by year")),
            "effect_by_year": (years, by_year - stands, said("More than as it stands, by year")),
            "amount_as_it_stands": ((), as_it_stands, said(f"{of.title}, as it stands")),
            "amount_as_it_stands_by_year": (
                "year",
                stands,
                said(f"{of.title}, as it stands, by year"),
            ),
        },
        {
            "term": list(ranges),
            "side": list(SIDES),
            "year": of.years,
            "title": ("term", [of.model.terms[name].title for name in ranges]),
            "unit": ("term", [of.model.terms[name].unit for name in ranges]),
            "ground": ("term", [row.ground for row in shown]),
            "from": ("term", [row.start for row in shown]),
            "dated": ("term", [row.dated for row in shown]),
            "range": ("term", [DECLARED if own is None else ASKED for own in ranges.values()]),
        },
        {
            "model": of.model.name,
            "title": of.model.title,
            "scenario": of.scenario,
            "scenario_title": of.model.scenarios[of.scenario].title,
            "measure": of.name,
            "measure_title": of.title,
            "units": of.unit,
            "year": year or "",
            "start": of.model.start.isoformat()[:7],
            "months": of.months,
            "practices": of.practices.sizes["practice"],
        },
    )
    largest = np.abs(effect).max(axis=1)
    return result.isel(term=np.argsort(-largest, kind="stable"))


@dataclass(frozen=True)
class _Shown:
    """What is said of a term's values: of the first that has a range, where there are several."""

    value: float
    sides: tuple[float, ...]
    start: str
    dated: int
    ground: str


def _shown_value(of: Measure, name: str, own: Range | None) -> _Shown:
    term = of.model.term_in(name, of.scenario)
    if own is not None:
        dated = term.value_at(of.model.start)
        sides, count = tuple(term.number(value) for value in own), 1
    else:
        ranged = of.ranged(name)
        dated, count = ranged[0], len(ranged)
        sides = tuple(side_of(dated, side) for side in SIDES)
    start = dated.start.isoformat()
    return _Shown(dated.value, sides, start, count, ground_of(dated, of.model))


# As text, which a result carries -----------------------------------------------------------------


def with_sensitivity(result: xr.Dataset, found: xr.Dataset) -> xr.Dataset:
    """A result with what its amounts hang on, which its workbook then shows.

    Parameters
    ----------
    result : xarray.Dataset
        From `project`.
    found : xarray.Dataset
        From `sensitivity`, of the same model and practices. Where it has no term, the result stays
        as it is.

    Returns
    -------
    xarray.Dataset
        The same result, with the attribute ``sensitivity``.
    """
    if not found.sizes["term"]:
        return result
    return result.assign_attrs(sensitivity=sensitivity_json(found))


def sensitivity_json(found: xr.Dataset) -> str:
    """What `sensitivity` gives as text: what a result carries as its attribute ``sensitivity``.

    Parameters
    ----------
    found : xarray.Dataset
        From `sensitivity`.

    Returns
    -------
    str
        JSON.
    """
    return json.dumps(found.to_dict(), ensure_ascii=False, allow_nan=False)


def sensitivity_of(text: str) -> xr.Dataset | None:
    """What `sensitivity` gave, from the text that `sensitivity_json` made of it.

    Parameters
    ----------
    text : str
        Empty where there is none.

    Returns
    -------
    xarray.Dataset or None
    """
    if not text:
        return None
    read = json.loads(text)
    for variable in (*read["coords"].values(), *read["data_vars"].values()):
        # A list of no lists does not say how many dimensions it has.
        shape = [read["dims"][dim] for dim in variable["dims"]]
        variable["data"] = np.array(variable["data"]).reshape(shape)
    return xr.Dataset.from_dict(read)
