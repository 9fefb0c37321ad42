"""A CT, films of it, and the test method, in the command's process and in its worker."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from film_files import CENTER, a_ct, save_stack
from pose_cases import c_arm
from XRayLib.ct import save_volume
from XRayLib.registry import methods
from XRayLib.simulate import simulate_radiograph

METHOD_PACKAGE = Path(__file__).parent / "pose_methods"


@pytest.fixture
def test_method(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Id of a method whose answer is known."""
    monkeypatch.setenv("XRAY3D_METHOD_PACKAGES", "pose_test_methods")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(METHOD_PACKAGE), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.syspath_prepend(str(METHOD_PACKAGE))
    methods.cache_clear()
    yield "test-pose"
    methods.cache_clear()


@pytest.fixture
def patient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with ``ct.nii.gz`` and the films pa, lateral (bright corner: accepted) and dark (refused)."""
    ct = a_ct()
    save_volume(ct, tmp_path / "ct.nii.gz")
    for name, angle, corner in (("pa", 0.0, 1.0), ("lateral", 90.0, 1.0), ("dark", 0.0, 0.0)):
        geometry = c_arm(angle, isocenter_ras_mm=CENTER, frame="RAS of the CT")
        image = simulate_radiograph(ct, geometry).line_integral.copy()
        image[0, 0] = corner
        save_stack(image[None], geometry, tmp_path / f"{name}.nrrd")
    monkeypatch.chdir(tmp_path)
    return tmp_path
