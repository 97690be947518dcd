"""Read an input workbook: a contract, its figures, its scenarios and the practices of a budget.

The workbook that ``capitation template`` makes is filled in by a finance team. Whatever is wrong
with one is told at once, each fault with its cell and how to mend it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import xarray as xr

from capitation.engine.terms import Term
from capitation.errors import InputError, Problem, listed
from capitation.inputs.assumptions import with_assumptions, with_scenarios
from capitation.inputs.contracts import Agreed, with_contracts
from capitation.inputs.cover import Cover, model_of, read_cover
from capitation.inputs.layout import (
    ASSUMPTIONS,
    ASSUMPTIONS_TABLE,
    CONTRACTS,
    CONTRACTS_TABLE,
    COVER,
    MODEL,
    NOTES,
    NOTES_FROM,
    PRACTICES,
    READ,
    SCENARIOS,
    SCENARIOS_TABLE,
    SHEETS,
    START,
    YEAR,
)
from capitation.inputs.practices import practices_of, read_practices_sheet
from capitation.inputs.rows import TableRows, read_rows
from capitation.inputs.terms import TermReader
from capitation.inputs.values import read_text
from capitation.model import Model, term_behind
from capitation.practices import check_practices
from capitation.setting import setting_of, values_of_leaves
from capitation.sources.workbook_cells import (
    CellProblem,
    Unreadable,
    WorkbookCells,
    cell_problem,
    read_cells,
)
from capitation.sources.workbook_scan import place_of_name

SHOWN = 50
"""Problems in one message."""

WRITTEN = "Run record"
"""The sheet by which a workbook is known that `run` wrote."""

READ_BY = "capitation explain, verify and compare read this one"

FOREIGN = 5
"""Terms that a model does not read, from which on it is taken for another than was meant."""

TEMPLATE = "capitation template makes a workbook with all of them"

PRESENT: dict[str, tuple[str, ...]] = {
    ASSUMPTIONS: (),
    CONTRACTS: ("Value", "Schedule"),
    SCENARIOS: ("Term", "From", "Value"),
}
"""Columns of a table that may not be missing, though cells of them may be blank."""

_CELL = re.compile(r"(?P<sheet>.+)!(?P<cell>[A-Z]+[0-9]+)")


@dataclass(frozen=True)
class InputWorkbook:
    """What an input workbook says.

    Attributes
    ----------
    model : Model
        The contract that it names, with its figures, scenarios and months in place of the model's.
    practices : xarray.Dataset
        On ``practice``, as `read_payments` gives it.
    scenarios : tuple of str
        Those that are to be run.
    prepared : dict of str to str
        Who prepared it, when and what for; the file's name and SHA-256.
    notes : list of str
        What is worth telling of how it was read: hidden rows, formulas read as last saved.
    input_notes : list of str
        The texts of its sheet of notes.
    """

    model: Model
    practices: xr.Dataset
    scenarios: tuple[str, ...]
    prepared: dict[str, str]
    notes: list[str]
    input_notes: list[str]

    def told_with(self, result: xr.Dataset) -> xr.Dataset:
        """A projection of it, with what the workbook says of itself: its cover shows that."""
        notes = [*json.loads(result.attrs["notes"]), *self.notes]
        return result.assign_attrs(
            notes=json.dumps(notes),
            prepared=json.dumps(self.prepared),
            input_notes=json.dumps(self.input_notes),
        )


def read_input_workbook(path: str | os.PathLike[str]) -> InputWorkbook:
    """Read an input workbook, as ``capitation template`` makes it and a finance team fills it in.

    Parameters
    ----------
    path : path-like
        An Excel workbook (.xlsx). Formulas are read as they were last saved.

    Returns
    -------
    InputWorkbook
        ``project(read.model, read.practices, scenarios=read.scenarios)`` projects it.

    Raises
    ------
    InputError
        If the file is no workbook that can be read safely, or anything in it is wrong. Up to fifty
        problems at once, each with its cell: those of cells are `CellProblem`, with `sheet` and
        `cell`.

    Examples
    --------
    >>> import tempfile
    >>> from capitation.workbook.template.book import write_template
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = write_template(Path(folder) / "in.xlsx", "unplanned-admissions-enhanced-service")
    ...     read = read_input_workbook(file)
    >>> read.model.title, read.practices.sizes["practice"], read.scenarios
    ('Avoiding Unplanned Admissions enhanced service', 50, ('base',))
    """
    path = Path(path)
    cells = read_cells(path, (*READ, NOTES))
    _raise_if_any(cells.file, _missing_sheets(cells))
    return _Reader(path, cells).read()


def _missing_sheets(cells: WorkbookCells) -> list[Problem]:
    if WRITTEN in cells.titles:
        found = "is a budget that capitation has written, and no input workbook"
        return [Problem(cells.file, found, f"give the workbook it was made from; {READ_BY}")]
    titles = ", ".join(repr(title) for title in cells.titles[:12]) or "none"
    return [
        Problem(cells.file, f"there is no sheet {name!r}; found {titles}", TEMPLATE)
        for name in READ
        if name not in cells.sheets
    ]


def _raise_if_any(file: str, problems: Sequence[Problem]) -> None:
    """Raise the first of `problems`, sheet by sheet, and say how many more there are."""
    found = sorted(dict.fromkeys(problems), key=_order)
    if len(found) > SHOWN:
        more = Problem(file, f"and {len(found) - SHOWN:,} more problems", "mend these first")
        found = [*found[:SHOWN], more]
    if found:
        raise InputError(found)


def _order(problem: Problem) -> tuple[int, tuple[int, int]]:
    """Where a problem stands in the workbook; what is of no cell comes first."""
    if not isinstance(problem, CellProblem):
        return -1, (0, 0)
    names = [name.casefold() for name in SHEETS]
    sheet = problem.sheet.strip().casefold()
    number = names.index(sheet) if sheet in names else len(names)
    return number, place_of_name(problem.cell) or (0, 0)


class _Reader:
    """Reads the sheets one after another, and collects every problem in them."""

    def __init__(self, path: Path, cells: WorkbookCells):
        self.path = path
        self.cells = cells
        self.problems: list[Problem] = []
        self.notes = list(cells.notes)

    def read(self) -> InputWorkbook:
        cells = self.cells.sheets
        cover = read_cover(cells[COVER])
        model = model_of(cover, self.path.parent)
        tables = {
            table.sheet: read_rows(cells[table.sheet], table.columns, PRESENT[table.sheet])
            for table in (ASSUMPTIONS_TABLE, CONTRACTS_TABLE, SCENARIOS_TABLE)
        }
        tables[PRACTICES] = read_practices_sheet(cells[PRACTICES], model)
        self.collect(cover, *tables.values())
        input_notes = self.input_notes()
        self.tell_of_other_sheets()
        if model is None:
            _raise_if_any(self.cells.file, self.problems)
            raise AssertionError("a cover without a model has problems")
        workbook = self.of_model(model, cover, tables, input_notes)
        assert workbook is not None
        return workbook

    def collect(self, *parts: Cover | TableRows | TermReader) -> None:
        for part in parts:
            self.problems += part.problems
            self.notes += part.notes

    def of_model(
        self, model: Model, cover: Cover, tables: dict[str, TableRows], input_notes: list[str]
    ) -> InputWorkbook | None:
        """What the workbook says of a contract, once it is known which."""
        named = (term_behind(name, model.terms) for name in model.graph().leaves)
        used = sorted({name for name in named if name})
        self.refuse_another(model, used, cover, tables[ASSUMPTIONS])
        reader = TermReader(model, used)
        model = with_assumptions(model, tables[ASSUMPTIONS], reader)
        model, to_run = with_scenarios(model, tables[SCENARIOS], reader)
        model, agreed = with_contracts(model, tables[CONTRACTS], tables[PRACTICES], reader)
        model = replace(model, sources={**model.sources, **reader.sources})
        self.collect(reader)
        year = str(cover.values.get(YEAR, ""))
        attributes = self.attributes(cover)
        practices, wrong, notes = practices_of(tables[PRACTICES], model, year, attributes)
        self.problems += wrong
        self.notes += notes
        if practices is not None and not self.problems:
            self.problems += self.of_run(model, practices, to_run, tables, agreed, cover)
        _raise_if_any(self.cells.file, self.problems)
        assert practices is not None
        prepared = cover.prepared
        prepared |= {"Input workbook": self.cells.file, "Its SHA-256": self.cells.sha256}
        return InputWorkbook(model, practices, to_run, prepared, self.notes, input_notes)

    def refuse_another(
        self, model: Model, used: Sequence[str], cover: Cover, table: TableRows
    ) -> None:
        """Refuse at once what is filled in for another contract: each row of it would be wrong."""
        named = list(dict.fromkeys(row.get("Term", "").casefold() for row in table.rows))
        foreign = [name for name in named if name and name not in {*map(str.casefold, used)}]
        if len(foreign) < FOREIGN or len(foreign) < len(named) / 4:
            return
        found = (
            f"{len(foreign)} of the {len(named)} terms on the sheet Assumptions are none that "
            f"the model {model.name!r} reads: {listed(foreign)}"
        )
        mend = (
            "name the model that the workbook was made for; or make a workbook for this one: "
            f"capitation template OUT.xlsx --model {cover.values[MODEL]}"
        )
        self.problems.append(cover.problem(MODEL, found, mend))
        _raise_if_any(self.cells.file, self.problems)

    def attributes(self, cover: Cover) -> dict[str, Any]:
        """What the practices' data say of themselves."""
        organisation = cover.prepared.get("Organisation", "")
        of = f" of {organisation}" if organisation else ""
        return {
            "title": f"Practices of the input workbook{of}",
            "source": self.cells.file,
            "sha256": self.cells.sha256,
            "licence": "",
        }

    def input_notes(self) -> list[str]:
        """The texts of the sheet of notes."""
        sheet = self.cells.sheets.get(NOTES)
        if sheet is None:
            return []
        held = [(row, sheet.rows[row].get(1)) for row in sorted(sheet.rows) if row >= NOTES_FROM]
        self.problems += [
            sheet.problem(row, 1, value.found, value.mend)
            for row, value in held
            if isinstance(value, Unreadable)
        ]
        self.notes += sheet.notes
        return [read_text(v) for _, v in held if v is not None and not isinstance(v, Unreadable)]

    def tell_of_other_sheets(self) -> None:
        known = {name.casefold() for name in SHEETS}
        others = [title for title in self.cells.titles if title.strip().casefold() not in known]
        self.notes += [f"The sheet {title!r} is not read." for title in others]

    # -------------------------------------------------------------- what the run would refuse

    def of_run(
        self,
        model: Model,
        practices: xr.Dataset,
        to_run: Sequence[str],
        tables: dict[str, TableRows],
        agreed: Agreed,
        cover: Cover,
    ) -> list[Problem]:
        """What the library would refuse in a run, led back to the cells that say so."""
        placed = _with_places(model, tables)
        try:
            check_practices(practices)
            setting = setting_of(placed, practices, to_run, None)
            graph = placed.graph(to_run)
            values_of_leaves(graph.leaves, setting, {})
        except InputError as error:
            return [self.in_cell(problem, agreed, cover) for problem in error.problems]
        return []

    def in_cell(self, problem: Problem, agreed: Agreed, cover: Cover) -> Problem:
        """A problem of the run, in the cell that it comes from."""
        match = _CELL.fullmatch(problem.where.removeprefix(f"{self.cells.file}, "))
        at = place_of_name(match["cell"]) if match else None
        if match and at:
            return cell_problem(self.cells.file, match["sheet"], *at, problem.found, problem.mend)
        for name, by_code in agreed.items():
            for code, rows in by_code.items():
                if problem.found.startswith(f"{name} of practice {code} "):
                    return rows[0].row.problem("From", problem.found, problem.mend)
        return cover.problem(START, f"{problem.where}: {problem.found}", problem.mend)


def _with_places(model: Model, tables: dict[str, TableRows]) -> Model:
    """The same contract, in which each term's place is the first row about it."""
    first: dict[str, str] = {}
    of_scenario: dict[tuple[str, str], str] = {}
    for row in tables[ASSUMPTIONS].rows:
        first.setdefault(row.get("Term", "").casefold(), row.place("From"))
    for row in tables[SCENARIOS].rows:
        key = row.get("Scenario", ""), row.get("Term", "").casefold()
        of_scenario.setdefault(key, row.place("From"))

    def placed(term: Term, place: str) -> Term:
        return replace(term, place=place or term.place)

    scenarios = {
        name: replace(
            scenario,
            terms={
                key: placed(term, of_scenario.get((name, key.casefold()), ""))
                for key, term in scenario.terms.items()
            },
        )
        for name, scenario in model.scenarios.items()
    }
    terms = {
        name: placed(term, first.get(name.casefold(), "")) for name, term in model.terms.items()
    }
    return replace(model, terms=terms, scenarios=scenarios)
