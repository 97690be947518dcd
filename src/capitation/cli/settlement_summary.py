"""What is said of a settlement, and the payments as a file."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from capitation.cli.console import table
from capitation.cli.run_summary import asked_of
from capitation.files import write_csv

if TYPE_CHECKING:
    import xarray as xr

    from capitation.cli.asked import Asked

AMOUNTS = ("accrued", "paid", "creditor", "debtor")
"""Columns of the payments' file, in pounds."""

HEADINGS = ("Earned", "Paid", "Owed, up by", "Creditors", "Debtors", "Residual, pence")


def pounds(pence: int) -> str:
    """Whole pence as pounds, to the penny.

    Examples
    --------
    >>> pounds(123456), pounds(-5)
    ('1234.56', '-0.05')
    """
    whole, part = divmod(abs(pence), 100)
    return f"{'-' if pence < 0 else ''}{whole}.{part:02d}"


def summary_of(settled: xr.Dataset, asked: Asked, output: Path, rows: int) -> dict[str, Any]:
    """What was asked, what each fiscal year earns, pays and leaves owing, and what was written.

    Parameters
    ----------
    settled : xarray.Dataset
        From `settle`.
    asked : Asked
    output : Path
        The file of payments.
    rows : int
        How many it has.

    Returns
    -------
    dict
        Amounts are whole pence.
    """
    scenarios = [str(name) for name in settled["scenario"].values]
    timings = zip(settled["stream"].values, settled["timing"].values, strict=True)
    return {
        **asked_of(settled, asked),
        "output": str(output),
        "rows": rows,
        "unit": "pence",
        "months": settled.sizes["month"],
        "start": str(settled["month"].values[0])[:7],
        "scenarios": scenarios,
        "timing": {str(stream): str(timing) for stream, timing in timings},
        "at_start": {
            name: dict(zip(("creditors", "debtors"), _at_start(settled, number), strict=True))
            for number, name in enumerate(scenarios)
        },
        "years": {name: _by_year(settled, number) for number, name in enumerate(scenarios)},
    }


def words_of(settled: xr.Dataset) -> str:
    """A settlement in short: what each fiscal year earns, pays and leaves owing; when streams pay.

    Parameters
    ----------
    settled : xarray.Dataset
        From `settle`.

    Returns
    -------
    str
        A table for each scenario, and one of the streams.

    Examples
    --------
    >>> from capitation import example_practices, project
    >>> from capitation.settlement import settle
    >>> result = project("national-practice-income", example_practices(), months=12)
    >>> words = words_of(settle(result))
    >>> for line in words.splitlines()[3:6]:
    ...     print(line[:46].rstrip())
    Fiscal year           Earned            Paid
    At the start
    2015/16       £38,075,949.65  £38,056,152.15
    """
    titles = json.loads(settled.attrs["scenarios"])
    parts = [settled.attrs["title"]]
    for number, name in enumerate(str(name) for name in settled["scenario"].values):
        rows = table([("Fiscal year", *HEADINGS), *_rows(settled, number)])
        parts.append(f"{titles.get(name, name)}\n{rows}")
    stream_rows = zip(settled["stream"].values, settled["timing"].values, strict=True)
    streams = [(str(stream), str(timing)) for stream, timing in stream_rows]
    parts.append(table([("Stream", "Paid"), *streams], str.ljust))
    return "\n\n".join(parts)


def _rows(settled: xr.Dataset, scenario: int) -> Iterator[tuple[str, ...]]:
    """What is owed at the start, and each fiscal year of a scenario."""
    creditor, debtor = _at_start(settled, scenario)
    yield "At the start", "", "", "", _shown(creditor), _shown(debtor), ""
    for year, amounts in _by_year(settled, scenario).items():
        *in_pounds, residual = amounts.values()
        yield year, *(_shown(amount) for amount in in_pounds), f"{residual:,}"


def _at_start(settled: xr.Dataset, scenario: int) -> tuple[int, int]:
    """Creditors and debtors before the first month, in pence."""
    chosen = settled.isel(scenario=scenario)
    return int(chosen["opening_creditor"].sum()), int(chosen["opening_debtor"].sum())


def _by_year(settled: xr.Dataset, scenario: int) -> dict[str, dict[str, int]]:
    """What a scenario earns, pays and leaves owing, over all streams and practices, in pence."""
    chosen = settled.isel(scenario=scenario)
    creditor, debtor = _at_start(settled, scenario)
    before = creditor - debtor
    years = settled["fiscal_year"].values
    found: dict[str, dict[str, int]] = {}
    for number, year in enumerate(settled["year"].values):
        in_year = chosen.isel(year=number)
        at_end = chosen.isel(month=np.flatnonzero(years == year)[-1])
        creditor, debtor = int(at_end["creditor"].sum()), int(at_end["debtor"].sum())
        found[str(year)] = {
            "accrued": int(in_year["accrued_in_year"].sum()),
            "paid": int(in_year["paid_in_year"].sum()),
            "movement": creditor - debtor - before,
            "creditors": creditor,
            "debtors": debtor,
            "residual": int(in_year["residual"].sum()),
        }
        before = creditor - debtor
    return found


def _shown(pence: int) -> str:
    """Pence in pounds, as a reader wants them.

    Examples
    --------
    >>> _shown(123456789), _shown(-5)
    ('£1,234,567.89', '-£0.05')
    """
    whole, part = divmod(abs(pence), 100)
    return f"{'-' if pence < 0 else ''}£{whole:,}.{part:02d}"


def write_payments(settled: xr.Dataset, path: str | os.PathLike[str]) -> int:
    """Write a settlement as a CSV file: a row for each scenario, practice, month and stream.

    Rows in which nothing is earned, paid, owed or received are left out.

    Parameters
    ----------
    settled : xarray.Dataset
        From `settle`.
    path : path-like
        A .csv file. It is written beside and renamed, so that a failure leaves nothing half done.

    Returns
    -------
    int
        How many rows.

    Raises
    ------
    InputError
        If nothing can be written there.

    Notes
    -----
    Columns: scenario, practice, month, stream; then pounds to the penny: accrued, paid, creditor
    and debtor; and, where contracts have successors, received: what the practice itself is paid in
    the month, for whichever contract.
    """
    names = AMOUNTS + (("received",) if "paid_to" in settled else ())
    heading = ("scenario", "practice", "month", "stream", *names)
    return write_csv(Path(path), heading, itertools.chain.from_iterable(_payments(settled)))


def _payments(settled: xr.Dataset) -> Iterator[list[tuple[str, ...]]]:
    """Rows of the file, a practice at a time."""
    months = settled["month"].dt.strftime("%Y-%m").values.tolist()
    streams = settled["stream"].values.tolist()
    labels = [(month, stream) for month in months for stream in streams]
    arrays = [settled[name] for name in AMOUNTS]
    if "paid_to" in settled:
        arrays.append(settled["paid_to"].rename(payee="practice"))
    order = ("scenario", "practice", "month", "stream")
    values = [array.transpose(*order).values for array in arrays]
    for s, scenario in enumerate(settled["scenario"].values.tolist()):
        for p, practice in enumerate(settled["practice"].values.tolist()):
            of_practice = np.stack([array[s, p].ravel() for array in values])
            kept = np.flatnonzero(of_practice.any(axis=0))
            columns = [map(pounds, amounts) for amounts in of_practice[:, kept].tolist()]
            yield [
                (scenario, practice, *labels[place], *amounts)
                for place, *amounts in zip(kept.tolist(), *columns, strict=True)
            ]
