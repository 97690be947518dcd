"""How much of it is luck: a contract run over and over, with its random rules drawn."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from numbers import Integral
from pathlib import Path
from typing import Any

import xarray as xr

from capitation.break_even import Drawing, break_even_of
from capitation.draw_statistics import QUANTILES
from capitation.draws import Draws, Outcome, with_effect_held, with_outcomes
from capitation.engine.graph import Graph, Leaf
from capitation.engine.rule import Rule
from capitation.errors import InputError, Problem, nearest, raise_if_any
from capitation.model import Model, Scenario, Simulation
from capitation.model_file import load_model, models
from capitation.practices import check_practices
from capitation.projection import attributes_of_run, coordinates, first_of_month
from capitation.setting import Setting, checked_given, setting_of, terms_by_scenario
from capitation.side_by_side import threads_at_hand, wrong_threads
from capitation.simulated_figures import SimulatedFigures

MOST_DRAWS = 1_000_000
ENOUGH_DRAWS = 1_000
"""Draws from which a break-even is solved: means of a commissioner, for which that is enough."""

LARGEST_SEED = 2**63 - 1
MOST_OF_GROUPS = 2**30
"""Bytes that the draws of wider groups may take: all of them are in memory until the end."""

WITH, WITHOUT = "with", "without"


def simulate(
    model: Model | str | Path,
    practices: xr.Dataset,
    scenarios: Sequence[str] | None = None,
    months: int | None = None,
    *,
    start: dt.date | str | None = None,
    draws: int = 1_000,
    seed: int = 1,
    given: Mapping[str, xr.DataArray] | None = None,
    outcomes: Iterable[str] | None = None,
    threads: int | None = None,
    compiled: bool | None = None,
    break_even: bool = True,
    by_practice: bool = True,
    groups: Mapping[str, Iterable[str]] | None = None,
    progress: Callable[[str], None] | None = None,
) -> xr.Dataset:
    """Run a contract many times over, drawing what is left to chance.

    Parameters
    ----------
    model : Model, str or Path
        A contract with a ``[simulation]`` table, the name of a shipped one, or its file.
    practices : xarray.Dataset
        The base year, on ``practice``, as for `project`.
    scenarios : sequence of str, optional
        Names of the model's scenarios; all of them if left out.
    months : int, optional
        How many months from the start; the model's own number if left out.
    start : datetime.date or str, optional
        First month, as for `project`.
    draws : int
        How many times to run it: from 2 to a million.
    seed : int
        The same seed gives the same numbers on every machine, whatever else is in the run.
    given : mapping of str to xarray.DataArray, optional
        Known values on (practice, month) in place of rules, as for `project`: what was counted is
        no longer drawn.
    outcomes : iterable of str, optional
        Rules to report, of a year or so much a month; the model's own list if left out.
    threads : int, optional
        How many to run side by side; as many as the process may use if left out.
    compiled : bool, optional
        Through Numba or as plain Python, with the same result to the last bit. If left out, large
        jobs are compiled.
    break_even : bool
        Whether to solve for the reduction at which the saving meets the cost.
    by_practice : bool
        Whether to tell what practices have, each by itself. Without it, all of England takes little
        memory and less time; what is not a commissioner's and does not add up is left out.
    groups : mapping of str to iterable of str, optional
        Commissioners' codes by the name of a wider group, whose figures are the sums of theirs:
        regions, systems, all of England. Groups may overlap.
    progress : callable, optional
        Told in a few words how far it is.

    Returns
    -------
    xarray.Dataset
        On ``scenario`` and ``effect``: ``"with"`` the model's effect term as it stands, and
        ``"without"`` it. For each outcome ``v``, by ``practice`` and ``year``: its quantiles ``v``,
        ``v_mean`` and ``v_standard_error``, and ``v_quantile_standard_error``; the same of each
        commissioner as ``commissioner_v`` and of each group as ``group_v``.
        ``probability_of_earning``; by ``reduction``, ``cost_by_reduction`` and
        ``saving_by_reduction`` [GBP, all years together] and ``break_even_reduction`` with the
        bounds of its 95% interval.

    Raises
    ------
    InputError
        As `project`; for a model that leaves nothing to chance, and draws out of range; for groups
        of unknown commissioners.

    Notes
    -----
    A random number belongs to the seed, the practice's code, the period, the rule and the draw. So
    scenarios share their draws, and a practice's draws stay as they are when another joins.

    Quantiles are exact: all draws of what is told are put in order. Draws of at most as many
    commissioners are in memory as there are threads, and those of groups. A group's draw is the sum
    of its commissioners' draws of the same number, the largest commissioner first, and so what
    touches all practices alike is in it as such. Standard errors of quantiles are reckoned as in
    `capitation.draw_statistics.statistics_of`.

    Examples
    --------
    >>> from capitation import example_practices, simulate
    >>> three = example_practices().isel(practice=slice(0, 3))
    >>> found = simulate("bolton-quality-contract", three, months=12, draws=20, break_even=False)
    >>> dict(found["probability_of_earning"].sizes)
    {'scenario': 3, 'effect': 2, 'practice': 3, 'year': 1}
    """
    if not isinstance(model, Model):
        model = load_model(model)
    if start is not None:
        model = replace(model, start=first_of_month(start))
    workers = threads_at_hand() if threads is None else threads
    wrong = [*_wrong_numbers(draws, seed), *wrong_threads(threads), *_text_for_list(outcomes)]
    raise_if_any(wrong)
    draws, seed, workers = int(draws), int(seed), int(workers)
    asked = _asked(model)
    check_practices(practices)
    setting = setting_of(model, practices, scenarios, months)
    given_values = checked_given(given or {}, setting)
    wider = _checked_groups(groups or {}, setting)
    names = [scenario.name for scenario in setting.scenarios]
    wanted = [*(asked.outcomes if outcomes is None else outcomes), asked.earned, asked.cost]
    whole, kept = with_outcomes(model, filter(None, [*wanted, asked.saving]), given_values)
    told = kept if by_practice else _of_commissioners(kept)
    held, own_held = _without_effect(whole, asked.effect, names)
    doubled = replace(whole, scenarios={**whole.scenarios, **held})
    both = setting_of(doubled, practices, [*names, *held], months)
    variables = list(dict.fromkeys(v for outcome in told.values() for v in outcome.variables))
    graph = doubled.graph([*names, *held], given_values)
    run = Draws(both, graph, variables, given_values, draws, seed, workers, compiled)
    raise_if_any(_wrong_groups(wider, list(told.values()), run))
    outcomes_told, earned = list(told.values()), told.get(asked.earned)
    effects = [names, own_held] if held else [names]
    figures = SimulatedFigures(run, outcomes_told, earned, effects, wider)
    result = figures.dataset(progress).assign_coords(_coordinates(setting, bool(held), wider))
    result = result.assign(registered_list=_registered_list(practices))
    if break_even and asked.effect and asked.cost and asked.saving:
        fewer = min(draws, ENOUGH_DRAWS)
        drawing = Drawing(model, setting, given_values, tuple(kept), seed, fewer, workers, compiled)
        if progress:
            progress("solving for the break-even")
        solved = break_even_of(drawing, names)
        result = result.assign({str(name): solved[name] for name in solved.data_vars})
    return result.assign_attrs(
        _attributes(setting, graph.only(variables), asked, list(told), draws, seed)
    )


def _asked(model: Model) -> Simulation:
    if model.simulation is None:
        found = "the model has no [simulation] table: nothing in it is left to chance"
        able = [name for name in models() if load_model(name).simulation is not None]
        raise InputError(Problem(model.place, found, f"models that have one: {', '.join(able)}"))
    return model.simulation


def _wrong_numbers(draws: Any, seed: Any) -> Iterator[Problem]:
    for name, value, least, most in (
        ("draws", draws, 2, MOST_DRAWS),
        ("seed", seed, 0, LARGEST_SEED),
    ):
        whole = isinstance(value, Integral) and not isinstance(value, bool)
        if not whole or not least <= value <= most:
            found = f"found {value!r}"
            yield Problem(name, found, f"a whole number from {least:,} to {most:,}")


def _text_for_list(outcomes: Any) -> Iterator[Problem]:
    if isinstance(outcomes, str):
        yield Problem("outcomes", f"found the text {outcomes!r}", f"a list: [{outcomes!r}]")


def _without_effect(
    model: Model, effect: str, names: Sequence[str]
) -> tuple[dict[str, Scenario], list[str]]:
    """Scenarios without the effect, and which of them belongs to each scenario.

    Scenarios that differ in nothing but the effect share one.
    """
    if not effect:
        return {}, []
    held: dict[str, Scenario] = {}
    own: list[str] = []
    others = [
        {term: of for term, of in model.scenarios[name].terms.items() if term != effect}
        for name in names
    ]
    for terms in others:
        first = others.index(terms)
        if first == len(own):
            held |= with_effect_held(model, effect, [names[first]], [0.0])
            own.append(list(held)[-1])
        else:
            own.append(own[first])
    return held, own


def _of_commissioners(outcomes: Mapping[str, Outcome]) -> dict[str, Outcome]:
    """Outcomes without what practices have, each by itself."""
    found = {
        name: replace(outcome, by_practice="")
        for name, outcome in outcomes.items()
        if outcome.by_commissioner
    }
    if not found:
        told = "nothing is asked for that a commissioner has"
        raise InputError(Problem("outcomes", told, "ask for an amount, or for what practices have"))
    return found


def _checked_groups(
    groups: Mapping[str, Iterable[str]], setting: Setting
) -> dict[str, tuple[str, ...]]:
    """Commissioners by group."""
    problems, checked = [], {}
    for name, codes in groups.items():
        where = f"groups, {name!r}"
        if isinstance(codes, str):
            problems.append(Problem(where, f"found the text {codes!r}", f"a list: [{codes!r}]"))
            continue
        checked[name] = tuple(codes)
        if not checked[name]:
            problems.append(Problem(where, "has no commissioner", "name some, or leave it out"))
        for code in checked[name]:
            if code not in setting.commissioners:
                near = nearest(str(code), setting.commissioners)
                problems.append(Problem(where, f"there is no commissioner {code!r}", near))
    raise_if_any(problems)
    return checked


def _wrong_groups(
    groups: Mapping[str, tuple[str, ...]], outcomes: list[Outcome], run: Draws
) -> Iterator[Problem]:
    """More draws of groups than memory holds, and an outcome called as a group's would be."""
    if not groups:
        return
    shown = {name for outcome in outcomes for name in outcome.shown}
    for outcome in outcomes:
        if outcome.of_group in shown:
            found = f"{outcome.name!r} of a group would be called {outcome.of_group!r} too"
            yield Problem("outcomes", found, "ask for one of them, or for no groups")
    cells = run.sizes["scenario"] * run.sizes["year"] * run.draws * len(groups)
    if 8 * cells * len(outcomes) > MOST_OF_GROUPS:
        found = f"the draws of {len(groups):,} groups take more memory than is allowed"
        yield Problem("groups", found, "ask for fewer groups, outcomes, scenarios or draws")


