"""An organ that is full of blood is not squeezed by the breath: how much a deformation changes its volume.

Edges seen on a film would else be met by an organ that swells, and what is not seen moves along.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from XRayLib.case import SurfaceMesh
from XRayLib.mesh.surface_graph import area_normals
from XRayLib.metrics.mesh_solid import signed_volume_mm3
from XRayLib.motion import DisplacementField

Matrix = NDArray[np.float64]

VOLUME_DEVIATION = 0.02
"""Of the volume, relative to that in the CT: blood that comes and goes, and what the model of breathing squeezes."""


@dataclass(frozen=True)
class VolumeChange:
    """By which share of itself the volume has grown, and how that changes with each parameter (parameters,)."""

    share: float
    slope: Matrix

    @property
    def surprise(self) -> float:
        """Negative log probability but for a constant."""
        return 0.5 * (self.share / VOLUME_DEVIATION) ** 2

    @property
    def gradient(self) -> Matrix:
        """Of ``surprise``."""
        return self.share * self.slope / VOLUME_DEVIATION**2

    @property
    def precision(self) -> Matrix:
        """(parameters, parameters) its curvature."""
        return np.outer(self.slope, self.slope) / VOLUME_DEVIATION**2


def volume_change(
    organ: SurfaceMesh, now: DisplacementField, derivatives: Sequence[DisplacementField], parameters: int
) -> VolumeChange:
    """Of the organ (closed, where it is in the CT) under the field ``now``.

    ``derivatives``: change of the field with the last of so many ``parameters``; the others leave the volume.

    Raises
    ------
    InputError
        When the field folds at the organ.
    """
    points = now.moved(organ.points)
    planned_mm3 = signed_volume_mm3(organ.points, organ.triangles)
    share = signed_volume_mm3(points, organ.triangles) / planned_mm3 - 1
    outward = area_normals(points, organ.triangles) / (6 * planned_mm3)
    slope = np.zeros(parameters)
    if derivatives:
        # A displacement leads from now to the CT: what it gains, the organ loses.
        slope[-len(derivatives) :] = [-np.sum(outward * change.at(points, extend=True)) for change in derivatives]
    return VolumeChange(share, slope)
