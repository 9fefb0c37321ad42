"""The pose in which the points that the networks saw project to where they were seen.

One view proposes by RANSAC on the perspective-n-point problem (Terzakis and Lourakis, SQPnP, ECCV 2020; OpenCV), all
views together decide: every proposal is refined on the points of all views, weighted by the networks' own standard
deviations with a robust loss, and the one that explains most of them is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from XRayLib.errors import RefusedError
from XRayLib.geometry import XRayGeometry
from XRayLib.projector.rigid import motion_from_twist

from XRayRegistrationLib.learned.camera_frame import rigid, world_to_camera
from XRayRegistrationLib.learned.scene_correspondences import Correspondences

Matrix = NDArray[np.float64]

FEWEST_POINTS = 12
RANSAC_ITERATIONS = 2000
RANSAC_ERROR_WINDOW = 0.03
"""Largest distance of an inlier, of the canonical view's width."""
INLIER_DEVIATIONS = 3.0
SMALLEST_SHARE = 0.25
"""Of the points that the pose must explain."""
DEPTHS_OF_MIDDLE = (0.2, 1.2)
"""Of the CT's middle, relative to the detector's."""
FARTHEST_MIDDLE = 0.75
"""From the middle of the window, of its width."""
SURE_QUANTILE = 0.7
"""RANSAC draws from this share of the points, the surest."""


@dataclass(frozen=True)
class ScenePose:
    """``ct_to_world`` and what speaks for it.

    ``inliers`` (N,) over the points of all views in turn; ``proposals`` are the refined poses of the other views.
    """

    ct_to_world: Matrix
    inliers: NDArray[np.bool_]
    proposals: tuple[Matrix, ...]


def scene_pose(views: Sequence[tuple[XRayGeometry, Correspondences]], middle_ras_mm: Matrix) -> ScenePose:
    """The CT's pose from the points seen in each view's canonical geometry (right-handed, in the world's RAS).

    Raises
    ------
    RefusedError
        When too few points are sure, no view yields a pose, or the best explains too few of the points.
    """
    views = [(geometry, points) for geometry, points in views if len(points) > 0]
    total = sum(len(points) for _, points in views)
    if total < FEWEST_POINTS:
        raise RefusedError(
            f"The network recognises only {total} points of this CT on the films: check that they show this patient, "
            "in a view that was prepared."
        )
    proposals = [pose for geometry, points in views if (pose := proposed_pose(geometry, points)) is not None]
    if not proposals:
        raise RefusedError(
            "No pose of the CT agrees with the points that the network recognises: check the films, or give a start."
        )
    refined = [refined_pose(pose, views, middle_ras_mm) for pose in proposals]
    residuals = [scaled_residuals(pose, views) for pose in refined]
    # Cost with the robust loss that they were refined with.
    best = int(np.argmin([np.log1p(r**2).sum() for r in residuals]))
    inliers = residuals[best] < INLIER_DEVIATIONS
    if inliers.sum() < max(FEWEST_POINTS, SMALLEST_SHARE * total):
        raise RefusedError(
            f"Only {inliers.sum()} of {total} points that the network recognises agree on a pose: check that the films "
            "show this patient, in a view that was prepared, or give a start."
        )
    if not _is_on_film(refined[best], views, middle_ras_mm):
        raise RefusedError(
            "The points that the network recognises put the CT off the films: check that the films show this patient, "
            "in a view that was prepared, or give a start."
        )
    others = [pose for n, pose in enumerate(refined) if n != best]
    return ScenePose(refined[best], inliers, tuple(others))


def proposed_pose(geometry: XRayGeometry, points: Correspondences) -> Matrix | None:
    """``ct_to_world`` by RANSAC from one view's surest points; None when there is none in front of the source."""
    import cv2

    sure = points.chosen(points.deviation_mm <= np.quantile(points.deviation_mm, SURE_QUANTILE))
    if len(sure) < FEWEST_POINTS:
        sure = points
    if len(sure) < FEWEST_POINTS:
        return None
    camera, to_camera = world_to_camera(geometry)
    try:
        found, rotation, translation, _ = cv2.solvePnPRansac(
            sure.points_ct_ras_mm,
            sure.pixels,
            camera,
            None,
            iterationsCount=RANSAC_ITERATIONS,
            reprojectionError=RANSAC_ERROR_WINDOW * geometry.size_px[0],
            confidence=0.9999,
            flags=cv2.SOLVEPNP_SQPNP,
        )
    except cv2.error:  # degenerate points, e.g. all on a line
        return None
    if not found or not (np.isfinite(rotation).all() and np.isfinite(translation).all()):
        return None
    pose = rigid(cv2.Rodrigues(rotation)[0], translation)
    depth = sure.points_ct_ras_mm @ pose[2, :3] + pose[2, 3]
    return np.linalg.inv(to_camera) @ pose if np.median(depth) > 0 else None


def _is_on_film(pose: Matrix, views: Sequence[tuple[XRayGeometry, Correspondences]], middle_ras_mm: Matrix) -> bool:
    """Whether the CT's middle lies between source and somewhat behind the detector, near each view's window."""
    middle = (pose[:3, :3] @ middle_ras_mm + pose[:3, 3])[None]
    for geometry, _ in views:
        depth = float(geometry.depth_mm(middle)[0]) / geometry.source_to_detector_mm
        offset = np.abs(geometry.project(middle)[0] / (np.array(geometry.size_px) - 1) - 0.5)
        if not (DEPTHS_OF_MIDDLE[0] < depth < DEPTHS_OF_MIDDLE[1] and offset.max() < FARTHEST_MIDDLE):
            return False
    return True


def refined_pose(start: Matrix, views: Sequence[tuple[XRayGeometry, Correspondences]], middle_ras_mm: Matrix) -> Matrix:
    """Least squares over all views' points, each weighted by its deviation, with Cauchy's loss against outliers."""
    from scipy.optimize import least_squares

    pivot = start[:3, :3] @ middle_ras_mm + start[:3, 3]
    scale = np.array([0.1, 0.1, 0.1, 10.0, 10.0, 10.0])

    def moved(step: Matrix) -> Matrix:
        return motion_from_twist(step * scale, pivot) @ start

    def residuals(step: Matrix) -> Matrix:
        return np.concatenate([_offsets(moved(step), *view).ravel() for view in views])

    found = least_squares(residuals, np.zeros(6), loss="cauchy", f_scale=1.0, max_nfev=60)
    return moved(found.x)


def scaled_residuals(pose: Matrix, views: Sequence[tuple[XRayGeometry, Correspondences]]) -> Matrix:
    """Distance of every point from its ray in its standard deviations, (N,) over all views in turn."""
    return np.concatenate([np.linalg.norm(_offsets(pose, *view), axis=1) for view in views])


def _offsets(pose: Matrix, geometry: XRayGeometry, points: Correspondences) -> Matrix:
    """(N, 2): column and row offset of each point's projection from where it was seen, in its deviation there."""
    moved = points.points_ct_ras_mm @ pose[:3, :3].T + pose[:3, 3]
    depth = np.maximum(geometry.depth_mm(moved), 1.0)
    focal_px = geometry.source_to_detector_mm / geometry.pixel_spacing_mm[1]
    expected_px = focal_px * points.deviation_mm / depth
    return (geometry.project(moved) - points.pixels) / expected_px[:, None]
