"""What the tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """Folder of the published files, which are read where they are and never copied.

    Without the folder the data tests are skipped, but not in continuous integration: there a
    check that silently does not run is a defect.
    """
    beside_the_project = Path(__file__).resolve().parents[1].parent / "shared" / "data"
    folder = Path(os.environ.get("CAPITATION_DATA") or beside_the_project)
    if folder.is_dir():
        return folder
    missing = f"no reference data in {folder}: set CAPITATION_DATA to their folder"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


def pytest_configure(config: pytest.Config) -> None:
    """Compiled kernels are shared by the workers of a run, and kept for the next one.

    They are named by all that they depend on, so that none can be stale; ``pytest --cache-clear``
    forgets them.
    """
    if "CAPITATION_CACHE" not in os.environ:
        os.environ["CAPITATION_CACHE"] = str(config.cache.mkdir("kernels"))
