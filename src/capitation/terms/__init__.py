"""Dated national figures with their sources, one file a subject."""
