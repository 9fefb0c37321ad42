"""Rays that cross a patient from side to side, told from those that leave the volume where the body goes on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from XRayLib.ct import Volume
from XRayLib.geometry import XRayGeometry, isocenter_depth_mm
from XRayLib.tomography.films import Films

LONGER_BODY = 0.5
"""The body goes on along S beyond the volume by this share of its length; rays that leave the volume there are not
held against it."""


def crossing_lengthwise(volume: Volume, films: Films, device: str = "auto") -> NDArray[np.float32]:
    """(views, rows, columns): 1 for rays that enter and leave the volume through its sides, less for those that leave
    it through its ends along S, 0 for those that miss it."""
    from XRayLib.projector import project

    ones = np.ones((3, 3, 3), np.float32)
    corners = np.array([[i, j, k, 1.0] for i in (0, 1) for j in (0, 1) for k in (0, 1)])
    corners[:, :3] *= np.array(volume.voxels.shape[::-1]) - 1
    ras = (corners @ volume.ijk_to_ras.T)[:, :3]
    extent, middle = ras.max(axis=0) - ras.min(axis=0), volume.center_ras_mm
    lengths = [
        project(
            Volume.axis_aligned(ones, tuple(e / 2), tuple(middle), "mu_per_mm"), list(films.geometries), device=device
        )
        for e in (extent, extent * (1, 1, 1 + 2 * LONGER_BODY))
    ]
    share = lengths[0] / np.maximum(lengths[1], 1e-3)
    return np.clip((share - 0.8) / 0.2, 0, 1).astype(np.float32)


EMPTY_BELOW = 0.05
"""Share of a film's contrast above the open beam under which it shows nobody."""

HALF_BODY_MM = 150.0


def shown_lengthwise(films: Films) -> NDArray[np.float32]:
    """(views, rows, columns): 1 for rays through the length of the patient that all films show, 0 beyond.

    No body ends in air at the neck and the belly. Where films are empty all across, above or below the patient, they
    come from a CT that ends there (or the patient is masked): that says nothing of the anatomy beyond.
    """
    heights, slopes = zip(*(_heights_mm(geometry) for geometry in films.geometries), strict=True)
    ends = [_shown_mm(*of_film) for of_film in zip(films.images, films.weights, heights, strict=True)]
    lowest, highest = max(low for low, _ in ends), min(high for _, high in ends)
    inside = [
        (z - HALF_BODY_MM * slope >= lowest) & (z + HALF_BODY_MM * slope <= highest)
        for z, slope in zip(heights, slopes, strict=True)
    ]
    return np.stack(inside).astype(np.float32)


def _heights_mm(geometry: XRayGeometry) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """S (rows, columns) at which every pixel's ray passes the isocentre's depth, and its rise per mm across."""
    columns, rows = geometry.size_px
    row, column = np.mgrid[:rows, :columns]
    pixels = np.stack([column, row, np.zeros_like(row), np.ones_like(row)], -1)
    rays = (pixels @ geometry.pixel_to_ras.T)[..., :3] - geometry.source_ras_mm
    share = isocenter_depth_mm(geometry)[0] / geometry.source_to_detector_mm
    across = np.linalg.norm(rays[..., :2], axis=-1)
    return geometry.source_ras_mm[2] + share * rays[..., 2], np.abs(rays[..., 2]) / np.maximum(across, 1e-6)


def _shown_mm(
    image: NDArray[np.float32], weight: NDArray[np.float32], heights_mm: NDArray[np.float64]
) -> tuple[float, float]:
    """S of the lowest and the highest ray that meets somebody; infinite where the patient reaches the film's edge."""
    seen = weight > 0.5
    open_beam, dense = np.percentile(image[seen], (1, 99)) if seen.any() else (0.0, 0.0)
    somebody = seen & (image > open_beam + EMPTY_BELOW * (dense - open_beam))
    if not somebody.any():
        return -np.inf, np.inf
    met, looked_at = heights_mm[somebody], heights_mm[seen]
    margin = (looked_at.max() - looked_at.min()) / max(image.shape)
    low = met.min() if met.min() > looked_at.min() + margin else -np.inf
    high = met.max() if met.max() < looked_at.max() - margin else np.inf
    return float(low), float(high)
