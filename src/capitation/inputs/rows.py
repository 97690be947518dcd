"""The tables of the input workbook as rows of values, each with the cell that it stands in."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from capitation.errors import Problem
from capitation.inputs.layout import HEADING_ROWS, Field
from capitation.inputs.values import READERS, WrongValue, checked, read_date_or_words, said
from capitation.sources.workbook_cells import CellProblem, SheetCells, clean
from capitation.sources.workbook_scan import place_name


@dataclass(frozen=True)
class Row:
    """A row of a table.

    Attributes
    ----------
    sheet : SheetCells
    number : int
        As the spreadsheet shows it.
    columns : mapping of str to int
        Column of each heading.
    values : dict of str to object
        What was read, by heading. What is blank is not there.
    wrong : frozenset of str
        Headings of cells that could not be read, and have been told of.
    """

    sheet: SheetCells
    number: int
    columns: Mapping[str, int]
    values: dict[str, Any]
    wrong: frozenset[str]

    def get(self, heading: str, otherwise: Any = None) -> Any:
        """What was read under a heading."""
        return self.values.get(heading, otherwise)

    def problem(self, heading: str, found: str, mend: str = "") -> CellProblem:
        """A fault in the cell under a heading, or in the row's first if there is no such column."""
        column = self.columns.get(heading, min(self.columns.values()))
        return self.sheet.problem(self.number, column, found, mend)

    def place(self, heading: str) -> str:
        """File, sheet and cell under a heading."""
        column = self.columns.get(heading, min(self.columns.values()))
        return self.sheet.place(self.number, column)

    def cell(self, heading: str) -> str:
        """The cell under a heading, as a spreadsheet names it."""
        return place_name(self.number, self.columns[heading])


@dataclass
class TableRows:
    """A table of the input workbook, as read.

    Attributes
    ----------
    sheet : SheetCells
    columns : dict of str to int
        Column of each heading that is there.
    misnamed : set of str
        Headings that are missing where another is much like them, which has been told of.
    rows : list of Row
    problems : list of Problem
    notes : list of str
    """

    sheet: SheetCells
    columns: dict[str, int] = field(default_factory=dict)
    misnamed: set[str] = field(default_factory=set)
    rows: list[Row] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_rows(
    sheet: SheetCells, columns: Sequence[Field], present: Sequence[str] = ()
) -> TableRows:
    """Read a sheet that is a table.

    Parameters
    ----------
    sheet : SheetCells
    columns : sequence of Field
        The first is the key, by which the row of headings is known.
    present : sequence of str
        Headings that may not be missing, though cells under them may be blank.

    Returns
    -------
    TableRows
        With every problem of the headings and of single cells.
    """
    table = TableRows(sheet, problems=list(sheet.problems), notes=list(sheet.notes))
    if table.problems and not sheet.rows:
        return table
    heading_row = _heading_row(sheet, columns)
    if heading_row is None:
        found = f"no row of headings among the first {HEADING_ROWS} rows"
        mend = f"it has the headings {', '.join(c.heading for c in columns[:4])} …"
        table.problems.append(sheet.fault(found, mend))
        return table
    table.problems += _merged(sheet, heading_row)
    _read_headings(table, heading_row, columns, present)
    if columns[0].heading not in table.columns:
        return table
    fields = {column.heading: column for column in columns}
    heads = {number: fields[name] for name, number in table.columns.items()}
    for number in sorted(row for row in sheet.rows if row > heading_row):
        row, wrong = _read_row(table, number, heads)
        table.problems += wrong
        if row.values or row.wrong:
            table.rows.append(row)
    table.problems += _without_heading(sheet, heading_row)
    table.notes += sheet.notes_on_formulas(lambda row, _: row > heading_row)
    return table


def _key(value: Any) -> str:
    return clean(value).casefold() if isinstance(value, str) else ""


