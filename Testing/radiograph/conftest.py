"""Drawn radiographs and DICOM files of every kind, made on the spot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn_radiographs import dicom_dataset, drawn_chest
from numpy.typing import NDArray


@pytest.fixture(scope="session")
def chest() -> NDArray[np.float32]:
    return drawn_chest()


@pytest.fixture
def dicom_file(tmp_path: Path) -> Callable[..., Path]:
    """``dicom_file(pixels, syntax=..., name=..., **attributes)`` writes a DX image and returns its path."""

    def write(pixels: NDArray[np.generic], *, syntax: str = "", name: str = "image.dcm", **attributes: Any) -> Path:
        dataset = dicom_dataset(pixels, **attributes)
        if syntax:
            dataset.compress(syntax)
        path = tmp_path / name
        dataset.save_as(path, enforce_file_format=True)
        return path

    return write
