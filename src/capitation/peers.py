"""Peers: the practices that a practice is compared with, because they are most alike."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr

from capitation.errors import Problem, nearest, raise_if_any
from capitation.practices import place_of

AT_ONCE = 4_000_000
"""Distances that are reckoned at once."""


def nearest_peers(practices: xr.Dataset, count: int = 10) -> dict[str, list[str]]:
    """Choose each practice's peers: those most alike in need and in size.

    Parameters
    ----------
    practices : xarray.Dataset
        On ``practice``, with ``registered_list`` and ``weighted_list``.
    count : int
        Of peers.

    Returns
    -------
    dict of str to list of str
        The nearest first. Two measures count alike, each by its spread over the practices: need
        (weighted list over registered list) and size (registered list), both as logarithms.

    Raises
    ------
    InputError
        For an empty list, and if there are too few practices.

    Examples
    --------
    >>> from capitation import example_practices
    >>> nearest_peers(example_practices(), count=3)["EX001"]
    ['EX010', 'EX035', 'EX031']
    """
    raise_if_any(
        [
            *faults_of_figures(practices, "registered_list", "registered_list"),
            *faults_of_figures(practices, "weighted_list", "weighted_list"),
            *_too_few(practices, count),
        ]
    )
    registered = practices["registered_list"].values.astype(float)
    need = practices["weighted_list"].values.astype(float) / registered
    measures = np.log(np.stack([need, registered]))
    spread = measures.std(axis=1, keepdims=True)
    measures = measures / np.where(spread > 0, spread, 1.0)
    codes = practices["practice"].values.astype(str)
    step = max(AT_ONCE // len(codes), 1)
    found: dict[str, list[str]] = {}
    for start in range(0, len(codes), step):
        rows = np.arange(start, min(start + step, len(codes)))
        unlike = sum((one[rows, None] - one[None, :]) ** 2 for one in measures)
        unlike[np.arange(len(rows)), rows] = np.inf
        order = np.argsort(unlike, axis=1, kind="stable")[:, :count]
        found |= {str(codes[row]): codes[order[n]].tolist() for n, row in enumerate(rows)}
    return found


def faults_of_figures(practices: xr.Dataset, events: str, population: str) -> Iterator[Problem]:
    """Counts that are missing or below nothing, and people that are nobody."""
    place = place_of(practices)
    codes = practices["practice"].values.astype(str)
    for name in dict.fromkeys((events, population)):
        if name not in practices.data_vars:
            known = [str(known) for known in practices.data_vars]
            yield Problem(place, f"there is no {name!r}", nearest(name, known))
            continue
        values = practices[name].values.astype(float)
        wrong = ~np.isfinite(values) | (values < 0)
        wrong |= (values == 0) & (name == population)
        mend = "more than 0" if name == population else "0 or more"
        for at in np.flatnonzero(wrong)[:20].tolist():
            yield Problem(f"{place}, practice {codes[at]}", f"{name} is {values[at]:g}", mend)


def _too_few(practices: xr.Dataset, count: int) -> Iterator[Problem]:
    there = practices.sizes["practice"] - 1
    if not 1 <= count <= there:
        found = f"{count} peers are wanted, and every practice has {there} others"
        yield Problem(place_of(practices), found, "give more practices, or ask for fewer peers")
