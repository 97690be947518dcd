"""The command line: what each command says, its exit status, and what it refuses."""

from __future__ import annotations

import csv
import hashlib
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
import xarray as xr

import capitation as cap
from capitation.cli import main
from capitation.model_file import models_folder

BOLTON = "bolton-quality-contract"
THAMES_VALLEY = "thames-valley-pms"
NATIONAL = "national-practice-income"
SCENARIOS = ("core-and-local-schemes", "other-payments-counted", "indexed-guarantee")
"""Of the Bolton model."""

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


def unwritten(
    result: object, path: Path, checks_failed: int = 0, **_how: object
) -> SimpleNamespace:
    """What `write_workbook` gives back, without a workbook."""
    return SimpleNamespace(path=path, formulas=100, checks=12, checks_failed=checks_failed)


def simulated(codes: tuple[str, ...] = ("00T",), *, solved: bool = True) -> xr.Dataset:
    """A result as `simulate` gives it: two scenarios, four practices, one year."""
    scenarios, effects, quantiles = ["fixed", "indexed"], ["with", "without"], [0.05, 0.5, 0.95]
    shape = (2, 2, len(codes), 1)
    mean = 1e6 * (1 + np.arange(np.prod(shape), dtype=float)).reshape(shape)
    spread = np.array([-1e5, 0.0, 1e5])
    chance = np.zeros((2, 2, 4, 1))
    chance[0, 0, :, 0], chance[0, 1, :, 0] = [0.1, 0.2, 0.4, 0.9], [0.3, 0.25, 0.2, 0.05]
    area = ("scenario", "effect", "commissioner_code", "year")
    one = ("scenario", "effect", "practice", "year")
    variables = {
        "commissioner_scheme_cost": ((*area, "quantile"), mean[..., np.newaxis] + spread),
        "commissioner_scheme_cost_mean": (area, mean),
        "commissioner_scheme_cost_standard_error": (area, mean / 1000),
        "probability_of_earning": (one, chance),
        "probability_of_earning_standard_error": (one, chance / 10),
        "registered_list": ("practice", [0.0, 5000.0, 3000.0, 20000.0]),
    }
    if solved:
        places = ("scenario", "commissioner_code")
        level = np.array([[0.042] * len(codes), [np.nan] * len(codes)])
        for end, less in (("", 0.0), ("_low", -0.01), ("_high", 0.01)):
            variables[f"break_even_reduction{end}"] = (places, level + less)
        cost = np.broadcast_to([1e6, 2e6], (2, len(codes), 2)).copy()
        variables["cost_by_reduction"] = ((*places, "reduction"), cost)
    coordinates = {
        "scenario": scenarios,
        "effect": effects,
        "commissioner_code": list(codes),
        "year": ["2015/16"],
        "practice": [f"P{n}" for n in range(4)],
        "quantile": quantiles,
    }
    return xr.Dataset(
        variables,
        coordinates | ({"reduction": [0.0, 0.3]} if solved else {}),
        {
            "title": "A contract",
            "model": BOLTON,
            "practices_title": "Some practices",
            "base_fiscal_year": "2014/15",
            "draws": 50,
            "seed": 7,
            "cost": "scheme_cost",
            "earned": "scheme_earned",
            "effect_term": "programme_reduction",
        },
    )


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
    """Run a command that succeeds, and give its stdout; what a result notes is on stderr."""

    def run(*argv: object, note: str | None = None) -> str:
        assert main(words(argv)) == 0
        out, err = capsys.readouterr()
        assert err == note if note else all(line.startswith("note: ") for line in err.splitlines())
        return out

    return run


