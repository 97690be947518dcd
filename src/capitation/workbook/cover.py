"""The first sheet and the last: what the workbook is for, and where its figures come from."""

from __future__ import annotations

import json

from capitation.engine.graph import Leaf
from capitation.engine.record import dated_values
from capitation.engine.rule import Rule
from capitation.workbook.content import Content
from capitation.workbook.page import Book, Page, quoted
from capitation.workbook.summary import Summary

ABOUT = {
    "Cover": "This sheet: purpose, key and master check.",
    "Summary": "Payments by stream and fiscal year, for each scenario.",
    "By practice": "The same for each practice; filter it.",
    "By commissioner": "The same for each commissioner.",
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
    ("calculated", "Calculated", "Blue: a live formula, with its value saved beside it."),
)


def write_cover(page: Page, content: Content, summary: Summary) -> None:
    """Fill the cover, once all other sheets stand."""
    attributes = content.result.attrs
    page.widths(26, 34, 96)
    page.text(1, 1, attributes["title"], bold=True)
    page.paragraph(2, attributes["purpose"].strip(), _COLUMNS)
    page.text(4, 1, "Master check", bold=True)
    page.formula(4, 2, *_master_check(summary), "text", bold=True)
    row = _write_pairs(page, 6, "About this run", _about_run(content))
    row = _write_notes(page, row + 1, json.loads(attributes.get("notes", "[]")))
    row = _write_key(page, row + 1)
    row = _write_scenarios(page, content, row + 1)
    _write_sheets(page, row + 1)


def _master_check(summary: Summary) -> tuple[str, str]:
    """The formula and its value. What holds is counted, since an error is no verdict at all."""
    held, all_of_them = f'COUNTIF({summary.verdicts},"OK")', f"ROWS({summary.verdicts})"
    passed, failed = f'"All "&{all_of_them}&" checks OK"', f'{all_of_them}-{held}&" checks fail"'
    total = len(summary.checks)
    verdict = f"All {total} checks OK" if not summary.failed else f"{summary.failed} checks fail"
    return f"=IF({held}={all_of_them},{passed},{failed})", verdict


def _about_run(content: Content) -> list[tuple[str, str]]:
    attributes = content.result.attrs
    first, last = content.months[0], content.months[-1]
    return [
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


def _write_pairs(page: Page, row: int, title: str, pairs: list[tuple[str, str]]) -> int:
    page.text(row, 1, title, bold=True)
    for row, (name, text) in enumerate(pairs, start=row + 1):  # noqa: B020
        page.text(row, 1, name)
        page.text(row, 2, text)
    return row + 1


def _write_notes(page: Page, row: int, notes: list[str]) -> int:
    """Write what a reader must know of this run; nothing where there is nothing to say."""
    if not notes:
        return row - 1
    page.text(row, 1, "Notes", bold=True)
    for row, note in enumerate(notes, start=row + 1):  # noqa: B020
        page.paragraph(row, note, _COLUMNS)
    return row + 1


def _write_key(page: Page, row: int) -> int:
    page.text(row, 1, "Key", bold=True)
    for fill, word, meaning in KEY:
        row += 1
        page.text(row, 1, word, fill)
        page.text(row, 2, meaning)
    return row + 1


def _write_scenarios(page: Page, content: Content, row: int) -> int:
    page.text(row, 1, "Scenarios", bold=True)
    for name in content.scenarios:
        row += 1
        page.text(row, 1, name)
        page.text(row, 2, content.scenario_titles[name])
    return row + 1


def _write_sheets(page: Page, row: int) -> None:
    page.text(row, 1, "Sheets", bold=True)
    for title in page.book.workbook.sheetnames:
        row += 1
        page.text(row, 1, title)
        page.sheet.cell(row, 1).hyperlink = f"#{quoted(title)}!A1"
        kind = next((k for k in ABOUT if title == k), None)
        said = (
            ABOUT[kind] if kind else ABOUT["Years" if title.startswith("Years") else "Calculation"]
        )
        page.text(row, 2, said)


def write_sources(book: Book, content: Content) -> None:
    """Write every source that a term or a rule of this run cites."""
    page = book.page("Sources")
    page.text(1, 1, "Sources that figures and rules cite", bold=True)
    page.headings(3, 1, ["Id", "Title", "Publisher", "Date", "Where", "Note"])
    page.widths(34, 80, 40, 14, 70, 60)
    for row, id in enumerate(sorted(_cited(content)), start=4):
        source = content.sources[id]
        keys = ("id", "title", "publisher", "date", "where", "note")
        for column, key in enumerate(keys, start=1):
            page.text(row, column, source[key])
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
