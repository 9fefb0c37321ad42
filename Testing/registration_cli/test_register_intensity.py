"""The whole way with the real method: films of a torso off its nominal place, found again from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from film_files import save_stack
from pose_cases import c_arm
from scipy.spatial.transform import Rotation
from typer.testing import CliRunner
from XRayLib.cli.app import app
from XRayLib.ct import Volume, save_volume
from XRayLib.phantom import torso_phantom
from XRayLib.pose_file import read_pose_file
from XRayLib.simulate import simulate_radiograph

LANDMARKS = np.array([[0.0, -60, 60], [-90, 0, 40], [95, 5, 30], [60, 60, -20], [-50, 70, 10], [5, -70, -80]])


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``ct.nii.gz``, ``pa.nrrd``, ``lateral.nrrd``, ``empty.nrrd``, ``true.txt`` and ``pairs.json`` (both films)."""
    folder = tmp_path_factory.mktemp("torso")
    ct = torso_phantom(5, 5.0).ct
    save_volume(ct, folder / "ct.nii.gz")
    true = np.eye(4)
    true[:3, :3] = Rotation.from_rotvec(np.deg2rad([4, -7, 11])).as_matrix()
    true[:3, 3] = np.array([12, -20, 15]) - true[:3, :3] @ ct.center_ras_mm
    np.savetxt(folder / "true.txt", true)
    world = LANDMARKS @ true[:3, :3].T + true[:3, 3]
    pixels = []
    for name, angle in (("pa", 0.0), ("lateral", 90.0)):
        geometry = c_arm(angle, size_px=(96, 96))
        film = simulate_radiograph(Volume(ct.voxels, true @ ct.ijk_to_ras), geometry, device="cpu")
        save_stack(film.line_integral[None], geometry, folder / f"{name}.nrrd")
        pixels.append(geometry.project(world).tolist())
    points = [
        {"name": f"L{n}", "ct_ras_mm": point.tolist(), "pixels": [pixels[0][n], pixels[1][n]]}
        for n, point in enumerate(LANDMARKS)
    ]
    (folder / "pairs.json").write_text(json.dumps({"format": "xray3d.landmarks/1", "points": points}))
    noise = np.random.default_rng(0).uniform(0, 0.01, (1, 96, 96))
    save_stack(noise, c_arm(0.0, size_px=(96, 96)), folder / "noise.nrrd")
    return folder


def run(*arguments: object) -> tuple[int, dict]:
    result = CliRunner().invoke(app, [*(str(argument) for argument in arguments), "--json"])
    return result.exit_code, json.loads(result.stdout)


@pytest.mark.parametrize("start", [(), ("--landmarks", "pairs.json"), ("--initial", "true.txt")])
def test_the_pose_is_found_from_every_kind_of_start(patient: Path, monkeypatch, start: tuple[str, ...]) -> None:
    monkeypatch.chdir(patient)
    films = ("--ct", "ct.nii.gz", "--view", "pa.nrrd", "--view", "lateral.nrrd")
    code, told = run("register", *films, *start, "-o", "x.pose.json", "--device", "cpu")
    assert code == 0, told
    assert told["accepted"] is True
    _, judged = run("evaluate", "pose", "--reference", "true.txt", "--result", "x.pose.json", "--ct", "ct.nii.gz")
    assert judged["result"]["mtre_mm"] < 1.0
    assert judged["baselines"]["identity"]["mtre_mm"] > 10


def test_landmarks_alone_give_the_pose_without_refinement(patient: Path, monkeypatch) -> None:
    monkeypatch.chdir(patient)
    films = ("--ct", "ct.nii.gz", "--view", "pa.nrrd", "--view", "lateral.nrrd")
    run("register", *films, "--landmarks", "pairs.json", "--no-refine", "-o", "start.pose.json", "--device", "cpu")
    found = read_pose_file("start.pose.json")
    np.testing.assert_allclose(found.ct_to_world, np.loadtxt("true.txt"), atol=1e-3)


def test_a_film_of_noise_is_refused(patient: Path, monkeypatch) -> None:
    monkeypatch.chdir(patient)
    code, told = run("register", "--ct", "ct.nii.gz", "--view", "noise.nrrd", "-o", "noise.pose.json")
    assert code in (2, 3)
    assert told["error"]["message"]
    assert not Path("noise.pose.json").exists() or read_pose_file("noise.pose.json").accepted is False
