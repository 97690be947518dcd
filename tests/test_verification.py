"""Who overtypes a figure is found out; who changes an input is not blamed for it."""

import argparse
import io
import json
from dataclasses import replace

import formualizer
import openpyxl
import pytest

import capitation as cap
from capitation.cli import verify_summary
from capitation.workbook.audit.dependents import Dependents
from capitation.workbook.audit.formula_reading import moved, references, same_formula
from capitation.workbook.audit.moved_cells import moved_back
from capitation.workbook.audit.saved_book import SavedCell, cells_of_book, cells_of_file
from capitation.workbook.audit.verification import book_of, verified, verify_workbook
from capitation.workbook.record_sheet import SHEET

from .strategies import NATIONAL, UNITING_CARE, VANGUARD


def few_practices():
    return cap.example_practices().isel(practice=[0, 1, 2, 7])


@pytest.fixture(scope="module")
def result():
    names = ["all-vanguards", "sunderland"]
    # As a workbook that is written of it says.
    return cap.project(VANGUARD, few_practices(), names, months=4).assign_attrs(live="auto")


@pytest.fixture(scope="module")
def written(result):
    return cells_of_book(book_of(result))


@pytest.fixture(scope="module")
def file(result, tmp_path_factory):
    path = tmp_path_factory.mktemp("verify") / "budget.xlsx"
    cap.write_workbook(result, path)
    return path


def with_cells(sheets, changes):
    """Cells of a workbook with some replaced, or taken out where they are None."""
    found = {title: dict(cells) for title, cells in sheets.items()}
    for (sheet, name), cell in changes.items():
        if cell is None:
            del found[sheet][name]
        else:
            found[sheet][name] = cell
    return found


def only(findings):
    (finding,) = findings
    return finding


def a_formula(sheets, sheet, number=0):
    return [name for name, cell in sheets[sheet].items() if cell.formula][number]


def an_input(sheets, sheet):
    """The first figure on a sheet that is neither a date nor a flag."""
    return next(
        name
        for name, cell in sheets[sheet].items()
        if cell.is_input
        and isinstance(cell.value, float)
        and cell.value >= 2
        and "yy" not in cell.form
    )


# ---------------------------------------------------------------- files


def test_a_workbook_as_it_was_written(file):
    found = verify_workbook(file)
    assert found.ok
    assert found.cells > 1000
    assert not found.structure
    assert found.unsaved == found.unchecked == 0
    assert str(found).startswith("budget.xlsx: nothing was overtyped; ")


def test_the_command_says_what_was_overtyped_and_where(file, tmp_path, capsys):
    book = openpyxl.load_workbook(file)
    book["Summary"]["C8"] = 12
    path = tmp_path / "edited.xlsx"
    book.save(path)
    said, status = verify_summary.verify(argparse.Namespace(workbook=str(path), json=False))
    assert status == 3
    assert "NOT as it was written" in said
    assert "Summary!C8 (" in said
    assert "is £12.00" in said
    # openpyxl saves no values beside formulas, so that none can be compared.
    assert "formulas have no saved value" in said
    said, status = verify_summary.verify(argparse.Namespace(workbook=str(path), json=True))
    finding = json.loads(said)["overtyped"][0]
    assert (finding["cell"], finding["found_value"], status) == ("Summary!C8", 12.0, 3)
    assert finding["was_value"] > 0
    said, status = verify_summary.verify(argparse.Namespace(workbook=str(file), json=False))
    assert status == 0


def test_its_options_are_read():
    parser = argparse.ArgumentParser(description=verify_summary.DOES)
    verify_summary.add_options(parser.add_argument)
    assert parser.parse_args(["budget.xlsx"]).workbook == "budget.xlsx"


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda cells: cells.pop(SHEET), "no sheet 'Run record'"),
        (lambda cells: cells[SHEET].clear(), "no record"),
    ],
)
def test_what_is_not_ours_is_refused(written, edit, said):
    cells = with_cells(written, {})
    edit(cells)
    with pytest.raises(cap.InputError, match=said):
        verified(cells, "budget.xlsx")


