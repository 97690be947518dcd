"""The pool of released premium, and recovery of overpayments: by hand, by law, against a twin."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import capitation as cap
from capitation.engine.calendar import months_from
from capitation.engine.terms import DatedValue
from capitation.model import Model
from capitation.practices import in_one_pool, select_commissioners
from capitation.projection import project

from .strategies import practices_of, shipped
from .tiny_models import tiny_model

laws = settings(deadline=None, max_examples=18)
NOTTINGHAMSHIRE = "nottinghamshire-recovery"
MONTHS = 27  # from April: two Marches, and some months after
A_PENNY = 0.005

STUBS = '''
from capitation.vocabulary import MONTHS_PER_YEAR, rule

@rule(unit="GBP/month", assumption="By hand.")
def premium_withdrawn(base_other_payments):
    """Given by the test."""
    return base_other_payments / MONTHS_PER_YEAR

@rule(unit="patient", assumption="By hand.")
def payment_weighted_list(base_weighted_list):
    """As in the base year."""
    return base_weighted_list

@rule(unit="GBP/month", assumption="By hand.")
def global_sum(base_global_sum):
    """As in the base year."""
    return base_global_sum / MONTHS_PER_YEAR

@rule(unit="GBP/month", assumption="By hand.")
def london_payment(base_premises):
    """As in the base year."""
    return base_premises / MONTHS_PER_YEAR

@rule(unit="1", assumption="By hand.")
def out_of_hours_kept(london_practice):
    """Nobody did."""
    return 0 * london_practice

@rule(unit="GBP/month", assumption="By hand.")
def core_income(base_qof):
    """Given by the test."""
    return base_qof / MONTHS_PER_YEAR
'''


def own_model(folder: Path, rules: Sequence[str], *streams: str, **changes: Any) -> Model:
    """A model of shipped rules, with stubs for what they read of others."""
    (folder / "stubs.py").write_text(STUBS, encoding="utf-8")
    given = {"simulation": None, "scenarios": {"as-is": {}}, "terms": {}, "months": MONTHS}
    return tiny_model(folder, rules, streams=streams, **(given | changes))


@pytest.fixture(scope="module")
def pool_model(tmp_path_factory):
    return own_model(
        tmp_path_factory.mktemp("pool"), ["stubs.py", "reinvestment"], "premium_reinvested"
    )


@pytest.fixture(scope="module")
def recovery_model(tmp_path_factory):
    return own_model(
        tmp_path_factory.mktemp("recovery"), ["stubs.py", "recovery"], "overpayment_recovery"
    )


def dated(model: Model, **values: Mapping[int, float] | float) -> Model:
    """The model with terms that take other values from so many months after its start."""
    terms = {}
    for name, value in values.items():
        by_month = value if isinstance(value, Mapping) else {0: value}
        first = {dt.date(2013, 4, 1): by_month.get(0, 0.0)}
        starts = months_from(model.start, MONTHS)
        rows = first | {starts[month]: figure for month, figure in by_month.items()}
        terms[name] = replace(
            model.terms[name],
            values=tuple(DatedValue(day, float(v), str(v), "", "x") for day, v in rows.items()),
        )
    return replace(model, terms=model.terms | terms)


def own_terms(model: Model, term: str, **by_practice: Mapping[int, float]) -> Model:
    """The model with values of a term for single practices, from so many months after the start."""
    starts = months_from(model.start, MONTHS)
    values = {
        code: tuple(DatedValue(starts[m], float(v), str(v), "", "x") for m, v in rows.items())
        for code, rows in by_practice.items()
    }
    return cap.with_practice_terms(model, {term: values})


def by_month(practices: xr.Dataset, values: Any) -> xr.DataArray:
    """Values of practices and months, as `project` takes them."""
    months = np.array(months_from(dt.date(2015, 4, 1), MONTHS), dtype="datetime64[ns]")
    array = np.broadcast_to(np.asarray(values, dtype=float), (practices.sizes["practice"], MONTHS))
    coordinates = {"practice": practices["practice"].values, "month": months}
    return xr.DataArray(array, coordinates, ("practice", "month"))


# ---------------------------------------------------------------------------------- the pool

pence = st.integers(0, 10_000_000).map(lambda amount: amount / 100)
shares = st.sampled_from([0.0, 0.25, 1 / 3, 0.9, 1.0])


@st.composite
def pools(draw: st.DrawFn) -> tuple[xr.Dataset, dict[str, xr.DataArray]]:
    """Practices of two commissioners, what each releases month by month, and who takes part."""
    rows = draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "weighted_list": st.one_of(st.just(0.0), st.integers(1, 30_000).map(float)),
                    "commissioner": st.sampled_from(["C1", "C2"]),
                    "contract_type": st.sampled_from(["GMS", "PMS", "APMS"]),
                    "start": pence,
                    "uptake": st.sampled_from([0.0, 0.5, 1.0]),
                }
            ),
            min_size=1,
            max_size=5,
        )
    )
    practices = practices_of(rows)
    carried = ("practice", np.array([row["start"] for row in rows]))
    practices = practices.assign(pool_brought_forward_by_practice=carried)
    several = st.lists(pence, min_size=len(rows), max_size=len(rows))
    moments = sorted(draw(st.sets(st.integers(1, MONTHS - 1), max_size=3)))
    releases = np.zeros((len(rows), MONTHS))
    for month in [0, *moments]:  # released at so much until the next of these months
        releases[:, month:] = np.array(draw(several))[:, None]
    taking = np.array([row["uptake"] * row["weighted_list"] for row in rows])[:, None]
    return practices, {
        "premium_withdrawn": by_month(practices, releases),
        "list_taking_part": by_month(practices, taking),
    }


def pool_terms(model: Model, paid_out: float, carried: float) -> Model:
    return dated(model, reinvested_share=paid_out, carried_share_at_year_end=carried)


def pool_by_hand(
    releases: np.ndarray,
    taking_part: float,
    everyone: float,
    share: float,
    kept: float,
    start: float,
) -> dict[str, list[Decimal]]:
    """The commissioner's pool as one would keep it on paper, in exact decimals."""
    pool = Decimal(start)
    book: dict[str, list[Decimal]] = {"pool_reinvested": [], "pool_unspent": [], "pool": []}
    part = Decimal(taking_part) / Decimal(everyone) if everyone else Decimal(0)
    for month in range(MONTHS):
        pool += sum((Decimal(amount) for amount in releases[:, month].tolist()), Decimal(0))
        paid = pool * Decimal(share) * part
        pool -= paid
        lapsed = pool * (1 - Decimal(kept)) if month % 12 == 11 else Decimal(0)
        pool -= lapsed
        for name, amount in (("pool_reinvested", paid), ("pool_unspent", lapsed), ("pool", pool)):
            book[name].append(amount)
    return book


