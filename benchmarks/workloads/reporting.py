"""What was measured, as rows and as a table to be read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from workloads.measuring import Timing

Row = dict[str, Any]

UNITS = {"W1": "practice-month-scenario", "W2": "practice-year-draw-scenario", "W3": "person"}
"""What a cell of each workload is."""


def results(timings: Sequence[Timing]) -> dict[str, Any]:
    """Rows by case, and what the machine can do."""
    roofline = {
        f"{timing.case.name}, {timing.case.threads}": 1 / timing.nanoseconds
        for timing in timings
        if timing.case.workload == "machine"
    }
    cases = [timing for timing in timings if timing.case.workload != "machine"]
    ours = {t.case.workload: t.nanoseconds for t in cases if t.case.baseline}
    rows = [row_of(timing, ours.get(timing.case.workload), roofline) for timing in cases]
    return {"results": rows, "roofline": roofline}


def row_of(timing: Timing, ours: float | None, roofline: Mapping[str, float]) -> Row:
    """One case: nanoseconds a cell, how many times ours that is, and its share of the machine."""
    case = timing.case
    row: Row = {
        "workload": case.workload,
        "case": case.name,
        "threads": case.threads,
        "cells": case.cells,
        "unit": case.unit,
        "ours": case.ours,
        "ns_per_cell": None,
        "ratio_to_ours": None,
        "seconds": None,
        "runs": len(timing.seconds),
        "peak_mb": timing.peak_megabytes,
        "difference": timing.difference,
        "share_of_sums": None,
        "share_of_fill": None,
        "note": case.note,
    }
    if not timing.seconds:
        return row | {"note": f"not installed: {case.needs}"}
    row |= {"ns_per_cell": timing.nanoseconds, "seconds": timing.median}
    if ours:
        row["ratio_to_ours"] = timing.nanoseconds / ours
    if case.flops and roofline:
        rate = case.flops / timing.nanoseconds
        row["share_of_sums"] = rate / roofline[f"sums, {case.threads}"]
    if case.bytes_moved and roofline:
        rate = case.bytes_moved / timing.nanoseconds
        row["share_of_fill"] = rate / roofline[f"fill, {case.threads}"]
    return row


def markdown(report: Mapping[str, Any]) -> str:
    """The whole report, as tables."""
    machine, versions = report["machine"], report["versions"]
    known = ", ".join(f"{name} {of}" for name, of in versions.items() if of)
    lines = [
        f"# Benchmarks, {report['size']} size",
        "",
        f"{machine['processor']}, {machine['processors']} processors, load {machine['load']}; "
        f"Python {machine['python']}, {known}.",
        "",
        "Cases of a workload took turns; medians. One thread: processor time; two: the clock. "
        "Compare the ratios, not the seconds.",
    ]
    workloads = dict.fromkeys(row["workload"] for row in report["results"])
    for workload in workloads:
        rows = [row for row in report["results"] if row["workload"] == workload]
        lines += ["", f"## {workload}: by {UNITS[workload]}", "", *table(rows)]
    if report["roofline"]:
        lines += ["", "## What the machine can do", "", *of_machine(report["roofline"])]
    if report["scaling"]:
        lines += ["", "## Growth", "", *of_scaling(report["scaling"])]
    if report["structure"]:
        lines += ["", "## Structure", "", *(f"- {k}: {v}" for k, v in report["structure"].items())]
    return "\n".join(lines) + "\n"


def table(rows: Iterable[Row]) -> Iterator[str]:
    """Cases of a workload, the quickest first; those of ours in bold."""
    yield "| case | threads | ns | × ours | peak MB | sums | fill | off by | |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for row in sorted(rows, key=lambda row: row["ns_per_cell"] or float("inf")):
        name = f"**{row['case']}**" if row["ours"] else row["case"]
        cells = [
            name,
            str(row["threads"]),
            figure(row["ns_per_cell"]),
            figure(row["ratio_to_ours"]),
            figure(row["peak_mb"], 0),
            share(row["share_of_sums"]),
            share(row["share_of_fill"]),
            "" if row["difference"] is None else f"{row['difference']:.0e}",
            row["note"],
        ]
        yield f"| {' | '.join(cells)} |"
    yield ""
    yield (
        "× ours: how many times the first of ours on one thread. sums, fill: share of the products "
        "and sums, and of the bytes written by a plain loop, that the machine was measured to do."
    )


def of_machine(roofline: Mapping[str, float]) -> Iterator[str]:
    names = dict.fromkeys(key.rsplit(", ", 1)[0] for key in roofline)
    yield "| | 1 thread | 2 threads |"
    yield "|---|---|---|"
    for name in names:
        unit = "GFLOP/s" if name == "sums" else "GB/s"
        rates = [roofline.get(f"{name}, {threads}") for threads in (1, 2)]
        yield f"| {name}, {unit} | {' | '.join(figure(rate, 1) for rate in rates)} |"


def of_scaling(rows: Iterable[Row]) -> Iterator[str]:
    yield "| case | of | size | seconds | peak MB |"
    yield "|---|---|---|---|---|"
    for row in rows:
        peak = None if row["peak_bytes"] is None else row["peak_bytes"] / 2**20
        cells = [row["case"], row["dimension"], f"{row['size']:,}", f"{row['seconds']:.3g}"]
        yield f"| {' | '.join([*cells, figure(peak, 0)])} |"


def figure(value: float | None, digits: int | None = None) -> str:
    """A number in three places, or so many behind the point.

    >>> figure(1234.5), figure(0.01234), figure(None)
    ('1,234', '0.0123', '')
    """
    if value is None or value != value:
        return ""
    if digits is not None:
        return f"{value:,.{digits}f}"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def share(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"
