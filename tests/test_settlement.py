"""Settlement: by hand, against exact twins, and by its own laws."""

from __future__ import annotations

import datetime as dt
import functools
import json
import random
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from math import floor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from capitation.cash_calendar import national_calendar, read_cash_calendar
from capitation.cli.settlement_summary import summary_of, words_of, write_payments
from capitation.engine.calendar import fiscal_year, months_from, months_of
from capitation.engine.terms import DatedValue
from capitation.errors import InputError
from capitation.example import example_practices
from capitation.practice_terms import with_practice_terms
from capitation.projection import project
from capitation.settlement import settle, to_pence
from capitation.successors import read_successors, split
from capitation.vocabulary import round_to_pence
from capitation.what_if import with_terms

from .strategies import BOLTON, EASTERN_CHESHIRE, NATIONAL, practice_sets, practices_of, shipped

ROW = {
    "registered_list": 12_000,
    "weighted_list": 12_000,
    "global_sum": 830_000,
    "seniority": 6_000,
    "qof": 12_000,
    "local_schemes": 2_400,
}


def run_of(*rows: dict[str, Any], start: str = "2015-04", months: int = 24) -> xr.Dataset:
    """A projection of lists that do not grow, from the year before its first month."""
    first = dt.date.fromisoformat(f"{start}-01")
    before = fiscal_year(dt.date(first.year - 1, first.month, 1))
    practices = practices_of([ROW | row for row in rows] or [ROW], before)
    model = with_terms(shipped(NATIONAL), {"monthly_list_growth": 0})
    return project(model, practices, months=months, start=start)


@functools.cache
def plain_run(count: int = 1, start: str = "2015-04", months: int = 24) -> xr.Dataset:
    return run_of(*[{}] * count, start=start, months=months)


def with_amounts(result: xr.Dataset, **amounts: Any) -> xr.Dataset:
    """The same result, with amounts of streams [GBP/month] in place of those projected."""
    shape = (result.sizes["practice"], result.sizes["month"])
    values = {name: np.broadcast_to(np.array(a, float), shape) for name, a in amounts.items()}
    dims = ("practice", "month")
    return result.assign({n: (dims, v, result[n].attrs) for n, v in values.items()})


def of(settled: xr.Dataset, name: str, stream: str, practice: int = 0) -> list[int]:
    chosen = settled[name].sel(stream=stream).isel(scenario=0, practice=practice)
    return chosen.values.tolist()


def net(settled: xr.Dataset) -> np.ndarray:
    """Owed less overpaid, before the first month and at each month's end."""
    opening = (settled["opening_creditor"] - settled["opening_debtor"]).values
    owed = (settled["creditor"] - settled["debtor"]).values
    return np.concatenate([opening[..., None], owed], axis=-1)


# ------------------------------------------------------------------------------------- rounding


def a_million_amounts() -> np.ndarray:
    """Amounts as rules make them: twelfths, prices times lists, and halves of a penny."""
    chance = np.random.default_rng(2015)
    pence = chance.integers(-100_000_000, 100_000_000, 400_000) / 100
    lists = chance.integers(1, 40_000, 300_000).astype(float)
    prices = chance.integers(1, 20_000, 300_000) / 100
    halves = (chance.integers(-10_000_000, 10_000_000, 300_000) * 10 + 5) / 1000
    return np.concatenate([pence / 12, lists * prices * (1 - 0.0539) / 12, halves])


def test_a_million_amounts_are_rounded_as_fifteen_digits_are() -> None:
    amounts = a_million_amounts()
    cent = Decimal("0.01")
    exact = [
        int(Decimal(f"{amount:.15g}").quantize(cent, ROUND_HALF_UP).scaleb(2))
        for amount in amounts.tolist()
    ]
    assert len(exact) == 1_000_000
    assert to_pence(amounts).tolist() == exact


def test_it_is_round_to_pence_to_the_last_bit() -> None:
    amounts = np.concatenate([a_million_amounts()[::10], [0.0, -0.0, 1e12 + 0.015, 5e-324]])
    one_by_one = np.array([round_to_pence(amount) for amount in amounts.tolist()])
    assert (to_pence(amounts) / 100.0 == one_by_one).all()


@given(st.integers(-(10**11), 10**11), st.integers(-2, 2))
def test_half_a_penny_goes_away_from_nothing_even_if_bits_fall_short(
    tenths: int, ulps: int
) -> None:
    amount = (tenths * 10 + 5) / 1000
    for _ in range(abs(ulps)):
        amount = float(np.nextafter(amount, amount * 2 if ulps > 0 else 0.0))
    away = tenths + 1 if tenths >= 0 else tenths
    assert to_pence(amount).item() == away


# --------------------------------------------------------------------------------- streams by hand


def test_qof_is_paid_on_aspiration_and_the_balance_in_june() -> None:
    settled = settle(with_amounts(plain_run(), qof=1_100))
    # 70% of £12,000 in twelfths is £700; June adds the 30% of the base year.
    first = [70_000] * 2 + [430_000] + [70_000] * 9
    # 70% of £13,200 in twelfths is £770; June adds £13,200 less £8,400.
    assert of(settled, "paid", "qof") == first + [77_000] * 2 + [557_000] + [77_000] * 9
    assert of(settled, "accrued", "qof") == [110_000] * 24
    assert of(settled, "opening_creditor", "qof") == 360_000
    assert of(settled, "creditor", "qof")[:3] == [400_000, 440_000, 120_000]
    assert of(settled, "creditor", "qof")[11] == 480_000


def test_aspiration_is_eighty_per_cent_from_2024() -> None:
    settled = settle(with_amounts(plain_run(start="2023-04"), qof=1_000))
    paid = of(settled, "paid", "qof")
    assert (paid[0], paid[12]) == (70_000, 80_000)
    assert (paid[2], paid[14]) == (70_000 + 360_000, 80_000 + 360_000)


def test_an_aspiration_above_what_was_achieved_is_a_debtor_and_recovered_in_june() -> None:
    settled = settle(with_amounts(plain_run(), qof=500))
    # £6,000 was achieved, £8,400 paid on aspiration.
    assert of(settled, "debtor", "qof")[11] == 240_000
    assert of(settled, "creditor", "qof")[11] == 0
    assert of(settled, "paid", "qof")[14] == 35_000 - 240_000


def test_a_run_from_october_takes_the_months_before_it_as_in_the_base_year() -> None:
    result = with_amounts(run_of(start="2015-10", months=12), qof=1_100, local_schemes=200)
    settled = settle(result)
    # April to September earned £1,000 and were paid £700 each; the base year's June has gone by.
    assert of(settled, "opening_creditor", "qof") == 180_000
    # June 2016: £6,000 and £6,600, less £8,400.
    assert of(settled, "paid", "qof")[8] == 420_000 + of(settled, "paid", "qof")[7]
    assert of(settled, "paid", "qof")[:6] == [70_000] * 6


