"""Charts that tell a budget's story: yearly streams, the bridge, and the tornado.

They draw what the scenario shown comes to, so that their axes fit themselves to the figures and
their titles are read from cells.
"""

from __future__ import annotations

from collections.abc import Sequence

from openpyxl.chart import BarChart
from openpyxl.chart.axis import NumericAxis
from openpyxl.chart.label import DataLabelList
from openpyxl.chart.legend import LegendEntry
from openpyxl.chart.shapes import GraphicalProperties
from openpyxl.chart.text import RichText, Text
from openpyxl.chart.title import Title
from openpyxl.drawing.fill import ColorChoice, PatternFillProperties
from openpyxl.drawing.text import (
    CharacterProperties,
    Paragraph,
    ParagraphProperties,
    RichTextProperties,
)

from capitation.workbook.charts import (
    DARK,
    MIDDLE,
    ROOM_BELOW,
    WARM,
    Cells,
    Scale,
    across_title,
    by_name,
    category_series,
    dress,
    money_scale,
    no_stroke,
    stroke,
    words,
)
from capitation.workbook.charts_of_premium import Named

THOUSANDS = "£ thousand"
_WHITE = "FFFFFF"
_LOOKS = (
    (DARK, None),
    (MIDDLE, None),
    (_WHITE, None),
    (DARK, "ltUpDiag"),
    ("BFBFBF", None),
    (DARK, "pct20"),
)
"""Colour and pattern of each part of a column, from the bottom up."""
_MORE, _LESS, _ALL = (MIDDLE, None), (WARM, "wdUpDiag"), (DARK, None)
_TORNADO_BELOW = 0.2
_ROOM_FOR_TERMS = 0.43
"""Share of the width in which terms are named."""
_ROOM_FOR_LABELS = 1.25
"""The axis reaches so much further than the longest bar."""
_BRIDGE_BELOW = 0.31
"""Share of the height below a plot whose labels take several lines."""


def stream_columns(
    title: Cells, years: Cells, parts: Sequence[Named], *, taken_back: bool
) -> BarChart:
    """A column for each year, its streams stacked upon one another.

    Parameters
    ----------
    title : Cells
        The cell that says what is drawn.
    years : Cells
    parts : sequence of Named
        From the bottom up.
    taken_back : bool
        Whether there are figures below zero; if not, the axis starts there.
    """
    chart = _stacked("col", gap=60)
    for part, look in zip(parts, _LOOKS, strict=False):
        _add(chart, part, years, look)
    _dress(chart, title, "Fiscal year; streams from the bottom up, in the order of the legend")
    if not taken_back:
        chart.y_axis.scaling.min = 0
    return chart


def bridge_columns(title: Cells, steps: Cells, parts: Sequence[Named]) -> BarChart:
    """Columns that begin where the one before ends: steps from one year's payments to another's.

    Parameters
    ----------
    title : Cells
        The cell that says what is drawn.
    steps : Cells
        What each step is, with its amount and its sign.
    parts : sequence of Named
        Nothing above and below zero, more above and below, less above and below, and all steps
        together.
    """
    chart = _stacked("col", gap=30)
    for part, look in zip(parts, (None, None, _MORE, _MORE, _LESS, _LESS, _ALL), strict=True):
        _add(chart, part, steps, look)
    _dress(
        chart,
        title,
        "Stream, with its change; 0 stands for the payments of the earlier year",
        below=_BRIDGE_BELOW,
    )
    _leave_out_of_legend(chart, (0, 1, 3, 5))
    chart.x_axis.txPr = _flat_labels(8)
    chart.x_axis.majorTickMark = "none"
    return chart


