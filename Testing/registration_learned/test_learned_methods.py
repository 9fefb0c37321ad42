"""The two methods: they ask for a preparation, start the common refinement, and never make up a pose."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import TINY
from XRayLib.case import Case, Options, Result
from XRayLib.ct import Volume
from XRayLib.errors import InputError, RefusedError
from XRayLib.geometry import XRayGeometry
from XRayLib.preparation.anatomy import anatomy_of
from XRayLib.preparation.patient_folder import prepared_bundle
from XRayLib.prepared_method import PreparedMethod, prepared_method
from XRayLib.projector.rigid import motion_from_twist
from XRayLib.radiograph import Radiograph
from XRayLib.registry import method
from XRayLib.simulate import simulate_radiograph
from XRayRegistrationLib.learned import learned_method, prepared_model
from XRayRegistrationLib.learned.prepared_model import PosePreparedModel
from XRayRegistrationLib.preparation import KINDS, prepare_patient
from XRayRegistrationLib.preparation.scene_points import scene_points

SIDE = 64


@pytest.fixture(scope="module")
def prepared(torso: Volume, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prepared")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XRAY3D_CACHE", str(folder))
        for what in KINDS:
            prepare_patient(torso, what, {**TINY, "validation_films": 1})
    return folder


@pytest.fixture(scope="module")
def case(torso: Volume) -> tuple[Case, np.ndarray]:
    """Two films of the displaced torso in their nominal geometry, and where it is."""
    true = motion_from_twist([0.15, -0.1, 0.12, 12.0, -18.0, 9.0], torso.center_ras_mm)
    films = []
    for primary in (0.0, 90.0):
        geometry = XRayGeometry.from_c_arm(
            primary_angle_deg=primary,
            secondary_angle_deg=0.0,
            source_to_detector_mm=1020.0,
            source_to_isocenter_mm=700.0,
            size_px=(160, 160),
            pixel_spacing_mm=(4.2, 4.2),
            isocenter_ras_mm=torso.center_ras_mm,
            frame="RAS of the CT",
        )
        shown = simulate_radiograph(torso, geometry.moved(true), device="cpu")
        films.append(Radiograph(shown.line_integral, geometry, calibrated=True))
    return Case(tuple(films), ct=torso), true


class PerfectNetwork:
    """Answers with the truth: what a network would say that had learned everything."""

    def __init__(self, torso: Volume, true: np.ndarray) -> None:
        self.anatomy, self.true = anatomy_of(torso, SIDE, "cpu"), true
        self.bundle = type("Bundle", (), {"id": "perfect", "version": "1.0.0", "sha256": "0" * 64})()
        self.fallbacks: tuple[str, ...] = ()
        self.geometries: list[XRayGeometry] = []

    def model(self) -> PosePreparedModel:
        network = self

        class Remembering(PosePreparedModel):
            def view(self, radiograph: Radiograph) -> object:
                view = super().view(radiograph)
                network.geometries.append(view.geometry.moved(network.true))
                return view

        a = self.anatomy
        return Remembering(self, a.window_mm, SIDE, a.middle_ras_mm, a.corners_ras_mm, {})

    def run(self, inputs: dict, while_running: object = None) -> dict[str, np.ndarray]:
        assert inputs["contrasts"].shape == (1, 2, SIDE, SIDE)
        geometry = self.geometries.pop(0)
        if "camera" in inputs:
            from XRayLib.canonical_view.camera_frame import world_to_camera

            pose = world_to_camera(geometry)[1]
            return {
                "rotation": pose[None, :3, :3].astype(np.float32),
                "translation": pose[None, :3, 3].astype(np.float32),
            }
        points, valid = scene_points(self.anatomy.surface, geometry, 4)
        scene = np.full((1, 8, SIDE // 4, SIDE // 4), 1.0, np.float32)
        for n in range(2):
            scene[0, 4 * n : 4 * n + 3] = np.moveaxis(points[n] - self.anatomy.middle_ras_mm, -1, 0) / 100
            scene[0, 4 * n + 3] = np.where(valid[n], -4.0, 1.0)
        return {"scene": scene}


@pytest.mark.parametrize("refine", [True, False])
@pytest.mark.parametrize("what", KINDS)
def test_a_network_that_knows_leads_to_the_pose(
    torso: Volume, case: tuple[Case, np.ndarray], monkeypatch: pytest.MonkeyPatch, what: str, refine: bool
) -> None:
    """Everything between film and result: mirroring, window, camera, both views, the point cloud, provenance."""
    given, true = case
    perfect = PerfectNetwork(torso, true)
    monkeypatch.setattr(learned_method, "prepared_model", lambda *_: perfect.model())
    started_from: list[np.ndarray] = []

    def instead_of_refining(
        case: Case, options: Options, progress: object, starts: list | None = None, method: str = ""
    ) -> Result:
        started_from.extend([case.initial_ct_to_world] if starts is None else starts)
        return Result(method, ct_to_world=started_from[-1], provenance={"method": method})

    monkeypatch.setattr("XRayRegistrationLib.rigid.registration.register_rigid", instead_of_refining)
    stages: list[float] = []
    options = Options(device="cpu", extra={"refine": refine})
    result = method(what).run(given, options, lambda fraction, _stage: stages.append(fraction))
    corners = perfect.anatomy.corners_ras_mm
    for start in started_from:
        difference = start - true
        assert np.abs(corners @ difference[:3, :3].T + difference[:3, 3]).max() < 1.0
    assert stages == sorted(stages)
    assert result.method == what
    assert result.provenance["bundle"]["id"] == "perfect"
    if what == "scene-coordinates":
        cloud = result.point_cloud
        assert cloud is not None
        assert len(cloud.points_ct_ras_mm) == len(cloud.deviation_mm) > 200
        inside = (cloud.points_ct_ras_mm > corners.min(0) - 10) & (cloud.points_ct_ras_mm < corners.max(0) + 10)
        assert inside.all()
    else:
        assert result.point_cloud is None
        assert len(started_from) == (1 if refine else 3)


def test_a_view_that_was_not_prepared_is_told(
    torso: Volume, case: tuple[Case, np.ndarray], prepared: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prepared for 0 and 90 degrees: a film at 30 degrees is within reach, one at 200 degrees is not."""
    shutil.copytree(prepared, cache)
    monkeypatch.setattr(
        "XRayRegistrationLib.rigid.registration.register_rigid",
        lambda *_, method, **__: Result(method, ct_to_world=np.eye(4)),
    )
    film = case[0].radiographs[0]

    def warnings(primary: float) -> tuple[str, ...]:
        turned = motion_from_twist([0, 0, np.deg2rad(-primary), 0, 0, 0], torso.center_ras_mm)
        seen = Radiograph(film.line_integral, film.geometry.moved(turned))
        assert seen.geometry.primary_angle_deg == pytest.approx(primary if primary < 180 else primary - 360)
        return method("pose-regression").run(Case((seen,), ct=torso), Options(device="cpu"), lambda *_: None).warnings

    assert not any("prepared for" in sentence for sentence in warnings(25.0))
    assert any("110 degrees from the views" in sentence for sentence in warnings(200.0))


