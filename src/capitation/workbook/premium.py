"""PMS premium by year: what is paid of it and withdrawn, and the pool that it goes through."""

from __future__ import annotations

from capitation.workbook.block_lines import (
    AS_FIRST,
    AS_LAST,
    Apart,
    Balance,
    Flow,
    Line,
    Worked,
    nothing_left,
    share_of,
    sum_of,
)
from capitation.workbook.blocks import About, BlockSheet
from capitation.workbook.summary import Summary

TITLE = "PMS premium"
BEFORE, WITHDRAWN = "premium_before_withdrawal", "premium_withdrawn"
ON_PMS, AS_FACTOR = "pms_premium", "premium_as_correction_factor"
RELEASED, REINVESTED, UNSPENT = "premium_released", "pool_reinvested", "pool_unspent"
POOL, SHARED = "reinvestment_pool", "premium_reinvested"
PREMIUM_APART, KEPT = "premium apart", "kept"
OPENS, CLOSES, POOL_APART, SHARED_APART = "opens", "closes", "pool apart", "shared apart"

_ABOUT = About(
    TITLE,
    "PMS premium: paid, withdrawn and reinvested, by fiscal year",
    (
        "Pounds in the year. Premium is paid on PMS, or as a correction factor after a switch to "
        "GMS, or it is withdrawn. What is withdrawn goes into the commissioner's pool, from which "
        "all its practices are paid, where the contract has such a pool.",
        "Rows that end in 'must be 0' are checks. Their last column adds up the differences of the "
        "years, whatever their sign.",
    ),
    charts=2,
)


_OF_PREMIUM: tuple[Line, ...] = (
    Flow(BEFORE, "Premium before withdrawal", bold=True),
    Flow(ON_PMS, "Paid on PMS"),
    Flow(AS_FACTOR, "Paid as a correction factor"),
    Flow(WITHDRAWN, "Withdrawn"),
    Apart(
        PREMIUM_APART,
        "Paid + withdrawn - premium: must be 0",
        working=nothing_left(sum_of(ON_PMS, AS_FACTOR, WITHDRAWN, less=(BEFORE,))),
        check="Premium paid + withdrawn = premium",
    ),
    Worked(
        KEPT, "Share of the premium paid", "share", working=share_of((ON_PMS, AS_FACTOR), BEFORE)
    ),
)
_OF_POOL: tuple[Line, ...] = (
    Balance(OPENS, "Pool at the beginning of the year", bold=True, all_years=AS_FIRST, of=POOL),
    Flow(RELEASED, "Released into the pool: added"),
    Flow(REINVESTED, "Reinvested: taken off"),
    Flow(UNSPENT, "Unspent and lapsed: taken off"),
    Balance(CLOSES, "Pool at the end of the year", bold=True, all_years=AS_LAST, of=POOL),
    Apart(
        POOL_APART,
        "Beginning + movements - end: must be 0",
        working=nothing_left(sum_of(OPENS, RELEASED, less=(REINVESTED, UNSPENT, CLOSES))),
        check="Pool: beginning + movements = end",
    ),
    Flow(SHARED, "Reinvested, as practices receive it"),
    Apart(
        SHARED_APART,
        "Received - reinvested: must be 0",
        working=nothing_left(sum_of(SHARED, less=(REINVESTED,))),
        check="Practices receive what the pool reinvests",
    ),
)


class PremiumSheet(BlockSheet):
    """Writes the sheet, and adds its checks to those of the summary.

    Parameters
    ----------
    summary : Summary
    """

    def __init__(self, summary: Summary):
        super().__init__(summary, _ABOUT, _OF_PREMIUM)
        pool = all(self.stands(n, "commissioner_code") for n in (REINVESTED, UNSPENT, POOL))
        self.has_pool = pool and self.stands(SHARED, "practice")
        self.lines += _OF_POOL if self.has_pool else ()

    @property
    def wanted(self) -> bool:
        """Whether the contract has a premium that is withdrawn."""
        return all(self.stands(name, "practice") for name in (BEFORE, ON_PMS, WITHDRAWN))
