"""The first sheet and the last: what the workbook is for, and where its figures come from."""

from __future__ import annotations

import json
from collections.abc import Sequence

from capitation.engine.graph import Leaf
from capitation.engine.record import dated_values
from capitation.engine.rule import Rule
from capitation.workbook.checks import master_check
from capitation.workbook.content import Content
from capitation.workbook.one_practice.sheet import ABOUT as ONE_PRACTICE
from capitation.workbook.page import Book, Page, quoted
from capitation.workbook.story.selector import ROW as SELECTOR_ROW
from capitation.workbook.story.sheets import StorySheets
from capitation.workbook.summary import Summary

ABOUT = {
    "Cover": "This sheet: purpose, key and master check.",
    "Budget": "The scenario shown by stream and year, in £ and £ thousand; scenarios compared.",
    "Bridge": "What changes from one year's payments to another's, stream by stream.",
    "Sensitivity": "What an amount hangs on: each term at its low and at its high.",
    "Assumptions": "Every assumed figure: why, who stands for it, and what hangs on it.",
    "Run record": "With what this run was made, so that it can be made again.",
    "Summary": "Payments by stream and fiscal year, for each scenario.",
    "By practice": "The same for each practice; filter it.",
    "By commissioner": "The same for each commissioner.",
    "Settlement": "What each practice earned, had in advance and is owed, year by year.",
    "PMS premium": "Premium paid, withdrawn and reinvested by year, with its pool; charts.",
    "Whole population budget": "People, rates, services by line; the budget and what is outside.",
    "Forms side by side": "Payments of every scenario by stream, and how they differ.",
    "Gain and loss share": "Expected and actual spend, bands, and who has a part; improvement.",
    "Affordability": "Do nothing, do something, and every test by year with its verdict.",
    "Gains and losses": "What each practice gains or loses, sorted; how many beyond a threshold.",
    "Payment calendar": "What is paid in which month, to the penny, and what is owed.",
    "Checks": "Two ways to each total, which must agree to the penny.",
    "Terms": "Inputs: every dated figure with its source or its assumption.",
    "Base year": "Terms in the months of the base year, whose mean base figures are.",
    "Months": "The calendar, and the terms that hold in each month.",
    "Practices": "Inputs for each practice, and what follows from them alone.",
    "Commissioners": "What is known of each commissioner and does not move by month.",
    "Calculation": "The rules, month by month: a block a rule, a row a practice.",
    "Years": "Totals of fiscal years that rules read.",
    "Sources": "Every source that a figure or a rule cites.",
}
_COLUMNS = 3
KEY = (
    ("input", "Input", "Yellow: a figure of the model. Change it, and everything follows."),
    ("given", "Given", "Green: a figure of the practices' file."),
    (
        "calculated",
        "Calculated",
        "Blue: worked out; a live formula, but where a sheet says that it has values.",
    ),
)


def write_cover(
    page: Page,
    content: Content,
    summary: Summary,
    calendar: tuple[str, str],
    story: StorySheets,
    form: Sequence[tuple[str, str]],
) -> None:
    """Fill the cover, once all other sheets stand.

    Parameters
    ----------
    page : Page
    content : Content
    summary : Summary
    calendar : tuple of str
        Formula that says whether the payment calendar is of the inputs as they stand, and what it
        says.
    story : StorySheets
        Whose selector of the scenario shown stands on the cover.
    form : sequence of tuple of str
        What is live in the workbook, from `words_of`.
    """
    attributes = content.result.attrs
    page.widths(26, 34, 96)
    page.text(1, 1, attributes["title"], bold=True)
    page.paragraph(2, attributes["purpose"].strip(), _COLUMNS)
    page.text(4, 1, "Master check", bold=True)
    page.formula(4, 2, *master_check(summary.checks), "text", bold=True)
    page.text(5, 1, "Payment calendar", bold=True)
    page.formula(5, 2, *calendar, "text")
    row = story.write_on_cover(page, SELECTOR_ROW + 1)
    row = write_pairs(page, row + 1, "What is live", form)
    prepared = json.loads(attributes.get("prepared", "{}"))
    if prepared:
        row = write_pairs(page, row + 1, "Prepared", list(prepared.items()))
    row = write_pairs(page, row + 1, "About this run", _about_run(content))
    row = write_notes(page, row + 1, json.loads(attributes.get("notes", "[]")))
    of_input = json.loads(attributes.get("input_notes", "[]"))
    row = write_notes(page, row + 1, of_input, "Notes of the input workbook")
    row = write_key(page, row + 1, KEY)
    titles = {name: content.scenario_titles[name] for name in content.scenarios}
    row = write_scenarios(page, titles, row + 1)
    write_sheets(page, row + 1, ABOUT | ONE_PRACTICE)


