"""One pool over several commissioners, if each of them has agreed to it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from capitation.cli import main

from .test_cli import pms, practice, write

MODEL = "thames-valley-pms"


def argv(folder: Path, *more: str) -> list[str]:
    file = write(folder, pms("A99001", "10G"), practice("A99002", "10H"), practice("A99003", "10G"))
    asked = ["appraise", MODEL, "--practices", str(file), "--months", "12", "--json"]
    scenarios = ["--before", "april-2016", "--after", "april-2015"]
    return [*asked, *scenarios, "--measure", "premium_reinvested", *more]


def test_a_pool_that_all_agree_to_reaches_the_others_practices(tmp_path, capsys):
    assert main(argv(tmp_path)) == 0
    apart = json.loads(capsys.readouterr().out)
    assert main(argv(tmp_path, "--one-pool", "10G", "10H")) == 0
    together = json.loads(capsys.readouterr().out)
    assert (apart["commissioners"], together["commissioners"]) == (["10G", "10H"], ["one pool"])
    gains = {of["practice"] for of in together["gains"]["largest_gains"]}
    assert "A99002" in gains
    assert "A99002" not in {of["practice"] for of in apart["gains"]["largest_gains"]}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--one-pool", "10G"), "commissioner 10H has not agreed to it"),
        (("--one-pool", "10G", "10H", "99Z"), "no practice of commissioner '99Z'"),
        (("--one-pool", "10G", "10H", "--hubs", "hubs.csv"), "there are --hubs too"),
    ],
)
def test_a_pool_is_refused_unless_all_agree(tmp_path, capsys, more, said):
    assert main(argv(tmp_path, *more)) == 2
    assert said in capsys.readouterr().err


def test_labels_may_follow_the_codes_of_a_pool(tmp_path, capsys):
    file = write(tmp_path, pms("A99001", "10G"), practice("A99002", "10H"))
    asked = ["explain", MODEL, "premium_reinvested", "--practices", str(file)]
    codes = ["--commissioner", "10G", "10H", "--one-pool", "10G", "10H"]
    labels = ["practice=A99002", "month=2016-05", "scenario=april-2015"]
    assert main([*asked, *codes, *labels]) == 0
    assert capsys.readouterr().out.startswith("premium_reinvested = £")