def test_what_stands_between_base_year_and_start_is_noted() -> None:
    practices = practices_of([ROW], "2014/15")
    result = project(shipped(NATIONAL), practices, months=3, start="2016-04")
    notes = json.loads(settle(result).attrs["notes"])
    assert any("The run starts in April 2016, not right after 2014/15" in note for note in notes)
    assert not json.loads(settle(plain_run()).attrs["notes"])


def test_seniority_is_earned_in_thirds_of_its_quarter() -> None:
    amounts = [0, 0, 100.0, 0, 0, 70.0] + [0] * 18
    settled = settle(with_amounts(plain_run(), seniority=amounts))
    assert of(settled, "paid", "seniority")[:6] == [0, 0, 10_000, 0, 0, 7_000]
    assert of(settled, "accrued", "seniority")[:6] == [3_333, 3_334, 3_333, 2_333, 2_334, 2_333]
    assert of(settled, "creditor", "seniority")[:6] == [3_333, 6_667, 0, 2_333, 4_667, 0]


def test_a_quarter_that_the_run_begins_or_ends_in() -> None:
    amounts = [30.0, 0, 0, 60.0, 0]
    settled = settle(with_amounts(run_of(start="2015-06", months=5), seniority=amounts))
    assert of(settled, "opening_creditor", "seniority") == 2_000
    assert of(settled, "accrued", "seniority") == [1_000, 2_000, 2_000, 2_000, 2_000]
    assert of(settled, "creditor", "seniority")[-1] == 2_000
    assert "taken as in the quarter before" in settled.attrs["notes"]


def test_a_quarter_cut_off_in_a_new_year_is_taken_as_the_one_before() -> None:
    amounts = [0, 0, 30.0] * 4 + [0.0]
    settled = settle(with_amounts(run_of(months=13), seniority=amounts))
    assert of(settled, "accrued", "seniority") == [1_000] * 13
    amounts = [0.0, 0.0]
    settled = settle(with_amounts(run_of(months=2), seniority=amounts))
    assert of(settled, "accrued", "seniority") == [0, 0]


def test_no_seniority_is_owed_once_it_has_ended() -> None:
    settled = settle(run_of(start="2019-04", months=13))
    assert of(settled, "creditor", "seniority")[-2:] == [0, 0]
    assert of(settled, "accrued", "seniority")[-2] > 0
    timing = settled["timing"].sel(stream="seniority").item()
    assert timing == "at the quarter's end, from 2020/21 in the month"


def test_local_schemes_follow_a_month_later() -> None:
    settled = settle(with_amounts(plain_run(), local_schemes=np.arange(24.0)))
    assert of(settled, "paid", "local_schemes") == [20_000, *(100 * n for n in range(23))]
    assert of(settled, "opening_creditor", "local_schemes") == 20_000
    assert of(settled, "creditor", "local_schemes") == [100 * n for n in range(24)]


def test_a_calendar_of_ones_own_stands_over_the_national_one(tmp_path: Path) -> None:
    file = tmp_path / "ours.toml"
    entry = 'from = 2013-04-01, paid = "in_arrears", arrears_months = 1, every_months = 3'
    rest = 'base = "base_local_schemes", assumption = "Ours"'
    file.write_text(f"[cash.local_schemes]\ncalendar = [{{ {entry}, {rest} }}]\n", "utf-8")
    calendar = read_cash_calendar(file)
    result = with_amounts(plain_run(), local_schemes=np.arange(1.0, 25))
    settled = settle(result, calendar=calendar)
    # January to March came to 3 × £200, paid in April; April to June to £6, paid in July.
    expected = [60_000, 0, 0, 600, 0, 0, 1_500, 0, 0]
    assert of(settled, "paid", "local_schemes")[:9] == expected
    assert of(settled, "opening_creditor", "local_schemes") == 60_000
    assert of(settled, "paid", "qof") == of(settle(result), "paid", "qof")


def test_a_late_uplift_is_earned_from_april_and_paid_in_september() -> None:
    rows = {"contract_type": "GMS"}, {"contract_type": "GMS", "global_sum": 12_000 * 85.35}
    kept_none = {"contract_type": "PMS", "pms_expenditure": 900_000, "global_sum": 0}
    settled = settle(run_of(*rows, kept_none, start="2018-04", months=12))
    # £88.96 for 12,000 patients less 4.87%, in twelfths; £1.04 of it is late.
    due, late = (12_000 * price * (1 - 0.0487) / 12 for price in (88.96, 1.04))
    earned, owed = of(settled, "accrued", "global_sum"), of(settled, "creditor", "global_sum")
    assert earned[:11] == pytest.approx([due * 100] * 11, abs=1.51)
    assert owed[:7] == pytest.approx([late * 100 * n for n in (1, 2, 3, 4, 5, 0, 0)], abs=0.51)
    assert of(settled, "paid", "global_sum")[5] == pytest.approx((due + 5 * late) * 100, abs=0.51)
    # Who kept out-of-hours duty is owed the uplift without the deduction.
    assert of(settled, "creditor", "global_sum", 1)[4] == 12_000 * 104 // 12 * 5
    # A PMS practice is owed it in the stream that pays it, and in no other.
    assert of(settled, "creditor", "global_sum", 2) == [0] * 12
    assert of(settled, "creditor", "pms_gms_equivalent", 2) == owed
    assert of(settled, "creditor", "apms_payment", 2) == [0] * 12


def test_a_switch_of_contract_takes_the_uplift_owed_along() -> None:
    on_pms = run_of({"contract_type": "PMS", "pms_expenditure": 900_000}, start="2018-04", months=9)
    paid = on_pms["pms_gms_equivalent"].values[0]
    until_july = np.arange(9) < 4
    amounts = {"pms_gms_equivalent": paid * until_july, "global_sum": paid * ~until_july}
    both = ["pms_gms_equivalent", "global_sum"]
    settled = settle(with_amounts(on_pms, **amounts)).sel(stream=both).isel(scenario=0, practice=0)
    earned = settled["accrued"].sum("stream").values
    assert earned[:8] == pytest.approx([earned[0]] * 8, abs=3)
    assert [n > 0 for n in settled["creditor"].values[0].tolist()] == [True] * 4 + [False] * 5
    assert [n > 0 for n in settled["creditor"].values[1].tolist()] == [n == 4 for n in range(9)]


def with_ends(result: xr.Dataset, *month_of_end: int) -> xr.Dataset:
    """The same result, with contracts that end before a month of the run."""
    months = np.arange(result.sizes["month"])
    ended = (months >= np.array(month_of_end)[:, None]).astype(float)
    return result.assign(contract_ended=(("practice", "month"), ended, {"units": "1"}))


