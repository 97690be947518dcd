"""The command line: what each command says, its exit status, and what it refuses."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import openpyxl
import pytest

import capitation as cap
from capitation.cli import main
from capitation.model_file import models_folder

BOLTON = "bolton-quality-contract"
THAMES_VALLEY = "thames-valley-pms"
NATIONAL = "national-practice-income"
HEAVY = ("numpy", "pandas", "xarray", "numba", "openpyxl", "dask")

HEADINGS = {
    "practice": "Practice Code",
    "practice_name": "Practice Name",
    "commissioner": "CCG Code",
    "contract_type": "Contract Type",
    "registered_list": "Number of Registered Patients (Last Known Figure)",
    "weighted_list": "Number of Weighted Patients (Last Known Figure)",
    "global_sum": "Global Sum",
    "correction_factor": "MPIG Correction factor",
    "pms_expenditure": "Balance of PMS Expenditure",
    "seniority": "Seniority",
    "qof": "Total QOF Payments",
    "premises": "Premises Payments",
    "local_schemes": "Total Local Enhanced Services",
    "other_payments": "Other Payments",
    "total_payments": "Total NHS Payments to General Practice",
}
PAID = ("global_sum", "correction_factor", "pms_expenditure", "seniority", "qof", "premises")


def practice(code: str = "A99001", commissioner: str = "00T", **changed: str) -> dict[str, str]:
    """Cells of a practice that adds up, by meaning."""
    cells = {
        "practice": code,
        "practice_name": "EXAMPLE SURGERY",
        "commissioner": commissioner,
        "contract_type": "GMS",
        "registered_list": "5000",
        "weighted_list": "4800",
        "global_sum": "340000",
        "correction_factor": "6000",
        "pms_expenditure": "-",
        "seniority": "9000",
        "qof": "60000",
        "premises": "50000",
        "local_schemes": "12000",
        "other_payments": "70000",
        "total_payments": "547000",
    }
    return cells | changed


def pms(code: str, commissioner: str) -> dict[str, str]:
    """A PMS practice with a premium."""
    return practice(
        code, commissioner, contract_type="PMS", global_sum="-", pms_expenditure="400000"
    ) | {"total_payments": "607000"}


def write(
    folder: Path,
    *rows: dict[str, str],
    name: str = "payments_2014_15.csv",
    without: str = "",
) -> Path:
    """Write rows, by meaning, as a small official file."""
    names = [name for name in HEADINGS if name != without]
    path = folder / name
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([HEADINGS[name] for name in names])
        writer.writerows([row[name] for name in names] for row in rows)
    return path


def edited(folder: Path, old: str, new: str, of: str = BOLTON) -> Path:
    """A shipped model with one thing changed."""
    text = (models_folder() / f"{of}.toml").read_text("utf-8")
    assert old in text
    path = folder / "mine.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def unwritten(result: object, path: Path, checks_failed: int = 0) -> SimpleNamespace:
    """What `write_workbook` gives back, without a workbook."""
    return SimpleNamespace(path=path, formulas=100, checks=12, checks_failed=checks_failed)


def words(argv: tuple[object, ...]) -> list[str]:
    return [str(word) for word in argv]


def run_python(code: str, *argv: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *argv],
        capture_output=True,
        env=os.environ | environment,
        timeout=60,
    )


@pytest.fixture
def said(capsys) -> Callable[..., str]:
    """Run a command that succeeds, and give its stdout."""

    def run(*argv: object, note: str = "") -> str:
        assert main(words(argv)) == 0
        out, err = capsys.readouterr()
        assert err == note
        return out

    return run


@pytest.fixture
def refused(capsys, tmp_path) -> Callable[..., str]:
    """Run a command whose input is wrong, and give what it says.

    Nothing reaches stdout, and the folder is as it was to the last byte: no output, nothing
    temporary, and the workbook of an earlier run untouched. Only a run says that it wrote nothing.
    """

    def files() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def run(*argv: object) -> str:
        (tmp_path / "earlier.xlsx").write_bytes(b"an earlier workbook")
        before = files()
        assert main(words(argv)) == 2
        assert files() == before
        out, err = capsys.readouterr()
        assert out == ""
        *problems, last = err.splitlines()
        count = len(problems)
        nothing = " Nothing was written." if argv[0] == "run" else ""
        assert last == f"{count} problem{'' if count == 1 else 's'}.{nothing}"
        return "\n".join(problems)

    return run


@pytest.fixture
def run_refused(refused, tmp_path) -> Callable[..., str]:
    """The same for `capitation run`, over a workbook that is there."""

    def run(model: object, *argv: object) -> str:
        return refused("run", model, "--output", tmp_path / "earlier.xlsx", *argv)

    return run


# Starting up ------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", ["--help", "--version", "models", "run --help"])
def test_what_needs_no_figures_loads_nothing_heavy(asked):
    code = (
        "import sys; from capitation.cli import main; status = main(sys.argv[1:]); "
        f"print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr); "
        "sys.exit(status)"
    )
    done = run_python(code, *asked.split())
    assert (done.returncode, done.stderr.decode().strip()) == (0, "[]")
    assert done.stdout


def test_a_small_run_loads_neither_numba_nor_dask_and_writes_utf_8(tmp_path):
    code = (
        "import sys; from capitation.cli import main; status = main(sys.argv[1:]); "
        "assert 'numba' not in sys.modules and 'dask' not in sys.modules; sys.exit(status)"
    )
    argv = ("run", BOLTON, "--months", "2", "--output", str(tmp_path / "é.xlsx"))
    done = run_python(code, *argv, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, b"")
    assert "April 2015 – May 2015" in done.stdout.decode("utf-8")


def test_as_a_module():
    command = [sys.executable, "-m", "capitation"]
    version = subprocess.run([*command, "--version"], capture_output=True, text=True)
    assert (version.returncode, version.stdout) == (0, f"capitation {cap.__version__}\n")
    nothing = subprocess.run(command, capture_output=True, text=True)
    assert (nothing.returncode, nothing.stdout) == (2, "")
    assert nothing.stderr.startswith("usage: capitation")


@pytest.mark.skipif(os.name != "posix", reason="a pipe of this kind")
def test_a_reader_that_goes_away():
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "capitation", "models"], stdout=writing, stderr=subprocess.PIPE
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ("", "usage: capitation"),
        ("rum", "invalid choice: 'rum'"),
        (f"run {BOLTON}", "required: --output"),
        ("run --output x.xlsx", "required: MODEL"),
        (f"run {BOLTON} --output x.xlsx --months two", "invalid int value: 'two'"),
        (f"run {BOLTON} --out x.xlsx", "required: --output"),
        (f"run {BOLTON} --output x.xlsx --year 2015", "unrecognized arguments: --year 2015"),
        ("models more", "unrecognized arguments: more"),
        (f"explain {BOLTON} global_sum practice=EX001 --scenario", "unrecognized arguments"),
        ("backtest a.csv b.csv --lists real", "invalid choice: 'real'"),
    ],
)
def test_words_that_are_no_command(argv, message, capsys):
    assert main(argv.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err


# Models and run ---------------------------------------------------------------------------------


def test_models(said):
    names = [line.split()[0] for line in said("models").splitlines()]
    assert {BOLTON, THAMES_VALLEY, NATIONAL} <= set(names)
    assert "Bolton Quality Contract" in said("models")
    assert json.loads(said("models", "--json")) == cap.models()


def test_run_the_example(said, tmp_path):
    path = tmp_path / "example.xlsx"
    out = said("run", BOLTON, "--months", "12", "--output", path)
    assert "synthetic example" in out
    for line in (
        r"Bolton Quality Contract",
        r"Practices +50",
        r"Commissioners +1: EXAMPLE",
        r"Months +12: April 2015 – March 2016",
        r"Scenarios +2: core-and-local-schemes, other-payments-counted",
        r"Total payments +core-and-local-schemes +other-payments-counted",
        r"2014/15, as paid( +£\d\d,\d\d\d,\d\d\d\.\d\d)\1",
        r"2015/16( +£\d\d,\d\d\d,\d\d\d\.\d\d){2}",
        r"Formulas +\d+,\d+",
        r"Checks +(\d+) of \1 OK",
        rf"Workbook +{re.escape(str(path))}",
    ):
        assert re.search(f"^{line}$", out, re.MULTILINE), line
    assert [file.name for file in tmp_path.iterdir()] == ["example.xlsx"]
    assert openpyxl.load_workbook(path, read_only=True).sheetnames


def test_run_as_json(said, tmp_path):
    path = tmp_path / "example.xlsx"
    found = json.loads(said("run", BOLTON, "--months", "13", "--output", path, "--json"))
    result = cap.project(BOLTON, cap.example_practices(), months=13)
    scenarios, streams = found["scenarios"], json.loads(result.attrs["streams"])
    assert scenarios == list(result["scenario"].values)
    assert (found["model"], found["output"], found["practices"]) == (BOLTON, str(path), 50)
    assert (found["commissioners"], found["months"], found["start"]) == (["EXAMPLE"], 13, "2015-04")
    assert found["input"] == {
        "source": "synthetic example, seed 2015",
        "fiscal_year": "2014/15",
        "sha256": None,
    }
    paid = float(cap.example_practices()["total_payments"].sum())
    assert found["base_year_total"] == pytest.approx(paid, abs=0.0051)
    # Half a penny for each sum that is rounded.
    for scenario, year in product(scenarios, ("2015/16", "2016/17")):
        in_year = result.sel(scenario=scenario, month=result["fiscal_year"] == year)
        total = found["total_payments"][scenario][year]
        assert total == pytest.approx(float(in_year["total_payments"].sum()), abs=0.0051)
        parts = found["streams"][scenario]
        assert list(parts) == streams
        assert sum(part[year] for part in parts.values()) == pytest.approx(total, abs=0.0551)
        assert all(round(part[year], 2) == part[year] for part in parts.values())
    base, wide = (found["streams"][scenario] for scenario in scenarios)
    assert base["global_sum"] == wide["global_sum"]
    assert base["guarantee_payment"] != wide["guarantee_payment"]
    with zipfile.ZipFile(path) as book:
        sheets = [book.read(name) for name in book.namelist() if "worksheets/" in name]
    assert sum(sheet.count(b"<f>") for sheet in sheets) == found["formulas"] > 10_000
    assert openpyxl.load_workbook(path, read_only=True).sheetnames
    assert found["checks"]["total"] > 0
    assert found["checks"]["failed"] == 0


def test_scenarios_and_commissioners_take_several_and_repeat(said, tmp_path):
    file = write(tmp_path, *(pms(f"A9900{n}", f"0{n}X") for n in range(1, 5)))
    argv = ["--practices", file, "--months", "1", "--output", tmp_path / "o.xlsx", "--json"]
    some = ["--commissioner", "01X", "02X", "--commissioner", "04X"]
    found = json.loads(said("run", THAMES_VALLEY, *argv, *some))
    assert found["commissioners"] == ["01X", "02X", "04X"]
    assert found["scenarios"] == ["april-2016", "april-2015"]
    assert found["input"]["source"] == "payments_2014_15.csv"
    assert len(found["input"]["sha256"]) == 64
    one = ["--scenario", "april-2015", "--commissioner", "03X"]
    assert json.loads(said("run", THAMES_VALLEY, *argv, *one))["scenarios"] == ["april-2015"]
    both = ["--scenario", "april-2015", "--scenario", "april-2016", "--commissioner", "03X"]
    found = json.loads(said("run", THAMES_VALLEY, *argv, *both))
    assert found["scenarios"] == ["april-2015", "april-2016"]


def test_a_model_chooses_its_own_commissioners(said, refused, tmp_path):
    file = write(tmp_path, pms("A99001", "10G"), pms("A99002", "00K"), pms("A99003", "11D"))
    argv = ("--practices", file, "--months", "1", "--output", tmp_path / "o.xlsx", "--json")
    absent = "10H, 10M, 10N, 10Q, 10T, 10W, 10Y, 11C"
    note = f"note: {file.name} has no practice of {absent}, which {THAMES_VALLEY} names\n"
    assert json.loads(said("run", THAMES_VALLEY, *argv, note=note))["commissioners"] == [
        "10G",
        "11D",
    ]
    everyone = json.loads(said("run", NATIONAL, *argv))
    assert everyone["commissioners"] == ["00K", "10G", "11D"]
    (tmp_path / "o.xlsx").unlink()
    found = refused("run", BOLTON, *argv)
    assert found == (
        f"{file.name}: no practice of the commissioners that {BOLTON} names: 00T "
        "(choose others with --commissioner; did you mean '00K'?)"
    )


def test_a_figure_that_depends_on_the_month_alone_counts_for_every_practice(
    said, tmp_path, monkeypatch
):
    rules = (
        "from capitation import rule\n\n\n"
        '@rule(unit="GBP/month", assumption="Every practice has the same.")\n'
        "def flat_payment(payment_a_month):\n"
        '    """A payment that is the same for all."""\n'
        "    return payment_a_month\n"
    )
    (tmp_path / "mine.py").write_text(rules, encoding="utf-8")
    model = edited(tmp_path, '"lists",', '"lists", "mine.py",', NATIONAL)
    text = model.read_text("utf-8").replace("streams = [", 'streams = [\n  "flat_payment",')
    term = (
        '\n[term.payment_a_month]\ntitle = "Payment"\nunit = "GBP/month"\n'
        'values = [{ from = 2015-04-01, value = 100.5, assumption = "For this test." }]\n'
    )
    model.write_text(text + term, encoding="utf-8")
    monkeypatch.setattr(cap, "write_workbook", unwritten)
    argv = ("--months", "12", "--output", tmp_path / "o.xlsx", "--json")
    (streams,) = json.loads(said("run", model, *argv))["streams"].values()
    assert streams["flat_payment"] == {"2015/16": 100.5 * 12 * 50}


def test_a_model_that_reads_no_total_tells_none_of_the_base_year(said, tmp_path, monkeypatch):
    project = cap.project

    def without(*asked: object) -> object:
        return project(*asked).drop_vars("base_total_payments")

    monkeypatch.setattr(cap, "project", without)
    monkeypatch.setattr(cap, "write_workbook", unwritten)
    argv = ("run", NATIONAL, "--months", "1", "--output", tmp_path / "o.xlsx")
    assert "as paid" not in said(*argv)
    assert json.loads(said(*argv, "--json"))["base_year_total"] is None


def test_what_a_result_notes_is_told(said, tmp_path, monkeypatch):
    project, notes = cap.project, ["One.", "Two:\nthree."]

    def noted(*asked: object, **named: object) -> object:
        return project(*asked, **named).assign_attrs(notes=json.dumps(notes))

    monkeypatch.setattr(cap, "project", noted)
    monkeypatch.setattr(cap, "write_workbook", unwritten)
    run = ("run", NATIONAL, "--months", "1", "--output", tmp_path / "o.xlsx")
    explain = ("explain", NATIONAL, "qof", "practice=EX001", "month=2015-04")
    for argv in (run, explain):
        told = "note: One.\nnote: Two: three.\n"
        assert "three" not in said(*argv, note=told)
        assert json.loads(said(*argv, "--json", note=told))["notes"] == notes


# Explain ----------------------------------------------------------------------------------------


def test_explain_in_words_and_as_json(said):
    argv = (
        ["practice=EX001", "month=2015-06", "scenario=other-payments-counted"],
        ["--json", "month=2015-06", "--months", "3", "practice=EX001", "scenario=april"],
    )
    result = cap.project(BOLTON, cap.example_practices(), months=3)
    labels = {"practice": "EX001", "month": "2015-06", "scenario": "other-payments-counted"}
    told = cap.explain(result, "guarantee_payment", **labels)
    assert said("explain", BOLTON, "guarantee_payment", *argv[0], "--months", "3") == f"{told}\n"
    last = [word.replace("april", "other-payments-counted") for word in argv[1]]
    found = json.loads(said("explain", BOLTON, "guarantee_payment", *last))
    assert found == told.as_dict() | {"notes": []}


@pytest.mark.parametrize(
    "argv",
    [
        "explain {m} {v} month=2015-05 practice=EX001 --months 2 --commissioner EXAMPLE",
        "explain {m} {v} practice=EX001 --months 2 --commissioner EXAMPLE month=2015-05",
        "explain --months 2 {m} {v} --commissioner EXAMPLE practice=EX001 month=2015-05",
        "explain {m} --months 2 --commissioner EXAMPLE --json {v} practice=EX001 month=2015-05",
        "--debug explain {m} {v} practice=EX001 --months 2 month=2015-05 --debug --json",
    ],
)
def test_labels_stand_anywhere(argv, said):
    out = said(*argv.format(m=BOLTON, v="weighted_list").split())
    assert re.search(r"EX001, May 2015", out)


def test_explain_goes_as_far_as_the_month_asked_about(said, refused):
    argv = ("explain", BOLTON, "global_sum", "practice=EX002")
    assert "EX002, March 2019" in said(*argv, "month=2019-03")
    assert "EX002, June 2021" in said(*argv, "month=2021-06")
    assert "[GBP/month]  EX002, March 2065" in said(*argv, "month=2065-03")
    assert "there is no month '2014-03'" in refused(*argv, "month=2014-03")
    assert "there is no month '9999-12'" in refused(*argv, "month=9999-12")
    assert "there is no month '2015-13'" in refused(*argv, "month=2015-13")
    assert "'2015-06'" in refused(*argv, "month=2015-06", "--months", "2")
    assert "'global_sum' needs a month (for example month=2015-04)" in refused(*argv)


def test_explain_takes_the_commissioner_of_the_practice(said, refused, tmp_path):
    rows = [pms("A99001", "10G"), pms("A99002", "00X"), pms("A99003", "00X")]
    file = write(tmp_path, *rows)
    asked = ("month=2017-05", "--practices", file, "--json")
    argv = ("explain", THAMES_VALLEY, "premium_reinvested", "practice=A99003", *asked)
    found = json.loads(said(*argv))
    there = cap.select_commissioners(cap.read_payments(file), ["00X"])
    result = cap.project(THAMES_VALLEY, there)
    told = cap.explain(result, "premium_reinvested", practice="A99003", month="2017-05")
    assert found == told.as_dict() | {"notes": json.loads(result.attrs["notes"])}
    assert found["value"] > 0
    total = ("explain", THAMES_VALLEY, "premium_released", "commissioner_code=00X", *asked)
    assert "00X" in json.loads(said(*total))["where"]
    assert f"{file.name}: there is no practice 'A9900'" in refused(
        "explain", THAMES_VALLEY, "qof", "practice=A9900", *asked
    )
    assert "there is no practice 'A99003'" in refused(*argv, "--commissioner", "10G")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ("global_sun practice=EX001 month=2015-04", "'global_sun' (did you mean 'global_sum'?)"),
        ("global_sum practise=EX001", "'practise' (did you mean 'practice'?)"),
        ("global_sum variable=qof", "there is no label 'variable'"),
        ("global_sum EX001", "EX001: is not a label (write it as practice=A81001)"),
        ("qof practice=EX001 practice=EX002", "practice is 'EX001' already"),
        ("qof practice=EX01 month=2015-04", "there is no practice 'EX01' (did you mean 'EX0"),
        ("qof practice=EX001 month=2015-04 scenario=other", "no scenario 'other'"),
        ("qof practice=EX001 month=2015-04 --months 0", "--months: found 0 (from 1 to 600)"),
    ],
)
def test_what_explain_refuses(argv, message, refused):
    assert message in refused("explain", BOLTON, *argv.split())


# Backtest ---------------------------------------------------------------------------------------


def two_years(
    folder: Path, before: list[dict[str, str]], after: list[dict[str, str]]
) -> list[Path]:
    return [
        write(folder, *before, name="payments_2014_15.csv"),
        write(folder, *after, name="payments_2016_17.csv"),
    ]


def test_backtest_in_words_and_as_json(said, tmp_path):
    kinds = list(product(("GMS", "PMS", "APMS", "-"), repeat=2))
    codes = [f"A990{n:02d}" for n in range(len(kinds))]
    paid = {"global_sum": "200000", "pms_expenditure": "140000"}
    before, after = (
        [practice(code, contract_type=kind, **paid) for code, kind in zip(codes, each, strict=True)]
        for each in zip(*kinds, strict=True)
    )
    files = two_years(tmp_path, before, after)
    report = cap.backtest(*files)
    assert json.loads(said("backtest", *files, "--json")) == report
    out = said("backtest", *files)
    assert "16 practices: payments_2014_15.csv projected to payments_2016_17.csv, actual" in out
    for key, name in (("model", "model"), ("persistence", "persistence:.*")):
        assert re.search(rf"^{name} +{report['wape'][key]:.1%}$", out, re.MULTILINE)
    for name in ("per capita", "price grown", "Bias", "Median error", "pms expenditure", "GMS→PMS"):
        assert re.search(rf"^{name}.* [+-]?\d+\.\d%$", out, re.MULTILINE), name
    assert out.endswith("\nand 4 more\n")
    assert sum("→" in line for line in out.splitlines()) < 12
    assert "_2016_17.csv, projected lists\n" in said("backtest", *files, "--lists", "projected")
    projected = json.loads(said("backtest", *files, "--lists", "projected", "--json"))
    assert projected == cap.backtest(*files, lists="projected")
    other = edited(tmp_path, "value = 0.0009", "value = 0.01", NATIONAL)
    argv = ("--lists", "projected", "--model", other, "--json")
    assert json.loads(said("backtest", *files, *argv))["bias"] > projected["bias"]


def test_what_backtest_refuses(refused, tmp_path):
    files = two_years(tmp_path, [practice("A99001")], [practice("A99002")])
    assert "no practice can be compared in both files" in refused("backtest", *files)
    assert "2014/15 is not after the base year" in refused("backtest", files[0], files[0])
    assert "gone_2016_17.csv" in refused("backtest", files[0], tmp_path / "gone_2016_17.csv")
    argv = ("backtest", *files, "--model", "national-practice-incom")
    assert "did you mean 'national-practice-income'?" in refused(*argv)


# Bad input --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("gdp_2014_15.csv", b"year,percent\n1956,1.02\n", "gdp_2014_15.csv: no column for: "),
        ("book_2014_15.csv", b"PK\x03\x04 and so on", "book_2014_15.csv: is a workbook"),
        ("none_2014_15.csv", b"", "none_2014_15.csv: is empty"),
        ("payments.csv", b"year\n1956\n", "payments.csv: the file's name does not say the fiscal"),
    ],
)
def test_a_wrong_file(name, content, message, run_refused, tmp_path):
    path = tmp_path / name
    path.write_bytes(content)
    assert message in run_refused(BOLTON, "--practices", path)


def test_a_file_that_is_not_there(run_refused, tmp_path):
    found = run_refused(BOLTON, "--practices", tmp_path / "gone_2014_15.csv")
    assert "gone_2014_15.csv: there is no such file" in found


def test_a_heading_that_is_missing(run_refused, tmp_path):
    file = write(tmp_path, practice(), without="seniority")
    found = run_refused(BOLTON, "--practices", file)
    assert f"{file.name}: no column for: Seniority (looked for " in found
    file = write(tmp_path, practice(), without="local_schemes", name="no_2014_15.csv")
    assert f"{file.name}" in run_refused(BOLTON, "--practices", file)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"weighted_list": "NaN"}, 'expected a number of patients, found "NaN"'),
        ({"weighted_list": "-5"}, "a list cannot be negative"),
        ({"qof": "lots"}, 'expected a number, found "lots"'),
        ({"total_payments": "1"}, "but the file's own sum is £1.00"),
        ({"practice": "A99001"}, "row 3: practice A99001 is in row 2 too (keep one of them)"),
    ],
)
def test_a_wrong_figure(changed, message, run_refused, tmp_path):
    file = write(tmp_path, practice("A99001"), practice("A99002") | changed)
    (found,) = run_refused(BOLTON, "--practices", file).splitlines()
    assert found.startswith(f"{file.name}, row 3")
    assert message in found


def test_every_problem_has_its_line(run_refused, tmp_path):
    rows = [practice(f"A9900{n}", registered_list="-1", qof="a\nb") for n in range(3)]
    found = run_refused(BOLTON, "--practices", write(tmp_path, *rows))
    assert [re.search(r"row \d", line)[0] for line in found.splitlines()].count("row 2") == 2
    assert "\x1b" not in run_refused("\x1b[31mbolton")


def test_a_model_that_is_not_there(run_refused, tmp_path):
    found = run_refused("bolton-quality-contracts")
    assert found.startswith("bolton-quality-contracts: no model of this name")
    assert f"did you mean '{BOLTON}'?" in found
    assert "mine.toml: there is no such file" in run_refused(tmp_path / "mine.toml")
    (tmp_path / "mine.toml").write_text("name = ", encoding="utf-8")
    assert "mine.toml: not readable as TOML" in run_refused(tmp_path / "mine.toml")


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        (
            '  "seniority",\n  "qof",\n  "as',
            '  "senority",\n  "qof",\n  "as',
            "rules",
            "'seniority'?",
        ),
        ('"pms_premium",\n  "apms', '"pms_premum",\n  "apms', "", "'pms_premium'?"),
        ("months = 48", "month = 48", "", "'months'?"),
        ('source = "pulse-bolton-95", as', 'source = "pulse-bolton", as', "term.", "bolton-95'?"),
        (
            ', assumption = "Counted: the core contract and local schemes. '
            'Which streams count is not published."',
            "",
            "term.share_of_other_payments_counted, from 2015-04-01",
            "a value with neither a source nor an assumption (cite a source",
        ),
    ],
)
def test_a_fault_in_a_model(old, new, place, message, run_refused, tmp_path):
    found = run_refused(edited(tmp_path, old, new))
    lines = [line for line in found.splitlines() if message in line]
    assert lines, found
    assert all(line.startswith("mine.toml") and place in line for line in lines)


def test_a_misspelt_term_is_missed_where_a_rule_reads_it(run_refused, tmp_path):
    found = run_refused(edited(tmp_path, "[term.monthly_list_growth]", "[term.monthly_list_grwth]"))
    assert re.search(r"lists\.py:\d+.*'monthly_list_growth'.*'monthly_list_grwth'\?", found)


def test_a_month_before_the_first_date_of_a_term(run_refused, tmp_path):
    later = edited(tmp_path, "{ from = 2015-04-01, value = 95", "{ from = 2016-04-01, value = 95")
    found = run_refused(later)
    place = "mine.toml, term.guaranteed_income_per_weighted_patient: "
    fault = "'guaranteed_income_per_weighted_patient' has no value for April 2015: it begins on 1"
    assert f"{place}{fault} April 2016" in found


def test_a_projection_that_starts_before_its_figures(run_refused):
    found = run_refused(BOLTON, "--start", "2013-04")
    assert "its figures are of 2014/15, and the projection starts in April 2013" in found


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ("--scenario other-payments", "'other-payments' (did you mean 'other-payments-counted'?)"),
        ("--commissioner 00T", "no practice of commissioner '00T' (known: 'EXAMPLE')"),
        ("--months 0", "--months: found 0 (from 1 to 600)"),
        ("--start April", "--start: found 'April' (a month such as 2017-04)"),
        ("--months 601", "--months: found 601 (from 1 to 600)"),
        ("--fiscal-year 2014/15", "--fiscal-year: there is no file that it is the year of"),
    ],
)
def test_a_wrong_option(argv, message, run_refused):
    assert message in run_refused(BOLTON, *argv.split())


def test_the_year_of_a_file(run_refused, said, tmp_path):
    file = write(tmp_path, practice(), name="payments.csv")
    argv = (BOLTON, "--practices", file, "--months", "1")
    assert "--fiscal-year 2014/15" in run_refused(*argv)
    assert "'2014' is not a year" in run_refused(*argv, "--fiscal-year", "2014")
    given = ("--fiscal-year", "2014/15", "--output", tmp_path / "o.xlsx", "--json")
    assert json.loads(said("run", *argv, *given))["input"]["fiscal_year"] == "2014/15"


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("o.xls", "is not the name of a workbook (end it in .xlsx)"),
        ("o", "is not the name of a workbook (end it in .xlsx)"),
        ("gone/o.xlsx", "its folder does not exist (make "),
        ("folder.xlsx", "is a folder"),
    ],
)
def test_an_output_that_cannot_be(output, message, refused, tmp_path):
    (tmp_path / "folder.xlsx").mkdir()
    found = refused("run", BOLTON, "--output", tmp_path / output, "--months", "0")
    assert message in found.splitlines()[0]
    assert len(found.splitlines()) == 2


def test_an_output_that_is_open_in_another_program(run_refused, monkeypatch):
    def locked(path: Path, target: object) -> None:
        raise PermissionError(13, "used by another process", str(path))

    monkeypatch.setattr(Path, "replace", locked)
    assert "earlier.xlsx is open in Excel, close it" in run_refused(NATIONAL, "--months", "1")


# Faults -----------------------------------------------------------------------------------------


def test_a_fault_of_ours(monkeypatch, capsys):
    def broken() -> None:
        raise ZeroDivisionError("two\nlines")

    monkeypatch.setattr(cap, "models", broken)
    assert main(["models"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        "capitation: unexpected fault: ZeroDivisionError: two lines; "
        "run again with --debug for the traceback\n"
    )
    for argv in (["--debug", "models"], ["models", "--debug"]):
        with pytest.raises(ZeroDivisionError):
            main(argv)


def test_a_user_who_stops_it(monkeypatch, capsys):
    def stopped() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cap, "models", stopped)
    assert main(["models"]) == 130
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_a_check_that_fails(as_json, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(cap, "write_workbook", partial(unwritten, checks_failed=1))
    path = tmp_path / "o.xlsx"
    assert main(["run", BOLTON, "--months", "1", "--output", str(path), *as_json]) == 3
    out, err = capsys.readouterr()
    assert err == f"1 of 12 checks failed; the workbook is written, and shows which: {path}\n"
    if as_json:
        assert json.loads(out)["checks"] == {"total": 12, "failed": 1}
    else:
        assert "11 of 12 OK" in out


# The published files ----------------------------------------------------------------------------


def test_bolton_in_the_published_file(said, reference_data, tmp_path):
    file, path = reference_data / "gp_payments_2014_15.csv", tmp_path / "bolton.xlsx"
    argv = ("--practices", file, "--commissioner", "00T", "--months", "12", "--output", path)
    found = json.loads(said("run", BOLTON, *argv, "--json"))
    assert (found["practices"], found["commissioners"]) == (50, ["00T"])
    assert found["checks"]["failed"] == 0
    assert openpyxl.load_workbook(path, read_only=True).sheetnames
    bolton = cap.select_commissioners(cap.read_payments(file), ["00T"])
    result = cap.project(BOLTON, bolton, months=12)
    assert found["input"]["sha256"] == bolton.attrs["sha256"]
    practice, month = "P82001", "2015-10"
    argv = (f"practice={practice}", f"month={month}", "--practices", file, "--json")
    told = json.loads(said("explain", BOLTON, "global_sum", *argv))
    paid = result["global_sum"].sel(practice=practice, month=f"{month}-01").item()
    assert told["value"] == paid > 0
    assert "76.51" in json.dumps(told)


def test_a_backtest_of_the_published_files(said, reference_data):
    files = [reference_data / f"gp_payments_{year}.csv" for year in ("2016_17", "2018_19")]
    report = json.loads(said("backtest", *files, "--json"))
    assert report["practices"] == 7058
    model = report["wape"].pop("model")
    assert set(report["wape"]) == {"persistence", "per_capita", "price_grown"}
    assert 0 < model < min(report["wape"].values())
    assert np.isclose(report["wape"]["persistence"], 0.156, atol=0.0005)
