"""Co-commissioning: whose budget general practice is.

Three levels from April 2015: greater involvement, joint and delegated. Under the first two the
national body, NHS England, holds the money for general practice; delegated, the commissioner does.
``general_practice_income`` is the model's own sum. What the two hold adds up to it.
"""

from capitation.vocabulary import constant, rule, total

DELEGATED = constant(2, "1")
"""The third level: greater involvement is 0, joint 1."""


@rule(
    unit="1",
    source="hsj-delegated-commissioning",
    assumption="A joint committee decides, but the money stays the national body's (recalled).",
)
def commissioner_holds_general_practice(co_commissioning_level):
    """Whether the money for general practice is the commissioner's: 1 if it is delegated."""
    return 1 if co_commissioning_level >= DELEGATED else 0


@rule(unit="GBP/month", source="hsj-delegated-commissioning")
def practice_money_held_by_commissioner(
    general_practice_income, commissioner_holds_general_practice
):
    """The practice's income that comes out of the commissioner's budget."""
    return general_practice_income * commissioner_holds_general_practice


@rule(unit="GBP/month", source="hsj-delegated-commissioning")
def practice_money_held_by_national_body(
    general_practice_income, practice_money_held_by_commissioner
):
    """The practice's income that comes out of the national body's budget."""
    return general_practice_income - practice_money_held_by_commissioner


money_held_by_commissioner = total(
    "practice_money_held_by_commissioner",
    over="practices",
    title="Money for general practice in the commissioner's budget",
)

money_held_by_national_body = total(
    "practice_money_held_by_national_body",
    over="practices",
    title="Money for general practice in the national body's budget",
)

money_held_by_commissioner_of_year = total(
    "money_held_by_commissioner",
    over="months",
    title="Money for general practice in the commissioner's budget in the year",
)

money_held_by_national_body_of_year = total(
    "money_held_by_national_body",
    over="months",
    title="Money for general practice in the national body's budget in the year",
)


@rule(
    unit="1",
    assumption="Staff are set against the money that the commissioner holds: nothing, where it "
    "holds none.",
)
def commissioning_staff_share(commissioning_staff, money_held_by_commissioner):
    """What commissioning staff cost, as a part of the money that they commission with."""
    anything = money_held_by_commissioner > 0
    return commissioning_staff / money_held_by_commissioner if anything else 0