def test_an_uplift_owed_when_a_contract_ends_is_a_creditor_until_it_is_paid() -> None:
    result = run_of({"contract_type": "GMS"}, start="2018-04", months=9)
    # £500 of April to June is owed; the lists are 0 from July, the arrears are paid in September.
    amounts = [1_000.0] * 3 + [0, 0, 500.0, 0, 0, 0]
    owed = [200.0, 400, 500, 500, 500, 0, 0, 0, 0]
    result = with_ends(with_amounts(result, global_sum=amounts, uplift_owed=owed), 3)
    settled = settle(result)
    assert of(settled, "creditor", "global_sum") == [100 * pounds for pounds in map(int, owed)]
    assert of(settled, "accrued", "global_sum") == [120_000, 120_000, 110_000] + [0] * 6
    assert of(settled, "paid", "global_sum") == [100 * int(pounds) for pounds in amounts]
    assert not json.loads(settled.attrs["notes"])


def test_the_rules_of_a_contract_that_ends_leave_the_uplift_to_be_paid() -> None:
    rows = {"contract_type": "GMS"}, {"contract_type": "PMS", "pms_expenditure": 900_000}
    end = DatedValue(dt.date(2018, 7, 1), 1.0, "1", assumption="A test")
    model = with_terms(shipped("thames-valley-pms"), {"monthly_list_growth": 0})
    practices = practices_of([ROW | row for row in rows], "2017/18")
    ends = dict.fromkeys(practices["practice"].values.tolist(), (end,))
    model = with_practice_terms(model, {"contract_ended": ends})
    result = project(model, practices, ["april-2015"], 9, start="2018-04")
    settled = settle(result)
    # 12,000 patients at £1.04 a year less 4.87%, April to June; paid in September.
    late = 12_000 * 1.04 * (1 - 0.0487) / 12 * 100
    for practice, stream in enumerate(("global_sum", "pms_gms_equivalent")):
        owed = of(settled, "creditor", stream, practice)
        assert owed == pytest.approx([late * n for n in (1, 2, 3, 3, 3, 0, 0, 0, 0)], abs=1)
        paid = of(settled, "paid", stream, practice)
        assert paid[3:] == pytest.approx([0, 0, 3 * late, 0, 0, 0], abs=3)
    accrued = settled["accrued"].isel(month=slice(3, None))
    assert not accrued.any()
    assert (settled["accrued"].isel(month=slice(3)) >= 0).all()


def test_the_end_of_a_contract_ends_aspiration_and_a_part_of_a_quarter() -> None:
    amounts = {
        "qof": [1_100.0] * 5 + [0] * 19,
        "seniority": [0, 0, 90.0, 0, 0, 60.0] + [0] * 18,
    }
    settled = settle(with_ends(with_amounts(plain_run(), **amounts), 5))
    paid = of(settled, "paid", "qof")
    assert paid[:6] == [70_000, 70_000, 430_000, 70_000, 70_000, 0]
    # June pays what five months came to, less aspiration of five months; then nothing.
    assert paid[6:] == [0] * 8 + [200_000] + [0] * 9
    assert of(settled, "accrued", "qof") == [110_000] * 5 + [0] * 19
    assert of(settled, "creditor", "qof")[5:15] == [200_000] * 9 + [0]
    # What the quarter still pays was earned in its first two months.
    assert of(settled, "accrued", "seniority")[:7] == [3_000] * 5 + [0] * 2


def test_no_quarter_that_is_cut_off_is_earned_after_the_end() -> None:
    amounts = [0, 0, 30.0, 0, 0.0]
    settled = settle(with_ends(with_amounts(run_of(months=5), seniority=amounts), 4))
    assert of(settled, "accrued", "seniority") == [1_000] * 4 + [0]


def test_a_scheme_is_earned_until_the_contract_ends() -> None:
    result = project(shipped(BOLTON), practices_of([ROW | {"contract_type": "GMS"}]), months=12)
    settled = settle(with_ends(result, 4))
    each = of(settled, "accrued", "scheme_payment")
    earned = result["scheme_earned"].isel(scenario=0, practice=0, year=0).item()
    assert each == pytest.approx([earned * 25] * 4 + [0] * 8, abs=1.01)


def test_arrears_that_a_new_contract_pays_are_noted() -> None:
    on_pms = run_of({"contract_type": "PMS", "pms_expenditure": 900_000}, start="2018-04", months=9)
    paid = on_pms["pms_gms_equivalent"].values[0]
    until_july = np.arange(9) < 4
    amounts = {"pms_gms_equivalent": paid * until_july, "global_sum": paid * ~until_july}
    (note,) = json.loads(settle(with_amounts(on_pms, **amounts)).attrs["notes"])
    assert note.startswith("1 practice changed contract while an uplift was owed.")
    assert not json.loads(settle(on_pms).attrs["notes"])


def test_an_uplift_owed_at_the_start_is_an_opening_creditor() -> None:
    result = run_of({"contract_type": "GMS"}, start="2018-05", months=6)
    owed = result["uplift_owed_at_start"]
    result["uplift_owed_at_start"] = owed + 1_000
    result["uplift_owed"] = result["uplift_owed"] + 1_000 * (result["uplift_owed"] > 0)
    settled = settle(result)
    assert of(settled, "opening_creditor", "global_sum") == 100_000
    # It was earned before: the first month earns no more than the others.
    first, second, *_ = of(settled, "accrued", "global_sum")
    assert abs(first - second) <= 2


def test_what_a_scheme_advances_is_a_debtor_until_march_settles() -> None:
    result = project(shipped(BOLTON), practices_of([ROW | {"contract_type": "GMS"}]), months=15)
    settled = settle(result)
    earned = result["scheme_earned"].isel(scenario=0, practice=0).values
    assert sum(of(settled, "accrued", "scheme_payment")[:12]) == to_pence(earned[0])
    assert of(settled, "creditor", "scheme_payment")[11] == 0
    assert of(settled, "debtor", "scheme_payment")[11] == 0
    each = of(settled, "accrued", "scheme_payment")[:12]
    assert max(each) - min(each) <= 2
    # Of a year whose March is not in the run, what was earned stands against advances.
    advanced = sum(of(settled, "paid", "scheme_payment")[12:])
    left = (
        of(settled, "creditor", "scheme_payment")[-1] - of(settled, "debtor", "scheme_payment")[-1]
    )
    assert left == pytest.approx(float(earned[1]) * 100 - advanced, abs=1)


