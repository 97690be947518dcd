"""A workbook held against its run: what was overtyped, and why a cell is what it is."""
