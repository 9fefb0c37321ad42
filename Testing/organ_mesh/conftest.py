"""A small patient in motion, and a cache of its own for every test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from XRayLib.case import SurfaceMesh
from XRayLib.mesh import organ_template
from XRayLib.motion import DeformationModes, MotionModel
from XRayLib.phantom import TorsoPhantom, torso_phantom
from XRayLib.phantom.labels import LIVER


@pytest.fixture(scope="session")
def torso() -> TorsoPhantom:
    """A torso of 6 mm voxels with its labels."""
    return torso_phantom(3, 6.0)


@pytest.fixture(scope="session")
def liver(torso: TorsoPhantom) -> SurfaceMesh:
    """Its liver, about 300 vertices."""
    return organ_template(torso.labels, LIVER, vertices=300)


@pytest.fixture(scope="session")
def motion(torso: TorsoPhantom, liver: SurfaceMesh) -> MotionModel:
    """How it breathes, on a coarse grid."""
    return MotionModel(torso.ct, liver, spacing_mm=8.0)


@pytest.fixture(scope="session")
def modes(motion: MotionModel) -> DeformationModes:
    """Six modes of that."""
    return motion.modes(6, np.random.default_rng(1), states=40)


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
