"""From tissue along the rays to the detector's signal: beam, scatter, grid, noise, blur."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from XRayLib.simulate.beam import transmission, tube_spectrum
from XRayLib.simulate.realism import Realism

Array = NDArray[np.float32]

PATIENT_LINE_INTEGRAL = 0.3
"""Rays with more than this pass the patient."""


def expose(
    soft: Array, bone: Array, pixel_spacing_mm: tuple[float, float], realism: Realism, rng: np.random.Generator
) -> Array:
    """Detector signal relative to the open beam's (1 without patient), for an exposure through tissue.

    Parameters
    ----------
    soft, bone : (rows, columns)
        Line integrals at the reference energy of water-like and bone-like tissue.
    pixel_spacing_mm : (row, column)
    realism : Realism
    rng : numpy Generator
        Draws the noise.
    """
    from scipy.ndimage import gaussian_filter

    primary = transmission(soft, bone, tube_spectrum(realism.kvp, realism.filtration_mm_al))
    signal = primary + _scatter(primary, soft + bone > PATIENT_LINE_INTEGRAL, pixel_spacing_mm, realism)
    signal *= _heel(signal.shape, realism)
    if realism.grid_lines > 0:
        signal *= _grid_lines(signal.shape, realism)
    area_mm2 = pixel_spacing_mm[0] * pixel_spacing_mm[1]
    photons = max(realism.photons_per_mm2 * area_mm2, 1.0)
    signal = (rng.poisson(signal * photons) / photons).astype(np.float32)
    if realism.blur_mm > 0:
        signal = gaussian_filter(signal, [realism.blur_mm / spacing for spacing in pixel_spacing_mm])
    if realism.electronic_noise > 0:
        signal = signal + rng.standard_normal(signal.shape, dtype=np.float32) * np.float32(realism.electronic_noise)
    # A pixel counts at least a fraction of one photon: its logarithm stays finite.
    return np.maximum(signal, np.float32(0.25 / photons))


def _scatter(primary: Array, patient: NDArray[np.bool_], spacing_mm: tuple[float, float], realism: Realism) -> Array:
    """Scattered signal: what the patient takes from the beam, spread widely.

    S = A * (p ln(1/p)) convolved with a wide Gaussian (Ohnesorge et al., Eur. Radiol. 9, 1999), with A such that the
    mean scatter-to-primary ratio behind the patient is the given one.
    """
    if realism.scatter_to_primary <= 0 or not patient.any():
        return np.zeros_like(primary)
    source = -primary * np.log(np.maximum(primary, np.float32(1e-9)))
    spread = _wide_blur(source, [realism.scatter_width_mm / spacing for spacing in spacing_mm])
    behind = primary[patient].mean() / max(float(spread[patient].mean()), 1e-9)
    return spread * np.float32(realism.scatter_to_primary * behind)


def _wide_blur(image: Array, sigma_px: list[float]) -> Array:
    """Gaussian blur with nothing beyond the edge, on a coarse copy where sigma allows."""
    import cv2

    rows, columns = image.shape
    factor = max(1, int(min(sigma_px) / 4))
    small = cv2.resize(image, (max(1, columns // factor), max(1, rows // factor)), interpolation=cv2.INTER_AREA)
    scale = small.shape[1] / columns, small.shape[0] / rows
    size = [2 * int(3 * sigma * s) + 1 for sigma, s in zip(sigma_px[::-1], scale, strict=True)]
    blurred = cv2.GaussianBlur(
        small, size, sigmaX=sigma_px[1] * scale[0], sigmaY=sigma_px[0] * scale[1], borderType=cv2.BORDER_CONSTANT
    )
    return cv2.resize(blurred, (columns, rows), interpolation=cv2.INTER_LINEAR)


def _heel(shape: tuple[int, int], realism: Realism) -> Array:
    """Intensity falling linearly across the field (anode heel effect)."""
    rows, columns = (np.linspace(-0.5, 0.5, n, dtype=np.float32) for n in shape)
    along = np.cos(realism.heel_direction_rad) * columns + np.sin(realism.heel_direction_rad) * rows[:, None]
    return (1 - realism.heel * (along + 0.5)).astype(np.float32)


def _grid_lines(shape: tuple[int, int], realism: Realism) -> Array:
    """Stripes along the columns that an anti-scatter grid leaves after aliasing with the pixels."""
    phase = 2 * np.pi * np.arange(shape[1], dtype=np.float32) / realism.grid_period_px
    return np.broadcast_to(1 + realism.grid_lines * np.sin(phase), shape).astype(np.float32)
