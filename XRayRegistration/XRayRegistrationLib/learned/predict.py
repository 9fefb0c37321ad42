"""What the prepared networks say about a case: candidate poses, and the points that were recognised."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from XRayLib.case import PointCloud
from XRayLib.radiograph import Radiograph

from XRayRegistrationLib.learned.prepared_model import PosePreparedModel
from XRayRegistrationLib.learned.regressed_pose import combined_pose
from XRayRegistrationLib.learned.scene_correspondences import correspondences_of
from XRayRegistrationLib.learned.scene_pose import SceneView, scene_pose

Matrix = NDArray[np.float64]
Waiting = Callable[[], None] | None


@dataclass(frozen=True)
class Prediction:
    """Candidate ``ct_to_world``, the most likely first, and the recognised points where there are any."""

    starts: tuple[Matrix, ...]
    point_cloud: PointCloud | None = None


def predict_by_scene_coordinates(
    model: PosePreparedModel, radiographs: Sequence[Radiograph], waiting: Waiting = None
) -> Prediction:
    """Scene coordinates of every film, one pose from all; RefusedError when they agree on none."""
    views = []
    for radiograph in radiographs:
        view = model.view(radiograph)
        scene = model.scene(view, waiting)
        points = correspondences_of(scene, model.middle_ras_mm, model.side_px)
        views.append(SceneView(view.geometry, points, view.middle_depth_mm))
    found = scene_pose(views, model.middle_ras_mm)
    points = np.concatenate([view.points.points_ct_ras_mm for view in views])[found.inliers]
    deviation = np.concatenate([view.points.deviation_mm for view in views])[found.inliers]
    return Prediction((found.ct_to_world, *found.proposals), PointCloud(points, deviation))


def predict_by_pose_regression(
    model: PosePreparedModel, radiographs: Sequence[Radiograph], nominal_ct_to_world: Matrix, waiting: Waiting = None
) -> Prediction:
    """Each film's pose, and the one that all agree on best."""
    views = [model.view(radiograph) for radiograph in radiographs]
    poses = [model.pose(view, nominal_ct_to_world, waiting) for view in views]
    geometries = [view.geometry for view in views]
    if len(poses) == 1:
        return Prediction((poses[0],))
    combined = combined_pose(list(zip(geometries, poses, strict=True)), model.corners_ras_mm)
    return Prediction((combined, *poses))
