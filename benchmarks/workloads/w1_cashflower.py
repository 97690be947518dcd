"""W1 as a model of cashflower: variables by month, run for one practice (model point) at a time.

One scenario, as a run of cashflower has one. Its own files (``input.py``, ``settings.py``) are put
together here, so that the time of reading them is not counted.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import sys

import numpy as np
import pandas as pd
from cashflower import ModelPointSet, variable
from cashflower.core import Model
from cashflower.start import DEFAULT_SETTINGS, determine_calculation_order, get_variables

from workloads.w1 import MONTHS_PER_YEAR, VARIABLES, Figures
from workloads.w1_peers import tables_of

main = ModelPointSet(data=pd.DataFrame())
table: dict[str, list[float]] = {}


@variable()
def registered(t):
    return main["list0"] * table["list_growth"][t]


@variable()
def weighted(t):
    return registered(t) * main["wr"]


@variable()
def global_sum(t):
    return weighted(t) * table["price"][t] / 12


@variable()
def correction(t):
    return main["mpig0"] * table["left"][t] / 12


@variable()
def premium(t):
    left = 1 - max(0, t - main["delay"]) * table["clawback"][t]
    return main["prem0"] / 12 * max(0, min(1, left))


@variable()
def top_up(t):
    guaranteed = table["guarantee"][t] * weighted(t) / 12
    return max(0, guaranteed - (global_sum(t) + correction(t) + premium(t)))


@variable()
def fixed(t):
    return 0.6 * top_up(t)


@variable()
def performance(t):
    return 0.4 * top_up(t) * min(1, main["resp"] * table["ramp"][t])


@variable()
def budget(t):
    return registered(t) * (
        main["base_1"] * table["uplift_1"][t]
        + main["base_2"] * table["uplift_2"][t]
        + main["base_3"] * table["uplift_3"][t]
        + main["base_4"] * table["uplift_4"][t]
        + main["base_5"] * table["uplift_5"][t]
        + main["base_6"] * table["uplift_6"][t]
        + main["base_7"] * table["uplift_7"][t]
        + main["base_8"] * table["uplift_8"][t]
    )


@variable()
def present_value(t):
    core = global_sum(t) + correction(t) + premium(t)
    return (core + fixed(t) + performance(t) + budget(t)) * table["discount"][t]


class Cashflower:
    """The first scenario of some figures."""

    def __init__(self, f: Figures):
        self.f = f
        last = f.size.months - 1
        months = {"T_MAX_CALCULATION": last, "T_MAX_OUTPUT": last}
        # All variables are asked for: of a choice of them, cashflower 0.10.9 mixes up the names.
        self.settings = {**DEFAULT_SETTINGS, **months, "GROUP_BY": "group"}
        self.data = pd.DataFrame({"group": f.group, **f.practice})
        self.table = {name: values.tolist() for name, values in tables_of(f)[0].items()}

    def run(self) -> np.ndarray:
        main.data, main.name = self.data, "main"
        main.settings = self.settings
        table.update(self.table)
        variables = get_variables(inspect.getmembers(sys.modules[__name__]), self.settings)
        variables = determine_calculation_order(variables, self.settings)
        with contextlib.redirect_stdout(io.StringIO()):
            found, _ = Model(variables, [main], self.settings).run()
        f = self.f
        by = found[list(VARIABLES)].to_numpy().reshape(f.groups, f.years, MONTHS_PER_YEAR, -1)
        return by.sum(axis=2).transpose(2, 0, 1)[:, np.newaxis]
