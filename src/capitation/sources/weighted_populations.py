"""NHS England's weighted populations by practice: with targets (2018/19), and the allocation tool.

Layouts, and how far each was checked:

- 2018/19, with the market forces factor and target allocations: the whole file.
- The integrated care board allocation tool, 2022/23: the whole file. 2023/24 and 2024/25: the
  headings, which still say 'pop 2022/23', and the first rows, in which networks, places and the
  count of patients are blank. So a file's name says the year before its headings do.

Source: NHS England, github.com/nhsx/AIF_Allocation_Tool.
"""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from capitation.errors import Problem, raise_if_any
from capitation.sources.official_csv import NOTHING, Numbers, Table, read_table
from capitation.sources.payments import LICENCE
from capitation.sources.weighted_population_headings import (
    EVERY,
    FIGURES,
    LABELS,
    PLACES,
    WANTED,
    Column,
)
from capitation.sources.years import agreed_year

SMALL = 1_000
"""Persons. Under it a blank weighted population is nothing; over it, a fault."""

_CODE = re.compile(r"(?=.*\d)[A-Z0-9]{5,6}")

TITLES = {
    "targets": "Weighted populations and target allocations by practice, England",
    "tool": "Weighted populations by practice, integrated care board allocation tool, England",
}


def read_weighted_populations(
    path: str | os.PathLike[str], fiscal_year: str | None = None
) -> xr.Dataset:
    r"""Read NHS England's weighted populations, one row a practice.

    Two publications are told apart by their headings: the one with target allocations (2018/19),
    and the allocation tool of the integrated care boards (2022/23 and later). The same meaning has
    the same name in both.

    Parameters
    ----------
    path : path-like
        A CSV file in UTF-8, in UTF-16 with a byte-order mark, or in Windows-1252.
    fiscal_year : str, optional
        Such as ``"2018/19"``. Taken from the file's name, or else from its headings, which in
        later tools are old. The attribute `notes` says where these do not agree.

    Returns
    -------
    xarray.Dataset
        On `practice` (code), with coordinates for its name, commissioner, primary care network,
        integrated care system (in 2018/19, sustainability and transformation partnership) and
        region. A practice without a network has a blank one.

        Always [patient]: `registered_population`; `weighted_population`, over all components; and
        `weighted_population_` with `general_and_acute`, `community`, `mental_health`, `maternity`,
        `prescribing` and `health_inequalities`. Also `need_index` [1].

        With targets: `weighted_population_hospital_and_community` [patient],
        `market_forces_factor` and `emergency_ambulance_index` [1], `published_target_allocation`
        and `published_target_allocation_with_remoteness` [GBP/year].

        In a tool: `weighted_population_primary_medical_care` and
        `published_primary_medical_weighted_population` [patient]; where it has them,
        `registered_list` [patient], `latitude` and `longitude` [degree].

    Raises
    ------
    InputError
        If the file cannot be read, is neither publication, is of another year, holds something
        that is not a number, or repeats a practice. Names file, row and column of each fault.

    Notes
    -----
    A blank weighted population of a practice under 1,000 persons is zero: so read, each of the
    tool's adds up to the registered one. The attribute `notes` says where. A tool has no need
    index: it is its overall weighted over the registered population. Market forces are in either.

    Source: NHS England, github.com/nhsx/AIF_Allocation_Tool.

    Examples
    --------
    >>> import tempfile
    >>> text = (
    ...     "Practice_Code,GP_Practice_Name,LOC22,pop 2022/23,G&A WP,CS WP,MH WP,Mat WP,"
    ...     "Health Ineq WP,Prescr WP,Final WP,Primary Medical Care WP,Final PMC WP\n"
    ...     "A99999,Example Surgery,00X,8000,8100,8200,7900,7000,9000,8300,8400,8000,8150\n"
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "tool.csv"
    ...     _ = file.write_text(text, encoding="utf-8")
    ...     populations = read_weighted_populations(file)
    >>> populations.attrs["fiscal_year"], populations["need_index"].sel(practice="A99999").item()
    ('2022/23', 1.05)
    """
    table = read_table(Path(path))
    layout, columns, missing = _find_columns(table)
    year, doubts, of_year = agreed_year(table, fiscal_year)
    raise_if_any(missing + doubts)
    table.raise_if_any(table.ragged)
    labels = _labels(table, columns)
    problems = list(_code_problems(table, labels["practice"]))
    figures, wrong, notes = _figures(table, columns)
    table.raise_if_any([*problems, *wrong])
    if "need_index" not in figures:
        people = figures["registered_population"]
        none = np.zeros_like(people)
        need = np.divide(figures["weighted_population"], people, out=none, where=people > 0)
        figures["need_index"] = need
    return _dataset(table, layout, columns, labels, figures, year, of_year + notes)


