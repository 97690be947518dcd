"""Gain and loss share: published schemes by hand, the laws of sharing, and a model that pays it."""

from __future__ import annotations

import datetime as dt
import functools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from capitation.engine.rule import Rule
from capitation.engine.term_tables import read_terms
from capitation.errors import InputError
from capitation.gain_share_presets import MINIMUM_SAVINGS_RATES, minimum_savings_rate
from capitation.model_file import load_model
from capitation.national import national_presets, national_terms
from capitation.projection import project
from capitation.rules import gain_loss_share, gain_loss_split

from .strategies import practices_of

laws = settings(deadline=None, max_examples=50)

RULES = {
    name: rule
    for module in (gain_loss_share, gain_loss_split)
    for name, rule in vars(module).items()
    if isinstance(rule, Rule)
}
BANDS = ("first", "second", "third", "fourth")
PARTIES = ("provider", "acute", "community", "council", "commissioner")


@functools.cache
def terms_of(preset: str, year: int = 2015) -> dict[str, float]:
    """The terms of a preset as they stand in the April of a year, in the year's names."""
    terms, sources = national_terms()
    changed = national_presets()[preset]["term"]
    kept = {
        name: {"unit": terms[name].unit, "choices": list(terms[name].choices)} for name in changed
    }
    tables = {
        name: {**{k: v for k, v in kept[name].items() if v}, **changed[name]} for name in changed
    }
    read, problems = read_terms(tables, "presets", sources, {})
    assert not problems
    april = dt.date(year, 4, 1)
    return {f"{name}_for_the_year": term.at(april) for name, term in read.items()}


@functools.cache
def in_order(given: frozenset[str]) -> list[str]:
    """Names of the rules that can be run from what is given, each after those that it reads."""
    order: list[str] = []
    known = set(given)
    while ready := [n for n, r in RULES.items() if n not in known and {*r.parameters} <= known]:
        order += ready
        known |= {*ready}
    return order


def shared(
    terms: dict[str, float],
    expected: float,
    actual: float,
    *,
    quality: float = 1,
    income: float = 0,
    ramp: float = 1,
) -> dict[str, float]:
    """Every rule of the sharing in turn, on plain numbers."""
    known = {
        "expected_in_share_of_year": expected,
        "actual_in_share_of_year": actual,
        "contract_quality_score": quality,
        "contract_income_of_year": income,
        "gain_loss_ramp_for_the_year": ramp,
        **terms,
    }
    for name in in_order(frozenset(known)):
        known[name] = RULES[name](*(known[parameter] for parameter in RULES[name].parameters))
    return known


def part(preset: str, rate: float, year: int = 2015, **more: float) -> float:
    """The providers' part of a difference, in % of a benchmark of £10,000,000."""
    terms = terms_of(preset, year) | {"benchmark_discount_for_the_year": 0}
    return shared(terms, 10e6, 10e6 * (1 - rate / 100), **more)["providers_part"] / 100_000


# ------------------------------------------------------------------------- published schemes

# Of the benchmark, after the discount where the option has one
REACH = {3: (3.00, 1.50), 8: (8.00, 3.55), 12: (12.00, 4.55), 20: (20.00, 5.25)}
REACH |= {30: (27.50, 5.75), 60: (34.75, 7.25)}


@pytest.mark.parametrize("rate", REACH)
def test_accountable_care_corridors_to_the_penny(rate):
    """Global and Professional, as % of the benchmark: of £10m, £100,000 is 1%."""
    for option, expected in zip(("global", "professional"), REACH[rate], strict=True):
        assert part(f"aco-reach-{option}", rate) == expected
        assert part(f"aco-reach-{option}", -rate) == -expected


