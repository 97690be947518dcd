"""What the input workbook looks like: its sheets, the cover's labels and the columns of each table.

The template is written from this and the reader reads by it, so that the two cannot disagree.
"""

from __future__ import annotations

from dataclasses import dataclass

from capitation.practices import FIGURES, FLAGS

TITLE = "capitation input workbook"
"""What stands in the first cell of the cover."""

COVER, ASSUMPTIONS, PRACTICES = "Cover", "Assumptions", "Practices"
CONTRACTS, SCENARIOS, LISTS, NOTES = "Contracts", "Scenarios", "Lists", "Notes"

SHEETS = (COVER, ASSUMPTIONS, PRACTICES, CONTRACTS, SCENARIOS, LISTS, NOTES)
"""Names of the sheets, in their order."""

READ = (COVER, ASSUMPTIONS, PRACTICES, CONTRACTS, SCENARIOS)
"""The sheets without which a workbook is no input workbook."""

HEADING_ROWS = 20
"""The row of headings is one of the first so many."""

NOTES_FROM = 3
"""Row of the sheet of notes at which they begin."""

YES, NO = "yes", "no"


@dataclass(frozen=True)
class Field:
    """One thing that is filled in: a column of a table, or a line of the cover.

    Attributes
    ----------
    heading : str
        As it stands in the row of headings, or in column A of the cover.
    kind : {"text", "code", "name", "number", "figure", "date", "month", "year", "choice"}
        What a cell holds. A *code* is text without blanks in it, a *name* text that is no number, a
        *figure* a number, an exact fraction as text (``6/7``) or the name of one of a term's
        choices; a *month* is the first day of one. Dates are dates of the spreadsheet, or text such
        as 2015-04 or 2015-04-01.
    required : bool
        Whether it may not be blank. A column that is required may not be missing either.
    help : str
        What is wanted, for the person who fills it in.
    listed : str
        Heading of the list, on the sheet of lists, that holds what may be chosen.
    or_words : bool
        Whether words may stand in place of a date.
    """

    heading: str
    kind: str
    required: bool
    help: str
    listed: str = ""
    or_words: bool = False


@dataclass(frozen=True)
class Table:
    """A sheet that is a table: headings, and a row for each thing.

    Attributes
    ----------
    sheet : str
    columns : tuple of Field
        In the template's order. A workbook may have them in another.
    purpose : str
        What the sheet is for, as its second row says it.
    """

    sheet: str
    columns: tuple[Field, ...]
    purpose: str

    @property
    def headings(self) -> tuple[str, ...]:
        return tuple(column.heading for column in self.columns)

    def __getitem__(self, heading: str) -> Field:
        return next(column for column in self.columns if column.heading == heading)


ORGANISATION, PREPARED_BY, DATE, PURPOSE = (
    "Organisation",
    "Prepared by",
    "Date prepared",
    "Purpose",
)
MODEL, YEAR, START, MONTHS = "Model", "Fiscal year of the figures", "First month", "Months"

COVER_FIELDS = (
    Field(ORGANISATION, "text", False, "Who the budget is for"),
    Field(PREPARED_BY, "text", False, "Whose work this is"),
    Field(DATE, "date", False, "A date"),
    Field(PURPOSE, "text", False, "What the budget is for, in a sentence"),
    Field(
        MODEL,
        "choice",
        True,
        "Name of the contract: one that comes with capitation, or a .toml file beside this one",
        "Models",
    ),
    Field(YEAR, "year", True, "Year that the practices' figures are of, as 2014/15"),
    Field(START, "month", True, "First month of the budget: the first day of a month"),
    Field(MONTHS, "number", True, "How many months the budget has, from 1 to 600"),
)
"""Lines of the cover: a label in column A, what is filled in in column B."""

DESCRIPTIVE = (ORGANISATION, PREPARED_BY, DATE, PURPOSE)
"""Lines of the cover that change no figure: they are shown on the result's cover."""