# The headings -------------------------------------------------------------------------------


def _key(heading: str) -> str:
    """A heading by its letters and digits alone, in lower case.

    Examples
    --------
    >>> _key("G&A WP"), _key("STP21_42")
    ('gawp', 'stp2142')
    """
    return re.sub(r"[^a-z0-9]", "", heading.lower())


def _find_columns(table: Table) -> tuple[str, dict[str, int], list[Problem]]:
    """Say which publication a table is and where its columns are; also what is missing or twice."""
    keys = [_key(heading) for heading in table.headings]
    places: dict[str, dict[str, list[int]]] = {}
    for layout in WANTED:
        at = {column.name: _places(keys, column.heading(layout)) for column in EVERY}
        places[layout] = {name: numbers for name, numbers in at.items() if numbers}
    layout = max(places, key=lambda name: len(places[name].keys() & WANTED[name]))
    found = places[layout]
    if len(found.keys() & WANTED[layout]) < 3:
        said = "has neither the headings of weighted populations nor those of the allocation tool"
        mend = f"looked for {_examples('targets')}; or {_examples('tool')}"
        return layout, {}, [Problem(table.file, said, mend)]
    problems = [
        _missing(table, column, layout)
        for column in EVERY
        if column.name in WANTED[layout] - found.keys()
    ]
    for name, numbers in found.items():
        if len(numbers) > 1:
            headings = ", ".join(f'"{table.headings[number].strip()}"' for number in numbers)
            mend = "keep one, and rename or delete the others"
            problems.append(Problem(table.file, f"{headings} have one meaning: {name}", mend))
    return layout, {name: numbers[0] for name, numbers in found.items()}, problems


def _places(keys: list[str], heading: str) -> list[int]:
    pattern = heading.replace("#", "[0-9]")
    return [number for number, key in enumerate(keys) if heading and fnmatchcase(key, pattern)]


def _examples(layout: str) -> str:
    wanted = {"targets": ("WP_G&A", "MFF_index"), "tool": ("G&A WP", "Final WP")}
    return " and ".join(f'"{heading}"' for heading in wanted[layout])


def _missing(table: Table, column: Column, layout: str) -> Problem:
    found = {_key(heading): heading.strip()[:60] for heading in table.headings}
    close = difflib.get_close_matches(column.heading(layout), found, n=1)
    nearest = f'the nearest heading is "{found[close[0]]}"' if close else "no heading is like it"
    looked_for = f'looked for "{column.heading(layout)}" in any case and spacing'
    return Problem(table.file, f"no column for: {column.long_name}", f"{looked_for}; {nearest}")


# The cells ----------------------------------------------------------------------------------


