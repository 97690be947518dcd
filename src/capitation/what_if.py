"""What if a figure were another: a contract with some of its terms set by the user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from capitation.engine.term_tables import read_terms
from capitation.engine.terms import DatedValue, Term, format_number, kept_of
from capitation.errors import InputError, Problem, nearest, raise_if_any
from capitation.model import HISTORY, Model, term_behind
from capitation.model_file import load_model
from capitation.national import national_presets

ASSUMED = "Set by the user (--set)"


def with_terms(model: Model, values: Mapping[str, float | str]) -> Model:
    """Set terms of a contract to one value each: in every scenario, from the first month on.

    Parameters
    ----------
    model : Model
        As it will be run: a value holds from its start.
    values : mapping of str to float or str
        By name of the term; a number, an exact fraction as text, or the name of a choice.

    Returns
    -------
    Model
        The same contract. The values are recorded as any others are, with the assumption that the
        user set them, so that a workbook and an explanation show them.

    Raises
    ------
    InputError
        For a name that is no term, a term that no rule of the contract reads, a value that is no
        number, and one that lies outside the term's bounds. All at once.

    Notes
    -----
    The base year is history: a term whose figure changes over time keeps those that the first
    scenario has for it. A term that has one figure for all time, in every scenario, is set from its
    first date on, so that the base year has the same one; so is a term of which rules read nothing
    but the base year's mean.

    Examples
    --------
    >>> from capitation import load_model
    >>> model = with_terms(load_model("national-practice-income"), {"monthly_list_growth": 0.01})
    >>> model.terms["monthly_list_growth"].at(model.start)
    0.01
    """
    leaves = model.graph().leaves
    read = {term_behind(name, model.terms) for name in leaves}
    in_projection = {
        term_behind(name, model.terms) for name, leaf in leaves.items() if leaf.kind not in HISTORY
    }
    terms: dict[str, Term] = {}
    problems: list[Problem] = []
    for name, value in values.items():
        if name not in model.terms:
            mend = nearest(name, (known for known in read if known))
            problems.append(Problem(model.place, f"there is no term {name!r} to set", mend))
            continue
        if name not in read:
            mend = nearest(name, (known for known in read if known))
            found = f"no rule of {model.name} reads the term {name!r}, so that it changes nothing"
            problems.append(Problem(model.place, found, mend))
            continue
        try:
            number = model.terms[name].number(value)
        except ValueError as error:
            problems.append(Problem(f"{model.place}, term.{name}", str(error)))
            continue
        keeps_history = name in in_projection and _has_history(model, name)
        terms[name] = term = _set(model, name, value, keeps_history=keeps_history)
        outside = term.out_of_bounds(number)
        if outside:
            where = f"{model.place}, term.{name}, from {term.values[-1].start}"
            problems.append(Problem(where, *outside))
    raise_if_any(problems)
    return _in_every_scenario(model, terms)


def with_preset(model: Model | str | Path, name: str) -> Model:
    """Set a contract's terms to a preset, such as the corridors of a known risk share.

    Parameters
    ----------
    model : Model, str or Path
        A contract, or its name or path.
    name : str
        A preset that comes with the library: ``aco-reach-global``, ``mssp-enhanced`` ….

    Returns
    -------
    Model
        The same contract, with the preset's terms in every scenario, each with its own grounds.

    Raises
    ------
    InputError
        If there is no such preset, or no rule of the contract reads what it sets.

    Examples
    --------
    >>> from capitation import load_model
    >>> model = with_preset(load_model("out-of-hospital-budget"), "aco-reach-professional")
    >>> model.terms["first_gain_share"].at(model.start)
    0.5
    """
    model = model if isinstance(model, Model) else load_model(model)
    presets = national_presets()
    if name not in presets:
        raise InputError(Problem(name, "there is no such preset", nearest(name, presets)))
    changed = presets[name]["term"]
    leaves = model.graph().leaves
    read = {term_behind(leaf, model.terms) for leaf in leaves}
    raise_if_any(
        Problem(model.place, f"no rule of {model.name} reads {term!r}, which {name} sets")
        for term in changed
        if term not in read
    )
    tables = {term: {**kept_of(model.terms[term]), **keys} for term, keys in changed.items()}
    found, problems = read_terms(tables, f"preset {name}", model.sources)
    raise_if_any(problems)
    terms = {key: _said_to_be_of(term, name) for key, term in found.items()}
    return _in_every_scenario(model, terms)


def _said_to_be_of(term: Term, preset: str) -> Term:
    """A term of a preset whose values say which preset they come from."""
    said = f"Preset {preset}."
    values = tuple(replace(v, note=f"{said} {v.note}".strip()) for v in term.values)
    return replace(term, values=values)


def _in_every_scenario(model: Model, terms: Mapping[str, Term]) -> Model:
    """The same contract with these terms, whatever its scenarios have in their place."""
    scenarios = {
        key: replace(
            scenario,
            terms={name: own for name, own in scenario.terms.items() if name not in terms},
        )
        for key, scenario in model.scenarios.items()
    }
    return replace(model, terms={**model.terms, **terms}, scenarios=scenarios)


def _all_of(model: Model, name: str) -> list[Term]:
    """A term as the model has it, and as each scenario that changes it has it."""
    changed = [
        scenario.terms[name] for scenario in model.scenarios.values() if name in scenario.terms
    ]
    return [model.terms[name], *changed]


def _has_history(model: Model, name: str) -> bool:
    """Whether a term's figure changes over time, or was paid late, in the model or a scenario."""
    return any(
        len(term.values) > 1 or term.values[0].paid_from is not None
        for term in _all_of(model, name)
    )


def _set(model: Model, name: str, value: float | str, *, keeps_history: bool) -> Term:
    """A term with one value: from the first month on, or from its own first date."""
    number = model.terms[name].number(value)
    is_fraction = isinstance(value, str) and "/" in value and not model.terms[name].choices
    written = str(value).strip() if is_fraction else format_number(number)
    term = model.term_in(name, next(iter(model.scenarios)))
    first = min(each.values[0].start for each in _all_of(model, name))
    start = model.start if keeps_history else min(model.start, first)
    # What was earned before the start and paid after it is not paid again.
    before = tuple(
        replace(dated, paid_from=None, until_paid=None)
        for dated in term.values
        if dated.start < start
    )
    values = (*before, DatedValue(start, number, written, "", ASSUMED))
    return replace(term, values=values, schedule=None)
