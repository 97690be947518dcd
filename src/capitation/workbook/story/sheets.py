"""The sheets that tell the story of a run: Budget, Bridge, Sensitivity and Assumptions."""

from __future__ import annotations

from capitation.workbook.page import Page
from capitation.workbook.story import selector
from capitation.workbook.story.assumptions import AssumptionsSheet
from capitation.workbook.story.bridge import BridgeSheet
from capitation.workbook.story.budget_compared import write_compared
from capitation.workbook.story.budget_shown import ShownBudget
from capitation.workbook.story.budget_thousands import BudgetInThousands
from capitation.workbook.story.sensitivity import SensitivitySheet
from capitation.workbook.summary import Summary
from capitation.workbook.terms_sheets import TermsSheet


class StorySheets:
    """Adds the sheets to the book at once, right after the Cover, and writes them later.

    Parameters
    ----------
    summary : Summary
    """

    def __init__(self, summary: Summary):
        self.content = summary.content
        self.budget = ShownBudget(summary)
        self.bridge = BridgeSheet(self.budget)
        self.sensitivity = SensitivitySheet(summary)
        self.assumptions = AssumptionsSheet(summary.book, summary.layout, self.sensitivity)

    def write(self) -> None:
        """Write all but the assumptions, once Summary stands, and add their checks to its own."""
        budget = self.budget
        row = BudgetInThousands(budget).write(budget.write() + 1)
        several = len(budget.scenarios) > 1
        names = write_compared(budget, row + 1) if several else ""
        budget.write_rest(names, [row + 1] * several)
        if self.bridge.wanted:
            self.bridge.write()
        if self.sensitivity.wanted:
            self.sensitivity.write()

    def write_assumptions(self, terms: TermsSheet) -> None:
        """Write the assumptions, once the terms stand, whose cells they read."""
        self.assumptions.write(terms)

    def write_on_cover(self, cover: Page, row: int) -> int:
        """Write the scenario shown, and whether the sensitivity is of these inputs.

        Parameters
        ----------
        cover : Page
        row : int
            The row under that of the scenario shown.

        Returns
        -------
        int
            The row after.
        """
        selector.write_selector(cover, self.content, self.budget.names)
        if not self.sensitivity.wanted:
            return row
        cover.text(row, 1, "Sensitivity", bold=True)
        cover.formula(row, 2, *self.sensitivity.state(), "text", live=True)
        return row + 1
