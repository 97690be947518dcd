"""Which form a workbook takes: live throughout, live for one practice, or summaries alone."""

from __future__ import annotations

import importlib.util
from enum import Enum
from pathlib import Path

import xarray as xr
from openpyxl.utils.cell import coordinate_to_tuple

from capitation.errors import InputError, Problem, nearest
from capitation.runs.frames import write_parquet
from capitation.workbook.content import Content
from capitation.workbook.layout import FIRST_ROW
from capitation.workbook.page import Book

MOST_LIVE = 320_000
"""Figures of the calculation that are live formulas, unless more are asked for.

Not 100,000, since opening takes time and recalculating hardly any. LibreOffice took 9 to 11 s to
open and save the 179,580 formulas of Bolton's example, recalculated or not; with 375,476 formulas,
the example under all nine scenarios of Thames Valley, recalculating made up a tenth of the time. So
the example stays live throughout under every contract for practices alone.
"""

MOST_CELLS = 1_000_000
"""Figures of the calculation that stand in a workbook at all: more are for a file of columns."""

MOST_ROWS, HEADINGS = 1_048_576, 10
"""Rows of a sheet in Excel, and how many of them are kept for its head."""


class Form(Enum):
    """How much of a workbook is live.

    Attributes
    ----------
    ALL_LIVE
        Every rule of every practice and scenario is a formula.
    ONE_PRACTICE_LIVE
        The rules of the practice and the scenario chosen are formulas; elsewhere are values.
    SUMMARIES_ONLY
        The same, without the sheets of every practice by month: a file beside the workbook has
        those figures.
    """

    ALL_LIVE = "all"
    ONE_PRACTICE_LIVE = "one"
    SUMMARIES_ONLY = "summaries"

    @property
    def by_month(self) -> bool:
        """Whether the sheets of every practice by month and by year are in the workbook."""
        return self is not Form.SUMMARIES_ONLY


AS_RUN = "values as run; live is the sheet One practice"
"""What a sheet says of itself where its figures are values."""

ASKED = ("auto", "all", "one")
"""What may be asked of a workbook's form."""


def calculated(content: Content) -> int:
    """How many figures the rules give: of every practice, month or year, and scenario."""
    return sum(content.result[name].size for name in content.graph.nodes)


def form_of(content: Content, live: str = "auto") -> Form:
    """The form that a workbook of a result takes.

    Parameters
    ----------
    content : Content
    live : {"auto", "all", "one"}
        Formulas throughout up to `MOST_LIVE` figures, and for one practice beyond; or throughout
        up to `MOST_CELLS`; or for one practice, however few figures there are.

    Returns
    -------
    Form

    Raises
    ------
    InputError
        If `live` is none of these, if formulas throughout are asked for and are too many, or if
        a sheet would have more rows than a spreadsheet has.
    """
    if live not in ASKED:
        raise InputError(Problem("live", f"found {live!r}", nearest(live, ASKED)))
    rows = len(content.scenarios) * (len(content.streams) + 1) * len(content.codes)
    if rows > MOST_ROWS - HEADINGS:
        found = (
            f"{rows:,} rows of practices by stream and scenario, where a sheet has {MOST_ROWS:,}"
        )
        raise InputError(Problem("workbook", found, "choose fewer commissioners or scenarios"))
    cells = calculated(content)
    if live == "all" and cells > MOST_CELLS:
        found = f"{cells:,} live formulas, where {MOST_CELLS:,} is the most"
        mend = "choose fewer commissioners, scenarios or months, or let one practice be live"
        raise InputError(Problem("workbook", found, mend))
    if cells > MOST_CELLS:
        return Form.SUMMARIES_ONLY
    if live == "one" or (live == "auto" and cells > MOST_LIVE):
        return Form.ONE_PRACTICE_LIVE
    return Form.ALL_LIVE


def words_of(form: Form, content: Content) -> list[tuple[str, str]]:
    """What the cover says of a workbook's form: names, with what they stand for.

    Parameters
    ----------
    form : Form
    content : Content

    Returns
    -------
    list of tuple of str
        Nothing of the workbook's name, so that a copy under another name is no other workbook.
    """
    cells = f"{calculated(content):,} figures of the calculation"
    if form is Form.ALL_LIVE:
        return [("Live", f"Throughout: {cells} are formulas. Change an input, and all follows.")]
    live = "One practice: choose it on that sheet, and the scenario above. It follows every input."
    if form is Form.ONE_PRACTICE_LIVE:
        why = f"The calculation, {cells}, and what sums it up: as formulas they would open slowly."
        return [("Live", live), ("Values, as run", why)]
    return [
        ("Live", live),
        ("Values, as run", "Summaries, and what each practice is paid by year."),
        ("Not here", f"Every practice by month: {cells}, where {MOST_CELLS:,} is the most."),
        ("They stand in", "the Parquet files beside this workbook, of its name"),
    ]


def figures_of(path: Path) -> dict[str, Path]:
    """The files beside a workbook that have every figure, by what their rows are of.

    Examples
    --------
    >>> [file.name for file in figures_of(Path("budget.xlsx")).values()]
    ['budget.parquet', 'budget-commissioners.parquet']
    """
    beside = path.with_name(f"{path.stem}-commissioners.parquet")
    return {"practice": path.with_suffix(".parquet"), "commissioner": beside}


def write_figures(result: xr.Dataset, path: Path) -> None:
    """Write every figure of a result beside a workbook that would be too large with them.

    Parameters
    ----------
    result : xarray.Dataset
    path : Path
        Of the workbook.

    Raises
    ------
    InputError
        If no Parquet file can be written here, or there.
    """
    if importlib.util.find_spec("pyarrow") is None:
        found = f"more than {MOST_CELLS:,} figures of the calculation go in a Parquet file"
        mend = (
            "pip install 'capitation[parquet]', or choose fewer scenarios, commissioners or months"
        )
        raise InputError(Problem("workbook", found, mend))
    for of, file in figures_of(path).items():
        write_parquet(result, file, of)


def mark_values(book: Book) -> None:
    """Say on each sheet whose figures are values, though they were worked out, that they are.

    Parameters
    ----------
    book : Book
        With all its sheets.
    """
    for sheet in book.workbook:
        formulas = (coordinate_to_tuple(cell)[0] for cell in book.values[sheet.title])
        if any(row >= FIRST_ROW for row in formulas):
            continue
        cells = (cell for row in sheet.iter_rows(FIRST_ROW) for cell in row)
        if any(cell.style.startswith("calculated") for cell in cells):
            sheet["A1"].value = f"{sheet['A1'].value} ({AS_RUN})"
