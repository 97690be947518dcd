"""Draw how time and memory grow with each dimension: small multiples, both scales logarithmic.

    python benchmarks/run.py --size full --only scaling --json RESULTS.json
    python benchmarks/growth.py RESULTS.json [--output spreadsheets/pictures/growth.svg]

The picture is text (SVG), written here, so that it needs no library; the same rows give the same
bytes. Each panel shows growth against the smallest size, beside a line of what would be in
proportion. The words under a panel say why it bends.
"""

from __future__ import annotations

import argparse
import json
import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

OUTPUT = Path(__file__).parents[1] / "spreadsheets" / "pictures" / "growth.svg"

PROPORTION = {"threads": -1.0, "chunk_size": 0.0}
"""The slope of what is in proportion, where it is not 1: work shared out, and work cut up."""

WHY = {
    "practices": "Terms are read and rules bound once, however many practices there are: the first "
    "tenth of a second. What is linear in practices is worked out once a commissioner.",
    "months": "The same start; then in proportion. Rules are run year by year, so that the tables "
    "of a year stay in the nearest cache.",
    "scenarios": "Up to 32 fill one tile of vector lanes, and cost little more than one. From "
    "there on in proportion, tile by tile.",
    "draws": "In proportion, beside a start of binding rules and labelling results. Draws of one "
    "commissioner at a time are held, never of all practices.",
    "persons": "Persons are counted in proportion; what is laid on the counts depends on "
    "practices alone.",
    "threads": "Commissioners are shared out; reading terms and packing tables is not.",
    "chunk_size": "Small chunks repeat the start of each; large ones hold more at once.",
}
"""Why a line leaves its proportion."""

COLUMNS = 3
PANEL_WIDTH, PANEL_HEIGHT = 330, 268
LEFT, RIGHT, TOP, BOTTOM = 44, 66, 46, 82
HEAD, MARGIN = 56, 8
WORDS = 52
"""Letters in a line under a panel."""

INK, QUIET, FAINT = "#1f2328", "#59636e", "#d1d9e0"


@dataclass(frozen=True)
class Line:
    """One quantity over sizes: how it is called, drawn and told."""

    name: str
    colour: str
    points: dict[float, float]
    told: str

    @property
    def growth(self) -> dict[float, float]:
        """Each point against the first."""
        first = next(iter(self.points.values()))
        return {size: value / first for size, value in self.points.items()}

    @property
    def last(self) -> float:
        """The largest size against the smallest."""
        return list(self.growth.values())[-1]


@dataclass(frozen=True)
class Panel:
    """One dimension: its lines, and its place on the picture."""

    dimension: str
    case: str
    lines: Sequence[Line]
    left: float
    top: float
    sizes: list[float] = field(default_factory=list)

    @property
    def slope(self) -> float:
        return PROPORTION.get(self.dimension, 1.0)


def in_seconds(seconds: float) -> str:
    """A time, in words.

    Examples
    --------
    >>> in_seconds(0.0123), in_seconds(2.5), in_seconds(61.2)
    ('12 ms', '2.5 s', '61 s')
    """
    if seconds < 0.9995:
        return f"{_short(seconds * 1000)} ms"
    return f"{_short(seconds)} s"


def in_bytes(count: float) -> str:
    """An amount of memory, in words.

    Examples
    --------
    >>> in_bytes(34_000), in_bytes(123_456_789), in_bytes(1.5e9)
    ('34 kB', '123 MB', '1.5 GB')
    """
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if count >= 0.9995 * size:
            return f"{_short(count / size)} {unit}"
    return f"{_short(count / 1e3)} kB"


def _short(number: float) -> str:
    return f"{number:.0f}" if number >= 9.95 else f"{number:.1f}"


def drawn(rows: Iterable[Mapping[str, Any]]) -> str:
    """Draw rows of scaling.

    Parameters
    ----------
    rows : iterable of mapping
        ``dimension``, ``case``, ``size``, ``seconds`` and, where it was measured, ``peak_bytes``.
        Each dimension with its case is a panel.

    Returns
    -------
    str
        The picture, as SVG.
    """
    panels = _panels(list(rows))
    width = COLUMNS * PANEL_WIDTH + 2 * MARGIN
    height = HEAD + -(-len(panels) // COLUMNS) * PANEL_HEIGHT + MARGIN
    told = "; ".join(_told(panel) for panel in panels)
    pieces = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
        f' width="{width}" height="{height}" role="img" font-size="11"'
        ' font-family="Helvetica, Arial, sans-serif">',
        "<title>Growth of time and memory with each dimension</title>",
        f"<desc>{escape(told)}</desc>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        _text(MARGIN + 8, 24, "How time and memory grow", size=16, weight="bold"),
        _text(
            MARGIN + 8,
            42,
            "Times as much as at the smallest size; both scales logarithmic. "
            "Dashed: in proportion (more threads: work shared out evenly).",
            QUIET,
        ),
        *(piece for panel in panels for piece in _panel(panel)),
        "</svg>",
    ]
    return "\n".join(pieces) + "\n"


