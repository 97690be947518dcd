"""Native charts: readable without colour, with units in their titles and the values saved inside.

A chart refers to cells. What the cells hold is saved in the chart too, so that a program that does
not compute shows it all the same.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from openpyxl.chart import AreaChart, LineChart, ScatterChart
from openpyxl.chart._chart import ChartBase
from openpyxl.chart.axis import ChartLines, NumericAxis
from openpyxl.chart.data_source import (
    AxDataSource,
    NumData,
    NumDataSource,
    NumRef,
    NumVal,
    StrData,
    StrRef,
    StrVal,
)
from openpyxl.chart.layout import Layout, ManualLayout
from openpyxl.chart.legend import LegendEntry
from openpyxl.chart.marker import Marker
from openpyxl.chart.series import Series, SeriesLabel, XYSeries
from openpyxl.chart.shapes import GraphicalProperties
from openpyxl.chart.text import RichText, Text
from openpyxl.chart.title import Title
from openpyxl.drawing.line import LineProperties
from openpyxl.drawing.text import (
    CharacterProperties,
    Paragraph,
    ParagraphProperties,
    RegularTextRun,
    RichTextProperties,
)

from capitation.workbook.page import Page, at, quoted

WIDTH, HEIGHT = 27.0, 12.5
"""Centimetres."""
HEADROOM = 1.02
"""So that the highest mark stands within the axes."""
LONGEST_LINE = 62
"""Letters of a title that stand on one line."""
ROWS = math.ceil(HEIGHT / 2.54 * 72 / 12.75) + 1
"""Rows of a sheet that a chart covers."""

DARK, MIDDLE, LIGHT, WARM, GREY = "1F4E78", "9DC3E6", "DEEBF7", "C55A11", "7F7F7F"
_POINT = 12_700
_QUARTER_TURN = -5_400_000
_BANDS = (LIGHT, MIDDLE, MIDDLE, LIGHT)
_STEPS = (1, 2, 2.5, 5, 10)
_POUNDS = ((1e6, "m", "£ million", ",,"), (1e3, "k", "£ thousand", ","), (0.0, "", "£", ""))
"""Size, letter, words and number format of each unit of money."""


@dataclass(frozen=True)
class Cells:
    """Cells that a chart draws, with what they hold.

    Attributes
    ----------
    where : str
        Such as ``'Cost fan'!$B$5:$B$8``.
    values : tuple of float or str
    """

    where: str
    values: tuple[float | str, ...]


def column(page: Page, first: int, number: int, values: Sequence[float | str]) -> Cells:
    """The cells of a column of a page, from a row down."""
    return _cells(page, (first, number), (first + len(values) - 1, number), values)


def cell(page: Page, row: int, number: int, value: float | str) -> Cells:
    """One cell of a page."""
    return Cells(f"{quoted(page.title)}!{_fixed(row, number)}", (value,))


def _cells(
    page: Page, first: tuple[int, int], last: tuple[int, int], values: Sequence[float | str]
) -> Cells:
    where = f"{quoted(page.title)}!{_fixed(*first)}:{_fixed(*last)}"
    return Cells(where, tuple(values))


def _fixed(row: int, number: int) -> str:
    return at(row, number, fix_row=True, fix_column=True)


# ---------------------------------------------------------------------- axes


@dataclass(frozen=True)
class Scale:
    """What an axis of numbers runs over, and how it is labelled.

    Attributes
    ----------
    low, high, step : float
    form : str
        The number format.
    unit : str
        The unit in words, for the axis' title.
    """

    low: float
    high: float
    step: float
    form: str
    unit: str


def money_scale(values: Sequence[float], *, from_zero: bool) -> Scale:
    """An axis of pounds, thousands or millions.

    It starts at zero, unless that would leave little of the figures to see.

    Examples
    --------
    >>> money_scale([5_200_000, 5_900_000], from_zero=False).unit
    '£ million, the axis starts at £5.2m'
    """
    least, most = min(values), max(values)
    cut = not from_zero and least > 0.5 * most > 0
    low, high, step = _rounded(least if cut else min(least, 0.0), max(most, 0.0) * HEADROOM)
    largest = max(abs(low), abs(high))
    size, letter, words, commas = next(unit for unit in _POUNDS if largest >= 2 * unit[0])
    size = size or 1.0
    decimals = next(d for d in range(9) if math.isclose(step / size, round(step / size, d)))
    form = "#,##0" + ("." + "0" * decimals if decimals else "") + commas
    unit = words
    if cut and low > 0:
        unit += f", the axis starts at £{low / size:,.{max(decimals, 1)}f}{letter}"
    return Scale(low, high, step, form, unit)


def _rounded(low: float, high: float) -> tuple[float, float, float]:
    """Round the ends of an axis outwards to whole steps, four to eight of them."""
    if high <= low:
        high = low + max(1.0, abs(low) / 10)
    rough = (high - low) / 7
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(s * power for s in _STEPS if s * power >= rough * (1 - 1e-9))
    return math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step, step


def count_scale(values: Sequence[float]) -> Scale:
    """An axis of counts from zero."""
    low, high, step = _rounded(0.0, max(values))
    return Scale(low, high, step, "#,##0", "")


def _text(points: float, *, bold: bool = False, colour: str = "262626") -> CharacterProperties:
    return CharacterProperties(sz=int(points * 100), b=bold, solidFill=colour)


def _title(
    lines: Sequence[str], points: float, *, bold: bool = False, upright: bool = False
) -> Title:
    paragraphs = [
        Paragraph(
            pPr=ParagraphProperties(defRPr=_text(points, bold=bold and not number)),
            r=[
                RegularTextRun(
                    rPr=_text(points - 2 * bool(number), bold=bold and not number), t=line
                )
            ],
        )
        for number, line in enumerate(lines)
    ]
    body = RichTextProperties(rot=_QUARTER_TURN, vert="horz") if upright else RichTextProperties()
    rich = RichText(bodyPr=body, p=paragraphs)
    return Title(tx=Text(rich=rich), overlay=False)


def _labels(points: float) -> RichText:
    properties = ParagraphProperties(defRPr=_text(points))
    return RichText(
        bodyPr=RichTextProperties(), p=[Paragraph(pPr=properties, endParaRPr=_text(points))]
    )


def _dress(chart: ChartBase, lines: Sequence[str], x_title: str, y_title: str, y: Scale) -> None:
    """Give a chart its titles, its legend below and its axes, none of which goes without saying."""
    chart.width, chart.height = WIDTH, HEIGHT
    chart.roundedCorners = False
    lines = [part for line in lines for part in textwrap.wrap(line, LONGEST_LINE)]
    chart.title = _title(lines, 13, bold=True)
    legend = chart.legend
    legend.position, legend.overlay, legend.txPr = "b", False, _labels(10)
    # Room above for the lines of the title, and below for the axis' title and the legend.
    top = 0.07 + 0.05 * len(lines)
    inner = ManualLayout(
        layoutTarget="inner", xMode="edge", yMode="edge", x=0.09, y=top, w=0.88, h=0.79 - top
    )
    chart.layout = Layout(manualLayout=inner)
    for axis, title in ((chart.x_axis, x_title), (chart.y_axis, y_title)):
        axis.delete = False
        axis.title = _title([title], 10, upright=axis is chart.y_axis)
        axis.txPr = _labels(10)
        axis.tickLblPos = "low"
        axis.majorTickMark = "out"
        axis.graphicalProperties = GraphicalProperties(ln=_line(GREY, 0.75))
    _scale(chart.y_axis, y)
    chart.y_axis.majorGridlines = ChartLines(spPr=GraphicalProperties(ln=_line("D9D9D9", 0.5)))


def _scale(axis: NumericAxis, scale: Scale) -> None:
    axis.scaling.min, axis.scaling.max = scale.low, scale.high
    axis.majorUnit = scale.step
    axis.number_format = scale.form


# ---------------------------------------------------------------------- series


def _line(colour: str, points: float, dash: str | None = None) -> LineProperties:
    return LineProperties(w=int(points * _POINT), solidFill=colour, prstDash=dash)


def _no_line() -> LineProperties:
    return LineProperties(noFill=True)


def _marker(symbol: str, colour: str, size: int) -> Marker:
    """A filled mark: LibreOffice does not draw the outline of a hollow one."""
    outlined = GraphicalProperties(ln=_line(colour, 1.25), solidFill=colour)
    return Marker(symbol=symbol, size=size, spPr=outlined)


def _numbers(cells: Cells) -> NumRef:
    points = [NumVal(idx=n, v=repr(float(value))) for n, value in enumerate(cells.values)]
    data = NumData(formatCode="General", ptCount=len(points), pt=points)
    return NumRef(f=cells.where, numCache=data)


def _words(cells: Cells) -> StrRef:
    points = [StrVal(idx=number, v=str(value)) for number, value in enumerate(cells.values)]
    return StrRef(f=cells.where, strCache=StrData(ptCount=len(points), pt=points))


def _by_year(title: Cells, years: Cells, values: Cells) -> Series:
    series = Series(tx=SeriesLabel(strRef=_words(title)))
    series.cat = AxDataSource(strRef=_words(years))
    series.val = NumDataSource(numRef=_numbers(values))
    return series


def _points(title: Cells, x: Cells, y: Cells) -> XYSeries:
    series = XYSeries(tx=SeriesLabel(strRef=_words(title)))
    series.xVal = AxDataSource(numRef=_numbers(x))
    series.yVal = NumDataSource(numRef=_numbers(y))
    series.smooth = False
    return series


# ---------------------------------------------------------------------- the charts


@dataclass(frozen=True)
class Fan:
    """What a fan is drawn from: cells by year.

    Attributes
    ----------
    years : Cells
    names, quantiles : sequence of Cells
        Headings and figures of the five quantiles, from 5 to 95%.
    band_names, bands : sequence of Cells
        What stands under the fan, and the four differences between neighbouring quantiles.
    """

    years: Cells
    names: Sequence[Cells]
    quantiles: Sequence[Cells]
    band_names: Sequence[Cells]
    bands: Sequence[Cells]


_QUANTILE_LINES = (
    (GREY, 1.0, "sysDot", "triangle"),
    (DARK, 1.25, "dash", "square"),
    (DARK, 2.75, None, "circle"),
    (DARK, 1.25, "dash", "diamond"),
    (GREY, 1.0, "sysDot", "x"),
)
"""Colour, width, dash and mark of each quantile: the mark alone tells it from the others."""


def fan_chart(fan: Fan, lines: Sequence[str], scale: Scale) -> AreaChart | LineChart:
    """Bands between quantiles, with a line along each; for a single year, marks on one line."""
    if len(fan.years.values) == 1:
        chart = _quantile_lines(fan)
        chart.hiLowLines = ChartLines(spPr=GraphicalProperties(ln=_line(GREY, 1.5)))
        _dress(chart, lines, "Fiscal year", scale.unit, scale)
        return chart
    area = AreaChart(grouping="stacked")
    for number, (name, band) in enumerate(zip(fan.band_names, fan.bands, strict=True)):
        series = _by_year(name, fan.years, band)
        series.spPr = GraphicalProperties(ln=_no_line())
        if number:
            series.spPr.solidFill = _BANDS[number - 1]
        else:
            series.spPr.noFill = True
        area.series.append(series)
    over = _quantile_lines(fan)
    _dress(area, lines, "Fiscal year", scale.unit, scale)
    over.x_axis, over.y_axis = area.x_axis, area.y_axis
    area.y_axis.crossBetween = "midCat"
    area.legend.legendEntry = [LegendEntry(idx=n, delete=True) for n in range(len(fan.bands))]
    area += over
    return area


def _quantile_lines(fan: Fan) -> LineChart:
    chart = LineChart()
    alone = len(fan.years.values) == 1
    for title, values, (colour, width, dash, symbol) in zip(
        fan.names, fan.quantiles, _QUANTILE_LINES, strict=True
    ):
        series = _by_year(title, fan.years, values)
        series.spPr = GraphicalProperties(ln=_no_line() if alone else _line(colour, width, dash))
        series.marker = _marker(symbol, colour, 7)
        series.smooth = False
        chart.series.append(series)
    return chart


def funnel_chart(
    lists: Cells,
    names: tuple[Cells, Cells],
    chances: tuple[Cells, Cells],
    lines: Sequence[str],
) -> ScatterChart:
    """Chance of earning against list size: triangles with the effect, circles without."""
    chart = ScatterChart(scatterStyle="lineMarker")
    marks = (("triangle", DARK, 8), ("circle", WARM, 6))
    for title, values, mark in zip(names, chances, marks, strict=True):
        series = _points(title, lists, values)
        series.spPr = GraphicalProperties(ln=_no_line())
        series.marker = _marker(*mark)
        chart.series.append(series)
    x_title = "Registered patients of the practice in the base year"
    sizes = [float(size) for size in lists.values]
    logarithmic = min(sizes) > 0 and max(sizes) > 20 * min(sizes)
    if logarithmic:
        x_title += " (logarithmic: each step is ten times the one before)"
    y = Scale(0.0, 1.0, 0.2, "0%", "")
    _dress(chart, lines, x_title, "Chance of earning, % of draws", y)
    if logarithmic:
        chart.x_axis.scaling.logBase = 10
        chart.x_axis.scaling.min = 10.0 ** math.floor(math.log10(min(sizes)))
        chart.x_axis.scaling.max = 10.0 ** math.ceil(math.log10(max(sizes)))
        chart.x_axis.number_format = "#,##0"
    else:
        _scale(chart.x_axis, count_scale(sizes))
    chart.x_axis.majorGridlines = None
    return chart


@dataclass(frozen=True)
class Curve:
    """A line of a scatter chart.

    Attributes
    ----------
    title, x, y : Cells
    """

    title: Cells
    x: Cells
    y: Cells


def break_even_chart(
    cost: Curve, saving: Curve, marks: Sequence[Curve], lines: Sequence[str], scale: Scale
) -> ScatterChart:
    """Cost and saving against the reduction; first of the marks the break-even, then its range."""
    chart = ScatterChart(scatterStyle="lineMarker")
    looks = (
        (cost, _line(DARK, 2.25), _marker("circle", DARK, 7)),
        (saving, _line(WARM, 2.25, "dash"), _marker("triangle", WARM, 8)),
        *zip(
            marks,
            (_line("000000", 1.75, "sysDot"), _line("000000", 1.25)),
            (_marker("diamond", "000000", 8), _marker("plus", "000000", 9)),
            strict=False,
        ),
    )
    for curve, line, marker in looks:
        series = _points(curve.title, curve.x, curve.y)
        series.spPr = GraphicalProperties(ln=line)
        series.marker = marker
        chart.series.append(series)
    _dress(chart, lines, "Reduction at full effect", scale.unit, scale)
    reductions = [float(value) for value in cost.x.values]
    most = max([*reductions, *(float(x) for mark in marks for x in mark.x.values)])
    step = _share_step(most)
    form = "0%" if math.isclose(step, round(step, 2)) else "0.0%"
    top = max(math.ceil(most / step - 1e-9), 1) * step
    _scale(chart.x_axis, Scale(min(0.0, *reductions), top, step, form, ""))
    chart.x_axis.majorGridlines = None
    return chart


def _share_step(top: float) -> float:
    """The step of an axis of shares: at most ten of them."""
    return next(s for s in (0.005, 0.01, 0.02, 0.025, 0.05, 0.1, 0.2) if top / s <= 10 or s == 0.2)
