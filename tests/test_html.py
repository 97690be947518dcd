"""The static page: sound, readable without a script, and with the figures of the result."""

import json
import re
from html.parser import HTMLParser

import pytest

import capitation as cap
from capitation.tables.drawings import OTHERS, millions, scenario_bars, stacked_years
from capitation.tables.html import ALLOWED, page_of, shown, write_html
from capitation.workbook.tables_book import write_tables

from .strategies import NATIONAL, THAMES_VALLEY, shipped
from .test_tables_book import HOSTILE, by_sheet, hostile
from .test_workbook import REACTIVATED, RECALCULATED, few_practices

EMPTY = {"meta", "rect", "line", "br"}


class Page(HTMLParser):
    """Elements of a page, in order, with attributes and text; refuses what is not nested."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements = [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        element = {"tag": tag, "text": "", **dict(attrs)}
        self.elements.append(element)
        if tag not in EMPTY:
            self.open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.elements.append({"tag": tag, "text": "", **dict(attrs)})

    def handle_endtag(self, tag):
        assert self.open.pop()["tag"] == tag

    def handle_data(self, data):
        for element in self.open:
            element["text"] += data

    def all(self, *tags):
        return [element for element in self.elements if element["tag"] in tags]


@pytest.fixture(scope="module")
def result():
    two = list(shipped(THAMES_VALLEY).scenarios)[:2]
    found = cap.project(shipped(THAMES_VALLEY), hostile(few_practices()), two, months=15)
    return found.assign_attrs(
        prepared=json.dumps({"Organisation": "<b>Ours</b>"}),
        practices_sha256="ab12" * 16,
        title='Budget <i onload="x">',
    )


@pytest.fixture(scope="module")
def text(result):
    return page_of(result)


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


@pytest.mark.parametrize("name", [*RECALCULATED, REACTIVATED])
def test_every_shipped_model_has_a_page_and_tables_whose_checks_agree(name, tmp_path):
    practices = few_practices().isel(practice=[0, 2])
    chosen = list(shipped(name).scenarios)[:2]
    result = cap.project(shipped(name), practices, chosen, months=13)
    page = Page(page_of(result))
    assert len(page.all("table")) >= 8
    assert "all agree" in next(of["text"] for of in page.all("dl"))
    written = write_tables(result, tmp_path / "tables.xlsx")
    assert written.checks >= 5
    assert (written.formulas, written.checks_failed) == (0, 0)


def test_the_page_says_its_language_and_loads_nothing(text, page):
    assert text.startswith('<!DOCTYPE html>\n<html lang="en-GB">')
    (rule,) = (of for of in page.all("meta") if "http-equiv" in of)
    assert rule["content"] == ALLOWED == "default-src 'none'; style-src 'unsafe-inline'"
    assert not page.all("script", "img", "link", "iframe", "object", "form", "input")
    assert not any(key.startswith("on") for of in page.elements for key in of)
    assert not any("src" in of for of in page.elements)
    assert all(of["href"].startswith("#") for of in page.all("a"))
    style = page.all("style")[0]["text"]
    assert "url(" not in style
    assert "@import" not in style
    assert "@media print" in style


def test_each_table_has_a_caption_and_scoped_headings(page):
    tables, captions = page.all("table"), page.all("caption")
    assert len(tables) == len(captions) >= 10
    assert len({of["text"] for of in captions}) == len(captions)
    assert all(of["scope"] in ("col", "row") for of in page.all("th"))
    assert {of["scope"] for of in page.all("th")} == {"col", "row"}


def test_ids_are_unique_and_every_link_leads_somewhere(page):
    ids = [of["id"] for of in page.elements if "id" in of]
    assert len(set(ids)) == len(ids)
    named = [of[key] for of in page.elements for key in ("aria-labelledby",) if key in of]
    assert {id for names in named for id in names.split()} <= set(ids)
    assert {of["href"][1:] for of in page.all("a")} <= set(ids)


def test_headings_follow_one_another(page):
    levels = [int(of["tag"][1]) for of in page.all("h1", "h2", "h3")]
    assert levels == [1, *[2] * (len(levels) - 1)]
    said = [of["text"] for of in page.all("h2")]
    for wanted in (
        "Key figures",
        "Scenarios",
        "Biggest movers",
        "Checks",
        "Assumptions",
        "Sources",
    ):
        assert wanted in said
    assert said[-1] == "Run record"


def test_each_drawing_says_in_words_what_it_shows(page, result):
    drawings = page.all("svg")
    assert len(drawings) == 2
    assert all(of["role"] == "img" for of in drawings)
    titles = [of["text"] for of in page.all("title")][1:]
    words = [of["text"] for of in page.all("desc")]
    assert len(titles) == len(words) == 2
    for scenario in result["scenario"].values:
        paid = millions(float(result["total_payments"].sel(scenario=scenario).sum()))
        assert f"{scenario}: {paid}" in words[0]
    assert "2016/17 (3 months)" in words[1]
    assert all("£ million" in said for said in [*titles, *words])


def test_texts_of_the_result_are_escaped(text, page):
    assert "<script" not in text
    assert "<b>" not in text
    assert page.all("title")[0]["text"] == page.all("h1")[0]["text"] == 'Budget <i onload="x">'
    cells = {of["text"] for of in page.all("td")}
    assert set(HOSTILE) <= cells
    assert "<b>Ours</b>" in {of["text"] for of in page.all("dd")}


def test_figures_are_those_of_the_result(page, result):
    total = float(result["total_payments"].isel(scenario=0).sum())
    facts = dict(
        zip(
            (of["text"] for of in page.all("dt")),
            (of["text"] for of in page.all("dd")),
            strict=True,
        )
    )
    first = str(result["scenario"].values[0])
    assert facts[f"Payments, all years, scenario {first}"] == f"£{total:,.2f}"
    assert facts["Its SHA-256"] == "ab12" * 16
    assert facts["Made with"] == f"capitation {cap.__version__}"
    tables = by_sheet(result)
    cells = [of["text"] for of in page.all("td")]
    for row in tables["Streams in thousands"].rows:
        assert shown(row[-1], "thousands") in cells
    for amount in tables["Gains and losses"].column("Change, all years £"):
        assert shown(amount, "pounds") in cells


def test_notes_have_the_numbers_of_their_marks(page):
    marks = {
        mark for of in page.all("th", "caption") for mark in re.findall(r"\[note \d+\]", of["text"])
    }
    notes = [of["text"] for of in page.all("li") if of["text"].startswith("[note ")]
    assert marks
    assert {re.match(r"\[note \d+\]", note)[0] for note in notes} == marks


def test_movers_are_the_ends_of_gains_and_losses():
    practices = cap.example_practices().isel(practice=slice(0, 14))
    two = list(shipped(THAMES_VALLEY).scenarios)[:2]
    result = cap.project(shipped(THAMES_VALLEY), practices, two, months=12)
    section = page_of(result).split('aria-labelledby="section-biggest_movers"')[1]
    table = section.split("</table>")[0]
    codes = re.findall(r"<td>(EX\d+)</td>", table)
    every = by_sheet(result)["Gains and losses"].column("Practice")
    assert codes == [*every[:5], *every[-5:]]


def test_one_scenario_has_no_bars_of_scenarios(result):
    page = Page(page_of(result.isel(scenario=0)))
    assert len(page.all("svg")) == 1
    assert "Biggest movers" not in [of["text"] for of in page.all("h2")]


def test_two_runs_are_byte_identical_and_a_bad_path_is_refused(result, text, tmp_path):
    path = tmp_path / "page.html"
    assert write_html(result, path) == path
    assert path.read_bytes() == text.encode("utf-8")
    with pytest.raises(cap.InputError, match=r"end it in \.html"):
        write_html(result, tmp_path / "page.pdf")
    with pytest.raises(cap.InputError, match="its folder does not exist"):
        write_html(result, tmp_path / "nowhere" / "page.html")
    part = cap.project(shipped(NATIONAL), few_practices(), months=1, variables=["global_sum"])
    with pytest.raises(cap.InputError, match="does not hold 'total_payments'"):
        write_html(part, tmp_path / "part.html")
    assert [of.name for of in tmp_path.iterdir()] == ["page.html"]


def widths(svg):
    return [float(of) for of in re.findall(r'width="([\d.]+)" height="22\.0"', svg)]


def test_bars_are_as_long_as_their_amounts_and_start_at_nought():
    drawing = scenario_bars([("a", 2e6), ("b", 1e6), ("c", -1e6)], "Title")
    first, second, third = widths(drawing.svg)
    assert first == pytest.approx(2 * second, abs=0.2)
    assert second == pytest.approx(third, abs=0.2)
    starts = [float(x) for x in re.findall(r'<rect x="([\d.]+)"', drawing.svg)]
    (axis,) = {float(x) for x in re.findall(r'<line x1="([\d.]+)"', drawing.svg)}
    assert starts[0] == starts[1] == axis
    assert starts[2] + third == pytest.approx(axis, abs=0.2)
    assert "b: £1.00m (−£1.00m)" in drawing.words


def test_pieces_of_a_year_add_up_and_small_streams_are_drawn_together():
    parts = [(f"s{n}", [float(10 - n) * 1e6]) for n in range(9)]
    drawing = stacked_years(["2015/16"], [*parts, ("none", [0.0])], "Title")
    pieces = widths(drawing.svg)
    assert len(pieces) == 7
    assert sum(pieces) == pytest.approx(404, abs=0.5)
    assert f"7 {OTHERS}" in drawing.words
    assert "none" not in drawing.words
    assert "2015/16: £54.00m" in drawing.words


def test_nothing_paid_is_drawn_as_nothing():
    drawing = stacked_years(["2015/16"], [("s", [0.0])], "Title")
    assert "£0.00m" in drawing.words
    assert widths(drawing.svg) == [0.0]


@pytest.mark.parametrize(
    ("cell", "kind", "text"),
    [
        (-0.001, "pounds", "0.00"),
        (1234567.891, "pounds", "1,234,567.89"),
        (-1234567.0, "thousands", "−1,234,567"),
        (-0.4, "thousands", "0"),
        (0.0534, "figure", "0.0534"),
        (100.0, "figure", "100"),
        (0.0, "figure", "0"),
        (-0.05, "share", "−5.0%"),
        (8113.2, "list", "8,113.2"),
        (7, "count", "7"),
        ("x", "text", "x"),
    ],
)
def test_a_figure_is_shown_with_its_sign_and_separators(cell, kind, text):
    assert shown(cell, kind) == text
