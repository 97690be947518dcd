"""The words of a command: its options, and what is wrong with them before any work is done."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import capitation as cap
from capitation.cli import (
    budget_summary,
    check_summary,
    hubs_summary,
    sensitivity_summary,
    template_summary,
    totals_summary,
    verify_summary,
    warmup_summary,
    weigh_summary,
)
from capitation.errors import Problem

LABELS = ("practice", "month", "scenario", "year", "commissioner_code")
"""What `explain` is asked about, as key=value."""

LONGEST = 600
"""Months: fifty years, as far as a projection is asked to go."""

MOST_DRAWS = 1_000_000
MOST_SEED = 2**63 - 1

MODEL = "a model's name, the path of a .toml file, or an input workbook"

WRITTEN_TOO = "; or a workbook that run has written"

LIVE = ("auto", "all", "one")
LIVE_HELP = (
    "formulas of every rule, or of one practice at a time and values elsewhere "
    "[every rule, unless there are too many]"
)

MOST_THRESHOLD = 1_000_000
"""Pounds a year and weighted patient."""


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the words of a command.

    Raises
    ------
    SystemExit
        If they are no command, or ask for nothing but help.
    """
    parser = _parser()
    args, others = parser.parse_known_args(argv)
    if args.command is None:
        parser.print_help(sys.stderr)
        raise SystemExit(2)
    if args.command == "explain":
        # Labels may stand anywhere: argparse leaves over those that follow an option, and options
        # of several codes take those that follow these.
        args.labels += [word for word in others if not word.startswith("-")]
        for option in ("commissioner", "one_pool"):
            words = getattr(args, option) or []
            args.labels += [word for word in words if "=" in word]
            setattr(args, option, [word for word in words if "=" not in word])
        others = [word for word in others if word.startswith("-")]
    if others:
        parser.error(f"unrecognized arguments: {' '.join(others)}")
    return args


