"""From a cell down to the cells that it is made from, and what the rules say of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import xarray as xr
from openpyxl.utils import get_column_letter

from capitation.engine.graph import Leaf, Node
from capitation.errors import listed
from capitation.explanation import Explanation, Reader
from capitation.workbook.audit.cell_comparison import same_value
from capitation.workbook.audit.cell_labels import in_words, label_of
from capitation.workbook.audit.cell_places import FIRST_VALUE, TOTAL, VALUE, CellPlaces, Figure
from capitation.workbook.audit.formula_ingredients import Ingredient, ingredients
from capitation.workbook.audit.formula_reading import place_of
from capitation.workbook.audit.saved_book import Held, SavedCell, Sheets
from capitation.workbook.content import Content
from capitation.workbook.layout import MONTH_ROW, Layout
from capitation.workbook.page import FORMATS, format_for, quoted
from capitation.workbook.terms_sheets import ASSUMPTION, FROM, NAME, NOTE, SOURCE, UNIT

DEEPEST, MOST_CELLS, MOST_PARTS = 14, 120, 12
"""How far down cells are followed, how many in all, and how many of one formula."""

_SHOWN_FORMULA = 400

TERMS = "Terms"
MONEY_UNITS = ("GBP", "GBP/month", "GBP/year")


@dataclass(frozen=True)
class Traced:
    """A cell, or several that a formula takes together, and what they are made from.

    Attributes
    ----------
    cell, label : str
    value : float, bool, str or None
        Of several cells, their sum.
    shown : str
        The value as a reader wants it.
    formula : str
    said : tuple of str
        What is known of it.
    parts : tuple of Traced
    count : int
        How many cells it is.
    """

    cell: str
    label: str
    value: Held
    shown: str = ""
    formula: str = ""
    said: tuple[str, ...] = ()
    parts: tuple[Traced, ...] = ()
    count: int = 1


class Tracer:
    """Follows the formulas of a workbook, and knows which figures of its result stand in cells.

    Parameters
    ----------
    result : Dataset
    cells : dict
        The workbook's cells.

    Attributes
    ----------
    sources : dict of str to str
        Text of each source that was cited on the way.
    notes : list of str
        Cells on the way that do not hold what the run gave.
    """

    def __init__(self, result: xr.Dataset, cells: Sheets):
        self.content = Content(result)
        self.places = CellPlaces(Layout(self.content))
        self.reader = Reader(result)
        self.cells = cells
        self.sources: dict[str, str] = {}
        self.notes: list[str] = []
        self.seen: set[tuple[str, str]] = set()

    def held(self, sheet: str, name: str) -> Held:
        """The value of a cell; None if it is empty."""
        cell = self.cells.get(sheet, {}).get(name)
        return cell.value if cell else None

    # ------------------------------------------------------------------ one cell

    def traced(self, sheet: str, name: str, depth: int = 0, reader: Figure | None = None) -> Traced:
        """A cell with what it is made from.

        Parameters
        ----------
        sheet, name : str
        depth : int
            How far below the cell that was asked for.
        reader : Figure or None
            The figure whose rule reads this cell.
        """
        cell = self.cells.get(sheet, {}).get(name, SavedCell("", None))
        figure = self.places.figure(sheet, *place_of(name)) if sheet in self.cells else None
        form = cell.form or self.form_of(sheet, name, figure)
        where = f"{quoted(sheet)}!{name}"
        shown = "empty" if cell.value is None and not cell.formula else ""
        shown = shown or in_words(cell.value, form)
        label = self.label(sheet, name, figure)
        if (sheet, name) in self.seen:
            return Traced(where, label, cell.value, shown, said=("as above",))
        self.seen.add((sheet, name))
        told = self.told(figure)
        said = [*self.said(sheet, name, cell, figure, told)]
        parts: tuple[Traced, ...] = ()
        if self.before(figure, reader):
            said = [f"of the time before; to see why, ask for {where}"]
        elif cell.formula:
            if told:
                self.sources.update(told.cited)
            parts, more = self.parts(cell, sheet, depth, figure)
            said += more
        elif told:
            self.sources.update(told.cited)
        formula = cell.formula
        if len(formula) > _SHOWN_FORMULA:
            formula = f"{formula[:_SHOWN_FORMULA]} …"
        return Traced(where, label, cell.value, shown, formula, tuple(said), parts)

    def form_of(self, sheet: str, name: str, figure: Figure | None) -> str:
        """A number format that tells pounds and dates from other figures."""
        if figure:
            return FORMATS[format_for(str(self.content.graph[figure.name].unit))]
        row, column = place_of(name)
        if sheet == TERMS:
            unit = str(self.held(sheet, f"{get_column_letter(UNIT)}{row}"))
            return FORMATS["date" if column == FROM else format_for(unit)]
        words = label_of(self.cells[sheet], name).replace(";", ",").split(", ")
        if words == ["Month"] and row == MONTH_ROW:
            return FORMATS["month"]
        pounds = any(word in MONEY_UNITS or word.endswith("£") for word in words)
        return FORMATS["money"] if pounds else ""

    def label(self, sheet: str, name: str, figure: Figure | None) -> str:
        """What a cell is: the figure with its place, or the words beside and above it."""
        if figure is None:
            return label_of(self.cells.get(sheet, {}), name)
        labels = self.places.labels(figure)
        title = self.content.graph[figure.name].title
        said = {FIRST_VALUE: ", before the first", TOTAL: ", sum"}.get(figure.role, "")
        return f"{figure.name}{said}: {title} [{', '.join(labels.values())}]".replace(" []", "")

    def told(self, figure: Figure | None) -> Explanation | None:
        """What the rules say of a figure."""
        if figure is None or figure.role != VALUE:
            return None
        at = self.reader.positions(figure.name, self.places.labels(figure))
        return self.reader.told(figure.name, at)

    def said(
        self,
        sheet: str,
        name: str,
        cell: SavedCell,
        figure: Figure | None,
        told: Explanation | None,
    ) -> Iterator[str]:
        """What is known of a cell beside its formula."""
        if told is not None and figure is not None:
            yield from self.said_of_figure(cell, figure, told, f"{quoted(sheet)}!{name}")
        elif sheet == TERMS and not isinstance(cell.value, str):
            yield from self.said_of_term(place_of(name)[0])
        elif isinstance(cell.value, str) and not cell.formula:
            yield "a text"
        elif not cell.formula and cell.value is not None:
            yield "a figure that is typed here: no formula gives it"

    def said_of_figure(
        self, cell: SavedCell, figure: Figure, told: Explanation, where: str
    ) -> Iterator[str]:
        variable = self.content.graph[figure.name]
        form = FORMATS[format_for(str(variable.unit))]
        agrees = same_value(told.value, cell.value, form)
        if not agrees:
            was = in_words(told.value, form)
            self.notes.append(f"{where} is not as it was run: the run gave {was}")
        if isinstance(variable, Node) and told.formula:
            yield f"= {told.formula}"
            yield f"= {told.numbers}" if agrees else f"in the run: {told.numbers}"
        if isinstance(variable, Leaf) and variable.kind == "input":
            place = "the practices' file" if self.content.is_from_file(figure.name) else "the model"
            yield f"an input, of {place}"
        # Of a term, the cell from which it is looked up says more.
        if not (isinstance(variable, Leaf) and "term" in variable.kind and cell.formula):
            yield from told.grounds

    def said_of_term(self, row: int) -> Iterator[str]:
        """What the sheet of terms says in a row."""
        cells = {n: self.held(TERMS, f"{get_column_letter(n)}{row}") for n in range(1, NOTE + 1)}
        if isinstance(cells[FROM], float):
            day = in_words(cells[FROM], FORMATS["date"])
            yield f"an input: {cells[NAME]} from {day}"
        named = {SOURCE: "source", ASSUMPTION: "assumption", NOTE: "note"}
        yield from (f"{words}: {cells[n]}" for n, words in named.items() if cells[n])

    def before(self, figure: Figure | None, reader: Figure | None) -> bool:
        """Whether a figure is of a month or year before that of the rule that reads it."""
        if figure is None or reader is None or figure.role != VALUE or reader.role != VALUE:
            return False
        times = (figure.time, reader.time)
        kinds = {self.places.layout.place(f.name, f.scenario).time for f in (figure, reader)}
        return len(kinds) == 1 and None not in times and (times[0] or 0) < (times[1] or 0)

    # ------------------------------------------------------------------ what it is made from

    def parts(
        self, cell: SavedCell, sheet: str, depth: int, figure: Figure | None
    ) -> tuple[tuple[Traced, ...], list[str]]:
        """What a formula is made from, and what is left out of it."""
        made = [i for i in ingredients(cell.formula, sheet, self.held) if i.sheet in self.cells]
        if depth >= DEEPEST or len(self.seen) >= MOST_CELLS:
            named = ", ".join(i.written for i in made[:MOST_PARTS])
            return (), [f"made from {named}: ask for one of them"] if made else []
        parts = [self.part(one, depth + 1, figure) for one in made[:MOST_PARTS]]
        left = len(made) - len(parts)
        return tuple(parts), [f"and {left} more cells or ranges"] if left else []

    def part(self, made: Ingredient, depth: int, figure: Figure | None) -> Traced:
        if len(made.names) == 1:
            return self.traced(made.sheet, made.names[0], depth, figure)
        return self.several(made, depth)

    def several(self, made: Ingredient, depth: int) -> Traced:
        """Cells that a formula takes together: how many, from what to what, and the largest."""
        held = [(name, self.held(made.sheet, name)) for name in made.names]
        figures = [(name, value) for name, value in held if isinstance(value, float)]
        if not figures:
            texts = dict.fromkeys(in_words(value, "") for _, value in held if value is not None)
            words = f"{_counted(len(held))}: {listed(texts)}"
            return Traced(made.written, "", None, said=(words,), count=len(held))
        largest = max(figures, key=lambda pair: abs(pair[1]))[0]
        figure = self.places.figure(made.sheet, *place_of(largest))
        form = self.cells[made.sheet][largest].form or self.form_of(made.sheet, largest, figure)
        values = [value for _, value in figures]
        low, high, total = (in_words(v, form) for v in (min(values), max(values), sum(values)))
        alike = low == high
        several = f"each {low}" if alike else f"from {low} to {high}"
        ends = f"{made.names[0]} to {made.names[-1]}"
        told = f"{_counted(len(figures))}, {ends}: {several}, together {total}"
        words = "the first of them:" if alike else "the largest of them:"
        part = self.traced(made.sheet, largest, depth)
        label = figure.name if figure else ""
        said = (told, words)
        return Traced(made.written, label, sum(values), "", "", said, (part,), len(figures))


def _counted(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"
