"""What the contracts say: figures worked out by hand, and the laws that payments obey."""

from __future__ import annotations

import collections
import datetime as dt
import functools
import importlib
import operator
import pkgutil
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import capitation.rules
from capitation.engine.rule import Rule
from capitation.engine.terms import DatedValue, Term
from capitation.engine.units import Unit
from capitation.example import example_practices
from capitation.model import Model, Scenario, term_behind
from capitation.model_file import load_model
from capitation.projection import project
from capitation.vocabulary import round_to_pence

from . import (
    by_hand_affordability,
    by_hand_carr_hill,
    by_hand_pms,
    by_hand_pool_and_recovery,
    by_hand_reactivation,
    by_hand_sharing,
    by_hand_whole_population,
)
from .strategies import (
    BOLTON,
    NATIONAL,
    SHIPPED,
    THAMES_VALLEY,
    bits,
    edited,
    practice_sets,
    practices_of,
    shipped,
    shipped_text,
)

# --------------------------------------------------------------- one rule at a time, by hand

# Arguments in the order of the rule's brackets, and what it gives.
BY_HAND = {
    # 1% on 7,000 patients
    "registered_list": [((7000, 0.01), 7070)],
    "weighted_list": [((8000, -0.005), 7960)],
    "payment_registered_list": [
        ((7000, 7070, 1, 0), 7070),
        ((7000, 7070, 0, 0), 7000),
        ((7000, 7070, 0, 1), 0),
        ((7000, 7070, 1, 1), 0),
    ],
    "payment_weighted_list": [
        ((8000, 7960, 1, 0), 7960),
        ((8000, 7960, 0, 0), 8000),
        ((8000, 7960, 0, 1), 0),
        ((8000, 7960, 1, 1), 0),
    ],
    # £75.77 less 5.39% is £71.685997
    "net_global_sum_price": [((75.77, 0.0539), 71.685997)],
    "net_global_sum_price_in_payment": [((121.79, 0.0475), 116.004975)],
    # 6,000 × £2.18 = £13,080 a year
    "london_payment": [((6000, 2.18, 1), 1090), ((6000, 2.18, 0), 0)],
    # 7,880 × £71.685997 = £564,885.656 a year
    "gms_equivalent_in_payment": [
        ((7880, 71.685997, 0), 47_073.804697),
        ((7880, 71.685997, 1090), 48_163.804697),
    ],
    # £88.96 and £87.92, each less 4.87%: £0.989352 apart, on 12,000 patients, a twelfth
    "uplift_earned": [((12_000, 84.627648, 83.638296), 989.352), ((12_000, 84.6, 84.6), 0)],
    "uplift_owed": [((4000, 989.352, 0), 4989.352), ((4946.76, 0, 4946.76), 0)],
    "uplift_paid": [((4946.76, 10, 88.96, 88.96), 4956.76), ((4946.76, 10, 88.96, 87.92), 0)],
    "gms_equivalent": [((47_073.80, 989.35), 48_063.15)],
    # 7,000 × £73.56 = £514,920; 5.46% of it is £28,114.63; the net price gives £486,805.37
    "out_of_hours_kept": [
        ((1, 514_920, 0, 486_805.37, 7000, 73.56, 0.0546), 1),
        ((1, 501_000, 0, 486_805.37, 7000, 73.56, 0.0546), 1),  # £14,195, more than half
        ((1, 500_000, 0, 486_805.37, 7000, 73.56, 0.0546), 0),  # £13,195, less than half
        ((1, 529_000, 0, 486_805.37, 7000, 73.56, 0.0546), 0),  # £42,195, over £42,172
        ((1, 486_805, 0, 486_805.37, 7000, 73.56, 0.0546), 0),
        ((0, 514_920, 0, 486_805.37, 7000, 73.56, 0.0546), 0),
        ((1, 514_920, 1, 486_805.37, 7000, 73.56, 0.0546), 0),
        ((1, 0, 0, 0, 0, 73.56, 0.0546), 0),
    ],
    # 7,000 × £75.77 × 5.39% = £28,588.02 a year
    "out_of_hours_payment": [
        ((7000, 75.77, 0.0539, 0, 1), 2_382.335083),
        ((7000, 75.77, 0.0539, 1000, 0), 0),
        # and £1,000 of net arrears are £1,000 ÷ 94.61% × 5.39% = £56.97 short of the full price
        ((7000, 75.77, 0.0539, 1000, 1), 2_439.305856),
    ],
    # 7,000 × £69.543624 = £486,805.368; 6,800 × £2.18 = £14,824
    "base_gms_equivalent": [
        ((7000, 6800, 73.56, 0.0546, 2.18, 0), 486_805.368),
        ((7000, 6800, 73.56, 0.0546, 2.18, 1), 501_629.368),
    ],
    # £500,000 − £486,805.37 = £13,194.63 a year over the GMS price, £1,099.55 a month
    "apms_payment": [
        ((1, 47_073.80, 500_000, 0, 486_805.368, 0), 48_173.352667),
        ((1, 47_073.80, 400_000, 80_000, 486_805.368, 0), 47_073.80),
        ((0, 47_073.80, 500_000, 0, 486_805.368, 0), 0),
        # Ended: £280 of arrears, and no fixed sum
        ((1, 280, 500_000, 0, 486_805.368, 1), 280),
    ],
    # 559 × £156.92 × 7,000 ÷ 7,087 = £86,641.45 for all points; £78,000 is 90.03% of it
    "qof_achievement": [((78_000, 559, 156.92, 7000, 7087), 0.900262), ((100, 559, 156, 0, 7), 0)],
    # 90% × 559 × £160.15 = £80,571.465; × 7,100 ÷ 7,233 = £79,089.92 a year
    "qof": [((0.9, 559, 160.15, 7100, 7233), 6_590.826783)],
    # 85% of £10,000, a quarter of it
    "seniority": [
        ((10_000, 0.85, 1, 1, 0), 2125),
        ((10_000, 0.85, 1, 0, 0), 0),
        ((9, 0, 0, 1, 0), 0),
        ((10_000, 0.85, 1, 1, 1), 0),
    ],
    "local_schemes": [((12_000, 0), 1000), ((12_000, 1), 0)],
    # £1,000,000 less 500, 10, 0, 20, 80 and 30 thousand leaves £360,000
    "remaining_payments": [
        ((1_000_000, 500_000, 10_000, 0, 20_000, 80_000, 30_000, 0, 0), 30_000),
        ((1_000_000, 500_000, 10_000, 0, 20_000, 80_000, 30_000, 12_000, 0), 29_000),
        ((1_000_000, 500_000, 10_000, 0, 20_000, 80_000, 30_000, 12_000, 1), 0),
    ],
    "counted_other_payments": [
        ((24_000, 0, 0.5, 0), 1000),
        ((24_000, 6_000, 0.5, 0), 750),
        ((24_000, 6_000, 0.5, 1), 0),
    ],
}

