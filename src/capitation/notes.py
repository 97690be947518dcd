"""What a reader of a result should know and cannot see: said with it, in sentences."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np

from capitation.engine.calendar import MARCH, MONTHS_OF_YEAR, in_words, months_from
from capitation.engine.graph import Graph
from capitation.practices import contract_types
from capitation.setting import Setting

LEAST_LIST = 1_000.0
"""Weighted patients below which a practice's figures are too unusual to judge."""


def notes_on(setting: Setting, graph: Graph, *, drawn: bool = False) -> list[str]:
    """Say what a run takes for granted that its reader may not.

    Parameters
    ----------
    setting : Setting
    graph : Graph
        The rules that are run.
    drawn : bool
        Whether what is left to chance is drawn, or taken at its mean.

    Returns
    -------
    list of str
        Sentences: months between the base year and the start, fiscal years that are cut short,
        counts without those to compare them with, what is left to chance, arrears of an uplift
        earned before the start, contracts that the file does not name, payments that look miscoded.
    """
    return [
        *_part_years(setting, graph),
        *_counts_given(setting, graph),
        *_at_its_mean(graph, drawn),
        *_gap(setting),
        *_sums_of_each_commissioner(setting, graph),
        *_age_mix_given(graph),
        *_arrears_before_the_start(setting),
        *_contracts_not_named(setting),
        *_implausible_payments(setting),
    ]


def _part_years(setting: Setting, graph: Graph) -> Iterator[str]:
    if "scheme_cost" not in graph:
        return
    by_year = zip(setting.months, setting.year_of_month.tolist(), strict=True)
    months_of_year: dict[int, list[dt.date]] = {}
    for month, year in by_year:
        months_of_year.setdefault(year, []).append(month)
    for year, months in months_of_year.items():
        if len(months) == MONTHS_OF_YEAR:
            continue
        last = months[-1].month
        settled = "settled in March" if last == MARCH else "not settled in the run"
        yield (
            f"Of {setting.years[year]} the run has {len(months)} of twelve months: admissions are "
            "not measured in it, the year's baseline, conditions and budgets count for that part "
            f"of it, what falls due outside is left out, and what is advanced is {settled}."
        )


def _counts_given(setting: Setting, graph: Graph) -> Iterator[str]:
    leaf = graph.leaves.get("emergency_admissions")
    if leaf is None or leaf.kind != "given":
        return
    yield (
        "Admissions are given: what the programme saves is then what was expected without it, less "
        "what was counted, with whatever that expectation is wrong by."
    )
    if "base_year_admissions" not in setting.practices.data_vars:
        yield (
            "Admissions are given, but not those of the base year: they are held against what ages "
            "lead to expect at national rates. Give 'base_year_admissions' of each practice."
        )


def _at_its_mean(graph: Graph, drawn: bool) -> Iterator[str]:
    if not drawn and any(node.drawn for node in graph.nodes.values()):
        yield (
            "What is left to chance is taken at its mean, and graded at that: what is earned on "
            "average differs. 'capitation simulate' draws it."
        )


def _gap(setting: Setting) -> Iterator[str]:
    follows = months_from(setting.base_months[-1], 2)[1]
    start = setting.months[0]
    if start > follows:
        year = setting.practices.attrs["fiscal_year"]
        yield (
            f"The figures are of {year} and the projection starts in {start:%B %Y}: lists and cash "
            "amounts do not move in the months between."
        )


SUMS_OF_A_CONTRACT = (
    "agreed_price",
    "transformation_awarded",
    "integrator_procurement_cost",
    "commissioning_staff_cost",
    "setup_cost_of_year",
    "savings_promised",
)
"""Terms that are a sum of money for a contract, whatever its population."""


def _sums_of_each_commissioner(setting: Setting, graph: Graph) -> Iterator[str]:
    codes = {str(code) for code in setting.practices["commissioner"].values}
    if len(codes) < 2:
        return
    terms, months = setting.model.terms, setting.months
    for name in SUMS_OF_A_CONTRACT:
        if name not in graph.leaves:
            continue
        in_scenarios = [setting.model.term_in(name, s.name) for s in setting.scenarios]
        if any(term.at(month) for term in in_scenarios for month in months):
            yield (
                f"{terms[name].title}: each of the {len(codes)} commissioners has the whole sum. "
                "Where it is of all of them together, run them as one pool."
            )


def _age_mix_given(graph: Graph) -> Iterator[str]:
    weighted = graph.leaves.get("weighted_list") or graph.leaves.get("payment_weighted_list")
    if "age_mix_index" in graph and weighted is not None and weighted.kind == "given":
        yield (
            "Weighted lists are given, and hold the ages. The budget counts them only if "
            "'age_mix_from_weighted_list' is 1, and else registered lists with the growth of age "
            "mix that the contract expects: one or the other, never both."
        )


def _arrears_before_the_start(setting: Setting) -> Iterator[str]:
    start = setting.months[0]
    for value in setting.model.terms["global_sum_price"].values:
        if value.paid_from is not None and value.start < start < value.paid_from:
            yield (
                f"The uplift that is due from {in_words(value.start)} was paid from "
                f"{in_words(value.paid_from)}: arrears earned before {start:%B %Y} are left out, "
                "unless 'uplift_owed_at_start' gives them."
            )


def _contracts_not_named(setting: Setting) -> Iterator[str]:
    count = contract_types(setting.practices).count("UNKNOWN")
    if count:
        yield f"{count:,} practices have no contract type in the file: they are taken for PMS."


def _implausible_payments(setting: Setting) -> Iterator[str]:
    practices = setting.practices
    needed = ("weighted_list", "global_sum", "correction_factor")
    if not all(name in practices.data_vars for name in needed):
        return
    weighted, global_sum, factor = (practices[name].values.astype(float) for name in needed)
    odd = (weighted > LEAST_LIST) & (global_sum > 0) & (factor > global_sum)
    for at in np.flatnonzero(odd):
        yield (
            f"Practice {setting.codes[at]}: a correction factor of £{factor[at]:,.0f} is more than "
            f"its global sum of £{global_sum[at]:,.0f}. It may be miscoded, and is used as it is."
        )
