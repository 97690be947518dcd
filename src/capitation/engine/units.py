"""The algebra of units, enough to keep a year apart from a month and pounds from patients."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

BASES = ("GBP", "patient", "practice", "point", "admission", "month", "year")
"""Every unit is a product of powers of these. A share, a flag or a ratio has the unit "1"."""

COUNTED = ("GBP", "patient", "admission", "point")
"""Base units of what can be counted up."""


class Unit:
    """A product of whole powers of the base units.

    Parameters
    ----------
    powers : mapping of str to int
        Powers by base unit; zero powers are dropped.

    Examples
    --------
    >>> price, list_size = Unit.parse("GBP/patient/year"), Unit.parse("patient")
    >>> str(price * list_size / Unit.parse("month/year"))
    'GBP/month'
    >>> str(price / price)
    '1'
    """

    __slots__ = ("powers",)

    def __init__(self, powers: Mapping[str, int]):
        self.powers = {base: powers[base] for base in BASES if powers.get(base)}

    @classmethod
    @functools.cache
    def parse(cls, text: str) -> Unit:
        """Read a unit such as ``"GBP/patient/year"``, ``"month/year"`` or ``"1"``.

        Raises
        ------
        ValueError
            If a part of the text is not a base unit.
        """
        powers: dict[str, int] = {}
        for sign, part in re.findall(r"(^|[*/])([^*/]*)", text):
            base = part.strip()
            if base in BASES:
                powers[base] = powers.get(base, 0) + (-1 if sign == "/" else 1)
            elif base != "1":
                allowed = ", ".join(BASES)
                raise ValueError(f"{base!r} in unit {text!r} is not one of 1, {allowed}")
        return cls(powers)

    def _combined(self, other: Unit, sign: int) -> Unit:
        bases = {*self.powers, *other.powers}
        return Unit({b: self.powers.get(b, 0) + sign * other.powers.get(b, 0) for b in bases})

    def __mul__(self, other: Unit) -> Unit:
        return self._combined(other, 1)

    def __truediv__(self, other: Unit) -> Unit:
        return self._combined(other, -1)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unit) and self.powers == other.powers

    def __hash__(self) -> int:
        return hash(tuple(self.powers.items()))

    @property
    def adds_up(self) -> bool:
        """Whether practices' figures can be added up: money, lists and counts; not prices."""
        counted = any(self.powers.get(base) == 1 for base in COUNTED)
        return counted and self.powers.get("patient", 0) >= 0

    def __str__(self) -> str:
        above = "*".join(b for b, power in self.powers.items() for _ in range(power))
        below = "".join(f"/{b}" for b, power in self.powers.items() for _ in range(-power))
        return (above or "1") + below

    def __repr__(self) -> str:
        return f"Unit.parse({str(self)!r})"


ONE = Unit({})
