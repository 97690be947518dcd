"""A result as tables to read: plain data, and a page."""