@laws
@given(pools(), shares, shares)
def test_released_is_reinvested_carried_or_unspent_to_the_penny(pool_model, case, paid_out, kept):
    practices, given_values = case
    result = project(pool_terms(pool_model, paid_out, kept), practices, given=given_values)
    areas = practices["commissioner"].values.astype(str)
    for code in set(areas):
        own = np.flatnonzero(areas == code)
        here = result.sel(commissioner_code=code)
        book = pool_by_hand(
            given_values["premium_withdrawn"].values[own],
            float(given_values["list_taking_part"].values[own, 0].sum()),
            float(practices["weighted_list"].values[own].sum()),
            paid_out,
            kept,
            float(practices["pool_brought_forward_by_practice"].values[own].sum()),
        )
        pool = here["reinvestment_pool"].values
        for name, values in (
            ("pool", pool),
            ("pool_reinvested", here["pool_reinvested"].values),
            ("pool_unspent", here["pool_unspent"].values),
        ):
            assert values == pytest.approx([float(amount) for amount in book[name]], abs=A_PENNY)
            assert (values >= 0).all()
        before = np.concatenate([[here["pool_brought_forward"].item()], pool[:-1]])
        left = (before + here["premium_released"] - here["pool_reinvested"]).values
        assert left - here["pool_unspent"].values == pytest.approx(pool, abs=1e-6)
        # Every penny that the pool pays goes to a practice that takes part.
        to_practices = result["premium_reinvested"].values[own].sum(axis=0)
        assert to_practices == pytest.approx(here["pool_reinvested"].values, abs=1e-6)
    takes_none = given_values["list_taking_part"].values == 0
    assert (result["premium_reinvested"].values[takes_none] == 0).all()


