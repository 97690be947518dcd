"""The commands of whole-population budgets: ``budget``, ``hubs`` and ``reactivate``."""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import capitation as cap
from capitation.cli import main

TARGETS = "gp_practice_weighted_population_2018_19.csv"
TOOL = "icb_tool_2022_23.csv"
TOOL_HEADINGS = (
    "Practice_Code,GP_Practice_Name,LOC22,pop 2022/23,G&A WP,CS WP,MH WP,Mat WP,"
    "Health Ineq WP,Prescr WP,Final WP,Primary Medical Care WP,Final PMC WP"
)
REQUESTS = "practice,suspended,notice,effective,partners,partners_agreeing,reactivated_before"


@pytest.fixture
def said(capsys) -> Callable[..., str]:
    """Run a command that succeeds, and give its stdout; on stderr are notes alone."""

    def run(*argv: object) -> str:
        assert main([str(word) for word in argv]) == 0
        out, err = capsys.readouterr()
        assert all(line.startswith("note: ") for line in err.splitlines())
        return out

    return run


@pytest.fixture
def refused(capsys, tmp_path, monkeypatch) -> Callable[..., list[str]]:
    """Run a command whose input is wrong, and give what it says; no file has changed."""
    monkeypatch.chdir(tmp_path)

    def files() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def run(*argv: object) -> list[str]:
        before = files()
        assert main([str(word) for word in argv]) == 2
        assert files() == before
        out, err = capsys.readouterr()
        assert out == ""
        assert "Traceback" not in err
        *problems, last = err.splitlines()
        several = "" if len(problems) == 1 else "s"
        assert last == f"{len(problems)} problem{several}. Nothing was written."
        return problems

    return run


@pytest.fixture
def write(tmp_path) -> Callable[..., Path]:
    def of(name: str, *lines: str) -> Path:
        path: Path = tmp_path / name
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return path

    return of


@pytest.fixture
def coordinates(write) -> Path:
    """Where the example's practices are: strewn about a town, the same every time."""
    practices = cap.example_practices()["practice"].values.tolist()
    at = np.random.default_rng(7).normal(0, 3000, (len(practices), 2)).round()
    rows = [f"{code},{e},{n}" for code, (e, n) in zip(practices, at.tolist(), strict=True)]
    return write("places.csv", "practice,easting,northing", *rows)


# budget -----------------------------------------------------------------------------------------


def test_a_budget_of_the_example(said, tmp_path):
    need = tmp_path / "need.csv"
    words = said("budget", "--network", "N1", "--name", "North", "--need-inputs", need)
    assert words.startswith("North: 10 practices, ")
    assert "\nAll 50 practices of the file: need index " in words
    assert words.endswith(f"Need index of 10 practices: {need}\n")
    found = json.loads(said("budget", "--network", "N1", "--json"))
    read = cap.read_inputs(need)
    assert {code: of["need_index"] for code, of in found["practices"].items()} == dict(
        zip(read["practice"].values.tolist(), read["need_index"].values.tolist(), strict=True)
    )
    assert found["of_the_file"]["registered_population"] == pytest.approx(297_144, abs=1)


def test_the_budget_of_portsmouth(said, reference_data):
    asked = ("budget", "--commissioner", "10R", "--file", reference_data / TARGETS)
    found = json.loads(said(*asked, "--json"))
    of_portsmouth = found["budget"]
    assert of_portsmouth["name"] == "12 practices"
    assert f"{of_portsmouth['target_allocation_with_remoteness']:,.0f}" == "218,298,795"
    words = said(*asked)
    assert "Fair budget: £218.30m a year, £1,175 a head" in words
    assert "All 5,393 practices of the file: need index 1.000, £1,256 a head" in words
    assert "England" not in words


def test_a_year_that_the_file_is_not_of(refused, write, capsys):
    row = "A99999,Example Surgery,00X,8000,8100,8200,7900,7000,9000,8300,8400,8000,8150"
    file = write("tool_2022_23.csv", TOOL_HEADINGS, row)
    asked = ("budget", "--practices", "A99999", "--file")
    (told,) = refused(*asked, file, "--fiscal-year", "2018/19")
    assert told.startswith("tool_2022_23.csv: 2018/19 is asked for, but the name says 2022/23")
    later = write("tool_2024_25.csv", TOOL_HEADINGS, row)
    assert main([*asked, str(later), "--fiscal-year", "2024/25"]) == 0
    out, err = capsys.readouterr()
    assert "need index 1.050; 2024/25, tool_2024_25.csv" in out
    assert "note: taken for 2024/25, while the headings say 2022/23" in err


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        ((), "no practices are asked for"),
        (("--practices", "EX0001"), "did you mean 'EX001'?"),
        (("--network", "N1", "--file", "absent.csv"), "there is no such file"),
        (("--network", "N1", "--need-inputs", "need.xlsx"), "end it in .csv"),
    ],
)
def test_what_budget_refuses(refused, argv, told):
    (problem,) = refused("budget", *argv)
    assert told in problem


# hubs -------------------------------------------------------------------------------------------


