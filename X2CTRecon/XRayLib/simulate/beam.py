"""The X-ray beam: tube spectrum and what passes through water-like and bone-like tissue."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from XRayLib.simulate.materials import (
    ALUMINIUM_CM2_PER_G,
    ALUMINIUM_G_PER_CM3,
    bone_ratio,
    mass_attenuation,
    water_ratio,
)

Array = NDArray[np.float32]

ENERGY_BINS = 12


@dataclass(frozen=True)
class Spectrum:
    """Photon energies (keV) and the share of the detector's signal that each gives in the open beam; sum 1."""

    energy_kev: NDArray[np.float64]
    weight: NDArray[np.float64]


def tube_spectrum(kvp: float, filtration_mm_al: float) -> Spectrum:
    """Bremsstrahlung by Kramers' law behind an aluminium filter, as an energy-integrating detector weights it.

    Photons per energy ~ (kvp / E - 1) exp(-mu_Al(E) t); their signal ~ E (Kramers, Phil. Mag. 46, 1923).
    """
    edges = np.linspace(15.0, kvp, ENERGY_BINS + 1)
    energy = (edges[:-1] + edges[1:]) / 2
    filtered = np.exp(-mass_attenuation(ALUMINIUM_CM2_PER_G, energy) * ALUMINIUM_G_PER_CM3 * filtration_mm_al / 10)
    weight = (kvp / energy - 1) * filtered * energy
    return Spectrum(energy, weight / weight.sum())


def transmission(soft: Array, bone: Array, spectrum: Spectrum) -> Array:
    """Share of the open beam's signal behind tissue: sum over energies of weight * exp(-soft * r_w - bone * r_b).

    ``soft`` and ``bone`` are line integrals at the reference energy of the water-like and the bone-like part.
    """
    total = np.zeros_like(soft)
    for energy, weight in zip(spectrum.energy_kev, spectrum.weight, strict=True):
        exponent = soft * np.float32(-water_ratio(energy)) + bone * np.float32(-bone_ratio(energy))
        total += np.float32(weight) * np.exp(exponent)
    return total
