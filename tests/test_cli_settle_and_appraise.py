"""The commands that settle payments and set two scenarios against each other."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import capitation as cap
from capitation.cli import main

MODEL = "thames-valley-pms"
PAIR = ("--before", "april-2015", "--after", "april-2016")

Said = Callable[..., str]


@pytest.fixture
def said(capsys) -> Said:
    """What a command prints, once it has gone well."""

    def run(*argv: object) -> str:
        assert main([str(word) for word in argv]) == 0
        return capsys.readouterr().out

    return run


def refused(capsys, *argv: object) -> str:
    assert main([str(word) for word in argv]) == 2
    out, told = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in told
    return told


def own(folder: Path, *lines: str, name: str = "own.csv") -> Path:
    path = folder / name
    path.write_text("\n".join(lines), "utf-8")
    return path


# ------------------------------------------------------------------------------------------ settle


def test_settle_writes_every_payment_and_says_what_is_owed(said, tmp_path):
    out = tmp_path / "payments.csv"
    argv = ("settle", MODEL, "--scenario", "april-2016", "--months", 12, "--output", out)
    words = said(*argv)
    assert re.search(r"^2015/16 +£[\d,.]+ +£", words, re.MULTILINE)
    assert re.search(r"^qof +monthly on aspiration", words, re.MULTILINE)
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    told = json.loads(said(*argv, "--json"))
    assert (told["rows"], told["unit"]) == (len(rows), "pence")
    assert words.endswith(f"{len(rows):,} payments: {out}\n")
    paid = sum(round(float(row["paid"]) * 100) for row in rows)
    assert paid == told["years"]["april-2016"]["2015/16"]["paid"]
    result = cap.project(MODEL, cap.example_practices(), ["april-2016"], 12)
    settled = cap.settle(result)
    assert paid == int(settled["paid"].sum())
    amounts = ("accrued", "paid", "creditor", "debtor")
    assert len(rows) == int(np.any([settled[name].values for name in amounts], axis=0).sum())
    assert all(any(float(row[name]) for name in amounts) for row in rows)


def test_settle_pays_successors_and_follows_an_own_calendar(said, tmp_path):
    out = tmp_path / "payments.csv"
    successors = own(tmp_path, "practice,from,paid_to,share", "EX001,2015-10,EX002,1")
    calendar = own(
        tmp_path,
        "[cash.local_schemes]",
        "calendar = [{ from = 2013-04-01, paid = 'in_arrears', arrears_months = 2, "
        "base = 'base_local_schemes', assumption = 'Two months, here.' }]",
        name="own.toml",
    )
    argv = ["settle", "national-practice-income", "--months", "12", "--output", out]
    words = said(*argv, "--successors", successors, "--calendar", calendar)
    assert re.search(r"^local_schemes +2 months in arrears", words, re.MULTILINE)
    with out.open(encoding="utf-8", newline="") as file:
        of_the_first = [row for row in csv.DictReader(file) if row["practice"] == "EX001"]
    late = [float(row["received"]) for row in of_the_first if row["month"] >= "2015-10"]
    early = [float(row["received"]) for row in of_the_first if row["month"] < "2015-10"]
    assert (sum(late), sum(early) > 0) == (0, True)


def test_settle_leaves_out_successors_of_commissioners_not_asked_for(
    said, capsys, tmp_path, monkeypatch
):
    practices = cap.example_practices()
    commissioner = practices["commissioner"].copy(data=["10Q", "10R"] * 25)
    practices = practices.assign_coords(commissioner=commissioner)
    monkeypatch.setattr(cap, "example_practices", lambda: practices)
    out = tmp_path / "payments.csv"
    rows = ["EX001,2015-10,EX003,1", "EX002,2015-10,EX001,1"]
    file = own(tmp_path, "practice,from,paid_to,share", *rows)
    argv = ["settle", "national-practice-income", "--months", "12", "--output", out]
    argv += ["--commissioner", "10Q", "--successors", file]
    said(*argv)
    with out.open(encoding="utf-8", newline="") as payments:
        found = [row for row in csv.DictReader(payments) if row["month"] == "2015-11"]
    assert {row["practice"] for row in found if float(row["received"])} == {
        f"EX{n:03d}" for n in range(3, 51, 2)
    }
    own(tmp_path, "practice,from,paid_to,share", "EX001,2015-10,EX002,1")
    assert "own.csv, row 2" in refused(capsys, *argv)


def test_settle_refuses_a_bad_path_and_successors_that_are_not_there(capsys, tmp_path):
    argv = ("settle", "national-practice-income", "--output")
    assert "end it in .csv" in refused(capsys, *argv, tmp_path / "payments.xlsx")
    successors = own(tmp_path, "practice,from,paid_to,share", "EX001,2015-10,EX999,1")
    out = tmp_path / "payments.csv"
    told = refused(capsys, *argv, out, "--successors", successors)
    assert "EX999" in told
    assert "Nothing was written." in told
    assert not out.exists()


# ---------------------------------------------------------------------------------------- appraise


def test_appraise_values_splits_and_sorts(said):
    words = said("appraise", MODEL, *PAIR, "--measure", "premium_withdrawn")
    assert re.search(r"^Timing: dates, delay, pauses .* -£", words, re.MULTILINE)
    assert "Largest losses of total payments, all years: april-2016 against april-2015" in words
    told = json.loads(said("appraise", MODEL, *PAIR, "--measure", "premium_withdrawn", "--json"))
    parts = {part["part"]: part for part in told["bridge"]["parts"]}
    before, after = (told["bridge"][end] for end in ("before", "after"))
    for basis in ("nominal", "real", "present_value"):
        together = sum(round(part[basis] * 100) for part in parts.values())
        assert together == round(after[basis] * 100) - round(before[basis] * 100)
    assert parts["timing"]["nominal"] < 0
    assert parts["schedule"]["nominal"] == 0
    assert told["amounts"]["april-2016"]["2015/16"]["nominal"] == 0
    assert (told["practices"], told["practice_terms"]) == (50, None)


def test_appraise_takes_prices_of_another_year_and_another_threshold(said):
    argv = ("appraise", MODEL, *PAIR, "--price-year", "2017/18", "--threshold", 0.5, "--json")
    told = json.loads(said(*argv))
    assert told["basis"]["price_year"] == "2017/18"
    assert set(told["gains"]["threshold_per_weighted_patient"].values()) == {0.5}


def test_appraise_says_that_nothing_differs_and_in_which_amounts_something_does(said):
    words = said("appraise", MODEL, *PAIR)
    assert "april-2015 and april-2016 come to the same total_payments in every year" in words
    assert words.count("Payments to the practice in the month: ") == 1
    assert "Timing" not in words
    told = json.loads(said("appraise", MODEL, *PAIR, "--json"))
    assert told["nothing_differs"] is True
    by_name = {
        name: of["difference"] for of in told["measures_that_differ"] for name in of["measures"]
    }
    shown = f"-£{abs(by_name['premium_withdrawn']['total']):,.2f}"
    assert re.search(rf"^premium_withdrawn,.* {re.escape(shown)}$", words, re.MULTILINE)


def test_appraise_follows_another_issue_and_another_year_0(said):
    argv = ("appraise", MODEL, *PAIR, "--months", 36, "--json", "--measure", "premium_withdrawn")
    usual = json.loads(said(*argv))
    told = json.loads(
        said(*argv, "--issue", "gdp_deflator_june_2018", "--discount-from", "2013/14")
    )
    assert told["basis"] == usual["basis"] | {
        "issue": "gdp_deflator_june_2018",
        "discount_from": "2013/14",
    }
    old, new = (of["amounts"]["april-2015"]["2016/17"] for of in (usual, told))
    assert old["nominal"] == new["nominal"]
    assert old["real"] != new["real"]
    assert new["present_value"] == pytest.approx(new["real"] / 1.035**3, abs=0.01)
    assert told["bridge"]["before"]["real"] == told["amounts"]["april-2015"]["total"]["real"]


def test_appraise_says_which_schedule_is_not_at_its_end(said):
    pair = ("--before", "april-2015-sevenths", "--after", "april-2016-sevenths")
    words = said("appraise", MODEL, *pair)
    assert "in april-2016-sevenths until 1 April 2022" in " ".join(words.split())
    assert "steps to come" not in said("appraise", MODEL, *PAIR)


def test_appraise_with_terms_of_practices(said, tmp_path):
    file = own(
        tmp_path,
        "practice,term,from,value",
        *(f"EX{n:03d},premium_share_retained,2015-04,1" for n in range(1, 51)),
    )
    argv = ("appraise", MODEL, *PAIR, "--measure", "premium_withdrawn", "--json")
    told = json.loads(said(*argv, "--practice-terms", file))
    assert told["practice_terms"]["source"] == "own.csv"
    assert told["bridge"]["after"]["nominal"] == told["bridge"]["before"]["nominal"] == 0


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (("--before", "april-2014", "--after", "april-2016"), "there is no scenario 'april-2014'"),
        ((*PAIR, "--measure", "premium_withheld"), "premium_withheld"),
        ((*PAIR, "--price-year", "2090/91"), "2090/91"),
        ((*PAIR, "--months", "0"), "--months"),
        ((*PAIR, "--price-year", "2015"), "--price-year: found '2015'"),
        ((*PAIR, "--discount-from", "2015/17"), "--discount-from: found '2015/17'"),
        ((*PAIR, "--threshold", "inf"), "--threshold: found inf (from 0 to 1,000,000)"),
        ((*PAIR, "--threshold", "nan"), "--threshold: found nan"),
        ((*PAIR, "--threshold", "-1"), "--threshold: found -1"),
        ((*PAIR, "--issue", "june_2018"), "'gdp_deflator_june_2018'"),
        (("--before", "april-2015", "--after", "april-2015"), "--after: 'april-2015' is what"),
        ((*PAIR, "--practice-terms", "nowhere.csv"), "nowhere.csv"),
    ],
)
def test_appraise_refuses(capsys, argv, expected):
    assert expected in refused(capsys, "appraise", MODEL, *argv)
