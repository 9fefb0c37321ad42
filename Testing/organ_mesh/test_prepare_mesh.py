"""An organ is prepared, found again, and seen on films wherever the patient lies; the command line does the same."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from motion_cases import SMALL, small
from typer.testing import CliRunner
from X2CTReconLib.mesh_preparation.bundle_files import load_modes, save_modes
from X2CTReconLib.mesh_preparation.combine import combined
from X2CTReconLib.mesh_preparation.mesh_model import SeenMesh
from X2CTReconLib.mesh_preparation.prepare import prepare_mesh
from X2CTReconLib.mesh_preparation.refinement import refine
from X2CTReconLib.mesh_preparation.tasks import TASKS
from XRayLib.bundle import load_bundle
from XRayLib.case import Case, Options, PoseQuality, Result, SurfaceMesh
from XRayLib.cli.app import app
from XRayLib.ct import save_volume
from XRayLib.errors import InputError
from XRayLib.geometry import geometry_document
from XRayLib.mesh import load_mesh, save_mesh
from XRayLib.motion import DeformationModes, MotionModel
from XRayLib.phantom import TorsoPhantom
from XRayLib.preparation.bundle_export import write_bundle
from XRayLib.preparation.fresh_films import known_film
from XRayLib.preparation.motion_films import organ_window
from XRayLib.preparation.patient_folder import prepared_bundle
from XRayLib.preparation.training import Training
from XRayLib.prepared_method import prepared_method
from XRayLib.projector.rigid import motion_from_twist
from XRayLib.radiograph import Radiograph
from XRayLib.registry import method
from XRayLib.runtime import open_session, verify_bundle


def silent(_fraction: float, _stage: str) -> None:
    """No one listens."""


@pytest.fixture(scope="module")
def prepared(torso: TorsoPhantom, liver: SurfaceMesh, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache in which our method is prepared for the liver."""
    folder = tmp_path_factory.mktemp("prepared")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XRAY3D_CACHE", str(folder))
        prepare_mesh(torso.ct, liver, "organ-mesh", SMALL)
    return folder


@pytest.fixture
def prepared_cache(prepared: Path, cache: Path) -> Path:
    """This test's cache, with the liver prepared."""
    shutil.copytree(prepared, cache)
    return cache


@pytest.fixture(scope="module")
def film(motion: MotionModel) -> tuple[Radiograph, SurfaceMesh]:
    """A film of a motion state, in CT RAS, and the organ in it."""
    return known_film(motion, (0.0, 0.0), "none", "cpu", np.random.default_rng(5))


@pytest.mark.parametrize("what", list(TASKS))
def test_onnx_alone_computes_what_pytorch_computed(
    motion: MotionModel, modes: DeformationModes, tmp_path: Path, what: str
) -> None:
    task = TASKS[what](motion, organ_window(motion.organ.points), modes, small(width=8))
    training = Training(task, tmp_path)
    folder = tmp_path / what
    manifest = write_bundle(folder, training, {})
    assert manifest["runtime"]["opset"] <= 20
    bundle = load_bundle(folder)
    assert verify_bundle(bundle, "cpu").as_json()["passed"]
    batch = task.batch(task.films().batch(0))
    network = training.trained_network()
    with torch.inference_mode():
        expected = network(*(batch[name][:1] for name in task.inputs))
    found = open_session(bundle, "cpu").run({name: batch[name][:1].numpy() for name in task.inputs})
    for name, tensor in zip(task.outputs, expected, strict=True):
        np.testing.assert_allclose(found[name], tensor.numpy(), rtol=1e-3, atol=2e-3)


def test_a_prepared_organ_is_found_again_and_another_is_not(
    torso: TorsoPhantom, liver: SurfaceMesh, prepared_cache: Path
) -> None:
    folder = prepared_bundle(torso.ct, "organ-mesh", liver)
    assert folder is not None
    assert folder.is_relative_to(prepared_cache)
    state = prepared_method("organ-mesh").preparation_state(torso.ct, liver)
    assert state["finished"]
    assert state["iterations"] == SMALL["iterations"]
    assert state["validation"]["films"] == 6
    assert state["validation"]["identity_vertex_mm"] > 3
    json.dumps(state, allow_nan=False)
    moved = SurfaceMesh(liver.points + 0.01, liver.triangles)
    assert prepared_bundle(torso.ct, "organ-mesh", moved) is None
    assert prepared_method("organ-mesh").preparation_state(torso.ct)["bundle"] is None
    assert prepared_method("igcn").preparation_state(torso.ct, liver)["iterations"] == 0