# A guarantee of £95, standards, conditions, advance and true-up.
BY_HAND |= {
    "guaranteed_list": [((6800, 7000, 0), 7000), ((6800, 7000, 1), 6800)],
    # £73.56 and a tenth is £80.916
    "guaranteed_income": [
        ((95, 0, 80.916, 73.56), 95),
        ((95, 1, 80.916, 73.56), 104.5),
        ((95, 0.5, 80.916, 73.56), 99.75),
    ],
    # £95 × 7,000 = £665,000 a year, £55,416.67 a month; a least offer of £1 is £583.33 a month
    "guaranteed_floor": [((95, 7000), 55_416.666667)],
    "least_offer": [((1, 7000), 583.333333), ((0, 7000), 0)],
    "guarantee.scheme_offer": [
        ((55_416.67, 50_000, 0), 5_416.67),
        ((55_416.67, 60_000, 0), 0),
        ((55_416.67, 55_000, 0), 416.67),
        ((55_416.67, 55_000, 583.33), 583.33),
        ((55_416.67, 60_000, 583.33), 583.33),
    ],
    "scheme_offer_of_year": [
        ((665_000, 600_000, 0), 65_000),
        ((665_000, 720_000, 0), 0),
        ((665_000, 660_000, 7_000), 7_000),
        ((665_000, 720_000, 7_000), 7_000),
    ],
    # £665,000 − £510,000 − £11,690 − £12,000 = £131,310; on 6,800 patients £19,000 less
    "shortfall_on_base_income": [
        ((95, 0, 6800, 7000, 500_000, 10_000, 0, 11_690, 24_000, 0.5), 10_942.5),
        ((95, 1, 6800, 7000, 500_000, 10_000, 0, 11_690, 24_000, 0.5), 9_359.166667),
        ((95, 0, 6800, 7000, 700_000, 10_000, 0, 11_690, 24_000, 0.5), 0),
    ],
    # £22.77 × 7,000 = £159,390 a year
    "per_patient.scheme_offer": [((22.77, 7000), 13_282.5)],
    # 60% of £65,000, and 40% of it at four fifths
    "mandatory_standards_payment": [((65_000, 0.6, 1), 39_000), ((65_000, 0.6, 0), 0)],
    "graded_standards_payment": [((65_000, 0.6, 0.8), 20_800), ((65_000, 0.6, 0), 0)],
    "standards_payment": [((39_000, 20_800), 59_800)],
    # £3.01m to be saved, on admissions and otherwise; in half a year £1.505m, £255,000 otherwise
    "savings_condition_met": [
        ((2_500_000, 510_000, 3_010_000, 1), 1),
        ((2_500_000, 509_999, 3_010_000, 1), 0),
        ((1_250_000, 510_000, 3_010_000, 0.5), 1),
        ((1_249_999, 510_000, 3_010_000, 0.5), 0),
        ((-50_000, 0, 0, 1), 1),
        ((-50_000, 0, 1, 1), 0),
    ],
    "earned_before_cap": [((59_800, 1), 59_800), ((59_800, 0), 0)],
    # £4m earned of a budget of £3m: three quarters; of half a year's, three eighths
    "scheme_budget_scale": [
        ((4_000_000, 3_000_000, 1), 0.75),
        ((4_000_000, 3_000_000, 0.5), 0.375),
        ((3_000_000, 3_000_000, 1), 1),
        ((2_000_000, 3_000_000, 1), 1),
        ((4_000_000, 0, 1), 1),
        ((0, 3_000_000, 1), 1),
    ],
    # Three quarters of £59,800.02 is £44,850.015, and of £59,800.03 £44,850.0225: down
    "scheme_earned": [
        ((59_800, 0.75), 44_850),
        ((59_800.02, 0.75), 44_850.01),
        ((59_800.03, 0.75), 44_850.02),
        ((0, 0.75), 0),
        ((0.01, 0.75), 0),
        ((59_800.015, 1), 59_800.02),
        ((59_800.014, 1), 59_800.01),
    ],
    # Four fifths of £5,416.67 is £4,333.33
    "scheme_advance": [((5_416.666667, 0.8), 4_333.33), ((5_416.666667, 0), 0)],
    # £52,000 advanced: £59,800 earned is £7,800 more; £39,000 earned is £13,000 to give back
    "scheme_true_up": [
        ((59_800, 52_000, 12), 7_800),
        ((39_000, 52_000, 12), -13_000),
        ((59_800, 52_000, 11), 0),
    ],
    "scheme_payment": [((4_333.33, 0), 4_333.33), ((4_333.33, -13_000), -8_666.67)],
    # £500,000 saved otherwise, and half of it in half a year
    "scheme_saving": [
        ((3_280_000, 500_000, 1), 3_780_000),
        ((3_280_000, 500_000, 0.5), 3_530_000),
    ],
    "scheme_net_cost": [((3_400_000, 3_780_000), -380_000)],
}

# Admissions of a practice of 7,000 patients: 99 per 1,000 is 693 a year, 57.75 a month.
AGES = (0.06, 0.11, 0.40, 0.25, 0.09, 0.06, 0.03)
RATES = (0.150, 0.040, 0.062, 0.075, 0.148, 0.285, 0.510)
SEASONS = (0.98, 0.99, 0.97, 1.00, 0.95, 0.96, 1.01, 1.02, 1.06, 1.05, 0.94, 1.07)
BY_HAND |= {
    # 9 + 4.4 + 24.8 + 18.75 + 13.32 + 17.1 + 15.3 per 1,000
    "admission_rate_for_age": [((*AGES, *RATES), 0.10267)],
    "expected_admission_rate": [
        ((693, 7000, 0.10267), 0.099),
        ((0, 7000, 0.10267), 0.10267),
        ((693, 0, 0.10267), 0.10267),
    ],
    "variation_of_practice_rates": [((0, 0.17), 0.17), ((693, 0.17), 0)],
    "underlying_admission_rate": [((0.099,), 0.099)],
    # 0.1% a month, five and a half months after the middle of the year
    "trend_at_end_of_base_year": [((0.001,), 1.0055)],
    "admissions_trend_index": [((1.0055, 0.001), 1.0065055)],
    "season": [((month, *SEASONS), SEASONS[month - 1]) for month in range(1, 13)],
    "programme_effect": [((0.05, 0.5), 0.025)],
    # 693 and a hundredth more is 699.93, times 1.05 is 734.9265 a year
    "expected_by_age": [((7000, 0.099, 1, 1), 57.75), ((7000, 0.099, 1.01, 1.05), 61.243875)],
    "expected_without_programme": [
        ((7000, 0.099, 1, 1), 57.75),
        ((7000, 0.099, 1.01, 1.05), 61.243875),
    ],
    "expected_admissions": [((60, 0.05), 57)],
    "emergency_admissions": [((57,), 57)],
    "admissions_without_programme": [((60,), 60)],
    # Twelve months at 0.1%
    "growth_of_a_year": [((0.001,), 1.012)],
    "noise_of_base_year": [((0, 1.3), 1.3), ((693, 1.3), 0)],
    "noise_a_year_before_base": [((0, 1.3), 1.3), ((693, 1.3), 0)],
    "noise_two_years_before_base": [((0, 1.3), 1.3), ((693, 1.3), 0)],
    "expected_in_base_year": [((0.099, 7000), 693)],
    # 700 × 1.012 = 708.4, and × 1.012 again is 716.9008
    "expected_a_year_before_base": [((708.4, 1.012), 700)],
    "admissions_in_base_year": [((0.1012, 7000), 708.4)],
    "admissions_a_year_before_base": [
        ((0, 0.1012, 7000, 1.012), 700),
        ((650, 0.1012, 7000, 1.012), 650),
    ],
    "admissions_two_years_before_base": [
        ((0, 0.1024144, 7000, 1.012), 700),
        ((650, 0.1024144, 7000, 1.012), 650),
    ],
    "admissions_a_year_ago": [((700,), 700)],
    "admissions_two_years_ago": [((700,), 700)],
    "expected_a_year_ago": [((700,), 700)],
    "expected_two_years_ago": [((700,), 700)],
}

# How a fall is measured and graded.
COUNTS = (690, 700, 705, 720, 714, 708)  # a year ago, base year, three years; expected, in 3 years
BY_HAND |= {
    "three_year_baseline": [((690, 700, 710), 700)],
    "measured_admissions": [((660, 690, 720, 0), 660), ((660, 690, 720, 1), 690)],
    # over three years, against expected, against the base year
    "comparator_admissions": [
        ((*COUNTS, 0, 0, 0), 690),
        ((*COUNTS, 0, 0, 1), 700),
        ((*COUNTS, 1, 0, 0), 705),
        ((*COUNTS, 1, 0, 1), 705),
        ((*COUNTS, 0, 1, 0), 720),
        ((*COUNTS, 1, 1, 0), 714),
        ((*COUNTS, 0, 1, 1), 720),
    ],
    "three_whole_years": [((), 3)],
    "whole_years_in_a_row": [((3, 1), 3), ((3, 0.5), 0), ((0, 1), 1), ((1, 1), 2)],
    # over three years, against expected, against the base year; last year's count needs two
    "year_is_measured": [
        ((3, 1, 0, 0), 1),
        ((2, 1, 0, 0), 0),
        ((2, 1, 1, 0), 0),
        ((2, 0, 0, 0), 1),
        ((1, 0, 0, 0), 0),
        ((1, 0, 1, 0), 1),
        ((1, 0, 0, 1), 1),
        ((0, 0, 0, 1), 0),
        ((0, 0, 1, 0), 0),
    ],
    # 35 of 700 is 5%; 580 of 29,000 is 2%
    "fall_in_admissions": [
        ((665, 700, 28_420, 29_000, 1, 0), 0.05),
        ((665, 700, 28_420, 29_000, 1, 1), 0.02),
        ((735, 700, 28_420, 29_000, 1, 0), -0.05),
        ((5, 0, 28_420, 29_000, 1, 0), 0),
        ((5, 0, 5, 0, 1, 1), 0),
        ((665, 700, 28_420, 29_000, 0, 0), 0),
        ((665, 700, 28_420, 29_000, 0, 1), 0),
    ],
    # 2 × 1.3 ÷ 650 = 0.004, so a standard deviation of 6.3%; 26,000 together: 1%
    "variance_of_fall": [
        ((650, 26_000, 0, 0.17, 1.3, 0, 0, 0), 0.004),
        ((650, 26_000, 0, 0, 1.3, 0, 0, 1), 0.002),
        ((650, 26_000, 0, 0.17, 1.3, 1, 0, 0), 0.004 / 3),
        ((650, 26_000, 0, 0.17, 1.3, 0, 1, 0), 0.0001),
        ((0, 26_000, 0, 0.17, 1.3, 0, 0, 0), 0),
        # Against expected: 17% by 17% more from practices' levels, or a count that is known for
        # each year measured and the one that the expectation rests on; in a pool neither
        ((650, 26_000, 0, 0.17, 1.3, 0, 0, 1), 0.002 + 0.0289),
        ((650, 26_000, 0, 0.17, 1.3, 1, 0, 1), 0.002 / 3 + 0.0289),
        ((650, 26_000, 640, 0, 1.3, 0, 0, 1), 0.004),
        ((650, 26_000, 640, 0, 1.3, 1, 0, 1), 0.002 / 3 + 0.002),
        ((650, 26_000, 640, 0, 1.3, 0, 0, 0), 0.004),
        ((650, 26_000, 0, 0.17, 1.3, 0, 1, 1), 0.00005),
        ((0, 26_000, 0, 0.17, 1.3, 0, 0, 1), 0),
    ],
    # 1.28 × 4% is 5.12%
    "beyond_chance": [
        ((0.0511, 0.0016, 1.28), 0),
        ((0.0513, 0.0016, 1.28), 1),
        ((-0.06, 0.0016, 1.28), 0),
        ((0.001, 0.0016, 0), 1),
        ((0, 0.0016, 0), 0),
    ],
    # From 2% to 6%: 5% is three quarters of the way
    "grade_for_admissions": [
        ((0.05, 1, 0.02, 0.06), 0.75),
        ((0.05, 0, 0.02, 0.06), 0),
        ((0.02, 1, 0.02, 0.06), 0),
        ((0.06, 1, 0.02, 0.06), 1),
        ((0.09, 1, 0.02, 0.06), 1),
        ((0.035, 1, 0.035, 0.035), 1),
        ((0.034, 1, 0.035, 0.035), 0),
    ],
}