@pytest.fixture
def refused(capsys, tmp_path) -> Callable[..., str]:
    """Run a command whose input is wrong, and give what it says.

    Nothing reaches stdout but the problems as JSON, if that was asked for; and the folder is as it
    was to the last byte: no output, nothing temporary, and the workbook of an earlier run
    untouched. Only what writes says that it wrote nothing.
    """

    def files() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def run(*argv: object) -> str:
        (tmp_path / "earlier.xlsx").write_bytes(b"an earlier workbook")
        before = files()
        assert main(words(argv)) == 2
        assert files() == before
        out, err = capsys.readouterr()
        *problems, last = err.splitlines()
        count = len(problems)
        if "--json" in words(argv):
            assert len(json.loads(out)["problems"]) == count
        else:
            assert out == ""
        nothing = " Nothing was written." if argv[0] in ("run", "simulate") else ""
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
        "import sys; from capitation.cli import main; status = main(); "
        "assert not any(map(sys.modules.get, ('numba', 'dask'))); sys.exit(status)"
    )
    argv = ("run", BOLTON, "--months", "2", "--output", str(tmp_path / "é.xlsx"))
    done = run_python(code, *argv, PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert all(line.startswith(b"note: ") for line in done.stderr.splitlines())
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
        (f"run {BOLTON} --output x.xlsx --draws 5", "unrecognized arguments: --draws 5"),
        (f"simulate {BOLTON}", "required: --output"),
        (f"simulate {BOLTON} --output x.xlsx --draws 1e3", "invalid int value: '1e3'"),
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
        rf"Scenarios +3: {', '.join(SCENARIOS)}",
        rf"Total payments +{' +'.join(SCENARIOS)}",
        r"2014/15, as paid +(£\d\d,\d\d\d,\d\d\d\.\d\d)( +\1){2}",
        r"2015/16( +£\d\d,\d\d\d,\d\d\d\.\d\d){3}",
        r"Formulas +\d+,\d+",
        r"Checks +(\d+) of \1 OK",
        rf"Workbook +{re.escape(str(path))}",
    ):
        assert re.search(f"^{line}$", out, re.MULTILINE), line
    assert [file.name for file in tmp_path.iterdir()] == ["example.xlsx"]
    assert openpyxl.load_workbook(path, read_only=True).sheetnames


def test_run_as_json(said, tmp_path):
    path = tmp_path / "example.xlsx"
    argv = ("--months", "13", "--output", path, "--json", "--no-sensitivity")
    found = json.loads(said("run", BOLTON, *argv))
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
    base, wide, *_ = (found["streams"][scenario] for scenario in scenarios)
    assert base["global_sum"] == wide["global_sum"]
    assert base["scheme_payment"] != wide["scheme_payment"]
    with zipfile.ZipFile(path) as book:
        sheets = [book.read(name) for name in book.namelist() if "worksheets/" in name]
    assert sum(sheet.count(b"<f>") for sheet in sheets) == found["formulas"] > 10_000
    assert openpyxl.load_workbook(path, read_only=True).sheetnames
    assert found["checks"]["total"] > 0
    assert found["checks"]["failed"] == 0


def test_scenarios_and_commissioners_take_several_and_repeat(said, tmp_path, monkeypatch):
    monkeypatch.setattr(cap, "write_workbook", unwritten)
    file = write(tmp_path, *(pms(f"A9900{n}", f"0{n}X") for n in range(1, 5)))
    argv = ["--practices", file, "--months", "1", "--output", tmp_path / "o.xlsx", "--json"]
    some = ["--commissioner", "01X", "02X", "--commissioner", "04X"]
    found = json.loads(said("run", THAMES_VALLEY, *argv, *some))
    assert found["commissioners"] == ["01X", "02X", "04X"]
    assert found["scenarios"] == list(cap.load_model(THAMES_VALLEY).scenarios)
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

    def without(*asked: object, **named: object) -> object:
        return project(*asked, **named).drop_vars("base_total_payments")

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
    told = cap.explain(result, "scheme_payment", **labels)
    assert said("explain", BOLTON, "scheme_payment", *argv[0], "--months", "3") == f"{told}\n"
    last = [word.replace("april", "other-payments-counted") for word in argv[1]]
    found = json.loads(said("explain", BOLTON, "scheme_payment", *last))
    assert found == told.as_dict() | {"notes": json.loads(result.attrs["notes"])}


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


# A team's own figures ---------------------------------------------------------------------------


