"""The version, for the package, the wheel and every result."""

__version__ = "0.1.0"
