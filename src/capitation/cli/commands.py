"""What each command does: it gives what is to be said, and the exit status."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import capitation as cap
from capitation.cli.asked import asked_about, is_workbook, is_written, labels_of
from capitation.cli.console import as_json, listed, stage, table, tell, tell_notes
from capitation.cli.options import option_problems
from capitation.errors import InputError, Problem, raise_if_any

ALTERNATIVES = {
    "model": "model",
    "persistence": "persistence: the base year's core income again",
    "per_capita": "per capita: that, times the change of weighted lists",
    "price_grown": "price grown: that, times the change of net prices",
}
"""What a backtest sets side by side, in words."""


def _run(args: argparse.Namespace) -> tuple[str, int]:
    from capitation.cli.run_outputs import sensitivity_of_run, write_others
    from capitation.cli.run_summary import summary_of, words_of

    output = _output(args)
    asked = asked_about(args)
    result = asked.project()
    if not args.no_sensitivity:
        result = sensitivity_of_run(result, asked)
    with stage(f"Writing {output}") as say:
        written = cap.write_workbook(result, output, live=args.live, progress=say)
    others = write_others(result, args)
    summary = summary_of(result, written, asked) | {"others": others}
    tell_notes(summary["notes"])
    return as_json(summary) if args.json else words_of(summary, result), _status(written)


def _simulate(args: argparse.Namespace) -> tuple[str, int]:
    from capitation.cli.simulated_rows import write_rows
    from capitation.cli.simulation_summary import ALL_TOGETHER, summary_of, words_of

    output = _output(args, ".csv" if args.by_commissioner else ".xlsx")
    asked = asked_about(args)
    codes = sorted(set(asked.practices["commissioner"].values.astype(str).tolist()))
    with stage(f"Drawing {args.draws:,} times") as say:
        result = cap.simulate(
            asked.model,
            asked.practices,
            asked.scenarios,
            asked.months,
            draws=args.draws,
            seed=args.seed,
            given=asked.given,
            threads=args.threads,
            break_even=not (args.no_break_even or args.by_commissioner),
            by_practice=not args.by_commissioner,
            groups={ALL_TOGETHER: codes} if len(codes) > 1 else None,
            progress=say,
        )
    with stage(f"Writing {output}"):
        write = write_rows if args.by_commissioner else cap.write_simulation
        written = write(result, output)
    summary = summary_of(result, written, asked)
    tell_notes(summary["notes"])
    status = 0 if args.by_commissioner else _status(written)
    return as_json(summary) if args.json else words_of(summary, result), status


def _output(args: argparse.Namespace, ending: str = ".xlsx") -> Path:
    """Where the workbook or the table goes: refused, as options are, before any work is done."""
    from capitation.cli.run_outputs import other_outputs
    from capitation.files import path_problems

    output = Path(args.output)
    raise_if_any([*path_problems(output, ending), *other_outputs(args), *option_problems(args)])
    return output


def _status(written: Any) -> int:
    if not written.checks_failed:
        return 0
    failed = f"{written.checks_failed:,} of {written.checks:,} checks failed"
    tell(f"{failed}; the workbook is written, and shows which: {written.path}")
    return 3


def _models(args: argparse.Namespace) -> tuple[str, int]:
    found = cap.models()
    return as_json(found) if args.json else table(found.items(), str.ljust), 0


def _explain(args: argparse.Namespace) -> tuple[str, int]:
    from capitation.cli.run_summary import notes_of

    raise_if_any(option_problems(args))
    if is_workbook(args.model) and is_written(args.model):
        return _explain_cell(args)
    if is_workbook(args.model) and "!" in args.variable:
        found = f"is an input workbook, and has no figure {args.variable} to explain"
        mend = f"write its budget first: capitation run {args.model} --output OUT.xlsx"
        raise InputError(Problem(args.model, found, mend))
    labels = labels_of(args.labels)
    asked = asked_about(args, labels)
    result = asked.project()
    told, notes = cap.explain(result, args.variable, **labels), notes_of(result)
    tell_notes(notes)
    return as_json(told.as_dict() | {"notes": notes}) if args.json else str(told), 0


def _explain_cell(args: argparse.Namespace) -> tuple[str, int]:
    if args.labels:
        mend = "of a written workbook, name a cell alone, as 'Summary!C8'"
        raise InputError(Problem(args.labels[0], "is asked of a model", mend))
    with stage(f"Reading {args.model}"):
        told = cap.explain_cell(args.model, args.variable)
    return as_json(told.as_dict()) if args.json else str(told), 0


def _backtest(args: argparse.Namespace) -> tuple[str, int]:
    chosen = {} if args.model is None else {"model": args.model}
    report = cap.backtest(args.base, args.actual, args.lists, **chosen)
    if args.json:
        return as_json(report), 0
    wholes = [
        ("Core income, Σ|projected − paid| ÷ Σ paid", "error (WAPE)"),
        *((words, f"{report['wape'][key]:.1%}") for key, words in ALTERNATIVES.items()),
        ("Bias of the model's total", f"{report['bias']:+.1%}"),
        ("Median error of a practice", f"{report['median_error']:.1%}"),
    ]
    streams = [(name.replace("_", " "), f"{e:.1%}") for name, e in report["by_stream"].items()]
    kinds = [
        (kind, f"{of['practices']:,}", f"{of['wape']:.1%}", f"{of['median_error']:.1%}")
        for kind, of in report["by_contract_type"].items()
    ]
    heading, *rows = table([("By contract", "practices", "error", "median"), *kinds]).split("\n")
    base, actual = Path(args.base).name, Path(args.actual).name
    parts = [
        f"{report['practices']:,} practices: {base} projected to {actual}, {args.lists} lists",
        table(wholes),
        table([("By stream", "error"), *streams]),
        f"{heading}\n{listed(rows, chr(10))}",
    ]
    return "\n\n".join(parts), 0


def _settle(args: argparse.Namespace) -> tuple[str, int]:
    from capitation.cli.settlement_summary import (
        summary_of,
        words_of,
        write_payments,
    )
    from capitation.files import path_problems

    output = Path(args.output)
    raise_if_any([*path_problems(output, ".csv"), *option_problems(args)])
    calendar = cap.read_cash_calendar(args.calendar) if args.calendar else None
    asked = asked_about(args)
    successors = None
    if args.successors:
        practices, known = asked.practices, asked.known
        successors = cap.read_successors(args.successors, practices, known=known)
    result = asked.project()
    settled = cap.settle(result, successors, calendar=calendar)
    rows = write_payments(settled, output)
    summary = summary_of(settled, asked, output, rows)
    tell_notes(summary["notes"])
    told = f"{words_of(settled)}\n\n{rows:,} payments: {output}"
    return as_json(summary) if args.json else told, 0


def _appraise(args: argparse.Namespace) -> tuple[str, int]:
    from capitation.appraisal import LATEST_ISSUE
    from capitation.cli.appraisal_summary import summary_of, within_scenarios, words_of

    raise_if_any(option_problems(args))
    asked = asked_about(args)
    scenarios = [args.before, args.after]
    given = asked.given
    basis = {
        "price_year": args.price_year,
        "issue": LATEST_ISSUE if args.issue is None else args.issue,
        "discount_from": args.discount_from,
    }
    result = asked.project(scenarios)
    appraised = cap.appraise(result, args.measure, scenarios, **basis)
    split = cap.bridge(
        asked.model,
        asked.practices,
        args.before,
        args.after,
        args.measure,
        months=asked.months,
        given=given,
        **basis,
    )
    changed = cap.gains_and_losses(result, args.after, args.before, threshold=args.threshold)
    within = within_scenarios(result, args.threshold)
    summary = summary_of(result, appraised, split, changed, within, asked)
    tell_notes(summary["notes"])
    return as_json(summary) if args.json else words_of(summary, result, split), 0


def _compare(args: argparse.Namespace) -> tuple[str, int]:
    from capitation.cli.comparison_summary import summary_of, words_of
    from capitation.cli.difference_summary import compare_files

    raise_if_any(option_problems(args))
    if args.other is not None:
        return compare_files(args)
    if is_workbook(args.model) and is_written(args.model):
        mend = f"name another: capitation compare {args.model} OTHER.xlsx"
        raise InputError(Problem(args.model, "is one budget, and nothing to set against it", mend))
    asked = asked_about(args)
    result = asked.project()
    compared = cap.compare(result, args.measure)
    summary = summary_of(result, compared, asked)
    tell_notes(summary["notes"])
    return as_json(summary) if args.json else words_of(summary, result, compared), 0


def _reactivate(args: argparse.Namespace) -> tuple[str, int]:
    from capitation.cli.reactivation_summary import summary_of, words_of, write_terms
    from capitation.files import path_problems

    if args.output:
        raise_if_any(path_problems(Path(args.output), ".csv"))
    decisions = cap.decide_reactivations(cap.read_reactivations(args.requests))
    rows = write_terms(decisions, Path(args.output)) if args.output else None
    if args.json:
        return as_json(summary_of(decisions, args.output, rows)), 0
    written = [] if rows is None else [f"{rows:,} terms of practices: {args.output}"]
    return "\n\n".join([words_of(decisions), *written]), 0


def _afford(args: argparse.Namespace) -> tuple[str, int]:
    from capitation.cli.affordability_summary import summary_of, words_of

    raise_if_any(option_problems(args))
    asked = asked_about(args)
    result = asked.project()
    tested, switched = cap.affordability(result), None
    chosen = str(result["scenario"].values[0])
    if args.switch is not None and not bool(tested["has_budget"].sel(scenario=chosen)):
        tell(f"note: {chosen} has no budget in the run: there is no gap of it to close")
    elif args.switch is not None:
        switched = cap.switching_values(
            asked.model, asked.practices, args.switch or None, test=args.test, scenario=chosen
        )
    summary = summary_of(result, tested, switched, asked)
    tell_notes(summary["notes"])
    return as_json(summary) if args.json else words_of(summary, result, tested, switched), 0


def _budget(args: argparse.Namespace) -> tuple[str, int]:
    from capitation.cli.budget_summary import budget

    return budget(args)


def _weigh(args: argparse.Namespace) -> tuple[str, int]:
    from capitation.cli.weigh_summary import weigh

    return weigh(args)


def _sensitivity(args: argparse.Namespace) -> tuple[str, int]:
    from capitation.cli.sensitivity_summary import sensitivity

    raise_if_any(option_problems(args))
    return sensitivity(args, asked_about(args))


def _seek(args: argparse.Namespace) -> tuple[str, int]:
    from capitation.cli.sensitivity_summary import seek

    raise_if_any(option_problems(args))
    return seek(args, asked_about(args))


def _template(args: argparse.Namespace) -> tuple[str, int]:
    from capitation.cli.template_summary import template

    return template(args)


def _check(args: argparse.Namespace) -> tuple[str, int]:
    from capitation.cli.check_summary import check

    return check(args)


def _verify(args: argparse.Namespace) -> tuple[str, int]:
    from capitation.cli.verify_summary import verify

    return verify(args)


def _totals(args: argparse.Namespace) -> tuple[str, int]:
    from capitation.cli.totals_summary import totals
    from capitation.files import path_problems

    wrong_path = path_problems(Path(args.output), ".csv") if args.output else ()
    raise_if_any([*wrong_path, *option_problems(args)])
    return totals(args, asked_about(args))


def _hubs(args: argparse.Namespace) -> tuple[str, int]:
    from capitation.cli.hubs_summary import hubs

    return hubs(args)


def _warmup(args: argparse.Namespace) -> tuple[str, int]:
    from capitation.cli.warmup_summary import warmup

    return warmup(args)


COMMANDS: dict[str, Callable[[argparse.Namespace], tuple[str, int]]] = {
    "template": _template,
    "check": _check,
    "run": _run,
    "totals": _totals,
    "simulate": _simulate,
    "explain": _explain,
    "settle": _settle,
    "appraise": _appraise,
    "compare": _compare,
    "afford": _afford,
    "sensitivity": _sensitivity,
    "seek": _seek,
    "verify": _verify,
    "reactivate": _reactivate,
    "budget": _budget,
    "weigh": _weigh,
    "hubs": _hubs,
    "models": _models,
    "backtest": _backtest,
    "warmup": _warmup,
}

WRITING = (
    "template",
    "run",
    "totals",
    "simulate",
    "settle",
    "reactivate",
    "budget",
    "weigh",
    "hubs",
)
"""Commands that write a file."""
