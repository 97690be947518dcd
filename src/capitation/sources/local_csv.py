"""A finance team's own small files: figures by practice, and known values by practice and month.

They are CSV files with the library's own names as headings. Whatever is wrong with one is said at
once, with file, row and column.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import xarray as xr

from capitation.errors import NAMED, Problem, listed
from capitation.practices import place_of
from capitation.sources.local_sheet import (
    Months,
    Sheet,
    as_text,
    months_in,
    repeated,
    unknown,
)
from capitation.sources.official_csv import read_table


def read_inputs(path: str | os.PathLike[str]) -> xr.Dataset:
    r"""Read figures by practice: a heading ``practice`` and one for each input, one row a practice.

    Parameters
    ----------
    path : path-like
        A CSV file in UTF-8, in UTF-16 with a byte-order mark, or in Windows-1252.

    Returns
    -------
    xarray.Dataset
        A variable on ``practice`` for each of the other headings. `with_inputs` puts them with the
        figures of a payments file.

    Raises
    ------
    InputError
        If the file cannot be read, a practice or a heading stands twice, or a cell is blank or not
        a number. Every problem, with file, row and column.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "admissions.csv"
    ...     _ = file.write_text("practice,base_year_admissions\nA99001,512\nA99002,1043\n", "utf-8")
    ...     inputs = read_inputs(file)
    >>> inputs["base_year_admissions"].sel(practice="A99002").item()
    1043.0
    """
    sheet = Sheet(read_table(Path(path)), ("practice",), "input")
    problems = [*sheet.problems(), *repeated(sheet.table, sheet.codes)]
    sheet.table.raise_if_any(problems)
    attributes = {"source": sheet.table.file, "sha256": sheet.table.sha256}
    variables = {
        name: ("practice", sheet.numbers(name), {"source": sheet.table.file})
        for name in sheet.figures
    }
    return xr.Dataset(variables, {"practice": sheet.codes}, attributes)


def with_inputs(
    practices: xr.Dataset,
    path: str | os.PathLike[str],
    *,
    allowed: Collection[str] | None = None,
    known: Iterable[str] = (),
    others: Mapping[str, float] | None = None,
) -> xr.Dataset:
    """Put the figures of a file, as for `read_inputs`, with what is known of practices.

    Parameters
    ----------
    practices : xarray.Dataset
        On ``practice``, as `read_payments` gives it.
    path : path-like
        The file. Every practice has a row in it, unless `others` says what else it has.
    allowed : collection of str, optional
        Names that headings may be: the inputs of a model, say. Any if left out.
    known : iterable of str, optional
        Codes of other practices that rows may be about. They are left out.
    others : mapping of str to float, optional
        What practices without a row have of an input. A file of such inputs alone may leave
        practices out; the attribute ``inputs_left_out`` says how many.

    Returns
    -------
    xarray.Dataset
        The same practices, with the file's figures added, or in place of those of the same name.
        Its attribute ``source`` names both files, and ``inputs`` the one put with it.

    Raises
    ------
    InputError
        As from `read_inputs`; also for a heading that is not allowed, a row about an unknown
        practice, and a practice without a row.
    """
    sheet = Sheet(read_table(Path(path)), ("practice",), "input", allowed)
    codes = practices["practice"].values.astype(str).tolist()
    others = others or {}
    for_some = bool(sheet.figures) and all(name in others for name in sheet.figures)
    problems = [
        *sheet.problems(),
        *repeated(sheet.table, sheet.codes),
        *unknown(sheet.table, sheet.codes, {*codes, *known}, place_of(practices)),
        *(() if for_some else _without_row(sheet, codes)),
    ]
    sheet.table.raise_if_any(problems)
    row_of = {code: row for row, code in enumerate(sheet.codes)}
    rows = np.array([row_of.get(code, -1) for code in codes], dtype=np.intp)
    file = sheet.table.file
    variables = {}
    for name in sheet.figures:
        kept = practices[name].attrs if name in practices.data_vars else {}
        attributes = {key: kept[key] for key in ("units", "long_name") if key in kept}
        given = np.where(rows >= 0, sheet.numbers(name)[rows], others.get(name, np.nan))
        variables[name] = ("practice", given, attributes | {"source": file})
    return practices.assign(variables).assign_attrs(
        source=f"{place_of(practices)}, with {listed(sheet.figures)} of {file}",
        inputs=file,
        inputs_sha256=sheet.table.sha256,
        inputs_left_out=int((rows < 0).sum()),
    )


def read_hubs(path: str | os.PathLike[str]) -> dict[str, str]:
    r"""Read which hub each practice is in: the headings ``practice`` and ``hub``, a row a practice.

    Parameters
    ----------
    path : path-like
        A CSV file, encoded as for `read_inputs`.

    Returns
    -------
    dict of str to str
        Name of the hub by practice, as `in_hubs` wants it.

    Raises
    ------
    InputError
        If the file cannot be read, a practice stands twice, or a cell is blank.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "hubs.csv"
    ...     _ = file.write_text("practice,hub\nA99001,North\nA99002,North\n", "utf-8")
    ...     read_hubs(file)
    {'A99001': 'North', 'A99002': 'North'}
    """
    sheet = Sheet(read_table(Path(path)), ("practice", "hub"), "column", ())
    table, column = sheet.table, sheet.keys["hub"]
    hubs = [" ".join(cell.split()) for cell in table.columns[column]]
    blank = np.array([not hub for hub in hubs], dtype=np.bool_)
    problems = [
        *sheet.problems(),
        *table.wrong(column, blank, "expected the name of a hub", "every practice is in one"),
        *repeated(table, sheet.codes),
    ]
    table.raise_if_any(problems)
    return dict(zip(sheet.codes, hubs, strict=True))


def read_given(
    path: str | os.PathLike[str],
    practices: xr.Dataset | None = None,
    months: Sequence[dt.date] | None = None,
    *,
    allowed: Collection[str] | None = None,
    known: Iterable[str] = (),
) -> dict[str, xr.DataArray]:
    r"""Read known values by practice and month, to stand in place of rules: counts, say.

    The file has the headings ``practice``, ``month`` and one for each rule, and one row for each
    practice in each month, as 2015-04.

    Parameters
    ----------
    path : path-like
        A CSV file in UTF-8, in UTF-16 with a byte-order mark, or in Windows-1252.
    practices : xarray.Dataset, optional
        The practices of the projection: each must have its rows. Those of the file if left out.
    months : sequence of datetime.date, optional
        The first days of the projection's months: the file must have just these.
    allowed : collection of str, optional
        Names that headings may be: the rules of a model. Any if left out.
    known : iterable of str, optional
        Codes of other practices that rows may be about. They are left out.

    Returns
    -------
    dict of str to xarray.DataArray
        On ``practice`` and ``month``, as ``project(given=…)`` takes them.

    Raises
    ------
    InputError
        If the file cannot be read, a practice's month or a heading stands twice or is missing, a
        practice is unknown, or a cell is blank, not a number or not a month. Every problem, with
        file, row and column.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "counted.csv"
    ...     _ = file.write_text("practice,month,emergency_admissions\nA99001,2015-04,41\n", "utf-8")
    ...     given = read_given(file)
    >>> given["emergency_admissions"].sel(practice="A99001", month="2015-04").item()
    41.0
    """
    sheet = Sheet(
        read_table(Path(path)), ("practice", "month"), "rule by practice and month", allowed
    )
    table, found = sheet.table, months_in(sheet.cells("month"))
    problems = list(sheet.problems())
    mend = "write it as 2015-04"
    problems += table.wrong(sheet.keys["month"], np.isnat(found), "expected a month", mend)
    problems += repeated(table, sheet.codes, found)
    codes = list(dict.fromkeys(code for code in sheet.codes if code))
    if practices is not None:
        codes = practices["practice"].values.astype(str).tolist()
        place = place_of(practices)
        problems += unknown(table, sheet.codes, {*codes, *known}, place)
        problems += _without_row(sheet, codes)
    present = np.unique(found[~np.isnat(found)])
    if months is not None:
        problems += _other_months(table.file, present, np.array(months, "datetime64[ns]"))
    places, gaps = _places(sheet, codes, found, present)
    problems += gaps
    table.raise_if_any(problems)
    attributes = {"source": table.file, "sha256": table.sha256}
    return {
        name: xr.DataArray(
            sheet.numbers(name)[places],
            {"practice": codes, "month": present},
            ("practice", "month"),
            name,
            attributes,
        )
        for name in sheet.figures
    }


# What is wrong with rows ------------------------------------------------------------------------


def _without_row(sheet: Sheet, codes: Iterable[str]) -> Iterator[Problem]:
    """Practices of the projection that have no row."""
    present = set(sheet.codes)
    absent = [code for code in codes if code not in present]
    if absent:
        many = f"{len(absent):,} practices have" if len(absent) > 1 else "a practice has"
        what = listed(sheet.figures) or "figures"
        mend = f"give {what} of every practice, or choose fewer commissioners"
        yield Problem(sheet.table.file, f"{many} no row: {listed(absent)}", mend)


def _other_months(file: str, present: Months, wanted: Months) -> Iterator[Problem]:
    """Months that are not the projection's."""
    if np.array_equal(present, wanted) or not len(present):
        return
    found = f"has {_span(present)}, and the run has {_span(wanted)}"
    whole = np.arange(present[0].astype("datetime64[M]"), present[-1].astype("datetime64[M]") + 1)
    if len(whole) > len(present):
        absent = [as_text(month) for month in np.setdiff1d(whole, present.astype("datetime64[M]"))]
        yield Problem(file, f"{found}; none of {listed(absent)}", "give every month of the run")
        return
    start = f"--start {as_text(present[0])} " if present[0] != wanted[0] else ""
    yield Problem(file, found, f"they must be the same: {start}--months {len(present)}")


