"""One compiled function for each column of W1, none of them fused with another."""

from __future__ import annotations

import numba
import numpy as np

from workloads.w1 import SERVICES, VARIABLES

COLUMNS = ("registered", "weighted", "core", "top_up", "heads", *VARIABLES)

compiled = numba.njit(nogil=True, error_model="numpy")


@compiled
def product(a, b, out):
    for i in range(len(out)):
        out[i] = a[i] * b[i]


@compiled
def twelfth_of_product(a, b, out):
    for i in range(len(out)):
        out[i] = a[i] * b[i] / 12


@compiled
def premium(prem0, t, delay, clawback, out):
    for i in range(len(out)):
        left = 1 - max(0.0, t[i] - delay[i]) * clawback[i]
        out[i] = prem0[i] / 12 * max(0.0, min(1.0, left))


@compiled
def sum_of_three(a, b, c, out):
    for i in range(len(out)):
        out[i] = a[i] + b[i] + c[i]


@compiled
def top_up(guarantee, weighted, core, out):
    for i in range(len(out)):
        out[i] = max(0.0, guarantee[i] * weighted[i] / 12 - core[i])


@compiled
def fixed(top_up, out):
    for i in range(len(out)):
        out[i] = 0.6 * top_up[i]


@compiled
def performance(top_up, resp, ramp, out):
    for i in range(len(out)):
        out[i] = 0.4 * top_up[i] * min(1.0, resp[i] * ramp[i])


@compiled
def add_product(a, b, out):
    for i in range(len(out)):
        out[i] += a[i] * b[i]


@compiled
def present_value(core, fixed, performance, budget, discount, out):
    for i in range(len(out)):
        out[i] = (core[i] + fixed[i] + performance[i] + budget[i]) * discount[i]


@compiled
def add_up(key, column, out):
    for i in range(len(key)):
        out[key[i]] += column[i]


def fill(of: dict[str, np.ndarray], by: dict[str, np.ndarray], to: dict[str, np.ndarray]) -> None:
    """Fill every column, one after the other."""
    product(of["list0"], by["list_growth"], to["registered"])
    product(to["registered"], of["wr"], to["weighted"])
    twelfth_of_product(to["weighted"], by["price"], to["global_sum"])
    twelfth_of_product(of["mpig0"], by["left"], to["correction"])
    premium(of["prem0"], by["t"], of["delay"], by["clawback"], to["premium"])
    sum_of_three(to["global_sum"], to["correction"], to["premium"], to["core"])
    top_up(by["guarantee"], to["weighted"], to["core"], to["top_up"])
    fixed(to["top_up"], to["fixed"])
    performance(to["top_up"], of["resp"], by["ramp"], to["performance"])
    product(of["base_1"], by["uplift_1"], to["heads"])
    for k in range(2, SERVICES + 1):
        add_product(of[f"base_{k}"], by[f"uplift_{k}"], to["heads"])
    product(to["registered"], to["heads"], to["budget"])
    core, four = to["core"], (to["fixed"], to["performance"], to["budget"])
    present_value(core, *four, by["discount"], to["present_value"])
