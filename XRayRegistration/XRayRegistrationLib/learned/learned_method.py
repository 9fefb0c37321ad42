"""What the two learned registrations share: a network prepared for the patient, a start, the common refinement."""

from __future__ import annotations

import dataclasses
import time
from abc import abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from XRayLib.case import Case, Options, Result, SurfaceMesh
from XRayLib.ct import Volume
from XRayLib.prepared_method import PreparedMethod
from XRayLib.registry import Needs, Progress

from XRayRegistrationLib.learned.predict import Prediction
from XRayRegistrationLib.learned.prepared_model import PosePreparedModel, prepared_model
from XRayRegistrationLib.preparation import preparation_state, prepare_patient

PREDICTED = 0.15
"""Share of the progress when the start is there."""

FARTHEST_VIEW_DEG = 30.0
"""From the nearest prepared view, before the user is told; training covers a little more."""
SEARCHED = (
    ("rotation_range_deg", "rotation_deg_p90", 3.0),
    ("shift_range_mm", "across_mm_p90", 5.0),
    ("depth_range_mm", "along_mm_p90", 20.0),
)
"""Option of the search, the measured error that it follows, and the least that is searched."""


class LearnedRegistration(PreparedMethod):
    """Subclasses say how the network's answer becomes candidate poses."""

    returns: ClassVar[str] = "pose"
    needs: ClassVar[Needs] = Needs(min_views=1, max_views=10, ct=True)

    @abstractmethod
    def predict(self, model: PosePreparedModel, case: Case, waiting: Callable[[], None]) -> Prediction:
        """Candidate poses for the case; calls ``waiting`` while it computes. RefusedError when there is none."""

    def prepare(
        self,
        ct: Volume,
        settings: Mapping[str, Any],
        progress: Progress,
        *,
        mesh: SurfaceMesh | None = None,  # noqa: ARG002 - the pose needs no organ
        resume: bool = True,
    ) -> Path:
        """See :func:`XRayRegistrationLib.preparation.prepare_patient`."""
        return prepare_patient(ct, self.id, settings, progress, resume)

    def preparation_state(
        self,
        ct: Volume,
        mesh: SurfaceMesh | None = None,  # noqa: ARG002 - the pose needs no organ
    ) -> dict[str, Any]:
        """See :func:`XRayRegistrationLib.preparation.preparation_state`."""
        return preparation_state(ct)[self.id]

    def run(self, case: Case, options: Options, progress: Progress) -> Result:
        """The pose about the network's start, as far as it was measured to err, refined and judged as by ``intensity``.

        With ``Options.extra["refine"]`` False the network's own poses are judged as they are.

        Raises
        ------
        InputError
            When the patient has not been prepared.
        RefusedError
            When the network's answer is no pose.
        """
        from XRayRegistrationLib.rigid.registration import register_rigid
        from XRayRegistrationLib.rigid.settings import RigidSettings

        started = time.perf_counter()
        progress(0.0, "Opening the patient's network")
        model = prepared_model(case, self.id, self.title, options)
        progress(0.05, "Predicting the pose")
        found = self.predict(model, case, lambda: progress(0.1, "Predicting the pose"))
        seconds = round(time.perf_counter() - started, 3)

        def refining(fraction: float, stage: str) -> None:
            progress(PREDICTED + (1 - PREDICTED) * fraction, stage)

        if RigidSettings.from_options(options).refine:
            about = dataclasses.replace(case, initial_ct_to_world=found.starts[0])
            nearby = dataclasses.replace(options, extra={**options.extra, **search_nearby(options, model.validation)})
            result = register_rigid(about, nearby, refining, method=self.id)
        else:
            result = register_rigid(case, options, refining, starts=list(found.starts), method=self.id)
        return self._completed(result, found, model, seconds, _unprepared_views(model, case))

    def _completed(
        self, result: Result, found: Prediction, model: PosePreparedModel, seconds: float, notes: tuple[str, ...]
    ) -> Result:
        """The result with what the network saw, its time and where it came from."""
        quality = result.pose_quality
        if quality is not None:
            quality = dataclasses.replace(quality, seconds={"prediction": seconds, **quality.seconds})
        bundle = model.session.bundle
        return dataclasses.replace(
            result,
            pose_quality=quality,
            point_cloud=found.point_cloud,
            warnings=(*notes, *result.warnings, *model.session.fallbacks),
            provenance={
                **result.provenance,
                "bundle": {"id": bundle.id, "version": bundle.version, "sha256": bundle.sha256},
                "validation": dict(model.validation),
                "seconds_prediction": seconds,
            },
        )


def _unprepared_views(model: PosePreparedModel, case: Case) -> tuple[str, ...]:
    """A sentence for every film from a direction that the network has never seen."""
    nominal = nominal_pose(case)
    sentences = []
    for number, radiograph in enumerate(case.radiographs, 1):
        angle = model.degrees_from_prepared(model.view(radiograph), nominal)
        if angle > FARTHEST_VIEW_DEG:
            geometry = radiograph.geometry
            sentences.append(
                f"X-ray {number} is taken {angle:.0f} degrees from the views that the network was prepared for: "
                f"prepare the patient for primary angle {geometry.primary_angle_deg:.0f} as well."
            )
    return tuple(sentences)


def nominal_pose(case: Case) -> NDArray[np.float64]:
    """Where the CT is before any film is looked at: as given, else as the films' geometry says."""
    from XRayRegistrationLib.rigid.nominal import nominal_start

    return nominal_start(case) if case.initial_ct_to_world is None else np.asarray(case.initial_ct_to_world, float)


def search_nearby(options: Options, validation: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a search about the pose of a network: as far as 90 % of its measured errors, no farther than asked.

    A network that is right to a few millimetres leaves nearly nothing to search; one that was trained for minutes still
    narrows it.
    """
    from XRayRegistrationLib.rigid.settings import RigidSettings

    asked = RigidSettings.from_options(options)
    found: dict[str, Any] = {"initialisation": "search"}
    for name, measured, least in SEARCHED:
        error, most = validation.get(measured), getattr(asked, name)
        found[name] = most if error is None else float(min(max(error, least), most))
    return found