# What an admission costs: £1,500 less 2% for readmissions that are not paid is £1,470. Values of
# £1.3m, £1.4m and £1.5m around a baseline of £1.4m, by the part paid above, below, and ring-fenced.
FULL, THIRTY, SEVENTY, BLENDED, BLOCK = (1, 1), (0.3, 1), (0.7, 1), (0.2, 0.2), (0, 0)
PAYMENT = [
    ((1_500_000, 1_400_000, *FULL, 0), 1_500_000),
    ((1_500_000, 1_400_000, *THIRTY, 0), 1_430_000),
    ((1_500_000, 1_400_000, *THIRTY, 1), 1_500_000),  # £70,000 kept back and spent all the same
    ((1_500_000, 1_400_000, *SEVENTY, 0), 1_470_000),
    ((1_500_000, 1_400_000, *BLENDED, 0), 1_420_000),
    ((1_500_000, 1_400_000, *BLOCK, 0), 1_400_000),
    *(((1_400_000, 1_400_000, *regime, 0), 1_400_000) for regime in (FULL, THIRTY, BLENDED, BLOCK)),
    ((1_300_000, 1_400_000, *THIRTY, 0), 1_300_000),
    ((1_300_000, 1_400_000, *THIRTY, 1), 1_300_000),
    ((1_300_000, 1_400_000, *BLENDED, 0), 1_380_000),
    ((1_300_000, 1_400_000, *BLOCK, 0), 1_400_000),
]
BY_HAND |= {
    # 700 × £1,470 = £1,029,000, nine tenths of it
    "marginal_rate_baseline": [
        ((0, 700, 1500, 0.9, 0.02), 926_100),
        ((800_000, 700, 1500, 0.9, 0.02), 800_000),
    ],
    "paid_admission_price": [((1500, 0.02), 1470)],
    # 710 counted where 700 were expected; 721 expected now
    "planned_admissions": [((710, 721, 700), 731.3), ((0, 721, 700), 0), ((0, 0, 0), 0)],
    "value_of_plan": [((1000, 1470), 1_470_000)],
    "baseline_value": [
        ((1_470_000, 1_400_000, 1, 0), 1_400_000),
        ((1_470_000, 1_400_000, 1, 1), 1_470_000),
        ((735_000, 1_400_000, 0.5, 0), 700_000),
        ((735_000, 1_400_000, 0.5, 1), 735_000),
    ],
    "value_without_programme": [((1000, 1470), 1_470_000)],
    # 50 avoided, at 60% of £1,500: £45,000
    "value_with_programme": [
        ((1_500_000, 1000, 950, 1500, 0.6), 1_455_000),
        ((1_500_000, 1000, 1000, 1500, 0.6), 1_500_000),
    ],
    "payment_without_programme": PAYMENT,
    "payment_with_programme": PAYMENT,
    "admissions_saving": [
        ((1_430_000, 1_385_000, 50_000, 0), 45_000),
        ((1_430_000, 1_385_000, 50_000, 1), 95_000),
    ],
    # 50 fewer than planned, at 60% of £1,500: £45,000; 20 more: £18,000
    "value_as_measured": [
        ((1_500_000, 1000, 950, 1500, 0.6), 1_455_000),
        ((1_500_000, 1000, 1020, 1500, 0.6), 1_518_000),
    ],
    "payment_for_plan": PAYMENT,
    "payment_as_measured": PAYMENT,
    "measured_saving": [
        ((1_430_000, 1_385_000, 50_000, 0), 45_000),
        ((1_430_000, 1_385_000, 50_000, 1), 95_000),
        ((1_430_000, 1_448_000, 0, 1), -18_000),
    ],
    # 12,000 a year, in a month a tenth above the mean
    "better_care_fund_comparator": [((12_000, 1.1), 1100)],
    "no_reduction_yet": [((), 0)],
    "reduction_to_date": [((50, 1100, 1080, 1), 70), ((50, 1100, 1120, 1), 30), ((50, 9, 8, 0), 0)],
    # 3.5% of 12,000 is 420, at £1,490
    "better_care_fund_pot": [((0.035, 12_000, 1490), 625_800)],
    "nothing_paid_yet": [((), 0)],
    "better_care_fund_paid_to_date": [
        ((0, 70, 1490, 625_800, 1, 1), 104_300),
        ((0, 70, 1490, 625_800, 1, 0), 0),
        ((0, 70, 1490, 625_800, 0, 1), 0),
        ((104_300, 30, 1490, 625_800, 1, 1), 104_300),
        ((0, -20, 1490, 625_800, 1, 1), 0),
        ((104_300, 500, 1490, 625_800, 1, 1), 625_800),
    ],
    "better_care_fund_payment": [((104_300, 60_000), 44_300)],
}

# The Avoiding Unplanned Admissions service of 2014/15: 45%, 20%, 10%, 10% and 15% of £2.87.
REGISTER = (0.018, 0.20, 0.10, 0.05)  # the least share, then what each quarter's is worth
BY_HAND |= {
    "list_on_1_april": [((7000, 7070, 1), 7070), ((7000, 7070, 2), 7000)],
    "register_component_due": [
        ((6, 0.018, 0.020, 0.020, *REGISTER), 0.20),
        ((6, 0.0179, 0.020, 0.020, *REGISTER), 0),
        ((9, 0.0179, 0.020, 0.020, *REGISTER), 0.10),
        ((12, 0.020, 0.020, 0.020, *REGISTER), 0.05),
        ((12, 0.020, 0.020, 0.010, *REGISTER), 0),
        ((7, 0.020, 0.020, 0.020, *REGISTER), 0),
    ],
    "unplanned_admissions_share_due": [
        ((1, 0.45, 0, 0.15, 1), 0.45),
        ((6, 0.45, 0.20, 0.15, 1), 0.20),
        ((12, 0.45, 0.10, 0.15, 1), 0.25),
        ((12, 0.45, 0.10, 0.15, 0), 0.10),
    ],
    # £2.87 × 7,000 = £20,090; £2.87 × 7,001 × 45% is £9,041.7915
    "unplanned_admissions_instalment": [
        ((2.87, 7000, 0.45, 0), 9_040.5),
        ((2.87, 7001, 0.45, 0), 9_041.79),
        ((2.87, 7000, 0, 0), 0),
        ((2.87, 7000, 0.45, 1), 0),
    ],
}


for topic in (
    by_hand_affordability,
    by_hand_carr_hill,
    by_hand_pms,
    by_hand_pool_and_recovery,
    by_hand_reactivation,
    by_hand_sharing,
    by_hand_whole_population,
):
    assert not BY_HAND.keys() & topic.BY_HAND.keys()
    BY_HAND |= topic.BY_HAND


@functools.cache
def shipped_rules() -> dict[str, Rule]:
    """Every rule of every module of rules; one of a name that two modules have, by both names."""
    found = []
    for info in pkgutil.iter_modules(capitation.rules.__path__):
        names = vars(importlib.import_module(f"capitation.rules.{info.name}"))
        found += [(info.name, rule) for rule in names.values() if isinstance(rule, Rule)]
    often = collections.Counter(rule.name for _, rule in found)
    return {
        rule.name if often[rule.name] == 1 else f"{module}.{rule.name}": rule
        for module, rule in found
    }


def test_every_rule_has_an_example_by_hand():
    assert set(BY_HAND) == set(shipped_rules())


@pytest.mark.parametrize("name", BY_HAND)
def test_a_rule_gives_what_was_worked_out_by_hand(name):
    for arguments, expected in BY_HAND[name]:
        assert shipped_rules()[name](*arguments) == pytest.approx(expected, rel=1e-6, abs=1e-6)


# --------------------------------------------------------------- projections, worked out by hand