# Labels ------------------------------------------------------------------------------------------


def _coordinates(setting: Setting, both: bool, groups: Mapping[str, Any]) -> dict[str, Any]:
    kept = coordinates(setting)
    for monthly in ("month", "fiscal_year"):
        kept.pop(monthly)
    effects = [WITH, WITHOUT] if both else [WITH]
    wider = {"group": list(groups)} if groups else {}
    return kept | {"effect": effects, "quantile": list(QUANTILES)} | wider


def _registered_list(practices: xr.Dataset) -> xr.DataArray:
    attrs = {"long_name": "Registered list in the base year", "units": "patient"}
    return xr.DataArray(
        practices["registered_list"].values.astype(float), dims="practice", attrs=attrs
    )


def _attributes(
    setting: Setting, graph: Graph, asked: Simulation, outcomes: list[str], draws: int, seed: int
) -> dict[str, Any]:
    first, last = setting.months[0], setting.months[-1]
    kept = attributes_of_run(setting, graph, drawn=True)
    kept.pop("streams")
    assumptions = list(_assumptions(setting, graph))
    cited = {row["source"] for row in assumptions}
    cited |= {d.source for n in graph.nodes.values() if isinstance(d := n.definition, Rule)}
    sources = {key: of for key, of in json.loads(kept["sources"]).items() if key in cited}
    return kept | {
        "sources": json.dumps(sources),
        "scenarios": json.dumps({s.name: s.title for s in setting.scenarios}),
        "seed": seed,
        "draws": draws,
        "break_even_draws": min(draws, ENOUGH_DRAWS),
        "outcomes": json.dumps(outcomes),
        "earned": asked.earned,
        "effect_term": asked.effect,
        "cost": asked.cost,
        "saving": asked.saving,
        "months": f"{first:%Y-%m} – {last:%Y-%m}",
        "assumptions": json.dumps(assumptions, ensure_ascii=False),
    }


