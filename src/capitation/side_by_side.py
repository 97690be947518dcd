"""Work spread over the threads of one process, its results in the order in which it was given.

Only what lets go of the interpreter runs side by side: compiled kernels, and NumPy on large arrays.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from numbers import Integral
from typing import TypeVar

import numpy as np

from capitation.errors import Problem, raise_if_any

MOST_THREADS = 1024

AHEAD = 2
"""Pieces of work for each thread that may wait or be done before their turn comes."""

CACHE_LINE = 64
"""Bytes at a multiple of which an array begins, so that wide instructions run at full speed."""

Piece = TypeVar("Piece")
Made = TypeVar("Made")


def threads_at_hand() -> int:
    """How many threads this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def wrong_threads(threads: object, place: str = "threads") -> Iterator[Problem]:
    """What is wrong with a number of threads; None stands for as many as the process may use."""
    whole = isinstance(threads, Integral) and not isinstance(threads, bool)
    if not (threads is None or (whole and threads in range(1, MOST_THREADS + 1))):
        allowed = f"a whole number from 1 to {MOST_THREADS:,}"
        yield Problem(place, f"found {threads!r}", allowed)


def checked_threads(threads: int | None) -> int:
    """A number of threads that was asked for, or as many as the process may use."""
    raise_if_any(wrong_threads(threads))
    return threads or threads_at_hand()


def side_by_side(
    work: Callable[[Piece], Made], pieces: Iterable[Piece], threads: int
) -> Iterator[Made]:
    """Do pieces of work on some threads, and give what they make in the order of the pieces.

    Parameters
    ----------
    work : callable
    pieces : iterable
        Taken only so far ahead that few results wait for their turn.
    threads : int
        With one, all is done in the calling thread.

    Yields
    ------
    object
        What `work` made of each piece.

    Raises
    ------
    Exception
        That of the first piece, in order, that failed; pieces not yet begun are given up.
    """
    if threads == 1:
        yield from map(work, pieces)
        return
    pool = ThreadPoolExecutor(threads)
    waiting: deque[Future[Made]] = deque()
    try:
        for piece in pieces:
            waiting.append(pool.submit(work, piece))
            if len(waiting) >= AHEAD * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


class Room:
    """Memory that is used again by one thread: fresh pages cost more than what is put in them."""

    def __init__(self) -> None:
        self._held: dict[str, np.ndarray] = {}

    def array(self, name: str, shape: Iterable[int]) -> np.ndarray:
        """An array of float64 of any content, which the next of its name is laid over.

        Parameters
        ----------
        name : str
        shape : iterable of int

        Returns
        -------
        ndarray of float64
            It begins at a multiple of `CACHE_LINE` bytes.
        """
        shape = tuple(shape)
        size = int(np.prod(shape))
        if name not in self._held or self._held[name].size < size:
            # What was held goes first, so that never both are in memory.
            self._held.pop(name, None)
            self._held[name] = aligned(size)
        return self._held[name][:size].reshape(shape)


def aligned(size: int, dtype: type = np.float64) -> np.ndarray:
    """An array of any content that begins at a multiple of `CACHE_LINE` bytes.

    Parameters
    ----------
    size : int
        How many numbers.
    dtype : type

    Examples
    --------
    >>> aligned(3).ctypes.data % CACHE_LINE, aligned(3).size
    (0, 3)
    """
    each = np.dtype(dtype).itemsize
    bare: np.ndarray = np.empty(size + CACHE_LINE // each, dtype)
    first = -bare.ctypes.data % CACHE_LINE // each
    return bare[first : first + size]
