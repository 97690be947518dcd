"""Capitated budgets in the English NHS: set, project and explain them.

The library in ten lines::

    import capitation as cap

    practices = cap.read_payments("gp_payments_2014_15.csv")
    bolton = practices.sel(practice=practices["commissioner"] == "00T")
    result = cap.project("bolton-quality-contract", bolton)
    result["total_payments"].groupby("fiscal_year").sum()
    print(cap.explain(result, "global_sum", practice="P82001", month="2015-04"))
    cap.write_workbook(result, "bolton.xlsx")
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from capitation.errors import InputError, Problem, RuleError
from capitation.version import __version__

if TYPE_CHECKING:
    from capitation.affording import affordability
    from capitation.allocation_growth import pace_of_change
    from capitation.appraisal import appraise
    from capitation.backtesting import backtest
    from capitation.bridging import bridge
    from capitation.cash_calendar import read_cash_calendar
    from capitation.chunked import chunk_by_commissioner
    from capitation.comparison import compare
    from capitation.engine.kept_code import CacheWarning
    from capitation.example import example_practices
    from capitation.example_weights import example_populations
    from capitation.explanation import explain
    from capitation.fair_budgets import (
        fair_budget,
        need_inputs,
        practices_of,
        write_need_inputs,
    )
    from capitation.gain_share_presets import minimum_savings_rate
    from capitation.gains import gains_and_losses
    from capitation.goal_seeking import goal_seek
    from capitation.growth_factors import budget_growth
    from capitation.hub_grouping import group_into_hubs, hub_mapping
    from capitation.hubs import check_hubs, cost_of_hubs, read_coordinates
    from capitation.inputs.workbook import read_input_workbook
    from capitation.model import Model
    from capitation.model_file import load_model, models
    from capitation.practice_terms import with_practice_terms
    from capitation.practice_terms_csv import read_practice_terms
    from capitation.practices import in_hubs, in_one_pool, select_commissioners
    from capitation.projection import project
    from capitation.reactivations import decide_reactivations
    from capitation.reactivations_csv import read_reactivations
    from capitation.runs.differences import compare_runs
    from capitation.runs.frames import read_result, write_netcdf, write_parquet
    from capitation.runs.pieces import open_result, write_zarr
    from capitation.sensitivities import sensitivity, with_sensitivity
    from capitation.settlement import settle
    from capitation.simulation import simulate
    from capitation.sources.allocations import read_allocations
    from capitation.sources.local_csv import read_given, read_hubs, read_inputs, with_inputs
    from capitation.sources.payments import read_payments
    from capitation.sources.weighted_populations import read_weighted_populations
    from capitation.successors import read_successors
    from capitation.switching import switching_values
    from capitation.systems import roll_up
    from capitation.tables.html import write_html
    from capitation.target_allocations import (
        distance_from_target,
        primary_medical_blend,
        target_allocation,
    )
    from capitation.totals import project_totals
    from capitation.variation import unwarranted_variation
    from capitation.vocabulary import (
        constant,
        gamma,
        negative_binomial,
        round_to_pence,
        rule,
        total,
    )
    from capitation.weighing.counts import count_persons
    from capitation.weighing.formula import formula_inputs, normalised_formula, rurality_ratio
    from capitation.weighing.weighted_lists import weigh
    from capitation.weighing.weights import read_person_weights
    from capitation.what_if import with_preset, with_terms
    from capitation.workbook.audit.cell_explanation import explain_cell
    from capitation.workbook.audit.verification import verify_workbook
    from capitation.workbook.errors_book import write_errors
    from capitation.workbook.record_sheet import read_record
    from capitation.workbook.simulation_book import write_simulation
    from capitation.workbook.tables_book import write_tables
    from capitation.workbook.template.book import write_template
    from capitation.workbook.writer import write_workbook

# Numba, xarray and openpyxl are slow to import, so a name is fetched when it is first used.
_HOMES = {
    "CacheWarning": "capitation.engine.kept_code",
    "Model": "capitation.model",
    "affordability": "capitation.affording",
    "appraise": "capitation.appraisal",
    "backtest": "capitation.backtesting",
    "bridge": "capitation.bridging",
    "budget_growth": "capitation.growth_factors",
    "check_hubs": "capitation.hubs",
    "chunk_by_commissioner": "capitation.chunked",
    "compare": "capitation.comparison",
    "compare_runs": "capitation.runs.differences",
    "constant": "capitation.vocabulary",
    "cost_of_hubs": "capitation.hubs",
    "count_persons": "capitation.weighing.counts",
    "decide_reactivations": "capitation.reactivations",
    "distance_from_target": "capitation.target_allocations",
    "example_populations": "capitation.example_weights",
    "example_practices": "capitation.example",
    "explain": "capitation.explanation",
    "explain_cell": "capitation.workbook.audit.cell_explanation",
    "fair_budget": "capitation.fair_budgets",
    "formula_inputs": "capitation.weighing.formula",
    "gains_and_losses": "capitation.gains",
    "gamma": "capitation.vocabulary",
    "goal_seek": "capitation.goal_seeking",
    "group_into_hubs": "capitation.hub_grouping",
    "hub_mapping": "capitation.hub_grouping",
    "in_hubs": "capitation.practices",
    "in_one_pool": "capitation.practices",
    "load_model": "capitation.model_file",
    "minimum_savings_rate": "capitation.gain_share_presets",
    "models": "capitation.model_file",
    "need_inputs": "capitation.fair_budgets",
    "negative_binomial": "capitation.vocabulary",
    "normalised_formula": "capitation.weighing.formula",
    "open_result": "capitation.runs.pieces",
    "pace_of_change": "capitation.allocation_growth",
    "practices_of": "capitation.fair_budgets",
    "primary_medical_blend": "capitation.target_allocations",
    "project": "capitation.projection",
    "project_totals": "capitation.totals",
    "read_allocations": "capitation.sources.allocations",
    "read_cash_calendar": "capitation.cash_calendar",
    "read_coordinates": "capitation.hubs",
    "read_given": "capitation.sources.local_csv",
    "read_hubs": "capitation.sources.local_csv",
    "read_input_workbook": "capitation.inputs.workbook",
    "read_inputs": "capitation.sources.local_csv",
    "read_payments": "capitation.sources.payments",
    "read_person_weights": "capitation.weighing.weights",
    "read_practice_terms": "capitation.practice_terms_csv",
    "read_reactivations": "capitation.reactivations_csv",
    "read_record": "capitation.workbook.record_sheet",
    "read_result": "capitation.runs.frames",
    "read_successors": "capitation.successors",
    "read_weighted_populations": "capitation.sources.weighted_populations",
    "roll_up": "capitation.systems",
    "round_to_pence": "capitation.vocabulary",
    "rule": "capitation.vocabulary",
    "rurality_ratio": "capitation.weighing.formula",
    "select_commissioners": "capitation.practices",
    "sensitivity": "capitation.sensitivities",
    "settle": "capitation.settlement",
    "simulate": "capitation.simulation",
    "switching_values": "capitation.switching",
    "target_allocation": "capitation.target_allocations",
    "total": "capitation.vocabulary",
    "unwarranted_variation": "capitation.variation",
    "verify_workbook": "capitation.workbook.audit.verification",
    "weigh": "capitation.weighing.weighted_lists",
    "with_inputs": "capitation.sources.local_csv",
    "with_practice_terms": "capitation.practice_terms",
    "with_preset": "capitation.what_if",
    "with_sensitivity": "capitation.sensitivities",
    "with_terms": "capitation.what_if",
    "write_errors": "capitation.workbook.errors_book",
    "write_html": "capitation.tables.html",
    "write_need_inputs": "capitation.fair_budgets",
    "write_netcdf": "capitation.runs.frames",
    "write_parquet": "capitation.runs.frames",
    "write_simulation": "capitation.workbook.simulation_book",
    "write_tables": "capitation.workbook.tables_book",
    "write_template": "capitation.workbook.template.book",
    "write_workbook": "capitation.workbook.writer",
    "write_zarr": "capitation.runs.pieces",
}

__all__ = [
    "CacheWarning",
    "InputError",
    "Model",
    "Problem",
    "RuleError",
    "__version__",
    "affordability",
    "appraise",
    "backtest",
    "bridge",
    "budget_growth",
    "check_hubs",
    "chunk_by_commissioner",
    "compare",
    "compare_runs",
    "constant",
    "cost_of_hubs",
    "count_persons",
    "decide_reactivations",
    "distance_from_target",
    "example_populations",
    "example_practices",
    "explain",
    "explain_cell",
    "fair_budget",
    "formula_inputs",
    "gains_and_losses",
    "gamma",
    "goal_seek",
    "group_into_hubs",
    "hub_mapping",
    "in_hubs",
    "in_one_pool",
    "load_model",
    "minimum_savings_rate",
    "models",
    "need_inputs",
    "negative_binomial",
    "normalised_formula",
    "open_result",
    "pace_of_change",
    "practices_of",
    "primary_medical_blend",
    "project",
    "project_totals",
    "read_allocations",
    "read_cash_calendar",
    "read_coordinates",
    "read_given",
    "read_hubs",
    "read_input_workbook",
    "read_inputs",
    "read_payments",
    "read_person_weights",
    "read_practice_terms",
    "read_reactivations",
    "read_record",
    "read_result",
    "read_successors",
    "read_weighted_populations",
    "roll_up",
    "round_to_pence",
    "rule",
    "rurality_ratio",
    "select_commissioners",
    "sensitivity",
    "settle",
    "simulate",
    "switching_values",
    "target_allocation",
    "total",
    "unwarranted_variation",
    "verify_workbook",
    "weigh",
    "with_inputs",
    "with_practice_terms",
    "with_preset",
    "with_sensitivity",
    "with_terms",
    "write_errors",
    "write_html",
    "write_need_inputs",
    "write_netcdf",
    "write_parquet",
    "write_simulation",
    "write_tables",
    "write_template",
    "write_workbook",
    "write_zarr",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'capitation' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