def _panels(rows: list[Mapping[str, Any]]) -> list[Panel]:
    keys = list(dict.fromkeys((row["dimension"], row["case"]) for row in rows))
    panels = []
    for number, (dimension, case) in enumerate(keys):
        chosen = [row for row in rows if (row["dimension"], row["case"]) == (dimension, case)]
        chosen.sort(key=lambda row: row["size"])
        down, across = divmod(number, COLUMNS)
        left, top = MARGIN + across * PANEL_WIDTH, HEAD + down * PANEL_HEIGHT
        sizes = [row["size"] for row in chosen]
        panels.append(Panel(dimension, case, _lines(chosen), left, top, sizes))
    return panels


def _lines(rows: list[Mapping[str, Any]]) -> list[Line]:
    lines = []
    for key, name, colour, words in (
        ("seconds", "time", "#0b5cad", in_seconds),
        ("peak_bytes", "memory", "#b3510b", in_bytes),
    ):
        points = {row["size"]: row[key] for row in rows if row.get(key)}
        if points:
            last = list(points.values())[-1]
            lines.append(Line(name, colour, points, words(last)))
    return lines


def _told(panel: Panel) -> str:
    """A panel in words, for who cannot see it."""
    grown = " and ".join(
        f"{line.name} by {_short(line.last)} to {line.told}" for line in panel.lines
    )
    size = panel.sizes[-1] / panel.sizes[0]
    return f"{_title(panel.dimension)} ({panel.case}) times {_short(size)}: {grown}"


def _title(dimension: str) -> str:
    return dimension.replace("_", " ").capitalize()


class _Scale:
    """From sizes and growths to places within a panel."""

    def __init__(self, panel: Panel) -> None:
        growths = [g for line in panel.lines for g in line.growth.values()]
        ends = [(panel.sizes[-1] / panel.sizes[0]) ** panel.slope]
        self.sizes = (panel.sizes[0], panel.sizes[-1])
        self.least = min(1.0, *growths, *ends) / 1.15
        self.most = max(1.0, *growths, *ends) * 1.15
        if self.most / self.least < 4:
            self.least, self.most = self.least / 1.5, self.most * 1.5
        self.left, self.right = panel.left + LEFT, panel.left + PANEL_WIDTH - RIGHT
        self.top, self.bottom = panel.top + TOP, panel.top + PANEL_HEIGHT - BOTTOM

    def x(self, size: float) -> float:
        share = math.log(size / self.sizes[0]) / math.log(self.sizes[1] / self.sizes[0])
        return self.left + 6 + share * (self.right - self.left - 12)

    def y(self, growth: float) -> float:
        share = math.log(growth / self.least) / math.log(self.most / self.least)
        return self.bottom - share * (self.bottom - self.top)

    def ticks(self) -> list[float]:
        base = 10.0 if self.most / self.least > 60 else 2.0
        first = math.ceil(math.log(self.least, base) - 1e-9)
        last = math.floor(math.log(self.most, base) + 1e-9)
        return [base**power for power in range(first, last + 1)]


def _panel(panel: Panel) -> list[str]:
    scale = _Scale(panel)
    return [
        _text(panel.left + 8, panel.top + 18, _title(panel.dimension), size=13, weight="bold"),
        _text(panel.left + 8, panel.top + 33, panel.case, QUIET, size=10),
        *_axes(panel, scale),
        *_proportion(panel, scale),
        *(piece for line in panel.lines for piece in _line(line, scale)),
        *_names(panel, scale),
        *_reason(panel, scale),
    ]