def _parser() -> argparse.ArgumentParser:
    title = str(cap.__doc__).splitlines()[0]
    parser = argparse.ArgumentParser(prog="capitation", description=title, allow_abbrev=False)
    parser.set_defaults(command=None)
    parser.add_argument("--version", action="version", version=f"capitation {cap.__version__}")
    debug = "show the traceback of a fault"
    parser.add_argument("--debug", action="store_true", help=debug)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    def command(name: str, does: str) -> Callable[..., argparse.Action]:
        added = commands.add_parser(name, help=does, description=does, allow_abbrev=False)
        added.set_defaults(command=name)
        added.add_argument("--json", action="store_true", help="print JSON, for programs")
        # Left out, it must not undo a --debug before the command.
        kept = argparse.SUPPRESS
        added.add_argument("--debug", action="store_true", default=kept, help=debug)
        return added.add_argument

    several: dict[str, Any] = {"nargs": "+", "action": "extend"}
    only = "after MODEL: only these [those the model names]"
    run = command("run", "project every practice's payments, as a workbook")
    totals = command("totals", totals_summary.DOES)
    simulate = command("simulate", "draw what chance may bring, many times, as a workbook")
    explain = command("explain", "why a figure is what it is, down to its sources")
    settle = command("settle", "what leaves in which month, in whole pence, as a file of payments")
    appraise = command(
        "appraise", "two scenarios: their value, why they differ, who gains and loses"
    )
    compare = command("compare", "scenarios side by side; or two workbooks, and why they differ")
    afford = command("afford", "whether commissioner, provider and practices can afford a contract")
    sensitivity = command("sensitivity", sensitivity_summary.SENSITIVITY_DOES)
    seek = command("seek", sensitivity_summary.SEEK_DOES)
    asking = (run, totals, simulate, explain, settle, appraise, compare, afford, sensitivity, seek)
    for add in asking:
        also = WRITTEN_TOO if add in (explain, compare) else ""
        add("model", metavar="MODEL", help=MODEL + also)
        add("--practices", metavar="FILE", help="official payments file [synthetic example]")
        add("--commissioner", **several, metavar="CODE", help=only)
        add("--fiscal-year", metavar="2014/15", help="of the file [as in its name]")
        add("--inputs", metavar="FILE.csv", help="more figures by practice: practice,<name>,…")
        add("--given", metavar="FILE.csv", help="known values: practice,month,<rule>,…")
        own = "terms of one practice: practice,term,from,value"
        add("--practice-terms", metavar="FILE.csv", help=own)
        add("--hubs", metavar="FILE.csv", help="practice,hub: add up by hub, not by commissioner")
        agreed = "one pool over all the commissioners, which have agreed to it: these"
        add("--one-pool", **several, metavar="CODE", help=agreed)
        named = "terms as a preset has them, such as aco-reach-global"
        add("--preset", metavar="NAME", help=named)
        change = "set a term in every scenario; may be repeated"
        add("--set", action="append", default=[], metavar="TERM=VALUE", help=change)
        add("--start", metavar="2017-04", help="the first month [as the model says]")
        add("--months", type=int, metavar="N", help="how many to project [as the model says]")
    compare("other", nargs="?", metavar="OTHER.xlsx", help="a workbook to set against the first")
    for add in (run, totals, simulate, settle, compare, afford):
        add("--scenario", **several, metavar="NAME", help="only these [all]")
    for add in (run, simulate):
        add("--output", required=True, metavar="OUT.xlsx", help="the workbook to write")
    add = run
    add("--tables", metavar="OUT.xlsx", help="accessible tables too, as a workbook of their own")
    add("--html", metavar="OUT.html", help="a page to read too: tables and drawings, no script")
    add("--parquet", metavar="OUT.parquet", help="every figure too, as a table for programs")
    add("--netcdf", metavar="OUT.nc", help="the result itself too, as xarray reads it")
    add("--live", choices=LIVE, default="auto", help=LIVE_HELP)
    untried = "do not try the low and the high of each assumption"
    add("--no-sensitivity", action="store_true", help=untried)
    totals_summary.add_options(totals)
    settle("--output", required=True, metavar="OUT.csv", help="the file of payments to write")
    paid_instead = "practice,from,paid_to,share: who is paid in a practice's place"
    settle("--successors", metavar="FILE.csv", help=paid_instead)
    settle("--calendar", metavar="FILE.toml", help="when streams are paid, over the national one")
    appraise("--before", required=True, metavar="SCENARIO", help="the one compared with")
    appraise("--after", required=True, metavar="SCENARIO", help="the one looked at")
    amount = "rule or total that is valued and split [total_payments]"
    appraise("--measure", default="total_payments", metavar="RULE", help=amount)
    appraise("--price-year", metavar="2015/16", help="of real terms [the first]")
    appraise("--issue", metavar="NAME", help="of the GDP deflator [the one that reaches furthest]")
    appraise("--discount-from", metavar="2015/16", help="year 0, not discounted [the first]")
    appraise(
        "--threshold",
        type=float,
        metavar="POUNDS",
        help="a year and weighted patient, that counts as a loss [3]",
    )
    switched = "the value of each term that closes the first year's gap [the usual terms]"
    afford("--switch", nargs="*", action="extend", metavar="TERM", help=switched)
    gap = "whose gap --switch closes [the provider's]"
    afford("--test", default="provider_gap", metavar="RULE", help=gap)
    amounts = "rules or totals to set side by side [the streams and total_payments]"
    compare("--measure", **several, metavar="RULE", help=amounts)
    simulate("--draws", type=int, default=1_000, metavar="N", help="how many [1000]")
    simulate("--seed", type=int, default=1, metavar="S", help="the same seed, the same draws [1]")
    simulate("--threads", type=int, metavar="N", help="the result does not depend on it [all]")
    solved = "do not solve for the reduction that pays for the scheme"
    simulate("--no-break-even", action="store_true", help=solved)
    alone = "what commissioners have, as a table OUT.csv, and no break-even: quick for all England"
    simulate("--by-commissioner", action="store_true", help=alone)
    figure = "a rule, total, input or term; of a written workbook a cell, as 'Summary!C8'"
    explain("variable", metavar="VARIABLE", help=figure)
    explain("labels", nargs="*", metavar="KEY=VALUE", help=f"where: {', '.join(LABELS)}")
    sensitivity_summary.add_sensitivity_options(sensitivity)
    sensitivity_summary.add_seek_options(seek)
    template_summary.add_options(command("template", template_summary.DOES))
    check_summary.add_options(command("check", check_summary.DOES))
    verify_summary.add_options(command("verify", verify_summary.DOES))
    budget_summary.add_options(command("budget", budget_summary.DOES))
    weigh_summary.add_options(command("weigh", weigh_summary.DOES))
    hubs_summary.add_options(command("hubs", hubs_summary.DOES))
    warmup_summary.add_options(command("warmup", warmup_summary.DOES))
    add = command("reactivate", "decide on requests to take up a suspended contract again, and why")
    add("requests", metavar="REQUESTS.csv", help="practice,suspended,notice,effective,partners,…")
    add("--output", metavar="OUT.csv", help="what is granted, as run takes it: --practice-terms")
    command("models", "name the models that come with the library")
    add = command("backtest", "hold a projection against what was really paid")
    add("base", metavar="BASE.csv", help="payments file of the base year")
    add("actual", metavar="ACTUAL.csv", help="payments file of a later year")
    kinds = ("actual", "projected")
    add("--lists", choices=kinds, default="actual", help="of the later year [actual]")
    add("--model", metavar="MODEL", help="a model's name or path [the national rules]")
    return parser


