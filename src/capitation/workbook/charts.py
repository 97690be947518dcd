"""What native charts are made of: readable without colour, units in titles, values saved inside.

A chart refers to cells. What the cells hold is saved in the chart too, so that a program that does
not compute shows it all the same.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

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

from capitation.workbook.page import FORMATS, Page, at, quoted

WIDTH, HEIGHT = 27.0, 12.5
"""Centimetres."""
LEAST_SPAN = 0.01
"""An axis over less than a penny would show the rounding of floating point."""
HEADROOM = 1.02
"""So that the highest mark stands within the axes."""
LONGEST_LINE = 62
"""Letters of a title that stand on one line."""
ROWS = math.ceil(HEIGHT / 2.54 * 72 / 12.75) + 1
"""Rows of a sheet that a chart covers."""

DARK, MIDDLE, LIGHT, WARM, GREY = "1F4E78", "9DC3E6", "DEEBF7", "C55A11", "7F7F7F"
_POINT = 12_700
_QUARTER_TURN = -5_400_000
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
    if high - low < LEAST_SPAN:
        high = low + max(1.0, abs(low) / 10)
    rough = (high - low) / 7
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(s * power for s in _STEPS if s * power >= rough * (1 - 1e-9))
    return math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step, step


def share_scale() -> Scale:
    """An axis of shares, from nothing to all."""
    return Scale(0.0, 1.0, 0.2, "0%", "% of the premium before withdrawal")


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


def across_title(text: str) -> Title:
    """The title of an axis of numbers that runs from left to right."""
    return _title([text], 10)


def _labels(points: float) -> RichText:
    properties = ParagraphProperties(defRPr=_text(points))
    return RichText(
        bodyPr=RichTextProperties(), p=[Paragraph(pPr=properties, endParaRPr=_text(points))]
    )


ROOM_BELOW = 0.21
"""Share of a chart's height that its axis' labels and title and the legend take."""


def dress(
    chart: ChartBase,
    lines: Sequence[str],
    x_title: str,
    y_title: str,
    y: Scale,
    *,
    below: float = ROOM_BELOW,
) -> None:
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
        layoutTarget="inner", xMode="edge", yMode="edge", x=0.09, y=top, w=0.88, h=1 - below - top
    )
    chart.layout = Layout(manualLayout=inner)
    for axis, title in ((chart.x_axis, x_title), (chart.y_axis, y_title)):
        axis.delete = False
        axis.title = _title([title], 10, upright=axis is chart.y_axis)
        axis.txPr = _labels(10)
        axis.tickLblPos = "low"
        axis.majorTickMark = "out"
        axis.graphicalProperties = GraphicalProperties(ln=stroke(GREY, 0.75))
    scale_axis(chart.y_axis, y)
    chart.y_axis.majorGridlines = ChartLines(spPr=GraphicalProperties(ln=stroke("D9D9D9", 0.5)))


def scale_axis(axis: NumericAxis, scale: Scale) -> None:
    """Give an axis of numbers its ends, its steps and its number format."""
    axis.scaling.min, axis.scaling.max = scale.low, scale.high
    axis.majorUnit = scale.step
    axis.number_format = scale.form


# ---------------------------------------------------------------------- series


def stroke(colour: str, points: float, dash: str | None = None) -> LineProperties:
    """A line, its width in points."""
    return LineProperties(w=int(points * _POINT), solidFill=colour, prstDash=dash)


def no_stroke() -> LineProperties:
    """The line of what is not outlined."""
    return LineProperties(noFill=True)


def mark(symbol: str, colour: str, size: int) -> Marker:
    """A filled mark: LibreOffice does not draw the outline of a hollow one."""
    outlined = GraphicalProperties(ln=stroke(colour, 1.25), solidFill=colour)
    return Marker(symbol=symbol, size=size, spPr=outlined)


def numbers(cells: Cells) -> NumRef:
    """Figures that a chart draws, with what their cells hold."""
    points = [NumVal(idx=n, v=repr(float(value))) for n, value in enumerate(cells.values)]
    data = NumData(formatCode="General", ptCount=len(points), pt=points)
    return NumRef(f=cells.where, numCache=data)


def words(cells: Cells) -> StrRef:
    """Names that a chart shows, with what their cells hold."""
    points = [StrVal(idx=number, v=str(value)) for number, value in enumerate(cells.values)]
    return StrRef(f=cells.where, strCache=StrData(ptCount=len(points), pt=points))


def category_series(title: Cells, categories: AxDataSource, values: Cells) -> Series:
    """A series over categories such as years."""
    series = Series(tx=SeriesLabel(strRef=words(title)))
    series.cat = categories
    series.val = NumDataSource(numRef=numbers(values))
    return series


def by_name(cells: Cells) -> AxDataSource:
    """Categories named by the words of cells."""
    return AxDataSource(strRef=words(cells))


def by_month(cells: Cells) -> AxDataSource:
    """Categories that are months, given by their first days."""
    reference = numbers(cells)
    reference.numCache.formatCode = FORMATS["month"]
    return AxDataSource(numRef=reference)


def scatter_series(title: Cells, x: Cells, y: Cells) -> XYSeries:
    """A series of points."""
    series = XYSeries(tx=SeriesLabel(strRef=words(title)))
    series.xVal = AxDataSource(numRef=numbers(x))
    series.yVal = NumDataSource(numRef=numbers(y))
    series.smooth = False
    return series
