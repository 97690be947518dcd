"""Mixtures of two runs: rules, practices and figures taken from the one or from the other.

A mixture has the practices of one run, begins with one run, follows the rules of one run, and has
each figure from one of them. Where that run has no figure, since it has no such practice, month or
term, the figure comes with the practice, month or rule from the other. So the mixture that has all
of one run is that run.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from capitation.engine.calendar import fiscal_year
from capitation.engine.graph import DIMENSIONS, Graph
from capitation.engine.kernel import Kernel, emit
from capitation.errors import InputError, Problem
from capitation.evaluation import WORTH_COMPILING
from capitation.runs.record import runnable
from capitation.runs.side import Side

PRACTICES, MONTHS, RULES = SWITCHES = ("practices", "months", "rules")
"""What of a run is of one piece: who is in it, when it begins, and how it reckons."""

MOST_CELLS = 1_000_000
"""Values of one variable that are held at once: mixtures, practices and months."""


@dataclass(frozen=True)
class Part:
    """What is taken from one run or from the other all at once.

    Attributes
    ----------
    name : str
    switches : frozenset of str
        Of `SWITCHES`.
    leaves : frozenset of str
        Inputs and terms.
    """

    name: str
    switches: frozenset[str] = frozenset()
    leaves: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Frame:
    """Which practices and months a mixture has, and in which years it is looked at.

    Attributes
    ----------
    codes, areas : tuple of str
        Practices and their commissioners, in the kernel's order.
    months : ndarray of datetime64
    years : tuple of str
        Those that are compared.
    """

    codes: tuple[str, ...]
    areas: tuple[str, ...]
    months: np.ndarray
    years: tuple[str, ...]

    @property
    def year_of_month(self) -> list[str]:
        return [fiscal_year(month) for month in self.months.astype("datetime64[D]").tolist()]

    @property
    def labels(self) -> dict[str, list[str] | list[int]]:
        """Labels of what rules are given, as `Side.values` has them."""
        years = dict.fromkeys(int(year[:4]) for year in self.year_of_month)
        months = self.months.astype("datetime64[M]").astype(int).tolist()
        return {"practice": list(self.codes), "month": months, "year": list(years)}


def frame_of(practices: Side, begins: Side, years: Sequence[str]) -> Frame:
    """The practices of one run and the months of another, up to the last year compared."""
    pairs = sorted((area, code) for code, area in practices.area_of.items())
    last = begins.months_by_year[years[-1]][-1]
    months = begins.months[begins.months <= last]
    areas, codes = zip(*pairs, strict=True)
    return Frame(codes, areas, months, tuple(years))


def amounts_of_mixtures(
    before: Side, after: Side, parts: Sequence[Part], years: Sequence[str]
) -> xr.DataArray:
    """Reckon every mixture of two runs.

    Parameters
    ----------
    before, after : Side
    parts : sequence of Part
        What is taken from one of them all at once.
    years : sequence of str
        Fiscal years that both have.

    Returns
    -------
    xarray.DataArray
        The measure [GBP] on ``mixture``, ``commissioner_code`` and ``year``; 2ᵏ mixtures of k
        parts: number 0 has all from the run before, and part i is from the run after if bit i of
        the mixture's number is set.

    Raises
    ------
    InputError
        If a mixture of the two cannot be reckoned: a rule divides by zero in it.
    """
    codes = sorted({*before.area_of.values(), *after.area_of.values()})
    amounts = np.zeros((2 ** len(parts), len(codes), len(years)))
    moving = {name for part in parts for name in part.leaves}
    by_switch = {switch: _bit_of(parts, switch) for switch in SWITCHES}
    for combined in itertools.product((before, after), repeat=len(SWITCHES)):
        chosen = dict(zip(SWITCHES, combined, strict=True))
        numbers = [n for n in range(len(amounts)) if _is_so(n, chosen, by_switch, after)]
        if not numbers:
            continue
        frame = frame_of(chosen[PRACTICES], chosen[MONTHS], years)
        size = max(1, MOST_CELLS // (len(frame.codes) * len(frame.months)))
        mixed = _Mixed(before, after, chosen[RULES], frame, moving, len(numbers))
        for at in range(0, len(numbers), size):
            batch = numbers[at : at + size]
            bits = {
                name: np.array([number >> place & 1 for number in batch])
                for place, part in enumerate(parts)
                for name in part.leaves
            }
            found = mixed.amounts(bits, len(batch))
            rows = [codes.index(area) for area in dict.fromkeys(frame.areas)]
            amounts[np.ix_(batch, rows)] = found
    labels = {"commissioner_code": codes, "year": list(years)}
    return xr.DataArray(amounts, labels, ("mixture", *labels))


def _bit_of(parts: Sequence[Part], switch: str) -> int | None:
    return next((at for at, part in enumerate(parts) if switch in part.switches), None)


def _is_so(
    number: int, chosen: Mapping[str, Side], by_switch: Mapping[str, int | None], after: Side
) -> bool:
    """Whether a mixture has the practices, the months and the rules of these runs."""
    for switch, place in by_switch.items():
        is_after = place is not None and bool(number >> place & 1)
        if (chosen[switch] is after) != is_after:
            return False
    return True


class _Mixed:
    """Rules of one run, on practices and months of one, that are given figures of both."""

    def __init__(
        self,
        before: Side,
        after: Side,
        rules: Side,
        frame: Frame,
        moving: set[str],
        mixtures: int,
    ) -> None:
        self.rules = rules
        self.frame = frame
        self.mixtures = mixtures
        self.exact = {side: _exact(side, frame) for side in (before, after)}
        self.near = {side: _nearest(side, frame) for side in (before, after)}
        self.filled: dict[str, tuple[xr.DataArray, ...]] = {}
        for name in rules.graph.leaves:
            sides = [side for side in (before, after) if name in side.everything.leaves]
            units = {side.everything.leaves[name].unit for side in sides}
            if len(units) > 1:
                sides = [rules]
            wanted = sides if name in moving else sides[:1]
            self.filled[name] = tuple(self._filled(name, side, sides) for side in wanted)
        self.kernels: dict[tuple[str, ...], tuple[Kernel, Graph]] = {}

    def _filled(self, name: str, side: Side, sides: Sequence[Side]) -> xr.DataArray:
        """Values of a run; where it has none, of the other; or of the nearest month."""
        ordered = [side, *(other for other in sides if other is not side)]
        named = {dim for each in ordered for dim in each.dims_of(name)}
        dims = [dim for dim in DIMENSIONS if dim in named]
        values = np.array(np.nan)
        for places, each in itertools.product((self.exact, self.near), ordered):
            if np.isnan(values).any():
                others = each.values_at(name, places[each], dims)
                values = np.where(np.isnan(values), others, values)
        labels = self.frame.labels
        whole = np.broadcast_to(values, [len(labels[dim]) for dim in dims])
        return xr.DataArray(whole, dims=dims, attrs=side.variables[name].attrs)

    def amounts(self, bits: Mapping[str, np.ndarray], count: int) -> np.ndarray:
        """The measure [GBP] on mixtures, the frame's commissioners and the years compared."""
        values = {name: _stacked(sides, bits.get(name)) for name, sides in self.filled.items()}
        kernel, graph = self._kernel(values)
        arrays = {name: array.values for name, array in values.items()}
        measure = self.rules.measure
        try:
            found = kernel.run(
                self._sizes(count),
                self._index(),
                arrays,
                compiled=self._evaluations(graph) > WORTH_COMPILING,
            )[measure]
        except (ZeroDivisionError, OverflowError):
            found = np.array(np.nan)
        if not np.isfinite(found).all():
            said = "a mixture of the two runs cannot be reckoned: a rule divides by zero in it"
            raise InputError(Problem("compare", said, "change fewer things from run to run"))
        return self._summed(found, graph[measure].dims, count)

    def _kernel(self, values: Mapping[str, xr.DataArray]) -> tuple[Kernel, Graph]:
        with_scenario = tuple(name for name, array in values.items() if "scenario" in array.dims)
        if with_scenario not in self.kernels:
            rules = {name: self.rules.variables[name] for name in self.rules.graph.nodes}
            graph = runnable({**values, **rules}).only([self.rules.measure])
            self.kernels[with_scenario] = emit(graph, [self.rules.measure]), graph
        return self.kernels[with_scenario]

    def _sizes(self, count: int) -> dict[str, int]:
        frame = self.frame
        return {
            "scenario": count,
            "commissioner_code": len(set(frame.areas)),
            "practice": len(frame.codes),
            "year": len(set(frame.year_of_month)),
            "month": len(frame.months),
        }

    def _index(self) -> dict[str, np.ndarray]:
        _, starts = np.unique(np.array(self.frame.areas), return_index=True)
        return {
            "practice_start": np.append(starts, len(self.frame.codes)),
            "year_of_month": pd.factorize(np.array(self.frame.year_of_month))[0],
        }

    def _evaluations(self, graph: Graph) -> int:
        """How often rules are run in all mixtures of this frame."""
        sizes = self._sizes(self.mixtures)
        return sum(math.prod(sizes[d] for d in node.dims) for node in graph.nodes.values())

    def _summed(self, found: np.ndarray, dims: tuple[str, ...], count: int) -> np.ndarray:
        """Amounts added up by commissioner and fiscal year."""
        if "scenario" not in dims:
            found = np.broadcast_to(found, (count, *found.shape))
        if "practice" in dims:
            found = np.add.reduceat(found, self._index()["practice_start"][:-1], axis=1)
        of_month = np.array(self.frame.year_of_month)
        if "year" in dims:
            of_month = np.array(list(dict.fromkeys(of_month.tolist())))
        sums = [found[..., of_month == year].sum(axis=-1) for year in self.frame.years]
        return np.stack(sums, axis=-1)


def _exact(side: Side, frame: Frame) -> dict[str, np.ndarray]:
    """Where a run has the labels of a frame; -1 where it does not."""
    places = {}
    for dim, wanted in frame.labels.items():
        place = {label: number for number, label in enumerate(side.labels[dim])}
        places[dim] = np.array([place.get(label, -1) for label in wanted])
    return places


def _nearest(side: Side, frame: Frame) -> dict[str, np.ndarray]:
    """The same, with the nearest month or year of the run where it does not have one."""
    places = _exact(side, frame)
    for dim in ("month", "year"):
        of_run = np.array(side.labels[dim])
        away = abs(np.array(frame.labels[dim])[:, np.newaxis] - of_run)
        places[dim] = away.argmin(axis=1)
    return places


def _stacked(sides: tuple[xr.DataArray, ...], bits: np.ndarray | None) -> xr.DataArray:
    """Values that mixtures have: those of the run before, or of the run after."""
    before, after = sides[0], sides[-1]
    if bits is None or len(sides) == 1 or not bits.any():
        return before
    if bits.all():
        return after
    both = np.stack([before.values, after.values])
    return xr.DataArray(both[bits], dims=("scenario", *before.dims), attrs=before.attrs)
