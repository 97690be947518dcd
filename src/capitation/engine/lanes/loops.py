"""Loops over lanes, and the rows of lanes that they read and write."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Derived:
    """An array that a kernel reads, made from a value that was worked out before.

    Attributes
    ----------
    of : str
        Name of the value.
    how : str
        ``""``: as it is; ``"before"``: a month, or year, earlier, with `first` standing before the
        first; ``"start"``: as it is in the first month or year.
    first : str
    dims : tuple of str
        Its dimensions, in canonical order.
    first_dims : tuple of str
        Those of `first`.
    """

    of: str
    how: str
    first: str
    dims: tuple[str, ...]
    first_dims: tuple[str, ...] = ()


@dataclass(frozen=True)
class Block:
    """Rows of lanes that lie together: of one area and one time.

    Attributes
    ----------
    name : str
        What the kernel calls it.
    dims : tuple of str
        Of an area, a time, or both.
    columns : tuple of str
        What each row holds, one stretch of lanes after another.
    """

    name: str
    dims: tuple[str, ...]
    columns: tuple[str, ...]


@dataclass
class LaneLoop:
    """One loop over lanes, as a function of its own: what it is given, and what it does.

    Attributes
    ----------
    name : str
    lines : list of str
        What is done for a lane.
    scalars : list of str
        Plain numbers it is given.
    rows : dict of str to tuple of str
        Rows it is given, by its own name for each: the block, and where the row begins.
    """

    name: str
    lines: list[str] = field(default_factory=list)
    scalars: list[str] = field(default_factory=list)
    rows: dict[str, tuple[str, str]] = field(default_factory=dict)

    def text(self, width: int) -> str:
        parameters = [*self.scalars]
        for known in self.rows:
            parameters += [f"{known}_", f"{known}_at_"]
        body = "\n".join(f"        {line}" for line in self.lines)
        head = f"@compiled\ndef {self.name}({', '.join(parameters)}):"
        return f"{head}\n    for l_ in range(place_({width})):\n{body}\n"

    def call(self) -> str:
        arguments = [*self.scalars]
        for block, place in self.rows.values():
            arguments += [f"{block}_", f"place_({place})"]
        return f"{self.name}({', '.join(arguments)})"


class Columns:
    """Which blocks there are, and what stands where in their rows."""

    def __init__(self) -> None:
        self.of: dict[str, list[str]] = {}
        self.dims: dict[str, tuple[str, ...]] = {}

    def add(self, block: str, dims: tuple[str, ...], name: str) -> None:
        columns = self.of.setdefault(block, [])
        self.dims[block] = dims
        if name not in columns:
            columns.append(name)

    def blocks(self, start: str) -> tuple[Block, ...]:
        return tuple(
            Block(block, self.dims[block], tuple(columns))
            for block, columns in sorted(self.of.items())
            if block.startswith(start)
        )


def len_mark(block: str) -> str:
    """Stands for the length of a block's row until all its columns are known."""
    return f"<{block}>"
