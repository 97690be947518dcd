"""A finance team's own small files: what they read to, and what is said of a faulty one."""

from __future__ import annotations

import datetime as dt
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import capitation as cap
from capitation.engine.calendar import months_from
from capitation.sources.local_csv import read_given, read_inputs, with_inputs

CODES = ("A99001", "A99002", "A99003")
APRIL = dt.date(2015, 4, 1)


@pytest.fixture
def practices() -> xr.Dataset:
    """Three practices as a payments file gives them, as far as matters here."""
    lists = ("practice", [5000.0, 6000.0, 7000.0], {"units": "patient", "long_name": "List"})
    return xr.Dataset(
        {"registered_list": lists},
        {"practice": list(CODES), "commissioner": ("practice", ["00T"] * 3)},
        {"source": "payments.csv", "fiscal_year": "2014/15", "sha256": "0" * 64},
    )


@pytest.fixture
def file(tmp_path):
    """Write lines as a file of the team's."""

    def write(*lines: str, name: str = "own.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes("\r\n".join(lines).encode(encoding))
        return path

    return write


def problems(read, *args, **named) -> list[str]:
    with pytest.raises(cap.InputError) as caught:
        read(*args, **named)
    return [str(problem) for problem in caught.value.problems]


# Figures by practice ----------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_inputs_read_as_written(file, encoding):
    path = file(
        "practice,Base year admissions,cost",
        '" a99001 ","1,043",£12.50',
        "A99002,0,-3",
        ",,",
        encoding=encoding,
    )
    found = read_inputs(path)
    assert found["practice"].values.tolist() == ["A99001", "A99002"]
    assert found["base_year_admissions"].values.tolist() == [1043.0, 0.0]
    assert found["cost"].values.tolist() == [12.5, -3.0]
    assert found.attrs["source"] == "own.csv"
    assert len(found.attrs["sha256"]) == 64


def test_tabs_separate_too(file):
    path = file("practice\tadmissions", "A99001\t5")
    assert read_inputs(path)["admissions"].values.tolist() == [5.0]


def test_inputs_join_the_practices_whatever_the_order_of_rows(file, practices):
    path = file("practice,registered_list,cost", "A99003,3,30", "A99001,1,10", "A99002,2,20")
    found = with_inputs(practices, path)
    assert found["registered_list"].values.tolist() == [1.0, 2.0, 3.0]
    assert found["registered_list"].attrs == {
        "units": "patient",
        "long_name": "List",
        "source": "own.csv",
    }
    assert found["cost"].values.tolist() == [10.0, 20.0, 30.0]
    assert found.attrs["source"] == "payments.csv, with registered_list, cost of own.csv"
    assert found.attrs["sha256"] == practices.attrs["sha256"]
    assert (found.attrs["inputs"], len(found.attrs["inputs_sha256"])) == ("own.csv", 64)
    assert "cost" not in practices
    assert practices["registered_list"].values.tolist() == [5000.0, 6000.0, 7000.0]


def test_rows_about_other_known_practices_are_left_out(file, practices):
    path = file("practice,cost", *(f"A9900{n},{n}" for n in range(1, 6)))
    found = with_inputs(practices, path, known=["A99004", "A99005"])
    assert found["cost"].values.tolist() == [1.0, 2.0, 3.0]


def test_every_fault_of_inputs_is_told_at_once(file, practices):
    path = file(
        "practice,cost,cost,base_yaer_admissions",
        "A99001,,1,5",
        "A99002,lots,1,5",
        "A99002,1,1,5",
        "A99009,1,1,-",
        ",1,1,1",
    )
    allowed = {"cost", "base_year_admissions"}
    found = problems(with_inputs, practices, path, allowed=allowed)
    digits = "(write digits, as 1234.56; nothing at all is 0)"
    assert found == [
        'own.csv, column 3: "cost" is in column 2 too (keep one of them)',
        "own.csv: 'base_yaer_admissions' is no input of the model "
        "(did you mean 'base_year_admissions'?)",
        'own.csv, row 6, column "practice": expected a practice code, found "" '
        "(delete totals, notes and other such rows)",
        f'own.csv, row 2, column "cost": expected a number, found "" {digits}',
        f'own.csv, row 3, column "cost": expected a number, found "lots" {digits}',
        f'own.csv, row 5, column "base_yaer_admissions": expected a number, found "-" {digits}',
        "own.csv, row 4: practice A99002 is in row 3 too (keep one of them)",
        "own.csv, row 5: payments.csv has no practice A99009 (did you mean 'A99003'?)",
        "own.csv: a practice has no row: A99003 "
        "(give cost, base_yaer_admissions of every practice, or choose fewer commissioners)",
    ]


def test_an_input_for_some_practices_leaves_the_others_what_they_have(file, practices):
    path = file("practice,need_index", "A99002,1.1")
    joined = with_inputs(practices, path, others={"need_index": 0.0})
    assert joined["need_index"].sel(practice="A99002").item() == 1.1
    assert float(joined["need_index"].sum()) == 1.1
    assert joined.attrs["inputs_left_out"] == practices.sizes["practice"] - 1
    # A file that has an input which all practices need leaves nobody out.
    path = file("practice,need_index,cost", "A99002,1.1,5")
    (found,) = problems(with_inputs, practices, path, others={"need_index": 0.0})
    assert "no row" in found


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e999", "5%", "1 2", "0x10", "TRUE", "½"])
def test_what_is_no_number(file, text):
    (found,) = problems(read_inputs, file("practice,cost", f"A99001,{text}"))
    assert found.startswith(f'own.csv, row 2, column "cost": expected a number, found "{text}"')


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["code,cost", "A99001,1"], 'own.csv: no column "practice" (the first row of the file is'),
        (["practice;cost", "A99001;1"], 'is its headings; found "practice;cost")'),
        (["practice", "A99001"], 'own.csv: has no column beside "practice"'),
        (["practice,cost"], "own.csv: has headings but no rows"),
        (["practice,,cost", "A99001,1,2"], "own.csv, column 2: has no heading"),
        (["practice,cost", "A99001,1,2"], "own.csv, row 2: has 3 cells, but the row of headings"),
        ([""], "own.csv: is empty"),
    ],
)
def test_a_file_of_another_shape(file, lines, message):
    assert any(message in found for found in problems(read_inputs, file(*lines)))


