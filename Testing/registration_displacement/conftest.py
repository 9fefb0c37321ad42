"""A phantom that breathes, and a displacement network prepared for it in seconds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from displacement_settings import SETTINGS
from XRayLib.ct import Volume
from XRayLib.mesh.organ_template import organ_template
from XRayLib.motion import MotionModel
from XRayLib.phantom import torso_phantom

LIVER = 5


@pytest.fixture(scope="session")
def ct() -> Volume:
    """A torso without arms, 6 mm voxels."""
    return torso_phantom(5, spacing_mm=6.0).ct


@pytest.fixture(scope="session")
def motion(ct: Volume) -> MotionModel:
    """The torso, breathing."""
    return MotionModel(ct, organ_template(torso_phantom(5, spacing_mm=6.0).labels, LIVER, vertices=600), spacing_mm=6.0)


@pytest.fixture(scope="session")
def prepared(ct: Volume, motion: MotionModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The bundle of a network that hardly learned anything."""
    from XRayRegistrationLib.displacement.prepare import prepare_displacement

    patch = pytest.MonkeyPatch()
    patch.setenv("XRAY3D_CACHE", str(tmp_path_factory.mktemp("cache")))
    yield prepare_displacement(ct, SETTINGS, mesh=motion.organ)
    patch.undo()
