"""What a pose's covariance says in directions a surgeon knows: right, front, head, and the depth of each X-ray."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from XRayLib.geometry import XRayGeometry

WEAK_MM = 2.0
"""A standard deviation above this is told to the user as uncertain."""


@dataclass(frozen=True)
class DirectionErrors:
    """Standard deviations of a pose: shifts along R, A, S (mm), rotations about them (degrees), depths (mm)."""

    shift_mm: NDArray[np.float64]
    rotation_deg: NDArray[np.float64]
    depth_mm: NDArray[np.float64]
    across_mm: NDArray[np.float64]
    """Per view: the larger of the two deviations parallel to the detector."""


def direction_errors(
    covariance_mm_rad: ArrayLike, middle_world_mm: ArrayLike, geometries: Sequence[XRayGeometry]
) -> DirectionErrors:
    """From the (6, 6) covariance of XRayLib.case.PoseQuality; ``middle_world_mm`` is the CT's middle where it is now.

    The depth of a view is along its ray through the middle.
    """
    covariance = np.asarray(covariance_mm_rad, float)
    shift, rotation = covariance[:3, :3], covariance[3:, 3:]
    depths, across = [], []
    for geometry in geometries:
        ray = np.asarray(middle_world_mm, float) - geometry.source_ras_mm
        ray /= np.linalg.norm(ray)
        depths.append(ray @ shift @ ray)
        off_ray = np.eye(3) - np.outer(ray, ray)
        across.append(np.linalg.eigvalsh(off_ray @ shift @ off_ray)[-1])
    return DirectionErrors(
        _root(np.diag(shift)), np.rad2deg(_root(np.diag(rotation))), _root(np.array(depths)), _root(np.array(across))
    )


def _root(variances: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sqrt(np.maximum(variances, 0.0))
