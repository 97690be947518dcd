"""Gain and loss share by year: expected and actual, bands, the parties' parts, improvement."""

from __future__ import annotations

import numpy as np

from capitation.workbook.block_lines import (
    SUMMED,
    Apart,
    Flow,
    Heading,
    Here,
    Level,
    Line,
    Values,
    Worked,
    Working,
    nothing_left,
    share_of,
    sum_of,
)
from capitation.workbook.blocks import About, BlockSheet
from capitation.workbook.summary import Summary

TITLE = "Gain and loss share"
POOL, BENCHMARK, ACTUAL = "gain_or_loss", "gain_loss_benchmark", "actual_in_share_of_year"
EXPECTED = "expected_in_share_of_year"
IMPROVEMENT, EARNED = "improvement_pool_of_year", "improvement_earned_of_year"
UNEARNED = "improvement_unearned"
PARTIES = {
    "gain_to_provider": "Integrated provider",
    "gain_to_acute": "Acute hospital",
    "gain_to_community": "Community trust",
    "gain_to_council": "Council",
    "gain_to_commissioner": "Commissioner",
}
_BANDS = ("first", "second", "third", "fourth")
_OF_THE_YEAR = "_for_the_year"

_ABOUT = About(
    TITLE,
    "Gain and loss share: expected and actual spend, and who has a part of the difference",
    (
        "Pounds in the year. What the lines in the share were expected to cost outside the budget, "
        "less what they did cost, is the pool: a gain, or a loss below 0. Inside the dead band "
        "nothing is shared; beyond it the bands, quality, the caps and the ramp make the "
        "providers' part. The commissioner has all that no provider has.",
        "Under it is the money for improvement: quality money of practices in the contract, and "
        "what is withheld from the budget. What is not earned stays with the commissioner. A year "
        "whose March is not in the run is not settled. Rows that end in 'must be 0' are checks.",
    ),
    widest=62,
)

_SPEND: tuple[Line, ...] = (
    Heading("spend", "Spend outside the budget, in the share"),
    Flow(EXPECTED, "Expected"),
    Worked(
        "discount", "Discount, the commissioner's: off", working=sum_of(EXPECTED, less=(BENCHMARK,))
    ),
    Flow(BENCHMARK, "Benchmark: expected less discount"),
    Flow(ACTUAL, "Actual"),
    Flow(POOL, "Gain, or loss below 0: the pool", bold=True),
    Apart(
        "pool apart",
        "Benchmark - actual - pool: must be 0",
        working=Working(
            lambda here: f"ROUND(ROUND({here(BENCHMARK)}-{here(ACTUAL)},2)-{here(POOL)},2)",
            lambda v: np.round(np.round(v[BENCHMARK] - v[ACTUAL], 2) - v[POOL], 2) + 0.0,
        ),
        each=True,
        check="Expected - actual = gain or loss",
    ),
    Worked(
        "rate", "Gain or loss, of the benchmark", "fine share", working=share_of((POOL,), BENCHMARK)
    ),
    Heading("dead band", "Dead band"),
    Level("minimum_savings_rate_for_the_year", "Smallest gain that is shared", "fine share"),
    Level("minimum_loss_rate_for_the_year", "Smallest loss that is shared", "fine share"),
    Level("gain_rate_shared", "Gain that is shared, of the benchmark", "fine share"),
    Level("loss_rate_shared", "Loss that is shared, of the benchmark", "fine share"),
)


def _bands(side: str) -> tuple[Line, ...]:
    """The bands of gains, or of losses: edges, shares and what the providers have of each."""
    shared, by_band = f"{side}_rate_shared", f"{side}_by_band"
    edges = [f"{band}_{side}_edge{_OF_THE_YEAR}" for band in _BANDS[:-1]]
    shares = [f"{band}_{side}_share{_OF_THE_YEAR}" for band in _BANDS]
    slices = [f"{band} band of a {side}" for band in _BANDS]
    lines: list[Line] = [Heading(f"bands of a {side}", f"Bands of a {side}")]
    for edge, band in zip(edges, _BANDS, strict=False):
        words = f"{band.capitalize()} band of a {side} ends at, of the benchmark"
        lines.append(Level(edge, words, "fine share"))
    for number, band in enumerate(_BANDS):
        words = f"{band.capitalize()} band of a {side}: providers' share"
        lines.append(Level(shares[number], words, "share"))
    for number, band in enumerate(_BANDS):
        working = _slice(shared, edges[: number + 1], shares[number], last=number == len(edges))
        words = f"{band.capitalize()} band of a {side}: providers' part £"
        needs = (shared, *edges, *shares)
        lines.append(
            Worked(
                slices[number],
                words,
                all_years=SUMMED,
                working=working,
                rests_on=needs,
                each=True,
            )
        )
    return (
        *lines,
        Level(by_band, f"Providers' part of a {side} by the bands, of the benchmark", "fine share"),
        Apart(
            f"bands of a {side} apart",
            f"Bands of a {side} - that of the benchmark: must be 0",
            working=nothing_left(
                Working(
                    lambda here: f"{sum_of(*slices).text(here)}-{here(by_band)}*{here(BENCHMARK)}",
                    lambda v: sum_of(*slices).value(v) - v[by_band] * v[BENCHMARK],
                )
            ),
            rests_on=(by_band, *edges, *shares),
            each=True,
            check=f"Bands of a {side} add to the providers' part",
        ),
    )


