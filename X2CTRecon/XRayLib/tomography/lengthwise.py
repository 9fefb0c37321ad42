"""Rays that cross a patient from side to side, told from those that leave the volume where the body goes on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from XRayLib.ct import Volume
from XRayLib.geometry import XRayGeometry, isocenter_depth_mm
from XRayLib.radiograph import Radiograph
from XRayLib.tomography.films import Films, films_at

LONGER_BODY = 0.5
"""The body goes on along S beyond the volume by this share of its length; rays that leave the volume there are not
held against it."""


def crossing_lengthwise(volume: Volume, films: Films, device: str = "auto") -> NDArray[np.float32]:
    """(views, rows, columns): 1 for rays that enter and leave the volume through its sides, less for those that leave
    it through its ends along S, 0 for those that miss it."""
    from XRayLib.projector import project

    ones = np.ones((3, 3, 3), np.float32)
    extent, middle = np.ptp(volume.corners_ras_mm, axis=0), volume.center_ras_mm
    lengths = [
        project(
            Volume.axis_aligned(ones, tuple(e / 2), tuple(middle), "mu_per_mm"), list(films.geometries), device=device
        )
        for e in (extent, extent * (1, 1, 1 + 2 * LONGER_BODY))
    ]
    share = lengths[0] / np.maximum(lengths[1], 1e-3)
    return np.clip((share - 0.8) / 0.2, 0, 1).astype(np.float32)


EVEN_BELOW, THIN_BELOW = 0.25, 0.5
"""Shares of a film's contrast: where it varies less than the first from side to side, and is less than the second above
the open beam, it shows nobody. Heel effect, scatter and tone curves alone reach a tenth."""

HALF_BODY_MM = 150.0

JUDGED_PITCH_MM = 9.0
"""Of the pixels on which films are seen to end: pixel noise does not look like a body."""


def shown_lengthwise(films: Films) -> NDArray[np.float32]:
    """(views, rows, columns): 1 for rays through the length of the patient that all films show, 0 beyond.

    No body ends in air at the neck and the belly. Where films are empty all across, above or below the patient, they
    come from a CT that ends there (or the patient is masked): that says nothing of the anatomy beyond.
    """
    ends_mm = _ends_mm(films)
    return np.stack([_within(geometry, *ends_mm) for geometry in films.geometries]).astype(np.float32)


def shown_rays(radiographs: Sequence[Radiograph]) -> tuple[NDArray[np.bool_], ...]:
    """(rows, columns) of every radiograph's own pixels: the rays that ``shown_lengthwise`` counts."""
    ends_mm = _ends_mm(films_at(radiographs, JUDGED_PITCH_MM))
    return tuple(_within(radiograph.geometry, *ends_mm) for radiograph in radiographs)


def _ends_mm(films: Films) -> tuple[float, float]:
    """S between which all films show the patient."""
    heights = [_heights_mm(geometry)[0] for geometry in films.geometries]
    ends = [_shown_mm(*of_film) for of_film in zip(films.images, films.weights, heights, strict=True)]
    return max(low for low, _ in ends), min(high for _, high in ends)


def _within(geometry: XRayGeometry, lowest_mm: float, highest_mm: float) -> NDArray[np.bool_]:
    """(rows, columns): rays that stay between two heights as far as the body reaches."""
    heights, slopes = _heights_mm(geometry)
    leeway = HALF_BODY_MM * slopes
    return (heights - leeway >= lowest_mm) & (heights + leeway <= highest_mm)


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
    if not seen.any():
        return -np.inf, np.inf
    values, heights = image[seen], heights_mm[seen]
    open_beam, dense = np.percentile(values, (1, 99))
    bottom, top = heights.min(), heights.max()
    slice_mm = max((top - bottom) / max(image.shape), 1e-6)
    numbers, slices = np.unique(((heights - bottom) / slice_mm).astype(int), return_inverse=True)
    low, middle, high = np.transpose([np.percentile(values[slices == n], (2, 50, 98)) for n in range(len(numbers))])
    even = high - low < EVEN_BELOW * (dense - open_beam)
    thin = middle - open_beam < THIN_BELOW * (dense - open_beam)
    somebody = ~(even & thin)[slices]
    if not somebody.any():
        return -np.inf, np.inf
    lowest, highest = heights[somebody].min(), heights[somebody].max()
    return (
        float(lowest) if lowest > bottom + slice_mm else -np.inf,
        float(highest) if highest < top - slice_mm else np.inf,
    )