def test_a_file_that_is_not_there(tmp_path, practices):
    for read in (read_inputs, read_given, lambda path: with_inputs(practices, path)):
        (found,) = problems(read, tmp_path / "gone.csv")
        assert "gone.csv: there is no such file" in found


def test_many_practices_without_a_row_are_counted_and_five_named(file):
    everyone = cap.example_practices()
    path = file("practice,cost", "EX001,1")
    (found,) = problems(with_inputs, everyone, path)
    assert "own.csv: 49 practices have no row: EX002, EX003, EX004, EX005, EX006, … (" in found


def test_a_file_of_other_practices_is_refused_quickly_and_briefly(file):
    everyone = cap.example_practices()
    rows = (f"B{n:05d},1" for n in range(5_000))
    found = problems(with_inputs, everyone, file("practice,cost", *rows))
    assert len(found) == 21
    assert found[-1] == "own.csv: and 4,981 more problems like these"


# Known values by practice and month -------------------------------------------------------------


def table(codes, months, values) -> list[str]:
    cells = zip(product(codes, months), values, strict=True)
    return ["practice,month,counted", *(f"{c},{m:%Y-%m},{v}" for (c, m), v in cells)]


def test_given_values_as_written(file):
    months = months_from(APRIL, 2)
    lines = table(CODES, months, range(6))
    found = read_given(file(lines[0], *reversed(lines[1:])))["counted"]
    assert found.dims == ("practice", "month")
    for n, (code, month) in enumerate(product(CODES, months)):
        assert found.sel(practice=code, month=np.datetime64(month)).item() == n
    assert found.attrs["source"] == "own.csv"