def test_what_is_overpaid_is_a_debtor_until_it_is_recovered() -> None:
    result = plain_run(months=12)
    streams = {
        "overpayment": [100.0] * 3 + [0.0] * 9,
        "overpayment_recovery": [0.0] * 6 + [-50.0] * 4 + [0.0] * 2,
    }
    balances = {
        "overpayment_not_yet_found": [100.0, 200.0, 300.0, 300.0, 300.0] + [0.0] * 7,
        # A third is waived when it is found.
        "overpayment_owed": [0.0] * 5 + [200.0, 150.0, 100.0, 50.0] + [0.0] * 3,
    }
    dims, in_pounds = ("practice", "month"), {"units": "GBP"}
    result = result.assign(
        {n: (dims, np.array([v]), in_pounds) for n, v in (streams | balances).items()}
    )
    named = json.loads(result.attrs["streams"])
    result = result.assign_attrs(streams=json.dumps([*named, *streams]))
    settled = settle(result)
    both = settled[["accrued", "debtor"]].sel(stream=list(streams)).sum("stream").isel(scenario=0)
    expected = [100, 200, 300, 300, 300, 200, 150, 100, 50, 0, 0, 0]
    assert both["debtor"].values[0].tolist() == [100 * pounds for pounds in expected]
    assert both["accrued"].values[0].tolist() == [0] * 5 + [10_000] + [0] * 6


def test_nottinghamshires_debtors_are_what_its_rules_say() -> None:
    result = project("nottinghamshire-recovery", example_practices().isel(practice=slice(0, 8)))
    settled = settle(result).sel(stream="overpayment")
    owed = result["overpayment_not_yet_found"] + result["overpayment_owed"]
    expected = (
        owed.expand_dims(scenario=result["scenario"]) if "scenario" not in owed.dims else owed
    )
    debtor = settled["debtor"].transpose("scenario", "practice", "month").values
    assert debtor.any()
    assert (debtor == to_pence(expected.transpose("scenario", "practice", "month").values)).all()


# ------------------------------------------------------------------------------ months and years


def test_the_residual_falls_in_the_years_last_month() -> None:
    settled = settle(with_amounts(plain_run(), remaining_payments=100.004))
    paid = of(settled, "paid", "remaining_payments")
    assert paid == ([10_000] * 11 + [10_005]) * 2
    assert of(settled, "residual", "remaining_payments") == [5, 5]
    assert of(settled, "paid_in_year", "remaining_payments") == [120_005] * 2


def test_no_residual_is_paid_once_a_contract_has_ended() -> None:
    amounts = [100.004] * 7 + [0.0] * 17
    settled = settle(with_amounts(plain_run(), remaining_payments=amounts))
    paid = of(settled, "paid", "remaining_payments")
    assert paid == [10_000] * 6 + [10_003] + [0] * 17


def test_the_rounding_of_a_commissioner_is_shown() -> None:
    result = plain_run(3)
    settled = settle(with_amounts(result, remaining_payments=[[100.0 + 1 / 300]] * 3))
    # Three practices of £1,200.04: together £3,600.12.
    chosen = settled.sel(stream="remaining_payments").isel(scenario=0, commissioner_code=0)
    assert chosen["paid_by_commissioner"].sum().item() == 2 * 3 * 120_004
    assert chosen["commissioner_rounding"].values.tolist() == [0, 0]
    settled = settle(with_amounts(result, remaining_payments=[[100.0 + 0.004 / 12]] * 3))
    chosen = settled.sel(stream="remaining_payments").isel(scenario=0, commissioner_code=0)
    assert chosen["commissioner_rounding"].values.tolist() == [-1, -1]


def test_each_commissioner_pays_its_own_practices() -> None:
    result = run_of({}, {"commissioner": "C2"}, {"commissioner": "C2"}, months=12)
    settled = settle(with_amounts(result, remaining_payments=[[1.0], [10.004], [100.0]]))
    chosen = settled.sel(stream="remaining_payments").isel(scenario=0)
    by_area = chosen["paid_by_commissioner"].sum("month")
    assert by_area.sel(commissioner_code=["C1", "C2"]).values.tolist() == [1_200, 132_005]
    assert chosen["commissioner_rounding"].values.tolist() == [[0], [0]]


# ------------------------------------------------------------------------------------------ laws

AMOUNT = st.one_of(
    st.just(0.0),
    st.integers(-(10**7), 10**7).map(lambda tenths: tenths / 1000),
    st.floats(-1e5, 1e5, allow_subnormal=False),
)
STREAMS = ("global_sum", "seniority", "qof", "local_schemes", "remaining_payments")


@st.composite
def runs(draw: st.DrawFn) -> xr.Dataset:
    """Results whose streams are anything, over whole years and parts of them."""
    start = draw(st.sampled_from(["2015-04", "2015-06", "2015-10", "2016-03"]))
    months = draw(st.sampled_from([1, 5, 15]))
    result = plain_run(2, start, months)
    amounts = st.lists(AMOUNT, min_size=2 * months, max_size=2 * months)
    values = {name: np.reshape(draw(amounts), (2, months)) for name in STREAMS}
    return with_amounts(result, **values)


@given(runs())
@settings(max_examples=25, deadline=None)
def test_what_is_earned_is_what_is_paid_and_the_movement_of_balances(result: xr.Dataset) -> None:
    settled = settle(result)
    earned, paid = settled["accrued"].values, settled["paid"].values
    assert (earned == paid + np.diff(net(settled), axis=-1)).all()
    assert ((settled["creditor"] == 0) | (settled["debtor"] == 0)).all()
    assert (settled["creditor"] >= 0).all()
    assert (settled["debtor"] >= 0).all()
    assert all(settled[name].dtype == np.int64 for name in settled.data_vars)


@given(runs())
@settings(max_examples=25, deadline=None)
def test_months_tie_to_years_and_practices_to_their_commissioner(result: xr.Dataset) -> None:
    settled = settle(result)
    for name in ("paid", "accrued"):
        by_year = settled[name].groupby("fiscal_year").sum()
        of_year = settled[f"{name}_in_year"].rename(year="fiscal_year")
        assert (by_year == of_year).all()
    assert (
        settled["paid_by_commissioner"].sum("commissioner_code") == settled["paid"].sum("practice")
    ).all()
    whole = settled["paid"].sum().item()
    assert settled["paid_in_year"].sum().item() == whole
    assert abs(settled["accrual_residual"]).max() <= 2