def test_the_discount_of_accountable_care_by_performance_year():
    discounts = {2021: 0.02, 2023: 0.03, 2025: 0.035, 2026: 0.035}
    for year, discount in discounts.items():
        terms = terms_of("aco-reach-global", year)
        assert terms["benchmark_discount_for_the_year"] == discount
        # Spending exactly what was expected before the discount loses all of it
        assert shared(terms, 10e6, 10e6)["gain_to_provider"] == pytest.approx(-10e6 * discount)
        assert terms_of("aco-reach-professional", year)["benchmark_discount_for_the_year"] == 0


def test_multilateral_sharing_gives_the_community_trust_181_thousand_either_way():
    """A pool of £724,000 in four equal parts: the part is published, the pool is chosen to fit."""
    for pool in (724_000, -724_000):
        known = shared(terms_of("multilateral-gain-loss"), 20e6, 20e6 - pool)
        parts = [known[f"gain_to_{party}"] for party in PARTIES]
        quarter = pool / 4
        assert parts == [quarter, quarter, quarter, 0, quarter]
        assert abs(known["gain_to_community"]) == 181_000


# Rate of gain or loss %, quality, income in % of the benchmark; part in % of the benchmark by hand
TRACKS = {
    "mssp-basic-a": [
        (5, 1, 100, 2.0),  # 40% of 5%
        (1.9, 1, 100, 0),  # below 2.0%
        (30, 1, 100, 10.0),  # 12%, capped at 10%
        (5, 0.5, 100, 1.0),  # half the quality
        (-30, 1, 100, 0),  # no loss
    ],
    "mssp-basic-c": [
        (5, 1, 100, 2.5),
        (-2, 1, 100, -0.6),  # 30% of 2%
        (-6, 1, 100, -1.0),  # 1.8%, capped at 1% of the benchmark
        (-6, 1, 20, -0.4),  # 2% of an income of 20%
        (-1.9, 1, 100, 0),
    ],
    "mssp-basic-d": [(-6, 1, 100, -1.8), (-10, 1, 100, -2.0), (-10, 1, 40, -1.6)],
    "mssp-basic-e": [(-6, 1, 20, -1.6), (-20, 1, 100, -4.0), (25, 1, 100, 10.0)],
    "mssp-enhanced": [
        (10, 1, 100, 7.5),
        (30, 1, 100, 20.0),  # 22.5%, capped at 20%
        (10, 0.8, 100, 6.0),  # 75% × 0.8
        (-10, 1, 100, -4.0),  # 1 − 75%, but 40% at least
        (-10, 0.5, 100, -6.25),  # 1 − 37.5%
        (-10, 0, 100, -7.5),  # 75% at most
        (-30, 0, 100, -15.0),  # 22.5%, capped at 15%
    ],
}


@pytest.mark.parametrize("track", TRACKS)
def test_tracks_of_the_medicare_programme_by_hand(track):
    for rate, quality, income, expected in TRACKS[track]:
        found = part(track, rate, quality=quality, income=income * 100_000)
        assert found == pytest.approx(expected, abs=1e-9), (rate, quality, income)


def test_every_preset_sets_every_term_of_the_sharing():
    read = {p for rule in RULES.values() for p in rule.parameters if p.endswith("_for_the_year")}
    wanted = {name.removesuffix("_for_the_year") for name in read} - {"gain_loss_ramp"}
    for name, preset in national_presets().items():
        if name.startswith(("multilateral", "aco-", "mssp-")):
            assert set(preset["term"]) == wanted, name


def test_minimum_savings_rates_by_size():
    for lives, rate in MINIMUM_SAVINGS_RATES.items():
        assert minimum_savings_rate(lives) == pytest.approx(rate)
    assert minimum_savings_rate(55_000) == pytest.approx(0.021)
    assert minimum_savings_rate(1e9) == 0.02
    for lives in (4_999, float("nan")):
        with pytest.raises(InputError, match="chance decides"):
            minimum_savings_rate(lives)


@laws
@given(st.floats(5_000, 1e6), st.floats(5_000, 1e6))
def test_more_lives_never_need_a_higher_rate(one, other):
    few, many = sorted((one, other))
    assert minimum_savings_rate(few) >= minimum_savings_rate(many) - 1e-15