def test_a_workbook_of_another_version_is_refused(result):
    older = result.assign_attrs(capitation_version="0.0.1")
    with pytest.raises(cap.InputError, match=r"pip install capitation==0\.0\.1"):
        verified(cells_of_book(book_of(older)), "budget.xlsx")


def test_a_file_that_is_no_workbook_is_refused(tmp_path):
    path = tmp_path / "budget.xlsx"
    path.write_text("Model,Title\n", encoding="utf-8")
    with pytest.raises(cap.InputError, match="not an Excel workbook"):
        verify_workbook(path)


def test_cells_of_a_file_are_those_of_the_book(file, written):
    found = cells_of_file(file)
    assert found.keys() == written.keys()
    for sheet, cells in written.items():
        for name, cell in cells.items():
            there = found[sheet][name]
            assert (there.formula, there.value or "") == (cell.formula, cell.value or "")


# ---------------------------------------------------------------- what was overtyped


def test_a_formula_that_became_a_number_is_named_and_what_follows_told_apart(written):
    calculation = next(title for title in written if title.startswith("Calc all"))
    name = next(
        n for n, c in written[calculation].items() if c.formula and c.value and c.form == "#,##0.00"
    )
    cell = written[calculation][name]
    follows = a_formula(written, "Summary")
    there = written["Summary"][follows]
    edited = with_cells(
        written,
        {
            (calculation, name): SavedCell("", cell.value + 100),
            ("Summary", follows): replace(there, value=there.value + 100),
        },
    )
    found = verified(edited, "budget.xlsx")
    assert not found.ok
    finding = only(found.overtyped)
    assert finding.cell == f"'{calculation}'!{name}"
    assert finding.kind == "formula"
    assert finding.was.startswith(f"{cell.formula} (= £")
    assert finding.found_value == cell.value + 100
    assert [f.cell for f in (*found.follow, *found.different)] == [f"Summary!{follows}"]


def test_another_formula_is_named(written):
    name = a_formula(written, "Summary")
    cell = written["Summary"][name]
    edited = with_cells(written, {("Summary", name): replace(cell, formula=f"{cell.formula}+1")})
    finding = only(verified(edited, "x.xlsx").overtyped)
    assert finding.found.startswith(f"{cell.formula}+1 (= ")


def test_a_saved_value_that_no_formula_gives_is_named(written):
    name = a_formula(written, "Summary")
    cell = written["Summary"][name]
    near = with_cells(written, {("Summary", name): replace(cell, value=cell.value + 0.004)})
    assert verified(near, "x.xlsx").ok
    far = with_cells(written, {("Summary", name): replace(cell, value=cell.value + 0.006)})
    found = verified(far, "x.xlsx")
    assert not found.ok
    finding = only(found.different)
    assert (finding.cell, finding.kind) == (f"Summary!{name}", "value")
    assert finding.was_value == cell.value


def test_a_verdict_and_a_label_that_were_overtyped(written):
    edited = with_cells(
        written,
        {
            ("Checks", "F4"): replace(written["Checks"]["F4"], value="CHECK"),
            ("Summary", "A1"): SavedCell("", "Our own title"),
        },
    )
    found = verified(edited, "x.xlsx")
    assert only(found.different).found == "'CHECK'"
    assert (only(found.overtyped).cell, found.overtyped[0].kind) == ("Summary!A1", "text")


def test_what_was_removed_is_a_fault_and_what_was_added_is_told(written):
    gone = a_formula(written, "Summary")
    removed = verified(with_cells(written, {("Summary", gone): None}), "x.xlsx")
    assert not removed.ok
    assert (only(removed.structure).kind, removed.structure[0].cell) == (
        "removed",
        f"Summary!{gone}",
    )
    added = with_cells(written, {("Summary", "Z99"): SavedCell("", "Agreed by the board")})
    added["Our notes"] = {"A1": SavedCell("", "x")}
    found = verified(added, "x.xlsx")
    assert found.ok
    assert {f.cell for f in found.structure} == {"Summary!Z99", "'Our notes'"}
    assert "Summary!Z99: added 'Agreed by the board'" in str(found)
    without = {title: cells for title, cells in written.items() if title != "Checks"}
    lost = verified(without, "x.xlsx")
    assert not lost.ok
    assert "Checks: removed sheet" in str(lost)


