"""Improvement payment, gain and loss share, years of care, hospitals: every rule by hand."""

# Arguments in the order of the rule's brackets, and what it gives.
IMPROVEMENT = {
    # 10% and 2.5% of £800,000; all of it and 2.5% more are all of it
    "improvement_withheld": [
        ((800_000, 0.1, 0.025), 100_000),
        ((800_000, 0, 0), 0),
        ((800_000, 1, 0.025), 800_000),
    ],
    "improvement_pool": [((6_500, 100_000), 106_500)],
    # 0.7 is half of the way from 0.5 to 0.9; a third of it from a baseline of 0.6
    "improvement_reached": [
        ((0.7, 0, 0.5, 0.9, 0.6), 0.5),
        ((0.7, 3, 0.5, 0.9, 0.6), 1 / 3),
        ((0.4, 0, 0.5, 0.9, 0), 0),
        ((0.95, 0, 0.5, 0.9, 0), 1),
        ((0.7, 2, 0.7, 0.7, 0), 1),
        ((0.69, 2, 0.7, 0.7, 0), 0),
    ],
    # Of three steps, two are reached at 0.7 and none at 0.3
    "improvement_steps_reached": [
        ((0.7, 3), 2 / 3),
        ((0.3, 3), 0),
        ((2 / 3, 3), 2 / 3),
        ((1, 5), 1),
        ((0.99, 1), 0),
    ],
    "improvement_score": [
        ((0.7, 0.5, 0), 0.7),
        ((0.7, 0.5, 1), 0.5),
        ((0.7, 0.5, 2), 0),
        ((1, 1, 2), 1),
        ((0.7, 0.5, 3), 0.7),
    ],
    # 85.5% of £1,278,000.01
    "improvement_earned_of_year": [((1_278_000.01, 0.855), 1_092_690.01)],
    "improvement_unearned": [((1_278_000.01, 1_092_690.01), 185_310)],
    "improvement_on_account": [((106_500.01, 0.5), 53_250.01), ((106_500, 0), 0)],
    # £1,092,690 earned, £639,000 paid on account; £500,000 earned takes £139,000 back
    "improvement_balance": [
        ((1_092_690, 639_000, 12), 453_690),
        ((500_000, 639_000, 12), -139_000),
        ((500_000, 639_000, 11), 0),
    ],
    "improvement_payment": [((53_250, -139_000), -85_750)],
    "contract_quality_score": [((855, 1000), 0.855), ((0, 0), 1), ((0, 1000), 0)],
}

SHARE = {
    # £300 a head, 40% of it in the budget, half of the rest shared, for 100,000: £9m a year
    "service_rate_in_share": [((300, 0.4, 0.5), 90), ((300, 1, 0.5), 0)],
    "service_expected_in_share": [((90, 100_000), 750_000)],
    # 4% less activity: £30,000 less, or £6,000 where a fifth of the price moves
    "service_actual_in_share": [
        ((750_000, -0.04, 1), 720_000),
        ((750_000, -0.04, 0.2), 744_000),
        ((750_000, -0.04, 0), 750_000),
    ],
    # 4% less of £90 a head is £3.60, or 72p where a fifth of the price moves; 2% more costs £1.80
    "service_rate_saved": [((90, -0.04, 1), 3.6), ((90, -0.04, 0.2), 0.72), ((90, 0.02, 1), -1.8)],
    # £3.60 a year for 10,000 people
    "saving_outside": [((3.6, 10_000), 3_000), ((-1.8, 10_000), -1_500), ((3.6, 0), 0)],
    "gain_loss_benchmark": [((9_000_000, 0.035), 8_685_000)],
    "gain_or_loss": [((8_685_000, 8_640_000.004), 45_000), ((100, 120.129), -20.13)],
    "gain_or_loss_rate": [((45_000, 9_000_000), 0.005), ((45_000, 0), 0)],
    # A gain of 5% past a minimum of 2%: all 5%, or the 3% above it
    "gain_rate_shared": [
        ((0.05, 0.02, 0), 0.05),
        ((0.05, 0.02, 1), 0.03),
        ((0.02, 0.02, 0), 0.02),
        ((0.019, 0.02, 0), 0),
        ((-0.05, 0.02, 0), 0),
    ],
    "loss_rate_shared": [
        ((-0.05, 0.02, 0), 0.05),
        ((-0.05, 0.02, 1), 0.03),
        ((-0.019, 0.02, 0), 0),
        ((0.05, 0, 0), 0),
    ],
    # 50% of 5%, 35% of the next 5%, 15% of the next and 5% of the last 5%
    "gain_by_band": [
        ((0.2, 0.05, 0.1, 0.15, 0.5, 0.35, 0.15, 0.05), 0.0525),
        ((0.08, 0.05, 0.1, 0.15, 0.5, 0.35, 0.15, 0.05), 0.0355),
        ((0, 0.05, 0.1, 0.15, 0.5, 0.35, 0.15, 0.05), 0),
    ],
    "loss_by_band": [
        ((0.6, 0.25, 0.35, 0.5, 1, 0.5, 0.25, 0.1), 0.3475),
        ((0.3, 1, 1, 1, 0.3, 0, 0, 0), 0.09),
    ],
    # A score of 0.8, counted by half; under a gate of 0.85 nothing
    "gain_quality_factor": [((0.8, 0, 0.5), 0.9), ((0.8, 0.85, 0.5), 0), ((0.8, 0.8, 0), 1)],
    # 1 − 0.8 × 75% = 40%; with a score of 1, 25%, but 40% at least; with none, 75% at most
    "loss_quality_factor": [
        ((0.8, 0.75, 0.4, 0.75), 0.4),
        ((1, 0.75, 0.4, 0.75), 0.4),
        ((0.5, 0.75, 0.4, 0.75), 0.625),
        ((0, 0.75, 0.4, 0.75), 0.75),
    ],
    "contract_income": [((400_000, 0), 400_000), ((0, 350_000), 350_000)],
    # 5% × 90% of £9m is £405,000; 4% of £9m is £360,000, and 5% of an income of £6m £300,000
    "gain_capped": [
        ((0.05, 0.9, 9e6, 6e6, 0, 0), 405_000),
        ((0.05, 0.9, 9e6, 6e6, 0.04, 0), 360_000),
        ((0.05, 0.9, 9e6, 6e6, 0.04, 0.05), 300_000),
        ((0.05, 0.9, 9e6, -1, 0.04, 0.05), 0),
    ],
    "loss_capped": [
        ((0.05, 0.9, 9e6, 6e6, 0, 0), 405_000),
        ((0.05, 0.9, 9e6, 6e6, 0.04, 0), 360_000),
        ((0.05, 0.9, 9e6, 6e6, 0, 0.05), 300_000),
    ],
    "providers_part": [
        ((405_000, 0, 0.5), 202_500),
        ((0, 405_000, 1), -405_000),
        ((405_000, 0, 0), 0),
    ],
    "weights_of_providers": [((1, 2, 3, 4), 10)],
    # £100 in thirds
    "gain_to_provider": [((100, 1, 3), 33.33), ((100, 0, 0), 0)],
    "gain_to_acute": [((-100, 1, 3), -33.33)],
    "gain_to_community": [((100, 2, 3), 66.67)],
    "gain_to_council": [((100, 0, 3), 0)],
    "gain_to_commissioner": [((250, 33.33, 33.33, 33.33, 0), 150.01)],
    # £90 a year for 10,000 people
    "expected_integrated": [((90, 10_000, 1), 75_000), ((90, 10_000, 0), 0)],
    "expected_virtual": [((90, 10_000, 1), 75_000), ((90, 10_000, 0), 0)],
    # Eleven months of £75,000 in £9m: a practice that left in February
    "gain_loss_payment": [
        ((200_000, 825_000, 9_000_000, 12), 18_333.333333333332),
        ((200_000, 825_000, 9_000_000, 11), 0),
        ((-200_000, 9_000_000, 9_000_000, 12), -200_000),
        ((0, 0, 0, 12), 0),
    ],
    "shared_ledger": [
        ((200_000, 450_000, 9_000_000, 12), 10_000),
        ((200_000, 450_000, 9_000_000, 1), 0),
        ((0, 0, 0, 12), 0),
    ],
}

