"""Metal in front of the patient: rods, a ring and screws, as line integrals on the detector."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from XRayLib.geometry import XRayGeometry

STEEL_PER_MM = 0.8
"""Attenuation of steel near the reference energy (NIST: iron 1.2 cm^2/g at 60 keV, 0.6 at 80 keV; 7.8 g/cm^3)."""


def metal_integrals(view: XRayGeometry, rng: np.random.Generator) -> NDArray[np.float32]:
    """(rows, columns) line integrals of two to four rods, a ring half of the time and up to four screws."""
    columns, rows = view.size_px
    row_mm, column_mm = view.pixel_spacing_mm
    y, x = np.mgrid[:rows, :columns].astype(np.float32)
    x, y = (x - (columns - 1) / 2) * column_mm, (y - (rows - 1) / 2) * row_mm
    half_mm = 0.5 * min(columns * column_mm, rows * row_mm)
    total = np.zeros((rows, columns), np.float32)
    for _ in range(rng.integers(2, 5)):
        total += _rod(x, y, rng.uniform(-0.7, 0.7, 2) * half_mm, rng.uniform(80, 260), rng.uniform(2, 5), rng)
    for _ in range(rng.integers(0, 5)):
        total += _rod(x, y, rng.uniform(-0.5, 0.5, 2) * half_mm, rng.uniform(30, 60), rng.uniform(2.5, 4), rng)
    if rng.random() < 0.5:
        total += _ring(x, y, rng.uniform(-0.4, 0.4, 2) * half_mm, rng.uniform(40, 80), rng.uniform(2, 4))
    return total


def _rod(
    x: NDArray, y: NDArray, middle_mm: NDArray, length_mm: float, radius_mm: float, rng: np.random.Generator
) -> NDArray:
    angle = rng.uniform(0, np.pi)
    along = np.cos(angle) * (x - middle_mm[0]) + np.sin(angle) * (y - middle_mm[1])
    across = np.cos(angle) * (y - middle_mm[1]) - np.sin(angle) * (x - middle_mm[0])
    beyond = np.maximum(np.abs(along) - length_mm / 2, 0)
    return _chord(np.hypot(across, beyond), radius_mm)


def _ring(x: NDArray, y: NDArray, middle_mm: NDArray, ring_mm: float, radius_mm: float) -> NDArray:
    return _chord(np.abs(np.hypot(x - middle_mm[0], y - middle_mm[1]) - ring_mm), radius_mm)


def _chord(distance_mm: NDArray, radius_mm: float) -> NDArray:
    return 2 * STEEL_PER_MM * np.sqrt(np.maximum(radius_mm**2 - distance_mm**2, 0)).astype(np.float32)