def tornado_bars(title: Cells, terms: Cells, parts: Sequence[Named], unit: str) -> BarChart:
    """Two bars for each term, its effect at its low and at its high, the largest at the top.

    Parameters
    ----------
    title : Cells
        The cell that says what is drawn.
    terms : Cells
        What each term is, with its low and its high.
    parts : sequence of Named
        The effects at the low, and at the high.
    unit : str
        Of the effects.
    """
    chart = _stacked("bar", gap=40)
    # Not stacked: where a low and a high both raise an amount, their effects do not add up.
    chart.grouping = "clustered"
    for part, look in zip(parts, (_LESS, _ALL), strict=True):
        _add(chart, part, terms, look)
    _dress(chart, title, "", unit=unit, below=_TORNADO_BELOW)
    # The figures are those of the run, so that the axis may be fixed, with room for their labels.
    effects = [float(effect) for part in parts for effect in part.figures.values]
    axis = money_scale([effect * _ROOM_FOR_LABELS for effect in effects], from_zero=True)
    chart.y_axis.scaling.min, chart.y_axis.scaling.max = axis.low, axis.high
    chart.y_axis.majorUnit = axis.step
    inner = chart.layout.manualLayout
    inner.x, inner.w = _ROOM_FOR_TERMS, 0.97 - _ROOM_FOR_TERMS
    chart.dataLabels = _signed_labels()
    # The largest stands at the top, and the numbers below all the same.
    chart.x_axis.scaling.orientation = "maxMin"
    chart.y_axis.crosses, chart.y_axis.tickLblPos = "max", "nextTo"
    chart.y_axis.title, chart.x_axis.title = across_title(unit), None
    chart.x_axis.txPr = _flat_labels(8)
    chart.x_axis.majorTickMark = "none"
    return chart


def _stacked(kind: str, gap: int) -> BarChart:
    chart = BarChart(gapWidth=gap, overlap=100)
    chart.type, chart.grouping = kind, "stacked"
    return chart


def _add(chart: BarChart, part: Named, names: Cells, look: tuple[str, str | None] | None) -> None:
    """Add a series; without a look it is not seen, and only lifts what stands upon it."""
    series = category_series(part.name, by_name(names), part.figures)
    series.invertIfNegative = False
    series.spPr = _unseen() if look is None else _seen(*look)
    chart.series.append(series)


def _unseen() -> GraphicalProperties:
    return GraphicalProperties(noFill=True, ln=no_stroke())


def _seen(colour: str, pattern: str | None) -> GraphicalProperties:
    outline = stroke(DARK, 0.75)
    if pattern is None:
        return GraphicalProperties(solidFill=colour, ln=outline)
    fill = PatternFillProperties(prst=pattern)
    fill.fgClr, fill.bgClr = ColorChoice(srgbClr=colour), ColorChoice(srgbClr=_WHITE)
    return GraphicalProperties(pattFill=fill, ln=outline)


def _dress(
    chart: BarChart,
    title: Cells,
    x_title: str,
    *,
    unit: str = THOUSANDS,
    below: float = ROOM_BELOW,
) -> None:
    """Give a chart titles and axes; the numbers' axis fits itself to the figures."""
    scale = Scale(0.0, 1.0, 1.0, "#,##0", unit)
    dress(chart, [str(title.values[0])], x_title, unit, scale, below=below)
    chart.title = _from_cell(title)
    _free(chart.y_axis)


def _free(axis: NumericAxis) -> None:
    """Let an axis follow the figures, whatever scenario is shown."""
    axis.scaling.min = axis.scaling.max = axis.majorUnit = None


def _from_cell(title: Cells) -> Title:
    font = CharacterProperties(sz=1200, b=True, solidFill="262626")
    paragraph = Paragraph(pPr=ParagraphProperties(defRPr=font), endParaRPr=font)
    look = RichText(bodyPr=RichTextProperties(), p=[paragraph])
    return Title(tx=Text(strRef=words(title)), txPr=look, overlay=False)


def _flat_labels(points: int) -> RichText:
    """Labels that are not turned: they take several lines."""
    font = CharacterProperties(sz=points * 100, solidFill="262626")
    paragraph = Paragraph(pPr=ParagraphProperties(defRPr=font), endParaRPr=font)
    return RichText(bodyPr=RichTextProperties(rot=0, vert="horz"), p=[paragraph])


def _signed_labels() -> DataLabelList:
    """Amounts at the ends of bars, with their signs."""
    shown = DataLabelList(numFmt="+#,##0;-#,##0;0", dLblPos="outEnd", showVal=True)
    shown.showLegendKey = shown.showSerName = shown.showCatName = shown.showPercent = False
    return shown


def _leave_out_of_legend(chart: BarChart, numbers: Sequence[int]) -> None:
    chart.legend.legendEntry = [LegendEntry(idx=number, delete=True) for number in numbers]
