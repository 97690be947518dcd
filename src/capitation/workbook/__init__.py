"""Workbooks: formulas from the rules, sheets, and saved values."""
