"""The tables that test_pms_evidence.py prints under ``-s``."""

from __future__ import annotations

import pandas as pd

from .pms_evidence import (
    ENTRIES,
    FIRST,
    THAMES_VALLEY,
    THIRD,
    YARDSTICKS,
    YEARS,
    Files,
    Panel,
    agreeing,
    at_stake,
    first_fall,
    fits,
    named_place,
    recycled,
    shares_after_recycling,
    shares_of_first_year,
)


def tables_to_print(files: Files, stayed: pd.Series) -> dict[str, pd.DataFrame]:
    panel = files.panel
    pure = panel.premium("pure GMS")[stayed]
    kept = shares_after_recycling(pure)
    return {
        "Correction factor of 2016/17 as a share of the premium of 2014/15": _switchers(files),
        "Median share of the premium of 2014/15 kept, 1,468 that stayed PMS": _shares(
            panel, stayed
        ),
        "Timetables, premium as measured over pure GMS": fits(
            shares_of_first_year(pure), panel.ccg
        ).round(3),
        "Timetables, recycling taken out": fits(kept, panel.ccg).round(3),
        "First file with less than 85% kept, recycling taken out": _waves(panel, kept),
        "Thames Valley": _thames_valley(files.tables),
    }


def _quartiles(values: pd.Series) -> str:
    low, middle, high = values.quantile([0.25, 0.5, 0.75])
    return f"{middle:.3f} ({low:.3f}-{high:.3f})"


def _switchers(files: Files) -> pd.DataFrame:
    found = files.premium_of_switchers()
    groups = {"all": found, "clear of other payments": found[found["clear"]]}
    groups |= {c: found[found["county"] == c] for c in ("Leicestershire", "Lincolnshire")}
    return pd.DataFrame(
        {
            name: {
                "practices": len(group),
                "median (quartiles)": _quartiles(group["share"]),
                "seniority taken out": _quartiles(group["share_without_seniority"]),
                "of the total": round(float(group[THIRD].sum() / group["premium"].sum()), 3),
                **{f"as {share:.3f}": agreeing(group, e) for e, share in ENTRIES.items()},
            }
            for name, group in groups.items()
        }
    ).T


def _shares(panel: Panel, stayed: pd.Series) -> pd.DataFrame:
    rows = {}
    for yardstick in YARDSTICKS:
        premium = panel.premium(yardstick)[stayed]
        pounds = panel.mean(panel.premium(yardstick), stayed)
        rows[yardstick, "£ per weighted patient"] = pounds.round(2)
        rows[yardstick, "as measured"] = shares_of_first_year(premium).apply(_quartiles)
        rows[yardstick, "recycling taken out"] = shares_after_recycling(premium).apply(_quartiles)
    rows["", "recycled, £ per weighted patient"] = recycled().round(2)
    for name in ("core", "core and other", "local_schemes", "total_payments"):
        rows["above always GMS, £", name] = panel.above_gms(name, stayed).round(2)
    return pd.DataFrame(rows).T


def _waves(panel: Panel, kept: pd.DataFrame) -> pd.DataFrame:
    waves = first_fall(kept)
    rows = {}
    for wave in (*YEARS[1:], "not by 2018/19"):
        here = kept[waves == wave]
        inside = pd.Series(panel.codes.isin(here.index), panel.codes)
        rows[wave, f"{len(here)} practices: median kept"] = here.median().round(2)
        for name in ("core", "other_payments", "total_payments"):
            rows[wave, f"{name} above always GMS, £"] = panel.above_gms(name, inside).round(2)
    return pd.DataFrame(rows).T


def _thames_valley(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    rows = {}
    for ccg in THAMES_VALLEY:
        practices, total, each, per_patient = at_stake(tables[FIRST], ccg)
        core = {year: value[0] for year, value in named_place(tables, ccg).items()}
        core |= {year: float("nan") for year in YEARS if year not in core}
        rows[ccg] = {
            **core,
            "PMS": practices,
            "premium £": round(total),
            "per practice £": round(each),
            "per weighted patient £": round(per_patient, 2),
        }
    return pd.DataFrame(rows).T
