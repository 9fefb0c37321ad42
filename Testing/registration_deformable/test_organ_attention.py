"""Pixels count by how near they are to where the organ is projected."""

from __future__ import annotations

import numpy as np
import pytest
from XRayLib.case import SurfaceMesh
from XRayLib.geometry import XRayGeometry
from XRayRegistrationLib.deformable.organ_attention import ELSEWHERE, attentive
from XRayRegistrationLib.rigid.film_pyramid import Film

VIEW = XRayGeometry.from_c_arm(
    primary_angle_deg=0.0,
    secondary_angle_deg=0.0,
    source_to_detector_mm=1000.0,
    source_to_isocenter_mm=700.0,
    size_px=(80, 60),
    pixel_spacing_mm=(6.0, 6.0),
    isocenter_ras_mm=np.zeros(3),
    frame="test",
)
POINTS = np.random.default_rng(0).uniform(-30, 30, (500, 3))
ORGAN = SurfaceMesh(POINTS, np.array([[0, 1, 2]]))


def a_film(signal: float = 0.8) -> Film:
    shape = (60, 80)
    return Film(np.zeros(shape, np.float32), np.ones(shape, bool), np.full(shape, signal, np.float32), VIEW)


def test_the_organ_counts_fully_and_the_far_side_of_the_film_little() -> None:
    weight = attentive(a_film(), ORGAN, np.eye(4)).signal / 0.8
    column, row = np.rint(VIEW.project(np.zeros((1, 3)))[0]).astype(int)
    assert weight[row, column] > 0.98
    assert weight[0, 0] == pytest.approx(ELSEWHERE, abs=0.02)
    assert (np.diff(weight[row, column:]) <= 5e-3).all()  # the organ is a cloud of points


def test_the_weight_goes_with_the_pose() -> None:
    pose = np.eye(4)
    pose[2, 3] = 60.0
    weight = attentive(a_film(), ORGAN, pose).signal
    rows = np.indices(weight.shape)[0]
    here, there = (float((w * rows).sum() / w.sum()) for w in (attentive(a_film(), ORGAN, np.eye(4)).signal, weight))
    assert there < here - 2  # up on the film


def test_what_counts_nothing_stays_so() -> None:
    assert not attentive(a_film(0.0), ORGAN, np.eye(4)).signal.any()