HELD_LISTS = ("value = 0.0009, ", "value = 0, ")
NOTHING_RECYCLED = """
[term.correction_factor_recycled]
unit = "GBP/patient/year"
values = [{ from = 2013-04-01, value = 0, assumption = "Nothing is recycled, for the example." }]
"""
NET_PRICE_2014 = 69.543624  # £73.56 less 5.46%


@pytest.fixture(scope="module")
def model_of(tmp_path_factory):
    """Load the text of a model."""
    folder = tmp_path_factory.mktemp("models")

    def load(text: str) -> Model:
        path = folder / "own.toml"
        path.write_text(text, encoding="utf-8")
        return load_model(path)

    return load


@pytest.fixture(scope="module")
def held(model_of) -> Model:
    """The national rules with lists held."""
    return model_of(edited(shipped_text(NATIONAL), HELD_LISTS))


def gms(weighted: float, **more: object) -> dict[str, object]:
    """A GMS practice, paid at the net price in 2014/15."""
    paid = weighted * NET_PRICE_2014
    return {"weighted_list": weighted, "registered_list": weighted, "global_sum": paid, **more}


def pms(weighted: float, premium: float, **more: object) -> dict[str, object]:
    """A PMS practice with a premium in 2014/15."""
    paid = weighted * NET_PRICE_2014 + premium
    return {
        "contract_type": "PMS",
        "weighted_list": weighted,
        "registered_list": weighted,
        "pms_expenditure": paid,
        **more,
    }


def monthly(result: xr.Dataset, name: str, practice: int = 0) -> list[float]:
    """What is paid in each month, to the penny."""
    values = result[name].isel(practice=practice).squeeze().values
    return [round_to_pence(float(value)) for value in values]


def yearly(result: xr.Dataset, name: str, practice: int = 0) -> dict[str, float]:
    """What is paid in each fiscal year, to the penny."""
    sums = result[name].isel(practice=practice).groupby("fiscal_year").sum()
    years = sums["fiscal_year"].values.astype(str)
    return {
        str(year): round_to_pence(float(value))
        for year, value in zip(years, sums.values, strict=True)
    }


def test_the_global_sum_has_one_price_to_september_2015_and_another_after(held):
    result = project(held, practices_of([gms(7880)]), months=13)
    # 7,880 × £71.685997 ÷ 12; from October £76.51 less 5.34% is £72.424366
    # and from April 2016 £80.59 less 5.15%, £76.439615
    assert monthly(result, "global_sum") == [47_073.80] * 6 + [47_558.67] * 6 + [50_195.35]
    assert yearly(result, "global_sum")["2015/16"] == 567_794.83


def test_the_global_sum_of_2025_comes_to_what_the_reference_works_out(model_of):
    text = edited(shipped_text(NATIONAL), HELD_LISTS, ("start = 2015-04-01", "start = 2025-04-01"))
    practices = practices_of([{"weighted_list": 7880, "registered_list": 7880}], "2024/25")
    result = project(model_of(text), practices, months=12)
    # £123.34 less 4.75% is £117.48135, £77,146.09 a month. To July £121.79 was in payment,
    # £76,176.60 a month; the four months' arrears of £969.486 come in August.
    assert monthly(result, "global_sum")[:4] == [76_176.60] * 4
    assert monthly(result, "global_sum")[4] == round_to_pence(77_146.0865 + 4 * 969.48625)
    assert monthly(result, "global_sum")[5:] == [77_146.09] * 7
    assert yearly(result, "global_sum") == {"2025/26": 925_753.04}  # 12 × £77,146.0865


def test_a_backdated_uplift_is_paid_in_one_lump_and_the_year_comes_to_the_new_price(model_of):
    text = edited(shipped_text(NATIONAL), HELD_LISTS, ("start = 2015-04-01", "start = 2018-04-01"))
    practices = practices_of([{"weighted_list": 12_000, "registered_list": 12_000}], "2017/18")
    result = project(model_of(text), practices, months=12)
    # £87.92 less 4.87% is £83.638296 and £88.96 less 4.87% is £84.627648: £989.352 a month
    # apart on 12,000 patients. September pays the five months' arrears, £4,946.76.
    old, new, lump = 83_638.30, 84_627.65, 89_574.41
    assert monthly(result, "global_sum") == [old] * 5 + [lump] + [new] * 6
    assert monthly(result, "uplift_paid") == [0.0] * 5 + [4_946.76] + [0.0] * 6
    assert monthly(result, "uplift_owed")[:5] == [989.35, 1_978.70, 2_968.06, 3_957.41, 4_946.76]
    assert monthly(result, "uplift_owed")[5:] == [0.0] * 7
    assert yearly(result, "global_sum") == {"2018/19": 1_015_531.78}  # 12 × £84,627.648


def test_lists_grow_every_month_and_are_counted_each_quarter(model_of):
    faster = (("value = 0.0009, ", "value = 0.01, "), ("high = 0.0018", "high = 0.01"))
    model = model_of(edited(shipped_text(NATIONAL), *faster))
    practices = practices_of([{"weighted_list": 1000, "registered_list": 2000}])
    result = project(model, practices, months=12)
    # 1% a month on 1,000: 1.01, 1.01⁴, 1.01⁷ and 1.01¹⁰ at the quarters' first days
    quarters = [1010.0, 1040.60401, 1072.13535210701, 1104.6221254112045]
    found = result["payment_weighted_list"].isel(practice=0)
    np.testing.assert_allclose(found, np.repeat(quarters, 3), rtol=1e-12)
    twice = result["payment_registered_list"].isel(practice=0)
    np.testing.assert_allclose(twice, np.repeat(quarters, 3) * 2, rtol=1e-12)
    grown = result["weighted_list"].isel(practice=0)
    np.testing.assert_allclose(grown, [1000 * 1.01**m for m in range(1, 13)], rtol=1e-12)


FOUR_EQUAL = {
    "2015/16": 94_640.00,
    "2016/17": 70_980.00,
    "2017/18": 47_320.00,
    "2018/19": 23_660.00,
    "2019/20": 0.00,
}
SEVENTHS = {
    "2015/16": 94_640.00,
    "2016/17": 81_120.00,
    "2017/18": 67_600.00,
    "2018/19": 54_080.00,
    "2019/20": 40_560.00,
    "2020/21": 27_040.00,
    "2021/22": 13_520.00,
    "2022/23": 0.00,
}


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [("four-equal-years", FOUR_EQUAL), ("sevenths", SEVENTHS)],
)
def test_a_premium_of_1352_a_patient_is_withdrawn_by_its_schedule(model_of, schedule, expected):
    change = ('schedule = "four-equal-years"', f'schedule = "{schedule}"')
    text = edited(shipped_text(NATIONAL), HELD_LISTS, change) + NOTHING_RECYCLED
    # £13.52 × 7,000 = £94,640
    practices = practices_of([pms(7000, 94_640)])
    result = project(model_of(text), practices, months=12 * len(expected))
    assert yearly(result, "pms_premium") == expected
    withdrawn = {year: round(94_640 - paid, 2) for year, paid in expected.items()}
    assert yearly(result, "premium_withdrawn") == withdrawn


def test_a_premium_shrinks_by_the_correction_factors_that_the_price_absorbs(held):
    result = project(held, practices_of([pms(7000, 94_640)]), months=24)
    # Recycled: £0.50 a patient in 2014/15, £1.05 in 2015/16, £1.55 in 2016/17.
    # £94,640 − 7,000 × £0.55 = £90,790; (£94,640 − 7,000 × £1.05) × 3/4 = £65,467.50
    assert yearly(result, "pms_premium") == {"2015/16": 90_790.00, "2016/17": 65_467.50}


def test_a_pms_practice_below_the_gms_price_is_brought_up_to_it(held):
    result = project(held, practices_of([pms(7880, -50_000)]), months=12)
    assert monthly(result, "pms_gms_equivalent") == [47_073.80] * 6 + [47_558.67] * 6
    assert monthly(result, "pms_premium") == [0.0] * 12


def test_a_correction_factor_falls_by_sevenths_of_its_first_value(held):
    # A81005 in 2014/15, at six sevenths: £15,449
    practices = practices_of([gms(7000, correction_factor=15_449)])
    result = project(held, practices, months=84)
    assert yearly(result, "correction_factor") == {
        "2015/16": 12_874.17,  # 15,449 × 5/6
        "2016/17": 10_299.33,  # 4/6
        "2017/18": 7_724.50,  # 3/6
        "2018/19": 5_149.67,  # 2/6
        "2019/20": 2_574.83,  # 1/6
        "2020/21": 0.00,
        "2021/22": 0.00,
    }
    assert monthly(result, "correction_factor")[0] == 1_072.85  # £12,874.17 ÷ 12


def test_seniority_is_paid_at_the_ends_of_quarters_and_ends_in_march_2020(held):
    result = project(held, practices_of([gms(7000, seniority=10_000)]), months=72)
    quarter = [0.0, 0.0, 2_125.00]  # 85% of £10,000, in June, September, December and March
    assert monthly(result, "seniority")[:12] == quarter * 4
    assert yearly(result, "seniority") == {
        "2015/16": 8_500.00,
        "2016/17": 7_225.00,
        "2017/18": 6_141.25,
        "2018/19": 5_220.06,
        "2019/20": 4_437.05,
        "2020/21": 0.00,
    }


