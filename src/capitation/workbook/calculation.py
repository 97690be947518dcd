"""Practices, months and years: every rule as a live formula, one formula along a row."""

from __future__ import annotations

import numpy as np

from capitation.engine.graph import Leaf, Node
from capitation.engine.rule import Rule, Total
from capitation.workbook.content import Content
from capitation.workbook.formulas import Part, formula, parts, written
from capitation.workbook.layout import (
    BEGINS_ROW,
    FIRST,
    FIRST_ROW,
    MONTH_ROW,
    OPENING,
    PRACTICE_FIRST_COLUMN,
    YEAR_ROW,
    Layout,
    Place,
)
from capitation.workbook.page import POINTS_A_LINE, Book, Page, at, format_for
from capitation.workbook.terms_sheets import (
    BlockKey,
    TermsSheet,
    write_months_of_leaf,
    write_time_headings,
)

_WIDTH_OF_MONTH, _WIDTH_OF_YEAR = 13.5, 17
"""Room for hundreds of millions to the penny in a month, and for billions in a year."""

_PRINTED_AT = 60
"""Per cent at which a table with a column for each figure is printed: as many pages as it takes."""

_LABEL_NOTE = (
    "Contract is a label: the flags gms_contract, pms_contract and apms_contract drive "
    "the formulas."
)


