"""Terms that hold for one practice: read, run, explained and written as any others are."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import capitation as cap
from capitation.engine.terms import DatedValue, PracticeTerms, format_number
from capitation.model import Model
from capitation.workbook.content import Content
from capitation.workbook.layout import FIRST_ROW
from capitation.workbook.writer import written_book

from .recalculation import recalculated, stale_copy
from .strategies import NATIONAL, THAMES_VALLEY, shipped

MONTHS = 24


def dated(month: str, value: float) -> DatedValue:
    start = dt.date.fromisoformat(f"{month}-01")
    return DatedValue(start, value, format_number(value), assumption="Agreed with the practice.")


def own(term: str, code: str, *values: DatedValue) -> PracticeTerms:
    return {term: {code: values}}


@pytest.fixture(scope="module")
def six():
    return cap.example_practices().isel(practice=slice(0, 6))


def run(model: Model, practices, **named):
    scenarios = [next(iter(model.scenarios))]
    return cap.project(model, practices, scenarios, MONTHS, start="2015-04", **named)


# ------------------------------------------------------------------------------------- what runs


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 5), st.floats(0, 1), st.integers(0, MONTHS - 1))
def test_a_practice_with_a_term_of_its_own_is_as_if_all_had_it_and_the_rest_as_if_none(
    which, share, begins
):
    practices = cap.example_practices().isel(practice=slice(0, 6))
    model = shipped(NATIONAL)
    code = str(practices["practice"].values[which])
    start = f"{2015 + (begins + 3) // 12}-{(begins + 3) % 12 + 1:02d}"
    value = dated(start, share)
    alone = run(
        cap.with_practice_terms(model, own("premium_share_retained", code, value)), practices
    )
    term = model.terms["premium_share_retained"]
    before = tuple(v for v in term.values if v.start < value.start)
    everyone = replace(term, values=(*before, value), schedule=None)
    of_all = run(replace(model, terms=model.terms | {term.name: everyone}), practices)
    of_none = run(model, practices)
    for name in ("pms_premium", "premium_withdrawn", "total_payments"):
        at = alone[name].sel(practice=code)
        assert np.array_equal(at, of_all[name].sel(practice=code)), name
        rest = [other for other in practices["practice"].values if other != code]
        assert np.array_equal(alone[name].sel(practice=rest), of_none[name].sel(practice=rest))


def test_the_compiled_kernel_gives_the_same_bits(six):
    terms = own("monthly_list_growth", "EX002", dated("2015-09", 0.01))
    model = cap.with_practice_terms(shipped(NATIONAL), terms)
    wanted = ["registered_list", "payment_weighted_list", "gms_equivalent"]
    plain, compiled = (run(model, six, compiled=c, variables=wanted) for c in (False, True))
    assert plain["monthly_list_growth"].dims == ("practice", "month")
    for name in plain.data_vars:
        assert np.array_equal(plain[name], compiled[name]), name


def test_a_term_of_the_year_may_be_of_a_practice(six):
    model = shipped("bolton-quality-contract")
    yearly = [leaf.name for leaf in model.graph().leaves.values() if leaf.kind == "year term"]
    weight = next(name for name in yearly if name.startswith("weight_of_"))
    name = weight.removesuffix("_for_the_year")
    with_own = cap.with_practice_terms(model, own(name, "EX001", dated("2016-04", 0.9)))
    assert with_own.graph()[weight].dims[-2:] == ("practice", "year")
    found = run(with_own, six)[weight]
    assert found.sel(practice="EX001", year="2016/17").item() == 0.9
    common = run(model, six)[weight]
    assert np.array_equal(found.sel(practice="EX002").squeeze(), common.squeeze())


def test_several_practices_and_files_come_together(six):
    model = shipped(NATIONAL)
    for code in ("EX001", "EX003"):
        terms = own("monthly_list_growth", code, dated("2015-04", 0.02))
        model = cap.with_practice_terms(model, terms)
    result = run(model, six)
    grown = result["monthly_list_growth"].isel(month=0).values
    assert (grown == 0.02).tolist() == [True, False, True, False, False, False]


# ------------------------------------------------------------------------------- what is refused


def problems(call, *args) -> str:
    with pytest.raises(cap.InputError) as caught:
        call(*args)
    return "\n".join(str(problem) for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        (own("premium_share", "EX001", dated("2016-04", 1)), "there is no term 'premium_share'"),
        (own("premium_share_retained", "EX001"), "found no value"),
        (
            own("premium_share_retained", "EX001", dated("2016-04", 1), dated("2015-04", 1)),
            "in order of date",
        ),
        (
            own("premium_share_retained", "EX001", dated("2016-04", 60)),
            "practice EX001, from 2016-04-01: found 60 (allowed: from 0 to 1)",
        ),
        (own("gdp_deflator_june_2018", "EX001", dated("2016-04", 100)), "reads the term"),
    ],
)
def test_what_cannot_be_of_a_practice_is_said(terms, said):
    assert said in problems(cap.with_practice_terms, shipped(NATIONAL), terms)


def test_a_term_of_the_commissioner_cannot_be_of_a_practice():
    terms = own("reinvested_share", "EX001", dated("2016-04", 0.5))
    said = problems(cap.with_practice_terms, shipped(THAMES_VALLEY), terms)
    assert "'reinvested_share' is of the commissioner, not of a practice" in said


def test_a_practice_that_is_not_there_is_named(six):
    terms = own("monthly_list_growth", "EX020", dated("2015-04", 0.02))
    model = cap.with_practice_terms(shipped(NATIONAL), terms)
    assert "there is no practice EX020" in problems(run, model, six)


# -------------------------------------------------------------------------------- what is read


def read(tmp_path: Path, *lines: str, **named):
    path = tmp_path / "own.csv"
    path.write_text("\n".join(lines), "utf-8")
    return cap.read_practice_terms(path, **named)


def test_a_file_reads_to_dated_values_in_order(tmp_path, six):
    found = read(
        tmp_path,
        "Practice,Term,From,Value,Assumption",
        "ex001,premium_share_retained,2017-04,0.5,A four-year plan of its own",
        "EX001,premium_share_retained,Apr-16,0.75,",
        "EX099,premium_share_retained,2016-04,1,",
        "EX002,switched_to_gms,01/10/2016,1,",
        practices=six,
        known=["EX099"],
    )
    assert {name: list(by) for name, by in found.items()} == {
        "premium_share_retained": ["EX001"],
        "switched_to_gms": ["EX002"],
    }
    first, second = found["premium_share_retained"]["EX001"]
    assert (str(first.start), first.value, first.assumption) == (
        "2016-04-01",
        0.75,
        "Set for the practice in own.csv",
    )
    assert (second.written, second.assumption) == ("0.5", "A four-year plan of its own")
    assert str(found["switched_to_gms"]["EX002"][0].start) == "2016-10-01"


def test_everything_wrong_with_a_file_is_said_at_once(tmp_path, six):
    with pytest.raises(cap.InputError) as caught:
        read(
            tmp_path,
            "practice,term,from,value",
            "EX001,premium_share,2016-04,1",
            "EX077,premium_share_retained,2016-04,1",
            "EX001,premium_share_retained,2016-13,1",
            "EX001,premium_share_retained,2016-04,half",
            ",premium_share_retained,2016-04,1",
            "EX001,,2016-04,1",
            "EX002,premium_share_retained,2016-04,1",
            "EX002,premium_share_retained,2016-04,0.5",
            practices=six,
            terms=["premium_share_retained"],
        )
    said = "\n".join(str(problem) for problem in caught.value.problems)
    for expected in (
        "row 2",
        "there is no term 'premium_share'",
        "has no practice EX077",
        "expected a month",
        "expected a number",
        "expected a practice code",
        "expected the name of a term",
        "premium_share_retained of practice EX002 from 2016-04 is in row 8 too",
    ):
        assert expected in said


def test_a_practice_may_follow_a_named_schedule_until_its_next_row(tmp_path):
    found = read(
        tmp_path,
        "practice,term,from,value,schedule",
        "EX001,premium_share_retained,2017-07,,five-equal-years",
        "EX001,premium_share_retained,2016-04,6/7,",
        "EX001,premium_share_retained,2020-01,0.1,",
    )
    values = found["premium_share_retained"]["EX001"]
    assert [(f"{v.start:%Y-%m}", v.written) for v in values] == [
        ("2016-04", "6/7"),
        ("2017-07", "4/5"),
        ("2018-07", "3/5"),
        ("2019-07", "2/5"),
        ("2020-01", "0.1"),
    ]
    assert values[0].value == 6 / 7


def test_rows_that_cannot_be_read_or_concern_nobody_are_said(tmp_path, six):
    with pytest.raises(cap.InputError) as caught:
        read(
            tmp_path,
            "practice,term,from,value,schedule",
            "EX001,premium_share_retained,2016-04,,",
            "EX001,premium_share_retained,2017-04,1,two-years",
            "EX001,premium_share_retained,2018-04,,two-yaers",
        )
    said = "\n".join(str(problem) for problem in caught.value.problems)
    for expected in ("neither a value nor", "both a value and", "did you mean 'two-years'"):
        assert expected in said
    with pytest.raises(cap.InputError, match="no row is about a practice that is projected"):
        read(
            tmp_path,
            "practice,term,from,value",
            "EX040,premium_share_retained,2016-04,1",
            practices=six,
            known=["EX040"],
        )


def test_a_term_of_a_practice_cannot_begin_in_the_base_year(six):
    terms = own("premium_share_retained", "EX001", dated("2015-03", 0.5))
    model = cap.with_practice_terms(shipped(NATIONAL), terms)
    said = problems(run, model, six)
    assert "premium_share_retained of practice EX001 begins on 1 March 2015" in said


def test_a_file_without_values_says_so(tmp_path):
    with pytest.raises(cap.InputError, match='no column "value"'):
        read(tmp_path, "practice,term,from", "EX001,premium_share_retained,2016-04")


# ---------------------------------------------------------------------- workbook and explanation


def test_the_workbook_looks_terms_of_practices_up_and_an_explanation_cites_them(tmp_path, six):
    terms = {
        "premium_share_retained": {"EX002": (dated("2016-05", 0.9), dated("2016-10", 0.1))},
        "monthly_list_growth": {"EX001": (dated("2015-09", 0.01),)},
    }
    result = run(cap.with_practice_terms(shipped(THAMES_VALLEY), terms), six)
    book, _ = written_book(Content(result))
    cells = recalculated(stale_copy(book, tmp_path))
    saved = {
        cell: value
        for cell, value in book.values["Calculation"].items()
        if int(cell.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")) >= FIRST_ROW
    }
    found = [cells["Calculation"].get(cell, 0.0) for cell in saved]
    np.testing.assert_allclose(found, list(saved.values()), rtol=1e-12, atol=1e-6)
    calculation = book.workbook["Calculation"]
    row = next(
        row
        for row in calculation.iter_rows(max_col=30)
        if (row[0].value, row[1].value) == ("premium_share_retained", "EX002")
    )
    assert str(row[20].value).startswith("=IF(U$3<Terms!$D$")
    told = str(cap.explain(result, "premium_share_retained", practice="EX002", month="2016-11"))
    assert "0.1 from 1 October 2016" in told
    assert "Agreed with the practice." in told
    early = str(cap.explain(result, "premium_share_retained", practice="EX002", month="2016-04"))
    assert "Agreed with the practice." not in early