def _places(
    sheet: Sheet, codes: Sequence[str], found: Months, present: Months
) -> tuple[npt.NDArray[np.intp], list[Problem]]:
    """The row of every practice in every month, and what has none."""
    places = np.full((len(codes), len(present)), -1, dtype=np.intp)
    at = {code: n for n, code in enumerate(codes)}
    practice = np.array([at.get(code, -1) for code in sheet.codes], dtype=np.intp)
    rows = np.flatnonzero((practice >= 0) & ~np.isnat(found))
    places[practice[rows], np.searchsorted(present, found[rows])] = rows
    # A practice without any row has been told of already.
    some = (places >= 0).any(axis=1, keepdims=True)
    gaps = np.argwhere(some & (places < 0))
    if not len(gaps):
        return places, []
    named = [f"{codes[p]} in {as_text(present[m])}" for p, m in gaps[:NAMED].tolist()]
    more = ", …" if len(gaps) > NAMED else ""
    mend = f"{len(gaps):,} in all; every practice has a row for every month"
    return places, [Problem(sheet.table.file, f"no row for {', '.join(named)}{more}", mend)]


def _span(months: Months) -> str:
    if len(months) == 1:
        return f"one month, {as_text(months[0])}"
    return f"{len(months)} months, {as_text(months[0])} – {as_text(months[-1])}"