def own(folder: Path, *lines: str, name: str = "own.csv") -> Path:
    path = folder / name
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def example_rows(value: object, *months: str) -> list[str]:
    codes = [f"EX{n:03d}" for n in range(1, 51)]
    keys = [f"{c},{m}" for c, m in product(codes, months)] if months else codes
    return [f"{key},{value}" for key in keys]


def test_inputs_given_values_and_terms_change_a_run(said, tmp_path, monkeypatch):
    seen = []

    def write(result: xr.Dataset, path: Path, **_how: object) -> SimpleNamespace:
        seen.append(result)
        return unwritten(result, path)

    monkeypatch.setattr(cap, "write_workbook", write)
    inputs = own(tmp_path, "practice,registered_list", *example_rows(4321), name="lists.csv")
    lines = ["practice,month,local_schemes", *example_rows(100, "2015-04", "2015-05")]
    changed = ("--inputs", inputs, "--given", own(tmp_path, *lines, name="paid.csv"))
    changed += ("--set", "monthly_list_growth=0.5", "--set", "global_sum_price = 1/3")
    argv = ("run", NATIONAL, "--months", "2", "--output", tmp_path / "o.xlsx")
    found = json.loads(said(*argv, *changed, "--json"))
    (result,) = seen
    assert (result["base_registered_list"] == 4321).all()
    assert (result["local_schemes"] == 100).all()
    assert (result["monthly_list_growth"] == 0.5).all()
    assert found["streams"]["base"]["local_schemes"] == {"2015/16": 50 * 2 * 100.0}
    assert found["set"] == {"monthly_list_growth": 0.5, "global_sum_price": 1 / 3}
    for key, name, names in (
        ("inputs", "lists.csv", ["registered_list"]),
        ("given", "paid.csv", ["local_schemes"]),
    ):
        assert (found[key]["source"], found[key]["names"]) == (name, names)
        assert len(found[key]["sha256"]) == 64
    assert found["input"]["source"] == "synthetic example, seed 2015"
    source = "synthetic example, seed 2015, with registered_list of lists.csv"
    assert result.attrs["practices_source"] == f"{source}, with local_schemes of paid.csv"
    plain = json.loads(said(*argv, "--json"))
    assert (plain["inputs"], plain["given"], plain["set"]) == (None, None, {})
    assert plain["total_payments"] != found["total_payments"]
    out = said(*argv, *changed)
    for line in (
        r"More inputs +registered_list \(lists\.csv\)",
        r"Known values +local_schemes \(paid\.csv\)",
        r"Set +monthly_list_growth = 0\.5, global_sum_price = 0\.333333",
    ):
        assert re.search(f"^{line}$", out, re.MULTILINE), line


def test_what_was_set_is_in_the_workbook(said, tmp_path):
    path = tmp_path / "o.xlsx"
    inputs = own(tmp_path, "practice,uplift_owed_at_start", *example_rows(17.25))
    argv = ("--set", "monthly_list_growth=0.0125", "--inputs", inputs, "--output", path)
    assert " OK\n" in said("run", NATIONAL, "--months", "1", *argv)
    book = openpyxl.load_workbook(path, read_only=True)
    cells = {cell for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row}
    assert {0.0125, 17.25} <= cells
    assert any("Set by the user (--set)" in str(cell) for cell in cells)
    assert any("uplift_owed_at_start of own.csv" in str(cell) for cell in cells)


def test_explain_with_figures_of_ones_own(said, tmp_path):
    inputs = own(tmp_path, "practice,registered_list", *example_rows(4000))
    argv = ("explain", NATIONAL, "registered_list", "practice=EX001", "month=2015-04")
    out = said(*argv, "--inputs", inputs, "--set", "monthly_list_growth=0.25")
    assert "registered_list = 5,000  [patient]" in out
    assert "Set by the user (--set)" in out
    assert "registered_list of own.csv" in out
    given = own(tmp_path, "practice,month,qof", *example_rows(5, "2015-04"), name="qof.csv")
    argv = ("explain", NATIONAL, "total_payments", "practice=EX002", "month=2015-04")
    out = said(*argv, "--given", given, "--months", "1")
    assert re.search(r"^ +qof = £5\.00 ", out, re.MULTILINE)


