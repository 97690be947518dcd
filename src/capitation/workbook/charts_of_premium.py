"""Charts of PMS premium: what becomes of it by year, its schedule, who gains and who loses."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from openpyxl.chart import BarChart, LineChart
from openpyxl.chart.axis import ChartLines
from openpyxl.chart.data_source import (
    AxDataSource,
    Level,
    MultiLevelStrData,
    MultiLevelStrRef,
    StrVal,
)
from openpyxl.chart.shapes import GraphicalProperties
from openpyxl.descriptors.nested import NestedInteger

from capitation.workbook.charts import (
    DARK,
    GREY,
    MIDDLE,
    WARM,
    Cells,
    Scale,
    by_month,
    by_name,
    category_series,
    dress,
    mark,
    no_stroke,
    stroke,
)
from capitation.workbook.page import FORMATS

_FILLS = (DARK, MIDDLE, "FFFFFF")
LOOKS = (
    (DARK, 2.5, None, "circle"),
    (WARM, 2.5, "dash", "triangle"),
    (GREY, 2.0, "sysDot", "square"),
    ("2E75B6", 2.0, "lgDash", "diamond"),
    ("806000", 2.0, "dashDot", "x"),
    ("000000", 1.25, None, "plus"),
)
"""Colour, width, dash and mark of each scenario's line."""
_WITH_SLANTED_LABELS = 0.3
"""Share of the height below a plot where labels are slanted for want of room."""
_WITH_TWO_LEVELS = 0.26
"""The same where labels have a line for the year and two for the scenario."""
_WITH_UPRIGHT_LABELS = 0.45
"""The same where the names of scenarios are turned, for want of room beside one another."""
_LETTERS_BESIDE = 120
"""Letters of the scenarios' names that have room beside one another, on two lines."""
MOST_NAMED = 40
"""More practices than this leave no room for the name of each."""


@dataclass(frozen=True)
class Named:
    """A series: the cell of its name, and the cells of its figures.

    Attributes
    ----------
    name, figures : Cells
    """

    name: Cells
    figures: Cells


@dataclass(frozen=True)
class Stacks:
    """Columns side by side, each of parts that stand upon one another.

    Attributes
    ----------
    labels : Cells
        Two columns of cells: the year, and the scenario within the year.
    outer, inner : sequence of str
        What they hold.
    parts : sequence of Named
        From the bottom up.
    """

    labels: str
    outer: Sequence[str]
    inner: Sequence[str]
    parts: Sequence[Named]


def stacked_columns(stacks: Stacks, lines: Sequence[str], scale: Scale) -> BarChart:
    """Columns by year and, within the year, by scenario."""
    chart = BarChart(gapWidth=40, overlap=100)
    chart.type, chart.grouping = "col", "stacked"
    for part, fill in zip(stacks.parts, _FILLS, strict=False):
        series = category_series(part.name, _two_levels(stacks), part.figures)
        series.spPr = GraphicalProperties(solidFill=fill, ln=stroke(DARK, 0.75))
        series.invertIfNegative = False
        chart.series.append(series)
    letters = len(stacks.inner) * max(map(len, stacks.inner))
    upright = letters > _LETTERS_BESIDE
    below = _WITH_UPRIGHT_LABELS if upright else _WITH_TWO_LEVELS
    dress(chart, lines, "Fiscal year and scenario", scale.unit, scale, below=below)
    if upright:
        # Names and years say it themselves, and reach down to where the title would stand.
        chart.x_axis.title = None
    return chart


class _Levels(MultiLevelStrData):
    """Names of categories by level; openpyxl cannot write how many they are by itself."""

    ptCount = NestedInteger(allow_none=True)  # noqa: N815
    __elements__ = MultiLevelStrData.__elements__


def _two_levels(stacks: Stacks) -> AxDataSource:
    """Categories of two levels: a year stands once under all of its scenarios."""
    inner = [StrVal(idx=n, v=text) for n, text in enumerate(stacks.inner)]
    starts = [0, *(n for n, (a, b) in enumerate(itertools.pairwise(stacks.outer), 1) if a != b)]
    outer = [StrVal(idx=n, v=stacks.outer[n]) for n in starts]
    data = _Levels(ptCount=len(inner), lvl=[Level(pt=inner), Level(pt=outer)])
    return AxDataSource(multiLvlStrRef=MultiLevelStrRef(f=stacks.labels, multiLvlStrCache=data))


def share_lines(
    months: Cells, shares: Sequence[Named], lines: Sequence[str], scale: Scale
) -> LineChart:
    """A line for each scenario, month by month: told apart by dash and by mark."""
    chart = LineChart()
    for share, (colour, width, dash, symbol) in zip(shares, itertools.cycle(LOOKS), strict=False):
        series = category_series(share.name, by_month(months), share.figures)
        series.spPr = GraphicalProperties(ln=stroke(colour, width, dash))
        series.marker = mark(symbol, colour, 5)
        series.smooth = False
        chart.series.append(series)
    dress(chart, lines, "Month", scale.unit, scale, below=_WITH_SLANTED_LABELS)
    chart.x_axis.number_format = FORMATS["month"]
    chart.x_axis.tickLblSkip = chart.x_axis.tickMarkSkip = 6
    return chart


def sorted_bars(
    who: Cells, bars: Named, marks: Sequence[Named], lines: Sequence[str], scale: Scale
) -> BarChart:
    """A bar for each practice, in the table's order; marks are those of another scenario."""
    chart = BarChart(gapWidth=20)
    chart.type = "col"
    series = category_series(bars.name, by_name(who), bars.figures)
    series.spPr = GraphicalProperties(solidFill=DARK, ln=no_stroke())
    series.invertIfNegative = False
    chart.series.append(series)
    many = len(who.values)
    named = many <= MOST_NAMED
    x_title = f"{many:,} practices, from the largest loss to the largest gain"
    x_title = x_title if named else f"{x_title}, each named in the table"
    dress(chart, lines, x_title, scale.unit, scale, below=_WITH_SLANTED_LABELS)
    chart.x_axis.majorTickMark = "none"
    if not named:
        chart.gapWidth = 0
        chart.x_axis.tickLblSkip = math.ceil(many / MOST_NAMED)
    if marks:
        over = LineChart()
        for other in marks:
            points = category_series(other.name, by_name(who), other.figures)
            points.spPr = GraphicalProperties(ln=no_stroke())
            points.marker = mark("diamond", WARM, 6 if named else 4)
            points.smooth = False
            over.series.append(points)
        over.x_axis, over.y_axis = chart.x_axis, chart.y_axis
        chart += over
    chart.y_axis.majorGridlines = ChartLines(spPr=GraphicalProperties(ln=stroke("D9D9D9", 0.5)))
    return chart
