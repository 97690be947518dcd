"""The sheet Sensitivity: what an amount hangs on, each term at its low and at its high."""

from __future__ import annotations

import xarray as xr

from capitation.sensitivities import sensitivity_of
from capitation.workbook.charts import ROWS, cell, column
from capitation.workbook.charts_of_premium import Named
from capitation.workbook.content import TOTAL_PAYMENTS, Content
from capitation.workbook.page import Page, at, format_for
from capitation.workbook.story.budget_shown import THOUSAND
from capitation.workbook.story.charts import THOUSANDS, tornado_bars
from capitation.workbook.summary import Summary

TITLE = "Sensitivity"
SIGNED = "+#,##0;-#,##0;0"
MOST_BARS = 12
"""Terms that a chart has room to name."""
AS_RUN = "of the inputs as they stand"
CHANGED = "of the inputs as they were: they have changed, so run again"
NOT_COMPARED = (
    "of the inputs as they were when run; the workbook does not hold the amount to compare"
)
_NAME, _RULES, _UNIT, _FROM, _LOW, _VALUE, _HIGH, _AT_LOW, _AT_HIGH = range(1, 10)
_EFFECT_LOW, _EFFECT_HIGH = 10, 11
_LABEL, _BAR_LOW, _BAR_HIGH = 1, 2, 3
_SAID, _CHART_AT = 2, 11
_STANDS_ROW, _NOW_ROW, _STATE_ROW = 7, 8, 9
_ABOUT = (
    "Each term by itself at its low and at its high, while all others stand: what two of them do "
    "together is not the sum of both. Amounts are values of the run and do not follow a change of "
    "an input; the line 'These figures are' says whether one has been changed since."
)


