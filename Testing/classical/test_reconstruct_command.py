"""The command line reaches the classical methods, a prior CT at its pose, and data consistency."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from phantom_films import psnr, torso, view
from typer.testing import CliRunner
from XRayLib.cli.app import app
from XRayLib.ct import Volume, attenuation_from_hu, load_volume, save_volume
from XRayLib.geometry import write_geometry_file
from XRayLib.projector import project


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two DRRs with geometry files, and the torso itself displaced, as a prior CT."""
    sitk = pytest.importorskip("SimpleITK")
    mu = Volume(attenuation_from_hu(torso().voxels), torso().ijk_to_ras, "mu_per_mm")
    for name, angle in (("pa", 0.0), ("lateral", 90.0)):
        image = project(mu, [view(angle)], device="cpu")[0]
        sitk.WriteImage(sitk.GetImageFromArray(image), str(tmp_path / f"{name}.nrrd"))
        write_geometry_file(view(angle), tmp_path / f"{name}.geometry.json", intensity="line_integral")
    shift = np.eye(4)
    shift[:3, 3] = (30.0, -10.0, 20.0)
    save_volume(Volume(torso().voxels, np.linalg.inv(shift) @ torso().ijk_to_ras), tmp_path / "earlier.nii.gz")
    (tmp_path / "at.pose.json").write_text(json.dumps({"format": "xray3d.pose/1", "ct_to_world": shift.tolist()}))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def reconstruct(*arguments: str) -> dict:
    views = ["--view", "pa.nrrd", "--view", "lateral.nrrd", "--device", "cpu"]
    result = CliRunner().invoke(app, ["reconstruct", *views, *arguments, "--json"])
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_a_prior_ct_at_its_pose(folder: Path) -> None:
    summary = reconstruct(
        *("--method", "sart", "--prior-ct", "earlier.nii.gz", "--initial", "at.pose.json", "-o", "v.nii.gz")
    )
    assert summary["method"] == "sart"
    assert psnr(load_volume(folder / "v.nii.gz")) > 35.0


def test_consistency_on_request(folder: Path) -> None:
    plain = reconstruct("--method", "x2ct-cnn", "-o", "plain.nii.gz")["quality"]
    assert not any("before" in name for name in plain)
    quality = reconstruct("--method", "x2ct-cnn", "--consistent", "-o", "consistent.nii.gz")["quality"]
    for n in (1, 2):
        assert quality[f"reprojection_residual_before_{n}"] == pytest.approx(
            plain[f"reprojection_residual_{n}"], rel=1e-3
        )
        # The films are wider than the network's cube, so a part of them stays unexplained.
        assert quality[f"reprojection_residual_{n}"] * 1.7 < quality[f"reprojection_residual_before_{n}"]