def test_hubs_are_found_written_and_read_back(said, coordinates, tmp_path):
    output = tmp_path / "hubs.csv"
    found = json.loads(said("hubs", "--coordinates", coordinates, "--output", output, "--json"))
    assert 7 <= len(found["hubs"]) <= 11
    assert all(hub["right_size"] for hub in found["hubs"].values())
    assert all(hub["connected"] for hub in found["hubs"].values())
    assert sum(len(hub["practices"]) for hub in found["hubs"].values()) == 50
    checked = json.loads(said("hubs", "--hubs", output, "--json"))
    assert checked["whole_list"] == found["whole_list"]
    assert {name: hub["practices"] for name, hub in checked["hubs"].items()} == {
        name: hub["practices"] for name, hub in found["hubs"].items()
    }
    words = said("hubs", "--hubs", output)
    assert "297,144 patients in all: enough for one provider (100,000 or more)" in words
    assert "over the most of 20,000" in said("hubs", "--hubs", output, "--most", "20000")


def test_practices_that_are_missing_are_told_on_one_line(refused, write):
    places = write("few.csv", "practice,easting,northing", "EX001,1,2", "EX002,here,4")
    (told,) = refused("hubs", "--coordinates", places)
    assert '"here"' in told
    places = write("few.csv", "practice,easting,northing", "EX001,1,2", "EX002,3,4")
    (told,) = refused("hubs", "--coordinates", places, "--output", "hubs.csv")
    assert told.startswith("few.csv: no coordinates of 48 practices (EX003, EX004, ")
    hubs = write("hubs.csv", "practice,hub", "EX001,North", "EX002,North")
    (told,) = refused("hubs", "--hubs", hubs)
    assert told.startswith("hubs: no hub of 48 practices (EX003, EX004, ")


def test_hubs_that_were_read_are_not_written_again(refused, write):
    hubs = write("hubs.csv", "practice,hub", "EX001,North")
    (told,) = refused("hubs", "--hubs", hubs, "--output", "again.csv")
    assert told.startswith("--output: there is nothing to write but what --hubs has")
    assert "--coordinates" in told


@pytest.mark.parametrize(
    ("argv", "count"),
    [
        ((), 1),
        (("--hubs", "a.csv", "--coordinates", "b.csv", "--least", "0", "--most", "-1"), 3),
        (("--hubs", "absent.csv", "--fiscal-year", "2014/15"), 1),
        (("--coordinates", "absent.csv", "--output", "hubs.xlsx"), 1),
    ],
)
def test_what_hubs_refuses(refused, argv, count):
    assert len(refused("hubs", *argv)) == count


# reactivate -------------------------------------------------------------------------------------


def test_requests_are_granted_or_refused_and_a_contract_takes_the_terms(said, write, tmp_path):
    model = cap.load_model("fully-integrated-aco")
    suspended = model.start
    window, notice = (suspended.replace(year=suspended.year + n) for n in (2, 1))
    requests = write(
        "requests.csv",
        REQUESTS,
        f"EX001,{suspended},{notice},{window},4,4,no",
        f"EX002,{suspended},{notice},{window},4,3,yes",
    )
    output = tmp_path / "granted.csv"
    words = said("reactivate", requests, "--output", output)
    granted, refusal, written = words.rstrip("\n").split("\n\n")
    assert granted.startswith("EX001, from 1 April ")
    assert ": granted\n" in granted
    assert refusal.split("\n")[0].endswith(": refused")
    assert refusal.count("\n  - ") == 2
    assert "3 of the 4 original partners" in refusal
    assert "once only" in refusal
    assert written == f"2 terms of practices: {output}"
    with output.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {(row["practice"], row["from"]) for row in rows} == {("EX001", f"{window:%Y-%m}")}
    terms = cap.read_practice_terms(output, terms=model.terms)
    assert terms["reactivated"]["EX001"][0].start == window
    changed = cap.with_practice_terms(model, terms)
    practices = cap.example_practices().isel(practice=slice(0, 3))
    result = cap.project(
        changed, practices, months=36, variables=["patients_following"], compiled=False
    )
    follow = result["patients_following"].isel(scenario=0)
    back = follow["month"].values >= np.datetime64(window)
    assert follow.sel(practice="EX001").values.tolist() == back.astype(float).tolist()
    assert (follow.sel(practice="EX002") == 0).all()


def test_decisions_as_json(said, write):
    row = "EX001,2016-04-01,2017-04-01,2018-04-01,4,4,"
    found = json.loads(said("reactivate", write("requests.csv", REQUESTS, row), "--json"))
    (decision,) = found["decisions"]
    assert (decision["granted"], decision["window"]) == (True, 1)
    assert dt.date.fromisoformat(decision["effective"]) == dt.date(2018, 4, 1)
    assert found["output"] is None


def test_wrong_requests_are_told_all_at_once_and_nothing_is_written(refused, write, tmp_path):
    requests = write(
        "requests.csv",
        REQUESTS,
        "EX001,2016-04-01,soon,2018-04-01,4,5,no",
        "EX002,2016-04-01,2015-04-01,2018-04-01,4,4,perhaps",
    )
    told = "\n".join(refused("reactivate", requests, "--output", tmp_path / "granted.csv"))
    for words in ('"soon"', '"perhaps"', "5 of 4 partners agree", "before the suspension"):
        assert words in told
    (told,) = refused("reactivate", requests, "--output", "granted.xlsx")
    assert "end it in .csv" in told
    (told,) = refused("reactivate", tmp_path / "absent.csv")
    assert "there is no such file" in told
