"""A team's own file of requests for the reactivation of suspended contracts."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from capitation.errors import Problem
from capitation.reactivations import Request, contradictions
from capitation.sources.local_sheet import Sheet
from capitation.sources.official_csv import read_table

DATES = ("suspended", "notice", "effective")
COUNTS = ("partners", "partners_agreeing")
ANSWERS = {"reactivated_before": False, "eligible": True, "grounds_for_termination": False}
"""What may be answered with yes or no, and what stands where nothing is answered."""
LATER = "approved_later_date"

YES_OR_NO = {"yes": True, "y": True, "1": True, "no": False, "n": False, "0": False}
DAY_LAYOUTS = ("%Y-%m-%d", "%d/%m/%Y", "%Y-%m")


def read_reactivations(path: str | os.PathLike[str]) -> list[Request]:
    r"""Read a team's list of requests for reactivation: one row a request.

    Parameters
    ----------
    path : path-like
        A CSV file in UTF-8, in UTF-16 with a byte-order mark, or in Windows-1252, with the headings
        ``practice``, ``suspended``, ``notice``, ``effective`` (days, as 2019-04-01),
        ``partners`` and ``partners_agreeing``; and perhaps ``reactivated_before``, ``eligible``,
        ``grounds_for_termination`` (yes or no; if blank: no, yes, no) and ``approved_later_date``.

    Returns
    -------
    list of Request
        In the order of the rows, for `decide_reactivations`.

    Raises
    ------
    InputError
        If the file cannot be read, a heading is missing or unknown, a cell is no day, no count or
        neither yes nor no, or a row contradicts itself. Every problem, with file, row and column.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "requests.csv"
    ...     text = "practice,suspended,notice,effective,partners,partners_agreeing\n"
    ...     _ = file.write_text(text + "EX001,2019-04-01,2020-03-01,2021-04-01,4,4\n", "utf-8")
    ...     read_reactivations(file)[0].effective
    datetime.date(2021, 4, 1)
    """
    table = read_table(Path(path))
    keys = ("practice", *DATES, *COUNTS)
    sheet = Sheet(table, keys, "column", (), texts=(*ANSWERS, LATER))
    problems = list(sheet.problems())
    read: dict[str, Sequence[Any]] = {}
    for name in DATES:
        cells = sheet.cells(name)
        read[name] = days = [_day(cell) for cell in cells]
        wrong = np.array([day is None for day in days], dtype=np.bool_)
        problems += table.wrong(sheet.keys[name], wrong, "expected a day", "as 2019-04-01")
    for name in COUNTS:
        cells = sheet.cells(name)
        read[name] = [int(cell) if _is_count(cell) else None for cell in cells]
        wrong = np.array([not _is_count(cell) for cell in cells], dtype=np.bool_)
        problems += table.wrong(sheet.keys[name], wrong, "expected a number of partners", "as 4")
    for name, usual in ANSWERS.items():
        cells = [cell.lower() for cell in sheet.texts(name)]
        read[name] = [YES_OR_NO.get(cell, usual) for cell in cells]
        problems += _not_read(sheet, name, [bool(c) and c not in YES_OR_NO for c in cells])
    cells = sheet.texts(LATER)
    read[LATER] = [_day(cell) for cell in cells]
    problems += _not_read(sheet, LATER, [bool(c) and _day(c) is None for c in cells])
    rows = [
        _request(code, table.where(n), {name: read[name][n] for name in read})
        for n, code in enumerate(sheet.codes)
    ]
    problems += [problem for row in rows for problem in contradictions(row)]
    table.raise_if_any(problems)
    return rows


def _request(practice: str, place: str, cells: dict[str, Any]) -> Request:
    """A row as a request. What could not be read has such a value that it contradicts nothing."""
    suspended = cells["suspended"] or dt.date.min
    partners = cells["partners"]
    if partners is None:
        partners = max(cells["partners_agreeing"] or 0, 1)
    agreeing = cells["partners_agreeing"]
    filled = {
        "suspended": suspended,
        "notice": cells["notice"] or suspended,
        "effective": cells["effective"] or dt.date.max,
        "partners": partners,
        "partners_agreeing": min(partners, 1) if agreeing is None else agreeing,
        LATER: cells[LATER] if cells["effective"] else None,
    }
    return Request(practice, place=place, **cells | filled)


def _not_read(sheet: Sheet, name: str, wrong: Sequence[bool]) -> Iterator[Problem]:
    """Cells of an optional column that say something else than they may."""
    if any(wrong):
        mend = "write it as 2019-04-01, or leave it blank" if name == LATER else "yes, no or blank"
        what = "expected a day" if name == LATER else "expected yes or no"
        column = sheet.names.index(name)
        yield from sheet.table.wrong(column, np.array(wrong, dtype=np.bool_), what, mend)


def _is_count(cell: str) -> bool:
    return cell.isascii() and cell.isdigit() and len(cell) < 4


def _day(cell: str) -> dt.date | None:
    for layout in DAY_LAYOUTS:
        try:
            day = dt.datetime.strptime(cell, layout).date()
        except ValueError:
            continue
        if 1900 <= day.year <= 2200:
            return day
    return None
