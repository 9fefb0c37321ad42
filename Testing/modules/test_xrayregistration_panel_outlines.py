"""The outlines of organs on the films: where the pose puts them, in their colours, of what is shown and moves."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed")

import slicer
from modules.films import a_ct
from modules.organs import MIDDLE, RADIUS_MM, a_ball, a_model, a_segmentation
from modules.registrations import (
    a_pose_result,
    shifted,
)
from vtk.util.numpy_support import vtk_to_numpy
from XRayLib.case import SurfaceMesh
from XRayLib.ct import Volume
from XRayLib.mesh.surface_graph import unpooling
from XRayLib.motion import DisplacementField
from XRayLib.scene.moved_outlines import MOVED_ROLE
from XRayLib.scene.organ_source import OrganSource
from XRayLib.scene.outline_surface import MOST_TRIANGLES, outline_surface
from XRayLib.scene.radiograph_nodes import film_geometry
from XRayLib.scene.surface_nodes import poly_data

pytestmark = pytest.mark.slicer


@pytest.fixture
def widget(registration_case):
    registration_case.panel.parameterNode.showVolumeRendering = False
    registration_case.panel.parameterNode.showSetup = False
    return registration_case


@pytest.fixture
def liver(widget):
    """A ball that moves with the CT."""
    model = a_model(a_ball())
    widget.panel.attached.attach(model)
    return model


def eventually(host, check: Callable[[], None]) -> None:
    """The outlines come when the application has time for them."""

    def holds() -> bool:
        try:
            check()
        except AssertionError:
            return False
        return True

    with contextlib.suppress(AssertionError):
        host.wait_until(holds)
    check()


def lines_of(film):
    node = film.GetNodeReference(MOVED_ROLE + "0")
    return None if node is None or not node.GetDisplayNode().GetVisibility() else node.GetPolyData()


def points_of(film) -> np.ndarray:
    """The ends of the lines."""
    lines = lines_of(film)
    used = np.unique(vtk_to_numpy(lines.GetLines().GetConnectivityArray()))
    return vtk_to_numpy(lines.GetPoints().GetData())[used].astype(float)


def pixels_of(film) -> np.ndarray:
    return film_geometry(film).project(points_of(film))


def ball_of_labels(radius_mm: float, middle: tuple[float, float, float]) -> Volume:
    spacing = 1.5
    matrix = np.diag([spacing, spacing, spacing, 1.0])
    matrix[:3, 3] = np.array(middle) - 40 * spacing
    k, j, i = np.indices((81, 81, 81)) - 40
    return Volume((i**2 + j**2 + k**2 <= (radius_mm / spacing) ** 2).astype(np.float32), matrix, "label")


def assert_rim_of_ball(film, moved_mm=(0.0, 0.0, 0.0), radius_mm: float = RADIUS_MM, within_mm: float = 3.0) -> None:
    """The rays through the outline touch the ball."""
    assert is_drawn(film)
    assert len(points_of(film)) > 50
    source = film_geometry(film).source_ras_mm
    rays = points_of(film) - source
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    distances = np.linalg.norm(np.cross(rays, np.add(MIDDLE, moved_mm) - source), axis=1)
    assert np.abs(distances - radius_mm).max() < within_mm


def magenta_pixels(host) -> int:
    picture = host.render_view("XRay1", (256, 256)).astype(int)
    return int(((picture[..., 0] > 150) & (picture[..., 2] > 150) & (picture[..., 1] < 100)).sum())


def is_drawn(film) -> bool:
    return lines_of(film) is not None and lines_of(film).GetNumberOfLines() > 0


def test_every_film_shows_the_rim_of_the_organ_and_it_follows_the_pose(widget, liver, slicer_main_window) -> None:
    films = widget.panel.filmNodes()

    def at(moved_mm) -> None:
        for film in films:
            assert_rim_of_ball(film, moved_mm)

    eventually(slicer_main_window, lambda: at((0, 0, 0)))
    before = np.median(pixels_of(films[0])[:, 1])
    widget.ui.translationSSlider.value = -25.0
    eventually(slicer_main_window, lambda: at((0, 0, -25)))
    assert np.median(pixels_of(films[0])[:, 1]) - before == pytest.approx(25 * 1020 / 700 / 6, abs=0.5)


def test_the_outline_is_seen_in_the_films_view_in_the_organs_colour(widget, liver, slicer_main_window) -> None:
    host = slicer_main_window

    def is_magenta(wanted: bool) -> None:
        assert (magenta_pixels(host) > 60) == wanted

    eventually(host, lambda: is_magenta(False))
    liver.GetDisplayNode().SetColor(1.0, 0.0, 1.0)
    eventually(host, lambda: is_magenta(True))
    widget.ui.outlinesCheckBox.click()
    eventually(host, lambda: is_magenta(False))
    widget.ui.outlinesCheckBox.click()
    eventually(host, lambda: is_magenta(True))


def test_only_what_is_shown_and_moves_with_the_ct_is_drawn(widget, liver, slicer_main_window) -> None:
    import qt

    film, box = widget.panel.filmNodes()[0], widget.ui.outlinesCheckBox

    def drawn(wanted: bool) -> None:
        assert is_drawn(film) == wanted
        assert box.enabled == wanted

    eventually(slicer_main_window, lambda: drawn(True))
    liver.GetDisplayNode().SetVisibility(False)
    eventually(slicer_main_window, lambda: drawn(False))
    assert "Show a model" in box.toolTip
    liver.GetDisplayNode().SetVisibility(True)
    eventually(slicer_main_window, lambda: drawn(True))
    slicer_main_window.wait_until(lambda: widget.ui.attachedList.count == 1)
    widget.ui.attachedList.item(0).setCheckState(qt.Qt.Unchecked)
    eventually(slicer_main_window, lambda: drawn(False))


def test_segments_are_outlined_from_their_voxels_each_in_its_colour(widget, slicer_main_window) -> None:
    segmentation = a_segmentation(ball_of_labels(30.0, MIDDLE), {"Liver": 1, "Nothing": 2})
    segmentation.GetSegmentation().GetNthSegment(0).SetColor(0.2, 0.4, 0.6)
    widget.panel.attached.attach(segmentation)
    film = widget.panel.filmNodes()[0]
    eventually(slicer_main_window, lambda: assert_rim_of_ball(film, radius_mm=30.0, within_mm=1.5))
    models = [film.GetNodeReference(f"{MOVED_ROLE}{index}") for index in range(2)]
    assert models[0].GetDisplayNode().GetColor() == (0.2, 0.4, 0.6)
    assert models[1].GetPolyData().GetNumberOfLines() == 0  # the segment without voxels
    segment_id = segmentation.GetSegmentation().GetNthSegmentID(0)
    segmentation.GetDisplayNode().SetSegmentVisibility(segment_id, False)
    slicer_main_window.wait_until(lambda: not is_drawn(film))
    assert not models[1].GetDisplayNode().GetVisibility()


def test_a_surface_that_changes_is_outlined_anew(widget, liver, slicer_main_window) -> None:
    film, ball = widget.panel.filmNodes()[0], a_ball()
    eventually(slicer_main_window, lambda: assert_rim_of_ball(film))
    liver.SetAndObservePolyData(poly_data(replace(ball, points=np.add(ball.points, (0, 0, 30)))))
    eventually(slicer_main_window, lambda: assert_rim_of_ball(film, (0, 0, 30)))


def test_a_deformation_moves_the_outline_with_the_organ(widget, liver, client, slicer_main_window) -> None:
    ct = a_ct()
    vectors = np.zeros((*ct.voxels.shape, 3), np.float32)
    vectors[..., 2] = 10.0  # where a point of now was in the CT: the anatomy has gone down
    field = DisplacementField(vectors, ct.ijk_to_ras)
    widget.panel.parameterNode.liveReprojection = False
    widget.ui.applyButton.click()
    client.answer(replace(a_pose_result(shifted(right=5.0)), method="deformable", deformation=field))
    film = widget.panel.filmNodes()[0]
    eventually(slicer_main_window, lambda: assert_rim_of_ball(film, (5, 0, -10)))
    widget.ui.deformedCheckBox.click()
    eventually(slicer_main_window, lambda: assert_rim_of_ball(film, (5, 0, 0)))


def test_the_outlines_come_back_with_a_saved_scene_and_leave_with_their_film(
    widget, liver, slicer_main_window, tmp_path
) -> None:
    host = slicer_main_window
    eventually(host, lambda: assert_rim_of_ball(widget.panel.filmNodes()[0]))
    host.session.save_scene(tmp_path / "case.mrb")
    host.session.clear()
    host.session.load_scene(tmp_path / "case.mrb")
    host.process_events()
    widget.initializeParameterNode()
    widget.ui.translationSSlider.value = -25.0
    first, second = widget.panel.filmNodes()
    eventually(host, lambda: assert_rim_of_ball(first, (0, 0, -25)))
    lines = first.GetNodeReference(MOVED_ROLE + "0")
    assert len(slicer.util.getNodes("PA moved outline*")) == 1
    widget.panel.films.rows[0].removeButton.click()
    assert lines.GetScene() is None
    eventually(host, lambda: assert_rim_of_ball(second, (0, 0, -25)))


def test_a_fine_surface_is_thinned_out_and_its_outline_stays(widget, slicer_main_window) -> None:
    fine = a_ball()
    while len(fine.triangles) < 4 * MOST_TRIANGLES:
        finer = unpooling(fine.triangles, len(fine.points))
        away = finer.unpooled(fine.points) - MIDDLE
        points = MIDDLE + RADIUS_MM * away / np.linalg.norm(away, axis=1, keepdims=True)
        fine = SurfaceMesh(points, finer.triangles)
    model = a_model(fine)
    thinned = outline_surface(OrganSource(model))
    assert 0.3 * MOST_TRIANGLES < len(thinned.triangles) < 2 * MOST_TRIANGLES
    widget.panel.attached.attach(model)
    film = widget.panel.filmNodes()[0]
    eventually(slicer_main_window, lambda: assert_rim_of_ball(film, within_mm=0.5))