def test_a_quality_point_is_worth_221418_pounds_for_1000_patients(held):
    # In 2014/15 all 559 points came to 559 × £156.92 × 1,000 ÷ 7,087 for 1,000 patients.
    everything = 559 * 156.92 * 1000 / 7087
    practices = practices_of([gms(1000, qof=everything), gms(1000, qof=everything / 2)])
    result = project(held, practices, months=48)
    np.testing.assert_allclose(result["qof_achievement"], [1.0, 0.5], rtol=1e-12)
    paid = result["qof"].groupby("fiscal_year").sum().isel(practice=0) / 559
    for year in ("2015/16", "2016/17", "2017/18", "2018/19"):
        assert float(paid.sel(fiscal_year=year)) == pytest.approx(22.1418, rel=1e-4)
    assert round(float(paid.sel(fiscal_year="2018/19")), 4) == 22.1418  # 179.26 ÷ 8.096
    half = result["qof"].isel(practice=1)
    np.testing.assert_allclose(half * 2, result["qof"].isel(practice=0), rtol=1e-12)


def test_an_apms_contract_keeps_its_fixed_sum_and_earns_the_gms_price(held):
    row = {**pms(7000, 13_200), "contract_type": "APMS"}
    result = project(held, practices_of([row]), months=12)
    # £13,200 ÷ 12 = £1,100 over 7,000 × £71.685997 ÷ 12 = £41,816.83
    assert monthly(result, "apms_payment")[:6] == [42_916.83] * 6
    assert monthly(result, "pms_premium") == [0.0] * 12
    assert monthly(result, "pms_gms_equivalent") == [0.0] * 12


def test_a_london_practice_is_paid_218_pence_a_registered_patient(held):
    row = gms(7880, registered_list=6000, london_practice=1)
    row["global_sum"] = 7880 * NET_PRICE_2014 + 6000 * 2.18
    result = project(held, practices_of([row]), months=12)
    # 6,000 × £2.18 ÷ 12 = £1,090
    assert monthly(result, "london_payment") == [1_090.00] * 12
    assert monthly(result, "global_sum")[:6] == [48_163.80] * 6
    assert monthly(result, "out_of_hours_payment") == [0.0] * 12


def test_a_practice_that_kept_out_of_hours_duty_is_paid_the_whole_price(held):
    row = gms(7880)
    row["global_sum"] = 7880 * 73.56
    result = project(held, practices_of([row]), months=12)
    # 7,880 × £75.77 ÷ 12, and × £76.51 ÷ 12
    assert monthly(result, "global_sum") == [49_755.63] * 6 + [50_241.57] * 6


# A guarantee of £95, four fifths advanced, 60% for the mandatory standards; nothing must be saved.
GUARANTEE_RULES = '"guarantee", "standards", "savings_condition", "scheme_budget", "advance"]'
GUARANTEE_SUM = """
[sum.counted_income]
of = ["global_sum", "correction_factor", "pms_gms_equivalent", "pms_premium", "apms_payment",
  "local_schemes", "counted_other_payments"]
"""
GUARANTEE_INPUTS = {
    "mandatory_standards_met": ("1", 1),
    "graded_standards_achieved": ("1", 1),
    "measured_saving": ("GBP/year", 0),
}
GUARANTEE_TERMS = {
    "guaranteed_income_per_patient": ("GBP/patient/year", 95),
    "guarantee_indexed_share": ("1", 0),
    "guarantee_set_at_price": ("GBP/patient/year", 75.77),
    "guarantee_on_registered_list": ("1", 0),
    "minimum_offer_per_patient": ("GBP/patient/year", 0),
    "share_of_other_payments_counted": ("1", 0),
    "mandatory_standards_share": ("1", 0.6),
    "savings_required": ("GBP/year", 0),
    "other_savings": ("GBP/year", 0),
    "scheme_budget": ("GBP/year", 0),
    "scheme_advance_share": ("1", 0.8),
}


def guarantee_text(**terms: float) -> str:
    """The national rules with lists held and a guarantee of £95, its terms as given."""
    text = edited(shipped_text(NATIONAL), HELD_LISTS)
    text = edited(text, ('"as_given"]', f'"as_given", {GUARANTEE_RULES}'))
    text = edited(
        text, ('  "remaining_payments",\n]', '  "remaining_payments", "scheme_payment",\n]')
    )
    parts = [text, GUARANTEE_SUM]
    for name, (unit, value) in GUARANTEE_INPUTS.items():
        parts.append(f'[input.{name}]\nunit = "{unit}"\nvalue = {value}\nassumption = "x"')
    for name, (unit, value) in GUARANTEE_TERMS.items():
        held = f'{{ from = 2013-04-01, value = {terms.get(name, value)}, assumption = "x" }}'
        parts.append(f'[term.{name}]\nunit = "{unit}"\nvalues = [{held}]')
    return "\n".join(parts)


def test_the_guarantee_brings_counted_income_up_to_95_pounds_a_patient(model_of):
    # £95 × 7,000 ÷ 12 = £55,416.67; less the global sum of £41,816.83 and local schemes of £1,000
    practices = practices_of([gms(7000, local_schemes=12_000)])
    result = project(model_of(guarantee_text()), practices, months=12)
    assert monthly(result, "scheme_offer")[:6] == [12_599.84] * 6
    # From October £76.51 less 5.34% is £72.424366: £42,247.55 a month
    assert monthly(result, "scheme_offer")[6:] == [12_169.12] * 6
    # Four fifths of each in advance, £10,079.87 and £9,735.30; the year's offer is £148,613.73,
    # of which £118,891.02 was advanced
    paid = monthly(result, "scheme_payment")
    assert paid[:6] == [10_079.87] * 6
    assert paid[6:11] == [9_735.30] * 5
    assert paid[11] == round_to_pence(9_735.30 + 148_613.73 - 118_891.02)
    assert yearly(result, "scheme_payment") == {"2015/16": 148_613.73}


def test_other_payments_lower_the_guarantee_only_where_they_count(model_of):
    practices = practices_of([gms(7000, local_schemes=12_000, other_payments=24_000)])
    for share, expected in ((0, 12_599.84), (1, 10_599.84)):  # £24,000 ÷ 12 less
        model = model_of(guarantee_text(share_of_other_payments_counted=share))
        assert monthly(project(model, practices, months=6), "scheme_offer") == [expected] * 6


def test_a_guarantee_is_paid_for_standards_met_and_recovered_where_they_are_not(model_of):
    practices = practices_of([gms(7000, local_schemes=12_000)] * 2)
    practices["practice"] = ["P001", "P002"]
    practices["mandatory_standards_met"] = ("practice", [0.0, 1.0])
    practices["graded_standards_achieved"] = ("practice", [0.5, 0.5])
    result = project(model_of(guarantee_text()), practices, months=12)
    # Of £148,613.73: 40%, half of it, is £29,722.75; and 60% more is £118,890.98
    assert yearly(result, "scheme_payment", 0) == {"2015/16": 29_722.75}
    assert yearly(result, "scheme_payment", 1) == {"2015/16": 118_890.98}
    # £118,891.02 was advanced to either: £89,168.27 is recovered from the first in March, and
    # four pence from the second
    assert monthly(result, "scheme_true_up", 0) == [0.0] * 11 + [-89_168.27]
    assert monthly(result, "scheme_true_up", 1) == [0.0] * 11 + [-0.04]


def test_a_fixed_guarantee_is_eaten_by_the_rising_price_and_an_indexed_one_is_not(model_of):
    practices = practices_of([gms(7000, local_schemes=12_000)])
    fixed = project(model_of(guarantee_text()), practices, months=24)
    indexed = project(model_of(guarantee_text(guarantee_indexed_share=1)), practices, months=24)
    # In 2016/17 £80.59 less 5.15% is £76.439615: £535,077.31, with £12,000 of local schemes
    # £117,922.70 short of £665,000
    assert yearly(fixed, "scheme_payment")["2016/17"] == 117_922.70
    # £95 × 80.59 ÷ 75.77 is £101.0432889: £707,303.02, so £42,303.02 more
    assert yearly(indexed, "scheme_payment")["2016/17"] == 160_225.72


def test_a_least_offer_leaves_a_well_funded_practice_something_to_earn(model_of):
    practices = practices_of([gms(7000, local_schemes=240_000)])
    without = project(model_of(guarantee_text()), practices, months=12)
    assert yearly(without, "scheme_payment") == {"2015/16": 0.0}
    least = project(model_of(guarantee_text(minimum_offer_per_patient=2)), practices, months=12)
    assert yearly(least, "scheme_payment") == {"2015/16": 14_000.00}  # £2 × 7,000