def option_problems(args: argparse.Namespace) -> Iterator[Problem]:
    """What is wrong with the options of a command that projects."""
    if args.months is not None and not 1 <= args.months <= LONGEST:
        yield Problem("--months", f"found {args.months}", f"from 1 to {LONGEST}")
    if args.start is not None and first_of_month(args.start) is None:
        yield Problem("--start", f"found {args.start!r}", "a month such as 2017-04")
    if args.one_pool and args.hubs is not None:
        yield Problem("--one-pool", "there are --hubs too", "add up by hub, or over all of them")
    if args.fiscal_year is not None and args.practices is None:
        mend = "give the file with --practices"
        yield Problem("--fiscal-year", "there is no file that it is the year of", mend)
    terms = [word.partition("=")[0].strip() for word in args.set]
    for n, word in enumerate(args.set):
        if "=" not in word or not terms[n]:
            found = f"{word!r} does not set a term"
            yield Problem("--set", found, "write it as list_growth=0.01")
        elif terms[n] in terms[:n]:
            yield Problem("--set", f"{terms[n]} is set twice", "set it once")
    if args.command in ("simulate", "totals"):
        from capitation.side_by_side import wrong_threads  # loads NumPy

        yield from wrong_threads(args.threads, "--threads")
    if args.command == "simulate":
        yield from _simulation_problems(args)
    if args.command == "appraise":
        yield from _appraisal_problems(args)


def _simulation_problems(args: argparse.Namespace) -> Iterator[Problem]:
    for option, found, least, most in (
        ("--draws", args.draws, 2, MOST_DRAWS),
        ("--seed", args.seed, 0, MOST_SEED),
    ):
        if found is not None and not least <= found <= most:
            yield Problem(option, f"found {found}", f"from {least} to {most:,}")


def _appraisal_problems(args: argparse.Namespace) -> Iterator[Problem]:
    if args.before == args.after:
        mend = "name another scenario to set against it"
        yield Problem("--after", f"{args.after!r} is what --before names", mend)
    for option, year in (
        ("--price-year", args.price_year),
        ("--discount-from", args.discount_from),
    ):
        if year is not None and not _is_fiscal_year(year):
            yield Problem(option, f"found {year!r}", "a fiscal year such as 2015/16")
    if args.threshold is not None and not 0 <= args.threshold <= MOST_THRESHOLD:
        yield Problem("--threshold", f"found {args.threshold:g}", f"from 0 to {MOST_THRESHOLD:,}")


def _is_fiscal_year(text: str) -> bool:
    """Whether a text is a fiscal year, written as 2015/16."""
    from capitation.engine.calendar import months_of

    try:
        months_of(text)
    except ValueError:
        return False
    return True


def first_of_month(text: str) -> dt.date | None:
    """The first day of a month written as 2017-04, or None."""
    try:
        return dt.date.fromisoformat(f"{text}-01")
    except ValueError:
        return None
