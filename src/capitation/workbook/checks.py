"""Checks: two ways to each figure, with a verdict in every row and one master verdict."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from capitation.workbook.page import Book, quoted
from capitation.workbook.saved_values import Value

HALF_A_PENNY = 0.005
SHEET = "Checks"
_FIRST_ROW = 4


@dataclass(frozen=True)
class Check:
    """Two figures that must agree to the penny.

    Attributes
    ----------
    what, where : str
    left, right : str
        Formulas, without the equals sign.
    left_value, right_value : float
    form : str
        How the figures look.
    """

    what: str
    where: str
    left: str
    right: str
    left_value: float
    right_value: float
    form: str = "money"

    @property
    def holds(self) -> bool:
        """Whether the saved figures agree."""
        return abs(self.left_value - self.right_value) < HALF_A_PENNY

    def reads(self, sheets: Collection[str]) -> bool:
        """Whether its figures come from any of some sheets."""
        return any(f"{quoted(sheet)}!" in self.left + self.right for sheet in sheets)


def verdict_of(difference: str) -> str:
    """The formula for a check's verdict: an error in its figures is no agreement."""
    return f'=IF(ISNUMBER({difference}),IF({difference}=0,"OK","CHECK"),"CHECK")'


def failed(checks: Sequence[Check]) -> int:
    """How many checks fail."""
    return sum(not check.holds for check in checks)


def master_check(checks: Sequence[Check]) -> tuple[str, str]:
    """The formula and its value. What holds is counted, since an error is no verdict at all."""
    verdicts = f"{SHEET}!$F${_FIRST_ROW}:$F${_FIRST_ROW - 1 + len(checks)}"
    held, all_of_them = f'COUNTIF({verdicts},"OK")', f"ROWS({verdicts})"
    passed, fail = f'"All "&{all_of_them}&" checks OK"', f'{all_of_them}-{held}&" checks fail"'
    count = failed(checks)
    verdict = f"{count} checks fail" if count else f"All {len(checks)} checks OK"
    return f"=IF({held}={all_of_them},{passed},{fail})", verdict


def write_checks(
    book: Book,
    checks: Sequence[Check],
    title: str,
    headings: tuple[str, str, str],
    left_out: Collection[str] = (),
) -> None:
    """Write every check, with the difference and the verdict.

    Parameters
    ----------
    book : Book
    checks : sequence of Check
    title : str
        What the sheet says of itself.
    headings : tuple of str
        Over the two figures and their difference.
    left_out : collection of str, optional
        Sheets that this book does without: figures of a check that reads them are values.
    """
    page = book.page(SHEET)
    page.text(1, 1, title, bold=True)
    page.headings(_FIRST_ROW - 1, 1, ["Check", "Where"])
    page.headings(_FIRST_ROW - 1, 3, list(headings), over_numbers=True)
    page.text(_FIRST_ROW - 1, 6, "Result", "heading", form="indented")
    texts = [[check.what for check in checks], [check.where for check in checks]]
    page.widths(*(max(38, *map(len, column)) + 2 for column in texts), 20, 20, 16, 10)
    for row, check in enumerate(checks, start=_FIRST_ROW):
        live = not check.reads(left_out)
        page.text(row, 1, check.what)
        page.text(row, 2, check.where)
        page.formula(row, 3, f"={check.left}", check.left_value, check.form, live=live)
        page.formula(row, 4, f"={check.right}", check.right_value, check.form, live=live)
        difference = 0.0 if check.holds else check.left_value - check.right_value
        page.formula(row, 5, f"=ROUND(C{row}-D{row},2)", difference, check.form, live=True)
        verdict: Value = "OK" if check.holds else "CHECK"
        page.formula(row, 6, verdict_of(f"E{row}"), verdict, "indented", live=True)
    page.sheet.freeze_panes = f"A{_FIRST_ROW}"
