"""A table as plain data: what it shows, its columns with their units, its rows and its notes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Cell = str | float | dt.date | None

TEXT, POUNDS, THOUSANDS, RATE = "text", "pounds", "thousands", "rate"
LIST, COUNT, SHARE, FIGURE = "list", "count", "share", "figure"
DATE, MONTH = "date", "month"
KINDS = (TEXT, POUNDS, THOUSANDS, RATE, LIST, COUNT, SHARE, FIGURE, DATE, MONTH)
"""What a column holds: words; pounds to the penny; thousands of pounds; pounds for each patient;
patients; how many; a share of one; a figure in a unit of its own; a day; a month."""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    title : str
        What it holds, with the unit.
    kind : str
        One of `KINDS`.
    note : str
        What a reader must know of it.
    """

    title: str
    kind: str = TEXT
    note: str = ""


@dataclass(frozen=True)
class Table:
    """A table of a result.

    Attributes
    ----------
    sheet : str
        A short name, of 31 letters at most, that no other table has.
    title : str
        What it shows, of which time, in which unit.
    columns : tuple of Column
        With titles that differ.
    rows : tuple of tuple of Cell
        A cell is None where there is nothing to show.
    about : tuple of str
        Sentences that help to read it.
    notes : tuple of str
        What a reader must know of the whole table.
    blanks : str
        Why cells are blank, where some are.

    Raises
    ------
    ValueError
        If rows and columns do not fit, titles are alike, or blank cells are not explained: a fault
        of who made the table, never of a user's data.
    """

    sheet: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    about: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    blanks: str = ""

    def __post_init__(self) -> None:
        headings = [column.title.lower() for column in self.columns]
        blank = any(cell in (None, "") for row in self.rows for cell in row)
        for wrong, said in (
            (not self.rows, "has no rows"),
            (any(len(row) != len(headings) for row in self.rows), "has rows of another width"),
            (len(set(headings)) != len(headings), "has two columns of one title"),
            (not all(headings), "has a column without a title"),
            (blank and not self.blanks, "has blank cells and does not say why"),
        ):
            if wrong:
                raise ValueError(f"the table {self.sheet!r} {said}")

    @property
    def name(self) -> str:
        """The short name as one word, such as ``payment_calendar``."""
        return self.sheet.lower().replace(" ", "_")

    @property
    def all_notes(self) -> tuple[str, ...]:
        """Notes of the table, then those of its columns, each once."""
        of_columns = (column.note for column in self.columns if column.note)
        return tuple(dict.fromkeys((*self.notes, *of_columns)))

    def column(self, title: str) -> list[Cell]:
        """The cells under a heading."""
        place = [column.title for column in self.columns].index(title)
        return [row[place] for row in self.rows]


def without_empty_columns(
    columns: Sequence[Column], rows: Iterable[Sequence[Cell]], keep: int
) -> tuple[tuple[Column, ...], tuple[tuple[Cell, ...], ...]]:
    """Leave out columns, after the first few, in which no row has anything.

    Examples
    --------
    >>> columns, rows = without_empty_columns([Column("A"), Column("B")], [(1.0, None)], keep=1)
    >>> [column.title for column in columns], rows
    (['A'], ((1.0,),))
    """
    lines = [tuple(cell if cell != "" else None for cell in row) for row in rows]
    kept = [
        place
        for place in range(len(columns))
        if place < keep or any(row[place] is not None for row in lines)
    ]
    return (
        tuple(columns[place] for place in kept),
        tuple(tuple(row[place] for place in kept) for row in lines),
    )


def numbered_notes(tables: Iterable[Table]) -> dict[str, int]:
    """Number notes in the order in which tables first speak of them.

    Examples
    --------
    >>> table = Table("A", "B", (Column("C", note="Of C."),), (("d",),), notes=("Of all.",))
    >>> numbered_notes([table])
    {'Of all.': 1, 'Of C.': 2}
    """
    notes = dict.fromkeys(note for table in tables for note in table.all_notes)
    return {note: number for number, note in enumerate(notes, start=1)}


def marked(text: str, notes: Iterable[str], numbers: dict[str, int]) -> str:
    """A text with the marks of its notes.

    Examples
    --------
    >>> marked("List", ["Weighted."], {"Weighted.": 2})
    'List [note 2]'
    """
    return " ".join([text, *(f"[note {numbers[note]}]" for note in notes if note)])
