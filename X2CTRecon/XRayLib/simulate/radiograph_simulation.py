"""Simulated radiographs of a CT: exact line integrals, or films with the flaws of real ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from XRayLib.ct import MU_WATER_PER_MM, Volume, attenuation_from_hu
from XRayLib.geometry import XRayGeometry
from XRayLib.projector import project
from XRayLib.radiograph import Radiograph
from XRayLib.simulate.exposure import expose
from XRayLib.simulate.film_processing import process
from XRayLib.simulate.materials import REFERENCE_KEV, attenuation_at, bone_share
from XRayLib.simulate.realism import Realism, draw_realism

Array = NDArray[np.float32]

AIR_HU = -950.0


def simulate_radiograph(
    ct: Volume,
    geometry: XRayGeometry,
    *,
    realism: str = "none",
    seed: int = 0,
    mu_water_per_mm: float = MU_WATER_PER_MM,
    energy_kev: float = REFERENCE_KEV,
    device: str = "auto",
) -> Radiograph:
    """One radiograph of a CT in HU.

    Parameters
    ----------
    ct : Volume
    geometry : XRayGeometry
        In the CT's RAS.
    realism : "none", "mild" or "hard"
        See ``realism.py``. Parameters come from ``realism_for(realism, seed)``.
    seed : int
        Draws the parameters, the noise and the markers' places.
    mu_water_per_mm : float
        Attenuation of water at the reference energy of 64 keV.
    energy_kev : float
        Photon energy when ``realism`` is "none"; other levels draw a spectrum.
    device : "auto", "cpu" or "cuda"

    Returns
    -------
    Radiograph
        Bone bright. Calibrated line integrals for "none", else an uncalibrated film with its true mask.
    """
    parameters = realism_for(realism, seed)
    source = f"simulated from a CT, realism {realism}, seed {seed}"
    if parameters.level == "none":
        cropped = cropped_to_body(ct)
        if energy_kev == REFERENCE_KEV:
            mu = attenuation_from_hu(cropped.voxels, mu_water_per_mm)
        else:
            mu = attenuation_at(cropped.voxels, energy_kev, mu_water_per_mm)
        image = project(Volume(mu, cropped.ijk_to_ras, "mu_per_mm"), [geometry], device=device)[0]
        return Radiograph(np.maximum(image, 0), geometry, calibrated=True, source=source)
    soft, bone = tissue_line_integrals(ct, [geometry], mu_water_per_mm=mu_water_per_mm, device=device)
    return film_of(soft[0], bone[0], geometry, parameters, np.random.default_rng([seed, 1]), source=source)


def realism_for(level: str, seed: int) -> Realism:
    """The parameters that ``simulate_radiograph`` uses for a level and seed."""
    return draw_realism(level, np.random.default_rng([seed, 0]))


def film_of(
    soft: Array,
    bone: Array,
    geometry: XRayGeometry,
    realism: Realism,
    rng: np.random.Generator,
    *,
    source: str = "simulated",
) -> Radiograph:
    """The film that an exposure through given tissue becomes; costs milliseconds, for augmentation on the fly."""
    signal = expose(soft, bone, geometry.pixel_spacing_mm, realism, rng)
    image, mask = process(signal, geometry.pixel_spacing_mm, realism, rng)
    return Radiograph(image, geometry, mask=mask, calibrated=False, source=source)


def tissue_line_integrals(
    ct: Volume,
    geometries: Sequence[XRayGeometry],
    *,
    mu_water_per_mm: float = MU_WATER_PER_MM,
    device: str = "auto",
) -> tuple[Array, Array]:
    """Line integrals at the reference energy, (views, rows, columns) each, of water-like and bone-like tissue."""
    cropped = cropped_to_body(ct)
    mu = attenuation_from_hu(cropped.voxels, mu_water_per_mm)
    total = project(Volume(mu, cropped.ijk_to_ras, "mu_per_mm"), geometries, device=device)
    mu *= bone_share(cropped.voxels)
    bone = project(Volume(mu, cropped.ijk_to_ras, "mu_per_mm"), geometries, device=device)
    return np.maximum(total - bone, 0), bone


def cropped_to_body(ct: Volume) -> Volume:
    """The part of the CT that is not all air, so that large scans cost no more than the patient in them."""
    kept = []
    for axis in range(3):
        others = tuple(n for n in range(3) if n != axis)
        occupied = np.flatnonzero(ct.voxels.max(axis=others) > AIR_HU)
        if occupied.size == 0:
            return ct
        kept.append(slice(max(occupied[0] - 1, 0), occupied[-1] + 2))
    matrix = ct.ijk_to_ras.copy()
    matrix[:3, 3] += matrix[:3, :3] @ [piece.start for piece in kept[::-1]]
    return Volume(ct.voxels[tuple(kept)], matrix, ct.quantity)