@given(runs())
@settings(max_examples=25, deadline=None)
def test_an_exact_twin_pays_and_owes_the_same(result: xr.Dataset) -> None:
    settled = settle(result)
    months = [pd.Timestamp(month).date() for month in result["month"].values]
    for practice in range(2):
        for stream in STREAMS[1:]:
            amounts = [Fraction(a) for a in result[stream].values[practice].tolist()]
            earned, paid, opening = twin(stream, amounts, months)
            in_pence = of(settled, "paid", stream, practice)
            owed = [
                a - b
                for a, b in zip(
                    of(settled, "creditor", stream, practice),
                    of(settled, "debtor", stream, practice),
                    strict=True,
                )
            ]
            balance = opening
            for number, month in enumerate(months):
                balance += earned[number] - paid[number]
                assert owed[number] in rounded(balance), (stream, month)
            years = [fiscal_year(month) for month in months]
            for year in dict.fromkeys(years):
                here = [n for n, name in enumerate(years) if name == year]
                assert sum(in_pence[n] for n in here) in rounded(sum(paid[n] for n in here))
                moved = [n for n in here if in_pence[n] not in rounded(paid[n])]
                paying = [n for n in here if paid[n]]
                assert moved in ([], paying[-1:], here[-1:])


def rounded(pounds: Fraction) -> set[int]:
    """Whole pence, half away from nothing; either way within a hair of half a penny."""
    hair = Fraction(1, 10**6)
    sign = -1 if pounds < 0 else 1
    half = abs(pounds) * 100 + Fraction(1, 2)
    return {sign * floor(half - hair), sign * floor(half + hair)} | (
        {0} if half < 1 + hair else set()
    )


def twin(
    stream: str, amounts: list[Fraction], months: list[dt.date]
) -> tuple[list[Fraction], list[Fraction], Fraction]:
    """Earned, paid and owed at the start, month by month as a reader of the calendar would."""
    base = Fraction(int(ROW.get(stream, 0)), 12)
    # From two years before the run: what each month earned, and the month in which it is paid.
    before = months_from(dt.date(months[0].year - 2, 4, 1), 12 * 6)
    before = [month for month in before if month < months[0]]
    earned = dict.fromkeys(before, base) | dict(zip(months, amounts, strict=True))
    if stream == "remaining_payments":
        return amounts, amounts, Fraction(0)
    if stream == "local_schemes":
        paid = [earned[before[-1]], *amounts[:-1]]
        return amounts, paid, earned[before[-1]]
    if stream == "qof":
        return qof_twin(amounts, months, before, earned)
    return seniority_twin(amounts, months)


def qof_twin(
    amounts: list[Fraction],
    months: list[dt.date],
    before: list[dt.date],
    earned: dict[dt.date, Fraction],
) -> tuple[list[Fraction], list[Fraction], Fraction]:
    share = Fraction(0.7)
    base_year = earned[before[0]] * 12

    def achieved(year: str) -> Fraction:
        of_year = [earned.get(month) for month in months_of(year)]
        return sum(a for a in of_year if a is not None) if of_year[0] is not None else base_year

    def year_before(month: dt.date) -> str:
        return fiscal_year(dt.date(month.year - 1, month.month, 1))

    def paid_in(month: dt.date) -> Fraction:
        last = year_before(month)
        amount = share * achieved(last) / 12
        if month.month == 6:
            on_aspiration = share * achieved(year_before(months_of(last)[0]))
            amount += achieved(last) - on_aspiration
        return amount

    # Owed at the start: of the year before unless June has gone by, and of this year so far.
    so_far = [m for m in before if fiscal_year(m) == fiscal_year(months[0])]
    opening = sum((earned[m] - share * base_year / 12 for m in so_far), Fraction(0))
    if len(so_far) <= 2:
        opening += (1 - share) * base_year
    return amounts, [paid_in(month) for month in months], opening