def test_the_mesh_moves_with_the_world(
    torso: TorsoPhantom, liver: SurfaceMesh, prepared_cache: Path, film: tuple[Radiograph, SurfaceMesh]
) -> None:
    """The same film in another room: the CT's pose and the film's geometry move together, and so does the answer."""
    radiograph, _ = film
    room = motion_from_twist([0.3, -0.2, 0.5, 40.0, -70.0, 900.0], np.zeros(3))
    elsewhere = replace(radiograph, geometry=radiograph.geometry.moved(np.linalg.inv(room)))
    options = Options(device="cpu", extra={"refine": False})
    ours = method("organ-mesh")
    here = ours.run(Case((radiograph,), ct=torso.ct, mesh=liver), options, silent)
    there = ours.run(Case((elsewhere,), ct=torso.ct, mesh=liver, initial_ct_to_world=room), options, silent)
    np.testing.assert_allclose(there.mesh.points, here.mesh.points @ room[:3, :3].T + room[:3, 3], atol=0.05)
    np.testing.assert_allclose(there.mesh.scalars["deviation_mm"], here.mesh.scalars["deviation_mm"], rtol=1e-3)
    np.testing.assert_array_equal(here.mesh.triangles, liver.triangles)
    assert here.mesh.scalars["displacement_mm"].shape == (len(liver.points),)
    assert here.provenance["bundle"]["id"] == "organ-mesh"


def test_refinement_brings_the_mesh_nearer(
    torso: TorsoPhantom, liver: SurfaceMesh, prepared_cache: Path, film: tuple[Radiograph, SurfaceMesh]
) -> None:
    """The network is hardly trained; the registration that starts from its answer finds most of the motion."""
    radiograph, true = film
    moved = true.points - liver.points
    case = Case((radiograph,), ct=torso.ct, mesh=liver)
    found = refine(case, np.eye(4), Options(device="cpu"), silent)
    assert found.quality["similarity"] > found.quality["similarity_before"]
    errors = np.linalg.norm(found.seen.displacement_mm - moved, axis=1)
    assert errors.mean() < 0.4 * np.linalg.norm(moved, axis=1).mean()
    deviation = np.sqrt(np.einsum("vii->v", found.seen.covariance_mm2))
    assert 0.2 < np.sqrt(np.mean((errors / deviation) ** 2)) < 3


@pytest.mark.parametrize("reason", ["", "Other poses explain the film as well."])
def test_what_the_registration_doubts_is_told_with_the_organ(
    torso: TorsoPhantom,
    liver: SurfaceMesh,
    prepared_cache: Path,
    film: tuple[Radiograph, SurfaceMesh],
    monkeypatch: pytest.MonkeyPatch,
    reason: str,
) -> None:
    surface = SurfaceMesh(liver.points, liver.triangles, {"deviation_mm": np.ones(len(liver.points))})
    quality = PoseQuality(np.eye(6), 0.3, not reason, reason, {})
    numbers = {"similarity": 0.5, "similarity_rigid": 0.4}
    found = Result("deformable", mesh=surface, pose_quality=quality, quality=numbers, warnings=("Mind the top.",))
    monkeypatch.setattr(type(method("deformable")), "run", lambda *_: found)
    result = method("organ-mesh").run(Case((film[0],), ct=torso.ct, mesh=liver), Options(device="cpu"), silent)
    assert "Mind the top." in result.warnings
    assert ("Other poses" in " ".join(result.warnings)) == bool(reason)