def test_findings_in_words_are_not_without_end(written):
    cells = {("Terms", n): SavedCell("", "x") for n in written["Terms"] if n[0] in "BC"}
    found = verified(with_cells(written, cells), "x.xlsx")
    assert len(found.overtyped) > 30
    assert f"and {len(found.overtyped) - 30} more" in str(found)


# ---------------------------------------------------------------- changed inputs


def recalculated(path, changes, folder):
    """A workbook with some cells changed, and every formula calculated by another program."""
    book = openpyxl.load_workbook(path)
    for (sheet, name), value in changes.items():
        book[sheet][name] = value
    edited, out = folder / "edited.xlsx", folder / "recalculated.xlsx"
    book.save(edited)
    assert formualizer.recalculate_file(str(edited), str(out))["errors"] == 0
    return out


@pytest.mark.parametrize(
    ("model", "named"), [(NATIONAL, "global_sum_price"), (UNITING_CARE, "contract_price")]
)
def test_inputs_may_be_changed_and_every_figure_follows(model, named, tmp_path):
    names = list(cap.load_model(model).scenarios)[:1]
    result = cap.project(model, few_practices(), names, months=2)
    path = tmp_path / "budget.xlsx"
    cap.write_workbook(result, path)
    cells = cells_of_book(book_of(result))
    figure = an_input(cells, "Practices")
    changes = {("Practices", figure): cells["Practices"][figure].value * 1.1}
    for name, cell in cells["Terms"].items():
        if name[0] == "B" and cell.value == named:
            value = f"E{name[1:]}"
            changes["Terms", value] = cells["Terms"][value].value * 1.5
    out = recalculated(path, changes, tmp_path)
    found = verify_workbook(out)
    assert found.ok
    assert {f.cell for f in found.changed_inputs} == {f"{sheet}!{n}" for sheet, n in changes}
    assert found.unchecked < 200
    # And among figures that followed, one that was overtyped is found.
    held = cells_of_file(out)
    name, was = next(
        (name, cell)
        for name, cell in cells["Summary"].items()
        if cell.formula and abs(cell.value - held["Summary"][name].value) > 1
    )
    wrong = with_cells(held, {("Summary", name): was})
    assert only(verified(wrong, "x.xlsx").different).found_value == was.value


def test_figures_that_did_not_follow_a_changed_input_are_named(written):
    name = an_input(written, "Practices")
    cell = written["Practices"][name]
    found = verified(
        with_cells(written, {("Practices", name): replace(cell, value=cell.value * 2)}), "x.xlsx"
    )
    assert only(found.changed_inputs).was_value == cell.value
    assert not found.ok
    assert found.different
    assert not found.overtyped


def test_a_changed_date_moves_the_figure(written):
    cells = written["Terms"]
    name = next(n for n, c in cells.items() if c.is_input and "yy" in c.form)
    earlier = replace(cells[name], value=cells[name].value - 31)
    found = verified(with_cells(written, {("Terms", name): earlier}), "x.xlsx")
    assert found.ok
    assert only(found.changed_inputs).was.split()[-1].isdigit()
    later = replace(cells[name], value=60_000.0)
    found = verified(with_cells(written, {("Terms", name): later}), "x.xlsx")
    assert found.ok
    assert found.unchecked
    assert f"follows from Terms!{name} was not compared" in str(found)


def test_another_scenario_may_be_shown(written):
    shown = replace(written["Cover"]["B6"], value="sunderland")
    found = verified(with_cells(written, {("Cover", "B6"): shown}), "x.xlsx")
    assert found.ok
    assert only(found.changed_inputs).label == "Scenario shown"
    assert 0 < found.unchecked < 200


