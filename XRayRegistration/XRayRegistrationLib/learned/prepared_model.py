"""The prepared networks of one patient that know the CT's pose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from XRayLib.canonical_view.camera_frame import rigid, world_to_camera
from XRayLib.canonical_view.window import CanonicalView
from XRayLib.case import Case, Options
from XRayLib.preparation.prepared_model import PreparedModel, all_finite, prepared_folder

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class PosePreparedModel(PreparedModel):
    """A pose network or a scene-coordinate network."""

    def scene(self, view: CanonicalView, waiting: Callable[[], None] | None = None) -> NDArray[np.float32]:
        """(8, rows, columns) of a scene-coordinate network; ``waiting`` is called while it runs and may raise."""
        found = self.session.run({"contrasts": view.contrasts[None]}, while_running=waiting)["scene"][0]
        return all_finite(found)

    def pose(
        self, view: CanonicalView, nominal_ct_to_world: Matrix, waiting: Callable[[], None] | None = None
    ) -> Matrix:
        """``ct_to_world`` by a pose network, told the orientation that the CT nominally has in the world."""
        camera, to_camera = world_to_camera(view.geometry)
        told = [camera[0, 0], camera[0, 2], camera[1, 2], view.middle_depth_mm]
        inputs = {
            "contrasts": view.contrasts[None],
            "nominal_rotation": (to_camera @ nominal_ct_to_world)[None, :3, :3].astype(np.float32),
            "camera": np.array([told], np.float32),
        }
        found = self.session.run(inputs, while_running=waiting)
        rotation = _nearest_rotation(all_finite(found["rotation"][0]).astype(float))
        return np.linalg.inv(to_camera) @ rigid(rotation, all_finite(found["translation"][0]))


def prepared_model(case: Case, what: str, title: str, options: Options) -> PosePreparedModel:
    """The network of that kind for the case's CT; InputError says how to prepare the patient when there is none."""
    return PosePreparedModel.opened(prepared_folder(case, what, title), options.device)


def _nearest_rotation(matrix: Matrix) -> Matrix:
    """Single precision leaves a rotation a little off; the nearest proper one."""
    left, _, right = np.linalg.svd(matrix)
    return left @ np.diag([1, 1, np.linalg.det(left @ right)]) @ right
