"""From X-rays and a CT to the accepted pose, with the real worker: the module's own test, the panel, scripts."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed")

from XRayLib.ct import Volume, attenuation_from_hu
from XRayLib.errors import InputError, RefusedError
from XRayLib.geometry import XRayGeometry
from XRayLib.metrics.pose import target_grid, target_registration_errors_mm
from XRayLib.phantom.torso import torso_phantom
from XRayLib.projector import Projector
from XRayLib.radiograph import Radiograph
from XRayLib.scene.matrices import local_to_world
from XRayLib.scene.pose_sequence import pose_sequence, records
from XRayLib.scene.radiograph_nodes import put_radiograph
from XRayLib.scene.volume_nodes import put_volume
from XRayRegistrationLib.manual_pose import ManualPose, ct_to_world

pytestmark = pytest.mark.slicer


@cache
def torso(seed: int = 7) -> Volume:
    return torso_phantom(seed, 4.0).ct


def geometry(primary_angle_deg: float) -> XRayGeometry:
    return XRayGeometry.from_c_arm(
        primary_angle_deg=primary_angle_deg,
        secondary_angle_deg=0.0,
        source_to_detector_mm=1100.0,
        source_to_isocenter_mm=750.0,
        size_px=(256, 256),
        pixel_spacing_mm=(1.6, 1.6),
    )


def pose(*shift_mm: float, turn_deg: float = 5.0) -> np.ndarray:
    """The torso near the isocentre."""
    middle = torso().center_ras_mm
    return ct_to_world(ManualPose(tuple(np.array(shift_mm) - middle), (turn_deg, -4.0, turn_deg)), middle)


def film(primary_angle_deg: float, truth: np.ndarray, seed: int = 7) -> Radiograph:
    view = geometry(primary_angle_deg)
    mu = Volume(attenuation_from_hu(torso(seed).voxels), torso(seed).ijk_to_ras, "mu_per_mm")
    image = Projector(mu, device="cpu").project([view.moved(truth)])[0]
    noise = np.random.default_rng(0).normal(0.0, 0.02, image.shape)
    return Radiograph((image + noise).astype(np.float32), view, view="PA", source="simulated")


def error_mm(ct_node, truth: np.ndarray) -> float:
    """Mean over targets all through the body."""
    return float(target_registration_errors_mm(truth, local_to_world(ct_node), target_grid(torso())).mean())


@pytest.fixture
def case(slicer_main_window, load_module):
    """The panel with the CT where it was scanned and films of it elsewhere."""
    load_module("X2CTRecon")
    load_module("XRayRegistration")
    widget = slicer_main_window.open_module("XRayRegistration")
    node = widget.panel.parameterNode
    node.liveReprojection = node.showVolumeRendering = False
    node.ctVolume = put_volume(torso(), "Torso")
    yield widget, slicer_main_window
    widget.panel.close()


def add(widget, name: str, radiograph: Radiograph):
    node = put_radiograph(radiograph, name)
    widget.panel.addFilm(node)
    return node


def test_two_views_are_registered_accepted_and_saved(case, tmp_path) -> None:
    widget, host = case
    truth = pose(12.0, -18.0, 25.0)
    for angle, name in ((0.0, "PA"), (90.0, "Lateral")):
        add(widget, name, film(angle, truth))
    widget.ui.applyButton.click()
    host.wait_until(lambda: not widget.panel.runs.bar.running)
    ct = widget.panel.parameterNode.ctVolume
    assert error_mm(ct, truth) < 1.0
    assert "Passed" in widget.ui.cardLabel.text
    widget.ui.acceptButton.click()
    host.session.save_scene(tmp_path / "accepted.mrb")
    host.session.clear()
    host.session.load_scene(tmp_path / "accepted.mrb")
    host.process_events()
    widget.initializeParameterNode()
    assert error_mm(widget.panel.parameterNode.ctVolume, truth) < 1.0
    assert "Accepted by you" in widget.ui.cardLabel.text


def test_a_film_that_no_pose_explains_is_refused_and_nothing_moves(case) -> None:
    """A film whose parts are shuffled: no pose explains it."""
    widget, host = case
    radiograph = film(0.0, pose(0.0, 0.0, 0.0))
    wrong = np.random.default_rng(1).permuted(radiograph.line_integral.reshape(16, 16, 16, 16), axis=0)
    shuffled = np.ascontiguousarray(np.random.default_rng(2).permuted(wrong, axis=2).reshape(256, 256))
    add(widget, "Nonsense", Radiograph(shuffled, radiograph.geometry, view="PA"))
    widget.ui.applyButton.click()
    host.wait_until(lambda: not widget.panel.runs.bar.running)
    assert widget.ui.showAnywayButton.isVisibleTo(widget.parent)
    assert "Refused" in widget.ui.cardLabel.text
    np.testing.assert_allclose(local_to_world(widget.panel.parameterNode.ctVolume), np.eye(4))


def test_landmarks_place_the_ct(case) -> None:
    widget, host = case
    truth = pose(30.0, 20.0, -10.0, turn_deg=12.0)
    films = [add(widget, "PA", film(0.0, truth)), add(widget, "Lateral", film(90.0, truth))]
    points = torso().center_ras_mm + np.array([[0, 0, 0], [60, 10, 20], [-50, 30, -40], [20, -60, 50], [-30, -20, 70]])
    world = points @ truth[:3, :3].T + truth[:3, 3]
    pixels = [geometry(angle).project(world) for angle in (0.0, 90.0)]
    widget.logic.setLandmarks(widget.panel.parameterNode.ctVolume, films, points, pixels)
    widget.panel.refresh()
    widget.ui.placeButton.click()
    host.wait_until(lambda: not widget.panel.runs.bar.running)
    assert "Placed by landmarks" in widget.ui.cardLabel.text
    assert error_mm(widget.panel.parameterNode.ctVolume, truth) < 1.0


def test_a_run_is_followed_frame_by_frame(case) -> None:
    from XRayLib.scene.film_run import put_film_run

    widget, host = case
    truths = [pose(0.0, 0.0, 4.0 * frame, turn_deg=2.0 * frame) for frame in range(3)]
    browser, pa = put_film_run("PA", [film(0.0, truth) for truth in truths])
    _browser, lateral = put_film_run("Lateral", [film(90.0, truth) for truth in truths], browser)
    widget.panel.addRun(browser, [pa, lateral])
    widget.ui.registerSequenceButton.click()
    host.wait_until(lambda: not widget.panel.runs.bar.running)
    node = widget.panel.parameterNode
    found = records(pose_sequence(browser, node.poseTransform))
    assert [record.quality.accepted for record in found.values()] == [True] * 3
    for index, truth in enumerate(truths):
        widget.ui.frameSlider.value = index + 1
        assert error_mm(node.ctVolume, truth) < 1.0


def test_scripts_register_and_get_refusals_as_exceptions(case) -> None:
    widget, _host = case
    truth = pose(5.0, 5.0, 5.0)
    ct, logic = widget.panel.parameterNode.ctVolume, widget.logic
    films = [put_radiograph(film(angle, truth), "Film") for angle in (0.0, 90.0)]
    transform = logic.register(ct, films, initial=pose(0.0, 0.0, 0.0))
    assert ct.GetTransformNodeID() == transform.GetID()
    assert error_mm(ct, truth) < 1.0
    with pytest.raises(InputError, match="X-ray view"):
        logic.register(ct, [])
    with pytest.raises(InputError, match="no pose"):
        logic.register(ct, films, method="x2ct-cnn")
    with pytest.raises(InputError, match="start"):
        logic.register(ct, films, start="somewhere")
    before = local_to_world(ct)
    noise = np.random.default_rng(3).random((256, 256)).astype(np.float32)
    with pytest.raises(RefusedError):
        logic.register(ct, [put_radiograph(Radiograph(noise, geometry(0.0)), "Noise")])
    np.testing.assert_allclose(local_to_world(ct), before)
