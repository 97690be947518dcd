"""The command line: results to stdout, messages to stderr.

Exit status: 0 done; 1 a fault of ours; 2 the input is wrong, and nothing was written; 3 a check in
the workbook failed.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import capitation as cap
from capitation.errors import InputError, Problem, nearest, raise_if_any

if TYPE_CHECKING:
    import xarray as xr

LABELS = ("practice", "month", "scenario", "year", "commissioner_code")
"""What `explain` is asked about, as key=value."""

LONGEST = 600
"""Months: fifty years, as far as a projection is asked to go."""

MOST_SHOWN = 12
"""Rows of a table on the screen, and names in a line."""

ALTERNATIVES = {
    "model": "model",
    "persistence": "persistence: the base year's core income again",
    "per_capita": "per capita: that, times the change of weighted lists",
    "price_grown": "price grown: that, times the change of net prices",
}
"""What a backtest sets side by side, in words."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : sequence of str, optional
        The words after ``capitation``; those of the process if left out.

    Returns
    -------
    int
        The exit status.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        text, status = _outcome(argv)
    except KeyboardInterrupt:
        return 130
    try:
        print(text, end="\n" if text else "", flush=True)
    except BrokenPipeError:
        # The reader has gone. Python flushes once more as it ends: let that go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return status


def _outcome(argv: Sequence[str] | None) -> tuple[str, int]:
    """What a command has to say, and its exit status. A fault becomes a message."""
    try:
        args = _arguments(argv)
    except SystemExit as end:
        return "", int(end.code or 0)
    try:
        return args.do(args)
    except InputError as error:
        for problem in error.problems:
            _tell(str(problem))
        several = "s" if len(error.problems) > 1 else ""
        nothing = " Nothing was written." if args.do is _run else ""
        _tell(f"{len(error.problems)} problem{several}.{nothing}")
        return "", 2
    except Exception as fault:
        if args.debug:
            raise
        said = f"{type(fault).__name__}: {fault}"
        _tell(f"capitation: unexpected fault: {said}; run again with --debug for the traceback")
        return "", 1


# The commands -----------------------------------------------------------------------------------


def _run(args: argparse.Namespace) -> tuple[str, int]:
    from capitation.workbook.writer import path_problems

    output = Path(args.output)
    raise_if_any([*path_problems(output), *_option_problems(args)])
    model = _model(args)
    practices = _practices(args, model, {})
    result = cap.project(model, practices, args.scenario, args.months)
    written = cap.write_workbook(result, output)
    summary = _summary(result, written)
    _tell_notes(summary["notes"])
    if written.checks_failed:
        failed = f"{written.checks_failed:,} of {written.checks:,} checks failed"
        _tell(f"{failed}; the workbook is written, and shows which: {written.path}")
    text = _json(summary) if args.json else _in_words(summary, result)
    return text, 3 if written.checks_failed else 0


def _models(args: argparse.Namespace) -> tuple[str, int]:
    found = cap.models()
    return _json(found) if args.json else _table(found.items(), str.ljust), 0


def _explain(args: argparse.Namespace) -> tuple[str, int]:
    raise_if_any(_option_problems(args))
    labels = _labels(args.labels)
    model = _model(args)
    practices = _practices(args, model, labels)
    months = args.months or _months_to_cover(model, labels)
    result = cap.project(model, practices, months=months)
    told, notes = cap.explain(result, args.variable, **labels), _notes(result)
    _tell_notes(notes)
    return _json(told.as_dict() | {"notes": notes}) if args.json else str(told), 0


def _backtest(args: argparse.Namespace) -> tuple[str, int]:
    chosen = {} if args.model is None else {"model": args.model}
    report = cap.backtest(args.base, args.actual, args.lists, **chosen)
    if args.json:
        return _json(report), 0
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
    heading, *rows = _table([("By contract", "practices", "error", "median"), *kinds]).split("\n")
    base, actual = Path(args.base).name, Path(args.actual).name
    parts = [
        f"{report['practices']:,} practices: {base} projected to {actual}, {args.lists} lists",
        _table(wholes),
        _table([("By stream", "error"), *streams]),
        f"{heading}\n{_listed(rows, chr(10))}",
    ]
    return "\n\n".join(parts), 0


