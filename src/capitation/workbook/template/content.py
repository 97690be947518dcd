"""What a template is filled with: a contract's figures, its scenarios and its practices."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from capitation.engine.terms import Term
from capitation.errors import InputError, Problem, raise_if_any
from capitation.inputs.layout import PRACTICE_COLUMNS, PRACTICE_TITLES, PRACTICES_TABLE, Field
from capitation.model import BASE, Model, term_behind
from capitation.model_file import load_model, models
from capitation.national import national_terms
from capitation.practices import FIGURES, FLAGS, LISTS
from capitation.workbook.template.entry import between

if TYPE_CHECKING:
    import xarray as xr

Cell = str | float | None


@dataclass(frozen=True)
class PracticeTable:
    """Practices as plain columns: what is known of each, None where nothing is.

    Attributes
    ----------
    columns : dict of str to list
        By the library's names; each as long as there are practices.
    fiscal_year : str
        That the figures are of.
    organisation : str
        The commissioner, where they have one between them.
    is_example : bool
        Whether they are invented.
    licence : str
        What is to be said wherever the figures are shown: which they are, and whose.
    """

    columns: dict[str, list[Cell]]
    fiscal_year: str
    organisation: str = ""
    is_example: bool = False
    licence: str = ""

    def __len__(self) -> int:
        return len(self.columns["practice"])


@dataclass(frozen=True)
class PracticeColumn:
    """A column of the sheet of practices.

    Attributes
    ----------
    field : Field
        With the library's name as its heading.
    title, unit : str
        What stands over it.
    asked : str
        What is wanted, in words.
    least, most : float or None
        Between which its numbers lie.
    """

    field: Field
    title: str
    unit: str
    asked: str
    least: float | None = None
    most: float | None = None

    @property
    def name(self) -> str:
        """The library's name."""
        return self.field.heading

    @property
    def is_number(self) -> bool:
        """Whether its cells hold numbers."""
        return self.field.kind == "number"


class TemplateContent:
    """A contract and practices, as an input workbook shows them.

    Parameters
    ----------
    model : Model, str or Path
    practices : PracticeTable or None
        None for none.
    folder : Path
        Where the workbook goes: a model's own file is named as seen from there.
    """

    def __init__(self, model: Model | str | Path, practices: PracticeTable | None, folder: Path):
        self.model = model if isinstance(model, Model) else load_model(model)
        self.named = _name_of(self.model, model, folder)
        self.practices = practices

    @cached_property
    def leaves(self) -> set[str]:
        """Names of terms, inputs and facts that the contract's rules read."""
        return set(self.model.graph().leaves)

    @cached_property
    def terms(self) -> list[Term]:
        """The terms that its rules read: its own first, then the national ones."""
        read = {term_behind(name, self.model.terms) for name in self.leaves}
        found = [term for name, term in self.model.terms.items() if name in read]
        return sorted(found, key=self.is_national)

    def is_national(self, term: Term) -> bool:
        """Whether a term is a national figure as it came with the library."""
        return national_terms()[0].get(term.name) == term

    @property
    def figures(self) -> int:
        """How many dated values there are."""
        return sum(len(term.values) for term in self.terms)

    @cached_property
    def columns(self) -> list[PracticeColumn]:
        """Columns of the sheet of practices: who they are, figures, and what the contract asks."""
        columns = [
            PracticeColumn(field, PRACTICE_TITLES[field.heading], "text", field.help)
            for field in PRACTICE_COLUMNS
        ]
        columns += [self._figure(name, unit, title) for name, (unit, title) in FIGURES.items()]
        columns.append(self._flag("london_practice"))
        known = {column.name for column in columns}
        asked = [name for name in self.model.inputs if name in self.leaves - known]
        return columns + [self._input(name) for name in asked]

    def _figure(self, name: str, unit: str, title: str) -> PracticeColumn:
        read = f"{BASE}{name}" in self.leaves
        least = 0.0 if name in LISTS else None
        asked = f"{title} of the base year, {unit}."
        asked += "" if read else " No rule of this contract reads it: it may stay blank."
        shown = title if read else f"{title} [not needed]"
        return PracticeColumn(PRACTICES_TABLE[name], shown, unit, asked, least)

    def _flag(self, name: str) -> PracticeColumn:
        asked = f"{FLAGS[name]}: 1 for yes, 0 for no."
        shown = FLAGS[name] if name in self.leaves else f"{FLAGS[name]} [not needed]"
        return PracticeColumn(PRACTICES_TABLE[name], shown, "1 or 0", asked, 0.0, 1.0)

    def _input(self, name: str) -> PracticeColumn:
        given = self.model.inputs[name]
        asked, shown = f"{given.title}, {given.unit}.", given.title
        if given.value is None:
            asked += " This contract needs it."
        else:
            shown += f" [if blank: {given.value:.10g}]"
            grounds = given.assumption or f"source {given.source}"
            asked += f" If all are blank: {given.value:.10g}. {grounds}"
        asked += f" Allowed: {between(given.least, given.most)}."
        field = Field(name, "number", given.value is None, given.title)
        return PracticeColumn(field, shown, given.unit, asked, given.least, given.most)

    def rows(self) -> Iterator[list[Cell]]:
        """What is known of each practice, column by column; None where nothing is."""
        if self.practices is None:
            return
        nothing: list[Cell] = [None] * len(self.practices)
        held = (self.practices.columns.get(column.name, nothing) for column in self.columns)
        yield from (list(row) for row in zip(*held, strict=True))


