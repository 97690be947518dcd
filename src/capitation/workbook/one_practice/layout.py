"""Where the variables of one practice stand: a row each, in the usual columns."""

from __future__ import annotations

from collections.abc import Iterable

from capitation.engine.graph import Graph, Node, time_of
from capitation.engine.rule import Total
from capitation.model import TOTAL_PAYMENTS
from capitation.workbook.content import Content
from capitation.workbook.layout import FIRST, FIRST_ROW, OPENING, Layout, Place
from capitation.workbook.page import at, quoted

CHOICES = "One practice"
BY_MONTH, BY_YEAR = "One practice by month", "One practice by year"
RUN_BY_MONTH, RUN_BY_YEAR = "As run by month", "As run by year"

CODE_ROW, SCENARIO_ROW = 4, 5
PRACTICE_NUMBER_ROW, SCENARIO_NUMBER_ROW, AREA_NUMBER_ROW, SHOWN_ROW = 9, 10, 11, 12
CHOICE = 2
"""Column of what is chosen, and of what follows from it."""

GIVEN = "Figures of the practice and its commissioner"
AS_RUN = "Totals over all practices: values as run, since the other practices are not live"
TERMS = "Terms and calendar, in the scenario chosen"
RULES = "Rules, live"
GROUPS = (GIVEN, AS_RUN, TERMS, RULES)


def chosen(row: int) -> str:
    """A cell of the choice, from another sheet."""
    return f"{quoted(CHOICES)}!{at(row, CHOICE, fix_row=True, fix_column=True)}"


def adds_up_practices(variable: object) -> bool:
    """Whether a variable is a total over a commissioner's practices."""
    definition = variable.definition if isinstance(variable, Node) else None
    return isinstance(definition, Total) and definition.over == "practices"


def needed_by(graph: Graph, wanted: Iterable[str]) -> set[str]:
    """What one practice needs, itself included; behind a total over practices are the others.

    Parameters
    ----------
    graph : Graph
    wanted : iterable of str
        Names of rules.
    """
    found: set[str] = set()
    waiting = list(wanted)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        if name not in graph.nodes:
            continue
        node = graph.nodes[name]
        waiting += filter(None, [*node.looks_back.values(), node.definition.first])
        if not adds_up_practices(node):
            waiting += node.reads
    return found


class OnePracticeLayout(Layout):
    """Places of what one practice's payments need, the same in every scenario.

    Attributes
    ----------
    groups : dict of (sheet, group) to int
        Row of each group's heading.
    """

    def __init__(self, content: Content):
        self.groups: dict[tuple[str, str], int] = {}
        super().__init__(content)

    def variables(self) -> list[tuple[str, str | None]]:
        """Leaves, totals of practices and then rules, each once: the scenario is chosen there."""
        graph = self.content.graph
        needed = needed_by(graph, [*self.content.streams, TOTAL_PAYMENTS])
        return [(name, None) for name in [*graph.leaves, *graph.nodes] if name in needed]

    def sheet_of(self, name: str, scenario: str | None) -> str:
        """The sheet of years for what is of a year, and that of months for all else."""
        return BY_YEAR if time_of(self.content.graph[name].dims) == "year" else BY_MONTH

    def arrange(self, sheet: str, variables: list[tuple[str, str | None]]) -> None:
        """Give each variable a row, group by group."""
        row = FIRST_ROW
        for group in GROUPS:
            names = [name for name, _ in variables if self.group_of(name) == group]
            if not names:
                continue
            self.groups[sheet, group] = row
            for row, name in enumerate(names, start=row + 1):  # noqa: B020
                time = time_of(self.content.graph[name].dims)
                self.places[name, None] = Place(sheet, row, FIRST if time else OPENING, "", time)
            row += 2

    def group_of(self, name: str) -> str:
        """Under which heading a variable stands."""
        variable = self.content.graph[name]
        if isinstance(variable, Node):
            return AS_RUN if adds_up_practices(variable) else RULES
        return TERMS if "term" in variable.kind or variable.kind == "calendar" else GIVEN


class AsRunLayout(Layout):
    """Places of the values that one practice looks up, where the calculation is left out.

    They are the totals over practices, and what is given of each practice by month.

    Parameters
    ----------
    calculation : Layout
        Of the sheets that are left out.
    own : OnePracticeLayout
    """

    def __init__(self, calculation: Layout, own: OnePracticeLayout):
        self.calculation, self.own = calculation, own
        super().__init__(calculation.content)

    def variables(self) -> list[tuple[str, str | None]]:
        """What one practice looks up on a sheet that is left out, in each scenario."""
        left_out = self.calculation.calculation_sheets()
        return [
            (name, scenario)
            for name, _ in self.own.variables()
            if self.own.group_of(name) in (AS_RUN, GIVEN)
            for scenario in self.content.variants(name)
            if self.calculation.place(name, scenario).sheet in left_out
        ]

    def sheet_of(self, name: str, scenario: str | None) -> str:
        """A sheet of months, and one of years."""
        year = time_of(self.content.graph[name].dims) == "year"
        return RUN_BY_YEAR if year else RUN_BY_MONTH

    def __contains__(self, name: object) -> bool:
        return any(name == known for known, _ in self.places)