_SOURCE = Field("Source", "text", False, "Where the figure comes from: a document, a page")
_ASSUMPTION = Field("Assumption", "text", False, "Why, where there is no source")
_NOTE = Field("Note", "text", False, "Anything else that is worth knowing")
_FROM = Field("From", "date", True, "The day from which the figure holds, until the next row's")
_LOW = Field("Low", "number", False, "The least that it may well be; for the sensitivity")
_HIGH = Field("High", "number", False, "The most that it may well be; for the sensitivity")

ASSUMPTIONS_TABLE = Table(
    ASSUMPTIONS,
    (
        Field("Term", "code", True, "The library's name of the term", "Terms"),
        Field("What it is", "text", False, "In words; not read"),
        Field("Unit", "text", False, "Unit of the figure; it must be the term's"),
        _FROM,
        Field("Value", "figure", True, "A number, a fraction such as 6/7, or one of the choices"),
        _LOW,
        _HIGH,
        _SOURCE,
        _ASSUMPTION,
        Field("Owner", "text", False, "Who answers for the figure"),
        Field("Agreed", "date", False, "The day on which it was agreed", or_words=True),
        Field("Signed off", "text", False, "By whom, when"),
        _NOTE,
    ),
    "A row for each figure of the contract and the day from which it holds."
    " Every figure has a source or an assumption.",
)

CONTRACTS_TABLE = Table(
    CONTRACTS,
    (
        Field("Practice", "code", True, "Code of a practice of the sheet Practices"),
        Field("Term", "code", True, "The library's name of the term", "Terms"),
        Field("From", "month", True, "First month in which it holds, until the next row's"),
        Field("Value", "figure", False, "A number, a fraction or a choice; or else a schedule"),
        Field("Schedule", "choice", False, "Name of a schedule, in place of a value", "Schedules"),
        _ASSUMPTION,
    ),
    "What is agreed with one practice, in place of what holds for all. It may be empty.",
)

SCENARIOS_TABLE = Table(
    SCENARIOS,
    (
        Field("Scenario", "name", True, "Name of the scenario, in every row of it"),
        Field("Title", "text", False, "In words, in its first row"),
        Field("Run", "choice", False, "yes or no, in its first row; blank is yes", "Yes or no"),
        Field("Term", "code", False, "The term that it changes; blank if it changes none", "Terms"),
        Field("From", "date", False, "The day from which the figure holds"),
        Field("Value", "figure", False, "A number, a fraction such as 6/7, or one of the choices"),
        _LOW,
        _HIGH,
        _SOURCE,
        _ASSUMPTION,
        _NOTE,
    ),
    "What each scenario changes. The first one is the base, with which others are compared."
    " Until its first date here, a term is as on the sheet Assumptions.",
)

PRACTICE_COLUMNS = (
    Field("practice", "code", True, "Code of the practice"),
    Field("practice_name", "text", False, "Name of the practice"),
    Field("commissioner", "name", True, "Code of the commissioner whose practice it is"),
    Field("contract_type", "choice", False, "GMS, PMS or APMS; blank: not known", "Contract types"),
)
"""What is said of a practice, before its figures."""

PRACTICE_TITLES = {
    "practice": "Practice code",
    "practice_name": "Name of the practice",
    "commissioner": "Commissioner",
    "contract_type": "Type of contract",
}
"""In words, over the library's names."""

_FIGURES = tuple(
    Field(name, "number", False, f"{title}, {unit}") for name, (unit, title) in FIGURES.items()
)

PRACTICES_TABLE = Table(
    PRACTICES,
    (
        *PRACTICE_COLUMNS,
        *_FIGURES,
        Field("london_practice", "number", False, f"{FLAGS['london_practice']}: 1, or 0"),
    ),
    "A row for each practice: its figures of the base year. No totals, no blank rows.",
)
"""Figures are required if the model reads them; columns of the model's own inputs stand beside."""

TABLES = {
    table.sheet: table
    for table in (ASSUMPTIONS_TABLE, PRACTICES_TABLE, CONTRACTS_TABLE, SCENARIOS_TABLE)
}

LIST_HEADINGS = ("Models", "Terms", "Choices", "Schedules", "Contract types", "Yes or no")
"""Headings of the sheet of lists, from which drop-downs are filled; it is not read."""