@pytest.mark.parametrize(
    "text",
    [
        "2015-04",
        "2015-04-01",
        "01/04/2015",
        "04/2015",
        "Apr-15",
        "Apr-2015",
        "apr 2015",
        "April 2015",
    ],
)
def test_a_month_as_a_spreadsheet_leaves_it(file, text):
    found = read_given(file("practice,month,counted", f"A99001,{text},1"))["counted"]
    assert found["month"].values.astype("datetime64[D]").tolist() == [APRIL]


@pytest.mark.parametrize("text", ["", "2015", "2015-13", "2015/16", "2015-04-30", "April", "36251"])
def test_what_is_no_month(file, text):
    (found,) = problems(read_given, file("practice,month,counted", f"A99001,{text},1"))
    place = 'own.csv, row 2, column "month"'
    assert found == f'{place}: expected a month, found "{text}" (write it as 2015-04)'


def test_given_values_in_the_order_of_the_practices(file, practices):
    months = months_from(APRIL, 3)
    path = file(*table(["A99003", "A99009", "A99001", "A99002"], months, range(12)))
    found = read_given(path, practices, months, known=["A99009"])["counted"]
    assert found["practice"].values.tolist() == list(CODES)
    assert found.values.tolist() == [[6, 7, 8], [9, 10, 11], [0, 1, 2]]


def test_every_fault_of_given_values_is_told_at_once(file, practices):
    path = file(
        "month,practice,counted",
        "2015-04,A99001,1",
        "2015-05,A99001,x",
        "Q1,A99001,1",
        "2015-04,A99001,2",
        "2015-04,A99009,1",
        "2015-05,A99002,1",
    )
    found = problems(read_given, path, practices, months_from(APRIL, 3), allowed={"counts"})
    assert found == [
        "own.csv: 'counted' is no rule by practice and month of the model (did you mean 'counts'?)",
        'own.csv, row 3, column "counted": expected a number, found "x" '
        "(write digits, as 1234.56; nothing at all is 0)",
        'own.csv, row 4, column "month": expected a month, found "Q1" (write it as 2015-04)',
        "own.csv, row 5: practice A99001, 2015-04, is in row 2 too (keep one of them)",
        "own.csv, row 6: payments.csv has no practice A99009 (did you mean 'A99003'?)",
        "own.csv: a practice has no row: A99003 "
        "(give counted of every practice, or choose fewer commissioners)",
        "own.csv: has 2 months, 2015-04 – 2015-05, and the run has 3 months, 2015-04 – 2015-06 "
        "(they must be the same: --months 2)",
        "own.csv: no row for A99002 in 2015-04 (1 in all; every practice has a row for every "
        "month)",
    ]


@pytest.mark.parametrize(
    ("start", "count", "message"),
    [
        (
            APRIL,
            12,
            "has 12 months, 2015-04 – 2016-03, and the run has 2 months, 2015-04 – 2015-05",
        ),
        (APRIL, 12, "(they must be the same: --months 12)"),
        (dt.date(2016, 4, 1), 2, "(they must be the same: --start 2016-04 --months 2)"),
        (APRIL, 1, "has one month, 2015-04, and the run has 2 months"),
    ],
)
def test_other_months_than_the_runs(file, practices, start, count, message):
    path = file(*table(CODES, months_from(start, count), range(3 * count)))
    (found,) = problems(read_given, path, practices, months_from(APRIL, 2))
    assert message in found


def test_a_month_left_out_in_between(file, practices):
    first, _, last = months = months_from(APRIL, 3)
    path = file(*table(CODES, [first, last], range(6)))
    (found,) = problems(read_given, path, practices, months)
    assert found.endswith("; none of 2015-05 (give every month of the run)")


def test_the_first_five_gaps_are_named(file):
    months = months_from(APRIL, 12)
    lines = table(CODES, months, range(36))
    kept = [line for n, line in enumerate(lines) if n not in range(3, 11)]
    (found,) = problems(read_given, file(*kept))
    named = ", ".join(f"A99001 in 2015-{month:02d}" for month in range(6, 11))
    said = "8 in all; every practice has a row for every month"
    assert found == f"own.csv: no row for {named}, … ({said})"


