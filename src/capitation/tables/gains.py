"""Tables of who gains and who loses: each other scenario beside the first."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr

from capitation.gains import gains_and_losses
from capitation.tables.facts import WEIGHTED_LIST, Facts
from capitation.tables.table import COUNT, LIST, POUNDS, RATE, Cell, Column, Table

_NOBODY = "Some cells are blank: where nobody is on the weighted list, there is nothing to divide."
_NO_NAME = "Some cells are blank: the practices' file does not give the words."
_SORTED = (
    "Practices of each scenario are sorted by the change of all years, the largest loss first; "
    "losses are negative."
)
_LIST = "Weighted list: what payment counts, as the mean of the months, in the scenario."
_FOR_EACH = "The change of all years, for each patient of the weighted list: not a year's change."


def gain_tables(facts: Facts) -> Iterator[Table]:
    """Gains and losses by practice, and how many practices lose or gain more than a threshold."""
    if len(facts.scenarios) < 2 or WEIGHTED_LIST not in facts.result:
        return
    first = facts.scenarios[0]
    changed = {name: gains_and_losses(facts.result, name, first) for name in facts.scenarios[1:]}
    yield _by_practice(facts, changed)
    yield _counted(facts, changed)


def _by_practice(facts: Facts, changed: dict[str, xr.Dataset]) -> Table:
    rows = tuple(row for name, of in changed.items() for row in _rows(facts, name, of))
    columns = (
        Column("Scenario"),
        Column("Place", COUNT),
        Column("Practice"),
        Column("Name"),
        Column("Commissioner"),
        Column("Contract"),
        *facts.year_columns(),
        Column("Change, all years £", POUNDS),
        Column("Weighted list, patients", LIST, _LIST),
        Column("For each weighted patient £", RATE, _FOR_EACH),
    )
    title = (
        "Gains and losses of practices: payments of each scenario less those of the first, "
        f"{facts.scenarios[0]}, {facts.period}, in pounds"
    )
    no_words = any(cell is None for row in rows for cell in row[:6])
    nobody = any(row[-1] is None for row in rows)
    blanks = " ".join([*([_NO_NAME] if no_words else []), *([_NOBODY] if nobody else [])])
    return Table("Gains and losses", title, columns, rows, (_SORTED,), blanks=blanks)


def _rows(facts: Facts, scenario: str, changed: xr.Dataset) -> Iterator[tuple[Cell, ...]]:
    codes = changed["practice"].values.astype(str).tolist()
    words = [
        changed[name].values.astype(str).tolist() if name in changed.coords else [""] * len(codes)
        for name in ("practice_name", "commissioner", "contract_type")
    ]
    assert facts.lists is not None
    lists = dict(zip(facts.codes, facts.lists[facts.scenarios.index(scenario)], strict=True))
    per_patient = changed["change_of_run_per_patient"].values
    for place, code in enumerate(codes):
        said = (code, *(of[place] or None for of in words))
        by_year = changed["change"].values[place].tolist()
        of_run = float(changed["change_of_run"].values[place])
        each = float(per_patient[place])
        yield (
            scenario,
            int(changed["rank"].values[place]),
            *said,
            *by_year,
            of_run,
            float(lists[code]),
            None if np.isnan(each) else each,
        )


def _counted(facts: Facts, changed: dict[str, xr.Dataset]) -> Table:
    rows = tuple(
        (
            name,
            str(area),
            int(of["practices_losing_of_run"].values[place]),
            int(of["practices_gaining_of_run"].values[place]),
            len(facts.members(str(area))),
        )
        for name, of in changed.items()
        for place, area in enumerate(of["commissioner_code"].values)
    )
    threshold = float(next(iter(changed.values()))["threshold"].sum())
    columns = (
        Column("Scenario"),
        Column("Commissioner"),
        Column("Practices that lose more", COUNT),
        Column("Practices that gain more", COUNT),
        Column("All practices", COUNT),
    )
    title = f"Practices that gain or lose more than a threshold in all years, {facts.period}"
    about = (
        f"The threshold is £{threshold:,.2f} for each weighted patient in all years together, "
        f"beside the first scenario, {facts.scenarios[0]}.",
    )
    return Table("Gains and losses counted", title, columns, rows, about)
