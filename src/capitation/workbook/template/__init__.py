"""The input workbook to be filled in, written."""