@laws
@given(pools(), shares)
def test_nothing_is_carried_where_all_take_part_and_all_is_paid_out(pool_model, case, kept):
    practices, given_values = case
    released = {"premium_withdrawn": given_values["premium_withdrawn"]}
    result = project(pool_terms(pool_model, 1, kept), practices, given=released)
    someone = result["commissioner_weighted_list"] > 0
    assert (result["reinvestment_pool"].where(someone, 0) == 0).all()
    assert (result["pool_unspent"].where(someone, 0) == 0).all()


@laws
@given(pools(), shares, shares, st.randoms(use_true_random=False))
def test_a_pool_knows_no_order_and_no_currency(pool_model, case, paid_out, kept, chance):
    practices, given_values = case
    model = pool_terms(pool_model, paid_out, kept)
    result = project(model, practices, given=given_values)["premium_reinvested"]
    order = list(range(practices.sizes["practice"]))
    chance.shuffle(order)
    shuffled = {name: array.isel(practice=order) for name, array in given_values.items()}
    other = project(model, practices.isel(practice=order), given=shuffled)["premium_reinvested"]
    xr.testing.assert_identical(other, result.isel(practice=order))
    fourfold = practices.assign(
        pool_brought_forward_by_practice=4 * practices["pool_brought_forward_by_practice"]
    )
    more = given_values | {"premium_withdrawn": 4 * given_values["premium_withdrawn"]}
    assert (project(model, fourfold, given=more)["premium_reinvested"] == 4 * result).all()


@laws
@given(pools(), shares, shares, st.integers(0, MONTHS - 1), pence)
def test_a_release_changes_no_month_before_it_and_no_other_commissioner(
    pool_model, case, paid_out, kept, month, amount
):
    practices, given_values = case
    model = pool_terms(pool_model, paid_out, kept)
    before = project(model, practices, given=given_values)
    later = given_values["premium_withdrawn"].copy(deep=True)
    later.values[0, month:] += amount
    after = project(model, practices, given=given_values | {"premium_withdrawn": later})
    earlier = slice(0, month)
    for name in ("premium_reinvested", "reinvestment_pool", "pool_unspent"):
        xr.testing.assert_identical(
            after[name].isel(month=earlier), before[name].isel(month=earlier)
        )
    elsewhere = practices["commissioner"].values != practices["commissioner"].values[0]
    same = [result["premium_reinvested"].values[elsewhere] for result in (before, after)]
    assert (same[0] == same[1]).all()


@laws
@given(pools(), shares, shares)
def test_who_takes_part_gets_more_and_nobody_else_does(pool_model, case, paid_out, kept):
    practices, given_values = case
    practices = practices.assign_coords(
        commissioner=("practice", ["C1"] * practices.sizes["practice"])
    )
    model = pool_terms(pool_model, paid_out, kept)
    first = given_values["list_taking_part"].copy(deep=True)
    first.values[0] = practices["weighted_list"].values[0]
    less = project(model, practices, given=given_values)
    more = project(model, practices, given=given_values | {"list_taking_part": first})
    for name, sign in (("premium_reinvested", 1), ("reinvestment_pool", -1), ("pool_unspent", -1)):
        gained = sign * (more[name] - less[name]).cumsum("month")
        if name == "premium_reinvested":
            assert (gained.isel(practice=0) >= -1e-6).all()
            assert (gained.isel(practice=slice(1, None)) <= 1e-6).all()
            gained = gained.sum("practice")
        assert (gained >= -1e-6).all()


def test_a_pool_that_not_all_take_part_in_by_hand(pool_model):
    # £12,000 a month; half of the list takes part, so half of what the pool has goes out
    practices = practices_of(
        [
            {"weighted_list": 6000, "other_payments": 144_000, "contract_type": "PMS"},
            {"weighted_list": 3000, "contract_type": "GMS"},
            {"weighted_list": 9000, "contract_type": "APMS"},
        ]
    )
    taking = by_month(practices, np.array([[6000], [3000], [0]]))
    model = dated(pool_model, carried_share_at_year_end=0.5)
    result = project(model, practices, given={"list_taking_part": taking})
    area = result.sel(commissioner_code="C1")
    assert area["pool_reinvested"].values[:3] == pytest.approx([6000, 9000, 10_500])
    assert area["reinvestment_pool"].values[:3] == pytest.approx([6000, 9000, 10_500])
    assert result["premium_reinvested"].values[:, 1] == pytest.approx([6000, 3000, 0])
    # After twelve months the pool would be £12,000 × (1 − 1/4096); half of it lapses in March
    left = 12_000 * (1 - 2**-12)
    assert area["pool_unspent"].values[10:13] == pytest.approx([0, left / 2, 0])
    assert area["reinvestment_pool"].values[11] == pytest.approx(left / 2)
    assert area["pool_reinvested"].values[12] == pytest.approx((left / 2 + 12_000) / 2)


