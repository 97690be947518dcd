"""Practices are put in hubs by a solver: hubs of a right size, in one piece, as near as can be."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from capitation.errors import InputError, Problem

Numbers = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]

LEAST_APART = 1e-3
"""Practices at one place are this far apart, so that a way by one of them has a length. [metres]"""

NO_TIME = 1
"""What SciPy's ``milp`` says of a run that found nothing before its time was over."""


@dataclass(frozen=True)
class Grouping:
    """What the solver found.

    Attributes
    ----------
    centre : numpy.ndarray of int or None
        The practice at the centre of each practice's hub; None if there is no grouping.
    bound : float
        Patient-metres that no grouping of these conditions can go below.
    told : str
        Why there is no grouping.
    """

    centre: Places | None
    bound: float = 0.0
    told: str = ""


def distances(points: Numbers) -> Numbers:
    """Length of the straight line between every two points. [metres]."""
    return np.hypot(*(points[:, None, :] - points[None, :, :]).transpose(2, 0, 1))


def neighbours(apart: Numbers) -> Mask:
    """Gabriel graph: two are neighbours if no third lies in the circle that has them as diameter.

    Parameters
    ----------
    apart : numpy.ndarray
        Distance between every two points. [metres]

    Returns
    -------
    numpy.ndarray of bool
        Whether one is a neighbour of the other. The graph hangs together; points at one and the
        same place are neighbours.

    Examples
    --------
    >>> in_a_row = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]])
    >>> neighbours(distances(in_a_row)).astype(int).tolist()
    [[0, 1, 0], [1, 0, 1], [0, 1, 0]]
    """
    squared = apart**2
    near = np.ones(apart.shape, dtype=np.bool_)
    for third in range(len(apart)):
        by_way_of = squared[:, third, None] + squared[None, third, :]
        near &= by_way_of >= squared * (1 - 1e-12)
    np.fill_diagonal(near, False)
    return near


def pieces(members: Places, near: Mask) -> Iterator[Places]:
    """Members in groups of those that hang together through neighbours."""
    left = set(members.tolist())
    while left:
        piece, edge = set(), {min(left)}
        while edge:
            piece |= edge
            reached = np.flatnonzero(near[sorted(edge)].any(axis=0)).tolist()
            edge = (set(reached) & left) - piece
        left -= piece
        yield np.array(sorted(piece), dtype=np.intp)


def group(
    lists: Numbers,
    apart: Numbers,
    least: float,
    most: float,
    *,
    candidates: int,
    in_one_piece: bool,
    time_limit: float,
    gap: float,
) -> Grouping:
    """Find the grouping with the least list-weighted distance to the hubs' centres.

    Parameters
    ----------
    lists : numpy.ndarray
        Registered list of each practice. [patient]
    apart : numpy.ndarray
        Distance between every two practices. [metres]
    least, most : float
        Between which the list of each hub must lie. [patient]
    candidates : int
        How many of the nearest practices may be the centre of a practice's hub.
    in_one_piece : bool
        Whether every practice must be linked to its hub's centre by practices of the hub, each a
        neighbour of the next (see `neighbours`) and nearer to the centre by way of neighbours.
    time_limit : float
        For the solver, in all. [seconds]
    gap : float
        The solver stops within this share of the best there can be.

    Returns
    -------
    Grouping
    """
    problem = _Problem(lists, apart, least, most, candidates, gap)
    if in_one_piece:
        problem.keep_in_one_piece(apart)
    return problem.solve(time_limit)


class _Problem:
    """Which practice (row of a pair) is in the hub of which centre (its column): 0 or 1 a pair."""

    def __init__(
        self,
        lists: Numbers,
        apart: Numbers,
        least: float,
        most: float,
        candidates: int,
        gap: float,
    ):
        count = len(lists)
        nearest = np.argsort(apart, axis=1, kind="stable")[:, :candidates]
        allowed = np.zeros((count, count), dtype=np.bool_)
        allowed[np.arange(count)[:, None], nearest] = True
        np.fill_diagonal(allowed, True)
        self.practice, self.centre = np.nonzero(allowed)
        self.at = np.full((count, count), -1)
        self.at[self.practice, self.centre] = np.arange(len(self.practice))
        self.costs = np.maximum(lists, 1.0)[self.practice] * apart[self.practice, self.centre]
        self.gap = gap
        self.rows: list[tuple[Places, Numbers, float, float]] = []
        own = self.at.diagonal()
        for one in range(count):
            self.rows.append((self.at[one][self.at[one] >= 0], np.ones(1), 1.0, 1.0))
            pairs = self.at[:, one][self.at[:, one] >= 0]
            sizes = lists[self.practice[pairs]]
            of_hub = pairs == own[one]
            self.rows.append((pairs, sizes - least * of_hub, 0.0, np.inf))
            self.rows.append((pairs, sizes - most * of_hub, -np.inf, 0.0))
        for pair, centre in enumerate(self.centre.tolist()):
            if pair != own[centre]:  # nobody is in a hub that is not there
                both = np.array([pair, own[centre]])
                self.rows.append((both, np.array([1.0, -1.0]), -np.inf, 0.0))
        fewest, greatest = math.ceil(lists.sum() / most), math.floor(lists.sum() / least)
        self.rows.append((own, np.ones(1), float(fewest), float(greatest)))

    def solve(self, seconds: float) -> Grouping:
        from scipy.optimize import Bounds, LinearConstraint, milp
        from scipy.sparse import csr_array

        columns = [row[0] for row in self.rows]
        data = np.concatenate([np.broadcast_to(row[1], row[0].shape) for row in self.rows])
        starts = np.cumsum([0, *map(len, columns)])
        shape = (len(self.rows), len(self.costs))
        matrix = csr_array((data, np.concatenate(columns), starts), shape)
        low, high = np.array([row[2:] for row in self.rows]).T
        solved: Any = milp(
            self.costs,
            integrality=np.ones(len(self.costs)),
            bounds=Bounds(0, 1),
            constraints=LinearConstraint(matrix, low, high),
            options={"time_limit": seconds, "mip_rel_gap": self.gap},
        )
        if solved.x is None:
            return Grouping(None, told="the time limit" if solved.status == NO_TIME else "")
        chosen = np.flatnonzero(solved.x > 0.5)
        return Grouping(self.centre[chosen], float(solved.mip_dual_bound))

    def keep_in_one_piece(self, apart: Numbers) -> None:
        """A practice is in a hub only if a neighbour that is nearer by way of neighbours is too."""
        from scipy.sparse.csgraph import dijkstra

        near = neighbours(apart)
        roads = dijkstra(np.where(near, np.maximum(apart, LEAST_APART), 0.0), directed=False)
        for practice, hub in zip(self.practice.tolist(), self.centre.tolist(), strict=True):
            nearer = np.flatnonzero(near[practice] & (roads[:, hub] < roads[practice, hub]))
            if practice != hub and hub not in nearer:
                ways = self.at[nearer, hub]
                pairs = np.array([self.at[practice, hub], *ways[ways >= 0]])
                signs = np.array([1.0] + [-1.0] * (len(pairs) - 1))
                self.rows.append((pairs, signs, -np.inf, 0.0))


def solver_or_error() -> None:
    """Refuse to go on where SciPy is not installed.

    Raises
    ------
    InputError
        Saying how to install it.
    """
    try:
        import scipy.optimize  # noqa: F401
    except ImportError as error:
        mend = "pip install 'capitation[hubs]'"
        problem = Problem("hubs", "grouping practices needs SciPy, which is not installed", mend)
        raise InputError(problem) from error
