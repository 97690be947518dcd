"""What is said of a run: as data, and in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from capitation.cli.console import listed, table

if TYPE_CHECKING:
    import xarray as xr

    from capitation.cli.asked import Asked


OTHER_OUTPUTS = {"tables": "Tables", "html": "Page", "parquet": "Data", "netcdf": "Result"}
"""What `run` may write beside its workbook, in a word."""

SPENT_BEFORE = "spend_at_start"
"""What a commissioner spent on all that a whole-population model pays for."""


def summary_of(result: xr.Dataset, written: Any, asked: Asked) -> dict[str, Any]:
    """What was asked, what is paid by year, and what was written."""
    streams = {name: _by_year(result, name) for name in json.loads(result.attrs["streams"])}
    scenarios = [str(name) for name in result["scenario"].values]
    return {
        **about(result, written, asked),
        "months": result.sizes["month"],
        "start": str(result["month"].values[0])[:7],
        "scenarios": scenarios,
        "base_year_total": _base_year_total(result),
        "total_payments": _by_year(result, "total_payments"),
        "streams": {s: {name: by[s] for name, by in streams.items()} for s in scenarios},
    }


def about(result: xr.Dataset, written: Any, asked: Asked) -> dict[str, Any]:
    """What is said of a workbook: of a projection's and of a simulation's alike."""
    return {
        **asked_of(result, asked),
        "output": str(written.path),
        "formulas": written.formulas,
        "checks": {"total": written.checks, "failed": written.checks_failed},
    }


def asked_of(result: xr.Dataset, asked: Asked) -> dict[str, Any]:
    """What a command was asked about: the model, the practices, and the files that were read."""
    files = asked.files
    return {
        "model": result.attrs["model"],
        "practices": result.sizes["practice"],
        "commissioners": [str(code) for code in result["commissioner_code"].values],
        **files,
        "input": files["input"] | {"fiscal_year": result.attrs["base_fiscal_year"]},
        "preset": asked.preset,
        "set": asked.set,
        "notes": notes_of(result),
    }


def notes_of(result: xr.Dataset) -> list[str]:
    """What a reader of a result should know and cannot see."""
    return list(json.loads(result.attrs.get("notes", "[]")))


def asked_in_words(
    summary: Mapping[str, Any], result: xr.Dataset, months: str
) -> Iterator[tuple[str, str]]:
    """What was asked, as rows of a table."""
    commissioners, scenarios = summary["commissioners"], summary["scenarios"]
    yield "Input", f"{result.attrs['practices_title']} ({summary['input']['source']})"
    for heading, key in (
        ("More inputs", "inputs"),
        ("Known values", "given"),
        ("Terms of practices", "practice_terms"),
    ):
        if file := summary[key]:
            yield heading, f"{listed(file['names'])} ({file['source']})"
    if summary["hubs"]:
        yield "Hubs", summary["hubs"]["source"]
    if summary["preset"]:
        yield "Preset", summary["preset"]
    if summary["set"]:
        changed = (f"{name} = {value:g}" for name, value in summary["set"].items())
        yield "Set", listed(changed)
    yield "Practices", f"{summary['practices']:,}"
    yield "Commissioners", f"{len(commissioners)}: {listed(commissioners)}"
    yield "Months", f"{summary['months']}: {months}"
    yield "Scenarios", f"{len(scenarios)}: {listed(scenarios)}"


def written_in_words(summary: Mapping[str, Any]) -> str:
    """The workbook and its checks."""
    checks, failed = summary["checks"]["total"], summary["checks"]["failed"]
    rows = [
        ("Formulas", f"{summary['formulas']:,}"),
        ("Checks", f"{checks - failed:,} of {checks:,} OK"),
        ("Workbook", summary["output"]),
        *((OTHER_OUTPUTS[key], path) for key, path in summary.get("others", {}).items()),
    ]
    return table(rows, str.ljust)


def words_of(summary: Mapping[str, Any], result: xr.Dataset) -> str:
    """The summary of a run as a reader wants it."""
    from capitation.explanation import show

    paid = summary["total_payments"]
    months = result["month"].dt.strftime("%B %Y").values
    asked = asked_in_words(summary, result, f"{months[0]} – {months[-1]}")
    years = [str(year) for year in result["year"].values]
    totals = [(year, *(show(of[year], "GBP") for of in paid.values())) for year in years]
    before = summary["base_year_total"]
    if before is not None:
        as_paid = f"{summary['input']['fiscal_year']}, as paid"
        label = "Before the contract" if SPENT_BEFORE in result else as_paid
        totals.insert(0, (label, *[show(before, "GBP")] * len(paid)))
    payments = table([("Total payments", *paid), *totals])
    parts = [result.attrs["title"], table(asked, str.ljust), payments, written_in_words(summary)]
    return "\n\n".join(parts)


def _base_year_total(result: xr.Dataset) -> float | None:
    """What was spent, or paid to practices, in the base year, where a rule of the model says it."""
    from capitation.vocabulary import round_to_pence

    name = SPENT_BEFORE if SPENT_BEFORE in result else "base_total_payments"
    if name not in result:
        return None
    # The same in every month, and of the first scenario: the base year is history.
    found = result[name]
    found = found.isel({dim: 0 for dim in ("scenario", "month") if dim in found.dims})
    return round_to_pence(float(found.values.sum()))


def _by_year(result: xr.Dataset, name: str) -> dict[str, dict[str, float]]:
    """Sums over practices in pounds, by scenario and fiscal year."""
    from capitation.vocabulary import round_to_pence

    dims = ("scenario", "practice", "month")
    amounts = result[name]
    wider = amounts.expand_dims({d: result.sizes[d] for d in dims if d not in amounts.dims})
    by_month = wider.transpose(*dims).values.sum(axis=1)
    years = result["fiscal_year"].values
    return {
        str(scenario): {
            str(year): round_to_pence(float(amount[years == year].sum()))
            for year in result["year"].values
        }
        for scenario, amount in zip(result["scenario"].values, by_month, strict=True)
    }