def test_services_are_taken_up_by_one_practice_from_a_month_on(pool_model):
    practices = practices_of(
        [
            {"practice": "A", "weighted_list": 6000, "other_payments": 12_000},
            {"practice": "B", "weighted_list": 2000},
        ]
    )
    model = own_terms(dated(pool_model, services_taken_up=0), "services_taken_up", B={3: 1})
    result = project(model, practices)
    # £4,000 by then; a quarter of the list takes part, and of £3,000 and £1,000 the month after
    assert result["premium_reinvested"].values[0].tolist() == [0] * MONTHS
    assert result["premium_reinvested"].values[1, :5].tolist() == [0, 0, 0, 1000, 1000]


def test_what_is_not_taken_up_is_offered_to_all_again_the_month_after(pool_model):
    lists = {"weighted_list": 6000}
    practices = practices_of([{"practice": "A", **lists}, {"practice": "B", **lists}])
    released = by_month(practices, 0).copy(deep=True)
    released[0, 0] = 12_000  # once
    given_values = {"premium_withdrawn": released}
    everyone = project(pool_model, practices, given=given_values)["premium_reinvested"].values
    assert everyone[:, :2].tolist() == [[6000, 0], [6000, 0]]
    # Without B, A gets no more in the month of the release, and all of it in the end
    waits = own_terms(pool_model, "services_taken_up", B={0: 0})
    alone = project(waits, practices, given=given_values)["premium_reinvested"].values
    assert alone[0, :4].tolist() == [6000, 3000, 1500, 750]
    assert not alone[1].any()
    assert alone.sum() == pytest.approx(12_000, abs=A_PENNY)
    # B joins in the third month, and has its part of what is left by then
    joins = own_terms(pool_model, "services_taken_up", B={0: 0, 2: 1})
    later = project(joins, practices, given=given_values)["premium_reinvested"].values
    assert later[:, :4].tolist() == [[6000, 3000, 1500, 0], [0, 0, 1500, 0]]


# ------------------------------------------------------------------- one pool of several CCGs


def test_one_pool_of_all_commissioners_pays_by_the_whole_list(pool_model):
    practices = practices_of(
        [
            {"weighted_list": 6000, "other_payments": 36_000, "commissioner": "01A"},
            {"weighted_list": 3000, "commissioner": "02B"},
        ]
    )
    apart = project(pool_model, practices)
    assert apart["premium_reinvested"].values[:, 0].tolist() == [3000, 0]
    pooled = in_one_pool(practices, "Both", {"01A", "02B"})
    assert pooled["own_commissioner"].values.tolist() == ["01A", "02B"]
    together = project(pool_model, pooled)
    assert together["commissioner_code"].values.tolist() == ["Both"]
    assert together["premium_reinvested"].values[:, 0] == pytest.approx([2000, 1000])


def test_a_pool_that_not_all_commissioners_agree_to_is_refused_and_all_told_at_once():
    practices = practices_of([{"commissioner": code} for code in ("01A", "02B", "02B", "03C")])
    with pytest.raises(cap.InputError) as caught:
        in_one_pool(practices, " ", ["01A", "01B"])
    said = [str(problem) for problem in caught.value.problems]
    assert len(said) == 4
    assert "it has no name" in said[0]
    assert "commissioner 02B has not agreed" in said[1]
    assert "commissioner 03C has not agreed" in said[2]
    assert "no practice of commissioner '01B' in rows.csv" in said[3]


# ------------------------------------------------------------------------------ overpayments


