"""The prepared network of one patient, opened for films."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from XRayLib.canonical_view.camera_frame import nominal_rotation
from XRayLib.canonical_view.window import CanonicalView, canonical_view
from XRayLib.case import Case
from XRayLib.errors import InputError, XRay3DError
from XRayLib.preparation.patient_folder import prepared_bundle
from XRayLib.radiograph import Radiograph

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

    @classmethod
    def opened(cls, folder: Path, device: str = "auto") -> Self:
        """The network in a prepared bundle's folder."""
        from XRayLib.bundle import load_bundle
        from XRayLib.runtime import open_session

        bundle = load_bundle(folder)
        patient = bundle.manifest.get("preparation")
        if not isinstance(patient, dict):
            raise InputError("The prepared model does not say what patient window it was trained on: prepare again.")
        return cls(
            session=open_session(bundle, device),
            window_mm=float(patient["window_mm"]),
            side_px=int(patient["side_px"]),
            middle_ras_mm=np.array(patient["middle_ras_mm"], float),
            corners_ras_mm=np.array(patient["corners_ras_mm"], float),
            validation=patient.get("validation", {}),
            views_deg=tuple((float(p), float(s)) for p, s in patient["settings"]["views_deg"]),
        )

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


def prepared_folder(case: Case, what: str, title: str, *, organ: bool = False) -> Path:
    """The bundle of that kind for the case's CT (and, with ``organ``, its mesh).

    Raises
    ------
    InputError
        Says what to choose, or how to prepare the patient when there is none.
    """
    if case.ct is None:
        raise InputError(f"{title} needs a CT of the patient: choose one.")
    if organ and case.mesh is None:
        raise InputError(f"{title} needs an organ mesh: choose one.")
    folder = prepared_bundle(case.ct, what, case.mesh if organ else None)
    if folder is None:
        of_what = "this organ of this CT" if organ else "this CT"
        mesh_option = " --prior-mesh MESH (or --prior-label LABELS:VALUE)" if organ else ""
        raise InputError(
            f"{title} has not been trained for {of_what}: press 'Prepare this patient', or run "
            f"'xray3d prepare CT{mesh_option} --what {what}'."
        )
    return folder


def all_finite(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """The values; XRay3DError when one is no number."""
    if not np.isfinite(values).all():
        raise XRay3DError("The network returned values that are not numbers: try the CPU as device.")
    return values
