"""Overpayments that are found after a lag, and how they are recovered: Nottinghamshire's form.

The error is a missed deduction: a practice without out-of-hours duty is paid the global sum as if
it had kept it. Nobody knows until the error is found. Then what may be claimed becomes a claim, of
which a part may be waived. The rest is owed, without interest, and is taken out of later payments
by instalments, under a monthly cap.

From the first month to any other, with what was there at the start:
overpaid = recovered + owed + waived + not claimed + not yet found.
"""

from capitation.vocabulary import A_MONTH, constant, rule, total

A_PENNY = constant(0.01, "GBP/month")
"""What is left under a penny goes with the last instalment."""

# -------------------------------------------------------------------------------------- the error


@rule(
    unit="GBP/month",
    source="nottinghamshire-lmc-payments-2024",
    assumption="What is paid too much in a month is paid at the price in that month's payment; "
    "arrears of a backdated uplift are too high if the deduction is missed when they are paid.",
)
def overpayment(
    global_sum,
    london_payment,
    out_of_hours_deduction,
    out_of_hours_kept,
    gms_contract,
    deduction_missed,
    missed_on_leaving_pms_only,
):
    """Out-of-hours deduction that was not taken off the month's global sum, though it was due."""
    deduction = (
        (global_sum - london_payment) * out_of_hours_deduction / (1 - out_of_hours_deduction)
    )
    spared = gms_contract and missed_on_leaving_pms_only
    due = global_sum > 0 and out_of_hours_kept == 0
    return deduction if due and deduction_missed and not spared else 0


# -------------------------------------------------------------------------------- until it is found


@rule(
    unit="GBP/month",
    source="pulse-out-of-hours-deductions-2014",
    assumption="How far back a claim may reach is a term: months before that are never recovered.",
)
def overpayment_not_claimed(overpayment, overpayment_claimed):
    """Overpayment of a month that is too long ago to be claimed."""
    return overpayment * (1 - overpayment_claimed)


@rule(unit="GBP/month", source="nottinghamshire-lmc-payments-2024")
def overpayment_discovered(
    previous_overpayment_not_yet_found, overpayment, overpayment_not_claimed, overpayment_found
):
    """What comes to light in the month: all that was paid too much so far, or what still is."""
    until_now = previous_overpayment_not_yet_found / A_MONTH
    return until_now + overpayment - overpayment_not_claimed if overpayment_found else 0


@rule(
    unit="GBP",
    first="overpayment_not_found_at_start",
    source="nottinghamshire-lmc-payments-2024",
)
def overpayment_not_yet_found(previous, overpayment, overpayment_not_claimed, overpayment_found):
    """Overpaid and claimable, while nobody knows."""
    claimable = overpayment - overpayment_not_claimed
    return 0 if overpayment_found else previous + claimable * A_MONTH


# ------------------------------------------------------------------------------------ once it is


@rule(
    unit="GBP/month",
    source="pulse-repay-300k",
    assumption="The local medical committee asked for a reduction or a write-off; the part that is "
    "pursued is a term.",
)
def overpayment_waived(overpayment_discovered, recovered_fraction):
    """What was found and is not pursued."""
    return overpayment_discovered * (1 - recovered_fraction)


@rule(
    unit="GBP/month",
    first="recovery_instalment_at_start",
    source="nottinghamshire-lmc-payments-2024",
    assumption="The repayment period is negotiated: equal instalments from the month of the claim. "
    "What is found while some is still owed raises the instalment by its own, and the sum runs "
    "until nothing is owed: the later claim is cleared in fewer months than its own.",
)
def recovery_instalment(
    previous,
    previous_overpayment_owed,
    overpayment_discovered,
    overpayment_waived,
    recovery_instalments,
):
    """What a month is to bring, while as much is owed: fixed with each claim, and never lowered."""
    agreed_before = previous if previous_overpayment_owed > 0 else 0
    return agreed_before + (overpayment_discovered - overpayment_waived) / recovery_instalments


@rule(
    unit="GBP/month",
    assumption="A cap for hardship is a share of the month's core income; what it holds back is "
    "owed, without interest, until it is recovered. A contract that has ended has no core income: "
    "what is owed under it stays owed.",
)
def overpayment_recovered(
    previous_overpayment_owed,
    overpayment_discovered,
    overpayment_waived,
    recovery_instalment,
    core_income,
    most_recovered_share,
):
    """What is taken out of the month's payments: the instalment, under the cap."""
    owed = previous_overpayment_owed / A_MONTH + overpayment_discovered - overpayment_waived
    due = recovery_instalment if recovery_instalment + A_PENNY < owed else owed
    return min(due, max(core_income, 0) * most_recovered_share)


@rule(
    unit="GBP",
    first="overpayment_owed_at_start",
    source="nottinghamshire-lmc-payments-2024",
    assumption="Without interest: none was reported.",
)
def overpayment_owed(previous, overpayment_discovered, overpayment_waived, overpayment_recovered):
    """Overpaid, claimed and not yet recovered."""
    claimed = previous / A_MONTH + overpayment_discovered - overpayment_waived
    return (claimed - overpayment_recovered) * A_MONTH


@rule(unit="GBP/month", assumption="Taken out of the month's payments to the practice.")
def overpayment_recovery(overpayment_recovered):
    """What recovery takes out of the month's payments: never above nothing."""
    return 0 - overpayment_recovered


# ---------------------------------------------------------------------- the commissioner's account

commissioner_overpayment_not_yet_found = total(
    "overpayment_not_yet_found", over="practices", title="Overpaid and not yet found, all practices"
)

commissioner_overpayment_owed = total(
    "overpayment_owed", over="practices", title="Owed to the commissioner by all practices"
)