def _assumptions(setting: Setting, graph: Graph) -> Iterator[dict[str, Any]]:
    """Every dated value of a term, and every default of an input, that the simulation reads."""
    seen: set[tuple[str, str]] = set()
    for name, leaf in graph.leaves.items():
        if leaf.kind == "input" and name in setting.model.inputs:
            given = setting.model.inputs[name]
            if given.value is not None and name not in setting.practices.data_vars:
                kept = {"from": "", "value": given.value, "source": given.source}
                yield _row(name, leaf, "all", kept, given.assumption, "")
        if "term" not in leaf.kind:
            continue
        for scenario, term in terms_by_scenario(name, setting).items():
            varies = "scenario" in leaf.dims and len(setting.scenarios) > 1
            key = (term.name, scenario if varies else "all")
            if key in seen:
                continue
            seen.add(key)
            for value in term.values:
                kept = {"from": value.start.isoformat(), "value": value.value}
                kept["source"] = value.source
                yield _row(term.name, leaf, key[1], kept, value.assumption, value.note)


def _row(
    name: str, leaf: Leaf, scenario: str, kept: Mapping[str, Any], assumption: str, note: str
) -> dict[str, Any]:
    said = {"name": name, "title": leaf.title, "scenario": scenario, "unit": str(leaf.unit)}
    return {**said, **kept, "assumption": assumption, "note": note}
