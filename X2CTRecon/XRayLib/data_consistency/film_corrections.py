"""Gain, offset and small pose corrections of every film, so that it fits the volume of the moment."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from XRayLib.ct import Volume
from XRayLib.geometry import XRayGeometry
from XRayLib.projector import Projector
from XRayLib.projector.rigid import motion_from_twist
from XRayLib.reprojection import fit_gain_offset
from XRayLib.tomography import Films

ROTATION_DEVIATION_RAD, TRANSLATION_DEVIATION_MM = 0.03, 8.0
"""How far an assumed geometry is expected to be off."""

PIXELS_PER_INDEPENDENT_ONE = 60.0
"""What a wrong volume leaves on a film is correlated over about so many coarse pixels."""

LARGEST_STEPS = 3.0
"""A correction stays within so many of the deviations above."""


def fitted_gain_offset(
    images: NDArray[np.float32], films: Films, trust: NDArray[np.float32], same_contrast: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[int, ...]]:
    """Gains and offsets (views,), 1 and 0 for calibrated films, and the numbers of films that do not fit at all.

    By least squares, or so that a film and its projection have the ``same_contrast``.
    """
    gains, offsets, strangers = np.ones(len(images)), np.zeros(len(images)), []
    for n, image in enumerate(images):
        if films.calibrated[n]:
            continue
        seen = trust[n] > 0.5
        gain, offset, _ = fit_gain_offset(image, films.images[n], seen)
        if gain <= 0:
            strangers.append(n)
            continue
        if same_contrast and seen.any():
            gain, offset = of_same_contrast(image[seen], films.images[n][seen])
        gains[n], offsets[n] = gain, offset
    return gains, offsets, tuple(strangers)


def of_same_contrast(projected: NDArray[np.float32], shown: NDArray[np.float32]) -> tuple[float, float]:
    """Gain and offset that give what is ``projected`` the mean and the deviation of what a film has ``shown``."""
    gain = float(shown.std() / projected.std())
    return gain, float(shown.mean() - gain * projected.mean())


def better_placed(
    attenuation: Volume, films: Films, trust: NDArray[np.float32], view: int, device: str
) -> tuple[XRayGeometry, float]:
    """The view moved by one damped Gauss-Newton step of the volume's pose, and by how many mm in the middle.

    ``films`` in line integrals. The move is kept only when the film fits better after it.
    """
    geometry, film = films.geometries[view], films.images[view]
    projector, weight = Projector(attenuation, device=device), trust[view]
    pivot = attenuation.center_ras_mm
    (image,), (jacobian,) = projector.pose_jacobian([geometry], pivot)
    misfit = film - image
    variance = max(float((weight * misfit**2).sum() / max(float(weight.sum()), 1.0)), 1e-8) * PIXELS_PER_INDEPENDENT_ONE
    deviation = np.array([ROTATION_DEVIATION_RAD] * 3 + [TRANSLATION_DEVIATION_MM] * 3)
    columns = jacobian.reshape(6, -1).astype(np.float64)
    weighted = columns * weight.ravel()
    normal = weighted @ columns.T / variance + np.diag(deviation**-2)
    twist = np.linalg.solve(normal, weighted @ misfit.ravel() / variance)
    twist = np.clip(twist, -LARGEST_STEPS * deviation, LARGEST_STEPS * deviation)
    moved = geometry.moved(motion_from_twist(twist, pivot))
    after = film - projector.project([moved])[0]
    if (weight * after**2).sum() >= (weight * misfit**2).sum():
        return geometry, 0.0
    return moved, float(np.linalg.norm(twist[3:]))
