"""The prepared network of one organ, opened for films."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from XRayLib.case import SurfaceMesh
from XRayLib.motion import DeformationModes
from XRayLib.preparation.prepared_model import PreparedModel, all_finite
from XRayLib.radiograph import Radiograph

from X2CTReconLib.mesh_preparation.bundle_files import load_modes, load_surface

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class SeenMesh:
    """The organ as one film shows it: where its vertices have moved, CT RAS mm, and how far each may be off.

    ``displacement_mm`` (V, 3); ``covariance_mm2`` (V, 3, 3) or None.
    """

    displacement_mm: Matrix
    covariance_mm2: Matrix | None


@dataclass(frozen=True)
class PreparedMeshModel(PreparedModel):
    """A mesh network with the surface that it moves."""

    surface: SurfaceMesh | None = None

    @classmethod
    def opened(cls, folder: Path, device: str = "auto") -> Self:
        """The network in a prepared bundle's folder."""
        model = super().opened(folder, device)
        return replace(model, surface=load_surface(model.session.bundle.file("mesh")))

    def modes(self) -> DeformationModes:
        """Of the patient's motion."""
        return load_modes(self.session.bundle.file("data"))

    def seen(self, radiograph: Radiograph, ct_to_world: Matrix, waiting: Callable[[], None] | None = None) -> SeenMesh:
        """The organ on a film whose geometry is in the world, where the CT lies as ``ct_to_world`` (4x4) says."""
        view = self.organ_view(radiograph, ct_to_world)
        matrix = view.geometry.ras_to_pixel.copy()
        matrix[:, 3] += matrix[:, :3] @ self.middle_ras_mm
        inputs = {"contrasts": view.contrasts[None], "ras_to_pixel": matrix[None].astype(np.float32)}
        found = self.session.run(inputs, while_running=waiting)
        displacement = all_finite(found["displacement"][0]).astype(float)
        if "log_deviation" not in found:
            return SeenMesh(displacement, None)
        g = view.geometry
        axes = np.stack([g.column_direction, g.row_direction, g.detector_normal])
        variance = np.exp(2 * all_finite(found["log_deviation"][0]).astype(float))
        return SeenMesh(displacement, np.einsum("ai,va,aj->vij", axes, variance, axes))

    def organ_view(self, radiograph: Radiograph, ct_to_world: Matrix):
        """The window about the organ, geometry in CT RAS."""
        from XRayLib.canonical_view.window import canonical_view

        in_ct = replace(radiograph, geometry=radiograph.geometry.moved(ct_to_world))
        return canonical_view(in_ct, self.window_mm, self.side_px, self.middle_ras_mm)
