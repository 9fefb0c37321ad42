"""Fixtures every feature's tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from SlicerHost.fixtures import (  # noqa: F401
    headless,
    load_module,
    session,
    slicer_host,
    slicer_main_window,
    stand_in,
)

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the source tree."""
    return REPOSITORY


@pytest.fixture(scope="session")
def patient_data() -> Path:
    """The folder of real patients' data; the test is skipped, and counted, where it is absent."""
    folder = Path(os.environ.get("XRAY3D_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (folder / "ct").is_dir():
        pytest.skip("patient data not found: set XRAY3D_DATA")
    return folder
