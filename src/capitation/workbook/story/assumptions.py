"""The sheet Assumptions: a log of what the run assumes, with what hangs on it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from capitation.engine.graph import Leaf
from capitation.engine.record import own_values
from capitation.engine.rule import Rule
from capitation.engine.terms import DatedValue
from capitation.wording import label
from capitation.workbook.content import Content
from capitation.workbook.layout import Layout
from capitation.workbook.page import Book, Page, at, format_for, quoted
from capitation.workbook.story.sensitivity import SensitivitySheet
from capitation.workbook.terms_sheets import TermsSheet

TITLE = "Assumptions"
VALUE_COLUMN = 5
"""Of the sheet Terms."""
_HEADING = 5
_NAME, _RULES, _SCENARIO, _FROM, _VALUE, _UNIT, _LOW, _HIGH = range(1, 9)
_EFFECT_LOW, _EFFECT_HIGH, _WHY, _OWNER, _AGREED, _SIGNED = range(9, 15)
_WIDTHS = (40, 32, 15, 12, 13, 17, 10, 10, 16, 16, 58, 14, 12, 14)
_ABOUT = (
    "Every figure of this run that rests on an assumption; those with a source are on the sheet "
    "Terms. Values are read from the cells where they stand, which is where to change them. Low "
    "and high say between what a figure may well lie. Owner, agreed and signed off are empty where "
    "the model does not say."
)
_OF_EFFECTS = " Effects are those of the sheet Sensitivity, as run, and the largest stands first."
_NO_EFFECTS = " What hangs on them was not asked for in this run."


@dataclass(frozen=True)
class Assumed:
    """A figure that rests on an assumption.

    Attributes
    ----------
    title, name, unit : str
    scenario : str
        In which it holds, or for whom.
    cell : str
        The formula that reads it, without the equals sign.
    dated : DatedValue
        What is said of it.
    effect : tuple of float, or None
        By how much the amount moves at its low, and at its high.
    of_term : float
        The larger of the two, of any value of the same term.
    """

    title: str
    name: str
    unit: str
    scenario: str
    cell: str
    dated: DatedValue
    effect: tuple[float, float] | None = None
    of_term: float = 0.0


class AssumptionsSheet:
    """Writes the sheet, once the terms stand.

    The sheet is added to the book at once, so that it stands where it should, and written later.

    Parameters
    ----------
    book : Book
    layout : Layout
    sensitivity : SensitivitySheet
    """

    def __init__(self, book: Book, layout: Layout, sensitivity: SensitivitySheet):
        self.layout, self.sensitivity = layout, sensitivity
        self.content: Content = layout.content
        self.page: Page = book.page(TITLE)

    def write(self, terms: TermsSheet) -> None:
        """Write every assumed figure, and every rule that rests on an assumption.

        Parameters
        ----------
        terms : TermsSheet
            Written already: its cells are read.
        """
        page = self.page
        page.widths(*_WIDTHS)
        page.text(1, 1, "Assumptions: what the run takes for granted", bold=True)
        page.paragraph(
            2, _ABOUT + (_OF_EFFECTS if self.sensitivity.wanted else _NO_EFFECTS), _EFFECT_LOW
        )
        unit = self.sensitivity.unit if self.sensitivity.wanted else "£"
        page.headings(_HEADING, 1, ["Assumption", "Name in the rules", "Scenario"])
        said = ["From", "Value", "", "Low", "High", f"Effect of its low, {unit}"]
        page.headings(_HEADING, _FROM, [*said, f"Effect of its high, {unit}"], over_numbers=True)
        page.text(_HEADING, _UNIT, "Unit", "heading", form="indented")
        for place, text in enumerate(("Why", "Owner", "Agreed", "Signed off"), start=_WHY):
            page.text(_HEADING, place, text, "heading", form="indented")
        page.sheet.row_dimensions[_HEADING].height = 27
        page.sheet.freeze_panes = at(_HEADING + 1, 2)
        page.sheet.print_title_rows = f"{_HEADING}:{_HEADING}"
        lines = [*self.of_terms(terms), *self.of_practices(terms), *self.of_inputs()]
        lines.sort(key=lambda of: (-of.of_term, of.title, of.name))
        row = _HEADING + 1
        for line in lines:
            self.write_line(row, line)
            row += 1
        if not lines:
            page.text(row, 1, "None: every figure has a source.")
        self.write_rules(row + 1)

    def write_line(self, row: int, line: Assumed) -> None:
        """Write a figure, with what is said of it."""
        page, dated, form = self.page, line.dated, format_for(line.unit)
        page.text(row, _NAME, line.title, wrap=True)
        page.text(row, _RULES, line.name)
        page.text(row, _SCENARIO, line.scenario, wrap=True)
        if dated.start > dt.date.min:
            page.number(row, _FROM, dated.start, "date", "plain")
        page.formula(row, _VALUE, f"={line.cell}", dated.value, form)
        page.text(row, _UNIT, line.unit, form="indented")
        for place, bound in ((_LOW, dated.low), (_HIGH, dated.high)):
            if bound is not None:
                page.number(row, place, bound, form, "plain")
        if line.effect is not None:
            for place, effect in zip((_EFFECT_LOW, _EFFECT_HIGH), line.effect, strict=True):
                page.number(row, place, effect, self.sensitivity.form, "plain")
        words = {
            _WHY: dated.assumption,
            _OWNER: dated.owner,
            _AGREED: dated.agreed,
            _SIGNED: dated.signed_off,
        }
        for place, text in words.items():
            page.text(row, place, text, wrap=True, form="indented")
        wrapped = {_NAME: line.title, _SCENARIO: line.scenario} | words
        page.fit_height(row, [(text, page.width(place)) for place, text in wrapped.items()])

    # ------------------------------------------------------------------ figures

    def of_terms(self, terms: TermsSheet) -> Iterator[Assumed]:
        """Dated values of terms; a cell that several read is one figure."""
        seen: set[int] = set()
        effects = self.sensitivity.effects()
        for (name, scenario), rows in terms.blocks.items():
            leaf = self.content.graph[name]
            effect = self.effect_in(scenario, effects.get(name))
            size = max(map(abs, effect[:2])) if effect else 0.0
            for row, dated in zip(rows, terms.values[name, scenario], strict=True):
                if row in seen or not dated.assumption:
                    continue
                seen.add(row)
                at_this = effect and effect[2] == dated.start.isoformat()
                yield Assumed(
                    leaf.title or label(name),
                    name,
                    str(leaf.unit),
                    scenario or "all",
                    f"Terms!{at(row, VALUE_COLUMN)}",
                    dated,
                    effect[:2] if effect and at_this else None,
                    size,
                )

    def effect_in(
        self, scenario: str | None, effect: tuple[float, float, str] | None
    ) -> tuple[float, float, str] | None:
        """A term's effect, in the scenario for which it was worked out."""
        if effect is None or scenario not in (None, self.sensitivity.of.attrs["scenario"]):
            return None
        return effect

    def of_practices(self, terms: TermsSheet) -> Iterator[Assumed]:
        """What practices have of their own in place of a term."""
        written: set[tuple[str, str]] = set()
        for name, leaf in self.content.graph.leaves.items():
            for code, values in own_values(self.content.result[name].attrs).items():
                rows = terms.own_blocks.get((name, code))
                if rows is None or (name, code) in written:
                    continue
                written.add((name, code))
                for row, dated in zip(rows, values, strict=True):
                    if dated.assumption:
                        where = f"Terms!{at(row, VALUE_COLUMN)}"
                        title, unit = leaf.title or label(name), str(leaf.unit)
                        yield Assumed(title, name, unit, f"practice {code}", where, dated)

    def of_inputs(self) -> Iterator[Assumed]:
        """Figures of practices that the model gives, since their file does not have them."""
        for name, leaf in self.content.graph.leaves.items():
            attributes = self.content.result[name].attrs
            said = str(attributes.get("assumption", ""))
            if "term" in leaf.kind or not said or self.content.is_from_file(name):
                continue
            if not np.isfinite(self.content.values(name, None)).all():
                continue
            yield self.of_input(name, leaf, said)

    def of_input(self, name: str, leaf: Leaf, said: str) -> Assumed:
        place = self.layout.place(name, None)
        values = self.content.values(name, None)
        last = place.row + values.shape[0] - 1 if values.ndim else place.row
        cells = f"{quoted(place.sheet)}!{at(place.row, place.column)}:{at(last, place.column)}"
        title, unit = leaf.title or label(name), str(leaf.unit)
        dated = DatedValue(dt.date.min, float(values.mean()), "", assumption=said)
        return Assumed(title, name, unit, "each practice: mean", f"AVERAGE({cells})", dated)

    # ------------------------------------------------------------------ rules

    def write_rules(self, row: int) -> None:
        """Write the rules that rest on an assumption rather than on a source."""
        page, nodes = self.page, self.content.graph.nodes
        found = [
            (name, node.title, str(node.unit), node.definition.assumption)
            for name, node in nodes.items()
            if isinstance(node.definition, Rule) and node.definition.assumption
        ]
        if not found:
            return
        page.text(row, 1, "Rules that rest on an assumption, in whole or in part", bold=True)
        page.headings(row + 1, 1, ["Rule", "Name in the rules"])
        page.headings(row + 1, _SCENARIO, [""] * (_SIGNED - 2))
        page.text(row + 1, _UNIT, "Unit", "heading", form="indented")
        page.text(row + 1, _WHY, "Why", "heading", form="indented")
        for line, (name, title, unit, said) in enumerate(found, start=row + 2):
            page.text(line, _NAME, title, wrap=True)
            page.text(line, _RULES, name)
            page.text(line, _UNIT, unit, form="indented")
            page.text(line, _WHY, said, wrap=True, form="indented")
            page.fit_height(line, [(title, page.width(_NAME)), (said, page.width(_WHY))])