def recovery_by_hand(
    overpaid: Sequence[float],
    claimed_from: int,
    found_from: int,
    fraction: float,
    instalments: int,
    caps: Sequence[float],
    start: tuple[float, float, float],
) -> dict[str, list[Decimal]]:
    """The same as on paper: each claim raises the sum that is paid until nothing is owed."""
    hidden, owed, agreed = (Decimal(amount) for amount in start)
    names = ("recovered", "owed", "hidden", "waived", "not claimed")
    book: dict[str, list[Decimal]] = {name: [] for name in names}
    for month, amount in enumerate(map(Decimal, overpaid)):
        too_old = amount if month < claimed_from else Decimal(0)
        hidden += amount - too_old
        if owed == 0:
            agreed = Decimal(0)
        waived = Decimal(0)
        if month >= found_from:
            waived = hidden * (1 - Decimal(fraction))
            owed += hidden - waived
            agreed += (hidden - waived) / instalments
            hidden = Decimal(0)
        due = owed if owed - agreed <= Decimal("0.01") else agreed
        taken = min(due, Decimal(caps[month]))
        owed -= taken
        for name, value in zip(names, (taken, owed, hidden, waived, too_old), strict=True):
            book[name].append(value)
    return book


@st.composite
def errors(draw: st.DrawFn) -> dict[str, Any]:
    """An error of some months, found in one of them, and how it is recovered."""
    begins, ends = sorted(draw(st.lists(st.integers(0, MONTHS), min_size=2, max_size=2)))
    amount = draw(pence)
    overpaid = np.zeros(MONTHS)
    overpaid[begins:ends] = amount
    months = st.integers(1, MONTHS - 1)
    return {
        "overpaid": overpaid,
        "claimed_from": draw(st.one_of(st.just(0), months)),
        "found_from": draw(months),
        "fraction": draw(st.sampled_from([0.0, 0.5, 0.9, 1.0])),
        "instalments": draw(st.sampled_from([1, 3, 10, 36])),
        "most": draw(st.sampled_from([0.0, 0.1, 1.0])),
        "income": draw(pence),
        "start": draw(st.sampled_from([(0.0, 0.0, 0.0), (1234.56, 0.0, 0.0), (0.0, 999.9, 33.33)])),
    }


def recovered(model: Model, case: Mapping[str, Any]) -> xr.Dataset:
    start = dict(
        zip(
            ("overpayment_not_found_at_start", "overpayment_owed_at_start",
             "recovery_instalment_at_start"),
            case["start"],
            strict=True,
        )
    )  # fmt: skip
    practices = practices_of([{"qof": case["income"] * 12}])
    practices = practices.assign({name: ("practice", [value]) for name, value in start.items()})
    asked = dated(
        model,
        overpayment_claimed={0: 1.0}
        if case["claimed_from"] == 0
        else {0: 0, case["claimed_from"]: 1},
        overpayment_found={0: 0, case["found_from"]: 1},
        recovered_fraction=case["fraction"],
        recovery_instalments=case["instalments"],
        most_recovered_share=case["most"],
    )
    given_values = {"overpayment": by_month(practices, case["overpaid"])}
    return project(asked, practices, given=given_values).isel(practice=0)


@laws
@given(errors())
def test_overpaid_is_recovered_owed_hidden_waived_or_not_claimed_to_the_penny(recovery_model, case):
    result = recovered(recovery_model, case)
    cap_of_month = case["most"] * case["income"]
    arguments = ("overpaid", "claimed_from", "found_from", "fraction", "instalments", "start")
    of_case = {name: case[name] for name in arguments}
    book = recovery_by_hand(**of_case, caps=[cap_of_month] * MONTHS)
    found = {
        "recovered": result["overpayment_recovered"].values,
        "owed": result["overpayment_owed"].values,
        "hidden": result["overpayment_not_yet_found"].values,
        "waived": result["overpayment_waived"].values,
        "not claimed": result["overpayment_not_claimed"].values,
    }
    for name, values in found.items():
        # A penny left over may go with this month's instalment in one book, with the next's in
        # the other.
        assert values == pytest.approx([float(amount) for amount in book[name]], abs=0.011), name
        assert (values >= 0).all(), name
    flows = sum(found[name].cumsum() for name in ("recovered", "waived", "not claimed"))
    at_start = case["start"][0] + case["start"][1]
    overpaid = case["overpaid"].cumsum() + at_start
    assert flows + found["owed"] + found["hidden"] == pytest.approx(overpaid, abs=1e-5)
    assert (found["recovered"] <= cap_of_month + 1e-9).all()
    assert (result["total_payments"] == -found["recovered"]).all()


