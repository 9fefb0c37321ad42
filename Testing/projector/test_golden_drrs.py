"""DRRs of a real CT made by independent code: frames, angles, orientation, attenuation."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from analytic_shapes import relative_error
from XRayLib.ct import Volume, attenuation_from_hu, load_ct
from XRayLib.geometry import read_geometry_file
from XRayLib.projector import project

VIEWS = ["p+000_s+000", "p+000_s+030", "p+030_s+000", "p+090_s+000", "p+180_s+000", "p-045_s+015"]


@pytest.fixture(scope="module")
def chest_mu(patient_data: Path) -> Volume:
    ct = load_ct(patient_data / "ct" / "chest_lidc0001.nii.gz")
    return Volume(attenuation_from_hu(ct.voxels), ct.ijk_to_ras, "mu_per_mm")


@pytest.mark.real_data
@pytest.mark.parametrize("name", VIEWS)
def test_chest_agrees_with_the_golden_drr(patient_data: Path, chest_mu: Volume, name: str) -> None:
    sitk = pytest.importorskip("SimpleITK")
    golden = patient_data / "golden" / f"lidc0001_{name}.nrrd"
    geometry_file = golden.with_suffix("").with_suffix(".geometry.json")
    assert json.loads(geometry_file.read_text())["mu_water_per_mm"] == 0.02
    geometry = read_geometry_file(geometry_file)
    wanted = np.squeeze(sitk.GetArrayFromImage(sitk.ReadImage(str(golden))))
    assert relative_error(project(chest_mu, [geometry], device="cpu")[0], wanted) < 5e-4
