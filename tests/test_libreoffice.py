"""LibreOffice, a second independent engine, finds what the kernels found."""

import datetime as dt
import shutil
import zipfile
from dataclasses import replace

import openpyxl
import pytest

import capitation as cap
from capitation.workbook.content import Content
from capitation.workbook.writer import written_book

from .libreoffice import program, recalculated_by_libreoffice, values_in, without_looks
from .recalculation import recalculated, stale_copy
from .strategies import THAMES_VALLEY, shipped
from .test_workbook import REACTIVATED, RECALCULATED, differences, few_practices

pytestmark = pytest.mark.usefixtures("reaches_libreoffice")


@pytest.fixture(scope="session")
def reaches_libreoffice():
    """Skips, before anything is written, where LibreOffice is not on the machine."""
    program()


MOST_SCENARIOS, MOST_MONTHS = 2, 13
"""Of each run: the other engine recalculates longer ones, whose formulas are those of a year and a
month, and this one takes three times as long."""


def results():
    """A small run of each shipped model that no other like it stands for."""
    practices = few_practices()
    for name, (scenarios, months) in RECALCULATED.items():
        chosen = list(shipped(name).scenarios)[: min(scenarios, MOST_SCENARIOS)]
        yield name, cap.project(shipped(name), practices, chosen, min(months, MOST_MONTHS))
    # Out at the first window, in the second April: all rules of the out-of-hospital budget.
    leaves = practices.isel(practice=[0, -1])
    yield (
        REACTIVATED,
        cap.project(shipped(REACTIVATED), leaves, ["all-leave-at-first-window"], months=25),
    )


def test_every_formula_of_every_shipped_model_agrees_with_the_kernels(tmp_path):
    """Saved with a wrong value beside each formula, so that only a recalculation can be right."""
    wanted, paths = {}, []
    for name, result in results():
        book, _ = written_book(Content(result))
        wanted[name] = book.values
        paths.append(stale_copy(without_looks(book), tmp_path).rename(tmp_path / f"{name}.xlsx"))
    found = recalculated_by_libreoffice(paths, tmp_path)
    wrong = {
        name: apart
        for (name, values), recalculated_values in zip(wanted.items(), found, strict=True)
        if (apart := differences(values, recalculated_values))
    }
    assert wrong == {}
    assert sum(len(of) for values in wanted.values() for of in values.values()) > 50_000


def test_libreoffice_corrects_a_planted_stale_value(tmp_path):
    """Without this, values that were kept as they were saved would pass for recalculated."""
    path, stale = tmp_path / "book.xlsx", tmp_path / "stale.xlsx"
    cap.write_workbook(cap.project(THAMES_VALLEY, few_practices(), months=1), path)
    sheet = openpyxl.load_workbook(path, data_only=True)["Summary"]
    cell = next(row[2] for row in sheet.iter_rows() if row[0].value == "Global sum")
    shutil.copy(path, stale)
    with zipfile.ZipFile(path) as package, zipfile.ZipFile(stale, "w") as copy:
        for name in package.namelist():
            copy.writestr(name, package.read(name).replace(repr(cell.value).encode(), b"-1.0"))
    assert values_in(stale)["Summary"][cell.coordinate] == -1
    (found,) = recalculated_by_libreoffice([stale], tmp_path)
    assert found["Summary"][cell.coordinate] == pytest.approx(cell.value, abs=0.005)


TERMS = {
    ("global_sum_price", dt.date(2015, 4, 1)): 77.25,
    ("out_of_hours_deduction", None): 0.0625,
    ("monthly_list_growth", None): 0.0015,
}
"""Terms that are changed, with the date of the value; None is the first."""

FIGURES = {"base_weighted_list": 9_999.0, "base_pms_expenditure": 1_234_567.0}
"""Figures of the first practice under PMS that are changed."""


def changed_in_the_library(model, practices, code):
    """A model and practices with the changed figures."""
    terms = dict(model.terms)
    for (name, start), figure in TERMS.items():
        values = tuple(
            replace(value, value=figure, written=repr(figure))
            if value.start == (start or terms[name].values[0].start)
            else value
            for value in terms[name].values
        )
        assert values != terms[name].values
        terms[name] = replace(terms[name], values=values)
    practices = practices.copy(deep=True)
    for name, figure in FIGURES.items():
        practices[name.removeprefix("base_")].loc[{"practice": code}] = figure
    return replace(model, terms=terms), practices


def change_in_the_sheet(path, code):
    """Type the same figures into the cells of a workbook, as anyone would; say how many."""
    book = openpyxl.load_workbook(path)
    typed = 0
    left = dict(TERMS)
    for row in book["Terms"].iter_rows(min_row=7):
        name, start = row[1].value, row[3].value
        key = next(
            ((n, s) for n, s in left if n == name and (s is None or s == start.date())), None
        )
        if key is not None:
            row[4].value = left.pop(key)
            typed += 1
    sheet = book["Practices"]
    heading = {cell.value: cell.column for cell in sheet[6]}
    line = next(row[0].row for row in sheet.iter_rows(min_row=7) if row[0].value == code)
    for name, figure in FIGURES.items():
        sheet.cell(line, heading[name]).value = figure
        typed += 1
    book.save(path)
    return typed


def test_five_changed_inputs_give_in_both_engines_what_the_library_computes(tmp_path):
    model, practices, months = shipped(THAMES_VALLEY), few_practices(), 14
    chosen = list(model.scenarios)[:2]
    types = practices["contract_type"].values
    code = str(practices["practice"].values[list(types).index("PMS")])
    path = tmp_path / "changed.xlsx"
    before = cap.project(model, practices, chosen, months)
    cap.write_workbook(before, path)
    assert change_in_the_sheet(path, code) == len(TERMS) + len(FIGURES) == 5
    after = cap.project(*changed_in_the_library(model, practices, code), chosen, months)
    assert (abs(before["total_payments"] - after["total_payments"]) > 1).any()
    wanted = {
        title: values
        for title, values in written_book(Content(after))[0].values.items()
        # What the payment calendar and the record of the run say is of the inputs as they were.
        if title.startswith(("Summary", "By practice", "Calc", "Years", "Months", "Practices"))
    }
    assert {"Summary", "By practice", "Calculation", "Months"} <= set(wanted)
    (by_libreoffice,) = recalculated_by_libreoffice([path], tmp_path)
    assert differences(wanted, by_libreoffice) == []
    assert differences(wanted, recalculated(path)) == []
