"""What the rules say, held against official figures that were published or really paid."""

import datetime as dt

import numpy as np
import pytest

import capitation as cap
from capitation.national import national_terms

YEARS = ("2014_15", "2015_16", "2016_17", "2018_19")


@pytest.fixture(scope="module")
def payments(reference_data):
    return {year: cap.read_payments(reference_data / f"gp_payments_{year}.csv") for year in YEARS}


@pytest.fixture(scope="module")
def national(payments):
    """England from the 2014/15 file alone, four years on."""
    return cap.project(
        "national-practice-income",
        payments["2014_15"],
        variables=["correction_factor", "base_gms_equivalent", "base_premium"],
    )


@pytest.fixture(scope="module")
def bolton(payments):
    practices = cap.select_commissioners(payments["2014_15"], ["00T"])
    return cap.project("bolton-quality-contract", practices)


def by_year(result, name, year):
    months = np.flatnonzero(result["fiscal_year"].values == year)
    return result[name].isel(month=months).sum("month")


def cohort(payments):
    """Check C9: GMS in all four years, and on the timetable to 0.05 points of the 2014/15 value."""
    codes = set(payments["2014_15"]["practice"].values)
    for file in payments.values():
        gms = file["contract_type"].values == "GMS"
        codes &= set(file["practice"].values[gms])
    codes = sorted(codes)
    paid = {y: f["correction_factor"].sel(practice=codes).values for y, f in payments.items()}
    first = paid["2014_15"]
    kept = first > 5_000
    for year, share in (("2015_16", 5 / 6), ("2016_17", 4 / 6), ("2018_19", 2 / 6)):
        with np.errstate(divide="ignore", invalid="ignore"):
            kept &= np.abs(paid[year] / first - share) <= 0.0005
    chosen = [code for code, keep in zip(codes, kept, strict=True) if keep]
    return chosen, {year: values[kept] for year, values in paid.items()}


def test_the_correction_factor_cohort_from_the_2014_15_file_and_the_schedule_alone(
    payments, national
):
    codes, paid = cohort(payments)
    assert len(codes) == 1882
    assert paid["2014_15"].sum() == 76_667_662
    published = {"2015_16": 63_889_730.88, "2016_17": 51_111_783.35, "2018_19": 25_555_892.57}
    for year, total in published.items():
        assert paid[year].sum() == pytest.approx(total, abs=0.005)
        label = year.replace("_", "/")
        modelled = by_year(national, "correction_factor", label).sel(practice=codes).values
        # The 2014/15 file is in whole pounds: up to 50p a practice, and the few that moved £1.90.
        assert np.abs(modelled - paid[year]).max() < 2
        assert modelled.sum() == pytest.approx(total, abs=50)


@pytest.mark.parametrize(
    ("practice", "amounts"),
    [
        ("A81005", (12_874.32, 10_299.48, 5_149.80)),
        ("A81017", (76_442.16, 61_153.68, 30_576.84)),
        ("A81023", (39_164.52, 31_331.64, 15_665.88)),
        ("A81001", (5_273.04, 4_218.48, 2_109.33)),
    ],
)
def test_correction_factors_of_named_practices(national, practice, amounts):
    """A81001's last amount is what the timetable gives: the file's £570,656.34 is a miscoding."""
    for year, amount in zip(("2015/16", "2016/17", "2018/19"), amounts, strict=True):
        modelled = float(by_year(national, "correction_factor", year).sel(practice=practice))
        assert modelled == pytest.approx(amount, abs=0.5)


@pytest.mark.parametrize(
    ("year", "months", "median"),
    [
        ("2014_15", dt.date(2014, 4, 1), 69.99),
        ("2015_16", dt.date(2015, 4, 1), 72.48),
        ("2016_17", dt.date(2016, 4, 1), 76.44),
        ("2018_19", dt.date(2018, 4, 1), 84.91),
    ],
)
def test_gms_practices_outside_london_are_paid_the_net_price(payments, year, months, median):
    """Check C6, with the price and deduction of our own terms; 0.7% high at the most."""
    file = payments[year]
    gms = (file["contract_type"].values == "GMS") & (file["london_practice"].values == 0)
    counts = gms & (file["weighted_list"].values > 1000) & (file["global_sum"].values > 0)
    paid = file["global_sum"].values[counts] / file["weighted_list"].values[counts]
    assert np.median(paid) == pytest.approx(median, abs=0.005)
    terms, _ = national_terms()
    halves = (months, dt.date(months.year, 10, 1))
    net = np.mean(
        [
            terms["global_sum_price"].at(m) * (1 - terms["out_of_hours_deduction"].at(m))
            for m in halves
        ]
    )
    assert -0.001 < np.median(paid) / net - 1 < 0.008


