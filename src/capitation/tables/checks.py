"""A table of checks: two ways to each total of a result, which must agree."""

from __future__ import annotations

import math
from collections.abc import Iterator

from capitation.model import TOTAL_PAYMENTS
from capitation.tables.facts import Facts
from capitation.tables.table import POUNDS, Column, Table

AGREES, DIFFERS = "agrees", "differs"
HALF_A_PENNY = 0.005
PENCE = 100

Check = tuple[str, str, float, float, str]


def check_table(facts: Facts) -> Table:
    """Two ways to each total, with whether they agree."""
    columns = (
        Column("Check"),
        Column("Of what"),
        Column("One way £", POUNDS),
        Column("Another way £", POUNDS),
        Column("Verdict"),
    )
    rows = (*_of_payments(facts), *_of_pence(facts))
    about = ("Two figures agree where they differ by less than half a penny.",)
    title = f"Checks: two ways to each total, {facts.period}, in pounds"
    return Table("Checks", title, columns, rows, about)


def all_agree(table: Table) -> bool:
    """Whether no check of the table differs."""
    return all(verdict == AGREES for verdict in table.column("Verdict"))


def _checked(what: str, of: str, one: float, other: float) -> Check:
    return (what, of, one, other, AGREES if abs(one - other) < HALF_A_PENNY else DIFFERS)


def _of_payments(facts: Facts) -> Iterator[Check]:
    payments = facts.paid(TOTAL_PAYMENTS)
    by_month = facts.result[TOTAL_PAYMENTS]
    for number, name in enumerate(facts.scenarios):
        total = math.fsum(payments[number].ravel().tolist())
        streams = math.fsum(float(facts.paid(s)[number].sum()) for s in facts.streams)
        yield _checked("Streams add to payments", name, streams, total)
        members = [facts.members(area) for area in facts.commissioners]
        areas = math.fsum(float(payments[number, of].sum()) for of in members)
        yield _checked("Commissioners add to payments", name, areas, total)
        of_scenario = by_month.isel(scenario=number) if "scenario" in by_month.dims else by_month
        months = math.fsum(of_scenario.sum("practice").values.tolist())
        yield _checked("Months add to years", name, months, total)


def _of_pence(facts: Facts) -> Iterator[Check]:
    """Whole pence of the first scenario: what is earned, paid and owed, and the pounds of it."""
    settled, name = facts.settled, facts.scenarios[0]
    paid, earned = (int(settled[of].sum()) for of in ("paid", "accrued"))
    owed = int((settled["creditor"] - settled["debtor"]).isel(month=-1).sum())
    before = int((settled["opening_creditor"] - settled["opening_debtor"]).sum())
    moved = (before + earned - paid) / PENCE
    yield _checked("Owed before + earned - paid = owed after", name, moved, owed / PENCE)
    areas = int(settled["paid_by_commissioner"].sum())
    yield _checked(
        "Payments to practices = payments by commissioners, to the penny",
        name,
        paid / PENCE,
        areas / PENCE,
    )