def test_the_search_goes_as_far_as_the_network_errs() -> None:
    measured = {"rotation_deg_p90": 8.5, "across_mm_p90": 1.0, "along_mm_p90": 400.0}
    assert learned_method.search_nearby(Options(), measured) == {
        "initialisation": "search",
        "rotation_range_deg": 8.5,
        "shift_range_mm": 5.0,
        "depth_range_mm": 100.0,
    }
    narrow = Options(extra={"rotation_range_deg": 4.0, "initialisation": "given"})
    assert learned_method.search_nearby(narrow, measured)["rotation_range_deg"] == 4.0
    unknown = learned_method.search_nearby(Options(), {"rotation_deg_p90": None})
    assert unknown["rotation_range_deg"] == 30.0


@pytest.mark.parametrize("what", KINDS)
def test_an_unprepared_patient_is_told_what_to_do(case: tuple[Case, np.ndarray], what: str) -> None:
    with pytest.raises(InputError, match=f"'Prepare this patient'.*xray3d prepare CT --what {what}"):
        method(what).run(case[0], Options(device="cpu"), lambda *_: None)


def test_films_of_nothing_are_refused_by_scene_coordinates(
    torso: Volume, case: tuple[Case, np.ndarray], prepared: Path, cache: Path
) -> None:
    """An empty film through a real, untrained network ends in a refusal, whatever it answers."""
    shutil.copytree(prepared, cache)
    film = case[0].radiographs[0]
    empty = Radiograph(np.zeros_like(film.line_integral), film.geometry)
    with pytest.raises((RefusedError, InputError)):
        method("scene-coordinates").run(Case((empty,), ct=torso), Options(device="cpu"), lambda *_: None)


def test_a_real_network_runs_through_the_real_refinement(
    torso: Volume, case: tuple[Case, np.ndarray], prepared: Path, cache: Path
) -> None:
    """Eight batches teach nothing, but the whole chain runs; a wrong pose must not be accepted."""
    shutil.copytree(prepared, cache)
    given, true = case
    result = method("pose-regression").run(given, Options(device="cpu"), lambda *_: None)
    assert result.ct_to_world is not None
    assert result.pose_quality is not None
    assert "prediction" in result.pose_quality.seconds
    corners = anatomy_of(torso, SIDE, "cpu").corners_ras_mm
    difference = result.ct_to_world - true
    error_mm = np.linalg.norm(corners @ difference[:3, :3].T + difference[:3, 3], axis=1).mean()
    assert error_mm < 10 or not result.pose_quality.accepted


def test_a_network_that_answers_nonsense_is_a_failure_not_a_pose(
    torso: Volume, case: tuple[Case, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    perfect = PerfectNetwork(torso, case[1])
    good = perfect.run
    monkeypatch.setattr(perfect, "run", lambda *a, **k: {n: np.full_like(x, np.nan) for n, x in good(*a, **k).items()})
    monkeypatch.setattr(learned_method, "prepared_model", lambda *_: perfect.model())
    for what in KINDS:
        with pytest.raises(Exception, match="not numbers"):
            method(what).run(case[0], Options(device="cpu"), lambda *_: None)


def test_a_bundle_of_another_origin_is_refused(torso: Volume, prepared: Path, cache: Path) -> None:
    """A file changed after the preparation is found by its hash before anything reads it."""
    shutil.copytree(prepared, cache)
    folder = prepared_bundle(torso, KINDS[0])
    assert folder is not None
    network = folder / "network.onnx"
    network.write_bytes(network.read_bytes()[:-1] + b"x")
    with pytest.raises(InputError):
        prepared_model.PosePreparedModel.opened(folder, "cpu")


def test_only_learned_methods_are_prepared() -> None:
    assert all(isinstance(method(what), PreparedMethod) for what in KINDS)
    with pytest.raises(InputError, match="pose-regression, scene-coordinates"):
        prepared_method("x2ct-cnn")
