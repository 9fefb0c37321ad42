"""The CT as attenuation at several resolutions, each ready to be projected."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from XRayLib.ct import Volume, attenuation_from_hu, remove_table
from XRayLib.ct.blocks import block_mean
from XRayLib.projector import Projector
from XRayLib.simulate.radiograph_simulation import cropped_to_body


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
        HU. The scanner's table is removed: the X-ray room has another or none.
    coarsest_mm : float
        Voxel size of the first level; each further one has half of it.
    finest_mm : float
        No level is finer than this.
    """

    def __init__(self, ct: Volume, coarsest_mm: float, finest_mm: float, *, device: str = "auto") -> None:
        self.body = cropped_to_body(remove_table(cropped_to_body(ct)))
        """The CT in HU without table, cropped to the patient."""
        self.center_ras_mm = self.body.center_ras_mm
        spacings = [coarsest_mm]
        while spacings[-1] / 2 >= finest_mm:
            spacings.append(spacings[-1] / 2)
        volume = Volume(attenuation_from_hu(self.body.voxels), self.body.ijk_to_ras, "mu_per_mm")
        levels = []
        for spacing_mm in reversed(spacings):
            volume = block_mean(volume, spacing_mm)
            levels.append(PyramidLevel(spacing_mm, Projector(volume, device=device)))
        self.levels = tuple(reversed(levels))

    @property
    def extent_mm(self) -> float:
        """Geometric mean of the patient's sides in the CT."""
        return float(np.prod(np.array(self.body.voxels.shape[::-1]) * self.body.spacing_mm) ** (1 / 3))
