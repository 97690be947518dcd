"""Tables of payments: by scenario, stream, commissioner, practice and year, and by month."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np

from capitation.model import TOTAL_PAYMENTS
from capitation.tables.facts import Facts, in_words, with_sum
from capitation.tables.table import (
    COUNT,
    LIST,
    MONTH,
    POUNDS,
    RATE,
    SHARE,
    THOUSANDS,
    Cell,
    Column,
    Table,
)
from capitation.wording import label

SIGNS = "Positive figures are paid to practices; negative figures are taken back from them."
ALL_STREAMS = "All streams"
ALL_YEARS = "All years £"
THOUSAND = 1_000
PENCE = 100

BUDGETS = (
    "whole_population_budget",
    "notional_budget",
    "services_budget",
    "core_in_budget",
    "local_schemes_in_budget",
    "improvement_withheld",
)
"""What contracts with a whole-population budget show of it."""

_OF_THE_MODEL = "Amounts are those of the model, in the year in which its rules put them."
_MEAN_LIST = "Weighted list: what payment counts, as the mean of all months of the run."
_FOR_EACH = (
    "Payments of all years, divided by the weighted list and by the years that the run has: twelve "
    "months are one."
)
_NOBODY = "Some cells are blank: where nobody is on the weighted list, there is nothing to divide."
_OF_BASE = "What the practices' file says was paid to the same practices in the base year."
_PART_NOT_COMPARED = (
    "Some cells are blank: a fiscal year of which the run has a part is not compared with a whole "
    "one."
)
_SETTLED = (
    "Each payment to each practice is rounded to the penny in its month, and stands in the month "
    "in which it is paid, which may be later than the month in which it is earned."
)


def payment_tables(facts: Facts) -> Iterator[Table]:
    """Every table of payments that a result allows, in the order in which they are read."""
    yield scenarios_table(facts)
    if len(facts.scenarios) > 1:
        yield scenarios_by_year(facts)
    yield streams_table(facts)
    yield streams_in_thousands(facts)
    if any(name in facts.result for name in BUDGETS):
        yield budget_table(facts)
    yield commissioners_table(facts)
    yield practices_table(facts)
    if facts.base_payments() is not None:
        yield change_on_base_year(facts)
    yield payment_calendar(facts)


def scenarios_table(facts: Facts) -> Table:
    """Each scenario with its title and what it pays, beside the first."""
    columns = [Column("Scenario"), Column("What it is"), Column("Payments, all years £", POUNDS)]
    rows: list[list[Cell]] = []
    first = float(facts.total(0).sum())
    for number, name in enumerate(facts.scenarios):
        paid = float(facts.total(number).sum())
        rows.append([name, facts.titles[name], paid, paid - first])
    about = [SIGNS]
    if len(facts.scenarios) == 1:
        rows = [row[:-1] for row in rows]
    else:
        columns.append(Column("More than the first scenario £", POUNDS))
        about.append("Each scenario is compared with the first one.")
    title = f"Scenarios and what they pay, {facts.period}, in pounds"
    return Table("Scenarios", title, tuple(columns), tuple(map(tuple, rows)), tuple(about))


def scenarios_by_year(facts: Facts) -> Table:
    """Total payments of the scenarios side by side, a row a fiscal year."""
    columns = (Column("Fiscal year"), *(Column(f"{name} £", POUNDS) for name in facts.scenarios))
    headings = [column.title.removesuffix(" £") for column in facts.year_columns()]
    of_scenarios = [with_sum(facts.total(number)) for number in range(len(facts.scenarios))]
    rows = tuple(zip([*headings, "All years"], *of_scenarios, strict=True))
    title = f"Total payments by fiscal year, scenarios side by side, {facts.period}, in pounds"
    return Table("Scenarios by year", title, columns, rows, (SIGNS,))


def streams_table(facts: Facts) -> Table:
    """Payments by scenario, stream and fiscal year."""
    columns = (
        Column("Scenario"),
        Column("Stream"),
        *facts.year_columns(),
        Column(ALL_YEARS, POUNDS),
    )
    title = f"Payments by scenario, stream and fiscal year, {facts.period}, in pounds"
    return Table("Streams", title, columns, tuple(_streams(facts, 1.0)), (SIGNS,), (_OF_THE_MODEL,))


def streams_in_thousands(facts: Facts) -> Table:
    """The same in thousands of pounds."""
    columns = (
        Column("Scenario"),
        Column("Stream"),
        *facts.year_columns("£000", THOUSANDS),
        Column("All years £000", THOUSANDS),
    )
    title = f"Payments by scenario, stream and fiscal year, {facts.period}, in thousands of pounds"
    rows = tuple(_streams(facts, THOUSAND))
    about = (SIGNS, "Each figure is rounded by itself, so that sums may differ by one.")
    return Table("Streams in thousands", title, columns, rows, about, (_OF_THE_MODEL,))


def _streams(facts: Facts, unit: float) -> Iterator[tuple[Cell, ...]]:
    for number, scenario in enumerate(facts.scenarios):
        for name in facts.streams:
            yield (scenario, label(name), *with_sum(_of_all(facts, name, number) / unit))
        yield (scenario, ALL_STREAMS, *with_sum(facts.total(number) / unit))


def _of_all(facts: Facts, name: str, scenario: int) -> np.ndarray:
    """A variable of one scenario by year, all practices or commissioners together."""
    return np.asarray(facts.paid(name)[scenario].sum(axis=0))


def budget_table(facts: Facts) -> Table:
    """The whole-population budget and its parts, by scenario and fiscal year."""
    names = [name for name in BUDGETS if name in facts.result]
    columns = (Column("Scenario"), Column("Amount"), Column("What it is"))
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            scenario,
            label(name),
            _sentence(facts.result[name].attrs["long_name"]),
            *with_sum(_of_all(facts, name, number)),
        )
        for number, scenario in enumerate(facts.scenarios)
        for name in names
    )
    title = f"Whole-population budget by scenario and fiscal year, {facts.period}, in pounds"
    return Table(
        "Budget",
        title,
        (*columns, *facts.year_columns(), Column(ALL_YEARS, POUNDS)),
        rows,
        ("Amounts are parts of one another or apart from one another: they do not add up.",),
    )


def _sentence(text: str) -> str:
    return text.strip().rstrip(".") + "."


def commissioners_table(facts: Facts) -> Table:
    """What each commissioner pays, by scenario and fiscal year."""
    payments = facts.paid(TOTAL_PAYMENTS)
    rows: list[tuple[Cell, ...]] = []
    for number, scenario in enumerate(facts.scenarios):
        for area in facts.commissioners:
            members = facts.members(area)
            figures = _with_lists(facts, payments[number, members].sum(axis=0), number, members)
            rows.append((scenario, area, len(members), *figures))
    columns = (
        Column("Scenario"),
        Column("Commissioner"),
        Column("Practices", COUNT),
        *_columns_with_lists(facts),
    )
    title = f"Payments by scenario, commissioner and fiscal year, {facts.period}, in pounds"
    return _table_with_lists("Commissioners", title, columns, rows)


def practices_table(facts: Facts) -> Table:
    """What each practice is paid, by scenario and fiscal year."""
    payments = facts.paid(TOTAL_PAYMENTS)
    names, contracts = facts.coordinate("practice_name"), facts.coordinate("contract_type")
    in_order = sorted(range(len(facts.codes)), key=lambda place: facts.areas[place])
    rows: list[tuple[Cell, ...]] = []
    for number, scenario in enumerate(facts.scenarios):
        for place in in_order:
            figures = _with_lists(facts, payments[number, place], number, [place])
            who = (facts.codes[place], names[place] or None, facts.areas[place])
            rows.append((scenario, *who, contracts[place] or None, *figures))
    columns = (
        Column("Scenario"),
        Column("Practice"),
        Column("Name"),
        Column("Commissioner"),
        Column("Contract"),
        *_columns_with_lists(facts),
    )
    title = f"Payments by scenario, practice and fiscal year, {facts.period}, in pounds"
    return _table_with_lists("Practices", title, columns, rows)


def _columns_with_lists(facts: Facts) -> tuple[Column, ...]:
    years = (*facts.year_columns(), Column(ALL_YEARS, POUNDS))
    if facts.lists is None:
        return years
    return (
        Column("Weighted list, patients", LIST, _MEAN_LIST),
        *years,
        Column("For each weighted patient, £ a year", RATE, _FOR_EACH),
    )


def _with_lists(facts: Facts, by_year: np.ndarray, scenario: int, members: list[int]) -> list[Cell]:
    """Payments of practices by year, with their list before and payments a patient after."""
    paid = with_sum(by_year)
    if facts.lists is None:
        return [*paid]
    patients = float(facts.lists[scenario, members].sum())
    return [patients, *paid, facts.a_year(paid[-1], patients)]


def _table_with_lists(
    sheet: str, title: str, columns: tuple[Column, ...], rows: list[tuple[Cell, ...]]
) -> Table:
    """A table that says why cells are blank, of names and contracts that the file does not give."""
    blank = {
        column.title
        for row in rows
        for column, cell in zip(columns, row, strict=True)
        if cell is None
    }
    reasons = []
    if blank & {"Name", "Contract"}:
        reasons.append("Some cells are blank: the practices' file does not give the words.")
    if blank - {"Name", "Contract"}:
        reasons.append(_NOBODY)
    return Table(sheet, title, columns, tuple(rows), (SIGNS,), blanks=" ".join(reasons))


def change_on_base_year(facts: Facts) -> Table:
    """Payments of each whole fiscal year beside those of the base year."""
    base = facts.base_payments()
    assert base is not None
    year = facts.result.attrs["base_fiscal_year"]
    headings = [column.title.removesuffix(" £") for column in facts.year_columns()]
    rows: list[tuple[Cell, ...]] = []
    for number, scenario in enumerate(facts.scenarios):
        for heading, paid, is_whole in zip(
            headings, facts.total(number).tolist(), facts.is_whole_year, strict=True
        ):
            change: tuple[Cell, Cell] = (None, None)
            if is_whole:
                change = (paid - base, (paid - base) / base if base > 0 else None)
            rows.append((scenario, heading, base, paid, *change))
    columns = (
        Column("Scenario"),
        Column("Fiscal year"),
        Column(f"Base year {year} £", POUNDS, _OF_BASE),
        Column("Payments £", POUNDS),
        Column("Change £", POUNDS),
        Column("Change %", SHARE),
    )
    title = f"Payments beside those of the base year {year}, by scenario and fiscal year, in pounds"
    reasons = []
    if not all(facts.is_whole_year):
        reasons.append(_PART_NOT_COMPARED)
    if not base > 0:
        reasons.append("Some cells are blank: nothing was paid in the base year.")
    return Table(
        "Change on base year", title, columns, tuple(rows), (SIGNS,), blanks=" ".join(reasons)
    )


def payment_calendar(facts: Facts) -> Table:
    """What is paid in each month of the first scenario, by stream, in whole pence."""
    settled = facts.settled
    pence = settled["paid"].sum("practice").transpose("month", "stream").values
    columns = [
        Column(f"{label(stream)} £", POUNDS, f"{label(stream)}: paid {timing}.")
        for stream, timing in zip(facts.streams, settled["timing"].values.tolist(), strict=True)
    ]
    rows = tuple(
        (month, *(of_month / PENCE).tolist(), float(of_month.sum()) / PENCE)
        for month, of_month in zip(facts.months, pence, strict=True)
    )
    name = facts.scenarios[0]
    title = f"Payment calendar: what is paid in each month, scenario {name}, in pounds"
    return Table(
        "Payment calendar",
        title,
        (Column("Month", MONTH), *columns, Column(f"{ALL_STREAMS} £", POUNDS)),
        rows,
        (f"Months {in_words(facts.months[0])} to {in_words(facts.months[-1])}.", SIGNS),
        (_SETTLED, *json.loads(settled.attrs["notes"])[_notes_of_run(facts) :]),
    )


def _notes_of_run(facts: Facts) -> int:
    """How many notes are the run's own: a settlement puts its notes after them."""
    return len(json.loads(facts.result.attrs.get("notes", "[]")))