@laws
@given(errors())
def test_nothing_new_is_recovered_before_it_is_found_and_all_of_it_in_the_months_agreed(
    recovery_model, case
):
    case = case | {"most": 1.0, "income": 1e9, "start": (1234.56, 0.0, 0.0), "claimed_from": 0}
    result = recovered(recovery_model, case)
    found_from, instalments = case["found_from"], case["instalments"]
    assert (result["overpayment_recovered"].values[:found_from] == 0).all()
    last = np.flatnonzero(case["overpaid"]).max(initial=0)
    clear = max(found_from, int(last)) + instalments - 1
    if clear < MONTHS:
        assert (result["overpayment_owed"].values[clear:] == 0).all()
        taken = result["overpayment_recovered"].sum().item()
        expected = case["fraction"] * (case["overpaid"].sum() + 1234.56)
        assert taken == pytest.approx(expected, abs=A_PENNY)


@laws
@given(errors(), st.integers(0, MONTHS - 1), pence)
def test_an_error_changes_no_month_before_it(recovery_model, case, month, amount):
    before = recovered(recovery_model, case)
    overpaid = case["overpaid"].copy()
    overpaid[month:] += amount
    after = recovered(recovery_model, case | {"overpaid": overpaid})
    for name in ("overpayment_recovered", "overpayment_owed", "overpayment_not_yet_found"):
        assert (after[name].values[:month] == before[name].values[:month]).all()


@laws
@given(errors())
def test_four_times_the_error_is_four_times_the_recovery(recovery_model, case):
    once = recovered(recovery_model, case)
    fourfold = {name: 4 * np.array(case[name]) for name in ("overpaid", "income", "start")}
    more = recovered(recovery_model, case | fourfold)
    for name in ("overpayment_recovered", "overpayment_owed", "overpayment_waived"):
        assert more[name].values == pytest.approx(4 * once[name].values, abs=0.05)


# ------------------------------------------------------------- Nottinghamshire's missed deduction

UPLIFT_OWED = """
[input.uplift_owed_at_start]
unit = "GBP"
value = 0
assumption = "By hand."

[sum.core_income]
of = ["global_sum"]
"""


@pytest.fixture(scope="module")
def missed_deduction(tmp_path_factory):
    """A GMS practice whose deduction was missed from April 2020 to September 2023."""
    on_and_off = {"2013-04-01": 0, "2020-04-01": 1, "2023-10-01": 0}
    return own_model(
        tmp_path_factory.mktemp("missed"),
        ["lists", "global_sum", "recovery"],
        "global_sum",
        "overpayment",
        "overpayment_recovery",
        terms={
            "monthly_list_growth": ("1", 0),
            "deduction_missed": ("1", on_and_off),
            "overpayment_found": ("1", {"2013-04-01": 0, "2023-10-01": 1}),
            "recovery_instalments": ("1", 10),
        },
        scenarios={
            "found": {},
            "missed-on": {"deduction_missed": {"2013-04-01": 0, "2020-04-01": 1}},
            "capped": {"most_recovered_share": 0.1},
            "two-years": {"overpayment_claimed": {"2013-04-01": 0, "2021-10-01": 1}},
            "waived": {"recovered_fraction": 0.25},
        },
        more=UPLIFT_OWED,
    )


