"""What is said of scenarios set side by side: as data, and in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import xarray as xr

from capitation.cli.asked import Asked
from capitation.cli.console import in_pounds, table
from capitation.cli.run_summary import asked_in_words, asked_of
from capitation.vocabulary import round_to_pence


def summary_of(result: xr.Dataset, compared: xr.DataArray, asked: Asked) -> dict[str, Any]:
    """What was asked, and each amount by scenario and fiscal year: pounds, to the penny."""
    return {
        **asked_of(result, asked),
        "months": result.sizes["month"],
        "scenarios": [str(name) for name in compared["scenario"].values],
        "measures": {
            str(measure): {
                str(scenario): {
                    str(year): round_to_pence(
                        float(compared.sel(measure=measure, scenario=scenario, year=year))
                    )
                    for year in compared["year"].values
                }
                for scenario in compared["scenario"].values
            }
            for measure in compared["measure"].values
        },
    }


def words_of(summary: dict[str, Any], result: xr.Dataset, compared: xr.DataArray) -> str:
    """Scenarios as columns, amounts as rows: of the first year, and of all years together."""
    months = result["month"].dt.strftime("%B %Y").values
    asked = asked_in_words(summary, result, f"{months[0]} – {months[-1]}")
    parts = [result.attrs["title"], table(asked, str.ljust)]
    years = compared["year"].values
    parts.append(table(_rows(compared.isel(year=0), f"First year, {years[0]}")))
    if len(years) > 1:
        parts.append(table(_rows(compared.sum("year"), f"All years, {years[0]} – {years[-1]}")))
    return "\n\n".join(parts)


def _rows(amounts: xr.DataArray, heading: str) -> Iterator[tuple[str, ...]]:
    yield heading, *(str(name) for name in amounts["scenario"].values)
    for row in amounts:
        yield (
            str(row["measure"].values).replace("_", " "),
            *(in_pounds(float(amount)) for amount in row.values),
        )
