"""The input workbook: how it is laid out, and how it is read."""
