"""By how much admissions must fall for a scheme to pay for itself: solved, with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from capitation.draws import Draws, Outcome, name_of_held, with_effect_held, with_outcomes
from capitation.model import Model
from capitation.setting import Setting, setting_of

REDUCTIONS = tuple(round(0.025 * step, 3) for step in range(13))
"""Reductions at which cost and saving are drawn: none to 30%."""

ROUNDS = 8
"""How often the bracket around a break-even is narrowed, at the most."""

CLOSE = 1e-5
"""Narrowing ends when the break-even moves by less: a thousandth of one per cent."""

WIDTH = 1.959963984540054
"""Standard errors to either side of a 95% interval."""


@dataclass(frozen=True)
class Drawing:
    """How cost and saving are drawn: the same draws at every reduction.

    Attributes
    ----------
    model : Model
    setting : Setting
    given : mapping of str to ndarray
    outcomes : tuple of str
        Rules to run, cost and saving among them: those of the simulation, so that one kernel does.
    seed, draws, threads : int
    compiled : bool or None
    """

    model: Model
    setting: Setting
    given: Mapping[str, np.ndarray]
    outcomes: tuple[str, ...]
    seed: int
    draws: int
    threads: int
    compiled: bool | None = None

    def of_one(self, place: int) -> Drawing:
        """The same for the practices of one commissioner: none concerns another."""
        first, last = (int(i) for i in self.setting.practice_start[place : place + 2])
        practices = self.setting.practices.isel(practice=slice(first, last))
        names = [scenario.name for scenario in self.setting.scenarios]
        setting = setting_of(self.model, practices, names, len(self.setting.months))
        given = {name: values[first:last] for name, values in self.given.items()}
        return replace(self, setting=setting, given=given)


def break_even_of(drawing: Drawing, scenarios: Sequence[str]) -> xr.Dataset:
    """Cost and saving at each reduction, and the reduction at which they meet.

    Parameters
    ----------
    drawing : Drawing
        Of a model whose ``[simulation]`` table names effect, cost and saving.
    scenarios : sequence of str

    Returns
    -------
    xarray.Dataset
        On ``scenario``, ``commissioner_code`` and ``reduction``: mean cost and saving of all years
        together [GBP] and the standard error of their difference; and the reduction at which the
        mean saving meets the mean cost, with a 95% interval for chance in the draws. It is not a
        number where saving does not reach cost at the largest reduction tried.
    """
    places = range(len(drawing.setting.commissioners))
    parts = [_of_commissioner(drawing.of_one(place), scenarios) for place in places]
    return xr.concat(parts, "commissioner_code", join="exact", combine_attrs="override")


def _of_commissioner(drawing: Drawing, scenarios: Sequence[str]) -> xr.Dataset:
    names = list(scenarios)
    # Scenarios of one reduction stand together, since they mostly share their draws.
    points = [(name, level) for level in REDUCTIONS for name in names]
    shape = (len(REDUCTIONS), len(names))
    cost, saving, error = (part.reshape(shape).T for part in _cost_and_saving(drawing, points))
    level, low, high = _solved(drawing, names, cost - saving)
    dims = ("scenario", "commissioner_code")
    long = (*dims, "reduction")

    def money(values: np.ndarray, title: str) -> tuple[tuple[str, ...], np.ndarray, dict[str, str]]:
        return long, values[:, np.newaxis], {"long_name": title, "units": "GBP"}

    def share(values: np.ndarray, title: str) -> tuple[tuple[str, ...], np.ndarray, dict[str, str]]:
        return dims, values[:, np.newaxis], {"long_name": title, "units": "1"}

    said = "Reduction at which the saving meets the cost"
    return xr.Dataset(
        {
            "cost_by_reduction": money(cost, "Cost of the scheme, all years"),
            "saving_by_reduction": money(saving, "Saving, all years"),
            "net_cost_by_reduction_standard_error": money(error, "Standard error of the net cost"),
            "break_even_reduction": share(level, said),
            "break_even_reduction_low": share(
                low, f"{said}, low end of its 95% interval of the draws"
            ),
            "break_even_reduction_high": share(
                high, f"{said}, high end of its 95% interval of the draws"
            ),
        },
        {
            "scenario": names,
            "commissioner_code": list(drawing.setting.commissioners),
            "reduction": ("reduction", list(REDUCTIONS), {"units": "1"}),
        },
    )


def _solved(
    drawing: Drawing, scenarios: list[str], net: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The reduction from which on the mean net cost is not above zero, and its interval.

    Net cost is drawn again within the bracket, with the same random numbers, so that it hardly
    moves but with the reduction.
    """
    level, low, high = (np.full(len(scenarios), np.nan) for _ in range(3))
    brackets: dict[int, _Bracket] = {}
    for number, row in enumerate(net):
        above = np.flatnonzero(row > 0)
        if not len(above):
            level[number] = low[number] = high[number] = 0.0
        elif above[-1] + 1 < len(row):
            at = int(above[-1])
            brackets[number] = _Bracket(*REDUCTIONS[at : at + 2], *row[at : at + 2].tolist())
    slopes = {number: bracket.slope for number, bracket in brackets.items()}
    errors = dict.fromkeys(brackets, 0.0)
    moved = dict.fromkeys(brackets, 1.0)
    for _ in range(ROUNDS):
        if max(moved.values(), default=0.0) < CLOSE:
            break
        # Every scenario is drawn each time, so that one kernel does for all of it.
        tried = [
            (n, level)
            for n in range(len(scenarios))
            for level in (brackets[n].inside if n in brackets else REDUCTIONS[:2])
        ]
        points = [(scenarios[number], level) for number, level in tried]
        cost, saving, error = _cost_and_saving(drawing, points)
        before = {number: bracket.crossing for number, bracket in brackets.items()}
        for (number, x), y, e in zip(tried, cost - saving, error, strict=True):
            # One that is found stays, so that it does not depend on how long others take.
            if moved.get(number, 0.0) >= CLOSE:
                brackets[number] = brackets[number].narrowed(x, float(y))
                errors[number] = float(e)
        for n, bracket in brackets.items():
            if moved[n] >= CLOSE:
                moved[n] = abs(bracket.crossing - before[n])
    for number, bracket in brackets.items():
        # The slope between two points of the grid is less moved by chance than a narrower one.
        half = WIDTH * errors[number] / slopes[number]
        level[number] = bracket.crossing
        low[number], high[number] = max(0.0, bracket.crossing - half), bracket.crossing + half
    return level, low, high


