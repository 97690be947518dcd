"""Which figure of a result stands in a cell of the sheets on which the rules run."""

from __future__ import annotations

from dataclasses import dataclass

from capitation.workbook.layout import FIRST, OPENING, Layout, Place

VALUE, FIRST_VALUE, TOTAL = "value", "first value", "total"


@dataclass(frozen=True)
class Figure:
    """A figure of a result.

    Attributes
    ----------
    name : str
        The variable.
    scenario : str or None
        None if the variable is the same in all.
    role : {"value", "first value", "total"}
        Whether it is the variable's own, what stands before its first month, or the sum of a
        commissioner's practices, or all.
    entity, time : int or None
        Position of the practice or commissioner, in the workbook's order, and of the month or year.
    """

    name: str
    scenario: str | None
    role: str
    entity: int | None
    time: int | None


class CellPlaces:
    """Finds the figures that stand in cells.

    Parameters
    ----------
    layout : Layout
    """

    def __init__(self, layout: Layout):
        self.layout = layout
        self.content = layout.content
        self.rows: dict[tuple[str, int], tuple[tuple[str, str | None], int, str]] = {}
        self.columns: dict[tuple[str, int], tuple[str, str | None]] = {}
        for key, place in layout.places.items():
            self.take(key, place)

    def take(self, key: tuple[str, str | None], place: Place) -> None:
        """Keep where a variable stands."""
        if place.area and not place.time:
            # A column of the sheet Practices or Commissioners.
            self.columns[place.sheet, place.column] = key
            return
        for entity in range(self.entities(place)):
            self.rows[place.sheet, place.row + entity] = (key, entity, VALUE)
        for number, row in enumerate(place.totals):
            self.rows[place.sheet, row] = (key, number, TOTAL)

    def entities(self, place: Place) -> int:
        """How many rows a variable has."""
        counts = {
            "practice": len(self.content.codes),
            "commissioner_code": len(self.content.commissioners),
        }
        return counts.get(place.area, 1)

    def figure(self, sheet: str, row: int, column: int) -> Figure | None:
        """The figure that stands in a cell, or None if there is none."""
        if (sheet, column) in self.columns:
            name, scenario = key = self.columns[sheet, column]
            place = self.layout.places[key]
            entity = row - place.row
            inside = 0 <= entity < self.entities(place)
            return Figure(name, scenario, VALUE, entity, None) if inside else None
        if (sheet, row) not in self.rows:
            return None
        (name, scenario), entity, role = self.rows[sheet, row]
        place = self.layout.places[name, scenario]
        of = entity if place.area or role == TOTAL else None
        if not place.time:
            return Figure(name, scenario, role, of, None) if column == place.column else None
        count = len(self.content.years if place.time == "year" else self.content.months)
        if column == OPENING and role == VALUE:
            return Figure(name, scenario, FIRST_VALUE, of, 0)
        inside = FIRST <= column < FIRST + count
        return Figure(name, scenario, role, of, column - FIRST) if inside else None

    def cell(self, figure: Figure) -> tuple[str, int, int]:
        """Sheet, row and column of a figure."""
        place = self.layout.place(figure.name, figure.scenario)
        row = place.row + (figure.entity or 0)
        if figure.role == TOTAL:
            row = place.totals[figure.entity or 0]
        if figure.role == FIRST_VALUE:
            return place.sheet, row, OPENING
        return place.sheet, row, place.column + (figure.time or 0)

    def labels(self, figure: Figure) -> dict[str, str]:
        """Practice, commissioner, month, year and scenario of a figure, as `explain` takes them."""
        content = self.content
        place = self.layout.place(figure.name, figure.scenario)
        found = {"scenario": figure.scenario} if figure.scenario else {}
        if figure.role == TOTAL:
            areas = content.commissioners
            number = figure.entity or 0
            found["commissioner_code"] = areas[number] if number < len(areas) else "all"
        elif place.area == "practice" and figure.entity is not None:
            found["practice"] = content.codes[figure.entity]
        elif place.area and figure.entity is not None:
            found["commissioner_code"] = content.commissioners[figure.entity]
        if place.time == "month" and figure.time is not None:
            found["month"] = f"{content.months[figure.time]:%Y-%m}"
        elif place.time == "year" and figure.time is not None:
            found["year"] = content.years[figure.time]
        return found
