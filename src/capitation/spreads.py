"""How widely random rules are drawn: what no distribution has is refused before any draw."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from capitation.engine.drawing import random_rules
from capitation.engine.graph import Graph
from capitation.errors import InputError, Problem


def check_spreads(part: Graph, values: Mapping[str, np.ndarray]) -> None:
    """Refuse less spread than chance itself, or less than none.

    Parameters
    ----------
    part : Graph
        What is run in each draw.
    values : mapping of str to ndarray
        What is known before: each spread among it.

    Raises
    ------
    InputError
    """
    nodes = [part.nodes[name] for name in sorted(random_rules(part))]
    for node in nodes:
        (spread,) = node.spread
        assert node.drawn is not None
        if spread in part.nodes:
            found = f"{node.name!r} is drawn with it, and it is itself left to chance"
            raise InputError(Problem(spread, found, "draw with what is certain"))
        found_values = values[spread]
        wrong = found_values < 0
        allowed = "zero (certain) or more"
        if node.drawn.kind == "negative_binomial":
            wrong = (found_values != 0) & (found_values < 1)
            allowed = "1 (Poisson) or more, or 0 (certain)"
        if wrong.any():
            found = f"{found_values[wrong].flat[0]:g}, which {node.name!r} is drawn with"
            raise InputError(Problem(spread, f"found {found}", allowed))
