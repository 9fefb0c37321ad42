"""The CT as attenuation at several resolutions, each ready to be projected."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from XRayLib.ct import Volume, attenuation_from_hu
from XRayLib.ct.blocks import block_mean
from XRayLib.projector import Projector


@dataclass(frozen=True)
class PyramidLevel:
    """One resolution of the CT."""

    spacing_mm: float
    """Voxel size as near as whole blocks allow, and the size that film pixels get at the patient."""
    projector: Projector


class AttenuationPyramid:
    """Projectors of one CT from coarse to fine.

    Parameters
    ----------
    ct : Volume
        HU, cropped to what is to be projected.
    pivot_ras_mm : (3,)
        The point that poses turn about.
    coarsest_mm : float
        Voxel size of the first level; each further one has half of it.
    finest_mm : float
        No level is finer than this.
    """

    def __init__(
        self,
        ct: Volume,
        pivot_ras_mm: NDArray[np.float64],
        coarsest_mm: float,
        finest_mm: float,
        *,
        device: str = "auto",
    ) -> None:
        self.pivot_ras_mm = pivot_ras_mm
        spacings = [coarsest_mm]
        while spacings[-1] / 2 >= finest_mm:
            spacings.append(spacings[-1] / 2)
        volume = Volume(attenuation_from_hu(ct.voxels), ct.ijk_to_ras, "mu_per_mm")
        levels = []
        for spacing_mm in reversed(spacings):
            volume = block_mean(volume, spacing_mm)
            levels.append(PyramidLevel(spacing_mm, Projector(volume, device=device)))
        self.levels = tuple(reversed(levels))
