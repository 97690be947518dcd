"""W1 with the tools that people use, each as its own users would write it, and with care."""

from __future__ import annotations

import numpy as np

from workloads.w1 import (
    INPUTS,
    MONTHS_PER_YEAR,
    SERVICES,
    VARIABLES,
    Figures,
    lines_of,
    sums_of,
)

SERVICE_NUMBERS = range(1, SERVICES + 1)


# ------------------------------------------------------------------ NumPy


def numpy_broadcast(f: Figures) -> np.ndarray:
    """All cells at once; as the oracle, in one piece."""
    return sums_of(lines_of(f), f)


SCENARIOS_OF_A_BLOCK = 8


def numpy_blocked(f: Figures) -> np.ndarray:
    """Group by group and a few scenarios at a time, so that temporaries stay in the cache."""
    out = np.empty((len(VARIABLES), f.size.scenarios, f.groups, f.years))
    of_year = (f.size.months // MONTHS_PER_YEAR, MONTHS_PER_YEAR)
    t = np.arange(f.size.months, dtype=float)
    left = np.repeat(f.left_of_correction, MONTHS_PER_YEAR) / 12
    by = {name: f.by_month(name) for name in f.scenario}
    price, guarantee = by["price"] / 12, by["guarantee"] / 12
    for g in range(f.groups):
        rows = slice(f.start[g], f.start[g + 1])
        of = {name: array[rows, np.newaxis, np.newaxis] for name, array in f.practice.items()}
        after = np.maximum(0, t - of["delay"])
        correction = of["mpig0"] * left
        for s in range(0, f.size.scenarios, SCENARIOS_OF_A_BLOCK):
            block = slice(s, s + SCENARIOS_OF_A_BLOCK)
            registered = of["list0"] * by["list_growth"][block]
            weighted = registered * of["wr"]
            global_sum = weighted * price[block]
            premium = after * by["clawback"][block]
            np.subtract(1, premium, out=premium)
            np.clip(premium, 0, 1, out=premium)
            premium *= of["prem0"] / 12
            core = global_sum + correction
            core += premium
            weighted *= guarantee[block]
            weighted -= core
            np.maximum(0, weighted, out=weighted)
            fixed = 0.6 * weighted
            performance = np.minimum(1, of["resp"] * by["ramp"][block])
            performance *= weighted
            performance *= 0.4
            budget = of["base_1"] * by["uplift_1"][block]
            for k in SERVICE_NUMBERS[1:]:
                budget += of[f"base_{k}"] * by[f"uplift_{k}"][block]
            budget *= registered
            core += fixed
            core += performance
            core += budget
            core *= by["discount"][block]
            shape = (-1, *of_year)
            out[1, block, g] = correction.sum(axis=0).reshape(shape).sum(axis=-1)
            lines = {0: global_sum, 2: premium, 3: fixed, 4: performance, 5: budget, 6: core}
            for at, line in lines.items():
                out[at, block, g] = line.sum(axis=0).reshape(shape).sum(axis=-1)
    return out


# ------------------------------------------------------------------ pandas


def tables_of(f: Figures) -> list[dict[str, np.ndarray]]:
    """By scenario, a table of months as columns."""
    t = np.arange(f.size.months)
    common = {"t": t, "year": t // 12, "left": np.repeat(f.left_of_correction, MONTHS_PER_YEAR)}
    by = {name: f.by_month(name) for name in f.scenario}
    return [
        common | {name: array[s] for name, array in by.items()} for s in range(f.size.scenarios)
    ]


class Pandas:
    """Merge, columns, groupby: a scenario at a time, since all of them would not fit."""

    def __init__(self, f: Figures):
        import pandas as pd

        self.f = f
        self.practices = pd.DataFrame({"group": f.group, **f.practice})
        self.tables = [pd.DataFrame(table) for table in tables_of(f)]

    def run(self) -> np.ndarray:
        return np.stack([self.of(table) for table in self.tables], axis=1)

    def of(self, table) -> np.ndarray:
        f = self.practices.merge(table, how="cross")
        registered = f["list0"] * f["list_growth"]
        weighted = registered * f["wr"]
        f["global_sum"] = weighted * f["price"] / 12
        f["correction"] = f["mpig0"] * f["left"] / 12
        left = (1 - (f["t"] - f["delay"]).clip(lower=0) * f["clawback"]).clip(0, 1)
        f["premium"] = f["prem0"] / 12 * left
        core = f["global_sum"] + f["correction"] + f["premium"]
        top_up = (f["guarantee"] * weighted / 12 - core).clip(lower=0)
        f["fixed"] = 0.6 * top_up
        f["performance"] = 0.4 * top_up * (f["resp"] * f["ramp"]).clip(upper=1)
        f["budget"] = registered * sum(f[f"base_{k}"] * f[f"uplift_{k}"] for k in SERVICE_NUMBERS)
        total = core + f["fixed"] + f["performance"] + f["budget"]
        f["present_value"] = total * f["discount"]
        sums = f.groupby(["group", "year"])[list(VARIABLES)].sum()
        return sums.to_numpy().T.reshape(len(VARIABLES), self.f.groups, self.f.years)


# ------------------------------------------------------------------ xarray


class Xarray:
    """Labelled broadcasting; months are summed first, so that groupby has a twelfth to do."""

    def __init__(self, f: Figures):
        import xarray as xr

        self.practice = xr.Dataset(
            {name: ("practice", array) for name, array in f.practice.items()},
            {"group": ("practice", f.group)},
        )
        by = {name: (("scenario", "month"), f.by_month(name)) for name in f.scenario}
        left = np.repeat(f.left_of_correction, MONTHS_PER_YEAR)
        self.by = xr.Dataset({**by, "left": ("month", left), "t": ("month", np.arange(len(left)))})

    def run(self) -> np.ndarray:
        of, by = self.practice, self.by
        registered = of["list0"] * by["list_growth"]
        weighted = registered * of["wr"]
        global_sum = weighted * by["price"] / 12
        correction = of["mpig0"] * by["left"] / 12
        left = (1 - (by["t"] - of["delay"]).clip(min=0) * by["clawback"]).clip(0, 1)
        premium = of["prem0"] / 12 * left
        core = global_sum + correction + premium
        top_up = (by["guarantee"] * weighted / 12 - core).clip(min=0)
        fixed = 0.6 * top_up
        performance = 0.4 * top_up * (of["resp"] * by["ramp"]).clip(max=1)
        heads = sum(of[f"base_{k}"] * by[f"uplift_{k}"] for k in SERVICE_NUMBERS)
        budget = registered * heads
        total = core + fixed + performance + budget
        correction = correction.broadcast_like(total)
        lines = (global_sum, correction, premium, fixed, performance, budget)
        sums = [self.summed(line) for line in (*lines, total * by["discount"])]
        return np.stack(sums)

    def summed(self, line) -> np.ndarray:
        yearly = line.coarsen(month=MONTHS_PER_YEAR).sum()
        by_group = yearly.groupby("group").sum()
        return by_group.transpose("scenario", "group", "month").to_numpy()


# ------------------------------------------------------------------ Polars


class Polars:
    """One lazy query over all scenarios, streamed, on as many threads as Polars takes."""

    def __init__(self, f: Figures):
        import polars as pl

        self.pl, self.f = pl, f
        self.practices = pl.DataFrame({"group": f.group, **f.practice}).lazy()
        tables = [pl.DataFrame({"s": [s] * f.size.months, **t}) for s, t in enumerate(tables_of(f))]
        self.tables = pl.concat(tables).lazy()

    def run(self) -> np.ndarray:
        sums = self.query().collect(engine="streaming").sort("s", "group", "year")
        shape = (self.f.size.scenarios, self.f.groups, self.f.years)
        return np.stack([sums[name].to_numpy().reshape(shape) for name in VARIABLES])

    def query(self):
        col, lit = self.pl.col, self.pl.lit
        frame = self.practices.join(self.tables, how="cross")
        frame = frame.with_columns(registered=col("list0") * col("list_growth"))
        frame = frame.with_columns(weighted=col("registered") * col("wr"))
        heads = sum(
            (col(f"base_{k}") * col(f"uplift_{k}") for k in SERVICE_NUMBERS[1:]),
            col("base_1") * col("uplift_1"),
        )
        late = self.pl.max_horizontal(lit(0.0), col("t") - col("delay"))
        frame = frame.with_columns(
            global_sum=col("weighted") * col("price") / 12,
            correction=col("mpig0") * col("left") / 12,
            premium=col("prem0") / 12 * (1 - late * col("clawback")).clip(0, 1),
            budget=col("registered") * heads,
        )
        frame = frame.with_columns(core=col("global_sum") + col("correction") + col("premium"))
        guaranteed = col("guarantee") * col("weighted") / 12
        frame = frame.with_columns(top_up=(guaranteed - col("core")).clip(lower_bound=0))
        frame = frame.with_columns(
            fixed=0.6 * col("top_up"),
            performance=0.4 * col("top_up") * (col("resp") * col("ramp")).clip(upper_bound=1),
        )
        total = col("core") + col("fixed") + col("performance") + col("budget")
        frame = frame.with_columns(present_value=total * col("discount"))
        return frame.group_by("s", "group", "year").agg(col(*VARIABLES).sum())


# ------------------------------------------------------------------ numexpr


class Numexpr:
    """Each line compiled as one expression over broadcast arrays, a group at a time."""

    def __init__(self, f: Figures):
        import numexpr

        numexpr.set_num_threads(1)
        self.numexpr, self.f = numexpr, f
        self.by = {name: f.by_month(name)[np.newaxis] for name in f.scenario}
        t = np.arange(f.size.months, dtype=float)[np.newaxis, np.newaxis]
        self.by |= {"t": t, "left": np.repeat(f.left_of_correction, MONTHS_PER_YEAR)[None, None]}

    def run(self) -> np.ndarray:
        f = self.f
        out = np.empty((len(VARIABLES), f.size.scenarios, f.groups, f.years))
        for g in range(f.groups):
            rows = slice(f.start[g], f.start[g + 1])
            of = {name: array[rows, np.newaxis, np.newaxis] for name, array in f.practice.items()}
            for at, line in enumerate(self.lines(of | self.by)):
                by_month = line.sum(axis=0)
                out[at, :, g] = by_month.reshape(-1, f.years, MONTHS_PER_YEAR).sum(axis=-1)
        return out

    def lines(self, names: dict[str, np.ndarray]):
        def evaluate(text: str, **more: np.ndarray) -> np.ndarray:
            return self.numexpr.evaluate(text, local_dict=names | more, global_dict={})

        weighted = evaluate("list0 * list_growth * wr")
        global_sum = evaluate("w * price / 12", w=weighted)
        correction = evaluate("mpig0 * left / 12")
        left = "1 - where(t > delay, t - delay, 0) * clawback"
        share = evaluate(left)
        premium = evaluate("prem0 / 12 * where(x < 0, 0, where(x > 1, 1, x))", x=share)
        core = evaluate("a + b + c", a=global_sum, b=correction, c=premium)
        short = evaluate("guarantee * w / 12 - core", w=weighted, core=core)
        top_up = evaluate("where(x > 0, x, 0)", x=short)
        fixed = evaluate("0.6 * x", x=top_up)
        ramped = "0.4 * x * where(resp * ramp < 1, resp * ramp, 1)"
        performance = evaluate(ramped, x=top_up)
        heads = " + ".join(f"base_{k} * uplift_{k}" for k in SERVICE_NUMBERS)
        budget = evaluate(f"list0 * list_growth * ({heads})")
        more = {"a": core, "b": fixed, "c": performance, "d": budget}
        worth = evaluate("(a + b + c + d) * discount", **more)
        return global_sum, correction, premium, fixed, performance, budget, worth


# ------------------------------------------------------------------ one compiled function a column


class Columns:
    """Long columns, and one compiled function for each: as Tax-Calculator does it."""

    def __init__(self, f: Figures):
        from workloads import w1_columns

        self.f, self.functions = f, w1_columns
        months = f.size.months
        rows = f.size.practices * months
        self.of = {name: np.repeat(f.practice[name], months) for name in INPUTS}
        self.tables = tables_of(f)
        year = np.tile(np.arange(months) // 12, f.size.practices)
        self.key = np.repeat(f.group, months) * f.years + year
        self.columns = {name: np.empty(rows) for name in w1_columns.COLUMNS}

    def run(self) -> np.ndarray:
        f, functions = self.f, self.functions
        out = np.zeros((f.size.scenarios, len(VARIABLES), f.groups * f.years))
        for s, table in enumerate(self.tables):
            by = {name: np.tile(values, f.size.practices) for name, values in table.items()}
            functions.fill(self.of, by, self.columns)
            for at, name in enumerate(VARIABLES):
                functions.add_up(self.key, self.columns[name], out[s, at])
        return out.reshape(f.size.scenarios, len(VARIABLES), f.groups, f.years).transpose(
            1, 0, 2, 3
        )
