"""One pose from what a network says of each view.

A single view knows the place across its beam to millimetres and the depth to centimetres; the views are combined
accordingly: where the corners of the patient's box project in each view, and, weakly, how deep they lie.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from XRayLib.geometry import XRayGeometry
from XRayLib.projector.rigid import motion_from_twist

Matrix = NDArray[np.float64]

ACROSS_MM, ALONG_MM = 5.0, 30.0
"""Typical errors of a regressed pose across and along the beam."""


def combined_pose(predicted: Sequence[tuple[XRayGeometry, Matrix]], corners_ct_ras_mm: Matrix) -> Matrix:
    """``ct_to_world`` that agrees best with each view's own (4x4) for the box's corners (8, 3), robustly.

    Each view's prediction is a start of the fit; the one with the lowest cost is returned, so that one view that is far
    off cannot spoil the pose that most agree on.
    """
    from scipy.optimize import least_squares

    if len(predicted) == 1:
        return predicted[0][1]
    axes = [np.stack([g.column_direction, g.row_direction, g.detector_normal]) for g, _ in predicted]
    targets = [_moved(pose, corners_ct_ras_mm) for _, pose in predicted]
    scale = np.array([0.1, 0.1, 0.1, 10.0, 10.0, 10.0])
    weights = 1 / np.array([ACROSS_MM, ACROSS_MM, ALONG_MM])

    def fitted(start: Matrix) -> tuple[float, Matrix]:
        pivot = _moved(start, corners_ct_ras_mm).mean(axis=0)

        def residuals(step: Matrix) -> Matrix:
            here = _moved(motion_from_twist(step * scale, pivot) @ start, corners_ct_ras_mm)
            return np.concatenate([((here - t) @ a.T * weights).ravel() for t, a in zip(targets, axes, strict=True)])

        found = least_squares(residuals, np.zeros(6), loss="soft_l1", max_nfev=40)
        return float(found.cost), motion_from_twist(found.x * scale, pivot) @ start

    return min((fitted(pose) for _, pose in predicted), key=lambda entry: entry[0])[1]


def _moved(pose: Matrix, points: Matrix) -> Matrix:
    return points @ pose[:3, :3].T + pose[:3, 3]