class SensitivitySheet:
    """Writes the sheet, if the result carries what `sensitivity` found.

    The sheet is added to the book at once, so that it stands where it should, and written later.

    Parameters
    ----------
    summary : Summary

    Attributes
    ----------
    found : xarray.Dataset or None
        What `capitation.sensitivity` gives.
    """

    def __init__(self, summary: Summary):
        self.summary = summary
        self.content: Content = summary.content
        text = str(self.content.result.attrs.get("sensitivity", ""))
        self.found: xr.Dataset | None = sensitivity_of(text)
        if self.found is not None:
            self.of: xr.Dataset = self.found
            self.page: Page = summary.book.page(TITLE)

    @property
    def wanted(self) -> bool:
        """Whether there is anything to write."""
        return self.found is not None

    @property
    def money(self) -> bool:
        """Whether the amount is money, which charts have in thousands."""
        return str(self.of.attrs["units"]) == "GBP"

    @property
    def unit(self) -> str:
        """The amount's unit, as headings have it."""
        return "£" if self.money else str(self.of.attrs["units"])

    @property
    def unit_of_bars(self) -> str:
        return THOUSANDS if self.money else self.unit

    @property
    def form(self) -> str:
        return format_for(str(self.of.attrs["units"]))

    def write(self) -> None:
        """Write the sheet, once Summary stands."""
        page = self.page
        page.widths(50, 36, 18, 13, 13, 13, 13, *[18] * 4)
        page.text(1, 1, f"Sensitivity: what hangs on each term: {self.measured}", bold=True)
        page.paragraph(2, _ABOUT, _AT_LOW)
        self.write_what()
        row = self.write_terms(_CHART_AT + ROWS + 1)
        self.write_bars(row + 1)
        page.print_in_blocks(_EFFECT_HIGH, [_CHART_AT + ROWS + 1])

    @property
    def measured(self) -> str:
        """What the amount is, in words."""
        name = str(self.of.attrs["measure"])
        return "total payments" if name == TOTAL_PAYMENTS else str(self.of.attrs["measure_title"])

    # ------------------------------------------------------------------ what is measured

    def write_what(self) -> None:
        """Write what is measured, and whether it is still what it was when run."""
        page, attributes = self.page, self.of.attrs
        years = attributes["year"] or f"all {attributes['months']} months of the run"
        pairs = [
            ("Measured", f"{self.measured} ({attributes['measure']})"),
            ("Scenario", attributes["scenario"]),
            ("Fiscal year", years),
        ]
        for row, (name, text) in enumerate(pairs, start=_STANDS_ROW - len(pairs)):
            page.text(row, 1, name, bold=True)
            page.text(row, _SAID, text)
        stands = float(self.of["amount_as_it_stands"])
        page.text(_STANDS_ROW, 1, f"As it stood when run, {self.unit}", bold=True)
        page.number(_STANDS_ROW, _SAID, stands, self.form, "plain")
        page.text(_NOW_ROW, 1, f"As it stands now, {self.unit}", bold=True)
        now = self.amount_now()
        if now is None:
            page.text(_NOW_ROW, _SAID, "not in this workbook")
        else:
            page.formula(_NOW_ROW, _SAID, f"={now}", stands, self.form, live=True)
        page.text(_STATE_ROW, 1, "These figures are", bold=True)
        page.formula(_STATE_ROW, _SAID, *self.state(""), "text", "plain", live=True)

    def state(self, sheet: str = f"{TITLE}!") -> tuple[str, str]:
        """The formula that says whether the figures are of these inputs, and what it says.

        Parameters
        ----------
        sheet : str
            The sheet's name and an exclamation mark, as seen from another sheet.
        """
        if self.amount_now() is None:
            return f'="{NOT_COMPARED}"', NOT_COMPARED
        cells = (f"{sheet}{at(row, _SAID)}" for row in (_NOW_ROW, _STANDS_ROW))
        return f'=IF(ROUND({"-".join(cells)},2)=0,"{AS_RUN}","{CHANGED}")', AS_RUN

    def amount_now(self) -> str | None:
        """The formula for the amount as it stands now; None where the workbook has it nowhere."""
        name, scenario = str(self.of.attrs["measure"]), str(self.of.attrs["scenario"])
        year = str(self.of.attrs["year"])
        if scenario not in self.content.scenarios or (year and year not in self.content.years):
            return None
        place = self.content.years.index(year) if year else self.summary.years
        if (scenario, name) in self.summary.stream_rows:
            return self.summary.stream_cell(name, scenario, place)
        return None

    # ------------------------------------------------------------------ terms

    def write_terms(self, row: int) -> int:
        """Write a row for each term, the largest effect first; give the row after."""
        page, of = self.page, self.of
        page.text(row, 1, "Terms, the largest effect first", bold=True)
        heading, row = row + 1, row + 2
        page.headings(heading, 1, ["Term", "Name in the rules", "Unit", "From"])
        page.text(heading, _FROM, "From", "heading", form="right")
        unit = self.unit
        said = ["Low", "As it stands", "High", f"Amount at its low, {unit}"]
        said += [f"Amount at its high, {unit}", f"Effect of its low, {unit}"]
        said += [f"Effect of its high, {unit}"]
        page.headings(heading, _LOW, said, over_numbers=True)
        page.fit_height(heading, [(text, 18.0) for text in said])
        for number in range(of.sizes["term"]):
            self.write_term(row, of.isel(term=number))
            row += 1
        page.text(row, 1, "Why each stands as it does: see Terms, and Assumptions.")
        return row + 1

    def write_term(self, row: int, of: xr.Dataset) -> None:
        """Write what a term does."""
        page, unit, dated = self.page, str(of["unit"].item()), int(of["dated"])
        words = _words(of)
        if dated > 1:
            words += f" (the first of {dated} values, each moved to its own)"
        page.text(row, _NAME, words, wrap=True)
        page.text(row, _RULES, str(of["term"].item()))
        page.text(row, _UNIT, unit)
        page.text(row, _FROM, str(of["from"].item()), form="right")
        low, high = (float(v) for v in of["value"].values)
        for place, value in enumerate((low, float(of["value_as_it_stands"]), high), start=_LOW):
            page.number(row, place, value, format_for(unit), "plain")
        amounts, effects = ([float(v) for v in of[key].values] for key in ("amount", "effect"))
        for place, value in enumerate([*amounts, *effects], start=_AT_LOW):
            page.number(row, place, value, self.form, "plain")
        page.fit_height(row, [(words, page.width(_NAME))])

    # ------------------------------------------------------------------ chart

    def write_bars(self, row: int) -> None:
        """Write the figures of the chart, and draw it: the largest effects."""
        page, shown = self.page, min(MOST_BARS, self.of.sizes["term"])
        title = cell(page, row, 1, self.title(shown))
        page.text(row, 1, str(title.values[0]), bold=True)
        page.headings(row + 1, _LABEL, ["Term: from its low to its high"])
        said = ["At its low", "At its high"]
        page.headings(row + 1, _BAR_LOW, said, over_numbers=True)
        first = row + 2
        effects = self.of["effect"].values[:shown] / (THOUSAND if self.money else 1.0)
        labels = [_label(self.of.isel(term=number)) for number in range(shown)]
        for number, (words, sides) in enumerate(zip(labels, effects.tolist(), strict=True)):
            page.text(first + number, _LABEL, words, wrap=True)
            page.fit_height(first + number, [(words, page.width(_LABEL))])
            for place, value in enumerate(sides, start=_BAR_LOW):
                page.number(first + number, place, value, "pounds", "plain")
                page.sheet.cell(first + number, place).number_format = SIGNED
        parts = [
            Named(
                cell(page, row + 1, place, side),
                column(page, first, place, effects[:, number].tolist()),
            )
            for number, (place, side) in enumerate(zip((_BAR_LOW, _BAR_HIGH), said, strict=True))
        ]
        terms = column(page, first, _LABEL, labels)
        chart = tornado_bars(title, terms, parts, self.unit_of_bars)
        told = "; ".join(
            f"{words}: {low:+,.0f} at its low, {high:+,.0f} at its high"
            for words, (low, high) in zip(labels, effects.tolist(), strict=True)
        )
        text = f"Bars, the largest effect first. {title.values[0]}. {told}."
        page.chart(_CHART_AT, chart, f"{text} The figures stand in the tables below.")

    def title(self, shown: int) -> str:
        """What the chart shows."""
        every = self.of.sizes["term"]
        of_all = "" if shown == every else f", the {shown} largest of {every}"
        scenario = self.of.attrs["scenario"]
        return f"Effect on {self.measured}, {self.unit_of_bars}, scenario {scenario}{of_all}"

    def effects(self) -> dict[str, tuple[float, float, str]]:
        """By term: the effect of its low and of its high, and from when the value is."""
        if self.found is None:
            return {}
        of = self.found
        starts, names = of["from"].values, of["term"].values
        return {
            str(name): (float(low), float(high), str(start))
            for name, (low, high), start in zip(names, of["effect"].values, starts, strict=True)
        }


def _words(of: xr.Dataset) -> str:
    return str(of["title"].item()) or str(of["term"].item())


def _label(of: xr.Dataset) -> str:
    """What the chart calls a term."""
    low, high = (_short(float(value)) for value in of["value"].values)
    return f"{_words(of)}: {low} to {high}"


def _short(value: float) -> str:
    """A value as a label has it.

    Examples
    --------
    >>> _short(95.04), _short(0.0012), _short(12_000_000.0)
    ('95.04', '0.0012', '12,000,000')
    """
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