@dataclass(frozen=True)
class _Bracket:
    """Two reductions: at the lower the net cost is above zero, at the higher it is not."""

    low: float
    high: float
    net_at_low: float
    net_at_high: float

    @property
    def slope(self) -> float:
        return (self.net_at_low - self.net_at_high) / (self.high - self.low)

    @property
    def crossing(self) -> float:
        return self.low + self.net_at_low / self.slope

    @property
    def inside(self) -> tuple[float, float]:
        """Two reductions to try: where a straight line crosses, and the middle of the bracket."""
        return self.crossing, (self.low + self.high) / 2

    def narrowed(self, x: float, net: float) -> _Bracket:
        if not self.low < x < self.high:
            return self
        if net > 0:
            return replace(self, low=x, net_at_low=net)
        return replace(self, high=x, net_at_high=net)


def _cost_and_saving(
    drawing: Drawing, points: Sequence[tuple[str, float]]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean cost, mean saving and the standard error of their difference.

    Each is worked out for every point: a scenario, and the value at which the effect is held.
    """
    model, asked = drawing.model, drawing.model.simulation
    assert asked is not None
    whole, outcomes = with_outcomes(model, drawing.outcomes, drawing.given)
    held = with_effect_held(whole, asked.effect, *zip(*points, strict=True))
    changed = replace(whole, scenarios={**whole.scenarios, **held})
    practices, months = drawing.setting.practices, len(drawing.setting.months)
    run = Draws(
        setting_of(changed, practices, list(held), months),
        changed.graph(held, drawing.given),
        [name for outcome in outcomes.values() for name in outcome.variables],
        drawing.given,
        drawing.draws,
        drawing.seed,
        drawing.threads,
        drawing.compiled,
    )
    arrays = run.totals_of_commissioner(0)
    amounts = [_of_all_years(arrays, run, outcomes[name]) for name in (asked.cost, asked.saving)]
    place = [list(held).index(name_of_held(asked.effect, *point)) for point in points]
    cost, saving = (amount[place] for amount in amounts)
    net = cost - saving
    error = net.std(axis=-1, ddof=1) / np.sqrt(net.shape[-1])
    return cost.mean(axis=-1), saving.mean(axis=-1), error


def _of_all_years(arrays: Mapping[str, np.ndarray], run: Draws, outcome: Outcome) -> np.ndarray:
    """Draws of a commissioner's outcome, on scenario and draw."""
    name = outcome.by_commissioner
    array = arrays[name]
    if "scenario" not in run.graph[name].dims:
        array = array[np.newaxis]
    shape = (run.setting.sizes["scenario"], *array.shape[1:-1], run.draws)
    return np.broadcast_to(array, shape).sum(axis=(1, 2))
