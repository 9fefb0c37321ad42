"""Attenuation of water, bone and aluminium against photon energy, and tissue as a mixture of water and bone.

Mass attenuation coefficients: NIST (Hubbell and Seltzer, X-Ray Mass Attenuation Coefficients, NISTIR 5632), cortical
bone after ICRU-44.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from XRayLib.ct import MU_WATER_PER_MM

ENERGY_KEV = np.array([10.0, 15, 20, 30, 40, 50, 60, 80, 100, 150])
WATER_CM2_PER_G = np.array([5.329, 1.673, 0.8096, 0.3756, 0.2683, 0.2269, 0.2059, 0.1837, 0.1707, 0.1505])
BONE_CM2_PER_G = np.array([28.51, 9.032, 4.001, 1.331, 0.6655, 0.4242, 0.3148, 0.2229, 0.1855, 0.1480])
ALUMINIUM_CM2_PER_G = np.array([26.23, 7.955, 3.441, 1.128, 0.5685, 0.3681, 0.2778, 0.2018, 0.1704, 0.1378])
ALUMINIUM_G_PER_CM3 = 2.699

REFERENCE_KEV = 64.0
"""Energy at which MU_WATER_PER_MM holds and at which HU and attenuation are proportional for bone, too."""

SOFT_HU, CORTICAL_HU = 150.0, 1500.0
"""Tissue is water-like below the first, cortical bone above the second, and a mixture between them."""


def mass_attenuation(coefficients: NDArray[np.float64], energy_kev: ArrayLike) -> NDArray[np.float64]:
    """Log-log interpolation of one of the tables above, cm^2/g."""
    return np.exp(np.interp(np.log(np.asarray(energy_kev, float)), np.log(ENERGY_KEV), np.log(coefficients)))


def water_ratio(energy_kev: ArrayLike) -> NDArray[np.float64]:
    """Attenuation of water relative to that at REFERENCE_KEV."""
    return mass_attenuation(WATER_CM2_PER_G, energy_kev) / mass_attenuation(WATER_CM2_PER_G, REFERENCE_KEV)


def bone_ratio(energy_kev: ArrayLike) -> NDArray[np.float64]:
    """Attenuation of cortical bone relative to that at REFERENCE_KEV."""
    return mass_attenuation(BONE_CM2_PER_G, energy_kev) / mass_attenuation(BONE_CM2_PER_G, REFERENCE_KEV)


def bone_share(hu: NDArray[np.float32]) -> NDArray[np.float32]:
    """Part (0 to 1) of a voxel's attenuation that behaves like bone, by its HU."""
    return np.clip((hu - np.float32(SOFT_HU)) / np.float32(CORTICAL_HU - SOFT_HU), 0.0, 1.0)


def attenuation_at(
    hu: NDArray[np.float32], energy_kev: float, mu_water_per_mm: float = MU_WATER_PER_MM
) -> NDArray[np.float32]:
    """Linear attenuation, 1/mm, of tissue for one photon energy.

    mu = mu_water * (1 + HU/1000) * (water_ratio + bone_share * (bone_ratio - water_ratio)); ``mu_water_per_mm`` is
    that of REFERENCE_KEV, where the bracket is 1: there it equals ``attenuation_from_hu``.
    """
    reference = np.maximum(hu * np.float32(1e-3) + np.float32(1), 0) * np.float32(mu_water_per_mm)
    water, bone = np.float32(water_ratio(energy_kev)), np.float32(bone_ratio(energy_kev))
    return reference * (water + bone_share(hu) * (bone - water))