# ----------------------------------------------------------------------------------------- laws

shares = st.floats(0, 1)
rates = st.floats(-1, 0.999)
spend = st.integers(1, 10**11).map(lambda pence: pence / 100)


@st.composite
def any_terms(draw: st.DrawFn, *, symmetric: bool = False) -> dict[str, float]:
    """Terms of a sharing, with edges that rise and caps that may be none."""
    terms = {"benchmark_discount": 0.0, "shared_from": float(draw(st.booleans()))}
    cap = st.one_of(st.just(0.0), st.floats(0.01, 1))
    for side, least in (("gain", "minimum_savings_rate"), ("loss", "minimum_loss_rate")):
        edges = sorted(draw(st.tuples(shares, shares, shares)))
        terms |= {f"{n}_{side}_edge": e for n, e in zip(BANDS, edges, strict=False)}
        terms |= {f"{n}_{side}_share": draw(shares) for n in BANDS}
        terms |= {f"{side}_cap_on_{of}": draw(cap) for of in ("expected", "income")}
        terms[least] = draw(st.floats(0, 0.1))
    terms["gain_quality_gate"], terms["gain_quality_scaling"] = draw(shares), draw(shares)
    terms["loss_quality_relief"] = draw(shares)
    terms["least_loss_factor"], terms["most_loss_factor"] = sorted((draw(shares), draw(shares)))
    if symmetric:
        terms |= {k.replace("gain", "loss"): v for k, v in terms.items() if "_gain_" in k}
        terms |= {f"loss_cap_on_{of}": terms[f"gain_cap_on_{of}"] for of in ("expected", "income")}
        terms["minimum_loss_rate"] = terms["minimum_savings_rate"]
        terms |= dict.fromkeys(("gain_quality_gate", "gain_quality_scaling"), 0.0)
        terms |= {"loss_quality_relief": 0.0, "least_loss_factor": 0.0, "most_loss_factor": 1.0}
    weights = st.one_of(st.just(0.0), st.floats(0.001, 10))
    terms |= {f"weight_of_{party}": draw(weights) for party in PARTIES[:-1]}
    return {f"{name}_for_the_year": value for name, value in terms.items()}


def pence(pounds: float) -> int:
    """Whole pence, which the amount must be in."""
    whole = round(pounds * 100)
    assert whole / 100 == pounds
    return whole


@laws
@given(any_terms(), spend, rates, shares, shares)
def test_the_parts_add_up_to_the_pool_to_the_penny(terms, expected, rate, quality, ramp):
    actual = expected * (1 - rate)
    known = shared(terms, expected, actual, quality=quality, income=expected, ramp=ramp)
    parts = [pence(known[f"gain_to_{party}"]) for party in PARTIES]
    assert sum(parts) == pence(known["gain_or_loss"])
    assert abs(known["gain_or_loss"] - (expected - actual)) <= 0.005 + 1e-12 * expected
    weighted = known["weights_of_providers"] > 0
    left = pence(known["providers_part"]) - sum(parts[:-1]) if weighted else 0
    assert abs(left) <= 2  # odd pennies of four parts


@laws
@given(any_terms(), spend, rates, rates, shares, shares)
def test_the_providers_part_never_falls_as_the_difference_rises(
    terms, expected, one, other, quality, ramp
):
    low, high = sorted((one, other))
    parts = [
        shared(terms, expected, expected * (1 - r), quality=quality, income=expected, ramp=ramp)
        for r in (low, high)
    ]
    assert parts[0]["providers_part"] <= parts[1]["providers_part"] + 1e-9 * expected


