"""A small phantom, settings for tiny networks, and a cache of its own for every test."""

from __future__ import annotations

from pathlib import Path

import pytest
from XRayLib.ct import Volume
from XRayLib.phantom import torso_phantom
from XRayRegistrationLib.preparation.settings import PosePreparationSettings

TINY = {
    "iterations": 8,
    "batch": 4,
    "width": 4,
    "learning_rate": 1e-3,
    "exposures": 8,
    "exposures_per_batch": 2,
    "validation_films": 4,
    "device": "cpu",
}


@pytest.fixture(scope="session")
def torso() -> Volume:
    """A torso of 6 mm voxels."""
    return torso_phantom(3, 6.0).ct


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing of the user's own cache is read or written."""
    monkeypatch.setenv("XRAY3D_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Networks this small are fastest on one thread, and then compute the same every time."""
    import torch

    torch.set_num_threads(1)


def tiny(**changes: object) -> PosePreparationSettings:
    """Settings of a training that takes a second or two."""
    return PosePreparationSettings.from_mapping({**TINY, **changes})
