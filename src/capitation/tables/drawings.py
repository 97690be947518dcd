"""Drawings of a result as SVG text: bars of scenarios and stacked years, without a script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDE = 420
"""Units across a drawing: few, so that letters can be read where a phone makes it narrow."""

_LETTERS = 14
_LINE, _BAR = 50, 22
"""Units from one bar to the next, which has its label above it; and how high a bar is."""

_EDGE = 8
MOST_PARTS = 6
"""Streams that have a shading of their own; what is smaller is drawn together."""

OTHERS = "All other streams"
_SHADES = ("#1f4e78", "#9dc3e6", "#c55a11", "#f4b183", "#548235", "#a9d18e", "#7f7f7f")
_MILLION = 1_000_000


@dataclass(frozen=True)
class Drawing:
    """A drawing, with what it shows said in words.

    Attributes
    ----------
    name : str
        A word that no other drawing of the page has.
    title, words : str
    svg : str
    """

    name: str
    title: str
    words: str
    svg: str


def millions(pounds: float) -> str:
    """An amount in words short enough for a drawing.

    Examples
    --------
    >>> millions(31_928_676.67), millions(-46_000), millions(0)
    ('£31.93m', '−£0.05m', '£0.00m')
    """
    rounded = round(pounds / _MILLION, 2)
    return f"{'−' if rounded < 0 else ''}£{abs(rounded):,.2f}m"


def scenario_bars(amounts: Sequence[tuple[str, float]], title: str) -> Drawing:
    """A bar for each scenario, from nought, with its amount and the difference from the first.

    Parameters
    ----------
    amounts : sequence of (str, float)
        Name and amount of each scenario. [GBP]
    title : str

    Returns
    -------
    Drawing
    """
    first = amounts[0][1]
    labels = [f"{name}: {millions(amount)}" for name, amount in amounts]
    for number, (_, amount) in enumerate(amounts[1:], start=1):
        more = millions(amount - first)
        labels[number] += f" ({more})" if more.startswith("−") else f" (+{more})"
    bars = [(label, [amount]) for label, (_, amount) in zip(labels, amounts, strict=True)]
    pieces, bottom = _bars(bars, numbered=False)
    words = (
        "Bars start at nought, in £ million; in brackets, how much more a scenario pays than the "
        f"first. {'; '.join(labels)}."
    )
    return _drawn("drawing_of_scenarios", title, words, pieces, bottom)


def stacked_years(
    years: Sequence[str], parts: Sequence[tuple[str, Sequence[float]]], title: str
) -> Drawing:
    """A bar for each fiscal year, of pieces; what is taken back stands to the left of nought.

    Parameters
    ----------
    years : sequence of str
    parts : sequence of (str, sequence of float)
        Name of each stream and its amount in each year. [GBP]
    title : str

    Returns
    -------
    Drawing
    """
    shown = _largest(parts)
    of_years = list(zip(*(amounts for _, amounts in shown), strict=True))
    labels = [f"{year}: {millions(sum(of))}" for year, of in zip(years, of_years, strict=True)]
    bars = [(label, list(of)) for label, of in zip(labels, of_years, strict=True)]
    pieces, bottom = _bars(bars, numbered=True)
    key, bottom = _key([name for name, _ in shown], bottom + 10)
    names = ", ".join(f"{number} {name}" for number, (name, _) in enumerate(shown, start=1))
    words = (
        f"Bars start at nought, in £ million. {'; '.join(labels)}. Pieces, from nought: {names}."
    )
    return _drawn("drawing_of_years", title, words, [*pieces, *key], bottom)


def _largest(parts: Sequence[tuple[str, Sequence[float]]]) -> list[tuple[str, list[float]]]:
    """The largest streams, and all others as one; those that come to nothing are left out."""
    paid = [(name, list(of)) for name, of in parts if any(of)]
    paid.sort(key=lambda part: -sum(map(abs, part[1])))
    shown, rest = paid[:MOST_PARTS], paid[MOST_PARTS:]
    if rest:
        together = [sum(of) for of in zip(*(of for _, of in rest), strict=True)]
        shown.append((OTHERS, together))
    return shown or [("Nothing is paid", [0.0] * len(parts[0][1]))]


def _bars(
    bars: Sequence[tuple[str, Sequence[float]]], *, numbered: bool
) -> tuple[list[str], float]:
    """Bars of pieces under their labels, and where they end; an axis stands at nought."""
    right = max(sum(max(0.0, amount) for amount in of) for _, of in bars)
    left = min(sum(min(0.0, amount) for amount in of) for _, of in bars)
    scale = (WIDE - 2 * _EDGE) / ((right - left) or 1.0)
    nought = _EDGE - left * scale
    pieces = []
    for number, (label, amounts) in enumerate(bars):
        top = number * _LINE + _LINE - _BAR
        pieces.append(_text(_EDGE, top - 6, label))
        pieces += _bar(amounts, top, nought, scale, numbered=numbered)
    bottom = len(bars) * _LINE + 4
    return [*pieces, _line(nought, _LINE - _BAR, bottom)], bottom


def _bar(
    amounts: Sequence[float], top: float, nought: float, scale: float, *, numbered: bool
) -> list[str]:
    """Pieces of one bar, each with its number where it is wide enough to hold it."""
    pieces = []
    before = after = nought
    for number, amount in enumerate(amounts):
        width = abs(amount) * scale
        start = after if amount >= 0 else before - width
        after, before = (start + width, before) if amount >= 0 else (after, start)
        pieces.append(_rectangle(start, top, width, _BAR, _SHADES[number]))
        if numbered and width > 20:
            pieces += _numbered(start + width / 2, top + _BAR / 2, number)
    return pieces


def _key(names: Sequence[str], top: float) -> tuple[list[str], float]:
    """Number, shading and name of each piece; and where the key ends."""
    pieces = []
    for number, name in enumerate(names):
        pieces.append(_rectangle(_EDGE, top, 28, 18, _SHADES[number]))
        pieces += _numbered(_EDGE + 14, top + 9, number)
        pieces.append(_text(_EDGE + 38, top + 14, name))
        top += 24
    return pieces, top


def _numbered(x: float, y: float, number: int) -> list[str]:
    """The number of a piece, on white, so that it is read on any shading."""
    ground = f'<rect x="{x - 8:.1f}" y="{y - 7:.1f}" width="16" height="14" fill="#ffffff"/>'
    return [ground, _text(x, y + 5, str(number + 1), "middle")]


# ------------------------------------------------------------------ shapes


def _drawn(name: str, title: str, words: str, pieces: Sequence[str], height: float) -> Drawing:
    svg = (
        f'<svg role="img" viewBox="0 0 {WIDE} {height:.0f}" xmlns="http://www.w3.org/2000/svg" '
        f'aria-labelledby="{name}-title {name}-words">'
        f'<title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-words">{escape(words)}</desc>'
        f"{''.join(pieces)}</svg>"
    )
    return Drawing(name, title, words, svg)


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{_LETTERS}" text-anchor="{anchor}">'
        f"{escape(text)}</text>"
    )


def _rectangle(x: float, y: float, width: float, height: float, shade: str) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{shade}" '
        'stroke="#ffffff" stroke-width="1"/>'
    )


def _line(x: float, y: float, to_y: float) -> str:
    return f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{x:.1f}" y2="{to_y:.1f}" stroke="#000000"/>'