@laws
@given(any_terms(), spend, rates, shares, shares, st.floats(0, 2))
def test_no_part_passes_a_cap_or_the_pool(terms, expected, rate, quality, ramp, income_share):
    income = expected * income_share
    known = shared(
        terms, expected, expected * (1 - rate), quality=quality, income=income, ramp=ramp
    )
    a_penny = 0.01 + 1e-9 * expected
    found = known["providers_part"]
    assert abs(found) <= abs(known["gain_or_loss"]) + a_penny
    assert found * known["gain_or_loss"] >= 0
    side = "gain" if found > 0 else "loss"
    for of, size in (("expected", expected), ("income", income)):
        cap = terms[f"{side}_cap_on_{of}_for_the_year"]
        assert cap == 0 or abs(found) <= cap * size + a_penny


@laws
@given(any_terms(), spend, st.floats(-1, 1))
def test_nothing_is_shared_in_the_dead_band(terms, expected, inside):
    least = "minimum_savings_rate" if inside > 0 else "minimum_loss_rate"
    band = terms[f"{least}_for_the_year"]
    assume(expected >= 1_000 and band > 0.001)
    rate = inside * (band - 2e-5)  # half a penny of £1,000 is less
    known = shared(terms, expected, expected * (1 - rate), income=expected)
    assert known["providers_part"] == 0
    assert known["gain_to_commissioner"] == known["gain_or_loss"]


@laws
@given(any_terms(symmetric=True), spend, shares, shares)
def test_terms_that_are_alike_share_gain_and_loss_alike(terms, expected, rate, ramp):
    for quality in (0, 0.5, 1):
        gain, loss = (
            shared(terms, expected, expected * (1 + sign * rate), quality=quality, ramp=ramp)
            for sign in (-1, 1)
        )
        assume(
            abs(abs(gain["gain_or_loss_rate"]) - terms["minimum_savings_rate_for_the_year"]) > 1e-6
        )
        assume(gain["gain_or_loss"] == -loss["gain_or_loss"])
        for party in PARTIES:
            assert gain[f"gain_to_{party}"] == pytest.approx(
                -loss[f"gain_to_{party}"], abs=0.011 + 1e-12 * expected
            )


@laws
@given(any_terms(), st.integers(10**6, 10**9), rates, shares, st.integers(2, 1000))
def test_so_many_times_the_spend_is_so_many_times_the_part(terms, expected, rate, quality, times):
    one, many = (
        shared(terms, e, e * (1 - rate), quality=quality, income=e)
        for e in (expected, expected * times)
    )
    edge = min(
        abs(abs(one["gain_or_loss_rate"]) - terms[f"minimum_{least}_rate_for_the_year"])
        for least in ("savings", "loss")
    )
    assume(edge > 1e-6)  # a rounded penny may step over it
    for party in ("providers_part", "gain_or_loss"):
        assert many[party] == pytest.approx(times * one[party], abs=0.02 * times)


@laws
@given(any_terms(), spend, rates, shares)
def test_a_shadow_year_shares_nothing(terms, expected, rate, quality):
    known = shared(terms, expected, expected * (1 - rate), quality=quality, ramp=0)
    assert known["providers_part"] == 0
    assert known["gain_to_commissioner"] == known["gain_or_loss"]


@laws
@given(any_terms(), spend, rates, shares, shares)
def test_better_quality_never_lowers_the_part(terms, expected, rate, one, other):
    low, high = (
        shared(terms, expected, expected * (1 - rate), quality=q, income=expected)
        for q in sorted((one, other))
    )
    assert low["providers_part"] <= high["providers_part"] + 1e-9 * expected


