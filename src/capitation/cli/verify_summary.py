"""The command ``verify``: its options, what it finds, and the words it is told in."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from capitation.cli.console import as_json

DOES = "run a workbook's rules again, and name each cell that was overtyped or differs"

AS_WRITTEN, NOT_AS_WRITTEN = 0, 3
"""Exit statuses: changed inputs alone are no fault, since they are there to be changed."""


def add_options(add: Callable[..., argparse.Action]) -> None:
    """Add the command's options by a parser's ``add_argument``."""
    add("workbook", metavar="OUT.xlsx", help="a workbook that capitation run has written")


def verify(args: argparse.Namespace) -> tuple[str, int]:
    """What the command has to say, and its exit status: 3 where something was overtyped."""
    from capitation.workbook.audit.verification import verify_workbook

    found = verify_workbook(args.workbook)
    said = as_json(found.as_dict()) if args.json else str(found)
    return said, AS_WRITTEN if found.ok else NOT_AS_WRITTEN
