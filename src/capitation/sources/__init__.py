"""Readers of official files and of the input workbook."""
