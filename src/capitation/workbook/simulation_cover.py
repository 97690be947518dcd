"""The cover of a simulation, and the assumptions behind it."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from capitation.workbook.checks import Check, master_check
from capitation.workbook.cover import (
    write_key,
    write_notes,
    write_pairs,
    write_scenarios,
    write_sheets,
)
from capitation.workbook.page import Book, Page, format_for
from capitation.workbook.simulation_content import Simulated
from capitation.workbook.simulation_sheets import INTERVAL, percent, room_for

ABOUT = {
    "Cover": "This sheet: purpose, how to read it, and the master check.",
    "Commissioner": "Each outcome by scenario, effect and year: mean, standard error, quantiles.",
    "Yearly cost": "The expected cost with and without the effect, side by side.",
    "Cost fan": "Charts: how far chance moves the yearly cost.",
    "Practices": "Each practice's chance of earning, and what it earns.",
    "Practice outcomes": "Each outcome of each practice: mean, standard error, quantiles.",
    "Funnel": "Chart: the chance of earning against list size.",
    "Break-even": "The reduction at full effect at which the saving reaches the cost.",
    "Break-even chart": "Charts: cost and saving against the reduction at full effect.",
    "Checks": "What must hold of the figures.",
    "Assumptions": "Every figure that the simulation reads, with its source or its assumption.",
    "Sources": "Every source that a figure or a rule cites.",
}
KEY = (
    ("plain", "Simulated", "No fill: a figure of the draws. It is a value, not a formula."),
    ("given", "Given", "Green: a figure of the practices' file."),
    ("calculated", "Calculated", "Blue: a live formula on these, with its value saved beside it."),
)
_COLUMNS = 3


def write_cover(page: Page, content: Simulated, checks: list[Check]) -> None:
    """Fill the cover, once all other sheets stand."""
    attributes = content.attrs
    page.widths(26, 34, 96)
    page.text(1, 1, f"{attributes['title']}: simulation", bold=True)
    page.paragraph(2, attributes["purpose"].strip(), _COLUMNS)
    page.text(4, 1, "Master check", bold=True)
    page.formula(4, 2, *master_check(checks), "text", bold=True)
    row = write_pairs(page, 6, "About this run", _about_run(content)) + 1
    page.text(row, 1, "How to read it", bold=True)
    for row, paragraph in enumerate(_how_to_read(content), start=row + 1):  # noqa: B020
        page.paragraph(row, paragraph, _COLUMNS)
    row = write_notes(page, row + 2, json.loads(attributes.get("notes", "[]")))
    row = write_key(page, row + 1, KEY)
    row = write_scenarios(page, content.scenario_titles, row + 1)
    write_sheets(page, row + 1, ABOUT)


def _about_run(content: Simulated) -> list[tuple[str, str]]:
    attributes = content.attrs
    first, last = content.months[0], content.months[-1]
    return [
        ("Model", attributes["model"]),
        ("Draws", f"{content.draws:,}"),
        ("Seed", str(content.seed)),
        ("Practices", f"{len(content.codes)}, from {attributes['practices_source']}"),
        ("What that file is", attributes["practices_title"]),
        ("Its SHA-256", attributes["practices_sha256"] or "none: not a file"),
        ("Licence of the data", attributes["licence"]),
        ("Commissioners", ", ".join(content.commissioners)),
        ("Base year", attributes["base_fiscal_year"]),
        ("Months", f"{first:%B %Y} to {last:%B %Y}"),
        ("Effect", f"{content.effect_title} ({attributes['effect_term']})"),
        ("Cost", content.outcome(content.cost).title),
        ("Earned", content.earned_outcome.title),
        ("Money", "Pounds. A year's amount is that of all its months in the run."),
        ("Made with", f"capitation {attributes['capitation_version']}"),
    ]


def _how_to_read(content: Simulated) -> list[str]:
    step = f"capitation simulate --seed {content.seed} --draws {content.draws}"
    paragraphs = [
        f"Simulated figures are values. The step '{step}' made them, from the model "
        f"{content.attrs['model']} and the practices' file named above; the same step makes the "
        "same figures again. Changing a cell here simulates nothing anew: for that, change the "
        "model or the file and run the step again. Only blue cells are live formulas: differences, "
        "links between sheets and checks.",
        f"Each of the {content.draws:,} draws is one way in which the years might go: the same "
        "rules and terms, other luck. 5% is the figure that 5 of 100 draws did not exceed, 50% the "
        "one that half of them did not exceed (the median), 95% the one that 5 of 100 exceeded.",
        "'With' is the model as it stands. 'Without' is the same draws with "
        f"{content.effect_title} at nothing: what is then earned is earned by chance alone. "
        "Scenarios share their draws too, so that their differences are of the terms, not of luck.",
        "The standard error says how far a mean or a chance would differ from that of endlessly "
        "many draws: in about 95 of 100 simulations by no more than two standard errors. Four "
        "times the draws halve it. It says nothing of whether the model and its assumptions are "
        "right.",
    ]
    if content.has_break_even:
        paragraphs.append(
            "The break-even is the reduction at full effect from which on the saving reaches the "
            f"cost, all years together. Reductions up to {percent(max(content.reductions))} were "
            "tried; where the saving is below the cost even there, or where nothing is paid, the "
            f"table says so in words. The {INTERVAL} is the error of drawing alone: like the "
            "standard error, it says nothing of whether the model and its assumptions are right."
        )
    else:
        paragraphs.append("The break-even was not worked out in this run.")
    if not content.lists_practices:
        paragraphs.append(
            "The outcomes of each practice are too many for a sheet: the result of simulate() has "
            "them."
        )
    return paragraphs


def write_assumptions(book: Book, content: Simulated) -> None:
    """Write every figure that the simulation reads, with its source or its assumption."""
    page = book.page("Assumptions")
    page.text(1, 1, "Assumptions: every figure that the simulation reads", bold=True)
    note = "A value holds from its date until the next; without a date, throughout."
    page.text(2, 1, note)
    heading = 4
    page.headings(heading, 1, ["Term", "Name in the rules", "Scenario"])
    page.headings(heading, 4, ["From", "Value"], over_numbers=True)
    page.text(heading, 6, "Unit", "heading", form="indented")
    page.headings(heading, 7, ["Source", "Assumption", "Note"])
    names = [str(entry.get("name", "")) for entry in content.assumptions]
    page.widths(34, room_for(names, 22), room_for(content.scenarios), 12, 13, 18, 38, 40, 32)
    for row, entry in enumerate(content.assumptions, start=heading + 1):
        _write_assumption(page, content, row, {k: v for k, v in entry.items() if v is not None})
    page.sheet.freeze_panes = f"C{heading + 1}"
    page.sheet.auto_filter.ref = f"A{heading}:I{heading + len(names)}"
    page.sheet.print_title_rows = f"{heading}:{heading}"


def _write_assumption(page: Page, content: Simulated, row: int, entry: dict[str, Any]) -> None:
    page.text(row, 2, str(entry.get("name", "")))
    page.text(row, 3, str(entry.get("scenario", "")) or "all")
    start = str(entry.get("from", ""))
    try:
        page.number(row, 4, dt.date.fromisoformat(start), "date", "plain")
    except ValueError:
        page.text(row, 4, start, form="right")
    unit, value = str(entry.get("unit", "")), entry.get("value", "")
    if isinstance(value, int | float) and not isinstance(value, bool):
        page.number(row, 5, float(value), format_for(unit), "plain")
    else:
        page.text(row, 5, str(value), form="right")
    page.text(row, 6, unit, form="indented")
    source = content.sources.get(str(entry.get("source", "")), {})
    said = {
        1: str(entry.get("title", "")),
        7: ", ".join(filter(None, (source.get("title"), source.get("where")))),
        8: str(entry.get("assumption", "")),
        9: str(entry.get("note", "")),
    }
    for column, text in said.items():
        page.text(row, column, text, wrap=True)
    page.fit_height(row, [(text, page.width(column)) for column, text in said.items()])
