"""A result as one static page: tables and drawings for a paper of a governing body, no script."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

import xarray as xr

from capitation.errors import raise_if_any
from capitation.files import path_problems, written_beside
from capitation.tables.checks import all_agree
from capitation.tables.drawings import Drawing, scenario_bars, stacked_years
from capitation.tables.facts import Facts, about_run
from capitation.tables.of_result import tables_of
from capitation.tables.table import (
    COUNT,
    FIGURE,
    LIST,
    MONTH,
    POUNDS,
    RATE,
    SHARE,
    TEXT,
    THOUSANDS,
    Cell,
    Column,
    Table,
    marked,
    numbered_notes,
)
from capitation.wording import label

ALLOWED = "default-src 'none'; style-src 'unsafe-inline'"
"""What the page may load: nothing; its own style is in it."""

MOST_MOVERS = 5
"""Practices with the largest losses, and as many with the largest gains, of each scenario."""

_LEFT_OUT = ("Streams", "Practices", "Gains and losses", "Gains and losses counted")
"""Tables that are too long for a paper, or stand in it otherwise: the workbook has them."""

_STYLE = """\
:root{color-scheme:light}
body{font:1rem/1.5 Arial,Helvetica,sans-serif;color:#0b0c0c;background:#fff;max-width:72rem;
margin:0 auto;padding:1rem}
h1{font-size:1.9rem;line-height:1.2}h2{font-size:1.35rem;margin-top:2.2rem}
a{color:#1d4f91}a:focus,div:focus{outline:3px solid #0b0c0c;outline-offset:2px}
table{border-collapse:collapse;font-size:.9rem;min-width:50%}
caption{text-align:left;font-weight:bold;padding:.4rem 0}
th,td{border-bottom:1px solid #b1b4b6;padding:.3rem .6rem;text-align:left;vertical-align:top}
thead th{border-bottom:2px solid #0b0c0c}
.figure{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
thead .figure{white-space:normal;vertical-align:bottom}
.wide{overflow-x:auto;margin:1rem 0}
dl{display:grid;grid-template-columns:minmax(9rem,max-content) 1fr;gap:.3rem 1.2rem}
dt{font-weight:bold}dd{margin:0;overflow-wrap:anywhere}
figure{margin:1rem 0}svg{width:100%;max-width:32rem;height:auto;font-family:Arial,sans-serif}
@media (max-width:40rem){dl{display:block}dd{margin-bottom:.6rem}h1{font-size:1.5rem}}
@page{size:A4 landscape;margin:12mm}
@media print{body{max-width:none;padding:0;font-size:9pt}nav,.skip{display:none}
.wide{overflow:visible}table{font-size:7pt;width:100%}th,td{padding:.1rem .25rem}
svg{max-width:12cm}
tr,figure{break-inside:avoid}h2,section>p,caption{break-after:avoid}}
"""


def write_html(result: xr.Dataset, path: str | Path) -> Path:
    """Write a result as one static page, with tables and drawings and without a script.

    Parameters
    ----------
    result : xarray.Dataset
        From `project`; one scenario or several may have been selected.
    path : str or Path
        An .html file. It is written beside and renamed, so that a failure leaves nothing half done.

    Returns
    -------
    Path
        Where the page is.

    Raises
    ------
    InputError
        If the path is not of an .html file in a folder that exists, the file cannot be written, or
        the result is no whole one of `project`. Nothing is written then.

    Notes
    -----
    The page loads nothing and says so to the browser. Every text of the result is escaped. Long
    tables, of practices above all, are left to `write_tables`.
    """
    path = Path(path)
    raise_if_any(path_problems(path, ".html"))
    page = page_of(result)
    with written_beside(path) as file:
        file.write(page.encode("utf-8"))
    return path


def page_of(result: xr.Dataset) -> str:
    """The text of the page: always the same for the same result."""
    facts = Facts(result)
    tables = {table.sheet: table for table in tables_of(facts.result)}
    shown = [_of_movers(table) for table in tables.values() if table.sheet == "Gains and losses"]
    shown = [*(table for name, table in tables.items() if name not in _LEFT_OUT), *shown]
    shown.sort(key=_place)
    numbers = numbered_notes(shown)
    sections = [
        _section("key-figures", "Key figures", _key_figures(facts, tables["Checks"])),
        *(_section(d.name, d.title, _figure(d)) for d in _drawings(facts)),
        *(_section(table.name, table.sheet, _table(table, numbers)) for table in shown),
        *_notes(facts, numbers),
        _section("run_record", "Run record", _pairs(_record(facts))),
    ]
    title = escape(facts.result.attrs["title"])
    purpose = escape(facts.result.attrs["purpose"].strip())
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en-GB">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{ALLOWED}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{title}</title>\n<style>\n{_STYLE}</style>\n</head>\n<body>",
            '<p class="skip"><a href="#main">Skip to the figures</a></p>',
            f"<header>\n<h1>{title}</h1>\n<p>{purpose}</p>\n</header>",
            _contents(sections),
            '<main id="main">',
            *(text for _, _, text in sections),
            "</main>\n</body>\n</html>\n",
        ]
    )


_ORDER = (
    "Scenarios",
    "Scenarios by year",
    "Streams in thousands",
    "Budget",
    "Commissioners",
    "Change on base year",
    "Biggest movers",
    "Payment calendar",
    "Sensitivity",
    "Checks",
    "Streams explained",
    "Assumptions",
    "Inputs",
    "Sources",
)


def _place(table: Table) -> int:
    return _ORDER.index(table.sheet)


Section = tuple[str, str, str]
"""Id, title and text."""


def _section(id: str, title: str, content: str) -> Section:
    id = f"section-{id}"
    heading = f'<h2 id="{id}">{escape(title)}</h2>'
    return id, title, f'<section aria-labelledby="{id}">\n{heading}\n{content}\n</section>'


def _contents(sections: Sequence[Section]) -> str:
    links = "".join(f'<li><a href="#{id}">{escape(title)}</a></li>' for id, title, _ in sections)
    return f'<nav aria-label="Contents">\n<ul>{links}</ul>\n</nav>'


# ------------------------------------------------------------------ key figures


def _key_figures(facts: Facts, checks: Table) -> str:
    first = facts.scenarios[0]
    total = float(facts.total(0).sum())
    pairs = [
        ("Period", facts.period),
        (f"Payments, all years, scenario {first}", _money(total)),
    ]
    if facts.lists is not None:
        patients = float(facts.lists[0].sum())
        pairs.append(("Weighted list, mean", f"{patients:,.1f} patients"))
        each = facts.a_year(total, patients)
        if each is not None:
            pairs.append(("For each weighted patient", f"{_money(each)} a year"))
    agree = all_agree(checks)
    verdict = "all agree" if agree else "some differ: see the table of checks"
    pairs += [
        ("Practices", f"{len(facts.codes):,}"),
        ("Commissioners", f"{len(facts.commissioners):,}"),
        ("Scenarios", f"{len(facts.scenarios):,}"),
        ("Checks", f"{len(checks.rows)}, {verdict}"),
    ]
    return _pairs(pairs)


def _pairs(pairs: Sequence[tuple[str, str]]) -> str:
    lines = (f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in pairs if text)
    return f"<dl>{''.join(lines)}</dl>"


def _record(facts: Facts) -> list[tuple[str, str]]:
    prepared: dict[str, str] = json.loads(facts.result.attrs.get("prepared", "{}"))
    return [*prepared.items(), *about_run(facts)]


# ------------------------------------------------------------------ drawings


def _drawings(facts: Facts) -> Iterator[Drawing]:
    totals = [
        (name, float(facts.total(number).sum())) for number, name in enumerate(facts.scenarios)
    ]
    if len(totals) > 1:
        yield scenario_bars(totals, f"Payments of each scenario, {facts.period}, £ million")
    years = [column.title.removesuffix(" £") for column in facts.year_columns()]
    parts = [(label(name), facts.paid(name)[0].sum(axis=0).tolist()) for name in facts.streams]
    title = f"Payments by fiscal year and stream, scenario {facts.scenarios[0]}, £ million"
    yield stacked_years(years, parts, title)


def _figure(drawing: Drawing) -> str:
    words = f"<figcaption>{escape(drawing.words)}</figcaption>"
    return f"<figure>\n{drawing.svg}\n{words}\n</figure>"


# ------------------------------------------------------------------ tables


def _of_movers(table: Table) -> Table:
    """The practices that lose most and gain most in each scenario."""
    kept = []
    for scenario in dict.fromkeys(table.column("Scenario")):
        rows = [row for row in table.rows if row[0] == scenario]
        ends = {*range(MOST_MOVERS), *range(len(rows) - MOST_MOVERS, len(rows))}
        kept += [row for place, row in enumerate(rows) if place in ends]
    about = (
        f"The {MOST_MOVERS} largest losses and the {MOST_MOVERS} largest gains of each scenario, "
        "sorted, the largest loss first; losses are negative.",
    )
    title = table.title.replace("Gains and losses of practices", "Practices that move most")
    blank = any(cell is None for row in kept for cell in row)
    blanks = table.blanks if blank else ""
    return Table("Biggest movers", title, table.columns, tuple(kept), about, table.notes, blanks)


def _table(table: Table, numbers: dict[str, int]) -> str:
    caption = f"{table.name}-caption"
    sentences = [*table.about, *([table.blanks] if table.blanks else [])]
    above = "".join(f"<p>{escape(sentence)}</p>\n" for sentence in sentences)
    headings = "".join(_heading(column, numbers) for column in table.columns)
    rows = "\n".join(_row(table.columns, row) for row in table.rows)
    return (
        f'{above}<div class="wide" tabindex="0" role="region" aria-labelledby="{caption}">\n'
        f'<table>\n<caption id="{caption}">'
        f"{escape(marked(table.title, table.notes, numbers))}</caption>\n"
        f"<thead>\n<tr>{headings}</tr>\n</thead>\n<tbody>\n{rows}\n</tbody>\n</table>\n</div>"
    )


def _heading(column: Column, numbers: dict[str, int]) -> str:
    title = escape(marked(column.title, [column.note], numbers))
    return f'<th scope="col"{_look(column)}>{title}</th>'


def _look(column: Column) -> str:
    return "" if column.kind == TEXT else ' class="figure"'


def _row(columns: Sequence[Column], cells: Sequence[Cell]) -> str:
    """A row whose first cell is its heading."""
    texts = [escape(shown(cell, column.kind)) for column, cell in zip(columns, cells, strict=True)]
    first = f'<th scope="row"{_look(columns[0])}>{texts[0]}</th>'
    rest = zip(columns[1:], texts[1:], strict=True)
    return f"<tr>{first}{''.join(f'<td{_look(column)}>{text}</td>' for column, text in rest)}</tr>"


_DECIMALS = {POUNDS: 2, RATE: 2, THOUSANDS: 0, LIST: 1, COUNT: 0}


def shown(cell: Cell, kind: str) -> str:
    """A cell as it is read on the page.

    Examples
    --------
    >>> shown(-1234.5, "pounds"), shown(0.0125, "share"), shown(None, "pounds")
    ('−1,234.50', '1.2%', '')
    """
    if cell is None or isinstance(cell, str):
        return cell or ""
    if isinstance(cell, dt.date):
        return f"{cell:%b %Y}" if kind == MONTH else f"{cell.day} {cell:%b %Y}"
    if kind == SHARE:
        text = f"{cell * 100:,.1f}"
        return f"{_minus(text)}%"
    if kind == FIGURE or kind not in _DECIMALS:
        return _minus(f"{cell:,.6f}".rstrip("0").rstrip("."))
    return _minus(f"{cell:,.{_DECIMALS[kind]}f}")


def _minus(text: str) -> str:
    """A true minus sign, and none before a nought."""
    digits = text.removeprefix("-")
    return text.replace("-", "−") if digits.strip("0,.") else digits


def _money(pounds: float) -> str:
    text = shown(pounds, POUNDS)
    return f"−£{text[1:]}" if text.startswith("−") else f"£{text}"


# ------------------------------------------------------------------ notes


def _notes(facts: Facts, numbers: dict[str, int]) -> Iterator[Section]:
    attributes = facts.result.attrs
    of_run = [*json.loads(attributes.get("notes", "[]"))]
    of_run += json.loads(attributes.get("input_notes", "[]"))
    lines = [f"[note {number}] {note}" for note, number in numbers.items()]
    items = "".join(f"<li>{escape(line)}</li>" for line in [*lines, *of_run])
    if items:
        yield _section("notes", "Notes", f"<ul>{items}</ul>")
