"""A result as tables of plain data, from which its accessible workbook and its page are made."""

from __future__ import annotations

import xarray as xr

from capitation.tables.checks import check_table
from capitation.tables.facts import Facts
from capitation.tables.gains import gain_tables
from capitation.tables.payments import payment_tables
from capitation.tables.record import record_tables
from capitation.tables.table import Table


def tables_of(result: xr.Dataset) -> list[Table]:
    """Take a result as tables, each with its title, units, notes and reasons for blank cells.

    Parameters
    ----------
    result : xarray.Dataset
        From `project`; one scenario or several may have been selected.

    Returns
    -------
    list of Table
        In the order in which they are read: scenarios and what they pay; payments by stream in £
        and in £000; a whole-population budget, where the contract has one; commissioners and
        practices; the change on the base year, where the model knows what was paid in it; the
        payment calendar of the first scenario; gains and losses beside the first scenario, where
        there are several and lists are weighted; checks; streams in words; sensitivity, where the
        result carries one; assumptions, practices' figures and sources.

    Raises
    ------
    InputError
        If it is no whole result of `project`, or lacks payments.

    Examples
    --------
    >>> from capitation import example_practices, project
    >>> result = project("national-practice-income", example_practices(), months=12)
    >>> tables = {table.sheet: table for table in tables_of(result)}
    >>> list(tables)[:4]
    ['Scenarios', 'Streams', 'Streams in thousands', 'Commissioners']
    >>> [column.title for column in tables["Streams"].columns]
    ['Scenario', 'Stream', '2015/16 £', 'All years £']
    """
    facts = Facts(result)
    return [*payment_tables(facts), *gain_tables(facts), check_table(facts), *record_tables(facts)]
