"""Packages that only some need: they come with an extra of this one."""

from __future__ import annotations

import importlib
from typing import Any

from capitation.errors import InputError, Problem


def needed(module: str, extra: str) -> Any:
    """A module of a package that only some need.

    Parameters
    ----------
    module : str
        Such as ``"dask.array"``.
    extra : str
        What to install it by.

    Raises
    ------
    InputError
        If it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        package = module.partition(".")[0]
        mend = f"pip install 'capitation[{extra}]'"
        raise InputError(Problem(extra, f"{package} is not installed", mend)) from None
