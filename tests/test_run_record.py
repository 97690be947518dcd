"""The record of a run: what is packed comes back identical, and nothing in it is believed."""

import datetime as dt
import hashlib
import json

import numpy as np
import openpyxl
import pytest
import xarray as xr

import capitation as cap
from capitation.engine.terms import DatedValue
from capitation.practice_terms import with_practice_terms
from capitation.runs.packed_text import LONGEST, data_of, texts_of
from capitation.runs.record import evaluated, pack, unpack
from capitation.workbook.content import Content
from capitation.workbook.page import Book
from capitation.workbook.record_sheet import PACKED, SHEET, read_record, write_run_record

from .strategies import (
    NATIONAL,
    SANDWELL,
    THAMES_VALLEY,
    UNITING_CARE,
    UNPLANNED,
    VANGUARD,
    shipped,
)


def few_practices():
    return cap.example_practices().isel(practice=[0, 1, 2, 7, 15])


@pytest.fixture(scope="module")
def result():
    return cap.project(VANGUARD, few_practices(), ["all-vanguards", "sunderland"], months=3)


@pytest.mark.parametrize("model", [SANDWELL, UNITING_CARE, UNPLANNED, NATIONAL, VANGUARD])
def test_what_is_packed_comes_back_identical(model):
    result = cap.project(model, few_practices(), months=14)
    back = unpack(pack(result))
    xr.testing.assert_identical(back, result)
    assert list(back.data_vars) == list(result.data_vars)
    assert all(back[n].dtype == result[n].dtype for n in result.variables)


@pytest.mark.parametrize("values", [[0.0] * 40_000, [-1.5] * 9_000, "-" * 70_000, " " * 70_000])
def test_long_runs_of_any_sign_are_cut(values):
    texts = texts_of({"values": values})
    assert max(map(len, texts)) <= LONGEST
    assert data_of(texts, "here") == {"values": values}


def test_practices_in_any_order_with_commissioners_and_terms_of_their_own():
    practices = cap.example_practices().isel(practice=[15, 2, 0, 7, 1])
    area = np.array(["02B", "01A", "02B", "01A", "01A"])
    practices = practices.assign_coords(commissioner=("practice", area))
    switch = DatedValue(dt.date(2015, 5, 1), 1.0, "1", assumption="The practice has agreed.")
    own = {"switched_to_gms": {str(practices["practice"].values[1]): (switch,)}}
    result = cap.project(with_practice_terms(shipped(THAMES_VALLEY), own), practices, months=3)
    assert "practice" in result["switched_to_gms"].dims
    xr.testing.assert_identical(unpack(pack(result)), result)


def test_given_values_are_kept_though_another_rule_is_drawn_like_what_was_given():
    plain = cap.project(UNPLANNED, few_practices(), months=3)
    name = "admissions_without_programme"
    given = xr.DataArray(plain[name].variable, {d: plain[d].values for d in plain[name].dims})
    result = cap.project(UNPLANNED, few_practices(), months=3, given={name: given * 2})
    xr.testing.assert_identical(unpack(pack(result)), result)


def test_one_scenario_of_a_result_is_packed_too(result):
    one = result.sel(scenario="sunderland")
    back = unpack(pack(one))
    assert back.sizes["scenario"] == 1
    assert (back["total_payments"] == one["total_payments"]).all()


def test_texts_fit_a_cell_and_are_safe_in_it(result):
    odd = result.assign_attrs(notes="_x0041_ =1+1   " * 9000 + "\x01ü\n")
    texts = pack(odd)
    assert max(map(len, texts)) <= LONGEST
    assert all(text.isascii() and text.isprintable() and text == text.strip() for text in texts)
    assert not any("_x" in text for text in texts)
    assert unpack(texts).attrs == odd.attrs


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda texts: [], "no record"),
        (lambda texts: ["something else", *texts[1:]], "no record"),
        (lambda texts: [texts[0].replace("record 1", "record 9"), *texts[1:]], "form 9"),
        (lambda texts: texts[:-1], "of its"),
        (lambda texts: [texts[0], texts[1].replace("rule", "role"), *texts[2:]], "damaged"),
    ],
)
def test_a_damaged_record_is_refused(result, edit, said):
    with pytest.raises(cap.InputError, match=said):
        unpack(edit(pack(result)), "budget.xlsx")


HARMFUL = [
    ("text", "def {name}(a):\n    'It.'\n    return __import__('os').getpid()"),
    ("text", "@print\ndef {name}(contract_ended):\n    'It.'\n    return contract_ended"),
    ("text", "def {name}(a=print(1)):\n    'It.'\n    return a"),
    ("text", "def {name}():\n    'It.'\n    return 1\nprint(1)"),
    ("text", "import os"),
    ("text", "def other():\n    'It.'\n    return 1"),
    ("text", "def ("),
    ("units", "GBP; import os"),
    ("kind", "a program"),
    ("constants", "[]"),
    ("place", None),
]


