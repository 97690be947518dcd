"""Write a simulation as a workbook: tables, charts, checks, and every assumption behind them."""

from __future__ import annotations

from pathlib import Path

import xarray as xr

from capitation.errors import raise_if_any
from capitation.files import path_problems
from capitation.workbook.checks import Check, failed, write_checks
from capitation.workbook.cover import list_sources
from capitation.workbook.file import Written, save_book
from capitation.workbook.page import Book
from capitation.workbook.simulation_charts import (
    write_break_even_charts,
    write_fans,
    write_funnel,
)
from capitation.workbook.simulation_content import Simulated
from capitation.workbook.simulation_cover import write_assumptions, write_cover
from capitation.workbook.simulation_sheets import (
    BreakEven,
    Practices,
    checks_of_sums,
    outcomes_of_commissioners,
    outcomes_of_practices,
    write_yearly_cost,
)


def write_simulation(result: xr.Dataset, path: str | Path) -> Written:
    """Write a simulation as a workbook with native charts.

    Simulated figures are values; differences, links between sheets and checks are live formulas,
    each with its value saved beside it.

    Parameters
    ----------
    result : xarray.Dataset
        From `simulate`, whole, with the earned amount and the cost among its outcomes.
    path : str or Path
        An .xlsx file. It is written beside and renamed, so that a failure leaves nothing half done.

    Returns
    -------
    Written

    Raises
    ------
    InputError
        If the result is not from `simulate`, or not whole, or too large for a workbook; or the path
        is not of an .xlsx file in a folder that exists, or the file is open in another program.
        Nothing is written then.
    """
    path = Path(path)
    raise_if_any(path_problems(path))
    book, checks = _written(Simulated(result))
    save_book(book, path)
    return Written(path, book.formulas, len(checks), failed(checks))


def _written(content: Simulated) -> tuple[Book, list[Check]]:
    book = Book()
    book.workbook.properties.title = f"{content.attrs['title']}: simulation"
    book.workbook.properties.creator = "capitation"
    cover = book.page("Cover")
    commissioners = outcomes_of_commissioners(book, content)
    commissioners.write()
    checks = commissioners.checks()
    write_yearly_cost(book, content, commissioners)
    write_fans(book, content, commissioners)
    practices = Practices(book, content)
    practices.write()
    checks += practices.checks()
    if content.lists_practices:
        outcomes = outcomes_of_practices(book, content)
        outcomes.write()
        checks += [*outcomes.checks(), *checks_of_sums(commissioners, outcomes)]
    write_funnel(book, content, practices)
    if content.has_break_even:
        table = BreakEven(book, content)
        table.write()
        checks += table.checks()
        write_break_even_charts(book, content, table)
    title = "Checks: what must hold of the figures. Breaches are counted, and must be none"
    write_checks(book, checks, title, ("Found", "Must be", "Difference"))
    write_assumptions(book, content)
    list_sources(book, content.sources)
    write_cover(cover, content, checks)
    return book, checks