def test_figures_of_practices_that_were_not_chosen_are_left_out(said, refused, tmp_path):
    file = write(tmp_path, pms("A99001", "10G"), pms("A99002", "00X"), pms("A99003", "00X"))
    asked = ("--practices", file, "--months", "1", "--output", tmp_path / "o.xlsx", "--json")
    rows = [f"A9900{n},{n}000" for n in (3, 1, 2)]
    inputs = own(tmp_path, "practice,registered_list", *rows)
    for code, count in (("10G", 1), ("00X", 2)):
        argv = ("run", NATIONAL, *asked, "--commissioner", code, "--inputs", inputs)
        assert json.loads(said(*argv))["practices"] == count
    (tmp_path / "o.xlsx").unlink()
    short = own(tmp_path, "practice,registered_list", rows[0], "A99004,1")
    found = refused("run", NATIONAL, *asked, "--commissioner", "00X", "--inputs", short)
    assert found.splitlines() == [
        f"own.csv, row 3: {file.name} has no practice A99004 (did you mean 'A99003'?)",
        "own.csv: a practice has no row: A99002 "
        "(give registered_list of every practice, or choose fewer commissioners)",
    ]


def test_faults_of_both_files_are_told_together(run_refused, tmp_path):
    inputs = own(tmp_path, "practice,registred_list,qof", *example_rows("5,lots"), name="a.csv")
    given = own(tmp_path, "practice,month,qoff", *example_rows(5, "2015-04"), name="b.csv")
    lines = run_refused(NATIONAL, "--inputs", inputs, "--given", given).splitlines()
    for line in (
        "a.csv: 'registred_list' is no input of the model (did you mean 'registered_list'?)",
        "b.csv: 'qoff' is no rule by practice and month of the model (did you mean 'qof'?)",
        "b.csv: has one month, 2015-04, and the run has 48 months, 2015-04 – 2019-03 "
        "(they must be the same: --months 1)",
        "a.csv: and 31 more problems like these",
    ):
        assert line in lines


def test_an_input_that_no_rule_reads_is_refused(run_refused, tmp_path):
    for name in ("base_year_admissions", "base_registered_list", "gms_contract", "premises"):
        file = own(tmp_path, f"practice,{name}", *example_rows(1))
        assert f"own.csv: '{name}' is no input" in run_refused(NATIONAL, "--inputs", file)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ("--set growth", "--set: 'growth' does not set a term (write it as list_growth=0.01)"),
        ("--set =1", "--set: '=1' does not set a term"),
        ("--set a=1 --set a=2", "--set: a is set twice (set it once)"),
        ("--set monthly_list_grwth=1", "to set (did you mean 'monthly_list_growth'?)"),
        ("--set monthly_list_growth=5%", "expected a number or a fraction, found '5%'"),
        ("--set admission_price=5", "so that it changes nothing"),
        ("--inputs gone.csv", "gone.csv: there is no such file"),
        ("--given gone.csv", "gone.csv: there is no such file"),
    ],
)
def test_what_is_refused_of_ones_own_figures(argv, message, run_refused, refused):
    assert message in run_refused(NATIONAL, *argv.split())
    explain = ("explain", NATIONAL, "qof", "practice=EX001", "month=2015-04")
    assert message in refused(*explain, *argv.split())


# Hubs -------------------------------------------------------------------------------------------


