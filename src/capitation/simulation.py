"""How much of it is luck: a contract run over and over, with its random rules drawn."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from capitation.break_even import Drawing, break_even_of
from capitation.draws import Draws, Outcome, threads_at_hand, with_effect_held, with_outcomes
from capitation.engine.graph import Graph, Leaf
from capitation.engine.rule import Rule
from capitation.errors import InputError, Problem, raise_if_any
from capitation.model import Model, Simulation
from capitation.model_file import load_model, models
from capitation.practices import check_practices
from capitation.projection import attributes_of_run, coordinates, first_of_month
from capitation.setting import Setting, checked_given, setting_of, terms_by_scenario

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
MOST_DRAWS = 1_000_000
ENOUGH_DRAWS = 1_000
"""Draws from which a break-even is solved: means of a commissioner, for which that is enough."""

LARGEST_SEED = 2**63 - 1
ENDS = {"": "quantiles", "_mean": "mean", "_standard_error": "standard error of the mean"}
"""What a name in a result ends in, and what that says."""

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

    Returns
    -------
    xarray.Dataset
        On ``scenario`` and ``effect``: ``"with"`` the model's effect term as it stands, and
        ``"without"`` it. For each outcome ``v``, by ``practice`` and ``year``: its quantiles ``v``,
        ``v_mean`` and ``v_standard_error``; the same of each commissioner as ``commissioner_v``.
        ``probability_of_earning``; by ``reduction``, ``cost_by_reduction`` and
        ``saving_by_reduction`` [GBP, all years together] and ``break_even_reduction`` with the
        bounds of its 95% interval.

    Raises
    ------
    InputError
        As `project`; for a model that leaves nothing to chance, and draws out of range.

    Notes
    -----
    A random number belongs to the seed, the practice's code, the period, the rule and the draw. So
    scenarios share their draws, and a practice's draws stay as they are when another joins.

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
    raise_if_any([*_wrong_numbers(draws, seed, workers), *_text_for_list(outcomes)])
    draws, seed, workers = int(draws), int(seed), int(workers)
    asked = _asked(model)
    check_practices(practices)
    setting = setting_of(model, practices, scenarios, months)
    given_values = checked_given(given or {}, setting)
    names = [scenario.name for scenario in setting.scenarios]
    wanted = [*(asked.outcomes if outcomes is None else outcomes), asked.earned, asked.cost]
    whole, kept = with_outcomes(model, filter(None, [*wanted, asked.saving]), given_values)
    held = with_effect_held(whole, asked.effect, names, [0.0] * len(names)) if asked.effect else {}
    doubled = replace(whole, scenarios={**whole.scenarios, **held})
    both = setting_of(doubled, practices, [*names, *held], months)
    variables = list(dict.fromkeys(v for outcome in kept.values() for v in outcome.variables))
    graph = doubled.graph([*names, *held], given_values)
    run = Draws(both, graph, variables, given_values, draws, seed, workers, compiled)
    summary = _Summary(run, list(kept.values()), kept.get(asked.earned), len(names))
    found = summary.dataset()
    result = found.assign_coords(_coordinates(setting, bool(held)))
    result = result.assign(registered_list=_registered_list(practices))
    if break_even and asked.effect and asked.cost and asked.saving:
        fewer = min(draws, ENOUGH_DRAWS)
        drawing = Drawing(model, setting, given_values, tuple(kept), seed, fewer, workers, compiled)
        solved = break_even_of(drawing, names)
        result = result.assign({str(name): solved[name] for name in solved.data_vars})
    return result.assign_attrs(
        _attributes(setting, graph.only(variables), asked, list(kept), draws, seed)
    )


def _asked(model: Model) -> Simulation:
    if model.simulation is None:
        found = "the model has no [simulation] table: nothing in it is left to chance"
        able = [name for name in models() if load_model(name).simulation is not None]
        raise InputError(Problem(model.place, found, f"models that have one: {', '.join(able)}"))
    return model.simulation


def _wrong_numbers(draws: Any, seed: Any, threads: Any) -> Iterator[Problem]:
    for name, value, least, most in (
        ("draws", draws, 2, MOST_DRAWS),
        ("seed", seed, 0, LARGEST_SEED),
        ("threads", threads, 1, 1024),
    ):
        whole = isinstance(value, Integral) and not isinstance(value, bool)
        if not whole or not least <= value <= most:
            found = f"found {value!r}"
            yield Problem(name, found, f"a whole number from {least:,} to {most:,}")


def _text_for_list(outcomes: Any) -> Iterator[Problem]:
    if isinstance(outcomes, str):
        yield Problem("outcomes", f"found the text {outcomes!r}", f"a list: [{outcomes!r}]")


class _Summary:
    """Quantiles, means and standard errors, commissioner by commissioner."""

    def __init__(self, run: Draws, outcomes: list[Outcome], earned: Outcome | None, scenarios: int):
        self.run = run
        self.outcomes = outcomes
        self.earned = earned
        self.scenarios = scenarios
        self.arrays: dict[str, np.ndarray] = {}
        self.labels: dict[str, tuple[str, str, str]] = {}

    def dataset(self) -> xr.Dataset:
        for place in range(len(self.run.setting.commissioners)):
            first = int(self.run.setting.practice_start[place])
            for practices, arrays in self.run.of_commissioner(place):
                at = slice(first + practices.start, first + practices.stop)
                for outcome in self.outcomes:
                    self.take(outcome, arrays, at, place, whole=practices.start == 0)
        return xr.Dataset({name: self.labelled(name) for name in self.arrays})

    def take(
        self,
        outcome: Outcome,
        arrays: Mapping[str, np.ndarray],
        at: slice,
        place: int,
        *,
        whole: bool,
    ) -> None:
        """Summarise the draws of an outcome in one pass; a commissioner's only once."""
        if outcome.by_practice:
            draws = self.on_all(outcome.by_practice, arrays)
            if outcome is self.earned:
                self.chances(draws, at)
            self.summarise(outcome, outcome.name, "practice", draws, at)
        if outcome.by_commissioner and whole:
            draws = self.on_all(outcome.by_commissioner, arrays)
            name, here = outcome.of_commissioner, slice(place, place + 1)
            self.summarise(outcome, name, "commissioner_code", draws, here)

    def on_all(self, name: str, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        """Draws on scenario, area, year and draw, the same for all where it does not differ."""
        array, dims = arrays[name], self.run.graph[name].dims
        sizes = self.run.setting.sizes
        if "scenario" not in dims:
            array = array[np.newaxis]
        if "year" not in dims:
            array = array[..., np.newaxis, :]
        shape = (sizes["scenario"], array.shape[1], sizes["year"], array.shape[-1])
        return np.broadcast_to(array, shape)

    def summarise(
        self, outcome: Outcome, name: str, area: str, draws: np.ndarray, at: slice
    ) -> None:
        title = self.run.graph[outcome.name].title
        unit = str(self.run.graph[outcome.variables[0]].unit)
        for end, said in ENDS.items():
            self.labels[f"{name}{end}"] = (area, f"{title}, {said}", unit)
        for scenario in range(len(draws)):
            # One scenario at a time, so that sorting needs little room.
            ordered = np.sort(draws[scenario], axis=-1)
            mean, error = mean_and_error(draws[scenario], ordered)
            self.put(name, area, scenario, at, quantiles_of(ordered))
            self.put(f"{name}_mean", area, scenario, at, mean)
            self.put(f"{name}_standard_error", area, scenario, at, error)

    def chances(self, draws: np.ndarray, at: slice) -> None:
        name, many = "probability_of_earning", draws.shape[-1]
        self.labels[name] = ("practice", "Chance of earning", "1")
        self.labels[f"{name}_standard_error"] = (
            "practice",
            "Chance of earning, standard error",
            "1",
        )
        for scenario in range(len(draws)):
            chance = (draws[scenario] > 0).mean(axis=-1)
            error = np.sqrt(chance * (1 - chance) / many)
            self.put(name, "practice", scenario, at, chance)
            self.put(f"{name}_standard_error", "practice", scenario, at, error)

    def put(self, name: str, area: str, scenario: int, at: slice, values: np.ndarray) -> None:
        if name not in self.arrays:
            sizes = self.run.setting.sizes
            shape = (sizes["scenario"], sizes[area], *values.shape[1:])
            self.arrays[name] = np.zeros(shape)
        self.arrays[name][scenario, at] = values

    def labelled(self, name: str) -> xr.DataArray:
        """An array with scenarios and effects apart, and practices as they were given."""
        array = self.arrays[name]
        effects = len(array) // self.scenarios
        array = np.moveaxis(array.reshape(effects, self.scenarios, *array.shape[1:]), 0, 1)
        area, title, unit = self.labels[name]
        if area == "practice":
            array = np.take(array, self.run.setting.place_given, axis=2)
        dims = ["scenario", "effect", area, "year", "quantile"][: array.ndim]
        return xr.DataArray(array, dims=dims, attrs={"long_name": title, "units": unit})


def mean_and_error(draws: np.ndarray, ordered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean over draws, which come last, and its standard error: none where all are the same."""
    many = draws.shape[-1]
    certain = ordered[..., 0] == ordered[..., -1]
    mean = np.where(certain, ordered[..., 0], draws.mean(axis=-1))
    spread = draws.std(axis=-1, ddof=1) if many > 1 else np.zeros_like(mean)
    return mean, np.where(certain, 0.0, spread / np.sqrt(many))


def quantiles_of(ordered: np.ndarray) -> np.ndarray:
    """Quantiles of draws that come last and in order, between two draws by interpolation."""
    places = np.array(QUANTILES) * (ordered.shape[-1] - 1)
    below = np.floor(places).astype(int)
    above = np.minimum(below + 1, ordered.shape[-1] - 1)
    low, high = ordered[..., below], ordered[..., above]
    return low + (high - low) * (places - below)


# Labels ------------------------------------------------------------------------------------------


def _coordinates(setting: Setting, both: bool) -> dict[str, Any]:
    kept = coordinates(setting)
    for monthly in ("month", "fiscal_year"):
        kept.pop(monthly)
    effects = [WITH, WITHOUT] if both else [WITH]
    return kept | {"effect": effects, "quantile": list(QUANTILES)}


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
