"""What may be entered in a cell of the template: Excel's data validation, with words for it."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, replace

from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from capitation.engine.terms import Term, format_number
from capitation.inputs.layout import Field
from capitation.sources.workbook_limits import MOST_TEXT

LONGEST_TITLE, LONGEST_MESSAGE = 32, 225
"""Longer ones make Excel refuse the whole file."""

LONGEST_LIST = 255
"""Letters of a list that is written in the validation itself."""

EARLIEST, LATEST = 1, 109_939
"""Days of 1900 to 2200, as a spreadsheet counts them."""

FURTHEST_NUMBER = 1e15
"""From here on a spreadsheet does not keep every digit."""

_NUMBER = "write digits alone: no £, no comma, no words"
_FRACTION = "For a fraction type an apostrophe first: '6/7"


@dataclass(frozen=True)
class Entry:
    """What may be entered, as a test and in words.

    Attributes
    ----------
    kind : str
        Of validation, as Excel has it: list, decimal, whole, date, textLength or custom. Empty for
        anything.
    first, second : str
        Formulas of the test: a list's range, or between what a number lies.
    asked, refused : str
        What is said when a cell is chosen, and when an entry is refused.
    strict : bool
        Whether an entry that fails is refused; if not, Excel asks whether it is meant.
    """

    kind: str = ""
    first: str = ""
    second: str = ""
    asked: str = ""
    refused: str = ""
    strict: bool = True

    def on(self, sheet: Worksheet, cells: str, title: str) -> None:
        """Let a range of cells take no other entries.

        Parameters
        ----------
        sheet : Worksheet
        cells : str
            One range: formulas are as they stand for its first cell.
        title : str
            Of the messages.
        """
        title = shortened(title, LONGEST_TITLE)
        validation = DataValidation(
            type=self.kind or None,
            operator="between" if self.second else None,
            formula1=self.first or None,
            formula2=self.second or None,
            allow_blank=True,
            showErrorMessage=bool(self.kind),
            showInputMessage=True,
            errorStyle="stop" if self.strict else "warning",
            errorTitle=title,
            error=shortened(self.refused, LONGEST_MESSAGE),
            promptTitle=title,
            prompt=shortened(self.asked, LONGEST_MESSAGE),
        )
        validation.add(cells)
        sheet.add_data_validation(validation)


def shortened(text: str, most: int) -> str:
    """A text that is not longer than a message may be.

    Examples
    --------
    >>> shortened("Part of the offer paid in advance", 20)
    'Part of the offer …'
    """
    return text if len(text) <= most else textwrap.shorten(text, most, placeholder=" …")


def between(least: float | None, most: float | None) -> str:
    """Bounds in words.

    Examples
    --------
    >>> between(0, None), between(0, 1), between(None, None)
    ('0 or more', 'from 0 to 1', 'any number')
    """
    low, high = ("" if b is None else format_number(float(b)) for b in (least, most))
    if low and high:
        return f"from {low} to {high}"
    if low or high:
        return f"{low or high} or {'more' if low else 'less'}"
    return "any number"


def number_entry(asked: str, least: float | None = None, most: float | None = None) -> Entry:
    """A number within bounds."""
    low, high = bounds(least, most)
    allowed = between(least, most)
    said = f"{asked}{'' if asked.endswith('.') else '.'} A number: {allowed}."
    return Entry("decimal", low, high, said, f"This is a number, {allowed}: {_NUMBER}.")


def whole_entry(asked: str, least: int, most: int) -> Entry:
    """A whole number within bounds."""
    refused = f"This is a whole number, {between(least, most)}."
    return Entry("whole", str(least), str(most), f"{asked}.", refused)


def bounds(least: float | None, most: float | None) -> tuple[str, str]:
    """Bounds as a test has them: what is unbounded ends where a spreadsheet's digits do."""
    low = -FURTHEST_NUMBER if least is None else float(least)
    high = FURTHEST_NUMBER if most is None else float(most)
    return format_number(low), format_number(high)


def entry_of_figure(term: Term, cell: str) -> Entry:
    """What may be a term's value: one of its choices, or a number or a fraction within bounds.

    Parameters
    ----------
    term : Term
    cell : str
        The first cell that the test is for.
    """
    what = f"{term.title}, {term.unit}" if term.unit != "1" else term.title
    said = f" {term.description}" if term.description else ""
    named = ", ".join(term.choices)
    if term.choices and len(named) <= LONGEST_LIST:
        listed = '"' + ",".join(term.choices) + '"'
        return Entry("list", listed, "", f"{what}: {named}.{said}", f"This is one of: {named}.")
    if term.choices or not takes_fractions(term):
        entry = number_entry(what, term.least, term.most)
        return replace(entry, asked=f"{entry.asked}{said}")
    low, high = bounds(term.least, term.most)
    number = f"AND(ISNUMBER({cell}),{cell}>={low},{cell}<={high})"
    fraction = f'AND(ISTEXT({cell}),ISNUMBER(FIND("/",{cell})))'
    allowed = between(term.least, term.most)
    asked = f"{what}. A number or a fraction: {allowed}. {_FRACTION}.{said}"
    refused = f"This is a number or a fraction, {allowed}. {_FRACTION}."
    return Entry("custom", f"OR({number},{fraction})", "", asked, refused)


def takes_fractions(term: Term) -> bool:
    """Whether a term's figures may well be written as fractions: shares, and those that are."""
    return term.unit == "1" or any("/" in value.written for value in term.values)


def entry_of_field(field: Field, cell: str, lists: dict[str, str]) -> Entry:
    """What may be entered in a column, whatever the row, or in a line of the cover.

    Parameters
    ----------
    field : Field
    cell : str
        The first cell that the test is for.
    lists : dict of str to str
        Ranges of the sheet of lists, by heading.
    """
    asked = f"{field.help}." + ("" if field.required else " It may stay blank.")
    if field.listed:
        refused = f"Choose from the list: {field.help[0].lower()}{field.help[1:]}."
        return Entry("list", lists[field.listed], "", asked, refused)
    if field.kind == "number":
        return replace(number_entry(field.help), asked=asked)
    if field.kind == "figure":
        test = f"OR(ISNUMBER({cell}),ISTEXT({cell}))"
        return Entry("custom", test, "", f"{asked} {_FRACTION}.", "This is a number or a text.")
    if field.kind == "date":
        refused = "This is a date, such as 1 April 2015 or 2015-04-01."
        return Entry("date", str(EARLIEST), str(LATEST), asked, refused)
    if field.kind == "month":
        test = f"AND(ISNUMBER({cell}),DAY({cell})=1)"
        refused = "This is the first day of a month, such as 1 April 2015 or 2015-04-01."
        return Entry("custom", test, "", asked, refused)
    if field.kind == "year":
        test = f'AND(LEN({cell})=7,MID({cell},5,1)="/")'
        return Entry("custom", test, "", asked, "This is a fiscal year, such as 2014/15.")
    if field.kind == "code":
        test = f'ISERROR(FIND(" ",{cell}))'
        return Entry("custom", test, "", asked, "This is a code: no blanks in it.")
    refused = f"A text of no more than {MOST_TEXT:,} letters."
    return Entry("textLength", "0", str(MOST_TEXT), asked, refused)
