"""The template's sheet of lists: what drop-downs offer, and the sources that figures cite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from openpyxl.utils import get_column_letter
from openpyxl.worksheet.pagebreak import Break

from capitation.engine.terms import Source
from capitation.inputs.layout import LIST_HEADINGS, LISTS, NO, YES
from capitation.model_file import models
from capitation.national import national_schedules
from capitation.practices import CONTRACTS
from capitation.workbook.page import LETTERS_A_DIGIT, Book, Page, at
from capitation.workbook.template.content import TemplateContent
from capitation.workbook.template.tables import narrow_margins, scale_for

_HEADING_ROW = 4
_WIDTHS = {"Models": 38.0, "Terms": 38.0, "Choices": 60.0, "Schedules": 24.0}
_OTHER_WIDTH = 16.0
_SOURCE_HEADINGS = ("Sources", "What the source is", "Where it is")
_LEAST_WIDTH, _MOST_WIDTH = 20.0, 96.0


def ranges_of_lists(content: TemplateContent) -> dict[str, str]:
    """Where each list stands, by its heading, as a formula refers to it."""
    found = {}
    for column, (heading, items) in enumerate(_lists(content).items(), start=1):
        first = at(_HEADING_ROW + 1, column, fix_row=True, fix_column=True)
        last = at(_HEADING_ROW + max(1, len(items)), column, fix_row=True, fix_column=True)
        found[heading] = f"{LISTS}!{first}:{last}"
    return found


def write_lists(book: Book, content: TemplateContent) -> None:
    """Write the sheet of lists."""
    page = book.page(LISTS)
    page.text(1, 1, LISTS, bold=True)
    page.text(2, 1, "What the drop-downs of the other sheets offer. There is nothing to fill in.")
    lists = _lists(content)
    page.widths(*(_WIDTHS.get(heading, _OTHER_WIDTH) for heading in lists))
    for column, (heading, items) in enumerate(lists.items(), start=1):
        page.text(_HEADING_ROW, column, heading, "heading", wrap=True)
        for row, item in enumerate(items, start=_HEADING_ROW + 1):
            page.text(row, column, item)
    _write_sources(page, len(lists) + 1, cited_sources(content))
    page.sheet.freeze_panes = at(_HEADING_ROW + 1, 1)
    _print_sources_apart(page, len(lists) + 1)
    protect(page)


def _lists(content: TemplateContent) -> dict[str, Sequence[str]]:
    """Each list, in the order of the headings."""
    choices = [f"{term.name}: {', '.join(term.choices)}" for term in content.terms if term.choices]
    found: Mapping[str, Sequence[str]] = {
        "Models": list(models()),
        "Terms": [term.name for term in content.terms],
        "Choices": choices,
        "Schedules": sorted(national_schedules()),
        "Contract types": CONTRACTS,
        "Yes or no": (YES, NO),
    }
    return {heading: found[heading] for heading in LIST_HEADINGS}


def cited_sources(content: TemplateContent) -> list[Source]:
    """The sources that figures of the template cite, in order of their ids."""
    model = content.model
    changed = [term for scenario in model.scenarios.values() for term in scenario.terms.values()]
    cited = {value.source for term in (*content.terms, *changed) for value in term.values}
    return [model.sources[key] for key in sorted(cited & set(model.sources))]


def _write_sources(page: Page, first: int, sources: list[Source]) -> None:
    """Write what the sources are, mostly on one line each: the lists beside them stay close."""
    said = [(source.id, source.title, source.where) for source in sources]
    for column, heading in enumerate(_SOURCE_HEADINGS, start=first):
        page.text(_HEADING_ROW, column, heading, "heading", wrap=True)
        longest = max((len(texts[column - first]) for texts in said), default=0)
        width = min(_MOST_WIDTH, max(_LEAST_WIDTH, longest / LETTERS_A_DIGIT + 1))
        page.sheet.column_dimensions[get_column_letter(column)].width = width
    for row, texts in enumerate(said, start=_HEADING_ROW + 1):
        for column, text in enumerate(texts, start=first):
            page.text(row, column, text, wrap=True)
        page.fit_height(row, [(text, page.width(n)) for n, text in enumerate(texts, start=first)])


def _print_sources_apart(page: Page, first: int) -> None:
    """Print the lists, and the sources on pages of their own."""
    widths = [page.width(column) for column in range(1, first + len(_SOURCE_HEADINGS))]
    widest = max(sum(widths[: first - 1]), sum(widths[first - 1 :]))
    page.sheet.sheet_properties.pageSetUpPr.fitToPage = False
    page.sheet.page_setup.scale = scale_for(widest)
    page.sheet.print_title_rows = f"{_HEADING_ROW}:{_HEADING_ROW}"
    page.sheet.col_breaks.append(Break(id=first - 1))
    narrow_margins(page)


def protect(page: Page) -> None:
    """Guard a sheet against slips, without a password: widths may still be changed."""
    page.sheet.protection.sheet = True
    page.sheet.protection.formatColumns = False
    page.sheet.protection.formatRows = False