def test_the_half_year_price_is_nhs_englands_mean():
    terms, _ = national_terms()
    price = terms["global_sum_price"]
    months = [dt.date(2015, 4, 1), dt.date(2015, 10, 1)]
    assert np.mean([price.at(month) for month in months]) == pytest.approx(76.14)


def test_the_gap_between_pms_and_gms_is_the_premium(payments, national):
    """Check C12: £12.88 a weighted patient; by the rules, over each practice's own equivalent."""
    file = payments["2014_15"]
    weighted, pms = file["weighted_list"].values, file["pms_expenditure"].values
    contract, gs = file["contract_type"].values, file["global_sum"].values
    pure = (contract == "PMS") & (weighted > 1000) & (pms > 0) & (gs <= 0)
    gms = (contract == "GMS") & (weighted > 1000) & (gs > 0)
    gap = pms[pure].sum() / weighted[pure].sum() - gs[gms].sum() / weighted[gms].sum()
    assert (int(pure.sum()), round(float(gap), 2)) == (2910, 12.88)
    over = pms[pure].sum() - national["base_gms_equivalent"].values[pure].sum()
    assert over / weighted[pure].sum() == pytest.approx(12.88, abs=0.9)
    # The rules' premium has no practice below nothing, so it is at least the gap.
    premium = national["base_premium"].values[pure].sum() / weighted[pure].sum()
    assert premium > over / weighted[pure].sum()


@pytest.mark.parametrize(
    ("scenario", "cost"), [("core-and-local-schemes", 8.32), ("other-payments-counted", 4.01)]
)
def test_boltons_cost_of_reaching_95_pounds_on_its_own_2014_15_figures(bolton, scenario, cost):
    """Check C16, beside the published £3.4m."""
    shortfall = by_year(bolton, "shortfall_on_base_income", "2015/16").sel(scenario=scenario)
    assert float(shortfall.sum()) / 1e6 == pytest.approx(cost, abs=0.005)


def test_boltons_published_cost_is_that_of_the_reading_with_other_payments_counted(
    bolton, payments
):
    """£3.4m was published; and the whole of what its practices were paid in 2015/16 agrees."""
    wide, counted = (
        float(by_year(bolton, "scheme_offer", "2015/16").sel(scenario=name).sum())
        for name in ("core-and-local-schemes", "other-payments-counted")
    )
    assert counted == pytest.approx(3.4e6, abs=0.05e6)
    assert wide > 5e6
    modelled = by_year(bolton, "total_payments", "2015/16").sel(scenario="other-payments-counted")
    paid = cap.select_commissioners(payments["2015_16"], ["00T"])["total_payments"]
    assert float(modelled.sum()) == pytest.approx(float(paid.sum()), rel=0.005)


def test_boltons_core_per_weighted_patient_is_what_was_quoted(payments):
    """About £73.50 before the contract; £72.83 in the file."""
    file = cap.select_commissioners(payments["2014_15"], ["00T"])
    core = file["global_sum"] + file["correction_factor"] + file["pms_expenditure"]
    assert float(core.sum() / file["weighted_list"].sum()) == pytest.approx(72.83, abs=0.005)


def test_a_fixed_guarantee_is_eaten_by_the_rising_price(bolton):
    """£7.03 from 2014/15 to 2016/17: the cost of a fixed £95 falls each year."""
    years = ("2015/16", "2016/17", "2017/18", "2018/19")
    offers = [by_year(bolton, "scheme_offer", year).sum("practice") for year in years]
    fixed = [offer.sel(scenario="core-and-local-schemes").item() for offer in offers]
    indexed = [offer.sel(scenario="indexed-guarantee").item() for offer in offers]
    assert (np.diff(fixed) < 0).all()
    assert (np.diff(indexed) > 0).all()
