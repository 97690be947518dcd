"""W1 as a model of modelx: cells that depend on each other, each computed once and kept.

In two ways: a cell for each practice and month, and, as lifelib's models do it, a cell for each
month that holds an array of all practices. One scenario at a time.
"""

# Names in a formula are those of its space: modelx finds them there.

from __future__ import annotations

import warnings

import numpy as np

from workloads.w1 import SERVICES, VARIABLES, Figures
from workloads.w1_peers import tables_of

BUDGET = " + ".join(f"base_{k}[p] * uplift_{k}[t]" for k in range(1, SERVICES + 1))

FORMULAS = {
    "registered": "list0[p] * list_growth[t]",
    "weighted": "registered(p, t) * wr[p]",
    "global_sum": "weighted(p, t) * price[t] / 12",
    "correction": "mpig0[p] * left[t] / 12",
    "share": "max(0, min(1, 1 - max(0, t - delay[p]) * clawback[t]))",
    "premium": "prem0[p] / 12 * share(p, t)",
    "core": "global_sum(p, t) + correction(p, t) + premium(p, t)",
    "top_up": "max(0, guarantee[t] * weighted(p, t) / 12 - core(p, t))",
    "fixed": "0.6 * top_up(p, t)",
    "performance": "0.4 * top_up(p, t) * min(1, resp[p] * ramp[t])",
    "budget": f"registered(p, t) * ({BUDGET})",
    "total": "core(p, t) + fixed(p, t) + performance(p, t) + budget(p, t)",
    "present_value": "total(p, t) * discount[t]",
}
"""By practice and month. Over all practices at once, the same without ``p``."""


class Modelx:
    """The first scenario of some figures, a cell for each practice and month."""

    parameters = "p, t"

    def __init__(self, f: Figures):
        import modelx

        self.f = f
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.space = modelx.new_model().new_space()
        for name, values in tables_of(f)[0].items():
            setattr(self.space, name, values.tolist())
        self.give_practices()
        for name, formula in FORMULAS.items():
            text = f"lambda {self.parameters}: {self.written(formula)}"
            self.space.new_cells(name, formula=text)

    def give_practices(self) -> None:
        for name, values in self.f.practice.items():
            setattr(self.space, name, values.tolist())

    def written(self, formula: str) -> str:
        return formula

    def run(self) -> np.ndarray:
        self.space.clear_all()
        f, months = self.f, range(self.f.size.months)
        out = np.zeros((len(VARIABLES), 1, f.groups, f.years))
        for at, name in enumerate(VARIABLES):
            cell = getattr(self.space, name)
            for p, group in enumerate(f.group.tolist()):
                for t in months:
                    out[at, 0, group, t // 12] += cell(p, t)
        return out


class ModelxOverPractices(Modelx):
    """The same with arrays of practices, a cell for each month."""

    parameters = "t"

    def give_practices(self) -> None:
        for name, values in self.f.practice.items():
            setattr(self.space, name, values)
        self.space.numpy = np

    def written(self, formula: str) -> str:
        formula = formula.replace("[p]", "").replace("(p, t)", "(t)")
        return formula.replace("max(", "numpy.maximum(").replace("min(", "numpy.minimum(")

    def run(self) -> np.ndarray:
        self.space.clear_all()
        f = self.f
        out = np.zeros((len(VARIABLES), 1, f.groups, f.years))
        for at, name in enumerate(VARIABLES):
            cell = getattr(self.space, name)
            for t in range(f.size.months):
                out[at, 0, :, t // 12] += np.add.reduceat(cell(t), f.start[:-1])
        return out