def _axes(panel: Panel, scale: _Scale) -> list[str]:
    pieces = []
    for tick in scale.ticks():
        y = scale.y(tick)
        pieces.append(_stroke(scale.left, y, scale.right, y, FAINT))
        label = f"×{tick:,.0f}" if tick >= 1 else f"÷{1 / tick:,.0f}"
        pieces.append(_text(scale.left - 5, y + 4, label, QUIET, anchor="end", size=10))
    for size in panel.sizes:
        x = scale.x(size)
        pieces.append(_stroke(x, scale.bottom, x, scale.bottom + 4, QUIET))
    for x, label in _apart([(scale.x(size), f"{size:,.0f}") for size in panel.sizes]):
        pieces.append(_text(x, scale.bottom + 16, label, QUIET, anchor="middle", size=10))
    pieces.append(_stroke(scale.left, scale.bottom, scale.right, scale.bottom, QUIET))
    return pieces


def _apart(labels: list[tuple[float, str]]) -> list[tuple[float, str]]:
    """The last label, the first, and as many between as do not touch."""
    *before, last = labels
    kept = [last]
    for x, label in dict.fromkeys([*before[:1], *before]):
        room = 2.9 * len(label) + 5
        if all(abs(x - other) > room + 2.9 * len(taken) for other, taken in kept):
            kept.append((x, label))
    return kept


def _proportion(panel: Panel, scale: _Scale) -> list[str]:
    first, last = panel.sizes[0], panel.sizes[-1]
    ends = scale.x(first), scale.y(1.0), scale.x(last), scale.y((last / first) ** panel.slope)
    return [_stroke(*ends, QUIET, ' stroke-dasharray="4 4"')]


def _line(line: Line, scale: _Scale) -> list[str]:
    places = [(scale.x(size), scale.y(growth)) for size, growth in line.growth.items()]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    style = f'fill="none" stroke="{line.colour}" stroke-width="2"'
    marks = [
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.2" fill="{line.colour}"/>'
        if line.name == "time"
        else f'<rect x="{x - 2.8:.1f}" y="{y - 2.8:.1f}" width="5.6" height="5.6"'
        f' fill="{line.colour}"/>'
        for x, y in places
    ]
    return [f'<polyline points="{path}" {style}/>', *marks]


def _names(panel: Panel, scale: _Scale) -> list[str]:
    """Each line's name and last value, beside its last point and clear of the other's."""
    room, highest = 28, scale.top + 4
    pieces = []
    lines = sorted(panel.lines, key=lambda line: line.last, reverse=True)
    for number, line in enumerate(lines):
        below = room * (len(lines) - 1 - number)
        y = max(min(scale.y(line.last), scale.bottom - 8 - below), highest)
        highest = y + room
        pieces.append(_text(scale.right + 4, y - 1, line.name, line.colour, weight="bold"))
        pieces.append(_text(scale.right + 4, y + 12, line.told, line.colour))
    return pieces


def _reason(panel: Panel, scale: _Scale) -> list[str]:
    words = textwrap.wrap(WHY.get(panel.dimension, ""), WORDS)
    x, y = panel.left + 8, scale.bottom + 34
    return [_text(x, y + 13 * n, line, INK, size=10.5) for n, line in enumerate(words)]


def _stroke(x1: float, y1: float, x2: float, y2: float, colour: str, more: str = "") -> str:
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{colour}"{more}/>'


def _text(
    x: float,
    y: float,
    words: str,
    colour: str = INK,
    *,
    anchor: str = "start",
    size: float = 11,
    weight: str = "normal",
) -> str:
    style = f'fill="{colour}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(words)}</text>'


def kept_beside(size: str) -> dict[str, str]:
    """By dimension, what stays as it is while it grows, in the plan of that size."""
    from workloads.scaling import PLANS

    plan = PLANS[size]
    practices = f"{plan.w1.practices:,} practices"
    months, scenarios = f"{plan.w1.months} months", f"{plan.w1.scenarios} scenarios"
    whole = f"{practices}, {months}, {scenarios}"
    return {
        "practices": f"{months}, {scenarios}",
        "months": f"{practices}, {scenarios}",
        "scenarios": f"{practices}, {months}",
        "draws": f"{plan.w2.practices:,} practices, ten years",
        "threads": whole,
        "chunk_size": whole,
    }


def main() -> None:
    """Draw the growth, of a file of results or measured now."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    asked = parser.parse_args()
    report = json.loads(asked.results.read_text("utf-8"))
    beside = kept_beside(report["size"])
    rows = [
        row | {"case": f"{row['case']}: {beside.get(row['dimension'], '')}".rstrip(": ")}
        for row in report["scaling"]
    ]
    asked.output.write_text(drawn(rows), "utf-8")
    print(asked.output)


if __name__ == "__main__":
    main()