YEAR_OF_CARE = {
    "segment_share_counted": [((0.3,), 0.3), ((-0.1,), 0)],
    # 0.3 of 1.2 is a quarter of 8,000 patients
    "segment_patients": [((8000, 0.3, 1.2), 2000), ((8000, 0, 0), 0)],
    # 2,000 × £600 is £1.2m a year
    "segment_year_of_care": [((2000, 600), 100_000)],
    "year_of_care_in_contract": [((100_000, 1), 100_000), ((100_000, 0), 0)],
    "year_of_care_scale": [((90_000, 120_000, 1), 0.75), ((90_000, 120_000, 0), 1), ((9, 0, 1), 1)],
    "sub_contracted": [((100_000, 0.75, 0.4), 30_000)],
    "integrator_retained": [((90_000, 36_000), 54_000)],
}

HOSPITAL = {
    # 100,000 people at 0.108 a year are 900 a month
    "hospital_admissions_planned": [((100_000, 0.108), 900)],
    "hospital_admissions_without": [((900, 0.02), 918)],
    "admissions_diverted": [((918, 0.05), 45.9)],
    "share_paid_above_plan": [((0, 0.3), 0), ((1, 0.3), 1), ((2, 0.3), 0.3)],
    "share_saved_below_plan": [((0, 0.2), 0), ((1, 0.2), 1), ((2, 0.2), 0.2)],
    # 100 over a plan of 1,000 at £1,600; 50 under it
    "hospital_payment_without": [
        ((1000, 1100, 1600, 0.3, 1), 1_648_000),
        ((1000, 950, 1600, 0.3, 1), 1_520_000),
    ],
    # 200 diverted at 60% of the price are 120 off: 20 under the plan
    "hospital_payment": [
        ((1000, 1100, 200, 1600, 0.6, 0.3, 1), 1_568_000),
        ((1000, 1100, 200, 1600, 0.6, 0, 0), 1_600_000),
    ],
    "saved_on_diverted": [((1_648_000, 1_568_000), 80_000)],
    "marginal_admission_price": [
        ((80_000, 200, 1600, 0.6, 1), 400),
        ((0, 0, 1600, 0.6, 0.2), 192),
    ],
    "cost_in_place_of_admissions": [((200, 300), 60_000)],
    "net_saving_of_diversion": [((80_000, 60_000), 20_000)],
    # £80,000 lost; 30% of 200 × £960 falls, £57,600
    "hospital_left_short": [((80_000, 200, 1600, 0.6, 0.3), 22_400)],
}

SIZE = {
    "registered_in_contract": [((7000, 1), 7000), ((7000, 3), 7000), ((7000, 0), 0)],
    # Meant for 40,000 to 60,000; or for 250,000 and more
    "people_short_of_provider": [((38_000, 40_000), 2_000), ((45_000, 40_000), 0)],
    "people_beyond_provider": [
        ((63_500, 60_000), 3_500),
        ((45_000, 60_000), 0),
        ((300_000, 0), 0),
    ],
    "provider_size_fits": [((0, 0), 1), ((2_000, 0), 0), ((0, 3_500), 0)],
}
BY_HAND = {**IMPROVEMENT, **SHARE, **YEAR_OF_CARE, **HOSPITAL, **SIZE}
