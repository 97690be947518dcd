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
    from capitation.appraisal import appraise
    from capitation.backtesting import backtest
    from capitation.bridging import bridge
    from capitation.cash_calendar import read_cash_calendar
    from capitation.comparison import compare
    from capitation.example import example_practices
    from capitation.explanation import explain
    from capitation.gains import gains_and_losses
    from capitation.model import Model
    from capitation.model_file import load_model, models
    from capitation.practice_terms import with_practice_terms
    from capitation.practice_terms_csv import read_practice_terms
    from capitation.practices import in_hubs, in_one_pool, select_commissioners
    from capitation.projection import project
    from capitation.settlement import settle
    from capitation.simulation import simulate
    from capitation.sources.local_csv import read_given, read_hubs, read_inputs, with_inputs
    from capitation.sources.payments import read_payments
    from capitation.successors import read_successors
    from capitation.vocabulary import (
        constant,
        gamma,
        negative_binomial,
        round_to_pence,
        rule,
        total,
    )
    from capitation.what_if import with_preset, with_terms
    from capitation.workbook import write_workbook
    from capitation.workbook.simulation_book import write_simulation

# Numba, xarray and openpyxl are slow to import, so a name is fetched when it is first used.
_HOMES = {
    "backtest": "capitation.backtesting",
    "example_practices": "capitation.example",
    "explain": "capitation.explanation",
    "Model": "capitation.model",
    "load_model": "capitation.model_file",
    "models": "capitation.model_file",
    "in_hubs": "capitation.practices",
    "select_commissioners": "capitation.practices",
    "project": "capitation.projection",
    "read_cash_calendar": "capitation.cash_calendar",
    "read_successors": "capitation.successors",
    "settle": "capitation.settlement",
    "appraise": "capitation.appraisal",
    "compare": "capitation.comparison",
    "bridge": "capitation.bridging",
    "gains_and_losses": "capitation.gains",
    "in_one_pool": "capitation.practices",
    "simulate": "capitation.simulation",
    "read_given": "capitation.sources.local_csv",
    "read_hubs": "capitation.sources.local_csv",
    "read_inputs": "capitation.sources.local_csv",
    "with_inputs": "capitation.sources.local_csv",
    "read_payments": "capitation.sources.payments",
    "read_practice_terms": "capitation.practice_terms_csv",
    "constant": "capitation.vocabulary",
    "round_to_pence": "capitation.vocabulary",
    "gamma": "capitation.vocabulary",
    "negative_binomial": "capitation.vocabulary",
    "rule": "capitation.vocabulary",
    "total": "capitation.vocabulary",
    "with_practice_terms": "capitation.practice_terms",
    "with_preset": "capitation.what_if",
    "with_terms": "capitation.what_if",
    "write_workbook": "capitation.workbook",
    "write_simulation": "capitation.workbook.simulation_book",
}

__all__ = [
    "InputError",
    "Model",
    "Problem",
    "RuleError",
    "__version__",
    "appraise",
    "backtest",
    "bridge",
    "compare",
    "constant",
    "example_practices",
    "explain",
    "gains_and_losses",
    "gamma",
    "in_hubs",
    "in_one_pool",
    "load_model",
    "models",
    "negative_binomial",
    "project",
    "read_cash_calendar",
    "read_given",
    "read_hubs",
    "read_inputs",
    "read_payments",
    "read_practice_terms",
    "read_successors",
    "round_to_pence",
    "rule",
    "select_commissioners",
    "settle",
    "simulate",
    "total",
    "with_inputs",
    "with_practice_terms",
    "with_preset",
    "with_terms",
    "write_simulation",
    "write_workbook",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'capitation' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
