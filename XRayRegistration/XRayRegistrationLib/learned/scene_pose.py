"""The pose in which the points that the networks saw project to where they were seen.

One view proposes, by RANSAC and by least squares on the perspective-n-point problem (Terzakis and Lourakis, SQPnP,
ECCV 2020; OpenCV), all views together decide: every proposal is refined on the points of all views, weighted by the
networks' own standard deviations with a robust loss, and the one that explains most of them is kept. What a film says
of the patient's depth counts weakly: it settles what few or vague points leave open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from XRayLib.canonical_view.camera_frame import rigid, world_to_camera
from XRayLib.errors import RefusedError
from XRayLib.geometry import XRayGeometry
from XRayLib.projector.rigid import motion_from_twist

from XRayRegistrationLib.learned.scene_correspondences import Correspondences

Matrix = NDArray[np.float64]

FEWEST_POINTS = 12
RANSAC_ITERATIONS = 500
RANSAC_ERROR_WINDOW = 0.03
"""Largest distance of an inlier, of the canonical view's width."""
INLIER_DEVIATIONS = 3.0
SMALLEST_SHARE = 0.25
"""Of the points that the pose must explain."""
INDEPENDENT_POINTS = 20.0
"""Neighbours share their errors: however many points a view has, they count as this many."""
DEPTH_DEVIATION_MM = 60.0
"""Of the depth that a film assumes."""
DEPTHS_OF_MIDDLE = (0.2, 1.2)
"""Of the CT's middle, relative to the detector's."""
FARTHEST_MIDDLE = 0.75
"""From the middle of the window, of its width."""
SURE_QUANTILE = 0.7
"""Proposals are made from this share of the points, the surest."""


@dataclass(frozen=True)
class SceneView:
    """One view's canonical geometry (right-handed, in the world's RAS), its points, and the depth that it assumes."""

    geometry: XRayGeometry
    points: Correspondences
    middle_depth_mm: float


@dataclass(frozen=True)
class ScenePose:
    """``ct_to_world`` and what speaks for it.

    ``inliers`` (N,) over the points of all views in turn; ``proposals`` are the other refined poses, best first.
    """

    ct_to_world: Matrix
    inliers: NDArray[np.bool_]
    proposals: tuple[Matrix, ...]


def scene_pose(views: Sequence[SceneView], middle_ras_mm: Matrix) -> ScenePose:
    """The CT's pose from the points seen in each view.

    Raises
    ------
    RefusedError
        When too few points are sure, no view yields a pose, the best explains too few of the points, or it puts the CT
        off the films.
    """
    total = sum(len(view.points) for view in views)
    if total < FEWEST_POINTS:
        raise RefusedError(
            f"The network recognises only {total} points of this CT on the films: check that they show this patient, "
            "in a view that was prepared."
        )
    proposals = [pose for view in views for pose in proposed_poses(view)]
    if not proposals:
        raise RefusedError(
            "No pose of the CT agrees with the points that the network recognises: check the films, or give a start."
        )
    refined = [refined_pose(pose, views, middle_ras_mm) for pose in proposals]
    refined.sort(key=lambda pose: float((_residuals(pose, views, middle_ras_mm) ** 2).sum()))
    best = refined[0]
    inliers = np.concatenate([np.linalg.norm(_offsets(best, view), axis=1) for view in views]) < INLIER_DEVIATIONS
    if inliers.sum() < max(FEWEST_POINTS, SMALLEST_SHARE * total):
        raise RefusedError(
            f"Only {inliers.sum()} of {total} points that the network recognises agree on a pose: check that the films "
            "show this patient, in a view that was prepared, or give a start."
        )
    if not _is_on_films(best, views, middle_ras_mm):
        raise RefusedError(
            "The points that the network recognises put the CT off the films: check that the films show this patient, "
            "in a view that was prepared, or give a start."
        )
    return ScenePose(best, inliers, tuple(refined[1:]))


