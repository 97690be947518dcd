"""On what it was measured: processor, memory, load, and the versions of everything compared."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

COMPARED = (
    "capitation",
    "numpy",
    "numba",
    "llvmlite",
    "pandas",
    "xarray",
    "polars",
    "numexpr",
    "modelx",
    "cashflower",
    "dask",
)


def described() -> dict[str, Any]:
    """The machine, and the version of each library: empty where it is not installed."""
    return {
        "machine": {
            "processor": processor(),
            "processors": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0,
            "system": platform.platform(),
            "python": platform.python_version(),
            "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        },
        "versions": {name: version(name) for name in COMPARED},
    }


def processor() -> str:
    """Name of the processor, with the widest vectors that it has."""
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return platform.processor() or platform.machine()
    lines = dict(
        (part.strip() for part in line.split(":", 1))
        for line in info.read_text().splitlines()
        if ":" in line
    )
    flags = lines.get("flags", "").split()
    vectors = next((name for name in ("avx512f", "avx2", "sse2") if name in flags), "")
    return f"{lines.get('model name', platform.machine())}, {vectors}"


def version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
