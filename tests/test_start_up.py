"""What is imported when: slow libraries are fetched only where they are used."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import capitation

COMPILER = ("numba", "llvmlite")
OPTIONAL = ("dask", "distributed", "pyarrow", "scipy", "zarr")
SLOW = (*COMPILER, *OPTIONAL, "numpy", "pandas", "xarray", "openpyxl")

SMALL_RUN = """
import capitation
practices = capitation.example_practices()
assert practices.sizes["practice"] == 50
result = capitation.project({model!r}, practices, months={months}, compiled={compiled})
assert float(result["total_payments"].sum()) > 0
"""


COMMAND = """
from capitation.cli import main
try:
    status = main({words!r})
except SystemExit as ended:
    status = ended.code
assert not status
"""

OUT_OF_REACH = """
import sys
for name in {names!r}:
    sys.modules[name] = None
"""
"""As if they were not installed: where they are, xarray and pandas load some of them themselves."""


def loaded_by(program: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded once it has run a program."""
    ending = "\nimport json, sys\nprint(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program + ending],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_import_loads_nothing_slow():
    assert loaded_by("import capitation") & set(SLOW) == set()


def test_naming_what_there_is_loads_nothing_slow():
    program = "import capitation\ndir(capitation)\ncapitation.InputError\ncapitation.__version__"
    assert loaded_by(program) & set(SLOW) == set()


def test_writing_rules_loads_nothing_slow():
    program = (
        "from capitation.vocabulary import constant, round_to_pence, rule, total\n"
        "import capitation.rules.global_sum, capitation.rules.reinvestment\n"
        "round_to_pence(1.005)\n"
    )
    assert loaded_by(program) & set(SLOW) == set()


def test_reading_a_model_loads_nothing_slow():
    program = "import capitation\nfor name in capitation.models(): capitation.load_model(name)"
    assert loaded_by(program) & set(SLOW) == set()


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["models"]])
def test_a_command_that_computes_nothing_loads_nothing_slow(words):
    assert loaded_by(COMMAND.format(words=words)) & set(SLOW) == set()


def without(names: tuple[str, ...], program: str) -> str:
    return OUT_OF_REACH.format(names=names) + program


@pytest.mark.parametrize("model", ["bolton-quality-contract", "thames-valley-pms"])
def test_a_small_projection_needs_no_compiler_and_nothing_optional(model):
    program = SMALL_RUN.format(model=model, months=48, compiled=None)
    assert "xarray" in loaded_by(without((*COMPILER, *OPTIONAL, "openpyxl"), program))


def test_a_small_run_written_as_a_workbook_needs_no_compiler_and_nothing_optional(tmp_path):
    """Fifty practices, from a cold start."""
    book = tmp_path / "budget.xlsx"
    model = "national-practice-income"
    words = ["run", model, "--months", "12", "--no-sensitivity", "--output", str(book)]
    assert "openpyxl" in loaded_by(without((*COMPILER, *OPTIONAL), COMMAND.format(words=words)))
    assert book.exists()


def test_a_compiled_projection_does_load_the_compiler():
    """Else the tests above would see nothing whatever was loaded."""
    program = """
import capitation
practices = capitation.example_practices()
capitation.project(
    "national-practice-income", practices, months=1, variables=["local_schemes"], compiled=True
)
"""
    assert "numba" in loaded_by(program)


def test_every_name_that_the_library_offers_is_there():
    for name in capitation.__all__:
        assert getattr(capitation, name) is not None
    assert set(capitation.__all__) <= set(dir(capitation))


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'capitation' has no attribute 'projct'"):
        capitation.projct  # noqa: B018