def _heading_row(sheet: SheetCells, columns: Sequence[Field]) -> int | None:
    """The row that has the key and the most headings that are known."""
    known = {column.heading.casefold() for column in columns}
    best: tuple[int, int] | None = None
    for number in sorted(row for row in sheet.rows if row <= HEADING_ROWS):
        headings = {_key(value) for value in sheet.rows[number].values()}
        count = len(headings & known)
        if columns[0].heading.casefold() in headings and (best is None or count > best[0]):
            best = count, number
    if best is None:
        # The key itself may be what is missing: then most of the others are there.
        for number in sorted(row for row in sheet.rows if row <= HEADING_ROWS):
            headings = {_key(value) for value in sheet.rows[number].values()}
            if len(headings & known) >= 2 and (best is None or len(headings & known) > best[0]):
                best = len(headings & known), number
    return best[1] if best else None


def _merged(sheet: SheetCells, heading_row: int) -> Iterator[Problem]:
    for row, column, last_row, last_column in sheet.merged:
        if last_row >= heading_row:
            cells = f"{place_name(row, column)}:{place_name(last_row, last_column)}"
            mend = "unmerge them, and fill in each cell"
            yield sheet.problem(row, column, f"cells {cells} are merged", mend)


def _read_headings(
    table: TableRows, heading_row: int, columns: Sequence[Field], present: Sequence[str]
) -> None:
    sheet = table.sheet
    known = {column.heading.casefold(): column.heading for column in columns}
    others: list[tuple[int, str]] = []
    for number, value in sorted(sheet.rows[heading_row].items()):
        name = known.get(_key(value))
        if name is None:
            text = said(value) if not isinstance(value, str) else clean(value)
            others.append((number, text))
        elif name in table.columns:
            first = place_name(heading_row, table.columns[name])
            found = f"the heading {name} stands in {first} too"
            table.problems.append(sheet.problem(heading_row, number, found, "keep one of them"))
        else:
            table.columns[name] = number
    missing = [c.heading for c in columns if c.heading not in table.columns]
    needed = {c.heading for c in columns if c.required} | set(present)
    for number, text in others:
        close = difflib.get_close_matches(text.casefold(), [m.casefold() for m in missing], 1, 0.75)
        if close:
            heading = known[close[0]]
            table.misnamed.add(heading)
            found = f"there is no heading {text!r}, and none {heading!r}"
            mend = f"did you mean {heading!r}?"
            table.problems.append(sheet.problem(heading_row, number, found, mend))
        elif any(number in sheet.rows[row] for row in sheet.rows if row > heading_row):
            column = place_name(heading_row, number)
            table.notes.append(f"{sheet.name}: the column {text!r} ({column}) is not read.")
    for heading in missing:
        if heading in needed and heading not in table.misnamed:
            found, mend = f"the column {heading!r} is missing", "add it to the row of headings"
            table.problems.append(sheet.problem(heading_row, 1, found, mend))


def _read_row(
    table: TableRows, number: int, heads: Mapping[int, Field]
) -> tuple[Row, list[Problem]]:
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    wrong: set[str] = set()
    for column, value in table.sheet.rows[number].items():
        head = heads.get(column)
        if head is None:
            continue
        try:
            reader = read_date_or_words if head.or_words else READERS[head.kind]
            values[head.heading] = reader(checked(value))
        except WrongValue as error:
            wrong.add(head.heading)
            problems.append(table.sheet.problem(number, column, error.found, error.mend))
    return Row(table.sheet, number, table.columns, values, frozenset(wrong)), problems


def _without_heading(sheet: SheetCells, heading_row: int) -> Iterator[Problem]:
    """The first cell of each column that has figures and no heading."""
    told = set(sheet.rows[heading_row])
    for number in sorted(row for row in sheet.rows if row > heading_row):
        for column in sorted(set(sheet.rows[number]) - told):
            told.add(column)
            mend = "give the column a heading, or delete what stands in it"
            yield sheet.problem(number, column, "stands under no heading", mend)