def _name_of(model: Model, asked: Model | str | Path, folder: Path) -> str:
    """How the cover names a model: a shipped one by its name, another by its file."""
    if isinstance(asked, Model):
        return model.name if model.name in models() else model.place
    path = Path(asked)
    if path.suffix != ".toml":
        return str(asked)
    try:
        return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    except ValueError:
        # Another drive of Windows: there is no way from one to the other.
        return path.resolve().as_posix()


def practice_table(practices: xr.Dataset, count: int | None = None) -> PracticeTable:
    """Practices as plain columns: the first so many, or all of them.

    Raises
    ------
    InputError
        If there are not so many.
    """
    columns = {
        str(name): variable.values.tolist()
        for name, variable in practices.variables.items()
        if variable.dims == ("practice",)
    }
    table = plain_table(columns, str(practices.attrs["fiscal_year"]), count)
    return replace(table, licence=_licence(practices.attrs))


def _licence(about: Mapping[str, Any]) -> str:
    """Which figures they are, and the words that their licence asks for; nothing if it asks none.

    Examples
    --------
    >>> _licence({"title": "Payments, 2014/15", "source": "p.csv", "licence": "Contains …"})
    'Figures of the practices: Payments, 2014/15 (p.csv). Contains …'
    """
    if not about.get("licence"):
        return ""
    which = f"{about.get('title', 'as given')} ({about.get('source', 'no file')})"
    return f"Figures of the practices: {which}. {about['licence']}"


def plain_table(
    columns: Mapping[str, list[Any]],
    fiscal_year: str,
    count: int | None = None,
    *,
    is_example: bool = False,
) -> PracticeTable:
    """The first so many practices of plain columns, or all of them.

    Raises
    ------
    InputError
        If there are not so many.
    """
    known = len(columns["practice"])
    if count is not None and not 1 <= count <= known:
        mend = f"from 1 to {known}"
        raise InputError(Problem("practices (--practices)", f"found {count}", mend))
    chosen = {name: [_cell(value) for value in values[:count]] for name, values in columns.items()}
    names = {str(name) for name in chosen.get("commissioner_name", ())}
    organisation = names.pop() if len(names) == 1 else ""
    return PracticeTable(chosen, fiscal_year, organisation, is_example)


def _cell(value: Any) -> Cell:
    """What a cell is to hold: text or a number."""
    return float(value) if isinstance(value, bool | int | float) else str(value)


def check_blank(blank: bool, practices: object, count: int | None) -> None:
    """Refuse to fill in practices where the template is to be blank.

    Raises
    ------
    InputError
    """
    asked = [practices is not None, count is not None]
    mend = "leave out one of them"
    raise_if_any(
        Problem("blank (--blank)", f"there are {word} too", mend)
        for is_asked, word in zip(asked, ("practices", "a number of practices"), strict=True)
        if blank and is_asked
    )
