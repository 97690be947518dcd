"""Charts of a simulation: fan, funnel and break-even."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from openpyxl.chart import AreaChart, LineChart, ScatterChart
from openpyxl.chart.axis import ChartLines
from openpyxl.chart.legend import LegendEntry
from openpyxl.chart.shapes import GraphicalProperties

from capitation.workbook.charts import (
    DARK,
    GREY,
    LIGHT,
    MIDDLE,
    WARM,
    Cells,
    Scale,
    by_name,
    category_series,
    count_scale,
    dress,
    mark,
    no_stroke,
    scale_axis,
    scatter_series,
    stroke,
)

_BANDS = (LIGHT, MIDDLE, MIDDLE, LIGHT)


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
        chart.hiLowLines = ChartLines(spPr=GraphicalProperties(ln=stroke(GREY, 1.5)))
        dress(chart, lines, "Fiscal year", scale.unit, scale)
        return chart
    area = AreaChart(grouping="stacked")
    for number, (name, band) in enumerate(zip(fan.band_names, fan.bands, strict=True)):
        series = category_series(name, by_name(fan.years), band)
        series.spPr = GraphicalProperties(ln=no_stroke())
        if number:
            series.spPr.solidFill = _BANDS[number - 1]
        else:
            series.spPr.noFill = True
        area.series.append(series)
    over = _quantile_lines(fan)
    dress(area, lines, "Fiscal year", scale.unit, scale)
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
        series = category_series(title, by_name(fan.years), values)
        series.spPr = GraphicalProperties(ln=no_stroke() if alone else stroke(colour, width, dash))
        series.marker = mark(symbol, colour, 7)
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
    for title, values, look in zip(names, chances, marks, strict=True):
        series = scatter_series(title, lists, values)
        series.spPr = GraphicalProperties(ln=no_stroke())
        series.marker = mark(*look)
        chart.series.append(series)
    x_title = "Registered patients of the practice in the base year"
    sizes = [float(size) for size in lists.values]
    logarithmic = min(sizes) > 0 and max(sizes) > 20 * min(sizes)
    if logarithmic:
        x_title += " (logarithmic: each step is ten times the one before)"
    y = Scale(0.0, 1.0, 0.2, "0%", "")
    dress(chart, lines, x_title, "Chance of earning, % of draws", y)
    if logarithmic:
        chart.x_axis.scaling.logBase = 10
        chart.x_axis.scaling.min = 10.0 ** math.floor(math.log10(min(sizes)))
        chart.x_axis.scaling.max = 10.0 ** math.ceil(math.log10(max(sizes)))
        chart.x_axis.number_format = "#,##0"
    else:
        scale_axis(chart.x_axis, count_scale(sizes))
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
        (cost, stroke(DARK, 2.25), mark("circle", DARK, 7)),
        (saving, stroke(WARM, 2.25, "dash"), mark("triangle", WARM, 8)),
        *zip(
            marks,
            (stroke("000000", 1.75, "sysDot"), stroke("000000", 1.25)),
            (mark("diamond", "000000", 8), mark("plus", "000000", 9)),
            strict=False,
        ),
    )
    for curve, line, marker in looks:
        series = scatter_series(curve.title, curve.x, curve.y)
        series.spPr = GraphicalProperties(ln=line)
        series.marker = marker
        chart.series.append(series)
    dress(chart, lines, "Reduction at full effect", scale.unit, scale)
    reductions = [float(value) for value in cost.x.values]
    most = max([*reductions, *(float(x) for mark in marks for x in mark.x.values)])
    step = _share_step(most)
    form = "0%" if math.isclose(step, round(step, 2)) else "0.0%"
    top = max(math.ceil(most / step - 1e-9), 1) * step
    scale_axis(chart.x_axis, Scale(min(0.0, *reductions), top, step, form, ""))
    chart.x_axis.majorGridlines = None
    return chart


def _share_step(top: float) -> float:
    """The step of an axis of shares: at most ten of them."""
    return next(s for s in (0.005, 0.01, 0.02, 0.025, 0.05, 0.1, 0.2) if top / s <= 10 or s == 0.2)
