"""A finance team's own file of terms that hold for one practice: its schedule, its switch."""

from __future__ import annotations

import datetime as dt
import itertools
import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from capitation.engine.terms import DatedValue, PracticeTerms, format_number
from capitation.errors import Problem, nearest
from capitation.practices import place_of
from capitation.sources.local_sheet import Months, Sheet, as_text, months_in, unknown
from capitation.sources.official_csv import read_table

if TYPE_CHECKING:
    import xarray as xr

KEYS = ("practice", "term", "from")


def read_practice_terms(
    path: str | os.PathLike[str],
    practices: xr.Dataset | None = None,
    *,
    terms: Collection[str] | None = None,
    known: Iterable[str] = (),
) -> PracticeTerms:
    r"""Read terms that hold for a practice from a month on, in place of those that hold for all.

    The file has the headings ``practice``, ``term``, ``from`` and ``value``, and perhaps
    ``assumption``, which says why. A row is one dated value: it holds until the next of the same
    practice and term.

    Parameters
    ----------
    path : path-like
        A CSV file in UTF-8, in UTF-16 with a byte-order mark, or in Windows-1252. Months are
        written as 2016-04.
    practices : xarray.Dataset, optional
        The practices of the projection. Any practice if left out.
    terms : collection of str, optional
        Names of terms that rows may be about. Any if left out.
    known : iterable of str, optional
        Codes of other practices that rows may be about. They are left out.

    Returns
    -------
    dict of str to dict of str to tuple of DatedValue
        By term and practice, in order of date: what `with_practice_terms` takes.

    Raises
    ------
    InputError
        If the file cannot be read, a practice or a term is unknown, a practice's term stands twice
        for one month, or a cell is blank, not a number or not a month. Every problem, with file,
        row and column.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "switches.csv"
    ...     text = "practice,term,from,value\nA99001,switched_to_gms,2016-04,1\n"
    ...     _ = file.write_text(text, "utf-8")
    ...     read = read_practice_terms(file)
    >>> read["switched_to_gms"]["A99001"][0].start
    datetime.date(2016, 4, 1)
    """
    table = read_table(Path(path))
    sheet = Sheet(table, KEYS, "column", ("value",), texts=("assumption",))
    starts = months_in(sheet.cells("from"))
    names = [cell.lower() for cell in sheet.cells("term")]
    problems = [*sheet.problems()]
    if not sheet.figures:
        problems.append(Problem(table.file, 'no column "value"', "add it, with the figure"))
    not_months = np.isnat(starts)
    mend = "write it as 2016-04"
    problems += table.wrong(sheet.keys["from"], not_months, "expected a month", mend)
    problems += _wrong_terms(sheet, names, terms)
    problems += _repeated(sheet, names, starts)
    wanted = None
    if practices is not None:
        wanted = set(practices["practice"].values.astype(str).tolist())
        problems += unknown(table, sheet.codes, {*wanted, *known}, place_of(practices))
    table.raise_if_any(problems)
    texts = sheet.texts("assumption")
    rows = []
    for row, value in enumerate(sheet.numbers("value").tolist()):
        start = dt.date.fromisoformat(f"{as_text(starts[row])}-01")
        why = texts[row] or f"Set for the practice in {table.file}"
        rows.append((names[row], sheet.codes[row], start, value, why))
    found: dict[str, dict[str, tuple[DatedValue, ...]]] = {}
    for (name, code), dated in itertools.groupby(sorted(rows), key=lambda row: row[:2]):
        if wanted is None or code in wanted:
            found.setdefault(name, {})[code] = tuple(
                DatedValue(start, value, format_number(value), assumption=why)
                for _, _, start, value, why in dated
            )
    return found


def _wrong_terms(
    sheet: Sheet, names: list[str], terms: Collection[str] | None
) -> Iterator[Problem]:
    table, column = sheet.table, sheet.keys["term"]
    blank = np.array([not name for name in names], dtype=np.bool_)
    yield from table.wrong(column, blank, "expected the name of a term", "name it in every row")
    if terms is None:
        return
    for name in dict.fromkeys(names):
        if name and name not in terms:
            where = table.where(names.index(name), column)
            yield Problem(where, f"there is no term {name!r}", nearest(name, terms))


def _repeated(sheet: Sheet, names: list[str], starts: Months) -> Iterator[Problem]:
    """Rows that give a practice's term a second value from the same month."""
    seen: dict[tuple[str, str, str], int] = {}
    for row, code in enumerate(sheet.codes):
        if not code or not names[row] or np.isnat(starts[row]):
            continue
        key = (code, names[row], as_text(starts[row]))
        if key in seen:
            first = sheet.table.row_numbers[seen[key]]
            found = f"{names[row]} of practice {code} from {key[2]} is in row {first} too"
            yield Problem(sheet.table.where(row), found, "keep one of them")
        seen.setdefault(key, row)