def _about_run(content: Content) -> list[tuple[str, str]]:
    attributes = content.result.attrs
    first, last = content.months[0], content.months[-1]
    said = [
        ("Model", attributes["model"]),
        ("Practices", f"{len(content.codes)}, from {attributes['practices_source']}"),
        ("What that file is", attributes["practices_title"]),
        ("Its SHA-256", attributes["practices_sha256"] or "none: not a file"),
        ("Licence of the data", attributes["licence"]),
        ("Commissioners", ", ".join(content.commissioners)),
        ("Base year", attributes["base_fiscal_year"]),
        ("Months", f"{first:%B %Y} to {last:%B %Y}"),
        ("Signs", "Positive figures are paid to practices; negative figures are taken back."),
        ("Money", "Pounds, not rounded inside rules; totals agree to the penny."),
        ("Made with", f"capitation {attributes['capitation_version']}"),
    ]
    return [(name, text) for name, text in said if text]


def write_pairs(page: Page, row: int, title: str, pairs: Sequence[tuple[str, str]]) -> int:
    """Write a title and, under it, names with what they stand for; give the row after."""
    page.text(row, 1, title, bold=True)
    for row, (name, text) in enumerate(pairs, start=row + 1):  # noqa: B020
        page.text(row, 1, name)
        page.text(row, 2, text)
    return row + 1


def write_notes(page: Page, row: int, notes: list[str], title: str = "Notes") -> int:
    """Write what a reader must know of this run; nothing where there is nothing to say."""
    if not notes:
        return row - 1
    page.text(row, 1, title, bold=True)
    for row, note in enumerate(notes, start=row + 1):  # noqa: B020
        page.paragraph(row, note, _COLUMNS)
    return row + 1


def write_key(page: Page, row: int, key: tuple[tuple[str, str, str], ...]) -> int:
    """Write what the fills mean: fill, word and meaning."""
    page.text(row, 1, "Key", bold=True)
    for fill, word, meaning in key:
        row += 1
        page.text(row, 1, word, fill)
        page.text(row, 2, meaning)
    return row + 1


def write_scenarios(page: Page, titles: dict[str, str], row: int) -> int:
    """Write the scenarios with their titles."""
    page.text(row, 1, "Scenarios", bold=True)
    for name, title in titles.items():
        row += 1
        page.text(row, 1, name)
        page.text(row, 2, title)
    return row + 1


def write_sheets(page: Page, row: int, about: dict[str, str]) -> None:
    """Write what each sheet holds, with a link to it."""
    page.text(row, 1, "Sheets", bold=True)
    for title in page.book.workbook.sheetnames:
        row += 1
        page.text(row, 1, title)
        page.sheet.cell(row, 1).hyperlink = f"#{quoted(title)}!A1"
        years = title.startswith("Years")
        said = about.get(title) or about["Years" if years else "Calculation"]
        page.text(row, 2, said)


def write_sources(book: Book, content: Content) -> None:
    """Write every source that a term or a rule of this run cites."""
    list_sources(book, {id: content.sources[id] for id in sorted(_cited(content))})


def list_sources(book: Book, sources: dict[str, dict[str, str]]) -> None:
    """Write a sheet of sources, given by id."""
    page = book.page("Sources")
    page.text(1, 1, "Sources that figures and rules cite", bold=True)
    page.headings(3, 1, ["Id", "Title", "Publisher", "Date", "Where", "Note"])
    page.widths(34, 80, 40, 14, 70, 60)
    for row, (id, source) in enumerate(sources.items(), start=4):
        page.text(row, 1, id)
        for column, key in enumerate(("title", "publisher", "date", "where", "note"), start=2):
            page.text(row, column, source.get(key, ""))
    page.sheet.freeze_panes = "B4"
    page.sheet.print_title_rows = "3:3"


def _cited(content: Content) -> set[str]:
    cited: set[str] = set()
    for node in content.graph.nodes.values():
        if isinstance(node.definition, Rule):
            cited.add(node.definition.source)
    for name, leaf in content.graph.leaves.items():
        attributes = content.result[name].attrs
        if isinstance(leaf, Leaf) and "dated_values" in attributes:
            for values in dated_values(attributes).values():
                cited.update(value.source for value in values)
        cited.add(attributes.get("source", ""))
    return cited & set(content.sources)