def test_a_budget_scales_all_practices_down_alike(model_of):
    practices = practices_of([gms(7000, local_schemes=12_000), gms(3500, local_schemes=6_000)])
    result = project(model_of(guarantee_text(scheme_budget=150_000)), practices, months=12)
    # £148,613.73 and half of it: two thirds of £150,000 and one third
    assert yearly(result, "scheme_payment", 0) == {"2015/16": 100_000.00}
    assert yearly(result, "scheme_payment", 1) == {"2015/16": 50_000.00}


def test_a_months_surplus_makes_up_for_another_months_shortfall(model_of):
    # £80 × 7,000 ÷ 12 is £46,666.67 a month: more than the global sum, £41,816.83 until September
    # and £42,247.55 after, but less than it with a quarter's seniority of £12,750
    practices = practices_of([gms(7000, seniority=60_000)])
    text = edited(
        guarantee_text(guaranteed_income_per_patient=80),
        ('"local_schemes", "counted_other_payments"]', '"counted_other_payments", "seniority"]'),
    )
    result = project(model_of(text), practices, months=12)
    # £560,000 less £504,386.27 of global sum and £51,000, which is 85% of £60,000, of seniority
    months = monthly(result, "scheme_offer")
    assert [month for month, offer in enumerate(months, 1) if offer == 0] == [3, 6, 9, 12]
    of_year = float(result["scheme_offer_of_year"].squeeze())
    assert round_to_pence(of_year) == 4_613.73
    assert sum(months) > of_year
    assert yearly(result, "scheme_payment") == {"2015/16": 4_613.73}


def test_a_part_year_is_held_against_its_part_of_the_budget_and_the_condition(model_of):
    practices = practices_of([gms(7000, local_schemes=12_000)])
    # Six months' offer is £75,599.04; half a budget of £100,000 is £50,000
    model = model_of(guarantee_text(scheme_budget=100_000))
    result = project(model, practices, months=6)
    assert float(result["scheme_earned"].squeeze()) == 50_000.00
    for other, expected in ((99_998, 0.0), (100_000, 75_599.01)):
        text = guarantee_text(savings_required=100_000, other_savings=other)
        result = project(model_of(text), practices, months=6)
        assert round_to_pence(float(result["scheme_earned"].squeeze())) == expected
        # No March in the run, no settlement
        assert monthly(result, "scheme_true_up") == [0.0] * 6


def test_a_scheme_is_kept_only_if_the_required_sum_is_saved(model_of):
    practices = practices_of([gms(7000, local_schemes=12_000)])
    for other, expected in ((99_999, 0.0), (100_000, 148_613.73)):
        text = guarantee_text(savings_required=100_000, other_savings=other)
        result = project(model_of(text), practices, months=12)
        assert yearly(result, "scheme_payment") == {"2015/16": expected}


def test_released_premium_is_shared_by_weighted_list_whatever_the_contract(model_of):
    no_services = ('value = "67/325"', "value = 0")
    text = edited(shipped_text(THAMES_VALLEY), HELD_LISTS, no_services) + NOTHING_RECYCLED
    practices = practices_of([pms(7000, 94_640), gms(21_000), gms(0)])
    result = project(model_of(text), practices, months=24)
    # A quarter of £94,640 is £23,660: a quarter of that to 7,000 patients, the rest to 21,000.
    now = result.sel(scenario="april-2015")
    assert yearly(now, "premium_reinvested", 0) == {"2015/16": 5_915.00, "2016/17": 11_830.00}
    assert yearly(now, "premium_reinvested", 1) == {"2015/16": 17_745.00, "2016/17": 35_490.00}
    assert yearly(now, "premium_reinvested", 2) == {"2015/16": 0.00, "2016/17": 0.00}
    later = result.sel(scenario="april-2016")
    assert yearly(later, "premium_reinvested", 1) == {"2015/16": 0.00, "2016/17": 17_745.00}
    assert yearly(later, "pms_premium", 0) == {"2015/16": 94_640.00, "2016/17": 70_980.00}


# ----------------------------------------------------------------------------------------- laws

anything = settings(deadline=None, max_examples=15)

# Models that project a practice's whole core income.
OF_CORE_INCOME = [name for name in SHIPPED if "global_sum" in shipped(name).streams]
FROM_2015 = [name for name in OF_CORE_INCOME if shipped(name).start == dt.date(2015, 4, 1)]


@anything
@given(practice_sets(), st.sampled_from(SHIPPED))
def test_total_payments_are_the_sum_of_the_streams(practices, name):
    streams = shipped(name).streams
    wanted = [*streams, "total_payments"]
    result = project(shipped(name), practices, months=14, variables=wanted)
    expected = functools.reduce(operator.add, [result[stream] for stream in streams])
    total = result["total_payments"]
    assert total.values.tobytes() == expected.transpose(*total.dims).values.tobytes()


@anything
@given(practice_sets(), st.sampled_from(OF_CORE_INCOME))
def test_premium_paid_and_withdrawn_come_to_the_premium_in_every_month(practices, name):
    paid_as = ["pms_premium", "premium_as_correction_factor"]
    wanted = ["premium_before_withdrawal", *paid_as, "premium_withdrawn"]
    result = project(shipped(name), practices, months=60, variables=wanted)
    before = result["premium_before_withdrawal"]
    paid = result["pms_premium"] + result["premium_as_correction_factor"]
    together = paid + result["premium_withdrawn"]
    xr.testing.assert_allclose(together, before.broadcast_like(together), rtol=1e-12, atol=1e-9)
    assert all((result[name] >= 0).all() for name in (*paid_as, "premium_withdrawn"))


@anything
@given(practice_sets())
def test_what_is_released_is_reinvested_in_the_same_commissioners_area(practices):
    result = project(shipped(THAMES_VALLEY), practices, months=30)
    released = result["premium_released"]
    lists = result["commissioner_weighted_list"]
    for code in released["commissioner_code"].values:
        own = result["premium_reinvested"].isel(practice=result["commissioner"].values == code)
        someone = lists.sel(commissioner_code=code) > 0
        expected = released.sel(commissioner_code=code).where(someone, 0.0)
        xr.testing.assert_allclose(
            own.sum("practice"), expected.drop_vars("commissioner_code"), rtol=1e-9
        )
    empty = result["payment_weighted_list"] == 0
    assert (result["premium_reinvested"].where(empty, 0.0) == 0).all()


GUARANTEE = "guaranteed_income_per_patient"


def flat_term(term: Term, value: float) -> Term:
    return replace(term, values=(DatedValue(dt.date(2013, 4, 1), value, repr(value), "x"),))


# Models with a savings condition, and so with a saving that is measured.
SCHEMES = [name for name in SHIPPED if "measured_saving" in shipped(name).graph().nodes]
counts_given = st.sampled_from([0.0, 500.0])


def standards_of(model: Model) -> list[str]:
    """Inputs of a model that say how far a practice meets a standard."""
    return [name for name in model.inputs if name.endswith("_standard")]


@anything
@given(practice_sets(), st.floats(0, 200), st.floats(0.01, 100), st.data())
def test_a_higher_guarantee_never_offers_earns_or_pays_less(practices, guarantee, more, data):
    model = shipped(BOLTON)
    count = practices.sizes["practice"]
    grade = st.sampled_from([0.0, 0.5, 1.0])
    for name in standards_of(model):
        values = data.draw(st.lists(grade, min_size=count, max_size=count))
        practices[name] = ("practice", values)
    scenarios = {
        name: Scenario(name, name, {GUARANTEE: flat_term(model.terms[GUARANTEE], value)})
        for name, value in (("low", guarantee), ("high", guarantee + more))
    }
    wanted = ["scheme_offer", "scheme_earned", "scheme_payment"]
    model = replace(model, scenarios=scenarios)
    result = project(model, practices, months=15, variables=wanted)
    for name in ("scheme_offer", "scheme_earned"):
        low, high = (result[name].sel(scenario=s) for s in ("low", "high"))
        assert (high >= low).all(), name
        assert (low >= 0).all(), name
    paid = result["scheme_payment"].groupby("fiscal_year").sum()
    assert (paid.sel(scenario="high") >= paid.sel(scenario="low") - 1e-6).all()


@anything
@given(practice_sets())
def test_counted_income_and_the_offer_reach_the_floor(practices):
    wanted = ["guaranteed_income", "guaranteed_list", "counted_income", "scheme_offer"]
    wanted += ["guaranteed_floor", "scheme_offer_of_year"]
    wanted += ["guaranteed_floor_of_year", "counted_income_of_year"]
    result = project(shipped(BOLTON), practices, months=20, variables=wanted)
    floor = result["guaranteed_income"] * result["guaranteed_list"] / 12
    xr.testing.assert_allclose(
        floor.transpose(*result["guaranteed_floor"].dims), result["guaranteed_floor"]
    )
    least = result["minimum_offer_per_patient"] * result["guaranteed_list"] / 12
    offer = result["scheme_offer"]
    reached = result["counted_income"] + offer
    assert (reached >= floor * (1 - 1e-9) - 1e-9).all()
    exact = (reached - floor).where(offer > np.maximum(least, 0), 0.0)
    assert (abs(exact) <= 1e-9 * (1 + abs(floor))).all()
    assert (offer >= 0).all()
    # The year's offer reaches the year's floor, with no more than its months offer
    of_year = result["scheme_offer_of_year"]
    sums = offer.groupby("fiscal_year").sum().transpose(*of_year.dims[:-1], "fiscal_year").values
    assert (of_year.values <= sums + 1e-9 * (1 + sums)).all()
    short = result["guaranteed_floor_of_year"] - result["counted_income_of_year"] - of_year
    assert (short <= 1e-9 * (1 + abs(result["guaranteed_floor_of_year"]))).all()


