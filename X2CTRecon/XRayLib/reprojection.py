"""What a reconstructed volume projects to in each view, fitted to the film it came from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from XRayLib.case import View
from XRayLib.ct import Volume, attenuation_from_hu
from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry
from XRayLib.projector import Projector
from XRayLib.radiograph import Radiograph

RAYS_PER_VOXEL = 2.0
"""Rays across a voxel's shadow at the source's side of the volume: a finer film shows no more of the volume."""


def reproject(
    volume_hu: Volume,
    radiographs: Sequence[Radiograph],
    device: str = "auto",
    counted: Sequence[NDArray[np.bool_]] | None = None,
) -> tuple[View, ...]:
    """Line integrals of the volume in every radiograph's geometry, with the gain and offset that fit them to the film.

    Parameters
    ----------
    volume_hu : Volume
        Hounsfield units, in the RAS frame of the radiographs' geometries.
    radiographs : sequence of Radiograph
        Sizes may differ.
    device : "auto", "cpu" or "cuda"
    counted : sequence of (rows, columns) bool, one per radiograph
        Pixels by which the volume is judged, as of :func:`XRayLib.tomography.shown_rays`; None: all under the mask.

    Returns
    -------
    tuple of View
        In the order of the radiographs; gain and offset by least squares under the mask, the residual relative to the
        film's deviation from its mean (1 when the volume explains nothing, NaN for a film without contrast).

    Raises
    ------
    InputError
        When the volume is not in HU or a voxel on the rays is not a number.
    """
    if volume_hu.quantity != "HU":
        raise InputError(f"Re-projection needs a volume in HU, this one is in {volume_hu.quantity}.")
    volume_mu = Volume(attenuation_from_hu(volume_hu.voxels), volume_hu.ijk_to_ras, "mu_per_mm")
    projector = Projector(volume_mu, device=device)
    chosen = [None] * len(radiographs) if counted is None else counted
    return tuple(_view(projector, volume_mu, r, pixels) for r, pixels in zip(radiographs, chosen, strict=True))


def _view(projector: Projector, volume: Volume, radiograph: Radiograph, counted: NDArray[np.bool_] | None) -> View:
    film = radiograph.geometry
    coarse = film.resampled(_sufficient_size(film, volume))
    image = projector.project([coarse])[0]
    if coarse.size_px != film.size_px:
        import cv2

        image = cv2.resize(image, film.size_px, interpolation=cv2.INTER_LINEAR)
    masks = [mask for mask in (radiograph.mask, counted) if mask is not None]
    judged = np.logical_and.reduce(masks) if masks else None
    gain, offset, residual = fit_gain_offset(image, radiograph.line_integral, judged)
    return View(radiograph, image, (gain, offset), residual)


def _sufficient_size(geometry: XRayGeometry, volume: Volume) -> tuple[int, int]:
    """Columns and rows beyond which more rays would show no more of the volume; at most the film's own."""
    farthest_mm = float(geometry.depth_mm(volume.corners_ras_mm).max())
    magnification = max(1.0, geometry.source_to_detector_mm / max(farthest_mm, 1.0))
    pitch_mm = min(volume.spacing_mm) * magnification / RAYS_PER_VOXEL
    columns, rows = geometry.size_px
    row_spacing, column_spacing = geometry.pixel_spacing_mm
    return (
        min(columns, max(1, round(np.ceil(columns * column_spacing / pitch_mm)))),
        min(rows, max(1, round(np.ceil(rows * row_spacing / pitch_mm)))),
    )


def fit_gain_offset(
    reprojection: NDArray[np.float32], film: NDArray[np.float32], mask: NDArray[np.bool_] | None = None
) -> tuple[float, float, float]:
    """Gain, offset and residual of film ~ gain * reprojection + offset, by least squares under the mask.

    The residual is the L2 norm of what remains over that of the film's deviation from its mean. A reprojection without
    contrast fits with gain 0; with nothing under the mask the answer is (1, 0, NaN).
    """
    chosen = slice(None) if mask is None else mask
    x, y = reprojection[chosen].astype(np.float64).ravel(), film[chosen].astype(np.float64).ravel()
    if x.size == 0:
        return 1.0, 0.0, float("nan")
    x_deviation, y_deviation = x - x.mean(), y - y.mean()
    x_power = x_deviation @ x_deviation
    gain = float(x_deviation @ y_deviation / x_power) if x_power > 1e-12 * x.size else 0.0
    offset = float(y.mean() - gain * x.mean())
    contrast = np.linalg.norm(y_deviation)
    if contrast <= 1e-9 * np.sqrt(y.size):
        return gain, offset, float("nan")
    return gain, offset, float(np.linalg.norm(y_deviation - gain * x_deviation) / contrast)
