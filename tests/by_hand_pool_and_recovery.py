"""Reinvestment and recovery: every rule worked out by hand."""

# Arguments in the order of the rule's brackets, and what it gives.
BY_HAND = {
    # Half of the services on 7,000 patients
    "list_taking_part": [((7000, 0.5), 3500), ((7000, 0), 0)],
    # £30,000 carried and £12,000 released
    "pool_available": [((30_000, 12_000), 42_000)],
    # 90% of £42,000 is £37,800; 21,000 of 28,000 patients take part: three quarters of it
    "pool_reinvested": [
        ((42_000, 0.9, 21_000, 28_000), 28_350),
        ((42_000, 1, 28_000, 28_000), 42_000),
        ((42_000, 1, 0, 0), 0),
    ],
    # £42,000 less £28,350 leaves £13,650; in March, with 60% carried, 40% of it lapses
    "pool_unspent": [
        ((42_000, 28_350, 0.6, 12), 5_460),
        ((42_000, 28_350, 0.6, 11), 0),
        ((42_000, 28_350, 1, 12), 0),
    ],
    "reinvestment_pool": [((42_000, 28_350, 5_460), 8_190), ((42_000, 42_000, 0), 0)],
    # £28,350 for 21,000 patients taking part is £1.35 each
    "premium_reinvested": [((28_350, 3500, 21_000), 4_725), ((28_350, 0, 0), 0)],
    # 7,000 × £93.46 less 4.76% is £623,079.13 a year, £51,923.26 a month; the deduction on it is
    # 7,000 × £93.46 × 4.76% ÷ 12 = £2,595.07. London's £1,090 is paid without one.
    "overpayment": [
        ((51_923.260667, 0, 0.0476, 0, 1, 1, 0), 2_595.072667),
        ((53_013.260667, 1090, 0.0476, 0, 1, 1, 0), 2_595.072667),
        ((51_923.260667, 0, 0.0476, 0, 1, 0, 0), 0),  # the deduction is taken
        ((51_923.260667, 0, 0.0476, 1, 1, 1, 0), 0),  # out-of-hours duty was kept
        ((51_923.260667, 0, 0.0476, 0, 1, 1, 1), 0),  # GMS all along, where PMS was left
        ((51_923.260667, 0, 0.0476, 0, 0, 1, 1), 2_595.072667),
        ((0, 0, 0.0476, 0, 0, 1, 0), 0),  # not on the global sum
    ],
    "overpayment_not_claimed": [((2600, 1), 0), ((2600, 0), 2600)],
    # £10,000 so far, and £2,600 more of which £600 is not claimed
    "overpayment_not_yet_found": [((10_000, 2600, 600, 0), 12_000), ((10_000, 2600, 600, 1), 0)],
    "overpayment_discovered": [((10_000, 2600, 600, 1), 12_000), ((10_000, 2600, 600, 0), 0)],
    # A quarter of £12,000 is waived; £9,000 over ten months, beside £500 agreed before
    "overpayment_waived": [((12_000, 0.75), 3000), ((12_000, 1), 0)],
    "recovery_instalment": [
        ((0, 0, 12_000, 3000, 10), 900),
        ((500, 4000, 12_000, 3000, 10), 1400),
        ((500, 0, 12_000, 3000, 1), 9000),
        ((900, 8100, 0, 0, 10), 900),
    ],
    # The instalment, what is owed, or the cap: 2% of £50,000 is £1,000
    "overpayment_recovered": [
        ((0, 12_000, 3000, 900, 50_000, 0.1), 900),
        ((700, 0, 0, 900, 50_000, 0.1), 700),
        ((900.009, 0, 0, 900, 50_000, 0.1), 900.009),  # the last nine tenths of a penny too
        ((8100, 0, 0, 1400, 50_000, 0.02), 1000),
        ((8100, 0, 0, 900, -50, 0.02), 0),
    ],
    "overpayment_owed": [((0, 12_000, 3000, 900), 8100), ((700, 0, 0, 700), 0)],
    "overpayment_recovery": [((900,), -900)],
}