def test_both_keys_are_asked_for(file):
    found = problems(read_given, file("code,counted", "A99001,1"))
    assert [message.split(" (")[0] for message in found] == [
        'own.csv: no column "practice"',
        'own.csv: no column "month"',
    ]


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_what_is_written_is_read_whatever_the_order(tmp_path_factory, data):
    codes = data.draw(
        st.lists(
            st.from_regex(r"[A-Z][0-9]{5}", fullmatch=True), min_size=1, max_size=6, unique=True
        )
    )
    count = data.draw(st.integers(1, 5))
    start = dt.date(data.draw(st.integers(2000, 2099)), data.draw(st.integers(1, 12)), 1)
    months = months_from(start, count)
    numbers = st.floats(-1e9, 1e9, allow_nan=False)
    cells = list(product(codes, months))
    values = data.draw(st.lists(numbers, min_size=len(cells), max_size=len(cells)))
    lines = table(codes, months, [repr(value) for value in values])
    rows = data.draw(st.permutations(lines[1:]))
    path = tmp_path_factory.mktemp("given") / "own.csv"
    path.write_text("\n".join([lines[0], *rows]), encoding="utf-8")
    found = read_given(path)["counted"]
    for (code, month), value in zip(cells, values, strict=True):
        assert found.sel(practice=code, month=np.datetime64(month)).item() == value


def test_given_lists_run_through_a_projection(file):
    everyone = cap.example_practices().isel(practice=slice(0, 3))
    months = months_from(APRIL, 2)
    codes = everyone["practice"].values
    lines = table(codes, months, [60, 61, 70, 71, 80, 81])
    path = file(lines[0].replace("counted", "local_schemes"), *lines[1:])
    found = read_given(path, everyone, months)
    result = cap.project("national-practice-income", everyone, months=2, given=found)
    assert result["local_schemes"].values.tolist() == [[60, 61], [70, 71], [80, 81]]


def test_hubs_are_read_by_practice(tmp_path):
    path = tmp_path / "hubs.csv"
    path.write_text("Practice,Hub\nex001, North  side\nEX002,South\n", "utf-8")
    assert cap.read_hubs(path) == {"EX001": "North side", "EX002": "South"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("practice,hub\nEX001,\n", "expected the name of a hub"),
        ("practice,hub\nEX001,A\nEX001,B\n", "is in row 2 too"),
        ("practice,name\nEX001,A\n", 'no column "hub"'),
        ("practice,hub,list\nEX001,A,7\n", "'list' is no column"),
        ("practice,hub\n", "has headings but no rows"),
    ],
)
def test_wrong_hubs_are_told(tmp_path, text, said):
    path = tmp_path / "hubs.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(cap.InputError, match=said):
        cap.read_hubs(path)


def test_practices_in_hubs_are_added_up_by_hub():
    three = cap.example_practices().isel(practice=slice(0, 3))
    hubs = {"EX001": "A", "EX002": "B", "EX003": "A"}
    result = cap.project("bolton-quality-contract", cap.in_hubs(three, hubs), months=12)
    assert result["commissioner_code"].values.tolist() == ["A", "B"]
    own = result["emergency_admissions_of_year"].isel(year=0)
    together = result["commissioner_admissions"].isel(year=0).sel(commissioner_code="A")
    assert float(together) == pytest.approx(float(own.isel(practice=[0, 2]).sum()))


def test_wrong_hubs_of_practices_are_told_at_once():
    practices = cap.example_practices().isel(practice=slice(0, 3))
    apart = practices.assign_coords(commissioner=("practice", ["01A", "02B", "01A"]))
    with pytest.raises(cap.InputError) as caught:
        cap.in_hubs(apart, {"EX001": "A", "EX002": "A", "EX009": "A"})
    said = "\n".join(map(str, caught.value.problems))
    assert "no hub of practice EX003" in said
    assert "there is no practice EX009" in said
    assert "hub 'A' has practices of 01A and of 02B" in said