@pytest.mark.parametrize(("key", "value"), HARMFUL)
def test_a_record_that_somebody_made_up_runs_nothing(result, key, value):
    data = data_of(pack(result), "here")
    entry = next(e for e in data["variables"] if e["attrs"]["kind"] == "rule")
    if value is None:
        del entry["attrs"][key]
    else:
        entry["attrs"][key] = value.replace("{name}", entry["name"])
    with pytest.raises(cap.InputError):
        unpack(texts_of(data))


@pytest.mark.parametrize("name", ["a b", "x_", "None", "a\nimport os", "__import__('os')"])
def test_names_that_are_no_names_are_refused(result, name):
    data = data_of(pack(result), "here")
    data["variables"][0]["name"] = name
    with pytest.raises(cap.InputError, match="no name"):
        unpack(texts_of(data))


def test_rules_run_again_on_other_values(result):
    xr.testing.assert_identical(evaluated(result), result)
    term = next(n for n, v in result.data_vars.items() if v.attrs["kind"] == "term")
    same = evaluated(result, {term: result[term]}, ["total_payments"])
    xr.testing.assert_identical(same["total_payments"], result["total_payments"])
    assert "scenario" in same.coords
    twice = evaluated(result, {"base_registered_list": xr.DataArray(1.0)})
    assert (twice["base_registered_list"] == 1).all()
    xr.testing.assert_identical(result, evaluated(result))


def test_a_changed_input_gives_what_a_projection_of_it_gives():
    practices = few_practices()
    result = cap.project(NATIONAL, practices, months=4)
    changed = practices.copy(deep=True)
    changed["weighted_list"] = changed["weighted_list"] * 1.1
    leaves = {"base_weighted_list": result["base_weighted_list"] * 1.1}
    found = evaluated(result, leaves)
    wanted = cap.project(NATIONAL, changed, months=4)
    assert (found["total_payments"] == wanted["total_payments"]).all()


@pytest.mark.parametrize(
    ("leaves", "variables", "said"),
    [
        ({"base_registerd_list": xr.DataArray(1.0)}, None, "base_registered_list"),
        ({"base_registered_list": xr.DataArray([1.0], dims="practice")}, None, "expected"),
        ({"base_registered_list": xr.DataArray(float("nan"))}, None, "not a number"),
        ({}, ["total_payment"], "total_payments"),
    ],
)
def test_what_does_not_fit_the_result_is_refused(result, leaves, variables, said):
    with pytest.raises(cap.InputError, match=said):
        evaluated(result, leaves, variables)


@pytest.mark.parametrize("figure", [0.0, 5e-324])
def test_what_is_no_finite_number_is_a_sentence(figure):
    result = cap.project(NATIONAL, few_practices(), months=2)
    leaf = "national_mean_list"
    with pytest.raises(cap.InputError, match="rule 'qof': the result is not a finite number"):
        evaluated(result, {leaf: xr.DataArray(figure)})


def test_a_result_without_its_rules_cannot_be_packed(result):
    with pytest.raises(cap.InputError):
        pack(result.drop_vars("contract_ended"))
    with pytest.raises(cap.InputError, match="not a result"):
        pack(xr.Dataset())


# ---------------------------------------------------------------- the sheet


@pytest.fixture
def workbook(result, tmp_path):
    book = Book()
    write_run_record(book.page(SHEET), Content(result), 7)
    path = tmp_path / "record.xlsx"
    book.workbook.save(path)
    return path


def test_the_sheet_says_in_words_what_was_run(workbook, result):
    sheet = openpyxl.load_workbook(workbook)[SHEET]
    said = {row[0].value: row[1].value for row in sheet.iter_rows(max_row=30)}
    assert said["Model"] == VANGUARD
    assert said["Months"] == "3: April 2015 to June 2015"
    assert said["Practices"] == "5"
    assert said["Checks"] == "7"
    assert said["Made with"] == f"capitation {cap.__version__}"
    assert PACKED in said


def test_a_result_is_read_back_from_a_workbook(workbook, result):
    xr.testing.assert_identical(read_record(workbook), result)


def test_a_workbook_without_a_record_is_refused(tmp_path):
    path = tmp_path / "other.xlsx"
    openpyxl.Workbook().save(path)
    with pytest.raises(cap.InputError, match="no sheet 'Run record'"):
        read_record(path)
    path.write_bytes(b"PK no zip")
    with pytest.raises(cap.InputError):
        read_record(path)
    with pytest.raises(cap.InputError, match=r"there\.xlsx"):
        read_record(tmp_path / "there.xlsx")


def test_an_edited_record_is_refused(workbook):
    book = openpyxl.load_workbook(workbook)
    sheet = book[SHEET]
    row = next(r for r in range(1, 60) if sheet.cell(r, 1).value == PACKED) + 3
    sheet.cell(row, 1).value = sheet.cell(row, 1).value.replace("2015", "2016")
    book.save(workbook)
    with pytest.raises(cap.InputError, match="damaged"):
        read_record(workbook)


def test_the_hash_is_that_of_the_json(result):
    heading, *pieces = pack(result)
    assert hashlib.sha256("".join(pieces).encode()).hexdigest() in heading
    assert json.loads("".join(pieces))["attributes"]["model"] == VANGUARD
