"""The scenario shown: one cell of the Cover, which the sheets that tell the story follow."""

from __future__ import annotations

from collections.abc import Sequence

from openpyxl.worksheet.datavalidation import DataValidation

from capitation.workbook.checks import Check
from capitation.workbook.content import Content
from capitation.workbook.page import Page

ROW, COLUMN = 6, 2
SELECTOR = "Cover!$B$6"
"""Where the name of the scenario shown is chosen."""
NUMBER = "Budget!$B$5"
"""Where its number in the run stands, counted from one."""
LABEL = "Scenario shown"
CHOSEN, UNKNOWN = "as chosen on the Cover", "no scenario of that name: the first one is shown"


def selected(cells: Sequence[str]) -> str:
    """The formula for a figure of the scenario shown, without the equals sign.

    Parameters
    ----------
    cells : sequence of str
        Where the figure stands, or how it is worked out, in each scenario of the run.

    Examples
    --------
    >>> selected(["Summary!C8", "Summary!C30"])
    'CHOOSE(Budget!$B$5,Summary!C8,Summary!C30)'
    >>> selected(["Summary!C8"]), selected(["Practices!G7", "Practices!G7"])
    ('Summary!C8', 'Practices!G7')
    """
    if len(set(cells)) == 1:
        return cells[0]
    return f"CHOOSE({NUMBER},{','.join(cells)})"


def number_of(names: str) -> str:
    """The formula for the number of the scenario shown; the first if there is none of that name.

    Parameters
    ----------
    names : str
        The cells with the names of the scenarios.
    """
    return f"IFERROR(MATCH({SELECTOR},{names},0),1)"


def state_of(names: str) -> str:
    """The formula that says whether the Cover names a scenario of the run."""
    return f'IF(ISNUMBER(MATCH({SELECTOR},{names},0)),"{CHOSEN}","{UNKNOWN}")'


def check_of(names: str) -> Check:
    """A check that fails where the Cover names no scenario of the run."""
    known = f"IF(ISNUMBER(MATCH({SELECTOR},{names},0)),1,0)"
    what = "The Cover names a scenario of the run"
    return Check(what, SELECTOR.replace("$", ""), known, "1", 1.0, 1.0, "whole")


def write_selector(page: Page, content: Content, names: str) -> None:
    """Write the cell of the Cover, with a list to choose from where there is a choice.

    Parameters
    ----------
    page : Page
        The Cover.
    content : Content
    names : str
        The cells with the names of the scenarios.
    """
    page.text(ROW, 1, LABEL, bold=True)
    first = content.scenarios[0]
    if len(content.scenarios) == 1:
        page.text(ROW, COLUMN, first)
        return
    page.text(ROW, COLUMN, first, "input")
    page.text(ROW, COLUMN + 1, "Choose another: Budget and Bridge follow.")
    add_list(page, SELECTOR.rpartition("!")[2].replace("$", ""), names, "a scenario of this run")


def add_list(page: Page, cell: str, names: str, what: str) -> None:
    """Let a cell take only the words of a list, from which it offers a choice.

    Parameters
    ----------
    page : Page
    cell : str
    names : str
        The cells with the words.
    what : str
        What they are, for the message that refuses another word.
    """
    rule = DataValidation(type="list", formula1=names, allow_blank=False, showErrorMessage=True)
    rule.errorTitle, rule.error = "Not in the list", f"Choose {what} from the list."
    rule.promptTitle, rule.prompt = "Choose", f"Choose {what} from the list."
    rule.showInputMessage = True
    page.sheet.add_data_validation(rule)
    rule.add(cell)
