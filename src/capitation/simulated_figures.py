"""The figures of a simulation, put in their places while commissioners are drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import numpy as np
import xarray as xr

from capitation.draw_statistics import QUANTILES, statistics_of
from capitation.draws import Draws, Outcome
from capitation.every_commissioner import Pass, every_commissioner

ENDS = {
    "": "quantiles",
    "_mean": "mean",
    "_standard_error": "standard error of the mean",
    "_quantile_standard_error": "standard errors of the quantiles",
}
"""What a name in a result ends in, and what that says."""

CHANCE = "probability_of_earning"


class SimulatedFigures:
    """Means, quantiles and their standard errors, of practices, commissioners and wider groups.

    Parameters
    ----------
    run : Draws
    outcomes : sequence of Outcome
    earned : Outcome or None
        That of which the chance is told that it is above zero.
    effects : sequence of sequence of str
        By effect, the scenario of the run that each scenario of the result is.
    groups : mapping of str to sequence of str
        Commissioners of each wider group, by its name.
    """

    def __init__(
        self,
        run: Draws,
        outcomes: Sequence[Outcome],
        earned: Outcome | None,
        effects: Sequence[Sequence[str]],
        groups: Mapping[str, Sequence[str]],
    ):
        self.run = run
        self.outcomes = outcomes
        self.earned = earned
        run_as = [scenario.name for scenario in run.setting.scenarios]
        self.places = np.array([[run_as.index(name) for name in names] for names in effects])
        self.sizes = {**run.sizes, "group": len(groups)}
        self.arrays: dict[str, np.ndarray] = {}
        self.labels: dict[str, tuple[str, str, str]] = {}
        self.groups_of = {
            place: [number for number, codes in enumerate(groups.values()) if code in codes]
            for place, code in enumerate(run.setting.commissioners)
        }
        self.of_practices: dict[str, list[str]] = {}
        self.of_commissioners: dict[str, list[str]] = {}
        self.of_groups: dict[str, np.ndarray] = {}
        self.waiting: dict[int, dict[str, np.ndarray]] = {}
        self.lay_out()

    def lay_out(self) -> None:
        """Make room for every figure, before any thread writes one."""
        for outcome in self.outcomes:
            if outcome.by_practice:
                self.of_practices.setdefault(outcome.by_practice, []).append(outcome.name)
                self.announce(outcome, outcome.name, "practice")
            if outcome.by_commissioner:
                called = self.of_commissioners.setdefault(outcome.by_commissioner, [])
                called.append(outcome.of_commissioner)
                self.announce(outcome, outcome.of_commissioner, "commissioner_code")
            if self.sizes["group"] and self.adds_up(outcome):
                self.announce(outcome, outcome.of_group, "group")
                many = self.run.draws if outcome.by_commissioner in self.run.drawn else 1
                shape = [self.sizes[dim] for dim in ("group", "scenario", "year")]
                self.of_groups[outcome.name] = np.zeros((*shape, many))
        if self.earned is not None and self.earned.by_practice:
            for end, said in {"": "", "_standard_error": ", standard error"}.items():
                self.make(f"{CHANCE}{end}", "practice", f"Chance of earning{said}", "1")

    def adds_up(self, outcome: Outcome) -> bool:
        """Whether an outcome's figures of commissioners can be added up."""
        name = outcome.by_commissioner
        return bool(name) and self.run.graph[name].unit.adds_up

    def announce(self, outcome: Outcome, name: str, area: str) -> None:
        title = self.run.graph[outcome.name].title
        unit = str(self.run.graph[outcome.variables[0]].unit)
        for end, said in ENDS.items():
            self.make(f"{name}{end}", area, f"{title}, {said}", unit, more="quantiles" in said)

    def make(self, name: str, area: str, title: str, unit: str, *, more: bool = False) -> None:
        shape = [self.sizes[dim] for dim in ("scenario", area, "year")]
        self.labels[name] = (area, title, unit)
        self.arrays[name] = np.zeros((*shape, len(QUANTILES)) if more else shape)

    # ------------------------------------------------------------------ drawing

    def dataset(self, progress: Callable[[str], None] | None = None) -> xr.Dataset:
        """Draw all commissioners, and give what is told of the draws."""
        of = len(self.run.setting.commissioners)
        for done, place in enumerate(every_commissioner(self.run, self.take), start=1):
            for name, draws in self.waiting.pop(place, {}).items():
                for group in self.groups_of[place]:
                    self.of_groups[name][group] += draws
            if progress:
                progress(f"{done:,} of {of:,} commissioners")
        for outcome in self.outcomes:
            if outcome.name in self.of_groups:
                totals = np.moveaxis(self.of_groups.pop(outcome.name), 0, 1)
                for scenario in range(len(totals)):
                    self.summarise([outcome.of_group], scenario, slice(None), totals[scenario])
        return xr.Dataset({name: self.labelled(name) for name in self.arrays})

    def take(self, drawn: Pass) -> Iterator[Callable[[], None]]:
        """What is told of the draws of a pass; of a commissioner's own only once."""
        here = slice(drawn.place, drawn.place + 1)
        if drawn.first and self.groups_of[drawn.place]:
            self.waiting[drawn.place] = {
                outcome.name: self.with_all_dims(outcome.by_commissioner, drawn)[:, 0].copy()
                for outcome in self.outcomes
                if outcome.name in self.of_groups
            }
        for variable, names in self.of_practices.items():
            yield from self.pieces(names, variable, drawn, drawn.practices)
        if self.earned is not None and self.earned.by_practice:
            draws = self.with_all_dims(self.earned.by_practice, drawn)
            yield partial(self.chances, draws, drawn.practices)
        for variable, names in self.of_commissioners.items() if drawn.first else ():
            yield from self.pieces(names, variable, drawn, here)

    def pieces(
        self, names: list[str], variable: str, drawn: Pass, at: slice
    ) -> Iterator[Callable[[], None]]:
        """One piece of work for each scenario; one for all where they do not differ."""
        draws = self.with_all_dims(variable, drawn, broadcast=False)
        if len(draws) == 1:
            yield partial(self.summarise, names, slice(None), at, draws[0])
            return
        for scenario in range(len(draws)):
            yield partial(self.summarise, names, scenario, at, draws[scenario])

    def with_all_dims(self, variable: str, drawn: Pass, *, broadcast: bool = True) -> np.ndarray:
        """Draws on scenario, area, year and draw, the same for all where it does not differ."""
        array, dims = drawn.arrays[variable], self.run.graph[variable].dims
        if "scenario" not in dims:
            array = array[np.newaxis]
        if "year" not in dims:
            array = array[..., np.newaxis, :]
        if not broadcast:
            return array
        shape = (self.sizes["scenario"], array.shape[1], self.sizes["year"], array.shape[-1])
        return np.broadcast_to(array, shape)

    def summarise(
        self, names: list[str], scenario: int | slice, at: slice, draws: np.ndarray
    ) -> None:
        """Put in its places what is told of draws on area, year and draw."""
        found = statistics_of(draws, compiled=bool(self.run.compiled))
        for name in names:
            self.arrays[name][scenario, at] = found.quantiles
            self.arrays[f"{name}_mean"][scenario, at] = found.mean
            self.arrays[f"{name}_standard_error"][scenario, at] = found.mean_error
            self.arrays[f"{name}_quantile_standard_error"][scenario, at] = found.quantile_errors

    def chances(self, draws: np.ndarray, at: slice) -> None:
        """How often what is earned is above zero."""
        many = draws.shape[-1]
        for scenario in range(len(draws)):
            chance = (draws[scenario] > 0).mean(axis=-1)
            self.arrays[CHANCE][scenario, at] = chance
            error = np.sqrt(chance * (1 - chance) / many)
            self.arrays[f"{CHANCE}_standard_error"][scenario, at] = error

    def labelled(self, name: str) -> xr.DataArray:
        """An array with scenarios and effects apart, and practices as they were given."""
        array = np.moveaxis(self.arrays[name][self.places], 0, 1)
        area, title, unit = self.labels[name]
        if area == "practice":
            array = np.take(array, self.run.setting.place_given, axis=2)
        dims = ["scenario", "effect", area, "year", "quantile"][: array.ndim]
        return xr.DataArray(array, dims=dims, attrs={"long_name": title, "units": unit})