def test_practices_are_added_up_by_hub(said, tmp_path):
    """Rows about practices of the payments file that are not asked for are left out."""
    rows = (pms("A99001", "10G"), pms("A99002", "00X"), pms("A99003", "00X"), pms("A99004", "00X"))
    file, path = write(tmp_path, *rows), tmp_path / "o.xlsx"
    hubs = ("A99003,North", "A99001,Elsewhere", "a99002, South  side", "A99004,North")
    hubs = own(tmp_path, "practice,hub", *hubs, name="hubs.csv")
    argv = ("run", NATIONAL, "--practices", file, "--commissioner", "00X", "--months", "12")
    argv += ("--output", path)
    plain = json.loads(said(*argv, "--json"))
    assert (plain["commissioners"], plain["hubs"]) == (["00X"], None)
    found = json.loads(said(*argv, "--hubs", hubs, "--json"))
    assert found["commissioners"] == ["North", "South side"]
    assert (found["practices"], found["total_payments"]) == (3, plain["total_payments"])
    sha256 = hashlib.sha256(hubs.read_bytes()).hexdigest()
    assert found["hubs"] == {"source": "hubs.csv", "sha256": sha256}
    assert found["checks"]["failed"] == 0
    sheet = openpyxl.load_workbook(path)["By commissioner"]
    assert {row[1].value for row in sheet.iter_rows(min_row=6)} == {"North", "South side"}
    cover = openpyxl.load_workbook(path)["Cover"]
    assert any("in the hubs of hubs.csv" in str(cell.value) for cell in cover["B"])
    out = said(*argv, "--hubs", hubs)
    assert re.search(r"^Hubs +hubs\.csv$", out, re.MULTILINE)
    assert re.search(r"^Commissioners +2: North, South side$", out, re.MULTILINE)


def test_hubs_go_with_simulate_and_explain(said, stubbed, tmp_path):
    codes = [f"EX{n:03d}" for n in range(1, 51)]
    rows = [f"{code},{'North' if n < 20 else 'South'}" for n, code in enumerate(codes)]
    hubs = own(tmp_path, "practice,hub", *rows, name="hubs.csv")
    said("simulate", BOLTON, "--hubs", hubs, "--output", tmp_path / "o.xlsx")
    _, practices, *_ = stubbed["asked"]
    assert (practices["commissioner"] == "North").sum() == 20
    argv = ("explain", BOLTON, "commissioner_admissions", "year=2015/16", "--months", "12")
    assert "South" in said(*argv, "commissioner_code=South", "--hubs", hubs)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["A99002,North"], "hubs: no hub of practice A99003 (name the hub of every practice)"),
        (["A99002,North", "A99003,"], "hubs.csv, row 3"),
        (["A99002,North", "A99003,North", "A99009,North"], "there is no practice A99009"),
        (["A99002,North", "A99003,North", "A99002,South"], "is in row 2 too"),
    ],
)
def test_hubs_that_are_refused(rows, message, run_refused, tmp_path):
    file = write(tmp_path, pms("A99001", "10G"), pms("A99002", "00X"), pms("A99003", "00X"))
    hubs = own(tmp_path, "practice,hub", *rows, name="hubs.csv")
    argv = ("--practices", file, "--commissioner", "00X", "--hubs", hubs)
    assert message in run_refused(NATIONAL, *argv)


def test_faults_of_hubs_are_told_with_those_of_other_files(run_refused, tmp_path):
    inputs = own(tmp_path, "practice,registred_list", *example_rows(5), name="a.csv")
    found = run_refused(NATIONAL, "--inputs", inputs, "--hubs", tmp_path / "gone.csv")
    assert "a.csv: 'registred_list' is no input of the model" in found
    assert "gone.csv: there is no such file" in found


# Simulate ---------------------------------------------------------------------------------------


@pytest.fixture
def stubbed(monkeypatch) -> dict[str, object]:
    """`simulate` and its workbook without their work: what they were asked is kept."""
    kept: dict[str, object] = {"result": simulated()}

    def simulate(*asked: object, **named: object) -> xr.Dataset:
        kept.update(asked=asked, **named)
        return kept["result"]

    monkeypatch.setattr(cap, "simulate", simulate)
    monkeypatch.setattr(cap, "write_simulation", unwritten)
    return kept