def test_what_cannot_be_run_says_what_to_do(
    torso: TorsoPhantom, liver: SurfaceMesh, prepared_cache: Path, film: tuple[Radiograph, SurfaceMesh]
) -> None:
    radiograph, _ = film
    case = Case((radiograph,), ct=torso.ct, mesh=liver)
    with pytest.raises(InputError, match="xray3d prepare"):
        method("igcn").run(case, Options(device="cpu"), silent)
    far = np.eye(4)
    far[0, 3] = 2000.0
    with pytest.raises(InputError, match="does not show the organ"):
        method("organ-mesh").run(replace(case, initial_ct_to_world=far), Options(device="cpu"), silent)
    with pytest.raises(InputError, match="prepared for an organ"):
        prepared_method("igcn").prepare(torso.ct, SMALL, silent)
    with pytest.raises(InputError, match="vertices"):
        prepare_mesh(torso.ct, SurfaceMesh(liver.points[:10], liver.triangles[:3]), "igcn", SMALL)


def test_two_films_are_combined_by_what_each_shows() -> None:
    """One is sure across, the other along: the mean takes each where it is sure."""
    first = SeenMesh(np.array([[1.0, 0.0, 0.0]]), np.diag([0.01, 100.0, 1.0])[None])
    second = SeenMesh(np.array([[9.0, 5.0, 2.0]]), np.diag([100.0, 0.01, 1.0])[None])
    found = combined([first, second])
    np.testing.assert_allclose(found.displacement_mm, [[1.0, 5.0, 1.0]], atol=0.01)
    np.testing.assert_allclose(np.diagonal(found.covariance_mm2[0]), [0.01, 0.01, 0.5], rtol=1e-3)
    assert combined([first]) is first


def test_modes_survive_their_file(modes: DeformationModes, tmp_path: Path) -> None:
    save_modes(tmp_path / "modes.npz", modes)
    found = load_modes(tmp_path / "modes.npz")
    coefficients = np.linspace(-2, 2, modes.count)
    np.testing.assert_allclose(found.field(coefficients).vectors_mm, modes.field(coefficients).vectors_mm, atol=0.05)
    np.testing.assert_allclose(
        found.organ_displacement_mm(coefficients), modes.organ_displacement_mm(coefficients), atol=1e-5
    )


def test_the_command_prepares_and_runs(
    torso: TorsoPhantom,
    liver: SurfaceMesh,
    film: tuple[Radiograph, SurfaceMesh],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    save_volume(torso.ct, tmp_path / "ct.nii.gz")
    save_mesh(liver, tmp_path / "liver.vtp")
    save_film(film[0], tmp_path / "film")
    organ = ("--prior-mesh", "liver.vtp")
    view = ("--view", "film.nrrd:film.geometry.json")
    run = ("mesh", *view, "--method", "lung-shape", "--prior-ct", "ct.nii.gz", *organ, "-o", "out.vtp", "--json")
    code, out = command(*run)
    assert code == 2
    assert "xray3d prepare" in json.loads(out)["error"]["message"]
    code, out = command(
        *("prepare", "ct.nii.gz", "--what", "lung-shape", *organ, "--iterations", 2, "--batch", 2, "--width", 8),
        *("--input-px", 64, "--views", "0", "--device", "cpu", "--json"),
    )
    assert code == 0
    told = json.loads(out)
    assert told["iterations"] == 2
    assert told["validation"]["identity_surface_mm"] > 1
    code, out = command(*run)
    assert code == 0
    told = json.loads(out)
    found = load_mesh(tmp_path / "out.vtp")
    np.testing.assert_array_equal(found.triangles, liver.triangles)
    displacement = np.linalg.norm(found.points - liver.points, axis=1)
    assert b'Name="displacement_mm"' in (tmp_path / "out.vtp").read_bytes()
    assert told["mean_displacement_mm"] == pytest.approx(displacement.mean(), abs=0.01)
    assert told["volume_ml"] > 100
    assert command("mesh", *view, "--prior-ct", "ct.nii.gz", "-o", "x.vtp")[0] == 2
    assert command("mesh", *view, "--prior-ct", "ct.nii.gz", *organ, "-o", "x.nii")[0] == 2


def command(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout


def save_film(radiograph: Radiograph, stem: Path) -> None:
    import SimpleITK as sitk

    sitk.WriteImage(sitk.GetImageFromArray(radiograph.line_integral), str(stem.with_suffix(".nrrd")))
    document = {**geometry_document(radiograph.geometry), "intensity": "line_integral"}
    stem.with_suffix(".geometry.json").write_text(json.dumps(document))
