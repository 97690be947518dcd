"""Weighted lists from persons: counted by practice, weighed, and normalised."""
