"""The assumptions and scenarios of the input workbook, in place of those of the model's file."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

from capitation.engine.terms import Term, taken_over
from capitation.inputs.layout import SCENARIOS
from capitation.inputs.rows import Row, TableRows
from capitation.inputs.terms import DatedRow, TermReader
from capitation.inputs.values import WrongValue, read_yes
from capitation.model import Model, Scenario

_OF_A_FIGURE = ("Term", "From", "Value", "Low", "High", "Source", "Assumption")
"""Headings of what a row of scenarios says of a term."""


def with_assumptions(model: Model, table: TableRows, reader: TermReader) -> Model:
    """A contract with the figures of the sheet of assumptions.

    A term that the sheet leaves out, or gives as it is, stays as the model has it.

    Parameters
    ----------
    model : Model
    table : TableRows
        Of the sheet of assumptions.
    reader : TermReader
        It collects what is wrong.
    """
    changed: dict[str, Term] = {}
    for name, rows in reader.by_term(table.rows).items():
        found = reader.dated(rows, model.terms[name])
        if found is None:
            continue
        term = reader.term(found, model.terms[name])
        if term is not model.terms[name]:
            changed[name] = term
    return replace(model, terms={**model.terms, **changed})


def with_scenarios(
    model: Model, table: TableRows, reader: TermReader
) -> tuple[Model, tuple[str, ...]]:
    """A contract with the scenarios of their sheet, and names of those that are to be run.

    Parameters
    ----------
    model : Model
        With the assumptions as they now are: until its first date in a scenario, a term is as in
        these.
    table : TableRows
        Of the sheet of scenarios.
    reader : TermReader
        It collects what is wrong.
    """
    scenarios: dict[str, Scenario] = {}
    to_run: list[str] = []
    for rows in _blocks(table, reader):
        name = rows[0].values["Scenario"]
        if _is_run(rows, reader):
            to_run.append(name)
        known = model.scenarios.get(name)
        title = rows[0].get("Title") or (known.title if known else name)
        terms = _changed_terms(rows, model, known, reader)
        scenarios[name] = Scenario(name, title, terms)
    if not table.rows and not table.problems:
        mend = "name at least one in the column Scenario: base, say; it need not change anything"
        reader.problems.append(table.sheet.fault("there is no scenario", mend))
    elif scenarios and not to_run:
        first = next(row for row in table.rows if "Scenario" in row.values)
        found, mend = "no scenario is to be run", "say yes in the first row of one"
        reader.problems.append(first.problem("Run", found, mend))
    _tell_of_idle(model, scenarios, reader)
    return replace(model, scenarios=scenarios or model.scenarios), tuple(to_run)


def _blocks(table: TableRows, reader: TermReader) -> list[list[Row]]:
    """Rows of each scenario, which stand together."""
    named: list[Row] = []
    for row in table.rows:
        if "Scenario" in row.values:
            named.append(row)
        elif "Scenario" not in row.wrong:
            found, mend = "expected the name of a scenario, found nothing", "name it in every row"
            reader.fault(row, "Scenario", found, mend)
    blocks = []
    seen: dict[str, Row] = {}
    for _, group in itertools.groupby(named, key=lambda row: row.values["Scenario"]):
        rows = list(group)
        name = rows[0].values["Scenario"]
        first = seen.setdefault(name.casefold(), rows[0])
        if first is rows[0]:
            blocks.append(rows)
            continue
        other = first.values["Scenario"]
        what = "" if other == name else f", where it is written {other!r}"
        found = f"the scenario {name!r} is named in row {first.number} already{what}"
        reader.fault(rows[0], "Scenario", found, "put its rows together, or give it another name")
    return blocks


def _is_run(rows: Sequence[Row], reader: TermReader) -> bool:
    """Whether a scenario is run: its first row says so, or says nothing."""
    first = rows[0]
    for row in rows[1:]:
        for heading in ("Run", "Title"):
            said = row.get(heading)
            if said is not None and said != first.get(heading):
                found = f"{heading} is said in the first row of a scenario, row {first.number}"
                reader.fault(row, heading, found, "say it there")
    try:
        return read_yes(first.get("Run", "yes"))
    except WrongValue as error:
        reader.fault(first, "Run", error.found, error.mend)
        return True


def _changed_terms(
    rows: Sequence[Row], model: Model, known: Scenario | None, reader: TermReader
) -> dict[str, Term]:
    """The terms that a scenario changes, as its rows give them."""
    about = [row for row in rows if not _changes_nothing(row)]
    terms: dict[str, Term] = {}
    for name, of_term in reader.by_term(about).items():
        own = known.terms.get(name) if known else None
        found = reader.dated(of_term, model.terms[name])
        if found is None:
            continue
        as_now = model.terms[name]
        if own is None:
            terms[name] = _taken_over(reader.term(found, as_now), as_now, found, reader)
            continue
        term = reader.term(found, own)
        terms[name] = own if term is own else _taken_over(term, as_now, found, reader)
    return terms


def _changes_nothing(row: Row) -> bool:
    """Whether a row names no term and has no figure."""
    return not set(_OF_A_FIGURE) & (set(row.values) | row.wrong)


def _taken_over(term: Term, as_now: Term, found: Sequence[DatedRow], reader: TermReader) -> Term:
    """A scenario's term: until its own first date, as in the assumptions."""
    values = taken_over(as_now.values, term.values)
    if len(values) == len(term.values):
        return term
    first = found[0]
    late = [v for v in values if v.paid_from and v.start < first.value.start <= v.paid_from]
    for value in late:
        told = f"the figure from {value.start} is first paid from {value.paid_from}"
        mend = "begin after that, or give the scenario's own figures for the time before"
        reader.fault(first.row, "From", f"{told}, when this one holds already", mend)
    return replace(term, values=tuple(values), schedule=None)


def _tell_of_idle(model: Model, scenarios: dict[str, Scenario], reader: TermReader) -> None:
    """Note figures that the assumptions change, and that every scenario has of its own."""
    if not scenarios:
        return
    everywhere = set.intersection(*(set(scenario.terms) for scenario in scenarios.values()))
    changed = {name for name, term in model.terms.items() if term != reader.model.terms[name]}
    for name in sorted(everywhere & changed):
        told = f"{SCENARIOS}: every scenario has its own {name}"
        reader.notes.append(f"{told}; that of the sheet Assumptions is not used.")
