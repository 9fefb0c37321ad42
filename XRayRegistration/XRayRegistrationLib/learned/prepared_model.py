"""The prepared network of one patient, opened for films."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from XRayLib.case import Case, Options
from XRayLib.ct import Volume
from XRayLib.errors import InputError, XRay3DError
from XRayLib.radiograph import Radiograph

from XRayRegistrationLib.learned.camera_frame import nominal_rotation, rigid, world_to_camera
from XRayRegistrationLib.learned.canonical_view import CanonicalView, canonical_view
from XRayRegistrationLib.preparation.patient_folder import prepared_bundle

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class PreparedModel:
    """A session of a prepared bundle and what its manifest says of the patient."""

    session: Any
    window_mm: float
    side_px: int
    middle_ras_mm: Matrix
    corners_ras_mm: Matrix
    validation: Mapping[str, Any]
    views_deg: tuple[tuple[float, float], ...] = ()
    """Nominal (primary, secondary) angles that were prepared; empty when unknown."""

    def degrees_from_prepared(self, view: CanonicalView, nominal_ct_to_world: Matrix) -> float:
        """Angle between the view's direction through the nominally placed CT and the nearest prepared one."""
        if not self.views_deg:
            return 0.0
        direction = view.geometry.moved(nominal_ct_to_world).detector_normal
        cosines = [direction @ nominal_rotation(*angles)[2] for angles in self.views_deg]
        return float(np.rad2deg(np.arccos(np.clip(max(cosines), -1, 1))))

    def view(self, radiograph: Radiograph) -> CanonicalView:
        """The film as this network sees it."""
        return canonical_view(radiograph, self.window_mm, self.side_px)

    def scene(self, view: CanonicalView, waiting: Callable[[], None] | None = None) -> NDArray[np.float32]:
        """(8, rows, columns) of a scene-coordinate network; ``waiting`` is called while it runs and may raise."""
        found = self.session.run({"contrasts": view.contrasts[None]}, while_running=waiting)["scene"][0]
        return _finite(found)

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
        rotation = _nearest_rotation(_finite(found["rotation"][0]).astype(float))
        return np.linalg.inv(to_camera) @ rigid(rotation, _finite(found["translation"][0]))


def prepared_model(case: Case, what: str, title: str, options: Options) -> PreparedModel:
    """The network of that kind for the case's CT; InputError says how to prepare the patient when there is none."""
    if case.ct is None:
        raise InputError(f"{title} needs a CT of the patient: choose one.")
    return opened_model(_bundle_folder(case.ct, what, title), options.device)


def opened_model(folder: Path, device: str = "auto") -> PreparedModel:
    """The network in a prepared bundle's folder."""
    from XRayLib.bundle import load_bundle
    from XRayLib.runtime import open_session

    bundle = load_bundle(folder)
    patient = bundle.manifest.get("preparation")
    if not isinstance(patient, dict):
        raise InputError("The prepared model does not say what patient window it was trained on: prepare again.")
    return PreparedModel(
        session=open_session(bundle, device),
        window_mm=float(patient["window_mm"]),
        side_px=int(patient["side_px"]),
        middle_ras_mm=np.array(patient["middle_ras_mm"], float),
        corners_ras_mm=np.array(patient["corners_ras_mm"], float),
        validation=patient.get("validation", {}),
        views_deg=tuple((float(p), float(s)) for p, s in patient["settings"]["views_deg"]),
    )


def _bundle_folder(ct: Volume, what: str, title: str) -> Path:
    folder = prepared_bundle(ct, what)
    if folder is None:
        raise InputError(
            f"{title} has not been trained for this CT: press 'Prepare this patient', or run "
            f"'xray3d prepare CT --what {what}'."
        )
    return folder


def _finite(values: NDArray[np.floating]) -> NDArray[np.floating]:
    if not np.isfinite(values).all():
        raise XRay3DError("The network returned values that are not numbers: try the CPU as device.")
    return values


def _nearest_rotation(matrix: Matrix) -> Matrix:
    """Single precision leaves a rotation a little off; the nearest proper one."""
    left, _, right = np.linalg.svd(matrix)
    return left @ np.diag([1, 1, np.linalg.det(left @ right)]) @ right
