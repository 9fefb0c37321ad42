"""Films of one case on one pixel count, as coarse as the voxels they are reconstructed on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry, isocenter_depth_mm
from XRayLib.radiograph import Radiograph

Images = NDArray[np.float32]

FILM_DEVIATION = 0.02
"""Line integrals are trusted to this: noise, and what coarse voxels cannot represent."""

SMALLEST_CONTRAST = 1e-4
"""Standard deviation of a film's values, relative to their largest magnitude, below which it shows nothing."""


@dataclass(frozen=True, eq=False)
class Films:
    """Line integrals of several views, averaged over coarse pixels of one count (columns, rows)."""

    geometries: tuple[XRayGeometry, ...]
    images: Images
    """(views, rows, columns)"""
    weights: Images
    """(views, rows, columns): share of the pixel that shows patient or open beam, 0..1."""
    calibrated: tuple[bool, ...]

    def in_line_integrals(self, gains: ArrayLike, offsets: ArrayLike) -> Films:
        """The films as (film - offset) / gain, one gain and offset per view."""
        gains, offsets = (np.asarray(a, np.float32)[:, None, None] for a in (gains, offsets))
        return replace(self, images=((self.images - offsets) / gains).astype(np.float32))

    def noise(self) -> NDArray[np.float64]:
        """Standard deviation of every film's noise, (views,): the median absolute mixed second difference.

        The mask (1 -2 1) x (1 -2 1) answers to no smooth anatomy (Immerkaer, CVIU 64:300-302, 1996).
        """
        along = self.images[:, :, 2:] - 2 * self.images[:, :, 1:-1] + self.images[:, :, :-2]
        mixed = np.abs(along[:, 2:] - 2 * along[:, 1:-1] + along[:, :-2])
        return np.array([np.median(m[w]) if w.any() else 0.0 for m, w in self._inner(mixed)]) / (0.6745 * 6.0)

    def _inner(self, mixed: Images) -> list[tuple[Images, NDArray[np.bool_]]]:
        return [(m, w[1:-1, 1:-1] > 0.999) for m, w in zip(mixed, self.weights, strict=True)]


def films_at(radiographs: Sequence[Radiograph], pitch_mm: float) -> Films:
    """The radiographs averaged to pixels whose shadows are ``pitch_mm`` apart in the middle of the anatomy.

    Raises InputError for a film that is masked all over or has no contrast.
    """
    for number, radiograph in enumerate(radiographs, 1):
        seen = radiograph.line_integral if radiograph.mask is None else radiograph.line_integral[radiograph.mask]
        if seen.size == 0:
            raise InputError(f"Film {number} is masked all over: correct its mask or leave it out.")
        if seen.std() <= SMALLEST_CONTRAST * max(float(np.abs(seen).max()), 1e-9):
            raise InputError(f"Film {number} shows nothing but one grey value: choose another image.")
    sizes = [_size_at(radiograph.geometry, pitch_mm) for radiograph in radiographs]
    size_px = (max(size[0] for size in sizes), max(size[1] for size in sizes))
    averaged = [_averaged(radiograph, size_px) for radiograph in radiographs]
    return Films(
        geometries=tuple(radiograph.geometry.resampled(size_px) for radiograph in radiographs),
        images=np.stack([image for image, _ in averaged]),
        weights=np.stack([weight for _, weight in averaged]),
        calibrated=tuple(radiograph.calibrated for radiograph in radiographs),
    )


def _size_at(geometry: XRayGeometry, pitch_mm: float) -> tuple[int, int]:
    pitch_on_detector = pitch_mm * geometry.source_to_detector_mm / isocenter_depth_mm(geometry)[0]
    columns, rows = geometry.size_px
    row_spacing, column_spacing = geometry.pixel_spacing_mm
    return (
        min(columns, max(4, round(columns * column_spacing / pitch_on_detector))),
        min(rows, max(4, round(rows * row_spacing / pitch_on_detector))),
    )


def _averaged(radiograph: Radiograph, size_px: tuple[int, int]) -> tuple[Images, Images]:
    """Mean over the seen part of every coarse pixel, and the share seen."""
    import cv2

    image = radiograph.line_integral
    seen = np.ones(image.shape, np.float32) if radiograph.mask is None else radiograph.mask.astype(np.float32)
    columns, rows = radiograph.geometry.size_px
    shrinks = size_px[0] <= columns and size_px[1] <= rows
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    weighted, weight = (cv2.resize(a, size_px, interpolation=how) for a in (image * seen, seen))
    return np.where(weight > 0, weighted / np.maximum(weight, 1e-6), 0).astype(np.float32), weight.astype(np.float32)