def seniority_twin(
    amounts: list[Fraction], months: list[dt.date]
) -> tuple[list[Fraction], list[Fraction], Fraction]:
    quarters = [(month.year, (month.month - 1) // 3) for month in months]
    earned, third = [], Fraction(0)
    opening = Fraction(0)
    for number, quarter in enumerate(quarters):
        ends = [n for n, m in enumerate(months) if quarters[n] == quarter and m.month % 3 == 0]
        if ends:
            third = amounts[ends[0]] / 3
        earned.append(third + (0 if ends == [number] else amounts[number]))
        if number == 0:
            opening = third * ((months[0].month - 1) % 3)
    return earned, amounts, opening


@given(runs())
@settings(max_examples=20, deadline=None)
def test_settled_totals_are_near_the_unrounded(result: xr.Dataset) -> None:
    settled = settle(result)
    paid = settled["paid_in_year"].sel(stream="remaining_payments").values.sum()
    unrounded = result["remaining_payments"].values.sum() * 100
    count = settled.sizes["practice"] * settled.sizes["year"]
    assert abs(paid - unrounded) <= 0.5 * count + 1e-3
    months = settled["paid"].sel(stream="global_sum").values[0]
    residual = settled["residual"].sel(stream="global_sum").values[0]
    assert np.abs(residual).max() <= 0.5 * months.shape[1] + 1


@given(practice_sets(most=4), st.randoms(use_true_random=False))
@settings(max_examples=8, deadline=None)
def test_the_order_of_practices_changes_nothing(
    practices: xr.Dataset, chance: random.Random
) -> None:
    order = list(range(practices.sizes["practice"]))
    chance.shuffle(order)
    model = shipped(NATIONAL)
    one = settle(project(model, practices, months=14))
    other = settle(project(model, practices.isel(practice=order), months=14))
    xr.testing.assert_identical(one.isel(practice=order).drop_attrs(), other.drop_attrs())


def test_scenarios_do_not_touch_each_other() -> None:
    practices = practices_of([ROW, ROW | {"weighted_list": 9_000, "contract_type": "PMS"}])
    result = project(shipped(BOLTON), practices, months=14)
    together = settle(result)
    for name in result["scenario"].values:
        alone = settle(result.sel(scenario=name))
        assert alone.sizes["scenario"] == 1
        xr.testing.assert_equal(together.sel(scenario=[name]), alone)


# ------------------------------------------------------------------------------------- successors


def rows_of(*rows: tuple[str, str, str, Any]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["practice", "from", "paid_to", "share"])


def test_a_merger_pays_the_successor_through_a_chain() -> None:
    result = with_amounts(plain_run(3), remaining_payments=[[100.0], [20.0], [3.0]])
    rows = rows_of(("P001", "2015-06", "P002", 1), ("P002", "2015-08", "P003", "1"))
    settled = settle(result, rows)
    received = settled["paid_to"].sel(stream="remaining_payments").isel(scenario=0)
    by_payee = {
        code: received.sel(payee=code).values[:6].tolist() for code in ("P001", "P002", "P003")
    }
    assert by_payee["P001"] == [10_000, 10_000, 0, 0, 0, 0]
    assert by_payee["P002"] == [2_000, 2_000, 12_000, 12_000, 0, 0]
    assert by_payee["P003"] == [300, 300, 300, 300, 12_300, 12_300]
    # Balances stay with the contract.
    assert settled["creditor"].equals(settle(result)["creditor"])


def test_a_practice_may_keep_a_share_and_have_it_all_back_later() -> None:
    result = with_amounts(plain_run(2), remaining_payments=[[0.03], [0.0]])
    rows = rows_of(
        ("P001", "2015-05", "P001", 0.5),
        ("P001", "2015-05", "P002", 0.5),
        ("P001", "2015-07", "P001", 1),
    )
    received = settle(result, rows)["paid_to"].sel(stream="remaining_payments").isel(scenario=0)
    assert received.values[:, :5].tolist() == [[3, 2, 2, 3, 3], [0, 1, 1, 0, 0]]


def test_the_pennies_left_go_where_most_was_lost() -> None:
    shares = [Fraction("0.26"), Fraction("0.37"), Fraction("0.37")]
    # Of 10 pence 2.6, 3.7 and 3.7; of 100 pence nothing is lost.
    parts = [part.tolist() for part in split(np.array([10, -10, 100]), shares)]
    assert parts == [[2, -2, 26], [4, -4, 37], [4, -4, 37]]


def test_a_successor_from_before_the_run_is_paid_from_its_first_month() -> None:
    settled = settle(plain_run(2), rows_of(("P001", "2014-01", "P002", 1)))
    assert not settled["paid_to"].sel(payee="P001").any()


@given(
    st.lists(st.integers(-(10**14), 10**14), min_size=1, max_size=5),
    st.lists(st.integers(1, 10**9), min_size=1, max_size=5),
)
def test_splitting_neither_makes_nor_loses_a_penny(pence: list[int], weights: list[int]) -> None:
    shares = [Fraction(weight, sum(weights)) for weight in weights]
    parts = split(np.array(pence), shares)
    assert (sum(parts) == np.array(pence)).all()
    for part, share in zip(parts, shares, strict=True):
        for amount, whole in zip(part.tolist(), pence, strict=True):
            assert abs(amount - whole * share) < 1


@given(runs(), st.sampled_from(["1/3", 0.7, 0.123456789, 1]))
@settings(max_examples=25, deadline=None)
def test_successors_are_paid_what_the_contracts_are(result: xr.Dataset, share: Any) -> None:
    rest = 1 - Fraction(str(share))
    rows = rows_of(("P001", "2015-12", "P002", share))
    if rest:
        rows = rows_of(("P001", "2015-12", "P002", share), ("P001", "2015-12", "P001", rest))
    settled = settle(result, rows)
    assert (settled["paid_to"].sum("payee") == settled["paid"].sum("practice")).all()
    before = settled["month"].values < np.datetime64("2015-12-01")
    paid, received = settled["paid"].values, settled["paid_to"].values
    assert (received[..., before] == paid[..., before]).all()


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (rows_of(("P001", "2015-06", "P009", 1)), "the result has no practice 'P009'"),
        (rows_of(("P001", "2015-06", "P002", 0.5)), "shares make 0.5"),
        (rows_of(("P001", "2015-06", "P002", 0)), "the share of P002 is 0"),
        (rows_of(("P001", "2015-06", "P002", "half")), "the share of P002 is 'half'"),
        (rows_of(("P001", "2015-06-15", "P002", 1)), "not the first day of a month"),
        (rows_of(("P001", "June", "P002", 1)), "not the first day of a month"),
        (rows_of(("P001", 201506, "P002", 1)), "201506 is not the first day of a month"),
        (rows_of(("P001", 2015.5, "P002", 1)), "2015.5 is not the first day of a month"),
        (rows_of(("P001", None, "P002", 1)), "not the first day of a month"),
        (rows_of(("P001", pd.NaT, "P002", 1)), "not the first day of a month"),
        (rows_of(*[("P001", "2015-06", "P002", 0.5)] * 2), "names P002 twice"),
        (
            rows_of(("P001", "2015-06", "P002", 1), ("P002", "2015-09", "P001", 1)),
            "P001 pays P002 pays P001 from 2015-09: a circle",
        ),
        (rows_of(("P001", "2015-06", "P002", 1)).drop(columns="share"), "no column 'share'"),
    ],
)
def test_successors_that_cannot_be(rows: pd.DataFrame, said: str) -> None:
    with pytest.raises(InputError, match="successors") as error:
        settle(plain_run(2), rows)
    assert said in str(error.value)


@pytest.mark.parametrize(
    "start",
    [dt.date(2015, 6, 1), pd.Timestamp("2015-06-01"), np.datetime64("2015-06-01"), "Jun-15"],
)
def test_a_successors_month_is_a_date_or_a_text(start: Any) -> None:
    settled = settle(plain_run(2), rows_of(("P001", start, "P002", 1)))
    received = settled["paid_to"].sel(payee="P001", stream="global_sum").values[0]
    assert (received[:3] > 0).tolist() == [True, True, False]


def test_rows_about_other_practices_of_the_file_are_left_out(tmp_path: Path) -> None:
    practices = practices_of([ROW, ROW])
    file = tmp_path / "mergers.csv"
    lines = "A1,2015-06,A2,1\nP001,2015-06,P002,1\nA2,2015-06,P001,1\n"
    file.write_text(f"practice,from,paid_to,share\n{lines}", "utf-8")
    rows = read_successors(file, practices, known=["A1", "A2"])
    assert rows["practice"].tolist() == ["P001"]
    settled = settle(plain_run(2), rows)
    assert (settled["paid_to"].sum("payee") == settled["paid"].sum("practice")).all()
    with pytest.raises(InputError, match=r"mergers\.csv, row 4: .* has no practice A2"):
        read_successors(file, practices, known=["A1"])
    file.write_text("practice,from,paid_to,share\nP001,2015-06,A1,1\n", "utf-8")
    with pytest.raises(InputError, match=r"mergers\.csv, row 2: what is projected .* A1"):
        read_successors(file, practices, known=["A1"])
    with pytest.raises(InputError, match=r"mergers\.csv, row 2, practice P001 .*no practice 'A1'"):
        settle(plain_run(2), read_successors(file))


def test_a_file_of_successors_is_read_and_settled(tmp_path: Path) -> None:
    file = tmp_path / "mergers.csv"
    thirds = "".join(f"p001,2015-06,P00{n},0.3333333333\n" for n in (1, 2, 3))
    file.write_text(f"Practice,From,Paid to,Share\n{thirds}P002,Sep-15,P003,1/1\n", "utf-8")
    rows = read_successors(file)
    assert rows["from"].dt.month.tolist() == [6, 6, 6, 9]
    settled = settle(plain_run(3), rows)
    assert (settled["paid_to"].sum("payee") == settled["paid"].sum("practice")).all()


