"""A prepared displacement network, opened for films."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from XRayLib.canonical_view.window import canonical_view
from XRayLib.ct import Volume
from XRayLib.motion import DisplacementField
from XRayLib.preparation.prepared_model import PreparedModel, all_finite
from XRayLib.projector import Projector
from XRayLib.radiograph import Radiograph

from XRayRegistrationLib.displacement.network_input import FieldGrid, directions_of, projections_of

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class PreparedDisplacementModel(PreparedModel):
    """A displacement network with the grid of its field."""

    grid: FieldGrid | None = None

    @classmethod
    def opened(cls, folder: Path, device: str = "auto") -> Self:
        """The network in a prepared bundle's folder."""
        model = super().opened(folder, device)
        told = model.session.bundle.manifest["preparation"]
        shape = tuple(int(n) for n in told["field_shape_kji"])
        return replace(model, grid=FieldGrid(shape, np.array(told["field_ijk_to_ras"], float)))

    def field(
        self,
        radiographs: Sequence[Radiograph],
        ct_to_world: Matrix,
        ct: Projector,
        waiting: Callable[[], None] | None = None,
    ) -> DisplacementField:
        """The deformation before ``ct_to_world`` (4x4): the mean over the films of what each of them shows."""
        vectors = np.mean([self._seen(film, ct_to_world, ct, waiting) for film in radiographs], axis=0)
        return DisplacementField(vectors.astype(np.float32), self.grid.ijk_to_ras)

    def _seen(
        self, radiograph: Radiograph, ct_to_world: Matrix, ct: Projector, waiting: Callable[[], None] | None
    ) -> NDArray[np.float64]:
        in_ct = replace(radiograph, geometry=radiograph.geometry.moved(ct_to_world))
        view = canonical_view(in_ct, self.window_mm, self.side_px, self.middle_ras_mm)
        inputs = {
            "contrasts": view.contrasts[None],
            "projection": projections_of(ct, [view.geometry]),
            "direction": directions_of([view.geometry]),
        }
        found = self.session.run(inputs, while_running=waiting)["displacement"][0]
        return np.moveaxis(all_finite(found).astype(float), 0, -1)


def working_volume(ct: Volume) -> Volume:
    """The CT (HU) as the network's training projected it: without table, 4 mm."""
    from XRayLib.ct import remove_table, resample_isotropic
    from XRayLib.motion.motion_model import GRID_MM

    return resample_isotropic(remove_table(ct), GRID_MM)
