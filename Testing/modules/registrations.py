"""A worker for tests of the registration panel, and results that it may answer with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from modules.films import FakeClient, a_ct, a_film
from XRayLib.case import Case, Options, PoseQuality, Result
from XRayLib.jobs.failure import JobFailure
from XRayLib.motion import DisplacementField

DEFORMATION_QUALITY = {
    "folding_fraction": 0.0,
    "displacement_p95_mm": 12.3,
    "deviation_median_mm": 1.4,
    "deviation_p95_mm": 3.6,
    "held_out_similarity": 0.913,
    "held_out_similarity_rigid": 0.761,
}


class RegistrationClient(FakeClient):
    """Answers re-projections at once with a flat image, and everything else when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[tuple[str, Case, Options]] = []
        self.frames = 1
        self.preparations: list[tuple[str, Mapping[str, Any]]] = []
        self.state: Mapping[str, Any] = {}
        self.volumes: list[str] = []

    def run_method(self, method_id: str, case: Case, options: Options, **callbacks: Callable[..., None]) -> None:
        super().run_method(method_id, case, options, **callbacks)
        self.runs.append((method_id, case, options))

    def remove_volume(self, volume_id: str) -> None:
        self.volumes.remove(volume_id)

    def project(self, volume_id: str, _volume: Any, geometries: Sequence[Any], **callbacks: Any) -> None:
        self.volumes = sorted({*self.volumes, volume_id})
        images = [np.zeros(tuple(reversed(geometry.size_px)), np.float32) for geometry in geometries]
        for image in images:
            image[20:40, 20:40] = 1.0
        callbacks["on_result"](images)

    def request(self, kind: str, params: Any = None, **callbacks: Callable[..., None]) -> None:
        super().request(kind, params, **callbacks)
        if kind == "count_frames":
            callbacks["on_result"]({"frames": self.frames})

    def prepare_patient(self, _ct: Any, what: str, settings: Mapping[str, Any], **callbacks: Any) -> None:
        self.preparations.append((what, settings))
        self.prepared_organ = callbacks.pop("mesh", None)
        self._callbacks = callbacks

    def preparation_state(self, _ct: Any, **callbacks: Any) -> None:
        self.asked_organ = callbacks.pop("mesh", None)
        callbacks["on_result"](self.state)

    def cancelled_by_user(self) -> None:
        """What the worker answers to a cancel."""
        self._callbacks["on_error"](JobFailure("cancelled", "Cancelled."))


def shifted(right: float = 0.0, anterior: float = 0.0, superior: float = 0.0) -> np.ndarray:
    """A pose that shifts the CT."""
    pose = np.eye(4)
    pose[:3, 3] = (right, anterior, superior)
    return pose


def a_pose_result(
    pose: np.ndarray, accepted: bool = True, confidence: float = 0.97, depth_mm: float = 0.4, reason: str = ""
) -> Result:
    """A registration's result; its weak direction is front - back, the depth of a frontal film."""
    covariance = np.diag([0.1**2, depth_mm**2, 0.2**2, 1e-6, 1e-6, 1e-6])
    quality = PoseQuality(
        covariance,
        confidence,
        accepted,
        reason or ("" if accepted else "The X-ray shows another patient: check the CT."),
        similarity={"similarity": 0.91},
        seconds={"search": 1.5, "refinement": 0.5},
        initial_ct_to_world=np.eye(4),
    )
    return Result(
        "intensity",
        ct_to_world=pose,
        pose_quality=quality,
        warnings=("The film's distance was assumed.",),
        provenance={"method": "intensity", "seed": 0},
    )


def a_deformed_result(superior_mm: float = 10.0, accepted: bool = True) -> Result:
    """All of the CT moved toward the feet, before a shift of 7 mm to the right."""
    ct = a_ct()
    vectors = np.broadcast_to(np.float32((0, 0, superior_mm)), (*ct.voxels.shape, 3))
    result = a_pose_result(shifted(right=7.0), accepted=accepted)
    return replace(
        result,
        method="deformable",
        deformation=DisplacementField(vectors, ct.ijk_to_ras),
        quality=dict(DEFORMATION_QUALITY),
    )


def open_registration(slicer_main_window, load_module, client, monkeypatch):
    """The registration panel with a worker of the test's, or with what ``client`` makes for one that starts several."""
    load_module("X2CTRecon")
    load_module("XRayRegistration")
    monkeypatch.setattr("XRayRegistrationLib.panel.gui_client", client if callable(client) else lambda: client)
    return slicer_main_window.open_module("XRayRegistration")


def give_two_films_and_a_ct(widget) -> None:
    """Frontal, lateral, and the CT that they may show."""
    from XRayLib.scene.radiograph_nodes import put_radiograph
    from XRayLib.scene.volume_nodes import put_volume

    for angle, view in ((0.0, "PA"), (90.0, "LL")):
        widget.panel.addFilm(put_radiograph(a_film(angle, view), view))
    widget.panel.parameterNode.ctVolume = put_volume(a_ct(), "CT")
