"""Runs beside each other: their record, their differences, and files for programs."""
