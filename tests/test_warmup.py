"""`capitation warmup`: what it compiles, a large run finds."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest

from capitation import example_practices, load_model, project, project_totals
from capitation.cli import main, warmup_summary
from capitation.cli.commands import COMMANDS
from capitation.engine import compiling, kept_code

from .tiny_models import tiny_model

RULES = '''
from capitation.vocabulary import rule

@rule(unit="GBP/month", assumption="By hand.")
def paid(need, price):
    """What is paid."""
    return need * price
'''

NEED = """
[input.need]
unit = "patient"
title = "Patients in need"
least = 10
"""


@pytest.fixture
def anew(tmp_path, monkeypatch):
    """An empty folder of kernels; called, it makes a process that has loaded nothing."""
    monkeypatch.setenv("CAPITATION_CACHE", str(tmp_path / "kept"))
    monkeypatch.setattr(kept_code, "_TOLD", set())

    def forgotten() -> None:
        monkeypatch.setattr(compiling, "_MODULES", {})

    forgotten()
    return forgotten


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """A model of one rule, which asks for a figure that the example's practices do not have."""
    folder = tmp_path_factory.mktemp("model")
    terms = {"price": ("GBP/patient/month", 2)}
    changes = {"simulation": None, "scenarios": {"as-is": {}}, "streams": ["paid"], "more": NEED}
    tiny_model(folder, RULES, terms=terms, **changes)
    return folder / "tiny.toml"


def compiled_since() -> int:
    """How often Numba has compiled, of all that is loaded."""
    kernels = [module.kernel for module in compiling._MODULES.values() if "kernel" in vars(module)]
    return sum(sum(of.stats.cache_misses.values()) for of in kernels if hasattr(of, "stats"))


def test_what_was_warmed_up_is_not_compiled_again(anew, model, tmp_path, capsys):
    assert main(["warmup", str(model)]) == 0
    told = capsys.readouterr().out
    assert told.startswith("tiny  ")
    assert f"Kept in {tmp_path / 'kept'}: 0.1 MB" in told
    assert compiled_since() > 0
    anew()
    practices = example_practices().assign(need=("practice", [20.0] * 50, {"units": "patient"}))
    project(model, practices, compiled=True)
    project_totals(model, practices, compiled=True)
    assert compiled_since() == 0
    assert len(compiling._MODULES) > 0


def test_where_it_is_kept_is_said_without_compiling(anew, tmp_path, capsys):
    assert main(["warmup", "--where", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said == {"folder": str(tmp_path / "kept"), "bytes": 0, "seconds": {}}
    assert not (tmp_path / "kept").exists()


def test_cleared_nothing_is_compiled_but_what_is_named(anew, model, tmp_path, capsys):
    old = tmp_path / "kept" / "kernels-0.0.1-0123456789ab"
    old.mkdir(parents=True)
    (old / "kernel").write_bytes(bytes(10))
    assert main(["warmup", "--clear"]) == 0
    assert capsys.readouterr().out.endswith("kept: 0.0 MB\n")
    assert list((tmp_path / "kept").iterdir()) == []
    assert main(["warmup", "--clear", str(model), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert list(said["seconds"]) == ["tiny"]
    assert said["bytes"] > 1_000


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--all", "bolton-quality-contract"], "--all: there are models named too"),
        (["--where", "bolton-quality-contract"], "--where: compiles nothing"),
        (["bolton-quality-contrast"], "bolton-quality-contract"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_compiled(anew, capsys, words, said):
    assert main(["warmup", *words]) == 2
    assert said in capsys.readouterr().err
    assert compiling._MODULES == {}


def test_turned_off_there_is_nothing_to_warm_up(anew, monkeypatch, capsys):
    monkeypatch.setenv("CAPITATION_CACHE", "off")
    assert main(["warmup"]) == 2
    assert "CAPITATION_CACHE: nothing can be kept" in capsys.readouterr().err
    assert main(["warmup", "--where"]) == 0
    assert capsys.readouterr().out == "Kept nowhere: CAPITATION_CACHE is off\n"


def test_what_cannot_be_kept_is_not_compiled_for_nothing(
    anew, model, monkeypatch, tmp_path, capsys
):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CAPITATION_CACHE", str(tmp_path / "file" / "kept"))
    assert main(["warmup", str(model)]) == 2
    assert "Not a directory" in capsys.readouterr().err
    assert compiled_since() == 0


@pytest.mark.parametrize(
    ("name", "simulated", "expected"),
    [
        ("bolton-quality-contract", False, ["practices and months", "totals"]),
        ("bolton-quality-contract", True, ["practices and months", "totals", "draws"]),
        ("national-practice-income", True, ["practices and months", "totals"]),
    ],
)
def test_draws_are_compiled_where_they_are_asked_for_and_there_are_any(name, simulated, expected):
    runs = warmup_summary._runs(load_model(name), simulated)
    assert [words for words, _ in runs] == expected


def test_a_command_tells_a_warning_as_a_note(anew, monkeypatch, capsys):
    def not_kept(_):
        warnings.simplefilter("default")
        kept_code.tell_not_kept("the disk is full")
        return "", 0

    monkeypatch.setitem(COMMANDS, "models", not_kept)
    assert main(["models"]) == 0
    told = capsys.readouterr().err
    assert told.startswith("note: compiled kernels are not kept, so that each run compiles")
    assert "the disk is full" in told
    assert len(told.splitlines()) == 1
