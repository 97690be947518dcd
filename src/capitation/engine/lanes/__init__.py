"""Scenarios side by side, as the lanes of a vector unit: the fast layout of a kernel."""
