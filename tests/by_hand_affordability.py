"""Programme money, overheads and affordability: every rule worked out by hand."""

# Arguments in the order of the rule's brackets, and what it gives.
BY_HAND = {
    # Months, lag, build-up
    "months_before_start": [((), 0)],
    # Begun in the first month that the contract runs, and counted on from then
    "months_of_contract": [((0, 1), 1), ((11, 1), 12), ((0, 0), 0), ((11, 0), 12)],
    "savings_ramp": [
        ((12, 12, 0), 0),
        ((13, 12, 0), 1),
        ((1, 0, 0), 1),
        ((15, 12, 12), 0.25),  # three months of twelve
        ((30, 12, 12), 1),
        ((6, 12, 12), 0),
    ],
    # A quarter of £2.4m is £600,000; with £1.8m promised, a twelfth of £2.4m; and 2% of £14.19m
    "savings_plan.saving_promised": [
        ((14_190_000, 0, 1_800_000, 2_400_000, 0.25), 200_000),
        ((14_190_000, 0, 1_200_000, 0, 1), 100_000),
        ((14_190_000, 0.02, 1_200_000, 0, 1), 383_800),
    ],
    "saving_delivered": [((200_000, 0.25, 0.8, 1), 40_000), ((200_000, 1, 1, 0), 0)],
    # Settled in March, for the three quarters of the contract that are integrated
    "diversion.saving_of_diversion": [
        ((200_000, 0.75, 12), 150_000),
        ((-80_000, 0.75, 12), -60_000),
        ((200_000, 1, 11), 0),
    ],
    "no_diversion.saving_of_diversion": [((200_000,), 0)],
    "reprovision": [((40_000, 0.3), 12_000)],
    # £152m a year is £12.667m a month; a tenth of it at 20% is £253,333
    "value_added_tax_recovered": [((0,), 1), ((1,), 0), ((2,), 0)],
    "value_added_tax_leakage": [
        ((12_666_666.666667, 1, 0.1, 0.2, 0), 253_333.333333),
        ((12_666_666.666667, 1, 0.1, 0.2, 1), 0),
        ((-500_000, 1, 0.1, 0.2, 0), 0),  # a March whose loss is taken back
    ],
    "double_running": [((1_000_000, 0.015), 15_000), ((-500_000, 0.015), 0)],
    # A sum's twelfth, and 1% of what is paid, if the contract runs
    "setup_cost": [
        ((8_900_000, 0, 12_666_667, 1), 741_666.666667),
        ((8_900_000, 0.01, 1_000_000, 1), 751_666.666667),
        ((8_900_000, 0.01, -500_000, 1), 741_666.666667),
        ((8_900_000, 0.01, 0, 0), 0),
    ],
    # £14.19m of care, £0.5m saved, £0.1m in its place, £20,000, £741,667 and £253,333 on top; then
    # £55,000 saved on the hospital too
    "do_something_of_month": [
        ((14_190_000, 500_000, 100_000, 0, 20_000, 741_666, 253_334), 14_805_000),
        ((14_190_000, 500_000, 100_000, 55_000, 20_000, 741_666, 253_334), 14_750_000),
    ],
    "transition_fund": [((358_333, 0.5), 179_166.5)],
    "provider_gap_of_month": [
        ((14_805_000, 12_667_000, 100_000), 2_038_000),
        ((12_000_000, 12_667_000, 0), -667_000),
    ],
    "allocation_at_start": [((0, 165_300_000), 165_300_000), ((170e6, 165_300_000), 170e6)],
    "allocation_index_at_start": [((), 1)],
    "commissioner_allocation_index": [((1, 0.02, 1), 1.02), ((1.02, 0.02, 2), 1.02)],
    "allocation_of_month": [((120e6, 1.02, 0), 10.2e6), ((120e6, 1.02, 85_000), 10_285_000)],
    "commissioner_reserves": [((10.2e6, 0.005), 51_000)],
    "commissioner_gap_of_month": [
        ((10_300_000, 0, 80_000, 41_000, 51_000, 10_200_000), 272_000),
        ((10_000_000, 0, 80_000, 0, 51_000, 10_200_000), -69_000),
        ((10_000_000, 313_323, 80_000, 0, 51_000, 10_200_000), 244_323),
    ],
    "gap_left_with_commissioner": [((30e6, 0), 30e6), ((30e6, 1), 0), ((-1e6, 0), 0)],
    "commissioner_gap_with_provider": [((-16.6e6, 30.2e6), 13.6e6)],
    "price_below_need": [((170e6, 152e6), 18e6)],
    # £60,000 core, £10,000 quality, £3,000 local schemes, £9,000 of the rest
    "income_before": [((60_000, 10_000, 3_000, 9_000), 82_000)],
    # £24,000 is paid, of a year's pool of £360,000 in which the practice's own money is £120,000
    "quality_earned_by_practice": [((24_000, 120_000, 360_000), 8_000), ((0, 0, 0), 0)],
    "money_passed_on": [((0,), 1), ((1,), 0), ((36,), 0)],
    "own_quality_in_pool": [((10_000, 1), 10_000), ((8_000, 0), 0)],
    "income_passed_on": [
        ((60_000, 3_000, 8_000, 1, 0.9), 63_900),
        ((48_000, 2_400, 0, 0, 1), 0),  # it has come back: the money is of those who stayed
    ],
    "income_under_contract": [((0, 0, 0, 9_000, 63_900), 72_900)],
    "practice_gap_of_month": [((82_000, 72_900), 9_100)],
    # £4.3m of £16.7m
    "transformation_funding": [((4_300_000, 250_000), 358_333.333333), ((4_300_000, 0), 0)],
    "transformation_not_awarded": [
        ((16_700_000, 4_300_000, 250_000), 1_033_333.333333),
        ((0, 4_300_000, 250_000), 0),
        ((16_700_000, 4_300_000, 0), 0),
    ],
    "transformation_matched": [((1_350_000, 250_000), 112_500), ((1_350_000, 0), 0)],
    "integrator_procurement": [((500_000, 250_000), 41_666.666667), ((500_000, 0), 0)],
    "commissioning_staff": [((963_966, 535_000), 80_330.5), ((963_966, 0), 0)],
    "vanguard_population": [((318_492, 250_000), 318_492), ((0, 250_000), 250_000)],
    "transformation_funding_per_head": [((358_333.333333, 250_000), 17.2), ((1, 0), 0)],
    "transformation_asked_per_head": [
        ((358_333.333333, 1_033_333.333333, 250_000), 66.8),
        ((1, 1, 0), 0),
    ],
    "transformation_share_awarded": [((4.3, 12.4), 0.257485), ((0, 0), 0)],
    # £7.26m of £132.6m
    "share_of_national_fund": [((605_000, 200e6, 0.663), 0.054751), ((605_000, 0, 0.663), 0)],
    "vanguard_contract_value": [((244.3e6, 767, 1), 244.3e6), ((0, 767, 1000), 767_000)],
    # £4.4m of £244.3m
    "saving_needed_without_funding": [((366_666.666667, 0, 244.3e6), 0.018011), ((1, 1, 0), 0)],
    "transformation_payment": [((1000, 7000, 28_000), 250), ((1000, 0, 0), 0)],
    "commissioner_holds_general_practice": [((0,), 0), ((1,), 0), ((2,), 1)],
    "practice_money_held_by_commissioner": [((82_000, 1), 82_000), ((82_000, 0), 0)],
    "practice_money_held_by_national_body": [((82_000, 82_000), 0), ((82_000, 0), 82_000)],
    "commissioning_staff_share": [((80_000, 4_000_000), 0.02), ((80_000, 0), 0)],
    # £1,200 a weighted patient on 8,000 patients is £800,000 a month; £73,000 of general practice
    "budget_account.do_nothing_of_practice": [
        ((1200, 8000, 1, 1, 60_000, 3_000, 10_000, 0), 873_000),
        ((1200, 8000, 0.5, 1, 60_000, 3_000, 10_000, 0), 473_000),
        ((1200, 8000, 1, 0, 0, 0, 0, 900), 900),
    ],
    "integrated_population_of_practice": [((8000, 1), 8000), ((8000, 0), 0)],
    "budget_account.contract_runs": [((8000,), 1), ((0,), 0)],
    "integrated_share_of_contract": [((6000, 8000), 0.75), ((0, 0), 0)],
    # Of £626,647 hospital, community trust and council have £156,661.75 and a half as much each
    "budget_account.gains_of_others": [
        ((156_661.75, 78_330.88, 78_330.88, 9e6, 9e6, 12), 313_323.51),
        ((-156_661.75, -78_330.88, -78_330.88, 4.5e6, 9e6, 12), -156_661.755),
        ((156_661.75, 78_330.88, 78_330.88, 9e6, 9e6, 11), 0),
        ((0, 0, 0, 0, 0, 12), 0),
    ],
    # £1m at the start, 2% dearer by now
    "service_allocation_moved": [((1e6, 1.02, 8000), 85_000), ((1e6, 1.02, 0), 0)],
    "budget_account.provider_income_of_practice": [((850_000, 20_000, -5_000), 865_000)],
    "budget_account.spend_at_start": [((60e6, 300e6), 360e6)],
    "care_index_at_start": [((), 1)],
    "care_index": [((1, 0.03, 1), 1.03), ((1.03, 0.03, 2), 1.03)],
    # £904m over 1.03 + 1.0609 + 1.092727 + 1.12550881 + 1.1592740743 = 5.4684098843
    "bid.spend_at_start": [((726e6, 178e6, 0.03), 165_313_138.56), ((500e6, 0, 0), 100e6)],
    "bid.do_nothing_of_practice": [((120e6, 1.03, 7000, 28_000), 2_575_000), ((1, 1, 0, 0), 0)],
    "year_before_first": [((), -1)],
    "years_since_first": [((-1, 1), 0), ((0, 2), 0)],
    # 5 × £152m is £760m, £34m over the bid: £3.4m a year ten times over
    "bid_price_of_year": [((726e6, 152 / 726, 0), 152e6), ((726e6, 152 / 726, 4), 138.4e6)],
    "contract_price_of_year": [
        ((726e6, 152 / 726, 1, 0), 148.6e6),
        ((726e6, 152 / 726, 1, 2e6), 150.6e6),
    ],
    "contract_payment": [((120e6, 7000, 28_000), 2.5e6), ((120e6, 0, 0), 0)],
    "bid.provider_income_of_practice": [((2.5e6,), 2.5e6)],
    "bid.contract_runs": [((28_000,), 1), ((0,), 0)],
    "bid.gains_of_others": [((152e6,), 0)],
    "allocation_moved": [((152e6,), 0)],
    "bid.saving_promised": [((165e6, 1.03, 152e6), 1_495_833.333333)],
}