def naive(terms: dict[str, float], expected: float, actual: float, quality: float) -> float:
    """The providers' part, slice by slice, written otherwise than the rules."""
    t = {name.removesuffix("_for_the_year"): value for name, value in terms.items()}
    difference = expected - actual
    side = "gain" if difference > 0 else "loss"
    size = abs(difference) / expected
    least = t["minimum_savings_rate" if side == "gain" else "minimum_loss_rate"]
    if size < least:
        return 0.0
    if t["shared_from"]:
        size -= least
    edges = [0.0, *(t[f"{n}_{side}_edge"] for n in BANDS[:3]), np.inf]
    marginal = [t[f"{n}_{side}_share"] for n in BANDS]
    slices = zip(edges, edges[1:], marginal, strict=False)
    found = sum((min(size, b) - a) * s for a, b, s in slices if size > a) * expected
    if side == "gain":
        found *= 1 - t["gain_quality_scaling"] * (1 - quality)
        found = found if quality >= t["gain_quality_gate"] else 0.0
    else:
        relieved = 1 - quality * t["loss_quality_relief"]
        found *= float(np.clip(relieved, t["least_loss_factor"], t["most_loss_factor"]))
    caps = [t[f"{side}_cap_on_{of}"] * expected for of in ("expected", "income")]
    return min([found, *(cap for cap in caps if cap)]) * (1 if side == "gain" else -1)


@laws
@given(any_terms(), st.integers(10**5, 10**9), rates, shares)
def test_the_rules_share_as_a_plain_reckoning_does(terms, expected, rate, quality):
    actual = round(expected * (1 - rate))
    size = abs(expected - actual) / expected
    for least in ("savings", "loss"):
        assume(abs(size - terms[f"minimum_{least}_rate_for_the_year"]) > 1e-6)
    assume(abs(quality - terms["gain_quality_gate_for_the_year"]) > 1e-6)
    known = shared(terms, expected, actual, quality=quality, income=expected)
    by_hand = naive(terms, expected, actual, quality)
    assert known["providers_part"] == pytest.approx(by_hand, abs=0.0051, rel=1e-12)


# ----------------------------------------------------------------------------- through a projection

MODEL = """
name = "reach"
title = "Corridors"
start = 2017-04-01
months = 24
rules = ["contract.py", "gain_loss_share", "gain_loss_split"]
streams = ["gain_loss_payment"]

[service.hospital]
title = "Hospital care"
"""
CONTRACT = '''
from capitation.vocabulary import MONTHS_PER_YEAR, rule, total

@rule(unit="patient", assumption="By hand.")
def population_in_contract(base_weighted_list, contract_form):
    """Of practices in the contract."""
    return base_weighted_list if contract_form > 0 else 0

contract_weighted_population = total("population_in_contract", over="practices")

@rule(unit="patient", assumption="By hand.")
def counted_population(base_weighted_list):
    """Of all practices."""
    return base_weighted_list

@rule(unit="1", assumption="By hand.")
def in_virtual_contract(contract_form):
    """One of them."""
    return 1 if contract_form == 1 else 0

@rule(unit="1", assumption="By hand.")
def in_integrated_contract(contract_form):
    """One of them."""
    return 1 if contract_form > 1 else 0

@rule(unit="1", assumption="By hand.")
def contract_quality_score(gain_loss_ramp_for_the_year):
    """Full marks, every year."""
    return 1 if gain_loss_ramp_for_the_year >= 0 else 0

@rule(unit="GBP/month", assumption="By hand.")
def whole_population_budget(population_in_contract, hospital_rate):
    """As much as hospital care."""
    return population_in_contract * hospital_rate / MONTHS_PER_YEAR

@rule(unit="GBP/month", assumption="By hand.")
def notional_budget(base_weighted_list):
    """None."""
    return 0
'''
GIVEN = {
    "hospital_rate": ("GBP/patient/year", 500),
    "hospital_in_scope": ("1", 0),
    "hospital_in_gain_share": ("1", 1),
    "hospital_marginal_share": ("1", 1),
    "contract_form": ("1", 2),
}