def test_simulate_in_words(said, stubbed, tmp_path):
    path = tmp_path / "o.xlsx"
    out = said("simulate", BOLTON, "--months", "12", "--output", path)
    for line in (
        r"A contract",
        r"Input +Some practices \(synthetic example, seed 2015\)",
        r"Practices +4",
        r"Commissioners +1: 00T",
        r"Months +12: April 2015 – March 2016",
        r"Scenarios +2: fixed, indexed",
        r"Draws +50, seed 7",
        r"Earning +scheme_earned is more than 0",
        r"Effect +with: programme_reduction as it stands; without: 0",
        r"Expected cost: fixed, 00T +mean +standard error +5% +95%",
        r"2015/16, with +£1,000,000 +£1,000 +£900,000 +£1,100,000",
        r"2015/16, without +£2,000,000 +£2,000 +£1,900,000 +£2,100,000",
        r"Expected cost: indexed, 00T .*",
        r"2015/16, with +£3,000,000 .*",
        r"Chance of earning: fixed +median practice +smallest: P2, 3,000 +largest: P3, 20,000",
        r"2015/16, with +30\.0% +40\.0% +90\.0%",
        r"2015/16, without +22\.5% +20\.0% +5\.0%",
        r"Break-even +reduction at full effect +95% interval of the draws",
        r"fixed, 00T +4\.2% +3\.2% – 5\.2%",
        r"indexed, 00T +none up to 30% +–",
        r"Checks +12 of 12 OK",
        rf"Workbook +{re.escape(str(path))}",
    ):
        assert re.search(f"^{line}$", out, re.MULTILINE), line


def test_simulate_as_json(said, stubbed, tmp_path):
    path = tmp_path / "o.xlsx"
    found = json.loads(said("simulate", BOLTON, "--output", path, "--json"))
    assert (found["model"], found["output"], found["months"]) == (BOLTON, str(path), 48)
    assert (found["draws"], found["seed"], found["scenarios"]) == (50, 7, ["fixed", "indexed"])
    assert len(found["cost"]) == 4
    assert found["cost"][1] == {
        "scenario": "fixed",
        "commissioner": "00T",
        "year": "2015/16",
        "effect": "without",
        "mean": 2e6,
        "standard_error": 2e3,
        "quantiles": {"0.05": 1.9e6, "0.5": 2e6, "0.95": 2.1e6},
    }
    first = found["chance_of_earning"][0]
    assert first["median"] == pytest.approx(0.3)
    assert first["smallest"] == {
        "practice": "P2",
        "registered_list": 3000.0,
        "chance": 0.4,
        "standard_error": pytest.approx(0.04),
    }
    assert first["largest"]["practice"] == "P3"
    fixed, indexed = found["break_even"]
    assert fixed["reduction"] == pytest.approx(0.042)
    assert fixed["low"] < fixed["reduction"] < fixed["high"]
    assert (indexed["reduction"], indexed["low"], indexed["high"]) == (None, None, None)
    assert found["largest_reduction"] == 0.3
    assert found["checks"] == {"total": 12, "failed": 0}


def test_what_simulate_is_asked(said, stubbed, tmp_path):
    given = own(tmp_path, "practice,month,qof", *example_rows(5, "2016-04"), name="qof.csv")
    argv = ["--scenario", SCENARIOS[0], "--start", "2016-04", "--months", "1", "--given", given]
    argv += ["--draws", "77", "--seed", str(2**63 - 1), "--threads", "2", "--no-break-even"]
    inputs = own(tmp_path, "practice,registered_list", *example_rows(4000))
    argv += ["--inputs", inputs, "--set", "monthly_list_growth=0.01"]
    said("simulate", BOLTON, *argv, "--output", tmp_path / "o.xlsx")
    model, practices, scenarios, months = stubbed["asked"]
    assert (model.name, f"{model.start:%Y-%m}") == (BOLTON, "2016-04")
    assert model.terms["monthly_list_growth"].at(model.start) == 0.01
    assert (practices["registered_list"] == 4000).all()
    assert (scenarios, months) == ([SCENARIOS[0]], 1)
    assert (stubbed["draws"], stubbed["seed"], stubbed["threads"]) == (77, 2**63 - 1, 2)
    assert stubbed["break_even"] is False
    assert list(stubbed["given"]) == ["qof"]
    said("simulate", BOLTON, "--output", tmp_path / "o.xlsx")
    assert (stubbed["draws"], stubbed["seed"], stubbed["threads"]) == (1000, 1, None)
    assert (stubbed["break_even"], stubbed["given"]) == (True, None)