def proposed_poses(view: SceneView) -> list[Matrix]:
    """``ct_to_world`` from one view's surest points, by RANSAC and from all of them; only those before the source."""
    import cv2

    points = view.points
    if len(points) < FEWEST_POINTS:
        return []
    sure = points.chosen(points.deviation_mm <= np.quantile(points.deviation_mm, SURE_QUANTILE))
    sure = sure if len(sure) >= FEWEST_POINTS else points
    camera, to_camera = world_to_camera(view.geometry)
    given = (sure.points_ct_ras_mm, sure.pixels, camera, None)

    def by_ransac() -> tuple:
        return cv2.solvePnPRansac(
            *given,
            iterationsCount=RANSAC_ITERATIONS,
            reprojectionError=RANSAC_ERROR_WINDOW * view.geometry.size_px[0],
            confidence=0.999,
            flags=cv2.SOLVEPNP_SQPNP,
        )

    found = []
    for solve in (by_ransac, lambda: cv2.solvePnP(*given, flags=cv2.SOLVEPNP_SQPNP)):
        try:
            solved, rotation, translation = solve()[:3]
        except cv2.error:  # degenerate points, e.g. all on a line
            continue
        if not solved or not (np.isfinite(rotation).all() and np.isfinite(translation).all()):
            continue
        pose = rigid(cv2.Rodrigues(rotation)[0], translation)
        if np.median(sure.points_ct_ras_mm @ pose[2, :3] + pose[2, 3]) > 0:
            found.append(np.linalg.inv(to_camera) @ pose)
    return found


def refined_pose(start: Matrix, views: Sequence[SceneView], middle_ras_mm: Matrix) -> Matrix:
    """Least squares over all views' points, each weighted by its deviation, with Cauchy's loss against outliers."""
    from scipy.optimize import least_squares

    pivot = start[:3, :3] @ middle_ras_mm + start[:3, 3]
    scale = np.array([0.1, 0.1, 0.1, 10.0, 10.0, 10.0])

    def moved(step: Matrix) -> Matrix:
        return motion_from_twist(step * scale, pivot) @ start

    return moved(least_squares(lambda step: _residuals(moved(step), views, middle_ras_mm), np.zeros(6), max_nfev=60).x)


def _residuals(pose: Matrix, views: Sequence[SceneView], middle_ras_mm: Matrix) -> Matrix:
    """Everything that should be zero, in standard deviations; Cauchy's loss log(1 + r^2) is the sum of squares."""
    middle = (pose[:3, :3] @ middle_ras_mm + pose[:3, 3])[None]
    found = []
    for view in views:
        offsets = _offsets(pose, view)
        length = np.maximum(np.linalg.norm(offsets, axis=1, keepdims=True), 1e-9)
        robust = offsets * np.sqrt(np.log1p(length**2)) / length
        found.append(robust.ravel() * np.sqrt(min(1.0, INDEPENDENT_POINTS / max(len(view.points), 1))))
        found.append((view.geometry.depth_mm(middle) - view.middle_depth_mm) / DEPTH_DEVIATION_MM)
    return np.concatenate(found)


def _offsets(pose: Matrix, view: SceneView) -> Matrix:
    """(N, 2): column and row offset of each point's projection from where it was seen, in its deviation there."""
    moved = view.points.points_ct_ras_mm @ pose[:3, :3].T + pose[:3, 3]
    depth = np.maximum(view.geometry.depth_mm(moved), 1.0)
    focal_px = view.geometry.source_to_detector_mm / view.geometry.pixel_spacing_mm[1]
    expected_px = focal_px * view.points.deviation_mm / depth
    return (view.geometry.project(moved) - view.points.pixels) / expected_px[:, None]


def _is_on_films(pose: Matrix, views: Sequence[SceneView], middle_ras_mm: Matrix) -> bool:
    """Whether the CT's middle lies between source and somewhat behind the detector, near each view's window."""
    middle = (pose[:3, :3] @ middle_ras_mm + pose[:3, 3])[None]
    for view in views:
        depth = float(view.geometry.depth_mm(middle)[0]) / view.geometry.source_to_detector_mm
        offset = np.abs(view.geometry.project(middle)[0] / (np.array(view.geometry.size_px) - 1) - 0.5)
        if not (DEPTHS_OF_MIDDLE[0] < depth < DEPTHS_OF_MIDDLE[1] and offset.max() < FARTHEST_MIDDLE):
            return False
    return True
