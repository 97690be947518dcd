"""A finance team's own small files: figures by practice, and known values by practice and month.

They are CSV files with the library's own names as headings. Whatever is wrong with one is said at
once, with file, row and column.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from capitation.errors import Problem, nearest
from capitation.practices import place_of
from capitation.sources.official_csv import SHOWN, Numbers, Table, read_table

NAMED = 5
"""Practices and months that one message names."""

MONTH_LAYOUTS = ("%Y-%m", "%Y-%m-%d", "%d/%m/%Y", "%m/%Y", "%b-%y", "%b-%Y", "%b%Y", "%B%Y")
"""A month without its spaces: as we ask for it, and as a spreadsheet program leaves it."""

Months = npt.NDArray[np.datetime64]


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
    sheet = _Sheet(read_table(Path(path)), ("practice",), "input")
    problems = [*sheet.problems(), *_repeated(sheet.table, sheet.codes)]
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
) -> xr.Dataset:
    """Put the figures of a file, as for `read_inputs`, with what is known of practices.

    Parameters
    ----------
    practices : xarray.Dataset
        On ``practice``, as `read_payments` gives it.
    path : path-like
        The file. Every practice has a row in it.
    allowed : collection of str, optional
        Names that headings may be: the inputs of a model, say. Any if left out.
    known : iterable of str, optional
        Codes of other practices that rows may be about. They are left out.

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
    sheet = _Sheet(read_table(Path(path)), ("practice",), "input", allowed)
    codes = practices["practice"].values.astype(str).tolist()
    problems = [
        *sheet.problems(),
        *_repeated(sheet.table, sheet.codes),
        *_unknown(sheet.table, sheet.codes, {*codes, *known}, place_of(practices)),
        *_without_row(sheet, codes),
    ]
    sheet.table.raise_if_any(problems)
    row_of = {code: row for row, code in enumerate(sheet.codes)}
    rows = [row_of[code] for code in codes]
    file = sheet.table.file
    variables = {}
    for name in sheet.figures:
        kept = practices[name].attrs if name in practices.data_vars else {}
        attributes = {key: kept[key] for key in ("units", "long_name") if key in kept}
        variables[name] = ("practice", sheet.numbers(name)[rows], attributes | {"source": file})
    return practices.assign(variables).assign_attrs(
        source=f"{place_of(practices)}, with {_listed(sheet.figures)} of {file}",
        inputs=file,
        inputs_sha256=sheet.table.sha256,
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
    sheet = _Sheet(read_table(Path(path)), ("practice", "hub"), "column", ())
    table, column = sheet.table, sheet.keys["hub"]
    hubs = [" ".join(cell.split()) for cell in table.columns[column]]
    blank = np.array([not hub for hub in hubs], dtype=np.bool_)
    problems = [
        *sheet.problems(),
        *table.wrong(column, blank, "expected the name of a hub", "every practice is in one"),
        *_repeated(table, sheet.codes),
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
    sheet = _Sheet(
        read_table(Path(path)), ("practice", "month"), "rule by practice and month", allowed
    )
    table, found = sheet.table, _months(sheet.cells("month"))
    problems = list(sheet.problems())
    mend = "write it as 2015-04"
    problems += table.wrong(sheet.keys["month"], np.isnat(found), "expected a month", mend)
    problems += _repeated(table, sheet.codes, found)
    codes = list(dict.fromkeys(code for code in sheet.codes if code))
    if practices is not None:
        codes = practices["practice"].values.astype(str).tolist()
        place = place_of(practices)
        problems += _unknown(table, sheet.codes, {*codes, *known}, place)
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


# The sheet --------------------------------------------------------------------------------------


class _Sheet:
    """A table whose headings are the library's names: some keys, and figures.

    Raises `InputError` if it has no column of keys, since then nothing can be said of its rows.
    """

    def __init__(
        self, table: Table, keys: Sequence[str], kind: str, allowed: Collection[str] | None = None
    ):
        self.table = table
        self.kind = kind
        self.allowed = allowed
        self.names = ["_".join(heading.split()).lower() for heading in table.headings]
        shown = ", ".join(f'"{heading.strip()}"' for heading in table.headings[:NAMED])
        mend = f"the first row of the file is its headings; found {shown}"
        absent = [key for key in keys if key not in self.names]
        table.raise_if_any([Problem(table.file, f'no column "{key}"', mend) for key in absent])
        self.keys = {key: self.names.index(key) for key in keys}
        self.figures: dict[str, int] = {}
        for number, name in enumerate(self.names):
            if name and name not in keys:
                self.figures.setdefault(name, number)
        self.codes = [cell.upper() for cell in self.cells("practice")]

    def cells(self, key: str) -> list[str]:
        return ["".join(cell.split()) for cell in self.table.columns[self.keys[key]]]

    def numbers(self, name: str) -> Numbers:
        return self.table.numbers(self.figures[name])[0]

    def problems(self) -> Iterator[Problem]:
        """What is wrong with the headings, and every cell that is not as it should be."""
        table = self.table
        yield from self.wrong_headings()
        yield from table.ragged
        if not table.row_numbers:
            yield Problem(table.file, "has headings but no rows", "give each practice a row")
        blank = np.array([not code for code in self.codes], dtype=np.bool_)
        mend = "delete totals, notes and other such rows"
        yield from table.wrong(self.keys["practice"], blank, "expected a practice code", mend)
        for number in self.figures.values():
            wrong = np.isnan(table.numbers(number)[0])
            mend = "write digits, as 1234.56; nothing at all is 0"
            yield from table.wrong(number, wrong, "expected a number", mend)

    def wrong_headings(self) -> Iterator[Problem]:
        table, names = self.table, self.names
        for number, name in enumerate(names):
            if not name:
                where = f"{table.file}, column {number + 1}"
                yield Problem(where, "has no heading", "give the column a heading, or delete it")
            elif names.index(name) < number:
                first = names.index(name) + 1
                where = f"{table.file}, column {number + 1}"
                yield Problem(where, f'"{name}" is in column {first} too', "keep one of them")
            elif name in self.figures and self.allowed is not None and name not in self.allowed:
                mend = nearest(name, self.allowed)
                yield Problem(table.file, f"{name!r} is no {self.kind} of the model", mend)
        if not self.figures and self.allowed != ():
            keys = " and ".join(f'"{key}"' for key in self.keys)
            yield Problem(table.file, f"has no column beside {keys}", "add one for each figure")


# What is wrong with rows ------------------------------------------------------------------------


def _repeated(
    table: Table, codes: Sequence[str], months: Months | None = None
) -> Iterator[Problem]:
    """Rows about what another row is about."""
    seen: dict[Any, int] = {}
    keys = codes if months is None else list(zip(codes, months.tolist(), strict=True))
    blank = [not code for code in codes]
    if months is not None:
        blank = (np.isnat(months) | blank).tolist()
    for row, key in enumerate(keys):
        if not blank[row] and key in seen:
            said = codes[row] if months is None else f"{codes[row]}, {_said(months[row])},"
            found = f"practice {said} is in row {table.row_numbers[seen[key]]} too"
            yield Problem(table.where(row), found, "keep one of them")
        seen.setdefault(key, row)


def _unknown(table: Table, codes: Sequence[str], known: set[str], place: str) -> Iterator[Problem]:
    """Rows about practices that are not there. Only those that will be shown get a suggestion."""
    unknown = {code: row for row, code in reversed(list(enumerate(codes))) if code}
    absent = [(row, code) for code, row in unknown.items() if code not in known]
    for n, (row, code) in enumerate(sorted(absent)):
        mend = nearest(code, known) if n < SHOWN else ""
        yield Problem(table.where(row), f"{place} has no practice {code}", mend)


def _without_row(sheet: _Sheet, codes: Iterable[str]) -> Iterator[Problem]:
    """Practices of the projection that have no row."""
    present = set(sheet.codes)
    absent = [code for code in codes if code not in present]
    if absent:
        many = f"{len(absent):,} practices have" if len(absent) > 1 else "a practice has"
        what = _listed(sheet.figures) or "figures"
        mend = f"give {what} of every practice, or choose fewer commissioners"
        yield Problem(sheet.table.file, f"{many} no row: {_listed(absent)}", mend)


def _other_months(file: str, present: Months, wanted: Months) -> Iterator[Problem]:
    """Months that are not the projection's."""
    if np.array_equal(present, wanted) or not len(present):
        return
    found = f"has {_span(present)}, and the run has {_span(wanted)}"
    whole = np.arange(present[0].astype("datetime64[M]"), present[-1].astype("datetime64[M]") + 1)
    if len(whole) > len(present):
        absent = [_said(month) for month in np.setdiff1d(whole, present.astype("datetime64[M]"))]
        yield Problem(file, f"{found}; none of {_listed(absent)}", "give every month of the run")
        return
    start = f"--start {_said(present[0])} " if present[0] != wanted[0] else ""
    yield Problem(file, found, f"they must be the same: {start}--months {len(present)}")


def _places(
    sheet: _Sheet, codes: Sequence[str], found: Months, present: Months
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
    named = [f"{codes[p]} in {_said(present[m])}" for p, m in gaps[:NAMED].tolist()]
    more = ", …" if len(gaps) > NAMED else ""
    mend = f"{len(gaps):,} in all; every practice has a row for every month"
    return places, [Problem(sheet.table.file, f"no row for {', '.join(named)}{more}", mend)]


# Words and months -------------------------------------------------------------------------------


def _months(cells: Sequence[str]) -> Months:
    """First days of months; NaT where a cell is no month."""
    read = {cell: _month(cell) for cell in set(cells)}
    return np.array([read[cell] for cell in cells], dtype="datetime64[ns]")


def _month(cell: str) -> np.datetime64:
    for layout in MONTH_LAYOUTS:
        try:
            day = dt.datetime.strptime(cell, layout)
        except ValueError:
            continue
        if day.day == 1 and 1900 <= day.year <= 2200:
            return np.datetime64(day.date(), "ns")
    return np.datetime64("NaT", "ns")


def _said(month: np.datetime64) -> str:
    return str(month.astype("datetime64[M]"))


def _span(months: Months) -> str:
    if len(months) == 1:
        return f"one month, {_said(months[0])}"
    return f"{len(months)} months, {_said(months[0])} – {_said(months[-1])}"


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")