class Calculation:
    """Writes the sheets on which the rules run."""

    def __init__(self, book: Book, layout: Layout):
        self.book = book
        self.layout = layout
        self.content: Content = layout.content

    # ------------------------------------------------------------------ formulas

    def formula_parts(self, node: Node, scenario: str | None, place: Place) -> list[Part]:
        """A rule's formula with its references, ready for each cell of its block."""
        if isinstance(node.definition, Total):
            return self.total_parts(node.definition, scenario, place)
        rule: Rule = node.definition
        references = {
            parameter: self.layout.reference(
                place,
                node.looks_back.get(parameter, parameter),
                scenario,
                back=parameter in node.looks_back,
            )
            for parameter in rule.parameters
        }
        return parts(formula(rule.expression, rule.constants), references)

    def total_parts(self, total: Total, scenario: str | None, place: Place) -> list[Part]:
        of = self.layout.place(total.of, scenario)
        if total.over == "months":
            begins = self.layout.heading_along(total.of, scenario)
            letters = self.layout.letters

            def months_of_year(e: int, t: int) -> str:
                amounts = self.layout.along(total.of, scenario, of.row + e)
                year = f"{letters[FIRST - 1 + t]}${BEGINS_ROW}"
                return f"SUMIFS({amounts},{begins},{year})"

            return [months_of_year]
        cell = self.layout.reference(
            Place(place.sheet, 1, FIRST, "practice", place.time), total.of, scenario
        )

        def practices_of(e: int, t: int) -> str:
            members = self.content.members[e]
            first, last = cell(members[0], t), cell(members[-1], t)
            return f"SUM({first}:{last.rpartition('!')[2]})"

        return [practices_of]

    # ------------------------------------------------------------------ Practices, Commissioners

    def write_entities(self, title: str) -> None:
        """Write what is known of each practice or commissioner, and does not move by month."""
        if title not in self.layout.sheets:
            return
        page = self.book.page(title)
        practices = title == "Practices"
        note = "Given figures are from the payments file; inputs are the model's own."
        page.text(1, 1, f"{title}: what does not move by month", bold=True)
        page.text(2, 1, f"{note} {_LABEL_NOTE}" if practices else note)
        page.headings(FIRST_ROW - 3, 1, ["Code", "Name", "Commissioner", "Contract"])
        for row in (FIRST_ROW - 2, FIRST_ROW - 1):
            page.headings(row, 1, [""] * (PRACTICE_FIRST_COLUMN - 1))
        page.widths(12, 34, 14, 10)
        for row, labels in enumerate(self.entity_labels(practices), start=FIRST_ROW):
            for column, label in enumerate(labels, start=1):
                page.text(row, column, label)
        page.sheet.row_dimensions[FIRST_ROW - 3].height = 54
        for key in self.layout.sheets[title]:
            self.write_column(page, key)
        page.sheet.freeze_panes = at(FIRST_ROW, PRACTICE_FIRST_COLUMN)
        page.print_by_block(f"{FIRST_ROW - 4}:{FIRST_ROW - 1}", 1, _PRINTED_AT, [])

    def entity_labels(self, practices: bool) -> list[tuple[str, ...]]:
        content = self.content
        if not practices:
            return [(code, "", code, "") for code in content.commissioners]
        return content.who

    def write_column(self, page: Page, key: BlockKey) -> None:
        name, scenario = key
        variable, place = self.content.graph[name], self.layout.places[key]
        unit = str(variable.unit)
        for row, text in enumerate((variable.title, unit, name), start=FIRST_ROW - 3):
            page.headings(row, place.column, [text], over_numbers=True)
        if scenario:
            page.headings(FIRST_ROW - 4, place.column, [scenario], over_numbers=True)
        letter = self.layout.letters[place.column - 1]
        page.sheet.column_dimensions[letter].width = max(18, len(name) + 2)
        values = self.content.values(name, scenario).tolist()
        form = format_for(unit)
        if isinstance(variable, Leaf):
            given = self.content.is_from_file(name)
            fill = "given" if given else "input"
            for row, value in enumerate(values, start=FIRST_ROW):
                page.number(row, place.column, value, form, fill)
            return
        pieces = self.formula_parts(variable, scenario, place)
        for e, value in enumerate(values):
            page.formula(FIRST_ROW + e, place.column, written(pieces, e, 0), value, form)

    # ------------------------------------------------------------------ Months

    def write_months(self, terms: TermsSheet, base_cells: dict[BlockKey, str]) -> None:
        """Write the terms and facts of the calendar in each month."""
        page = self.book.page("Months")
        page.text(1, 1, "Months: the calendar, and the terms that hold in each month", bold=True)
        write_time_headings(page, self.content.months, first_is_input=True)
        page.headings(FIRST_ROW - 1, 1, ["Name in the rules", "What it is", "Scenario", "Unit"])
        page.text(FIRST_ROW - 1, OPENING, "Base year, or opening", "heading", wrap=True)
        page.widths(34, 44, 24, 18, 14, *[_WIDTH_OF_MONTH] * len(self.content.months))
        page.sheet.row_dimensions[FIRST_ROW - 1].height = 2 * POINTS_A_LINE
        page.sheet.freeze_panes = at(FIRST_ROW, FIRST)
        page.print_by_year(FIRST, self.content.year_of_month)
        for key in self.layout.sheets.get("Months", []):
            name, scenario = key
            variable, place = self.content.graph[name], self.layout.places[key]
            for column, text in enumerate(
                (name, variable.title, scenario or "all", str(variable.unit)), start=1
            ):
                page.text(place.row, column, text, wrap=column in (2, 3))
            page.fit_height(place.row, [(variable.title, 44), (scenario or "", 24)])
            if isinstance(variable, Leaf):
                write_months_of_leaf(page, self.layout, terms, base_cells, key)
            else:
                self.write_rows(page, variable, scenario, place)

    # ------------------------------------------------------------------ Calculation, Years

    def write_blocks(self, title: str, terms: TermsSheet) -> None:
        """Write a sheet of months or years: a block for each variable, a row for each practice."""
        page = self.book.page(title)
        years = self.layout.places[self.layout.sheets[title][0]].time == "year"
        self.write_block_headings(page, years)
        for key in self.layout.sheets[title]:
            name, scenario = key
            variable, place = self.content.graph[name], self.layout.places[key]
            self.write_block_title(page, variable, place)
            if isinstance(variable, Leaf) and variable.kind in ("year term", "calendar"):
                self.write_years_of_leaf(page, variable, scenario, place, terms)
            elif isinstance(variable, Leaf) and variable.kind == "term":
                self.write_months_of_term(page, variable, scenario, place, terms)
            elif isinstance(variable, Leaf):
                self.write_given_rows(page, variable, scenario, place)
            else:
                self.write_rows(page, variable, scenario, place)
            self.write_block_totals(page, variable, scenario, place)

    def write_block_headings(self, page: Page, years: bool) -> None:
        content = self.content
        page.text(1, 1, f"{page.title}: a block for each rule, one formula along a row", bold=True)
        if years:
            page.text(YEAR_ROW, 1, "Fiscal year", "heading")
            page.text(BEGINS_ROW, 1, "Fiscal year begins in", "heading")
            for number, (label, begins) in enumerate(
                zip(content.years, content.year_begins, strict=True)
            ):
                page.text(YEAR_ROW, FIRST + number, label, "heading")
                page.number(BEGINS_ROW, FIRST + number, begins, "whole", "heading")
        else:
            write_time_headings(page, content.months, first_is_input=False)
        page.headings(FIRST_ROW - 1, 1, ["Name in the rules", "Practice", "Commissioner", "Unit"])
        page.text(FIRST_ROW - 1, OPENING, "Opening", "heading")
        page.widths(28, 9, 13, 13, 13)
        for number in range(len(content.years if years else content.months)):
            letter = self.layout.letters[FIRST - 1 + number]
            page.sheet.column_dimensions[letter].width = (
                _WIDTH_OF_YEAR if years else _WIDTH_OF_MONTH
            )
            page.text(FIRST_ROW - 1, FIRST + number, "", "heading")
        page.sheet.freeze_panes = at(FIRST_ROW, FIRST)
        page.print_by_year(FIRST, [] if years else content.year_of_month)

    def write_block_title(self, page: Page, variable: Node | Leaf, place: Place) -> None:
        row = place.row - 1
        page.text(row, 1, variable.name, "block", bold=True)
        said = variable.title
        if isinstance(variable, Node):
            definition = variable.definition
            if isinstance(definition, Rule):
                said += f"   {definition.formula}"
            else:
                said += f"   sum of {definition.of} over {definition.over}"
        page.text(row, 2, said, "block")
        for column in range(3, FIRST + len(self.content.months)):
            page.text(row, column, "", "block")

    def label_row(self, page: Page, row: int, variable: Node | Leaf, who: str, area: str) -> None:
        for column, text in enumerate((variable.name, who, area, str(variable.unit)), start=1):
            page.text(row, column, text)

    def entities(self, place: Place) -> list[tuple[str, str]]:
        """Practice and commissioner of each row of a block."""
        content = self.content
        if place.area == "practice":
            areas = [content.commissioners[a] for a in content.area_of]
            return list(zip(content.codes, areas, strict=True))
        if place.area == "commissioner_code":
            return [("", code) for code in content.commissioners]
        return [("", "")]

    def write_given_rows(
        self,
        page: Page,
        variable: Node | Leaf,
        scenario: str | None,
        place: Place,
        fill: str = "input",
    ) -> None:
        values = np.atleast_2d(self.content.values(variable.name, scenario)).tolist()
        for e, (who, area) in enumerate(self.entities(place)):
            self.label_row(page, place.row + e, variable, who, area)
            for t, value in enumerate(values[e]):
                page.number(place.row + e, FIRST + t, value, format_for(str(variable.unit)), fill)

    def write_months_of_term(
        self, page: Page, leaf: Leaf, scenario: str | None, place: Place, terms: TermsSheet
    ) -> None:
        """Write a term that some practices have of their own, month by month."""
        values, form = self.content.values(leaf.name, scenario).tolist(), format_for(str(leaf.unit))
        for e, (who, area) in enumerate(self.entities(place)):
            self.label_row(page, place.row + e, leaf, who, area)
            for t, value in enumerate(values[e]):
                month = at(MONTH_ROW, FIRST + t, fix_row=True)
                formula = terms.lookup(leaf.name, scenario, month, who)
                page.formula(place.row + e, FIRST + t, f"={formula}", value, form)

    def write_years_of_leaf(
        self, page: Page, leaf: Leaf, scenario: str | None, place: Place, terms: TermsSheet
    ) -> None:
        """Write a term as it stands in the first month of each year, or a fact of the year."""
        last = self.layout.letters[FIRST + len(self.content.months) - 2]
        years = f"Months!${self.layout.letters[FIRST - 1]}${BEGINS_ROW}:${last}${BEGINS_ROW}"
        form = format_for(str(leaf.unit))
        values = np.atleast_2d(self.content.values(leaf.name, scenario)).tolist()
        for e, (who, area) in enumerate(self.entities(place)):
            self.label_row(page, place.row + e, leaf, who, area)
            for t, value in enumerate(values[e]):
                begins = at(BEGINS_ROW, FIRST + t, fix_row=True)
                formula = f"COUNTIF({years},{begins})/12"
                if leaf.kind == "year term":
                    formula = terms.lookup_of_year(leaf.name, scenario, begins, who)
                page.formula(place.row + e, FIRST + t, f"={formula}", value, form)

    def write_rows(self, page: Page, node: Node, scenario: str | None, place: Place) -> None:
        """Write a rule's rows: the value before the first month, and the formula along the row."""
        pieces = self.formula_parts(node, scenario, place)
        values = np.atleast_2d(self.content.values(node.name, scenario)).tolist()
        form = format_for(str(node.unit))
        for e, (who, area) in enumerate(self.entities(place)):
            row = place.row + e
            if place.sheet != "Months":
                self.label_row(page, row, node, who, area)
            self.write_opening(page, node, scenario, place, e)
            for t, value in enumerate(values[e]):
                page.formula(row, place.column + t, written(pieces, e, t), value, form)

    def write_opening(
        self, page: Page, node: Node, scenario: str | None, place: Place, e: int
    ) -> None:
        first = node.definition.first
        if not first:
            return
        reference = self.layout.reference(place, first, scenario)(e, 0)
        values = self.content.values(first, scenario)
        of = self.layout.place(first, scenario)
        where = {"practice": e, "commissioner_code": e, "": 0}[of.area]
        if of.area == "commissioner_code" and place.area == "practice":
            where = self.content.area_of[e]
        flat = np.asarray(values).reshape(-1, 1) if not of.time else np.atleast_2d(values)
        form = format_for(str(node.unit))
        value = float(flat[where][0])
        page.formula(place.row + e, OPENING, f"={reference}", value, form)

    def write_block_totals(
        self, page: Page, variable: Node | Leaf, scenario: str | None, place: Place
    ) -> None:
        """Write the sum of each commissioner's practices, and of all of them."""
        if not place.totals:
            return
        content, letters = self.content, self.layout.letters
        values = np.atleast_2d(content.values(variable.name, scenario))
        form = format_for(str(variable.unit))
        for number, row in enumerate(place.totals):
            of_all = number == len(content.commissioners)
            who = "all" if of_all else content.commissioners[number]
            self.label_row(page, row, variable, "total", who)
            if of_all:
                first, last = place.totals[0], place.totals[-2]
                sums = values.sum(axis=0).tolist()
            else:
                members = content.members[number]
                first, last = place.row + members[0], place.row + members[-1]
                sums = values[members[0] : members[-1] + 1].sum(axis=0).tolist()
            for t, value in enumerate(sums):
                letter = letters[FIRST - 1 + t]
                summed = f"=SUM({letter}{first}:{letter}{last})"
                page.formula(row, FIRST + t, summed, value, form, bold=True)
