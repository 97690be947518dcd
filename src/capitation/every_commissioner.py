"""Every commissioner of a simulation drawn: a large one by all threads, small ones side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from queue import SimpleQueue

import numpy as np

from capitation import draws
from capitation.draws import Draws
from capitation.side_by_side import Room, side_by_side

SMALL = 8
"""A commissioner is small with no more than one in so many of the practices that a thread gets."""


@dataclass(frozen=True)
class Pass:
    """All draws of some practices of a commissioner.

    Attributes
    ----------
    place : int
        Position of the commissioner.
    practices : slice
        Positions of the practices in the run.
    first : bool
        Whether this is the commissioner's first pass: what is the commissioner's own is the same in
        all of them.
    arrays : mapping of str to ndarray
        Each variable that is kept, on its own dimensions, draws last; a single entry where chance
        does not touch it. What is drawn is overwritten once it has been taken.
    """

    place: int
    practices: slice
    first: bool
    arrays: Mapping[str, np.ndarray]


Take = Callable[[Pass], Iterable[Callable[[], None]]]
"""What takes from a pass what it wants, as pieces of work of which none depends on another."""


def every_commissioner(run: Draws, take: Take) -> Iterator[int]:
    """Draw all commissioners, the largest first.

    A large one is drawn by all threads, and the small ones side by side, each by one thread.

    Parameters
    ----------
    run : Draws
    take : callable
        Takes from each pass what is wanted, in the thread that has drawn it.

    Yields
    ------
    int
        Position of a commissioner from which all has been taken. The order depends on how many
        practices each has, and on nothing else.
    """
    large, small = by_size(run)
    room = Room()
    for place in large:
        taken(run, place, take, room, run.workers)
        yield place
    del room
    rooms: SimpleQueue[Room] = SimpleQueue()
    for _ in range(run.workers):
        rooms.put(Room())

    def drawn(place: int) -> int:
        own = rooms.get()
        try:
            taken(run, place, take, own, 1)
        finally:
            rooms.put(own)
        return place

    yield from side_by_side(drawn, small, run.workers)


def by_size(run: Draws) -> tuple[list[int], list[int]]:
    """Commissioners that all threads draw together, and others, both with the largest first."""
    practices = np.diff(run.setting.practice_start)
    order = np.argsort(-practices, kind="stable").tolist()
    fair = practices.sum() / (SMALL * run.workers)
    own = {**run.sizes, "commissioner_code": 1}
    each, of_all = run.bytes_of_a_practice(own), run.bytes_of_a_commissioner(own)
    memory = practices * each + of_all
    side = (practices <= fair) & (memory * run.workers <= draws.MEMORY) & (run.workers > 1)
    return [at for at in order if not side[at]], [at for at in order if side[at]]


def taken(run: Draws, place: int, take: Take, room: Room, threads: int) -> None:
    """Draw a commissioner, pass by pass, and have what is wanted taken from each."""
    start = int(run.setting.practice_start[place])
    for practices, arrays in run.of_commissioner(place, room, threads):
        at = slice(start + practices.start, start + practices.stop)
        pieces = take(Pass(place, at, practices.start == 0, arrays))
        for _ in side_by_side(_do, pieces, threads):
            pass


def _do(piece: Callable[[], None]) -> None:
    piece()