def test_a_start_that_rules_cannot_follow_is_said(written):
    later = replace(written["Months"]["F3"], value=written["Months"]["F3"].value + 31)
    found = verified(with_cells(written, {("Months", "F3"): later}), "x.xlsx")
    assert found.ok
    assert found.unchecked > 100
    emptied = verified(with_cells(written, {("Months", "F3"): None}), "x.xlsx")
    assert only(emptied.changed_inputs).found == ""


def test_inputs_on_which_rules_cannot_run_are_said(written):
    name = an_input(written, "Practices")
    edited = with_cells(
        written, {("Practices", name): replace(written["Practices"][name], value=1e308)}
    )
    found = verified(edited, "x.xlsx")
    assert only(found.changed_inputs).found_value == 1e308
    assert "The rules cannot be run" in str(found) or not found.ok


# ---------------------------------------------------------------- rows and columns


def test_a_row_that_was_inserted_does_not_make_all_under_it_wrong(written):
    moved_cells = {}
    for title, cells in written.items():
        here = moved_cells.setdefault(title, {})
        for name, cell in cells.items():

            def down(sheet, row, column):
                return (row + 1 if sheet == "Terms" and row >= 9 else row, column)

            formula = moved(cell.formula, title, down) if cell.formula else ""
            place = moved(f"={name}", title, down)[1:]
            here[place] = replace(cell, formula=formula)
    moved_cells["Terms"]["A9"] = SavedCell("", "A row of our own")
    found = verified(moved_cells, "x.xlsx")
    assert found.ok
    assert "Terms: added row 9 added" in str(found) or "row 9" in str(found)
    back, moves = moved_back(moved_cells, written)
    assert [str(move) for move in moves] == ["row 9 added"]
    assert back["Terms"].keys() == written["Terms"].keys()
    lost, gone = moved_back(written, moved_cells)
    assert [str(move) for move in gone] == ["row 9 removed"]
    assert lost.keys() == written.keys()


# ---------------------------------------------------------------- formulas


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("=SUM(A1:B2)", "=sum( $A$1:B2 )", True),
        ("='Terms'!E7*2.0", "=Terms!$E$7*2", True),
        ("=IFS(A1,1)", "=_xlfn.IFS(A1,1)", True),
        ("='By practice'!A1:B1", "='By practice'!A1:'By practice'!B1", True),
        ("=A1+B1", "=B1+A1", False),
        ('="a b"', '="ab"', False),
        ("=A1", "=((", False),
    ],
)
def test_formulas_that_say_the_same(one, other, same):
    assert same_formula(one, other) is same


def test_references_of_a_formula():
    text = "=LOG10(A1)+'It''s'!$B$2:C3+\"D4\"+name_E5+Terms!$E$7"
    assert [str(r) for r in references(text, "Here")] == ["Here!A1", "'It''s'!B2:C3", "Terms!E7"]


def test_what_follows_from_a_cell_of_a_range():
    cells = {"A1": SavedCell("", 1.0), "A2": SavedCell("", 1.0)}
    cells |= {"B1": SavedCell("=SUM(A1:A3)", 2.0), "C1": SavedCell("=B1", 2.0)}
    cells |= {"D1": SavedCell("=D2", 0.0)}
    found = Dependents({"S": cells}).of([("S", "A3")])
    assert found == {("S", "B1"), ("S", "C1")}


def test_formulas_over_several_cells_are_read(tmp_path):
    book = openpyxl.Workbook()
    book.active["A1"] = openpyxl.worksheet.formula.ArrayFormula("A1:A2", "=B1:B2*2")
    book.active["C1"] = True
    path = tmp_path / "array.xlsx"
    content = io.BytesIO()
    book.save(content)
    path.write_bytes(content.getvalue())
    cells = cells_of_file(path)["Sheet"]
    assert cells["A1"].formula == "=B1:B2*2"
    assert cells["C1"].value is True