def test_every_fault_of_a_file_of_successors_is_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "mergers.csv"
    file.write_text("practice,from,paid_to,share\nP001,soon,,2\n,2015-06,P002,1\n", "utf-8")
    with pytest.raises(InputError) as error:
        read_successors(file)
    said = str(error.value)
    for part in ("expected a month", "expected a practice code", "expected a share", "row 3"):
        assert part in said
    file.write_text("practice,from,paid_to,share\nP1,2015-06,P2,0.9\nP3,2015-06,P4,0.8\n", "utf-8")
    with pytest.raises(InputError) as error:
        read_successors(file)
    assert len(error.value.problems) == 2
    said = str(error.value)
    assert "mergers.csv, row 2, practice P1 from 2015-06: shares make 0.9" in said
    assert "mergers.csv, row 3, practice P3" in said
    file.write_text("practice,from,paid_to,share\nP1,2015-06,P2,1\nP2,2015-06,P1,1\n", "utf-8")
    with pytest.raises(InputError, match=r"mergers\.csv, row 2, .*P1 pays P2 pays P1"):
        read_successors(file)


# ------------------------------------------------------------------------------- what is refused


def test_a_result_that_lacks_what_the_calendar_needs_is_refused() -> None:
    practices = practices_of([ROW])
    streams = list(shipped(NATIONAL).streams)
    with pytest.raises(InputError, match="does not hold the stream 'qof'"):
        settle(project(shipped(NATIONAL), practices, months=3, variables=["global_sum"]))
    with pytest.raises(InputError, match="'uplift_owed', which the timing of global_sum needs"):
        settle(project(shipped(NATIONAL), practices, months=3, variables=streams))
    named = [*streams, "uplift_owed", "out_of_hours_kept"]
    part = project(shipped(NATIONAL), practices, months=3, variables=named)
    xr.testing.assert_equal(settle(part), settle(project(shipped(NATIONAL), practices, months=3)))
    with pytest.raises(InputError, match="not a result"):
        settle(practices)


def test_a_contract_without_what_the_calendar_names_is_settled_in_the_month() -> None:
    practices = practices_of([ROW])
    result = project(shipped(EASTERN_CHESHIRE), practices, months=12)
    without = result.rename(scheme_earned="earned_otherwise").assign_attrs(run=result.attrs["run"])
    for name, variable in without.data_vars.items():
        text = variable.attrs.get("text", "")
        variable.attrs["text"] = text.replace("scheme_earned", "earned_otherwise")
        assert name != "scheme_earned"
    settled = settle(drop_reader_names(without))
    assert "has no scheme_earned" in settled.attrs["notes"]
    assert settled["paid"].equals(settled["accrued"].rename("paid"))


def drop_reader_names(result: xr.Dataset) -> xr.Dataset:
    """Totals name what they sum in an attribute of their own."""
    for variable in result.data_vars.values():
        if variable.attrs.get("of") == "scheme_earned":
            variable.attrs["of"] = "earned_otherwise"
    return result


def test_an_amount_too_large_for_pence_is_refused() -> None:
    with pytest.raises(InputError, match=r"qof, scenario base: an amount of £12,.* has no pence"):
        settle(with_amounts(plain_run(), qof=1e12))


def test_what_is_neither_a_table_nor_a_calendar_is_refused() -> None:
    wrong: Any = "mergers.csv"
    with pytest.raises(InputError, match=r"found 'mergers.csv' .*read_successors\(path\)"):
        settle(plain_run(), wrong)
    with pytest.raises(InputError, match=r"calendar: found 'mergers.csv'"):
        settle(plain_run(), calendar=wrong)


WITH = 'from = 2013-04-01, paid = "with_balance", assumption = "A"'
ASPIRED = 'from = 2013-04-01, paid = "aspiration", assumption = "A", balance_month = 6'


@pytest.mark.parametrize(
    ("stream", "entry", "said"),
    [
        (
            "global_sum",
            f'{WITH}, owed = ["premium_released"]',
            "owed: 'premium_released' is in GBP/month on commissioner_code and month "
            "(a rule in GBP on practice and month is wanted)",
        ),
        ("qof", f'{WITH}, overpaid = ["qof"]', "overpaid: 'qof' is in GBP/month on practice and"),
        (
            "qof",
            f'{ASPIRED}, share = "qof_aspiration_share", base = "base_registered_list"',
            "base: 'base_registered_list' is in patient on practice",
        ),
        (
            "global_sum",
            f'{WITH}, owed = ["uplift_owed"], kept = "qof", deduction = "out_of_hours_deduction"',
            "kept: 'qof' is in GBP/month",
        ),
        ("qoff", 'from = 2013-04-01, paid = "in_month", assumption = "A"', "did you mean 'qof'?"),
        (
            "qof",
            'from = 2017-04-01, paid = "in_month", assumption = "A"',
            "no timing for 2015/16: it begins on 2017-04-01",
        ),
    ],
)
def test_a_calendar_that_the_result_cannot_be_settled_by(
    tmp_path: Path, stream: str, entry: str, said: str
) -> None:
    file = tmp_path / "ours.toml"
    file.write_text(f"[cash.{stream}]\ncalendar = [{{ {entry} }}]\n", "utf-8")
    calendar = read_cash_calendar(file)
    with pytest.raises(InputError) as error:
        settle(premium_run(), calendar=calendar)
    assert said in str(error.value)
    assert f"ours.toml, cash.{stream}" in str(error.value)


@functools.cache
def premium_run() -> xr.Dataset:
    practices = practices_of([ROW | {"contract_type": "PMS", "pms_expenditure": 900_000}])
    return project(shipped("thames-valley-pms"), practices, ["april-2015"], 3)


def test_a_calendar_may_name_a_stream_of_other_contracts(tmp_path: Path) -> None:
    file = tmp_path / "ours.toml"
    entry = 'from = 2013-04-01, paid = "in_month", assumption = "Ours"'
    file.write_text(f"[cash.scheme_payment]\ncalendar = [{{ {entry} }}]\n", "utf-8")
    settled = settle(plain_run(), calendar=read_cash_calendar(file))
    assert settled["paid"].equals(settle(plain_run())["paid"])


