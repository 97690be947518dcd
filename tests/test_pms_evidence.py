"""What the payments files say about PMS premium: checks C11 to C15 and C17 of the reference data.

How the premium of a practice that switches to GMS goes over, when the clawback began and how fast
it went, and what is at stake in Thames Valley. Run with ``-s`` to see the tables.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import capitation as cap

from . import pms_evidence as evidence
from .pms_evidence import FIRST, LAST, SECOND, THIRD, YEARS
from .pms_evidence_tables import tables_to_print


@pytest.fixture(scope="module")
def files(reference_data):
    return evidence.Files.read(reference_data)


@pytest.fixture(scope="module")
def stayed(files):
    """Check C13: the 1,468 that had a premium in 2014/15 and stayed PMS."""
    return files.panel.paths()["stayed PMS"]


def to(digits, values):
    return [round(float(value), digits) for value in values]


# Check C11: practices that went to GMS and took their premium along as a correction factor.


def test_131_switchers_and_73_on_the_timetable(files):
    assert len(files.switchers()) == 131
    found = files.on_the_timetable()
    assert len(found) == 73
    published = {SECOND: 6_265_608.10, THIRD: 4_509_043.44, LAST: 2_254_521.84}
    for year, total in published.items():
        assert found[year].sum() == pytest.approx(total, abs=0.005)
    assert found.loc["C82010", list(YEARS[1:])].tolist() == [263_404.44, 181_259.77, 90_629.88]
    assert found.loc["C82038", list(YEARS[1:])].tolist() == [927_096.94, 630_334.44, 315_167.16]
    assert (files.switchers()["ccg"] == "00T").sum() == 7


@pytest.mark.parametrize(("start", "months"), [("2018-04", 12), ("2017-04", 24)])
def test_the_73_in_2018_19_from_the_2016_17_file_and_the_timetable_alone(files, start, months):
    codes = list(files.on_the_timetable().index)
    result = cap.project(
        "national-practice-income",
        files.datasets[THIRD].sel(practice=codes),
        start=start,
        months=months,
        variables=["correction_factor"],
    )
    in_year = np.flatnonzero(result["fiscal_year"].values == LAST)
    modelled = result["correction_factor"].isel(month=in_year).sum("month")
    paid = files.datasets[LAST]["correction_factor"].sel(practice=codes)
    # What is paid is whole pence a month, in every one of the 73: a year can be 12p away.
    assert float(np.abs(modelled - paid).max()) <= 0.125
    assert float(modelled.sum()) == pytest.approx(2_254_521.84, abs=0.15)


def test_switchers_carried_four_sevenths_of_their_premium_of_2014_15(files):
    """Not the whole premium from the switch: the sevenths that had gone by then were gone."""
    found = files.premium_of_switchers()
    clear = found[found["clear"]]
    assert to(3, found["share"].quantile([0.25, 0.5, 0.75])) == [0.434, 0.527, 0.589]
    assert found[THIRD].sum() / found["premium"].sum() == pytest.approx(0.568, abs=0.0005)
    agree = [evidence.agreeing(found, entry) for entry in evidence.ENTRIES]
    assert agree == [33, 21, 10, 4]
    assert len(clear) == 37
    assert [evidence.agreeing(clear, entry) for entry in evidence.ENTRIES] == [23, 11, 4, 1]
    carried = evidence.share_carried(clear, clear["premium_without_seniority"])
    assert carried == pytest.approx(4 / 7, abs=0.005)


def test_the_file_hides_what_switchers_carried(files):
    """In 2014/15 the contracts of 71 of the 73 stand in other payments: no core income at all."""
    core = files.tables[FIRST]["core"].reindex(files.on_the_timetable().index)
    assert (core <= 0).sum() == 71


def test_the_first_year_of_switchers_in_lincolnshire_is_five_sevenths(files):
    found = files.premium_of_switchers()
    here = found[found["county"] == "Lincolnshire"]
    ratio = here[SECOND] / here[THIRD]
    assert ((ratio - 5 / 4).abs() < 0.0005).sum() == len(here) - 1


def test_the_first_year_of_switchers_in_leicestershire_is_the_better_of_two(files):
    """Six sevenths less the 55p that the GMS price absorbed, or five sevenths: within 0.25%."""
    found = files.premium_of_switchers()
    here = found[found["county"] == "Leicestershire"]
    whole = here[THIRD] * 7 / 4
    weighted = files.tables[SECOND]["weighted_list"].reindex(here.index)
    step = evidence.recycled()[SECOND]
    held = whole * 6 / 7 - step * weighted
    expected = np.maximum(held, whole * 5 / 7)
    assert float((expected / here[SECOND] - 1).abs().max()) < 0.0025
    implied = (whole * 6 / 7 - here[SECOND]) / weighted
    assert implied[held > whole * 5 / 7].median() == pytest.approx(0.55, abs=0.005)


# Check C12: PMS against GMS.


@pytest.mark.parametrize(
    ("year", "practices", "pms", "gms", "with_factor", "millions"),
    [
        ("2014/15", 2910, 83.33, 70.44, 73.91, 297.4),
        ("2015/16", 2443, 85.55, 72.57, 75.31, 259.0),
        ("2016/17", 1927, 86.29, 74.93, 76.78, 182.9),
        ("2018/19", 1730, 89.32, 84.87, 85.72, 69.8),
    ],
)
def test_pure_pms_practices_against_gms(files, year, practices, pms, gms, with_factor, millions):
    table = files.tables[year]
    large = (table["contract"] == "PMS") & (table["weighted_list"] > 1000)
    pure = table[large & (table["pms_expenditure"] > 0) & (table["global_sum"] <= 0)]
    weighted = pure["weighted_list"].sum()
    price = pure["pms_expenditure"].sum() / weighted
    paid = evidence.gms(table)
    factors = paid["correction_factor"].sum() / paid["weighted_list"].sum()
    assert len(pure) == practices
    assert to(2, [price, evidence.mean_global_sum(paid)]) == [pms, gms]
    assert evidence.mean_global_sum(paid) + factors == pytest.approx(with_factor, abs=0.006)
    gap = (price - evidence.mean_global_sum(paid)) * weighted / 1e6
    assert gap == pytest.approx(millions, abs=0.051)


# Check C13: how fast premium went, and from when.


@pytest.mark.parametrize(
    ("path", "practices", "premium", "shares"),
    [
        ("stayed PMS", 1468, [19.43, 17.58, 14.00, 5.45], [1, 0.96, 0.77, 0.24]),
        ("GMS from 2016/17", 336, [13.70, 14.10, 5.29, 1.19], [1, 0.99, 0.34, 0.00]),
        ("GMS from 2015/16", 270, [16.86, 0.63, 1.92, -0.36], [1, 0.01, 0.11, 0.00]),
    ],
)
def test_premium_and_the_share_kept_by_what_became_of_the_contract(
    files, path, practices, premium, shares
):
    panel = files.panel
    which = panel.paths()[path]
    assert which.sum() == practices
    assert to(2, panel.mean(panel.premium(), which)) == premium
    kept = evidence.shares_of_first_year(panel.premium()[which]).median()
    assert kept.values == pytest.approx(shares, abs=0.0051)


def test_practices_that_switch_in_the_year_pull_the_gms_mean_of_2016_17_down(files):
    """£60.05 of global sum and £17.69 of PMS in the same row: no fall of the GMS price."""
    paid = evidence.gms(files.tables[THIRD])
    before = files.tables[SECOND]["contract"].reindex(paid.index)
    switched = paid[before == "PMS"]
    pms = switched["pms_expenditure"].sum() / switched["weighted_list"].sum()
    assert len(switched) == 406
    assert to(2, [evidence.mean_global_sum(switched), pms]) == [60.05, 17.69]
    means = evidence.gms_averages(files.tables)
    assert to(2, means["all GMS"]) == [70.44, 72.57, 74.93, 84.87]
    assert to(2, means["pure GMS"]) == [70.48, 72.62, 76.61, 85.09]


@pytest.mark.parametrize(
    ("yardstick", "measured", "after_recycling"),
    [
        ("all GMS", [0.957, 0.769, 0.240], [0.991, 0.829, 0.263]),
        ("pure GMS", [0.956, 0.666, 0.229], [0.990, 0.717, 0.253]),
        ("net price", [0.934, 0.617, 0.187], [0.967, 0.661, 0.206]),
    ],
)
def test_median_share_of_core_premium_goes_in_four_years_from_april_2016(
    files, stayed, yardstick, measured, after_recycling
):
    """What is left of the fall in 2015/16 once recycling is taken out is 1 to 3%."""
    premium = files.panel.premium(yardstick)[stayed]
    assert to(3, evidence.shares_of_first_year(premium).median()[1:]) == measured
    kept = evidence.shares_after_recycling(premium)
    assert to(3, kept.median()[1:]) == after_recycling
    best = evidence.fits(kept, files.panel.ccg)["squares"].idxmin()
    assert best in ("four equal years, Apr 2016", "four equal years, Jul 2016")


def test_no_single_timetable_describes_the_practices(files, stayed):
    """The smooth median is a mixture of dates: each practice goes late or early, and fast."""
    kept = evidence.shares_after_recycling(files.panel.premium("pure GMS")[stayed])
    waves = evidence.first_fall(kept)
    expected = {SECOND: 384, THIRD: 523, LAST: 395, "not by 2018/19": 166}
    assert waves.value_counts().to_dict() == expected
    first_year = kept[waves == THIRD].median()
    assert to(2, first_year) == [1.0, 1.02, 0.32, 0.14]
    table = evidence.fits(kept, files.panel.ccg)
    assert table["practices"].sum() == 1468
    assert table["practices"].max() < 0.16 * 1468
    assert table["practices"]["four equal years, Apr 2016"] == 41


def test_much_of_what_left_core_income_came_back_as_other_payments(files, stayed):
    """Over always-GMS practices: three quarters of core goes, four tenths of the money."""
    panel = files.panel
    gaps = {
        "core": [15.93, 14.24, 9.87, 4.32],
        "other_payments": [3.53, 3.56, 3.83, 8.75],
        "total_payments": [10.25, 10.27, 8.26, 6.19],
    }
    for name, expected in gaps.items():
        assert to(2, panel.above_gms(name, stayed)) == expected
    total = panel.above_gms("total_payments", stayed)
    shares = (total / total[FIRST])[1:].values
    assert to(2, shares) == [1.00, 0.81, 0.60]
    misses = {n: ((shares - t) ** 2).sum() for n, t in evidence.timetables().items()}
    assert min(misses, key=misses.__getitem__) == "sevenths, Apr 2016"


def test_the_last_fall_of_core_income_is_mostly_a_change_of_label(files, stayed):
    panel = files.panel
    fall = -panel.premium("pure GMS")[[THIRD, LAST]].diff(axis=1)[LAST]
    rise = panel.per_weighted_patient("other_payments")[[THIRD, LAST]].diff(axis=1)[LAST]
    large = stayed & (fall > 5)
    assert large.sum() == 635
    assert (rise / fall)[large].median() == pytest.approx(0.84, abs=0.005)
    assert ((rise / fall)[large] >= 0.5).mean() == pytest.approx(0.76, abs=0.005)


# Checks C14 and C15: changes of contract, and what they do to the labels.


@pytest.mark.parametrize(
    ("before", "after", "moves"),
    [
        (FIRST, SECOND, (522, 13, 155, 37)),
        (SECOND, THIRD, (503, 4, 123, 45)),
        (THIRD, LAST, (74, 3, 495, 11)),
    ],
)
def test_changes_of_contract(files, before, after, moves):
    was, now = (files.tables[year]["contract"] for year in (before, after))
    both = was.index.intersection(now.index)
    pairs = pd.crosstab(was[both], now[both])
    to_gms, to_pms = pairs.at["PMS", "GMS"], pairs.at["GMS", "PMS"]
    assert (to_gms, to_pms, len(was) - len(both), len(now) - len(both)) == moves


def test_a_switch_changes_labels_more_than_money(files):
    first, second, third = (files.tables[year] for year in (FIRST, SECOND, THIRD))
    codes = first.index[first["contract"] == "PMS"]
    codes = codes.intersection(second.index[second["contract"] == "GMS"])
    codes = codes.intersection(third.index)
    assert len(codes) == 518

    def per_patient(table, names):
        here = table.loc[codes]
        return to(2, [here[name].sum() / here["weighted_list"].sum() for name in names])

    before = per_patient(first, ["pms_expenditure", "other_payments", "total_payments"])
    assert before == [63.99, 25.18, 149.87]
    names = ["global_sum", "correction_factor", "other_payments", "total_payments"]
    assert per_patient(second, names) == [71.92, 2.03, 11.69, 148.20]


# Check C17: named places.

PLACES = {
    "10R": [(90.17, 26, 13), (95.53, 24, 12), (84.93, 25, 11), (87.66, 17, 8)],
    "10K": [(75.86, 21, 3), (77.47, 21, 3), (80.36, 21, 3), (86.58, 19, 2)],
    "10V": [(78.91, 27, 10), (80.56, 25, 9), (78.52, 24, 9), (87.82, 20, 8)],
    "05L": [(84.93, 106, 69), (86.09, 103, 13), (83.29, 101, 2), (91.02, 85, 3)],
    "10Q": [(76.52, 82, 15), (78.76, 79, 15), (79.08, 78, 2), (88.05, 70, 1)],
    "10Y": [(75.52, 21, 2), (76.30, 19, 2), (75.81, 19, 1)],
    "10H": [(73.87, 35, 0), (75.73, 34, 0), (80.02, 34, 0)],
    "10T": [(79.52, 16, 12), (87.40, 16, 12), (77.86, 16, 4)],
    "11C": [(74.62, 19, 3), (77.36, 19, 3), (79.21, 18, 1)],
    "10G": [(75.54, 15, 1), (77.80, 15, 1), (79.98, 15, 0)],
    "10M": [(75.89, 11, 1), (77.61, 11, 1), (73.03, 11, 1)],
    "10N": [(86.77, 10, 9), (87.75, 10, 9), (87.60, 10, 6)],
    "10W": [(102.11, 20, 17), (104.57, 20, 17), (88.35, 20, 17)],
    "11D": [(77.56, 13, 0), (78.89, 13, 0), (81.50, 13, 0)],
}


@pytest.mark.parametrize("ccg", PLACES)
def test_core_income_of_named_places(files, ccg):
    found = evidence.named_place(files.tables, ccg)
    assert found == dict(zip(YEARS, PLACES[ccg], strict=False))


def test_what_is_at_stake_in_thames_valley(files):
    stakes = {c: evidence.at_stake(files.tables[FIRST], c) for c in evidence.THAMES_VALLEY}
    assert sum(stake[0] for stake in stakes.values()) == 60
    assert sum(stake[1] for stake in stakes.values()) / 1e6 == pytest.approx(8.74, abs=0.005)
    assert round(stakes["10W"][2], -3) == 145_000


def test_in_thames_valley_nothing_went_before_april_2016_and_then_the_label_did(files):
    """As the delay says; in 2016/17 core falls by £15.30, other payments rise by £12.80."""
    panel = files.panel
    here = panel.ccg.isin(evidence.THAMES_VALLEY) & (panel.contract[FIRST] == "PMS")
    assert here.sum() == 55
    premium = panel.mean(panel.premium("net price"), here)
    other = panel.mean(panel.per_weighted_patient("other_payments"), here)
    assert to(2, premium) == [15.29, 16.94, 1.79, 1.78]
    assert to(2, other) == [6.91, 5.11, 17.88, 17.05]


def test_the_tables_can_be_printed(files, stayed):
    tables = tables_to_print(files, stayed)
    with pd.option_context("display.width", 160, "display.max_columns", 20):
        for title, table in tables.items():
            print(f"\n{title}\n{table.to_string()}")
    assert all(len(table) for table in tables.values())
