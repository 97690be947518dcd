"""The table of a bridge: before, every part, after, in whole pence that add up."""

from __future__ import annotations

from collections.abc import Sequence

from capitation.vocabulary import round_to_pence

ATTRIBUTION = """\
Each part is its Shapley value: what it moves, as a mean over all orders in which the parts could be
put in place. So the parts add up, whatever their order."""

HALF_A_PENNY = 0.005

MOST_WIDE = 100
"""Letters in a line of text."""


def whole_pence(pounds: float) -> int:
    """An amount in whole pence, a half away from zero.

    Examples
    --------
    >>> whole_pence(2.675), whole_pence(-2.675)
    (268, -268)
    """
    return round(round_to_pence(pounds) * 100)


def column_of_pence(first: float, parts: Sequence[float], last: float) -> list[int]:
    """Before, every part and after, in whole pence that add up.

    Parameters
    ----------
    first, last : float
        [GBP]
    parts : sequence of float
        [GBP] Their sum is the last less the first, but for the rounding of floating point.

    Returns
    -------
    list of int
        Each is rounded; the pennies by which rounded parts miss the difference are put to the
        largest of them.

    Examples
    --------
    >>> column_of_pence(1.0, [0.004, 0.004, -0.104], 0.904)
    [100, 0, 0, -10, 90]
    """
    before, after = whole_pence(first), whole_pence(last)
    rounded = [whole_pence(amount) for amount in parts]
    if rounded:
        largest = max(range(len(rounded)), key=lambda part: abs(rounded[part]))
        rounded[largest] += after - before - sum(rounded)
    return [before, *rounded, after]


def pounds_of(pence: int) -> str:
    """Whole pence as pounds.

    Examples
    --------
    >>> pounds_of(-123456)
    '-£1,234.56'
    """
    return f"{'-' if pence < 0 else ''}£{abs(pence) / 100:,.2f}"


def text_of_table(heading: Sequence[str], rows: Sequence[tuple[str, Sequence[int]]]) -> str:
    """Words to the left, and columns of pounds.

    Parameters
    ----------
    heading : sequence of str
        What the table is, and what each column is.
    rows : sequence of (str, sequence of int)
        Words, and whole pence.
    """
    cells = [tuple(heading), *((words, *map(pounds_of, pence)) for words, pence in rows)]
    wide, *columns = (max(map(len, column)) for column in zip(*cells, strict=True))
    return "\n".join(
        "  ".join([words.ljust(wide), *map(str.rjust, amounts, columns)])
        for words, *amounts in cells
    )
