"""Geometry in LPS (DICOM, ITK): the axes point left, posterior and superior; RAS has right, anterior, superior."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from XRayLib.geometry.camera import from_projection_matrix
from XRayLib.geometry.xray_geometry import XRayGeometry

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""Also RAS to LPS: its own inverse."""


def from_lps(
    lps_to_pixel: ArrayLike,
    size_px: tuple[int, int],
    *,
    pixel_spacing_mm: tuple[float, float] | None = None,
    source_to_detector_mm: float | None = None,
    frame: str = "",
) -> XRayGeometry:
    """Geometry from a 3x4 matrix of any positive scale that takes LPS mm to pixels; see from_projection_matrix."""
    return from_projection_matrix(
        lps_to_pixel,
        size_px,
        pixel_spacing_mm=pixel_spacing_mm,
        source_to_detector_mm=source_to_detector_mm,
        world_to_ras=LPS_TO_RAS,
        frame=frame,
    )


def to_lps(geometry: XRayGeometry) -> NDArray[np.float64]:
    """The 3x4 matrix that takes homogeneous LPS mm to (column * depth, row * depth, depth)."""
    return geometry.ras_to_pixel @ LPS_TO_RAS