def test_where_nothing_is_paid_no_break_even_is_told(said, stubbed, tmp_path):
    argv = ("simulate", BOLTON, "--output", tmp_path / "o.xlsx")
    result = simulated()
    for end in ("", "_low", "_high"):
        result[f"break_even_reduction{end}"][0] = 0.0
    stubbed["result"] = result
    assert re.search(r"^fixed, 00T +0\.0% +0\.0% – 0\.0%$", said(*argv), re.MULTILINE)
    result["cost_by_reduction"][0, :, 0] = 0.0
    assert re.search(r"^fixed, 00T +nothing is paid +–$", said(*argv), re.MULTILINE)
    fixed, indexed = json.loads(said(*argv, "--json"))["break_even"]
    assert (fixed["reduction"], fixed["nothing_paid"]) == (0.0, True)
    assert (indexed["reduction"], indexed["nothing_paid"]) == (None, False)


def test_scenarios_of_the_same_chances_share_a_table(said, stubbed, tmp_path):
    argv = ("simulate", BOLTON, "--output", tmp_path / "o.xlsx")
    heading = r"^Chance of earning: (.*?)  "
    assert re.findall(heading, said(*argv), re.MULTILINE) == ["fixed", "indexed"]
    both = simulated()
    both["probability_of_earning"][1] = both["probability_of_earning"][0]
    both["probability_of_earning_standard_error"][1] = both[
        "probability_of_earning_standard_error"
    ][0]
    stubbed["result"] = both
    assert re.findall(heading, said(*argv), re.MULTILINE) == ["all scenarios"]
    assert len(json.loads(said(*argv, "--json"))["chance_of_earning"]) == 4
    third = both.isel(scenario=[0]).assign_coords(scenario=["third"]) * 1
    third["probability_of_earning"] = third["probability_of_earning"] / 2
    of_scenarios = [name for name in both if "scenario" in both[name].dims]
    parts = [part[of_scenarios] for part in (both, third)]
    others = both.drop_vars(of_scenarios).drop_dims("scenario")
    together = xr.concat(parts, "scenario", join="exact")
    stubbed["result"] = together.merge(others).assign_attrs(both.attrs)
    assert re.findall(heading, said(*argv), re.MULTILINE) == ["fixed, indexed", "third"]


def test_a_simulation_with_less_to_tell(said, stubbed, tmp_path):
    argv = ("simulate", BOLTON, "--output", tmp_path / "o.xlsx")
    stubbed["result"] = simulated(solved=False)
    found = json.loads(said(*argv, "--json"))
    assert (found["break_even"], found["largest_reduction"]) == (None, None)
    assert "Break-even" not in said(*argv)
    without = simulated(solved=False).drop_vars("probability_of_earning").sel(effect=["with"])
    stubbed["result"] = without.assign_attrs(cost="", earned="", effect_term="")
    found = json.loads(said(*argv, "--json"))
    assert (found["cost"], found["chance_of_earning"]) == ([], [])
    out = said(*argv)
    assert not re.search("cost|Chance|Earning|Effect", out)


def test_many_commissioners_do_not_fill_the_screen(said, stubbed, tmp_path):
    stubbed["result"] = simulated(tuple(f"{n:02d}X" for n in range(20)))
    out = said("simulate", BOLTON, "--output", tmp_path / "o.xlsx")
    assert out.count("Expected cost: ") == 12
    assert out.count("and 28 more, in the workbook") == 2