def _slice(shared: str, edges: list[str], share: str, *, last: bool) -> Working:
    """What lies between the highest edge before and its own, or above all edges if it is last."""
    before = edges if last else edges[:-1]

    def text(here: Here) -> str:
        here_to = here(shared) if last else f"MIN({here(shared)},{here(edges[-1])})"
        reached = [f"MIN({here(shared)},{here(edge)})" for edge in before]
        inside = f"MAX({here_to}-MAX({','.join(reached)}),0)" if reached else here_to
        return f"{inside}*{here(share)}*{here(BENCHMARK)}"

    def value(values: Values) -> np.ndarray:
        found = values[shared]
        upto = found if last else np.minimum(found, values[edges[-1]])
        reached = [np.minimum(found, values[edge]) for edge in before]
        inside = np.maximum(upto - np.max(reached, axis=0), 0) if reached else upto
        return np.asarray(inside * values[share] * values[BENCHMARK])

    return Working(text, value)


def _caps(side: str) -> tuple[Line, ...]:
    """Quality and caps of gains, or of losses."""
    capped = f"{side}_capped"
    slices = tuple(f"{band} band of a {side}" for band in _BANDS)
    return (
        Level(f"{side}_quality_factor", f"Part of a {side} that quality leaves", "share"),
        Level(
            f"{side}_cap_on_expected{_OF_THE_YEAR}",
            f"Cap on a {side}, of the benchmark (0: none)",
            "fine share",
        ),
        Level(
            f"{side}_cap_on_income{_OF_THE_YEAR}",
            f"Cap on a {side}, of the provider's income (0: none)",
            "fine share",
        ),
        Worked(
            f"off a {side}",
            f"Taken off a {side} by quality and caps",
            all_years=SUMMED,
            working=sum_of(*slices, less=(capped,)),
            rests_on=(capped,),
            each=True,
        ),
        Flow(capped, f"Providers' part of a {side}, under the caps"),
    )


_PARTS: tuple[Line, ...] = (
    Level(f"gain_loss_ramp{_OF_THE_YEAR}", "Ramp: part of the share that counts", "share"),
    Flow("providers_part", "All providers' part of the pool", bold=True),
    Heading("parties", "Parts of the parties"),
    *(Flow(name, words) for name, words in PARTIES.items()),
    Apart(
        "parties apart",
        "Parts of the parties - pool: must be 0",
        working=nothing_left(sum_of(*PARTIES, less=(POOL,))),
        rests_on=tuple(PARTIES),
        check="Parts of the parties add to the pool",
    ),
    Flow("gain_loss_payment", "Paid to the integrated provider, or taken back"),
    Flow("shared_ledger", "Noted in the shared ledger of a virtual contract"),
    Worked(
        "unsettled",
        "Provider's part neither paid nor noted",
        working=nothing_left(
            sum_of("gain_to_provider", less=("gain_loss_payment", "shared_ledger"))
        ),
        rests_on=("gain_to_provider", "gain_loss_payment"),
    ),
)
_IMPROVEMENT: tuple[Line, ...] = (
    Heading("improvement", "Money for improvement", over=IMPROVEMENT),
    Flow(IMPROVEMENT, "Pool: quality money and withheld budget", bold=True),
    Flow(EARNED, "Earned by achievement"),
    Flow(UNEARNED, "Not earned"),
    Apart(
        "improvement apart",
        "Earned + not earned - pool: must be 0",
        working=nothing_left(sum_of(EARNED, UNEARNED, less=(IMPROVEMENT,))),
        rests_on=(IMPROVEMENT, EARNED, UNEARNED),
        check="Improvement money earned and not earned = pool",
    ),
    Worked(
        "score",
        "Share earned",
        "share",
        working=share_of((EARNED,), IMPROVEMENT),
        rests_on=(IMPROVEMENT, EARNED),
    ),
    Flow("improvement_on_account_of_year", "Paid on account"),
    Flow("improvement_payment", "Paid in all: on account, and the balance in March"),
    Worked(
        "improvement unsettled",
        "Earned and not paid",
        working=nothing_left(sum_of(EARNED, less=("improvement_payment",))),
        rests_on=(EARNED, "improvement_payment"),
    ),
)


class GainShareSheet(BlockSheet):
    """Writes the sheet, and adds its checks to those of the summary.

    Parameters
    ----------
    summary : Summary
    """

    def __init__(self, summary: Summary):
        super().__init__(summary, _ABOUT, ())
        needed = (EXPECTED, BENCHMARK, ACTUAL, POOL, *PARTIES)
        self.has_share = all(self.stands(n, "commissioner_code", "year") for n in needed)
        self.has_improvement = self.stands(IMPROVEMENT, "practice", "year")
        share = (*_SPEND, *_bands("gain"), *_bands("loss"))
        caps = (Heading("caps", "Quality, caps and ramp"), *_caps("gain"), *_caps("loss"), *_PARTS)
        self.lines = self.shown(
            [*((*share, *caps) if self.has_share else ()), *_IMPROVEMENT * self.has_improvement]
        )

    @property
    def wanted(self) -> bool:
        """Whether the contract shares gains and losses, or pays for improvement."""
        return self.has_share or self.has_improvement
