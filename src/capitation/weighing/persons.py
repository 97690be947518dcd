"""Persons as columns, a batch at a time: each person's cell, practice, and what is wrong with him.

A cell is a number: age band, then sex, then a bit for each need flag, the first flag the lowest.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from capitation.errors import NAMED, Problem, listed, nearest

PRACTICE, AGE_BAND, SEX = "practice", "age_band", "sex"
MASK, CELL, START = "mask", "cell", "practice_start"
"""Columns of persons. A mask stands for all flags; a cell for age band, sex and flags; where
persons of a practice begin, for the practice."""

MOST_CELLS = (1 << 16) - 1
"""Cells that two bytes can tell apart."""

MOST_PRACTICES = 100_000
"""Practices that are known by number: more of them are codes that were taken for places."""

Codes = npt.NDArray[Any]
Wrong = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Cells:
    """What persons are told apart by.

    Attributes
    ----------
    age_bands, sexes, flags : tuple of str
    """

    age_bands: tuple[str, ...]
    sexes: tuple[str, ...]
    flags: tuple[str, ...] = ()

    @property
    def masks(self) -> int:
        """How many combinations of flags there are."""
        return 1 << len(self.flags)

    @property
    def width(self) -> int:
        """How many cells there are."""
        return len(self.age_bands) * len(self.sexes) * self.masks

    @property
    def dtype(self) -> Any:
        """The narrowest type that holds a cell."""
        return np.uint8 if self.width < 1 << 8 else np.uint16

    @property
    def shape(self) -> tuple[int, int, int]:
        """Age bands, sexes and combinations of flags."""
        return len(self.age_bands), len(self.sexes), self.masks

    @property
    def combinations(self) -> list[str]:
        """Names of the combinations of flags.

        Examples
        --------
        >>> Cells(("all",), ("all",), ("new", "home")).combinations
        ['none', 'new', 'home', 'new+home']
        """
        return [
            "+".join(name for bit, name in enumerate(self.flags) if mask >> bit & 1) or "none"
            for mask in range(self.masks)
        ]

    def problems(self) -> Iterator[Problem]:
        """Labels that are missing or not told apart, and more cells than can be."""
        kinds = {"age_bands": self.age_bands, "sexes": self.sexes, "flags": self.flags}
        for name, labels in kinds.items():
            twice = sorted({label for label in labels if labels.count(label) > 1})
            if twice:
                yield Problem(name, f"{listed(twice)} stands twice", "keep one of each")
            if not labels and name != "flags":
                yield Problem(name, "there are none", "name them in order")
        taken = {PRACTICE, AGE_BAND, SEX, MASK, CELL, START} & set(self.flags)
        if taken:
            yield Problem("flags", f"{listed(sorted(taken))} is no flag", "choose another name")
        if self.width > MOST_CELLS:
            mend = f"no more than {MOST_CELLS:,}: fewer flags or bands"
            yield Problem("persons", f"{self.width:,} cells", mend)


@dataclass
class Faults:
    """What is wrong with persons: how many of each kind, and where the first of them stand."""

    place: str
    found: dict[tuple[str, str, str], tuple[int, list[str]]] = field(default_factory=dict)

    def add(
        self, column: str, what: str, mend: str, wrong: Wrong, first: int, values: Any = None
    ) -> None:
        """Count the persons of a batch with whom something is wrong; rows are from 1."""
        count = int(np.count_nonzero(wrong))
        if not count:
            return
        before, places = self.found.get((column, what, mend), (0, []))
        for at in np.flatnonzero(wrong)[: NAMED + 1 - len(places)].tolist():
            said = "" if values is None else f" ({_said(values[at])})"
            places.append(f"row {first + at + 1:,}{said}")
        self.found[column, what, mend] = (before + count, places)

    def problems(self) -> Iterator[Problem]:
        """One for each kind of fault."""
        for (column, what, mend), (count, places) in self.found.items():
            whose = "1 person" if count == 1 else f"{count:,} persons"
            yield Problem(f"{self.place}, {column}", f"{whose} {what}: {listed(places)}", mend)


def _said(value: Any) -> str:
    return (
        "blank"
        if _is_missing(value) or value == ""
        else repr(getattr(value, "item", lambda: value)())
    )


def _is_missing(value: Any) -> bool:
    return bool(pd.isna(value)) if np.ndim(value) == 0 else False


class Coding:
    """Places of a column's values among its labels: a label's own, or a whole number itself.

    Parameters
    ----------
    column : str
    labels : sequence of str or None
        None of practices that become known as they are met.
    """

    def __init__(self, column: str, labels: Sequence[str] | None):
        self.column = column
        self.open = labels is None
        self.labels: list[str] = list(labels or ())
        self.places = {label: n for n, label in enumerate(self.labels)}
        self.met_numbers = self.met_texts = False
        # Where labels are numbers, a number is a label: never a place, which might be another's.
        self.numbers: npt.NDArray[np.int64] | None = None
        if labels and all(label.isdecimal() and len(label) < 18 for label in self.labels):
            self.numbers = np.array([int(label) for label in self.labels], np.int64)
            if np.array_equal(self.numbers, np.arange(len(self.labels))):
                self.numbers = None

    def problems(self, place: str) -> Iterator[Problem]:
        """Practices named twice; or numbers here and codes there, where nobody named them."""
        if not self.open and len(self.places) < len(self.labels):
            twice = [label for n, label in enumerate(self.labels) if self.places[label] != n]
            yield Problem("practices", f"{listed(twice)} stands twice", "keep one of each")
        if self.open and self.met_numbers and self.met_texts:
            found = "are numbers in some rows and codes in others"
            yield Problem(
                f"{place}, {self.column}", found, "name the practices, or give codes alone"
            )

    def codes(self, values: Any, faults: Faults, first: int) -> Codes:
        """The number of each value; 0 where something is wrong with it, which is noted."""
        if isinstance(values.dtype, pd.CategoricalDtype):
            return self._of_categories(values, faults, first)
        kind = values.dtype.kind
        if kind in "ui":
            return self._of_numbers(np.asarray(values), faults, first)
        if kind == "b":
            return self._of_numbers(np.asarray(values).view(np.uint8), faults, first)
        if kind == "f":
            return self._of_floats(np.asarray(values), faults, first)
        return self._of_categories(pd.Categorical(values), faults, first)

    def _of_categories(self, values: Any, faults: Faults, first: int) -> Codes:
        categories = values.categories.infer_objects()
        if len(categories) and categories.dtype.kind in "uifb":
            numbers = np.append(categories.to_numpy(dtype=float), np.nan)
            return self._of_floats(numbers[values.codes], faults, first)
        texts = [str(text).strip() for text in categories]
        if self.open:
            for text in texts:
                if text and text not in self.places:
                    self.places[text] = len(self.labels)
                    self.labels.append(text)
            self.met_texts = self.met_texts or bool(texts)
        # The last stands for a missing value, whose code is -1.
        table = np.array([*(self.places.get(text, -1) for text in texts), -1], np.int32)
        codes = table[values.codes]
        wrong = codes < 0
        if wrong.any():
            mend = "every person has one" if self.open else nearest("", self.labels)
            faults.add(self.column, _WITHOUT[self.column], mend, wrong, first, values)
            codes[wrong] = 0
        return codes

    def _of_floats(self, values: Codes, faults: Faults, first: int) -> Codes:
        whole = np.isfinite(values) & (values == np.floor(values)) & (np.abs(values) < 2**53)
        numbers = np.where(whole, values, -1).astype(np.int64)
        return self._of_numbers(numbers, faults, first, values)

    def _of_numbers(
        self, values: Codes, faults: Faults, first: int, shown: Codes | None = None
    ) -> Codes:
        if not len(values):
            return values
        self.met_numbers = True
        last = MOST_PRACTICES - 1 if self.open else len(self.labels) - 1
        places = values if self.numbers is None else self._places_of(values, self.numbers)
        if int(places.min()) < 0 or int(places.max()) > last:
            wrong = (places < 0) | (places > last)
            mend = f"a whole number from 0 to {last:,}, or a label"
            if self.numbers is not None:
                mend = f"one of {listed(self.labels)}"
            at = values if shown is None else shown
            faults.add(self.column, _WITHOUT[self.column], mend, wrong, first, at)
            places = np.where(wrong, 0, places)
        if self.open:
            self.labels += [str(n) for n in range(len(self.labels), int(places.max()) + 1)]
        return places

    @staticmethod
    def _places_of(values: Codes, numbers: npt.NDArray[np.int64]) -> Codes:
        """Where each number stands among labels that are numbers; -1 if it does not."""
        order = np.argsort(numbers)
        at = np.minimum(np.searchsorted(numbers[order], values), len(numbers) - 1)
        return np.where(numbers[order][at] == values, order[at], -1)


_WITHOUT = {
    PRACTICE: "of no known practice",
    AGE_BAND: "of no known age band",
    SEX: "of no known sex",
    MASK: "with flags that there are not",
    CELL: "in a cell that there is not",
}


def cells_of(
    columns: Mapping[str, Any],
    cells: Cells,
    codings: Mapping[str, Coding],
    faults: Faults,
    first: int,
) -> Codes:
    """The cell of each person of a batch."""
    dtype = cells.dtype
    if CELL in columns:
        return codings[CELL].codes(columns[CELL], faults, first).astype(dtype, copy=False)
    found = codings[AGE_BAND].codes(columns[AGE_BAND], faults, first).astype(dtype)
    found *= dtype(len(cells.sexes))
    found += codings[SEX].codes(columns[SEX], faults, first).astype(dtype, copy=False)
    found *= dtype(cells.masks)
    if MASK in columns:
        found += codings[MASK].codes(columns[MASK], faults, first).astype(dtype, copy=False)
        return found
    for bit, name in enumerate(cells.flags):
        found += flags_of(name, columns[name], faults, first).astype(dtype, copy=False) << dtype(
            bit
        )
    return found


def flags_of(name: str, values: Any, faults: Faults, first: int) -> Codes:
    """Whether each person has a flag, as 0 and 1."""
    values = np.asarray(values)
    if values.dtype.kind == "b":
        return values.view(np.uint8)
    if values.dtype.kind not in "uif":
        values = np.array([_number_of_flag(value) for value in values])
    wrong = ~((values == 0) | (values == 1))
    faults.add(
        name, "neither with nor without the flag", "0 or 1, or true or false", wrong, first, values
    )
    return np.where(wrong, 0, values).astype(np.uint8)


def _number_of_flag(value: Any) -> float:
    if isinstance(value, str):
        return {"0": 0.0, "1": 1.0, "false": 0.0, "true": 1.0}.get(value.strip().lower(), np.nan)
    return float("nan") if _is_missing(value) else float(value)


def columns_wanted(names: Collection[str], cells: Cells) -> list[str]:
    """Which of the columns that there are say a person's cell, and his practice."""
    practice = START if START in names else PRACTICE
    if CELL in names:
        return [practice, CELL]
    flags = [MASK] if MASK in names and not set(cells.flags) & set(names) else list(cells.flags)
    return [practice, AGE_BAND, SEX, *(flags if cells.flags else [])]


def missing_columns(names: Collection[str], cells: Cells, place: str) -> Iterable[Problem]:
    """A problem for each column that is not there."""
    return [
        Problem(place, f"there is no column {name!r}", nearest(name, names) if names else "")
        for name in columns_wanted(names, cells)
        if name not in names
    ]
