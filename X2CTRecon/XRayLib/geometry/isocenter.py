"""The point that several views look at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from XRayLib.errors import InputError
from XRayLib.geometry.film import assumed_source_to_patient_mm
from XRayLib.geometry.xray_geometry import XRayGeometry

SMALLEST_USEFUL_CURVATURE = 0.02
"""Two central rays less than about 11 degrees apart do not tell where along them they meet (2 sin^2 of half of it)."""


def isocenter_of(geometries: Sequence[XRayGeometry]) -> NDArray[np.float64]:
    """Point (3,), RAS mm, nearest to all central rays in least squares.

    The central ray is the one along the detector normal. Along directions that the rays leave open (one view, or
    parallel ones), the point lies at the mean of ``isocenter_depth_mm`` of the views.
    """
    if not geometries:
        raise InputError("At least one view is needed to locate the isocentre.")
    on_rays = np.array([g.source_ras_mm + isocenter_depth_mm(g)[0] * g.detector_normal for g in geometries])
    across_rays = np.array([np.eye(3) - np.outer(g.detector_normal, g.detector_normal) for g in geometries])
    start = on_rays.mean(axis=0)
    gradient = np.einsum("vij,vj->i", across_rays, on_rays - start)
    curvature, axes = np.linalg.eigh(across_rays.sum(axis=0))
    known = curvature > SMALLEST_USEFUL_CURVATURE
    return start + axes[:, known] @ (axes[:, known].T @ gradient / curvature[known])


def isocenter_depth_mm(geometry: XRayGeometry) -> tuple[float, str]:
    """Depth of the imaged anatomy's middle from the source, mm, and the assumption behind it ("" when it is known)."""
    if geometry.source_to_isocenter_mm is not None:
        return geometry.source_to_isocenter_mm, ""
    depth_mm = assumed_source_to_patient_mm(geometry.source_to_detector_mm)
    return depth_mm, f"patient's middle {depth_mm:.0f} mm from the source"
