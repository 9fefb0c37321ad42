"""Hounsfield units to linear attenuation and back."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

MU_WATER_PER_MM = 0.02
"""Linear attenuation of water used throughout, 1/mm: about 64 keV effective energy (NIST XCOM: 0.0206/mm at 60 keV)."""


def attenuation_from_hu(hu: ArrayLike, mu_water_per_mm: float = MU_WATER_PER_MM) -> NDArray[np.float32]:
    """mu = mu_water * max(0, 1 + HU / 1000), float32, 1/mm. By the definition of the Hounsfield unit."""
    return np.maximum(np.asarray(hu, np.float32) * np.float32(1e-3) + np.float32(1), 0) * np.float32(mu_water_per_mm)


def hu_from_attenuation(mu_per_mm: ArrayLike, mu_water_per_mm: float = MU_WATER_PER_MM) -> NDArray[np.float32]:
    """HU = 1000 * (mu / mu_water - 1), float32."""
    return (np.asarray(mu_per_mm, np.float32) / np.float32(mu_water_per_mm) - np.float32(1)) * np.float32(1000)
