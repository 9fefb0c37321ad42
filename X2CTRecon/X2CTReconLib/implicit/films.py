"""The films as the optimisation reads them: reduced, in the CT's frame, on the scale of line integrals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from XRayLib.case import View
from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry
from XRayLib.projector import Projector

SMALLEST_USABLE = 0.05
CUT_MM = 1e-3

Image = NDArray[np.float32]


@dataclass(frozen=True)
class MeasuredFilm:
    """One film; images (rows, columns)."""

    geometry: XRayGeometry
    """In the CT's RAS."""
    line_integral: Image
    prior: Image
    """What the unchanged CT projects to."""
    weight: Image
    """0..1: the share of the pixel that is patient or open beam and seen through the CT alone."""


def measured_films(
    views: Sequence[View], ct_to_world: NDArray[np.float64], cut_body: Volume, longest_px: int, device: str
) -> list[MeasuredFilm]:
    """The films of ``views``, which hold the unchanged CT's projections.

    A film of unknown gain and offset is brought to the scale of the CT's projection, so that a change of intensity
    everywhere is lost; a calibrated film is taken as it is.

    Raises
    ------
    InputError
        When a film does not show the CT where it lies.
    """
    cut = Projector(cut_body, device=device)
    films = []
    for number, view in enumerate(views, 1):
        geometry = _reduced(view.radiograph.geometry.moved(ct_to_world), longest_px)
        mask = view.radiograph.mask
        usable = np.ones(view.reprojection.shape, np.float32) if mask is None else mask.astype(np.float32)
        share = _averaged(usable, geometry)
        weight = np.where(cut.project([geometry])[0] > CUT_MM, 0, share).astype(np.float32)
        prior = _averaged(view.reprojection * usable, geometry) / np.maximum(share, 1e-6)
        seen = weight * (prior > 0)
        gain, offset = (1.0, 0.0) if view.radiograph.calibrated else view.fitted_gain_offset
        if seen.mean() < SMALLEST_USABLE or gain <= 0:
            raise InputError(
                f"X-ray {number} does not show the earlier CT where it lies now: register the CT first, or check the "
                "geometry of the film."
            )
        measured = _averaged(view.radiograph.line_integral * usable, geometry) / np.maximum(share, 1e-6)
        films.append(MeasuredFilm(geometry, ((measured - offset) / gain).astype(np.float32), prior, weight))
    return films


def _reduced(geometry: XRayGeometry, longest_px: int) -> XRayGeometry:
    factor = min(1.0, longest_px / max(geometry.size_px))
    columns, rows = (max(1, round(factor * size)) for size in geometry.size_px)
    return geometry.resampled((columns, rows))


def _averaged(image: Image, geometry: XRayGeometry) -> Image:
    """Means over the geometry's larger pixels."""
    import cv2

    if image.shape[::-1] == geometry.size_px:
        return image
    return cv2.resize(image, geometry.size_px, interpolation=cv2.INTER_AREA)
