"""Workbooks: formulas from the rules, sheets, and saved values."""

from capitation.workbook.writer import Written, write_workbook

__all__ = ["Written", "write_workbook"]