@anything
@given(practice_sets(), st.sampled_from(SCHEMES), st.integers(1, 30), counts_given)
def test_on_the_mean_course_the_measured_saving_is_what_the_programme_saves(
    practices, name, months, counted
):
    practices["base_year_admissions"] = ("practice", [counted] * practices.sizes["practice"])
    wanted = ["measured_saving", "admissions_saving", "payment_for_plan", "planned_admissions"]
    wanted += ["admissions_without_programme_of_year"]
    result = project(shipped(name), practices, months=months, variables=wanted)
    size = float(abs(result["payment_for_plan"]).max())
    xr.testing.assert_allclose(
        result["measured_saving"], result["admissions_saving"], rtol=1e-9, atol=1e-9 * (1 + size)
    )
    planned, course = result["planned_admissions"], result["admissions_without_programme_of_year"]
    np.testing.assert_allclose(*xr.broadcast(planned, course), rtol=1e-9)


@pytest.mark.parametrize("start", [dt.date(2015, 4, 1), dt.date(2015, 10, 1)])
@pytest.mark.parametrize("over_three", [0, 1])
@pytest.mark.parametrize("against", [None, "measure_against_expected", "measure_against_base_year"])
def test_nothing_is_measured_in_or_with_a_part_year(start, over_three, against):
    model = shipped(BOLTON)
    flags = {"measure_over_three_years": over_three, "programme_reduction": 0.3}
    flags |= {"measure_against_expected": 0, "measure_against_base_year": 0, "measure_pooled": 0}
    flags |= {against: 1} if against else {}
    terms = {name: flat_term(model.terms[name], value) for name, value in flags.items()}
    model = replace(model, scenarios={"one": Scenario("one", "One", terms)})
    wanted = ["fall_in_admissions", "grade_for_admissions", "whole_years_in_a_row"]
    result = project(model, example_practices(), months=54, start=start, variables=wanted)
    fell = (result["fall_in_admissions"] != 0).any("practice").squeeze().values.tolist()
    if start.month == 4:  # four whole years and a half
        assert fell[:4] == [True] * 4
        assert fell[4] is False
    else:  # a half, and four whole years
        needed = 3 if over_three else 1 if against else 2
        assert fell == [False] * needed + [True] * (5 - needed)
    unmeasured = result["grade_for_admissions"].where(result["fall_in_admissions"] == 0, 0.0)
    assert (unmeasured == 0).all()


@anything
@given(practice_sets(), st.data())
def test_advance_and_true_up_come_to_what_is_earned_in_every_whole_year(practices, data):
    model = shipped(BOLTON)
    count = practices.sizes["practice"]
    for name in standards_of(model):
        values = data.draw(st.lists(st.floats(0, 1), min_size=count, max_size=count))
        practices[name] = ("practice", values)
    wanted = ["scheme_payment", "scheme_earned"]
    result = project(model, practices, months=24, variables=wanted)
    paid = result["scheme_payment"].groupby("fiscal_year").sum()
    earned = result["scheme_earned"].rename(year="fiscal_year")
    difference = paid - earned.assign_coords(fiscal_year=paid["fiscal_year"])
    assert (abs(difference) < 0.001).all()


@anything
@given(practice_sets(), st.sampled_from(FROM_2015))
def test_the_correction_factor_only_falls_and_is_nil_from_2020(practices, name):
    wanted = ["correction_factor"]
    result = project(shipped(name), practices, months=72, variables=wanted)
    factor = result["correction_factor"]
    assert (factor.diff("month") <= 0).all()
    after = factor.sel(month=slice("2020-04-01", None))
    assert after.sizes["month"] == 12
    assert (after == 0).all()


@anything
@given(practice_sets(), st.sampled_from(OF_CORE_INCOME))
def test_a_practice_is_paid_by_its_own_contract_alone(practices, name):
    contract = practices["contract_type"].values
    on_pms = (contract != "GMS") & (contract != "APMS")
    paid_both = (practices["pms_expenditure"].values > 0) & (
        practices["correction_factor"].values > 0
    )
    just_switched = (contract == "GMS") & paid_both
    streams = {
        "global_sum": contract == "GMS",
        "out_of_hours_kept": contract == "GMS",
        "pms_gms_equivalent": on_pms,
        "pms_premium": on_pms,
        "premium_before_withdrawal": on_pms | just_switched,
        "premium_as_correction_factor": just_switched,
        "apms_payment": contract == "APMS",
    }
    result = project(shipped(name), practices, months=14, variables=streams)
    for stream, holds in streams.items():
        assert (result[stream].isel(practice=~holds) == 0).all(), stream


@anything
@given(practice_sets(), st.sampled_from(OF_CORE_INCOME))
def test_an_uplift_is_paid_as_it_is_earned_or_is_still_owed(practices, name):
    wanted = ["uplift_earned", "uplift_paid", "uplift_owed", "gms_equivalent", "london_payment"]
    wanted += ["payment_weighted_list", "net_global_sum_price"]
    # to March 2019: the uplift of 2018
    result = project(shipped(name), practices, months=48, variables=wanted)
    earned = result["uplift_earned"].cumsum("month")
    paid = result["uplift_paid"].cumsum("month")
    owed = result["uplift_owed"]
    size = float(abs(earned).max())
    assert (abs(earned - paid - owed) <= 1e-9 * (1 + size)).all()
    assert (owed.sel(month="2019-03-01") == 0).all()
    due = result["payment_weighted_list"] * result["net_global_sum_price"] / 12
    late = result["gms_equivalent"] - result["london_payment"]
    years = late.groupby("fiscal_year").sum(), due.groupby("fiscal_year").sum()
    xr.testing.assert_allclose(*years, rtol=1e-9)


@anything
@given(practice_sets(), st.sampled_from(FROM_2015))
def test_seniority_comes_at_the_ends_of_quarters_alone(practices, name):
    result = project(shipped(name), practices, months=24, variables=["seniority"])
    ends = result["month"].dt.month.isin([3, 6, 9, 12])
    assert (result["seniority"].where(~ends, 0.0) == 0).all()
    first = result["seniority"].isel(month=slice(0, 12)).sum("month")
    expected = result["base_seniority"] * 0.85
    xr.testing.assert_allclose(first, expected, rtol=1e-9)


# Scaling by two is exact in binary numbers, so nothing may move by a single bit.


def scaled(model: Model, factor: float) -> Model:
    """The model with every price and sum of money in it multiplied."""

    def of_term(term: Term) -> Term:
        if not Unit.parse(term.unit).powers.get("GBP"):
            return term
        values = tuple(
            replace(
                value,
                value=value.value * factor,
                until_paid=None if value.until_paid is None else value.until_paid * factor,
            )
            for value in term.values
        )
        return replace(term, values=values)

    return replace(
        model,
        terms={name: of_term(term) for name, term in model.terms.items()},
        scenarios={
            name: replace(s, terms={n: of_term(t) for n, t in s.terms.items()})
            for name, s in model.scenarios.items()
        },
    )


def scaled_practices(practices: xr.Dataset, money: float = 1.0, lists: float = 1.0) -> xr.Dataset:
    sizes = ("registered_list", "weighted_list")
    new = {
        name: v * (lists if name in sizes else 1.0 if name == "london_practice" else money)
        for name, v in practices.data_vars.items()
    }
    return practices.assign(new)


@functools.cache
def rounded(name: str) -> frozenset[str]:
    """What follows from amounts rounded to whole pence, which do not scale."""
    graph = shipped(name).graph()
    texts = {n: v.definition.text for n, v in graph.nodes.items() if isinstance(v.definition, Rule)}
    rounding = {n for n, text in texts.items() if "round_to_pence" in text}
    return frozenset(n for n in graph.nodes if graph.ancestors([n]) & rounding)


def pence_lost(practices: xr.Dataset) -> float:
    """The most that rounding can move an amount, or a sum over a year and all practices."""
    return 0.01 * 14 * practices.sizes["practice"]


@anything
@given(practice_sets(most=3), st.sampled_from(SHIPPED), st.sampled_from([2.0, 0.5, 1024.0]))
def test_scaling_all_money_scales_what_is_in_pounds_and_nothing_else(practices, name, factor):
    plain = project(shipped(name), practices, months=14)
    richer = project(
        scaled(shipped(name), factor), scaled_practices(practices, money=factor), months=14
    )
    before, after = plain.variables, richer.variables
    for variable in plain.data_vars:
        power = Unit.parse(before[variable].attrs["units"]).powers.get("GBP", 0)
        expected = before[variable].values * factor**power
        if str(variable) in rounded(name):
            pence = pence_lost(practices) * (1 + factor)
            np.testing.assert_allclose(after[variable].values, expected, atol=pence)
            continue
        assert after[variable].values.tobytes() == expected.tobytes(), variable


