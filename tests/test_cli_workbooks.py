"""A new user's path: template, edit, check, run, explain, compare, verify; and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import openpyxl
import pytest

import capitation as cap
from capitation.cli import main

MODEL = "unplanned-admissions-enhanced-service"
"""A small model: the whole path takes seconds."""


def command(capsys, *words: str | Path) -> tuple[int, str, str]:
    """Exit status of a command, and what it said."""
    status = main([str(word) for word in words])
    said = capsys.readouterr()
    return status, said.out, said.err


def edited(path: Path, to: Path, **cells: object) -> Path:
    """A copy of an input workbook with cells typed anew, by ``Sheet__A1``."""
    book = openpyxl.load_workbook(path)
    for place, value in cells.items():
        sheet, _, cell = place.partition("__")
        book[sheet][cell] = value
    book.save(to)
    return to


def cell_of(path: Path, sheet: str, code: str, heading: str) -> str:
    """The cell of a practice, or of a term, under a heading."""
    page = openpyxl.load_workbook(path)[sheet]
    for heads in page.iter_rows(min_row=1, max_row=20):
        names = [cell.value for cell in heads]
        if heading in names and {"practice", "Term"} & set(names):
            column = heads[names.index(heading)].column_letter
            row = next(r[0].row for r in page.iter_rows(min_row=heads[0].row) if r[0].value == code)
            return f"{column}{row}"
    raise AssertionError(f"no {heading} on {sheet}")


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("template") / "my-budget.xlsx"
    assert main(["template", str(path), "--model", MODEL, "--practices", "3"]) == 0
    return path


@pytest.fixture(scope="module")
def budget(template, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("budget") / "budget.xlsx"
    assert main(["run", str(template), "--output", str(path)]) == 0
    return path


def test_the_template_runs_as_it_is(template, budget):
    book = openpyxl.load_workbook(budget, read_only=True)
    assert book.sheetnames[0] == "Cover"
    assert "Run record" in book.sheetnames


def test_the_template_is_checked(template, capsys):
    status, out, err = command(capsys, "check", template)
    assert (status, err) == (0, "")
    assert MODEL in out


def test_an_edited_cell_is_what_the_library_computes(template, tmp_path, capsys):
    cell = cell_of(template, "Practices", "EX001", "registered_list")
    mine = edited(template, tmp_path / "mine.xlsx", **{f"Practices__{cell}": 9_000})
    read = cap.read_input_workbook(mine)
    assert read.practices["registered_list"].sel(practice="EX001").item() == 9_000
    status, out, _ = command(
        capsys, "run", mine, "--output", tmp_path / "out.xlsx", "--json", "--no-sensitivity"
    )
    assert status == 0
    paid = json.loads(out)["total_payments"]
    assert paid == json_totals(cap.project(read.model, read.practices))


def json_totals(result):
    from capitation.cli.run_summary import _by_year

    return _by_year(result, "total_payments")


def test_what_is_typed_wrong_is_told_with_its_cell_and_nothing_is_written(
    template, tmp_path, capsys
):
    lists = cell_of(template, "Practices", "EX001", "registered_list")
    wrong = edited(
        template,
        tmp_path / "wrong.xlsx",
        **{f"Practices__{lists}": "eight thousand", "Cover__B9": "no model"},
    )
    out = tmp_path / "out.xlsx"
    status, said, err = command(capsys, "run", wrong, "--output", out)
    assert (status, said) == (2, "")
    assert "wrong.xlsx, " in err
    assert "Nothing was written" in err
    assert not out.exists()
    errors = tmp_path / "errors.xlsx"
    status, _, err = command(capsys, "check", wrong, "--errors", errors)
    assert status == 2
    assert openpyxl.load_workbook(errors).sheetnames


def test_a_figure_is_explained_by_its_cell(budget, capsys):
    book = openpyxl.load_workbook(budget, data_only=True)["Summary"]
    cell = next(
        c.coordinate for row in book.iter_rows(min_row=5) for c in row if isinstance(c.value, float)
    )
    status, out, _ = command(capsys, "explain", budget, f"Summary!{cell}")
    assert status == 0
    assert f"Summary!{cell}" in out
    status, out, _ = command(capsys, "explain", budget, f"Summary!{cell}", "--json")
    assert json.loads(out)


def test_a_cell_takes_no_labels(budget, capsys):
    status, _, err = command(capsys, "explain", budget, "Summary!C8", "practice=EX001")
    assert status == 2
    assert "name a cell alone" in err


def test_a_workbook_as_written_is_verified(budget, capsys):
    status, out, err = command(capsys, "verify", budget)
    assert (status, err) == (0, ""), out


def test_an_overtyped_figure_is_named(budget, tmp_path, capsys):
    book = openpyxl.load_workbook(budget)
    cell = next(
        c
        for row in book["Summary"].iter_rows(min_row=5)
        for c in row
        if isinstance(c.value, str) and c.value.startswith("=")
    )
    cell.value = 123
    book.save(tmp_path / "overtyped.xlsx")
    status, out, _ = command(capsys, "verify", tmp_path / "overtyped.xlsx")
    assert status == 3
    assert f"Summary!{cell.coordinate}" in out


def test_two_workbooks_are_compared(template, budget, tmp_path, capsys):
    cell = cell_of(template, "Practices", "EX002", "registered_list")
    mine = edited(template, tmp_path / "mine.xlsx", **{f"Practices__{cell}": 12_345})
    assert command(capsys, "run", mine, "--output", tmp_path / "mine-out.xlsx")[0] == 0
    for pair in ((template, mine), (budget, tmp_path / "mine-out.xlsx")):
        status, out, _ = command(capsys, "compare", *pair)
        assert status == 0
        assert "figures" in out
        status, out, _ = command(capsys, "compare", *pair, "--json")
        assert json.loads(out)


def test_other_outputs(template, tmp_path, capsys):
    names = {
        "tables": "tables.xlsx",
        "html": "page.html",
        "parquet": "data.parquet",
        "netcdf": "result.nc",
    }
    options = [word for key, name in names.items() for word in (f"--{key}", tmp_path / name)]
    status, out, _ = command(
        capsys, "run", template, "--output", tmp_path / "out.xlsx", *options, "--json"
    )
    assert status == 0
    assert json.loads(out)["others"] == {k: str(tmp_path / n) for k, n in names.items()}
    assert all((tmp_path / name).stat().st_size > 1_000 for name in names.values())


def test_two_outputs_of_one_name_are_refused(template, tmp_path, capsys):
    out = tmp_path / "out.xlsx"
    status, _, err = command(capsys, "run", template, "--output", out, "--tables", out)
    assert status == 2
    assert "is what --output writes" in err
    assert not out.exists()


def test_no_output_is_written_over_what_is_read(template, tmp_path, capsys):
    before = template.read_bytes()
    out = tmp_path / "out.xlsx"
    around = template.parent / ".." / template.parent.name / template.name
    for words in (("--output", around), ("--output", out, "--tables", around)):
        status, said, err = command(capsys, "run", template, *words)
        assert (status, said) == (2, "")
        assert "is the input itself (name another file" in err
    assert template.read_bytes() == before
    assert not out.exists()


def test_two_outputs_of_one_name_written_otherwise_are_refused(template, tmp_path, capsys):
    words = ("--output", tmp_path / "o.xlsx", "--tables", tmp_path / "a" / ".." / "o.xlsx")
    (tmp_path / "a").mkdir()
    status, _, err = command(capsys, "run", template, *words)
    assert status == 2
    assert "is what --output writes" in err


@pytest.mark.parametrize(("option", "name"), [("parquet", "o.parquet"), ("netcdf", "o.nc")])
def test_a_package_that_is_missing_is_told_before_anything_is_written(
    option, name, template, tmp_path, capsys, monkeypatch
):
    out = tmp_path / "out.xlsx"
    monkeypatch.setattr("capitation.cli.run_outputs._is_installed", lambda _: False)
    status, _, err = command(
        capsys, "run", template, "--output", out, f"--{option}", tmp_path / name
    )
    assert status == 2
    assert f"is not installed (pip install 'capitation[{option}]')" in err
    assert not out.exists()


def test_a_target_that_is_open_elsewhere_is_told_before_any_work(
    template, tmp_path, capsys, monkeypatch
):
    out, tables = tmp_path / "out.xlsx", tmp_path / "tables.xlsx"
    tables.write_text("earlier")
    opened = Path.open

    def held(path: Path, mode: str = "r", *args, **more):
        if path == tables and mode == "r+b":
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, mode, *args, **more)

    monkeypatch.setattr(Path, "open", held)
    status, _, err = command(capsys, "run", template, "--output", out, "--tables", tables)
    assert status == 2
    assert "if tables.xlsx is open in Excel, close it and run again" in err
    assert tables.read_text() == "earlier"
    assert not out.exists()


def test_what_is_wrong_is_data_too(template, tmp_path, capsys):
    wrong = edited(template, tmp_path / "wrong.xlsx", Cover__B13=0)
    words = ("run", wrong, "--output", tmp_path / "out.xlsx", "--json")
    status, out, err = command(capsys, *words)
    assert status == 2
    (problem,) = json.loads(out)["problems"]
    assert (problem["sheet"], problem["cell"], problem["mend"]) == ("Cover", "B13", "from 1 to 600")
    assert "Cover!B13" in err


@pytest.mark.parametrize("name", ["in.ods", "in.xls"])
def test_a_workbook_of_another_kind_is_told_how_to_be_saved(name, tmp_path, capsys):
    path = tmp_path / name
    starts = {"in.ods": b"PK\x03\x04", "in.xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"}
    path.write_bytes(starts[name])
    for words in (("check", path), ("run", path, "--output", tmp_path / "out.xlsx")):
        status, _, err = command(capsys, *words)
        assert status == 2
        assert "Excel workbook (.xlsx)" in err


def test_a_budget_is_no_input(budget, tmp_path, capsys):
    for words in (("check", budget), ("run", budget, "--output", tmp_path / "out.xlsx")):
        status, _, err = command(capsys, *words)
        assert status == 2
        assert "is a budget that capitation has written, and no input workbook" in err


def test_one_budget_is_compared_with_another(budget, capsys):
    status, _, err = command(capsys, "compare", budget)
    assert status == 2
    assert f"name another: capitation compare {budget} OTHER.xlsx" in err


def test_an_input_workbook_has_no_cell_to_explain(template, capsys):
    status, _, err = command(capsys, "explain", template, "Summary!C8")
    assert status == 2
    assert f"capitation run {template} --output OUT.xlsx" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "payments.csv", "--output", "o.xlsx"), "name a model too"),
        (("run", "absent.xlsx", "--output", "o.xlsx"), "absent.xlsx"),
        (("verify", "absent.xlsx"), "absent.xlsx"),
        (("check", "absent.xlsx"), "absent.xlsx"),
        (("explain", "absent.xlsx", "Summary!C8"), "absent.xlsx"),
        (("compare", "absent.xlsx", "other.xlsx"), "other.xlsx"),
    ],
)
def test_a_file_that_is_not_there_is_told(words, said, capsys):
    status, out, err = command(capsys, *words)
    assert (status, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


def test_an_input_workbook_has_practices_of_its_own(template, tmp_path, capsys):
    words = ("run", template, "--practices", "a.csv", "--output", tmp_path / "o.xlsx")
    status, _, err = command(capsys, *words)
    assert status == 2
    assert "has practices of its own" in err


def test_sensitivity_and_seek(capsys):
    status, out, _ = command(capsys, "sensitivity", MODEL, "--json")
    assert status == 0
    assert json.loads(out)
