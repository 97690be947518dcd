"""Terms that hold for one practice: its own schedule, the month of its switch, what it takes up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from capitation.engine.graph import Graph, area_of
from capitation.engine.terms import PracticeTerms
from capitation.errors import Problem, nearest, raise_if_any
from capitation.model import Model, term_behind


def with_practice_terms(model: Model, terms: PracticeTerms) -> Model:
    """Let terms of a contract hold for one practice from a month on, in every scenario.

    Parameters
    ----------
    model : Model
    terms : mapping of str to mapping of str to tuple of DatedValue
        By name of the term and code of the practice, in order of date; `read_practice_terms` reads
        them from a file. Until its first date, the practice has what all have.

    Returns
    -------
    Model
        The same contract, with these terms on ``practice`` too.

    Raises
    ------
    InputError
        For a name that is no term, a term that no rule reads month by month, one that says
        something of the commissioner rather than of a practice, dates that do not increase, and a
        value outside the term's bounds. All at once.

    Notes
    -----
    The base year is history: the mean of a term in it is the same for all.

    Examples
    --------
    >>> import datetime as dt
    >>> from capitation import load_model
    >>> from capitation.engine.terms import DatedValue
    >>> switch = DatedValue(dt.date(2016, 4, 1), 1.0, "1", assumption="The practice has agreed.")
    >>> model = with_practice_terms(
    ...     load_model("thames-valley-pms"), {"switched_to_gms": {"K81001": (switch,)}}
    ... )
    >>> model.graph()["switched_to_gms"].dims
    ('practice', 'month')
    """
    before = model.graph()
    raise_if_any([*_unknown(model, before, terms), *_wrong_values(model, terms)])
    joined = {name: {**model.practice_terms.get(name, {}), **own} for name, own in terms.items()}
    changed = replace(model, practice_terms={**model.practice_terms, **joined})
    raise_if_any(_of_the_commissioner(changed, before, terms))
    return changed


def _unknown(model: Model, graph: Graph, terms: PracticeTerms) -> Iterator[Problem]:
    by_month = {
        term_behind(name, model.terms)
        for name, leaf in graph.leaves.items()
        if leaf.kind in ("term", "year term")
    }
    read = [name for name in by_month if name]
    for name in terms:
        if name not in model.terms:
            yield Problem(model.place, f"there is no term {name!r}", nearest(name, read))
        elif name not in read:
            found = f"no rule of {model.name} reads the term {name!r} by month"
            yield Problem(model.place, found, nearest(name, read))


def _wrong_values(model: Model, terms: PracticeTerms) -> Iterator[Problem]:
    for name, by_practice in terms.items():
        for code, values in by_practice.items():
            where = f"term {name!r}, practice {code}"
            starts = [value.start for value in values]
            if not values or starts != sorted(set(starts)):
                found = f"found {', '.join(map(str, starts)) or 'no value'}"
                yield Problem(where, found, "at least one value, in order of date")
            for value in values if name in model.terms else ():
                outside = model.terms[name].out_of_bounds(value.value)
                if outside:
                    yield Problem(f"{where}, from {value.start}", *outside)


def _of_the_commissioner(model: Model, before: Graph, terms: PracticeTerms) -> Iterator[Problem]:
    """Terms by practice that would make a figure of the commissioner one of each practice."""
    for name in terms:
        alone = replace(model, practice_terms={name: model.practice_terms[name]}).graph()
        for rule, node in before.nodes.items():
            is_area = area_of(node.dims) == "commissioner_code"
            if is_area and area_of(alone[rule].dims) == "practice":
                found = (
                    f"{name!r} is of the commissioner, not of a practice: {rule!r} depends on it"
                )
                yield Problem(model.place, found, "set it for all practices")
                break