def halves(practices: xr.Dataset) -> xr.Dataset:
    """Each practice as two, each with half the list and half the money."""
    half = scaled_practices(practices, money=0.5, lists=0.5)
    parts = []
    for side in "AB":
        codes = [f"{code}{side}" for code in practices["practice"].values]
        parts.append(half.assign_coords(practice=codes))
    return xr.concat(parts, "practice", join="exact", combine_attrs="identical")


def level_in_fall(result: xr.Dataset) -> xr.DataArray:
    """The part of the variance of a fall that is from practices' own levels."""
    of_one = 1 - result["measure_pooled_for_the_year"]
    own = result["measure_against_expected_for_the_year"] * of_one
    level = result["variation_of_practice_rates"] ** 2 * own
    fall = result["variance_of_fall"]
    return level.broadcast_like(fall).transpose(*fall.dims).where(fall > 0, 0.0)


@anything
@given(practice_sets(most=2), st.sampled_from(SHIPPED))
def test_two_halves_of_a_practice_are_paid_what_the_whole_is(practices, name):
    whole = project(shipped(name), practices, months=14)
    split = project(shipped(name), halves(practices), months=14)
    count = practices.sizes["practice"]
    for variable in whole.data_vars:
        of_whole, of_halves = whole.variables[variable], split.variables[variable]
        if "practice" not in of_whole.dims:
            continue
        powers = Unit.parse(of_whole.attrs["units"]).powers
        size = sum(powers.get(base, 0) for base in ("GBP", "patient", "admission")) == 1
        one = of_halves.isel(practice=slice(0, count)).values
        other = of_halves.isel(practice=slice(count, None)).values
        together = one + other if size else one
        np.testing.assert_array_equal(one, other)
        expected = of_whole.values
        if variable == "variance_of_fall":  # chance is greater in half a practice, levels are not
            expected = 2 * expected - level_in_fall(whole).values
        near = pence_lost(practices) if str(variable) in rounded(name) else 1e-9
        np.testing.assert_allclose(together, expected, rtol=1e-9, atol=near, err_msg=str(variable))


# ------------------------------------------------------------------------------------ causality


def changed_from(term: Term, month: dt.date, factor: float) -> Term:
    """A term as it is before a month, and multiplied, or no longer nil, from that month on."""
    before = tuple(value for value in term.values if value.start < month)
    after = [value for value in term.values if value.start > month]
    now = replace(term.value_at(month), start=month, paid_from=None, until_paid=None)
    changed = [
        replace(v, value=v.value * factor or factor / 8, until_paid=None, paid_from=None)
        for v in (now, *after)
    ]
    return replace(term, values=(*before, *changed))


def terms_read(model: Model) -> list[str]:
    """Terms of which the model's rules read a month's value, or a year's."""
    kinds = ("term", "year term")
    leaves = [leaf for leaf in model.graph().leaves.values() if leaf.kind in kinds]
    return sorted({str(term_behind(leaf.name, model.terms)) for leaf in leaves})


READ_IN = {term: name for name in reversed(SHIPPED) for term in terms_read(shipped(name))}
TERMS_READ = sorted((name, term) for term, name in READ_IN.items())
MONTHS = 36  # a whole year in which a term of the year can change: a part of one is not measured

# Where no term lies dormant: admissions fall, the fund pays, the conditions bite.
AWAKE = {
    "monthly_admissions_trend": -0.02,
    "baseline_share_of_base_year": 0.45,
    "programme_reduction": 0.3,
    "better_care_fund_in_force": 1,
    "better_care_fund_target": 1,
    "guarantee_indexed_share": 0.5,
    "fall_for_first_payment": 0.1,
    "fall_for_full_payment": 0.9,
    "savings_required": 5_000_000,
    "other_savings": 10_000_000,
}


def with_change(name: str, term: str, month: dt.date, factor: float) -> Model:
    model = shipped(name)
    before = dict(next(iter(model.scenarios.values())).terms)
    before |= {n: flat_term(model.terms[n], v) for n, v in AWAKE.items() if n in model.terms}
    later = changed_from(before.get(term, model.terms[term]), month, factor)
    return replace(
        model,
        scenarios={
            "as-is": Scenario("as-is", "As it is", before),
            "changed": Scenario("changed", "Changed", {**before, term: later}),
        },
    )


def before_and_after(result: xr.Dataset, at: int) -> tuple[bool, bool]:
    """Whether two scenarios have the same bits before a month; whether they differ from it on.

    What is of a year may move from the year of that month on.
    """
    same, differ, names = True, False, result["scenario"].values.tolist()
    for variable in result.data_vars:
        array = result.variables[variable]
        if array.attrs["kind"] not in ("rule", "total") or "scenario" not in array.dims:
            continue
        one, other = (array.isel(scenario=names.index(name)) for name in ("as-is", "changed"))
        time, first = ("month", at) if "month" in array.dims else ("year", at // 12)
        if time not in array.dims:  # known before the first month, and so not to be moved
            same &= one.values.tobytes() == other.values.tobytes()
            continue
        early, late = {time: slice(0, first)}, {time: slice(first, None)}
        same &= one.isel(early).values.tobytes() == other.isel(early).values.tobytes()
        differ |= one.isel(late).values.tobytes() != other.isel(late).values.tobytes()
    return same, differ


@settings(deadline=None, max_examples=30)
@given(
    practice_sets(most=2),
    st.sampled_from(TERMS_READ),
    st.integers(0, MONTHS - 1),
    st.floats(0.25, 4),
)
def test_a_change_has_no_effect_before_its_month(practices, which, at, factor):
    name, term = which
    year, month = divmod(3 + at, 12)
    model = with_change(name, term, dt.date(2015 + year, month + 1, 1), factor)
    same, _ = before_and_after(project(model, practices, months=MONTHS), at)
    assert same


@pytest.mark.parametrize(("name", "term"), TERMS_READ)
def test_a_change_has_an_effect_from_its_month_on(name, term):
    """Else the law above would hold of terms that nothing reads."""
    practices = example_practices()
    _, first = np.unique(practices["contract_type"].values, return_index=True)
    practices = practices.isel(practice=[*first, *(first + 1)])  # two of each contract
    each = practices.sizes["practice"]
    practices["london_practice"] = ("practice", [1.0] * each)
    practices["correction_factor"] = ("practice", [10_000.0] * each)
    for number, standard in enumerate(standards_of(shipped(name))):
        if f"weight_of_{standard.removesuffix('_standard')}" in shipped(name).terms:
            practices[standard] = ("practice", [1 / (number + 2)] * each)
    moved = False
    for factor in (1.5, 800.0, 0.0):  # some move at a touch, some beyond a threshold, some at nil
        model = with_change(name, term, dt.date(2016, 10, 1), factor)
        same, differ = before_and_after(project(model, practices, months=MONTHS), 18)
        assert same
        moved |= differ
        if moved:
            break
    assert moved


def test_a_price_changed_by_a_scenario_of_the_file_moves_nothing_before_its_month(model_of):
    values = [
        '{ from = 2014-04-01, value = 73.56, assumption = "x" }',
        '{ from = 2015-04-01, value = 75.77, assumption = "x" }',
        '{ from = 2015-10-01, value = 76.51, assumption = "x" }',
    ]
    later = '{ from = 2016-02-01, value = 90, assumption = "x" }'
    own = "".join(
        f"[scenario.{name}.term.global_sum_price]\nvalues = [{', '.join(listed)}]\n"
        for name, listed in (("as-is", values), ("changed", [*values, later]))
    )
    model = model_of(edited(shipped_text(NATIONAL)) + own)
    result = project(model, example_practices(), months=12)
    assert before_and_after(result, 10) == (True, True)


# --------------------------------------------------------------------------------- what follows


@anything
@given(practice_sets(), st.sampled_from(SHIPPED))
def test_the_same_practices_are_paid_the_same_twice(practices, name):
    assert bits(project(shipped(name), practices, months=8)) == bits(
        project(shipped(name), practices.copy(deep=True), months=8)
    )


@anything
@given(practice_sets(), st.sampled_from(SHIPPED))
def test_a_projection_leaves_its_input_as_it_was(practices, name):
    before = practices.copy(deep=True)
    project(shipped(name), practices, months=3)
    assert practices.identical(before)


@anything
@given(practice_sets())
def test_the_correction_factor_of_the_base_year_may_be_any_year_before_2020(practices):
    """The sevenths of 2013/14 are the same whichever year's file they are worked out from."""
    model, start = shipped(NATIONAL), dt.date(2016, 4, 1)
    from_2014 = project(model, practices, months=12, start=start)
    later = practices.assign(correction_factor=practices["correction_factor"] * 5 / 6)
    later.attrs["fiscal_year"] = "2015/16"
    from_2015 = project(model, later, months=12, start=start)
    xr.testing.assert_allclose(
        from_2015["correction_factor"], from_2014["correction_factor"], rtol=1e-9
    )
