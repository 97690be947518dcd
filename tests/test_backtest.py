"""The backtest: its definition by hand, and what it comes to on the official files."""

import numpy as np
import pytest
import xarray as xr

import capitation as cap
from capitation.backtesting import CORE

NET_2014_15 = 73.56 * (1 - 0.0546)


def payments(year, rows):
    """Rows of (code, contract, registered, weighted, global sum, correction factor, PMS)."""
    names = ("registered_list", "weighted_list", "global_sum", "correction_factor")
    columns = list(zip(*rows, strict=True))
    data = {
        name: ("practice", np.array(columns[2 + i], dtype=float))
        for i, name in enumerate((*names, "pms_expenditure"))
    }
    zero = np.zeros(len(rows))
    for name in ("seniority", "qof", "local_schemes", "other_payments", "total_payments"):
        data[name] = ("practice", zero)
    data["london_practice"] = ("practice", zero)
    coords = {
        "practice": list(columns[0]),
        "contract_type": ("practice", list(columns[1])),
        "commissioner": ("practice", ["00T"] * len(rows)),
    }
    return xr.Dataset(data, coords, {"fiscal_year": year, "source": f"{year}.csv"})


def by_hand():
    """Three practices in 2014/15 and 2015/16, at prices that can be checked with a calculator."""
    net_2015_16 = (75.77 * (1 - 0.0539) + 76.51 * (1 - 0.0534)) / 2
    base = payments(
        "2014/15",
        [
            ("A", "GMS", 2000, 2000, 2000 * NET_2014_15, 6000, 0),
            ("B", "PMS", 3000, 3000, 0, 0, 3000 * NET_2014_15 + 30_000),
            ("C", "GMS", 900, 900, 900 * NET_2014_15, 0, 0),
            ("D", "GMS", 2000, 2000, 2000 * NET_2014_15, 0, 0),
        ],
    )
    actual = payments(
        "2015/16",
        [
            ("B", "PMS", 3000, 3000, 0, 0, 3000 * net_2015_16 + 30_000 - 3000 * 0.55),
            ("A", "GMS", 2200, 2200, 2200 * net_2015_16, 5000, 0),
            ("C", "GMS", 900, 900, 900 * net_2015_16, 0, 0),
            ("E", "GMS", 2000, 2000, 2000 * net_2015_16, 0, 0),
        ],
    )
    return base, actual


def test_the_rules_of_2015_16_give_what_was_paid_under_them():
    """Half-year price, correction factor 6/7 → 5/7... of A: 6,000 → 5,000; premium less 55p."""
    report = cap.backtest(*by_hand())
    assert report["practices"] == 2
    assert report["wape"]["model"] == pytest.approx(0, abs=1e-12)
    assert report["bias"] == pytest.approx(0, abs=1e-12)
    assert report["median_error"] == pytest.approx(0, abs=1e-12)


def test_the_alternatives_are_what_they_say():
    base, actual = by_hand()
    report = cap.backtest(base, actual)
    net_2015_16 = (75.77 + 76.51) / 2 * (1 - (0.0539 + 0.0534) / 2)
    a_before, b_before = 2000 * NET_2014_15 + 6000, 3000 * NET_2014_15 + 30_000
    core = sum(actual[stream] for stream in CORE)
    a_after, b_after = (float(core.sel(practice=code)) for code in "AB")
    ratio = net_2015_16 / NET_2014_15

    def wape(a, b):
        return (abs(a - a_after) + abs(b - b_after)) / (a_after + b_after)

    assert report["wape"]["persistence"] == pytest.approx(wape(a_before, b_before))
    assert report["wape"]["per_capita"] == pytest.approx(wape(a_before * 1.1, b_before))
    grown = wape(a_before * 1.1 * ratio, b_before * ratio)
    assert report["wape"]["price_grown"] == pytest.approx(grown)


def test_lists_actual_uses_nothing_of_the_target_year_but_its_lists():
    """Change every payment and contract of the target year: what the model says must not move."""
    base, actual = by_hand()
    core = sum(actual[stream] for stream in CORE).sel(practice=["A", "B"])
    other = actual.copy(deep=True)
    for stream in CORE:
        other[stream] = other[stream] * 3 + 1000
    other = other.assign_coords(contract_type=("practice", ["GMS", "APMS", "GMS", "GMS"]))
    inflated = sum(other[stream] for stream in CORE).sel(practice=["A", "B"])
    modelled = float(core.sum())  # exact, by the test above
    bias = cap.backtest(base, other)["bias"]
    assert bias == pytest.approx(modelled / float(inflated.sum()) - 1)


def test_projected_lists_are_the_models_own():
    base, actual = by_hand()
    projected = cap.backtest(base, actual, lists="projected")
    moved = actual.copy(deep=True)
    moved["weighted_list"] = moved["weighted_list"] * 1.5
    again = cap.backtest(base, moved, lists="projected")
    assert again["wape"] == projected["wape"]
    assert cap.backtest(base, moved)["wape"]["per_capita"] != projected["wape"]["per_capita"]


def test_a_stream_of_which_nothing_was_paid_has_no_error_rate():
    base, actual = by_hand()
    switched = actual.copy(deep=True)
    switched["global_sum"] = switched["global_sum"] + switched["pms_expenditure"]
    switched["pms_expenditure"] = switched["pms_expenditure"] * 0
    assert cap.backtest(base, switched)["by_stream"]["pms_expenditure"] is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda b, a: (a, b), "is not after the base year"),
        (lambda b, a: (b, a.assign_coords(practice=list("WXYZ"))), "no practice can be compared"),
        (lambda b, a: (b, a.assign_attrs(fiscal_year="2014/15")), "is not after the base year"),
    ],
)
def test_files_that_cannot_be_compared_are_refused(change, said):
    with pytest.raises(cap.InputError, match=said):
        cap.backtest(*change(*by_hand()))


def test_an_unknown_kind_of_lists_is_refused():
    with pytest.raises(cap.InputError, match="'actual' or 'projected'"):
        cap.backtest(*by_hand(), lists="guessed")


# Practices and alternatives as counted by hand with pandas; plain rules by hand came to the last.
OFFICIAL = [
    ("2014_15", "2018_19", 6865, 0.232, 0.156, 0.134, 0.053),
    ("2016_17", "2018_19", 7058, 0.156, 0.116, 0.074, 0.049),
    ("2014_15", "2016_17", 7274, 0.130, 0.100, 0.099, 0.064),
]


@pytest.mark.parametrize(
    ("base", "actual", "practices", "persistence", "per_capita", "price_grown", "plain"), OFFICIAL
)
def test_on_the_official_files_the_model_beats_the_plain_rules(
    reference_data, base, actual, practices, persistence, per_capita, price_grown, plain
):
    report = cap.backtest(
        reference_data / f"gp_payments_{base}.csv", reference_data / f"gp_payments_{actual}.csv"
    )
    wape = report["wape"]
    assert report["practices"] == practices
    assert wape["persistence"] == pytest.approx(persistence, abs=0.0005)
    assert wape["per_capita"] == pytest.approx(per_capita, abs=0.0005)
    assert wape["price_grown"] == pytest.approx(price_grown, abs=0.0005)
    assert wape["model"] < plain - 0.0025
    assert abs(report["bias"]) < 0.02
    assert report["by_contract_type"]["GMS"]["wape"] < 0.027
    assert report["by_contract_type"]["GMS"]["median_error"] < 0.009
