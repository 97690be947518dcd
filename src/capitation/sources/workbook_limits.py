"""How far a sheet of a workbook may reach, so that no file keeps a reader busy for hours."""

MOST_ROWS, MOST_COLUMNS, MOST_TEXT, MOST_BLANKS = 20_000, 200, 2_000, 200
"""How far a sheet may reach: rows, columns, letters of a text, and blank rows in its midst."""
