"""The workbooks that come with the project are what its script makes, and make sense."""

from __future__ import annotations

import importlib.util
import zipfile
from pathlib import Path
from types import ModuleType

import openpyxl
import pytest

import capitation as cap

FOLDER = Path(__file__).parents[1] / "spreadsheets"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[ModuleType, Path]:
    """The script, and a folder in which it has made everything anew."""
    spec = importlib.util.spec_from_file_location("make", FOLDER / "make.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    folder = tmp_path_factory.mktemp("spreadsheets")
    script.make(folder)
    return script, folder


def parts(path: Path) -> dict[str, bytes]:
    """The parts of a workbook: how they are packed depends on the machine's zlib."""
    with zipfile.ZipFile(path) as package:
        return {name: package.read(name) for name in package.namelist()}


def test_every_workbook_is_what_the_script_makes(made):
    script, folder = made
    assert {path.name for path in FOLDER.glob("*.xlsx")} == set(script.WHAT)
    for name in script.WHAT:
        ours, anew = parts(FOLDER / name), parts(folder / name)
        differing = [part for part in {**ours, **anew} if ours.get(part) != anew.get(part)]
        assert differing == [], f"{name}: run python spreadsheets/make.py"


def test_the_readme_has_a_line_for_each(made):
    script, _ = made
    text = (FOLDER / "README.md").read_text("utf-8")
    for name in script.WHAT:
        assert f"`{name}`" in text
    for name in script.PICTURES:
        assert (FOLDER / "pictures" / name).is_file()
        assert f"`pictures/{name}`" in text


def test_the_example_is_verified():
    assert cap.verify_workbook(FOLDER / "example-budget.xlsx").ok


def test_all_checks_of_the_examples_hold():
    for name in ("example-budget.xlsx", "worked-example.xlsx"):
        book = openpyxl.load_workbook(FOLDER / name, data_only=True, read_only=True)
        assert book["Cover"]["B4"].value.startswith("All ")
        book.close()


def test_the_worked_example_is_worked_by_hand():
    """A practice's first month of the national rules, from figures that the workbook shows."""
    practice = cap.example_practices()
    gms = practice["contract_type"].values.tolist().index("GMS")
    figures = practice.isel(practice=gms)
    result = cap.project("national-practice-income", practice.isel(practice=[gms]), months=1)
    # £75.77 a weighted patient less 5.39%, a twelfth of it, on the list of 1 April
    weighted = float(figures["weighted_list"]) * 1.0009
    global_sum = round(weighted * 75.77 * (1 - 0.0539) / 12, 2)
    assert result["global_sum"].item() == pytest.approx(global_sum, abs=0.005)
