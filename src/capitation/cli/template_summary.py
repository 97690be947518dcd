"""The command ``template``: its options, what it writes, and the words it is told in."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from capitation.cli.console import as_json
from capitation.errors import Problem, raise_if_any

if TYPE_CHECKING:
    from capitation.workbook.template.content import TemplateContent

DOES = "write an input workbook to fill in: a contract's assumptions, scenarios and practices"

MODEL = "bolton-quality-contract"
"""The contract whose template is written if none is named."""


def add_options(add: Callable[..., argparse.Action]) -> None:
    """Add the command's options by a parser's ``add_argument``."""
    add("output", metavar="OUT.xlsx", help="the workbook to write")
    named = f"a model's name, or the path of a .toml file [{MODEL}]"
    add("--model", default=MODEL, metavar="MODEL", help=named)
    add("--blank", action="store_true", help="no practices, and an empty cover")
    add("--practices", type=int, metavar="N", help="only the first N invented practices [50]")
    add("--replace", action="store_true", help="write over an earlier file of that name")


def template(args: argparse.Namespace) -> tuple[str, int]:
    """What the command has to say, and its exit status."""
    from capitation.files import path_problems
    from capitation.workbook.template.book import save_template, template_content
    from capitation.workbook.template.content import check_blank

    path = Path(args.output)
    raise_if_any([*path_problems(path), *_filled_in(path, args.replace)])
    check_blank(args.blank, None, args.practices)
    content = template_content(path, args.model, blank=args.blank, count=args.practices)
    save_template(content, path)
    summary = summary_of(content, path)
    return as_json(summary) if args.json else words_of(summary), 0


def _filled_in(path: Path, replace: bool) -> Iterator[Problem]:
    """An earlier file of that name, in which figures may have been filled in."""
    if path.is_file() and not replace:
        mend = "choose another name; or add --replace, and what was filled in is lost"
        yield Problem(str(path), "is there already", mend)


def summary_of(content: TemplateContent, path: Path) -> dict[str, Any]:
    """What was written, as data.

    Parameters
    ----------
    content : TemplateContent
    path : Path

    Returns
    -------
    dict
    """
    model = content.model
    return {
        "output": str(path),
        "model": content.named,
        "title": model.title,
        "start": f"{model.start:%Y-%m}",
        "months": model.months,
        "practices": 0 if content.practices is None else len(content.practices),
        "terms": len(content.terms),
        "figures": content.figures,
        "scenarios": list(model.scenarios),
        "next": next_commands(path),
    }


def next_commands(path: Path) -> list[str]:
    """What to type next: check, and run."""
    output = path.with_name(f"{path.stem}-budget.xlsx")
    said, written = _as_typed(path), _as_typed(output)
    return [f"capitation check {said}", f"capitation run {said} --output {written}"]


def _as_typed(path: Path) -> str:
    """A path as a shell takes it.

    Examples
    --------
    >>> _as_typed(Path("my budget.xlsx"))
    '"my budget.xlsx"'
    """
    text = str(path)
    return f'"{text}"' if " " in text else text


def words_of(summary: dict[str, Any]) -> str:
    """What was written, and what to do next.

    Examples
    --------
    >>> from capitation.workbook.template.content import TemplateContent
    >>> path = Path("mine.xlsx")
    >>> content = TemplateContent("uniting-care", None, path.parent)
    >>> print(words_of(summary_of(content, path)))
    Input workbook written: mine.xlsx
    UnitingCare: older people's and community services, ...
    No practices yet; 30 figures of 29 terms, 5 scenarios, 60 months from April 2015
    <BLANKLINE>
    Change the yellow cells, save, and type:
      capitation check mine.xlsx
      capitation run mine.xlsx --output mine-budget.xlsx
    """
    import datetime as dt

    first = dt.date.fromisoformat(f"{summary['start']}-01")
    practices = summary["practices"]
    who = "No practices yet"
    if practices:
        who = f"{practices:,} invented practice{'s' if practices > 1 else ''}"
    scenarios = len(summary["scenarios"])
    what = (
        f"{who}; {summary['figures']:,} figures of {summary['terms']:,} terms, {scenarios} "
        f"scenario{'s' if scenarios > 1 else ''}, {summary['months']} months from {first:%B %Y}"
    )
    head = [f"Input workbook written: {summary['output']}", summary["title"], what]
    steps = ["Change the yellow cells, save, and type:", *(f"  {c}" for c in summary["next"])]
    return "\n".join([*head, "", *steps])