def test_what_a_simulation_notes_and_a_check_that_fails(stubbed, capsys, monkeypatch, tmp_path):
    stubbed["result"] = simulated().assign_attrs(notes=json.dumps(["One."]))
    monkeypatch.setattr(cap, "write_simulation", partial(unwritten, checks_failed=1))
    path = tmp_path / "o.xlsx"
    assert main(["simulate", BOLTON, "--output", str(path)]) == 3
    out, err = capsys.readouterr()
    failed = f"1 of 12 checks failed; the workbook is written, and shows which: {path}\n"
    assert err == f"note: One.\n{failed}"
    assert "11 of 12 OK" in out


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ("--draws 1", "--draws: found 1 (from 2 to 1,000,000)"),
        ("--draws 1000001", "--draws: found 1000001 (from 2 to 1,000,000)"),
        ("--seed -1", "--seed: found -1 (from 0 to 9,223,372,036,854,775,807)"),
        (f"--seed {2**63}", f"--seed: found {2**63} (from 0 to "),
        ("--threads 0", "--threads: found 0 (a whole number from 1 to 1,024)"),
        ("--months 0", "--months: found 0 (from 1 to 600)"),
        ("--scenario other", "there is no scenario 'other'"),
        ("--set programme_reductoin=1", "(did you mean 'programme_reduction'?)"),
    ],
)
def test_what_simulate_refuses(argv, message, refused, tmp_path):
    path = tmp_path / "earlier.xlsx"
    assert message in refused("simulate", BOLTON, "--output", path, *argv.split())


def test_a_model_that_leaves_nothing_to_chance(refused, tmp_path):
    found = refused("simulate", NATIONAL, "--output", tmp_path / "earlier.xlsx")
    assert found.startswith(f"{NATIONAL}.toml: the model has no [simulation] table")
    assert BOLTON in found
    assert THAMES_VALLEY not in found


def test_faults_of_paths_and_options_come_before_any_work(refused, monkeypatch, tmp_path):
    monkeypatch.setattr(cap, "load_model", None)
    argv = ("simulate", BOLTON, "--output", tmp_path / "o.xls", "--draws", "1", "--seed", "-1")
    found = refused(*argv).splitlines()
    assert [line.split(": ")[0] for line in found] == [str(tmp_path / "o.xls"), "--draws", "--seed"]


def test_simulate_for_real(said, tmp_path):
    path = tmp_path / "o.xlsx"
    rows = [
        practice("A99001"),
        practice("A99002", registered_list="30000", weighted_list="31000"),
    ]
    argv = ("--practices", write(tmp_path, *rows), "--months", "12", "--draws", "30")
    argv += ("--no-break-even", "--output", path, "--scenario", SCENARIOS[0])
    found = json.loads(said("simulate", BOLTON, *argv, "--json"))
    assert (found["practices"], found["draws"], found["seed"]) == (2, 30, 1)
    assert [row["effect"] for row in found["cost"]] == ["with", "without"]
    for row in found["cost"]:
        assert row["quantiles"]["0.05"] <= row["mean"] <= row["quantiles"]["0.95"]
    assert found["checks"]["total"] > found["checks"]["failed"] == 0
    assert found["chance_of_earning"][0]["largest"]["practice"] == "A99002"
    assert openpyxl.load_workbook(path, read_only=True).sheetnames
    again = json.loads(said("simulate", BOLTON, *argv, "--json", "--threads", "1"))
    assert again == found
    other = json.loads(said("simulate", BOLTON, *argv, "--json", "--seed", "2"))
    assert other["cost"] != found["cost"]


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
    other = edited(tmp_path, "value = 0.0009", "value = 0.0018", NATIONAL)
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
        ('"pms_premium",\n  "premium_as', '"pms_premum",\n  "premium_as', "", "'pms_premium'?"),
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
    place = "mine.toml, term.guaranteed_income_per_patient: "
    fault = "'guaranteed_income_per_patient' has no value for April 2015: it begins on 1"
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
    *notes, last = err.splitlines()
    assert all(line.startswith("note: ") for line in notes)
    assert last == f"1 of 12 checks failed; the workbook is written, and shows which: {path}"
    if as_json:
        assert json.loads(out)["checks"] == {"total": 12, "failed": 1}
    else:
        assert "11 of 12 OK" in out


# The published files ----------------------------------------------------------------------------


def test_bolton_in_the_published_file(said, reference_data, tmp_path):
    file, path = reference_data / "gp_payments_2014_15.csv", tmp_path / "bolton.xlsx"
    argv = ("--practices", file, "--commissioner", "00T", "--months", "12", "--output", path)
    argv += ("--scenario", SCENARIOS[0], "--no-sensitivity")
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
