"""Films whose stated geometry is a little wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from XRayLib.case import Options
from XRayLib.metrics.pose import rotation_error_deg
from XRayLib.registry import method
from XRayRegistrationLib.rigid.intrinsics import Camera


def test_a_camera_scales_about_the_principal_point_and_shifts_it(views) -> None:
    view = views[0]
    changed = Camera((4.4, -2.2), 0.05).apply(view)
    assert changed.source_to_detector_mm == pytest.approx(1.05 * view.source_to_detector_mm)
    np.testing.assert_allclose(changed.source_ras_mm, view.source_ras_mm, atol=1e-6)
    on_axis = view.source_ras_mm + 700 * view.detector_normal
    np.testing.assert_allclose(changed.project(on_axis), view.project(on_axis) + np.array([2.0, -1.0]), atol=1e-6)


def test_a_wrong_source_distance_and_height_are_found_from_two_views(make_case, pose_of, mtre_mm, views) -> None:
    true = pose_of((4.0, -3.0, 5.0), (8.0, 12.0, -6.0))
    case = make_case(true)
    wrong = (Camera((0.0, -5.0), 0.03), Camera((0.0, 4.0), -0.02))
    films = tuple(
        replace(film, geometry=camera.apply(film.geometry))
        for film, camera in zip(case.radiographs, wrong, strict=True)
    )

    def run(films, refine_intrinsics: bool):
        extra = {"initialisation": "given", "refine_intrinsics": refine_intrinsics}
        given = replace(case, radiographs=films, initial_ct_to_world=true)
        return method("intensity").run(given, Options(device="cpu", extra=extra), lambda _fraction, _stage: None)

    exact, rigid, with_cameras = run(case.radiographs, False), run(films, False), run(films, True)
    similarity = [result.pose_quality.similarity["similarity"] for result in (exact, rigid, with_cameras)]
    assert similarity[0] > 0.95
    assert similarity[1] < 0.9 * similarity[0]
    assert similarity[2] > 0.98 * similarity[0]
    assert rotation_error_deg(true, with_cameras.ct_to_world) < 0.11
    found = [view.radiograph.geometry for view in with_cameras.views]
    np.testing.assert_allclose([g.source_to_detector_mm for g in found], 1020, rtol=0.01)
    # A shift of both principal points along S is one of the patient: only their difference shows.
    shift_px = [g.principal_point_px[1] - view.principal_point_px[1] for g, view in zip(found, views, strict=True)]
    assert abs(shift_px[0] - shift_px[1]) < 0.5
    assert mtre_mm(true, with_cameras.ct_to_world) < min(2.5, mtre_mm(true, rigid.ct_to_world))
    assert sum("geometry of X-ray" in warning for warning in with_cameras.warnings) == 2