def _labels(table: Table, columns: Mapping[str, int]) -> dict[str, Any]:
    """Read text. What says that there is nothing is blank, and so is a network that is none."""
    labels: dict[str, Any] = {}
    for column in LABELS:
        if column.name not in columns:
            continue
        cells = [" ".join(cell.split()) for cell in table.columns[columns[column.name]]]
        if column.name in ("practice", "commissioner", "primary_care_network"):
            cells = [cell.replace(" ", "").upper() for cell in cells]
        nothing = NOTHING | ({"U", "UNALLOCATED"} if "network" in column.name else set())
        cells = ["" if cell.upper() in nothing else cell for cell in cells]
        labels[column.name] = np.array(cells, dtype=np.str_)
    for end in ("", "_name"):
        former = labels.get(f"former_commissioner{end}")
        if former is not None:
            # Later tools leave the place blank.
            own = labels.get(f"commissioner{end}", np.zeros_like(former))
            labels[f"commissioner{end}"] = np.where(own == "", former, own)
    return labels


def _code_problems(table: Table, practices: Any) -> Iterator[Problem]:
    """Check that every row is one practice, and no practice has two rows."""
    seen: dict[str, int] = {}
    for row, practice in enumerate(practices.tolist()):
        where = table.where(row)
        if not _CODE.fullmatch(practice):
            mend = "a code is as A81001; delete totals, notes and other such rows"
            yield Problem(where, f'"{practice}" is not a practice code', mend)
        elif practice in seen:
            first = table.row_numbers[seen[practice]]
            yield Problem(where, f"practice {practice} is in row {first} too", "keep one of them")
        seen.setdefault(practice, row)
    if not seen:
        yield Problem(table.file, "has headings but no practices", "give the file as published")


def _figures(
    table: Table, columns: Mapping[str, int]
) -> tuple[dict[str, Numbers], list[Problem], list[str]]:
    """Read numbers; also list the wrong ones, and note blanks that are read as nothing."""
    people, _ = table.numbers(columns["registered_population"])
    small = people < SMALL
    figures: dict[str, Numbers] = {}
    problems: list[Problem] = []
    notes: list[str] = []
    for column in (*FIGURES, *PLACES):
        if column.name not in columns:
            continue
        number = columns[column.name]
        values, nothing = table.numbers(number)
        if nothing.all() and column.name in ("registered_list", "latitude", "longitude"):
            continue
        as_zero = nothing & small & column.name.startswith("weighted_population")
        if as_zero.any():
            most = f"{people[as_zero].max():,.0f}"
            blank = f"blank for {as_zero.sum():,} practices of {most} persons at most"
            notes.append(f"{column.name}: {blank}; read as zero")
        wrong = np.isnan(values) & ~as_zero
        mend = f"only a practice under {SMALL:,} persons may have a blank weighted population"
        problems += table.wrong(number, wrong, "expected a number", mend)
        if column not in PLACES:
            problems += table.wrong(number, values < 0, "expected zero or more", "see the source")
        figures[column.name] = np.where(as_zero, 0.0, values) * column.scale
    return figures, problems, notes


# The Dataset --------------------------------------------------------------------------------


def _dataset(
    table: Table,
    layout: str,
    columns: Mapping[str, int],
    labels: Mapping[str, Any],
    figures: Mapping[str, Numbers],
    year: str,
    notes: list[str],
) -> xr.Dataset:
    described = {column.name: column for column in EVERY}

    def attributes(name: str) -> dict[str, str]:
        column = described[name]
        said = {"long_name": column.long_name}
        if column.units:
            said["units"] = column.units
        if name in columns:
            said["heading"] = table.headings[columns[name]].strip()
        return said

    read = set(columns.values())
    left_out = [h.strip() for number, h in enumerate(table.headings) if number not in read]
    return xr.Dataset(
        {name: ("practice", values, attributes(name)) for name, values in figures.items()},
        {name: ("practice", values, attributes(name)) for name, values in labels.items()},
        {
            "title": f"{TITLES[layout]}, {year}",
            "fiscal_year": year,
            "source": table.file,
            "licence": LICENCE,
            "sha256": table.sha256,
            "left_out": "; ".join(left_out),
            "notes": json.dumps(notes),
        },
    )
