"""What several test modules build: practices, models from edited text, and modules of rules."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import xarray as xr
from hypothesis import strategies as st

from capitation.model import Model
from capitation.model_file import load_model, models_folder
from capitation.practices import FIGURES

BETTER_LOCAL_CARE = "better-local-care-mcp"
BOLTON = "bolton-quality-contract"
CARR_HILL = "carr-hill-formula"
DUDLEY = "dudley-mcp"
EAST_ANGLIA = "east-anglia-pms-glide"
EASTERN_CHESHIRE = "eastern-cheshire-caring-together"
ESSEX = "essex-pms-transition"
FULLY_INTEGRATED = "fully-integrated-aco"
FYLDE_WYRE = "fylde-wyre-quality-contract"
HAMPSHIRE = "hampshire-accountable-care-system"
INTEGRATED_HEALTH = "integrated-health-organisation"
MULTI_NEIGHBOURHOOD = "multi-neighbourhood-provider"
NATIONAL = "national-practice-income"
NOTTINGHAMSHIRE = "nottinghamshire-recovery"
OUT_OF_HOSPITAL = "out-of-hospital-budget"
PARTIALLY_INTEGRATED = "partially-integrated-aco"
PORTSMOUTH = "portsmouth-virtual-mcp"
PRIMARY_AND_ACUTE = "primary-and-acute-care-system"
SANDWELL = "sandwell-co-commissioning"
SINGLE_NEIGHBOURHOOD = "single-neighbourhood-provider"
THAMES_VALLEY = "thames-valley-pms"
UNITING_CARE = "uniting-care"
UNPLANNED = "unplanned-admissions-enhanced-service"
VANGUARD = "vanguard-programme"
SHIPPED = (BOLTON, NATIONAL, THAMES_VALLEY)
"""Models of the whole of a practice's income from April 2015: laws of income are tried on these."""

EVERY_MODEL = (
    BETTER_LOCAL_CARE,
    BOLTON,
    CARR_HILL,
    DUDLEY,
    EAST_ANGLIA,
    EASTERN_CHESHIRE,
    ESSEX,
    FULLY_INTEGRATED,
    FYLDE_WYRE,
    HAMPSHIRE,
    INTEGRATED_HEALTH,
    MULTI_NEIGHBOURHOOD,
    NATIONAL,
    NOTTINGHAMSHIRE,
    OUT_OF_HOSPITAL,
    PARTIALLY_INTEGRATED,
    PORTSMOUTH,
    PRIMARY_AND_ACUTE,
    SANDWELL,
    SINGLE_NEIGHBOURHOOD,
    THAMES_VALLEY,
    UNITING_CARE,
    UNPLANNED,
    VANGUARD,
)
"""Every model that comes with the library, in the order of its folder."""

WHOLE_POPULATION = (
    BETTER_LOCAL_CARE,
    DUDLEY,
    FULLY_INTEGRATED,
    HAMPSHIRE,
    INTEGRATED_HEALTH,
    MULTI_NEIGHBOURHOOD,
    OUT_OF_HOSPITAL,
    PARTIALLY_INTEGRATED,
    PORTSMOUTH,
    PRIMARY_AND_ACUTE,
    SINGLE_NEIGHBOURHOOD,
)
"""Models of a whole-population budget: all like the out-of-hospital budget."""

PARTS = (
    "global_sum",
    "correction_factor",
    "pms_expenditure",
    "seniority",
    "qof",
    "premises",
    "local_schemes",
    "other_payments",
)


@functools.cache
def shipped(name: str) -> Model:
    """A shipped model, read once."""
    return load_model(name)


def shipped_text(name: str) -> str:
    """The text of a shipped model's file."""
    return (models_folder() / f"{name}.toml").read_text("utf-8")


def edited(text: str, *changes: tuple[str, str]) -> str:
    """Text with each change made, every one of which must be possible."""
    for old, new in changes:
        assert old in text, f"{old!r} is no longer in the file that this test edits"
        text = text.replace(old, new)
    return text


def practices_of(rows: Iterable[Mapping[str, Any]], fiscal_year: str = "2014/15") -> xr.Dataset:
    """Practices' data from rows; a figure that a row leaves out is zero, the total is their sum."""
    rows = [dict(row) for row in rows]
    for number, row in enumerate(rows, start=1):
        row.setdefault("practice", f"P{number:03d}")
        row.setdefault("commissioner", "C1")
        row.setdefault("contract_type", "GMS")
        row.setdefault("total_payments", sum(row.get(name, 0.0) for name in PARTS))
    figures = {
        name: ("practice", np.array([float(row.get(name, 0.0)) for row in rows]))
        for name in (*FIGURES, "london_practice")
    }
    labels = {
        name: ("practice", np.array([row[name] for row in rows], dtype=str))
        for name in ("practice", "commissioner", "contract_type")
    }
    attributes = {"fiscal_year": fiscal_year, "source": "rows.csv"}
    return xr.Dataset(figures, labels, attributes)


@st.composite
def practice_sets(
    draw: st.DrawFn,
    *,
    most: int = 5,
    commissioners: tuple[str, ...] = ("C1", "C2"),
    fiscal_year: str = "2014/15",
) -> xr.Dataset:
    """Small sets of practices of every contract, some with empty lists or no money at all."""
    money = st.one_of(
        st.just(0.0),
        st.integers(0, 2_000_000).map(float),
        st.integers(0, 200_000_000).map(lambda pence: pence / 100),
    )
    lists = st.one_of(st.just(0.0), st.integers(1, 40_000).map(float))
    row = st.fixed_dictionaries(
        {
            "contract_type": st.sampled_from(["GMS", "PMS", "APMS", "unknown"]),
            "commissioner": st.sampled_from(commissioners),
            "registered_list": lists,
            "weighted_list": lists,
            "london_practice": st.sampled_from([0.0, 1.0]),
            **dict.fromkeys(PARTS, money),
        }
    )
    return practices_of(draw(st.lists(row, min_size=1, max_size=most)), fiscal_year)


def module_of(folder: Path, text: str, name: str = "some_rules") -> ModuleType:
    """A module of rules, written to a folder and imported from there."""
    path = folder / f"{name}.py"
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(f"written_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def bits(dataset: xr.Dataset) -> dict[str, tuple[tuple[str, ...], tuple[int, ...], bytes]]:
    """Dimensions, shape and bits of every variable."""
    return {
        str(name): (tuple(map(str, v.dims)), v.shape, v.values.tobytes())
        for name in dataset.data_vars
        for v in (dataset.variables[name],)
    }