def test_a_missed_deduction_by_hand(missed_deduction):
    practices = practices_of([{"weighted_list": 7000, "registered_list": 7000}], "2018/19")
    result = project(missed_deduction, practices, months=66, start="2020-04").isel(practice=0)
    once = result.sel(scenario="found")
    # 7,000 patients: £93.46 × 4.76%, £96.78 and £99.70 × 4.75%, and half a year of the £102.28
    # that was in payment × 4.75%: £16.21 each
    by_year = once["overpayment"].groupby("fiscal_year").sum().values
    assert by_year[:4] == pytest.approx([31_140.87, 32_179.35, 33_150.25, 17_004.05], abs=A_PENNY)
    assert not by_year[4:].any()
    claim = 113_474.52
    recovery = once["overpayment_recovered"].values
    assert recovery[42:52] == pytest.approx([claim / 10] * 10, abs=A_PENNY)
    assert recovery[:42].sum() == recovery[52:].sum() == once["overpayment_owed"][-1] == 0
    # October 2023 is £104.73 ÷ 12 less 4.75% for 7,000, with arrears of six months at £2.45
    october = 7000 * (104.73 + 6 * 2.45) * 0.9525 / 12
    assert once["total_payments"].values[42] == pytest.approx(october - claim / 10, abs=A_PENNY)
    # Missed in October too, the arrears are too high as well: 4.75% of £104.73 all year
    on = result.sel(scenario="missed-on")["overpayment"].groupby("fiscal_year").sum().values
    assert on[3] == pytest.approx(104.73 * 0.0475 * 7000, abs=A_PENNY)
    # A tenth of October is £6,634.72, above nothing but under the instalment
    capped = result.sel(scenario="capped")["overpayment_recovered"].values
    assert capped[42] == pytest.approx(0.1 * october, abs=A_PENNY)
    assert capped.sum() == pytest.approx(claim, abs=A_PENNY)
    late = result.sel(scenario="two-years")
    old = 31_140.87 + 32_179.35 / 2
    assert late["overpayment_not_claimed"].sum().item() == pytest.approx(old, abs=0.02)
    assert late["overpayment_recovered"].sum().item() == pytest.approx(claim - old, abs=0.02)
    waived = result.sel(scenario="waived")
    assert waived["overpayment_waived"].sum().item() == pytest.approx(0.75 * claim, abs=0.01)
    assert waived["overpayment_recovered"].sum().item() == pytest.approx(claim / 4, abs=0.01)


def test_a_practices_own_terms_say_who_was_overpaid_and_since_when():
    nobody = cap.with_terms(shipped(NOTTINGHAMSHIRE), {"deduction_missed": 0})
    lists = {"weighted_list": 9000, "registered_list": 9000}
    practices = practices_of(
        [
            {"practice": "A", "contract_type": "PMS", **lists},
            {"practice": "B", "contract_type": "PMS", **lists},
            {"practice": "C", "contract_type": "GMS", **lists},
        ],
        "2018/19",
    )
    assert not project(nobody, practices)["overpayment"].any()
    # From the 13th month, B's move, to the 24th
    one = own_terms(nobody, "deduction_missed", B={12: 1, 24: 0})
    overpaid = project(one, practices)["overpayment"]
    assert (overpaid > 0).sum("month").values.tolist() == [0, 12, 0]
    everyone = project(shipped(NOTTINGHAMSHIRE), practices)["overpayment"]
    assert (everyone > 0).sum("month").values.tolist() == [42, 42, 0]
    assert (overpaid.sel(practice="B")[12:24] == everyone.sel(practice="B")[12:24]).all()


def test_the_published_claims_are_what_the_rules_give(reference_data):
    model = shipped(NOTTINGHAMSHIRE)
    payments = cap.read_payments(reference_data / "gp_payments_2018_19.csv")
    practices = select_commissioners(payments, list(model.commissioners))
    result = project(model, practices)
    claims = result["overpayment"].sum("month")
    # Two of the sixteen were named, with £174,000 and £108,000: both PMS in 2018/19. Lists after
    # April 2020 are the model's guess.
    for code, published in (("C84683", 174_000), ("C84619", 108_000)):
        assert claims.sel(practice=code).item() == pytest.approx(published, rel=0.06)
    # £20,000 to £300,000 were published of sixteen; of all that were PMS, one would owe more.
    of_pms = claims.values[claims.values > 0]
    assert len(of_pms) == 56
    assert (of_pms >= 20_000).all()
    assert (of_pms > 300_000).sum() == 1
    assert (result["overpayment_owed"].isel(month=-1) == 0).all()
    with_cap = result.sel(scenario="three-years-capped")
    core = with_cap["core_income"].transpose(*with_cap["overpayment_recovered"].dims)
    assert (with_cap["overpayment_recovered"] <= 0.05 * core + 1e-9).all()
    kept = result.sel(scenario="two-years-back")["overpayment_not_claimed"].sum()
    taken = result["overpayment_recovered"].sum(["practice", "month"])
    assert float(taken.sel(scenario="at-once")) == pytest.approx(float(of_pms.sum()))
    assert float(taken.sel(scenario="two-years-back") + kept) == pytest.approx(float(of_pms.sum()))