GOOD = 'from = 2013-04-01, paid = "in_month", assumption = "Ours"'


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ('from = 2013-04-01, paid = "in_month"', "neither a source nor an assumption"),
        ('from = 2013-04-01, paid = "in_month", source = "nobody"', "'nobody' is not described"),
        ('from = 2013-04-01, paid = "in_mouth", assumption = "A"', "did you mean 'in_month'?"),
        ('from = 2013-04-01, assumption = "A"', "does not say how it is paid"),
        ('from = 2013-05-01, paid = "in_month", assumption = "A"', "begins on 2013-05-01"),
        ('paid = "in_month", assumption = "A"', "an entry without a date"),
        ('from = 2013-04-01, paid = "in_arrears", assumption = "A"', "without 'arrears_months'"),
        (
            f"{GOOD}, arrears_months = 1",
            "'arrears_months' says nothing where it is paid 'in_month'",
        ),
        (
            'from = 2013-04-01, paid = "in_arrears", arrears_months = -1, assumption = "A"',
            "arrears_months: found -1 (0 to 24 months)",
        ),
        (
            'from = 2013-04-01, paid = "aspiration", share = "qof_aspiration", balance_month = 13, '
            'base = "base_qof", assumption = "A"',
            "did you mean 'qof_aspiration_share'?",
        ),
        (
            'from = 2013-04-01, paid = "aspiration", share = "global_sum_price", '
            'balance_month = 6, base = "base_qof", assumption = "A"',
            "share: 'global_sum_price' is in GBP/patient/year (a share is a term of unit 1",
        ),
        (
            'from = 2013-04-01, paid = "aspiration", share = "working_days", balance_month = 6, '
            'base = "base_qof", assumption = "A" }]\n[term.working_days]\nunit = "1"\n'
            'values = [{ from = 2013-04-01, value = 21, assumption = "A" ',
            "share: 'working_days' is 21 from 2013-04-01 (a share is a term of unit 1",
        ),
        ('from = 2013-04-01, paid = "with_balance", assumption = "A"', "without a balance"),
        (
            'from = 2013-04-01, paid = "with_balance", owed = ["a"], kept = "b", assumption = "A"',
            "'kept' and 'deduction' go together",
        ),
        (
            'from = 2013-04-01, paid = "with_balance", owed = ["a"], only_where_paid = 1, '
            'assumption = "A"',
            "only_where_paid: found 1 (true or false)",
        ),
        (f"{GOOD} }}, {{ {GOOD}", "2013-04-01 does not come after 2013-04-01"),
        (f'{GOOD}, payed = "x"', "the key 'payed' is not known"),
    ],
)
def test_a_calendar_that_cannot_be(tmp_path: Path, entry: str, said: str) -> None:
    file = tmp_path / "ours.toml"
    file.write_text(f"[cash.qof]\ncalendar = [{{ {entry} }}]\n", "utf-8")
    with pytest.raises(InputError) as error:
        read_cash_calendar(file)
    assert said in str(error.value)
    assert "ours.toml, cash.qof" in str(error.value)


def test_a_calendar_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_cash_calendar(tmp_path / "none.toml")
    file = tmp_path / "ours.toml"
    file.write_text("[cash.qof\n", "utf-8")
    with pytest.raises(InputError, match="is not TOML"):
        read_cash_calendar(file)
    file.write_text("[cash.qof]\n[cash.seniority]\ncalender = 1\n", "utf-8")
    with pytest.raises(InputError, match="has no calendar") as error:
        read_cash_calendar(file)
    assert "did you mean 'calendar'?" in str(error.value)


def test_a_run_before_the_calendar_begins_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "ours.toml"
    file.write_text(f"[cash.qof]\ncalendar = [{{ {GOOD.replace('2013', '2017')} }}]\n", "utf-8")
    with pytest.raises(InputError, match=r"ours\.toml, cash\.qof: no timing for 2015/16"):
        settle(plain_run(), calendar=read_cash_calendar(file))


def test_every_national_timing_says_why() -> None:
    calendar = national_calendar()
    for timings in calendar.timings.values():
        assert all(timing.source or timing.assumption for timing in timings)
    recorded = json.loads(settle(plain_run()).attrs["cash_calendar"])
    assert recorded["qof"][0]["share"] == "qof_aspiration_share"


# --------------------------------------------------------------------------------- what is written


def test_payments_are_written_to_the_penny(tmp_path: Path) -> None:
    result = with_amounts(plain_run(2), remaining_payments=[[-0.05], [1234.5]])
    settled = settle(result, rows_of(("P001", "2015-04", "P002", 1)))
    path = tmp_path / "payments.csv"
    rows = write_payments(settled, path)
    read = pd.read_csv(path, dtype=str)
    assert len(read) == rows < 2 * 24 * settled.sizes["stream"]
    columns = ["accrued", "paid", "creditor", "debtor", "received"]
    assert list(read.columns) == ["scenario", "practice", "month", "stream", *columns]
    some = read[(read["stream"] == "remaining_payments") & (read["month"] == "2015-04")]
    assert some["paid"].tolist() == ["-0.05", "1234.50"]
    assert some["received"].tolist() == ["0.00", "1234.45"]
    for name, variable in zip(
        columns, ["accrued", "paid", "creditor", "debtor", "paid_to"], strict=True
    ):
        written = sum(int(text.replace(".", "")) for text in read[name])
        assert written == settled[variable].sum().item()
    assert [file.name for file in tmp_path.iterdir()] == ["payments.csv"]


def test_payments_that_cannot_be_written_leave_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled = settle(plain_run())
    with pytest.raises(InputError, match=r"end it in \.csv"):
        write_payments(settled, tmp_path / "payments.xlsx")
    with pytest.raises(InputError, match="its folder does not exist"):
        write_payments(settled, tmp_path / "nowhere" / "payments.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        write_payments(settled, tmp_path / "folder.csv")

    def open_in_excel(*_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", open_in_excel)
    with pytest.raises(InputError, match="cannot be written: Permission denied"):
        write_payments(settled, tmp_path / "payments.csv")
    assert [file.name for file in tmp_path.iterdir()] == ["folder.csv"]


def test_the_words_tie() -> None:
    settled = settle(with_amounts(plain_run(), qof=1_100))
    words = words_of(settled)
    assert "At the start" in words
    assert "at the quarter's end" in words
    year = next(line for line in words.splitlines() if line.startswith("2015/16"))
    asked = SimpleNamespace(files={"input": {"source": "rows.csv"}}, set={}, preset=None)
    summary = summary_of(settled, asked, Path("payments.csv"), 12)
    in_data = summary["years"]["base"]["2015/16"]
    assert in_data["accrued"] == in_data["paid"] + in_data["movement"]
    opening = summary["at_start"]["base"]["creditors"] - summary["at_start"]["base"]["debtors"]
    assert in_data["creditors"] - in_data["debtors"] == opening + in_data["movement"]
    earned, paid, owed = (
        int(text.replace("£", "").replace(",", "").replace(".", "")) for text in year.split()[1:4]
    )
    assert earned == paid + owed
    assert earned == settled["accrued_in_year"].isel(year=0).sum().item()
