"""README's table of systems: every whole-population model stands in it, and its command runs."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import capitation as cap
from capitation.cli.options import arguments

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
TABLE = README[README.index("| system | what it models |") :].split("\n\n")[0].splitlines()[2:]
COMMANDS = [re.findall(r"`(capitation [^`]*)`", row)[-1] for row in TABLE]


def test_every_whole_population_model_stands_in_the_table():
    named = {shlex.split(command)[2] for command in COMMANDS}
    whole_population = {
        name
        for name in cap.models()
        if {"service_baseline", "community_baseline", "bid_price_of_year"}
        & {definition.name for definition in cap.load_model(name).definitions}
    }
    assert whole_population <= named
    assert named - whole_population == {"vanguard-programme", "sandwell-co-commissioning"}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_row_says_what_it_rests_on_and_its_command_is_one(command):
    row = next(row for row in TABLE if command in row)
    assert all(cell.strip() for cell in row.strip("|").split("|"))
    args = arguments(shlex.split(command)[1:])
    model = cap.load_model(args.model)
    assert set(args.scenario or ()) <= set(model.scenarios)
    rules = {definition.name for definition in model.definitions}
    assert set(getattr(args, "measure", None) or ()) <= rules
