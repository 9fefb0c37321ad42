"""Errors split by what a view can see: across its rays, and along them, where one view sees nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from XRayLib.geometry import XRayGeometry


def along_and_across(
    errors_mm: NDArray[np.float64], points_ras_mm: NDArray[np.float64], geometry: XRayGeometry
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Parts (N,) of the error vectors (N, 3) along and across the ray from the source to each point (N, 3), in mm.

    The part along is signed, positive away from the source.
    """
    rays = points_ras_mm - geometry.source_ras_mm
    rays = rays / np.linalg.norm(rays, axis=1, keepdims=True)
    along = np.sum(errors_mm * rays, axis=1)
    across = np.linalg.norm(errors_mm - along[:, None] * rays, axis=1)
    return along, across


def named_ray_errors(
    errors_mm: NDArray[np.float64], points_ras_mm: NDArray[np.float64], geometry: XRayGeometry
) -> dict[str, float]:
    """Root mean squares ``along_ray_rmse_mm`` and ``across_ray_rmse_mm``, and the mean ``along_ray_bias_mm``."""
    along, across = along_and_across(errors_mm, points_ras_mm, geometry)
    return {
        "along_ray_rmse_mm": float(np.sqrt(np.mean(along**2))),
        "across_ray_rmse_mm": float(np.sqrt(np.mean(across**2))),
        "along_ray_bias_mm": float(along.mean()),
    }
