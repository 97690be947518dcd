"""What the practices' file says of the base year, told apart as the model's streams are."""

from __future__ import annotations

import numpy as np

from capitation.workbook.content import Content
from capitation.workbook.layout import Layout
from capitation.workbook.page import at, quoted

Part = tuple[int, tuple[str, ...]]
"""A sign, and the figures of each practice whose product is added up."""

_PREMIUM: Part = (-1, ("base_premium_paid", "pms_contract"))
_OF_STREAM: dict[str, tuple[Part, ...]] = {
    "global_sum": ((1, ("base_global_sum", "gms_contract")),),
    "correction_factor": (
        (1, ("base_correction_factor",)),
        (-1, ("base_correction_factor", "switched_in_base_year")),
    ),
    "pms_gms_equivalent": (
        (1, ("base_global_sum", "pms_contract")),
        (1, ("base_pms_expenditure",)),
        (-1, ("base_pms_expenditure", "apms_contract")),
        (1, ("pms_booked_as_other",)),
        (-1, ("base_defined_services",)),
        _PREMIUM,
    ),
    "pms_defined_services": ((1, ("base_defined_services",)),),
    "pms_premium": ((1, _PREMIUM[1]),),
    "premium_as_correction_factor": ((1, ("base_correction_factor", "switched_in_base_year")),),
    "apms_payment": (
        (1, ("base_global_sum", "apms_contract")),
        (1, ("base_pms_expenditure", "apms_contract")),
    ),
    "seniority": ((1, ("base_seniority",)),),
    "qof": ((1, ("base_qof",)),),
    "local_schemes": ((1, ("base_local_schemes",)),),
    "remaining_payments": (
        (1, ("base_total_payments",)),
        (-1, ("base_global_sum",)),
        (-1, ("base_correction_factor",)),
        (-1, ("base_pms_expenditure",)),
        (-1, ("pms_booked_as_other",)),
        (-1, ("base_seniority",)),
        (-1, ("base_qof",)),
        (-1, ("base_local_schemes",)),
    ),
}
"""The file has what was paid on PMS in two columns, and a premium in none: the rules split them."""


class BaseYear:
    """Payments of the base year by stream, of all practices. [GBP].

    A stream for which the file has nothing began after the base year: it stands there as nothing.

    Parameters
    ----------
    layout : Layout
    """

    def __init__(self, layout: Layout):
        self.layout = layout
        self.content: Content = layout.content

    @property
    def known(self) -> bool:
        """Whether the streams are those of the file's payments, so that they can be compared."""
        parts = [part for of_stream in _OF_STREAM.values() for part in of_stream]
        graph = self.content.graph
        stand = all(name in graph for _, names in parts for name in names)
        return stand and set(_OF_STREAM) <= set(self.content.streams)

    @property
    def heading(self) -> str:
        """The base year, as a heading has it."""
        return f"{self.content.result.attrs['base_fiscal_year']} (base year)"

    def has(self, stream: str) -> bool:
        """Whether the file has a stream's payments of the base year."""
        return stream in _OF_STREAM

    def formulas(self, stream: str) -> list[str]:
        """How a stream's payments are worked out in each scenario, without the equals sign."""
        return [self.formula(stream, scenario) for scenario in self.content.scenarios]

    def formula(self, stream: str, scenario: str) -> str:
        pieces = [
            f"{'+' if sign > 0 else '-'}{self.sum_of(names, scenario)}"
            for sign, names in _OF_STREAM[stream]
        ]
        return "".join(pieces).removeprefix("+")

    def sum_of(self, names: tuple[str, ...], scenario: str) -> str:
        cells = ",".join(self.cells(name, scenario) for name in names)
        return f"SUM({cells})" if len(names) == 1 else f"SUMPRODUCT({cells})"

    def cells(self, name: str, scenario: str) -> str:
        """The cells of all practices of a figure."""
        place = self.layout.place(name, scenario)
        first, last = (
            at(row, place.column, fix_row=True, fix_column=True)
            for row in (place.row, place.row + len(self.content.codes) - 1)
        )
        return f"{quoted(place.sheet)}!{first}:{last}"

    def value(self, stream: str, scenario: str) -> float:
        """What a stream's payments came to. [GBP]."""
        return float(
            sum(
                sign * np.prod([self.content.values(n, scenario) for n in names], axis=0).sum()
                for sign, names in _OF_STREAM.get(stream, ())
            )
        )
