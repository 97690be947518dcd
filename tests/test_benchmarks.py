"""Benchmarks run; what they measure is not for a unit test to judge."""

import importlib.util
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "benchmarks"


def test_compile_or_not_runs_and_checks_that_both_ways_agree(monkeypatch, capsys):
    spec = importlib.util.spec_from_file_location("compile_or_not", FOLDER / "compile_or_not.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "COPIES", (1, 2))
    monkeypatch.setattr(module, "REPEATS", 1)
    module.main()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:3]] == ["50", "100"]
    assert lines[-1] == "compiled from 12,000,000 evaluations on"