def paid(folder, preset: str, deviations: dict[str, float], **given_terms: float):
    """A projection of three practices, one scenario a deviation, over two years."""
    text = [MODEL]
    for name, (unit, value) in GIVEN.items():
        number = given_terms.get(name, value)
        text.append(
            f'[term.{name}]\nunit = "{unit}"\n'
            f'values = [{{ from = 2013-04-01, value = {number}, assumption = "By hand." }}]\n'
        )
    text.append(
        '[term.gain_loss_ramp]\nunit = "1"\nvalues = ['
        '{ from = 2013-04-01, value = 0, assumption = "A shadow year." },'
        '{ from = 2018-04-01, value = 1, assumption = "By hand." }]\n'
    )
    for name, deviation in deviations.items():
        text.append(
            f'[scenario.{name}]\npreset = ["{preset}"]\n'
            f"[scenario.{name}.term.hospital_deviation]\n"
            f'values = [{{ from = 2013-04-01, value = {deviation}, assumption = "By hand." }}]\n'
        )
    (folder / "contract.py").write_text(CONTRACT, encoding="utf-8")
    (folder / "reach.toml").write_text("\n".join(text), encoding="utf-8")
    rows = [{"weighted_list": size, "registered_list": size} for size in (4000.0, 10000.0, 6000.0)]
    return project(load_model(folder / "reach.toml"), practices_of(rows))


@pytest.mark.parametrize(("option", "at"), [("global", 0), ("professional", 1)])
def test_corridors_through_a_model_to_the_penny(tmp_path, option, at):
    """20,000 people at £500 are £10m; what is spent under it comes to each rate."""
    left = 0.98 if option == "global" else 1.0  # the discount of 2%
    deviation = {rate: left * (1 - rate / 100) - 1 for rate in REACH}
    rates = {f"saves-{rate}": off for rate, off in deviation.items()}
    result = paid(tmp_path, f"aco-reach-{option}", rates)
    benchmark = 10e6 * left
    for rate, shares_of_both in REACH.items():
        due = round(benchmark * shares_of_both[at] / 100, 2)
        one = result.sel(scenario=f"saves-{rate}")
        assert one["gain_to_provider"].values.tolist() == [[0.0, due]]  # a shadow year first
        assert one["gain_to_commissioner"].values[0, 0] == one["gain_or_loss"].values[0, 0]
        practices = one["gain_loss_payment"].isel(month=-1).values
        np.testing.assert_allclose(practices, [due * s for s in (0.2, 0.5, 0.3)], rtol=1e-12)
        assert not one["gain_loss_payment"].isel(month=slice(0, -1)).values.any()
        assert not one["shared_ledger"].values.any()
        saved = one["saving_outside"].isel(month=-1).values * 12
        off = 10e6 * -deviation[rate]
        np.testing.assert_allclose(saved.reshape(-1), [off * s for s in (0.2, 0.5, 0.3)])


def test_a_virtual_contract_notes_the_share_in_the_ledger_and_pays_nothing(tmp_path):
    result = paid(tmp_path, "aco-reach-professional", {"less": -0.03}, contract_form=1)
    assert not result["gain_loss_payment"].values.any()
    assert result["shared_ledger"].isel(month=-1).values.sum() == pytest.approx(150_000)
    assert not result["shared_ledger"].isel(month=slice(0, -1)).values.any()


def test_what_is_in_the_budget_or_paid_as_a_block_leaves_nothing_to_share(tmp_path):
    for nothing in ("hospital_in_scope", "hospital_marginal_share"):
        changed = {nothing: float(nothing == "hospital_in_scope")}
        result = paid(tmp_path, "aco-reach-professional", {"less": -0.03}, **changed)
        assert not result["gain_or_loss"].values.any()


def test_a_blended_payment_shares_a_fifth_of_what_a_variable_one_does(tmp_path):
    """3% less activity saves £300,000 at full price, and £60,000 at 20% of it."""
    for marginal, saved in ((1, 300_000), (0.2, 60_000)):
        result = paid(
            tmp_path, "aco-reach-professional", {"less": -0.03}, hospital_marginal_share=marginal
        )
        assert result["gain_or_loss"].values.tolist() == [[saved, saved]]
