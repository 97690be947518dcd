"""A naive twin of a simulation: each rule is called as it is written, when another asks for it."""

from __future__ import annotations

import datetime as dt

import xarray as xr

from capitation.engine.calendar import (
    CALENDAR,
    CALENDAR_OF_YEAR,
    calendar_value,
    calendar_value_of_year,
    fiscal_year,
)
from capitation.engine.graph import area_of, time_of
from capitation.engine.rule import Rule, Total
from capitation.engine.samplers import (
    draw_keys,
    gamma_,
    key_of,
    negative_binomial_,
    stream_of,
    uniform_,
)
from capitation.model import Model, term_behind


class Twin:
    """One draw of one scenario, every rule called as it is written, when it is asked for."""

    def __init__(
        self, model: Model, practices: xr.Dataset, scenario: str, months: int, seed: int, draw: int
    ):
        self.model = model
        self.practices = practices
        self.scenario = scenario
        self.graph = model.graph([scenario])
        self.rules = {d.name: d for d in model.definitions}
        start = model.start.year * 12 + model.start.month - 1
        numbers = range(start, start + months)
        self.months = [dt.date(number // 12, number % 12 + 1, 1) for number in numbers]
        self.draw_key = int(draw_keys(seed, draw + 1)[draw])
        self.known: dict[tuple[str, str, str], float] = {}
        self.given: dict[str, xr.DataArray] = {}

    def members(self, commissioner: str) -> list[str]:
        areas = self.practices["commissioner"].values
        codes = self.practices["practice"].values
        return sorted(c for c, area in zip(codes, areas, strict=True) if area == commissioner)

    def before(self, period: str) -> str:
        """The month or year before, or nothing."""
        months = [f"{month:%Y-%m}" for month in self.months]
        periods = months if "-" in period else list(dict.fromkeys(map(fiscal_year, self.months)))
        at = periods.index(period)
        return periods[at - 1] if at else ""

    def value(self, name: str, area: str, period: str) -> float:
        """A name's value for whoever and whenever reads it, through what it is itself of."""
        if name in self.given:
            of = self.given[name].sel(practice=area, month=f"{period}-01")
            return float(of)
        if name not in self.rules:
            return self.leaf(name, area, period)
        dims = self.graph[name].dims
        if not area_of(dims):
            area = ""
        elif area_of(dims) == "commissioner_code" and area in self.practices["practice"].values:
            area = str(self.practices["commissioner"].sel(practice=area).item())
        if not time_of(dims):
            period = ""
        elif time_of(dims) == "year" and "-" in period:
            year, month = map(int, period.split("-"))
            period = fiscal_year(dt.date(year, month, 1))
        if (name, area, period) not in self.known:
            self.known[name, area, period] = self.worked_out(name, area, period)
        return self.known[name, area, period]

    def worked_out(self, name: str, area: str, period: str) -> float:
        definition = self.rules[name]
        if isinstance(definition, Total):
            amount = 0.0
            if definition.over == "practices":
                for practice in self.members(area):
                    amount += self.value(definition.of, practice, period)
            else:
                for month in (m for m in self.months if fiscal_year(m) == period):
                    amount += self.value(definition.of, area, f"{month:%Y-%m}")
            return amount
        assert isinstance(definition, Rule)
        arguments = [self.read(p, name, area, period) for p in definition.parameters]
        mean = float(definition(*arguments))
        if definition.drawn is None:
            return mean
        keys = (int(key_of(area)), int(key_of(period)), self.draw_key)
        u = uniform_(*keys, stream_of(definition.drawn.like or name))
        spread = self.value(definition.drawn.spread, area, period)
        if definition.drawn.kind == "gamma":
            return gamma_(mean, spread, u)
        return negative_binomial_(mean, spread, u)

    def read(self, parameter: str, reader: str, area: str, period: str) -> float:
        if not parameter.startswith("previous"):
            return self.value(parameter, area, period)
        name = reader if parameter == "previous" else parameter.removeprefix("previous_")
        if time_of(self.graph[name].dims) == "year" and "-" in period:
            year, month = map(int, period.split("-"))
            period = fiscal_year(dt.date(year, month, 1))
        before = self.before(period)
        if before:
            return self.value(name, area, before)
        first = f"{self.months[0]:%Y-%m}" if "-" in period else fiscal_year(self.months[0])
        return self.value(self.rules[name].first, area, first)

    def leaf(self, name: str, area: str, period: str) -> float:
        figure = name if name in self.practices else name.removeprefix("base_")
        if figure in self.practices:
            return float(self.practices[figure].sel(practice=area))
        if name in self.model.inputs:
            return self.model.inputs[name].value
        term = term_behind(name, self.model.terms)
        if name in CALENDAR:
            return calendar_value(name, dt.date(*map(int, period.split("-")), 1))
        if name in CALENDAR_OF_YEAR:
            return calendar_value_of_year(name, period, self.months)
        if name.startswith("base_"):
            dated = self.model.term_in(term, next(iter(self.model.scenarios)))
            base = [dt.date(2014 + (m > 12), (m - 1) % 12 + 1, 1) for m in range(4, 16)]
            amount = 0.0
            for month in base:
                amount += dated.at(month)
            return amount / 12
        dated = self.model.term_in(term, self.scenario)
        if name.endswith("_for_the_year"):
            year = period if "/" in period else ""
            if not year:
                year = fiscal_year(dt.date(*map(int, period.split("-")), 1))
            return dated.at(next(m for m in self.months if fiscal_year(m) == year))
        assert name == term, f"the twin does not know how {name} is read"
        return dated.at(dt.date(*map(int, period.split("-")), 1))
