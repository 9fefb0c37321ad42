"""The training of the displacement network: films of the patient in motion, true fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from XRayLib.motion import DeformationModes, DisplacementField, MotionModel
from XRayLib.preparation.motion_films import MotionFilm, MotionFilms, OrganWindow
from XRayLib.preparation.motion_settings import MotionPreparationSettings
from XRayLib.preparation.task import (
    FILM_TENSOR,
    Batch,
    BundleDescription,
    Films,
    Measured,
    Task,
    as_tensor,
    film_pattern,
)

from XRayRegistrationLib.displacement.network import UNIT_MM, DisplacementNetwork
from XRayRegistrationLib.displacement.network_input import (
    FieldGrid,
    directions_of,
    field_grid_of,
    modes_on,
    projections_of,
    projector_of,
)

Matrix = NDArray[np.float64]

WHAT = "displacement-field"
NEAR_MM = 40.0
"""The film shows the organ and this much around it: what is farther counts less, air nothing."""
FAR_WEIGHT = 0.1
BODY_HU = -900.0
SMOOTHNESS = 0.05

USE = "Deforming exactly this CT onto X-rays of the same patient. Research use only."
LIMITS = (
    "Knows one CT only; for another patient, or after an operation, its answer means nothing.",
    "Trained on simulated films and simulated breathing; what the motion model cannot do it cannot show.",
    "Along the beam one X-ray shows little: there the field is what usually goes with what is seen.",
)
MEASURED = (
    Measured("mtre_mm", "median mean error of the organ's points", "mm", "nominal_mtre_mm", "no deformation"),
    Measured("mtre_mm_p95", "95th percentile of films, mean error of the organ's points", "mm"),
    Measured("folding_fraction", "largest share of folded nodes", ""),
)


class DisplacementTask(Task):
    """``target`` of a batch (N, 3, k, j, i) is the true displacement in mm where the CT is assumed to lie."""

    what = WHAT
    defaults: ClassVar[Mapping[str, float]] = {"width": 8, "batch": 8, "learning_rate": 1e-3}
    inputs = ("contrasts", "projection", "direction")
    outputs = ("displacement",)

    def __init__(
        self, motion: MotionModel, window: OrganWindow, modes: DeformationModes, settings: MotionPreparationSettings
    ) -> None:
        super().__init__(window, settings)
        self._motion, self._motion_settings = motion, settings
        self._grid = field_grid_of(motion.ct)
        self._modes = modes_on(self._grid, modes)
        self._points = DisplacementField.identity(self._grid.shape_kji, self._grid.ijk_to_ras).voxel_points()
        self._weights = as_tensor(_weights(motion, self._grid, self._points, window))
        self._projector = projector_of(motion.ct, settings.device)

    def films(self) -> Films:
        """Of the patient in motion, with the fields."""
        grid = self._grid
        return MotionFilms(self._motion, self.patient, self._motion_settings, (grid.shape_kji, grid.ijk_to_ras))

    def network(self) -> nn.Module:
        """A fresh one."""
        return DisplacementNetwork(self.settings.width, self.settings.input_px, *self._modes)

    def batch(self, films: Sequence[MotionFilm]) -> Batch:
        """Films, projections of the CT where it is assumed to lie, and the displacement from there."""
        geometries = [film.geometry for film in films]
        return {
            "contrasts": as_tensor([film.contrasts for film in films]),
            "projection": as_tensor(projections_of(self._projector, geometries)),
            "direction": as_tensor(directions_of(geometries)),
            "target": as_tensor([np.moveaxis(total_displacement(film, self._points), -1, 0) for film in films]),
        }

    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, float]:
        """Weighted mean length of the error, and a little smoothness of it; the mean length in mm."""
        found = network(*(batch[name] for name in self.inputs))
        error = (found - batch["target"]) / UNIT_MM
        weights = self._weights.to(error.device)
        length = torch.sqrt((error * error).sum(dim=1) + 1e-4)
        mean = (length * weights).sum() / (weights.sum() * len(length))
        rough = sum(torch.diff(error, dim=axis).square().mean() for axis in (2, 3, 4))
        return mean + SMOOTHNESS * rough, float(mean.detach()) * UNIT_MM

    def description(self) -> BundleDescription:
        """For the bundle; the grid of the field is told with the patient."""
        side = self.settings.input_px
        projection = film_pattern(side) | {"seed": 8}
        field = {"role": "displacement", "layout": "NCDHW", "quantity": "mm", "axes": "RAS"}
        return BundleDescription(
            title="Displacement field of one patient",
            task="deform2d3d",
            intended_use=USE,
            limitations=LIMITS,
            measured=MEASURED,
            parity_inputs={
                "contrasts": film_pattern(side),
                "projection": projection,
                "direction": {"pattern": "uniform", "seed": 9, "shape": [1, 6], "low": -1.0, "high": 1.0},
            },
            tensors={
                "contrasts": FILM_TENSOR,
                "projection": {**FILM_TENSOR, "role": "projection"},
                "direction": {"role": "direction", "layout": "NC", "quantity": "unit vectors"},
                "displacement": field,
            },
            patient=self._patient_values(),
        )

    def _patient_values(self) -> Mapping[str, Any]:
        return {"field_shape_kji": list(self._grid.shape_kji), "field_ijk_to_ras": self._grid.ijk_to_ras.tolist()}


def total_displacement(film: MotionFilm, points_ras_mm: Matrix) -> Matrix:
    """(..., 3): from points of the patient now, where the CT is assumed to lie, to the same points of the CT."""
    back = np.linalg.inv(film.true_to_assumed)
    true = points_ras_mm @ back[:3, :3].T + back[:3, 3]
    return film.field.in_ct(true) - points_ras_mm


def _weights(motion: MotionModel, grid: FieldGrid, points: Matrix, window: OrganWindow) -> NDArray[np.float32]:
    """(k, j, i): 1 in the body near the organ, less farther off, 0 in air."""
    body = DisplacementField.identity(grid.shape_kji, grid.ijk_to_ras).warp(motion.ct).voxels > BODY_HU
    low, high = window.corners_ras_mm.min(axis=0), window.corners_ras_mm.max(axis=0)
    outside_mm = np.maximum(np.maximum(low - points, points - high), 0).max(axis=-1)
    return np.where(outside_mm < NEAR_MM, 1.0, FAR_WEIGHT).astype(np.float32) * body
