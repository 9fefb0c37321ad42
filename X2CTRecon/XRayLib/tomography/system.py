"""The linear map from a voxel grid to coarse films, with its exact adjoint."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.projector import Projector, backproject
from XRayLib.tomography.films import Films

Array = NDArray[np.float32]

NEAREST_SOURCE_MM = 10.0


class ProjectionSystem:
    """Projects voxels of one grid (linear attenuation, 1/mm) into the films' views.

    Raises InputError when a source lies inside the grid or close to it.
    """

    def __init__(self, grid: Volume, films: Films, device: str = "auto") -> None:
        self.grid, self.films, self.device = grid, films, device
        for number, geometry in enumerate(films.geometries, 1):
            if geometry.depth_mm(grid.corners_ras_mm).min() < NEAREST_SOURCE_MM:
                raise InputError(
                    f"The X-ray source of film {number} lies inside the reconstructed region: check its geometry."
                )

    @property
    def shape(self) -> tuple[int, int, int]:
        """(k, j, i) of the grid."""
        return self.grid.voxels.shape  # type: ignore[return-value]

    @property
    def views(self) -> int:
        """Number of films."""
        return len(self.films.geometries)

    def volume(self, voxels: Array, quantity: str = "mu_per_mm") -> Volume:
        """The voxels as a volume on the grid."""
        return Volume(voxels, self.grid.ijk_to_ras, quantity)

    def forward(self, voxels: Array, view: int | None = None) -> Array:
        """Line integrals (views, rows, columns), or (1, rows, columns) of one view."""
        return Projector(self.volume(voxels), device=self.device).project(self._geometries(view))

    def adjoint(self, images: Array, view: int | None = None) -> Array:
        """The exact adjoint of ``forward``: (k, j, i), mm."""
        return backproject(images, self._geometries(view), self.grid, device=self.device)

    def _geometries(self, view: int | None) -> tuple:
        return self.films.geometries if view is None else self.films.geometries[view : view + 1]