# What was asked ---------------------------------------------------------------------------------


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = _parser()
    args, others = parser.parse_known_args(argv)
    if args.do is None:
        parser.print_help(sys.stderr)
        raise SystemExit(2)
    if args.do is _explain:
        # Labels may stand anywhere: argparse leaves over those that follow an option, and
        # --commissioner takes those that follow its codes.
        codes = args.commissioner or []
        args.labels += [word for word in others if not word.startswith("-")]
        args.labels += [word for word in codes if "=" in word]
        args.commissioner = [word for word in codes if "=" not in word]
        others = [word for word in others if word.startswith("-")]
    if others:
        parser.error(f"unrecognized arguments: {' '.join(others)}")
    return args


def _parser() -> argparse.ArgumentParser:
    title = str(cap.__doc__).splitlines()[0]
    parser = argparse.ArgumentParser(prog="capitation", description=title, allow_abbrev=False)
    parser.set_defaults(do=None)
    parser.add_argument("--version", action="version", version=f"capitation {cap.__version__}")
    debug = "show the traceback of a fault"
    parser.add_argument("--debug", action="store_true", help=debug)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    def command(name: str, do: Callable[..., Any], does: str) -> Callable[..., argparse.Action]:
        added = commands.add_parser(name, help=does, description=does, allow_abbrev=False)
        added.set_defaults(do=do)
        added.add_argument("--json", action="store_true", help="print JSON, for programs")
        # Left out, it must not undo a --debug before the command.
        kept = argparse.SUPPRESS
        added.add_argument("--debug", action="store_true", default=kept, help=debug)
        return added.add_argument

    several: dict[str, Any] = {"nargs": "+", "action": "extend"}
    only = "after MODEL: only these [those the model names]"
    run = command("run", _run, "project every practice's payments, as a workbook")
    explain = command("explain", _explain, "why a figure is what it is, down to its sources")
    for add in (run, explain):
        add("model", metavar="MODEL", help="a model's name, or the path of a .toml file")
        add("--practices", metavar="FILE", help="official payments file [synthetic example]")
        add("--commissioner", **several, metavar="CODE", help=only)
        add("--fiscal-year", metavar="2014/15", help="of the file [as in its name]")
        add("--start", metavar="2017-04", help="the first month [as the model says]")
        add("--months", type=int, metavar="N", help="how many to project [as the model says]")
    run("--scenario", **several, metavar="NAME", help="only these [all]")
    run("--output", required=True, metavar="OUT.xlsx", help="the workbook to write")
    explain("variable", metavar="VARIABLE", help="a rule, total, input or term")
    explain("labels", nargs="*", metavar="KEY=VALUE", help=f"where: {', '.join(LABELS)}")
    command("models", _models, "name the models that come with the library")
    add = command("backtest", _backtest, "hold a projection against what was really paid")
    add("base", metavar="BASE.csv", help="payments file of the base year")
    add("actual", metavar="ACTUAL.csv", help="payments file of a later year")
    kinds = ("actual", "projected")
    add("--lists", choices=kinds, default="actual", help="of the later year [actual]")
    add("--model", metavar="MODEL", help="a model's name or path [the national rules]")
    return parser


def _option_problems(args: argparse.Namespace) -> Iterable[Problem]:
    if args.months is not None and not 1 <= args.months <= LONGEST:
        yield Problem("--months", f"found {args.months}", f"from 1 to {LONGEST}")
    if args.start is not None and _first_of_month(args.start) is None:
        yield Problem("--start", f"found {args.start!r}", "a month such as 2017-04")
    if args.fiscal_year is not None and args.practices is None:
        mend = "give the file with --practices"
        yield Problem("--fiscal-year", "there is no file that it is the year of", mend)


def _first_of_month(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(f"{text}-01")
    except ValueError:
        return None


def _model(args: argparse.Namespace) -> cap.Model:
    """The model asked for, from the month asked for."""
    model = cap.load_model(args.model)
    start = _first_of_month(args.start or "")
    return replace(model, start=start) if start else model


def _labels(words: Iterable[str]) -> dict[str, str]:
    labels: dict[str, str] = {}
    problems = []
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            problems.append(Problem(word, "is not a label", "write it as practice=A81001"))
        elif key not in LABELS:
            problems.append(Problem(word, f"there is no label {key!r}", nearest(key, LABELS)))
        elif key in labels:
            problems.append(Problem(word, f"{key} is {labels[key]!r} already", "give it once"))
        labels.setdefault(key, value)
    raise_if_any(problems)
    return labels


def _months_to_cover(model: cap.Model, labels: Mapping[str, str]) -> int:
    """The model's months, or more: to the end of the fiscal year that is asked about."""
    from capitation.engine.calendar import fiscal_year, months_of

    try:
        month = f"{labels.get('month', '')}-01"
        year = labels.get("year") or fiscal_year(dt.date.fromisoformat(month))
        last = months_of(year)[-1]
    except ValueError:
        return model.months
    needed = (last.year - model.start.year) * 12 + last.month - model.start.month + 1
    return max(model.months, min(needed, LONGEST))


def _practices(args: argparse.Namespace, model: cap.Model, labels: Mapping[str, str]) -> xr.Dataset:
    """The practices asked for: those of the file, or of the example."""
    if args.practices is None:
        everyone, codes = cap.example_practices(), args.commissioner
    else:
        everyone = cap.read_payments(args.practices, args.fiscal_year)
        codes = args.commissioner or _of_labels(everyone, labels) or _of_model(everyone, model)
    return cap.select_commissioners(everyone, codes) if codes else everyone


def _of_labels(everyone: xr.Dataset, labels: Mapping[str, str]) -> list[str]:
    """The commissioner of the practice that is asked about: no total reaches beyond it."""
    if "practice" not in labels:
        return [labels["commissioner_code"]] if "commissioner_code" in labels else []
    code, codes = labels["practice"], everyone["practice"].values.tolist()
    if code not in codes:
        file = str(everyone.attrs["source"])
        raise InputError(Problem(file, f"there is no practice {code!r}", nearest(code, codes)))
    return [str(everyone["commissioner"].sel(practice=code).item())]


def _of_model(everyone: xr.Dataset, model: cap.Model) -> list[str]:
    """The commissioners that the model names, and the file has."""
    file, present = str(everyone.attrs["source"]), set(everyone["commissioner"].values.tolist())
    found = [code for code in model.commissioners if code in present]
    absent = [code for code in model.commissioners if code not in present]
    if absent and not found:
        said = f"no practice of the commissioners that {model.name} names: {_listed(absent)}"
        mend = f"choose others with --commissioner; {nearest(absent[0], present)}"
        raise InputError(Problem(file, said, mend))
    if absent:
        _tell(f"note: {file} has no practice of {_listed(absent)}, which {model.name} names")
    return found


# What is said -----------------------------------------------------------------------------------


def _summary(result: xr.Dataset, written: Any) -> dict[str, Any]:
    streams = {name: _by_year(result, name) for name in json.loads(result.attrs["streams"])}
    scenarios = [str(name) for name in result["scenario"].values]
    return {
        "model": result.attrs["model"],
        "output": str(written.path),
        "practices": result.sizes["practice"],
        "commissioners": [str(code) for code in result["commissioner_code"].values],
        "months": result.sizes["month"],
        "start": str(result["month"].values[0])[:7],
        "scenarios": scenarios,
        "base_year_total": _base_year_total(result),
        "total_payments": _by_year(result, "total_payments"),
        "streams": {s: {name: by[s] for name, by in streams.items()} for s in scenarios},
        "formulas": written.formulas,
        "checks": {"total": written.checks, "failed": written.checks_failed},
        "input": {
            "source": result.attrs["practices_source"],
            "fiscal_year": result.attrs["base_fiscal_year"],
            "sha256": result.attrs["practices_sha256"] or None,
        },
        "notes": _notes(result),
    }


def _notes(result: xr.Dataset) -> list[str]:
    return list(json.loads(result.attrs.get("notes", "[]")))


def _tell_notes(notes: Iterable[str]) -> None:
    for note in notes:
        _tell(f"note: {note}")


def _base_year_total(result: xr.Dataset) -> float | None:
    """What the file says was paid in the base year, where a rule of the model reads it."""
    from capitation.vocabulary import round_to_pence

    if "base_total_payments" not in result:
        return None
    return round_to_pence(float(result["base_total_payments"].values.sum()))


def _by_year(result: xr.Dataset, name: str) -> dict[str, dict[str, float]]:
    """Sums over practices in pounds, by scenario and fiscal year."""
    from capitation.vocabulary import round_to_pence

    dims = ("scenario", "practice", "month")
    amounts = result[name]
    wider = amounts.expand_dims({d: result.sizes[d] for d in dims if d not in amounts.dims})
    by_month = wider.transpose(*dims).values.sum(axis=1)
    years = result["fiscal_year"].values
    return {
        str(scenario): {
            str(year): round_to_pence(float(amount[years == year].sum()))
            for year in result["year"].values
        }
        for scenario, amount in zip(result["scenario"].values, by_month, strict=True)
    }


def _in_words(summary: Mapping[str, Any], result: xr.Dataset) -> str:
    from capitation.explanation import show

    commissioners, paid = summary["commissioners"], summary["total_payments"]
    checks, failed = summary["checks"]["total"], summary["checks"]["failed"]
    months = result["month"].dt.strftime("%B %Y").values
    years = [str(year) for year in result["year"].values]
    asked = [
        ("Input", "{practices_title} ({practices_source})".format(**result.attrs)),
        ("Practices", f"{summary['practices']:,}"),
        ("Commissioners", f"{len(commissioners)}: {_listed(commissioners)}"),
        ("Months", f"{len(months)}: {months[0]} – {months[-1]}"),
        ("Scenarios", f"{len(paid)}: {_listed(paid)}"),
    ]
    totals = [(year, *(show(of[year], "GBP") for of in paid.values())) for year in years]
    before = summary["base_year_total"]
    if before is not None:
        label = f"{summary['input']['fiscal_year']}, as paid"
        totals.insert(0, (label, *[show(before, "GBP")] * len(paid)))
    written = [
        ("Formulas", f"{summary['formulas']:,}"),
        ("Checks", f"{checks - failed:,} of {checks:,} OK"),
        ("Workbook", summary["output"]),
    ]
    tables = [_table([("Total payments", *paid), *totals]), _table(written, str.ljust)]
    return "\n\n".join([result.attrs["title"], _table(asked, str.ljust), *tables])


def _table(rows: Iterable[tuple[str, ...]], align: Callable[[str, int], str] = str.rjust) -> str:
    """Columns of text: the first to the left, the others as said."""
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *others in rows:
        aligned = [align(cell, width) for cell, width in zip(others, widths[1:], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *aligned]).rstrip())
    return "\n".join(lines)


def _listed(items: Iterable[str], between: str = ", ") -> str:
    items = list(items)
    more = [f"and {len(items) - MOST_SHOWN} more"] if len(items) > MOST_SHOWN else []
    return between.join([*items[:MOST_SHOWN], *more])


def _json(found: Any) -> str:
    return json.dumps(found, indent=2, ensure_ascii=False)


def _tell(message: str) -> None:
    """Put a message on one line of stderr, whatever the file that it quotes holds."""
    print("".join(c if c.isprintable() else " " for c in message), file=sys.stderr)
